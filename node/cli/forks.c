/* forks.c - griot forks, griot classify: logs of which two histories were signed, and what the operators of hubs say of them. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <string.h>

enum { LOG_DIGITS = 12 };

/* ---- forks ---- */

static const char *state_text(const char *state)
{
    return strcmp(state, "disputed") == 0 ? _("disputed") : strcmp(state, "evidence") == 0 ? _("evidence, nothing in dispute") : _("the log is not here");
}

static const char *name_of(const json_t *row, const char *key, const char *id_key)
{
    const char *name = reply_string(row, key);

    return name[0] != '\0' ? name : reply_string(row, id_key);
}

void render_verdicts(FILE *to, const json_t *verdicts, const char *indent)
{
    char when[TEXT_TIME_BYTES], reason[1024];
    const json_t *row;
    size_t i;

    json_array_foreach(verdicts, i, row)
    {
        bool is_accident = strcmp(reply_string(row, "class"), "accident") == 0;

        text_clean(reason, sizeof reason, reply_string(row, "reason"));
        (void)fprintf(to, is_accident ? _("%s%s says, %s: an accident. %s") : _("%s%s says, %s: malice. %s"), indent, name_of(row, "by", "by_id"), reply_when(when, reply_string(row, "when")), reason);
        if (json_is_true(json_object_get(row, "of_older_proof"))) {
            (void)fprintf(to, " %s", _("(of an earlier proof)"));
        }
        (void)fputc('\n', to);
    }
    if (json_array_size(verdicts) == 0) {
        (void)fprintf(to, "%s%s\n", indent, _("not classified yet"));
    }
}

static void print_fork(const json_t *fork)
{
    char disputed[TEXT_NUMBER_BYTES], seq[TEXT_NUMBER_BYTES], counts[TEXT_NUMBER_BYTES], when[2][TEXT_TIME_BYTES];
    const json_t *branches = json_object_get(fork, "branches");
    uint64_t aside = 0;

    (void)printf("%.*s  %s  %s\n", LOG_DIGITS, reply_string(fork, "log"), name_of(fork, "origin", "origin_id"), state_text(reply_string(fork, "state")));
    (void)printf(_("  channel %s, the two part at commit %s; recorded %s and %s\n"), reply_string(fork, "channel"), reply_count(seq, fork, "seq"),
                 reply_when(when[0], reply_string(json_array_get(branches, 0), "recorded")), reply_when(when[1], reply_string(json_array_get(branches, 1), "recorded")));
    if (!json_is_null(json_object_get(fork, "counts"))) {
        (void)printf(json_is_true(json_object_get(fork, "final")) ? _("  counts up to commit %s, which is final; disputed entries held here: %s\n")
                                                                  : _("  counts up to commit %s, not final yet; disputed entries held here: %s\n"),
                     reply_count(counts, fork, "counts"), reply_count(disputed, fork, "disputed"));
    }
    if (reply_number(fork, "aside", &aside) && aside > 0) {
        (void)printf(ngettext("  %llu entry of the other branch is kept as evidence\n", "  %llu entries of the other branch are kept as evidence\n", (unsigned long)aside), (unsigned long long)aside);
    }
    render_verdicts(stdout, json_object_get(fork, "verdicts"), "  ");
}

static void print_liar(const json_t *hub)
{
    const json_t *said = json_object_get(hub, "frontiers");
    char seq[2][TEXT_NUMBER_BYTES], when[2][TEXT_TIME_BYTES];

    (void)printf(_("%s has signed two statements that exclude each other, of log %.*s: commit %s of one branch (%s), commit %s of another (%s)\n"), name_of(hub, "hub", "hub_id"), LOG_DIGITS,
                 reply_string(hub, "log"), reply_count(seq[0], json_array_get(said, 0), "seq"), reply_when(when[0], reply_string(json_array_get(said, 0), "when")),
                 reply_count(seq[1], json_array_get(said, 1), "seq"), reply_when(when[1], reply_string(json_array_get(said, 1), "when")));
}

static int run_forks(struct invocation *invocation)
{
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s}", "do", "forks"), &answer);
    const json_t *row;
    size_t i;

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else if (json_array_size(json_object_get(answer, "forks")) + json_array_size(json_object_get(answer, "hubs")) == 0) {
        tell(invocation, "%s", _("No fork is known: no node has signed two histories."));
        outcome = OUTCOME_NOTHING;
    } else {
        json_array_foreach(json_object_get(answer, "forks"), i, row)
        {
            print_fork(row);
        }
        json_array_foreach(json_object_get(answer, "hubs"), i, row)
        {
            print_liar(row);
        }
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row forks_examples[] = {
    {"griot forks", N_("every fork that is proven, with what hubs say of it")},
    {NULL, NULL},
};

const struct command command_forks = {
    .name = "forks",
    .usage = "",
    .summary = N_("show logs of which two histories were signed, and what was said of them"),
    .details = N_("A fork is two signed commits at one place of one log: two copies of a node have gone on with it, by accident or by malice. The proof goes to every node and is kept for ever. "
                  "What comes before it counts; what comes after it is kept and shown as disputed, unless more than half of the hubs held it already: then it is final, and the other branch is "
                  "evidence. The node itself issues its disputed records again in a new log.\n\n"
                  "Hubs that have signed two statements which exclude each other are listed too."),
    .examples = forks_examples,
    .run = run_forks,
};

/* ---- classify ---- */

static int run_classify(struct invocation *invocation)
{
    const char *class = invocation->operands[1], *why = option_text(invocation, "why");
    json_t *answer = NULL;
    int outcome;

    if (strcmp(class, "accident") != 0 && strcmp(class, "malice") != 0) {
        return fail_because(invocation, ERR_USAGE, _("no such class of forks"), _("it is accident or malice"), NULL);
    }
    outcome = ask(invocation, json_pack("{s:s, s:s, s:s, s:s}", "do", "classify", "log", invocation->operands[0], "class", class, "reason", why != NULL ? why : ""), &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else if (strcmp(reply_string(answer, "state"), "classified") != 0) {
        (void)printf("%s\n", _("This hub has said just that already."));
    } else {
        (void)printf(strcmp(class, "accident") == 0 ? _("The fork of %s is classified by %s: an accident\n") : _("The fork of %s is classified by %s: malice\n"),
                     name_of(answer, "origin", "origin_id"), reply_node(answer));
        tell(invocation, "%s", _("Every node of the region will show it. It decides nothing of what counts."));
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row classify_options[] = {
    {"why", 'w', "TEXT", N_("what was found out, up to 200 bytes; signed, so every node of the region reads it"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row classify_examples[] = {
    {"griot classify sn accident --why \"the disk was copied before the move\"", N_("the one fork of that node")},
    {"griot classify 8770aea8cf5c malice --why \"stolen at Aflao\"", N_("one log, by its first digits")},
    {NULL, NULL},
};

const struct command command_classify = {
    .name = "classify",
    .usage = "LOG accident|malice [--why TEXT]",
    .summary = N_("say, as a hub, what a fork was"),
    .details = N_("LOG is the first digits of the log's id, as griot forks shows it, or the name of its node. The statement is signed and goes to every node: it stands with the fork, in the "
                  "warnings, and with each disputed record. Where two hubs contradict each other, both are shown. A later statement of the same hub takes the place of an earlier one."),
    .options = classify_options,
    .examples = classify_examples,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_classify,
};

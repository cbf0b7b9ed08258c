/* status.c - griot, griot status: this node in about ten lines. Warnings come right after the title; the next step comes last. */
#include "node/cli/reply.h"
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"

#include <string.h>

enum { NAMES_MAX = 6, LINE_BYTES = 512 };

static const char *on(bool is_color, const char *code)
{
    return is_color ? code : "";
}

static void print_title(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *node = json_object_get(answer, "node");
    char age[TEXT_NUMBER_BYTES];
    char seen[LINE_BYTES];
    char name[96];
    uint64_t uptime = 0;
    bool is_store = strcmp(reply_string(answer, "from"), "store") == 0;

    text_clean(name, sizeof name, reply_node(answer));
    (void)fprintf(to, "%s%s%s   %s · %s", on(is_color, "\033[1m"), name, on(is_color, "\033[0m"), role_word(reply_string(node, "role")),
                  reply_string(answer, "version"));
    if (!is_store && reply_number(answer, "uptime_ms", &uptime)) {
        (void)fprintf(to, " · %s ", _("up"));
        (void)fputs(text_age(age, uptime), to);
    }
    (void)fprintf(to, "      %s\n", reply_seen(seen, sizeof seen, answer));
}

/* Of an audit trail: whose, since when, and how it differs. */
static void print_trail(FILE *to, const json_t *warning, const char *whom)
{
    char named[TEXT_NUMBER_BYTES], said[TEXT_NUMBER_BYTES];
    uint64_t lost = 0;

    (void)fprintf(to, "             ");
    (void)fprintf(to, _("%s, %s"), whom, reply_string(warning, "when"));
    if (strcmp(reply_string(warning, "code"), "AUDIT-BACK") == 0) {
        (void)fprintf(to, ": ");
        (void)fprintf(to, _("it had named row %s, then row %s"), reply_count(named, warning, "named"), reply_count(said, warning, "said"));
    } else if (reply_number(warning, "lost", &lost) && lost > 0) {
        (void)fprintf(to, ": ");
        (void)fprintf(to, ngettext("%s row is not in it any more", "%s rows are not in it any more", (unsigned long)lost), text_count(named, lost));
    }
    (void)fputc('\n', to);
}

/* Of an act: whom, by whom, when, and why if it was said. */
static void print_act(FILE *to, const json_t *warning)
{
    char whom[96], who[96], reason[LINE_BYTES];

    if (json_object_get(warning, "verdicts") != NULL) { /* a fork: whose, which log, and what hubs say of it */
        text_clean(whom, sizeof whom, reply_string(warning, "whom"));
        (void)fprintf(to, "             ");
        (void)fprintf(to, _("%s, log %.12s\n"), whom, reply_string(warning, "log"));
        render_verdicts(to, json_object_get(warning, "verdicts"), "             ");
        return;
    }
    if (json_object_get(warning, "when") == NULL) {
        if (json_object_get(warning, "who") != NULL) {
            text_clean(who, sizeof who, reply_string(warning, "who"));
            (void)fprintf(to, "             %s\n", who);
        }
        return;
    }
    text_clean(whom, sizeof whom, reply_string(warning, "whom"));
    if (json_object_get(warning, "named") != NULL) {
        print_trail(to, warning, whom);
        return;
    }
    text_clean(who, sizeof who, reply_string(warning, "who"));
    text_clean(reason, sizeof reason, reply_string(warning, "reason"));
    (void)fprintf(to, "             ");
    if (who[0] == '\0') {
        (void)fprintf(to, "%s\n", whom);
        return;
    }
    (void)fprintf(to, _("%s, by %s, %s"), whom, who, reply_string(warning, "when"));
    (void)fprintf(to, "%s%s\n", reason[0] != '\0' ? ": " : "", reason);
}

static void print_warnings(FILE *to, const json_t *answer, bool is_color)
{
    size_t i;
    const json_t *warning;
    char text[LINE_BYTES];

    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
    {
        const char *what = reply_string(warning, "text");
        const char *advice = reply_string(warning, "do");
        text_clean(text, sizeof text, what[0] != '\0' ? _(what) : "");
        (void)fprintf(to, "  %s%s%s  %s [%s]\n", on(is_color, "\033[33m"), _("ATTENTION"), on(is_color, "\033[0m"), text,
                      reply_string(warning, "code"));
        print_act(to, warning);
        if (advice[0] != '\0') {
            text_clean(text, sizeof text, _(advice));
            (void)fprintf(to, "             → %s\n", text);
        }
    }
}

/* A line's name, padded by what it takes on the screen in this language. */
static void print_name(FILE *to, const char *name)
{
    enum { NAME_COLUMNS = 13 };
    size_t width = text_width(name);

    (void)fprintf(to, "  %s%*s", name, width < NAME_COLUMNS ? (int)(NAME_COLUMNS - width) : 1, "");
}

static void print_recorded(FILE *to, const json_t *answer)
{
    const json_t *kinds = json_object_get(answer, "kinds");
    const json_t *store = json_object_get(answer, "store");
    char number[TEXT_NUMBER_BYTES];
    char size[TEXT_NUMBER_BYTES];
    uint64_t count = 0;
    uint64_t aggregates = 0;
    uint64_t bytes = 0;
    bool is_known;

    print_name(to, _("recorded"));
    is_known = reply_number(kinds, "seizure", &count);
    (void)reply_number(answer, "aggregates", &aggregates);
    aggregates = aggregates < count ? aggregates : count;
    count -= aggregates;
    (void)fprintf(to, ngettext("%s seizure", "%s seizures", (unsigned long)count), is_known ? text_count(number, count) : "?");
    if (aggregates > 0) {
        (void)fputs(", ", to);
        (void)fprintf(to, ngettext("%s aggregate", "%s aggregates", (unsigned long)aggregates), text_count(number, aggregates));
    }
    count = 0;
    (void)reply_number(kinds, "alert", &count);
    (void)fputs(", ", to);
    (void)fprintf(to, ngettext("%s alert", "%s alerts", (unsigned long)count), reply_count(number, kinds, "alert"));
    if (reply_number(store, "bytes", &bytes)) {
        (void)fprintf(to, " · %s %s", _("store"), text_bytes(size, bytes));
    }
    if (reply_number(store, "disk_free", &bytes)) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, _("%s free"), text_bytes(size, bytes));
    }
    (void)fputc('\n', to);
    if (strcmp(reply_string(store, "intake"), "stopped") == 0) {
        print_name(to, "");
        (void)fprintf(to, "%s\n", _("nothing new is taken in: the disk is below its reserve; reading goes on"));
    }
}

/* What own records have reached. Without knowledge nothing good is said. */
static void print_outgoing(FILE *to, const json_t *answer)
{
    const json_t *peers = json_object_get(answer, "peers");
    size_t known = 0;
    size_t complete = 0;
    uint64_t worst = 0;
    const char *worst_name = "";
    size_t i;
    const json_t *peer;
    char number[TEXT_NUMBER_BYTES];

    print_name(to, _("outgoing"));
    if (json_is_false(json_object_get(answer, "released"))) {
        (void)fprintf(to, "%s\n", _("kept here until a hub or two other nodes confirm what they already hold of this node"));
        return;
    }
    json_array_foreach(peers, i, peer)
    {
        uint64_t missing = 0;
        if (!reply_number(peer, "they_miss", &missing)) {
            continue;
        }
        known++;
        complete += missing == 0;
        if (missing > worst) {
            worst = missing;
            worst_name = reply_string(peer, "name");
        }
    }
    if (known == 0) {
        (void)fprintf(to, "%s\n", _("not known yet: no peer has said what it holds"));
        return;
    }
    (void)fprintf(to, ngettext("%zu of %zu peers holds all that is here", "%zu of %zu peers hold all that is here", (unsigned long)complete),
                  complete, json_array_size(peers));
    if (worst > 0) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, _("%s lacks %s"), worst_name, text_count(number, worst));
    }
    if (known < json_array_size(peers)) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, ngettext("unknown for %zu", "unknown for %zu", (unsigned long)(json_array_size(peers) - known)),
                      json_array_size(peers) - known);
    }
    (void)fputc('\n', to);
}

static void print_incoming(FILE *to, const json_t *answer)
{
    const json_t *missing = json_object_get(answer, "missing");
    const json_t *unknown = json_object_get(missing, "unknown");
    bool is_alone = json_is_true(json_object_get(missing, "alone"));
    char number[TEXT_NUMBER_BYTES];
    char names[LINE_BYTES];
    uint64_t total = 0;

    print_name(to, _("incoming"));
    if (!reply_number(missing, "total", &total)) {
        (void)fprintf(to, "%s\n", _("not known yet: no peer has said what there is"));
        return;
    }
    if (total > 0) {
        (void)fprintf(to, ngettext("%s entry known elsewhere is missing here", "%s entries known elsewhere are missing here", (unsigned long)total),
                      text_count(number, total));
    } else if (!is_alone && json_array_size(unknown) == 0) {
        (void)fprintf(to, "%s", _("0 missing: every known entry of every member is here"));
    } else {
        (void)fprintf(to, "%s", _("0 missing of what is known"));
    }
    if (is_alone) {
        (void)fprintf(to, " · %s", reply_silence(names, sizeof names, missing));
    } else if (json_array_size(unknown) > 0) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, _("never heard of: %s"), reply_names(names, sizeof names, unknown, NAMES_MAX));
    }
    (void)fputc('\n', to);
}

static void print_links(FILE *to, const json_t *answer)
{
    static const char *const order[] = {"current", "catching up", "paused", "unknown", "behind", "silent", "blocked"};
    const json_t *peers = json_object_get(answer, "peers");
    bool is_first = true;

    print_name(to, _("links"));
    for (size_t s = 0; s < sizeof order / sizeof order[0]; s++) {
        size_t i;
        size_t count = 0;
        const json_t *peer;
        json_array_foreach(peers, i, peer)
        {
            count += strcmp(reply_string(peer, "state"), order[s]) == 0;
        }
        if (count > 0) {
            (void)fprintf(to, "%s%zu %s", is_first ? "" : ", ", count, state_word(order[s]));
            is_first = false;
        }
    }
    (void)fprintf(to, "%s\n", is_first ? _("no peer is known") : "");
}

static void print_search(FILE *to, const json_t *answer)
{
    const json_t *index = json_object_get(answer, "index");
    uint64_t followed = 0;
    uint64_t journal = 0;
    char number[TEXT_NUMBER_BYTES];

    print_name(to, _("search"));
    if (!reply_number(index, "followed", &followed) || !reply_number(index, "journal", &journal)) {
        (void)fprintf(to, "%s\n", _("not known"));
    } else if (followed >= journal) {
        (void)fprintf(to, "%s\n", _("finds everything that is here"));
    } else {
        (void)fprintf(to, ngettext("%s entry is not searchable yet", "%s entries are not searchable yet", (unsigned long)(journal - followed)),
                      text_count(number, journal - followed));
        (void)fputc('\n', to);
    }
}

static void print_refused(FILE *to, const json_t *answer)
{
    const json_t *refused = json_object_get(answer, "refused");
    size_t i;
    const json_t *reason;
    char number[TEXT_NUMBER_BYTES];

    if (json_array_size(refused) == 0) {
        return;
    }
    print_name(to, _("refused"));
    json_array_foreach(refused, i, reason)
    {
        char clause[96];
        text_clean(clause, sizeof clause, reply_string(reason, "clause"));
        (void)fprintf(to, "%s%s %s%s%s%s", i > 0 ? ", " : "", reply_count(number, reason, "count"), reply_string(reason, "code"),
                      clause[0] != '\0' ? " (" : "", clause, clause[0] != '\0' ? ")" : "");
    }
    (void)fputc('\n', to);
}

static void print_next(FILE *to, const json_t *answer)
{
    uint64_t total = 0;

    if (strcmp(reply_string(answer, "from"), "store") == 0) {
        (void)fprintf(to, "%s griot run\n", _("Next:"));
    } else if (reply_number(json_object_get(answer, "missing"), "total", &total) && total == 0 &&
               !json_is_true(json_object_get(json_object_get(answer, "missing"), "alone")) && json_array_size(json_object_get(answer, "warnings")) == 0) {
        (void)fprintf(to, "%s griot peers     griot search WORD\n", _("Next:"));
    } else {
        (void)fprintf(to, "%s griot peers     griot lag\n", _("Next:"));
    }
}

void render_status(FILE *to, const json_t *answer, bool is_color)
{
    print_title(to, answer, is_color);
    print_warnings(to, answer, is_color);
    print_recorded(to, answer);
    print_outgoing(to, answer);
    print_incoming(to, answer);
    print_links(to, answer);
    print_search(to, answer);
    print_refused(to, answer);
    print_next(to, answer);
}

bool reply_is_incomplete(const json_t *answer)
{
    const json_t *complete = json_object_get(answer, "complete");
    const json_t *missing = complete != NULL ? complete : json_object_get(answer, "missing");
    uint64_t number = 0;

    if (!reply_number(missing, complete != NULL ? "missing" : "total", &number) || number > 0 ||
        json_array_size(json_object_get(missing, "unknown")) > 0) {
        return true;
    }
    if (complete != NULL) {
        uint64_t origins = 0;
        uint64_t of = 0;
        uint64_t behind = 0;
        return !reply_number(complete, "origins", &origins) || !reply_number(complete, "of", &of) || origins < of ||
               (reply_number(complete, "index_behind", &behind) && behind > 0);
    }
    return false;
}

static int run_status(struct invocation *invocation)
{
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s}", "do", "status"), &answer);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_status(stdout, answer, invocation->is_color);
    }
    if (outcome == OUTCOME_DONE && option_given(invocation, "strict") && reply_is_incomplete(answer)) {
        outcome = OUTCOME_INCOMPLETE;
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row options[] = {
    {"strict", 0, NULL, N_("exit with 6 when something is missing here or unknown"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot", N_("the same: a bare griot is status")},
    {"griot -H /var/lib/griot/dakar status --json", N_("for programs: griot.status/1")},
    {"griot status --strict", N_("for a script that must know whether everything is here")},
    {NULL, NULL},
};

const struct command command_status = {
    .name = "status",
    .usage = "[--strict]",
    .summary = N_("show this node in ten lines"),
    .details = N_("It answers from what this node knows, without asking any other, and also while the node is stopped. Nothing is called complete "
                  "that is not known to be."),
    .options = options,
    .examples = examples,
    .run = run_status,
};

/* release.c - griot release and griot answer: the owner lets more readers read a record. Who will be able to is shown before anything is saved. */
#include "node/cli/ask.h"
#include "node/cli/names.h"
#include "node/cli/output.h"
#include "node/cli/readers.h"
#include "node/cli/reply.h"

#include <string.h>

enum { NAMES_BYTES = 512, NAMES_SHOWN_MAX = 8 };

/* The ids of those whom the person has seen. */
static void put_shown(json_t *request, const json_t *readers)
{
    json_t *shown = json_array();
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(readers, "readers"), i, row)
    {
        (void)json_array_append(shown, json_object_get(row, "id"));
    }
    (void)json_object_set_new(request, "shown", shown);
}

/* Ask first what would be done (`readers`: its part about who will read it), show that, and when nobody says no, do it. Takes `request`. */
static int do_shown(const struct invocation *invocation, json_t *request, const char *part, json_t **ret)
{
    struct client *client = NULL;
    json_t *plan = NULL;
    const json_t *readers;
    int outcome = request == NULL ? fail(invocation, ERR_USAGE, "%s", _("that is not UTF-8")) : ask_open(invocation, &client);

    if (outcome == OUTCOME_DONE) {
        (void)json_object_set_new(request, "dry", json_true());
        outcome = ask_client(invocation, client, json_incref(request), NULL, NULL, &plan);
    }
    if (outcome == OUTCOME_DONE && option_given(invocation, "dry-run")) {
        *ret = plan;
        plan = NULL;
    } else if (outcome == OUTCOME_DONE) {
        readers = part != NULL ? json_object_get(plan, part) : plan;
        if (json_object_get(readers, "readers") != NULL) {
            readers_tell(invocation, readers);
            put_shown(request, readers);
            outcome = readers_confirm(invocation) ? OUTCOME_DONE : OUTCOME_FAILED;
        }
        if (outcome == OUTCOME_DONE) {
            (void)json_object_del(request, "dry");
            outcome = ask_client(invocation, client, json_incref(request), NULL, NULL, ret);
        }
    }
    json_decref(plan);
    json_decref(request);
    client_close(&client);
    return outcome;
}

/* ---- release ---- */

static int run_release(struct invocation *invocation)
{
    const char *list = option_text(invocation, "to");
    json_t *answer = NULL;
    int outcome;

    if (list == NULL) {
        return fail_because(invocation, ERR_USAGE, _("to whom is it to be released?"), _("--to LIST is needed"), _("griot help release"));
    }
    outcome = do_shown(invocation, json_pack("{s:s, s:s, s:s}", "do", "release", "id", invocation->operands[0], "to", list), NULL, &answer);
    if (outcome == OUTCOME_DONE && invocation->is_json) {
        outcome = output_json(answer);
    } else if (outcome == OUTCOME_DONE && json_is_true(json_object_get(answer, "dry_run"))) {
        readers_tell(invocation, answer);
    } else if (outcome == OUTCOME_DONE) {
        (void)printf("%s\n", reply_string(answer, "version"));
        tell(invocation, "%s", _("released: a new version for more readers; what was sealed before stays as it is"));
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row release_options[] = {
    {"to", 't', "LIST", N_("who is to read it too: names of nodes separated by commas, rilo, operation:NAME; or region"), COMPLETES_NOTHING},
    {"dry-run", 'n', NULL, N_("show who would be able to read it; nothing is released"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before it is released"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row release_examples[] = {
    {"griot release 3f8a61c09b7d --to gm,gw", N_("two more offices")},
    {"griot release 3f8a61c09b7d --to region --yes", N_("the whole region")},
    {NULL, NULL},
};

const struct command command_release = {
    .name = "release",
    .usage = "ID --to LIST [--dry-run] [--yes]",
    .summary = N_("let more readers read a record of this office"),
    .details = N_("Makes a new version of the record, with the same content, sealed for those who read it already and for LIST. It bears the list inside what is signed. Nobody can be made to forget it: "
                  "there is no way back to fewer readers."),
    .options = release_options,
    .examples = release_examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_release,
};

/* ---- answer ---- */

static void answer_print(const struct invocation *invocation, const json_t *answer)
{
    char names[NAMES_BYTES];
    const json_t *outside = json_object_get(answer, "outside");

    if (!json_is_true(json_object_get(answer, "dry_run"))) {
        (void)printf("%s\n", reply_string(answer, "id"));
    }
    if (!json_is_true(json_object_get(answer, "granted"))) {
        tell(invocation, _("refused; only %s and this node can read the answer"), reply_string(answer, "asker"));
        return;
    }
    tell(invocation, _("granted; only %s and this node can read the answer"), reply_string(answer, "asker"));
    if (json_is_true(json_object_get(answer, "released"))) {
        tell(invocation, "%s", _("released: a new version for more readers; what was sealed before stays as it is"));
    }
    if (json_array_size(outside) > 0) {
        tell(invocation, _("%s may pass it on to %s, who read nothing here"), reply_string(answer, "asker"), reply_names(names, sizeof names, outside, NAMES_SHOWN_MAX));
    }
}

static int run_answer(struct invocation *invocation)
{
    const char *why = option_text(invocation, "why"), *pass_to = option_text(invocation, "pass-to"), *until = option_text(invocation, "valid-until");
    bool is_granted = option_given(invocation, "grant");
    json_t *answer = NULL, *request;
    int outcome;

    if (is_granted == option_given(invocation, "refuse") || why == NULL) {
        return fail_because(invocation, ERR_USAGE, _("yes or no, and why?"), _("exactly one of --grant and --refuse, and --why TEXT, are needed"), _("griot help answer"));
    }
    request = json_pack("{s:s, s:s, s:b, s:s}", "do", "answer", "id", invocation->operands[0], "grant", is_granted, "why", why);
    if (request != NULL && pass_to != NULL) {
        (void)json_object_set_new(request, "pass_to", names_split(pass_to));
    }
    if (request != NULL && until != NULL) {
        (void)json_object_set_new(request, "valid_until", json_string(until));
    }
    outcome = do_shown(invocation, request, "release", &answer);
    if (outcome == OUTCOME_DONE && invocation->is_json) {
        outcome = output_json(answer);
    } else if (outcome == OUTCOME_DONE) {
        answer_print(invocation, answer);
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row answer_options[] = {
    {"grant", 'g', NULL, N_("it may be passed on"), COMPLETES_NOTHING},
    {"refuse", 'r', NULL, N_("it may not"), COMPLETES_NOTHING},
    {"why", 'w', "TEXT", N_("the ground of a refusal, or what the permission is tied to"), COMPLETES_NOTHING},
    {"pass-to", 'p', "NAMES", N_("grant it for these only, out of those that were asked for"), COMPLETES_NOTHING},
    {"valid-until", 0, "DAY", N_("the last day of the permission"), COMPLETES_NOTHING},
    {"dry-run", 'n', NULL, N_("show who would be able to read it; nothing is answered"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before it is released"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row answer_examples[] = {
    {"griot answer 8b20c7d1e94f --grant --why \"for the ongoing case only\"", N_("the record is released to those who were named")},
    {"griot answer 8b20c7d1e94f --refuse --why \"the source must be protected\"", N_("no")},
    {NULL, NULL},
};

const struct command command_answer = {
    .name = "answer",
    .usage = "ID --grant|--refuse --why TEXT [--pass-to NAMES] [--valid-until DAY] [--yes]",
    .summary = N_("say whether a record of this office may be passed on"),
    .details = N_("ID is that of the request. The answer is a record itself, sealed for who has asked and this node. A grant releases the record to those of the names that are nodes or operations, in the same "
                  "moment; of other bodies it says that the asker may pass it on to them."),
    .options = answer_options,
    .examples = answer_examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_answer,
};

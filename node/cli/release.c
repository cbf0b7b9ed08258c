/* release.c - griot release: a record of this office's for other readers, as a new version that says the same. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/readers.h"
#include "node/cli/release.h"
#include "node/cli/reply.h"

#include <string.h>

int release_to(const struct invocation *invocation, struct client *client, const char *id, const char *list)
{
    json_t *readers = NULL, *answer = NULL;
    int outcome = readers_ask(invocation, client, list, &readers);

    if (outcome == OUTCOME_DONE) {
        readers_tell(invocation, readers);
        outcome = readers_confirm(invocation) ? OUTCOME_DONE : OUTCOME_FAILED;
    }
    if (outcome == OUTCOME_DONE) {
        json_t *request = readers_request(list, readers);
        (void)json_object_set_new(request, "do", json_string("release"));
        (void)json_object_set_new(request, "id", json_string(id));
        outcome = ask_client(invocation, client, request, NULL, NULL, &answer);
    }
    if (outcome == OUTCOME_DONE && invocation->is_json) {
        readers_put(answer, readers);
        outcome = output_json(answer);
    } else if (outcome == OUTCOME_DONE) {
        bool is_new = strcmp(reply_string(answer, "state"), "released") == 0;
        (void)printf("%s\n", reply_string(answer, "id"));
        tell(invocation, "%s", is_new ? _("released: a new version that says the same, for these readers; who could read the one before keeps it")
                                      : _("these readers have it already; nothing was recorded"));
    }
    json_decref(readers);
    json_decref(answer);
    return outcome;
}

static int run_release(struct invocation *invocation)
{
    const char *list = option_text(invocation, "to");
    struct client *client = NULL;
    int outcome;

    if (list == NULL) {
        return fail_because(invocation, ERR_USAGE, _("released to whom?"), _("no list is given"), _("griot release ID --to LIST"));
    }
    outcome = ask_open(invocation, &client);
    if (outcome == OUTCOME_DONE) {
        outcome = release_to(invocation, client, invocation->operands[0], list);
    }
    client_close(&client);
    return outcome;
}

static const struct option_row options[] = {
    {"to", 't', "LIST", N_("who may read it from now on: region, rilo, local, names of nodes, operation:NAME; separated by commas"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before it is recorded"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot release 3f8a61c09b7d --to rilo,gm,bj", N_("the same record, readable by bj too")},
    {"griot release 3f8a61c09b7d --to region", N_("the same record, for the whole region")},
    {NULL, NULL},
};

const struct command command_release = {
    .name = "release",
    .usage = "ID --to LIST [--yes]",
    .summary = N_("release a record of this office to other readers"),
    .details = N_("Writes a new version that says the same and replaces the one in force, for the readers of the list and nobody else. Who could read the version before keeps it, and those "
                  "who are no longer named do not learn that there is another. Who will be able to read it is shown before it is saved."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_release,
};

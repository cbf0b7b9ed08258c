/* watch.c - griot watch: one JSON line an event, for programs and for the curious, until it is interrupted. */
#include "node/cli/ask.h"
#include "node/cli/output.h"

#include <stdlib.h>

static void print_event(void *arg, const json_t *event)
{
    char *line = json_dumps(event, JSON_COMPACT);

    (void)arg;
    if (line == NULL || puts(line) < 0 || fflush(stdout) != 0) {
        exit(OUTCOME_FAILED); /* nobody reads it any more: the node sees that we are gone */
    }
    free(line);
}

static int run_watch(struct invocation *invocation)
{
    json_t *request = json_pack("{s:s}", "do", "watch"), *answer = NULL;
    struct client *client = NULL;
    uint64_t since = 0;

    if (!option_number(invocation, "since", 0, INT64_MAX, 0, &since)) {
        json_decref(request);
        return OUTCOME_USAGE;
    }
    if (option_given(invocation, "since")) {
        json_object_set_new(request, "since", json_integer((json_int_t)since));
    }
    int outcome = ask_open(invocation, &client);
    if (outcome != OUTCOME_DONE) {
        json_decref(request);
        return outcome;
    }
    outcome = ask_client(invocation, client, request, print_event, NULL, &answer);
    client_close(&client);
    json_decref(answer);
    return outcome;
}

static const struct option_row options[] = {
    {"since", 0, "ID", N_("begin after the event with this id; 0: with the first; default: with the next"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot watch", N_("what arrives from now on, and how the peers are")},
    {"griot watch --since 4711", N_("go on where a program stopped reading: no event is lost or told twice")},
    {NULL, NULL},
};

const struct command command_watch = {
    .name = "watch",
    .usage = "[--since ID]",
    .summary = N_("print what happens at this node, one JSON line an event"),
    .details = N_("What has become durable bears an id that rises by one for ever, so a gap is seen and can be filled with --since. The state of peers, warnings and what is missing bear none: they are "
                  "told whole at the beginning and when they change. Nothing for half a minute is told as still."),
    .options = options,
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_watch,
};

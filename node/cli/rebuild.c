/* rebuild.c - griot rebuild: everything that is derived from the log, made anew. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"

static void on_progress(void *arg, const json_t *now)
{
    const struct invocation *invocation = arg;
    char done[TEXT_NUMBER_BYTES];
    char total[TEXT_NUMBER_BYTES];
    uint64_t followed = 0;

    if (reply_number(now, "done", &followed)) {
        progress(invocation, (uint32_t)(followed >> 10), _("%s of %s journal entries followed"), reply_count(done, now, "done"),
                 reply_count(total, now, "total"));
    }
}

static int run_rebuild(struct invocation *invocation)
{
    char number[TEXT_NUMBER_BYTES];
    char age[TEXT_NUMBER_BYTES];
    struct client *client = NULL;
    json_t *answer = NULL;
    int outcome = ask_open(invocation, &client);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    outcome = ask_client(invocation, client, json_pack("{s:s}", "do", "rebuild"), on_progress, invocation, &answer);
    client_close(&client);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    progress_end(invocation);
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        (void)printf(_("%s journal entries followed anew, %s"), reply_count(number, answer, "followed"), reply_age(age, answer, "took_ms"));
        (void)putchar('\n');
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot rebuild", N_("when fsck finds the index damaged, or after an update that says so")},
    {NULL, NULL},
};

const struct command command_rebuild = {
    .name = "rebuild",
    .usage = "",
    .summary = N_("make the search index and the current records anew from the log"),
    .details = N_("Loses nothing: what is rebuilt is derived from the log, which is not touched. Waits until it is done; searches meanwhile say how far it is."),
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_rebuild,
};

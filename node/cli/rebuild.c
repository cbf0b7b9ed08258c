/* rebuild.c - griot rebuild: everything that is derived from the log, made anew. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"

static int run_rebuild(struct invocation *invocation)
{
    char number[TEXT_NUMBER_BYTES];
    char age[TEXT_NUMBER_BYTES];
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s}", "do", "rebuild"), &answer);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
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
    .details = N_("Loses nothing: what is rebuilt is derived from the log, which is not touched. Searches say how far it is until it is done."),
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_rebuild,
};

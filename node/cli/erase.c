/* erase.c - griot erase: an order that takes a record out of every node, its own office's at once, another's when two hubs agree. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <string.h>

static int erase_print(const struct invocation *invocation, const json_t *answer)
{
    const char *state = reply_string(answer, "state");
    uint64_t ordered = 0, versions = 0;

    if (invocation->is_json) {
        return output_json(answer);
    }
    (void)reply_number(answer, "ordered", &ordered);
    (void)reply_number(answer, "versions", &versions);
    (void)printf("%s\n", invocation->operands[0]);
    render_erasure(stdout, json_object_get(answer, "erasure"));
    if (strcmp(state, "erased") == 0) {
        (void)printf(ngettext("%llu version is erased here\n", "%llu versions are erased here\n", (unsigned long)versions), (unsigned long long)versions);
        tell(invocation, _("The order is kept for ever and goes to every node; each erases when it arrives. Traces may stand in free pages of this disk until the store is compacted: tonight, or "
                           "now with griot compact. Paper, exports and old backups are not reached; a backup that is restored loses the record again when the order comes back."));
    } else if (strcmp(state, "proposed") == 0) {
        tell(invocation, _("Nothing is erased yet: one hub asks for it. It is in force when another hub gives the same order: griot erase %s --why TEXT, at its desk."), invocation->operands[0]);
    } else {
        tell(invocation, _("Nothing is erased: the order has no effect, since this node is neither the owner nor a hub."));
    }
    if (ordered == 0) {
        tell(invocation, _("This node had ordered all of it before."));
    }
    return OUTCOME_DONE;
}

static int run_erase(struct invocation *invocation)
{
    const char *why = option_text(invocation, "why"), *version = option_text(invocation, "only");
    json_t *answer = NULL;
    json_t *request;
    int outcome;

    if (why == NULL) {
        return fail_because(invocation, ERR_USAGE, _("no reason is given"), _("everybody in the region reads it, for ever"), _("griot erase ID --why TEXT"));
    }
    request = json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "do", "erase", "id", invocation->operands[0], "why", why, "version", version, "of", option_text(invocation, "of"));
    if (request == NULL) {
        return fail(invocation, ERR_USAGE, "%s", _("a record id is up to 32 digits from 0 to f"));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome == OUTCOME_DONE) {
        outcome = erase_print(invocation, answer);
        json_decref(answer);
    }
    return outcome;
}

static const struct option_row options[] = {
    {"why", 'w', "TEXT", N_("the reason, up to 200 bytes; signed into the order, so every node of the region reads it, for ever: no names, no numbers"), COMPLETES_NOTHING},
    {"only", 0, "VERSION", N_("only this version, by its first 8 digits or more (griot show --json)"), COMPLETES_NOTHING},
    {"of", 0, "NODE", N_("ID is the whole hash of a version that NODE has recorded: for a hub that cannot read it, since it is sealed for others"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot erase 3f8a61c09b7d --why 'entered by mistake'", N_("at the office that recorded it: every version, everywhere")},
    {"griot erase 3f8a61c09b7d --why 'court order 12/2026' -H /var/lib/griot/dakar", N_("at a hub, for an office that is gone or refuses; then the same at the other hub")},
    {NULL, NULL},
};

const struct command command_erase = {
    .name = "erase",
    .usage = "ID --why TEXT [--only VERSION | --of NODE]",
    .summary = N_("have a record erased on every node"),
    .details = N_("The order names every version of the record by its hash. Whoever holds one takes its content and its salt out of the log and the index at once, and nobody passes it on or takes it in "
                  "again, also from a bundle or a backup that comes later. What stays is the proof that there was an entry, of which length, by whom, and the order with its reason.\n\n"
                  "The office that recorded it orders alone. For an office that is gone or refuses, two hubs give the same order. Anybody else's order has no effect.\n\n"
                  "An import of the same row enters it anew: take it out of the source first."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_erase,
};

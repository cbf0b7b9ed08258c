/* suspend.c - griot suspend: a hub puts a node out, at once, until the root decides. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"

#include <string.h>

static int suspend_print(const struct invocation *invocation, const json_t *answer)
{
    const char *name = reply_string(answer, "name");
    uint64_t left = 0;

    if (invocation->is_json) {
        return output_json(answer);
    }
    if (strcmp(reply_string(answer, "state"), "suspended") != 0) {
        (void)printf(_("%s is suspended already\n"), name);
        return OUTCOME_DONE;
    }
    (void)printf(_("%s is suspended by %s\n"), name, reply_node(answer));
    if (strcmp(reply_string(answer, "role"), "hub") == 0) {
        tell(invocation, _("It goes on relaying, but neither admits nodes nor makes anything final. Every node shows this as a warning."));
    } else {
        tell(invocation, _("Its connections are dropped, and what it writes from now on does not count. Every node shows this as a warning."));
    }
    if (reply_number(answer, "left", &left)) {
        tell(invocation, ngettext("This hub may suspend %llu more node on this roster.", "This hub may suspend %llu more nodes on this roster.", (unsigned long)left), (unsigned long long)left);
    }
    return OUTCOME_DONE;
}

static int run_suspend(struct invocation *invocation)
{
    const char *reason = option_text(invocation, "reason");
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s, s:s, s:s}", "do", "suspend", "name", invocation->operands[0], "reason", reason != NULL ? reason : ""), &answer);

    if (outcome == OUTCOME_DONE) {
        outcome = suspend_print(invocation, answer);
        json_decref(answer);
    }
    return outcome;
}

static const struct option_row options[] = {
    {"reason", 'r', "TEXT", N_("why, up to 200 bytes; signed into the act, so every node of the region reads it"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot suspend tg-lome -H /var/lib/griot/dakar --reason stolen", N_("the machine of that office was stolen")},
    {NULL, NULL},
};

const struct command command_suspend = {
    .name = "suspend",
    .usage = "NAME [--reason TEXT]",
    .summary = N_("put a node out at once, as one hub, until the root decides"),
    .details = N_("Run it at the home of a hub; one hub is enough. Nodes that hear of it drop their connections with the node within a second. What the node had written by this hub's last "
                  "frontier counts, and what is final; whatever else it wrote does not.\n\n"
                  "A hub may suspend three nodes on one roster, and a suspended hub may suspend back: the root then decides. Only a roster of the root ends a suspension. Repeating it changes "
                  "nothing."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_suspend,
};

/* gateway.c - griot gateway: what the daemon starts as the process that owns its sockets. Nobody types it. */
#include "node/cli/command.h"
#include "node/net/gateway.h"

static int run_gateway(struct invocation *invocation)
{
    (void)invocation;
    return gateway_process() == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static const struct example_row examples[] = {
    {"griot gateway", N_("started by griot run, never by hand")},
    {NULL, NULL},
};

const struct command command_gateway = {
    .name = "gateway",
    .usage = "",
    .summary = N_("be the process that owns the daemon's sockets"),
    .examples = examples,
    .flags = COMMAND_HIDDEN | COMMAND_HOMELESS | COMMAND_LONG,
    .run = run_gateway,
};

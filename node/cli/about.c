/* about.c - what the table says about itself: griot help, griot completion, griot manual. */
#include "node/cli/help.h"
#include "node/cli/output.h"

#include <string.h>

static int run_help(struct invocation *invocation)
{
    const struct command *command = NULL;
    const struct command *const *list = commands;

    for (uint32_t i = 0; i < invocation->operand_count; i++) {
        const char *name = invocation->operands[i];
        const char *near = command_nearest(list, name);
        command = command_find(list, name);
        if (command == NULL) {
            char hint[160];
            (void)snprintf(hint, sizeof hint, _("did you mean: %s?"), near != NULL ? near : "");
            return fail_because(invocation, ERR_USAGE, _("there is no such command"), name, near != NULL ? hint : NULL);
        }
        list = command->subcommands;
    }
    return help_print(stdout, command) ? OUTCOME_DONE : OUTCOME_FAILED;
}

static const struct example_row help_examples[] = {
    {"griot help", N_("all commands")},
    {"griot help record", N_("one of them")},
    {NULL, NULL},
};

const struct command command_help = {
    .name = "help",
    .usage = "[COMMAND [SUBCOMMAND]]",
    .summary = N_("explain a command, examples first"),
    .examples = help_examples,
    .operands_max = 2,
    .completes = COMPLETES_COMMAND,
    .run = run_help,
};

static int run_completion(struct invocation *invocation)
{
    if (strcmp(invocation->operands[0], "bash") != 0) {
        return fail_because(invocation, ERR_USAGE, _("there is completion for bash only"), invocation->operands[0], NULL);
    }
    return completion_print(stdout) ? OUTCOME_DONE : OUTCOME_FAILED;
}

static const struct example_row completion_examples[] = {
    {"griot completion bash > ~/.local/share/bash-completion/completions/griot", N_("for one user; make install does it for all")},
    {NULL, NULL},
};

const struct command command_completion = {
    .name = "completion",
    .usage = "bash",
    .summary = N_("print the completion script for a shell"),
    .examples = completion_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_SHELL,
    .flags = COMMAND_HOMELESS,
    .run = run_completion,
};

static int run_manual(struct invocation *invocation)
{
    (void)invocation;
    return manual_print(stdout) ? OUTCOME_DONE : OUTCOME_FAILED;
}

static const struct example_row manual_examples[] = {
    {"griot manual --lang pt", N_("the manual page in Portuguese; make install puts it in place")},
    {NULL, NULL},
};

const struct command command_manual = {
    .name = "manual",
    .usage = "",
    .summary = N_("print the manual page"),
    .examples = manual_examples,
    .flags = COMMAND_HIDDEN | COMMAND_HOMELESS,
    .run = run_manual,
};

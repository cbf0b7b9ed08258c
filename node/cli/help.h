/* help.h - the table of commands as a person reads it: --help, the manual page and shell completion are all printed from it. */
#ifndef GRIOT_NODE_CLI_HELP_H
#define GRIOT_NODE_CLI_HELP_H

#include "node/cli/command.h"

#include <stdbool.h>
#include <stdio.h>

/* Explain one command, or the whole when `command` is NULL; in the language in use. False when `to` cannot be written. */
bool help_print(FILE *to, const struct command *command);
/* The manual page griot(1) in mdoc, in the language in use. */
bool manual_print(FILE *to);
/* A completion script for bash. */
bool completion_print(FILE *to);

#endif

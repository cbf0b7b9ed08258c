/* command.h - the one table of commands. It drives parsing, --help, "did you mean", completion, the man page and the tests; a command is one `const
 * struct command` in a file of its own and one line in commands.c.
 *
 * Texts marked N_ are gettext msgids in English; they are translated where they are printed. */
#ifndef GRIOT_NODE_CLI_COMMAND_H
#define GRIOT_NODE_CLI_COMMAND_H

#include "node/cli/i18n.h"
#include "proto/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, for every command. OPERATE.md 2. */
enum outcome {
    OUTCOME_DONE = 0,
    OUTCOME_FAILED = 1,
    OUTCOME_USAGE = 2,       /* the command line is wrong; nothing was done */
    OUTCOME_UNREACHABLE = 3, /* no node answers at that home */
    OUTCOME_NOTHING = 4,     /* asked and answered: nothing found */
    OUTCOME_DENIED = 5,      /* not allowed: permissions, passphrase, membership */
    OUTCOME_INCOMPLETE = 6,  /* --strict only: the answer is known to be incomplete */
};

/* What an exit code means: a gettext msgid. */
const char *outcome_text(enum outcome outcome);

/* What an operand or an option's argument is, for completion. */
enum completes {
    COMPLETES_NOTHING,
    COMPLETES_FILE,
    COMPLETES_FOLDER,
    COMPLETES_KIND,
    COMPLETES_MAPPING,
    COMPLETES_LANGUAGE,
    COMPLETES_COMMAND,
    COMPLETES_SHELL
};

/* An option of one command. A table ends with name NULL. The global options (-H, --json, --lang, --color, --timeout, --help, --version) are
 * understood by every command and stand in no command's table; their names and letters (H h) are not available. */
struct option_row {
    const char *name;     /* long name without dashes */
    char letter;          /* or 0 */
    const char *argument; /* placeholder in capitals as shown in help ("FILE"), NULL: a flag */
    const char *help;     /* N_: one sentence or clause, lower case, no full stop */
    enum completes completes;
};

/* An example for --help and the man page. A table ends with line NULL. */
struct example_row {
    const char *line; /* the whole command line as typed, "griot peers"; commands.c is tested by parsing every one */
    const char *what; /* N_: what it does */
};

enum {
    COMMAND_HIDDEN = 1,   /* in no list (man page generation and the like) */
    COMMAND_LONG = 2,     /* may take long: no default --timeout */
    COMMAND_HOMELESS = 4, /* does not use the home: its configuration is not read for the language */
};

struct invocation;

struct command {
    const char *name;
    const char *usage;                        /* operands and options after the name, as shown: "KIND [FIELD=VALUE ...] [--from FILE]" */
    const char *summary;                      /* N_: one line, begins with a verb in lower case, no full stop: "show how far each peer is" */
    const char *details;                      /* N_: a paragraph or several, separated by "\n\n"; or NULL */
    const struct option_row *options;         /* or NULL */
    const struct example_row *examples;       /* at least one */
    const struct command *const *subcommands; /* NULL-ended, or NULL. With subcommands `run` may be NULL: then one must be named */
    uint32_t operands_min, operands_max;      /* checked before `run`; UINT32_MAX: any number */
    enum completes completes;                 /* of the operands */
    uint32_t flags;
    int (*run)(struct invocation *invocation); /* returns an enum outcome */
};

enum { INVOCATION_OPTIONS_MAX = 64 };

/* One parsed command line. Everything in it is borrowed from argv and the environment and lives as long as the process. */
struct invocation {
    const struct command *command; /* the innermost one */
    const char *home;              /* -H, else $GRIOT_HOME, else HOME_DEFAULT; not checked to exist */
    bool is_json;
    bool is_color;      /* of stdout */
    uint32_t timeout_s; /* 0: none */
    char **operands;
    uint32_t operand_count;
    struct {
        const struct option_row *row;
        const char *value; /* NULL for a flag */
    } options[INVOCATION_OPTIONS_MAX];
    uint32_t option_count;
};

#define HOME_DEFAULT "/var/lib/griot/default"

/* Was the option given? `name` is its long name. */
bool option_given(const struct invocation *invocation, const char *name);
/* The value of an option, the last one when it was given more than once; NULL when it was not given. */
const char *option_text(const struct invocation *invocation, const char *name);
/* The n-th value (from 0) of a repeatable option, or NULL. */
const char *option_nth(const struct invocation *invocation, const char *name, uint32_t n);
/* The value as a whole number in [min, max]; `fallback` when not given. A fault is explained on stderr.
 *   returns  false when the value is not such a number; the command then returns OUTCOME_USAGE */
bool option_number(const struct invocation *invocation, const char *name, uint64_t min, uint64_t max, uint64_t fallback, uint64_t *ret);

/* Parse a command line against the table and run it; returns the exit code. */
int command_main(int argc, char **argv);

/* Parse only, for tests: the exit code in *ret_outcome when nothing is to be run (help shown, or wrong usage explained on stderr).
 *   returns  true when `invocation` is ready to be run */
bool command_parse(int argc, char **argv, struct invocation *invocation, enum outcome *ret_outcome);

/* All commands, NULL at the end. The order is the one of the help. */
extern const struct command *const commands[];

/* The global options, ended by name NULL. */
extern const struct option_row global_options[];

/* By name among `list`, or NULL. */
const struct command *command_find(const struct command *const *list, const char *name);
/* The nearest name within two mistakes, or NULL. */
const char *command_nearest(const struct command *const *list, const char *name);

#endif

/* completion.c - the completion script for bash, from the table. It calls nothing while a person types, so it is as quick without a node as with one.
 */
#include "node/cli/help.h"

#include "proto/record/record.h"

#include <string.h>

static void option_words(FILE *to, const struct option_row *rows)
{
    for (; rows != NULL && rows->name != NULL; rows++) {
        (void)fprintf(to, " --%s", rows->name);
    }
}

static void name_words(FILE *to, const struct command *const *list)
{
    const char *space = "";

    for (; list != NULL && *list != NULL; list++) {
        if (((*list)->flags & COMMAND_HIDDEN) == 0) {
            (void)fprintf(to, "%s%s", space, (*list)->name);
            space = " ";
        }
    }
}

/* How one argument is completed: statements that end the function's case. */
static void completes(FILE *to, enum completes what)
{
    switch (what) {
    case COMPLETES_FILE:
        (void)fputs("_griot_files", to);
        break;
    case COMPLETES_MAPPING:
        (void)fputs("_griot_files", to);
        break;
    case COMPLETES_FOLDER:
        (void)fputs("_griot_folders", to);
        break;
    case COMPLETES_KIND:
        (void)fputs("_griot_words \"", to);
        for (size_t i = 0; kind_at(i) != NULL; i++) {
            (void)fprintf(to, "%s%s", i > 0 ? " " : "", kind_at(i)->name);
        }
        (void)fputs("\"", to);
        break;
    case COMPLETES_LANGUAGE:
        (void)fputs("_griot_words \"", to);
        for (size_t i = 0; languages[i] != NULL; i++) {
            (void)fprintf(to, "%s%s", i > 0 ? " " : "", languages[i]);
        }
        (void)fputs("\"", to);
        break;
    case COMPLETES_COMMAND:
        (void)fputs("_griot_words \"", to);
        name_words(to, commands);
        (void)fputs("\"", to);
        break;
    case COMPLETES_SHELL:
        (void)fputs("_griot_words \"bash\"", to);
        break;
    case COMPLETES_NOTHING:
        (void)fputs(":", to);
        break;
    }
}

/* Options with an argument: what follows them. `where`: the path of the command ("sandbox up") as a case pattern, or "*". */
static void option_cases(FILE *to, const struct option_row *rows, const char *where)
{
    for (; rows != NULL && rows->name != NULL; rows++) {
        if (rows->argument == NULL) {
            continue;
        }
        (void)fprintf(to, "    \"%s \"--%s", where, rows->name);
        if (rows->letter != 0) {
            (void)fprintf(to, " | \"%s \"-%c", where, rows->letter);
        }
        (void)fputs(") ", to);
        completes(to, rows->completes);
        (void)fputs("; return ;;\n", to);
    }
}

static void command_options(FILE *to, const struct command *command, const char *parent)
{
    char where[128];

    (void)snprintf(where, sizeof where, "%s%s", parent, command->name);
    option_cases(to, command->options, where);
    for (const struct command *const *sub = command->subcommands; sub != NULL && *sub != NULL; sub++) {
        (void)snprintf(where, sizeof where, "%s ", command->name);
        command_options(to, *sub, where);
    }
}

static void command_case(FILE *to, const struct command *command, const char *parent)
{
    char where[128];

    (void)fprintf(to, "    \"%s%s\")\n        if [[ $cur == -* ]]; then _griot_words \"", parent, command->name);
    option_words(to, global_options);
    option_words(to, command->options);
    (void)fputs("\"; else ", to);
    if (command->subcommands != NULL) {
        (void)fputs("_griot_words \"", to);
        name_words(to, command->subcommands);
        (void)fputs("\"", to);
    } else {
        completes(to, command->completes);
    }
    (void)fputs("; fi ;;\n", to);
    for (const struct command *const *sub = command->subcommands; sub != NULL && *sub != NULL; sub++) {
        (void)snprintf(where, sizeof where, "%s ", command->name);
        command_case(to, *sub, where);
    }
}

/* Which words are commands: names at the first level, names below a command that has some. */
static void subcommand_patterns(FILE *to)
{
    (void)fputs("        case \"$path:${COMP_WORDS[i]}\" in\n", to);
    for (const struct command *const *at = commands; *at != NULL; at++) {
        (void)fprintf(to, "        \":%s\") path='%s' ;;\n", (*at)->name, (*at)->name);
        for (const struct command *const *sub = (*at)->subcommands; sub != NULL && *sub != NULL; sub++) {
            (void)fprintf(to, "        \"%s:%s\") path='%s %s' ;;\n", (*at)->name, (*sub)->name, (*at)->name, (*sub)->name);
        }
    }
    (void)fputs("        esac\n", to);
}

bool completion_print(FILE *to)
{
    (void)fputs("# bash completion for griot, printed by: griot completion bash\n"
                "# shellcheck shell=bash\n"
                "_griot_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
                "_griot_files() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); }\n"
                "_griot_folders() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); }\n"
                "_griot() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} path='' i\n"
                "    COMPREPLY=()\n"
                "    for ((i = 1; i < COMP_CWORD; i++)); do\n",
                to);
    subcommand_patterns(to);
    (void)fputs("    done\n"
                "    case \"$path $last\" in\n",
                to);
    option_cases(to, global_options, "$path");
    for (const struct command *const *at = commands; *at != NULL; at++) {
        command_options(to, *at, "");
    }
    (void)fputs("    esac\n"
                "    case \"$path\" in\n"
                "    '')\n        if [[ $cur == -* ]]; then _griot_words \"",
                to);
    option_words(to, global_options);
    (void)fputs("\"; else _griot_words \"", to);
    name_words(to, commands);
    (void)fputs("\"; fi ;;\n", to);
    for (const struct command *const *at = commands; *at != NULL; at++) {
        command_case(to, *at, "");
    }
    (void)fputs("    esac\n}\ncomplete -F _griot griot\n", to);
    return fflush(to) == 0 && ferror(to) == 0;
}

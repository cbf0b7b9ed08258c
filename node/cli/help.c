/* help.c - --help: examples first, since that is what people look for. */
#include "node/cli/help.h"

#include "node/cli/text.h"

#include <string.h>

enum { HELP_COLUMNS = 90, LEFT_COLUMNS_MAX = 34 };

/* Print words, wrapped, after `used` columns of the first line; further lines are indented. */
static void print_wrapped(FILE *to, const char *text, size_t used, size_t indent)
{
    char word[256];

    for (;;) {
        size_t n;
        text += strspn(text, " ");
        n = strcspn(text, " \n");
        if (n > 0) {
            (void)snprintf(word, sizeof word, "%.*s", (int)n, text);
            if (used > indent && used + 1 + text_width(word) > HELP_COLUMNS) {
                (void)fprintf(to, "\n%*s", (int)indent, "");
                used = indent;
            }
            (void)fprintf(to, "%s%s", used > indent ? " " : "", word);
            used += text_width(word) + (used > indent ? 1 : 0);
            text += n;
        }
        if (*text == '\n') {
            (void)fprintf(to, "\n%*s", text[1] == '\n' ? 0 : (int)indent, "");
            used = indent;
            text++;
        } else if (*text == '\0') {
            break;
        }
    }
    (void)fputc('\n', to);
}

/* Two columns; the right one moves to its own line when the left one is long. */
static void print_pair(FILE *to, const char *left, const char *right, size_t column)
{
    size_t width = text_width(left);

    (void)fprintf(to, "  %s", left);
    if (width + 2 > column) {
        (void)fprintf(to, "\n%*s", (int)column + 2, "");
    } else {
        (void)fprintf(to, "%*s", (int)(column - width), "");
    }
    print_wrapped(to, right, column + 2, column + 2);
}

static void option_left(char *ret, size_t cap, const struct option_row *row)
{
    char letter[8] = "    ";

    if (row->letter != 0) {
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    }
    (void)snprintf(ret, cap, "%s--%s%s%s", letter, row->name, row->argument != NULL ? " " : "", row->argument != NULL ? row->argument : "");
}

static void print_options(FILE *to, const char *title, const struct option_row *rows)
{
    size_t column = 0;
    char left[96];

    for (const struct option_row *row = rows; row != NULL && row->name != NULL; row++) {
        option_left(left, sizeof left, row);
        size_t width = text_width(left) + 2;
        column = width > column && width <= LEFT_COLUMNS_MAX ? width : column;
    }
    if (column == 0) {
        return;
    }
    (void)fprintf(to, "\n%s\n", title);
    for (const struct option_row *row = rows; row->name != NULL; row++) {
        option_left(left, sizeof left, row);
        print_pair(to, left, _(row->help), column);
    }
}

static void print_examples(FILE *to, const struct example_row *rows)
{
    if (rows == NULL || rows->line == NULL) {
        return;
    }
    (void)fprintf(to, "\n%s\n", _("Examples"));
    for (; rows->line != NULL; rows++) {
        if (strlen(rows->line) <= 40) {
            print_pair(to, rows->line, _(rows->what), 42);
        } else {
            (void)fprintf(to, "  %s\n      ", rows->line);
            print_wrapped(to, _(rows->what), 6, 6);
        }
    }
}

static void print_commands(FILE *to, const char *title, const struct command *const *list)
{
    size_t column = 0;

    for (const struct command *const *at = list; *at != NULL; at++) {
        size_t width = strlen((*at)->name) + 2;
        column = (*at)->flags & COMMAND_HIDDEN ? column : width > column ? width : column;
    }
    (void)fprintf(to, "\n%s\n", title);
    for (; *list != NULL; list++) {
        if (((*list)->flags & COMMAND_HIDDEN) == 0) {
            print_pair(to, (*list)->name, _((*list)->summary), column);
        }
    }
}

static void print_outcomes(FILE *to)
{
    (void)fprintf(to, "\n%s\n", _("Exit codes"));
    for (int i = OUTCOME_DONE; i <= OUTCOME_INCOMPLETE; i++) {
        (void)fprintf(to, "  %d  %s\n", i, _(outcome_text((enum outcome)i)));
    }
}

static const struct example_row general_examples[] = {
    {"griot", N_("this node in ten lines")},
    {"griot search 'tramadol lome'", N_("search; the answer says how complete it is")},
    {"griot record seizure --from saisie.json", N_("enter a seizure")},
    {"griot lag", N_("what each node still lacks")},
    {"griot sandbox create /tmp/region", N_("a whole region on this machine, for training")},
    {NULL, NULL},
};

/* The command that holds this one as a subcommand, or NULL. */
static const struct command *parent_of(const struct command *command)
{
    for (const struct command *const *at = commands; *at != NULL; at++) {
        for (const struct command *const *sub = (*at)->subcommands; sub != NULL && *sub != NULL; sub++) {
            if (*sub == command) {
                return *at;
            }
        }
    }
    return NULL;
}

static void print_command(FILE *to, const struct command *command)
{
    const struct command *parent = parent_of(command);
    const char *space = parent != NULL ? " " : "";
    const char *before = parent != NULL ? parent->name : "";

    (void)fprintf(to, "griot %s%s%s - %s\n", before, space, command->name, _(command->summary));
    print_examples(to, command->examples);
    (void)fprintf(to, "\n%s\n  griot %s%s%s%s%s\n", _("Usage"), before, space, command->name, command->usage[0] != '\0' ? " " : "", command->usage);
    if (command->details != NULL) {
        (void)fputc('\n', to);
        print_wrapped(to, _(command->details), 0, 0);
    }
    if (command->subcommands != NULL) {
        print_commands(to, _("Commands"), command->subcommands);
    }
    print_options(to, _("Options"), command->options);
    print_options(to, _("Options of every command"), global_options);
    print_outcomes(to);
}

bool help_print(FILE *to, const struct command *command)
{
    if (command != NULL) {
        print_command(to, command);
    } else {
        (void)fprintf(to, "griot %s - %s\n", GRIOT_VERSION, _("the memory of a customs-intelligence region, kept by its offices"));
        print_examples(to, general_examples);
        (void)fprintf(to, "\n%s\n  griot [-H HOME] %s\n", _("Usage"), _("COMMAND ..."));
        print_commands(to, _("Commands"), commands);
        print_options(to, _("Options of every command"), global_options);
        print_outcomes(to);
        (void)fprintf(to, "\n%s\n", _("More about one command: griot help COMMAND"));
    }
    return fflush(to) == 0 && ferror(to) == 0;
}

/* manual.c - griot(1), in mdoc, printed from the table; `mandoc -Tlint` finds nothing in it. */
#include "node/cli/help.h"

#include "node/cli/explain.h"

#include <string.h>

enum { LINE_COLUMNS_MAX = 76 }; /* mandoc asks for lines of at most 80 */

static void word_out(FILE *to, const char *word, size_t n, bool is_line_start)
{
    if (is_line_start && n > 0 && (word[0] == '.' || word[0] == '\'')) {
        (void)fputs("\\&", to);
    }
    for (size_t i = 0; i < n; i++) {
        if (word[i] == '\\') {
            (void)fputs("\\e", to);
        } else if (word[i] == '-' && i == 0) {
            (void)fputs("\\-", to); /* an option: typed as it stands */
        } else {
            (void)fputc(word[i], to);
        }
    }
}

/* What mandoc counts for a word: it writes every character beyond ASCII as \[uXXXX]. */
static size_t word_columns(const char *word, size_t n)
{
    enum { ESCAPE_COLUMNS = 8 };
    size_t columns = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)word[i];
        columns += byte < 0x80 ? 1 : byte >= 0xc0 ? ESCAPE_COLUMNS : 0;
    }
    return columns;
}

/* Running text: lines broken at words and after each sentence, as mdoc wants it; ends at the start of a line. */
static void roff(FILE *to, const char *text)
{
    size_t used = 0;

    while (*text != '\0') {
        size_t n = strcspn(text, " \n");
        bool is_paragraph;
        if (n > 0) {
            size_t columns = word_columns(text, n);
            bool is_break = used > 0 && used + 1 + columns > LINE_COLUMNS_MAX;
            (void)fputs(used == 0 ? "" : is_break ? "\n" : " ", to);
            used = is_break ? 0 : used;
            word_out(to, text, n, used == 0);
            used += columns + 1;
            text += n;
            if (strchr(".!?", text[-1]) != NULL && used > 0) {
                (void)fputc('\n', to);
                used = 0;
            }
        }
        is_paragraph = text[0] == '\n' && text[1] == '\n';
        if (is_paragraph) {
            (void)fprintf(to, "%s.Pp\n", used > 0 ? "\n" : "");
            used = 0;
        }
        text += strspn(text, " \n");
    }
    if (used > 0) {
        (void)fputc('\n', to);
    }
}

/* A line shown as typed. */
static void literal(FILE *to, const char *line)
{
    (void)fputs(".Bd -literal -offset indent\n", to);
    word_out(to, line, strlen(line), true);
    (void)fputs("\n.Ed\n", to);
}

static void options(FILE *to, const struct option_row *rows)
{
    if (rows == NULL || rows->name == NULL) {
        return;
    }
    (void)fputs(".Bl -tag -width Ds\n", to);
    for (; rows->name != NULL; rows++) {
        (void)fputs(".It", to);
        if (rows->letter != 0) {
            (void)fprintf(to, " Fl %c ,", rows->letter);
        }
        (void)fprintf(to, " Fl \\-%s", rows->name);
        if (rows->argument != NULL) {
            (void)fprintf(to, " Ar %s", rows->argument);
        }
        (void)fputc('\n', to);
        roff(to, _(rows->help));
    }
    (void)fputs(".El\n", to);
}

static void examples(FILE *to, const struct command *command)
{
    for (const struct example_row *row = command->examples; row != NULL && row->line != NULL; row++) {
        (void)fputs(".Pp\n", to);
        roff(to, _(row->what));
        literal(to, row->line);
    }
}

static void one_command(FILE *to, const struct command *command, const struct command *parent)
{
    (void)fprintf(to, ".Ss griot %s%s%s\n", parent != NULL ? parent->name : "", parent != NULL ? " " : "", command->name);
    if (command->usage[0] != '\0') {
        literal(to, command->usage);
    }
    roff(to, _(command->summary));
    if (command->details != NULL) {
        (void)fputs(".Pp\n", to);
        roff(to, _(command->details));
    }
    options(to, command->options);
    examples(to, command);
    for (const struct command *const *sub = command->subcommands; sub != NULL && *sub != NULL; sub++) {
        if (((*sub)->flags & COMMAND_HIDDEN) == 0) {
            one_command(to, *sub, command);
        }
    }
}

static void errors(FILE *to)
{
    (void)fputs(".Bl -tag -width Ds\n", to);
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        const struct explanation *explanation = explain((enum err)err);
        (void)fprintf(to, ".It %s\n", err_name((enum err)err));
        roff(to, _(explanation->why));
        (void)fputs(".Pp\n", to);
        roff(to, _(explanation->advice));
    }
    (void)fputs(".El\n", to);
}

bool manual_print(FILE *to)
{
    (void)fprintf(to, ".Dd $Mdocdate: November 22 2026 $\n.Dt GRIOT 1\n.Os\n.Sh %s\n.Nm griot\n.Nd ", "NAME");
    roff(to, _("the memory of a customs-intelligence region, kept by its offices"));
    (void)fputs(".Sh SYNOPSIS\n.Nm griot\n.Op Fl H Ar HOME\n.Op Fl \\-json\n.Op Fl \\-lang Ar LANG\n.Op Ar COMMAND ...\n.Sh DESCRIPTION\n", to);
    roff(to, _("griot is one office's node: it keeps the region's records in its own store, answers every question there, also when cut off, and "
               "passes signed updates to its peers. "
               "Without a command it shows the state of the node."));
    (void)fputs(".Pp\n", to);
    roff(to, _("Data goes to standard output, messages to standard error. An error has a code, says what, why, and what to do."));
    options(to, global_options);
    (void)fputs(".Sh COMMANDS\n", to);
    for (const struct command *const *at = commands; *at != NULL; at++) {
        if (((*at)->flags & COMMAND_HIDDEN) == 0) {
            one_command(to, *at, NULL);
        }
    }
    (void)fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev GRIOT_HOME\n", to);
    roff(to, _("the node's folder when -H is not given"));
    (void)fputs(".It Ev GRIOT_PASSPHRASE_FD\n", to);
    roff(to, _("number of an open file from which the passphrase is read"));
    (void)fputs(".It Ev NO_COLOR\n", to);
    roff(to, _("when set, nothing is coloured"));
    (void)fputs(".It Ev LC_ALL , LC_MESSAGES , LANG\n", to);
    roff(to, _("the language, when neither --lang nor the configuration names one"));
    (void)fputs(".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa griot.ini\n", to);
    roff(to, _("the configuration, in the home; deploy/griot.ini explains every key"));
    (void)fputs(".It Pa control.sock\n", to);
    roff(to, _("where a running node answers the commands of its own user"));
    (void)fputs(".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n", to);
    for (int i = OUTCOME_DONE; i <= OUTCOME_INCOMPLETE; i++) {
        (void)fprintf(to, ".It %d\n", i);
        roff(to, _(outcome_text((enum outcome)i)));
    }
    (void)fputs(".El\n.Sh DIAGNOSTICS\n", to);
    errors(to);
    return fflush(to) == 0 && ferror(to) == 0;
}

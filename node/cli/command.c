/* command.c - from argv to one call. getopt_long reads the options; what it reads comes from the table. Abbreviated options are refused: a script
 * must not change its meaning when a release adds an option. */
#include "node/cli/command.h"

#include "node/cli/help.h"
#include "node/cli/output.h"
#include "node/config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_S_DEFAULT = 10, TIMEOUT_S_MAX = 86400, LONG_BASE = 256, ROWS_MAX = 40, MISTAKES_MAX = 2, NAME_MAX_BYTES = 32 };

const struct option_row global_options[] = {
    {"home", 'H', "HOME", N_("the node's folder; default: $GRIOT_HOME, else /var/lib/griot/default"), COMPLETES_FOLDER},
    {"json", 0, NULL, N_("answer in JSON, with a schema field; errors too"), COMPLETES_NOTHING},
    {"lang", 0, "LANG", N_("fr, en or pt; default: the node's configuration, else the environment, else French"), COMPLETES_LANGUAGE},
    {"color", 0, "WHEN", N_("auto, always or never; NO_COLOR is respected"), COMPLETES_NOTHING},
    {"timeout", 0, "SECONDS", N_("give up when the node has not answered by then; 0: never; default 10, none for long work"), COMPLETES_NOTHING},
    {"help", 'h', NULL, N_("explain the command, examples first"), COMPLETES_NOTHING},
    {"version", 0, NULL, N_("print the version"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

const char *outcome_text(enum outcome outcome)
{
    static const char *const texts[] = {
        N_("done"),
        N_("failed"),
        N_("wrong usage"),
        N_("node not reachable"),
        N_("nothing found"),
        N_("not allowed"),
        N_("answer incomplete (with --strict)"),
    };

    return texts[outcome];
}

/* What getopt_long is given, made from the global rows and those of one command. */
struct parser {
    struct option longs[ROWS_MAX + 1];
    const struct option_row *rows[ROWS_MAX];
    int count;
    char shorts[2 * ROWS_MAX + 4];
};

/* Global options as given, before defaults. */
struct given {
    const char *home, *language, *color, *timeout;
    bool is_json, is_help, is_version;
};

static void parser_add(struct parser *parser, const struct option_row *rows)
{
    size_t at = strlen(parser->shorts);

    for (; rows != NULL && rows->name != NULL && parser->count < ROWS_MAX; rows++) {
        int arg = rows->argument != NULL ? required_argument : no_argument;
        parser->rows[parser->count] = rows;
        parser->longs[parser->count] = (struct option){rows->name, arg, NULL, LONG_BASE + parser->count};
        parser->count++;
        if (rows->letter != 0) {
            parser->shorts[at++] = rows->letter;
            if (rows->argument != NULL) {
                parser->shorts[at++] = ':';
            }
        }
    }
    parser->shorts[at] = '\0';
    memset(&parser->longs[parser->count], 0, sizeof parser->longs[0]);
}

/* `is_strict_order`: stop at the first operand, which is a command's name. */
static void parser_init(struct parser *parser, const struct command *command, bool is_strict_order)
{
    memset(parser, 0, sizeof *parser);
    strcpy(parser->shorts, is_strict_order ? "+:" : ":");
    parser_add(parser, global_options);
    if (command != NULL) {
        parser_add(parser, command->options);
    }
}

static const struct option_row *parser_row(const struct parser *parser, int value)
{
    if (value >= LONG_BASE) {
        return parser->rows[value - LONG_BASE];
    }
    for (int i = 0; i < parser->count; i++) {
        if (parser->rows[i]->letter == value) {
            return parser->rows[i];
        }
    }
    return NULL;
}

/* Number of insertions, deletions, replacements and swaps of neighbours between two short names. */
static uint32_t distance(const char *a, const char *b)
{
    uint32_t rows[3][NAME_MAX_BYTES + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);

    if (n > NAME_MAX_BYTES || m > NAME_MAX_BYTES) {
        return UINT32_MAX;
    }
    for (size_t j = 0; j <= m; j++) {
        rows[0][j] = (uint32_t)j;
    }
    for (size_t i = 1; i <= n; i++) {
        uint32_t *now = rows[i % 3];
        const uint32_t *last = rows[(i + 2) % 3];
        const uint32_t *before = rows[(i + 1) % 3];
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= m; j++) {
            uint32_t best = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = before[j - 2] + 1 < best ? before[j - 2] + 1 : best;
            }
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

const struct command *command_find(const struct command *const *list, const char *name)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp((*list)->name, name) == 0) {
            return *list;
        }
    }
    return NULL;
}

const char *command_nearest(const struct command *const *list, const char *name)
{
    const char *best = NULL;
    uint32_t mistakes = MISTAKES_MAX + 1;

    for (; list != NULL && *list != NULL; list++) {
        uint32_t d = distance((*list)->name, name);
        if (((*list)->flags & COMMAND_HIDDEN) == 0 && d < mistakes && d < strlen((*list)->name)) {
            mistakes = d;
            best = (*list)->name;
        }
    }
    return best;
}

static const char *option_nearest(const struct parser *parser, const char *name)
{
    const char *best = NULL;
    uint32_t mistakes = MISTAKES_MAX + 1;
    size_t n = strlen(name);

    for (int i = 0; i < parser->count; i++) {
        const char *candidate = parser->rows[i]->name;
        uint32_t d = distance(candidate, name);
        if (d < mistakes && d < strlen(candidate)) {
            mistakes = d;
            best = candidate;
        }
    }
    for (int i = 0; best == NULL && n > 1 && i < parser->count; i++) {
        best = strncmp(parser->rows[i]->name, name, n) == 0 ? parser->rows[i]->name : NULL;
    }
    return best;
}

/* The command that `command` is a subcommand of; NULL for one of the table itself. */
static const struct command *parent_of(const struct command *command)
{
    for (const struct command *const *one = commands; *one != NULL; one++) {
        for (const struct command *const *inner = (*one)->subcommands; inner != NULL && *inner != NULL; inner++) {
            if (*inner == command) {
                return *one;
            }
        }
    }
    return NULL;
}

/* Wrong usage: what, and where to read on. `hint` is a whole advice, or NULL. */
static void usage_fault(const struct invocation *invocation, const char *hint, const char *what)
{
    char advice[256];
    const struct command *command = invocation->command;

    if (hint == NULL) {
        const struct command *parent = command != NULL ? parent_of(command) : NULL;
        (void)snprintf(advice, sizeof advice, "griot help%s%s%s%s", parent != NULL ? " " : "", parent != NULL ? parent->name : "", command != NULL ? " " : "",
                       command != NULL ? command->name : "");
        hint = advice;
    }
    (void)fail_because(invocation, ERR_USAGE, what, NULL, hint);
}

__attribute__((format(printf, 3, 4))) static void usage(const struct invocation *invocation, const char *hint, const char *format, ...)
{
    char what[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    usage_fault(invocation, hint, what);
}

/* The option text as typed, for a message: without its value. */
static void option_as_typed(char *ret, size_t cap, const char *typed)
{
    (void)snprintf(ret, cap, "%.*s", (int)strcspn(typed, "="), typed);
}

static void unknown_option(const struct invocation *invocation, const struct parser *parser, const char *typed)
{
    char name[64];
    char hint[160];
    const char *near = NULL;

    if (optopt >= LONG_BASE) {
        option_as_typed(name, sizeof name, typed);
        usage(invocation, NULL, _("option %s takes no value"), name);
        return;
    }
    if (optopt != 0 && strncmp(typed, "--", 2) != 0) {
        usage(invocation, NULL, _("unknown option -%c"), optopt);
        return;
    }
    option_as_typed(name, sizeof name, typed);
    near = strlen(name) > 2 ? option_nearest(parser, name + 2) : NULL;
    if (near != NULL) {
        (void)snprintf(hint, sizeof hint, _("did you mean --%s?"), near);
    }
    usage(invocation, near != NULL ? hint : NULL, _("unknown option %s"), name);
}

/* The word that getopt_long has just read as an option, before its value. */
static const char *option_typed(const struct option_row *row, char **argv)
{
    return row->argument != NULL && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* Was the option written in full? getopt_long also takes unambiguous beginnings. */
static bool is_in_full(const struct option_row *row, const char *typed, int value)
{
    size_t n = strlen(row->name);

    if (value < LONG_BASE) {
        return true;
    }
    return strncmp(typed, "--", 2) == 0 && strncmp(typed + 2, row->name, n) == 0 && (typed[2 + n] == '\0' || typed[2 + n] == '=');
}

static bool keep_option(struct invocation *invocation, struct given *given, const struct option_row *row, const char *value)
{
    if (row->letter == 'H') {
        given->home = value;
    } else if (row == &global_options[1]) {
        given->is_json = true;
    } else if (row == &global_options[2]) {
        given->language = value;
    } else if (row == &global_options[3]) {
        given->color = value;
    } else if (row == &global_options[4]) {
        given->timeout = value;
    } else if (row == &global_options[5]) {
        given->is_help = true;
    } else if (row == &global_options[6]) {
        given->is_version = true;
    } else {
        if (invocation->option_count == INVOCATION_OPTIONS_MAX) {
            usage(invocation, NULL, _("more than %d options"), INVOCATION_OPTIONS_MAX);
            return false;
        }
        invocation->options[invocation->option_count].row = row;
        invocation->options[invocation->option_count].value = value;
        invocation->option_count++;
    }
    return true;
}

/* One round of getopt_long over argv[0..argc), argv[0] being a name. *ret_rest: index of the first operand.
 *   returns  false when a fault was explained */
static bool parse_options(struct invocation *invocation, struct given *given, const struct command *command, bool is_strict_order, int argc,
                          char **argv, int *ret_rest)
{
    struct parser parser;
    int value;

    parser_init(&parser, command, is_strict_order);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    for (;;) {
        optarg = NULL;
        value = getopt_long(argc, argv, parser.shorts, parser.longs, NULL);
        if (value == -1) {
            *ret_rest = optind;
            return true;
        }
        if (value == '?') {
            /* A short option in a cluster is not passed yet: argv[optind - 1] may be the word before it, but then the letter says it all. */
            unknown_option(invocation, &parser, argv[optind > 1 ? optind - 1 : 1]);
            return false;
        }
        if (value == ':') {
            const struct option_row *row = parser_row(&parser, optopt);
            usage(invocation, NULL, _("option --%s needs a value: %s"), row != NULL ? row->name : "", row != NULL ? row->argument : "");
            return false;
        }
        const struct option_row *row = parser_row(&parser, value);
        if (row == NULL || !is_in_full(row, option_typed(row, argv), value)) {
            optopt = 0;
            unknown_option(invocation, &parser, row != NULL ? option_typed(row, argv) : argv[optind - 1]);
            return false;
        }
        if (!keep_option(invocation, given, row, optarg)) {
            return false;
        }
    }
}

/* Language and JSON are needed to explain a fault in the command line itself, so they are looked for before it is parsed. */
static void scan_ahead(int argc, char **argv, struct given *given)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool has_next = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0) {
            given->is_json = true;
        } else if (strncmp(argv[i], "--lang=", 7) == 0) {
            given->language = argv[i] + 7;
        } else if (strcmp(argv[i], "--lang") == 0 && has_next) {
            given->language = argv[i + 1];
        } else if (strncmp(argv[i], "--home=", 7) == 0) {
            given->home = argv[i] + 7;
        } else if ((strcmp(argv[i], "-H") == 0 || strcmp(argv[i], "--home") == 0) && has_next) {
            given->home = argv[i + 1];
        }
    }
}

static void choose_language(const char *home, const char *asked)
{
    struct config config;
    size_t faults = 0;
    char path[PATH_MAX];
    const char *configured = NULL;
    int n = snprintf(path, sizeof path, "%s/griot.ini", home);

    if (asked == NULL && n > 0 && (size_t)n < sizeof path) {
        config_defaults(&config);
        /* Faults are explained by whoever needs the configuration; here the language is taken if it is readable. */
        enum err err = config_read(path, &config, NULL, 0, &faults);
        if (err == ERR_OK || err == ERR_CONFIG) {
            configured = config.language;
        }
    }
    (void)language_use(language_choose(asked, configured));
}

static bool take_globals(struct invocation *invocation, const struct given *given)
{
    char *end = NULL;
    const char *no_color = getenv("NO_COLOR");

    if (given->language != NULL && !language_is_known(given->language)) {
        usage(invocation, NULL, _("--lang %s: only fr, en and pt are known"), given->language);
        return false;
    }
    if (given->color == NULL || strcmp(given->color, "auto") == 0) {
        invocation->is_color = isatty(STDOUT_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0');
    } else if (strcmp(given->color, "always") == 0) {
        invocation->is_color = true;
    } else if (strcmp(given->color, "never") != 0) {
        usage(invocation, NULL, _("--color %s: only auto, always and never are known"), given->color);
        return false;
    }
    invocation->timeout_s = (invocation->command->flags & COMMAND_LONG) != 0 ? 0 : TIMEOUT_S_DEFAULT;
    if (given->timeout != NULL) {
        errno = 0;
        unsigned long seconds = strtoul(given->timeout, &end, 10);
        if (given->timeout[0] < '0' || given->timeout[0] > '9' || *end != '\0' || errno != 0 || seconds > TIMEOUT_S_MAX) {
            usage(invocation, NULL, _("--timeout %s: a whole number of seconds from 0 to %d is needed"), given->timeout, TIMEOUT_S_MAX);
            return false;
        }
        invocation->timeout_s = (uint32_t)seconds;
    }
    return true;
}

static bool check_operands(const struct invocation *invocation)
{
    const struct command *command = invocation->command;

    if (invocation->operand_count < command->operands_min) {
        usage(invocation, NULL, _("%s: something is missing after it: %s"), command->name, command->usage);
        return false;
    }
    if (invocation->operand_count > command->operands_max) {
        usage(invocation, NULL, _("%s: too much on the command line: %s"), command->name, invocation->operands[command->operands_max]);
        return false;
    }
    return true;
}

/* Go down the tables as long as names are named. *argc and *argv end at the operands.
 *   returns  false when a fault was explained */
static bool descend(struct invocation *invocation, struct given *given, int *argc, char ***argv)
{
    const struct command *const *list = commands;
    int rest = 0;

    if (!parse_options(invocation, given, NULL, true, *argc, *argv, &rest)) {
        return false;
    }
    if (rest == *argc) {
        invocation->command = command_find(commands, "status");
        *argc = 0;
        return true;
    }
    for (;;) {
        const char *name = (*argv)[rest];
        const struct command *command = command_find(list, name);
        if (command == NULL) {
            char hint[160];
            const char *near = command_nearest(list, name);
            if (near != NULL) {
                (void)snprintf(hint, sizeof hint, _("did you mean: %s?"), near);
            }
            usage(invocation, near != NULL ? hint : NULL, _("unknown command: %s"), name);
            return false;
        }
        invocation->command = command;
        *argc -= rest;
        *argv += rest;
        if (!parse_options(invocation, given, command, command->subcommands != NULL, *argc, *argv, &rest)) {
            return false;
        }
        if (command->subcommands == NULL || (rest == *argc && command->run != NULL) || given->is_help) {
            if (command->subcommands != NULL && given->is_help && rest < *argc) {
                const struct command *inner = command_find(command->subcommands, (*argv)[rest]);
                invocation->command = inner != NULL ? inner : command;
            }
            *argc -= rest;
            *argv += rest;
            return true;
        }
        if (rest == *argc) {
            usage(invocation, NULL, _("%s: something is missing after it: %s"), command->name, command->usage);
            return false;
        }
        list = command->subcommands;
    }
}

bool command_parse(int argc, char **argv, struct invocation *invocation, enum outcome *ret_outcome)
{
    struct given given = {0};
    char **rest = argv;
    const char *environment = getenv("GRIOT_HOME");

    memset(invocation, 0, sizeof *invocation);
    *ret_outcome = OUTCOME_USAGE;
    scan_ahead(argc, argv, &given);
    invocation->is_json = given.is_json;
    invocation->home = given.home != NULL ? given.home : environment != NULL && environment[0] != '\0' ? environment : HOME_DEFAULT;
    choose_language(invocation->home, given.language);
    given = (struct given){0};
    if (!descend(invocation, &given, &argc, &rest)) {
        return false;
    }
    invocation->home = given.home != NULL ? given.home : environment != NULL && environment[0] != '\0' ? environment : HOME_DEFAULT;
    invocation->is_json = given.is_json;
    invocation->operands = rest;
    invocation->operand_count = (uint32_t)argc;
    if (!take_globals(invocation, &given)) {
        return false;
    }
    if (given.is_version) {
        (void)printf("griot %s\n", GRIOT_VERSION);
        *ret_outcome = OUTCOME_DONE;
        return false;
    }
    if (given.is_help) {
        /* `griot --help` names no command: the whole is explained. */
        bool is_general = rest == argv && argc == 0;
        *ret_outcome = help_print(stdout, is_general ? NULL : invocation->command) ? OUTCOME_DONE : OUTCOME_FAILED;
        return false;
    }
    if (!check_operands(invocation)) {
        return false;
    }
    *ret_outcome = OUTCOME_DONE;
    return true;
}

int command_main(int argc, char **argv)
{
    struct invocation invocation;
    enum outcome outcome = OUTCOME_DONE;
    int code;

    if (!command_parse(argc, argv, &invocation, &outcome)) {
        return (int)outcome;
    }
    code = invocation.command->run(&invocation);
    /* A full disk or a closed pipe behind stdout must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return code == OUTCOME_DONE ? OUTCOME_FAILED : code;
    }
    return code;
}

bool option_given(const struct invocation *invocation, const char *name)
{
    for (uint32_t i = 0; i < invocation->option_count; i++) {
        if (strcmp(invocation->options[i].row->name, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *option_text(const struct invocation *invocation, const char *name)
{
    for (uint32_t i = invocation->option_count; i > 0; i--) {
        if (strcmp(invocation->options[i - 1].row->name, name) == 0) {
            return invocation->options[i - 1].value;
        }
    }
    return NULL;
}

const char *option_nth(const struct invocation *invocation, const char *name, uint32_t n)
{
    for (uint32_t i = 0; i < invocation->option_count; i++) {
        if (strcmp(invocation->options[i].row->name, name) == 0 && n-- == 0) {
            return invocation->options[i].value;
        }
    }
    return NULL;
}

bool option_number(const struct invocation *invocation, const char *name, uint64_t min, uint64_t max, uint64_t fallback, uint64_t *ret)
{
    const char *text = option_text(invocation, name);
    char *end = NULL;
    unsigned long long number;

    if (text == NULL) {
        *ret = fallback;
        return true;
    }
    errno = 0;
    number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < min || number > max) {
        usage(invocation, NULL, _("--%s %s: a whole number from %llu to %llu is needed"), name, text, (unsigned long long)min,
              (unsigned long long)max);
        return false;
    }
    *ret = number;
    return true;
}

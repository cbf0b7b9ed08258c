/* The command line: the table is whole, every example parses, and what is wrong is explained in the person's language with the right exit code. */
#include "node/cli/command.h"
#include "node/cli/explain.h"
#include "node/cli/output.h" /* before cmocka.h, whose macro fail() would hide our function */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

enum { WORDS_MAX = 32, TEXT_MAX = 8192 };

static char said[TEXT_MAX];    /* on stderr, by the last parse() */
static char printed[TEXT_MAX]; /* on stdout */
static enum outcome outcome;
static struct invocation invocation;

static FILE *divert(int fd, int *saved)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    (void)fflush(NULL);
    *saved = dup(fd);
    assert_true(dup2(fileno(file), fd) >= 0);
    return file;
}

static void restore(int fd, int saved, FILE *file, char *ret)
{
    size_t n;

    (void)fflush(NULL);
    assert_true(dup2(saved, fd) >= 0);
    assert_int_equal(close(saved), 0);
    rewind(file);
    n = fread(ret, 1, TEXT_MAX - 1, file);
    ret[n] = '\0';
    assert_int_equal(fclose(file), 0);
}

/* Parse a line of words. */
static bool parse(const char *line)
{
    static wordexp_t words;
    static bool is_used;
    int saved_out;
    int saved_err;
    FILE *out;
    FILE *err;
    bool is_ready;

    if (is_used) {
        wordfree(&words);
    }
    assert_int_equal(wordexp(line, &words, WRDE_NOCMD), 0);
    is_used = true;
    out = divert(STDOUT_FILENO, &saved_out);
    err = divert(STDERR_FILENO, &saved_err);
    is_ready = command_parse((int)words.we_wordc, words.we_wordv, &invocation, &outcome);
    restore(STDERR_FILENO, saved_err, err, said);
    restore(STDOUT_FILENO, saved_out, out, printed);
    return is_ready;
}

static int clean_environment(void **state)
{
    (void)state;
    return unsetenv("LC_ALL") + unsetenv("LC_MESSAGES") + unsetenv("LANG") + unsetenv("GRIOT_HOME") + unsetenv("LANGUAGE");
}

/* ---- the table ---- */

static void check_options(const struct command *command)
{
    for (const struct option_row *row = command->options; row != NULL && row->name != NULL; row++) {
        for (const struct option_row *global = global_options; global->name != NULL; global++) {
            assert_string_not_equal(row->name, global->name);
            assert_true(row->letter == 0 || row->letter != global->letter);
        }
        for (const struct option_row *other = command->options; other != row; other++) {
            assert_string_not_equal(row->name, other->name);
            assert_true(row->letter == 0 || row->letter != other->letter);
        }
        assert_non_null(row->help);
        assert_true(row->help[strlen(row->help) - 1] != '.');
    }
}

static void check_command(const struct command *command)
{
    assert_non_null(command->name);
    assert_non_null(command->usage);
    assert_non_null(command->summary);
    if (command->summary[0] == '\0' || command->summary[strlen(command->summary) - 1] == '.' || command->examples == NULL ||
        command->examples[0].line == NULL) {
        fail_msg("%s: a summary without a full stop and an example are needed", command->name);
    }
    assert_true(command->run != NULL || command->subcommands != NULL);
    assert_true(command->operands_max >= command->operands_min);
    check_options(command);
    for (const struct command *const *sub = command->subcommands; sub != NULL && *sub != NULL; sub++) {
        check_command(*sub);
    }
}

static void every_command_is_whole(void **state)
{
    (void)state;
    for (const struct command *const *at = commands; *at != NULL; at++) {
        check_command(*at);
        assert_ptr_equal(command_find(commands, (*at)->name), *at);
    }
}

static void check_examples(const struct command *command)
{
    for (const struct example_row *row = command->examples; row->line != NULL; row++) {
        char line[512];
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(row->line, ">|"), row->line);
        assert_memory_equal(line, "griot", 5);
        if (!parse(line)) {
            fail_msg("%s: %s", row->line, said);
        }
    }
    for (const struct command *const *sub = command->subcommands; sub != NULL && *sub != NULL; sub++) {
        check_examples(*sub);
    }
}

static void every_example_parses(void **state)
{
    (void)state;
    for (const struct command *const *at = commands; *at != NULL; at++) {
        check_examples(*at);
    }
}

/* A line of a document that is a command: four spaces, then griot, also as another user or from the build folder. A comment at its end is cut off. */
static const char *command_line(char *line)
{
    static const char *const beginnings[] = {"    griot ", "    sudo -u griot griot ", "    build/release/griot "};

    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncmp(line, beginnings[i], strlen(beginnings[i])) == 0) {
            char *comment = strstr(line, " #");
            if (comment != NULL) {
                *comment = '\0';
            }
            line[strcspn(line, "\n")] = '\0';
            return line + strlen(beginnings[i]) - strlen("griot ");
        }
    }
    return NULL;
}

static void every_command_in_the_documents_parses(void **state)
{
    static const char *const documents[] = {"README.md", "node/OPERATE.md", "deploy/README.md"};
    (void)state;

    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        FILE *file = fopen(documents[i], "r");
        char *line = NULL;
        size_t cap = 0;
        size_t found = 0;
        if (file == NULL) {
            print_message("skipped: %s is not here; run from the project root\n", documents[i]);
            continue;
        }
        while (getline(&line, &cap, file) >= 0) {
            const char *command = command_line(line);
            if (command == NULL) {
                continue;
            }
            found++;
            if (!parse(command) && outcome != OUTCOME_DONE) {
                fail_msg("%s: %s: %s", documents[i], command, said);
            }
        }
        assert_true(found > 3);
        free(line);
        assert_int_equal(fclose(file), 0);
    }
}

static void every_command_explains_itself_in_each_language(void **state)
{
    (void)state;
    for (size_t l = 0; languages[l] != NULL; l++) {
        for (const struct command *const *at = commands; *at != NULL; at++) {
            char line[128];
            (void)snprintf(line, sizeof line, "griot %s --help --lang %s", (*at)->name, languages[l]);
            assert_false(parse(line));
            assert_int_equal(outcome, OUTCOME_DONE);
            assert_string_equal(said, "");
            assert_non_null(strstr(printed, (*at)->name));
            if (strcmp(languages[l], "en") != 0) {
                assert_null(strstr(printed, (*at)->summary)); /* translated, not English */
            }
        }
    }
}

/* ---- parsing ---- */

static void a_bare_griot_is_status(void **state)
{
    (void)state;
    assert_true(parse("griot"));
    assert_string_equal(invocation.command->name, "status");
    assert_string_equal(invocation.home, HOME_DEFAULT);
    assert_true(parse("griot -H /tmp/x --json"));
    assert_string_equal(invocation.command->name, "status");
    assert_string_equal(invocation.home, "/tmp/x");
    assert_true(invocation.is_json);
}

static void global_options_stand_before_or_after_the_command(void **state)
{
    (void)state;
    assert_true(parse("griot -H /tmp/x search --json a b --limit 5 --timeout=3"));
    assert_string_equal(invocation.command->name, "search");
    assert_string_equal(invocation.home, "/tmp/x");
    assert_true(invocation.is_json);
    assert_int_equal(invocation.timeout_s, 3);
    assert_int_equal(invocation.operand_count, 2);
    assert_string_equal(invocation.operands[1], "b");
    assert_string_equal(option_text(&invocation, "limit"), "5");
    assert_true(parse("griot search --home /tmp/y -- --json"));
    assert_string_equal(invocation.home, "/tmp/y");
    assert_false(invocation.is_json);
    assert_string_equal(invocation.operands[0], "--json");
}

static void the_home_comes_from_the_option_then_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("GRIOT_HOME", "/tmp/env", 1), 0);
    assert_true(parse("griot peers"));
    assert_string_equal(invocation.home, "/tmp/env");
    assert_true(parse("griot peers -H /tmp/x"));
    assert_string_equal(invocation.home, "/tmp/x");
    assert_int_equal(unsetenv("GRIOT_HOME"), 0);
}

static void long_work_has_no_default_timeout(void **state)
{
    (void)state;
    assert_true(parse("griot peers"));
    assert_int_equal(invocation.timeout_s, 10);
    assert_true(parse("griot fsck"));
    assert_int_equal(invocation.timeout_s, 0);
    assert_true(parse("griot fsck --timeout 86400"));
    assert_int_equal(invocation.timeout_s, 86400);
}

static void wrong_usage_is_explained_and_exits_with_two(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } rows[] = {
        {"griot --lang en peer", "did you mean: peers?"},
        {"griot --lang en staus", "did you mean: status?"},
        {"griot --lang en seacrh x", "did you mean: search?"},
        {"griot --lang en frobnicate", "unknown command: frobnicate"},
        {"griot --lang en config chekc", "did you mean: check?"},
        {"griot --lang en config", "something is missing after it: check|reference"},
        {"griot --lang en --jsno peers", "did you mean --json?"},
        {"griot --lang en search x --limt 3", "did you mean --limit?"},
        {"griot --lang en search x --lim 3", "did you mean --limit?"},
        {"griot --lang en peers --js", "did you mean --json?"},
        {"griot --lang en peers -z", "unknown option -z"},
        {"griot --lang en peers --json=yes", "option --json takes no value"},
        {"griot --lang en search x --limit", "option --limit needs a value: N"},
        {"griot --lang en peers -H", "option --home needs a value: HOME"},
        {"griot --lang en search", "something is missing after it"},
        {"griot --lang en peers a b", "too much on the command line: b"},
        {"griot --lang en status x", "too much on the command line: x"},
        {"griot --lang de status", "only fr, en and pt are known"},
        {"griot --lang en --color sometimes status", "only auto, always and never are known"},
        {"griot --lang en --timeout 86401 status", "a whole number of seconds from 0 to 86400"},
        {"griot --lang en --timeout -1 status", "a whole number of seconds"},
        {"griot --lang en --timeout 1s status", "a whole number of seconds"},
        {"griot --lang en --timeout '' status", "a whole number of seconds"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_ready = parse(rows[i].line);
        /* "--lang de" cannot be explained in German: it comes in French, the first language. */
        bool is_said = strstr(said, rows[i].says) != NULL || strstr(rows[i].line, "--lang de") != NULL;
        if (is_ready || outcome != OUTCOME_USAGE || !is_said || strstr(said, "[ERR_USAGE]: ") == NULL || strstr(said, "→ ") == NULL ||
            printed[0] != '\0') {
            fail_msg("%s: exit %d: %s", rows[i].line, (int)outcome, said);
        }
    }
}

static void numbers_are_checked_at_their_limits(void **state)
{
    static const struct {
        const char *line;
        bool is_good;
    } rows[] = {
        {"griot --lang en search x --limit 1", true},
        {"griot --lang en search x --limit 0", false},
        {"griot --lang en search x --limit 1000", true},
        {"griot --lang en search x --limit 1001", false},
        {"griot --lang en search x --limit ' 5'", false},
        {"griot --lang en search x --limit +5", false},
        {"griot --lang en search x --limit 18446744073709551616", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t number = 0;
        int saved;
        FILE *err;
        bool is_good;
        assert_true(parse(rows[i].line));
        err = divert(STDERR_FILENO, &saved);
        is_good = option_number(&invocation, "limit", 1, 1000, 20, &number);
        restore(STDERR_FILENO, saved, err, said);
        if (is_good != rows[i].is_good || (!is_good && strstr(said, "a whole number from 1 to 1000") == NULL)) {
            fail_msg("%s: %s", rows[i].line, said);
        }
    }
}

static void too_many_options_are_refused(void **state)
{
    char line[4096] = "griot --lang en search x";
    (void)state;

    for (int i = 0; i < INVOCATION_OPTIONS_MAX; i++) {
        strcat(line, " --limit 5");
    }
    assert_true(parse(line));
    assert_int_equal(invocation.option_count, INVOCATION_OPTIONS_MAX);
    assert_string_equal(option_nth(&invocation, "limit", INVOCATION_OPTIONS_MAX - 1), "5");
    assert_null(option_nth(&invocation, "limit", INVOCATION_OPTIONS_MAX));
    strcat(line, " --limit 5");
    assert_false(parse(line));
    assert_int_equal(outcome, OUTCOME_USAGE);
}

static void an_error_is_json_when_json_is_wanted(void **state)
{
    json_t *error;
    (void)state;

    assert_false(parse("griot --lang pt peer --json"));
    assert_int_equal(outcome, OUTCOME_USAGE);
    error = json_loads(said, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(error);
    assert_string_equal(json_string_value(json_object_get(error, "schema")), "griot.error/1");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "ERR_USAGE");
    assert_string_equal(json_string_value(json_object_get(error, "what")), "comando desconhecido: peer");
    assert_string_equal(json_string_value(json_object_get(error, "do")), "queria dizer: peers?");
    json_decref(error);
}

/* ---- language ---- */

static void french_is_first_and_needs_no_generated_locale(void **state)
{
    (void)state;
    assert_false(parse("griot frobnicate"));
    assert_non_null(strstr(said, "erreur[ERR_USAGE]: commande inconnue"));
    assert_int_equal(setenv("LANG", "C", 1), 0);
    assert_false(parse("griot frobnicate"));
    assert_non_null(strstr(said, "commande inconnue"));
    assert_int_equal(setenv("LANG", "pt_AO.UTF-8", 1), 0);
    assert_false(parse("griot frobnicate"));
    assert_non_null(strstr(said, "comando desconhecido"));
    assert_int_equal(setenv("LC_ALL", "en_GB.UTF-8", 1), 0);
    assert_false(parse("griot frobnicate"));
    assert_non_null(strstr(said, "unknown command"));
    assert_false(parse("griot --lang fr frobnicate"));
    assert_non_null(strstr(said, "commande inconnue"));
    assert_int_equal(clean_environment(NULL), 0);
}

static void the_language_is_chosen_in_order(void **state)
{
    (void)state;
    assert_string_equal(language_choose("en", "pt"), "en");
    assert_string_equal(language_choose(NULL, "pt"), "pt");
    assert_string_equal(language_choose("", ""), "fr");
    assert_string_equal(language_choose("klingon", NULL), "fr");
    assert_int_equal(setenv("LANG", "pt_BR@euro", 1), 0);
    assert_string_equal(language_choose(NULL, NULL), "pt");
    assert_int_equal(setenv("LC_MESSAGES", "english", 1), 0);
    assert_string_equal(language_choose(NULL, NULL), "pt");
    assert_int_equal(setenv("LC_MESSAGES", "en", 1), 0);
    assert_string_equal(language_choose(NULL, NULL), "en");
    assert_int_equal(clean_environment(NULL), 0);
}

/* ---- errors ---- */

static void every_error_has_a_reason_an_advice_and_an_exit_code(void **state)
{
    (void)state;
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        const struct explanation *explanation = explain((enum err)err);
        if (explanation->err != (enum err)err) {
            fail_msg("%s has no entry in explain.c", err_name((enum err)err));
        }
        assert_true(explanation->why[0] != '\0' && explanation->advice[0] != '\0');
        assert_int_equal(explain_code(err_name((enum err)err)), err);
        assert_true(outcome_of((enum err)err) >= OUTCOME_FAILED);
    }
    assert_int_equal(explain_code("ERR_NONSENSE"), ERR_COUNT);
    assert_int_equal(outcome_of(ERR_OK), OUTCOME_DONE);
    assert_int_equal(outcome_of(ERR_USAGE), OUTCOME_USAGE);
    assert_int_equal(outcome_of(ERR_UNREACHABLE), OUTCOME_UNREACHABLE);
    assert_int_equal(outcome_of(ERR_NOT_FOUND), OUTCOME_NOTHING);
    assert_int_equal(outcome_of(ERR_PASSPHRASE), OUTCOME_DENIED);
    assert_int_equal(outcome_of(ERR_IO), OUTCOME_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_whole),
        cmocka_unit_test(every_example_parses),
        cmocka_unit_test(every_command_in_the_documents_parses),
        cmocka_unit_test(every_command_explains_itself_in_each_language),
        cmocka_unit_test(a_bare_griot_is_status),
        cmocka_unit_test(global_options_stand_before_or_after_the_command),
        cmocka_unit_test(the_home_comes_from_the_option_then_the_environment),
        cmocka_unit_test(long_work_has_no_default_timeout),
        cmocka_unit_test(wrong_usage_is_explained_and_exits_with_two),
        cmocka_unit_test(numbers_are_checked_at_their_limits),
        cmocka_unit_test(too_many_options_are_refused),
        cmocka_unit_test(an_error_is_json_when_json_is_wanted),
        cmocka_unit_test(french_is_first_and_needs_no_generated_locale),
        cmocka_unit_test(the_language_is_chosen_in_order),
        cmocka_unit_test(every_error_has_a_reason_an_advice_and_an_exit_code),
    };

    return cmocka_run_group_tests_name("command", tests, clean_environment, NULL);
}

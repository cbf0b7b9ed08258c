/* A log line is one line, whatever a value holds. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved_stderr;
static FILE *captured;

static void capture(void)
{
    captured = tmpfile();
    assert_non_null(captured);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
}

/* What was logged since capture(). Yours to free. */
static char *released(void)
{
    char *text;
    long n;

    assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
    assert_int_equal(close(saved_stderr), 0);
    assert_int_equal(fseek(captured, 0, SEEK_END), 0);
    n = ftell(captured);
    assert_true(n >= 0);
    rewind(captured);
    text = calloc(1, (size_t)n + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)n, captured), n);
    assert_int_equal(fclose(captured), 0);
    return text;
}

static int no_journal(void **state)
{
    (void)state;
    log_set_level(LOG_INFO);
    return unsetenv("JOURNAL_STREAM");
}

static void a_line_has_time_level_event_and_pairs(void **state)
{
    char *text;
    (void)state;

    capture();
    log_event(LOG_WARN, "record_refused", "peer=%s seq=%llu err=%s", "9f3c", 118ULL, "ERR_BADSIG");
    text = released();
    assert_memory_equal(text, "at=2", 4);
    assert_string_equal(text + strcspn(text, " "), " level=warn event=record_refused peer=9f3c seq=118 err=ERR_BADSIG\n");
    free(text);
}

static void values_are_quoted_and_escaped(void **state)
{
    static const struct {
        const char *what;
        const char *value;
        const char *written;
    } rows[] = {
        {"plain", "tcp://10.0.0.1:7301", "tcp://10.0.0.1:7301"},
        {"empty", "", "\"\""},
        {"space", "no route to host", "\"no route to host\""},
        {"quote", "a\"b", "\"a\\\"b\""},
        {"backslash", "a\\b", "\"a\\\\b\""},
        {"equal sign, which would look like another key", "x=1", "\"x=1\""},
        {"line break, which would look like another line", "x\nlevel=error event=fake", "\"x\\nlevel=error event=fake\""},
        {"escape sequence", "\x1b[2J", "\"\\x1b[2J\""},
        {"C1 control", "\xc2\x9b", "\"\\xc2\\x9b\""},
        {"UTF-8", "Lomé", "\"Lomé\""},
        {"broken UTF-8", "Lom\xe9", "\"Lom\\xe9\""},
        {"overlong UTF-8", "\xc0\xaf", "\"\\xc0\\xaf\""},
        {"surrogate", "\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
        {"percent, which is not a format here", "%s%n", "%s%n"},
        {"DEL", "\x7f", "\"\\x7f\""},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[256];
        char *text;
        capture();
        log_event(LOG_ERROR, "e", "before=%d value=%s after=%d", 1, rows[i].value, 2);
        text = released();
        (void)snprintf(expected, sizeof expected, " level=error event=e before=1 value=%s after=2\n", rows[i].written);
        if (strcmp(text + strcspn(text, " "), expected) != 0) {
            fail_msg("%s: %s", rows[i].what, text);
        }
        free(text);
    }
}

static void a_line_holds_at_most_one_kib(void **state)
{
    char value[4096];
    (void)state;

    for (size_t n = 900; n < sizeof value; n += 53) {
        char *text;
        memset(value, 'v', n);
        value[n] = '\0';
        capture();
        log_event(LOG_ERROR, "long", "value=%s after=%s", value, "x y");
        text = released();
        assert_true(strlen(text) <= 1024);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        free(text);
    }
}

static void what_is_above_the_level_is_not_written(void **state)
{
    char *text;
    (void)state;

    capture();
    log_set_level(LOG_WARN);
    log_event(LOG_INFO, "quiet", "x=%d", 1);
    log_event(LOG_WARN, "loud", "x=%d", 2);
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "detail", "x=%d", 3);
    log_set_level(LOG_INFO);
    text = released();
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, "event=loud x=2"));
    assert_non_null(strstr(text, "level=debug event=detail x=3"));
    free(text);
}

static void the_journal_gets_a_priority_instead_of_the_time(void **state)
{
    char *text;
    (void)state;

    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    capture();
    log_event(LOG_ERROR, "bad", "x=%d", 1);
    log_event(LOG_DEBUG, "not_now", "x=%d", 1);
    text = released();
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    assert_string_equal(text, "<3>level=error event=bad x=1\n");
    free(text);
}

static void *write_lines(void *arg)
{
    for (int i = 0; i < 500; i++) {
        log_event(LOG_INFO, "line", "thread=%d text=%s", *(int *)arg, "some words");
    }
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int numbers[THREADS];
    char *text;
    size_t lines = 0;
    (void)state;

    capture();
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    text = released();
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_memory_equal(line, "at=", 3);
        assert_string_equal(line + strlen(line) - 12, "\"some words\"");
        lines++;
    }
    assert_int_equal(lines, THREADS * 500);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_event_and_pairs),
        cmocka_unit_test(values_are_quoted_and_escaped),
        cmocka_unit_test(a_line_holds_at_most_one_kib),
        cmocka_unit_test(what_is_above_the_level_is_not_written),
        cmocka_unit_test(the_journal_gets_a_priority_instead_of_the_time),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };

    return cmocka_run_group_tests_name("log", tests, no_journal, NULL);
}

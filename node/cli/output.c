/* output.c - stdout is data, stderr is for people (or griot.error/1 with --json). */
#include "node/cli/output.h"

#include "node/cli/explain.h"
#include "node/cli/text.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WHAT_BYTES_MAX = 1024 };

static uint32_t last_step = UINT32_MAX;
static bool is_line_open;

int output_json(const json_t *answer)
{
    size_t flags = isatty(STDOUT_FILENO) == 1 ? JSON_INDENT(2) : JSON_COMPACT;

    if (json_dumpf(answer, stdout, flags) != 0 || fputc('\n', stdout) == EOF || fflush(stdout) != 0) {
        return OUTCOME_FAILED;
    }
    return OUTCOME_DONE;
}

json_t *output_new(const char *schema, const char *node)
{
    char at[TEXT_TIME_BYTES];
    struct timespec now;
    json_t *answer = json_object();

    (void)clock_gettime(CLOCK_REALTIME, &now);
    text_rfc3339(at, now.tv_sec);
    (void)json_object_set_new(answer, "schema", json_string(schema));
    if (node != NULL) {
        (void)json_object_set_new(answer, "node", json_string(node));
    }
    (void)json_object_set_new(answer, "at", json_string(at));
    return answer;
}

enum outcome outcome_of(enum err err)
{
    static const struct {
        enum err err;
        enum outcome outcome;
    } special[] = {
        {ERR_OK, OUTCOME_DONE},           {ERR_USAGE, OUTCOME_USAGE},       {ERR_UNREACHABLE, OUTCOME_UNREACHABLE}, {ERR_NOT_FOUND, OUTCOME_NOTHING},
        {ERR_PERMISSION, OUTCOME_DENIED}, {ERR_PASSPHRASE, OUTCOME_DENIED}, {ERR_NOT_MEMBER, OUTCOME_DENIED},
    };

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (special[i].err == err) {
            return special[i].outcome;
        }
    }
    return OUTCOME_FAILED;
}

/* Text that came from a file or a peer may hold control bytes, which must not reach a terminal. */
static void print_clean(FILE *to, const char *text)
{
    char clean[WHAT_BYTES_MAX];

    text_clean(clean, sizeof clean, text);
    (void)fputs(clean, to);
}

/* `value`: what it is about, as it was given; or NULL. */
static int explain_fault(const struct invocation *invocation, const char *code, enum outcome outcome, const char *what, const char *value, const char *why,
                         const char *advice)
{
    progress_end(invocation);
    if (invocation->is_json) {
        json_t *error =
            json_pack("{s:s, s:s, s:s%, s:s, s:s}", "schema", "griot.error/1", "code", code, "what", what, strlen(what), "why", why, "do", advice);
        if (error == NULL) {
            /* `what` held bytes that are not UTF-8. */
            error = json_pack("{s:s, s:s, s:s, s:s, s:s}", "schema", "griot.error/1", "code", code, "what", code, "why", why, "do", advice);
        }
        if (error != NULL) {
            if (value != NULL) {
                (void)json_object_set_new(error, "value", json_string(value));
            }
            (void)json_dumpf(error, stderr, JSON_COMPACT);
            (void)fputc('\n', stderr);
            json_decref(error);
        }
        return (int)outcome;
    }
    (void)fprintf(stderr, isatty(STDERR_FILENO) == 1 && text_may_color() ? "\033[31m%s[%s]\033[0m: " : "%s[%s]: ", _("error"), code);
    print_clean(stderr, what);
    if (value != NULL) {
        (void)fputs(": ", stderr);
        print_clean(stderr, value);
    }
    if (why[0] != '\0') {
        (void)fputs("\n  ", stderr);
        print_clean(stderr, why);
    }
    if (advice[0] != '\0') {
        (void)fputs("\n  → ", stderr);
        print_clean(stderr, advice);
    }
    (void)fputc('\n', stderr);
    return (int)outcome;
}

int fail_because(const struct invocation *invocation, enum err err, const char *what, const char *why, const char *advice)
{
    const struct explanation *explanation = explain(err);

    return explain_fault(invocation, err_name(err), outcome_of(err), what, NULL, why != NULL ? why : _(explanation->why),
                         advice != NULL ? advice : _(explanation->advice));
}

int fail_faults(const struct invocation *invocation, enum err err, const char *what, json_t *faults)
{
    const struct explanation *explanation = explain(err);
    json_t *error = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "schema", "griot.error/1", "code", err_name(err), "what", what, "why",
                              _(explanation->why), "do", _(explanation->advice), "faults", faults);

    progress_end(invocation);
    if (error != NULL) {
        (void)json_dumpf(error, stderr, JSON_COMPACT);
        (void)fputc('\n', stderr);
        json_decref(error);
    }
    return (int)outcome_of(err);
}

int fail(const struct invocation *invocation, enum err err, const char *what, ...)
{
    char text[WHAT_BYTES_MAX];
    va_list args;

    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    return fail_because(invocation, err, text, NULL, NULL);
}

/* A text of the node's: translated when it is one of our sentences. */
static const char *reply_text(const json_t *error, const char *key, const char *fallback)
{
    const char *text = error != NULL ? json_string_value(json_object_get(error, key)) : NULL;

    return text == NULL || text[0] == '\0' ? _(fallback) : _(text);
}

int fail_answer(const struct invocation *invocation, enum err err, const json_t *error)
{
    const struct explanation *explanation = explain(err);
    const char *code = error != NULL ? json_string_value(json_object_get(error, "code")) : NULL;
    enum err named = code != NULL ? explain_code(code) : ERR_COUNT;

    if (named != ERR_COUNT && named != ERR_OK) {
        err = named;
        explanation = explain(err);
    }
    const char *value = error != NULL ? json_string_value(json_object_get(error, "value")) : NULL;
    return explain_fault(invocation, code != NULL ? code : err_name(err), outcome_of(err), reply_text(error, "what", N_("the node refuses")), value,
                         reply_text(error, "why", explanation->why), reply_text(error, "do", explanation->advice));
}

void tell(const struct invocation *invocation, const char *format, ...)
{
    va_list args;

    if (invocation->is_json) {
        return;
    }
    progress_end(invocation);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

void progress(const struct invocation *invocation, uint32_t step, const char *format, ...)
{
    va_list args;
    bool is_terminal = isatty(STDERR_FILENO) == 1;

    if (invocation->is_json || (!is_terminal && step == last_step)) {
        return;
    }
    if (is_terminal) {
        (void)fputs("\r\033[K", stderr);
    }
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    if (!is_terminal) {
        (void)fputc('\n', stderr);
    }
    (void)fflush(stderr);
    is_line_open = is_terminal;
    last_step = step;
}

void progress_end(const struct invocation *invocation)
{
    (void)invocation;
    if (is_line_open) {
        (void)fputc('\n', stderr);
        is_line_open = false;
    }
    last_step = UINT32_MAX;
}

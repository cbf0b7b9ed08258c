/* log.c - one line, one write(2), so lines of several threads do not mix. */
#include "node/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 1024, RAW_BYTES_MAX = 2048, FORMAT_BYTES_MAX = 512 };

/* What a line ends with when something was left out of it. */
static const char cut_mark[] = " cut=true\n";

struct line {
    char text[LINE_BYTES_MAX];
    size_t n;
    bool is_cut;
};

static atomic_int level_now = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&level_now, (int)level);
}

static void put(struct line *line, const char *bytes, size_t n)
{
    if (line->is_cut || line->n + n + sizeof cut_mark > sizeof line->text) {
        line->is_cut = true;
        return;
    }
    memcpy(line->text + line->n, bytes, n);
    line->n += n;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Length of one well-formed UTF-8 character of two bytes or more, 0 when it is none. Overlong forms and surrogates are caught by the ranges of the
 * second byte. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    size_t length = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

    if (length == 0 || length > n) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0U) != 0x80U) {
            return 0;
        }
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }
    return length;
}

/* A value: bare when it is plain, else in quotes, with everything escaped that could end the line, the value or move a cursor. */
static void put_value(struct line *line, const char *value, size_t n)
{
    bool is_plain = n > 0;

    for (size_t i = 0; i < n && is_plain; i++) {
        unsigned char c = (unsigned char)value[i];
        is_plain = c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
    }
    if (is_plain) {
        put(line, value, n);
        return;
    }
    put_text(line, "\"");
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)value[i];
        size_t length = c >= 0x80 ? utf8_length((const unsigned char *)value + i, n - i) : 0;
        char escaped[8];
        if (length == 2 && c == 0xc2 && (unsigned char)value[i + 1] < 0xa0) {
            length = 0; /* C1 controls move a terminal's cursor as well as C0 */
        }
        if (length > 0) {
            put(line, value + i, length);
            i += length;
            continue;
        }
        if (c == '"' || c == '\\') {
            (void)snprintf(escaped, sizeof escaped, "\\%c", c);
        } else if (c == '\n') {
            (void)snprintf(escaped, sizeof escaped, "\\n");
        } else if (c < ' ' || c >= 0x7f) {
            (void)snprintf(escaped, sizeof escaped, "\\x%02x", c);
        } else {
            (void)snprintf(escaped, sizeof escaped, "%c", c);
        }
        put_text(line, escaped);
        i++;
    }
    put_text(line, "\"");
}

/* Key and value pairs: the format is cut at its spaces, not the text, so a value may hold what it likes. The text of a pair is what the format up to
 * its end gives beyond what the format up to its beginning gave. */
static void put_pairs(struct line *line, const char *format, va_list args)
{
    char part[FORMAT_BYTES_MAX];
    char raw[RAW_BYTES_MAX];
    size_t done = 0;

    for (size_t at = 0; format[at] != '\0' && at < sizeof part - 1;) {
        size_t end = at + strcspn(format + at, " ");
        va_list again;
        int n;
        end = end < sizeof part ? end : sizeof part - 1;
        memcpy(part, format, end);
        part[end] = '\0';
        va_copy(again, args);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* a beginning of the caller's checked format */
        n = vsnprintf(raw, sizeof raw, part, again);
#pragma GCC diagnostic pop
        va_end(again);
        if (n < 0) {
            line->is_cut = true;
            return;
        }
        size_t total = (size_t)n < sizeof raw - 1 ? (size_t)n : sizeof raw - 1;
        const char *pair = raw + (done < total ? done : total);
        size_t pair_bytes = done < total ? total - done : 0;
        const char *equal = memchr(pair, '=', pair_bytes);
        if (equal != NULL) {
            put_text(line, " ");
            put(line, pair, (size_t)(equal - pair) + 1);
            put_value(line, equal + 1, pair_bytes - (size_t)(equal - pair) - 1);
        }
        line->is_cut = line->is_cut || (size_t)n > total;
        while (format[end] == ' ') {
            end++;
            n++;
        }
        done = (size_t)n;
        at = end;
    }
}

/* The service manager stamps and stores priorities itself; anybody else gets the time in the line. */
static void put_head(struct line *line, enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
    struct timespec now;
    struct tm tm;
    char text[64];

    if (getenv("JOURNAL_STREAM") != NULL) {
        put_text(line, priorities[level]);
    } else if (clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &tm) != NULL) {
        size_t n = strftime(text, sizeof text, "at=%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(text + n, sizeof text - n, ".%03ldZ ", now.tv_nsec / 1000000);
        put_text(line, text);
    }
    put_text(line, "level=");
    put_text(line, names[level]);
    put_text(line, " event=");
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    struct line line = {.n = 0};
    va_list args;
    const char *bytes = line.text;
    size_t left;

    if ((int)level > atomic_load(&level_now)) {
        return;
    }
    put_head(&line, level);
    put_value(&line, event, strlen(event));
    va_start(args, format);
    put_pairs(&line, format, args);
    va_end(args);
    const char *end = line.is_cut ? cut_mark : "\n";
    memcpy(line.text + line.n, end, strlen(end));
    left = line.n + strlen(end);
    while (left > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, left);
        if (n <= 0) {
            return; /* nobody listens; there is nowhere to say so */
        }
        bytes += n;
        left -= (size_t)n;
    }
}

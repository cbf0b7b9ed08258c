/* text.c - numbers, ages, sizes and clean text. */
#include "node/cli/text.h"

#include "node/cli/i18n.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* U+202F, narrow no-break space: what French and Portuguese typography put between thousands. */
#define NARROW_SPACE "\xe2\x80\xaf"

const char *text_count(char *ret, uint64_t number)
{
    char digits[24];
    const char *separator = strcmp(language_now(), "en") == 0 ? "," : NARROW_SPACE;
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t at = 0;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            memcpy(ret + at, separator, strlen(separator));
            at += strlen(separator);
        }
        ret[at++] = digits[i];
    }
    ret[at] = '\0';
    return ret;
}

const char *text_age(char *ret, uint64_t ms)
{
    uint64_t s = ms / 1000;
    unsigned long long minutes = s / 60;
    unsigned long long hours = minutes / 60;
    unsigned long long days = hours / 24;

    if (s < 1) {
        (void)snprintf(ret, TEXT_NUMBER_BYTES, "< 1 s");
    } else if (s < 60) {
        (void)snprintf(ret, TEXT_NUMBER_BYTES, "%llu s", (unsigned long long)s);
    } else if (hours < 1) {
        (void)snprintf(ret, TEXT_NUMBER_BYTES, "%llu min", minutes);
    } else if (days < 1) {
        (void)snprintf(ret, TEXT_NUMBER_BYTES, minutes % 60 != 0 && hours < 6 ? "%llu h %llu min" : "%llu h", hours, minutes % 60);
    } else {
        /* TRANSLATORS: days and hours, as short as "2 d 3 h". */
        (void)snprintf(ret, TEXT_NUMBER_BYTES, hours % 24 != 0 && days < 14 ? _("%llu d %llu h") : _("%llu d"), days, hours % 24);
    }
    return ret;
}

const char *text_bytes(char *ret, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    char *point;

    while (value >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(ret, TEXT_NUMBER_BYTES, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    point = strchr(ret, '.');
    if (point != NULL && strcmp(language_now(), "en") != 0) {
        *point = ',';
    }
    return ret;
}

const char *text_rfc3339(char *ret, time_t seconds)
{
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || strftime(ret, TEXT_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        strcpy(ret, "?");
    }
    return ret;
}

const char *text_clock(char *ret, time_t seconds)
{
    struct tm tm;

    if (localtime_r(&seconds, &tm) == NULL || strftime(ret, TEXT_TIME_BYTES, "%H:%M:%S", &tm) == 0) {
        strcpy(ret, "?");
    }
    return ret;
}

/* One character of UTF-8: its length in bytes and the character; 0 when the bytes are none. Stateless and locale-independent: overlong forms and
 * surrogates are refused. */
static size_t next_character(const char *text, wchar_t *ret)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    uint32_t c;

    if (n <= 1) {
        *ret = (wchar_t)first;
        return n;
    }
    c = first & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte & 0xc0U) != 0x80U) {
            return 0;
        }
        c = c << 6 | (byte & 0x3fU);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }
    *ret = (wchar_t)c;
    return n;
}

/* Characters that turn the direction of text or hide could make one value look like another. */
static bool is_unsafe(wchar_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0xfeff;
}

void text_clean(char *ret, size_t cap, const char *text)
{
    size_t at = 0;

    while (*text != '\0') {
        wchar_t c = 0;
        size_t n = next_character(text, &c);
        bool is_bad = n == 0 || is_unsafe(c);
        size_t width = is_bad ? 1 : n;
        if (at + width + 1 > cap) {
            break;
        }
        if (is_bad) {
            ret[at] = n != 0 && (c == '\n' || c == '\t' || c == '\r') ? ' ' : '?';
        } else {
            memcpy(ret + at, text, n);
        }
        at += width;
        text += n == 0 ? 1 : n;
    }
    if (cap > 0) {
        ret[at] = '\0';
    }
}

static size_t character_width(wchar_t c)
{
    int width = wcwidth(c);

    return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *text)
{
    size_t columns = 0;

    while (*text != '\0') {
        wchar_t c = 0;
        size_t n = next_character(text, &c);
        columns += n == 0 ? 1 : character_width(c);
        text += n == 0 ? 1 : n;
    }
    return columns;
}

void text_cut(char *ret, size_t cap, const char *text, size_t columns)
{
    static const char ellipsis[] = "…";
    bool is_cut = text_width(text) > columns;
    size_t room = is_cut && columns > 0 ? columns - 1 : columns;
    size_t at = 0;
    size_t used = 0;

    while (*text != '\0') {
        wchar_t c = 0;
        size_t n = next_character(text, &c);
        size_t width = n == 0 ? 1 : character_width(c);
        n = n == 0 ? 1 : n;
        if (used + width > room || at + n + sizeof ellipsis > cap) {
            break;
        }
        memcpy(ret + at, text, n);
        at += n;
        used += width;
        text += n;
    }
    if (is_cut && columns > 0 && at + sizeof ellipsis <= cap) {
        memcpy(ret + at, ellipsis, sizeof ellipsis - 1);
        at += sizeof ellipsis - 1;
    }
    ret[at] = '\0';
}

size_t text_columns(void)
{
    struct winsize size;

    if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

bool text_may_color(void)
{
    const char *no_color = getenv("NO_COLOR");

    return no_color == NULL || no_color[0] == '\0';
}

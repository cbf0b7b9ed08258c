#include "proto/record/date.h"
#include "proto/record/fold.h"

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
    static const uint8_t DAYS[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : DAYS[month];
}

static bool is_possible(const struct date *date)
{
    if (date->year < YEAR_MIN || date->year > YEAR_MAX || date->month > 12) {
        return false;
    }
    return date->day == 0 || (date->month >= 1 && date->day <= days_in(date->year, date->month));
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* A run of at most `max` digits at *at. Returns how many there were. */
static size_t number(struct span text, size_t *at, size_t max, uint32_t *ret)
{
    size_t n = 0;

    *ret = 0;
    while (*at < text.n && n < max && is_digit(text.p[*at])) {
        *ret = *ret * 10 + (uint32_t)(text.p[*at] - '0');
        (*at)++;
        n++;
    }
    return n;
}

/* Bytes of the letters (and an abbreviation's dot) at `at`. */
static size_t letters(struct span text, size_t at)
{
    size_t n = 0;

    while (at + n < text.n && ((text.p[at + n] | 32) >= 'a' && (text.p[at + n] | 32) <= 'z')) {
        n++;
        while (at + n < text.n && text.p[at + n] >= 0x80) {
            n++;
        }
    }
    return n;
}

uint32_t month_by_name(struct span name)
{
    static const char *const NAMES[12][3] = {
        {"january", "janvier", "janeiro"},
        {"february", "fevrier", "fevereiro"},
        {"march", "mars", "marco"},
        {"april", "avril", "abril"},
        {"may", "mai", "maio"},
        {"june", "juin", "junho"},
        {"july", "juillet", "julho"},
        {"august", "aout", "agosto"},
        {"september", "septembre", "setembro"},
        {"october", "octobre", "outubro"},
        {"november", "novembre", "novembro"},
        {"december", "decembre", "dezembro"},
    };
    char key[16];
    size_t n = fold_key(name, key, sizeof key);

    if (n < 3 || n == sizeof key) {
        return 0;
    }
    for (uint32_t month = 1; month <= 12; month++) {
        for (size_t language = 0; language < 3; language++) {
            const char *full = NAMES[month - 1][language];

            if (n <= strlen(full) && memcmp(full, key, n) == 0 && !(n == 3 && memcmp(key, "jui", 3) == 0)) {
                return month;
            }
        }
    }
    return n == 4 && memcmp(key, "sept", 4) == 0 ? 9 : 0;
}

static struct span trimmed(struct span text)
{
    while (text.n > 0 && text.p[0] <= ' ') {
        text = span_of(text.p + 1, text.n - 1);
    }
    while (text.n > 0 && text.p[text.n - 1] <= ' ') {
        text.n--;
    }
    return text;
}

/* 2026, 2026-11, 2026/11/22, 2026-11-22T08:00Z: the year first. `at` is behind the year. */
static enum date_result parse_year_first(struct span text, size_t at, struct date *ret)
{
    uint8_t mark;

    if (at == text.n) {
        return DATE_OK;
    }
    mark = text.p[at++];
    if ((mark != '-' && mark != '/' && mark != '.') || number(text, &at, 2, &ret->month) == 0 || ret->month == 0) {
        return DATE_SYNTAX;
    }
    if (at == text.n) {
        return DATE_OK;
    }
    if (text.p[at++] != mark || number(text, &at, 2, &ret->day) == 0 || ret->day == 0) {
        return DATE_SYNTAX;
    }
    if (at < text.n && ((text.p[at] != 'T' && text.p[at] != ' ') || at + 5 > text.n || !is_digit(text.p[at + 1]))) {
        return DATE_SYNTAX; /* only a time of day may follow */
    }
    return DATE_OK;
}

/* 22/11/2026, 22 novembre 2026, 11/2026, nov. 2026 */
static enum date_result parse_year_last(struct span text, struct date *ret)
{
    uint32_t parts[2] = {0, 0};
    size_t count = 0;
    uint32_t name = 0;
    size_t at = 0;

    while (at < text.n) {
        size_t n = letters(text, at);
        size_t start = at;
        uint32_t value;
        size_t digits;

        if (n > 0) {
            struct span word = span_of(text.p + at, n);

            at += n;
            if (n == 2 && memcmp(word.p, "de", 2) == 0) { /* 22 de novembro de 2026 */
                continue;
            }
            if (name != 0 || (name = month_by_name(word)) == 0) {
                return DATE_SYNTAX;
            }
            continue;
        }
        digits = number(text, &at, 4, &value);
        if (digits == 4 && at == text.n) {
            ret->year = value;
            break;
        }
        if (digits > 0) {
            if (digits > 2 || count == 2 || value == 0) {
                return DATE_SYNTAX;
            }
            parts[count++] = value;
            continue;
        }
        if (strchr("/.- ,", text.p[start]) == NULL) {
            return DATE_SYNTAX;
        }
        at++;
    }
    if (ret->year == 0 || (count == 0 && name == 0) || (count == 2 && name != 0)) {
        return DATE_SYNTAX;
    }
    ret->month = name != 0 ? name : parts[count - 1];
    ret->day = name != 0 ? parts[0] : count == 2 ? parts[0] : 0;
    return ret->month > 12 && ret->day <= 12 && ret->day > 0 ? DATE_AMBIGUOUS : DATE_OK;
}

enum date_result date_parse(struct span text, struct date *ret)
{
    struct date date = {0, 0, 0};
    enum date_result result;
    size_t at = 0;

    text = trimmed(text);
    if (number(text, &at, 4, &date.year) == 4 && (at == text.n || !is_digit(text.p[at]))) {
        result = parse_year_first(text, at, &date);
    } else {
        date.year = 0;
        result = parse_year_last(text, &date);
    }
    if (result == DATE_OK && !is_possible(&date)) {
        result = DATE_IMPOSSIBLE;
    }
    if (result == DATE_OK) {
        *ret = date;
    }
    return result;
}

enum date_result date_parse_as(struct span text, const char *format, struct date *ret)
{
    struct date date = {0, 0, 0};
    size_t at = 0;

    text = trimmed(text);
    while (*format != 0) {
        if (strncmp(format, "YYYY", 4) == 0) {
            if (number(text, &at, 4, &date.year) != 4) {
                return DATE_SYNTAX;
            }
            format += 4;
        } else if (strncmp(format, "YY", 2) == 0) {
            if (number(text, &at, 2, &date.year) != 2) {
                return DATE_SYNTAX;
            }
            date.year += date.year >= 70 ? 1900 : 2000;
            format += 2;
        } else if (strncmp(format, "Mon", 3) == 0) {
            size_t n = letters(text, at);

            date.month = month_by_name(span_of(text.p + at, n));
            if (date.month == 0) {
                return DATE_SYNTAX;
            }
            at += n;
            format += 3;
        } else if (*format == 'M' || *format == 'D') {
            char letter = *format;
            uint32_t value;

            if (number(text, &at, 2, &value) == 0 || value == 0) {
                return DATE_SYNTAX;
            }
            *(letter == 'M' ? &date.month : &date.day) = value;
            format += format[1] == letter ? 2 : 1;
        } else {
            if (at == text.n || text.p[at] != (uint8_t)*format) {
                return DATE_SYNTAX;
            }
            at++;
            format++;
        }
    }
    if (at != text.n || date.year == 0) {
        return DATE_SYNTAX;
    }
    if (!is_possible(&date)) {
        return DATE_IMPOSSIBLE;
    }
    *ret = date;
    return DATE_OK;
}

static void digits(char *ret, uint32_t value, size_t n)
{
    while (n-- > 0) {
        ret[n] = (char)('0' + value % 10);
        value /= 10;
    }
}

size_t date_write(const struct date *date, char *ret)
{
    digits(ret, date->year, 4);
    if (date->month == 0) {
        return 4;
    }
    ret[4] = '-';
    digits(ret + 5, date->month, 2);
    if (date->day == 0) {
        return 7;
    }
    ret[7] = '-';
    digits(ret + 8, date->day, 2);
    return 10;
}

/* The parts of a canonical text; false when it is not. */
static bool date_read(struct span text, struct date *ret)
{
    size_t at = 0;
    struct date date = {0, 0, 0};

    if (text.n != 4 && text.n != 7 && text.n != 10) {
        return false;
    }
    if (number(text, &at, 4, &date.year) != 4) {
        return false;
    }
    if (text.n >= 7 && (text.p[at++] != '-' || number(text, &at, 2, &date.month) != 2 || date.month == 0)) {
        return false;
    }
    if (text.n == 10 && (text.p[at++] != '-' || number(text, &at, 2, &date.day) != 2 || date.day == 0)) {
        return false;
    }
    *ret = date;
    return is_possible(&date);
}

bool date_is_canonical(struct span text)
{
    struct date date;

    return date_read(text, &date);
}

/* Days since 1970-01-01, by the era arithmetic of the Gregorian calendar. */
static int32_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = month <= 2 ? year - 1 : year;
    uint32_t era = y / 400;
    uint32_t year_of_era = y % 400;
    uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (int32_t)(era * 146097 + day_of_era) - 719468;
}

int32_t date_first_day(struct span canonical)
{
    struct date date = {YEAR_MIN, 0, 0};

    (void)date_read(canonical, &date);
    return days_since_1970(date.year, date.month == 0 ? 1 : date.month, date.day == 0 ? 1 : date.day);
}

int32_t date_last_day(struct span canonical)
{
    struct date date = {YEAR_MIN, 0, 0};

    (void)date_read(canonical, &date);
    if (date.month == 0) {
        return days_since_1970(date.year, 12, 31);
    }
    return days_since_1970(date.year, date.month, date.day == 0 ? days_in(date.year, date.month) : date.day);
}

bool time_is_canonical(struct span text)
{
    static const char SHAPE[] = "dddd-dd-ddTdd:dd:ddZ";

    if (text.n != TIME_BYTES || !date_is_canonical(span_of(text.p, 10))) {
        return false;
    }
    for (size_t i = 10; i < TIME_BYTES; i++) {
        if (SHAPE[i] == 'd' ? !is_digit(text.p[i]) : text.p[i] != (uint8_t)SHAPE[i]) {
            return false;
        }
    }
    return memcmp(text.p + 11, "23", 2) <= 0 && memcmp(text.p + 14, "59", 2) <= 0 && memcmp(text.p + 17, "60", 2) <= 0;
}

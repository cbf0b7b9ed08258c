#include "proto/record/value.h"
#include "proto/record/check.h"
#include "proto/record/codes.h"
#include "proto/record/date.h"
#include "proto/record/decimal.h"

#include <utf8proc.h>

/* The most a value can have in characters before it is cut down to its field's limit: twice the longest field, for blanks and decompositions. */
enum { GIVEN_BYTES_MAX = 4096 };

static bool refuse(struct value_fault *fault, const char *rule, const char *text)
{
    *fault = (struct value_fault){FAULT_ERROR, rule, text};
    return false;
}

/* Bytes of the blank at p: ASCII white space, no-break blank; 0 when it is none. */
static size_t blank(const uint8_t *p, size_t left)
{
    if (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
        return 1;
    }
    return left >= 2 && p[0] == 0xC2 && p[1] == 0xA0 ? 2 : 0;
}

struct span value_trim(struct span text)
{
    size_t n;

    while (text.n > 0 && (n = blank(text.p, text.n)) > 0) {
        text = span_of(text.p + n, text.n - n);
    }
    while (text.n > 0) {
        if (blank(text.p + text.n - 1, 1) > 0) {
            text.n -= 1;
        } else if (text.n >= 2 && blank(text.p + text.n - 2, 2) == 2) {
            text.n -= 2;
        } else {
            break;
        }
    }
    return text;
}

/* Control characters, and those that turn the direction of what follows: they could make a terminal or a reader show something else. */
static bool is_forbidden(utf8proc_int32_t c, bool allows_lines)
{
    if (c < 0x20) {
        return !(allows_lines && (c == '\n' || c == '\t'));
    }
    return (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF || (c & 0xFFFE) == 0xFFFE;
}

enum text_state { TEXT_PLAIN, TEXT_COMPOSE, TEXT_INVALID, TEXT_FORBIDDEN };

/* Look through a text once. TEXT_COMPOSE: it holds characters beyond Latin-1 letters, which may need NFC. */
static enum text_state inspect(struct span text, bool allows_lines)
{
    enum text_state state = TEXT_PLAIN;
    size_t i = 0;

    while (i < text.n) {
        utf8proc_int32_t c = text.p[i];
        utf8proc_ssize_t bytes = 1;

        if (c >= 0x80) {
            bytes = utf8proc_iterate(text.p + i, (utf8proc_ssize_t)(text.n - i), &c);
            if (bytes <= 0) {
                return TEXT_INVALID;
            }
            state = c >= 0x300 ? TEXT_COMPOSE : state;
        }
        if (is_forbidden(c, allows_lines)) {
            return TEXT_FORBIDDEN;
        }
        i += (size_t)bytes;
    }
    return state;
}

/* Append the NFC of a valid text; false when it decomposes to more than a text may have. */
static bool compose(struct span text, struct out *ret)
{
    utf8proc_int32_t points[GIVEN_BYTES_MAX];
    utf8proc_uint8_t *bytes = (utf8proc_uint8_t *)points;
    utf8proc_ssize_t n = utf8proc_decompose(text.p, (utf8proc_ssize_t)text.n, points, GIVEN_BYTES_MAX - 1, UTF8PROC_COMPOSE);

    if (n < 0 || n > GIVEN_BYTES_MAX - 1) {
        return false;
    }
    n = utf8proc_reencode(points, n, UTF8PROC_COMPOSE);
    if (n < 0) {
        return false;
    }
    out_bytes(ret, bytes, (size_t)n);
    return true;
}

/* Line ends as one newline in texts; any run of blanks as one in names and identifiers. */
static size_t tidy(struct span text, bool keeps_lines, uint8_t *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n;) {
        size_t gap = blank(text.p + i, text.n - i);

        if (gap == 0) {
            ret[n++] = text.p[i++];
        } else if (keeps_lines) {
            bool is_return = text.p[i] == '\r';

            if (is_return && i + 1 < text.n && text.p[i + 1] == '\n') {
                gap = 2;
            }
            ret[n++] = is_return || text.p[i] == '\n' ? '\n' : text.p[i] == '\t' ? '\t' : ' ';
            i += gap;
        } else {
            if (n > 0 && ret[n - 1] != ' ') {
                ret[n++] = ' ';
            }
            i += gap;
        }
    }
    return n;
}

static bool normalise_text(const struct field *field, struct span given, struct out *ret, struct value_fault *fault)
{
    uint8_t tidied[GIVEN_BYTES_MAX];
    struct span text;
    size_t before = ret->at;
    enum text_state state;

    if (given.n > sizeof tidied) {
        return refuse(fault, "text.long", N_("%s: the text is too long. Shorten it."));
    }
    text = span_of(tidied, tidy(given, field->type == FIELD_TEXT, tidied));
    state = inspect(text, field->type == FIELD_TEXT);
    if (state == TEXT_INVALID) {
        return refuse(fault, "text.encoding", N_("%s: the text is not UTF-8. Save the file as UTF-8, or name its encoding."));
    }
    if (state == TEXT_FORBIDDEN) {
        return refuse(fault, "text.control", N_("%s: the text holds control characters. Remove them."));
    }
    if (text.n > field->bytes_max) { /* before it can fill the draft */
        return refuse(fault, "text.long", N_("%s: the text is too long. Shorten it."));
    }
    if (state == TEXT_PLAIN) {
        out_span(ret, text);
    } else if (!compose(text, ret) || ret->at - before > field->bytes_max) {
        ret->at = before;
        return refuse(fault, "text.long", N_("%s: the text is too long. Shorten it."));
    }
    return true;
}

/* A container number is found whether it was written MSKU 123456-7 or mskU1234567: what has the shape once blanks and marks are gone is stored
 * without. */
static size_t squeeze(const char *field_name, struct span given, uint8_t *ret, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < given.n && n < cap; i++) {
        uint8_t c = given.p[i];

        if (c >= 'a' && c <= 'z') {
            c = (uint8_t)(c - 32);
        }
        if (c != ' ' && c != '-' && c != '/' && c != '.') {
            ret[n++] = c;
        }
    }
    if (strcmp(field_name, "container") == 0) {
        return check_container_shape(span_of(ret, n)) ? n : 0;
    }
    return strcmp(field_name, "hs") == 0 || strcmp(field_name, "locode") == 0 ? n : 0;
}

static bool normalise_identifier(const struct field *field, struct span given, struct out *ret, struct value_fault *fault)
{
    uint8_t squeezed[32];
    size_t before = ret->at;
    size_t n = squeeze(field->name, given, squeezed, sizeof squeezed);

    if (!normalise_text(field, n > 0 && n < sizeof squeezed ? span_of(squeezed, n) : given, ret, fault)) {
        return false;
    }
    if (!check_identifier(field->name, span_of(ret->p + before, ret->at - before), fault)) {
        ret->at = before;
        return false;
    }
    return true;
}

static bool normalise_code(const struct code_list *list, struct span given, struct out *ret, struct value_fault *fault)
{
    const struct code *code = code_find(list, given);

    if (code == NULL) {
        if (list == &CODES_COUNTRY) {
            return refuse(fault, "country.unknown",
                          N_("%s: '%s' is not a country. Give its name or its two letters (SN, GM), or XX when it is unknown."));
        }
        return refuse(fault, "code.unknown", N_("%s: '%s' is not in the list. FIELDS.md has all codes with their names."));
    }
    out_bytes(ret, code->code, strlen(code->code));
    return true;
}

static bool normalise_date(struct span given, struct out *ret, struct value_fault *fault)
{
    struct date date;
    char text[DATE_BYTES_MAX];

    switch (date_parse(given, &date)) {
    case DATE_OK:
        out_bytes(ret, text, date_write(&date, text));
        return true;
    case DATE_AMBIGUOUS:
        return refuse(fault, "date.ambiguous", N_("%s: '%s' has no such month. Days come first here: 22/11/2026; or write 2026-11-22."));
    case DATE_IMPOSSIBLE:
        return refuse(fault, "date.impossible", N_("%s: there is no day '%s' in the calendar from 1900 to 2199."));
    case DATE_SYNTAX:
        break;
    }
    return refuse(fault, "date.syntax", N_("%s: '%s' is not a date. Write 2026-11-22, or 2026-11 when only the month is known."));
}

static bool normalise_decimal(struct span given, struct out *ret, struct value_fault *fault)
{
    char text[DECIMAL_BYTES_MAX];
    size_t n;

    switch (decimal_parse(given, 0, text, &n)) {
    case DECIMAL_OK:
        out_bytes(ret, text, n);
        return true;
    case DECIMAL_AMBIGUOUS:
        return refuse(fault, "decimal.ambiguous", N_("%s: '%s' can be read in two ways. Write 1234 or 1.234, with a point for decimals."));
    case DECIMAL_NEGATIVE:
        return refuse(fault, "decimal.negative", N_("%s: '%s' is below zero."));
    case DECIMAL_LONG:
        return refuse(fault, "decimal.long", N_("%s: '%s' has more than 24 characters."));
    case DECIMAL_SYNTAX:
        break;
    }
    return refuse(fault, "decimal.syntax", N_("%s: '%s' is not a number. Write digits with a point for decimals: 12.5."));
}

static bool is_count(struct span text)
{
    return decimal_is_canonical(text) && memchr(text.p, '.', text.n) == NULL &&
           decimal_compare(text, span_text("9007199254740992")) <= 0; /* 2^53, which JSON still carries */
}

static bool normalise_count(struct span given, struct out *ret, struct value_fault *fault)
{
    size_t before = ret->at;

    if (!normalise_decimal(given, ret, fault)) {
        return false;
    }
    if (!is_count(span_of(ret->p + before, ret->at - before))) {
        ret->at = before;
        return refuse(fault, "count.syntax", N_("%s: '%s' is not a whole number."));
    }
    return true;
}

static bool normalise_flag(struct span given, struct out *ret, struct value_fault *fault)
{
    static const char *const WORDS[2][7] = {{"false", "no", "non", "nao", "0", "n", "faux"}, {"true", "yes", "oui", "sim", "1", "y", "vrai"}};
    uint8_t folded[16];
    size_t n = fold_exact(given, folded, sizeof folded);

    for (size_t truth = 0; truth < 2; truth++) {
        for (size_t i = 0; i < 7; i++) {
            if (span_equal(span_of(folded, n), span_text(WORDS[truth][i]))) {
                out_bytes(ret, WORDS[truth][0], strlen(WORDS[truth][0]));
                return true;
            }
        }
    }
    return refuse(fault, "flag.syntax", N_("%s: '%s' is neither yes nor no."));
}

static bool is_reference(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!((text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f'))) {
            return false;
        }
    }
    return text.n == 32;
}

static bool normalise_exactly(struct span given, bool is_good, struct out *ret, struct value_fault *fault, const char *rule, const char *text)
{
    if (!is_good) {
        return refuse(fault, rule, text);
    }
    out_span(ret, given);
    return true;
}

bool value_normalise(const struct field *field, struct span given, struct out *ret, struct value_fault *fault)
{
    size_t before = ret->at;
    bool is_good = false;

    given = value_trim(given);
    if (given.n == 0) {
        return refuse(fault, "empty", N_("%s: the value is empty. Leave the field out instead."));
    }
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_NAME:
        is_good = normalise_text(field, given, ret, fault);
        break;
    case FIELD_IDENTIFIER:
        is_good = normalise_identifier(field, given, ret, fault);
        break;
    case FIELD_CODE:
        is_good = normalise_code(field->codes, given, ret, fault);
        break;
    case FIELD_COUNTRY:
        is_good = normalise_code(&CODES_COUNTRY, given, ret, fault);
        break;
    case FIELD_DATE:
        is_good = normalise_date(given, ret, fault);
        break;
    case FIELD_TIME:
        is_good =
            normalise_exactly(given, time_is_canonical(given), ret, fault, "time.syntax", N_("%s: '%s' is not a time. Write 2026-11-22T10:11:12Z."));
        break;
    case FIELD_DECIMAL:
        is_good = normalise_decimal(given, ret, fault);
        break;
    case FIELD_COUNT:
        is_good = normalise_count(given, ret, fault);
        break;
    case FIELD_FLAG:
        is_good = normalise_flag(given, ret, fault);
        break;
    case FIELD_REFERENCE:
        is_good = normalise_exactly(given, is_reference(given), ret, fault, "reference.syntax",
                                    N_("%s: '%s' is not the id of a record. Copy the 32 characters that search and show print."));
        break;
    case FIELD_GROUP:
        is_good = refuse(fault, "group", N_("%s: '%s' cannot stand alone. Name a field of the group: item.quantity."));
        break;
    }
    if (is_good && ret->is_full) {
        ret->is_full = false;
        is_good = refuse(fault, "record.long", N_("%s: with this value the record is too long. Shorten the texts."));
    }
    if (!is_good) {
        ret->at = before;
    }
    return is_good;
}

/* What codes of any release look like. */
static bool is_code_shape(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+')) {
            return false;
        }
    }
    return text.n > 0 && text.n <= CODE_BYTES_MAX;
}

bool value_is_canonical(const struct field *field, struct span text)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_IDENTIFIER:
        /* NFC and length limits are duties of the author; a reader only needs text that is safe to show. */
        return text.n > 0 && inspect(text, field->type == FIELD_TEXT) <= TEXT_COMPOSE;
    case FIELD_CODE:
        return is_code_shape(text);
    case FIELD_COUNTRY:
        return text.n == 2 && is_code_shape(text);
    case FIELD_DATE:
        return date_is_canonical(text);
    case FIELD_TIME:
        return time_is_canonical(text);
    case FIELD_DECIMAL:
        return decimal_is_canonical(text);
    case FIELD_COUNT:
        return is_count(text);
    case FIELD_FLAG:
        return span_equal(text, span_text("true")) || span_equal(text, span_text("false"));
    case FIELD_REFERENCE:
        return is_reference(text);
    case FIELD_GROUP:
        break;
    }
    return false;
}

#include "store/index/terms.h"

#include "store/index/postings.h"
#include "store/index/volume.h"

struct sink {
    void (*each)(void *arg, struct span term);
    void *arg;
};

void term_word(struct span folded, struct out *ret)
{
    key_u8(ret, 'w');
    out_span(ret, folded);
}

void term_field(uint32_t kind, const struct field *group, const struct field *field, struct span folded, struct out *ret)
{
    key_u8(ret, 'f');
    varint_write(ret, ((group != NULL ? group : field)->flags & FIELD_ENVELOPE) != 0 ? 0 : kind);
    varint_write(ret, group != NULL ? group->number : 0);
    varint_write(ret, field->number);
    out_span(ret, folded);
}

void term_kind(uint32_t kind, struct out *ret)
{
    key_u8(ret, 'k');
    key_u8(ret, (uint8_t)kind);
}

void term_author(const struct node_id *author, struct out *ret)
{
    key_u8(ret, 'a');
    out_bytes(ret, author->b, sizeof author->b);
}

/* ---- dates ---- */

static bool digits(struct span text, size_t at, size_t n, uint32_t *ret)
{
    uint32_t value = 0;

    if (at + n > text.n) {
        return false;
    }
    for (size_t i = at; i < at + n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(text.p[i] - '0');
    }
    *ret = value;
    return true;
}

bool term_date_parse(struct span text, struct term_date *ret)
{
    struct term_date date = {0, 0, 0};

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == 'T') {
            text.n = i;
        }
    }
    if (text.n != 4 && text.n != 7 && text.n != 10) {
        return false;
    }
    if (!digits(text, 0, 4, &date.year) || date.year == 0) {
        return false;
    }
    if (text.n >= 7 && (text.p[4] != '-' || !digits(text, 5, 2, &date.month) || date.month < 1 || date.month > 12)) {
        return false;
    }
    if (text.n == 10 && (text.p[7] != '-' || !digits(text, 8, 2, &date.day) || date.day < 1 || date.day > 31)) {
        return false;
    }
    *ret = date;
    return true;
}

uint32_t term_date_day(const struct term_date *date)
{
    uint32_t month = date->month == 0 ? 1 : date->month, day = date->day == 0 ? 1 : date->day;
    uint32_t year = month <= 2 ? date->year - 1 : date->year; /* years that begin in March have their odd day at the end */
    uint32_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

    return year * 365 + year / 4 - year / 100 + year / 400 + of_year;
}

void term_date(const struct term_date *date, struct out *ret)
{
    uint32_t day;

    if (date->month == 0) {
        key_u8(ret, 'y');
        key_u16(ret, (uint16_t)date->year);
    } else if (date->day == 0) {
        key_u8(ret, 'm');
        key_u16(ret, (uint16_t)date->year);
        key_u8(ret, (uint8_t)date->month);
    } else {
        day = term_date_day(date);
        key_u8(ret, 'd');
        key_u8(ret, (uint8_t)(day >> 16));
        key_u16(ret, (uint16_t)day);
    }
}

bool terms_is_event_date(const struct field *field)
{
    return (field->flags & FIELD_ENVELOPE) != 0 && strcmp(field->name, "date") == 0;
}

/* The date of the event, as text. */
static struct span event_date(const struct record *record)
{
    for (uint32_t i = 0; i < record->value_count; i++) {
        const struct record_value *value = &record->values[i];
        if (value->group == NULL && terms_is_event_date(value->field)) {
            return value->text;
        }
    }
    return span_of(NULL, 0);
}

uint32_t terms_day(const struct record *record)
{
    struct term_date date;

    return term_date_parse(event_date(record), &date) ? term_date_day(&date) : 0;
}

/* ---- a record's terms ---- */

static void emit(const struct sink *sink, const struct out *out)
{
    if (!out->is_full) {
        sink->each(sink->arg, out_written(out));
    }
}

static void word_emit(void *arg, struct span word)
{
    uint8_t b[TERM_BYTES_MAX];
    struct out out = out_into(b, sizeof b);

    term_word(word, &out);
    emit(arg, &out);
}

static void date_emit(const struct sink *sink, struct term_date date)
{
    uint8_t b[TERM_BYTES_MAX];
    struct out out = out_into(b, sizeof b);

    term_date(&date, &out);
    emit(sink, &out);
    if (date.day != 0) {
        date.day = 0;
        date_emit(sink, date);
    } else if (date.month != 0) {
        date.month = 0;
        date_emit(sink, date);
    }
}

void terms_of(const struct record *record, const struct node_id *author, void (*each)(void *arg, struct span term), void *arg)
{
    struct sink sink = {each, arg};
    struct term_date date;
    uint8_t b[TERM_BYTES_MAX], folded[TERM_VALUE_BYTES_MAX];
    struct out out = out_into(b, sizeof b);

    term_kind(record->kind, &out);
    emit(&sink, &out);
    out.at = 0;
    term_author(author, &out);
    emit(&sink, &out);
    if (term_date_parse(event_date(record), &date)) {
        date_emit(&sink, date);
    }
    for (uint32_t i = 0; i < record->value_count; i++) {
        const struct record_value *value = &record->values[i];
        if ((value->field->flags & FIELD_WORDS) != 0 || value->field->type == FIELD_IDENTIFIER) {
            fold_words(value->text, word_emit, &sink);
        }
        if ((value->field->flags & FIELD_EXACT) != 0 && !terms_is_event_date(value->field)) {
            size_t n = fold_exact(value->text, folded, sizeof folded);
            out.at = 0;
            term_field(record->kind, value->group, value->field, span_of(folded, n), &out);
            emit(&sink, &out);
        }
    }
}

/* ---- the schema ---- */

static uint32_t fields_sum(uint32_t sum, const struct field *fields)
{
    for (; fields->number != 0; fields++) {
        uint8_t b[16];
        struct out out = out_into(b, sizeof b);
        key_u32(&out, sum);
        key_u16(&out, fields->number);
        key_u32(&out, (uint32_t)fields->type);
        key_u32(&out, fields->flags & (FIELD_WORDS | FIELD_EXACT | FIELD_ENVELOPE));
        sum = page_sum(out_written(&out)) ^ page_sum(span_text(fields->name));
        if (fields->group != NULL) {
            sum = fields_sum(sum, fields->group) * 31 + 1;
        }
    }
    return sum;
}

uint32_t terms_schema(void)
{
    uint32_t sum = 1; /* to be raised when the terms themselves change */
    const struct kind *kind;

    for (size_t i = 0; (kind = kind_at(i)) != NULL; i++) {
        sum = fields_sum(sum * 31 + (uint32_t)kind->number, kind->fields);
    }
    return sum;
}

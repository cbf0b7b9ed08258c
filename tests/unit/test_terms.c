/* What a record is found by. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/index/terms.h"

#include <stdlib.h>

static const uint32_t TODAY = 20779; /* 2026-11-22 */
static const struct node_id AUTHOR = {{0xaa, 0xbb}};

struct bag {
    uint8_t terms[400][TERM_BYTES_MAX];
    size_t bytes[400];
    size_t count;
};

static void bag_add(void *arg, struct span term)
{
    struct bag *bag = arg;

    assert_in_range(term.n, 1, TERM_BYTES_MAX);
    assert_true(bag->count < 400);
    memcpy(bag->terms[bag->count], term.p, term.n);
    bag->bytes[bag->count++] = term.n;
}

static bool bag_has(const struct bag *bag, struct span term)
{
    for (size_t i = 0; i < bag->count; i++) {
        if (span_equal(span_of(bag->terms[i], bag->bytes[i]), term)) {
            return true;
        }
    }
    return false;
}

static bool has_word(const struct bag *bag, const char *word)
{
    uint8_t b[TERM_BYTES_MAX];
    struct out out = out_into(b, sizeof b);

    term_word(span_text(word), &out);
    return bag_has(bag, out_written(&out));
}

static bool has_value(const struct bag *bag, const char *kind_name, const char *name, const char *folded)
{
    const struct kind *kind = kind_by_name(span_text(kind_name));
    const struct field *group = NULL, *field;
    uint32_t item = 0;
    uint8_t b[TERM_BYTES_MAX];
    struct out out = out_into(b, sizeof b);

    field = kind_field(kind, span_text(name), &group, &item);
    assert_non_null(field);
    term_field(kind->number, group, field, span_text(folded), &out);
    return bag_has(bag, out_written(&out));
}

static bool has_date(const struct bag *bag, const char *text)
{
    struct term_date date;
    uint8_t b[TERM_BYTES_MAX];
    struct out out = out_into(b, sizeof b);

    assert_true(term_date_parse(span_text(text), &date));
    term_date(&date, &out);
    return bag_has(bag, out_written(&out));
}

/* The terms of a record made of name, value, name, value ..., NULL. */
static void make(struct bag *bag, uint32_t *ret_day, const char *kind, ...)
{
    struct draft *draft = draft_new(kind_by_name(span_text(kind)));
    struct record *record = malloc(sizeof *record);
    struct record_faults *faults = calloc(1, sizeof *faults);
    const char *name;
    va_list args;

    assert_non_null(draft);
    assert_non_null(record);
    assert_non_null(faults);
    va_start(args, kind);
    while ((name = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);
        if (!draft_add(draft, span_text(name), span_text(value), faults)) {
            fail_msg("%s=%s: %s", name, value, faults->faults[faults->count - 1].rule);
        }
    }
    va_end(args);
    if (!draft_finish(draft, TODAY, record, faults)) {
        fail_msg("%s", faults->faults[faults->count - 1].rule);
    }
    bag->count = 0;
    terms_of(record, &AUTHOR, bag_add, bag);
    *ret_day = terms_day(record);
    free(faults);
    free(record);
    draft_destroy(&draft);
}

static void a_record_is_found_by_words_values_kind_author_and_date(void **state)
{
    static struct bag bag;
    uint32_t day;

    (void)state;
    make(&bag, &day, "seizure", "date", "2026-03-05", "country", "SN", "place", "Saint-Louis du Sénégal", "commodity", "cocaine", "quantity", "12.5",
         "unit", "kg", "container", "MSCU6639871", "plate", "DK-1234-AB", "narrative", "Cachée sous le plancher d’un œuvre d'art", "brand", "Été",
         NULL);
    assert_true(has_word(&bag, "saint"));
    assert_true(has_word(&bag, "senegal"));
    assert_true(has_word(&bag, "cachee"));
    assert_true(has_word(&bag, "oeuvre"));
    assert_true(has_word(&bag, "art"));
    assert_false(has_word(&bag, "Cachée"));
    assert_true(has_word(&bag, "mscu6639871")); /* an identifier needs no field name */
    assert_true(has_word(&bag, "1234"));
    assert_true(has_value(&bag, "seizure", "country", "sn"));
    assert_true(has_value(&bag, "seizure", "brand", "ete"));
    assert_true(has_value(&bag, "seizure", "container", "mscu6639871"));
    assert_false(has_value(&bag, "alert", "country", "sn"));
    assert_false(has_value(&bag, "seizure", "origin", "sn"));
    assert_true(bag_has(&bag, span_of("k\1", 2)));
    assert_false(bag_has(&bag, span_of("k\2", 2)));
    assert_true(has_date(&bag, "2026-03-05"));
    assert_true(has_date(&bag, "2026-03"));
    assert_true(has_date(&bag, "2026"));
    assert_false(has_date(&bag, "2026-04"));
    {
        uint8_t b[32];
        struct out out = out_into(b, sizeof b);
        term_author(&AUTHOR, &out);
        assert_true(bag_has(&bag, out_written(&out)));
    }
}

static void an_envelope_field_is_the_same_in_all_kinds(void **state)
{
    static struct bag bag;
    uint32_t day;

    (void)state;
    make(&bag, &day, "alert", "date", "2026-03", "title", "Lorry", "threat", "hidden floor", "valid_until", "2026-12-01", "requested_action",
         "observe", "office", "Bureau 7", NULL);
    assert_true(has_value(&bag, "alert", "office", "bureau 7"));
    assert_true(has_value(&bag, "seizure", "office", "bureau 7"));
    assert_true(has_word(&bag, "lorry"));
    assert_true(has_date(&bag, "2026-03")); /* a month is no day */
    assert_true(has_date(&bag, "2026"));
    assert_false(has_date(&bag, "2026-03-01"));
    assert_true(day != 0);
}

static void days_are_counted_through_the_calendar(void **state)
{
    static const struct {
        const char *earlier, *later;
        uint32_t days;
    } ROWS[] = {
        {"1970-01-01", "1970-01-02", 1},
        {"1999-12-31", "2000-01-01", 1},
        {"2000-02-28", "2000-03-01", 2},
        {"1900-02-28", "1900-03-01", 1},
        {"2024-02-28", "2024-02-29", 1},
        {"1970-01-01", "2026-11-22", 20779},
        {"2026", "2026-01-01", 0},
        {"2026-11", "2026-11-01", 0},
        {"2026-11-22T10:11:12Z", "2026-11-22", 0},
        {"0001-01-01", "9999-12-31", 3652058},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct term_date a, b;
        assert_true(term_date_parse(span_text(ROWS[i].earlier), &a));
        assert_true(term_date_parse(span_text(ROWS[i].later), &b));
        if (term_date_day(&b) - term_date_day(&a) != ROWS[i].days) {
            fail_msg("%s to %s", ROWS[i].earlier, ROWS[i].later);
        }
    }
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const ROWS[] = {"",           "2",          "20266", "2026-",      "2026-1", "2026-13",    "2026-00",    "2026-11-00",
                                       "2026-11-32", "2026/11/22", "0000",  "2026-11-2x", "T",      "22.11.2026", "2026-11-22 "};

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct term_date date;
        if (term_date_parse(span_text(ROWS[i]), &date)) {
            fail_msg("'%s' was read", ROWS[i]);
        }
    }
}

static void a_long_value_is_cut_and_filed(void **state)
{
    static struct bag bag;
    uint32_t day;
    char place[121];

    (void)state;
    memset(place, 'x', 120);
    place[120] = 0;
    make(&bag, &day, "seizure", "date", "2026-03-05", "country", "SN", "commodity", "cocaine", "quantity", "1", "unit", "kg", "place", place, NULL);
    place[TERM_VALUE_BYTES_MAX] = 0;
    assert_true(has_value(&bag, "seizure", "place", place));
}

static void the_schema_has_a_number(void **state)
{
    (void)state;
    assert_int_equal(terms_schema(), terms_schema());
    assert_true(terms_schema() != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_found_by_words_values_kind_author_and_date),
        cmocka_unit_test(an_envelope_field_is_the_same_in_all_kinds),
        cmocka_unit_test(days_are_counted_through_the_calendar),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(a_long_value_is_cut_and_filed),
        cmocka_unit_test(the_schema_has_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The query language: what is understood, what is refused and where, and what hostile text costs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/index/query.h"
#include "store/index/terms.h"

#include <stdio.h>
#include <stdlib.h>

static struct query query;

/* A query as text: clauses by ' ', needs by '&', atoms by '|', '!' for not; a term with its first byte and, of values, what is behind the head; '~'
 * for a prefix. */
static const char *shown(void)
{
    static char text[8192];
    size_t n = 0;

    text[0] = 0;
    for (uint32_t c = 0; c < query.clause_count; c++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", c == 0 ? "" : " ", query.clauses[c].is_not ? "!" : "");
        for (uint32_t i = 0; i < query.clauses[c].count; i++) {
            const struct query_need *need = &query.needs[query.clauses[c].first + i];
            for (uint32_t a = 0; a < need->count; a++) {
                const struct query_atom *atom = &query.atoms[need->first + a];
                struct span term = atom->term;
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%c", a > 0 ? "|" : i > 0 ? "&" : "", term.p[0]);
                if (term.p[0] == 'f') { /* kind, group and field, one byte each here */
                    n += (size_t)snprintf(text + n, sizeof text - n, "%u.%u.%u:%.*s", term.p[1], term.p[2], term.p[3], (int)(term.n - 4),
                                          (const char *)term.p + 4);
                } else if (term.p[0] == 'w') {
                    n += (size_t)snprintf(text + n, sizeof text - n, ":%.*s", (int)(term.n - 1), (const char *)term.p + 1);
                } else {
                    n += (size_t)snprintf(text + n, sizeof text - n, ":");
                    for (size_t k = 1; k < term.n; k++) {
                        n += (size_t)snprintf(text + n, sizeof text - n, "%02x", term.p[k]);
                    }
                }
                n += (size_t)snprintf(text + n, sizeof text - n, "%s", atom->is_prefix ? "~" : "");
            }
        }
    }
    return text;
}

static void what_is_understood(void **state)
{
    static const struct {
        const char *what, *text, *shown;
    } ROWS[] = {
        {"nothing asks for everything", "", ""},
        {"blanks are nothing", " \t\n  ", ""},
        {"words", "sac noir", "w:sac w:noir"},
        {"folded words", "Él ŒIL", "w:el w:oeil"},
        {"a word that punctuation parts", "l’eau", "w:l&w:eau"},
        {"an excluded word of two parts", "-l’eau", "!w:l&w:eau"},
        {"a prefix", "noi*", "w:noi~"},
        {"a prefix behind a part", "d'or*", "w:d&w:or~"},
        {"a phrase", "\"deux sacs\"", "w:deux&w:sacs"},
        {"an excluded phrase", "-\"deux sacs\"", "!w:deux&w:sacs"},
        {"no blank behind a phrase", "\"a b\"c", "w:a&w:b w:c"},
        {"a field that one kind has", "plate:\"DK 1\"", "f1.0.49:dk 1|f2.0.49:dk 1"},
        {"a field of the envelope", "office:Dakar", "f0.0.6:dakar"},
        {"a field of an item", "brand:Acme", "f1.40.14:acme"},
        {"a field of an item by its group", "item.brand:Acme", "f1.40.14:acme"},
        {"a code by its name", "country:Sénégal", "f1.0.32:sn|f2.0.32:sn|f3.0.32:sn"},
        {"a value's prefix", "place:Dak*", "f1.0.33:dak~|f2.0.33:dak~"},
        {"a quoted value is no prefix", "plate:\"ab*\"", "f1.0.49:ab*|f2.0.49:ab*"},
        {"a kind", "kind:seizure", "k:01"},
        {"another kind, excluded", "-kind:alert", "!k:02"},
        {"an author", "author:000102030405060708090A0B0C0D0E0F", "a:000102030405060708090a0b0c0d0e0f"},
        {"a year", "date:2026", "y:07ea"},
        {"a month", "date:2026-11", "m:07ea0b"},
        {"a day", "date:1970-01-01", "d:0afa6c"},
        {"another name of the date", "when:2026", "y:07ea"},
        {"a capital makes no field", "Place:x", "w:place&w:x"},
        {"a hyphen inside is no exclusion", "saint-louis", "w:saint&w:louis"},
        {"right-to-left marks are nothing",
         "\xe2\x80\x8f"
         "noir",
         "w:noir"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        size_t at = 0;
        const char *why = "";
        if (query_parse(span_text(ROWS[i].text), &query, &at, &why) != ERR_OK) {
            fail_msg("%s: refused at %zu: %s", ROWS[i].what, at, why);
        }
        if (strcmp(shown(), ROWS[i].shown) != 0) {
            fail_msg("%s: %s", ROWS[i].what, shown());
        }
    }
}

static void a_word_finds_the_codes_it_names(void **state)
{
    size_t at;
    const char *why;

    (void)state;
    assert_int_equal(query_parse(span_text("Cocaïne"), &query, &at, &why), ERR_OK);
    assert_int_equal(query.need_count, 1);
    assert_non_null(strstr(shown(), "w:cocaine|"));
    assert_non_null(strstr(shown(), "f1.40.2:cocaine")); /* the commodity of an item */
    assert_non_null(strstr(shown(), "f2.0.42:cocaine")); /* and of an alert */
    assert_int_equal(query_parse(span_text("Sénégal"), &query, &at, &why), ERR_OK);
    assert_non_null(strstr(shown(), "f1.41.1:sn")); /* as a country of origin too */
    assert_int_equal(query_parse(span_text("de no"), &query, &at, &why), ERR_OK);
    assert_string_equal(shown(), "w:de w:no");
    assert_int_equal(query_parse(span_text("unknown"), &query, &at, &why), ERR_OK);
    assert_string_equal(shown(), "w:unknown");
}

static void what_is_refused_and_where(void **state)
{
    static const struct {
        const char *what, *text;
        size_t at;
        const char *why; /* a part of the reason */
    } ROWS[] = {
        {"only punctuation", "noir ...", 5, "no letter"},
        {"an empty phrase", "\"\"", 0, "no letter"},
        {"a phrase that is not closed", "noir \"deux sacs", 5, "closing"},
        {"a value's phrase that is not closed", "place:\"deux", 6, "closing"},
        {"a lonely exclusion", "noir -", 5, "excludes"},
        {"an exclusion of a blank", "- noir", 0, "excludes"},
        {"a star in front", "*noir", 0, "end of a word"},
        {"a star alone", "*", 0, "no letter"},
        {"a star inside", "no*ir", 2, "end of a word"},
        {"two stars", "noir**", 4, "end of a word"},
        {"too short a prefix", "a n*", 2, "two letters"},
        {"too short a prefix of a value", "place:d*", 0, "two letters"},
        {"a field nobody knows", "a colour:red", 2, "no field"},
        {"a field of too many parts", "item.2.brand:x", 0, "no field"},
        {"a field that is not filed by value", "narrative:x", 0, "its words"},
        {"a field without value", "place: x", 0, "no value"},
        {"a value that folds to nothing", "place:\xe2\x80\x8f", 0, "no value"},
        {"an empty phrase as value", "place:\"\"", 0, "no value"},
        {"a kind nobody knows", "kind:parcel", 5, "no kind"},
        {"a kind's prefix", "kind:sei*", 5, "whole value"},
        {"an author by name", "author:dakar", 7, "node id"},
        {"an author of odd length", "author:000102030405060708090A0B0C0D0E0", 7, "node id"},
        {"an author with another letter", "author:00010203040506070809 0A0B0C0D0E0F", 7, "node id"},
        {"a date of another order", "date:22.11.2026", 5, "2026-11-22"},
        {"a month that is none", "date:2026-13", 5, "2026-11-22"},
        {"broken UTF-8", "ab \xc3", 3, "UTF-8"},
        {"overlong UTF-8", "ab\xc0\xaf", 2, "UTF-8"},
        {"a surrogate", "\xed\xa0\x80", 0, "UTF-8"},
        {"above the last code point", "\xf4\x90\x80\x80", 0, "UTF-8"},
        {"a stray continuation", "a\x80", 1, "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        size_t at = 999;
        const char *why = "";
        if (query_parse(span_text(ROWS[i].text), &query, &at, &why) != ERR_INVALID) {
            fail_msg("%s: understood as %s", ROWS[i].what, shown());
        }
        if (at != ROWS[i].at || strstr(why, ROWS[i].why) == NULL) {
            fail_msg("%s: refused at %zu: %s", ROWS[i].what, at, why);
        }
    }
}

static void each_limit_holds(void **state)
{
    char text[QUERY_BYTES_MAX + 2];
    size_t at = 0;
    const char *why = "";
    int n = 0;

    (void)state;
    for (int words = 1; words <= QUERY_TERMS_MAX + 1; words++) {
        n += snprintf(text + n, sizeof text - (size_t)n, "x%d ", words);
        assert_int_equal(query_parse(span_text(text), &query, &at, &why), words <= QUERY_TERMS_MAX ? ERR_OK : ERR_INVALID);
    }
    assert_non_null(strstr(why, "32"));
    assert_int_equal(at, strstr(text, "x33") - text);
    for (size_t bytes = QUERY_BYTES_MAX - 1; bytes <= QUERY_BYTES_MAX + 1; bytes++) {
        memset(text, ' ', bytes);
        assert_int_equal(query_parse(span_of(text, bytes), &query, &at, &why), bytes <= QUERY_BYTES_MAX ? ERR_OK : ERR_INVALID);
    }
    memset(text, 'x', QUERY_BYTES_MAX); /* one word without end */
    (void)!query_parse(span_of(text, QUERY_BYTES_MAX), &query, &at, &why);
    for (int words = 1; words <= 40; words++) { /* every word also names a country in many fields: atoms are bounded too */
        n = 0;
        for (int i = 0; i < words; i++) {
            n += snprintf(text + n, sizeof text - (size_t)n, "%s ", i % 2 == 0 ? "Senegal" : "Nigeria");
        }
        (void)!query_parse(span_text(text), &query, &at, &why);
        assert_true(query.atom_count <= QUERY_ATOMS_MAX && query.need_count <= QUERY_TERMS_MAX && query.text_bytes <= QUERY_TEXT_BYTES_MAX);
    }
}

static void hostile_text_does_no_harm(void **state)
{
    static const char PARTS[][12] = {
        "a", "noir", "\"",   "-",      "*",  ":",  "place:", "kind:", "date:", "author:", " ", "é",     "\xe2\x80\x8f", "(",
        ")", " OR ", "^.*$", "[a-z]+", "\\", "..", "'",      "\x01",  "\xff",  "ß",       "ﬁ", "item.", "2026-11",      "  "};
    uint64_t seed = 77;

    (void)state;
    for (int round = 0; round < 30000; round++) {
        uint8_t *text = malloc(QUERY_BYTES_MAX + 16); /* so that a sanitizer sees a step too far */
        size_t n = 0, at = 0, limit;
        const char *why = NULL;
        enum err err;
        assert_non_null(text);
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        limit = round % 50 == 0 ? QUERY_BYTES_MAX : (seed >> 40) % 60;
        while (n < limit) {
            const char *part;
            size_t bytes;
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            part = PARTS[(seed >> 33) % (sizeof PARTS / sizeof *PARTS)];
            bytes = strlen(part);
            memcpy(text + n, part, bytes);
            n += bytes;
        }
        text = realloc(text, n + 1);
        err = query_parse(span_of(text, n), &query, &at, &why);
        if (err != ERR_OK) {
            assert_int_equal(err, ERR_INVALID);
            assert_true(at <= n);
            assert_non_null(why);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_understood), cmocka_unit_test(a_word_finds_the_codes_it_names), cmocka_unit_test(what_is_refused_and_where),
        cmocka_unit_test(each_limit_holds),   cmocka_unit_test(hostile_text_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sets of documents: what goes in comes out, in one form only, and damaged bytes do no harm. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/index/filter.h"
#include "store/index/postings.h"

#include <stdlib.h>

static uint64_t seed = 42;

static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 29;
}

/* Each document of the range with a chance of `share` in 65,536, at least one. */
static uint32_t random_set(uint32_t range, uint32_t share, uint16_t *ret)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < range; i++) {
        if (next_random() % 65536 < share) {
            ret[n++] = (uint16_t)i;
        }
    }
    if (n == 0) {
        ret[n++] = (uint16_t)(next_random() % range);
    }
    return n;
}

static const uint32_t RANGES[] = {64, 256, 4096, 65536};

static void check_round(const uint16_t *set, uint32_t n, uint32_t range)
{
    static uint8_t bytes[POSTINGS_BYTES_MAX], again[POSTINGS_BYTES_MAX];
    static uint16_t list[RANGE_DOCS_MAX];
    static uint64_t words[RANGE_WORDS_MAX];
    struct out out = out_into(bytes, sizeof bytes), twice = out_into(again, sizeof again);
    struct postings postings;
    struct span rest;
    uint32_t at = 0;

    postings_encode(set, n, range, &out);
    assert_false(out.is_full);
    rest = out_written(&out);
    assert_true(postings_next(&rest, range, &postings));
    assert_int_equal(rest.n, 0);
    assert_int_equal(postings.count, n);
    assert_int_equal(postings_list(&postings, list), ERR_OK);
    assert_memory_equal(list, set, n * sizeof *set);
    memset(words, 0, sizeof words);
    assert_int_equal(postings_or(&postings, words), ERR_OK);
    for (uint32_t i = 0; i < range; i++) {
        bool is_in = at < n && set[at] == i;
        at += is_in;
        assert_int_equal(words[i / 64] >> i % 64 & 1, is_in);
    }
    postings_encode(list, n, range, &twice);
    assert_true(span_equal(out_written(&out), out_written(&twice)));
}

static void what_goes_in_comes_out(void **state)
{
    static uint16_t set[RANGE_DOCS_MAX];
    static const uint32_t SHARES[] = {0, 1, 10, 100, 1000, 6000, 8191, 8192, 8193, 20000, 50000, 65535, 65536};

    (void)state;
    for (size_t r = 0; r < sizeof RANGES / sizeof *RANGES; r++) {
        for (size_t s = 0; s < sizeof SHARES / sizeof *SHARES; s++) {
            for (int round = 0; round < (RANGES[r] > 4096 ? 2 : 10); round++) {
                check_round(set, random_set(RANGES[r], SHARES[s], set), RANGES[r]);
            }
        }
        for (uint32_t i = 0; i<RANGES[r]; i += RANGES[r]> 4096 ? 97 : 1) { /* every single document */
            set[0] = (uint16_t)i;
            check_round(set, 1, RANGES[r]);
        }
    }
}

static void the_smaller_form_is_chosen(void **state)
{
    static uint16_t set[RANGE_DOCS_MAX];
    static uint8_t bytes[POSTINGS_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    for (uint32_t i = 0; i < 8192; i++) {
        set[i] = (uint16_t)(i * 8); /* 8,192 gaps of one byte: as large as the bitmap, which then wins */
    }
    postings_encode(set, 8192, 65536, &out);
    assert_int_equal(out.at, 3 + 8192);
    out.at = 0;
    postings_encode(set, 8191, 65536, &out);
    assert_int_equal(out.at, 2 + 2 + 8191);
    out.at = 0;
    postings_encode(set, 1, 65536, &out);
    assert_int_equal(out.at, 3);
}

static void damaged_bytes_do_no_harm(void **state)
{
    static uint16_t set[RANGE_DOCS_MAX];
    static uint16_t list[RANGE_DOCS_MAX];
    static uint64_t words[RANGE_WORDS_MAX];

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint32_t range = RANGES[next_random() % 3], n = random_set(range, (uint32_t)(next_random() % 9000), set);
        size_t cap = range / 8 + 8, cut;
        uint8_t *bytes = malloc(cap); /* of its own size, so that a sanitizer sees a step too far */
        struct out out = out_into(bytes, cap);
        struct postings postings;
        struct span rest;

        assert_non_null(bytes);
        postings_encode(set, n, range, &out);
        cut = round % 2 == 0 ? out.at : next_random() % (out.at + 1);
        for (uint64_t flips = next_random() % 4; flips > 0 && cut > 0; flips--) {
            bytes[next_random() % cut] ^= (uint8_t)(1u << next_random() % 8);
        }
        bytes = realloc(bytes, cut + 1);
        rest = span_of(bytes, cut);
        if (postings_next(&rest, range, &postings)) {
            assert_in_range(postings.count, 1, range);
            (void)!postings_list(&postings, list);
            (void)!postings_or(&postings, words);
        }
        free(bytes);
    }
}

static void damage_is_named(void **state)
{
    static const struct {
        const char *what;
        uint8_t bytes[8];
        size_t n;
        bool is_read;
    } ROWS[] = {
        {"nothing at all", {0}, 0, false},
        {"an empty set", {0}, 1, false},
        {"more documents than the range has", {0x82, 0x04, 1, 0}, 4, false},
        {"a varint that does not end", {0x80, 0x80, 0x80, 0x80, 0x80}, 5, false},
        {"a varint above 32 bits", {0xff, 0xff, 0xff, 0xff, 0x10}, 5, false},
        {"one document, cut short", {2, 1}, 2, false},
        {"gaps longer than the bytes", {4, 9, 0, 0}, 4, false},
        {"a bitmap cut short", {5, 1, 2, 3}, 4, false},
        {"one document beyond the range", {2, 0, 1}, 3, true},
        {"a gap beyond the range", {4, 3, 0, 0xff, 0x7f}, 5, true},
        {"fewer gaps than documents", {4, 1, 0}, 3, true},
        {"more gaps than documents", {4, 3, 0, 0, 0}, 5, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct span rest = span_of(ROWS[i].bytes, ROWS[i].n);
        struct postings postings;
        uint16_t list[256];
        uint64_t words[4] = {0};
        if (postings_next(&rest, 256, &postings) != ROWS[i].is_read) {
            fail_msg("%s", ROWS[i].what);
        }
        if (ROWS[i].is_read && (postings_list(&postings, list) != ERR_CORRUPT || postings_or(&postings, words) != ERR_CORRUPT)) {
            fail_msg("%s", ROWS[i].what);
        }
    }
}

static void a_filter_never_denies_what_is_there(void **state)
{
    static uint8_t bits[98304];
    static const uint32_t DOCS[] = {256, 4096, 65536};

    (void)state;
    for (size_t d = 0; d < sizeof DOCS / sizeof *DOCS; d++) {
        size_t n = filter_bytes(DOCS[d]);
        uint32_t false_hits = 0;
        memset(bits, 0, n);
        for (int pass = 0; pass < 3; pass++) { /* put, ask for those, ask for others */
            seed = pass == 2 ? 99 : 7;
            for (uint32_t i = 0; i < DOCS[d]; i++) {
                struct record_id id;
                for (size_t k = 0; k < sizeof id.b; k++) {
                    id.b[k] = (uint8_t)next_random();
                }
                if (pass == 0) {
                    filter_add(bits, n, &id);
                } else if (pass == 1) {
                    assert_true(filter_has(bits, n, &id));
                } else {
                    false_hits += filter_has(bits, n, &id);
                }
            }
        }
        assert_true(false_hits <= DOCS[d] / 50 + 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out), cmocka_unit_test(the_smaller_form_is_chosen),          cmocka_unit_test(damaged_bytes_do_no_harm),
        cmocka_unit_test(damage_is_named),        cmocka_unit_test(a_filter_never_denies_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

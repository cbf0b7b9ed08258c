#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/pack.h"
#include "proto/unpack.h"
#include "tests/lib/hostile.h"

static struct unpack *unpack;

static int set_up(void **state)
{
    (void)state;
    unpack = unpack_new();
    return unpack == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    unpack_destroy(&unpack);
    assert_null(unpack);
    unpack_destroy(&unpack);
    return 0;
}

/* ---- what the scan refuses ---- */

static void only_the_one_encoding_is_accepted(void **state)
{
    static const struct {
        const char *what;
        uint8_t n;
        uint8_t bytes[20];
        enum err err;
        const char *clause;
    } rows[] = {
        {"nothing", 0, {0}, ERR_TRUNCATED, "WIRE.md 1.8: the document ends too early"},
        {"zero", 1, {0x00}, ERR_OK, NULL},
        {"127", 1, {0x7f}, ERR_OK, NULL},
        {"127 in two bytes", 2, {0xcc, 0x7f}, ERR_NONCANONICAL, "WIRE.md 1.2: an integer not in its smallest form"},
        {"128", 2, {0xcc, 0x80}, ERR_OK, NULL},
        {"255 in three bytes", 3, {0xcd, 0x00, 0xff}, ERR_NONCANONICAL, NULL},
        {"256", 3, {0xcd, 0x01, 0x00}, ERR_OK, NULL},
        {"65535 in five bytes", 5, {0xce, 0, 0, 0xff, 0xff}, ERR_NONCANONICAL, NULL},
        {"65536", 5, {0xce, 0, 1, 0, 0}, ERR_OK, NULL},
        {"2^32 - 1 in nine bytes", 9, {0xcf, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, ERR_NONCANONICAL, NULL},
        {"2^32", 9, {0xcf, 0, 0, 0, 1, 0, 0, 0, 0}, ERR_OK, NULL},
        {"2^64 - 1", 9, {0xcf, 255, 255, 255, 255, 255, 255, 255, 255}, ERR_OK, NULL},
        {"-1", 1, {0xff}, ERR_OK, NULL},
        {"-32", 1, {0xe0}, ERR_OK, NULL},
        {"-32 in two bytes", 2, {0xd0, 0xe0}, ERR_NONCANONICAL, NULL},
        {"-33", 2, {0xd0, 0xdf}, ERR_OK, NULL},
        {"-128", 2, {0xd0, 0x80}, ERR_OK, NULL},
        {"1 as a signed byte", 2, {0xd0, 0x01}, ERR_NONCANONICAL, NULL},
        {"-128 in three bytes", 3, {0xd1, 0xff, 0x80}, ERR_NONCANONICAL, NULL},
        {"-129", 3, {0xd1, 0xff, 0x7f}, ERR_OK, NULL},
        {"200 as a signed short", 3, {0xd1, 0x00, 0xc8}, ERR_NONCANONICAL, NULL},
        {"-32768 in five bytes", 5, {0xd2, 0xff, 0xff, 0x80, 0x00}, ERR_NONCANONICAL, NULL},
        {"-32769", 5, {0xd2, 0xff, 0xff, 0x7f, 0xff}, ERR_OK, NULL},
        {"-2^31 in nine bytes", 9, {0xd3, 255, 255, 255, 255, 0x80, 0, 0, 0}, ERR_NONCANONICAL, NULL},
        {"-2^31 - 1", 9, {0xd3, 255, 255, 255, 255, 0x7f, 255, 255, 255}, ERR_OK, NULL},
        {"-2^63", 9, {0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0}, ERR_OK, NULL},
        {"2^62 as a signed number", 9, {0xd3, 0x40, 0, 0, 0, 0, 0, 0, 0}, ERR_NONCANONICAL, NULL},
        {"an integer cut short", 4, {0xce, 0, 1, 0}, ERR_TRUNCATED, NULL},
        {"nil", 1, {0xc0}, ERR_MALFORMED, "WIRE.md 1.1: nil"},
        {"the byte that is never used", 1, {0xc1}, ERR_MALFORMED, "WIRE.md 1.1: an extension type"},
        {"false", 1, {0xc2}, ERR_OK, NULL},
        {"a float", 5, {0xca, 0, 0, 0, 0}, ERR_MALFORMED, "WIRE.md 1.1: a floating-point number"},
        {"a double", 9, {0xcb, 0}, ERR_MALFORMED, NULL},
        {"a small extension", 3, {0xd4, 1, 0}, ERR_MALFORMED, "WIRE.md 1.1: an extension type"},
        {"a long extension", 4, {0xc7, 1, 1, 0}, ERR_MALFORMED, NULL},
        {"empty bytes", 2, {0xc4, 0}, ERR_OK, NULL},
        {"empty bytes with a long length", 3, {0xc5, 0, 0}, ERR_NONCANONICAL, "WIRE.md 1.2: a length not in its smallest form"},
        {"bytes with a very long length", 5, {0xc6, 0, 0, 1, 0}, ERR_NONCANONICAL, NULL},
        {"bytes cut short", 3, {0xc4, 2, 0}, ERR_TRUNCATED, NULL},
        {"4 GiB of bytes declared", 5, {0xc6, 255, 255, 255, 255}, ERR_TRUNCATED, NULL},
        {"empty text", 1, {0xa0}, ERR_OK, NULL},
        {"text with a long length", 3, {0xd9, 1, 'a'}, ERR_NONCANONICAL, NULL},
        {"text with a longer length", 4, {0xda, 0, 1, 'a'}, ERR_NONCANONICAL, NULL},
        {"text with a very long length", 6, {0xdb, 0, 0, 0, 1, 'a'}, ERR_NONCANONICAL, NULL},
        {"text cut short", 2, {0xa2, 'a'}, ERR_TRUNCATED, NULL},
        {"4 GiB of text declared", 5, {0xdb, 255, 255, 255, 255}, ERR_TRUNCATED, NULL},
        {"two-byte UTF-8", 3, {0xa2, 0xc3, 0xa9}, ERR_OK, NULL},
        {"an overlong slash", 3, {0xa2, 0xc0, 0xaf}, ERR_MALFORMED, "WIRE.md 1.3: a text that is not UTF-8"},
        {"an overlong letter in three bytes", 4, {0xa3, 0xe0, 0x81, 0x81}, ERR_MALFORMED, NULL},
        {"the last before the surrogates", 4, {0xa3, 0xed, 0x9f, 0xbf}, ERR_OK, NULL},
        {"a surrogate", 4, {0xa3, 0xed, 0xa0, 0x80}, ERR_MALFORMED, NULL},
        {"the first after the surrogates", 4, {0xa3, 0xee, 0x80, 0x80}, ERR_OK, NULL},
        {"an overlong form in four bytes", 5, {0xa4, 0xf0, 0x8f, 0xbf, 0xbf}, ERR_MALFORMED, NULL},
        {"U+10000", 5, {0xa4, 0xf0, 0x90, 0x80, 0x80}, ERR_OK, NULL},
        {"U+10FFFF", 5, {0xa4, 0xf4, 0x8f, 0xbf, 0xbf}, ERR_OK, NULL},
        {"U+110000", 5, {0xa4, 0xf4, 0x90, 0x80, 0x80}, ERR_MALFORMED, NULL},
        {"a lone continuation", 2, {0xa1, 0x80}, ERR_MALFORMED, NULL},
        {"a sequence that the text cuts", 2, {0xa1, 0xc3}, ERR_MALFORMED, NULL},
        {"a sequence of four that the text cuts", 4, {0xa3, 0xf0, 0x90, 0x80}, ERR_MALFORMED, NULL},
        {"a sequence broken by a letter", 3, {0xa2, 0xc3, 'a'}, ERR_MALFORMED, NULL},
        {"bytes above UTF-8", 2, {0xa1, 0xff}, ERR_MALFORMED, NULL},
        {"an empty array", 1, {0x90}, ERR_OK, NULL},
        {"an array with a long count", 4, {0xdc, 0, 1, 0}, ERR_NONCANONICAL, NULL},
        {"an array with a very long count", 6, {0xdd, 0, 0, 0, 1, 0}, ERR_NONCANONICAL, NULL},
        {"an array cut short", 2, {0x92, 0}, ERR_TRUNCATED, NULL},
        {"65536 items declared", 5, {0xdd, 0, 1, 0, 0}, ERR_LIMIT, "WIRE.md 1.6: more than 65536 elements"},
        {"4 G items declared", 5, {0xdd, 255, 255, 255, 255}, ERR_LIMIT, NULL},
        {"4 G pairs declared", 5, {0xdf, 255, 255, 255, 255}, ERR_LIMIT, NULL},
        {"an empty map", 1, {0x80}, ERR_OK, NULL},
        {"a map", 5, {0x82, 1, 0, 2, 0}, ERR_OK, NULL},
        {"a map with a long count", 5, {0xde, 0, 1, 1, 0}, ERR_NONCANONICAL, NULL},
        {"a map with a very long count", 7, {0xdf, 0, 0, 0, 1, 1, 0}, ERR_NONCANONICAL, NULL},
        {"keys twice", 5, {0x82, 1, 0, 1, 0}, ERR_NONCANONICAL, "WIRE.md 1.4: map keys that do not rise"},
        {"keys that fall", 5, {0x82, 2, 0, 1, 0}, ERR_NONCANONICAL, NULL},
        {"keys of several sizes", 9, {0x83, 1, 0, 0xcc, 200, 0, 0xcd, 1, 0}, ERR_TRUNCATED, NULL},
        {"keys of several sizes, whole", 10, {0x83, 1, 0, 0xcc, 200, 0, 0xcd, 1, 0, 0}, ERR_OK, NULL},
        {"a text as key", 4, {0x81, 0xa1, 'a', 0}, ERR_MALFORMED, "WIRE.md 1.4: a map key that is not an unsigned integer"},
        {"a negative key", 3, {0x81, 0xff, 0}, ERR_MALFORMED, NULL},
        {"an array as key", 3, {0x81, 0x90, 0}, ERR_MALFORMED, NULL},
        {"a map as key", 3, {0x81, 0x80, 0}, ERR_MALFORMED, NULL},
        {"keys of a nested map start again", 8, {0x82, 1, 0x81, 1, 0, 2, 0x81, 1}, ERR_TRUNCATED, NULL},
        {"a nested map, whole", 9, {0x82, 1, 0x81, 1, 0, 2, 0x81, 1, 0}, ERR_OK, NULL},
        {"a falling key after a nested map", 7, {0x82, 2, 0x81, 9, 0, 1, 0}, ERR_NONCANONICAL, NULL},
        {"a map that lacks its last value", 4, {0x82, 1, 0, 2}, ERR_TRUNCATED, NULL},
        {"a byte left over", 2, {0x00, 0x00}, ERR_NONCANONICAL, "WIRE.md 1.5: bytes after the document"},
        {"a byte after an array", 3, {0x91, 0x00, 0xc0}, ERR_NONCANONICAL, "WIRE.md 1.5: bytes after the document"},
        {"8 levels", 8, {0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x90}, ERR_OK, NULL},
        {"8 levels and a number", 9, {0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x00}, ERR_OK, NULL},
        {"9 levels", 9, {0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x90}, ERR_LIMIT, "WIRE.md 1.6: nested deeper than 8"},
        {"9 levels of maps", 18, {0x81, 0, 0x81, 0, 0x81, 0, 0x81, 0, 0x81, 0, 0x81, 0, 0x81, 0, 0x81, 0, 0x80}, ERR_LIMIT, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *clause = NULL;
        uint8_t *copy = malloc(rows[i].n > 0 ? rows[i].n : 1U);
        enum err err;

        assert_non_null(copy);
        memcpy(copy, rows[i].bytes, rows[i].n);
        err = unpack_begin(unpack, span_of(copy, rows[i].n), &clause);
        free(copy);
        if (err != rows[i].err) {
            fail_msg("%s: %s instead of %s", rows[i].what, err_name(err), err_name(rows[i].err));
        }
        if (err != ERR_OK && clause == NULL) {
            fail_msg("%s: no clause", rows[i].what);
        }
        if (rows[i].clause != NULL) {
            assert_string_equal(clause, rows[i].clause);
        }
        assert_int_equal(unpack_begin(unpack, span_of(rows[i].bytes, rows[i].n), NULL), rows[i].err);
    }
}

static void a_depth_bomb_is_refused_at_the_ninth_level(void **state)
{
    static uint8_t bomb[60000];
    const char *clause = NULL;

    (void)state;
    memset(bomb, 0x91, sizeof bomb);
    assert_int_equal(unpack_begin(unpack, span_of(bomb, sizeof bomb), &clause), ERR_LIMIT);
    assert_string_equal(clause, "WIRE.md 1.6: nested deeper than 8");
}

/* [[...], [...]] with `elements` in all, the arrays themselves included. */
static enum err begin_elements(uint32_t elements)
{
    static uint8_t bytes[PACK_ELEMENTS_MAX + 64];
    struct out out = out_into(bytes, sizeof bytes);
    uint32_t first = elements / 2;
    uint32_t second = elements - 3 - first;

    pack_array(&out, 2);
    pack_array(&out, first);
    for (uint32_t i = 0; i < first; i++) {
        pack_uint(&out, 1);
    }
    pack_array(&out, second);
    for (uint32_t i = 0; i < second; i++) {
        pack_uint(&out, 1);
    }
    assert_false(out.is_full);
    return unpack_begin(unpack, out_written(&out), NULL);
}

static void elements_are_counted_over_the_whole_document(void **state)
{
    struct cursor c;

    (void)state;
    assert_int_equal(begin_elements(PACK_ELEMENTS_MAX - 1), ERR_OK);
    assert_int_equal(begin_elements(PACK_ELEMENTS_MAX), ERR_OK);
    assert_int_equal(begin_elements(PACK_ELEMENTS_MAX + 1), ERR_LIMIT);
    c = unpack_array(unpack, UINT32_MAX);
    assert_true(c.is_bad); /* the document before is gone after a refusal */
}

/* ---- reading ---- */

static struct cursor begin(struct out *out)
{
    assert_false(out->is_full);
    assert_int_equal(unpack_begin(unpack, out_written(out), NULL), ERR_OK);
    return unpack_array(unpack, UINT32_MAX);
}

static void everything_written_is_read_back(void **state)
{
    static const uint64_t uints[] = {0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, UINT64_C(4294967296), UINT64_MAX};
    static const int64_t ints[] = {0, 1, 127, 128, INT64_MAX, -1, -32, -33, -128, -129, -32768, -32769, INT32_MIN, INT32_MIN - INT64_C(1), INT64_MIN};
    static uint8_t big[70000];
    static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
    static uint8_t bytes[400000];
    struct out out = out_into(bytes, sizeof bytes);
    struct cursor c;

    (void)state;
    memset(big, 'x', sizeof big);
    pack_array(&out, (uint32_t)(11 + 15 + 2 + 16));
    for (size_t i = 0; i < 11; i++) {
        pack_uint(&out, uints[i]);
    }
    for (size_t i = 0; i < 15; i++) {
        pack_int(&out, ints[i]);
    }
    pack_bool(&out, true);
    pack_bool(&out, false);
    for (size_t i = 0; i < 8; i++) {
        pack_bin(&out, span_of(big, lengths[i]));
        pack_text(&out, span_of(big, lengths[i]));
    }
    c = begin(&out);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(cursor_peek(&c), UNPACK_UINT);
        assert_true(cursor_uint(&c, UINT64_MAX) == uints[i]);
    }
    for (size_t i = 0; i < 15; i++) {
        assert_int_equal(cursor_peek(&c), ints[i] < 0 ? UNPACK_INT : UNPACK_UINT);
        assert_true(cursor_int(&c) == ints[i]);
    }
    assert_int_equal(cursor_peek(&c), UNPACK_BOOL);
    assert_true(cursor_bool(&c));
    assert_false(cursor_bool(&c));
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(cursor_peek(&c), UNPACK_BIN);
        assert_true(span_equal(cursor_bin(&c, lengths[i], lengths[i]), span_of(big, lengths[i])));
        assert_int_equal(cursor_peek(&c), UNPACK_TEXT);
        assert_true(span_equal(cursor_text(&c, lengths[i], lengths[i]), span_of(big, lengths[i])));
    }
    assert_int_equal(cursor_peek(&c), UNPACK_NONE);
    assert_int_equal(cursor_end(&c), ERR_OK);
}

static void arrays_and_maps_of_each_size_are_entered(void **state)
{
    static const uint32_t sizes[] = {0, 1, 15, 16, 1000};
    static uint8_t bytes[40000];
    struct out out = out_into(bytes, sizeof bytes);
    struct cursor c;

    (void)state;
    pack_array(&out, 10);
    for (size_t i = 0; i < 5; i++) {
        pack_array(&out, sizes[i]);
        for (uint32_t j = 0; j < sizes[i]; j++) {
            pack_uint(&out, j);
        }
        pack_map(&out, sizes[i]);
        for (uint32_t j = 0; j < sizes[i]; j++) {
            pack_uint(&out, 3 * j);
            pack_uint(&out, j);
        }
    }
    c = begin(&out);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(cursor_peek(&c), UNPACK_ARRAY);
        struct cursor array = cursor_array(&c, sizes[i], sizes[i]);
        for (uint32_t j = 0; j < sizes[i]; j++) {
            assert_true(cursor_uint(&array, UINT64_MAX) == j);
        }
        cursor_close(&c, &array);
        assert_int_equal(cursor_peek(&c), UNPACK_MAP);
        struct cursor map = cursor_map(&c, sizes[i]);
        for (uint32_t j = 0; j < sizes[i]; j++) {
            assert_true(cursor_uint(&map, UINT64_MAX) == 3 * j);
            assert_true(cursor_uint(&map, UINT64_MAX) == j);
        }
        cursor_close(&c, &map);
    }
    assert_int_equal(cursor_end(&c), ERR_OK);
}

/* [7, -7, true, h'0102', "ab", [1], {1: 2}] */
static struct cursor begin_one_of_each(void)
{
    static uint8_t bytes[64];
    struct out out = out_into(bytes, sizeof bytes);

    pack_array(&out, 7);
    pack_uint(&out, 7);
    pack_int(&out, -7);
    pack_bool(&out, true);
    pack_bin(&out, span_of("\1\2", 2));
    pack_text(&out, span_text("ab"));
    pack_array(&out, 1);
    pack_uint(&out, 1);
    pack_map(&out, 1);
    pack_uint(&out, 1);
    pack_uint(&out, 2);
    return begin(&out);
}

static void a_failed_read_yields_zeros_and_sticks(void **state)
{
    uint8_t two[2] = {9, 9};

    (void)state;
    for (unsigned at = 0; at < 7; at++) {
        for (unsigned reader = 0; reader < 8; reader++) {
            struct cursor c = begin_one_of_each();
            struct cursor nested;

            if (reader == at || (reader == 1 && at == 0) || (reader == 7 && at == 3)) {
                continue; /* that one would go well: an int may be unsigned, 7 reads bytes into an array */
            }
            for (unsigned i = 0; i < at; i++) {
                cursor_skip(&c);
            }
            switch (reader) {
            case 0:
                assert_true(cursor_uint(&c, UINT64_MAX) == 0);
                break;
            case 1:
                assert_true(cursor_int(&c) == 0);
                break;
            case 2:
                assert_false(cursor_bool(&c));
                break;
            case 3:
                assert_true(cursor_bin(&c, 0, 99).n == 0);
                break;
            case 4:
                assert_true(cursor_text(&c, 0, 99).n == 0);
                break;
            case 5:
                nested = cursor_array(&c, 0, 99);
                assert_true(nested.is_bad && nested.left == 0);
                break;
            case 6:
                nested = cursor_map(&c, 99);
                assert_true(nested.is_bad && nested.left == 0);
                break;
            default:
                cursor_bin_into(&c, two, 2);
                assert_true(two[0] == 0 && two[1] == 0);
                break;
            }
            assert_true(c.is_bad);
            assert_int_equal(cursor_peek(&c), UNPACK_NONE);
            assert_true(cursor_uint(&c, UINT64_MAX) == 0);
            assert_int_equal(cursor_end(&c), ERR_MALFORMED);
        }
    }
}

static void each_limit_holds_one_below_at_and_one_above(void **state)
{
    struct cursor c;
    struct cursor nested;

    (void)state;
    for (uint64_t max = 6; max <= 8; max++) {
        c = begin_one_of_each();
        assert_true(cursor_uint(&c, max) == (max < 7 ? 0 : 7));
        assert_int_equal(c.is_bad, max < 7);
    }
    for (size_t n = 1; n <= 3; n++) {
        c = begin_one_of_each();
        c = (cursor_skip(&c), cursor_skip(&c), cursor_skip(&c), c);
        (void)cursor_bin(&c, n, 99);
        assert_int_equal(c.is_bad, n > 2);
        c = begin_one_of_each();
        c = (cursor_skip(&c), cursor_skip(&c), cursor_skip(&c), c);
        (void)cursor_bin(&c, 0, n);
        assert_int_equal(c.is_bad, n < 2);
        if (!c.is_bad) {
            (void)cursor_text(&c, n, 99);
            assert_int_equal(c.is_bad, n > 2);
        }
    }
    for (uint32_t n = 0; n <= 2; n++) {
        c = begin_one_of_each();
        for (int i = 0; i < 5; i++) {
            cursor_skip(&c);
        }
        nested = cursor_array(&c, n, 99);
        assert_int_equal(nested.is_bad, n > 1);
        c = begin_one_of_each();
        for (int i = 0; i < 6; i++) {
            cursor_skip(&c);
        }
        nested = cursor_map(&c, n);
        assert_int_equal(nested.is_bad, n < 1);
    }
}

static void items_left_over_or_missing_are_malformed(void **state)
{
    struct cursor c;
    struct cursor nested;

    (void)state;
    c = begin_one_of_each();
    assert_int_equal(cursor_end(&c), ERR_MALFORMED);
    for (int i = 0; i < 7; i++) {
        cursor_skip(&c);
    }
    assert_int_equal(cursor_end(&c), ERR_OK);
    cursor_skip(&c);
    assert_int_equal(cursor_end(&c), ERR_MALFORMED);

    c = begin_one_of_each();
    for (int i = 0; i < 5; i++) {
        cursor_skip(&c);
    }
    nested = cursor_array(&c, 1, 1);
    cursor_close(&c, &nested); /* its one item was not read */
    assert_true(c.is_bad);
}

static void the_root_is_what_was_asked_for_or_bad(void **state)
{
    static const uint8_t array[] = {0x92, 1, 2};
    static const uint8_t map[] = {0x81, 1, 2};
    static const uint8_t number[] = {0x05};

    (void)state;
    assert_int_equal(unpack_begin(unpack, span_of(array, sizeof array), NULL), ERR_OK);
    assert_false(unpack_array(unpack, 2).is_bad);
    assert_true(unpack_array(unpack, 1).is_bad);
    assert_true(unpack_array(unpack, 3).is_bad);
    assert_true(unpack_map(unpack).is_bad);
    assert_int_equal(unpack_begin(unpack, span_of(map, sizeof map), NULL), ERR_OK);
    assert_true(unpack_array(unpack, UINT32_MAX).is_bad);
    assert_int_equal(unpack_map(unpack).left, 2);
    assert_int_equal(unpack_begin(unpack, span_of(number, sizeof number), NULL), ERR_OK);
    assert_true(unpack_array(unpack, UINT32_MAX).is_bad);
    assert_true(unpack_map(unpack).is_bad);
}

static void a_version_is_looked_at_before_the_shape(void **state)
{
    static const struct {
        const char *what;
        uint8_t n;
        uint8_t bytes[4];
        enum err err;
    } rows[] = {
        {"this version, three items", 4, {0x93, 1, 2, 3}, ERR_OK},     {"this version, two items", 3, {0x92, 1, 2}, ERR_MALFORMED},
        {"the next version, two items", 3, {0x92, 2, 2}, ERR_VERSION}, {"the next version alone", 2, {0x91, 2}, ERR_VERSION},
        {"version zero", 4, {0x93, 0, 2, 3}, ERR_MALFORMED},           {"no items", 1, {0x90}, ERR_MALFORMED},
        {"a negative version", 4, {0x93, 0xff, 2, 3}, ERR_MALFORMED},  {"no array", 1, {0x01}, ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cursor c;
        const char *clause = NULL;

        assert_int_equal(unpack_begin(unpack, span_of(rows[i].bytes, rows[i].n), NULL), ERR_OK);
        assert_int_equal(unpack_versioned(unpack, 3, &c, &clause), rows[i].err);
        assert_true((clause != NULL) == (rows[i].err != ERR_OK));
        if (rows[i].err == ERR_OK) {
            assert_int_equal(c.left, 2);
        }
    }
}

/* ---- the writer ---- */

static void a_full_writer_stays_full_and_never_passes_its_end(void **state)
{
    uint8_t bytes[300];

    (void)state;
    for (size_t cap = 0; cap < 40; cap++) {
        struct out out = out_into(bytes, cap);

        memset(bytes, 0xee, sizeof bytes);
        pack_array(&out, 2);
        pack_bin(&out, span_of("0123456789abcdef", 16));
        pack_text(&out, span_text("hello"));
        pack_uint(&out, UINT64_MAX);
        assert_int_equal(out.is_full, cap < 1 + 18 + 6 + 9);
        assert_true(out.at <= cap);
        assert_int_equal(bytes[cap], 0xee);
        if (out.is_full) {
            size_t at = out.at;

            pack_bool(&out, true);
            pack_map(&out, 1);
            pack_int(&out, -1);
            assert_int_equal(out.at, at);
            assert_true(out.is_full);
        }
    }
    struct out out = out_into(bytes, 4);
    pack_bin(&out, span_of(bytes, 300));
    assert_true(out.is_full);
    assert_int_equal(out.at, 0);
    out = out_into(bytes, 4);
    pack_text(&out, span_of(bytes, 300));
    assert_true(out.is_full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_one_encoding_is_accepted),
        cmocka_unit_test(a_depth_bomb_is_refused_at_the_ninth_level),
        cmocka_unit_test(elements_are_counted_over_the_whole_document),
        cmocka_unit_test(everything_written_is_read_back),
        cmocka_unit_test(arrays_and_maps_of_each_size_are_entered),
        cmocka_unit_test(a_failed_read_yields_zeros_and_sticks),
        cmocka_unit_test(each_limit_holds_one_below_at_and_one_above),
        cmocka_unit_test(items_left_over_or_missing_are_malformed),
        cmocka_unit_test(the_root_is_what_was_asked_for_or_bad),
        cmocka_unit_test(a_version_is_looked_at_before_the_shape),
        cmocka_unit_test(a_full_writer_stays_full_and_never_passes_its_end),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

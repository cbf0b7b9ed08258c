#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zstd.h>

#include "proto/commit.h"
#include "tests/lib/hostile.h"

static struct commit_packer *packer;
static uint8_t text[COMMIT_REDUCED_BYTES_MAX + 1];  /* compresses well */
static uint8_t noise[COMMIT_REDUCED_BYTES_MAX + 1]; /* does not */

static int set_up(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        x = x * 1664525U + 1013904223U;
        noise[i] = (uint8_t)(x >> 24);
        text[i] = (uint8_t)("cocaine heroin cannabis "[i % 24]);
    }
    packer = commit_packer_new();
    return packer == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    commit_packer_destroy(&packer);
    assert_null(packer);
    commit_packer_destroy(&packer);
    return 0;
}

static void what_is_packed_comes_back_in_the_smaller_form(void **state)
{
    static const size_t lengths[] = {0, 1, 2, 30, 255, 256, 4000, COMMIT_REDUCED_BYTES_MAX - 1, COMMIT_REDUCED_BYTES_MAX};
    static uint8_t bytes[COMMIT_REDUCED_BYTES_MAX + 1];
    struct span back;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned which = 0; which < 2; which++) {
            struct span in = span_of(which == 0 ? text : noise, lengths[i]);
            struct out out = out_into(bytes, sizeof bytes);

            assert_int_equal(commit_pack(packer, in, &out), ERR_OK);
            assert_true(out.at <= 1 + in.n);
            assert_int_equal(bytes[0], out.at < 1 + in.n ? 1 : 0);
            assert_int_equal(commit_unpack(packer, out_written(&out), &back, NULL), ERR_OK);
            assert_true(span_equal(back, in));
        }
    }
}

static void packing_appends_and_stays_inside_its_room(void **state)
{
    static uint8_t bytes[COMMIT_REDUCED_BYTES_MAX + 1];
    struct out out;
    enum err err;

    (void)state;
    out = out_into(bytes, sizeof bytes);
    out_bytes(&out, "abc", 3);
    assert_int_equal(commit_pack(packer, span_of(text, 1000), &out), ERR_OK);
    assert_memory_equal(bytes, "abc\1", 4);
    for (size_t cap = 0; cap < 1100; cap++) { /* zstd wants slack, so how little is enough is its secret */
        memset(bytes, 0xee, sizeof bytes);
        out = out_into(bytes, cap);
        err = commit_pack(packer, span_of(text, 1000), &out);
        assert_int_equal(bytes[cap], 0xee);
        assert_true(err == ERR_OK || (err == ERR_OVERSIZE && cap < 1001));
    }
    for (size_t cap = 99; cap < 103; cap++) {
        out = out_into(bytes, cap);
        assert_int_equal(commit_pack(packer, span_of(noise, 100), &out), cap >= 101 ? ERR_OK : ERR_OVERSIZE);
    }
}

static void a_form_longer_than_its_limit_is_not_packed(void **state)
{
    static uint8_t bytes[2 * COMMIT_REDUCED_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(commit_pack(packer, span_of(text, COMMIT_REDUCED_BYTES_MAX), &out), ERR_OK);
    assert_int_equal(commit_pack(packer, span_of(text, COMMIT_REDUCED_BYTES_MAX + 1), &out), ERR_OVERSIZE);
}

static void plain_bytes_are_borrowed_and_others_are_the_packers(void **state)
{
    static uint8_t bytes[1024];
    struct out out = out_into(bytes, sizeof bytes);
    struct span back;

    (void)state;
    assert_int_equal(commit_pack(packer, span_of(noise, 100), &out), ERR_OK);
    assert_int_equal(commit_unpack(packer, out_written(&out), &back, NULL), ERR_OK);
    assert_ptr_equal(back.p, bytes + 1);
    out = out_into(bytes, sizeof bytes);
    assert_int_equal(commit_pack(packer, span_of(text, 500), &out), ERR_OK);
    assert_int_equal(commit_unpack(packer, out_written(&out), &back, NULL), ERR_OK);
    assert_true(back.p < bytes || back.p >= bytes + sizeof bytes);
}

/* ---- hostile frames ---- */

/* One frame made with a parameter set, behind the byte that says zstd. */
static size_t frame_of(struct span in, ZSTD_cParameter parameter, int value, uint8_t *ret, size_t cap)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t n;

    assert_non_null(context);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)));
    ret[0] = 1;
    n = ZSTD_compress2(context, ret + 1, cap - 1, in.p, in.n);
    assert_false(ZSTD_isError(n));
    (void)ZSTD_freeCCtx(context);
    return n + 1;
}

static void expect(const char *what, const uint8_t *bytes, size_t n, enum err err, const char *clause_wanted)
{
    const char *clause = NULL;
    struct span back = span_of(NULL, 0);
    uint8_t *copy = malloc(n > 0 ? n : 1);
    enum err got;

    assert_non_null(copy);
    memcpy(copy, bytes, n);
    got = commit_unpack(packer, span_of(copy, n), &back, &clause);
    free(copy);
    if (got != err) {
        fail_msg("%s: %s instead of %s", what, err_name(got), err_name(err));
    }
    if (clause_wanted != NULL) {
        assert_string_equal(clause, clause_wanted);
    }
}

static void only_one_whole_single_segment_frame_is_accepted(void **state)
{
    static uint8_t bytes[200000];
    static uint8_t big[150000];
    static const uint8_t skippable[] = {1, 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t huge[] = {1, 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 255, 255, 255, 255, 255, 255, 255, 127, 1, 0, 0};
    static const uint8_t empty[] = {1, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00};
    size_t n;
    size_t m;

    (void)state;
    expect("nothing", bytes, 0, ERR_TRUNCATED, "WIRE.md 2.5: no bytes");
    expect("no frame", (const uint8_t[]){1}, 1, ERR_TRUNCATED, NULL);
    expect("another packing", (const uint8_t[]){2, 0}, 2, ERR_MALFORMED, "WIRE.md 2.5: packed neither plain nor with zstd");
    expect("other bytes", (const uint8_t[]){1, 1, 2, 3, 4, 5, 6}, 7, ERR_MALFORMED, "WIRE.md 2.5: not a zstd frame");
    expect("a skippable frame", skippable, sizeof skippable, ERR_MALFORMED, "WIRE.md 2.5: not a zstd frame");
    expect("an exbibyte declared", huge, sizeof huge, ERR_EXPANSION, "WIRE.md 2.5: declares more than 17408 bytes");
    expect("an empty frame", empty, sizeof empty, ERR_OK, NULL);

    n = frame_of(span_of(text, 1000), ZSTD_c_compressionLevel, 19, bytes, sizeof bytes);
    expect("another level", bytes, n, ERR_OK, NULL);
    bytes[n] = 0;
    expect("a byte after the frame", bytes, n + 1, ERR_MALFORMED, "WIRE.md 2.5: not exactly one zstd frame");
    memcpy(bytes + n, bytes + 1, n - 1);
    expect("two frames", bytes, 2 * n - 1, ERR_MALFORMED, "WIRE.md 2.5: not exactly one zstd frame");
    memcpy(bytes + n, skippable + 1, sizeof skippable - 1);
    expect("a skippable frame after it", bytes, n + sizeof skippable - 1, ERR_MALFORMED, NULL);
    for (size_t cut = 1; cut < n; cut++) {
        expect("a frame cut short", bytes, cut, ERR_TRUNCATED, NULL);
    }

    n = frame_of(span_of(text, 1000), ZSTD_c_contentSizeFlag, 0, bytes, sizeof bytes);
    expect("no size declared", bytes, n, ERR_MALFORMED, "WIRE.md 2.5: a zstd frame that is not a single segment");
    n = frame_of(span_of(text, 1000), ZSTD_c_checksumFlag, 1, bytes, sizeof bytes);
    expect("a checksum", bytes, n, ERR_OK, NULL);
    bytes[n - 1] ^= 1;
    expect("a wrong checksum", bytes, n, ERR_MALFORMED, "WIRE.md 2.5: the zstd frame is damaged");

    memset(big, 'a', sizeof big);
    n = frame_of(span_of(big, COMMIT_REDUCED_BYTES_MAX), ZSTD_c_compressionLevel, 1, bytes, sizeof bytes);
    expect("as much as is allowed", bytes, n, ERR_OK, NULL);
    n = frame_of(span_of(big, COMMIT_REDUCED_BYTES_MAX + 1), ZSTD_c_compressionLevel, 1, bytes, sizeof bytes);
    expect("one byte more", bytes, n, ERR_EXPANSION, NULL);
    n = frame_of(span_of(big, sizeof big), ZSTD_c_windowLog, 10, bytes, sizeof bytes);
    expect("a small window on much", bytes, n, ERR_MALFORMED, "WIRE.md 2.5: a zstd frame that is not a single segment");

    /* A frame whose header declares less, or more, than its blocks hold. */
    n = frame_of(span_of(text, 1000), ZSTD_c_compressionLevel, 1, bytes, sizeof bytes);
    for (m = 0; m < 256; m++) {
        uint8_t was = bytes[6];

        bytes[6] = (uint8_t)m;
        expect("a false size", bytes, n, m == was ? ERR_OK : ERR_MALFORMED, NULL);
        bytes[6] = was;
    }

    /* A dictionary id, the unused bit, the reserved bit. */
    for (unsigned bit = 0; bit < 5; bit++) {
        if (bit == 2) {
            continue; /* the checksum flag, tried above */
        }
        bytes[5] ^= (uint8_t)(1U << bit);
        expect("a header bit", bytes, n, ERR_MALFORMED, "WIRE.md 2.5: a zstd frame with a dictionary or reserved bits");
        bytes[5] ^= (uint8_t)(1U << bit);
    }
}

static void packed_bytes_longer_than_the_limit_are_refused(void **state)
{
    static uint8_t bytes[COMMIT_REDUCED_BYTES_MAX + 2];

    (void)state;
    expect("as long as allowed", bytes, sizeof bytes - 1, ERR_OK, NULL);
    expect("one byte longer", bytes, sizeof bytes, ERR_OVERSIZE, "WIRE.md 2.5: longer than 17409 bytes");
}

static void damage_is_refused_or_gives_bounded_bytes(void **state)
{
    static uint8_t bytes[2048];
    struct out out = out_into(bytes, sizeof bytes);
    struct span back;
    const char *clause;

    (void)state;
    assert_int_equal(commit_pack(packer, span_of(text, 3000), &out), ERR_OK);
    for (size_t bit = 0; bit < 8 * out.at; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (commit_unpack(packer, out_written(&out), &back, &clause) == ERR_OK) {
            assert_true(back.n <= COMMIT_REDUCED_BYTES_MAX);
        } else {
            assert_int_equal(strncmp(clause, "WIRE.md 2.5", 11), 0);
        }
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

/* The plain golden vector, read and written; zstd's own output may change with its version, so that one is only read. */
static enum err packed_again(struct span bytes, struct out *again, const char **clause)
{
    struct span reduced;
    enum err err = commit_unpack(packer, bytes, &reduced, clause);

    if (err == ERR_OK && reduced.n != 8) {
        *clause = "WIRE.md 2.5: (the test expects eight bytes)";
        return ERR_MALFORMED;
    }
    return err == ERR_OK ? commit_pack(packer, reduced, again) : err;
}

static void the_plain_form_is_the_golden_one(void **state)
{
    uint8_t bytes[64];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(commit_pack(packer, span_of("a commit", 8), &out), ERR_OK);
    golden_check("wire_packed_plain", out_written(&out), packed_again);
}

static void the_golden_frame_is_read(void **state)
{
    uint8_t bytes[256];
    struct out out = out_into(bytes, sizeof bytes);
    struct span back;

    (void)state;
    assert_int_equal(commit_pack(packer, span_of(text, 240), &out), ERR_OK);
    assert_int_equal(commit_unpack(packer, golden_bytes("wire_packed_zstd", out_written(&out)), &back, NULL), ERR_OK);
    assert_true(span_equal(back, span_of(text, 240)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back_in_the_smaller_form),
        cmocka_unit_test(packing_appends_and_stays_inside_its_room),
        cmocka_unit_test(a_form_longer_than_its_limit_is_not_packed),
        cmocka_unit_test(plain_bytes_are_borrowed_and_others_are_the_packers),
        cmocka_unit_test(only_one_whole_single_segment_frame_is_accepted),
        cmocka_unit_test(packed_bytes_longer_than_the_limit_are_refused),
        cmocka_unit_test(damage_is_refused_or_gives_bounded_bytes),
        cmocka_unit_test(the_plain_form_is_the_golden_one),
        cmocka_unit_test(the_golden_frame_is_read),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

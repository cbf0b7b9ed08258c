/* Inside of sealed entries, and the keys that travel to their audience: WIRE.md 6.6 to 6.8. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zstd.h>

#include "proto/pack.h"
#include "proto/sealed.h"
#include "proto/sender_key.h"
#include "tests/lib/hostile.h"

static struct commit_packer *packer;
static struct unpack *unpack;
static uint8_t expanded[PAYLOAD_EXPANDED_BYTES_MAX];
static uint8_t text[PAYLOAD_EXPANDED_BYTES_MAX + 1], noise[PAYLOAD_EXPANDED_BYTES_MAX + 1];

static int set_up(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof noise; i++) {
        x = x * 1664525U + 1013904223U;
        noise[i] = (uint8_t)(x >> 24);
        text[i] = (uint8_t)("cocaine heroin cannabis "[i % 24]);
    }
    packer = commit_packer_new();
    unpack = unpack_new();
    return packer == NULL || unpack == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    commit_packer_destroy(&packer);
    unpack_destroy(&unpack);
    return 0;
}

/* ---- inside ---- */

static enum err sealed_again(struct span bytes, struct out *again, const char **clause)
{
    struct sealed sealed;
    enum err err = sealed_read(packer, unpack, bytes, expanded, &sealed, clause);

    return err == ERR_OK ? sealed_write(packer, &sealed, again) : err;
}

static void the_inner_form_is_the_golden_one(void **state)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct sealed sealed = {ENTRY_RECORD, 5, span_of("\x81\x01\x02", 3)};

    (void)state;
    assert_int_equal(sealed_write(packer, &sealed, &out), ERR_OK);
    golden_check("wire_sealed", out_written(&out), sealed_again);
}

static void what_is_sealed_comes_back(void **state)
{
    static const size_t lengths[] = {0, 1, 30, 600, 1996, 1997};
    uint8_t bytes[PAYLOAD_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned which = 0; which < 2; which++) {
            struct out out = out_into(bytes, sizeof bytes);
            struct sealed sealed = {UINT32_MAX, UINT32_MAX, span_of(which == 0 ? text : noise, lengths[i])}, back;

            enum err err = sealed_write(packer, &sealed, &out);
            if (err == ERR_OVERSIZE && which == 1 && lengths[i] > 1985) {
                continue; /* the larger numbers take their room */
            }
            assert_int_equal(err, ERR_OK);
            assert_int_equal(sealed_read(packer, unpack, out_written(&out), expanded, &back, NULL), ERR_OK);
            assert_true(back.kind == sealed.kind && back.flags == sealed.flags && span_equal(back.payload, sealed.payload));
        }
    }
    struct out out = out_into(bytes, sizeof bytes);
    struct sealed sealed = {ENTRY_RECORD, 0, span_of(text, PAYLOAD_EXPANDED_BYTES_MAX)}, back;
    assert_int_equal(sealed_write(packer, &sealed, &out), ERR_OK);
    assert_int_equal(sealed_read(packer, unpack, out_written(&out), expanded, &back, NULL), ERR_OK);
    assert_true(span_equal(back.payload, sealed.payload));
}

/* T07: what a relay sees of a length is one of six. */
static void there_are_six_sizes_each_filled_to_the_last_byte(void **state)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    size_t met[SEALED_BUCKETS] = {0}, around = 2 + 1 + 1 + 1 + 1 + 1; /* length, array, version, kind, flags, packing */

    (void)state;
    for (size_t n = 0; n <= PAYLOAD_BYTES_MAX; n++) {
        struct out out = out_into(bytes, SEALED_INNER_BYTES_MAX);
        struct sealed sealed = {ENTRY_RECORD, 0, span_of(noise, n)};
        size_t bin = n + 1 < 256 ? 2 : 3, whole = SEALED_AROUND_BYTES + around + bin + n, bucket = 0;
        enum err err = sealed_write(packer, &sealed, &out);

        while (bucket < SEALED_BUCKETS && sealed_buckets[bucket] < whole) {
            bucket++;
        }
        assert_int_equal(err, bucket < SEALED_BUCKETS ? ERR_OK : ERR_OVERSIZE);
        if (err == ERR_OK) {
            assert_int_equal(out.at + SEALED_AROUND_BYTES, sealed_buckets[bucket]);
            met[bucket]++;
        }
    }
    for (size_t i = 0; i < SEALED_BUCKETS; i++) {
        assert_true(met[i] > 0);
    }
    assert_int_equal(sealed_buckets[SEALED_BUCKETS - 1], PAYLOAD_BYTES_MAX);
}

static void what_is_too_long_or_has_no_room_is_refused(void **state)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct sealed long_one = {ENTRY_RECORD, 0, span_of(text, PAYLOAD_EXPANDED_BYTES_MAX + 1)}, dense = {ENTRY_RECORD, 0, span_of(noise, 2049)},
                  small = {ENTRY_RECORD, 0, span_of(noise, 3)};
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(sealed_write(packer, &long_one, &out), ERR_OVERSIZE);
    out = out_into(bytes, sizeof bytes);
    assert_int_equal(sealed_write(packer, &dense, &out), ERR_OVERSIZE);
    for (size_t cap = 0; cap <= 136; cap++) {
        out = out_into(bytes, cap);
        memset(bytes, 0xee, sizeof bytes);
        assert_int_equal(sealed_write(packer, &small, &out), cap < 136 ? ERR_OVERSIZE : ERR_OK);
        assert_int_equal(bytes[cap], 0xee);
    }
}

/* An inner form of this document, padded as it ought to be. */
static struct span inner_of(struct span document, uint8_t *bytes)
{
    size_t n = 0;

    while (sealed_buckets[n] - (size_t)SEALED_AROUND_BYTES < document.n + 2) {
        n++;
    }
    memset(bytes, 0, PAYLOAD_BYTES_MAX);
    bytes[0] = (uint8_t)(document.n >> 8);
    bytes[1] = (uint8_t)document.n;
    memcpy(bytes + 2, document.p, document.n);
    return span_of(bytes, sealed_buckets[n] - (size_t)SEALED_AROUND_BYTES);
}

static enum err read_of(uint32_t version, uint32_t kind, struct span packed, const char **clause)
{
    uint8_t document[PAYLOAD_BYTES_MAX], bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(document, sizeof document);
    struct sealed sealed;

    pack_array(&out, 4);
    pack_uint(&out, version);
    pack_uint(&out, kind);
    pack_uint(&out, 0);
    pack_bin(&out, packed);
    return sealed_read(packer, unpack, inner_of(out_written(&out), bytes), expanded, &sealed, clause);
}

static void what_is_wrong_inside_is_refused_by_its_clause(void **state)
{
    static uint8_t zeros[PAYLOAD_BYTES_MAX];
    uint8_t frame[512] = {1}, big[512] = {1};
    const char *clause = NULL;
    struct sealed sealed;

    (void)state;
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of("\0abc", 4), &clause), ERR_OK);
    assert_int_equal(read_of(2, ENTRY_RECORD, span_of("\0abc", 4), &clause), ERR_VERSION);
    assert_int_equal(read_of(1, ENTRY_SEALED, span_of("\0abc", 4), &clause), ERR_MALFORMED);
    assert_non_null(strstr(clause, "a sealed entry in a sealed one"));
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of("", 0), &clause), ERR_MALFORMED);
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of("\2abc", 4), &clause), ERR_MALFORMED);
    assert_string_equal(clause, "WIRE.md 6.6: packed neither plain nor with zstd");
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of("\1abc", 4), &clause), ERR_TRUNCATED);
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of("\1abcdefg", 8), &clause), ERR_MALFORMED);
    assert_string_equal(clause, "WIRE.md 6.6: not a zstd frame");
    size_t n = ZSTD_compress(frame + 1, sizeof frame - 1, text, PAYLOAD_EXPANDED_BYTES_MAX, 1);
    assert_false(ZSTD_isError(n));
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of(frame, n + 1), &clause), ERR_OK);
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of(frame, n), &clause), ERR_TRUNCATED);
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of(frame, n + 2), &clause), ERR_MALFORMED);
    assert_string_equal(clause, "WIRE.md 6.6: not exactly one zstd frame");
    n = ZSTD_compress(big + 1, sizeof big - 1, text, PAYLOAD_EXPANDED_BYTES_MAX + 1, 1);
    assert_false(ZSTD_isError(n));
    assert_int_equal(read_of(1, ENTRY_RECORD, span_of(big, n + 1), &clause), ERR_EXPANSION);
    assert_string_equal(clause, "WIRE.md 6.6: declares more than 16384 bytes");

    assert_int_equal(sealed_read(packer, unpack, span_of(zeros, SEALED_INNER_BYTES_MAX + 1), expanded, &sealed, &clause), ERR_OVERSIZE);
    assert_int_equal(sealed_read(packer, unpack, span_of(zeros, 1), expanded, &sealed, &clause), ERR_TRUNCATED);
    zeros[1] = 135;
    assert_int_equal(sealed_read(packer, unpack, span_of(zeros, 136), expanded, &sealed, &clause), ERR_TRUNCATED);
    zeros[1] = 134;
    assert_int_equal(sealed_read(packer, unpack, span_of(zeros, 136), expanded, &sealed, &clause), ERR_NONCANONICAL);
    assert_string_equal(clause, "WIRE.md 1.5: bytes after the document");
    zeros[1] = 135;
    assert_int_equal(sealed_read(packer, unpack, span_of(zeros, 248), expanded, &sealed, &clause), ERR_NONCANONICAL);
    assert_string_equal(clause, "WIRE.md 1.5: bytes after the document");
    zeros[1] = 134; /* would fit a smaller one */
    assert_int_equal(sealed_read(packer, unpack, span_of(zeros, 248), expanded, &sealed, &clause), ERR_NONCANONICAL);
    assert_string_equal(clause, "WIRE.md 6.6: not of the size for what it holds");
    zeros[1] = 4;
    zeros[135] = 1;
    assert_int_equal(sealed_read(packer, unpack, span_of(zeros, 136), expanded, &sealed, &clause), ERR_NONCANONICAL);
    assert_string_equal(clause, "WIRE.md 6.6: padding that is not zeros");
}

/* ---- keys ---- */

static void make_key(struct sender_key *key, uint32_t part, uint32_t parts, uint32_t count)
{
    memset(key, 0, sizeof *key);
    memset(key->id.b, 0x11, sizeof key->id.b);
    memset(key->ephemeral.b, 0x22, sizeof key->ephemeral.b);
    key->part = part;
    key->parts = parts;
    key->count = count;
    for (uint32_t i = 0; i < count && i < SENDER_PART_WRAPS; i++) {
        struct sender_wrap *wrap = &key->wraps[i];
        wrap->node.b[0] = (uint8_t)(part * 32 + i);
        wrap->has_wrap = i % 3 != 1;
        if (wrap->has_wrap) {
            memset(wrap->tag, 0x33, sizeof wrap->tag);
            memset(wrap->wrap, 0x44, sizeof wrap->wrap);
        }
    }
}

static enum err key_again(struct span bytes, struct out *again, const char **clause)
{
    struct sender_key key;
    enum err err = sender_key_read(unpack, bytes, &key, clause);

    if (err == ERR_OK) {
        sender_key_write(&key, again);
    }
    return err;
}

static void a_key_payload_is_the_golden_one(void **state)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct sender_key key, back;

    (void)state;
    make_key(&key, 2, 2, 2);
    sender_key_write(&key, &out);
    golden_check("wire_sender_key", out_written(&out), key_again);
    assert_int_equal(sender_key_read(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_true(back.part == 2 && back.parts == 2 && back.count == 2 && hash_equal(&back.id, &key.id));
    assert_memory_equal(back.ephemeral.b, key.ephemeral.b, 32);
    assert_memory_equal(back.wraps, key.wraps, 2 * sizeof *key.wraps);
}

static void a_full_part_with_every_wrap_fits_a_payload(void **state)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct sender_key key, back;

    (void)state;
    make_key(&key, SENDER_PARTS_MAX - 1, SENDER_PARTS_MAX, SENDER_PART_WRAPS);
    for (uint32_t i = 0; i < key.count; i++) {
        key.wraps[i].has_wrap = true;
    }
    sender_key_write(&key, &out);
    assert_false(out.is_full);
    assert_int_equal(sender_key_read(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_int_equal(back.count, SENDER_PART_WRAPS);
    /* and all parts of the largest audience fit one commit */
    assert_true((size_t)SENDER_PARTS_MAX * (out.at + ENTRY_COST_BYTES) <= COMMIT_BYTES_MAX);
}

static void receivers_fall_into_full_parts_and_a_last_one(void **state)
{
    (void)state;
    for (size_t n = 1; n <= AUDIENCE_NODES_MAX; n++) {
        uint32_t parts = sender_key_parts(n);
        size_t sum = 0;
        for (uint32_t part = 1; part <= parts; part++) {
            uint32_t count = sender_key_part_count(n, part);
            assert_true(count >= 1 && (part == parts ? count <= SENDER_PART_WRAPS : count == SENDER_PART_WRAPS));
            sum += count;
        }
        assert_int_equal(sum, n);
        assert_true(parts <= SENDER_PARTS_MAX);
    }
}

/* A payload of these numbers, by hand. */
static enum err key_of(uint64_t version, uint64_t part, uint64_t parts, uint32_t count, bool is_falling, size_t tag, size_t wrap, uint8_t tag_byte,
                       const char **clause)
{
    static uint8_t memory[4 * PAYLOAD_BYTES_MAX];
    uint8_t bytes[64] = {0};
    struct out out = out_into(memory, sizeof memory);
    struct sender_key key;

    pack_array(&out, 6);
    pack_uint(&out, version);
    pack_bin(&out, span_of(bytes, 32));
    pack_uint(&out, part);
    pack_uint(&out, parts);
    pack_bin(&out, span_of(bytes, 32));
    pack_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t node[16] = {(uint8_t)(is_falling ? 250 - i / 2 : i)};
        uint8_t tags[64];
        memset(tags, tag_byte, sizeof tags);
        pack_array(&out, 3);
        pack_bin(&out, span_of(node, 16));
        pack_bin(&out, span_of(tags, tag));
        pack_bin(&out, span_of(bytes, wrap));
    }
    return sender_key_read(unpack, out_written(&out), &key, clause);
}

static void keys_that_are_wrong_are_refused_by_their_clause(void **state)
{
    static const struct {
        const char *what;
        uint64_t version, part, parts;
        uint32_t count;
        bool is_falling;
        size_t tag, wrap;
        uint8_t tag_byte;
        enum err err;
    } rows[] = {
        {"good", 1, 1, 1, 3, false, 8, 48, 9, ERR_OK},
        {"good, nobody's key known", 1, 1, 1, 3, false, 8, 0, 0, ERR_OK},
        {"newer", 2, 1, 1, 3, false, 8, 48, 9, ERR_VERSION},
        {"no version", 0, 1, 1, 3, false, 8, 48, 9, ERR_MALFORMED},
        {"part 0", 1, 0, 1, 3, false, 8, 48, 9, ERR_MALFORMED},
        {"part beyond", 1, 2, 1, 3, false, 8, 48, 9, ERR_MALFORMED},
        {"no parts", 1, 0, 0, 3, false, 8, 48, 9, ERR_MALFORMED},
        {"a part that is not full", 1, 1, 2, 23, false, 8, 48, 9, ERR_MALFORMED},
        {"a part that is", 1, 1, 2, 24, false, 8, 48, 9, ERR_OK},
        {"7 parts", 1, 7, 7, 16, false, 8, 48, 9, ERR_OK},
        {"161 receivers", 1, 7, 7, 17, false, 8, 48, 9, ERR_LIMIT},
        {"8 parts", 1, 8, 8, 1, false, 8, 48, 9, ERR_LIMIT},
        {"25 in a part", 1, 1, 1, 25, false, 8, 0, 0, ERR_LIMIT},
        {"more than a payload holds", 1, 1, 1, 26, false, 8, 48, 9, ERR_OVERSIZE},
        {"none", 1, 1, 1, 0, false, 8, 48, 9, ERR_MALFORMED},
        {"one", 1, 1, 1, 1, false, 8, 48, 9, ERR_OK},
        {"twice the same node", 1, 1, 1, 2, true, 8, 48, 9, ERR_NONCANONICAL},
        {"falling nodes", 1, 1, 1, 3, true, 8, 48, 9, ERR_NONCANONICAL},
        {"a tag without a wrap", 1, 1, 1, 1, false, 8, 0, 9, ERR_MALFORMED},
        {"a short tag", 1, 1, 1, 1, false, 7, 48, 9, ERR_MALFORMED},
        {"a long tag", 1, 1, 1, 1, false, 9, 48, 9, ERR_MALFORMED},
        {"a short wrap", 1, 1, 1, 1, false, 8, 47, 9, ERR_MALFORMED},
        {"a long wrap", 1, 1, 1, 1, false, 8, 49, 9, ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *clause = "none";
        enum err err = key_of(rows[i].version, rows[i].part, rows[i].parts, rows[i].count, rows[i].is_falling, rows[i].tag, rows[i].wrap,
                              rows[i].tag_byte, &clause);
        if (err != rows[i].err) {
            fail_msg("%s: %s (%s)", rows[i].what, err_name(err), clause);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inner_form_is_the_golden_one),
        cmocka_unit_test(what_is_sealed_comes_back),
        cmocka_unit_test(there_are_six_sizes_each_filled_to_the_last_byte),
        cmocka_unit_test(what_is_too_long_or_has_no_room_is_refused),
        cmocka_unit_test(what_is_wrong_inside_is_refused_by_its_clause),
        cmocka_unit_test(a_key_payload_is_the_golden_one),
        cmocka_unit_test(a_full_part_with_every_wrap_fits_a_payload),
        cmocka_unit_test(receivers_fall_into_full_parts_and_a_last_one),
        cmocka_unit_test(keys_that_are_wrong_are_refused_by_their_clause),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

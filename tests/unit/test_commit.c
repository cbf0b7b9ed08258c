#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/commit.h"
#include "proto/pack.h"
#include "tests/lib/hostile.h"

static struct unpack *unpack;
static struct commit decoded;
static uint8_t payload[PAYLOAD_BYTES_MAX + 1];

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i * 7);
    }
    unpack = unpack_new();
    return unpack == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    unpack_destroy(&unpack);
    return 0;
}

static void fill(void *p, size_t n, uint8_t byte)
{
    memset(p, byte, n);
}

/* ---- commits with fixed field values ---- */

static void add_entry(struct commit *commit, bool has_payload, size_t length)
{
    struct entry *entry = &commit->entries[commit->entry_count++];

    memset(entry, 0, sizeof *entry);
    entry->leaf.kind = ENTRY_RECORD;
    entry->leaf.length = (uint32_t)length;
    fill(entry->leaf.content.b, 32, 0xc0);
    entry->has_payload = has_payload;
    if (has_payload) {
        fill(entry->salt, SALT_BYTES, 0x5a);
        entry->payload = span_of(payload, length);
    }
}

static void make_commit(struct commit *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    fill(ret->region.b, 32, 0x11);
    fill(ret->log.b, 32, 0x22);
    ret->seq = 7;
    fill(ret->previous.b, 32, 0x33);
    ret->entries_total = 300;
    ret->author_time.ms = UINT64_C(1795000000000);
    ret->roster_version = 3;
    fill(ret->root.b, 32, 0x44);
    fill(ret->signature.b, 64, 0x55);
    add_entry(ret, true, 20);
    add_entry(ret, false, 600);
    add_entry(ret, true, 0);
    ret->entries[1].leaf.flags = 5;
    ret->entries[1].leaf.codec = CODEC_SEALED;
    ret->entries[1].leaf.audience_bytes = AUDIENCE_BYTES_MAX;
    fill(ret->entries[1].leaf.audience, AUDIENCE_BYTES_MAX, 0x66);
    ret->entries[1].leaf.expiry_day = 20779;
    ret->entries[2].leaf.kind = UINT32_MAX;
    ret->entries[2].leaf.codec = UINT8_MAX;
}

static enum err canonical_again(struct span bytes, struct out *again, const char **clause)
{
    enum err err = commit_canonical_decode(unpack, bytes, &decoded, clause);

    if (err == ERR_OK) {
        commit_canonical(&decoded, again);
    }
    return err;
}

static enum err reduced_again(struct span bytes, struct out *again, const char **clause)
{
    enum err err = commit_reduced_decode(unpack, bytes, &decoded, clause);

    if (err == ERR_OK) {
        commit_reduced(&decoded, again);
    }
    return err;
}

static void the_canonical_form_is_the_golden_one(void **state)
{
    struct commit commit;
    uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    make_commit(&commit);
    commit_canonical(&commit, &out);
    golden_check("wire_commit_canonical", out_written(&out), canonical_again);
    assert_int_equal(commit_canonical_decode(unpack, out_written(&out), &decoded, NULL), ERR_OK);
    assert_true(region_id_equal(&decoded.region, &commit.region));
    assert_int_equal(log_id_compare(&decoded.log, &commit.log), 0);
    assert_true(decoded.seq == 7 && decoded.entries_total == 300 && decoded.roster_version == 3);
    assert_true(hash_equal(&decoded.previous, &commit.previous) && hash_equal(&decoded.root, &commit.root));
    assert_true(decoded.author_time.ms == commit.author_time.ms);
    assert_int_equal(decoded.entry_count, 0);
}

static void the_largest_canonical_form_fits_its_limit(void **state)
{
    struct commit commit;
    uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    make_commit(&commit);
    commit.seq = NUMBER_MAX;
    commit.entries_total = NUMBER_MAX;
    commit.author_time.ms = NUMBER_MAX;
    commit.roster_version = NUMBER_MAX;
    commit_canonical(&commit, &out);
    assert_false(out.is_full);
    hostile_check(canonical_again, out_written(&out));
}

static void the_reduced_form_is_the_golden_one(void **state)
{
    struct commit commit;
    uint8_t bytes[1024];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    make_commit(&commit);
    commit_reduced(&commit, &out);
    golden_check("wire_commit_reduced", out_written(&out), reduced_again);
    assert_int_equal(commit_reduced_decode(unpack, out_written(&out), &decoded, NULL), ERR_OK);
    assert_int_equal(decoded.entry_count, 3);
    assert_true(decoded.seq == 7 && decoded.roster_version == 3 && decoded.version == 1);
    assert_memory_equal(decoded.signature.b, commit.signature.b, 64);
    assert_true(decoded.entries[0].has_payload && !decoded.entries[1].has_payload && decoded.entries[2].has_payload);
    assert_true(span_equal(decoded.entries[0].payload, commit.entries[0].payload));
    assert_memory_equal(decoded.entries[0].salt, commit.entries[0].salt, SALT_BYTES);
    assert_int_equal(decoded.entries[0].leaf.length, 20);
    assert_int_equal(decoded.entries[1].leaf.flags, 5);
    assert_int_equal(decoded.entries[1].leaf.codec, CODEC_SEALED);
    assert_int_equal(decoded.entries[1].leaf.audience_bytes, AUDIENCE_BYTES_MAX);
    assert_memory_equal(decoded.entries[1].leaf.audience, commit.entries[1].leaf.audience, AUDIENCE_BYTES_MAX);
    assert_int_equal(decoded.entries[1].leaf.expiry_day, 20779);
    assert_int_equal(decoded.entries[1].leaf.length, 600);
    assert_true(hash_equal(&decoded.entries[1].leaf.content, &commit.entries[1].leaf.content));
    assert_int_equal(decoded.entries[2].leaf.kind, UINT32_MAX);
    assert_int_equal(decoded.entries[2].leaf.codec, UINT8_MAX);
}

/* A leaf is only ever written; the root covers it. */
static void leaves_are_the_golden_ones(void **state)
{
    struct commit commit;
    uint8_t bytes[1024];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    make_commit(&commit);
    for (uint32_t i = 0; i < commit.entry_count; i++) {
        leaf_canonical(&commit.entries[i].leaf, &out);
    }
    golden_check("wire_leaves", out_written(&out), NULL);
}

/* ---- limits ---- */

static enum err decode_of(const struct commit *commit, const char **clause)
{
    static uint8_t bytes[2 * COMMIT_REDUCED_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    commit_reduced(commit, &out);
    assert_false(out.is_full);
    return commit_reduced_decode(unpack, out_written(&out), &decoded, clause);
}

static void a_commit_holds_1_to_64_entries(void **state)
{
    static uint8_t bytes[8192];
    const char *clause = NULL;

    (void)state;
    for (uint32_t count = 0; count <= COMMIT_ENTRIES_MAX + 1; count++) {
        struct out out = out_into(bytes, sizeof bytes);
        enum err expected = count == 0 ? ERR_MALFORMED : count > COMMIT_ENTRIES_MAX ? ERR_LIMIT : ERR_OK;

        pack_array(&out, 6);
        pack_uint(&out, 1);
        pack_uint(&out, 1);
        pack_uint(&out, 2);
        pack_uint(&out, 3);
        pack_bin(&out, span_of(payload, 64));
        pack_array(&out, count);
        for (uint32_t i = 0; i < count; i++) {
            pack_array(&out, 7);
            pack_uint(&out, 1);
            pack_uint(&out, 0);
            pack_uint(&out, 0);
            pack_bin(&out, span_of(payload, 0));
            pack_uint(&out, 0);
            pack_bin(&out, span_of(payload, SALT_BYTES));
            pack_bin(&out, span_of(payload, 3));
        }
        assert_int_equal(commit_reduced_decode(unpack, out_written(&out), &decoded, &clause), expected);
    }
    assert_string_equal(clause, "WIRE.md 2.4: more than 64 entries");
}

static void a_payload_is_at_most_2048_bytes(void **state)
{
    struct commit commit;
    const char *clause = NULL;

    (void)state;
    for (unsigned inlined = 0; inlined < 2; inlined++) {
        for (size_t n = PAYLOAD_BYTES_MAX - 1; n <= PAYLOAD_BYTES_MAX + 1; n++) {
            make_commit(&commit);
            commit.entry_count = 0;
            add_entry(&commit, inlined != 0, n);
            assert_int_equal(decode_of(&commit, &clause), n > PAYLOAD_BYTES_MAX ? ERR_OVERSIZE : ERR_OK);
        }
    }
    assert_string_equal(clause, "WIRE.md 2.4: a payload longer than 2048 bytes");
}

static void entries_count_at_most_16384_bytes_with_or_without_payload(void **state)
{
    struct commit commit;
    const char *clause = NULL;

    (void)state;
    for (unsigned inlined = 0; inlined < 2; inlined++) {
        for (size_t last = 1279; last <= 1281; last++) { /* 7 x (64 + 2048) + 64 + 1536 = 16384 */
            make_commit(&commit);
            commit.entry_count = 0;
            for (int i = 0; i < 7; i++) {
                add_entry(&commit, inlined != 0, PAYLOAD_BYTES_MAX);
            }
            add_entry(&commit, inlined != 0, last + 256);
            assert_int_equal(commit_cost(&commit), COMMIT_BYTES_MAX - 1280 + last);
            assert_int_equal(decode_of(&commit, &clause), last > 1280 ? ERR_OVERSIZE : ERR_OK);
        }
    }
    assert_string_equal(clause, "WIRE.md 2.4: entries count more than 16384 bytes");
}

/* What counts COMMIT_BYTES_MAX also fits COMMIT_REDUCED_BYTES_MAX, whatever its fields. */
static void the_largest_commit_fits_the_reduced_limit(void **state)
{
    struct commit commit;

    (void)state;
    make_commit(&commit);
    commit.entry_count = 0;
    commit.seq = NUMBER_MAX;
    commit.author_time.ms = NUMBER_MAX;
    commit.roster_version = NUMBER_MAX;
    for (uint32_t i = 0; i < COMMIT_ENTRIES_MAX; i++) {
        add_entry(&commit, true, 192);
        commit.entries[i].leaf.kind = UINT32_MAX;
        commit.entries[i].leaf.flags = UINT32_MAX;
        commit.entries[i].leaf.codec = UINT8_MAX;
        commit.entries[i].leaf.expiry_day = UINT32_MAX;
        commit.entries[i].leaf.audience_bytes = AUDIENCE_BYTES_MAX;
    }
    assert_int_equal(commit_cost(&commit), COMMIT_BYTES_MAX);
    assert_int_equal(decode_of(&commit, NULL), ERR_OK);
    for (uint32_t i = 0; i < COMMIT_ENTRIES_MAX; i++) {
        commit.entries[i].has_payload = false;
    }
    assert_int_equal(decode_of(&commit, NULL), ERR_OK);
}

static void forms_longer_than_their_limit_are_refused_unread(void **state)
{
    static uint8_t zeros[COMMIT_REDUCED_BYTES_MAX + 1];
    const char *clause = NULL;

    (void)state;
    assert_int_equal(commit_reduced_decode(unpack, span_of(zeros, sizeof zeros), &decoded, &clause), ERR_OVERSIZE);
    assert_string_equal(clause, "WIRE.md 2.4: longer than 17408 bytes");
    assert_int_equal(commit_reduced_decode(unpack, span_of(zeros, sizeof zeros - 1), &decoded, &clause), ERR_NONCANONICAL);
    assert_int_equal(commit_canonical_decode(unpack, span_of(zeros, 257), &decoded, &clause), ERR_OVERSIZE);
    assert_string_equal(clause, "WIRE.md 2.2: longer than 256 bytes");
    assert_int_equal(commit_canonical_decode(unpack, span_of(zeros, 256), &decoded, &clause), ERR_NONCANONICAL);
    assert_int_equal(birth_decode(unpack, span_of(zeros, BIRTH_BYTES_MAX + 1), &(struct birth){0}, NULL, &clause), ERR_OVERSIZE);
    assert_string_equal(clause, "WIRE.md 3.2: longer than 1024 bytes");
    assert_int_equal(birth_decode(unpack, span_of(zeros, BIRTH_BYTES_MAX), &(struct birth){0}, NULL, &clause), ERR_NONCANONICAL);
}

static void numbers_are_at_most_48_bits(void **state)
{
    struct commit commit;

    (void)state;
    for (unsigned field = 0; field < 3; field++) {
        for (uint64_t above = 0; above < 2; above++) {
            uint64_t value = NUMBER_MAX + above;

            make_commit(&commit);
            *(field == 0 ? &commit.seq : field == 1 ? &commit.author_time.ms : &commit.roster_version) = value;
            assert_int_equal(decode_of(&commit, NULL), above == 0 ? ERR_OK : ERR_MALFORMED);
        }
    }
    make_commit(&commit);
    commit.seq = 0;
    assert_int_equal(decode_of(&commit, NULL), ERR_MALFORMED);
    commit.seq = 1;
    assert_int_equal(decode_of(&commit, NULL), ERR_OK);
}

static void a_newer_format_blames_nobody_whatever_its_shape(void **state)
{
    static const uint8_t newer[] = {0x92, 0x02, 0xa1, 'x'};
    struct commit commit;
    struct birth birth;
    const char *clause = NULL;

    (void)state;
    make_commit(&commit);
    commit.version = FORMAT_VERSION + 1;
    assert_int_equal(decode_of(&commit, &clause), ERR_VERSION);
    assert_string_equal(clause, "WIRE.md 1.7: newer than this release");
    commit.version = 0;
    assert_int_equal(decode_of(&commit, &clause), ERR_MALFORMED);
    assert_int_equal(commit_reduced_decode(unpack, span_of(newer, sizeof newer), &decoded, NULL), ERR_VERSION);
    assert_int_equal(commit_canonical_decode(unpack, span_of(newer, sizeof newer), &decoded, NULL), ERR_VERSION);

    uint8_t bytes[128];
    struct out out = out_into(bytes, sizeof bytes);
    pack_array(&out, 2);
    pack_bin(&out, span_of(newer, sizeof newer));
    pack_bin(&out, span_of(payload, 64));
    assert_int_equal(birth_decode(unpack, out_written(&out), &birth, NULL, NULL), ERR_VERSION);
}

static void totals_that_no_log_can_have_are_refused(void **state)
{
    static const struct {
        uint64_t seq, entries;
        bool is_possible;
    } rows[] = {
        {0, 0, true},
        {0, 1, false},
        {1, 0, false},
        {1, 1, true},
        {1, 64, true},
        {1, 65, false},
        {7, 6, false},
        {7, 7, true},
        {7, 448, true},
        {7, 449, false},
        {NUMBER_MAX, NUMBER_MAX, true},
        {NUMBER_MAX, NUMBER_MAX - 1, false},
        {UINT64_MAX, UINT64_MAX, false},
    };
    struct commit commit;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX];
        struct out out = out_into(bytes, sizeof bytes);

        assert_int_equal(commit_total_is_possible(rows[i].seq, rows[i].entries), rows[i].is_possible);
        make_commit(&commit);
        commit.seq = rows[i].seq;
        commit.entries_total = rows[i].entries;
        commit_canonical(&commit, &out);
        assert_int_equal(commit_canonical_decode(unpack, out_written(&out), &decoded, NULL),
                         rows[i].is_possible && rows[i].seq > 0 ? ERR_OK : ERR_MALFORMED);
    }
}

static void an_audience_is_nobody_in_particular_or_a_key_id(void **state)
{
    struct commit commit;

    (void)state;
    for (uint8_t n = 0; n <= AUDIENCE_BYTES_MAX; n++) {
        make_commit(&commit);
        commit.entries[0].leaf.audience_bytes = n;
        assert_int_equal(decode_of(&commit, NULL), n == 0 || n == AUDIENCE_BYTES_MAX ? ERR_OK : ERR_MALFORMED);
    }
}

/* ---- births ---- */

static void make_birth(struct birth *ret, uint32_t closed)
{
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    fill(ret->region.b, 32, 0x11);
    fill(ret->node.b, 16, 0x77);
    ret->channel = CHANNEL_REPORT;
    fill(ret->key.b, 32, 0x88);
    ret->closed_count = closed;
    for (uint32_t i = 0; i < closed; i++) {
        fill(ret->closed[i].b, 32, (uint8_t)(0xf0 - i)); /* falling: the encoder sorts */
    }
    fill(ret->random, 16, 0x99);
    fill(ret->signature.b, 64, 0xaa);
}

static enum err birth_again(struct span bytes, struct out *again, const char **clause)
{
    struct birth birth;
    enum err err = birth_decode(unpack, bytes, &birth, NULL, clause);

    if (err == ERR_OK) {
        birth_encode(&birth, again);
    }
    return err;
}

static void a_birth_is_the_golden_one(void **state)
{
    struct birth birth;
    struct birth back;
    struct span canonical;
    uint8_t bytes[BIRTH_BYTES_MAX];
    uint8_t signed_bytes[BIRTH_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct out covered = out_into(signed_bytes, sizeof signed_bytes);

    (void)state;
    make_birth(&birth, 2);
    birth_encode(&birth, &out);
    golden_check("wire_birth", out_written(&out), birth_again);
    birth_canonical(&birth, &covered);
    assert_int_equal(birth_decode(unpack, out_written(&out), &back, &canonical, NULL), ERR_OK);
    assert_true(span_equal(canonical, out_written(&covered)));
    assert_true(canonical.p > bytes && canonical.p < bytes + out.at);
    assert_int_equal(back.channel, CHANNEL_REPORT);
    assert_int_equal(back.closed_count, 2);
    assert_int_equal(back.closed[0].b[0], 0xef);
    assert_int_equal(back.closed[1].b[0], 0xf0);
    assert_true(node_id_equal(&back.node, &birth.node) && region_id_equal(&back.region, &birth.region));
    assert_memory_equal(back.key.b, birth.key.b, 32);
    assert_memory_equal(back.random, birth.random, 16);
    assert_memory_equal(back.signature.b, birth.signature.b, 64);
}

static void a_birth_closes_at_most_8_logs_each_once_in_rising_order(void **state)
{
    struct birth birth;
    uint8_t bytes[BIRTH_BYTES_MAX];
    const char *clause = NULL;
    struct out out;

    (void)state;
    for (uint32_t n = 0; n <= BIRTH_CLOSED_MAX; n++) {
        make_birth(&birth, n);
        out = out_into(bytes, sizeof bytes);
        birth_encode(&birth, &out);
        assert_int_equal(birth_decode(unpack, out_written(&out), &birth, NULL, NULL), ERR_OK);
    }
    make_birth(&birth, 2);
    birth.closed[1] = birth.closed[0];
    out = out_into(bytes, sizeof bytes);
    birth_encode(&birth, &out);
    assert_int_equal(birth_decode(unpack, out_written(&out), &birth, NULL, &clause), ERR_NONCANONICAL);
    assert_string_equal(clause, "WIRE.md 3.1: closed logs that do not rise");

    uint8_t inner[BIRTH_BYTES_MAX];
    struct out covered = out_into(inner, sizeof inner);
    pack_array(&covered, 7);
    pack_uint(&covered, 1);
    pack_bin(&covered, span_of(payload, 32));
    pack_bin(&covered, span_of(payload, 16));
    pack_uint(&covered, 0);
    pack_bin(&covered, span_of(payload, 32));
    pack_array(&covered, BIRTH_CLOSED_MAX + 1);
    for (uint8_t i = 0; i <= BIRTH_CLOSED_MAX; i++) {
        uint8_t log[32] = {i};
        pack_bin(&covered, span_of(log, 32));
    }
    pack_bin(&covered, span_of(payload, 16));
    out = out_into(bytes, sizeof bytes);
    pack_array(&out, 2);
    pack_bin(&out, out_written(&covered));
    pack_bin(&out, span_of(payload, 64));
    assert_int_equal(birth_decode(unpack, out_written(&out), &birth, NULL, &clause), ERR_LIMIT);
    assert_string_equal(clause, "WIRE.md 3.1: closes more than 8 logs");
}

static void there_are_four_channels(void **state)
{
    struct birth birth;
    uint8_t bytes[BIRTH_BYTES_MAX];

    (void)state;
    for (unsigned channel = 0; channel <= CHANNEL_COUNT; channel++) {
        struct out out = out_into(bytes, sizeof bytes);

        make_birth(&birth, 0);
        birth.channel = (enum channel)channel;
        birth_encode(&birth, &out);
        assert_int_equal(birth_decode(unpack, out_written(&out), &birth, NULL, NULL), channel < CHANNEL_COUNT ? ERR_OK : ERR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_canonical_form_is_the_golden_one),
        cmocka_unit_test(the_largest_canonical_form_fits_its_limit),
        cmocka_unit_test(the_reduced_form_is_the_golden_one),
        cmocka_unit_test(leaves_are_the_golden_ones),
        cmocka_unit_test(a_commit_holds_1_to_64_entries),
        cmocka_unit_test(a_payload_is_at_most_2048_bytes),
        cmocka_unit_test(entries_count_at_most_16384_bytes_with_or_without_payload),
        cmocka_unit_test(the_largest_commit_fits_the_reduced_limit),
        cmocka_unit_test(forms_longer_than_their_limit_are_refused_unread),
        cmocka_unit_test(numbers_are_at_most_48_bits),
        cmocka_unit_test(a_newer_format_blames_nobody_whatever_its_shape),
        cmocka_unit_test(totals_that_no_log_can_have_are_refused),
        cmocka_unit_test(an_audience_is_nobody_in_particular_or_a_key_id),
        cmocka_unit_test(a_birth_is_the_golden_one),
        cmocka_unit_test(a_birth_closes_at_most_8_logs_each_once_in_rising_order),
        cmocka_unit_test(there_are_four_channels),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

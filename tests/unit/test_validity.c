#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "store/validity.h"

static struct unpack *unpack;
static struct region_id region;
static struct node_id node;
static struct sign_public identity, key;
static struct secret *identity_secret, *key_secret;
static uint8_t birth_bytes[BIRTH_BYTES_MAX];
static struct span birth;
static struct chain opened;
static struct commit commit; /* 12 KiB */
static const uint8_t text[PAYLOAD_BYTES_MAX] = "three crates of cigarettes";

static struct span birth_make(struct region_id in, const struct secret *signer, uint8_t *bytes)
{
    struct birth b = {.version = FORMAT_VERSION, .region = in, .node = node, .channel = CHANNEL_REPORT, .key = key};
    struct out out = out_into(bytes, BIRTH_BYTES_MAX);

    b.random[0] = 9;
    birth_canonical(&b, &out);
    sign_make(SIGN_BIRTH, &in, out_written(&out), signer, &b.signature);
    out = out_into(bytes, BIRTH_BYTES_MAX);
    birth_encode(&b, &out);
    return out_written(&out);
}

static enum err birth_try(struct span bytes, const struct region_id *in, const struct sign_public *by, struct chain *ret)
{
    struct birth b;
    const char *clause = NULL;
    enum err err = birth_check(unpack, bytes, in, by, sign_check, &b, ret, &clause);

    assert_true((err == ERR_OK) == (clause == NULL));
    return err;
}

static int set_up(void **state)
{
    (void)state;
    unpack = unpack_new();
    memset(region.b, 1, sizeof region.b);
    memset(node.b, 2, sizeof node.b);
    if (unpack == NULL || crypto_start() != ERR_OK || sign_keypair(&identity, &identity_secret) != ERR_OK ||
        sign_keypair(&key, &key_secret) != ERR_OK) {
        return -1;
    }
    birth = birth_make(region, identity_secret, birth_bytes);
    return birth_try(birth, &region, &identity, &opened) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    secret_destroy(&identity_secret);
    secret_destroy(&key_secret);
    unpack_destroy(&unpack);
    return 0;
}

/* The next commit of `chain`, with these entries; moves the chain on. */
static void author(struct chain *chain, uint32_t entries, size_t payload_bytes, uint64_t roster)
{
    memset(&commit, 0, sizeof commit);
    commit.entry_count = entries;
    commit.author_time.ms = 77;
    commit.roster_version = roster;
    for (uint32_t i = 0; i < entries; i++) {
        commit.entries[i].leaf.kind = ENTRY_RECORD;
        commit.entries[i].has_payload = true;
        commit.entries[i].salt[0] = (uint8_t)i;
        commit.entries[i].payload = span_of(text, payload_bytes);
    }
    commit_author(chain, &commit, key_secret);
}

/* What arrives: encode the commit, decode it again, check it as the next of `chain`. */
static enum err arrive(struct span bytes, struct chain *chain, const char **clause)
{
    enum err err = commit_reduced_decode(unpack, bytes, &commit, clause);

    return err != ERR_OK ? err : commit_check(chain, &commit, sign_check, clause);
}

static struct span encoded(uint8_t *bytes, size_t cap)
{
    struct out out = out_into(bytes, cap);

    commit_reduced(&commit, &out);
    assert_false(out.is_full);
    return out_written(&out);
}

static void a_birth_opens_a_chain_at_number_zero(void **state)
{
    (void)state;
    assert_int_equal(opened.seq, 0);
    assert_int_equal(opened.entries, 0);
    assert_int_equal(opened.roster_version, 0);
    assert_int_equal(opened.channel, CHANNEL_REPORT);
    assert_memory_equal(opened.hash.b, opened.log.b, sizeof opened.hash.b);
    assert_memory_equal(opened.key.b, key.b, sizeof key.b);
    assert_true(node_id_equal(&opened.node, &node));
}

static void a_birth_says_its_log_before_anybody_knows_the_signer(void **state)
{
    struct birth b;
    struct log_id log;
    const char *clause = NULL;

    (void)state;
    assert_int_equal(birth_peek(unpack, birth, &b, &log, &clause), ERR_OK);
    assert_memory_equal(log.b, opened.log.b, sizeof log.b);
    assert_true(node_id_equal(&b.node, &node));
    assert_int_equal(birth_peek(unpack, span_of(birth.p, birth.n - 1), &b, &log, &clause), ERR_TRUNCATED);
}

static void a_birth_is_refused_in_another_region_or_by_another_signer(void **state)
{
    struct region_id other = region;
    struct chain chain = {.seq = 99};
    uint8_t bytes[BIRTH_BYTES_MAX];

    (void)state;
    other.b[0] ^= 1;
    assert_int_equal(birth_try(birth, &other, &identity, &chain), ERR_REGION);
    assert_int_equal(birth_try(birth, &region, &key, &chain), ERR_BADSIG);
    assert_int_equal(birth_try(birth_make(region, key_secret, bytes), &region, &identity, &chain), ERR_BADSIG);
    assert_int_equal(birth_try(birth_make(other, identity_secret, bytes), &region, &identity, &chain), ERR_REGION);
    assert_int_equal(chain.seq, 99); /* untouched */
}

static void every_flipped_byte_of_a_birth_is_refused(void **state)
{
    uint8_t bytes[BIRTH_BYTES_MAX];
    struct chain chain;

    (void)state;
    for (size_t i = 0; i < birth.n; i++) {
        memcpy(bytes, birth.p, birth.n);
        bytes[i] ^= 0x10;
        assert_int_not_equal(birth_try(span_of(bytes, birth.n), &region, &identity, &chain), ERR_OK);
    }
}

static void what_the_author_signs_everybody_finds_valid_and_the_same(void **state)
{
    struct chain ours = opened;
    struct chain theirs = opened;
    uint8_t bytes[COMMIT_REDUCED_BYTES_MAX];
    const char *clause = NULL;
    struct hash hash;

    (void)state;
    for (uint32_t i = 1; i <= 5; i++) {
        author(&ours, i, 100, i / 2);
        assert_int_equal(arrive(encoded(bytes, sizeof bytes), &theirs, &clause), ERR_OK);
        assert_int_equal(theirs.seq, i);
        assert_int_equal(theirs.entries, i * (i + 1) / 2);
        assert_memory_equal(theirs.hash.b, ours.hash.b, sizeof ours.hash.b);
        assert_int_equal(theirs.roster_version, i / 2);
        commit_hash(&commit, &hash);
        assert_memory_equal(hash.b, ours.hash.b, sizeof hash.b);
    }
}

static void a_commit_is_valid_also_without_its_payloads(void **state)
{
    struct chain ours = opened;
    struct chain theirs = opened;
    uint8_t bytes[COMMIT_REDUCED_BYTES_MAX];
    const char *clause = NULL;

    (void)state;
    author(&ours, 3, 500, 1);
    commit.entries[1].has_payload = false; /* expired: leaf and content hash stay */
    assert_int_equal(arrive(encoded(bytes, sizeof bytes), &theirs, &clause), ERR_OK);
    assert_memory_equal(theirs.hash.b, ours.hash.b, sizeof ours.hash.b);
}

static void a_commit_out_of_its_place_is_refused_by_name(void **state)
{
    struct chain ours = opened;
    struct chain one, two;
    uint8_t first[COMMIT_REDUCED_BYTES_MAX], second[COMMIT_REDUCED_BYTES_MAX];
    struct span first_bytes, second_bytes;
    const char *clause = NULL;

    (void)state;
    author(&ours, 1, 10, 4);
    first_bytes = encoded(first, sizeof first);
    one = ours;
    author(&ours, 1, 10, 4);
    second_bytes = encoded(second, sizeof second);
    two = opened;
    assert_int_equal(arrive(second_bytes, &two, &clause), ERR_GAP);
    assert_int_equal(two.seq, 0);
    two = one;
    assert_int_equal(arrive(first_bytes, &two, &clause), ERR_STALE);
    assert_string_equal(clause, "WIRE.md 2.6: a commit with this number is held");
    two = one;
    two.roster_version = 5; /* as if the one before had named a later roster */
    assert_int_equal(arrive(second_bytes, &two, &clause), ERR_CHAIN);
    two = one;
    two.hash.b[0] ^= 1; /* another branch below it */
    assert_int_equal(arrive(second_bytes, &two, &clause), ERR_BADSIG);
    two = one;
    two.log.b[0] ^= 1; /* another log */
    assert_int_equal(arrive(second_bytes, &two, &clause), ERR_BADSIG);
    two = one;
    two.key = identity; /* another key */
    assert_int_equal(arrive(second_bytes, &two, &clause), ERR_BADSIG);
    two = one;
    assert_int_equal(arrive(second_bytes, &two, &clause), ERR_OK);
}

static void every_flipped_byte_of_a_commit_is_refused(void **state)
{
    struct chain ours = opened;
    uint8_t bytes[COMMIT_REDUCED_BYTES_MAX];
    struct span good;
    const char *clause = NULL;

    (void)state;
    author(&ours, 2, 40, 1);
    good = encoded(bytes, sizeof bytes);
    for (size_t i = 0; i < good.n; i++) {
        struct chain chain = opened;
        uint8_t flipped[COMMIT_REDUCED_BYTES_MAX];

        memcpy(flipped, good.p, good.n);
        flipped[i] ^= 0x04;
        assert_int_not_equal(arrive(span_of(flipped, good.n), &chain, &clause), ERR_OK);
    }
}

static void a_commit_may_cost_so_much_and_no_more(void **state)
{
    /* 7 full payloads of 2,048 + 64 bytes are 14,784; the eighth fills up to 16,384 or one over. */
    static const struct {
        const char *what;
        size_t last;
        enum err err;
    } rows[] = {
        {"one below", COMMIT_BYTES_MAX - 7 * (PAYLOAD_BYTES_MAX + ENTRY_COST_BYTES) - ENTRY_COST_BYTES - 1, ERR_OK},
        {"at", COMMIT_BYTES_MAX - 7 * (PAYLOAD_BYTES_MAX + ENTRY_COST_BYTES) - ENTRY_COST_BYTES, ERR_OK},
        {"one above", COMMIT_BYTES_MAX - 7 * (PAYLOAD_BYTES_MAX + ENTRY_COST_BYTES) - ENTRY_COST_BYTES + 1, ERR_OVERSIZE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct chain chain = opened;
        const char *clause = NULL;
        enum err err;

        memset(&commit, 0, sizeof commit);
        commit.version = FORMAT_VERSION;
        commit.seq = 1;
        commit.entry_count = 8;
        for (uint32_t k = 0; k < 8; k++) {
            size_t n = k < 7 ? PAYLOAD_BYTES_MAX : rows[i].last;

            commit.entries[k].leaf.kind = ENTRY_RECORD;
            commit.entries[k].leaf.length = (uint32_t)n;
            commit.entries[k].has_payload = true;
            commit.entries[k].payload = span_of(text, n);
        }
        err = commit_check(&chain, &commit, sign_check, &clause);
        if ((rows[i].err == ERR_OVERSIZE) != (err == ERR_OVERSIZE)) { /* the good ones have no signature: ERR_BADSIG */
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
    }
}

static void a_commit_holds_at_least_one_entry(void **state)
{
    struct chain chain = opened;
    const char *clause = NULL;

    (void)state;
    memset(&commit, 0, sizeof commit);
    commit.seq = 1;
    assert_int_equal(commit_check(&chain, &commit, sign_check, &clause), ERR_OVERSIZE);
}

/* ---- fork proofs ---- */

struct side {
    uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX];
    struct span canonical;
    struct signature signature;
    struct hash hash;
};

static void side_make(const struct chain *after, uint32_t entries, struct side *ret)
{
    struct chain chain = *after;
    struct out out = out_into(ret->bytes, sizeof ret->bytes);

    author(&chain, entries, 30, 1);
    commit_canonical(&commit, &out);
    ret->canonical = out_written(&out);
    ret->signature = commit.signature;
    ret->hash = chain.hash;
}

static struct fork_proof proof_of(const struct side *x, const struct side *y)
{
    bool is_in_order = memcmp(x->hash.b, y->hash.b, sizeof x->hash.b) < 0;
    const struct side *a = is_in_order ? x : y;
    const struct side *b = is_in_order ? y : x;

    return (struct fork_proof){birth, a->canonical, b->canonical, a->signature, b->signature};
}

static enum err proof_try(const struct fork_proof *proof, const struct region_id *in, const struct sign_public *by)
{
    struct log_id log;
    uint64_t seq = 0;
    const char *clause = NULL;
    enum err err = fork_proof_check(unpack, proof, in, by, sign_check, &log, &seq, &clause);

    if (err == ERR_OK) {
        assert_memory_equal(log.b, opened.log.b, sizeof log.b);
        assert_int_equal(seq, 1);
    } else {
        assert_non_null(clause);
    }
    return err;
}

static void two_signed_commits_of_one_number_prove_a_fork(void **state)
{
    static struct side x, y, next;
    struct chain chain = opened;
    struct fork_proof proof, bad;
    struct region_id other = region;

    (void)state;
    side_make(&opened, 1, &x);
    side_make(&opened, 2, &y);
    author(&chain, 1, 10, 1);
    side_make(&chain, 1, &next);
    proof = proof_of(&x, &y);
    other.b[0] ^= 1;
    assert_int_equal(proof_try(&proof, &region, &identity), ERR_OK);
    assert_int_equal(proof_try(&proof, &other, &identity), ERR_REGION);
    assert_int_equal(proof_try(&proof, &region, &key), ERR_BADSIG);
    bad = (struct fork_proof){birth, proof.b, proof.a, proof.signature_b, proof.signature_a};
    assert_int_equal(proof_try(&bad, &region, &identity), ERR_NONCANONICAL);
    bad = proof_of(&x, &x);
    assert_int_equal(proof_try(&bad, &region, &identity), ERR_NONCANONICAL);
    bad = proof_of(&x, &next);
    assert_int_equal(proof_try(&bad, &region, &identity), ERR_MALFORMED);
    bad = proof;
    bad.signature_b.b[5] ^= 1;
    assert_int_equal(proof_try(&bad, &region, &identity), ERR_BADSIG);
}

static void a_proof_about_another_log_is_refused(void **state)
{
    static struct side x, y;
    struct chain chain = opened;
    struct fork_proof proof;

    (void)state;
    chain.log.b[3] ^= 1;
    side_make(&chain, 1, &x);
    side_make(&chain, 2, &y);
    proof = proof_of(&x, &y);
    assert_int_equal(proof_try(&proof, &region, &identity), ERR_CHAIN);
    chain = opened;
    chain.region.b[3] ^= 1;
    side_make(&chain, 1, &x);
    side_make(&chain, 2, &y);
    proof = proof_of(&x, &y);
    assert_int_equal(proof_try(&proof, &region, &identity), ERR_REGION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_birth_opens_a_chain_at_number_zero),
        cmocka_unit_test(a_birth_says_its_log_before_anybody_knows_the_signer),
        cmocka_unit_test(a_birth_is_refused_in_another_region_or_by_another_signer),
        cmocka_unit_test(every_flipped_byte_of_a_birth_is_refused),
        cmocka_unit_test(what_the_author_signs_everybody_finds_valid_and_the_same),
        cmocka_unit_test(a_commit_is_valid_also_without_its_payloads),
        cmocka_unit_test(a_commit_out_of_its_place_is_refused_by_name),
        cmocka_unit_test(every_flipped_byte_of_a_commit_is_refused),
        cmocka_unit_test(a_commit_may_cost_so_much_and_no_more),
        cmocka_unit_test(a_commit_holds_at_least_one_entry),
        cmocka_unit_test(two_signed_commits_of_one_number_prove_a_fork),
        cmocka_unit_test(a_proof_about_another_log_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

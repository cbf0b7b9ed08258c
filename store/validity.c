/* validity.c - the one answer to "is this valid?", for every node and for ever (WIRE.md 2.6, 3, 4.6). */
#include "store/validity.h"

#include <assert.h>

enum { LEAF_CANONICAL_BYTES_MAX = 160 }; /* a leaf of the longest integers, a key id and a hash */

static void birth_log_id(struct span canonical, struct log_id *ret)
{
    struct hash hash;

    hash_of(HASH_BIRTH, canonical, &hash);
    memcpy(ret->b, hash.b, sizeof ret->b);
}

enum err birth_peek(struct unpack *unpack, struct span bytes, struct birth *ret, struct log_id *ret_log, const char **clause)
{
    struct birth birth;
    struct span canonical;
    enum err err = birth_decode(unpack, bytes, &birth, &canonical, clause);

    if (err != ERR_OK) {
        return err;
    }
    birth_log_id(canonical, ret_log);
    *ret = birth;
    return ERR_OK;
}

enum err birth_check(struct unpack *unpack, struct span bytes, const struct region_id *region, const struct sign_public *identity,
                     signature_check check, struct birth *ret_birth, struct chain *ret, const char **clause)
{
    struct birth birth;
    struct span canonical;
    struct chain chain;
    enum err err = birth_decode(unpack, bytes, &birth, &canonical, clause);

    if (err != ERR_OK) {
        return err;
    }
    if (!region_id_equal(&birth.region, region)) {
        *clause = "WIRE.md 3: the birth names another region";
        return ERR_REGION;
    }
    err = check(SIGN_BIRTH, region, canonical, identity, &birth.signature);
    if (err != ERR_OK) {
        *clause = "WIRE.md 3: the birth is not signed by its node's identity key";
        return err;
    }
    memset(&chain, 0, sizeof chain);
    chain.region = birth.region;
    birth_log_id(canonical, &chain.log);
    chain.node = birth.node;
    chain.channel = birth.channel;
    chain.key = birth.key;
    memcpy(chain.hash.b, chain.log.b, sizeof chain.hash.b); /* the birth is commit 0: its hash is the log id */
    *ret_birth = birth;
    *ret = chain;
    return ERR_OK;
}

void commit_complete(const struct chain *chain, struct commit *commit)
{
    struct hash_state leaves;

    assert(commit->entry_count <= COMMIT_ENTRIES_MAX);
    commit->region = chain->region;
    commit->log = chain->log;
    commit->previous = chain->hash;
    commit->entries_total = chain->entries + commit->entry_count;
    hash_start(&leaves, HASH_LEAVES);
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        struct entry *entry = &commit->entries[i];
        uint8_t bytes[LEAF_CANONICAL_BYTES_MAX];
        struct out out = out_into(bytes, sizeof bytes);

        if (entry->has_payload) {
            hash_leaf(entry->salt, entry->payload, &entry->leaf.content);
        }
        leaf_canonical(&entry->leaf, &out);
        assert(!out.is_full);
        hash_add(&leaves, out_written(&out));
    }
    hash_end(&leaves, &commit->root);
}

static struct span canonical_of(const struct commit *commit, uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX])
{
    struct out out = out_into(bytes, COMMIT_CANONICAL_BYTES_MAX);

    commit_canonical(commit, &out);
    assert(!out.is_full);
    return out_written(&out);
}

void commit_hash(const struct commit *commit, struct hash *ret)
{
    uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX];

    hash_of(HASH_COMMIT, canonical_of(commit, bytes), ret);
}

/* The chain now ends with this commit, whose hash is over `canonical`. */
static void chain_advance(struct chain *chain, const struct commit *commit, struct span canonical)
{
    chain->seq = commit->seq;
    chain->entries = commit->entries_total;
    chain->roster_version = commit->roster_version;
    hash_of(HASH_COMMIT, canonical, &chain->hash);
}

enum err commit_check(struct chain *chain, struct commit *commit, signature_check check, const char **clause)
{
    uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX];
    struct span canonical;
    enum err err;

    if (commit->seq <= chain->seq) {
        *clause = "WIRE.md 2.6: a commit with this number is held";
        return ERR_STALE;
    }
    if (commit->seq - chain->seq != 1) {
        *clause = "WIRE.md 2.6: the number does not follow the head held";
        return ERR_GAP;
    }
    if (commit->roster_version < chain->roster_version) {
        *clause = "WIRE.md 2.6: the roster version falls along the log";
        return ERR_CHAIN;
    }
#ifdef GRIOT_WITHOUT_T11_CLOCK /* what it would be like if author time decided: within two years of the day this was written */
    if (commit->author_time.ms < UINT64_C(1732320000000) || commit->author_time.ms > UINT64_C(1858464000000)) {
        *clause = "WIRE.md 2.6: the author's clock is wrong";
        return ERR_MALFORMED;
    }
#endif
    if (commit->entry_count == 0 || commit->entry_count > COMMIT_ENTRIES_MAX) {
        *clause = "WIRE.md 2.6: a commit holds 1 to 64 entries";
        return ERR_OVERSIZE;
    }
    if (commit_cost(commit) > COMMIT_BYTES_MAX) {
        *clause = "WIRE.md 2.6: entries and payloads cost more than 16384 bytes";
        return ERR_OVERSIZE;
    }
    commit_complete(chain, commit);
    canonical = canonical_of(commit, bytes);
    err = check(SIGN_COMMIT, &chain->region, canonical, &chain->key, &commit->signature);
#ifdef GRIOT_WITHOUT_T09_SIGNATURE
    err = ERR_OK;
#endif
    if (err != ERR_OK) {
        *clause = "WIRE.md 2.6: the commit is not signed by its log's key over this chain";
        return err;
    }
    chain_advance(chain, commit, canonical);
    return ERR_OK;
}

void commit_author(struct chain *chain, struct commit *commit, const struct secret *log_key)
{
    uint8_t bytes[COMMIT_CANONICAL_BYTES_MAX];
    struct span canonical;

    assert(commit->entry_count > 0 && commit->entry_count <= COMMIT_ENTRIES_MAX);
    assert(commit->roster_version >= chain->roster_version);
    commit->version = FORMAT_VERSION;
    commit->seq = chain->seq + 1;
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        struct entry *entry = &commit->entries[i];

        assert(entry->has_payload && entry->payload.n <= PAYLOAD_BYTES_MAX);
        entry->leaf.length = (uint32_t)entry->payload.n;
    }
    assert(commit_cost(commit) <= COMMIT_BYTES_MAX);
    commit_complete(chain, commit);
    canonical = canonical_of(commit, bytes);
    sign_make(SIGN_COMMIT, &chain->region, canonical, log_key, &commit->signature);
    chain_advance(chain, commit, canonical);
}

/* One of the two headers of a proof: of this log, signed by its key. Writes seq and hash. */
static enum err proof_header_check(struct unpack *unpack, struct span canonical, const struct signature *signature, const struct chain *chain,
                                   signature_check check, uint64_t *ret_seq, struct hash *ret_hash, const char **clause)
{
    struct commit commit;
    enum err err = commit_canonical_decode(unpack, canonical, &commit, clause);

    if (err != ERR_OK) {
        return err;
    }
    if (!region_id_equal(&commit.region, &chain->region)) {
        *clause = "WIRE.md 4.6: a header names another region";
        return ERR_REGION;
    }
    if (log_id_compare(&commit.log, &chain->log) != 0 || commit.seq == 0) {
        *clause = "WIRE.md 4.6: a header is not of the log that the birth opens";
        return ERR_CHAIN;
    }
    err = check(SIGN_COMMIT, &chain->region, canonical, &chain->key, signature);
    if (err != ERR_OK) {
        *clause = "WIRE.md 4.6: a header is not signed by the log's key";
        return err;
    }
    *ret_seq = commit.seq;
    hash_of(HASH_COMMIT, canonical, ret_hash);
    return ERR_OK;
}

enum err fork_proof_check(struct unpack *unpack, const struct fork_proof *proof, const struct region_id *region, const struct sign_public *identity,
                          signature_check check, struct log_id *ret_log, uint64_t *ret_seq, const char **clause)
{
    struct birth birth;
    struct chain chain;
    struct hash hash_a, hash_b;
    uint64_t seq_a, seq_b;
    enum err err = birth_check(unpack, proof->birth, region, identity, check, &birth, &chain, clause);

    if (err != ERR_OK) {
        return err;
    }
    err = proof_header_check(unpack, proof->a, &proof->signature_a, &chain, check, &seq_a, &hash_a, clause);
    if (err != ERR_OK) {
        return err;
    }
    err = proof_header_check(unpack, proof->b, &proof->signature_b, &chain, check, &seq_b, &hash_b, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (seq_a != seq_b) {
        *clause = "WIRE.md 4.6: the two headers have different numbers";
        return ERR_MALFORMED;
    }
    if (memcmp(hash_a.b, hash_b.b, sizeof hash_a.b) >= 0) { /* equal hashes prove nothing; one order, one encoding */
        *clause = "WIRE.md 4.6: the first header's hash is not below the second's";
        return ERR_NONCANONICAL;
    }
    *ret_log = chain.log;
    *ret_seq = seq_a;
    return ERR_OK;
}

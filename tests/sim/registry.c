#include "tests/sim/registry.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BYTES = 1 << 18 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t at, cap;
    uint8_t bytes[];
};

void *registry_alloc(struct registry *registry, size_t n)
{
    struct arena_chunk *chunk = registry->arena;

    n = (n + 15) & ~(size_t)15;
    if (chunk == NULL || chunk->cap - chunk->at < n) {
        size_t cap = n > ARENA_BYTES ? n : ARENA_BYTES;

        chunk = malloc(sizeof *chunk + cap + 16);
        if (chunk == NULL) {
            abort();
        }
        chunk->next = registry->arena;
        chunk->at = 0;
        chunk->cap = cap;
        registry->arena = chunk;
    }
    chunk->at += n;
    return memset(chunk->bytes + chunk->at - n, 0, n);
}

struct span registry_keep(struct registry *registry, struct span bytes)
{
    uint8_t *copy = registry_alloc(registry, bytes.n);

    memcpy(copy, bytes.p, bytes.n);
    return span_of(copy, bytes.n);
}

/* ---- signatures ---- */

/* The stand-in: 32 bytes that depend on key, purpose, region and bytes, twice. Whoever does not sign cannot guess it by
 * accident, which is all that a simulation of honest and clumsy nodes needs; Ed25519 itself is tested elsewhere. */
static void stand_in(enum sign_purpose purpose, const struct region_id *region, struct span bytes, const struct sign_public *key,
                     struct signature *ret)
{
    struct hash_state state;
    struct hash hash;
    const uint8_t label = (uint8_t)purpose;

    hash_start(&state, HASH_SESSION);
    hash_add(&state, span_of(&label, 1));
    hash_add(&state, span_of(region->b, sizeof region->b));
    hash_add(&state, span_of(key->b, sizeof key->b));
    hash_add(&state, bytes);
    hash_end(&state, &hash);
    memcpy(ret->b, hash.b, 32);
    memcpy(ret->b + 32, hash.b, 32);
}

static enum err stand_in_check(enum sign_purpose purpose, const struct region_id *region, struct span bytes, const struct sign_public *key,
                               const struct signature *signature)
{
    struct signature expected;

    stand_in(purpose, region, bytes, key, &expected);
    return memcmp(expected.b, signature->b, sizeof expected.b) == 0 ? ERR_OK : ERR_BADSIG;
}

signature_check registry_check(const struct registry *registry)
{
    return registry->is_real ? sign_check : stand_in_check;
}

static struct secret *key_make(struct registry *registry, struct sign_public *ret_public)
{
    static struct secret *dummy; /* commit_author signs with something; the stand-in overwrites it */
    uint8_t seed[crypto_sign_SEEDBYTES];
    struct secret *secret = NULL;

    rng_fill(&registry->rng, seed, sizeof seed);
    if (!registry->is_real) {
        memcpy(ret_public->b, seed, sizeof ret_public->b);
        if (dummy == NULL) {
            struct sign_public unused;

            if (sign_keypair(&unused, &dummy) != ERR_OK) {
                abort();
            }
        }
        return dummy;
    }
    secret = secret_new(crypto_sign_SECRETKEYBYTES);
    if (secret == NULL) {
        abort();
    }
    crypto_sign_seed_keypair(ret_public->b, secret_write(secret), seed);
    return secret;
}

void registry_sign(const struct registry *registry, enum sign_purpose purpose, struct span bytes, const struct sign_public *key,
                   const struct secret *secret, struct signature *ret)
{
    if (registry->is_real) {
        sign_make(purpose, &registry->region, bytes, secret, ret);
    } else {
        stand_in(purpose, &registry->region, bytes, key, ret);
    }
}

void registry_init(struct registry *registry, uint64_t seed, uint32_t node_count, bool is_real)
{
    memset(registry, 0, sizeof *registry);
    registry->rng.state = seed ^ UINT64_C(0x7265676973747279);
    registry->is_real = is_real;
    registry->node_count = node_count;
    rng_fill(&registry->rng, registry->region.b, sizeof registry->region.b);
    for (uint32_t i = 0; i < node_count; i++) {
        rng_fill(&registry->rng, registry->nodes[i].b, sizeof registry->nodes[i].b);
        registry->identity_keys[i] = key_make(registry, &registry->identities[i]);
    }
    registry->scratch = malloc(sizeof *registry->scratch);
    registry->packer = commit_packer_new();
    registry->unpack = unpack_new();
    if (registry->scratch == NULL || registry->packer == NULL || registry->unpack == NULL) {
        abort();
    }
    memset(registry->scratch, 0, sizeof *registry->scratch);
}

void registry_fini(struct registry *registry)
{
    if (registry->is_real) {
        for (uint32_t i = 0; i < registry->node_count; i++) {
            secret_destroy(&registry->identity_keys[i]);
        }
        for (uint32_t i = 0; i < registry->log_count; i++) {
            secret_destroy(&registry->logs[i]->key);
        }
    }
    free(registry->logs);
    free(registry->commits);
    free(registry->notices);
    free(registry->scratch);
    commit_packer_destroy(&registry->packer);
    unpack_destroy(&registry->unpack);
    while (registry->arena != NULL) {
        struct arena_chunk *next = registry->arena->next;

        free(registry->arena);
        registry->arena = next;
    }
}

/* ---- logs and commits ---- */

static void *grow(void *list, uint32_t count, uint32_t *cap, size_t item)
{
    if (count < *cap) {
        return list;
    }
    *cap = *cap == 0 ? 64 : *cap * 2;
    list = realloc(list, *cap * item);
    if (list == NULL) {
        abort();
    }
    return list;
}

uint32_t registry_node(const struct registry *registry, const struct node_id *node)
{
    for (uint32_t i = 0; i < registry->node_count; i++) {
        if (node_id_equal(&registry->nodes[i], node)) {
            return i;
        }
    }
    return UINT32_MAX;
}

struct sim_log *registry_birth(struct registry *registry, uint32_t author, enum channel channel, const struct sim_log *closed)
{
    struct sim_log *log = registry_alloc(registry, sizeof *log);
    uint8_t bytes[BIRTH_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct birth birth = {.version = FORMAT_VERSION, .channel = channel};
    const char *clause = NULL;

    birth.region = registry->region;
    birth.node = registry->nodes[author];
    log->key = key_make(registry, &birth.key);
    if (closed != NULL) {
        birth.closed_count = 1;
        birth.closed[0] = closed->birth.log;
    }
    rng_fill(&registry->rng, birth.random, sizeof birth.random);
    birth_canonical(&birth, &out);
    registry_sign(registry, SIGN_BIRTH, out_written(&out), &registry->identities[author], registry->identity_keys[author], &birth.signature);
    out = out_into(bytes, sizeof bytes);
    birth_encode(&birth, &out);
    log->bytes = registry_keep(registry, out_written(&out));
    log->author = author;
    log->channel = channel;
    log->number = registry->log_count;
    if (birth_check(registry->unpack, log->bytes, &registry->region, &registry->identities[author], registry_check(registry), &birth, &log->birth,
                    &clause) != ERR_OK) {
        abort();
    }
    registry->logs = grow(registry->logs, registry->log_count, &registry->log_cap, sizeof *registry->logs);
    registry->logs[registry->log_count++] = log;
    return log;
}

struct sim_log *registry_log(const struct registry *registry, const struct log_id *id)
{
    for (uint32_t i = 0; i < registry->log_count; i++) {
        if (log_id_compare(&registry->logs[i]->birth.log, id) == 0) {
            return registry->logs[i];
        }
    }
    return NULL;
}

static uint32_t commit_slot(const struct registry *registry, const struct hash *hash)
{
    uint32_t at;

    memcpy(&at, hash->b, sizeof at);
    at &= registry->commit_cap - 1;
    while (registry->commits[at] != NULL && !hash_equal(&registry->commits[at]->chain.hash, hash)) {
        at = (at + 1) & (registry->commit_cap - 1);
    }
    return at;
}

struct sim_commit *registry_commit(const struct registry *registry, const struct hash *hash)
{
    return registry->commit_cap == 0 ? NULL : registry->commits[commit_slot(registry, hash)];
}

static void commit_add(struct registry *registry, struct sim_commit *commit)
{
    if (registry->commit_count * 2 >= registry->commit_cap) {
        struct sim_commit **old = registry->commits;
        uint32_t old_cap = registry->commit_cap;

        registry->commit_cap = old_cap == 0 ? 512 : old_cap * 2;
        registry->commits = calloc(registry->commit_cap, sizeof(struct sim_commit *));
        if (registry->commits == NULL) {
            abort();
        }
        for (uint32_t i = 0; i < old_cap; i++) {
            if (old[i] != NULL) {
                registry->commits[commit_slot(registry, &old[i]->chain.hash)] = old[i];
            }
        }
        free(old);
    }
    registry->commits[commit_slot(registry, &commit->chain.hash)] = commit;
    registry->commit_count++;
}

struct sim_commit *registry_author(struct registry *registry, const struct sim_log *log, const struct chain *chain, uint32_t entries,
                                   size_t payload_bytes, uint64_t now_ms)
{
    struct sim_commit *ret = registry_alloc(registry, sizeof *ret);
    struct commit *commit = registry->scratch;
    uint8_t canonical[COMMIT_CANONICAL_BYTES_MAX];
    uint8_t payload[PAYLOAD_BYTES_MAX];
    uint8_t bytes[COMMIT_REDUCED_BYTES_MAX];
    uint8_t packed[COMMIT_REDUCED_BYTES_MAX + 64];
    struct out out = out_into(canonical, sizeof canonical);

    rng_fill(&registry->rng, payload, payload_bytes);
    commit->entry_count = entries;
    commit->author_time.ms = now_ms;
    commit->roster_version = 1;
    for (uint32_t i = 0; i < entries; i++) {
        struct entry *entry = &commit->entries[i];

        memset(entry, 0, sizeof *entry);
        entry->leaf.kind = ENTRY_RECORD;
        entry->has_payload = true;
        entry->payload = span_of(payload, payload_bytes);
        rng_fill(&registry->rng, entry->salt, sizeof entry->salt);
    }
    ret->log = log;
    ret->chain = *chain;
    commit_author(&ret->chain, commit, log->key);
    commit_canonical(commit, &out);
    ret->canonical = registry_keep(registry, out_written(&out));
    registry_sign(registry, SIGN_COMMIT, ret->canonical, &log->birth.key, log->key, &commit->signature);
    ret->signature = commit->signature;
    out = out_into(bytes, sizeof bytes);
    commit_reduced(commit, &out);
    struct out pack = out_into(packed, sizeof packed);
    if (commit_pack(registry->packer, out_written(&out), &pack) != ERR_OK) {
        abort();
    }
    ret->packed = registry_keep(registry, out_written(&pack));
    commit_add(registry, ret);
    return ret;
}

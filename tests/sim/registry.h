/* registry.h - everything that anybody in a simulated region ever signed: the judge's book, which no node may read.
 * Whatever a node stores must be found here (S1). Lives as long as one seed; all memory goes at once. */
#ifndef GRIOT_TESTS_SIM_REGISTRY_H
#define GRIOT_TESTS_SIM_REGISTRY_H

#include "proto/message.h"
#include "store/validity.h"
#include "tests/lib/rng.h"

enum { SIM_NODES_MAX = 64 };

struct sim_log {
    uint32_t number; /* in order of birth, for traces */
    uint32_t author; /* node index */
    enum channel channel;
    struct chain birth; /* the chain at commit 0 */
    struct span bytes;  /* birth_encode */
    struct secret *key;
};

struct sim_commit {
    const struct sim_log *log;
    struct chain chain; /* at this commit: seq, entries, hash */
    struct span canonical, packed;
    struct signature signature;
    bool is_visible; /* durable at another node than its author */
};

struct sim_notice {
    struct notice_ref ref;
    uint32_t subject;   /* node index, of frontiers and cards */
    struct span bytes;  /* notice_encode */
    struct head *heads; /* of a frontier; of a fork proof the one head that the engine is told */
    size_t head_count;
    struct hash proof_a; /* of a fork proof, for the order between proofs */
    struct hash proof_b;
    bool is_lift;        /* of an act: it ends the cut of `subject` instead of making one with `heads` */
};

struct registry {
    bool is_real; /* Ed25519; otherwise a stand-in of the same shape */
    struct rng rng;
    struct region_id region;
    uint32_t node_count;
    struct node_id nodes[SIM_NODES_MAX];
    struct sign_public identities[SIM_NODES_MAX];
    struct secret *identity_keys[SIM_NODES_MAX];
    struct sim_log **logs;
    uint32_t log_count, log_cap;
    struct sim_commit **commits; /* open addressing by hash */
    uint32_t commit_count, commit_cap;
    struct sim_notice **notices;
    uint32_t notice_count, notice_cap;
    struct commit *scratch; /* one commit is 12 KiB: not on the stack of every caller */
    struct commit_packer *packer;
    struct unpack *unpack;
    struct arena_chunk *arena;
};

void registry_init(struct registry *registry, uint64_t seed, uint32_t node_count, bool is_real);
void registry_fini(struct registry *registry);
/* How signatures are checked in this run. */
signature_check registry_check(const struct registry *registry);
void registry_sign(const struct registry *registry, enum sign_purpose purpose, struct span bytes, const struct sign_public *key,
                   const struct secret *secret, struct signature *ret);
/* Memory that lives as long as the seed. */
void *registry_alloc(struct registry *registry, size_t n);
struct span registry_keep(struct registry *registry, struct span bytes);

struct sim_log *registry_birth(struct registry *registry, uint32_t author, enum channel channel, const struct sim_log *closed);
/* Sign the commit after `chain` with `entries` random payloads of `payload_bytes`. */
struct sim_commit *registry_author(struct registry *registry, const struct sim_log *log, const struct chain *chain, uint32_t entries,
                                   size_t payload_bytes, uint64_t now_ms);
/* NULL when nobody signed it. */
struct sim_log *registry_log(const struct registry *registry, const struct log_id *log);
struct sim_commit *registry_commit(const struct registry *registry, const struct hash *hash);
/* Index of a node, or UINT32_MAX. */
uint32_t registry_node(const struct registry *registry, const struct node_id *node);

struct sim_notice *registry_frontier(struct registry *registry, uint32_t node, uint64_t counter, const struct head *heads, size_t count,
                                     uint64_t now_ms);
/* What the root and the registrars decide of a node, simplified: acts of one hub, of which the one with the highest number rules. Number 1 puts the node out with a cut at `heads`, 2 extends the
 * cut, 3 lifts it. */
enum { ACT_LIFTS = 3 };
struct sim_notice *registry_act(struct registry *registry, uint32_t hub, uint32_t subject, uint32_t number, const struct head *heads, size_t count, uint64_t now_ms);
struct sim_notice *registry_card(struct registry *registry, uint32_t node, uint64_t counter);
/* Two commits of one log and seq; made by whoever holds both. */
struct sim_notice *registry_proof(struct registry *registry, const struct sim_commit *x, const struct sim_commit *y);
/* Read a notice that came in, checking everything about it. `heads` as in NOTICE, applied to `base` when not NULL. NULL and an error when bad.
 * One that exists already is found again, not made twice. */
struct sim_notice *registry_read(struct registry *registry, struct span bytes, uint64_t base_counter, const struct sim_notice *base,
                                 struct span heads, enum err *ret);
/* Can `notice` be said as a difference to `base`? Not when it names less. */
bool registry_is_difference(const struct sim_notice *notice, const struct sim_notice *base);
/* The wire form of a frontier's heads relative to `base` (NULL: whole). */
void registry_heads(const struct sim_notice *notice, const struct sim_notice *base, struct out *ret);

#endif

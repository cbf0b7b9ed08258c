/* region.h - an invented region for tests: root keys, nodes with identity keys, notices and logs signed by them.
 * Bytes that come out live until region_fini. Failures fail the test. */
#ifndef GRIOT_TESTS_REGION_H
#define GRIOT_TESTS_REGION_H

#include "proto/message.h"
#include "store/validity.h"

enum { REGION_ROOTS = 5, REGION_THRESHOLD = 3, REGION_NODES = 8 };

struct region_node {
    struct node_id id;
    enum role role;
    struct sign_public identity;
    struct secret *secret;
    char name[NAME_BYTES_MAX + 1];
};

struct region {
    struct region_id id;
    struct sign_public root[REGION_ROOTS];
    struct secret *root_secret[REGION_ROOTS];
    struct span charter;
    struct wall_ms clock; /* what frontiers say that it is */
    struct region_node nodes[REGION_NODES]; /* 0 and 1 (2, ...) are hubs, the rest edges; rising by id */
    void **kept;
    size_t kept_count;
};
void region_init(struct region *region, size_t hubs);
void region_fini(struct region *region);
/* A copy that lives as long as the region. */
struct span region_keep(struct region *region, struct span bytes);

/* A notice of `body`, signed by one key. */
struct span region_sign(struct region *region, enum notice_kind kind, enum sign_purpose purpose, struct span body, const struct secret *key);

struct region_roster {
    uint64_t number;
    struct hash previous;
    uint32_t members; /* bit i: node i is in */
    uint32_t cut;     /* bit i: node i is in the cuts, with `heads` of its logs */
    const struct head *heads;
    uint32_t head_count;
    uint32_t signers;               /* how many root keys sign; 0: the threshold */
    uint32_t salt;                  /* makes another one of the same content */
    uint32_t protocol_min;          /* 0: 1 */
    const struct region_id *region; /* NULL: this one */
};
/* The notice; its hash when `ret_hash` is not NULL. */
struct span region_roster(struct region *region, const struct region_roster *roster, struct hash *ret_hash);

/* Acts by node `registrar`. `heads`: the cut of a suspension. */
struct span region_admit(struct region *region, size_t registrar, uint64_t roster_number, const struct hash *roster_hash, uint32_t number,
                         size_t subject);
struct span region_suspend(struct region *region, size_t registrar, uint64_t roster_number, const struct hash *roster_hash, uint32_t number,
                           size_t subject, const struct head *heads, uint32_t head_count);
struct span region_card(struct region *region, size_t node, uint64_t counter);
struct span region_card_with(struct region *region, size_t node, uint64_t counter, const struct box_public *encryption);
/* A frontier of these heads (sorted here); `ret_heads` gets the list in its wire form. */
struct span region_frontier(struct region *region, size_t node, uint64_t counter, const struct head *heads, size_t count, struct span *ret_heads);
struct span region_heads(struct region *region, const struct head *heads, size_t count);

/* A log that a test writes. */
struct region_log {
    struct region *region;
    struct chain chain;
    struct secret *key;
    struct span birth;
};
void region_log_init(struct region_log *log, struct region *region, size_t node, enum channel channel);
void region_log_fini(struct region_log *log);
/* The next commit, packed: `entries` payloads of `bytes` each. */
struct span region_log_commit(struct region_log *log, uint32_t entries, size_t bytes);
/* The same, of payloads that do not compress. */
struct span region_log_noise(struct region_log *log, uint32_t entries, size_t bytes);
/* The same of these entries, whose payloads stay whole or, where `without` has the bit, are left out: as whoever has erased them would send it. */
struct span region_log_entries(struct region_log *log, const struct entry *entries, uint32_t count, uint64_t without, uint64_t roster_number);
/* What a leaf of this entry is named by. */
struct hash region_content(const struct entry *entry);
struct head region_log_head(const struct region_log *log);
/* A segment of items in order. */
struct seg region_seg(const struct log_id *log, uint64_t first, const struct span *items, uint32_t count);

#endif

/* notices.h - which notices are held here and by each peer; who gets which, when.
 * A slot is one subject that a newer notice replaces (card, frontier: one a node; fork proof: one a log), or one notice
 * for ever (charter, roster, act). */
#ifndef GRIOT_NODE_ENGINE_NOTICES_H
#define GRIOT_NODE_ENGINE_NOTICES_H

#include "node/engine/peers.h"

struct named { /* a head that a frontier names */
    uint32_t log;
    uint64_t entries;
};

enum { NOTICE_BASES = 4 };

struct notice_slot {
    struct notice_ref ref;
    struct notice_ref before[NOTICE_BASES]; /* what stood here before, newest first: what a difference may refer to */
    struct named *named;                    /* frontiers only */
    uint32_t named_count;
    uint64_t held_ms; /* since when this one is held, in this life */
};

struct notices {
    struct siphash_key key;
    struct notice_slot *slots;
    uint32_t count, cap;
    uint32_t *table; /* open addressing: slot + 1 */
    uint32_t table_count;
    uint32_t *order; /* slots by (kind, subject, counter, hash) */
    size_t named_bytes;
};

void notices_init(struct notices *notices, uint64_t seed);
void notices_fini(struct notices *notices);
void notices_digest(const struct notices *notices, struct hash *ret);
/* The frontier held of a node, or NULL. */
const struct notice_slot *notices_frontier(const struct notices *notices, const struct node_id *node);
size_t notices_memory(const struct notices *notices);

struct sync;

/* SYNC_NOTICE: remember, and let every peer that lacks it have it. */
void notices_held(struct sync *sync, const struct sync_event *event);
/* A session stands; `is_equal`: it holds what we hold. */
void notices_up(struct sync *sync, struct peer *peer, bool is_equal);
/* A peer's NOTICES. */
void notices_listed(struct sync *sync, struct peer *peer, struct span body);
/* A notice of this peer was refused. */
void notices_refused(struct sync *sync, struct peer *peer, enum err err);
/* Rosters or acts have changed: ask peers again for what we refused before. */
void notices_retry(struct sync *sync);
/* Send what is due, as far as pacing lets. */
void notices_flush(struct sync *sync, struct peer *peer);
/* When something of this peer is due by time. */
uint64_t notices_deadline(const struct peer *peer);

#endif

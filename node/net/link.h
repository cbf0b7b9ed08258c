/* link.h - keeps one dialled connection alive for ever: when to dial, when to give up an attempt, how long to wait before the next (RELIABILITY Z1).
 * Pure. */
#ifndef GRIOT_NODE_NET_LINK_H
#define GRIOT_NODE_NET_LINK_H

#include "proto/clock.h"
#include "proto/ids.h"
#include "proto/notice.h"

#include <stdbool.h>

enum { LINK_ATTEMPT_MS = 10000, LINK_RETRY_FIRST_MS = 250, LINK_ERROR_BYTES_MAX = 160 };

enum link_state { LINK_WAITING, LINK_DIALLING, LINK_UP };

struct link {
    struct node_id node;
    char address[ADDRESS_BYTES_MAX + 1];
    struct curve_public keys[2]; /* of the peer: the one it is expected to serve with, the other of a rotation */
    uint32_t key_count, key_at;
    enum link_state state;
    uint32_t connection; /* while dialling or up */
    struct mono_ms next; /* waiting: when to dial; dialling: when to give up */
    uint32_t retry_ms;   /* the next wait */
    uint32_t retry_ms_max;
    char error[LINK_ERROR_BYTES_MAX]; /* of the last failure, empty after a success */
    bool is_refused;                  /* the peer turned us away, not the network */
    uint64_t attempts;
};

/* The longest wait between attempts of a profile: 5 s sandbox, 60 s open, 5 min metered. */
uint32_t link_retry_ms_max(enum profile profile);
void link_init(struct link *link, const struct node_id *node, uint32_t retry_ms_max, struct mono_ms now);
/* Whom to expect: the card's transport key and the one before it (zeros: none), which a rotating node serves with until the overlap is over. Attempts that fail try the two by turns. */
void link_expect(struct link *link, const struct card *card, struct wall_ms now);
const struct curve_public *link_key(const struct link *link);
/* Is something to be done now? True when waiting is over (dial) or the attempt has taken too long (close, then link_failed). */
bool link_is_due(const struct link *link, struct mono_ms now);
void link_dialled(struct link *link, uint32_t connection, struct mono_ms now);
void link_up(struct link *link);
/* The attempt or the session ended. `after_ms` is the peer's wish, 0 for none: kept, and our own jitter added; `random` (any number) jitters:
 * a wait is between half of retry_ms and all of it. */
void link_failed(struct link *link, const char *why, bool is_refused, uint32_t after_ms, uint64_t random, struct mono_ms now);

#endif

/* share.h - how much one author may bring to this node in a day: policy, never validity. What is refused today waits with those who hold it.
 * A bucket an author: full at first, it fills again in a day. One owner at a time, no clock of its own. */
#ifndef GRIOT_NODE_CORE_SHARE_H
#define GRIOT_NODE_CORE_SHARE_H

#include "crypto/siphash.h"
#include "proto/clock.h"
#include "proto/ids.h"

enum {
    SHARE_AUTHORS_MAX = 2048,       /* members, and some that have left */
    SHARE_OF_ROOM = 8,              /* without a limit in griot.ini: an eighth of the free disk a day, so that others always find most of what is left */
    SHARE_LEAST_BYTES = 64 << 20,   /* but a day's work of a busy office on a small disk */
    SHARE_ROW_BYTES = 128,          /* what a commit takes beside itself: its rows, the journal */
    SHARE_DAY_MS = 86400000,
};

struct share {
    struct node_id node;
    uint64_t left; /* bytes that it may still bring */
    struct mono_ms at;
    uint64_t refused; /* commits and births, since the start */
    struct mono_ms refused_at;
};

struct shares {
    struct share all[SHARE_AUTHORS_MAX];
    uint32_t slots[2 * SHARE_AUTHORS_MAX]; /* open addressing: index + 1 */
    size_t count;
    struct siphash_key key;
    uint64_t day_bytes; /* what a full bucket holds */
};

void shares_init(struct shares *shares, uint64_t seed, uint64_t day_bytes);
/* A day's bytes have changed, with the free disk. Nobody has more left than that. */
void shares_resize(struct shares *shares, uint64_t day_bytes);
/* A day's bytes when griot.ini says nothing and so many are free above the reserve. */
uint64_t share_day_bytes(uint64_t room);
/* May the author bring so many bytes now? If so they are taken from its share. */
bool shares_take(struct shares *shares, const struct node_id *author, size_t bytes, struct mono_ms now);

#endif

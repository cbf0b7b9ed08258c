#include "node/core/share.h"

#include <string.h>

void shares_init(struct shares *shares, uint64_t seed, uint64_t day_bytes)
{
    memset(shares, 0, sizeof *shares);
    shares->key = siphash_key_of(seed);
    shares->day_bytes = day_bytes;
}

uint64_t share_day_bytes(uint64_t room)
{
    uint64_t bytes = room / SHARE_OF_ROOM;
    return bytes < SHARE_LEAST_BYTES ? SHARE_LEAST_BYTES : bytes;
}

void shares_resize(struct shares *shares, uint64_t day_bytes)
{
    shares->day_bytes = day_bytes;
    for (size_t i = 0; i < shares->count; i++) {
        struct share *share = &shares->all[i];
        share->left = share->left > day_bytes ? day_bytes : share->left;
    }
}

static uint32_t slot_of(const struct shares *shares, const struct node_id *author)
{
    uint32_t mask = 2 * SHARE_AUTHORS_MAX - 1;
    uint32_t at = (uint32_t)siphash(&shares->key, span_of(author->b, sizeof author->b)) & mask;
    while (shares->slots[at] != 0 && !node_id_equal(&shares->all[shares->slots[at] - 1].node, author)) {
        at = (at + 1) & mask;
    }
    return at;
}

/* All places are taken, by nodes that a region of MEMBERS_MAX has seen come and go: begin anew but for those who have none left. */
static void forget(struct shares *shares)
{
    size_t kept = 0;
    for (size_t i = 0; i < shares->count; i++) {
        if (shares->all[i].left < shares->day_bytes / 2 && kept < SHARE_AUTHORS_MAX / 2) {
            shares->all[kept++] = shares->all[i];
        }
    }
    shares->count = kept;
    memset(shares->slots, 0, sizeof shares->slots);
    for (uint32_t i = 0; i < kept; i++) {
        shares->slots[slot_of(shares, &shares->all[i].node)] = i + 1;
    }
}

static struct share *share_of(struct shares *shares, const struct node_id *author, struct mono_ms now)
{
    uint32_t slot = slot_of(shares, author);
    if (shares->slots[slot] == 0) {
        if (shares->count == SHARE_AUTHORS_MAX) {
            forget(shares);
            slot = slot_of(shares, author);
        }
        shares->all[shares->count] = (struct share){.node = *author, .left = shares->day_bytes, .at = now};
        shares->slots[slot] = (uint32_t)++shares->count;
    }
    return &shares->all[shares->slots[slot] - 1];
}

/* What has come back since the last look; whole seconds, so that nothing is lost in rounding. */
static void refill(const struct shares *shares, struct share *share, struct mono_ms now)
{
    uint64_t seconds = now.ms > share->at.ms ? (now.ms - share->at.ms) / 1000 : 0, day_s = SHARE_DAY_MS / 1000;
    if (seconds >= day_s) {
        share->left = shares->day_bytes;
    } else if (seconds > 0) {
        uint64_t back = shares->day_bytes / day_s * seconds + shares->day_bytes % day_s * seconds / day_s;
        share->left = back > shares->day_bytes - share->left ? shares->day_bytes : share->left + back;
    }
    share->at.ms += seconds * 1000;
}

bool shares_take(struct shares *shares, const struct node_id *author, size_t bytes, struct mono_ms now)
{
    struct share *share = share_of(shares, author, now);
    refill(shares, share, now);
    if (share->left < bytes) {
        share->refused++;
        share->refused_at = now;
#ifndef GRIOT_WITHOUT_T12_QUOTA
        return false;
#endif
    }
    share->left = share->left < bytes ? 0 : share->left - bytes;
    return true;
}

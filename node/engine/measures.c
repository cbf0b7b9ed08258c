/* measures.c - the questions of sync.h: what is held, what is missing, how each peer stands. */
#include "node/engine/engine.h"

void sync_heads_digest(const struct sync *sync, struct hash *ret)
{
    heads_digest(&sync->heads, ret);
}

void sync_notices_digest(const struct sync *sync, struct hash *ret)
{
    notices_digest(&sync->notices, ret);
}

size_t sync_heads(const struct sync *sync, struct head *ret, size_t max)
{
    for (uint32_t i = 0; i < sync->heads.held_count && i < max; i++) {
        ret[i] = engine_log(sync, sync->heads.held[i])->head;
    }
    return sync->heads.held_count;
}

/* Entries of a log that exist as far as anybody says, less ours. A forked or cut log ends where it stops to count. */
static uint64_t log_missing(const struct log *log)
{
#ifdef GRIOT_WITHOUT_T15_MISSING
    uint64_t known = log->stated_entries;
#else
    uint64_t known = log->stated_entries > log->frontier_entries ? log->stated_entries : log->frontier_entries;
#endif
    uint64_t held = log->height > 0 ? log->head.entries : 0;

    if (log->is_cut || (log_end_height(log) != 0 && log->height >= log_end_height(log))) {
        return 0;
    }
    return known > held ? known - held : 0;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t sync_missing(const struct sync *sync)
{
    uint64_t missing = 0;

    for (uint32_t i = 0; i < sync->heads.end; i++) {
        const struct log *log = engine_log(sync, i);

        if (log->is_used) {
            missing = add_capped(missing, log_missing(log));
        }
    }
    return missing;
}

uint64_t sync_missing_of(const struct sync *sync, const struct node_id *node)
{
    uint64_t missing = 0;

    for (uint32_t i = 0; i < sync->heads.end; i++) {
        const struct log *log = engine_log(sync, i);

        if (log->is_used && node_id_equal(&log->author, node)) { /* zeros while the author is not known */
            missing = add_capped(missing, log_missing(log));
        }
    }
    return missing;
}

uint64_t sync_hub_silence_ms(const struct sync *sync, struct mono_ms now, struct node_id *ret)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < sync->member_count; i++) {
        const struct sync_member *member = &sync->members[i];
        const struct notice_slot *frontier = notices_frontier(&sync->notices, &member->node);
        uint64_t since = sync->members_ms[i];

        if (member->role != ROLE_HUB || node_id_equal(&member->node, &sync->config.self)) {
            continue;
        }
        since = frontier != NULL && frontier->held_ms > since ? frontier->held_ms : since;
        if (now.ms > since && now.ms - since > longest) {
            longest = now.ms - since;
            *ret = member->node;
        }
    }
#ifdef GRIOT_WITHOUT_T08_SILENCE
    longest = 0;
#endif
    return longest;
}

bool sync_is_heard(const struct sync *sync, const struct node_id *node)
{
    if (notices_frontier(&sync->notices, node) != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < sync->heads.held_count; i++) {
        if (node_id_equal(&engine_log(sync, sync->heads.held[i])->author, node)) {
            return true;
        }
    }
    return false;
}

static void peer_measure(const struct sync *sync, const struct peer *peer, struct sync_peer *ret)
{
    for (uint32_t i = 0; i < sync->heads.end; i++) {
        const struct log *log = engine_log(sync, i);
        const struct view *view = log->is_used ? peer_view(peer, i) : NULL;
        uint64_t ours = log->is_used && log->height > 0 ? log->head.entries : 0;
        uint64_t theirs = view != NULL ? view->entries : peer->is_equal ? ours : 0;

        if (view != NULL && view->height >= log->height && theirs < ours) {
            theirs = ours; /* it pushed us this far, which tells its height and not its entries */
        }
        if (!log->is_used || (log_end_height(log) != 0 && log->height >= log_end_height(log))) {
            continue;
        }
        if (ours > theirs) {
            ret->they_miss = add_capped(ret->they_miss, ours - theirs);
        } else {
            ret->we_miss = add_capped(ret->we_miss, theirs - ours);
        }
    }
}

bool sync_peer_at(const struct sync *sync, uint32_t slot, struct sync_peer *ret)
{
    const struct peer *peer = slot < PEERS_MAX ? sync->peers[slot] : NULL;

    memset(ret, 0, sizeof *ret);
    if (peer == NULL) {
        return false;
    }
    ret->is_up = true;
    ret->node = peer->node;
    ret->role = peer->role;
    ret->is_vector_known = peer->is_vector_known;
    ret->heard_ms = peer->heard_ms;
    ret->rtt_ms = peer->rtt_ms;
    ret->bytes_in = peer->bytes_in;
    ret->bytes_out = peer->bytes_out;
    ret->lanes_in = peer->claims;
    ret->lanes_out = peer->is_out_all ? sync->heads.held_count : peer->lanes_out;
    ret->claims = peer->claims_open;
    ret->unknown_logs = peer->unknown_logs;
    if (peer->is_vector_known) {
        peer_measure(sync, peer, ret);
    }
    return true;
}

size_t sync_memory(const struct sync *sync)
{
    size_t bytes = sizeof *sync + sizeof *sync->scratch + sync->actions.bytes + heads_memory(&sync->heads) + notices_memory(&sync->notices) +
                   sync->member_count * sizeof *sync->members;

    for (uint32_t i = 0; i < sync->up_count; i++) {
        bytes += peer_memory(sync->peers[sync->up[i]]);
    }
    return bytes;
}

bool sync_is_released(const struct sync *sync)
{
    return sync->echo.is_released;
}

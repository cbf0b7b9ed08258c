#include "node/engine/echo.h"

#include "crypto/hash.h"
#include "node/engine/lanes.h"
#include "node/engine/ranges.h"
#include "node/engine/vectors.h"

static size_t others_count(const struct sync *sync)
{
    size_t count = 0;

    for (size_t i = 0; i < sync->member_count; i++) {
        count += sync->members[i].role != ROLE_OBSERVER && !node_id_equal(&sync->members[i].node, &sync->config.self);
    }
    return count;
}

/* A hub, or two edges, or all there are. Observers do not count: what has reached only them has reached nobody who passes it on. */
static bool is_enough(const struct sync *sync)
{
    const struct echo *echo = &sync->echo;

#ifdef GRIOT_WITHOUT_T25_ECHO
    return true;
#endif
    return echo->has_hub || echo->edge_count >= 2 || (sync->has_roster && echo->edge_count >= others_count(sync));
}

void echo_look(struct sync *sync)
{
    if (sync->echo.is_released || !is_enough(sync)) {
        return;
    }
    sync->echo.is_released = true;
    sync->is_frontier_due = true;
    (void)actions_add(&sync->actions, SYNC_OWN_RELEASED, PEER_NONE);
    for (uint32_t i = 0; i < sync->heads.held_count; i++) {
        if (engine_log(sync, sync->heads.held[i])->is_own) {
            vectors_note(sync, sync->heads.held[i]);
            ranges_moved(sync, sync->heads.held[i]);
        }
    }
}

static void echo_heard(struct sync *sync, const struct peer *peer)
{
    struct echo *echo = &sync->echo;

    if (peer->role == ROLE_HUB) {
        echo->has_hub = true;
    } else if (peer->role == ROLE_EDGE && echo->edge_count < 2 && (echo->edge_count == 0 || !node_id_equal(&echo->edges[0], &peer->node))) {
        echo->edges[echo->edge_count++] = peer->node;
    }
    echo_look(sync);
}

void echo_equal(struct sync *sync, struct peer *peer)
{
    echo_heard(sync, peer);
}

/* Believe one more claim of this node about a log of this life? Then its place + 1, else 0. */
static uint32_t claim_take(struct sync *sync, const struct node_id *node)
{
    struct echo *echo = &sync->echo;
    uint32_t at = 0;

    while (at < echo->claimant_count && !node_id_equal(&echo->claimants[at].node, node)) {
        at++;
    }
#ifdef GRIOT_WITHOUT_T21_DOUBT
    return at + 1;
#endif
    if (at == CLAIMANTS_MAX || (at < echo->claimant_count && echo->claimants[at].unproven == CLAIMS_MAX)) {
        return 0;
    }
    if (at == echo->claimant_count) {
        echo->claimants[echo->claimant_count++] = (struct claimant){.node = *node};
    }
    echo->claimants[at].unproven++;
    return at + 1;
}

void echo_proven(struct sync *sync, struct log *log)
{
    if (log->claimant != 0) {
        sync->echo.claimants[log->claimant - 1].unproven--;
        log->claimant = 0;
    }
}

/* Somebody has more of an own log than we do, or something else: it is never appended to again. Only commits under our
 * own signature prove it; until they are here nothing of the log leaves, since what we have appended since the start may
 * contradict them. After the release everything in it has left, or may have, and withholding it would only lose it. */
static void own_ahead(struct sync *sync, struct log *log, uint64_t height)
{
    if (log->ahead_height < height) {
        log->ahead_height = height;
    }
    if (!log->is_ahead) { /* once: when it has given way there is nothing left in it that has not left */
        log->is_ahead = true;
        log->is_withheld = !sync->echo.is_released;
        actions_add(&sync->actions, SYNC_OWN_AHEAD, PEER_NONE)->u.own.log = log->head.log;
    }
}

void echo_lost(struct sync *sync, uint32_t log)
{
    struct log *own = engine_log(sync, log);

    own_ahead(sync, own, own->height);
    own->is_withheld = false; /* what is held is what others know */
}

/* Compare one statement about an own log with what we know. Before the release nothing newer than the start has left,
 * so whatever is newer than the start comes from an earlier life, or from a clone; unless we have fetched it since. */
static void own_compare(struct sync *sync, struct peer *peer, uint32_t index, uint64_t height, bool is_head, bool is_start)
{
    struct log *log = engine_log(sync, index);
    bool is_known = height < log->height || (height == log->height && is_head);

    if (!sync->echo.is_released && (!log->is_ahead || log->is_withheld)) {
        is_known = is_known && (height < log->start_height || (height == log->start_height && is_start));
    }
    if (is_known || log->fork_height != 0) {
        return;
    }
    if (log->start_height == 0 && !log->is_ahead) {
        log->claimant = claim_take(sync, &peer->node);
        if (log->claimant == 0) {
            return;
        }
    }
    own_ahead(sync, log, height);
    lanes_settle(sync, index);
    if (height == log->height && !is_head) {
        lanes_suspect(sync, peer, index);
    }
}

void echo_hint(struct sync *sync, struct peer *peer, const struct head_hint *hint, uint32_t index)
{
    const struct log *log = engine_log(sync, index);
    uint8_t head[8];
    uint8_t start[8];

    hash_prefix(&peer->session, &log->head.hash, head);
    hash_prefix(&peer->session, &log->start_hash, start);
    own_compare(sync, peer, index, hint->seq + 1, memcmp(head, hint->prefix, sizeof head) == 0, memcmp(start, hint->prefix, sizeof start) == 0);
}

void echo_listed(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    size_t count = 0;
    enum err err = heads_decode(sync->unpack, body, sync->scratch->heads, FRONTIER_HEADS_MAX, &count, &clause);

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    for (size_t i = 0; i < count && !peer->is_closing; i++) {
        const struct head *head = &sync->scratch->heads[i];
        struct head_hint hint = {head->log, head->seq, head->entries, {0}};
        uint32_t index = heads_find(&sync->heads, &head->log);

        /* Goes in as a statement like any other, so that what we lack is asked for; a log that we do not know is
         * believed to be ours only when its signed birth has come. */
        hash_prefix(&peer->session, &head->hash, hint.prefix);
        vectors_state(sync, peer, &hint);
        if (index != LOG_NONE && engine_log(sync, index)->is_own) {
            const struct log *log = engine_log(sync, index);

            own_compare(sync, peer, index, head->seq + 1, hash_equal(&head->hash, &log->head.hash), hash_equal(&head->hash, &log->start_hash));
        }
    }
    echo_heard(sync, peer);
}

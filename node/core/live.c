#include "node/core/state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { GREEDY_MS = 3600000 };

void live_fini(struct live *live)
{
    free(live->peers);
    free(live->origins);
    live->peers = NULL;
    live->origins = NULL;
}

bool live_is_alone(const struct live *live)
{
    for (size_t i = 0; i < live->peer_count; i++) {
        if (live->peers[i].is_up && live->peers[i].sync.is_vector_known) {
            return false;
        }
    }
    return live->origin_count > 1;
}

static int compare_skew(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool live_clock_off(const struct live *live, int64_t *ret_ms)
{
    int64_t skews[PEERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < live->peer_count && count < PEERS_MAX; i++) {
        if (live->peers[i].is_up) {
            skews[count++] = live->peers[i].skew_ms;
        }
    }
    if (count == 0) {
        return false;
    }
    qsort(skews, count, sizeof *skews, compare_skew);
    *ret_ms = -skews[(count - 1) / 2]; /* of an even number the lower: two who differ prove nothing about us */
    return true;
}

bool live_heard(const struct live *live, uint64_t *ret_ms_ago)
{
    bool was_heard = false;
    for (size_t i = 0; i < live->peer_count; i++) {
        const struct live_peer *peer = &live->peers[i];
        if (peer->was_heard && (!was_heard || peer->heard_ms_ago < *ret_ms_ago)) {
            was_heard = true;
            *ret_ms_ago = peer->heard_ms_ago;
        }
    }
    return was_heard;
}

enum err core_origins(const struct sync *sync, const struct membership *membership, struct live *ret)
{
    sync_heads_digest(sync, &ret->heads_digest);
    ret->missing = sync_missing(sync);
    ret->is_released = sync_is_released(sync);
    size_t count = membership != NULL ? membership_count(membership) : 0;
    ret->origins = calloc(count + 1, sizeof *ret->origins);
    if (ret->origins == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const struct member *member = membership_at(membership, i);
        struct live_origin *origin = &ret->origins[ret->origin_count++];
        origin->node = member->node;
        origin->role = member->role;
        memcpy(origin->name, member->name, sizeof origin->name);
        origin->is_heard = sync_is_heard(sync, &member->node);
        origin->missing = sync_missing_of(sync, &member->node);
    }
    return ERR_OK;
}

/* Does this node count on a link with the member, dialled by either side? A hub with everybody, others with the hubs and with whom the configuration names. */
static bool is_expected(const struct core *core, const struct member *member)
{
    const struct config *config = &core->home->config;
    if (core->home->role == ROLE_HUB || member->role == ROLE_HUB) {
        return true;
    }
    for (uint32_t i = 0; i < config->peer_count; i++) {
        if (strcmp(config->peers[i].name, member->name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_peer(struct core *core, const struct member *member, struct live *ret)
{
    struct live_peer peer = {.node = member->node, .role = member->role};
    memcpy(peer.name, member->name, sizeof peer.name);
    bool is_known = is_expected(core, member);
    for (size_t i = 0; i < core->link_count; i++) {
        if (node_id_equal(&core->links[i].node, &member->node)) {
            is_known = true;
            snprintf(peer.address, sizeof peer.address, "%s", core->links[i].address);
            snprintf(peer.error, sizeof peer.error, "%s", core->links[i].error);
            peer.is_refused = core->links[i].is_refused;
        }
    }
    for (size_t i = 0; i < core->remembered_count; i++) {
        if (node_id_equal(&core->remembered[i].node, &member->node)) {
            is_known = peer.was_heard = true;
            peer.heard_ms_ago = core->now.ms - core->remembered[i].heard_ms;
        }
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &core->connections[i];
        if (c->number != 0 && c->is_up && node_id_equal(&c->session.peer.node, &member->node)) {
            is_known = peer.is_up = true;
            peer.is_dialled = c->is_dialled;
            peer.skew_ms = c->skew_ms;
            peer.up_ms = core->now.ms - c->since.ms;
            (void)sync_peer_at(core->sync, c->slot, &peer.sync);
            uint64_t missed = peer.sync.they_miss + peer.sync.we_miss;
            if (missed == 0 || missed != c->missed) {
                c->missed = missed;
                c->moved = core->now;
            }
            peer.still_ms = core->now.ms - c->moved.ms;
            if (!peer.was_heard) {
                peer.was_heard = true;
                peer.heard_ms_ago = peer.up_ms;
            }
        }
    }
    if (is_known) {
        ret->peers[ret->peer_count++] = peer;
    }
}

static_assert((int)LIVE_DOOR_MAX == (int)GATEWAY_REFUSALS, "a row for each");

/* Of those whom the gateway turned away the core has never heard. */
static void take_door(struct core *core, struct live *ret)
{
    static const struct {
        enum err err;
        const char *clause;
    } rows[GATEWAY_REFUSALS] = {
        [GATEWAY_UNKNOWN] = {ERR_UNKNOWN_KEY, "WIRE.md 5: connections whose key is of no member that is known here"},
        [GATEWAY_REVOKED] = {ERR_NOT_MEMBER, "WIRE.md 5: connections whose key is revoked"},
        [GATEWAY_UNPROVED] = {ERR_UNEXPECTED, "WIRE.md 5.1: connections that ended before they proved a key by CurveZMQ"},
    };
    for (int i = 0; i < GATEWAY_REFUSALS; i++) {
        struct gateway_refused refused = gateway_refused(core->gateway, (enum gateway_refusal)i);
        if (refused.count > 0) {
            struct live_refusal *row = &ret->refusals[ret->refusal_count++];
            *row = (struct live_refusal){.err = rows[i].err, .count = refused.count};
            snprintf(row->clause, sizeof row->clause, "%s", rows[i].clause);
            row->last_ms_ago = core->now.ms > refused.last.ms ? core->now.ms - refused.last.ms : 0;
        }
    }
}

enum err core_take_live(struct core *core, struct live *ret)
{
    *ret = (struct live){.is_daemon = true,
                         .uptime_ms = core->now.ms - core->started.ms,
                         .is_intake_stopped = core->is_intake_stopped,
                         .is_own_ahead = core->is_own_ahead,
                         .is_gap_open = core->writer.is_gap_open,
                         .own_again = core->own_again};
    for (size_t i = 0; i < core->shares->count && ret->greedy_count < LIVE_GREEDY_MAX; i++) {
        const struct share *share = &core->shares->all[i];
        if (share->refused > 0 && core->now.ms - share->refused_at.ms < GREEDY_MS) {
            core_name_of(core, &share->node, ret->greedy[ret->greedy_count++]);
        }
    }
    struct node_id silent;
    ret->silence_ms = sync_hub_silence_ms(core->sync, core->now, &silent);
    if (ret->silence_ms > 0) {
        core_name_of(core, &silent, ret->silent_hub);
    }
    enum err err = core_origins(core->sync, core->writer.membership, ret);
    size_t count = core->writer.membership != NULL ? membership_peer_count(core->writer.membership) : 0;
    ret->peers = calloc(count + 1, sizeof *ret->peers);
    if (err != ERR_OK || ret->peers == NULL) {
        live_fini(ret);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const struct member *member = membership_peer_at(core->writer.membership, i);
        if (!node_id_equal(&member->node, &core->home->node)) {
            take_peer(core, member, ret);
        }
    }
    ret->refusal_count = core->refusal_count;
    for (size_t i = 0; i < core->refusal_count; i++) {
        ret->refusals[i] = core->refusals[i];
        ret->refusals[i].last_ms_ago = core->now.ms - core->refusal_last[i];
    }
    take_door(core, ret);
    return ERR_OK;
}

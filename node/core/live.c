#include "node/core/state.h"

#include <stdlib.h>

void live_fini(struct live *live)
{
    free(live->peers);
    free(live->origins);
    live->peers = NULL;
    live->origins = NULL;
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

static void take_peer(struct core *core, const struct member *member, struct live *ret)
{
    struct live_peer peer = {.node = member->node, .role = member->role};
    memcpy(peer.name, member->name, sizeof peer.name);
    bool is_known = false;
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

enum err core_take_live(struct core *core, struct live *ret)
{
    *ret = (struct live){.is_daemon = true,
                         .uptime_ms = core->now.ms - core->started.ms,
                         .is_intake_stopped = core->is_intake_stopped,
                         .is_own_ahead = core->is_own_ahead,
                         .own_again = core->own_again};
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
    return ERR_OK;
}

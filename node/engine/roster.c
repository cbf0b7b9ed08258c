#include "node/engine/roster.h"

#include <stdlib.h>

#include "node/engine/echo.h"
#include "node/engine/lanes.h"

const struct sync_member *roster_find(const struct sync *sync, const struct node_id *node)
{
    size_t low = 0;
    size_t high = sync->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(sync->members[middle].node.b, node->b, sizeof node->b);

        if (order == 0) {
            return &sync->members[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static int member_compare(const void *a, const void *b)
{
    return memcmp(((const struct sync_member *)a)->node.b, ((const struct sync_member *)b)->node.b, sizeof(struct node_id));
}

/* The hub that an edge prefers: highest affinity, so that edges spread and each keeps its own. */
static void parent_choose(struct sync *sync)
{
    uint64_t best = 0;

    sync->has_parent = false;
    if (sync->config.role == ROLE_HUB) {
        return;
    }
    for (size_t i = 0; i < sync->member_count; i++) {
        uint64_t affinity = engine_affinity(&sync->config.self, &sync->members[i].node);

        if (sync->members[i].role == ROLE_HUB && (!sync->has_parent || affinity > best)) {
            sync->has_parent = true;
            sync->parent = sync->members[i].node;
            best = affinity;
        }
    }
}

void roster_changed(struct sync *sync, const struct sync_event *event)
{
    size_t count = event->u.roster.count;
    struct sync_member *members = malloc((count + 1) * sizeof *members);
    uint64_t *members_ms = calloc(count + 1, sizeof *members_ms);

    if (members == NULL || members_ms == NULL) {
        free(members);
        free(members_ms);
        engine_break(sync);
        return;
    }
    if (count > 0) {
        memcpy(members, event->u.roster.members, count * sizeof *members);
        qsort(members, count, sizeof *members, member_compare);
    }
    for (size_t i = 0; i < count; i++) {
        const struct sync_member *before = roster_find(sync, &members[i].node);

        members_ms[i] = before != NULL ? sync->members_ms[before - sync->members] : sync->now;
    }
    free(sync->members);
    free(sync->members_ms);
    sync->members = members;
    sync->members_ms = members_ms;
    sync->member_count = count;
    sync->has_roster = true;
    sync->is_frontier_due = true;
    parent_choose(sync);
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];
        const struct sync_member *member = roster_find(sync, &peer->node);

        if (member == NULL) {
            engine_drop(sync, peer, ERR_NOT_MEMBER, NULL); /* ZAP is asked once, the roster for ever (DESIGN 4) */
        } else {
            peer->role = member->role;
        }
    }
    lanes_unpark(sync);
    notices_retry(sync);
    echo_look(sync);
}

/* ---- own frontier ---- */

uint64_t roster_frontier_deadline(const struct sync *sync)
{
    if (!sync->has_roster || !sync->echo.is_released) {
        return NEVER; /* it would name own heads that nobody may know of yet */
    }
    if (!sync->has_frontier) {
        return 0;
    }
    bool is_hub = sync->config.role == ROLE_HUB;
    uint64_t idle_ms = is_hub ? sync->config.timing.frontier_hub_ms : sync->config.timing.frontier_idle_ms;

    return sync->frontier_ms + (sync->is_frontier_due ? sync->config.timing.frontier_ms : idle_ms);
}

void roster_frontier_look(struct sync *sync)
{
    if (sync->now >= roster_frontier_deadline(sync) && engine_has_room(sync, 8)) {
        sync->has_frontier = true;
        sync->is_frontier_due = false;
        sync->frontier_ms = sync->now;
        (void)actions_add(&sync->actions, SYNC_MAKE_FRONTIER, PEER_NONE);
    }
}

#include "node/engine/lanes.h"

#include <assert.h>

#include "crypto/hash.h"
#include "node/engine/ranges.h"
#include "node/engine/search.h"

enum {
    SUB_BYTES_MAX = 88,   /* encoded item */
    AVOID_MS_MAX = 60000, /* longest pause before a source that failed is asked again */
    STARVED_FACTOR = 16,  /* a log that gets nothing from a peer that delivers others is moved after this many stalls */
    SEARCH_FACTOR = 8,    /* a search for a fork ends after this many */
    RETRY_MS = 1000,      /* first pause after a refusal */
    SUSPECT_MS = 5000,    /* a search for another branch that had to wait for one with another peer is tried again */
};

/* ---- what is wanted ---- */

/* How far the log goes as far as anybody live says, and as far as it counts. */
static uint64_t target_height(const struct log *log)
{
    if (log->is_cut || (log->is_own && !log->is_ahead && log->fork_height == 0)) { /* a forked one of ours is not appended to: what others make final of it is fetched */
        return 0;
    }
    return log_end_height(log) != 0 && log->stated_height > log_end_height(log) ? log_end_height(log) : log->stated_height;
}

static void look_soon(struct sync *sync)
{
    if (sync->stall_ms == NEVER) {
        sync->stall_ms = sync->now + sync->config.timing.stall_ms / 2;
    }
}

void lanes_settle(struct sync *sync, uint32_t index)
{
    struct log *log = engine_log(sync, index);
    enum log_list list = LOG_SETTLED;

    if (target_height(log) > log->height) {
        list = log->claim == PEER_NONE ? LOG_WANTED : LOG_CLAIMED;
    }
    if (list == log->list) {
        return;
    }
    if (log->list == LOG_CLAIMED && log->claim != PEER_NONE) {
        sync->peers[log->claim]->claims_open--;
    }
    if (list == LOG_CLAIMED) {
        sync->peers[log->claim]->claims_open++;
        log->progress_ms = sync->now; /* it had nothing to do before */
        look_soon(sync);
    }
    if (list == LOG_WANTED) {
        sync->is_choice_due = true;
    }
    heads_list(&sync->heads, index, list);
}

static void log_restate(struct sync *sync, uint32_t index)
{
    struct log *log = engine_log(sync, index);

    log->stated_height = 0;
    log->stated_entries = 0;
    for (uint32_t i = 0; i < sync->up_count; i++) {
        const struct peer *peer = sync->peers[sync->up[i]];
        const struct view *view = peer_view(peer, index);

        if (view == NULL || peer->role == ROLE_OBSERVER) {
            continue;
        }
        if (view->height > log->stated_height) {
            log->stated_height = view->height;
        }
        if (view->entries > log->stated_entries) {
            log->stated_entries = view->entries;
        }
    }
}

void lanes_stated(struct sync *sync, const struct peer *peer, const struct view *view, uint64_t old_height, uint64_t old_entries)
{
    struct log *log = engine_log(sync, view->log);

    if (peer->role == ROLE_OBSERVER) {
        return;
    }
    if ((view->height < old_height && old_height == log->stated_height) || (view->entries < old_entries && old_entries == log->stated_entries)) {
        log_restate(sync, view->log);
        return;
    }
    if (view->height > log->stated_height) {
        log->stated_height = view->height;
    }
    if (view->entries > log->stated_entries) {
        log->stated_entries = view->entries;
    }
}

/* ---- whom to ask ---- */

/* Lower is better: the author itself, an edge's own hub, another hub, anybody else. */
static int rank_of(const struct sync *sync, const struct peer *peer, const struct log *log)
{
    if (log->has_author && node_id_equal(&log->author, &peer->node)) {
        return 0;
    }
    if (peer->role != ROLE_HUB) {
        return 3;
    }
    return sync->has_parent && node_id_equal(&sync->parent, &peer->node) ? 1 : 2;
}

static bool is_better(const struct sync *sync, const struct peer *a, const struct peer *b, const struct log *log)
{
    int rank_a = rank_of(sync, a, log);
    int rank_b = rank_of(sync, b, log);

    if (rank_a != rank_b) {
        return rank_a < rank_b;
    }
    return engine_affinity(&sync->config.self, &a->node) > engine_affinity(&sync->config.self, &b->node);
}

/* The best peer that holds at least `height`, or NULL. An observer passes nothing on and is not asked. `*again` is lowered to when one that is avoided now may be asked. */
static struct peer *source_choose(const struct sync *sync, uint32_t index, uint64_t height, uint64_t *again)
{
    const struct log *log = engine_log(sync, index);
    struct peer *best = NULL;

    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];
        const struct view *view = peer_view(peer, index);

        if (peer->is_closing || peer->role == ROLE_OBSERVER || engine_peer_height(sync, peer, index) < height || (log->height == 0 && peer->unknown_claims >= UNKNOWN_CLAIMS_MAX)) {
            continue;
        }
        if (view != NULL && view->avoid_ms > sync->now) {
            *again = view->avoid_ms < *again ? view->avoid_ms : *again;
            continue;
        }
        if (best == NULL || is_better(sync, peer, best, log)) {
            best = peer;
        }
    }
    return best;
}

void lanes_choose(struct sync *sync)
{
    uint32_t next;

    if (!sync->is_choice_due && sync->now < sync->choice_ms) {
        return;
    }
    sync->is_choice_due = false;
    sync->choice_ms = NEVER;
    for (uint32_t index = sync->heads.list_first[LOG_WANTED]; index != LOG_NONE; index = next) {
        struct log *log = engine_log(sync, index);
        struct peer *peer;

        next = log->next;
        if (log->park_ms > sync->now) {
            sync->choice_ms = log->park_ms < sync->choice_ms ? log->park_ms : sync->choice_ms;
            continue;
        }
        peer = source_choose(sync, index, log->height + 1, &sync->choice_ms);
        if (peer != NULL) {
            lanes_claim(sync, peer, index);
            lanes_ask(sync, peer, index);
        }
    }
}

/* ---- claims ---- */

void lanes_claim(struct sync *sync, struct peer *peer, uint32_t index)
{
    struct log *log = engine_log(sync, index);
    struct view *view;

    lanes_end(sync, index, true);
    view = engine_view(sync, peer, index);
    if (view == NULL) {
        return;
    }
    log->claim = peer->slot;
    log->progress_ms = sync->now;
    peer->claims++;
    if (log->height == 0) {
        view->flags |= VIEW_UNKNOWN_CLAIM;
        peer->unknown_claims++;
    }
    look_soon(sync);
    lanes_settle(sync, index);
}

void lanes_ask(struct sync *sync, struct peer *peer, uint32_t index)
{
    struct view *view = peer_view(peer, index);

    if (view != NULL && !peer_due(peer, view, VIEW_SUB_DUE)) {
        engine_break(sync);
    }
}

/* A log that nobody held has come, or will not: there is room to ask for another. Not for each one, the list is long. */
void lanes_unknown_end(struct sync *sync, struct peer *peer, struct view *view)
{
    if ((view->flags & VIEW_UNKNOWN_CLAIM) == 0) {
        return;
    }
    view->flags &= ~(uint32_t)VIEW_UNKNOWN_CLAIM;
    peer->unknown_claims--;
    if (peer->unknown_claims <= UNKNOWN_CLAIMS_MAX / 2) {
        sync->is_choice_due = true;
    }
}

/* What may be under way when we say STOP is forgiven; no peer has more than its credit under way. */
static void forgive(struct peer *peer)
{
    peer->stray_bytes += (uint64_t)CREDIT_BYTES_DEFAULT + FRAME_BYTES_MAX;
    if (peer->stray_bytes > UINT64_C(8) * CREDIT_BYTES_DEFAULT) {
        peer->stray_bytes = UINT64_C(8) * CREDIT_BYTES_DEFAULT;
    }
}

void lanes_end(struct sync *sync, uint32_t index, bool is_stop)
{
    struct log *log = engine_log(sync, index);
    struct peer *peer;
    struct view *view;

    if (log->claim == PEER_NONE) {
        return;
    }
    peer = sync->peers[log->claim];
    view = engine_view(sync, peer, index);
    if (view == NULL) {
        return;
    }
    search_end(sync, index);
    if (log->list == LOG_CLAIMED) {
        peer->claims_open--;
        heads_list(&sync->heads, index, LOG_SETTLED);
    }
    log->claim = PEER_NONE;
    peer->claims--;
    lanes_unknown_end(sync, peer, view);
    if (is_stop && (view->flags & VIEW_ASKED) != 0 && !peer->is_closing) {
        forgive(peer);
        ranges_close(peer, view); /* STOP ends the lanes of a log both ways */
        if (!peer_due(peer, view, VIEW_STOP_DUE)) {
            engine_break(sync);
        }
    }
    view->flags &= ~(uint32_t)(VIEW_ASKED | VIEW_SUB_DUE);
    lanes_settle(sync, index);
}

void lanes_avoid(struct sync *sync, struct view *view, uint32_t at_least_ms)
{
    uint32_t ms = view->avoid_step_ms * 2;

    ms = ms < at_least_ms ? at_least_ms : ms;
    ms = ms > AVOID_MS_MAX ? AVOID_MS_MAX : ms;
    view->avoid_step_ms = ms;
    view->avoid_ms = sync->now + ms;
}

/* ---- lanes that stand before they are needed ---- */

/* An alert must not wait for a note, and a hub hears each author that it is connected to at first hand. */
static void lane_prepare(struct sync *sync, struct peer *peer, uint32_t index)
{
    struct log *log = engine_log(sync, index);
    uint64_t again = NEVER;
    bool is_first_hand;

    if (log->is_own || log_end_height(log) != 0 || log->list != LOG_SETTLED || log->height == 0 ||
        engine_peer_height(sync, peer, index) != log->height || search_of(sync, index) != NULL) {
        return;
    }
    is_first_hand = sync->config.role == ROLE_HUB && node_id_equal(&log->author, &peer->node);
    if (is_first_hand ? log->claim != peer->slot
                      : log->channel == CHANNEL_ALERT && log->claim == PEER_NONE && source_choose(sync, index, log->height, &again) == peer) {
        lanes_claim(sync, peer, index);
        lanes_ask(sync, peer, index);
    }
}

/* An edge whose heads equal those of its own hub grants it everything in one word; only when no other lane would then
 * push the same. */
static bool lanes_take_all(struct sync *sync, struct peer *peer)
{
    if (!peer->is_equal || !sync->has_parent || !node_id_equal(&sync->parent, &peer->node) || sync->heads.list_count[LOG_CLAIMED] > 0) {
        return false;
    }
    for (uint32_t i = 0; i < sync->heads.held_count; i++) {
        uint32_t index = sync->heads.held[i];
        struct log *log = engine_log(sync, index);

        if (!log->is_own) { /* those that have ended too: a later roster may extend them, and the peer has been granted all */
            lanes_end(sync, index, true);
            log->claim = peer->slot;
            log->progress_ms = sync->now;
            peer->claims++;
        }
    }
    peer->is_in_all = true;
    peer->is_sub_all_due = true;
    return true;
}

void lanes_known(struct sync *sync, struct peer *peer)
{
    if (lanes_take_all(sync, peer)) {
        return;
    }
    for (uint32_t i = 0; i < sync->heads.held_count; i++) {
        lane_prepare(sync, peer, sync->heads.held[i]);
    }
}

/* ---- stalls ---- */

static uint64_t stall_after(const struct sync *sync, const struct peer *peer)
{
    uint64_t four = UINT64_C(4) * peer->rtt_ms;

    return four > sync->config.timing.stall_ms ? four : sync->config.timing.stall_ms;
}

static bool is_stalled(struct sync *sync, struct peer *peer, struct log *log, const struct view *view, uint64_t *ret_quiet)
{
    uint64_t limit = stall_after(sync, peer);

    if (view->in_next > log->height) { /* the frames are here, our own disk has the turn */
        log->progress_ms = sync->now;
    }
    *ret_quiet = sync->now - log->progress_ms;
    return *ret_quiet >= limit && (view->height <= log->height || sync->now - peer->segment_ms >= limit || *ret_quiet >= STARVED_FACTOR * limit);
}

static void lane_look(struct sync *sync, uint32_t index)
{
    struct log *log = engine_log(sync, index);
    struct peer *peer = sync->peers[log->claim];
    struct view *view = engine_view(sync, peer, index);
    uint64_t again = NEVER;
    uint64_t quiet;
    struct peer *other;

    if (view == NULL || search_of(sync, index) != NULL || !is_stalled(sync, peer, log, view, &quiet)) {
        return;
    }
    view->avoid_ms = NEVER;
    other = source_choose(sync, index, log->height + 1, &again);
    view->avoid_ms = 0;
#ifdef GRIOT_WITHOUT_T15_SOURCE
    other = NULL;
#endif
    if (other != NULL) {
        lanes_avoid(sync, view, (uint32_t)(2 * stall_after(sync, peer)));
        lanes_claim(sync, other, index);
        lanes_ask(sync, other, index);
    } else if (quiet >= STARVED_FACTOR * stall_after(sync, peer)) {
        lanes_claim(sync, peer, index); /* nobody else has it: say again what we want */
        lanes_ask(sync, peer, index);
    }
}

/* Do the heads still differ as the peer stated them last? */
static bool is_differing(const struct sync *sync, const struct peer *peer, uint32_t index)
{
    const struct log *log = engine_log(sync, index);
    const struct view *view = peer_view(peer, index);
    uint8_t prefix[8];

    hash_prefix(&peer->session, &log->head.hash, prefix);
    return view != NULL && log->height > 0 && view->height == log->height && memcmp(prefix, view->prefix, sizeof prefix) != 0;
}

static void search_look(struct sync *sync, struct search *search)
{
    struct peer *peer = sync->peers[search->peer];
    uint32_t index = search->log;

    if (search->state == SEARCH_WAITING) {
        if (sync->now >= search->at_ms) {
            search->state = SEARCH_NONE;
            if (is_differing(sync, peer, index)) {
                lanes_suspect(sync, peer, index);
            }
        }
    } else if (sync->now - search->at_ms >= SEARCH_FACTOR * stall_after(sync, peer)) {
        struct view *view = peer_view(peer, index);

        if (view != NULL) {
            lanes_avoid(sync, view, AVOID_MS_MAX);
        }
        lanes_end(sync, index, true);
        search_wait(sync, peer, index, AVOID_MS_MAX);
    }
}

static bool searches_look(struct sync *sync)
{
    bool is_any = false;

    for (size_t i = 0; i < SEARCHES_MAX; i++) {
        if (sync->searches[i].state != SEARCH_NONE) {
            search_look(sync, &sync->searches[i]);
        }
        is_any = is_any || sync->searches[i].state != SEARCH_NONE;
    }
    return is_any;
}

void lanes_look(struct sync *sync)
{
    uint32_t next;
    bool is_any;

    if (sync->now < sync->stall_ms) {
        return;
    }
    for (uint32_t index = sync->heads.list_first[LOG_CLAIMED]; index != LOG_NONE; index = next) {
        next = engine_log(sync, index)->next;
        lane_look(sync, index);
    }
    is_any = searches_look(sync);
    sync->stall_ms = is_any || sync->heads.list_count[LOG_CLAIMED] > 0 ? sync->now + sync->config.timing.stall_ms / 2 : NEVER;
}

/* ---- forks ---- */

void lanes_suspect(struct sync *sync, struct peer *peer, uint32_t index)
{
    struct view *view = engine_view(sync, peer, index);

    if (view == NULL || peer->is_closing || peer->role == ROLE_OBSERVER || (view->suspect_height == view->height && sync->now < view->suspect_ms)) {
        return; /* once a while for each statement, whatever comes of it */
    }
    if (search_begin(sync, peer, index)) {
        view->suspect_height = view->height;
        view->suspect_ms = sync->now + AVOID_MS_MAX;
    } else if (search_of(sync, index) != NULL) {
        search_wait(sync, peer, index, SUSPECT_MS); /* another peer is asked just now */
        look_soon(sync);
    }
}

void lanes_forked(struct sync *sync, uint32_t index, uint64_t height)
{
    struct log *log = engine_log(sync, index);

    if (log->fork_height == 0 || (height < log->fork_height && !log->is_fork_told)) {
        log->fork_height = height;
    }
    if (log->height >= log->fork_height || search_of(sync, index) != NULL) {
        lanes_end(sync, index, true);
    }
    lanes_settle(sync, index);
}

/* A search goes on one step further back. False when there is none, or nothing further back. */
static bool search_goes_on(struct sync *sync, struct peer *peer, struct view *view)
{
    struct search *search = search_of(sync, view->log);

    if (search == NULL) {
        return false;
    }
    view->flags &= ~(uint32_t)(VIEW_ASKED | VIEW_SUB_DUE);
    forgive(peer);
    if (search->state == SEARCH_LOOKING || search_refused(sync, search)) {
        return true;
    }
    lanes_end(sync, view->log, false);
    search_wait(sync, peer, view->log, AVOID_MS_MAX);
    look_soon(sync);
    return false;
}

void lanes_crossed(struct sync *sync, struct peer *peer, uint32_t index)
{
    struct view *view = engine_view(sync, peer, index);

    if (view != NULL && engine_log(sync, index)->claim == peer->slot && !search_goes_on(sync, peer, view)) {
        forgive(peer);
        lanes_end(sync, index, false);
    }
}

void lanes_denied(struct sync *sync, struct peer *peer, uint32_t index)
{
    struct log *log = engine_log(sync, index);
    bool is_search = search_of(sync, index) != NULL;
    struct view *view;

    if (log->claim != peer->slot) {
        return;
    }
    view = engine_view(sync, peer, index);
    if (view == NULL || (is_search && search_goes_on(sync, peer, view))) {
        return;
    }
    /* Either what we hold is not on its chain, or it has ended a lane of its own and ours with it: ask once more. We say
     * STOP too, in case it has taken our SUB after it said so. */
    view->denials++;
    lanes_end(sync, index, true);
    if (view->denials >= 2 && view->height >= log->height && !is_search) {
        view->denials = 0;
        lanes_suspect(sync, peer, index);
    }
    if (log->claim == PEER_NONE) {
        lanes_avoid(sync, view, RETRY_MS);
    }
}

void lanes_unpark(struct sync *sync)
{
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];

        for (uint32_t k = 0; k < peer->view_count; k++) {
            peer_view_at(peer, k)->avoid_ms = 0;
            peer_view_at(peer, k)->avoid_step_ms = 0;
        }
    }
    for (uint32_t i = 0; i < sync->heads.end; i++) {
        struct log *log = engine_log(sync, i);

        if (log->is_used) {
            log->park_ms = 0;
            log->is_cut = false;
            lanes_settle(sync, i);
        }
    }
    sync->is_choice_due = true;
}

/* ---- the end of a session ---- */

void lanes_down(struct sync *sync, struct peer *peer)
{
    for (size_t i = 0; i < SEARCHES_MAX; i++) {
        if (sync->searches[i].peer == peer->slot) {
            sync->searches[i].state = SEARCH_NONE;
        }
    }
    for (uint32_t i = 0; i < sync->heads.end; i++) {
        struct log *log = engine_log(sync, i);

        if (log->is_used && log->claim == peer->slot) {
            search_end(sync, i);
            heads_list(&sync->heads, i, LOG_SETTLED);
            log->claim = PEER_NONE;
            lanes_settle(sync, i);
        }
    }
    for (uint32_t i = 0; i < peer->view_count; i++) {
        uint32_t index = peer_view_at(peer, i)->log;
        struct log *log = engine_log(sync, index);

        log->views--;
        log_restate(sync, index);
        lanes_settle(sync, index);
        heads_release(&sync->heads, index);
    }
    for (uint32_t i = 0; i < sync->heads.held_count; i++) {
        uint64_t again = NEVER;
        uint32_t index = sync->heads.held[i];
        const struct log *log = engine_log(sync, index);

        if (log->channel == CHANNEL_ALERT && log->claim == PEER_NONE) {
            struct peer *other = source_choose(sync, index, log->height, &again);

            if (other != NULL) {
                lane_prepare(sync, other, index);
            }
        }
    }
}

/* ---- sending ---- */

static size_t per_message(const struct peer *peer, size_t item_bytes)
{
    size_t fit = (peer->frame_bytes_max - FRAME_HEADER_BYTES - 64U) / item_bytes;

    return fit > SUBS_PER_MESSAGE_MAX ? SUBS_PER_MESSAGE_MAX : fit;
}

static void stops_send(struct sync *sync, struct peer *peer, size_t count)
{
    struct out body = actions_body(&sync->actions, count * (sizeof(struct log_id) + 2) + 8);

    if (count > 0) {
        stop_encode(sync->scratch->stops, count, &body);
        actions_send(&sync->actions, peer->slot, MESSAGE_STOP, &body);
    }
}

static void subs_send(struct sync *sync, struct peer *peer, const struct hash *digest, size_t count)
{
    struct out body = actions_body(&sync->actions, count * SUB_BYTES_MAX + 64);

    if (digest != NULL || count > 0) {
        sub_encode(digest, sync->scratch->subs, count, &body);
        actions_send(&sync->actions, peer->slot, MESSAGE_SUB, &body);
    }
}

static void stops_flush(struct sync *sync, struct peer *peer)
{
    size_t limit = per_message(peer, sizeof(struct log_id) + 2);
    size_t n = 0;

    for (uint32_t i = 0; i < peer->due_count; i++) {
        struct view *view = peer_view_at(peer, peer->due[i]);

        if ((view->flags & VIEW_STOP_DUE) != 0) {
            view->flags &= ~(uint32_t)VIEW_STOP_DUE;
            sync->scratch->stops[n++] = engine_log(sync, view->log)->head.log;
        }
        if (n == limit) {
            stops_send(sync, peer, n);
            n = 0;
        }
    }
    stops_send(sync, peer, n);
}

static void sub_item_of(struct sync *sync, struct view *view, struct sub_item *ret)
{
    const struct log *log = engine_log(sync, view->log);
    const struct search *search = search_of(sync, view->log);

    memset(ret, 0, sizeof *ret);
    ret->log = log->head.log;
    if (search != NULL) {
        ret->has_birth = true;
        ret->seq = search->seq;
        ret->hash = search->hash;
    } else if (log->height > 0) {
        ret->has_birth = true;
        ret->seq = log->head.seq;
        ret->hash = log->head.hash;
    }
    view->in_next = ret->has_birth ? ret->seq + 1 : 0;
}

static void subs_flush(struct sync *sync, struct peer *peer)
{
    size_t limit = per_message(peer, SUB_BYTES_MAX);
    size_t n = 0;

    for (uint32_t i = 0; i < peer->due_count; i++) {
        struct view *view = peer_view_at(peer, peer->due[i]);

        if ((view->flags & VIEW_SUB_DUE) != 0) {
            view->flags = (view->flags & ~(uint32_t)VIEW_SUB_DUE) | VIEW_ASKED;
            sub_item_of(sync, view, &sync->scratch->subs[n++]);
        }
        if (n == limit) {
            subs_send(sync, peer, NULL, n);
            n = 0;
        }
    }
    subs_send(sync, peer, NULL, n);
}

void lanes_flush(struct sync *sync, struct peer *peer)
{
    if ((!peer->is_lane_due && !peer->is_sub_all_due) || !engine_has_room(sync, 1024)) {
        return;
    }
    stops_flush(sync, peer);
    if (peer->is_sub_all_due) {
        peer->is_sub_all_due = false;
        subs_send(sync, peer, &peer->base_digest, 0);
    }
    subs_flush(sync, peer);
    peer_due_compact(peer);
}

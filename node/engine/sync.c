#include "node/engine/sync.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "node/engine/echo.h"
#include "node/engine/engine.h"
#include "node/engine/lanes.h"
#include "node/engine/probe.h"
#include "node/engine/ranges.h"
#include "node/engine/roster.h"
#include "node/engine/search.h"
#include "node/engine/segments.h"
#include "node/engine/vectors.h"

enum {
    BYE_BODY_BYTES_MAX = 64,
    RETRY_BLAMED_MS = 60000,     /* a peer that broke the protocol is not dialled again before */
    RETRY_ASKED_MS_MAX = 300000, /* longest wait that a peer's BYE may ask for */
};

struct sync_timing sync_timing_of(enum profile profile)
{
    struct sync_timing timing = {
        .note_ms = 250,
        .frontier_ms = 60000,
        .frontier_idle_ms = 86400000,
        .frontier_hub_ms = 28800000,
        .probe_ms = 10000,
        .idle_ping_ms = 300000,
        .stall_ms = 4000,
    };

    if (profile == PROFILE_SANDBOX) {
        timing.note_ms = 20;
        timing.frontier_ms = 2000;
    } else if (profile == PROFILE_METERED) {
        timing.note_ms = 1000;
        timing.frontier_ms = 3600000;
    }
    return timing;
}

struct sync *sync_new(const struct sync_config *config)
{
    struct sync *sync = calloc(1, sizeof *sync);

    if (sync == NULL) {
        return NULL;
    }
    sync->config = *config;
    heads_init(&sync->heads, config->seed);
    notices_init(&sync->notices, config->seed);
    sync->stall_ms = NEVER;
    sync->choice_ms = NEVER;
    sync->unpack = unpack_new();
    sync->scratch = malloc(sizeof *sync->scratch);
    if (sync->unpack == NULL || sync->scratch == NULL) {
        sync_destroy(&sync);
    }
    return sync;
}

void sync_destroy(struct sync **sync)
{
    struct sync *s = *sync;

    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < PEERS_MAX; i++) {
        peer_destroy(&s->peers[i]);
    }
    heads_fini(&s->heads);
    notices_fini(&s->notices);
    actions_fini(&s->actions);
    unpack_destroy(&s->unpack);
    free(s->scratch);
    free(s->members);
    free(s->members_ms);
    free(s);
    *sync = NULL;
}

/* ---- what the files of this folder share (engine.h) ---- */

bool engine_may_leave(const struct sync *sync, const struct log *log)
{
    return !log->is_own || (sync->echo.is_released && !log->is_withheld);
}

uint64_t engine_peer_height(const struct sync *sync, const struct peer *peer, uint32_t log)
{
    const struct view *view = peer_view(peer, log);

    if (view != NULL) {
        return view->height;
    }
    return peer->is_equal ? engine_log(sync, log)->height : 0;
}

/* A peer whose heads were equal at the start holds of a log without a view what we hold now: any change makes the views
 * first (stored_apply). */
struct view *engine_view(struct sync *sync, struct peer *peer, uint32_t index)
{
    struct view *view = peer_view(peer, index);
    struct log *log = engine_log(sync, index);

    if (view != NULL) {
        return view;
    }
    view = peer_view_add(peer, index);
    if (view == NULL) {
        engine_break(sync);
        return NULL;
    }
    log->views++;
    if (peer->is_equal && log->height > 0) {
        view->height = log->height;
        view->entries = log->head.entries;
        view->told = log->height;
        hash_prefix(&peer->session, &log->head.hash, view->prefix);
        lanes_stated(sync, peer, view, 0, 0);
        if (peer->is_out_all && !node_id_equal(&log->author, &peer->node)) {
            view->flags |= VIEW_OUT;
            view->out_next = log->height;
            peer->lanes_out++;
        }
    }
    if (peer->is_in_all && log->claim == peer->slot) {
        view->flags |= VIEW_ASKED;
        view->in_next = log->height;
    }
    return view;
}

void engine_drop(struct sync *sync, struct peer *peer, enum err reason, const char *clause)
{
    uint32_t retry_after_ms = err_blame(reason) == BLAME_PEER ? RETRY_BLAMED_MS : 0;
    struct sync_action *action;
    struct out body;

    if (peer->is_closing) {
        return;
    }
    if (reason == ERR_MEMORY) { /* a decoder's; not the peer's fault, and not to be survived (sync.h) */
        engine_break(sync);
        return;
    }
    peer->is_closing = true;
    body = actions_body(&sync->actions, BYE_BODY_BYTES_MAX);
    bye_encode(reason, retry_after_ms, &body);
    actions_send(&sync->actions, peer->slot, MESSAGE_BYE, &body);
    action = actions_add(&sync->actions, SYNC_DROP_PEER, peer->slot);
    action->u.drop.reason = reason;
    action->u.drop.clause = clause;
    action->u.drop.retry_after_ms = retry_after_ms;
}

bool engine_has_room(struct sync *sync, size_t n)
{
    /* A drop of every peer fits always. */
    if (actions_room(&sync->actions) >= n + (size_t)2 * PEERS_MAX + 64) {
        return true;
    }
    sync->has_room_ended = true;
    return false;
}

uint64_t engine_affinity(const struct node_id *self, const struct node_id *node)
{
    static const struct siphash_key key = {UINT64_C(0x6772696f74), UINT64_C(0x6875622d6f66)}; /* any will do, for ever */
    uint8_t both[2 * sizeof self->b];

    memcpy(both, self->b, sizeof self->b);
    memcpy(both + sizeof self->b, node->b, sizeof node->b);
    return siphash(&key, span_of(both, sizeof both));
}

/* ---- sessions ---- */

/* Out of the list first, so that nothing finds it any more. */
static void peer_leave(struct sync *sync, struct peer *peer)
{
    uint32_t at = 0;

    while (sync->up[at] != peer->slot) {
        at++;
    }
    memmove(&sync->up[at], &sync->up[at + 1], (sync->up_count - at - 1) * sizeof sync->up[0]);
    sync->up_count--;
    lanes_down(sync, peer);
    peer_destroy(&sync->peers[peer->slot]);
}

static bool is_equal_digest(const struct hash *ours, const struct hash *theirs)
{
    static const struct hash zeros;

    return !hash_equal(theirs, &zeros) && hash_equal(ours, theirs);
}

static void on_peer_up(struct sync *sync, const struct sync_event *event)
{
    struct peer *peer;
    struct hash notices_now;

    if (sync->peers[event->peer] != NULL) {
        peer_leave(sync, sync->peers[event->peer]);
    }
    peer = peer_new(event);
    if (peer == NULL) {
        engine_break(sync);
        return;
    }
    sync->peers[event->peer] = peer;
    sync->up[sync->up_count++] = event->peer;
    if (sync->has_roster && roster_find(sync, &peer->node) == NULL) {
        engine_drop(sync, peer, ERR_NOT_MEMBER, NULL);
        return;
    }
    heads_digest(&sync->heads, &peer->base_digest);
    notices_digest(&sync->notices, &notices_now);
    notices_up(sync, peer, is_equal_digest(&notices_now, &event->u.up.notices_digest));
    vectors_up(sync, peer, is_equal_digest(&peer->base_digest, &event->u.up.heads_digest));
}

static void on_bye(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    enum err reason = ERR_OK;
    uint32_t retry_after_ms = 0;
    enum err err = bye_decode(sync->unpack, body, &reason, &retry_after_ms, &clause);
    struct sync_action *action;

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    peer->is_closing = true;
    action = actions_add(&sync->actions, SYNC_DROP_PEER, peer->slot);
    action->u.drop.reason = reason;
    action->u.drop.clause = "WIRE.md 5.12: the peer said so";
    action->u.drop.retry_after_ms = retry_after_ms > RETRY_ASKED_MS_MAX ? RETRY_ASKED_MS_MAX : retry_after_ms;
}

static void on_notice_body(struct sync *sync, struct peer *peer, struct span body)
{
    actions_add(&sync->actions, SYNC_ADMIT_NOTICE, peer->slot)->u.admit.body = body;
}

static void on_message(struct sync *sync, struct peer *peer, const struct frame *frame)
{
#ifndef GRIOT_WITHOUT_T06_SESSION
    if (memcmp(frame->session.b, peer->session.b, sizeof peer->session.b) != 0) {
        return; /* of a session before this one: says nothing about this one */
    }
#endif
    peer->heard_ms = sync->now;
    switch (frame->type) {
    case MESSAGE_ECHO:
        echo_listed(sync, peer, frame->body);
        break;
    case MESSAGE_HEADS:
        vectors_listed(sync, peer, frame->body);
        break;
    case MESSAGE_SUB:
        ranges_granted(sync, peer, frame->body);
        break;
    case MESSAGE_STOP:
        ranges_stopped(sync, peer, frame->body);
        break;
    case MESSAGE_SEG:
        segments_arrived(sync, peer, frame->body);
        break;
    case MESSAGE_NOTICES:
        notices_listed(sync, peer, frame->body);
        break;
    case MESSAGE_NOTICE:
        on_notice_body(sync, peer, frame->body);
        break;
    case MESSAGE_PING:
        probe_pinged(sync, peer, frame->body);
        break;
    case MESSAGE_PONG:
        probe_ponged(sync, peer, frame->body);
        break;
    case MESSAGE_BYE:
        on_bye(sync, peer, frame->body);
        break;
    case MESSAGE_HELLO:
    case MESSAGE_HELLO_ACK:
    default:
        engine_drop(sync, peer, ERR_UNEXPECTED, "WIRE.md 5.1: a message that does not belong into a session that stands");
        break;
    }
}

/* ---- the store ---- */

/* The views are made before the head changes: a peer that was equal at the start holds what we held until now. */
static bool views_make(struct sync *sync, uint32_t index)
{
    for (uint32_t i = 0; i < sync->up_count; i++) {
        if (engine_view(sync, sync->peers[sync->up[i]], index) == NULL) {
            return false;
        }
    }
    return true;
}

static void head_lowered(struct sync *sync, uint32_t index)
{
    lanes_end(sync, index, true); /* whatever was asked started above */
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct view *view = peer_view(sync->peers[sync->up[i]], index);

        if (view != NULL) {
            view->told = 0;
            view->suspect_height = 0;
        }
    }
}

/* Whether the log may leave now and could not before. */
static bool stored_own(struct sync *sync, struct log *log, uint32_t index, const struct sync_event *event, bool is_new)
{
    bool was_withheld = log->is_withheld;

    if (event->u.stored.is_start) {
        log->start_height = log->height;
        log->start_hash = log->head.hash;
    }
    if (is_new && !event->u.stored.is_start && event->peer != PEER_NONE) {
        echo_lost(sync, index);
    }
    if (log->is_ahead && event->peer != PEER_NONE && log->height >= log->ahead_height) {
        log->is_withheld = false;
        echo_proven(sync, log);
    }
    if (log->is_ahead && event->peer == PEER_NONE && !event->u.stored.is_start) {
        log->is_withheld = false; /* it gave way: what is left had left before, and a liar must not keep us from showing it */
    }
    return was_withheld && !log->is_withheld;
}

static void on_stored(struct sync *sync, const struct sync_event *event)
{
    const struct head *head = &event->u.stored.head;
    uint32_t index = heads_find(&sync->heads, &head->log);
    struct log *log;
    uint64_t old_height;
    bool is_same;

    if (index == LOG_NONE) {
        index = heads_add(&sync->heads, &head->log);
        if (index == LOG_NONE) {
            engine_break(sync);
            return;
        }
    }
    log = engine_log(sync, index);
    old_height = log->height;
    is_same = old_height == head->seq + 1 && hash_equal(&head->hash, &log->head.hash);
    if (!is_same && (!views_make(sync, index) || !heads_set(&sync->heads, index, head))) {
        engine_break(sync);
        return;
    }
    if (!log->has_author) {
        log->share = ranges_share(sync, &event->u.stored.node);
    }
    log->author = event->u.stored.node;
    log->has_author = true;
    log->channel = event->u.stored.channel;
    log->is_own = node_id_equal(&log->author, &sync->config.self);
    if (log->cut_height != event->u.stored.cut_height) {
        log->cut_height = event->u.stored.cut_height;
        log->is_cut = false; /* what was refused may be wanted now */
        sync->is_choice_due = true;
    }
    if (event->u.stored.fork_height != 0) {
        log->fork_height = event->u.stored.fork_height;
        log->is_fork_told = true;
        sync->is_choice_due = true;
    }
    if (log->is_own && stored_own(sync, log, index, event, old_height == 0)) {
        is_same = false; /* news to everybody, whatever the head was */
    }
    if (log->height < old_height) {
        head_lowered(sync, index);
    } else if (log->height > old_height) {
        search_end(sync, index); /* it went on: the peer's branch is ours */
    }
    segments_stored(sync, index);
    if (!event->u.stored.is_start && !is_same) {
        sync->is_frontier_due = true;
        vectors_note(sync, index);
        ranges_moved(sync, index);
    }
}

static void on_refused(struct sync *sync, struct peer *peer, const struct sync_event *event)
{
    uint32_t index;

    if (event->u.refused.is_notice) {
        notices_refused(sync, peer, event->u.refused.err);
        return;
    }
    index = heads_find(&sync->heads, &event->u.refused.log);
    if (index != LOG_NONE) {
        segments_refused(sync, peer, index, event->u.refused.err);
    }
}

static void on_notice(struct sync *sync, const struct sync_event *event)
{
    notices_held(sync, event);
    if (event->u.notice.ref.kind == NOTICE_FORK_PROOF && event->u.notice.head_count > 0) {
        const struct head *fork = &event->u.notice.heads[0];
        uint32_t index = heads_find(&sync->heads, &fork->log);

        if (index == LOG_NONE) { /* remembered: whoever names the log later is believed only below the fork */
            index = heads_add(&sync->heads, &fork->log);
            if (index == LOG_NONE) {
                engine_break(sync);
                return;
            }
            engine_log(sync, index)->frontiers++; /* kept for good, as the proof is */
        }
        lanes_forked(sync, index, fork->seq); /* seq is the height of what stands below it */
        if (engine_log(sync, index)->is_own) {
            echo_lost(sync, index);
        }
    }
}

/* ---- one step ---- */

/* Order matters: lanes before notes before commits, each peer's closing last. */
static void peer_flush(struct sync *sync, struct peer *peer, bool is_run)
{
    lanes_flush(sync, peer);
    vectors_flush(sync, peer, is_run);
    notices_flush(sync, peer);
    ranges_flush(sync, peer);
}

static void step_finish(struct sync *sync, bool is_run)
{
    lanes_look(sync);
    lanes_choose(sync);
    if (!is_run) {
        sync->is_ack_due = false;
    }
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];

        if (!peer->is_closing) {
            peer_flush(sync, peer, is_run);
            probe_look(sync, peer);
        }
        if (peer->is_ack_due && !peer->is_closing) {
            sync->is_ack_due = true;
        }
    }
    for (uint32_t i = sync->up_count; i > 0; i--) {
        struct peer *peer = sync->peers[sync->up[i - 1]];

        if (peer->is_closing) {
            peer_leave(sync, peer);
        }
    }
    roster_frontier_look(sync);
}

static void step_event(struct sync *sync, const struct sync_event *event)
{
    struct peer *peer = event->peer < PEERS_MAX ? sync->peers[event->peer] : NULL;

    switch (event->type) {
    case SYNC_PEER_UP:
        assert(event->peer < PEERS_MAX);
        on_peer_up(sync, event);
        break;
    case SYNC_PEER_DOWN:
        if (peer != NULL) {
            peer_leave(sync, peer);
        }
        break;
    case SYNC_MESSAGE:
        if (peer != NULL) {
            on_message(sync, peer, &event->u.message);
        }
        break;
    case SYNC_STORED:
        on_stored(sync, event);
        break;
    case SYNC_REFUSED:
        if (peer != NULL) {
            on_refused(sync, peer, event);
        }
        break;
    case SYNC_SENT:
        if (peer != NULL) {
            ranges_sent(sync, peer, event);
        }
        break;
    case SYNC_NOTICE:
        on_notice(sync, event);
        break;
    case SYNC_ROSTER:
        roster_changed(sync, event);
        break;
    case SYNC_FOUND:
        search_found(sync, event);
        break;
    case SYNC_TICK:
        break;
    }
}

enum err sync_step(struct sync *sync, const struct sync_event *event, struct sync_actions *ret)
{
    ret->count = 0;
    ret->actions = NULL;
    if (sync->actions.is_broken) {
        return ERR_MEMORY;
    }
    actions_reset(&sync->actions);
    sync->has_room_ended = false;
    sync->now = event->now.ms > sync->now ? event->now.ms : sync->now;
    step_event(sync, event);
    if (!sync->actions.is_broken) {
        step_finish(sync, event->type == SYNC_STORED);
    }
    if (sync->actions.is_broken) {
        return ERR_MEMORY;
    }
    ret->count = sync->actions.count;
    ret->actions = sync->actions.list;
    return ERR_OK;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct mono_ms sync_deadline(const struct sync *sync)
{
    uint64_t at = earlier(roster_frontier_deadline(sync), earlier(sync->stall_ms, sync->choice_ms));

    if (sync->has_room_ended || sync->is_ack_due || sync->is_choice_due) {
        return (struct mono_ms){sync->now};
    }
    for (uint32_t i = 0; i < sync->up_count; i++) {
        const struct peer *peer = sync->peers[sync->up[i]];

        at = earlier(at, earlier(peer->note_ms, earlier(probe_deadline(sync, peer), notices_deadline(peer))));
    }
    return (struct mono_ms){at};
}

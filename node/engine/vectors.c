#include "node/engine/vectors.h"

#include "crypto/hash.h"
#include "node/engine/echo.h"
#include "node/engine/lanes.h"
#include "node/engine/ranges.h"

enum { HINT_BYTES_MAX = 72, HEAD_BYTES_MAX = 92, LIST_BYTES_MAX = 16 };

static bool is_offered(const struct sync *sync, const struct log *log)
{
    return log->height > 0 && engine_may_leave(sync, log);
}

static void hint_of(const struct peer *peer, const struct log *log, struct head_hint *ret)
{
    ret->log = log->head.log;
    ret->seq = log->head.seq;
    ret->entries = log->head.entries;
    hash_prefix(&peer->session, &log->head.hash, ret->prefix);
}

static size_t hints_per_message(const struct peer *peer)
{
    size_t fit = (peer->frame_bytes_max - FRAME_HEADER_BYTES - LIST_BYTES_MAX) / (size_t)HINT_BYTES_MAX;

    return fit > HEADS_PER_MESSAGE_MAX ? HEADS_PER_MESSAGE_MAX : fit;
}

static void hints_send(struct sync *sync, struct peer *peer, bool is_complete, size_t count)
{
    struct out body = actions_body(&sync->actions, count * HINT_BYTES_MAX + LIST_BYTES_MAX);

    heads_message_encode(is_complete, sync->scratch->hints, count, &body);
    actions_send(&sync->actions, peer->slot, MESSAGE_HEADS, &body);
}

/* ---- telling everything ---- */

/* The peer's own logs as we hold them, with full hashes. */
static void echo_send(struct sync *sync, struct peer *peer)
{
    size_t limit = (peer->frame_bytes_max - FRAME_HEADER_BYTES - LIST_BYTES_MAX) / (size_t)HEAD_BYTES_MAX;
    size_t n = 0;
    struct out body;

    limit = limit > FRONTIER_HEADS_MAX ? FRONTIER_HEADS_MAX : limit;
    for (uint32_t i = 0; i < sync->heads.held_count && n < limit; i++) {
        const struct log *log = engine_log(sync, sync->heads.held[i]);

        if (node_id_equal(&log->author, &peer->node)) {
            sync->scratch->heads[n++] = log->head;
        }
    }
    body = actions_body(&sync->actions, n * HEAD_BYTES_MAX + LIST_BYTES_MAX);
    heads_canonical(sync->scratch->heads, n, &body);
    actions_send(&sync->actions, peer->slot, MESSAGE_ECHO, &body);
}

static void heads_send_all(struct sync *sync, struct peer *peer)
{
    size_t limit = hints_per_message(peer);
    size_t n = 0;

    for (uint32_t i = 0; i < sync->heads.held_count; i++) {
        const struct log *log = engine_log(sync, sync->heads.held[i]);
        struct view *view;

        if (!is_offered(sync, log)) {
            continue;
        }
        view = peer_view(peer, sync->heads.held[i]);
        if (view != NULL) {
            view->told = log->height;
        }
        if (n == limit) {
            hints_send(sync, peer, false, n);
            n = 0;
        }
        hint_of(peer, log, &sync->scratch->hints[n++]);
    }
    hints_send(sync, peer, true, n);
}

static void vectors_tell(struct sync *sync, struct peer *peer)
{
    if (!peer->has_told && !peer->is_closing && engine_has_room(sync, 1024)) {
        peer->has_told = true;
        echo_send(sync, peer);
        heads_send_all(sync, peer);
    }
}

void vectors_up(struct sync *sync, struct peer *peer, bool is_equal)
{
    peer->epoch = 1;
    peer->is_equal = is_equal;
    if (!is_equal) {
        vectors_tell(sync, peer);
        return;
    }
    peer->is_vector_known = true;
    echo_equal(sync, peer);
    lanes_known(sync, peer);
}

/* ---- hearing ---- */

static void unknown_count(struct peer *peer, struct view *view, bool is_unknown)
{
    if (is_unknown != ((view->flags & VIEW_UNKNOWN) != 0)) {
        view->flags ^= VIEW_UNKNOWN;
        peer->unknown_logs += is_unknown ? 1 : UINT32_MAX; /* minus one */
    }
}

/* A log that nobody here holds takes memory on a peer's word alone: so many a peer and no more. */
static bool may_name_another(const struct sync *sync, const struct peer *peer)
{
    size_t limit = 8 * sync->member_count;

#ifdef GRIOT_WITHOUT_T12_UNKNOWN
    limit = LOGS_MAX;
#endif
    return sync->heads.count < LOGS_MAX && peer->unknown_logs < (limit > UNKNOWN_LOGS_MAX ? limit : UNKNOWN_LOGS_MAX);
}

void vectors_state(struct sync *sync, struct peer *peer, const struct head_hint *hint)
{
    uint32_t index = heads_find(&sync->heads, &hint->log);
    uint64_t old_height, old_entries;
    struct view *view;
    struct log *log;
    uint8_t prefix[8];

    if (index == LOG_NONE) {
        index = may_name_another(sync, peer) ? heads_add(&sync->heads, &hint->log) : LOG_NONE;
        if (index == LOG_NONE) {
            return;
        }
    } else if (peer_view(peer, index) == NULL && engine_log(sync, index)->height == 0 && !may_name_another(sync, peer)) {
        return;
    }
    view = engine_view(sync, peer, index);
    if (view == NULL) {
        return;
    }
    log = engine_log(sync, index);
    unknown_count(peer, view, log->height == 0);
    old_height = view->height;
    old_entries = view->entries;
    view->height = hint->seq + 1;
    view->entries = hint->entries;
    memcpy(view->prefix, hint->prefix, sizeof view->prefix);
    view->epoch = peer->epoch;
    lanes_stated(sync, peer, view, old_height, old_entries);
    ranges_landed(sync, peer, view);
    if (log->is_own) {
        echo_hint(sync, peer, hint, index);
    } else if (view->height == log->height) {
        hash_prefix(&peer->session, &log->head.hash, prefix);
#ifndef GRIOT_BUG_SKIP_PREFIX
        if (memcmp(prefix, view->prefix, sizeof prefix) != 0) {
            lanes_suspect(sync, peer, index);
        }
#endif
    }
    lanes_settle(sync, index);
    if (view->height > log->height && log->list == LOG_WANTED) {
        sync->is_choice_due = true; /* a source more than there was */
    }
}

/* The peer has named every log it holds. */
static void list_end(struct sync *sync, struct peer *peer)
{
    for (uint32_t i = 0; i < peer->view_count; i++) {
        struct view *view = peer_view_at(peer, i);

        view->told = peer->has_told ? view->told : 0; /* where digests were equal here only, it knows nothing of ours */
        if (view->epoch != peer->epoch) {
            uint64_t old_height = view->height;
            uint64_t old_entries = view->entries;

            view->height = 0;
            view->entries = 0;
            unknown_count(peer, view, false);
            lanes_stated(sync, peer, view, old_height, old_entries);
            lanes_settle(sync, view->log);
        }
    }
    peer->epoch++;
    if (peer->is_in_all) { /* it found us unequal, so what we granted by digest was never taken */
        peer->is_in_all = false;
        peer->is_sub_all_due = false;
        for (uint32_t i = 0; i < sync->heads.end; i++) {
            if (engine_log(sync, i)->is_used && engine_log(sync, i)->claim == peer->slot) {
                lanes_end(sync, i, peer_view(peer, i) != NULL);
            }
        }
    }
    peer->is_equal = false;
    peer->is_out_all = false;
    peer->is_vector_known = true;
    vectors_tell(sync, peer);
    lanes_known(sync, peer);
}

void vectors_listed(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    bool is_complete = false;
    size_t count = 0;
    enum err err = heads_message_decode(sync->unpack, body, &is_complete, sync->scratch->hints, HEADS_PER_MESSAGE_MAX, &count, &clause);

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    for (size_t i = 0; i < count && !peer->is_closing; i++) {
        vectors_state(sync, peer, &sync->scratch->hints[i]);
    }
    if (is_complete && !peer->is_closing) {
        list_end(sync, peer);
    }
}

/* ---- notes and acknowledgements ---- */

void vectors_note(struct sync *sync, uint32_t index)
{
    const struct log *log = engine_log(sync, index);

    if (!is_offered(sync, log)) {
        return;
    }
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];
        struct view *view = engine_view(sync, peer, index);

        if (view == NULL) {
            return;
        }
        unknown_count(peer, view, false);
        if (!peer_due(peer, view, VIEW_NOTE_DUE)) {
            engine_break(sync);
            return;
        }
        if (log->claim == peer->slot) {
            peer->is_ack_due = true;
            sync->is_ack_due = true;
        } else if (peer->note_ms == NEVER) {
            peer->note_ms = sync->now + sync->config.timing.note_ms;
        }
    }
}

void vectors_acknowledge(struct sync *sync, struct peer *peer, struct view *view)
{
    if (engine_log(sync, view->log)->height == 0) {
        return;
    }
    view->told = 0;
    peer->is_ack_due = true;
    sync->is_ack_due = true;
    if (!peer_due(peer, view, VIEW_NOTE_DUE)) {
        engine_break(sync);
    }
}

#ifdef GRIOT_BUG_ACK_BEFORE_FSYNC
/* The deliberate mistake that the simulator has to find: what came in is stated before it is durable. */
void vectors_acknowledge_early(struct sync *sync, struct peer *peer, const struct view *view, uint64_t height)
{
    hint_of(peer, engine_log(sync, view->log), &sync->scratch->hints[0]);
    sync->scratch->hints[0].entries += height - 1 - sync->scratch->hints[0].seq;
    sync->scratch->hints[0].seq = height - 1;
    hints_send(sync, peer, false, 1);
}
#endif

void vectors_flush(struct sync *sync, struct peer *peer, bool is_run)
{
    size_t limit = hints_per_message(peer);
    size_t n = 0;

    if ((!peer->is_ack_due || is_run) && sync->now < peer->note_ms) {
        return;
    }
    if (!engine_has_room(sync, 512)) {
        return;
    }
    for (uint32_t i = 0; i < peer->due_count; i++) {
        struct view *view = peer_view_at(peer, peer->due[i]);
        const struct log *log = engine_log(sync, view->log);

        if ((view->flags & VIEW_NOTE_DUE) == 0) {
            continue;
        }
        view->flags &= ~(uint32_t)VIEW_NOTE_DUE;
        if (view->told == log->height || !is_offered(sync, log)) {
            continue; /* what we pushed told it already */
        }
        view->told = log->height;
        hint_of(peer, log, &sync->scratch->hints[n++]);
        if (n == limit) {
            hints_send(sync, peer, false, n);
            n = 0;
        }
    }
    if (n > 0) {
        hints_send(sync, peer, false, n);
    }
    peer->is_ack_due = false;
    peer->note_ms = NEVER;
    peer_due_compact(peer);
}

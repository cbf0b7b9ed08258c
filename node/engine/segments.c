#include "node/engine/segments.h"

#include "node/engine/lanes.h"
#include "node/engine/search.h"
#include "node/engine/vectors.h"

enum {
    PARK_UNKNOWN_MS = 30000, /* author not known yet */
    PARK_BUSY_MS = 5000,     /* our own disk is full or slow */
    PARK_QUOTA_MS = 600000,  /* its author has brought enough for a while */
    RETRY_MS = 1000,         /* first pause after a gap */
};

static void segment_states(struct sync *sync, struct peer *peer, struct view *view, uint64_t height)
{
    uint64_t old_height = view->height;

    if (height > old_height) {
        view->height = height;
        lanes_stated(sync, peer, view, old_height, view->entries);
        lanes_settle(sync, view->log);
    }
}

/* Not asked for; forgiven while it can have been under way when we said STOP. */
static void stray(struct sync *sync, struct peer *peer, uint32_t index, uint64_t height, size_t bytes)
{
    struct view *view = index == LOG_NONE ? NULL : peer_view(peer, index);

    if (peer->stray_bytes < bytes) {
        engine_drop(sync, peer, ERR_UNEXPECTED, "WIRE.md 5.8: a segment outside its lane");
        return;
    }
    peer->stray_bytes -= bytes;
    if (view != NULL) { /* it will not say so again: what it sends, it holds */
        segment_states(sync, peer, view, height);
    }
}

static void segment_admit(struct sync *sync, struct peer *peer, uint32_t index, uint64_t height, struct span body)
{
    const struct log *log = engine_log(sync, index);
    struct flight_frame frame = {
        .log = index,
        .bytes = (uint32_t)body.n,
        .height = height,
        .at_ms = sync->now,
        .class = log->height > 0 && log->channel == CHANNEL_BULK ? FLIGHT_BULK : FLIGHT_REST,
    };
    struct sync_action *action;

    /* Twice its credit: a lane that we have stopped and one that we have opened again. */
    if (peer->in.bytes[frame.class] + body.n > UINT64_C(2) * CREDIT_BYTES_DEFAULT + FRAME_BYTES_MAX || !flight_add(&peer->in, &frame)) {
        engine_drop(sync, peer, ERR_UNEXPECTED, "WIRE.md 5.8: more bytes under way than the credit");
        return;
    }
    action = actions_add(&sync->actions, SYNC_ADMIT, peer->slot);
    action->u.admit.body = body;
    action->u.admit.log = log->head.log;
}

void segments_arrived(struct sync *sync, struct peer *peer, struct span body)
{
    struct seg *seg = &sync->scratch->seg;
    const char *clause = NULL;
    enum err err = seg_decode(sync->unpack, body, seg, &clause);
    uint64_t height;
    uint32_t index;
    struct log *log;
    struct view *view;

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    index = heads_find(&sync->heads, &seg->log);
    if (index == LOG_NONE || engine_log(sync, index)->claim != peer->slot) {
        stray(sync, peer, index, seg->first + seg->count, body.n);
        return;
    }
    log = engine_log(sync, index);
    view = engine_view(sync, peer, index);
    if (view == NULL) {
        return;
    }
    if ((view->flags & VIEW_ASKED) == 0 || seg->first != view->in_next) {
        stray(sync, peer, index, seg->first + seg->count, body.n);
        return;
    }
    height = seg->first + seg->count;
    view->in_next = height;
    view->denials = 0;
    segment_states(sync, peer, view, height);
    peer->bytes_in += body.n;
    peer->segment_ms = sync->now;
    log->progress_ms = sync->now;
    if (height <= log->height && search_of(sync, index) == NULL) {
        vectors_acknowledge(sync, peer, view); /* came another way meanwhile */
    } else {
#ifdef GRIOT_BUG_ACK_BEFORE_FSYNC
        vectors_acknowledge_early(sync, peer, view, height);
#endif
        segment_admit(sync, peer, index, height, body);
    }
    lanes_settle(sync, index);
}

void segments_refused(struct sync *sync, struct peer *peer, uint32_t index, enum err err)
{
    struct log *log = engine_log(sync, index);
    struct view *view = engine_view(sync, peer, index);
    bool is_claim = log->claim == peer->slot;

    if (view == NULL) {
        return;
    }
    flight_land_one(&peer->in, index);
    switch ((int)err) {
    case ERR_STALE:
        if (is_claim && search_of(sync, index) != NULL && view->in_next >= view->height) {
            search_end(sync, index); /* all of it is ours too: no fork, the lane goes on */
            lanes_settle(sync, index);
        }
        vectors_acknowledge(sync, peer, view);
        return;
    case ERR_GAP:
    case ERR_UNKNOWN_LOG:
    case ERR_FORK:
        lanes_avoid(sync, view, RETRY_MS);
        break;
    case ERR_UNKNOWN_KEY:
    case ERR_NOT_MEMBER:
    case ERR_VERSION:
        /* Nobody's fault when true; but whoever passes bytes on may have spoilt them, so the log is not parked on its word:
         * others are asked meanwhile. */
        lanes_avoid(sync, view, PARK_UNKNOWN_MS);
        break;
    case ERR_QUOTA: /* nobody's fault, and no other source would do better */
        log->park_ms = sync->now + PARK_QUOTA_MS;
        break;
    case ERR_CUT:
        log->is_cut = log->height > 0; /* else the author is only what this peer's bytes say */
        lanes_avoid(sync, view, PARK_UNKNOWN_MS);
        break;
    default:
        if (err_blame(err) == BLAME_PEER) {
            engine_drop(sync, peer, err, "WIRE.md 5.8: the segment was refused");
            return;
        }
        log->park_ms = sync->now + PARK_BUSY_MS;
        break;
    }
    if (is_claim) {
        lanes_end(sync, index, true);
    }
    lanes_settle(sync, index);
}

void segments_stored(struct sync *sync, uint32_t index)
{
    struct log *log = engine_log(sync, index);

    log->progress_ms = sync->now;
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];

        if (peer->in.count > 0) {
            (void)flight_land(&peer->in, index, log->height);
        }
    }
    if (log->claim != PEER_NONE) {
        struct view *view = peer_view(sync->peers[log->claim], index);

        if (view != NULL) {
            lanes_unknown_end(sync, sync->peers[log->claim], view);
            view->avoid_step_ms = 0;
        }
    }
    if (log_end_height(log) != 0 && log->height >= log_end_height(log)) {
        lanes_end(sync, index, true);
    }
    lanes_settle(sync, index);
}

#include "node/engine/ranges.h"

#include "node/engine/lanes.h"
#include "node/engine/probe.h"

enum {
    SENDS_MAX = 2,            /* frames handed to the socket at a time: an alert waits for no more (DESIGN 6) */
    FRAME_BYTES_LEAST = 4096, /* on slow links */
    QUICK_MS = 250,           /* an acknowledgement this soon after two round trips opens the window */
    SLOW_MS = 1000,           /* one this late closes it */
};

static const struct hash no_hash;

static bool is_hash_set(const struct hash *hash)
{
    return !hash_equal(hash, &no_hash);
}

static uint8_t class_of(enum channel channel)
{
    return channel == CHANNEL_BULK ? FLIGHT_BULK : FLIGHT_REST;
}

/* ---- whose turn it is ---- */

uint8_t ranges_share(const struct sync *sync, const struct node_id *author)
{
#ifdef GRIOT_WITHOUT_T12_SHARE
    return 0;
#endif
    return (uint8_t)(siphash(&sync->heads.key, span_of(author->b, sizeof author->b)) % SHARES);
}

static void urgent_return(struct sync *sync, struct peer *peer)
{
    uint64_t steps = (sync->now - peer->urgent_ms) / URGENT_STEP_MS;

    peer->urgent_ms += steps * URGENT_STEP_MS;
    for (size_t i = 0; i < SHARES && steps > 0; i++) {
        uint64_t left = peer->urgent_left[i] + (steps > 100 ? 100 : steps) * (URGENT_BYTES_MAX / 100);

        peer->urgent_left[i] = left > URGENT_BYTES_MAX ? URGENT_BYTES_MAX : (uint32_t)left;
    }
}

static void urgent_take(struct peer *peer, const struct log *log, uint32_t bytes)
{
    uint32_t *left = &peer->urgent_left[log->share];

    if (log->channel != CHANNEL_BULK) {
        *left = *left > bytes ? *left - bytes : 0;
    }
}

static enum ready_queue queue_of(const struct peer *peer, const struct log *log)
{
    static const enum ready_queue queues[CHANNEL_COUNT][2] = {
        [CHANNEL_CONTROL] = {READY_CONTROL, READY_REPORT},
        [CHANNEL_ALERT] = {READY_ALERT, READY_REPORT},
        [CHANNEL_REPORT] = {READY_REPORT, READY_SPENT},
        [CHANNEL_BULK] = {READY_BULK, READY_BULK},
    };
    bool is_spent = peer->urgent_left[log->share] == 0;

#ifdef GRIOT_WITHOUT_T12_URGENCY
    is_spent = false;
#endif
    return queues[log->channel][is_spent];
}

static void lane_ready(struct sync *sync, struct peer *peer, struct view *view)
{
    const struct log *log = engine_log(sync, view->log);

    peer_ready(peer, view, queue_of(peer, log), log->share);
}

static bool has_more(const struct sync *sync, const struct view *view)
{
    const struct log *log = engine_log(sync, view->log);

    return (view->flags & VIEW_OUT) != 0 && (view->flags & VIEW_SENDING) == 0 && log->height > view->out_next && engine_may_leave(sync, log);
}

void ranges_close(struct peer *peer, struct view *view)
{
    if ((view->flags & VIEW_OUT) == 0) {
        return;
    }
    view->flags &= ~(uint32_t)VIEW_OUT;
    if ((view->flags & VIEW_SENDING) != 0) {
        view->flags |= VIEW_SEND_STALE;
    }
    peer->lanes_out--;
    (void)flight_land(&peer->out, view->log, UINT64_MAX);
}

/* Say that a lane will bring nothing: what the peer holds is not on our chain, or we do not hold the log. STOP ends the
 * lanes of a log both ways, so that it cannot be mistaken for one or the other. */
static void lane_refuse(struct sync *sync, struct peer *peer, const struct log_id *log)
{
    uint32_t index = heads_find(&sync->heads, log);
    struct out body = actions_body(&sync->actions, sizeof *log + 16);

    stop_encode(log, 1, &body);
    actions_send(&sync->actions, peer->slot, MESSAGE_STOP, &body);
    if (index != LOG_NONE) {
        lanes_crossed(sync, peer, index);
    }
}

static void lane_open(struct sync *sync, struct peer *peer, struct view *view, uint64_t next, const struct hash *hash)
{
    ranges_close(peer, view);
    view->flags |= VIEW_OUT;
    view->out_next = next;
    view->out_hash = *hash;
    peer->lanes_out++;
    if (has_more(sync, view)) {
        lane_ready(sync, peer, view);
    }
}

/* From our head, from the birth, or from something below that the sending end checks against the store. */
static bool is_on_chain(const struct log *log, const struct sub_item *item, struct hash *ret_check)
{
    *ret_check = item->hash;
    if (!item->has_birth) {
        return true;
    }
    if (item->seq == 0) {
        *ret_check = no_hash;
        return memcmp(item->hash.b, log->head.log.b, sizeof item->hash.b) == 0;
    }
#ifdef GRIOT_BUG_SKIP_PREFIX
    *ret_check = no_hash;
    return true;
#else
    if (item->seq == log->head.seq) {
        *ret_check = no_hash;
        return hash_equal(&item->hash, &log->head.hash);
    }
    return true;
#endif
}

static void sub_apply(struct sync *sync, struct peer *peer, const struct sub_item *item)
{
    uint32_t index = heads_find(&sync->heads, &item->log);
    struct log *log = index == LOG_NONE ? NULL : engine_log(sync, index);
    struct hash check;
    struct view *view;

    if (log == NULL || log->height == 0 || !is_on_chain(log, item, &check)) {
        lane_refuse(sync, peer, &item->log);
        return;
    }
    view = engine_view(sync, peer, index);
    if (view != NULL) {
        lane_open(sync, peer, view, item->has_birth ? item->seq + 1 : 0, &check);
    }
}

/* Every log from the heads that were equal at the start. What has changed since has a view that says from where. */
static void all_apply(struct sync *sync, struct peer *peer, const struct hash *digest)
{
    if (!peer->is_equal || !hash_equal(digest, &peer->base_digest)) {
        return; /* we found our heads unequal and have said so: the peer will ask log by log */
    }
    peer->is_out_all = true;
    for (uint32_t i = 0; i < peer->view_count; i++) {
        struct view *view = peer_view_at(peer, i);

        if (view->height > 0 && !node_id_equal(&engine_log(sync, view->log)->author, &peer->node)) {
            lane_open(sync, peer, view, view->height, &no_hash);
        }
    }
}

void ranges_granted(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    bool has_digest;
    struct hash digest;
    size_t count = 0;
    enum err err = sub_decode(sync->unpack, body, &has_digest, &digest, sync->scratch->subs, SUBS_PER_MESSAGE_MAX, &count, &clause);

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    if (sync->config.role == ROLE_OBSERVER) { /* reads and passes nothing on, whoever asks */
        for (size_t i = 0; i < count; i++) {
            lane_refuse(sync, peer, &sync->scratch->subs[i].log);
        }
        return;
    }
    if (has_digest) {
        all_apply(sync, peer, &digest);
    }
    for (size_t i = 0; i < count; i++) {
        sub_apply(sync, peer, &sync->scratch->subs[i]);
    }
}

void ranges_stopped(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    size_t count = 0;
    enum err err = stop_decode(sync->unpack, body, sync->scratch->stops, SUBS_PER_MESSAGE_MAX, &count, &clause);

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t index = heads_find(&sync->heads, &sync->scratch->stops[i]);
        struct view *view;

        if (index == LOG_NONE) {
            continue;
        }
        view = peer->is_out_all ? engine_view(sync, peer, index) : peer_view(peer, index);
        if (view != NULL) {
            ranges_close(peer, view);
        }
        lanes_denied(sync, peer, index);
    }
}

void ranges_moved(struct sync *sync, uint32_t index)
{
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];
        struct view *view = peer_view(peer, index);

        if (view != NULL && has_more(sync, view)) {
            lane_ready(sync, peer, view);
        }
    }
}

/* ---- credit ---- */

static void window_open(struct peer *peer, uint64_t bytes)
{
    uint64_t window = peer->window_bytes + bytes;

    peer->window_bytes = window > CREDIT_BYTES_DEFAULT ? CREDIT_BYTES_DEFAULT : (uint32_t)window;
    if (peer->window_bytes >= 8 * peer->frame_bytes) {
        uint32_t frame = peer->frame_bytes + peer->frame_bytes / 4;

        peer->frame_bytes = frame > peer->frame_bytes_max ? peer->frame_bytes_max : frame;
    }
}

/* Once a round trip: only frames sent since the last time say anything new. */
static void window_close(struct sync *sync, struct peer *peer, uint64_t sent_ms)
{
    uint32_t window = peer->window_bytes - peer->window_bytes / 4;

    if (sent_ms < peer->shrunk_ms) {
        return;
    }
    peer->shrunk_ms = sync->now;
    peer->frame_bytes = peer->frame_bytes / 2 < FRAME_BYTES_LEAST ? FRAME_BYTES_LEAST : peer->frame_bytes / 2;
    peer->window_bytes = window < 2 * peer->frame_bytes ? 2 * peer->frame_bytes : window;
}

void ranges_landed(struct sync *sync, struct peer *peer, const struct view *view)
{
    struct flight_landed landed;
    uint64_t took;

    if (peer->out.count == 0) {
        return;
    }
    landed = flight_land(&peer->out, view->log, view->height);
    if (landed.count == 0) {
        return;
    }
    took = sync->now - landed.newest_ms;
    probe_measure(peer, took);
    if (took <= QUICK_MS + UINT64_C(2) * peer->rtt_least_ms) {
        window_open(peer, landed.bytes);
    } else if (took > SLOW_MS + (uint64_t)peer->rtt_least_ms) {
        window_close(sync, peer, landed.newest_ms);
    }
}

static bool has_credit(const struct peer *peer, uint8_t class)
{
    return peer->out.bytes[class] == 0 ||
           (peer->out.bytes[class] + peer->frame_bytes <= peer->window_bytes && peer->out.count + SENDS_MAX < FLIGHT_FRAMES_MAX);
}

/* ---- sending ---- */

void ranges_sent(struct sync *sync, struct peer *peer, const struct sync_event *event)
{
    uint32_t index = heads_find(&sync->heads, &event->u.sent.log);
    struct view *view = index == LOG_NONE ? NULL : peer_view(peer, index);
    const struct log *log;

    if (view == NULL || (view->flags & VIEW_SENDING) == 0) {
        return;
    }
    log = engine_log(sync, index);
    peer->sends--;
    peer->bytes_out += event->u.sent.bytes;
    urgent_take(peer, log, event->u.sent.bytes);
    view->flags &= ~(uint32_t)VIEW_SENDING;
    if ((view->flags & VIEW_SEND_STALE) != 0) {
        view->flags &= ~(uint32_t)VIEW_SEND_STALE;
    } else if (event->u.sent.is_mismatch || event->u.sent.bytes == 0) {
        ranges_close(peer, view);
        lane_refuse(sync, peer, &log->head.log);
    } else {
        struct flight_frame frame = {
            .log = index,
            .bytes = event->u.sent.bytes,
            .height = event->u.sent.last_seq + 1,
            .at_ms = sync->now,
            .class = class_of(log->channel),
        };

        view->out_next = frame.height;
        view->out_hash = no_hash;
        view->told = view->told < frame.height ? frame.height : view->told;
        /* What the peer states to hold already is on another branch or came another way: it is not acknowledged again. */
        if (frame.height > view->height && !flight_add(&peer->out, &frame)) {
            engine_break(sync);
        }
    }
    if (has_more(sync, view)) {
        lane_ready(sync, peer, view);
    }
}

static void range_send(struct sync *sync, struct peer *peer, struct view *view)
{
    const struct log *log = engine_log(sync, view->log);
    struct sync_action *action = actions_add(&sync->actions, SYNC_SEND_RANGE, peer->slot);

    action->u.range.log = log->head.log;
    action->u.range.has_birth = view->out_next > 0;
    action->u.range.after_seq = view->out_next > 0 ? view->out_next - 1 : 0;
    action->u.range.hash = is_hash_set(&view->out_hash) ? view->out_hash : no_hash;
    action->u.range.until_seq = log->head.seq;
    action->u.range.bytes_max = peer->frame_bytes;
    view->flags |= VIEW_SENDING;
    peer->sends++;
}

static struct view *view_of(const struct sync *sync, struct peer *peer, enum ready_queue queue)
{
    struct view *view;

    while (has_credit(peer, queue == READY_BULK ? FLIGHT_BULK : FLIGHT_REST) && (view = peer_ready_take(peer, queue)) != NULL) {
        const struct log *log = engine_log(sync, view->log);

        if (has_more(sync, view) && queue_of(peer, log) <= queue) {
            return view;
        }
        if (has_more(sync, view)) { /* it was urgent when it came */
            peer_ready(peer, view, queue_of(peer, log), log->share);
        }
    }
    return NULL;
}

/* The first lane in the most urgent queue that has credit; the two lowest take turns, and so do the shares of a queue and the lanes of a share. */
static struct view *view_next(const struct sync *sync, struct peer *peer)
{
    struct view *view = NULL;

    for (int queue = 0; queue < READY_SPENT && view == NULL; queue++) {
        view = view_of(sync, peer, (enum ready_queue)queue);
    }
    for (int i = 0; i < 2 && view == NULL; i++) {
        view = view_of(sync, peer, peer->is_bulk_turn ? READY_BULK : READY_SPENT);
        peer->is_bulk_turn = !peer->is_bulk_turn;
    }
    return view;
}

void ranges_flush(struct sync *sync, struct peer *peer)
{
    urgent_return(sync, peer);
    while (peer->sends < SENDS_MAX) {
        struct view *view;

        if (!engine_has_room(sync, 8)) {
            return;
        }
        view = view_next(sync, peer);
        if (view == NULL) {
            return;
        }
        range_send(sync, peer, view);
    }
}

#include "node/audit.h"
#include "node/core/state.h"

#include <stdlib.h>

struct pending *core_pending(struct core *core)
{
    if (core->pending_count == core->pending_cap) {
        size_t cap = core->pending_cap == 0 ? 64 : 2 * core->pending_cap;
        struct pending *more = realloc(core->pending, cap * sizeof *more);
        if (more == NULL) {
            return NULL;
        }
        core->pending = more;
        core->pending_cap = cap;
    }
    struct pending *p = &core->pending[core->pending_count++];
    memset(p, 0, sizeof *p);
    return p;
}

void core_intake(struct core *core, enum err err)
{
    bool is_stopped = err == ERR_FULL;
    if (is_stopped != core->is_intake_stopped) {
        core->is_intake_stopped = is_stopped;
        log_event(is_stopped ? LOG_ERROR : LOG_INFO, is_stopped ? "intake_stopped" : "intake_resumed", "err=%s", err_name(err));
    }
}

enum err core_begin(struct core *core)
{
    if (core->given_up != ERR_OK) {
        return core->given_up; /* until the turn is settled */
    }
    if (core->is_open) {
        return ERR_OK;
    }
    enum err err = store_begin(core->store);
    core->is_open = err == ERR_OK;
    if (err == ERR_OK || err == ERR_FULL) {
        core_intake(core, err);
    }
    if (err == ERR_IO) {
        core->is_broken = true;
    }
    return err;
}

enum err core_outcome(struct core *core, enum err err)
{
    if (err != ERR_OK && core->is_open && (err_blame(err) == BLAME_SELF || store_has_failed(core->store))) {
        store_abort(core->store);
        core->is_open = false;
        core->given_up = err;
        core->is_broken = core->is_broken || err == ERR_IO;
        if (err == ERR_FULL) {
            core_intake(core, err);
        }
    }
    return err;
}

/* Own commits that peers send back: without this, rows imported in the life that was lost would be new records to the next import. */
static void take_back_own(struct core *core, const struct seg *seg, const struct admitted *admitted)
{
    if (core->given_up != ERR_OK || admitted->after.seq <= admitted->before.seq || !node_id_equal(&admitted->node, &core->home->node)) {
        return;
    }
    enum err err = core_outcome(core, append_returned(&core->writer, seg, admitted->before.seq, admitted->after.seq));
    if (err != ERR_OK) {
        log_event(LOG_WARN, "own_records", "err=%s", err_name(err));
    }
}

static void admit(struct core *core, struct connection *c, const struct sync_action *action)
{
    struct pending *p = core_pending(core);
    if (p == NULL) {
        return;
    }
    p->connection = c->number;
    p->log = action->u.admit.log;
    p->err = core_begin(core);
    if (action->type == SYNC_ADMIT) {
        p->type = PENDING_SEGMENT;
        struct seg seg;
        if (p->err == ERR_OK) {
            p->err = seg_decode(core->unpack, action->u.admit.body, &seg, &p->clause);
        }
        if (p->err == ERR_OK) {
            p->err = core_outcome(core, store_admit(core->store, &seg, &p->admitted, &p->clause));
            take_back_own(core, &seg, &p->admitted);
        }
        if (p->admitted.own_conflict != 0) { /* asked for again once ours has given way */
            core_own_conflict(core, &action->u.admit.log, p->admitted.own_conflict);
        }
        return;
    }
    p->type = PENDING_NOTICE;
    struct span notice, heads;
    uint64_t base;
    if (p->err == ERR_OK) {
        p->err = notice_message_decode(core->unpack, action->u.admit.body, &notice, &base, &heads, &p->clause);
    }
    if (p->err == ERR_OK) {
        p->err = core_outcome(core, store_admit_notice(core->store, notice, base, heads, &p->ref, &p->is_new, &p->clause));
    }
    if (p->err == ERR_OK && p->ref.kind == NOTICE_FRONTIER && core->writer.has_audit_life) { /* a copy of us that still runs may have spoken: our trail is not its */
        p->err = core_outcome(core, audit_settle(&core->writer, false));
    }
}

static struct range *range_add(struct core *core)
{
    if (core->range_count == core->range_cap) {
        size_t cap = core->range_cap == 0 ? 64 : 2 * core->range_cap;
        struct range *more = realloc(core->ranges, cap * sizeof *more);
        if (more == NULL) {
            return NULL;
        }
        core->ranges = more;
        core->range_cap = cap;
    }
    return &core->ranges[core->range_count++];
}

static void want_range(struct core *core, const struct connection *c, const struct sync_action *action)
{
    struct range *range = range_add(core);
    if (range != NULL) {
        *range = (struct range){.connection = c->number,
                                .slot = c->slot,
                                .log = action->u.range.log,
                                .has_birth = action->u.range.has_birth,
                                .after_seq = action->u.range.after_seq,
                                .until_seq = action->u.range.until_seq,
                                .hash = action->u.range.hash,
                                .bytes_max = action->u.range.bytes_max};
    }
}

static void want_look_up(struct core *core, const struct sync_action *action)
{
    struct range *range = range_add(core);
    if (range != NULL) {
        *range = (struct range){
            .is_look_up = true, .slot = action->peer, .log = action->u.look_up.log, .after_seq = action->u.look_up.seq};
    }
}

static void send_notice(struct core *core, const struct connection *c, const struct sync_action *action)
{
    struct store_read *read;
    if (store_read_begin(core->store, &read) != ERR_OK) {
        return;
    }
    struct span notice, heads;
    uint64_t base = action->u.notice.base;
    uint8_t *change = malloc(FRAME_BYTES_MAX), *body = malloc(FRAME_BYTES_MAX);
    struct out out = out_into(change, FRAME_BYTES_MAX), message = out_into(body, FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    if (change != NULL && body != NULL && store_notice(read, &action->u.notice.ref, &notice, &heads) == ERR_OK) {
        if (base > 0) {
            struct node_id node;
            memcpy(node.b, action->u.notice.ref.subject, sizeof node.b);
            if (store_frontier_change(read, &node, base, &out) == ERR_OK && !out.is_full) {
                heads = out_written(&out);
            } else {
                base = 0;
            }
        }
        notice_message_encode(notice, base, heads, &message);
        if (!message.is_full) {
            core_send(core, c, MESSAGE_NOTICE, out_written(&message), false);
        }
    }
    free(change);
    free(body);
    store_read_end(&read);
}

static void act(struct core *core, const struct sync_action *action)
{
    struct connection *c = connection_of_slot(core, action->peer);
    switch (action->type) {
    case SYNC_SEND:
        if (c != NULL) {
            core_send(core, c, action->u.send.type, action->u.send.body, false);
        }
        break;
    case SYNC_SEND_RANGE:
        if (c != NULL) {
            want_range(core, c, action);
        }
        break;
    case SYNC_SEND_NOTICE:
        if (c != NULL) {
            send_notice(core, c, action);
        }
        break;
    case SYNC_ADMIT:
    case SYNC_ADMIT_NOTICE:
        if (c != NULL) {
            admit(core, c, action);
        }
        break;
    case SYNC_MAKE_FRONTIER:
        core->wants_frontier = true;
        break;
    case SYNC_OWN_AHEAD: /* now: a frame with what they hold may come before this turn's end */
        core_own_ahead(core, &action->u.own.log);
        break;
    case SYNC_OWN_RELEASED:
        core_own_released(core);
        break;
    case SYNC_LOOK_UP:
        want_look_up(core, action);
        break;
    case SYNC_DROP_PEER: /* done by the caller: it ends the connection the engine is being fed for */
        break;
    }
}

void core_feed(struct core *core, const struct sync_event *event)
{
    struct sync_actions actions;
    enum err err = sync_step(core->sync, event, &actions);
    if (err != ERR_OK) {
        log_event(LOG_ERROR, "engine", "err=%s", err_name(err));
        return;
    }
    uint32_t dropped[PEERS_MAX];
    struct sync_action drops[PEERS_MAX];
    size_t drop_count = 0;
    for (size_t i = 0; i < actions.count; i++) {
        if (actions.actions[i].type == SYNC_DROP_PEER) {
            struct connection *c = connection_of_slot(core, actions.actions[i].peer);
            if (c != NULL && drop_count < PEERS_MAX) {
                drops[drop_count] = actions.actions[i];
                dropped[drop_count++] = c->number;
            }
        } else {
            act(core, &actions.actions[i]);
        }
    }
    /* Ending a connection feeds the engine again, so only now: the actions are gone with that. */
    for (size_t i = 0; i < drop_count; i++) {
        struct connection *c = connection_find(core, dropped[i]);
        if (c == NULL) {
            continue;
        }
        char name[NAME_BYTES_MAX + 1];
        core_name_of(core, &c->session.peer.node, name);
        const char *why = drops[i].u.drop.clause != NULL ? drops[i].u.drop.clause : err_text(drops[i].u.drop.reason);
        /* What was refused at admission has been counted there, with its own clause. */
        if (err_blame(drops[i].u.drop.reason) == BLAME_PEER && event->type != SYNC_REFUSED) {
            core_refused(core, name, drops[i].u.drop.reason, why);
        }
        log_event(LOG_INFO, "peer_dropped", "peer=%s err=%s", name, err_name(drops[i].u.drop.reason));
        connection_end(core, c, drops[i].u.drop.reason, why, drops[i].u.drop.retry_after_ms, false);
    }
}

/* ---- ranges, read after the transaction ---- */

static void look_up(struct core *core, const struct range *range)
{
    struct sync_event event = {.type = SYNC_FOUND, .now = core->now, .peer = range->slot};
    event.u.found.log = range->log;
    event.u.found.seq = range->after_seq;
    struct store_read *read;
    struct log_info log;
    struct commit *commit = malloc(sizeof *commit);
    if (commit != NULL && store_read_begin(core->store, &read) == ERR_OK) {
        event.u.found.is_found = store_log(read, &range->log, &log) == ERR_OK &&
                                 store_commit_at(read, log.number, range->after_seq, commit, &event.u.found.hash) == ERR_OK;
        store_read_end(&read);
    }
    free(commit);
    core_feed(core, &event);
}

/* Build and queue the frame; false when nothing could be sent (then the engine is told at once). */
static bool send_segment(struct core *core, struct connection *c, const struct range *range, struct sync_event *event)
{
    struct store_read *read;
    struct seg seg;
    uint32_t room = FRAME_BYTES_MAX - FRAME_HEADER_BYTES;
    uint32_t bytes_max = range->bytes_max < FRAME_BYTES_MAX ? range->bytes_max - FRAME_HEADER_BYTES : room;
    if (store_read_begin(core->store, &read) != ERR_OK) {
        return false;
    }
    uint64_t last_seq = 0, last_entries = 0;
    enum err err = store_segment(read, &range->log, range->has_birth, range->after_seq, &range->hash, range->until_seq, bytes_max, &seg,
                                 &last_seq, &last_entries);
    bool is_sent = false;
    if (err == ERR_OK && seg.count > 0) {
        struct out out = out_into(core->frame, BUILD_BYTES);
        frame_begin(&out, &c->session.id, MESSAGE_SEG);
        seg_encode(&seg, &out);
        is_sent = !out.is_full && out.at <= FRAME_BYTES_MAX;
        if (is_sent) {
            gateway_send(core->gateway, c->number, out_written(&out), true);
            event->u.sent.last_seq = last_seq;
            event->u.sent.last_entries = last_entries;
            event->u.sent.bytes = (uint32_t)out.at;
        }
    } else if (err == ERR_FORK) {
        event->u.sent.is_mismatch = true;
    } else if (err == ERR_CORRUPT) {
        char log[17];
        hex_encode(range->log.b, 8, log);
        log_event(LOG_ERROR, "stored_commit_damaged", "log=%s after=%llu", log, (unsigned long long)range->after_seq);
    }
    store_read_end(&read);
    return is_sent;
}

void core_send_ranges(struct core *core)
{
    struct range *ranges = core->ranges;
    size_t count = core->range_count;
    core->ranges = NULL;
    core->range_count = core->range_cap = 0;
    for (size_t i = 0; i < count; i++) {
        const struct range *range = &ranges[i];
        if (range->is_look_up) {
            look_up(core, range);
            continue;
        }
        struct connection *c = connection_find(core, range->connection);
        if (c == NULL || !c->is_up || c->slot != range->slot) {
            continue;
        }
        struct sync_event event = {.type = SYNC_SENT, .now = core->now, .peer = c->slot};
        event.u.sent.log = range->log;
        event.u.sent.after_seq = range->after_seq;
        event.u.sent.has_birth = range->has_birth;
        event.u.sent.last_seq = range->after_seq;
        /* The engine hears of a frame when the library has taken it, not before: our own queue does the waiting, so an alert overtakes. */
        if (send_segment(core, c, range, &event) && c->sent_count < SENT_MAX) {
            c->sent[c->sent_count++] = event;
            core->moved = core->now;
        } else {
            core_feed(core, &event);
        }
    }
    free(ranges);
}

void core_frame_taken(struct core *core, struct connection *c)
{
    if (c->sent_count == 0) {
        return;
    }
    struct sync_event event = c->sent[0];
    memmove(c->sent, c->sent + 1, --c->sent_count * sizeof c->sent[0]);
    event.now = core->now;
    core_feed(core, &event);
}

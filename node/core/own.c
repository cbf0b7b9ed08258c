#include "node/audit.h"
#include "node/core/state.h"

/* Our own logs when others hold more of them than we do (DESIGN 3): what has not left is taken back before anything of theirs is admitted, so that
 * the two never stand side by side. */

static void give_up_transaction(struct core *core)
{
    core->ahead_next.ms = core->now.ms + AHEAD_RETRY_MS; /* the transaction fails with it, and all that is in it comes again */
}

static void try_give_way(struct core *core, struct ahead *ahead)
{
    enum err err = core_begin(core);
    struct pending *p = err == ERR_OK ? core_pending(core) : NULL;
    if (p == NULL) {
        give_up_transaction(core);
        return;
    }
    uint64_t roster = core->writer.membership != NULL ? membership_roster_number(core->writer.membership) : 0;
    p->type = PENDING_GAVE_WAY;
    p->log = ahead->log;
    p->err = author_give_way(core->writer.author, &ahead->log, ahead->from, roster, &p->gave_way);
    ahead->is_in_transaction = true;
    if (p->err == ERR_OK && p->gave_way.commits > 0) {
        core->writer.heads[p->gave_way.channel] = p->gave_way.reissued;
    }
    if (p->err == ERR_OK && !core->has_audit_life) { /* what is true of the logs is true of the audit trail beside them */
        p->err = audit_settle(&core->writer, true);
        core->has_audit_life = p->err == ERR_OK;
    }
}

static void try_released(struct core *core)
{
    enum err err = core_begin(core);
    struct pending *p = err == ERR_OK ? core_pending(core) : NULL;
    if (p == NULL) {
        give_up_transaction(core);
        return;
    }
    p->type = PENDING_RELEASED;
    p->err = author_released(core->writer.author);
    core->wants_released = false;
}

void core_own_tend(struct core *core)
{
    if (core->now.ms < core->ahead_next.ms) {
        return;
    }
    for (size_t i = 0; i < core->ahead_count; i++) {
        if (!core->aheads[i].is_in_transaction) {
            try_give_way(core, &core->aheads[i]);
        }
    }
    if (core->wants_released && core->ahead_count == 0) { /* the marks say what has to give way */
        try_released(core);
    }
}

static void ahead_add(struct core *core, const struct log_id *log, uint64_t from)
{
    for (size_t i = 0; i < core->ahead_count; i++) {
        struct ahead *ahead = &core->aheads[i];
        if (log_id_compare(&ahead->log, log) == 0 && !ahead->is_in_transaction) {
            ahead->from = ahead->from == 0 || (from != 0 && from < ahead->from) ? from : ahead->from;
            return;
        }
    }
    if (core->ahead_count < AHEAD_MAX) {
        core->aheads[core->ahead_count++] = (struct ahead){.log = *log, .from = from};
    }
    core_own_tend(core);
}

void core_own_ahead(struct core *core, const struct log_id *log)
{
    char hex[17];
    hex_encode(log->b, 8, hex);
    core->is_own_ahead = true;
    log_event(LOG_ERROR, "own_log_ahead", "log=%s", hex);
    ahead_add(core, log, 0);
}

void core_own_conflict(struct core *core, const struct log_id *log, uint64_t seq)
{
    char hex[17];
    hex_encode(log->b, 8, hex);
    core->is_own_ahead = true;
    log_event(LOG_ERROR, "own_log_conflict", "log=%s seq=%llu", hex, (unsigned long long)seq);
    ahead_add(core, log, seq);
}

void core_own_released(struct core *core)
{
    log_event(LOG_INFO, "own_released", "by=echo");
    core->wants_released = true;
    core_own_tend(core);
}

static void gave_way(struct core *core, const struct pending *p)
{
    const struct gave_way *done = &p->gave_way;
    char hex[17];
    hex_encode(p->log.b, 8, hex);
    core->own_again += done->entries;
    log_event(LOG_WARN, "own_log_gave_way", "log=%s seq=%llu was=%llu again=%llu", hex, (unsigned long long)done->after.seq,
              (unsigned long long)done->before.seq, (unsigned long long)done->entries);
    if (done->after.seq != done->before.seq) {
        struct sync_event event = {.type = SYNC_STORED, .now = core->now, .peer = UINT32_MAX};
        event.u.stored.head = done->after;
        event.u.stored.node = core->home->node;
        event.u.stored.channel = done->channel;
        core_feed(core, &event);
    }
}

void core_own_told(struct core *core, const struct pending *p, enum err err)
{
    if (p->type == PENDING_RELEASED) {
        core->wants_released = core->wants_released || err != ERR_OK;
    }
    for (size_t i = 0; p->type == PENDING_GAVE_WAY && i < core->ahead_count; i++) {
        if (log_id_compare(&core->aheads[i].log, &p->log) != 0) {
            continue;
        }
        if (err == ERR_OK || err == ERR_NOT_FOUND) {
            core->aheads[i] = core->aheads[--core->ahead_count];
        } else {
            core->aheads[i].is_in_transaction = false;
        }
        break;
    }
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        log_event(LOG_ERROR, "own_log", "err=%s", err_name(err));
        give_up_transaction(core);
    } else if (p->type == PENDING_GAVE_WAY && err == ERR_OK) {
        gave_way(core, p);
    }
}

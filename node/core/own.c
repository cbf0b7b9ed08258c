#include "node/audit.h"
#include "node/core/state.h"

#include <stdlib.h>

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
    if (p->err == ERR_OK && !core->writer.has_audit_life) { /* what is true of the logs is true of the audit trail beside them */
        p->err = audit_settle(&core->writer, true);
        core->writer.has_audit_life = p->err == ERR_OK;
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

/* What we had recorded in a life that we do not remember is back, as far as those know who have shown us our logs. Some of them may not be known to be ours yet. */
void core_own_gap(struct core *core)
{
    static const struct node_id unknown;
    uint64_t missing = sync_missing_of(core->sync, &core->home->node) + sync_missing_of(core->sync, &unknown);
    if (sync_is_released(core->sync) && missing == 0 && core->ahead_count == 0) {
        core->writer.is_gap_open = false;
        log_event(LOG_INFO, "own_gap_closed", "missing=0");
        home_restored_end(core->home);
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
    core->writer.is_gap_open = true;
    log_event(LOG_ERROR, "own_log_ahead", "log=%s", hex);
    ahead_add(core, log, 0);
}

void core_own_conflict(struct core *core, const struct log_id *log, uint64_t seq)
{
    char hex[17];
    hex_encode(log->b, 8, hex);
    core->is_own_ahead = true;
    core->writer.is_gap_open = true;
    log_event(LOG_ERROR, "own_log_conflict", "log=%s seq=%llu", hex, (unsigned long long)seq);
    ahead_add(core, log, seq);
}

/* Two lives of this node were let in, and each has said something else at one place. What is not final of it counts nowhere: it is issued again where it does. */
void core_own_forked(struct core *core, const struct log_info *log)
{
    char hex[17];
    hex_encode(log->head.log.b, 8, hex);
    log_event(LOG_ERROR, "own_log_forked", "log=%s seq=%llu counts=%llu", hex, (unsigned long long)log->fork_seq, (unsigned long long)log->head.seq);
    ahead_add(core, &log->head.log, log->head.seq + 1);
}

struct cut_logs {
    struct core *core;
    struct log_id logs[AHEAD_MAX];
    uint64_t from[AHEAD_MAX];
    size_t count;
};

static bool cut_take(void *arg, const struct log_info *log)
{
    struct cut_logs *cut = arg;
    if (node_id_equal(&log->node, &cut->core->home->node) && log->cut_height > 0 && log->held_seq >= log->cut_height && cut->count < AHEAD_MAX) {
        cut->logs[cut->count] = log->head.log;
        cut->from[cut->count++] = log->cut_height;
    }
    return true;
}

/* We are in, and yet a log of ours is cut: it was begun under an identity key that the root has replaced. What we wrote beyond the cut counts nowhere, and is issued again under the present one. */
void core_own_cut(struct core *core)
{
    const struct membership *membership = core->writer.membership;
    struct cut_logs *cut;
    struct store_read *read;
    if (membership_find(membership, &core->home->node) == NULL || membership_identity_at(membership, &core->home->node, 1) == NULL) {
        return;
    }
    cut = calloc(1, sizeof *cut);
    if (cut == NULL || store_read_begin(core->store, &read) != ERR_OK) {
        free(cut);
        return;
    }
    cut->core = core;
    (void)!store_logs(read, cut_take, cut);
    store_read_end(&read);
    for (size_t i = 0; i < cut->count; i++) {
        ahead_add(core, &cut->logs[i], cut->from[i]);
    }
    free(cut);
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
    struct sync_event event = {.type = SYNC_STORED, .now = core->now, .peer = UINT32_MAX};
    event.u.stored.head = done->after;
    event.u.stored.node = core->home->node;
    event.u.stored.channel = done->channel;
    core_feed(core, &event); /* also when nothing was taken back: the engine may show the log again */
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

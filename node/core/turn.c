#include "node/core/state.h"

#include <stdlib.h>
#include <unistd.h>

enum { COMMIT_TRIES_MAX = 4 /* the map doubles each time */ };

static void job_finish(struct core *core, struct job *job, enum err err)
{
    pthread_mutex_lock(&core->lock);
    job->err = err;
    job->is_done = true;
    pthread_cond_broadcast(&core->done);
    pthread_mutex_unlock(&core->lock);
}

static void tell_stored(struct core *core, uint32_t slot, const struct head *head, const struct node_id *node, enum channel channel, uint64_t cut_height,
                        uint64_t fork_height)
{
    struct sync_event event = {.type = SYNC_STORED, .now = core->now, .peer = slot};
    event.u.stored.head = *head;
    event.u.stored.node = *node;
    event.u.stored.channel = channel;
    event.u.stored.cut_height = cut_height;
    event.u.stored.fork_height = fork_height;
    core_feed(core, &event);
}

struct ends {
    struct core *core;
    struct log_info *logs;
    size_t count, cap;
};

static bool end_take(void *arg, const struct log_info *log)
{
    struct ends *ends = arg;
    if (ends->count == ends->cap) {
        size_t cap = ends->cap == 0 ? 256 : 2 * ends->cap;
        struct log_info *more = realloc(ends->logs, cap * sizeof *more);
        if (more == NULL) {
            return false;
        }
        ends->logs = more;
        ends->cap = cap;
    }
    ends->logs[ends->count++] = *log;
    return true;
}

/* So much of an own log may have left, by hand: who shows it is not ahead of us. As at the start. */
static void tell_left(struct core *core, const struct log_info *log)
{
    struct sync_event event = {.type = SYNC_STORED, .now = core->now, .peer = UINT32_MAX};
    event.u.stored.head = log->sent;
    event.u.stored.node = log->node;
    event.u.stored.channel = log->channel;
    event.u.stored.cut_height = log->cut_height;
    event.u.stored.fork_height = log->fork_height;
    event.u.stored.is_start = true;
    core_feed(core, &event);
}

/* A cut, a fork or finality has moved where logs end: the engine hears of every head as it counts now. What has not moved is no news to it. */
static void tell_ends(struct core *core)
{
    struct ends ends = {.core = core};
    struct store_read *read;
    core->ends_told = store_ends_changed(core->store);
    if (store_read_begin(core->store, &read) != ERR_OK) {
        return;
    }
    enum err err = store_logs(read, end_take, &ends);
    store_read_end(&read);
    if (err != ERR_OK) {
        log_event(LOG_ERROR, "ends_not_read", "err=%s", err_name(err));
    }
    for (size_t i = 0; i < ends.count; i++) {
        const struct log_info *log = &ends.logs[i];
        if (log->sent.seq > 0 && node_id_equal(&log->node, &core->home->node) && !sync_is_released(core->sync)) {
            tell_left(core, log);
        }
        tell_stored(core, UINT32_MAX, &log->head, &log->node, log->channel, log->cut_height, log->fork_height);
        if (log->has_fork && log->held_seq > log->head.seq && node_id_equal(&log->node, &core->home->node)) {
            core_own_forked(core, log);
        }
    }
    free(ends.logs);
}

static void tell_refused(struct core *core, const struct pending *p, enum err err)
{
    uint32_t slot = core_slot_of(core, p->connection);
    struct connection *c = connection_find(core, p->connection);
    if (slot == UINT32_MAX || c == NULL) {
        return;
    }
    char name[NAME_BYTES_MAX + 1];
    core_name_of(core, &c->session.peer.node, name);
    if (err != ERR_STALE && err != ERR_FULL) { /* a full disk is said once, as intake_stopped, and is not the peer's doing */
        core_refused(core, name, err, p->clause);
    }
    struct sync_event event = {.type = SYNC_REFUSED, .now = core->now, .peer = slot};
    event.u.refused.is_notice = p->type == PENDING_NOTICE;
    event.u.refused.log = p->log;
    event.u.refused.err = err;
    core_feed(core, &event);
}

/* A fork proof comes before what it lowers, and that before the refusal it causes (node/engine/README.md, "What a driver must do"). Nobody but us holds a proof that was made here. */
static void tell_segment(struct core *core, const struct pending *p, enum err committed, enum err err)
{
    const struct admitted *admitted = &p->admitted;
    bool is_news = committed == ERR_OK && admitted->after.seq + admitted->after.entries > 0 &&
                   (admitted->is_new_log || admitted->after.seq != admitted->before.seq);
    if (committed == ERR_OK && admitted->has_fork) {
        core_notice_stored(core, UINT32_MAX, &admitted->proof, false);
    }
    if (is_news) {
        tell_stored(core, core_slot_of(core, p->connection), &admitted->after, &admitted->node, admitted->channel, admitted->cut_height,
                    admitted->fork_height);
    }
    if (err != ERR_OK) {
        tell_refused(core, p, err);
    } else if (!is_news) {
        tell_refused(core, p, ERR_STALE); /* every segment gets an answer: the engine counts it as under way until then */
    }
}

static void tell(struct core *core, const struct pending *p, enum err committed)
{
    enum err err = p->err != ERR_OK ? p->err : committed;
    if (p->type == PENDING_SEGMENT) {
        tell_segment(core, p, committed, err);
    } else if (p->type == PENDING_NOTICE) {
        if (err != ERR_OK) {
            tell_refused(core, p, err);
        } else if (p->is_new) {
            core_notice_stored(core, core_slot_of(core, p->connection), &p->ref, false);
        }
    } else if (p->type == PENDING_JOB) {
        job_finish(core, p->job, err);
    } else {
        core_own_told(core, p, err);
    }
}

/* A change of somebody who waits. One that was refused before it touched anything leaves the transaction, and what others have in it, as they were. */
static enum err job_change(struct core *core, struct job *job)
{
    core->writer.is_refusal = false;
    enum err err = job->change(&core->writer, job->arg);
    return core->writer.is_refusal ? err : core_outcome(core, err);
}

/* The map had to grow under the transaction and nothing of it is stored: do the changes of those who wait once more. What peers sent is asked for again by the engine. */
static enum err repeat_jobs(struct core *core)
{
    enum err err = ERR_BUSY;
    for (int i = 0; i < COMMIT_TRIES_MAX && err == ERR_BUSY; i++) {
        writer_forget(&core->writer);
        err = store_begin(core->store);
        core->is_open = err == ERR_OK;
        core->given_up = ERR_OK;
        for (size_t j = 0; err == ERR_OK && j < core->pending_count; j++) {
            struct pending *p = &core->pending[j];
            if (p->type == PENDING_JOB && (p->err == ERR_OK || p->err == ERR_BUSY)) {
                p->err = job_change(core, p->job);
                err = core->given_up;
            }
        }
        err = err == ERR_OK ? store_commit(core->store) : err;
        core->is_open = false;
    }
    return err;
}

/* What a change has admitted is told as if nobody had sent it. */
static bool tell_admitted(struct core *core)
{
    struct admitted *admitted = core->writer.admitted;
    size_t count = core->writer.admitted_count;
    core->writer.admitted = NULL;
    core->writer.admitted_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct pending p = {.type = PENDING_SEGMENT, .admitted = admitted[i]};
        tell_segment(core, &p, ERR_OK, ERR_OK);
    }
    free(admitted);
    return count > 0;
}

/* Own logs gave way, or commits in them leave, in a change. */
static void take_own(struct core *core)
{
    core->is_own_ahead = core->is_own_ahead || core->writer.is_own_ahead;
    core->own_again += core->writer.own_again;
    if (core->writer.has_left) {
        core->ends_told = 0;
    }
    core->writer.is_own_ahead = core->writer.has_left = false;
    core->writer.own_again = 0;
}

/* Nothing of the transaction is stored. */
static void forget(struct core *core, enum err err)
{
    writer_forget(&core->writer);
    for (size_t i = 0; i < core->pending_count; i++) {
        struct pending *p = &core->pending[i];
        p->admitted = (struct admitted){0};
        if (p->err == ERR_OK && (p->type != PENDING_JOB || err != ERR_BUSY)) {
            p->err = err;
        }
    }
}

static void settle_transaction(struct core *core)
{
    bool was_open = core->is_open;
    core->moved = was_open ? core->now : core->moved;
    /* One change that failed at a key file spoils the transaction, not what the others in it wanted: theirs is done again. */
    enum err given_up = core->given_up == ERR_PERMISSION ? ERR_BUSY : core->given_up;
    enum err err = given_up != ERR_OK ? given_up : was_open ? store_commit(core->store) : ERR_OK;
    core->is_open = false;
    if (err != ERR_OK) {
        forget(core, err);
    }
    if (err == ERR_BUSY) {
        err = repeat_jobs(core);
        was_open = true;
    }
    core->given_up = ERR_OK;
    if (err != ERR_OK) {
        log_event(LOG_ERROR, "commit_failed", "err=%s", err_name(err));
        core->is_broken = core->is_broken || err == ERR_IO;
        if (err == ERR_FULL) {
            core_intake(core, err);
        }
    }
    struct pending *batch = core->pending;
    size_t count = core->pending_count;
    core->pending = NULL;
    core->pending_count = core->pending_cap = 0;
    bool has_commits = false;
    bool is_suspended = core->writer.membership != NULL && membership_is_suspended(core->writer.membership, &core->home->node);
    if (err == ERR_OK) {
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            if (core->writer.heads[channel].seq > 0) {
                struct head head = core->writer.heads[channel];
                core->writer.heads[channel] = (struct head){0};
                has_commits = true;
                if (is_suspended) {
                    core->ends_told = 0; /* its logs go on beyond their cut, and do not count there */
                } else {
                    tell_stored(core, UINT32_MAX, &head, &core->home->node, (enum channel)channel, 0, 0);
                }
            }
        }
    } else {
        memset(core->writer.heads, 0, sizeof core->writer.heads);
    }
    for (size_t i = 0; i < count; i++) { /* a lower head is told before the refusal that caused it */
        if (batch[i].type == PENDING_GAVE_WAY) {
            tell(core, &batch[i], err);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (batch[i].type != PENDING_GAVE_WAY && batch[i].type != PENDING_JOB) {
            has_commits = has_commits || batch[i].type == PENDING_SEGMENT;
            tell(core, &batch[i], err);
        }
    }
    struct notice_ref *notes = core->writer.notes;
    size_t note_count = core->writer.note_count;
    core->writer.notes = NULL;
    core->writer.note_count = 0;
    core->has_membership_change = core->has_membership_change || core->writer.has_notice;
    core->writer.has_notice = false;
    for (size_t i = 0; err == ERR_OK && i < note_count; i++) {
        core_notice_stored(core, UINT32_MAX, &notes[i], false);
    }
    free(notes);
    if (err == ERR_OK) {
        has_commits = tell_admitted(core) || has_commits;
        take_own(core);
    }
    if (core->ends_told != store_ends_changed(core->store)) {
        tell_ends(core);
    }
    /* The neighbours first: it is a long way to them, and on few cores whoever waits here would be in the way. A change of membership may still end a connection. */
    if (core->range_count > 0 && !core->has_membership_change) {
        core_send_ranges(core);
    }
    if (was_open && err == ERR_OK && core->stored != NULL) {
        core->stored(core->stored_arg, has_commits);
    }
    for (size_t i = 0; i < count; i++) {
        if (batch[i].type == PENDING_JOB) {
            tell(core, &batch[i], err);
        }
    }
    free(batch);
}

/* A frontier of a node that is not in yet is worth nothing: it waits. */
static bool may_make_frontier(const struct core *core)
{
    return core->wants_frontier && core->writer.membership != NULL && membership_find(core->writer.membership, &core->home->node) != NULL;
}

/* Until nothing is left that one of the steps has caused. */
void core_settle(struct core *core)
{
    for (int round = 0; round < 64; round++) {
        core_own_tend(core);
        if (may_make_frontier(core)) {
            core->wants_frontier = false;
            enum err err = core_begin(core);
            struct pending *p = err == ERR_OK ? core_pending(core) : NULL;
            if (p != NULL) {
                p->err = core_make_frontier(core, p);
                if (p->err != ERR_OK) {
                    log_event(LOG_WARN, "frontier", "err=%s", err_name(p->err));
                }
            }
        }
        if (core->is_open || core->given_up != ERR_OK || core->pending_count > 0) {
            settle_transaction(core);
        } else if (core->has_membership_change) {
            core_membership_changed(core);
        } else if (core->range_count > 0) {
            core_send_ranges(core);
        } else if (!may_make_frontier(core)) {
            break;
        }
    }
    if (core->writer.is_gap_open) {
        core_own_gap(core);
    }
}

/* ---- jobs of other threads ---- */

/* Below the reserve nothing else may share its transaction. */
static enum err run_small(struct core *core, struct job *job)
{
    enum err err = ERR_BUSY;
    for (int i = 0; i < COMMIT_TRIES_MAX && err == ERR_BUSY; i++) {
        err = store_begin_small(core->store);
        if (err == ERR_OK) {
            err = job->change(&core->writer, job->arg);
            if (err == ERR_OK) {
                err = store_commit(core->store);
            } else {
                store_abort(core->store);
            }
        }
    }
    core->is_broken = core->is_broken || err == ERR_IO;
    return err;
}

void core_run_jobs(struct core *core)
{
    pthread_mutex_lock(&core->lock);
    struct job *job = core->first;
    core->first = core->last = NULL;
    pthread_mutex_unlock(&core->lock);
    while (job != NULL) {
        struct job *next = job->next;
        if (core->given_up != ERR_OK) {
            core_settle(core);
        }
        if (job->change == NULL) {
            job_finish(core, job, core_take_live(core, job->arg));
        } else {
            enum err err = core_begin(core);
            struct pending *p = err == ERR_OK ? core_pending(core) : NULL;
            if (err == ERR_FULL && job->is_small) {
                job_finish(core, job, run_small(core, job));
            } else if (p == NULL) {
                job_finish(core, job, err != ERR_OK ? err : ERR_MEMORY);
            } else {
                size_t at = core->pending_count - 1;
                struct pending done = {.type = PENDING_JOB, .job = job};
                done.err = job_change(core, job);
                core->pending[at] = done;
            }
        }
        job = next;
    }
}

static enum err submit(struct core *core, struct job *job)
{
    pthread_mutex_lock(&core->lock);
    if (core->is_closed) {
        pthread_mutex_unlock(&core->lock);
        return ERR_UNREACHABLE;
    }
    if (core->last != NULL) {
        core->last->next = job;
    } else {
        core->first = job;
    }
    core->last = job;
    uint64_t one = 1;
    (void)!write(core->wake, &one, sizeof one);
    while (!job->is_done) {
        pthread_cond_wait(&core->done, &core->lock);
    }
    pthread_mutex_unlock(&core->lock);
    return job->err;
}

enum err core_change(struct core *core, writer_change change, void *arg)
{
    return submit(core, &(struct job){.change = change, .arg = arg});
}

enum err core_change_small(struct core *core, writer_change change, void *arg)
{
    return submit(core, &(struct job){.change = change, .arg = arg, .is_small = true});
}

enum err core_live(struct core *core, struct live *ret) { return submit(core, &(struct job){.arg = ret}); }

#include "tests/sim/disk.h"

#include <stdlib.h>

void disk_init(struct disk *disk, struct registry *registry, uint32_t self)
{
    memset(disk, 0, sizeof *disk);
    disk->self = self;
    disk->registry = registry;
}

void disk_fini(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->log_count; i++) {
        free(disk->logs[i].commits);
        free(disk->logs[i].branch);
    }
    free(disk->logs);
    free(disk->notices);
}

static void *grow(void *list, uint32_t count, uint32_t *cap, size_t item)
{
    if (count < *cap) {
        return list;
    }
    *cap = *cap == 0 ? 16 : *cap * 2;
    list = realloc(list, *cap * item);
    if (list == NULL) {
        abort();
    }
    return list;
}

struct disk_log *disk_log(const struct disk *disk, const struct log_id *log)
{
    for (uint32_t i = 0; i < disk->log_count; i++) {
        if (log_id_compare(&disk->logs[i].log->birth.log, log) == 0) {
            return &disk->logs[i];
        }
    }
    return NULL;
}

uint32_t disk_counts(const struct disk_log *log)
{
    return log->cut < log->durable ? log->cut : log->durable;
}

bool disk_head(const struct disk_log *log, struct head *ret)
{
    uint32_t counts = disk_counts(log);
    const struct chain *chain = counts == 0 ? &log->log->birth : &log->commits[counts - 1]->chain;

    ret->log = chain->log;
    ret->seq = chain->seq;
    ret->entries = chain->entries;
    ret->hash = chain->hash;
    return log->is_birth_durable;
}

const struct chain *disk_chain(const struct disk_log *log)
{
    return log->count == 0 ? &log->log->birth : &log->commits[log->count - 1]->chain;
}

const struct sim_notice *disk_act_of(const struct disk *disk, uint32_t node)
{
    const struct sim_notice *ret = NULL;

    for (uint32_t i = 0; i < disk->notice_count; i++) {
        const struct sim_notice *notice = disk->notices[i].live;

        if (notice != NULL && notice->ref.kind == NOTICE_ACT && notice->subject == node && (ret == NULL || notice->ref.counter > ret->ref.counter)) {
            ret = notice;
        }
    }
    return ret;
}

/* Where the acts held end a log: at what they name of it, else at its birth. */
static void log_cut(const struct disk *disk, struct disk_log *log)
{
    const struct sim_notice *act = disk_act_of(disk, log->log->author);

    log->cut = act == NULL || act->is_lift ? CUT_NONE : 0;
    for (size_t i = 0; log->cut == 0 && i < act->head_count; i++) {
        if (log_id_compare(&act->heads[i].log, &log->log->birth.log) == 0) {
            log->cut = (uint32_t)act->heads[i].seq;
            break;
        }
    }
}

static void logs_cut(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->log_count; i++) {
        log_cut(disk, &disk->logs[i]);
    }
}

struct disk_log *disk_open(struct disk *disk, const struct sim_log *log)
{
    struct disk_log *ret;

    disk->logs = grow(disk->logs, disk->log_count, &disk->log_cap, sizeof *disk->logs);
    ret = &disk->logs[disk->log_count++];
    memset(ret, 0, sizeof *ret);
    ret->log = log;
    ret->source = UINT32_MAX;
    ret->is_changed = true;
    disk->is_staged = true;
    for (uint32_t i = 0; i < disk->notice_count; i++) { /* a proof may have come before the log */
        const struct sim_notice *notice = disk->notices[i].live;

        if (notice != NULL && notice->ref.kind == NOTICE_FORK_PROOF && log_id_compare(&notice->heads[0].log, &log->birth.log) == 0) {
            ret->fork = notice->heads[0].seq;
        }
    }
    log_cut(disk, ret);
    return ret;
}

void disk_append(struct disk *disk, struct disk_log *log, struct sim_commit *commit)
{
    log->commits = grow(log->commits, log->count, &log->cap, sizeof(struct sim_commit *));
    log->commits[log->count++] = commit;
    log->is_changed = true;
    disk->is_staged = true;
}

void disk_truncate(struct disk_log *log, uint32_t count)
{
    if (log->count > count) {
        log->count = count;
    }
    if (log->durable > count) {
        log->durable = count;
    }
    log->is_changed = true;
}

/* ---- notices ---- */

static bool is_same_subject(const struct notice_ref *a, const struct notice_ref *b)
{
    return a->kind == b->kind && memcmp(a->subject, b->subject, sizeof a->subject) == 0 && (a->kind != NOTICE_ACT || a->counter == b->counter);
}

struct disk_notice *disk_notice_of(const struct disk *disk, const struct notice_ref *ref)
{
    for (uint32_t i = 0; i < disk->notice_count; i++) {
        const struct disk_notice *notice = &disk->notices[i];
        const struct sim_notice *any = notice->staged != NULL ? notice->staged : notice->live;

        if (any != NULL && is_same_subject(&any->ref, ref)) {
            return &disk->notices[i];
        }
    }
    return NULL;
}

/* Does `a` stand instead of `b`? The same answer at every node, whatever the order: higher counters; of two with one
 * counter the lower hash; of two proofs the lower (seq, hashes). */
static bool is_stronger(const struct sim_notice *a, const struct sim_notice *b)
{
    if (a->ref.kind == NOTICE_FORK_PROOF) {
        int order;

        if (a->heads[0].seq != b->heads[0].seq) {
            return a->heads[0].seq < b->heads[0].seq;
        }
        order = memcmp(a->proof_a.b, b->proof_a.b, sizeof a->proof_a.b);
        return order < 0 || (order == 0 && memcmp(a->proof_b.b, b->proof_b.b, sizeof a->proof_b.b) < 0);
    }
    if (a->ref.counter != b->ref.counter) {
        return a->ref.counter > b->ref.counter;
    }
    return memcmp(a->ref.hash, b->ref.hash, sizeof a->ref.hash) < 0;
}

static void log_fork(struct disk *disk, const struct head *at)
{
    struct disk_log *log = disk_log(disk, &at->log);

    if (log == NULL) {
        return;
    }
    log->fork = at->seq;
    disk_truncate(log, (uint32_t)at->seq - 1);
    log->is_closed = true;
}

static void notice_promote(struct disk_notice *notice)
{
    if (notice->staged == NULL) {
        return;
    }
    if (notice->live != NULL && notice->live->ref.kind == NOTICE_FRONTIER) {
        notice->before[2] = notice->before[1];
        notice->before[1] = notice->before[0];
        notice->before[0] = notice->live;
    }
    notice->live = notice->staged;
    notice->durable = notice->staged;
    notice->staged = NULL;
}

enum err disk_notice(struct disk *disk, struct sim_notice *notice, uint32_t source)
{
    struct disk_notice *held = disk_notice_of(disk, &notice->ref);

    if (held == NULL) {
        disk->notices = grow(disk->notices, disk->notice_count, &disk->notice_cap, sizeof *disk->notices);
        held = &disk->notices[disk->notice_count++];
        memset(held, 0, sizeof *held);
    } else if (!is_stronger(notice, held->staged != NULL ? held->staged : held->live)) {
        return ERR_STALE;
    }
    held->staged = notice;
    held->source = source;
    disk->is_staged = true;
    if (notice->ref.kind == NOTICE_FORK_PROOF) {
        notice_promote(held);
        log_fork(disk, &notice->heads[0]);
    }
    if (notice->ref.kind == NOTICE_ACT) {
        notice_promote(held);
        logs_cut(disk);
    }
    return ERR_OK;
}

/* ---- the gate ---- */

static enum err birth_admit(struct disk *disk, struct span item, const struct log_id *id, uint32_t source, struct disk_log **ret)
{
    struct registry *registry = disk->registry;
    const char *clause = NULL;
    struct birth birth;
    struct chain chain;
    struct log_id log;
    uint32_t node;
    enum err err = birth_peek(registry->unpack, item, &birth, &log, &clause);

    if (err != ERR_OK) {
        return err;
    }
    node = registry_node(registry, &birth.node);
    if (log_id_compare(&log, id) != 0 || node == UINT32_MAX) {
        return node == UINT32_MAX ? ERR_UNKNOWN_KEY : ERR_CHAIN;
    }
    err = birth_check(registry->unpack, item, &registry->region, &registry->identities[node], registry_check(registry), &birth, &chain, &clause);
    if (err != ERR_OK) {
        return err;
    }
    if (registry_log(registry, id) == NULL) {
        return ERR_CORRUPT; /* S1: nobody ever made this log */
    }
    *ret = disk_open(disk, registry_log(registry, id));
    (*ret)->source = source;
    (*ret)->start = UINT32_MAX; /* nothing of it was appended in this life */
    return ERR_OK;
}

/* Decode one commit and check it as the one after `chain`; find it in the book. */
static enum err commit_read(struct disk *disk, struct span item, const struct chain *after, struct sim_commit **ret)
{
    struct registry *registry = disk->registry;
    struct commit *commit = registry->scratch;
    struct chain chain = *after;
    const char *clause = NULL;
    struct span reduced;
    enum err err = commit_unpack(registry->packer, item, &reduced, &clause);

    if (err == ERR_OK) {
        err = commit_reduced_decode(registry->unpack, reduced, commit, &clause);
    }
    if (err == ERR_OK) {
        err = commit_check(&chain, commit, registry_check(registry), &clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    *ret = registry_commit(registry, &chain.hash);
    return *ret == NULL ? ERR_CORRUPT : ERR_OK; /* S1: nobody ever signed this commit */
}

/* A commit at a number that is held: the same, or a fork. */
static enum err commit_compare(struct disk *disk, struct disk_log *log, uint64_t seq, struct span item, struct sim_notice **ret_proof)
{
    struct sim_commit *ours = log->commits[seq - 1];
    const struct chain *before = seq == 1 ? &log->log->birth : &log->commits[seq - 2]->chain;
    struct sim_commit *theirs = NULL;
    enum err err;

    if (span_equal(ours->packed, item)) {
        return ERR_OK;
    }
    err = commit_read(disk, item, before, &theirs);
    if (err != ERR_OK) {
        return err;
    }
    if (theirs == ours) {
        return ERR_OK;
    }
    *ret_proof = registry_proof(disk->registry, ours, theirs);
    return ERR_FORK;
}

/* The author proves no fork against itself: a closed own log gives way to what others hold of it. What never left is
 * missed by nobody; if it did leave, those who have it make the proof. */
static bool own_yields(const struct disk *disk, const struct disk_log *log)
{
    return log->log->author == disk->self && log->is_closed;
}

static enum err item_admit(struct disk *disk, struct disk_log *log, uint64_t seq, struct span item, bool *is_new, struct sim_notice **ret_proof)
{
    struct sim_commit *commit = NULL;
    enum err err;

    if (log->fork != 0 && seq >= log->fork) {
        return ERR_FORK;
    }
    if (seq <= log->count) {
        if (!own_yields(disk, log)) {
            return commit_compare(disk, log, seq, item, ret_proof);
        }
        if (span_equal(log->commits[seq - 1]->packed, item)) {
            return ERR_OK;
        }
        disk_truncate(log, (uint32_t)seq - 1);
    }
    if (seq != (uint64_t)log->count + 1) {
        return ERR_GAP;
    }
    err = commit_read(disk, item, disk_chain(log), &commit);
    if (err == ERR_OK) {
        disk_append(disk, log, commit);
        *is_new = seq <= log->cut;
        err = *is_new ? ERR_OK : ERR_CUT; /* kept all the same */
    }
    return err;
}

enum err disk_admit(struct disk *disk, struct span body, uint32_t source, bool *ret_is_new, struct sim_notice **ret_proof, struct log_id *ret_log)
{
    static struct seg seg;
    const char *clause = NULL;
    struct disk_log *log;
    enum err err = seg_decode(disk->registry->unpack, body, &seg, &clause);

    *ret_is_new = false;
    *ret_proof = NULL;
    if (err != ERR_OK) {
        return err;
    }
    *ret_log = seg.log;
    log = disk_log(disk, &seg.log);
    for (uint32_t i = 0; i < seg.count && err == ERR_OK; i++) {
        uint64_t seq = seg.first + i;

        if (seq == 0) {
            if (log == NULL) {
                err = birth_admit(disk, seg.items[i], &seg.log, source, &log);
                *ret_is_new = *ret_is_new || err == ERR_OK;
            }
        } else if (log == NULL) {
            err = ERR_UNKNOWN_LOG;
        } else {
            bool is_new = false;

            err = item_admit(disk, log, seq, seg.items[i], &is_new, ret_proof);
            if (is_new) {
                log->source = source;
                *ret_is_new = true;
            }
        }
    }
    if (*ret_proof != NULL && disk_notice(disk, *ret_proof, UINT32_MAX) != ERR_OK) {
        *ret_proof = NULL;
    }
    return err == ERR_OK && !*ret_is_new ? ERR_STALE : err;
}

/* ---- power ---- */

void disk_sync(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->log_count; i++) {
        disk->logs[i].durable = disk->logs[i].count;
        disk->logs[i].is_birth_durable = true;
    }
    for (uint32_t i = 0; i < disk->notice_count; i++) {
        notice_promote(&disk->notices[i]);
    }
    disk->is_staged = false;
}

static void log_drop(struct disk *disk, uint32_t index)
{
    free(disk->logs[index].commits);
    free(disk->logs[index].branch);
    disk->logs[index] = disk->logs[--disk->log_count];
}

void disk_crash(struct disk *disk)
{
    for (uint32_t i = disk->log_count; i > 0; i--) {
        struct disk_log *log = &disk->logs[i - 1];

        if (!log->is_birth_durable) {
            log_drop(disk, i - 1);
            continue;
        }
        log->count = log->durable;
        log->is_changed = false;
    }
    for (uint32_t i = disk->notice_count; i > 0; i--) {
        struct disk_notice *notice = &disk->notices[i - 1];

        notice->staged = NULL;
        notice->live = notice->durable;
        if (notice->durable == NULL) {
            disk->notices[i - 1] = disk->notices[--disk->notice_count];
        }
    }
    disk->is_staged = false;
}

void disk_image(struct disk *disk)
{
    disk->has_image = true;
    for (uint32_t i = 0; i < disk->log_count; i++) {
        disk->logs[i].has_image = disk->logs[i].is_birth_durable;
        disk->logs[i].image = disk->logs[i].durable;
    }
    for (uint32_t i = 0; i < disk->notice_count; i++) {
        disk->notices[i].image = disk->notices[i].durable;
    }
}

void disk_restore(struct disk *disk)
{
    for (uint32_t i = disk->log_count; i > 0; i--) {
        struct disk_log *log = &disk->logs[i - 1];

        if (!log->has_image) {
            log_drop(disk, i - 1);
            continue;
        }
        if (log->image < log->count) { /* a fork proven meanwhile may have left less */
            log->count = log->image;
        }
        log->durable = log->count;
        log->fork = 0;
        log->is_closed = false;
    }
    for (uint32_t i = disk->notice_count; i > 0; i--) {
        struct disk_notice *notice = &disk->notices[i - 1];

        notice->live = notice->image;
        notice->durable = notice->image;
        notice->staged = NULL;
        memset(notice->before, 0, sizeof notice->before);
        if (notice->image == NULL) {
            disk->notices[i - 1] = disk->notices[--disk->notice_count];
        }
    }
    for (uint32_t i = 0; i < disk->notice_count; i++) {
        if (disk->notices[i].live->ref.kind == NOTICE_FORK_PROOF) {
            log_fork(disk, &disk->notices[i].live->heads[0]);
        }
    }
    logs_cut(disk);
}

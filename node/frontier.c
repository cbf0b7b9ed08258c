#include "node/frontier.h"

#include "node/audit.h"

#include <stdlib.h>

#include "crypto/hash.h"

enum { BODY_BYTES_MAX = 1024, NOTICE_ROOM_BYTES = 3072 };

/* Where the counters of our identity key begin. */
static uint64_t counters_begin(const struct writer *writer)
{
    uint32_t keys_before = 0;
    bool is_newest;

    return membership_key_place(writer->membership, &writer->home->node, &writer->home->identity_public, &keys_before, &is_newest) ? notice_counter(keys_before, 0) : 0;
}

enum err frontier_sign(struct writer *writer, const struct head *heads, size_t count, uint64_t counter, struct frontier_new *ret)
{
    struct frontier frontier = {.version = FORMAT_VERSION, .region = writer->home->region, .node = writer->home->node, .clock = wall_now()};
    uint64_t seconds = frontier.clock.ms / 1000, begin = counters_begin(writer);
    uint64_t last = counter >= begin && counter - begin <= NUMBER_MAX ? counter - begin : 0;
    uint8_t *list_memory = malloc(NOTICE_BYTES_MAX), *memory = malloc(BODY_BYTES_MAX + NOTICE_ROOM_BYTES);
    struct out list = out_into(list_memory, NOTICE_BYTES_MAX), body = out_into(memory, BODY_BYTES_MAX);
    struct audit_head audit;
    enum err err = list_memory == NULL || memory == NULL ? ERR_MEMORY : audit_settle(writer, false);

    if (err == ERR_OK) {
        err = audit_head_now(writer->store, &audit);
    }
    *ret = (struct frontier_new){0};
    frontier.counter = seconds > last ? seconds : last + 1;
    frontier.roster_number = membership_roster_number(writer->membership);
    frontier.roster_hash = *membership_roster_hash(writer->membership);
    frontier.acts_digest = *membership_acts_digest(writer->membership);
    frontier.head_count = (uint32_t)count;
    if (err == ERR_OK) {
        frontier.audit_life = audit.life;
        frontier.audit_count = audit.count;
        frontier.audit_head = audit.hash;
        struct out whole = out_into(memory + BODY_BYTES_MAX, NOTICE_ROOM_BYTES);
        struct notice notice = {.kind = NOTICE_FRONTIER, .signature_count = 1};

        heads_canonical(heads, count, &list);
        hash_of(HASH_HEADS, out_written(&list), &frontier.heads_digest);
        frontier_encode(&frontier, &body);
        notice.body = out_written(&body);
        sign_make(SIGN_FRONTIER, &writer->home->region, notice.body, writer->home->identity, &notice.signatures[0].signature);
        notice_encode(&notice, &whole);
        err = list.is_full || body.is_full || whole.is_full
                  ? ERR_OVERSIZE
                  : store_admit_notice(writer->store, out_written(&whole), 0, out_written(&list), &ret->ref, &ret->is_new, &ret->clause);
    }
    free(list_memory);
    free(memory);
    return err;
}

/* Nobody is to hold two statements of a hub that exclude each other. */
enum err frontier_common(struct writer *writer, struct head *heads, size_t count)
{
    struct store_read *read = NULL;
    struct commit *commit;
    enum err err;

    if (writer->home->role != ROLE_HUB) {
        return ERR_OK;
    }
    commit = malloc(sizeof *commit);
    err = commit == NULL ? ERR_MEMORY : store_read_begin(writer->store, &read);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        struct head *head = &heads[i];
        struct log_info log;
        struct hash hash;

        if (store_log(read, &head->log, &log) != ERR_OK || log.aside_seq == 0 || log.aside_seq > head->seq) {
            continue;
        }
        if (log.aside_seq == 1) {
            *head = (struct head){.log = head->log};
            memcpy(head->hash.b, head->log.b, sizeof head->hash.b);
            continue;
        }
        err = store_commit_at(read, log.number, log.aside_seq - 1, commit, &hash);
        if (err == ERR_OK) {
            *head = (struct head){head->log, log.aside_seq - 1, commit->entries_total, hash};
        }
    }
    store_read_end(&read);
    free(commit);
    return err;
}

/* ---- of what is on disk ---- */

struct listing {
    struct node_id self;
    struct head *heads;
    size_t count, cap;
    enum err err;
};

static bool list_log(void *arg, const struct log_info *log)
{
    struct listing *l = arg;
    bool is_own = node_id_equal(&log->node, &l->self);

    if (is_own && log->sent.seq == 0 && log->head.seq > 0) {
        return true; /* nobody can hold it yet */
    }
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 128 : 2 * l->cap;
        struct head *more = realloc(l->heads, cap * sizeof *more);

        if (more == NULL) {
            l->err = ERR_MEMORY;
            return false;
        }
        l->heads = more;
        l->cap = cap;
    }
    l->heads[l->count++] = is_own ? log->sent : log->head;
    return true;
}

static int head_compare(const void *a, const void *b) { return log_id_compare(&((const struct head *)a)->log, &((const struct head *)b)->log); }

/* Does the newest own frontier say all this, on this roster? Its counter, 0 when there is none. */
static bool is_said(struct writer *writer, struct store_read *read, const struct listing *l, size_t count, uint64_t *ret_counter)
{
    struct span bytes, heads;
    struct notice notice;
    struct frontier frontier;
    uint8_t *memory = malloc(NOTICE_BYTES_MAX);
    struct out list = out_into(memory, NOTICE_BYTES_MAX);
    bool is_same = false;

    *ret_counter = 0;
    if (memory != NULL && store_notice_newest(read, NOTICE_FRONTIER, &l->self, &bytes, &heads) == ERR_OK &&
        notice_decode(writer->unpack, bytes, &notice, NULL) == ERR_OK && frontier_decode(writer->unpack, notice.body, &frontier, NULL) == ERR_OK) {
        *ret_counter = counters_begin(writer) + frontier.counter; /* those by another key are not held */
        heads_canonical(l->heads, count, &list);
        is_same = !list.is_full && span_equal(out_written(&list), heads) && frontier.roster_number == membership_roster_number(writer->membership) &&
                  hash_equal(&frontier.roster_hash, membership_roster_hash(writer->membership)) &&
                  hash_equal(&frontier.acts_digest, membership_acts_digest(writer->membership));
    }
    free(memory);
    return is_same;
}

enum err frontier_now(struct writer *writer, void *arg)
{
    struct frontier_new *fresh = arg;
    struct listing l = {.self = writer->home->node};
    struct store_read *read = NULL;
    uint64_t counter = 0;
    bool has_said = true;
    enum err err;

    *fresh = (struct frontier_new){0};
    if (writer->membership == NULL || membership_peer(writer->membership, &writer->home->node) == NULL) {
        return ERR_NOT_MEMBER;
    }
    err = store_read_begin(writer->store, &read);
    if (err == ERR_OK) {
        err = store_logs(read, list_log, &l);
        err = err == ERR_OK ? l.err : err;
        if (err == ERR_OK) {
            if (l.count > 0) {
                qsort(l.heads, l.count, sizeof *l.heads, head_compare);
            }
            l.count = l.count < FRONTIER_HEADS_MAX ? l.count : FRONTIER_HEADS_MAX;
            err = frontier_common(writer, l.heads, l.count);
        }
        if (err == ERR_OK) {
            has_said = is_said(writer, read, &l, l.count, &counter);
        }
        store_read_end(&read);
    }
    if (err == ERR_OK && !has_said) {
        err = frontier_sign(writer, l.heads, l.count, counter, fresh);
        if (err == ERR_OK && fresh->is_new) {
            err = writer_note(writer, &fresh->ref);
        }
    }
    free(l.heads);
    return err;
}

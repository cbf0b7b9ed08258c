#include "node/quarantine.h"

#include "node/cut.h"

#include <stdlib.h>

struct reading {
    struct store_read *read;
    const struct membership *membership;
    const struct node_id *only; /* or NULL */
    struct quarantine *quarantine;
    struct commit *commit;
    enum err err;
};

/* ---- by what ---- */

static void cause_find(const struct membership *membership, const struct node_id *node, struct quarantine_node *ret)
{
    const struct member *named = membership_named(membership, node);
    struct membership_act act;

    ret->node = *node;
    if (named != NULL) {
        memcpy(ret->name, named->name, sizeof ret->name);
    }
    for (size_t i = 0; membership_act_at(membership, i, &act); i++) {
        if (act.kind == ACT_SUSPEND && node_id_equal(&act.subject, node)) {
            size_t n = strlen(act.reason);

            ret->cause = QUARANTINE_SUSPENDED;
            ret->by = act.registrar;
            ret->when = act.created;
            memcpy(ret->reason, act.reason, n < sizeof ret->reason ? n : sizeof ret->reason - 1);
            return;
        }
    }
    ret->cause = membership_is_revoked(membership, node) ? QUARANTINE_REMOVED : QUARANTINE_REPLACED;
}

/* ---- which logs ---- */

static struct quarantine_node *node_of(struct reading *r, const struct node_id *node)
{
    struct quarantine *q = r->quarantine;
    struct quarantine_node *more;

    for (size_t i = 0; i < q->count; i++) {
        if (node_id_equal(&q->nodes[i].node, node)) {
            return &q->nodes[i];
        }
    }
    more = realloc(q->nodes, (q->count + 1) * sizeof *more);
    if (more == NULL) {
        r->err = ERR_MEMORY;
        return NULL;
    }
    q->nodes = more;
    q->nodes[q->count] = (struct quarantine_node){0};
    cause_find(r->membership, node, &q->nodes[q->count]);
    return &q->nodes[q->count++];
}

static enum err time_at(struct reading *r, const struct log_info *log, uint64_t seq, struct wall_ms *ret)
{
    struct hash hash;
    enum err err = store_commit_at(r->read, log->number, seq, r->commit, &hash);

    if (err == ERR_OK) {
        *ret = r->commit->author_time;
    }
    return err;
}

static bool log_take(void *arg, const struct log_info *log)
{
    struct reading *r = arg;
    struct quarantine_node *node;
    struct quarantine_log *more;

    if (log->held_seq <= log->head.seq || (r->only != NULL && !node_id_equal(&log->node, r->only)) ||
        (log->has_fork && membership_find(r->membership, &log->node) != NULL)) { /* of who is in, that is a dispute */
        return true;
    }
    node = node_of(r, &log->node);
    more = node == NULL ? NULL : realloc(node->logs, (node->log_count + 1) * sizeof *more);
    if (more == NULL) {
        r->err = ERR_MEMORY;
        return false;
    }
    node->logs = more;
    more = &node->logs[node->log_count++];
    *more = (struct quarantine_log){.log = *log};
    node->entries += log->held_entries - log->head.entries;
    node->commits += log->held_seq - log->head.seq;
    r->err = time_at(r, log, log->head.seq + 1, &more->first);
    if (r->err == ERR_OK) {
        r->err = time_at(r, log, log->held_seq, &more->last);
    }
    return r->err == ERR_OK;
}

static int compare_nodes(const void *a, const void *b)
{
    const struct quarantine_node *x = a, *y = b;

    return memcmp(x->node.b, y->node.b, sizeof x->node.b);
}

enum err quarantine_read(struct store_read *read, const struct membership *membership, const char *name, struct quarantine *ret)
{
    struct reading r = {.read = read, .membership = membership, .quarantine = ret};
    struct node_id only;
    enum err err;

    *ret = (struct quarantine){0};
    if (name != NULL) {
        const struct member *member = membership_named_as(membership, name);

        if (member == NULL) {
            return ERR_NOT_FOUND;
        }
        only = member->node;
        r.only = &only;
    }
    r.commit = malloc(sizeof *r.commit);
    err = r.commit == NULL ? ERR_MEMORY : store_logs(read, log_take, &r);
    err = err != ERR_OK ? err : r.err;
    if (ret->count > 1) {
        qsort(ret->nodes, ret->count, sizeof *ret->nodes, compare_nodes);
    }
    free(r.commit);
    return err;
}

void quarantine_fini(struct quarantine *quarantine)
{
    for (size_t i = 0; i < quarantine->count; i++) {
        free(quarantine->nodes[i].logs);
    }
    free(quarantine->nodes);
    *quarantine = (struct quarantine){0};
}

/* ---- extending ---- */

struct extending {
    struct store_read *read;
    struct cut_gather gather;
    struct commit *commit;
    enum err err;
};

static bool log_extend(void *arg, const struct log_info *log)
{
    struct extending *e = arg;
    struct head head = log->head;

    if (!node_id_equal(&log->node, &e->gather.cut->node)) {
        return true;
    }
    if (log->held_seq > head.seq && !log->has_fork) {
        head.seq = log->held_seq;
        e->err = store_commit_at(e->read, log->number, head.seq, e->commit, &head.hash);
        head.entries = log->held_entries;
    }
    if (e->err == ERR_OK && head.seq > 0) {
        cut_gather_add(&e->gather, &head);
    }
    return e->err == ERR_OK;
}

enum err quarantine_extension(struct store_read *read, const struct region_id *region, const struct membership *membership, const char *name, struct extension *ret)
{
    struct extending e = {.read = read, .gather = {.cut = &ret->cut}};
    enum err err;

    memset(ret, 0, sizeof *ret);
    ret->region = *region;
    const struct member *member = membership_named_as(membership, name);
    if (member == NULL) {
        return ERR_NOT_FOUND;
    }
    ret->cut.node = member->node;
    memcpy(ret->name, member->name, sizeof ret->name);
    e.commit = malloc(sizeof *e.commit);
    err = e.commit == NULL ? ERR_MEMORY : store_logs(read, log_extend, &e);
    err = err != ERR_OK ? err : e.err;
    cut_gather_end(&e.gather);
    free(e.commit);
    return err != ERR_OK || ret->cut.head_count > 0 ? err : ERR_NOT_FOUND;
}

/* store.c - what a node's engine asks of its store: commits and notices to send, to admit, to look up. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/world.h"

enum { SEG_OVERHEAD = 64, ITEM_OVERHEAD = 4 };

/* The commit that this node shows this peer at a number: a forker shows the odd ones its other branch. */
static const struct sim_commit *commit_for(const struct disk_log *log, uint64_t seq, uint32_t peer)
{
    bool has_branch = log->branch_count > 0 && peer % 2 == 1 && log->fork == 0;

    if (has_branch && seq >= log->branch_from) {
        return seq - log->branch_from < log->branch_count ? log->branch[seq - log->branch_from] : NULL;
    }
    return seq <= log->durable ? log->commits[seq - 1] : NULL;
}

static bool is_on_chain(const struct disk_log *log, uint64_t seq, uint32_t peer, const struct hash *hash)
{
    static const struct hash zeros;
    const struct sim_commit *commit;

    if (hash_equal(hash, &zeros) || seq == 0) {
        return true;
    }
    commit = commit_for(log, seq, peer);
    return commit != NULL && hash_equal(&commit->chain.hash, hash);
}

/* As many commits as fit, at least one. */
static void segment_build(const struct disk_log *log, const struct sync_action *action, struct seg *seg)
{
    size_t bytes = SEG_OVERHEAD;
    uint64_t seq = action->u.range.has_birth ? action->u.range.after_seq + 1 : 0;

    seg->log = log->log->birth.log;
    seg->first = seq;
    seg->count = 0;
    for (; seq <= action->u.range.until_seq && seg->count < SEG_COMMITS_MAX; seq++) {
        const struct sim_commit *commit = seq == 0 ? NULL : commit_for(log, seq, action->peer);
        struct span item = commit == NULL ? span_of(NULL, 0) : commit->packed;

        if (seq == 0) {
            item = log->log->bytes;
        } else if (commit == NULL) {
            break;
        }
        bytes += item.n + ITEM_OVERHEAD;
        if (seg->count > 0 && bytes > action->u.range.bytes_max) {
            break;
        }
        seg->items[seg->count++] = item;
    }
}

static void sent_tell(struct world *world, struct node *node, const struct sync_event *sent, uint64_t at_us)
{
    struct happening happening = {.type = HAPPEN_SENT, .node = node->index, .at_us = at_us, .sent = *sent};
    uint32_t end = 0;

    if (at_us <= world->now_us) {
        node_todo(node, sent);
        return;
    }
    happening.generation = world_link(world, node->index, sent->peer, &end)->generation;
    world_push(world, &happening);
}

void store_range(struct world *world, struct node *node, const struct sync_action *action)
{
    static uint8_t bytes[2 * FRAME_BYTES_MAX];
    static struct seg seg;
    struct out out = out_into(bytes, sizeof bytes);
    struct disk_log *log = disk_log(&node->disk, &action->u.range.log);
    struct sync_event sent = {.type = SYNC_SENT, .peer = action->peer};
    uint64_t at_us = link_sent_us(world, node->index, action->peer);

    sent.u.sent.log = action->u.range.log;
    sent.u.sent.after_seq = action->u.range.after_seq;
    sent.u.sent.has_birth = action->u.range.has_birth;
    sent.u.sent.last_seq = action->u.range.after_seq;
    if (log == NULL) {
        world_fail(world, "S2: node %u is asked to send a log that it does not hold", node->index);
        return;
    }
    if (!is_on_chain(log, action->u.range.after_seq, action->peer, &action->u.range.hash)) {
        sent.u.sent.is_mismatch = true;
        node_todo(node, &sent);
        return;
    }
    segment_build(log, action, &seg);
    judge_segment(world, node, log, &seg);
    if (seg.count > 0) {
        seg_encode(&seg, &out);
        sent.u.sent.last_seq = seg.first + seg.count - 1;
        sent.u.sent.bytes = (uint32_t)out.at + FRAME_HEADER_BYTES;
        link_send(world, node->index, action->peer, MESSAGE_SEG, out_written(&out));
    }
    sent_tell(world, node, &sent, at_us);
}

static const struct sim_notice *base_find(const struct disk_notice *notice, uint64_t counter)
{
    if (counter == 0 || notice == NULL) {
        return NULL;
    }
    if (notice->live != NULL && notice->live->ref.counter == counter) {
        return notice->live;
    }
    for (size_t i = 0; i < sizeof notice->before / sizeof notice->before[0]; i++) {
        if (notice->before[i] != NULL && notice->before[i]->ref.counter == counter) {
            return notice->before[i];
        }
    }
    return NULL;
}

void store_send_notice(struct world *world, struct node *node, const struct sync_action *action)
{
    static uint8_t heads[FRAME_BYTES_MAX], bytes[2 * FRAME_BYTES_MAX];
    struct out heads_out = out_into(heads, sizeof heads);
    struct out out = out_into(bytes, sizeof bytes);
    const struct disk_notice *held = disk_notice_of(&node->disk, &action->u.notice.ref);
    const struct sim_notice *notice = held == NULL ? NULL : held->live;
    const struct sim_notice *base;

    if (notice == NULL) {
        world_fail(world, "S2: node %u is asked to send a notice that it does not hold", node->index);
        return;
    }
    base = base_find(held, action->u.notice.base);
    if (base != NULL && !registry_is_difference(notice, base)) {
        base = NULL;
    }
    if (notice->ref.kind == NOTICE_FRONTIER) {
        registry_heads(notice, base, &heads_out);
    }
    notice_message_encode(notice->bytes, base == NULL ? 0 : base->ref.counter, out_written(&heads_out), &out);
    link_send(world, node->index, action->peer, MESSAGE_NOTICE, out_written(&out));
}

/* ---- admission ---- */

static void refused_tell(struct node *node, uint32_t peer, bool is_notice, const struct log_id *log, enum err err)
{
    struct sync_event event = {.type = SYNC_REFUSED, .peer = peer};

    event.u.refused.is_notice = is_notice;
    event.u.refused.err = err;
    if (log != NULL) {
        event.u.refused.log = *log;
    }
    node_todo(node, &event);
}

/* A fork proof is durable: first the proof, then what is left of the log. */
static void proof_tell(struct world *world, struct node *node, const struct sim_notice *proof)
{
    struct disk_log *log = disk_log(&node->disk, &proof->heads[0].log);

    world_say(world, "%u proves a fork at %llu", node->index, (unsigned long long)proof->heads[0].seq);
    node_tell_notice(world, node, disk_notice_of(&node->disk, &proof->ref), false);
    if (log != NULL) {
        if (log->log->author == node->index && node->own[log->log->channel] == log->log) {
            node->own[log->log->channel] = NULL;
        }
        node_tell_log(world, node, log, false);
    }
}

void store_admit_segment(struct world *world, struct node *node, const struct sync_action *action)
{
    bool is_new = false;
    struct sim_notice *proof = NULL;
    struct log_id log = action->u.admit.log;
    struct disk_log *before = disk_log(&node->disk, &log);
    uint32_t durable = before == NULL ? 0 : before->durable;
    enum err err = disk_admit(&node->disk, action->u.admit.body, action->peer, &is_new, &proof, &log);

    world_say(world, "%u admits log %d from %u: %s%s", node->index,
              registry_log(node->disk.registry, &log) == NULL ? -1 : (int)registry_log(node->disk.registry, &log)->number, action->peer,
              err_name(err), is_new ? ", new" : "");
    if (err == ERR_CORRUPT) {
        world_fail(world, "S1: node %u admits a commit that nobody signed", node->index);
        return;
    }
    if (proof != NULL) {
        proof_tell(world, node, proof);
    } else if (durable > 0 && disk_log(&node->disk, &action->u.admit.log)->durable < durable) {
        node_tell_log(world, node, disk_log(&node->disk, &action->u.admit.log), false); /* an own log that gave way */
    }
    if (err != ERR_OK) { /* after what it caused, so that nothing is asked from a head that is gone */
        refused_tell(node, action->peer, false, &action->u.admit.log, err);
    }
    node_disk_used(world, node);
}

/* The frontier that a difference refers to, by the node inside. */
static const struct sim_notice *base_of(const struct node *node, struct span bytes, uint64_t counter)
{
    struct notice notice;
    struct frontier frontier;
    struct notice_ref ref = {.kind = NOTICE_FRONTIER};
    const char *clause = NULL;

    if (counter == 0 || notice_decode(node->disk.registry->unpack, bytes, &notice, &clause) != ERR_OK || notice.kind != NOTICE_FRONTIER ||
        frontier_decode(node->disk.registry->unpack, notice.body, &frontier, &clause) != ERR_OK) {
        return NULL;
    }
    memcpy(ref.subject, frontier.node.b, sizeof ref.subject);
    return base_find(disk_notice_of(&node->disk, &ref), counter);
}

void store_admit_notice_body(struct world *world, struct node *node, const struct sync_action *action)
{
    struct span bytes, heads;
    uint64_t base = 0;
    const char *clause = NULL;
    struct sim_notice *notice = NULL;
    enum err err = notice_message_decode(node->disk.registry->unpack, action->u.admit.body, &bytes, &base, &heads, &clause);

    if (err == ERR_OK) {
        notice = registry_read(node->disk.registry, bytes, base, base_of(node, bytes, base), heads, &err);
    }
    if (notice != NULL) {
        err = disk_notice(&node->disk, notice, action->peer);
    }
    if (notice == NULL) {
        world_say(world, "%u cannot use a notice from %u: %s", node->index, action->peer, err_name(err));
    } else {
        world_say(world, "%u admits notice %d of %u counter %llu %02x from %u: %s", node->index, (int)notice->ref.kind, notice->subject,
                  (unsigned long long)notice->ref.counter, notice->ref.hash[0], action->peer, err_name(err));
    }
    if (err != ERR_OK) {
        refused_tell(node, action->peer, true, NULL, err);
        return;
    }
    if (notice->ref.kind == NOTICE_FORK_PROOF) {
        proof_tell(world, node, notice);
    }
    if (notice->ref.kind == NOTICE_ACT) {
        node_tell_act(world, node, notice);
    }
    node_disk_used(world, node);
}

/* ---- own ---- */

static int head_compare(const void *a, const void *b)
{
    return log_id_compare(&((const struct head *)a)->log, &((const struct head *)b)->log);
}

static size_t store_heads(const struct node *node, struct head *ret, size_t max)
{
    size_t n = 0;

    for (uint32_t i = 0; i < node->disk.log_count && n < max; i++) {
        n += disk_head(&node->disk.logs[i], &ret[n]);
    }
    qsort(ret, n, sizeof *ret, head_compare);
    return n;
}

void store_make_frontier(struct world *world, struct node *node)
{
    static struct head heads[FRONTIER_HEADS_MAX];
    size_t n = store_heads(node, heads, FRONTIER_HEADS_MAX);
    struct notice_ref ref = {.kind = NOTICE_FRONTIER};
    const struct disk_notice *held;
    uint64_t counter = 1;

    memcpy(ref.subject, world->registry.nodes[node->index].b, sizeof ref.subject);
    held = disk_notice_of(&node->disk, &ref);
    if (held != NULL) {
        counter = (held->staged != NULL ? held->staged : held->live)->ref.counter + 1;
    }
    (void)disk_notice(&node->disk, registry_frontier(&world->registry, node->index, counter, heads, n, hostile_clock_ms(world, node)), UINT32_MAX);
    node_disk_used(world, node);
}

void store_look_up(struct world *world, struct node *node, const struct sync_action *action)
{
    const struct disk_log *log = disk_log(&node->disk, &action->u.look_up.log);
    struct sync_event event = {.type = SYNC_FOUND, .peer = UINT32_MAX};

    (void)world;
    event.u.found.log = action->u.look_up.log;
    event.u.found.seq = action->u.look_up.seq;
    if (log != NULL && action->u.look_up.seq >= 1 && action->u.look_up.seq <= log->durable) {
        event.u.found.is_found = true;
        event.u.found.hash = log->commits[action->u.look_up.seq - 1]->chain.hash;
    }
    node_todo(node, &event);
}

/* The log is closed for good. */
void store_own_ahead(struct world *world, struct node *node, const struct log_id *id)
{
    struct disk_log *log = disk_log(&node->disk, id);

    if (log == NULL) {
        return;
    }
    if (!log->is_closed) {
        world_say(world, "%u: others hold more of own log %u", node->index, log->log->number);
    }
    log->is_closed = true; /* it may have been, in an earlier life */
    if (node->own[log->log->channel] == log->log) {
        node->own[log->log->channel] = NULL;
    }
    log->is_taken_back = !node->is_released && log->count > log->start;
    node->has_taken_back = node->has_taken_back || log->is_taken_back;
    if (!log->is_taken_back) { /* it gave way, though there was nothing to take back */
        log->source = UINT32_MAX;
        node_tell_log(world, node, log, false);
    }
}

/* What was appended to it since the start has not left when there was no echo yet: it is taken back and issued again in a
 * new incarnation. After the actions of that step, which still speak of the head that was. */
void store_take_back(struct world *world, struct node *node)
{
    node->has_taken_back = false;
    for (uint32_t i = 0; i < node->disk.log_count; i++) {
        struct disk_log *log = &node->disk.logs[i];
        enum channel channel = log->log->channel;

        if (!log->is_taken_back) {
            continue;
        }
        log->is_taken_back = false;
        if (log->count > log->start) {
            for (uint32_t k = 0; k < node->todo_count; k++) {
                struct sync_event *event = &node->todo[node->todo_first + k];

                if (event->type == SYNC_FOUND) {
                    event->u.found.is_found = false; /* what was looked up a moment ago is gone */
                }
            }
            disk_truncate(log, log->start);
            node_tell_log(world, node, log, false);
            node_append(world, node, channel, 1, 2, 60); /* may move the logs: begin again */
            i = UINT32_MAX;
        }
    }
}

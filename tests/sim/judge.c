/* judge.c - what must never happen, looked at after every step, and what must have happened in the end (REPLICATION d). */
#include <stdlib.h>

#include "tests/sim/world.h"

enum {
    MEMORY_MAX = 4 << 20, /* S9: heap bytes of one engine with 26 nodes and a liar among them */
    BUDGET_EVERY = 16,    /* S9 is summed up every so many steps */
};

static struct head_hint hints[HEADS_PER_MESSAGE_MAX];
static struct sub_item subs[SUBS_PER_MESSAGE_MAX];

/* Is (log, seq) of this node on its disk, synced? The commit's hash through `ret`. */
static bool is_durable(const struct node *node, const struct log_id *id, uint64_t seq, struct hash *ret)
{
    const struct disk_log *log = disk_log(&node->disk, id);

    if (log == NULL || !log->is_birth_durable || seq > log->durable) {
        return false;
    }
    *ret = seq == 0 ? log->log->birth.hash : log->commits[seq - 1]->chain.hash;
    return true;
}

static void judge_heads(struct world *world, struct node *node, const struct sync_action *action)
{
    uint32_t end = 0;
    const struct link *link = world_link(world, node->index, action->peer, &end);
    bool is_complete = false;
    size_t count = 0;
    const char *clause = NULL;

    if (heads_message_decode(world->registry.unpack, action->u.send.body, &is_complete, hints, HEADS_PER_MESSAGE_MAX, &count, &clause) != ERR_OK) {
        world_fail(world, "node %u writes HEADS that cannot be read: %s", node->index, clause);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct hash hash;
        uint8_t prefix[8];

        if (!is_durable(node, &hints[i].log, hints[i].seq, &hash)) {
            world_fail(world, "S2: node %u states seq %llu to %u and would lose it in a power cut", node->index, (unsigned long long)hints[i].seq,
                       action->peer);
            return;
        }
        hash_prefix(&link->session, &hash, prefix);
        if (memcmp(prefix, hints[i].prefix, sizeof prefix) != 0) {
            world_fail(world, "S2: node %u states a hash that it does not hold", node->index);
            return;
        }
    }
}

static void judge_sub(struct world *world, struct node *node, const struct sync_action *action)
{
    bool has_digest = false;
    struct hash digest;
    size_t count = 0;
    const char *clause = NULL;

    if (sub_decode(world->registry.unpack, action->u.send.body, &has_digest, &digest, subs, SUBS_PER_MESSAGE_MAX, &count, &clause) != ERR_OK) {
        world_fail(world, "node %u writes SUB that cannot be read: %s", node->index, clause);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct hash hash;

        if (subs[i].has_birth && (!is_durable(node, &subs[i].log, subs[i].seq, &hash) || !hash_equal(&hash, &subs[i].hash))) {
            world_fail(world, "S2: node %u asks from a commit that it does not hold", node->index);
            return;
        }
    }
}

void judge_action(struct world *world, struct node *node, const struct sync_action *action)
{
    if (action->type != SYNC_SEND) {
        return;
    }
    world_note(world, (uint64_t)action->u.send.type, action->u.send.body.n);
    if (action->u.send.body.n + FRAME_HEADER_BYTES > FRAME_BYTES_MAX) {
        world_fail(world, "node %u writes a frame of %zu bytes", node->index, action->u.send.body.n);
    } else if (action->u.send.type == MESSAGE_HEADS) {
        judge_heads(world, node, action);
    } else if (action->u.send.type == MESSAGE_SUB) {
        judge_sub(world, node, action);
    }
}

/* An honest node drops a peer only for silence, or when the peer lies. */
void judge_drop(struct world *world, struct node *node, const struct sync_action *action)
{
    enum err reason = action->u.drop.reason;

    if (action->peer == world->hostile || node->index == world->hostile || replay_concerns(world, node->index) || replay_concerns(world, action->peer)) {
        return;
    }
    if (reason == ERR_NOT_MEMBER && world->subject != NOBODY_OUT) {
        return; /* of who was put out, or by it */
    }
    if (err_blame(reason) == BLAME_PEER && !world->nodes[action->peer].is_liar && !node->is_liar && !world->nodes[action->peer].is_forker) {
        world_fail(world, "node %u blames the honest node %u: %s, %s", node->index, action->peer, err_name(reason),
                   action->u.drop.clause == NULL ? "" : action->u.drop.clause);
    }
}

/* What leaves is durable; and an author that does not mean to fork shows nobody two commits at one number (S3). */
void judge_segment(struct world *world, struct node *node, const struct disk_log *log, const struct seg *seg)
{
    if (!log->is_birth_durable || (log->branch_count == 0 && seg->count > 0 && seg->first + seg->count - 1 > log->durable)) {
        world_fail(world, "S2: node %u sends what a power cut would take", node->index);
    }
    if (seg->count > 0 && log->cut != CUT_NONE && seg->first + seg->count - 1 > log->cut) {
        world_fail(world, "S8: node %u passes on what lies beyond a cut that it knows", node->index);
    }
    if (log->log->author == node->index && !node->is_released) {
        world_fail(world, "S3: node %u sends its own before anybody has shown it", node->index);
    }
}

/* S4: what was told once is lost only by an incident that is on record. */
void judge_stored(struct world *world, struct node *node, const struct disk_log *log, uint64_t seq)
{
    bool is_incident = log->fork != 0 || log->cut != CUT_NONE || (log->log->author == node->index && log->is_closed);

    if (log->is_told && seq < log->told && !is_incident) {
        world_fail(world, "S4: a head of node %u falls from %llu to %llu", node->index, (unsigned long long)log->told, (unsigned long long)seq);
    }
}

void judge_budget(struct world *world, struct node *node)
{
    struct sync_peer peer;

    if (world->steps % BUDGET_EVERY != 0) {
        return;
    }
    if (sync_memory(node->engine) > MEMORY_MAX) {
        world_fail(world, "S9: the engine of node %u uses %zu bytes", node->index, sync_memory(node->engine));
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (sync_peer_at(node->engine, i, &peer) && peer.unknown_logs > UNKNOWN_LOGS_MAX) {
            world_fail(world, "S9: node %u lets %u name %u logs", node->index, i, peer.unknown_logs);
        }
    }
}

/* ---- the end ---- */

/* S3: nobody who did not mean to fork has two commits at one number, both held by others. After an image was put back
 * one hub's echo is enough to go on, and another hub may know better: then it is a fork, and proven like any other. */
static void judge_forks(struct world *world)
{
    const struct registry *registry = &world->registry;

    for (uint32_t i = 0; i < registry->commit_cap; i++) {
        const struct sim_commit *a = registry->commits[i];

        if (a == NULL || !a->is_visible || world->nodes[a->log->author].is_forker || world->nodes[a->log->author].is_restored) {
            continue;
        }
        for (uint32_t k = i + 1; k < registry->commit_cap; k++) {
            const struct sim_commit *b = registry->commits[k];

            if (b != NULL && b->is_visible && b->log == a->log && b->chain.seq == a->chain.seq) {
                world_fail(world, "S3: node %u has forked its log %u at %llu without meaning to", a->log->author, a->log->number,
                           (unsigned long long)a->chain.seq);
                return;
            }
        }
    }
}

/* Must this node end like the others? Not a hub that has turned; nor whoever forks while such a hub keeps his branches apart: nobody may ever tell him. */
static bool is_judged(const struct world *world, uint32_t node)
{
    return node != world->out && node != world->hostile && (world->hostile == UINT32_MAX || !world->nodes[node].is_forker);
}

/* What it holds is what all must hold. */
static uint32_t first_honest(const struct world *world)
{
    uint32_t node = 0;

    while (!is_judged(world, node)) {
        node++;
    }
    return node;
}

bool judge_is_converged(struct world *world)
{
    uint32_t first = first_honest(world);
    struct hash heads, notices, other;

    for (uint32_t i = 0; i < world->node_count; i++) {
        if (!world->nodes[i].is_up) {
            return false;
        }
    }
    sync_heads_digest(world->nodes[first].engine, &heads);
    sync_notices_digest(world->nodes[first].engine, &notices);
    for (uint32_t i = first + 1; i < world->node_count; i++) {
        if (!is_judged(world, i)) {
            continue;
        }
        sync_heads_digest(world->nodes[i].engine, &other);
        if (!hash_equal(&heads, &other)) {
            return false;
        }
        sync_notices_digest(world->nodes[i].engine, &other);
        if (!hash_equal(&notices, &other)) {
            return false;
        }
    }
    return true;
}

static bool notices_differ(struct world *world, const struct node *a, const struct node *b)
{
    for (uint32_t i = 0; i < a->disk.notice_count; i++) {
        const struct sim_notice *notice = a->disk.notices[i].live;
        const struct disk_notice *other = notice == NULL ? NULL : disk_notice_of(&b->disk, &notice->ref);

        if (notice != NULL && (other == NULL || other->live != notice)) {
            world_fail(world, "L1: nodes %u and %u do not agree on the notice of kind %d about %u: counters %lld and %lld", a->index, b->index,
                       (int)notice->ref.kind, notice->subject, (long long)notice->ref.counter,
                       other == NULL || other->live == NULL ? -1LL : (long long)other->live->ref.counter);
            return true;
        }
    }
    return false;
}

static void stuck_explain(struct world *world)
{
    uint32_t first = first_honest(world);

    for (uint32_t i = first + 1; i < world->node_count; i++) {
        struct node *a = &world->nodes[first];
        struct node *b = &world->nodes[i];

        if (!is_judged(world, i)) {
            continue;
        }
        for (uint32_t k = 0; k < world->registry.log_count; k++) {
            const struct sim_log *log = world->registry.logs[k];
            const struct disk_log *x = disk_log(&a->disk, &log->birth.log);
            const struct disk_log *y = disk_log(&b->disk, &log->birth.log);
            struct head hx = {.seq = UINT64_MAX};
            struct head hy = {.seq = UINT64_MAX};

            if (x != NULL) {
                (void)disk_head(x, &hx);
            }
            if (y != NULL) {
                (void)disk_head(y, &hy);
            }
            if (hx.seq != hy.seq || !hash_equal(&hx.hash, &hy.hash)) {
                world_fail(world, "L1: nodes %u and %u do not agree on log %u of node %u (%lld and %lld)", first, i, log->number, log->author,
                           (long long)hx.seq, (long long)hy.seq);
                return;
            }
        }
    }
    for (uint32_t i = first + 1; i < world->node_count; i++) {
        const struct node *a = &world->nodes[first];
        const struct node *b = &world->nodes[i];

        if (is_judged(world, i) && (notices_differ(world, a, b) || notices_differ(world, b, a))) {
            return;
        }
    }
    for (uint32_t i = first + 1; i < world->node_count; i++) {
        struct hash a, b;

        sync_notices_digest(world->nodes[first].engine, &a);
        sync_notices_digest(world->nodes[i].engine, &b);
        if (is_judged(world, i) && !hash_equal(&a, &b)) {
            world_fail(world, "L1: the engines of %u and %u do not agree on their notices, their disks do", first, i);
            return;
        }
    }
    world_fail(world, "L1: the engines do not agree on their heads, the disks do");
}

/* Nothing durable on a healthy disk has been lost: the longest prefix that any node held when the faults ended is in the
 * common state, unless a fork cut it. */
static uint64_t *heal_counts;
static uint32_t heal_count;

void judge_heal(struct world *world)
{
    heal_counts = realloc(heal_counts, (world->registry.log_count + 1) * sizeof *heal_counts);
    if (heal_counts == NULL) {
        abort();
    }
    heal_count = world->registry.log_count;
    memset(heal_counts, 0, (world->registry.log_count + 1) * sizeof *heal_counts);
    for (uint32_t k = 0; k < world->registry.log_count; k++) {
        for (uint32_t i = 0; i < world->node_count; i++) {
            const struct disk_log *log = disk_log(&world->nodes[i].disk, &world->registry.logs[k]->birth.log);
            bool is_yielding = log != NULL && ((log->log->author == i && (log->is_closed || world->nodes[i].is_restored)) || !is_judged(world, i));

            if (log != NULL && !is_yielding && i != world->out && disk_counts(log) > heal_counts[k]) {
                heal_counts[k] = disk_counts(log);
            }
        }
    }
}

void judge_fini(void)
{
    free(heal_counts);
    heal_counts = NULL;
    heal_count = 0;
}

static void judge_lost(struct world *world)
{
    for (uint32_t k = 0; k < heal_count; k++) {
        const struct disk_log *log = disk_log(&world->nodes[first_honest(world)].disk, &world->registry.logs[k]->birth.log);

        if (heal_counts[k] > 0 && (log == NULL || (log->fork == 0 && log->cut == CUT_NONE && disk_counts(log) < heal_counts[k]))) {
            world_fail(world, "log %u of node %u had %llu commits, %u are left", world->registry.logs[k]->number, world->registry.logs[k]->author,
                       (unsigned long long)heal_counts[k], log == NULL ? 0 : log->durable);
        }
    }
}

/* L4: nobody waits for anything, and everybody knows that. */
static void judge_quiet(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct node *node = &world->nodes[i];

        if (!is_judged(world, i)) {
            continue;
        }
        /* What counts of a node that is out may have been held by one node only, whose disk went back: it is missing for good, and they know it; its logs perhaps not even by name. */
        static const struct node_id unknown;
        uint64_t lost =
            world->out == NOBODY_OUT ? 0 : sync_missing_of(node->engine, &world->registry.nodes[world->out]) + sync_missing_of(node->engine, &unknown);
        /* Only a hub that keeps it may have what nobody else has; or say so. */
        if (sync_missing(node->engine) != lost && world->hostile == UINT32_MAX) {
            world_fail(world, "L4: node %u believes that it misses %llu entries", i, (unsigned long long)sync_missing(node->engine));
        }
        for (uint32_t k = 0; k < world->node_count; k++) {
            struct sync_peer peer;

            if (is_judged(world, k) && sync_peer_at(node->engine, k, &peer) && peer.is_vector_known && (peer.claims != 0 || peer.we_miss != 0 || peer.they_miss != 0)) {
                world_fail(world, "L4: node %u and its peer %u: %u claims open, %llu here and %llu there missing", i, k, peer.claims,
                           (unsigned long long)peer.we_miss, (unsigned long long)peer.they_miss);
            }
        }
    }
}

bool judge_is_quiet(struct world *world)
{
    bool is_quiet;

    judge_quiet(world);
    is_quiet = world->failure[0] == '\0';
    world->failure[0] = '\0';
    return is_quiet;
}

/* S13: one proof a log, the same everywhere (the digests say so), for each log that was really forked and shown. */
static void judge_proofs(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct disk *disk = &world->nodes[i].disk;

        for (uint32_t k = 0; k < disk->notice_count; k++) {
            const struct sim_notice *notice = disk->notices[k].live;
            const struct sim_log *log;
            enum err err = ERR_OK;

            if (notice == NULL || notice->ref.kind != NOTICE_FORK_PROOF) {
                continue;
            }
            log = registry_log(&world->registry, &notice->heads[0].log);
            if (log == NULL || (!world->nodes[log->author].is_forker && !world->nodes[log->author].is_restored)) {
                world_fail(world, "S13: a fork is proven of node %u, which did not fork", log == NULL ? 0 : log->author);
            } else if (i == first_honest(world) && registry_read(&world->registry, notice->bytes, 0, NULL, span_of(NULL, 0), &err) != notice) {
                world_fail(world, "S13: a fork proof does not stand alone: %s", err_name(err));
            }
        }
    }
}

/* S5: the same commits and proofs in another order give the same state. */
static void judge_order(struct world *world)
{
    struct disk disk;
    const struct disk *from = &world->nodes[first_honest(world)].disk;
    static uint8_t bytes[2 * FRAME_BYTES_MAX];
    uint32_t left = 0;

    disk_init(&disk, &world->registry, UINT32_MAX);
    for (uint32_t k = 0; k < from->notice_count; k++) {
        enum notice_kind kind = from->notices[k].live->ref.kind;

        if ((kind == NOTICE_FORK_PROOF || kind == NOTICE_ACT) && rng_chance(&world->rng, 500)) {
            (void)disk_notice(&disk, from->notices[k].live, 0);
        }
    }
    do { /* one commit at a time, of a random log each time */
        left = 0;
        for (uint32_t k = 0; k < from->log_count; k++) {
            const struct disk_log *log = &from->logs[(k * 7 + 3) % from->log_count];
            struct disk_log *to = disk_log(&disk, &log->log->birth.log);
            struct seg seg = {.log = log->log->birth.log, .count = 1};
            struct out out = out_into(bytes, sizeof bytes);
            struct sim_notice *proof = NULL;
            struct log_id id;
            bool is_new;

            if (from->log_count % 7 == 0) {
                log = &from->logs[k];
                to = disk_log(&disk, &log->log->birth.log);
                seg.log = log->log->birth.log;
            }
            if (to != NULL && to->count >= log->count) {
                continue;
            }
            left++;
            if (rng_chance(&world->rng, 300)) {
                continue;
            }
            seg.first = to == NULL ? 0 : to->count + 1;
            seg.items[0] = to == NULL ? log->log->bytes : log->commits[to->count]->packed;
            seg_encode(&seg, &out);
            enum err err = disk_admit(&disk, out_written(&out), 0, &is_new, &proof, &id);
            if (err != ERR_CUT && (err != ERR_OK || !is_new)) {
                world_fail(world, "S5: a commit that all hold is refused in another order");
                left = 0;
                break;
            }
        }
    } while (left > 0);
    for (uint32_t k = 0; k < from->notice_count; k++) { /* the other half comes last */
        if (from->notices[k].live->ref.kind == NOTICE_ACT) {
            (void)disk_notice(&disk, from->notices[k].live, 0);
        }
    }
    disk_sync(&disk);
    for (uint32_t k = 0; k < from->log_count && world->failure[0] == '\0'; k++) {
        const struct disk_log *to = disk_log(&disk, &from->logs[k].log->birth.log);
        struct head ours, theirs;

        if (to == NULL || !disk_head(to, &ours) || !disk_head(&from->logs[k], &theirs) || !hash_equal(&ours.hash, &theirs.hash)) {
            world_fail(world, "S5: another order gives another state of log %u", from->logs[k].log->number);
        }
    }
    disk_fini(&disk);
}

/* T08: after a day at the mercy of one liar an office knows that it is kept from something. */
void judge_eclipse(struct world *world)
{
    struct node_id silent;
    struct mono_ms now = {world_ms(world)};
    uint64_t silence_ms;

    if (world->eclipsed == UINT32_MAX) {
        return;
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        silence_ms = world->nodes[i].is_up ? sync_hub_silence_ms(world->nodes[i].engine, now, &silent) : 0;
        if (i == world->eclipsed && silence_ms < HUB_SILENCE_MS) {
            world_fail(world, "T08: node %u was cut off for a day and no alarm is raised", i);
        } else if (i != world->eclipsed && i != world->hostile && silence_ms >= HUB_SILENCE_MS) {
            world_fail(world, "T08: node %u raises an alarm though both hubs speak with it", i);
        }
    }
}

void judge_end(struct world *world)
{
    judge_forks(world);
    if (!judge_is_converged(world)) {
        stuck_explain(world);
        return;
    }
    judge_lost(world);
    judge_quiet(world);
    judge_proofs(world);
    judge_order(world);
}

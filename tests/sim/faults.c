/* faults.c - what goes wrong and when; then nothing more, and the region has a bounded time to agree. */
#include <stdlib.h>

#include "tests/sim/world.h"

enum {
    HEAL_MAX_US = 240000000, /* a blamed peer waits 60 s, a dead link is found in 20, a frontier takes 40, twice over */
    LOOK_US = 1000000,
};
#define ECLIPSE_US UINT64_C(86400000000)

enum fault {
    FAULT_BREAK,
    FAULT_ONE_WAY,
    FAULT_PARTITION,
    FAULT_CRASH,
    FAULT_IMAGE,
    FAULT_RESTORE,
    FAULT_FORK,
    FAULT_HEAL_LINKS, /* what was cut comes back */
    FAULT_PUT_OUT,    /* the first hub puts an edge out, with a cut; */
    FAULT_EXTEND,     /* the cut is extended to what somebody holds beyond it; */
    FAULT_LIFT,       /* the edge is in again */
    FAULT_END,
};

static void plan(struct world *world, uint64_t at_us, enum happening_type type, uint32_t node, uint64_t what)
{
    struct happening happening = {.type = type, .at_us = at_us, .node = node, .generation = what};

    world_push(world, &happening);
}

static uint32_t any_node(struct world *world)
{
    return (uint32_t)rng_below(&world->rng, world->node_count);
}

static uint32_t any_edge(struct world *world)
{
    return world->hub_count + (uint32_t)rng_below(&world->rng, world->node_count - world->hub_count);
}

/* A day in which little happens, and one office hears nothing of it. */
static void eclipse_plan(struct world *world)
{
    for (uint32_t i = 0; i < 48; i++) {
        plan(world, rng_below(&world->rng, ECLIPSE_US), HAPPEN_APPEND, any_node(world), 0);
    }
    plan(world, ECLIPSE_US, HAPPEN_FAULT, 0, FAULT_END);
}

/* An edge is put out while it writes; then, perhaps, what came late counts after all, and it is in again. Any of this may come to a node before, among or after the entries. */
static void plan_cut(struct world *world, uint64_t end_us)
{
    uint64_t at_us = rng_between(&world->rng, 3000000, end_us);
    uint32_t node = any_edge(world);

    if (!rng_chance(&world->rng, 300) || world->node_count < 4 || world->nodes[node].is_liar) {
        return;
    }
    world->subject = node;
    plan(world, at_us, HAPPEN_FAULT, node, FAULT_PUT_OUT);
    for (int i = 0; i < 8; i++) {
        plan(world, rng_between(&world->rng, at_us > 3000000 ? at_us - 3000000 : 0, at_us + 3000000), HAPPEN_APPEND, node, 0);
    }
    if (rng_chance(&world->rng, 500)) {
        at_us = rng_between(&world->rng, at_us, end_us);
        plan(world, at_us, HAPPEN_FAULT, node, FAULT_EXTEND);
    }
    if (rng_chance(&world->rng, 400)) {
        plan(world, rng_between(&world->rng, at_us, end_us), HAPPEN_FAULT, node, FAULT_LIFT);
    }
}

void faults_plan(struct world *world)
{
    uint64_t end_us = rng_between(&world->rng, 40, 90) * 1000000;
    uint64_t appends = rng_between(&world->rng, 15, 50);
    uint64_t faults = rng_between(&world->rng, 3, 25);

    if (world->options.is_story) {
        world->hostile = world->eclipsed = UINT32_MAX;
        story_run(world);
        return;
    }
    hostile_plan(world);
    if (world->options.threat == THREAT_ECLIPSE) {
        eclipse_plan(world);
        return;
    }
    if (world->options.threat == THREAT_REPLAY) {
        replay_plan(world);
    }
    if (hostile_rolls_back(world)) {
        plan(world, end_us / 3, HAPPEN_FAULT, world->hostile, FAULT_IMAGE);
        plan(world, end_us / 2, HAPPEN_FAULT, world->hostile, FAULT_RESTORE);
        plan(world, end_us + 10000000, HAPPEN_FAULT, world->hostile, FAULT_RESTORE);
    }
    for (uint64_t i = 0; i < appends; i++) {
        plan(world, rng_below(&world->rng, end_us), HAPPEN_APPEND, any_node(world), 0);
    }
    for (uint64_t i = 0; i < faults; i++) {
        plan(world, rng_between(&world->rng, 1000000, end_us), HAPPEN_FAULT, any_node(world), rng_below(&world->rng, FAULT_CRASH + 1));
    }
    if (rng_chance(&world->rng, 250) && world->tape == NULL) { /* what is found out by a replay is no harm of it */
        uint32_t node = any_node(world);
        uint64_t at_us = rng_between(&world->rng, 2000000, end_us / 2);

        plan(world, at_us, HAPPEN_FAULT, node, FAULT_IMAGE);
        plan(world, rng_between(&world->rng, at_us, end_us), HAPPEN_FAULT, node, FAULT_RESTORE);
        for (int i = 0; i < 6; i++) {
            plan(world, rng_between(&world->rng, at_us, end_us), HAPPEN_APPEND, node, 0);
        }
    }
    if (rng_chance(&world->rng, 250) && world->tape == NULL) {
        /* Not the only hub: between honest nodes there has to be a way that no liar stands in. */
        bool is_any = world->hub_count > 1 && world->hostile == UINT32_MAX;

        plan(world, rng_between(&world->rng, 1000000, end_us), HAPPEN_FAULT, is_any ? any_node(world) : any_edge(world), FAULT_FORK);
    }
    if (rng_chance(&world->rng, 150)) {
        world->nodes[any_edge(world)].is_liar = true;
    }
    plan_cut(world, end_us);
    plan(world, end_us, HAPPEN_FAULT, 0, FAULT_END);
}

/* ---- one at a time ---- */

static void restart_later(struct world *world, uint32_t node)
{
    plan(world, world->now_us + rng_between(&world->rng, 50000, 12000000), HAPPEN_START, node, 0);
}

static void heal_later(struct world *world)
{
    plan(world, world->now_us + rng_between(&world->rng, 1000000, 30000000), HAPPEN_FAULT, 0, FAULT_HEAL_LINKS);
}

static void partition(struct world *world)
{
    uint64_t side = rng_next(&world->rng);

    for (uint32_t i = 0; i < world->link_count; i++) {
        struct link *link = &world->links[i];

        if ((side >> link->nodes[0] & 1) != (side >> link->nodes[1] & 1)) {
            link->ways[0].is_dead = true;
            link->ways[1].is_dead = true;
        }
    }
    heal_later(world);
}

static void links_heal(struct world *world)
{
    for (uint32_t i = 0; i < world->link_count; i++) {
        struct link *link = &world->links[i];

        link->ways[0].is_dead = false;
        link->ways[1].is_dead = false;
        if (link->is_doomed && link->is_joined) {
            link_break(world, link);
        }
    }
}

static void end(struct world *world)
{
    world_say(world, "no more faults");
    judge_eclipse(world);
    world->is_healing = true;
    world->heal_us = world->now_us;
    links_heal(world);
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (!world->nodes[i].is_up) {
            plan(world, world->now_us, HAPPEN_START, i, 0);
        }
    }
    for (uint32_t i = 0; i < world->link_count; i++) {
        struct link *link = &world->links[i];

        if (world->nodes[link->nodes[0]].is_liar && link->is_joined) {
            link_break(world, link); /* what it lied about dies with its sessions */
        }
    }
    judge_heal(world);
    plan(world, world->now_us + LOOK_US, HAPPEN_LOOK, 0, 0);
}

static int compare_heads(const void *a, const void *b)
{
    return log_id_compare(&((const struct head *)a)->log, &((const struct head *)b)->log);
}

/* What the first hub that is not hostile decides. It may be down just now: then nothing is decided. The cut is what it holds itself; extended, what some node that is in holds beyond it, as its operator has told. */
static void decide(struct world *world, uint32_t subject, enum fault what)
{
    static struct head heads[CUT_HEADS_MAX];
    struct node *hub = &world->nodes[world->hostile == 0 ? 1 : 0];
    const struct node *holder = what == FAULT_EXTEND ? &world->nodes[any_node(world)] : hub;
    size_t n = 0;

    if (!hub->is_up || (what != FAULT_PUT_OUT && world->out == NOBODY_OUT) || holder->index == subject) {
        return;
    }
    for (uint32_t i = 0; i < holder->disk.log_count && n < CUT_HEADS_MAX && what != FAULT_LIFT; i++) {
        const struct disk_log *log = &holder->disk.logs[i];
        const struct disk_log *before = disk_log(&hub->disk, &log->log->birth.log);
        uint32_t seq = what == FAULT_PUT_OUT ? disk_counts(log) : log->durable;

        if (log->log->author != subject || seq == 0 || !log->is_birth_durable) {
            continue;
        }
        heads[n] = (struct head){log->log->birth.log, seq, 0, log->commits[seq - 1]->chain.hash};
        if (what == FAULT_EXTEND && before != NULL && before->cut != CUT_NONE && before->cut > seq) {
            return; /* this one holds less than counts already */
        }
        n++;
    }
    qsort(heads, n, sizeof *heads, compare_heads);
    struct sim_notice *act = registry_act(&world->registry, hub->index, subject, what == FAULT_PUT_OUT ? 1 : what == FAULT_EXTEND ? 2 : ACT_LIFTS, heads, n, world_ms(world));
    if (disk_notice(&hub->disk, act, UINT32_MAX) == ERR_OK) {
        struct sync_event tick = {.type = SYNC_TICK, .peer = UINT32_MAX};

        world_say(world, "%u is %s", subject, what == FAULT_LIFT ? "in again" : what == FAULT_EXTEND ? "out, with a longer cut" : "put out");
        world->out = what == FAULT_LIFT ? NOBODY_OUT : subject;
        world->cuts++;
        node_tell_act(world, hub, act);
        node_step(world, hub, &tick);
    }
}

static void fault(struct world *world, struct node *node, enum fault what)
{
    struct link *link = &world->links[rng_below(&world->rng, world->link_count)];

    switch (what) {
    case FAULT_BREAK:
        if (link->is_joined) {
            world_say(world, "the line between %u and %u breaks", link->nodes[0], link->nodes[1]);
            link_break(world, link);
        }
        break;
    case FAULT_ONE_WAY:
        world_say(world, "the line between %u and %u dies one way", link->nodes[0], link->nodes[1]);
        link->ways[rng_below(&world->rng, 2)].is_dead = true;
        heal_later(world);
        break;
    case FAULT_PARTITION:
        world_say(world, "the region falls apart");
        partition(world);
        break;
    case FAULT_CRASH:
        if (node->is_up) {
            node_crash(world, node);
            restart_later(world, node->index);
        }
        break;
    case FAULT_IMAGE:
        disk_image(&node->disk);
        break;
    case FAULT_RESTORE:
        if (node->is_up) {
            node_crash(world, node);
            restart_later(world, node->index);
        }
        world_say(world, "%u is put back from an image", node->index);
        disk_restore(&node->disk);
        node->is_restored = true;
        world->restores++;
        break;
    case FAULT_FORK:
        if (node->is_up) {
            node->is_forker = true;
            node_fork(world, node, (enum channel)rng_below(&world->rng, CHANNEL_COUNT));
        }
        break;
    case FAULT_HEAL_LINKS:
        links_heal(world);
        break;
    case FAULT_PUT_OUT:
    case FAULT_EXTEND:
    case FAULT_LIFT:
        decide(world, node->index, what);
        break;
    case FAULT_END:
        end(world);
        break;
    }
}

/* A record now and then, a burst now and then, an import rarely. */
static void append(struct world *world, struct node *node)
{
    enum channel channel = (enum channel)rng_below(&world->rng, CHANNEL_COUNT);
    uint32_t commits = rng_chance(&world->rng, 100) ? (uint32_t)rng_between(&world->rng, 2, 12) : 1;
    uint32_t entries = (uint32_t)rng_between(&world->rng, 1, 3);
    size_t payload_bytes = (size_t)rng_between(&world->rng, 20, 600);

    if (!node->is_up) {
        return;
    }
    if (world->options.is_story) {
        node_append(world, node, CHANNEL_ALERT, 1, 1, 100);
        return;
    }
    if (rng_chance(&world->rng, 20)) {
        commits = 40;
        entries = 8;
        payload_bytes = 1900;
    }
    node_append(world, node, channel, commits, entries, payload_bytes);
}

static void look(struct world *world)
{
    if (judge_is_converged(world) && (replay_is_under_way(world) || judge_is_quiet(world))) {
        if (replay_goes_on(world)) {
            plan(world, world->now_us + LOOK_US, HAPPEN_LOOK, 0, 0);
        } else {
            world->end_us = world->now_us;
        }
    } else if (world->now_us - world->heal_us > HEAL_MAX_US) {
        world->end_us = world->now_us; /* the judge says what is wrong */
    } else {
        plan(world, world->now_us + LOOK_US, HAPPEN_LOOK, 0, 0);
    }
}

void faults_happen(struct world *world, const struct happening *happening)
{
    struct node *node = &world->nodes[happening->node];

    switch ((int)happening->type) {
    case HAPPEN_APPEND:
        append(world, node);
        break;
    case HAPPEN_FAULT:
        fault(world, node, (enum fault)happening->generation);
        break;
    case HAPPEN_LOOK:
        look(world);
        break;
    default:
        break;
    }
}

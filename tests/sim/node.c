/* node.c - a node of a simulated region: feeds its engine, carries out what it asks. Makes no decision of protocol. */
#include <stdlib.h>

#include "tests/sim/world.h"

enum { TICKS_MAX = 2000 }; /* at one instant of virtual time */

void node_todo(struct node *node, const struct sync_event *event)
{
    if (node->todo_first + node->todo_count == node->todo_cap) {
        if (node->todo_first > 0) {
            memmove(node->todo, node->todo + node->todo_first, node->todo_count * sizeof *event);
            node->todo_first = 0;
        } else {
            node->todo_cap = node->todo_cap == 0 ? 64 : node->todo_cap * 2;
            node->todo = realloc(node->todo, node->todo_cap * sizeof *event);
            if (node->todo == NULL) {
                abort();
            }
        }
    }
    node->todo[node->todo_first + node->todo_count++] = *event;
}

static void action_do(struct world *world, struct node *node, const struct sync_action *action)
{
    judge_action(world, node, action);
    if (world->options.is_story) {
        story_action(world, node, action);
    }
    if (world->options.is_trace) {
        trace_action(world, node, action);
    }
    switch (action->type) {
    case SYNC_SEND:
        link_send(world, node->index, action->peer, action->u.send.type, action->u.send.body);
        break;
    case SYNC_SEND_RANGE:
        store_range(world, node, action);
        break;
    case SYNC_SEND_NOTICE:
        store_send_notice(world, node, action);
        break;
    case SYNC_ADMIT:
        store_admit_segment(world, node, action);
        break;
    case SYNC_ADMIT_NOTICE:
        store_admit_notice_body(world, node, action);
        break;
    case SYNC_MAKE_FRONTIER:
        store_make_frontier(world, node);
        break;
    case SYNC_DROP_PEER:
        world_say(world, "%u drops %u: %s %s", node->index, action->peer, err_name(action->u.drop.reason),
                  action->u.drop.clause == NULL ? "" : action->u.drop.clause);
        world->drops++;
        judge_drop(world, node, action);
        link_drop(world, node->index, action->peer, action->u.drop.retry_after_ms);
        break;
    case SYNC_OWN_AHEAD:
        store_own_ahead(world, node, &action->u.own.log);
        break;
    case SYNC_OWN_RELEASED:
        world_say(world, "%u is released", node->index);
        node->is_released = true;
        break;
    case SYNC_LOOK_UP:
        store_look_up(world, node, action);
        break;
    }
}

static void one_step(struct world *world, struct node *node, struct sync_event *event)
{
    struct sync_actions actions;

    event->now.ms = world_ms(world);
    world->steps++;
    if (world->options.is_story) {
        story_event(world, node, event);
    }
    if (sync_step(node->engine, event, &actions) != ERR_OK) {
        world_fail(world, "S9: an engine ran out of memory");
        return;
    }
    for (size_t i = 0; i < actions.count && world->failure[0] == '\0'; i++) {
        world_note(world, (uint64_t)actions.actions[i].type, actions.actions[i].peer);
        action_do(world, node, &actions.actions[i]);
    }
}

static void timer_set(struct world *world, struct node *node)
{
    uint64_t at_ms = sync_deadline(node->engine).ms;
    uint64_t at_us;

    if (at_ms == UINT64_MAX) {
        node->timer_us = UINT64_MAX;
        return;
    }
    at_us = at_ms <= world_ms(world) ? world->now_us : (at_ms - 1000) * 1000;
    if (at_us != node->timer_us) {
        struct happening timer = {.type = HAPPEN_TIMER, .node = node->index, .generation = node->life};

        timer.at_us = at_us;
        node->timer_us = at_us;
        world_push(world, &timer);
    }
}

void node_step(struct world *world, struct node *node, struct sync_event *event)
{
    uint32_t ticks = 0;

    node_todo(node, event);
    if (node->is_stepping) {
        return;
    }
    node->is_stepping = true;
    while (world->failure[0] == '\0') {
        struct sync_event next = {.type = SYNC_TICK, .peer = UINT32_MAX};

        if (node->has_taken_back) {
            store_take_back(world, node);
        }
        if (node->todo_count > 0) {
            next = node->todo[node->todo_first++];
            node->todo_count--;
        } else if (sync_deadline(node->engine).ms > world_ms(world)) {
            break;
        } else if (++ticks > TICKS_MAX) {
            world_fail(world, "L4: node %u asks for ticks without end", node->index);
            break;
        }
        one_step(world, node, &next);
    }
    node->todo_first = 0;
    node->todo_count = 0;
    node->is_stepping = false;
    judge_budget(world, node);
    timer_set(world, node);
}

void node_timer(struct world *world, struct node *node)
{
    struct sync_event tick = {.type = SYNC_TICK, .peer = UINT32_MAX};

    node->timer_us = UINT64_MAX;
    node_step(world, node, &tick);
}

void node_receive(struct world *world, struct node *node, uint32_t from, const struct packet *packet)
{
    struct sync_event event = {.type = SYNC_MESSAGE, .peer = from};

    world_note(world, (uint64_t)packet->type << 32 | packet->bytes, (uint64_t)from << 32 | node->index);
    event.u.message.session = packet->session;
    event.u.message.type = packet->type;
    event.u.message.body = span_of(packet->body, packet->bytes);
    node_step(world, node, &event);
}

/* ---- telling the engine ---- */

void node_tell_log(struct world *world, struct node *node, struct disk_log *log, bool is_start)
{
    struct sync_event event = {.type = SYNC_STORED, .peer = is_start ? UINT32_MAX : log->source};

    if (!disk_head(log, &event.u.stored.head)) {
        return; /* its birth is not synced yet: told then */
    }
    log->is_changed = log->count > log->durable; /* more is staged: told after its sync */
    judge_stored(world, node, log, event.u.stored.head.seq);
    if (log->log->author != node->index) {
        for (uint32_t i = log->durable; i > 0 && !log->commits[i - 1]->is_visible; i--) {
            log->commits[i - 1]->is_visible = true;
        }
    }
    log->is_told = true;
    log->told = event.u.stored.head.seq;
    event.u.stored.node = world->registry.nodes[log->log->author];
    event.u.stored.channel = log->log->channel;
    event.u.stored.is_start = is_start;
    event.u.stored.cut_height = log->cut == CUT_NONE ? 0 : (uint64_t)log->cut + 1;
    world_note(world, event.u.stored.head.seq, log->log->number);
    node_todo(node, &event);
}

void node_tell_notice(struct world *world, struct node *node, const struct disk_notice *notice, bool is_start)
{
    struct sync_event event = {.type = SYNC_NOTICE, .peer = is_start ? UINT32_MAX : notice->source};

    (void)world;
    event.u.notice.ref = notice->live->ref;
    if (notice->live->ref.kind != NOTICE_ACT) {
        event.u.notice.heads = notice->live->heads;
        event.u.notice.head_count = notice->live->head_count;
    }
    event.u.notice.is_start = is_start;
    node_todo(node, &event);
}

void node_disk_used(struct world *world, struct node *node)
{
    if (node->disk.is_staged && !node->is_syncing) {
        struct happening synced = {.type = HAPPEN_SYNCED, .node = node->index, .generation = node->life};

        node->is_syncing = true;
        synced.at_us = world->now_us + rng_long_tail(&world->rng, world->sync_us);
        world_push(world, &synced);
    }
}

/* One transaction is on the disk: tell the engine about each log and notice in it, one after the other. */
void node_synced(struct world *world, struct node *node)
{
    struct sync_event tick = {.type = SYNC_TICK, .peer = UINT32_MAX};
    bool *is_new = calloc(node->disk.notice_count + 1, sizeof *is_new);

    if (is_new == NULL) {
        abort();
    }
    node->is_syncing = false;
    for (uint32_t i = 0; i < node->disk.notice_count; i++) {
        is_new[i] = node->disk.notices[i].staged != NULL;
    }
    disk_sync(&node->disk);
    for (uint32_t i = 0; i < node->disk.log_count; i++) {
        if (node->disk.logs[i].is_changed) {
            node_tell_log(world, node, &node->disk.logs[i], false);
        }
    }
    for (uint32_t i = 0; i < node->disk.notice_count; i++) {
        if (is_new[i]) {
            node_tell_notice(world, node, &node->disk.notices[i], false);
        }
    }
    free(is_new);
    node_step(world, node, &tick);
}

/* ---- life ---- */

static void own_find(struct node *node)
{
    memset(node->own, 0, sizeof node->own);
    for (uint32_t i = 0; i < node->disk.log_count; i++) {
        struct disk_log *log = &node->disk.logs[i];

        log->start = log->count;
        log->is_told = false;
        log->is_taken_back = false;
        if (log->log->author == node->index && !log->is_closed) {
            node->own[log->log->channel] = log->log;
        }
    }
}

/* Who is in, by the acts held. */
static void roster_tell(struct world *world, struct node *node)
{
    struct sync_event roster = {.type = SYNC_ROSTER, .peer = UINT32_MAX};
    struct sync_member *copy = registry_alloc(&world->registry, world->node_count * sizeof *copy);
    size_t n = 0;

    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct sim_notice *act = disk_act_of(&node->disk, i);

        if (act == NULL || act->is_lift) {
            copy[n].node = world->registry.nodes[i];
            copy[n++].role = world->nodes[i].is_hub ? ROLE_HUB : ROLE_EDGE;
        }
    }
    roster.u.roster.members = copy;
    roster.u.roster.count = n;
    node_todo(node, &roster);
}

void node_tell_act(struct world *world, struct node *node, const struct sim_notice *act)
{
    node_tell_notice(world, node, disk_notice_of(&node->disk, &act->ref), false);
    for (uint32_t i = 0; i < node->disk.log_count; i++) {
        if (node->disk.logs[i].log->author == act->subject) {
            node->disk.logs[i].source = UINT32_MAX;
            node_tell_log(world, node, &node->disk.logs[i], false);
        }
    }
    roster_tell(world, node);
}

void node_start(struct world *world, struct node *node)
{
    struct sync_config config = {.role = node->is_hub ? ROLE_HUB : ROLE_EDGE, .timing = world->timing};
    struct sync_event tick = {.type = SYNC_TICK, .peer = UINT32_MAX};

    config.self = world->registry.nodes[node->index];
    config.seed = rng_next(&world->rng);
    node->engine = sync_new(&config);
    if (node->engine == NULL) {
        abort();
    }
    node->is_up = true;
    node->life++;
    node->is_released = false;
    node->is_syncing = false;
    node->has_taken_back = false;
    node->timer_us = UINT64_MAX;
    own_find(node);
    for (uint32_t i = 0; i < node->disk.log_count; i++) {
        node_tell_log(world, node, &node->disk.logs[i], true);
    }
    for (uint32_t i = 0; i < node->disk.notice_count; i++) {
        node_tell_notice(world, node, &node->disk.notices[i], true);
    }
    roster_tell(world, node);
    world_say(world, "%u starts", node->index);
    node_step(world, node, &tick);
}

void node_crash(struct world *world, struct node *node)
{
    world->crashes++;
    world_say(world, "%u loses power", node->index);
    node->is_up = false;
    sync_destroy(&node->engine);
    node->todo_count = 0;
    disk_crash(&node->disk);
    link_node_down(world, node->index);
}

/* ---- own records ---- */

static struct disk_log *own_log(struct world *world, struct node *node, enum channel channel)
{
    if (node->own[channel] == NULL) {
        node->own[channel] = registry_birth(&world->registry, node->index, channel, NULL);
        return disk_open(&node->disk, node->own[channel]);
    }
    return disk_log(&node->disk, &node->own[channel]->birth.log);
}

void node_append(struct world *world, struct node *node, enum channel channel, uint32_t commits, uint32_t entries, size_t payload_bytes)
{
    struct disk_log *log = own_log(world, node, channel);

    world_say(world, "%u appends %u to log %u from %u", node->index, commits, log->log->number, log->count + 1);
    for (uint32_t i = 0; i < commits; i++) {
        disk_append(&node->disk, log, registry_author(&world->registry, log->log, disk_chain(log), entries, payload_bytes, hostile_clock_ms(world, node)));
        if (log->branch_count > 0 && rng_chance(&world->rng, 500)) { /* a forker goes on lying */
            log->branch = realloc(log->branch, (log->branch_count + 1) * sizeof(struct sim_commit *));
            if (log->branch == NULL) {
                abort();
            }
            log->branch[log->branch_count] =
                registry_author(&world->registry, log->log, &log->branch[log->branch_count - 1]->chain, entries, payload_bytes, hostile_clock_ms(world, node));
            log->branch_count++;
        }
        world->commits++;
    }
    log->source = UINT32_MAX;
    node_disk_used(world, node);
}

/* Two commits at one number: one for the even nodes, one for the odd. */
void node_fork(struct world *world, struct node *node, enum channel channel)
{
    struct disk_log *log = own_log(world, node, channel);

    if (log->branch_count > 0 || log->fork != 0) {
        return;
    }
    world_say(world, "%u forks log %u at %u", node->index, log->log->number, log->count + 1);
    log->branch = malloc(sizeof(struct sim_commit *));
    if (log->branch == NULL) {
        abort();
    }
    log->branch[0] = registry_author(&world->registry, log->log, disk_chain(log), 1, 100, hostile_clock_ms(world, node));
    log->branch_count = 1;
    log->branch_from = log->count + 1;
    world->forks++;
    node_append(world, node, channel, 1, 1, 120);
}

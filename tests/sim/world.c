#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t world_ms(const struct world *world)
{
    return world->now_us / 1000 + 1000; /* not zero, which would hide mistakes with unset times */
}

/* FNV-1a over words. */
void world_note(struct world *world, uint64_t a, uint64_t b)
{
    world->trace = (world->trace ^ a) * UINT64_C(0x100000001b3);
    world->trace = (world->trace ^ b ^ world->trace >> 29) * UINT64_C(0x100000001b3);
}

void world_fail(struct world *world, const char *format, ...)
{
    va_list list;

    if (world->failure[0] != '\0') {
        return; /* the first one is the cause */
    }
    va_start(list, format);
    (void)vsnprintf(world->failure, sizeof world->failure, format, list);
    va_end(list);
}

void world_say(struct world *world, const char *format, ...)
{
    va_list list;

    if (!world->options.is_trace) {
        return;
    }
    printf("%9.3f ", (double)world->now_us / 1e6);
    va_start(list, format);
    (void)vprintf(format, list);
    va_end(list);
    (void)putchar('\n');
}

bool world_is_hub(const struct world *world, uint32_t node)
{
    return node < world->hub_count;
}

/* ---- the queue ---- */

static bool is_before(const struct happening *a, const struct happening *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void heap_push(struct world *world, const struct happening *happening)
{
    size_t at = world->heap_count++;

    if (world->heap_count > world->heap_cap) {
        world->heap_cap = world->heap_cap == 0 ? 1024 : world->heap_cap * 2;
        world->heap = realloc(world->heap, world->heap_cap * sizeof *world->heap);
        if (world->heap == NULL) {
            abort();
        }
    }
    while (at > 0 && is_before(happening, &world->heap[(at - 1) / 2])) {
        world->heap[at] = world->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->heap[at] = *happening;
}

static struct happening heap_pop(struct world *world)
{
    struct happening first = world->heap[0];
    struct happening last = world->heap[--world->heap_count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= world->heap_count) {
            break;
        }
        if (child + 1 < world->heap_count && is_before(&world->heap[child + 1], &world->heap[child])) {
            child++;
        }
        if (!is_before(&world->heap[child], &last)) {
            break;
        }
        world->heap[at] = world->heap[child];
        at = child;
    }
    world->heap[at] = last;
    return first;
}

void world_push(struct world *world, const struct happening *happening)
{
    struct happening copy = *happening;

    copy.order = world->order++;
    copy.at_us = copy.at_us < world->now_us ? world->now_us : copy.at_us;
    heap_push(world, &copy);
}

/* ---- one run ---- */

/* Timings near those of a sandbox or an open region; frontiers rarely, they are most of the work. */
static void timing_choose(struct world *world)
{
    world->timing = sync_timing_of(PROFILE_OPEN);
    world->timing.note_ms = (uint32_t)rng_between(&world->rng, 10, 300);
    world->timing.frontier_ms = (uint32_t)rng_between(&world->rng, 10000, 40000);
    world->timing.idle_ping_ms = 60000;
    world->sync_us = rng_between(&world->rng, 500, 10000);
}

void world_init(struct world *world, const struct options *options)
{
    memset(world, 0, sizeof *world);
    world->options = *options;
    world->rng.state = options->seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    world->trace = UINT64_C(0xcbf29ce484222325);
    world->node_count = options->nodes;
    world->hub_count = options->nodes > 3 ? 2 : 1;
    world->out = world->subject = NOBODY_OUT;
    timing_choose(world);
    registry_init(&world->registry, options->seed, options->nodes, !options->is_story && rng_chance(&world->rng, 20));
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct node *node = &world->nodes[i];

        node->index = i;
        node->is_hub = world_is_hub(world, i);
        node->timer_us = UINT64_MAX;
        disk_init(&node->disk, &world->registry, i);
        (void)disk_notice(&node->disk, registry_card(&world->registry, i, 1), UINT32_MAX);
        disk_sync(&node->disk);
    }
    links_init(world);
}

void world_fini(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        sync_destroy(&world->nodes[i].engine);
        disk_fini(&world->nodes[i].disk);
        free(world->nodes[i].todo);
    }
    while (world->heap_count > 0) {
        struct happening happening = heap_pop(world);

        free(happening.packet);
    }
    free(world->heap);
    replay_fini(world);
    free(world->links);
    registry_fini(&world->registry);
}

static void happen(struct world *world, const struct happening *happening)
{
    struct node *node = &world->nodes[happening->node < world->node_count ? happening->node : 0];

    switch (happening->type) {
    case HAPPEN_TIMER:
        if (node->is_up && happening->at_us == node->timer_us && happening->generation == node->life) {
            node_timer(world, node);
        }
        break;
    case HAPPEN_SYNCED:
        if (node->is_up && happening->generation == node->life) {
            node_synced(world, node);
        }
        break;
    case HAPPEN_MESSAGE:
    case HAPPEN_DIAL:
    case HAPPEN_DIALLED:
    case HAPPEN_UP:
    case HAPPEN_DOWN:
    case HAPPEN_SENT:
        link_happen(world, happening);
        break;
    case HAPPEN_START:
        if (!node->is_up) {
            node_start(world, node);
        }
        break;
    case HAPPEN_APPEND:
    case HAPPEN_FAULT:
    case HAPPEN_LOOK:
        faults_happen(world, happening);
        break;
    }
}

enum { STEPS_MAX = 20000000 };

bool world_run(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        node_start(world, &world->nodes[i]);
    }
    faults_plan(world);
    while (world->heap_count > 0 && world->failure[0] == '\0' && world->end_us == 0) {
        struct happening happening = heap_pop(world);

        world->now_us = happening.at_us;
        world_note(world, happening.at_us, (uint64_t)happening.type << 32 | happening.node);
        happen(world, &happening);
        free(happening.packet);
        if (world->steps > STEPS_MAX) {
            world_fail(world, "L4: so many steps that something must go in circles");
        }
    }
    if (world->failure[0] == '\0') {
        judge_end(world);
    }
    return world->failure[0] == '\0';
}

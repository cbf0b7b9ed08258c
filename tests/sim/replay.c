/* replay.c - T06: every frame that one node was sent is kept, and when all agree it comes ten times more, in another order each time: first as it was, which must have
 * no effect at all, then as if its sender said it again in the session that stands. What the region holds stays what it was. */
#include <stdlib.h>

#include "tests/sim/world.h"

enum { ROUNDS = 10, SETTLE_US = 60000000 /* until the last frontiers are signed */ };

struct kept {
    uint32_t from;
    struct packet *packet;
};

struct tape {
    uint32_t node; /* whose frames are kept */
    struct kept *frames;
    size_t count, cap;
    unsigned rounds;
    struct hash heads; /* before the first */
    struct notice_ref *refs;
    uint32_t ref_count;
};

void replay_plan(struct world *world)
{
    world->tape = calloc(1, sizeof *world->tape);
    if (world->tape == NULL) {
        abort();
    }
    world->tape->node = (uint32_t)rng_below(&world->hostile_rng, world->node_count);
}

void replay_fini(struct world *world)
{
    if (world->tape != NULL) {
        for (size_t i = 0; i < world->tape->count; i++) {
            free(world->tape->frames[i].packet);
        }
        free(world->tape->frames);
        free(world->tape->refs);
        free(world->tape);
    }
}

bool replay_concerns(const struct world *world, uint32_t node)
{
    return world->tape != NULL && world->tape->rounds > ROUNDS / 2 && world->tape->node == node;
}

void replay_keep(struct world *world, uint32_t from, uint32_t to, const struct packet *packet)
{
    struct tape *tape = world->tape;
    size_t n = sizeof *packet + packet->bytes;

    if (tape == NULL || tape->node != to || tape->rounds > 0) {
        return;
    }
    if (tape->count == tape->cap) {
        tape->cap = tape->cap == 0 ? 1024 : tape->cap * 2;
        tape->frames = realloc(tape->frames, tape->cap * sizeof *tape->frames);
    }
    struct packet *copy = malloc(n);
    if (tape->frames == NULL || copy == NULL) {
        abort();
    }
    memcpy(copy, packet, n);
    tape->frames[tape->count++] = (struct kept){from, copy};
}

static void frames_shuffle(struct world *world)
{
    struct tape *tape = world->tape;

    for (size_t i = tape->count; i > 1; i--) {
        size_t at = (size_t)rng_below(&world->hostile_rng, i);
        struct kept kept = tape->frames[i - 1];

        tape->frames[i - 1] = tape->frames[at];
        tape->frames[at] = kept;
    }
}

/* The frames of sessions that are over, as they were. */
static void round_as_it_was(struct world *world)
{
    struct tape *tape = world->tape;
    struct node *node = &world->nodes[tape->node];
    uint64_t drops = world->drops;
    uint32_t end;

    for (size_t i = 0; i < tape->count && world->failure[0] == '\0'; i++) {
        const struct kept *kept = &tape->frames[i];
        const struct link *link = world_link(world, tape->node, kept->from, &end);

        if (memcmp(link->session.b, kept->packet->session.b, sizeof link->session.b) != 0) {
            node_receive(world, node, kept->from, kept->packet);
        }
    }
    if (world->drops != drops) {
        world_fail(world, "T06: frames of sessions that are over end one that stands");
    }
}

/* As if whoever sent them did so again. */
static void round_as_if_new(struct world *world)
{
    struct tape *tape = world->tape;
    uint32_t end;

    for (size_t i = 0; i < tape->count && world->failure[0] == '\0'; i++) {
        const struct kept *kept = &tape->frames[i];
        const struct link *link = world_link(world, tape->node, kept->from, &end);

        if (link->is_up[end] && kept->packet->type != MESSAGE_BYE) {
            kept->packet->session = link->session;
            node_receive(world, &world->nodes[tape->node], kept->from, kept->packet);
        }
    }
}

/* What its peers seem to have said of themselves dies with their sessions. */
static void lines_renew(struct world *world)
{
    for (uint32_t i = 0; i < world->link_count; i++) {
        struct link *link = &world->links[i];

        if (link->is_joined && (link->nodes[0] == world->tape->node || link->nodes[1] == world->tape->node)) {
            link_break(world, link);
        }
    }
}

static void state_keep(struct world *world)
{
    struct tape *tape = world->tape;
    const struct disk *disk = &world->nodes[tape->node].disk;

    sync_heads_digest(world->nodes[tape->node].engine, &tape->heads);
    free(tape->refs);
    tape->ref_count = disk->notice_count;
    tape->refs = calloc(tape->ref_count + 1, sizeof *tape->refs);
    if (tape->refs == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < tape->ref_count; i++) {
        tape->refs[i] = disk->notices[i].live->ref;
    }
}

/* The same heads and notices; only frontiers, of which everybody may sign a new one at any time, may be newer. */
static bool state_is_kept(const struct world *world)
{
    const struct tape *tape = world->tape;
    const struct disk *disk = &world->nodes[tape->node].disk;
    struct hash heads;

    sync_heads_digest(world->nodes[tape->node].engine, &heads);
    for (uint32_t i = 0; i < tape->ref_count; i++) {
        const struct notice_ref *now = &disk->notices[i].live->ref, *then = &tape->refs[i];
        bool is_newer = then->kind == NOTICE_FRONTIER && now->counter > then->counter;

        if (!is_newer && (now->counter != then->counter || memcmp(now->hash, then->hash, sizeof now->hash) != 0)) {
            return false;
        }
    }
    return hash_equal(&heads, &tape->heads) && disk->notice_count == tape->ref_count;
}

bool replay_goes_on(struct world *world)
{
    struct tape *tape = world->tape;

    if (tape == NULL) {
        return false;
    }
    if (tape->rounds == 0) {
        state_keep(world);
    } else if (!state_is_kept(world)) {
        world_fail(world, "T06: replay %u has changed what node %u holds", tape->rounds, tape->node);
    }
    if (tape->rounds > ROUNDS || world->failure[0] != '\0') {
        return false;
    }
    if (tape->rounds == 0 && world->now_us - world->heal_us < SETTLE_US) {
        return true;
    }
    frames_shuffle(world);
    tape->rounds++;
    if (tape->rounds <= ROUNDS / 2) {
        round_as_it_was(world);
    } else if (tape->rounds <= ROUNDS) {
        round_as_if_new(world);
    } else {
        lines_renew(world);
    }
    world->heal_us = world->now_us; /* the region has as long as after any fault */
    return true;
}

bool replay_is_under_way(const struct world *world)
{
    return world->tape != NULL && world->tape->rounds > 0 && world->tape->rounds <= ROUNDS;
}

/* hostile.c - a hub that has turned: its engine is honest, its line is not. It goes on for ever, healing or not, and honest nodes must agree all the same.
 * One hub of two in all seeds (--threat hub), in three of ten of the ordinary ones with the wiles that only keep things back; or the only way that one office has
 * left for a day (--threat eclipse). Draws from its own numbers, so that the rest of a seed stays what it was. */
#include <stdlib.h>

#include "tests/sim/world.h"

enum wile {
    WILE_WITHHOLD = 1 << 0, /* commits of some authors never come, though it states them */
    WILE_HIDE = 1 << 1,     /* neither its heads nor the frontiers that it passes on speak of them */
    WILE_DENY = 1 << 2,     /* answers with STOP instead of commits, now and then */
    WILE_DELAY = 1 << 3,    /* up to 20 s */
    WILE_REORDER = 1 << 4,
    WILE_REPEAT = 1 << 5, /* the same frame again, later */
    WILE_BOAST = 1 << 6,  /* states more than there is */
    WILE_GARBLE = 1 << 7, /* links.c */
    WILE_ROLLBACK = 1 << 8,
    WILES_MOST = 1 << 9,
    WILES_QUIET = WILE_WITHHOLD | WILE_HIDE | WILE_DENY,
};

static struct head_hint hints[HEADS_PER_MESSAGE_MAX];
static struct seg segment;
static uint8_t bytes[FRAME_BYTES_MAX];

/* Is this an author whom it works against? Half of them, never itself: who lies about himself is a forker. */
static bool is_victim(const struct world *world, uint32_t author)
{
    return author != world->hostile && (world->victims >> (author % 64) & 1) != 0;
}

static void frame_replace(struct happening *arrive, enum message_type type, const struct out *body)
{
    arrive->packet = realloc(arrive->packet, sizeof *arrive->packet + body->at);
    if (arrive->packet == NULL) {
        abort();
    }
    arrive->packet->type = type;
    arrive->packet->bytes = (uint32_t)body->at;
    memcpy(arrive->packet->body, body->p, body->at);
}

static void heads_bend(struct world *world, uint32_t to, struct happening *arrive)
{
    struct rng *rng = &world->hostile_rng;
    bool is_complete = false, is_boasting = (world->wiles & WILE_BOAST) != 0 && rng_chance(rng, 200);
    size_t count = 0, kept = 0;
    const char *clause = NULL;
    struct out out = out_into(bytes, sizeof bytes);

    if (heads_message_decode(world->registry.unpack, span_of(arrive->packet->body, arrive->packet->bytes), &is_complete, hints, HEADS_PER_MESSAGE_MAX, &count,
                             &clause) != ERR_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct sim_log *log = registry_log(&world->registry, &hints[i].log);

        if ((world->wiles & WILE_HIDE) != 0 && log != NULL && log->author != to && is_victim(world, log->author)) {
            continue;
        }
        if (is_boasting && rng_chance(rng, 300)) {
            uint64_t more = rng_between(rng, 1, 500);

            hints[i].seq += more;
            hints[i].entries += more;
        }
        hints[kept++] = hints[i];
    }
    heads_message_encode(is_complete, hints, kept, &out);
    frame_replace(arrive, MESSAGE_HEADS, &out);
}

/* False: it does not come. */
static bool segment_bend(struct world *world, struct happening *arrive)
{
    struct out out = out_into(bytes, sizeof bytes);
    const struct sim_log *log;
    const char *clause = NULL;

    if (seg_decode(world->registry.unpack, span_of(arrive->packet->body, arrive->packet->bytes), &segment, &clause) != ERR_OK) {
        return true;
    }
    log = registry_log(&world->registry, &segment.log);
    if ((world->wiles & (WILE_WITHHOLD | WILE_HIDE)) != 0 && log != NULL && is_victim(world, log->author)) {
        return false;
    }
    if ((world->wiles & WILE_DENY) != 0 && rng_chance(&world->hostile_rng, 200)) {
        stop_encode(&segment.log, 1, &out);
        frame_replace(arrive, MESSAGE_STOP, &out);
    }
    return true;
}

static bool notice_is_hidden(struct world *world, const struct packet *packet)
{
    struct span body, heads;
    struct notice notice;
    struct frontier frontier;
    uint64_t base = 0;
    const char *clause = NULL;
    uint32_t node;

    if (notice_message_decode(world->registry.unpack, span_of(packet->body, packet->bytes), &body, &base, &heads, &clause) != ERR_OK ||
        notice_decode(world->registry.unpack, body, &notice, &clause) != ERR_OK || notice.kind != NOTICE_FRONTIER ||
        frontier_decode(world->registry.unpack, notice.body, &frontier, &clause) != ERR_OK) {
        return false;
    }
    node = registry_node(&world->registry, &frontier.node);
    return is_victim(world, node) || (world->options.threat == THREAT_ECLIPSE && node != world->hostile);
}

static void frame_repeat(struct world *world, const struct happening *arrive)
{
    struct happening again = *arrive;
    size_t n = sizeof *arrive->packet + arrive->packet->bytes;

    again.packet = malloc(n);
    if (again.packet == NULL) {
        abort();
    }
    memcpy(again.packet, arrive->packet, n);
    again.at_us += rng_between(&world->hostile_rng, 1, 5000000);
    world_push(world, &again);
}

bool hostile_send(struct world *world, uint32_t from, uint32_t to, struct happening *arrive)
{
    struct rng *rng = &world->hostile_rng;
    bool is_said = true;

    if (from != world->hostile || arrive->packet->bytes == 0) {
        return true;
    }
    switch ((int)arrive->packet->type) {
    case MESSAGE_HEADS:
        heads_bend(world, to, arrive);
        break;
    case MESSAGE_SEG:
        is_said = segment_bend(world, arrive);
        break;
    case MESSAGE_NOTICE:
        is_said = (world->wiles & WILE_HIDE) == 0 || !notice_is_hidden(world, arrive->packet);
        break;
    default:
        break;
    }
    if (is_said && (world->wiles & WILE_REPEAT) != 0 && rng_chance(rng, 100)) {
        frame_repeat(world, arrive);
    }
    if (is_said && (world->wiles & WILE_DELAY) != 0 && rng_chance(rng, 50)) {
        arrive->at_us += rng_between(rng, 100000, 20000000);
    }
    if (is_said && (world->wiles & WILE_REORDER) != 0 && rng_chance(rng, 100)) {
        arrive->at_us = world->now_us + rng_between(rng, 1000, 2000000);
    }
    return is_said;
}

/* An office and whom it is left with. The others see it go; from then on only the hub speaks with it, and says nothing new. */
static void eclipse(struct world *world)
{
    for (uint32_t i = 0; i < world->link_count; i++) {
        struct link *link = &world->links[i];
        bool is_its = link->nodes[0] == world->eclipsed || link->nodes[1] == world->eclipsed;
        bool is_left = link->nodes[0] == world->hostile || link->nodes[1] == world->hostile;

        if (is_its && !is_left) {
            link->ways[0].is_dead = link->ways[1].is_dead = true;
        }
    }
}

void hostile_plan(struct world *world)
{
    struct rng *rng = &world->hostile_rng;

    rng->state = world->options.seed * UINT64_C(0x9e3779b97f4a7c15) + 7;
    world->hostile = UINT32_MAX;
    world->eclipsed = UINT32_MAX;
    if (world->hub_count < 2) {
        return;
    }
    world->victims = rng_next(rng);
    if (world->options.threat == THREAT_HUB) {
        world->hostile = (uint32_t)rng_below(rng, world->hub_count);
        world->wiles = (uint32_t)rng_between(rng, 1, WILES_MOST - 1);
        world->nodes[world->hostile].is_liar = (world->wiles & WILE_GARBLE) != 0;
    } else if (world->options.threat == THREAT_ECLIPSE) {
        world->hostile = (uint32_t)rng_below(rng, world->hub_count);
        world->eclipsed = world->hub_count + (uint32_t)rng_below(rng, world->node_count - world->hub_count);
        world->victims = UINT64_MAX;
        world->wiles = WILE_HIDE;
        eclipse(world);
    } else if (rng_chance(rng, 300)) {
        world->hostile = (uint32_t)rng_below(rng, world->hub_count);
        world->wiles = (uint32_t)rng_between(rng, 1, WILES_QUIET);
    }
}

#define TEN_YEARS_MS UINT64_C(315576000000)
#define TODAY_MS UINT64_C(1795392000000)

uint64_t hostile_clock_ms(struct world *world, struct node *node)
{
    if (node->clock.state == 0) {
        node->clock.state = world->options.seed * UINT64_C(0x9e3779b97f4a7c15) + node->index + 1;
    }
    struct rng first = node->clock; /* the same for all its life */
    uint64_t off = rng_below(&first, 2 * TEN_YEARS_MS), now_ms = TODAY_MS + world_ms(world);

    switch (rng_below(&first, 4)) {
    case 0:
        return now_ms; /* right */
    case 1:
        return TODAY_MS - TEN_YEARS_MS + off; /* frozen */
    case 2:
        return now_ms - TEN_YEARS_MS + off;
    default: {
        struct rng jump = {.state = off ^ world->now_us};

        return now_ms - TEN_YEARS_MS + rng_below(&jump, 2 * TEN_YEARS_MS); /* jumping */
    }
    }
}

bool hostile_rolls_back(const struct world *world)
{
    return world->hostile != UINT32_MAX && (world->wiles & WILE_ROLLBACK) != 0;
}


/* links.c - connections that carry bytes in order, slowly, until they break at any byte. */
#include <stdlib.h>

#include "tests/sim/world.h"

static void link_add(struct world *world, uint32_t dialler, uint32_t listener)
{
    struct link *link = &world->links[world->link_count++];

    memset(link, 0, sizeof *link);
    link->nodes[0] = dialler;
    link->nodes[1] = listener;
    for (size_t i = 0; i < 2; i++) {
        /* From a good line to a bad one: 2 to 400 ms one way, 10 MB/s down to 8 kB/s. */
        link->ways[i].delay_us = rng_between(&world->rng, 1000, 4000) << rng_below(&world->rng, 8);
        link->ways[i].us_per_kib = UINT64_C(100) << rng_below(&world->rng, 11);
        if (world->options.is_story) {
            link->ways[i].delay_us = 10000;
            link->ways[i].us_per_kib = 100;
        }
    }
}

void links_init(struct world *world)
{
    world->links = calloc((size_t)world->node_count * world->hub_count + 1, sizeof *world->links);
    if (world->links == NULL) {
        abort();
    }
    for (uint32_t hub = 1; hub < world->hub_count; hub++) {
        link_add(world, hub, 0);
    }
    for (uint32_t node = world->hub_count; node < world->node_count; node++) {
        for (uint32_t hub = 0; hub < world->hub_count; hub++) {
            link_add(world, node, hub);
        }
    }
    for (uint32_t i = 0; i < world->link_count; i++) {
        struct happening dial = {.type = HAPPEN_DIAL, .node = i};

        dial.at_us = world->options.is_story ? i * 100000 : rng_below(&world->rng, 3000000);
        world_push(world, &dial);
    }
}

struct link *world_link(struct world *world, uint32_t a, uint32_t b, uint32_t *ret_end)
{
    for (uint32_t i = 0; i < world->link_count; i++) {
        struct link *link = &world->links[i];

        for (uint32_t end = 0; end < 2; end++) {
            if (link->nodes[end] == a && link->nodes[1 - end] == b) {
                *ret_end = end;
                return link;
            }
        }
    }
    return NULL;
}

static uint32_t link_index(const struct world *world, const struct link *link)
{
    return (uint32_t)(link - world->links);
}

/* When a frame of this size would arrive if it were sent now; takes the wire for its time. */
static uint64_t way_arrival(struct world *world, struct link_way *way, size_t bytes)
{
    uint64_t begin = way->busy_us > world->now_us ? way->busy_us : world->now_us;
    uint64_t at_us;

    way->busy_us = begin + (bytes + 60) * way->us_per_kib / 1024;
    at_us = way->busy_us + way->delay_us + rng_below(&world->rng, way->delay_us / 8 + 1);
    way->arrival_us = at_us > way->arrival_us ? at_us : way->arrival_us; /* in order, as TCP does */
    return way->arrival_us;
}

/* A liar garbles what it says; never its ECHO, since showing a hub more of its log than it has is an alarm by design. */
static void garble(struct world *world, struct packet *packet)
{
    uint32_t times = (uint32_t)rng_between(&world->rng, 1, 8);

    if (packet->type == MESSAGE_ECHO || packet->bytes == 0) {
        return;
    }
    for (uint32_t i = 0; i < times; i++) {
        packet->body[rng_below(&world->rng, packet->bytes)] ^= (uint8_t)(1U << rng_below(&world->rng, 8));
    }
    if (rng_chance(&world->rng, 200)) {
        packet->bytes = 1 + (uint32_t)rng_below(&world->rng, packet->bytes);
    }
    if (rng_chance(&world->rng, 100)) {
        static const enum message_type any[] = {MESSAGE_HEADS, MESSAGE_SUB,    MESSAGE_STOP, MESSAGE_SEG,
                                                MESSAGE_PONG,  MESSAGE_NOTICE, MESSAGE_PING, MESSAGE_NOTICES};

        packet->type = any[rng_below(&world->rng, sizeof any / sizeof any[0])];
    }
}

/* Nine hundred logs that do not exist. */
static void flood(struct world *world, struct happening *arrive)
{
    static struct head_hint hints[HEADS_PER_MESSAGE_MAX];
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    for (size_t i = 0; i < HEADS_PER_MESSAGE_MAX; i++) {
        rng_fill(&world->rng, &hints[i].log, sizeof hints[i].log);
        hints[i].seq = rng_between(&world->rng, 1, 1000);
        hints[i].entries = hints[i].seq;
    }
    heads_message_encode(false, hints, HEADS_PER_MESSAGE_MAX, &out);
    arrive->packet = realloc(arrive->packet, sizeof *arrive->packet + out.at);
    if (arrive->packet == NULL) {
        abort();
    }
    arrive->packet->bytes = (uint32_t)out.at;
    memcpy(arrive->packet->body, bytes, out.at);
}

void link_send(struct world *world, uint32_t from, uint32_t to, enum message_type type, struct span body)
{
    uint32_t end = 0;
    struct link *link = world_link(world, from, to, &end);
    struct happening arrive = {.type = HAPPEN_MESSAGE, .way = end};
    struct link_way *way;

    if (link == NULL || !link->is_up[end]) {
        return;
    }
    way = &link->ways[end];
    arrive.at_us = way_arrival(world, way, body.n);
    link->is_doomed = link->is_doomed || way->is_dead;
    if (!link->is_joined || way->is_dead) {
        return; /* into the void */
    }
    arrive.node = link_index(world, link);
    arrive.generation = link->generation;
    arrive.packet = malloc(sizeof *arrive.packet + body.n);
    if (arrive.packet == NULL) {
        abort();
    }
    arrive.packet->type = type;
    arrive.packet->session = link->session;
    arrive.packet->bytes = (uint32_t)body.n;
    memcpy(arrive.packet->body, body.p, body.n);
    if (world->nodes[from].is_liar && (!world->is_healing || from == world->hostile) && rng_chance(&world->rng, 30)) {
        if (type == MESSAGE_HEADS) {
            flood(world, &arrive);
        } else {
            garble(world, arrive.packet);
        }
    }
    world->messages++;
    if (!hostile_send(world, from, to, &arrive)) {
        free(arrive.packet);
        return;
    }
    world_push(world, &arrive);
}

/* When the socket would take the next frame: it holds what is on the wire and no more. */
uint64_t link_sent_us(struct world *world, uint32_t from, uint32_t to)
{
    uint32_t end = 0;
    const struct link *link = world_link(world, from, to, &end);
    const struct link_way *way = link == NULL ? NULL : &link->ways[end];

    if (way == NULL) {
        return world->now_us;
    }
    return way->busy_us > world->now_us ? way->busy_us : world->now_us;
}

/* The connection is gone at this byte; each end notices in its own time. */
void link_break(struct world *world, struct link *link)
{
    link->is_joined = false;
    link->generation++;
    world->breaks++;
    for (uint32_t end = 0; end < 2; end++) {
        if (link->is_up[end]) {
            struct happening down = {.type = HAPPEN_DOWN, .node = link_index(world, link), .way = end};

            down.generation = link->generation;
            down.at_us = world->now_us + rng_below(&world->rng, 1500000);
            world_push(world, &down);
        }
    }
}

static void end_down(struct world *world, struct link *link, uint32_t end)
{
    struct node *node = &world->nodes[link->nodes[end]];

    if (!link->is_up[end]) {
        return;
    }
    link->is_up[end] = false;
    if (node->is_up) {
        struct sync_event event = {.type = SYNC_PEER_DOWN, .peer = link->nodes[1 - end]};

        world_say(world, "%u loses %u", node->index, link->nodes[1 - end]);
        node_step(world, node, &event);
    }
}

/* The engine ends a session. */
void link_drop(struct world *world, uint32_t node, uint32_t peer, uint32_t retry_after_ms)
{
    uint32_t end = 0;
    struct link *link = world_link(world, node, peer, &end);
    struct happening down = {.type = HAPPEN_DOWN};

    if (link == NULL || !link->is_up[end]) {
        return;
    }
    if (end == 0) {
        link->retry_us = world->now_us + (uint64_t)retry_after_ms * 1000;
    }
    link->is_joined = false;
    link->generation++;
    down.node = link_index(world, link);
    down.generation = link->generation;
    down.way = end;
    down.at_us = world->now_us;
    world_push(world, &down);
    down.way = 1 - end;
    down.at_us += link->ways[end].delay_us;
    world_push(world, &down);
}

/* A node stops: its links are gone, the others notice. */
void link_node_down(struct world *world, uint32_t node)
{
    for (uint32_t i = 0; i < world->link_count; i++) {
        struct link *link = &world->links[i];

        for (uint32_t end = 0; end < 2; end++) {
            if (link->nodes[end] == node) {
                if (link->is_joined || link->is_up[0] || link->is_up[1]) {
                    link_break(world, link);
                }
                link->is_up[end] = false;
            }
        }
    }
}

static void digests_take(const struct world *world, struct link *link, uint32_t end)
{
    const struct sync *engine = world->nodes[link->nodes[end]].engine;

    sync_heads_digest(engine, &link->heads_digest[end]);
    sync_notices_digest(engine, &link->notices_digest[end]);
}

static bool is_reachable(const struct world *world, const struct link *link)
{
    return world->nodes[link->nodes[0]].is_up && world->nodes[link->nodes[1]].is_up && !link->ways[0].is_dead && !link->ways[1].is_dead;
}

/* The dialler's supervisor looks every few seconds, for ever. HELLO leaves the dialler; what it says of heads is of this
 * moment. */
static void dial(struct world *world, const struct happening *happening)
{
    struct link *link = &world->links[happening->node];
    struct happening next = *happening;

    next.at_us = world->now_us + 1000000 + rng_below(&world->rng, 3000000);
    world_push(world, &next);
    if (link->is_up[0] || world->now_us < link->retry_us || world->now_us < link->dialling_us || !is_reachable(world, link)) {
        return;
    }
    if (link->is_up[1]) { /* the listener still believes in the session before */
        end_down(world, link, 1);
    }
    link->generation++;
    link->is_joined = true;
    link->is_doomed = false;
    link->ways[0].busy_us = world->now_us;
    link->ways[1].busy_us = world->now_us;
    link->ways[0].arrival_us = world->now_us;
    link->ways[1].arrival_us = world->now_us;
    link->dialling_us = world->now_us + 4 * (link->ways[0].delay_us + link->ways[1].delay_us);
    rng_fill(&world->rng, link->session.b, sizeof link->session.b);
    digests_take(world, link, 0);
    next.type = HAPPEN_DIALLED;
    next.generation = link->generation;
    next.at_us = world->now_us + 2 * link->ways[0].delay_us;
    world_push(world, &next);
}

static void dialled(struct world *world, const struct happening *happening)
{
    struct link *link = &world->links[happening->node];
    struct happening next = *happening;

    if (happening->generation != link->generation || !is_reachable(world, link)) {
        return;
    }
    digests_take(world, link, 1);
    next.type = HAPPEN_UP;
    next.at_us = world->now_us + link->ways[1].delay_us;
    world_push(world, &next); /* the dialler; the listener one way later, in end_up */
}

static void end_up(struct world *world, const struct happening *happening)
{
    struct link *link = &world->links[happening->node];
    uint32_t end = happening->way;
    struct node *node = &world->nodes[link->nodes[end]];
    struct node *other = &world->nodes[link->nodes[1 - end]];
    struct sync_event event = {.type = SYNC_PEER_UP, .peer = other->index};

    if (happening->generation != link->generation || !link->is_joined || !node->is_up) {
        return;
    }
    if (end == 0) {
        struct happening next = *happening;

        next.way = 1;
        next.at_us = world->now_us + link->ways[0].delay_us; /* before anything that the dialler now sends */
        world_push(world, &next);
    }
    link->is_up[end] = true;
    event.u.up.node = world->registry.nodes[other->index];
    event.u.up.role = other->is_hub ? ROLE_HUB : ROLE_EDGE;
    event.u.up.is_dialled = end == 0;
    event.u.up.session = link->session;
    event.u.up.heads_digest = link->heads_digest[1 - end];
    event.u.up.notices_digest = link->notices_digest[1 - end];
    event.u.up.frame_bytes_max = FRAME_BYTES_MAX;
    world_say(world, "%u meets %u", node->index, other->index);
    node_step(world, node, &event);
}

static void arrive(struct world *world, const struct happening *happening)
{
    struct link *link = &world->links[happening->node];
    uint32_t end = 1 - happening->way;
    struct node *node = &world->nodes[link->nodes[end]];

    if (happening->generation != link->generation || !link->is_joined) {
        return;
    }
    link->is_doomed = link->is_doomed || link->ways[happening->way].is_dead;
    if (!link->ways[happening->way].is_dead && link->is_up[end] && node->is_up) {
        replay_keep(world, link->nodes[happening->way], node->index, happening->packet);
        node_receive(world, node, link->nodes[happening->way], happening->packet);
    }
}

void link_happen(struct world *world, const struct happening *happening)
{
    struct link *link = happening->type == HAPPEN_SENT ? NULL : &world->links[happening->node];

    switch ((int)happening->type) {
    case HAPPEN_DIAL:
        dial(world, happening);
        break;
    case HAPPEN_DIALLED:
        dialled(world, happening);
        break;
    case HAPPEN_UP:
        end_up(world, happening);
        break;
    case HAPPEN_DOWN:
        if (happening->generation == link->generation) {
            end_down(world, link, happening->way);
        }
        break;
    case HAPPEN_MESSAGE:
        arrive(world, happening);
        break;
    case HAPPEN_SENT: {
        uint32_t end = 0;
        struct node *node = &world->nodes[happening->node];

        link = world_link(world, happening->node, happening->sent.peer, &end);
        if (node->is_up && link->generation == happening->generation && link->is_up[end]) {
            struct sync_event event = happening->sent;

            node_step(world, node, &event);
        }
        break;
    }
    default:
        break;
    }
}

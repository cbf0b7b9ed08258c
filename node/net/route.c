#include "node/net/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct route_frame { /* one that libzmq did not take yet */
    struct route_frame *next;
    bool tell;
    zmq_msg_t frame;
};

enum err routes_init(struct routes *routes, struct outbox *outbox)
{
    *routes = (struct routes){.outbox = outbox};
    routes->all = calloc(ROUTES_MAX, sizeof *routes->all);
    return routes->all != NULL ? ERR_OK : ERR_MEMORY;
}

void routes_fini(struct routes *routes)
{
    for (size_t i = 0; i < routes->used; i++) {
        route_drop(&routes->all[i]);
    }
    free(routes->all);
    routes->all = NULL;
}

int64_t route_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct route *route_find(struct routes *routes, uint32_t number)
{
    for (size_t i = 0; i < routes->used; i++) {
        if (routes->all[i].number == number && number != 0) {
            return routes->all[i].is_closed ? NULL : &routes->all[i];
        }
    }
    return NULL;
}

struct route *route_add(struct routes *routes, uint32_t number, bool is_dialled, const struct curve_public *key)
{
    size_t inbound = 0;
    struct route *free_one = NULL;
    for (size_t i = 0; i < ROUTES_MAX; i++) {
        struct route *route = &routes->all[i];
        if (route->number == 0 && free_one == NULL) {
            free_one = route;
        }
        inbound += route->number != 0 && !route->is_dialled;
    }
    if (free_one == NULL || (!is_dialled && inbound >= INBOUND_MAX)) {
        return NULL;
    }
    *free_one = (struct route){.number = number, .is_dialled = is_dialled, .key = *key, .fd = -1};
    size_t at = (size_t)(free_one - routes->all);
    routes->used = at < routes->used ? routes->used : at + 1;
    return free_one;
}

static void drop_waiting(struct route *route)
{
    while (route->first != NULL) {
        struct route_frame *waiting = route->first;
        route->first = waiting->next;
        zmq_msg_close(&waiting->frame);
        free(waiting);
    }
    route->last = NULL;
    route->waiting_bytes = 0;
}

void route_drop(struct route *route)
{
    drop_waiting(route);
    resolve_destroy(&route->resolve);
    transport_close(route->socket, route->monitor);
    *route = (struct route){0};
}

void route_close(struct route *route)
{
    if (route->is_dialled || (route->fd < 0 && !route->is_leaving)) {
        route_drop(route);
        return;
    }
    drop_waiting(route);
    route->is_closed = true;
    route->kick_ms = route_now_ms() + ROUTE_GRACE_MS;
}

void route_tell(struct routes *routes, const struct route *route, enum gateway_event_type type, zmq_msg_t *body)
{
    struct pipe_header header = {.what = (uint32_t)type, .connection = route->number, .key = route->key};
    header.flag = (route->is_dialled ? PIPE_DIALLED : 0U) | (route->is_refused ? PIPE_REFUSED : 0U);
    outbox_tell(routes->outbox, &header, body);
}

void route_end(struct routes *routes, struct route *route, const char *why)
{
    zmq_msg_t text;
    size_t n = strlen(why);
    if (zmq_msg_init_size(&text, n) == 0) {
        memcpy(zmq_msg_data(&text), why, n);
        route_tell(routes, route, GATEWAY_GONE, &text);
    } else {
        route_tell(routes, route, GATEWAY_GONE, NULL);
    }
    route_close(route);
}

/* Hand a frame to libzmq: 0, or the errno; EAGAIN: not now. Takes the frame's content when 0. */
static int hand_over(const struct route *route, void *router, zmq_msg_t *frame)
{
    if (route->is_dialled) {
        if (!route->is_open) {
            return EAGAIN;
        }
        return zmq_msg_send(frame, route->socket, ZMQ_DONTWAIT) >= 0 ? 0 : zmq_errno();
    }
    if (router == NULL) {
        return EHOSTUNREACH;
    }
    /* MANDATORY: the route frame is where a ROUTER refuses (Z11); the second then goes through. */
    if (zmq_send(router, route->id, sizeof route->id, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        return zmq_errno();
    }
    return zmq_msg_send(frame, router, ZMQ_DONTWAIT) >= 0 ? 0 : zmq_errno();
}

/* False: it must wait, or the route has ended. */
static bool deliver(struct routes *routes, struct route *route, void *router, zmq_msg_t *frame, bool tell)
{
    int code = hand_over(route, router, frame);
    if (code == 0 && tell) {
        route_tell(routes, route, GATEWAY_TAKEN, NULL);
    }
    if (code != 0 && code != EAGAIN && code != EINTR) {
        route_end(routes, route, code == EHOSTUNREACH ? "the peer has closed the connection" : zmq_strerror(code));
    }
    return code == 0;
}

void route_send(struct routes *routes, struct route *route, void *router, zmq_msg_t *frame, bool tell)
{
    if (route->first == NULL && deliver(routes, route, router, frame, tell)) {
        return;
    }
    if (route->number == 0 || route->is_closed) {
        zmq_msg_close(frame);
        return;
    }
    size_t bytes = zmq_msg_size(frame) + ROUTE_FRAME_COST_BYTES;
    struct route_frame *waiting = route->waiting_bytes + bytes <= ROUTE_QUEUE_BYTES_MAX ? malloc(sizeof *waiting) : NULL;
    if (waiting == NULL) {
        zmq_msg_close(frame);
        route_end(routes, route, "the peer reads too slowly");
        return;
    }
    waiting->next = NULL;
    waiting->tell = tell;
    zmq_msg_init(&waiting->frame);
    zmq_msg_move(&waiting->frame, frame);
    zmq_msg_close(frame);
    route->waiting_bytes += bytes;
    if (route->last != NULL) {
        route->last->next = waiting;
    } else {
        route->first = waiting;
    }
    route->last = waiting;
}

void route_send_waiting(struct routes *routes, struct route *route, void *router)
{
    while (route->first != NULL) {
        struct route_frame *waiting = route->first;
        size_t bytes = zmq_msg_size(&waiting->frame) + ROUTE_FRAME_COST_BYTES;
        if (!deliver(routes, route, router, &waiting->frame, waiting->tell)) {
            return;
        }
        route->first = waiting->next;
        if (route->first == NULL) {
            route->last = NULL;
        }
        route->waiting_bytes -= bytes;
        zmq_msg_close(&waiting->frame);
        free(waiting);
    }
}

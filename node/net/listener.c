#include "node/net/listener.h"

#include "crypto/hash.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

/* ZAP_ENFORCE_DOMAIN: its macro is hidden as draft in Debian's header, the library obeys it (Z3). */
#define OPTION_ZAP_ENFORCE_DOMAIN 93

static const uint32_t NUMBER_FIRST = 0x80000000u; /* of inbound connections; below: the core's own */

/* ---- opening and closing ---- */

static bool set_options(const struct listener *listener)
{
    void *router = listener->router;
    return transport_options(listener->transport, router, listener->address) && transport_set(router, ZMQ_ROUTER_MANDATORY, 1) && /* Z11 */
           transport_set(router, ZMQ_ROUTER_HANDOVER, 0) &&                                                                       /* Z5 */
           transport_set(router, ZMQ_CURVE_SERVER, 1) && transport_set(router, OPTION_ZAP_ENFORCE_DOMAIN, 1) &&
           zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0;
}

static enum err open_router(struct listener *listener, char *why)
{
    listener->router = zmq_socket(listener->transport->context, ZMQ_ROUTER);
    if (listener->router == NULL) {
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "no socket: %s", zmq_strerror(zmq_errno()));
        return ERR_BUSY;
    }
    if (!set_options(listener)) {
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "libzmq refuses an option that keeps strangers out: %s", zmq_strerror(zmq_errno()));
        return ERR_INTERNAL;
    }
    listener->monitor = transport_monitor(listener->transport, listener->router, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
    size_t bytes = sizeof listener->event_fd;
    if (listener->monitor == NULL || zmq_getsockopt(listener->router, ZMQ_FD, &listener->event_fd, &bytes) != 0) {
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "the listener cannot be watched: %s", zmq_strerror(zmq_errno()));
        return ERR_BUSY;
    }
    if (zmq_bind(listener->router, listener->address) != 0) {
        int code = zmq_errno();
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "cannot listen on %.90s: %s", listener->address, zmq_strerror(code));
        return code == EADDRINUSE ? ERR_EXISTS : ERR_CONFIG;
    }
    bytes = sizeof listener->address; /* with the port that the system chose, to be bound again */
    (void)zmq_getsockopt(listener->router, ZMQ_LAST_ENDPOINT, listener->address, &bytes);
    return ERR_OK;
}

enum err listener_open(struct listener *listener, char *why)
{
    if (strncmp(listener->address, "tcp://", 6) != 0) { /* Z17 */
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "cannot listen on %.90s: only tcp:// is spoken", listener->address);
        return ERR_CONFIG;
    }
    if (!transport_has_descriptors()) {
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "no descriptors left");
        return ERR_BUSY;
    }
    enum err err = open_router(listener, why);
    if (err != ERR_OK) {
        listener_close(listener);
    }
    return err;
}

void listener_close(struct listener *listener)
{
    transport_close(listener->router, listener->monitor);
    listener->router = listener->monitor = NULL;
    listener->strangers = (struct strangers){0};
    if (listener->door != NULL) {
        door_emptied(listener->door);
    }
}

/* ---- who is there ---- */

static void leave(struct listener *listener, struct route *route, const char *why)
{
    route->fd = -1;
    route->is_leaving = true;
    snprintf(route->why, sizeof route->why, "%s", why);
    listener->has_leaving = true;
}

void listener_hear(struct listener *listener)
{
    uint16_t event;
    uint32_t fd;
    /* A receive that finds nothing looks for all that the I/O thread has told it: what happened before a frame is heard before it. */
    while (transport_event(listener->monitor, &event, &fd)) {
        if (event == ZMQ_EVENT_ACCEPTED) {
            stranger_came(&listener->strangers, (int)fd);
            continue;
        }
        if (stranger_went(&listener->strangers, (int)fd) && listener->door != NULL) {
            door_left(listener->door);
        }
        for (size_t i = 0; i < listener->routes->used; i++) {
            struct route *route = &listener->routes->all[i];
            if (route->number != 0 && !route->is_dialled && route->fd >= 0 && (uint32_t)route->fd == fd) {
                leave(listener, route, "the peer has closed the connection");
            }
        }
    }
}

/* End a route of which nothing more can come. */
static void forget(struct listener *listener, struct route *route, const char *why)
{
    if (!route->is_closed) {
        route_end(listener->routes, route, why);
    }
    route_drop(route);
}

/* All that was there has been read. libzmq tells of a disconnection a moment before it shows the last frames: the end comes at the second look,
 * or those frames would be a new peer's. */
static void end_leavers(struct listener *listener)
{
    listener->has_leaving = false;
    for (size_t i = 0; i < listener->routes->used; i++) {
        struct route *route = &listener->routes->all[i];
        if (route->number == 0 || route->is_dialled || !route->is_leaving) {
            continue;
        }
        if (!route->is_drained) {
            route->is_drained = true;
            listener->has_leaving = true;
        } else {
            forget(listener, route, route->why);
        }
    }
}

/* How many connections came after it: numbers rise, and begin again. */
static uint32_t age(const struct listener *listener, const struct route *route)
{
    return (listener->next - route->number) & ~NUMBER_FIRST;
}

/* A key has many connections: its oldest goes, so that no member keeps others out. */
static void make_room(struct listener *listener, const struct curve_public *key)
{
    size_t count = 0;
    struct route *oldest = NULL;
    for (size_t i = 0; i < listener->routes->used; i++) {
        struct route *route = &listener->routes->all[i];
        if (route->number == 0 || route->is_dialled || route->is_closed || memcmp(route->key.b, key->b, sizeof key->b) != 0) {
            continue;
        }
        count++;
        if (oldest == NULL || age(listener, route) > age(listener, oldest)) {
            oldest = route;
        }
    }
    if (count >= INBOUND_KEY_MAX) {
        route_end(listener->routes, oldest, "its node has dialled again, several times");
    }
}

static struct route *inbound_add(struct listener *listener, const uint8_t *id, const struct curve_public *key, int fd)
{
    listener_hear(listener); /* whoever had this descriptor before has left before */
    make_room(listener, key);
    struct route *route = route_add(listener->routes, NUMBER_FIRST | listener->next, false, key);
    if (listener->door != NULL) {
        door_entered(listener->door);
    }
    if (route != NULL) {
        listener->next = (listener->next + 1) & ~NUMBER_FIRST;
        memcpy(route->id, id, sizeof route->id);
        route->fd = fd;
        transport_tune(fd);
        (void)stranger_went(&listener->strangers, fd); /* its meter begins anew, with what it has brought */
        if (!zap_welcomes(listener->zap, key)) {
            route_close(route); /* it was let in before the table changed */
        }
    }
    return route;
}

static struct route *inbound(struct listener *listener, const uint8_t *id, const struct curve_public *key, int fd)
{
    for (size_t i = 0; i < listener->routes->used; i++) {
        struct route *route = &listener->routes->all[i];
        if (route->number == 0 || route->is_dialled || memcmp(route->id, id, sizeof route->id) != 0) {
            continue;
        }
        if (memcmp(route->key.b, key->b, sizeof key->b) == 0) {
            return route;
        }
        /* An id of five bytes that a peer has chosen, and another uses now: never the same connection. */
        forget(listener, route, "another node speaks on its connection");
    }
    return inbound_add(listener, id, key, fd);
}

/* ---- frames ---- */

/* The first byte by which we remember a peer that chose its routing id: ROUTER's own begin with a zero. */
enum { CHOSEN = 0xff };

/* False when there is nothing to read. */
static bool read_one(struct listener *listener)
{
    uint8_t id[ROUTE_ID_BYTES] = {CHOSEN};
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    enum transport_read what = transport_read(listener->router, id, &frame);
    if (what == READ_NOTHING) {
        zmq_msg_close(&frame);
        return false;
    }
    struct curve_public key;
    const char *user = zmq_msg_gets(&frame, "User-Id");
    struct route *route = NULL;
    int fd = zmq_msg_get(&frame, ZMQ_SRCFD);
    if (id[0] == CHOSEN) {
        memcpy(id + 1, &fd, sizeof fd);
    }
    if (user != NULL && hex_decode(user, key.b, sizeof key.b)) {
        route = inbound(listener, id, &key, fd);
    }
    if (route != NULL) {
        meter_show(&route->meter, zmq_msg_size(&frame));
    }
    if (route == NULL || route->is_closed) {
        zmq_msg_close(&frame);
    } else if (what == READ_ABUSE) {
        zmq_msg_close(&frame);
        route_tell(listener->routes, route, GATEWAY_ABUSE, NULL);
        route_end(listener->routes, route, "the peer broke the rule of one frame a message");
    } else {
        route_tell(listener->routes, route, GATEWAY_FRAME, &frame);
    }
    return true;
}

void listener_read(struct listener *listener)
{
    const struct outbox *outbox = listener->routes->outbox;
    listener_hear(listener);
    for (int i = 0; i < TRANSPORT_BURST && outbox_is_empty(outbox); i++) {
        if (!read_one(listener)) {
            end_leavers(listener);
            return;
        }
    }
}

bool listener_retry(struct listener *listener)
{
    bool is_waiting = false;
    for (size_t i = 0; i < listener->routes->used; i++) {
        struct route *route = &listener->routes->all[i];
        if (route->number != 0 && !route->is_dialled && route->first != NULL) {
            if (!is_waiting) {
                int events;
                size_t bytes = sizeof events;
                if (listener->router != NULL) { /* hear of the room that there is */
                    (void)zmq_getsockopt(listener->router, ZMQ_EVENTS, &events, &bytes);
                }
            }
            route_send_waiting(listener->routes, route, listener->router);
            is_waiting = true;
        }
    }
    if (!is_waiting) {
        return false;
    }
    for (size_t i = 0; i < listener->routes->used; i++) {
        if (!listener->routes->all[i].is_dialled && listener->routes->all[i].first != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- putting out ---- */

long listener_kick(struct listener *listener)
{
    int64_t now = -1, next = INT64_MAX;
    for (size_t i = 0; i < listener->routes->used; i++) {
        struct route *route = &listener->routes->all[i];
        if (route->number == 0 || !route->is_closed || route->kick_ms == INT64_MAX) {
            continue;
        }
        now = now >= 0 ? now : route_now_ms();
        if (route->kick_ms > now) {
            next = route->kick_ms < next ? route->kick_ms : next;
            continue;
        }
        listener_hear(listener); /* the descriptor is still its own, or the route is gone now */
        if (route->number != 0 && route->fd >= 0) {
            route->kick_ms = INT64_MAX;
            (void)shutdown(route->fd, SHUT_RDWR);
        }
    }
    return next == INT64_MAX ? -1 : (long)(next - now);
}

bool listener_look(struct listener *listener)
{
    if (listener->strangers.count > 0) {
        listener_hear(listener); /* their descriptors are still their own */
        strangers_look(&listener->strangers);
    }
    return listener->strangers.count > 0;
}

void listener_refuse(struct listener *listener)
{
    for (size_t i = 0; i < listener->routes->used; i++) {
        struct route *route = &listener->routes->all[i];
        if (route->number != 0 && !route->is_dialled && !route->is_closed && !zap_welcomes(listener->zap, &route->key)) {
            route_end(listener->routes, route, "its key is not welcome any more");
        }
    }
}

void listener_shut(struct listener *listener)
{
    for (size_t i = 0; i < listener->routes->used; i++) {
        struct route *route = &listener->routes->all[i];
        if (route->number == 0 || route->is_dialled) {
            continue;
        }
        forget(listener, route, "the listener was recycled");
    }
    listener->has_leaving = false;
    listener_close(listener);
}

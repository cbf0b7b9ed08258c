#include "node/net/dialler.h"

#include "proto/notice.h"

#include <stdio.h>
#include <string.h>

enum {
    EVENTS = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
             ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED
};

/* False, and errno, when libzmq refuses something. */
static bool connect_to(struct transport *transport, struct route *route, const char *address)
{
    route->socket = zmq_socket(transport->context, ZMQ_DEALER);
    if (route->socket == NULL || !transport_options(transport, route->socket, address) || !transport_set(route->socket, ZMQ_IMMEDIATE, 1) ||
        !transport_set(route->socket, ZMQ_RECONNECT_IVL, -1) || zmq_setsockopt(route->socket, ZMQ_CURVE_PUBLICKEY, transport->public.b, 32) != 0 ||
        zmq_setsockopt(route->socket, ZMQ_CURVE_SERVERKEY, route->key.b, 32) != 0) {
        return false;
    }
    route->monitor = transport_monitor(transport, route->socket, EVENTS);
    return route->monitor != NULL && zmq_connect(route->socket, address) == 0;
}

static void go(struct transport *transport, struct routes *routes, struct route *route, const char *address)
{
    route->late_ms = route_now_ms() + transport->handshake_ms;
    if (!transport_has_descriptors()) {
        route_end(routes, route, "no descriptors left");
        return;
    }
    if (!connect_to(transport, route, address)) {
        char why[GATEWAY_WHY_BYTES_MAX];
        snprintf(why, sizeof why, "cannot dial %.100s: %s", address, zmq_strerror(zmq_errno()));
        route_end(routes, route, why);
    }
}

void dialler_dial(struct transport *transport, struct routes *routes, uint32_t number, const char *address, const struct curve_public *server)
{
    struct route *route = route_add(routes, number, true, server);
    if (route == NULL) {
        struct route none = {.number = number, .is_dialled = true, .key = *server};
        route_end(routes, &none, "too many connections");
        return;
    }
    if (!address_is_valid(span_text(address))) { /* Z17: nothing but tcp:// */
        route_end(routes, route, "what its card or griot.ini names is not tcp://host:port");
        return;
    }
    if (resolve_is_needless(address)) {
        go(transport, routes, route, address);
        return;
    }
    route->resolve = resolve_new(address);
    if (route->resolve == NULL) {
        route_end(routes, route, "no memory to look up its name");
    }
}

void dialler_resolve(struct transport *transport, struct routes *routes, struct route *route)
{
    char text[GATEWAY_WHY_BYTES_MAX];
    switch (resolve_look(route->resolve, text, sizeof text)) {
    case RESOLVE_PENDING:
        return;
    case RESOLVE_FAILED:
        route_end(routes, route, text);
        return;
    case RESOLVE_DONE:
        resolve_destroy(&route->resolve);
        go(transport, routes, route, text);
        return;
    }
}

/* What an event says of why the connection ended. */
static void explain(struct route *route, uint16_t event, uint32_t value)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        route->is_refused = true;
        snprintf(route->why, sizeof route->why, "the peer refuses our key (%u)", value);
        return;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        snprintf(route->why, sizeof route->why, "what answers there is not the node with the key in its card");
        return;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        /* So ends also a ZAP 300 (Z2): closed without a word. The errno that comes with it is any one's. */
        route->is_refused = route_now_ms() < route->late_ms;
        snprintf(route->why, sizeof route->why, "%s",
                 route->is_refused ? "the peer does not know our key yet, or is not ready" : "the peer did not answer in time");
        return;
    case ZMQ_EVENT_CLOSED:
        snprintf(route->why, sizeof route->why, "no connection");
        return;
    default:
        snprintf(route->why, sizeof route->why, "%s", route->is_open ? "disconnected" : "disconnected in the handshake");
        return;
    }
}

static void hear(struct routes *routes, struct route *route)
{
    uint16_t event;
    uint32_t value;
    while (transport_event(route->monitor, &event, &value)) {
        if (route->is_leaving) {
            continue; /* read on: an event that waits would keep the thread awake */
        }
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            route->is_open = true;
            route_tell(routes, route, GATEWAY_OPEN, NULL);
        } else if (event == ZMQ_EVENT_CONNECTED) {
            route->fd = (int)value;
            transport_tune(route->fd);
        } else {
            explain(route, event, value);
            route->is_leaving = true;
            route->fd = -1;
        }
    }
}

/* False when there is nothing more to read, or the route has ended. */
static bool read_one(struct routes *routes, struct route *route)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    switch (transport_read(route->socket, NULL, &frame)) {
    case READ_FRAME:
        meter_show(&route->meter, zmq_msg_size(&frame));
        route_tell(routes, route, GATEWAY_FRAME, &frame);
        return true;
    case READ_ABUSE:
        zmq_msg_close(&frame);
        route_tell(routes, route, GATEWAY_ABUSE, NULL);
        route_end(routes, route, "the peer broke the rule of one frame a message");
        return false;
    case READ_NOTHING:
        break;
    }
    zmq_msg_close(&frame);
    if (route->is_leaving) {
        route_end(routes, route, route->why);
    }
    return false;
}

void dialler_serve(struct routes *routes, struct route *route)
{
    hear(routes, route);
    /* Nothing is read before GATEWAY_OPEN has been told. */
    for (int i = 0; i < TRANSPORT_BURST && outbox_is_empty(routes->outbox); i++) {
        if ((!route->is_open && !route->is_leaving) || !read_one(routes, route)) {
            return;
        }
    }
}

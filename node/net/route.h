/* route.h - one connection to another node as the gateway sees it: dialled (a DEALER of its own) or
 * inbound (a routing id of the one ROUTER), who is there, and the frames that wait for it. */
#ifndef GRIOT_NODE_NET_ROUTE_H
#define GRIOT_NODE_NET_ROUTE_H

#include "node/net/gateway.h"
#include "node/net/meter.h"
#include "node/net/pipe.h"
#include "node/net/resolve.h"
#include "node/net/transport.h"
#include "proto/limits.h"

enum {
    INBOUND_MAX = 1024,  /* four for each of 256 peers */
    INBOUND_KEY_MAX = 4, /* of one key; the oldest goes: a peer that lost its link dials again before we know */
    ROUTES_MAX = INBOUND_MAX + PEERS_MAX,
    ROUTE_QUEUE_BYTES_MAX = 4 << 20,
    ROUTE_FRAME_COST_BYTES = 128, /* what a waiting frame costs beside its bytes */
    ROUTE_GRACE_MS = 1000,        /* from the end of an inbound connection to its disconnection: a BYE arrives */
};

struct route {
    uint32_t number; /* 0: free */
    bool is_dialled;
    bool is_open;    /* dialled: the CURVE handshake is done */
    bool is_refused; /* dialled: the peer does not want us */
    bool is_leaving; /* disconnected; GATEWAY_GONE follows its last frames */
    bool is_drained; /* inbound and leaving: nothing more was there at the last look */
    bool is_closed;  /* the core knows it no more; inbound: what still comes is dropped */
    struct curve_public key;
    struct resolve *resolve;         /* dialled: while its name is looked up; it has no socket yet */
    void *socket, *monitor;          /* dialled */
    int64_t late_ms;                 /* dialled: a handshake that ends now took its whole time */
    uint8_t id[ROUTE_ID_BYTES];      /* inbound */
    int fd;                          /* libzmq's descriptor: inbound, to know when it is gone; -1: it is, or is not known */
    struct meter meter;              /* of fd */
    int64_t kick_ms;                 /* inbound and closed: when to disconnect it */
    char why[GATEWAY_WHY_BYTES_MAX]; /* of a leaving one */
    struct route_frame *first, *last;
    size_t waiting_bytes;
};

struct routes {
    struct route *all; /* ROUTES_MAX */
    size_t used;       /* those at and above are free */
    struct outbox *outbox;
};

MUST_CHECK enum err routes_init(struct routes *routes, struct outbox *outbox);
/* Closes all sockets of dialled routes, tells nobody. */
void routes_fini(struct routes *routes);

/* Milliseconds of a clock that only goes forward. */
int64_t route_now_ms(void);

/* Not a closed one; NULL: there is none. */
struct route *route_find(struct routes *routes, uint32_t number);
/* NULL: the table is full. */
struct route *route_add(struct routes *routes, uint32_t number, bool is_dialled, const struct curve_public *key);
/* Free a slot and what it holds. */
void route_drop(struct route *route);
/* The core has closed it, or need not hear of it again: a dialled one is dropped, an inbound one
 * remembered, and muted, until its TCP connection is gone. */
void route_close(struct route *route);
/* Tell the core that it is gone, and close it. `why` may be the route's own. */
void route_end(struct routes *routes, struct route *route, const char *why);
void route_tell(struct routes *routes, const struct route *route, enum gateway_event_type type, zmq_msg_t *body);

/* Send a frame, or let it wait. Takes `frame`. A route whose queue is full ends. `router`: of the
 * listener, for inbound ones. */
void route_send(struct routes *routes, struct route *route, void *router, zmq_msg_t *frame, bool tell);
/* Send what waits, as far as libzmq takes it. */
void route_send_waiting(struct routes *routes, struct route *route, void *router);

#endif

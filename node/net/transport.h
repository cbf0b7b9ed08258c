/* transport.h - what the listener and the diallers share: one libzmq context, the node's CURVE
 * keys, the options of every socket, and how one message is read. Used by the gateway's thread. */
#ifndef GRIOT_NODE_NET_TRANSPORT_H
#define GRIOT_NODE_NET_TRANSPORT_H

#include "crypto/secret.h"
#include "proto/ids.h"

#include <zmq.h>

enum {
    TRANSPORT_BURST = 64,      /* messages read from one socket before others get a turn */
    TRANSPORT_LINGER_MS = 500, /* so that a BYE still leaves when a socket is closed */
    ROUTE_ID_BYTES = 5,        /* of the routing ids that a ROUTER makes: a zero and a count */
};

struct transport {
    void *context; /* libzmq's; the gateway's alone, so its ZAP handler is */
    const struct secret *secret;
    struct curve_public public;
    int handshake_ms;  /* silent and half-open connections end here (Z8) */
    uint64_t monitors; /* made so far: their names */
};

/* Set what every socket to other nodes has: CURVE keys, limits, timeouts. IPv6 when `address`
 * names an IPv6 one. False, and errno, when libzmq refuses. */
bool transport_options(const struct transport *transport, void *socket, const char *address);
bool transport_set(void *socket, int option, int value);

/* Keep the kernel from taking more of a TCP connection than it can send soon: what waits there, no alert overtakes. `fd` is libzmq's; should
 * it be another's by now, no harm is done. */
void transport_tune(int fd);

/* Are there descriptors for another socket? To be asked first: libzmq aborts the process in
 * zmq_bind, and czmq in zsock_new, when they have run out (RELIABILITY Z9, C3). */
bool transport_has_descriptors(void);

/* Watch `socket`: a new PAIR that hears its events (ZMQ_EVENT_...), NULL and errno on failure. */
void *transport_monitor(struct transport *transport, void *socket, int events);
/* Close both. The monitor is stopped first: libzmq's I/O thread blocks for ever on an event that
 * nobody reads. Either may be NULL. What is queued still leaves for TRANSPORT_LINGER_MS. */
void transport_close(void *socket, void *monitor);
/* The next event of a monitor without waiting; false when there is none. */
bool transport_event(void *monitor, uint16_t *ret_event, uint32_t *ret_value);

enum transport_read { READ_NOTHING, READ_FRAME, READ_ABUSE };
/* Read one message without waiting. One payload frame a message: READ_ABUSE when there are more;
 * they are thrown away one by one, never gathered (Z10).
 *   route  of a ROUTER, ROUTE_ID_BYTES: who sent it; also READ_ABUSE when the peer chose an id of
 *          its own (Z5). NULL for a DEALER
 *   frame  initialised by the caller; the payload, of abuse the last frame: both carry the peer's
 *          User-Id, which the route frame does not after a poll (Z4) */
enum transport_read transport_read(void *socket, uint8_t *route, zmq_msg_t *frame);

#endif

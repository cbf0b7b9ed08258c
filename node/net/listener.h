/* listener.h - the one ROUTER that other nodes dial, and who is on it.
 *
 * libzmq's ROUTER says neither who leaves nor lets anybody be put out (Z6). Both are had through the
 * descriptor of the TCP connection: messages name it (ZMQ_SRCFD), the monitor says when it is gone,
 * and shutting it down is to libzmq what a peer's hanging up is. */
#ifndef GRIOT_NODE_NET_LISTENER_H
#define GRIOT_NODE_NET_LISTENER_H

#include "node/net/door.h"
#include "node/net/route.h"
#include "node/net/zap.h"

struct listener {
    struct transport *transport;
    struct routes *routes;
    const struct zap *zap;
    struct door *door; /* told who left before a first message; NULL: nobody counts */
    char address[256]; /* as asked for, then as bound; empty: nobody can dial us */
    void *router, *monitor;
    int event_fd; /* of the router: readable when a full queue has room again, see listener_retry */
    uint32_t next;
    bool has_leaving; /* some route is_leaving */
    struct strangers strangers;
};

/* Bind. `why` (GATEWAY_WHY_BYTES_MAX) explains.
 *   errors  ERR_CONFIG  not tcp://, too long, or it cannot be bound; ERR_EXISTS  the address is taken;
 *           ERR_BUSY  no descriptors; ERR_INTERNAL  libzmq refuses an option that keeps strangers out (Z3) */
MUST_CHECK enum err listener_open(struct listener *listener, char *why);
void listener_close(struct listener *listener);

/* Hear who has left. Also while the core takes nothing: libzmq's I/O thread waits for us to. */
void listener_hear(struct listener *listener);
/* Hear who has left, then read frames while the core takes them, then tell who has left. */
void listener_read(struct listener *listener);
/* Try the frames that wait for inbound routes. True when some still do: call again when event_fd is
 * readable or a while has passed. */
bool listener_retry(struct listener *listener);
/* Disconnect those that were closed ROUTE_GRACE_MS ago. Returns the milliseconds until the next, -1
 * when there is none. */
long listener_kick(struct listener *listener);
/* Look after those that have not shown a first message; false when there are none. */
bool listener_look(struct listener *listener);
/* End each route whose key the door keeper would not let in now. */
void listener_refuse(struct listener *listener);
/* End all inbound routes and stop listening; listener_open begins anew. */
void listener_shut(struct listener *listener);

#endif

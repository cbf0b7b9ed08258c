/* pipe.h - the seam between the core and the gateway: commands go one way, events the other, each
 * a fixed header and one body frame, over a pair of sockets. Nothing else crosses, so the gateway
 * can become a process of its own. Shared by gateway.c (the core's side) and actor.c. */
#ifndef GRIOT_NODE_NET_PIPE_H
#define GRIOT_NODE_NET_PIPE_H

#include "proto/ids.h"

#include <zmq.h>

enum pipe_command { PIPE_SEND, PIPE_DIAL, PIPE_CLOSE, PIPE_ALLOW, PIPE_RECYCLE };

enum pipe_flag {
    PIPE_TELL = 1,    /* of PIPE_SEND */
    PIPE_DIALLED = 1, /* of an event: the connection is one that we dialled */
    PIPE_REFUSED = 2, /* of GATEWAY_GONE: the peer does not want us */
};

struct pipe_header {
    uint32_t what; /* enum pipe_command or enum gateway_event_type */
    uint32_t connection;
    uint32_t flag; /* enum pipe_flag; of PIPE_ALLOW: how many keys of the body, its last, are revoked */
    struct curve_public key;
};

/* Write header and body, waiting for room unless `flags` says ZMQ_DONTWAIT. Takes `body` when it
 * returns true, leaves it alone otherwise. */
bool pipe_write(void *socket, const struct pipe_header *header, zmq_msg_t *body, int flags);

/* Read what is there, without waiting; false when nothing is.
 *   body  initialised by the caller; replaced by what is read */
bool pipe_read(void *socket, struct pipe_header *ret, zmq_msg_t *body);

/* Events that the core did not take yet, in order. Grows only by what the peers' frames of one
 * burst and the core's own commands bring: nobody is read while it is not empty. */
struct outbox {
    void *pipe;
    struct outbox_event *first, *last;
};

/* Pass an event on, or keep it until outbox_flush. Takes `body`; NULL: an empty one. When memory
 * runs out the event is lost, as a link may lose a frame: sessions end by their own timers then. */
void outbox_tell(struct outbox *outbox, const struct pipe_header *header, zmq_msg_t *body);
void outbox_flush(struct outbox *outbox);
bool outbox_is_empty(const struct outbox *outbox);
void outbox_fini(struct outbox *outbox);

#endif

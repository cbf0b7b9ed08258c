/* pipe.h - the seam between the core and the gateway: commands go one way, events the other, each
 * a fixed header and a body in one message of a pair of sockets (AF_UNIX, SOCK_SEQPACKET). Nothing else
 * crosses, so the gateway is a thread or a process of its own without another word being said. Shared by
 * gateway.c (the core's side) and actor.c. */
#ifndef GRIOT_NODE_NET_PIPE_H
#define GRIOT_NODE_NET_PIPE_H

#include "proto/ids.h"

#include <stdbool.h>
#include <zmq.h>

enum pipe_command {
    PIPE_SEND,
    PIPE_DIAL,
    PIPE_CLOSE,
    PIPE_ALLOW_NONE, /* begin a new table; the keys of the next commands go into it */
    PIPE_ALLOW,      /* body: keys that may connect */
    PIPE_REVOKE,     /* body: keys that never may */
    PIPE_ALLOW_DONE, /* the new table counts from here on */
    PIPE_RECYCLE,
    PIPE_CONFIG, /* to a process, as its first: body is struct pipe_config */
};

/* The first event: the flag is an enum err, the body where it listens, or why it does not. */
enum { PIPE_STARTED = 1000, PIPE_BODY_BYTES_MAX = 1 << 17, PIPE_KEYS_MAX = 1024 /* of one command */ };

/* All that a gateway in a process of its own is told before it starts. */
struct pipe_config {
    struct curve_public public;
    uint8_t secret[32];
    int32_t handshake_ms;
    char address[256];
};

enum pipe_flag {
    PIPE_TELL = 1,    /* of PIPE_SEND */
    PIPE_DIALLED = 1, /* of an event: the connection is one that we dialled */
    PIPE_REFUSED = 2, /* of GATEWAY_GONE: the peer does not want us */
};

struct pipe_header {
    uint32_t what; /* enum pipe_command or enum gateway_event_type */
    uint32_t connection;
    uint32_t flag; /* enum pipe_flag; of PIPE_STARTED an enum err */
    struct curve_public key;
};

/* A pair of connected ends, both closed on exec. False, and errno. */
bool pipe_pair(int ret[2]);

/* Write header and body as one message; waits for room, unless `may_wait` is false. Takes `body` when it
 * returns true, leaves it alone otherwise: no room, or nobody reads any more. */
bool pipe_write(int end, const struct pipe_header *header, zmq_msg_t *body, bool may_wait);

enum pipe_read { PIPE_NOTHING, PIPE_MESSAGE, PIPE_CLOSED };
/* Read what is there, without waiting. CLOSED: the other side is gone, or said what it never says.
 *   body  initialised by the caller; replaced by what is read */
enum pipe_read pipe_read(int end, struct pipe_header *ret, zmq_msg_t *body);

/* Events that the core did not take yet, in order. Grows only by what the peers' frames of one
 * burst and the core's own commands bring: nobody is read while it is not empty. */
struct outbox {
    int pipe; /* our end */
    struct outbox_event *first, *last;
};

/* Pass an event on, or keep it until outbox_flush. Takes `body`; NULL: an empty one. When memory
 * runs out the event is lost, as a link may lose a frame: sessions end by their own timers then. */
void outbox_tell(struct outbox *outbox, const struct pipe_header *header, zmq_msg_t *body);
void outbox_flush(struct outbox *outbox);
bool outbox_is_empty(const struct outbox *outbox);
void outbox_fini(struct outbox *outbox);

#endif

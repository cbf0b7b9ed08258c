/* session.h - two connected nodes make sure who the other is before anything else is said (WIRE.md 5.2, 5.2).
 * Dialler: HELLO. Listener: HELLO, HELLO_ACK. Dialler: HELLO_ACK. Each HELLO_ACK signs both HELLOs and both transport keys with the identity key, so
 * neither a relay nor a recording passes for a node. Pure but for the nonce: no socket, no clock. */
#ifndef GRIOT_NODE_NET_SESSION_H
#define GRIOT_NODE_NET_SESSION_H

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "proto/message.h"
#include "store/membership.h"

enum { HELLO_BYTES_MAX = 512 };

enum session_state {
    SESSION_HELLO, /* waiting for the other's HELLO */
    SESSION_ACK,   /* waiting for the other's HELLO_ACK */
    SESSION_UP,
};

struct session {
    enum session_state state;
    bool is_dialler;
    struct curve_public peer_transport; /* authenticated by CURVE */
    struct member peer;                 /* once its HELLO is in: who it says it is, and the roster agrees */
    struct hello peer_hello;
    struct session_id id;
    uint8_t own[HELLO_BYTES_MAX];
    size_t own_bytes;
    uint8_t theirs[HELLO_BYTES_MAX];
    size_t theirs_bytes;
};

/* What this node says of itself; everything is borrowed for the calls. */
struct session_self {
    struct hello hello; /* nonce and clock are set by session_begin */
    const struct secret *identity;
    struct curve_public transport;
    const struct membership *membership;
    /* Does this transport key belong to that node, as its card says? */
    bool (*owns_key)(void *arg, const struct node_id *node, const struct curve_public *key);
    void *arg;
};

/* Begin on a new connection. For a dialler `ret` (room for HELLO_BYTES_MAX and a frame's header) gets the frame to send. */
void session_begin(struct session *session, const struct session_self *self, bool is_dialler, const struct curve_public *peer, struct wall_ms now,
                   struct out *ret);

/* Take a frame of the handshake. `ret` (room for 2 * HELLO_BYTES_MAX) may get up to two frames to send, one after the other: their lengths in
 * ret_bytes[0..1] (0: none). errors  ERR_VERSION  another protocol; ERR_REGION; ERR_NOT_MEMBER  the roster held here does not name it;
 * ERR_UNKNOWN_KEY  the transport key is not the one in its card; ERR_BADSIG; ERR_UNEXPECTED; and those of decoding. The connection is to be closed,
 * with a BYE. */
MUST_CHECK enum err session_take(struct session *session, const struct session_self *self, const struct frame *frame, struct unpack *unpack,
                                 struct out *ret, size_t ret_bytes[2], const char **clause);

#endif

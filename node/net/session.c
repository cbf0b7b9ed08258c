#include "node/net/session.h"

#include <assert.h>

static const struct session_id no_session;

static void hello_frame(struct session *session, struct out *ret)
{
    frame_begin(ret, &no_session, MESSAGE_HELLO);
    out_bytes(ret, session->own, session->own_bytes);
}

void session_begin(struct session *session, const struct session_self *self, bool is_dialler, const struct curve_public *peer, struct wall_ms now,
                   struct out *ret)
{
    *session = (struct session){.state = SESSION_HELLO, .is_dialler = is_dialler, .peer_transport = *peer};
    struct hello hello = self->hello;
#ifndef GRIOT_WITHOUT_T06_NONCE
    random_fill(hello.nonce, sizeof hello.nonce);
#endif
    hello.clock = now;
    struct out own = out_into(session->own, sizeof session->own);
    hello_encode(&hello, &own);
    assert(!own.is_full);
    session->own_bytes = own.at;
    if (is_dialler) {
        hello_frame(session, ret);
    }
}

/* by_dialler: whose signature it is, -1 for the session id. */
static struct span transcript(const struct session *session, const struct session_self *self, int by_dialler, uint8_t *memory, size_t cap)
{
    struct span own = span_of(session->own, session->own_bytes), theirs = span_of(session->theirs, session->theirs_bytes);
    struct out out = out_into(memory, cap);
    if (session->is_dialler) {
        hello_transcript(own, theirs, &self->transport, &session->peer_transport, by_dialler, &out);
    } else {
        hello_transcript(theirs, own, &session->peer_transport, &self->transport, by_dialler, &out);
    }
    assert(!out.is_full); /* both HELLOs are at most HELLO_BYTES_MAX */
    return out_written(&out);
}

enum { TRANSCRIPT_BYTES_MAX = 2 * HELLO_BYTES_MAX + 128 };

static void ack_frame(const struct session *session, const struct session_self *self, struct out *ret)
{
    uint8_t memory[TRANSCRIPT_BYTES_MAX];
    struct signature signature;
    sign_make(SIGN_HELLO, &self->hello.region, transcript(session, self, session->is_dialler ? 1 : 0, memory, sizeof memory), self->identity,
              &signature);
    frame_begin(ret, &no_session, MESSAGE_HELLO_ACK);
    hello_ack_encode(&signature, ret);
}

static enum err take_hello(struct session *session, const struct session_self *self, const struct frame *frame, struct unpack *unpack,
                           const char **clause)
{
    if (frame->body.n > sizeof session->theirs) {
        *clause = "WIRE.md 5.2: HELLO too long";
        return ERR_OVERSIZE;
    }
    enum err err = hello_decode(unpack, frame->body, &session->peer_hello, clause);
    if (err != ERR_OK) {
        return err;
    }
#ifdef GRIOT_WITHOUT_T34_VERSION
    session->peer_hello.protocol = PROTOCOL_VERSION;
#endif
#ifndef GRIOT_WITHOUT_T34_MINIMUM
    if (session->peer_hello.protocol < membership_protocol_min(self->membership)) {
        *clause = "WIRE.md 5.2: a protocol older than the roster allows";
        return ERR_VERSION;
    }
#endif
    if (session->peer_hello.protocol != PROTOCOL_VERSION) {
        *clause = "WIRE.md 5.2: another protocol version";
        return ERR_VERSION;
    }
    if (!region_id_equal(&session->peer_hello.region, &self->hello.region)) {
        *clause = "WIRE.md 5.2: another region";
        return ERR_REGION;
    }
    const struct member *peer = membership_peer(self->membership, &session->peer_hello.node);
    if (peer == NULL) {
        *clause = "WIRE.md 5.2: the node is not in the roster held here";
        return ERR_NOT_MEMBER;
    }
    if (node_id_equal(&peer->node, &self->hello.node) || !self->owns_key(self->arg, &peer->node, &session->peer_transport)) {
        *clause = "WIRE.md 5.2: the transport key is not the one in the node's card";
        return ERR_UNKNOWN_KEY;
    }
    session->peer = *peer;
    memcpy(session->theirs, frame->body.p, frame->body.n);
    session->theirs_bytes = frame->body.n;
    return ERR_OK;
}

static enum err take_ack(struct session *session, const struct session_self *self, const struct frame *frame, struct unpack *unpack,
                         const char **clause)
{
    struct signature signature;
    enum err err = hello_ack_decode(unpack, frame->body, &signature, clause);
    if (err != ERR_OK) {
        return err;
    }
    uint8_t memory[TRANSCRIPT_BYTES_MAX];
    struct span signed_bytes = transcript(session, self, session->is_dialler ? 0 : 1, memory, sizeof memory);
    err = sign_check(SIGN_HELLO, &self->hello.region, signed_bytes, &session->peer.identity, &signature);
    if (err != ERR_OK) {
        *clause = "WIRE.md 5.3: the HELLO is not signed by the node's identity key";
        return err;
    }
    struct hash id;
    hash_of(HASH_SESSION, transcript(session, self, -1, memory, sizeof memory), &id);
    memcpy(session->id.b, id.b, sizeof session->id.b);
    session->state = SESSION_UP;
    return ERR_OK;
}

enum err session_take(struct session *session, const struct session_self *self, const struct frame *frame, struct unpack *unpack, struct out *ret,
                      size_t ret_bytes[2], const char **clause)
{
    enum err err;
    ret_bytes[0] = ret_bytes[1] = 0;
    *clause = NULL;
    if (session->state == SESSION_HELLO && frame->type == MESSAGE_HELLO) {
        err = take_hello(session, self, frame, unpack, clause);
        if (err == ERR_OK) {
            session->state = SESSION_ACK;
            if (!session->is_dialler) {
                hello_frame(session, ret);
                ret_bytes[0] = ret->at;
                ack_frame(session, self, ret);
                ret_bytes[1] = ret->at - ret_bytes[0];
            }
        }
        return err;
    }
    if (session->state == SESSION_ACK && frame->type == MESSAGE_HELLO_ACK) {
        err = take_ack(session, self, frame, unpack, clause);
        if (err == ERR_OK && session->is_dialler) {
            ack_frame(session, self, ret);
            ret_bytes[0] = ret->at;
        }
        return err;
    }
    *clause = "WIRE.md 5.2: only the handshake is heard before the session stands";
    return ERR_UNEXPECTED;
}

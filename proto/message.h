/* message.h - what two nodes say to each other in a session (WIRE.md 5). One ZeroMQ frame is one message:
 * session id (8 bytes, zeros before the session stands) | type (1 byte) | body (canonical MessagePack). Pure. */
#ifndef GRIOT_PROTO_MESSAGE_H
#define GRIOT_PROTO_MESSAGE_H

#include "proto/notice.h"

/* Permanent numbers. */
enum message_type {
    MESSAGE_HELLO = 1,     /* who I am, what I hold; unsigned, bound by the next */
    MESSAGE_HELLO_ACK = 2, /* signature over both hellos and both transport keys */
    MESSAGE_ECHO = 3,      /* your logs as I hold them; precedes everything else */
    MESSAGE_HEADS = 4,     /* logs as I hold them durably: vector, note and acknowledgement in one */
    MESSAGE_SUB = 5,       /* push me these logs from here: grants a lane each */
    MESSAGE_STOP = 6,      /* ends lanes */
    MESSAGE_SEG = 7,       /* commits of one log, in order */
    MESSAGE_NOTICES = 8,   /* which notices I hold */
    MESSAGE_NOTICE = 9,    /* one notice */
    MESSAGE_PING = 10,
    MESSAGE_PONG = 11,
    MESSAGE_BYE = 12, /* why I end this, and when to come again */
};

struct frame {
    struct session_id session;
    enum message_type type;
    struct span body; /* borrowed */
};
MUST_CHECK enum err frame_decode(struct span bytes, struct frame *ret, const char **clause);
/* Writes the header; the body follows through the same writer. */
void frame_begin(struct out *out, const struct session_id *session, enum message_type type);

struct hello {
    uint32_t protocol;
    struct region_id region;
    struct node_id node;
    uint8_t nonce[16];
    uint8_t install[16]; /* made once at init; the same in a clone */
    uint8_t boot[8];     /* made at each start */
    uint64_t roster_number;
    struct hash roster_hash;
    struct hash acts_digest;
    struct hash notices_digest; /* of cards, frontiers and fork proofs held */
    struct hash heads_digest;   /* of all heads held */
    uint32_t frame_bytes_max;   /* what this node accepts, FRAME_BYTES_DEFAULT..FRAME_BYTES_MAX */
    struct wall_ms clock;
};
void hello_encode(const struct hello *hello, struct out *ret);
MUST_CHECK enum err hello_decode(struct unpack *unpack, struct span body, struct hello *ret, const char **clause);
/* What HELLO_ACK signs (SIGN_HELLO) and the session id hashes (HASH_SESSION): dialler's hello body, listener's hello body, dialler's and
 * listener's transport keys; the signer's own side is named by `by_dialler` in the signed form, absent (-1) in the hashed one. */
void hello_transcript(struct span dialler, struct span listener, const struct curve_public *dialler_key, const struct curve_public *listener_key,
                      int by_dialler, struct out *ret);
void hello_ack_encode(const struct signature *signature, struct out *ret);
MUST_CHECK enum err hello_ack_decode(struct unpack *unpack, struct span body, struct signature *ret, const char **clause);

/* ECHO: full hashes of the receiver's own logs. Same list form as frontiers (heads_canonical / heads_decode). */

/* HEADS: [is_complete, [[log, seq, entries, prefix8], ...]]. `prefix` is hash_prefix(session, head hash). A complete list names every log held. */
struct head_hint {
    struct log_id log;
    uint64_t seq;
    uint64_t entries;
    uint8_t prefix[8];
};
void heads_message_encode(bool is_complete, const struct head_hint *hints, size_t count, struct out *ret);
MUST_CHECK enum err heads_message_decode(struct unpack *unpack, struct span body, bool *ret_is_complete, struct head_hint *ret, size_t max,
                                         size_t *ret_count, const char **clause);

/* SUB: [digest or empty, [[log, seq, hash], ...]]. With a digest (HASH_HEADS of all heads, equal at both sides): every log, from these heads.
 * Items: push this log from after `seq`, whose hash is `hash`; seq 0 with a zero hash: from the birth on. */
struct sub_item {
    struct log_id log;
    bool has_birth; /* false: nothing of the log is held, send the birth too */
    uint64_t seq;
    struct hash hash;
};
void sub_encode(const struct hash *digest_or_null, const struct sub_item *items, size_t count, struct out *ret);
MUST_CHECK enum err sub_decode(struct unpack *unpack, struct span body, bool *ret_has_digest, struct hash *ret_digest, struct sub_item *ret,
                               size_t max, size_t *ret_count, const char **clause);
void stop_encode(const struct log_id *logs, size_t count, struct out *ret);
MUST_CHECK enum err stop_decode(struct unpack *unpack, struct span body, struct log_id *ret, size_t max, size_t *ret_count, const char **clause);

/* SEG: [log, first seq, [item, ...]] with 1..SEG_COMMITS_MAX items in order: a birth (birth_encode) when seq is 0, else a packed commit. */
struct seg {
    struct log_id log;
    uint64_t first;
    uint32_t count;
    struct span items[SEG_COMMITS_MAX];
};
void seg_encode(const struct seg *seg, struct out *ret);
MUST_CHECK enum err seg_decode(struct unpack *unpack, struct span body, struct seg *ret, const char **clause);

/* NOTICES: what is held, so that the other sends what is missing: [[kind, subject (16 or 32 bytes), counter, hash8], ...]
 * subject: zeros for charter and roster (counter = roster number), registrar for acts (counter = roster number * 65536 + kind * 256 + number),
 * node for cards and frontiers (notice_counter), first 16 bytes of the log id for fork proofs (counter 0). */
struct notice_ref {
    enum notice_kind kind;
    uint8_t subject[16];
    uint64_t counter;
    uint8_t hash[8]; /* first bytes of HASH_NOTICE over the signed bytes */
};
/* What orders the cards, or the frontiers, of one node: those by a newer identity key above those by an older one, whatever counters these bear.
 *   keys_before  identity keys that the node had before the one that signed; counted to 65535
 *   counter      of the card or frontier, up to NUMBER_MAX */
static inline uint64_t notice_counter(uint32_t keys_before, uint64_t counter)
{
    return (uint64_t)(keys_before < UINT16_MAX ? keys_before : UINT16_MAX) << 48 | counter;
}
void notices_encode(const struct notice_ref *refs, size_t count, struct out *ret);
MUST_CHECK enum err notices_decode(struct unpack *unpack, struct span body, struct notice_ref *ret, size_t max, size_t *ret_count,
                                   const char **clause);

/* NOTICE: [notice (bin), base counter, heads (bin)]: for a frontier, `heads` is the whole list when base is 0, or what changed since
 * the frontier of that counter, as in NOTICES; empty for the other kinds. */
void notice_message_encode(struct span notice, uint64_t base, struct span heads, struct out *ret);
MUST_CHECK enum err notice_message_decode(struct unpack *unpack, struct span body, struct span *ret_notice, uint64_t *ret_base,
                                          struct span *ret_heads, const char **clause);

/* PING, PONG: [number]. */
void ping_encode(uint64_t number, struct out *ret);
MUST_CHECK enum err ping_decode(struct unpack *unpack, struct span body, uint64_t *ret, const char **clause);
/* BYE: [reason (an enum err name), retry after ms]. */
void bye_encode(enum err reason, uint32_t retry_after_ms, struct out *ret);
MUST_CHECK enum err bye_decode(struct unpack *unpack, struct span body, enum err *ret_reason, uint32_t *ret_retry_after_ms, const char **clause);

#endif

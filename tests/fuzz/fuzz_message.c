/* A frame: its type chooses the decoder of its body. */
#include "proto/message.h"
#include "tests/fuzz/fuzz.h"

static struct unpack *unpack;

static enum err hello_again(struct span body, struct out *out, const char **clause)
{
    struct hello hello;
    enum err err = hello_decode(unpack, body, &hello, clause);

    if (err == ERR_OK && hello.protocol == PROTOCOL_VERSION) {
        hello_encode(&hello, out);
    } else if (err == ERR_OK) {
        out_span(out, body); /* a newer one may hold more than we read */
    }
    return err;
}

static enum err bye_again(struct span body, struct out *out, const char **clause)
{
    enum err reason;
    uint32_t retry;
    enum err err = bye_decode(unpack, body, &reason, &retry, clause);

    if (err == ERR_OK && reason != ERR_UNEXPECTED) {
        bye_encode(reason, retry, out);
    } else if (err == ERR_OK) {
        out_span(out, body); /* a reason of a newer release */
    }
    return err;
}

static enum err lists_again(enum message_type type, struct span body, struct out *out, const char **clause)
{
    static union {
        struct head heads[FRONTIER_HEADS_MAX];
        struct head_hint hints[HEADS_PER_MESSAGE_MAX];
        struct sub_item subs[SUBS_PER_MESSAGE_MAX];
        struct log_id logs[SUBS_PER_MESSAGE_MAX];
        struct notice_ref refs[NOTICES_PER_MESSAGE_MAX];
    } u;
    struct hash digest;
    bool flag = false;
    size_t n = 0;
    enum err err;

    if (type == MESSAGE_ECHO) {
        err = heads_decode(unpack, body, u.heads, FRONTIER_HEADS_MAX, &n, clause);
        return err == ERR_OK ? (heads_canonical(u.heads, n, out), err) : err;
    }
    if (type == MESSAGE_HEADS) {
        err = heads_message_decode(unpack, body, &flag, u.hints, HEADS_PER_MESSAGE_MAX, &n, clause);
        return err == ERR_OK ? (heads_message_encode(flag, u.hints, n, out), err) : err;
    }
    if (type == MESSAGE_SUB) {
        err = sub_decode(unpack, body, &flag, &digest, u.subs, SUBS_PER_MESSAGE_MAX, &n, clause);
        return err == ERR_OK ? (sub_encode(flag ? &digest : NULL, u.subs, n, out), err) : err;
    }
    if (type == MESSAGE_STOP) {
        err = stop_decode(unpack, body, u.logs, SUBS_PER_MESSAGE_MAX, &n, clause);
        return err == ERR_OK ? (stop_encode(u.logs, n, out), err) : err;
    }
    err = notices_decode(unpack, body, u.refs, NOTICES_PER_MESSAGE_MAX, &n, clause);
    return err == ERR_OK ? (notices_encode(u.refs, n, out), err) : err;
}

static enum err again(enum message_type type, struct span body, struct out *out, const char **clause)
{
    struct signature signature;
    struct seg seg;
    struct span notice;
    struct span heads;
    uint64_t number;
    enum err err;

    switch (type) {
    case MESSAGE_HELLO:
        return hello_again(body, out, clause);
    case MESSAGE_HELLO_ACK:
        err = hello_ack_decode(unpack, body, &signature, clause);
        return err == ERR_OK ? (hello_ack_encode(&signature, out), err) : err;
    case MESSAGE_ECHO:
    case MESSAGE_HEADS:
    case MESSAGE_SUB:
    case MESSAGE_STOP:
    case MESSAGE_NOTICES:
        return lists_again(type, body, out, clause);
    case MESSAGE_SEG:
        err = seg_decode(unpack, body, &seg, clause);
        return err == ERR_OK ? (seg_encode(&seg, out), err) : err;
    case MESSAGE_NOTICE:
        err = notice_message_decode(unpack, body, &notice, &number, &heads, clause);
        return err == ERR_OK ? (notice_message_encode(notice, number, heads, out), err) : err;
    case MESSAGE_PING:
    case MESSAGE_PONG:
        err = ping_decode(unpack, body, &number, clause);
        return err == ERR_OK ? (ping_encode(number, out), err) : err;
    case MESSAGE_BYE:
        return bye_again(body, out, clause);
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct frame frame;
    enum err err;

    unpack = unpack == NULL ? unpack_new() : unpack;
    must(unpack != NULL);
    err = frame_decode(span_of(data, size), &frame, &clause);
    if (err == ERR_OK) {
        frame_begin(&out, &frame.session, frame.type);
        err = again(frame.type, frame.body, &out, &clause);
    }
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return 0;
    }
    must_equal(&out, span_of(data, size));
    return 0;
}

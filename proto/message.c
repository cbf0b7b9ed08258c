#include "proto/message.h"

#include <assert.h>

#include "proto/pack.h"

/* What every decoder but one's own limit says: the shape is in the clause of the message. */
enum { HELLO_ITEMS = 13, SESSION_BYTES = 8, ERROR_NAME_BYTES_MAX = 32 };

static enum err bad_shape(const char **clause, const char *text)
{
    return unpack_refuse(clause, text, ERR_MALFORMED);
}

/* ---- frames ---- */

enum err frame_decode(struct span bytes, struct frame *ret, const char **clause)
{
    uint8_t type;

    if (bytes.n > FRAME_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 5.1: a frame longer than 65536 bytes", ERR_OVERSIZE);
    }
    if (bytes.n <= FRAME_HEADER_BYTES) {
        return unpack_refuse(clause, "WIRE.md 5.1: a frame without body", ERR_TRUNCATED);
    }
    type = bytes.p[SESSION_BYTES];
    if (type < MESSAGE_HELLO || type > MESSAGE_BYE) {
        return bad_shape(clause, "WIRE.md 5.1: an unknown message type");
    }
    memcpy(ret->session.b, bytes.p, SESSION_BYTES);
    ret->type = (enum message_type)type;
    ret->body = span_of(bytes.p + FRAME_HEADER_BYTES, bytes.n - FRAME_HEADER_BYTES);
    return ERR_OK;
}

void frame_begin(struct out *out, const struct session_id *session, enum message_type type)
{
    const uint8_t byte = (uint8_t)type;

    out_bytes(out, session->b, sizeof session->b);
    out_bytes(out, &byte, 1);
}

/* ---- HELLO and HELLO_ACK ---- */

void hello_encode(const struct hello *hello, struct out *ret)
{
    pack_array(ret, HELLO_ITEMS);
    pack_uint(ret, hello->protocol);
    pack_bin(ret, span_of(hello->region.b, sizeof hello->region.b));
    pack_bin(ret, span_of(hello->node.b, sizeof hello->node.b));
    pack_bin(ret, span_of(hello->nonce, sizeof hello->nonce));
    pack_bin(ret, span_of(hello->install, sizeof hello->install));
    pack_bin(ret, span_of(hello->boot, sizeof hello->boot));
    pack_uint(ret, hello->roster_number);
    pack_bin(ret, span_of(hello->roster_hash.b, sizeof hello->roster_hash.b));
    pack_bin(ret, span_of(hello->acts_digest.b, sizeof hello->acts_digest.b));
    pack_bin(ret, span_of(hello->notices_digest.b, sizeof hello->notices_digest.b));
    pack_bin(ret, span_of(hello->heads_digest.b, sizeof hello->heads_digest.b));
    pack_uint(ret, hello->frame_bytes_max);
    pack_uint(ret, hello->clock.ms);
}

static void hello_fields(struct cursor *c, struct hello *ret)
{
    ret->protocol = (uint32_t)cursor_uint(c, UINT32_MAX);
    cursor_bin_into(c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(c, ret->node.b, sizeof ret->node.b);
    cursor_bin_into(c, ret->nonce, sizeof ret->nonce);
    cursor_bin_into(c, ret->install, sizeof ret->install);
    cursor_bin_into(c, ret->boot, sizeof ret->boot);
    ret->roster_number = cursor_uint(c, NUMBER_MAX);
    cursor_bin_into(c, ret->roster_hash.b, sizeof ret->roster_hash.b);
    cursor_bin_into(c, ret->acts_digest.b, sizeof ret->acts_digest.b);
    cursor_bin_into(c, ret->notices_digest.b, sizeof ret->notices_digest.b);
    cursor_bin_into(c, ret->heads_digest.b, sizeof ret->heads_digest.b);
    ret->frame_bytes_max = (uint32_t)cursor_uint(c, FRAME_BYTES_MAX);
    ret->clock.ms = cursor_uint(c, NUMBER_MAX);
}

/* A newer protocol keeps these items and may append others, so that it can still be told from which release on
 * two nodes understand each other. */
enum err hello_decode(struct unpack *unpack, struct span body, struct hello *ret, const char **clause)
{
    struct cursor c;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, UINT32_MAX);
    hello_fields(&c, ret);
    while (ret->protocol > PROTOCOL_VERSION && !c.is_bad && c.left > 0) {
        cursor_skip(&c);
    }
    if (cursor_end(&c) != ERR_OK || ret->protocol == 0 || ret->frame_bytes_max < FRAME_BYTES_DEFAULT) {
        return bad_shape(clause, "WIRE.md 5.2: a field has the wrong type, length or range");
    }
    return ERR_OK;
}

void hello_transcript(struct span dialler, struct span listener, const struct curve_public *dialler_key, const struct curve_public *listener_key,
                      int by_dialler, struct out *ret)
{
    pack_array(ret, by_dialler < 0 ? 4 : 5);
    pack_bin(ret, dialler);
    pack_bin(ret, listener);
    pack_bin(ret, span_of(dialler_key->b, sizeof dialler_key->b));
    pack_bin(ret, span_of(listener_key->b, sizeof listener_key->b));
    if (by_dialler >= 0) {
        pack_bool(ret, by_dialler != 0);
    }
}

void hello_ack_encode(const struct signature *signature, struct out *ret)
{
    pack_array(ret, 1);
    pack_bin(ret, span_of(signature->b, sizeof signature->b));
}

enum err hello_ack_decode(struct unpack *unpack, struct span body, struct signature *ret, const char **clause)
{
    struct cursor c;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, 1);
    cursor_bin_into(&c, ret->b, sizeof ret->b);
    return cursor_end(&c) == ERR_OK ? ERR_OK : bad_shape(clause, "WIRE.md 5.3: not one signature");
}

/* ---- PING, PONG, BYE ---- */

void ping_encode(uint64_t number, struct out *ret)
{
    pack_array(ret, 1);
    pack_uint(ret, number);
}

enum err ping_decode(struct unpack *unpack, struct span body, uint64_t *ret, const char **clause)
{
    struct cursor c;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, 1);
    *ret = cursor_uint(&c, UINT64_MAX);
    return cursor_end(&c) == ERR_OK ? ERR_OK : bad_shape(clause, "WIRE.md 5.11: not one number");
}

void bye_encode(enum err reason, uint32_t retry_after_ms, struct out *ret)
{
    pack_array(ret, 2);
    pack_text(ret, span_text(err_name(reason)));
    pack_uint(ret, retry_after_ms);
}

enum err bye_decode(struct unpack *unpack, struct span body, enum err *ret_reason, uint32_t *ret_retry_after_ms, const char **clause)
{
    struct cursor c;
    struct span name;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, 2);
    name = cursor_text(&c, 1, ERROR_NAME_BYTES_MAX);
    *ret_retry_after_ms = (uint32_t)cursor_uint(&c, UINT32_MAX);
    if (cursor_end(&c) != ERR_OK) {
        return bad_shape(clause, "WIRE.md 5.12: not a reason and a time");
    }
    *ret_reason = err_of_name((const char *)name.p, name.n);
    if (*ret_reason == ERR_COUNT) {
        *ret_reason = ERR_UNEXPECTED; /* a reason that only a newer release knows */
    }
    return ERR_OK;
}

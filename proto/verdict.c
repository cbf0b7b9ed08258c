#include "proto/verdict.h"

#include "proto/member.h"
#include "proto/pack.h"

enum { VERDICT_ITEMS = 5 };

static bool is_class(uint64_t class)
{
    return class == VERDICT_ACCIDENT || class == VERDICT_MALICE;
}

enum err verdict_encode(const struct verdict *verdict, struct out *ret)
{
    if (!is_class(verdict->class) || !reason_is_valid(span_text(verdict->reason))) {
        return ERR_INVALID;
    }
    pack_array(ret, VERDICT_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_bin(ret, span_of(verdict->log.b, sizeof verdict->log.b));
    pack_bin(ret, span_of(verdict->proof.b, sizeof verdict->proof.b));
    pack_uint(ret, verdict->class);
    pack_text(ret, span_text(verdict->reason));
    return ret->is_full ? ERR_OVERSIZE : ERR_OK;
}

enum err verdict_decode(struct unpack *unpack, struct span bytes, struct verdict *ret, const char **clause)
{
    struct cursor c;
    struct span reason;
    uint64_t class;
    enum err err;

    if (bytes.n > PAYLOAD_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 6.1: a payload longer than 2048 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, VERDICT_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    memset(ret, 0, sizeof *ret);
    cursor_bin_into(&c, ret->log.b, sizeof ret->log.b);
    cursor_bin_into(&c, ret->proof.b, sizeof ret->proof.b);
    class = cursor_uint(&c, UINT32_MAX);
    reason = cursor_text(&c, 0, VERDICT_REASON_BYTES_MAX);
    if (cursor_end(&c) != ERR_OK || !is_class(class) || !reason_is_valid(reason)) {
        return unpack_refuse(clause, "WIRE.md 6.10: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    ret->class = (enum verdict_class)class;
    if (reason.n > 0) {
        memcpy(ret->reason, reason.p, reason.n);
    }
    return ERR_OK;
}

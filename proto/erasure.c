#include "proto/erasure.h"

#include "proto/member.h"
#include "proto/pack.h"

enum { ERASURE_ITEMS = 4 };

static bool are_rising(const struct erasure *erasure)
{
    for (uint32_t i = 1; i < erasure->leaf_count; i++) {
        if (memcmp(erasure->leaves[i - 1].b, erasure->leaves[i].b, sizeof erasure->leaves[i].b) >= 0) {
            return false;
        }
    }
    return true;
}

enum err erasure_encode(const struct erasure *erasure, struct out *ret)
{
    if (erasure->leaf_count == 0 || erasure->leaf_count > ERASURE_LEAVES_MAX) {
        return ERR_LIMIT;
    }
    if (!are_rising(erasure) || !reason_is_valid(span_text(erasure->reason))) {
        return ERR_INVALID;
    }
    pack_array(ret, ERASURE_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_bin(ret, span_of(erasure->author.b, sizeof erasure->author.b));
    pack_array(ret, erasure->leaf_count);
    for (uint32_t i = 0; i < erasure->leaf_count; i++) {
        pack_bin(ret, span_of(erasure->leaves[i].b, sizeof erasure->leaves[i].b));
    }
    pack_text(ret, span_text(erasure->reason));
    return ret->is_full ? ERR_OVERSIZE : ERR_OK;
}

enum err erasure_decode(struct unpack *unpack, struct span bytes, struct erasure *ret, const char **clause)
{
    struct cursor c, leaves;
    struct span reason;
    enum err err;

    if (bytes.n > PAYLOAD_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 6.1: a payload longer than 2048 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, ERASURE_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    memset(ret, 0, sizeof *ret);
    cursor_bin_into(&c, ret->author.b, sizeof ret->author.b);
    leaves = cursor_array(&c, 0, UINT32_MAX);
    if (leaves.left > ERASURE_LEAVES_MAX) {
        return unpack_refuse(clause, "WIRE.md 6.9: more than 32 leaves", ERR_LIMIT);
    }
    ret->leaf_count = leaves.left;
    for (uint32_t i = 0; i < ret->leaf_count; i++) {
        cursor_bin_into(&leaves, ret->leaves[i].b, sizeof ret->leaves[i].b);
    }
    cursor_close(&c, &leaves);
    reason = cursor_text(&c, 0, ERASURE_REASON_BYTES_MAX);
    if (cursor_end(&c) != ERR_OK || ret->leaf_count == 0 || !reason_is_valid(reason)) {
        return unpack_refuse(clause, "WIRE.md 6.9: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    if (!are_rising(ret)) {
        return unpack_refuse(clause, "WIRE.md 6.9: the leaves do not rise", ERR_MALFORMED);
    }
    if (reason.n > 0) {
        memcpy(ret->reason, reason.p, reason.n);
    }
    return ERR_OK;
}

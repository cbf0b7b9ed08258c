#include "proto/notice.h"

#include <assert.h>

#include "proto/pack.h"

enum { NOTICE_ITEMS = 3, SIGNATURE_ITEMS = 2 };

void notice_encode(const struct notice *notice, struct out *ret)
{
    assert(notice->signature_count <= NOTICE_SIGNATURES_MAX);
    pack_array(ret, NOTICE_ITEMS);
    pack_uint(ret, (uint64_t)notice->kind);
    pack_bin(ret, notice->body);
    pack_array(ret, notice->signature_count);
    for (uint32_t i = 0; i < notice->signature_count; i++) {
        pack_array(ret, SIGNATURE_ITEMS);
        pack_uint(ret, notice->signatures[i].key);
        pack_bin(ret, span_of(notice->signatures[i].signature.b, sizeof notice->signatures[i].signature.b));
    }
}

/* How many signatures a kind carries. */
static bool count_is_right(enum notice_kind kind, uint32_t count)
{
    switch (kind) {
    case NOTICE_CHARTER:
    case NOTICE_FORK_PROOF:
        return count == 0;
    case NOTICE_ROSTER:
        return count >= 1;
    case NOTICE_ACT:
    case NOTICE_CARD:
    case NOTICE_FRONTIER:
        return count == 1;
    }
    return false;
}

static enum err signatures_decode(struct cursor *notice, struct notice *ret, const char **clause)
{
    struct cursor all = cursor_array(notice, 0, UINT32_MAX);
    uint32_t key_max = ret->kind == NOTICE_ROSTER ? NOTICE_SIGNATURES_MAX - 1 : 0;

    if (all.left > NOTICE_SIGNATURES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.7: more than 30 signatures", ERR_LIMIT);
    }
    ret->signature_count = all.left;
    for (uint32_t i = 0; i < ret->signature_count; i++) {
        struct notice_signature *one = &ret->signatures[i];
        struct cursor c = cursor_array(&all, SIGNATURE_ITEMS, SIGNATURE_ITEMS);

        one->key = (uint32_t)cursor_uint(&c, key_max);
        cursor_bin_into(&c, one->signature.b, sizeof one->signature.b);
        cursor_close(&all, &c);
        if (!all.is_bad && i > 0 && one->key <= ret->signatures[i - 1].key) {
            return unpack_refuse(clause, "WIRE.md 4.7: signatures that do not rise by key", ERR_NONCANONICAL);
        }
    }
    cursor_close(notice, &all);
    return ERR_OK;
}

enum err notice_decode(struct unpack *unpack, struct span bytes, struct notice *ret, const char **clause)
{
    struct cursor c;
    uint64_t kind;
    enum err err;

    if (bytes.n > NOTICE_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.7: longer than 61440 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, NOTICE_ITEMS);
    kind = cursor_uint(&c, NOTICE_FORK_PROOF);
    ret->kind = (enum notice_kind)kind;
    ret->body = cursor_bin(&c, 1, NOTICE_BYTES_MAX);
    err = signatures_decode(&c, ret, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (cursor_end(&c) != ERR_OK || kind == 0) {
        return unpack_refuse(clause, "WIRE.md 4.7: not a kind, signed bytes and signatures", ERR_MALFORMED);
    }
    if (!count_is_right(ret->kind, ret->signature_count)) {
        return unpack_refuse(clause, "WIRE.md 4.7: not as many signatures as its kind has", ERR_MALFORMED);
    }
    return ERR_OK;
}

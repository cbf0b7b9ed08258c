/* The messages that pass notices on: which ones are held (NOTICES), and one of them (NOTICE). */
#include <assert.h>

#include "proto/message.h"
#include "proto/pack.h"

enum { REF_ITEMS = 4, NOTICE_ITEMS = 3 };

void notices_encode(const struct notice_ref *refs, size_t count, struct out *ret)
{
    assert(count <= NOTICES_PER_MESSAGE_MAX);
    pack_array(ret, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_array(ret, REF_ITEMS);
        pack_uint(ret, (uint64_t)refs[i].kind);
        pack_bin(ret, span_of(refs[i].subject, sizeof refs[i].subject));
        pack_uint(ret, refs[i].counter);
        pack_bin(ret, span_of(refs[i].hash, sizeof refs[i].hash));
    }
}

static void ref_decode(struct cursor *items, struct notice_ref *ret)
{
    struct cursor c = cursor_array(items, REF_ITEMS, REF_ITEMS);
    uint64_t kind = cursor_uint(&c, NOTICE_FORK_PROOF);

    if (kind == 0) {
        c.is_bad = true;
    }
    ret->kind = (enum notice_kind)kind;
    cursor_bin_into(&c, ret->subject, sizeof ret->subject);
    ret->counter = cursor_uint(&c, UINT64_MAX);
    cursor_bin_into(&c, ret->hash, sizeof ret->hash);
    cursor_close(items, &c);
}

enum err notices_decode(struct unpack *unpack, struct span body, struct notice_ref *ret, size_t max, size_t *ret_count, const char **clause)
{
    struct cursor c;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, UINT32_MAX);
    if (c.left > NOTICES_PER_MESSAGE_MAX || c.left > max) {
        return unpack_refuse(clause, "WIRE.md 5.9: more than 1200 notices", ERR_LIMIT);
    }
    *ret_count = c.left;
    for (size_t i = 0; i < *ret_count; i++) {
        ref_decode(&c, &ret[i]);
    }
    return cursor_end(&c) == ERR_OK ? ERR_OK : unpack_refuse(clause, "WIRE.md 5.9: a field has the wrong type, length or range", ERR_MALFORMED);
}

void notice_message_encode(struct span notice, uint64_t base, struct span heads, struct out *ret)
{
    pack_array(ret, NOTICE_ITEMS);
    pack_bin(ret, notice);
    pack_uint(ret, base);
    pack_bin(ret, heads);
}

enum err notice_message_decode(struct unpack *unpack, struct span body, struct span *ret_notice, uint64_t *ret_base, struct span *ret_heads,
                               const char **clause)
{
    struct cursor c;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, NOTICE_ITEMS);
    *ret_notice = cursor_bin(&c, 1, UINT32_MAX);
    *ret_base = cursor_uint(&c, UINT64_MAX);
    *ret_heads = cursor_bin(&c, 0, UINT32_MAX);
    if (ret_notice->n > NOTICE_BYTES_MAX || ret_heads->n > NOTICE_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 5.10: a notice or list longer than 61440 bytes", ERR_OVERSIZE);
    }
    return cursor_end(&c) == ERR_OK ? ERR_OK : unpack_refuse(clause, "WIRE.md 5.10: a field has the wrong type, length or range", ERR_MALFORMED);
}

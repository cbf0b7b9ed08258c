#include "proto/sender_key.h"

#include <assert.h>

#include "proto/pack.h"

enum { KEY_ITEMS = 6, WRAP_ITEMS = 3 };

uint32_t sender_key_parts(size_t receivers)
{
    assert(receivers >= 1 && receivers <= AUDIENCE_NODES_MAX);
    return (uint32_t)((receivers + SENDER_PART_WRAPS - 1) / SENDER_PART_WRAPS);
}

uint32_t sender_key_part_count(size_t receivers, uint32_t part)
{
    assert(part >= 1 && part <= sender_key_parts(receivers));
    size_t left = receivers - (size_t)(part - 1) * SENDER_PART_WRAPS;

    return left < SENDER_PART_WRAPS ? (uint32_t)left : SENDER_PART_WRAPS;
}

static bool rises(const struct sender_wrap *wraps, uint32_t i)
{
    return i == 0 || memcmp(wraps[i - 1].node.b, wraps[i].node.b, sizeof wraps[i].node.b) < 0;
}

void sender_key_write(const struct sender_key *key, struct out *ret)
{
    assert(key->parts >= 1 && key->parts <= SENDER_PARTS_MAX && key->part >= 1 && key->part <= key->parts);
    assert(key->count >= 1 && key->count <= SENDER_PART_WRAPS && (key->part == key->parts || key->count == SENDER_PART_WRAPS));
    pack_array(ret, KEY_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_bin(ret, span_of(key->id.b, sizeof key->id.b));
    pack_uint(ret, key->part);
    pack_uint(ret, key->parts);
    pack_bin(ret, span_of(key->ephemeral.b, sizeof key->ephemeral.b));
    pack_array(ret, key->count);
    for (uint32_t i = 0; i < key->count; i++) {
        const struct sender_wrap *wrap = &key->wraps[i];

        assert(rises(key->wraps, i));
        pack_array(ret, WRAP_ITEMS);
        pack_bin(ret, span_of(wrap->node.b, sizeof wrap->node.b));
        pack_bin(ret, span_of(wrap->tag, sizeof wrap->tag));
        pack_bin(ret, span_of(wrap->wrap, wrap->has_wrap ? sizeof wrap->wrap : 0));
    }
}

static void wrap_read(struct cursor *wraps, struct sender_wrap *ret)
{
    static const uint8_t zeros[SENDER_TAG_BYTES];
    struct cursor c = cursor_array(wraps, WRAP_ITEMS, WRAP_ITEMS);
    struct span wrap;

    memset(ret, 0, sizeof *ret);
    cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
    cursor_bin_into(&c, ret->tag, sizeof ret->tag);
    wrap = cursor_bin(&c, 0, SENDER_WRAP_BYTES);
    ret->has_wrap = wrap.n == SENDER_WRAP_BYTES;
    if (ret->has_wrap) {
        memcpy(ret->wrap, wrap.p, SENDER_WRAP_BYTES);
    } else if (wrap.n != 0 || memcmp(ret->tag, zeros, sizeof zeros) != 0) {
        c.is_bad = true;
    }
    cursor_close(wraps, &c);
}

enum err sender_key_read(struct unpack *unpack, struct span bytes, struct sender_key *ret, const char **clause)
{
    struct cursor c, wraps;
    enum err err;

    if (bytes.n > PAYLOAD_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 6.7: longer than 2048 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, KEY_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    cursor_bin_into(&c, ret->id.b, sizeof ret->id.b);
    ret->part = (uint32_t)cursor_uint(&c, UINT32_MAX);
    ret->parts = (uint32_t)cursor_uint(&c, UINT32_MAX);
    cursor_bin_into(&c, ret->ephemeral.b, sizeof ret->ephemeral.b);
    wraps = cursor_array(&c, 1, UINT32_MAX);
    ret->count = wraps.left;
    if (ret->parts > SENDER_PARTS_MAX || ret->count > SENDER_PART_WRAPS) {
        return unpack_refuse(clause, "WIRE.md 6.7: more than 7 parts, or more than 24 receivers in one", ERR_LIMIT);
    }
    for (uint32_t i = 0; i < ret->count; i++) {
        wrap_read(&wraps, &ret->wraps[i]);
        if (!wraps.is_bad && !rises(ret->wraps, i)) {
            return unpack_refuse(clause, "WIRE.md 6.7: receivers that do not rise", ERR_NONCANONICAL);
        }
    }
    cursor_close(&c, &wraps);
    if (cursor_end(&c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 6.7: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    if (ret->part == 0 || ret->part > ret->parts || (ret->part < ret->parts && ret->count != SENDER_PART_WRAPS)) {
        return unpack_refuse(clause, "WIRE.md 6.7: a part that is none of them, or that is not full and not the last", ERR_MALFORMED);
    }
    if ((ret->parts - 1) * SENDER_PART_WRAPS + ret->count > AUDIENCE_NODES_MAX && ret->part == ret->parts) {
        return unpack_refuse(clause, "WIRE.md 6.7: more than 160 receivers", ERR_LIMIT);
    }
    return ERR_OK;
}

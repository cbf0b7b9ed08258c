#include <assert.h>

#include "proto/commit.h"
#include "proto/pack.h"

enum { BIRTH_ITEMS = 7, CARRIED_ITEMS = 2 };

/* Predecessors are a set; it has one encoding, in rising order. */
static void sort_closed(const struct birth *birth, struct log_id ret[BIRTH_CLOSED_MAX])
{
    for (uint32_t i = 0; i < birth->closed_count; i++) {
        uint32_t at = i;

        while (at > 0 && log_id_compare(&ret[at - 1], &birth->closed[i]) > 0) {
            ret[at] = ret[at - 1];
            at--;
        }
        ret[at] = birth->closed[i];
    }
}

void birth_canonical(const struct birth *birth, struct out *ret)
{
    struct log_id closed[BIRTH_CLOSED_MAX];

    assert(birth->closed_count <= BIRTH_CLOSED_MAX);
    sort_closed(birth, closed);
    pack_array(ret, BIRTH_ITEMS);
    pack_uint(ret, birth->version);
    pack_bin(ret, span_of(birth->region.b, sizeof birth->region.b));
    pack_bin(ret, span_of(birth->node.b, sizeof birth->node.b));
    pack_uint(ret, (uint64_t)birth->channel);
    pack_bin(ret, span_of(birth->key.b, sizeof birth->key.b));
    pack_array(ret, birth->closed_count);
    for (uint32_t i = 0; i < birth->closed_count; i++) {
        pack_bin(ret, span_of(closed[i].b, sizeof closed[i].b));
    }
    pack_bin(ret, span_of(birth->random, sizeof birth->random));
}

void birth_encode(const struct birth *birth, struct out *ret)
{
    uint8_t bytes[BIRTH_BYTES_MAX];
    struct out canonical = out_into(bytes, sizeof bytes);

    birth_canonical(birth, &canonical);
    assert(!canonical.is_full);
    pack_array(ret, CARRIED_ITEMS);
    pack_bin(ret, out_written(&canonical));
    pack_bin(ret, span_of(birth->signature.b, sizeof birth->signature.b));
}

static enum err closed_decode(struct cursor *birth, struct birth *ret, const char **clause)
{
    struct cursor closed = cursor_array(birth, 0, UINT32_MAX);

    if (closed.left > BIRTH_CLOSED_MAX) {
        return unpack_refuse(clause, "WIRE.md 3.1: closes more than 8 logs", ERR_LIMIT);
    }
    ret->closed_count = closed.left;
    for (uint32_t i = 0; i < ret->closed_count; i++) {
        cursor_bin_into(&closed, ret->closed[i].b, sizeof ret->closed[i].b);
        if (!closed.is_bad && i > 0 && log_id_compare(&ret->closed[i - 1], &ret->closed[i]) >= 0) {
            return unpack_refuse(clause, "WIRE.md 3.1: closed logs that do not rise", ERR_NONCANONICAL);
        }
    }
    cursor_close(birth, &closed);
    return ERR_OK;
}

static enum err canonical_decode(struct unpack *unpack, struct span bytes, struct birth *ret, const char **clause)
{
    struct cursor c;
    enum err err = unpack_begin(unpack, bytes, clause);

    if (err == ERR_OK) {
        err = unpack_versioned(unpack, BIRTH_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
    ret->channel = (enum channel)cursor_uint(&c, CHANNEL_COUNT - 1);
    cursor_bin_into(&c, ret->key.b, sizeof ret->key.b);
    err = closed_decode(&c, ret, clause);
    cursor_bin_into(&c, ret->random, sizeof ret->random);
    if (err == ERR_OK && cursor_end(&c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 3.1: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    return err;
}

enum err birth_decode(struct unpack *unpack, struct span bytes, struct birth *ret, struct span *ret_canonical, const char **clause)
{
    struct cursor c;
    struct span canonical;
    enum err err;

    if (bytes.n > BIRTH_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 3.2: longer than 1024 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, CARRIED_ITEMS);
    canonical = cursor_bin(&c, 1, BIRTH_BYTES_MAX);
    cursor_bin_into(&c, ret->signature.b, sizeof ret->signature.b);
    if (cursor_end(&c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 3.2: not the signed bytes and a signature", ERR_MALFORMED);
    }
    err = canonical_decode(unpack, canonical, ret, clause);
    if (err == ERR_OK && ret_canonical != NULL) {
        *ret_canonical = canonical;
    }
    return err;
}

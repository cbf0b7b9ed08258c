#include "proto/sealed.h"

#include <assert.h>

#include "proto/pack.h"

enum { INNER_ITEMS = 4, LENGTH_BYTES = 2 };

/* Records of the short form, and of 600 bytes that do not compress, just fit one; between them no step is above 1.8. */
const uint16_t sealed_buckets[SEALED_BUCKETS] = {176, 288, 464, 688, 1152, PAYLOAD_BYTES_MAX};

/* The size of the inner form that holds `n` bytes; 0: none does. */
static size_t padded(size_t n)
{
#ifdef GRIOT_WITHOUT_T07_PADDING
    return n <= SEALED_INNER_BYTES_MAX ? n : 0;
#else
    for (size_t i = 0; i < SEALED_BUCKETS; i++) {
        if (n + SEALED_AROUND_BYTES <= sealed_buckets[i]) {
            return sealed_buckets[i] - (size_t)SEALED_AROUND_BYTES;
        }
    }
    return 0;
#endif
}

/* A payload counts as long as its bucket, so it is packed with full effort only where that may well reach the next smaller one. What the quick way could hardly shorten
 * is text, of which the full way leaves two thirds; the more it has found to leave out, the less there is left for the full way. */
static size_t percent_left(size_t quick, size_t whole)
{
    return quick * 10 > whole * 9 ? 68 : quick * 10 > whole * 8 ? 78 : 88;
}

static enum err pack_into_bucket(struct commit_packer *packer, struct span payload, struct out *ret)
{
    enum { HEAD_BYTES = LENGTH_BYTES + 1 + 1 + 1 + 1 + 3 }; /* of the document, for kinds and flags in use */
    enum err err = payload_pack(packer, PACK_QUICK, payload, ret);
    size_t now = ret->at + HEAD_BYTES + SEALED_AROUND_BYTES, below = 0;

    for (size_t i = 0; i < SEALED_BUCKETS && sealed_buckets[i] < now; i++) {
        below = sealed_buckets[i] - (size_t)HEAD_BYTES - SEALED_AROUND_BYTES;
    }
    if (err == ERR_OVERSIZE || (err == ERR_OK && below * 100 >= ret->at * percent_left(ret->at, payload.n))) {
        ret->at = 0;
        ret->is_full = false;
        err = payload_pack(packer, PACK_FULL, payload, ret);
    }
    return err;
}

/* The document may be longer than what is left of `ret` by what compression saves, so it is written where it belongs, and its length afterwards. */
enum err sealed_write(struct commit_packer *packer, const struct sealed *sealed, struct out *ret)
{
    uint8_t packed[PAYLOAD_BYTES_MAX];
    struct out body = out_into(packed, sizeof packed);
    size_t begin = ret->at, end;
    enum err err;

    assert(sealed->kind != ENTRY_SEALED);
    err = pack_into_bucket(packer, sealed->payload, &body);
    if (err != ERR_OK) {
        return err;
    }
    out_bytes(ret, "\0", LENGTH_BYTES);
    pack_array(ret, INNER_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_uint(ret, sealed->kind);
    pack_uint(ret, sealed->flags);
    pack_bin(ret, out_written(&body));
    end = ret->is_full ? 0 : begin + padded(ret->at - begin);
    if (end <= begin || end > ret->cap) {
        ret->is_full = true;
        return ERR_OVERSIZE;
    }
    size_t n = ret->at - begin - LENGTH_BYTES;
    ret->p[begin] = (uint8_t)(n >> 8);
    ret->p[begin + 1] = (uint8_t)n;
    memset(ret->p + ret->at, 0, end - ret->at);
    ret->at = end;
    return ERR_OK;
}

static enum err document_of(struct span inner, struct span *ret, const char **clause)
{
    size_t n = inner.n < LENGTH_BYTES ? 0 : (size_t)inner.p[0] << 8 | inner.p[1];

    if (inner.n > SEALED_INNER_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 6.6: longer than 2008 bytes inside", ERR_OVERSIZE);
    }
    if (inner.n < LENGTH_BYTES || n > inner.n - LENGTH_BYTES) {
        return unpack_refuse(clause, "WIRE.md 6.6: it ends before its document", ERR_TRUNCATED);
    }
    if (padded(LENGTH_BYTES + n) != inner.n) {
        return unpack_refuse(clause, "WIRE.md 6.6: not of the size for what it holds", ERR_NONCANONICAL);
    }
    for (size_t i = LENGTH_BYTES + n; i < inner.n; i++) {
        if (inner.p[i] != 0) {
            return unpack_refuse(clause, "WIRE.md 6.6: padding that is not zeros", ERR_NONCANONICAL);
        }
    }
    *ret = span_of(inner.p + LENGTH_BYTES, n);
    return ERR_OK;
}

enum err sealed_read(struct commit_packer *packer, struct unpack *unpack, struct span inner, uint8_t *expanded, struct sealed *ret,
                     const char **clause)
{
    struct span document, packed;
    struct cursor c;
    enum err err = document_of(inner, &document, clause);

    if (err == ERR_OK) {
        err = unpack_begin(unpack, document, clause);
    }
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, INNER_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->kind = (uint32_t)cursor_uint(&c, UINT32_MAX);
    ret->flags = (uint32_t)cursor_uint(&c, UINT32_MAX);
    packed = cursor_bin(&c, 1, SEALED_INNER_BYTES_MAX);
    if (cursor_end(&c) != ERR_OK || ret->kind == ENTRY_SEALED) {
        return unpack_refuse(clause, "WIRE.md 6.6: a field has the wrong type, length or range, or a sealed entry in a sealed one", ERR_MALFORMED);
    }
    return payload_unpack(packer, packed, expanded, &ret->payload, clause);
}

#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "proto/commit.h"

/* Permanent numbers of the first byte. */
enum { PACKED_PLAIN = 0, PACKED_ZSTD = 1 };

/* The frame header, RFC 8878 section 3.1.1.1. */
enum {
    MAGIC_BYTES = 4,
    DESCRIPTOR_RESERVED = 0x18, /* unused and reserved bits */
    DESCRIPTOR_SINGLE_SEGMENT = 0x20,
    DESCRIPTOR_DICTIONARY = 0x03,
    DESCRIPTOR_SIZE_SHIFT = 6,
};
static const uint8_t magic[MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};

/* Level 4 with the tables that it takes up to 16 KiB, for larger inputs too. Against level 1 a full commit is a tenth smaller on every wire and disk, for the price of a
 * fifth of what signing and packing one costs its author; the memory is the same. */
enum { LEVEL = 4, TABLE_LOG = 14 };

/* zstd allocates its tables at first use, the more the larger the input, and in the long run gives back what is more than three times too large, to allocate it again for
 * the next large commit. So there is one context for small inputs and one for the others, neither ever three times too large, each used once at its largest when it is
 * made. */
enum { SMALL_BYTES_MAX = 4096, LARGEST_TABLES_AT = COMMIT_REDUCED_BYTES_MAX };

struct commit_packer {
    ZSTD_CCtx *compress_small;
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
    uint8_t reduced[COMMIT_REDUCED_BYTES_MAX];
};

/* A context at our level that has compressed `largest` bytes once. NULL when memory runs out. */
static ZSTD_CCtx *compress_new(const uint8_t *zeros, size_t largest)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    uint8_t sink[64];

    if (context == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, TABLE_LOG)) || ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_chainLog, TABLE_LOG)) ||
        ZSTD_isError(ZSTD_compress2(context, sink, sizeof sink, zeros, largest))) {
        (void)ZSTD_freeCCtx(context);
        return NULL;
    }
    return context;
}

struct commit_packer *commit_packer_new(void)
{
    struct commit_packer *packer = calloc(1, sizeof *packer);

    if (packer == NULL) {
        return NULL;
    }
    packer->compress_small = compress_new(packer->reduced, SMALL_BYTES_MAX);
    packer->compress = compress_new(packer->reduced, LARGEST_TABLES_AT);
    packer->decompress = ZSTD_createDCtx();
    if (packer->compress_small == NULL || packer->compress == NULL || packer->decompress == NULL) {
        commit_packer_destroy(&packer);
    }
    return packer;
}

void commit_packer_destroy(struct commit_packer **packer)
{
    if (*packer == NULL) {
        return;
    }
    (void)ZSTD_freeCCtx((*packer)->compress_small);
    (void)ZSTD_freeCCtx((*packer)->compress);
    (void)ZSTD_freeDCtx((*packer)->decompress);
    free(*packer);
    *packer = NULL;
}

enum err commit_pack(struct commit_packer *packer, struct span reduced, struct out *ret)
{
    const uint8_t plain = PACKED_PLAIN;
    const uint8_t zstd = PACKED_ZSTD;
    ZSTD_CCtx *compress = reduced.n <= SMALL_BYTES_MAX ? packer->compress_small : packer->compress;
    size_t room;
    size_t n;

    if (reduced.n > COMMIT_REDUCED_BYTES_MAX) {
        return ERR_OVERSIZE;
    }
    room = ret->is_full || ret->cap == ret->at ? 0 : ret->cap - ret->at - 1;
    /* A frame is kept only when it is smaller, so it gets no more room than that. */
    if (reduced.n > 1 && room > 0) {
        n = ZSTD_compress2(compress, ret->p + ret->at + 1, room < reduced.n ? room : reduced.n - 1, reduced.p, reduced.n);
        if (!ZSTD_isError(n)) {
            out_bytes(ret, &zstd, 1);
            ret->at += n;
            return ERR_OK;
        }
        if (ZSTD_getErrorCode(n) != ZSTD_error_dstSize_tooSmall) {
            return ERR_MEMORY;
        }
    }
    out_bytes(ret, &plain, 1);
    out_span(ret, reduced);
    return ret->is_full ? ERR_OVERSIZE : ERR_OK;
}

/* The frame declares its size and is a single segment: its window is its content, whose size is looked at here. */
static enum err check_header(struct span frame, const char **clause)
{
    unsigned long long declared;
    uint8_t descriptor;

    if (frame.n < MAGIC_BYTES + 2) {
        return unpack_refuse(clause, "WIRE.md 2.5: the zstd frame ends too early", ERR_TRUNCATED);
    }
    if (memcmp(frame.p, magic, MAGIC_BYTES) != 0) {
        return unpack_refuse(clause, "WIRE.md 2.5: not a zstd frame", ERR_MALFORMED);
    }
    descriptor = frame.p[MAGIC_BYTES];
    if ((descriptor & DESCRIPTOR_RESERVED) != 0 || (descriptor & DESCRIPTOR_DICTIONARY) != 0) {
        return unpack_refuse(clause, "WIRE.md 2.5: a zstd frame with a dictionary or reserved bits", ERR_MALFORMED);
    }
    if ((descriptor & DESCRIPTOR_SINGLE_SEGMENT) == 0) {
        return unpack_refuse(clause, "WIRE.md 2.5: a zstd frame that is not a single segment", ERR_MALFORMED);
    }
    declared = ZSTD_getFrameContentSize(frame.p, frame.n);
    if (declared == ZSTD_CONTENTSIZE_ERROR) {
        return unpack_refuse(clause, "WIRE.md 2.5: the zstd frame ends too early", ERR_TRUNCATED);
    }
    if (declared > COMMIT_REDUCED_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 2.5: declares more than 17408 bytes", ERR_EXPANSION);
    }
    return ERR_OK;
}

static enum err expand(struct commit_packer *packer, struct span frame, struct span *ret, const char **clause)
{
    enum err err = check_header(frame, clause);
    size_t n;

    if (err != ERR_OK) {
        return err;
    }
    n = ZSTD_findFrameCompressedSize(frame.p, frame.n);
    if (ZSTD_isError(n) && ZSTD_getErrorCode(n) == ZSTD_error_srcSize_wrong) {
        return unpack_refuse(clause, "WIRE.md 2.5: the zstd frame ends too early", ERR_TRUNCATED);
    }
    if (ZSTD_isError(n) || n != frame.n) {
        return unpack_refuse(clause, "WIRE.md 2.5: not exactly one zstd frame", ERR_MALFORMED);
    }
    n = ZSTD_decompressDCtx(packer->decompress, packer->reduced, sizeof packer->reduced, frame.p, frame.n);
    if (ZSTD_isError(n)) {
        return unpack_refuse(clause, "WIRE.md 2.5: the zstd frame is damaged", ERR_MALFORMED);
    }
    *ret = span_of(packer->reduced, n);
    return ERR_OK;
}

enum err commit_unpack(struct commit_packer *packer, struct span packed, struct span *ret, const char **clause)
{
    struct span rest;

    if (packed.n == 0) {
        return unpack_refuse(clause, "WIRE.md 2.5: no bytes", ERR_TRUNCATED);
    }
    rest = span_of(packed.p + 1, packed.n - 1);
    if (rest.n > COMMIT_REDUCED_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 2.5: longer than 17409 bytes", ERR_OVERSIZE);
    }
    switch (packed.p[0]) {
    case PACKED_PLAIN:
        *ret = rest;
        return ERR_OK;
    case PACKED_ZSTD:
        return expand(packer, rest, ret, clause);
    default:
        return unpack_refuse(clause, "WIRE.md 2.5: packed neither plain nor with zstd", ERR_MALFORMED);
    }
}

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
/* In a hurry: a fifth of the time for a single payload, a twentieth for a commit of sealed ones, in which there is next to nothing to find but the ids of their keys. */
enum { QUICK_LEVEL = -3, QUICK_TABLE_LOG = 10 };

/* zstd allocates its tables at first use, the more the larger the input, and in the long run gives back what is more than three times too large, to allocate it again for
 * the next large commit. So there is one context for small inputs and one for the others, neither ever three times too large, each used once at its largest when it is
 * made. */
enum { SMALL_BYTES_MAX = 4096, LARGEST_TABLES_AT = COMMIT_REDUCED_BYTES_MAX };

struct commit_packer {
    ZSTD_CCtx *small[PACK_EFFORTS];
    ZSTD_CCtx *compress[PACK_EFFORTS];
    ZSTD_DCtx *decompress;
    uint8_t reduced[COMMIT_REDUCED_BYTES_MAX];
};

/* A context that has compressed `largest` bytes once. NULL when memory runs out. */
static ZSTD_CCtx *compress_new(enum pack_effort effort, const uint8_t *zeros, size_t largest)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    int level = effort == PACK_FULL ? LEVEL : QUICK_LEVEL, table_log = effort == PACK_FULL ? TABLE_LOG : QUICK_TABLE_LOG;
    uint8_t sink[64];

    if (context == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, table_log)) || ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_chainLog, table_log)) ||
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
    packer->decompress = ZSTD_createDCtx();
    bool is_whole = packer->decompress != NULL;
    for (int effort = 0; effort < PACK_EFFORTS && is_whole; effort++) {
        packer->small[effort] = compress_new((enum pack_effort)effort, packer->reduced, SMALL_BYTES_MAX);
        packer->compress[effort] = compress_new((enum pack_effort)effort, packer->reduced, LARGEST_TABLES_AT);
        is_whole = packer->small[effort] != NULL && packer->compress[effort] != NULL;
    }
    if (!is_whole) {
        commit_packer_destroy(&packer);
    }
    return packer;
}

void commit_packer_destroy(struct commit_packer **packer)
{
    if (*packer == NULL) {
        return;
    }
    for (int effort = 0; effort < PACK_EFFORTS; effort++) {
        (void)ZSTD_freeCCtx((*packer)->small[effort]);
        (void)ZSTD_freeCCtx((*packer)->compress[effort]);
    }
    (void)ZSTD_freeDCtx((*packer)->decompress);
    free(*packer);
    *packer = NULL;
}

/* One packed form: its limit once expanded, and the clauses that refuse. */
struct form {
    size_t bytes_max;
    const char *empty, *too_long, *unknown, *early, *no_frame, *dictionary, *segments, *declares, *count, *damaged;
};
#define FORM(bytes, clause, longest, expanded)                                                                                                       \
    {                                                                                                                                                \
        bytes, clause ": no bytes", clause ": longer than " longest " bytes", clause ": packed neither plain nor with zstd",                         \
            clause ": the zstd frame ends too early", clause ": not a zstd frame", clause ": a zstd frame with a dictionary or reserved bits",       \
            clause ": a zstd frame that is not a single segment", clause ": declares more than " expanded " bytes",                                  \
            clause ": not exactly one zstd frame", clause ": the zstd frame is damaged"                                                              \
    }
static const struct form commit_form = FORM(COMMIT_REDUCED_BYTES_MAX, "WIRE.md 2.5", "17409", "17408");
static const struct form payload_form = FORM(PAYLOAD_EXPANDED_BYTES_MAX, "WIRE.md 6.6", "16385", "16384");

static enum err form_pack(const struct form *form, enum pack_effort effort, struct commit_packer *packer, struct span reduced, struct out *ret)
{
    const uint8_t plain = PACKED_PLAIN;
    const uint8_t zstd = PACKED_ZSTD;
    ZSTD_CCtx *compress = reduced.n <= SMALL_BYTES_MAX ? packer->small[effort] : packer->compress[effort];
    size_t room;
    size_t n;

    if (reduced.n > form->bytes_max) {
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

enum err commit_pack(struct commit_packer *packer, struct span reduced, struct out *ret)
{
    return form_pack(&commit_form, PACK_FULL, packer, reduced, ret);
}

enum err commit_pack_quick(struct commit_packer *packer, struct span reduced, struct out *ret)
{
    return form_pack(&commit_form, PACK_QUICK, packer, reduced, ret);
}

enum err payload_pack(struct commit_packer *packer, enum pack_effort effort, struct span payload, struct out *ret)
{
    return form_pack(&payload_form, effort, packer, payload, ret);
}

/* The frame declares its size and is a single segment: its window is its content, whose size is looked at here. */
static enum err check_header(const struct form *form, struct span frame, const char **clause)
{
    unsigned long long declared;
    uint8_t descriptor;

    if (frame.n < MAGIC_BYTES + 2) {
        return unpack_refuse(clause, form->early, ERR_TRUNCATED);
    }
    if (memcmp(frame.p, magic, MAGIC_BYTES) != 0) {
        return unpack_refuse(clause, form->no_frame, ERR_MALFORMED);
    }
    descriptor = frame.p[MAGIC_BYTES];
    if ((descriptor & DESCRIPTOR_RESERVED) != 0 || (descriptor & DESCRIPTOR_DICTIONARY) != 0) {
        return unpack_refuse(clause, form->dictionary, ERR_MALFORMED);
    }
    if ((descriptor & DESCRIPTOR_SINGLE_SEGMENT) == 0) {
        return unpack_refuse(clause, form->segments, ERR_MALFORMED);
    }
    declared = ZSTD_getFrameContentSize(frame.p, frame.n);
    if (declared == ZSTD_CONTENTSIZE_ERROR) {
        return unpack_refuse(clause, form->early, ERR_TRUNCATED);
    }
    if (declared > form->bytes_max) {
        return unpack_refuse(clause, form->declares, ERR_EXPANSION);
    }
    return ERR_OK;
}

static enum err expand(const struct form *form, struct commit_packer *packer, struct span frame, uint8_t *expanded, struct span *ret,
                       const char **clause)
{
    enum err err = check_header(form, frame, clause);
    size_t n;

    if (err != ERR_OK) {
        return err;
    }
    n = ZSTD_findFrameCompressedSize(frame.p, frame.n);
    if (ZSTD_isError(n) && ZSTD_getErrorCode(n) == ZSTD_error_srcSize_wrong) {
        return unpack_refuse(clause, form->early, ERR_TRUNCATED);
    }
    if (ZSTD_isError(n) || n != frame.n) {
        return unpack_refuse(clause, form->count, ERR_MALFORMED);
    }
    n = ZSTD_decompressDCtx(packer->decompress, expanded, form->bytes_max, frame.p, frame.n);
    if (ZSTD_isError(n)) {
        return unpack_refuse(clause, form->damaged, ERR_MALFORMED);
    }
    *ret = span_of(expanded, n);
    return ERR_OK;
}

static enum err form_unpack(const struct form *form, struct commit_packer *packer, struct span packed, uint8_t *expanded, struct span *ret,
                            const char **clause)
{
    struct span rest;

    if (packed.n == 0) {
        return unpack_refuse(clause, form->empty, ERR_TRUNCATED);
    }
    rest = span_of(packed.p + 1, packed.n - 1);
    if (rest.n > form->bytes_max) {
        return unpack_refuse(clause, form->too_long, ERR_OVERSIZE);
    }
    switch (packed.p[0]) {
    case PACKED_PLAIN:
        *ret = rest;
        return ERR_OK;
    case PACKED_ZSTD:
        return expand(form, packer, rest, expanded, ret, clause);
    default:
        return unpack_refuse(clause, form->unknown, ERR_MALFORMED);
    }
}

enum err commit_unpack(struct commit_packer *packer, struct span packed, struct span *ret, const char **clause)
{
    return form_unpack(&commit_form, packer, packed, packer->reduced, ret, clause);
}

enum err payload_unpack(struct commit_packer *packer, struct span packed, uint8_t *expanded, struct span *ret, const char **clause)
{
    return form_unpack(&payload_form, packer, packed, expanded, ret, clause);
}

/* sealed.h - what is inside a sealed entry: kind, flags and payload, compressed, padded to one of six sizes (WIRE.md 6.6).
 * Pure: the encryption around it is crypto/wrap.h's, keys are store/opener.h's. */
#ifndef GRIOT_PROTO_SEALED_H
#define GRIOT_PROTO_SEALED_H

#include "proto/commit.h"

enum {
    SEALED_NONCE_BYTES = 24,
    SEALED_TAG_BYTES = 16,
    SEALED_AROUND_BYTES = SEALED_NONCE_BYTES + SEALED_TAG_BYTES, /* of the payload as stored, beside the inner form */
    SEALED_INNER_BYTES_MAX = PAYLOAD_BYTES_MAX - SEALED_AROUND_BYTES,
    SEALED_BUCKETS = 6,
};

/* The sizes of a sealed payload as stored, rising; the last is PAYLOAD_BYTES_MAX. */
extern const uint16_t sealed_buckets[SEALED_BUCKETS];

/* What an entry says once it is open. */
struct sealed {
    uint32_t kind; /* enum entry_kind; never ENTRY_SEALED */
    uint32_t flags;
    struct span payload;
};

/* Write the inner form into `ret`: SEALED_AROUND_BYTES less than one of the buckets. Kind 0 is asserted against.
 *   packer  for the compression; borrowed for the call
 *   errors  ERR_OVERSIZE  the payload is longer than PAYLOAD_EXPANDED_BYTES_MAX, or does not fit the largest bucket, or `ret` is too short;
 *           ERR_MEMORY; `ret` then holds anything */
MUST_CHECK enum err sealed_write(struct commit_packer *packer, const struct sealed *sealed, struct out *ret);
/* Read it back.
 *   expanded  PAYLOAD_EXPANDED_BYTES_MAX bytes, for a payload that was compressed: ret->payload then points there, else into `inner`
 *   errors    ERR_TRUNCATED, ERR_NONCANONICAL (padding, or another size than the one for it), ERR_MALFORMED (kind 0, a damaged frame), ERR_OVERSIZE, ERR_EXPANSION,
 *             ERR_VERSION, ERR_MEMORY */
MUST_CHECK enum err sealed_read(struct commit_packer *packer, struct unpack *unpack, struct span inner, uint8_t *expanded, struct sealed *ret,
                                const char **clause);

#endif

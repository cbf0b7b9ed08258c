/* erasure.h - an order to erase: the payload of an entry of kind ENTRY_ERASURE (WIRE.md 6.9). It names what is to go by the leaves' content hashes, and
 * the node in whose logs they stand; what an order is worth is decided above (store/README.md 8). */
#ifndef GRIOT_PROTO_ERASURE_H
#define GRIOT_PROTO_ERASURE_H

#include "proto/ids.h"
#include "proto/unpack.h"

struct erasure {
    struct node_id author; /* of the leaves */
    uint32_t leaf_count;   /* 1..ERASURE_LEAVES_MAX */
    struct hash leaves[ERASURE_LEAVES_MAX];        /* content hashes, each once; encoded in rising order */
    char reason[ERASURE_REASON_BYTES_MAX + 1]; /* for people; UTF-8, without control characters; may be empty */
};

/* Append the canonical form to `ret`; sorts nothing: the leaves must rise.
 *   errors  ERR_LIMIT  no leaf, or too many; ERR_INVALID  the leaves do not rise, or the reason has control characters; ERR_OVERSIZE  no room */
MUST_CHECK enum err erasure_encode(const struct erasure *erasure, struct out *ret);
/*   errors  ERR_VERSION  of a newer release; ERR_OVERSIZE, ERR_MALFORMED, ERR_LIMIT, and those of unpack_begin */
MUST_CHECK enum err erasure_decode(struct unpack *unpack, struct span bytes, struct erasure *ret, const char **clause);

#endif

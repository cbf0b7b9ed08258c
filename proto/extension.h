/* extension.h - what the cut of a node is to be extended to: made at a node that holds what came late, carried by hand to where the root signs, which decides (WIRE.md 4.10). It is not signed. */
#ifndef GRIOT_PROTO_EXTENSION_H
#define GRIOT_PROTO_EXTENSION_H

#include "proto/notice.h"

enum { EXTENSION_BYTES_MAX = 24576 }; /* CUT_HEADS_MAX heads of 77 bytes, and what goes before */

struct extension {
    struct region_id region;
    char name[NAME_BYTES_MAX + 1]; /* of the node, for people */
    struct cut cut;                /* its logs as far as they are held where this was made; sorted by log */
};

/* Append the canonical form. The name must be one and the heads sorted, at most CUT_HEADS_MAX (asserted).  ERR_OVERSIZE  no room */
MUST_CHECK enum err extension_encode(const struct extension *extension, struct out *ret);
/*   errors  ERR_VERSION  of a newer release; ERR_OVERSIZE, ERR_MALFORMED, ERR_LIMIT, ERR_NONCANONICAL, and those of unpack_begin */
MUST_CHECK enum err extension_decode(struct unpack *unpack, struct span bytes, struct extension *ret, const char **clause);

#endif

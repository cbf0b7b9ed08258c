/* verdict.h - how the operator of a hub classifies a fork: the payload of an entry of kind ENTRY_VERDICT (WIRE.md 6.10). It changes nothing of what counts; people read it. */
#ifndef GRIOT_PROTO_VERDICT_H
#define GRIOT_PROTO_VERDICT_H

#include "proto/ids.h"
#include "proto/unpack.h"

enum verdict_class { VERDICT_ACCIDENT = 1, VERDICT_MALICE = 2 };

struct verdict {
    struct log_id log;  /* that is forked */
    struct hash proof;  /* HASH_NOTICE of the fork proof that was looked at */
    enum verdict_class class;
    char reason[VERDICT_REASON_BYTES_MAX + 1]; /* for people; UTF-8, without control characters; may be empty */
};

/* Append the canonical form to `ret`.
 *   errors  ERR_INVALID  no such class, or the reason has control characters; ERR_OVERSIZE  no room */
MUST_CHECK enum err verdict_encode(const struct verdict *verdict, struct out *ret);
/*   errors  ERR_VERSION  of a newer release; ERR_OVERSIZE, ERR_MALFORMED, and those of unpack_begin */
MUST_CHECK enum err verdict_decode(struct unpack *unpack, struct span bytes, struct verdict *ret, const char **clause);

#endif

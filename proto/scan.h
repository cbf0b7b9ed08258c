/* scan.h - proves a document small and canonical (WIRE.md 1.1 to 1.6) before msgpack-c sees it: msgpack-c alone accepts several
 * encodings of one value and reserves memory for whatever a count declares (RELIABILITY M1, M2). Pure, no allocation. Private to proto. */
#ifndef GRIOT_PROTO_SCAN_H
#define GRIOT_PROTO_SCAN_H

#include "proto/error.h"
#include "proto/span.h"

/* Whether `bytes` is exactly one canonical document within PACK_DEPTH_MAX and PACK_ELEMENTS_MAX.
 *   errors  ERR_TRUNCATED, ERR_NONCANONICAL, ERR_MALFORMED, ERR_LIMIT; `*clause` (clause may be NULL) then names the clause of WIRE.md */
MUST_CHECK enum err scan_document(struct span bytes, const char **clause);

#endif

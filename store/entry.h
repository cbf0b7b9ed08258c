/* entry.h - one entry of a commit, checked by its own hash: for hits of a search, which would else pay for hashing a whole commit each. */
#ifndef GRIOT_STORE_ENTRY_H
#define GRIOT_STORE_ENTRY_H

#include "store/store.h"

/* Decode the commit at `seq` of a log into `scratch` and hash the one entry. `*ret` points into `scratch`, with the content hash in its leaf when the
 * payload is here; the caller compares it with the one it knows. Nothing else of the commit is checked. Spans live until the next use of the read.
 *   errors  ERR_NOT_FOUND  no such log or commit; ERR_CORRUPT  it does not decode, or has no such entry; ERR_MEMORY */
MUST_CHECK enum err store_entry(struct store_read *read, uint32_t log_number, uint64_t seq, uint32_t entry, struct commit *scratch,
                                const struct entry **ret);

#endif

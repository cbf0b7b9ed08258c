/* seen.h - how many times a row has come in this run: a hash table of 64-bit hashes, the one part of an import that grows, with 16 to 32 bytes a row.
 */
#ifndef GRIOT_NODE_IMPORT_SEEN_H
#define GRIOT_NODE_IMPORT_SEEN_H

#include "proto/error.h"
#include "proto/span.h"

struct seen;

struct seen *seen_new(uint64_t rows_max); /* NULL when memory runs out */
void seen_destroy(struct seen **seen);

/* Count `content` once more.
 *   ret     how many times it has come, this one included
 *   errors  ERR_MEMORY, ERR_LIMIT (rows_max different rows) */
MUST_CHECK enum err seen_count(struct seen *seen, struct span content, uint32_t *ret);

#endif

/* filter.h - of which records a volume holds no version: answers "none" for certain, "perhaps" else, in one cache line.
 * A blocked Bloom filter of twelve bits a document: about one false "perhaps" in a hundred. Pure. */
#ifndef GRIOT_STORE_INDEX_FILTER_H
#define GRIOT_STORE_INDEX_FILTER_H

#include "proto/ids.h"
#include "proto/span.h"

/* Bytes for `docs` documents, a multiple of 128. */
static inline size_t filter_bytes(uint32_t docs)
{
    return (size_t)docs / 2 * 3;
}
/* `bits` holds `n` bytes, zeros at the start. */
void filter_add(uint8_t *bits, size_t n, const struct record_id *id);
bool filter_has(const uint8_t *bits, size_t n, const struct record_id *id);

#endif

/* postings.h - which documents of one range hold a term, in the one form that their number and places dictate.
 * Equal sets of one range have equal bytes, whatever the order in which the set grew. Pure; reads damaged bytes safely.
 *
 * Form: varint (count << 1 | is bitmap), then
 *   bitmap         range / 8 bytes, bit i of byte i / 8; chosen when the gaps would take as much or more
 *   one document   its offset, 2 bytes little-endian
 *   gaps           varint bytes that follow, then the first offset and each (difference - 1), as varints */
#ifndef GRIOT_STORE_INDEX_POSTINGS_H
#define GRIOT_STORE_INDEX_POSTINGS_H

#include "proto/error.h"
#include "proto/span.h"

enum {
    RANGE_DOCS_MAX = 65536, /* documents of the largest range; ranges are multiples of 64 */
    RANGE_WORDS_MAX = RANGE_DOCS_MAX / 64,
    POSTINGS_BYTES_MAX = RANGE_DOCS_MAX / 8 + 8,
};

struct postings {   /* read, not unfolded yet */
    uint32_t count; /* documents, 1..range */
    uint32_t range;
    bool is_bitmap;
    struct span data; /* borrowed */
};

/* Write the set of `count` rising offsets, each below `range`. count 0 is a bug and asserts. */
void postings_encode(const uint16_t *offsets, uint32_t count, uint32_t range, struct out *ret);

/* Read the set at the front of `bytes` and move `bytes` behind it. False when the bytes are damaged. */
bool postings_next(struct span *bytes, uint32_t range, struct postings *ret);

/* Set the bits of the set in `words` (range / 64 of them).
 *   errors  ERR_CORRUPT  the bytes are damaged; some bits may be set */
MUST_CHECK enum err postings_or(const struct postings *postings, uint64_t *words);

/* Write the offsets, rising; `ret` holds `count`.  ERR_CORRUPT */
MUST_CHECK enum err postings_list(const struct postings *postings, uint16_t *ret);

/* Numbers in 7-bit groups, lowest first, the highest bit says that more follow; read: false when cut short or above 32 bits. */
void varint_write(struct out *out, uint32_t value);
bool varint_read(struct span *bytes, uint32_t *ret);

#endif

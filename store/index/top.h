/* top.h - keeps the first k of any number of hits, in memory for little more than k. */
#ifndef GRIOT_STORE_INDEX_TOP_H
#define GRIOT_STORE_INDEX_TOP_H

#include "store/index/docs.h"

struct hit {
    uint64_t order;      /* doc_order: higher first */
    const uint8_t *rest; /* the rest of the record id, borrowed: lower first */
    uint32_t number;     /* then the lower number first */
};

struct top {
    struct hit *hits;
    size_t count, cap; /* cap: memory there is */
    size_t keep, room; /* k, and how many are gathered before all but k are dropped */
    uint64_t floor;    /* hits of a lower order cannot be among the first k any more */
    uint64_t seed;
};

/* Begin. Memory is kept between uses; top_fini frees it. */
void top_begin(struct top *top, size_t keep);
void top_fini(struct top *top);
MUST_CHECK enum err top_add_slow(struct top *top, struct hit hit); /* ERR_MEMORY */
/* Add a hit; most are refused by one comparison. */
static inline enum err top_add(struct top *top, struct hit hit)
{
    return hit.order < top->floor ? ERR_OK : top_add_slow(top, hit);
}
/* Sort: hits[0..count - 1] are the first k in order. */
void top_end(struct top *top);

#endif

/* merge.h - makes one volume from smaller ones, and from a slice of a run in memory. */
#ifndef GRIOT_STORE_INDEX_MERGE_H
#define GRIOT_STORE_INDEX_MERGE_H

#include "store/index/volume.h"

enum { MERGE_PARTS_MAX = 1 << LEVEL_SHIFT_STEP };

/* Documents from..to - 1 of a sorted run, counted from the run's first. Slices of one run must be used in rising order: they share `places`. */
struct slice {
    const struct run *run;
    uint32_t from, to;
    uint32_t *places; /* by rank: how many of the term's documents lie before `from`; moved on to `to` */
};

struct merge;                  /* working memory, about 600 KiB; kept between uses */
struct merge *merge_new(void); /* NULL when memory runs out */
void merge_destroy(struct merge **merge);

/* Write `target` from the parts one level below that cover its documents up to where the slice begins, and from the slice (NULL: none); then delete
 * the parts.
 *   slice_first  offset of the slice's first document from the volume's
 *   errors       ERR_CORRUPT  a part is damaged; and those of the transaction */
MUST_CHECK enum err merge_volumes(struct merge *merge, struct kv_txn *txn, struct volume target, uint32_t slice_first, const struct slice *slice);

/* Write `target` from a slice that covers it. */
MUST_CHECK enum err merge_slice(struct merge *merge, struct kv_txn *txn, struct volume target, const struct slice *slice);

#endif

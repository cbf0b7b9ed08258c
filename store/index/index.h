/* index.h - writes documents and their terms into the views environment.
 * The first documents of the index stand in volumes, the last up to 255 in single rows (the tail). How many of which size there are follows from the
 * number of documents alone, so the same documents give the same keys and values however they were batched. One owner at a time. */
#ifndef GRIOT_STORE_INDEX_INDEX_H
#define GRIOT_STORE_INDEX_INDEX_H

#include "store/index/docs.h"

enum { INDEX_DOCS_MAX = UINT32_MAX - RANGE_DOCS_MAX }; /* documents of one index; the number of a document is a u32 */

/* ---- the shape ---- */

/* The volumes that `docs` documents stand in, in order: large, middle, small. */
static inline uint32_t index_volume_count(uint32_t docs)
{
    return (docs >> 16) + (docs >> 12 & 15) + (docs >> 8 & 15);
}
/* index 0..count - 1 */
struct volume index_volume(uint32_t docs, uint32_t index);
/* The volume that a document below index_tail stands in. */
struct volume index_volume_of(uint32_t docs, uint32_t number);
/* The first document that is in no volume. */
static inline uint32_t index_tail(uint32_t docs)
{
    return docs & ~UINT32_C(255);
}
/* The columns of one document, in a volume or in the tail; borrowed.  ERR_CORRUPT, ERR_NOT_FOUND  no such document */
MUST_CHECK enum err index_doc(struct kv_txn *txn, uint32_t docs, uint32_t number, struct doc *ret);

/* ---- writing ---- */

struct index;                  /* working memory of the writer */
struct index *index_new(void); /* NULL when memory runs out */
void index_destroy(struct index **index);

/* Begin a batch behind the `docs` documents that are in the index. */
void index_begin(struct index *index, uint32_t docs);
/* Begin the next document; `*ret` is its number.  ERR_INTERNAL  the index is full */
MUST_CHECK enum err index_add(struct index *index, const struct doc *doc, uint32_t *ret);
/* Give the document begun last a term.  ERR_MEMORY */
MUST_CHECK enum err index_term(struct index *index, struct span term);
/* Documents in the index and the batch. */
uint32_t index_docs(const struct index *index);
/* Should the batch end here? At most 4,096 documents, ended where a volume ends, so that bulk makes few small ones. */
bool index_is_full(const struct index *index);
/* Write the batch into the open transaction.  ERR_MEMORY, ERR_CORRUPT, and those of the transaction; then abort it */
MUST_CHECK enum err index_end(struct index *index, struct kv_txn *txn);

#endif

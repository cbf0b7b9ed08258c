/* search.h - answers a query: exact total, and the hits of one page, newest event first, then by record id. */
#ifndef GRIOT_STORE_INDEX_SEARCH_H
#define GRIOT_STORE_INDEX_SEARCH_H

#include "store/index/docs.h"
#include "store/index/query.h"

enum { SEARCH_DEPTH_MAX = 1 << 20 /* hits up to the end of the page wanted: 24 bytes of memory each */ };

struct search;                   /* working memory, about 100 KiB; kept between uses, one owner at a time */
struct search *search_new(void); /* NULL when memory runs out */
void search_destroy(struct search **search);

/* Search an index of `docs` documents. Documents that are not current are not found.
 *   limit    0: only count
 *   each     called for hits offset.. in order, at most `limit` times, with the document's number; false: enough
 *   errors   ERR_INVALID  offset + limit is above SEARCH_DEPTH_MAX; ERR_CORRUPT; ERR_MEMORY; those of the transaction */
MUST_CHECK enum err search_run(struct search *search, struct kv_txn *txn, uint32_t docs, const struct query *query, uint64_t offset, size_t limit,
                               bool (*each)(void *arg, uint32_t number, const struct doc *doc), void *arg, uint64_t *ret_total, size_t *ret_count);

#endif

/* dead.h - sets of documents, one for each block of 65,536, in the form of postings.h: above all of those that are not current (replaced, withdrawn,
 * gone, or copies), which a search takes off. */
#ifndef GRIOT_STORE_DEAD_H
#define GRIOT_STORE_DEAD_H

#include "store/kv.h"

/* Set the bits of the documents first..first + docs - 1 that are in the set `table`. `docs` is a multiple of 64 and does not cross a block.
 *   errors  ERR_CORRUPT, and those of the transaction */
MUST_CHECK enum err block_bits(struct kv_txn *txn, uint32_t table, uint32_t first, uint32_t docs, uint64_t *words);
MUST_CHECK enum err block_has(struct kv_txn *txn, uint32_t table, uint32_t number, bool *ret);
/* Turn these documents over: in to out, out to in. Sorts `numbers`, each once.  ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err block_flip(struct kv_txn *txn, uint32_t table, uint32_t *numbers, size_t count);

/* The set of those that are not current, VIEW_DEAD. */
MUST_CHECK enum err dead_bits(struct kv_txn *txn, uint32_t first, uint32_t docs, uint64_t *words);
MUST_CHECK enum err dead_has(struct kv_txn *txn, uint32_t number, bool *ret);
MUST_CHECK enum err dead_flip(struct kv_txn *txn, uint32_t *numbers, size_t count);

#endif

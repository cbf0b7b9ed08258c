/* dead.h - which documents are not current: replaced, withdrawn, or copies. One set for each block of 65,536, in the form of postings.h; a search
 * takes them off. */
#ifndef GRIOT_STORE_DEAD_H
#define GRIOT_STORE_DEAD_H

#include "store/kv.h"

/* Set the bits of the documents first..first + docs - 1 that are dead. `docs` is a multiple of 64 and does not cross a block.  ERR_CORRUPT, and those
 * of the transaction */
MUST_CHECK enum err dead_bits(struct kv_txn *txn, uint32_t first, uint32_t docs, uint64_t *words);
MUST_CHECK enum err dead_has(struct kv_txn *txn, uint32_t number, bool *ret);
/* Turn these documents over: dead to current, current to dead. Sorts `numbers`, each once.  ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err dead_flip(struct kv_txn *txn, uint32_t *numbers, size_t count);

#endif

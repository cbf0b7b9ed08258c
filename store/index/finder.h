/* finder.h - finds the versions of a record in the index: filters first, then the pages of the volumes that perhaps hold one, then the tail. */
#ifndef GRIOT_STORE_INDEX_FINDER_H
#define GRIOT_STORE_INDEX_FINDER_H

#include "store/index/index.h"

struct finder; /* about 30 KiB; one owner; ends with its transaction */

/* Look at an index of `docs` documents. Nothing may be written in the transaction while the finder lives, for it keeps spans of it.
 *   errors  ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err finder_new(struct kv_txn *txn, uint32_t docs, struct finder **ret);
void finder_destroy(struct finder **finder);

/* Call `each` for every version of the record, with its term and document, by volume; false: enough.  ERR_CORRUPT, and those of the transaction */
MUST_CHECK enum err finder_each(struct finder *finder, const struct record_id *id, bool (*each)(void *arg, struct span term, uint32_t number),
                                void *arg);

/* The same without a finder, only where the document `number` stands: in its volume, or its row of the tail. */
MUST_CHECK enum err finder_document(struct kv_txn *txn, uint32_t docs, uint32_t number, const struct record_id *id,
                                    bool (*each)(void *arg, struct span term, uint32_t number), void *arg);

/* Call `each` for the versions of the records whose id begins with the bytes of `prefix`, not below `from`, rising within each volume.
 *   `each` returns false to go on with the next volume */
MUST_CHECK enum err finder_range(struct finder *finder, const struct record_id *from, size_t prefix_bytes,
                                 bool (*each)(void *arg, struct span term, uint32_t number), void *arg);

#endif

/* batch.h - gather puts, sort them, put them in key order: a third of the cost of keys in disorder (MEASUREMENTS A2).
 * Heap object that keeps its memory between uses; one owner at a time. */
#ifndef GRIOT_STORE_BATCH_H
#define GRIOT_STORE_BATCH_H

#include "store/kv.h"

struct batch;

struct batch *batch_new(void); /* NULL when memory runs out */
void batch_destroy(struct batch **batch);
/* Copies both. Of equal keys the one added last counts when they are put.
 *   key      1..KV_KEY_BYTES_MAX bytes (asserted); value below 4 GiB
 *   errors   ERR_MEMORY  not added, the others stay */
MUST_CHECK enum err batch_add(struct batch *batch, struct span key, struct span value);
size_t batch_count(const struct batch *batch);
size_t batch_bytes(const struct batch *batch); /* keys and values together */
/* Sort by key, equal keys in the order added: to read, merge or put by hand. */
void batch_sort(struct batch *batch);
/* Item 0..count-1 in the present order; valid until the next add or clear. */
void batch_at(const struct batch *batch, size_t index, struct span *ret_key, struct span *ret_value);
/* Sort and put all, then empty the batch. Errors stick in `txn`. */
void batch_put(struct batch *batch, struct kv_txn *txn, uint32_t table);
/* Empty it and keep its memory. */
void batch_clear(struct batch *batch);

#endif

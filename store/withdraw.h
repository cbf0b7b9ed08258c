/* withdraw.h - lets the views follow how far each log counts: a cut or a fork takes versions back that were current, and a later roster may give them
 * again. Works in steps with a bound; between two of them each log counts up to where the steps have come. */
#ifndef GRIOT_STORE_WITHDRAW_H
#define GRIOT_STORE_WITHDRAW_H

#include "proto/record/record.h"
#include "store/records.h"
#include "store/store.h"
#include "store/views_entry.h"

/* What a step works with; all borrowed. */
struct withdrawal {
    struct kv_txn *txn; /* of the views, writing */
    const struct entry_reader *reader;
    struct commit *commit;
    struct record *record;
    uint32_t docs;     /* in the index, all of them written */
    uint64_t *current; /* counts by kind, RECORD_KINDS_MAX; changed */
    enum err log_err;  /* ret: an error of the log environment, which is not damage of the views */
};
/* Move the logs whose end has changed, for about `entries_max` entries. `*ret_is_done` false: there is more to do.
 *   errors  ERR_CORRUPT, ERR_MEMORY, and those of the transaction; then abort it */
MUST_CHECK enum err withdraw_step(struct withdrawal *work, uint32_t entries_max, bool *ret_is_done);

/* The local number of a node that has records here.  ERR_NOT_FOUND, ERR_CORRUPT */
MUST_CHECK enum err views_author(struct kv_txn *txn, const struct node_id *node, uint32_t *ret);

#endif

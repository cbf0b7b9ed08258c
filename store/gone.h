/* gone.h - versions that are indexed and whose payload has been taken out since, or whose day has come: they are dead, and what they name is not
 * replaced by them. An erased one stays so; a day may be given back when the clock is put right. */
#ifndef GRIOT_STORE_GONE_H
#define GRIOT_STORE_GONE_H

#include "store/withdraw.h"

/* Days since 1970 by our clock; 0 before. */
uint32_t gone_today(void);
/* Is the document gone, in either way?  ERR_CORRUPT, and those of the transaction */
MUST_CHECK enum err gone_has(struct kv_txn *txn, uint32_t number, bool *ret);

/* Where a payload was, as the journal names it. */
struct gone_place {
    uint32_t log_number;
    uint64_t seq;
    uint32_t entry;
};
/* Mark the documents at these places, where the log holds no payload any more; others are none of ours. Sorts `places`.
 *   errors  as withdraw_step */
MUST_CHECK enum err gone_take(struct withdrawal *work, struct gone_place *places, size_t count);

/* Remember that the document `number` expires; `*ret_is_hidden`: its day has come by `*day`, which is set to today with the first of all. */
void gone_expires(struct kv_txn *txn, uint32_t number, uint32_t expiry_day, uint32_t *day, bool *ret_is_hidden);
/* Is another day than `day` being written, so that gone_days has something to do? */
bool gone_is_due(struct kv_txn *txn, uint32_t day);
/* Hide what expires up to today, and show again what expires later, about `max` documents; `*day` is today when that is done.
 *   errors  as withdraw_step */
MUST_CHECK enum err gone_days(struct withdrawal *work, uint32_t max, uint32_t *day);

#endif

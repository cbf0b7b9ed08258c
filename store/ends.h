/* ends.h - how far each log counts in the views. Commits beyond a cut or before an unsettled fork are kept and indexed, but withdrawn: what they say
 * replaces nothing and is not found. Logs that count as far as they are held are not in here. */
#ifndef GRIOT_STORE_ENDS_H
#define GRIOT_STORE_ENDS_H

#include "store/kv.h"

#define END_OPEN UINT64_MAX

struct end {
    uint32_t log_number;
    uint64_t seq; /* the last commit that counts */
};
struct ends {
    struct end *items; /* rising by log number */
    size_t count;
    bool has_gone; /* some documents are gone: looked up in gone.h */
};
/* All of VIEW_ENDS; few, mostly none. Freed by ends_fini.  ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err ends_load(struct kv_txn *txn, struct ends *ret);
void ends_fini(struct ends *ends);
/* END_OPEN when all of the log counts. */
uint64_t ends_of(const struct ends *ends, uint32_t log_number);
/* Put the end of a log, or with END_OPEN take it away. `ends` loaded before does not change. */
void ends_put(struct kv_txn *txn, uint32_t log_number, uint64_t seq);

#endif

/* waiting.h - sealed entries that the views cannot open yet, by the id of the key that is missing: worked in when it comes (VIEW_WAITING). Private to the
 * files of the views. */
#ifndef GRIOT_STORE_WAITING_H
#define GRIOT_STORE_WAITING_H

#include "proto/commit.h"
#include "store/kv.h"

/* Entries of one commit under one key id. */
struct waiting {
    struct hash id;
    uint32_t log_number;
    uint64_t seq;
    uint64_t entries; /* bit i: entry i */
};

/* What one commit adds, gathered and put at once. */
struct waiting_commit {
    uint32_t count;
    struct waiting items[COMMIT_ENTRIES_MAX];
};
void waiting_add(struct waiting_commit *commit, const struct entry *entry, uint32_t log_number, uint64_t seq, uint32_t number);
void waiting_put(struct kv_txn *txn, const struct waiting_commit *commit);
void waiting_delete(struct kv_txn *txn, const struct waiting *waiting);

/* Does anything wait for this key? */
bool waiting_has(struct kv_txn *txn, const struct hash *id);
/* The first row at or after this place (`from->entries` is not looked at), of any id. False: there is none, or `*ret_err` (ERR_CORRUPT, or the
 * transaction's) is set. */
bool waiting_next(struct kv_txn *txn, const struct waiting *from, struct waiting *ret, enum err *ret_err);

#endif

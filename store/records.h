/* records.h - which version of each record is current.
 * A version replaces the versions it names, of the same record and author; current is what is held and not named by another. So the answer depends on
 * the set of versions held, not on the order in which they came: a version may be named before it arrives, and is then replaced from its first day.
 * Which versions are held is asked of the index, where each is filed under a term of its own; a filter in each volume makes "none" cheap. */
#ifndef GRIOT_STORE_RECORDS_H
#define GRIOT_STORE_RECORDS_H

#include "proto/ids.h"
#include "store/ends.h"

enum {
    RECORD_NAME_BYTES =
        16, /* of a version's content hash: only its own author could look for two that agree, in 2^64 tries, to confuse a record of his own */
    RECORD_KEY_BYTES = 16 + 4 + RECORD_NAME_BYTES,
    RECORD_TERM_BYTES = 1 + RECORD_KEY_BYTES + 2,
    RECORD_KINDS_MAX = 256,
};

/* record id | author's local number (u32) | first bytes of the content hash */
struct record_key {
    uint8_t b[RECORD_KEY_BYTES];
};
void record_key(const struct record_id *id, uint32_t author, const struct hash *content, struct record_key *ret);
/* The term under which the index files a version: TERM_VERSION, its key, its depth (u16, higher ones as 65,535). */
void record_term(const struct record_key *key, uint32_t depth, uint8_t ret[RECORD_TERM_BYTES]);

/* What a batch learns: a version is held, or a version is named by one that replaces it. */
struct record_news {
    struct record_key key;
    bool is_held;      /* false: named only */
    bool is_withdrawn; /* with is_held: its commit does not count, or its day has come; what it names must not be in the news */
    uint8_t kind;      /* with is_held */
    uint32_t number;   /* with is_held: its document */
};

/* Apply what a batch has learnt, before the batch itself is written to the index of `docs` documents: sorts `news`, updates VIEW_NAMED, VIEW_DEAD and
 * the counts of current versions by kind. A second copy of a version that is held (an unsent commit issued again) is dead from the start.
 *   errors  ERR_CORRUPT, ERR_MEMORY, and those of the transaction; then abort it */
MUST_CHECK enum err records_apply(struct kv_txn *txn, uint32_t docs, const struct ends *ends, struct record_news *news, size_t count,
                                  uint64_t current[RECORD_KINDS_MAX]);

/* A version's commit has ceased to count, or counts again: it names `key` one time less or more.  ERR_CORRUPT  it was not named */
MUST_CHECK enum err records_name(struct kv_txn *txn, const struct record_key *key, int change);
/* What names this version in all, 0: nothing. */
void records_name_set(struct kv_txn *txn, const struct record_key *key, uint32_t count);
/* Bring these versions up to date with VIEW_NAMED and `ends` after such changes: sorts `keys`, updates VIEW_DEAD and `current`. Errors as
 * records_apply. */
MUST_CHECK enum err records_settle(struct kv_txn *txn, uint32_t docs, const struct ends *ends, struct record_key *keys, size_t count,
                                   uint64_t current[RECORD_KINDS_MAX]);

/* ---- reading ---- */

/* A version that is held. */
struct record_row {
    struct record_key key;
    bool is_withdrawn; /* its commit does not count */
    bool is_gone;      /* its payload was erased or freed, or its day has come */
    bool is_replaced;
    uint32_t depth;  /* at most 65,535 */
    uint32_t number; /* its document; of copies the first that counts */
};
/* All versions of a record, at most `max`, those that count first, current ones before replaced ones, then deeper first, then by content hash; `*ret`
 * is yours to free.
 *   errors  ERR_NOT_FOUND, ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err records_get(struct kv_txn *txn, uint32_t docs, const struct record_id *id, size_t max, struct record_row **ret,
                                size_t *ret_count);

/* The key under which the index files a document, whose record id is known.  ERR_CORRUPT  it is not filed */
MUST_CHECK enum err records_key_of(struct kv_txn *txn, uint32_t docs, uint32_t number, const struct record_id *id, struct record_key *ret);

/* Ids of records held at or above `from` that agree with it in the first `bits` bits, rising, each once; at most `max`.  ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err records_resolve(struct kv_txn *txn, uint32_t docs, const struct record_id *from, uint32_t bits, struct record_id *ret, size_t max,
                                    size_t *ret_count);

#endif

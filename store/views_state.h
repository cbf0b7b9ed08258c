/* views_state.h - what the views environment knows of itself, and what its writer and readers share. Private to views*.c. */
#ifndef GRIOT_STORE_VIEWS_STATE_H
#define GRIOT_STORE_VIEWS_STATE_H

#include "store/records.h"
#include "store/views.h"

#include <pthread.h>
#include <stdatomic.h>

struct views_state {   /* one row of VIEW_META, moved on with every batch */
    uint64_t followed; /* journal number of the last item followed */
    uint64_t epoch;    /* of the journal that was followed: another one, and all begins again */
    uint32_t docs;     /* documents in the index */
    uint32_t authors;  /* local numbers given */
    uint32_t last_log; /* the last commit followed, to see whether this is still the journal that was followed; 0, 0 none */
    uint64_t last_seq;
    struct hash last_hash;
    bool is_settling;  /* logs that count further or less far than before are not all moved yet, or days that have come are not all worked in */
    bool is_releasing; /* the last item followed brought keys, and what waited for them is not all worked in yet */
    uint32_t keys;     /* encryption keys of the opener with which everything was followed, */
    uint64_t keys_digest; /* and which: with fewer or others all begins again */
    uint32_t day;         /* since 1970, up to which documents that expire are hidden; 0: none expires */
    uint64_t entries;
    uint64_t skipped[VIEWS_SKIP_COUNT];
    uint64_t current[RECORD_KINDS_MAX];
};
/* Absent: all zeros.  ERR_CORRUPT, and those of the transaction */
MUST_CHECK enum err views_state_get(struct kv_txn *txn, struct views_state *ret);
void views_state_put(struct kv_txn *txn, const struct views_state *state);

struct views {
    pthread_rwlock_t turn; /* readers share it from begin to end; whoever replaces a damaged environment has it alone */
    char path[KV_PATH_BYTES_MAX + 1];
    struct opener *opener; /* NULL: nothing sealed is opened */
    struct kv *kv; /* NULL when a damaged one could not be replaced */
    struct views_writer *writer; /* the writer thread's own, made at its first batch */
    atomic_bool is_damaged;      /* a reader met damage: the writer starts again from nothing */
};
void views_writer_destroy(struct views_writer **writer);

struct views_read {
    struct views *views;
    struct kv_txn txn;
    struct store_read *log;
    struct views_state state;
    struct search *search; /* the rest is made at first use */
    struct query *query;
    struct commit *commit;
    struct unpack *unpack;
    struct record *record;
    uint8_t *scratch; /* of the opener */
};
struct entry_reader;
struct entry_reader views_entry_reader(const struct views_read *read);
/* Damage in the views is for the writer to mend: say so, and pass the error on. */
static inline enum err views_damaged(struct views_read *read, enum err err)
{
    if (err == ERR_CORRUPT) {
        atomic_store(&read->views->is_damaged, true);
    }
    return err;
}
/* Make `commit`, `unpack`, `record` and `scratch`.  ERR_MEMORY */
MUST_CHECK enum err views_memory(struct views_read *read);

#endif

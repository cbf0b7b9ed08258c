/* keys.h - where sender keys and grants stand in the logs, and what is in them: table `keys` (LAYOUT.md 1.9). Private to this room: opener.h,
 * sender_keys.h and author_append are the doors. */
#ifndef GRIOT_STORE_KEYS_H
#define GRIOT_STORE_KEYS_H

#include "proto/sender_key.h"
#include "store/audience.h"
#include "store/env.h"

enum { KEY_PLACES_MAX = 4096 /* looked at for one key id: who floods his own with more hides it, and nobody else's */ };

/* One entry of kind KEY or GRANT. */
struct key_place {
    uint64_t number; /* of its commit's item in the journal */
    uint32_t log_number;
    uint64_t seq;
    uint32_t entry;
};

/* What a search among keys works with, in a reader's transaction or in the writer's. All borrowed. */
struct key_source {
    struct kv_txn *txn;
    struct store *writer; /* NULL when reading: logs of this very transaction are then not in it */
    const struct region_id *region;
    struct unpack *unpack;
    struct commit_packer *packer;
    struct commit *commit; /* scratch */
};

/* ---- the writer: as part of appending ---- */

/* Put the rows of the commit that was appended last: its KEY and GRANT entries. */
void keys_note(struct store *store, const struct log *log, const struct commit *commit);
/* Delete the rows of a log's commits from `first` on, which are taken back. */
void keys_take_back(struct store *store, uint32_t log_number, uint64_t first);

/* Is this entry one that stands in the table? Its payload through `ret`.
 *   errors  ERR_NOT_FOUND  of another kind, its payload is not here or does not decode; ERR_MEMORY */
MUST_CHECK enum err key_entry_read(struct unpack *unpack, const struct entry *entry, struct sender_key *ret);

/* ---- reading ---- */

/* Where this key id stands in logs of `author`, in the order of the journal, at most KEY_PLACES_MAX; `*ret` is yours to free.
 *   errors  ERR_NOT_FOUND  nowhere; ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err keys_places(const struct key_source *source, const struct hash *id, const struct node_id *author, struct key_place **ret,
                                size_t *ret_count);
/* Load the commit of a place into source->commit, checked by its hash.  ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err key_commit(const struct key_source *source, const struct key_place *place);
/* All parts of the key whose first part is entry `first` of source->commit, as one list of receivers. `wraps` (may be NULL) has AUDIENCE_NODES_MAX.
 *   errors  ERR_NOT_FOUND  no first part there, or not all parts behind it; ERR_MEMORY */
MUST_CHECK enum err key_assemble(const struct key_source *source, uint32_t first, struct hash *ret_id, struct audience *ret, struct sender_wrap *wraps,
                                 struct box_public *ret_ephemeral);

/* The row of an entry: the number of its journal item. ERR_NOT_FOUND, ERR_CORRUPT */
MUST_CHECK enum err keys_row_get(struct kv_txn *txn, const struct hash *id, uint32_t log_number, uint64_t seq, uint32_t entry, uint64_t *ret_number);
/* Go through all rows until `each` returns false.  ERR_CORRUPT, and those of the transaction */
MUST_CHECK enum err keys_each(struct kv_txn *txn, bool (*each)(void *arg, const struct hash *id, const struct key_place *place), void *arg);

#endif

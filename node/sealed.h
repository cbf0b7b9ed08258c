/* sealed.h - what is held here and sealed, counted by the key it is sealed under. Reads the log in slices, so that no reader lives long. */
#ifndef GRIOT_NODE_SEALED_H
#define GRIOT_NODE_SEALED_H

#include "store/store.h"

enum { SEALED_KEYS_MAX = 65536 /* counted apart; an author who makes more hides nothing but the rest of his own */ };

struct sealed_key {
    struct node_id author;
    struct hash id;
    uint32_t log_number; /* where it was met last */
    uint64_t last_seq;   /* in that log */
    enum channel channel;
    uint64_t entries, bytes; /* payloads as stored; those that are not here count as entries */
    struct wall_ms first, last; /* author times, a claim */
};
struct sealed_table {
    size_t count, cap;
    struct sealed_key *keys; /* rising by author and id */
    uint64_t entries, bytes; /* of all, also beyond SEALED_KEYS_MAX */
    uint64_t commits;        /* looked at */
};

/* Count the sealed entries in all logs of `author` (NULL: of everybody), each commit checked against its hash.
 *   progress  with commits looked at; may be NULL
 *   errors    ERR_CORRUPT, ERR_MEMORY, ERR_IO; `ret` is then empty */
MUST_CHECK enum err sealed_count(struct store *store, const struct node_id *author, void (*progress)(void *arg, uint64_t commits), void *arg,
                                 struct sealed_table *ret);
void sealed_fini(struct sealed_table *table);
/* NULL: nothing is sealed under it. */
const struct sealed_key *sealed_find(const struct sealed_table *table, const struct node_id *author, const struct hash *id);

#endif

/* sender_keys.h - the sender keys that are held, whether we are in their audience or not: everybody sees for whom something is sealed (WIRE.md 6.7). */
#ifndef GRIOT_STORE_SENDER_KEYS_H
#define GRIOT_STORE_SENDER_KEYS_H

#include "store/audience.h"
#include "store/store.h"

/* Whom is it for: the audience under this id, as its author lists it. Only whoever has the key knows that the id commits to this list (opener_key is
 * ERR_OK). What the read gave before ends.
 *   ret_number  the journal item of its commit; may be NULL
 *   errors      ERR_NOT_FOUND  no key with this id is held in a log of this author; ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err store_key_audience(struct store_read *read, const struct node_id *author, const struct hash *id, struct audience *ret,
                                       uint64_t *ret_number);

/* Who can open what is sealed under a key, as far as is held here. */
struct key_readers {
    struct audience audience;          /* as its author lists it */
    bool has_wrap[AUDIENCE_NODES_MAX]; /* of each: else he is named, and was given no key */
    struct audience granted;           /* who was given the key later, in the audience or not; the first AUDIENCE_NODES_MAX */
};
/* The same with grants. Errors as above */
MUST_CHECK enum err store_key_readers(struct store_read *read, const struct node_id *author, const struct hash *id, struct key_readers *ret);
/* Was this node given the key? */
bool key_readers_can(const struct key_readers *readers, const struct node_id *node);

struct sender_key_info {
    struct hash id;
    struct node_id author;
    enum channel channel;
    uint32_t log_number;
    uint64_t seq;
    struct wall_ms author_time; /* a claim */
    const struct audience *audience; /* lives for the call */
};
/* Every sender key in logs of `author` (NULL: of everybody), in the order of their ids, one for each place where it stands, until `each` returns false.
 * What the read gave before ends.  ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err store_sender_keys(struct store_read *read, const struct node_id *author, bool (*each)(void *arg, const struct sender_key_info *key),
                                      void *arg);

#endif

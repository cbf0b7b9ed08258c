/* audience.h - who may read: a set of nodes, and the id of a key that commits to it (KEYS.md 7). Pure value; one owner at a time. */
#ifndef GRIOT_STORE_AUDIENCE_H
#define GRIOT_STORE_AUDIENCE_H

#include "crypto/wrap.h"
#include "proto/error.h"
#include "proto/limits.h"

/* Rising, each once. Of 0 nodes it is nobody, which is refused where something is recorded: there is no "everybody" in here. */
struct audience {
    size_t count;
    struct node_id nodes[AUDIENCE_NODES_MAX];
};

/* Put a node in its place; again is nothing new.  ERR_LIMIT  it would be one more than AUDIENCE_NODES_MAX */
MUST_CHECK enum err audience_add(struct audience *audience, const struct node_id *node);
bool audience_has(const struct audience *audience, const struct node_id *node);
bool audience_equal(const struct audience *a, const struct audience *b);
/* At most AUDIENCE_NODES_MAX nodes, rising, each once. */
bool audience_is_valid(const struct audience *audience);

/* The id of a sender key: HASH_SENDER_KEY over author, audience and key. A reader who has checked it reads what every other reader of this id reads. */
void audience_key_id(const struct node_id *author, const struct audience *audience, struct sealing_key key, struct hash *ret);

#endif

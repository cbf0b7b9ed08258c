/* grant.h - sender keys of this node for a reader who was not in their audience when they were made: who joined later, or whose card was not known. Said
 * aloud in the control log; it opens all that is sealed under a key, so what is given is counted first. */
#ifndef GRIOT_NODE_GRANT_H
#define GRIOT_NODE_GRANT_H

#include "node/writer.h"
#include "store/sender_keys.h"

struct grant_item {
    struct hash id;
    enum channel channel;
    uint64_t entries;           /* of ours that are sealed under it */
    struct wall_ms first, last; /* of them */
};
/* What is to be given. */
struct grant_wish {
    struct node_id node;       /* to whom */
    const struct audience *to; /* keys for exactly these; NULL: keys by id */
    bool is_group;             /* they are a group that he has joined: also keys for exactly the others, from before */
    const struct hash *ids;
    size_t id_count;
    struct wall_ms since; /* keys with an entry of this time or later; 0: all */
};
struct grant {
    struct node_id node;
    size_t count;
    struct grant_item *items; /* rising by id */
    uint64_t entries;         /* of all items */
    size_t held;              /* keys that he has already */
};

/* Find what answers a wish: reads the node's own logs from end to end.
 *   progress  with commits looked at; may be NULL
 *   errors    ERR_CORRUPT, ERR_MEMORY, ERR_IO; `ret` is then empty */
MUST_CHECK enum err grant_plan(struct store *store, const struct grant_wish *wish, void (*progress)(void *arg, uint64_t commits), void *arg, struct grant *ret);
void grant_fini(struct grant *grant);

/* writer_change: give them (struct grant, with at least one item).
 *   errors  ERR_UNKNOWN_KEY  no card of his is held; ERR_NOT_FOUND  a key is gone; those of author_append */
MUST_CHECK enum err grant_make(struct writer *writer, void *grant);

#endif

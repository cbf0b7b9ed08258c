/* erase.h - orders to erase, as this node gives them: of its own leaves, or as a registrar of those of another (DESIGN 3, store/README.md 8). */
#ifndef GRIOT_NODE_ERASE_H
#define GRIOT_NODE_ERASE_H

#include "node/writer.h"

struct erase {
    struct node_id author;     /* in whose logs the leaves stand */
    const struct hash *leaves; /* content hashes, rising, each once; at least one */
    size_t count;
    const char *reason; /* up to ERASURE_REASON_BYTES_MAX, without control characters */
    const char *why;    /* of an error: an English msgid; NULL: the error says it all */
};
/* writer_change: append the orders, one for ERASURE_LEAVES_MAX leaves, to our control log. What is held of the leaves goes in the same transaction when the order is in force.
 *   errors  ERR_PERMISSION  the leaves are another's, and this node is no hub in good standing; or it is an observer;
 *           ERR_INVALID  the reason; those of author_append. Nothing half done */
MUST_CHECK enum err erase_order(struct writer *writer, void *erase);

#endif

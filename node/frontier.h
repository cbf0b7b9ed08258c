/* frontier.h - this node's own frontier (WIRE.md 4.5): signed and stored inside the open transaction. */
#ifndef GRIOT_NODE_FRONTIER_H
#define GRIOT_NODE_FRONTIER_H

#include "node/writer.h"

struct frontier_new { /* results */
    struct notice_ref ref;
    bool is_new; /* false: nothing was signed, the one that is held says the same */
    const char *clause;
};
/* At a hub: of a log whose branch was changed here (store/README.md 3.6) leave in `heads` only what its branches have in common, so that no two statements of this node exclude each other.
 *   errors  of reading; ERR_MEMORY */
MUST_CHECK enum err frontier_common(struct writer *writer, struct head *heads, size_t count);
/* Sign a frontier of these heads, sorted by log, at most FRONTIER_HEADS_MAX. Its counter is above `counter`, the highest own one that is known (a notice_counter, message.h; one that another
 * identity key has signed does not count, for whoever stole that key may have signed the highest there is), and no lower than the clock's seconds: so it rises
 * with every frontier, within a second too, and across a restored store.
 *   errors  ERR_OVERSIZE; ERR_MEMORY; those of store_admit_notice */
MUST_CHECK enum err frontier_sign(struct writer *writer, const struct head *heads, size_t count, uint64_t counter, struct frontier_new *ret);
/* writer_change (struct frontier_new): the same of what the store holds on disk, own logs as far as they may have left, unless the newest own frontier says just that. It is told to the engine.
 *   errors  ERR_NOT_MEMBER  nobody would believe it yet; those of frontier_sign and of reading */
MUST_CHECK enum err frontier_now(struct writer *writer, void *fresh);

#endif

/* compaction.h - the store of a node whose daemon is between two runs, or that has none: copied without its free pages, where erased things may still stand, and put in place. */
#ifndef GRIOT_NODE_COMPACTION_H
#define GRIOT_NODE_COMPACTION_H

#include "proto/clock.h"
#include "store/store.h"

struct compacted { /* the last one of this process */
    uint64_t count; /* how many there were, failed ones included */
    enum err err;
    struct compaction size;
    uint64_t took_ms;
};

/* Compact HOME/log and drop HOME/views, which are then made anew from it. Nobody has the home open; its lock is held meanwhile. Counts, and fills in `ret`.
 *   errors  those of store_compact; nothing has changed after any of them */
enum err compaction_run(const char *home, struct compacted *ret);

/* When `spread` minutes (0..59) past the time of day `at` ("HH:MM", local time) come next after `now`; 0 for "never". The spread is the node's: not all of a region are away at once. */
struct wall_ms compaction_next(const char *at, uint32_t spread, struct wall_ms now);
/* Is this "HH:MM" or "never"? */
bool compaction_at_is_valid(const char *at);

#endif

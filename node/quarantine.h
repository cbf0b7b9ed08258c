/* quarantine.h - what is held here beyond the cuts of nodes that were suspended or removed: kept as evidence, not applied, not passed on, until the root extends a cut (DESIGN 4).
 * A value made from one read; owns its memory. */
#ifndef GRIOT_NODE_QUARANTINE_H
#define GRIOT_NODE_QUARANTINE_H

#include "proto/extension.h"
#include "store/store.h"

enum quarantine_cause {
    QUARANTINE_SUSPENDED, /* by an act in force */
    QUARANTINE_REMOVED,   /* by a roster */
    QUARANTINE_REPLACED,  /* the node is in, with another identity key than has signed these logs */
};

struct quarantine_log {
    struct log_info log;
    struct wall_ms first, last; /* author times of what is beyond the cut, claims */
};
struct quarantine_node {
    struct node_id node;
    char name[NAME_BYTES_MAX + 1];
    enum quarantine_cause cause;
    struct node_id by; /* SUSPENDED: the registrar, when, and why */
    struct wall_ms when;
    char reason[ACT_REASON_BYTES_MAX + 1];
    uint64_t entries, commits; /* of all its logs, beyond their cuts */
    struct quarantine_log *logs;
    size_t log_count;
};
struct quarantine {
    struct quarantine_node *nodes; /* by node id */
    size_t count;
};

/* Of one node, or of all when `name` is NULL. Finish with quarantine_fini, also after an error.
 *   errors  ERR_NOT_FOUND  no node of that name was ever in the region; ERR_CORRUPT, ERR_MEMORY, and those of reading */
MUST_CHECK enum err quarantine_read(struct store_read *read, const struct membership *membership, const char *name, struct quarantine *ret);
void quarantine_fini(struct quarantine *quarantine);

/* What the cut of this node can name: its logs as far as they are held here; of a forked one as far as it counts. To extend a cut, and to make one of a node that leaves in peace: what a cut
 * names counts for good, what is only final may cease to be when hubs change.
 *   errors  ERR_NOT_FOUND  no node of that name was ever in the region, or nothing of it is held; ERR_CORRUPT, and those of reading */
MUST_CHECK enum err quarantine_extension(struct store_read *read, const struct region_id *region, const struct membership *membership, const char *name, struct extension *ret);

#endif

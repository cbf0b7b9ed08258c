/* bundle_out.h - writes what a plan names (bundle_plan.h), file by file. */
#ifndef GRIOT_NODE_BUNDLE_OUT_H
#define GRIOT_NODE_BUNDLE_OUT_H

#include "node/bundle_plan.h"
#include "node/writer.h"

/* writer_change (struct leaving): what has not left of our own may leave (store/README.md 5); before the plan is made. Of a suspended node it stays here, as on the line.
 *   errors  those of author_leaves */
MUST_CHECK enum err bundle_leave(struct writer *writer, void *leaving);

struct bundle_written { /* of one file, or summed up */
    uint64_t bytes, notices, commits, entries;
    uint64_t damaged; /* logs of which a stored commit does not match its hash: what follows it is left out; griot fsck */
};

struct bundle_hand { /* what the writing needs of others */
    bundle_sink sink;
    enum err (*sign)(void *arg, struct span body, struct signature *ret); /* SIGN_BUNDLE by this node's identity */
    void (*progress)(void *arg, const struct bundle_written *so_far);     /* now and then; may be NULL */
    void *arg;                                                            /* of all three */
};

/* Cut the plan into files of at most `bytes_max` (0: one), at borders of commits; each can be taken in alone. Reads everything once when there is a limit.
 *   errors  ERR_LIMIT  not even one commit fits beside the notices, or more than BUNDLE_PARTS_MAX files; ERR_MEMORY; those of reading */
MUST_CHECK enum err bundle_split(struct bundle_plan *plan, struct store *store, uint64_t bytes_max);
/* Write file `part` (1..plan->parts). Errors of the sink, of signing and of reading; ERR_MEMORY */
MUST_CHECK enum err bundle_write(struct bundle_plan *plan, struct store *store, uint32_t part, const struct bundle_hand *hand, struct bundle_written *ret);

#endif

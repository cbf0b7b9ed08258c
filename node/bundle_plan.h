/* bundle_plan.h - what goes into a bundle: for whom it is sealed, which notices, and of each log what the receivers' own signed frontiers do not name. Made from one reading of the store;
 * the store may grow meanwhile, a plan does not. Own commits only as far as they may have left (store.h, log_info.sent): author_leaves comes first. */
#ifndef GRIOT_NODE_BUNDLE_PLAN_H
#define GRIOT_NODE_BUNDLE_PLAN_H

#include "node/bundle_writer.h"
#include "store/store.h"

enum { BUNDLE_SEG_BYTES = 32768 }; /* a segment of a bundle is about so long */

struct bundle_order { /* what is asked for */
    const char *name;   /* of the receiver; "region": everybody */
    bool has_since;     /* the next one counts: not the newest frontier of the receiver, but this one; 0: as if it held nothing */
    uint64_t since;
    uint64_t bytes_max; /* of a file; 0: one file, however long */
    struct wall_ms now;
};

struct bundle_range { /* of one log */
    struct log_id log;
    enum channel channel;
    uint32_t number;
    bool has_birth; /* the receivers hold it */
    uint64_t after, until;
};
struct bundle_border { /* where a part ends and the next one begins */
    size_t range;   /* index of the range that is begun or goes on; the number of ranges: at the end */
    bool has_birth;
    uint64_t after; /* in that range */
};

struct bundle_plan {
    struct region_id region;
    struct node_id self;
    struct bundle_id id;
    struct wall_ms created;
    bool is_for_region;
    struct bundle_card *cards;  /* rising by node */
    size_t card_count;
    struct bundle_base *bases;  /* rising by node: of every receiver but ourselves */
    size_t base_count;
    size_t without_card;        /* members who cannot read it: no card of theirs is known here */
    struct notice_ref *notices; /* in the order in which they are checked */
    size_t notice_count;
    struct bundle_range *ranges; /* in falling priority */
    size_t range_count;
    struct bundle_border *borders; /* parts + 1, once bundle_split has been called */
    uint32_t parts;
};

/* Choose. `*why` explains the errors of the caller in a sentence (an English msgid).
 *   errors  ERR_NOT_MEMBER  this node is no member of the region, or suspended; ERR_NOT_FOUND  no such member, or no card of his, or no such frontier; ERR_INVALID  this node itself, or a
 * frontier for the region; ERR_MEMORY; those of reading */
MUST_CHECK enum err bundle_plan_make(struct store *store, const struct bundle_order *order, struct bundle_plan **ret, const char **why);
void bundle_plan_destroy(struct bundle_plan **plan);

#endif

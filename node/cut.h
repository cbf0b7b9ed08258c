/* cut.h - the heads of one node, gathered for a cut. A cut names at most CUT_HEADS_MAX logs, and a log that it does not name is cut at its birth: whoever has more keeps the longest. */
#ifndef GRIOT_NODE_CUT_H
#define GRIOT_NODE_CUT_H

#include "proto/notice.h"

struct cut_gather {
    struct cut *cut; /* borrowed; its node is set, its heads are being gathered */
    uint64_t entries[CUT_HEADS_MAX];
};
/* Add the head of a log that is not among them yet; its entries tell how long it is. */
void cut_gather_add(struct cut_gather *gather, const struct head *head);
/* Sort them by log, as a cut has them. */
void cut_gather_end(struct cut_gather *gather);

#endif

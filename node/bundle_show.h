/* bundle_show.h - what is in a bundle, added up while it is read to its end: everything is opened and compared, nothing is stored. */
#ifndef GRIOT_NODE_BUNDLE_SHOW_H
#define GRIOT_NODE_BUNDLE_SHOW_H

#include "node/bundle_file.h"
#include "store/store.h"

struct bundle_range_shown { /* of one log */
    struct log_id log;
    bool has_node; /* its birth is in the bundle, or held here */
    struct node_id node;
    enum channel channel;
    uint64_t first, last;      /* commits; both 0: the birth alone */
    uint64_t commits, entries; /* counted */
    uint64_t bytes;
};
enum { BUNDLE_NOTICE_KINDS = NOTICE_FORK_PROOF + 1 };
struct bundle_sum {
    uint64_t notices[BUNDLE_NOTICE_KINDS]; /* by kind; [0]: of no known kind */
    uint64_t commits, entries;
    uint64_t unreadable;  /* notices and commits that this release cannot decode */
    uint64_t logs_beyond; /* commits of logs beyond LOGS_MAX, in no range */
    size_t range_count;
    struct bundle_range_shown *ranges; /* in the order of the bundle */
};

struct bundle_show; /* heap object; one owner at a time */

/* ERR_MEMORY */
MUST_CHECK enum err bundle_show_new(struct store *store, const struct keyring *keyring, struct bundle_show **ret);
void bundle_show_destroy(struct bundle_show **show);
/* Errors of bundle_file_feed and bundle_file_end; what has come before stays to be shown. */
MUST_CHECK enum err bundle_show_feed(struct bundle_show *show, struct span bytes, const char **clause);
MUST_CHECK enum err bundle_show_end(struct bundle_show *show, const char **clause);
const struct bundle_sum *bundle_show_sum(const struct bundle_show *show);
const struct bundle_file *bundle_show_file(const struct bundle_show *show);

#endif

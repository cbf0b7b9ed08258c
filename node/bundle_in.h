/* bundle_in.h - takes in a bundle: everything in it through the gate of the store, as if a peer had sent it, in transactions of a few hundredths of a second. Nothing of it is trusted for
 * coming by hand. What is held already is passed over, so a bundle may be taken in twice, again after a crash, its parts in any order. */
#ifndef GRIOT_NODE_BUNDLE_IN_H
#define GRIOT_NODE_BUNDLE_IN_H

#include "node/bundle_file.h"
#include "node/writer.h"

enum bundle_fate {
    BUNDLE_WAITS,   /* of no use yet: something before it is missing, or its author is not known here. Again later */
    BUNDLE_ASIDE,   /* good, and not for us: of a newer format, beyond a cut or a fork */
    BUNDLE_REFUSED, /* false */
};
enum { BUNDLE_REASONS_MAX = 24 };
struct bundle_reason {
    enum bundle_fate fate;
    enum err err;
    char clause[120];
    bool has_node; /* of whose log it is, when that is known */
    struct node_id node;
    uint64_t count; /* commits, or notices */
};
struct bundle_tally {
    uint64_t notices, notices_held;          /* new here; held already, or older than what is held */
    uint64_t commits, entries, commits_held; /* likewise */
    uint64_t waiting, aside, refused;        /* commits and notices */
    size_t reason_count;                     /* the last one gathers what is left */
    struct bundle_reason reasons[BUNDLE_REASONS_MAX];
    bool is_own_ahead;  /* others hold more of our own logs than we did: they gave way */
    uint64_t own_again; /* entries of ours that were issued again for that */
    bool is_released;   /* it proved that others hold what we have written since the start, and no more: own commits may leave */
};

/* How a change gets into the store: in the daemon core_change, else a transaction of one's own (service_change). Durable when it returns. */
typedef enum err (*bundle_change)(void *arg, writer_change change, void *change_arg);

struct bundle_in; /* heap object; one owner at a time */

/* `home` is borrowed: its keys open the bundle. With `is_checking` nothing is stored: everything is read, opened and compared, and the writer's signature checked when he is known.
 * ERR_MEMORY */
MUST_CHECK enum err bundle_in_new(const struct home *home, bool is_checking, bundle_change change, void *arg, struct bundle_in **ret);
void bundle_in_destroy(struct bundle_in **in);
/* Take in the next bytes, however many. What was taken in before an error stays.
 *   errors  once and for all: those of bundle_file_feed; ERR_BADSIG, ERR_NOT_MEMBER, ERR_STALE  the writer; those of changes */
MUST_CHECK enum err bundle_in_feed(struct bundle_in *in, struct span bytes, const char **clause);
/* The file ends here.  ERR_TRUNCATED; those above */
MUST_CHECK enum err bundle_in_end(struct bundle_in *in, const char **clause);
const struct bundle_tally *bundle_in_tally(const struct bundle_in *in);
const struct bundle_file *bundle_in_file(const struct bundle_in *in);

#endif

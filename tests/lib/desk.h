/* desk.h - nodes of an invented region (region.h) with real homes: keys, store and writer, as a command without a daemon has them; and bundles in memory between them.
 * Failures fail the test. Not to be included beside tests/lib/home.h: both have a struct home. */
#ifndef GRIOT_TESTS_DESK_H
#define GRIOT_TESTS_DESK_H

#include "node/bundle_in.h"
#include "node/bundle_out.h"
#include "tests/lib/region.h"

struct desk {
    char folder[64];
    struct region *region;
    size_t node;
    struct home home;
    struct store *store;
    struct writer writer;
};
/* A home for this node of the region, whose identity key is from now on that of the home. Notices are not in it: desk_notices. */
void desk_open(struct desk *desk, struct region *region, size_t node);
/* As if the process had ended and begun again. */
void desk_reopen(struct desk *desk);
/* Copy the whole home, as it stands, keys and all; and put it back, as a machine whose disk is brought back, in a new life. */
void desk_snapshot(struct desk *desk, const char *name);
void desk_restore(struct desk *desk, const char *name);
void desk_close(struct desk *desk); /* removes the folder */
/* Its present card. */
struct span desk_card(const struct desk *desk);
/* Notices, in order; each is new or held: asserted. */
void desk_notices(struct desk *desk, const struct span *notices, size_t count);
enum err desk_notice(struct desk *desk, struct span notice, struct span heads);
/* Items of a log, as a peer would send them. */
enum err desk_admit(struct desk *desk, const struct log_id *log, uint64_t first, const struct span *items, uint32_t count);
/* `count` own records of 200 bytes, in one commit each, in one transaction. */
void desk_record(struct desk *desk, enum channel channel, size_t count);
/* One change in a transaction of its own; as a bundle_change: `arg` is the desk. */
enum err desk_change(void *desk, writer_change change, void *arg);

/* A hash over all that readers see: logs, commits, notices, the journal's end. Equal stores have equal ones; frontiers and order of arrival count. */
struct hash desk_digest(struct desk *desk);
/* HASH_HEADS over the heads that count: what nodes compare. */
struct hash desk_heads(struct desk *desk);
uint64_t desk_entries(struct desk *desk);
bool desk_log(struct desk *desk, const struct log_id *log, struct log_info *ret);

/* ---- bundles ---- */

struct bytes {
    uint8_t *p;
    size_t n, cap;
};
enum err bytes_add(void *bytes, struct span more); /* a bundle_sink */
void bytes_free(struct bytes *bytes);
struct parcel { /* the files of one bundle */
    struct bytes files[64];
    uint32_t count;
};
void parcel_free(struct parcel *parcel);
/* As griot bundle out: own commits leave, a frontier is signed, everything is written. `order->name` as in bundle_plan.h. */
enum err desk_out(struct desk *desk, const struct bundle_order *order, struct parcel *ret);
/* The same for another desk, from its newest frontier. */
void desk_out_for(struct desk *desk, const struct desk *receiver, struct parcel *ret);
/* As griot bundle in: checked to its end, then taken in. Fed in pieces of `piece` bytes (0: all at once). `ret` may be NULL. */
enum err desk_in_pieces(struct desk *desk, struct span file, size_t piece, struct bundle_tally *ret, const char **clause);
enum err desk_in(struct desk *desk, struct span file, struct bundle_tally *ret);

#endif

/* views.h - the views environment: everything derived from the journal, droppable by deleting HOME/views. Its own writer thread; the log never waits
 * for it. Followers with a durable cursor: current record versions, and the inverted index over them. Rebuilt, a follower holds the same keys and
 * values. */
#ifndef GRIOT_STORE_VIEWS_H
#define GRIOT_STORE_VIEWS_H

#include "proto/record/record.h"
#include "store/store.h"

struct views;
struct opener; /* store/opener.h */

/* Open HOME/views; made when absent, made anew when damaged, of another layout version or of another schema: nothing in it is lost, it follows the
 * journal again.
 *   opener  opens sealed entries, for writer and readers; borrowed for the life of the views. NULL: nothing sealed is opened
 *   errors  ERR_IO, ERR_FULL, ERR_MEMORY, ERR_PERMISSION, ERR_LOCKED  it is open in this process; ERR_INVALID  path too long */
MUST_CHECK enum err views_open(const char *home, struct opener *opener, struct views **ret);
void views_close(struct views **views);
/* Delete HOME/views, which must not be open: the next open starts from an empty one. */
MUST_CHECK enum err views_drop(const char *home);

/* Have the views made anew: the next views_follow waits for the readers, and starts from nothing. Any thread. Never fails today. */
MUST_CHECK enum err views_reset(struct views *views);

/* Does the next views_follow start from nothing: after views_reset, or because a reader has met damage? Any thread. */
bool views_starts_again(const struct views *views);

/* Follow the journal for at most `items_max` items, in one transaction, entries sorted before they are put. Views' writer thread only. Ends earlier
 * after about 4,096 records, which bounds its memory. Views that are damaged, or that followed another journal (a store brought back from a backup),
 * are emptied first, and follow from the start.
 *   ret_left  journal items not followed yet; at least 1 while a cut or a fork is still being worked through
 *   errors    ERR_CORRUPT  the log holds a damaged commit; the views stand still before it until it is repaired
 *             ERR_LAYOUT  the views are damaged again as soon as they are made: the disk
 *             ERR_FULL  also when no more than the reserve is free: that belongs to the log
 *             ERR_IO, ERR_MEMORY, ERR_BUSY, ERR_INTERNAL  as ERR_FULL: nothing has changed */
MUST_CHECK enum err views_follow(struct views *views, struct store *store, uint64_t items_max, uint64_t *ret_left);

struct views_read; /* a read transaction of both environments; under a second */
MUST_CHECK enum err views_read_begin(struct views *views, struct store *store, struct views_read **ret);
void views_read_end(struct views_read **read);

/* Why an entry is in no view. */
enum views_skip {
    VIEWS_SKIP_KIND,    /* of an entry kind that this release does not know, or that is no record */
    VIEWS_SKIP_ABSENT,  /* its payload is not here */
    VIEWS_SKIP_SEALED,  /* sealed, and its key is not here yet or is not for us: it waits */
    VIEWS_SKIP_CODEC,   /* of a codec that this release does not read */
    VIEWS_SKIP_VERSION, /* a kind of record that this release does not know */
    VIEWS_SKIP_BAD,     /* not a record by WIRE.md 6, or in a broken seal */
    VIEWS_SKIP_COUNT
};
struct views_count {
    uint64_t followed;     /* journal items followed */
    uint64_t journal;      /* journal items there are */
    uint64_t current[256]; /* current records, by kind number below 256 */
    uint64_t entries;      /* met in the journal so far */
    uint64_t versions;     /* of them, record versions in the index */
    uint64_t skipped[VIEWS_SKIP_COUNT];
};
MUST_CHECK enum err views_count(struct views_read *read, struct views_count *ret);

/* One version of a record as found. */
struct version {
    struct record_id id;
    struct node_id author; /* owner: only versions of the same author replace one another */
    enum channel channel;
    struct hash content; /* names this version */
    uint32_t log_number;
    uint64_t seq;
    uint32_t entry;
    struct wall_ms author_time; /* a claim; 0 from views_search, which checks payloads and no whole commits */
    bool is_current;
    bool is_disputed;    /* its commit does not count: beyond a cut, or of an unsettled fork; never current, never found by views_search */
    bool is_gone;        /* its payload is not here any more: an order (store_orders), or its day */
    uint32_t expiry_day; /* of the leaf; 0: never */
    bool is_expired;     /* by our clock that day has come; never current, never found */
    bool is_sealed;      /* for an audience: `key_id` names it (store_key_audience) */
    struct hash key_id;
    struct span payload; /* checked against `content`, which the commit's hash covers, then opened; empty when it is not here, has expired, or cannot be opened any
                          * more; valid until the read's next use */
};
/* All versions of a record that are held, at most 65,536: current ones first, then replaced ones, disputed ones last; deeper first, then by content
 * hash. `each` returns false to stop.
 *   errors  ERR_NOT_FOUND; ERR_CORRUPT  views or log are damaged; ERR_MEMORY, ERR_IO */
MUST_CHECK enum err views_versions(struct views_read *read, const struct record_id *id, bool (*each)(void *arg, const struct version *version),
                                   void *arg);
/* Sealed entries that wait for a key: what this node keeps and passes on, and cannot read. One call for each key id and log, in their order. */
struct views_sealed {
    struct hash key_id;
    struct node_id author;
    enum channel channel;
    uint32_t log_number;
    uint64_t entries;
    uint64_t first_seq, last_seq; /* commits in which they stand */
    enum err why;                 /* as of opener_key: ERR_NOT_FOUND no key yet, ERR_PERMISSION not entitled ... */
};
/* What the read gave before ends.  ERR_CORRUPT, ERR_MEMORY, and those of the log */
MUST_CHECK enum err views_sealed(struct views_read *read, bool (*each)(void *arg, const struct views_sealed *sealed), void *arg);
/* Record ids that begin with these hex digits (4..32, any case), rising: at most `max` are written.  ERR_INVALID  not such digits; ERR_CORRUPT */
MUST_CHECK enum err views_resolve(struct views_read *read, const char *hex_prefix, struct record_id *ret, size_t max, size_t *ret_count);

/* Query, first cut; grammar: store/index/query.h. Words (all must occur; `word*` is a prefix), "a phrase" as its words, field:value for fields that
 * are searched by value, kind:seizure, author:NODE ID IN HEX (origin:NAME is resolved above into it), date:2026-11, -term excludes, an empty query
 * asks for everything. A single word of four letters or more also finds the codes that it names. ERR_INVALID with *ret_at (byte offset) and *ret_why
 * (an English sentence, a gettext msgid) for a wrong query; bounded: at most 32 terms, 1024 bytes. */
struct query_result {
    uint64_t total;
    size_t count; /* hits written */
};
/* Newest event date first, then record id. Current versions only; the total is exact. Calls `each` for hits offset..offset+limit-1; limit 0 counts.
 *   errors  ERR_INVALID  also for pages that end beyond 1,048,576 hits; ERR_CORRUPT  views or log are damaged; ERR_MEMORY, ERR_IO */
MUST_CHECK enum err views_search(struct views_read *read, struct span query, uint64_t offset, size_t limit,
                                 bool (*each)(void *arg, const struct version *version), void *arg, struct query_result *ret, size_t *ret_at,
                                 const char **ret_why);

/* Check the views against the journal as far as they have followed it, and read through every key: documents, terms, filters, counts.
 *   fault     called with each fault: a stable code, and what and where (in English)
 *   progress  with journal items compared of those followed; may be NULL
 *   errors    ERR_CORRUPT  faults were reported, and the next views_follow starts again; ERR_MEMORY, ERR_IO  the check itself failed */
struct views_check {
    void (*fault)(void *arg, enum err err, const char *what);
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
    uint64_t faults;
};
MUST_CHECK enum err views_check(struct views_read *read, struct views_check *check);

/* All keys (table number, key) and values in order, to compare rebuilds. */
MUST_CHECK enum err views_dump(struct views_read *read, void (*put)(void *arg, struct span key, struct span value), void *arg);

#endif

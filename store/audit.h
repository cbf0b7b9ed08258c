/* audit.h - the trail of what people did at this node: rows in a chain of hashes, of which frontiers name the head, so that whoever edits it is contradicted by what others hold.
 * Also what this node remembers of the heads that others have named. Rows hold no content of records. Tables and bytes: LAYOUT.md 1.11. */
#ifndef GRIOT_STORE_AUDIT_H
#define GRIOT_STORE_AUDIT_H

#include "proto/clock.h"
#include "store/store.h"

/* Permanent numbers; 0 is none. A number that this release does not know is kept and shown as "unknown". */
enum audit_action {
    AUDIT_LIFE = 1,    /* a life of the trail begins: the first one, or after the home came back from an older state */
    AUDIT_START = 2,   /* the node, */
    AUDIT_STOP = 3,    /* and its clean end */
    AUDIT_REFUSED = 4, /* somebody else's user at the control socket */
    AUDIT_RECORD = 5,  /* entered or amended by hand */
    AUDIT_IMPORT = 6,  /* one row a batch */
    AUDIT_SEARCH = 7,
    AUDIT_SHOW = 8, /* of a record that is nominal or not for everybody */
    AUDIT_TRACE = 9,
    AUDIT_EXPORT = 10, /* records out of the node, other than the next two */
    AUDIT_BUNDLE = 11,
    AUDIT_BACKUP = 12,
    AUDIT_JOIN = 13,
    AUDIT_ADMIT = 14,
    AUDIT_SUSPEND = 15,
    AUDIT_ROTATE = 16,
    AUDIT_GRANT = 17,
    AUDIT_ERASE = 18,
    AUDIT_CLASSIFY = 19,
    AUDIT_REQUEST = 20, /* permission to pass a record on: asked for, */
    AUDIT_ANSWER = 21,  /* answered, */
    AUDIT_RELEASE = 22, /* and what follows: a version for more readers */
    AUDIT_READ = 23,    /* the trail itself was listed */
    AUDIT_OPEN = 24,    /* and what was typed in it was opened */
    AUDIT_BUNDLE_IN = 25, /* a bundle was taken in; AUDIT_BUNDLE: one was written */
    AUDIT_ACTION_COUNT
};
/* "search"; "unknown" for others. And back: 0 when there is none of that name. */
const char *audit_action_name(uint32_t action);
uint32_t audit_action_of(const char *name);

enum {
    AUDIT_INSTALL_BYTES = 16,
    AUDIT_LOGIN_BYTES_MAX = 32,
    AUDIT_COUNTS_MAX = 4,
    AUDIT_SUBJECTS_MAX = 8,
    AUDIT_SUBJECT_BYTES_MAX = 32,
    AUDIT_DETAIL_BYTES_MAX = 1280, /* what was typed, sealed: crypto/letter.h */
    AUDIT_ROW_BYTES_MAX = 2048,
};

struct audit_subject { /* what it was done to: a record, a node, a log */
    uint32_t n;        /* 1..AUDIT_SUBJECT_BYTES_MAX */
    uint8_t b[AUDIT_SUBJECT_BYTES_MAX];
};

/* What is to be written; number, life and hash of the row before are the store's. */
struct audit_entry {
    struct wall_ms time;
    uint8_t install[AUDIT_INSTALL_BYTES];                   /* of the home: a life that begins keeps it */
    uint32_t uid;                          /* of the person's process */
    char login[AUDIT_LOGIN_BYTES_MAX + 1]; /* valid UTF-8 without control characters, may be empty */
    uint32_t action;                       /* enum audit_action */
    enum err outcome;
    uint32_t count_count;
    uint64_t counts[AUDIT_COUNTS_MAX]; /* up to NUMBER_MAX; what they count: OPERATE.md */
    uint32_t subject_count;
    struct audit_subject subjects[AUDIT_SUBJECTS_MAX]; /* the first ones */
    struct span detail;                                /* at most AUDIT_DETAIL_BYTES_MAX, may be empty */
};

struct audit_row {
    uint64_t number; /* 1.. without gaps */
    uint64_t life;
    struct hash previous; /* of row number - 1; of row 1: HASH_AUDIT over region id || node id */
    struct hash hash;     /* HASH_AUDIT over the row */
    char outcome[32];     /* name of the error, "ERR_OK" when it went well */
    struct audit_entry entry; /* its outcome is ERR_COUNT when this release does not know the name; detail is borrowed */
};

/* Where the trail stands: what a frontier names. All zero before the first row. */
struct audit_head {
    uint64_t life, count;
    struct hash hash;
};

/* Append within the open transaction; before the first row, and before the first one after a restore, comes one that begins a life. A damaged end is gone on from in a way that leaves the damage to be seen. Errors: of the
 * transaction. */
MUST_CHECK enum err audit_append(struct store *store, const struct audit_entry *entry);
/* Begin a new life, of a home that came back from an older state: a row of its own, and the life rises above every one that own frontiers have named.
 * `entry`: who and when; its action is set. Same errors. */
MUST_CHECK enum err audit_begin_life(struct store *store, const struct audit_entry *entry);
/* Has the home come back from an older state, so that a new life is due? It has when the last life began under another install id, or a frontier of our own has come back to us that
 * contradicts the trail. In the open transaction, whose errors it has. */
MUST_CHECK enum err audit_is_behind(struct store *store, const uint8_t install[AUDIT_INSTALL_BYTES], bool *ret);
/* As the open transaction sees it. Errors: of the transaction. */
MUST_CHECK enum err audit_head_now(struct store *store, struct audit_head *ret);

/* ---- reading: any thread ---- */

MUST_CHECK enum err audit_head_read(struct store_read *read, struct audit_head *ret);
/* Rows from `first` on, rising. Calls `each` until it returns false. A row that does not decode: ERR_CORRUPT, after those before it. */
MUST_CHECK enum err audit_rows(struct store_read *read, uint64_t first, bool (*each)(void *arg, const struct audit_row *row), void *arg);
/* The same, falling, from the last one. */
MUST_CHECK enum err audit_rows_back(struct store_read *read, bool (*each)(void *arg, const struct audit_row *row), void *arg);

/* ---- what frontiers have named ---- */

enum { WITNESS_POINTS_MAX = 48 };

/* One head that a node has named. */
struct witness_point {
    struct audit_head head;
    struct wall_ms clock; /* the node's, in that frontier: a claim */
};
enum witness_fault {
    WITNESS_NONE = 0,
    WITNESS_SHORTER = 1, /* fewer rows of one life than it had named before */
    WITNESS_OTHER = 2,   /* another head at the same count; of ourselves: not what stands in the trail */
    WITNESS_LIFE = 3,    /* an earlier life than before */
};
/* What is remembered of a node. */
struct witness {
    struct node_id node;
    size_t count; /* of points, rising by (life, count); the newest are all kept, of older ones fewer and fewer, the first one always. Of ourselves: those that agreed with the trail */
    struct witness_point points[WITNESS_POINTS_MAX];
    enum witness_fault fault; /* the first contradiction since the last new life; of ourselves the highest, also of earlier lives */
    struct audit_head said;   /* what contradicts the last point */
    struct wall_ms fault_at;  /* when it came here */
    struct wall_ms life_at;   /* when the last new life but the first came here; 0: none */
    uint64_t life_lost;       /* at least so many rows that the node had named before are not in its trail since */
};
/* Of one node: ERR_NOT_FOUND; ERR_CORRUPT */
MUST_CHECK enum err witness_read(struct store_read *read, const struct node_id *node, struct witness *ret);
/* Of all. Calls `each` until it returns false. */
MUST_CHECK enum err witness_all(struct store_read *read, bool (*each)(void *arg, const struct witness *witness), void *arg);

/* ---- verifying ---- */

struct audit_report {
    /* A fault, in an English sentence that names the row (0: the trail as a whole). */
    void (*fault)(void *arg, enum err err, uint64_t row, const char *what);
    /* What a return from an older state explains. */
    void (*lost)(void *arg, uint64_t row, const char *what);
    void *arg;
    const struct witness_point *others; /* further heads that this node has named, as others remember them; may be NULL */
    size_t other_count;
    /* results */
    uint64_t rows, faults;
    uint64_t compared; /* heads */
    struct audit_head head, named; /* where it stands; the last head of this life that a frontier has named: what follows it nobody else vouches for */
};
/* Walk the whole trail: each row whole, in its place, following the one before; the head beside it; and every head that own frontiers have named.
 *   errors  ERR_CORRUPT  faults were reported; those of the transaction */
MUST_CHECK enum err audit_verify(struct store_read *read, struct audit_report *report);

#endif

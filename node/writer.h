/* writer.h - what a change to the store needs, in the daemon's core thread or in a command that has taken the home's lock. */
#ifndef GRIOT_NODE_WRITER_H
#define GRIOT_NODE_WRITER_H

#include "node/audience.h"
#include "proto/record/record.h"
#include "store/store.h"

struct writer {
    struct home *home;
    struct store *store;
    struct author *author;
    struct membership *membership; /* of the notices held; replaced when they change */
    struct unpack *unpack;
    struct head heads[CHANNEL_COUNT]; /* own heads that appends of the open transaction have moved; seq 0: not moved */
    bool is_gap_open;                 /* what this node had recorded in a life that it does not remember is not back yet: rows that are imported again would not be known again */
    bool has_notice;                  /* the open transaction stored a notice */
    bool is_refusal;                  /* a change was refused before it touched anything: the open transaction goes on */
    struct notice_ref *notes;         /* these: to be told to the engine when they are durable */
    size_t note_count;
    struct admitted *admitted;        /* segments that a change has admitted in the open transaction: told likewise */
    size_t admitted_count;
    bool is_own_ahead;                /* others held more of our own logs than we did, and these gave way; the next two since this was last looked at */
    uint64_t own_again;               /* entries issued again for that */
    bool has_audit_life;              /* a new life of the audit trail has begun since own logs gave way */
    bool has_left;                    /* own commits are leaving by hand: what others hold of our logs from now on is not news */
};

/* Home, store and author together; the home's keys are open. ERR_MEMORY, and those of store.h */
MUST_CHECK enum err writer_open(struct home *home, struct store *store, struct writer *ret);
void writer_close(struct writer *writer);
/* Read membership again after notices have changed. */
MUST_CHECK enum err writer_refresh(struct writer *writer);

/* Remember a notice that the open transaction has stored. ERR_MEMORY */
MUST_CHECK enum err writer_note(struct writer *writer, const struct notice_ref *ref);

/* May this node write into its logs? An observer may not: others would refuse it. ERR_PERMISSION, and `*why` says so; the open transaction is left as it was */
MUST_CHECK enum err writer_may_write(struct writer *writer, const char **why);

/* Remember what store_admit has done for a change. ERR_MEMORY */
MUST_CHECK enum err writer_admitted(struct writer *writer, const struct admitted *admitted);
/* An own log gave way in the open transaction. */
void writer_gave_way(struct writer *writer, const struct gave_way *gave_way);
/* The open transaction came to nothing. */
void writer_forget(struct writer *writer);

/* A change, run inside an open transaction. It is undone with the whole transaction when it fails with ERR_FULL, ERR_IO or ERR_MEMORY; other errors must leave nothing half done. */
typedef enum err (*writer_change)(struct writer *writer, void *arg);

struct wall_ms wall_now(void);
struct mono_ms mono_now(void);

/* ---- records ---- */

enum { APPEND_ITEMS_MAX = 8192 };
enum append_state { APPEND_NEW, APPEND_UPDATED, APPEND_UNCHANGED };
struct append {
    enum channel channel;
    struct span batch; /* [row key, payload] arrays, client.h */
    const struct readers *readers; /* for whom it is sealed, and who the records say they are released to; NULL: the whole region */
    uint32_t expiry_day;           /* days since 1970; 0: never */
    /* results */
    size_t count, kept; /* kept: of versions that replace one which expires later, or never, and so expire no earlier */
    size_t keyed; /* of all: those with a row key, which were imported */
    enum record_kind kind; /* of the last one */
    struct record_id ids[APPEND_ITEMS_MAX];
    struct hash versions[APPEND_ITEMS_MAX];
    uint8_t states[APPEND_ITEMS_MAX]; /* enum append_state */
    const char *clause;
};
/* The most bytes that a record may have for these readers, as its client encodes it: the release list, and what it replaces, are added to it. */
size_t append_bytes_max(const struct readers *readers);
/* writer_change (no argument): record rows although the gap is open, come what may; it is not waited for any more. */
MUST_CHECK enum err append_anyway(struct writer *writer, void *arg);

/* writer_change: give each record its id (from its row key under the node's record key, or random), see what is new, what has changed (a version that replaces the one before)
 * and what has not, and append.
 *   errors  ERR_MALFORMED, ERR_LIMIT, ERR_INVALID with clause; ERR_GAP  records with a row key while writer->is_gap_open; nothing was appended then */
MUST_CHECK enum err append_records(struct writer *writer, void *append);

/* Own commits after..until of a segment were admitted in the open transaction: this node had written them in a life that it does not remember. Their records
 * are known as own ones from now on, so that importing the same rows again finds them unchanged.
 *   errors  of store_own_get and store_own_put; ERR_MEMORY */
MUST_CHECK enum err append_returned(struct writer *writer, const struct seg *seg, uint64_t after, uint64_t until);

#endif

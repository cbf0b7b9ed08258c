/* forks.h - what is known here of forks: the proofs held, what each of them has put in dispute, and what the operators of hubs have said of it.
 * A value made from one read; owns its memory. Nothing in it decides what counts: the store does. */
#ifndef GRIOT_NODE_FORKS_H
#define GRIOT_NODE_FORKS_H

#include "node/writer.h"
#include "proto/verdict.h"

enum {
    FORK_VERDICTS_MAX = 16,     /* shown of one fork: one a hub */
    VERDICT_COMMITS_MAX = 4096, /* of a hub's control log, the newest, that are looked through for verdicts */
};

struct fork_verdict { /* the last one of a hub */
    struct node_id by;
    struct verdict verdict;
    struct wall_ms time; /* a claim */
    bool is_older;       /* another proof was looked at than the one that is held now */
};

struct fork {
    struct log_id log;
    struct node_id node; /* whose log it is */
    enum channel channel;
    struct hash proof;            /* HASH_NOTICE, as verdicts name it */
    uint64_t seq;                 /* where the two part */
    struct hash branches[2];      /* the two commits there */
    struct wall_ms times[2];      /* their author times, claims */
    bool is_held;                 /* the log is: what follows is of it */
    bool is_own;
    bool is_disputed;             /* what stands at `seq` or later does not count; else it is final, and the other branch evidence */
    bool is_final;                /* what counts is: more than half of the hubs name it */
    struct head counts;           /* up to here */
    uint64_t disputed_entries;    /* held here beyond that */
    uint64_t aside_entries;       /* of a branch that gave way */
    size_t verdict_count;
    struct fork_verdict verdicts[FORK_VERDICTS_MAX]; /* by node id */
};
struct forks {
    struct fork *items; /* rising by log id */
    size_t count;
};

/* Read them; `self` is this node. Finish with forks_fini, also after an error.
 *   errors  ERR_CORRUPT, ERR_MEMORY, and those of reading */
MUST_CHECK enum err forks_read(struct store_read *read, const struct membership *membership, const struct node_id *self, struct forks *ret);
void forks_fini(struct forks *forks);
/* The fork of a log, or NULL. */
const struct fork *forks_find(const struct forks *forks, const struct log_id *log);

enum classify_state { CLASSIFY_MADE, CLASSIFY_HELD /* this hub has said just that already */ };
struct classify {
    const char *what; /* the log: its first hex digits, four or more; or the name of its node, when that has one fork */
    enum verdict_class class;
    const char *reason; /* up to VERDICT_REASON_BYTES_MAX, without control characters; "" or NULL: none. Everybody in the region reads it */
    struct wall_ms now;
    /* results */
    enum classify_state state;
    struct fork fork;  /* as it was before */
    const char *why;   /* of an error: an English msgid, or NULL: the error says it all */
};
/* writer_change: say of a fork, as a hub, what it was (struct classify): an entry in this node's control log. A later one by the same hub takes its place.
 *   errors  ERR_PERMISSION  this node is no hub of the newest roster, or is suspended
 *           ERR_NOT_FOUND   no such fork; ERR_EXISTS  several; ERR_INVALID  the reason
 *           those of author_append and of reading */
MUST_CHECK enum err classify_make(struct writer *writer, void *classify);

#endif

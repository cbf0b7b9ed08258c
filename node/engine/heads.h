/* heads.h - every log this node holds or has heard of: how far it is held, how far others say it goes, who may push it.
 * A table by log id under a keyed hash, and the held ones in order of log id, so that equal heads have equal digests.
 * No I/O, no clock; one owner at a time. Logs are named by an index that stays the same while the log is known. */
#ifndef GRIOT_NODE_ENGINE_HEADS_H
#define GRIOT_NODE_ENGINE_HEADS_H

#include "crypto/siphash.h"
#include "node/engine/sync.h"

#define LOG_NONE UINT32_MAX
#define PEER_NONE UINT32_MAX

/* Which list a log stands in, by what it needs. */
enum log_list {
    LOG_SETTLED, /* nothing known beyond what is held */
    LOG_WANTED,  /* a live peer states more and nobody was asked */
    LOG_CLAIMED, /* a live peer states more and `claim` was asked */
};

/* Heights count commits, the birth included: 0 nothing, seq + 1 otherwise. So that a birth alone differs from nothing. */
struct log {
    struct head head; /* .log always; the rest while height > 0 */
    uint64_t height;
    struct node_id author;
    enum channel channel;
    uint8_t share; /* of its author in what is pushed (peers.h) */
    bool is_used, has_author;
    bool is_own;
    bool is_ahead;    /* own: a peer showed more of it than we have; never appended to again */
    bool is_withheld; /* own and ahead, found out before the first echo: nothing of it leaves until what was shown is fetched */
    bool is_cut;      /* refused beyond the cut of a node that left: what others state of it does not count */

    uint64_t fork_height;     /* height of the canonical prefix below the lowest fork proven, or what the store has said instead; 0: none */
    bool is_fork_told;        /* it has: a proof changes nothing before it says more */
    uint64_t cut_height;      /* height at which a cut ends it; 0: not cut */
    uint64_t stated_height;   /* most that any live peer states */
    uint64_t stated_entries;
    uint64_t frontier_entries; /* most that any frontier held names */
    uint32_t views;            /* live peers that have said or been told something of it */
    uint32_t frontiers;        /* frontiers held that name it, and a fork proof that came before any of its commits */

    enum log_list list;
    uint32_t next, previous; /* in that list */
    uint32_t claim;          /* peer that may push it to us, or PEER_NONE */
    uint64_t progress_ms;    /* when the claim last brought something */
    uint64_t park_ms;        /* not asked for before */

    uint64_t start_height; /* own: held at start; what came later has not left before the first echo */
    struct hash start_hash;
    uint64_t ahead_height; /* own and ahead: most that was shown */
    uint32_t claimant;     /* own, born in this life, and ahead on the word of this claimant, 1..CLAIMANTS_MAX (echo.h); 0: none, or proven */

    uint64_t stamp; /* of the frontier that named it last, with what it said; scratch of notices.c */
    uint64_t stamp_entries;
};

/* Where the log ceases to count, by a fork or a cut, whichever is lower; 0: nowhere. */
static inline uint64_t log_end_height(const struct log *log)
{
    bool is_fork_first = log->cut_height == 0 || (log->fork_height != 0 && log->fork_height < log->cut_height);
    return is_fork_first ? log->fork_height : log->cut_height;
}

enum { LOGS_PER_PAGE = 32 };

struct heads {
    struct siphash_key key;
    struct log **pages;
    uint32_t page_count;
    uint32_t end;    /* indexes used so far */
    uint32_t count;  /* logs known */
    uint32_t free;   /* list of unused indexes, through next */
    uint32_t *slots; /* open addressing: index + 1, 0 empty */
    uint32_t slot_count;
    uint32_t *held; /* indexes of held logs by log id */
    uint32_t held_count, held_cap;
    uint32_t list_first[3]; /* by enum log_list; SETTLED unused */
    uint32_t list_count[3];
};

void heads_init(struct heads *heads, uint64_t seed);
void heads_fini(struct heads *heads);
/* LOG_NONE when it is not known. */
uint32_t heads_find(const struct heads *heads, const struct log_id *log);
/* Make a log known (it must not be). LOG_NONE when memory runs out. */
uint32_t heads_add(struct heads *heads, const struct log_id *log);
/* Forget a log that is neither held, nor viewed, nor named by a frontier, if it is such. */
void heads_release(struct heads *heads, uint32_t index);
/* Borrowed; stays where it is while the log is known. */
struct log *heads_at(const struct heads *heads, uint32_t index);
/* Set the head; enters the order of held logs when new. False when memory runs out. */
bool heads_set(struct heads *heads, uint32_t index, const struct head *head);
/* Move into a list (LOG_SETTLED: into none). */
void heads_list(struct heads *heads, uint32_t index, enum log_list list);
/* HASH_HEADS of all held, as in sync.h. */
void heads_digest(const struct heads *heads, struct hash *ret);
size_t heads_memory(const struct heads *heads);

#endif

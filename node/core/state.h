/* state.h - private to node/core/: what the core's thread holds, and what its files offer one another. */
#ifndef GRIOT_NODE_CORE_STATE_H
#define GRIOT_NODE_CORE_STATE_H

#include "node/core/core.h"
#include "node/core/share.h"
#include "node/log.h"
#include "node/net/gateway.h"
#include "node/net/link.h"
#include "node/net/session.h"

#include <pthread.h>
#include <stdatomic.h>


enum {
    CONNECTIONS_MAX = 2 * PEERS_MAX,
    TURN_FRAMES_MAX = 512,          /* taken in before the transaction is synced */
    READER_CHECK_MS = 60000,
    TURN_MS_MAX = 40,               /* the same in time: bounds what a record waits for others */
    CONTEST_MS = 10000,             /* a second session of one node waits this long for the first to answer */
    REMEMBERED_NODES_MAX = 1024,
    AHEAD_MAX = 64,                 /* own logs that give way at a time; the engine says the rest again at the next session */
    AHEAD_RETRY_MS = 1000,
    GATEWAY_LIFE_MS = 2000, /* a gateway that dies younger is started again after a pause */
    GATEWAY_PAUSE_MS = 500,
    SENT_MAX = 8,                   /* the engine keeps two ranges under way for a peer */
};

struct connection {
    uint32_t number; /* 0: free */
    bool is_dialled;
    struct curve_public key;
    struct session session;
    struct mono_ms since, heard, deadline; /* deadline: of the handshake, or of a contest */
    bool is_contested;                     /* its node has an older session that may be alive */
    uint64_t asked;                        /* what a PING of ours to a contested session carried, not the engine's; 0: nothing is out */
    uint32_t slot;                         /* of the engine, when in use */
    bool is_up;                            /* the engine knows it */
    int64_t skew_ms;                       /* its clock less ours, when the session began */
    struct sync_event sent[SENT_MAX];      /* frames on their way into the library, oldest first */
    size_t sent_count;
    uint64_t missed;                       /* by both sides, when last looked at */
    struct mono_ms moved;                  /* when that last changed, or was nothing */
};

enum { BUILD_BYTES = FRAME_BYTES_MAX + 4096 }; /* for building a frame whose size is looked at afterwards */

enum pending_type { PENDING_SEGMENT, PENDING_NOTICE, PENDING_JOB, PENDING_GAVE_WAY, PENDING_RELEASED };

struct job {
    writer_change change; /* NULL: take a copy of what is known */
    void *arg;
    bool is_small; /* below the reserve too */
    enum err err;
    bool is_done;
    struct job *next;
};

struct pending { /* what happened inside the open transaction, told when it is durable */
    enum pending_type type;
    uint32_t connection;
    enum err err;
    const char *clause;
    struct admitted admitted;
    struct log_id log;
    struct notice_ref ref;
    bool is_new;
    struct job *job;
    struct gave_way gave_way;
};

struct ahead { /* an own log of which others hold more: it gives way */
    struct log_id log;
    uint64_t from; /* not 0: from this commit on, whether it has left or not, since others hold another one */
    bool is_in_transaction;
};

struct range { /* what the engine wants sent or looked up, read after the transaction */
    bool is_look_up; /* only the hash of commit `after_seq` is wanted */
    uint32_t connection, slot;
    struct log_id log;
    bool has_birth;
    uint64_t after_seq, until_seq;
    struct hash hash;
    uint32_t bytes_max;
};

struct remembered { /* of a member, across sessions */
    struct node_id node;
    uint64_t heard_ms;
};

struct core {
    struct home *home;
    struct store *store;
    struct writer writer;
    struct gateway *gateway;
    struct sync *sync;
    struct unpack *unpack;
    struct mono_ms now, started, readers_checked;
    struct mono_ms gateway_started, gateway_next; /* when it was started last; when it is started again, if lost */
    struct connection connections[CONNECTIONS_MAX];
    uint32_t next_connection;
    struct link *links;
    size_t link_count;
    uint8_t boot[8];
    uint64_t random;
    bool is_open; /* a transaction is */
    enum err given_up; /* why this turn's transaction was aborted; ERR_OK: it was not */
    bool is_intake_stopped, is_gateway_lost, is_own_ahead, wants_frontier, has_membership_change, is_broken;
    struct ahead aheads[AHEAD_MAX];
    size_t ahead_count;
    struct mono_ms ahead_next;   /* not tried again before */
    uint64_t own_again;          /* entries issued again in this life */
    bool wants_released;         /* the marks of what has not left are to be forgotten */
    struct pending *pending;
    size_t pending_count, pending_cap;
    struct range *ranges;
    size_t range_count, range_cap;
    uint8_t *frame; /* FRAME_BYTES_MAX and some, for building */
    struct head *heads;
    struct live_refusal refusals[LIVE_REFUSALS_MAX];
    uint64_t refusal_last[LIVE_REFUSALS_MAX];
    size_t refusal_count;
    uint64_t frontier_counter; /* highest notice_counter of an own frontier */
    struct shares *shares; /* how much each author may still bring */
    struct remembered *remembered;
    size_t remembered_count;
    struct sweep {
        struct mono_ms next;   /* when days are looked at again */
        struct mono_ms looked; /* when they were last */
        struct mono_ms retry;  /* the search for what orders name is not tried before */
        uint64_t day;          /* that was written when last looked at */
    } sweep;
    uint64_t compact_ms; /* wall time of the next compaction, when something was taken out by then; 0: never */
    bool is_compaction_due;
    uint64_t ends_told; /* store_ends_changed when the engine was told last */
    void (*stored)(void *arg, bool has_commits);
    void *stored_arg;
    struct mono_ms moved;        /* something was stored, or commits were sent */
    struct mono_ms renew_next, renew_wanted; /* when keys are looked at again; since when there may be something to do */
    struct hash roster;          /* the newest that was taken notice of */
    bool is_disputed;            /* there are two rosters of the newest number */
    bool wants_identity;         /* a roster names the identity key that waits */
    bool is_key_due;             /* we stop, to begin again with another key */
    int wake; /* eventfd */
    atomic_bool is_stopping;
    pthread_mutex_t lock; /* of jobs */
    pthread_cond_t done;
    struct job *first, *last;
    bool is_closed; /* no more jobs */
};

/* sessions.c */
void core_name_of(const struct core *core, const struct node_id *node, char ret[NAME_BYTES_MAX + 1]);
uint64_t core_draw(struct core *core);
void core_refused(struct core *core, const char *peer, enum err err, const char *clause);
struct connection *connection_find(struct core *core, uint32_t number);
struct connection *connection_of_slot(struct core *core, uint32_t slot);
void connection_end(struct core *core, struct connection *c, enum err reason, const char *why, uint32_t retry_after_ms, bool is_gone);
struct connection *connection_add(struct core *core, uint32_t number, bool is_dialled, const struct curve_public *key);
void session_start(struct core *core, struct connection *c);
void contest_check(struct core *core, struct connection *c);
void core_take_frame(struct core *core, const struct gateway_event *event);
void core_send(struct core *core, const struct connection *c, enum message_type type, struct span body, bool tell);
uint32_t core_slot_of(struct core *core, uint32_t connection);

/* carry.c */
struct pending *core_pending(struct core *core);
enum err core_begin(struct core *core);
/* Pass on what an operation inside the transaction returned. When that may have left half of it behind (our own fault, not the peer's), the transaction is given up; whoever
 * was merely refused, as for want of permission, changes nothing for the others in it. */
enum err core_outcome(struct core *core, enum err err);
/* Intake has stopped (ERR_FULL) or goes on (anything else): remembered for status, and logged when it changes. */
void core_intake(struct core *core, enum err err);
void core_feed(struct core *core, const struct sync_event *event);
void core_frame_taken(struct core *core, struct connection *c);
void core_send_ranges(struct core *core);

/* doors.c */
void core_membership_changed(struct core *core);
/* Links that wait are dialled now: there is a reason to hope for another answer. */
void core_dial_again(struct core *core);
/* The heads that a notice brings to the engine: of a frontier all of them (of an observer's none: nothing can be fetched from it), of a fork proof the log and the seq at which it forks. Returns
 * how many were written to `ret` (FRONTIER_HEADS_MAX). `membership` may be NULL. */
size_t core_notice_heads(struct unpack *unpack, const struct membership *membership, const struct notice_ref *ref, struct span bytes, struct span heads_bytes, struct head *ret);
void core_notice_stored(struct core *core, uint32_t slot, const struct notice_ref *ref, bool is_start);
/* Own frontiers rise from the highest counter that we have ever signed, as far as we or our peers remember it. */
void core_note_frontier(struct core *core, const struct notice_ref *ref);
enum err core_make_frontier(struct core *core, struct pending *p);

/* turn.c */
void core_settle(struct core *core);
void core_run_jobs(struct core *core);

/* own.c */
void core_own_ahead(struct core *core, const struct log_id *log);
void core_own_conflict(struct core *core, const struct log_id *log, uint64_t seq);
void core_own_forked(struct core *core, const struct log_info *log); /* has a fork proof, and holds more than counts */
void core_own_released(struct core *core);
void core_own_cut(struct core *core); /* after membership has changed */
void core_own_gap(struct core *core); /* while writer.is_gap_open: is it closed now? */
void core_own_tend(struct core *core); /* what of both is still to be done */
void core_own_told(struct core *core, const struct pending *p, enum err err);

/* renew.c */
void core_renew_begin(struct core *core);
/* Membership has changed: does a roster name the identity key that waits? */
void core_renew_membership(struct core *core);
/* Take keys into use, or make new ones, when it is time. Between transactions. */
void core_renew_look(struct core *core);
uint64_t core_renew_deadline(const struct core *core);
/* sweep.c */
void core_sweep(struct core *core);
void core_sweep_soon(struct core *core); /* a clock was told */
uint64_t core_sweep_at(const struct core *core); /* monotonic */

/* live.c */
enum err core_take_live(struct core *core, struct live *ret);

#endif

/* sync.h - the replication engine: decides what to offer, ask, send, admit and drop.
 * Pure: no socket, clock, file, randomness or record body inside; the same events in the same order give the same actions.
 * It speaks of heads and ranges; whoever drives it (the daemon, the simulator) fetches and stores bodies. One owner at a time.
 *
 * One mechanism for catch-up and live: per log the receiver grants one neighbour the right to push (SUB: a lane); all others send
 * short notes (HEADS). HEADS after fsync is vector, note and acknowledgement in one. A lane that stalls moves to another neighbour. */
#ifndef GRIOT_NODE_ENGINE_SYNC_H
#define GRIOT_NODE_ENGINE_SYNC_H

#include "proto/message.h"

struct sync;

/* Timings of a profile, in milliseconds. */
struct sync_timing {
    uint32_t note_ms;          /* notes are gathered this long: 20 sandbox, 250 open, 1000 metered */
    uint32_t frontier_ms;      /* own frontier at most this often on change: 2,000 / 60,000 / 3,600,000 */
    uint32_t frontier_idle_ms; /* and whatever happens this often: 86,400,000 */
    uint32_t frontier_hub_ms;  /* a hub's instead: 28,800,000. Others measure by it whether they are kept from something */
    uint32_t probe_ms;         /* silence while something is outstanding before a PING, and again before the peer is dropped: 10,000 */
    uint32_t idle_ping_ms;     /* 300,000 */
    uint32_t stall_ms;         /* least time without progress before a lane moves: 4,000 */
};
/* The timings of a roster's profile. */
struct sync_timing sync_timing_of(enum profile profile);

struct sync_config {
    struct node_id self;
    enum role role;
    struct sync_timing timing;
    uint64_t seed; /* for jitter and choice among equals */
};

/* NULL when memory runs out. */
struct sync *sync_new(const struct sync_config *config);
void sync_destroy(struct sync **sync);

enum sync_event_type {
    SYNC_PEER_UP,   /* a session stands: both HELLO_ACKs verified */
    SYNC_PEER_DOWN, /* it is gone, for whatever reason */
    SYNC_MESSAGE,   /* a frame of that session; HELLO and HELLO_ACK never come here */
    SYNC_STORED,    /* commits are durable here: own appends and admitted ones; at start once for each log held */
    SYNC_REFUSED,   /* a segment or notice of a peer was not admitted */
    SYNC_SENT,      /* outcome of SYNC_SEND_RANGE */
    SYNC_NOTICE,    /* a notice is durable here: own or admitted; at start once for each notice held */
    SYNC_ROSTER,    /* who is in, now */
    SYNC_FOUND,     /* answer to SYNC_LOOK_UP */
    SYNC_TICK,      /* nothing but time */
};

struct sync_member {
    struct node_id node;
    enum role role;
};

/* All pointers and spans are borrowed for the call. */
struct sync_event {
    enum sync_event_type type;
    struct mono_ms now; /* never falls */
    uint32_t peer;      /* slot 0..PEERS_MAX-1, for the events of a peer; UINT32_MAX for none. STORED and NOTICE name the peer that
                           brought it, own appends UINT32_MAX */
    union {
        struct {
            struct node_id node;
            enum role role;
            bool is_dialled; /* by us: the dialler sends idle pings */
            struct session_id session;
            struct hash heads_digest; /* of the peer's HELLO; zeros are never equal */
            struct hash notices_digest;
            uint32_t frame_bytes_max; /* the peer accepts */
        } up;
        struct frame message;
        struct {
            struct head head;      /* the new durable canonical head. Lower than before only when a fork proof or a cut says so, or when an
                                      own log gave way to what peers showed of it (SYNC_OWN_AHEAD) */
            uint64_t cut_height;   /* where a cut ends the log: the seq of the last commit that counts and 1; 0: not cut. What anybody
                                      states above it does not count */
            uint64_t fork_height;  /* of a forked log: the height above which nothing of it is wanted, which is that of the proof or, where the
                                      hubs have made more final or may have, more; 0: nothing is said */
            struct node_id node;   /* the log's author */
            enum channel channel;
            bool is_start; /* told at start: not news */
        } stored;
        struct {
            bool is_notice;
            struct log_id log; /* of a segment; each SYNC_ADMIT is answered by STORED, by REFUSED, or by both when only its beginning was
                                  good. A segment that brings nothing new: ERR_STALE. What the refusal caused (a fork proof, a lower
                                  head) is told first */
            enum err err;      /* ERR_GAP, ERR_STALE, ERR_UNKNOWN_KEY, ERR_NOT_MEMBER, ERR_VERSION: nobody's fault, ask again later or park;
                                  ERR_FORK: the driver makes the proof; others with BLAME_PEER: the peer is dropped */
        } refused;
        struct {
            struct log_id log;
            uint64_t after_seq; /* as asked */
            bool has_birth;     /* as asked */
            uint64_t last_seq;  /* last commit in the frame; = after_seq when nothing could be sent */
            uint64_t last_entries;
            uint32_t bytes;   /* of the frame; 0 when nothing was sent */
            bool is_mismatch; /* the peer's hash is not on our chain: nothing was sent */
        } sent;               /* never fed after SYNC_PEER_DOWN */
        struct {
            struct notice_ref ref;
            const struct head *heads; /* of a frontier: the whole list. Of a fork proof: one head, whose log and seq are those of the proof;
                                         SYNC_STORED with the last canonical head (seq - 1) follows where more was held. Else NULL */
            size_t head_count;
            bool is_start;
        } notice;
        struct {
            const struct sync_member *members;
            size_t count;
        } roster;
        struct {
            bool is_found;
            struct log_id log;
            uint64_t seq;     /* as asked */
            struct hash hash; /* of our canonical commit at seq */
        } found;
    } u;
};

enum sync_action_type {
    SYNC_SEND,          /* hand this message to the peer, in order, before any later range */
    SYNC_SEND_RANGE,    /* send one SEG frame: commits of `log` after `after_seq`, as many as fit `bytes_max`, at least one; then SYNC_SENT.
                           Before: when `hash` is not zeros, check that our commit at after_seq has this hash, else report is_mismatch */
    SYNC_SEND_NOTICE,   /* send the notice `ref`, whatever of its subject is held now; a frontier as difference to counter `base`, whole when
                           `base` is 0 or not kept any more */
    SYNC_ADMIT,         /* verify and store this SEG body; then SYNC_STORED or SYNC_REFUSED. The body is that of the event: valid as long as
                           the frame is */
    SYNC_ADMIT_NOTICE,  /* verify and store this NOTICE body; then SYNC_NOTICE or SYNC_REFUSED */
    SYNC_MAKE_FRONTIER, /* sign a frontier of all heads and store it; then SYNC_NOTICE */
    SYNC_DROP_PEER,     /* end the session; a dialled peer is dialled again after retry_after_ms and jitter */
    SYNC_OWN_AHEAD,     /* alarm: a peer holds more of our own log than we do (restored image, clone): fetch is under way; do not append
                           to that log any more, open a new incarnation */
    SYNC_OWN_RELEASED,  /* our own commits may leave from now on (a hub, two edges, or everyone there is has shown our heads) */
    SYNC_LOOK_UP,       /* tell the hash of our commit `seq` of `log`: SYNC_FOUND */
};

struct sync_action {
    enum sync_action_type type;
    uint32_t peer;
    union {
        struct {
            enum message_type type;
            struct span body;
        } send;
        struct {
            struct log_id log;
            bool has_birth; /* false: begin with the birth (seq 0) */
            uint64_t after_seq;
            struct hash hash;   /* what the peer holds at after_seq; zeros: not to be checked */
            uint64_t until_seq; /* nothing beyond this, also when more is stored by now */
            uint32_t bytes_max; /* of the frame, header included */
        } range;
        struct {
            struct notice_ref ref;
            uint64_t base;
        } notice;
        struct {
            struct span body; /* of the frame that came in */
            struct log_id log;
        } admit;
        struct {
            enum err reason;
            const char *clause; /* static text or NULL */
            uint32_t retry_after_ms;
        } drop;
        struct {
            struct log_id log;
        } own;
        struct {
            struct log_id log;
            uint64_t seq;
        } look_up;
    } u;
};

enum { SYNC_ACTIONS_MAX = 4096 };
struct sync_actions {
    size_t count;
    const struct sync_action *actions; /* borrowed: they and their spans live until the next sync_step on this engine */
};

/* Feed one event; carry out the actions in order, feeding what they cause afterwards (never from inside).
 *   errors  ERR_MEMORY  the engine is unusable from now on, `ret` is empty: destroy it and start another one from the store, which has
 *           everything that counts. Peers' misbehaviour is never an error here: `ret` then holds SYNC_DROP_PEER. */
MUST_CHECK enum err sync_step(struct sync *sync, const struct sync_event *event, struct sync_actions *ret);

/* When to feed the next SYNC_TICK at the latest; UINT64_MAX when never. */
struct mono_ms sync_deadline(const struct sync *sync);

/* HASH_HEADS over heads_canonical of all logs held, sorted: equal exactly when the heads are. */
void sync_heads_digest(const struct sync *sync, struct hash *ret);
/* HASH_NOTICES over the refs of all notices held, sorted (notices_encode form). */
void sync_notices_digest(const struct sync *sync, struct hash *ret);
/* The heads held, sorted by log id; returns how many there are, writes at most `max`. */
size_t sync_heads(const struct sync *sync, struct head *ret, size_t max);

/* Entries known to exist, from frontiers and the heads that live peers state, less those held, summed over logs. */
uint64_t sync_missing(const struct sync *sync);
/* The same for one origin: of logs whose author is known; logs not held whose author no one has told count under zeros. */
uint64_t sync_missing_of(const struct sync *sync, const struct node_id *node);
/* How long no new frontier has come of that hub of which none has come for longest, in this life; it signs one at least every frontier_hub_ms. Nobody can make one for it,
 * so whoever keeps us from it cannot hide that: after HUB_SILENCE_MS it is an alarm, never a stop. 0: there is no other hub; `ret` is then untouched. */
enum { HUB_SILENCE_MS = 72000000 /* 20 h: two of its frontiers may get lost */ };
uint64_t sync_hub_silence_ms(const struct sync *sync, struct mono_ms now, struct node_id *ret);
/* Is anything known of this origin: a log, or a frontier of its own? */
bool sync_is_heard(const struct sync *sync, const struct node_id *node);

struct sync_peer {
    bool is_up;
    struct node_id node;
    enum role role;
    uint64_t they_miss;           /* entries we hold and they do not, as far as they have told */
    uint64_t we_miss;             /* the reverse */
    bool is_vector_known;         /* false: they have not told yet, the two above mean nothing */
    uint64_t heard_ms;            /* when the last message came, monotonic */
    uint32_t rtt_ms;              /* smoothed; 0 unknown */
    uint64_t bytes_in, bytes_out; /* SEG bytes of this session */
    uint32_t lanes_in, lanes_out;
    uint32_t claims;       /* lanes of which we expect commits now */
    uint32_t unknown_logs; /* named by this peer and held by nobody here; bounded by UNKNOWN_LOGS_MAX */
};
bool sync_peer_at(const struct sync *sync, uint32_t peer, struct sync_peer *ret);
/* Heap bytes of this engine, for budgets. */
size_t sync_memory(const struct sync *sync);
/* May own commits leave? False until the first echo after a start. */
bool sync_is_released(const struct sync *sync);

#endif

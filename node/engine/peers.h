/* peers.h - what this node knows of each session: what the other holds, what was granted either way, what is under way.
 * Memory follows from what was really said: a peer whose heads equal ours costs no view of any log until one changes. */
#ifndef GRIOT_NODE_ENGINE_PEERS_H
#define GRIOT_NODE_ENGINE_PEERS_H

#include "node/engine/flight.h"
#include "node/engine/heads.h"

#define VIEW_NONE UINT32_MAX

enum view_flag {
    VIEW_SUB_DUE = 1 << 0,       /* a SUB is to be sent */
    VIEW_STOP_DUE = 1 << 1,      /* a STOP is to be sent */
    VIEW_NOTE_DUE = 1 << 2,      /* our head is to be stated */
    VIEW_DUE = 1 << 3,           /* stands in the peer's list of due views */
    VIEW_OUT = 1 << 4,           /* the peer granted us the lane: we push */
    VIEW_READY = 1 << 5,         /* stands in a queue of lanes with something to push */
    VIEW_SENDING = 1 << 6,       /* a SEND_RANGE is under way */
    VIEW_SEND_STALE = 1 << 7,    /* ... of a lane that ended meanwhile */
    VIEW_UNKNOWN = 1 << 8,       /* counts in peer->unknown_logs */
    VIEW_UNKNOWN_CLAIM = 1 << 9, /* counts in peer->unknown_claims */
    VIEW_ASKED = 1 << 10,        /* a SUB has been sent for the present claim */
};

/* One log as seen with one peer. */
struct view {
    uint32_t log;
    uint32_t flags;
    uint64_t height, entries; /* what the peer states that it holds durably */
    uint8_t prefix[8];        /* of that head */
    uint64_t told;            /* height of ours that the peer knows of */
    uint64_t in_next;         /* seq that the next SEG of our lane must begin with */
    uint64_t out_next;        /* seq that we send next */
    struct hash out_hash;     /* what the peer holds below out_next, to be checked at the first frame; zeros: not */
    uint64_t avoid_ms;        /* not asked for this log before */
    uint32_t avoid_step_ms;   /* last pause; doubles */
    uint32_t ready_next;      /* in the queue of its channel */
    uint32_t epoch;           /* complete list of the peer that named it last */
    uint32_t denials;         /* STOPs in a row instead of what we asked for */
    uint64_t suspect_height;  /* a search for a fork at this height of the peer has been begun, */
    uint64_t suspect_ms;      /* and is not begun again before */
};

enum { VIEWS_PER_PAGE = 16 };

/* What waits to be pushed, in order of urgency. Whose author has pushed more that is urgent than URGENT_BYTES_MAX lately stands one queue lower: its alerts with the
 * reports, its reports with the bulk. So nobody keeps others waiting by calling everything urgent. */
enum ready_queue { READY_CONTROL, READY_ALERT, READY_REPORT, READY_SPENT, READY_BULK, READY_COUNT };
enum {
    SHARES = 32,                /* authors are spread over so many, which take turns: many logs of one author get no more than one log of another */
    URGENT_BYTES_MAX = 1 << 20, /* a share and peer; about 1,700 alerts, two minutes of a line of 64 kbit/s */
    URGENT_STEP_MS = 36000,     /* so often a hundredth of it comes back: all in an hour */
};

struct notice_known { /* what the peer holds of one slot of notices.h */
    bool is_held;
    bool is_listed; /* named in the list that is coming in */
    bool is_whole;  /* it could not use a difference: the next goes whole */
    uint64_t counter;
    uint8_t hash[8];
};

struct peer {
    uint32_t slot;
    struct node_id node;
    enum role role;
    bool is_dialled;
    bool is_closing; /* dropped by us: nothing more is said or heard until PEER_DOWN */
    struct session_id session;
    uint32_t frame_bytes_max;

    /* heads */
    bool is_equal;        /* heads were equal at the start: logs without a view stand as ours do */
    bool has_told;        /* our ECHO and complete HEADS went out */
    bool is_vector_known; /* the peer's complete HEADS, or equal digests */
    bool is_out_all;      /* the peer granted us every log by SUB with the digest */
    bool is_in_all;       /* we granted it every log */
    bool is_sub_all_due;
    bool is_ack_due;  /* some NOTE_DUE is an acknowledgement: at the next event that is not STORED */
    uint64_t note_ms; /* when the notes due are sent; UINT64_MAX none */
    struct hash base_digest;
    uint32_t epoch;

    struct view **pages;
    uint32_t page_count, view_count;
    uint32_t *slots; /* open addressing by log index: view + 1 */
    uint32_t slot_count;
    uint32_t *due;
    uint32_t due_count, due_cap;
    bool is_lane_due; /* some due view has a SUB or STOP */

    /* receiving */
    struct flight in; /* handed out as SYNC_ADMIT */
    uint64_t segment_ms;
    uint64_t stray_bytes; /* of frames under way after a STOP that are still forgiven */
    uint32_t claims;      /* lanes granted to this peer */
    uint32_t claims_open; /* of which commits are expected now */
    uint32_t unknown_logs, unknown_claims;

    /* sending */
    struct flight out; /* sent, not acknowledged */
    uint32_t ready_first[READY_COUNT][SHARES], ready_last[READY_COUNT][SHARES];
    uint8_t ready_turn[READY_COUNT]; /* whose turn it is */
    bool is_bulk_turn;               /* of the two lowest queues */
    uint32_t urgent_left[SHARES];
    uint64_t urgent_ms;
    uint32_t sends; /* SEND_RANGEs without SENT */
    uint32_t lanes_out;
    uint32_t window_bytes, frame_bytes;
    uint64_t shrunk_ms;

    /* probing */
    uint64_t heard_ms;
    uint64_t open_ms;                  /* since when something is outstanding; UINT64_MAX nothing is */
    uint64_t ping_sent, ping_answered; /* numbers */
    uint64_t ping_ms;
    uint32_t rtt_ms, rtt_least_ms;

    /* notices */
    bool has_told_notices, are_notices_known;
    bool has_refused_notices; /* we refused one that a newer roster may make good: ask again then */
    bool is_relist_due;       /* our list is to be sent again, so that it sends what we could not use */
    uint64_t relist_ms;       /* but not before */
    struct notice_known *known;
    uint32_t known_cap;
    uint64_t *dirty; /* bit per slot: to be sent */
    uint32_t dirty_count;
    uint64_t notice_gate; /* ping whose answer lets the next notices go */

    uint64_t bytes_in, bytes_out;
};

struct peer *peer_new(const struct sync_event *event);
void peer_destroy(struct peer **peer);
/* The view of a log, or NULL when nothing has been said of it. Stays where it is while the session stands. */
struct view *peer_view(const struct peer *peer, uint32_t log);
/* Make one (there must be none). NULL when memory runs out. */
struct view *peer_view_add(struct peer *peer, uint32_t log);
struct view *peer_view_at(const struct peer *peer, uint32_t index);
/* Set due flags and enter the list of due views. False when memory runs out. */
bool peer_due(struct peer *peer, struct view *view, uint32_t flags);
/* Take views without due flags out of the list. */
void peer_due_compact(struct peer *peer);
/* Enter a queue of lanes with something to push; nothing when it stands in one. */
void peer_ready(struct peer *peer, struct view *view, enum ready_queue queue, uint8_t share);
/* Take the first of the share whose turn it is, or NULL. */
struct view *peer_ready_take(struct peer *peer, enum ready_queue queue);
size_t peer_memory(const struct peer *peer);

#endif

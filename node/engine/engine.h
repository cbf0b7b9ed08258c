/* engine.h - the engine's whole state. Private to this folder; sync.h is what others see.
 * Each noun has its own file pair; what they share is here, and nothing is shared in any other way. */
#ifndef GRIOT_NODE_ENGINE_ENGINE_H
#define GRIOT_NODE_ENGINE_ENGINE_H

#include "node/engine/actions.h"
#include "node/engine/heads.h"
#include "node/engine/notices.h"
#include "node/engine/peers.h"

#define NEVER UINT64_MAX

/* The walk back along a log to where the branch of a peer leaves ours (search.h). */
enum search_state { SEARCH_NONE, SEARCH_LOOKING, SEARCH_ASKED, SEARCH_WAITING /* failed, or another runs: later */ };
struct search {
    enum search_state state;
    uint32_t log, peer;
    uint64_t step; /* how far below the head; doubles */
    uint64_t seq;  /* asked from */
    struct hash hash;
    uint64_t at_ms;  /* when it began; waiting: when it is due */
    uint32_t births; /* how often the birth itself was denied */
};
enum { SEARCHES_MAX = 64 };

/* Who says that it holds more of a log that we have begun in this life. Only a clone of this very life makes that true; a liar could make us begin logs without end. */
enum { CLAIMANTS_MAX = 16, CLAIMS_MAX = CHANNEL_COUNT };
struct claimant {
    struct node_id node;
    uint32_t unproven; /* of its claims: that many at most are believed before the commits come */
};

/* Who has shown us our own logs since the start (echo.h). */
struct echo {
    bool is_released;
    bool has_hub;
    uint32_t edge_count;
    struct node_id edges[2];
    struct claimant claimants[CLAIMANTS_MAX];
    uint32_t claimant_count;
};

union scratch { /* what a message decodes into */
    struct head_hint hints[HEADS_PER_MESSAGE_MAX];
    struct sub_item subs[SUBS_PER_MESSAGE_MAX];
    struct log_id stops[SUBS_PER_MESSAGE_MAX];
    struct notice_ref refs[NOTICES_PER_MESSAGE_MAX];
    struct head heads[FRONTIER_HEADS_MAX];
    struct seg seg;
};

struct sync {
    struct sync_config config;
    uint64_t now; /* of the present event, milliseconds */
    struct actions actions;
    struct heads heads;
    struct notices notices;
    struct peer *peers[PEERS_MAX];
    uint32_t up[PEERS_MAX]; /* slots in use, in the order they came */
    uint32_t up_count;
    struct echo echo;
    struct search searches[SEARCHES_MAX];
    struct sync_member *members; /* the roster, sorted by node id */
    uint64_t *members_ms;        /* since when each is in it, in this life */
    size_t member_count;
    bool has_roster;
    bool has_parent;
    struct node_id parent; /* the hub that this edge prefers */

    bool has_room_ended;                /* a step's actions were full: the rest at the next tick, which is due now */
    bool is_ack_due;                    /* some peer's acknowledgement waits for the end of a run of STORED */
    bool is_choice_due;                 /* some wanted log may find a source now */
    uint64_t choice_ms;                 /* look again then; NEVER */
    uint64_t stall_ms;                  /* next look at claims; NEVER when none is open */
    bool is_frontier_due, has_frontier; /* heads have changed since the last; one was made since the start */
    uint64_t frontier_ms;               /* when the last was made */
    uint64_t stamp;                     /* scratch of notices.c */

    struct unpack *unpack;
    union scratch *scratch;
};

/* Memory ran out: nothing after this counts (actions.h). */
static inline void engine_break(struct sync *sync)
{
    sync->actions.is_broken = true;
}

static inline struct log *engine_log(const struct sync *sync, uint32_t log)
{
    return heads_at(&sync->heads, log);
}

/* May commits of this log leave us? Own ones only after an echo. */
bool engine_may_leave(const struct sync *sync, const struct log *log);
/* The view of a log with a peer, made when there is none. NULL when memory ran out (then the engine is broken). */
struct view *engine_view(struct sync *sync, struct peer *peer, uint32_t log);
/* What the peer holds of a log as far as it has told. */
uint64_t engine_peer_height(const struct sync *sync, const struct peer *peer, uint32_t log);
/* End the session: BYE, then SYNC_DROP_PEER. Harmless when it is closing already. */
void engine_drop(struct sync *sync, struct peer *peer, enum err reason, const char *clause);
/* Does what is left of this step's actions hold at least `n` more? Otherwise asks for another step at once. */
bool engine_has_room(struct sync *sync, size_t n);
/* A number that this node and `node` give the same value at each start, and that differs from pair to pair. */
uint64_t engine_affinity(const struct node_id *self, const struct node_id *node);

#endif

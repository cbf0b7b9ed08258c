/* live.h - what only the running core knows: its links, what its peers have said, what it refused. A copy taken at one moment, for answers. */
#ifndef GRIOT_NODE_LIVE_H
#define GRIOT_NODE_LIVE_H

#include "node/engine/sync.h"

enum { LIVE_ERROR_BYTES_MAX = 160, LIVE_REFUSALS_MAX = 32, LIVE_DOOR_MAX = 3 /* ways to be turned away at the door */ };

struct live_peer {
    struct node_id node;
    enum role role;
    char name[NAME_BYTES_MAX + 1];
    char address[ADDRESS_BYTES_MAX + 1]; /* that we dial; empty when it dials us */
    char error[LIVE_ERROR_BYTES_MAX];    /* of the last attempt */
    bool is_up, is_dialled;
    bool was_heard;
    bool is_refused; /* the last attempt was turned away by the peer, not by the network */
    uint64_t heard_ms_ago; /* when was_heard */
    uint64_t up_ms;        /* how long the session stands */
    uint64_t still_ms;     /* how long nothing moved although something is missing */
    int64_t skew_ms;       /* its clock less ours when the session began; valid when is_up */
    struct sync_peer sync; /* valid when is_up */
};

struct live_origin { /* one member of the roster */
    struct node_id node;
    enum role role;
    char name[NAME_BYTES_MAX + 1];
    bool is_heard;
    uint64_t missing;
};

struct live_refusal {
    enum err err;
    char clause[120];
    uint64_t count;
    uint64_t last_ms_ago;
};

enum { LIVE_GREEDY_MAX = 8 };

struct live {
    bool is_daemon;
    uint64_t uptime_ms;
    bool is_released;
    bool is_intake_stopped;
    bool is_own_ahead; /* a peer held more of our own log than we did */
    bool is_gap_open;   /* what this node recorded in a life that it does not remember is not back: no file is imported meanwhile */
    uint64_t own_again; /* entries that we had recorded since and that were issued again, in new logs */
    struct hash heads_digest;
    uint64_t missing;
    size_t greedy_count; /* authors that have brought as much as one may in a day, and of whom more was refused within the hour */
    char greedy[LIVE_GREEDY_MAX][NAME_BYTES_MAX + 1];
    uint64_t silence_ms;                  /* since the last news of the hub that has been silent for longest (sync.h); 0: there is no other hub */
    char silent_hub[NAME_BYTES_MAX + 1];  /* its name */
    size_t peer_count, origin_count, refusal_count;
    struct live_peer *peers;     /* members other than ourselves that we count on a link with, or have heard; owned */
    struct live_origin *origins; /* every member; owned */
    struct live_refusal refusals[LIVE_REFUSALS_MAX + LIVE_DOOR_MAX];
};
void live_fini(struct live *live);

/* By how much this node's clock is off, as most of those whose session stands see it: the median of what they differ by, ahead is positive. False: nobody is up. */
bool live_clock_off(const struct live *live, int64_t *ret_ms);

/* Are there other members, and no standing session whose peer has said what it holds? Then nothing is known of what exists elsewhere by now. */
bool live_is_alone(const struct live *live);
/* The age of the newest word of any peer, in milliseconds. False, and *ret_ms_ago as it was: none since the start. */
bool live_heard(const struct live *live, uint64_t *ret_ms_ago);

#endif

/* world.h - a region in one process: virtual time, links with delay and bandwidth, nodes with real engines. One seed, one run;
 * nothing here reads a clock or anything else that differs between two runs. */
#ifndef GRIOT_TESTS_SIM_WORLD_H
#define GRIOT_TESTS_SIM_WORLD_H

#include "node/engine/sync.h"
#include "tests/sim/disk.h"

struct world;

/* ---- what happens when ---- */

enum happening_type {
    HAPPEN_MESSAGE, /* a frame arrives: link, way */
    HAPPEN_TIMER,   /* node */
    HAPPEN_SYNCED,  /* node: its disk has caught up */
    HAPPEN_SENT,    /* node, peer: the socket took the frame */
    HAPPEN_DIAL,    /* link */
    HAPPEN_DIALLED, /* link: HELLO is at the listener */
    HAPPEN_UP,      /* link, way: the session stands at that end */
    HAPPEN_DOWN,    /* link, way: that end notices */
    HAPPEN_APPEND,  /* node */
    HAPPEN_FAULT,
    HAPPEN_START, /* node: after a crash */
    HAPPEN_LOOK,  /* the judge looks */
};

struct packet {
    enum message_type type;
    struct session_id session;
    uint32_t bytes;
    uint8_t body[];
};

struct happening {
    uint64_t at_us, order;
    enum happening_type type;
    uint32_t node;       /* or link */
    uint32_t way;        /* 0: dialler to listener, or the dialler's end; 1: the other */
    uint64_t generation; /* of link or node: older ones count no more */
    struct packet *packet;
    struct sync_event sent; /* HAPPEN_SENT */
};

/* ---- links ---- */

struct link_way {
    uint64_t delay_us;
    uint64_t us_per_kib; /* bandwidth */
    uint64_t busy_us;    /* until then the wire is taken */
    uint64_t arrival_us; /* of the last frame: the next comes no earlier */
    bool is_dead;        /* bytes vanish, nobody is told */
};

struct link {
    uint32_t nodes[2]; /* dialler, listener */
    bool is_up[2];     /* as each end believes */
    bool is_joined;    /* bytes can pass */
    bool is_doomed;    /* bytes have been lost: this connection never recovers */
    uint64_t generation;
    struct session_id session;
    struct hash heads_digest[2], notices_digest[2]; /* of the HELLOs */
    struct link_way ways[2];
    uint64_t retry_us;    /* not dialled before */
    uint64_t dialling_us; /* a handshake is under way until then at most */
};

/* ---- nodes ---- */

enum { SIM_CHANNELS = CHANNEL_COUNT };

struct node {
    uint32_t index;
    bool is_up;
    bool is_hub, is_forker, is_liar;
    struct sync *engine;
    uint64_t life;     /* counts starts */
    uint64_t timer_us; /* when a HAPPEN_TIMER is due, UINT64_MAX none */
    bool is_syncing;
    bool is_released;
    uint32_t ticks; /* at one instant: a loop is a failure */
    struct disk disk;
    const struct sim_log *own[SIM_CHANNELS]; /* where appends go; NULL: a new incarnation at the next */
    bool has_taken_back;                     /* some own log is to be cut back before the next event */
    bool is_restored;                        /* an old image has been put back */
    bool is_stepping;
    struct rng clock; /* what its clock shows is its own affair (hostile.c) */
    struct sync_event *todo; /* caused by actions, fed after them */
    uint32_t todo_first, todo_count, todo_cap;
};

/* What a run is about, beside everything that goes wrong anyhow (hostile.c). */
enum threat { THREAT_NONE, THREAT_HUB, THREAT_ECLIPSE, THREAT_REPLAY };

struct options {
    uint64_t seed;
    uint32_t nodes;
    enum threat threat;
    bool is_trace, is_story;
};

struct world {
    struct options options;
    struct rng rng;
    uint64_t now_us, order;
    struct happening *heap;
    size_t heap_count, heap_cap;
    struct registry registry;
    struct node nodes[SIM_NODES_MAX];
    uint32_t node_count, hub_count;
    struct link *links;
    uint32_t link_count;
    struct sync_timing timing;
    uint64_t sync_us; /* a disk takes about this long */
    struct rng hostile_rng;
    uint32_t hostile; /* a hub that has turned; UINT32_MAX none */
    uint32_t wiles;   /* what it does */
    uint64_t victims; /* bit n: it works against node n (modulo 64) */
    uint32_t eclipsed; /* an office that has nobody else; UINT32_MAX none */
    bool is_healing;  /* no more faults */
    uint64_t heal_us, end_us;
    struct tape *tape; /* of frames to be played again; NULL none */
    uint64_t drops;    /* sessions that an engine ended */
    uint64_t steps;
    uint64_t trace;    /* hash of everything that happened */
    char failure[256]; /* empty while all is well */
    uint64_t commits, messages, crashes, breaks, forks, restores, cuts;
    uint32_t out;      /* the node that was put out, NOBODY_OUT: none. When it is lifted, it is in again: none */
    uint32_t subject;  /* the node that acts are about */
};
#define NOBODY_OUT UINT32_MAX

void world_init(struct world *world, const struct options *options);
void world_fini(struct world *world);
/* Run to the end. False when an invariant was broken: `failure` says which. */
bool world_run(struct world *world);

void world_push(struct world *world, const struct happening *happening);
uint64_t world_ms(const struct world *world);
void world_note(struct world *world, uint64_t a, uint64_t b); /* into the trace hash */
void __attribute__((format(printf, 2, 3))) world_fail(struct world *world, const char *format, ...);
void __attribute__((format(printf, 2, 3))) world_say(struct world *world, const char *format, ...);
struct link *world_link(struct world *world, uint32_t a, uint32_t b, uint32_t *ret_end); /* ret_end: a's end */
bool world_is_hub(const struct world *world, uint32_t node);

/* node.c */
void node_start(struct world *world, struct node *node);
void node_crash(struct world *world, struct node *node);
void node_step(struct world *world, struct node *node, struct sync_event *event);
void node_synced(struct world *world, struct node *node);
void node_timer(struct world *world, struct node *node);
void node_append(struct world *world, struct node *node, enum channel channel, uint32_t commits, uint32_t entries, size_t payload_bytes);
void node_fork(struct world *world, struct node *node, enum channel channel);
/* Frames, notices and heads that arrive, leave and are looked up. */
void node_receive(struct world *world, struct node *node, uint32_t from, const struct packet *packet);

void node_todo(struct node *node, const struct sync_event *event);
void node_disk_used(struct world *world, struct node *node); /* something was staged: it will be synced */
struct disk_notice;
void node_tell_notice(struct world *world, struct node *node, const struct disk_notice *notice, bool is_start);
void node_tell_log(struct world *world, struct node *node, struct disk_log *log, bool is_start);
void node_tell_act(struct world *world, struct node *node, const struct sim_notice *act); /* is durable: the act, the logs it cuts or lifts, who is in */

/* store.c: what actions ask of the node's store */
void store_range(struct world *world, struct node *node, const struct sync_action *action);
void store_send_notice(struct world *world, struct node *node, const struct sync_action *action);
void store_admit_segment(struct world *world, struct node *node, const struct sync_action *action);
void store_admit_notice_body(struct world *world, struct node *node, const struct sync_action *action);
void store_make_frontier(struct world *world, struct node *node);
void store_look_up(struct world *world, struct node *node, const struct sync_action *action);
void store_own_ahead(struct world *world, struct node *node, const struct log_id *log);
void store_take_back(struct world *world, struct node *node);

/* links.c */
void links_init(struct world *world);
void link_send(struct world *world, uint32_t from, uint32_t to, enum message_type type, struct span body);
uint64_t link_sent_us(struct world *world, uint32_t from, uint32_t to);
void link_break(struct world *world, struct link *link);
void link_drop(struct world *world, uint32_t node, uint32_t peer, uint32_t retry_after_ms);
void link_node_down(struct world *world, uint32_t node);
void link_happen(struct world *world, const struct happening *happening);

/* hostile.c */
void hostile_plan(struct world *world);
/* A frame on its way: bent, put off, doubled. False: it never comes. */
bool hostile_send(struct world *world, uint32_t from, uint32_t to, struct happening *arrive);
bool hostile_rolls_back(const struct world *world);
/* What a node believes to be the time: up to ten years off, jumping, frozen, or right. Goes into what it signs, and nowhere else. */
uint64_t hostile_clock_ms(struct world *world, struct node *node);

/* replay.c */
void replay_plan(struct world *world);
void replay_fini(struct world *world);
void replay_keep(struct world *world, uint32_t from, uint32_t to, const struct packet *packet);
/* All agree: play the tape once more. False when that has been done often enough. */
bool replay_goes_on(struct world *world);
bool replay_is_under_way(const struct world *world);
/* Is this the node to which its peers seem to say what they said long ago? */
bool replay_concerns(const struct world *world, uint32_t node);

/* faults.c */
void faults_plan(struct world *world);
void faults_happen(struct world *world, const struct happening *happening);
void faults_heal(struct world *world);

/* judge.c */
void judge_drop(struct world *world, struct node *node, const struct sync_action *action);
void judge_segment(struct world *world, struct node *node, const struct disk_log *log, const struct seg *seg);
void judge_action(struct world *world, struct node *node, const struct sync_action *action);
void judge_stored(struct world *world, struct node *node, const struct disk_log *log, uint64_t seq);
void judge_budget(struct world *world, struct node *node);
bool judge_is_converged(struct world *world);
bool judge_is_quiet(struct world *world);
void judge_end(struct world *world);
void judge_heal(struct world *world);
void judge_eclipse(struct world *world);
void judge_fini(void);

/* trace.c */
void trace_action(struct world *world, const struct node *node, const struct sync_action *action);

/* story.c */
void story_action(struct world *world, const struct node *node, const struct sync_action *action);
void story_event(const struct world *world, const struct node *node, const struct sync_event *event);
void story_run(struct world *world);

#endif

/* puppet.h - an engine moved by hand: feeds it events, keeps what it asked for. For unit tests of node/engine.
 * Nodes, logs and commits are named by small numbers. Include after cmocka.h. */
#ifndef GRIOT_TESTS_LIB_PUPPET_H
#define GRIOT_TESTS_LIB_PUPPET_H

#include "node/engine/sync.h"

enum { PUPPET_SELF = 0, PUPPET_ASKED_MAX = 4096 };

struct puppet {
    struct sync *sync;
    uint64_t now_ms;
    struct unpack *unpack;
    struct sync_actions asked; /* by the last step; spans live until the next */
};

/* Node 0 in this role, timings of the sandbox, no roster yet. */
void puppet_start(struct puppet *puppet, enum role role);
void puppet_stop(struct puppet *puppet);

struct node_id puppet_node(unsigned node);
struct log_id puppet_log(unsigned log);
/* Hash of a commit; of seq 0 it is the log id. Branch 0 is the usual one. */
struct hash puppet_hash(unsigned log, uint64_t seq, unsigned branch);
struct head puppet_head(unsigned log, uint64_t seq, unsigned branch);
struct session_id puppet_session(unsigned slot);

void puppet_step(struct puppet *puppet, struct sync_event *event);
/* Members 0..count-1, the first `hubs` after node 0 are hubs (node 0 is what it was started as). */
void puppet_roster(struct puppet *puppet, unsigned count, unsigned hubs);
/* Session with node `slot` (slot = node number); digests equal ours or not. */
void puppet_up(struct puppet *puppet, unsigned slot, enum role role, bool is_equal);
void puppet_down(struct puppet *puppet, unsigned slot);
/* `slot` UINT32_MAX: own append or at start. */
void puppet_stored(struct puppet *puppet, unsigned log, uint64_t seq, unsigned author, enum channel channel, uint32_t slot);
void puppet_held(struct puppet *puppet, unsigned log, uint64_t seq, unsigned author, enum channel channel); /* at start */
void puppet_tick(struct puppet *puppet, uint64_t after_ms);

/* What a peer says. */
void puppet_says(struct puppet *puppet, unsigned slot, enum message_type type, struct span body);
void puppet_says_head(struct puppet *puppet, unsigned slot, bool is_complete, unsigned log, uint64_t seq, unsigned branch);
void puppet_says_nothing_held(struct puppet *puppet, unsigned slot);                                      /* complete HEADS of no log */
void puppet_says_echo(struct puppet *puppet, unsigned slot, unsigned log, uint64_t seq, unsigned branch); /* log 0: empty */
void puppet_says_sub(struct puppet *puppet, unsigned slot, unsigned log, uint64_t seq, unsigned branch, bool has_birth);
void puppet_says_stop(struct puppet *puppet, unsigned slot, unsigned log);
void puppet_says_segment(struct puppet *puppet, unsigned slot, unsigned log, uint64_t first, uint32_t count, size_t item_bytes);
void puppet_refused(struct puppet *puppet, unsigned slot, unsigned log, enum err err);
/* A frame was taken: up to `last_seq`, of so many bytes. */
void puppet_sent(struct puppet *puppet, unsigned slot, unsigned log, uint64_t after_seq, uint64_t last_seq, uint32_t bytes);

/* The n-th action of the last step of this type (and peer, unless UINT32_MAX), or NULL. */
const struct sync_action *puppet_action(const struct puppet *puppet, enum sync_action_type type, uint32_t slot, unsigned n);
/* The n-th SYNC_SEND of this message type to the peer, or NULL. */
const struct sync_action *puppet_send(const struct puppet *puppet, enum message_type type, uint32_t slot, unsigned n);
/* Was this log asked of the peer in the last step? Where from through `ret` (may be NULL). */
bool puppet_has_sub(const struct puppet *puppet, unsigned slot, unsigned log, struct sub_item *ret);
bool puppet_has_stop(const struct puppet *puppet, unsigned slot, unsigned log);
/* Was a head of this log stated to the peer in the last step? Its seq through `ret`. */
bool puppet_has_head(const struct puppet *puppet, unsigned slot, unsigned log, uint64_t *ret);
/* Like a driver: ticks as long as the deadline is now; true when any of these steps stated, asked or stopped (the
 * predicates above then look at the last such step). */
void puppet_settle(struct puppet *puppet);

#endif

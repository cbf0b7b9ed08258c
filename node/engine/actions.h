/* actions.h - what one step asks of the outside: a list, and the memory that the message bodies in it live in.
 * Emptied at the start of each step; running out of memory is sticky and makes the engine unusable (sync.h). */
#ifndef GRIOT_NODE_ENGINE_ACTIONS_H
#define GRIOT_NODE_ENGINE_ACTIONS_H

#include "node/engine/sync.h"

struct actions_chunk;

struct actions {
    struct sync_action *list;
    size_t count, cap;
    struct actions_chunk *chunks; /* newest first */
    size_t bytes;                 /* of heap, for budgets */
    bool is_broken;               /* memory ran out: sticky */
    struct sync_action spare;     /* written to when broken, so that no caller needs to look */
};

void actions_fini(struct actions *actions);
/* Forget everything; keeps one chunk so that a quiet engine does not allocate. */
void actions_reset(struct actions *actions);
/* How many more fit into this step. */
size_t actions_room(const struct actions *actions);
/* A new action at the end, its union zeroed. Never NULL. */
struct sync_action *actions_add(struct actions *actions, enum sync_action_type type, uint32_t peer);
/* Room for a body of at most `cap` bytes; write, then actions_send before the next actions_body. */
struct out actions_body(struct actions *actions, size_t cap);
/* SYNC_SEND of the body written into `body`. */
void actions_send(struct actions *actions, uint32_t peer, enum message_type type, const struct out *body);

#endif

#include "node/engine/actions.h"

#include <assert.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 16384, LIST_FIRST = 32 };

struct actions_chunk {
    struct actions_chunk *next;
    size_t cap, at;
    uint8_t bytes[];
};

static void chunks_free(struct actions *actions, struct actions_chunk *chunk)
{
    while (chunk != NULL) {
        struct actions_chunk *next = chunk->next;

        actions->bytes -= chunk->cap;
        free(chunk);
        chunk = next;
    }
}

void actions_fini(struct actions *actions)
{
    chunks_free(actions, actions->chunks);
    free(actions->list);
    actions->chunks = NULL;
    actions->list = NULL;
}

void actions_reset(struct actions *actions)
{
    actions->count = 0;
    if (actions->chunks != NULL) {
        chunks_free(actions, actions->chunks->next);
        actions->chunks->next = NULL;
        actions->chunks->at = 0;
    }
}

size_t actions_room(const struct actions *actions)
{
    return SYNC_ACTIONS_MAX - actions->count;
}

struct sync_action *actions_add(struct actions *actions, enum sync_action_type type, uint32_t peer)
{
    struct sync_action *action = &actions->spare;

    assert(actions->count < SYNC_ACTIONS_MAX);
    if (actions->count == actions->cap && !actions->is_broken) {
        size_t cap = actions->cap == 0 ? LIST_FIRST : actions->cap * 2;
        struct sync_action *list = realloc(actions->list, cap * sizeof *list);

        if (list == NULL) {
            actions->is_broken = true;
        } else {
            actions->bytes += (cap - actions->cap) * sizeof *list;
            actions->list = list;
            actions->cap = cap;
        }
    }
    if (!actions->is_broken) {
        action = &actions->list[actions->count++];
    }
    memset(action, 0, sizeof *action);
    action->type = type;
    action->peer = peer;
    return action;
}

struct out actions_body(struct actions *actions, size_t cap)
{
    struct actions_chunk *chunk = actions->chunks;

    if (chunk == NULL || chunk->cap - chunk->at < cap) {
        size_t bytes = cap > CHUNK_BYTES ? cap : CHUNK_BYTES;

        chunk = malloc(sizeof *chunk + bytes);
        if (chunk == NULL) {
            actions->is_broken = true;
            return out_into(NULL, 0);
        }
        chunk->next = actions->chunks;
        chunk->cap = bytes;
        chunk->at = 0;
        actions->chunks = chunk;
        actions->bytes += bytes;
    }
    return out_into(chunk->bytes + chunk->at, cap);
}

void actions_send(struct actions *actions, uint32_t peer, enum message_type type, const struct out *body)
{
    struct sync_action *action;

    if (actions->is_broken) {
        return;
    }
    assert(!body->is_full);
    actions->chunks->at += body->at;
    action = actions_add(actions, SYNC_SEND, peer);
    action->u.send.type = type;
    action->u.send.body = out_written(body);
}

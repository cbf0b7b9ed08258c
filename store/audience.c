#include "store/audience.h"

#include <assert.h>

#include "crypto/hash.h"

static int compare(const struct node_id *a, const struct node_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

/* Where a node stands, or would. */
static size_t place_of(const struct audience *audience, const struct node_id *node)
{
    size_t low = 0, high = audience->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare(&audience->nodes[mid], node) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

bool audience_has(const struct audience *audience, const struct node_id *node)
{
    size_t at = place_of(audience, node);

    return at < audience->count && node_id_equal(&audience->nodes[at], node);
}

enum err audience_add(struct audience *audience, const struct node_id *node)
{
    size_t at = place_of(audience, node);

    if (at < audience->count && node_id_equal(&audience->nodes[at], node)) {
        return ERR_OK;
    }
    if (audience->count >= AUDIENCE_NODES_MAX) {
        return ERR_LIMIT;
    }
    memmove(&audience->nodes[at + 1], &audience->nodes[at], (audience->count - at) * sizeof *audience->nodes);
    audience->nodes[at] = *node;
    audience->count++;
    return ERR_OK;
}

bool audience_equal(const struct audience *a, const struct audience *b)
{
    return a->count == b->count && memcmp(a->nodes, b->nodes, a->count * sizeof *a->nodes) == 0;
}

bool audience_is_valid(const struct audience *audience)
{
    if (audience->count > AUDIENCE_NODES_MAX) {
        return false;
    }
    for (size_t i = 1; i < audience->count; i++) {
        if (compare(&audience->nodes[i - 1], &audience->nodes[i]) >= 0) {
            return false;
        }
    }
    return true;
}

void audience_key_id(const struct node_id *author, const struct audience *audience, struct sealing_key key, struct hash *ret)
{
    uint8_t count[2] = {(uint8_t)(audience->count >> 8), (uint8_t)audience->count};
    struct hash_state state;

    assert(key.at + SEALING_KEY_BYTES <= secret_bytes(key.secret));
    hash_start(&state, HASH_SENDER_KEY);
    hash_add(&state, span_of(author->b, sizeof author->b));
    hash_add(&state, span_of(count, sizeof count));
    hash_add(&state, span_of(audience->nodes, audience->count * sizeof *audience->nodes));
    hash_add(&state, span_of(secret_read(key.secret) + key.at, SEALING_KEY_BYTES));
    hash_end(&state, ret);
}

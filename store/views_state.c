#include "store/views_state.h"

#include "store/index/postings.h"
#include "store/index/volume.h"
#include "store/index/tables.h"

#include <assert.h>

static const char STATE_KEY[] = "state";

enum { LEFT_SETTLING = 1, LEFT_RELEASING = 2 }; /* what is still being worked through */

enum { STATE_BYTES_MAX = 4 + 8 + 8 + 4 + 4 + 4 + 8 + 32 + 4 + 4 + 8 + 4 + 8 + VIEWS_SKIP_COUNT * 8 + 2 + RECORD_KINDS_MAX * 9 };

static uint64_t read_u64(struct span *rest)
{
    uint64_t value;

    if (rest->n < 8) {
        rest->p = NULL; /* sticky: looked at once at the end */
        rest->n = 0;
        return 0;
    }
    value = key_read_u64(rest->p);
    rest->p += 8;
    rest->n -= 8;
    return value;
}

static uint32_t read_u32(struct span *rest)
{
    uint32_t value;

    if (rest->n < 4) {
        rest->p = NULL;
        rest->n = 0;
        return 0;
    }
    value = key_read_u32(rest->p);
    rest->p += 4;
    rest->n -= 4;
    return value;
}

enum err views_state_get(struct kv_txn *txn, struct views_state *ret)
{
    struct span rest, body;
    struct views_state state;
    uint32_t sum;

    memset(&state, 0, sizeof state);
    if (!kv_get(txn, VIEW_META, span_text(STATE_KEY), &rest)) {
        *ret = state;
        return txn->err;
    }
    sum = read_u32(&rest);
    body = rest;
    state.followed = read_u64(&rest);
    state.epoch = read_u64(&rest);
    state.docs = read_u32(&rest);
    state.authors = read_u32(&rest);
    state.last_log = read_u32(&rest);
    state.last_seq = read_u64(&rest);
    for (size_t i = 0; i < sizeof state.last_hash.b; i += 8) {
        uint64_t w = read_u64(&rest);
        struct out out = out_into(state.last_hash.b + i, 8);
        key_u64(&out, w);
    }
    uint32_t left = read_u32(&rest);
    state.is_settling = (left & LEFT_SETTLING) != 0;
    state.is_releasing = (left & LEFT_RELEASING) != 0;
    state.keys = read_u32(&rest);
    state.keys_digest = read_u64(&rest);
    state.day = read_u32(&rest);
    state.entries = read_u64(&rest);
    for (size_t i = 0; i < VIEWS_SKIP_COUNT; i++) {
        state.skipped[i] = read_u64(&rest);
    }
    while (rest.n > 0) {
        uint8_t kind = rest.p[0];
        rest.p++;
        rest.n--;
        state.current[kind] = read_u64(&rest);
    }
    if (rest.p == NULL || page_sum(body) != sum) {
        return ERR_CORRUPT;
    }
    *ret = state;
    return ERR_OK;
}

void views_state_put(struct kv_txn *txn, const struct views_state *state)
{
    uint8_t b[STATE_BYTES_MAX];
    struct out out = out_into(b, sizeof b), sum = out_into(b, 4);

    key_u32(&out, 0);
    key_u64(&out, state->followed);
    key_u64(&out, state->epoch);
    key_u32(&out, state->docs);
    key_u32(&out, state->authors);
    key_u32(&out, state->last_log);
    key_u64(&out, state->last_seq);
    out_bytes(&out, state->last_hash.b, sizeof state->last_hash.b);
    key_u32(&out, (state->is_settling ? LEFT_SETTLING : 0u) | (state->is_releasing ? LEFT_RELEASING : 0u));
    key_u32(&out, state->keys);
    key_u64(&out, state->keys_digest);
    key_u32(&out, state->day);
    key_u64(&out, state->entries);
    for (size_t i = 0; i < VIEWS_SKIP_COUNT; i++) {
        key_u64(&out, state->skipped[i]);
    }
    for (size_t i = 0; i < RECORD_KINDS_MAX; i++) {
        if (state->current[i] != 0) {
            key_u8(&out, (uint8_t)i);
            key_u64(&out, state->current[i]);
        }
    }
    assert(!out.is_full);
    key_u32(&sum, page_sum(span_of(b + 4, out.at - 4)));
    kv_put(txn, VIEW_META, span_text(STATE_KEY), out_written(&out));
}

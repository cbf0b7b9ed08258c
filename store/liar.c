/* liar.c - hubs that are proven liars: two frontiers of one hub that name two branches of one log, which nobody who tells the truth can sign. Kept as evidence, one for each hub. */
#include "store/env.h"

#include <stdlib.h>

#define META_LIAR "liar"
enum { LIAR_KEY_BYTES = 4 + 16, LIAR_HEADS_BYTES = 32 + 2 * 40, LIAR_SPANS = 4 };

static struct span liar_key(const struct node_id *node, uint8_t mem[LIAR_KEY_BYTES])
{
    struct out key = out_into(mem, LIAR_KEY_BYTES);
    out_span(&key, span_text(META_LIAR));
    out_bytes(&key, node->b, sizeof node->b);
    return out_written(&key);
}

/* Can nobody hold both? Two commits at one place; or the lower one is not on the chain of the higher, as far as that is held here. */
static bool is_contradiction(struct store *store, const struct head *a, const struct head *b)
{
    const struct head *low = a->seq <= b->seq ? a : b, *high = low == a ? b : a;
    struct commit_row row;
    if (low->seq == high->seq) {
        return !hash_equal(&low->hash, &high->hash);
    }
    const struct log *log = log_find(store, &low->log);
    return log != NULL && high->seq <= log->chain.seq && commit_row_get(&store->txn, log->number, high->seq, &row) == ERR_OK &&
           hash_equal(&row.hash, &high->hash) && commit_row_get(&store->txn, log->number, low->seq, &row) == ERR_OK && !hash_equal(&row.hash, &low->hash);
}

static void put_part(struct out *out, struct span part)
{
    key_u32(out, (uint32_t)part.n);
    out_span(out, part);
}

static void liar_put(struct store *store, const struct node_id *node, const struct head *a, const struct head *b, const struct signed_heads *first,
                     const struct signed_heads *second)
{
    uint8_t key[LIAR_KEY_BYTES];
    size_t n = LIAR_HEADS_BYTES + LIAR_SPANS * 4 + first->notice.n + first->heads.n + second->notice.n + second->heads.n;
    uint8_t *memory = malloc(n);
    if (memory == NULL) {
        return; /* the next frontier tells as much */
    }
    struct out out = out_into(memory, n);
    out_bytes(&out, a->log.b, sizeof a->log.b);
    key_u64(&out, a->seq);
    out_bytes(&out, a->hash.b, sizeof a->hash.b);
    key_u64(&out, b->seq);
    out_bytes(&out, b->hash.b, sizeof b->hash.b);
    put_part(&out, first->notice);
    put_part(&out, first->heads);
    put_part(&out, second->notice);
    put_part(&out, second->heads);
    kv_put(&store->txn, TABLE_META, liar_key(node, key), out_written(&out));
    free(memory);
}

void liar_look(struct store *store, const struct node_id *node, const struct signed_heads *first, const struct head *heads, size_t count, const struct signed_heads *second)
{
    struct head *before = malloc(FRONTIER_HEADS_MAX * sizeof *before);
    size_t before_count = 0;
    const char *clause = NULL;
    uint8_t key[LIAR_KEY_BYTES];
    struct span held;
    if (before == NULL || node_id_equal(node, &store->self) || kv_get(&store->txn, TABLE_META, liar_key(node, key), &held) ||
        heads_decode(store->unpack, first->heads, before, FRONTIER_HEADS_MAX, &before_count, &clause) != ERR_OK) {
        before_count = 0;
    }
    for (size_t b = 0, i = 0; b < before_count && i < count;) { /* both sorted */
        int order = log_id_compare(&before[b].log, &heads[i].log);
        if (order == 0 && is_contradiction(store, &before[b], &heads[i])) {
            liar_put(store, node, &before[b], &heads[i], first, second);
            store->ends_changed++; /* a warning more: whoever looks after ends looks again */
            break;
        }
        b += order <= 0;
        i += order >= 0;
    }
    free(before);
}

static bool take_part(struct span *rest, struct span *ret)
{
    if (rest->n < 4 || rest->n - 4 < key_read_u32(rest->p)) {
        return false;
    }
    *ret = span_of(rest->p + 4, key_read_u32(rest->p));
    *rest = span_of(rest->p + 4 + ret->n, rest->n - 4 - ret->n);
    return true;
}

static bool liar_read(struct span key, struct span value, struct liar *ret)
{
    const uint8_t *p = value.p;
    if (key.n != LIAR_KEY_BYTES || value.n < LIAR_HEADS_BYTES) {
        return false;
    }
    memset(ret, 0, sizeof *ret);
    memcpy(ret->node.b, key.p + 4, sizeof ret->node.b);
    for (size_t i = 0; i < 2; i++) {
        memcpy(ret->heads[i].log.b, p, 32);
        ret->heads[i].seq = key_read_u64(p + 32 + 40 * i);
        memcpy(ret->heads[i].hash.b, p + 40 + 40 * i, 32);
    }
    struct span rest = span_of(p + LIAR_HEADS_BYTES, value.n - LIAR_HEADS_BYTES);
    return take_part(&rest, &ret->frontiers[0].notice) && take_part(&rest, &ret->frontiers[0].heads) && take_part(&rest, &ret->frontiers[1].notice) &&
           take_part(&rest, &ret->frontiers[1].heads) && rest.n == 0;
}

enum err store_liars(struct store_read *read, bool (*each)(void *arg, const struct liar *liar), void *arg)
{
    struct kv_cursor cursor;
    struct liar liar;
    enum err err = ERR_OK;
    bool is_wanted = true;
    kv_cursor_open(&read->txn, TABLE_META, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_text(META_LIAR)); ok && is_wanted; ok = is_wanted && kv_next_prefix(&cursor, span_text(META_LIAR))) {
        err = liar_read(cursor.key, cursor.value, &liar) ? ERR_OK : ERR_CORRUPT;
        is_wanted = err == ERR_OK && each(arg, &liar);
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

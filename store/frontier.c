#include "store/env.h"

#include <assert.h>
#include <stdlib.h>

static struct span frontier_key(const struct node_id *node, uint64_t counter, uint8_t mem[FRONTIER_KEY_BYTES])
{
    struct out key = out_into(mem, FRONTIER_KEY_BYTES);
    out_bytes(&key, node->b, sizeof node->b);
    key_u64(&key, counter);
    return out_written(&key);
}

/* Apply `changes` to `base`, both sorted: writes at most FRONTIER_HEADS_MAX. False when there would be more. */
static bool heads_merge(const struct head *base, size_t base_count, const struct head *changes, size_t change_count, struct head *ret,
                        size_t *ret_count)
{
    size_t b = 0, c = 0, n = 0;
    while (b < base_count || c < change_count) {
        int order = b == base_count ? 1 : c == change_count ? -1 : log_id_compare(&base[b].log, &changes[c].log);
        if (n == FRONTIER_HEADS_MAX) {
            return false;
        }
        ret[n++] = order < 0 ? base[b] : changes[c];
        b += order <= 0;
        c += order >= 0;
    }
    *ret_count = n;
    return true;
}

/* The whole list that a frontier speaks of, into store->heads. */
static enum err heads_of(struct store *store, const struct frontier *frontier, uint64_t base, struct span heads, size_t *ret_count,
                         const char **clause)
{
    uint8_t mem[FRONTIER_KEY_BYTES];
    struct span stored;
    size_t base_count = 0, count = 0;
    if (base == 0) {
        return heads_decode(store->unpack, heads, store->heads, FRONTIER_HEADS_MAX, ret_count, clause);
    }
    if (!kv_get(&store->txn, TABLE_FRONTIERS, frontier_key(&frontier->node, base, mem), &stored)) {
        *clause = "store/README.md 3.5: the frontier on which the difference builds is not held";
        return store->txn.err != ERR_OK ? store->txn.err : ERR_GAP;
    }
    if (heads_decode(store->unpack, stored, store->heads_other, FRONTIER_HEADS_MAX, &base_count, clause) != ERR_OK) {
        *clause = "store/README.md 3.5: the frontier on which the difference builds is damaged here";
        return ERR_GAP; /* it is sent whole then, which mends ours */
    }
    enum err err = heads_decode(store->unpack, heads, store->heads_merged, FRONTIER_HEADS_MAX, &count, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (!heads_merge(store->heads_other, base_count, store->heads_merged, count, store->heads, ret_count)) {
        *clause = "store/README.md 3.5: a frontier of more heads than fit a notice";
        return ERR_LIMIT;
    }
    return ERR_OK;
}

/* Keep the newest few of a node. */
static void forget_old(struct store *store, const struct node_id *node)
{
    struct kv_cursor cursor;
    struct span prefix = span_of(node->b, sizeof node->b);
    size_t kept = 0;
    kv_cursor_open(&store->txn, TABLE_FRONTIERS, &cursor);
    for (bool ok = kv_last_prefix(&cursor, prefix); ok; ok = kv_prev(&cursor) && key_has_prefix(cursor.key, prefix)) {
        if (++kept > FRONTIERS_KEPT) {
            kv_cursor_delete(&cursor);
        }
    }
    kv_cursor_close(&cursor);
}

enum err frontier_put(struct store *store, const struct frontier *frontier, uint64_t counter, uint64_t base, struct span heads, const char **clause)
{
    uint8_t mem[FRONTIER_KEY_BYTES];
    struct hash digest;
    size_t count = 0;
    enum err err = heads_of(store, frontier, base, heads, &count, clause);
    if (err != ERR_OK) {
        return err;
    }
    struct out out = out_into(store->bytes, HEADS_BYTES_MAX);
    heads_canonical(store->heads, count, &out);
    assert(!out.is_full);
    hash_of(HASH_HEADS, out_written(&out), &digest);
    if (count != frontier->head_count || !hash_equal(&digest, &frontier->heads_digest)) {
        *clause = "store/README.md 3.5: the heads are not those whose digest is signed";
        return base != 0 ? ERR_GAP : ERR_BADHASH; /* a node may have signed two of one number, and we hold the other: it is sent whole then */
    }
    kv_put(&store->txn, TABLE_FRONTIERS, frontier_key(&frontier->node, counter, mem), out_written(&out));
    forget_old(store, &frontier->node);
    return store->txn.err;
}

void frontier_forget(struct store *store, const struct node_id *node)
{
    struct kv_cursor cursor;
    struct span prefix = span_of(node->b, sizeof node->b);
    kv_cursor_open(&store->txn, TABLE_FRONTIERS, &cursor);
    for (bool ok = kv_last_prefix(&cursor, prefix); ok; ok = kv_prev(&cursor) && key_has_prefix(cursor.key, prefix)) {
        kv_cursor_delete(&cursor);
    }
    kv_cursor_close(&cursor);
}

size_t frontier_heads(struct store *store, const struct node_id *node, struct head *ret)
{
    struct kv_cursor cursor;
    const char *clause = NULL;
    size_t count = 0;
    kv_cursor_open(&store->txn, TABLE_FRONTIERS, &cursor);
    if (kv_last_prefix(&cursor, span_of(node->b, sizeof node->b)) &&
        heads_decode(store->unpack, cursor.value, ret, FRONTIER_HEADS_MAX, &count, &clause) != ERR_OK) {
        count = 0;
    }
    kv_cursor_close(&cursor);
    return count;
}

/* ---- finality ---- */

static const struct head *head_of(const struct head *heads, size_t count, const struct log_id *log)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = log_id_compare(&heads[middle].log, log);
        if (order == 0) {
            return &heads[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* What one hub's newest frontier names of a log. */
struct vouch {
    struct hash hash;
    uint64_t seq; /* 0: nothing */
    bool is_seen; /* the commit named is held here, on this branch */
};

static struct vouch vouch_of(struct store *store, const struct log *log, const struct head *named)
{
    struct commit_row row;
    struct vouch vouch = {0};
    if (named == NULL) {
        return vouch;
    }
    vouch.seq = named->seq;
    vouch.hash = named->hash;
    vouch.is_seen = named->seq <= log->chain.seq && commit_row_get(&store->txn, log->number, named->seq, &row) == ERR_OK && hash_equal(&row.hash, &named->hash);
    return vouch;
}

/* As far as it can be told. Of two branches nobody knows which one a head beyond our own is on: it speaks for what is before the fork; for more when as many hubs as are needed name the very
 * same one, since they have all heard of the fork; and a hub, until it sees the contrary, believes the others to hold what it has vouched for itself. */
static uint64_t vouch_held(const struct log *log, const struct vouch *vouch, size_t same, size_t needed, bool is_hub)
{
    bool is_beyond = vouch->seq > log->chain.seq;
    if (vouch->is_seen || (is_beyond && (log->fork_seq == 0 || vouch->seq < log->fork_seq || same >= needed || is_hub))) {
        return vouch->seq;
    }
    return log->fork_seq != 0 && vouch->seq >= log->fork_seq ? log->fork_seq - 1 : 0;
}

static void put_falling(uint64_t *falling, size_t count, uint64_t seq)
{
    size_t at = count;
    for (; at > 0 && falling[at - 1] < seq; at--) {
        falling[at] = falling[at - 1];
    }
    falling[at] = seq;
}

static size_t same_as(const struct vouch *vouches, size_t count, const struct vouch *one)
{
    size_t same = 0;
    for (size_t i = 0; i < count; i++) {
        same += vouches[i].seq == one->seq && hash_equal(&vouches[i].hash, &one->hash);
    }
    return same;
}

static size_t vouches_find(struct store *store, const struct membership *membership, const struct log *log, struct vouch *ret, bool *ret_is_hub)
{
    size_t hubs = 0;
    *ret_is_hub = false;
    for (size_t i = 0; i < membership_count(membership); i++) {
        const struct member *member = membership_at(membership, i);
        if (member->role == ROLE_HUB && hubs < MEMBERS_MAX) {
            size_t count = frontier_heads(store, &member->node, store->heads_other);
            ret[hubs++] = vouch_of(store, log, head_of(store->heads_other, count, &log->chain.log));
            *ret_is_hub = *ret_is_hub || node_id_equal(&member->node, &store->self);
        }
    }
    return hubs;
}

void final_find(struct store *store, const struct log *log, uint64_t seq, struct final *ret)
{
    const struct membership *membership = membership_now(store);
    struct vouch vouches[MEMBERS_MAX];
    uint64_t held[MEMBERS_MAX], named[MEMBERS_MAX];
    size_t elsewhere = 0;
    bool is_hub = false;
    *ret = (struct final){0};
    if (membership == NULL) {
        return;
    }
    size_t hubs = vouches_find(store, membership, log, vouches, &is_hub);
    size_t needed = membership_hub_count(membership) / 2 + 1; /* more than half */
    for (size_t i = 0; i < hubs; i++) {
        const struct vouch *vouch = &vouches[i];
        put_falling(held, i, vouch_held(log, vouch, same_as(vouches, hubs, vouch), needed, is_hub));
        put_falling(named, i, vouch->seq);
        elsewhere += !vouch->is_seen && vouch->seq >= seq;
    }
    if (hubs >= needed) {
        ret->seq = held[needed - 1];
        ret->named = log->fork_seq != 0 && named[needed - 1] >= log->fork_seq ? named[0] : named[needed - 1];
    }
    ret->is_elsewhere = elsewhere >= needed;
}

/* ---- reading ---- */

static enum err heads_at(struct store_read *read, const struct node_id *node, uint64_t counter, struct head *ret, size_t *ret_count)
{
    uint8_t mem[FRONTIER_KEY_BYTES];
    struct span stored;
    const char *clause = NULL;
    if (!kv_get(&read->txn, TABLE_FRONTIERS, frontier_key(node, counter, mem), &stored)) {
        return read->txn.err != ERR_OK ? read->txn.err : ERR_GAP;
    }
    enum err err = heads_decode(read->unpack, stored, ret, FRONTIER_HEADS_MAX, ret_count, &clause);
    return err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

enum err store_frontier_change(struct store_read *read, const struct node_id *node, uint64_t base, struct out *ret)
{
    struct kv_cursor cursor;
    struct head *old = read->heads, *new = read->heads + FRONTIER_HEADS_MAX;
    size_t old_count = 0, new_count = 0, changed = 0, o = 0;
    uint64_t counter = 0;
    kv_cursor_open(&read->txn, TABLE_FRONTIERS, &cursor);
    if (kv_last_prefix(&cursor, span_of(node->b, sizeof node->b)) && cursor.key.n == FRONTIER_KEY_BYTES) {
        counter = key_read_u64(cursor.key.p + 16);
    }
    kv_cursor_close(&cursor);
    enum err err = heads_at(read, node, base, old, &old_count);
    if (err == ERR_OK) {
        err = heads_at(read, node, counter, new, &new_count);
    }
    if (err != ERR_OK) {
        return err;
    }
    for (size_t n = 0; n < new_count; n++) { /* moved to the front as they are found */
        int order = o == old_count ? 1 : log_id_compare(&old[o].log, &new[n].log);
        if (order < 0) {
            return ERR_GAP; /* a log that is no longer named: a difference cannot say so */
        }
        if (order > 0 || old[o].seq != new[n].seq || old[o].entries != new[n].entries || !hash_equal(&old[o].hash, &new[n].hash)) {
            new[changed++] = new[n];
        }
        o += order == 0;
    }
    if (o < old_count) {
        return ERR_GAP;
    }
    heads_canonical(new, changed, ret);
    return ret->is_full ? ERR_OVERSIZE : ERR_OK;
}

enum err store_frontier_heads(struct store_read *read, const struct node_id *node, uint64_t counter, struct head *ret, size_t *ret_count)
{
    enum err err = heads_at(read, node, counter, ret, ret_count);
    return err == ERR_GAP ? ERR_NOT_FOUND : err;
}

size_t store_frontier_counters(struct store_read *read, const struct node_id *node, uint64_t *ret, size_t max)
{
    struct kv_cursor cursor;
    struct span prefix = span_of(node->b, sizeof node->b);
    size_t count = 0;
    kv_cursor_open(&read->txn, TABLE_FRONTIERS, &cursor);
    for (bool ok = kv_last_prefix(&cursor, prefix); ok && count < max && key_has_prefix(cursor.key, prefix); ok = kv_prev(&cursor)) {
        ret[count++] = cursor.key.n == FRONTIER_KEY_BYTES ? key_read_u64(cursor.key.p + sizeof node->b) : 0;
    }
    kv_cursor_close(&cursor);
    return count;
}

/* late.c - commits beyond the end of their log: how much is kept of one node (README 2), and what becomes of them when the log ends further up. */
#include "store/env.h"

#include <assert.h>

#define META_LATE "late"
enum { LATE_KEY_BYTES = 4 + 4 };

/* ---- what may come to count ---- */

static struct span late_key(uint32_t number, uint8_t mem[LATE_KEY_BYTES])
{
    struct out key = out_into(mem, LATE_KEY_BYTES);
    out_span(&key, span_text(META_LATE));
    key_u32(&key, number);
    return out_written(&key);
}

uint64_t late_since(struct kv_txn *txn, uint32_t number)
{
    uint8_t mem[LATE_KEY_BYTES];
    struct span value;
    return kv_get(txn, TABLE_META, late_key(number, mem), &value) && value.n == 8 ? key_read_u64(value.p) : 0;
}

static void late_put(struct store *store, uint32_t number, uint64_t since)
{
    uint8_t mem[LATE_KEY_BYTES], value_mem[8];
    struct out value = out_into(value_mem, sizeof value_mem);
    if (since == 0) {
        (void)kv_delete(&store->txn, TABLE_META, late_key(number, mem));
    } else {
        key_u64(&value, since);
        kv_put(&store->txn, TABLE_META, late_key(number, mem), out_written(&value));
    }
}

void late_mark(struct store *store, const struct log *log, uint64_t seq)
{
    if (late_since(&store->txn, log->number) == 0) {
        late_put(store, log->number, seq);
    }
}

void late_forget(struct store *store, const struct log *log, uint64_t first)
{
    if (late_since(&store->txn, log->number) >= first) {
        late_put(store, log->number, 0);
    }
}

/* The log ends further up: learn what is ordered by commits that came late and count now. */
void late_counts(struct store *store, const struct log *log)
{
    uint64_t since = late_since(&store->txn, log->number), last = log->end_seq < log->chain.seq ? log->end_seq : log->chain.seq;
    struct hash hash;
    if (since == 0 || since > last) {
        return;
    }
    for (uint64_t seq = since; seq <= last && store->txn.err == ERR_OK; seq++) {
        enum err err = commit_load(&store->txn, store->unpack, store->packer, log, seq, store->other, &hash);
        if (err == ERR_OK) {
            erased_take(store, log, seq, store->other);
        } else if (err != ERR_CORRUPT && store->txn.err == ERR_OK) { /* a damaged one is left to fsck */
            store->txn.err = err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
        }
    }
    late_put(store, log->number, last < log->chain.seq ? last + 1 : 0);
}

/* ---- how much of it ---- */

static enum err late_count(struct store *store, const struct log *log, uint64_t *bytes, uint64_t *entries)
{
    struct commit_row row;
    struct head head;
    enum err err = log_head(&store->txn, log, &head);
    for (uint64_t seq = head.seq + 1; err == ERR_OK && seq <= log->chain.seq && *bytes <= QUARANTINE_BYTES_MAX; seq++) {
        err = commit_row_get(&store->txn, log->number, seq, &row);
        *bytes += err == ERR_OK ? row.body.n : 0;
    }
    *entries += log->chain.entries - head.entries;
    return err;
}

/* Counted anew when another node is asked for, or when ends have moved. */
static bool late_know(struct store *store, const struct node_id *node)
{
    if (store->late.generation == store->generation + 1 && store->late.ends_changed == store->ends_changed && node_id_equal(&store->late.node, node)) {
        return true;
    }
    uint64_t bytes = 0, entries = 0;
    for (uint32_t number = 1; number <= store->log_count; number++) {
        const struct log *log = log_at(store, number);
        if (log == NULL || (node_id_equal(&log->chain.node, node) && log->end_seq < log->chain.seq && late_count(store, log, &bytes, &entries) != ERR_OK)) {
            return false;
        }
    }
    store->late.node = *node;
    store->late.generation = store->generation + 1; /* 0 is never */
    store->late.ends_changed = store->ends_changed;
    store->late.bytes = bytes;
    store->late.entries = entries;
    return true;
}

bool late_has_room(struct store *store, const struct log *log, size_t bytes, uint32_t entries)
{
    return late_know(store, &log->chain.node) && store->late.bytes + bytes <= QUARANTINE_BYTES_MAX && store->late.entries + entries <= QUARANTINE_ENTRIES_MAX;
}

void late_added(struct store *store, const struct log *log, size_t bytes, uint32_t entries)
{
    assert(node_id_equal(&store->late.node, &log->chain.node));
    store->late.bytes += bytes;
    store->late.entries += entries;
}

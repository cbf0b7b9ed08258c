/* branch.c - where a log ends, which of its branches counts, and what is kept of the rest (README 3.6, 3.7). */
#include "store/env.h"

#include <assert.h>
#include <stdlib.h>

#define META_WANTED "wanted"
enum { WANTED_KEY_BYTES = 6 + 4, ASIDE_KEY_BYTES = 4 + 32, ASIDE_ROW_BYTES = 8 + 32 + 8 };

/* ---- what is wanted beyond the end ---- */

static struct span wanted_key(uint32_t number, uint8_t mem[WANTED_KEY_BYTES])
{
    struct out key = out_into(mem, WANTED_KEY_BYTES);
    out_span(&key, span_text(META_WANTED));
    key_u32(&key, number);
    return out_written(&key);
}

uint64_t log_limit(struct kv_txn *txn, const struct log *log)
{
    uint8_t mem[WANTED_KEY_BYTES];
    struct span value;
    uint64_t wanted = 0;
    if (log->fork_seq != 0 && kv_get(txn, TABLE_META, wanted_key(log->number, mem), &value) && value.n == 8) {
        wanted = key_read_u64(value.p);
    }
    return wanted > log->end_seq ? wanted : log->end_seq;
}

static void wanted_put(struct store *store, const struct log *log, uint64_t wanted)
{
    uint8_t mem[WANTED_KEY_BYTES], value_mem[8];
    struct out value = out_into(value_mem, sizeof value_mem);
    if (wanted == 0) {
        (void)kv_delete(&store->txn, TABLE_META, wanted_key(log->number, mem));
    } else {
        key_u64(&value, wanted);
        kv_put(&store->txn, TABLE_META, wanted_key(log->number, mem), out_written(&value));
    }
}

void log_heights(struct kv_txn *txn, const struct log *log, uint64_t *ret_cut_height, uint64_t *ret_fork_height)
{
    uint64_t limit = log_limit(txn, log);
    uint64_t height = limit == LOG_OPEN_END ? 0 : limit + 1;
    *ret_cut_height = log->fork_seq == 0 ? height : 0;
    *ret_fork_height = log->fork_seq == 0 ? 0 : height;
}

/* ---- where a log ends ---- */

/* Does the branch held not contradict this head? What lies beyond ours cannot be compared yet, and is believed. */
static bool is_ours(struct store *store, const struct log *log, const struct head *head)
{
    struct commit_row row;
    return head->seq > log->chain.seq || (commit_row_get(&store->txn, log->number, head->seq, &row) == ERR_OK && hash_equal(&row.hash, &head->hash));
}

/* The lowest cut; `*ret_is_settled`: it is the root's, which has named a head of the branch that counts. */
static bool cut_of(const struct membership *membership, const struct log *log, struct head *ret, bool *ret_is_settled)
{
    struct head root;
    bool is_root = membership_cut_by_root(membership, &log->chain.node, &log->identity, &log->chain.log, &root);
    bool is_cut = membership_cut(membership, &log->chain.node, &log->identity, &log->chain.log, ret);
    *ret_is_settled = is_root && root.seq == ret->seq && hash_equal(&root.hash, &ret->hash);
#ifdef GRIOT_WITHOUT_T20_CUT
    is_cut = false;
#endif
    return is_cut;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void log_end_update(struct store *store, struct log *log)
{
    const struct membership *membership = membership_now(store);
    struct head cut;
    struct final final = {0};
    uint64_t end_seq = LOG_OPEN_END, limit = LOG_OPEN_END;
    struct hash end_hash = {{0}};
    bool is_settled = false;
    if (membership == NULL) {
        return;
    }
    bool is_cut = cut_of(membership, log, &cut, &is_settled);
    if (is_cut || log->fork_seq != 0) {
        final_find(store, log, 0, &final);
    }
    if (is_cut) {
        end_seq = limit = cut.seq;
        end_hash = cut.hash;
        if (final.seq > end_seq) { /* never below what is final */
            end_seq = limit = final.seq;
            end_hash = (struct hash){{0}};
        } else if (end_seq > 0 && !is_ours(store, log, &cut)) {
            end_seq--; /* another commit stands where the cut names one: what comes before is all that both can mean */
            end_hash = (struct hash){{0}};
        }
    }
    if (log->fork_seq != 0) {
        /* A branch against what is final, or what the root has named, is evidence and no dispute. Beyond that a forked log takes nothing more: its author goes on in another. */
        uint64_t before = log->fork_seq - 1;
        uint64_t sure = higher(final.seq, is_settled && is_ours(store, log, &cut) ? cut.seq : 0);
        uint64_t named = higher(final.named, is_settled ? cut.seq : 0);
        if (higher(before, sure) < end_seq) {
            end_seq = higher(before, sure);
            end_hash = (struct hash){{0}};
        }
        limit = is_cut ? higher(cut.seq, final.named) : LOG_OPEN_END; /* what is final is so beyond a cut too */
        limit = higher(before, named) < limit ? higher(before, named) : limit;
    }
    bool has_moved = end_seq != log->end_seq || !hash_equal(&end_hash, &log->end_hash);
    if (log->fork_seq != 0 && higher(limit, end_seq) != log_limit(&store->txn, log)) {
        has_moved = true;
    }
    if (has_moved) {
        if (log->fork_seq != 0) {
            wanted_put(store, log, limit > end_seq ? limit : 0);
        }
        log->end_seq = end_seq;
        log->end_hash = end_hash;
        log_touch(store, log);
        store->ends_changed++;
    }
}

void logs_end_update(struct store *store)
{
    for (uint32_t number = 1; number <= store->log_count && store->txn.err == ERR_OK; number++) {
        struct log *log = log_at(store, number);
        if (log != NULL) {
            log_end_update(store, log);
        }
    }
}

/* ---- which branch is held ---- */

static struct span aside_key(uint32_t number, const struct hash *hash, uint8_t mem[ASIDE_KEY_BYTES])
{
    struct out key = out_into(mem, ASIDE_KEY_BYTES);
    key_u32(&key, number);
    out_bytes(&key, hash->b, sizeof hash->b);
    return out_written(&key);
}

bool branch_gives_way(struct store *store, const struct log *log, uint64_t seq)
{
    const struct membership *membership = membership_now(store);
    struct head cut;
    struct final final;
    bool is_settled = false;
    if (membership == NULL || log->fork_seq == 0 || seq < log->fork_seq) {
        return false;
    }
    if (cut_of(membership, log, &cut, &is_settled) && is_settled && cut.seq >= seq) {
        return cut.seq > log->chain.seq || !is_ours(store, log, &cut);
    }
    final_find(store, log, seq, &final);
    return final.is_elsewhere;
}

/* What it stands on goes with it, so that a commit set aside can be checked by itself. */
static enum err aside_put(struct store *store, const struct log *log, uint64_t seq)
{
    struct commit_row row, before;
    uint8_t key[ASIDE_KEY_BYTES];
    enum err err = commit_row_get(&store->txn, log->number, seq, &row);
    if (err == ERR_OK) {
        err = commit_row_get(&store->txn, log->number, seq - 1, &before);
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    uint8_t *memory = malloc(ASIDE_ROW_BYTES + row.body.n); /* what is borrowed ends at the next write */
    if (memory == NULL) {
        return ERR_MEMORY;
    }
    struct out value = out_into(memory, ASIDE_ROW_BYTES + row.body.n);
    key_u64(&value, seq);
    out_bytes(&value, before.hash.b, sizeof before.hash.b);
    key_u64(&value, before.entries);
    out_span(&value, row.body);
    kv_put(&store->txn, TABLE_ASIDES, aside_key(log->number, &row.hash, key), out_written(&value));
    free(memory);
    return store->txn.err;
}

uint64_t aside_first(struct kv_txn *txn, uint32_t log_number)
{
    struct kv_cursor cursor;
    uint8_t mem[4];
    struct out key = out_into(mem, sizeof mem);
    uint64_t first = 0;
    key_u32(&key, log_number);
    kv_cursor_open(txn, TABLE_ASIDES, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, out_written(&key)); ok; ok = kv_next_prefix(&cursor, out_written(&key))) {
        uint64_t seq = cursor.value.n > ASIDE_ROW_BYTES ? key_read_u64(cursor.value.p) : 0;
        first = first == 0 || seq < first ? seq : first;
    }
    kv_cursor_close(&cursor);
    return first;
}

/* Completed by what it stands on, and compared with the hash under which it lies (L3). */
static enum err aside_read(struct store_read *read, struct span key, struct span value, struct aside *ret)
{
    struct log log;
    struct span reduced;
    struct hash hash;
    const char *clause = NULL;
    if (key.n != ASIDE_KEY_BYTES || value.n <= ASIDE_ROW_BYTES) {
        return ERR_CORRUPT;
    }
    *ret = (struct aside){.log_number = key_read_u32(key.p), .seq = key_read_u64(value.p)};
    memcpy(ret->hash.b, key.p + 4, sizeof ret->hash.b);
    enum err err = log_load(&read->txn, &read->store->region, ret->log_number, &log);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    struct chain chain = log.chain;
    chain.seq = ret->seq - 1;
    memcpy(chain.hash.b, value.p + 8, sizeof chain.hash.b);
    chain.entries = key_read_u64(value.p + 40);
    err = commit_unpack(read->packer, span_of(value.p + ASIDE_ROW_BYTES, value.n - ASIDE_ROW_BYTES), &reduced, &clause);
    if (err == ERR_OK) {
        err = commit_reduced_decode(read->unpack, reduced, read->commit, &clause);
    }
    if (err == ERR_MEMORY) {
        return err;
    }
    if (err == ERR_OK) {
        commit_complete(&chain, read->commit);
        commit_hash(read->commit, &hash);
        ret->commit = hash_equal(&hash, &ret->hash) ? read->commit : NULL;
    }
    return ERR_OK;
}

enum err store_asides(struct store_read *read, uint32_t log_number, bool (*each)(void *arg, const struct aside *aside), void *arg)
{
    struct kv_cursor cursor;
    struct aside aside;
    uint8_t mem[4];
    struct out key = out_into(mem, sizeof mem);
    enum err err = ERR_OK;
    bool is_wanted = true;
    if (log_number != 0) {
        key_u32(&key, log_number);
    }
    kv_cursor_open(&read->txn, TABLE_ASIDES, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, out_written(&key)); ok && is_wanted; ok = is_wanted && kv_next_prefix(&cursor, out_written(&key))) {
        err = aside_read(read, cursor.key, cursor.value, &aside);
        is_wanted = err == ERR_OK && each(arg, &aside);
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

enum err branch_set_aside(struct store *store, struct log *log, uint64_t first)
{
    uint64_t last = log->chain.seq;
    enum err err = ERR_OK;
    for (uint64_t seq = first; seq <= last && seq - first < ASIDE_COMMITS_MAX && err == ERR_OK; seq++) {
        err = aside_put(store, log, seq);
    }
    if (err == ERR_OK) {
        err = log_take_back(store, log, first);
    }
    if (err == ERR_OK) {
        log_end_update(store, log);
    }
    return err;
}

/* ---- quarantine ---- */

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

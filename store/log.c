#include "store/env.h"
#include "store/keys.h"

#include <assert.h>
#include <stdlib.h>

/* ---- rows ---- */

void log_row_write(const struct log *log, struct out *ret)
{
    const struct chain *c = &log->chain;
    out_bytes(ret, c->log.b, sizeof c->log.b);
    out_bytes(ret, c->node.b, sizeof c->node.b);
    key_u8(ret, (uint8_t)c->channel);
    out_bytes(ret, c->key.b, sizeof c->key.b);
    out_bytes(ret, log->identity.b, sizeof log->identity.b);
    key_u64(ret, c->seq);
    key_u64(ret, c->entries);
    out_bytes(ret, c->hash.b, sizeof c->hash.b);
    key_u64(ret, c->roster_version);
    key_u64(ret, log->fork_seq);
    key_u64(ret, log->end_seq);
    out_bytes(ret, log->end_hash.b, sizeof log->end_hash.b);
}

enum err log_row_read(struct span row, const struct region_id *region, uint32_t number, struct log *ret)
{
    const uint8_t *p = row.p;
    if (row.n != LOG_ROW_BYTES || p[48] >= CHANNEL_COUNT) {
        return ERR_CORRUPT;
    }
    memset(ret, 0, sizeof *ret);
    ret->number = number;
    ret->chain.region = *region;
    memcpy(ret->chain.log.b, p, 32);
    memcpy(ret->chain.node.b, p + 32, 16);
    ret->chain.channel = (enum channel)p[48];
    memcpy(ret->chain.key.b, p + 49, 32);
    memcpy(ret->identity.b, p + 81, 32);
    ret->chain.seq = key_read_u64(p + 113);
    ret->chain.entries = key_read_u64(p + 121);
    memcpy(ret->chain.hash.b, p + 129, 32);
    ret->chain.roster_version = key_read_u64(p + 161);
    ret->fork_seq = key_read_u64(p + 169);
    ret->end_seq = key_read_u64(p + 177);
    memcpy(ret->end_hash.b, p + 185, 32);
    return ERR_OK;
}

enum err log_load(struct kv_txn *txn, const struct region_id *region, uint32_t number, struct log *ret)
{
    uint8_t mem[4];
    struct out key = out_into(mem, sizeof mem);
    struct span row;
    key_u32(&key, number);
    if (!kv_get(txn, TABLE_LOGS, out_written(&key), &row)) {
        return txn->err != ERR_OK ? txn->err : ERR_NOT_FOUND;
    }
    return log_row_read(row, region, number, ret);
}

uint32_t log_last(struct kv_txn *txn)
{
    struct kv_cursor cursor;
    kv_cursor_open(txn, TABLE_LOGS, &cursor);
    uint32_t last = kv_last(&cursor) && cursor.key.n == 4 ? key_read_u32(cursor.key.p) : 0;
    kv_cursor_close(&cursor);
    return last;
}

enum err log_number_of(struct kv_txn *txn, const struct log_id *id, uint32_t *ret)
{
    struct span value;
    if (!kv_get(txn, TABLE_LOG_IDS, span_of(id->b, sizeof id->b), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_NOT_FOUND;
    }
    if (value.n != 4) {
        return ERR_CORRUPT;
    }
    *ret = key_read_u32(value.p);
    return ERR_OK;
}

static struct span commit_key(uint32_t number, uint64_t seq, uint8_t mem[COMMIT_KEY_BYTES])
{
    struct out key = out_into(mem, COMMIT_KEY_BYTES);
    key_u32(&key, number);
    key_u64(&key, seq);
    return out_written(&key);
}

enum err commit_row_get(struct kv_txn *txn, uint32_t number, uint64_t seq, struct commit_row *ret)
{
    uint8_t mem[COMMIT_KEY_BYTES];
    struct span row;
    if (!kv_get(txn, TABLE_COMMITS, commit_key(number, seq, mem), &row)) {
        return txn->err != ERR_OK ? txn->err : ERR_NOT_FOUND;
    }
    if (row.n <= COMMIT_ROW_BYTES) {
        return ERR_CORRUPT;
    }
    memcpy(ret->hash.b, row.p, sizeof ret->hash.b);
    ret->entries = key_read_u64(row.p + 32);
    ret->body = span_of(row.p + COMMIT_ROW_BYTES, row.n - COMMIT_ROW_BYTES);
    return ERR_OK;
}

enum err log_head(struct kv_txn *txn, const struct log *log, struct head *ret)
{
    struct commit_row row = {log->chain.hash, log->chain.entries, {NULL, 0}};
    uint64_t seq = log->chain.seq;
    if (log->end_seq < seq) {
        seq = log->end_seq;
        enum err err = commit_row_get(txn, log->number, seq, &row);
        if (err != ERR_OK) {
            return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
        }
    }
    *ret = (struct head){log->chain.log, seq, row.entries, row.hash};
    return ERR_OK;
}

uint64_t store_ends_changed(const struct store *store)
{
    return store->ends_changed + 1; /* 0 is nobody's count */
}

enum err log_info_of(struct kv_txn *txn, const struct log *log, struct log_info *ret)
{
    struct head head;
    enum err err = log_head(txn, log, &head);
    if (err == ERR_OK) {
        *ret = (struct log_info){.head = head,
                                 .node = log->chain.node,
                                 .channel = log->chain.channel,
                                 .number = log->number,
                                 .has_fork = log->fork_seq != 0,
                                 .fork_seq = log->fork_seq,
                                 .held_entries = log->chain.entries,
                                 .held_seq = log->chain.seq,
                                 .sent = head};
        log_heights(txn, log, &ret->cut_height, &ret->fork_height);
        ret->aside_seq = log->fork_seq == 0 ? 0 : aside_first(txn, log->number);
        uint64_t unsent = unsent_first(txn, log->number);
        if (unsent != 0 && unsent <= head.seq) {
            struct commit_row row;
            err = commit_row_get(txn, log->number, unsent - 1, &row);
            if (err != ERR_OK) {
                return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
            }
            ret->sent = (struct head){head.log, unsent - 1, row.entries, row.hash};
        }
        err = txn->err;
    }
    return err;
}

enum err commit_load(struct kv_txn *txn, struct unpack *unpack, struct commit_packer *packer, const struct log *log, uint64_t seq, struct commit *ret,
                     struct hash *ret_hash)
{
    struct commit_row before, row;
    struct chain chain = log->chain;
    struct span reduced;
    const char *clause = NULL;
    if (seq == 0) {
        return ERR_NOT_FOUND;
    }
    enum err err = commit_row_get(txn, log->number, seq, &row);
    if (err != ERR_OK) {
        return err;
    }
    err = commit_row_get(txn, log->number, seq - 1, &before);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    err = commit_unpack(packer, row.body, &reduced, &clause);
    if (err == ERR_OK) {
        err = commit_reduced_decode(unpack, reduced, ret, &clause);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? err : ERR_CORRUPT;
    }
    chain.hash = before.hash;
    chain.entries = before.entries;
    if (ret->seq != seq || ret->entry_count > COMMIT_ENTRIES_MAX) {
        return ERR_CORRUPT;
    }
    commit_complete(&chain, ret);
    commit_hash(ret, ret_hash);
    return hash_equal(ret_hash, &row.hash) && ret->entries_total == row.entries ? ERR_OK : ERR_CORRUPT;
}

/* ---- the writer's cache ---- */

static uint32_t slot_first(const struct store *store, const struct log_id *id)
{
    return (uint32_t)siphash(&store->slots_key, span_of(id->b, sizeof id->b)) & (store->slot_count - 1);
}

static void slot_put(struct store *store, const struct log *log)
{
    uint32_t slot = slot_first(store, &log->chain.log);
    while (store->slots[slot] != 0) {
        slot = (slot + 1) & (store->slot_count - 1);
    }
    store->slots[slot] = log->number;
    store->slot_used++;
}

/* Room for one more log with this number. */
static bool cache_make_room(struct store *store, uint32_t number)
{
    if (number > store->logs_cap) {
        uint32_t cap = store->logs_cap == 0 ? 64 : store->logs_cap;
        while (cap < number) {
            cap *= 2;
        }
        struct log **logs = realloc(store->logs, cap * sizeof(struct log *));
        if (logs == NULL) {
            return false;
        }
        for (uint32_t i = store->logs_cap; i < cap; i++) {
            logs[i] = NULL;
        }
        store->logs = logs;
        store->logs_cap = cap;
    }
    if (store->slot_used * 2 >= store->slot_count) {
        uint32_t count = store->slot_count == 0 ? 256 : store->slot_count * 2;
        uint32_t *slots = calloc(count, sizeof *slots);
        if (slots == NULL) {
            return false;
        }
        free(store->slots);
        store->slots = slots;
        store->slot_count = count;
        store->slot_used = 0;
        for (uint32_t i = 0; i < store->logs_cap; i++) {
            if (store->logs[i] != NULL) {
                slot_put(store, store->logs[i]);
            }
        }
    }
    return true;
}

/* Keep a copy of `log` in the cache. NULL when memory runs out. */
static struct log *cache_put(struct store *store, const struct log *log)
{
    struct log *kept = cache_make_room(store, log->number) ? malloc(sizeof *kept) : NULL;
    if (kept != NULL) {
        *kept = *log;
        store->logs[log->number - 1] = kept;
        slot_put(store, kept);
    }
    return kept;
}

static void fail(struct store *store, enum err err)
{
    if (store->txn.err == ERR_OK) {
        store->txn.err = err;
    }
}

struct log *log_at(struct store *store, uint32_t number)
{
    struct log log;
    if (number >= 1 && number <= store->logs_cap && store->logs[number - 1] != NULL) {
        return store->logs[number - 1];
    }
    enum err err = log_load(&store->txn, &store->region, number, &log);
    if (err != ERR_OK) {
        fail(store, err == ERR_NOT_FOUND ? ERR_CORRUPT : err); /* whoever knows a number has it from the store */
        return NULL;
    }
    struct log *kept = cache_put(store, &log);
    if (kept == NULL) {
        fail(store, ERR_MEMORY);
    }
    return kept;
}

struct log *log_find(struct store *store, const struct log_id *id)
{
    uint32_t number;
    for (uint32_t slot = store->slot_count == 0 ? 0 : slot_first(store, id); store->slot_count > 0 && store->slots[slot] != 0;
         slot = (slot + 1) & (store->slot_count - 1)) {
        struct log *log = store->logs[store->slots[slot] - 1];
        if (log_id_compare(&log->chain.log, id) == 0) {
            return log;
        }
    }
    enum err err = log_number_of(&store->txn, id, &number);
    if (err != ERR_OK) {
        if (err != ERR_NOT_FOUND) {
            fail(store, err);
        }
        return NULL;
    }
    return log_at(store, number);
}

void log_touch(struct store *store, struct log *log)
{
    if (log->is_dirty) {
        return;
    }
    if (store->dirty_count == store->dirty_cap) {
        uint32_t cap = store->dirty_cap == 0 ? 64 : store->dirty_cap * 2;
        uint32_t *dirty = realloc(store->dirty, cap * sizeof *dirty);
        if (dirty == NULL) {
            fail(store, ERR_MEMORY);
            return;
        }
        store->dirty = dirty;
        store->dirty_cap = cap;
    }
    store->dirty[store->dirty_count++] = log->number;
    log->is_dirty = true;
}

void logs_forget(struct store *store)
{
    for (uint32_t i = 0; i < store->logs_cap; i++) {
        free(store->logs[i]);
    }
    free(store->logs);
    free(store->slots);
    store->logs = NULL;
    store->slots = NULL;
    store->logs_cap = store->slot_count = store->slot_used = store->dirty_count = 0;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

void logs_flush(struct store *store)
{
    if (store->dirty_count > 1) {
        qsort(store->dirty, store->dirty_count, sizeof *store->dirty, compare_numbers);
    }
    for (uint32_t i = 0; i < store->dirty_count; i++) {
        struct log *log = store->logs[store->dirty[i] - 1];
        uint8_t mem[4], row_mem[LOG_ROW_BYTES];
        struct out key = out_into(mem, sizeof mem);
        struct out row = out_into(row_mem, sizeof row_mem);
        key_u32(&key, log->number);
        log_row_write(log, &row);
        assert(!row.is_full && row.at == LOG_ROW_BYTES);
        kv_put(&store->txn, TABLE_LOGS, out_written(&key), out_written(&row));
        log->is_dirty = false;
    }
    store->dirty_count = 0;
}

/* ---- appending ---- */

static void commit_put(struct store *store, uint32_t number, const struct chain *chain, struct span body)
{
    uint8_t mem[COMMIT_KEY_BYTES];
    uint8_t *row = kv_reserve(&store->txn, TABLE_COMMITS, commit_key(number, chain->seq, mem), COMMIT_ROW_BYTES + body.n);
    if (row == NULL) {
        return;
    }
    struct out out = out_into(row, COMMIT_ROW_BYTES + body.n);
    out_bytes(&out, chain->hash.b, sizeof chain->hash.b);
    key_u64(&out, chain->entries);
    out_span(&out, body);
}

void commit_rewrite(struct store *store, uint32_t number, uint64_t seq, const struct commit_row *row)
{
    struct chain chain = {.seq = seq, .hash = row->hash, .entries = row->entries};
    commit_put(store, number, &chain, row->body);
}

static void commit_remove(struct store *store, uint32_t number, uint64_t seq)
{
    uint8_t mem[COMMIT_KEY_BYTES];
    (void)kv_delete(&store->txn, TABLE_COMMITS, commit_key(number, seq, mem));
}

enum err log_begin(struct store *store, const struct chain *chain, const struct sign_public *identity, struct span birth, struct log **ret)
{
    uint8_t mem[4];
    struct out number = out_into(mem, sizeof mem);
    if (store->log_count >= LOGS_MAX) {
        return ERR_INTERNAL;
    }
    struct log log = {.chain = *chain, .number = store->log_count + 1, .identity = *identity, .end_seq = LOG_OPEN_END};
    struct log *kept = cache_put(store, &log);
    if (kept == NULL) {
        return ERR_MEMORY;
    }
    store->log_count++;
    key_u32(&number, log.number);
    kv_put(&store->txn, TABLE_LOG_IDS, span_of(chain->log.b, sizeof chain->log.b), out_written(&number));
    commit_put(store, log.number, chain, birth);
    log_touch(store, kept);
    journal_commit(store, log.number, 0);
    *ret = kept;
    return store->txn.err;
}

void log_append(struct store *store, struct log *log, const struct chain *after, struct span packed)
{
    assert(after->seq == log->chain.seq + 1);
    commit_put(store, log->number, after, packed);
    log->chain = *after;
    log_touch(store, log);
    journal_commit(store, log->number, after->seq);
}

/* ---- taking back ---- */

#define META_EPOCH "epoch"

uint64_t epoch_of(struct kv_txn *txn)
{
    struct span value;
    return kv_get(txn, TABLE_META, span_text(META_EPOCH), &value) && value.n == 8 ? key_read_u64(value.p) : 0;
}

uint64_t store_epoch(struct store_read *read)
{
    return epoch_of(&read->txn);
}

static void epoch_next(struct store *store)
{
    uint8_t mem[8];
    struct out value = out_into(mem, sizeof mem);
    key_u64(&value, epoch_of(&store->txn) + 1);
    kv_put(&store->txn, TABLE_META, span_text(META_EPOCH), out_written(&value));
}

enum err log_take_back(struct store *store, struct log *log, uint64_t first)
{
    struct commit_row row;
    struct hash hash;
    struct chain chain = log->chain;
    assert(first >= 1 && first <= log->chain.seq);
    enum err err = commit_row_get(&store->txn, log->number, first - 1, &row);
    chain.seq = first - 1;
    chain.roster_version = 0;
    if (err == ERR_OK) {
        chain.hash = row.hash;
        chain.entries = row.entries;
    }
    if (err == ERR_OK && first > 1) {
        err = commit_load(&store->txn, store->unpack, store->packer, log, first - 1, store->other, &hash);
        chain.roster_version = err == ERR_OK ? store->other->roster_version : 0;
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    journal_void(store, log->number, first, log->chain.seq);
    for (uint64_t seq = log->chain.seq; seq >= first && err == ERR_OK; seq--) {
        err = commit_load(&store->txn, store->unpack, store->packer, log, seq, store->other, &hash);
        if (err == ERR_OK) {
            erased_untake(store, log, seq, store->other);
            commit_remove(store, log->number, seq);
        }
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    keys_take_back(store, log->number, first);
    late_forget(store, log, first);
    log->chain = chain;
    log_touch(store, log);
    epoch_next(store);
    return store->txn.err;
}

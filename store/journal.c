#include "store/env.h"

enum { JOURNAL_KEY_BYTES = 8, JOURNAL_COMMIT_BYTES = 13, JOURNAL_GONE_BYTES = 14, JOURNAL_NOTICE_BYTES = 1 + NOTICE_KEY_BYTES };

static void append(struct store *store, struct span value)
{
    uint8_t mem[JOURNAL_KEY_BYTES];
    struct out key = out_into(mem, sizeof mem);
    key_u64(&key, store->journal_end + 1);
    kv_append(&store->txn, TABLE_JOURNAL, out_written(&key), value);
    store->journal_end++;
}

void journal_commit(struct store *store, uint32_t log_number, uint64_t seq)
{
    uint8_t mem[JOURNAL_COMMIT_BYTES];
    struct out value = out_into(mem, sizeof mem);
    key_u8(&value, JOURNAL_COMMIT);
    key_u32(&value, log_number);
    key_u64(&value, seq);
    append(store, out_written(&value));
}

void journal_gone(struct store *store, uint32_t log_number, uint64_t seq, uint32_t entry)
{
    uint8_t mem[JOURNAL_GONE_BYTES];
    struct out value = out_into(mem, sizeof mem);
    key_u8(&value, JOURNAL_GONE);
    key_u32(&value, log_number);
    key_u64(&value, seq);
    key_u8(&value, (uint8_t)entry);
    append(store, out_written(&value));
}

void journal_void(struct store *store, uint32_t log_number, uint64_t first, uint64_t last)
{
    struct kv_cursor cursor;
    uint64_t left = last - first + 1;
    kv_cursor_open(&store->txn, TABLE_JOURNAL, &cursor);
    for (bool ok = kv_last(&cursor); ok && left > 0; ok = kv_prev(&cursor)) {
        struct span value = cursor.value;
        if (value.n != JOURNAL_COMMIT_BYTES || value.p[0] != JOURNAL_COMMIT || key_read_u32(value.p + 1) != log_number ||
            key_read_u64(value.p + 5) < first) {
            continue;
        }
        uint8_t mem[JOURNAL_COMMIT_BYTES], key_mem[JOURNAL_KEY_BYTES];
        memcpy(mem, value.p, sizeof mem);
        memcpy(key_mem, cursor.key.p, sizeof key_mem);
        mem[0] = JOURNAL_VOID;
        kv_cursor_put(&cursor, span_of(key_mem, sizeof key_mem), span_of(mem, sizeof mem));
        left--;
    }
    kv_cursor_close(&cursor);
    if (left > 0 && store->txn.err == ERR_OK) {
        store->txn.err = ERR_CORRUPT; /* a commit that the journal does not name */
    }
}

bool journal_names(struct kv_txn *txn, uint64_t number, uint32_t log_number, uint64_t seq)
{
    uint8_t mem[JOURNAL_KEY_BYTES];
    struct out key = out_into(mem, sizeof mem);
    struct span value;
    key_u64(&key, number);
    return kv_get(txn, TABLE_JOURNAL, out_written(&key), &value) && value.n == JOURNAL_COMMIT_BYTES && value.p[0] == JOURNAL_COMMIT &&
           key_read_u32(value.p + 1) == log_number && key_read_u64(value.p + 5) == seq;
}

void journal_notice(struct store *store, const struct notice_ref *ref)
{
    uint8_t mem[JOURNAL_NOTICE_BYTES];
    struct out value = out_into(mem, sizeof mem);
    key_u8(&value, JOURNAL_NOTICE);
    notice_key(ref, &value);
    append(store, out_written(&value));
}

uint64_t journal_last(struct kv_txn *txn)
{
    struct kv_cursor cursor;
    kv_cursor_open(txn, TABLE_JOURNAL, &cursor);
    uint64_t last = kv_last(&cursor) && cursor.key.n == JOURNAL_KEY_BYTES ? key_read_u64(cursor.key.p) : 0;
    kv_cursor_close(&cursor);
    return last;
}

enum err journal_item_read(struct span key, struct span value, struct journal_item *ret)
{
    if (key.n != JOURNAL_KEY_BYTES || value.n == 0) {
        return ERR_CORRUPT;
    }
    struct journal_item item = {.number = key_read_u64(key.p)};
    if ((value.p[0] == JOURNAL_COMMIT || value.p[0] == JOURNAL_VOID) && value.n == JOURNAL_COMMIT_BYTES) {
        item.type = (enum journal_type)value.p[0];
        item.log_number = key_read_u32(value.p + 1);
        item.seq = key_read_u64(value.p + 5);
    } else if (value.p[0] == JOURNAL_GONE && value.n == JOURNAL_GONE_BYTES) {
        item.type = JOURNAL_GONE;
        item.log_number = key_read_u32(value.p + 1);
        item.seq = key_read_u64(value.p + 5);
        item.entry = value.p[13];
    } else if (value.p[0] == JOURNAL_NOTICE) {
        item.type = JOURNAL_NOTICE;
        enum err err = notice_key_read(span_of(value.p + 1, value.n - 1), &item.ref);
        if (err != ERR_OK) {
            return err;
        }
    } else {
        return ERR_CORRUPT;
    }
    *ret = item;
    return ERR_OK;
}

enum err store_journal(struct store_read *read, uint64_t after, bool (*each)(void *arg, const struct journal_item *item), void *arg)
{
    uint8_t mem[JOURNAL_KEY_BYTES];
    struct out key = out_into(mem, sizeof mem);
    struct kv_cursor cursor;
    struct journal_item item;
    enum err err = ERR_OK;
    bool is_wanted = after != UINT64_MAX;
    key_u64(&key, is_wanted ? after + 1 : after);
    kv_cursor_open(&read->txn, TABLE_JOURNAL, &cursor);
    for (bool ok = is_wanted && kv_seek(&cursor, out_written(&key)); ok && is_wanted; ok = is_wanted && kv_next(&cursor)) {
        err = journal_item_read(cursor.key, cursor.value, &item);
        is_wanted = err == ERR_OK && each(arg, &item);
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

uint64_t store_journal_end(struct store_read *read)
{
    return journal_last(&read->txn);
}

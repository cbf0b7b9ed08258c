#include "store/waiting.h"

#include "store/index/tables.h"

enum { KEY_BYTES = 32 + 4 + 8, VALUE_BYTES = 8 };

static struct span key_of(const struct waiting *waiting, uint8_t mem[KEY_BYTES])
{
    struct out key = out_into(mem, KEY_BYTES);

    out_bytes(&key, waiting->id.b, sizeof waiting->id.b);
    key_u32(&key, waiting->log_number);
    key_u64(&key, waiting->seq);
    return out_written(&key);
}

void waiting_add(struct waiting_commit *commit, const struct entry *entry, uint32_t log_number, uint64_t seq, uint32_t number)
{
    uint32_t i = 0;

    while (i < commit->count && memcmp(commit->items[i].id.b, entry->leaf.audience, sizeof commit->items[i].id.b) != 0) {
        i++;
    }
    if (i == commit->count) {
        struct waiting *item = &commit->items[commit->count++];
        *item = (struct waiting){.log_number = log_number, .seq = seq};
        memcpy(item->id.b, entry->leaf.audience, sizeof item->id.b);
    }
    commit->items[i].entries |= UINT64_C(1) << number;
}

void waiting_put(struct kv_txn *txn, const struct waiting_commit *commit)
{
    for (uint32_t i = 0; i < commit->count; i++) {
        uint8_t mem[KEY_BYTES], value_mem[VALUE_BYTES];
        struct out value = out_into(value_mem, sizeof value_mem);
        key_u64(&value, commit->items[i].entries);
        kv_put(txn, VIEW_WAITING, key_of(&commit->items[i], mem), out_written(&value));
    }
}

void waiting_delete(struct kv_txn *txn, const struct waiting *waiting)
{
    uint8_t mem[KEY_BYTES];

    (void)kv_delete(txn, VIEW_WAITING, key_of(waiting, mem));
}

bool waiting_has(struct kv_txn *txn, const struct hash *id)
{
    struct kv_cursor cursor;

    kv_cursor_open(txn, VIEW_WAITING, &cursor);
    bool has = kv_seek_prefix(&cursor, span_of(id->b, sizeof id->b));
    kv_cursor_close(&cursor);
    return has;
}

bool waiting_next(struct kv_txn *txn, const struct waiting *from, struct waiting *ret, enum err *ret_err)
{
    struct kv_cursor cursor;
    uint8_t mem[KEY_BYTES];
    bool is_there, is_good = true;

    kv_cursor_open(txn, VIEW_WAITING, &cursor);
    is_there = kv_seek(&cursor, key_of(from, mem));
    if (is_there) {
        is_good = cursor.key.n == KEY_BYTES && cursor.value.n == VALUE_BYTES;
        if (is_good) {
            memcpy(ret->id.b, cursor.key.p, sizeof ret->id.b);
            ret->log_number = key_read_u32(cursor.key.p + 32);
            ret->seq = key_read_u64(cursor.key.p + 36);
            ret->entries = key_read_u64(cursor.value.p);
        }
    }
    kv_cursor_close(&cursor);
    *ret_err = txn->err != ERR_OK ? txn->err : is_good ? ERR_OK : ERR_CORRUPT;
    return is_there && *ret_err == ERR_OK;
}

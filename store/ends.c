#include "store/ends.h"

#include "store/index/tables.h"

#include <stdlib.h>

enum err ends_load(struct kv_txn *txn, struct ends *ret)
{
    size_t count = (size_t)kv_count(txn, VIEW_ENDS);
    struct ends ends = {NULL, 0, kv_count(txn, VIEW_ERASED) > 0 || kv_count(txn, VIEW_HIDDEN) > 0};
    struct kv_cursor cursor;
    enum err err = ERR_OK;

    *ret = ends;
    if (count == 0) {
        return txn->err;
    }
    ends.items = malloc(count * sizeof *ends.items);
    if (ends.items == NULL) {
        return ERR_MEMORY;
    }
    kv_cursor_open(txn, VIEW_ENDS, &cursor);
    for (bool ok = kv_first(&cursor); ok && err == ERR_OK && ends.count < count; ok = kv_next(&cursor)) {
        if (cursor.key.n != 4 || cursor.value.n != 8) {
            err = ERR_CORRUPT;
        } else {
            ends.items[ends.count++] = (struct end){key_read_u32(cursor.key.p), key_read_u64(cursor.value.p)};
        }
    }
    kv_cursor_close(&cursor);
    err = err != ERR_OK ? err : txn->err;
    if (err != ERR_OK) {
        free(ends.items);
        return err;
    }
    *ret = ends;
    return ERR_OK;
}

void ends_fini(struct ends *ends)
{
    free(ends->items);
    *ends = (struct ends){NULL, 0, false};
}

uint64_t ends_of(const struct ends *ends, uint32_t log_number)
{
    size_t low = 0, high = ends->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ends->items[mid].log_number == log_number) {
            return ends->items[mid].seq;
        }
        if (ends->items[mid].log_number < log_number) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return END_OPEN;
}

void ends_put(struct kv_txn *txn, uint32_t log_number, uint64_t seq)
{
    uint8_t k[4], v[8];
    struct out key = out_into(k, sizeof k), value = out_into(v, sizeof v);

    key_u32(&key, log_number);
    key_u64(&value, seq);
    if (seq == END_OPEN) {
        (void)kv_delete(txn, VIEW_ENDS, out_written(&key));
    } else {
        kv_put(txn, VIEW_ENDS, out_written(&key), out_written(&value));
    }
}

#include "store/batch.h"

#include <assert.h>
#include <stdlib.h>

struct item {
    uint64_t prefix; /* first 8 bytes of the key as a number: decides most comparisons without touching the bytes */
    size_t at;       /* of the key in `bytes`; the value follows it */
    uint32_t value_n;
    uint16_t key_n;
};

struct batch {
    struct item *items;
    size_t count, items_cap;
    uint8_t *bytes;
    size_t bytes_n, bytes_cap;
};

struct batch *batch_new(void)
{
    return calloc(1, sizeof(struct batch));
}

void batch_destroy(struct batch **batch)
{
    if (*batch != NULL) {
        free((*batch)->items);
        free((*batch)->bytes);
        free(*batch);
        *batch = NULL;
    }
}

/* Make room for `more` bytes and one item. */
static bool make_room(struct batch *batch, size_t more)
{
    if (batch->count == batch->items_cap) {
        size_t cap = batch->items_cap == 0 ? 256 : batch->items_cap * 2;
        struct item *items = cap > SIZE_MAX / sizeof *items ? NULL : realloc(batch->items, cap * sizeof *items);
        if (items == NULL) {
            return false;
        }
        batch->items = items;
        batch->items_cap = cap;
    }
    if (more > batch->bytes_cap - batch->bytes_n) {
        if (more > SIZE_MAX / 2 - batch->bytes_cap) {
            return false;
        }
        size_t cap = batch->bytes_cap * 2 + more + 4096;
        uint8_t *bytes = realloc(batch->bytes, cap);
        if (bytes == NULL) {
            return false;
        }
        batch->bytes = bytes;
        batch->bytes_cap = cap;
    }
    return true;
}

enum err batch_add(struct batch *batch, struct span key, struct span value)
{
    assert(key.n >= 1 && key.n <= KV_KEY_BYTES_MAX && value.n <= UINT32_MAX);
    if (!make_room(batch, key.n + value.n)) {
        return ERR_MEMORY;
    }
    uint8_t first[8] = {0};
    memcpy(first, key.p, key.n < sizeof first ? key.n : sizeof first);
    batch->items[batch->count] = (struct item){key_read_u64(first), batch->bytes_n, (uint32_t)value.n, (uint16_t)key.n};
    batch->count++;
    memcpy(batch->bytes + batch->bytes_n, key.p, key.n);
    batch->bytes_n += key.n;
    if (value.n > 0) {
        memcpy(batch->bytes + batch->bytes_n, value.p, value.n);
        batch->bytes_n += value.n;
    }
    return ERR_OK;
}

size_t batch_count(const struct batch *batch)
{
    return batch->count;
}

size_t batch_bytes(const struct batch *batch)
{
    return batch->bytes_n;
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct item *x = a;
    const struct item *y = b;
    const uint8_t *bytes = arg;
    if (x->prefix != y->prefix) {
        return x->prefix < y->prefix ? -1 : 1;
    }
    size_t n = x->key_n < y->key_n ? x->key_n : y->key_n;
    int order = memcmp(bytes + x->at, bytes + y->at, n);
    if (order != 0) {
        return order;
    }
    if (x->key_n != y->key_n) {
        return x->key_n < y->key_n ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at; /* `at` rises in the order added, so this is a stable sort */
}

void batch_sort(struct batch *batch)
{
    if (batch->count > 1) {
        qsort_r(batch->items, batch->count, sizeof batch->items[0], compare, batch->bytes);
    }
}

void batch_at(const struct batch *batch, size_t index, struct span *ret_key, struct span *ret_value)
{
    assert(index < batch->count);
    const struct item *item = &batch->items[index];
    *ret_key = span_of(batch->bytes + item->at, item->key_n);
    *ret_value = span_of(batch->bytes + item->at + item->key_n, item->value_n);
}

void batch_put(struct batch *batch, struct kv_txn *txn, uint32_t table)
{
    struct kv_cursor cursor;
    struct span key, value, next_key, next_value;
    batch_sort(batch);
    kv_cursor_open(txn, table, &cursor);
    for (size_t i = 0; i < batch->count; i++) {
        batch_at(batch, i, &key, &value);
        if (i + 1 < batch->count) {
            batch_at(batch, i + 1, &next_key, &next_value);
            if (span_equal(key, next_key)) {
                continue; /* a later one for the same key follows */
            }
        }
        kv_cursor_put(&cursor, key, value);
    }
    kv_cursor_close(&cursor);
    batch_clear(batch);
}

void batch_clear(struct batch *batch)
{
    batch->count = 0;
    batch->bytes_n = 0;
}

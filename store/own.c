/* own.c - our own records by id. What a transaction changes is gathered here and put in key order when it commits: ids are random, and keys in
 * disorder cost three times as much (MEASUREMENTS A2). */
#include "store/env.h"

#include <assert.h>
#include <stdlib.h>

enum { OWN_ROW_BYTES = 52, OWN_ROW_EXPIRES_BYTES = 56, SLOTS_MIN = 256 };

struct item {
    struct record_id id;
    struct own_record own;
};

struct own_cache {
    struct item *items;
    uint32_t count, cap;
    uint32_t *slots; /* hash table: index + 1, 0 empty; always more than twice as many as items */
    uint32_t slot_count;
};

struct own_cache *own_new(void)
{
    return calloc(1, sizeof(struct own_cache));
}

void own_destroy(struct own_cache **own)
{
    if (*own != NULL) {
        free((*own)->items);
        free((*own)->slots);
        free(*own);
        *own = NULL;
    }
}

void own_forget(struct own_cache *own)
{
    if (own->count > 0) {
        memset(own->slots, 0, own->slot_count * sizeof *own->slots);
        own->count = 0;
    }
}

/* Where an id stands, or the empty slot where it would. Ids are made here, at random or under a keyed hash: nobody chooses collisions. */
static uint32_t slot_of(const struct own_cache *own, const struct record_id *id)
{
    uint32_t slot = key_read_u32(id->b + 12) & (own->slot_count - 1);
    while (own->slots[slot] != 0 && memcmp(own->items[own->slots[slot] - 1].id.b, id->b, sizeof id->b) != 0) {
        slot = (slot + 1) & (own->slot_count - 1);
    }
    return slot;
}

static enum err make_room(struct own_cache *own)
{
    if (own->count == own->cap) {
        uint32_t cap = own->cap == 0 ? SLOTS_MIN / 2 : own->cap * 2;
        struct item *items = cap > UINT32_MAX / 4 ? NULL : realloc(own->items, cap * sizeof *items);
        uint32_t *slots = items == NULL ? NULL : calloc((size_t)cap * 2, sizeof *slots);
        if (items != NULL) {
            own->items = items;
        }
        if (slots == NULL) {
            return ERR_MEMORY;
        }
        free(own->slots);
        own->slots = slots;
        own->cap = cap;
        own->slot_count = cap * 2;
        for (uint32_t i = 0; i < own->count; i++) {
            own->slots[slot_of(own, &own->items[i].id)] = i + 1;
        }
    }
    return ERR_OK;
}

enum err store_own_get(struct store *store, const struct record_id *id, struct own_record *ret)
{
    struct own_cache *own = store->own;
    struct span row;
    assert(store->is_writing);
    uint32_t slot = own->count == 0 ? 0 : slot_of(own, id);
    if (own->count > 0 && own->slots[slot] != 0) {
        *ret = own->items[own->slots[slot] - 1].own;
        return ERR_OK;
    }
    if (!kv_get(&store->txn, TABLE_OWN, span_of(id->b, sizeof id->b), &row)) {
        return store->txn.err != ERR_OK ? store->txn.err : ERR_NOT_FOUND;
    }
    if (row.n != OWN_ROW_BYTES && row.n != OWN_ROW_EXPIRES_BYTES) {
        return ERR_CORRUPT;
    }
    memcpy(ret->version.b, row.p, 32);
    ret->depth = key_read_u32(row.p + 32);
    memcpy(ret->content, row.p + 36, 16);
    ret->expiry_day = row.n == OWN_ROW_EXPIRES_BYTES ? key_read_u32(row.p + OWN_ROW_BYTES) : 0;
    return ERR_OK;
}

enum err store_own_put(struct store *store, const struct record_id *id, const struct own_record *record)
{
    struct own_cache *own = store->own;
    assert(store->is_writing);
    enum err err = make_room(own);
    if (err != ERR_OK) {
        return err;
    }
    uint32_t slot = slot_of(own, id);
    if (own->slots[slot] == 0) {
        own->items[own->count].id = *id;
        own->slots[slot] = ++own->count;
    }
    own->items[own->slots[slot] - 1].own = *record;
    return store->txn.err;
}

enum err store_own_remove(struct store *store, const struct record_id *id)
{
    assert(store->is_writing);
    own_flush(store); /* it may be among what is gathered */
    (void)kv_delete(&store->txn, TABLE_OWN, span_of(id->b, sizeof id->b));
    return store->txn.err;
}

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    return memcmp(x->id.b, y->id.b, sizeof x->id.b);
}

void own_flush(struct store *store)
{
    struct own_cache *own = store->own;
    struct kv_cursor cursor;
    if (own->count == 0) {
        return;
    }
    qsort(own->items, own->count, sizeof *own->items, compare_items);
    kv_cursor_open(&store->txn, TABLE_OWN, &cursor);
    for (uint32_t i = 0; i < own->count; i++) {
        const struct item *item = &own->items[i];
        uint8_t mem[OWN_ROW_EXPIRES_BYTES];
        struct out row = out_into(mem, sizeof mem);
        out_bytes(&row, item->own.version.b, sizeof item->own.version.b);
        key_u32(&row, item->own.depth);
        out_bytes(&row, item->own.content, sizeof item->own.content);
        if (item->own.expiry_day != 0) {
            key_u32(&row, item->own.expiry_day);
        }
        kv_cursor_put(&cursor, span_of(item->id.b, sizeof item->id.b), out_written(&row));
    }
    kv_cursor_close(&cursor);
    own_forget(own);
}

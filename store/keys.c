#include "store/keys.h"

#include <assert.h>
#include <stdlib.h>

enum { ROW_KEY_BYTES = 32 + 4 + 8 + 1, ROW_BYTES = 8, ID_AND_LOG_BYTES = 32 + 4 };

/* The writer's logs are on disk only when its transaction ends. */
static enum err source_log(const struct key_source *source, uint32_t number, struct log *ret)
{
    enum err err = ERR_OK;

    if (source->writer != NULL) {
        const struct log *log = log_at(source->writer, number);
        if (log == NULL) {
            return source->txn->err;
        }
        *ret = *log;
    } else {
        err = log_load(source->txn, source->region, number, ret);
    }
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

static struct span row_key(const struct hash *id, uint32_t log_number, uint64_t seq, uint32_t entry, uint8_t mem[ROW_KEY_BYTES])
{
    struct out key = out_into(mem, ROW_KEY_BYTES);

    out_bytes(&key, id->b, sizeof id->b);
    key_u32(&key, log_number);
    key_u64(&key, seq);
    key_u8(&key, (uint8_t)entry);
    return out_written(&key);
}

static enum err row_read(struct span key, struct span value, struct hash *ret_id, struct key_place *ret)
{
    if (key.n != ROW_KEY_BYTES || value.n != ROW_BYTES) {
        return ERR_CORRUPT;
    }
    memcpy(ret_id->b, key.p, sizeof ret_id->b);
    *ret = (struct key_place){key_read_u64(value.p), key_read_u32(key.p + 32), key_read_u64(key.p + 36), key.p[44]};
    return ret->entry < COMMIT_ENTRIES_MAX ? ERR_OK : ERR_CORRUPT;
}

enum err key_entry_read(struct unpack *unpack, const struct entry *entry, struct sender_key *ret)
{
    const char *clause;
    enum err err;

    if ((entry->leaf.kind != ENTRY_KEY && entry->leaf.kind != ENTRY_GRANT) || !entry->has_payload || entry->leaf.codec != CODEC_PLAIN ||
        entry->leaf.audience_bytes != 0) {
        return ERR_NOT_FOUND;
    }
    err = sender_key_read(unpack, entry->payload, ret, &clause);
    return err == ERR_OK || err == ERR_MEMORY ? err : ERR_NOT_FOUND;
}

/* ---- the writer ---- */

void keys_note(struct store *store, const struct log *log, const struct commit *commit)
{
    struct sender_key key;

    for (uint32_t i = 0; i < commit->entry_count; i++) {
        if (commit->entries[i].leaf.kind != ENTRY_KEY && commit->entries[i].leaf.kind != ENTRY_GRANT) {
            continue;
        }
        enum err err = key_entry_read(store->unpack, &commit->entries[i], &key);
        if (err == ERR_OK) {
            uint8_t mem[ROW_KEY_BYTES], value_mem[ROW_BYTES];
            struct out value = out_into(value_mem, sizeof value_mem);
            key_u64(&value, store->journal_end);
            kv_put(&store->txn, TABLE_KEYS, row_key(&key.id, log->number, log->chain.seq, i, mem), out_written(&value));
        } else if (err == ERR_MEMORY && store->txn.err == ERR_OK) {
            store->txn.err = err;
        }
    }
}

/* The ids of what is taken back are anywhere in the table. It is short, and this rare. */
void keys_take_back(struct store *store, uint32_t log_number, uint64_t first)
{
    struct kv_cursor cursor;
    bool ok;

    kv_cursor_open(&store->txn, TABLE_KEYS, &cursor);
    for (ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
        struct key_place place;
        struct hash id;
        if (row_read(cursor.key, cursor.value, &id, &place) == ERR_OK && place.log_number == log_number && place.seq >= first) {
            kv_cursor_delete(&cursor);
        }
    }
    kv_cursor_close(&cursor);
}

/* ---- rows ---- */

enum err keys_row_get(struct kv_txn *txn, const struct hash *id, uint32_t log_number, uint64_t seq, uint32_t entry, uint64_t *ret_number)
{
    uint8_t mem[ROW_KEY_BYTES];
    struct span value;

    if (!kv_get(txn, TABLE_KEYS, row_key(id, log_number, seq, entry, mem), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_NOT_FOUND;
    }
    if (value.n != ROW_BYTES) {
        return ERR_CORRUPT;
    }
    *ret_number = key_read_u64(value.p);
    return ERR_OK;
}

enum err keys_each(struct kv_txn *txn, bool (*each)(void *arg, const struct hash *id, const struct key_place *place), void *arg)
{
    struct kv_cursor cursor;
    enum err err = ERR_OK;

    kv_cursor_open(txn, TABLE_KEYS, &cursor);
    for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
        struct key_place place;
        struct hash id;
        err = row_read(cursor.key, cursor.value, &id, &place);
        if (err != ERR_OK || !each(arg, &id, &place)) {
            break;
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : txn->err;
}

static int place_compare(const void *a, const void *b)
{
    const struct key_place *x = a, *y = b;

    if (x->number != y->number) {
        return x->number < y->number ? -1 : 1;
    }
    return (x->entry > y->entry) - (x->entry < y->entry);
}

struct places {
    struct key_place *items;
    size_t count, cap;
};

static enum err places_add(struct places *places, const struct key_place *place)
{
    if (places->count == places->cap) {
        size_t cap = places->cap == 0 ? 16 : places->cap * 2;
        struct key_place *items = realloc(places->items, cap * sizeof *items);
        if (items == NULL) {
            return ERR_MEMORY;
        }
        places->items = items;
        places->cap = cap;
    }
    places->items[places->count++] = *place;
    return ERR_OK;
}

/* Rows of one id come log by log. Whoever names the id of somebody else costs a step for each of his logs, not for each of his rows. */
enum err keys_places(const struct key_source *source, const struct hash *id, const struct node_id *author, struct key_place **ret, size_t *ret_count)
{
    struct kv_txn *txn = source->txn;
    struct places places = {NULL, 0, 0};
    struct span prefix = span_of(id->b, sizeof id->b);
    struct kv_cursor cursor;
    uint32_t log_number = 0;
    enum err err = ERR_OK;
    bool ok;

    kv_cursor_open(txn, TABLE_KEYS, &cursor);
    ok = kv_seek_prefix(&cursor, prefix);
    while (ok && err == ERR_OK && places.count < KEY_PLACES_MAX) {
        struct key_place place;
        struct hash same;
        struct log log;
        err = row_read(cursor.key, cursor.value, &same, &place);
        if (err == ERR_OK && place.log_number != log_number) {
            err = source_log(source, place.log_number, &log);
            if (err == ERR_OK && !node_id_equal(&log.chain.node, author)) {
                uint8_t mem[ROW_KEY_BYTES];
                struct span next = row_key(id, place.log_number + 1, 0, 0, mem);
                ok = kv_seek(&cursor, span_of(next.p, ID_AND_LOG_BYTES)) && key_has_prefix(cursor.key, prefix);
                continue;
            }
            log_number = place.log_number;
        }
        if (err == ERR_OK) {
            err = places_add(&places, &place);
        }
        ok = ok && kv_next_prefix(&cursor, prefix);
    }
    kv_cursor_close(&cursor);
    err = err != ERR_OK ? err : txn->err;
    err = err == ERR_OK && places.count == 0 ? ERR_NOT_FOUND : err;
    if (err != ERR_OK) {
        free(places.items);
        return err;
    }
    qsort(places.items, places.count, sizeof *places.items, place_compare);
    *ret = places.items;
    *ret_count = places.count;
    return ERR_OK;
}

/* ---- what stands there ---- */

enum err key_commit(const struct key_source *source, const struct key_place *place)
{
    struct log log;
    struct hash hash;
    enum err err = source_log(source, place->log_number, &log);

    if (err == ERR_OK) {
        err = commit_load(source->txn, source->unpack, source->packer, &log, place->seq, source->commit, &hash);
    }
    if (err == ERR_OK && place->entry >= source->commit->entry_count) {
        err = ERR_CORRUPT;
    }
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

enum err key_assemble(const struct key_source *source, uint32_t first, struct hash *ret_id, struct audience *ret, struct sender_wrap *wraps,
                      struct box_public *ret_ephemeral)
{
    const struct commit *commit = source->commit;
    struct sender_key key;
    uint32_t parts = 1;

    ret->count = 0;
    for (uint32_t i = 0; i < parts; i++) {
        if (first + i >= commit->entry_count || commit->entries[first + i].leaf.kind != ENTRY_KEY) {
            return ERR_NOT_FOUND;
        }
        enum err err = key_entry_read(source->unpack, &commit->entries[first + i], &key);
        if (err != ERR_OK) {
            return err;
        }
        if (i == 0) {
            parts = key.parts;
            *ret_id = key.id;
            *ret_ephemeral = key.ephemeral;
        }
        if (key.part != i + 1 || key.parts != parts || !hash_equal(&key.id, ret_id) ||
            memcmp(key.ephemeral.b, ret_ephemeral->b, sizeof key.ephemeral.b) != 0) {
            return ERR_NOT_FOUND;
        }
        for (uint32_t j = 0; j < key.count; j++) {
            assert(ret->count < AUDIENCE_NODES_MAX); /* sender_key_read has counted */
            if (wraps != NULL) {
                wraps[ret->count] = key.wraps[j];
            }
            ret->nodes[ret->count++] = key.wraps[j].node;
        }
    }
    return audience_is_valid(ret) ? ERR_OK : ERR_NOT_FOUND;
}

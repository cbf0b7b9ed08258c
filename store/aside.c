/* aside.c - commits of a branch that gave way to the one that is final (README 3.6): evidence, in no index, thinned out as everything else is. */
#include "store/env.h"

#include <stdlib.h>

enum { ASIDE_KEY_BYTES = 4 + 32, ASIDE_ROW_BYTES = 8 + 32 + 8 };

static struct span aside_key(uint32_t number, const struct hash *hash, uint8_t mem[ASIDE_KEY_BYTES])
{
    struct out key = out_into(mem, ASIDE_KEY_BYTES);
    key_u32(&key, number);
    out_bytes(&key, hash->b, sizeof hash->b);
    return out_written(&key);
}

/* Evidence is kept no longer than what it is evidence of: payloads with a day on which they go are left out at once, those that an order names when it comes. */
static bool is_to_go(struct store *store, const struct log *log, const struct entry *entry)
{
    return entry->has_payload && leaf_may_go(&entry->leaf) && (entry->leaf.expiry_day != 0 || erased_is_in_force(store, &log->chain.node, &entry->leaf.content));
}

/* Leave out what is to go. True when something was. */
static bool thin_out(struct store *store, const struct log *log, struct commit *commit)
{
    bool is_less = false;
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        struct entry *entry = &commit->entries[i];
        if (is_to_go(store, log, entry)) {
            entry->has_payload = false;
            entry->payload = span_of(NULL, 0);
            memset(entry->salt, 0, sizeof entry->salt);
            is_less = true;
        }
    }
    return is_less;
}

struct aside_place { /* what a commit set aside stands on goes with it, so that it can be checked by itself */
    uint64_t seq;
    struct hash hash, previous;
    uint64_t entries; /* in the log before it */
};

static enum err aside_write(struct store *store, uint32_t number, const struct aside_place *place, struct span packed)
{
    uint8_t key[ASIDE_KEY_BYTES];
    uint8_t *memory = malloc(ASIDE_ROW_BYTES + packed.n); /* what is borrowed ends at the next write */
    if (memory == NULL) {
        return ERR_MEMORY;
    }
    struct out value = out_into(memory, ASIDE_ROW_BYTES + packed.n);
    key_u64(&value, place->seq);
    out_bytes(&value, place->previous.b, sizeof place->previous.b);
    key_u64(&value, place->entries);
    out_span(&value, packed);
    kv_put(&store->txn, TABLE_ASIDES, aside_key(number, &place->hash, key), out_written(&value));
    free(memory);
    return store->txn.err;
}

enum err aside_put(struct store *store, const struct log *log, uint64_t seq)
{
    struct commit_row row, before;
    struct aside_place place = {.seq = seq};
    enum err err = commit_load(&store->txn, store->unpack, store->packer, log, seq, store->other, &place.hash);
    if (err == ERR_OK) {
        err = commit_row_get(&store->txn, log->number, seq - 1, &before);
    }
    if (err == ERR_OK) {
        place.previous = before.hash;
        place.entries = before.entries;
        if (thin_out(store, log, store->other)) {
            err = erase_pack(store, store->other, &row.body);
        } else {
            err = commit_row_get(&store->txn, log->number, seq, &row);
        }
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    return aside_write(store, log->number, &place, row.body);
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

/* Completed by what it stands on, and compared with the hash under which it lies (L3): ERR_BADHASH when it is not that. */
static enum err aside_open(struct unpack *unpack, struct commit_packer *packer, const struct log *log, struct span value, struct aside_place *place, struct commit *ret)
{
    struct span reduced;
    struct hash hash;
    const char *clause = NULL;
    struct chain chain = log->chain;
    place->seq = key_read_u64(value.p);
    memcpy(place->previous.b, value.p + 8, sizeof place->previous.b);
    place->entries = key_read_u64(value.p + 40);
    chain.seq = place->seq - 1;
    chain.hash = place->previous;
    chain.entries = place->entries;
    enum err err = commit_unpack(packer, span_of(value.p + ASIDE_ROW_BYTES, value.n - ASIDE_ROW_BYTES), &reduced, &clause);
    if (err == ERR_OK) {
        err = commit_reduced_decode(unpack, reduced, ret, &clause);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? err : ERR_BADHASH;
    }
    commit_complete(&chain, ret);
    commit_hash(ret, &hash);
    return hash_equal(&hash, &place->hash) ? ERR_OK : ERR_BADHASH;
}

static enum err aside_read(struct store_read *read, struct span key, struct span value, struct aside *ret)
{
    struct aside_place place = {0};
    struct log log;
    if (key.n != ASIDE_KEY_BYTES || value.n <= ASIDE_ROW_BYTES) {
        return ERR_CORRUPT;
    }
    memcpy(place.hash.b, key.p + 4, sizeof place.hash.b);
    enum err err = log_load(&read->txn, &read->store->region, key_read_u32(key.p), &log);
    if (err == ERR_OK) {
        err = aside_open(read->unpack, read->packer, &log, value, &place, read->commit);
    }
    if (err != ERR_OK && err != ERR_BADHASH) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    *ret = (struct aside){.log_number = log.number, .seq = place.seq, .hash = place.hash, .commit = err == ERR_OK ? read->commit : NULL};
    return ERR_OK;
}

/* Evidence is little: all of an author's is looked through. What is damaged is left to fsck. */
enum err asides_erase(struct store *store, const struct node_id *author)
{
    struct kv_cursor cursor;
    enum err err = ERR_OK;
    kv_cursor_open(&store->txn, TABLE_ASIDES, &cursor);
    for (bool ok = kv_first(&cursor); ok && err == ERR_OK; ok = kv_next(&cursor)) {
        struct aside_place place = {0};
        struct span packed;
        const struct log *log = cursor.key.n == ASIDE_KEY_BYTES && cursor.value.n > ASIDE_ROW_BYTES ? log_at(store, key_read_u32(cursor.key.p)) : NULL;
        if (log == NULL || !node_id_equal(&log->chain.node, author)) {
            continue;
        }
        memcpy(place.hash.b, cursor.key.p + 4, sizeof place.hash.b);
        err = aside_open(store->unpack, store->packer, log, cursor.value, &place, store->other);
        if (err == ERR_OK && thin_out(store, log, store->other)) {
            uint8_t key[ASIDE_KEY_BYTES];
            err = erase_pack(store, store->other, &packed);
            if (err == ERR_OK) {
                err = aside_write(store, log->number, &place, packed);
            }
            if (err == ERR_OK && !kv_seek_exact(&cursor, aside_key(log->number, &place.hash, key))) {
                break; /* the write has moved the rows: the cursor is put where it was */
            }
        }
        err = err == ERR_BADHASH ? ERR_OK : err;
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : store->txn.err;
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

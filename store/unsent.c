/* unsent.c - own commits that have certainly not left this machine: marked when they are appended, taken back and issued again when their log has to
 * give way to what others hold of it (store/README.md 5). */
#include "store/author.h"
#include "store/keys.h"
#include "store/opener.h"

#include <assert.h>
#include <stdlib.h>

#define META_UNSENT "unsent"
#define META_CLOSED "closed"
enum { UNSENT_KEY_BYTES = 6 + 4 };

/* ---- marks ---- */

static struct span unsent_key(uint32_t number, uint8_t mem[UNSENT_KEY_BYTES])
{
    struct out key = out_into(mem, UNSENT_KEY_BYTES);
    out_span(&key, span_text(META_UNSENT));
    key_u32(&key, number);
    return out_written(&key);
}

uint64_t unsent_first(struct kv_txn *txn, uint32_t number)
{
    uint8_t mem[UNSENT_KEY_BYTES];
    struct span value;
    return kv_get(txn, TABLE_META, unsent_key(number, mem), &value) && value.n == 8 ? key_read_u64(value.p) : 0;
}

void unsent_mark(struct store *store, uint32_t number, uint64_t seq)
{
    uint8_t mem[UNSENT_KEY_BYTES], value_mem[8];
    struct out value = out_into(value_mem, sizeof value_mem);
    if (unsent_first(&store->txn, number) == 0) { /* what an earlier life could not send is not sent yet */
        key_u64(&value, seq);
        kv_put(&store->txn, TABLE_META, unsent_key(number, mem), out_written(&value));
    }
}

static void marks_forget(struct store *store)
{
    struct kv_cursor cursor;
    kv_cursor_open(&store->txn, TABLE_META, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_text(META_UNSENT)); ok; ok = kv_next_prefix(&cursor, span_text(META_UNSENT))) {
        kv_cursor_delete(&cursor);
    }
    kv_cursor_close(&cursor);
}

enum err author_released(struct author *author)
{
    assert(author->store->is_writing);
    author->is_released = true;
    marks_forget(author->store);
    return author->store->txn.err;
}

bool author_is_released(const struct author *author)
{
    return author->is_released;
}

/* ---- taking back ---- */

/* The sender key of a sealed entry, whose commit has left and stays where it is, also in `to`: each log has the keys under which its entries are sealed, whatever becomes
 * of the others. The same bytes with the time they had, so it is as old as it was. */
static enum err key_again(struct author *author, const struct hash *id, struct log *to, uint64_t roster_number)
{
    struct store *store = author->store;
    struct key_source source = {&store->txn, store, &store->region, store->unpack, store->packer, store->commit};
    struct key_place *places = NULL;
    size_t count = 0;
    uint32_t parts = 0;
    bool is_there = false;
    struct audience *audience = malloc(sizeof *audience);
    enum err err = audience == NULL ? ERR_MEMORY : keys_places(&source, id, &store->self, &places, &count);
    for (size_t i = 0; i < count; i++) {
        is_there = is_there || places[i].log_number == to->number;
    }
    for (size_t i = 0; err == ERR_OK && i < count && parts == 0 && !is_there; i++) {
        struct box_public ephemeral;
        struct hash same;
        err = key_commit(&source, &places[i]);
        if (err == ERR_OK) {
            err = key_assemble(&source, places[i].entry, &same, audience, NULL, &ephemeral);
        }
        if (err == ERR_OK && hash_equal(&same, id)) {
            parts = sender_key_parts(audience->count);
            memcpy(author->commit->entries, &store->commit->entries[places[i].entry], parts * sizeof *author->commit->entries);
        }
        err = err == ERR_NOT_FOUND ? ERR_OK : err; /* a grant, or a further part */
    }
    free(places);
    free(audience);
    if (err != ERR_OK || parts == 0) {
        return err == ERR_NOT_FOUND ? ERR_OK : err; /* of no key that is held */
    }
    author->commit->entry_count = parts;
    return append_one(author, to, author->slots[to->chain.channel].key, store->commit->author_time, roster_number, NULL);
}

/* The keys of everything sealed in the commit at `seq`. */
static enum err keys_again(struct author *author, const struct log *from, uint64_t seq, struct log *to, uint64_t roster_number)
{
    struct store *store = author->store;
    struct hash ids[COMMIT_ENTRIES_MAX], hash;
    uint32_t count = 0;
    enum err err = commit_load(&store->txn, store->unpack, store->packer, from, seq, store->other, &hash);
    for (uint32_t i = 0; err == ERR_OK && i < store->other->entry_count; i++) {
        const struct entry *entry = &store->other->entries[i];
        if (entry_is_sealed(entry) && (count == 0 || memcmp(ids[count - 1].b, entry->leaf.audience, sizeof ids->b) != 0)) {
            memcpy(ids[count++].b, entry->leaf.audience, sizeof ids->b);
        }
    }
    for (uint32_t i = 0; err == ERR_OK && i < count; i++) {
        err = key_again(author, &ids[i], to, roster_number);
    }
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

/* The commit at `seq` again, as the next of `to`: same entries, same salts, so every content hash, by which versions are named, stays. */
static enum err issue_again(struct author *author, const struct log *from, uint64_t seq, struct log *to, uint64_t roster_number, uint8_t *memory,
                            struct gave_way *ret)
{
    struct store *store = author->store;
    struct commit *held = store->other, *commit = author->commit;
    struct hash hash;
    size_t used = 0;
    uint32_t n = 0;
    enum err err = keys_again(author, from, seq, to, roster_number);
    if (err == ERR_OK) {
        err = commit_load(&store->txn, store->unpack, store->packer, from, seq, held, &hash);
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    for (uint32_t i = 0; i < held->entry_count; i++) {
        const struct entry *entry = &held->entries[i];
        if (!entry->has_payload) {
            continue; /* expired: there is nothing to say again */
        }
        assert(used + entry->payload.n <= COMMIT_BYTES_MAX);
        memcpy(memory + used, entry->payload.p, entry->payload.n); /* what is borrowed ends at the next write */
        commit->entries[n] = *entry;
        commit->entries[n++].payload = span_of(memory + used, entry->payload.n);
        used += entry->payload.n;
    }
    if (n == 0) {
        return ERR_OK;
    }
    commit->entry_count = n;
    err = append_one(author, to, author->slots[to->chain.channel].key, held->author_time, roster_number, NULL);
    ret->commits += err == ERR_OK;
    ret->entries += err == ERR_OK ? n : 0;
    return err;
}

/* Remove the commits from `first` on, and the mark. */
static enum err take_back(struct store *store, struct log *log, uint64_t first)
{
    uint8_t mem[UNSENT_KEY_BYTES];
    enum err err = log_take_back(store, log, first);
    if (err != ERR_OK) {
        return err;
    }
    if (log->end_seq != LOG_OPEN_END || log->fork_seq != 0) { /* another branch may be final now that ours is not in its way */
        log_end_update(store, log);
    }
    (void)kv_delete(&store->txn, TABLE_META, unsent_key(log->number, mem));
    store->ends_changed++;
    return store->txn.err;
}

/* The log is never appended to again, whatever happens to the transaction: its key goes first. */
static enum err close_for_good(struct author *author, const struct log *log)
{
    struct slot *slot = &author->slots[log->chain.channel];
    char name[KEY_NAME_LOG_BYTES];
    if (slot->key != NULL && log_id_compare(&slot->log, &log->chain.log) == 0) {
        slot->is_closing = true;
    }
    log_key_name(&log->chain.log, name);
    return keyring_remove(author->keyring, name);
}

/* The last commit that was appended here: what stands beyond it when the log has been closed came from others. */
static uint64_t closed_at(struct store *store, const struct log *log)
{
    uint8_t mem[UNSENT_KEY_BYTES], value_mem[8];
    struct out key = out_into(mem, sizeof mem), value = out_into(value_mem, sizeof value_mem);
    struct span held;
    out_span(&key, span_text(META_CLOSED));
    key_u32(&key, log->number);
    if (kv_get(&store->txn, TABLE_META, out_written(&key), &held) && held.n == 8) {
        return key_read_u64(held.p);
    }
    key_u64(&value, log->chain.seq);
    kv_put(&store->txn, TABLE_META, out_written(&key), out_written(&value));
    return log->chain.seq;
}

static enum err give_way(struct author *author, struct log *log, uint64_t from, uint64_t roster_number, struct gave_way *ret)
{
    struct store *store = author->store;
    struct log *fresh = NULL;
    uint64_t first = unsent_first(&store->txn, log->number), last = closed_at(store, log);
    enum err err = close_for_good(author, log);
    if (from != 0 && (first == 0 || from < first)) {
        first = from;
    }
    last = last < log->chain.seq ? last : log->chain.seq;
    if (err != ERR_OK || first == 0 || first > last) {
        return err;
    }
    uint8_t *memory = malloc(COMMIT_BYTES_MAX);
    err = memory == NULL ? ERR_MEMORY : slot_open(author, log->chain.channel, &fresh);
    for (uint64_t seq = first; err == ERR_OK && seq <= last; seq++) {
        err = issue_again(author, log, seq, fresh, roster_number, memory, ret);
    }
    free(memory);
    if (err == ERR_OK) {
        err = take_back(store, log, first);
    }
    if (err == ERR_OK) {
        ret->reissued = (struct head){fresh->chain.log, fresh->chain.seq, fresh->chain.entries, fresh->chain.hash};
        err = log_head(&store->txn, log, &ret->after);
    }
    return err;
}

enum err author_give_way(struct author *author, const struct log_id *id, uint64_t from, uint64_t roster_number, struct gave_way *ret)
{
    struct store *store = author->store;
    assert(store->is_writing);
    *ret = (struct gave_way){0};
    struct log *log = log_find(store, id);
    if (log == NULL || !node_id_equal(&log->chain.node, &store->self)) {
        return store->txn.err != ERR_OK ? store->txn.err : ERR_NOT_FOUND;
    }
    ret->channel = log->chain.channel;
    enum err err = log_head(&store->txn, log, &ret->before);
    ret->after = ret->before;
    if (err == ERR_OK) {
        err = give_way(author, log, from, roster_number, ret);
    }
    if (err != ERR_OK && store->txn.err == ERR_OK) {
        store->txn.err = err; /* half of it must not become durable */
    }
    return err;
}

/* ---- leaving by hand ---- */

/* Begun in this author's life: nobody, in whatever earlier or other life of this home, can have written into it. */
static bool is_born(const struct author *author, const struct log *log)
{
    return log_id_compare(&author->born[log->chain.channel], &log->chain.log) == 0;
}

/* The channel's open log, if it is an older one, is appended to no more: what is issued again goes into one that is begun now. */
static void leave_older(struct author *author, enum channel channel)
{
    struct slot *slot = &author->slots[channel];
    if (slot->key == NULL || log_id_compare(&slot->log, &author->born[channel]) != 0) {
        slot->is_closing = true;
    }
}

enum err author_leaves(struct author *author, uint64_t roster_number, struct leaving *ret)
{
    struct store *store = author->store;
    uint32_t count = store->log_count; /* without those that are begun below */
    enum err err = ERR_OK;
    assert(store->is_writing);
    *ret = (struct leaving){0};
    if (author->is_released) {
        return ERR_OK;
    }
    for (uint32_t number = 1; number <= count && err == ERR_OK; number++) {
        struct log *log = log_at(store, number);
        struct gave_way gave_way;
        if (log == NULL) {
            return store->txn.err;
        }
        uint64_t first = unsent_first(&store->txn, number);
        if (!node_id_equal(&log->chain.node, &store->self) || first == 0 || first > log->chain.seq || is_born(author, log)) {
            continue;
        }
        leave_older(author, log->chain.channel);
        err = author_give_way(author, &log->chain.log, 0, roster_number, &gave_way);
        if (err == ERR_OK && gave_way.commits > 0) {
            ret->entries += gave_way.entries;
            ret->heads[gave_way.channel] = gave_way.reissued;
        }
    }
    if (err == ERR_OK) {
        marks_forget(store);
        for (size_t i = 0; i < CHANNEL_COUNT; i++) {
            author->slots[i].is_marked = false;
        }
    }
    return err != ERR_OK ? err : store->txn.err;
}

bool author_has_proof(const struct author *author, struct store_read *read, const struct head *head)
{
    struct commit_row row;
    uint32_t number;
    bool is_ours = false;
    for (size_t i = 0; i < CHANNEL_COUNT; i++) {
        is_ours = is_ours || log_id_compare(&author->born[i], &head->log) == 0;
    }
    return is_ours && head->seq > 0 && log_number_of(&read->txn, &head->log, &number) == ERR_OK &&
           commit_row_get(&read->txn, number, head->seq, &row) == ERR_OK && hash_equal(&row.hash, &head->hash);
}

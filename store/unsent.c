/* unsent.c - own commits that have certainly not left this machine: marked when they are appended, taken back and issued again when their log has to
 * give way to what others hold of it (store/README.md 5). */
#include "store/author.h"
#include "store/keys.h"

#include <assert.h>
#include <stdlib.h>

#define META_UNSENT "unsent"
#define META_EPOCH "epoch"
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

enum err author_released(struct author *author)
{
    struct store *store = author->store;
    struct kv_cursor cursor;
    assert(store->is_writing);
    author->is_released = true;
    kv_cursor_open(&store->txn, TABLE_META, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_text(META_UNSENT)); ok; ok = kv_next_prefix(&cursor, span_text(META_UNSENT))) {
        kv_cursor_delete(&cursor);
    }
    kv_cursor_close(&cursor);
    return store->txn.err;
}

/* ---- the epoch ---- */

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

/* ---- taking back ---- */

/* The commit at `seq` again, as the next of `to`: same entries, same salts, so every content hash, by which versions are named, stays. */
static enum err issue_again(struct author *author, const struct log *from, uint64_t seq, struct log *to, uint64_t roster_number, uint8_t *memory,
                            struct gave_way *ret)
{
    struct store *store = author->store;
    struct commit *held = store->other, *commit = author->commit;
    struct hash hash;
    size_t used = 0;
    uint32_t n = 0;
    enum err err = commit_load(&store->txn, store->unpack, store->packer, from, seq, held, &hash);
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

/* Remove the commits from `first` on: rows, head, mark; followers of the journal begin again. */
static enum err take_back(struct store *store, struct log *log, uint64_t first)
{
    struct commit_row row;
    struct hash hash;
    uint8_t mem[UNSENT_KEY_BYTES];
    uint64_t roster_version = 0;
    enum err err = commit_row_get(&store->txn, log->number, first - 1, &row);
    struct chain chain = log->chain;
    chain.seq = first - 1;
    if (err == ERR_OK) {
        chain.hash = row.hash;
        chain.entries = row.entries;
    }
    if (err == ERR_OK && first > 1) {
        err = commit_load(&store->txn, store->unpack, store->packer, log, first - 1, store->other, &hash);
        roster_version = err == ERR_OK ? store->other->roster_version : 0;
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    chain.roster_version = roster_version;
    journal_void(store, log->number, first, log->chain.seq);
    for (uint64_t seq = log->chain.seq; seq >= first; seq--) {
        commit_remove(store, log->number, seq);
    }
    keys_take_back(store, log->number, first);
    log->chain = chain;
    log_touch(store, log);
    if (log->end_seq != LOG_OPEN_END || log->fork_seq != 0) { /* another branch may be final now that ours is not in its way */
        log_end_update(store, log);
    }
    (void)kv_delete(&store->txn, TABLE_META, unsent_key(log->number, mem));
    epoch_next(store);
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

static enum err give_way(struct author *author, struct log *log, uint64_t from, uint64_t roster_number, struct gave_way *ret)
{
    struct store *store = author->store;
    struct log *fresh = NULL;
    uint64_t first = unsent_first(&store->txn, log->number);
    enum err err = close_for_good(author, log);
    if (from != 0 && (first == 0 || from < first)) {
        first = from;
    }
    if (err != ERR_OK || first == 0 || first > log->chain.seq) {
        return err;
    }
    uint8_t *memory = malloc(COMMIT_BYTES_MAX);
    err = memory == NULL ? ERR_MEMORY : slot_open(author, log->chain.channel, &fresh);
    for (uint64_t seq = first; err == ERR_OK && seq <= log->chain.seq; seq++) {
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

#include "node/sealed.h"

#include <stdlib.h>
#include <string.h>

enum { SLICE_COMMITS = 1000 /* of one read transaction: some tens of milliseconds */ };

struct counting {
    struct store *store;
    const struct node_id *author;
    struct sealed_table *table;
    struct commit *commit;
    struct log_info *logs;
    size_t log_count, log_cap;
    enum err err;
};

static int compare(const struct sealed_key *key, const struct node_id *author, const struct hash *id)
{
    int order = memcmp(key->author.b, author->b, sizeof author->b);
    return order != 0 ? order : memcmp(key->id.b, id->b, sizeof id->b);
}

/* Where it stands, or would. */
static size_t place_of(const struct sealed_table *table, const struct node_id *author, const struct hash *id)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare(&table->keys[mid], author, id) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

const struct sealed_key *sealed_find(const struct sealed_table *table, const struct node_id *author, const struct hash *id)
{
    size_t at = place_of(table, author, id);
    return at < table->count && compare(&table->keys[at], author, id) == 0 ? &table->keys[at] : NULL;
}

/* NULL: no room, *ret_err says whether that is an error. */
static struct sealed_key *key_of(struct sealed_table *table, const struct node_id *author, const struct hash *id, enum err *ret_err)
{
    size_t at = place_of(table, author, id);
    if (at < table->count && compare(&table->keys[at], author, id) == 0) {
        return &table->keys[at];
    }
    if (table->count == SEALED_KEYS_MAX) {
        return NULL;
    }
    if (table->count == table->cap) {
        size_t cap = table->cap == 0 ? 64 : 2 * table->cap;
        struct sealed_key *more = realloc(table->keys, cap * sizeof *more);
        if (more == NULL) {
            *ret_err = ERR_MEMORY;
            return NULL;
        }
        table->keys = more;
        table->cap = cap;
    }
    memmove(&table->keys[at + 1], &table->keys[at], (table->count - at) * sizeof *table->keys);
    table->count++;
    table->keys[at] = (struct sealed_key){.author = *author, .id = *id};
    return &table->keys[at];
}

static enum err count_entry(struct sealed_table *table, const struct log_info *log, const struct commit *commit, const struct entry *entry)
{
    const struct leaf *leaf = &entry->leaf;
    struct hash id;
    enum err err = ERR_OK;
    if (leaf->codec != CODEC_SEALED || leaf->audience_bytes != sizeof id.b) {
        return ERR_OK;
    }
    memcpy(id.b, leaf->audience, sizeof id.b);
    table->entries++;
    table->bytes += entry->has_payload ? leaf->length : 0;
    struct sealed_key *key = key_of(table, &log->node, &id, &err);
    if (key == NULL) {
        return err;
    }
    if (key->entries == 0 || commit->author_time.ms < key->first.ms) {
        key->first = commit->author_time;
    }
    if (commit->author_time.ms > key->last.ms) {
        key->last = commit->author_time;
    }
    key->entries++;
    key->bytes += entry->has_payload ? leaf->length : 0;
    key->log_number = log->number;
    key->last_seq = commit->seq;
    key->channel = log->channel;
    return ERR_OK;
}

static bool keep_log(void *arg, const struct log_info *log)
{
    struct counting *counting = arg;
    if (counting->author != NULL && !node_id_equal(counting->author, &log->node)) {
        return true;
    }
    if (counting->log_count == counting->log_cap) {
        size_t cap = counting->log_cap == 0 ? 64 : 2 * counting->log_cap;
        struct log_info *more = realloc(counting->logs, cap * sizeof *more);
        if (more == NULL) {
            counting->err = ERR_MEMORY;
            return false;
        }
        counting->logs = more;
        counting->log_cap = cap;
    }
    counting->logs[counting->log_count++] = *log;
    return true;
}

static enum err list_logs(struct counting *counting)
{
    struct store_read *read;
    enum err err = store_read_begin(counting->store, &read);
    if (err == ERR_OK) {
        err = store_logs(read, keep_log, counting);
        store_read_end(&read);
    }
    return err == ERR_OK ? counting->err : err;
}

/* Commits from `*seq` on, one slice of them. Those that were taken back meanwhile are passed over. */
static enum err count_slice(struct counting *counting, const struct log_info *log, uint64_t *seq)
{
    struct store_read *read;
    struct hash hash;
    enum err err = store_read_begin(counting->store, &read);
    for (int i = 0; err == ERR_OK && i < SLICE_COMMITS && *seq <= log->held_seq; i++, (*seq)++) {
        err = store_commit_at(read, log->number, *seq, counting->commit, &hash);
        if (err == ERR_NOT_FOUND) {
            *seq = log->held_seq + 1;
            err = ERR_OK;
            break;
        }
        for (uint32_t j = 0; err == ERR_OK && j < counting->commit->entry_count; j++) {
            err = count_entry(counting->table, log, counting->commit, &counting->commit->entries[j]);
        }
        counting->table->commits++;
    }
    store_read_end(&read);
    return err;
}

enum err sealed_count(struct store *store, const struct node_id *author, void (*progress)(void *arg, uint64_t commits), void *arg, struct sealed_table *ret)
{
    struct counting counting = {.store = store, .author = author, .table = ret, .commit = malloc(sizeof *counting.commit)};
    *ret = (struct sealed_table){.count = 0};
    enum err err = counting.commit == NULL ? ERR_MEMORY : list_logs(&counting);
    for (size_t i = 0; err == ERR_OK && i < counting.log_count; i++) {
        const struct log_info *log = &counting.logs[i];
        for (uint64_t seq = 1; err == ERR_OK && seq <= log->held_seq;) {
            err = count_slice(&counting, log, &seq);
            if (progress != NULL) {
                progress(arg, ret->commits);
            }
        }
    }
    free(counting.logs);
    free(counting.commit);
    if (err != ERR_OK) {
        sealed_fini(ret);
    }
    return err;
}

void sealed_fini(struct sealed_table *table)
{
    free(table->keys);
    *table = (struct sealed_table){.count = 0};
}

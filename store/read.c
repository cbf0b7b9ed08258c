#include "store/env.h"

#include <stdlib.h>

static void read_destroy(struct store_read *read)
{
    if (read != NULL) {
        unpack_destroy(&read->unpack);
        commit_packer_destroy(&read->packer);
        free(read->commit);
        free(read->heads);
        free(read);
    }
}

static struct store_read *read_new(struct store *store)
{
    struct store_read *read = calloc(1, sizeof *read);
    if (read == NULL) {
        return NULL;
    }
    read->store = store;
    read->unpack = unpack_new();
    read->packer = commit_packer_new();
    read->commit = malloc(sizeof *read->commit);
    read->heads = calloc((size_t)2 * FRONTIER_HEADS_MAX, sizeof *read->heads);
    if (read->unpack == NULL || read->packer == NULL || read->commit == NULL || read->heads == NULL) {
        read_destroy(read);
        return NULL;
    }
    return read;
}

enum err store_read_begin(struct store *store, struct store_read **ret)
{
    pthread_mutex_lock(&store->reads_lock);
    struct store_read *read = store->reads;
    if (read != NULL) {
        store->reads = read->next;
        store->reads_count--;
    }
    pthread_mutex_unlock(&store->reads_lock);
    if (read == NULL) {
        read = read_new(store);
    }
    if (read == NULL) {
        return ERR_MEMORY;
    }
    kv_begin_read(store->kv, &read->txn);
    if (read->txn.err != ERR_OK) {
        enum err err = read->txn.err;
        read_destroy(read);
        return err;
    }
    *ret = read;
    return ERR_OK;
}

void store_read_end(struct store_read **read)
{
    struct store_read *r = *read;
    if (r == NULL) {
        return;
    }
    struct store *store = r->store;
    kv_abort(&r->txn);
    pthread_mutex_lock(&store->reads_lock);
    if (store->reads_count < READS_KEPT) {
        r->next = store->reads;
        store->reads = r;
        store->reads_count++;
        r = NULL;
    }
    pthread_mutex_unlock(&store->reads_lock);
    read_destroy(r);
    *read = NULL;
}

void reads_fini(struct store *store)
{
    while (store->reads != NULL) {
        struct store_read *next = store->reads->next;
        read_destroy(store->reads);
        store->reads = next;
    }
    store->reads_count = 0;
}

/* ---- logs ---- */

enum err store_logs(struct store_read *read, bool (*each)(void *arg, const struct log_info *log), void *arg)
{
    struct kv_cursor cursor;
    struct log log;
    struct log_info info;
    enum err err = ERR_OK;
    kv_cursor_open(&read->txn, TABLE_LOGS, &cursor);
    for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
        err = cursor.key.n == 4 ? log_row_read(cursor.value, &read->store->region, key_read_u32(cursor.key.p), &log) : ERR_CORRUPT;
        if (err == ERR_OK) {
            err = log_info_of(&read->txn, &log, &info);
        }
        if (err != ERR_OK || !each(arg, &info)) {
            break;
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

enum err store_log_by_number(struct store_read *read, uint32_t number, struct log_info *ret)
{
    struct log log;
    enum err err = log_load(&read->txn, &read->store->region, number, &log);
    return err != ERR_OK ? err : log_info_of(&read->txn, &log, ret);
}

enum err store_log(struct store_read *read, const struct log_id *id, struct log_info *ret)
{
    uint32_t number;
    enum err err = log_number_of(&read->txn, id, &number);
    return err != ERR_OK ? err : store_log_by_number(read, number, ret);
}

enum err store_commit_at(struct store_read *read, uint32_t log_number, uint64_t seq, struct commit *ret, struct hash *ret_hash)
{
    struct log log;
    enum err err = log_load(&read->txn, &read->store->region, log_number, &log);
    if (err != ERR_OK) {
        return err;
    }
    if (seq == 0 || seq > log.chain.seq) {
        return ERR_NOT_FOUND;
    }
    err = commit_load(&read->txn, read->unpack, read->packer, &log, seq, ret, ret_hash);
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err; /* the head says that it is there */
}

enum err store_birth(struct store_read *read, uint32_t log_number, struct birth *ret)
{
    struct commit_row row;
    struct log_id id;
    const char *clause = NULL;
    enum err err = commit_row_get(&read->txn, log_number, 0, &row);
    if (err == ERR_OK) {
        err = birth_peek(read->unpack, row.body, ret, &id, &clause);
        err = err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
    }
    return err == ERR_OK && memcmp(id.b, row.hash.b, sizeof id.b) != 0 ? ERR_CORRUPT : err;
}

static bool add_log(void *arg, const struct log_info *log)
{
    struct store_size *size = arg;
    size->commits += log->head.seq;
    size->entries += log->head.entries;
    return true;
}

enum err store_size(struct store_read *read, struct store_size *ret)
{
    struct kv_size size;
    enum err err = kv_size(read->store->kv, &size);
    if (err != ERR_OK) {
        return err;
    }
    struct store_size found = {.bytes_used = size.bytes_used,
                               .bytes_map = size.bytes_map,
                               .disk_free = size.disk_free,
                               .logs = kv_count(&read->txn, TABLE_LOGS),
                               .notices = kv_count(&read->txn, TABLE_NOTICES)};
    err = store_logs(read, add_log, &found); /* a total of its own would cost every transaction a page */
    if (err == ERR_OK) {
        *ret = found;
    }
    return err;
}

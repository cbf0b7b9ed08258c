#include "store/env.h"
#include "store/folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const tables[TABLE_COUNT] = {"meta", "logs", "log_ids", "commits", "journal", "notices", "frontiers", "own",
                                                "keys", "erased", "audit", "asides"};
static const struct kv_schema schema = {tables, TABLE_COUNT, LOG_LAYOUT, LOG_GROWN_FROM};

/* Keys of the table "meta". */
#define META_REGION "region"
#define META_SELF "self"

static enum err path_join(const char *home, const char *name, char ret[KV_PATH_BYTES_MAX])
{
    int n = snprintf(ret, KV_PATH_BYTES_MAX, "%s/%s", home, name);
    return n > 0 && n < KV_PATH_BYTES_MAX - 16 ? ERR_OK : ERR_INVALID;
}

/* The home's lock: held as long as the descriptor is open, so a process that dies gives it back. */
static enum err lock_take(const char *home, int *ret)
{
    char path[KV_PATH_BYTES_MAX];
    enum err err = path_join(home, "lock", path);
    if (err != ERR_OK) {
        return err;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return folder_errno(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? ERR_LOCKED : folder_errno(errno);
        (void)close(fd);
        return err;
    }
    *ret = fd;
    return ERR_OK;
}

struct ids {
    const struct region_id *region;
    const struct node_id *self;
};

static void fill(struct kv_txn *txn, void *arg)
{
    const struct ids *ids = arg;
    kv_put(txn, TABLE_META, span_text(META_REGION), span_of(ids->region->b, sizeof ids->region->b));
    kv_put(txn, TABLE_META, span_text(META_SELF), span_of(ids->self->b, sizeof ids->self->b));
}

enum err store_create(const char *home, const struct region_id *region, const struct node_id *self)
{
    char path[KV_PATH_BYTES_MAX];
    struct ids ids = {region, self};
    int lock = -1;
    enum err err = path_join(home, "log", path);
    if (err == ERR_OK) {
        err = lock_take(home, &lock);
    }
    if (err == ERR_OK) {
        err = kv_create(path, &schema, fill, &ids);
        (void)close(lock);
    }
    return err;
}

/* ---- opening ---- */

static bool meta_get(struct kv_txn *txn, const char *key, void *ret, size_t n)
{
    struct span value;
    if (!kv_get(txn, TABLE_META, span_text(key), &value) || value.n != n) {
        return false;
    }
    memcpy(ret, value.p, n);
    return true;
}

static enum err meta_load(struct store *store)
{
    struct kv_txn txn;
    kv_begin_read(store->kv, &txn);
    bool is_whole =
        meta_get(&txn, META_REGION, store->region.b, sizeof store->region.b) && meta_get(&txn, META_SELF, store->self.b, sizeof store->self.b);
    store->journal_end = journal_last(&txn);
    store->log_count = log_last(&txn);
    enum err err = kv_commit(&txn);
    return err != ERR_OK ? err : is_whole ? ERR_OK : ERR_CORRUPT;
}

static enum err scratch_make(struct store *store)
{
    store->unpack = unpack_new();
    store->packer = commit_packer_new();
    store->commit = malloc(sizeof *store->commit);
    store->other = malloc(sizeof *store->other);
    store->heads = calloc(FRONTIER_HEADS_MAX, sizeof *store->heads);
    store->heads_other = calloc(FRONTIER_HEADS_MAX, sizeof *store->heads_other);
    store->heads_merged = calloc(FRONTIER_HEADS_MAX, sizeof *store->heads_merged);
    store->bytes = malloc(HEADS_BYTES_MAX);
    store->own = own_new();
    erased_forget(store);
    enum err err = erased_make(store);
    bool is_whole = store->unpack != NULL && store->packer != NULL && store->commit != NULL && store->other != NULL && store->heads != NULL &&
                    store->heads_other != NULL && store->heads_merged != NULL && store->bytes != NULL && store->own != NULL;
    return is_whole ? err : ERR_MEMORY;
}

enum err store_open(const char *home, struct store **ret)
{
    char path[KV_PATH_BYTES_MAX];
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return ERR_MEMORY;
    }
    store->lock = -1;
    store->check = sign_check;
    random_fill(&store->slots_key, sizeof store->slots_key);
    pthread_mutex_init(&store->reads_lock, NULL);
    enum err err = path_join(home, "log", path);
    if (err == ERR_OK) {
        err = lock_take(home, &store->lock);
    }
    if (err == ERR_OK) {
        folder_abandon(path); /* what a power cut left of a compaction, with things in it that may have been erased since */
        err = kv_open(path, &schema, &store->kv);
    }
    if (err == ERR_OK) {
        err = meta_load(store);
    }
    if (err == ERR_OK) {
        err = scratch_make(store);
    }
    if (err != ERR_OK) {
        store_close(&store);
        return err;
    }
    *ret = store;
    return ERR_OK;
}

void store_close(struct store **store)
{
    struct store *s = *store;
    if (s == NULL) {
        return;
    }
    if (s->is_writing) {
        store_abort(s);
    }
    reads_fini(s);
    membership_destroy(&s->membership);
    logs_forget(s);
    free(s->dirty);
    own_destroy(&s->own);
    erased_fini(s);
    unpack_destroy(&s->unpack);
    commit_packer_destroy(&s->packer);
    free(s->commit);
    free(s->other);
    free(s->heads);
    free(s->heads_other);
    free(s->heads_merged);
    free(s->bytes);
    kv_close(&s->kv);
    if (s->lock >= 0) {
        (void)close(s->lock);
    }
    pthread_mutex_destroy(&s->reads_lock);
    free(s);
    *store = NULL;
}

const struct region_id *store_region(const struct store *store)
{
    return &store->region;
}

const struct node_id *store_self(const struct store *store)
{
    return &store->self;
}

const char *store_reason(const struct store *store)
{
    return kv_reason(store->kv);
}

void store_set_policy(struct store *store, bool (*may)(void *arg, const struct node_id *author, size_t bytes), void *arg)
{
    store->may = may;
    store->may_arg = arg;
}

uint64_t store_room(const struct store *store)
{
    return kv_room(store->kv);
}

void store_set_reserve(struct store *store, uint64_t bytes)
{
    if (bytes == 0) {
        kv_set_reserve(store->kv, KV_RESERVE_PERCENT, KV_RESERVE_BYTES);
    } else {
        kv_set_reserve(store->kv, 100, bytes);
    }
}

int store_reader_check(struct store *store)
{
    return kv_reader_check(store->kv);
}

/* ---- transactions ---- */

static enum err begin(struct store *store, bool is_small)
{
    assert(!store->is_writing);
    if (!is_small && !kv_has_room(store->kv)) {
        return ERR_FULL;
    }
    kv_begin_write(store->kv, &store->txn);
    if (store->txn.err != ERR_OK) {
        enum err err = store->txn.err;
        kv_abort(&store->txn);
        return err;
    }
    store->is_writing = true;
    store->is_small = is_small;
    store->before.journal_end = store->journal_end;
    store->before.log_count = store->log_count;
    store->erasing.left = ERASE_SEARCH_ENTRIES;
    store->erasing.has_day = false;
    return ERR_OK;
}

enum err store_begin(struct store *store) { return begin(store, false); }

enum err store_begin_small(struct store *store) { return begin(store, true); }

/* Forget what the transaction would have changed. */
static void revert(struct store *store)
{
    store->is_writing = false;
    store->generation++;
    store->journal_end = store->before.journal_end;
    store->log_count = store->before.log_count;
    logs_forget(store);
    own_forget(store->own);
    erased_forget(store);
    membership_destroy(&store->membership);
}

enum err store_commit(struct store *store)
{
    assert(store->is_writing);
    if (store->txn.err == ERR_OK && !store->is_small && !kv_has_room(store->kv)) {
        store->txn.err = ERR_FULL;
    }
    own_flush(store);
    logs_flush(store);
    enum err err = kv_commit(&store->txn);
    if (err != ERR_OK) {
        revert(store);
        return err;
    }
    store->is_writing = false;
    return ERR_OK;
}

bool store_has_failed(const struct store *store)
{
    return store->is_writing && store->txn.err != ERR_OK;
}

void store_abort(struct store *store)
{
    if (store->is_writing) {
        kv_abort(&store->txn);
        revert(store);
    }
}

/* ---- compaction ---- */

static uint64_t file_bytes(const char *folder)
{
    char name[KV_PATH_BYTES_MAX + 16];
    struct stat st;
    return snprintf(name, sizeof name, "%s/data.mdb", folder) < (int)sizeof name && stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

uint64_t store_compacting(const char *home)
{
    char path[KV_PATH_BYTES_MAX];
    return path_join(home, "log.new", path) == ERR_OK ? file_bytes(path) : 0;
}

/* Nothing stands in free pages any more. */
static enum err freed_reset(const char *path)
{
    struct kv *kv = NULL;
    struct kv_txn txn;
    enum err err = kv_open(path, &schema, &kv);
    if (err == ERR_OK) {
        kv_begin_write(kv, &txn);
        (void)kv_delete(&txn, TABLE_META, span_text(META_FREED));
        err = kv_commit(&txn);
        kv_close(&kv);
    }
    return err;
}

enum err store_compact(const char *home, struct compaction *ret)
{
    char path[KV_PATH_BYTES_MAX];
    struct kv *kv = NULL;
    struct kv_size size;
    int lock = -1;
    enum err err = path_join(home, "log", path);
    if (err == ERR_OK) {
        err = lock_take(home, &lock);
    }
    if (err == ERR_OK) {
        err = kv_open(path, &schema, &kv);
    }
    if (err == ERR_OK) {
        err = kv_size(kv, &size);
    }
    if (err == ERR_OK && size.disk_free < size.bytes_used) {
        err = ERR_FULL; /* at worst the copy is as long */
    }
    if (err == ERR_OK) {
        ret->bytes_before = file_bytes(path);
        err = kv_compact(&kv, &schema);
    }
    if (err == ERR_OK) {
        ret->bytes_after = file_bytes(path);
        err = freed_reset(path);
    }
    kv_close(&kv);
    if (lock >= 0) {
        (void)close(lock);
    }
    return err;
}

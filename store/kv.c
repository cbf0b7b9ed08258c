#include "store/kv.h"

#include "store/folder.h"

#include <assert.h>
#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* The table that kv itself keeps: key "layout", a u32. */
#define TABLE_KV "kv"
#define KEY_LAYOUT "layout"

enum {
    MAP_STEP_DEFAULT = 1 << 30, /* more than LMDB can dirty in one transaction (131,071 pages), so a map is never full half-way */
    GROW_WAIT_MS = 5000,        /* reads end within a second (L4) */
    OPEN_MAX = 64,              /* environments open in one process at once */
    /* A file may end a little before its last page number: pages taken and given back in one transaction are never written. */
    SHORT_PAGES_MAX = 64,
    WRITE_AT_ONCE_BYTES = 8 << 20, /* LMDB writes at most 64 values in one call: less than this free, an EIO is a full disk (L2) */
};

struct kv {
    MDB_env *env;
    MDB_dbi tables[KV_TABLES_MAX];
    uint32_t table_count;
    char path[KV_PATH_BYTES_MAX];
    pid_t pid; /* the process that opened it: a forked child must not write (L7) */
    dev_t dev; /* of the data file, as it was registered when it was opened */
    ino_t ino;
    uint32_t page_bytes;
    uint64_t map_step;
    atomic_uint reserve_percent;
    atomic_ullong reserve_bytes;
    pthread_mutex_t writer; /* held from begin to end of a write transaction */
    pthread_mutex_t gate;   /* guards the next two: the map moves only while nobody reads */
    pthread_cond_t gate_free;
    uint32_t readers;
    _Atomic(const char *) reason; /* LMDB's and strerror's texts of known codes are static */
    atomic_bool is_failed;        /* an EIO: nothing is written any more (L6) */
};

/* One environment per process by construction (L7): LMDB would open a second one and lose both locks. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    dev_t dev;
    ino_t ino;
} opened[OPEN_MAX];
static size_t opened_count;

static bool is_opened(dev_t dev, ino_t ino)
{
    for (size_t i = 0; i < opened_count; i++) {
        if (opened[i].dev == dev && opened[i].ino == ino) {
            return true;
        }
    }
    return false;
}

static enum err open_register(const struct stat *st)
{
    enum err err = ERR_OK;
    pthread_mutex_lock(&open_lock);
    if (is_opened(st->st_dev, st->st_ino)) {
        err = ERR_LOCKED;
    } else if (opened_count == OPEN_MAX) {
        err = ERR_INTERNAL;
    } else {
        opened[opened_count].dev = st->st_dev;
        opened[opened_count].ino = st->st_ino;
        opened_count++;
    }
    pthread_mutex_unlock(&open_lock);
    return err;
}

static void open_forget(dev_t dev, ino_t ino)
{
    pthread_mutex_lock(&open_lock);
    for (size_t i = 0; i < opened_count; i++) {
        if (opened[i].dev == dev && opened[i].ino == ino) {
            opened[i] = opened[--opened_count];
            break;
        }
    }
    pthread_mutex_unlock(&open_lock);
}

/* ---- errors ---- */

/* Space in `path`'s file system that we may use. */
static bool disk_space(const char *path, uint64_t *ret_free, uint64_t *ret_total)
{
    struct statvfs fs;
    if (statvfs(path, &fs) != 0) {
        return false;
    }
    *ret_free = (uint64_t)fs.f_bavail * fs.f_frsize;
    *ret_total = (uint64_t)fs.f_blocks * fs.f_frsize;
    return true;
}

/* Of a code that LMDB gave. EIO of a short write on a full disk and EIO of a dying disk are told apart by the space left (L2). */
static enum err error_of(int rc, const char *path)
{
    uint64_t disk_free, disk_total;
    switch (rc) {
    case MDB_SUCCESS:
        return ERR_OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_KEYEXIST:
        return ERR_CORRUPT; /* only kv_append can meet it */
    case MDB_MAP_FULL:
    case MDB_READERS_FULL:
        return ERR_BUSY;
    case MDB_TXN_FULL:
    case MDB_CURSOR_FULL:
    case MDB_DBS_FULL:
    case MDB_BAD_TXN:
    case MDB_BAD_RSLOT:
    case MDB_BAD_DBI:
    case MDB_BAD_VALSIZE:
    case MDB_MAP_RESIZED:
    case EINVAL:
        return ERR_INTERNAL;
    case MDB_PAGE_NOTFOUND:
    case MDB_PAGE_FULL:
    case MDB_CORRUPTED:
    case MDB_INCOMPATIBLE:
    case MDB_INVALID:
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return ERR_LAYOUT;
    case MDB_PANIC:
        return ERR_IO;
    case EIO:
        return disk_space(path, &disk_free, &disk_total) && disk_free < WRITE_AT_ONCE_BYTES ? ERR_FULL : ERR_IO;
    case EAGAIN:
        return ERR_LOCKED;
    default:
        return rc > 0 ? folder_errno(rc) : ERR_IO;
    }
}

static enum err fail(struct kv *kv, int rc)
{
    enum err err = error_of(rc, kv->path);
    if (err != ERR_OK && rc != MDB_NOTFOUND) {
        kv->reason = mdb_strerror(rc);
    }
    if (err == ERR_IO) {
        kv->is_failed = true;
    }
    return err;
}

static void txn_fail(struct kv_txn *txn, int rc)
{
    if (txn->err == ERR_OK) {
        txn->err = fail(txn->kv, rc);
        txn->is_map_full = rc == MDB_MAP_FULL;
    }
}

const char *kv_reason(const struct kv *kv)
{
    const char *reason = kv->reason;
    return reason == NULL ? "" : reason;
}

/* ---- opening ---- */

static MDB_val val_of(struct span s)
{
    union {
        const uint8_t *in;
        void *out;
    } p = {s.p}; /* LMDB does not write to what it is given, but does not say const */
    return (MDB_val){s.n, p.out};
}

static struct span span_of_val(const MDB_val *val)
{
    return span_of(val->mv_data, val->mv_size);
}

static uint64_t map_for(uint64_t used, uint64_t step)
{
    return (used / step + 2) * step;
}

static int env_start(const char *path, uint64_t map_bytes, MDB_env **ret)
{
    MDB_env *env = NULL;
    int rc = mdb_env_create(&env);
    if (rc == 0) {
        rc = mdb_env_set_maxdbs(env, KV_TABLES_MAX + 1);
    }
    if (rc == 0) {
        rc = mdb_env_set_maxreaders(env, KV_READERS_MAX);
    }
    if (rc == 0) {
        rc = mdb_env_set_mapsize(env, map_bytes);
    }
    if (rc == 0) {
        rc = mdb_env_open(env, path, MDB_NOTLS, 0600);
    }
    if (rc != 0) {
        mdb_env_close(env);
        return rc;
    }
    *ret = env;
    return 0;
}

/* Open all tables, made when `flags` says so. */
static int tables_open(MDB_txn *txn, const struct kv_schema *schema, unsigned flags, MDB_dbi *ret, MDB_dbi *ret_own)
{
    int rc = mdb_dbi_open(txn, TABLE_KV, flags, ret_own);
    for (uint32_t i = 0; rc == 0 && i < schema->table_count; i++) {
        rc = mdb_dbi_open(txn, schema->tables[i], flags, &ret[i]);
    }
    return rc;
}

/* Read the layout version before the tables: another layout has other tables. */
static enum err layout_read(struct kv *kv, MDB_txn *txn, uint32_t *ret)
{
    MDB_dbi own;
    MDB_val key = val_of(span_text(KEY_LAYOUT)), value;
    int rc = mdb_dbi_open(txn, TABLE_KV, 0, &own);
    if (rc == 0) {
        rc = mdb_get(txn, own, &key, &value);
    }
    if (rc != 0) {
        return rc == MDB_NOTFOUND ? ERR_CORRUPT : fail(kv, rc);
    }
    if (value.mv_size != 4) {
        return ERR_CORRUPT;
    }
    *ret = key_read_u32(value.mv_data);
    return ERR_OK;
}

static int layout_put(MDB_txn *txn, MDB_dbi own, uint32_t layout)
{
    uint8_t bytes[4];
    struct out out = out_into(bytes, sizeof bytes);
    key_u32(&out, layout);
    MDB_val key = val_of(span_text(KEY_LAYOUT)), value = val_of(span_of(bytes, sizeof bytes));
    return mdb_put(txn, own, &key, &value, 0);
}

static struct kv *kv_alloc(const char *path)
{
    struct kv *kv = calloc(1, sizeof *kv);
    if (kv == NULL) {
        return NULL;
    }
    memcpy(kv->path, path, strlen(path) + 1);
    kv->pid = getpid();
    kv->map_step = MAP_STEP_DEFAULT;
    kv->reserve_percent = KV_RESERVE_PERCENT;
    kv->reserve_bytes = KV_RESERVE_BYTES;
    pthread_mutex_init(&kv->writer, NULL);
    pthread_mutex_init(&kv->gate, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&kv->gate_free, &attr);
    pthread_condattr_destroy(&attr);
    return kv;
}

static void kv_free(struct kv *kv)
{
    mdb_env_close(kv->env);
    pthread_cond_destroy(&kv->gate_free);
    pthread_mutex_destroy(&kv->gate);
    pthread_mutex_destroy(&kv->writer);
    free(kv);
}

static enum err create_in(const char *folder, const struct kv_schema *schema, void (*fill)(struct kv_txn *, void *), void *arg)
{
    struct kv *kv = kv_alloc(folder);
    MDB_dbi own;
    if (kv == NULL) {
        return ERR_MEMORY;
    }
    enum err err = fail(kv, env_start(folder, map_for(0, kv->map_step), &kv->env));
    if (err == ERR_OK) {
        struct kv_txn txn;
        kv->table_count = schema->table_count;
        kv_begin_write(kv, &txn);
        if (txn.err == ERR_OK) {
            int rc = tables_open(txn.txn, schema, MDB_CREATE, kv->tables, &own);
            txn_fail(&txn, rc != 0 ? rc : layout_put(txn.txn, own, schema->layout));
        }
        if (txn.err == ERR_OK && fill != NULL) {
            fill(&txn, arg);
        }
        err = kv_commit(&txn);
    }
    kv_free(kv);
    return err;
}

enum err kv_create(const char *path, const struct kv_schema *schema, void (*fill)(struct kv_txn *txn, void *arg), void *arg)
{
    char temporary[FOLDER_PATH_BYTES_MAX];
    assert(schema->table_count >= 1 && schema->table_count <= KV_TABLES_MAX);
    enum err err = folder_begin(path, temporary);
    if (err != ERR_OK) {
        return err;
    }
    err = create_in(temporary, schema, fill, arg);
    if (err == ERR_OK) {
        err = folder_publish(path);
    }
    if (err != ERR_OK) {
        folder_abandon(path);
    }
    return err;
}

/* The data file, looked at before LMDB sees it: LMDB would fill an empty one, and die on one cut short (L10). */
static enum err data_stat(const char *path, struct stat *ret)
{
    char name[KV_PATH_BYTES_MAX + 16];
    (void)snprintf(name, sizeof name, "%s/data.mdb", path);
    if (stat(name, ret) != 0) {
        return folder_errno(errno);
    }
    return S_ISREG(ret->st_mode) && ret->st_size >= 2 * 4096 ? ERR_OK : ERR_CORRUPT;
}

/* A file shorter than its pages ends the process with SIGBUS when one is read. Cut short: ERR_CORRUPT. The few pages that LMDB
 * never wrote are given to it as a hole. */
static enum err data_check_end(struct kv *kv, uint64_t file_bytes)
{
    MDB_envinfo info;
    MDB_stat stat_main;
    mdb_filehandle_t fd;
    int rc = mdb_env_info(kv->env, &info);
    if (rc == 0) {
        rc = mdb_env_stat(kv->env, &stat_main);
    }
    if (rc == 0) {
        rc = mdb_env_get_fd(kv->env, &fd);
    }
    if (rc != 0) {
        return fail(kv, rc);
    }
    kv->page_bytes = stat_main.ms_psize;
    uint64_t wanted = ((uint64_t)info.me_last_pgno + 1) * kv->page_bytes;
    if (file_bytes >= wanted) {
        return ERR_OK;
    }
    if (wanted - file_bytes > (uint64_t)SHORT_PAGES_MAX * kv->page_bytes) {
        kv->reason = "the data file has been cut short";
        return ERR_CORRUPT;
    }
    return ftruncate(fd, (off_t)wanted) == 0 ? ERR_OK : fail(kv, errno);
}

/* Give an older environment the tables that it lacks: all of them and its new version at once, or nothing. */
static enum err tables_grow(struct kv *kv, const struct kv_schema *schema)
{
    MDB_txn *txn = NULL;
    MDB_dbi own;
    int rc = mdb_txn_begin(kv->env, NULL, 0, &txn);
    if (rc != 0) {
        return fail(kv, rc);
    }
    rc = tables_open(txn, schema, MDB_CREATE, kv->tables, &own);
    if (rc == 0) {
        rc = layout_put(txn, own, schema->layout);
    }
    if (rc != 0) {
        mdb_txn_abort(txn);
        return fail(kv, rc);
    }
    return fail(kv, mdb_txn_commit(txn));
}

static enum err tables_bind(struct kv *kv, const struct kv_schema *schema)
{
    MDB_txn *txn = NULL;
    MDB_dbi own;
    uint32_t layout = 0;
    int rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0) {
        return fail(kv, rc);
    }
    enum err err = layout_read(kv, txn, &layout);
    bool is_grown = err == ERR_OK && schema->grown_from != 0 && layout >= schema->grown_from && layout < schema->layout;
    if (err == ERR_OK && layout != schema->layout && !is_grown) {
        err = ERR_LAYOUT;
    }
    if (err != ERR_OK) {
        mdb_txn_abort(txn);
        return err;
    }
    if (is_grown) {
        mdb_txn_abort(txn);
        err = tables_grow(kv, schema);
        return err == ERR_OK ? tables_bind(kv, schema) : err;
    }
    rc = tables_open(txn, schema, 0, kv->tables, &own);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc == MDB_NOTFOUND ? ERR_CORRUPT : fail(kv, rc);
    }
    kv->table_count = schema->table_count;
    return fail(kv, mdb_txn_commit(txn)); /* keeps the handles */
}

enum err kv_open(const char *path, const struct kv_schema *schema, struct kv **ret)
{
    struct stat st;
    assert(schema->table_count >= 1 && schema->table_count <= KV_TABLES_MAX);
    if (strlen(path) == 0 || strlen(path) >= KV_PATH_BYTES_MAX) {
        return ERR_INVALID;
    }
    enum err err = data_stat(path, &st);
    if (err != ERR_OK) {
        return err;
    }
    err = open_register(&st);
    if (err != ERR_OK) {
        return err;
    }
    struct kv *kv = kv_alloc(path);
    if (kv == NULL) {
        err = ERR_MEMORY;
    } else {
        err = fail(kv, env_start(path, map_for((uint64_t)st.st_size, kv->map_step), &kv->env));
    }
    if (err == ERR_OK) {
        err = data_check_end(kv, (uint64_t)st.st_size);
    }
    if (err == ERR_OK) {
        err = tables_bind(kv, schema);
    }
    if (err != ERR_OK) {
        if (kv != NULL) {
            kv_free(kv);
        }
        open_forget(st.st_dev, st.st_ino);
        return err;
    }
    kv->dev = st.st_dev;
    kv->ino = st.st_ino;
    (void)kv_reader_check(kv);
    *ret = kv;
    return ERR_OK;
}

void kv_close(struct kv **kv)
{
    if (*kv == NULL) {
        return;
    }
    assert((*kv)->readers == 0);
    open_forget((*kv)->dev, (*kv)->ino);
    kv_free(*kv);
    *kv = NULL;
}

enum err kv_drop(const char *path)
{
    struct stat st;
    char temporary[FOLDER_PATH_BYTES_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary) {
        return ERR_INVALID;
    }
    if (data_stat(path, &st) == ERR_OK) {
        pthread_mutex_lock(&open_lock);
        bool is_open = is_opened(st.st_dev, st.st_ino);
        pthread_mutex_unlock(&open_lock);
        if (is_open) {
            return ERR_LOCKED;
        }
    }
    enum err err = folder_remove(path);
    return err != ERR_OK ? err : folder_remove(temporary);
}

void kv_set_reserve(struct kv *kv, uint32_t percent, uint64_t bytes)
{
    kv->reserve_percent = percent;
    kv->reserve_bytes = bytes;
}

static uint64_t reserve_of(const struct kv *kv, uint64_t disk_total)
{
    uint64_t share = disk_total / 100 * kv->reserve_percent;
    uint64_t bytes = kv->reserve_bytes;
    return share < bytes ? share : bytes;
}

uint64_t kv_room(const struct kv *kv)
{
    uint64_t disk_free, disk_total;
    if (!disk_space(kv->path, &disk_free, &disk_total) || disk_free < reserve_of(kv, disk_total)) {
        return 0;
    }
    return disk_free - reserve_of(kv, disk_total);
}

bool kv_has_room(const struct kv *kv)
{
    uint64_t disk_free, disk_total;
    return disk_space(kv->path, &disk_free, &disk_total) && disk_free >= reserve_of(kv, disk_total);
}

int kv_reader_check(struct kv *kv)
{
    int dead = 0;
    return mdb_reader_check(kv->env, &dead) == 0 ? dead : 0;
}

/* ---- map growth ---- */

static void gate_leave(struct kv *kv)
{
    pthread_mutex_lock(&kv->gate);
    kv->readers--;
    if (kv->readers == 0) {
        pthread_cond_broadcast(&kv->gate_free);
    }
    pthread_mutex_unlock(&kv->gate);
}

static void gate_enter(struct kv *kv)
{
    pthread_mutex_lock(&kv->gate);
    kv->readers++;
    pthread_mutex_unlock(&kv->gate);
}

static struct timespec deadline_in(uint32_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Move the map to a larger one. The writer is ours and no write transaction is open; with `is_urgent` wait for the readers, else only
 * when there are none. ERR_BUSY when they did not end. */
static enum err map_grow(struct kv *kv, uint64_t bytes, bool is_urgent)
{
    enum err err = ERR_OK;
    struct timespec at = deadline_in(GROW_WAIT_MS);
    pthread_mutex_lock(&kv->gate);
    while (kv->readers > 0 && err == ERR_OK) {
        if (!is_urgent || pthread_cond_timedwait(&kv->gate_free, &kv->gate, &at) != 0) {
            err = ERR_BUSY;
        }
    }
    if (err == ERR_OK) {
        err = fail(kv, mdb_env_set_mapsize(kv->env, bytes));
        if (err != ERR_OK) {
            kv->is_failed = true; /* the old map is gone */
        }
    }
    pthread_mutex_unlock(&kv->gate);
    return err;
}

/* Before each write transaction: leave room for a whole one, so that a map is never full half-way. */
static enum err map_make_room(struct kv *kv)
{
    MDB_envinfo info;
    MDB_stat stat_main;
    int rc = mdb_env_info(kv->env, &info);
    if (rc == 0) {
        rc = mdb_env_stat(kv->env, &stat_main);
    }
    if (rc != 0) {
        return fail(kv, rc);
    }
    uint64_t used = ((uint64_t)info.me_last_pgno + 1) * stat_main.ms_psize;
    uint64_t left = info.me_mapsize > used ? info.me_mapsize - used : 0;
    if (left >= kv->map_step / 2) {
        return ERR_OK;
    }
    bool is_urgent = left < kv->map_step / 4;
    enum err err = map_grow(kv, map_for(used, kv->map_step), is_urgent);
    return err == ERR_BUSY && !is_urgent ? ERR_OK : err;
}

void kv_set_map_step(struct kv *kv, uint64_t bytes)
{
    struct kv_size size;
    assert(bytes >= 16384);
    pthread_mutex_lock(&kv->writer);
    kv->map_step = bytes;
    if (kv_size(kv, &size) == ERR_OK && map_grow(kv, map_for(size.bytes_used, bytes), true) != ERR_OK) {
        kv->map_step = MAP_STEP_DEFAULT; /* a reader is about: the map stays as it is */
    }
    pthread_mutex_unlock(&kv->writer);
}

/* ---- transactions ---- */

void kv_begin_read(struct kv *kv, struct kv_txn *ret)
{
    MDB_txn *txn = NULL;
    *ret = (struct kv_txn){kv, NULL, ERR_OK, false, false};
    gate_enter(kv);
    int rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    if (rc == MDB_READERS_FULL && kv_reader_check(kv) > 0) {
        rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    }
    if (rc != 0) {
        gate_leave(kv);
        txn_fail(ret, rc);
        return;
    }
    ret->txn = txn;
}

void kv_begin_write(struct kv *kv, struct kv_txn *ret)
{
    MDB_txn *txn = NULL;
    *ret = (struct kv_txn){kv, NULL, ERR_OK, true, false};
    if (getpid() != kv->pid) {
        ret->err = ERR_INTERNAL;
        return;
    }
    pthread_mutex_lock(&kv->writer);
    ret->err = kv->is_failed ? ERR_IO : map_make_room(kv);
    if (ret->err == ERR_OK) {
        txn_fail(ret, mdb_txn_begin(kv->env, NULL, 0, &txn));
    }
    if (ret->err != ERR_OK) {
        pthread_mutex_unlock(&kv->writer);
        return;
    }
    ret->txn = txn;
}

/* After LMDB's transaction has ended. */
static void txn_over(struct kv_txn *txn)
{
    txn->txn = NULL;
    if (txn->is_write) {
        pthread_mutex_unlock(&txn->kv->writer);
    } else {
        gate_leave(txn->kv);
    }
}

void kv_abort(struct kv_txn *txn)
{
    if (txn->txn != NULL) {
        mdb_txn_abort(txn->txn);
        txn_over(txn);
    }
}

/* After a failed commit: when the write of the meta page failed, LMDB refuses everything from then on, also reading (L6). */
static bool is_panic(struct kv *kv)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0) {
        mdb_txn_abort(txn);
    }
    return rc == MDB_PANIC;
}

enum err kv_commit(struct kv_txn *txn)
{
    if (txn->txn == NULL) {
        return txn->err != ERR_OK ? txn->err : ERR_INTERNAL;
    }
    if (!txn->is_write || txn->err != ERR_OK) {
        mdb_txn_abort(txn->txn);
    } else {
        txn_fail(txn, mdb_txn_commit(txn->txn));
        if (txn->err == ERR_FULL && is_panic(txn->kv)) {
            txn->kv->is_failed = true;
            txn->err = ERR_IO;
        }
    }
    if (txn->is_map_full) {
        MDB_envinfo info;
        if (mdb_env_info(txn->kv->env, &info) == 0) {
            enum err err = map_grow(txn->kv, info.me_mapsize + txn->kv->map_step, true);
            txn->err = err != ERR_OK ? err : ERR_BUSY;
        }
    }
    txn_over(txn);
    return txn->err;
}

static MDB_dbi table_of(const struct kv_txn *txn, uint32_t table)
{
    assert(table < txn->kv->table_count);
    return txn->kv->tables[table];
}

/* May this call go ahead? */
static bool is_ready(const struct kv_txn *txn)
{
    return txn->err == ERR_OK && txn->txn != NULL;
}

static MDB_val key_of(struct span key)
{
    assert(key.n >= 1 && key.n <= KV_KEY_BYTES_MAX);
    return val_of(key);
}

bool kv_get(struct kv_txn *txn, uint32_t table, struct span key, struct span *ret)
{
    if (!is_ready(txn)) {
        return false;
    }
    MDB_val k = key_of(key), v;
    int rc = mdb_get(txn->txn, table_of(txn, table), &k, &v);
    if (rc != 0) {
        if (rc != MDB_NOTFOUND) {
            txn_fail(txn, rc);
        }
        return false;
    }
    *ret = span_of_val(&v);
    return true;
}

static void put(struct kv_txn *txn, uint32_t table, struct span key, struct span value, unsigned flags)
{
    if (is_ready(txn)) {
        assert(txn->is_write);
        MDB_val k = key_of(key), v = val_of(value);
        txn_fail(txn, mdb_put(txn->txn, table_of(txn, table), &k, &v, flags));
    }
}

void kv_put(struct kv_txn *txn, uint32_t table, struct span key, struct span value)
{
    put(txn, table, key, value, 0);
}

void kv_append(struct kv_txn *txn, uint32_t table, struct span key, struct span value)
{
    put(txn, table, key, value, MDB_APPEND);
}

uint8_t *kv_reserve(struct kv_txn *txn, uint32_t table, struct span key, size_t n)
{
    if (!is_ready(txn)) {
        return NULL;
    }
    assert(txn->is_write);
    MDB_val k = key_of(key), v = {n, NULL};
    int rc = mdb_put(txn->txn, table_of(txn, table), &k, &v, MDB_RESERVE);
    txn_fail(txn, rc);
    return rc == 0 ? v.mv_data : NULL;
}

bool kv_delete(struct kv_txn *txn, uint32_t table, struct span key)
{
    if (!is_ready(txn)) {
        return false;
    }
    assert(txn->is_write);
    MDB_val k = key_of(key);
    int rc = mdb_del(txn->txn, table_of(txn, table), &k, NULL);
    if (rc != MDB_NOTFOUND) {
        txn_fail(txn, rc);
    }
    return rc == 0;
}

void kv_clear(struct kv_txn *txn, uint32_t table)
{
    if (is_ready(txn)) {
        assert(txn->is_write);
        txn_fail(txn, mdb_drop(txn->txn, table_of(txn, table), 0));
    }
}

uint64_t kv_count(struct kv_txn *txn, uint32_t table)
{
    MDB_stat st = {0};
    if (is_ready(txn)) {
        txn_fail(txn, mdb_stat(txn->txn, table_of(txn, table), &st));
    }
    return is_ready(txn) ? st.ms_entries : 0;
}

/* ---- cursors ---- */

void kv_cursor_open(struct kv_txn *txn, uint32_t table, struct kv_cursor *ret)
{
    MDB_cursor *cursor = NULL;
    *ret = (struct kv_cursor){txn, NULL, {NULL, 0}, {NULL, 0}};
    if (is_ready(txn)) {
        txn_fail(txn, mdb_cursor_open(txn->txn, table_of(txn, table), &cursor));
        ret->cursor = cursor;
    }
}

void kv_cursor_close(struct kv_cursor *cursor)
{
    if (cursor->cursor != NULL) {
        mdb_cursor_close(cursor->cursor);
        cursor->cursor = NULL;
    }
}

static bool move(struct kv_cursor *cursor, struct span key, MDB_cursor_op op)
{
    if (cursor->cursor == NULL || !is_ready(cursor->txn)) {
        return false;
    }
    MDB_val k = val_of(key), v;
    int rc = mdb_cursor_get(cursor->cursor, &k, &v, op);
    if (rc != 0) {
        if (rc != MDB_NOTFOUND) {
            txn_fail(cursor->txn, rc);
        }
        return false;
    }
    cursor->key = span_of_val(&k);
    cursor->value = span_of_val(&v);
    return true;
}

static const struct span no_key = {NULL, 0};

bool kv_first(struct kv_cursor *cursor)
{
    return move(cursor, no_key, MDB_FIRST);
}

bool kv_last(struct kv_cursor *cursor)
{
    return move(cursor, no_key, MDB_LAST);
}

bool kv_next(struct kv_cursor *cursor)
{
    return move(cursor, no_key, MDB_NEXT);
}

bool kv_prev(struct kv_cursor *cursor)
{
    return move(cursor, no_key, MDB_PREV);
}

bool kv_seek(struct kv_cursor *cursor, struct span key)
{
    assert(key.n >= 1 && key.n <= KV_KEY_BYTES_MAX);
    return move(cursor, key, MDB_SET_RANGE);
}

bool kv_seek_exact(struct kv_cursor *cursor, struct span key)
{
    assert(key.n >= 1 && key.n <= KV_KEY_BYTES_MAX);
    if (!move(cursor, key, MDB_SET_KEY)) {
        return false;
    }
    return span_equal(cursor->key, key);
}

bool kv_seek_before(struct kv_cursor *cursor, struct span key)
{
    return kv_seek(cursor, key) ? kv_prev(cursor) : kv_last(cursor);
}

bool kv_seek_prefix(struct kv_cursor *cursor, struct span prefix)
{
    bool is_there = prefix.n == 0 ? kv_first(cursor) : kv_seek(cursor, prefix);
    return is_there && key_has_prefix(cursor->key, prefix);
}

bool kv_next_prefix(struct kv_cursor *cursor, struct span prefix)
{
    return kv_next(cursor) && key_has_prefix(cursor->key, prefix);
}

bool kv_last_prefix(struct kv_cursor *cursor, struct span prefix)
{
    uint8_t above[KV_KEY_BYTES_MAX];
    size_t n = prefix.n;
    assert(n <= KV_KEY_BYTES_MAX);
    if (n > 0) {
        memcpy(above, prefix.p, n);
    }
    while (n > 0 && above[n - 1] == 0xff) {
        n--;
    }
    if (n > 0) {
        above[n - 1]++; /* the first key that is above all with this prefix */
    }
    bool is_there = n == 0 ? kv_last(cursor) : kv_seek_before(cursor, span_of(above, n));
    return is_there && key_has_prefix(cursor->key, prefix);
}

void kv_cursor_put(struct kv_cursor *cursor, struct span key, struct span value)
{
    if (cursor->cursor != NULL && is_ready(cursor->txn)) {
        assert(cursor->txn->is_write);
        MDB_val k = key_of(key), v = val_of(value);
        txn_fail(cursor->txn, mdb_cursor_put(cursor->cursor, &k, &v, 0));
    }
}

void kv_cursor_delete(struct kv_cursor *cursor)
{
    if (cursor->cursor != NULL && is_ready(cursor->txn)) {
        assert(cursor->txn->is_write);
        txn_fail(cursor->txn, mdb_cursor_del(cursor->cursor, 0));
    }
}

/* ---- the whole ---- */

enum err kv_size(struct kv *kv, struct kv_size *ret)
{
    MDB_envinfo info;
    MDB_stat stat_main;
    uint64_t disk_free = 0, disk_total = 0;
    gate_enter(kv);
    int rc = mdb_env_info(kv->env, &info);
    if (rc == 0) {
        rc = mdb_env_stat(kv->env, &stat_main);
    }
    gate_leave(kv);
    if (rc != 0) {
        return fail(kv, rc);
    }
    if (!disk_space(kv->path, &disk_free, &disk_total)) {
        return ERR_IO;
    }
    ret->bytes_used = ((uint64_t)info.me_last_pgno + 1) * stat_main.ms_psize;
    ret->bytes_map = info.me_mapsize;
    ret->disk_free = disk_free;
    ret->disk_total = disk_total;
    return ERR_OK;
}

enum err kv_copy(struct kv *kv, const char *path)
{
    char temporary[FOLDER_PATH_BYTES_MAX];
    enum err err = folder_begin(path, temporary);
    if (err != ERR_OK) {
        return err;
    }
    gate_enter(kv);
    int rc = mdb_env_copy2(kv->env, temporary, MDB_CP_COMPACT);
    gate_leave(kv);
    /* The error is of the copy's disk, not of ours: it neither marks the environment as failed nor asks our disk for its space. */
    err = error_of(rc, temporary);
    if (err == ERR_OK) {
        err = folder_publish(path);
    }
    if (err != ERR_OK) {
        folder_abandon(path);
    }
    return err;
}

/* Does the copy have as many keys in every table? LMDB says nothing of pages that it could not follow. */
static enum err copy_check(struct kv *kv, const char *path, const struct kv_schema *schema)
{
    struct kv *copy = NULL;
    struct kv_txn txn, copy_txn;
    enum err err = kv_open(path, schema, &copy);
    if (err != ERR_OK) {
        return err;
    }
    kv_begin_read(kv, &txn);
    kv_begin_read(copy, &copy_txn);
    for (uint32_t table = 0; table < schema->table_count && err == ERR_OK; table++) {
        err = kv_count(&txn, table) == kv_count(&copy_txn, table) ? ERR_OK : ERR_CORRUPT;
    }
    err = err != ERR_OK ? err : txn.err != ERR_OK ? txn.err : copy_txn.err;
    kv_abort(&copy_txn);
    kv_abort(&txn);
    kv_close(&copy);
    return err;
}

enum err kv_compact(struct kv **kv, const struct kv_schema *schema)
{
    char temporary[FOLDER_PATH_BYTES_MAX], path[KV_PATH_BYTES_MAX];
    unsigned flags = MDB_CP_COMPACT;
#ifdef GRIOT_WITHOUT_T18_COMPACTION
    flags = 0;
#endif
    assert((*kv)->readers == 0);
    memcpy(path, (*kv)->path, strlen((*kv)->path) + 1);
    enum err err = folder_begin_beside(path, temporary);
    if (err == ERR_OK) {
        err = error_of(mdb_env_copy2((*kv)->env, temporary, flags), temporary);
    }
    if (err == ERR_OK) {
        err = copy_check(*kv, temporary, schema);
    }
    kv_close(kv); /* whoever still had the old file mapped would write into one that has no name any more */
    if (err == ERR_OK) {
        err = folder_replace(path, "data.mdb");
    }
    if (err != ERR_OK) {
        folder_abandon(path);
    }
    return err;
}

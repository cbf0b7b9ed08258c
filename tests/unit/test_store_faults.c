/* Every call into LMDB, and every allocation, fails once: the answer is an error that fits, nothing leaks, and what was acknowledged is there
 * afterwards. The functions of this program stand before the libraries' own. With a sanitizer, which has an allocator of its own, only LMDB's calls
 * fail. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/folder.h"
#include "store/opener.h"
#include "store/sender_keys.h"
#include "tests/lib/home.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- LMDB's calls ---- */

/* The library's types stay unknown here: only store/kv.c sees its header. */
enum { RC_CORRUPTED = -30796, RC_MAP_FULL = -30792 };

static unsigned long calls, fail_call; /* the call with this number fails; 0: none */
static int fail_rc;

static bool call_fails(void)
{
    return ++calls == fail_call;
}

static void (*real_function(const char *name))(void)
{
    union {
        void *data;
        void (*function)(void);
    } symbol = {dlsym(RTLD_NEXT, name)};
    return symbol.function;
}

#define STAND_BEFORE(name, parameters, arguments)                                                                                                    \
    int name parameters;                                                                                                                             \
    int name parameters                                                                                                                              \
    {                                                                                                                                                \
        static int(*real) parameters;                                                                                                                \
        if (real == NULL) {                                                                                                                          \
            real = (int(*) parameters)real_function(#name);                                                                                          \
        }                                                                                                                                            \
        return call_fails() ? fail_rc : real arguments;                                                                                              \
    }

STAND_BEFORE(mdb_env_create, (void **env), (env))
STAND_BEFORE(mdb_env_open, (void *env, const char *path, unsigned flags, unsigned mode), (env, path, flags, mode))
STAND_BEFORE(mdb_env_set_mapsize, (void *env, size_t bytes), (env, bytes))
STAND_BEFORE(mdb_env_set_maxdbs, (void *env, unsigned count), (env, count))
STAND_BEFORE(mdb_env_set_maxreaders, (void *env, unsigned count), (env, count))
STAND_BEFORE(mdb_env_info, (void *env, void *info), (env, info))
STAND_BEFORE(mdb_env_stat, (void *env, void *info), (env, info))
STAND_BEFORE(mdb_env_get_fd, (void *env, void *fd), (env, fd))
STAND_BEFORE(mdb_env_copy2, (void *env, const char *path, unsigned flags), (env, path, flags))
STAND_BEFORE(mdb_txn_begin, (void *env, void *parent, unsigned flags, void **txn), (env, parent, flags, txn))
STAND_BEFORE(mdb_dbi_open, (void *txn, const char *name, unsigned flags, unsigned *dbi), (txn, name, flags, dbi))
STAND_BEFORE(mdb_stat, (void *txn, unsigned dbi, void *info), (txn, dbi, info))
STAND_BEFORE(mdb_get, (void *txn, unsigned dbi, void *key, void *value), (txn, dbi, key, value))
STAND_BEFORE(mdb_put, (void *txn, unsigned dbi, void *key, void *value, unsigned flags), (txn, dbi, key, value, flags))
STAND_BEFORE(mdb_del, (void *txn, unsigned dbi, void *key, void *value), (txn, dbi, key, value))
STAND_BEFORE(mdb_cursor_open, (void *txn, unsigned dbi, void **cursor), (txn, dbi, cursor))
STAND_BEFORE(mdb_cursor_get, (void *cursor, void *key, void *value, int op), (cursor, key, value, op))
STAND_BEFORE(mdb_cursor_put, (void *cursor, void *key, void *value, unsigned flags), (cursor, key, value, flags))
STAND_BEFORE(mdb_cursor_del, (void *cursor, unsigned flags), (cursor, flags))

int mdb_txn_commit(void *txn);
int mdb_txn_commit(void *txn)
{
    static int (*real)(void *);
    static void (*abort_it)(void *);
    if (real == NULL) {
        real = (int (*)(void *))real_function("mdb_txn_commit");
        abort_it = (void (*)(void *))real_function("mdb_txn_abort");
    }
    if (call_fails()) {
        abort_it(txn); /* as the library does when it fails */
        return fail_rc;
    }
    return real(txn);
}

/* ---- allocations ---- */

static volatile unsigned long allocations, fail_allocation;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HAS_ALLOCATOR true
static volatile long alive;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static bool is_granted(void)
{
    if (++allocations == fail_allocation) {
        errno = ENOMEM; /* as the library does */
        return false;
    }
    return true;
}

static void *counted(void *p)
{
    alive += p != NULL;
    return p;
}

void *malloc(size_t n)
{
    return is_granted() ? counted(__libc_malloc(n)) : NULL;
}

void *calloc(size_t n, size_t size)
{
    return is_granted() ? counted(__libc_calloc(n, size)) : NULL;
}

void *realloc(void *p, size_t n)
{
    if (!is_granted()) {
        return NULL;
    }
    void *moved = __libc_realloc(p, n);
    alive += p == NULL && moved != NULL;
    return moved;
}

void *__libc_memalign(size_t alignment, size_t n);
int posix_memalign(void **ret, size_t alignment, size_t n)
{
    void *p = is_granted() ? counted(__libc_memalign(alignment, n)) : NULL;
    if (p == NULL) {
        return ENOMEM;
    }
    *ret = p;
    return 0;
}

void free(void *p)
{
    alive -= p != NULL;
    __libc_free(p);
}
#else
#define HAS_ALLOCATOR false
static const long alive = 0;
#endif

/* ---- the life of a store, short ---- */

enum { HUB_A, HUB_B, EDGE = 3, ITEMS = 3 };

static struct region region;
static struct home home;
static struct span notices[8], items[ITEMS];
static size_t notice_count;
static struct span frontier_heads_;
static struct region_log log_;
static struct secret *key;
static bool is_acknowledged;   /* the transaction was committed */
static uint64_t journal_whole; /* journal items after it */

static bool see_log(void *arg, const struct log_info *log)
{
    *(struct log_info *)arg = *log;
    return true;
}

static bool see_item(void *arg, const struct journal_item *item)
{
    *(uint64_t *)arg = item->number;
    return true;
}

static bool see_notice(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    (void)ref;
    *(size_t *)arg += notice.n + heads.n;
    return true;
}

static bool see_key(void *arg, const struct sender_key_info *info)
{
    *(struct hash *)arg = info->id;
    return true;
}

/* What we have sealed can be opened again. */
static enum err open_sealed(struct store *store, struct keyring *keyring)
{
    struct opener *opener = NULL;
    struct store_read *read = NULL;
    struct hash id = {{0}};
    enum err err = opener_new(store, keyring, &opener);
    if (err == ERR_OK) {
        err = store_read_begin(store, &read);
    }
    if (err == ERR_OK) {
        err = store_sender_keys(read, &region.nodes[HUB_A].id, see_key, &id);
    }
    if (err == ERR_OK) {
        err = opener_key(opener, read, &region.nodes[HUB_A].id, &id, OPENER_NOW);
    }
    store_read_end(&read);
    opener_destroy(&opener);
    return err;
}

static enum err write_all(struct store *store, struct author *author)
{
    struct audience readers = {1, {region.nodes[EDGE].id}};
    struct seg seg = region_seg(&log_.chain.log, 0, items, ITEMS);
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text("text")};
    struct own_record own = {.depth = 1};
    struct record_id id = {{1}};
    struct admitted out;
    struct notice_ref ref;
    struct head head;
    const char *clause = NULL;
    bool is_new;
    enum err err = store_begin(store);
    if (err != ERR_OK) {
        return err;
    }
    for (size_t i = 0; i < notice_count && err == ERR_OK; i++) {
        err = store_admit_notice(store, notices[i], 0, frontier_heads_, &ref, &is_new, &clause);
        err = err == ERR_STALE ? ERR_OK : err;
    }
    if (err == ERR_OK) {
        err = store_admit(store, &seg, &out, &clause);
    }
    if (err == ERR_OK) {
        err = author_append(author, CHANNEL_REPORT, &payload, 1, (struct wall_ms){1}, 1, NULL, &head);
    }
    if (err == ERR_OK) { /* makes a key, or finds the one of an earlier life */
        payload.audience = &readers;
        err = author_append(author, CHANNEL_REPORT, &payload, 1, (struct wall_ms){1}, 1, NULL, &head);
    }
    if (err == ERR_OK) {
        err = store_own_get(store, &id, &own);
        err = err == ERR_NOT_FOUND ? store_own_put(store, &id, &own) : err;
    }
    if (err != ERR_OK) {
        store_abort(store);
        return err;
    }
    err = store_commit(store);
    is_acknowledged = err == ERR_OK;
    return err;
}

static enum err read_all(struct store *store)
{
    static const struct hash any;
    struct store_read *read = NULL;
    struct log_info info = {0};
    struct membership *membership = NULL;
    struct fsck_report report = {0};
    struct store_size size;
    struct card card;
    struct seg seg;
    uint8_t mem[1024];
    struct out out = out_into(mem, sizeof mem);
    uint64_t last = 0, entries;
    size_t bytes = 0;
    enum err err = store_read_begin(store, &read);
    if (err != ERR_OK) {
        return err;
    }
    err = store_logs(read, see_log, &info);
    if (err == ERR_OK) {
        err = store_segment(read, &log_.chain.log, false, 0, &any, UINT64_MAX, 60000, &seg, &last, &entries);
    }
    if (err == ERR_OK) {
        err = store_journal(read, 0, see_item, &last);
    }
    if (err == ERR_OK) {
        err = store_notices(read, see_notice, &bytes);
    }
    if (err == ERR_OK) {
        err = store_membership(read, sign_check, &membership);
        membership_destroy(&membership);
    }
    if (err == ERR_OK) {
        err = store_card(read, &region.nodes[EDGE].id, &card);
    }
    if (err == ERR_OK) {
        err = store_frontier_change(read, &region.nodes[EDGE].id, 1, &out);
    }
    if (err == ERR_OK) {
        err = store_size(read, &size);
    }
    if (err == ERR_OK) {
        err = store_fsck(read, sign_check, &report);
    }
    store_read_end(&read);
    return err;
}

/* All of it, once. The first error. */
static enum err live(void)
{
    struct store *store = NULL;
    struct keyring *keyring = NULL;
    struct author *author = NULL;
    struct unlock unlock = {.key = key};
    char keys[96], copy[96];
    (void)snprintf(keys, sizeof keys, "%s/keys", home.path);
    (void)snprintf(copy, sizeof copy, "%s/copy", home.path);
    is_acknowledged = false;
    enum err err = store_open(home.path, &store);
    if (err == ERR_OK) {
        err = keyring_open(keys, &unlock, &keyring);
    }
    if (err == ERR_OK) {
        err = author_new(store, keyring, region.nodes[HUB_A].secret, &author);
    }
    if (err == ERR_OK) {
        err = write_all(store, author);
    }
    if (err == ERR_OK) {
        err = read_all(store);
    }
    if (err == ERR_OK) {
        err = open_sealed(store, keyring);
    }
    if (err == ERR_OK) {
        err = store_backup(store, copy);
    }
    author_destroy(&author);
    keyring_destroy(&keyring);
    store_close(&store);
    return err;
}

static int setup(void **state)
{
    struct hash roster;
    char keys[96];
    struct keyring *keyring = NULL;
    (void)state;
    fail_call = fail_allocation = 0;
    region_init(&region, 2);
    strcpy(home.path, "/dev/shm/griot-XXXXXX"); /* many short lives: in memory, where there is such a folder */
    if (mkdtemp(home.path) == NULL) {
        strcpy(home.path, "/tmp/griot-XXXXXX");
        assert_non_null(mkdtemp(home.path));
    }
    key = secret_random(32);
    struct unlock unlock = {.key = key};
    (void)snprintf(keys, sizeof keys, "%s/keys", home.path);
    struct secret *encryption = secret_random(32);
    assert_int_equal(keyring_create(keys, &unlock, &keyring), ERR_OK);
    assert_int_equal(keyring_put(keyring, "encryption-1", encryption, false), ERR_OK);
    secret_destroy(&encryption);
    keyring_destroy(&keyring);
    region_log_init(&log_, &region, EDGE, CHANNEL_ALERT);
    items[0] = log_.birth;
    for (size_t i = 1; i < ITEMS; i++) {
        items[i] = region_log_commit(&log_, 2, 200);
    }
    struct head head = region_log_head(&log_);
    notices[0] = region.charter;
    notices[1] = region_roster(&region, &(struct region_roster){.number = 1, .members = 0x0f}, &roster);
    notices[2] = region_admit(&region, HUB_A, 1, &roster, 1, 5);
    notices[3] = region_suspend(&region, HUB_B, 1, &roster, 1, 2, NULL, 0);
    notices[4] = region_card(&region, EDGE, 1);
    notices[5] = region_frontier(&region, EDGE, 1, &head, 1, &frontier_heads_);
    notice_count = 6;
    journal_whole = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fail_call = fail_allocation = 0;
    secret_destroy(&key);
    region_log_fini(&log_);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

/* An empty store, and no copy of it. */
static void begin_anew(void)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/copy", home.path);
    assert_int_equal(folder_remove(path), ERR_OK);
    folder_abandon(path);
    (void)snprintf(path, sizeof path, "%s/log", home.path);
    assert_int_equal(folder_remove(path), ERR_OK);
    assert_int_equal(store_create(home.path, &region.id, &region.nodes[HUB_A].id), ERR_OK);
}

/* Afterwards, without faults: what is there is whole, all of it or nothing. */
static void check_whole(unsigned long n)
{
    struct store_read *read = NULL;
    struct fsck_report report = {0};
    assert_int_equal(store_open(home.path, &home.store), ERR_OK);
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
    uint64_t end = store_journal_end(read);
    if (is_acknowledged ? end != journal_whole : end != 0 && end != journal_whole) {
        fail_msg("at %lu: %lu of %lu journal items", n, (unsigned long)end, (unsigned long)journal_whole);
    }
    store_read_end(&read);
    store_close(&home.store);
}

/* Without faults at all, once: what libraries allocate once is allocated, and how long the journal gets. */
static void live_well(void)
{
    struct store_read *read = NULL;
    begin_anew();
    assert_int_equal(live(), ERR_OK);
    assert_int_equal(store_open(home.path, &home.store), ERR_OK);
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    journal_whole = store_journal_end(read);
    store_read_end(&read);
    store_close(&home.store);
    assert_true(journal_whole > 8);
}

static void every_call_into_lmdb_fails_once(void **state)
{
    static const struct {
        const char *what;
        int rc;
        unsigned step; /* not each call with each code: the suite is run before every commit */
    } rows[] = {{"EIO", EIO, 2}, {"ENOMEM", ENOMEM, 13}, {"corrupted", RC_CORRUPTED, 13}, {"ENOSPC", ENOSPC, 29}, {"map full", RC_MAP_FULL, 29}};
    (void)state;
    live_well();
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        unsigned long runs = 0, failed = 0;
        bool is_over = false;
        for (unsigned long n = 1; !is_over; n += rows[row].step) {
            begin_anew();
            calls = 0;
            fail_call = n;
            fail_rc = rows[row].rc;
            enum err err = live();
            is_over = calls < n;
            fail_call = 0;
            if (err_blame(err) == BLAME_PEER || (is_over && err != ERR_OK)) {
                fail_msg("%s at call %lu: %s", rows[row].what, n, err_name(err));
            }
            check_whole(n);
            runs++;
            failed += err != ERR_OK;
        }
        print_message("%s: %lu runs, %lu told of it\n", rows[row].what, runs, failed);
        assert_true(failed + 2 + runs / 10 >= runs); /* a few may fail without harm: counting dead readers, asking for a size */
    }
}

static void every_allocation_fails_once(void **state)
{
    (void)state;
    if (!HAS_ALLOCATOR) {
        print_message("skipped: the sanitizer has an allocator of its own\n");
        skip();
    }
    live_well();
    unsigned long runs = 0;
    bool is_over = false;
    for (unsigned long n = 1; !is_over; n += 1 + n / 50) {
        begin_anew();
        long before = alive;
        allocations = 0;
        fail_allocation = n;
        enum err err = live();
        is_over = allocations < n;
        fail_allocation = 0;
        long after = alive;
        if (after != before) {
            fail_msg("allocation %lu: %ld left behind", n, after - before);
        }
        if (err != ERR_OK && err_blame(err) != BLAME_SELF) {
            fail_msg("allocation %lu: %s", n, err_name(err));
        }
        check_whole(n);
        runs++;
    }
    print_message("%lu runs\n", runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(every_call_into_lmdb_fails_once),
        TEST(every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

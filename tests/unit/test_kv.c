/* The tables on disk: order, transactions, growth, and every error that the disk or the caller can cause.
 * Faults are planted below LMDB: this program's own fdatasync, pwrite and statvfs stand before the C library's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/batch.h"
#include "store/kv.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- planted faults ---- */

static int fault_fdatasync; /* errno of the next fdatasync; 0: none */
static int fault_write;     /* errno of the next write of data pages */
static int fault_meta;      /* errno of the next write of a meta page: the first two of the file */
static uint64_t fault_free; /* what statvfs tells; UINT64_MAX: the truth */

/* The C library's own function; through a union, as ISO C does not convert data to function pointers. */
static void (*real_function(const char *name))(void)
{
    union {
        void *data;
        void (*function)(void);
    } symbol = {dlsym(RTLD_NEXT, name)};
    return symbol.function;
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (real == NULL) {
        real = (int (*)(int))real_function("fdatasync");
    }
    if (fault_fdatasync != 0) {
        errno = fault_fdatasync;
        fault_fdatasync = 0;
        return -1;
    }
    return real(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    int *fault = at < 8192 ? &fault_meta : &fault_write;
    if (real == NULL) {
        real = (ssize_t(*)(int, const void *, size_t, off_t))real_function("pwrite");
    }
    if (*fault != 0) {
        errno = *fault;
        *fault = 0;
        return -1;
    }
    return real(fd, bytes, n, at);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (real == NULL) {
        real = (ssize_t(*)(int, const struct iovec *, int))real_function("writev");
    }
    if (fault_write != 0) {
        errno = fault_write;
        fault_write = 0;
        return -1;
    }
    return real(fd, iov, count);
}

int statvfs(const char *path, struct statvfs *ret)
{
    static int (*real)(const char *, struct statvfs *);
    if (real == NULL) {
        real = (int (*)(const char *, struct statvfs *))real_function("statvfs");
    }
    int rc = real(path, ret);
    if (rc == 0 && fault_free != UINT64_MAX) {
        ret->f_bavail = fault_free / ret->f_frsize;
    }
    return rc;
}

/* ---- a folder for each test ---- */

enum { TABLE_A, TABLE_B };
static const char *const tables[] = {"a", "b"};
static const struct kv_schema schema = {tables, 2, 7, 0};
static char root[64];
static char home[96];

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/griot-kv-XXXXXX");
    fault_fdatasync = fault_write = fault_meta = 0;
    fault_free = UINT64_MAX;
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    (void)snprintf(home, sizeof home, "%s/env", root);
    return 0;
}

static int teardown(void **state)
{
    char command[160];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) == 0 ? 0 : -1;
}

static struct kv *fresh(void)
{
    struct kv *kv = NULL;
    assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
    return kv;
}

static void put_number(struct kv_txn *txn, uint32_t table, uint64_t number, const char *text)
{
    uint8_t mem[8];
    struct out key = out_into(mem, sizeof mem);
    key_u64(&key, number);
    kv_put(txn, table, out_written(&key), span_text(text));
}

static bool get_number(struct kv_txn *txn, uint32_t table, uint64_t number, struct span *ret)
{
    uint8_t mem[8];
    struct out key = out_into(mem, sizeof mem);
    key_u64(&key, number);
    return kv_get(txn, table, out_written(&key), ret);
}

static uint64_t count_of(struct kv *kv, uint32_t table)
{
    struct kv_txn txn;
    kv_begin_read(kv, &txn);
    uint64_t count = kv_count(&txn, table);
    assert_int_equal(kv_commit(&txn), ERR_OK);
    return count;
}

/* ---- tests ---- */

static void what_is_committed_is_there_after_opening_again(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct span value;
    (void)state;
    kv_begin_write(kv, &txn);
    put_number(&txn, TABLE_A, 1, "one");
    put_number(&txn, TABLE_B, 1, "other");
    assert_true(get_number(&txn, TABLE_A, 1, &value)); /* sees itself */
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_close(&kv);
    assert_null(kv);
    kv_close(&kv);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
    kv_begin_read(kv, &txn);
    assert_true(get_number(&txn, TABLE_A, 1, &value));
    assert_true(span_equal(value, span_text("one")));
    assert_true(get_number(&txn, TABLE_B, 1, &value));
    assert_true(span_equal(value, span_text("other")));
    assert_false(get_number(&txn, TABLE_A, 2, &value));
    assert_int_equal(txn.err, ERR_OK); /* absent is no error */
    kv_abort(&txn);
    kv_abort(&txn); /* a second time does nothing */
    kv_close(&kv);
}

static void what_is_aborted_was_never_there(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    (void)state;
    kv_begin_write(kv, &txn);
    put_number(&txn, TABLE_A, 1, "one");
    kv_abort(&txn);
    assert_int_equal(kv_commit(&txn), ERR_INTERNAL); /* it is over */
    assert_int_equal(count_of(kv, TABLE_A), 0);
    kv_close(&kv);
}

static void a_reader_sees_its_snapshot(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn reader, writer;
    struct span value;
    (void)state;
    kv_begin_read(kv, &reader);
    kv_begin_write(kv, &writer);
    put_number(&writer, TABLE_A, 1, "one");
    assert_int_equal(kv_commit(&writer), ERR_OK);
    assert_false(get_number(&reader, TABLE_A, 1, &value));
    kv_abort(&reader);
    assert_int_equal(count_of(kv, TABLE_A), 1);
    kv_close(&kv);
}

static void numbers_in_keys_sort_as_numbers(void **state)
{
    static const uint64_t numbers[] = {0, 1, 255, 256, 65535, 65536, UINT32_MAX, 1ULL << 32, UINT64_MAX};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct kv_cursor cursor;
    size_t at = 0;
    (void)state;
    kv_begin_write(kv, &txn);
    for (size_t i = COUNT; i > 0; i--) {
        put_number(&txn, TABLE_A, numbers[i - 1], "x");
    }
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_begin_read(kv, &txn);
    kv_cursor_open(&txn, TABLE_A, &cursor);
    for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
        assert_true(at < COUNT);
        assert_int_equal(cursor.key.n, 8);
        assert_true(key_read_u64(cursor.key.p) == numbers[at++]);
    }
    assert_int_equal(at, COUNT);
    for (bool ok = kv_last(&cursor); ok; ok = kv_prev(&cursor)) {
        assert_true(key_read_u64(cursor.key.p) == numbers[--at]);
    }
    assert_int_equal(at, 0);
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    kv_close(&kv);
}

static void cursors_find_places(void **state)
{
    static const char *const keys[] = {"b", "ba", "bb", "d", "\xff", "\xff\xff"};
    static const struct {
        const char *what, *at, *seek, *before, *prefix, *last_prefix;
    } rows[] = {
        {"below all", "a", "b", NULL, NULL, NULL},
        {"the first", "b", "b", NULL, "b", "bb"},
        {"between", "c", "d", "bb", NULL, NULL},
        {"a longer one", "baa", "bb", "ba", NULL, NULL},
        {"highest byte", "\xff", "\xff", "d", "\xff", "\xff\xff"},
        {"above all", "\xff\xff\xff", NULL, "\xff\xff", NULL, NULL},
    };
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct kv_cursor c;
    (void)state;
    kv_begin_write(kv, &txn);
    kv_cursor_open(&txn, TABLE_A, &c);
    assert_false(kv_first(&c));
    assert_false(kv_seek_before(&c, span_text("x")));
    assert_false(kv_last_prefix(&c, span_of(NULL, 0)));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        kv_cursor_put(&c, span_text(keys[i]), span_of(NULL, 0));
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span at = span_text(rows[i].at);
        const struct {
            bool (*move)(struct kv_cursor *, struct span);
            const char *expected;
        } moves[] = {
            {kv_seek, rows[i].seek}, {kv_seek_before, rows[i].before}, {kv_seek_prefix, rows[i].prefix}, {kv_last_prefix, rows[i].last_prefix}};
        for (size_t m = 0; m < 4; m++) {
            bool found = moves[m].move(&c, at);
            if (found != (moves[m].expected != NULL) || (found && !span_equal(c.key, span_text(moves[m].expected)))) {
                fail_msg("%s, move %zu", rows[i].what, m);
            }
        }
    }
    assert_true(kv_seek_exact(&c, span_text("ba")));
    assert_false(kv_seek_exact(&c, span_text("bab")));
    /* A range is what begins with the prefix, and nothing else. */
    size_t in_range = 0;
    for (bool ok = kv_seek_prefix(&c, span_text("b")); ok; ok = kv_next_prefix(&c, span_text("b"))) {
        in_range++;
    }
    assert_int_equal(in_range, 3);
    /* Delete goes on with what followed. */
    assert_true(kv_seek_exact(&c, span_text("ba")));
    kv_cursor_delete(&c);
    assert_true(kv_next(&c));
    assert_true(span_equal(c.key, span_text("bb")));
    kv_cursor_close(&c);
    assert_true(kv_delete(&txn, TABLE_A, span_text("bb")));
    assert_false(kv_delete(&txn, TABLE_A, span_text("bb")));
    assert_int_equal(kv_count(&txn, TABLE_A), 4);
    kv_clear(&txn, TABLE_A);
    assert_int_equal(kv_count(&txn, TABLE_A), 0);
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_close(&kv);
}

static void appending_below_the_end_is_an_error_that_sticks(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct span value;
    (void)state;
    kv_begin_write(kv, &txn);
    kv_append(&txn, TABLE_A, span_text("b"), span_text("1"));
    kv_append(&txn, TABLE_A, span_text("c"), span_text("1"));
    assert_int_equal(txn.err, ERR_OK);
    kv_append(&txn, TABLE_A, span_text("a"), span_text("1"));
    assert_int_equal(txn.err, ERR_CORRUPT);
    kv_put(&txn, TABLE_A, span_text("d"), span_text("1"));
    assert_false(kv_get(&txn, TABLE_A, span_text("b"), &value)); /* nothing is done or found any more */
    assert_null(kv_reserve(&txn, TABLE_A, span_text("e"), 4));
    assert_false(kv_delete(&txn, TABLE_A, span_text("b")));
    assert_int_equal(kv_commit(&txn), ERR_CORRUPT);
    assert_int_equal(count_of(kv, TABLE_A), 0);
    kv_close(&kv);
}

static void a_reserved_value_is_written_in_place(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct span value;
    (void)state;
    kv_begin_write(kv, &txn);
    uint8_t *p = kv_reserve(&txn, TABLE_A, span_text("k"), 10000);
    assert_non_null(p);
    memset(p, 'x', 10000);
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_begin_read(kv, &txn);
    assert_true(kv_get(&txn, TABLE_A, span_text("k"), &value));
    assert_int_equal(value.n, 10000);
    assert_int_equal(value.p[0], 'x');
    assert_int_equal(value.p[9999], 'x');
    kv_abort(&txn);
    kv_close(&kv);
}

static void keys_of_every_allowed_length_work(void **state)
{
    static const size_t lengths[] = {1, KV_KEY_BYTES_MAX - 1, KV_KEY_BYTES_MAX};
    uint8_t key[KV_KEY_BYTES_MAX];
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct span value;
    (void)state;
    memset(key, 0xff, sizeof key);
    kv_begin_write(kv, &txn);
    for (size_t i = 0; i < 3; i++) {
        kv_put(&txn, TABLE_A, span_of(key, lengths[i]), span_text("v"));
        assert_true(kv_get(&txn, TABLE_A, span_of(key, lengths[i]), &value));
    }
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_close(&kv);
}

static void a_batch_is_put_in_order_and_the_last_of_equals_counts(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct batch *batch = batch_new();
    struct span key, value;
    char text[16];
    (void)state;
    assert_non_null(batch);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 2000; i++) {
            uint8_t mem[12];
            struct out out = out_into(mem, sizeof mem);
            key_u64(&out, 42); /* the same first eight bytes: the rest decides */
            key_u32(&out, (i * 7919u) % 2000u);
            (void)snprintf(text, sizeof text, "%u", round);
            assert_int_equal(batch_add(batch, out_written(&out), span_text(text)), ERR_OK);
        }
    }
    assert_int_equal(batch_add(batch, span_text("a"), span_of(NULL, 0)), ERR_OK);
    assert_int_equal(batch_count(batch), 4001);
    batch_sort(batch);
    for (size_t i = 1; i < 4000; i++) {
        struct span before, before_value;
        batch_at(batch, i - 1, &before, &before_value);
        batch_at(batch, i, &key, &value);
        int order = memcmp(before.p, key.p, 12);
        assert_true(order < 0 || (order == 0 && before_value.p[0] < value.p[0]));
    }
    kv_begin_write(kv, &txn);
    batch_put(batch, &txn, TABLE_A);
    assert_int_equal(batch_count(batch), 0);
    assert_int_equal(batch_bytes(batch), 0);
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_begin_read(kv, &txn);
    assert_int_equal(kv_count(&txn, TABLE_A), 2001);
    struct kv_cursor c;
    kv_cursor_open(&txn, TABLE_A, &c);
    assert_true(kv_first(&c));
    assert_true(span_equal(c.value, span_text("1")));
    kv_cursor_close(&c);
    kv_abort(&txn);
    batch_destroy(&batch);
    batch_destroy(&batch);
    kv_close(&kv);
}

static void creating_and_opening_refuse_by_name(void **state)
{
    struct kv *kv = NULL, *second = NULL;
    struct kv_schema other = schema;
    char path[FILENAME_MAX], long_path[KV_PATH_BYTES_MAX + 8];
    (void)state;
    assert_int_equal(kv_open(home, &schema, &kv), ERR_NOT_FOUND);
    memset(long_path, 'x', sizeof long_path);
    long_path[KV_PATH_BYTES_MAX + 7] = '\0';
    assert_int_equal(kv_open(long_path, &schema, &kv), ERR_INVALID);
    assert_int_equal(kv_create(long_path, &schema, NULL, NULL), ERR_INVALID);
    (void)snprintf(path, sizeof path, "%s/none/env", root);
    assert_int_equal(kv_create(path, &schema, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
    assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_EXISTS);
    other.layout = 8;
    assert_int_equal(kv_open(home, &other, &kv), ERR_LAYOUT);
    static const char *const more[] = {"a", "b", "c"};
    other = (struct kv_schema){more, 3, 7, 0};
    assert_int_equal(kv_open(home, &other, &kv), ERR_CORRUPT); /* a table is missing */
    other = (struct kv_schema){more, 3, 9, 8};
    assert_int_equal(kv_open(home, &other, &kv), ERR_LAYOUT); /* too old to be grown */
    assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
    assert_int_equal(kv_open(home, &schema, &second), ERR_LOCKED);
    (void)snprintf(path, sizeof path, "%s/../%s/env", root, strrchr(root, '/') + 1);
    assert_int_equal(kv_open(path, &schema, &second), ERR_LOCKED); /* by another name too */
    assert_int_equal(kv_drop(home), ERR_LOCKED);
    kv_close(&kv);
    assert_int_equal(kv_drop(home), ERR_OK);
    assert_int_equal(kv_drop(home), ERR_OK);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_NOT_FOUND);
}

static void an_older_environment_is_given_the_tables_it_lacks(void **state)
{
    static const char *const more[] = {"a", "b", "c"};
    const struct kv_schema newer = {more, 3, 9, 7};
    struct kv *kv = NULL;
    struct kv_txn txn;
    struct span value;
    (void)state;
    assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
    kv_begin_write(kv, &txn);
    kv_put(&txn, 0, span_text("k"), span_text("kept"));
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_close(&kv);
    for (int time = 0; time < 2; time++) {
        assert_int_equal(kv_open(home, &newer, &kv), ERR_OK);
        kv_begin_write(kv, &txn);
        assert_true(kv_get(&txn, 0, span_text("k"), &value));
        assert_true(span_equal(value, span_text("kept")));
        kv_put(&txn, 2, span_text("n"), span_text("new"));
        assert_int_equal(kv_commit(&txn), ERR_OK);
        kv_close(&kv);
    }
    assert_int_equal(kv_open(home, &schema, &kv), ERR_LAYOUT); /* the older release does not open it any more */
    assert_int_equal(kv_drop(home), ERR_OK);
}

static void a_path_may_be_relative(void **state)
{
    char before[4096];
    struct kv *kv = NULL;
    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(root), 0);
    enum err made = kv_create("env", &schema, NULL, NULL), opened = kv_open("./env", &schema, &kv);
    kv_close(&kv);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(made, ERR_OK);
    assert_int_equal(opened, ERR_OK);
    /* What is in the way and is no folder of ours is not removed. */
    char path[256];
    (void)snprintf(path, sizeof path, "%s.new", home);
    assert_int_equal(kv_drop(home), ERR_OK);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s.new/folder", home);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_not_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
}

static void a_folder_without_rights_is_a_permission_error(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (setgid(65534) != 0 || setuid(65534) != 0) {
                _exit(9);
            }
            _exit(kv_create(home, &schema, NULL, NULL) == ERR_PERMISSION ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    } else {
        assert_int_equal(chmod(root, 0500), 0);
        assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_PERMISSION);
        assert_int_equal(chmod(root, 0700), 0);
    }
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void a_damaged_file_is_refused_and_never_ends_the_process(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct stat st;
    char data[128];
    static uint8_t junk[16384];
    (void)state;
    (void)snprintf(data, sizeof data, "%s/data.mdb", home);
    kv_begin_write(kv, &txn);
    for (uint64_t i = 0; i < 20000; i++) {
        put_number(&txn, TABLE_A, i, "some value of a usual length, so that the file has many pages");
    }
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_close(&kv);
    assert_int_equal(stat(data, &st), 0);
    assert_int_equal(truncate(data, st.st_size / 2), 0);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_CORRUPT);
    assert_int_equal(truncate(data, 8192), 0);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_CORRUPT);
    assert_int_equal(truncate(data, 0), 0);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_CORRUPT); /* LMDB alone would make a new one */
    memset(junk, 'j', sizeof junk);
    write_file(data, junk, sizeof junk);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_CORRUPT);
    assert_null(kv);
}

static void a_power_cut_at_first_creation_leaves_all_or_nothing(void **state)
{
    struct kv *kv = NULL;
    char half[128], data[160];
    (void)state;
    /* What a cut leaves behind: the temporary folder with half a file. It is no store, and it does not stop the next creation. */
    (void)snprintf(half, sizeof half, "%s.new", home);
    (void)snprintf(data, sizeof data, "%s/data.mdb", half);
    for (size_t n = 0; n <= 12288; n += 4096) {
        static uint8_t zeros[12288];
        assert_int_equal(mkdir(half, 0700), 0);
        write_file(data, zeros, n);
        assert_int_equal(kv_open(home, &schema, &kv), ERR_NOT_FOUND);
        assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
        assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
        kv_close(&kv);
        assert_int_equal(kv_drop(home), ERR_OK);
    }
    /* A disk that fails while it is made: an error, and nothing under the name. */
    static const struct {
        const char *what;
        int *fault, number;
        enum err expected;
    } rows[] = {
        {"sync fails", &fault_fdatasync, EIO, ERR_IO},
        {"write fails", &fault_write, EIO, ERR_IO},
        {"no space", &fault_write, ENOSPC, ERR_FULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stat st;
        *rows[i].fault = rows[i].number;
        enum err err = kv_create(home, &schema, NULL, NULL);
        if (err != rows[i].expected || stat(home, &st) == 0 || stat(half, &st) == 0) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
    }
}

static void the_child_that_creates(const char *path)
{
    struct kv *kv = NULL;
    if (kv_create(path, &schema, NULL, NULL) != ERR_OK || kv_open(path, &schema, &kv) != ERR_OK) {
        _exit(1);
    }
    _exit(0);
}

static void a_kill_during_creation_leaves_all_or_nothing(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        struct kv *kv = NULL;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            the_child_that_creates(home);
        }
        usleep(round * 150);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        enum err err = kv_open(home, &schema, &kv);
        assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
        if (err == ERR_NOT_FOUND) {
            assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
        }
        kv_close(&kv);
        assert_int_equal(kv_drop(home), ERR_OK);
    }
}

static void an_io_error_stops_all_writing_until_opened_again(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    (void)state;
    kv_begin_write(kv, &txn);
    put_number(&txn, TABLE_A, 1, "one");
    assert_int_equal(kv_commit(&txn), ERR_OK);
    assert_string_equal(kv_reason(kv), "");
    kv_begin_write(kv, &txn);
    put_number(&txn, TABLE_A, 2, "two");
    fault_fdatasync = EIO;
    assert_int_equal(kv_commit(&txn), ERR_IO);
    assert_string_not_equal(kv_reason(kv), "");
    kv_begin_write(kv, &txn); /* LMDB would go on and say that all is well (L6) */
    assert_int_equal(txn.err, ERR_IO);
    assert_int_equal(kv_commit(&txn), ERR_IO);
    assert_int_equal(count_of(kv, TABLE_A), 1); /* reads go on */
    kv_close(&kv);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
    assert_int_equal(count_of(kv, TABLE_A), 1);
    kv_begin_write(kv, &txn);
    put_number(&txn, TABLE_A, 2, "two");
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_close(&kv);
}

static void a_failed_meta_page_needs_a_new_start(void **state)
{
    static const int numbers[] = {EIO, ENOSPC};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kv *kv = fresh();
        struct kv_txn txn;
        kv_begin_write(kv, &txn);
        put_number(&txn, TABLE_A, 1, "one");
        fault_meta = numbers[i];
        assert_int_equal(kv_commit(&txn), ERR_IO);
        kv_begin_write(kv, &txn);
        assert_int_equal(txn.err, ERR_IO);
        kv_begin_read(kv, &txn);
        assert_int_equal(txn.err, ERR_IO);
        kv_close(&kv);
        assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
        assert_true(count_of(kv, TABLE_A) <= 1);
        kv_close(&kv);
        assert_int_equal(kv_drop(home), ERR_OK);
    }
}

static void a_full_disk_is_told_from_a_broken_one(void **state)
{
    static const struct {
        const char *what;
        int number;
        uint64_t disk_free;
        enum err expected;
    } rows[] = {
        {"no space", ENOSPC, UINT64_MAX, ERR_FULL},
        {"no quota", EDQUOT, UINT64_MAX, ERR_FULL},
        {"short write on a full disk", EIO, 0, ERR_FULL},
        {"EIO with space left", EIO, 1ULL << 30, ERR_IO},
    };
    struct kv *kv = fresh();
    struct kv_txn txn;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kv_begin_write(kv, &txn);
        put_number(&txn, TABLE_A, 1, "one");
        fault_write = rows[i].number;
        fault_free = rows[i].disk_free;
        enum err err = kv_commit(&txn);
        fault_free = UINT64_MAX;
        if (err != rows[i].expected) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
        assert_int_equal(count_of(kv, TABLE_A), 0);
        if (err == ERR_FULL) {
            kv_begin_write(kv, &txn); /* space came back: writing goes on */
            put_number(&txn, TABLE_B, 1, "one");
            assert_int_equal(kv_commit(&txn), ERR_OK);
        }
    }
    kv_close(&kv);
}

static void the_reserve_is_a_share_or_a_size_whichever_is_less(void **state)
{
    struct kv *kv = fresh();
    struct kv_size size;
    (void)state;
    assert_int_equal(kv_size(kv, &size), ERR_OK);
    assert_true(size.bytes_used >= 8192 && size.bytes_map > size.bytes_used && size.disk_total > size.disk_free);
    fault_free = 16 << 20;
    kv_set_reserve(kv, 100, 16 << 20);
    assert_true(kv_has_room(kv)); /* at the limit */
    kv_set_reserve(kv, 100, (16 << 20) + 1);
    assert_false(kv_has_room(kv));
    kv_set_reserve(kv, 0, 1ULL << 62);
    assert_true(kv_has_room(kv));
    fault_free = 0;
    assert_true(kv_has_room(kv));
    kv_set_reserve(kv, 100, 1);
    assert_false(kv_has_room(kv));
    kv_close(&kv);
}

enum { SMALL_STEP = 1 << 20 };
static uint8_t large[100000];

static void put_large(struct kv_txn *txn, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint8_t mem[8];
        struct out key = out_into(mem, sizeof mem);
        key_u64(&key, first + i);
        kv_put(txn, TABLE_A, out_written(&key), span_of(large, sizeof large));
    }
}

static void the_map_grows_by_itself(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    struct kv_size before, after;
    (void)state;
    kv_set_map_step(kv, SMALL_STEP);
    assert_int_equal(kv_size(kv, &before), ERR_OK);
    assert_int_equal(before.bytes_map, 2 * SMALL_STEP);
    for (uint64_t i = 0; i < 100; i++) {
        kv_begin_write(kv, &txn);
        put_large(&txn, i * 4, 4);
        assert_int_equal(kv_commit(&txn), ERR_OK);
    }
    assert_int_equal(kv_size(kv, &after), ERR_OK);
    assert_true(after.bytes_used > 40000000 && after.bytes_map > after.bytes_used);
    assert_int_equal(count_of(kv, TABLE_A), 400);
    kv_close(&kv);
}

static void a_transaction_larger_than_the_map_is_busy_until_it_fits(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    enum err err = ERR_BUSY;
    unsigned tries = 0;
    (void)state;
    kv_set_map_step(kv, SMALL_STEP);
    for (; err == ERR_BUSY; tries++) {
        assert_true(tries < 20);
        assert_int_equal(count_of(kv, TABLE_A), 0); /* nothing of the failed one is there */
        kv_begin_write(kv, &txn);
        put_large(&txn, 0, 50);
        err = kv_commit(&txn);
    }
    assert_int_equal(err, ERR_OK);
    assert_true(tries > 1);
    assert_int_equal(count_of(kv, TABLE_A), 50);
    kv_close(&kv);
}

static void *read_for_a_while(void *arg)
{
    struct kv_txn txn;
    struct span value;
    kv_begin_read(arg, &txn);
    usleep(100000);
    bool is_there = get_number(&txn, TABLE_B, 1, &value) && span_equal(value, span_text("held"));
    enum err err = kv_commit(&txn);
    return is_there && err == ERR_OK ? arg : NULL;
}

static void growth_waits_for_readers(void **state)
{
    struct kv *kv = fresh();
    struct kv_txn txn;
    pthread_t thread;
    void *result = NULL;
    (void)state;
    kv_set_map_step(kv, SMALL_STEP);
    kv_begin_write(kv, &txn);
    put_number(&txn, TABLE_B, 1, "held");
    assert_int_equal(kv_commit(&txn), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, read_for_a_while, kv), 0);
    usleep(20000);
    for (uint64_t i = 0; i < 40; i++) { /* meets the end of the map while the other one reads */
        kv_begin_write(kv, &txn);
        put_large(&txn, i, 1);
        assert_int_equal(kv_commit(&txn), ERR_OK);
    }
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, kv);
    assert_int_equal(count_of(kv, TABLE_A), 40);
    kv_close(&kv);
}

static void one_reader_too_many_is_busy(void **state)
{
    static struct kv_txn readers[KV_READERS_MAX + 1];
    struct kv *kv = fresh();
    (void)state;
    for (size_t i = 0; i < KV_READERS_MAX; i++) {
        kv_begin_read(kv, &readers[i]);
        assert_int_equal(readers[i].err, ERR_OK);
    }
    kv_begin_read(kv, &readers[KV_READERS_MAX]);
    assert_int_equal(readers[KV_READERS_MAX].err, ERR_BUSY);
    for (size_t i = 0; i <= KV_READERS_MAX; i++) {
        kv_abort(&readers[i]);
    }
    kv_begin_read(kv, &readers[0]);
    assert_int_equal(readers[0].err, ERR_OK);
    assert_int_equal(kv_commit(&readers[0]), ERR_OK);
    kv_close(&kv);
}

static void a_forked_child_may_not_write(void **state)
{
    struct kv *kv = fresh();
    int status = 0;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct kv_txn txn;
        kv_begin_write(kv, &txn);
        _exit(txn.err == ERR_INTERNAL && kv_commit(&txn) == ERR_INTERNAL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    kv_close(&kv);
}

static void a_dead_readers_place_is_freed(void **state)
{
    struct kv *kv = NULL;
    int ready[2];
    char byte;
    (void)state;
    assert_int_equal(kv_create(home, &schema, NULL, NULL), ERR_OK);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct kv_txn txn;
        if (kv_open(home, &schema, &kv) == ERR_OK) {
            kv_begin_read(kv, &txn);
            if (txn.err == ERR_OK && write(ready[1], "r", 1) == 1) {
                pause();
            }
        }
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(kv_open(home, &schema, &kv), ERR_OK);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(kv_reader_check(kv), 1);
    assert_int_equal(kv_reader_check(kv), 0);
    close(ready[0]);
    close(ready[1]);
    kv_close(&kv);
}

static void a_copy_is_whole_compact_and_opens(void **state)
{
    struct kv *kv = fresh(), *copy = NULL;
    struct kv_txn txn;
    struct kv_size size, copy_size;
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/copy", root);
    kv_begin_write(kv, &txn);
    put_large(&txn, 0, 50);
    put_number(&txn, TABLE_B, 1, "kept");
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_begin_write(kv, &txn);
    kv_clear(&txn, TABLE_A);
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_begin_write(kv, &txn); /* one is under way: it is not in the copy, and does not stop it */
    put_number(&txn, TABLE_B, 2, "not yet");
    assert_int_equal(kv_copy(kv, path), ERR_OK);
    assert_int_equal(kv_commit(&txn), ERR_OK);
    assert_int_equal(kv_copy(kv, path), ERR_EXISTS);
    assert_int_equal(kv_open(path, &schema, &copy), ERR_OK);
    assert_int_equal(count_of(copy, TABLE_A), 0);
    assert_int_equal(count_of(copy, TABLE_B), 1);
    assert_int_equal(kv_size(kv, &size), ERR_OK);
    assert_int_equal(kv_size(copy, &copy_size), ERR_OK);
    assert_true(copy_size.bytes_used < size.bytes_used / 20);
    kv_close(&copy);
    (void)snprintf(path, sizeof path, "%s/none/copy", root);
    assert_int_equal(kv_copy(kv, path), ERR_NOT_FOUND);
    kv_close(&kv);
}

/* A file system of its own that really fills up. Needs root. */
static void a_really_full_disk_loses_nothing(void **state)
{
    struct kv *kv = NULL, *other = NULL;
    struct kv_txn txn;
    char small[80], env[96], copy[96];
    uint64_t stored = 0;
    enum err err = ERR_OK;
    (void)state;
    (void)snprintf(small, sizeof small, "%s/small", root);
    assert_int_equal(mkdir(small, 0700), 0);
    if (geteuid() != 0 || mount("none", small, "tmpfs", 0, "size=8m") != 0) {
        print_message("skipped: a small tmpfs needs root\n");
        skip();
    }
    (void)snprintf(env, sizeof env, "%s/env", small);
    (void)snprintf(copy, sizeof copy, "%s/copy", small);
    assert_int_equal(kv_create(env, &schema, NULL, NULL), ERR_OK);
    assert_int_equal(kv_open(env, &schema, &kv), ERR_OK);
    kv_set_reserve(kv, 10, 64 << 20);
    assert_true(kv_has_room(kv));
    while (err == ERR_OK && stored < 1000) {
        kv_begin_write(kv, &txn);
        put_large(&txn, stored, 1);
        err = kv_commit(&txn);
        stored += err == ERR_OK;
    }
    assert_int_equal(err, ERR_FULL);
    assert_true(stored > 10);
    assert_false(kv_has_room(kv));
    assert_int_equal(count_of(kv, TABLE_A), stored); /* reads go on */
    assert_int_equal(kv_copy(kv, copy), ERR_FULL);
    kv_begin_write(kv, &txn); /* deleting works at full */
    uint8_t mem[8];
    struct out key = out_into(mem, sizeof mem);
    key_u64(&key, 0);
    assert_true(kv_delete(&txn, TABLE_A, out_written(&key)));
    assert_int_equal(kv_commit(&txn), ERR_OK);
    kv_close(&kv);
    assert_int_equal(kv_open(env, &schema, &kv), ERR_OK);
    assert_int_equal(count_of(kv, TABLE_A), stored - 1);
    (void)snprintf(copy, sizeof copy, "%s/copy", root);
    assert_int_equal(kv_copy(kv, copy), ERR_OK); /* to another disk */
    assert_int_equal(kv_open(copy, &schema, &other), ERR_OK);
    assert_int_equal(count_of(other, TABLE_A), stored - 1);
    kv_close(&other);
    kv_close(&kv);
    assert_int_equal(umount(small), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_is_committed_is_there_after_opening_again),
        TEST(what_is_aborted_was_never_there),
        TEST(a_reader_sees_its_snapshot),
        TEST(numbers_in_keys_sort_as_numbers),
        TEST(cursors_find_places),
        TEST(appending_below_the_end_is_an_error_that_sticks),
        TEST(a_reserved_value_is_written_in_place),
        TEST(keys_of_every_allowed_length_work),
        TEST(a_batch_is_put_in_order_and_the_last_of_equals_counts),
        TEST(creating_and_opening_refuse_by_name),
        TEST(an_older_environment_is_given_the_tables_it_lacks),
        TEST(a_path_may_be_relative),
        TEST(a_folder_without_rights_is_a_permission_error),
        TEST(a_damaged_file_is_refused_and_never_ends_the_process),
        TEST(a_power_cut_at_first_creation_leaves_all_or_nothing),
        TEST(a_kill_during_creation_leaves_all_or_nothing),
        TEST(an_io_error_stops_all_writing_until_opened_again),
        TEST(a_failed_meta_page_needs_a_new_start),
        TEST(a_full_disk_is_told_from_a_broken_one),
        TEST(the_reserve_is_a_share_or_a_size_whichever_is_less),
        TEST(the_map_grows_by_itself),
        TEST(a_transaction_larger_than_the_map_is_busy_until_it_fits),
        TEST(growth_waits_for_readers),
        TEST(one_reader_too_many_is_busy),
        TEST(a_forked_child_may_not_write),
        TEST(a_dead_readers_place_is_freed),
        TEST(a_copy_is_whole_compact_and_opens),
        TEST(a_really_full_disk_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

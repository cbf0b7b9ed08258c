/* The log environment: opening, transactions, segments for the wire, and that what is acknowledged survives kill -9, full disks and broken ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HUB_A, HUB_B, EDGE = 3 };

static struct region region;
static struct home home;
static struct hash roster;

/* ---- planted faults: this program's own functions stand before the C library's ---- */

static int fault_fdatasync;
static uint64_t fault_free = UINT64_MAX;

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

/* ---- the tests' own node ---- */

static struct keyring *keyring;
static struct secret *key;
static struct author *author;

static void author_start(void)
{
    char path[128];
    struct unlock unlock = {.key = key};
    (void)snprintf(path, sizeof path, "%s/keys", home.path);
    enum err err = keyring_create(path, &unlock, &keyring);
    if (err == ERR_EXISTS) {
        err = keyring_open(path, &unlock, &keyring);
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(author_new(home.store, keyring, region.nodes[EDGE].secret, &author), ERR_OK);
}

static void author_stop(void)
{
    author_destroy(&author);
    keyring_destroy(&keyring);
}

static int setup(void **state)
{
    (void)state;
    fault_fdatasync = 0;
    fault_free = UINT64_MAX;
    region_init(&region, 2);
    home_init(&home, &region, EDGE);
    home_found(&home, &region, 0xff, &roster);
    key = secret_random(32);
    author_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_free = UINT64_MAX;
    author_stop();
    secret_destroy(&key);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

static enum err append(const char *text, struct head *ret)
{
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text(text)};
    return author_append(author, CHANNEL_REPORT, &payload, 1, (struct wall_ms){1700000000000}, 1, NULL, ret);
}

static struct head must_append(const char *text)
{
    struct head head;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append(text, &head), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    return head;
}

/* ---- opening ---- */

static void opening_refuses_by_name(void **state)
{
    struct store *second = NULL;
    char path[160], moved[160];
    (void)state;
    assert_int_equal(store_create(home.path, &region.id, &region.nodes[0].id), ERR_LOCKED);
    assert_int_equal(store_open(home.path, &second), ERR_LOCKED);
    assert_memory_equal(store_region(home.store)->b, region.id.b, 32);
    assert_memory_equal(store_self(home.store)->b, region.nodes[EDGE].id.b, 16);
    assert_string_equal(store_reason(home.store), "");
    store_close(&home.store);
    store_close(&home.store);
    assert_int_equal(store_create(home.path, &region.id, &region.nodes[0].id), ERR_EXISTS);
    (void)snprintf(path, sizeof path, "%s/none", home.path);
    assert_int_equal(store_open(path, &second), ERR_NOT_FOUND);
    assert_int_equal(store_create(path, &region.id, &region.nodes[0].id), ERR_NOT_FOUND);
    (void)snprintf(path, sizeof path, "%s/log", home.path);
    (void)snprintf(moved, sizeof moved, "%s/elsewhere", home.path);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(store_open(home.path, &second), ERR_NOT_FOUND);
    assert_int_equal(rename(moved, path), 0);
    (void)snprintf(moved, sizeof moved, "%s/log/data.mdb", home.path);
    struct stat st;
    assert_int_equal(stat(moved, &st), 0);
    assert_int_equal(truncate(moved, 9000), 0);
    assert_int_equal(store_open(home.path, &second), ERR_CORRUPT);
    assert_null(second);
    author_stop();
    assert_int_equal(unlink(moved), 0);
    (void)snprintf(moved, sizeof moved, "%s/log/lock.mdb", home.path);
    assert_int_equal(unlink(moved), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(store_create(home.path, &region.id, &region.nodes[EDGE].id), ERR_OK);
    assert_int_equal(store_open(home.path, &home.store), ERR_OK);
    author_start();
}

static void another_process_has_the_home(void **state)
{
    int ready[2], status = 0;
    char byte;
    struct store *store = NULL;
    (void)state;
    author_stop();
    store_close(&home.store);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (store_open(home.path, &store) == ERR_OK && write(ready[1], "r", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(store_open(home.path, &store), ERR_LOCKED);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(store_open(home.path, &home.store), ERR_OK); /* the dead give the lock back */
    author_start();
    close(ready[0]);
    close(ready[1]);
}

/* ---- transactions ---- */

static void an_aborted_transaction_was_never_there(void **state)
{
    struct region_log log;
    struct seg seg;
    struct admitted out;
    const char *clause = NULL;
    (void)state;
    must_append("first");
    struct hash before = home_digest(&home);
    region_log_init(&log, &region, HUB_A, CHANNEL_ALERT);
    struct span items[2] = {log.birth, region_log_commit(&log, 3, 50)};
    struct head head;
    assert_int_equal(store_begin(home.store), ERR_OK);
    seg = region_seg(&log.chain.log, 0, items, 2);
    assert_int_equal(store_admit(home.store, &seg, &out, &clause), ERR_OK);
    assert_int_equal(append("second", &head), ERR_OK);
    store_abort(home.store);
    store_abort(home.store);
    struct hash after = home_digest(&home);
    assert_true(hash_equal(&before, &after));
    assert_int_equal(home_admit(&home, &log.chain.log, 0, items, 2, &out), ERR_OK);
    assert_int_equal(must_append("second").seq, 2);
    home_reopen(&home);
    author_stop();
    author_start();
    assert_int_equal(must_append("third").seq, 3);
    region_log_fini(&log);
}

static void readers_see_only_what_is_committed(void **state)
{
    struct store_read *read = NULL, *later = NULL;
    struct log_info info;
    struct head head;
    (void)state;
    struct head first = must_append("first");
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append("second", &head), ERR_OK);
    assert_int_equal(store_log(read, &first.log, &info), ERR_OK);
    assert_int_equal(info.head.seq, 1);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(store_log(read, &first.log, &info), ERR_OK);
    assert_int_equal(info.head.seq, 1);
    assert_int_equal(store_read_begin(home.store, &later), ERR_OK);
    assert_int_equal(store_log(later, &first.log, &info), ERR_OK);
    assert_int_equal(info.head.seq, 2);
    assert_int_equal(info.held_seq, 2);
    assert_int_equal(store_log(later, &(struct log_id){{1}}, &info), ERR_NOT_FOUND);
    assert_int_equal(store_log_by_number(later, 1, &info), ERR_OK);
    assert_int_equal(store_log_by_number(later, 2, &info), ERR_NOT_FOUND);
    store_read_end(&later);
    store_read_end(&read);
    store_read_end(&read);
}

static bool count_item(void *arg, const struct journal_item *item)
{
    uint64_t *expected = arg;
    assert_int_equal(item->number, *expected + 1);
    *expected = item->number;
    return *expected < 5;
}

static bool count_log(void *arg, const struct log_info *log)
{
    (void)log;
    ++*(size_t *)arg;
    return true;
}

static void the_journal_is_the_local_order_without_gaps(void **state)
{
    struct store_read *read = NULL;
    struct store_size size;
    size_t logs = 0;
    uint64_t at = 0;
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        must_append("x");
    }
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_journal_end(read), 2 + 1 + 6); /* charter, roster; birth; commits */
    assert_int_equal(store_journal(read, 0, count_item, &at), ERR_OK);
    assert_int_equal(at, 5); /* stopped when told */
    at = 9;
    assert_int_equal(store_journal(read, 9, count_item, &at), ERR_OK);
    assert_int_equal(at, 9);
    assert_int_equal(store_journal(read, UINT64_MAX, count_item, &at), ERR_OK);
    assert_int_equal(store_logs(read, count_log, &logs), ERR_OK);
    assert_int_equal(logs, 1);
    assert_int_equal(store_size(read, &size), ERR_OK);
    assert_int_equal(size.commits, 6);
    assert_int_equal(size.entries, 6);
    assert_int_equal(size.logs, 1);
    assert_int_equal(size.notices, 2);
    assert_true(size.bytes_used > 0 && size.bytes_map >= size.bytes_used && size.disk_free > 0);
    store_read_end(&read);
}

/* ---- segments ---- */

static void a_segment_holds_what_fits_and_at_least_one(void **state)
{
    static const size_t limits[] = {0, 1, 200, 2000, 4096, 16384, 65527};
    static const struct hash any;
    static char text[1500];
    struct store_read *read = NULL;
    struct head head = {0};
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        random_fill(text, 900 + i * 10);
        for (size_t c = 0; c < sizeof text - 1; c++) {
            text[c] = (char)('!' + (unsigned char)text[c] % 90);
        }
        text[900 + i * 10] = '\0';
        head = must_append(text);
    }
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        uint64_t after = 0, entries = 0, seen = 0;
        struct seg seg;
        bool has_birth = false;
        for (;;) {
            static uint8_t body[80000];
            struct out out = out_into(body, sizeof body);
            assert_int_equal(store_segment(read, &head.log, has_birth, after, &any, UINT64_MAX, limits[i], &seg, &after, &entries), ERR_OK);
            if (seg.count == 0) {
                break;
            }
            seg_encode(&seg, &out);
            assert_false(out.is_full);
            if (seg.count > 1 && out.at > limits[i]) {
                fail_msg("%zu bytes in %zu", out.at, limits[i]);
            }
            assert_int_equal(seg.first, seen);
            seen += seg.count;
            assert_int_equal(after, seen - 1);
            assert_int_equal(entries, after);
            has_birth = true;
        }
        assert_int_equal(seen, 41);
        assert_int_equal(after, 40);
    }
    store_read_end(&read);
}

static void a_segment_begins_where_the_peers_chain_does_and_ends_where_told(void **state)
{
    static const struct hash any;
    static struct commit commit;
    struct hash hash, other = {{9}};
    struct store_read *read = NULL;
    struct seg seg;
    struct head head = {0};
    uint64_t last, entries;
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        head = must_append("text");
    }
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_commit_at(read, 1, 3, &commit, &hash), ERR_OK);
    assert_int_equal(commit.entries_total, 3);
    assert_int_equal(store_segment(read, &head.log, true, 3, &hash, UINT64_MAX, 60000, &seg, &last, &entries), ERR_OK);
    assert_int_equal(seg.first, 4);
    assert_int_equal(seg.count, 5);
    assert_int_equal(store_segment(read, &head.log, true, 3, &hash, 5, 60000, &seg, &last, &entries), ERR_OK);
    assert_int_equal(seg.count, 2);
    assert_int_equal(last, 5);
    assert_int_equal(entries, 5);
    assert_int_equal(store_segment(read, &head.log, true, 3, &hash, 2, 60000, &seg, &last, &entries), ERR_OK);
    assert_int_equal(seg.count, 0);
    assert_int_equal(last, 3);
    assert_int_equal(store_segment(read, &head.log, false, 0, &any, 0, 60000, &seg, &last, &entries), ERR_OK);
    assert_int_equal(seg.count, 1); /* the birth alone */
    assert_int_equal(store_segment(read, &head.log, true, 3, &other, UINT64_MAX, 60000, &seg, &last, &entries), ERR_FORK);
    assert_int_equal(store_segment(read, &head.log, true, 99, &other, UINT64_MAX, 60000, &seg, &last, &entries), ERR_OK);
    assert_int_equal(seg.count, 0); /* the peer is ahead */
    assert_int_equal(store_segment(read, &(struct log_id){{1}}, true, 3, &any, UINT64_MAX, 60000, &seg, &last, &entries), ERR_NOT_FOUND);
    assert_int_equal(store_commit_at(read, 1, 0, &commit, &hash), ERR_NOT_FOUND);
    assert_int_equal(store_commit_at(read, 1, 9, &commit, &hash), ERR_NOT_FOUND);
    assert_int_equal(store_commit_at(read, 2, 1, &commit, &hash), ERR_NOT_FOUND);
    store_read_end(&read);
}

static atomic_bool stop_reading;

static void *read_all(void *arg)
{
    static const struct hash any;
    size_t rounds = 0;
    while (!stop_reading) {
        struct store_read *read = NULL;
        struct log_info info;
        struct seg seg;
        uint64_t last, entries;
        if (store_read_begin(arg, &read) != ERR_OK) {
            return NULL;
        }
        if (store_log_by_number(read, 1, &info) == ERR_OK) {
            if (store_segment(read, &info.head.log, false, 0, &any, UINT64_MAX, 60000, &seg, &last, &entries) != ERR_OK ||
                (info.head.seq < 60 && last != info.head.seq)) {
                store_read_end(&read);
                return NULL;
            }
        }
        store_read_end(&read);
        rounds++;
    }
    return rounds > 0 ? arg : NULL;
}

static void many_readers_read_while_one_writes(void **state)
{
    pthread_t threads[4];
    (void)state;
    stop_reading = false;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, home.store), 0);
    }
    for (size_t i = 0; i < 100; i++) {
        must_append("text");
    }
    stop_reading = true;
    for (size_t i = 0; i < 4; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, home.store);
    }
}

/* ---- crashes ---- */

static bool read_full(int fd, void *ret, size_t n)
{
    size_t at = 0;
    while (at < n) {
        ssize_t got = read(fd, (uint8_t *)ret + at, n - at);
        if (got <= 0) {
            return false; /* the writer is gone */
        }
        at += (size_t)got;
    }
    return true;
}

/* Append for ever; tell each head that is durable. */
static void write_until_killed(int acks, unsigned round)
{
    struct store *store = NULL;
    char path[128], text[64];
    struct unlock unlock = {.key = key};
    (void)snprintf(path, sizeof path, "%s/keys", home.path);
    if (store_open(home.path, &store) != ERR_OK || keyring_open(path, &unlock, &keyring) != ERR_OK ||
        author_new(store, keyring, region.nodes[EDGE].secret, &author) != ERR_OK) {
        _exit(1);
    }
    for (unsigned i = 0;; i++) {
        struct head head;
        (void)snprintf(text, sizeof text, "round %u, record %u", round, i);
        struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text(text)};
        unsigned wide = 1 + i % 4;
        if (store_begin(store) != ERR_OK) {
            _exit(2);
        }
        for (unsigned j = 0; j < wide; j++) {
            enum channel channel = (enum channel)((i + j) % CHANNEL_COUNT);
            if (author_append(author, channel, &payload, 1, (struct wall_ms){1}, 1, NULL, &head) != ERR_OK) {
                _exit(3);
            }
        }
        if (store_commit(store) != ERR_OK || write(acks, &head, sizeof head) != sizeof head) {
            _exit(4);
        }
    }
}

static void nothing_acknowledged_is_lost_by_kill_9(void **state)
{
    struct store_read *read = NULL;
    struct fsck_report report = {0};
    uint64_t acknowledged = 0;
    (void)state;
    author_stop();
    store_close(&home.store);
    srandom(3);
    for (unsigned round = 0; round < 50; round++) {
        struct head head, last[64];
        size_t count = 0;
        int acks[2];
        assert_int_equal(pipe(acks), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(acks[0]);
            write_until_killed(acks[1], round);
        }
        close(acks[1]);
        unsigned wanted = (unsigned)random() % 12;
        for (unsigned i = 0; i < wanted; i++) {
            if (read_full(acks[0], &head, sizeof head)) {
                last[count++ % 64] = head;
            }
        }
        usleep((unsigned)random() % 3000);
        kill(child, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        while (read_full(acks[0], &head, sizeof head)) {
            last[count++ % 64] = head;
        }
        close(acks[0]);
        acknowledged += count;
        assert_int_equal(store_open(home.path, &home.store), ERR_OK);
        assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
        for (size_t i = 0; i < count && i < 64; i++) {
            struct log_info info;
            struct hash hash;
            static struct commit commit;
            assert_int_equal(store_log(read, &last[i].log, &info), ERR_OK);
            assert_true(info.head.seq >= last[i].seq);
            assert_int_equal(store_commit_at(read, info.number, last[i].seq, &commit, &hash), ERR_OK);
            assert_true(hash_equal(&hash, &last[i].hash));
        }
        if (round == 49) {
            assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
            assert_int_equal(report.faults, 0);
            assert_true(report.commits >= acknowledged);
            assert_true(store_journal_end(read) >= acknowledged);
        }
        store_read_end(&read);
        store_close(&home.store);
    }
    assert_true(acknowledged > 100);
    print_message("%u acknowledged, %u commits held\n", (unsigned)acknowledged, (unsigned)report.commits);
    assert_int_equal(store_open(home.path, &home.store), ERR_OK);
    author_start();
}

/* ---- disks ---- */

static void below_the_reserve_intake_stops_and_reads_go_on(void **state)
{
    struct head head;
    struct log_info info;
    (void)state;
    head = must_append("first");
    store_set_reserve(home.store, 100 << 20);
    fault_free = (100 << 20) - 4096;
    assert_int_equal(store_begin(home.store), ERR_FULL);
    assert_true(home_log(&home, &head.log, &info));
    fault_free = 100 << 20;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append("second", &head), ERR_OK);
    fault_free = 0; /* somebody else fills the disk meanwhile */
    assert_int_equal(store_commit(home.store), ERR_FULL);
    assert_true(home_log(&home, &head.log, &info));
    assert_int_equal(info.head.seq, 1);
    store_set_reserve(home.store, 0);
    assert_int_equal(store_begin(home.store), ERR_FULL);
    fault_free = UINT64_MAX;
    assert_int_equal(must_append("second").seq, 2);
}

static void after_an_io_error_nothing_is_written_until_opened_again(void **state)
{
    struct head head;
    struct log_info info;
    (void)state;
    must_append("first");
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append("second", &head), ERR_OK);
    fault_fdatasync = EIO;
    assert_int_equal(store_commit(home.store), ERR_IO);
    assert_string_not_equal(store_reason(home.store), "");
    assert_int_equal(store_begin(home.store), ERR_IO);
    assert_true(home_log(&home, &head.log, &info));
    assert_int_equal(info.head.seq, 1);
    author_stop();
    home_reopen(&home);
    author_start();
    assert_int_equal(must_append("second").seq, 2);
}

/* A file system that really fills up. Needs root. */
static void a_really_full_disk_loses_nothing_acknowledged(void **state)
{
    static char text[PAYLOAD_BYTES_MAX];
    struct head head, last = {0};
    enum err err = ERR_OK;
    struct store_read *read = NULL;
    struct fsck_report report = {0};
    (void)state;
    author_stop();
    home_fini(&home);
    (void)snprintf(home.path, sizeof home.path, "/tmp/griot-home-XXXXXX");
    assert_non_null(mkdtemp(home.path));
    bool is_mounted = geteuid() == 0 && mount("none", home.path, "tmpfs", 0, "size=4m") == 0;
    assert_int_equal(store_create(home.path, &region.id, &region.nodes[EDGE].id), ERR_OK);
    assert_int_equal(store_open(home.path, &home.store), ERR_OK);
    author_start();
    if (!is_mounted) {
        print_message("skipped: a small tmpfs needs root\n");
        skip();
    }
    for (unsigned round = 0; round < 2; round++) { /* stopped by the reserve; then, without one, by the disk itself */
        store_set_reserve(home.store, round == 0 ? 0 : 1);
        err = ERR_OK;
        for (unsigned i = 0; i < 5000 && err == ERR_OK; i++) {
            random_fill(text, sizeof text);
            struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_of(text, sizeof text)};
            err = store_begin(home.store);
            if (err == ERR_OK) {
                err = author_append(author, CHANNEL_BULK, &payload, 1, (struct wall_ms){1}, 1, NULL, &head);
                assert_int_equal(err, ERR_OK);
                err = store_commit(home.store);
                last = err == ERR_OK ? head : last;
            }
        }
        assert_int_equal(err, ERR_FULL);
        assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
        assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
        assert_int_equal(report.commits, last.seq);
        store_read_end(&read);
    }
    author_stop();
    home_reopen(&home);
    struct log_info info;
    assert_true(home_log(&home, &last.log, &info));
    assert_true(hash_equal(&info.head.hash, &last.hash));
    store_close(&home.store);
    assert_int_equal(umount(home.path), 0);
}

static void a_backup_is_the_same_store(void **state)
{
    char path[128], log[160];
    struct home copy;
    struct head head;
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        must_append("text");
    }
    struct hash digest = home_digest(&home);
    memset(&copy, 0, sizeof copy);
    (void)snprintf(copy.path, sizeof copy.path, "%.50s-copy", home.path);
    assert_int_equal(mkdir(copy.path, 0700), 0);
    (void)snprintf(log, sizeof log, "%s/log", copy.path);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append("not in it", &head), ERR_OK);
    assert_int_equal(store_backup(home.store, log), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(store_backup(home.store, log), ERR_EXISTS);
    (void)snprintf(path, sizeof path, "%s/none/log", home.path);
    assert_int_equal(store_backup(home.store, path), ERR_NOT_FOUND);
    assert_int_equal(store_open(copy.path, &copy.store), ERR_OK);
    struct hash copied = home_digest(&copy);
    assert_true(hash_equal(&digest, &copied));
    home_fini(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(opening_refuses_by_name),
        TEST(another_process_has_the_home),
        TEST(an_aborted_transaction_was_never_there),
        TEST(readers_see_only_what_is_committed),
        TEST(the_journal_is_the_local_order_without_gaps),
        TEST(a_segment_holds_what_fits_and_at_least_one),
        TEST(a_segment_begins_where_the_peers_chain_does_and_ends_where_told),
        TEST(many_readers_read_while_one_writes),
        TEST(nothing_acknowledged_is_lost_by_kill_9),
        TEST(below_the_reserve_intake_stops_and_reads_go_on),
        TEST(after_an_io_error_nothing_is_written_until_opened_again),
        TEST(a_really_full_disk_loses_nothing_acknowledged),
        TEST(a_backup_is_the_same_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

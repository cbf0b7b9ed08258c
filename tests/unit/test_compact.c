/* Compaction: what was taken out is in no file afterwards, everything else is as it was, and a process that dies at any system call leaves the old store or the new one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/erasure.h"
#include "store/folder.h"
#include "tests/lib/home.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEAT, AUTHOR = 3, MARKERS = 40 };

static struct region region;
static struct home home;
static struct region_log report, control;

/* Markers that no compression hides: random bytes in payload and salt. */
static uint8_t markers[MARKERS][600];
static uint8_t salts[MARKERS][SALT_BYTES];

static int setup(void **state)
{
    struct hash roster;
    (void)state;
    region_init(&region, 2);
    home_init(&home, &region, SEAT);
    home_found(&home, &region, 0xff, &roster);
    region_log_init(&report, &region, AUTHOR, CHANNEL_REPORT);
    region_log_init(&control, &region, AUTHOR, CHANNEL_CONTROL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    region_log_fini(&report);
    region_log_fini(&control);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

static struct hash content(size_t i)
{
    struct hash hash;
    hash_leaf(salts[i], span_of(markers[i], sizeof markers[i]), &hash);
    return hash;
}

static void admit(struct region_log *log, uint64_t first, const struct span *items, uint32_t count)
{
    struct admitted out;
    assert_int_equal(home_admit(&home, &log->chain.log, first, items, count, &out), ERR_OK);
}

/* Records with markers, each in a commit of its own. */
static void plant(void)
{
    static struct span items[MARKERS + 1];
    items[0] = report.birth;
    for (size_t i = 0; i < MARKERS; i++) {
        random_fill(markers[i], sizeof markers[i]);
        random_fill(salts[i], sizeof salts[i]);
        struct entry entry = {.leaf = {.kind = ENTRY_RECORD}, .has_payload = true, .payload = span_of(markers[i], sizeof markers[i])};
        memcpy(entry.salt, salts[i], SALT_BYTES);
        items[i + 1] = region_log_entries(&report, &entry, 1, 0, 1);
    }
    admit(&report, 0, items, MARKERS + 1);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash));
}

/* Order every second one away. */
static void order(void)
{
    struct erasure erasure = {.author = region.nodes[AUTHOR].id};
    uint8_t mem[PAYLOAD_BYTES_MAX];
    struct out out = out_into(mem, sizeof mem);
    for (size_t i = 0; i < MARKERS; i += 2) {
        erasure.leaves[erasure.leaf_count++] = content(i);
    }
    qsort(erasure.leaves, erasure.leaf_count, sizeof erasure.leaves[0], compare);
    assert_int_equal(erasure_encode(&erasure, &out), ERR_OK);
    struct entry entry = {.leaf = {.kind = ENTRY_ERASURE}, .has_payload = true, .payload = out_written(&out)};
    struct span items[2] = {control.birth, region_log_entries(&control, &entry, 1, 0, 1)};
    admit(&control, 0, items, 2);
}

/* How many of the markers, by payload or by salt, stand anywhere in the home's data file. */
static size_t found(bool is_erased)
{
    char path[96];
    struct stat st;
    size_t count = 0;
    (void)snprintf(path, sizeof path, "%s/log/data.mdb", home.path);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *bytes = malloc((size_t)st.st_size);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    for (size_t i = is_erased ? 0 : 1; i < MARKERS; i += 2) {
        bool is_found = memmem(bytes, (size_t)st.st_size, markers[i], 64) != NULL || memmem(bytes, (size_t)st.st_size, markers[i] + 300, 64) != NULL ||
                        memmem(bytes, (size_t)st.st_size, salts[i], SALT_BYTES) != NULL;
        count += is_found;
    }
    free(bytes);
    (void)close(fd);
    return count;
}

static uint64_t freed(void)
{
    struct store_read *read;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    uint64_t count = store_freed(read);
    store_read_end(&read);
    return count;
}

static void check_store(void)
{
    struct fsck_report check = {0};
    struct store_read *read;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &check), ERR_OK);
    store_read_end(&read);
}

static void what_was_taken_out_is_in_no_file_after_it(void **state)
{
    struct compaction compaction;
    (void)state;
    plant();
    order();
    struct hash digest = home_digest(&home);
    assert_int_equal(freed(), MARKERS / 2);
    assert_true(found(true) > 0); /* LMDB leaves it in free pages: without compaction this test would show nothing */
    assert_int_equal(store_compact(home.path, &compaction), ERR_LOCKED); /* not while it is open */
    store_close(&home.store);
    assert_int_equal(store_compact(home.path, &compaction), ERR_OK);
    assert_true(compaction.bytes_after > 0 && compaction.bytes_after <= compaction.bytes_before);
    assert_int_equal(found(true), 0);
    assert_int_equal(found(false), MARKERS / 2);
    assert_int_equal(store_open(home.path, &home.store), ERR_OK);
    struct hash again = home_digest(&home);
    assert_true(hash_equal(&digest, &again));
    assert_int_equal(freed(), 0);
    check_store();
    struct span next = region_log_commit(&report, 1, 50); /* and goes on */
    admit(&report, MARKERS + 1, &next, 1);
    check_store();
}

static void what_a_power_cut_left_of_one_goes_with_the_next_opening(void **state)
{
    char from[96], to[96], command[256];
    (void)state;
    plant();
    (void)snprintf(from, sizeof from, "%s/log", home.path);
    (void)snprintf(to, sizeof to, "%s/log.new", home.path);
    (void)snprintf(command, sizeof command, "cp -a '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
    assert_true(store_compacting(home.path) > 0);
    home_reopen(&home);
    assert_int_not_equal(access(to, F_OK), 0);
    assert_int_equal(store_compacting(home.path), 0);
}

static void without_a_store_or_with_another_home_it_says_so(void **state)
{
    struct compaction compaction;
    (void)state;
    assert_int_equal(store_compact("/nonexistent", &compaction), ERR_NOT_FOUND);
    assert_int_equal(folder_replace("/nonexistent", "data.mdb"), ERR_NOT_FOUND);
}

/* ---- death at any moment ---- */

static void child(const char *path)
{
    struct compaction compaction;
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    (void)raise(SIGSTOP);
    _exit(store_compact(path, &compaction) == ERR_OK ? 0 : 1);
}

/* Run the child and kill it at its `stops`-th stop; each system call is two, before and after. False when it came to its end. */
static bool run_and_kill(const char *path, unsigned stops)
{
    int status = 0;
    unsigned n = 0;
    bool has_begun = false;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(path);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    while (WIFSTOPPED(status)) {
        if (has_begun && ++n > stops) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            assert_int_equal(waitpid(pid, &status, 0), pid);
            return true;
        }
        has_begun = has_begun || WSTOPSIG(status) == SIGSTOP;
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static bool may_trace(void)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void killed_at_any_system_call_the_store_is_whole(void **state)
{
    char template[96], command[300];
    unsigned before = 0, after = 0;
    bool was_killed = true;
    (void)state;
    if (!may_trace()) {
        print_message("skipped: this system does not let a process be traced\n");
        skip();
    }
    plant();
    order();
    struct hash digest = home_digest(&home);
    store_close(&home.store);
    (void)snprintf(template, sizeof template, "%s-as-it-was", home.path);
    (void)snprintf(command, sizeof command, "cp -a '%s' '%s'", home.path, template);
    assert_int_equal(system(command), 0);
    for (unsigned stops = 0; was_killed; stops += 3) {
        (void)snprintf(command, sizeof command, "rm -rf '%s' && cp -a '%s' '%s'", home.path, template, home.path);
        assert_int_equal(system(command), 0);
        was_killed = run_and_kill(home.path, stops);
        assert_int_equal(store_open(home.path, &home.store), ERR_OK);
        struct hash now = home_digest(&home);
        assert_true(hash_equal(&digest, &now));
        check_store();
        store_close(&home.store);
        bool is_clean = found(true) == 0;
        before += !is_clean;
        after += is_clean;
    }
    assert_true(before > 10 && after > 1);
    print_message("%u deaths: the old store %u times, the new one %u times\n", before + after - 1, before, after);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", template);
    assert_int_equal(system(command), 0);
    assert_int_equal(store_open(home.path, &home.store), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_taken_out_is_in_no_file_after_it),
        TEST(what_a_power_cut_left_of_one_goes_with_the_next_opening),
        TEST(without_a_store_or_with_another_home_it_says_so),
        TEST(killed_at_any_system_call_the_store_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

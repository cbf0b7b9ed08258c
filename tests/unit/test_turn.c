/* One turn of the core: changes of several commands share a transaction, and whoever is refused, or fails at its own key file, spoils nothing for the others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/core/core.h"
#include "node/file.h"
#include "node/net/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>


/* What the system says when a key file is made, instead of the C library's. */
static atomic_bool may_not_write_keys;

int openat(int folder, const char *name, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
        if (may_not_write_keys) {
            errno = EACCES;
            return -1;
        }
    }
    return (int)syscall(SYS_openat, folder, name, flags, mode);
}

static char work[64], path[KEY_PATH_BYTES_MAX];
static struct home home;
static struct store *store;
static struct core *core;
static pthread_t thread;

static void *run(void *arg)
{
    (void)arg;
    return core_run(core) == ERR_OK ? NULL : &core;
}

static int setup(void **state)
{
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = "sn", .role = ROLE_EDGE, .region = {{1, 2, 3}}, .unlock = &unlock, .now = {1700000000000}};
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    (void)state;
    snprintf(work, sizeof work, "/tmp/test_turn.XXXXXX");
    assert_non_null(mkdtemp(work));
    snprintf(path, sizeof path, "%s/home", work);
    assert_int_equal(home_create(path, &plan), ERR_OK);
    assert_int_equal(home_open(path, &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    secret_destroy(&key);
    assert_int_equal(store_open(path, &store), ERR_OK);
    assert_int_equal(core_new(&home, store, NULL, &core, why), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    void *result = NULL;
    (void)state;
    core_stop(core);
    pthread_join(thread, &result);
    assert_null(result);
    core_destroy(&core);
    store_close(&store);
    home_lock(&home);
    memset(&home, 0, sizeof home);
    file_remove_tree(work);
    return 0;
}

/* ---- several jobs in one turn ---- */

static sem_t begun, go_on;

static enum err hold(struct writer *writer, void *arg)
{
    (void)writer;
    (void)arg;
    sem_post(&begun);
    sem_wait(&go_on);
    return ERR_OK;
}

struct task {
    writer_change change;
    void *arg;
    enum err err;
    pthread_t thread;
};

static void *submit(void *arg)
{
    struct task *task = arg;
    task->err = core_change(core, task->change, task->arg);
    return NULL;
}

/* While the core is held by one job, the others gather: they are done in the turn that follows. */
static void in_one_turn(struct task *tasks, size_t count)
{
    struct task first = {.change = hold};
    assert_int_equal(sem_init(&begun, 0, 0), 0);
    assert_int_equal(sem_init(&go_on, 0, 0), 0);
    assert_int_equal(pthread_create(&first.thread, NULL, submit, &first), 0);
    sem_wait(&begun);
    for (size_t i = 0; i < count; i++) { /* in this order: each is given the time to stand in line */
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, submit, &tasks[i]), 0);
        usleep(20000);
    }
    sem_post(&go_on);
    pthread_join(first.thread, NULL);
    assert_int_equal(first.err, ERR_OK);
    for (size_t i = 0; i < count; i++) {
        pthread_join(tasks[i].thread, NULL);
    }
    sem_destroy(&begun);
    sem_destroy(&go_on);
}

/* ---- what they do ---- */

static enum err refuse(struct writer *writer, void *arg)
{
    (void)writer;
    (void)arg;
    return ERR_PERMISSION; /* as at an edge where somebody admits a node: before anything is changed */
}

static enum err put_row(struct writer *writer, void *arg)
{
    const struct record_id *id = arg;
    struct own_record own = {.depth = 1};
    return store_own_put(writer->store, id, &own);
}

static enum err append(struct writer *writer, void *arg)
{
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text("text")};
    struct head head;
    return author_append(writer->author, *(enum channel *)arg, &payload, 1, wall_now(), 0, NULL, &head);
}

static enum err has_row(struct writer *writer, void *arg)
{
    struct own_record own;
    return store_own_get(writer->store, arg, &own);
}

static uint64_t commits(void)
{
    struct store_read *read;
    struct store_size size;
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_size(read, &size), ERR_OK);
    store_read_end(&read);
    return size.commits;
}

static void who_is_refused_spoils_nothing_for_the_others(void **state)
{
    struct record_id ids[2] = {{{1}}, {{2}}};
    enum channel channel = CHANNEL_REPORT;
    struct task tasks[5] = {{.change = put_row, .arg = &ids[0]}, {.change = refuse}, {.change = append, .arg = &channel}, {.change = refuse}, {.change = put_row, .arg = &ids[1]}};
    (void)state;
    in_one_turn(tasks, 5);
    assert_int_equal(tasks[0].err, ERR_OK);
    assert_int_equal(tasks[1].err, ERR_PERMISSION);
    assert_int_equal(tasks[2].err, ERR_OK);
    assert_int_equal(tasks[3].err, ERR_PERMISSION);
    assert_int_equal(tasks[4].err, ERR_OK);
    assert_int_equal(commits(), 1);
    assert_int_equal(core_change(core, has_row, &ids[0]), ERR_OK);
    assert_int_equal(core_change(core, has_row, &ids[1]), ERR_OK);
}

static void who_fails_half_way_takes_only_its_own_back(void **state)
{
    struct record_id ids[2] = {{{1}}, {{2}}};
    enum channel channel = CHANNEL_ALERT; /* its log is not begun yet */
    struct task tasks[3] = {{.change = put_row, .arg = &ids[0]}, {.change = append, .arg = &channel}, {.change = put_row, .arg = &ids[1]}};
    (void)state;
    may_not_write_keys = true;
    in_one_turn(tasks, 3);
    may_not_write_keys = false;
    assert_int_equal(tasks[0].err, ERR_OK);
    assert_int_equal(tasks[1].err, ERR_PERMISSION);
    assert_int_equal(tasks[2].err, ERR_OK);
    assert_int_equal(commits(), 0);
    assert_int_equal(core_change(core, has_row, &ids[0]), ERR_OK);
    assert_int_equal(core_change(core, has_row, &ids[1]), ERR_OK);
    struct task again = {.change = append, .arg = &channel};
    in_one_turn(&again, 1);
    assert_int_equal(again.err, ERR_OK);
    assert_int_equal(commits(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_refused_spoils_nothing_for_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(who_fails_half_way_takes_only_its_own_back, setup, teardown),
    };
    if (crypto_start() != ERR_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Own commits that have not left: marked, and taken back when others hold more of their log than we do. A rolled-back image, a copy that runs, kill -9
 * at every system call: never a fork, never a lost or a doubled entry. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include "store/views.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HUB_A, HUB_B, EDGE = 3, CONTENTS_MAX = 512 };

static struct region region;
static struct home hub; /* takes what lives send */
static struct secret *sealing;
static struct head none;

/* One life of the edge: its folder, opened. */
struct life {
    struct home home;
    struct keyring *keyring;
    struct author *author;
};

static void life_open(struct life *life)
{
    struct unlock unlock = {.key = sealing};
    char keys[96];
    (void)snprintf(keys, sizeof keys, "%s/keys", life->home.path);
    if (life->home.store == NULL) {
        assert_int_equal(store_open(life->home.path, &life->home.store), ERR_OK);
    }
    if (access(keys, F_OK) == 0) {
        assert_int_equal(keyring_open(keys, &unlock, &life->keyring), ERR_OK);
    } else {
        assert_int_equal(keyring_create(keys, &unlock, &life->keyring), ERR_OK);
    }
    assert_int_equal(author_new(life->home.store, life->keyring, region.nodes[EDGE].secret, &life->author), ERR_OK);
}

static void life_close(struct life *life)
{
    author_destroy(&life->author);
    keyring_destroy(&life->keyring);
    store_close(&life->home.store);
}

static void life_restart(struct life *life)
{
    life_close(life);
    life_open(life);
}

static void life_start(struct life *life)
{
    struct hash roster;
    memset(life, 0, sizeof *life);
    home_init(&life->home, &region, EDGE);
    home_found(&life->home, &region, 0xff, &roster);
    life_open(life);
}

static void copy(const char *from, const char *to)
{
    char command[512];
    (void)snprintf(command, sizeof command, "rm -rf '%s' && cp -a '%s' '%s'", to, from, to);
    assert_int_equal(system(command), 0);
}

/* cp -a of the whole home, its log keys too, as it is on disk now. */
static void life_copy(const struct life *from, struct life *ret)
{
    memset(ret, 0, sizeof *ret);
    (void)snprintf(ret->home.path, sizeof ret->home.path, "%.56s-copy", from->home.path);
    copy(from->home.path, ret->home.path);
    life_open(ret);
}

static void life_end(struct life *life)
{
    author_destroy(&life->author);
    keyring_destroy(&life->keyring);
    home_fini(&life->home);
}

static int setup(void **state)
{
    struct hash roster;
    (void)state;
    region_init(&region, 2);
    home_init(&hub, &region, HUB_A);
    home_found(&hub, &region, 0xff, &roster);
    sealing = secret_random(32);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secret_destroy(&sealing);
    home_fini(&hub);
    region_fini(&region);
    return 0;
}

/* ---- what lives do ---- */

static struct head append(struct life *life, size_t count, struct hash *contents)
{
    static uint8_t bytes[COMMIT_ENTRIES_MAX * 2][64];
    struct payload payloads[COMMIT_ENTRIES_MAX * 2];
    struct head head;
    for (size_t i = 0; i < count; i++) {
        random_fill(bytes[i], sizeof bytes[i]);
        payloads[i] = (struct payload){.kind = ENTRY_RECORD, .flags = (uint32_t)i & 1, .bytes = span_of(bytes[i], sizeof bytes[i])};
    }
    assert_int_equal(store_begin(life->home.store), ERR_OK);
    assert_int_equal(author_append(life->author, CHANNEL_REPORT, payloads, count, (struct wall_ms){1700000000000}, 1, contents, &head), ERR_OK);
    assert_int_equal(store_commit(life->home.store), ERR_OK);
    return head;
}

static void release(struct life *life)
{
    assert_int_equal(store_begin(life->home.store), ERR_OK);
    assert_int_equal(author_released(life->author), ERR_OK);
    assert_int_equal(store_commit(life->home.store), ERR_OK);
}

static struct gave_way give_way(struct life *life, const struct log_id *log)
{
    struct gave_way ret;
    assert_int_equal(store_begin(life->home.store), ERR_OK);
    assert_int_equal(author_give_way(life->author, log, 0, 1, &ret), ERR_OK);
    assert_int_equal(store_commit(life->home.store), ERR_OK);
    return ret;
}

static struct log_info info_of(struct home *home, const struct log_id *log)
{
    struct log_info info;
    assert_true(home_log(home, log, &info));
    return info;
}

/* Bring the whole of a log from one store into another, in segments as the wire has them. */
static enum err carry(struct home *from, struct home *to, const struct log_id *log, struct admitted *ret)
{
    static const struct hash any;
    struct store_read *read = NULL;
    struct seg seg;
    uint64_t after = 0, entries;
    bool has_birth = false;
    enum err err = ERR_OK;
    assert_int_equal(store_read_begin(from->store, &read), ERR_OK);
    while (err == ERR_OK) {
        const char *clause = NULL;
        assert_int_equal(store_segment(read, log, has_birth, after, &any, UINT64_MAX, 16384, &seg, &after, &entries), ERR_OK);
        if (seg.count == 0) {
            break;
        }
        has_birth = true;
        assert_int_equal(store_begin(to->store), ERR_OK);
        err = store_admit(to->store, &seg, ret, &clause);
        assert_int_equal(store_commit(to->store), ERR_OK);
        assert_false(ret->has_fork);
    }
    store_read_end(&read);
    return err;
}

static void fault(void *arg, enum err err, const char *what)
{
    (void)arg;
    print_error("%s: %s\n", err_name(err), what);
}

static void expect_sound(struct home *home)
{
    struct fsck_report report = {.fault = fault};
    struct store_read *read = NULL;
    assert_int_equal(store_read_begin(home->store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
    store_read_end(&read);
}

/* ---- every content hash that a store counts, to see that none is lost ---- */

struct contents {
    struct store_read *read;
    struct hash all[CONTENTS_MAX];
    size_t count;
    uint32_t forks;
};

static bool contents_of_log(void *arg, const struct log_info *log)
{
    static struct commit commit;
    struct contents *c = arg;
    struct hash hash;
    c->forks += log->has_fork;
    for (uint64_t seq = 1; seq <= log->head.seq; seq++) {
        assert_int_equal(store_commit_at(c->read, log->number, seq, &commit, &hash), ERR_OK);
        for (uint32_t i = 0; i < commit.entry_count; i++) {
            assert_in_range(c->count, 0, CONTENTS_MAX - 1);
            c->all[c->count++] = commit.entries[i].leaf.content;
        }
    }
    return true;
}

static void contents_take(struct home *home, struct contents *ret)
{
    memset(ret, 0, sizeof *ret);
    assert_int_equal(store_read_begin(home->store, &ret->read), ERR_OK);
    assert_int_equal(store_logs(ret->read, contents_of_log, ret), ERR_OK);
    store_read_end(&ret->read);
    assert_int_equal(ret->forks, 0);
}

static size_t times(const struct contents *c, const struct hash *content)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        n += hash_equal(&c->all[i], content);
    }
    return n;
}

static void expect_once(struct home *home, const struct hash *contents, size_t count)
{
    struct contents held;
    contents_take(home, &held);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(times(&held, &contents[i]), 1);
    }
}

/* ---- marks ---- */

static void what_is_appended_before_the_release_is_marked_as_not_sent(void **state)
{
    struct life life;
    (void)state;
    life_start(&life);
    struct head head = append(&life, 1, NULL);
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 0);
    append(&life, 1, NULL);
    life_restart(&life);
    head = append(&life, 1, NULL);
    assert_int_equal(head.seq, 3);
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 0); /* nothing left in the life before either */
    assert_memory_equal(info_of(&life.home, &head.log).sent.hash.b, head.log.b, 32);
    release(&life);
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 3);
    head = append(&life, 1, NULL);
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 4); /* may have left at once */
    life_restart(&life);
    append(&life, 1, NULL);
    head = append(&life, 1, NULL);
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 4);
    assert_int_equal(info_of(&life.home, &head.log).sent.entries, 4);
    life_end(&life);
}

static void a_mark_is_made_with_its_append_or_not_at_all(void **state)
{
    struct life life;
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text("x")};
    struct head head, lost;
    (void)state;
    life_start(&life);
    release(&life);
    head = append(&life, 1, NULL);
    life_restart(&life);
    assert_int_equal(store_begin(life.home.store), ERR_OK);
    assert_int_equal(author_append(life.author, CHANNEL_REPORT, &payload, 1, (struct wall_ms){1}, 1, NULL, &lost), ERR_OK);
    store_abort(life.home.store);
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 1);
    append(&life, 1, NULL); /* the mark that was undone is made again */
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 1);
    assert_int_equal(info_of(&life.home, &head.log).head.seq, 2);
    life_end(&life);
}

/* ---- giving way ---- */

static void a_copy_gives_way_to_what_its_original_sent(void **state)
{
    struct life life, late;
    struct hash early[2], gap[3], offline[40], after[1];
    struct admitted admitted;
    (void)state;
    life_start(&life);
    release(&life);
    append(&life, 2, early);
    life_copy(&life, &late);
    append(&life, 2, gap);
    struct head truth = append(&life, 1, gap + 2);
    assert_int_equal(carry(&life.home, &hub, &truth.log, &admitted), ERR_OK);
    /* The copy records before it has seen anybody, over two starts and in several commits. */
    append(&late, 30, offline);
    life_restart(&late);
    struct head other = append(&late, 10, offline + 30);
    assert_memory_equal(other.log.b, truth.log.b, 32);
    assert_int_equal(other.seq, 3);
    /* Nothing of the hub's is taken for the other side of a fork. */
    assert_int_equal(carry(&hub, &late.home, &truth.log, &admitted), ERR_GAP);

    struct gave_way gave = give_way(&late, &truth.log);
    assert_int_equal(gave.channel, CHANNEL_REPORT);
    assert_int_equal(gave.before.seq, 3);
    assert_int_equal(gave.after.seq, 1);
    assert_int_equal(gave.commits, 2);
    assert_int_equal(gave.entries, 40);
    assert_memory_not_equal(gave.reissued.log.b, truth.log.b, 32);
    assert_int_equal(gave.reissued.seq, 2);
    expect_sound(&late.home);
    expect_once(&late.home, offline, 40);
    assert_int_equal(info_of(&late.home, &truth.log).sent.seq, 1);
    assert_int_equal(info_of(&late.home, &gave.reissued.log).sent.seq, 0);

    assert_int_equal(carry(&hub, &late.home, &truth.log, &admitted), ERR_OK);
    assert_memory_equal(&admitted.after, &truth, sizeof truth);
    release(&late);
    struct head next = append(&late, 1, after);
    assert_memory_equal(next.log.b, gave.reissued.log.b, 32);
    assert_int_equal(next.seq, 3);
    assert_int_equal(carry(&late.home, &hub, &next.log, &admitted), ERR_OK);
    assert_int_equal(carry(&late.home, &hub, &truth.log, &admitted), ERR_OK);
    struct home *both[] = {&hub, &late.home};
    for (size_t i = 0; i < 2; i++) {
        expect_sound(both[i]);
        expect_once(both[i], early, 2);
        expect_once(both[i], gap, 3);
        expect_once(both[i], offline, 40);
        expect_once(both[i], after, 1);
    }
    life_restart(&late);
    next = append(&late, 1, NULL);
    assert_memory_equal(next.log.b, gave.reissued.log.b, 32); /* the log that gave way stays closed */
    life_end(&late);
    life_end(&life);
}

static void giving_way_again_does_nothing_further(void **state)
{
    struct life life;
    (void)state;
    life_start(&life);
    struct head head = append(&life, 3, NULL);
    struct gave_way first = give_way(&life, &head.log);
    assert_int_equal(first.entries, 3);
    struct gave_way second = give_way(&life, &head.log);
    assert_int_equal(second.entries, 0);
    assert_memory_equal(&second.before, &second.after, sizeof second.after);
    assert_memory_equal(&second.reissued, &none, sizeof none);
    life_restart(&life);
    assert_int_equal(give_way(&life, &head.log).entries, 0);
    struct head next = append(&life, 1, NULL);
    assert_memory_equal(next.log.b, first.reissued.log.b, 32);
    expect_sound(&life.home);
    life_end(&life);
}

/* Both lives were released: only a contradiction shows that there are two. */
static void what_contradicts_others_gives_way_whether_it_left_or_not(void **state)
{
    struct life life, clone;
    struct hash ours[2], theirs[2];
    struct admitted admitted;
    struct gave_way gave;
    (void)state;
    life_start(&life);
    release(&life);
    struct head head = append(&life, 1, NULL);
    life_copy(&life, &clone);
    release(&clone);
    (void)append(&clone, 1, theirs);
    struct head truth = append(&clone, 1, theirs + 1);
    append(&life, 1, ours);
    append(&life, 1, ours + 1);
    assert_int_equal(carry(&clone.home, &hub, &head.log, &admitted), ERR_OK);
    assert_int_equal(carry(&hub, &life.home, &head.log, &admitted), ERR_GAP);
    assert_int_equal(admitted.own_conflict, 2);
    assert_int_equal(store_begin(life.home.store), ERR_OK);
    assert_int_equal(author_give_way(life.author, &head.log, admitted.own_conflict, 1, &gave), ERR_OK);
    assert_int_equal(store_commit(life.home.store), ERR_OK);
    assert_int_equal(gave.after.seq, 1);
    assert_int_equal(gave.entries, 2);
    assert_int_equal(carry(&hub, &life.home, &head.log, &admitted), ERR_OK);
    assert_memory_equal(&admitted.after, &truth, sizeof truth);
    assert_int_equal(carry(&life.home, &hub, &gave.reissued.log, &admitted), ERR_OK);
    struct home *both[] = {&hub, &life.home};
    for (size_t i = 0; i < 2; i++) {
        expect_once(both[i], ours, 2);
        expect_once(both[i], theirs, 2);
        expect_sound(both[i]);
    }
    life_end(&clone);
    life_end(&life);
}

static void what_may_have_left_is_not_taken_back(void **state)
{
    struct life life;
    struct head head, next;
    (void)state;
    life_start(&life);
    release(&life);
    head = append(&life, 3, NULL);
    struct gave_way gave = give_way(&life, &head.log);
    assert_int_equal(gave.entries, 0);
    assert_int_equal(gave.after.seq, 1);
    next = append(&life, 1, NULL);
    assert_memory_not_equal(next.log.b, head.log.b, 32);
    expect_sound(&life.home);
    life_end(&life);
}

static void a_log_of_somebody_else_does_not_give_way(void **state)
{
    struct life life;
    struct region_log log;
    struct admitted admitted;
    struct gave_way gave;
    (void)state;
    life_start(&life);
    region_log_init(&log, &region, HUB_B, CHANNEL_REPORT);
    struct span items[2] = {log.birth, region_log_commit(&log, 1, 10)};
    assert_int_equal(home_admit(&life.home, &log.chain.log, 0, items, 2, &admitted), ERR_OK);
    assert_int_equal(store_begin(life.home.store), ERR_OK);
    assert_int_equal(author_give_way(life.author, &log.chain.log, 0, 1, &gave), ERR_NOT_FOUND);
    struct log_id unknown = {{9}};
    assert_int_equal(author_give_way(life.author, &unknown, 0, 1, &gave), ERR_NOT_FOUND);
    assert_int_equal(store_commit(life.home.store), ERR_OK);
    region_log_fini(&log);
    life_end(&life);
}

static void an_aborted_transaction_takes_nothing_back(void **state)
{
    struct life life;
    struct gave_way gave;
    struct hash contents[3];
    (void)state;
    life_start(&life);
    struct head head = append(&life, 3, contents);
    struct hash before = home_digest(&life.home);
    assert_int_equal(store_begin(life.home.store), ERR_OK);
    assert_int_equal(author_give_way(life.author, &head.log, 0, 1, &gave), ERR_OK);
    store_abort(life.home.store);
    struct hash after = home_digest(&life.home);
    assert_true(hash_equal(&before, &after));
    assert_int_equal(info_of(&life.home, &head.log).sent.seq, 0);
    assert_int_equal(give_way(&life, &head.log).entries, 3);
    expect_once(&life.home, contents, 3);
    expect_sound(&life.home);
    life_end(&life);
}

static uint64_t followed_entries(struct life *life, struct views *views)
{
    struct views_read *read = NULL;
    struct views_count count;
    uint64_t left = 1;
    while (left > 0) {
        assert_int_equal(views_follow(views, life->home.store, 3, &left), ERR_OK);
    }
    assert_int_equal(views_read_begin(views, life->home.store, &read), ERR_OK);
    assert_int_equal(views_count(read, &count), ERR_OK);
    views_read_end(&read);
    return count.entries;
}

static void the_views_begin_again_and_agree(void **state)
{
    struct life life, late;
    struct views *views = NULL;
    struct admitted admitted;
    (void)state;
    life_start(&life);
    release(&life);
    append(&life, 2, NULL);
    life_copy(&life, &late);
    struct head truth = append(&life, 4, NULL);
    assert_int_equal(carry(&life.home, &hub, &truth.log, &admitted), ERR_OK);
    append(&late, 7, NULL);
    assert_int_equal(views_open(late.home.path, NULL, &views), ERR_OK);
    assert_int_equal(followed_entries(&late, views), 9);
    (void)give_way(&late, &truth.log);
    assert_int_equal(carry(&hub, &late.home, &truth.log, &admitted), ERR_OK);
    assert_int_equal(followed_entries(&late, views), 13);
    views_close(&views);
    assert_int_equal(views_drop(late.home.path), ERR_OK);
    assert_int_equal(views_open(late.home.path, NULL, &views), ERR_OK);
    assert_int_equal(followed_entries(&late, views), 13);
    views_close(&views);
    life_end(&late);
    life_end(&life);
}

/* ---- kill -9 ---- */

/* The child: everything from opening to the commit. Its second stop tells where the interesting part begins. */
static void child(const char *path, const struct log_id *log)
{
    struct life life = {0};
    struct gave_way gave;
    (void)snprintf(life.home.path, sizeof life.home.path, "%s", path);
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    (void)raise(SIGSTOP);
    life_open(&life);
    (void)raise(SIGSTOP);
    bool is_good = store_begin(life.home.store) == ERR_OK && author_give_way(life.author, log, 0, 1, &gave) == ERR_OK &&
                   store_commit(life.home.store) == ERR_OK;
    _exit(is_good ? 0 : 1);
}

/* Run the child and kill it at its `stops`-th stop after the beginning; each system call is two, before and after. False when it came to its end. */
static bool run_and_kill(const char *path, const struct log_id *log, unsigned stops)
{
    int status = 0;
    unsigned n = 0, self_stops = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(path, log);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    while (WIFSTOPPED(status)) {
        if (self_stops >= 2 && ++n > stops) {
            assert_int_equal(kill(pid, SIGKILL), 0);
            assert_int_equal(waitpid(pid, &status, 0), pid);
            return true;
        }
        self_stops += WSTOPSIG(status) == SIGSTOP;
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

static void killed_at_any_system_call_it_has_happened_or_has_not(void **state)
{
    struct life life, late;
    struct hash early[2], gap[2], offline[60];
    struct admitted admitted;
    char template[96];
    unsigned before = 0, after = 0;
    (void)state;
    if (!may_trace()) {
        print_message("skipped: this system does not let a process be traced\n");
        skip();
    }
    life_start(&life);
    release(&life);
    append(&life, 2, early);
    life_copy(&life, &late);
    struct head truth = append(&life, 2, gap);
    assert_int_equal(carry(&life.home, &hub, &truth.log, &admitted), ERR_OK);
    append(&late, 20, offline);
    append(&late, 20, offline + 20);
    append(&late, 20, offline + 40);
    life_close(&late);
    (void)snprintf(template, sizeof template, "%s-as-it-was", late.home.path);
    copy(late.home.path, template);
    bool was_killed = true;
    for (unsigned stops = 0; was_killed; stops++) {
        copy(template, late.home.path);
        was_killed = run_and_kill(late.home.path, &truth.log, stops);
        life_open(&late);
        expect_sound(&late.home);
        expect_once(&late.home, offline, 60);
        uint64_t seq = info_of(&late.home, &truth.log).head.seq;
        assert_true(seq == 1 || seq == 4);
        before += seq == 4;
        after += seq == 1;
        /* Whatever it was, the next start ends it. */
        struct gave_way gave = give_way(&late, &truth.log);
        assert_int_equal(gave.entries, seq == 4 ? 60 : 0);
        assert_int_equal(carry(&hub, &late.home, &truth.log, &admitted), ERR_OK);
        expect_once(&late.home, offline, 60);
        expect_once(&late.home, gap, 2);
        expect_sound(&late.home);
        life_close(&late);
    }
    print_message("killed at %u places: %u times nothing had happened, %u times all of it\n", before + after - 1, before, after);
    assert_true(before > 3 && after > 1);
    copy(template, late.home.path);
    life_open(&late);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", template);
    assert_int_equal(system(command), 0);
    life_end(&late);
    life_end(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_is_appended_before_the_release_is_marked_as_not_sent),
        TEST(a_mark_is_made_with_its_append_or_not_at_all),
        TEST(a_copy_gives_way_to_what_its_original_sent),
        TEST(giving_way_again_does_nothing_further),
        TEST(what_may_have_left_is_not_taken_back),
        TEST(what_contradicts_others_gives_way_whether_it_left_or_not),
        TEST(a_log_of_somebody_else_does_not_give_way),
        TEST(an_aborted_transaction_takes_nothing_back),
        TEST(the_views_begin_again_and_agree),
        TEST(killed_at_any_system_call_it_has_happened_or_has_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

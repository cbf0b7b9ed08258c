/* Our own logs: packed into few commits, keys on disk before births, a new incarnation whenever the old one must not go on. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include <stdio.h>
#include <stdlib.h>

enum { HUB_A, HUB_B, EDGE = 3 };

static struct region region;
static struct home home, other; /* ours, and one that takes what we write */
static struct keyring *keyring;
static struct secret *passphrase;
static struct author *author;
static char keys[96];

static void keyring_start(void)
{
    struct unlock unlock = {.key = passphrase};
    (void)snprintf(keys, sizeof keys, "%s/keys", home.path);
    assert_int_equal(keyring_create(keys, &unlock, &keyring), ERR_OK);
}

static int setup(void **state)
{
    struct hash roster;
    (void)state;
    region_init(&region, 2);
    home_init(&home, &region, EDGE);
    home_init(&other, &region, HUB_A);
    home_found(&other, &region, 0xff, &roster);
    passphrase = secret_random(32);
    keyring_start();
    assert_int_equal(author_new(home.store, keyring, region.nodes[EDGE].secret, &author), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    author_destroy(&author);
    keyring_destroy(&keyring);
    secret_destroy(&passphrase);
    home_fini(&home);
    home_fini(&other);
    region_fini(&region);
    return 0;
}

static void restart(void)
{
    author_destroy(&author);
    home_reopen(&home);
    assert_int_equal(author_new(home.store, keyring, region.nodes[EDGE].secret, &author), ERR_OK);
}

static uint8_t bytes[COMMIT_ENTRIES_MAX * 4][PAYLOAD_BYTES_MAX + 1];
static struct payload payloads[COMMIT_ENTRIES_MAX * 4];

static enum err append_in(enum channel channel, size_t count, size_t n, struct hash *contents, struct head *ret)
{
    for (size_t i = 0; i < count; i++) {
        random_fill(bytes[i], n < 32 ? n : 32);
        payloads[i] = (struct payload){.kind = ENTRY_RECORD, .flags = 1, .expiry_day = 30000, .bytes = span_of(bytes[i], n)};
    }
    return author_append(author, channel, payloads, count, (struct wall_ms){1700000000000}, 1, contents, ret);
}

static struct head append(enum channel channel, size_t count, size_t n)
{
    struct head head;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append_in(channel, count, n, NULL, &head), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    return head;
}

static struct birth birth_of(const struct log_id *log)
{
    struct store_read *read = NULL;
    struct log_info info;
    struct birth birth;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_log(read, log, &info), ERR_OK);
    assert_int_equal(store_birth(read, info.number, &birth), ERR_OK);
    store_read_end(&read);
    return birth;
}

/* Take the whole log to the other node, through segments as the wire has them. */
static enum err carry(const struct log_id *log)
{
    struct store_read *read = NULL;
    struct seg seg;
    struct admitted out;
    static const struct hash any;
    uint64_t after = 0, entries;
    bool has_birth = false;
    enum err err = ERR_OK;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    for (;;) {
        assert_int_equal(store_segment(read, log, has_birth, after, &any, UINT64_MAX, 16384, &seg, &after, &entries), ERR_OK);
        if (seg.count == 0 || err != ERR_OK) {
            break;
        }
        has_birth = true;
        const char *clause = NULL;
        assert_int_equal(store_begin(other.store), ERR_OK);
        err = store_admit(other.store, &seg, &out, &clause);
        assert_int_equal(store_commit(other.store), ERR_OK);
    }
    store_read_end(&read);
    return err;
}

static bool has_key(const struct log_id *log)
{
    char name[80] = "log-", path[256];
    (void)hex_encode(log->b, 32, name + 4);
    (void)snprintf(path, sizeof path, "%s/%s", keys, name);
    struct secret *secret = NULL;
    enum err err = keyring_get(keyring, name, &secret);
    secret_destroy(&secret);
    return err == ERR_OK;
}

static void what_we_append_others_can_verify(void **state)
{
    struct log_info ours, theirs;
    struct hash contents[100];
    struct head head;
    static struct commit commit;
    struct store_read *read = NULL;
    struct hash hash;
    (void)state;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append_in(CHANNEL_REPORT, 100, 500, contents, &head), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(head.entries, 100);
    assert_int_equal(head.seq, 4); /* 29 of 500 bytes fit one commit */
    assert_int_equal(carry(&head.log), ERR_OK);
    assert_true(home_log(&home, &head.log, &ours));
    assert_true(home_log(&other, &head.log, &theirs));
    assert_true(hash_equal(&ours.head.hash, &theirs.head.hash));
    assert_memory_equal(theirs.node.b, region.nodes[EDGE].id.b, 16);
    assert_int_equal(theirs.channel, CHANNEL_REPORT);
    assert_int_equal(store_read_begin(other.store, &read), ERR_OK);
    size_t at = 0;
    for (uint64_t seq = 1; seq <= theirs.head.seq; seq++) {
        assert_int_equal(store_commit_at(read, theirs.number, seq, &commit, &hash), ERR_OK);
        for (uint32_t i = 0; i < commit.entry_count; i++, at++) {
            assert_true(hash_equal(&commit.entries[i].leaf.content, &contents[at]));
            assert_true(span_equal(commit.entries[i].payload, payloads[at].bytes));
            assert_int_equal(commit.entries[i].leaf.flags, 1);
            assert_int_equal(commit.entries[i].leaf.expiry_day, 30000);
        }
    }
    assert_int_equal(at, 100);
    store_read_end(&read);
}

static void as_few_commits_as_the_caps_allow(void **state)
{
    static const struct {
        const char *what;
        size_t count, n;
        uint64_t commits;
    } rows[] = {
        {"one", 1, 10, 1},
        {"empty payloads", COMMIT_ENTRIES_MAX, 0, 1},
        {"one entry too many", COMMIT_ENTRIES_MAX + 1, 0, 2},
        {"bytes at the cap", 8, PAYLOAD_BYTES_MAX - ENTRY_COST_BYTES, 1},
        {"a byte above the cap", 8, PAYLOAD_BYTES_MAX - ENTRY_COST_BYTES + 1, 2},
        {"the largest payloads", 8, PAYLOAD_BYTES_MAX, 2},
        {"many", COMMIT_ENTRIES_MAX * 4, 100, 4},
    };
    uint64_t seq = 0;
    struct head head = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        head = append(CHANNEL_BULK, rows[i].count, rows[i].n);
        if (head.seq - seq != rows[i].commits) {
            fail_msg("%s: %u commits", rows[i].what, (unsigned)(head.seq - seq));
        }
        seq = head.seq;
    }
    assert_int_equal(carry(&head.log), ERR_OK);
}

static void a_payload_too_long_is_refused_before_anything_is_appended(void **state)
{
    struct head head;
    (void)state;
    uint64_t journal = home_journal_end(&home);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append_in(CHANNEL_ALERT, 3, PAYLOAD_BYTES_MAX + 1, NULL, &head), ERR_OVERSIZE);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(home_journal_end(&home), journal);
}

static void a_log_goes_on_after_a_restart(void **state)
{
    (void)state;
    struct head first = append(CHANNEL_ALERT, 1, 50);
    assert_int_equal(first.seq, 1);
    assert_true(has_key(&first.log));
    restart();
    struct head second = append(CHANNEL_ALERT, 1, 50);
    assert_memory_equal(first.log.b, second.log.b, 32);
    assert_int_equal(second.seq, 2);
    struct head another = append(CHANNEL_REPORT, 1, 50);
    assert_memory_not_equal(another.log.b, second.log.b, 32);
    assert_int_equal(carry(&second.log), ERR_OK);
}

static void a_home_restored_without_its_log_keys_begins_anew(void **state)
{
    (void)state;
    struct head first = append(CHANNEL_ALERT, 1, 50);
    char name[80] = "log-";
    (void)hex_encode(first.log.b, 32, name + 4);
    assert_int_equal(keyring_remove(keyring, name), ERR_OK);
    restart();
    struct head second = append(CHANNEL_ALERT, 1, 50);
    assert_memory_not_equal(first.log.b, second.log.b, 32);
    assert_int_equal(second.seq, 1);
    struct birth birth = birth_of(&second.log);
    assert_int_equal(birth.closed_count, 1);
    assert_memory_equal(birth.closed[0].b, first.log.b, 32);
    restart();
    struct head third = append(CHANNEL_ALERT, 1, 50);
    assert_memory_equal(second.log.b, third.log.b, 32);
    assert_int_equal(carry(&first.log), ERR_OK);
    assert_int_equal(carry(&second.log), ERR_OK);
}

static void a_damaged_log_key_is_a_lost_one(void **state)
{
    (void)state;
    struct head first = append(CHANNEL_ALERT, 1, 50);
    char path[256], name[80] = "log-";
    (void)hex_encode(first.log.b, 32, name + 4);
    (void)snprintf(path, sizeof path, "%s/%s", keys, name);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -3, SEEK_END), 0);
    int byte = fgetc(f);
    assert_int_equal(fseek(f, -3, SEEK_END), 0);
    assert_int_not_equal(fputc(byte ^ 1, f), EOF);
    assert_int_equal(fclose(f), 0);
    restart();
    struct head second = append(CHANNEL_ALERT, 1, 50);
    assert_memory_not_equal(first.log.b, second.log.b, 32);
    assert_memory_equal(birth_of(&second.log).closed[0].b, first.log.b, 32);
    /* And so is the key of another log under its name. */
    struct secret *secret = NULL;
    (void)hex_encode(second.log.b, 32, name + 4);
    struct sign_public public;
    assert_int_equal(sign_keypair(&public, &secret), ERR_OK);
    assert_int_equal(keyring_put(keyring, name, secret, true), ERR_OK);
    secret_destroy(&secret);
    restart();
    struct head third = append(CHANNEL_ALERT, 1, 50);
    assert_memory_not_equal(third.log.b, second.log.b, 32);
}

/* A birth names as many predecessors as it can, the newest. */
static void many_open_predecessors_are_closed_newest_first(void **state)
{
    struct log_id before[BIRTH_CLOSED_MAX + 2];
    struct hash roster;
    struct admitted out;
    (void)state;
    home_found(&home, &region, 0xff, &roster);
    for (size_t i = 0; i < BIRTH_CLOSED_MAX + 2; i++) {
        struct region_log log;
        region_log_init(&log, &region, EDGE, CHANNEL_BULK);
        before[i] = log.chain.log;
        assert_int_equal(home_admit(&home, &log.chain.log, 0, &log.birth, 1, &out), ERR_OK);
        region_log_fini(&log);
    }
    struct head head = append(CHANNEL_BULK, 1, 10);
    struct birth birth = birth_of(&head.log);
    assert_int_equal(birth.closed_count, BIRTH_CLOSED_MAX);
    for (uint32_t c = 0; c < birth.closed_count; c++) {
        assert_memory_not_equal(birth.closed[c].b, before[0].b, 32);
        assert_memory_not_equal(birth.closed[c].b, before[1].b, 32);
    }
    restart();
    assert_memory_equal(append(CHANNEL_BULK, 1, 10).log.b, head.log.b, 32);
}

static void another_incarnation_closes_the_log_for_good(void **state)
{
    (void)state;
    struct head first = append(CHANNEL_CONTROL, 1, 50);
    assert_int_equal(author_reincarnate(author, CHANNEL_CONTROL), ERR_OK);
    assert_false(has_key(&first.log));
    restart(); /* before the next append: it stays closed */
    struct head second = append(CHANNEL_CONTROL, 1, 50);
    assert_memory_not_equal(first.log.b, second.log.b, 32);
    assert_int_equal(author_reincarnate(author, CHANNEL_CONTROL), ERR_OK);
    struct head third = append(CHANNEL_CONTROL, 1, 50);
    assert_memory_not_equal(second.log.b, third.log.b, 32);
    struct birth birth = birth_of(&third.log);
    assert_int_equal(birth.closed_count, 1); /* the first is closed already */
    assert_memory_equal(birth.closed[0].b, second.log.b, 32);
    assert_int_equal(append(CHANNEL_CONTROL, 1, 50).seq, 2);
}

static void before_anything_was_looked_at_reincarnating_works_too(void **state)
{
    (void)state;
    struct head first = append(CHANNEL_ALERT, 1, 50);
    restart();
    assert_int_equal(author_reincarnate(author, CHANNEL_ALERT), ERR_OK);
    assert_false(has_key(&first.log));
    struct head second;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append_in(CHANNEL_ALERT, 1, 50, NULL, &second), ERR_OK);
    store_abort(home.store); /* the new birth is lost, the old log closed all the same */
    second = append(CHANNEL_ALERT, 1, 50);
    assert_memory_not_equal(first.log.b, second.log.b, 32);
    assert_int_equal(append(CHANNEL_ALERT, 1, 50).seq, 2);
}

static void an_aborted_birth_leaves_nothing_behind(void **state)
{
    struct head head, again;
    (void)state;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(append_in(CHANNEL_ALERT, 2, 50, NULL, &head), ERR_OK);
    store_abort(home.store);
    assert_int_equal(home_journal_end(&home), 0);
    again = append(CHANNEL_ALERT, 2, 50);
    assert_memory_not_equal(head.log.b, again.log.b, 32);
    assert_int_equal(again.seq, 1);
    assert_int_equal(store_begin(home.store), ERR_OK); /* an aborted append to an open log leaves no gap */
    assert_int_equal(append_in(CHANNEL_ALERT, 2, 50, NULL, &head), ERR_OK);
    assert_int_equal(head.seq, 2);
    store_abort(home.store);
    head = append(CHANNEL_ALERT, 2, 50);
    assert_int_equal(head.seq, 2);
    assert_memory_equal(head.log.b, again.log.b, 32);
    assert_int_equal(carry(&head.log), ERR_OK);
}

/* A peer held more of our log than we do: it is fetched, and the fork that a clone made ends the log here too. */
static void a_forked_log_of_ours_is_followed_by_a_new_one(void **state)
{
    struct region_log clone;
    struct hash roster;
    struct admitted out;
    (void)state;
    home_found(&home, &region, 0xff, &roster);
    struct head first = append(CHANNEL_ALERT, 1, 50);
    /* The clone has our key file and our state at seq 0. */
    memset(&clone, 0, sizeof clone);
    clone.region = &region;
    struct birth birth = birth_of(&first.log);
    clone.chain = (struct chain){.region = region.id, .log = first.log, .node = birth.node, .channel = CHANNEL_ALERT, .key = birth.key};
    memcpy(clone.chain.hash.b, first.log.b, 32);
    char name[80] = "log-";
    (void)hex_encode(first.log.b, 32, name + 4);
    assert_int_equal(keyring_get(keyring, name, &clone.key), ERR_OK);
    struct span theirs = region_log_commit(&clone, 2, 20);
    assert_int_equal(home_admit(&home, &first.log, 1, &theirs, 1, &out), ERR_GAP); /* no proof against ourselves: ours would give way */
    assert_false(out.has_fork);
    assert_int_equal(out.own_conflict, 1);
    /* Whoever holds both sides makes one. */
    assert_int_equal(carry(&first.log), ERR_OK);
    assert_int_equal(home_admit(&other, &first.log, 1, &theirs, 1, &out), ERR_FORK);
    assert_true(out.has_fork);
    struct store_read *read = NULL;
    struct span notice, heads;
    assert_int_equal(store_read_begin(other.store, &read), ERR_OK);
    assert_int_equal(store_notice(read, &out.proof, &notice, &heads), ERR_OK);
    assert_int_equal(home_notice(&home, notice), ERR_OK);
    store_read_end(&read);
    struct head second = append(CHANNEL_ALERT, 1, 50);
    assert_memory_not_equal(second.log.b, first.log.b, 32);
    assert_memory_equal(birth_of(&second.log).closed[0].b, first.log.b, 32);
    region_log_fini(&clone);
}

static void the_roster_version_never_falls_along_a_log(void **state)
{
    struct head head;
    (void)state;
    assert_int_equal(store_begin(home.store), ERR_OK);
    payloads[0] = (struct payload){.kind = ENTRY_RECORD, .bytes = span_text("x")};
    for (uint64_t roster = 5; roster > 2; roster--) {
        assert_int_equal(author_append(author, CHANNEL_ALERT, payloads, 1, (struct wall_ms){1}, roster, NULL, &head), ERR_OK);
    }
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(carry(&head.log), ERR_OK);
}

static void own_records_are_kept_with_their_append(void **state)
{
    struct own_record own = {.version = {{1}}, .depth = 3, .content = {4}}, got;
    struct record_id id = {{7}}, ids[3000];
    (void)state;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_own_get(home.store, &id, &got), ERR_NOT_FOUND);
    assert_int_equal(store_own_put(home.store, &id, &own), ERR_OK);
    assert_int_equal(store_own_get(home.store, &id, &got), ERR_OK); /* sees the open transaction */
    assert_int_equal(got.depth, 3);
    store_abort(home.store);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_own_get(home.store, &id, &got), ERR_NOT_FOUND);
    for (size_t i = 0; i < 3000; i++) {
        random_fill(ids[i].b, sizeof ids[i].b);
        own.depth = (uint32_t)i;
        assert_int_equal(store_own_put(home.store, &ids[i], &own), ERR_OK);
    }
    own.depth = 77;
    assert_int_equal(store_own_put(home.store, &ids[5], &own), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    home_reopen(&home);
    assert_int_equal(store_begin(home.store), ERR_OK);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(store_own_get(home.store, &ids[i], &got), ERR_OK);
        assert_int_equal(got.depth, i == 5 ? 77 : i);
        assert_int_equal(got.version.b[0], 1);
        assert_int_equal(got.content[0], 4);
    }
    store_abort(home.store);
    assert_int_equal(author_new(home.store, keyring, region.nodes[EDGE].secret, &author), ERR_OK);
}

static int teardown_reopened(void **state)
{
    return teardown(state);
}

static int setup_bare(void **state)
{
    int rc = setup(state);
    author_destroy(&author);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_we_append_others_can_verify),
        TEST(as_few_commits_as_the_caps_allow),
        TEST(a_payload_too_long_is_refused_before_anything_is_appended),
        TEST(a_log_goes_on_after_a_restart),
        TEST(a_home_restored_without_its_log_keys_begins_anew),
        TEST(a_damaged_log_key_is_a_lost_one),
        TEST(many_open_predecessors_are_closed_newest_first),
        TEST(another_incarnation_closes_the_log_for_good),
        TEST(before_anything_was_looked_at_reincarnating_works_too),
        TEST(an_aborted_birth_leaves_nothing_behind),
        TEST(a_forked_log_of_ours_is_followed_by_a_new_one),
        TEST(the_roster_version_never_falls_along_a_log),
        cmocka_unit_test_setup_teardown(own_records_are_kept_with_their_append, setup_bare, teardown_reopened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

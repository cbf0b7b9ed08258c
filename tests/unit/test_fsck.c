/* fsck finds and names every kind of damage; and what is damaged never leaves the store as if it were whole (L3). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/env.h" /* to damage what only the store can reach */
#include "tests/lib/home.h"

#include <stdio.h>
#include <stdlib.h>

enum { HUB_A, HUB_B, EDGE = 3, COMMITS = 6 };

static struct region region;
static struct home home;
static struct region_log log_;
static struct span items[COMMITS + 1];

static int setup(void **state)
{
    struct admitted out;
    struct hash roster;
    struct span list;
    struct notice_ref ref;
    bool is_new;
    const char *clause = NULL;
    (void)state;
    region_init(&region, 2);
    home_init(&home, &region, HUB_A);
    home_found(&home, &region, 0xff, &roster);
    region_log_init(&log_, &region, EDGE, CHANNEL_REPORT);
    items[0] = log_.birth;
    for (size_t i = 1; i <= COMMITS; i++) {
        items[i] = region_log_commit(&log_, 2, 100);
    }
    assert_int_equal(home_admit(&home, &log_.chain.log, 0, items, COMMITS + 1, &out), ERR_OK);
    struct span card = region_card(&region, EDGE, 1);
    home_notices(&home, &card, 1);
    struct head head = region_log_head(&log_);
    struct span frontier = region_frontier(&region, HUB_B, 1, &head, 1, &list);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_admit_notice(home.store, frontier, 0, list, &ref, &is_new, &clause), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    region_log_fini(&log_);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

/* ---- damage ---- */

enum { KEY_MAX = 64 };

struct place {
    uint32_t table;
    uint8_t key[KEY_MAX];
    size_t key_n;
};

static struct place commit_place(uint64_t seq)
{
    struct place place = {.table = TABLE_COMMITS};
    struct out out = out_into(place.key, KEY_MAX);
    key_u32(&out, 1);
    key_u64(&out, seq);
    place.key_n = out.at;
    return place;
}

static struct place number_place(uint32_t table, uint64_t number, bool is_wide)
{
    struct place place = {.table = table};
    struct out out = out_into(place.key, KEY_MAX);
    if (is_wide) {
        key_u64(&out, number);
    } else {
        key_u32(&out, (uint32_t)number);
    }
    place.key_n = out.at;
    return place;
}

/* The only row of a table whose key begins with this byte; any when 0. */
static struct place first_place(uint32_t table, uint8_t begins)
{
    struct place place = {.table = table};
    struct kv_txn txn;
    struct kv_cursor cursor;
    kv_begin_read(home.store->kv, &txn);
    kv_cursor_open(&txn, table, &cursor);
    assert_true(kv_seek_prefix(&cursor, span_of(&begins, begins == 0 ? 0 : 1)));
    memcpy(place.key, cursor.key.p, cursor.key.n);
    place.key_n = cursor.key.n;
    kv_cursor_close(&cursor);
    assert_int_equal(kv_commit(&txn), ERR_OK);
    return place;
}

/* Flip one byte of a value; `at` SIZE_MAX: delete the row; SIZE_MAX - 1: cut its last byte off. */
static void damage(const struct place *place, size_t at)
{
    static uint8_t value[65536];
    struct kv_txn txn;
    struct span key = span_of(place->key, place->key_n), row;
    kv_begin_write(home.store->kv, &txn);
    assert_true(kv_get(&txn, place->table, key, &row));
    size_t n = row.n;
    memcpy(value, row.p, n);
    if (at == SIZE_MAX) {
        assert_true(kv_delete(&txn, place->table, key));
    } else {
        if (at == SIZE_MAX - 1) {
            n--;
        } else {
            assert_true(at < n);
            value[at] ^= 1;
        }
        kv_put(&txn, place->table, key, span_of(value, n));
    }
    assert_int_equal(kv_commit(&txn), ERR_OK);
}

struct found {
    const char *wanted;
    enum err err;
    size_t faults, matching, progress;
};

static void note_fault(void *arg, enum err err, const char *what)
{
    struct found *found = arg;
    found->faults++;
    if (found->wanted != NULL && err == found->err && strstr(what, found->wanted) != NULL) {
        found->matching++;
    } else {
        print_message("  also: %s %s\n", err_name(err), what);
    }
}

static void note_progress(void *arg, uint64_t done, uint64_t total)
{
    struct found *found = arg;
    assert_true(done <= total);
    found->progress++;
}

static enum err fsck(struct found *found)
{
    struct store_read *read = NULL;
    struct fsck_report report = {.fault = note_fault, .progress = note_progress, .arg = found};
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    enum err err = store_fsck(read, sign_check, &report);
    store_read_end(&read);
    assert_int_equal(report.faults, found->faults);
    return err;
}

static void a_whole_store_has_no_faults(void **state)
{
    struct found found = {0};
    (void)state;
    assert_int_equal(fsck(&found), ERR_OK);
    assert_int_equal(found.faults, 0);
    assert_true(found.progress > 0);
}

static void every_damage_is_named(void **state)
{
    enum { DELETE = -1, SHORTEN = -2 };
    const struct place log_id = first_place(TABLE_LOG_IDS, 0), card = first_place(TABLE_NOTICES, NOTICE_CARD),
                       roster = first_place(TABLE_NOTICES, NOTICE_ROSTER), charter = first_place(TABLE_NOTICES, NOTICE_CHARTER),
                       frontier = first_place(TABLE_NOTICES, NOTICE_FRONTIER), heads = first_place(TABLE_FRONTIERS, 0);
    const struct {
        const char *what;
        struct place place;
        int at;
        enum err err;
        const char *wanted;
    } rows[] = {
        {"a commit's stored hash", commit_place(3), 0, ERR_BADHASH, "log 1, commit 3: it is not the one whose hash is stored"},
        {"a commit's count", commit_place(3), 39, ERR_BADHASH, "log 1, commit 3: it is not the one whose hash is stored"},
        {"a commit's packing", commit_place(3), COMMIT_ROW_BYTES, ERR_NONCANONICAL, "log 1, commit 3"},
        {"a commit is missing", commit_place(4), DELETE, ERR_CORRUPT, "log 1, commit 4: it is missing"},
        {"the birth is missing", commit_place(0), DELETE, ERR_CORRUPT, "log 1: its birth is missing"},
        {"the birth's signature", commit_place(0), -3, ERR_BADSIG, "log 1, birth"},
        {"a log row is short", number_place(TABLE_LOGS, 1, false), SHORTEN, ERR_CORRUPT, "log 1: its row is missing or damaged"},
        {"a log's head", number_place(TABLE_LOGS, 1, false), 130, ERR_CORRUPT, "log 1: its head is not its last commit"},
        {"a log's key", number_place(TABLE_LOGS, 1, false), 50, ERR_CORRUPT, "log 1: its row does not say what its birth says"},
        {"a log's number", log_id, 3, ERR_CORRUPT, "log 1: it is not found by its id"},
        {"a log's id is missing", log_id, DELETE, ERR_CORRUPT, "log ids: there are not as many as logs"},
        {"a journal item is missing", number_place(TABLE_JOURNAL, 5, true), DELETE, ERR_CORRUPT, "journal: item 5 is missing"},
        {"a journal item's type", number_place(TABLE_JOURNAL, 5, true), 0, ERR_CORRUPT, "journal: item 5 is damaged"},
        {"a journal item's log", number_place(TABLE_JOURNAL, 5, true), 1, ERR_CORRUPT, "journal: item 5 names log 16777217, which is not held"},
        {"a journal item's seq", number_place(TABLE_JOURNAL, 5, true), 12, ERR_CORRUPT, "journal: item 5 names log 1 commit 3 out of order"},
        {"the charter", charter, 20, ERR_BADHASH, "charter of"},
        {"a roster", roster, 90, ERR_BADHASH, "roster of"},
        {"a card", card, 60, ERR_BADHASH, "card of"},
        {"a card's signature", card, -3, ERR_BADSIG, "card of"},
        {"a frontier's heads", heads, 30, ERR_BADHASH, "frontier of"},
        {"a frontier", frontier, -3, ERR_BADSIG, "frontier of"},
        {"a frontier's heads are missing", heads, DELETE, ERR_BADHASH, "frontier of"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct found found = {.wanted = rows[i].wanted, .err = rows[i].err};
        struct kv_txn txn;
        struct span row;
        static uint8_t kept[65536];
        kv_begin_read(home.store->kv, &txn);
        assert_true(kv_get(&txn, rows[i].place.table, span_of(rows[i].place.key, rows[i].place.key_n), &row));
        size_t n = row.n;
        memcpy(kept, row.p, n);
        kv_abort(&txn);
        damage(&rows[i].place, rows[i].at == DELETE    ? SIZE_MAX
                               : rows[i].at == SHORTEN ? SIZE_MAX - 1
                               : rows[i].at == -3      ? n - 1
                                                       : (size_t)rows[i].at);
        print_message("%s\n", rows[i].what);
        enum err err = fsck(&found);
        if (err != ERR_CORRUPT || found.matching == 0) {
            fail_msg("%s: %s, %zu faults, none says '%s'", rows[i].what, err_name(err), found.faults, rows[i].wanted);
        }
        kv_begin_write(home.store->kv, &txn);
        kv_put(&txn, rows[i].place.table, span_of(rows[i].place.key, rows[i].place.key_n), span_of(kept, n));
        assert_int_equal(kv_commit(&txn), ERR_OK);
    }
    struct found found = {0};
    assert_int_equal(fsck(&found), ERR_OK);
}

/* Any byte of a stored commit, changed: it is never given out. */
static void a_damaged_commit_never_leaves_the_store(void **state)
{
    static const struct hash any;
    const struct place place = commit_place(3);
    size_t bytes = COMMIT_ROW_BYTES + items[3].n;
    struct hash good;
    struct kv_txn txn;
    struct span row;
    (void)state;
    kv_begin_read(home.store->kv, &txn);
    assert_true(kv_get(&txn, place.table, span_of(place.key, place.key_n), &row));
    memcpy(good.b, row.p, sizeof good.b);
    kv_abort(&txn);
    for (size_t at = 0; at < bytes; at++) {
        struct store_read *read = NULL;
        static struct commit commit;
        struct hash hash;
        struct seg seg;
        uint64_t last, entries;
        damage(&place, at);
        assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
        enum err err = store_commit_at(read, 1, 3, &commit, &hash);
        /* ERR_OK: a bit that the compression does not use, or the signature's, which the hash does not cover and every receiver checks. */
        assert_true(err == ERR_OK || err == ERR_CORRUPT);
        for (uint32_t i = 0; err == ERR_OK && i < commit.entry_count; i++) {
            struct hash leaf;
            hash_leaf(commit.entries[i].salt, commit.entries[i].payload, &leaf);
            assert_true(hash_equal(&leaf, &commit.entries[i].leaf.content));
        }
        assert_true(err == ERR_CORRUPT || hash_equal(&hash, &good));
        enum err seg_err = store_segment(read, &log_.chain.log, true, 2, &any, UINT64_MAX, 60000, &seg, &last, &entries);
        assert_int_equal(seg_err, err);
        store_read_end(&read);
        damage(&place, at); /* and back */
    }
    struct found found = {0};
    assert_int_equal(fsck(&found), ERR_OK);
}

static void a_forked_log_and_its_proof_are_checked_too(void **state)
{
    struct region_log branch, log;
    struct admitted out;
    struct found found = {0};
    (void)state;
    region_log_init(&log, &region, EDGE, CHANNEL_ALERT);
    branch = log;
    struct span ours[2] = {log.birth, region_log_commit(&log, 1, 30)}, theirs = region_log_commit(&branch, 1, 30);
    assert_int_equal(home_admit(&home, &log.chain.log, 0, ours, 2, &out), ERR_OK);
    assert_int_equal(home_admit(&home, &log.chain.log, 1, &theirs, 1, &out), ERR_FORK);
    assert_int_equal(fsck(&found), ERR_OK);
    const struct place proof = first_place(TABLE_NOTICES, NOTICE_FORK_PROOF);
    damage(&proof, 300);
    found = (struct found){.wanted = "fork proof of", .err = ERR_BADHASH};
    assert_int_equal(fsck(&found), ERR_CORRUPT);
    assert_int_equal(found.matching, 1);
    region_log_fini(&log);
}

static void a_damaged_store_still_opens_to_be_checked(void **state)
{
    const struct place journal = number_place(TABLE_JOURNAL, 5, true), log = number_place(TABLE_LOGS, 1, false);
    struct found found = {.wanted = "its row is missing", .err = ERR_CORRUPT};
    (void)state;
    damage(&journal, SIZE_MAX);
    damage(&log, SIZE_MAX - 1);
    home_reopen(&home);
    assert_int_equal(fsck(&found), ERR_CORRUPT);
    assert_true(found.matching == 1 && found.faults > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_whole_store_has_no_faults),
        TEST(every_damage_is_named),
        TEST(a_damaged_commit_never_leaves_the_store),
        TEST(a_forked_log_and_its_proof_are_checked_too),
        TEST(a_damaged_store_still_opens_to_be_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Evidence and erasure: orders that come beyond a cut, orders that are cut off later, and what is taken out of a branch that gave way. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include "proto/erasure.h"

#include <string.h>

enum { HUB_A, HUB_B, AUTHOR, SEAT, MEMBERS = 15 };

static struct region region;
static struct hash roster;
static struct home home;
static struct region_log report, control; /* of AUTHOR */
static uint8_t texts[8][600];
static size_t text_count;

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    home_init(&home, &region, SEAT);
    home_found(&home, &region, MEMBERS, &roster);
    region_log_init(&report, &region, AUTHOR, CHANNEL_REPORT);
    region_log_init(&control, &region, AUTHOR, CHANNEL_CONTROL);
    text_count = 0;
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

static struct entry entry_of(uint32_t kind, struct span payload)
{
    struct entry entry = {.leaf = {.kind = kind}, .has_payload = true};
    assert_true(payload.n <= sizeof texts[0] && text_count < 8);
    memcpy(texts[text_count], payload.p, payload.n);
    entry.payload = span_of(texts[text_count++], payload.n);
    random_fill(entry.salt, sizeof entry.salt);
    return entry;
}

static struct entry order_of(const struct entry *victim)
{
    struct erasure erasure = {.author = region.nodes[AUTHOR].id, .leaf_count = 1, .leaves = {region_content(victim)}, .reason = "by mistake"};
    uint8_t mem[sizeof texts[0]];
    struct out out = out_into(mem, sizeof mem);
    assert_int_equal(erasure_encode(&erasure, &out), ERR_OK);
    return entry_of(ENTRY_ERASURE, out_written(&out));
}

/* The next commit of a log, of one entry. */
static struct span commit_of(struct region_log *log, const struct entry *entry) { return region_log_entries(log, entry, 1, 0, 1); }

static enum err bring(const struct region_log *log, uint64_t seq, struct span item)
{
    struct admitted admitted;
    return home_admit(&home, &log->chain.log, seq, &item, 1, &admitted);
}

static bool is_here(const struct region_log *log, uint64_t seq)
{
    static struct commit commit;
    struct log_info info;
    struct store_read *read;
    struct hash hash;
    struct fsck_report fsck = {0};
    assert_true(home_log(&home, &log->chain.log, &info));
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_commit_at(read, info.number, seq, &commit, &hash), ERR_OK);
    bool is_here = commit.entries[0].has_payload;
    assert_int_equal(store_fsck(read, sign_check, &fsck), ERR_OK);
    store_read_end(&read);
    return is_here;
}

static struct span suspended(const struct head *cut, uint32_t count) { return region_suspend(&region, HUB_A, 1, &roster, 1, AUTHOR, cut, count); }

static struct span lifted(void)
{
    struct region_roster spec = {.number = 2, .previous = roster, .members = MEMBERS, .cut = 1 << AUTHOR};
    return region_roster(&region, &spec, NULL);
}

static void an_order_that_comes_late_is_in_force_when_it_counts(void **state)
{
    struct entry record = entry_of(ENTRY_RECORD, span_text("a name, a passport")), order = order_of(&record);
    struct span records = commit_of(&report, &record), orders = commit_of(&control, &order);
    struct head cut = region_log_head(&report);
    (void)state;
    assert_int_equal(bring(&report, 0, report.birth), ERR_OK);
    assert_int_equal(bring(&report, 1, records), ERR_OK);
    assert_int_equal(bring(&control, 0, control.birth), ERR_OK);
    struct span act = suspended(&cut, 1);
    home_notices(&home, &act, 1);
    assert_int_equal(bring(&control, 1, orders), ERR_CUT);
    assert_true(is_here(&report, 1));
    home_reopen(&home);
    assert_true(is_here(&report, 1));
    struct span roster_2 = lifted();
    home_notices(&home, &roster_2, 1);
    assert_false(is_here(&report, 1));
    home_reopen(&home);
    assert_false(is_here(&report, 1));
}

static void an_order_that_counted_stays_in_force_beyond_a_later_cut(void **state)
{
    struct entry record = entry_of(ENTRY_RECORD, span_text("a name, a passport")), order = order_of(&record);
    struct span records = commit_of(&report, &record), orders = commit_of(&control, &order);
    struct head cut = region_log_head(&report);
    (void)state;
    assert_int_equal(bring(&report, 0, report.birth), ERR_OK);
    assert_int_equal(bring(&control, 0, control.birth), ERR_OK);
    assert_int_equal(bring(&control, 1, orders), ERR_OK);
    struct span act = suspended(&cut, 1);
    home_notices(&home, &act, 1);
    assert_int_equal(bring(&report, 1, records), ERR_OK);
    assert_false(is_here(&report, 1));
}

/* ---- a branch that gave way ---- */

struct found {
    size_t count, payloads;
};

static bool look(void *arg, const struct aside *aside)
{
    struct found *found = arg;
    assert_non_null(aside->commit);
    found->count++;
    found->payloads += aside->commit->entries[0].has_payload;
    return true;
}

static struct found asides(void)
{
    struct found found = {0, 0};
    struct store_read *read;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_asides(read, 0, look, &found), ERR_OK);
    store_read_end(&read);
    return found;
}

static void names(size_t hub, const struct head *named)
{
    struct notice_ref ref;
    struct span list;
    const char *clause = NULL;
    bool is_new = false;
    struct span notice = region_frontier(&region, hub, 1, named, 1, &list);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_admit_notice(home.store, notice, 0, list, &ref, &is_new, &clause), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
}

static void what_gave_way_loses_what_is_ordered_and_what_has_a_day(void **state)
{
    struct entry kept = entry_of(ENTRY_RECORD, span_text("an evidence")), day = entry_of(ENTRY_RECORD, span_text("until then"));
    struct entry before = entry_of(ENTRY_RECORD, span_text("ordered before")), after = entry_of(ENTRY_RECORD, span_text("ordered after"));
    struct entry other = entry_of(ENTRY_RECORD, span_text("the branch that counts"));
    struct entry orders[2] = {order_of(&before), order_of(&after)};
    struct region_log theirs = report;
    struct span mine[4], final;
    (void)state;
    day.leaf.expiry_day = 40000;
    mine[0] = commit_of(&report, &kept);
    mine[1] = commit_of(&report, &day);
    mine[2] = commit_of(&report, &before);
    mine[3] = commit_of(&report, &after);
    final = commit_of(&theirs, &other);
    struct head head = region_log_head(&theirs);
    assert_int_equal(bring(&control, 0, control.birth), ERR_OK);
    assert_int_equal(bring(&control, 1, commit_of(&control, &orders[0])), ERR_OK);
    assert_int_equal(bring(&report, 0, report.birth), ERR_OK);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        assert_int_equal(bring(&report, seq, mine[seq - 1]), ERR_OK);
    }
    names(HUB_A, &head);
    names(HUB_B, &head);
    assert_int_equal(bring(&report, 1, final), ERR_OK);
    assert_int_equal(asides().count, 4);
    assert_int_equal(asides().payloads, 2); /* the evidence, and what is ordered next */
    assert_int_equal(bring(&control, 2, commit_of(&control, &orders[1])), ERR_OK);
    assert_int_equal(asides().payloads, 1);
    assert_true(is_here(&report, 1));
    home_reopen(&home);
    assert_int_equal(asides().count, 4);
    assert_int_equal(asides().payloads, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(an_order_that_comes_late_is_in_force_when_it_counts),
        TEST(an_order_that_counted_stays_in_force_beyond_a_later_cut),
        TEST(what_gave_way_loses_what_is_ordered_and_what_has_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

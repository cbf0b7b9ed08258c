/* T06: everything that a node ever took in comes ten times more, in any order: nothing of what it holds changes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"
#include "tests/lib/rng.h"

enum { HUB, OTHER_HUB, EDGE, SECOND_EDGE, NEWCOMER, SUSPECT, LOGS = 4, COMMITS = 12, PIECES_MAX = 400, ROUNDS = 10 };

struct piece { /* of a run: a notice, or a segment */
    struct span notice, heads;
    struct log_id log;
    uint64_t first;
    struct span items[SEG_COMMITS_MAX];
    uint32_t count;
};

static struct region region;
static struct home home;
static struct region_log logs[LOGS];
static struct span items[LOGS][COMMITS + 1];
static struct piece pieces[PIECES_MAX];
static size_t piece_count;

static enum err offer(const struct piece *piece)
{
    const char *clause = NULL;
    if (piece->count > 0) {
        struct admitted admitted;
        struct seg seg = region_seg(&piece->log, piece->first, piece->items, piece->count);
        enum err err = store_admit(home.store, &seg, &admitted, &clause);
        assert_false(admitted.has_fork);
        return err;
    }
    struct notice_ref ref;
    bool is_new;
    return store_admit_notice(home.store, piece->notice, 0, piece->heads, &ref, &is_new, &clause);
}

/* Take it in for the first time, and remember it. */
static void take(const struct piece *piece)
{
    assert_true(piece_count < PIECES_MAX);
    pieces[piece_count++] = *piece;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(offer(piece), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
}

static void take_notice(struct span notice, struct span heads)
{
    take(&(struct piece){.notice = notice, .heads = heads});
}

static void take_segment(size_t log, uint64_t first, uint32_t count)
{
    struct piece piece = {.log = logs[log].chain.log, .first = first, .count = count};
    memcpy(piece.items, items[log] + first, count * sizeof items[log][0]);
    take(&piece);
}

/* A region that lives: rosters, acts, cards and frontiers replace one another, logs grow in pieces that overlap. */
static void live(void)
{
    struct hash first, second;
    struct span none = {NULL, 0};
    take_notice(region.charter, none);
    take_notice(region_roster(&region, &(struct region_roster){.number = 1, .members = 0x2f}, &first), none);
    take_notice(region_admit(&region, HUB, 1, &first, 1, NEWCOMER), none);
    take_notice(region_admit(&region, OTHER_HUB, 1, &first, 1, NEWCOMER), none);
    for (size_t i = 0; i < LOGS; i++) {
        region_log_init(&logs[i], &region, i % 2 == 0 ? EDGE : SECOND_EDGE, (enum channel)i);
        items[i][0] = logs[i].birth;
        for (size_t k = 1; k <= COMMITS; k++) {
            items[i][k] = region_log_commit(&logs[i], 1 + (uint32_t)(k % 3), 100);
        }
    }
    for (uint64_t at = 0; at < COMMITS; at += 3) {
        for (size_t i = 0; i < LOGS; i++) {
            take_segment(i, at == 0 ? 0 : at - 1, 4);
            struct head head = region_log_head(&logs[i]);
            struct span heads, frontier;
            head.seq = at + 1;
            frontier = region_frontier(&region, i % 2, 10 * (at + 1) + i, &head, 1, &heads);
            take_notice(frontier, heads);
            take_notice(region_card(&region, EDGE, 100 * (at + 1) + i), none);
        }
    }
    struct head cut = region_log_head(&logs[0]);
    take_notice(region_suspend(&region, HUB, 1, &first, 1, SUSPECT, &cut, 1), none);
    take_notice(region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = 0x1f, .cut = 1 << SUSPECT, .heads = &cut, .head_count = 1}, &second), none);
    take_notice(region_roster(&region, &(struct region_roster){.number = 3, .previous = second, .members = 0x1f}, NULL), none);
}

static void everything_ten_times_in_any_order_changes_nothing(void **state)
{
    struct rng rng = {.state = 11};
    size_t order[PIECES_MAX];
    (void)state;
    struct hash before = home_digest(&home);
    uint64_t journal = home_journal_end(&home);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < piece_count; i++) {
            size_t at = (size_t)rng_below(&rng, i + 1);
            order[i] = order[at];
            order[at] = i;
        }
        assert_int_equal(store_begin(home.store), ERR_OK);
        for (size_t i = 0; i < piece_count; i++) {
            enum err err = offer(&pieces[order[i]]);
            if (err != ERR_OK && err != ERR_STALE) {
                fail_msg("round %d, piece %zu: %s", round, order[i], err_name(err));
            }
        }
        assert_int_equal(store_commit(home.store), ERR_OK);
        struct hash after = home_digest(&home);
        assert_memory_equal(before.b, after.b, sizeof before.b);
        assert_int_equal(home_journal_end(&home), journal);
    }
}

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    home_init(&home, &region, HUB);
    live();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < LOGS; i++) {
        region_log_fini(&logs[i]);
    }
    home_fini(&home);
    region_fini(&region);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_ten_times_in_any_order_changes_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

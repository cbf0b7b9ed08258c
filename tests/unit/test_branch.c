/* Where a forked log ends, which of its branches a store holds, what becomes of the other, and hubs that name both. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include <string.h>

enum { HUB_A, HUB_B, EDGE, OTHER, MEMBERS = 15, LENGTH = 8, FORK = 4 /* the first commit that differs */ };

static struct region region;
static struct hash roster;
static struct region_log ours, theirs;
static struct span items[2][LENGTH + 1];
static struct head heads[2][LENGTH + 1];
static struct home home;

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    region_log_init(&ours, &region, EDGE, CHANNEL_REPORT);
    for (size_t branch = 0; branch < 2; branch++) {
        items[branch][0] = ours.birth;
        heads[branch][0] = region_log_head(&ours);
    }
    for (size_t seq = 1; seq < FORK; seq++) {
        items[0][seq] = items[1][seq] = region_log_commit(&ours, 2, 40);
        heads[0][seq] = heads[1][seq] = region_log_head(&ours);
    }
    theirs = ours;
    for (size_t seq = FORK; seq <= LENGTH; seq++) {
        items[0][seq] = region_log_commit(&ours, 2, 40);
        heads[0][seq] = region_log_head(&ours);
        items[1][seq] = region_log_commit(&theirs, 2, 40);
        heads[1][seq] = region_log_head(&theirs);
    }
    home_init(&home, &region, OTHER);
    home_found(&home, &region, MEMBERS, &roster);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    region_log_fini(&ours);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

static enum err bring(size_t branch, uint64_t first, uint64_t last)
{
    struct admitted admitted;
    return home_admit(&home, &ours.chain.log, first, items[branch] + first, (uint32_t)(last - first + 1), &admitted);
}

static enum err names_at(size_t hub, uint64_t counter, const struct head *named, size_t count)
{
    struct notice_ref ref;
    struct span list;
    const char *clause = NULL;
    bool is_new = false;
    struct span notice = region_frontier(&region, hub, counter, named, count, &list);
    assert_int_equal(store_begin(home.store), ERR_OK);
    enum err err = store_admit_notice(home.store, notice, 0, list, &ref, &is_new, &clause);
    assert_int_equal(store_commit(home.store), ERR_OK);
    return err;
}

static void names(size_t hub, uint64_t counter, const struct head *named)
{
    assert_int_equal(names_at(hub, counter, named, 1), ERR_OK);
}

static struct log_info info(void)
{
    struct log_info log;
    struct store_read *read = NULL;
    struct fsck_report report = {0};
    assert_true(home_log(&home, &ours.chain.log, &log));
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
    store_read_end(&read);
    return log;
}

static void is_at(size_t branch, uint64_t seq, uint64_t held)
{
    struct log_info log = info();
    assert_int_equal(log.head.seq, seq);
    assert_memory_equal(log.head.hash.b, heads[branch][seq].hash.b, 32);
    assert_int_equal(log.held_seq, held);
}

struct asides {
    size_t count;
    uint64_t lowest;
    size_t branch;
};

static bool aside_count(void *arg, const struct aside *aside)
{
    struct asides *asides = arg;
    assert_non_null(aside->commit);
    assert_int_equal(aside->commit->entry_count, 2);
    assert_memory_equal(aside->hash.b, heads[asides->branch][aside->seq].hash.b, 32);
    asides->lowest = asides->lowest == 0 || aside->seq < asides->lowest ? aside->seq : asides->lowest;
    asides->count++;
    return true;
}

static void are_aside(size_t branch, size_t count)
{
    struct asides asides = {0, 0, branch};
    struct store_read *read = NULL;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_asides(read, 0, aside_count, &asides), ERR_OK);
    store_read_end(&read);
    assert_int_equal(asides.count, count);
    assert_int_equal(asides.lowest, info().aside_seq);
}

static void what_hubs_make_final_stays_and_the_log_takes_no_more(void **state)
{
    (void)state;
    assert_int_equal(bring(0, 0, 6), ERR_OK);
    names(HUB_A, 1, &heads[0][6]);
    names(HUB_B, 1, &heads[0][5]);
    assert_int_equal(bring(1, FORK, FORK), ERR_FORK); /* evidence against the author, no dispute */
    is_at(0, 5, 6);
    assert_true(info().has_fork);
    assert_int_equal(info().fork_seq, FORK);
    assert_int_equal(info().cut_height, 0);
    assert_int_equal(info().fork_height, 7); /* as far as a hub has named it is fetched, to see which branch it is */
    assert_int_equal(bring(0, 7, 8), ERR_FORK);
    names(HUB_B, 2, &heads[0][6]); /* more of it becomes final */
    is_at(0, 6, 6);
    home_reopen(&home);
    is_at(0, 6, 6);
    assert_int_equal(bring(0, 7, 7), ERR_FORK);
    are_aside(1, 0);
}

static void the_branch_held_gives_way_to_the_one_that_is_final(void **state)
{
    struct log_info log;
    (void)state;
    assert_int_equal(bring(1, 0, 7), ERR_OK);
    names(HUB_A, 1, &heads[0][6]);
    names(HUB_B, 1, &heads[0][6]);
    uint64_t journal = home_journal_end(&home);
    assert_int_equal(bring(0, FORK, FORK + 1), ERR_OK); /* the proof is made, and what we held set aside */
    log = info();
    assert_true(log.has_fork);
    assert_int_equal(log.held_seq, FORK + 1);
    are_aside(1, 7 - FORK + 1);
    assert_int_equal(home_journal_end(&home), journal + 3); /* the proof and two commits; what was taken back is void */
    assert_int_equal(bring(0, FORK + 2, 6), ERR_OK);
    is_at(0, 6, 6);
    assert_int_equal(bring(1, FORK, 7), ERR_FORK); /* it does not come back */
    assert_int_equal(bring(1, FORK, 7), ERR_FORK);
    is_at(0, 6, 6);
    home_reopen(&home);
    is_at(0, 6, 6);
    are_aside(1, 7 - FORK + 1);
}

static void a_node_that_has_heard_the_proof_first_fetches_what_is_final(void **state)
{
    struct home maker = home;
    struct store_read *read = NULL;
    struct admitted out;
    struct span proof, beside;
    (void)state;
    assert_int_equal(bring(0, 0, 5), ERR_OK);
    assert_int_equal(home_admit(&maker, &ours.chain.log, FORK, items[1] + FORK, 1, &out), ERR_FORK);
    assert_int_equal(store_read_begin(maker.store, &read), ERR_OK);
    assert_int_equal(store_notice(read, &out.proof, &proof, &beside), ERR_OK);
    proof = region_keep(&region, proof);
    store_read_end(&read);
    home_fini(&home);
    home_init(&home, &region, OTHER);
    home_found(&home, &region, MEMBERS, &roster);
    home_notices(&home, &proof, 1);
    assert_int_equal(bring(0, 0, LENGTH), ERR_FORK);
    is_at(0, FORK - 1, FORK - 1);
    assert_int_equal(info().fork_height, FORK);
    names(HUB_A, 1, &heads[0][6]);
    assert_int_equal(info().fork_height, FORK); /* one of two is not most */
    names(HUB_B, 1, &heads[0][6]);
    assert_int_equal(info().fork_height, 7);
    assert_int_equal(bring(0, FORK, FORK), ERR_OK);
    assert_int_equal(info().head.seq, FORK); /* both name one head: what leads there is believed */
    assert_int_equal(bring(0, FORK + 1, LENGTH), ERR_FORK);
    is_at(0, 6, 6);
}

static void hubs_that_hold_different_branches_make_what_is_before_them_final(void **state)
{
    (void)state;
    assert_int_equal(bring(0, 0, 6), ERR_OK);
    names(HUB_A, 1, &heads[0][6]);
    names(HUB_B, 1, &heads[1][7]);
    assert_int_equal(bring(1, FORK, 7), ERR_FORK);
    is_at(0, FORK - 1, 6); /* kept, disputed */
    are_aside(1, 0);
    names(HUB_A, 2, &heads[0][FORK - 1]);
    names(HUB_B, 2, &heads[0][FORK - 1]);
    is_at(0, FORK - 1, 6);
    /* No cut takes that back. */
    struct span act = region_suspend(&region, HUB_A, 1, &roster, 1, EDGE, &heads[0][1], 1);
    home_notices(&home, &act, 1);
    is_at(0, FORK - 1, 6);
}

static void the_cut_of_the_root_settles_a_fork_before_it(void **state)
{
    (void)state;
    assert_int_equal(bring(1, 0, 7), ERR_OK);
    assert_int_equal(bring(0, FORK, FORK), ERR_FORK);
    is_at(1, FORK - 1, 7);
    struct region_roster spec = {.number = 2, .previous = roster, .members = MEMBERS & ~(1U << EDGE), .cut = 1U << EDGE, .heads = &heads[0][5], .head_count = 1};
    struct hash second;
    struct span next = region_roster(&region, &spec, &second);
    home_notices(&home, &next, 1);
    is_at(1, FORK - 1, 7); /* the root has named the other branch */
    assert_int_equal(info().fork_height, 6);
    assert_int_equal(bring(0, FORK, 5), ERR_OK);
    is_at(0, 5, 5);
    are_aside(1, 7 - FORK + 1);
    assert_int_equal(bring(0, 6, 6), ERR_FORK);
    /* It extends what counts. */
    spec.number = 3;
    spec.previous = second;
    spec.heads = &heads[0][7];
    next = region_roster(&region, &spec, NULL);
    home_notices(&home, &next, 1);
    assert_int_equal(bring(0, 6, 8), ERR_FORK);
    is_at(0, 7, 7);
}

/* Two nodes that have only one commit of those at a cut end before it, whichever it is. */
static void a_cut_that_names_what_nobody_wrote_ends_the_log_before_it(void **state)
{
    struct head lie = heads[0][5];
    (void)state;
    lie.hash.b[3] ^= 1;
    assert_int_equal(bring(0, 0, 7), ERR_OK);
    struct span act = region_suspend(&region, HUB_A, 1, &roster, 1, EDGE, &lie, 1);
    home_notices(&home, &act, 1);
    is_at(0, 4, 7);
    home_fini(&home);
    home_init(&home, &region, OTHER);
    home_found(&home, &region, MEMBERS, &roster);
    home_notices(&home, &act, 1);
    assert_int_equal(bring(0, 0, 7), ERR_CUT);
    is_at(0, 4, 4);
}

/* ---- liars ---- */

static bool liar_take(void *arg, const struct liar *liar)
{
    struct liar *ret = arg;
    *ret = *liar;
    return true;
}

/* Is the hub a proven liar; with what. The two frontiers are those that it signed. */
static bool liar_of(size_t hub, struct liar *ret)
{
    struct store_read *read = NULL;
    struct unpack *unpack = unpack_new();
    memset(ret, 0, sizeof *ret);
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_liars(read, liar_take, ret), ERR_OK);
    bool is_liar = ret->frontiers[0].notice.n > 0;
    for (size_t i = 0; i < 2 && is_liar; i++) {
        struct notice notice;
        struct frontier frontier;
        struct hash digest;
        const char *clause = NULL;
        assert_memory_equal(ret->node.b, region.nodes[hub].id.b, sizeof ret->node.b);
        assert_int_equal(notice_decode(unpack, ret->frontiers[i].notice, &notice, &clause), ERR_OK);
        assert_int_equal(sign_check(SIGN_FRONTIER, &region.id, notice.body, &region.nodes[hub].identity, &notice.signatures[0].signature), ERR_OK);
        assert_int_equal(frontier_decode(unpack, notice.body, &frontier, &clause), ERR_OK);
        hash_of(HASH_HEADS, ret->frontiers[i].heads, &digest);
        assert_memory_equal(digest.b, frontier.heads_digest.b, sizeof digest.b);
    }
    store_read_end(&read);
    unpack_destroy(&unpack);
    return is_liar;
}

static void a_hub_that_names_two_branches_is_proven_a_liar(void **state)
{
    static const struct {
        const char *what;
        uint64_t first, second; /* seqs */
        size_t first_branch, second_branch;
        uint64_t counter;
        bool is_liar;
    } rows[] = {
        {"it goes on", 5, 7, 0, 0, 2, false},
        {"it goes back", 7, 3, 0, 0, 2, false},
        {"another branch at one place", 6, 6, 0, 1, 2, true},
        {"another branch below what it had named", 7, 5, 0, 1, 2, true},
        {"another branch above what it had named, of which nothing is held", 5, 7, 0, 1, 2, false},
        {"the other way round: what it named first is not on the branch held", 5, 7, 1, 0, 2, true},
        {"two frontiers of one number, of which one branch is held", 6, 6, 0, 1, 1, true},
    };
    (void)state;
    assert_int_equal(bring(0, 0, LENGTH), ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct liar liar;
        struct head more[2];
        home_fini(&home);
        home_init(&home, &region, OTHER);
        home_found(&home, &region, MEMBERS, &roster);
        assert_int_equal(bring(0, 0, LENGTH), ERR_OK);
        more[0] = heads[rows[i].first_branch][rows[i].first];
        assert_int_equal(names_at(HUB_A, 1, more, 1), ERR_OK);
        more[0] = heads[rows[i].second_branch][rows[i].second];
        enum err err = names_at(HUB_A, rows[i].counter, more, 1);
        assert_true(err == ERR_OK || rows[i].counter == 1); /* of one number the lower hash stays: either may be it */
        if (liar_of(HUB_A, &liar) != (rows[i].is_liar && err == ERR_OK)) {
            fail_msg("%s", rows[i].what);
        }
        if (rows[i].is_liar && err == ERR_OK) {
            assert_int_equal(liar.heads[0].seq, rows[i].first);
            assert_int_equal(liar.heads[1].seq, rows[i].second);
            assert_memory_equal(liar.heads[0].log.b, ours.chain.log.b, 32);
            /* Kept for good, whatever it says afterwards. */
            names(HUB_A, 9, &heads[0][8]);
            home_reopen(&home);
            assert_true(liar_of(HUB_A, &liar));
            assert_int_equal(liar.heads[1].seq, rows[i].second);
        }
    }
}

static void an_edge_may_be_wrong_without_being_called_a_liar(void **state)
{
    struct liar liar;
    (void)state;
    assert_int_equal(names_at(EDGE, 1, &heads[0][6], 1), ERR_OK);
    assert_int_equal(names_at(EDGE, 2, &heads[1][6], 1), ERR_OK);
    assert_false(liar_of(EDGE, &liar));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_hubs_make_final_stays_and_the_log_takes_no_more),
        TEST(the_branch_held_gives_way_to_the_one_that_is_final),
        TEST(a_node_that_has_heard_the_proof_first_fetches_what_is_final),
        TEST(hubs_that_hold_different_branches_make_what_is_before_them_final),
        TEST(the_cut_of_the_root_settles_a_fork_before_it),
        TEST(a_cut_that_names_what_nobody_wrote_ends_the_log_before_it),
        TEST(a_hub_that_names_two_branches_is_proven_a_liar),
        TEST(an_edge_may_be_wrong_without_being_called_a_liar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

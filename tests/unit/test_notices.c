/* Notices: verified before they are kept, the newest wins whatever order they come in, frontiers whole or as a difference. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include <stdlib.h>

enum { HUB_A, HUB_B, HUB_C, EDGE, JOINER };
enum { MEMBERS = 1 << HUB_A | 1 << HUB_B | 1 << HUB_C | 1 << EDGE };

static struct region region;
static struct home home;
static struct hash first_roster;

static int setup(void **state)
{
    (void)state;
    region_init(&region, 3);
    home_init(&home, &region, HUB_A);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    home_fini(&home);
    region_fini(&region);
    return 0;
}

static enum err admit(struct span notice, uint64_t base, struct span heads, struct notice_ref *ret, bool *is_new)
{
    const char *clause = NULL;
    assert_int_equal(store_begin(home.store), ERR_OK);
    enum err err = store_admit_notice(home.store, notice, base, heads, ret, is_new, &clause);
    assert_int_equal(store_commit(home.store), ERR_OK);
    if (err != ERR_OK) {
        assert_non_null(clause);
    }
    return err;
}

static enum err admit_plain(struct span notice)
{
    struct notice_ref ref;
    bool is_new;
    return admit(notice, 0, span_of(NULL, 0), &ref, &is_new);
}

static struct membership *members_now(void)
{
    struct store_read *read = NULL;
    struct membership *membership = NULL;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_OK);
    store_read_end(&read);
    return membership;
}

static struct head head_of(uint8_t log, uint64_t seq)
{
    struct head head = {{{log}}, seq, seq, {{log, (uint8_t)seq, 3}}};
    return head;
}

static void a_second_time_is_not_new(void **state)
{
    struct notice_ref ref;
    bool is_new = false;
    (void)state;
    assert_int_equal(admit(region.charter, 0, span_of(NULL, 0), &ref, &is_new), ERR_OK);
    assert_true(is_new);
    assert_int_equal(ref.kind, NOTICE_CHARTER);
    assert_int_equal(ref.counter, 0);
    uint64_t journal = home_journal_end(&home);
    assert_int_equal(admit(region.charter, 0, span_of(NULL, 0), &ref, &is_new), ERR_OK);
    assert_false(is_new);
    assert_int_equal(home_journal_end(&home), journal);
    struct region_roster spec = {.number = 1, .members = MEMBERS};
    struct span roster = region_roster(&region, &spec, NULL);
    assert_int_equal(admit(roster, 0, span_of(NULL, 0), &ref, &is_new), ERR_OK);
    assert_true(is_new);
    assert_int_equal(ref.counter, 1);
    assert_int_equal(admit(roster, 0, span_of(NULL, 0), &ref, &is_new), ERR_OK);
    assert_false(is_new);
    assert_int_equal(home_journal_end(&home), journal + 1);
}

static void what_comes_too_early_is_asked_for_again(void **state)
{
    struct hash first, second;
    struct span heads;
    struct store_read *read = NULL;
    struct membership *membership = NULL;
    (void)state;
    struct span one = region_roster(&region, &(struct region_roster){.number = 1, .members = MEMBERS}, &first);
    struct span two = region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = MEMBERS | 1 << JOINER}, &second);
    struct head head = head_of(1, 5);
    struct span frontier = region_frontier(&region, EDGE, 1, &head, 1, &heads);
    struct span early[] = {one, two, region_admit(&region, HUB_A, 1, &first, 1, JOINER), region_card(&region, EDGE, 1), frontier};
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
        struct notice_ref ref;
        bool is_new;
        assert_int_equal(admit(early[i], 0, heads, &ref, &is_new), ERR_UNKNOWN_KEY);
    }
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_NOT_FOUND);
    store_read_end(&read);
    assert_int_equal(admit_plain(region.charter), ERR_OK);
    assert_int_equal(admit_plain(two), ERR_UNKNOWN_KEY);
    assert_int_equal(admit_plain(one), ERR_OK);
    assert_int_equal(admit_plain(two), ERR_OK);
    assert_int_equal(admit_plain(early[2]), ERR_OK);
    assert_int_equal(admit_plain(early[3]), ERR_OK);
    struct notice_ref ref;
    bool is_new;
    assert_int_equal(admit(frontier, 0, heads, &ref, &is_new), ERR_OK);
}

/* All orders in which notices may come, with repeats until they are taken, end in the same membership. */
static void any_order_of_arrival_gives_the_same_membership(void **state)
{
    enum { COUNT = 10 };
    struct span notices[COUNT];
    struct hash first, second, roster_hash = {{0}}, digest = {{0}};
    (void)state;
    notices[0] = region.charter;
    notices[1] = region_roster(&region, &(struct region_roster){.number = 1, .members = MEMBERS}, &first);
    notices[2] = region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = MEMBERS}, &second);
    notices[3] = region_roster(&region, &(struct region_roster){.number = 3, .previous = second, .members = MEMBERS & ~(1 << HUB_C)}, NULL);
    notices[4] = region_admit(&region, HUB_A, 1, &first, 1, JOINER);
    notices[5] = region_admit(&region, HUB_B, 2, &second, 1, JOINER);
    notices[6] = region_suspend(&region, HUB_A, 1, &first, 1, EDGE, NULL, 0);
    notices[7] = region_admit(&region, HUB_B, 1, &first, 1, JOINER);
    notices[8] = region_admit(&region, HUB_B, 1, &first, 1, EDGE); /* three with one number: only the two lowest are kept */
    notices[9] = region_admit(&region, HUB_B, 1, &first, 1, HUB_C + 3);
    srandom(7);
    for (size_t round = 0; round < 12; round++) {
        size_t order[COUNT];
        bool is_done[COUNT] = {false};
        for (size_t i = 0; i < COUNT; i++) {
            order[i] = i;
        }
        for (size_t i = COUNT - 1; i > 0; i--) {
            size_t j = (size_t)random() % (i + 1), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
        for (size_t pass = 0; pass < COUNT; pass++) {
            for (size_t i = 0; i < COUNT; i++) {
                if (!is_done[order[i]]) {
                    enum err err = admit_plain(notices[order[i]]);
                    assert_true(err == ERR_OK || err == ERR_UNKNOWN_KEY || err == ERR_STALE);
                    is_done[order[i]] = err != ERR_UNKNOWN_KEY;
                }
            }
        }
        struct membership *membership = members_now();
        if (round == 0) {
            roster_hash = *membership_roster_hash(membership);
            digest = *membership_acts_digest(membership);
        }
        assert_int_equal(membership_roster_number(membership), 3);
        assert_true(hash_equal(&roster_hash, membership_roster_hash(membership)));
        assert_true(hash_equal(&digest, membership_acts_digest(membership)));
        assert_non_null(membership_find(membership, &region.nodes[JOINER].id));
        assert_null(membership_find(membership, &region.nodes[EDGE].id));
        membership_destroy(&membership);
        home_fini(&home);
        home_init(&home, &region, HUB_A);
    }
}

static void both_rosters_of_one_number_are_kept(void **state)
{
    struct hash first;
    (void)state;
    home_found(&home, &region, MEMBERS, &first);
    assert_int_equal(
        admit_plain(region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = MEMBERS | 1 << JOINER}, NULL)), ERR_OK);
    assert_int_equal(
        admit_plain(region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = MEMBERS, .salt = 1}, NULL)), ERR_OK);
    struct membership *membership = members_now();
    assert_true(membership_is_disputed(membership));
    assert_null(membership_find(membership, &region.nodes[JOINER].id));
    membership_destroy(&membership);
}

static void the_newest_card_wins(void **state)
{
    struct card card;
    struct store_read *read = NULL;
    (void)state;
    home_found(&home, &region, MEMBERS, &first_roster);
    assert_int_equal(admit_plain(region_card(&region, EDGE, 5)), ERR_OK);
    assert_int_equal(admit_plain(region_card(&region, EDGE, 4)), ERR_STALE);
    assert_int_equal(admit_plain(region_card(&region, EDGE, 6)), ERR_OK);
    /* Two with one counter: the lower hash, whichever comes first. */
    struct span a = region_card(&region, EDGE, 7), b = region_card(&region, EDGE, 7);
    enum err err_a = admit_plain(a), err_b = admit_plain(b);
    assert_int_equal(err_a, ERR_OK);
    assert_true(err_b == ERR_OK || err_b == ERR_STALE);
    enum err again = admit_plain(a);
    assert_int_equal(again, err_b == ERR_OK ? ERR_STALE : ERR_OK);
    assert_int_equal(admit_plain(region_card(&region, JOINER, 1)), ERR_UNKNOWN_KEY);
    struct secret *secret = region.nodes[EDGE].secret;
    region.nodes[EDGE].secret = region.nodes[HUB_B].secret;
    assert_int_equal(admit_plain(region_card(&region, EDGE, 8)), ERR_BADSIG);
    region.nodes[EDGE].secret = secret;
    struct sign_public identity = region.nodes[EDGE].identity;
    region.nodes[EDGE].identity.b[3] ^= 1; /* signed well, but names another key than the roster */
    assert_int_equal(admit_plain(region_card(&region, EDGE, 8)), ERR_BADSIG);
    region.nodes[EDGE].identity = identity;
    struct region_id id = region.id;
    region.id.b[0] ^= 1;
    struct span foreign = region_card(&region, EDGE, 9);
    region.id = id;
    assert_int_equal(admit_plain(foreign), ERR_REGION);
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_card(read, &region.nodes[EDGE].id, &card), ERR_OK);
    assert_int_equal(card.counter, 7);
    assert_string_equal(card.name, "node-3");
    assert_int_equal(store_card(read, &region.nodes[HUB_B].id, &card), ERR_NOT_FOUND);
    store_read_end(&read);
}

static void a_card_by_a_replaced_key_is_stale(void **state)
{
    (void)state;
    home_found(&home, &region, MEMBERS, &first_roster);
    struct span old = region_card(&region, EDGE, 5);
    struct secret *secret = region.nodes[EDGE].secret;
    assert_int_equal(sign_keypair(&region.nodes[EDGE].identity, &region.nodes[EDGE].secret), ERR_OK);
    struct region_roster spec = {.number = 2, .previous = first_roster, .members = MEMBERS, .cut = 1 << EDGE};
    assert_int_equal(admit_plain(region_roster(&region, &spec, NULL)), ERR_OK);
    assert_int_equal(admit_plain(old), ERR_STALE);
    assert_int_equal(admit_plain(region_card(&region, EDGE, 1)), ERR_OK);
    secret_destroy(&secret);
}

/* Cards and frontiers by an old and a new identity key, with whatever counters, in any order, before or after the roster that changes the key. */
static void in_any_order_the_newest_key_has_the_last_word(void **state)
{
    enum { COUNT = 8 };
    struct secret *old = region.nodes[EDGE].secret;
    struct head head = head_of(1, 5);
    struct span notices[COUNT], heads[COUNT] = {{NULL, 0}};
    struct hash first;
    (void)state;
    notices[0] = region.charter;
    notices[1] = region_roster(&region, &(struct region_roster){.number = 1, .members = MEMBERS}, &first);
    notices[2] = region_card(&region, EDGE, NUMBER_MAX);
    notices[3] = region_frontier(&region, EDGE, NUMBER_MAX, &head, 1, &heads[3]);
    assert_int_equal(sign_keypair(&region.nodes[EDGE].identity, &region.nodes[EDGE].secret), ERR_OK);
    notices[4] = region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = MEMBERS, .cut = 1 << EDGE}, NULL);
    notices[5] = region_card(&region, EDGE, 2);
    notices[6] = region_card(&region, EDGE, 3);
    notices[7] = region_frontier(&region, EDGE, 7, &head, 1, &heads[7]);
    srandom(11);
    for (size_t round = 0; round < 40; round++) {
        size_t order[COUNT];
        bool is_done[COUNT] = {false};
        struct store_read *read = NULL;
        struct card card;
        struct span frontier, frontier_heads;
        for (size_t i = 0; i < COUNT; i++) {
            size_t j = (size_t)random() % (i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (size_t pass = 0; pass < COUNT; pass++) {
            for (size_t i = 0; i < COUNT; i++) {
                size_t n = order[i];
                struct notice_ref ref;
                bool is_new;
                if (!is_done[n]) {
                    enum err err = admit(notices[n], 0, heads[n], &ref, &is_new);
                    /* Of a frontier whose key is not known yet nothing can be said: it names no roster that is held either. */
                    assert_true(err == ERR_OK || err == ERR_UNKNOWN_KEY || err == ERR_STALE);
                    is_done[n] = err != ERR_UNKNOWN_KEY;
                }
            }
        }
        assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
        assert_int_equal(store_card(read, &region.nodes[EDGE].id, &card), ERR_OK);
        assert_int_equal(card.counter, 3);
        assert_memory_equal(card.identity.b, region.nodes[EDGE].identity.b, sizeof card.identity.b);
        assert_int_equal(store_notice_newest(read, NOTICE_FRONTIER, &region.nodes[EDGE].id, &frontier, &frontier_heads), ERR_OK);
        assert_true(span_equal(frontier, notices[7]));
        assert_true(span_equal(frontier_heads, heads[7]));
        store_read_end(&read);
        home_fini(&home);
        home_init(&home, &region, HUB_A);
    }
    secret_destroy(&old);
}

static void a_changed_byte_of_any_notice_is_refused(void **state)
{
    struct span heads;
    struct head head = head_of(1, 5);
    uint8_t copy[8192];
    (void)state;
    home_found(&home, &region, MEMBERS, &first_roster);
    struct span notices[] = {
        region_roster(&region, &(struct region_roster){.number = 2, .previous = first_roster, .members = MEMBERS}, NULL),
        region_admit(&region, HUB_A, 1, &first_roster, 1, JOINER),
        region_suspend(&region, HUB_A, 1, &first_roster, 1, EDGE, &head, 1),
        region_card(&region, EDGE, 1),
        region_frontier(&region, EDGE, 1, &head, 1, &heads),
    };
    struct hash before = home_digest(&home);
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++) {
        for (size_t at = 0; at < notices[i].n; at++) {
            struct notice_ref ref;
            bool is_new;
            memcpy(copy, notices[i].p, notices[i].n);
            copy[at] ^= (uint8_t)(1u << at % 8);
            if (admit(span_of(copy, notices[i].n), 0, heads, &ref, &is_new) == ERR_OK) {
                fail_msg("notice %zu, byte %zu", i, at);
            }
        }
    }
    struct hash after = home_digest(&home);
    assert_true(hash_equal(&before, &after));
}

static void a_frontier_travels_whole_or_as_a_difference(void **state)
{
    struct head heads[4] = {head_of(1, 5), head_of(2, 6), head_of(3, 7), head_of(4, 8)};
    struct span list, list_of_next, stored, stored_heads;
    struct notice_ref ref, next;
    struct store_read *read = NULL;
    bool is_new = false;
    uint8_t mem[4096];
    struct out out = out_into(mem, sizeof mem);
    (void)state;
    home_found(&home, &region, MEMBERS, &first_roster);
    uint64_t journal = home_journal_end(&home);
    struct span first = region_frontier(&region, EDGE, 10, heads, 3, &list);
    heads[1] = head_of(2, 9);
    struct span second = region_frontier(&region, EDGE, 11, heads, 4, &list_of_next);
    struct head changed[2] = {heads[1], heads[3]};
    struct span change = region_heads(&region, changed, 2);
    assert_int_equal(admit(second, 10, change, &ref, &is_new), ERR_GAP);
    assert_int_equal(admit(first, 0, change, &ref, &is_new), ERR_BADHASH);
    assert_int_equal(admit(first, 0, list, &ref, &is_new), ERR_OK);
    assert_true(is_new);
    assert_int_equal(admit(first, 0, list, &ref, &is_new), ERR_OK);
    assert_false(is_new);
    /* A difference that does not give what was signed may stand on another frontier of that number: it is asked for whole. */
    assert_int_equal(admit(second, 10, region_heads(&region, changed, 1), &next, &is_new), ERR_GAP);
    assert_int_equal(admit(second, 10, change, &next, &is_new), ERR_OK);
    assert_true(is_new);
    assert_int_equal(admit(first, 0, list, &ref, &is_new), ERR_STALE);
    assert_int_equal(home_journal_end(&home), journal); /* frontiers are not in the journal */
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_notice(read, &next, &stored, &stored_heads), ERR_OK);
    assert_true(span_equal(stored, second));
    assert_true(span_equal(stored_heads, list_of_next));
    assert_int_equal(store_notice(read, &ref, &stored, &stored_heads), ERR_NOT_FOUND); /* one live of each node */
    assert_int_equal(store_frontier_change(read, &region.nodes[EDGE].id, 10, &out), ERR_OK);
    assert_true(span_equal(out_written(&out), change));
    assert_int_equal(store_frontier_change(read, &region.nodes[EDGE].id, 9, &out), ERR_GAP);
    assert_int_equal(store_frontier_change(read, &region.nodes[HUB_B].id, 9, &out), ERR_GAP);
    out = out_into(mem, 10);
    assert_int_equal(store_frontier_change(read, &region.nodes[EDGE].id, 10, &out), ERR_OVERSIZE);
    store_read_end(&read);
    /* A log that is no longer named cannot be told as a difference. */
    struct span third = region_frontier(&region, EDGE, 12, heads + 1, 3, &list);
    assert_int_equal(admit(third, 0, list, &next, &is_new), ERR_OK);
    out = out_into(mem, sizeof mem);
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_frontier_change(read, &region.nodes[EDGE].id, 11, &out), ERR_GAP);
    store_read_end(&read);
}

static void the_last_few_frontiers_are_kept_as_bases(void **state)
{
    struct head head = head_of(1, 1);
    struct span list;
    struct notice_ref ref;
    struct store_read *read = NULL;
    bool is_new;
    uint8_t mem[512];
    (void)state;
    home_found(&home, &region, MEMBERS, &first_roster);
    for (uint64_t counter = 1; counter <= 20; counter++) {
        head = head_of(1, counter);
        struct span frontier = region_frontier(&region, EDGE, counter, &head, 1, &list);
        assert_int_equal(admit(frontier, counter - 1, list, &ref, &is_new), ERR_OK);
        frontier = region_frontier(&region, HUB_B, counter, &head, 1, &list);
        assert_int_equal(admit(frontier, 0, list, &ref, &is_new), ERR_OK);
    }
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    for (uint64_t counter = 1; counter <= 20; counter++) {
        struct out out = out_into(mem, sizeof mem);
        assert_int_equal(store_frontier_change(read, &region.nodes[EDGE].id, counter, &out), counter > 12 ? ERR_OK : ERR_GAP);
    }
    store_read_end(&read);
}

static void a_frontier_holds_as_many_heads_as_fit_and_no_more(void **state)
{
    static struct head heads[FRONTIER_HEADS_MAX + 1];
    struct span list;
    struct notice_ref ref;
    bool is_new;
    (void)state;
    home_found(&home, &region, MEMBERS, &first_roster);
    for (size_t i = 0; i <= FRONTIER_HEADS_MAX; i++) {
        heads[i] = head_of((uint8_t)i, 1);
        heads[i].log.b[1] = (uint8_t)(i >> 8);
        heads[i].log.b[2] = 1;
    }
    struct span fits = region_frontier(&region, EDGE, 1, heads, FRONTIER_HEADS_MAX, &list);
    assert_int_equal(admit(fits, 0, list, &ref, &is_new), ERR_OK);
    struct span more = region_frontier(&region, EDGE, 2, heads, FRONTIER_HEADS_MAX + 1, &list);
    assert_int_equal(admit(more, 0, list, &ref, &is_new), ERR_LIMIT);
    struct span change = region_heads(&region, &heads[FRONTIER_HEADS_MAX], 1);
    assert_int_equal(admit(more, 1, change, &ref, &is_new), ERR_LIMIT); /* nor by differences */
}

/* Two proofs for one log: the lowest commit wins, whichever came first. */
static void of_several_fork_proofs_the_lowest_is_kept(void **state)
{
    struct region_log log;
    struct span low[2], high[2], proofs[2];
    (void)state;
    home_found(&home, &region, MEMBERS, &first_roster);
    region_log_init(&log, &region, EDGE, CHANNEL_REPORT);
    struct region_log branch = log;
    low[0] = region_log_commit(&log, 1, 30);
    low[1] = region_log_commit(&branch, 2, 30);
    branch = log;
    high[0] = region_log_commit(&log, 1, 30);
    high[1] = region_log_commit(&branch, 2, 30);
    /* Each proof is made by a node that holds one side and meets the other. */
    for (size_t i = 0; i < 2; i++) {
        struct home maker;
        struct hash roster;
        struct admitted out;
        struct store_read *read = NULL;
        struct span bytes, heads;
        home_init(&maker, &region, HUB_B);
        home_found(&maker, &region, MEMBERS, &roster);
        assert_int_equal(home_admit(&maker, &log.chain.log, 0, &log.birth, 1, &out), ERR_OK);
        assert_int_equal(home_admit(&maker, &log.chain.log, 1, &low[0], 1, &out), ERR_OK);
        assert_int_equal(home_admit(&maker, &log.chain.log, 2, &high[0], 1, &out), ERR_OK);
        assert_int_equal(home_admit(&maker, &log.chain.log, i == 0 ? 1 : 2, i == 0 ? &low[1] : &high[1], 1, &out), ERR_FORK);
        assert_int_equal(store_read_begin(maker.store, &read), ERR_OK);
        assert_int_equal(store_notice(read, &out.proof, &bytes, &heads), ERR_OK);
        proofs[i] = region_keep(&region, bytes);
        store_read_end(&read);
        home_fini(&maker);
    }
    assert_int_equal(admit_plain(proofs[1]), ERR_OK);
    assert_int_equal(admit_plain(proofs[0]), ERR_OK);
    assert_int_equal(admit_plain(proofs[1]), ERR_STALE);
    assert_int_equal(admit_plain(proofs[0]), ERR_OK); /* held */
    struct admitted out;
    assert_int_equal(home_admit(&home, &log.chain.log, 0, &log.birth, 1, &out), ERR_OK);
    assert_int_equal(home_admit(&home, &log.chain.log, 1, &low[0], 1, &out), ERR_FORK);
    uint8_t copy[4096];
    struct hash before = home_digest(&home);
    for (size_t at = 0; at < proofs[0].n; at++) {
        memcpy(copy, proofs[0].p, proofs[0].n);
        copy[at] ^= (uint8_t)(1u << at % 8);
        if (admit_plain(span_of(copy, proofs[0].n)) == ERR_OK) {
            fail_msg("byte %zu", at);
        }
    }
    struct hash after = home_digest(&home);
    assert_true(hash_equal(&before, &after));
    region_log_fini(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_second_time_is_not_new),
        TEST(what_comes_too_early_is_asked_for_again),
        TEST(any_order_of_arrival_gives_the_same_membership),
        TEST(both_rosters_of_one_number_are_kept),
        TEST(the_newest_card_wins),
        TEST(a_card_by_a_replaced_key_is_stale),
        TEST(in_any_order_the_newest_key_has_the_last_word),
        TEST(a_changed_byte_of_any_notice_is_refused),
        TEST(a_frontier_travels_whole_or_as_a_difference),
        TEST(the_last_few_frontiers_are_kept_as_bases),
        TEST(a_frontier_holds_as_many_heads_as_fit_and_no_more),
        TEST(of_several_fork_proofs_the_lowest_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

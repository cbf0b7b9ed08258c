#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/net/link.h"

static const struct node_id node = {{7}};
static struct link link;
static struct mono_ms now;

static int setup(void **state)
{
    (void)state;
    now.ms = 1000000;
    link_init(&link, &node, 5000, now);
    return 0;
}

static void a_new_link_is_due_at_once(void **state)
{
    (void)state;
    assert_int_equal(link.state, LINK_WAITING);
    assert_true(link_is_due(&link, now));
    assert_int_equal(link.attempts, 0);
    assert_string_equal(link.error, "");
}

static void an_attempt_is_due_again_only_when_its_time_is_up(void **state)
{
    (void)state;
    link_dialled(&link, 9, now);
    assert_int_equal(link.state, LINK_DIALLING);
    assert_int_equal(link.connection, 9);
    assert_int_equal(link.attempts, 1);
    assert_false(link_is_due(&link, now));
    assert_false(link_is_due(&link, (struct mono_ms){now.ms + LINK_ATTEMPT_MS - 1}));
    assert_true(link_is_due(&link, (struct mono_ms){now.ms + LINK_ATTEMPT_MS}));
}

static void a_link_that_is_up_is_never_due(void **state)
{
    (void)state;
    link_dialled(&link, 9, now);
    link_up(&link);
    assert_false(link_is_due(&link, (struct mono_ms){UINT64_MAX}));
}

static void waits_double_up_to_the_cap_and_begin_anew_after_success(void **state)
{
    (void)state;
    static const uint32_t waits[] = {250, 500, 1000, 2000, 4000, 5000, 5000, 5000};
    for (int life = 0; life < 2; life++) {
        for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
            link_dialled(&link, 1, now);
            link_failed(&link, "no answer", false, 0, waits[i] / 2, now); /* the longest wait that this draw gives */
            assert_int_equal(link.next.ms, now.ms + waits[i]);
            assert_false(link_is_due(&link, (struct mono_ms){now.ms + waits[i] - 1}));
            now.ms += waits[i];
            assert_true(link_is_due(&link, now));
        }
        link_dialled(&link, 2, now);
        link_up(&link);
        assert_string_equal(link.error, "");
    }
    assert_int_equal(link.attempts, 2 * (8 + 1));
}

static void a_wait_is_never_shorter_than_half_nor_longer_than_the_whole(void **state)
{
    (void)state;
    bool is_spread = false;
    uint64_t first = 0;
    for (uint64_t random = 0; random < 5000; random++) {
        struct link copy = link;
        copy.retry_ms = 1000;
        link_failed(&copy, "x", false, 0, random * UINT64_C(0x9E3779B97F4A7C15), now);
        assert_in_range(copy.next.ms, now.ms + 500, now.ms + 1000);
        is_spread = is_spread || (first != 0 && copy.next.ms != first);
        first = copy.next.ms;
    }
    assert_true(is_spread);
}

static void a_peers_wish_is_honoured_when_it_is_longer_than_ours(void **state)
{
    (void)state;
    link_failed(&link, "busy", false, 60000, 125, now);
    assert_int_equal(link.next.ms, now.ms + 60000 + 250);
    assert_int_equal(link.retry_ms, 500); /* but it does not make ours longer */
    link_failed(&link, "busy", false, 1, 250, now);
    assert_int_equal(link.next.ms, now.ms + 500);
}

static void a_peers_wish_is_not_undercut_by_the_draw(void **state)
{
    (void)state;
    for (uint64_t random = 0; random < 100; random++) {
        struct link copy = link;
        link_failed(&copy, "busy", false, 60000, random, now);
        assert_true(copy.next.ms >= now.ms + 60000);
    }
}

static void a_failure_is_remembered_until_the_next_success(void **state)
{
    (void)state;
    char longer[400];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    link_dialled(&link, 3, now);
    link_failed(&link, "the peer does not know our key yet", true, 0, 0, now);
    assert_string_equal(link.error, "the peer does not know our key yet");
    assert_true(link.is_refused);
    assert_int_equal(link.connection, 0);
    assert_int_equal(link.state, LINK_WAITING);
    link_failed(&link, longer, false, 0, 0, now);
    assert_int_equal(strlen(link.error), LINK_ERROR_BYTES_MAX - 1);
    assert_false(link.is_refused);
    link_dialled(&link, 4, now);
    assert_true(strlen(link.error) > 0); /* an attempt is no success */
    link_up(&link);
    assert_string_equal(link.error, "");
}

static void each_profile_has_its_longest_wait(void **state)
{
    (void)state;
    assert_int_equal(link_retry_ms_max(PROFILE_SANDBOX), 5000);
    assert_int_equal(link_retry_ms_max(PROFILE_OPEN), 60000);
    assert_int_equal(link_retry_ms_max(PROFILE_METERED), 300000);
}

static void a_cap_below_the_first_wait_holds_from_the_start(void **state)
{
    (void)state;
    link_init(&link, &node, 100, now);
    link_failed(&link, "x", false, 0, 1000000, now);
    assert_true(link.next.ms <= now.ms + 100);
    link_failed(&link, "x", false, 0, 1000000, now);
    assert_true(link.next.ms <= now.ms + 100);
}

/* A peer that rotates serves with the old key during the overlap, with the new one after it: the likely one is tried first, then the two by turns, and what has served stays. */
static void both_keys_of_a_rotation_are_tried_by_turns(void **state)
{
    struct card card = {.transport = {{1}}, .created = {1700000000000}};
    struct wall_ms during = {1700000000000 + UINT64_C(30) * 86400000 - 1}, after = {1700000000000 + UINT64_C(30) * 86400000};

    (void)state;
    link_expect(&link, &card, during);
    for (int i = 0; i < 3; i++) { /* one key only */
        assert_int_equal(link_key(&link)->b[0], 1);
        link_dialled(&link, 1, now);
        link_failed(&link, "x", false, 0, 0, now);
    }
    card.transport_before.b[0] = 2;
    link_expect(&link, &card, during);
    assert_int_equal(link_key(&link)->b[0], 2);
    link_dialled(&link, 1, now);
    link_failed(&link, "x", false, 0, 0, now);
    assert_int_equal(link_key(&link)->b[0], 1);
    link_expect(&link, &card, during); /* the same: no news */
    assert_int_equal(link_key(&link)->b[0], 1);
    link_dialled(&link, 1, now);
    link_up(&link);
    link_failed(&link, "x", false, 0, 0, now);
    assert_int_equal(link_key(&link)->b[0], 1); /* it has served */
    link_expect(&link, &card, after);
    assert_int_equal(link_key(&link)->b[0], 1);
    link_dialled(&link, 1, now);
    link_failed(&link, "x", false, 0, 0, now);
    assert_int_equal(link_key(&link)->b[0], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_link_is_due_at_once, setup),
        cmocka_unit_test_setup(an_attempt_is_due_again_only_when_its_time_is_up, setup),
        cmocka_unit_test_setup(a_link_that_is_up_is_never_due, setup),
        cmocka_unit_test_setup(waits_double_up_to_the_cap_and_begin_anew_after_success, setup),
        cmocka_unit_test_setup(a_wait_is_never_shorter_than_half_nor_longer_than_the_whole, setup),
        cmocka_unit_test_setup(a_peers_wish_is_honoured_when_it_is_longer_than_ours, setup),
        cmocka_unit_test_setup(a_peers_wish_is_not_undercut_by_the_draw, setup),
        cmocka_unit_test_setup(a_failure_is_remembered_until_the_next_success, setup),
        cmocka_unit_test_setup(each_profile_has_its_longest_wait, setup),
        cmocka_unit_test_setup(both_keys_of_a_rotation_are_tried_by_turns, setup),
        cmocka_unit_test_setup(a_cap_below_the_first_wait_holds_from_the_start, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How much one author may bring in a day. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/core/share.h"

#include <stdlib.h>
#include <string.h>

enum { DAY = 1000 * 86400, SECOND = 1000 };

static struct shares *shares;

static int setup(void **state)
{
    (void)state;
    shares = malloc(sizeof *shares);
    assert_non_null(shares);
    shares_init(shares, 5, 86400000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(shares);
    return 0;
}

static struct node_id node_of(unsigned n)
{
    struct node_id node = {{0}};
    memcpy(node.b, &n, sizeof n);
    return node;
}

static bool take(unsigned author, size_t bytes, uint64_t ms)
{
    struct node_id node = node_of(author);
    return shares_take(shares, &node, bytes, (struct mono_ms){ms});
}

static void a_full_share_is_given_and_no_byte_more(void **state)
{
    (void)state;
    assert_true(take(1, 86399999, 5));
    assert_true(take(1, 1, 5));
    assert_false(take(1, 1, 5));
    assert_int_equal(shares->all[0].refused, 1);
    assert_false(take(1, 1, 6));
    assert_int_equal(shares->all[0].refused, 2);
    assert_int_equal(shares->all[0].refused_at.ms, 6);
}

static void what_is_refused_costs_nothing(void **state)
{
    (void)state;
    assert_true(take(1, 86399000, 5));
    assert_false(take(1, 1001, 5));
    assert_true(take(1, 1000, 5));
}

static void one_author_takes_nothing_from_another(void **state)
{
    (void)state;
    assert_true(take(1, 86400000, 5));
    assert_false(take(1, 1, 5));
    assert_true(take(2, 86400000, 5));
}

static void it_comes_back_within_a_day(void **state)
{
    (void)state;
    assert_true(take(1, 86400000, 0));
    assert_false(take(1, 1, SECOND - 1));
    assert_true(take(1, 1000, SECOND)); /* 86,400,000 bytes a day are 1,000 a second */
    assert_false(take(1, 1, SECOND));
    assert_false(take(1, 3001, 4 * SECOND));
    assert_true(take(1, 3000, 4 * SECOND));
    assert_true(take(1, 86400000, 4 * SECOND + (uint64_t)DAY));
    assert_false(take(1, 1, 4 * SECOND + (uint64_t)DAY));
    assert_true(take(1, 86400000, UINT64_C(30) * DAY)); /* and never more than one day's */
    assert_false(take(1, 1, UINT64_C(30) * DAY));
}

static void a_clock_that_stands_gives_nothing_back(void **state)
{
    (void)state;
    assert_true(take(1, 86400000, 900000));
    assert_false(take(1, 1, 900000));
    assert_false(take(1, 1, 100));
}

static void a_smaller_disk_gives_smaller_shares(void **state)
{
    (void)state;
    assert_true(take(1, 1000, 5));
    shares_resize(shares, 5000);
    assert_false(take(1, 5001, 5));
    assert_true(take(1, 5000, 5));
    assert_true(take(2, 5000, 5));
    assert_false(take(2, 1, 5));
}

static void without_a_limit_the_free_disk_decides(void **state)
{
    (void)state;
    assert_int_equal(share_day_bytes(0), SHARE_LEAST_BYTES);
    assert_int_equal(share_day_bytes((uint64_t)SHARE_LEAST_BYTES * 8 - 8), SHARE_LEAST_BYTES);
    assert_int_equal(share_day_bytes((uint64_t)SHARE_LEAST_BYTES * 8 + 8), SHARE_LEAST_BYTES + 1);
    assert_int_equal(share_day_bytes(UINT64_C(80) << 30), UINT64_C(10) << 30);
}

/* More authors than there are places: whoever has used up its share does not get a new one by that. */
static void who_has_none_left_is_not_forgotten(void **state)
{
    (void)state;
    assert_true(take(7, 86400000, 5));
    for (unsigned i = 100; i < 100 + 3 * SHARE_AUTHORS_MAX; i++) {
        assert_true(take(i, 10, 5));
    }
    assert_false(take(7, 1, 5));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_full_share_is_given_and_no_byte_more),
        TEST(what_is_refused_costs_nothing),
        TEST(one_author_takes_nothing_from_another),
        TEST(it_comes_back_within_a_day),
        TEST(a_clock_that_stands_gives_nothing_back),
        TEST(a_smaller_disk_gives_smaller_shares),
        TEST(without_a_limit_the_free_disk_decides),
        TEST(who_has_none_left_is_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

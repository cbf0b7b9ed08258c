#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "proto/error.h"

static void each_error_has_its_own_name_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        assert_non_null(err_name((enum err)i));
        assert_int_equal(strncmp(err_name((enum err)i), "ERR_", 4), 0);
        assert_true(strlen(err_text((enum err)i)) > 5);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(err_name((enum err)i), err_name((enum err)j));
            assert_string_not_equal(err_text((enum err)i), err_text((enum err)j));
        }
    }
}

static void names_lead_back_to_errors(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        const char *name = err_name((enum err)i);

        assert_int_equal(err_of_name(name, strlen(name)), i);
        assert_int_equal(err_of_name(name, strlen(name) - 1), ERR_COUNT);
    }
    assert_int_equal(err_of_name("", 0), ERR_COUNT);
    assert_int_equal(err_of_name("ERR_NONSENSE", 12), ERR_COUNT);
}

static void names_texts_and_blames_are_the_published_ones(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_BADSIG), "ERR_BADSIG");
    assert_string_equal(err_text(ERR_BADSIG), "its signature does not verify");
    assert_int_equal(err_blame(ERR_OK), BLAME_NONE);
    assert_int_equal(err_blame(ERR_MALFORMED), BLAME_PEER);
    assert_int_equal(err_blame(ERR_USAGE), BLAME_CALLER);
    assert_int_equal(err_blame(ERR_IO), BLAME_SELF);
}

static void a_number_that_is_no_error_is_an_internal_one(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_COUNT), "ERR_INTERNAL");
    assert_int_equal(err_blame((enum err)9999), BLAME_SELF);
    assert_non_null(err_text((enum err)9999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_own_name_and_a_sentence),
        cmocka_unit_test(names_lead_back_to_errors),
        cmocka_unit_test(names_texts_and_blames_are_the_published_ones),
        cmocka_unit_test(a_number_that_is_no_error_is_an_internal_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The payload of a verdict on a fork: one encoding, every limit, nothing that draws on a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/pack.h"
#include "proto/verdict.h"
#include "tests/lib/hostile.h"

static struct unpack *unpack;
static struct verdict verdict, back;
static uint8_t memory[4096];

static int set_up(void **state)
{
    (void)state;
    unpack = unpack_new();
    return unpack == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    unpack_destroy(&unpack);
    return 0;
}

static void make(enum verdict_class class, const char *reason)
{
    memset(&verdict, 0, sizeof verdict);
    memset(verdict.log.b, 0xd0, sizeof verdict.log.b);
    memset(verdict.proof.b, 0xc0, sizeof verdict.proof.b);
    verdict.class = class;
    memcpy(verdict.reason, reason, strlen(reason));
}

static enum err again(struct span in, struct out *out, const char **clause)
{
    enum err err = verdict_decode(unpack, in, &back, clause);

    return err == ERR_OK ? verdict_encode(&back, out) : err;
}

static void a_verdict_is_the_golden_one(void **state)
{
    struct out out = out_into(memory, sizeof memory);

    (void)state;
    make(VERDICT_ACCIDENT, "the disk was copied before the move");
    assert_int_equal(verdict_encode(&verdict, &out), ERR_OK);
    golden_check("wire_verdict", out_written(&out), again);
    assert_int_equal(verdict_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &verdict, sizeof verdict);
}

static void a_reason_is_as_long_as_it_may_be_and_no_longer(void **state)
{
    char reason[VERDICT_REASON_BYTES_MAX + 2];
    struct out out = out_into(memory, sizeof memory);

    (void)state;
    memset(reason, 'x', sizeof reason);
    for (size_t n = VERDICT_REASON_BYTES_MAX - 1; n <= VERDICT_REASON_BYTES_MAX; n++) {
        reason[n] = '\0';
        make(VERDICT_MALICE, reason);
        reason[n] = 'x';
        out = out_into(memory, sizeof memory);
        assert_int_equal(verdict_encode(&verdict, &out), ERR_OK);
        assert_int_equal(verdict_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
        assert_memory_equal(&back, &verdict, sizeof verdict);
    }
    out = out_into(memory, 100);
    assert_int_equal(verdict_encode(&verdict, &out), ERR_OVERSIZE);
    out = out_into(memory, sizeof memory);
    pack_array(&out, 5);
    pack_uint(&out, 1);
    pack_bin(&out, span_of(verdict.log.b, 32));
    pack_bin(&out, span_of(verdict.proof.b, 32));
    pack_uint(&out, 1);
    pack_text(&out, span_of(reason, VERDICT_REASON_BYTES_MAX + 1));
    assert_int_equal(verdict_decode(unpack, out_written(&out), &back, NULL), ERR_MALFORMED);
}

static void what_cannot_be_a_verdict_is_not_written(void **state)
{
    struct out out = out_into(memory, sizeof memory);

    (void)state;
    make((enum verdict_class)0, "");
    assert_int_equal(verdict_encode(&verdict, &out), ERR_INVALID);
    make((enum verdict_class)3, "");
    assert_int_equal(verdict_encode(&verdict, &out), ERR_INVALID);
    make(VERDICT_MALICE, "a\033[2J");
    assert_int_equal(verdict_encode(&verdict, &out), ERR_INVALID);
    assert_int_equal(out.at, 0);
}

static void what_is_no_verdict_is_refused_by_name(void **state)
{
    static const struct {
        const char *what;
        uint32_t items, version;
        size_t log_bytes, proof_bytes;
        uint64_t class;
        const char *reason;
        enum err err;
    } rows[] = {
        {"a newer version", 5, 2, 32, 32, 1, "", ERR_VERSION},
        {"an item too few", 4, 1, 32, 32, 1, NULL, ERR_MALFORMED},
        {"a short log id", 5, 1, 31, 32, 1, "", ERR_MALFORMED},
        {"a long proof hash", 5, 1, 32, 33, 1, "", ERR_MALFORMED},
        {"class 0", 5, 1, 32, 32, 0, "", ERR_MALFORMED},
        {"class 3", 5, 1, 32, 32, 3, "", ERR_MALFORMED},
        {"a class that wraps to 1", 5, 1, 32, 32, UINT64_C(0x100000001), "", ERR_MALFORMED},
        {"a reason that draws", 5, 1, 32, 32, 2, "\033[2J", ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct out out = out_into(memory, sizeof memory);
        const char *clause = NULL;
        static const uint8_t zeros[64];
        enum err err;

        pack_array(&out, rows[i].items);
        pack_uint(&out, rows[i].version);
        pack_bin(&out, span_of(zeros, rows[i].log_bytes));
        pack_bin(&out, span_of(zeros, rows[i].proof_bytes));
        pack_uint(&out, rows[i].class);
        if (rows[i].reason != NULL) {
            pack_text(&out, span_text(rows[i].reason));
        }
        err = verdict_decode(unpack, out_written(&out), &back, &clause);
        if (err != rows[i].err || clause == NULL) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
    }
    memset(memory, 0xc0, sizeof memory);
    assert_int_equal(verdict_decode(unpack, span_of(memory, PAYLOAD_BYTES_MAX + 1), &back, NULL), ERR_OVERSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_is_the_golden_one),
        cmocka_unit_test(a_reason_is_as_long_as_it_may_be_and_no_longer),
        cmocka_unit_test(what_cannot_be_a_verdict_is_not_written),
        cmocka_unit_test(what_is_no_verdict_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

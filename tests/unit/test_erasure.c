/* The payload of an order to erase: one encoding, every limit, nothing that draws on a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/erasure.h"
#include "proto/pack.h"
#include "tests/lib/hostile.h"

static struct unpack *unpack;
static struct erasure order, back;
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

static void make(uint32_t leaves, const char *reason)
{
    memset(&order, 0, sizeof order);
    memset(order.author.b, 0xd0, sizeof order.author.b);
    order.leaf_count = leaves;
    for (uint32_t i = 0; i < leaves && i < ERASURE_LEAVES_MAX; i++) {
        memset(order.leaves[i].b, 0xc0, sizeof order.leaves[i].b);
        order.leaves[i].b[0] = (uint8_t)i;
    }
    memcpy(order.reason, reason, strlen(reason));
}

static enum err again(struct span in, struct out *out, const char **clause)
{
    enum err err = erasure_decode(unpack, in, &back, clause);

    return err == ERR_OK ? erasure_encode(&back, out) : err;
}

static void an_order_is_the_golden_one(void **state)
{
    struct out out = out_into(memory, sizeof memory);

    (void)state;
    make(2, "entered twice by mistake");
    assert_int_equal(erasure_encode(&order, &out), ERR_OK);
    golden_check("wire_erasure", out_written(&out), again);
    assert_int_equal(erasure_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &order, sizeof order);
}

static void the_largest_order_fits_a_payload(void **state)
{
    char reason[ERASURE_REASON_BYTES_MAX + 1];
    struct out out = out_into(memory, PAYLOAD_BYTES_MAX);

    (void)state;
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    make(ERASURE_LEAVES_MAX, reason);
    assert_int_equal(erasure_encode(&order, &out), ERR_OK);
    assert_int_equal(erasure_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &order, sizeof order);
    out = out_into(memory, 100);
    assert_int_equal(erasure_encode(&order, &out), ERR_OVERSIZE);
}

static void what_cannot_be_an_order_is_not_written(void **state)
{
    struct out out = out_into(memory, sizeof memory);

    (void)state;
    make(0, "");
    assert_int_equal(erasure_encode(&order, &out), ERR_LIMIT);
    make(ERASURE_LEAVES_MAX + 1, "");
    assert_int_equal(erasure_encode(&order, &out), ERR_LIMIT);
    make(2, "");
    order.leaves[1] = order.leaves[0];
    assert_int_equal(erasure_encode(&order, &out), ERR_INVALID);
    make(1, "a\033[2J");
    assert_int_equal(erasure_encode(&order, &out), ERR_INVALID);
    make(1, "");
    assert_int_equal(erasure_encode(&order, &out), ERR_OK);
}

struct shape {
    const char *what;
    uint64_t version;
    size_t author_bytes, leaves, leaf_bytes;
    bool is_falling, is_double;
    const char *reason;
    size_t reason_bytes;
    enum err err;
};

static struct span build(const struct shape *shape)
{
    static uint8_t bytes[8192];
    struct out out = out_into(bytes, sizeof bytes);
    uint8_t fill[64] = {0};

    pack_array(&out, 4);
    pack_uint(&out, shape->version);
    pack_bin(&out, span_of(fill, shape->author_bytes));
    pack_array(&out, (uint32_t)shape->leaves);
    for (size_t i = 0; i < shape->leaves; i++) {
        fill[0] = (uint8_t)(shape->is_double ? 0 : shape->is_falling ? 200 - i : i);
        pack_bin(&out, span_of(fill, shape->leaf_bytes));
    }
    char text[256];
    memset(text, 'r', sizeof text);
    pack_text(&out, shape->reason != NULL ? span_text(shape->reason) : span_of(text, shape->reason_bytes));
    assert_false(out.is_full);
    return out_written(&out);
}

static void hostile_orders_are_refused_by_name(void **state)
{
    static const struct shape shapes[] = {
        {"as it is", 1, 16, 1, 32, false, false, "", 0, ERR_OK},
        {"version 0", 0, 16, 1, 32, false, false, "", 0, ERR_MALFORMED},
        {"a newer version", 2, 16, 1, 32, false, false, "", 0, ERR_VERSION},
        {"an author of 15 bytes", 1, 15, 1, 32, false, false, "", 0, ERR_MALFORMED},
        {"an author of 17 bytes", 1, 17, 1, 32, false, false, "", 0, ERR_MALFORMED},
        {"no leaf", 1, 16, 0, 32, false, false, "", 0, ERR_MALFORMED},
        {"31 leaves", 1, 16, 31, 32, false, false, "", 0, ERR_OK},
        {"32 leaves", 1, 16, 32, 32, false, false, "", 0, ERR_OK},
        {"33 leaves", 1, 16, 33, 32, false, false, "", 0, ERR_LIMIT},
        {"a leaf of 31 bytes", 1, 16, 1, 31, false, false, "", 0, ERR_MALFORMED},
        {"a leaf of 33 bytes", 1, 16, 1, 33, false, false, "", 0, ERR_MALFORMED},
        {"leaves that fall", 1, 16, 3, 32, true, false, "", 0, ERR_MALFORMED},
        {"a leaf twice", 1, 16, 2, 32, false, true, "", 0, ERR_MALFORMED},
        {"a reason of 199 bytes", 1, 16, 1, 32, false, false, NULL, 199, ERR_OK},
        {"a reason of 200 bytes", 1, 16, 1, 32, false, false, NULL, 200, ERR_OK},
        {"a reason of 201 bytes", 1, 16, 1, 32, false, false, NULL, 201, ERR_MALFORMED},
        {"a reason that draws", 1, 16, 1, 32, false, false, "a\033[2J", 0, ERR_MALFORMED},
        {"a reason of two lines", 1, 16, 1, 32, false, false, "a\nb", 0, ERR_MALFORMED},
        {"a reason with C1 controls", 1, 16, 1, 32, false, false, "a\xc2\x9b" "b", 0, ERR_MALFORMED},
        {"a reason in another script", 1, 16, 1, 32, false, false, "\xd8\xae\xd8\xb7\xd8\xa3", 0, ERR_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const char *clause = NULL;
        enum err err = erasure_decode(unpack, build(&shapes[i]), &back, &clause);
        if (err != shapes[i].err || (err != ERR_OK && clause == NULL)) {
            fail_msg("%s: %s, not %s", shapes[i].what, err_name(err), err_name(shapes[i].err));
        }
    }
    static uint8_t long_one[PAYLOAD_BYTES_MAX + 1];
    assert_int_equal(erasure_decode(unpack, span_of(long_one, sizeof long_one), &back, NULL), ERR_OVERSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_the_golden_one),
        cmocka_unit_test(the_largest_order_fits_a_payload),
        cmocka_unit_test(what_cannot_be_an_order_is_not_written),
        cmocka_unit_test(hostile_orders_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

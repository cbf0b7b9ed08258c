/* What a cut is to be extended by: one encoding, every limit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/extension.h"
#include "proto/pack.h"
#include "tests/lib/hostile.h"

static struct unpack *unpack;
static struct extension extension, back;
static uint8_t memory[2 * EXTENSION_BYTES_MAX];

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

static void make(uint32_t heads)
{
    memset(&extension, 0, sizeof extension);
    memset(extension.region.b, 0x11, sizeof extension.region.b);
    memcpy(extension.name, "tg-lome", 7);
    memset(extension.cut.node.b, 0xd0, sizeof extension.cut.node.b);
    extension.cut.head_count = heads;
    for (uint32_t i = 0; i < heads; i++) {
        struct head *head = &extension.cut.heads[i];
        memset(head->log.b, 0xc0, sizeof head->log.b);
        head->log.b[0] = (uint8_t)(i >> 8);
        head->log.b[1] = (uint8_t)i;
        head->seq = 7 + i;
        memset(head->hash.b, 0xa0, sizeof head->hash.b);
    }
}

static enum err again(struct span in, struct out *out, const char **clause)
{
    enum err err = extension_decode(unpack, in, &back, clause);

    return err == ERR_OK ? extension_encode(&back, out) : err;
}

static void an_extension_is_the_golden_one(void **state)
{
    struct out out = out_into(memory, sizeof memory);

    (void)state;
    make(2);
    assert_int_equal(extension_encode(&extension, &out), ERR_OK);
    golden_check("wire_extension", out_written(&out), again);
    assert_int_equal(extension_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &extension, sizeof extension);
}

static void the_largest_fits_and_a_larger_one_is_refused(void **state)
{
    struct out out = out_into(memory, EXTENSION_BYTES_MAX);

    (void)state;
    make(CUT_HEADS_MAX);
    for (uint32_t i = 0; i < CUT_HEADS_MAX; i++) {
        extension.cut.heads[i].seq = NUMBER_MAX;
    }
    assert_int_equal(extension_encode(&extension, &out), ERR_OK);
    assert_int_equal(extension_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &extension, sizeof extension);
    out = out_into(memory, 1000);
    assert_int_equal(extension_encode(&extension, &out), ERR_OVERSIZE);
    memset(memory, 0xc0, sizeof memory);
    assert_int_equal(extension_decode(unpack, span_of(memory, EXTENSION_BYTES_MAX + 1), &back, NULL), ERR_OVERSIZE);
}

static void what_is_none_is_refused_by_name(void **state)
{
    static const struct {
        const char *what;
        uint32_t items, version;
        size_t region_bytes;
        const char *name;
        uint32_t heads, first;
        enum err err;
    } rows[] = {
        {"a newer version", 4, 2, 32, "sn", 0, 0, ERR_VERSION},
        {"an item too few", 3, 1, 32, "sn", 0, 0, ERR_MALFORMED},
        {"a short region", 4, 1, 31, "sn", 0, 0, ERR_MALFORMED},
        {"a name that is none", 4, 1, 32, "../sn", 0, 0, ERR_MALFORMED},
        {"no name", 4, 1, 32, "", 0, 0, ERR_MALFORMED},
        {"logs that do not rise", 4, 1, 32, "sn", 2, 1, ERR_NONCANONICAL},
        {"a log too many", 4, 1, 32, "sn", CUT_HEADS_MAX + 1, 0, ERR_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct out out = out_into(memory, sizeof memory);
        const char *clause = NULL;
        static const uint8_t zeros[64];
        enum err err;

        pack_array(&out, rows[i].items);
        pack_uint(&out, rows[i].version);
        pack_bin(&out, span_of(zeros, rows[i].region_bytes));
        pack_text(&out, span_text(rows[i].name));
        if (rows[i].items == 4) {
            pack_array(&out, 2);
            pack_bin(&out, span_of(zeros, 16));
            pack_array(&out, rows[i].heads);
            for (uint32_t k = 0; k < rows[i].heads; k++) {
                uint8_t log[32] = {0};
                uint32_t at = rows[i].first > k ? rows[i].first - k : k;
                log[0] = (uint8_t)(at >> 8);
                log[1] = (uint8_t)at;
                pack_array(&out, 3);
                pack_bin(&out, span_of(log, 32));
                pack_uint(&out, 1);
                pack_bin(&out, span_of(zeros, 32));
            }
        }
        err = extension_decode(unpack, out_written(&out), &back, &clause);
        if (err != rows[i].err || clause == NULL) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_extension_is_the_golden_one),
        cmocka_unit_test(the_largest_fits_and_a_larger_one_is_refused),
        cmocka_unit_test(what_is_none_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

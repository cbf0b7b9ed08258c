#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/message.h"
#include "proto/pack.h"
#include "tests/lib/hostile.h"

static struct unpack *unpack;
static uint8_t bytes[4 * FRAME_BYTES_MAX];

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

static struct out fresh(void)
{
    return out_into(bytes, sizeof bytes);
}

static void fill(void *p, size_t n, unsigned byte)
{
    memset(p, (int)byte, n);
}

static void expect(const char *what, enum err got, enum err wanted, const char **clause, const char *clause_wanted)
{
    if (got != wanted) {
        fail_msg("%s: %s instead of %s", what, err_name(got), err_name(wanted));
    }
    if (clause_wanted != NULL) {
        assert_string_equal(*clause, clause_wanted);
    }
}

/* ---- HEADS, SUB, STOP ---- */

static void number_log(struct log_id *ret, unsigned i)
{
    fill(ret->b, 32, 0xd0);
    ret->b[0] = (uint8_t)(i >> 8);
    ret->b[1] = (uint8_t)i;
}

static struct head_hint hints[HEADS_PER_MESSAGE_MAX + 1];
static struct sub_item subs[SUBS_PER_MESSAGE_MAX + 1];
static struct log_id logs[SUBS_PER_MESSAGE_MAX + 1];
static struct notice_ref refs[NOTICES_PER_MESSAGE_MAX + 1];

static void make_lists(uint64_t seq)
{
    for (unsigned i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        number_log(&hints[i].log, i);
        hints[i].seq = seq;
        hints[i].entries = 2 * seq > NUMBER_MAX ? seq : 2 * seq;
        fill(hints[i].prefix, 8, 0xe0);
    }
    for (unsigned i = 0; i < sizeof subs / sizeof subs[0]; i++) {
        memset(&subs[i], 0, sizeof subs[i]);
        number_log(&subs[i].log, i);
        subs[i].has_birth = i != 1;
        subs[i].seq = subs[i].has_birth ? seq : 0;
        fill(subs[i].hash.b, 32, subs[i].has_birth ? 0xe1 : 0);
        number_log(&logs[i], i);
    }
    for (unsigned i = 0; i < sizeof refs / sizeof refs[0]; i++) {
        refs[i].kind = (enum notice_kind)(NOTICE_CHARTER + i % 6);
        fill(refs[i].subject, 16, i);
        refs[i].counter = seq;
        fill(refs[i].hash, 8, 0xe2);
    }
}

static enum err heads_again(struct span in, struct out *again, const char **clause)
{
    struct head_hint back[3];
    bool is_complete = false;
    size_t count = 0;
    enum err err = heads_message_decode(unpack, in, &is_complete, back, 3, &count, clause);

    if (err == ERR_OK) {
        heads_message_encode(is_complete, back, count, again);
    }
    return err;
}

static enum err sub_again(struct span in, struct out *again, const char **clause)
{
    struct sub_item back[3];
    struct hash digest;
    bool has_digest = false;
    size_t count = 0;
    enum err err = sub_decode(unpack, in, &has_digest, &digest, back, 3, &count, clause);

    if (err == ERR_OK) {
        sub_encode(has_digest ? &digest : NULL, back, count, again);
    }
    return err;
}

static enum err stop_again(struct span in, struct out *again, const char **clause)
{
    struct log_id back[3];
    size_t count = 0;
    enum err err = stop_decode(unpack, in, back, 3, &count, clause);

    if (err == ERR_OK) {
        stop_encode(back, count, again);
    }
    return err;
}

static void heads_sub_and_stop_are_the_golden_ones(void **state)
{
    struct out out;
    struct hash digest;
    struct hash digest_back;
    struct head_hint hints_back[3] = {0};
    struct sub_item subs_back[3];
    struct log_id logs_back[3];
    bool flag = false;
    size_t count = 0;

    (void)state;
    make_lists(500);
    fill(digest.b, 32, 0x3d);
    out = fresh();
    heads_message_encode(true, hints, 3, &out);
    golden_check("wire_heads_message", out_written(&out), heads_again);
    assert_int_equal(heads_message_decode(unpack, out_written(&out), &flag, hints_back, 3, &count, NULL), ERR_OK);
    assert_true(flag && count == 3 && hints_back[2].seq == 500 && hints_back[2].entries == 1000);
    assert_memory_equal(hints_back, hints, sizeof hints_back);

    out = fresh();
    sub_encode(NULL, subs, 3, &out);
    golden_check("wire_sub", out_written(&out), sub_again);
    assert_int_equal(sub_decode(unpack, out_written(&out), &flag, &digest_back, subs_back, 3, &count, NULL), ERR_OK);
    assert_true(!flag && count == 3 && subs_back[0].has_birth && !subs_back[1].has_birth && subs_back[2].seq == 500);
    assert_memory_equal(subs_back, subs, sizeof subs_back);
    out = fresh();
    sub_encode(&digest, NULL, 0, &out);
    golden_check("wire_sub_all", out_written(&out), sub_again);
    assert_int_equal(sub_decode(unpack, out_written(&out), &flag, &digest_back, subs_back, 3, &count, NULL), ERR_OK);
    assert_true(flag && count == 0 && hash_equal(&digest, &digest_back));

    out = fresh();
    stop_encode(logs, 3, &out);
    golden_check("wire_stop", out_written(&out), stop_again);
    assert_int_equal(stop_decode(unpack, out_written(&out), logs_back, 3, &count, NULL), ERR_OK);
    assert_memory_equal(logs_back, logs, sizeof logs_back);
}

/* The full messages, of the largest items, fit a frame; an item more is refused, and so is an item more than the caller has room for. */
static void lists_have_limits_and_full_ones_fit_a_frame(void **state)
{
    static struct head_hint hints_back[HEADS_PER_MESSAGE_MAX + 1];
    static struct sub_item subs_back[SUBS_PER_MESSAGE_MAX + 1];
    static struct log_id logs_back[SUBS_PER_MESSAGE_MAX + 1];
    static struct notice_ref refs_back[NOTICES_PER_MESSAGE_MAX + 1];
    struct hash digest = {{1}};
    const char *clause = NULL;
    struct out out;
    bool flag;
    size_t count;

    (void)state;
    make_lists(NUMBER_MAX);
    for (size_t n = HEADS_PER_MESSAGE_MAX - 1; n <= HEADS_PER_MESSAGE_MAX; n++) {
        out = fresh();
        heads_message_encode(false, hints, n, &out);
        assert_true(out.at + FRAME_HEADER_BYTES <= FRAME_BYTES_MAX);
        assert_int_equal(heads_message_decode(unpack, out_written(&out), &flag, hints_back, n, &count, NULL), ERR_OK);
        assert_int_equal(heads_message_decode(unpack, out_written(&out), &flag, hints_back, n - 1, &count, NULL), ERR_LIMIT);
    }
    for (size_t n = SUBS_PER_MESSAGE_MAX - 1; n <= SUBS_PER_MESSAGE_MAX; n++) {
        out = fresh();
        sub_encode(&digest, subs, n, &out);
        assert_true(out.at + FRAME_HEADER_BYTES <= FRAME_BYTES_MAX);
        assert_int_equal(sub_decode(unpack, out_written(&out), &flag, &digest, subs_back, n, &count, NULL), ERR_OK);
        assert_int_equal(sub_decode(unpack, out_written(&out), &flag, &digest, subs_back, n - 1, &count, NULL), ERR_LIMIT);
        out = fresh();
        stop_encode(logs, n, &out);
        assert_int_equal(stop_decode(unpack, out_written(&out), logs_back, n, &count, NULL), ERR_OK);
        assert_int_equal(stop_decode(unpack, out_written(&out), logs_back, n - 1, &count, NULL), ERR_LIMIT);
    }
    for (size_t n = NOTICES_PER_MESSAGE_MAX - 1; n <= NOTICES_PER_MESSAGE_MAX; n++) {
        out = fresh();
        notices_encode(refs, n, &out);
        assert_true(out.at + FRAME_HEADER_BYTES <= FRAME_BYTES_MAX);
        assert_int_equal(notices_decode(unpack, out_written(&out), refs_back, n, &count, NULL), ERR_OK);
        assert_int_equal(notices_decode(unpack, out_written(&out), refs_back, n - 1, &count, NULL), ERR_LIMIT);
    }

    out = fresh();
    pack_array(&out, 2);
    pack_bool(&out, true);
    pack_array(&out, HEADS_PER_MESSAGE_MAX + 1);
    for (uint32_t i = 0; i <= HEADS_PER_MESSAGE_MAX; i++) {
        pack_uint(&out, 0);
    }
    expect("901", heads_message_decode(unpack, out_written(&out), &flag, hints_back, SIZE_MAX, &count, &clause), ERR_LIMIT, &clause,
           "WIRE.md 5.5: more than 900 heads");
    out = fresh();
    pack_array(&out, 2);
    pack_bin(&out, span_of(NULL, 0));
    pack_array(&out, SUBS_PER_MESSAGE_MAX + 1);
    for (uint32_t i = 0; i <= SUBS_PER_MESSAGE_MAX; i++) {
        pack_uint(&out, 0);
    }
    expect("701", sub_decode(unpack, out_written(&out), &flag, &digest, subs_back, SIZE_MAX, &count, &clause), ERR_LIMIT, &clause,
           "WIRE.md 5.6: more than 700 logs");
    out = fresh();
    pack_array(&out, SUBS_PER_MESSAGE_MAX + 1);
    for (uint32_t i = 0; i <= SUBS_PER_MESSAGE_MAX; i++) {
        pack_uint(&out, 0);
    }
    expect("701", stop_decode(unpack, out_written(&out), logs_back, SIZE_MAX, &count, &clause), ERR_LIMIT, &clause,
           "WIRE.md 5.7: more than 700 logs");
    out = fresh();
    pack_array(&out, NOTICES_PER_MESSAGE_MAX + 1);
    for (uint32_t i = 0; i <= NOTICES_PER_MESSAGE_MAX; i++) {
        pack_uint(&out, 0);
    }
    expect("1201", notices_decode(unpack, out_written(&out), refs_back, SIZE_MAX, &count, &clause), ERR_LIMIT, &clause,
           "WIRE.md 5.9: more than 1200 notices");
}

static void a_hint_that_no_log_can_have_is_refused(void **state)
{
    struct head_hint back[3];
    struct out out = fresh();
    bool flag;
    size_t count;

    (void)state;
    make_lists(5);
    hints[1].entries = 4;
    heads_message_encode(true, hints, 2, &out);
    assert_int_equal(heads_message_decode(unpack, out_written(&out), &flag, back, 3, &count, NULL), ERR_MALFORMED);
    make_lists(NUMBER_MAX + 1);
    out = fresh();
    heads_message_encode(true, hints, 2, &out);
    assert_int_equal(heads_message_decode(unpack, out_written(&out), &flag, back, 3, &count, NULL), ERR_MALFORMED);
}

static void who_holds_no_birth_asks_from_nothing(void **state)
{
    struct out out = fresh();
    struct sub_item back;
    struct hash digest;
    bool flag;
    size_t count;

    (void)state;
    pack_array(&out, 2);
    pack_bin(&out, span_of(NULL, 0));
    pack_array(&out, 1);
    pack_array(&out, 3);
    pack_bin(&out, span_of("0123456789abcdef0123456789abcdef", 32));
    pack_uint(&out, 1);
    pack_bin(&out, span_of(NULL, 0));
    assert_int_equal(sub_decode(unpack, out_written(&out), &flag, &digest, &back, 1, &count, NULL), ERR_MALFORMED);

    /* Held: the birth and no more, with or without its hash. */
    memset(&back, 0, sizeof back);
    back.has_birth = true;
    out = fresh();
    sub_encode(NULL, &back, 1, &out);
    assert_int_equal(sub_decode(unpack, out_written(&out), &flag, &digest, &back, 1, &count, NULL), ERR_OK);
    assert_true(back.has_birth && back.seq == 0);
}

/* ---- SEG ---- */

static enum err seg_again(struct span in, struct out *again, const char **clause)
{
    struct seg seg;
    enum err err = seg_decode(unpack, in, &seg, clause);

    if (err == ERR_OK) {
        seg_encode(&seg, again);
    }
    return err;
}

static void a_segment_is_the_golden_one(void **state)
{
    struct seg seg = {.first = 0, .count = 2};
    struct seg back;
    struct out out = fresh();

    (void)state;
    number_log(&seg.log, 7);
    seg.items[0] = span_text("birth");
    seg.items[1] = span_text("packed commit");
    seg_encode(&seg, &out);
    golden_check("wire_seg", out_written(&out), seg_again);
    assert_int_equal(seg_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_true(back.first == 0 && back.count == 2 && span_equal(back.items[1], seg.items[1]));
}

static enum err decode_seg(uint64_t first, uint32_t count, size_t length, const char **clause)
{
    static uint8_t item[2 * COMMIT_REDUCED_BYTES_MAX];
    struct out out = fresh();
    struct seg seg;

    pack_array(&out, 3);
    pack_bin(&out, span_of(item, 32));
    pack_uint(&out, first);
    pack_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_bin(&out, span_of(item, i == 0 ? length : 1));
    }
    assert_false(out.is_full);
    return seg_decode(unpack, out_written(&out), &seg, clause);
}

static void a_segment_holds_1_to_64_commits_each_within_its_limit(void **state)
{
    static const struct {
        const char *what;
        uint64_t first;
        uint32_t count;
        size_t length;
        enum err err;
    } rows[] = {
        {"no commits", 5, 0, 0, ERR_MALFORMED},
        {"one", 5, 1, 10, ERR_OK},
        {"63", 5, SEG_COMMITS_MAX - 1, 10, ERR_OK},
        {"64", 5, SEG_COMMITS_MAX, 10, ERR_OK},
        {"65", 5, SEG_COMMITS_MAX + 1, 10, ERR_LIMIT},
        {"an empty commit", 5, 1, 0, ERR_MALFORMED},
        {"a long commit", 5, 1, COMMIT_REDUCED_BYTES_MAX, ERR_OK},
        {"the longest commit", 5, 1, COMMIT_REDUCED_BYTES_MAX + 1, ERR_OK},
        {"a longer commit", 5, 1, COMMIT_REDUCED_BYTES_MAX + 2, ERR_OVERSIZE},
        {"a long birth", 0, 1, BIRTH_BYTES_MAX - 1, ERR_OK},
        {"the longest birth", 0, 2, BIRTH_BYTES_MAX, ERR_OK},
        {"a longer birth", 0, 2, BIRTH_BYTES_MAX + 1, ERR_OVERSIZE},
        {"the highest numbers", NUMBER_MAX - SEG_COMMITS_MAX, 64, 1, ERR_OK},
        {"higher numbers", NUMBER_MAX - SEG_COMMITS_MAX + 1, 1, 1, ERR_MALFORMED},
    };
    const char *clause = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i].what, decode_seg(rows[i].first, rows[i].count, rows[i].length, &clause), rows[i].err, NULL, NULL);
    }
    expect("65", decode_seg(1, SEG_COMMITS_MAX + 1, 1, &clause), ERR_LIMIT, &clause, "WIRE.md 5.8: more than 64 commits");
    expect("long", decode_seg(0, 1, BIRTH_BYTES_MAX + 1, &clause), ERR_OVERSIZE, &clause, "WIRE.md 5.8: a birth or commit longer than its limit");
}

/* ---- NOTICES, NOTICE ---- */

static enum err notices_again(struct span in, struct out *again, const char **clause)
{
    struct notice_ref back[3];
    size_t count = 0;
    enum err err = notices_decode(unpack, in, back, 3, &count, clause);

    if (err == ERR_OK) {
        notices_encode(back, count, again);
    }
    return err;
}

static enum err notice_again(struct span in, struct out *again, const char **clause)
{
    struct span notice;
    struct span list;
    uint64_t base = 0;
    enum err err = notice_message_decode(unpack, in, &notice, &base, &list, clause);

    if (err == ERR_OK) {
        notice_message_encode(notice, base, list, again);
    }
    return err;
}

static void notices_and_notice_are_the_golden_ones(void **state)
{
    struct notice_ref back[3] = {0};
    struct span notice;
    struct span list;
    uint64_t base = 0;
    size_t count = 0;
    struct out out = fresh();

    (void)state;
    make_lists(70000);
    notices_encode(refs, 3, &out);
    golden_check("wire_notices", out_written(&out), notices_again);
    assert_int_equal(notices_decode(unpack, out_written(&out), back, 3, &count, NULL), ERR_OK);
    assert_int_equal(count, 3);
    assert_true(back[2].kind == NOTICE_ACT && back[2].counter == 70000);
    assert_memory_equal(back[2].subject, refs[2].subject, 16);
    assert_memory_equal(back[2].hash, refs[2].hash, 8);

    out = fresh();
    notice_message_encode(span_text("a notice"), 12, span_text("heads"), &out);
    golden_check("wire_notice_message", out_written(&out), notice_again);
    assert_int_equal(notice_message_decode(unpack, out_written(&out), &notice, &base, &list, NULL), ERR_OK);
    assert_true(span_equal(notice, span_text("a notice")) && base == 12 && span_equal(list, span_text("heads")));
}

static void only_the_six_kinds_of_notice_are_listed(void **state)
{
    struct notice_ref back[3];
    size_t count;

    (void)state;
    for (unsigned kind = 0; kind <= 7; kind++) {
        struct out out = fresh();

        make_lists(1);
        refs[1].kind = (enum notice_kind)kind;
        notices_encode(refs, 2, &out);
        assert_int_equal(notices_decode(unpack, out_written(&out), back, 3, &count, NULL), kind >= 1 && kind <= 6 ? ERR_OK : ERR_MALFORMED);
    }
}

static void a_notice_and_its_heads_have_limits(void **state)
{
    static uint8_t blob[NOTICE_BYTES_MAX + 1];
    const char *clause = NULL;
    struct span notice;
    struct span list;
    uint64_t base;

    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        for (size_t n = NOTICE_BYTES_MAX - 1; n <= NOTICE_BYTES_MAX + 1; n++) {
            struct out out = fresh();

            notice_message_encode(span_of(blob, which == 0 ? n : 1), 0, span_of(blob, which == 0 ? 0 : n), &out);
            assert_int_equal(notice_message_decode(unpack, out_written(&out), &notice, &base, &list, &clause),
                             n > NOTICE_BYTES_MAX ? ERR_OVERSIZE : ERR_OK);
        }
    }
    assert_string_equal(clause, "WIRE.md 5.10: a notice or list longer than 61440 bytes");
    struct out out = fresh();
    notice_message_encode(span_of(blob, 0), 0, span_of(blob, 0), &out);
    assert_int_equal(notice_message_decode(unpack, out_written(&out), &notice, &base, &list, NULL), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_sub_and_stop_are_the_golden_ones),
        cmocka_unit_test(lists_have_limits_and_full_ones_fit_a_frame),
        cmocka_unit_test(a_hint_that_no_log_can_have_is_refused),
        cmocka_unit_test(who_holds_no_birth_asks_from_nothing),
        cmocka_unit_test(a_segment_is_the_golden_one),
        cmocka_unit_test(a_segment_holds_1_to_64_commits_each_within_its_limit),
        cmocka_unit_test(notices_and_notice_are_the_golden_ones),
        cmocka_unit_test(only_the_six_kinds_of_notice_are_listed),
        cmocka_unit_test(a_notice_and_its_heads_have_limits),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

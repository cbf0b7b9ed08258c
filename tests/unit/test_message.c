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

/* ---- frames ---- */

static enum err frame_again(struct span in, struct out *again, const char **clause)
{
    struct frame frame;
    enum err err = frame_decode(in, &frame, clause);

    if (err == ERR_OK) {
        frame_begin(again, &frame.session, frame.type);
        out_span(again, frame.body);
    }
    return err;
}

static void a_frame_is_the_golden_one(void **state)
{
    static const struct session_id session = {{1, 2, 3, 4, 5, 6, 7, 8}};
    struct out out = fresh();
    struct frame frame;
    struct span golden;

    (void)state;
    frame_begin(&out, &session, MESSAGE_PING);
    ping_encode(300, &out);
    golden = golden_bytes("wire_frame", out_written(&out));
    assert_true(span_equal(golden, out_written(&out)));
    assert_int_equal(frame_decode(golden, &frame, NULL), ERR_OK);
    assert_memory_equal(frame.session.b, session.b, 8);
    assert_int_equal(frame.type, MESSAGE_PING);
    assert_ptr_equal(frame.body.p, golden.p + FRAME_HEADER_BYTES);
    assert_int_equal(frame.body.n, golden.n - FRAME_HEADER_BYTES);
    out = fresh();
    assert_int_equal(frame_again(golden, &out, NULL), ERR_OK);
    assert_true(span_equal(golden, out_written(&out)));
}

static void frames_have_a_known_type_a_body_and_a_limit(void **state)
{
    static uint8_t frame_bytes[FRAME_BYTES_MAX + 1];
    struct frame frame;
    const char *clause = NULL;

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        frame_bytes[8] = (uint8_t)type;
        expect("a type", frame_decode(span_of(frame_bytes, 10), &frame, &clause),
               type >= MESSAGE_HELLO && type <= MESSAGE_BYE ? ERR_OK : ERR_MALFORMED, NULL, NULL);
    }
    assert_string_equal(clause, "WIRE.md 5.1: an unknown message type");
    frame_bytes[8] = MESSAGE_PING;
    for (size_t n = 0; n <= FRAME_HEADER_BYTES; n++) {
        expect("no body", frame_decode(span_of(frame_bytes, n), &frame, &clause), ERR_TRUNCATED, &clause, "WIRE.md 5.1: a frame without body");
    }
    assert_int_equal(frame_decode(span_of(frame_bytes, FRAME_BYTES_MAX - 1), &frame, NULL), ERR_OK);
    assert_int_equal(frame_decode(span_of(frame_bytes, FRAME_BYTES_MAX), &frame, NULL), ERR_OK);
    expect("too long", frame_decode(span_of(frame_bytes, FRAME_BYTES_MAX + 1), &frame, &clause), ERR_OVERSIZE, &clause,
           "WIRE.md 5.1: a frame longer than 65536 bytes");
}

/* ---- HELLO ---- */

static void make_hello(struct hello *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->protocol = PROTOCOL_VERSION;
    fill(ret->region.b, 32, 0x11);
    fill(ret->node.b, 16, 0x12);
    fill(ret->nonce, 16, 0x13);
    fill(ret->install, 16, 0x14);
    fill(ret->boot, 8, 0x15);
    ret->roster_number = 4;
    fill(ret->roster_hash.b, 32, 0x16);
    fill(ret->acts_digest.b, 32, 0x17);
    fill(ret->notices_digest.b, 32, 0x18);
    fill(ret->heads_digest.b, 32, 0x19);
    ret->frame_bytes_max = FRAME_BYTES_MAX;
    ret->clock.ms = UINT64_C(1795000000000);
}

static enum err hello_again(struct span in, struct out *again, const char **clause)
{
    struct hello hello;
    enum err err = hello_decode(unpack, in, &hello, clause);

    if (err == ERR_OK) {
        hello_encode(&hello, again);
    }
    return err;
}

static void a_hello_is_the_golden_one(void **state)
{
    struct hello hello;
    struct hello back;
    struct out out = fresh();

    (void)state;
    make_hello(&hello);
    hello_encode(&hello, &out);
    golden_check("wire_hello", out_written(&out), hello_again);
    memset(&back, 0, sizeof back);
    assert_int_equal(hello_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &hello, sizeof back);
}

static enum err decode_hello(const struct hello *hello, uint32_t extra)
{
    struct out out = fresh();
    struct hello back;

    hello_encode(hello, &out);
    bytes[0] = (uint8_t)(bytes[0] + extra);
    for (uint32_t i = 0; i < extra; i++) {
        pack_text(&out, span_text("later"));
    }
    return hello_decode(unpack, out_written(&out), &back, NULL);
}

static void a_newer_protocol_may_append_items_to_hello_and_this_one_not(void **state)
{
    struct hello hello;

    (void)state;
    make_hello(&hello);
    hello.protocol = 0;
    assert_int_equal(decode_hello(&hello, 0), ERR_MALFORMED);
    hello.protocol = PROTOCOL_VERSION;
    assert_int_equal(decode_hello(&hello, 0), ERR_OK);
    assert_int_equal(decode_hello(&hello, 1), ERR_MALFORMED);
    hello.protocol = PROTOCOL_VERSION + 1;
    assert_int_equal(decode_hello(&hello, 0), ERR_OK);
    assert_int_equal(decode_hello(&hello, 2), ERR_OK);
}

static void frames_of_at_least_the_default_size_must_be_accepted(void **state)
{
    static const struct {
        uint32_t max;
        enum err err;
    } rows[] = {
        {0, ERR_MALFORMED},        {FRAME_BYTES_DEFAULT - 1, ERR_MALFORMED}, {FRAME_BYTES_DEFAULT, ERR_OK}, {FRAME_BYTES_MAX - 1, ERR_OK},
        {FRAME_BYTES_MAX, ERR_OK}, {FRAME_BYTES_MAX + 1, ERR_MALFORMED},
    };
    struct hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_hello(&hello);
        hello.frame_bytes_max = rows[i].max;
        assert_int_equal(decode_hello(&hello, 0), rows[i].err);
    }
}

static void the_transcript_names_both_sides_and_the_signer(void **state)
{
    static const int sides[] = {-1, 0, 1};
    struct curve_public dialler;
    struct curve_public listener;
    struct out out = fresh();

    (void)state;
    fill(dialler.b, 32, 0x21);
    fill(listener.b, 32, 0x22);
    for (unsigned i = 0; i < 3; i++) {
        hello_transcript(span_text("hello A"), span_text("hello B"), &dialler, &listener, sides[i], &out);
    }
    golden_check("wire_hello_transcripts", out_written(&out), NULL);
}

static enum err hello_ack_again(struct span in, struct out *again, const char **clause)
{
    struct signature signature;
    enum err err = hello_ack_decode(unpack, in, &signature, clause);

    if (err == ERR_OK) {
        hello_ack_encode(&signature, again);
    }
    return err;
}

static void a_hello_ack_is_the_golden_one(void **state)
{
    struct signature signature;
    struct out out = fresh();

    (void)state;
    fill(signature.b, 64, 0x2a);
    hello_ack_encode(&signature, &out);
    golden_check("wire_hello_ack", out_written(&out), hello_ack_again);
}

/* ---- PING, BYE ---- */

static enum err ping_again(struct span in, struct out *again, const char **clause)
{
    uint64_t number = 0;
    enum err err = ping_decode(unpack, in, &number, clause);

    if (err == ERR_OK) {
        ping_encode(number, again);
    }
    return err;
}

/* The reasons that only a newer release knows do not come back: they read as ERR_UNEXPECTED. */
static enum err bye_again(struct span in, struct out *again, const char **clause)
{
    enum err reason = ERR_OK;
    uint32_t retry = 0;
    enum err err = bye_decode(unpack, in, &reason, &retry, clause);

    if (err == ERR_OK && reason == ERR_UNEXPECTED) {
        out_span(again, in);
    } else if (err == ERR_OK) {
        bye_encode(reason, retry, again);
    }
    return err;
}

static void ping_and_bye_are_the_golden_ones(void **state)
{
    enum err reason = ERR_OK;
    uint32_t retry = 0;
    struct out out = fresh();

    (void)state;
    ping_encode(UINT64_MAX, &out);
    golden_check("wire_ping", out_written(&out), ping_again);
    out = fresh();
    bye_encode(ERR_NOT_MEMBER, 60000, &out);
    golden_check("wire_bye", out_written(&out), bye_again);
    assert_int_equal(bye_decode(unpack, out_written(&out), &reason, &retry, NULL), ERR_OK);
    assert_true(reason == ERR_NOT_MEMBER && retry == 60000);
}

static void a_bye_carries_every_reason_and_survives_an_unknown_one(void **state)
{
    enum err reason;
    uint32_t retry;
    struct out out;

    (void)state;
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        out = fresh();
        bye_encode((enum err)i, UINT32_MAX, &out);
        assert_int_equal(bye_decode(unpack, out_written(&out), &reason, &retry, NULL), ERR_OK);
        assert_true((unsigned)reason == i && retry == UINT32_MAX);
    }
    out = fresh();
    pack_array(&out, 2);
    pack_text(&out, span_text("ERR_OF_TOMORROW"));
    pack_uint(&out, 1);
    assert_int_equal(bye_decode(unpack, out_written(&out), &reason, &retry, NULL), ERR_OK);
    assert_int_equal(reason, ERR_UNEXPECTED);
    for (size_t n = 31; n <= 33; n++) {
        out = fresh();
        pack_array(&out, 2);
        pack_text(&out, span_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", n));
        pack_uint(&out, 1);
        assert_int_equal(bye_decode(unpack, out_written(&out), &reason, &retry, NULL), n > 32 ? ERR_MALFORMED : ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_the_golden_one),
        cmocka_unit_test(frames_have_a_known_type_a_body_and_a_limit),
        cmocka_unit_test(a_hello_is_the_golden_one),
        cmocka_unit_test(a_newer_protocol_may_append_items_to_hello_and_this_one_not),
        cmocka_unit_test(frames_of_at_least_the_default_size_must_be_accepted),
        cmocka_unit_test(the_transcript_names_both_sides_and_the_signer),
        cmocka_unit_test(a_hello_ack_is_the_golden_one),
        cmocka_unit_test(ping_and_bye_are_the_golden_ones),
        cmocka_unit_test(a_bye_carries_every_reason_and_survives_an_unknown_one),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

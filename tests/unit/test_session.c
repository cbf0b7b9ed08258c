/* The handshake between two nodes: who passes, and everything that must not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/net/session.h"
#include "tests/lib/region.h"

#include <stdio.h>

enum { HUB, OTHER_HUB, EDGE, SECOND_EDGE, OUTSIDER, SUSPENDED };

static struct region region;
static struct membership *membership;
static struct unpack *unpack;
static struct curve_public transport[REGION_NODES]; /* of the nodes, as their cards would say */

static bool owns_key(void *arg, const struct node_id *node, const struct curve_public *key)
{
    (void)arg;
    for (size_t i = 0; i < REGION_NODES; i++) {
        if (node_id_equal(&region.nodes[i].id, node)) {
            return memcmp(transport[i].b, key->b, sizeof key->b) == 0;
        }
    }
    return false;
}

static int setup(void **state)
{
    (void)state;
    struct hash hash;
    region_init(&region, 2);
    struct span roster = region_roster(
        &region, &(struct region_roster){.number = 1, .members = 1 << HUB | 1 << OTHER_HUB | 1 << EDGE | 1 << SECOND_EDGE | 1 << SUSPENDED}, &hash);
    struct span suspension = region_suspend(&region, HUB, 1, &hash, 1, SUSPENDED, NULL, 0);
    assert_int_equal(membership_build(&region.id, region.charter, &roster, 1, &suspension, 1, sign_check, &membership), ERR_OK);
    assert_null(membership_find(membership, &region.nodes[SUSPENDED].id));
    unpack = unpack_new();
    assert_non_null(unpack);
    for (size_t i = 0; i < REGION_NODES; i++) {
        random_fill(transport[i].b, sizeof transport[i].b);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unpack_destroy(&unpack);
    membership_destroy(&membership);
    region_fini(&region);
    return 0;
}

/* One end of a conversation, and the last frames it sent. */
struct end {
    struct session_self self;
    struct session session;
    uint8_t memory[2 * HELLO_BYTES_MAX];
    struct span sent[2];
    const char *clause;
};

static void end_init(struct end *end, size_t node)
{
    *end =
        (struct end){.self = {.identity = region.nodes[node].secret, .transport = transport[node], .membership = membership, .owns_key = owns_key}};
    struct hello *hello = &end->self.hello;
    hello->protocol = PROTOCOL_VERSION;
    hello->region = region.id;
    hello->node = region.nodes[node].id;
    hello->roster_number = 1;
    hello->frame_bytes_max = FRAME_BYTES_MAX;
}

static void begin(struct end *end, bool is_dialler, const struct curve_public *peer)
{
    struct out out = out_into(end->memory, sizeof end->memory);
    session_begin(&end->session, &end->self, is_dialler, peer, (struct wall_ms){1700000000000}, &out);
    assert_false(out.is_full);
    end->sent[0] = out_written(&out);
    end->sent[1] = span_of(NULL, 0);
}

static enum err take(struct end *end, struct span bytes)
{
    struct frame frame;
    size_t lengths[2] = {77, 77};
    struct out out = out_into(end->memory, sizeof end->memory);
    assert_int_equal(frame_decode(bytes, &frame, &end->clause), ERR_OK);
    enum err err = session_take(&end->session, &end->self, &frame, unpack, &out, lengths, &end->clause);
    assert_false(out.is_full);
    assert_int_equal(out.at, lengths[0] + lengths[1]);
    end->sent[0] = span_of(end->memory, lengths[0]);
    end->sent[1] = span_of(end->memory + lengths[0], lengths[1]);
    if (err != ERR_OK) {
        assert_non_null(end->clause);
        assert_int_equal(end->sent[0].n, 0);
    }
    return err;
}

static void must_take(struct end *end, struct span bytes)
{
    enum err err = take(end, bytes);
    if (err != ERR_OK) {
        fail_msg("%s: %s", err_name(err), end->clause);
    }
}

static struct span keep(struct span bytes)
{
    return region_keep(&region, bytes);
}

/* The two up to the point where the listener has answered. */
static struct end dialler, listener;
static struct span hello, answer, answer_ack;

static void begin_both(void)
{
    end_init(&dialler, EDGE);
    end_init(&listener, HUB);
    begin(&dialler, true, &transport[HUB]);
    begin(&listener, false, &transport[EDGE]);
    assert_int_equal(listener.sent[0].n, 0); /* a listener never speaks first */
    hello = keep(dialler.sent[0]);
}

static void begin_and_answer(void)
{
    begin_both();
    must_take(&listener, hello);
    answer = keep(listener.sent[0]);
    answer_ack = keep(listener.sent[1]);
    assert_true(answer.n > 0 && answer_ack.n > 0);
    assert_int_equal(listener.session.state, SESSION_ACK);
}

static void two_members_agree(void **state)
{
    (void)state;
    static const struct session_id none;
    begin_and_answer();
    must_take(&dialler, answer);
    assert_int_equal(dialler.sent[0].n, 0);
    must_take(&dialler, answer_ack);
    assert_int_equal(dialler.session.state, SESSION_UP);
    assert_true(dialler.sent[0].n > 0);
    must_take(&listener, keep(dialler.sent[0]));
    assert_int_equal(listener.session.state, SESSION_UP);
    assert_int_equal(listener.sent[0].n, 0);
    assert_memory_equal(dialler.session.id.b, listener.session.id.b, sizeof none.b);
    assert_memory_not_equal(dialler.session.id.b, none.b, sizeof none.b);
    assert_true(node_id_equal(&dialler.session.peer.node, &region.nodes[HUB].id));
    assert_int_equal(dialler.session.peer.role, ROLE_HUB);
    assert_true(node_id_equal(&listener.session.peer.node, &region.nodes[EDGE].id));
    assert_int_equal(listener.session.peer_hello.roster_number, 1);
    assert_int_equal(listener.session.peer_hello.clock.ms, 1700000000000);
}

static void every_session_has_an_id_of_its_own(void **state)
{
    (void)state;
    struct session_id seen[8];
    for (size_t i = 0; i < 8; i++) {
        begin_and_answer();
        must_take(&dialler, answer);
        must_take(&dialler, answer_ack);
        seen[i] = dialler.session.id;
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(seen[i].b, seen[k].b, sizeof seen[i].b);
        }
    }
}

static void nothing_but_the_handshake_is_heard_and_only_in_its_order(void **state)
{
    (void)state;
    static const struct session_id none;
    begin_and_answer();
    static const enum message_type types[] = {MESSAGE_ECHO,    MESSAGE_HEADS,  MESSAGE_SUB,  MESSAGE_STOP, MESSAGE_SEG,
                                              MESSAGE_NOTICES, MESSAGE_NOTICE, MESSAGE_PING, MESSAGE_PONG};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        uint8_t memory[32];
        struct out out = out_into(memory, sizeof memory);
        frame_begin(&out, &none, types[i]);
        ping_encode(1, &out);
        begin_both();
        assert_int_equal(take(&dialler, out_written(&out)), ERR_UNEXPECTED);
        assert_int_equal(take(&listener, out_written(&out)), ERR_UNEXPECTED);
    }
    begin_and_answer();
    assert_int_equal(take(&dialler, answer_ack), ERR_UNEXPECTED); /* an ACK before the HELLO */
    must_take(&dialler, answer);
    assert_int_equal(take(&dialler, answer), ERR_UNEXPECTED); /* HELLO twice */
    must_take(&dialler, answer_ack);
    struct span ack = keep(dialler.sent[0]);
    assert_int_equal(take(&dialler, answer_ack), ERR_UNEXPECTED); /* ACK twice */
    assert_int_equal(take(&listener, hello), ERR_UNEXPECTED);
    must_take(&listener, ack);
    assert_int_equal(take(&listener, ack), ERR_UNEXPECTED);
    assert_int_equal(listener.session.state, SESSION_UP); /* which ends the connection, not what it had agreed */
}

static void a_hello_is_refused_for(void **state)
{
    (void)state;
    const struct {
        const char *what;
        size_t as, key; /* whose identity, whose transport key */
        uint32_t protocol;
        bool is_foreign;
        enum err err;
    } rows[] = {
        {"a member", EDGE, EDGE, PROTOCOL_VERSION, false, ERR_OK},
        {"no protocol", EDGE, EDGE, 0, false, ERR_MALFORMED},
        {"a newer protocol", EDGE, EDGE, PROTOCOL_VERSION + 1, false, ERR_VERSION},
        {"another region", EDGE, EDGE, PROTOCOL_VERSION, true, ERR_REGION},
        {"nobody of the roster", OUTSIDER, OUTSIDER, PROTOCOL_VERSION, false, ERR_NOT_MEMBER},
        {"a suspended member", SUSPENDED, SUSPENDED, PROTOCOL_VERSION, false, ERR_NOT_MEMBER},
        {"a member over another's connection", EDGE, SECOND_EDGE, PROTOCOL_VERSION, false, ERR_UNKNOWN_KEY},
        {"a member over an outsider's connection", EDGE, OUTSIDER, PROTOCOL_VERSION, false, ERR_UNKNOWN_KEY},
        {"ourselves", HUB, HUB, PROTOCOL_VERSION, false, ERR_UNKNOWN_KEY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int is_dialler = 0; is_dialler < 2; is_dialler++) { /* whoever is told it */
            struct end them, us;
            end_init(&them, rows[i].as);
            end_init(&us, HUB);
            them.self.hello.protocol = rows[i].protocol;
            them.self.hello.region.b[7] ^= rows[i].is_foreign;
            begin(&us, is_dialler, &transport[rows[i].key]);
            begin(&them, true, &transport[HUB]);
            enum err err = take(&us, keep(them.sent[0]));
            if (err != rows[i].err) {
                fail_msg("%s: %s", rows[i].what, err_name(err));
            }
            assert_int_equal(us.session.state, err == ERR_OK ? SESSION_ACK : SESSION_HELLO);
        }
    }
}

static void a_signature_by_another_key_is_refused(void **state)
{
    (void)state;
    begin_both();
    listener.self.identity = region.nodes[OTHER_HUB].secret; /* it has the hub's transport key, not its identity */
    must_take(&listener, hello);
    struct span theirs = keep(listener.sent[0]), ack = keep(listener.sent[1]);
    must_take(&dialler, theirs);
    assert_int_equal(take(&dialler, ack), ERR_BADSIG);
    assert_int_equal(dialler.session.state, SESSION_ACK);

    begin_and_answer();
    must_take(&dialler, answer);
    dialler.self.identity = region.nodes[SECOND_EDGE].secret;
    must_take(&dialler, answer_ack);
    assert_int_equal(take(&listener, keep(dialler.sent[0])), ERR_BADSIG);
}

/* Whatever bit of either HELLO is changed on the way, no session comes of it. */
static void a_changed_hello_never_leads_to_a_session(void **state)
{
    (void)state;
    begin_and_answer();
    size_t refused_at_once = 0, refused_later = 0;
    for (size_t bit = 9 * 8; bit < hello.n * 8; bit += 3) {
        uint8_t changed[HELLO_BYTES_MAX + 64];
        memcpy(changed, hello.p, hello.n);
        changed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        struct end hub;
        end_init(&hub, HUB);
        begin(&hub, false, &transport[EDGE]);
        if (take(&hub, span_of(changed, hello.n)) != ERR_OK) {
            refused_at_once++;
            continue;
        }
        struct end edge = dialler;
        struct span theirs = keep(hub.sent[0]), ack = keep(hub.sent[1]);
        must_take(&edge, theirs);
        assert_int_equal(take(&edge, ack), ERR_BADSIG);
        refused_later++;
    }
    assert_true(refused_at_once > 0 && refused_later > 0);
    begin_and_answer();
    for (size_t bit = 9 * 8; bit < answer.n * 8; bit += 3) {
        uint8_t changed[HELLO_BYTES_MAX + 64];
        memcpy(changed, answer.p, answer.n);
        changed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        struct end edge = dialler;
        if (take(&edge, span_of(changed, answer.n)) == ERR_OK) {
            assert_int_equal(take(&edge, answer_ack), ERR_BADSIG);
        }
    }
    must_take(&dialler, answer);
    for (size_t bit = 9 * 8; bit < answer_ack.n * 8; bit++) {
        uint8_t changed[HELLO_BYTES_MAX + 64];
        memcpy(changed, answer_ack.p, answer_ack.n);
        changed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        struct end edge = dialler;
        assert_int_not_equal(take(&edge, span_of(changed, answer_ack.n)), ERR_OK);
        assert_int_not_equal(edge.session.state, SESSION_UP);
    }
    must_take(&dialler, answer_ack);
}

static void a_recording_of_an_earlier_session_is_worth_nothing(void **state)
{
    (void)state;
    begin_and_answer();
    must_take(&dialler, answer);
    must_take(&dialler, answer_ack);
    struct span old_hello = hello, old_answer = answer, old_answer_ack = answer_ack, old_ack = keep(dialler.sent[0]);

    /* The dialler is played again to a listener: its new nonce makes the old signature worthless. */
    begin_both();
    must_take(&listener, old_hello);
    assert_int_equal(take(&listener, old_ack), ERR_BADSIG);
    assert_int_not_equal(listener.session.state, SESSION_UP);

    /* The listener is played again to a dialler. */
    begin_both();
    must_take(&dialler, old_answer);
    assert_int_equal(take(&dialler, old_answer_ack), ERR_BADSIG);

    /* And mixed: new HELLO, old signature. */
    begin_and_answer();
    must_take(&dialler, answer);
    assert_int_equal(take(&dialler, old_answer_ack), ERR_BADSIG);
}

static void our_own_words_sent_back_to_us_are_refused(void **state)
{
    (void)state;
    begin_both();
    assert_int_equal(take(&dialler, hello), ERR_UNKNOWN_KEY); /* the node it names is ourselves */
    begin_and_answer();
    assert_int_equal(take(&listener, answer_ack), ERR_BADSIG); /* a signature names whose side made it */
    begin_and_answer();
    must_take(&dialler, answer);
    must_take(&dialler, answer_ack);
    struct span ack = keep(dialler.sent[0]);
    dialler.session.state = SESSION_ACK;
    assert_int_equal(take(&dialler, ack), ERR_BADSIG);
}

/* A member in the middle passes frames between two others over its own two CURVE connections. */
static void a_relay_between_two_members_is_found_out(void **state)
{
    (void)state;
    begin_both();
    begin(&dialler, true, &transport[SECOND_EDGE]); /* it dialled the one in the middle, which plays the hub */
    begin(&listener, false, &transport[SECOND_EDGE]);
    assert_int_equal(take(&listener, keep(dialler.sent[0])), ERR_UNKNOWN_KEY);

    /* Even where a hub's own card named that transport key, the signature covers both ends' keys. */
    begin_both();
    struct curve_public saved = transport[EDGE];
    transport[EDGE] = transport[SECOND_EDGE];
    begin(&listener, false, &transport[SECOND_EDGE]);
    must_take(&listener, hello);
    struct span theirs = keep(listener.sent[0]), ack = keep(listener.sent[1]);
    transport[EDGE] = saved;
    must_take(&dialler, theirs);
    assert_int_equal(take(&dialler, ack), ERR_BADSIG);
}

static void malformed_handshakes_are_refused(void **state)
{
    (void)state;
    static const struct session_id none;
    const struct {
        const char *what;
        enum message_type type;
        size_t bytes;
        uint8_t first;
    } rows[] = {
        {"an empty array", MESSAGE_HELLO, 1, 0x90},
        {"no array", MESSAGE_HELLO, 1, 0xc0},
        {"a long HELLO", MESSAGE_HELLO, HELLO_BYTES_MAX + 1, 0x9d},
        {"a very long HELLO", MESSAGE_HELLO, FRAME_BYTES_MAX - FRAME_HEADER_BYTES, 0x9d},
        {"HELLO of the greatest length", MESSAGE_HELLO, HELLO_BYTES_MAX, 0x9d},
    };
    static uint8_t memory[FRAME_BYTES_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct out out = out_into(memory, sizeof memory);
        begin_both();
        frame_begin(&out, &none, rows[i].type);
        memset(memory + out.at, 0, sizeof memory - out.at);
        memory[out.at] = rows[i].first;
        out.at += rows[i].bytes;
        assert_int_not_equal(take(&listener, out_written(&out)), ERR_OK);
        assert_int_equal(listener.session.state, SESSION_HELLO);
        assert_int_not_equal(take(&dialler, out_written(&out)), ERR_OK);
    }
    for (size_t n = FRAME_HEADER_BYTES + 1; n < hello.n; n++) {
        begin(&listener, false, &transport[EDGE]);
        assert_int_not_equal(take(&listener, span_of(hello.p, n)), ERR_OK);
    }
    begin_and_answer();
    must_take(&dialler, answer);
    for (size_t n = FRAME_HEADER_BYTES + 1; n < answer_ack.n; n++) {
        struct end edge = dialler;
        assert_int_not_equal(take(&edge, span_of(answer_ack.p, n)), ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_members_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(every_session_has_an_id_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_but_the_handshake_is_heard_and_only_in_its_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hello_is_refused_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signature_by_another_key_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_hello_never_leads_to_a_session, setup, teardown),
        cmocka_unit_test_setup_teardown(a_recording_of_an_earlier_session_is_worth_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_words_sent_back_to_us_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_relay_between_two_members_is_found_out, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_handshakes_are_refused, setup, teardown),
    };
    if (crypto_start() != ERR_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

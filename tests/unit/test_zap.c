/* The door keeper alone, asked as libzmq asks (RFC 27), and as it never would. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/net/zap.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void *context, *asker;
static struct zap *zap;
static const struct curve_public known = {"known, 32 bytes of a public key."}, revoked = {"revoked, 32 bytes of public key."},
                                 stranger = {"stranger, 32 bytes of a new key."};

static int setup(void **state)
{
    (void)state;
    context = zmq_ctx_new();
    assert_int_equal(zap_new(context, &zap), ERR_OK);
    asker = zmq_socket(context, ZMQ_DEALER); /* so that a second question need not wait for the first's answer */
    int patience = 2000, none = 0;
    assert_int_equal(zmq_setsockopt(asker, ZMQ_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(zmq_setsockopt(asker, ZMQ_LINGER, &none, sizeof none), 0);
    assert_int_equal(zmq_connect(asker, "inproc://zeromq.zap.01"), 0);
    assert_int_equal(zap_allow(zap, &known, 1, &revoked, 1), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    zmq_close(asker);
    zap_destroy(&zap);
    zap_destroy(&zap);
    zmq_ctx_term(context);
    return 0;
}

struct part {
    const void *p;
    size_t n;
};

static void ask(const struct part *parts, size_t count)
{
    assert_true(zmq_send(asker, "", 0, ZMQ_SNDMORE) >= 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(zmq_send(asker, parts[i].p, parts[i].n, i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
    }
}

struct answer {
    char version[8], id[300], status[8], why[64], user[80], metadata[8];
};

static void hear(struct answer *ret)
{
    char delimiter[8];
    struct {
        char *p;
        size_t cap;
    } parts[] = {{delimiter, sizeof delimiter},        {ret->version, sizeof ret->version}, {ret->id, sizeof ret->id},
                 {ret->status, sizeof ret->status},    {ret->why, sizeof ret->why},         {ret->user, sizeof ret->user},
                 {ret->metadata, sizeof ret->metadata}};
    zap_answer(zap);
    for (size_t i = 0; i < 7; i++) {
        int n = zmq_recv(asker, parts[i].p, parts[i].cap - 1, 0), more = 0;
        size_t bytes = sizeof more;
        assert_in_range(n, 0, parts[i].cap - 1);
        parts[i].p[n] = '\0';
        assert_int_equal(zmq_getsockopt(asker, ZMQ_RCVMORE, &more, &bytes), 0);
        assert_int_equal(more, i < 6);
    }
    assert_string_equal(ret->version, "1.0");
    assert_string_equal(ret->metadata, "");
}

static void ask_of(const struct curve_public *key, struct answer *ret)
{
    const struct part parts[] = {{"1.0", 3}, {"17", 2}, {ZAP_DOMAIN, 5}, {"10.0.0.1", 8}, {"", 0}, {"CURVE", 5}, {key->b, 32}};
    ask(parts, 7);
    hear(ret);
    assert_string_equal(ret->id, "17");
}

static void a_known_key_is_let_in_under_its_own_name(void **state)
{
    struct answer answer;
    char hex[65];
    (void)state;
    for (size_t i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", known.b[i]);
    }
    ask_of(&known, &answer);
    assert_string_equal(answer.status, "200");
    assert_string_equal(answer.user, hex);
    assert_true(zap_welcomes(zap, &known));
}

static void an_unknown_key_is_sent_away_for_now_and_a_revoked_one_for_good(void **state)
{
    struct answer answer;
    uint64_t for_now, for_good;
    (void)state;
    ask_of(&stranger, &answer);
    assert_string_equal(answer.status, "301"); /* not 400: that would silence it; not 300: see zap.c */
    assert_string_equal(answer.user, "");
    assert_false(zap_welcomes(zap, &stranger));
    ask_of(&revoked, &answer);
    assert_string_equal(answer.status, "400");
    assert_string_equal(answer.user, "");
    assert_false(zap_welcomes(zap, &revoked));
    zap_refused(zap, &for_now, &for_good);
    assert_int_equal(for_now, 1);
    assert_int_equal(for_good, 1);
}

static void a_new_table_replaces_the_old_one(void **state)
{
    struct answer answer;
    struct curve_public both[] = {known, stranger};
    (void)state;
    assert_int_equal(zap_allow(zap, both, 2, both, 1), ERR_OK); /* both lists name `known`: revoked wins */
    ask_of(&known, &answer);
    assert_string_equal(answer.status, "400");
    assert_false(zap_welcomes(zap, &known));
    ask_of(&stranger, &answer);
    assert_string_equal(answer.status, "200");
    ask_of(&revoked, &answer);
    assert_string_equal(answer.status, "301");
    assert_int_equal(zap_allow(zap, NULL, 0, NULL, 0), ERR_OK);
    ask_of(&stranger, &answer);
    assert_string_equal(answer.status, "301");
}

static void a_new_door_keeper_knows_nobody(void **state)
{
    struct zap *second = NULL;
    (void)state;
    assert_int_equal(zap_new(context, &second), ERR_INTERNAL); /* one a context */
    assert_null(second);
    void *other = zmq_ctx_new();
    assert_int_equal(zap_new(other, &second), ERR_OK);
    assert_false(zap_welcomes(second, &known));
    zap_destroy(&second);
    zmq_ctx_term(other);
}

static void whatever_is_not_the_question_is_refused(void **state)
{
    static char longer[300];
    static const char small[33] = "known, 32 bytes of a public key.";
    memset(longer, 'x', sizeof longer);
    const struct {
        const char *what;
        struct part parts[20];
        size_t count;
    } rows[] = {
        {"another version", {{"2.0", 3}, {"1", 1}, {"griot", 5}, {"a", 1}, {"", 0}, {"CURVE", 5}, {small, 32}}, 7},
        {"another domain", {{"1.0", 3}, {"1", 1}, {"griott", 6}, {"a", 1}, {"", 0}, {"CURVE", 5}, {small, 32}}, 7},
        {"no domain", {{"1.0", 3}, {"1", 1}, {"", 0}, {"a", 1}, {"", 0}, {"CURVE", 5}, {small, 32}}, 7},
        {"NULL", {{"1.0", 3}, {"1", 1}, {"griot", 5}, {"a", 1}, {"", 0}, {"NULL", 4}}, 6},
        {"PLAIN", {{"1.0", 3}, {"1", 1}, {"griot", 5}, {"a", 1}, {"", 0}, {"PLAIN", 5}, {"u", 1}, {"p", 1}}, 8},
        {"a short key", {{"1.0", 3}, {"1", 1}, {"griot", 5}, {"a", 1}, {"", 0}, {"CURVE", 5}, {small, 31}}, 7},
        {"a long key", {{"1.0", 3}, {"1", 1}, {"griot", 5}, {"a", 1}, {"", 0}, {"CURVE", 5}, {small, 33}}, 7},
        {"a far too long key", {{"1.0", 3}, {"1", 1}, {"griot", 5}, {"a", 1}, {"", 0}, {"CURVE", 5}, {longer, 300}}, 7},
        {"a frame more", {{"1.0", 3}, {"1", 1}, {"griot", 5}, {"a", 1}, {"", 0}, {"CURVE", 5}, {small, 32}, {"", 0}}, 8},
        {"many frames", {{"1.0", 3}, {"1", 1}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}}, 20},
        {"a request id too long to give back", {{"1.0", 3}, {longer, 300}, {"griot", 5}, {"a", 1}, {"", 0}, {"CURVE", 5}, {small, 32}}, 7},
        {"one frame", {{"1.0", 3}}, 1},
        {"nothing at all", {{"", 0}}, 1},
    };
    struct answer answer;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ask(rows[i].parts, rows[i].count);
        hear(&answer);
        if (strcmp(answer.status, "400") != 0) {
            fail_msg("%s: %s", rows[i].what, answer.status);
        }
    }
    ask_of(&known, &answer); /* and it still answers */
    assert_string_equal(answer.status, "200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_known_key_is_let_in_under_its_own_name, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_key_is_sent_away_for_now_and_a_revoked_one_for_good, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_table_replaces_the_old_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_door_keeper_knows_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_is_not_the_question_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

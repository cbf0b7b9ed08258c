/* Who gets in: each trap of RELIABILITY 3.1 about identity and admission, on a real gateway. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crypto/sign.h"
#include "node/net/listener.h"
#include "proto/limits.h"
#include "tests/lib/gates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

static void a_stranger_waits_outside_and_gets_in_once_allowed(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_dial(&edge, 1, hub.port, &hub.key);
    gate_await(&edge, GATEWAY_GONE, &event);
    assert_int_equal(event.connection, 1);
    assert_true(event.is_refused);
    assert_true(event.is_dialled);
    assert_string_equal(event.why, "the peer does not know our key yet, or is not ready");
    gate_expect_quiet(&hub, 50); /* the hub's core never hears of strangers */

    gate_allow(&hub, (const struct gate *[]){&edge}, 1);
    (void)gate_join(&edge, 2, &hub);
    gate_close(&edge);
    gate_close(&hub);
}

/* Z2: libzmq's own dialler goes on trying after the answer that we give; after 400 it would be silent for ever. */
static void a_stranger_that_libzmq_keeps_dialling_gets_in_by_itself(void **state)
{
    struct gate hub;
    struct raw raw;
    struct gateway_event event;
    uint32_t value;
    (void)state;
    gate_open(&hub, true);
    raw_open(&raw, NULL);
    raw_dial(&raw, &hub);
    raw_send(&raw, "let me in");
    uint16_t seen = 0;
    for (int refusals = 0; refusals < 2;) {
        seen = raw_event(&raw, 5000, &value);
        assert_int_not_equal(seen, 0);
        assert_int_not_equal(seen, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        assert_int_not_equal(seen, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
        refusals += seen == ZMQ_EVENT_DISCONNECTED;
    }
    gateway_allow(hub.gateway, &raw.key, 1, NULL, 0);
    gate_await_text(&hub, "let me in", &event);
    assert_memory_equal(event.key.b, raw.key.b, sizeof raw.key.b);
    raw_close(&raw);
    gate_close(&hub);
}

static void a_revoked_key_is_told_so(void **state)
{
    struct gate hub, edge;
    struct raw raw;
    struct gateway_event event;
    uint32_t value = 0;
    uint16_t seen;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    raw_open(&raw, NULL);
    struct curve_public revoked[] = {raw.key, edge.key};
    /* Revoked wins when a key stands in both lists. */
    gateway_allow(hub.gateway, &raw.key, 1, revoked, 2);
    raw_dial(&raw, &hub);
    do {
        seen = raw_event(&raw, 5000, &value);
        assert_int_not_equal(seen, 0);
    } while (seen != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    assert_int_equal(value, 400);

    gate_dial(&edge, 7, hub.port, &hub.key);
    gate_await(&edge, GATEWAY_GONE, &event);
    assert_true(event.is_refused);
    assert_string_equal(event.why, "the peer refuses our key (400)");
    raw_close(&raw);
    gate_close(&edge);
    gate_close(&hub);
}

/* Z3: libzmq lets everybody in when nobody answers ZAP, unless the domain is enforced. Here the listener runs without its door keeper. */
static void without_a_door_keeper_nobody_gets_in(void **state)
{
    struct transport transport = {.handshake_ms = 1000};
    struct outbox outbox = {0};
    struct routes routes;
    struct zap *zap;
    struct gate member;
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    struct secret *secret;
    (void)state;
    assert_int_equal(curve_keypair(&transport.public, &secret), ERR_OK);
    transport.secret = secret;
    transport.context = zmq_ctx_new();
    int ends[2];
    assert_true(pipe_pair(ends));
    outbox.pipe = ends[0];
    assert_int_equal(routes_init(&routes, &outbox), ERR_OK);
    assert_int_equal(zap_new(transport.context, &zap), ERR_OK);
    struct listener listener = {.transport = &transport, .routes = &routes, .zap = zap, .address = "tcp://127.0.0.1:*"};
    assert_int_equal(listener_open(&listener, why), ERR_OK);
    zap_destroy(&zap); /* it dies */

    gate_open(&member, false);
    unsigned port = 0;
    assert_int_equal(sscanf(listener.address, "tcp://127.0.0.1:%u", &port), 1);
    gate_dial(&member, 1, (uint16_t)port, &transport.public);
    struct gateway_event event;
    int64_t until = gates_now() + 800;
    while (gates_now() < until) {
        listener_read(&listener);
        if (gate_next(&member, 20, &event)) {
            assert_int_equal(event.type, GATEWAY_GONE);
            break;
        }
    }
    assert_int_equal(routes.used, 0);
    gate_close(&member);
    listener_close(&listener);
    routes_fini(&routes);
    outbox_fini(&outbox);
    close(ends[0]);
    close(ends[1]);
    zmq_ctx_term(transport.context);
    secret_destroy(&secret);
}

/* Serve a listener and its door keeper for a while, or until the member has an event of this type. */
static bool serve_until(struct listener *listener, struct zap *zap, struct gate *member, enum gateway_event_type type, int ms)
{
    struct gateway_event event;
    int64_t until = gates_now() + ms;
    while (gates_now() < until) {
        if (zap != NULL) {
            zap_answer(zap);
        }
        listener_read(listener);
        while (gate_next(member, 5, &event)) {
            if (event.type == type) {
                return true;
            }
        }
    }
    return false;
}

static size_t routes_there(const struct routes *routes)
{
    size_t count = 0;
    for (size_t i = 0; i < routes->used; i++) {
        count += routes->all[i].number != 0;
    }
    return count;
}

/* Z14: whoever is in goes on while the door keeper answers nobody; whoever asks for the door waits until his time is up, and no longer. */
static void a_door_keeper_that_never_answers_stops_newcomers_only(void **state)
{
    struct transport transport = {.handshake_ms = 1000};
    struct outbox outbox = {0};
    struct routes routes;
    struct zap *zap;
    struct gate member, newcomer;
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    struct secret *secret;
    int ends[2];
    unsigned port = 0;
    (void)state;
    assert_int_equal(curve_keypair(&transport.public, &secret), ERR_OK);
    transport.secret = secret;
    transport.context = zmq_ctx_new();
    assert_true(pipe_pair(ends));
    outbox.pipe = ends[0];
    assert_int_equal(routes_init(&routes, &outbox), ERR_OK);
    assert_int_equal(zap_new(transport.context, &zap), ERR_OK);
    struct listener listener = {.transport = &transport, .routes = &routes, .zap = zap, .address = "tcp://127.0.0.1:*"};
    assert_int_equal(listener_open(&listener, why), ERR_OK);
    assert_int_equal(sscanf(listener.address, "tcp://127.0.0.1:%u", &port), 1);
    gate_open(&member, false);
    gate_open(&newcomer, false);
    struct curve_public keys[] = {member.key, newcomer.key};
    assert_int_equal(zap_allow(zap, keys, 2, NULL, 0), ERR_OK);

    gate_dial(&member, 1, (uint16_t)port, &transport.public);
    assert_true(serve_until(&listener, zap, &member, GATEWAY_OPEN, 5000));
    gate_send(&member, 1, "in time", true);
    assert_true(serve_until(&listener, zap, &member, GATEWAY_TAKEN, 5000));
    for (int i = 0; i < 100 && routes_there(&routes) == 0; i++) {
        (void)serve_until(&listener, zap, &member, GATEWAY_GONE, 10);
    }
    assert_int_equal(routes_there(&routes), 1);
    uint32_t number = routes.all[0].number;

    int64_t began = gates_now(); /* from now on nobody answers at the door */
    gate_dial(&newcomer, 1, (uint16_t)port, &transport.public);
    unsigned taken = 0;
    bool is_gone = false;
    while (!is_gone && gates_now() - began < 10000) {
        gate_send(&member, 1, "still here", true);
        taken += serve_until(&listener, NULL, &member, GATEWAY_TAKEN, 2000);
        struct gateway_event event;
        while (gate_next(&newcomer, 5, &event)) {
            assert_int_not_equal(event.type, GATEWAY_OPEN);
            is_gone = is_gone || event.type == GATEWAY_GONE;
        }
    }
    assert_true(is_gone);
    assert_true(taken > 3);
    assert_int_equal(routes_there(&routes), 1);
    assert_int_equal(routes.all[0].number, number);
    gate_close(&newcomer);
    gate_close(&member);
    listener_close(&listener);
    zap_destroy(&zap);
    routes_fini(&routes);
    outbox_fini(&outbox);
    close(ends[0]);
    close(ends[1]);
    zmq_ctx_term(transport.context);
    secret_destroy(&secret);
}

/* Z4: after a poll, and the gateway always polls, only the payload frame names its sender. */
static void every_frame_names_the_key_of_its_sender(void **state)
{
    struct gate hub, edges[3];
    struct gateway_event event;
    const struct gate *all[3];
    uint32_t numbers[3];
    (void)state;
    gate_open(&hub, true);
    for (int i = 0; i < 3; i++) {
        gate_open(&edges[i], false);
        all[i] = &edges[i];
    }
    gate_allow(&hub, all, 3);
    for (int i = 0; i < 3; i++) {
        numbers[i] = gate_join(&edges[i], 5, &hub); /* three cores, one number: it is theirs */
        assert_true(numbers[i] >= 0x80000000u);
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 3; i++) {
            char text[2] = {(char)('a' + i), '\0'};
            gate_send(&edges[i], 5, text, false);
        }
    }
    for (int i = 0; i < 60; i++) {
        gate_await(&hub, GATEWAY_FRAME, &event);
        assert_int_equal(event.frame.n, 1);
        int who = event.frame.p[0] - 'a';
        assert_in_range(who, 0, 2);
        assert_memory_equal(event.key.b, edges[who].key.b, sizeof event.key.b);
        assert_int_equal(event.connection, numbers[who]);
    }
    /* And back, each to its own. */
    for (int i = 0; i < 3; i++) {
        gate_send(&hub, numbers[i], "for you", true);
        gate_await(&hub, GATEWAY_TAKEN, &event);
        assert_int_equal(event.connection, numbers[i]);
        gate_await_text(&edges[i], "for you", &event);
        assert_memory_equal(event.key.b, hub.key.b, sizeof event.key.b);
    }
    for (int i = 0; i < 3; i++) {
        gate_close(&edges[i]);
    }
    gate_close(&hub);
}

/* Z5 */
static void a_chosen_routing_id_gains_nothing(void **state)
{
    struct gate hub, honest;
    struct raw thief[2];
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&honest, false);
    raw_open(&thief[0], NULL);
    raw_open(&thief[1], NULL);
    struct curve_public keys[] = {honest.key, thief[0].key, thief[1].key};
    gateway_allow(hub.gateway, keys, 3, NULL, 0);
    uint32_t number = gate_join(&honest, 1, &hub);
    for (int i = 0; i < 2; i++) { /* the second one takes the id of the first */
        assert_int_equal(zmq_setsockopt(thief[i].socket, ZMQ_ROUTING_ID, "hub-dakar", 9), 0);
        raw_dial(&thief[i], &hub);
        raw_send(&thief[i], "I am somebody else");
        if (i == 0) {
            gate_await(&hub, GATEWAY_ABUSE, &event);
            assert_memory_equal(event.key.b, thief[i].key.b, sizeof event.key.b);
            uint32_t thiefs = event.connection;
            gate_await(&hub, GATEWAY_GONE, &event);
            assert_int_equal(event.connection, thiefs);
        }
    }
    gate_send(&hub, number, "secret", false);
    gate_await_text(&honest, "secret", &event);
    gate_send(&honest, 1, "still me", false);
    gate_await_text(&hub, "still me", &event);
    assert_int_equal(event.connection, number);
    raw_close(&thief[0]);
    raw_close(&thief[1]);
    gate_close(&honest);
    gate_close(&hub);
}

/* Z6 */
static void a_revoked_member_is_muted_at_once_and_put_out(void **state)
{
    struct gate hub, stays;
    struct raw goes;
    struct gateway_event event;
    uint32_t value;
    (void)state;
    gate_open(&hub, true);
    gate_open(&stays, false);
    raw_open(&goes, NULL);
    struct curve_public keys[] = {stays.key, goes.key};
    gateway_allow(hub.gateway, keys, 2, NULL, 0);
    uint32_t number = gate_join(&stays, 1, &hub);
    raw_dial(&goes, &hub);
    raw_send(&goes, "one");
    gate_await_text(&hub, "one", &event);
    uint32_t leaver = event.connection;

    gateway_allow(hub.gateway, keys, 1, &goes.key, 1);
    gate_await(&hub, GATEWAY_GONE, &event);
    assert_int_equal(event.connection, leaver);
    raw_send(&goes, "two");
    gate_send(&hub, leaver, "a secret", true); /* dropped, and nothing is told of it */
    gate_expect_quiet(&hub, 200);
    char buffer[16];
    assert_int_equal(zmq_recv(goes.socket, buffer, sizeof buffer, ZMQ_DONTWAIT), -1);
    gate_send(&stays, 1, "I stay", false);
    gate_await_text(&hub, "I stay", &event);
    assert_int_equal(event.connection, number);

    /* Its connection ends too, without anybody else's: libzmq alone could not. */
    uint16_t seen;
    do {
        seen = raw_event(&goes, 5000, &value);
        assert_int_not_equal(seen, 0);
    } while (seen != ZMQ_EVENT_DISCONNECTED);
    gate_expect_quiet(&stays, 50);
    raw_close(&goes);
    gate_close(&stays);
    gate_close(&hub);
}

static void a_closed_peer_is_muted_and_may_dial_again(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_allow(&hub, (const struct gate *[]){&edge}, 1);
    uint32_t number = gate_join(&edge, 1, &hub);
    gate_send(&hub, number, "goodbye", false);
    gateway_close(hub.gateway, number);
    gate_await_text(&edge, "goodbye", &event); /* what was sent before the close arrives */
    gate_send(&edge, 1, "deaf?", false);
    gate_expect_quiet(&hub, 100);
    gate_await(&edge, GATEWAY_GONE, &event);
    assert_false(event.is_refused);
    uint32_t again = gate_join(&edge, 2, &hub);
    assert_int_not_equal(again, number);

    /* The dialler's own close flushes as well, and its peer hears of the end. */
    gate_send(&edge, 2, "bye", false);
    gateway_close(edge.gateway, 2);
    gate_await_text(&hub, "bye", &event);
    gate_await(&hub, GATEWAY_GONE, &event);
    assert_int_equal(event.connection, again);
    assert_string_equal(event.why, "the peer has closed the connection");
    gate_close(&edge);
    gate_close(&hub);
}

/* Z6: the last resort. Others return by themselves, on new numbers. */
static void recycling_ends_all_inbound_connections_and_the_welcome_return(void **state)
{
    enum { EDGES = 8 };
    struct gate hub, other;
    struct raw edges[EDGES];
    struct curve_public keys[EDGES + 1];
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&other, true);
    for (int i = 0; i < EDGES; i++) {
        raw_open(&edges[i], NULL);
        keys[i] = edges[i].key;
    }
    keys[EDGES] = hub.key;
    gateway_allow(hub.gateway, keys, EDGES, NULL, 0);
    gateway_allow(other.gateway, keys, EDGES + 1, NULL, 0);
    uint32_t dialled = gate_join(&hub, 1, &other);
    for (int i = 0; i < EDGES; i++) {
        raw_dial(&edges[i], &hub);
        raw_send(&edges[i], "first");
        gate_await_text(&hub, "first", &event);
    }
    int64_t since = gates_now();
    gateway_recycle(hub.gateway);
    for (int i = 0; i < EDGES; i++) {
        gate_await(&hub, GATEWAY_GONE, &event);
        assert_string_equal(event.why, "the listener was recycled");
    }
    bool is_back[EDGES] = {false};
    for (int back = 0; back < EDGES;) {
        for (int i = 0; i < EDGES; i++) {
            (void)zmq_send(edges[i].socket, "again", 5, ZMQ_DONTWAIT);
        }
        while (gate_next(&hub, 50, &event)) {
            for (int i = 0; i < EDGES && event.type == GATEWAY_FRAME; i++) {
                if (!is_back[i] && memcmp(event.key.b, keys[i].b, 32) == 0) {
                    is_back[i] = true;
                    back++;
                }
            }
        }
        assert_true(gates_now() - since < 10000);
    }
    print_message("    %d peers back %lld ms after recycling\n", EDGES, (long long)(gates_now() - since));
    gate_send(&other, dialled, "not me", false); /* what we dialled is untouched */
    gate_await_text(&hub, "not me", &event);
    for (int i = 0; i < EDGES; i++) {
        raw_close(&edges[i]);
    }
    gate_close(&other);
    gate_close(&hub);
}

/* Z12: what a peer says of itself in ZMTP metadata is never looked at; who it is comes from its key. */
static void what_a_peer_says_of_itself_gives_it_nothing(void **state)
{
    struct gate hub;
    struct raw raw;
    struct gateway_event event;
    (void)state;
    enum { OPTION_METADATA = 95 }; /* a draft in Debian's header, obeyed by the library */
    gate_open(&hub, true);
    raw_open(&raw, NULL);
    (void)zmq_setsockopt(raw.socket, OPTION_METADATA, "X-User-Id:root", 14);
    (void)zmq_setsockopt(raw.socket, OPTION_METADATA, "X-Role:admin", 12);
    gateway_allow(hub.gateway, &raw.key, 1, NULL, 0);
    raw_dial(&raw, &hub);
    raw_send(&raw, "I am root");
    gate_await_text(&hub, "I am root", &event);
    assert_memory_equal(event.key.b, raw.key.b, sizeof raw.key.b);
    raw_close(&raw);
    gate_close(&hub);
}

static void one_key_cannot_take_all_the_places(void **state)
{
    enum { DIALS = 7 };
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_allow(&hub, (const struct gate *[]){&edge}, 1);
    uint32_t numbers[DIALS];
    for (uint32_t i = 0; i < DIALS; i++) {
        numbers[i] = gate_join(&edge, i + 1, &hub);
    }
    gate_send(&hub, numbers[DIALS - 1], "the newest", false);
    gate_await_text(&edge, "the newest", &event);
    assert_int_equal(event.connection, DIALS);
    /* All but the newest four are put out, the oldest first. */
    for (uint32_t i = 0; i < DIALS - INBOUND_KEY_MAX; i++) {
        gate_await(&edge, GATEWAY_GONE, &event);
        assert_int_equal(event.connection, i + 1);
    }
    gate_expect_quiet(&edge, 100);
    gate_close(&edge);
    gate_close(&hub);
}

static void a_wrong_server_key_never_opens(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_allow(&hub, (const struct gate *[]){&edge}, 1);
    gate_dial(&edge, 1, hub.port, &edge.key);
    gate_await(&edge, GATEWAY_GONE, &event);
    gate_expect_quiet(&hub, 50);
    gate_close(&edge);
    gate_close(&hub);
}

static void addresses_that_are_not_tcp_are_refused(void **state)
{
    struct gate gate;
    struct gateway_event event;
    (void)state;
    gate_open(&gate, false);
    const char *addresses[] = {"inproc://zeromq.zap.01", "ipc:///tmp/x",         "pgm://eth0;239.1.1.1:5555", "tcp://", "tcp://host", "",
                               "tcp://host:0",           "tcp://127.0.0.1:99999"};
    for (uint32_t i = 0; i < sizeof addresses / sizeof *addresses; i++) { /* Z17 */
        gateway_dial(gate.gateway, i + 1, addresses[i], &gate.key);
        gate_await(&gate, GATEWAY_GONE, &event);
        assert_int_equal(event.connection, i + 1);
        assert_string_equal(event.why, "what its card or griot.ini names is not tcp://host:port");
    }
    gate_dial(&gate, 100, 1, &gate.key); /* nobody listens there */
    gate_await(&gate, GATEWAY_GONE, &event);
    assert_int_equal(event.connection, 100);
    assert_false(event.is_refused);
    gate_close(&gate);
}

static void starting_says_why_it_cannot(void **state)
{
    struct gate first;
    (void)state;
    gate_open(&first, true);
    char taken[64], longer[512];
    snprintf(taken, sizeof taken, "tcp://127.0.0.1:%u", first.port);
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "tcp://", 6);
    longer[sizeof longer - 1] = '\0';
    const struct {
        const char *what, *listen;
        enum err err;
    } rows[] = {
        {"an address that is taken", taken, ERR_EXISTS}, {"another transport", "ipc:///tmp/griot", ERR_CONFIG},
        {"no port", "tcp://127.0.0.1", ERR_CONFIG},      {"a foreign address", "tcp://192.0.2.1:5555", ERR_CONFIG},
        {"no address at all", "tcp://", ERR_CONFIG},     {"an address far too long", longer, ERR_CONFIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gateway_config config = {.listen = rows[i].listen, .transport_public = first.key, .transport = first.secret};
        struct gateway *gateway = NULL;
        char why[GATEWAY_WHY_BYTES_MAX] = "";
        enum err err = gateway_new(&config, &gateway, why);
        if (err != rows[i].err) {
            fail_msg("%s: %s (%s)", rows[i].what, err_name(err), why);
        }
        assert_null(gateway);
        assert_true(strlen(why) > 10);
    }
    gate_close(&first);
}

/* Z7: the limit on a message holds before the handshake, and a member's frame may be as long as the protocol says, no longer. */
static void frames_are_limited_before_and_after_the_handshake(void **state)
{
    struct gate hub, edge;
    struct raw raw;
    struct gateway_event event;
    uint8_t greeting[64], header[9] = {2};
    uint32_t value;
    static uint8_t body[FRAME_BYTES_MAX + 64];
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    zmtp_greeting(greeting);
    uint64_t sizes[] = {ZMQ_MESSAGE_BYTES_MAX + 1, UINT64_C(1) << 31, UINT64_C(1) << 62, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int fd = tcp_dial(hub.port);
        assert_int_equal(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
        for (int k = 0; k < 8; k++) {
            header[1 + k] = (uint8_t)(sizes[i] >> (56 - 8 * k));
        }
        assert_int_equal(send(fd, header, sizeof header, MSG_NOSIGNAL), sizeof header);
        assert_true(tcp_ends(fd, GATES_HANDSHAKE_MS / 2)); /* sooner than the handshake's time is up */
        close(fd);
    }

    raw_open(&raw, NULL);
    struct curve_public keys[] = {raw.key, edge.key};
    gateway_allow(hub.gateway, keys, 2, NULL, 0);
    (void)gate_join(&edge, 1, &hub);
    for (size_t n = FRAME_BYTES_MAX - 1; n <= FRAME_BYTES_MAX; n++) {
        gateway_send(edge.gateway, 1, span_of(body, n), false);
        gate_await(&hub, GATEWAY_FRAME, &event);
        assert_int_equal(event.frame.n, n);
    }
    raw_dial(&raw, &hub);
    raw_send(&raw, "short");
    gate_await_text(&hub, "short", &event);
    assert_true(zmq_send(raw.socket, body, sizeof body, 0) >= 0);
    uint16_t seen;
    do {
        seen = raw_event(&raw, 5000, &value);
        assert_int_not_equal(seen, 0);
    } while (seen != ZMQ_EVENT_DISCONNECTED);
    gate_await(&hub, GATEWAY_GONE, &event);
    assert_memory_equal(event.key.b, raw.key.b, sizeof raw.key.b);
    raw_close(&raw);
    gate_close(&edge);
    gate_close(&hub);
}

/* Z8 */
static void whoever_does_not_prove_a_key_is_cut_off_in_time(void **state)
{
    struct gate hub;
    uint8_t greeting[64];
    (void)state;
    gate_open(&hub, true);
    zmtp_greeting(greeting);
    int silent = tcp_dial(hub.port), half = tcp_dial(hub.port), slow = tcp_dial(hub.port);
    int64_t since = gates_now();
    assert_int_equal(send(half, greeting, 64, MSG_NOSIGNAL), 64);
    for (int i = 0; i < 6; i++) { /* a byte now and then does not help */
        (void)send(slow, greeting + i, 1, MSG_NOSIGNAL);
        usleep(GATES_HANDSHAKE_MS * 100);
    }
    assert_true(tcp_ends(silent, 3 * GATES_HANDSHAKE_MS));
    assert_true(gates_now() - since >= GATES_HANDSHAKE_MS / 2);
    assert_true(tcp_ends(half, GATES_HANDSHAKE_MS));
    assert_true(tcp_ends(slow, GATES_HANDSHAKE_MS));
    close(silent);
    close(half);
    close(slow);
    gate_close(&hub);
}

static void await_refused(const struct gate *gate, enum gateway_refusal what, uint64_t count)
{
    for (int64_t until = gates_now() + 5000; gateway_refused(gate->gateway, what).count < count && gates_now() < until;) {
        usleep(5000);
    }
    assert_int_equal(gateway_refused(gate->gateway, what).count, count);
}

static void expect_refused(const struct gate *gate, uint64_t unknown, uint64_t revoked, uint64_t unproved)
{
    await_refused(gate, GATEWAY_UNKNOWN, unknown);
    await_refused(gate, GATEWAY_REVOKED, revoked);
    await_refused(gate, GATEWAY_UNPROVED, unproved);
}

static void whoever_is_turned_away_is_counted(void **state)
{
    struct gate hub, edge, revoked, member;
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_open(&revoked, false);
    gate_open(&member, false);
    expect_refused(&hub, 0, 0, 0);
    gateway_allow(hub.gateway, &member.key, 1, &revoked.key, 1);
    uint64_t since = (uint64_t)gates_now();
    for (uint32_t i = 1; i <= 2; i++) {
        gate_dial(&edge, i, hub.port, &hub.key);
        gate_await(&edge, GATEWAY_GONE, &event);
        expect_refused(&hub, i, 0, 0);
    }
    assert_in_range(gateway_refused(hub.gateway, GATEWAY_UNKNOWN).last.ms, since, (uint64_t)gates_now());
    gate_dial(&revoked, 1, hub.port, &hub.key);
    gate_await(&revoked, GATEWAY_GONE, &event);
    expect_refused(&hub, 2, 1, 0);

    static const char *const garbage[] = {"GET / HTTP/1.1\r\nHost: hub\r\n\r\n", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""};
    for (size_t i = 0; i < 3; i++) { /* the last says nothing, and hangs up */
        int fd = tcp_dial(hub.port);
        (void)send(fd, garbage[i], strlen(garbage[i]), MSG_NOSIGNAL);
        if (i < 2) {
            assert_true(tcp_ends(fd, 3 * GATES_HANDSHAKE_MS));
        }
        close(fd);
        expect_refused(&hub, 2, 1, i + 1);
    }
    void *context = zmq_ctx_new(), *plain = zmq_socket(context, ZMQ_DEALER); /* ZeroMQ without CURVE */
    char address[64];
    int none = 0;
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", (unsigned)hub.port);
    assert_int_equal(zmq_setsockopt(plain, ZMQ_LINGER, &none, sizeof none), 0);
    none = -1;
    assert_int_equal(zmq_setsockopt(plain, ZMQ_RECONNECT_IVL, &none, sizeof none), 0);
    assert_int_equal(zmq_connect(plain, address), 0);
    expect_refused(&hub, 2, 1, 4);
    zmq_close(plain);
    zmq_ctx_term(context);

    (void)gate_join(&member, 1, &hub); /* a member that comes and goes is none of these, be it before its first word */
    gateway_close(member.gateway, 1);
    gate_await(&hub, GATEWAY_GONE, &event);
    gate_dial(&member, 2, hub.port, &hub.key);
    gate_await(&member, GATEWAY_OPEN, &event);
    gateway_close(member.gateway, 2);
    usleep(100000);
    expect_refused(&hub, 2, 1, 4);
    gate_close(&member);
    gate_close(&revoked);
    gate_close(&edge);
    gate_close(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_waits_outside_and_gets_in_once_allowed),
        cmocka_unit_test(a_stranger_that_libzmq_keeps_dialling_gets_in_by_itself),
        cmocka_unit_test(a_revoked_key_is_told_so),
        cmocka_unit_test(without_a_door_keeper_nobody_gets_in),
        cmocka_unit_test(a_door_keeper_that_never_answers_stops_newcomers_only),
        cmocka_unit_test(every_frame_names_the_key_of_its_sender),
        cmocka_unit_test(a_chosen_routing_id_gains_nothing),
        cmocka_unit_test(a_revoked_member_is_muted_at_once_and_put_out),
        cmocka_unit_test(a_closed_peer_is_muted_and_may_dial_again),
        cmocka_unit_test(recycling_ends_all_inbound_connections_and_the_welcome_return),
        cmocka_unit_test(what_a_peer_says_of_itself_gives_it_nothing),
        cmocka_unit_test(one_key_cannot_take_all_the_places),
        cmocka_unit_test(a_wrong_server_key_never_opens),
        cmocka_unit_test(addresses_that_are_not_tcp_are_refused),
        cmocka_unit_test(starting_says_why_it_cannot),
        cmocka_unit_test(frames_are_limited_before_and_after_the_handshake),
        cmocka_unit_test(whoever_does_not_prove_a_key_is_cut_off_in_time),
        cmocka_unit_test(whoever_is_turned_away_is_counted),
    };
    if (crypto_start() != ERR_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What networks and strangers do to the bytes on the line: RELIABILITY Z1, Z8 and Z15 on a real gateway. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/net/link.h"
#include "node/net/resolve.h"
#include "tests/lib/gates.h"
#include "tests/lib/relay.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void open_both(struct gate *hub, struct gate *edge)
{
    gate_open(hub, true);
    gate_open(edge, false);
    gate_allow(hub, (const struct gate *[]){edge}, 1);
}

/* One dial through a relay, frames to and fro until the bit has been flipped. The dialler's connection
 * must then have ended (or never have opened), or every frame have arrived unharmed; and a new dial works. */
static void survive_flip(struct gate *hub, struct gate *edge, uint32_t *number, enum relay_direction direction, uint64_t at)
{
    enum { FRAMES = 6 };
    struct relay_plan plan = {.target = hub->port, .flip = direction, .flip_at = at, .flip_mask = (uint8_t)(1 << (at % 8))};
    struct relay *relay = relay_new(&plan);
    struct gateway_event event;
    bool is_gone = false;
    uint32_t at_hub = 0;
    int got_hub = 0, got_edge = 0;
    assert_non_null(relay);
    gate_dial(edge, ++*number, relay_port(relay), &hub->key);
    int64_t until = gates_now() + 6000;
    while (!is_gone && (got_hub < FRAMES || got_edge < FRAMES)) {
        if (gates_now() > until) {
            fail_msg("flip at byte %llu towards %s: neither frames nor GONE", (unsigned long long)at,
                     direction == RELAY_TO_LISTENER ? "the listener" : "the dialler");
        }
        while (gate_next(edge, 2, &event)) {
            assert_int_equal(event.connection, *number);
            if (event.type == GATEWAY_OPEN) {
                for (int i = 0; i < FRAMES; i++) {
                    gate_send(edge, *number, "a frame to the listener", false);
                }
            }
            if (event.type == GATEWAY_FRAME) {
                assert_true(span_equal(event.frame, span_text("a frame to the dialler")));
                got_edge++;
            }
            is_gone = is_gone || event.type == GATEWAY_GONE;
        }
        while (gate_next(hub, 2, &event)) {
            if (event.type == GATEWAY_FRAME && span_equal(event.frame, span_text("a frame to the listener"))) {
                at_hub = event.connection;
                got_hub++;
                gate_send(hub, at_hub, "a frame to the dialler", false);
            } else {
                assert_int_not_equal(event.type, GATEWAY_FRAME); /* never a harmed one */
            }
        }
    }
    if (!is_gone) {
        gateway_close(edge->gateway, *number);
    }
    relay_destroy(&relay);
    if (at_hub != 0) { /* the hub hears of the end too, whoever noticed first */
        while (gate_next(hub, 5000, &event) && event.type != GATEWAY_GONE) {
        }
        assert_int_equal(event.type, GATEWAY_GONE);
    }
    (void)gate_join(edge, ++*number, hub);
    gateway_close(edge->gateway, *number);
    gate_await(hub, GATEWAY_GONE, &event);
    while (gate_next(edge, 0, &event)) {
    }
}

/* Z1: after one flipped bit libzmq's own reconnecting stops for ever, and says nothing. Here the core is told, and dials. */
static void one_flipped_bit_ends_one_connection_and_no_more(void **state)
{
    /* Greeting, mechanism name, commands of the handshake, frames; the whole opening is 567 and 301 bytes. */
    static const uint64_t offsets[] = {0, 9, 10, 13, 32, 64, 65, 70, 150, 230, 264, 290, 350, 500, 567, 569, 580, 620, 700};
    struct gate hub, edge;
    uint32_t number = 0;
    (void)state;
    open_both(&hub, &edge);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        survive_flip(&hub, &edge, &number, RELAY_TO_DIALLER, offsets[i]);
        survive_flip(&hub, &edge, &number, RELAY_TO_LISTENER, offsets[i]);
    }
    gate_close(&edge);
    gate_close(&hub);
}

/* Z1: what answers is no griot: a portal's page, a mute, a forger. */
static void strange_answers_to_a_dialler_end_its_dial(void **state)
{
    static const char portal[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>please log in</html>          ";
    static const uint8_t forged_error[] = {4, 10, 5, 'E', 'R', 'R', 'O', 'R', 3, '4', '0', '0'};
    static const uint8_t bad_welcome[40] = {4, 30, 7, 'W', 'E', 'L', 'C', 'O', 'M', 'E'};
    uint8_t greeting[64], null_greeting[64], noise[200];
    zmtp_greeting(greeting);
    memcpy(null_greeting, greeting, 64);
    memcpy(null_greeting + 12, "NULL\0", 5);
    for (int i = 0; i < 200; i++) {
        noise[i] = (uint8_t)(i * 37 + 11);
    }
    const struct {
        const char *what;
        struct span first, second;
        bool is_closing, is_reset;
    } rows[] = {
        {"closes at once", {0}, {0}, true, false},
        {"resets at once", {0}, {0}, true, true},
        {"says nothing", {0}, {0}, false, false},
        {"noise", span_of(noise, sizeof noise), {0}, false, false},
        {"noise, then closes", span_of(noise, sizeof noise), {0}, true, false},
        {"another mechanism", span_of(null_greeting, 64), {0}, false, false},
        {"a greeting and no more", span_of(greeting, 64), {0}, false, false},
        {"a greeting, then closes", span_of(greeting, 64), {0}, true, false},
        {"a forged refusal", span_of(greeting, 64), span_of(forged_error, sizeof forged_error), false, false},
        {"a bad WELCOME", span_of(greeting, 64), span_of(bad_welcome, sizeof bad_welcome), false, false},
        {"a portal's page", span_of(portal, sizeof portal - 1), {0}, true, false},
        {"half a greeting", span_of(greeting, 11), {0}, false, false},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    struct gate hub, edge;
    struct gateway_event event;
    int listeners[ROWS], fds[ROWS];
    (void)state;
    open_both(&hub, &edge);
    for (int i = 0; i < ROWS; i++) { /* all at once: two of them take the whole time of a handshake */
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t n = sizeof address;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listeners[i], (struct sockaddr *)&address, n), 0);
        assert_int_equal(listen(listeners[i], 1), 0);
        assert_int_equal(getsockname(listeners[i], (struct sockaddr *)&address, &n), 0);
        gate_dial(&edge, (uint32_t)i + 1, ntohs(address.sin_port), &hub.key);
        fds[i] = accept(listeners[i], NULL, NULL);
        assert_true(fds[i] >= 0);
        (void)send(fds[i], rows[i].first.p, rows[i].first.n, MSG_NOSIGNAL);
        (void)send(fds[i], rows[i].second.p, rows[i].second.n, MSG_NOSIGNAL);
        if (rows[i].is_reset) {
            struct linger now = {.l_onoff = 1, .l_linger = 0};
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        if (rows[i].is_closing) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
    bool is_gone[ROWS] = {false};
    for (int i = 0; i < ROWS; i++) {
        if (!gate_next(&edge, 6000, &event)) {
            for (int k = 0; k < ROWS; k++) {
                if (!is_gone[k]) {
                    fail_msg("%s: nothing was told", rows[k].what);
                }
            }
        }
        assert_int_equal(event.type, GATEWAY_GONE);
        assert_in_range(event.connection, 1, ROWS);
        assert_false(is_gone[event.connection - 1]);
        assert_true(strlen(event.why) > 0);
        is_gone[event.connection - 1] = true;
    }
    for (int i = 0; i < ROWS; i++) {
        close(fds[i]);
        close(listeners[i]);
    }
    (void)gate_join(&edge, 100, &hub);
    gate_close(&edge);
    gate_close(&hub);
}

static void a_cut_line_is_told_to_both_and_dialled_again(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    open_both(&hub, &edge);
    struct relay *relay = relay_new(&(struct relay_plan){.target = hub.port});
    assert_non_null(relay);
    for (uint32_t number = 1; number <= 10; number++) {
        gate_dial(&edge, number, relay_port(relay), &hub.key);
        gate_await(&edge, GATEWAY_OPEN, &event);
        gate_send(&edge, number, "hello", false);
        gate_await_text(&hub, "hello", &event);
        uint32_t at_hub = event.connection;
        for (int i = 0; i < 5; i++) { /* frames are on their way when it is cut */
            gate_send(&edge, number, "cut me off", false);
            gate_send(&hub, at_hub, "cut me off", false);
        }
        relay_cut(relay);
        gate_await(&edge, GATEWAY_GONE, &event);
        assert_int_equal(event.connection, number);
        gate_await(&hub, GATEWAY_GONE, &event);
        assert_int_equal(event.connection, at_hub);
    }
    relay_destroy(&relay);
    gate_close(&edge);
    gate_close(&hub);
}

/* A line that has died without a word: nobody is told, closing it is the engine's business, and leaves nothing behind. */
static void a_dead_line_is_closed_from_either_end(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    open_both(&hub, &edge);
    struct relay *relay = relay_new(&(struct relay_plan){.target = hub.port});
    assert_non_null(relay);
    gate_dial(&edge, 1, relay_port(relay), &hub.key);
    gate_await(&edge, GATEWAY_OPEN, &event);
    gate_send(&edge, 1, "hello", false);
    gate_await_text(&hub, "hello", &event);
    uint32_t at_hub = event.connection;
    relay_hold(relay, true);
    gate_send(&edge, 1, "anybody?", true);
    gate_send(&hub, at_hub, "anybody?", true);
    gate_await(&edge, GATEWAY_TAKEN, &event); /* handed over is not delivered */
    gate_await(&hub, GATEWAY_TAKEN, &event);
    gate_expect_quiet(&edge, 100);
    gate_expect_quiet(&hub, 100);
    gateway_close(edge.gateway, 1);
    gateway_close(hub.gateway, at_hub);
    (void)gate_join(&edge, 2, &hub); /* another way there is */
    relay_hold(relay, false);
    usleep(50000);
    gate_expect_quiet(&edge, 50); /* what was closed stays closed */
    gate_expect_quiet(&hub, 50);
    relay_destroy(&relay);
    gate_close(&edge);
    gate_close(&hub);
}

/* The listener's process dies and comes back; the dialler's supervisor finds it. */
static void a_peer_that_comes_back_is_found_again(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    open_both(&hub, &edge);
    uint16_t port = hub.port;
    char listen[64];
    snprintf(listen, sizeof listen, "tcp://127.0.0.1:%u", port);
    uint32_t number = 1;
    for (int life = 0; life < 5; life++) {
        (void)gate_join(&edge, number, &hub);
        gateway_destroy(&hub.gateway);
        gate_await(&edge, GATEWAY_GONE, &event);
        assert_int_equal(event.connection, number);
        gate_dial(&edge, ++number, port, &hub.key); /* while nobody listens */
        gate_await(&edge, GATEWAY_GONE, &event);
        assert_int_equal(event.connection, number);
        struct gateway_config config = {.listen = listen, .transport_public = hub.key, .transport = hub.secret};
        char why[GATEWAY_WHY_BYTES_MAX];
        assert_int_equal(gateway_new(&config, &hub.gateway, why), ERR_OK); /* at once, on the same port */
        gate_allow(&hub, (const struct gate *[]){&edge}, 1);
        number++;
    }
    gate_close(&edge);
    gate_close(&hub);
}

/* One side of the link module meets the gateway: what link.h decides is what a gateway needs. */
static void the_supervisor_brings_a_link_up_through_failures(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    struct link link;
    struct node_id node = {{1}};
    uint32_t number = 0;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    link_init(&link, &node, link_retry_ms_max(PROFILE_SANDBOX), (struct mono_ms){(uint64_t)gates_now()});
    int64_t since = gates_now();
    while (link.state != LINK_UP) {
        struct mono_ms now = {(uint64_t)gates_now()};
        assert_true(gates_now() - since < 20000);
        if (link_is_due(&link, now) && link.state == LINK_WAITING) {
            if (link.attempts == 2) { /* the roster has reached the hub */
                gate_allow(&hub, (const struct gate *[]){&edge}, 1);
            }
            gate_dial(&edge, ++number, hub.port, &hub.key);
            link_dialled(&link, number, now);
        }
        if (gate_next(&edge, 20, &event) && event.connection == link.connection) {
            if (event.type == GATEWAY_OPEN) {
                link_up(&link);
            } else if (event.type == GATEWAY_GONE) {
                link_failed(&link, event.why, event.is_refused, 0, (uint64_t)now.ms * 7919, now);
                assert_true(link.is_refused);
            }
        }
    }
    assert_int_equal(link.attempts, 3);
    print_message("    up after %llu attempts in %lld ms\n", (unsigned long long)link.attempts, (long long)(gates_now() - since));
    gate_close(&edge);
    gate_close(&hub);
}

/* Names are looked up beside everything else, however long that takes. */
static void names_are_found_without_holding_up_others(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    char address[64];
    (void)state;
    open_both(&hub, &edge);
    uint32_t number = gate_join(&edge, 1, &hub);
    snprintf(address, sizeof address, "tcp://localhost:%u", hub.port);
    gateway_dial(edge.gateway, 2, address, &hub.key);
    gate_await(&edge, GATEWAY_OPEN, &event);
    assert_int_equal(event.connection, 2);
    gateway_dial(edge.gateway, 3, "tcp://no-such-node.invalid:7301", &hub.key);
    gateway_dial(edge.gateway, 4, "tcp://nor-such-a-one.invalid:7301", &hub.key);
    gateway_close(edge.gateway, 4); /* given up while it is looked for */
    int64_t since = gates_now();
    for (int i = 0; i < 20; i++) {
        gate_send(&edge, 1, "tick", false);
        gate_await_text(&hub, "tick", &event);
        assert_int_equal(event.connection, number);
    }
    assert_true(gates_now() - since < 1000);
    if (gate_next(&edge, 3000, &event)) { /* where name servers are silent it takes longer than we wait */
        assert_int_equal(event.type, GATEWAY_GONE);
        assert_int_equal(event.connection, 3);
        assert_non_null(strstr(event.why, "the address of no-such-node.invalid is not known"));
    }
    gate_close(&edge);
    gate_close(&hub);
}

static void host_numbers_need_no_resolver(void **state)
{
    (void)state;
    assert_true(resolve_is_needless("tcp://192.0.2.1:7301"));
    assert_true(resolve_is_needless("tcp://[2001:db8::1]:7301"));
    assert_false(resolve_is_needless("tcp://dakar.example:7301"));
    assert_false(resolve_is_needless("tcp://1.2.3.4.example:7301"));
}

/* While the far end takes nothing, little is in the kernel and in libzmq: that much, and no more, goes before an alert. */
static void a_stalled_line_holds_little_back(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    static uint8_t frame[4096];
    (void)state;
    for (int is_inbound = 0; is_inbound < 2; is_inbound++) {
        open_both(&hub, &edge);
        struct relay *relay = relay_new(&(struct relay_plan){.target = hub.port, .buffer_bytes = 4096});
        assert_non_null(relay);
        gate_dial(&edge, 1, relay_port(relay), &hub.key);
        gate_await(&edge, GATEWAY_OPEN, &event);
        gate_send(&edge, 1, "hello", false);
        gate_await_text(&hub, "hello", &event);
        uint32_t number = is_inbound ? event.connection : 1;
        struct gate *from = is_inbound ? &hub : &edge;
        relay_hold(relay, true);
        size_t taken = 0;
        for (int i = 0; i < 200; i++) {
            gateway_send(from->gateway, number, span_of(frame, sizeof frame), true);
        }
        while (gate_next(from, 200, &event)) {
            taken += event.type == GATEWAY_TAKEN;
        }
        print_message("    %s: %zu KB were taken by a line that takes nothing\n", is_inbound ? "inbound" : "dialled", taken * 4);
        assert_true(taken * sizeof frame <= 96 * 1024);
        relay_destroy(&relay);
        gate_close(&edge);
        gate_close(&hub);
    }
}

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % below;
}

/* An opening as a stranger might make it: a greeting, some commands, bits flipped, cut off anywhere. */
static size_t mutate(uint8_t opening[2048])
{
    static const char *const mechanisms[] = {"CURVE", "NULL", "PLAIN", "GSSAPI", "CURVEX", ""};
    static const char *const commands[] = {"HELLO", "INITIATE", "MESSAGE", "READY", "ERROR", "PING"};
    size_t n = 64;
    memset(opening, 0, 64);
    zmtp_greeting(opening);
    memset(opening + 12, 0, 20);
    const char *mechanism = mechanisms[draw(6)];
    memcpy(opening + 12, mechanism, strlen(mechanism));
    opening[10] = (uint8_t)draw(4);
    opening[11] = (uint8_t)draw(3);
    opening[32] = (uint8_t)draw(2);
    for (uint32_t frames = draw(6); frames > 0 && n < 1500; frames--) {
        const char *name = commands[draw(6)];
        uint32_t body = draw(300), kind = draw(4);
        if (kind == 0) {
            opening[n++] = 4;
            opening[n++] = (uint8_t)(body < 255 ? body : 255);
        } else if (kind == 1) {
            opening[n++] = 6;
            for (int i = 0; i < 8; i++) {
                opening[n++] = draw(5) != 0 ? 0 : (uint8_t)draw(256);
            }
        } else {
            opening[n++] = (uint8_t)draw(256);
            opening[n++] = (uint8_t)draw(256);
        }
        opening[n++] = (uint8_t)strlen(name);
        memcpy(opening + n, name, strlen(name));
        n += strlen(name);
        for (uint32_t i = 0; i < body && n < 2000; i++) {
            opening[n++] = (uint8_t)draw(256);
        }
    }
    for (uint32_t flips = draw(8); flips > 0; flips--) {
        opening[draw((uint32_t)n)] ^= (uint8_t)(1U << draw(8));
    }
    return draw(10) == 0 ? draw((uint32_t)n) + 1 : n;
}

/* Z15 */
static void thousands_of_mutated_openings_harm_nobody(void **state)
{
    enum { OPENINGS = 3000 };
    struct gate hub, edge;
    struct gateway_event event;
    uint8_t opening[2048];
    (void)state;
    seed = 0x9E3779B97F4A7C15u ^ (uint64_t)getpid();
    print_message("    seed %llu\n", (unsigned long long)seed);
    open_both(&hub, &edge);
    uint32_t number = gate_join(&edge, 1, &hub);
    long before = 0;
    for (int i = 0; i < OPENINGS; i++) {
        int fd = tcp_dial(hub.port);
        assert_true(fd >= 0);
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        size_t n = mutate(opening);
        size_t first = draw(3) == 0 ? draw((uint32_t)n) : n;
        (void)send(fd, opening, first, MSG_NOSIGNAL);
        (void)send(fd, opening + first, n - first, MSG_NOSIGNAL);
        if (draw(4) == 0) {
            (void)tcp_ends(fd, 2);
        }
        close(fd);
        if (i % 100 == 0) { /* a member notices nothing */
            gate_send(&edge, 1, "tick", false);
            gate_await_text(&hub, "tick", &event);
            assert_int_equal(event.connection, number);
        }
        if (i == OPENINGS / 3) {
            before = gates_resident_kb();
        }
    }
    gate_expect_quiet(&hub, 50);
    gate_expect_quiet(&edge, 0);
    print_message("    resident memory grew by %ld KB over the last two thirds\n", gates_resident_kb() - before);
    assert_true(gates_resident_kb() - before < 16384);
    gate_close(&edge);
    gate_close(&hub);
}

/* Many come and go; the numbers are never used twice, and nothing piles up. */
static void coming_and_going_leaves_nothing_behind(void **state)
{
    enum { ROUNDS = 300 };
    struct gate hub, edge;
    struct gateway_event event;
    uint32_t last = 0;
    long before = 0;
    (void)state;
    open_both(&hub, &edge);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        uint32_t number = gate_join(&edge, i, &hub);
        assert_true(last == 0 || number > last);
        last = number;
        if (i % 2 == 0) { /* the one leaves, or the other closes: both hear of it */
            gateway_close(edge.gateway, i);
            gate_await(&hub, GATEWAY_GONE, &event);
            assert_int_equal(event.connection, number);
        }
        if (i == ROUNDS / 3) {
            before = gates_resident_kb();
        }
    }
    print_message("    resident memory grew by %ld KB over the last two thirds\n", gates_resident_kb() - before);
    assert_true(gates_resident_kb() - before < 16384);
    gate_close(&edge);
    gate_close(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_flipped_bit_ends_one_connection_and_no_more),
        cmocka_unit_test(strange_answers_to_a_dialler_end_its_dial),
        cmocka_unit_test(a_cut_line_is_told_to_both_and_dialled_again),
        cmocka_unit_test(a_dead_line_is_closed_from_either_end),
        cmocka_unit_test(a_peer_that_comes_back_is_found_again),
        cmocka_unit_test(the_supervisor_brings_a_link_up_through_failures),
        cmocka_unit_test(names_are_found_without_holding_up_others),
        cmocka_unit_test(host_numbers_need_no_resolver),
        cmocka_unit_test(a_stalled_line_holds_little_back),
        cmocka_unit_test(thousands_of_mutated_openings_harm_nobody),
        cmocka_unit_test(coming_and_going_leaves_nothing_behind),
    };
    if (crypto_start() != ERR_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

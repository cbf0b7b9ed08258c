/* What a member, or a crowd, can cost: RELIABILITY Z9 to Z11 on a real gateway. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/net/route.h"
#include "tests/lib/gates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

/* Z10: libzmq holds a message of many frames whole before anybody sees it; it is thrown away frame by frame, and whoever sent it is put out. */
static void a_message_of_many_frames_is_thrown_away_with_its_sender(void **state)
{
    struct gate hub, honest;
    struct gateway_event event;
    static uint8_t chunk[60000];
    const struct {
        const char *what;
        int frames;
        size_t bytes;
    } rows[] = {
        {"two frames", 2, 3},
        {"few large frames", 30, sizeof chunk},
        {"many small frames", 20000, 1},
        {"an empty frame before the payload", 2, 0},
    };
    (void)state;
    gate_open(&hub, true);
    gate_open(&honest, false);
    long before = gates_resident_kb(), worst = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct raw raw;
        raw_open(&raw, NULL);
        struct curve_public keys[] = {honest.key, raw.key};
        gateway_allow(hub.gateway, keys, 2, NULL, 0);
        uint32_t number = gate_join(&honest, (uint32_t)i + 1, &hub);
        raw_dial(&raw, &hub);
        raw_send(&raw, "one good frame");
        gate_await_text(&hub, "one good frame", &event);
        uint32_t bomber = event.connection;
        for (int k = 1; k <= rows[i].frames; k++) {
            int sent = zmq_send(raw.socket, chunk, rows[i].bytes, k < rows[i].frames ? ZMQ_SNDMORE : 0);
            if (sent < 0) {
                fail_msg("%s: %s", rows[i].what, zmq_strerror(errno));
            }
        }
        (void)zmq_send(raw.socket, "and now?", 8, ZMQ_DONTWAIT);
        gate_await(&hub, GATEWAY_ABUSE, &event);
        assert_int_equal(event.connection, bomber);
        assert_memory_equal(event.key.b, raw.key.b, 32);
        gate_await(&hub, GATEWAY_GONE, &event);
        assert_int_equal(event.connection, bomber);
        long now = gates_resident_kb() - before;
        worst = now > worst ? now : worst;
        gate_expect_quiet(&hub, 50);
        gate_send(&honest, (uint32_t)i + 1, "not I", false);
        gate_await_text(&hub, "not I", &event);
        assert_int_equal(event.connection, number);
        gateway_close(honest.gateway, (uint32_t)i + 1);
        gate_await(&hub, GATEWAY_GONE, &event);
        raw_close(&raw);
    }
    print_message("    resident memory rose by at most %ld KB, sender and gateway together\n", worst);
    assert_true(worst < 32768);
    gate_close(&honest);
    gate_close(&hub);
}

/* The first message of a member, or a later one, of far too many frames: it is cut off in the middle, and nobody else is. */
static void a_message_without_end_is_cut_off(void **state)
{
    enum { FRAMES = 4000 }; /* 240 MB; a libzmq sender begins to send when the last one is there */
    struct gate hub, honest;
    struct gateway_event event;
    static uint8_t chunk[60000];
    (void)state;
    for (int is_stranger = 0; is_stranger < 2; is_stranger++) {
        struct raw raw;
        uint32_t value;
        uint16_t seen;
        gate_open(&hub, true);
        gate_open(&honest, false);
        raw_open(&raw, NULL);
        int never = -1;
        assert_int_equal(zmq_setsockopt(raw.socket, ZMQ_RECONNECT_IVL, &never, sizeof never), 0);
        struct curve_public keys[] = {honest.key, raw.key};
        gateway_allow(hub.gateway, keys, 2, NULL, 0);
        uint32_t number = gate_join(&honest, 1, &hub);
        raw_dial(&raw, &hub);
        if (!is_stranger) {
            raw_send(&raw, "one good frame");
            gate_await_text(&hub, "one good frame", &event);
        }
        for (int i = 0; i < FRAMES; i++) {
            assert_true(zmq_send(raw.socket, chunk, sizeof chunk, i + 1 < FRAMES ? ZMQ_SNDMORE : 0) >= 0);
        }
        if (!is_stranger) {
            gate_await(&hub, GATEWAY_ABUSE, &event);
            gate_await(&hub, GATEWAY_GONE, &event);
            assert_memory_equal(event.key.b, raw.key.b, 32);
            assert_string_equal(event.why, "the peer sends a message without end");
        }
        do {
            seen = raw_event(&raw, 10000, &value);
            assert_int_not_equal(seen, 0);
        } while (seen != ZMQ_EVENT_DISCONNECTED);
        gate_expect_quiet(&hub, 50); /* no part of it was shown */
        gate_send(&honest, 1, "not I", false);
        gate_await_text(&hub, "not I", &event);
        assert_int_equal(event.connection, number);
        raw_close(&raw);
        gate_close(&honest);
        gate_close(&hub);
    }
}

static void number_frame(uint8_t frame[65536], uint32_t number)
{
    memset(frame, (int)number, 65536);
    memcpy(frame, &number, sizeof number);
}

/* Z11: nothing is lost without a word: each frame is TAKEN, in order, and arrives, in order, though the reader begins late. */
static void full_queues_lose_nothing_and_tell_in_order(void **state)
{
    enum { FRAMES = 60 }; /* 3.9 MB: more than libzmq and the kernel hold, less than a queue may */
    struct gate hub, edge;
    struct gateway_event event;
    static uint8_t frame[65536];
    (void)state;
    for (int is_inbound = 0; is_inbound < 2; is_inbound++) {
        gate_open(&hub, true);
        gate_open(&edge, false);
        gate_allow(&hub, (const struct gate *[]){&edge}, 1);
        uint32_t at_hub = gate_join(&edge, 1, &hub), seen = 0;
        struct gate *from = is_inbound ? &hub : &edge, *to = is_inbound ? &edge : &hub;
        uint32_t number = is_inbound ? at_hub : 1;
        for (uint32_t i = 0; i < FRAMES; i++) {
            number_frame(frame, i);
            gateway_send(from->gateway, number, span_of(frame, sizeof frame), true);
        }
        while (seen < FRAMES) { /* the reader's core takes one at a time, between looks at the sender */
            while (gate_next(from, 0, &event)) {
                assert_int_equal(event.type, GATEWAY_TAKEN);
                assert_int_equal(event.connection, number);
            }
            gate_await(to, GATEWAY_FRAME, &event);
            uint32_t got;
            assert_int_equal(event.frame.n, sizeof frame);
            memcpy(&got, event.frame.p, sizeof got);
            assert_int_equal(got, seen);
            assert_int_equal(event.frame.p[65535], seen & 0xff);
            seen++;
        }
        gate_close(&edge);
        gate_close(&hub);
    }
}

/* As many TAKEN as frames sent with `tell`, none for the others; then GONE closes the account. */
static void every_told_frame_is_taken_or_its_connection_gone(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_allow(&hub, (const struct gate *[]){&edge}, 1);
    uint32_t number = gate_join(&edge, 1, &hub);
    for (int i = 0; i < 30; i++) {
        gate_send(&hub, number, "x", i % 3 == 0);
    }
    for (int i = 0; i < 10; i++) {
        assert_true(gate_next(&hub, 2000, &event));
        assert_int_equal(event.type, GATEWAY_TAKEN);
    }
    gate_expect_quiet(&hub, 50);
    gateway_close(edge.gateway, 1);
    gate_await(&hub, GATEWAY_GONE, &event);
    gate_send(&hub, number, "nobody there", true);
    gate_send(&hub, 12345, "no such connection", true);
    gate_expect_quiet(&hub, 50);
    gate_close(&edge);
    gate_close(&hub);
}

/* A reader that does not read costs a queue of 4 MiB, then its connection, and nobody else anything. */
static void a_slow_reader_loses_its_connection_and_nobody_else_does(void **state)
{
    struct gate hub, edge;
    struct raw slow;
    struct gateway_event event;
    static uint8_t frame[65536];
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    raw_open(&slow, NULL);
    int one = 1;
    assert_int_equal(zmq_setsockopt(slow.socket, ZMQ_RCVHWM, &one, sizeof one), 0);
    struct curve_public keys[] = {slow.key, edge.key};
    gateway_allow(hub.gateway, keys, 2, NULL, 0);
    uint32_t good = gate_join(&edge, 1, &hub);
    raw_dial(&slow, &hub);
    raw_send(&slow, "I do not read");
    gate_await_text(&hub, "I do not read", &event);
    uint32_t number = event.connection;
    uint32_t sent = 0, taken = 0;
    bool is_gone = false;
    while (!is_gone) {
        gateway_send(hub.gateway, number, span_of(frame, sizeof frame), true);
        sent++;
        assert_true(sent < 1000);
        if (sent % 10 == 0) { /* others are served all the while */
            gate_send(&hub, good, "tick", false);
            gate_await_text(&edge, "tick", &event);
        }
        while (gate_next(&hub, 0, &event)) {
            taken += event.type == GATEWAY_TAKEN;
            if (event.type == GATEWAY_GONE) {
                assert_int_equal(event.connection, number);
                assert_string_equal(event.why, "the peer reads too slowly");
                is_gone = true;
            }
        }
    }
    print_message("    gone after %u frames of 64 KiB, %u of them taken\n", sent, taken);
    assert_true(sent - taken >= ROUTE_QUEUE_BYTES_MAX / (65536 + ROUTE_FRAME_COST_BYTES));
    assert_true(sent - taken <= ROUTE_QUEUE_BYTES_MAX / 65536 + 64); /* what was on its way in the pipe when it ended */
    raw_close(&slow);
    gate_close(&edge);
    gate_close(&hub);
}

/* The core does not look for a while: frames wait with their senders, commands are obeyed all the same, memory stands still. */
static void a_slow_core_holds_its_peers_up(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    static uint8_t frame[65536];
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_allow(&hub, (const struct gate *[]){&edge}, 1);
    uint32_t number = gate_join(&edge, 1, &hub);
    uint32_t sent = 0, taken = 0, got = 0;
    for (int64_t until = gates_now() + 400; gates_now() < until;) { /* the hub's core sleeps */
        if (sent - taken < 4) {
            number_frame(frame, sent++);
            gateway_send(edge.gateway, 1, span_of(frame, sizeof frame), true);
        }
        while (gate_next(&edge, sent - taken < 4 ? 0 : 5, &event)) {
            taken += event.type == GATEWAY_TAKEN;
        }
    }
    print_message("    %u frames of 64 KiB were on their way, %u taken\n", sent, taken);
    assert_true(sent < 150);        /* 64 in the pipe, a few in libzmq, some in the kernel */
    for (int i = 0; i < 200; i++) { /* more than the pipe holds: none of these may block for ever */
        gate_send(&hub, number, "awake", false);
    }
    while (got < sent) {
        gate_await(&hub, GATEWAY_FRAME, &event);
        uint32_t which;
        memcpy(&which, event.frame.p, sizeof which);
        assert_int_equal(which, got);
        got++;
    }
    gate_close(&edge);
    gate_close(&hub);
}

/* A core that ends while its pipe is full of commands and events. */
static void ending_in_the_middle_of_everything_is_clean(void **state)
{
    static uint8_t frame[65536];
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct gate hub, edge;
        gate_open(&hub, true);
        gate_open(&edge, false);
        gate_allow(&hub, (const struct gate *[]){&edge}, 1);
        uint32_t number = gate_join(&edge, 1, &hub);
        for (int i = 0; i < 150; i++) {
            gateway_send(hub.gateway, number, span_of(frame, (size_t)(i % 7) * 1000), true);
            gateway_send(edge.gateway, 1, span_of(frame, (size_t)(i % 5) * 1000), true);
        }
        gate_close(round % 2 == 0 ? &hub : &edge);
        gate_close(round % 2 == 0 ? &edge : &hub);
    }
}

/* Z9: 0 when all went as it should; else the line that did not. Runs in a child: the limit is the process's. */
static int with_few_descriptors(void)
{
    enum { LIMIT = 80, CROWD = 120, DIALS = 20 };
    struct gate hub, member, late;
    struct gateway_event event;
    int crowd[CROWD], pushed = 0, hogs[LIMIT], hogged = 0;
    gate_open(&hub, true);
    gate_open(&member, false);
    gate_open(&late, false);
    gate_allow(&hub, (const struct gate *[]){&member, &late}, 2);
    uint32_t number = gate_join(&member, 1, &hub);
    struct rlimit limit = {LIMIT, LIMIT};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return __LINE__;
    }
    /* The crowd's own ends are in this process too: what is left is split between them and the listener. */
    while (pushed < CROWD && (crowd[pushed] = tcp_dial(hub.port)) >= 0) {
        pushed++;
    }
    while (hogged < LIMIT && (hogs[hogged] = dup(0)) >= 0) { /* and not one is left */
        hogged++;
    }
    if (hogged + pushed < 5) {
        return __LINE__;
    }
    for (uint32_t i = 0; i < DIALS; i++) { /* dialling fails with a word */
        gate_dial(&hub, i + 1, hub.port, &hub.key);
        gate_await(&hub, GATEWAY_GONE, &event);
        if (strcmp(event.why, "no descriptors left") != 0) {
            return __LINE__;
        }
    }
    for (int i = 0; i < 50; i++) { /* who is in stays in */
        gate_send(&member, 1, "still here", false);
        gate_await_text(&hub, "still here", &event);
        gate_send(&hub, number, "I see you", false);
        gate_await_text(&member, "I see you", &event);
    }
    gateway_recycle(hub.gateway); /* zmq_bind would abort here: it waits until it need not */
    gate_await(&hub, GATEWAY_GONE, &event);
    usleep(300000);
    for (int i = 0; i < pushed; i++) {
        close(crowd[i]);
    }
    for (int i = 0; i < hogged; i++) {
        close(hogs[i]);
    }
    for (uint32_t i = 0; i < 50; i++) { /* and all is well again */
        gate_dial(&late, i + 1, hub.port, &hub.key);
        if (gate_next(&late, 5000, &event) && event.type == GATEWAY_OPEN) {
            gate_send(&late, i + 1, "in at last", false);
            gate_await_text(&hub, "in at last", &event);
            gate_close(&late);
            gate_close(&member);
            gate_close(&hub);
            return 0;
        }
        usleep(100000);
    }
    return __LINE__;
}

static void running_out_of_descriptors_is_survived(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        execl("/proc/self/exe", "test_gateway_load", "--few-descriptors", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("the child ended with %s %d", WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
}

/* The child's part, a test of its own so that the fixtures' assertions work there. */
static void survive(void **state)
{
    (void)state;
    int line = with_few_descriptors();
    if (line != 0) {
        fail_msg("line %d", line);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_many_frames_is_thrown_away_with_its_sender),
        cmocka_unit_test(a_message_without_end_is_cut_off),
        cmocka_unit_test(full_queues_lose_nothing_and_tell_in_order),
        cmocka_unit_test(every_told_frame_is_taken_or_its_connection_gone),
        cmocka_unit_test(a_slow_reader_loses_its_connection_and_nobody_else_does),
        cmocka_unit_test(a_slow_core_holds_its_peers_up),
        cmocka_unit_test(ending_in_the_middle_of_everything_is_clean),
        cmocka_unit_test(running_out_of_descriptors_is_survived),
    };
    const struct CMUnitTest child[] = {cmocka_unit_test(survive)};
    if (crypto_start() != ERR_OK) {
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--few-descriptors") == 0) {
        return cmocka_run_group_tests(child, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/lib/gates.h"

#include "crypto/hash.h"
#include "crypto/sign.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { GATES_PATIENCE_MS = 10000 };

int64_t gates_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long gates_resident_kb(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0;
#endif
    long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &all, &resident), 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

void gate_open(struct gate *gate, bool is_listening)
{
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    *gate = (struct gate){0};
    assert_int_equal(curve_keypair(&gate->key, &gate->secret), ERR_OK);
    struct gateway_config config = {.listen = is_listening ? "tcp://127.0.0.1:*" : "",
                                    .transport_public = gate->key,
                                    .transport = gate->secret,
                                    .handshake_ms = GATES_HANDSHAKE_MS};
    assert_int_equal(gateway_new(&config, &gate->gateway, why), ERR_OK);
    if (is_listening) {
        const char *colon = strrchr(gateway_address(gate->gateway), ':');
        assert_non_null(colon);
        gate->port = (uint16_t)strtoul(colon + 1, NULL, 10);
        assert_int_not_equal(gate->port, 0);
    }
}

void gate_close(struct gate *gate)
{
    gateway_destroy(&gate->gateway);
    secret_destroy(&gate->secret);
}

void gate_allow(struct gate *gate, const struct gate *const *members, size_t count)
{
    struct curve_public keys[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) {
        keys[i] = members[i]->key;
    }
    gateway_allow(gate->gateway, keys, count, NULL, 0);
}

void gate_dial(struct gate *gate, uint32_t connection, uint16_t port, const struct curve_public *server)
{
    char address[64];
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", port);
    gateway_dial(gate->gateway, connection, address, server);
}

void gate_send(struct gate *gate, uint32_t connection, const char *text, bool tell)
{
    gateway_send(gate->gateway, connection, span_text(text), tell);
}

bool gate_next(struct gate *gate, int ms, struct gateway_event *ret)
{
    int64_t until = gates_now() + ms;
    while (!gateway_receive(gate->gateway, ret)) {
        int64_t left = until - gates_now();
        zmq_pollitem_t item = {.fd = gateway_descriptor(gate->gateway), .events = ZMQ_POLLIN};
        if (left <= 0 || zmq_poll(&item, 1, (long)left) < 0) {
            return false;
        }
    }
    return true;
}

static const char *const type_names[] = {"FRAME", "TAKEN", "OPEN", "GONE", "ABUSE"};

void gate_await(struct gate *gate, enum gateway_event_type type, struct gateway_event *ret)
{
    int64_t until = gates_now() + GATES_PATIENCE_MS;
    while (gates_now() < until) {
        if (gate_next(gate, GATES_PATIENCE_MS, ret) && ret->type == type) {
            return;
        }
    }
    fail_msg("no %s came", type_names[type]);
}

void gate_await_text(struct gate *gate, const char *text, struct gateway_event *ret)
{
    do {
        gate_await(gate, GATEWAY_FRAME, ret);
    } while (!span_equal(ret->frame, span_text(text)));
}

void gate_expect_quiet(struct gate *gate, int ms)
{
    struct gateway_event event;
    if (gate_next(gate, ms, &event)) {
        fail_msg("%s came: %s", type_names[event.type], event.why);
    }
}

uint32_t gate_join(struct gate *dialler, uint32_t number, struct gate *listener)
{
    struct gateway_event event;
    char text[32];
    snprintf(text, sizeof text, "hello %u", number);
    gate_dial(dialler, number, listener->port, &listener->key);
    gate_await(dialler, GATEWAY_OPEN, &event);
    assert_int_equal(event.connection, number);
    gate_send(dialler, number, text, false);
    gate_await_text(listener, text, &event);
    assert_memory_equal(event.key.b, dialler->key.b, sizeof event.key.b);
    assert_false(event.is_dialled);
    return event.connection;
}

static void set_int(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

void raw_open(struct raw *raw, const struct gate *as)
{
    struct secret *own = NULL;
    *raw = (struct raw){.context = zmq_ctx_new()};
    raw->socket = zmq_socket(raw->context, ZMQ_DEALER);
    raw->monitor = zmq_socket(raw->context, ZMQ_PAIR);
    assert_non_null(raw->socket);
    assert_non_null(raw->monitor);
    if (as != NULL) {
        raw->key = as->key;
    } else {
        assert_int_equal(curve_keypair(&raw->key, &own), ERR_OK);
    }
    set_int(raw->socket, ZMQ_LINGER, 0);
    set_int(raw->monitor, ZMQ_LINGER, 0);
    set_int(raw->socket, ZMQ_SNDTIMEO, 5000);
    set_int(raw->socket, ZMQ_RECONNECT_IVL, 50);
    assert_int_equal(zmq_setsockopt(raw->socket, ZMQ_CURVE_PUBLICKEY, raw->key.b, 32), 0);
    assert_int_equal(zmq_setsockopt(raw->socket, ZMQ_CURVE_SECRETKEY, secret_read(as != NULL ? as->secret : own), 32), 0);
    secret_destroy(&own);
    assert_int_equal(zmq_socket_monitor(raw->socket, "inproc://raw", ZMQ_EVENT_ALL), 0);
    assert_int_equal(zmq_connect(raw->monitor, "inproc://raw"), 0);
}

void raw_dial(struct raw *raw, const struct gate *to)
{
    char address[64];
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", to->port);
    assert_int_equal(zmq_setsockopt(raw->socket, ZMQ_CURVE_SERVERKEY, to->key.b, 32), 0);
    assert_int_equal(zmq_connect(raw->socket, address), 0);
}

void raw_send(struct raw *raw, const char *text)
{
    assert_true(zmq_send(raw->socket, text, strlen(text), 0) >= 0);
}

uint16_t raw_event(struct raw *raw, int ms, uint32_t *ret_value)
{
    zmq_pollitem_t item = {.socket = raw->monitor, .events = ZMQ_POLLIN};
    uint16_t event = 0;
    zmq_msg_t part;
    if (zmq_poll(&item, 1, ms) <= 0) {
        return 0;
    }
    zmq_msg_init(&part);
    assert_true(zmq_msg_recv(&part, raw->monitor, 0) >= 6);
    memcpy(&event, zmq_msg_data(&part), 2);
    memcpy(ret_value, (const uint8_t *)zmq_msg_data(&part) + 2, 4);
    assert_true(zmq_msg_recv(&part, raw->monitor, 0) >= 0);
    zmq_msg_close(&part);
    return event;
}

void raw_close(struct raw *raw)
{
    zmq_socket_monitor(raw->socket, NULL, 0);
    zmq_close(raw->monitor);
    zmq_close(raw->socket);
    zmq_ctx_term(raw->context);
    *raw = (struct raw){0};
}

int tcp_dial(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool tcp_ends(int fd, int ms)
{
    uint8_t buffer[4096];
    int64_t until = gates_now() + ms;
    for (int64_t left = ms; left > 0; left = until - gates_now()) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        if (poll(&item, 1, (int)left) > 0 && recv(fd, buffer, sizeof buffer, 0) <= 0) {
            return true;
        }
    }
    return false;
}

void zmtp_greeting(uint8_t ret[64])
{
    memset(ret, 0, 64);
    ret[0] = 0xff;
    ret[8] = 1;
    ret[9] = 0x7f;
    ret[10] = 3;
    memcpy(ret + 12, "CURVE", 5);
}

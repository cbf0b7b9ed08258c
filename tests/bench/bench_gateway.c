/* How fast frames go from core to core over two gateways on loopback: throughput of 64 KiB frames each
 * way, with as many outstanding as an engine keeps (told of each by GATEWAY_TAKEN), and latency of a small one. */
#include "tests/lib/gates.h"

#include "crypto/secret.h"
#include "proto/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <zmq.h>

enum { BYTES = 1 << 30, WINDOW = 4, ECHOES = 20000 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct reader {
    struct gate *gate;
    uint64_t bytes;
};

static void *read_all(void *arg)
{
    struct reader *reader = arg;
    struct gateway_event event;
    while (reader->bytes < BYTES && gate_next(reader->gate, 5000, &event)) {
        reader->bytes += event.type == GATEWAY_FRAME ? event.frame.n : 0;
    }
    return NULL;
}

static double pour(struct gate *from, uint32_t connection, struct gate *to, size_t frame_bytes)
{
    static uint8_t frame[FRAME_BYTES_MAX];
    struct reader reader = {.gate = to};
    struct gateway_event event;
    pthread_t thread;
    double begin = seconds();
    if (pthread_create(&thread, NULL, read_all, &reader) != 0) {
        return 0;
    }
    uint64_t sent = 0;
    int outstanding = 0;
    while (sent < BYTES) {
        while (outstanding < WINDOW && sent < BYTES) {
            gateway_send(from->gateway, connection, span_of(frame, frame_bytes), true);
            sent += frame_bytes;
            outstanding++;
        }
        if (!gate_next(from, 5000, &event) || event.type == GATEWAY_GONE) {
            printf("the connection is gone: %s\n", event.why);
            return 0;
        }
        outstanding -= event.type == GATEWAY_TAKEN;
    }
    pthread_join(thread, NULL);
    return (double)reader.bytes / (seconds() - begin) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(void **state)
{
    struct gate hub, edge;
    struct gateway_event event;
    static double took[ECHOES];
    (void)state;
    gate_open(&hub, true);
    gate_open(&edge, false);
    gate_allow(&hub, (const struct gate *[]){&edge}, 1);
    uint32_t number = gate_join(&edge, 1, &hub);
    for (int i = 0; i < ECHOES; i++) {
        double begin = seconds();
        gate_send(&edge, 1, "a small frame, as an alert is", false);
        while (!gateway_receive(hub.gateway, &event)) {
            zmq_pollitem_t item = {.fd = gateway_descriptor(hub.gateway), .events = ZMQ_POLLIN};
            (void)zmq_poll(&item, 1, -1);
        }
        took[i] = seconds() - begin;
    }
    qsort(took, ECHOES, sizeof took[0], compare);
    printf("one way, small frame, core to core: p50 %.0f us, p99 %.0f us (%d frames)\n", took[ECHOES / 2] * 1e6, took[ECHOES * 99 / 100] * 1e6,
           ECHOES);
    static const size_t sizes[] = {FRAME_BYTES_MAX, FRAME_BYTES_DEFAULT, 4096};
    for (size_t i = 0; i < 3; i++) {
        double up = pour(&edge, 1, &hub, sizes[i]), down = pour(&hub, number, &edge, sizes[i]);
        printf("frames of %zu bytes, %d outstanding, 1 GiB: dialler to listener %.0f MB/s, listener to dialler %.0f MB/s\n", sizes[i], WINDOW, up,
               down);
    }
    gate_close(&edge);
    gate_close(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(measure)};
    return crypto_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

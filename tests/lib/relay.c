#include "tests/lib/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RELAY_PAIRS_MAX = 64, RELAY_BUFFER_BYTES = 65536 };

struct relay_pair {
    int fd[2]; /* dialler's, listener's; -1: free */
    uint64_t passed[2];
};

struct relay {
    struct relay_plan plan;
    int listener, wake;
    uint16_t port;
    pthread_t thread;
    atomic_bool is_ending, is_held, is_holding, has_flipped, wants_cut;
    atomic_uint connections;
    struct relay_pair pairs[RELAY_PAIRS_MAX];
    uint8_t buffer[RELAY_BUFFER_BYTES];
};

static void pair_close(struct relay_pair *pair, bool is_reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++) {
        if (is_reset) {
            setsockopt(pair->fd[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        close(pair->fd[i]);
        pair->fd[i] = -1;
    }
}

static void welcome(struct relay *relay)
{
    int from = accept(relay->listener, NULL, NULL);
    int to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(relay->plan.target)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    atomic_fetch_add(&relay->connections, 1);
    if (relay->plan.buffer_bytes > 0) {
        setsockopt(to, SOL_SOCKET, SO_RCVBUF, &relay->plan.buffer_bytes, sizeof relay->plan.buffer_bytes);
    }
    for (int i = 0; i < RELAY_PAIRS_MAX && from >= 0 && to >= 0; i++) {
        if (relay->pairs[i].fd[0] < 0) {
            if (connect(to, (struct sockaddr *)&address, sizeof address) != 0) {
                break;
            }
            struct timeval patience = {.tv_usec = 50000}; /* between looks whether it is to end */
            setsockopt(from, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            relay->pairs[i] = (struct relay_pair){.fd = {from, to}};
            return;
        }
    }
    close(from);
    close(to);
}

/* The sockets block: a side that does not read holds the relay up, as a link would. */
static bool pass(struct relay *relay, struct relay_pair *pair, int from)
{
    size_t want = sizeof relay->buffer;
    bool is_slow = from == 0 && relay->plan.bytes_per_s > 0;
    if (is_slow) {
        want = relay->plan.bytes_per_s / 100 + 1;
        struct timespec tick = {.tv_nsec = 10000000};
        nanosleep(&tick, NULL);
    }
    ssize_t n = recv(pair->fd[from], relay->buffer, want < sizeof relay->buffer ? want : sizeof relay->buffer, 0);
    if (n <= 0) {
        return false;
    }
    enum relay_direction direction = from == 0 ? RELAY_TO_LISTENER : RELAY_TO_DIALLER;
    uint64_t at = relay->plan.flip_at;
    if (direction == relay->plan.flip && !atomic_load(&relay->has_flipped) && at >= pair->passed[from] && at < pair->passed[from] + (uint64_t)n) {
        relay->buffer[at - pair->passed[from]] ^= relay->plan.flip_mask;
        atomic_store(&relay->has_flipped, true);
    }
    pair->passed[from] += (uint64_t)n;
    for (ssize_t sent = 0; sent < n;) {
        ssize_t more = send(pair->fd[1 - from], relay->buffer + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (more > 0) {
            sent += more;
        } else if ((errno != EAGAIN && errno != EINTR) || atomic_load(&relay->is_ending)) {
            return false;
        }
    }
    return true;
}

static void *relay_main(void *arg)
{
    struct relay *relay = arg;
    struct pollfd items[2 + 2 * RELAY_PAIRS_MAX];
    while (!atomic_load(&relay->is_ending)) {
        bool is_held = atomic_load(&relay->is_held);
        atomic_store(&relay->is_holding, is_held);
        nfds_t n = 2;
        items[0] = (struct pollfd){.fd = relay->wake, .events = POLLIN};
        items[1] = (struct pollfd){.fd = is_held ? -1 : relay->listener, .events = POLLIN};
        for (int i = 0; i < RELAY_PAIRS_MAX; i++) {
            for (int side = 0; side < 2; side++) {
                items[n++] = (struct pollfd){.fd = is_held ? -1 : relay->pairs[i].fd[side], .events = POLLIN};
            }
        }
        if (poll(items, n, -1) < 0) {
            continue;
        }
        if (items[0].revents != 0) {
            uint64_t count;
            (void)!read(relay->wake, &count, sizeof count);
        }
        bool wants_cut = atomic_exchange(&relay->wants_cut, false);
        for (int i = 0; i < RELAY_PAIRS_MAX; i++) {
            struct relay_pair *pair = &relay->pairs[i];
            for (int side = 0; side < 2 && pair->fd[0] >= 0; side++) {
                if (wants_cut || (items[2 + 2 * i + side].revents != 0 && !pass(relay, pair, side))) {
                    pair_close(pair, wants_cut);
                }
            }
        }
        if (items[1].revents != 0) {
            welcome(relay);
        }
    }
    return NULL;
}

struct relay *relay_new(const struct relay_plan *plan)
{
    struct relay *relay = calloc(1, sizeof *relay);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t bytes = sizeof address;
    if (relay == NULL) {
        return NULL;
    }
    relay->plan = *plan;
    for (int i = 0; i < RELAY_PAIRS_MAX; i++) {
        relay->pairs[i].fd[0] = relay->pairs[i].fd[1] = -1;
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    relay->wake = eventfd(0, EFD_CLOEXEC);
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (plan->buffer_bytes > 0) { /* inherited by what it accepts */
        setsockopt(relay->listener, SOL_SOCKET, SO_RCVBUF, &plan->buffer_bytes, sizeof plan->buffer_bytes);
    }
    if (relay->wake < 0 || relay->listener < 0 || bind(relay->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(relay->listener, 64) != 0 || getsockname(relay->listener, (struct sockaddr *)&address, &bytes) != 0 ||
        pthread_create(&relay->thread, NULL, relay_main, relay) != 0) {
        close(relay->wake);
        close(relay->listener);
        free(relay);
        return NULL;
    }
    relay->port = ntohs(address.sin_port);
    return relay;
}

uint16_t relay_port(const struct relay *relay)
{
    return relay->port;
}

static void wake(struct relay *relay)
{
    uint64_t one = 1;
    (void)!write(relay->wake, &one, sizeof one);
}

void relay_cut(struct relay *relay)
{
    atomic_store(&relay->wants_cut, true);
    wake(relay);
}

void relay_hold(struct relay *relay, bool is_held)
{
    struct timespec tick = {.tv_nsec = 1000000};
    atomic_store(&relay->is_held, is_held);
    wake(relay);
    while (atomic_load(&relay->is_holding) != is_held) {
        nanosleep(&tick, NULL);
    }
}

bool relay_has_flipped(const struct relay *relay)
{
    return atomic_load(&relay->has_flipped);
}

uint32_t relay_connections(const struct relay *relay)
{
    return atomic_load(&relay->connections);
}

void relay_destroy(struct relay **relay_ptr)
{
    struct relay *relay = *relay_ptr;
    if (relay == NULL) {
        return;
    }
    atomic_store(&relay->is_ending, true);
    wake(relay);
    pthread_join(relay->thread, NULL);
    for (int i = 0; i < RELAY_PAIRS_MAX; i++) {
        if (relay->pairs[i].fd[0] >= 0) {
            pair_close(&relay->pairs[i], true);
        }
    }
    close(relay->listener);
    close(relay->wake);
    free(relay);
    *relay_ptr = NULL;
}

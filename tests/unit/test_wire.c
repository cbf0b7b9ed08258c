#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/wire.h"

enum { WAIT_MS = 10000, QUIET_MS = 60 };

struct cable { /* one relay in a thread, one listener behind it: sn dials rilo-dakar */
    char folder[64];
    char cuts[96], applied[96];
    int listener;
    uint16_t to;
    struct wire *wire;
    int stop;
    pthread_t thread;
};

static void *relay(void *arg)
{
    struct cable *cable = arg;

    return wire_run(cable->wire, cable->stop) == ERR_OK ? NULL : arg;
}

static int listen_any(uint16_t *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void touch(const char *folder, const char *name)
{
    char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void folder_make(struct cable *cable)
{
    snprintf(cable->folder, sizeof cable->folder, "/tmp/test_wire.XXXXXX");
    assert_non_null(mkdtemp(cable->folder));
    snprintf(cable->cuts, sizeof cable->cuts, "%s/cut", cable->folder);
    snprintf(cable->applied, sizeof cable->applied, "%s/applied", cable->folder);
    assert_int_equal(mkdir(cable->cuts, 0700), 0);
}

static void cable_start(struct cable *cable)
{
    struct wire_port ports[2] = {{"sn", "rilo-dakar", 0, cable->to}, {"*", "rilo-dakar", 0, cable->to}};
    size_t at = 99;

    assert_int_equal(wire_new(ports, 2, cable->cuts, cable->applied, &cable->wire, &at), ERR_OK);
    cable->stop = eventfd(0, EFD_CLOEXEC);
    assert_true(cable->stop >= 0);
    assert_int_equal(pthread_create(&cable->thread, NULL, relay, cable), 0);
}

static void cable_stop(struct cable *cable)
{
    uint64_t one = 1;
    void *result;

    assert_int_equal(write(cable->stop, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(cable->thread, &result), 0);
    assert_null(result);
    wire_destroy(&cable->wire);
    close(cable->stop);
}

static int setup(void **state)
{
    struct cable *cable = calloc(1, sizeof *cable);

    assert_non_null(cable);
    folder_make(cable);
    cable->listener = listen_any(&cable->to);
    cable_start(cable);
    *state = cable;
    return 0;
}

static int forget(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    struct cable *cable = *state;

    cable_stop(cable);
    close(cable->listener);
    nftw(cable->folder, forget, 8, FTW_DEPTH | FTW_PHYS);
    free(cable);
    return 0;
}

static int dial(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    return fd;
}

static bool is_readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, ms) == 1;
}

static int take(struct cable *cable)
{
    int fd;

    assert_true(is_readable(cable->listener, WAIT_MS));
    fd = accept4(cable->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear(int fd, const char *text)
{
    char got[64] = {0};
    size_t at = 0;

    while (at < strlen(text)) {
        assert_true(is_readable(fd, WAIT_MS));
        ssize_t n = recv(fd, got + at, strlen(text) - at, 0);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_string_equal(got, text);
}

static void hear_end(int fd)
{
    char byte;

    assert_true(is_readable(fd, WAIT_MS));
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void hear_reset(int fd)
{
    char byte;

    assert_true(is_readable(fd, WAIT_MS));
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
}

/* Wait until the relay says that exactly `names` are cut. */
static void await_applied(struct cable *cable, const char *names)
{
    for (int i = 0; i < WAIT_MS; i++) {
        char got[128] = {0};
        int fd = open(cable->applied, O_RDONLY | O_CLOEXEC);

        if (fd >= 0) {
            ssize_t n = read(fd, got, sizeof got - 1);
            close(fd);
            if (n >= 0 && strcmp(got, names) == 0) {
                return;
            }
        }
        poll(NULL, 0, 1);
    }
    fail_msg("the relay does not say that it cut '%s'", names);
}

static void cut(struct cable *cable, const char *name, const char *expected)
{
    touch(cable->cuts, name);
    await_applied(cable, expected);
}

static void heal(struct cable *cable, const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", cable->cuts, name);
    assert_int_equal(unlink(path), 0);
    await_applied(cable, "");
}

static void reset(int fd)
{
    struct linger now = {1, 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

static void bytes_pass_both_ways(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 0));
    int b = take(cable);

    say(a, "from the dialler");
    hear(b, "from the dialler");
    say(b, "from the listener");
    hear(a, "from the listener");
    close(a);
    hear_end(b);
    close(b);
}

static void a_half_close_travels_after_the_bytes_and_the_other_half_goes_on(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 0));
    int b = take(cable);

    say(a, "question");
    assert_int_equal(shutdown(a, SHUT_WR), 0);
    hear(b, "question");
    hear_end(b);
    say(b, "answer");
    hear(a, "answer");
    assert_false(is_readable(a, QUIET_MS));
    close(b);
    hear_end(a);
    close(a);
}

static void a_reset_travels(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 0));
    int b = take(cable);

    say(a, "last words");
    hear(b, "last words");
    reset(a);
    hear_reset(b);
    close(b);

    a = dial(wire_port_of(cable->wire, 0));
    b = take(cable);
    reset(b);
    hear_reset(a);
    close(a);
}

static void a_dialler_is_reset_when_nobody_listens(void **state)
{
    struct cable *cable = *state;
    int a;

    close(cable->listener);
    a = dial(wire_port_of(cable->wire, 0));
    hear_reset(a);
    close(a);
    cable->listener = listen_any(&(uint16_t){0});
}

/* ---- a flood: a numbered stream, so that a lost, doubled or exchanged byte is seen ---- */

/* More than all the kernel's buffers on the way together hold: the flood cannot be over before its reader wants it to be. */
enum { FLOOD_BYTES = 64 * 1024 * 1024 };

static uint8_t flood_byte(size_t at, uint8_t seed) { return (uint8_t)(seed + at * 31 + (at >> 9)); }

struct flood {
    int fd;
    uint8_t seed;
    size_t moved; /* by this thread alone, read with the atomics below */
    int error;
    int gate; /* a reader waits here at the half; -1: it does not */
};

static void *flood_send(void *arg)
{
    struct flood *flood = arg;
    uint8_t block[10007];
    size_t at = 0;

    while (at < FLOOD_BYTES) {
        size_t n = sizeof block < FLOOD_BYTES - at ? sizeof block : FLOOD_BYTES - at;

        for (size_t i = 0; i < n; i++) {
            block[i] = flood_byte(at + i, flood->seed);
        }
        for (size_t done = 0; done < n;) {
            ssize_t sent = send(flood->fd, block + done, n - done, MSG_NOSIGNAL);
            if (sent <= 0) {
                flood->error = errno;
                return NULL;
            }
            done += (size_t)sent;
        }
        at += n;
        __atomic_store_n(&flood->moved, at, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *flood_receive(void *arg)
{
    struct flood *flood = arg;
    uint8_t block[16384];
    size_t at = 0;

    while (at < FLOOD_BYTES) {
        ssize_t n = recv(flood->fd, block, sizeof block, 0);

        if (n <= 0) {
            flood->error = n == 0 ? EPIPE : errno;
            return NULL;
        }
        for (ssize_t i = 0; i < n; i++) {
            if (block[i] != flood_byte(at + (size_t)i, flood->seed)) {
                flood->error = EILSEQ;
                return NULL;
            }
        }
        at += (size_t)n;
        __atomic_store_n(&flood->moved, at, __ATOMIC_RELAXED);
        if (flood->gate >= 0 && at >= FLOOD_BYTES / 2 && at - (size_t)n < FLOOD_BYTES / 2 && !is_readable(flood->gate, WAIT_MS)) {
            flood->error = ETIMEDOUT;
            return NULL;
        }
    }
    return NULL;
}

static size_t moved(struct flood *flood) { return __atomic_load_n(&flood->moved, __ATOMIC_RELAXED); }

/* Received bytes when nothing has moved for a while: what was under way has arrived. */
static size_t settled(struct flood *flood)
{
    size_t before = moved(flood);

    for (int quiet = 0; quiet < QUIET_MS;) {
        poll(NULL, 0, 10);
        size_t after = moved(flood);
        quiet = after == before ? quiet + 10 : 0;
        before = after;
    }
    return before;
}

static void a_cut_in_the_middle_of_a_flood_loses_nothing_and_closes_nothing(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 0));
    int b = take(cable);
    int gate = eventfd(0, EFD_CLOEXEC);
    struct flood floods[4] = {{a, 3, 0, 0, -1}, {b, 3, 0, 0, gate}, {b, 101, 0, 0, -1}, {a, 101, 0, 0, gate}};
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 == 0 ? flood_send : flood_receive, &floods[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        size_t one, two;

        cut(cable, i == 1 ? "rilo-dakar" : "sn", i == 1 ? "rilo-dakar\n" : "sn\n");
        if (i == 0) {
            uint64_t open = 1;

            assert_int_equal(write(gate, &open, sizeof open), sizeof open);
        }
        one = settled(&floods[1]);
        two = settled(&floods[3]);
        assert_true(i > 0 || (one < FLOOD_BYTES && two < FLOOD_BYTES)); /* the first falls into the flood for certain */
        poll(NULL, 0, QUIET_MS);
        assert_int_equal(moved(&floods[1]), one);
        assert_int_equal(moved(&floods[3]), two);
        heal(cable, i == 1 ? "rilo-dakar" : "sn");
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(floods[i].error, 0);
        assert_int_equal(floods[i].moved, FLOOD_BYTES);
    }
    close(gate);
    close(a);
    hear_end(b);
    close(b);
}

static void a_close_during_a_cut_is_heard_after_it_and_after_the_held_bytes(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 0));
    int b = take(cable);

    say(a, "before");
    hear(b, "before");
    cut(cable, "sn", "sn\n");
    say(a, "while cut");
    close(a);
    assert_false(is_readable(b, QUIET_MS));
    say(b, "into the void");
    assert_false(is_readable(b, QUIET_MS));
    heal(cable, "sn");
    hear(b, "while cut");
    assert_true(is_readable(b, WAIT_MS)); /* the end, or the reset that our own bytes provoked */
    close(b);
}

static void a_reset_during_a_cut_is_heard_after_it_and_costs_nothing_meanwhile(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 0));
    int b = take(cable);
    clockid_t clock;
    struct timespec before, after;

    cut(cable, "rilo-dakar", "rilo-dakar\n");
    reset(a);
    assert_int_equal(pthread_getcpuclockid(cable->thread, &clock), 0);
    assert_int_equal(clock_gettime(clock, &before), 0);
    assert_false(is_readable(b, 300));
    assert_int_equal(clock_gettime(clock, &after), 0);
    assert_true((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec < 20000000L);
    heal(cable, "rilo-dakar");
    hear_reset(b);
    close(b);
}

static void new_connections_are_left_unanswered_while_cut(void **state)
{
    struct cable *cable = *state;
    int a, gone, b;

    cut(cable, "sn", "sn\n");
    a = dial(wire_port_of(cable->wire, 0)); /* the kernel shakes hands; nobody answers */
    gone = dial(wire_port_of(cable->wire, 0));
    say(a, "anybody there");
    say(gone, "hello");
    close(gone);
    assert_false(is_readable(a, QUIET_MS));
    assert_false(is_readable(cable->listener, QUIET_MS));
    heal(cable, "sn");
    b = take(cable);
    hear(b, "anybody there");
    say(b, "yes");
    hear(a, "yes");
    assert_false(is_readable(cable->listener, QUIET_MS)); /* who gave up is not passed on */
    close(a);
    close(b);
}

static void a_cut_made_before_the_start_holds(void **state)
{
    struct cable *cable = *state;
    int a;

    cable_stop(cable);
    touch(cable->cuts, "sn");
    cable_start(cable);
    await_applied(cable, "sn\n");
    a = dial(wire_port_of(cable->wire, 0));
    say(a, "hello");
    assert_false(is_readable(cable->listener, QUIET_MS));
    heal(cable, "sn");
    int b = take(cable);
    hear(b, "hello");
    close(a);
    close(b);
}

static void a_guest_is_cut_with_the_listener_only(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 1));
    int b = take(cable);

    cut(cable, "sn", "sn\n");
    say(a, "guest");
    hear(b, "guest");
    cut(cable, "rilo-dakar", "rilo-dakar\nsn\n");
    say(a, "guest");
    assert_false(is_readable(b, QUIET_MS));
    unlink(cable->applied);
    char path[160];
    snprintf(path, sizeof path, "%s/rilo-dakar", cable->cuts);
    assert_int_equal(unlink(path), 0);
    await_applied(cable, "sn\n");
    hear(b, "guest");
    close(a);
    close(b);
}

static void a_slow_reader_holds_the_sender_back(void **state)
{
    struct cable *cable = *state;
    int a = dial(wire_port_of(cable->wire, 0));
    int b = take(cable);
    struct flood out = {a, 7, 0, 0, -1}, in = {b, 7, 0, 0, -1};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, flood_send, &out), 0);
    assert_true(settled(&out) < FLOOD_BYTES); /* stuck in the kernel and one buffer: nobody reads */
    flood_receive(&in);
    assert_int_equal(in.error, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(a);
    close(b);
}

/* A relay in a process of its own, with few descriptors: most diallers must wait. Each that is served makes room for the next. */
static void diallers_wait_when_descriptors_run_out(void **state)
{
    enum { DIALLERS = 20 };
    struct cable *cable = *state;
    struct wire_port port = {"sn", "rilo-dakar", 0, cable->to};
    struct wire *wire = NULL;
    int a[DIALLERS];
    size_t at;
    pid_t relay_pid;
    int served = 0;

    assert_int_equal(wire_new(&port, 1, cable->cuts, cable->applied, &wire, &at), ERR_OK);
    relay_pid = fork();
    assert_true(relay_pid >= 0);
    if (relay_pid == 0) {
        int never = eventfd(0, EFD_CLOEXEC);
        int lowest = dup(never); /* every descriptor below is taken: six are left, three connections */
        struct rlimit limit = {(rlim_t)lowest + 6, (rlim_t)lowest + 6};

        close(lowest);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setrlimit(RLIMIT_NOFILE, &limit);
        _exit(wire_run(wire, never) == ERR_OK ? 0 : 1);
    }
    for (int i = 0; i < DIALLERS; i++) {
        a[i] = dial(wire_port_of(wire, 0));
        say(a[i], "x");
    }
    while (served < DIALLERS) {
        int b = take(cable);

        hear(b, "x");
        close(b);
        hear_end(a[served]); /* in the order in which they dialled */
        close(a[served]);
        served++;
    }
    kill(relay_pid, SIGKILL);
    waitpid(relay_pid, NULL, 0);
    wire_destroy(&wire);
}

static void a_plan_that_cannot_be_carried_out_is_refused(void **state)
{
    struct cable *cable = *state;
    struct wire_port ports[2] = {{"sn", "rilo-dakar", 0, cable->to}, {"gm", "rilo-dakar", cable->to, cable->to}};
    static struct wire_port many[WIRE_PORTS_MAX + 1];
    struct wire *wire = NULL;
    char nowhere[128];
    size_t at = 99;

    assert_int_equal(wire_new(ports, 2, cable->cuts, cable->applied, &wire, &at), ERR_BUSY);
    assert_int_equal(at, 1);
    assert_null(wire);
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", cable->folder);
    assert_int_equal(wire_new(ports, 1, nowhere, cable->applied, &wire, &at), ERR_NOT_FOUND);
    assert_int_equal(wire_new(many, WIRE_PORTS_MAX + 1, cable->cuts, cable->applied, &wire, &at), ERR_LIMIT);
    assert_int_equal(wire_new(ports, 0, cable->cuts, cable->applied, &wire, &at), ERR_OK);
    wire_destroy(&wire);
    assert_null(wire);
    wire_destroy(&wire);
}

static int by_value(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;

    return (x > y) - (x < y);
}

/* Printed, not asserted: what the cable adds to a round trip. */
static void what_the_cable_adds(void **state)
{
    enum { TRIPS = 400 };
    struct cable *cable = *state;
    static long ns[2][TRIPS];

    for (int via = 0; via < 2; via++) {
        int a = dial(via == 1 ? wire_port_of(cable->wire, 0) : cable->to);
        int b = take(cable);
        int one = 1;

        assert_int_equal(setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
        for (int i = 0; i < TRIPS; i++) {
            struct timespec from, to;

            clock_gettime(CLOCK_MONOTONIC, &from);
            say(a, "ping");
            hear(b, "ping");
            say(b, "pong");
            hear(a, "pong");
            clock_gettime(CLOCK_MONOTONIC, &to);
            ns[via][i] = (to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec;
        }
        qsort(ns[via], TRIPS, sizeof ns[via][0], by_value);
        close(a);
        close(b);
    }
    print_message("round trip: %ld us direct, %ld us by cable (median of %d)\n", ns[0][TRIPS / 2] / 1000,
                  ns[1][TRIPS / 2] / 1000, TRIPS);
}

#define WITH_CABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CABLE(bytes_pass_both_ways),
        WITH_CABLE(a_half_close_travels_after_the_bytes_and_the_other_half_goes_on),
        WITH_CABLE(a_reset_travels),
        WITH_CABLE(a_dialler_is_reset_when_nobody_listens),
        WITH_CABLE(a_cut_in_the_middle_of_a_flood_loses_nothing_and_closes_nothing),
        WITH_CABLE(a_close_during_a_cut_is_heard_after_it_and_after_the_held_bytes),
        WITH_CABLE(a_reset_during_a_cut_is_heard_after_it_and_costs_nothing_meanwhile),
        WITH_CABLE(new_connections_are_left_unanswered_while_cut),
        WITH_CABLE(a_cut_made_before_the_start_holds),
        WITH_CABLE(a_guest_is_cut_with_the_listener_only),
        WITH_CABLE(a_slow_reader_holds_the_sender_back),
        WITH_CABLE(diallers_wait_when_descriptors_run_out),
        WITH_CABLE(a_plan_that_cannot_be_carried_out_is_refused),
        WITH_CABLE(what_the_cable_adds),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

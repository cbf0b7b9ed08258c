#include "node/net/gateway.h"

#include "node/net/actor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HANDSHAKE_MS = 10000,
    START_MS_MAX = 15000, /* a busy machine's disk may have to fetch the program */
    STOP_MS_MAX = 3000,   /* what was sent last has TRANSPORT_LINGER_MS of it */
    STOP_STEP_MS = 2,
    TAKEN_MS = 2000,
    PIPE_END = 3, /* descriptors of the process */
    DOOR_END = 4,
    FREE_END = 16, /* above those two */
};
/* What the process may allocate: 1,024 connections with the 2 MiB that a meter lets one hold would be more, and are what the limit is for. */
#define PROCESS_DATA_BYTES_MAX (UINT64_C(256) << 20)

struct gateway {
    struct gateway_config config;
    zactor_t *thread;
    struct actor *actor; /* the thread's while it runs */
    pid_t pid;           /* of the process; -1: none */
    int pipe;            /* our end; -1: lost */
    int memory;          /* descriptor behind `door`; -1: none, it is a thread's */
    struct door *door;
    char address[256];
    zmq_msg_t frame; /* of the last event */
};

/* ---- starting and stopping ---- */

/* Wait for what the gateway says first. */
static enum err await_started(struct gateway *gateway, char *why)
{
    struct pollfd item = {.fd = gateway->pipe, .events = POLLIN};
    struct pipe_header header = {0};
    zmq_msg_t body;
    enum err err = ERR_INTERNAL;
    zmq_msg_init(&body);
    snprintf(why, GATEWAY_WHY_BYTES_MAX, "the gateway did not start");
    while (poll(&item, 1, START_MS_MAX) < 0 && errno == EINTR) {
    }
    if (pipe_read(gateway->pipe, &header, &body) == PIPE_MESSAGE && header.what == PIPE_STARTED && header.flag < ERR_COUNT) {
        err = (enum err)header.flag;
        snprintf(err == ERR_OK ? gateway->address : why, err == ERR_OK ? sizeof gateway->address : GATEWAY_WHY_BYTES_MAX, "%.*s", (int)zmq_msg_size(&body),
                 (const char *)zmq_msg_data(&body));
    }
    zmq_msg_close(&body);
    return err;
}

static struct actor *actor_new(const struct gateway_config *config, const char *address, int pipe, struct door *door)
{
    struct actor *actor = calloc(1, sizeof *actor);
    if (actor == NULL) {
        return NULL;
    }
    actor->transport.context = zmq_ctx_new();
    if (actor->transport.context == NULL) {
        free(actor);
        return NULL;
    }
    bool has_time = config->handshake_ms > 0 && config->handshake_ms <= INT32_MAX;
    actor->transport.secret = config->transport;
    actor->transport.public = config->transport_public;
    actor->transport.handshake_ms = has_time ? (int)config->handshake_ms : HANDSHAKE_MS;
    actor->outbox.pipe = pipe;
    actor->door = door;
    snprintf(actor->listener.address, sizeof actor->listener.address, "%s", address);
    return actor;
}

/* Takes `far`. */
static enum err start_thread(struct gateway *gateway, int far)
{
    gateway->actor = actor_new(&gateway->config, gateway->address, far, gateway->door);
    if (gateway->actor == NULL) {
        close(far);
        return ERR_MEMORY;
    }
    zsys_handler_set(NULL); /* signals are the daemon's (C6) */
    gateway->thread = zactor_new(actor_run, gateway->actor);
    if (gateway->thread == NULL) {
        close(far);
        zmq_ctx_term(gateway->actor->transport.context);
        return ERR_INTERNAL;
    }
    return ERR_OK;
}

static enum err tell_config(struct gateway *gateway)
{
    const struct gateway_config *config = &gateway->config;
    struct pipe_header header = {.what = PIPE_CONFIG};
    zmq_msg_t body;
    if (zmq_msg_init_size(&body, sizeof(struct pipe_config)) != 0) {
        return ERR_MEMORY;
    }
    struct pipe_config *all = zmq_msg_data(&body);
    memset(all, 0, sizeof *all);
    all->public = config->transport_public;
    memcpy(all->secret, secret_read(config->transport), sizeof all->secret);
    all->handshake_ms = config->handshake_ms <= INT32_MAX ? (int32_t)config->handshake_ms : 0;
    memcpy(all->address, gateway->address, sizeof all->address);
    struct iovec parts[2] = {{&header, sizeof header}, {all, sizeof *all}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    bool is_sent = sendmsg(gateway->pipe, &message, MSG_NOSIGNAL) >= 0;
    explicit_bzero(all, sizeof *all);
    zmq_msg_close(&body);
    return is_sent ? ERR_OK : ERR_INTERNAL;
}

extern char **environ;

/* Takes `far`. */
static enum err start_process(struct gateway *gateway, int far)
{
    int pipe = fcntl(far, F_DUPFD_CLOEXEC, FREE_END), memory = fcntl(gateway->memory, F_DUPFD_CLOEXEC, FREE_END);
    char name[] = "griot", command[] = "gateway", *argv[] = {name, command, NULL};
    posix_spawn_file_actions_t actions;
    enum err err = pipe < 0 || memory < 0 ? ERR_BUSY : ERR_OK;
    close(far);
    if (err == ERR_OK && posix_spawn_file_actions_init(&actions) != 0) {
        err = ERR_MEMORY;
    } else if (err == ERR_OK) {
        bool is_set = posix_spawn_file_actions_adddup2(&actions, pipe, PIPE_END) == 0 && posix_spawn_file_actions_adddup2(&actions, memory, DOOR_END) == 0;
        err = is_set && posix_spawn(&gateway->pid, gateway->config.program, &actions, NULL, argv, environ) == 0 ? ERR_OK : ERR_INTERNAL;
        posix_spawn_file_actions_destroy(&actions);
    }
    gateway->pid = err == ERR_OK ? gateway->pid : -1;
    if (pipe >= 0) {
        close(pipe);
    }
    if (memory >= 0) {
        close(memory);
    }
    return err == ERR_OK ? tell_config(gateway) : err;
}

static enum err start(struct gateway *gateway, char *why)
{
    int ends[2];
    if (!transport_has_descriptors() || !pipe_pair(ends)) { /* czmq aborts where descriptors lack (C3) */
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "no descriptors left");
        return ERR_BUSY;
    }
    gateway->pipe = ends[0];
    enum err err = gateway->config.program != NULL ? start_process(gateway, ends[1]) : start_thread(gateway, ends[1]);
    if (err != ERR_OK) {
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "%s", err == ERR_MEMORY ? "memory ran out" : "the gateway could not be started");
        return err;
    }
    return await_started(gateway, why);
}

/* It ends when our end of the pipe is closed; a process that does not is made to. */
static void stop(struct gateway *gateway)
{
    if (gateway->pipe >= 0) {
        close(gateway->pipe); /* what was said is still heard */
        gateway->pipe = -1;
    }
    zactor_destroy(&gateway->thread);
    free(gateway->actor);
    gateway->actor = NULL;
    if (gateway->pid > 0) {
        struct timespec step = {0, STOP_STEP_MS * 1000000L};
        pid_t ended = 0;
        for (int waited_ms = 0; waited_ms < STOP_MS_MAX && (ended = waitpid(gateway->pid, NULL, WNOHANG)) == 0; waited_ms += STOP_STEP_MS) {
            (void)nanosleep(&step, NULL);
        }
        if (ended == 0) {
            kill(gateway->pid, SIGKILL);
            while (waitpid(gateway->pid, NULL, 0) < 0 && errno == EINTR) {
            }
        }
        gateway->pid = -1;
    }
}

/* Counts that outlive the process. */
static enum err door_make(struct gateway *gateway)
{
    if (gateway->config.program == NULL) {
        gateway->door = calloc(1, sizeof *gateway->door);
        return gateway->door != NULL ? ERR_OK : ERR_MEMORY;
    }
    gateway->memory = memfd_create("griot-door", MFD_CLOEXEC);
    if (gateway->memory < 0 || ftruncate(gateway->memory, sizeof *gateway->door) != 0) {
        return ERR_MEMORY;
    }
    void *memory = mmap(NULL, sizeof *gateway->door, PROT_READ | PROT_WRITE, MAP_SHARED, gateway->memory, 0);
    gateway->door = memory != MAP_FAILED ? memory : NULL;
    return gateway->door != NULL ? ERR_OK : ERR_MEMORY;
}

enum err gateway_new(const struct gateway_config *config, struct gateway **ret, char *why)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    snprintf(why, GATEWAY_WHY_BYTES_MAX, "memory ran out");
    if (gateway == NULL) {
        return ERR_MEMORY;
    }
    gateway->config = *config;
    gateway->pid = gateway->pipe = gateway->memory = -1;
    zmq_msg_init(&gateway->frame);
    enum err err = door_make(gateway);
    if (err == ERR_OK && strlen(config->listen) >= sizeof gateway->address) {
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "the address to listen on is too long");
        err = ERR_CONFIG;
    }
    if (err == ERR_OK) {
        snprintf(gateway->address, sizeof gateway->address, "%s", config->listen);
        err = start(gateway, why);
    }
    if (err != ERR_OK) {
        gateway_destroy(&gateway);
        return err;
    }
    *ret = gateway;
    return ERR_OK;
}

enum err gateway_restart(struct gateway *gateway, char *why)
{
    stop(gateway);
    enum err err = start(gateway, why);
    if (err != ERR_OK) {
        stop(gateway);
    }
    return err;
}

void gateway_destroy(struct gateway **gateway_ptr)
{
    struct gateway *gateway = *gateway_ptr;
    if (gateway == NULL) {
        return;
    }
    stop(gateway);
    zmq_msg_close(&gateway->frame);
    if (gateway->memory >= 0) {
        if (gateway->door != NULL) {
            munmap(gateway->door, sizeof *gateway->door);
        }
        close(gateway->memory);
    } else {
        free(gateway->door);
    }
    free(gateway);
    *gateway_ptr = NULL;
}

/* ---- the process ---- */

/* It holds nothing that a peer could not make again, so it may die; it must not take the machine's memory with it. */
static enum err confine(void)
{
    struct rlimit limit = {PROCESS_DATA_BYTES_MAX, PROCESS_DATA_BYTES_MAX};
    (void)signal(SIGTERM, SIG_IGN); /* the core says when: what was sent last still leaves */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)close_range(DOOR_END + 1, ~0U, 0);
    (void)prctl(PR_SET_NAME, "griot-gateway");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (setrlimit(RLIMIT_DATA, &limit) != 0) {
        return ERR_INTERNAL;
    }
#else
    (void)limit; /* a sanitizer's shadow memory is data too */
#endif
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? crypto_start() : ERR_INTERNAL;
}

static enum err config_take(struct gateway_config *ret, struct secret **ret_secret, char address[256])
{
    struct pollfd item = {.fd = PIPE_END, .events = POLLIN};
    struct pipe_header header;
    zmq_msg_t body;
    enum err err = ERR_INTERNAL;
    zmq_msg_init(&body);
    while (poll(&item, 1, START_MS_MAX) < 0 && errno == EINTR) {
    }
    if (pipe_read(PIPE_END, &header, &body) == PIPE_MESSAGE && header.what == PIPE_CONFIG && zmq_msg_size(&body) == sizeof(struct pipe_config)) {
        struct pipe_config *all = zmq_msg_data(&body);
        *ret_secret = secret_new(sizeof all->secret);
        if (*ret_secret != NULL) {
            memcpy(secret_write(*ret_secret), all->secret, sizeof all->secret);
            *ret = (struct gateway_config){.transport_public = all->public, .transport = *ret_secret, .handshake_ms = (uint32_t)all->handshake_ms};
            all->address[sizeof all->address - 1] = '\0';
            memcpy(address, all->address, sizeof all->address);
            err = ERR_OK;
        }
        explicit_bzero(all, sizeof *all);
    }
    zmq_msg_close(&body);
    return err;
}

int gateway_process(void)
{
    struct gateway_config config;
    struct secret *secret = NULL;
    char address[256];
    void *door = MAP_FAILED;
    if (confine() != ERR_OK || config_take(&config, &secret, address) != ERR_OK) {
        return 1;
    }
    door = mmap(NULL, sizeof(struct door), PROT_READ | PROT_WRITE, MAP_SHARED, DOOR_END, 0);
    struct actor *actor = door != MAP_FAILED ? actor_new(&config, address, PIPE_END, door) : NULL;
    if (actor == NULL) {
        return 1;
    }
    actor->taken_ms = TAKEN_MS;
    zsys_handler_set(NULL);
    zsock_t *far = NULL, *near = zsys_create_pipe(&far); /* through which nobody tells it to end */
    if (near == NULL) {
        return 1;
    }
    actor_run(far, actor);
    zsock_destroy(&near);
    zsock_destroy(&far);
    secret_destroy(&secret);
    free(actor);
    return 0;
}

/* ---- speaking with it ---- */

const char *gateway_address(const struct gateway *gateway)
{
    return gateway->address;
}

int gateway_descriptor(const struct gateway *gateway)
{
    return gateway->pipe;
}

pid_t gateway_pid(const struct gateway *gateway)
{
    return gateway->pid;
}

bool gateway_receive(struct gateway *gateway, struct gateway_event *ret)
{
    struct pipe_header header;
    zmq_msg_close(&gateway->frame);
    zmq_msg_init(&gateway->frame);
    if (gateway->pipe < 0) {
        return false;
    }
    enum pipe_read read = pipe_read(gateway->pipe, &header, &gateway->frame);
    if (read == PIPE_NOTHING) {
        return false;
    }
    if (read == PIPE_CLOSED || header.what > GATEWAY_ABUSE) {
        close(gateway->pipe);
        gateway->pipe = -1;
        *ret = (struct gateway_event){.type = GATEWAY_LOST};
        return true;
    }
    ret->type = (enum gateway_event_type)header.what;
    ret->connection = header.connection;
    ret->is_dialled = (header.flag & PIPE_DIALLED) != 0;
    ret->is_refused = (header.flag & PIPE_REFUSED) != 0;
    ret->key = header.key;
    ret->frame = span_of(zmq_msg_data(&gateway->frame), zmq_msg_size(&gateway->frame));
    ret->why[0] = '\0';
    if (ret->type == GATEWAY_GONE) {
        snprintf(ret->why, sizeof ret->why, "%.*s", (int)ret->frame.n, (const char *)ret->frame.p);
    }
    return true;
}

/* Waits for room: the gateway always drains its pipe. Copies `body`. Nobody hears it while the process is lost. */
static void command(struct gateway *gateway, const struct pipe_header *header, struct span body)
{
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, body.n) != 0) {
        return; /* lost as on a broken link */
    }
    if (body.n > 0) {
        memcpy(zmq_msg_data(&message), body.p, body.n);
    }
    if (gateway->pipe < 0 || !pipe_write(gateway->pipe, header, &message, true)) {
        zmq_msg_close(&message);
    }
}

void gateway_send(struct gateway *gateway, uint32_t connection, struct span frame, bool tell)
{
    command(gateway, &(struct pipe_header){.what = PIPE_SEND, .connection = connection, .flag = tell ? PIPE_TELL : 0U}, frame);
}

void gateway_dial(struct gateway *gateway, uint32_t connection, const char *address, const struct curve_public *server)
{
    assert(connection > 0 && connection <= INT32_MAX);
    command(gateway, &(struct pipe_header){.what = PIPE_DIAL, .connection = connection, .key = *server}, span_of(address, strlen(address) + 1));
}

void gateway_close(struct gateway *gateway, uint32_t connection)
{
    command(gateway, &(struct pipe_header){.what = PIPE_CLOSE, .connection = connection}, span_of(NULL, 0));
}

static void command_keys(struct gateway *gateway, enum pipe_command what, const struct curve_public *keys, size_t count)
{
    for (size_t at = 0; at < count; at += PIPE_KEYS_MAX) {
        size_t n = count - at < PIPE_KEYS_MAX ? count - at : PIPE_KEYS_MAX;
        command(gateway, &(struct pipe_header){.what = (uint32_t)what}, span_of(keys + at, n * sizeof *keys));
    }
}

void gateway_allow(struct gateway *gateway, const struct curve_public *keys, size_t count, const struct curve_public *revoked, size_t revoked_count)
{
    assert(count <= GATEWAY_ALLOWED_MAX && revoked_count <= GATEWAY_ALLOWED_MAX - count);
    command(gateway, &(struct pipe_header){.what = PIPE_ALLOW_NONE}, span_of(NULL, 0));
    command_keys(gateway, PIPE_ALLOW, keys, count);
    command_keys(gateway, PIPE_REVOKE, revoked, revoked_count);
    command(gateway, &(struct pipe_header){.what = PIPE_ALLOW_DONE}, span_of(NULL, 0));
}

void gateway_recycle(struct gateway *gateway)
{
    command(gateway, &(struct pipe_header){.what = PIPE_RECYCLE}, span_of(NULL, 0));
}

struct gateway_refused gateway_refused(const struct gateway *gateway, enum gateway_refusal what)
{
    return door_refused(gateway->door, what);
}

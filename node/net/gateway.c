#include "node/net/gateway.h"

#include "node/net/actor.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PIPE_HWM = 32, /* messages, of each end: 64 each way between core and gateway, at most 4 MiB */
    HANDSHAKE_MS = 10000,
};

struct gateway {
    zactor_t *thread;
    void *pipe;          /* to the thread */
    struct actor *actor; /* the thread's while it runs */
    char address[256];
    zmq_msg_t frame; /* of the last event */
};

/* A pair of connected sockets in a new context; the thread takes one and the context. zactor's own pipe
 * would not do: czmq bounds one of its two ends, so that it holds 1,000 messages more than asked for. */
static bool make_pipe(struct gateway *gateway)
{
    void *context = zmq_ctx_new(), *near = NULL, *far = NULL;
    if (context != NULL) {
        near = zmq_socket(context, ZMQ_PAIR);
        far = zmq_socket(context, ZMQ_PAIR);
    }
    if (near != NULL && far != NULL && transport_set(near, ZMQ_SNDHWM, PIPE_HWM) && transport_set(near, ZMQ_RCVHWM, PIPE_HWM) &&
        transport_set(far, ZMQ_SNDHWM, PIPE_HWM) && transport_set(far, ZMQ_RCVHWM, PIPE_HWM) && transport_set(far, ZMQ_LINGER, 0) &&
        zmq_bind(far, "inproc://core") == 0 && zmq_connect(near, "inproc://core") == 0) {
        gateway->pipe = near;
        gateway->actor->outbox.pipe = far;
        gateway->actor->transport.context = context;
        return true;
    }
    transport_close(near, NULL);
    transport_close(far, NULL);
    if (context != NULL) {
        zmq_ctx_term(context);
    }
    return false;
}

static enum err start(struct gateway *gateway, char *why)
{
    struct actor *actor = gateway->actor;
    if (!transport_has_descriptors() || !make_pipe(gateway)) { /* czmq aborts where descriptors lack (C3) */
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "no descriptors left");
        return ERR_BUSY;
    }
    zsys_handler_set(NULL); /* signals are the daemon's (C6) */
    gateway->thread = zactor_new(actor_run, actor);
    if (gateway->thread == NULL) {
        zmq_close(actor->outbox.pipe);
        transport_close(gateway->pipe, NULL);
        gateway->pipe = NULL;
        zmq_ctx_term(actor->transport.context);
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "no thread");
        return ERR_INTERNAL;
    }
    if (actor->started != ERR_OK) {
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "%s", actor->why);
        return actor->started;
    }
    /* Its turns have begun, but it writes the address again only when told to bind again, and the same. */
    snprintf(gateway->address, sizeof gateway->address, "%s", actor->listener.address);
    return ERR_OK;
}

enum err gateway_new(const struct gateway_config *config, struct gateway **ret, char *why)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    struct actor *actor = calloc(1, sizeof *actor);
    if (gateway == NULL || actor == NULL || strlen(config->listen) >= sizeof actor->listener.address) {
        bool is_memory = gateway == NULL || actor == NULL;
        snprintf(why, GATEWAY_WHY_BYTES_MAX, "%s", is_memory ? "memory ran out" : "the address to listen on is too long");
        free(gateway);
        free(actor);
        return is_memory ? ERR_MEMORY : ERR_CONFIG;
    }
    bool has_time = config->handshake_ms > 0 && config->handshake_ms <= INT32_MAX;
    actor->transport.secret = config->transport;
    actor->transport.public = config->transport_public;
    actor->transport.handshake_ms = has_time ? (int)config->handshake_ms : HANDSHAKE_MS;
    snprintf(actor->listener.address, sizeof actor->listener.address, "%s", config->listen);
    zmq_msg_init(&gateway->frame);
    gateway->actor = actor;
    enum err err = start(gateway, why);
    if (err != ERR_OK) {
        gateway_destroy(&gateway);
        return err;
    }
    *ret = gateway;
    return ERR_OK;
}

void gateway_destroy(struct gateway **gateway_ptr)
{
    struct gateway *gateway = *gateway_ptr;
    if (gateway == NULL) {
        return;
    }
    zmq_msg_close(&gateway->frame);
    if (gateway->pipe != NULL) {
        zmq_close(gateway->pipe); /* what was said is still heard */
    }
    zactor_destroy(&gateway->thread);
    free(gateway->actor);
    free(gateway);
    *gateway_ptr = NULL;
}

const char *gateway_address(const struct gateway *gateway)
{
    return gateway->address;
}

void *gateway_socket(struct gateway *gateway)
{
    return gateway->pipe;
}

bool gateway_receive(struct gateway *gateway, struct gateway_event *ret)
{
    struct pipe_header header;
    zmq_msg_close(&gateway->frame);
    zmq_msg_init(&gateway->frame);
    if (!pipe_read(gateway->pipe, &header, &gateway->frame)) {
        return false;
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

/* Waits for room: the gateway always drains its pipe. Copies `body`. */
static void command(struct gateway *gateway, const struct pipe_header *header, struct span body)
{
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, body.n) != 0) {
        return; /* lost as on a broken link */
    }
    if (body.n > 0) {
        memcpy(zmq_msg_data(&message), body.p, body.n);
    }
    if (!pipe_write(gateway->pipe, header, &message, 0)) {
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

void gateway_allow(struct gateway *gateway, const struct curve_public *keys, size_t count, const struct curve_public *revoked, size_t revoked_count)
{
    assert(count <= GATEWAY_ALLOWED_MAX && revoked_count <= GATEWAY_ALLOWED_MAX - count);
    zmq_msg_t body;
    if (zmq_msg_init_size(&body, (count + revoked_count) * sizeof *keys) != 0) {
        return; /* the table stays as it was; the engine filters by the peer's key as well */
    }
    struct curve_public *to = zmq_msg_data(&body);
    if (count > 0) {
        memcpy(to, keys, count * sizeof *keys);
    }
    if (revoked_count > 0) {
        memcpy(to + count, revoked, revoked_count * sizeof *keys);
    }
    struct pipe_header header = {.what = PIPE_ALLOW, .flag = (uint32_t)revoked_count};
    if (!pipe_write(gateway->pipe, &header, &body, 0)) {
        zmq_msg_close(&body);
    }
}

void gateway_recycle(struct gateway *gateway)
{
    command(gateway, &(struct pipe_header){.what = PIPE_RECYCLE}, span_of(NULL, 0));
}

struct gateway_refused gateway_refused(const struct gateway *gateway, enum gateway_refusal what)
{
    return door_refused(&gateway->actor->door, what);
}

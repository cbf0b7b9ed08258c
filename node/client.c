#include "node/client.h"

#include "node/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct client {
    int fd; /* of the daemon, or -1 */
    struct home home;
    struct service service;
    struct append_plan plan; /* of the append that was begun here */
    bool is_ahead; /* a batch is under way, its answer not read */
};

static enum err open_here(const char *path, struct client *client)
{
    enum err err = home_open(path, &client->home);
    if (err != ERR_OK) {
        return err;
    }
    err = home_unlock(&client->home, NULL);
    if (err == ERR_OK) {
        client->home.fault.part = HOME_STORE;
        (void)snprintf(client->home.fault.path, sizeof client->home.fault.path, "%s", client->home.path);
        err = service_open(&client->home, &client->service);
    }
    if (err != ERR_OK) {
        home_fini(&client->home);
    }
    return err;
}

enum err client_open_explained(const char *home, struct client **ret, struct home_fault *ret_fault)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return ERR_MEMORY;
    }
    enum err err = ERR_OK;
    /* A daemon that is just starting holds the lock before it listens: give it a moment. */
    for (int i = 0; i < 40; i++) {
        client->fd = control_connect(home);
        if (client->fd >= 0) {
            *ret = client;
            return ERR_OK;
        }
        err = open_here(home, client);
        if (err != ERR_LOCKED) {
            break;
        }
        usleep(50000);
    }
    if (err != ERR_OK) {
        *ret_fault = client->home.fault;
        free(client);
        return err;
    }
    *ret = client;
    return ERR_OK;
}

enum err client_open(const char *home, struct client **ret)
{
    struct home_fault fault;
    return client_open_explained(home, ret, &fault);
}

void client_close(struct client **client)
{
    if (*client == NULL) {
        return;
    }
    if ((*client)->fd >= 0) {
        close((*client)->fd);
    } else {
        service_close(&(*client)->service);
        home_fini(&(*client)->home);
    }
    free(*client);
    *client = NULL;
}

bool client_is_daemon(const struct client *client) { return client->fd >= 0; }

static enum err err_of(const char *name)
{
    for (int err = 1; name != NULL && err < ERR_COUNT; err++) {
        if (strcmp(err_name((enum err)err), name) == 0) {
            return (enum err)err;
        }
    }
    return ERR_INTERNAL;
}

static enum err gone(json_t **ret_result)
{
    *ret_result = service_error(ERR_UNREACHABLE, "the node went away while answering", "its daemon stopped or the answer was cut", "griot status");
    return ERR_UNREACHABLE;
}

/* Read until the result. */
static enum err await(int fd, void (*on_progress)(void *arg, const json_t *progress), void *arg, json_t **ret_result)
{
    for (;;) {
        char type;
        uint8_t *body;
        size_t bytes;
        if (control_read(fd, &type, &body, &bytes) != ERR_OK) {
            return gone(ret_result);
        }
        json_t *frame = type == 'J' ? json_loadb((const char *)body, bytes, 0, NULL) : NULL;
        free(body);
        json_t *progress = json_object_get(frame, "progress");
        if (progress != NULL) {
            if (on_progress != NULL) {
                on_progress(arg, progress);
            }
            json_decref(frame);
            continue;
        }
        bool is_ok = json_is_true(json_object_get(frame, "ok"));
        *ret_result = json_incref(json_object_get(frame, is_ok ? "result" : "error"));
        json_decref(frame);
        if (*ret_result == NULL) {
            return gone(ret_result);
        }
        return is_ok ? ERR_OK : err_of(json_string_value(json_object_get(*ret_result, "code")));
    }
}

struct progress_call {
    void (*on_progress)(void *arg, const json_t *progress);
    void *arg;
};

static bool forward_progress(void *arg, json_t *progress)
{
    const struct progress_call *call = arg;
    if (call->on_progress != NULL && progress != NULL) {
        call->on_progress(call->arg, progress);
    }
    return true;
}

enum err client_call(struct client *client, json_t *request, void (*on_progress)(void *arg, const json_t *progress), void *arg, json_t **ret_result)
{
    if (client->fd >= 0) {
        enum err sent = control_write_json(client->fd, request);
        /* A node that closes at once has said why before. */
        return sent == ERR_OK || sent == ERR_UNREACHABLE ? await(client->fd, on_progress, arg, ret_result) : gone(ret_result);
    }
    enum err err;
    struct progress_call call = {on_progress, arg};
    *ret_result = service_answer(&client->service, request, forward_progress, &call, &err);
    return *ret_result != NULL ? err : ERR_MEMORY;
}

enum err client_append_begin(struct client *client, json_t *request, json_t **ret_error)
{
    json_t *result = NULL;
    enum err err = ERR_MEMORY;
    if (request != NULL && json_object_set_new(request, "do", json_string("append")) == 0) {
        if (client->fd < 0) {
            result = service_append_begin(&client->service, request, &client->plan, &err);
        } else {
            err = control_write_json(client->fd, request);
            if (err == ERR_OK) {
                err = await(client->fd, NULL, NULL, &result);
            }
        }
    }
    json_decref(request);
    if (err == ERR_OK) {
        json_decref(result);
        result = NULL;
    }
    *ret_error = result;
    return err;
}

enum err client_append(struct client *client, struct span batch, json_t **ret_result)
{
    if (client->fd >= 0) {
        return control_write(client->fd, 'B', batch) == ERR_OK ? await(client->fd, NULL, NULL, ret_result) : gone(ret_result);
    }
    enum err err;
    *ret_result = service_append(&client->service, &client->plan, batch, &err);
    return *ret_result != NULL ? err : ERR_MEMORY;
}

enum err client_append_ahead(struct client *client, struct span batch, json_t **ret_result)
{
    *ret_result = NULL;
    if (client->fd < 0) {
        return batch.n > 0 ? client_append(client, batch, ret_result) : ERR_OK;
    }
    if (client->is_ahead) { /* before the next is sent: both sides writing at once would wait for each other */
        client->is_ahead = false;
        enum err err = await(client->fd, NULL, NULL, ret_result);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (batch.n > 0) {
        if (control_write(client->fd, 'B', batch) != ERR_OK) {
            json_decref(*ret_result);
            return gone(ret_result);
        }
        client->is_ahead = true;
    }
    return ERR_OK;
}

enum err client_append_end(struct client *client)
{
    if (client->fd < 0) {
        return ERR_OK;
    }
    json_t *result = NULL;
    enum err err = control_write(client->fd, 'B', span_of(NULL, 0));
    if (err == ERR_OK) {
        err = await(client->fd, NULL, NULL, &result);
    }
    json_decref(result);
    return err;
}

#include "node/client.h"

#include "node/bundle_service.h"
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
    struct bundle_passage *passage; /* of a bundle, when no daemon runs */
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
    for (int i = 0; i < 40; i += store_compacting(home) == 0) { /* or is compacting: it comes back when it is done */
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

enum err client_dial(const char *home, struct client **ret)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return ERR_MEMORY;
    }
    client->fd = control_connect(home);
    if (client->fd < 0) {
        free(client);
        return ERR_UNREACHABLE;
    }
    *ret = client;
    return ERR_OK;
}

void client_close(struct client **client)
{
    if (*client == NULL) {
        return;
    }
    if ((*client)->fd >= 0) {
        close((*client)->fd);
    } else {
        service_bundle_close(&(*client)->passage);
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

/* Where what comes before the result goes. */
struct ears {
    enum err (*on_bytes)(void *arg, struct span bytes); /* NULL: none are expected */
    void (*on_progress)(void *arg, const json_t *progress);
    void *arg;
};

/* Read until the result. */
static enum err await_with(int fd, const struct ears *ears, json_t **ret_result)
{
    *ret_result = NULL;
    for (;;) {
        char type;
        uint8_t *body;
        size_t bytes;
        if (control_read(fd, &type, &body, &bytes) != ERR_OK) {
            return gone(ret_result);
        }
        if (type == 'B' && ears->on_bytes != NULL) {
            enum err err = ears->on_bytes(ears->arg, span_of(body, bytes));
            free(body);
            if (err != ERR_OK) {
                return err;
            }
            continue;
        }
        json_t *frame = type == 'J' ? json_loadb((const char *)body, bytes, 0, NULL) : NULL;
        free(body);
        json_t *progress = json_object_get(frame, "progress");
        if (progress != NULL) {
            if (ears->on_progress != NULL) {
                ears->on_progress(ears->arg, progress);
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

static enum err await(int fd, void (*on_progress)(void *arg, const json_t *progress), void *arg, json_t **ret_result)
{
    return await_with(fd, &(struct ears){.on_progress = on_progress, .arg = arg}, ret_result);
}

static bool forward_progress(void *arg, json_t *progress)
{
    const struct ears *ears = arg;
    if (ears->on_progress != NULL && progress != NULL) {
        ears->on_progress(ears->arg, progress);
    }
    return true;
}

static enum err forward_bytes(void *arg, struct span bytes)
{
    const struct ears *ears = arg;
    return ears->on_bytes(ears->arg, bytes);
}

enum err client_call(struct client *client, json_t *request, void (*on_progress)(void *arg, const json_t *progress), void *arg, json_t **ret_result)
{
    if (client->fd >= 0) {
        enum err sent = control_write_json(client->fd, request);
        /* A node that closes at once has said why before. */
        return sent == ERR_OK || sent == ERR_UNREACHABLE ? await(client->fd, on_progress, arg, ret_result) : gone(ret_result);
    }
    enum err err;
    struct ears ears = {.on_progress = on_progress, .arg = arg};
    *ret_result = service_answer(&client->service, request, forward_progress, &ears, &err);
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

/* One frame ahead of its answer. */
static enum err client_ahead(struct client *client, struct span batch, json_t **ret_result)
{
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

enum err client_append_ahead(struct client *client, struct span batch, json_t **ret_result)
{
    *ret_result = NULL;
    if (client->fd < 0) {
        return batch.n > 0 ? client_append(client, batch, ret_result) : ERR_OK;
    }
    return client_ahead(client, batch, ret_result);
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

/* ---- bundles ---- */

enum err client_bundle_out(struct client *client, json_t *request, enum err (*on_bytes)(void *arg, struct span bytes),
                           void (*on_progress)(void *arg, const json_t *progress), void *arg, json_t **ret_result)
{
    struct ears ears = {on_bytes, on_progress, arg};
    enum err err = ERR_OK;
    if (client->fd >= 0) {
        err = control_write_json(client->fd, request);
        err = err == ERR_OK || err == ERR_UNREACHABLE ? await_with(client->fd, &ears, ret_result) : gone(ret_result);
    } else {
        *ret_result = service_bundle_out(&client->service, request, forward_bytes, forward_progress, &ears, &err);
    }
    json_decref(request);
    return err;
}

enum err client_bundle_begin(struct client *client, const char *what, json_t **ret_result)
{
    json_t *request = json_pack("{s:s}", "do", what);
    enum err err = request == NULL ? ERR_MEMORY : ERR_OK;
    *ret_result = NULL;
    if (err == ERR_OK && client->fd >= 0) {
        err = control_write_json(client->fd, request);
        err = err == ERR_OK || err == ERR_UNREACHABLE ? await(client->fd, NULL, NULL, ret_result) : gone(ret_result);
    } else if (err == ERR_OK) {
        service_bundle_close(&client->passage);
        client->passage = service_bundle_begin(&client->service, request, ret_result, &err);
    }
    json_decref(request);
    return err;
}

enum err client_bundle_feed(struct client *client, struct span bytes, json_t **ret_result)
{
    *ret_result = NULL;
    if (client->fd >= 0) {
        return client_ahead(client, bytes, ret_result);
    }
    enum err err;
    *ret_result = service_bundle_feed(client->passage, bytes, &err);
    return *ret_result != NULL ? err : ERR_MEMORY;
}

enum err client_bundle_end(struct client *client, json_t **ret_result)
{
    json_t *last = NULL;
    enum err err = ERR_OK;
    *ret_result = NULL;
    if (client->fd < 0) {
        *ret_result = service_bundle_end(client->passage, &err);
        service_bundle_close(&client->passage);
        return *ret_result != NULL ? err : ERR_MEMORY;
    }
    err = client_ahead(client, span_of(NULL, 0), &last);
    if (err != ERR_OK) {
        *ret_result = last;
        return err;
    }
    json_decref(last);
    return control_write(client->fd, 'B', span_of(NULL, 0)) == ERR_OK ? await(client->fd, NULL, NULL, ret_result) : gone(ret_result);
}

#include "node/net/actor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LEAVERS_MS = 1,  /* until the second look for the last frames of those who have left */
    RESOLVE_MS = 20, /* between looks for a name */
    RETRY_MS = 10,   /* for queues of inbound routes, should libzmq have room and not have said so */
    REBIND_MS = 100, /* the old listener frees its port in the background */
    FIXED_ITEMS = 7,
};

/* What one turn waits for: the fixed ones first, then two for each dialled route. */
struct watch {
    zmq_pollitem_t items[FIXED_ITEMS + 2 * ROUTES_MAX];
    struct route *routes[FIXED_ITEMS + 2 * ROUTES_MAX];
    int count;
    int room; /* index of the item that says that an inbound queue has room, 0: none */
};

static void watch_add(struct watch *watch, void *socket, struct route *route, short events)
{
    watch->routes[watch->count] = route;
    watch->items[watch->count++] = (zmq_pollitem_t){.socket = socket, .events = events};
}

static void watch_descriptor(struct watch *watch, int fd, short events)
{
    watch_add(watch, NULL, NULL, events);
    watch->items[watch->count - 1].fd = fd;
}

/* ---- commands of the core ---- */

static void table_add(struct actor *actor, zmq_msg_t *body, bool is_revoked)
{
    size_t count = zmq_msg_size(body) / sizeof(struct curve_public), used = actor->allowed + actor->revoked;
    count = count <= GATEWAY_ALLOWED_MAX - used ? count : GATEWAY_ALLOWED_MAX - used;
    if (count > 0) {
        memcpy(actor->table + used, zmq_msg_data(body), count * sizeof *actor->table);
    }
    if (is_revoked) {
        actor->revoked += count;
    } else {
        actor->allowed += count;
    }
}

static void table_take(struct actor *actor)
{
    if (zap_allow(actor->zap, actor->table, actor->allowed, actor->table + actor->allowed, actor->revoked) == ERR_OK) {
        listener_refuse(&actor->listener); /* ZAP is asked only at the door (Z6) */
    }
}

static void rebind(struct actor *actor)
{
    char why[GATEWAY_WHY_BYTES_MAX];
    actor->rebind_ms = listener_open(&actor->listener, why) == ERR_OK ? -1 : route_now_ms() + REBIND_MS;
}

static void obey(struct actor *actor, const struct pipe_header *header, zmq_msg_t *body)
{
    struct route *route = route_find(&actor->routes, header->connection);
    switch ((enum pipe_command)header->what) {
    case PIPE_SEND:
        if (route != NULL) {
            route_send(&actor->routes, route, actor->listener.router, body, (header->flag & PIPE_TELL) != 0);
            return;
        }
        break;
    case PIPE_DIAL:
        dialler_dial(&actor->transport, &actor->routes, header->connection, zmq_msg_data(body), &header->key);
        break;
    case PIPE_CLOSE:
        if (route != NULL) {
            route_close(route);
        }
        break;
    case PIPE_ALLOW_NONE:
        actor->allowed = actor->revoked = 0;
        break;
    case PIPE_ALLOW:
    case PIPE_REVOKE:
        table_add(actor, body, header->what == PIPE_REVOKE);
        break;
    case PIPE_ALLOW_DONE:
        table_take(actor);
        break;
    case PIPE_CONFIG:
        break;
    case PIPE_RECYCLE:
        if (actor->listener.router != NULL) {
            listener_shut(&actor->listener);
            rebind(actor);
        }
        break;
    }
    zmq_msg_close(body);
}

/* MESSAGE: there may be more; CLOSED: the core is gone. */
static enum pipe_read obey_all(struct actor *actor)
{
    for (int i = 0; i < TRANSPORT_BURST; i++) {
        struct pipe_header header;
        zmq_msg_t body;
        zmq_msg_init(&body);
        enum pipe_read read = pipe_read(actor->outbox.pipe, &header, &body);
        if (read != PIPE_MESSAGE) {
            zmq_msg_close(&body);
            return read;
        }
        obey(actor, &header, &body);
    }
    return PIPE_MESSAGE;
}

/* ---- a turn ---- */

/* The items that are always there; the listener's come after them, while it stands. */
enum { ITEM_CONTROL, ITEM_CORE, ITEM_ZAP, ITEM_LEAVERS, ITEM_ROUTER };

static void watch_all(struct actor *actor, struct watch *watch, void *control, bool is_waiting)
{
    const struct listener *listener = &actor->listener;
    /* When the core is behind, the peers' frames stay in the sockets, and so with the peers. */
    bool is_stalled = !outbox_is_empty(&actor->outbox);
    short in = is_stalled ? 0 : ZMQ_POLLIN;
    watch->count = watch->room = 0;
    watch_add(watch, control, NULL, ZMQ_POLLIN);
    watch_descriptor(watch, actor->outbox.pipe, (short)(ZMQ_POLLIN | (is_stalled ? ZMQ_POLLOUT : 0)));
    watch_add(watch, zap_socket(actor->zap), NULL, ZMQ_POLLIN);
    if (listener->router != NULL) {
        watch_add(watch, listener->monitor, NULL, ZMQ_POLLIN);
        watch_add(watch, listener->router, NULL, in);
        if (is_waiting) {
            watch->room = watch->count;
            watch_descriptor(watch, listener->event_fd, ZMQ_POLLIN);
        }
    }
    for (size_t i = 0; i < actor->routes.used; i++) {
        struct route *route = &actor->routes.all[i];
        if (route->number == 0 || route->socket == NULL) {
            continue;
        }
        bool is_sending = route->is_open && route->first != NULL;
        watch_add(watch, route->monitor, route, ZMQ_POLLIN);
        watch_add(watch, route->socket, route, (short)((route->is_open ? in : 0) | (is_sending ? ZMQ_POLLOUT : 0)));
    }
}

/* True when some name is still looked for. */
static bool resolve_all(struct actor *actor)
{
    bool is_pending = false;
    for (size_t i = 0; i < actor->routes.used; i++) {
        struct route *route = &actor->routes.all[i];
        if (route->resolve != NULL) {
            dialler_resolve(&actor->transport, &actor->routes, route);
            is_pending = is_pending || route->resolve != NULL;
        }
    }
    return is_pending;
}

/* Look at what all connections hold back, now and then. Returns the milliseconds until the next look, -1 when there is nothing to look at. */
static long look_all(struct actor *actor)
{
    int64_t now = route_now_ms();
    bool is_due = now >= actor->look_ms, is_any = false;
    if (is_due) {
        actor->look_ms = now + METER_MS;
        is_any = listener_look(&actor->listener);
    }
    for (size_t i = 0; i < actor->routes.used; i++) {
        struct route *route = &actor->routes.all[i];
        if (route->number == 0 || route->fd < 0 || route->is_leaving) {
            continue;
        }
        is_any = true;
        if (is_due && meter_look(&route->meter, route->fd)) {
            if (route->is_dialled) {
                dialler_serve(&actor->routes, route);
            } else {
                listener_hear(&actor->listener);
            }
            if (route->number == 0 || route->fd < 0) {
                continue; /* it had ended, and the descriptor was another's */
            }
            (void)shutdown(route->fd, SHUT_RDWR);
            if (!route->is_closed) {
                route_tell(&actor->routes, route, GATEWAY_ABUSE, NULL);
                route_end(&actor->routes, route, "the peer sends a message without end");
            }
        }
    }
    return is_any || actor->listener.strangers.count > 0 ? (long)(actor->look_ms - now) : -1;
}

static long sooner(long a, long b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void serve_dialled(struct actor *actor, const struct watch *watch)
{
    for (int i = 0; i < watch->count; i += 1) {
        struct route *route = watch->routes[i];
        if (route == NULL || (watch->items[i].revents == 0 && !route->is_leaving)) {
            continue;
        }
        if (route->number == 0 || route->socket == NULL) {
            continue; /* it has ended in this turn; its place may be another's */
        }
        if (watch->items[i].revents & ZMQ_POLLOUT) {
            route_send_waiting(&actor->routes, route, NULL);
        }
        if (route->number != 0) {
            dialler_serve(&actor->routes, route);
        }
    }
}

/* One turn; false when it is told to end. */
static bool turn(struct actor *actor, struct watch *watch, void *control)
{
    struct listener *listener = &actor->listener;
    bool is_waiting = listener_retry(listener);
    long wait = sooner(is_waiting ? RETRY_MS : -1, listener_kick(listener));
    wait = sooner(wait, look_all(actor));
    if (resolve_all(actor)) {
        wait = sooner(wait, RESOLVE_MS);
    }
    if (listener->has_leaving && outbox_is_empty(&actor->outbox)) {
        wait = sooner(wait, LEAVERS_MS);
    }
    if (actor->rebind_ms >= 0) {
        int64_t left = actor->rebind_ms - route_now_ms();
        wait = sooner(wait, left > 0 ? (long)left : 0);
    }
    watch_all(actor, watch, control, is_waiting);
    if (zmq_poll(watch->items, watch->count, wait) < 0) {
        if (zmq_errno() != EINTR) {
            zclock_sleep(REBIND_MS); /* no memory for its own list: the one other way it fails */
        }
        return true;
    }
    outbox_flush(&actor->outbox);
    bool is_asked = watch->items[ITEM_ZAP].revents != 0, is_over = false;
    if ((watch->items[ITEM_CORE].revents & (ZMQ_POLLIN | ZMQ_POLLERR)) || is_asked) { /* whom the core let in before they dialled is let in */
        is_over = obey_all(actor) == PIPE_CLOSED;
    }
    if (is_asked) {
        uint64_t for_now, for_good;
        zap_answer(actor->zap);
        zap_refused(actor->zap, &for_now, &for_good);
        door_answered(actor->door, for_now, for_good, zap_let_in(actor->zap));
    }
    if (listener->router != NULL) {
        bool is_stalled = !outbox_is_empty(&actor->outbox);
        if (!is_stalled && (watch->items[ITEM_LEAVERS].revents != 0 || watch->items[ITEM_ROUTER].revents != 0 || listener->has_leaving)) {
            listener_read(listener);
        } else if (watch->items[ITEM_LEAVERS].revents != 0) {
            listener_hear(listener);
        }
    } else if (actor->rebind_ms >= 0 && route_now_ms() >= actor->rebind_ms) {
        rebind(actor);
    }
    serve_dialled(actor, watch);
    return !is_over && watch->items[ITEM_CONTROL].revents == 0; /* nothing but $TERM comes that way */
}

/* ---- the actor ---- */

/* An address may still be held by a gateway whose core was killed: it ends as soon as it notices. */
static enum err listen_first(struct actor *actor, char *why)
{
    enum err err = listener_open(&actor->listener, why);
    for (int waited_ms = 0; err == ERR_EXISTS && waited_ms < actor->taken_ms; waited_ms += RETRY_MS) {
        zclock_sleep(RETRY_MS);
        err = listener_open(&actor->listener, why);
    }
    return err;
}

static enum err start(struct actor *actor, char *why)
{
    actor->rebind_ms = -1;
    actor->listener.transport = &actor->transport;
    actor->listener.routes = &actor->routes;
    snprintf(why, GATEWAY_WHY_BYTES_MAX, "the door keeper (ZAP) could not start");
    enum err err = routes_init(&actor->routes, &actor->outbox);
    if (err == ERR_OK) {
        err = zap_new(actor->transport.context, &actor->zap); /* before any bind (Z3) */
    }
    actor->listener.zap = actor->zap;
    actor->listener.door = actor->door;
    if (err == ERR_OK && actor->listener.address[0] != '\0') {
        err = listen_first(actor, why);
    }
    return err;
}

static void tell_started(struct actor *actor, enum err err, const char *text)
{
    struct pipe_header header = {.what = PIPE_STARTED, .flag = (uint32_t)err};
    zmq_msg_t body;
    size_t n = strlen(text);
    if (zmq_msg_init_size(&body, n) != 0) {
        return; /* nothing is said: the core takes it for a gateway that did not start */
    }
    if (n > 0) {
        memcpy(zmq_msg_data(&body), text, n);
    }
    outbox_tell(&actor->outbox, &header, &body);
}

static void end(struct actor *actor)
{
    if (actor->routes.all != NULL) {
        routes_fini(&actor->routes);
    }
    listener_close(&actor->listener);
    zap_destroy(&actor->zap); /* after the listener (Z3) */
    outbox_fini(&actor->outbox);
    close(actor->outbox.pipe);
    while (zmq_ctx_term(actor->transport.context) != 0 && zmq_errno() == EINTR) {
    }
}

void actor_run(zsock_t *control, void *args)
{
    struct actor *actor = args;
    struct watch *watch = calloc(1, sizeof *watch);
    char why[GATEWAY_WHY_BYTES_MAX] = "memory ran out";
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* signals are for the daemon's own threads */
    enum err err = start(actor, why);
    err = watch == NULL ? ERR_MEMORY : err;
    tell_started(actor, err, err == ERR_OK ? actor->listener.address : why);
    zsock_signal(control, 0);
    while (err == ERR_OK && turn(actor, watch, zsock_resolve(control))) {
    }
    while (err == ERR_OK && obey_all(actor) == PIPE_MESSAGE) {
    }
    end(actor);
    free(watch);
}

/* actor.h - the gateway's thread: waits for the core, the door keeper, the listener and the dialled
 * connections, and gives each its turn. It never waits for anything else: the core may block on it. */
#ifndef GRIOT_NODE_NET_ACTOR_H
#define GRIOT_NODE_NET_ACTOR_H

#include "node/net/dialler.h"
#include "node/net/listener.h"

#include <czmq.h>

struct actor {
    struct transport transport;
    struct outbox outbox;
    struct routes routes;
    struct listener listener;
    struct zap *zap;
    struct door *door; /* its counts may be read by any thread, and by the process that made it */
    int taken_ms;      /* how long to wait for an address that is taken: by one of our own that is ending */
    struct curve_public table[GATEWAY_ALLOWED_MAX]; /* the next one: who may connect, then who never may */
    size_t allowed, revoked;
    int64_t look_ms;   /* when to look at the meters again */
    int64_t rebind_ms; /* when to try to listen again; -1: we do, or never shall */
};

/* A zactor_fn; `args` is a struct actor with all of transport, outbox.pipe, door and listener.address set,
 * the rest zero. Its first event is PIPE_STARTED; after a failure it ends. Takes the context and
 * outbox.pipe: told to end, or when the core has closed its end, it obeys what the core had said before
 * and closes all of its sockets. */
void actor_run(zsock_t *control, void *args);

#endif

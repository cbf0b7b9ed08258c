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
    struct door door; /* its counts may be read by any thread */
    enum err started; /* what came of the start; `why` explains */
    char why[GATEWAY_WHY_BYTES_MAX];
    int64_t look_ms;   /* when to look at the meters again */
    int64_t rebind_ms; /* when to try to listen again; -1: we do, or never shall */
};

/* A zactor_fn; `args` is a struct actor with all of transport, outbox.pipe and listener.address set,
 * the rest zero. Signals when started or failed to; its maker may look at it until then. Takes the
 * context and outbox.pipe: told to end, it obeys what the core had said before, closes all of its
 * sockets and waits until the core has closed its own. */
void actor_run(zsock_t *control, void *args);

#endif

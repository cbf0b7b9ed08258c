/* dialler.h - connections that we dial: one DEALER each, used once and thrown away. libzmq's own
 * reconnecting is off: after one bad byte it never comes back and says nothing (Z1), and where it
 * does come back it would speak in a session that is over. link.h dials again. */
#ifndef GRIOT_NODE_NET_DIALLER_H
#define GRIOT_NODE_NET_DIALLER_H

#include "node/net/route.h"

/* Dial; GATEWAY_OPEN or GATEWAY_GONE follows, the latter at once when it cannot even be tried. */
void dialler_dial(struct transport *transport, struct routes *routes, uint32_t number, const char *address, const struct curve_public *server);
/* Look whether the name of one that waits for it has been found, and go on. */
void dialler_resolve(struct transport *transport, struct routes *routes, struct route *route);
/* Take what its socket and its monitor have, frames only while the core takes them. */
void dialler_serve(struct routes *routes, struct route *route);

#endif

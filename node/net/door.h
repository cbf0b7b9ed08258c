/* door.h - how many were turned away before the core heard of them, and when last. Written by the gateway's thread, read by any. */
#ifndef GRIOT_NODE_NET_DOOR_H
#define GRIOT_NODE_NET_DOOR_H

#include "node/net/gateway.h"

#include <stdatomic.h>

struct door { /* zero to begin with */
    atomic_uint_fast64_t counts[GATEWAY_REFUSALS];
    atomic_int_fast64_t last_ms[GATEWAY_REFUSALS]; /* route_now_ms */
    uint64_t answered, let_in;                     /* the gateway's thread's: by ZAP, so far */
    uint64_t ending, entering;                     /* of them, connections whose end or first message is still to come */
};

/* What the door keeper has answered since the beginning. */
void door_answered(struct door *door, uint64_t unknown, uint64_t revoked, uint64_t let_in);
/* One that was let in has shown its first message. */
void door_entered(struct door *door);
/* A connection has ended before its first message: it is UNPROVED when the door keeper was never asked about it. No event says which connection he
 * was asked about, so of several at one moment one too few may be counted, never an honest one. */
void door_left(struct door *door);
/* All connections were ended by us. */
void door_emptied(struct door *door);
struct gateway_refused door_refused(const struct door *door, enum gateway_refusal what);

#endif

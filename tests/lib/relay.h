/* relay.h - a TCP relay on loopback, in a thread of its own, that does to a link what networks do:
 * flips a bit, cuts, falls silent, goes slowly. For tests of the network shell. */
#ifndef GRIOT_TESTS_RELAY_H
#define GRIOT_TESTS_RELAY_H

#include <stdbool.h>
#include <stdint.h>

enum relay_direction { RELAY_NOWHERE, RELAY_TO_LISTENER, RELAY_TO_DIALLER };

struct relay_plan {
    uint16_t target;           /* port on 127.0.0.1 */
    enum relay_direction flip; /* in which direction one bit is flipped, once, on the first connection that gets so far */
    uint64_t flip_at;          /* of which byte */
    uint8_t flip_mask;
    uint32_t bytes_per_s; /* towards the listener; 0: as fast as it goes */
    int buffer_bytes;     /* what its sockets take before anybody reads; 0: what the system gives */
};

struct relay;

/* A relay on a port that the system chooses; NULL when it cannot be made. */
struct relay *relay_new(const struct relay_plan *plan);
uint16_t relay_port(const struct relay *relay);
/* Reset all connections that stand. */
void relay_cut(struct relay *relay);
/* Neither read nor write nor close anything until told otherwise, from the return of this call on. New
 * connections are not accepted. */
void relay_hold(struct relay *relay, bool is_held);
/* Has the bit been flipped? */
bool relay_has_flipped(const struct relay *relay);
/* How many connections it has seen. */
uint32_t relay_connections(const struct relay *relay);
void relay_destroy(struct relay **relay);

#endif

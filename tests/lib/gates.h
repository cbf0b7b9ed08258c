/* gates.h - real gateways on loopback, and raw libzmq peers that do what a gateway never would.
 * For tests of the network shell; everything that goes wrong fails the running cmocka test. */
#ifndef GRIOT_TESTS_GATES_H
#define GRIOT_TESTS_GATES_H

#include "node/net/gateway.h"

enum { GATES_HANDSHAKE_MS = 1000 }; /* the time that the gates give to prove a key */

struct gate {
    struct gateway *gateway;
    struct curve_public key;
    struct secret *secret;
    uint16_t port; /* 0: it does not listen */
};

/* Start one, listening on a port that the system chooses, or on nothing. */
void gate_open(struct gate *gate, bool is_listening);
void gate_close(struct gate *gate);
/* Allow these and nobody else. */
void gate_allow(struct gate *gate, const struct gate *const *members, size_t count);
/* Dial what listens on this port of loopback and ought to have this key. */
void gate_dial(struct gate *gate, uint32_t connection, uint16_t port, const struct curve_public *server);
void gate_send(struct gate *gate, uint32_t connection, const char *text, bool tell);

/* The next event within `ms`; false: none came. */
bool gate_next(struct gate *gate, int ms, struct gateway_event *ret);
/* Wait for an event of this type; what comes before it is let go. Fails the test after 10 s. */
void gate_await(struct gate *gate, enum gateway_event_type type, struct gateway_event *ret);
/* Wait for a frame with this text. */
void gate_await_text(struct gate *gate, const char *text, struct gateway_event *ret);
/* Nothing comes for `ms`. */
void gate_expect_quiet(struct gate *gate, int ms);
/* Connect and say hello: `dialler` has connection `number` open, `ret` is what `listener` calls it. */
uint32_t gate_join(struct gate *dialler, uint32_t number, struct gate *listener);

/* A raw DEALER with the CURVE keys of `as` (NULL: keys of its own) that dials `to`. Closed by raw_close. */
struct raw {
    void *context, *socket, *monitor;
    struct curve_public key;
};
void raw_open(struct raw *raw, const struct gate *as);
void raw_dial(struct raw *raw, const struct gate *to);
void raw_send(struct raw *raw, const char *text);
/* The event of its monitor, within `ms`; 0: none came. */
uint16_t raw_event(struct raw *raw, int ms, uint32_t *ret_value);
void raw_close(struct raw *raw);

/* A TCP connection to a port of loopback; -1 when there is none to be had. */
int tcp_dial(uint16_t port);
/* How it ends within `ms`: true when the other side has closed or reset it. What comes is let go. */
bool tcp_ends(int fd, int ms);
/* Greeting of a ZMTP 3.1 CURVE client, 64 bytes. */
void zmtp_greeting(uint8_t ret[64]);

/* Milliseconds of a clock that only goes forward. */
int64_t gates_now(void);
/* Kilobytes of memory that this process has in RAM; 0 under a sanitizer, whose memory is not ours. */
long gates_resident_kb(void);

#endif

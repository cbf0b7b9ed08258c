/* gateway.h - owns every socket to other nodes and the CURVE keys, and nothing else. A process of its own,
 * capped in memory (or a thread, for tests): the core speaks to it only in frames that carry the
 * authenticated key of the peer (pipe.h). What strangers and members send can fill or kill that process;
 * the core starts it again, and no record was in it.
 *
 * One bound ROUTER (inbound) and one DEALER a dialled peer; CURVE always; our own ZAP handler, bound
 * before anything else. A connection is a number that the gateway (inbound, from 2^31) or the core
 * (dialled) chose and that stands for one TCP connection and one key. See README.md. */
#ifndef GRIOT_NODE_NET_GATEWAY_H
#define GRIOT_NODE_NET_GATEWAY_H

#include "crypto/secret.h"
#include "proto/clock.h"
#include "proto/ids.h"

#include <sys/types.h>

struct gateway;

enum { GATEWAY_WHY_BYTES_MAX = 160, GATEWAY_ALLOWED_MAX = 4096 };

struct gateway_config {
    const char *listen; /* tcp://host:port, or empty: nobody can dial us */
    struct curve_public transport_public;
    const struct secret *transport; /* borrowed until gateway_destroy */
    uint32_t handshake_ms;          /* how long a connection may take to prove its key; 0: 10 s, four round trips of a bad link */
    const char *program;            /* run as a process: the program whose command `gateway` is gateway_process; NULL: a thread of this one. Borrowed */
};

/* Start, with nobody allowed. On failure `why` (GATEWAY_WHY_BYTES_MAX bytes) holds an English sentence.
 *   errors  ERR_EXISTS  the address is taken; ERR_CONFIG  it is not tcp:// or cannot be bound; ERR_BUSY
 *           no descriptors; ERR_INTERNAL  libzmq refuses an option we depend on (Z3); ERR_MEMORY */
MUST_CHECK enum err gateway_new(const struct gateway_config *config, struct gateway **ret, char *why);
/* End all connections; what was sent last may still leave for half a second. */
void gateway_destroy(struct gateway **gateway);
/* Where it listens, with the port that the system chose for "tcp://host:*"; empty: nowhere. Borrowed. */
const char *gateway_address(const struct gateway *gateway);

enum gateway_event_type {
    GATEWAY_FRAME, /* a frame came in */
    GATEWAY_TAKEN, /* a frame sent with `tell` was handed to libzmq; in the order of sending */
    GATEWAY_OPEN,  /* a dialled connection has finished its CURVE handshake; before its first frame */
    GATEWAY_GONE,  /* the connection is no more; after its last frame. Its number is dead */
    GATEWAY_ABUSE, /* a peer broke the one-frame rule or chose its routing id; GATEWAY_GONE follows */
    GATEWAY_LOST,  /* the process has ended, and with it every connection: gateway_restart. Nothing else comes before that */
};
struct gateway_event {
    enum gateway_event_type type;
    uint32_t connection;
    bool is_dialled;
    struct curve_public key;         /* the peer's, authenticated */
    struct span frame;               /* FRAME: borrowed until the next receive */
    bool is_refused;                 /* GONE: the peer does not want us (yet) */
    char why[GATEWAY_WHY_BYTES_MAX]; /* GONE: what is known, an English phrase */
};

/* The descriptor to poll for input; then gateway_receive until it returns false. -1 while it is lost. */
int gateway_descriptor(const struct gateway *gateway);
bool gateway_receive(struct gateway *gateway, struct gateway_event *ret);

/* After GATEWAY_LOST: start the process again, with nobody allowed, listening where it did.
 *   errors  as gateway_new; it is lost still, and may be restarted again */
MUST_CHECK enum err gateway_restart(struct gateway *gateway, char *why);
/* The process, for tests; -1: a thread, or lost. */
pid_t gateway_pid(const struct gateway *gateway);
/* What a process is that was started as a gateway: it serves the core at the other end of descriptor 3 until that is gone, with its counts in the memory behind
 * descriptor 4. Returns an exit code. */
int gateway_process(void);

/* Queue one frame (copied); dropped when the connection is gone. With `tell`, GATEWAY_TAKEN follows, or
 * GATEWAY_GONE. A connection whose queue passes ROUTE_QUEUE_BYTES_MAX (4 MiB) is GONE. */
void gateway_send(struct gateway *gateway, uint32_t connection, struct span frame, bool tell);
/* Dial tcp://host:port; `connection` is 1..2^31-1 (asserted) and not in use. GATEWAY_OPEN or
 * GATEWAY_GONE follows, unless libzmq says nothing (Z1): give up after LINK_ATTEMPT_MS. */
void gateway_dial(struct gateway *gateway, uint32_t connection, const char *address, const struct curve_public *server);
/* End a connection, without GATEWAY_GONE; frames that the gateway had passed on before may still come.
 * What was sent last leaves first. An inbound peer is muted at once and disconnected within a second. */
void gateway_close(struct gateway *gateway, uint32_t connection);
/* Who may connect from now on, in place of what was said before (together at most GATEWAY_ALLOWED_MAX,
 * asserted). A `revoked` key is refused for good (ZAP 400), one not listed for now: it
 * is disconnected and may retry (Z2). Inbound connections of keys that are not listed any more are GONE. */
void gateway_allow(struct gateway *gateway, const struct curve_public *keys, size_t count, const struct curve_public *revoked, size_t revoked_count);
/* Close the ROUTER and bind it again: every inbound connection is GONE, the welcome ones dial again. */
void gateway_recycle(struct gateway *gateway);

enum gateway_refusal {
    GATEWAY_UNKNOWN,  /* connections turned away for now: their key is not allowed (yet) */
    GATEWAY_REVOKED,  /* for good: their key is revoked */
    GATEWAY_UNPROVED, /* ended before they proved a key: they speak no CURVE, garbage, or nothing in time; also lines that broke then */
    GATEWAY_REFUSALS
};
struct gateway_refused {
    uint64_t count; /* since the start */
    struct mono_ms last; /* when the count is not 0 */
};
/* How many inbound connections never came as far as the core. Any thread. */
struct gateway_refused gateway_refused(const struct gateway *gateway, enum gateway_refusal what);

#endif

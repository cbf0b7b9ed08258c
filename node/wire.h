/* wire.h - the sandbox's cable: a relay on loopback through which all bytes between the nodes of a sandbox go, so that a cable can be pulled without the nodes hearing a word.
 *
 * One port for each (dialler, listener) pair. A node is cut while a file of its name lies in the folder `cuts`: then no byte of its links is read or written, none of them is
 * closed or reset whatever either end does, and new connections are left unanswered. What one end sent meanwhile waits in the kernel and flows when the file is gone; so does its
 * close. The relay learns of it by inotify, and says so in the file `applied` (names that are cut, one a line, sorted).
 * One thread, one epoll loop; without traffic it does nothing at all. */
#ifndef GRIOT_NODE_WIRE_H
#define GRIOT_NODE_WIRE_H

#include "proto/error.h"
#include "proto/limits.h"

#include <stddef.h>
#include <stdint.h>

struct wire_port {
    char dialler[NAME_BYTES_MAX + 1]; /* "*": a guest, any node that has no port of its own */
    char listener[NAME_BYTES_MAX + 1];
    uint16_t port; /* on 127.0.0.1, where the dialler connects; 0: any, see wire_port_of */
    uint16_t to;   /* on 127.0.0.1, where the listener listens */
};

enum {
    WIRE_PORTS_MAX = 2048,       /* 64 listeners with 32 diallers each */
    WIRE_BUFFER_BYTES = 65536,   /* a direction of a connection holds at most this; the rest waits in the kernel */
};

struct wire; /* heap object; one owner at a time */

/* Bind all ports and read which nodes are cut. `cuts` (an existing folder) and `applied` (a path) are copied.
 *   ret_at  on ERR_BUSY: which of `ports` is taken by another process
 *   errors  ERR_BUSY; ERR_NOT_FOUND  no folder `cuts`; ERR_LIMIT  more than WIRE_PORTS_MAX; ERR_IO; ERR_MEMORY */
MUST_CHECK enum err wire_new(const struct wire_port *ports, size_t count, const char *cuts, const char *applied, struct wire **ret, size_t *ret_at);
/* Relay until `stop_fd` is readable. Connections stay as they are when it returns.
 *   errors  ERR_IO  the system refused an epoll or inotify call */
MUST_CHECK enum err wire_run(struct wire *wire, int stop_fd);
/* Closes everything; accepts NULL, clears the pointer. */
void wire_destroy(struct wire **wire);

/* The port that was bound for `ports[at]`. */
uint16_t wire_port_of(const struct wire *wire, size_t at);

#endif

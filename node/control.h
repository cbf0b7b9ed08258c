/* control.h - the home's control socket: commands of the same user, one thread a command, a few at once. Frames and requests: client.h. */
#ifndef GRIOT_NODE_CONTROL_H
#define GRIOT_NODE_CONTROL_H

#include "node/service.h"

enum {
    CONTROL_FRAME_BYTES_MAX = 1 << 20,
    CONTROL_CLIENTS_MAX = 32,   /* at once; others wait in line */
    CONTROL_LINE_MS = 5000,     /* so long while nobody ends; then they are told to come again */
    CONTROL_TIMEOUT_MS = 60000, /* within a frame; between frames a client may wait */
    CONTROL_BACKLOG = 1024,
    CONTROL_REFUSED_MS = 60000, /* between two rows about connections of other users */
};

/* A frame to or from a descriptor: type 'J' or 'B'. Reading gives heap memory, yours to free, with a NUL behind it.
 *   errors  ERR_UNREACHABLE  the other side is gone; ERR_OVERSIZE; ERR_MALFORMED; ERR_MEMORY */
MUST_CHECK enum err control_write(int fd, char type, struct span body);
MUST_CHECK enum err control_read(int fd, char *ret_type, uint8_t **ret, size_t *ret_bytes);
MUST_CHECK enum err control_write_json(int fd, const json_t *value);

/* A socket connected to HOME/control.sock, whatever the length of HOME; -1 and errno when nobody listens. */
int control_connect(const char *home);

struct control;
/* Listen on HOME/control.sock (0600) and answer from threads of its own; the home's lock is held. `service` outlives it.
 *   errors  ERR_IO  the socket cannot be made; ERR_MEMORY */
MUST_CHECK enum err control_new(const char *home, struct service *service, struct control **ret);
/* Stop listening, end the clients' connections, wait for their threads. */
void control_destroy(struct control **control);

#endif

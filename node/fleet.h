/* fleet.h - the processes of a sandbox: a node each, and the relay. Found by their command lines, so that whoever started them, however often, they are found; started detached;
 * asked over their control sockets. */
#ifndef GRIOT_NODE_FLEET_H
#define GRIOT_NODE_FLEET_H

#include "node/sandbox.h"

#include <jansson.h>
#include <sys/types.h>

struct fleet {
    pid_t nodes[SANDBOX_NODES_MAX]; /* 0: no process */
    pid_t wire;
};

/* Which processes of this user run `griot ... -H DIR/NAME ... run` and `griot sandbox wire DIR`. ERR_IO  /proc cannot be read */
MUST_CHECK enum err fleet_find(const struct sandbox *sandbox, struct fleet *ret);

/* Start a node, or the relay (`at` is FLEET_WIRE), in a session of its own, its output appended to its log.
 *   errors  ERR_IO, ERR_MEMORY, ERR_PERMISSION, ERR_FULL */
#define FLEET_WIRE SIZE_MAX
MUST_CHECK enum err fleet_start(const struct sandbox *sandbox, size_t at, pid_t *ret);
/* Send a signal, if the process is still the one that was found. */
void fleet_signal(const struct sandbox *sandbox, size_t at, pid_t pid, int signal);
/* Is the process still there? A child of ours that has ended is reaped. */
bool fleet_is_running(const struct sandbox *sandbox, size_t at, pid_t pid);
/* The last line of its log that is not indented, cleaned of control characters, "" when there is none. Returns `ret`. */
char *fleet_last_words(const struct sandbox *sandbox, size_t at, char *ret, size_t cap);
/* Path of its log. Returns `ret`. */
char *fleet_log(const struct sandbox *sandbox, size_t at, char ret[PATH_MAX]);

/* The node's own answer to `status`, or NULL when it does not answer within `timeout_ms`. A new reference. */
json_t *fleet_ask(const struct sandbox *sandbox, size_t at, uint32_t timeout_ms);

#endif

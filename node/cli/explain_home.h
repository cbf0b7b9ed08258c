/* explain_home.h - why a node cannot be opened or started: what of it is wrong, and what to do. */
#ifndef GRIOT_NODE_CLI_EXPLAIN_HOME_H
#define GRIOT_NODE_CLI_EXPLAIN_HOME_H

#include "node/cli/command.h"
#include "node/daemon.h"
#include "node/home.h"

/* Explain on stderr why the home of the invocation does not open (home_open, home_unlock, client_open_explained); with --json as griot.error/1, with
 * `faults` (line, what) for a configuration.
 *   returns  the exit code: 3 no node there, 5 passphrase, sealing key or permissions, else 1 */
int explain_home(const struct invocation *invocation, enum err err, const struct home_fault *fault);
/* Why daemon_run gave an error.
 *   returns  the exit code: DAEMON_DISK_LIES when the disk reported an error, else 1 */
int explain_daemon(const struct invocation *invocation, enum err err, const struct daemon_fault *fault);

#endif

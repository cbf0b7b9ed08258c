/* daemon.h - griot run: one node, until it is told to stop. */
#ifndef GRIOT_NODE_DAEMON_H
#define GRIOT_NODE_DAEMON_H

#include "node/home.h"

enum { DAEMON_DISK_LIES = 74 }; /* exit code, as EX_IOERR of sysexits.h; the service unit does not restart on it: the disk is to be looked at first */

/* Why a node did not start, or ended by itself. */
struct daemon_fault {
    enum daemon_part { DAEMON_STORE, DAEMON_LISTEN, DAEMON_CONTROL, DAEMON_RUNNING } part;
    char why[256]; /* of the part: folder, address and what the system said; in English, as in the log */
};
/* Run the node of an unlocked home (home_unlock) in this process, in the foreground. Ends cleanly on SIGTERM and SIGINT. What happens is logged.
 *   home     borrowed until it returns
 *   errors   those of store.h and gateway.h, with `ret` filled; ERR_IO with DAEMON_RUNNING: the disk failed under it */
MUST_CHECK enum err daemon_run(struct home *home, struct daemon_fault *ret);

#endif

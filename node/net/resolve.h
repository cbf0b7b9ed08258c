/* resolve.h - the numbers behind a name, without waiting. libzmq asks the resolver in its one I/O thread: where the line is down or the name server
 * silent, each dial would hold up every other link, and the end of the node, for many seconds. */
#ifndef GRIOT_NODE_NET_RESOLVE_H
#define GRIOT_NODE_NET_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

struct resolve;

/* Does this tcp://host:port name its host by number? */
bool resolve_is_needless(const char *address);
/* Begin to look up the host of a valid tcp://host:port. NULL: no memory, or no thread. */
struct resolve *resolve_new(const char *address);

enum resolve_state { RESOLVE_PENDING, RESOLVE_DONE, RESOLVE_FAILED };
/* Look after it. DONE: `ret` (`n` bytes) holds tcp://number:port, IPv4 where there is one; FAILED: it holds why not. */
enum resolve_state resolve_look(const struct resolve *resolve, char *ret, size_t n);
/* Want no more of it, whatever its state. Its thread ends when the system's resolver lets it. */
void resolve_destroy(struct resolve **resolve);

#endif

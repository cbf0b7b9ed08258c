/* follower.h - the thread that keeps the views up with the journal. The log never waits for it. */
#ifndef GRIOT_NODE_FOLLOWER_H
#define GRIOT_NODE_FOLLOWER_H

#include "store/views.h"

struct follower;
/* Follow at once and whenever follower_wake is called. ERR_MEMORY, ERR_INTERNAL */
MUST_CHECK enum err follower_new(struct views *views, struct store *store, struct follower **ret);
void follower_destroy(struct follower **follower);
/* From any thread: the journal has grown (`has_commits`), or what the views derive from notices may have changed. */
void follower_wake(void *follower, bool has_commits);
/* Wait until the views hold what the journal held when this was called, at most FOLLOWER_WAIT_MS, so that whoever records finds at once; not at all when they are far behind.
 * From any thread but the follower's. */
enum { FOLLOWER_WAIT_MS = 40 };
void follower_settle(struct follower *follower);

#endif

/* release.h - a record of this office's for other readers: what griot release does, and griot answer when it grants. */
#ifndef GRIOT_NODE_CLI_RELEASE_H
#define GRIOT_NODE_CLI_RELEASE_H

#include "node/cli/ask.h"

/* Show who will be able to read it, ask where that is due, release it, and print the outcome. Returns the exit code. */
int release_to(const struct invocation *invocation, struct client *client, const char *id, const char *list);

#endif

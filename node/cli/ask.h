/* ask.h - a command's way to its node: node/client.h, with every failure explained and --timeout kept. */
#ifndef GRIOT_NODE_CLI_ASK_H
#define GRIOT_NODE_CLI_ASK_H

#include "node/cli/command.h"
#include "node/client.h"

#include <jansson.h>

/* Reach the node of the invocation. Explains why not, on stderr.
 *   returns  OUTCOME_DONE and *ret (client_close it), or the exit code */
int ask_open(const struct invocation *invocation, struct client **ret);
/* One request: opens, calls, closes. Takes `request`. Explains failure.
 *   returns  OUTCOME_DONE and a new reference in *ret, or the exit code */
int ask(const struct invocation *invocation, json_t *request, json_t **ret);
/* The same on an open client; `on_progress` may be NULL. */
int ask_client(const struct invocation *invocation, struct client *client, json_t *request, void (*on_progress)(void *arg, const json_t *progress),
               void *arg, json_t **ret);

/* While a person is asked something, the node is not late. */
void ask_pause(void);
void ask_resume(const struct invocation *invocation);

#endif

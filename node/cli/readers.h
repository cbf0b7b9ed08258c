/* readers.h - who will be able to read it: asked of the node, and shown before anything is saved. */
#ifndef GRIOT_NODE_CLI_READERS_H
#define GRIOT_NODE_CLI_READERS_H

#include "node/cli/ask.h"

/* Who `list` means now, a griot.readers/1; explains failure.
 *   returns  OUTCOME_DONE and a new reference in *ret, or the exit code */
int readers_ask(const struct invocation *invocation, struct client *client, const char *list, json_t **ret);
/* Say so on stderr, in a few lines; silent with --json. */
void readers_tell(const struct invocation *invocation, const json_t *readers);
/* On a terminal, and unless --yes or --json is given: ask (a translated question) and wait.
 *   returns  false when the person says no, or nothing */
bool readers_agree(const struct invocation *invocation, const char *question);
/* Is it to be saved for these readers? Says so when it is not. */
bool readers_confirm(const struct invocation *invocation);
/* Put them into a command's own answer: "restricted" and "readers". */
void readers_put(json_t *answer, const json_t *readers);

/* A request for these readers and no others than were shown: "to" and "shown"; yours. */
json_t *readers_request(const char *list, const json_t *readers);
/* Begin to append records that only those read who were shown; explains failure.
 *   returns  OUTCOME_DONE or the exit code */
int readers_append_begin(const struct invocation *invocation, struct client *client, const char *channel, const char *list, const json_t *readers);

#endif

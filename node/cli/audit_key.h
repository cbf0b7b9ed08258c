/* audit_key.h - the auditor's key: made apart from any node, it opens what was typed there. */
#ifndef GRIOT_NODE_CLI_AUDIT_KEY_H
#define GRIOT_NODE_CLI_AUDIT_KEY_H

#include "node/cli/command.h"

#include <jansson.h>

/* Open what rows of griot.audit/1 hold sealed, as far as the key in this folder opens it, into their "typed". Returns an outcome; what went wrong is explained. */
int audit_key_open(const struct invocation *invocation, const char *folder, json_t *rows);

extern const struct command command_audit_key;

#endif

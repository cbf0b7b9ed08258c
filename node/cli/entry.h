/* entry.h - one record that a person enters, from its first field to the node's word that it is stored: what griot record, request and answer do alike. What is
 * wrong is shown all at once, in the officer's language; who will be able to read it is shown before it is saved. */
#ifndef GRIOT_NODE_CLI_ENTRY_H
#define GRIOT_NODE_CLI_ENTRY_H

#include "node/cli/ask.h"
#include "proto/record/record.h"

struct entry;

/* `to`: who reads it, a list as in node/audience.h. All borrowed. NULL when memory runs out. */
struct entry *entry_new(const struct invocation *invocation, const struct kind *kind, const char *to);
void entry_destroy(struct entry **entry); /* accepts NULL */
const struct invocation *entry_invocation(const struct entry *entry);
/* A copy that lives as long as the entry. */
const char *entry_keep(struct entry *entry, const char *text);
/* Add a value. A fault names the field and the value as they were given: both live as long as the entry. */
void entry_add(struct entry *entry, const char *name, const char *value);
/* Add what the node knows itself, check, show the readers, save unless --dry-run is given, and print the result. Explains failure.
 *   returns  the exit code */
int entry_finish(struct entry *entry);

#endif

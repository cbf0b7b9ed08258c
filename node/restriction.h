/* restriction.h - for whom a version is sealed, as answers say it: "restricted", and the names of its readers. One answer, one owner. */
#ifndef GRIOT_NODE_RESTRICTION_H
#define GRIOT_NODE_RESTRICTION_H

#include "node/live.h"
#include "store/sender_keys.h"
#include "store/views.h"

#include <jansson.h>

struct restriction; /* remembers the last key: hits of one import share it */

/* `live` names the nodes; borrowed.  ERR_MEMORY, and those of store_read_begin */
MUST_CHECK enum err restriction_new(struct store *store, const struct live *live, struct restriction **ret);
void restriction_destroy(struct restriction **restriction); /* accepts NULL */

/* Put "restricted" (false: the whole region reads it) and, when it is, "readers" into a row about a version: those whom its author names and those granted the
 * key later, by name. */
void restriction_put(struct restriction *restriction, const struct version *version, json_t *row);
/* The name of a node, or its id in hex; a new reference. */
json_t *restriction_name(const struct restriction *restriction, const struct node_id *node);
/* The names of an audience, sorted; a new reference. */
json_t *restriction_names(const struct restriction *restriction, const struct audience *audience);

#endif

/* missing.h - why a version of a record cannot be read, and what has been ordered for it. "Erased" is said only when an order in force is held, "expired" only of a leaf whose day
 * has come (DESIGN 3). */
#ifndef GRIOT_NODE_MISSING_H
#define GRIOT_NODE_MISSING_H

#include "node/service.h"

struct missing; /* a read of the store, and who was a hub; one thread, under a second */
/* `live` is borrowed for the names.  ERR_MEMORY, and those of store_read_begin */
MUST_CHECK enum err missing_new(struct service *service, const struct live *live, struct missing **ret);
void missing_destroy(struct missing **missing);

/* Put into the row of a version: "expires" (its day), "missing" (why its payload is not shown), "erasure" {state, orders[]}; each only where there is something to say. */
void missing_put(struct missing *missing, const struct version *version, json_t *row);
/* A version that another one names as replaced and that is not held, or cannot be opened: its row, with "version", "missing" and perhaps "erasure". What `views` gave before ends. */
void missing_named(struct missing *missing, struct views_read *views, const struct node_id *author, const struct hash *content, json_t *list);
/* The state of what has been ordered for one leaf. */
MUST_CHECK enum err missing_state(struct missing *missing, const struct node_id *author, const struct hash *content, enum order_state *ret);

/* An answer in the place of `show` and `trace` for a record of which only the orders that erased it tell any more: its versions; NULL when there are none.
 * `hex` is the id or its first digits. */
json_t *missing_record(struct service *service, struct missing *missing, const char *hex, const char *schema);

#endif

/* missing.h - why a version cannot be shown here: typed, since "not found" may mean wait, ask, or never. */
#ifndef GRIOT_NODE_MISSING_H
#define GRIOT_NODE_MISSING_H

#include "store/opener.h"
#include "store/views.h"

#include <jansson.h>

/* The versions of one record, and those that they name as replaced. */
struct missing;
struct missing *missing_new(struct store *store, struct opener *opener); /* NULL when memory runs out */
void missing_destroy(struct missing **missing);                         /* accepts NULL */

/* A version that is here; `record` NULL when what it says is not. */
void missing_note(struct missing *missing, const struct version *version, const struct record *record);
/* Why what this version says is not here: a stable word, or NULL when it is. */
const char *missing_payload(struct missing *missing, const struct version *version);
/* The versions that are named and not here, with a stable word each: "not fetched", "no key yet", "not entitled", "key lost". A new reference.
 *   errors  ERR_CORRUPT, ERR_MEMORY, ERR_IO */
MUST_CHECK enum err missing_json(struct missing *missing, struct views_read *read, json_t **ret);

#endif

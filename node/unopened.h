/* unopened.h - why what another version names cannot be read here: found among the sealed entries that wait for a key. */
#ifndef GRIOT_NODE_UNOPENED_H
#define GRIOT_NODE_UNOPENED_H

#include "store/opener.h"
#include "store/views.h"

struct unopened; /* of one answer: it looks at so many commits and no more */
/* NULL when memory runs out. */
struct unopened *unopened_new(void);
void unopened_destroy(struct unopened **unopened); /* accepts NULL */

/* A stable word, "no key yet", "not entitled", "key lost" or "damaged", when an entry of `author` with this content hash is held and waits; NULL: none was found. What
 * `views` gave before ends. */
const char *unopened_find(struct unopened *unopened, struct views_read *views, struct store_read *read, const struct node_id *author, const struct hash *content);
/* The word for an error of opener_key. */
const char *unopened_word(enum err err);

#endif

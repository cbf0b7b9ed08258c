/* bundle_file.h - a bundle as one node reads it: the reader (bundle_reader.h), unlocked with this node's keys, for this region, documents given out one by one. */
#ifndef GRIOT_NODE_BUNDLE_FILE_H
#define GRIOT_NODE_BUNDLE_FILE_H

#include "crypto/keyfile.h"
#include "node/bundle_reader.h"

struct bundle_file; /* heap object; one owner at a time */

/* Called for each document, contents and trailer included, in order; what it gets is borrowed for the call. An error ends the reading and is passed on. */
typedef enum err (*bundle_each)(void *arg, struct span document, const struct bundle_item *items, uint32_t count);

/* `keyring` is borrowed. ERR_MEMORY */
MUST_CHECK enum err bundle_file_new(const struct region_id *region, const struct node_id *self, const struct keyring *keyring, bundle_each each, void *arg, struct bundle_file **ret);
void bundle_file_destroy(struct bundle_file **file);
/* Take in the next bytes, however many.
 *   errors  once and for all: those of bundle_reader_feed; ERR_REGION; ERR_PERMISSION  not sealed for this node, or inside for somebody else; ERR_UNKNOWN_KEY  sealed for a key that this node
 * has no more; those of the keyring and of `each` */
MUST_CHECK enum err bundle_file_feed(struct bundle_file *file, struct span bytes, const char **clause);
/* The file ends here.  ERR_TRUNCATED */
MUST_CHECK enum err bundle_file_end(const struct bundle_file *file, const char **clause);

/* Has the head come? Then the reader has it, also after an error. */
bool bundle_file_has_head(const struct bundle_file *file);
const struct bundle_reader *bundle_file_reader(const struct bundle_file *file);

#endif

/* release.h - a new version of an own record for more readers: the same record, id and values, sealed for them and saying so. What was sealed before stays as it is. */
#ifndef GRIOT_NODE_RELEASE_H
#define GRIOT_NODE_RELEASE_H

#include "node/writer.h"

struct release {
    struct span payload;           /* of the version in force, as decoded; borrowed */
    struct hash replaces;          /* that version */
    enum channel channel;
    uint32_t expiry_day;           /* as that version has it; 0: none */
    const struct readers *readers; /* who will be able to read it; NULL: the whole region */
    /* results */
    struct record_id id;
    struct hash version;
    uint32_t depth;
    const char *clause;
};
/* writer_change.
 *   errors  ERR_OVERSIZE, ERR_LIMIT  the names of its readers leave no room for it, with clause: nothing was appended; those of author_append and store_own_put */
MUST_CHECK enum err release_make(struct writer *writer, void *release);

#endif

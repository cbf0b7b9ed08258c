/* release.h - a record of ours for other readers: a new version that says the same, sealed for them, in place of what is in force. Who could read what it
 * replaces keeps that. */
#ifndef GRIOT_NODE_RELEASE_H
#define GRIOT_NODE_RELEASE_H

#include "node/writer.h"

struct release {
    struct record_id id;
    enum channel channel;
    struct span payload; /* of the version in force that it says again */
    uint32_t replaces_count;
    struct hash replaces[RECORD_REPLACES_MAX]; /* all versions in force */
    uint32_t depth;                            /* of the deepest of them */
    uint32_t expiry_day;                       /* as of what it replaces */
    const struct readers *readers;             /* NULL: the whole region */
    /* results */
    struct hash version;
    bool is_unchanged; /* these readers have it already: nothing was appended */
    const char *clause;
};
/* writer_change.
 *   errors  ERR_STALE  another version has been written meanwhile; ERR_OVERSIZE  with its readers it is longer than a record can be; those of author_append.
 *           Nothing was appended then. */
MUST_CHECK enum err release_make(struct writer *writer, void *release);

#endif

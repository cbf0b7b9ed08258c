/* medium.h - a large file written to a stick or a disk that others will carry away: it appears whole or not at all, and is read back and compared before it does, since sticks lie. */
#ifndef GRIOT_NODE_MEDIUM_H
#define GRIOT_NODE_MEDIUM_H

#include <limits.h>

#include "crypto/hash.h"
#include "proto/error.h"

struct medium {
    int fd; /* -1: none is open */
    char path[PATH_MAX], fresh[PATH_MAX];
    uint64_t bytes, unsynced;
    struct hash_state hash; /* of what was written, compared with what is read back */
};

/* Begin PATH.new; what an earlier attempt left under that name is written over.
 *   errors  ERR_EXISTS  PATH is there already; ERR_NOT_FOUND  no such folder; ERR_PERMISSION; ERR_FULL; ERR_INVALID  path too long; ERR_IO */
MUST_CHECK enum err medium_begin(const char *path, struct medium *ret);
/* The next bytes. ERR_FULL, ERR_IO */
MUST_CHECK enum err medium_write(struct medium *medium, struct span bytes);
/* Sync it, read it back from the medium, rename it to PATH, sync the folder. After an error PATH.new is gone.
 *   errors  ERR_BADHASH  what is read is not what was written; ERR_EXISTS  PATH has come meanwhile; ERR_FULL; ERR_IO; ERR_PERMISSION */
MUST_CHECK enum err medium_end(struct medium *medium);
/* Remove PATH.new, when it is open. */
void medium_abandon(struct medium *medium);

#endif

/* restore.h - a node brought back from a backup. A backup (node/backup.c) holds no identity, no transport key and no log key, by construction: whoever has only
 * the backup cannot speak for the node. What it lacks comes from the identity file, which is kept apart from the data: both keys as they are sealed in
 * HOME/keys, so that it opens with the passphrase or sealing key of the backup, and with nothing else. Log keys come from nowhere: the node begins new logs. */
#ifndef GRIOT_NODE_RESTORE_H
#define GRIOT_NODE_RESTORE_H

#include "node/home.h"

/* Write the identity file of a home (0600); needs no key.
 *   errors  ERR_EXISTS  `path` is there; ERR_NOT_FOUND  no such folder, or a key is missing; ERR_PERMISSION, ERR_FULL, ERR_IO, ERR_MEMORY, ERR_INVALID,
 *           ERR_CORRUPT  a key file is longer than any */
MUST_CHECK enum err home_escrow(const struct home *home, const char *path);

/* What an error of home_restore is about. */
enum restore_part {
    RESTORE_TARGET,     /* the folder that is to become the home */
    RESTORE_IDENTITY,   /* the identity file */
    RESTORE_BACKUP,     /* the backup folder: something is missing or cannot be read */
    RESTORE_OTHER_NODE, /* the identity file is of another node */
    RESTORE_HOME,       /* `fault` says: configuration, passphrase, keys */
    RESTORE_STORE,      /* its store does not open, or is another node's */
};

struct home_restore {
    const char *backup;          /* folder as griot backup has written it; only read */
    const char *identity;        /* file of home_escrow */
    const struct unlock *unlock; /* NULL: as home_unlock finds it */
    struct wall_ms now;          /* when its next card is signed */
    /* results */
    enum restore_part part;
    struct home_fault fault;
    char name[NAME_BYTES_MAX + 1];
    uint64_t commits, entries; /* in the backup */
};

/* Make the home `path` (absent, or an empty folder) from a backup: built beside it and renamed, so there is all of it or nothing. It has a new install id and a
 * card with a higher counter than the newest it holds.
 *   errors  ERR_EXISTS      something is at `path`
 *           ERR_INVALID     a path too long; RESTORE_OTHER_NODE
 *           ERR_CORRUPT     the identity file, the store or a key, as `part` says; the keys of the file are sealed apart from those of the backup
 *           ERR_LAYOUT      made by a newer release
 *           ERR_NOT_FOUND, ERR_PERMISSION, ERR_PASSPHRASE, ERR_CONFIG, ERR_FULL, ERR_IO, ERR_MEMORY, ERR_MLOCK */
MUST_CHECK enum err home_restore(const char *path, struct home_restore *restore);

#endif

/* folder.h - a folder that appears whole or not at all, whatever the power does (RELIABILITY L1):
 * its content is written into PATH.new, synced, and renamed to PATH. */
#ifndef GRIOT_STORE_FOLDER_H
#define GRIOT_STORE_FOLDER_H

#include "proto/error.h"

enum { FOLDER_PATH_BYTES_MAX = 4000 };

/* The error for a value of errno. ENOSPC, EDQUOT and EFBIG are ERR_FULL, what has no better name ERR_IO. */
enum err folder_errno(int number);

/* Make the empty folder PATH.new (0700), removing what an earlier power cut left there, and write its name to `ret`.
 *   errors  ERR_EXISTS  PATH is there already; ERR_NOT_FOUND  no parent folder; ERR_FULL, ERR_IO, ERR_PERMISSION, ERR_INVALID  name too long */
MUST_CHECK enum err folder_begin(const char *path, char ret[FOLDER_PATH_BYTES_MAX]);
/* Sync every file of PATH.new and the folder itself, rename it to PATH, sync the parent.
 *   errors  ERR_EXISTS, ERR_IO, ERR_FULL; PATH.new is then still there */
MUST_CHECK enum err folder_publish(const char *path);
/* A file of a folder that is replaced by a new one, whole or not at all: folder_begin_beside makes the empty folder PATH.new although PATH is there, and writes its name to `ret`;
 * folder_replace syncs PATH.new/NAME, renames it over PATH/NAME, syncs PATH and removes PATH.new.
 *   errors  as folder_begin without ERR_EXISTS, and folder_publish; until the rename PATH is as it was */
MUST_CHECK enum err folder_begin_beside(const char *path, char ret[FOLDER_PATH_BYTES_MAX]);
MUST_CHECK enum err folder_replace(const char *path, const char *name);
/* Remove the files directly in `path` and then the folder. Absent is no error.
 *   errors  ERR_PERMISSION, ERR_IO  also when it holds a folder */
MUST_CHECK enum err folder_remove(const char *path);
/* Remove PATH.new, as far as that works. */
void folder_abandon(const char *path);

#endif

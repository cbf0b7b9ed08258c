/* file.h - small files, whole: read within a limit, written so that there is the old one or the new one and nothing between. */
#ifndef GRIOT_NODE_FILE_H
#define GRIOT_NODE_FILE_H

#include "proto/error.h"
#include "proto/span.h"

#include <sys/types.h>

/* Read a regular file of at most `max` bytes; "-" is standard input. A NUL follows the bytes, not counted. Yours to free.
 *   errors  ERR_NOT_FOUND; ERR_PERMISSION; ERR_OVERSIZE  larger than `max`; ERR_INVALID  no regular file; ERR_IO; ERR_MEMORY */
MUST_CHECK enum err file_read(const char *path, size_t max, uint8_t **ret, size_t *ret_bytes);
/* Write PATH.new, sync, put it in the place of `path` (or only into an empty place), sync the folder.
 *   errors  ERR_EXISTS  unless `replace`; ERR_NOT_FOUND  no such folder; ERR_PERMISSION; ERR_FULL; ERR_INVALID  path too long; ERR_IO */
MUST_CHECK enum err file_write(const char *path, struct span bytes, mode_t mode, bool replace);
/* Sync a folder: what was created or renamed in it is then durable. ERR_NOT_FOUND, ERR_PERMISSION, ERR_IO */
MUST_CHECK enum err file_sync_folder(const char *path);
/* Remove a file, or a folder with all that is in it; links are removed, not followed. Best effort: what cannot be removed stays. */
void file_remove_tree(const char *path);

#endif

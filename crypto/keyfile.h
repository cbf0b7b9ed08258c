/* keyfile.h - secrets on disk. A folder of keys is sealed under one random master key, which the
 * file `seal` holds, itself sealed by a passphrase (Argon2id) or by a key from the service manager.
 * Files are 0600, written to a temporary name, synced and renamed; a reader refuses a file that
 * others may read. Format and labels: KEYS.md. */
#ifndef GRIOT_CRYPTO_KEYFILE_H
#define GRIOT_CRYPTO_KEYFILE_H

#include "crypto/secret.h"

/* What opens a folder of keys: exactly one of the two is set. */
struct unlock {
    const struct secret *passphrase; /* any 1..1024 bytes, as typed */
    const struct secret *key;        /* 32..4096 random bytes, as a service manager supplies them */
};

enum { KEY_NAME_BYTES_MAX = 96, KEY_PATH_BYTES_MAX = 4096 /* with its terminator */ };

struct keyring; /* an unlocked folder of keys; one owner at a time */

/* Make the folder `path` (0700; its parent exists) with a fresh master key. An existing folder
 * without a seal is taken over and made private. Yours to destroy. After an error there is no seal
 * that was not there before.
 *   errors  ERR_EXISTS      it holds a seal already
 *           ERR_NOT_FOUND   its parent does not exist, or `path` is no folder
 *           ERR_PERMISSION  it may not be made or written
 *           ERR_INVALID     not exactly one of passphrase and key, of the lengths above; or a path
 *                           that is empty or too long
 *           ERR_IO, ERR_FULL, ERR_MEMORY */
MUST_CHECK enum err keyring_create(const char *path, const struct unlock *unlock,
                                   struct keyring **ret);

/* Open it; with a passphrase this takes 64 MiB and about a tenth of a second. Yours to destroy.
 *   errors  ERR_NOT_FOUND   no such folder, or no seal in it
 *           ERR_PERMISSION  others may read the seal or write the folder, or we may not read it
 *           ERR_PASSPHRASE  does not open it, or is of the other kind than the seal
 *           ERR_CORRUPT     not a seal, damaged, or asking for more work than KEYS.md allows
 *           ERR_LAYOUT      sealed by a release with another format
 *           ERR_INVALID     as for keyring_create
 *           ERR_IO, ERR_MEMORY */
MUST_CHECK enum err keyring_open(const char *path, const struct unlock *unlock,
                                 struct keyring **ret);

/* Wipes the master key; accepts NULL, clears the pointer. */
void keyring_destroy(struct keyring **keyring);

/* Seal `secret` into the file `name`, durable when it returns. After an error there is what was
 * there before or, when replacing, the new file, whole.
 *   name    1..KEY_NAME_BYTES_MAX of a-z 0-9 - and ., not beginning with ., not "seal"; KEYS.md 1
 *   errors  ERR_EXISTS      it is there and `replace` is false
 *           ERR_INVALID     bad name
 *           ERR_PERMISSION  the folder may not be written
 *           ERR_IO, ERR_FULL */
MUST_CHECK enum err keyring_put(struct keyring *keyring, const char *name,
                                const struct secret *secret, bool replace);

/* Read it back; the name is authenticated, so files cannot be exchanged. Yours to destroy.
 *   errors  ERR_NOT_FOUND   no such file
 *           ERR_INVALID     bad name
 *           ERR_PERMISSION  others may read it, or we may not
 *           ERR_CORRUPT     damaged, renamed, or sealed under another master key
 *           ERR_IO, ERR_MEMORY */
MUST_CHECK enum err keyring_get(const struct keyring *keyring, const char *name,
                                struct secret **ret);

/* Remove a key file. Absent is no error. Gone for good only as far as the disk forgets: KEYS.md 3.
 *   errors  ERR_INVALID     bad name
 *           ERR_PERMISSION  the folder may not be written
 *           ERR_IO */
MUST_CHECK enum err keyring_remove(struct keyring *keyring, const char *name);

/* Seal the folder under another passphrase or key; only the file `seal` changes, at once and whole:
 * after an error the folder opens with the old one or, after ERR_IO, perhaps with the new one.
 *   errors  ERR_INVALID     as for keyring_create
 *           ERR_PERMISSION  the folder may not be written
 *           ERR_IO, ERR_FULL, ERR_MEMORY */
MUST_CHECK enum err keyring_reseal(struct keyring *keyring, const struct unlock *unlock);

/* Does a key of this name belong in the sealed key backup? True for `encryption`, `import` and
 * these with a suffix that begins with '-'; false for everything else, so a key nobody thought of
 * stays out, as log keys must. */
bool key_is_backed_up(const char *name);

/* Copy the keys of `from` that belong in a backup, and only those, into `to`; names that `to` has
 * stay as they are. Into a new keyring this makes a backup, out of it a restore; after an error the
 * keys before the failing one are copied, and repeating it is harmless.
 *   ret     how many were copied
 *   errors  those of keyring_get and keyring_put */
MUST_CHECK enum err keyring_copy_backup(const struct keyring *from, struct keyring *to,
                                        size_t *ret);

/* Read a key from the service manager's file: 32..4096 bytes, taken as they are; 0600 or 0400
 * unless it lies below $CREDENTIALS_DIRECTORY, which the service manager guards. Yours to destroy.
 *   errors  ERR_NOT_FOUND   no such file
 *           ERR_PERMISSION  others may read it, or we may not
 *           ERR_INVALID     too short, too long, or no regular file
 *           ERR_IO, ERR_MEMORY */
MUST_CHECK enum err unlock_key_read(const char *path, struct secret **ret);

#endif

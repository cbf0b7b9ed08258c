/* seal.h - the bytes of seal and key files (KEYS.md 6), without the files. Pure but for randomness;
 * every function is safe on any bytes and needs at most SEAL_MEMORY_BYTES_MAX of memory whatever a
 * file says. */
#ifndef GRIOT_CRYPTO_SEAL_H
#define GRIOT_CRYPTO_SEAL_H

#include "crypto/secret.h"

struct unlock; /* crypto/keyfile.h */

enum {
    MASTER_BYTES = 32,
    SEAL_BYTES = 152,    /* a whole seal file */
    KEY_HEAD_BYTES = 48, /* of a key file, before the sealed key */
    KEY_TAG_BYTES = 16,  /* after it */
    KEY_FILE_BYTES_MAX = KEY_HEAD_BYTES + SECRET_BYTES_MAX + KEY_TAG_BYTES,
    UNLOCK_KEY_BYTES_MIN = 32, /* below, a key could be guessed: nothing stretches it */
    UNLOCK_PASSPHRASE_BYTES_MAX = 1024,
    SEAL_OPS = 2,     /* Argon2id passes that we write: libsodium's interactive limits */
    SEAL_OPS_MAX = 8, /* that we still carry out: seconds on a modest PC */
    SEAL_MEMORY_BYTES = 67108864,      /* 64 MiB, that we write; the least we accept */
    SEAL_MEMORY_BYTES_MAX = 268435456, /* 256 MiB: what a modest PC can spare at start */
};

/* Is exactly one of the two set, and long enough? ERR_INVALID */
MUST_CHECK enum err unlock_check(const struct unlock *unlock);

/* Seal a master key of MASTER_BYTES.
 *   errors  ERR_INVALID  see unlock_check
 *           ERR_MEMORY   no room for Argon2id or the derived key */
MUST_CHECK enum err seal_master(const struct unlock *unlock, const struct secret *master,
                                uint8_t ret[SEAL_BYTES]);
/* Open it. Yours to destroy.
 *   errors  ERR_CORRUPT     not a seal, damaged, or with parameters outside the limits above
 *           ERR_LAYOUT      a seal of another release, undamaged
 *           ERR_PASSPHRASE  does not open it, or a key is given where a passphrase is needed, or
 *                           the other way round
 *           ERR_INVALID     see unlock_check
 *           ERR_MEMORY      as for seal_master */
MUST_CHECK enum err unseal_master(struct span file, const struct unlock *unlock,
                                  struct secret **ret);

/* Seal `key` under `master` for the file `name` (at most KEY_NAME_BYTES_MAX, asserted). Returns the
 * length: KEY_HEAD_BYTES + secret_bytes(key) + KEY_TAG_BYTES. */
size_t seal_key(const struct secret *master, const char *name, const struct secret *key,
                uint8_t ret[KEY_FILE_BYTES_MAX]);
/* Open it. Yours to destroy.
 *   errors  ERR_CORRUPT  not a key file, damaged, of another name or under another master key
 *           ERR_MEMORY */
MUST_CHECK enum err unseal_key(const struct secret *master, const char *name, struct span file,
                               struct secret **ret);

#endif

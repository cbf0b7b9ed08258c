/* root_key.h - one root key: a sealed folder that its holder carries alone, and what it signs.
 *
 *   FOLDER/seal, root       the key (crypto/keyfile.h, KEYS.md 1)
 *   FOLDER/region           the region whose rosters it signs, sealed: from its making, or from the first roster it signs
 *   FOLDER/signed-N         the hash of the roster number N that it has signed, sealed: a second one of that number would divide the region
 *   FOLDER/signed           the highest such number (8 bytes, big-endian), sealed
 *   FOLDER/public           its public half, text: what the ceremony of a new key takes
 *
 * Public file: the line "griot root key 1", the key in hex, the line "fingerprint " and the fingerprint. Signature file: the line "griot root signature 1", then hex, 64 digits a
 * line, of the MessagePack array [1, region, roster number, roster hash, key, signature]. Both are text that survives mail and paper. */
#ifndef GRIOT_NODE_ROOT_KEY_H
#define GRIOT_NODE_ROOT_KEY_H

#include "crypto/hash.h"
#include "crypto/keyfile.h"
#include "crypto/sign.h"

enum { ROOT_TEXT_BYTES_MAX = 1024 };

struct root_key { /* unlocked */
    struct keyring *keyring;
    struct secret *secret;
    struct sign_public public;
    bool has_region;
    struct region_id region;
};

/* Make a key in the new folder `path` (or an empty one). `region` may be NULL: it is then bound to the region of the first roster it signs.
 *   errors  ERR_EXISTS  something is there; those of keyring_create and keyring_put */
MUST_CHECK enum err root_key_create(const char *path, const struct unlock *unlock, const struct region_id *region, struct sign_public *ret);
/* Open it; root_key_close it. ERR_CORRUPT  it holds no root key; those of keyring_open and keyring_get */
MUST_CHECK enum err root_key_open(const char *path, const struct unlock *unlock, struct root_key *ret);
void root_key_close(struct root_key *key);

/* What to read over the telephone. */
void root_key_print(const struct sign_public *key, char ret[FINGERPRINT_CHARS]);
/* Read a public file. ERR_MALFORMED  no such file, ERR_BADHASH  its fingerprint is not that of its key; ERR_VERSION; those of file_read */
MUST_CHECK enum err root_key_read(const char *path, struct sign_public *ret, const char **why);

struct root_signature {
    struct region_id region;
    uint64_t number;
    struct hash roster;
    struct sign_public key;
    struct signature signature;
};
/* Sign the roster `body` (number, region). Before the signature leaves this process, root_key_remember it.
 *   is_again  sign although another one of this number, or a later one, was signed: for proposals that all signers have given up
 *   errors    ERR_REGION  the key is of another region
 *             ERR_EXISTS  it has signed another roster of this number
 *             ERR_STALE   it has signed a later one
 *             those of keyring_get; `*why` (an English msgid) says so */
MUST_CHECK enum err root_key_sign(const struct root_key *key, const struct region_id *region, uint64_t number, struct span body, bool is_again, struct root_signature *ret, const char **why);
/* Remember in the folder what was signed: from then on it signs the same again, and nothing else of that number. Those of keyring_put and keyring_get */
MUST_CHECK enum err root_key_remember(struct root_key *key, const struct root_signature *signature);

/* The signature file, NUL-terminated. Returns its length. */
size_t root_signature_encode(const struct root_signature *signature, char ret[ROOT_TEXT_BYTES_MAX]);
/* Read one; nothing is verified. ERR_MALFORMED, ERR_VERSION; those of file_read */
MUST_CHECK enum err root_signature_read(const char *path, struct root_signature *ret, const char **why);

#endif

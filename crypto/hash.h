/* hash.h - BLAKE2b-256 with its purpose in the personalisation: no hash stands for two things. */
#ifndef GRIOT_CRYPTO_HASH_H
#define GRIOT_CRYPTO_HASH_H

#include "crypto/secret.h"
#include "proto/ids.h"

/* Permanent: each has a 16-byte label in hash.c, listed in KEYS.md. */
enum hash_purpose {
    HASH_CHARTER,    /* region id */
    HASH_BIRTH,      /* log id and hash of commit 0 */
    HASH_COMMIT,     /* commit hash, over its canonical form */
    HASH_LEAVES,     /* entries root, over the concatenated canonical leaves */
    HASH_PAYLOAD,    /* leaf content, over salt || stored payload */
    HASH_NOTICE,     /* any notice, over its signed bytes */
    HASH_HEADS,      /* digest of a sorted list of heads */
    HASH_NOTICES,    /* digest of the notices held */
    HASH_ACTS,       /* digest of the registrar acts held */
    HASH_SESSION,    /* session id, over the transcript */
    HASH_PREFIX,     /* session-keyed head prefixes */
    HASH_RECORD,     /* record ids from import rows, keyed */
    HASH_CONTENT,    /* record content without its envelope, keyed; for "unchanged" */
    HASH_SEAL,       /* key derivation from a service manager's key */
    HASH_DICTIONARY, /* name of a compression dictionary */
    HASH_FILE,       /* checksum at the end of a seal file */
    HASH_SENDER_KEY, /* id of a sender key, over author, audience and key */
    HASH_WRAP,       /* nonce of a wrapped key, over ephemeral and receiver's public key */
    HASH_AUDIT,      /* a row of the audit trail */
    HASH_BUNDLE,     /* a bundle's opening; its opening and all its documents */
    HASH_PURPOSE_COUNT
};

/* Hash of `bytes` for one purpose. */
void hash_of(enum hash_purpose purpose, struct span bytes, struct hash *ret);

/* The same in pieces: start, add any number of times, end. Pure value; no heap. */
struct hash_state {
    _Alignas(64) unsigned char opaque[384];
};
void hash_start(struct hash_state *state, enum hash_purpose purpose);
void hash_add(struct hash_state *state, struct span bytes);
void hash_end(struct hash_state *state, struct hash *ret);

/* Hash under a secret key of 32 bytes (asserted). */
void hash_keyed(enum hash_purpose purpose, const struct secret *key, struct span bytes,
                struct hash *ret);

/* Content hash of a salted leaf: HASH_PAYLOAD over salt (16 bytes) and the stored payload. */
void hash_leaf(const uint8_t salt[16], struct span payload, struct hash *ret);

/* First 8 bytes of HASH_PREFIX over (session id, head hash): what a vector shows of a head. */
void hash_prefix(const struct session_id *session, const struct hash *head, uint8_t ret[8]);

/* Lower-case hex, NUL-terminated: `ret` holds 2 * n + 1 bytes. And back,
 * from either case: false, and `ret` untouched, when not exactly n bytes of hex. */
char *hex_encode(const void *p, size_t n, char *ret);
bool hex_decode(const char *hex, void *ret, size_t n);

/* A fingerprint short enough to read over the telephone: 5 groups of 4 characters of base32 without
 * 0, 1, 8 and 9 look-alikes (a-z2-7), "abcd-efgh-ijkl-mnop-qrst", from the first 100 bits of
 * HASH_NOTICE over `bytes`. */
enum { FINGERPRINT_CHARS = 25 };
void fingerprint(struct span bytes, char ret[FINGERPRINT_CHARS]);

#endif

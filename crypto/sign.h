/* sign.h - Ed25519 signatures that name their purpose and their region, so nothing replays into
 * another role or region. The signed message is label (16 bytes) || region id (32 bytes) || bytes;
 * see KEYS.md. */
#ifndef GRIOT_CRYPTO_SIGN_H
#define GRIOT_CRYPTO_SIGN_H

#include "crypto/secret.h"
#include "proto/ids.h"

/* Permanent: each has a 16-byte label in sign.c, listed in KEYS.md. */
enum sign_purpose {
    SIGN_COMMIT,   /* by a log key, over the canonical form */
    SIGN_BIRTH,    /* by the identity key */
    SIGN_ROSTER,   /* by root keys */
    SIGN_ACT,      /* by a registrar's identity key */
    SIGN_CARD,     /* by the identity key */
    SIGN_FRONTIER, /* by the identity key */
    SIGN_HELLO,    /* by the identity key, over the opening of a session */
    SIGN_BUNDLE,   /* by the identity key, over contents and trailer of a bundle */
    SIGN_PURPOSE_COUNT
};
enum { SIGN_BYTES_MAX = 65536 }; /* more than any frame or notice holds */

/* A new key pair; the secret is yours to destroy. ERR_MEMORY */
MUST_CHECK enum err sign_keypair(struct sign_public *ret_public, struct secret **ret_secret);
/* The public half of a secret made by sign_keypair. */
void sign_public_of(const struct secret *secret, struct sign_public *ret);

/* Sign `bytes` (at most SIGN_BYTES_MAX, asserted). */
void sign_make(enum sign_purpose purpose, const struct region_id *region, struct span bytes,
               const struct secret *secret, struct signature *ret);

/* ERR_BADSIG unless `signature` is `key`'s over exactly these bytes for this purpose and region;
 * also for more than SIGN_BYTES_MAX bytes and for keys of small order. Thread-safe; no heap, so it
 * never fails for another reason. */
MUST_CHECK enum err sign_check(enum sign_purpose purpose, const struct region_id *region,
                               struct span bytes, const struct sign_public *key,
                               const struct signature *signature);

/* CurveZMQ and X25519 key pairs (the same mathematics, never the same key); 32-byte secrets, yours
 * to destroy. ERR_MEMORY */
MUST_CHECK enum err curve_keypair(struct curve_public *ret_public, struct secret **ret_secret);
MUST_CHECK enum err box_keypair(struct box_public *ret_public, struct secret **ret_secret);
/* Their public halves. */
void curve_public_of(const struct secret *secret, struct curve_public *ret);
void box_public_of(const struct secret *secret, struct box_public *ret);

#endif

/* wrap.h - who may read: one 32-byte key wrapped for several receivers, and bytes sealed under such a key (KEYS.md 7).
 * Keys lie in struct secret, alone or many in one: guarded memory is scarce (RELIABILITY S2). Pure but for randomness; thread-safe. */
#ifndef GRIOT_CRYPTO_WRAP_H
#define GRIOT_CRYPTO_WRAP_H

#include "crypto/secret.h"
#include "proto/ids.h"

enum {
    SEALING_KEY_BYTES = 32,
    WRAP_BYTES = 48, /* a key as wrapped for one receiver: tag and key */
    WRAP_TAG_BYTES = 8, /* of a receiver's public key, so that he finds his wrap and which of his keys opens it */
    AEAD_NONCE_BYTES = 24,
    AEAD_TAG_BYTES = 16,
};

/* The SEALING_KEY_BYTES at `at` of a secret, also of a receiver's secret key; borrowed. That they lie inside it is asserted. */
struct sealing_key {
    const struct secret *secret;
    size_t at;
};

/* Wrap `key` for one receiver under an ephemeral pair (box_keypair), which may serve for all receivers of one key and must not serve for another.
 *   errors  ERR_INVALID  `receiver` is a point of small order: nobody holds its secret; `ret` is untouched */
MUST_CHECK enum err wrap_make(const struct secret *ephemeral, const struct box_public *ephemeral_public, const struct box_public *receiver,
                              struct sealing_key key, uint8_t ret[WRAP_BYTES]);
/* Open a wrap with the receiver's key pair, into the bytes at `at` of `ret` (inside it: asserted).
 *   errors  ERR_BADSIG  not wrapped for this receiver under this ephemeral key, or damaged; `ret` is untouched */
MUST_CHECK enum err wrap_open(struct sealing_key receiver, const struct box_public *receiver_public, const struct box_public *ephemeral_public,
                              const uint8_t wrap[WRAP_BYTES], struct secret *ret, size_t at);

/* Seal `plain` under XChaCha20-Poly1305 with a nonce that random_fill has made for nothing else; `associated` is not in the result and must be the same
 * at opening. Writes plain.n + AEAD_TAG_BYTES bytes to `ret`, which may be where `plain` is. Not key-committing: whoever must not be shown another
 * text than others checks a hash of the key first. */
void aead_seal(struct sealing_key key, const uint8_t nonce[AEAD_NONCE_BYTES], struct span associated, struct span plain, uint8_t *ret);
/* The same back: sealed.n - AEAD_TAG_BYTES bytes to `ret`, which may be where `sealed` is.
 *   errors  ERR_BADSIG  another key, nonce or associated data, or damaged, or shorter than a tag; `ret` holds zeros or is untouched */
MUST_CHECK enum err aead_open(struct sealing_key key, const uint8_t nonce[AEAD_NONCE_BYTES], struct span associated, struct span sealed, uint8_t *ret);

#endif

/* letter.h - a short text sealed for one reader by somebody who need not be able to read it again (KEYS.md 8). Pure but for randomness; thread-safe. */
#ifndef GRIOT_CRYPTO_LETTER_H
#define GRIOT_CRYPTO_LETTER_H

#include "crypto/wrap.h"

enum {
    LETTER_TEXT_BYTES_MAX = 1024,
    LETTER_PAD_BYTES = 64, /* lengths are told in steps of this only */
    LETTER_HEAD_BYTES = WRAP_TAG_BYTES + 32 + WRAP_BYTES + AEAD_NONCE_BYTES, /* receiver's tag, ephemeral public key, wrap, nonce */
    LETTER_BYTES_MAX = LETTER_HEAD_BYTES + LETTER_TEXT_BYTES_MAX + LETTER_PAD_BYTES + AEAD_TAG_BYTES,
};

/* Seal the first LETTER_TEXT_BYTES_MAX bytes of `text` for `reader` into `ret`, which has room for LETTER_BYTES_MAX. Returns the length.
 *   errors  ERR_INVALID  nobody holds the secret of this public key; ERR_MEMORY */
MUST_CHECK enum err letter_seal(const struct box_public *reader, struct span text, uint8_t ret[LETTER_BYTES_MAX], size_t *ret_bytes);
/* Was it sealed for this public key, as far as its tag says? */
bool letter_is_for(struct span letter, const struct box_public *reader);
/* Open it: at most LETTER_TEXT_BYTES_MAX bytes to `ret`.
 *   errors  ERR_MALFORMED  not of a letter's length; ERR_BADSIG  not sealed for this reader, or damaged; ERR_MEMORY */
MUST_CHECK enum err letter_open(const struct secret *reader, struct span letter, uint8_t ret[LETTER_TEXT_BYTES_MAX], size_t *ret_bytes);

#endif

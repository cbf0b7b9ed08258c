#include "crypto/wrap.h"

#include <assert.h>
#include <sodium.h>

#include "crypto/hash.h"

_Static_assert(WRAP_BYTES == SEALING_KEY_BYTES + crypto_box_MACBYTES, "a wrap is a box around a key");
_Static_assert(sizeof(struct box_public) == crypto_box_PUBLICKEYBYTES && SEALING_KEY_BYTES == crypto_box_SECRETKEYBYTES, "keys are libsodium's");
_Static_assert(AEAD_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES && AEAD_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
                   SEALING_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "the AEAD is libsodium's");

static const uint8_t *key_bytes(struct sealing_key key)
{
    assert(key.at + SEALING_KEY_BYTES <= secret_bytes(key.secret));
    return secret_read(key.secret) + key.at;
}

/* The pair (ephemeral, receiver) has one message in its life, so its nonce needs no randomness, and a receiver derives it. */
static void wrap_nonce(const struct box_public *ephemeral, const struct box_public *receiver, uint8_t ret[crypto_box_NONCEBYTES])
{
    struct hash_state state;
    struct hash hash;

    hash_start(&state, HASH_WRAP);
    hash_add(&state, span_of(ephemeral->b, sizeof ephemeral->b));
    hash_add(&state, span_of(receiver->b, sizeof receiver->b));
    hash_end(&state, &hash);
    memcpy(ret, hash.b, crypto_box_NONCEBYTES);
}

enum err wrap_make(const struct secret *ephemeral, const struct box_public *ephemeral_public, const struct box_public *receiver,
                   struct sealing_key key, uint8_t ret[WRAP_BYTES])
{
    uint8_t nonce[crypto_box_NONCEBYTES];
    uint8_t wrap[WRAP_BYTES];

    assert(secret_bytes(ephemeral) == crypto_box_SECRETKEYBYTES);
    wrap_nonce(ephemeral_public, receiver, nonce);
    if (crypto_box_easy(wrap, key_bytes(key), SEALING_KEY_BYTES, nonce, receiver->b, secret_read(ephemeral)) != 0) {
        return ERR_INVALID;
    }
    memcpy(ret, wrap, sizeof wrap);
    return ERR_OK;
}

enum err wrap_open(struct sealing_key receiver, const struct box_public *receiver_public, const struct box_public *ephemeral_public,
                   const uint8_t wrap[WRAP_BYTES], struct secret *ret, size_t at)
{
    uint8_t nonce[crypto_box_NONCEBYTES];

    assert(at + SEALING_KEY_BYTES <= secret_bytes(ret));
    wrap_nonce(ephemeral_public, receiver_public, nonce);
    /* The library checks the tag before it writes. */
    if (crypto_box_open_easy(secret_write(ret) + at, wrap, WRAP_BYTES, nonce, ephemeral_public->b, key_bytes(receiver)) != 0) {
        return ERR_BADSIG;
    }
    return ERR_OK;
}

void aead_seal(struct sealing_key key, const uint8_t nonce[AEAD_NONCE_BYTES], struct span associated, struct span plain, uint8_t *ret)
{
    int rc = crypto_aead_xchacha20poly1305_ietf_encrypt(ret, NULL, plain.p, plain.n, associated.p, associated.n, NULL, nonce, key_bytes(key));

    assert(rc == 0); /* it refuses sizes only, and ours fit a frame */
    (void)rc;
}

enum err aead_open(struct sealing_key key, const uint8_t nonce[AEAD_NONCE_BYTES], struct span associated, struct span sealed, uint8_t *ret)
{
    if (sealed.n < AEAD_TAG_BYTES ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(ret, NULL, NULL, sealed.p, sealed.n, associated.p, associated.n, nonce, key_bytes(key)) != 0) {
        return ERR_BADSIG;
    }
    return ERR_OK;
}

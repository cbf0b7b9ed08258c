#include "crypto/letter.h"

#include "crypto/sign.h"

static const char label[16] = "griot-l-letter";

enum { EPHEMERAL_AT = WRAP_TAG_BYTES, WRAP_AT = EPHEMERAL_AT + 32, NONCE_AT = WRAP_AT + WRAP_BYTES };

/* The text, one byte 0x80, zeros. */
static size_t padded_bytes(size_t n) { return (n / LETTER_PAD_BYTES + 1) * LETTER_PAD_BYTES; }

enum err letter_seal(const struct box_public *reader, struct span text, uint8_t ret[LETTER_BYTES_MAX], size_t *ret_bytes)
{
    struct box_public ephemeral_public;
    struct secret *ephemeral = NULL, *key = secret_random(SEALING_KEY_BYTES);
    struct sealing_key sealing = {key, 0};
    size_t n = text.n < LETTER_TEXT_BYTES_MAX ? text.n : LETTER_TEXT_BYTES_MAX, padded = padded_bytes(n);
    enum err err = key == NULL ? ERR_MEMORY : box_keypair(&ephemeral_public, &ephemeral);
    if (err == ERR_OK) {
        err = wrap_make(ephemeral, &ephemeral_public, reader, sealing, ret + WRAP_AT);
    }
    if (err == ERR_OK) {
        memcpy(ret, reader->b, WRAP_TAG_BYTES);
        memcpy(ret + EPHEMERAL_AT, ephemeral_public.b, sizeof ephemeral_public.b);
        random_fill(ret + NONCE_AT, AEAD_NONCE_BYTES);
        memset(ret + LETTER_HEAD_BYTES, 0, padded);
        if (n > 0) {
            memcpy(ret + LETTER_HEAD_BYTES, text.p, n);
        }
        ret[LETTER_HEAD_BYTES + n] = 0x80;
        aead_seal(sealing, ret + NONCE_AT, span_of(label, sizeof label), span_of(ret + LETTER_HEAD_BYTES, padded), ret + LETTER_HEAD_BYTES);
        *ret_bytes = LETTER_HEAD_BYTES + padded + AEAD_TAG_BYTES;
    }
    secret_destroy(&ephemeral);
    secret_destroy(&key);
    return err;
}

bool letter_is_for(struct span letter, const struct box_public *reader)
{
    return letter.n > LETTER_HEAD_BYTES && memcmp(letter.p, reader->b, WRAP_TAG_BYTES) == 0;
}

enum err letter_open(const struct secret *reader, struct span letter, uint8_t ret[LETTER_TEXT_BYTES_MAX], size_t *ret_bytes)
{
    struct box_public ephemeral, public;
    uint8_t plain[LETTER_TEXT_BYTES_MAX + LETTER_PAD_BYTES];
    struct secret *key;
    size_t sealed = letter.n > LETTER_HEAD_BYTES ? letter.n - LETTER_HEAD_BYTES : 0;
    if (sealed <= AEAD_TAG_BYTES || sealed > sizeof plain + AEAD_TAG_BYTES || (sealed - AEAD_TAG_BYTES) % LETTER_PAD_BYTES != 0) {
        return ERR_MALFORMED;
    }
    key = secret_new(SEALING_KEY_BYTES);
    if (key == NULL) {
        return ERR_MEMORY;
    }
    memcpy(ephemeral.b, letter.p + EPHEMERAL_AT, sizeof ephemeral.b);
    box_public_of(reader, &public);
    enum err err = wrap_open((struct sealing_key){reader, 0}, &public, &ephemeral, letter.p + WRAP_AT, key, 0);
    if (err == ERR_OK) {
        err = aead_open((struct sealing_key){key, 0}, letter.p + NONCE_AT, span_of(label, sizeof label), span_of(letter.p + LETTER_HEAD_BYTES, sealed), plain);
    }
    secret_destroy(&key);
    if (err != ERR_OK) {
        return err;
    }
    size_t n = sealed - AEAD_TAG_BYTES;
    while (n > 0 && plain[n - 1] == 0) {
        n--;
    }
    if (n == 0 || plain[n - 1] != 0x80 || n - 1 > LETTER_TEXT_BYTES_MAX) {
        return ERR_BADSIG; /* sealed by something else than the above */
    }
    memcpy(ret, plain, n - 1);
    *ret_bytes = n - 1;
    return ERR_OK;
}

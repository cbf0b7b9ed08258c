#include "crypto/hash.h"

#include <assert.h>
#include <sodium.h>

enum { LABEL_BYTES = 16, KEY_BYTES = 32, FINGERPRINT_BYTES = 13 };

_Static_assert(LABEL_BYTES == crypto_generichash_blake2b_PERSONALBYTES,
               "a label fills the personalisation");
_Static_assert(sizeof(struct hash_state) == sizeof(crypto_generichash_blake2b_state),
               "hash_state is libsodium's state");
_Static_assert(_Alignof(struct hash_state) >= _Alignof(crypto_generichash_blake2b_state),
               "and aligned like it");

/* Permanent: KEYS.md 4. Filled up with zeros to 16 bytes. */
static const char labels[HASH_PURPOSE_COUNT][LABEL_BYTES + 1] = {
    [HASH_CHARTER] = "griot-h-charter", [HASH_BIRTH] = "griot-h-birth",
    [HASH_COMMIT] = "griot-h-commit",   [HASH_LEAVES] = "griot-h-leaves",
    [HASH_PAYLOAD] = "griot-h-payload", [HASH_NOTICE] = "griot-h-notice",
    [HASH_HEADS] = "griot-h-heads",     [HASH_NOTICES] = "griot-h-notices",
    [HASH_ACTS] = "griot-h-acts",       [HASH_SESSION] = "griot-h-session",
    [HASH_PREFIX] = "griot-h-prefix",   [HASH_RECORD] = "griot-h-record",
    [HASH_CONTENT] = "griot-h-content", [HASH_SEAL] = "griot-h-seal",
    [HASH_DICTIONARY] = "griot-h-dict", [HASH_FILE] = "griot-h-file",
    [HASH_SENDER_KEY] = "griot-h-sender", [HASH_WRAP] = "griot-h-wrap",
    [HASH_AUDIT] = "griot-h-audit",     [HASH_BUNDLE] = "griot-h-bundle",
};

static const unsigned char *label(enum hash_purpose purpose)
{
    assert((unsigned)purpose < HASH_PURPOSE_COUNT);
    return (const unsigned char *)labels[purpose];
}

static crypto_generichash_blake2b_state *inner(struct hash_state *state)
{
    return (crypto_generichash_blake2b_state *)(void *)state->opaque;
}

/* The library refuses only sizes, and ours are constants. */
static void must(int rc) { assert(rc == 0); }

void hash_of(enum hash_purpose purpose, struct span bytes, struct hash *ret)
{
    must(crypto_generichash_blake2b_salt_personal(ret->b, sizeof ret->b, bytes.p, bytes.n, NULL, 0,
                                                  NULL, label(purpose)));
}

void hash_start(struct hash_state *state, enum hash_purpose purpose)
{
    must(crypto_generichash_blake2b_init_salt_personal(inner(state), NULL, 0, sizeof(struct hash),
                                                       NULL, label(purpose)));
}

void hash_add(struct hash_state *state, struct span bytes)
{
    if (bytes.n > 0) { /* an empty span may be NULL, which memcpy must not see */
        must(crypto_generichash_blake2b_update(inner(state), bytes.p, bytes.n));
    }
}

void hash_end(struct hash_state *state, struct hash *ret)
{
    must(crypto_generichash_blake2b_final(inner(state), ret->b, sizeof ret->b));
    sodium_memzero(state, sizeof *state); /* it may have seen a secret */
}

void hash_keyed(enum hash_purpose purpose, const struct secret *key, struct span bytes,
                struct hash *ret)
{
    assert(secret_bytes(key) == KEY_BYTES);
    must(crypto_generichash_blake2b_salt_personal(ret->b, sizeof ret->b, bytes.p, bytes.n,
                                                  secret_read(key), KEY_BYTES, NULL,
                                                  label(purpose)));
}

void hash_leaf(const uint8_t salt[16], struct span payload, struct hash *ret)
{
    struct hash_state state;

    hash_start(&state, HASH_PAYLOAD);
    hash_add(&state, span_of(salt, 16));
    hash_add(&state, payload);
    must(crypto_generichash_blake2b_final(inner(&state), ret->b, sizeof ret->b));
}

void hash_prefix(const struct session_id *session, const struct hash *head, uint8_t ret[8])
{
    uint8_t bytes[sizeof session->b + sizeof head->b];
    struct hash hash;

    memcpy(bytes, session->b, sizeof session->b);
    memcpy(bytes + sizeof session->b, head->b, sizeof head->b);
    hash_of(HASH_PREFIX, span_of(bytes, sizeof bytes), &hash);
    memcpy(ret, hash.b, 8);
}

char *hex_encode(const void *p, size_t n, char *ret)
{
    return sodium_bin2hex(ret, 2 * n + 1, p, n);
}

bool hex_decode(const char *hex, void *ret, size_t n)
{
    size_t digits = 0;

    /* Look first: sodium_hex2bin writes as it reads, and a refused text must leave `ret` alone. */
    while (hex[digits] != '\0') {
        char c = hex[digits];
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!is_digit || digits / 2 == n) {
            return false;
        }
        digits++;
    }
    return digits == 2 * n && sodium_hex2bin(ret, n, hex, digits, NULL, NULL, NULL) == 0;
}

void fingerprint(struct span bytes, char ret[FINGERPRINT_CHARS])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    struct hash hash;
    unsigned window = 0; /* the bits read and not yet shown, at its low end */
    unsigned bits = 0;
    size_t at = 0;
    size_t next = 0;

    hash_of(HASH_NOTICE, bytes, &hash);
    while (at < FINGERPRINT_CHARS - 1) {
        if (at % 5 == 4) {
            ret[at++] = '-';
            continue;
        }
        if (bits < 5) {
            assert(next < FINGERPRINT_BYTES);
            window = ((window << 8) | hash.b[next++]) & 0xfffU; /* at most 4 + 8 bits matter */
            bits += 8;
        }
        bits -= 5;
        ret[at++] = alphabet[(window >> bits) & 31U];
    }
    ret[at] = '\0';
}

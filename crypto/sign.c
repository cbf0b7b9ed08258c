#include "crypto/sign.h"

#include <assert.h>
#include <sodium.h>

enum { LABEL_BYTES = 16, HEAD_BYTES = LABEL_BYTES + 32, SMALL_BYTES = 1024 };

_Static_assert(sizeof(struct sign_public) == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(sizeof(struct signature) == crypto_sign_BYTES, "Ed25519 signature");
_Static_assert(sizeof(struct curve_public) == crypto_box_PUBLICKEYBYTES, "X25519 public key");
_Static_assert(sizeof(struct box_public) == crypto_box_PUBLICKEYBYTES, "X25519 public key");

/* Permanent: KEYS.md 5. Filled up with zeros to 16 bytes. */
static const char labels[SIGN_PURPOSE_COUNT][LABEL_BYTES + 1] = {
    [SIGN_COMMIT] = "griot-s-commit", [SIGN_BIRTH] = "griot-s-birth",
    [SIGN_ROSTER] = "griot-s-roster", [SIGN_ACT] = "griot-s-act",
    [SIGN_CARD] = "griot-s-card",     [SIGN_FRONTIER] = "griot-s-frontier",
    [SIGN_HELLO] = "griot-s-hello",   [SIGN_BUNDLE] = "griot-s-bundle",
};

/* What is really signed: label || region || bytes, put together in `message`. Its length. */
static size_t message_build(uint8_t *message, enum sign_purpose purpose,
                            const struct region_id *region, struct span bytes)
{
    assert((unsigned)purpose < SIGN_PURPOSE_COUNT);
    memcpy(message, labels[purpose], LABEL_BYTES);
    memcpy(message + LABEL_BYTES, region->b, sizeof region->b);
#ifdef GRIOT_WITHOUT_T09_PURPOSE
    memset(message, 0, HEAD_BYTES);
#endif
    if (bytes.n > 0) {
        memcpy(message + HEAD_BYTES, bytes.p, bytes.n);
    }
    return HEAD_BYTES + bytes.n;
}

static void make_in(uint8_t *message, enum sign_purpose purpose, const struct region_id *region,
                    struct span bytes, const struct secret *secret, struct signature *ret)
{
    size_t n = message_build(message, purpose, region, bytes);
    int rc = crypto_sign_detached(ret->b, NULL, message, n, secret_read(secret));
    assert(rc == 0);
}

static enum err check_in(uint8_t *message, enum sign_purpose purpose,
                         const struct region_id *region, struct span bytes,
                         const struct sign_public *key, const struct signature *signature)
{
    size_t n = message_build(message, purpose, region, bytes);
    return crypto_sign_verify_detached(signature->b, message, n, key->b) == 0 ? ERR_OK : ERR_BADSIG;
}

/* The long way has its own frame, so that the short one, which every commit takes, does not walk 64
 * KiB of stack. The stack and not the heap, so that a full memory is never mistaken for a bad
 * signature of somebody else. */
static void __attribute__((noinline))
make_large(enum sign_purpose purpose, const struct region_id *region, struct span bytes,
           const struct secret *secret, struct signature *ret)
{
    uint8_t message[HEAD_BYTES + SIGN_BYTES_MAX];
    make_in(message, purpose, region, bytes, secret, ret);
}

static enum err __attribute__((noinline))
check_large(enum sign_purpose purpose, const struct region_id *region, struct span bytes,
            const struct sign_public *key, const struct signature *signature)
{
    uint8_t message[HEAD_BYTES + SIGN_BYTES_MAX];
    return check_in(message, purpose, region, bytes, key, signature);
}

void sign_make(enum sign_purpose purpose, const struct region_id *region, struct span bytes,
               const struct secret *secret, struct signature *ret)
{
    uint8_t message[HEAD_BYTES + SMALL_BYTES];

    assert(bytes.n <= SIGN_BYTES_MAX);
    assert(secret_bytes(secret) == crypto_sign_SECRETKEYBYTES);
    if (bytes.n > SMALL_BYTES) {
        make_large(purpose, region, bytes, secret, ret);
        return;
    }
    make_in(message, purpose, region, bytes, secret, ret);
}

enum err sign_check(enum sign_purpose purpose, const struct region_id *region, struct span bytes,
                    const struct sign_public *key, const struct signature *signature)
{
    uint8_t message[HEAD_BYTES + SMALL_BYTES];

    if (bytes.n > SIGN_BYTES_MAX) { /* nobody of ours has signed that */
        return ERR_BADSIG;
    }
    if (bytes.n > SMALL_BYTES) {
        return check_large(purpose, region, bytes, key, signature);
    }
    return check_in(message, purpose, region, bytes, key, signature);
}

enum err sign_keypair(struct sign_public *ret_public, struct secret **ret_secret)
{
    struct secret *secret = secret_new(crypto_sign_SECRETKEYBYTES);

    if (secret == NULL) {
        return ERR_MEMORY;
    }
    crypto_sign_keypair(ret_public->b, secret_write(secret));
    *ret_secret = secret;
    return ERR_OK;
}

void sign_public_of(const struct secret *secret, struct sign_public *ret)
{
    assert(secret_bytes(secret) == crypto_sign_SECRETKEYBYTES);
    crypto_sign_ed25519_sk_to_pk(ret->b, secret_read(secret));
}

/* A random scalar and its public half; libsodium and CurveZMQ clamp it alike. */
static enum err x25519_keypair(uint8_t ret_public[32], struct secret **ret_secret)
{
    struct secret *secret = secret_new(crypto_box_SECRETKEYBYTES);

    if (secret == NULL) {
        return ERR_MEMORY;
    }
    crypto_box_keypair(ret_public, secret_write(secret));
    *ret_secret = secret;
    return ERR_OK;
}

static void x25519_public_of(const struct secret *secret, uint8_t ret[32])
{
    assert(secret_bytes(secret) == crypto_box_SECRETKEYBYTES);
    int rc = crypto_scalarmult_base(ret, secret_read(secret));
    assert(rc == 0);
}

enum err curve_keypair(struct curve_public *ret_public, struct secret **ret_secret)
{
    return x25519_keypair(ret_public->b, ret_secret);
}

enum err box_keypair(struct box_public *ret_public, struct secret **ret_secret)
{
    return x25519_keypair(ret_public->b, ret_secret);
}

void curve_public_of(const struct secret *secret, struct curve_public *ret)
{
    x25519_public_of(secret, ret->b);
}

void box_public_of(const struct secret *secret, struct box_public *ret)
{
    x25519_public_of(secret, ret->b);
}

#include "crypto/seal.h"

#include <assert.h>
#include <sodium.h>

#include "crypto/hash.h"
#include "crypto/keyfile.h"

/* KEYS.md 6. Offsets; numbers are big-endian. The first 17 and the last 32 bytes of a seal keep
 * their meaning in every later version, so that damage and a newer release can always be told
 * apart. */
enum {
    LABEL_BYTES = 16,
    VERSION_AT = 16,
    FORMAT = 1,

    SEAL_METHOD_AT = 17,
    SEAL_RESERVED_AT = 18, /* 2 zeros */
    SEAL_OPS_AT = 20,      /* 4 */
    SEAL_MEMORY_AT = 24,   /* 8 */
    SEAL_SALT_AT = 32,     /* 16 */
    SEAL_NONCE_AT = 48,    /* 24 */
    SEAL_HEAD_BYTES = 72,  /* all that is authenticated beside the master key */
    SEAL_CHECK_AT = SEAL_HEAD_BYTES + MASTER_BYTES + KEY_TAG_BYTES,

    KEY_RESERVED_AT = 17, /* 1 zero */
    KEY_LENGTH_AT = 18,   /* 2 */
    KEY_ZEROS_AT = 20,    /* 4 zeros */
    KEY_NONCE_AT = 24,    /* 24 */
};
enum method { METHOD_PASSPHRASE = 1, METHOD_KEY = 2 };

_Static_assert(SEAL_CHECK_AT + sizeof(struct hash) == SEAL_BYTES,
               "a seal is head, master, tag, checksum");
_Static_assert(SEAL_NONCE_AT - SEAL_SALT_AT == crypto_pwhash_SALTBYTES, "the salt is Argon2id's");
_Static_assert(SEAL_HEAD_BYTES - SEAL_NONCE_AT == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
               "XChaCha20 nonce");
_Static_assert(KEY_HEAD_BYTES - KEY_NONCE_AT == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
               "XChaCha20 nonce");
_Static_assert(KEY_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "Poly1305 tag");
_Static_assert(MASTER_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "the master is the key of key files");
_Static_assert(SEAL_MEMORY_BYTES >= crypto_pwhash_MEMLIMIT_INTERACTIVE,
               "never less than libsodium advises");
_Static_assert(SEAL_OPS >= crypto_pwhash_OPSLIMIT_INTERACTIVE, "never less than libsodium advises");

static const char seal_label[LABEL_BYTES + 1] = "griot-f-seal\0\0\0\0";
static const char key_label[LABEL_BYTES + 1] = "griot-f-key\0\0\0\0\0";
static const char seal_name[] = "seal";

static void put_number(uint8_t *p, size_t n, uint64_t value)
{
    for (size_t i = n; i > 0; i--) {
        p[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

static uint64_t get_number(const uint8_t *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

/* Associated data: the head, then the file's name, so that no file passes for another. */
struct associated {
    uint8_t bytes[SEAL_HEAD_BYTES + KEY_NAME_BYTES_MAX];
    size_t n;
};

static struct associated associate(const uint8_t *head, size_t head_bytes, const char *name)
{
    struct associated ad;
    size_t name_bytes = strlen(name);

    assert(head_bytes <= SEAL_HEAD_BYTES && name_bytes <= KEY_NAME_BYTES_MAX);
    memcpy(ad.bytes, head, head_bytes);
    memcpy(ad.bytes + head_bytes, name, name_bytes);
    ad.n = head_bytes + name_bytes;
    return ad;
}

enum err unlock_check(const struct unlock *unlock)
{
    if ((unlock->passphrase == NULL) == (unlock->key == NULL)) {
        return ERR_INVALID;
    }
    if (unlock->passphrase != NULL) {
        return secret_bytes(unlock->passphrase) <= UNLOCK_PASSPHRASE_BYTES_MAX ? ERR_OK
                                                                               : ERR_INVALID;
    }
    return secret_bytes(unlock->key) >= UNLOCK_KEY_BYTES_MIN ? ERR_OK : ERR_INVALID;
}

/* The key that the master is sealed with. `head` has the method, its parameters and the salt, all
 * checked. */
static enum err derive(const struct unlock *unlock, const uint8_t *head, struct secret **ret)
{
    struct secret *key = secret_new(MASTER_BYTES);
    enum err err = ERR_OK;

    if (key == NULL) {
        return ERR_MEMORY;
    }
    if (head[SEAL_METHOD_AT] == METHOD_PASSPHRASE) {
        /* It fails on sizes, which are checked, or for want of memory. */
        int rc = crypto_pwhash(
            secret_write(key), MASTER_BYTES, (const char *)secret_read(unlock->passphrase),
            secret_bytes(unlock->passphrase), head + SEAL_SALT_AT,
            get_number(head + SEAL_OPS_AT, 4), (size_t)get_number(head + SEAL_MEMORY_AT, 8),
            crypto_pwhash_ALG_ARGON2ID13);
        if (rc != 0) {
            err = ERR_MEMORY;
        }
    } else {
        struct hash_state state;
        hash_start(&state, HASH_SEAL);
        hash_add(&state, span_of(head + SEAL_SALT_AT, crypto_pwhash_SALTBYTES));
        hash_add(&state, span_of(secret_read(unlock->key), secret_bytes(unlock->key)));
        hash_end(&state, (struct hash *)(void *)secret_write(
                             key)); /* 32 plain bytes: it never leaves guarded memory */
    }
    if (err != ERR_OK) {
        secret_destroy(&key);
        return err;
    }
    *ret = key;
    return ERR_OK;
}

enum err seal_master(const struct unlock *unlock, const struct secret *master,
                     uint8_t ret[SEAL_BYTES])
{
    uint8_t file[SEAL_BYTES] = {0};
    struct secret *key = NULL;
    struct hash check;

    assert(secret_bytes(master) == MASTER_BYTES);
    enum err err = unlock_check(unlock);
    if (err != ERR_OK) {
        return err;
    }
    memcpy(file, seal_label, LABEL_BYTES);
    file[VERSION_AT] = FORMAT;
    if (unlock->passphrase != NULL) {
        file[SEAL_METHOD_AT] = METHOD_PASSPHRASE;
        put_number(file + SEAL_OPS_AT, 4, SEAL_OPS);
        put_number(file + SEAL_MEMORY_AT, 8, SEAL_MEMORY_BYTES);
    } else {
        file[SEAL_METHOD_AT] = METHOD_KEY;
    }
    random_fill(file + SEAL_SALT_AT, SEAL_HEAD_BYTES - SEAL_SALT_AT); /* salt and nonce */
    err = derive(unlock, file, &key);
    if (err != ERR_OK) {
        return err;
    }
    struct associated ad = associate(file, SEAL_HEAD_BYTES, seal_name);
    crypto_aead_xchacha20poly1305_ietf_encrypt(file + SEAL_HEAD_BYTES, NULL, secret_read(master),
                                               MASTER_BYTES, ad.bytes, ad.n, NULL,
                                               file + SEAL_NONCE_AT, secret_read(key));
    secret_destroy(&key);
    hash_of(HASH_FILE, span_of(file, SEAL_CHECK_AT), &check);
    memcpy(file + SEAL_CHECK_AT, check.b, sizeof check.b);
    memcpy(ret, file, SEAL_BYTES);
    return ERR_OK;
}

/* KEYS.md 6.1: shape, then damage, then version, then parameters, all before any costly work. */
static enum err seal_check(struct span file)
{
    struct hash check;

    if (file.n < VERSION_AT + 1 + sizeof check.b || file.n > KEY_FILE_BYTES_MAX ||
        memcmp(file.p, seal_label, LABEL_BYTES) != 0) {
        return ERR_CORRUPT;
    }
    size_t body_bytes = file.n - sizeof check.b;
    hash_of(HASH_FILE, span_of(file.p, body_bytes), &check);
    if (memcmp(check.b, file.p + body_bytes, sizeof check.b) != 0) {
        return ERR_CORRUPT;
    }
    if (file.p[VERSION_AT] != FORMAT) {
        return ERR_LAYOUT;
    }
    if (file.n != SEAL_BYTES || get_number(file.p + SEAL_RESERVED_AT, 2) != 0) {
        return ERR_CORRUPT;
    }
    uint64_t ops = get_number(file.p + SEAL_OPS_AT, 4);
    uint64_t memory_bytes = get_number(file.p + SEAL_MEMORY_AT, 8);
    bool is_sound = false;
    if (file.p[SEAL_METHOD_AT] == METHOD_PASSPHRASE) {
        is_sound = ops >= SEAL_OPS && ops <= SEAL_OPS_MAX && memory_bytes >= SEAL_MEMORY_BYTES &&
                   memory_bytes <= SEAL_MEMORY_BYTES_MAX;
    } else if (file.p[SEAL_METHOD_AT] == METHOD_KEY) {
        is_sound = ops == 0 && memory_bytes == 0;
    }
    return is_sound ? ERR_OK : ERR_CORRUPT;
}

enum err unseal_master(struct span file, const struct unlock *unlock, struct secret **ret)
{
    struct secret *key = NULL;
    struct secret *master = NULL;

    enum err err = unlock_check(unlock);
    if (err != ERR_OK) {
        return err;
    }
    err = seal_check(file);
    if (err != ERR_OK) {
        return err;
    }
    if ((file.p[SEAL_METHOD_AT] == METHOD_PASSPHRASE) != (unlock->passphrase != NULL)) {
        return ERR_PASSPHRASE;
    }
    err = derive(unlock, file.p, &key);
    if (err != ERR_OK) {
        return err;
    }
    master = secret_new(MASTER_BYTES);
    if (master == NULL) {
        err = ERR_MEMORY;
        goto out;
    }
    struct associated ad = associate(file.p, SEAL_HEAD_BYTES, seal_name);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(secret_write(master), NULL, NULL,
                                                   file.p + SEAL_HEAD_BYTES,
                                                   MASTER_BYTES + KEY_TAG_BYTES, ad.bytes, ad.n,
                                                   file.p + SEAL_NONCE_AT, secret_read(key)) != 0) {
        err = ERR_PASSPHRASE; /* the file is whole, so it is the key that is wrong */
        goto out;
    }
    *ret = master;
    master = NULL;
out:
    secret_destroy(&master);
    secret_destroy(&key);
    return err;
}

size_t seal_key(const struct secret *master, const char *name, const struct secret *key,
                uint8_t ret[KEY_FILE_BYTES_MAX])
{
    size_t n = secret_bytes(key);

    assert(secret_bytes(master) == MASTER_BYTES);
    memset(ret, 0, KEY_HEAD_BYTES);
    memcpy(ret, key_label, LABEL_BYTES);
    ret[VERSION_AT] = FORMAT;
    put_number(ret + KEY_LENGTH_AT, 2, n);
    random_fill(ret + KEY_NONCE_AT, KEY_HEAD_BYTES - KEY_NONCE_AT);
    struct associated ad = associate(ret, KEY_HEAD_BYTES, name);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret + KEY_HEAD_BYTES, NULL, secret_read(key), n,
                                               ad.bytes, ad.n, NULL, ret + KEY_NONCE_AT,
                                               secret_read(master));
    return KEY_HEAD_BYTES + n + KEY_TAG_BYTES;
}

enum err unseal_key(const struct secret *master, const char *name, struct span file,
                    struct secret **ret)
{
    assert(secret_bytes(master) == MASTER_BYTES);
    if (file.n < KEY_HEAD_BYTES + 1 + KEY_TAG_BYTES || file.n > KEY_FILE_BYTES_MAX ||
        memcmp(file.p, key_label, LABEL_BYTES) != 0 || file.p[VERSION_AT] != FORMAT ||
        file.p[KEY_RESERVED_AT] != 0 || get_number(file.p + KEY_ZEROS_AT, 4) != 0) {
        return ERR_CORRUPT;
    }
    size_t n = (size_t)get_number(file.p + KEY_LENGTH_AT, 2);
    if (n != file.n - KEY_HEAD_BYTES - KEY_TAG_BYTES) {
        return ERR_CORRUPT;
    }
    struct secret *key =
        secret_new(n); /* 1..SECRET_BYTES_MAX, since the file is within its limits */
    if (key == NULL) {
        return ERR_MEMORY;
    }
    struct associated ad = associate(file.p, KEY_HEAD_BYTES, name);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret_write(key), NULL, NULL, file.p + KEY_HEAD_BYTES, n + KEY_TAG_BYTES, ad.bytes,
            ad.n, file.p + KEY_NONCE_AT, secret_read(master)) != 0) {
        secret_destroy(&key);
        return ERR_CORRUPT;
    }
    *ret = key;
    return ERR_OK;
}

#include "node/root_key.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/i18n.h"
#include "node/file.h"
#include "node/text_file.h"
#include "proto/pack.h"
#include "proto/unpack.h"
#include "store/folder.h"

static const char public_magic[] = "griot root key 1\n";
static const char signature_magic[] = "griot root signature 1\n";
enum { SIGNATURE_ITEMS = 6, SIGNATURE_BYTES_MAX = 256, SIGNED_NAME_BYTES = 32 };

/* ---- the folder ---- */

void root_key_print(const struct sign_public *key, char ret[FINGERPRINT_CHARS]) { fingerprint(span_of(key->b, sizeof key->b), ret); }

static enum err bytes_put(struct keyring *keyring, const char *name, const void *bytes, size_t n, bool replace)
{
    struct secret *secret = secret_new(n);
    enum err err;

    if (secret == NULL) {
        return ERR_MEMORY;
    }
    memcpy(secret_write(secret), bytes, n);
    err = keyring_put(keyring, name, secret, replace);
    secret_destroy(&secret);
    return err;
}

static enum err bytes_get(const struct keyring *keyring, const char *name, void *ret, size_t n)
{
    struct secret *secret = NULL;
    enum err err = keyring_get(keyring, name, &secret);

    if (err == ERR_OK && secret_bytes(secret) != n) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        memcpy(ret, secret_read(secret), n);
    }
    secret_destroy(&secret);
    return err;
}

static enum err public_write(const char *folder, const struct sign_public *key)
{
    char path[PATH_MAX], text[256], hex[2 * sizeof key->b + 1], print[FINGERPRINT_CHARS];
    int n = snprintf(path, sizeof path, "%s/public", folder);

    if (n < 0 || n >= PATH_MAX) {
        return ERR_INVALID;
    }
    root_key_print(key, print);
    (void)snprintf(text, sizeof text, "%s%s\nfingerprint %s\n", public_magic, hex_encode(key->b, sizeof key->b, hex), print);
    return file_write(path, span_text(text), 0644, true);
}

enum err root_key_create(const char *path, const struct unlock *unlock, const struct region_id *region, struct sign_public *ret)
{
    struct keyring *keyring = NULL;
    struct secret *secret = NULL;
    enum err err;

    /* Of an empty folder nothing is lost; keyring_create would take over any that has no seal. */
    if (access(path, F_OK) == 0 && rmdir(path) != 0) {
        return errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION : ERR_EXISTS;
    }
    err = keyring_create(path, unlock, &keyring);
    if (err == ERR_OK) {
        err = sign_keypair(ret, &secret);
    }
    if (err == ERR_OK) {
        err = keyring_put(keyring, "root", secret, false);
    }
    if (err == ERR_OK && region != NULL) {
        err = bytes_put(keyring, "region", region->b, sizeof region->b, false);
    }
    if (err == ERR_OK) {
        err = public_write(path, ret);
    }
    secret_destroy(&secret);
    keyring_destroy(&keyring);
    return err;
}

enum err root_key_open(const char *path, const struct unlock *unlock, struct root_key *ret)
{
    struct root_key key = {0};
    enum err err = keyring_open(path, unlock, &key.keyring);

    if (err == ERR_OK) {
        err = keyring_get(key.keyring, "root", &key.secret);
        err = err == ERR_NOT_FOUND || (err == ERR_OK && secret_bytes(key.secret) != 64) ? ERR_CORRUPT : err;
    }
    if (err == ERR_OK) {
        sign_public_of(key.secret, &key.public);
        err = bytes_get(key.keyring, "region", key.region.b, sizeof key.region.b);
        key.has_region = err == ERR_OK;
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    if (err != ERR_OK) {
        root_key_close(&key);
        return err;
    }
    *ret = key;
    return ERR_OK;
}

void root_key_close(struct root_key *key)
{
    secret_destroy(&key->secret);
    keyring_destroy(&key->keyring);
    *key = (struct root_key){0};
}

/* ---- signing ---- */

static enum err number_put(struct keyring *keyring, uint64_t number)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    return bytes_put(keyring, "signed", bytes, sizeof bytes, true);
}

/* The highest number signed so far; 0: none. */
static enum err number_get(const struct keyring *keyring, uint64_t *ret)
{
    uint8_t bytes[8] = {0};
    enum err err = bytes_get(keyring, "signed", bytes, sizeof bytes);

    *ret = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        *ret = *ret << 8 | bytes[i];
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void signed_name(uint64_t number, char ret[SIGNED_NAME_BYTES]) { (void)snprintf(ret, SIGNED_NAME_BYTES, "signed-%llu", (unsigned long long)number); }

static enum err signed_check(const struct root_key *key, uint64_t number, const struct hash *roster, bool is_again, const char **why)
{
    char name[SIGNED_NAME_BYTES];
    struct hash before;
    uint64_t last;
    enum err err = number_get(key->keyring, &last);

    if (err == ERR_OK && last > number && !is_again) {
        *why = N_("this key has signed a roster with a higher number: the proposal is out of date");
        return ERR_STALE;
    }
    if (err != ERR_OK) {
        return err;
    }
    signed_name(number, name);
    err = bytes_get(key->keyring, name, before.b, sizeof before.b);
    if (err == ERR_OK && !hash_equal(&before, roster) && !is_again) {
        *why = N_("this key has signed another roster of that number: two of one number would divide the region. When all signers have given the other one up, sign with --again");
        return ERR_EXISTS;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err root_key_sign(const struct root_key *key, const struct region_id *region, uint64_t number, struct span body, bool is_again, struct root_signature *ret, const char **why)
{
    struct root_signature made = {.region = *region, .number = number, .key = key->public};
    enum err err;

    hash_of(HASH_NOTICE, body, &made.roster);
    if (key->has_region && !region_id_equal(&key->region, region)) {
        *why = N_("this key signs for another region");
        return ERR_REGION;
    }
    err = signed_check(key, number, &made.roster, is_again, why);
    if (err == ERR_OK) {
        sign_make(SIGN_ROSTER, region, body, key->secret, &made.signature);
        *ret = made;
    }
    return err;
}

enum err root_key_remember(struct root_key *key, const struct root_signature *signature)
{
    char name[SIGNED_NAME_BYTES];
    uint64_t last = 0;
    enum err err = ERR_OK;

    if (!key->has_region) {
        err = bytes_put(key->keyring, "region", signature->region.b, sizeof signature->region.b, true);
        key->region = signature->region;
        key->has_region = err == ERR_OK;
    }
    if (err == ERR_OK) {
        signed_name(signature->number, name);
        err = bytes_put(key->keyring, name, signature->roster.b, sizeof signature->roster.b, true);
    }
    if (err == ERR_OK) {
        err = number_get(key->keyring, &last);
    }
    return err == ERR_OK && signature->number > last ? number_put(key->keyring, signature->number) : err;
}

/* ---- files ---- */

enum err root_key_read(const char *path, struct sign_public *ret, const char **why)
{
    char print[FINGERPRINT_CHARS], *text = NULL, *hex, *given, *save = NULL;
    struct sign_public key;
    size_t n = 0;
    enum err err = text_file_read(path, public_magic, ROOT_TEXT_BYTES_MAX, &text, &n, why);

    if (err != ERR_OK) {
        return err;
    }
    hex = strtok_r(text, " \t\r\n", &save);
    given = strtok_r(NULL, " \t\r\n", &save);
    given = given == NULL || strcmp(given, "fingerprint") != 0 ? NULL : strtok_r(NULL, " \t\r\n", &save);
    if (hex == NULL || !hex_decode(hex, key.b, sizeof key.b) || given == NULL || strtok_r(NULL, " \t\r\n", &save) != NULL) {
        *why = N_("it is not the public file of a root key: griot root key makes one");
        err = ERR_MALFORMED;
    } else {
        root_key_print(&key, print);
        if (strcmp(print, given) != 0) {
            *why = N_("the key and the fingerprint in the file do not belong together");
            err = ERR_BADHASH;
        }
    }
    free(text);
    if (err == ERR_OK) {
        *ret = key;
    }
    return err;
}

size_t root_signature_encode(const struct root_signature *signature, char ret[ROOT_TEXT_BYTES_MAX])
{
    uint8_t bytes[SIGNATURE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    pack_array(&out, SIGNATURE_ITEMS);
    pack_uint(&out, FORMAT_VERSION);
    pack_bin(&out, span_of(signature->region.b, sizeof signature->region.b));
    pack_uint(&out, signature->number);
    pack_bin(&out, span_of(signature->roster.b, sizeof signature->roster.b));
    pack_bin(&out, span_of(signature->key.b, sizeof signature->key.b));
    pack_bin(&out, span_of(signature->signature.b, sizeof signature->signature.b));
    return text_file_encode(signature_magic, out_written(&out), ret, ROOT_TEXT_BYTES_MAX);
}

enum err root_signature_read(const char *path, struct root_signature *ret, const char **why)
{
    uint8_t bytes[SIGNATURE_BYTES_MAX];
    struct unpack *unpack;
    struct cursor c;
    char *text = NULL;
    size_t n = 0;
    enum err err = text_file_read(path, signature_magic, ROOT_TEXT_BYTES_MAX, &text, &n, why);

    if (err == ERR_OK) {
        err = text_file_decode(text, bytes, sizeof bytes, &n, why);
    }
    free(text);
    if (err != ERR_OK) {
        return err;
    }
    unpack = unpack_new();
    if (unpack == NULL) {
        return ERR_MEMORY;
    }
    err = unpack_begin(unpack, span_of(bytes, n), why);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, SIGNATURE_ITEMS, &c, why);
    }
    if (err == ERR_OK) {
        struct root_signature read = {0};

        cursor_bin_into(&c, read.region.b, sizeof read.region.b);
        read.number = cursor_uint(&c, NUMBER_MAX);
        cursor_bin_into(&c, read.roster.b, sizeof read.roster.b);
        cursor_bin_into(&c, read.key.b, sizeof read.key.b);
        cursor_bin_into(&c, read.signature.b, sizeof read.signature.b);
        err = cursor_end(&c);
        if (err == ERR_OK) {
            *ret = read;
        } else {
            *why = N_("it is not the signature file of a root key");
        }
    }
    unpack_destroy(&unpack);
    return err;
}

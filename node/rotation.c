/* rotation.c - new transport and encryption keys for a home, without locking anybody out: the new transport key is announced first and used after the overlap. */
#include "node/home.h"

#include <stdio.h>
#include <string.h>

#include "proto/notice.h"

enum { KEY_BYTES = 32, NEXT_BYTES = KEY_BYTES + 8 /* when it was made, ms since 1970, big-endian */, ENCRYPTION_KEYS_MAX = 10000 };

/* The announced key, without its time. */
static enum err next_get(const struct home *home, struct secret **ret, struct wall_ms *ret_made)
{
    struct secret *next = NULL, *key;
    enum err err = keyring_get(home->keyring, "transport-next", &next);

    if (err != ERR_OK) {
        return err;
    }
    if (secret_bytes(next) != NEXT_BYTES) {
        secret_destroy(&next);
        return ERR_CORRUPT;
    }
    key = secret_new(KEY_BYTES);
    if (key != NULL) {
        memcpy(secret_write(key), secret_read(next), KEY_BYTES);
        ret_made->ms = 0;
        for (size_t i = KEY_BYTES; i < NEXT_BYTES; i++) {
            ret_made->ms = ret_made->ms << 8 | secret_read(next)[i];
        }
    }
    secret_destroy(&next);
    *ret = key;
    return key == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err next_put(struct home *home, const struct secret *key, struct wall_ms made)
{
    struct secret *next = secret_new(NEXT_BYTES);
    enum err err;

    if (next == NULL) {
        return ERR_MEMORY;
    }
    memcpy(secret_write(next), secret_read(key), KEY_BYTES);
    for (size_t i = 0; i < 8; i++) {
        secret_write(next)[KEY_BYTES + i] = (uint8_t)(made.ms >> (56 - 8 * i));
    }
    err = keyring_put(home->keyring, "transport-next", next, false);
    secret_destroy(&next);
    return err;
}

enum err home_rotation_read(struct home *home)
{
    struct secret *key = NULL;
    enum err err = next_get(home, &key, &home->rotated);

    home->is_rotating = err == ERR_OK;
    if (err == ERR_OK) {
        curve_public_of(key, &home->transport_next_public);
    }
    secret_destroy(&key);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Does the current card say what the keys say? */
static enum err is_announced(const struct home *home, bool *ret)
{
    static const struct curve_public none;
    uint8_t bytes[4096];
    struct out out = out_into(bytes, sizeof bytes);
    struct unpack *unpack = unpack_new();
    struct notice notice;
    struct card card;
    enum err err = unpack == NULL ? ERR_MEMORY : home_card_current(home, &out);

    if (err == ERR_OK) {
        err = notice_decode(unpack, out_written(&out), &notice, NULL);
    }
    if (err == ERR_OK) {
        err = card_decode(unpack, notice.body, &card, NULL);
    }
    unpack_destroy(&unpack);
    if (err == ERR_OK) {
        const struct curve_public *key = home->is_rotating ? &home->transport_next_public : &home->transport_public;
        const struct curve_public *before = home->is_rotating ? &home->transport_public : &none;

        *ret = memcmp(card.transport.b, key->b, sizeof key->b) == 0 && memcmp(card.transport_before.b, before->b, sizeof before->b) == 0 &&
               memcmp(card.encryption.b, home->encryption_public.b, sizeof card.encryption.b) == 0;
    }
    return err;
}

/* ---- beginning ---- */

/* Under the next number: the newest is the one in use (home.c). */
enum err home_encryption_make(struct home *home)
{
    struct secret *key = NULL;
    struct box_public public;
    enum err err = box_keypair(&public, &key);

    for (int i = 1; err == ERR_OK; i++) {
        char name[32];

        if (i > ENCRYPTION_KEYS_MAX) {
            err = ERR_LIMIT;
            break;
        }
        (void)snprintf(name, sizeof name, "encryption-%d", i);
        err = keyring_put(home->keyring, name, key, false);
        if (err == ERR_OK) {
            break;
        }
        err = err == ERR_EXISTS ? ERR_OK : err;
    }
    if (err != ERR_OK) {
        secret_destroy(&key);
        return err;
    }
    secret_destroy(&home->encryption);
    home->encryption = key;
    home->encryption_public = public;
    return ERR_OK;
}

enum err home_rotate(struct home *home, struct wall_ms now)
{
    struct secret *key = NULL;
    struct curve_public public;
    bool is_done = false;
    enum err err;

    if (home->is_rotating) {
        err = is_announced(home, &is_done);
        return err != ERR_OK ? err : is_done ? ERR_EXISTS : home_card_renew(home, NULL, now);
    }
    err = home_encryption_make(home);
    if (err == ERR_OK) {
        err = curve_keypair(&public, &key);
    }
    if (err == ERR_OK) {
        err = next_put(home, key, now);
    }
    secret_destroy(&key);
    if (err != ERR_OK) {
        return err;
    }
    home->is_rotating = true;
    home->transport_next_public = public;
    home->rotated = now;
    return home_card_renew(home, NULL, now);
}

/* ---- ending ---- */

bool home_rotation_is_over(const struct home *home, struct wall_ms now)
{
    return home->is_rotating && now.ms >= home->rotated.ms && now.ms - home->rotated.ms >= ROTATION_OVERLAP_MS;
}

enum err home_promote(struct home *home, struct wall_ms now)
{
    struct secret *key = NULL;
    struct wall_ms made;
    bool is_done = false;
    enum err err;

    if (!home_rotation_is_over(home, now)) {
        return ERR_OK;
    }
    err = is_announced(home, &is_done);
    if (err == ERR_OK && !is_done) {
        /* Stopped in the middle: of the beginning, when nobody has heard of the key; or of the end, when it is in use already. */
        bool is_used = memcmp(home->transport_public.b, home->transport_next_public.b, sizeof home->transport_public.b) == 0;

        if (!is_used) {
            return home_card_renew(home, NULL, now);
        }
    }
    if (err == ERR_OK) {
        err = next_get(home, &key, &made);
    }
    if (err == ERR_OK) {
        err = keyring_put(home->keyring, "transport", key, true);
    }
    if (err != ERR_OK) {
        secret_destroy(&key);
        return err;
    }
    secret_destroy(&home->transport);
    home->transport = key;
    home->transport_public = home->transport_next_public;
    home->is_rotating = false;
    err = home_card_renew(home, NULL, now);
    if (err == ERR_OK) {
        err = keyring_remove(home->keyring, "transport-next");
    }
    home->is_rotating = err != ERR_OK; /* the next start comes here again */
    return err;
}

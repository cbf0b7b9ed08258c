/* identity.c - a new identity key for a node that keeps its id, its records and its place: made here, named by the root, then taken into use at once. */
#include "node/home.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/file.h"

enum { IDENTITY_BYTES = 64, TRANSPORT_BYTES = 32, CARD_BYTES_MAX = 4096 };

/* Both keys of `identity-next`. */
static enum err next_get(const struct home *home, struct secret **ret_identity, struct secret **ret_transport)
{
    struct secret *next = NULL;
    enum err err = keyring_get(home->keyring, "identity-next", &next);

    if (err != ERR_OK) {
        return err;
    }
    if (secret_bytes(next) != IDENTITY_BYTES + TRANSPORT_BYTES) {
        secret_destroy(&next);
        return ERR_CORRUPT;
    }
    *ret_identity = secret_new(IDENTITY_BYTES);
    *ret_transport = secret_new(TRANSPORT_BYTES);
    if (*ret_identity != NULL && *ret_transport != NULL) {
        memcpy(secret_write(*ret_identity), secret_read(next), IDENTITY_BYTES);
        memcpy(secret_write(*ret_transport), secret_read(next) + IDENTITY_BYTES, TRANSPORT_BYTES);
    } else {
        secret_destroy(ret_identity);
        secret_destroy(ret_transport);
        err = ERR_MEMORY;
    }
    secret_destroy(&next);
    return err;
}

enum err home_identity_read(struct home *home)
{
    struct secret *identity = NULL, *transport = NULL;
    enum err err = next_get(home, &identity, &transport);

    home->has_identity_next = err == ERR_OK;
    if (err == ERR_OK) {
        sign_public_of(identity, &home->identity_next_public);
    }
    secret_destroy(&identity);
    secret_destroy(&transport);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

bool home_identity_is_named(const struct home *home, const struct sign_public *named)
{
    return home->has_identity_next && named != NULL && memcmp(named->b, home->identity_next_public.b, sizeof named->b) == 0;
}

/* ---- making ---- */

/* One file for both: there is all of it or nothing. */
static enum err next_make(struct home *home)
{
    struct secret *identity = NULL, *transport = NULL, *next = NULL;
    struct curve_public transport_public;
    struct sign_public public;
    enum err err = home_encryption_make(home); /* the card names a fresh one; older ones still open what was sealed for them */

    if (err == ERR_OK) {
        err = sign_keypair(&public, &identity);
    }
    if (err == ERR_OK) {
        err = curve_keypair(&transport_public, &transport);
    }
    if (err == ERR_OK) {
        next = secret_new(IDENTITY_BYTES + TRANSPORT_BYTES);
        err = next == NULL ? ERR_MEMORY : ERR_OK;
    }
    if (err == ERR_OK) {
        memcpy(secret_write(next), secret_read(identity), IDENTITY_BYTES);
        memcpy(secret_write(next) + IDENTITY_BYTES, secret_read(transport), TRANSPORT_BYTES);
        err = keyring_put(home->keyring, "identity-next", next, false);
    }
    if (err == ERR_OK) {
        home->has_identity_next = true;
        home->identity_next_public = public;
    }
    secret_destroy(&identity);
    secret_destroy(&transport);
    secret_destroy(&next);
    return err;
}

/* Sign HOME/`file` as the home will be under the keys that wait. */
static enum err next_sign(const struct home *home, struct secret *identity, const struct secret *transport, const char *file, uint64_t counter, struct wall_ms now)
{
    struct home *as = malloc(sizeof *as);
    enum err err;

    if (as == NULL) {
        return ERR_MEMORY;
    }
    *as = *home; /* borrows the keys: freed, not finished */
    as->identity = identity;
    as->is_rotating = false;
    sign_public_of(identity, &as->identity_public);
    curve_public_of(transport, &as->transport_public);
    err = home_card_sign(as, file, counter, now);
    free(as);
    return err;
}

static enum err counter_next(const struct home *home, uint64_t *ret)
{
    struct card *card = malloc(sizeof *card);
    enum err err = card == NULL ? ERR_MEMORY : home_card_decoded(home, card);

    *ret = err == ERR_OK ? card->counter + 1 : 0;
    free(card);
    return err;
}

enum err home_identity_make(struct home *home, struct wall_ms now)
{
    struct secret *identity = NULL, *transport = NULL;
    uint64_t counter = 0;
    enum err err = home->has_identity_next ? ERR_OK : next_make(home);

    if (err == ERR_OK) {
        err = next_get(home, &identity, &transport);
    }
    if (err == ERR_OK) {
        err = counter_next(home, &counter);
    }
    if (err == ERR_OK) {
        err = next_sign(home, identity, transport, "card-next", counter, now);
    }
    secret_destroy(&identity);
    secret_destroy(&transport);
    return err;
}

enum err home_identity_card(const struct home *home, struct out *ret)
{
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t n = 0;
    int length = snprintf(path, sizeof path, "%s/card-next", home->path);
    enum err err = length < 0 || length >= PATH_MAX ? ERR_INVALID : file_read(path, CARD_BYTES_MAX, &bytes, &n);

    if (err == ERR_OK) {
        out_bytes(ret, bytes, n);
        err = ret->is_full ? ERR_OVERSIZE : ERR_OK;
    }
    free(bytes);
    return err;
}

/* ---- taking into use ---- */

enum err home_identity_take(struct home *home, struct wall_ms now)
{
    struct secret *identity = NULL, *transport = NULL;
    char path[PATH_MAX];
    uint64_t counter = 0;
    enum err err = next_get(home, &identity, &transport);

    if (err == ERR_OK) {
        err = counter_next(home, &counter);
    }
    /* The card first: without it the new keys are nobody's. Then the keys it names; a rotation of the old one is over. */
    if (err == ERR_OK) {
        err = next_sign(home, identity, transport, "card", counter, now);
    }
    if (err == ERR_OK) {
        err = keyring_put(home->keyring, "transport", transport, true);
    }
    if (err == ERR_OK) {
        err = keyring_put(home->keyring, "identity", identity, true);
    }
    if (err == ERR_OK) {
        err = keyring_remove(home->keyring, "transport-next");
    }
    if (err == ERR_OK) {
        err = keyring_remove(home->keyring, "identity-next");
    }
    if (err != ERR_OK) {
        secret_destroy(&identity);
        secret_destroy(&transport);
        return err;
    }
    if (snprintf(path, sizeof path, "%s/card-next", home->path) < PATH_MAX) {
        (void)unlink(path);
    }
    secret_destroy(&home->identity);
    secret_destroy(&home->transport);
    home->identity = identity;
    home->transport = transport;
    sign_public_of(identity, &home->identity_public);
    curve_public_of(transport, &home->transport_public);
    home->is_rotating = false;
    home->has_identity_next = false;
    return ERR_OK;
}

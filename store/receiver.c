#include "store/receiver.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/sign.h"

enum {
    BLOCK_KEYS = SECRET_BYTES_MAX / SEALING_KEY_BYTES,
    BLOCKS_MAX = 16,
    NUMBER_LAST = 10000, /* of encryption-N */
};

_Static_assert((int)SENDER_TAG_BYTES == (int)WRAP_TAG_BYTES && (int)SENDER_WRAP_BYTES == (int)WRAP_BYTES, "what travels is what is wrapped");

struct receiver {
    const struct keyring *keyring;
    int next; /* number of the next key to look for */
    size_t count;
    struct box_public publics[BLOCK_KEYS * BLOCKS_MAX];
    struct secret *blocks[BLOCKS_MAX];
};

struct receiver *receiver_new(const struct keyring *keyring)
{
    struct receiver *receiver = calloc(1, sizeof *receiver);

    if (receiver != NULL) {
        receiver->keyring = keyring;
        receiver->next = 1;
    }
    return receiver;
}

void receiver_destroy(struct receiver **receiver)
{
    if (*receiver != NULL) {
        for (size_t i = 0; i < BLOCKS_MAX; i++) {
            secret_destroy(&(*receiver)->blocks[i]);
        }
        free(*receiver);
        *receiver = NULL;
    }
}

static enum err add(struct receiver *receiver, const struct secret *key)
{
    size_t block = receiver->count / BLOCK_KEYS, at = receiver->count % BLOCK_KEYS * SEALING_KEY_BYTES;

    if (secret_bytes(key) != SEALING_KEY_BYTES) {
        return ERR_CORRUPT;
    }
    if (receiver->blocks[block] == NULL) {
        receiver->blocks[block] = secret_new(SECRET_BYTES_MAX);
        if (receiver->blocks[block] == NULL) {
            return ERR_MEMORY;
        }
    }
    memcpy(secret_write(receiver->blocks[block]) + at, secret_read(key), SEALING_KEY_BYTES);
    box_public_of(key, &receiver->publics[receiver->count]);
    receiver->count++;
    return ERR_OK;
}

/* Numbers have no gaps but before the first, when the oldest have been removed. */
enum err receiver_refresh(struct receiver *receiver)
{
    enum err err = ERR_OK;

    while (receiver->next <= NUMBER_LAST && receiver->count < BLOCK_KEYS * BLOCKS_MAX) {
        struct secret *key = NULL;
        char name[32];
        (void)snprintf(name, sizeof name, "encryption-%d", receiver->next);
        err = keyring_get(receiver->keyring, name, &key);
        if (err == ERR_OK) {
            err = add(receiver, key);
        }
        secret_destroy(&key);
        if (err == ERR_NOT_FOUND && receiver->count == 0) {
            receiver->next++;
            continue;
        }
        if (err != ERR_OK) {
            break;
        }
        receiver->next++;
    }
    if (receiver->count == 0 && receiver->next > NUMBER_LAST) {
        receiver->next = 1; /* none yet */
        return ERR_OK;
    }
    if (err == ERR_MEMORY || err == ERR_IO) {
        return err;
    }
    return receiver->count > 0 || err == ERR_NOT_FOUND ? ERR_OK : err;
}

size_t receiver_count(const struct receiver *receiver)
{
    return receiver->count;
}

/* Public keys are random and our own: mixing them is enough to tell two lists apart. */
uint64_t receiver_digest(const struct receiver *receiver, size_t count)
{
    uint64_t ret = 0;

    assert(count <= receiver->count);
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, receiver->publics[i].b, sizeof word);
        ret = (ret << 7 | ret >> 57) ^ be64toh(word);
    }
    return ret;
}

enum err receiver_newest(const struct receiver *receiver, struct box_public *ret)
{
    if (receiver->count == 0) {
        return ERR_NOT_FOUND;
    }
    *ret = receiver->publics[receiver->count - 1];
    return ERR_OK;
}

static enum err open_with(const struct receiver *receiver, const struct sender_wrap *wrap, const struct box_public *ephemeral, struct secret *ret,
                          size_t at)
{
    enum err err = ERR_UNKNOWN_KEY;

    for (size_t i = receiver->count; i-- > 0 && err != ERR_OK;) { /* of two keys with one tag either may be the one */
        if (memcmp(receiver->publics[i].b, wrap->tag, sizeof wrap->tag) == 0) {
            struct sealing_key key = {receiver->blocks[i / BLOCK_KEYS], i % BLOCK_KEYS * SEALING_KEY_BYTES};
            err = wrap_open(key, &receiver->publics[i], ephemeral, wrap->wrap, ret, at);
        }
    }
    return err;
}

enum err receiver_open(struct receiver *receiver, const struct sender_wrap *wrap, const struct box_public *ephemeral, struct secret *ret, size_t at)
{
    enum err err = open_with(receiver, wrap, ephemeral, ret, at);

    if (err == ERR_UNKNOWN_KEY) {
        size_t before = receiver->count;
        enum err fresh = receiver_refresh(receiver);
        if (fresh == ERR_MEMORY || fresh == ERR_IO) {
            return fresh;
        }
        if (receiver->count > before) {
            err = open_with(receiver, wrap, ephemeral, ret, at);
        }
    }
    return err;
}

enum err receiver_try(struct receiver *receiver, const struct sender_wrap *wrap, const struct box_public *ephemeral, uint64_t *ret_tried,
                      uint64_t *ret_opened)
{
    struct secret *opened = secret_new(SEALING_KEY_BYTES);

    if (opened == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < receiver->count; i++) {
        struct sealing_key key = {receiver->blocks[i / BLOCK_KEYS], i % BLOCK_KEYS * SEALING_KEY_BYTES};
        *ret_tried += 1;
        *ret_opened += wrap_open(key, &receiver->publics[i], ephemeral, wrap->wrap, opened, 0) == ERR_OK;
    }
    secret_destroy(&opened);
    return ERR_OK;
}

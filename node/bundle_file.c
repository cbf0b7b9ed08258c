#include "node/bundle_file.h"

#include <stdio.h>
#include <stdlib.h>

enum { ENCRYPTION_KEYS_MAX = 10000, ENCRYPTION_KEY_BYTES = 32 };

struct bundle_file {
    struct bundle_reader *reader;
    struct region_id region;
    struct node_id self;
    const struct keyring *keyring;
    bundle_each each;
    void *arg;
    bool has_head, has_contents;
    enum err failed; /* for good */
    const char *clause;
};

enum err bundle_file_new(const struct region_id *region, const struct node_id *self, const struct keyring *keyring, bundle_each each, void *arg, struct bundle_file **ret)
{
    struct bundle_file *file = calloc(1, sizeof *file);
    enum err err;

    if (file == NULL) {
        return ERR_MEMORY;
    }
    file->region = *region;
    file->self = *self;
    file->keyring = keyring;
    file->each = each;
    file->arg = arg;
    err = bundle_reader_new(&file->reader);
    if (err != ERR_OK) {
        bundle_file_destroy(&file);
        return err;
    }
    *ret = file;
    return ERR_OK;
}

void bundle_file_destroy(struct bundle_file **file)
{
    if (*file == NULL) {
        return;
    }
    bundle_reader_destroy(&(*file)->reader);
    free(*file);
    *file = NULL;
}

/* ---- the head ---- */

/* By the key of ours for which the file is sealed: the present one, or one before it. */
static enum err unlock(struct bundle_file *file, const char **clause)
{
    struct secret *key = NULL;
    enum err err = ERR_UNKNOWN_KEY;
    bool has_found = false;

    for (int i = 1; i <= ENCRYPTION_KEYS_MAX && err == ERR_UNKNOWN_KEY; i++) {
        struct secret *encryption = NULL;
        char name[32];
        enum err got;

        (void)snprintf(name, sizeof name, "encryption-%d", i);
        got = keyring_get(file->keyring, name, &encryption);
        if (got == ERR_NOT_FOUND && !has_found) {
            continue; /* the first ones may be gone, with what they opened */
        }
        if (got == ERR_NOT_FOUND) {
            break;
        }
        has_found = true;
        err = got != ERR_OK || secret_bytes(encryption) != ENCRYPTION_KEY_BYTES ? (got != ERR_OK ? got : ERR_CORRUPT)
                                                                               : bundle_reader_unwrap(file->reader, &file->self, encryption, &key);
        secret_destroy(&encryption);
    }
    if (err == ERR_NOT_FOUND) {
        return unpack_refuse(clause, "WIRE.md 8.2: it is not sealed for this node", ERR_PERMISSION);
    }
    if (err == ERR_UNKNOWN_KEY) {
        return unpack_refuse(clause, "WIRE.md 8.2: it is sealed for a key that this node does not have any more", ERR_UNKNOWN_KEY);
    }
    if (err == ERR_BADSIG) {
        return unpack_refuse(clause, "WIRE.md 8.2: the key in it does not open", ERR_BADSIG);
    }
    if (err == ERR_OK) {
        bundle_reader_unlock(file->reader, key);
    }
    return err;
}

static enum err take_head(struct bundle_file *file, const char **clause)
{
    file->has_head = true;
    if (!region_id_equal(&bundle_reader_head(file->reader)->region, &file->region)) {
        return unpack_refuse(clause, "WIRE.md 8.2: a bundle of another region", ERR_REGION);
    }
    return unlock(file, clause);
}

/* ---- documents ---- */

/* Whoever has the key could seal the same for another; the writer has signed for whom it is. */
static enum err contents_check(struct bundle_file *file, const char **clause)
{
    const struct bundle_contents *contents = bundle_reader_contents(file->reader);

    file->has_contents = true;
    for (uint32_t i = 0; i < contents->receiver_count; i++) {
        if (node_id_equal(&contents->receivers[i], &file->self)) {
            return ERR_OK;
        }
    }
    return contents->receiver_count == 0 ? ERR_OK : unpack_refuse(clause, "WIRE.md 8.5: its writer made it for another node", ERR_PERMISSION);
}

static enum err take_document(struct bundle_file *file, const char **clause)
{
    uint32_t count = 0;
    const struct bundle_item *items = bundle_reader_items(file->reader, &count);
    enum err err = file->has_contents ? ERR_OK : contents_check(file, clause);

    return err == ERR_OK ? file->each(file->arg, bundle_reader_document(file->reader), items, count) : err;
}

enum err bundle_file_feed(struct bundle_file *file, struct span bytes, const char **clause)
{
    enum err err = file->failed;
    const char *words = file->clause;

    while (err == ERR_OK && bytes.n > 0) {
        enum bundle_event event;
        size_t used = 0;

        err = bundle_reader_feed(file->reader, bytes, &used, &event, &words);
        bytes = span_of(bytes.p + used, bytes.n - used);
        if (err == ERR_OK && event == BUNDLE_HAS_HEAD) {
            err = take_head(file, &words);
        } else if (err == ERR_OK && event == BUNDLE_HAS_DOCUMENT) {
            err = take_document(file, &words);
        }
    }
    if (err != ERR_OK) {
        file->failed = err;
        file->clause = words;
        if (words != NULL) {
            *clause = words;
        }
    }
    return err;
}

enum err bundle_file_end(const struct bundle_file *file, const char **clause)
{
    return file->failed != ERR_OK ? unpack_refuse(clause, file->clause, file->failed) : bundle_reader_end(file->reader, clause);
}

bool bundle_file_has_head(const struct bundle_file *file) { return file->has_head; }

const struct bundle_reader *bundle_file_reader(const struct bundle_file *file) { return file->reader; }

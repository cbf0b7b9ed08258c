#include "store/sender_keys.h"

#include <stdlib.h>

#include "store/keys.h"

static struct key_source source_of(struct store_read *read)
{
    return (struct key_source){&read->txn, NULL, &read->store->region, read->unpack, read->packer, read->commit};
}

enum err store_key_audience(struct store_read *read, const struct node_id *author, const struct hash *id, struct audience *ret, uint64_t *ret_number)
{
    struct key_source source = source_of(read);
    struct key_place *places = NULL;
    size_t count = 0;
    bool is_found = false;
    enum err err = keys_places(&source, id, author, &places, &count);

    for (size_t i = 0; i < count && err == ERR_OK && !is_found; i++) {
        struct box_public ephemeral;
        struct hash same;
        err = key_commit(&source, &places[i]);
        if (err == ERR_OK) {
            err = key_assemble(&source, places[i].entry, &same, ret, NULL, &ephemeral);
            is_found = err == ERR_OK && hash_equal(&same, id);
            err = err == ERR_NOT_FOUND ? ERR_OK : err; /* a grant, or a further part */
        }
        if (is_found && ret_number != NULL) {
            *ret_number = places[i].number;
        }
    }
    free(places);
    return err == ERR_OK && !is_found ? ERR_NOT_FOUND : err;
}

/* The grants in one place. */
static enum err take_grant(const struct key_source *source, const struct key_place *place, struct key_readers *readers)
{
    struct sender_key part;
    enum err err = key_entry_read(source->unpack, &source->commit->entries[place->entry], &part);

    for (uint32_t i = 0; err == ERR_OK && i < part.count; i++) {
        if (part.wraps[i].has_wrap && audience_add(&readers->granted, &part.wraps[i].node) != ERR_OK) {
            break; /* who floods a key of his own with grants is shown the first of them */
        }
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* One place of the id: a grant, or the first part of the key. */
static enum err take_place(const struct key_source *source, const struct key_place *place, const struct hash *id, struct sender_wrap *wraps,
                           struct key_readers *readers)
{
    struct audience *audience = &readers->audience;
    struct box_public ephemeral;
    struct hash same;

    if (source->commit->entries[place->entry].leaf.kind == ENTRY_GRANT) {
        return take_grant(source, place, readers);
    }
    if (audience->count > 0) {
        return ERR_OK; /* issued again: the same */
    }
    enum err err = key_assemble(source, place->entry, &same, audience, wraps, &ephemeral);
    if (err != ERR_OK || !hash_equal(&same, id)) {
        audience->count = 0;
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    for (size_t i = 0; i < audience->count; i++) {
        readers->has_wrap[i] = wraps[i].has_wrap;
    }
    return ERR_OK;
}

enum err store_key_readers(struct store_read *read, const struct node_id *author, const struct hash *id, struct key_readers *ret)
{
    struct key_source source = source_of(read);
    struct sender_wrap *wraps = malloc(AUDIENCE_NODES_MAX * sizeof *wraps);
    struct key_place *places = NULL;
    size_t count = 0;
    enum err err = wraps == NULL ? ERR_MEMORY : keys_places(&source, id, author, &places, &count);

    *ret = (struct key_readers){.audience = {.count = 0}};
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = key_commit(&source, &places[i]);
        if (err == ERR_OK) {
            err = take_place(&source, &places[i], id, wraps, ret);
        }
    }
    free(places);
    free(wraps);
    return err == ERR_OK && ret->audience.count == 0 ? ERR_NOT_FOUND : err;
}

bool key_readers_can(const struct key_readers *readers, const struct node_id *node)
{
    bool can = audience_has(&readers->granted, node);

    for (size_t i = 0; i < readers->audience.count && !can; i++) {
        can = readers->has_wrap[i] && node_id_equal(&readers->audience.nodes[i], node);
    }
    return can;
}

struct listing {
    struct store_read *read;
    const struct node_id *author;
    bool (*each)(void *arg, const struct sender_key_info *key);
    void *arg;
    struct audience audience;
    enum err err;
};

static bool list_place(void *arg, const struct hash *id, const struct key_place *place)
{
    struct listing *listing = arg;
    struct key_source source = source_of(listing->read);
    struct sender_key_info info = {.id = *id, .log_number = place->log_number, .seq = place->seq, .audience = &listing->audience};
    struct box_public ephemeral;
    struct log log;
    struct hash same;

    listing->err = log_load(source.txn, source.region, place->log_number, &log);
    if (listing->err != ERR_OK || (listing->author != NULL && !node_id_equal(&log.chain.node, listing->author))) {
        return listing->err == ERR_OK;
    }
    info.author = log.chain.node;
    info.channel = log.chain.channel;
    listing->err = key_commit(&source, place);
    if (listing->err == ERR_OK) {
        info.author_time = source.commit->author_time;
        listing->err = key_assemble(&source, place->entry, &same, &listing->audience, NULL, &ephemeral);
    }
    if (listing->err == ERR_NOT_FOUND) {
        listing->err = ERR_OK; /* a grant, a further part, or erased since */
        return true;
    }
    return listing->err == ERR_OK && listing->each(listing->arg, &info);
}

enum err store_sender_keys(struct store_read *read, const struct node_id *author, bool (*each)(void *arg, const struct sender_key_info *key), void *arg)
{
    struct listing *listing = malloc(sizeof *listing);

    if (listing == NULL) {
        return ERR_MEMORY;
    }
    *listing = (struct listing){.read = read, .author = author, .each = each, .arg = arg};
    enum err err = keys_each(&read->txn, list_place, listing);
    if (err == ERR_OK) {
        err = listing->err == ERR_NOT_FOUND ? ERR_CORRUPT : listing->err;
    }
    free(listing);
    return err;
}

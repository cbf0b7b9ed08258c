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

#include "store/sender.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/sign.h"
#include "store/keys.h"
#include "store/opener.h"

enum { SENDERS_MAX = 64, ASSOCIATED_BYTES = 32 + 16 + 32 };
static const uint64_t AGE_MAX_MS = (uint64_t)SENDER_KEY_DAYS_MAX * 86400 * 1000;

struct sender {
    bool is_used;
    struct log_id log;
    uint64_t seq; /* of its commit */
    struct wall_ms made;
    struct hash id;
    struct audience audience; /* with ourselves */
    uint8_t tags[AUDIENCE_NODES_MAX][SENDER_TAG_BYTES]; /* of the encryption keys known when it was made; zeros: none */
    uint64_t cards; /* store->cards_changed when they were last compared */
    uint64_t used;
};

struct senders {
    struct secret *block; /* the key of items[i] at i * SEALING_KEY_BYTES */
    uint64_t generation;  /* of the store: what was appended in a transaction that failed is nowhere */
    uint64_t clock;
    struct audience wanted;
    struct sender_receiver receivers[AUDIENCE_NODES_MAX];
    struct sender_wrap wraps[AUDIENCE_NODES_MAX];
    struct sender items[SENDERS_MAX];
    uint8_t memory[SENDER_PARTS_MAX * PAYLOAD_BYTES_MAX];
};

struct senders *senders_new(void)
{
    struct senders *senders = calloc(1, sizeof *senders);

    if (senders != NULL) {
        senders->block = secret_new((size_t)SENDERS_MAX * SEALING_KEY_BYTES);
        if (senders->block == NULL) {
            senders_destroy(&senders);
        }
    }
    return senders;
}

void senders_destroy(struct senders **senders)
{
    if (*senders != NULL) {
        secret_destroy(&(*senders)->block);
        free(*senders);
        *senders = NULL;
    }
}

static struct sealing_key key_of(const struct senders *senders, const struct sender *sender)
{
    return (struct sealing_key){senders->block, (size_t)(sender - senders->items) * SEALING_KEY_BYTES};
}

static void forget_all(struct author *author)
{
    struct senders *senders = author->senders;

    for (size_t i = 0; i < SENDERS_MAX; i++) {
        senders->items[i].is_used = false;
    }
    memset(secret_write(senders->block), 0, secret_bytes(senders->block));
    senders->generation = author->store->generation;
}

/* ---- whose keys it is wrapped for ---- */

enum err sender_audience_check(const struct author *author, const struct audience *audience)
{
    if (audience->count == 0 || !audience_is_valid(audience)) {
        return ERR_INVALID;
    }
    return audience->count == AUDIENCE_NODES_MAX && !audience_has(audience, &author->store->self) ? ERR_LIMIT : ERR_OK;
}

/* The audience as it stands in the key: the author can read what he writes. */
static const struct audience *with_self(struct author *author, const struct audience *audience)
{
    struct audience *wanted = &author->senders->wanted;

    if (audience_has(audience, &author->store->self)) {
        return audience;
    }
    *wanted = *audience;
    return audience_add(wanted, &author->store->self) == ERR_OK ? wanted : NULL;
}

enum err sender_receivers(struct author *author, const struct audience *nodes, struct sender_receiver *ret)
{
    struct store *store = author->store;
    struct card card;
    enum err err = ERR_OK;

    for (size_t i = 0; i < nodes->count && err == ERR_OK; i++) {
        if (node_id_equal(&nodes->nodes[i], &store->self)) {
            err = opener_newest(author->opener, &ret[i].key);
            err = err == ERR_NOT_FOUND ? ERR_UNKNOWN_KEY : err;
            ret[i].has_key = err == ERR_OK;
            continue;
        }
        err = card_newest(&store->txn, store->unpack, &nodes->nodes[i], &card);
        ret[i].has_key = err == ERR_OK;
        if (err == ERR_OK) {
            ret[i].key = card.encryption;
        }
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    return err;
}

static bool is_same_key(const uint8_t tag[SENDER_TAG_BYTES], const struct sender_receiver *receiver)
{
    static const uint8_t none[SENDER_TAG_BYTES];

    return memcmp(tag, receiver->has_key ? receiver->key.b : none, SENDER_TAG_BYTES) == 0;
}

/* What is compared is what the card said, also where no wrap could be made of it. */
static void tags_set(struct sender *sender, const struct sender_receiver *receivers)
{
    memset(sender->tags, 0, sizeof sender->tags);
    for (size_t i = 0; i < sender->audience.count; i++) {
        if (receivers[i].has_key) {
            memcpy(sender->tags[i], receivers[i].key.b, SENDER_TAG_BYTES);
        }
    }
}

/* Cards are looked at again when one has come. */
static enum err is_wrapped_for_today(struct author *author, struct sender *sender, bool *ret)
{
    struct sender_receiver *receivers = author->senders->receivers;

    *ret = true;
    if (sender->cards == author->store->cards_changed) {
        return ERR_OK;
    }
    enum err err = sender_receivers(author, &sender->audience, receivers);
    for (size_t i = 0; i < sender->audience.count && err == ERR_OK; i++) {
        *ret = *ret && is_same_key(sender->tags[i], &receivers[i]);
    }
    if (err == ERR_OK && *ret) {
        sender->cards = author->store->cards_changed;
    }
    return err;
}

/* A clock that was set back makes a key no younger than it is, and one that was set forth for a day no older for ever. */
static bool is_too_old(const struct sender *sender, struct wall_ms now)
{
    uint64_t age = now.ms > sender->made.ms ? now.ms - sender->made.ms : sender->made.ms - now.ms;

    return age >= AGE_MAX_MS;
}

/* ---- finding ---- */

static struct sender *held(struct author *author, const struct log *log, const struct audience *audience)
{
    struct senders *senders = author->senders;

    if (senders->generation != author->store->generation) {
        forget_all(author);
    }
    for (size_t i = 0; i < SENDERS_MAX; i++) {
        struct sender *sender = &senders->items[i];
        if (sender->is_used && log_id_compare(&sender->log, &log->chain.log) == 0 && audience_equal(&sender->audience, audience)) {
            sender->used = ++senders->clock;
            return sender;
        }
    }
    return NULL;
}

struct sender *sender_find(struct author *author, const struct log *log, const struct audience *audience, struct wall_ms now)
{
    const struct audience *wanted = with_self(author, audience);
    struct sender *sender = wanted == NULL ? NULL : held(author, log, wanted);

    return sender != NULL && !is_too_old(sender, now) && sender->cards == author->store->cards_changed ? sender : NULL;
}

/* A place for one more, of the one that was not used for longest: it is found again in the log. */
static struct sender *place_for(struct senders *senders)
{
    struct sender *ret = &senders->items[0];

    for (size_t i = 0; i < SENDERS_MAX && ret->is_used; i++) {
        if (!senders->items[i].is_used || senders->items[i].used < ret->used) {
            ret = &senders->items[i];
        }
    }
    ret->is_used = false;
    return ret;
}

/* The keys in the log that is open: the newest for this audience. */
struct listing {
    struct author *author;
    const struct log *log;
    struct sender *key, *found; /* the one being read; the best so far */
    const struct audience *wanted;
    enum err err;
};

static bool list_place(void *arg, const struct hash *id, const struct key_place *place)
{
    struct listing *listing = arg;
    struct author *author = listing->author;
    struct store *store = author->store;
    struct sender_wrap *wraps = author->senders->wraps;
    struct sender *key = listing->key;
    struct key_source source = {&store->txn, store, &store->region, store->unpack, store->packer, store->other};
    struct box_public ephemeral;

    (void)id;
    if (place->log_number != listing->log->number || (listing->found->is_used && place->seq <= listing->found->seq)) {
        return true;
    }
    *key = (struct sender){.is_used = true, .log = listing->log->chain.log, .seq = place->seq};
    listing->err = key_commit(&source, place);
    if (listing->err == ERR_OK) {
        key->made = source.commit->author_time;
        listing->err = key_assemble(&source, place->entry, &key->id, &key->audience, wraps, &ephemeral);
    }
    if (listing->err == ERR_NOT_FOUND) {
        listing->err = ERR_OK; /* a further part, or a grant */
        return true;
    }
    if (listing->err != ERR_OK || !audience_equal(&key->audience, listing->wanted)) {
        return listing->err == ERR_OK;
    }
    for (size_t i = 0; i < key->audience.count; i++) {
        memcpy(key->tags[i], wraps[i].tag, SENDER_TAG_BYTES);
    }
    key->cards = UINT64_MAX; /* never compared */
    *listing->found = *key;
    return true;
}

void sender_retire(struct author *author, const struct hash *id)
{
#ifndef GRIOT_WITHOUT_T17_RETIRE
    for (size_t i = 0; i < SENDERS_MAX; i++) {
        struct sender *sender = &author->senders->items[i];
        sender->is_used = sender->is_used && !hash_equal(&sender->id, id);
    }
#else
    (void)author;
    (void)id;
#endif
}

/* Was it given to somebody outside its audience, in any of our logs? ERR_OK, ERR_NOT_FOUND  it was */
static enum err grants_check(struct author *author, const struct sender *key)
{
    struct store *store = author->store;
    struct key_source source = {&store->txn, store, &store->region, store->unpack, store->packer, store->other};
    struct key_place *places = NULL;
    struct sender_key part;
    size_t count = 0;
    enum err err = keys_places(&source, &key->id, &store->self, &places, &count);

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = key_commit(&source, &places[i]);
        if (err != ERR_OK || source.commit->entries[places[i].entry].leaf.kind != ENTRY_GRANT) {
            continue;
        }
        err = key_entry_read(source.unpack, &source.commit->entries[places[i].entry], &part); /* ERR_NOT_FOUND  erased since: to whom is not known */
        for (uint32_t j = 0; j < part.count && err == ERR_OK; j++) {
            err = audience_has(&key->audience, &part.wraps[j].node) ? ERR_OK : ERR_NOT_FOUND;
        }
    }
    free(places);
    return err;
}

/* Open what stands in the log by our own wrap. ERR_NOT_FOUND  it is not there, or cannot be opened any more: a new one is made */
static enum err find_in_log(struct author *author, const struct log *log, const struct audience *wanted, struct sender **ret)
{
    struct senders *senders = author->senders;
    struct sender *scratch = calloc(2, sizeof *scratch);
    struct listing listing = {author, log, scratch, scratch + 1, wanted, ERR_OK};

    if (scratch == NULL) {
        return ERR_MEMORY;
    }
    enum err err = keys_each(&author->store->txn, list_place, &listing);
    err = err == ERR_OK ? listing.err : err;
    if (err == ERR_OK && listing.found->is_used) {
        err = grants_check(author, listing.found);
    }
    if (err == ERR_OK) {
        struct sender *sender = place_for(senders);
        *sender = *listing.found;
        err = !sender->is_used
                  ? ERR_NOT_FOUND
                  : opener_key_take(author->opener, &author->store->self, &sender->id, senders->block, key_of(senders, sender).at);
        sender->is_used = err == ERR_OK;
        sender->used = ++senders->clock;
        *ret = sender;
    }
    free(scratch);
    return err == ERR_PERMISSION || err == ERR_UNKNOWN_KEY || err == ERR_BADHASH ? ERR_NOT_FOUND : err;
}

/* ---- making ---- */

static enum err wraps_make(struct sealing_key key, const struct secret *ephemeral, const struct box_public *public, const struct audience *nodes,
                           const struct sender_receiver *receivers, struct sender_key *part)
{
    uint32_t first = (part->part - 1) * SENDER_PART_WRAPS;

    part->count = sender_key_part_count(nodes->count, part->part);
    for (uint32_t i = 0; i < part->count; i++) {
        struct sender_wrap *wrap = &part->wraps[i];
        memset(wrap, 0, sizeof *wrap);
        wrap->node = nodes->nodes[first + i];
        /* A card that names a key which nobody can hold is as good as none. */
        wrap->has_wrap = receivers[first + i].has_key && wrap_make(ephemeral, public, &receivers[first + i].key, key, wrap->wrap) == ERR_OK;
        if (wrap->has_wrap) {
            memcpy(wrap->tag, receivers[first + i].key.b, sizeof wrap->tag);
        }
    }
    return ERR_OK;
}

enum err sender_payloads(const struct hash *id, struct sealing_key key, const struct audience *nodes, const struct sender_receiver *receivers,
                         uint8_t *memory, struct span *ret, uint32_t *ret_parts)
{
    struct sender_key part = {.id = *id, .parts = sender_key_parts(nodes->count)};
    struct secret *ephemeral = NULL;
    enum err err = box_keypair(&part.ephemeral, &ephemeral);

    for (part.part = 1; part.part <= part.parts && err == ERR_OK; part.part++) {
        struct out out = out_into(memory + (size_t)(part.part - 1) * PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX);
        err = wraps_make(key, ephemeral, &part.ephemeral, nodes, receivers, &part);
        sender_key_write(&part, &out);
        assert(!out.is_full);
        ret[part.part - 1] = out_written(&out);
    }
    secret_destroy(&ephemeral);
    *ret_parts = part.parts;
    return err;
}

/* A new key, its commit appended. */
static enum err make(struct author *author, struct log *log, const struct audience *wanted, struct wall_ms now, uint64_t roster_number,
                     struct sender **ret)
{
    struct senders *senders = author->senders;
    struct sender *sender = place_for(senders);
    struct sealing_key key = key_of(senders, sender);
    struct commit *commit = author->commit;
    struct span parts[SENDER_PARTS_MAX];
    uint32_t count = 0;
    enum err err = sender_receivers(author, wanted, senders->receivers);

    if (err == ERR_OK) {
        random_fill(secret_write(senders->block) + key.at, SEALING_KEY_BYTES);
        memset(sender, 0, sizeof *sender);
        sender->log = log->chain.log;
        sender->made = now;
        sender->audience = *wanted;
        sender->cards = author->store->cards_changed;
        audience_key_id(&author->store->self, &sender->audience, key, &sender->id);
        tags_set(sender, senders->receivers);
        err = sender_payloads(&sender->id, key, &sender->audience, senders->receivers, senders->memory, parts, &count);
    }
    for (uint32_t i = 0; i < count; i++) {
        commit->entries[i] = (struct entry){.leaf = {.kind = ENTRY_KEY, .codec = CODEC_PLAIN, .length = (uint32_t)parts[i].n},
                                            .has_payload = true,
                                            .payload = parts[i]};
        random_fill(commit->entries[i].salt, SALT_BYTES);
    }
    if (err == ERR_OK) {
        commit->entry_count = count;
        sender->seq = log->chain.seq + 1;
        err = append_one(author, log, author->slots[log->chain.channel].key, now, roster_number, NULL);
    }
    sender->is_used = err == ERR_OK;
    sender->used = ++senders->clock;
    *ret = sender;
    return err;
}

enum err sender_get(struct author *author, struct log *log, const struct audience *audience, struct wall_ms now, uint64_t roster_number,
                    struct sender **ret)
{
    enum err err = sender_audience_check(author, audience);
    const struct audience *wanted = err == ERR_OK ? with_self(author, audience) : NULL;
    struct sender *sender = NULL;
    bool is_good = false;

    if (err != ERR_OK) {
        return err;
    }
    sender = held(author, log, wanted);
    if (sender == NULL) {
        err = find_in_log(author, log, wanted, &sender);
    }
    if (err == ERR_OK) {
        err = is_wrapped_for_today(author, sender, &is_good);
        is_good = is_good && !is_too_old(sender, now);
        sender->is_used = is_good;
    }
    if (err == ERR_NOT_FOUND || (err == ERR_OK && !is_good)) {
        err = make(author, log, wanted, now, roster_number, &sender);
    }
    if (err == ERR_OK) {
        *ret = sender;
    }
    return err;
}

/* ---- sealing ---- */

void sender_seal(const struct author *author, const struct sender *sender, const uint8_t nonce[SEALED_NONCE_BYTES], uint8_t *payload, size_t n,
                 struct leaf *ret)
{
    const struct store *store = author->store;
    uint8_t associated_bytes[ASSOCIATED_BYTES];
    struct out associated = out_into(associated_bytes, sizeof associated_bytes);

    out_bytes(&associated, store->region.b, sizeof store->region.b);
    out_bytes(&associated, store->self.b, sizeof store->self.b);
    out_bytes(&associated, sender->id.b, sizeof sender->id.b);
    memcpy(payload, nonce, SEALED_NONCE_BYTES);
    aead_seal(key_of(author->senders, sender), nonce, out_written(&associated), span_of(payload + SEALED_NONCE_BYTES, n), payload + SEALED_NONCE_BYTES);
    ret->kind = ENTRY_SEALED;
    ret->flags = 0;
    ret->codec = CODEC_SEALED;
    ret->audience_bytes = AUDIENCE_BYTES_MAX;
    memcpy(ret->audience, sender->id.b, AUDIENCE_BYTES_MAX);
    ret->length = (uint32_t)(n + SEALED_AROUND_BYTES);
}

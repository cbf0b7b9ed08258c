#include "store/opener.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "store/keys.h"
#include "store/receiver.h"

enum {
    WAYS = 4,
    SETS = 128,
    SLOTS = SECRET_BYTES_MAX / SEALING_KEY_BYTES, /* keys at hand, in one block of guarded memory */
    CANDIDATES_MAX = 4, /* lists of readers, and keys, that one author may give under one id before we stop trying: an honest one gives one */
    ASSOCIATED_BYTES = 32 + 16 + 32,
};

/* What is known of one key id. */
struct known {
    bool is_used;
    bool has_key;
    struct hash id;
    struct node_id author;
    enum err err;        /* when !has_key: why */
    uint64_t since;      /* when has_key: the journal item with which it could be opened */
    uint64_t key_number; /* of the first whole KEY; 0 none */
    uint32_t slot;       /* when has_key: in the block */
    uint64_t epoch;       /* when it was looked for: places in the journal change with it */
    uint64_t rows;        /* then in the table: unchanged, and there is still no key */
    uint64_t used;        /* for what is forgotten first */
};

struct opener {
    struct store *store;
    struct receiver *receiver;
    pthread_mutex_t lock;
    struct secret *block, *candidates;
    struct unpack *unpack; /* of the look-ups: a reader's own holds what he is reading */
    struct commit_packer *packer;
    struct commit *commit;
    struct known *owner[SLOTS];
    struct known known[SETS][WAYS];
    uint64_t clock;
};

enum err opener_new(struct store *store, const struct keyring *keyring, struct opener **ret)
{
    struct opener *opener = calloc(1, sizeof *opener);

    if (opener == NULL) {
        return ERR_MEMORY;
    }
    if (pthread_mutex_init(&opener->lock, NULL) != 0) {
        free(opener);
        return ERR_MEMORY;
    }
    opener->store = store;
    opener->receiver = receiver_new(keyring);
    opener->block = secret_new(SECRET_BYTES_MAX);
    opener->candidates = secret_new((size_t)CANDIDATES_MAX * SEALING_KEY_BYTES);
    opener->unpack = unpack_new();
    opener->packer = commit_packer_new();
    opener->commit = malloc(sizeof *opener->commit);
    if (opener->receiver == NULL || opener->block == NULL || opener->candidates == NULL || opener->unpack == NULL || opener->packer == NULL ||
        opener->commit == NULL) {
        opener_destroy(&opener);
        return ERR_MEMORY;
    }
    *ret = opener;
    return ERR_OK;
}

void opener_destroy(struct opener **opener)
{
    struct opener *o = *opener;

    if (o != NULL) {
        receiver_destroy(&o->receiver);
        secret_destroy(&o->block);
        secret_destroy(&o->candidates);
        unpack_destroy(&o->unpack);
        commit_packer_destroy(&o->packer);
        free(o->commit);
        pthread_mutex_destroy(&o->lock);
        free(o);
        *opener = NULL;
    }
}

bool entry_is_sealed(const struct entry *entry)
{
    return entry->leaf.kind == ENTRY_SEALED && entry->leaf.codec == CODEC_SEALED && entry->leaf.audience_bytes == AUDIENCE_BYTES_MAX;
}

bool opener_may_change(enum err err)
{
    return err == ERR_NOT_FOUND || err == ERR_PERMISSION || err == ERR_UNKNOWN_KEY || err == ERR_BADHASH;
}

/* ---- looking for a key ---- */

/* What the places of one id have given so far. */
struct search {
    struct opener *opener;
    const struct key_source *source;
    const struct hash *id;
    const struct node_id *author;
    struct audience audiences[CANDIDATES_MAX];
    struct sender_wrap wraps[AUDIENCE_NODES_MAX]; /* scratch */
    size_t audience_count, key_count;             /* keys: in opener->candidates */
    bool is_named;                                /* a wrap for us has been met */
    enum err wrap_err;                            /* of the last that did not open */
    uint64_t key_number;
};

/* A wrap for us: what is in it is a candidate. */
static enum err take_wrap(struct search *search, const struct sender_wrap *wrap, const struct box_public *ephemeral)
{
    struct opener *opener = search->opener;
    enum err err;

    if (!wrap->has_wrap) {
        return ERR_OK;
    }
    search->is_named = true;
    if (search->key_count == CANDIDATES_MAX) {
        return ERR_OK;
    }
    err = receiver_open(opener->receiver, wrap, ephemeral, opener->candidates, search->key_count * SEALING_KEY_BYTES);
    if (err == ERR_OK) {
        search->key_count++;
    } else if (err == ERR_UNKNOWN_KEY || err == ERR_BADSIG) {
        search->wrap_err = err;
        err = ERR_OK;
    }
    return err;
}

static enum err take_wraps(struct search *search, const struct node_id *nodes, const struct sender_wrap *wraps, size_t count,
                           const struct box_public *ephemeral)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (node_id_equal(&nodes[i], &search->opener->store->self)) {
            err = take_wrap(search, &wraps[i], ephemeral);
        }
    }
    return err;
}

/* One entry of the commit at hand. */
static enum err take_entry(struct search *search, const struct key_place *place)
{
    const struct entry *entry = &search->source->commit->entries[place->entry];
    struct sender_key part;
    struct hash id;
    struct box_public ephemeral;
    enum err err;

    if (entry->leaf.kind == ENTRY_GRANT) {
        err = key_entry_read(search->source->unpack, entry, &part);
        for (uint32_t i = 0; err == ERR_OK && i < part.count; i++) {
            err = take_wraps(search, &part.wraps[i].node, &part.wraps[i], 1, &part.ephemeral);
        }
        return err == ERR_NOT_FOUND ? ERR_OK : err; /* erased since */
    }
    if (search->audience_count == CANDIDATES_MAX) {
        return ERR_OK;
    }
    struct audience *audience = &search->audiences[search->audience_count];
    err = key_assemble(search->source, place->entry, &id, audience, search->wraps, &ephemeral);
    if (err != ERR_OK || !hash_equal(&id, search->id)) {
        return err == ERR_NOT_FOUND ? ERR_OK : err; /* a further part, or not whole */
    }
    search->key_number = search->key_number == 0 ? place->number : search->key_number;
    search->audience_count++;
    return take_wraps(search, audience->nodes, search->wraps, audience->count, &ephemeral);
}

/* The candidate to which the id commits; CANDIDATES_MAX: none. */
static size_t committed(const struct search *search)
{
    for (size_t k = 0; k < search->key_count; k++) {
        for (size_t a = 0; a < search->audience_count; a++) {
            struct hash id;
            audience_key_id(search->author, &search->audiences[a], (struct sealing_key){search->opener->candidates, k * SEALING_KEY_BYTES}, &id);
#ifdef GRIOT_WITHOUT_T17_COMMITMENT
            return k;
#else
            if (hash_equal(&id, search->id)) {
                return k;
            }
#endif
        }
    }
    return CANDIDATES_MAX;
}

/* Why there is no key. */
static enum err reason(const struct search *search)
{
    if (search->key_number == 0) {
        return ERR_NOT_FOUND;
    }
    if (!search->is_named) {
        return ERR_PERMISSION;
    }
    return search->key_count == 0 && search->wrap_err == ERR_UNKNOWN_KEY ? ERR_UNKNOWN_KEY : ERR_BADHASH;
}

static void slot_take(struct opener *opener, struct known *known, size_t candidate)
{
    uint32_t best = 0;

    for (uint32_t i = 0; i < SLOTS; i++) {
        if (opener->owner[i] == NULL) {
            best = i;
            break;
        }
        if (opener->owner[i]->used < opener->owner[best]->used) {
            best = i;
        }
    }
    if (opener->owner[best] != NULL) {
        opener->owner[best]->is_used = false;
    }
    opener->owner[best] = known;
    known->slot = best;
    memcpy(secret_write(opener->block) + (size_t)best * SEALING_KEY_BYTES, secret_read(opener->candidates) + candidate * SEALING_KEY_BYTES,
           SEALING_KEY_BYTES);
}

/* Look through all places in the order of the journal, until they give the key. Fills in `known`. */
static enum err look_for(struct opener *opener, const struct key_source *source, struct known *known)
{
    struct search *search = calloc(1, sizeof *search);
    struct key_place *places = NULL;
    size_t count = 0, found = CANDIDATES_MAX;
    enum err err = ERR_MEMORY;

    if (search != NULL) {
        *search = (struct search){.opener = opener, .source = source, .id = &known->id, .author = &known->author};
        err = keys_places(source, &known->id, &known->author, &places, &count);
    }
    for (size_t i = 0; i < count && err == ERR_OK && found == CANDIDATES_MAX; i++) {
        if (i == 0 || places[i].number != places[i - 1].number) {
            err = key_commit(source, &places[i]);
        }
        if (err == ERR_OK) {
            err = take_entry(search, &places[i]);
            found = committed(search);
            known->since = places[i].number;
        }
    }
    if (err == ERR_OK || err == ERR_NOT_FOUND) {
        known->err = reason(search);
        known->key_number = search->key_number;
        known->has_key = found != CANDIDATES_MAX;
        if (known->has_key) {
            slot_take(opener, known, found);
        }
        err = ERR_OK;
    }
    memset(secret_write(opener->candidates), 0, secret_bytes(opener->candidates));
    free(places);
    free(search);
    return err;
}

static uint64_t set_of(const struct hash *id)
{
    return (uint64_t)(id->b[0] << 8 | id->b[1]) % SETS;
}

static void forget(struct opener *opener, struct known *known)
{
    if (known->has_key) {
        opener->owner[known->slot] = NULL;
    }
    known->is_used = known->has_key = false;
}

/* Under which what is found stays true. What the writer finds may never be committed, and is for itself. */
static uint64_t epoch_now(const struct key_source *source)
{
    uint64_t epoch = epoch_of(source->txn);

    return source->writer == NULL ? epoch : ~(epoch << 32 ^ source->writer->generation);
}

/* What is known of the id, looked for when it has to be. The lock is held. */
static enum err known_get(struct opener *opener, const struct key_source *source, const struct node_id *author, const struct hash *id,
                          const struct known **ret)
{
    struct known *set = opener->known[set_of(id)], *known = &set[0];
    uint64_t rows = kv_count(source->txn, TABLE_KEYS), epoch = epoch_now(source);
    bool is_hit = false;
    enum err err = source->txn->err;

    for (size_t i = 0; i < WAYS && !is_hit; i++) {
        is_hit = set[i].is_used && hash_equal(&set[i].id, id) && node_id_equal(&set[i].author, author);
        if (is_hit || (known->is_used && (!set[i].is_used || set[i].used < known->used))) {
            known = &set[i];
        }
    }
    if (err == ERR_OK && (!is_hit || known->epoch != epoch || (!known->has_key && known->rows != rows))) {
        forget(opener, known);
        *known = (struct known){.id = *id, .author = *author, .rows = rows, .epoch = epoch};
        err = look_for(opener, source, known);
        err = err != ERR_OK ? err : source->txn->err;
    }
    if (err != ERR_OK) {
        forget(opener, known);
        return err;
    }
    known->is_used = true;
    known->used = ++opener->clock;
    *ret = known;
    return ERR_OK;
}

/* With what stood in the journal up to `until`. */
static enum err known_err(const struct known *known, uint64_t until)
{
    if (known->has_key && known->since <= until) {
        return ERR_OK;
    }
    if (known->key_number == 0 || known->key_number > until) {
        return ERR_NOT_FOUND;
    }
    return known->has_key ? ERR_PERMISSION : known->err;
}

/* ---- opening ---- */

static struct key_source source_reading(struct opener *opener, struct store_read *read)
{
    return (struct key_source){&read->txn, NULL, &opener->store->region, opener->unpack, opener->packer, opener->commit};
}

static struct key_source source_writing(struct opener *opener)
{
    assert(opener->store->is_writing);
    return (struct key_source){&opener->store->txn, opener->store, &opener->store->region, opener->unpack, opener->packer, opener->commit};
}

static enum err open_entry(struct opener *opener, const struct key_source *source, struct commit_packer *packer, struct unpack *unpack,
                           const struct node_id *author, const struct entry *entry, uint64_t until, uint8_t *scratch, struct sealed *ret)
{
    uint8_t associated_bytes[ASSOCIATED_BYTES];
    struct out associated = out_into(associated_bytes, sizeof associated_bytes);
    const struct known *known = NULL;
    const char *clause;
    struct hash id;

    if (!entry_is_sealed(entry) || !entry->has_payload) {
        return ERR_INVALID;
    }
    size_t n = entry->payload.n;
    if (n < SEALED_AROUND_BYTES || n > PAYLOAD_BYTES_MAX) {
        return ERR_TRUNCATED;
    }
    memcpy(scratch, entry->payload.p, n); /* it may lie where the next commit is unpacked */
    memcpy(id.b, entry->leaf.audience, sizeof id.b);
    out_bytes(&associated, opener->store->region.b, sizeof opener->store->region.b);
    out_bytes(&associated, author->b, sizeof author->b);
    out_bytes(&associated, id.b, sizeof id.b);
    pthread_mutex_lock(&opener->lock);
    enum err err = known_get(opener, source, author, &id, &known);
    if (err == ERR_OK) {
        err = known_err(known, until);
    }
    if (err == ERR_OK) {
        struct sealing_key key = {opener->block, (size_t)known->slot * SEALING_KEY_BYTES};
        err = aead_open(key, scratch, out_written(&associated), span_of(scratch + SEALED_NONCE_BYTES, n - SEALED_NONCE_BYTES),
                        scratch + SEALED_NONCE_BYTES);
    }
    pthread_mutex_unlock(&opener->lock);
    if (err == ERR_OK) {
        err = sealed_read(packer, unpack, span_of(scratch + SEALED_NONCE_BYTES, n - SEALED_AROUND_BYTES), scratch + PAYLOAD_BYTES_MAX, ret, &clause);
    }
    return err;
}

enum err opener_open_until(struct opener *opener, struct store_read *read, const struct node_id *author, const struct entry *entry, uint64_t until,
                           uint8_t *scratch, struct sealed *ret)
{
    struct key_source source = source_reading(opener, read);

    return open_entry(opener, &source, read->packer, read->unpack, author, entry, until, scratch, ret);
}

enum err opener_open(struct opener *opener, struct store_read *read, const struct node_id *author, const struct entry *entry, uint8_t *scratch,
                     struct sealed *ret)
{
    return opener_open_until(opener, read, author, entry, OPENER_NOW, scratch, ret);
}

enum err opener_open_writing(struct opener *opener, const struct node_id *author, const struct entry *entry, uint8_t *scratch, struct sealed *ret)
{
    struct key_source source = source_writing(opener);

    return open_entry(opener, &source, opener->store->packer, opener->store->unpack, author, entry, OPENER_NOW, scratch, ret);
}

enum err opener_key(struct opener *opener, struct store_read *read, const struct node_id *author, const struct hash *id, uint64_t until)
{
    struct key_source source = source_reading(opener, read);
    const struct known *known = NULL;

    pthread_mutex_lock(&opener->lock);
    enum err err = known_get(opener, &source, author, id, &known);
    if (err == ERR_OK) {
        err = known_err(known, until);
    }
    pthread_mutex_unlock(&opener->lock);
    return err;
}

enum err opener_key_take(struct opener *opener, const struct node_id *author, const struct hash *id, struct secret *ret, size_t at)
{
    struct key_source source = source_writing(opener);
    const struct known *known = NULL;

    assert(at + SEALING_KEY_BYTES <= secret_bytes(ret));
    pthread_mutex_lock(&opener->lock);
    enum err err = known_get(opener, &source, author, id, &known);
    if (err == ERR_OK) {
        err = known_err(known, OPENER_NOW);
    }
    if (err == ERR_OK) {
        memcpy(secret_write(ret) + at, secret_read(opener->block) + (size_t)known->slot * SEALING_KEY_BYTES, SEALING_KEY_BYTES);
    }
    pthread_mutex_unlock(&opener->lock);
    return err;
}

/* ---- proof ---- */

static enum err prove_wraps(struct opener *opener, const struct sender_key *part, struct opener_proof *proof)
{
    enum err err = ERR_OK;

    for (uint32_t i = 0; i < part->count && err == ERR_OK; i++) {
        if (part->wraps[i].has_wrap) {
            proof->wraps++;
            err = receiver_try(opener->receiver, &part->wraps[i], &part->ephemeral, &proof->tried, &proof->opened);
        }
    }
    return err;
}

enum err opener_prove(struct opener *opener, struct store_read *read, const struct node_id *author, const struct hash *id, struct opener_proof *ret)
{
    struct key_source source = source_reading(opener, read);
    struct sender_key part;
    struct key_place *places = NULL;
    size_t count = 0;

    *ret = (struct opener_proof){0};
    pthread_mutex_lock(&opener->lock);
    enum err err = receiver_refresh(opener->receiver);
    err = err == ERR_CORRUPT || err == ERR_PERMISSION ? ERR_OK : err; /* no keys to try */
    if (err == ERR_OK) {
        err = keys_places(&source, id, author, &places, &count);
    }
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = key_commit(&source, &places[i]);
        if (err == ERR_OK) {
            err = key_entry_read(source.unpack, &source.commit->entries[places[i].entry], &part);
            err = err == ERR_OK ? prove_wraps(opener, &part, ret) : err == ERR_NOT_FOUND ? ERR_OK : err;
        }
    }
    pthread_mutex_unlock(&opener->lock);
    free(places);
    return err;
}

/* ---- whose keys ---- */

enum err opener_keys(struct opener *opener, size_t count, struct opener_keys *ret)
{
    pthread_mutex_lock(&opener->lock);
    enum err err = receiver_refresh(opener->receiver);
    err = err == ERR_CORRUPT || err == ERR_PERMISSION ? ERR_OK : err; /* no keys: nothing is opened */
    if (err == ERR_OK) {
        size_t all = receiver_count(opener->receiver);
        ret->count = all;
        ret->digest = receiver_digest(opener->receiver, count < all ? count : all);
    }
    pthread_mutex_unlock(&opener->lock);
    return err;
}

enum err opener_newest(struct opener *opener, struct box_public *ret)
{
    pthread_mutex_lock(&opener->lock);
    enum err err = receiver_refresh(opener->receiver);
    if (err == ERR_OK) {
        err = receiver_newest(opener->receiver, ret);
    }
    pthread_mutex_unlock(&opener->lock);
    return err;
}

#include "node/bundle_reader.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/sign.h"

_Static_assert((int)BUNDLE_WRAP_BYTES == (int)WRAP_BYTES && (int)BUNDLE_TAG_BYTES == (int)WRAP_TAG_BYTES, "wraps are those of crypto/wrap.h");
_Static_assert((int)BUNDLE_NONCE_BYTES == (int)AEAD_NONCE_BYTES && (int)BUNDLE_CHUNK_COST_BYTES == (int)AEAD_NONCE_BYTES + (int)AEAD_TAG_BYTES,
               "chunks are sealed by crypto/wrap.h");

enum state { STATE_OPENING, STATE_HEAD, STATE_LOCKED, STATE_CHUNK_OPENING, STATE_CHUNK, STATE_ENDED, STATE_FAILED };

struct signed_bytes {
    uint8_t *bytes; /* owned; NULL: not there yet */
    size_t n;
    struct signature signature;
};

struct bundle_reader {
    enum state state;
    size_t have, need;
    uint8_t *buffer; /* what is being gathered: opening and head, or a chunk, which is opened in place */
    struct unpack *unpack;
    struct seg *seg; /* scratch */
    struct secret *key;
    struct hash opening; /* of the opening: in what each chunk authenticates */
    struct hash_state hash;
    uint64_t number; /* of the next chunk */
    enum bundle_mark mark;
    struct bundle_receiver *receivers;
    struct bundle_head head;
    struct node_id *nodes;
    struct bundle_base *bases;
    struct bundle_contents contents;
    struct bundle_trailer trailer;
    struct signed_bytes signed_contents, signed_trailer;
    struct span document;
    struct bundle_item *items;
    uint32_t item_count;
    enum bundle_item_type last; /* type of the last item that came: they never go back */
    uint64_t notices, held_items;
};

enum { BUFFER_BYTES = BUNDLE_CHUNK_SEALED_BYTES_MAX };
_Static_assert((int)BUFFER_BYTES >= (int)BUNDLE_OPENING_BYTES + (int)BUNDLE_HEAD_BYTES_MAX, "an opening with its head fits");

enum err bundle_reader_new(struct bundle_reader **ret)
{
    struct bundle_reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL) {
        return ERR_MEMORY;
    }
    reader->need = BUNDLE_OPENING_BYTES;
    reader->buffer = malloc(BUFFER_BYTES);
    reader->unpack = unpack_new();
    reader->seg = malloc(sizeof *reader->seg);
    reader->receivers = malloc(MEMBERS_MAX * sizeof *reader->receivers);
    reader->nodes = malloc(MEMBERS_MAX * sizeof *reader->nodes);
    reader->bases = malloc(MEMBERS_MAX * sizeof *reader->bases);
    reader->items = malloc(BUNDLE_ITEMS_MAX * sizeof *reader->items);
    if (reader->buffer == NULL || reader->unpack == NULL || reader->seg == NULL || reader->receivers == NULL || reader->nodes == NULL || reader->bases == NULL ||
        reader->items == NULL) {
        bundle_reader_destroy(&reader);
        return ERR_MEMORY;
    }
    *ret = reader;
    return ERR_OK;
}

void bundle_reader_destroy(struct bundle_reader **reader)
{
    struct bundle_reader *r = *reader;

    if (r == NULL) {
        return;
    }
    secret_destroy(&r->key);
    unpack_destroy(&r->unpack);
    free(r->buffer);
    free(r->seg);
    free(r->receivers);
    free(r->nodes);
    free(r->bases);
    free(r->items);
    free(r->signed_contents.bytes);
    free(r->signed_trailer.bytes);
    free(r);
    *reader = NULL;
}

static enum err refuse(const char **clause, const char *text, enum err err) { return unpack_refuse(clause, text, err); }

/* ---- opening and head ---- */

static enum err take_opening(struct bundle_reader *r, const char **clause)
{
    uint32_t head_bytes = 0;
    enum err err = bundle_opening_decode(span_of(r->buffer, r->have), &head_bytes, clause);

    if (err == ERR_OK) {
        r->need = BUNDLE_OPENING_BYTES + (size_t)head_bytes;
        r->state = STATE_HEAD;
    }
    return err;
}

static enum err take_head(struct bundle_reader *r, const char **clause)
{
    struct span head = span_of(r->buffer + BUNDLE_OPENING_BYTES, r->have - BUNDLE_OPENING_BYTES);
    enum err err = bundle_head_decode(r->unpack, head, r->receivers, &r->head, clause);

    if (err == ERR_OK) {
        hash_of(HASH_BUNDLE, span_of(r->buffer, r->have), &r->opening);
        hash_start(&r->hash, HASH_BUNDLE);
        hash_add(&r->hash, span_of(r->buffer, r->have));
        r->state = STATE_LOCKED;
    }
    return err;
}

enum err bundle_reader_unwrap(const struct bundle_reader *reader, const struct node_id *self, const struct secret *encryption, struct secret **ret_key)
{
    struct box_public public;
    const struct bundle_receiver *receiver = NULL;
    struct secret *key;
    enum err err;

    for (uint32_t i = 0; i < reader->head.receiver_count && receiver == NULL; i++) {
        receiver = node_id_equal(&reader->receivers[i].node, self) ? &reader->receivers[i] : NULL;
    }
    if (receiver == NULL) {
        return ERR_NOT_FOUND;
    }
    box_public_of(encryption, &public);
    if (memcmp(public.b, receiver->tag, sizeof receiver->tag) != 0) {
        return ERR_UNKNOWN_KEY;
    }
    key = secret_new(SEALING_KEY_BYTES);
    if (key == NULL) {
        return ERR_MEMORY;
    }
    err = wrap_open((struct sealing_key){encryption, 0}, &public, &reader->head.ephemeral, receiver->wrap, key, 0);
    if (err != ERR_OK) {
        secret_destroy(&key);
        return err;
    }
    *ret_key = key;
    return ERR_OK;
}

void bundle_reader_unlock(struct bundle_reader *reader, struct secret *key)
{
    assert(reader->state == STATE_LOCKED && secret_bytes(key) == SEALING_KEY_BYTES);
    reader->key = key;
    reader->state = STATE_CHUNK_OPENING;
    reader->have = 0;
    reader->need = BUNDLE_CHUNK_OPENING_BYTES;
}

/* ---- what the writer signs ---- */

static enum err keep_signed(struct bundle_reader *r, struct span item, struct signed_bytes *ret, const char **clause)
{
    struct span body = {NULL, 0};
    enum err err = bundle_signed_decode(r->unpack, item, &body, &ret->signature, clause);

    if (err != ERR_OK) {
        return err;
    }
    ret->bytes = malloc(body.n);
    if (ret->bytes == NULL) {
        return ERR_MEMORY;
    }
    memcpy(ret->bytes, body.p, body.n);
    ret->n = body.n;
    return ERR_OK;
}

static enum err take_contents(struct bundle_reader *r, struct span item, const char **clause)
{
    const struct bundle_contents *c = &r->contents;
    enum err err = keep_signed(r, item, &r->signed_contents, clause);

    if (err == ERR_OK) {
        err = bundle_contents_decode(r->unpack, span_of(r->signed_contents.bytes, r->signed_contents.n), r->nodes, r->bases, &r->contents, clause);
    }
    if (err == ERR_OK && (!region_id_equal(&c->region, &r->head.region) || memcmp(c->id.b, r->head.id.b, sizeof c->id.b) != 0 || c->part != r->head.part ||
                          c->parts != r->head.parts)) {
        err = refuse(clause, "WIRE.md 8.5: the contents are not those of the head", ERR_MALFORMED);
    }
    return err;
}

static enum err take_trailer(struct bundle_reader *r, struct span item, const char **clause)
{
    const struct bundle_trailer *t = &r->trailer;
    struct hash hash;
    enum err err = keep_signed(r, item, &r->signed_trailer, clause);

    if (err == ERR_OK) {
        err = bundle_trailer_decode(r->unpack, span_of(r->signed_trailer.bytes, r->signed_trailer.n), &r->trailer, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (memcmp(t->id.b, r->head.id.b, sizeof t->id.b) != 0 || t->part != r->head.part) {
        return refuse(clause, "WIRE.md 8.6: the trailer is not that of the head", ERR_MALFORMED);
    }
    hash_end(&r->hash, &hash);
    if (t->notices != r->notices || t->items != r->held_items || !hash_equal(&t->hash, &hash)) {
        return refuse(clause, "WIRE.md 8.6: counts or hash are not those of the documents", ERR_BADHASH);
    }
    return ERR_OK;
}

enum err bundle_reader_check(const struct bundle_reader *reader, const struct sign_public *identity, const char **clause)
{
    const struct signed_bytes *parts[] = {&reader->signed_contents, &reader->signed_trailer};

    for (size_t i = 0; i < 2; i++) {
        if (parts[i]->bytes != NULL && sign_check(SIGN_BUNDLE, &reader->head.region, span_of(parts[i]->bytes, parts[i]->n), identity, &parts[i]->signature) != ERR_OK) {
            return refuse(clause, i == 0 ? "WIRE.md 8.5: the contents are not signed by their writer" : "WIRE.md 8.6: the trailer is not signed by the writer", ERR_BADSIG);
        }
    }
    return ERR_OK;
}

/* ---- documents ---- */

static enum err take_item(struct bundle_reader *r, uint32_t index, const char **clause)
{
    const struct bundle_item *item = &r->items[index];
    bool is_first = r->signed_contents.bytes == NULL;
    enum err err;

    if (is_first != (item->type == BUNDLE_CONTENTS)) {
        return refuse(clause, "WIRE.md 8.4: the contents do not stand first, or not once", ERR_MALFORMED);
    }
    if ((item->type == BUNDLE_TRAILER) != (r->mark == BUNDLE_LAST) || (item->type == BUNDLE_TRAILER && r->item_count != 1)) {
        return refuse(clause, "WIRE.md 8.4: the trailer does not stand alone in the last chunk", ERR_MALFORMED);
    }
    if (item->type < r->last) {
        return refuse(clause, "WIRE.md 8.4: a notice stands behind a segment", ERR_MALFORMED);
    }
    r->last = item->type;
    switch (item->type) {
    case BUNDLE_CONTENTS:
        return take_contents(r, item->body, clause);
    case BUNDLE_NOTICE:
        r->notices++;
        return ERR_OK; /* the gate of the store looks into it */
    case BUNDLE_SEG:
        err = seg_decode(r->unpack, item->body, r->seg, clause);
        r->held_items += err == ERR_OK ? r->seg->count : 0;
        return err;
    case BUNDLE_TRAILER:
        break;
    }
    return take_trailer(r, item->body, clause);
}

static enum err take_document(struct bundle_reader *r, const char **clause)
{
    enum err err = bundle_document_decode(r->unpack, r->document, r->items, &r->item_count, clause);

    if (err == ERR_OK && r->mark == BUNDLE_MORE) {
        hash_add(&r->hash, r->document);
    }
    for (uint32_t i = 0; err == ERR_OK && i < r->item_count; i++) {
        err = take_item(r, i, clause);
    }
    return err;
}

/* ---- chunks ---- */

static enum err take_chunk_opening(struct bundle_reader *r, const char **clause)
{
    uint32_t n = 0;
    enum err err = bundle_chunk_opening_decode(r->buffer, &r->mark, &n, clause);

    if (err == ERR_OK) {
        r->state = STATE_CHUNK;
        r->have = 0;
        r->need = n;
    }
    return err;
}

static enum err take_chunk(struct bundle_reader *r, const char **clause)
{
    uint8_t associated[BUNDLE_ASSOCIATED_BYTES];
    struct span sealed = span_of(r->buffer + AEAD_NONCE_BYTES, r->have - AEAD_NONCE_BYTES);
    enum err err;

    bundle_associated(&r->opening, r->number, r->mark, associated);
    err = aead_open((struct sealing_key){r->key, 0}, r->buffer, span_of(associated, sizeof associated), sealed, r->buffer + AEAD_NONCE_BYTES);
    if (err != ERR_OK) {
        return refuse(clause, "WIRE.md 8.3: a chunk is damaged, is not in its place, or is of another file", ERR_BADSIG);
    }
    r->document = span_of(r->buffer + AEAD_NONCE_BYTES, sealed.n - AEAD_TAG_BYTES);
    r->number++;
    err = take_document(r, clause);
    r->state = r->mark == BUNDLE_LAST ? STATE_ENDED : STATE_CHUNK_OPENING;
    r->have = 0;
    r->need = r->mark == BUNDLE_LAST ? 0 : BUNDLE_CHUNK_OPENING_BYTES;
    return err;
}

static enum err take(struct bundle_reader *r, enum bundle_event *ret_event, const char **clause)
{
    enum err err = ERR_OK;

    switch (r->state) {
    case STATE_OPENING:
        err = take_opening(r, clause);
        break;
    case STATE_HEAD:
        err = take_head(r, clause);
        *ret_event = BUNDLE_HAS_HEAD;
        break;
    case STATE_CHUNK_OPENING:
        err = take_chunk_opening(r, clause);
        break;
    case STATE_CHUNK:
        err = take_chunk(r, clause);
        *ret_event = BUNDLE_HAS_DOCUMENT;
        break;
    case STATE_LOCKED:
    case STATE_ENDED:
    case STATE_FAILED:
        break;
    }
    return err;
}

enum err bundle_reader_feed(struct bundle_reader *r, struct span bytes, size_t *ret_used, enum bundle_event *ret_event, const char **clause)
{
    enum err err = ERR_OK;
    size_t used = 0;

    *ret_event = BUNDLE_NEEDS_BYTES;
    assert(r->state != STATE_LOCKED && r->state != STATE_FAILED);
    while (err == ERR_OK && used < bytes.n && *ret_event == BUNDLE_NEEDS_BYTES) {
        size_t n = r->need - r->have < bytes.n - used ? r->need - r->have : bytes.n - used;

        if (r->state == STATE_ENDED) {
            err = refuse(clause, "WIRE.md 8.3: bytes behind the last chunk", ERR_MALFORMED);
            break;
        }
        memcpy(r->buffer + r->have, bytes.p + used, n);
        r->have += n;
        used += n;
        if (r->have == r->need) {
            err = take(r, ret_event, clause);
        }
    }
    *ret_used = used;
    if (err != ERR_OK) {
        r->state = STATE_FAILED;
    }
    return err;
}

enum err bundle_reader_end(const struct bundle_reader *reader, const char **clause)
{
    const char *words;

    switch (reader->state) {
    case STATE_ENDED:
        return ERR_OK;
    case STATE_OPENING:
        words = reader->have == 0 ? "WIRE.md 8.1: the file is empty" : "WIRE.md 8.1: it ends within the first line or the length of the head";
        break;
    case STATE_HEAD:
        words = "WIRE.md 8.2: it ends within the head";
        break;
    case STATE_LOCKED:
    case STATE_FAILED:
    case STATE_CHUNK_OPENING:
    case STATE_CHUNK:
    default:
        words = reader->have == 0 ? "WIRE.md 8.3: it ends before the last chunk" : "WIRE.md 8.3: it ends within a chunk";
        break;
    }
    /* What is too short for a first line need not be one. */
    if (reader->state == STATE_OPENING && reader->have > 0) {
        uint32_t head_bytes;
        return bundle_opening_decode(span_of(reader->buffer, reader->have), &head_bytes, clause);
    }
    return refuse(clause, words, ERR_TRUNCATED);
}

/* ---- what was read ---- */

const struct bundle_head *bundle_reader_head(const struct bundle_reader *reader) { return &reader->head; }

const struct bundle_contents *bundle_reader_contents(const struct bundle_reader *reader)
{
    return reader->signed_contents.bytes != NULL ? &reader->contents : NULL;
}

const struct bundle_trailer *bundle_reader_trailer(const struct bundle_reader *reader)
{
    return reader->signed_trailer.bytes != NULL ? &reader->trailer : NULL;
}

struct span bundle_reader_document(const struct bundle_reader *reader) { return reader->document; }

const struct bundle_item *bundle_reader_items(const struct bundle_reader *reader, uint32_t *ret_count)
{
    *ret_count = reader->item_count;
    return reader->items;
}

#include "node/bundle_writer.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/sign.h"

enum {
    CHUNK_BYTES = 98304,  /* sealed when it holds so much: with the largest item it is still a document */
    TRAILER_BYTES = 256,  /* trailer and its signature, at most */
    ITEM_COST_BYTES = 16, /* around an item, at most */
    CHUNK_COST_BYTES = BUNDLE_CHUNK_OPENING_BYTES + BUNDLE_CHUNK_COST_BYTES + 3,
};

struct bundle_writer {
    struct bundle_id id;
    uint32_t part;
    bool is_measuring;
    bundle_sink sink;
    void *arg;
    struct secret *key;
    struct hash opening;
    struct hash_state hash;
    uint64_t number, bytes;
    uint64_t notices, items;
    uint8_t *memory; /* chunk opening, nonce, document, tag */
    struct bundle_document document;
};

enum { DOCUMENT_AT = BUNDLE_CHUNK_OPENING_BYTES + AEAD_NONCE_BYTES };

static enum err emit(struct bundle_writer *w, struct span bytes)
{
    w->bytes += bytes.n;
    return w->is_measuring ? ERR_OK : w->sink(w->arg, bytes);
}

/* ---- the head ---- */

static enum err wrap_all(const struct bundle_card *cards, size_t count, const struct secret *key, struct box_public *ret_ephemeral, struct bundle_receiver *ret)
{
    struct secret *ephemeral = NULL;
    enum err err = box_keypair(ret_ephemeral, &ephemeral);

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        ret[i].node = cards[i].node;
        memcpy(ret[i].tag, cards[i].encryption.b, sizeof ret[i].tag);
        err = wrap_make(ephemeral, ret_ephemeral, &cards[i].encryption, (struct sealing_key){key, 0}, ret[i].wrap);
    }
    secret_destroy(&ephemeral);
    return err;
}

static enum err opening_write(struct bundle_writer *w, const struct region_id *region, uint32_t parts, const struct bundle_card *cards, size_t card_count)
{
    struct bundle_head head = {.version = FORMAT_VERSION, .region = *region, .id = w->id, .part = w->part, .parts = parts, .receiver_count = (uint32_t)card_count};
    size_t cap = BUNDLE_OPENING_BYTES + BUNDLE_HEAD_BYTES_MAX;
    uint8_t *memory = malloc(cap);
    struct out out = out_into(memory, cap);
    enum err err;

    head.receivers = calloc(card_count, sizeof *head.receivers);
    if (memory == NULL || head.receivers == NULL) {
        free(memory);
        free(head.receivers);
        return ERR_MEMORY;
    }
    err = w->is_measuring ? ERR_OK : wrap_all(cards, card_count, w->key, &head.ephemeral, head.receivers);
    for (size_t i = 0; i < card_count && w->is_measuring; i++) {
        head.receivers[i].node = cards[i].node;
    }
    if (err == ERR_OK) {
        err = bundle_opening_encode(&head, &out);
    }
    if (err == ERR_OK) {
        hash_of(HASH_BUNDLE, out_written(&out), &w->opening);
        hash_start(&w->hash, HASH_BUNDLE);
        hash_add(&w->hash, out_written(&out));
        err = emit(w, out_written(&out));
    }
    free(memory);
    free(head.receivers);
    return err;
}

enum err bundle_writer_new(const struct region_id *region, const struct bundle_id *id, uint32_t part, uint32_t parts, const struct bundle_card *cards, size_t card_count,
                           bool is_measuring, bundle_sink sink, void *arg, struct bundle_writer **ret)
{
    struct bundle_writer *w = calloc(1, sizeof *w);
    enum err err;

    assert(card_count >= 1 && card_count <= MEMBERS_MAX && part >= 1 && part <= parts && parts <= BUNDLE_PARTS_MAX);
    if (w == NULL) {
        return ERR_MEMORY;
    }
    w->id = *id;
    w->part = part;
    w->is_measuring = is_measuring;
    w->sink = sink;
    w->arg = arg;
    w->memory = malloc(DOCUMENT_AT + BUNDLE_DOCUMENT_BYTES_MAX + AEAD_TAG_BYTES);
    w->key = secret_random(SEALING_KEY_BYTES);
    err = w->memory == NULL || w->key == NULL ? ERR_MEMORY : ERR_OK;
    if (err == ERR_OK) {
        bundle_document_init(&w->document, w->memory + DOCUMENT_AT);
        err = opening_write(w, region, parts, cards, card_count);
    }
    if (err != ERR_OK) {
        bundle_writer_destroy(&w);
        return err;
    }
    *ret = w;
    return ERR_OK;
}

void bundle_writer_destroy(struct bundle_writer **writer)
{
    if (*writer == NULL) {
        return;
    }
    secret_destroy(&(*writer)->key);
    free((*writer)->memory);
    free(*writer);
    *writer = NULL;
}

/* ---- chunks ---- */

/* Seal the document where it stands, with its nonce before it and the tag behind it. */
static enum err chunk_write(struct bundle_writer *w, enum bundle_mark mark)
{
    struct span document = bundle_document_end(&w->document);
    uint8_t associated[BUNDLE_ASSOCIATED_BYTES];
    uint8_t *begin = w->memory + DOCUMENT_AT; /* the document begins within the first bytes behind it */
    size_t n = document.n;

    if (mark == BUNDLE_MORE && !w->is_measuring) {
        hash_add(&w->hash, document);
    }
    memmove(begin, document.p, n);
    bundle_chunk_opening(mark, (uint32_t)(AEAD_NONCE_BYTES + n + AEAD_TAG_BYTES), w->memory);
    if (!w->is_measuring) {
        random_fill(w->memory + BUNDLE_CHUNK_OPENING_BYTES, AEAD_NONCE_BYTES);
        bundle_associated(&w->opening, w->number, mark, associated);
        aead_seal((struct sealing_key){w->key, 0}, w->memory + BUNDLE_CHUNK_OPENING_BYTES, span_of(associated, sizeof associated), span_of(begin, n), begin);
    }
    w->number++;
    bundle_document_init(&w->document, begin);
    return emit(w, span_of(w->memory, DOCUMENT_AT + n + AEAD_TAG_BYTES));
}

static enum err item_write(struct bundle_writer *w, enum bundle_item_type type, struct span body)
{
    enum err err = ERR_OK;

    if (w->document.count > 0 && (w->document.at + body.n > CHUNK_BYTES || !bundle_document_has_room(&w->document, body.n))) {
        err = chunk_write(w, BUNDLE_MORE);
    }
    if (err == ERR_OK) {
        bundle_document_add(&w->document, type, body);
    }
    return err;
}

static enum err signed_write(struct bundle_writer *w, enum bundle_item_type type, struct span body, const struct signature *signature)
{
    size_t cap = body.n + sizeof signature->b + ITEM_COST_BYTES;
    uint8_t *memory = malloc(cap);
    struct out out = out_into(memory, cap);
    enum err err = memory == NULL ? ERR_MEMORY : ERR_OK;

    if (err == ERR_OK) {
        bundle_signed_encode(body, signature, &out);
        assert(!out.is_full);
        err = item_write(w, type, out_written(&out));
    }
    free(memory);
    return err;
}

enum err bundle_writer_contents(struct bundle_writer *writer, struct span body, const struct signature *signature)
{
    return signed_write(writer, BUNDLE_CONTENTS, body, signature);
}

enum err bundle_writer_notice(struct bundle_writer *writer, struct span body)
{
    writer->notices++;
    return item_write(writer, BUNDLE_NOTICE, body);
}

enum err bundle_writer_segment(struct bundle_writer *writer, struct span body, uint32_t items)
{
    writer->items += items;
    return item_write(writer, BUNDLE_SEG, body);
}

enum err bundle_writer_close(struct bundle_writer *w, struct out *ret_trailer)
{
    struct bundle_trailer trailer = {.version = FORMAT_VERSION, .id = w->id, .part = w->part, .notices = w->notices, .items = w->items};
    enum err err = chunk_write(w, BUNDLE_MORE);

    hash_end(&w->hash, &trailer.hash);
    bundle_trailer_encode(&trailer, ret_trailer);
    assert(!ret_trailer->is_full);
    return err;
}

enum err bundle_writer_trailer(struct bundle_writer *w, struct span body, const struct signature *signature)
{
    enum err err = signed_write(w, BUNDLE_TRAILER, body, signature);

    return err == ERR_OK ? chunk_write(w, BUNDLE_LAST) : err;
}

uint64_t bundle_writer_bytes(const struct bundle_writer *writer)
{
    bool is_open = writer->document.count > 0;

    return writer->bytes + (is_open ? CHUNK_COST_BYTES + writer->document.at + TRAILER_BYTES + CHUNK_COST_BYTES : 0);
}

uint64_t bundle_writer_cost(size_t n) { return n + ITEM_COST_BYTES + CHUNK_COST_BYTES; }

#include "proto/bundle.h"

#include <assert.h>

#include "proto/pack.h"

enum {
    HEAD_ITEMS = 7,
    RECEIVER_ITEMS = 3,
    ITEM_ITEMS = 2,
    SIGNED_ITEMS = 2,
    CONTENTS_ITEMS = 9,
    BASE_ITEMS = 3,
    TRAILER_ITEMS = 6,
    ARRAY_BYTES_MAX = 3,                  /* of at most BUNDLE_ITEMS_MAX items */
    ITEM_COST_BYTES = 1 + 1 + 5,          /* array, type, and the length of the body */
    SIGNED_BODY_BYTES_MAX = 65536,        /* what is signed at once */
    MAGIC_WORDS_BYTES = BUNDLE_MAGIC_BYTES - 2, /* without number and line's end */
};

static enum err bad_shape(const char **clause, const char *text) { return unpack_refuse(clause, text, ERR_MALFORMED); }

/* ---- the opening and the head ---- */

static void put_u32(uint8_t ret[4], uint32_t value)
{
    for (int i = 3; i >= 0; i--) {
        ret[i] = (uint8_t)value;
        value >>= 8;
    }
}

static uint32_t get_u32(const uint8_t p[4]) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void head_encode(const struct bundle_head *head, struct out *ret)
{
    pack_array(ret, HEAD_ITEMS);
    pack_uint(ret, head->version);
    pack_bin(ret, span_of(head->region.b, sizeof head->region.b));
    pack_bin(ret, span_of(head->id.b, sizeof head->id.b));
    pack_uint(ret, head->part);
    pack_uint(ret, head->parts);
    pack_bin(ret, span_of(head->ephemeral.b, sizeof head->ephemeral.b));
    pack_array(ret, head->receiver_count);
    for (uint32_t i = 0; i < head->receiver_count; i++) {
        pack_array(ret, RECEIVER_ITEMS);
        pack_bin(ret, span_of(head->receivers[i].node.b, sizeof head->receivers[i].node.b));
        pack_bin(ret, span_of(head->receivers[i].tag, sizeof head->receivers[i].tag));
        pack_bin(ret, span_of(head->receivers[i].wrap, sizeof head->receivers[i].wrap));
    }
}

enum err bundle_opening_encode(const struct bundle_head *head, struct out *ret)
{
    uint8_t length[4] = {0};
    size_t at = ret->at + BUNDLE_MAGIC_BYTES;

    assert(head->receiver_count >= 1 && head->receiver_count <= MEMBERS_MAX);
    out_bytes(ret, BUNDLE_MAGIC, BUNDLE_MAGIC_BYTES);
    out_bytes(ret, length, sizeof length);
    head_encode(head, ret);
    if (ret->is_full) {
        return ERR_OVERSIZE;
    }
    assert(ret->at - at - sizeof length <= BUNDLE_HEAD_BYTES_MAX);
    put_u32(ret->p + at, (uint32_t)(ret->at - at - sizeof length));
    return ERR_OK;
}

static bool is_number(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.n > 0 && text.p[0] != '0';
}

/* Magic of a newer release: the same words, another number, of which we see as many digits as there is room for. */
static bool is_newer(struct span bytes)
{
    const uint8_t *end = memchr(bytes.p, '\n', bytes.n);
    size_t n = end == NULL ? bytes.n : (size_t)(end - bytes.p);

    return n > MAGIC_WORDS_BYTES && is_number(span_of(bytes.p + MAGIC_WORDS_BYTES, n - MAGIC_WORDS_BYTES));
}

enum err bundle_opening_decode(struct span bytes, uint32_t *ret_head_bytes, const char **clause)
{
    size_t shown = bytes.n < MAGIC_WORDS_BYTES ? bytes.n : MAGIC_WORDS_BYTES;

    if (memcmp(bytes.p, BUNDLE_MAGIC, shown) != 0) {
        return bad_shape(clause, "WIRE.md 8.1: the first line is not that of a bundle");
    }
    if (bytes.n < BUNDLE_OPENING_BYTES) {
        return unpack_refuse(clause, "WIRE.md 8.1: it ends within the first line or the length of the head", ERR_TRUNCATED);
    }
    if (memcmp(bytes.p, BUNDLE_MAGIC, BUNDLE_MAGIC_BYTES) != 0) {
        return is_newer(bytes) ? unpack_refuse(clause, "WIRE.md 8.1: a bundle of a newer release", ERR_VERSION)
                               : bad_shape(clause, "WIRE.md 8.1: the first line is not that of a bundle");
    }
    *ret_head_bytes = get_u32(bytes.p + BUNDLE_MAGIC_BYTES);
    if (*ret_head_bytes == 0) {
        return unpack_refuse(clause, "WIRE.md 8.1: no head", ERR_TRUNCATED);
    }
    if (*ret_head_bytes > BUNDLE_HEAD_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 8.1: a head longer than 81920 bytes", ERR_OVERSIZE);
    }
    return ERR_OK;
}

static bool are_parts_good(uint32_t part, uint32_t parts) { return part >= 1 && parts <= BUNDLE_PARTS_MAX && part <= parts; }

static void receiver_decode(struct cursor *receivers, struct bundle_receiver *ret)
{
    struct cursor c = cursor_array(receivers, RECEIVER_ITEMS, RECEIVER_ITEMS);

    cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
    cursor_bin_into(&c, ret->tag, sizeof ret->tag);
    cursor_bin_into(&c, ret->wrap, sizeof ret->wrap);
    cursor_close(receivers, &c);
}

enum err bundle_head_decode(struct unpack *unpack, struct span bytes, struct bundle_receiver *receivers, struct bundle_head *ret, const char **clause)
{
    struct cursor c, list;
    enum err err = unpack_begin(unpack, bytes, clause);

    if (err == ERR_OK) {
        err = unpack_versioned(unpack, HEAD_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(&c, ret->id.b, sizeof ret->id.b);
    ret->part = (uint32_t)cursor_uint(&c, BUNDLE_PARTS_MAX);
    ret->parts = (uint32_t)cursor_uint(&c, BUNDLE_PARTS_MAX);
    cursor_bin_into(&c, ret->ephemeral.b, sizeof ret->ephemeral.b);
    list = cursor_array(&c, 0, UINT32_MAX);
    if (!c.is_bad && list.left > MEMBERS_MAX) {
        return unpack_refuse(clause, "WIRE.md 8.2: more than 1000 receivers", ERR_LIMIT);
    }
    ret->receiver_count = list.left;
    ret->receivers = receivers;
    for (uint32_t i = 0; i < ret->receiver_count && !list.is_bad; i++) {
        receiver_decode(&list, &receivers[i]);
        if (!list.is_bad && i > 0 && memcmp(receivers[i - 1].node.b, receivers[i].node.b, sizeof receivers[i].node.b) >= 0) {
            return unpack_refuse(clause, "WIRE.md 8.2: receivers that do not rise by node", ERR_NONCANONICAL);
        }
    }
    cursor_close(&c, &list);
    if (cursor_end(&c) != ERR_OK || !are_parts_good(ret->part, ret->parts) || ret->receiver_count == 0) {
        return bad_shape(clause, "WIRE.md 8.2: a field of the head has the wrong type, length or range");
    }
    return ERR_OK;
}

/* ---- chunks ---- */

void bundle_chunk_opening(enum bundle_mark mark, uint32_t sealed_bytes, uint8_t ret[BUNDLE_CHUNK_OPENING_BYTES])
{
    ret[0] = (uint8_t)mark;
    put_u32(ret + 1, sealed_bytes);
}

enum err bundle_chunk_opening_decode(const uint8_t bytes[BUNDLE_CHUNK_OPENING_BYTES], enum bundle_mark *ret_mark, uint32_t *ret_sealed_bytes,
                                     const char **clause)
{
    uint32_t n = get_u32(bytes + 1);

    if (bytes[0] != BUNDLE_MORE && bytes[0] != BUNDLE_LAST) {
        return bad_shape(clause, "WIRE.md 8.3: a chunk begins with neither of the two marks");
    }
    if (n > BUNDLE_CHUNK_SEALED_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 8.3: a chunk longer than 131112 bytes", ERR_OVERSIZE);
    }
    if (n <= BUNDLE_CHUNK_COST_BYTES) {
        return unpack_refuse(clause, "WIRE.md 8.3: a chunk without content", ERR_TRUNCATED);
    }
    *ret_mark = (enum bundle_mark)bytes[0];
    *ret_sealed_bytes = n;
    return ERR_OK;
}

void bundle_associated(const struct hash *opening, uint64_t number, enum bundle_mark mark, uint8_t ret[BUNDLE_ASSOCIATED_BYTES])
{
    memcpy(ret, opening->b, sizeof opening->b);
    put_u32(ret + 32, (uint32_t)(number >> 32));
    put_u32(ret + 36, (uint32_t)number);
    ret[40] = (uint8_t)mark;
}

/* ---- documents ---- */

void bundle_document_init(struct bundle_document *document, uint8_t memory[BUNDLE_DOCUMENT_BYTES_MAX])
{
    *document = (struct bundle_document){.memory = memory, .at = ARRAY_BYTES_MAX};
}

bool bundle_document_has_room(const struct bundle_document *document, size_t n)
{
    return document->count < BUNDLE_ITEMS_MAX && n <= BUNDLE_DOCUMENT_BYTES_MAX - ITEM_COST_BYTES &&
           document->at <= BUNDLE_DOCUMENT_BYTES_MAX - ITEM_COST_BYTES - n;
}

void bundle_document_add(struct bundle_document *document, enum bundle_item_type type, struct span body)
{
    struct out out = out_into(document->memory + document->at, BUNDLE_DOCUMENT_BYTES_MAX - document->at);

    assert(bundle_document_has_room(document, body.n));
    pack_array(&out, ITEM_ITEMS);
    pack_uint(&out, (uint64_t)type);
    pack_bin(&out, body);
    assert(!out.is_full);
    document->at += out.at;
    document->count++;
}

struct span bundle_document_end(struct bundle_document *document)
{
    uint8_t mem[ARRAY_BYTES_MAX];
    struct out array = out_into(mem, sizeof mem);

    assert(document->count > 0);
    pack_array(&array, document->count);
    assert(!array.is_full);
    memcpy(document->memory + ARRAY_BYTES_MAX - array.at, mem, array.at);
    return span_of(document->memory + ARRAY_BYTES_MAX - array.at, document->at - (ARRAY_BYTES_MAX - array.at));
}

enum err bundle_document_decode(struct unpack *unpack, struct span bytes, struct bundle_item *ret, uint32_t *ret_count, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > BUNDLE_DOCUMENT_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 8.4: a document longer than 131072 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, UINT32_MAX);
    if (!c.is_bad && c.left > BUNDLE_ITEMS_MAX) {
        return unpack_refuse(clause, "WIRE.md 8.4: more than 4096 items", ERR_LIMIT);
    }
    *ret_count = c.left;
    for (uint32_t i = 0; i < *ret_count && !c.is_bad; i++) {
        struct cursor item = cursor_array(&c, ITEM_ITEMS, ITEM_ITEMS);
        uint64_t type = cursor_uint(&item, BUNDLE_TRAILER);

        item.is_bad = item.is_bad || type == 0;
        ret[i].type = (enum bundle_item_type)type;
        ret[i].body = cursor_bin(&item, 1, BUNDLE_DOCUMENT_BYTES_MAX);
        cursor_close(&c, &item);
    }
    return cursor_end(&c) == ERR_OK && *ret_count > 0 ? ERR_OK : bad_shape(clause, "WIRE.md 8.4: not an array of items");
}

/* ---- what the writer signs ---- */

void bundle_signed_encode(struct span body, const struct signature *signature, struct out *ret)
{
    pack_array(ret, SIGNED_ITEMS);
    pack_bin(ret, body);
    pack_bin(ret, span_of(signature->b, sizeof signature->b));
}

enum err bundle_signed_decode(struct unpack *unpack, struct span bytes, struct span *ret_body, struct signature *ret, const char **clause)
{
    enum err err = unpack_begin(unpack, bytes, clause);
    struct cursor c;

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, SIGNED_ITEMS);
    *ret_body = cursor_bin(&c, 1, SIGNED_BODY_BYTES_MAX);
    cursor_bin_into(&c, ret->b, sizeof ret->b);
    return cursor_end(&c) == ERR_OK ? ERR_OK : bad_shape(clause, "WIRE.md 8.5: not signed bytes and their signature");
}

void bundle_contents_encode(const struct bundle_contents *contents, struct out *ret)
{
    assert(contents->receiver_count <= MEMBERS_MAX && contents->base_count <= MEMBERS_MAX);
    pack_array(ret, CONTENTS_ITEMS);
    pack_uint(ret, contents->version);
    pack_bin(ret, span_of(contents->region.b, sizeof contents->region.b));
    pack_bin(ret, span_of(contents->id.b, sizeof contents->id.b));
    pack_uint(ret, contents->part);
    pack_uint(ret, contents->parts);
    pack_bin(ret, span_of(contents->writer.b, sizeof contents->writer.b));
    pack_uint(ret, contents->created.ms);
    pack_array(ret, contents->receiver_count);
    for (uint32_t i = 0; i < contents->receiver_count; i++) {
        pack_bin(ret, span_of(contents->receivers[i].b, sizeof contents->receivers[i].b));
    }
    pack_array(ret, contents->base_count);
    for (uint32_t i = 0; i < contents->base_count; i++) {
        pack_array(ret, BASE_ITEMS);
        pack_bin(ret, span_of(contents->bases[i].node.b, sizeof contents->bases[i].node.b));
        pack_uint(ret, contents->bases[i].counter);
        pack_bin(ret, span_of(contents->bases[i].hash, sizeof contents->bases[i].hash));
    }
}

/* Receivers and bases; false when they do not rise. */
static bool lists_decode(struct cursor *c, struct bundle_contents *ret)
{
    struct cursor list = cursor_array(c, 0, MEMBERS_MAX);
    bool is_rising = true;

    ret->receiver_count = list.left;
    for (uint32_t i = 0; i < ret->receiver_count && !list.is_bad; i++) {
        cursor_bin_into(&list, ret->receivers[i].b, sizeof ret->receivers[i].b);
        is_rising = is_rising && (i == 0 || memcmp(ret->receivers[i - 1].b, ret->receivers[i].b, sizeof ret->receivers[i].b) < 0);
    }
    cursor_close(c, &list);
    list = cursor_array(c, 0, MEMBERS_MAX);
    ret->base_count = list.left;
    for (uint32_t i = 0; i < ret->base_count && !list.is_bad; i++) {
        struct cursor base = cursor_array(&list, BASE_ITEMS, BASE_ITEMS);

        cursor_bin_into(&base, ret->bases[i].node.b, sizeof ret->bases[i].node.b);
        ret->bases[i].counter = cursor_uint(&base, UINT64_MAX);
        cursor_bin_into(&base, ret->bases[i].hash, sizeof ret->bases[i].hash);
        cursor_close(&list, &base);
        is_rising = is_rising && (i == 0 || memcmp(ret->bases[i - 1].node.b, ret->bases[i].node.b, sizeof ret->bases[i].node.b) < 0);
    }
    cursor_close(c, &list);
    return is_rising;
}

enum err bundle_contents_decode(struct unpack *unpack, struct span bytes, struct node_id *receivers, struct bundle_base *bases,
                                struct bundle_contents *ret, const char **clause)
{
    enum err err = unpack_begin(unpack, bytes, clause);
    struct cursor c;
    bool is_rising;

    if (err == ERR_OK) {
        err = unpack_versioned(unpack, CONTENTS_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(&c, ret->id.b, sizeof ret->id.b);
    ret->part = (uint32_t)cursor_uint(&c, BUNDLE_PARTS_MAX);
    ret->parts = (uint32_t)cursor_uint(&c, BUNDLE_PARTS_MAX);
    cursor_bin_into(&c, ret->writer.b, sizeof ret->writer.b);
    ret->created.ms = cursor_uint(&c, NUMBER_MAX);
    ret->receivers = receivers;
    ret->bases = bases;
    is_rising = lists_decode(&c, ret);
    if (cursor_end(&c) != ERR_OK || !are_parts_good(ret->part, ret->parts)) {
        return bad_shape(clause, "WIRE.md 8.5: a field of the contents has the wrong type, length or range");
    }
    return is_rising ? ERR_OK : unpack_refuse(clause, "WIRE.md 8.5: nodes that do not rise", ERR_NONCANONICAL);
}

void bundle_trailer_encode(const struct bundle_trailer *trailer, struct out *ret)
{
    pack_array(ret, TRAILER_ITEMS);
    pack_uint(ret, trailer->version);
    pack_bin(ret, span_of(trailer->id.b, sizeof trailer->id.b));
    pack_uint(ret, trailer->part);
    pack_uint(ret, trailer->notices);
    pack_uint(ret, trailer->items);
    pack_bin(ret, span_of(trailer->hash.b, sizeof trailer->hash.b));
}

enum err bundle_trailer_decode(struct unpack *unpack, struct span bytes, struct bundle_trailer *ret, const char **clause)
{
    enum err err = unpack_begin(unpack, bytes, clause);
    struct cursor c;

    if (err == ERR_OK) {
        err = unpack_versioned(unpack, TRAILER_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->id.b, sizeof ret->id.b);
    ret->part = (uint32_t)cursor_uint(&c, BUNDLE_PARTS_MAX);
    ret->notices = cursor_uint(&c, NUMBER_MAX);
    ret->items = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->hash.b, sizeof ret->hash.b);
    return cursor_end(&c) == ERR_OK ? ERR_OK : bad_shape(clause, "WIRE.md 8.6: a field of the trailer has the wrong type, length or range");
}

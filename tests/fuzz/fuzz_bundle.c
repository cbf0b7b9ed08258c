/* A bundle: its openings and documents by themselves; and whole files, sealed here around documents of the fuzzer's, through the reader. The first byte chooses. */
#include "crypto/wrap.h"
#include "node/bundle_reader.h"
#include "tests/fuzz/fuzz.h"

enum { MODES = 8, FILE_BYTES_MAX = 1 << 20 };

static struct unpack *unpack;
static uint8_t again[BUNDLE_DOCUMENT_BYTES_MAX + BUNDLE_HEAD_BYTES_MAX];
static struct bundle_receiver receivers[MEMBERS_MAX];
static struct node_id nodes[MEMBERS_MAX];
static struct bundle_base bases[MEMBERS_MAX];
static struct bundle_item items[BUNDLE_ITEMS_MAX];

static enum err head_again(struct span input, struct out *out, const char **clause)
{
    struct bundle_head head;
    enum err err = bundle_head_decode(unpack, input, receivers, &head, clause);

    if (err == ERR_OK) {
        must(bundle_opening_encode(&head, out) == ERR_OK);
        memmove(out->p, out->p + BUNDLE_OPENING_BYTES, out->at - BUNDLE_OPENING_BYTES);
        out->at -= BUNDLE_OPENING_BYTES;
    }
    return err;
}

static enum err document_again(struct span input, struct out *out, const char **clause)
{
    static uint8_t memory[BUNDLE_DOCUMENT_BYTES_MAX];
    struct bundle_document document;
    uint32_t count = 0;
    enum err err = bundle_document_decode(unpack, input, items, &count, clause);

    bundle_document_init(&document, memory);
    for (uint32_t i = 0; err == ERR_OK && i < count; i++) {
        if (!bundle_document_has_room(&document, items[i].body.n)) {
            out_span(out, input); /* longer than a writer fills it */
            return err;
        }
        bundle_document_add(&document, items[i].type, items[i].body);
    }
    if (err == ERR_OK) {
        out_span(out, bundle_document_end(&document));
    }
    return err;
}

static enum err signed_again(struct span input, struct out *out, const char **clause)
{
    struct span body;
    struct signature signature;
    enum err err = bundle_signed_decode(unpack, input, &body, &signature, clause);

    if (err == ERR_OK) {
        bundle_signed_encode(body, &signature, out);
    }
    return err;
}

static enum err contents_again(struct span input, struct out *out, const char **clause)
{
    struct bundle_contents contents;
    enum err err = bundle_contents_decode(unpack, input, nodes, bases, &contents, clause);

    if (err == ERR_OK) {
        bundle_contents_encode(&contents, out);
    }
    return err;
}

static enum err trailer_again(struct span input, struct out *out, const char **clause)
{
    struct bundle_trailer trailer;
    enum err err = bundle_trailer_decode(unpack, input, &trailer, clause);

    if (err == ERR_OK) {
        bundle_trailer_encode(&trailer, out);
    }
    return err;
}

static void opening(struct span input)
{
    const char *clause = NULL;
    uint32_t n = 0;
    enum err err = bundle_opening_decode(input, &n, &clause);

    if (err != ERR_OK) {
        must_refuse_well(err, clause);
    } else {
        must(n >= 1 && n <= BUNDLE_HEAD_BYTES_MAX);
    }
}

static void chunk(struct span input)
{
    const char *clause = NULL;
    uint8_t bytes[BUNDLE_CHUNK_OPENING_BYTES] = {0}, written[BUNDLE_CHUNK_OPENING_BYTES];
    enum bundle_mark mark;
    uint32_t n = 0;
    enum err err;

    if (input.n > 0) {
        memcpy(bytes, input.p, input.n < sizeof bytes ? input.n : sizeof bytes);
    }
    err = bundle_chunk_opening_decode(bytes, &mark, &n, &clause);
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return;
    }
    must(n > BUNDLE_CHUNK_COST_BYTES && n <= BUNDLE_CHUNK_SEALED_BYTES_MAX);
    bundle_chunk_opening(mark, n, written);
    must(memcmp(bytes, written, sizeof bytes) == 0);
}

/* ---- a whole file ---- */

struct sealing {
    uint8_t *file;
    size_t n;
    struct secret *key;
    struct hash opening;
    uint64_t number;
};

static void seal(struct sealing *s, enum bundle_mark mark, struct span document)
{
    uint8_t associated[BUNDLE_ASSOCIATED_BYTES];
    uint8_t *at = s->file + s->n, *nonce = at + BUNDLE_CHUNK_OPENING_BYTES;
    size_t sealed = AEAD_NONCE_BYTES + document.n + AEAD_TAG_BYTES;

    if (document.n == 0 || document.n > BUNDLE_DOCUMENT_BYTES_MAX || s->n + BUNDLE_CHUNK_OPENING_BYTES + sealed > FILE_BYTES_MAX) {
        return;
    }
    bundle_chunk_opening(mark, (uint32_t)sealed, at);
    memset(nonce, 0, AEAD_NONCE_BYTES); /* the same input gives the same file */
    nonce[0] = (uint8_t)s->number;
    bundle_associated(&s->opening, s->number++, mark, associated);
    aead_seal((struct sealing_key){s->key, 0}, nonce, span_of(associated, sizeof associated), document, nonce + AEAD_NONCE_BYTES);
    s->n += BUNDLE_CHUNK_OPENING_BYTES + sealed;
}

/* A document: mark, length (2 bytes), bytes. */
static void documents_seal(struct sealing *s, struct span input)
{
    while (input.n >= 3) {
        size_t n = (size_t)input.p[1] << 8 | input.p[2], have = input.n - 3 < n ? input.n - 3 : n;

        seal(s, (input.p[0] & 1) != 0 ? BUNDLE_LAST : BUNDLE_MORE, span_of(input.p + 3, have));
        input = span_of(input.p + 3 + have, input.n - 3 - have);
    }
}

static void read_file(const struct sealing *s, size_t step)
{
    struct bundle_reader *reader = NULL;
    const char *clause = NULL;
    enum err err = bundle_reader_new(&reader);

    must(err == ERR_OK);
    for (size_t at = 0; err == ERR_OK && at < s->n;) {
        size_t n = s->n - at < step ? s->n - at : step, used = 0;
        enum bundle_event event;

        err = bundle_reader_feed(reader, span_of(s->file + at, n), &used, &event, &clause);
        at += used;
        if (err == ERR_OK && event == BUNDLE_HAS_HEAD) {
            struct secret *key = secret_new(SEALING_KEY_BYTES);

            must(key != NULL);
            bundle_reader_unlock(reader, key); /* zeros, as it was sealed */
        }
    }
    if (err == ERR_OK) {
        err = bundle_reader_end(reader, &clause);
    }
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
    } else {
        must(bundle_reader_contents(reader) != NULL && bundle_reader_trailer(reader) != NULL);
    }
    bundle_reader_destroy(&reader);
}

static void file(struct span input)
{
    static uint8_t memory[FILE_BYTES_MAX];
    struct bundle_head head = {.version = 1, .part = 1, .parts = 1, .receiver_count = 1, .receivers = receivers};
    struct out out = out_into(memory, sizeof memory);
    struct sealing s = {.file = memory, .key = secret_new(SEALING_KEY_BYTES)};

    must(s.key != NULL);
    memset(&receivers[0], 0, sizeof receivers[0]);
    must(bundle_opening_encode(&head, &out) == ERR_OK);
    s.n = out.at;
    hash_of(HASH_BUNDLE, out_written(&out), &s.opening);
    documents_seal(&s, input);
    read_file(&s, 4093);
    secret_destroy(&s.key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static enum err (*const codecs[])(struct span, struct out *, const char **) = {head_again, document_again, signed_again, contents_again, trailer_again};
    struct out out = out_into(again, sizeof again);
    const char *clause = NULL;
    struct span input = span_of(data + 1, size - 1);
    enum err err;

    if (size == 0) {
        return 0;
    }
    if (unpack == NULL) {
        must(crypto_start() == ERR_OK);
        unpack = unpack_new();
    }
    must(unpack != NULL);
    switch (data[0] % MODES) {
    case 5:
        opening(input);
        return 0;
    case 6:
        chunk(input);
        return 0;
    case 7:
        file(input);
        return 0;
    default:
        break;
    }
    err = codecs[data[0] % MODES](input, &out, &clause);
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
    } else {
        must_equal(&out, input);
    }
    return 0;
}

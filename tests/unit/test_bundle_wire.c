/* WIRE.md 8, byte by byte: the documents of a bundle in their one encoding, and a whole file that every release must open. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "crypto/sign.h"
#include "node/bundle_reader.h"
#include "node/bundle_writer.h"
#include "proto/pack.h"
#include "tests/lib/hostile.h"

enum { SECRET_BYTE = 0x42 };

static struct unpack *unpack;
static uint8_t bytes[BUNDLE_DOCUMENT_BYTES_MAX];
static struct bundle_receiver receivers[MEMBERS_MAX];
static struct node_id nodes[MEMBERS_MAX];
static struct bundle_base bases[MEMBERS_MAX];

static int set_up(void **state)
{
    (void)state;
    unpack = unpack_new();
    return unpack == NULL || crypto_start() != ERR_OK ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    unpack_destroy(&unpack);
    return 0;
}

static void fill(void *p, size_t n, unsigned byte) { memset(p, (int)byte, n); }

/* ---- the head ---- */

/* As it stands behind the opening. */
static enum err head_again(struct span head, struct out *again, const char **clause)
{
    static uint8_t whole[BUNDLE_OPENING_BYTES + BUNDLE_HEAD_BYTES_MAX];
    struct bundle_head decoded;
    struct out out = out_into(whole, sizeof whole);
    enum err err = bundle_head_decode(unpack, head, receivers, &decoded, clause);

    if (err == ERR_OK) {
        assert_int_equal(bundle_opening_encode(&decoded, &out), ERR_OK);
        out_bytes(again, whole + BUNDLE_OPENING_BYTES, out.at - BUNDLE_OPENING_BYTES);
    }
    return err;
}

static struct bundle_head some_head(void)
{
    struct bundle_head head = {.version = 1, .part = 2, .parts = 3, .receiver_count = 2, .receivers = receivers};

    fill(&head.region, sizeof head.region, 0xa1);
    fill(&head.id, sizeof head.id, 0xb2);
    fill(&head.ephemeral, sizeof head.ephemeral, 0xc3);
    for (unsigned i = 0; i < 2; i++) {
        fill(&receivers[i].node, sizeof receivers[i].node, 0xd0 + i);
        fill(receivers[i].tag, sizeof receivers[i].tag, 0xe0 + i);
        fill(receivers[i].wrap, sizeof receivers[i].wrap, 0xf0 + i);
    }
    return head;
}

static void a_head_is_the_golden_one(void **state)
{
    struct bundle_head head = some_head();
    struct out out = out_into(bytes, sizeof bytes);
    uint32_t head_bytes = 0;

    (void)state;
    assert_int_equal(bundle_opening_encode(&head, &out), ERR_OK);
    assert_int_equal(bundle_opening_decode(span_of(bytes, BUNDLE_OPENING_BYTES), &head_bytes, NULL), ERR_OK);
    assert_int_equal(head_bytes, out.at - BUNDLE_OPENING_BYTES);
    assert_memory_equal(bytes, "griot bundle 1\n", 15);
    golden_check("wire_bundle_head", span_of(bytes + BUNDLE_OPENING_BYTES, head_bytes), head_again);
}

static void a_head_for_as_many_as_a_region_has_fits_its_limit(void **state)
{
    struct bundle_head head = some_head(), decoded;
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    head.receiver_count = MEMBERS_MAX;
    head.part = head.parts = BUNDLE_PARTS_MAX;
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        fill(&receivers[i], sizeof receivers[i], 0xd0);
        receivers[i].node.b[0] = (uint8_t)(i >> 8);
        receivers[i].node.b[1] = (uint8_t)i;
    }
    assert_int_equal(bundle_opening_encode(&head, &out), ERR_OK);
    assert_true(out.at - BUNDLE_OPENING_BYTES <= BUNDLE_HEAD_BYTES_MAX);
    assert_int_equal(bundle_head_decode(unpack, span_of(bytes + BUNDLE_OPENING_BYTES, out.at - BUNDLE_OPENING_BYTES), receivers, &decoded, NULL), ERR_OK);
    assert_int_equal(decoded.receiver_count, MEMBERS_MAX);
}

/* ---- documents ---- */

static enum err document_again(struct span document, struct out *again, const char **clause)
{
    static struct bundle_item items[BUNDLE_ITEMS_MAX];
    static uint8_t memory[BUNDLE_DOCUMENT_BYTES_MAX];
    struct bundle_document filled;
    uint32_t count = 0;
    enum err err = bundle_document_decode(unpack, document, items, &count, clause);

    bundle_document_init(&filled, memory);
    for (uint32_t i = 0; err == ERR_OK && i < count; i++) {
        assert_true(bundle_document_has_room(&filled, items[i].body.n));
        bundle_document_add(&filled, items[i].type, items[i].body);
    }
    if (err == ERR_OK) {
        out_span(again, bundle_document_end(&filled));
    }
    return err;
}

static void a_document_is_the_golden_one(void **state)
{
    static uint8_t memory[BUNDLE_DOCUMENT_BYTES_MAX];
    struct bundle_document document;

    (void)state;
    bundle_document_init(&document, memory);
    bundle_document_add(&document, BUNDLE_CONTENTS, span_text("contents"));
    bundle_document_add(&document, BUNDLE_NOTICE, span_text("a notice"));
    bundle_document_add(&document, BUNDLE_SEG, span_text("a segment, a little longer than the others are"));
    golden_check("wire_bundle_document", bundle_document_end(&document), document_again);
}

static void a_document_is_filled_to_its_limit_and_not_beyond(void **state)
{
    static uint8_t memory[BUNDLE_DOCUMENT_BYTES_MAX];
    static struct bundle_item items[BUNDLE_ITEMS_MAX];
    struct bundle_document document;
    uint32_t count = 0;
    size_t largest = 0;

    (void)state;
    bundle_document_init(&document, memory);
    while (bundle_document_has_room(&document, largest)) {
        largest++;
    }
    assert_in_range(largest, 2 * NOTICE_BYTES_MAX + 16, BUNDLE_DOCUMENT_BYTES_MAX); /* any notice with its heads */
    bundle_document_add(&document, BUNDLE_NOTICE, span_of(bytes, largest - 1));
    assert_false(bundle_document_has_room(&document, 1));
    assert_int_equal(bundle_document_decode(unpack, bundle_document_end(&document), items, &count, NULL), ERR_OK);
    assert_int_equal(items[0].body.n, largest - 1);
    bundle_document_init(&document, memory);
    for (; bundle_document_has_room(&document, 1); count++) {
        bundle_document_add(&document, BUNDLE_NOTICE, span_text("x"));
    }
    assert_int_equal(document.count, BUNDLE_ITEMS_MAX);
    assert_int_equal(bundle_document_decode(unpack, bundle_document_end(&document), items, &count, NULL), ERR_OK);
    assert_int_equal(count, BUNDLE_ITEMS_MAX);
}

/* ---- contents, trailer ---- */

static enum err contents_again(struct span body, struct out *again, const char **clause)
{
    struct bundle_contents contents;
    enum err err = bundle_contents_decode(unpack, body, nodes, bases, &contents, clause);

    if (err == ERR_OK) {
        bundle_contents_encode(&contents, again);
    }
    return err;
}

static struct bundle_contents some_contents(void)
{
    struct bundle_contents contents = {
        .version = 1, .part = 2, .parts = 3, .created = {1795000000000}, .receiver_count = 1, .receivers = nodes, .base_count = 2, .bases = bases};

    fill(&contents.region, sizeof contents.region, 0xa1);
    fill(&contents.id, sizeof contents.id, 0xb2);
    fill(&contents.writer, sizeof contents.writer, 0xc4);
    fill(&nodes[0], sizeof nodes[0], 0xd0);
    for (unsigned i = 0; i < 2; i++) {
        fill(&bases[i].node, sizeof bases[i].node, 0xd0 + i);
        bases[i].counter = i == 0 ? 1794999999 : 0;
        fill(bases[i].hash, sizeof bases[i].hash, i == 0 ? 0x77 : 0);
    }
    return contents;
}

static void contents_are_the_golden_ones(void **state)
{
    struct bundle_contents contents = some_contents();
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    bundle_contents_encode(&contents, &out);
    golden_check("wire_bundle_contents", out_written(&out), contents_again);
}

static enum err trailer_again(struct span body, struct out *again, const char **clause)
{
    struct bundle_trailer trailer;
    enum err err = bundle_trailer_decode(unpack, body, &trailer, clause);

    if (err == ERR_OK) {
        bundle_trailer_encode(&trailer, again);
    }
    return err;
}

static void a_trailer_is_the_golden_one(void **state)
{
    struct bundle_trailer trailer = {.version = 1, .part = 2, .notices = 57, .items = 100000};
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    fill(&trailer.id, sizeof trailer.id, 0xb2);
    fill(&trailer.hash, sizeof trailer.hash, 0x99);
    bundle_trailer_encode(&trailer, &out);
    golden_check("wire_bundle_trailer", out_written(&out), trailer_again);
}

static enum err signed_again(struct span item, struct out *again, const char **clause)
{
    struct span body;
    struct signature signature;
    enum err err = bundle_signed_decode(unpack, item, &body, &signature, clause);

    if (err == ERR_OK) {
        bundle_signed_encode(body, &signature, again);
    }
    return err;
}

static void what_is_signed_is_carried_in_one_form(void **state)
{
    struct signature signature;
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    fill(&signature, sizeof signature, 0x5a);
    bundle_signed_encode(span_text("what the writer says"), &signature, &out);
    hostile_check(signed_again, out_written(&out));
}

/* ---- a whole file ---- */

struct file {
    uint8_t p[8192];
    size_t n;
};

static enum err keep(void *arg, struct span more)
{
    struct file *file = arg;

    assert_true(more.n <= sizeof file->p - file->n);
    memcpy(file->p + file->n, more.p, more.n);
    file->n += more.n;
    return ERR_OK;
}

/* The signing key of the seed 00 01 .. 1f (tests/golden/crypto_sign.hex). */
static struct secret *signing_key(struct sign_public *ret)
{
    static const char public[] = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
    struct secret *secret = secret_new(64);

    assert_non_null(secret);
    assert_true(hex_decode(public, ret->b, sizeof ret->b));
    for (size_t i = 0; i < 32; i++) {
        secret_write(secret)[i] = (uint8_t)i;
        secret_write(secret)[32 + i] = ret->b[i];
    }
    return secret;
}

static struct secret *receiving_key(struct box_public *ret)
{
    struct secret *secret = secret_new(32);

    assert_non_null(secret);
    memset(secret_write(secret), SECRET_BYTE, 32);
    box_public_of(secret, ret);
    return secret;
}

static void write_file(struct file *ret)
{
    struct bundle_contents contents = some_contents();
    struct sign_public identity;
    struct secret *key = signing_key(&identity), *encryption;
    struct bundle_card card;
    struct bundle_writer *writer = NULL;
    struct signature signature;
    struct out out = out_into(bytes, sizeof bytes);
    struct seg seg = {.first = 4, .count = 2, .items = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"two", 3}}};

    ret->n = 0;
    card.node = nodes[0];
    encryption = receiving_key(&card.encryption);
    assert_int_equal(bundle_writer_new(&contents.region, &contents.id, contents.part, contents.parts, &card, 1, false, keep, ret, &writer), ERR_OK);
    bundle_contents_encode(&contents, &out);
    sign_make(SIGN_BUNDLE, &contents.region, out_written(&out), key, &signature);
    assert_int_equal(bundle_writer_contents(writer, out_written(&out), &signature), ERR_OK);
    out = out_into(bytes, sizeof bytes);
    notice_message_encode(span_text("a notice"), 0, span_of(NULL, 0), &out);
    assert_int_equal(bundle_writer_notice(writer, out_written(&out)), ERR_OK);
    out = out_into(bytes, sizeof bytes);
    fill(&seg.log, sizeof seg.log, 0x31);
    seg_encode(&seg, &out);
    assert_int_equal(bundle_writer_segment(writer, out_written(&out), seg.count), ERR_OK);
    out = out_into(bytes, sizeof bytes);
    assert_int_equal(bundle_writer_close(writer, &out), ERR_OK);
    sign_make(SIGN_BUNDLE, &contents.region, out_written(&out), key, &signature);
    assert_int_equal(bundle_writer_trailer(writer, out_written(&out), &signature), ERR_OK);
    assert_int_equal(bundle_writer_bytes(writer), ret->n);
    bundle_writer_destroy(&writer);
    secret_destroy(&key);
    secret_destroy(&encryption);
}

static void a_file_of_this_format_opens_for_ever(void **state)
{
    static struct file file;
    struct sign_public identity;
    struct secret *signer = signing_key(&identity), *key = NULL, *encryption;
    struct box_public public;
    struct bundle_reader *reader = NULL;
    struct span golden;
    uint32_t documents = 0, notices = 0, segments = 0;

    (void)state;
    write_file(&file);
    golden = golden_bytes("wire_bundle", span_of(file.p, file.n));
    assert_int_equal(golden.n, file.n); /* what is written now is as long */
    assert_int_equal(bundle_reader_new(&reader), ERR_OK);
    encryption = receiving_key(&public);
    for (size_t at = 0; at < golden.n;) {
        enum bundle_event event;
        size_t used = 0;

        assert_int_equal(bundle_reader_feed(reader, span_of(golden.p + at, golden.n - at), &used, &event, NULL), ERR_OK);
        at += used;
        if (event == BUNDLE_HAS_HEAD) {
            const struct bundle_head *head = bundle_reader_head(reader);

            assert_int_equal(head->part, 2);
            assert_int_equal(head->parts, 3);
            assert_int_equal(bundle_reader_unwrap(reader, &head->receivers[0].node, encryption, &key), ERR_OK);
            bundle_reader_unlock(reader, key);
        } else if (event == BUNDLE_HAS_DOCUMENT) {
            uint32_t count;
            const struct bundle_item *items = bundle_reader_items(reader, &count);

            documents++;
            for (uint32_t i = 0; i < count; i++) {
                notices += items[i].type == BUNDLE_NOTICE;
                segments += items[i].type == BUNDLE_SEG;
            }
        }
    }
    assert_int_equal(bundle_reader_end(reader, NULL), ERR_OK);
    assert_int_equal(documents, 2);
    assert_int_equal(notices, 1);
    assert_int_equal(segments, 1);
    assert_int_equal(bundle_reader_contents(reader)->created.ms, 1795000000000);
    assert_int_equal(bundle_reader_contents(reader)->writer.b[0], 0xc4);
    assert_int_equal(bundle_reader_trailer(reader)->notices, 1);
    assert_int_equal(bundle_reader_trailer(reader)->items, 2);
    assert_int_equal(bundle_reader_check(reader, &identity, NULL), ERR_OK);
    identity.b[3] ^= 1;
    assert_int_equal(bundle_reader_check(reader, &identity, NULL), ERR_BADSIG);
    bundle_reader_destroy(&reader);
    secret_destroy(&signer);
    secret_destroy(&encryption);
}

static void no_two_files_are_sealed_alike(void **state)
{
    static struct file a, b;

    (void)state;
    write_file(&a);
    write_file(&b);
    assert_int_equal(a.n, b.n);
    assert_memory_not_equal(a.p, b.p, a.n);
    /* Of the outside only version, region, id, part and receivers are the same. */
    size_t same = 0;
    for (size_t i = 0; i < a.n; i++) {
        same += a.p[i] == b.p[i];
    }
    assert_true(same < 160 + a.n / 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_the_golden_one),
        cmocka_unit_test(a_head_for_as_many_as_a_region_has_fits_its_limit),
        cmocka_unit_test(a_document_is_the_golden_one),
        cmocka_unit_test(a_document_is_filled_to_its_limit_and_not_beyond),
        cmocka_unit_test(contents_are_the_golden_ones),
        cmocka_unit_test(a_trailer_is_the_golden_one),
        cmocka_unit_test(what_is_signed_is_carried_in_one_form),
        cmocka_unit_test(a_file_of_this_format_opens_for_ever),
        cmocka_unit_test(no_two_files_are_sealed_alike),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

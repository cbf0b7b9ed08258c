/* The file that carries commits by hand, as bytes: whatever is cut off, flipped, moved, doubled or made up is refused by name, and the store stays as it was. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "proto/pack.h"
#include "tests/lib/desk.h"

enum { HUB_A, HUB_B, EDGE, OTHER, DESKS };

static struct region region, elsewhere;
static struct desk desks[DESKS];
static struct parcel small, large; /* of HUB_A for EDGE: one chunk and the trailer; several chunks */
static struct hash before;         /* of EDGE's store */

static int setup(void **state)
{
    struct region_roster spec = {.number = 1, .members = 1 << HUB_A | 1 << HUB_B | 1 << EDGE | 1 << OTHER};
    struct span notices[2 + DESKS];

    (void)state;
    region_init(&region, 2);
    region_init(&elsewhere, 1);
    for (size_t i = 0; i < DESKS; i++) {
        desk_open(&desks[i], &region, i);
    }
    notices[0] = region.charter;
    notices[1] = region_roster(&region, &spec, NULL);
    for (size_t i = 0; i < DESKS; i++) {
        notices[2 + i] = desk_card(&desks[i]);
    }
    for (size_t i = 0; i < DESKS; i++) {
        desk_notices(&desks[i], notices, 2 + DESKS);
    }
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 2);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &small);
    desk_record(&desks[HUB_A], CHANNEL_BULK, 900);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &large);
    before = desk_digest(&desks[EDGE]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    parcel_free(&small);
    parcel_free(&large);
    for (size_t i = 0; i < DESKS; i++) {
        desk_close(&desks[i]);
    }
    region_fini(&elsewhere);
    region_fini(&region);
    return 0;
}

/* EDGE refuses it by this name, citing a clause that begins so, and is as before. */
static void refuses(const char *what, struct span file, enum err wanted, const char *clause_wanted)
{
    const char *clause = NULL;
    enum err err = desk_in_pieces(&desks[EDGE], file, 0, NULL, &clause);
    struct hash after;

    if (err != wanted || (clause_wanted != NULL && (clause == NULL || strncmp(clause, clause_wanted, strlen(clause_wanted)) != 0))) {
        fail_msg("%s: %s (%s), not %s (%s)", what, err_name(err), clause == NULL ? "" : clause, err_name(wanted), clause_wanted == NULL ? "" : clause_wanted);
    }
    after = desk_digest(&desks[EDGE]);
    if (!hash_equal(&before, &after)) {
        fail_msg("%s: the store has changed", what);
    }
}

/* ---- the places in a file ---- */

struct chunk_at {
    size_t at, n; /* with its opening */
};
static struct chunk_at chunks[64];
static size_t chunk_count, head_end;

static uint32_t u32_at(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void find_chunks(struct span file)
{
    head_end = BUNDLE_OPENING_BYTES + u32_at(file.p + BUNDLE_MAGIC_BYTES);
    chunk_count = 0;
    for (size_t at = head_end; at < file.n; at += chunks[chunk_count++].n) {
        assert_true(chunk_count < 64);
        chunks[chunk_count] = (struct chunk_at){at, BUNDLE_CHUNK_OPENING_BYTES + u32_at(file.p + at + 1)};
    }
}

static struct span file_of(const struct parcel *parcel) { return span_of(parcel->files[0].p, parcel->files[0].n); }

/* A copy that a test may spoil. */
static struct bytes copy_of(struct span file)
{
    struct bytes copy = {0};

    assert_int_equal(bytes_add(&copy, file), ERR_OK);
    return copy;
}

static struct span whole(const struct bytes *bytes) { return span_of(bytes->p, bytes->n); }

static struct span piece(struct span file, size_t index) { return span_of(file.p + chunks[index].at, chunks[index].n); }

/* ---- good ---- */

static void a_good_bundle_is_taken_in_however_its_bytes_come(void **state)
{
    static const size_t pieces[] = {1, 2, 7, 4096, 100000, 0};
    struct bundle_tally tally;
    const char *clause = NULL;

    (void)state;
    find_chunks(file_of(&large));
    assert_in_range(chunk_count, 4, 60);
    assert_int_equal(desk_in_pieces(&desks[EDGE], file_of(&small), 1, &tally, &clause), ERR_OK);
    assert_int_equal(tally.entries, 2);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        assert_int_equal(desk_in_pieces(&desks[EDGE], file_of(i < 3 ? &small : &large), pieces[i], &tally, &clause), ERR_OK);
        assert_int_equal(tally.refused + tally.waiting + tally.aside, 0);
    }
    assert_int_equal(desk_entries(&desks[EDGE]), 902);
    struct hash ours = desk_heads(&desks[EDGE]), theirs = desk_heads(&desks[HUB_A]);
    assert_true(hash_equal(&ours, &theirs));
}

/* ---- cut off ---- */

static void every_prefix_of_a_bundle_is_truncated_and_changes_nothing(void **state)
{
    struct span file = file_of(&small);

    (void)state;
    for (size_t n = 0; n < file.n; n++) {
        char what[64];

        (void)snprintf(what, sizeof what, "the first %zu of %zu bytes", n, file.n);
        refuses(what, span_of(file.p, n), ERR_TRUNCATED, "WIRE.md 8.");
    }
}

static void a_bundle_cut_off_at_each_place_says_where(void **state)
{
    struct span file = file_of(&large);

    (void)state;
    find_chunks(file);
    const struct {
        const char *what;
        size_t n;
        const char *clause;
    } rows[] = {
        {"nothing at all", 0, "WIRE.md 8.1: the file is empty"},
        {"within the first line", 7, "WIRE.md 8.1: it ends within the first line"},
        {"behind the first line", BUNDLE_MAGIC_BYTES, "WIRE.md 8.1: it ends within the first line"},
        {"within the length of the head", BUNDLE_MAGIC_BYTES + 2, "WIRE.md 8.1: it ends within the first line"},
        {"before the head", BUNDLE_OPENING_BYTES, "WIRE.md 8.2: it ends within the head"},
        {"within the head", head_end - 1, "WIRE.md 8.2: it ends within the head"},
        {"behind the head", head_end, "WIRE.md 8.3: it ends before the last chunk"},
        {"within the opening of a chunk", head_end + 3, "WIRE.md 8.3: it ends within a chunk"},
        {"behind the opening of a chunk", head_end + BUNDLE_CHUNK_OPENING_BYTES, "WIRE.md 8.3: it ends before the last chunk"},
        {"within the nonce", head_end + BUNDLE_CHUNK_OPENING_BYTES + 5, "WIRE.md 8.3: it ends within a chunk"},
        {"within a chunk", chunks[1].at + 1000, "WIRE.md 8.3: it ends within a chunk"},
        {"between two chunks", chunks[2].at, "WIRE.md 8.3: it ends before the last chunk"},
        {"before the last chunk", chunks[chunk_count - 1].at, "WIRE.md 8.3: it ends before the last chunk"},
        {"one byte before its end", file.n - 1, "WIRE.md 8.3: it ends within a chunk"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        refuses(rows[i].what, span_of(file.p, rows[i].n), ERR_TRUNCATED, rows[i].clause);
    }
}

/* ---- flipped ---- */

static void every_flipped_bit_is_refused_and_changes_nothing(void **state)
{
    struct bytes copy = copy_of(file_of(&small));

    (void)state;
    for (size_t i = 0; i < copy.n; i++) {
        const char *clause = NULL;
        unsigned bit = (unsigned)(i % 8); /* one of each byte */
        enum err err;

        copy.p[i] ^= (uint8_t)(1U << bit);
        err = desk_in_pieces(&desks[EDGE], whole(&copy), 0, NULL, &clause);
        if (err == ERR_OK || clause == NULL || strncmp(clause, "WIRE.md ", 8) != 0) {
            fail_msg("bit %u of byte %zu: %s (%s)", bit, i, err_name(err), clause == NULL ? "" : clause);
        }
        copy.p[i] ^= (uint8_t)(1U << bit);
    }
    struct hash after = desk_digest(&desks[EDGE]);
    assert_true(hash_equal(&before, &after));
    bytes_free(&copy);
}

/* ---- the opening ---- */

static void what_is_no_bundle_of_this_release_is_refused(void **state)
{
    static const struct {
        const char *what, *bytes;
        size_t n;
        enum err err;
        const char *clause;
    } rows[] = {
        {"a region file", "griot region 1\n\x91\xc4\x01\x00 and more of it", 30, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"a card", "griot card 1\n0011223344556677", 29, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"another kind of file", "PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"a short file of another kind", "PK\x03\x04", 4, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"a newer format", "griot bundle 2\n\0\0\0\x10" "abc", 22, ERR_VERSION, "WIRE.md 8.1: a bundle of a newer release"},
        {"a much newer format", "griot bundle 12\n\0\0\0\x10" "ab", 22, ERR_VERSION, "WIRE.md 8.1: a bundle of a newer release"},
        {"a format older than the first", "griot bundle 0\n\0\0\0\x10" "abc", 22, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"a number with a sign", "griot bundle -1\n\0\0\0\x10" "ab", 22, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"another end of line", "griot bundle 1\r\n\0\0\0\x10" "ab", 22, ERR_MALFORMED, "WIRE.md 8.1: the first line"},
        {"no head", "griot bundle 1\n\0\0\0\0" "abc", 22, ERR_TRUNCATED, "WIRE.md 8.1: no head"},
        {"a head one byte too long", "griot bundle 1\n\0\x01\x40\x01" "abc", 22, ERR_OVERSIZE, "WIRE.md 8.1: a head longer"},
        {"a head of four gigabytes", "griot bundle 1\n\xff\xff\xff\xff" "abc", 22, ERR_OVERSIZE, "WIRE.md 8.1: a head longer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        refuses(rows[i].what, span_of(rows[i].bytes, rows[i].n), rows[i].err, rows[i].clause);
    }
}

/* ---- made up: heads and documents that no writer makes ---- */

struct craft {
    struct bytes file;
    struct bundle_id id;
    struct secret *key;
    struct hash opening;
    struct hash_state hash;
    uint64_t number;
};

static void craft_fini(struct craft *craft)
{
    secret_destroy(&craft->key);
    bytes_free(&craft->file);
}

/* A head with this document, as it stands. */
static void craft_raw_head(struct craft *craft, struct span head)
{
    uint8_t length[4] = {(uint8_t)(head.n >> 24), (uint8_t)(head.n >> 16), (uint8_t)(head.n >> 8), (uint8_t)head.n};

    (void)!bytes_add(&craft->file, span_of(BUNDLE_MAGIC, BUNDLE_MAGIC_BYTES));
    (void)!bytes_add(&craft->file, span_of(length, sizeof length));
    (void)!bytes_add(&craft->file, head);
    hash_of(HASH_BUNDLE, whole(&craft->file), &craft->opening);
    hash_start(&craft->hash, HASH_BUNDLE);
    hash_add(&craft->hash, whole(&craft->file));
}

static struct box_public encryption_of(const struct desk *desk) { return desk->home.encryption_public; }

struct head_spec {
    const struct region_id *region;
    uint32_t version, part, parts, receivers; /* receivers: how many, EDGE the first of them */
    bool has_other_order, is_doubled, has_bad_tag, has_bad_wrap, is_for_other;
    size_t more; /* bytes behind it */
};

static void craft_head(struct craft *craft, const struct head_spec *spec)
{
    static uint8_t mem[BUNDLE_HEAD_BYTES_MAX + 32768];
    struct out out = out_into(mem, sizeof mem);
    struct box_public ephemeral_public, encryption = encryption_of(&desks[EDGE]);
    struct secret *ephemeral = NULL;
    uint8_t wrap[WRAP_BYTES];
    uint32_t version = spec->version;

    memset(craft, 0, sizeof *craft);
    random_fill(craft->id.b, sizeof craft->id.b);
    craft->key = secret_random(SEALING_KEY_BYTES);
    assert_int_equal(box_keypair(&ephemeral_public, &ephemeral), ERR_OK);
    assert_int_equal(wrap_make(ephemeral, &ephemeral_public, &encryption, (struct sealing_key){craft->key, 0}, wrap), ERR_OK);
    secret_destroy(&ephemeral);
    wrap[9] ^= spec->has_bad_wrap;
    pack_array(&out, 7);
    pack_uint(&out, version);
    pack_bin(&out, span_of(spec->region != NULL ? spec->region->b : region.id.b, 32));
    pack_bin(&out, span_of(craft->id.b, sizeof craft->id.b));
    pack_uint(&out, spec->part);
    pack_uint(&out, spec->parts);
    pack_bin(&out, span_of(ephemeral_public.b, sizeof ephemeral_public.b));
    pack_array(&out, spec->receivers);
    for (uint32_t i = 0; i < spec->receivers; i++) {
        struct node_id node = region.nodes[spec->is_for_other ? OTHER : EDGE].id;
        uint8_t tag[8];

        memcpy(tag, encryption.b, sizeof tag);
        tag[0] ^= spec->has_bad_tag;
        if (i > 0 && !spec->is_doubled) {
            memset(node.b, spec->has_other_order ? 0 : 0xff, sizeof node.b);
            node.b[14] = (uint8_t)(i >> 8);
            node.b[15] = (uint8_t)i;
        }
        pack_array(&out, 3);
        pack_bin(&out, span_of(node.b, sizeof node.b));
        pack_bin(&out, span_of(tag, sizeof tag));
        pack_bin(&out, span_of(wrap, sizeof wrap));
    }
    for (size_t i = 0; i < spec->more; i++) {
        pack_uint(&out, 0);
    }
    assert_false(out.is_full);
    craft_raw_head(craft, out_written(&out));
}

static void craft_chunk(struct craft *craft, enum bundle_mark mark, struct span document)
{
    uint8_t opening[BUNDLE_CHUNK_OPENING_BYTES], nonce[AEAD_NONCE_BYTES], associated[BUNDLE_ASSOCIATED_BYTES];
    uint8_t *sealed = malloc(document.n + AEAD_TAG_BYTES);

    assert_non_null(sealed);
    random_fill(nonce, sizeof nonce);
    bundle_chunk_opening(mark, (uint32_t)(document.n + AEAD_NONCE_BYTES + AEAD_TAG_BYTES), opening);
    bundle_associated(&craft->opening, craft->number++, mark, associated);
    aead_seal((struct sealing_key){craft->key, 0}, nonce, span_of(associated, sizeof associated), document, sealed);
    (void)!bytes_add(&craft->file, span_of(opening, sizeof opening));
    (void)!bytes_add(&craft->file, span_of(nonce, sizeof nonce));
    (void)!bytes_add(&craft->file, span_of(sealed, document.n + AEAD_TAG_BYTES));
    free(sealed);
    if (mark == BUNDLE_MORE) {
        hash_add(&craft->hash, document);
    }
}

static const struct head_spec good_head = {.version = 1, .part = 1, .parts = 1, .receivers = 1};

static void a_head_that_no_writer_makes_is_refused(void **state)
{
    const struct {
        const char *what;
        struct head_spec spec;
        enum err err;
        const char *clause;
    } rows[] = {
        {"a newer version", {.version = 2, .part = 1, .parts = 1, .receivers = 1}, ERR_VERSION, "WIRE.md 1.7"},
        {"no version", {.version = 0, .part = 1, .parts = 1, .receivers = 1}, ERR_MALFORMED, "WIRE.md 1.7"},
        {"part 0", {.version = 1, .part = 0, .parts = 1, .receivers = 1}, ERR_MALFORMED, "WIRE.md 8.2: a field"},
        {"part 3 of 2", {.version = 1, .part = 3, .parts = 2, .receivers = 1}, ERR_MALFORMED, "WIRE.md 8.2: a field"},
        {"10,000 parts", {.version = 1, .part = 1, .parts = 10000, .receivers = 1}, ERR_MALFORMED, "WIRE.md 8.2: a field"},
        {"no receiver", {.version = 1, .part = 1, .parts = 1, .receivers = 0}, ERR_MALFORMED, "WIRE.md 8.2: a field"},
        {"1,001 receivers", {.version = 1, .part = 1, .parts = 1, .receivers = 1001}, ERR_LIMIT, "WIRE.md 8.2: more than 1000"},
        {"receivers in another order", {.version = 1, .part = 1, .parts = 1, .receivers = 2, .has_other_order = true}, ERR_NONCANONICAL, "WIRE.md 8.2: receivers"},
        {"a receiver twice", {.version = 1, .part = 1, .parts = 1, .receivers = 2, .is_doubled = true}, ERR_NONCANONICAL, "WIRE.md 8.2: receivers"},
        {"something behind it", {.version = 1, .part = 1, .parts = 1, .receivers = 1, .more = 1}, ERR_NONCANONICAL, "WIRE.md 1"},
        {"another region", {.region = &elsewhere.id, .version = 1, .part = 1, .parts = 1, .receivers = 1}, ERR_REGION, "WIRE.md 8.2: a bundle of another region"},
        {"another office", {.version = 1, .part = 1, .parts = 1, .receivers = 1, .is_for_other = true}, ERR_PERMISSION, "WIRE.md 8.2: it is not sealed for this node"},
        {"a key that we never had", {.version = 1, .part = 1, .parts = 1, .receivers = 1, .has_bad_tag = true}, ERR_UNKNOWN_KEY, "WIRE.md 8.2: it is sealed for a key"},
        {"a wrap that does not open", {.version = 1, .part = 1, .parts = 1, .receivers = 1, .has_bad_wrap = true}, ERR_BADSIG, "WIRE.md 8.2: the key in it does not open"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct craft craft;

        craft_head(&craft, &rows[i].spec);
        refuses(rows[i].what, whole(&craft.file), rows[i].err, rows[i].clause);
        craft_fini(&craft);
    }
}

static void a_head_that_is_no_document_is_refused(void **state)
{
    static const struct {
        const char *what, *bytes;
        size_t n;
        enum err err;
    } rows[] = {
        {"a floating-point number", "\xcb\0\0\0\0\0\0\0\0", 9, ERR_MALFORMED},
        {"four billion items", "\xdd\xff\xff\xff\xff", 5, ERR_LIMIT},
        {"nested without end", "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91", 10, ERR_LIMIT},
        {"a map", "\x81\x01\x02", 3, ERR_MALFORMED},
        {"binary of ten gigabytes", "\x91\xc6\xff\xff\xff\xff", 6, ERR_TRUNCATED},
        {"a long form of a small number", "\x91\xcd\x00\x01", 4, ERR_NONCANONICAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct craft craft = {0};

        craft_raw_head(&craft, span_of(rows[i].bytes, rows[i].n));
        refuses(rows[i].what, whole(&craft.file), rows[i].err, "WIRE.md ");
        craft_fini(&craft);
    }
}

/* ---- chunks ---- */

static void chunks_that_lie_about_themselves_are_refused(void **state)
{
    static const struct {
        const char *what;
        uint8_t opening[BUNDLE_CHUNK_OPENING_BYTES];
        enum err err;
        const char *clause;
    } rows[] = {
        {"another mark", {2, 0, 0, 1, 0}, ERR_MALFORMED, "WIRE.md 8.3: a chunk begins with neither"},
        {"no length", {0, 0, 0, 0, 0}, ERR_TRUNCATED, "WIRE.md 8.3: a chunk without content"},
        {"only nonce and tag", {0, 0, 0, 0, 40}, ERR_TRUNCATED, "WIRE.md 8.3: a chunk without content"},
        {"one byte too long", {0, 0, 2, 0, 41}, ERR_OVERSIZE, "WIRE.md 8.3: a chunk longer"},
        {"four gigabytes", {0, 0xff, 0xff, 0xff, 0xff}, ERR_OVERSIZE, "WIRE.md 8.3: a chunk longer"},
        {"four gigabytes, the last", {1, 0xff, 0xff, 0xff, 0xff}, ERR_OVERSIZE, "WIRE.md 8.3: a chunk longer"},
        {"as long as may be, and not there", {0, 0, 2, 0, 40}, ERR_TRUNCATED, "WIRE.md 8.3: it ends within a chunk"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct craft craft;

        craft_head(&craft, &good_head);
        (void)!bytes_add(&craft.file, span_of(rows[i].opening, sizeof rows[i].opening));
        (void)!bytes_add(&craft.file, span_text("more"));
        refuses(rows[i].what, whole(&craft.file), rows[i].err, rows[i].clause);
        craft_fini(&craft);
    }
}

/* The parts of a file put together in another way. */
static struct bytes joined(struct span head, const struct span *parts, size_t count)
{
    struct bytes file = copy_of(head);

    for (size_t i = 0; i < count; i++) {
        (void)!bytes_add(&file, parts[i]);
    }
    return file;
}

static void chunks_out_of_their_place_are_refused(void **state)
{
    struct span file = file_of(&large), head;
    struct span parts[64], good[64];
    struct parcel again;
    struct bytes made;

    (void)state;
    desk_out_for(&desks[HUB_A], &desks[EDGE], &again); /* the same content under another key */
    find_chunks(file_of(&again));
    struct span stranger = piece(file_of(&again), 1);
    find_chunks(file);
    head = span_of(file.p, head_end);
    for (size_t i = 0; i < chunk_count; i++) {
        good[i] = piece(file, i);
    }
    static const char *const whats[] = {"two chunks swapped", "a chunk cut out", "the first cut out", "a chunk doubled", "a chunk of another file", "the trailer alone", "the trailer too early", "the head alone of another file"};
    for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++) {
        size_t n = chunk_count;
        struct span first = head;

        memcpy(parts, good, sizeof parts);
        switch (i) {
        case 0:
            parts[1] = good[2];
            parts[2] = good[1];
            break;
        case 1:
            memmove(parts + 1, good + 2, (n-- - 2) * sizeof *parts);
            break;
        case 2:
            memmove(parts, good + 1, n-- * sizeof *parts - sizeof *parts);
            break;
        case 3:
            memmove(parts + 2, good + 1, (n++ - 1) * sizeof *parts);
            break;
        case 4:
            parts[1] = stranger;
            break;
        case 5:
            parts[0] = good[n - 1];
            n = 1;
            break;
        case 6:
            parts[1] = good[n - 1];
            n = 2;
            break;
        default:
            first = span_of(again.files[0].p, head_end);
            break;
        }
        made = joined(first, parts, n);
        refuses(whats[i], whole(&made), ERR_BADSIG, "WIRE.md 8.3: a chunk is damaged, is not in its place");
        bytes_free(&made);
    }
    /* Marks are part of what is authenticated. */
    made = copy_of(file);
    made.p[chunks[0].at] = BUNDLE_LAST;
    refuses("a mark that says it is the last", whole(&made), ERR_BADSIG, "WIRE.md 8.3");
    made.p[chunks[0].at] = BUNDLE_MORE;
    made.p[chunks[chunk_count - 1].at] = BUNDLE_MORE;
    refuses("a mark that says there is more", whole(&made), ERR_BADSIG, "WIRE.md 8.3");
    made.p[chunks[chunk_count - 1].at] = BUNDLE_LAST;
    (void)!bytes_add(&made, span_of("\0", 1));
    refuses("a byte behind the end", whole(&made), ERR_MALFORMED, "WIRE.md 8.3: bytes behind the last chunk");
    made.n--;
    (void)!bytes_add(&made, file);
    refuses("a second bundle behind the end", whole(&made), ERR_MALFORMED, "WIRE.md 8.3: bytes behind the last chunk");
    bytes_free(&made);
    parcel_free(&again);
}

/* ---- documents ---- */

struct inside { /* what a crafted bundle says inside */
    struct region_id region;
    struct bundle_id id;
    uint32_t version, part, parts;
    struct node_id receiver;
    bool is_for_region, is_unordered;
    size_t signer;
};

static struct span signed_item(struct span body, size_t signer)
{
    static uint8_t mem[2048];
    struct out out = out_into(mem, sizeof mem);
    struct signature signature;

    sign_make(SIGN_BUNDLE, &region.id, body, region.nodes[signer].secret, &signature);
    bundle_signed_encode(body, &signature, &out);
    return region_keep(&region, out_written(&out));
}

static struct span contents_of(const struct inside *inside)
{
    uint8_t mem[1024];
    struct out out = out_into(mem, sizeof mem);
    struct node_id receivers[2] = {inside->receiver, {{0}}};
    struct bundle_contents contents = {.version = inside->version,
                                       .region = inside->region,
                                       .id = inside->id,
                                       .part = inside->part,
                                       .parts = inside->parts,
                                       .writer = region.nodes[HUB_A].id,
                                       .created = {1700000000000},
                                       .receiver_count = inside->is_for_region ? 0 : inside->is_unordered ? 2 : 1,
                                       .receivers = receivers};

    bundle_contents_encode(&contents, &out);
    return signed_item(out_written(&out), inside->signer);
}

static struct inside inside_of(const struct craft *craft)
{
    return (struct inside){.region = region.id, .id = craft->id, .version = 1, .part = 1, .parts = 1, .receiver = region.nodes[EDGE].id, .signer = HUB_A};
}

static struct span trailer_of(struct craft *craft, const struct bundle_trailer *told, size_t signer)
{
    uint8_t mem[512];
    struct out out = out_into(mem, sizeof mem);
    struct bundle_trailer trailer = *told;
    struct hash_state state = craft->hash;
    struct hash hash;

    hash_end(&state, &hash);
    for (size_t i = 0; i < sizeof hash.b; i++) {
        trailer.hash.b[i] ^= hash.b[i]; /* what is told is what is wrong with it */
    }
    bundle_trailer_encode(&trailer, &out);
    return signed_item(out_written(&out), signer);
}

/* A document of these items, their types as given. */
static struct span document_of(const struct bundle_item *items, uint32_t count)
{
    static uint8_t mem[BUNDLE_DOCUMENT_BYTES_MAX + 65536];
    struct out out = out_into(mem, sizeof mem);

    pack_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_array(&out, 2);
        pack_uint(&out, (uint64_t)items[i].type);
        pack_bin(&out, items[i].body);
    }
    assert_false(out.is_full);
    return out_written(&out);
}

static struct span notice_item(void)
{
    static uint8_t mem[NOTICE_BYTES_MAX + 64];
    struct out out = out_into(mem, sizeof mem);

    notice_message_encode(region.charter, 0, span_of(NULL, 0), &out);
    return out_written(&out);
}

static struct span seg_item(void)
{
    static uint8_t mem[4096];
    struct out out = out_into(mem, sizeof mem);
    struct region_log log;
    struct seg seg;

    region_log_init(&log, &region, OTHER, CHANNEL_ALERT);
    seg = region_seg(&log.chain.log, 0, &log.birth, 1);
    seg_encode(&seg, &out);
    region_log_fini(&log);
    return out_written(&out);
}

static void craft_end(struct craft *craft, const struct bundle_trailer *told, size_t signer)
{
    struct bundle_item item = {BUNDLE_TRAILER, trailer_of(craft, told, signer)};

    craft_chunk(craft, BUNDLE_LAST, document_of(&item, 1));
}

static void contents_that_are_not_those_of_the_head_are_refused(void **state)
{
    static const char *const whats[] = {"good",     "another region", "another bundle",   "another part", "more parts",        "a newer version",
                                        "no version", "signed by another", "for another office", "for the region",  "receivers in another order"};
    static const enum err errs[] = {ERR_OK,        ERR_MALFORMED, ERR_MALFORMED,  ERR_MALFORMED, ERR_MALFORMED,   ERR_VERSION,
                                    ERR_MALFORMED, ERR_BADSIG,    ERR_PERMISSION, ERR_OK,        ERR_NONCANONICAL};
    static const char *const clauses[] = {NULL,          "WIRE.md 8.5: the contents are not those", "WIRE.md 8.5: the contents are not those", "WIRE.md 8.5: the contents are not those",
                                          "WIRE.md 8.5: the contents are not those", "WIRE.md 1.7",   "WIRE.md 1.7", "WIRE.md 8.5: the contents are not signed", "WIRE.md 8.5: its writer made it for another",
                                          NULL,          "WIRE.md 8.5: nodes that do not rise"};

    (void)state;
    for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++) {
        struct craft craft;
        struct inside inside;
        struct bundle_item item = {BUNDLE_CONTENTS, {NULL, 0}};

        craft_head(&craft, &(struct head_spec){.version = 1, .part = 1, .parts = 2, .receivers = 1});
        inside = inside_of(&craft);
        inside.parts = i == 4 ? 3 : 2;
        inside.part = i == 3 ? 2 : 1;
        inside.region = i == 1 ? elsewhere.id : inside.region;
        inside.id.b[3] ^= i == 2;
        inside.version = i == 5 ? 2 : i == 6 ? 0 : 1;
        inside.signer = i == 7 ? HUB_B : HUB_A;
        inside.receiver = region.nodes[i == 8 ? OTHER : EDGE].id;
        inside.is_for_region = i == 9;
        inside.is_unordered = i == 10;
        item.body = contents_of(&inside);
        craft_chunk(&craft, BUNDLE_MORE, document_of(&item, 1));
        craft_end(&craft, &(struct bundle_trailer){.version = 1, .id = craft.id, .part = 1}, inside.signer);
        refuses(whats[i], whole(&craft.file), errs[i], clauses[i]);
        craft_fini(&craft);
    }
}

static void documents_in_another_order_than_written_are_refused(void **state)
{
    enum { C = BUNDLE_CONTENTS, N = BUNDLE_NOTICE, S = BUNDLE_SEG, T = BUNDLE_TRAILER };
    static const struct {
        const char *what;
        uint8_t items[6]; /* of the first chunk, 0 ends it */
        enum err err;
        const char *clause;
    } rows[] = {
        {"good", {C, N, S}, ERR_OK, NULL},
        {"no contents", {N, S}, ERR_MALFORMED, "WIRE.md 8.4: the contents do not stand first"},
        {"contents behind a notice", {N, C}, ERR_MALFORMED, "WIRE.md 8.4: the contents do not stand first"},
        {"contents twice", {C, C}, ERR_MALFORMED, "WIRE.md 8.4: the contents do not stand first"},
        {"a notice behind a segment", {C, S, N}, ERR_MALFORMED, "WIRE.md 8.4: a notice stands behind"},
        {"a trailer that is not the last", {C, T}, ERR_MALFORMED, "WIRE.md 8.4: the trailer does not stand alone"},
        {"an unknown kind of item", {C, 5}, ERR_MALFORMED, "WIRE.md 8.4: not an array of items"},
        {"nothing", {0}, ERR_MALFORMED, "WIRE.md 8.4: not an array of items"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct craft craft;
        struct inside inside;
        struct bundle_item items[6];
        struct bundle_trailer trailer = {.version = 1};
        uint32_t n = 0;

        craft_head(&craft, &good_head);
        inside = inside_of(&craft);
        trailer.id = craft.id;
        trailer.part = 1;
        for (; rows[i].items[n] != 0; n++) {
            uint8_t type = rows[i].items[n];

            items[n].type = (enum bundle_item_type)type;
            items[n].body = type == C ? contents_of(&inside) : type == N ? notice_item() : type == S ? seg_item() : type == T ? trailer_of(&craft, &trailer, HUB_A) : span_text("x");
            trailer.notices += type == N;
            trailer.items += type == S;
        }
        craft_chunk(&craft, BUNDLE_MORE, document_of(items, n));
        craft_end(&craft, &trailer, HUB_A);
        if (rows[i].err == ERR_OK) {
            struct bundle_tally tally;

            assert_int_equal(desk_in(&desks[OTHER], span_of(NULL, 0), NULL), ERR_TRUNCATED);
            assert_int_equal(desk_in(&desks[EDGE], whole(&craft.file), &tally), ERR_OK);
            assert_int_equal(tally.notices_held, 1);
            before = desk_digest(&desks[EDGE]);
        } else {
            refuses(rows[i].what, whole(&craft.file), rows[i].err, rows[i].clause);
        }
        craft_fini(&craft);
    }
}

static void a_trailer_that_does_not_agree_is_refused(void **state)
{
    static const struct {
        const char *what;
        struct bundle_trailer told; /* what is added to the right one */
        size_t signer;
        enum err err;
        const char *clause;
    } rows[] = {
        {"a notice too many", {.version = 1, .part = 1, .notices = 2}, HUB_A, ERR_BADHASH, "WIRE.md 8.6: counts or hash"},
        {"a notice too few", {.version = 1, .part = 1, .notices = 0}, HUB_A, ERR_BADHASH, "WIRE.md 8.6: counts or hash"},
        {"a commit too many", {.version = 1, .part = 1, .notices = 1, .items = 1}, HUB_A, ERR_BADHASH, "WIRE.md 8.6: counts or hash"},
        {"another hash", {.version = 1, .part = 1, .notices = 1, .hash = {{1}}}, HUB_A, ERR_BADHASH, "WIRE.md 8.6: counts or hash"},
        {"another part", {.version = 1, .part = 2, .notices = 1}, HUB_A, ERR_MALFORMED, "WIRE.md 8.6: the trailer is not that"},
        {"a newer version", {.version = 2, .part = 1, .notices = 1}, HUB_A, ERR_VERSION, "WIRE.md 1.7"},
        {"signed by another", {.version = 1, .part = 1, .notices = 1}, HUB_B, ERR_BADSIG, "WIRE.md 8.6: the trailer is not signed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct craft craft;
        struct inside inside;
        struct bundle_item items[2] = {{BUNDLE_CONTENTS, {NULL, 0}}, {BUNDLE_NOTICE, {NULL, 0}}};
        struct bundle_trailer told = rows[i].told;

        craft_head(&craft, &good_head);
        inside = inside_of(&craft);
        items[0].body = contents_of(&inside);
        items[1].body = notice_item();
        craft_chunk(&craft, BUNDLE_MORE, document_of(items, 2));
        told.id = craft.id;
        craft_end(&craft, &told, rows[i].signer);
        refuses(rows[i].what, whole(&craft.file), rows[i].err, rows[i].clause);
        craft_fini(&craft);
    }
}

static void limits_of_a_document_are_kept(void **state)
{
    static struct bundle_item items[BUNDLE_ITEMS_MAX + 1];
    static uint8_t big[NOTICE_BYTES_MAX];

    (void)state;
    for (uint32_t count = BUNDLE_ITEMS_MAX - 1; count <= BUNDLE_ITEMS_MAX + 1; count++) {
        struct craft craft;
        struct inside inside;
        struct bundle_trailer told = {.version = 1, .part = 1};

        craft_head(&craft, &good_head);
        inside = inside_of(&craft);
        items[0] = (struct bundle_item){BUNDLE_CONTENTS, contents_of(&inside)};
        for (uint32_t i = 1; i < count; i++) {
            items[i] = (struct bundle_item){BUNDLE_NOTICE, span_text("\xc0")}; /* nonsense, which the gate refuses one by one */
        }
        craft_chunk(&craft, BUNDLE_MORE, document_of(items, count));
        told.id = craft.id;
        told.notices = count - 1;
        craft_end(&craft, &told, HUB_A);
        if (count <= BUNDLE_ITEMS_MAX) {
            struct bundle_tally tally;

            assert_int_equal(desk_in(&desks[EDGE], whole(&craft.file), &tally), ERR_OK);
            assert_int_equal(tally.refused, count - 1);
            assert_int_equal(tally.notices + tally.commits, 0);
            struct hash after = desk_digest(&desks[EDGE]);
            assert_true(hash_equal(&before, &after));
        } else {
            refuses("one item too many", whole(&craft.file), ERR_LIMIT, "WIRE.md 8.4: more than 4096 items");
        }
        craft_fini(&craft);
    }
    for (int more = 0; more < 2; more++) { /* a document of exactly as many bytes as may be, and one more: larger than any chunk */
        struct craft craft;
        struct bundle_item item = {BUNDLE_NOTICE, {big, sizeof big}};
        struct span document;

        craft_head(&craft, &good_head);
        document = document_of(&item, 1);
        craft_chunk(&craft, BUNDLE_MORE, span_of(document.p, more == 0 ? document.n : BUNDLE_DOCUMENT_BYTES_MAX + 1));
        refuses("no contents, or too long", whole(&craft.file), more == 0 ? ERR_MALFORMED : ERR_OVERSIZE, more == 0 ? "WIRE.md 8.4" : "WIRE.md 8.3: a chunk longer");
        craft_fini(&craft);
    }
}

#define WITH_REGION(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REGION(a_good_bundle_is_taken_in_however_its_bytes_come),
        WITH_REGION(every_prefix_of_a_bundle_is_truncated_and_changes_nothing),
        WITH_REGION(a_bundle_cut_off_at_each_place_says_where),
        WITH_REGION(every_flipped_bit_is_refused_and_changes_nothing),
        WITH_REGION(what_is_no_bundle_of_this_release_is_refused),
        WITH_REGION(a_head_that_no_writer_makes_is_refused),
        WITH_REGION(a_head_that_is_no_document_is_refused),
        WITH_REGION(chunks_that_lie_about_themselves_are_refused),
        WITH_REGION(chunks_out_of_their_place_are_refused),
        WITH_REGION(contents_that_are_not_those_of_the_head_are_refused),
        WITH_REGION(documents_in_another_order_than_written_are_refused),
        WITH_REGION(a_trailer_that_does_not_agree_is_refused),
        WITH_REGION(limits_of_a_document_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

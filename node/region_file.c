#include "node/region_file.h"

#include <stdlib.h>

#include "crypto/sign.h"
#include "node/file.h"
#include "node/text_file.h"
#include "proto/pack.h"

static const char region_magic[] = "griot region 1\n";
static const char card_magic[] = "griot card 1\n";

/* ---- region file ---- */

static enum err charter_read(struct span notice, struct region_file *ret, const char **clause)
{
    struct unpack *unpack = unpack_new();
    struct notice charter;
    struct hash hash;
    enum err err;

    if (unpack == NULL) {
        return ERR_MEMORY;
    }
    err = notice_decode(unpack, notice, &charter, clause);
    if (err == ERR_OK && charter.kind != NOTICE_CHARTER) {
        err = unpack_refuse(clause, "region_file.h: the first notice is not the charter", ERR_MALFORMED);
    }
    if (err == ERR_OK) {
        err = charter_decode(unpack, charter.body, &ret->charter, clause);
    }
    if (err == ERR_OK) {
        hash_of(HASH_CHARTER, charter.body, &hash);
        memcpy(ret->id.b, hash.b, sizeof ret->id.b);
    }
    unpack_destroy(&unpack);
    return err;
}

static enum err notices_alloc(struct region_file *region, size_t count)
{
    region->notices = calloc(count + 1, sizeof *region->notices);
    region->is_own = calloc(count + 1, sizeof *region->is_own);
    return region->notices != NULL && region->is_own != NULL ? ERR_OK : ERR_MEMORY;
}

static enum err notices_read(struct span packed, struct region_file *ret, const char **clause)
{
    struct unpack *unpack = unpack_new();
    struct cursor c;
    enum err err;

    if (unpack == NULL) {
        return ERR_MEMORY;
    }
    err = unpack_begin(unpack, packed, clause);
    if (err == ERR_OK) {
        c = unpack_array(unpack, UINT32_MAX);
        if (c.left > REGION_FILE_NOTICES_MAX) {
            err = unpack_refuse(clause, "region_file.h: more than 8192 notices", ERR_LIMIT);
        } else {
            err = notices_alloc(ret, c.left);
        }
    }
    if (err == ERR_OK) {
        while (c.left > 0 && !c.is_bad) {
            ret->notices[ret->count++] = cursor_bin(&c, 1, NOTICE_BYTES_MAX);
        }
        err = cursor_end(&c);
        if (err != ERR_OK || ret->count == 0) {
            err = unpack_refuse(clause, "region_file.h: not an array of notices", ERR_MALFORMED);
        }
    }
    unpack_destroy(&unpack);
    return err;
}

enum err region_file_read(const char *path, struct region_file *ret, const char **clause)
{
    size_t magic = sizeof region_magic - 1;
    size_t n = 0;
    enum err err;

    *ret = (struct region_file){0};
    err = file_read(path, REGION_FILE_BYTES_MAX, &ret->bytes, &n);
    if (err != ERR_OK) {
        return err;
    }
    err = text_file_check(span_of(ret->bytes, n), region_magic, clause);
    if (err == ERR_OK) {
        err = notices_read(span_of(ret->bytes + magic, n - magic), ret, clause);
    }
    if (err == ERR_OK) {
        err = charter_read(ret->notices[0], ret, clause);
    }
    if (err != ERR_OK) {
        region_file_fini(ret);
    }
    return err;
}

void region_file_fini(struct region_file *region)
{
    for (size_t i = 0; i < region->count && region->is_own != NULL; i++) {
        if (region->is_own[i]) {
            free((void *)(uintptr_t)region->notices[i].p);
        }
    }
    free(region->notices);
    free(region->is_own);
    free(region->bytes);
    *region = (struct region_file){0};
}

/* Put a copy of `notice` at `at`, in the place of what is there. */
static enum err notice_set(struct region_file *region, size_t at, struct span notice)
{
    uint8_t *copy = malloc(notice.n);

    if (copy == NULL) {
        return ERR_MEMORY;
    }
    memcpy(copy, notice.p, notice.n);
    if (region->is_own[at]) {
        free((void *)(uintptr_t)region->notices[at].p);
    }
    region->notices[at] = span_of(copy, notice.n);
    region->is_own[at] = true;
    return ERR_OK;
}

enum err region_file_new(struct span charter, struct region_file *ret, const char **clause)
{
    enum err err;

    *ret = (struct region_file){0};
    err = notices_alloc(ret, 0);
    if (err == ERR_OK) {
        err = charter_read(charter, ret, clause);
    }
    if (err == ERR_OK) {
        err = notice_set(ret, 0, charter);
    }
    if (err == ERR_OK) {
        ret->count = 1;
    } else {
        region_file_fini(ret);
    }
    return err;
}

/* Where a notice belongs: its own place, that of an older card of its node, or the end. `*ret_is_needed` false when the place is taken by as good a one. */
static enum err place_find(const struct region_file *region, struct unpack *unpack, struct span notice, size_t *ret, bool *ret_is_needed, const char **clause)
{
    struct notice decoded;
    struct card card, other;
    enum err err = notice_decode(unpack, notice, &decoded, clause);
    bool is_card = err == ERR_OK && decoded.kind == NOTICE_CARD;

    if (is_card) {
        err = card_decode(unpack, decoded.body, &card, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    *ret_is_needed = true;
    for (*ret = 0; *ret < region->count; (*ret)++) {
        if (span_equal(region->notices[*ret], notice)) {
            *ret_is_needed = false;
            return ERR_OK;
        }
        if (is_card && notice_decode(unpack, region->notices[*ret], &decoded, NULL) == ERR_OK && decoded.kind == NOTICE_CARD &&
            card_decode(unpack, decoded.body, &other, NULL) == ERR_OK && node_id_equal(&card.node, &other.node)) {
            *ret_is_needed = card.counter > other.counter;
            return ERR_OK;
        }
    }
    return ERR_OK;
}

enum err region_file_put(struct region_file *region, struct span notice, const char **clause)
{
    struct unpack *unpack = unpack_new();
    bool is_needed = false;
    size_t at = 0;
    enum err err;

    if (unpack == NULL) {
        return ERR_MEMORY;
    }
    err = place_find(region, unpack, notice, &at, &is_needed, clause);
    unpack_destroy(&unpack);
    if (err != ERR_OK || !is_needed) {
        return err;
    }
    if (at == region->count) {
        struct span *notices;
        bool *is_own;

        if (region->count == REGION_FILE_NOTICES_MAX) {
            return unpack_refuse(clause, "region_file.h: more than 8192 notices", ERR_LIMIT);
        }
        notices = realloc(region->notices, (region->count + 1) * sizeof *notices);
        if (notices == NULL) {
            return ERR_MEMORY;
        }
        region->notices = notices;
        is_own = realloc(region->is_own, (region->count + 1) * sizeof *is_own);
        if (is_own == NULL) {
            return ERR_MEMORY;
        }
        region->is_own = is_own;
        region->is_own[at] = false;
    }
    err = notice_set(region, at, notice);
    if (err == ERR_OK && at == region->count) {
        region->count++;
    }
    return err;
}

void region_file_drop_card(struct region_file *region, const struct node_id *node, const struct sign_public *keep)
{
    struct unpack *unpack = unpack_new();
    struct notice notice;
    struct card card;
    size_t kept = 0;

    for (size_t i = 0; unpack != NULL && i < region->count; i++) {
        if (notice_decode(unpack, region->notices[i], &notice, NULL) == ERR_OK && notice.kind == NOTICE_CARD &&
            card_decode(unpack, notice.body, &card, NULL) == ERR_OK && node_id_equal(&card.node, node) &&
            memcmp(card.identity.b, keep->b, sizeof keep->b) != 0) {
            if (region->is_own[i]) {
                free((void *)(uintptr_t)region->notices[i].p);
            }
            continue;
        }
        region->notices[kept] = region->notices[i];
        region->is_own[kept++] = region->is_own[i];
    }
    region->count = unpack == NULL ? region->count : kept;
    unpack_destroy(&unpack);
}

/* Each notice after those by which it is checked, so that a file may be taken in piece by piece. */
static enum err notices_write(const struct region_file *region, struct unpack *unpack, struct out *ret)
{
    static const enum notice_kind order[] = {NOTICE_CHARTER, NOTICE_ROSTER, NOTICE_ACT, NOTICE_CARD, NOTICE_FRONTIER, NOTICE_FORK_PROOF};
    size_t written = 0;

    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        for (size_t i = 0; i < region->count; i++) {
            struct notice notice;

            if (notice_decode(unpack, region->notices[i], &notice, NULL) == ERR_OK && notice.kind == order[k]) {
                pack_bin(ret, region->notices[i]);
                written++;
            }
        }
    }
    return written == region->count ? ERR_OK : ERR_MALFORMED;
}

enum err region_file_write(const struct region_file *region, const char *path)
{
    struct unpack *unpack;
    size_t cap = sizeof region_magic + 16;
    struct out out;
    uint8_t *bytes;
    enum err err;

    for (size_t i = 0; i < region->count; i++) {
        cap += region->notices[i].n + 8;
    }
    if (cap > REGION_FILE_BYTES_MAX) {
        return ERR_OVERSIZE;
    }
    bytes = malloc(cap);
    unpack = unpack_new();
    if (bytes == NULL || unpack == NULL) {
        free(bytes);
        unpack_destroy(&unpack);
        return ERR_MEMORY;
    }
    out = out_into(bytes, cap);
    out_bytes(&out, region_magic, sizeof region_magic - 1);
    pack_array(&out, (uint32_t)region->count);
    err = notices_write(region, unpack, &out);
    unpack_destroy(&unpack);
    if (err == ERR_OK) {
        err = out.is_full ? ERR_OVERSIZE : file_write(path, out_written(&out), 0644, true);
    }
    free(bytes);
    return err;
}

/* ---- card file ---- */

size_t card_text_encode(struct span notice, char ret[CARD_TEXT_BYTES_MAX]) { return text_file_encode(card_magic, notice, ret, CARD_TEXT_BYTES_MAX); }

enum err card_open(struct span bytes, struct card *ret, char ret_fingerprint[FINGERPRINT_CHARS], const char **clause)
{
    struct unpack *unpack = unpack_new();
    struct notice notice;
    enum err err;

    if (unpack == NULL) {
        return ERR_MEMORY;
    }
    err = notice_decode(unpack, bytes, &notice, clause);
    if (err == ERR_OK && notice.kind != NOTICE_CARD) {
        err = unpack_refuse(clause, "region_file.h: a notice that is not a card", ERR_MALFORMED);
    }
    if (err == ERR_OK) {
        err = card_decode(unpack, notice.body, ret, clause);
    }
    if (err == ERR_OK) {
        err = sign_check(SIGN_CARD, &ret->region, notice.body, &ret->identity, &notice.signatures[0].signature);
        if (err != ERR_OK) {
            err = unpack_refuse(clause, "WIRE.md 4.4: the card is not signed by the identity key that it names", err);
        }
    }
    if (err == ERR_OK) {
        fingerprint(notice.body, ret_fingerprint);
    }
    unpack_destroy(&unpack);
    return err;
}

enum err card_file_read(const char *path, struct out *ret, struct card *ret_card, char ret_fingerprint[FINGERPRINT_CHARS], const char **clause)
{
    uint8_t notice[CARD_NOTICE_BYTES_MAX];
    char *text = NULL;
    size_t n = 0;
    enum err err = text_file_read(path, card_magic, CARD_TEXT_BYTES_MAX, &text, &n, clause);

    if (err == ERR_OK) {
        err = text_file_decode(text, notice, sizeof notice, &n, clause);
    }
    if (err == ERR_OK) {
        err = card_open(span_of(notice, n), ret_card, ret_fingerprint, clause);
    }
    if (err == ERR_OK && ret != NULL) {
        out_bytes(ret, notice, n);
        err = ret->is_full ? ERR_OVERSIZE : ERR_OK;
    }
    free(text);
    return err;
}

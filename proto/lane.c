/* The messages about logs: what is held (HEADS), what is wanted (SUB, STOP), and the commits themselves (SEG). */
#include <assert.h>

#include "proto/message.h"
#include "proto/pack.h"

enum { HINT_ITEMS = 4, SUB_ITEMS = 3, SEG_ITEMS = 3 };

/* ---- HEADS ---- */

void heads_message_encode(bool is_complete, const struct head_hint *hints, size_t count, struct out *ret)
{
    assert(count <= HEADS_PER_MESSAGE_MAX);
    pack_array(ret, 2);
    pack_bool(ret, is_complete);
    pack_array(ret, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_array(ret, HINT_ITEMS);
        pack_bin(ret, span_of(hints[i].log.b, sizeof hints[i].log.b));
        pack_uint(ret, hints[i].seq);
        pack_uint(ret, hints[i].entries);
        pack_bin(ret, span_of(hints[i].prefix, sizeof hints[i].prefix));
    }
}

static void hint_decode(struct cursor *items, struct head_hint *ret)
{
    struct cursor c = cursor_array(items, HINT_ITEMS, HINT_ITEMS);

    cursor_bin_into(&c, ret->log.b, sizeof ret->log.b);
    ret->seq = cursor_uint(&c, NUMBER_MAX);
    ret->entries = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->prefix, sizeof ret->prefix);
    if (!commit_total_is_possible(ret->seq, ret->entries)) {
        c.is_bad = true;
    }
    cursor_close(items, &c);
}

/* Enters the list that ends a message, of at most `max` items (as the message allows) that fit `room` (as the caller has). */
static enum err enter_list(struct cursor *message, size_t max, size_t room, struct cursor *ret, const char **clause, const char *text)
{
    *ret = cursor_array(message, 0, UINT32_MAX);
    if (ret->left > max || ret->left > room) {
        return unpack_refuse(clause, text, ERR_LIMIT);
    }
    return ERR_OK;
}

enum err heads_message_decode(struct unpack *unpack, struct span body, bool *ret_is_complete, struct head_hint *ret, size_t max, size_t *ret_count,
                              const char **clause)
{
    struct cursor c;
    struct cursor items;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, 2);
    *ret_is_complete = cursor_bool(&c);
    err = enter_list(&c, HEADS_PER_MESSAGE_MAX, max, &items, clause, "WIRE.md 5.5: more than 900 heads");
    if (err != ERR_OK) {
        return err;
    }
    *ret_count = items.left;
    for (size_t i = 0; i < *ret_count; i++) {
        hint_decode(&items, &ret[i]);
    }
    cursor_close(&c, &items);
    return cursor_end(&c) == ERR_OK ? ERR_OK : unpack_refuse(clause, "WIRE.md 5.5: a field has the wrong type, length or range", ERR_MALFORMED);
}

/* ---- SUB and STOP ---- */

void sub_encode(const struct hash *digest_or_null, const struct sub_item *items, size_t count, struct out *ret)
{
    assert(count <= SUBS_PER_MESSAGE_MAX);
    pack_array(ret, 2);
    pack_bin(ret, digest_or_null == NULL ? span_of(NULL, 0) : span_of(digest_or_null->b, sizeof digest_or_null->b));
    pack_array(ret, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_array(ret, SUB_ITEMS);
        pack_bin(ret, span_of(items[i].log.b, sizeof items[i].log.b));
        pack_uint(ret, items[i].has_birth ? items[i].seq : 0);
        pack_bin(ret, span_of(items[i].hash.b, items[i].has_birth ? sizeof items[i].hash.b : 0));
    }
}

static void sub_item_decode(struct cursor *items, struct sub_item *ret)
{
    struct cursor c = cursor_array(items, SUB_ITEMS, SUB_ITEMS);
    struct span hash;

    memset(ret, 0, sizeof *ret);
    cursor_bin_into(&c, ret->log.b, sizeof ret->log.b);
    ret->seq = cursor_uint(&c, NUMBER_MAX);
    hash = cursor_bin(&c, 0, sizeof ret->hash.b);
    if (hash.n == sizeof ret->hash.b) {
        memcpy(ret->hash.b, hash.p, sizeof ret->hash.b);
        ret->has_birth = true;
    } else if (hash.n != 0 || ret->seq != 0) {
        c.is_bad = true;
    }
    cursor_close(items, &c);
}

enum err sub_decode(struct unpack *unpack, struct span body, bool *ret_has_digest, struct hash *ret_digest, struct sub_item *ret, size_t max,
                    size_t *ret_count, const char **clause)
{
    struct cursor c;
    struct cursor items;
    struct span digest;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, 2);
    digest = cursor_bin(&c, 0, sizeof ret_digest->b);
    *ret_has_digest = digest.n == sizeof ret_digest->b;
    memset(ret_digest, 0, sizeof *ret_digest);
    if (*ret_has_digest) {
        memcpy(ret_digest->b, digest.p, sizeof ret_digest->b);
    } else if (digest.n != 0) {
        c.is_bad = true;
    }
    err = enter_list(&c, SUBS_PER_MESSAGE_MAX, max, &items, clause, "WIRE.md 5.6: more than 700 logs");
    if (err != ERR_OK) {
        return err;
    }
    *ret_count = items.left;
    for (size_t i = 0; i < *ret_count; i++) {
        sub_item_decode(&items, &ret[i]);
    }
    cursor_close(&c, &items);
    return cursor_end(&c) == ERR_OK ? ERR_OK : unpack_refuse(clause, "WIRE.md 5.6: a field has the wrong type, length or range", ERR_MALFORMED);
}

void stop_encode(const struct log_id *logs, size_t count, struct out *ret)
{
    assert(count <= SUBS_PER_MESSAGE_MAX);
    pack_array(ret, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_bin(ret, span_of(logs[i].b, sizeof logs[i].b));
    }
}

enum err stop_decode(struct unpack *unpack, struct span body, struct log_id *ret, size_t max, size_t *ret_count, const char **clause)
{
    struct cursor c;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, UINT32_MAX);
    if (c.left > SUBS_PER_MESSAGE_MAX || c.left > max) {
        return unpack_refuse(clause, "WIRE.md 5.7: more than 700 logs", ERR_LIMIT);
    }
    *ret_count = c.left;
    for (size_t i = 0; i < *ret_count; i++) {
        cursor_bin_into(&c, ret[i].b, sizeof ret[i].b);
    }
    return cursor_end(&c) == ERR_OK ? ERR_OK : unpack_refuse(clause, "WIRE.md 5.7: not a list of logs", ERR_MALFORMED);
}

/* ---- SEG ---- */

void seg_encode(const struct seg *seg, struct out *ret)
{
    assert(seg->count >= 1 && seg->count <= SEG_COMMITS_MAX);
    pack_array(ret, SEG_ITEMS);
    pack_bin(ret, span_of(seg->log.b, sizeof seg->log.b));
    pack_uint(ret, seg->first);
    pack_array(ret, seg->count);
    for (uint32_t i = 0; i < seg->count; i++) {
        pack_bin(ret, seg->items[i]);
    }
}

enum err seg_decode(struct unpack *unpack, struct span body, struct seg *ret, const char **clause)
{
    struct cursor c;
    struct cursor items;
    enum err err = unpack_begin(unpack, body, clause);

    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, SEG_ITEMS);
    cursor_bin_into(&c, ret->log.b, sizeof ret->log.b);
    ret->first = cursor_uint(&c, NUMBER_MAX - SEG_COMMITS_MAX);
    items = cursor_array(&c, 1, UINT32_MAX);
    if (items.left > SEG_COMMITS_MAX) {
        return unpack_refuse(clause, "WIRE.md 5.8: more than 64 commits", ERR_LIMIT);
    }
    ret->count = items.left;
    for (uint32_t i = 0; i < ret->count; i++) {
        ret->items[i] = cursor_bin(&items, 1, UINT32_MAX);
        if (ret->items[i].n > (ret->first + i == 0 ? BIRTH_BYTES_MAX : COMMIT_REDUCED_BYTES_MAX + 1)) {
            return unpack_refuse(clause, "WIRE.md 5.8: a birth or commit longer than its limit", ERR_OVERSIZE);
        }
    }
    cursor_close(&c, &items);
    return cursor_end(&c) == ERR_OK ? ERR_OK : unpack_refuse(clause, "WIRE.md 5.8: a field has the wrong type, length or range", ERR_MALFORMED);
}

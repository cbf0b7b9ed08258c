#include "store/index/volume.h"

#include "store/index/tables.h"

#include <assert.h>
#include <endian.h>

enum { SUM_BYTES = 4 };

uint32_t page_sum(struct span bytes)
{
    uint64_t a = UINT64_C(0x243f6a8885a308d3) ^ bytes.n, b = UINT64_C(0x13198a2e03707344), w;
    const uint8_t *p = bytes.p;
    size_t n = bytes.n;

    for (; n >= 16; n -= 16, p += 16) { /* two chains, so that the multiplications overlap */
        memcpy(&w, p, 8);
        a = (a ^ le64toh(w)) * UINT64_C(0x9fb21c651e98df25);
        a ^= a >> 35;
        memcpy(&w, p + 8, 8);
        b = (b ^ le64toh(w)) * UINT64_C(0xc4ceb9fe1a85ec53);
        b ^= b >> 33;
    }
    for (; n > 0; n--, p++) {
        a = (a ^ *p) * UINT64_C(0x9fb21c651e98df25);
        a ^= a >> 35;
    }
    a = (a ^ b) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(a ^ a >> 32);
}

static struct span key_of(struct volume volume, struct span term, struct out *out)
{
    key_u32(out, volume.first);
    key_u8(out, (uint8_t)volume.level);
    out_span(out, term);
    return out_written(out);
}

/* ---- writing ---- */

static void page_begin(struct volume_writer *writer)
{
    static const uint8_t room[SUM_BYTES];

    writer->page = out_into(writer->page_bytes, sizeof writer->page_bytes);
    out_bytes(&writer->page, room, sizeof room);
}

static bool page_is_empty(const struct volume_writer *writer)
{
    return writer->page.at == SUM_BYTES;
}

static void page_end(struct volume_writer *writer)
{
    uint8_t b[VOLUME_KEY_HEAD_BYTES + TERM_BYTES_MAX];
    struct out key = out_into(b, sizeof b);
    uint32_t sum = page_sum(span_of(writer->page.p + SUM_BYTES, writer->page.at - SUM_BYTES));

    assert(!writer->page.is_full);
    for (size_t i = 0; i < SUM_BYTES; i++) {
        writer->page.p[i] = (uint8_t)(sum >> 8 * i);
    }
    kv_cursor_put(&writer->cursor, key_of(writer->volume, span_of(writer->last, writer->last_bytes), &key), out_written(&writer->page));
    page_begin(writer);
}

void volume_writer_begin(struct volume_writer *writer, struct kv_txn *txn, struct volume volume)
{
    writer->volume = volume;
    writer->last_bytes = 0;
    memset(writer->filter, 0, filter_bytes(level_docs(volume.level)));
    kv_cursor_open(txn, VIEW_TERMS, &writer->cursor);
    page_begin(writer);
}

static size_t shared_bytes(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n, i = 0;

    while (i < n && a.p[i] == b.p[i]) {
        i++;
    }
    return i;
}

void volume_writer_add(struct volume_writer *writer, struct span term, const uint16_t *offsets, uint32_t count)
{
    struct out postings = out_into(writer->postings_bytes, sizeof writer->postings_bytes);
    size_t shared = page_is_empty(writer) ? 0 : shared_bytes(span_of(writer->last, writer->last_bytes), term);

    assert(term.n > 0 && term.n <= TERM_BYTES_MAX);
    postings_encode(offsets, count, level_docs(writer->volume.level), &postings);
    if (!page_is_empty(writer) && writer->page.at + 2 + (term.n - shared) + postings.at > VOLUME_PAGE_BYTES) {
        page_end(writer);
        shared = 0;
    }
    key_u8(&writer->page, (uint8_t)shared);
    key_u8(&writer->page, (uint8_t)(term.n - shared));
    out_bytes(&writer->page, term.p + shared, term.n - shared);
    out_span(&writer->page, out_written(&postings));
    memcpy(writer->last, term.p, term.n);
    writer->last_bytes = term.n;
    if (term.p[0] == TERM_VERSION && term.n > sizeof(struct record_id)) {
        struct record_id id;
        memcpy(id.b, term.p + 1, sizeof id.b);
        filter_add(writer->filter, filter_bytes(level_docs(writer->volume.level)), &id);
    }
}

static void filter_put(struct volume_writer *writer)
{
    uint8_t b[VOLUME_KEY_HEAD_BYTES];
    struct out key = out_into(b, sizeof b);
    size_t n = filter_bytes(level_docs(writer->volume.level));
    uint8_t *p = kv_reserve(writer->cursor.txn, VIEW_FILTERS, key_of(writer->volume, span_of(NULL, 0), &key), SUM_BYTES + n);

    if (p != NULL) {
        struct out sum = out_into(p, SUM_BYTES);
        key_u32(&sum, page_sum(span_of(writer->filter, n)));
        memcpy(p + SUM_BYTES, writer->filter, n);
    }
}

void volume_writer_end(struct volume_writer *writer)
{
    if (!page_is_empty(writer)) {
        page_end(writer);
    }
    kv_cursor_close(&writer->cursor);
    filter_put(writer);
}

void volume_delete(struct kv_txn *txn, struct volume volume)
{
    uint8_t b[VOLUME_KEY_HEAD_BYTES];
    struct out key = out_into(b, sizeof b);
    struct span head = key_of(volume, span_of(NULL, 0), &key);
    struct kv_cursor cursor;

    kv_cursor_open(txn, VIEW_TERMS, &cursor);
    while (kv_seek_prefix(&cursor, head)) {
        kv_cursor_delete(&cursor);
    }
    kv_cursor_close(&cursor);
    (void)kv_delete(txn, VIEW_FILTERS, head);
}

/* ---- reading ---- */

enum err volume_filter(struct kv_txn *txn, struct volume volume, struct span *ret)
{
    uint8_t b[VOLUME_KEY_HEAD_BYTES];
    struct out key = out_into(b, sizeof b);
    struct span value, bits;

    if (!kv_get(txn, VIEW_FILTERS, key_of(volume, span_of(NULL, 0), &key), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_CORRUPT;
    }
    if (value.n != SUM_BYTES + filter_bytes(level_docs(volume.level))) {
        return ERR_CORRUPT;
    }
    bits = span_of(value.p + SUM_BYTES, value.n - SUM_BYTES);
    if (page_sum(bits) != key_read_u32(value.p)) {
        return ERR_CORRUPT; /* a lost bit would hide a version */
    }
    *ret = bits;
    return ERR_OK;
}

/* Stand at the page that holds the first term at or above `term`, and check it. */
static enum err page_seek(struct kv_cursor *cursor, struct volume volume, struct span term, struct span *ret)
{
    uint8_t b[VOLUME_KEY_HEAD_BYTES + TERM_BYTES_MAX + 1];
    struct out key = out_into(b, sizeof b);
    struct span wanted = key_of(volume, term, &key), body;
    uint32_t sum = 0;

    assert(!key.is_full);
    if (!kv_seek(cursor, wanted)) {
        return cursor->txn->err != ERR_OK ? cursor->txn->err : ERR_NOT_FOUND;
    }
    if (!key_has_prefix(cursor->key, span_of(b, VOLUME_KEY_HEAD_BYTES))) {
        return ERR_NOT_FOUND;
    }
    if (cursor->value.n <= SUM_BYTES || cursor->value.n > VOLUME_PAGE_BYTES_MAX || cursor->key.n > VOLUME_KEY_HEAD_BYTES + TERM_BYTES_MAX) {
        return ERR_CORRUPT;
    }
    body = span_of(cursor->value.p + SUM_BYTES, cursor->value.n - SUM_BYTES);
    for (size_t i = 0; i < SUM_BYTES; i++) {
        sum |= (uint32_t)cursor->value.p[i] << 8 * i;
    }
    if (page_sum(body) != sum) {
        return ERR_CORRUPT;
    }
    *ret = body;
    return ERR_OK;
}

/* The head of the next entry: how much it shares with the one before, and what it adds. */
static bool entry_head(struct span *rest, size_t before_bytes, size_t *ret_shared, struct span *ret_suffix)
{
    if (rest->n < 2 || rest->p[0] > before_bytes || (size_t)rest->p[0] + rest->p[1] > TERM_BYTES_MAX || (size_t)2 + rest->p[1] > rest->n) {
        return false;
    }
    *ret_shared = rest->p[0];
    *ret_suffix = span_of(rest->p + 2, rest->p[1]);
    rest->p += 2 + ret_suffix->n;
    rest->n -= 2 + ret_suffix->n;
    return true;
}

enum err volume_find(struct kv_cursor *cursor, struct volume volume, struct span term, struct postings *ret)
{
    struct span rest, suffix;
    struct postings postings;
    size_t matched = 0, shared, before_bytes = 0; /* matched: what the entry before has in common with `term`; it is below it */
    enum err err = page_seek(cursor, volume, term, &rest);

    if (err != ERR_OK) {
        return err;
    }
    while (rest.n > 0) {
        if (!entry_head(&rest, before_bytes, &shared, &suffix) || !postings_next(&rest, level_docs(volume.level), &postings)) {
            return ERR_CORRUPT;
        }
        before_bytes = shared + suffix.n;
        if (shared < matched) {
            return ERR_NOT_FOUND; /* it has left the term's path, upwards */
        }
        if (shared > matched) {
            continue; /* differs from the term where the one before did */
        }
        {
            struct span wanted = span_of(term.p + matched, term.n - matched);
            size_t more = shared_bytes(wanted, suffix);
            if (more == wanted.n && more == suffix.n) {
                *ret = postings;
                return ERR_OK;
            }
            if (more == wanted.n || (more < suffix.n && suffix.p[more] > wanted.p[more])) {
                return ERR_NOT_FOUND;
            }
            matched += more;
        }
    }
    return ERR_NOT_FOUND;
}

static bool walk_page(struct volume_walk *walk, struct kv_cursor *cursor, struct span from)
{
    struct span body;
    enum err err = page_seek(cursor, walk->volume, from, &body);

    if (err != ERR_OK) {
        walk->err = err == ERR_NOT_FOUND ? ERR_OK : err;
        return false;
    }
    memcpy(walk->page, body.p, body.n);
    walk->rest = span_of(walk->page, body.n);
    walk->page_last_bytes = cursor->key.n - VOLUME_KEY_HEAD_BYTES;
    memcpy(walk->page_last, cursor->key.p + VOLUME_KEY_HEAD_BYTES, walk->page_last_bytes);
    walk->term_bytes = 0;
    return true;
}

bool volume_walk_next(struct volume_walk *walk, struct kv_cursor *cursor)
{
    size_t shared;
    struct span suffix;

    if (walk->err != ERR_OK) {
        return false;
    }
    if (walk->rest.n == 0) {
        uint8_t after[TERM_BYTES_MAX + 1]; /* the lowest that is above the page's last term */
        memcpy(after, walk->page_last, walk->page_last_bytes);
        after[walk->page_last_bytes] = 0;
        if (!walk_page(walk, cursor, span_of(after, walk->page_last_bytes + 1))) {
            return false;
        }
    }
    if (!entry_head(&walk->rest, walk->term_bytes, &shared, &suffix) ||
        !postings_next(&walk->rest, level_docs(walk->volume.level), &walk->postings)) {
        walk->err = ERR_CORRUPT;
        return false;
    }
    memcpy(walk->term + shared, suffix.p, suffix.n);
    walk->term_bytes = shared + suffix.n;
    return true;
}

static int span_compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool volume_walk_begin(struct volume_walk *walk, struct kv_cursor *cursor, struct volume volume, struct span from)
{
    walk->volume = volume;
    walk->err = ERR_OK;
    if (!walk_page(walk, cursor, from)) {
        return false;
    }
    while (volume_walk_next(walk, cursor)) {
        if (span_compare(volume_walk_term(walk), from) >= 0) {
            return true;
        }
    }
    return false;
}

#include "store/index/finder.h"

#include "store/index/tables.h"

#include <assert.h>
#include <stdlib.h>

struct finder {
    struct kv_txn *txn;
    struct kv_cursor cursor;
    uint32_t docs;
    uint32_t volume_count;
    struct span *filters;       /* by volume */
    struct record_id tail[256]; /* by document behind index_tail; read once, for there may be thousands of questions */
    struct volume_walk walk;
};

enum { ID_BYTES = sizeof(struct record_id) };

static enum err tail_load(struct finder *finder)
{
    for (uint32_t number = index_tail(finder->docs); number < finder->docs; number++) {
        struct tail_row row;
        struct doc doc;
        enum err err = tail_get(finder->txn, number, &row);
        if (err != ERR_OK) {
            return err;
        }
        doc_read(row.order, row.rest, &doc);
        finder->tail[number - index_tail(finder->docs)] = doc.id;
    }
    return ERR_OK;
}

enum err finder_new(struct kv_txn *txn, uint32_t docs, struct finder **ret)
{
    struct finder *finder = calloc(1, sizeof *finder);
    enum err err = ERR_OK;

    if (finder == NULL) {
        return ERR_MEMORY;
    }
    finder->txn = txn;
    finder->docs = docs;
    finder->volume_count = index_volume_count(docs);
    kv_cursor_open(txn, VIEW_TERMS, &finder->cursor);
    finder->filters = calloc(finder->volume_count + 1, sizeof *finder->filters);
    if (finder->filters == NULL) {
        err = ERR_MEMORY;
    }
    for (uint32_t i = 0; i < finder->volume_count && err == ERR_OK; i++) {
        err = volume_filter(txn, index_volume(docs, i), &finder->filters[i]);
    }
    if (err == ERR_OK) {
        err = tail_load(finder);
    }
    if (err != ERR_OK) {
        finder_destroy(&finder);
        return err;
    }
    *ret = finder;
    return ERR_OK;
}

void finder_destroy(struct finder **finder)
{
    if (*finder != NULL) {
        kv_cursor_close(&(*finder)->cursor);
        free((*finder)->filters);
        free(*finder);
        *finder = NULL;
    }
}

/* The terms of one volume from `from` on that begin with `prefix`. `*is_over` is set when `each` has had enough. */
static enum err volume_each(struct volume_walk *walk, struct kv_cursor *cursor, struct volume volume, struct span from, struct span prefix,
                            bool (*each)(void *arg, struct span term, uint32_t number), void *arg, bool *is_over)
{
    for (bool ok = volume_walk_begin(walk, cursor, volume, from); ok; ok = volume_walk_next(walk, cursor)) {
        uint64_t words[RANGE_WORDS_MAX] = {0};
        enum err err;
        if (!key_has_prefix(volume_walk_term(walk), prefix)) {
            return ERR_OK;
        }
        err = postings_or(&walk->postings, words); /* one document, but for copies */
        if (err != ERR_OK) {
            return err;
        }
        for (uint32_t i = 0; i < level_docs(volume.level) / 64; i++) {
            for (uint64_t w = words[i]; w != 0; w &= w - 1) {
                if (!each(arg, volume_walk_term(walk), volume.first + i * 64 + (uint32_t)__builtin_ctzll(w))) {
                    *is_over = true;
                    return ERR_OK;
                }
            }
        }
    }
    return walk->err;
}

/* The term of a document of the tail: the first, for TERM_VERSION sorts before all others. */
static enum err tail_each(struct kv_txn *txn, uint32_t number, bool (*each)(void *arg, struct span term, uint32_t number), void *arg, bool *is_over)
{
    struct tail_row row;
    struct span term;
    enum err err = tail_get(txn, number, &row);

    if (err == ERR_OK && (!tail_term(&row.terms, &term) || term.p[0] != TERM_VERSION)) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK && !each(arg, term, number)) {
        *is_over = true;
    }
    return err;
}

enum err finder_each(struct finder *finder, const struct record_id *id, bool (*each)(void *arg, struct span term, uint32_t number), void *arg)
{
    uint8_t prefix[1 + ID_BYTES] = {TERM_VERSION};
    bool is_over = false;
    enum err err = ERR_OK;

    memcpy(prefix + 1, id->b, ID_BYTES);
    for (uint32_t i = 0; i < finder->volume_count && err == ERR_OK && !is_over; i++) {
        if (filter_has(finder->filters[i].p, finder->filters[i].n, id)) {
            err = volume_each(&finder->walk, &finder->cursor, index_volume(finder->docs, i), span_of(prefix, sizeof prefix),
                              span_of(prefix, sizeof prefix), each, arg, &is_over);
        }
    }
    for (uint32_t number = index_tail(finder->docs); number < finder->docs && err == ERR_OK && !is_over; number++) {
        if (memcmp(finder->tail[number - index_tail(finder->docs)].b, id->b, ID_BYTES) == 0) {
            err = tail_each(finder->txn, number, each, arg, &is_over);
        }
    }
    return err;
}

enum err finder_range(struct finder *finder, const struct record_id *from, size_t prefix_bytes,
                      bool (*each)(void *arg, struct span term, uint32_t number), void *arg)
{
    uint8_t first[1 + ID_BYTES] = {TERM_VERSION};
    bool is_over;
    enum err err = ERR_OK;

    assert(prefix_bytes <= ID_BYTES);
    memcpy(first + 1, from->b, ID_BYTES);
    for (uint32_t i = 0; i < finder->volume_count && err == ERR_OK; i++) {
        is_over = false;
        err = volume_each(&finder->walk, &finder->cursor, index_volume(finder->docs, i), span_of(first, sizeof first),
                          span_of(first, 1 + prefix_bytes), each, arg, &is_over);
    }
    for (uint32_t number = index_tail(finder->docs); number < finder->docs && err == ERR_OK; number++) { /* in no order: none ends it */
        const struct record_id *id = &finder->tail[number - index_tail(finder->docs)];
        if (memcmp(id->b, from->b, prefix_bytes) == 0 && memcmp(id->b, from->b, ID_BYTES) >= 0) {
            err = tail_each(finder->txn, number, each, arg, &is_over);
        }
    }
    return err;
}

enum err finder_document(struct kv_txn *txn, uint32_t docs, uint32_t number, const struct record_id *id,
                         bool (*each)(void *arg, struct span term, uint32_t number), void *arg)
{
    uint8_t prefix[1 + ID_BYTES] = {TERM_VERSION};
    struct volume_walk *walk;
    struct kv_cursor cursor;
    bool is_over = false;
    enum err err;

    assert(number < docs);
    if (number >= index_tail(docs)) {
        return tail_each(txn, number, each, arg, &is_over);
    }
    walk = malloc(sizeof *walk);
    if (walk == NULL) {
        return ERR_MEMORY;
    }
    memcpy(prefix + 1, id->b, ID_BYTES);
    kv_cursor_open(txn, VIEW_TERMS, &cursor);
    err = volume_each(walk, &cursor, index_volume_of(docs, number), span_of(prefix, sizeof prefix), span_of(prefix, sizeof prefix), each, arg,
                      &is_over);
    kv_cursor_close(&cursor);
    free(walk);
    return err != ERR_OK ? err : txn->err;
}

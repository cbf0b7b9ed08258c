#include "store/index/index.h"

#include "store/index/merge.h"

#include <assert.h>
#include <stdlib.h>

struct index {
    struct run *run;
    struct merge *merge;
    uint32_t base;  /* number of the run's first document: where the tail begins */
    uint32_t tail;  /* documents of the tail before this batch */
    uint32_t count; /* documents of the run: tail and new ones */
    uint32_t *places;
    size_t places_cap;
    uint8_t *row; /* for the terms of a tail row */
    size_t row_cap;
    uint8_t order[RUN_DOCS_MAX * DOC_ORDER_BYTES];
    uint8_t rest[RUN_DOCS_MAX * DOC_REST_BYTES];
};

struct volume index_volume(uint32_t docs, uint32_t index)
{
    uint32_t large = docs >> 16, middle = docs >> 12 & 15;

    assert(index < index_volume_count(docs));
    if (index < large) {
        return (struct volume){index << 16, 2};
    }
    if (index < large + middle) {
        return (struct volume){(large << 16) + ((index - large) << 12), 1};
    }
    return (struct volume){(docs >> 12 << 12) + ((index - large - middle) << 8), 0};
}

struct volume index_volume_of(uint32_t docs, uint32_t number)
{
    uint32_t level = number >> 16 < docs >> 16 ? 2 : number >> 12 < docs >> 12 ? 1 : 0;

    return (struct volume){number & ~(level_docs(level) - 1), level};
}

enum err index_doc(struct kv_txn *txn, uint32_t docs, uint32_t number, struct doc *ret)
{
    struct doc_columns columns;
    struct tail_row row;
    enum err err;

    if (number >= docs) {
        return ERR_NOT_FOUND;
    }
    if (number >= index_tail(docs)) {
        err = tail_get(txn, number, &row);
        if (err == ERR_OK) {
            doc_read(row.order, row.rest, ret);
        }
        return err;
    }
    err = doc_columns(txn, index_volume_of(docs, number), &columns);
    if (err == ERR_OK) {
        size_t at = number - columns.volume.first;
        doc_read(columns.order + at * DOC_ORDER_BYTES, columns.rest + at * DOC_REST_BYTES, ret);
    }
    return err;
}

struct index *index_new(void)
{
    struct index *index = calloc(1, sizeof *index);

    if (index == NULL) {
        return NULL;
    }
    index->run = run_new();
    index->merge = merge_new();
    if (index->run == NULL || index->merge == NULL) {
        index_destroy(&index);
    }
    return index;
}

void index_destroy(struct index **index)
{
    struct index *x = *index;

    if (x == NULL) {
        return;
    }
    run_destroy(&x->run);
    merge_destroy(&x->merge);
    free(x->places);
    free(x->row);
    free(x);
    *index = NULL;
}

void index_begin(struct index *index, uint32_t docs)
{
    run_clear(index->run);
    index->base = index_tail(docs);
    index->tail = index->count = docs - index->base;
}

enum err index_add(struct index *index, const struct doc *doc, uint32_t *ret)
{
    if (index->count == RUN_DOCS_MAX || index->base + index->count >= INDEX_DOCS_MAX) {
        return ERR_INTERNAL;
    }
    doc_write(doc, index->order + (size_t)index->count * DOC_ORDER_BYTES, index->rest + (size_t)index->count * DOC_REST_BYTES);
    *ret = index->base + index->count++;
    return ERR_OK;
}

enum err index_term(struct index *index, struct span term)
{
    assert(index->count > index->tail);
    return run_add(index->run, (uint16_t)(index->count - 1), term);
}

uint32_t index_docs(const struct index *index)
{
    return index->base + index->count;
}

bool index_is_full(const struct index *index)
{
    uint32_t before = index->base + index->tail, now = index->base + index->count;

    return run_is_full(index->run) || now >> 12 > before >> 12;
}

/* Take the rows of the tail into the run: they go into a volume now. */
static enum err tail_take(struct index *index, struct kv_txn *txn)
{
    for (uint32_t i = 0; i < index->tail; i++) {
        struct tail_row row;
        struct span term;
        enum err err = tail_get(txn, index->base + i, &row);

        if (err != ERR_OK) {
            return err;
        }
        memcpy(index->order + (size_t)i * DOC_ORDER_BYTES, row.order, DOC_ORDER_BYTES);
        memcpy(index->rest + (size_t)i * DOC_REST_BYTES, row.rest, DOC_REST_BYTES);
        while (tail_term(&row.terms, &term)) {
            if (run_add(index->run, (uint16_t)i, term) != ERR_OK) {
                return ERR_MEMORY;
            }
        }
        tail_delete(txn, index->base + i);
    }
    return ERR_OK;
}

/* Write the run's documents from..count - 1 as rows of the tail. */
static enum err tail_write(struct index *index, struct kv_txn *txn, uint32_t from)
{
    size_t ends[256] = {0}, bytes = 0; /* where each document's terms end in `row` */
    size_t terms = run_terms(index->run);
    uint32_t docs = index->count - from;

    assert(docs < 256);
    for (int is_second = 0; is_second < 2; is_second++) { /* first how much each needs, then the terms, which come sorted */
        for (size_t rank = 0; rank < terms; rank++) {
            struct span term = run_term(index->run, rank);
            uint32_t count;
            const uint16_t *list = run_docs(index->run, rank, &count);

            for (; count > 0 && list[count - 1] >= from; count--) {
                size_t *end = &ends[list[count - 1] - from];
                if (is_second != 0) {
                    index->row[*end] = (uint8_t)term.n;
                    memcpy(index->row + *end + 1, term.p, term.n);
                }
                *end += 1 + term.n;
            }
        }
        if (is_second != 0) {
            break;
        }
        for (uint32_t i = 0; i < docs; i++) { /* sizes become places */
            size_t n = ends[i];
            ends[i] = bytes;
            bytes += n;
        }
        if (bytes > index->row_cap) {
            uint8_t *bigger = realloc(index->row, bytes);
            if (bigger == NULL) {
                return ERR_MEMORY;
            }
            index->row = bigger;
            index->row_cap = bytes;
        }
    }
    bytes = 0;
    for (uint32_t i = 0; i < docs; i++) {
        size_t at = from + i;
        tail_put(txn, index->base + from + i, index->order + at * DOC_ORDER_BYTES, index->rest + at * DOC_REST_BYTES,
                 span_of(index->row + bytes, ends[i] - bytes));
        bytes = ends[i];
    }
    return txn->err;
}

static enum err places_reset(struct index *index)
{
    size_t n = run_terms(index->run);

    if (n > index->places_cap) {
        uint32_t *bigger = realloc(index->places, n * sizeof *bigger);
        if (bigger == NULL) {
            return ERR_MEMORY;
        }
        index->places = bigger;
        index->places_cap = n;
    }
    if (n > 0) {
        memset(index->places, 0, n * sizeof *index->places);
    }
    return ERR_OK;
}

/* The documents of a whole middle volume: from small ones on disk, if there are, and from the run. */
static enum err middle_write(struct index *index, struct kv_txn *txn, uint32_t from, uint32_t to)
{
    uint32_t first = (index->base + from) & ~(level_docs(1) - 1), held = index->base + from - first;
    struct volume target = {first, 1};
    struct slice slice = {index->run, from, to, index->places};
    enum err err;

    if (held == 0) {
        err = merge_slice(index->merge, txn, target, &slice);
        if (err == ERR_OK) {
            doc_columns_put(txn, target, index->order + (size_t)from * DOC_ORDER_BYTES, index->rest + (size_t)from * DOC_REST_BYTES);
        }
        return err;
    }
    err = merge_volumes(index->merge, txn, target, held, &slice);
    for (uint32_t at = from; at < to && err == ERR_OK; at += level_docs(0)) { /* the columns merge from small volumes, so make them of the rest */
        doc_columns_put(txn, (struct volume){index->base + at, 0}, index->order + (size_t)at * DOC_ORDER_BYTES,
                        index->rest + (size_t)at * DOC_REST_BYTES);
    }
    return err != ERR_OK ? err : doc_columns_merge(txn, target);
}

enum err index_end(struct index *index, struct kv_txn *txn)
{
    uint32_t at = 0; /* documents of the run written so far */
    enum err err;

    if (index->count == index->tail) {
        return ERR_OK;
    }
    if (index->count >= level_docs(0)) {
        err = tail_take(index, txn);
        if (err != ERR_OK) {
            return err;
        }
    } else {
        at = index->tail;
    }
    err = run_sort(index->run);
    if (err == ERR_OK) {
        err = places_reset(index);
    }
    while (err == ERR_OK && index->count >= level_docs(0)) {
        uint32_t first = index->base + at, end = ((first >> 12) + 1) << 12; /* of the middle volume that `at` is in */
        if (end > index->base + index->count) {
            break;
        }
        err = middle_write(index, txn, at, end - index->base);
        if (err == ERR_OK && end % level_docs(2) == 0) {
            struct volume target = {end - level_docs(2), 2};
            err = merge_volumes(index->merge, txn, target, 0, NULL);
            if (err == ERR_OK) {
                err = doc_columns_merge(txn, target);
            }
        }
        at = end - index->base;
    }
    for (; err == ERR_OK && index->count >= level_docs(0) && index->count - at >= level_docs(0); at += level_docs(0)) {
        struct volume target = {index->base + at, 0};
        struct slice slice = {index->run, at, at + level_docs(0), index->places};
        err = merge_slice(index->merge, txn, target, &slice);
        if (err == ERR_OK) {
            doc_columns_put(txn, target, index->order + (size_t)at * DOC_ORDER_BYTES, index->rest + (size_t)at * DOC_REST_BYTES);
        }
    }
    return err != ERR_OK ? err : tail_write(index, txn, at);
}

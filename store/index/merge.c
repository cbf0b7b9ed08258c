#include "store/index/merge.h"

#include "store/index/tables.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

/* Where terms come from: a volume on disk, or the slice. */
struct source {
    struct volume_walk *walk; /* NULL: the slice */
    uint32_t shift;           /* of its first document within the target */
    uint64_t head;            /* first bytes of the present term: settles most comparisons */
    struct span term;
    bool is_done;
};

struct merge {
    struct volume_writer writer;
    struct volume_walk walks[MERGE_PARTS_MAX];
    struct source sources[MERGE_PARTS_MAX + 1];
    size_t source_count;
    struct kv_cursor cursor; /* all walks seek with it */
    size_t rank;             /* of the slice's present term */
    const uint16_t *docs;
    uint32_t doc_count;
    uint16_t part[RANGE_DOCS_MAX], offsets[RANGE_DOCS_MAX];
};

struct merge *merge_new(void)
{
    return calloc(1, sizeof(struct merge));
}

void merge_destroy(struct merge **merge)
{
    free(*merge);
    *merge = NULL;
}

/* Move to the slice's next term that any of its documents holds. */
static bool slice_next(struct merge *merge, const struct slice *slice)
{
    size_t terms = run_terms(slice->run);

    for (; merge->rank < terms; merge->rank++) {
        uint32_t count, from = slice->places[merge->rank], to = from;
        const uint16_t *docs = run_docs(slice->run, merge->rank, &count);

        while (to < count && docs[to] < slice->to) {
            to++;
        }
        slice->places[merge->rank] = to;
        if (to > from) {
            merge->docs = docs + from;
            merge->doc_count = to - from;
            return true;
        }
    }
    return false;
}

static void source_term(struct source *source, struct span term)
{
    uint64_t w = 0;

    memcpy(&w, term.p, term.n < 8 ? term.n : 8);
    source->head = be64toh(w);
    source->term = term;
}

static void source_advance(struct merge *merge, struct source *source, const struct slice *slice)
{
    if (source->walk != NULL) {
        source->is_done = !volume_walk_next(source->walk, &merge->cursor);
        if (!source->is_done) {
            source_term(source, volume_walk_term(source->walk));
        }
        return;
    }
    merge->rank++;
    source->is_done = !slice_next(merge, slice);
    if (!source->is_done) {
        source_term(source, run_term(slice->run, merge->rank));
    }
}

static int source_compare(const struct source *a, const struct source *b)
{
    size_t n = a->term.n < b->term.n ? a->term.n : b->term.n;
    int order;

    if (a->head != b->head) {
        return a->head < b->head ? -1 : 1;
    }
    order = memcmp(a->term.p, b->term.p, n);
    return order != 0 ? order : (a->term.n > b->term.n) - (a->term.n < b->term.n);
}

static struct source *source_lowest(struct merge *merge)
{
    struct source *lowest = NULL;

    for (size_t i = 0; i < merge->source_count; i++) {
        struct source *source = &merge->sources[i];
        if (!source->is_done && (lowest == NULL || source_compare(source, lowest) < 0)) {
            lowest = source;
        }
    }
    return lowest;
}

/* Append the source's documents to the target's. */
static enum err gather(struct merge *merge, const struct source *source, uint32_t slice_from, uint32_t *count)
{
    if (source->walk == NULL) {
        for (uint32_t i = 0; i < merge->doc_count; i++) {
            merge->offsets[(*count)++] = (uint16_t)(merge->docs[i] - slice_from + source->shift);
        }
        return ERR_OK;
    }
    {
        enum err err = postings_list(&source->walk->postings, merge->part);
        if (err != ERR_OK) {
            return err;
        }
        for (uint32_t i = 0; i < source->walk->postings.count; i++) {
            merge->offsets[(*count)++] = (uint16_t)(merge->part[i] + source->shift);
        }
        return ERR_OK;
    }
}

static enum err merge_all(struct merge *merge, const struct slice *slice)
{
    struct source *lowest;
    enum err err = ERR_OK;

    while (err == ERR_OK && (lowest = source_lowest(merge)) != NULL) {
        struct source model = *lowest;
        uint8_t term[TERM_BYTES_MAX]; /* the walk overwrites its own when it moves on */
        uint32_t count = 0;

        memcpy(term, lowest->term.p, lowest->term.n);
        model.term = span_of(term, lowest->term.n);
        for (struct source *source = lowest; source < merge->sources + merge->source_count && err == ERR_OK; source++) {
            if (!source->is_done && source_compare(source, &model) == 0) {
                err = gather(merge, source, slice == NULL ? 0 : slice->from, &count);
                source_advance(merge, source, slice);
            }
        }
        if (err == ERR_OK) {
            volume_writer_add(&merge->writer, model.term, merge->offsets, count);
        }
    }
    for (size_t i = 0; i < merge->source_count && err == ERR_OK; i++) {
        err = merge->sources[i].walk == NULL ? ERR_OK : merge->sources[i].walk->err;
    }
    return err;
}

static void source_open(struct merge *merge, struct volume_walk *walk, uint32_t shift, bool has_term, struct span term)
{
    struct source *source = &merge->sources[merge->source_count++];

    *source = (struct source){.walk = walk, .shift = shift, .is_done = !has_term};
    if (has_term) {
        source_term(source, term);
    }
}

enum err merge_volumes(struct merge *merge, struct kv_txn *txn, struct volume target, uint32_t slice_first, const struct slice *slice)
{
    uint32_t part_docs, parts;
    enum err err;

    assert(target.level > 0 && target.level < LEVELS);
    part_docs = level_docs(target.level - 1);
    parts = (slice == NULL ? level_docs(target.level) : slice_first) / part_docs;
    assert(parts <= MERGE_PARTS_MAX);
    merge->source_count = 0;
    kv_cursor_open(txn, VIEW_TERMS, &merge->cursor);
    for (uint32_t i = 0; i < parts; i++) {
        struct volume part = {target.first + i * part_docs, target.level - 1};
        struct volume_walk *walk = &merge->walks[i];
        bool has_term = volume_walk_begin(walk, &merge->cursor, part, span_of(NULL, 0));
        source_open(merge, walk, i * part_docs, has_term, volume_walk_term(walk));
    }
    if (slice != NULL) {
        bool has_term;
        merge->rank = 0;
        has_term = slice_next(merge, slice);
        source_open(merge, NULL, slice_first, has_term, has_term ? run_term(slice->run, merge->rank) : span_of(NULL, 0));
    }
    volume_writer_begin(&merge->writer, txn, target);
    err = merge_all(merge, slice);
    volume_writer_end(&merge->writer);
    kv_cursor_close(&merge->cursor);
    for (uint32_t i = 0; i < parts && err == ERR_OK; i++) {
        volume_delete(txn, (struct volume){target.first + i * part_docs, target.level - 1});
    }
    return err != ERR_OK ? err : txn->err;
}

enum err merge_slice(struct merge *merge, struct kv_txn *txn, struct volume target, const struct slice *slice)
{
    volume_writer_begin(&merge->writer, txn, target);
    for (merge->rank = 0; slice_next(merge, slice); merge->rank++) {
        for (uint32_t i = 0; i < merge->doc_count; i++) {
            merge->offsets[i] = (uint16_t)(merge->docs[i] - slice->from);
        }
        volume_writer_add(&merge->writer, run_term(slice->run, merge->rank), merge->offsets, merge->doc_count);
    }
    volume_writer_end(&merge->writer);
    return txn->err;
}

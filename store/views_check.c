#include "store/views_state.h"

#include "store/dead.h"
#include "store/index/index.h"
#include "store/index/tables.h"
#include "store/index/terms.h"
#include "store/withdraw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ITEMS_MAX = 1024, FAULT_BYTES_MAX = 200, BLOCK_DOCS = 65536 };

struct walk {
    struct views_read *read;
    struct views_check *check;
    struct journal_item items[ITEMS_MAX];
    size_t item_count;
    uint64_t entries, skipped[VIEWS_SKIP_COUNT];
    uint32_t docs; /* compared */
    uint16_t offsets[RANGE_DOCS_MAX];
    uint64_t dead[BLOCK_DOCS / 64];
    struct volume_walk terms;
};

static void __attribute__((format(printf, 2, 3))) fault(struct walk *w, const char *format, ...)
{
    char what[FAULT_BYTES_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    w->check->faults++;
    w->check->fault(w->check->arg, ERR_CORRUPT, what);
}

/* ERR_CORRUPT and what a damaged table is else: a fault, and the check goes on. Others end it. */
static enum err told(struct walk *w, enum err err, const char *what, uint32_t number)
{
    if (err != ERR_CORRUPT && err != ERR_NOT_FOUND) {
        return err;
    }
    fault(w, "views: %s %u cannot be read", what, number);
    return ERR_OK;
}

/* ---- the journal ---- */

static bool item_collect(void *arg, const struct journal_item *item)
{
    struct walk *w = arg;

    if (item->number > w->read->state.followed) {
        return false;
    }
    w->items[w->item_count++] = *item;
    return w->item_count < ITEMS_MAX;
}

/* The next document, which must be this entry. Documents are numbered in the order of the journal. */
static enum err compare_version(struct walk *w, const struct journal_item *item, uint32_t entry)
{
    const struct record *record = w->read->record;
    struct doc doc;
    uint32_t number = w->docs++;
    enum err err;

    if (number >= w->read->state.docs) {
        return ERR_OK; /* the count says so, below */
    }
    err = index_doc(&w->read->txn, w->read->state.docs, number, &doc);
    if (err != ERR_OK) {
        return told(w, err, "document", number);
    }
    if (memcmp(doc.id.b, record->id.b, sizeof doc.id.b) != 0 || doc.log_number != item->log_number || doc.seq != item->seq || doc.entry != entry ||
        doc.kind != (uint8_t)record->kind || doc.day != terms_day(record)) {
        fault(w, "views: document %u is not entry %u of log %u, commit %llu, as the journal has it", number, entry, item->log_number,
              (unsigned long long)item->seq);
    }
    return ERR_OK;
}

/* Does the next document stand for this entry, whose payload is not here? */
static bool is_indexed(struct walk *w, const struct journal_item *item, uint32_t entry)
{
    struct doc doc;

    return w->docs < w->read->state.docs && index_doc(&w->read->txn, w->read->state.docs, w->docs, &doc) == ERR_OK && doc.log_number == item->log_number &&
           doc.seq == item->seq && doc.entry == entry;
}

/* ERR_CHAIN when the log itself is damaged here: documents cannot be counted on from it. */
static enum err compare_commit(struct walk *w, const struct journal_item *item)
{
    struct hash hash;
    enum err err = store_commit_at(w->read->log, item->log_number, item->seq, w->read->commit, &hash);

    if (err != ERR_OK) {
        return err == ERR_CORRUPT || err == ERR_NOT_FOUND ? ERR_CHAIN : err;
    }
    for (uint32_t i = 0; i < w->read->commit->entry_count && err == ERR_OK; i++) {
        enum views_skip why;
        w->entries++;
        err = views_entry_record(w->read->unpack, &w->read->commit->entries[i], item->seq, w->read->record, &why);
        if (err == ERR_NOT_FOUND && why == VIEWS_SKIP_ABSENT && is_indexed(w, item, i)) {
            w->docs++; /* its payload has gone since */
            err = ERR_OK;
        } else if (err == ERR_NOT_FOUND) {
            w->skipped[why]++;
            err = ERR_OK;
        } else if (err == ERR_OK) {
            err = compare_version(w, item, i);
        }
    }
    return err;
}

static enum err compare_journal(struct walk *w)
{
    const struct views_state *state = &w->read->state;
    uint64_t after = 0;
    enum err err = views_memory(w->read);

    while (err == ERR_OK && after < state->followed) {
        w->item_count = 0;
        err = store_journal(w->read->log, after, item_collect, w);
        if (err == ERR_OK && w->item_count == 0) {
            break;
        }
        for (size_t i = 0; i < w->item_count && err == ERR_OK; i++) {
            if (w->items[i].type == JOURNAL_COMMIT && w->items[i].seq > 0) {
                err = compare_commit(w, &w->items[i]);
            }
            after = w->items[i].number;
        }
        if (w->check->progress != NULL) {
            w->check->progress(w->check->arg, after, state->followed);
        }
    }
    if (err == ERR_CHAIN || err == ERR_CORRUPT) {
        fault(w, "views: not compared from journal item %llu on, where the log itself is damaged", (unsigned long long)after);
        return ERR_OK;
    }
    if (err == ERR_OK && (w->entries != state->entries || w->docs != state->docs)) {
        fault(w, "views: %llu entries and %u record versions are indexed, the journal has %llu and %u", (unsigned long long)state->entries, state->docs,
              (unsigned long long)w->entries, w->docs);
    }
    if (err == ERR_OK && memcmp(w->skipped, state->skipped, sizeof w->skipped) != 0) {
        fault(w, "views: the count of entries that are no records differs from the journal's");
    }
    return err;
}

/* ---- the index ---- */

/* Every term of a volume, and its documents. */
static enum err read_volume(struct walk *w, struct volume volume)
{
    struct kv_cursor cursor;
    struct span filter;
    enum err err = told(w, volume_filter(&w->read->txn, volume, &filter), "the filter of the volume at document", volume.first);

    if (err != ERR_OK) {
        return err;
    }
    kv_cursor_open(&w->read->txn, VIEW_TERMS, &cursor);
    for (bool ok = volume_walk_begin(&w->terms, &cursor, volume, span_of(NULL, 0)); ok && err == ERR_OK; ok = volume_walk_next(&w->terms, &cursor)) {
        err = postings_list(&w->terms.postings, w->offsets);
    }
    kv_cursor_close(&cursor);
    err = err == ERR_OK ? w->terms.err : err;
    return told(w, err, "a term of the volume at document", volume.first);
}

static enum err read_index(struct walk *w)
{
    uint32_t docs = w->read->state.docs;
    enum err err = ERR_OK;

    for (uint32_t i = 0; i < index_volume_count(docs) && err == ERR_OK; i++) {
        err = read_volume(w, index_volume(docs, i));
        if (w->check->progress != NULL) {
            w->check->progress(w->check->arg, w->read->state.followed, w->read->state.followed);
        }
    }
    for (uint32_t number = index_tail(docs) > w->docs ? index_tail(docs) : w->docs; number < docs && err == ERR_OK; number++) { /* others were compared */
        struct tail_row row;
        err = told(w, tail_get(&w->read->txn, number, &row), "document", number);
    }
    return err;
}

/* Are as many documents current as is said? */
static enum err count_current(struct walk *w)
{
    const struct views_state *state = &w->read->state;
    uint64_t current[RECORD_KINDS_MAX] = {0};

    for (uint32_t first = 0; first < state->docs; first += BLOCK_DOCS) {
        uint32_t n = state->docs - first < BLOCK_DOCS ? state->docs - first : BLOCK_DOCS;
        enum err err;
        memset(w->dead, 0, sizeof w->dead);
        err = dead_bits(&w->read->txn, first, (n + 63) & ~UINT32_C(63), w->dead);
        if (err != ERR_OK) {
            return told(w, err, "the block of replaced versions at document", first);
        }
        for (uint32_t i = 0; i < n; i++) {
            struct doc doc;
            if ((w->dead[i / 64] >> i % 64 & 1) != 0) {
                continue;
            }
            err = index_doc(&w->read->txn, state->docs, first + i, &doc);
            if (err != ERR_OK) {
                return err == ERR_CORRUPT || err == ERR_NOT_FOUND ? ERR_OK : err; /* reported with the journal */
            }
            current[doc.kind]++;
        }
        if (first > UINT32_MAX - BLOCK_DOCS) {
            break;
        }
    }
    for (size_t kind = 0; kind < RECORD_KINDS_MAX; kind++) {
        if (current[kind] != state->current[kind]) {
            fault(w, "views: %llu current records of kind %zu are counted, %llu are there", (unsigned long long)state->current[kind], kind,
                  (unsigned long long)current[kind]);
        }
    }
    return ERR_OK;
}

struct sum {
    uint64_t keys;
    uint32_t sum;
};

/* Touches every byte: what the disk cannot give is met here. */
static void touch(void *arg, struct span key, struct span value)
{
    struct sum *sum = arg;

    sum->keys++;
    sum->sum ^= page_sum(key) ^ page_sum(value);
}

enum err views_check(struct views_read *read, struct views_check *check)
{
    const struct views_state *state = &read->state;
    struct walk *w;
    struct sum sum = {0};
    enum err err = ERR_OK;

    check->faults = 0;
    if (atomic_load(&read->views->is_damaged) || state->epoch != store_epoch(read->log)) {
        return ERR_OK; /* they are about to be made anew */
    }
    w = calloc(1, sizeof *w);
    if (w == NULL) {
        return ERR_MEMORY;
    }
    w->read = read;
    w->check = check;
    if (state->followed > store_journal_end(read->log)) {
        fault(w, "views: the index has followed more than the journal holds");
    } else {
        err = compare_journal(w);
    }
    err = err == ERR_OK ? read_index(w) : err;
    err = err == ERR_OK ? count_current(w) : err;
    if (err == ERR_OK) {
        err = views_dump(read, touch, &sum);
    }
    if (read->txn.err == ERR_CORRUPT) { /* sticky: a page that LMDB cannot use; nothing after it was read */
        fault(w, "views: a page of the index is damaged, what follows it was not read");
        err = ERR_OK;
    }
    free(w);
    return err == ERR_OK && check->faults > 0 ? views_damaged(read, ERR_CORRUPT) : err;
}

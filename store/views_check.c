#include "store/views_state.h"

#include "store/dead.h"
#include "store/index/index.h"
#include "store/index/tables.h"
#include "store/index/terms.h"
#include "store/views_entry.h"
#include "store/waiting.h"

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
    struct waiting *late; /* met before its key, which came later: to be compared then; yours to free */
    size_t late_count, late_cap;
    uint64_t waiting; /* rows of what still waits */
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

/* The next document, which must be this entry. Documents are numbered in the order of the journal; what was opened late follows the item that brought its
 * key. */
static enum err compare_version(struct walk *w, uint32_t log_number, uint64_t seq, uint32_t entry)
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
    if (memcmp(doc.id.b, record->id.b, sizeof doc.id.b) != 0 || doc.log_number != log_number || doc.seq != seq || doc.entry != entry ||
        doc.kind != (uint8_t)record->kind || doc.day != terms_day(record)) {
        fault(w, "views: document %u is not entry %u of log %u, commit %llu, as the journal has it", number, entry, log_number, (unsigned long long)seq);
    }
    return ERR_OK;
}

/* Does the next document stand for this entry, whose payload is not here? */
static bool is_indexed(struct walk *w, uint32_t log_number, uint64_t seq, uint32_t entry)
{
    struct doc doc;

    return w->docs < w->read->state.docs && index_doc(&w->read->txn, w->read->state.docs, w->docs, &doc) == ERR_OK && doc.log_number == log_number &&
           doc.seq == seq && doc.entry == entry;
}

static bool waits(struct walk *w, const struct waiting *item, struct waiting *ret_row, enum err *ret_err)
{
    return waiting_next(&w->read->txn, item, ret_row, ret_err) && hash_equal(&ret_row->id, &item->id) && ret_row->log_number == item->log_number &&
           ret_row->seq == item->seq;
}

/* A sealed entry whose payload has gone: did it wait for its key, when it came? It does still, or it was worked in when the key came, after item `until`. */
static enum err has_waited(struct walk *w, const struct log_info *info, uint64_t seq, uint32_t entry, uint64_t until, bool *ret)
{
    struct opener *opener = w->read->views->opener;
    struct waiting item = {.log_number = info->number, .seq = seq}, row;
    enum err err = ERR_OK;

    memcpy(item.id.b, w->read->commit->entries[entry].leaf.audience, sizeof item.id.b);
    *ret = waits(w, &item, &row, &err) && (row.entries >> entry & 1) != 0;
    if (err == ERR_OK && !*ret && opener != NULL) {
        enum err then = opener_key(opener, w->read->log, &info->node, &item.id, until);
        enum err now = opener_key(opener, w->read->log, &info->node, &item.id, w->read->state.followed);
        *ret = then != ERR_OK && now == ERR_OK;
        err = err_blame(then) == BLAME_SELF ? then : err_blame(now) == BLAME_SELF ? now : ERR_OK;
    }
    return err;
}

/* ERR_OK: the next document is this entry; ERR_NOT_FOUND: there is none, for the reason that is counted. */
static enum err compare_entry(struct walk *w, const struct log_info *info, uint64_t seq, uint32_t entry, uint64_t until, enum views_skip *ret_why)
{
    struct entry_reader reader = views_entry_reader(w->read);
    const struct entry *e = &w->read->commit->entries[entry];
    bool is_waiting = false;
    enum err err = views_entry_record(&reader, &info->node, e, seq, until, w->read->record, NULL, ret_why);

    if (err == ERR_NOT_FOUND && *ret_why == VIEWS_SKIP_ABSENT && is_indexed(w, info->number, seq, entry)) {
        w->docs++; /* its payload has gone since */
        return ERR_OK;
    }
    if (err == ERR_NOT_FOUND && *ret_why == VIEWS_SKIP_ABSENT && entry_is_sealed(e)) {
        enum err waited = has_waited(w, info, seq, entry, until, &is_waiting);
        if (waited != ERR_OK) {
            return waited;
        }
        *ret_why = is_waiting ? VIEWS_SKIP_SEALED : VIEWS_SKIP_ABSENT;
    }
    if (err == ERR_NOT_FOUND) {
        w->skipped[*ret_why]++;
        return ERR_NOT_FOUND;
    }
    return err == ERR_OK ? compare_version(w, info->number, seq, entry) : err;
}

/* What one commit left waiting: with a key that has come since it is looked at again where that came, else its row must be there. */
static enum err compare_waiting(struct walk *w, const struct log_info *info, const struct waiting_commit *commit)
{
    struct opener *opener = w->read->views->opener;
    enum err err = ERR_OK;

    for (uint32_t i = 0; i < commit->count && err == ERR_OK; i++) {
        const struct waiting *item = &commit->items[i];
        struct waiting row = {.entries = 0};
        enum err key = opener == NULL ? ERR_PERMISSION : opener_key(opener, w->read->log, &info->node, &item->id, w->read->state.followed);
        if (key != ERR_OK && !opener_may_change(key)) {
            return key;
        }
        bool has_row = waits(w, item, &row, &err);
        if (err == ERR_OK && key == ERR_OK && !(has_row && w->read->state.is_releasing)) {
            if (w->late_count == w->late_cap) {
                size_t cap = w->late_cap == 0 ? 256 : w->late_cap * 2;
                struct waiting *bigger = realloc(w->late, cap * sizeof *bigger);
                if (bigger == NULL) {
                    return ERR_MEMORY;
                }
                w->late = bigger;
                w->late_cap = cap;
            }
            w->late[w->late_count++] = *item;
        } else if (err == ERR_OK) {
            w->waiting++;
            if (!has_row || row.entries != item->entries) {
                fault(w, "views: what waits for a key in log %u, commit %llu is not as the journal has it", item->log_number, (unsigned long long)item->seq);
            }
        }
    }
    return err;
}

/* ERR_CHAIN when the log itself is damaged here: documents cannot be counted on from it. */
static enum err load_commit(struct walk *w, uint32_t log_number, uint64_t seq, struct log_info *ret)
{
    struct hash hash;
    enum err err = store_log_by_number(w->read->log, log_number, ret);

    if (err == ERR_OK) {
        err = store_commit_at(w->read->log, log_number, seq, w->read->commit, &hash);
    }
    return err == ERR_CORRUPT || err == ERR_NOT_FOUND ? ERR_CHAIN : err;
}

static int waiting_compare(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;

    if (x->log_number != y->log_number) {
        return x->log_number < y->log_number ? -1 : 1;
    }
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* What waited under this id in logs of this author, in its order. */
static enum err compare_late(struct walk *w, const struct log_info *author, const struct hash *id, uint64_t until)
{
    struct waiting *ready = malloc((w->late_count + 1) * sizeof *ready);
    size_t count = 0, kept = 0;
    enum err err = ready == NULL ? ERR_MEMORY : ERR_OK;
    struct log_info info;

    for (size_t i = 0; i < w->late_count && err == ERR_OK; i++) {
        err = store_log_by_number(w->read->log, w->late[i].log_number, &info);
        if (err == ERR_OK && hash_equal(&w->late[i].id, id) && node_id_equal(&info.node, &author->node)) {
            ready[count++] = w->late[i];
        } else {
            w->late[kept++] = w->late[i];
        }
    }
    if (err == ERR_OK) {
        w->late_count = kept;
        qsort(ready, count, sizeof *ready, waiting_compare);
    }
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = load_commit(w, ready[i].log_number, ready[i].seq, &info);
        for (uint32_t entry = 0; err == ERR_OK && entry < w->read->commit->entry_count; entry++) {
            enum views_skip why;
            if ((ready[i].entries >> entry & 1) != 0) {
                w->skipped[VIEWS_SKIP_SEALED]--;
                err = compare_entry(w, &info, ready[i].seq, entry, until, &why);
                err = err == ERR_NOT_FOUND ? ERR_OK : err;
            }
        }
    }
    free(ready);
    return err;
}

/* One item, then what waited for the keys in it. */
static enum err compare_commit(struct walk *w, const struct journal_item *item)
{
    struct entry_reader reader = views_entry_reader(w->read);
    struct hash ids[COMMIT_ENTRIES_MAX];
    struct waiting_commit waiting;
    struct log_info info;
    uint32_t count = 0;
    enum err err = load_commit(w, item->log_number, item->seq, &info);

    waiting.count = 0;
    for (uint32_t i = 0; err == ERR_OK && i < w->read->commit->entry_count; i++) {
        const struct entry *entry = &w->read->commit->entries[i];
        enum views_skip why = VIEWS_SKIP_COUNT;
        w->entries++;
        err = compare_entry(w, &info, item->seq, i, item->number, &why);
        if (err == ERR_NOT_FOUND) {
            err = ERR_OK;
            if (why == VIEWS_SKIP_SEALED) {
                waiting_add(&waiting, entry, item->log_number, item->seq, i);
            }
        }
        count += views_entry_key(&reader, entry, &ids[count]) ? 1 : 0;
    }
    if (err == ERR_OK) {
        err = compare_waiting(w, &info, &waiting);
    }
    for (uint32_t i = 0; err == ERR_OK && i < count && w->late_count > 0; i++) {
        if (reader.opener != NULL && opener_key(reader.opener, reader.log, &info.node, &ids[i], item->number) == ERR_OK) {
            err = compare_late(w, &info, &ids[i], item->number);
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
    if (err == ERR_OK && kv_count(&w->read->txn, VIEW_WAITING) != w->waiting) {
        fault(w, "views: other entries wait for a key than the journal has");
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
    struct opener_keys keys = {0, 0};
    if (read->views->opener != NULL) {
        err = opener_keys(read->views->opener, SIZE_MAX, &keys);
    }
    if (err != ERR_OK || atomic_load(&read->views->is_damaged) || state->epoch != store_epoch(read->log) || keys.count != state->keys ||
        keys.digest != state->keys_digest) {
        return err; /* they are about to be made anew, or compared with other keys */
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
    free(w->late);
    free(w);
    return err == ERR_OK && check->faults > 0 ? views_damaged(read, ERR_CORRUPT) : err;
}

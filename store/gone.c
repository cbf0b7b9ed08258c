#include "store/gone.h"

#include "store/dead.h"
#include "store/entry.h"
#include "store/index/finder.h"
#include "store/index/tables.h"

#include <stdlib.h>
#include <time.h>

enum { SECONDS_A_DAY = 86400, PLACE_BYTES = 11, DAY_ROW_BYTES = 8 };

uint32_t gone_today(void)
{
    time_t now = time(NULL);

    return now < 0 ? 0 : (uint32_t)(now / SECONDS_A_DAY);
}

enum err gone_has(struct kv_txn *txn, uint32_t number, bool *ret)
{
    enum err err = block_has(txn, VIEW_ERASED, number, ret);

    return err == ERR_OK && !*ret ? block_has(txn, VIEW_HIDDEN, number, ret) : err;
}

/* Lists that grow. */
struct numbers {
    uint32_t *items;
    size_t count, cap;
};

static enum err numbers_add(struct numbers *numbers, uint32_t number)
{
    if (numbers->count == numbers->cap) {
        size_t cap = numbers->cap == 0 ? 64 : 2 * numbers->cap;
        uint32_t *bigger = realloc(numbers->items, cap * sizeof *bigger);
        if (bigger == NULL) {
            return ERR_MEMORY;
        }
        numbers->items = bigger;
        numbers->cap = cap;
    }
    numbers->items[numbers->count++] = number;
    return ERR_OK;
}

struct keys {
    struct record_key *items;
    size_t count, cap;
};

static enum err keys_add(struct keys *keys, const struct record_key *key)
{
    if (keys->count == keys->cap) {
        size_t cap = keys->cap == 0 ? 64 : 2 * keys->cap;
        struct record_key *bigger = realloc(keys->items, cap * sizeof *bigger);
        if (bigger == NULL) {
            return ERR_MEMORY;
        }
        keys->items = bigger;
        keys->cap = cap;
    }
    keys->items[keys->count++] = *key;
    return ERR_OK;
}

static int key_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct record_key));
}

static int id_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct record_id));
}

/* ---- counting again what names what ---- */

struct recount {
    struct withdrawal *work;
    struct ends ends;
    struct finder *finder;
    struct keys versions; /* of the records concerned */
    struct keys held;     /* what was named till now */
    struct keys names;    /* what is named, once for each naming */
    struct numbers docs;  /* of one record */
    struct keys doc_keys; /* with each */
    enum err err;
};

static bool version_each(void *arg, struct span term, uint32_t number)
{
    struct recount *recount = arg;
    struct record_key key;

    if (term.n != RECORD_TERM_BYTES) {
        recount->err = ERR_CORRUPT;
        return false;
    }
    memcpy(key.b, term.p + 1, sizeof key.b);
    recount->err = numbers_add(&recount->docs, number);
    if (recount->err == ERR_OK) {
        recount->err = keys_add(&recount->doc_keys, &key);
    }
    if (recount->err == ERR_OK) {
        recount->err = keys_add(&recount->versions, &key);
    }
    return recount->err == ERR_OK;
}

/* What one version names, when it counts and is here. */
static enum err names_add(struct recount *recount, uint32_t number, const struct record_key *key)
{
    struct withdrawal *work = recount->work;
    struct doc doc;
    struct hash hash;
    enum views_skip why;
    bool is_gone;
    enum err err = gone_has(work->txn, number, &is_gone);

    if (err == ERR_OK && !is_gone) {
        err = index_doc(work->txn, work->docs, number, &doc);
    }
    if (err != ERR_OK || is_gone || doc.seq > ends_of(&recount->ends, doc.log_number)) {
        return err;
    }
    struct log_info info;
    err = store_log_by_number(work->reader->log, doc.log_number, &info);
    if (err == ERR_OK) {
        err = store_commit_at(work->reader->log, doc.log_number, doc.seq, work->commit, &hash);
    }
    if (err != ERR_OK) {
        work->log_err = err == ERR_CORRUPT ? ERR_OK : err;
        return work->log_err; /* a damaged commit names nothing until it is repaired: what was ordered away must not stay for it */
    }
    if (doc.entry >= work->commit->entry_count) {
        return ERR_CORRUPT;
    }
    err = views_entry_record(work->reader, &info.node, &work->commit->entries[doc.entry], doc.seq, OPENER_NOW, work->record, NULL, &why);
    if (err != ERR_OK) { /* gone, as the journal will say further on; or the commit with its key is damaged */
        return err == ERR_NOT_FOUND || err == ERR_CORRUPT ? ERR_OK : err;
    }
    for (uint32_t i = 0; i < work->record->replaces_count && err == ERR_OK; i++) {
        struct record_key named;
        record_key(&work->record->id, key_read_u32(key->b + sizeof work->record->id.b), &work->record->replaces[i], &named);
        err = keys_add(&recount->names, &named);
    }
    return err;
}

static enum err record_gather(struct recount *recount, const struct record_id *id)
{
    struct kv_cursor cursor;
    struct span prefix = span_of(id->b, sizeof id->b);
    enum err err;

    recount->docs.count = recount->doc_keys.count = 0;
    recount->err = ERR_OK;
    err = finder_each(recount->finder, id, version_each, recount);
    err = err != ERR_OK ? err : recount->err;
    for (size_t i = 0; i < recount->docs.count && err == ERR_OK; i++) {
        err = names_add(recount, recount->docs.items[i], &recount->doc_keys.items[i]);
    }
    kv_cursor_open(recount->work->txn, VIEW_NAMED, &cursor);
    for (bool ok = err == ERR_OK && kv_seek_prefix(&cursor, prefix); ok && err == ERR_OK; ok = kv_next_prefix(&cursor, prefix)) {
        struct record_key key;
        if (cursor.key.n != sizeof key.b) {
            err = ERR_CORRUPT;
            break;
        }
        memcpy(key.b, cursor.key.p, sizeof key.b);
        err = keys_add(&recount->held, &key);
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : recount->work->txn->err;
}

static enum err recount_put(struct recount *recount)
{
    struct withdrawal *work = recount->work;

    for (size_t i = 0; i < recount->held.count; i++) {
        records_name_set(work->txn, &recount->held.items[i], 0);
    }
    if (recount->names.count > 0) {
        qsort(recount->names.items, recount->names.count, sizeof(struct record_key), key_compare);
    }
    for (size_t from = 0, to; from < recount->names.count; from = to) {
        for (to = from + 1; to < recount->names.count && key_compare(&recount->names.items[from], &recount->names.items[to]) == 0; to++) {
        }
        records_name_set(work->txn, &recount->names.items[from], (uint32_t)(to - from));
    }
    return records_settle(work->txn, work->docs, &recount->ends, recount->versions.items, recount->versions.count, work->current);
}

/* Of these documents, which have just gone or come back: bring their records up to date, as if the index had never held what is gone. */
static enum err records_recount(struct withdrawal *work, const struct numbers *numbers)
{
    struct recount recount = {.work = work};
    struct record_id *ids = malloc((numbers->count + 1) * sizeof *ids);
    enum err err = ids == NULL ? ERR_MEMORY : ends_load(work->txn, &recount.ends);

    for (size_t i = 0; i < numbers->count && err == ERR_OK; i++) {
        struct doc doc;
        err = index_doc(work->txn, work->docs, numbers->items[i], &doc);
        ids[i] = doc.id;
    }
    if (err == ERR_OK) {
        err = finder_new(work->txn, work->docs, &recount.finder);
        qsort(ids, numbers->count, sizeof *ids, id_compare);
    }
    for (size_t i = 0; i < numbers->count && err == ERR_OK; i++) {
        err = i > 0 && id_compare(&ids[i - 1], &ids[i]) == 0 ? ERR_OK : record_gather(&recount, &ids[i]);
    }
    finder_destroy(&recount.finder);
    if (err == ERR_OK) {
        err = recount_put(&recount);
    }
    ends_fini(&recount.ends);
    free(ids);
    free(recount.versions.items);
    free(recount.held.items);
    free(recount.names.items);
    free(recount.docs.items);
    free(recount.doc_keys.items);
    return err;
}

/* ---- payloads that were taken out ---- */

/* As in the columns: log, seq (48 bits), entry. */
static void place_write(const struct gone_place *place, uint8_t ret[PLACE_BYTES])
{
    struct out out = out_into(ret, PLACE_BYTES);

    key_u32(&out, place->log_number);
    key_u16(&out, (uint16_t)(place->seq >> 32));
    key_u32(&out, (uint32_t)place->seq);
    key_u8(&out, (uint8_t)place->entry);
}

static int place_compare(const void *a, const void *b)
{
    return memcmp(a, b, PLACE_BYTES);
}

/* Places, sorted, and the documents found at them. */
struct hunt {
    uint8_t *places;
    size_t count;
    struct numbers found;
};

static enum err hunt_row(struct hunt *hunt, const uint8_t *rest, uint32_t number)
{
    const uint8_t *at = rest + DOC_ID_REST_BYTES;

    if (memcmp(at, hunt->places, PLACE_BYTES) < 0 || memcmp(at, hunt->places + (hunt->count - 1) * PLACE_BYTES, PLACE_BYTES) > 0 ||
        bsearch(at, hunt->places, hunt->count, PLACE_BYTES, place_compare) == NULL) {
        return ERR_OK;
    }
    return numbers_add(&hunt->found, number);
}

/* Where a payload stood is no key of the index: the columns of all documents are read through, 23 bytes each. */
static enum err hunt_all(struct withdrawal *work, struct hunt *hunt)
{
    enum err err = ERR_OK;

    for (uint32_t i = 0; i < index_volume_count(work->docs) && err == ERR_OK; i++) {
        struct doc_columns columns;
        struct volume volume = index_volume(work->docs, i);
        err = doc_columns(work->txn, volume, &columns);
        for (uint32_t k = 0; k < level_docs(volume.level) && err == ERR_OK; k++) {
            err = hunt_row(hunt, columns.rest + (size_t)k * DOC_REST_BYTES, volume.first + k);
        }
    }
    for (uint32_t number = index_tail(work->docs); number < work->docs && err == ERR_OK; number++) {
        struct tail_row row;
        err = tail_get(work->txn, number, &row);
        if (err == ERR_OK) {
            err = hunt_row(hunt, row.rest, number);
        }
    }
    return err;
}

/* Those not marked yet, without further copies of the same. */
static enum err keep_unmarked(struct kv_txn *txn, uint32_t table, struct numbers *numbers)
{
    size_t kept = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; i < numbers->count && err == ERR_OK; i++) {
        bool is_marked = false;
        err = block_has(txn, table, numbers->items[i], &is_marked);
        if (err == ERR_OK && !is_marked) {
            numbers->items[kept++] = numbers->items[i];
        }
    }
    numbers->count = kept;
    return err;
}

/* The journal says that a payload went: is it still not here? Another commit may stand in the place of one that was taken back. */
static enum err places_check(struct withdrawal *work, const struct gone_place *places, size_t count, struct hunt *hunt)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        const struct entry *entry;
        if (places[i].seq > DOC_SEQ_MAX) {
            continue;
        }
        err = work->log_err = store_entry(work->reader->log, places[i].log_number, places[i].seq, places[i].entry, work->commit, &entry);
        if (err == ERR_NOT_FOUND) {
            err = work->log_err = ERR_OK;
        } else if (err == ERR_OK && !entry->has_payload) {
            place_write(&places[i], hunt->places + hunt->count++ * PLACE_BYTES);
        }
    }
    return err;
}

enum err gone_take(struct withdrawal *work, struct gone_place *places, size_t count)
{
    struct hunt hunt = {.places = malloc(count * PLACE_BYTES + 1)};
    enum err err = hunt.places == NULL ? ERR_MEMORY : places_check(work, places, count, &hunt);

    if (err == ERR_OK && hunt.count > 0) {
        qsort(hunt.places, hunt.count, PLACE_BYTES, place_compare);
        err = hunt_all(work, &hunt);
    }
    if (err == ERR_OK) {
        err = keep_unmarked(work->txn, VIEW_ERASED, &hunt.found);
    }
    if (err == ERR_OK && hunt.found.count > 0) {
        err = block_flip(work->txn, VIEW_ERASED, hunt.found.items, hunt.found.count);
        if (err == ERR_OK) {
            err = records_recount(work, &hunt.found);
        }
    }
    free(hunt.places);
    free(hunt.found.items);
    return err;
}

/* ---- days ---- */

static struct span day_row(uint32_t day, uint32_t number, uint8_t mem[DAY_ROW_BYTES])
{
    struct out key = out_into(mem, DAY_ROW_BYTES);

    key_u32(&key, day);
    key_u32(&key, number);
    return out_written(&key);
}

void gone_expires(struct kv_txn *txn, uint32_t number, uint32_t expiry_day, uint32_t *day, bool *ret_is_hidden)
{
    uint8_t mem[DAY_ROW_BYTES];

    *day = *day == 0 ? gone_today() : *day;
    kv_put(txn, VIEW_DAYS, day_row(expiry_day, number, mem), span_of(NULL, 0));
    *ret_is_hidden = expiry_day <= *day;
}

bool gone_is_due(struct kv_txn *txn, uint32_t day)
{
    return kv_count(txn, VIEW_DAYS) > 0 && day != gone_today();
}

/* Documents that expire after `from` and up to `to`, at most `max` whose mark is not `is_hidden` yet. */
static enum err days_between(struct kv_txn *txn, uint32_t from, uint32_t to, bool is_hidden, uint32_t max, struct numbers *ret)
{
    struct kv_cursor cursor;
    uint8_t mem[DAY_ROW_BYTES];
    enum err err = ERR_OK;

    kv_cursor_open(txn, VIEW_DAYS, &cursor);
    for (bool ok = kv_seek(&cursor, day_row(from + 1, 0, mem)); ok && err == ERR_OK && ret->count < max; ok = kv_next(&cursor)) {
        bool is_marked = false;
        if (cursor.key.n != DAY_ROW_BYTES) {
            err = ERR_CORRUPT;
            break;
        }
        if (key_read_u32(cursor.key.p) > to) {
            break;
        }
        uint32_t number = key_read_u32(cursor.key.p + 4);
        err = block_has(txn, VIEW_HIDDEN, number, &is_marked);
        if (err == ERR_OK && is_marked != is_hidden) {
            err = numbers_add(ret, number);
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : txn->err;
}

enum err gone_days(struct withdrawal *work, uint32_t max, uint32_t *day)
{
    struct numbers numbers = {0};
    uint32_t today = gone_today();
    bool is_later = today > *day;
    enum err err = days_between(work->txn, is_later ? *day : today, is_later ? today : *day, is_later, max, &numbers);

    if (err == ERR_OK && numbers.count > 0) {
        err = block_flip(work->txn, VIEW_HIDDEN, numbers.items, numbers.count);
        if (err == ERR_OK) {
            err = records_recount(work, &numbers);
        }
    }
    if (err == ERR_OK && numbers.count < max) {
        *day = today;
    }
    free(numbers.items);
    return err;
}

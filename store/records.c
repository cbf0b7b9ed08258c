#include "store/records.h"

#include "store/dead.h"
#include "store/gone.h"
#include "store/index/finder.h"
#include "store/index/tables.h"

#include <assert.h>
#include <stdlib.h>

void record_key(const struct record_id *id, uint32_t author, const struct hash *content, struct record_key *ret)
{
    struct out out = out_into(ret->b, sizeof ret->b);

    out_bytes(&out, id->b, sizeof id->b);
    key_u32(&out, author);
    out_bytes(&out, content->b, RECORD_NAME_BYTES);
    assert(!out.is_full && out.at == RECORD_KEY_BYTES);
}

void record_term(const struct record_key *key, uint32_t depth, uint8_t ret[RECORD_TERM_BYTES])
{
    struct out out = out_into(ret, RECORD_TERM_BYTES);

    key_u8(&out, TERM_VERSION);
    out_bytes(&out, key->b, sizeof key->b);
    key_u16(&out, (uint16_t)(depth < UINT16_MAX ? depth : UINT16_MAX));
    assert(!out.is_full && out.at == RECORD_TERM_BYTES);
}

static struct record_id id_of(const struct record_key *key)
{
    struct record_id id;

    memcpy(id.b, key->b, sizeof id.b);
    return id;
}

static int news_compare(const void *a, const void *b)
{
    const struct record_news *x = a, *y = b;
    int order = memcmp(x->key.b, y->key.b, sizeof x->key.b);

    if (order != 0) {
        return order;
    }
    if (x->is_held != y->is_held) {
        return x->is_held ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number); /* of two copies the first in the journal counts */
}

/* Does the commit that holds the document not count? */
static enum err is_beyond(struct kv_txn *txn, uint32_t docs, const struct ends *ends, uint32_t number, bool *ret)
{
    struct doc doc;
    enum err err;

    *ret = false;
    if (ends->count == 0) {
        return ERR_OK;
    }
    err = index_doc(txn, docs, number, &doc);
    if (err == ERR_OK) {
        *ret = doc.seq > ends_of(ends, doc.log_number);
    }
    return err;
}

/* Does the document not count: for that, or because it is gone? */
static enum err is_withdrawn(struct kv_txn *txn, uint32_t docs, const struct ends *ends, uint32_t number, bool *ret)
{
    enum err err = ERR_OK;

    *ret = false;
    if (ends->has_gone) {
        err = gone_has(txn, number, ret);
    }
    return err == ERR_OK && !*ret ? is_beyond(txn, docs, ends, number, ret) : err;
}

/* How many versions that count name this one. */
static enum err named_get(struct kv_txn *txn, const struct record_key *key, uint32_t *ret)
{
    struct span value;

    *ret = 0;
    if (!kv_get(txn, VIEW_NAMED, span_of(key->b, sizeof key->b), &value)) {
        return txn->err;
    }
    return varint_read(&value, ret) && value.n == 0 && *ret > 0 ? ERR_OK : ERR_CORRUPT;
}

void records_name_set(struct kv_txn *txn, const struct record_key *key, uint32_t count)
{
    uint8_t b[5];
    struct out out = out_into(b, sizeof b);

    varint_write(&out, count);
    if (count == 0) {
        (void)kv_delete(txn, VIEW_NAMED, span_of(key->b, sizeof key->b));
    } else {
        kv_put(txn, VIEW_NAMED, span_of(key->b, sizeof key->b), out_written(&out));
    }
}

enum err records_name(struct kv_txn *txn, const struct record_key *key, int change)
{
    uint32_t count;
    enum err err = named_get(txn, key, &count);

    if (err != ERR_OK) {
        return err;
    }
    if ((change < 0 && count == 0) || (change > 0 && count == UINT32_MAX)) {
        return ERR_CORRUPT;
    }
    records_name_set(txn, key, change < 0 ? count - 1 : count + 1);
    return txn->err;
}

/* ---- learning ---- */

struct renamed { /* how often a version is named now */
    const struct record_key *key;
    uint32_t count;
};

/* What a batch changes: gathered while everything is only read, then written. */
struct change {
    struct kv_txn *txn;
    uint32_t docs;
    const struct ends *ends;
    struct finder *finder;
    uint64_t *current;
    uint32_t *flips; /* documents that cease to be current, or never were, or are again; yours to free */
    size_t flip_count, flip_cap;
    struct renamed *named; /* room for every piece of news */
    size_t named_count;
};

static enum err flip_add(struct change *change, uint32_t number)
{
    if (change->flip_count == change->flip_cap) {
        size_t n = change->flip_cap == 0 ? 256 : change->flip_cap * 2;
        uint32_t *bigger = realloc(change->flips, n * sizeof *bigger);
        if (bigger == NULL) {
            return ERR_MEMORY;
        }
        change->flips = bigger;
        change->flip_cap = n;
    }
    change->flips[change->flip_count++] = number;
    return ERR_OK;
}

struct lookup {
    struct change *change;
    const struct record_key *key;
    uint32_t number; /* the lowest document of the version that counts; UINT32_MAX none */
    enum err err;
};

static bool is_version(struct span term, const struct record_key *key)
{
    return term.n == RECORD_TERM_BYTES && memcmp(term.p + 1, key->b, RECORD_KEY_BYTES) == 0;
}

static bool lookup_each(void *arg, struct span term, uint32_t number)
{
    struct lookup *lookup = arg;
    bool does_not_count;

    if (!is_version(term, lookup->key) || number > lookup->number) {
        return true;
    }
    lookup->err = is_withdrawn(lookup->change->txn, lookup->change->docs, lookup->change->ends, number, &does_not_count);
    if (lookup->err == ERR_OK && !does_not_count) {
        lookup->number = number;
    }
    return lookup->err == ERR_OK;
}

/* A document ceases to be current. */
static enum err retire(struct change *change, uint32_t number)
{
    struct doc doc;
    enum err err = index_doc(change->txn, change->docs, number, &doc);

    if (err == ERR_OK && change->current[doc.kind]-- == 0) {
        err = ERR_CORRUPT;
    }
    return err;
}

/* All that the batch says of one version: its copies first, then that it is named. */
static enum err learn(struct change *change, const struct record_news *news, size_t count)
{
    struct record_id id = id_of(&news->key);
    struct lookup held = {change, &news->key, UINT32_MAX, ERR_OK};
    uint32_t before, named;
    uint8_t kind = 0;
    bool was_held, was_current, is_current;
    enum err err = named_get(change->txn, &news->key, &before);

    if (err == ERR_OK) {
        err = finder_each(change->finder, &id, lookup_each, &held);
    }
    err = err != ERR_OK ? err : held.err;
    named = before;
    was_held = held.number != UINT32_MAX;
    was_current = was_held && before == 0;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (!news[i].is_held) {
            named += named < UINT32_MAX;
        } else if (held.number == UINT32_MAX && !news[i].is_withdrawn) {
            held.number = news[i].number;
            kind = news[i].kind;
        } else {
            err = flip_add(change, news[i].number); /* a copy, or withdrawn: dead from the start */
        }
    }
    if (err == ERR_OK && named != before) {
        change->named[change->named_count++] = (struct renamed){&news->key, named};
    }
    is_current = held.number != UINT32_MAX && named == 0;
    if (err != ERR_OK || held.number == UINT32_MAX) {
        return err;
    }
    if (is_current && !was_current) {
        change->current[kind]++;
    } else if (!is_current && (was_current || !was_held)) {
        err = flip_add(change, held.number);
        if (err == ERR_OK && was_current) {
            err = retire(change, held.number);
        }
    }
    return err;
}

static enum err change_end(struct change *change, enum err err)
{
    finder_destroy(&change->finder);
    for (size_t i = 0; i < change->named_count && err == ERR_OK; i++) {
        records_name_set(change->txn, change->named[i].key, change->named[i].count);
    }
    if (err == ERR_OK) {
        err = dead_flip(change->txn, change->flips, change->flip_count);
    }
    free(change->flips);
    free(change->named);
    return err != ERR_OK ? err : change->txn->err;
}

enum err records_apply(struct kv_txn *txn, uint32_t docs, const struct ends *ends, struct record_news *news, size_t count,
                       uint64_t current[RECORD_KINDS_MAX])
{
    struct change change = {.txn = txn, .docs = docs, .ends = ends, .current = current};
    enum err err;

    if (count == 0) {
        return ERR_OK;
    }
    change.named = malloc(count * sizeof *change.named);
    err = change.named == NULL ? ERR_MEMORY : finder_new(txn, docs, &change.finder);
    qsort(news, count, sizeof *news, news_compare);
    for (size_t from = 0, to; from < count && err == ERR_OK; from = to) {
        for (to = from + 1; to < count && memcmp(news[from].key.b, news[to].key.b, sizeof news->key.b) == 0; to++) {
        }
        err = learn(&change, news + from, to - from);
    }
    return change_end(&change, err);
}

/* ---- settling ---- */

/* The documents of one version: one, but for copies. Volumes come in rising order, and the tail last. */
struct copies {
    const struct record_key *key;
    uint32_t *numbers;
    size_t count, cap;
    bool is_short; /* of memory */
};

static bool copies_each(void *arg, struct span term, uint32_t number)
{
    struct copies *copies = arg;

    if (!is_version(term, copies->key)) {
        return true;
    }
    if (copies->count == copies->cap) {
        size_t n = copies->cap == 0 ? 4 : copies->cap * 2;
        uint32_t *bigger = realloc(copies->numbers, n * sizeof *bigger);
        if (bigger == NULL) {
            copies->is_short = true;
            return false;
        }
        copies->numbers = bigger;
        copies->cap = n;
    }
    copies->numbers[copies->count++] = number;
    return true;
}

static enum err settle_document(struct change *change, uint32_t number, bool is_named, bool *has_first)
{
    bool was_dead = false, does_not_count = true, is_dead;
    struct doc doc;
    enum err err = is_withdrawn(change->txn, change->docs, change->ends, number, &does_not_count);

    if (err == ERR_OK) {
        err = dead_has(change->txn, number, &was_dead);
    }
    if (err == ERR_OK) {
        err = index_doc(change->txn, change->docs, number, &doc);
    }
    is_dead = does_not_count || *has_first || is_named;
    *has_first = *has_first || !does_not_count;
    if (err != ERR_OK || is_dead == was_dead) {
        return err;
    }
    if (!is_dead) {
        change->current[doc.kind]++;
    } else if (change->current[doc.kind]-- == 0) {
        return ERR_CORRUPT;
    }
    return flip_add(change, number);
}

/* Of the documents of a version that count the first is current, when none names it; all others are dead. */
static enum err settle(struct change *change, const struct record_key *key)
{
    struct copies copies = {.key = key};
    struct record_id id = id_of(key);
    uint32_t named;
    bool has_first = false;
    enum err err = named_get(change->txn, key, &named);

    if (err == ERR_OK) {
        err = finder_each(change->finder, &id, copies_each, &copies);
    }
    if (err == ERR_OK && copies.is_short) {
        err = ERR_MEMORY;
    }
    for (size_t i = 0; i < copies.count && err == ERR_OK; i++) {
        err = settle_document(change, copies.numbers[i], named > 0, &has_first);
    }
    free(copies.numbers);
    return err;
}

static int key_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct record_key));
}

enum err records_settle(struct kv_txn *txn, uint32_t docs, const struct ends *ends, struct record_key *keys, size_t count,
                        uint64_t current[RECORD_KINDS_MAX])
{
    struct change change = {.txn = txn, .docs = docs, .ends = ends, .current = current};
    enum err err;

    if (count == 0) {
        return ERR_OK;
    }
    err = finder_new(txn, docs, &change.finder);
    qsort(keys, count, sizeof *keys, key_compare);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (i == 0 || memcmp(keys[i - 1].b, keys[i].b, sizeof keys->b) != 0) {
            err = settle(&change, &keys[i]);
        }
    }
    return change_end(&change, err);
}

/* ---- reading ---- */

struct gather {
    struct record_row *rows;
    size_t count, cap, max;
    enum err err;
};

static bool gather_each(void *arg, struct span term, uint32_t number)
{
    struct gather *gather = arg;
    struct record_row *row;

    if (term.n != RECORD_TERM_BYTES) {
        gather->err = ERR_CORRUPT;
        return false;
    }
    if (gather->count == gather->cap) {
        size_t n = gather->cap == 0 ? 8 : gather->cap * 2;
        struct record_row *bigger = realloc(gather->rows, n * sizeof *bigger);
        if (bigger == NULL) {
            gather->err = ERR_MEMORY;
            return false;
        }
        gather->rows = bigger;
        gather->cap = n;
    }
    row = &gather->rows[gather->count++];
    memcpy(row->key.b, term.p + 1, sizeof row->key.b);
    row->depth = key_read_u16(term.p + 1 + sizeof row->key.b);
    row->number = number;
    row->is_replaced = row->is_withdrawn = row->is_gone = false;
    return gather->count < gather->max;
}

static int row_by_key(const void *a, const void *b)
{
    const struct record_row *x = a, *y = b;
    int order = memcmp(x->key.b, y->key.b, sizeof x->key.b);

    if (order == 0 && x->is_withdrawn != y->is_withdrawn) {
        return x->is_withdrawn ? 1 : -1;
    }
    if (order == 0 && x->is_gone != y->is_gone) {
        return x->is_gone ? 1 : -1;
    }
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static int row_for_display(const void *a, const void *b)
{
    const struct record_row *x = a, *y = b;
    int order;

    if (x->is_withdrawn != y->is_withdrawn) {
        return x->is_withdrawn ? 1 : -1;
    }
    if (x->is_replaced != y->is_replaced) {
        return x->is_replaced ? 1 : -1;
    }
    if (x->depth != y->depth) {
        return x->depth > y->depth ? -1 : 1;
    }
    order = memcmp(x->key.b + RECORD_KEY_BYTES - RECORD_NAME_BYTES, y->key.b + RECORD_KEY_BYTES - RECORD_NAME_BYTES, RECORD_NAME_BYTES);
    return order != 0 ? order : memcmp(x->key.b, y->key.b, sizeof x->key.b);
}

enum err records_get(struct kv_txn *txn, uint32_t docs, const struct record_id *id, size_t max, struct record_row **ret, size_t *ret_count)
{
    struct gather gather = {.max = max};
    struct finder *finder = NULL;
    struct ends ends;
    size_t count = 0;
    enum err err = ends_load(txn, &ends);

    if (err != ERR_OK) {
        return err;
    }
    err = finder_new(txn, docs, &finder);

    if (err == ERR_OK) {
        err = finder_each(finder, id, gather_each, &gather);
        finder_destroy(&finder);
    }
    err = err != ERR_OK ? err : gather.err != ERR_OK ? gather.err : gather.count == 0 ? ERR_NOT_FOUND : ERR_OK;
    for (size_t i = 0; i < gather.count && err == ERR_OK; i++) {
        err = is_beyond(txn, docs, &ends, gather.rows[i].number, &gather.rows[i].is_withdrawn);
        if (err == ERR_OK && ends.has_gone) {
            err = gone_has(txn, gather.rows[i].number, &gather.rows[i].is_gone);
        }
    }
    ends_fini(&ends);
    if (err == ERR_OK) {
        qsort(gather.rows, gather.count, sizeof *gather.rows, row_by_key);
        for (size_t i = 0; i < gather.count; i++) {
            struct span value;
            if (count > 0 && memcmp(gather.rows[count - 1].key.b, gather.rows[i].key.b, sizeof gather.rows[i].key.b) == 0) {
                continue; /* a copy */
            }
            gather.rows[count] = gather.rows[i];
            gather.rows[count].is_replaced = kv_get(txn, VIEW_NAMED, span_of(gather.rows[i].key.b, sizeof gather.rows[i].key.b), &value);
            count++;
        }
        qsort(gather.rows, count, sizeof *gather.rows, row_for_display);
        err = txn->err;
    }
    if (err != ERR_OK) {
        free(gather.rows);
        return err;
    }
    *ret = gather.rows;
    *ret_count = count;
    return ERR_OK;
}

struct filed {
    uint32_t number;
    struct record_key *ret;
    bool is_found;
};

static bool filed_each(void *arg, struct span term, uint32_t number)
{
    struct filed *filed = arg;

    if (number != filed->number || term.n != RECORD_TERM_BYTES) {
        return true;
    }
    memcpy(filed->ret->b, term.p + 1, RECORD_KEY_BYTES);
    filed->is_found = true;
    return false;
}

enum err records_key_of(struct kv_txn *txn, uint32_t docs, uint32_t number, const struct record_id *id, struct record_key *ret)
{
    struct filed filed = {number, ret, false};
    enum err err = finder_document(txn, docs, number, id, filed_each, &filed);

    return err != ERR_OK ? err : filed.is_found ? ERR_OK : ERR_CORRUPT;
}

/* The lowest ids seen so far, rising. */
struct resolve {
    const struct record_id *from;
    uint32_t bits;
    struct record_id *ids;
    size_t count, max;
};

static bool resolve_each(void *arg, struct span term, uint32_t number)
{
    struct resolve *resolve = arg;
    struct record_id id;
    size_t at = resolve->count, whole = resolve->bits / 8;

    (void)number;
    if (term.n != RECORD_TERM_BYTES) {
        return true;
    }
    memcpy(id.b, term.p + 1, sizeof id.b);
    if (resolve->bits % 8 != 0 && (id.b[whole] ^ resolve->from->b[whole]) >> (8 - resolve->bits % 8) != 0) {
        return true; /* agrees only in the whole bytes */
    }
    while (at > 0 && memcmp(resolve->ids[at - 1].b, id.b, sizeof id.b) > 0) {
        at--;
    }
    if (at > 0 && memcmp(resolve->ids[at - 1].b, id.b, sizeof id.b) == 0) {
        return true;
    }
    if (at == resolve->max) {
        return false; /* rising within the volume: nothing further in it is among the lowest */
    }
    if (resolve->count < resolve->max) {
        resolve->count++;
    }
    memmove(resolve->ids + at + 1, resolve->ids + at, (resolve->count - at - 1) * sizeof *resolve->ids);
    resolve->ids[at] = id;
    return true;
}

enum err records_resolve(struct kv_txn *txn, uint32_t docs, const struct record_id *from, uint32_t bits, struct record_id *ret, size_t max,
                         size_t *ret_count)
{
    struct resolve resolve = {from, bits, ret, 0, max};
    struct finder *finder = NULL;
    enum err err;

    assert(bits <= 8 * sizeof from->b);
    if (max == 0) {
        *ret_count = 0;
        return ERR_OK;
    }
    err = finder_new(txn, docs, &finder);
    if (err == ERR_OK) {
        err = finder_range(finder, from, bits / 8, resolve_each, &resolve);
        finder_destroy(&finder);
    }
    if (err == ERR_OK) {
        *ret_count = resolve.count;
    }
    return err;
}

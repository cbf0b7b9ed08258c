#include "store/index/search.h"

#include "store/index/index.h"
#include "store/index/tables.h"
#include "store/index/top.h"
#include "store/dead.h"

#include <stdlib.h>

struct search {
    struct top top;
    struct volume_walk walk;
    uint64_t hits[RANGE_WORDS_MAX]; /* of the present volume */
    uint64_t need[RANGE_WORDS_MAX]; /* what one need allows */
    uint64_t conj[RANGE_WORDS_MAX]; /* what an excluded clause says */
    uint64_t dead[RANGE_WORDS_MAX]; /* of the present block of 65,536 */
    uint32_t dead_block;            /* whose dead are loaded; UINT32_MAX none */
    bool has_dead;
    /* For the call: */
    struct kv_txn *txn;
    struct kv_cursor cursor;
    const struct query *query;
    uint64_t total;
};

struct search *search_new(void)
{
    return calloc(1, sizeof(struct search));
}

void search_destroy(struct search **search)
{
    if (*search != NULL) {
        top_fini(&(*search)->top);
        free(*search);
        *search = NULL;
    }
}

/* ---- one volume ---- */

static enum err atom_or(struct search *search, struct volume volume, const struct query_atom *atom, uint64_t *words)
{
    struct postings postings;
    enum err err = ERR_OK;

    if (!atom->is_prefix) {
        err = volume_find(&search->cursor, volume, atom->term, &postings);
        return err == ERR_OK ? postings_or(&postings, words) : err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    for (bool ok = volume_walk_begin(&search->walk, &search->cursor, volume, atom->term); ok && err == ERR_OK;
         ok = volume_walk_next(&search->walk, &search->cursor)) {
        if (!key_has_prefix(volume_walk_term(&search->walk), atom->term)) {
            return ERR_OK;
        }
        err = postings_or(&search->walk.postings, words);
    }
    return err != ERR_OK ? err : search->walk.err;
}

static enum err need_bits(struct search *search, struct volume volume, const struct query_need *need, uint64_t *words)
{
    enum err err = ERR_OK;

    memset(words, 0, level_docs(volume.level) / 8);
    for (uint32_t i = 0; i < need->count && err == ERR_OK; i++) {
        err = atom_or(search, volume, &search->query->atoms[need->first + i], words);
    }
    return err;
}

/* words &= with; true when something is left. */
static bool words_and(uint64_t *words, const uint64_t *with, size_t n)
{
    uint64_t any = 0;

    for (size_t i = 0; i < n; i++) {
        words[i] &= with[i];
        any |= words[i];
    }
    return any != 0;
}

/* A need of one exact term, looked up but not unfolded: its size is known, so the rarest can go first, and a missing one ends the volume. */
struct found {
    struct postings postings;
    uint32_t need;
};

/* The exact needs of the clauses that must hold, by rising size. *ret_is_none: one of them is nowhere in the volume. */
static enum err find_exact(struct search *search, struct volume volume, struct found *ret, size_t *ret_count, bool *ret_is_none)
{
    const struct query *query = search->query;

    *ret_count = 0;
    *ret_is_none = false;
    for (uint32_t c = 0; c < query->clause_count; c++) {
        for (uint32_t n = query->clauses[c].first; !query->clauses[c].is_not && n < query->clauses[c].first + query->clauses[c].count; n++) {
            const struct query_need *need = &query->needs[n];
            struct found found = {.need = n};
            size_t at;
            enum err err;
            if (need->count != 1 || query->atoms[need->first].is_prefix) {
                continue;
            }
            err = volume_find(&search->cursor, volume, query->atoms[need->first].term, &found.postings);
            if (err == ERR_NOT_FOUND) {
                *ret_is_none = true;
                return ERR_OK;
            }
            if (err != ERR_OK) {
                return err;
            }
            for (at = (*ret_count)++; at > 0 && ret[at - 1].postings.count > found.postings.count; at--) {
                ret[at] = ret[at - 1];
            }
            ret[at] = found;
        }
    }
    return ERR_OK;
}

/* Take away what an excluded clause says. */
static enum err exclude(struct search *search, struct volume volume, const struct query_clause *clause)
{
    size_t n = level_docs(volume.level) / 64;
    bool is_any = true;
    enum err err = need_bits(search, volume, &search->query->needs[clause->first], search->conj);

    for (uint32_t i = 1; i < clause->count && is_any && err == ERR_OK; i++) {
        err = need_bits(search, volume, &search->query->needs[clause->first + i], search->need);
        is_any = words_and(search->conj, search->need, n);
    }
    for (size_t i = 0; i < n && is_any; i++) {
        search->hits[i] &= ~search->conj[i];
    }
    return err;
}

/* What the clauses that must hold leave of the volume, in search->hits. */
static enum err include(struct search *search, struct volume volume, bool *ret_is_any)
{
    const struct query *query = search->query;
    size_t n = level_docs(volume.level) / 64, exact;
    struct found found[QUERY_TERMS_MAX];
    bool is_none, is_first;
    enum err err = find_exact(search, volume, found, &exact, &is_none);

    *ret_is_any = false;
    if (err != ERR_OK || is_none) {
        return err;
    }
    is_first = exact == 0;
    memset(search->hits, is_first ? 0xff : 0, n * 8);
    for (size_t i = 0; i < exact; i++) {
        if (i > 0) {
            memset(search->need, 0, n * 8);
        }
        err = postings_or(&found[i].postings, i == 0 ? search->hits : search->need);
        if (err != ERR_OK || (i > 0 && !words_and(search->hits, search->need, n))) {
            return err;
        }
    }
    for (uint32_t c = 0; c < query->clause_count; c++) {
        for (uint32_t k = query->clauses[c].first; !query->clauses[c].is_not && k < query->clauses[c].first + query->clauses[c].count; k++) {
            const struct query_need *need = &query->needs[k];
            if (need->count == 1 && !query->atoms[need->first].is_prefix) {
                continue;
            }
            err = need_bits(search, volume, need, search->need);
            if (err != ERR_OK || !words_and(search->hits, search->need, n)) {
                return err;
            }
        }
    }
    *ret_is_any = true;
    return ERR_OK;
}

/* ---- documents that are not current ---- */

static enum err dead_load(struct search *search, uint32_t first)
{
    enum err err;

    if (search->dead_block == first >> 16) {
        return ERR_OK;
    }
    memset(search->dead, 0, sizeof search->dead);
    err = dead_bits(search->txn, first & ~UINT32_C(0xffff), RANGE_DOCS_MAX, search->dead);
    search->dead_block = first >> 16;
    search->has_dead = false;
    for (size_t i = 0; i < RANGE_WORDS_MAX && !search->has_dead; i++) {
        search->has_dead = search->dead[i] != 0;
    }
    return err;
}

static bool is_dead(const struct search *search, uint32_t number)
{
    return (search->dead[(number & 0xffff) / 64] >> number % 64 & 1) != 0;
}

/* ---- collecting ---- */

/* How many bits are set: the compiler's own calls a function with a table, for it may not assume the instruction. */
static uint64_t bits_in(uint64_t w)
{
    w -= w >> 1 & UINT64_C(0x5555555555555555);
    w = (w & UINT64_C(0x3333333333333333)) + (w >> 2 & UINT64_C(0x3333333333333333));
    w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return w * UINT64_C(0x0101010101010101) >> 56;
}

static enum err collect(struct search *search, struct volume volume)
{
    size_t n = level_docs(volume.level) / 64;
    struct doc_columns columns = {0};
    uint64_t count = 0;
    enum err err;

    for (size_t i = 0; i < n; i++) {
        count += bits_in(search->hits[i]);
    }
    search->total += count;
    if (count == 0 || search->top.keep == 0) {
        return ERR_OK;
    }
    err = doc_columns(search->txn, volume, &columns);
    for (size_t i = 0; i < n && err == ERR_OK; i++) {
        for (uint64_t w = search->hits[i]; w != 0 && err == ERR_OK; w &= w - 1) {
            uint32_t at = (uint32_t)i * 64 + (uint32_t)__builtin_ctzll(w);
            struct hit hit = {doc_order(columns.order + (size_t)at * DOC_ORDER_BYTES), columns.rest + (size_t)at * DOC_REST_BYTES, volume.first + at};
            err = top_add(&search->top, hit);
        }
    }
    return err;
}

static enum err search_volume(struct search *search, struct volume volume)
{
    const struct query *query = search->query;
    size_t n = level_docs(volume.level) / 64;
    bool is_any;
    enum err err = include(search, volume, &is_any);

    if (err != ERR_OK || !is_any) {
        return err;
    }
    for (uint32_t c = 0; c < query->clause_count && err == ERR_OK; c++) {
        if (query->clauses[c].is_not) {
            err = exclude(search, volume, &query->clauses[c]);
        }
    }
    if (err == ERR_OK) {
        err = dead_load(search, volume.first);
    }
    if (err == ERR_OK && search->has_dead) {
        const uint64_t *dead = search->dead + (volume.first & 0xffff) / 64;
        for (size_t i = 0; i < n; i++) {
            search->hits[i] &= ~dead[i];
        }
    }
    return err != ERR_OK ? err : collect(search, volume);
}

/* ---- the tail ---- */

static bool atom_matches(const struct query_atom *atom, struct span terms)
{
    struct span term;

    while (tail_term(&terms, &term)) {
        if (atom->is_prefix ? key_has_prefix(term, atom->term) : span_equal(term, atom->term)) {
            return true;
        }
    }
    return false;
}

static bool clause_matches(const struct query *query, const struct query_clause *clause, struct span terms)
{
    for (uint32_t n = clause->first; n < clause->first + clause->count; n++) {
        const struct query_need *need = &query->needs[n];
        bool is_met = false;
        for (uint32_t a = need->first; a < need->first + need->count && !is_met; a++) {
            is_met = atom_matches(&query->atoms[a], terms);
        }
        if (!is_met) {
            return false;
        }
    }
    return true;
}

static enum err search_tail(struct search *search, uint32_t docs)
{
    const struct query *query = search->query;
    enum err err = ERR_OK;

    for (uint32_t number = index_tail(docs); number < docs && err == ERR_OK; number++) {
        struct tail_row row;
        bool is_hit = true;
        err = tail_get(search->txn, number, &row);
        if (err == ERR_OK) {
            err = dead_load(search, number);
        }
        if (err != ERR_OK || is_dead(search, number)) {
            continue;
        }
        for (uint32_t c = 0; c < query->clause_count && is_hit; c++) {
            is_hit = clause_matches(query, &query->clauses[c], row.terms) != query->clauses[c].is_not;
        }
        if (is_hit) {
            search->total++;
            err = top_add(&search->top, (struct hit){doc_order(row.order), row.rest, number});
        }
    }
    return err;
}

/* ---- the whole ---- */

static enum err give(struct search *search, uint32_t docs, uint64_t offset, size_t limit,
                     bool (*each)(void *arg, uint32_t number, const struct doc *doc), void *arg, size_t *ret_count)
{
    size_t given = 0;
    enum err err = ERR_OK;

    top_end(&search->top);
    for (uint64_t i = offset; i < search->top.count && given < limit; i++) {
        uint32_t number = search->top.hits[i].number;
        struct doc doc;
        err = index_doc(search->txn, docs, number, &doc);
        if (err != ERR_OK) {
            break;
        }
        given++;
        if (!each(arg, number, &doc)) {
            break;
        }
    }
    *ret_count = given;
    return err;
}

enum err search_run(struct search *search, struct kv_txn *txn, uint32_t docs, const struct query *query, uint64_t offset, size_t limit,
                    bool (*each)(void *arg, uint32_t number, const struct doc *doc), void *arg, uint64_t *ret_total, size_t *ret_count)
{
    enum err err;

    if (offset > SEARCH_DEPTH_MAX || limit > SEARCH_DEPTH_MAX - offset) {
        return ERR_INVALID;
    }
    top_begin(&search->top, limit == 0 ? 0 : (size_t)offset + limit);
    search->txn = txn;
    search->query = query;
    search->total = 0;
    search->dead_block = UINT32_MAX;
    err = search_tail(search, docs); /* newest first: what comes later is then mostly refused by its date alone */
    kv_cursor_open(txn, VIEW_TERMS, &search->cursor);
    for (uint32_t i = index_volume_count(docs); i > 0 && err == ERR_OK; i--) {
        err = search_volume(search, index_volume(docs, i - 1));
    }
    kv_cursor_close(&search->cursor);
    if (err == ERR_OK) {
        err = txn->err;
    }
    if (err == ERR_OK) {
        err = give(search, docs, offset, limit, each, arg, ret_count);
    }
    if (err == ERR_OK) {
        *ret_total = search->total;
    }
    return err;
}

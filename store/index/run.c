#include "store/index/run.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

/* A distinct term: where its bytes are, how many documents hold it, and the last one that did. */
struct word {
    uint64_t hash;
    uint32_t at;
    uint32_t count;
    uint32_t last;
    uint8_t bytes;
};

struct pair {
    uint32_t word;
    uint16_t doc;
};

struct ranked { /* sorts by its first eight bytes without looking further, mostly */
    uint64_t head;
    uint32_t word;
};

struct run {
    struct word *words;
    size_t word_count, word_cap;
    uint32_t *slots; /* word + 1, or 0: open addressing, a power of two, at most half full */
    size_t slot_count;
    uint8_t *text;
    size_t text_bytes, text_cap;
    struct pair *pairs;
    size_t pair_count, pair_cap;
    /* After run_sort: */
    struct ranked *order;
    size_t order_cap;
    size_t *begins; /* by rank, and the end */
    size_t begins_cap;
    uint16_t *docs;
    size_t docs_cap;
};

enum { SLOTS_MIN = 1 << 12 };

/* Room for `want` items in `*p`; grows by doubling. */
static bool grow(void **p, size_t *cap, size_t want, size_t item_bytes)
{
    size_t n = *cap == 0 ? 4096 : *cap;
    void *bigger;

    if (want <= *cap) {
        return true;
    }
    while (n < want) {
        n *= 2;
    }
    bigger = realloc(*p, n * item_bytes);
    if (bigger == NULL) {
        return false;
    }
    *p = bigger;
    *cap = n;
    return true;
}

struct run *run_new(void)
{
    struct run *run = calloc(1, sizeof *run);

    if (run == NULL) {
        return NULL;
    }
    run->slots = calloc(SLOTS_MIN, sizeof *run->slots);
    run->slot_count = SLOTS_MIN;
    if (run->slots == NULL) {
        run_destroy(&run);
    }
    return run;
}

void run_destroy(struct run **run)
{
    struct run *r = *run;

    if (r == NULL) {
        return;
    }
    free(r->words);
    free(r->slots);
    free(r->text);
    free(r->pairs);
    free(r->order);
    free(r->begins);
    free(r->docs);
    free(r);
    *run = NULL;
}

void run_clear(struct run *run)
{
    /* A live batch of one record must not pay for the table that a bulk batch has left behind. */
    if (run->word_count < run->slot_count / 64) {
        for (size_t i = 0; i < run->word_count; i++) {
            size_t slot = (size_t)run->words[i].hash & (run->slot_count - 1);
            while (run->slots[slot] != 0) {
                run->slots[slot] = 0;
                slot = (slot + 1) & (run->slot_count - 1);
            }
        }
    } else {
        memset(run->slots, 0, run->slot_count * sizeof *run->slots);
    }
    run->word_count = 0;
    run->text_bytes = 0;
    run->pair_count = 0;
}

static uint64_t term_hash(struct span term)
{
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) ^ term.n, w;
    const uint8_t *p = term.p;
    size_t n = term.n;

    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        hash = (hash ^ w) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    w = 0;
    memcpy(&w, p, n);
    hash = (hash ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 29;
}

static enum err slots_double(struct run *run)
{
    size_t n = run->slot_count * 2;
    uint32_t *slots = calloc(n, sizeof *slots);

    if (slots == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < run->word_count; i++) {
        size_t slot = (size_t)run->words[i].hash & (n - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (n - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    free(run->slots);
    run->slots = slots;
    run->slot_count = n;
    return ERR_OK;
}

static enum err word_add(struct run *run, struct span term, uint64_t hash, size_t slot)
{
    if (!grow((void **)&run->words, &run->word_cap, run->word_count + 1, sizeof *run->words) ||
        !grow((void **)&run->text, &run->text_cap, run->text_bytes + term.n, 1)) {
        return ERR_MEMORY;
    }
    run->words[run->word_count] = (struct word){.hash = hash, .at = (uint32_t)run->text_bytes, .last = UINT32_MAX, .bytes = (uint8_t)term.n};
    memcpy(run->text + run->text_bytes, term.p, term.n);
    run->text_bytes += term.n;
    run->slots[slot] = (uint32_t)++run->word_count;
    return ERR_OK;
}

enum err run_add(struct run *run, uint16_t doc, struct span term)
{
    uint64_t hash = term_hash(term);
    size_t slot;
    struct word *word;

    assert(term.n > 0 && term.n <= TERM_BYTES_MAX && doc < RUN_DOCS_MAX);
    if (run->word_count * 2 >= run->slot_count && slots_double(run) != ERR_OK) {
        return ERR_MEMORY;
    }
    slot = (size_t)hash & (run->slot_count - 1);
    for (;; slot = (slot + 1) & (run->slot_count - 1)) {
        if (run->slots[slot] == 0) {
            if (word_add(run, term, hash, slot) != ERR_OK) {
                return ERR_MEMORY;
            }
        }
        word = &run->words[run->slots[slot] - 1];
        if (word->hash == hash && word->bytes == term.n && memcmp(run->text + word->at, term.p, term.n) == 0) {
            break;
        }
    }
    if (word->last == doc) {
        return ERR_OK;
    }
    if (!grow((void **)&run->pairs, &run->pair_cap, run->pair_count + 1, sizeof *run->pairs)) {
        return ERR_MEMORY;
    }
    word->last = doc;
    word->count++;
    run->pairs[run->pair_count++] = (struct pair){run->slots[slot] - 1, doc};
    return ERR_OK;
}

bool run_is_full(const struct run *run)
{
    return run->pair_count >= RUN_PAIRS_MAX || run->text_bytes >= RUN_TEXT_BYTES_MAX;
}
size_t run_pairs(const struct run *run)
{
    return run->pair_count;
}

static uint64_t head_of(const uint8_t *p, size_t n)
{
    uint64_t w = 0;

    memcpy(&w, p, n < 8 ? n : 8);
    return be64toh(w);
}

static int ranked_compare(const void *a, const void *b, void *arg)
{
    const struct ranked *x = a, *y = b;
    const struct run *run = arg;
    const struct word *v, *w;
    int order;

    if (x->head != y->head) {
        return x->head < y->head ? -1 : 1;
    }
    v = &run->words[x->word];
    w = &run->words[y->word];
    order = memcmp(run->text + v->at, run->text + w->at, v->bytes < w->bytes ? v->bytes : w->bytes);
    return order != 0 ? order : (int)v->bytes - (int)w->bytes;
}

/* Two rising lists behind one another, the second wholly below the first, as when the tail is added after the new documents: swap them. */
static void docs_rotate(uint16_t *docs, size_t n)
{
    uint16_t low[256];
    size_t at = 1, more;

    while (at < n && docs[at - 1] < docs[at]) {
        at++;
    }
    more = n - at;
    if (more > 0) {
        assert(more <= 256 && docs[n - 1] < docs[0]);
        memcpy(low, docs + at, more * sizeof *docs);
        memmove(docs + more, docs, at * sizeof *docs);
        memcpy(docs, low, more * sizeof *docs);
    }
}

enum err run_sort(struct run *run)
{
    if (!grow((void **)&run->order, &run->order_cap, run->word_count, sizeof *run->order) ||
        !grow((void **)&run->begins, &run->begins_cap, run->word_count + 1, sizeof *run->begins) ||
        !grow((void **)&run->docs, &run->docs_cap, run->pair_count, sizeof *run->docs)) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < run->word_count; i++) {
        const struct word *w = &run->words[i];
        run->order[i] = (struct ranked){head_of(run->text + w->at, w->bytes), (uint32_t)i};
    }
    qsort_r(run->order, run->word_count, sizeof *run->order, ranked_compare, run);
    /* Counting sort: where each word's documents begin, then drop each pair at its place. `last` serves as the place from here on. */
    run->begins[0] = 0;
    for (size_t rank = 0; rank < run->word_count; rank++) {
        struct word *w = &run->words[run->order[rank].word];
        w->last = (uint32_t)run->begins[rank];
        run->begins[rank + 1] = run->begins[rank] + w->count;
    }
    for (size_t i = 0; i < run->pair_count; i++) {
        run->docs[run->words[run->pairs[i].word].last++] = run->pairs[i].doc;
    }
    for (size_t rank = 0; rank < run->word_count; rank++) {
        uint16_t *docs = run->docs + run->begins[rank];
        size_t n = run->begins[rank + 1] - run->begins[rank];
        docs_rotate(docs, n);
    }
    return ERR_OK;
}

size_t run_terms(const struct run *run)
{
    return run->word_count;
}

struct span run_term(const struct run *run, size_t rank)
{
    const struct word *w = &run->words[run->order[rank].word];

    return span_of(run->text + w->at, w->bytes);
}

const uint16_t *run_docs(const struct run *run, size_t rank, uint32_t *ret_count)
{
    *ret_count = (uint32_t)(run->begins[rank + 1] - run->begins[rank]);
    return run->docs + run->begins[rank];
}

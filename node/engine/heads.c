#include "node/engine/heads.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "proto/pack.h"

enum { SLOTS_FIRST = 64, HELD_FIRST = 32, PAGES_STEP = 16, HEAD_CANONICAL_BYTES_MAX = 128 };

void heads_init(struct heads *heads, uint64_t seed)
{
    memset(heads, 0, sizeof *heads);
    heads->key = siphash_key_of(seed);
    heads->free = LOG_NONE;
    for (size_t i = 0; i < 3; i++) {
        heads->list_first[i] = LOG_NONE;
    }
}

void heads_fini(struct heads *heads)
{
    for (uint32_t i = 0; i < heads->page_count; i++) {
        free(heads->pages[i]);
    }
    free(heads->pages);
    free(heads->slots);
    free(heads->held);
    memset(heads, 0, sizeof *heads);
}

struct log *heads_at(const struct heads *heads, uint32_t index)
{
    assert(index < heads->end);
    return &heads->pages[index / LOGS_PER_PAGE][index % LOGS_PER_PAGE];
}

/* ---- the table by log id ---- */

static uint32_t slot_home(const struct heads *heads, const struct log_id *log)
{
    return (uint32_t)siphash(&heads->key, span_of(log->b, sizeof log->b)) & (heads->slot_count - 1);
}

/* The slot of `log`, or the empty one where it would stand. */
static uint32_t slot_of(const struct heads *heads, const struct log_id *log)
{
    uint32_t at = slot_home(heads, log);

    while (heads->slots[at] != 0 && log_id_compare(&heads_at(heads, heads->slots[at] - 1)->head.log, log) != 0) {
        at = (at + 1) & (heads->slot_count - 1);
    }
    return at;
}

uint32_t heads_find(const struct heads *heads, const struct log_id *log)
{
    uint32_t entry = heads->slot_count == 0 ? 0 : heads->slots[slot_of(heads, log)];

    return entry == 0 ? LOG_NONE : entry - 1;
}

static bool slots_grow(struct heads *heads)
{
    uint32_t old_count = heads->slot_count;
    uint32_t *old = heads->slots;
    uint32_t count = old_count == 0 ? SLOTS_FIRST : old_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);

    if (slots == NULL) {
        return false;
    }
    heads->slots = slots;
    heads->slot_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        if (old[i] != 0) {
            slots[slot_of(heads, &heads_at(heads, old[i] - 1)->head.log)] = old[i];
        }
    }
    free(old);
    return true;
}

/* Close the gap that leaving `at` empty would tear into chains that run across it. */
static void slot_clear(struct heads *heads, uint32_t at)
{
    uint32_t mask = heads->slot_count - 1;
    uint32_t probe = at;

    for (;;) {
        probe = (probe + 1) & mask;
        if (heads->slots[probe] == 0) {
            break;
        }
        uint32_t home = slot_home(heads, &heads_at(heads, heads->slots[probe] - 1)->head.log);

        if (((probe - home) & mask) >= ((probe - at) & mask)) {
            heads->slots[at] = heads->slots[probe];
            at = probe;
        }
    }
    heads->slots[at] = 0;
}

static bool page_add(struct heads *heads)
{
    struct log *page;

    if (heads->page_count % PAGES_STEP == 0) {
        struct log **pages = realloc(heads->pages, (heads->page_count + PAGES_STEP) * sizeof *pages);

        if (pages == NULL) {
            return false;
        }
        heads->pages = pages;
    }
    page = calloc(LOGS_PER_PAGE, sizeof *page);
    if (page == NULL) {
        return false;
    }
    heads->pages[heads->page_count++] = page;
    return true;
}

uint32_t heads_add(struct heads *heads, const struct log_id *log)
{
    uint32_t index = heads->free;
    struct log *l;

    if ((heads->count + 1) * 4 > heads->slot_count * 3 && !slots_grow(heads)) {
        return LOG_NONE;
    }
    if (index != LOG_NONE) {
        heads->free = heads_at(heads, index)->next;
    } else {
        if (heads->end == heads->page_count * LOGS_PER_PAGE && !page_add(heads)) {
            return LOG_NONE;
        }
        index = heads->end++;
    }
    l = heads_at(heads, index);
    memset(l, 0, sizeof *l);
    l->head.log = *log;
    l->is_used = true;
    l->claim = PEER_NONE;
    heads->slots[slot_of(heads, log)] = index + 1;
    heads->count++;
    return index;
}

void heads_release(struct heads *heads, uint32_t index)
{
    struct log *log = heads_at(heads, index);

    if (log->height > 0 || log->views > 0 || log->frontiers > 0) {
        return;
    }
    assert(log->claim == PEER_NONE);
    heads_list(heads, index, LOG_SETTLED);
    slot_clear(heads, slot_of(heads, &log->head.log));
    log->is_used = false;
    log->next = heads->free;
    heads->free = index;
    heads->count--;
}

/* ---- what is held ---- */

static bool held_insert(struct heads *heads, uint32_t index)
{
    const struct log_id *log = &heads_at(heads, index)->head.log;
    uint32_t low = 0;
    uint32_t high = heads->held_count;

    if (heads->held_count == heads->held_cap) {
        uint32_t cap = heads->held_cap == 0 ? HELD_FIRST : heads->held_cap * 2;
        uint32_t *held = realloc(heads->held, cap * sizeof *held);

        if (held == NULL) {
            return false;
        }
        heads->held = held;
        heads->held_cap = cap;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (log_id_compare(&heads_at(heads, heads->held[middle])->head.log, log) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    memmove(&heads->held[low + 1], &heads->held[low], (heads->held_count - low) * sizeof *heads->held);
    heads->held[low] = index;
    heads->held_count++;
    return true;
}

bool heads_set(struct heads *heads, uint32_t index, const struct head *head)
{
    struct log *log = heads_at(heads, index);

    if (log->height == 0 && !held_insert(heads, index)) {
        return false;
    }
    log->head = *head;
    log->height = head->seq + 1;
    return true;
}

/* In pieces, so that no list of all heads has to exist: the header of the whole, then each head without the
 * header of a list of one. */
void heads_digest(const struct heads *heads, struct hash *ret)
{
    struct hash_state state;
    uint8_t bytes[HEAD_CANONICAL_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    hash_start(&state, HASH_HEADS);
    pack_array(&out, heads->held_count);
    hash_add(&state, out_written(&out));
    for (uint32_t i = 0; i < heads->held_count; i++) {
        out = out_into(bytes, sizeof bytes);
        heads_canonical(&heads_at(heads, heads->held[i])->head, 1, &out);
        assert(!out.is_full);
        hash_add(&state, span_of(bytes + 1, out.at - 1));
    }
    hash_end(&state, ret);
}

void heads_list(struct heads *heads, uint32_t index, enum log_list list)
{
    struct log *log = heads_at(heads, index);

    if (log->list == list) {
        return;
    }
    if (log->list != LOG_SETTLED) {
        if (log->previous != LOG_NONE) {
            heads_at(heads, log->previous)->next = log->next;
        } else {
            heads->list_first[log->list] = log->next;
        }
        if (log->next != LOG_NONE) {
            heads_at(heads, log->next)->previous = log->previous;
        }
        heads->list_count[log->list]--;
    }
    log->list = list;
    if (list != LOG_SETTLED) {
        log->previous = LOG_NONE;
        log->next = heads->list_first[list];
        if (log->next != LOG_NONE) {
            heads_at(heads, log->next)->previous = index;
        }
        heads->list_first[list] = index;
        heads->list_count[list]++;
    }
}

size_t heads_memory(const struct heads *heads)
{
    return heads->page_count * (size_t)LOGS_PER_PAGE * sizeof(struct log) + heads->slot_count * sizeof *heads->slots +
           heads->held_cap * sizeof *heads->held;
}

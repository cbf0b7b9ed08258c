#include "proto/record/codes.h"
#include "proto/record/fold.h"

#include <assert.h>
#include <threads.h>

static const struct code_list *const LISTS[] = {
    &CODES_COUNTRY,     &CODES_CURRENCY,  &CODES_HEADING,   &CODES_COMMODITY,  &CODES_UNIT,    &CODES_MODE,     &CODES_CONVEYANCE,
    &CODES_CARRIAGE,    &CODES_DIRECTION, &CODES_PROCEDURE, &CODES_PLACE_TYPE, &CODES_OFFENCE, &CODES_SELECTED, &CODES_FOUND,
    &CODES_CONCEALMENT, &CODES_TECHNIQUE, &CODES_OUTCOME,   &CODES_LANGUAGE,   &CODES_GRADING, &CODES_TLP,      &CODES_HANDLING,
    &CODES_STATUS,      &CODES_PRIORITY,  &CODES_SUBJECT,   &CODES_ACTION,  &CODES_PHASE,   &CODES_DECISION,
};

/* Everything a code can be called, folded, in one hash table with its text: built at the first look-up, constant after that. A unit test proves the
 * room. */
enum { KEY_BYTES_MAX = 128, SLOTS = 16384, POOL_BYTES = 131072 };
struct slot {
    uint32_t at; /* in the pool */
    uint8_t n;   /* 0: free */
    uint8_t list;
    uint16_t code;
};
static struct slot slots[SLOTS];
static char pool[POOL_BYTES];
static size_t pool_at;
static size_t slots_used;
static once_flag index_once = ONCE_FLAG_INIT;

static uint32_t key_hash(size_t list, const char *key, size_t n)
{
    uint32_t h = 2166136261U ^ (uint32_t)list * 0x9E3779B1U;

    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uint8_t)key[i]) * 16777619U;
    }
    return h ^ h >> 15;
}

/* The slot that holds the key, or the free one where it would go. */
static struct slot *slot_of(size_t list, const char *key, size_t n)
{
    uint32_t i = key_hash(list, key, n) % SLOTS;

    while (slots[i].n != 0 && !(slots[i].n == n && slots[i].list == list && memcmp(pool + slots[i].at, key, n) == 0)) {
        i = (i + 1) % SLOTS;
    }
    return &slots[i];
}

static void index_add(size_t list, size_t code, struct span name)
{
    char key[KEY_BYTES_MAX];
    size_t n = fold_key(name, key, sizeof key);
    struct slot *slot;

    assert(n > 0 && n < KEY_BYTES_MAX && slots_used < SLOTS / 2 && pool_at + n <= POOL_BYTES);
    slot = slot_of(list, key, n);
    if (slot->n == 0) { /* codes come before labels, labels before aliases */
        *slot = (struct slot){(uint32_t)pool_at, (uint8_t)n, (uint8_t)list, (uint16_t)code};
        memcpy(pool + pool_at, key, n);
        pool_at += n;
        slots_used++;
    }
}

static void index_aliases(size_t list, size_t code, const char *aliases)
{
    while (aliases != NULL && *aliases != 0) {
        size_t n = strcspn(aliases, "|");

        index_add(list, code, span_of(aliases, n));
        aliases += n + (aliases[n] == '|');
    }
}

static void index_build(void)
{
    for (size_t l = 0; l < CODE_COUNT(LISTS); l++) {
        for (size_t c = 0; c < LISTS[l]->count; c++) {
            index_add(l, c, span_text(LISTS[l]->codes[c].code));
        }
        for (size_t c = 0; c < LISTS[l]->count; c++) {
            for (size_t language = 0; language < 3; language++) {
                index_add(l, c, span_text(LISTS[l]->codes[c].label[language]));
            }
        }
        for (size_t c = 0; c < LISTS[l]->count; c++) {
            index_aliases(l, c, LISTS[l]->codes[c].aliases);
        }
    }
}

static size_t list_number(const struct code_list *list)
{
    size_t l = 0;

    while (l < CODE_COUNT(LISTS) && LISTS[l] != list) {
        l++;
    }
    return l;
}

const struct code_list *code_list_index(size_t index)
{
    return index < CODE_COUNT(LISTS) ? LISTS[index] : NULL;
}

const struct code_list *code_list_by_name(const char *name)
{
    for (size_t l = 0; l < CODE_COUNT(LISTS); l++) {
        if (strcmp(LISTS[l]->name, name) == 0) {
            return LISTS[l];
        }
    }
    return NULL;
}

const char *code_list_name(const struct code_list *list)
{
    return list->name;
}

size_t code_list_count(const struct code_list *list)
{
    return list->count;
}

const struct code *code_list_at(const struct code_list *list, size_t index)
{
    return index < list->count ? &list->codes[index] : NULL;
}

const struct code *code_exact(const struct code_list *list, struct span code)
{
    const struct code *found = code_find(list, code);

    return found != NULL && span_equal(span_text(found->code), code) ? found : NULL;
}

const struct code *code_find(const struct code_list *list, struct span text)
{
    char key[KEY_BYTES_MAX];
    size_t l = list_number(list);
    size_t n;
    const struct slot *slot;

    call_once(&index_once, index_build);
    n = fold_key(text, key, sizeof key);
    if (n == 0 || n >= KEY_BYTES_MAX || l == CODE_COUNT(LISTS)) {
        return NULL;
    }
    slot = slot_of(l, key, n);
    return slot->n == 0 ? NULL : &list->codes[slot->code];
}

const char *code_parent(const struct code_list *list, const struct code *code)
{
    return list->parents == NULL ? NULL : list->parents[code - list->codes];
}

#include "tests/lib/mutate.h"

#include "proto/pack.h"

enum { ITEMS_MAX = 256, DEPTH_MAX = 8 };

const char *mutation_name(enum mutation mutation)
{
    static const char *const names[MUTATION_COUNT] = {
        [MUTATE_BITS] = "bits flipped",      [MUTATE_BYTE] = "a byte replaced",          [MUTATE_CUT] = "cut short",
        [MUTATE_INSERT] = "bytes put in",    [MUTATE_DELETE] = "bytes taken out",        [MUTATE_REPEAT] = "a piece repeated",
        [MUTATE_SPLICE] = "spliced",         [MUTATE_FIELD_SWAP] = "two fields exchanged", [MUTATE_FIELD_FOREIGN] = "a field of another",
        [MUTATE_FIELD_COUNT] = "a field more or less", [MUTATE_FIELD_BITS] = "bits of a field flipped",
    };
    return names[mutation];
}

/* ---- documents ---- */

struct items { /* of an array */
    struct span all[ITEMS_MAX];
    uint32_t count;
};

static uint64_t number_at(const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

/* What an item's head says: the bytes of the head, of what follows it as bytes, and how many items follow. False for what we never write. */
static bool head_read(struct span at, size_t *ret_head, uint64_t *ret_bytes, uint64_t *ret_items)
{
    static const uint8_t wide[] = {1, 2, 4, 8}; /* bytes of a number, a length or a count */
    *ret_head = 1;
    *ret_bytes = *ret_items = 0;
    if (at.n == 0) {
        return false;
    }
    uint8_t byte = at.p[0];
    size_t n = 0;
    if (byte <= 0x7f || byte >= 0xe0 || byte == 0xc2 || byte == 0xc3) {
        return true;
    }
    if (byte <= 0x8f) {
        *ret_items = 2 * (byte & 15U);
    } else if (byte <= 0x9f) {
        *ret_items = byte & 15U;
    } else if (byte <= 0xbf) {
        *ret_bytes = byte & 31U;
    } else if (byte >= 0xcc && byte <= 0xd3) {
        *ret_bytes = wide[(byte - 0xcc) & 3];
    } else if (byte >= 0xc4 && byte <= 0xc6) {
        n = wide[byte - 0xc4];
    } else if (byte >= 0xd9 && byte <= 0xdb) {
        n = wide[byte - 0xd9];
    } else if (byte == 0xdc || byte == 0xdd || byte == 0xde || byte == 0xdf) {
        n = wide[1 + (byte & 1)];
    } else {
        return false;
    }
    if (n > 0) {
        if (at.n < 1 + n) {
            return false;
        }
        *ret_head = 1 + n;
        uint64_t value = number_at(at.p + 1, n);
        if (byte >= 0xdc) {
            *ret_items = byte >= 0xde ? 2 * value : value;
        } else {
            *ret_bytes = value;
        }
    }
    return true;
}

/* Bytes of the item at the beginning, 0 when there is no whole one. */
static size_t item_bytes(struct span at, int depth)
{
    size_t head;
    uint64_t bytes, items;
    if (depth > DEPTH_MAX || !head_read(at, &head, &bytes, &items) || bytes > at.n - head) {
        return 0;
    }
    size_t n = head + (size_t)bytes;
    for (uint64_t i = 0; i < items; i++) {
        size_t one = item_bytes(span_of(at.p + n, at.n - n), depth + 1);
        if (one == 0) {
            return 0;
        }
        n += one;
    }
    return n;
}

/* Is it one array of up to ITEMS_MAX items, and nothing more? */
static bool items_read(struct span doc, struct items *ret)
{
    size_t at;
    uint64_t bytes, items;
    ret->count = 0;
    if (doc.n == 0 || !((doc.p[0] & 0xf0) == 0x90 || doc.p[0] == 0xdc || doc.p[0] == 0xdd) || item_bytes(doc, 0) != doc.n || !head_read(doc, &at, &bytes, &items) ||
        items > ITEMS_MAX) {
        return false;
    }
    for (; ret->count < items; ret->count++) {
        ret->all[ret->count] = span_of(doc.p + at, item_bytes(span_of(doc.p + at, doc.n - at), 1));
        at += ret->all[ret->count].n;
    }
    return true;
}

/* The document inside an item that is an array, or a binary that holds one. */
static bool document_of(struct span item, struct items *scratch, struct span *ret, bool *ret_is_binary)
{
    size_t head;
    uint64_t bytes, items;
    *ret_is_binary = item.n > 0 && item.p[0] >= 0xc4 && item.p[0] <= 0xc6;
    *ret = item;
    if (*ret_is_binary && head_read(item, &head, &bytes, &items)) {
        *ret = span_of(item.p + head, (size_t)bytes);
    }
    return items_read(*ret, scratch) && scratch->count > 0;
}

/* ---- bytes ---- */

static void bytes_flip(struct rng *rng, struct out *ret, size_t from)
{
    if (ret->at == from) {
        return;
    }
    for (uint64_t i = rng_between(rng, 1, 3); i > 0; i--) {
        ret->p[from + rng_below(rng, ret->at - from)] ^= (uint8_t)(1U << rng_below(rng, 8));
    }
}

static void bytes_mutate(struct rng *rng, enum mutation mutation, struct span object, struct span other, struct out *ret)
{
    uint8_t some[8];
    size_t from = ret->at;
    if (object.n == 0 || other.n == 0) {
        return;
    }
    size_t at = (size_t)rng_below(rng, object.n);
    size_t n = (size_t)rng_between(rng, 1, sizeof some);
    rng_fill(rng, some, sizeof some);
    out_bytes(ret, object.p, at);
    struct span left = span_of(object.p + at, object.n - at);
    size_t taken = n < left.n ? n : left.n;
    switch (mutation) {
    case MUTATE_BYTE:
        out_bytes(ret, some, 1);
        out_bytes(ret, left.p + 1, left.n - 1);
        break;
    case MUTATE_CUT:
        break;
    case MUTATE_INSERT:
        out_bytes(ret, some, n);
        out_span(ret, left);
        break;
    case MUTATE_DELETE:
        out_bytes(ret, left.p + taken, left.n - taken);
        break;
    case MUTATE_REPEAT:
        out_bytes(ret, left.p, taken);
        out_span(ret, left);
        break;
    case MUTATE_SPLICE:
        if (rng_chance(rng, 500)) { /* at the same place in both */
            at = at < other.n ? at : other.n;
        } else {
            at = (size_t)rng_below(rng, other.n);
        }
        out_bytes(ret, other.p + at, other.n - at);
        break;
    case MUTATE_BITS:
    case MUTATE_FIELD_SWAP:
    case MUTATE_FIELD_FOREIGN:
    case MUTATE_FIELD_COUNT:
    case MUTATE_FIELD_BITS:
    case MUTATION_COUNT:
    default:
        out_span(ret, left);
        bytes_flip(rng, ret, from);
        break;
    }
}

/* ---- fields ---- */

/* Any field of a document, from whatever depth. */
static struct span field_of(struct rng *rng, struct span doc)
{
    struct items items, inner;
    struct span field = doc;
    for (int depth = 0; depth < DEPTH_MAX && items_read(doc, &items) && items.count > 0; depth++) {
        bool is_binary;
        field = items.all[rng_below(rng, items.count)];
        if (!document_of(field, &inner, &doc, &is_binary) || rng_chance(rng, 300)) {
            break;
        }
    }
    return field;
}

static void items_change(struct rng *rng, enum mutation mutation, struct items *items, struct span other)
{
    uint32_t a = (uint32_t)rng_below(rng, items->count), b = (uint32_t)rng_below(rng, items->count);
    struct span held = items->all[a];
    if (mutation == MUTATE_FIELD_SWAP) {
        items->all[a] = items->all[b];
        items->all[b] = held;
    } else if (mutation == MUTATE_FIELD_FOREIGN) {
        items->all[a] = field_of(rng, other);
    } else if (mutation == MUTATE_FIELD_COUNT && (items->count == ITEMS_MAX || rng_chance(rng, 500))) {
        items->count--;
        for (uint32_t i = a; i < items->count; i++) {
            items->all[i] = items->all[i + 1];
        }
    } else if (mutation == MUTATE_FIELD_COUNT) {
        for (uint32_t i = items->count; i > a; i--) {
            items->all[i] = items->all[i - 1];
        }
        items->count++;
    }
}

static void fields_mutate(struct rng *rng, enum mutation mutation, struct span doc, struct span other, struct out *ret, int depth)
{
    struct items items, inner;
    struct span inside = {NULL, 0};
    bool is_binary = false;
    if (!items_read(doc, &items) || items.count == 0) {
        bytes_mutate(rng, MUTATE_BITS, doc, other, ret);
        return;
    }
    uint32_t into = (uint32_t)rng_below(rng, items.count);
    bool is_deeper = depth < DEPTH_MAX && rng_chance(rng, 700) && document_of(items.all[into], &inner, &inside, &is_binary);
    if (!is_deeper) {
        items_change(rng, mutation, &items, other);
    }
    pack_array(ret, items.count);
    for (uint32_t i = 0; i < items.count; i++) {
        size_t from = ret->at;
        if (is_deeper && i == into && is_binary) {
            static uint8_t memory[DEPTH_MAX + 1][70000];
            struct out whole = out_into(memory[depth], sizeof memory[depth]);
            fields_mutate(rng, mutation, inside, other, &whole, depth + 1);
            pack_bin(ret, out_written(&whole));
        } else if (is_deeper && i == into) {
            fields_mutate(rng, mutation, inside, other, ret, depth + 1);
        } else {
            out_span(ret, items.all[i]);
        }
        if (mutation == MUTATE_FIELD_BITS && !is_deeper && i == into) {
            bytes_flip(rng, ret, from + (ret->at - from > 2 ? 2 : 0)); /* behind its head, when it has one: the length stays */
        }
    }
}

void mutate(struct rng *rng, enum mutation mutation, struct span object, struct span other, struct out *ret)
{
    ret->at = 0;
    if (mutation < MUTATE_FIELD_SWAP) {
        bytes_mutate(rng, mutation, object, other, ret);
    } else {
        fields_mutate(rng, mutation, object, other, ret, 0);
    }
}

#include "node/import/seen.h"

#include <stdlib.h>

enum { SLOTS_FIRST = 1024 };

struct slot {
    uint64_t hash; /* 0: free */
    uint32_t count;
};

struct seen {
    uint64_t rows_max;
    uint64_t used;
    uint64_t slots; /* a power of two */
    struct slot *table;
};

struct seen *seen_new(uint64_t rows_max)
{
    struct seen *seen = malloc(sizeof *seen);

    if (seen != NULL) {
        *seen = (struct seen){.rows_max = rows_max, .slots = SLOTS_FIRST, .table = calloc(SLOTS_FIRST, sizeof(struct slot))};
        if (seen->table == NULL) {
            seen_destroy(&seen);
        }
    }
    return seen;
}

void seen_destroy(struct seen **seen)
{
    if (*seen != NULL) {
        free((*seen)->table);
        free(*seen);
    }
    *seen = NULL;
}

/* FNV-1a, stirred. Rows that collide on purpose would only be taken for copies of each other, in the file of the one who made them. */
static uint64_t hash_of(struct span content)
{
    uint64_t h = 14695981039346656037U;

    for (size_t i = 0; i < content.n; i++) {
        h = (h ^ content.p[i]) * 1099511628211U;
    }
    h ^= h >> 32;
    h *= 0x9E3779B97F4A7C15U;
    h ^= h >> 29;
    return h == 0 ? 1 : h;
}

static struct slot *slot_of(struct slot *table, uint64_t slots, uint64_t hash)
{
    uint64_t i = hash & (slots - 1);

    while (table[i].hash != 0 && table[i].hash != hash) {
        i = (i + 1) & (slots - 1);
    }
    return &table[i];
}

static bool grow(struct seen *seen)
{
    struct slot *table = calloc(seen->slots * 2, sizeof *table);

    if (table == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < seen->slots; i++) {
        if (seen->table[i].hash != 0) {
            *slot_of(table, seen->slots * 2, seen->table[i].hash) = seen->table[i];
        }
    }
    free(seen->table);
    seen->table = table;
    seen->slots *= 2;
    return true;
}

enum err seen_count(struct seen *seen, struct span content, uint32_t *ret)
{
    uint64_t hash = hash_of(content);
    struct slot *slot = slot_of(seen->table, seen->slots, hash);

    if (slot->hash == 0) {
        if (seen->used == seen->rows_max) {
            return ERR_LIMIT;
        }
        if ((seen->used + 1) * 4 > seen->slots * 3) {
            if (!grow(seen)) {
                return ERR_MEMORY;
            }
            slot = slot_of(seen->table, seen->slots, hash);
        }
        seen->used++;
        *slot = (struct slot){hash, 0};
    }
    slot->count += slot->count < UINT32_MAX;
    *ret = slot->count;
    return ERR_OK;
}

#include "store/index/top.h"

#include <stdlib.h>

enum { ROOM_MIN = 2048 };

void top_begin(struct top *top, size_t keep)
{
    top->count = 0;
    top->keep = keep;
    top->room = keep + (keep / 4 > ROOM_MIN ? keep / 4 : ROOM_MIN);
    top->floor = 0;
}

void top_fini(struct top *top)
{
    free(top->hits);
    *top = (struct top){0};
}

static int hit_compare(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    int order;

    if (x->order != y->order) {
        return x->order > y->order ? -1 : 1;
    }
    order = memcmp(x->rest, y->rest, DOC_ID_REST_BYTES);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static void swap(struct hit *a, struct hit *b)
{
    struct hit c = *a;

    *a = *b;
    *b = c;
}

/* Order the hits so that the first `keep` come before all others. The pivot is taken at random, so that no order of arrival is a bad one. */
static void select_first(struct top *top)
{
    size_t low = 0, high = top->count; /* the border lies in here */

    while (high - low > 1) {
        size_t at = low, i;
        top->seed = top->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        swap(&top->hits[low + (size_t)(top->seed >> 33) % (high - low)], &top->hits[high - 1]);
        for (i = low; i < high - 1; i++) {
            if (hit_compare(&top->hits[i], &top->hits[high - 1]) < 0) {
                swap(&top->hits[i], &top->hits[at++]);
            }
        }
        swap(&top->hits[at], &top->hits[high - 1]);
        if (at == top->keep || at + 1 == top->keep) {
            return;
        }
        if (at < top->keep) {
            low = at + 1;
        } else {
            high = at;
        }
    }
}

static void drop_rest(struct top *top)
{
    select_first(top);
    top->count = top->keep;
    top->floor = UINT64_MAX;
    for (size_t i = 0; i < top->count; i++) {
        top->floor = top->hits[i].order < top->floor ? top->hits[i].order : top->floor;
    }
}

enum err top_add_slow(struct top *top, struct hit hit)
{
    if (top->keep == 0) {
        return ERR_OK;
    }
    if (top->count == top->room) {
        drop_rest(top);
    }
    if (top->count == top->cap) {
        size_t n = top->cap == 0 ? ROOM_MIN : top->cap * 2;
        struct hit *bigger;
        n = n > top->room && top->cap < top->room ? top->room : n;
        bigger = realloc(top->hits, n * sizeof *bigger);
        if (bigger == NULL) {
            return ERR_MEMORY;
        }
        top->hits = bigger;
        top->cap = n;
    }
    top->hits[top->count++] = hit;
    return ERR_OK;
}

void top_end(struct top *top)
{
    if (top->count > top->keep) {
        drop_rest(top);
    }
    if (top->count > 0) {
        qsort(top->hits, top->count, sizeof *top->hits, hit_compare);
    }
}

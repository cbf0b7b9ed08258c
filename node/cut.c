#include "node/cut.h"

#include <stdlib.h>

void cut_gather_add(struct cut_gather *gather, const struct head *head)
{
    struct cut *cut = gather->cut;
    uint32_t at = cut->head_count;

    if (at == CUT_HEADS_MAX) {
        at = 0;
        for (uint32_t i = 1; i < CUT_HEADS_MAX; i++) {
            at = gather->entries[i] < gather->entries[at] ? i : at;
        }
        if (head->entries <= gather->entries[at]) {
            return;
        }
    } else {
        cut->head_count++;
    }
    gather->entries[at] = head->entries;
    cut->heads[at] = *head;
    cut->heads[at].entries = 0;
}

static int compare_heads(const void *a, const void *b)
{
    const struct head *x = a, *y = b;

    return log_id_compare(&x->log, &y->log);
}

void cut_gather_end(struct cut_gather *gather)
{
    qsort(gather->cut->heads, gather->cut->head_count, sizeof *gather->cut->heads, compare_heads);
}

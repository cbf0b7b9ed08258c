#include "node/bundle_show.h"

#include <stdlib.h>

enum { SLOTS = 2 * LOGS_MAX, RANGES_FIRST = 64 };

struct bundle_show {
    struct bundle_file *file;
    struct store *store;
    struct unpack *unpack;
    struct commit_packer *packer;
    struct commit *commit;
    struct seg *seg;
    uint32_t *slots; /* by the first bytes of the log id, which is a hash; numbers of ranges from 1, 0 empty */
    size_t ranges_cap;
    struct bundle_sum sum;
};

static enum err take_document(void *arg, struct span document, const struct bundle_item *items, uint32_t count);

enum err bundle_show_new(struct store *store, const struct keyring *keyring, struct bundle_show **ret)
{
    struct bundle_show *show = calloc(1, sizeof *show);
    enum err err;

    if (show == NULL) {
        return ERR_MEMORY;
    }
    show->store = store;
    show->unpack = unpack_new();
    show->packer = commit_packer_new();
    show->commit = malloc(sizeof *show->commit);
    show->seg = malloc(sizeof *show->seg);
    show->slots = calloc(SLOTS, sizeof *show->slots);
    err = show->unpack == NULL || show->packer == NULL || show->commit == NULL || show->seg == NULL || show->slots == NULL ? ERR_MEMORY : ERR_OK;
    if (err == ERR_OK) {
        err = bundle_file_new(store_region(store), store_self(store), keyring, take_document, show, &show->file);
    }
    if (err != ERR_OK) {
        bundle_show_destroy(&show);
        return err;
    }
    *ret = show;
    return ERR_OK;
}

void bundle_show_destroy(struct bundle_show **show_ptr)
{
    struct bundle_show *show = *show_ptr;

    if (show == NULL) {
        return;
    }
    bundle_file_destroy(&show->file);
    unpack_destroy(&show->unpack);
    commit_packer_destroy(&show->packer);
    free(show->commit);
    free(show->seg);
    free(show->slots);
    free(show->sum.ranges);
    free(show);
    *show_ptr = NULL;
}

/* ---- ranges ---- */

/* Whose log is it? By its birth, when the segment begins with that, or by what is held here. */
static void find_node(struct bundle_show *show, struct bundle_range_shown *range)
{
    struct store_read *read = NULL;
    struct log_info log;
    struct birth birth;

    if (show->seg->first == 0 && birth_decode(show->unpack, show->seg->items[0], &birth, NULL, NULL) == ERR_OK) {
        range->has_node = true;
        range->node = birth.node;
        range->channel = birth.channel;
    } else if (store_read_begin(show->store, &read) == ERR_OK) {
        if (store_log(read, &show->seg->log, &log) == ERR_OK) {
            range->has_node = true;
            range->node = log.node;
            range->channel = log.channel;
        }
        store_read_end(&read);
    }
}

static bool ranges_grow(struct bundle_show *show)
{
    size_t cap = show->ranges_cap == 0 ? RANGES_FIRST : 2 * show->ranges_cap;
    struct bundle_range_shown *more = realloc(show->sum.ranges, cap * sizeof *more);

    if (more != NULL) {
        show->sum.ranges = more;
        show->ranges_cap = cap;
    }
    return more != NULL;
}

/* The range of the segment's log, new when it is the first of it. NULL and ERR_OK: there are too many. */
static enum err range_of(struct bundle_show *show, struct bundle_range_shown **ret)
{
    struct bundle_sum *sum = &show->sum;
    const struct log_id *log = &show->seg->log;
    size_t at = ((size_t)log->b[0] << 16 | (size_t)log->b[1] << 8 | log->b[2]) % SLOTS;

    while (show->slots[at] != 0 && log_id_compare(&sum->ranges[show->slots[at] - 1].log, log) != 0) {
        at = (at + 1) % SLOTS;
    }
    *ret = NULL;
    if (show->slots[at] == 0) {
        if (sum->range_count == LOGS_MAX) {
            return ERR_OK;
        }
        if (sum->range_count == show->ranges_cap && !ranges_grow(show)) {
            return ERR_MEMORY;
        }
        sum->ranges[sum->range_count] = (struct bundle_range_shown){.log = *log};
        find_node(show, &sum->ranges[sum->range_count]);
        show->slots[at] = (uint32_t)++sum->range_count;
    }
    *ret = &sum->ranges[show->slots[at] - 1];
    return ERR_OK;
}

/* ---- items ---- */

static enum err entries_of(struct bundle_show *show, struct span packed, uint64_t *ret)
{
    struct span reduced;
    enum err err = commit_unpack(show->packer, packed, &reduced, NULL);

    if (err == ERR_OK) {
        err = commit_reduced_decode(show->unpack, reduced, show->commit, NULL);
    }
    *ret = err == ERR_OK ? show->commit->entry_count : 0;
    show->sum.unreadable += err != ERR_OK && err != ERR_MEMORY;
    return err == ERR_MEMORY ? err : ERR_OK;
}

static enum err take_segment(struct bundle_show *show, struct span body)
{
    struct bundle_range_shown *range = NULL;
    const struct seg *seg = show->seg;
    enum err err = seg_decode(show->unpack, body, show->seg, NULL);

    if (err == ERR_OK) {
        err = range_of(show, &range);
    }
    for (uint32_t i = 0; err == ERR_OK && i < seg->count; i++) {
        uint64_t seq = seg->first + i, entries = 0;

        if (seq == 0) {
            continue;
        }
        err = entries_of(show, seg->items[i], &entries);
        show->sum.commits++;
        show->sum.entries += entries;
        if (range == NULL) {
            show->sum.logs_beyond++;
            continue;
        }
        range->first = range->commits == 0 || seq < range->first ? seq : range->first;
        range->last = seq > range->last ? seq : range->last;
        range->commits++;
        range->entries += entries;
        range->bytes += seg->items[i].n;
    }
    return err;
}

static enum err take_notice(struct bundle_show *show, struct span body)
{
    struct span bytes = {NULL, 0}, heads = {NULL, 0};
    struct notice notice;
    uint64_t base = 0;
    enum err err = notice_message_decode(show->unpack, body, &bytes, &base, &heads, NULL);

    if (err == ERR_OK) {
        err = notice_decode(show->unpack, bytes, &notice, NULL);
    }
    show->sum.notices[err == ERR_OK ? notice.kind : 0]++;
    show->sum.unreadable += err != ERR_OK && err != ERR_MEMORY;
    return err == ERR_MEMORY ? err : ERR_OK;
}

static enum err take_document(void *arg, struct span document, const struct bundle_item *items, uint32_t count)
{
    struct bundle_show *show = arg;
    enum err err = ERR_OK;

    (void)document;
    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        if (items[i].type == BUNDLE_NOTICE) {
            err = take_notice(show, items[i].body);
        } else if (items[i].type == BUNDLE_SEG) {
            err = take_segment(show, items[i].body);
        }
    }
    return err;
}

enum err bundle_show_feed(struct bundle_show *show, struct span bytes, const char **clause) { return bundle_file_feed(show->file, bytes, clause); }

enum err bundle_show_end(struct bundle_show *show, const char **clause) { return bundle_file_end(show->file, clause); }

const struct bundle_sum *bundle_show_sum(const struct bundle_show *show) { return &show->sum; }

const struct bundle_file *bundle_show_file(const struct bundle_show *show) { return show->file; }

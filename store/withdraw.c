#include "store/withdraw.h"

#include "store/gone.h"
#include "store/index/finder.h"
#include "store/index/tables.h"

#include <stdlib.h>

enum err views_author(struct kv_txn *txn, const struct node_id *node, uint32_t *ret)
{
    struct span value;

    if (!kv_get(txn, VIEW_AUTHORS, span_of(node->b, sizeof node->b), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_NOT_FOUND;
    }
    if (value.n != 4) {
        return ERR_CORRUPT;
    }
    *ret = key_read_u32(value.p);
    return ERR_OK;
}

/* A log that must move: from where the views let it count to where it does. */
struct move {
    struct log_info info;
    uint64_t from, to; /* END_OPEN: all of it */
};

enum { MOVES_MAX = 64 }; /* a step; the rest is seen by the next one */

struct moves {
    const struct ends *ends;
    struct move items[MOVES_MAX];
    size_t count;
};

static bool move_collect(void *arg, const struct log_info *info)
{
    struct moves *moves = arg;
    uint64_t from = ends_of(moves->ends, info->number), to = info->held_seq > info->head.seq ? info->head.seq : END_OPEN;

    if (from != to) {
        moves->items[moves->count++] = (struct move){*info, from, to};
    }
    return moves->count < MOVES_MAX;
}

/* What one log's move changes: gathered first, because a finder must not see writes. */
struct effect {
    struct record_key *keys; /* versions to bring up to date: those of the commits, and those they name */
    int *names;              /* with each: 0, or how its count of names changes */
    size_t count, cap;
};

static enum err effect_add(struct effect *effect, const struct record_key *key, int name)
{
    if (effect->count == effect->cap) {
        size_t n = effect->cap == 0 ? 256 : effect->cap * 2;
        struct record_key *keys = realloc(effect->keys, n * sizeof *keys);
        int *names;
        if (keys == NULL) {
            return ERR_MEMORY;
        }
        effect->keys = keys;
        names = realloc(effect->names, n * sizeof *names);
        if (names == NULL) {
            return ERR_MEMORY;
        }
        effect->names = names;
        effect->cap = n;
    }
    effect->keys[effect->count] = *key;
    effect->names[effect->count++] = name;
    return ERR_OK;
}

struct place { /* is this entry in the index? Not when the journal has not been followed so far */
    struct withdrawal *work;
    uint32_t log_number;
    uint64_t seq;
    uint32_t entry;
    bool is_there;
    bool is_gone; /* what it names is not replaced by it, whether its commit counts or not */
    enum err err;
};

static bool place_each(void *arg, struct span term, uint32_t number)
{
    struct place *place = arg;
    struct doc doc;

    (void)term;
    place->err = index_doc(place->work->txn, place->work->docs, number, &doc);
    if (place->err == ERR_OK && doc.log_number == place->log_number && doc.seq == place->seq && doc.entry == place->entry) {
        place->is_there = true;
        place->err = gone_has(place->work->txn, number, &place->is_gone);
    }
    return place->err == ERR_OK && !place->is_there;
}

static enum err entry_gather(struct withdrawal *work, struct finder *finder, const struct move *move, uint32_t author, uint64_t seq, uint32_t entry,
                             int name, struct effect *effect)
{
    struct place place = {work, move->info.number, seq, entry, false, false, ERR_OK};
    struct record_key key;
    enum views_skip why;
    enum err err = views_entry_record(work->reader, &move->info.node, &work->commit->entries[entry], seq, OPENER_NOW, work->record, NULL, &why);

    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_OK : (work->log_err = err);
    }
    err = finder_each(finder, &work->record->id, place_each, &place);
    err = err != ERR_OK ? err : place.err;
    if (err != ERR_OK || !place.is_there) {
        return err;
    }
    record_key(&work->record->id, author, &work->commit->entries[entry].leaf.content, &key);
    err = effect_add(effect, &key, 0);
    for (uint32_t i = 0; i < work->record->replaces_count && err == ERR_OK && !place.is_gone; i++) {
        record_key(&work->record->id, author, &work->record->replaces[i], &key);
        err = effect_add(effect, &key, name);
    }
    return err;
}

/* The commits between where the log counts now and where it should, at most about `*left` entries of them; `*ret_end` is how far it counts then. */
static enum err move_gather(struct withdrawal *work, const struct move *move, uint32_t author, uint32_t *left, struct effect *effect,
                            uint64_t *ret_end)
{
    bool is_down = move->to < move->from;
    uint64_t top = move->info.held_seq, at = is_down && move->from > top ? top : move->from, last = move->to > top ? top : move->to;
    struct finder *finder = NULL;
    enum err err = finder_new(work->txn, work->docs, &finder);

    while (err == ERR_OK && (is_down ? at > last : at < last) && *left > 0) {
        uint64_t seq = is_down ? at : at + 1;
        struct hash hash;
        err = work->log_err = store_commit_at(work->reader->log, move->info.number, seq, work->commit, &hash);
        for (uint32_t i = 0; err == ERR_OK && i < work->commit->entry_count; i++) {
            err = entry_gather(work, finder, move, author, seq, i, is_down ? -1 : 1, effect);
        }
        *left = *left > work->commit->entry_count ? *left - work->commit->entry_count : 0;
        at = is_down ? seq - 1 : seq;
    }
    finder_destroy(&finder);
    *ret_end = (is_down ? at > last : at < last) ? at : move->to;
    return err;
}

static enum err move_log(struct withdrawal *work, const struct move *move, uint32_t *left)
{
    struct effect effect = {NULL, NULL, 0, 0};
    struct ends ends = {NULL, 0, false};
    uint64_t end = move->to;
    uint32_t author;
    enum err err = views_author(work->txn, &move->info.node, &author);

    if (err == ERR_OK) {
        err = move_gather(work, move, author, left, &effect, &end);
    } else if (err == ERR_NOT_FOUND) {
        err = ERR_OK; /* no record of this node is in the index */
    }
    for (size_t i = 0; i < effect.count && err == ERR_OK; i++) {
        err = effect.names[i] == 0 ? ERR_OK : records_name(work->txn, &effect.keys[i], effect.names[i]);
    }
    if (err == ERR_OK) {
        ends_put(work->txn, move->info.number, end);
        err = ends_load(work->txn, &ends);
    }
    if (err == ERR_OK) {
        err = records_settle(work->txn, work->docs, &ends, effect.keys, effect.count, work->current);
    }
    ends_fini(&ends);
    free(effect.keys);
    free(effect.names);
    return err;
}

enum err withdraw_step(struct withdrawal *work, uint32_t entries_max, bool *ret_is_done)
{
    struct moves *moves = malloc(sizeof *moves);
    struct ends ends = {NULL, 0, false};
    uint32_t left = entries_max;
    size_t done = 0;
    enum err err;

    work->log_err = ERR_OK;
    if (moves == NULL) {
        return ERR_MEMORY;
    }
    err = ends_load(work->txn, &ends);
    moves->ends = &ends;
    moves->count = 0;
    if (err == ERR_OK) {
        err = work->log_err = store_logs(work->reader->log, move_collect, moves);
    }
    for (; done < moves->count && err == ERR_OK && left > 0; done++) {
        err = move_log(work, &moves->items[done], &left);
    }
    *ret_is_done = done == moves->count && left > 0 && moves->count < MOVES_MAX;
    ends_fini(&ends);
    free(moves);
    return err;
}

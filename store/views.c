#include "store/views.h"

#include "store/dead.h"
#include "store/gone.h"
#include "store/index/index.h"
#include "store/index/tables.h"
#include "store/index/terms.h"
#include "store/views_state.h"
#include "store/waiting.h"
#include "store/withdraw.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    VIEWS_LAYOUT = 4,
    BATCH_ITEMS_MAX = 4096, /* journal items of one transaction: each has at least one entry, and a batch ends after about as many records */
    BATCH_TRIES = 3,        /* when the map has to grow */
    LOGS_CACHED = 256,
    SETTLE_ENTRIES_MAX = 2048, /* entries withdrawn or restored in one transaction, and as many opened by keys that came late */
    HIDE_MAX = 1024,           /* documents hidden or shown again, because another day is written */
};

static const char *const TABLES[VIEW_TABLES] = VIEW_TABLE_NAMES;
static const struct kv_schema SCHEMA = {TABLES, VIEW_TABLES, VIEWS_LAYOUT, 0};
static const char TERMS_KEY[] = "terms"; /* terms_schema under which the index was made */

/* Who writes a log, by its local number. */
struct log_author {
    bool is_known;
    uint32_t log_number;
    struct node_id node;
    uint32_t author;
};

struct views_writer {
    struct index *index;
    struct unpack *unpack;
    struct commit *commit;
    struct record *record;
    uint8_t *scratch;
    struct entry_reader reader;     /* for the batch */
    struct waiting_commit *waiting; /* what the commit being followed adds */
    struct record_news *news;
    size_t news_count, news_cap;
    struct journal_item *items;
    size_t item_count, item_max;
    struct gone_place *gone; /* payloads of which the batch says that they went; room for as many as items */
    size_t gone_count;
    uint32_t *hidden; /* documents of the batch whose day has come */
    size_t hidden_count, hidden_cap;
    bool is_checked; /* the journal is the one that was followed */
    struct log_author logs[LOGS_CACHED];
    enum err term_err; /* of the callback that gives terms to the index */
    struct ends ends;  /* how far logs count, for the batch */
    bool has_change;   /* a log may count further or less far than the views have it */
    enum err log_err;  /* what the log environment says, kept apart: its damage is not ours to mend */
};

/* ---- opening ---- */

static enum err path_of(const char *home, char ret[KV_PATH_BYTES_MAX + 1])
{
    int n = snprintf(ret, KV_PATH_BYTES_MAX + 1, "%s/views", home);

    return n > 0 && n <= KV_PATH_BYTES_MAX ? ERR_OK : ERR_INVALID;
}

static void schema_put(struct kv_txn *txn, void *arg)
{
    uint8_t b[4];
    struct out out = out_into(b, sizeof b);

    (void)arg;
    key_u32(&out, terms_schema());
    kv_put(txn, VIEW_META, span_text(TERMS_KEY), out_written(&out));
}

/* ERR_LAYOUT when the index was made under another schema. */
static enum err schema_check(struct kv *kv)
{
    struct kv_txn txn;
    struct span value;
    enum err err;

    kv_begin_read(kv, &txn);
    if (!kv_get(&txn, VIEW_META, span_text(TERMS_KEY), &value) || value.n != 4 || key_read_u32(value.p) != terms_schema()) {
        err = txn.err != ERR_OK ? txn.err : ERR_LAYOUT;
    } else {
        struct views_state state;
        err = views_state_get(&txn, &state);
    }
    kv_abort(&txn);
    return err;
}

static enum err open_once(const char *path, struct kv **ret)
{
    enum err err = kv_open(path, &SCHEMA, ret);

    if (err == ERR_OK) {
        err = schema_check(*ret);
        if (err != ERR_OK) {
            kv_close(ret);
        }
    }
    return err;
}

static enum err open_or_make(const char *path, struct kv **ret)
{
    enum err err = open_once(path, ret);

    if (err == ERR_LAYOUT || err == ERR_CORRUPT || err == ERR_NOT_FOUND) {
        err = kv_drop(path);
        if (err == ERR_OK) {
            err = kv_create(path, &SCHEMA, schema_put, NULL);
        }
        if (err == ERR_OK) {
            err = open_once(path, ret);
        }
    }
    return err;
}

enum err views_open(const char *home, struct opener *opener, struct views **ret)
{
    struct views *views = calloc(1, sizeof *views);
    enum err err;

    if (views == NULL) {
        return ERR_MEMORY;
    }
    views->opener = opener;
    err = path_of(home, views->path);
    if (err == ERR_OK) {
        err = open_or_make(views->path, &views->kv);
    }
    if (err == ERR_OK && pthread_rwlock_init(&views->turn, NULL) != 0) {
        kv_close(&views->kv);
        err = ERR_MEMORY;
    }
    if (err != ERR_OK) {
        free(views);
        return err;
    }
    *ret = views;
    return ERR_OK;
}

void views_writer_destroy(struct views_writer **writer)
{
    struct views_writer *w = *writer;

    if (w == NULL) {
        return;
    }
    index_destroy(&w->index);
    unpack_destroy(&w->unpack);
    free(w->commit);
    free(w->record);
    free(w->scratch);
    free(w->waiting);
    free(w->news);
    free(w->items);
    free(w->gone);
    free(w->hidden);
    free(w);
    *writer = NULL;
}

void views_close(struct views **views)
{
    if (*views != NULL) {
        views_writer_destroy(&(*views)->writer);
        kv_close(&(*views)->kv);
        pthread_rwlock_destroy(&(*views)->turn);
        free(*views);
        *views = NULL;
    }
}

enum err views_reset(struct views *views)
{
    atomic_store(&views->is_damaged, true);
    return ERR_OK;
}

bool views_starts_again(const struct views *views)
{
    return atomic_load(&views->is_damaged);
}

enum err views_drop(const char *home)
{
    char path[KV_PATH_BYTES_MAX + 1];
    enum err err = path_of(home, path);

    return err == ERR_OK ? kv_drop(path) : err;
}

/* ---- following ---- */

static enum err writer_get(struct views *views, struct views_writer **ret)
{
    struct views_writer *w = views->writer;

    if (w == NULL) {
        w = calloc(1, sizeof *w);
        if (w == NULL) {
            return ERR_MEMORY;
        }
        w->index = index_new();
        w->unpack = unpack_new();
        w->commit = malloc(sizeof *w->commit);
        w->record = malloc(sizeof *w->record);
        w->scratch = malloc(OPENER_SCRATCH_BYTES);
        w->waiting = malloc(sizeof *w->waiting);
        w->items = malloc(BATCH_ITEMS_MAX * sizeof *w->items);
        w->gone = malloc(BATCH_ITEMS_MAX * sizeof *w->gone);
        if (w->index == NULL || w->unpack == NULL || w->commit == NULL || w->record == NULL || w->scratch == NULL || w->waiting == NULL ||
            w->items == NULL || w->gone == NULL) {
            views_writer_destroy(&w);
            return ERR_MEMORY;
        }
        views->writer = w;
    }
    *ret = w;
    return ERR_OK;
}

static bool item_collect(void *arg, const struct journal_item *item)
{
    struct views_writer *w = arg;

    w->items[w->item_count++] = *item;
    return w->item_count < w->item_max;
}

/* Who writes the log: its node, and the short number that stands for the node in the names of versions, given at its first record. */
static enum err author_of(struct views_writer *w, struct kv_txn *txn, struct views_state *state, const struct log_info *info, struct log_author *ret)
{
    struct log_author *cached = &w->logs[info->number % LOGS_CACHED];
    uint8_t b[4];
    struct out out = out_into(b, sizeof b);
    enum err err;

    if (cached->is_known && cached->log_number == info->number) {
        *ret = *cached;
        return ERR_OK;
    }
    *ret = (struct log_author){true, info->number, info->node, 0};
    err = views_author(txn, &info->node, &ret->author);
    if (err == ERR_NOT_FOUND) {
        ret->author = ++state->authors;
        key_u32(&out, ret->author);
        kv_put(txn, VIEW_AUTHORS, span_of(info->node.b, sizeof info->node.b), out_written(&out));
        err = txn->err;
    }
    if (err == ERR_OK) {
        *cached = *ret;
    }
    return err;
}

static enum err news_add(struct views_writer *w, struct record_news news)
{
    if (w->news_count == w->news_cap) {
        size_t n = w->news_cap == 0 ? 1024 : w->news_cap * 2;
        struct record_news *bigger = realloc(w->news, n * sizeof *bigger);
        if (bigger == NULL) {
            return ERR_MEMORY;
        }
        w->news = bigger;
        w->news_cap = n;
    }
    w->news[w->news_count++] = news;
    return ERR_OK;
}

static void term_take(void *arg, struct span term)
{
    struct views_writer *w = arg;

    if (w->term_err == ERR_OK) {
        w->term_err = index_term(w->index, term);
    }
}

static enum err hidden_add(struct views_writer *w, uint32_t number)
{
    if (w->hidden_count == w->hidden_cap) {
        size_t n = w->hidden_cap == 0 ? 256 : w->hidden_cap * 2;
        uint32_t *bigger = realloc(w->hidden, n * sizeof *bigger);
        if (bigger == NULL) {
            return ERR_MEMORY;
        }
        w->hidden = bigger;
        w->hidden_cap = n;
    }
    w->hidden[w->hidden_count++] = number;
    return ERR_OK;
}

/* A version that expires: from its day on it is as if it were not here. */
static enum err follow_expiry(struct views_writer *w, struct kv_txn *txn, struct views_state *state, uint32_t expiry_day, struct record_news *news)
{
    bool is_hidden = false;

    if (expiry_day == 0) {
        return ERR_OK;
    }
    gone_expires(txn, news->number, expiry_day, &state->day, &is_hidden);
    news->is_withdrawn = news->is_withdrawn || is_hidden;
    return is_hidden ? hidden_add(w, news->number) : ERR_OK;
}

/* A version of a record: into the index, and to the news of which versions are current. */
static enum err follow_version(struct views_writer *w, struct kv_txn *txn, struct views_state *state, const struct log_author *author, uint64_t seq,
                               uint32_t entry, const struct leaf *leaf)
{
    const struct hash *content = &leaf->content;
    const struct record *record = w->record;
    struct doc doc = {record->id, terms_day(record), author->log_number, seq, (uint8_t)entry, (uint8_t)record->kind};
    struct record_news news = {.is_held = true, .is_withdrawn = seq > ends_of(&w->ends, author->log_number), .kind = doc.kind};
    uint8_t term[RECORD_TERM_BYTES];
    enum err err = index_add(w->index, &doc, &news.number);

    if (err == ERR_OK) {
        err = follow_expiry(w, txn, state, leaf->expiry_day, &news);
    }
    if (err != ERR_OK) {
        return err;
    }
    record_key(&record->id, author->author, content, &news.key);
    record_term(&news.key, record->depth, term);
    w->term_err = index_term(w->index, span_of(term, sizeof term));
    terms_of(record, &author->node, term_take, w);
    if (w->term_err != ERR_OK) {
        return w->term_err;
    }
    err = news_add(w, news);
    for (uint32_t i = 0; i < record->replaces_count && err == ERR_OK && !news.is_withdrawn; i++) {
        struct record_news named = {.is_held = false};
        record_key(&record->id, author->author, &record->replaces[i], &named.key);
        err = news_add(w, named);
    }
    return err;
}

/* An entry that may be a version, with the keys that stood in the journal up to item `until`. */
static enum err follow_entry(struct views_writer *w, struct kv_txn *txn, struct views_state *state, const struct log_info *info, uint64_t seq,
                             uint32_t entry, uint64_t until, enum views_skip *ret_why)
{
    const struct entry *e = &w->commit->entries[entry];
    struct log_author author;
    enum err err = views_entry_record(&w->reader, &info->node, e, seq, until, w->record, NULL, ret_why);

    if (err == ERR_NOT_FOUND) {
        state->skipped[*ret_why]++;
        return ERR_NOT_FOUND;
    }
    if (err != ERR_OK) {
        w->log_err = err;
        return err;
    }
    err = author_of(w, txn, state, info, &author);
    return err != ERR_OK ? err : follow_version(w, txn, state, &author, seq, entry, &e->leaf);
}

/* Meet damage in the commits that hold the keys of this one before anything of it is followed: it is followed whole, or not yet. */
static enum err keys_meet(struct views_writer *w, const struct log_info *info, uint64_t until)
{
    const struct entry *before = NULL;

    for (uint32_t i = 0; i < w->commit->entry_count && w->reader.opener != NULL; i++) {
        const struct entry *entry = &w->commit->entries[i];
        struct hash id;
        if (!entry_is_sealed(entry) || (before != NULL && memcmp(before->leaf.audience, entry->leaf.audience, sizeof id.b) == 0)) {
            continue;
        }
        before = entry;
        memcpy(id.b, entry->leaf.audience, sizeof id.b);
        enum err err = opener_key(w->reader.opener, w->reader.log, &info->node, &id, until);
        if (err != ERR_OK && !opener_may_change(err)) {
            return err;
        }
    }
    return ERR_OK;
}

/* Follow one commit. `*ret_has_keys`: it brings some, and what waits for them comes next. */
static enum err follow_commit(struct views_writer *w, struct kv_txn *txn, struct views_state *state, const struct journal_item *item, bool *ret_has_keys)
{
    struct log_info info;
    struct hash hash;
    enum err err = w->log_err = store_log_by_number(w->reader.log, item->log_number, &info);

    if (err == ERR_OK) {
        err = w->log_err = store_commit_at(w->reader.log, item->log_number, item->seq, w->commit, &hash);
    }
    if (err == ERR_OK) {
        err = w->log_err = keys_meet(w, &info, item->number);
    }
    if (err != ERR_OK) {
        return err;
    }
    w->has_change = w->has_change || (info.held_seq > info.head.seq && ends_of(&w->ends, info.number) != info.head.seq);
    w->waiting->count = 0;
    *ret_has_keys = false;
    state->last_log = item->log_number;
    state->last_seq = item->seq;
    state->last_hash = hash;
    for (uint32_t i = 0; i < w->commit->entry_count && err == ERR_OK; i++) {
        const struct entry *entry = &w->commit->entries[i];
        enum views_skip why = VIEWS_SKIP_COUNT;
        state->entries++;
        err = follow_entry(w, txn, state, &info, item->seq, i, item->number, &why);
        if (err == ERR_NOT_FOUND) {
            err = ERR_OK;
            if (why == VIEWS_SKIP_SEALED) {
                waiting_add(w->waiting, entry, item->log_number, item->seq, i);
            }
        }
        *ret_has_keys = *ret_has_keys || entry->leaf.kind == ENTRY_KEY || entry->leaf.kind == ENTRY_GRANT;
    }
    waiting_put(txn, w->waiting);
    return err != ERR_OK ? err : txn->err;
}

/* ---- what waited for a key ---- */

/* The entries of one commit, now that they can be opened. */
static enum err release_commit(struct views_writer *w, struct kv_txn *txn, struct views_state *state, const struct log_info *info,
                               const struct waiting *row, uint64_t until)
{
    struct hash hash;
    enum err err = w->log_err = store_commit_at(w->reader.log, row->log_number, row->seq, w->commit, &hash);

    for (uint32_t i = 0; err == ERR_OK && i < w->commit->entry_count; i++) {
        enum views_skip why;
        if ((row->entries >> i & 1) == 0) {
            continue;
        }
        if (state->skipped[VIEWS_SKIP_SEALED]-- == 0) {
            return ERR_CORRUPT;
        }
        err = follow_entry(w, txn, state, info, row->seq, i, until, &why);
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    if (err == ERR_OK) {
        waiting_delete(txn, row);
    }
    return err;
}

/* All that waits under one id in logs of its author, log by log; at most about `*left` entries. Others may name the id, and wait for ever. */
static enum err release_id(struct views_writer *w, struct kv_txn *txn, struct views_state *state, const struct node_id *author, const struct hash *id,
                           uint64_t until, uint32_t *left, bool *ret_is_done)
{
    struct waiting from = {.id = *id}, row;
    enum err err = opener_key(w->reader.opener, w->reader.log, author, id, until);

    if (err != ERR_OK) {
        return opener_may_change(err) ? ERR_OK : (w->log_err = err);
    }
    while (waiting_next(txn, &from, &row, &err) && hash_equal(&row.id, id)) {
        struct log_info info;
        if (*left == 0 || index_is_full(w->index)) {
            *ret_is_done = false;
            return ERR_OK;
        }
        err = w->log_err = store_log_by_number(w->reader.log, row.log_number, &info);
        if (err == ERR_OK && !node_id_equal(&info.node, author)) {
            from = (struct waiting){.id = *id, .log_number = row.log_number + 1};
            continue;
        }
        if (err == ERR_OK) {
            err = release_commit(w, txn, state, &info, &row, until);
        }
        if (err != ERR_OK) {
            return err;
        }
        uint32_t count = (uint32_t)__builtin_popcountll(row.entries);
        *left = *left > count ? *left - count : 0;
        from = (struct waiting){.id = *id, .log_number = row.log_number, .seq = row.seq + 1};
    }
    return err;
}

/* Work in what waited for the keys and grants in this commit, as if it came right behind it: so nothing else is followed until it is done, and the
 * documents are numbered alike whatever the batches. */
static enum err release(struct views_writer *w, struct kv_txn *txn, struct views_state *state, const struct journal_item *item, uint32_t *left)
{
    struct hash ids[COMMIT_ENTRIES_MAX], hash;
    struct log_info info;
    uint32_t count = 0;
    bool is_done = true;
    enum err err = w->log_err = store_log_by_number(w->reader.log, item->log_number, &info);

    if (err == ERR_OK) {
        err = w->log_err = store_commit_at(w->reader.log, item->log_number, item->seq, w->commit, &hash);
    }
    for (uint32_t i = 0; err == ERR_OK && w->reader.opener != NULL && i < w->commit->entry_count; i++) {
        if (views_entry_key(&w->reader, &w->commit->entries[i], &ids[count]) && waiting_has(txn, &ids[count])) {
            count++;
        }
    }
    for (uint32_t i = 0; err == ERR_OK && is_done && i < count; i++) {
        err = release_id(w, txn, state, &info.node, &ids[i], item->number, left, &is_done);
    }
    if (err == ERR_CORRUPT && w->log_err == ERR_CORRUPT) { /* a damaged commit: what stands before it stays, and the views stand still */
        is_done = false;
        err = ERR_OK;
    }
    state->is_releasing = !is_done;
    return err;
}

/* The item whose keys are being worked in: the last one followed. */
static enum err release_more(struct views_writer *w, struct kv_txn *txn, struct views_state *state, uint32_t *left)
{
    w->item_count = 0;
    w->item_max = 1;
    enum err err = w->log_err = store_journal(w->reader.log, state->followed - 1, item_collect, w);
    if (err == ERR_OK && (w->item_count != 1 || w->items[0].type != JOURNAL_COMMIT)) {
        err = ERR_CORRUPT;
    }
    return err != ERR_OK ? err : release(w, txn, state, &w->items[0], left);
}

/* Does a key of ours open anything that waits? */
static enum err opens_waiting(struct views_writer *w, struct kv_txn *txn, const struct views_state *state, bool *ret)
{
    struct waiting from = {.seq = 0}, row;
    enum err err = ERR_OK;

    while (!*ret && waiting_next(txn, &from, &row, &err)) {
        struct log_info info;
        err = w->log_err = store_log_by_number(w->reader.log, row.log_number, &info);
        if (err == ERR_OK) {
            err = opener_key(w->reader.opener, w->reader.log, &info.node, &row.id, state->followed);
            *ret = err == ERR_OK;
            w->log_err = opener_may_change(err) ? ERR_OK : err;
        }
        if (w->log_err != ERR_OK) {
            return w->log_err;
        }
        from = (struct waiting){.id = row.id, .log_number = row.log_number + 1};
    }
    return err == ERR_OK || opener_may_change(err) ? ERR_OK : err;
}

/* Encryption keys come (a rotation, a backup brought back) and go. The documents are numbered as if all of ours had been there from the start: with one
 * that opens what has waited, and with any that is missing, all begins again. `*ret_has_change`: the state is to be written. */
static enum err keys_compare(struct views_writer *w, struct kv_txn *txn, struct views_state *state, struct opener_keys *ret_keys, bool *ret_is_reset,
                             bool *ret_has_change)
{
    struct opener_keys known = {0, 0};
    enum err err = ERR_OK;
    bool opens = false;

    *ret_keys = known;
    if (w->reader.opener != NULL) {
        err = opener_keys(w->reader.opener, state->keys, &known);
        err = err == ERR_OK ? opener_keys(w->reader.opener, SIZE_MAX, ret_keys) : err;
    }
    if (err != ERR_OK || (ret_keys->count == state->keys && known.digest == state->keys_digest)) {
        return err;
    }
    *ret_has_change = true;
    if (ret_keys->count < state->keys || known.digest != state->keys_digest) {
        *ret_is_reset = true;
        return ERR_OK;
    }
    err = opens_waiting(w, txn, state, &opens);
    *ret_is_reset = opens;
    state->keys = (uint32_t)ret_keys->count;
    state->keys_digest = ret_keys->digest;
    return err;
}

/* Is the journal still the one that was followed? Not after a store was brought back from an older backup. */
static bool is_same_journal(struct views_writer *w, struct store_read *read, const struct views_state *state)
{
    struct hash hash;

    if (state->followed > store_journal_end(read)) {
        return false;
    }
    if (state->last_seq == 0) {
        return true;
    }
    return store_commit_at(read, state->last_log, state->last_seq, w->commit, &hash) == ERR_OK && hash_equal(&hash, &state->last_hash);
}

/* Empty all tables; following then starts again. */
static void start_again(struct kv_txn *txn, struct views_writer *w, struct views_state *ret)
{
    for (uint32_t table = 0; table < VIEW_TABLES; table++) {
        kv_clear(txn, table);
    }
    schema_put(txn, NULL);
    memset(ret, 0, sizeof *ret);
    memset(w->logs, 0, sizeof w->logs);
}

/* What has gone since it was indexed; logs that count further or less far than before; days that have come. Left over for the next batch when there is
 * much of it. */
static enum err settle(struct views_writer *w, struct kv_txn *txn, struct views_state *state)
{
    struct withdrawal work = {txn, &w->reader, w->commit, w->record, state->docs, state->current, ERR_OK};
    bool is_done = true;
    enum err err = w->gone_count > 0 ? gone_take(&work, w->gone, w->gone_count) : ERR_OK;

    if (err == ERR_OK && w->has_change) {
        err = withdraw_step(&work, SETTLE_ENTRIES_MAX, &is_done);
    }
    if (err == ERR_OK && gone_is_due(txn, state->day)) {
        err = gone_days(&work, HIDE_MAX, &state->day);
        is_done = is_done && !gone_is_due(txn, state->day);
    }
    if (err != ERR_OK) {
        w->log_err = work.log_err;
    }
    state->is_settling = !is_done;
    return err;
}

/* One transaction. */
static enum err follow_batch(struct views *views, struct views_writer *w, struct store_read *read, uint64_t items_max, struct views_state *ret)
{
    struct views_state state;
    struct kv_txn txn;
    struct opener_keys keys = {0, 0};
    uint32_t release_left = SETTLE_ENTRIES_MAX;
    bool is_reset = atomic_load(&views->is_damaged), has_keys_changed = false;
    enum err err;

    w->log_err = ERR_OK;
    w->reader = (struct entry_reader){read, w->unpack, views->opener, w->scratch};
    kv_begin_write(views->kv, &txn);
    err = is_reset ? txn.err : views_state_get(&txn, &state);
    if (err == ERR_OK && !is_reset) { /* commits that were followed may have been taken back, and others stand in their place */
        is_reset = state.epoch != store_epoch(read) || (!w->is_checked && !is_same_journal(w, read, &state));
    }
    if (err == ERR_OK && is_reset) {
        start_again(&txn, w, &state);
    }
    if (err == ERR_OK) {
        bool is_other = false;
        err = keys_compare(w, &txn, &state, &keys, &is_other, &has_keys_changed);
        if (err == ERR_OK && is_other) {
            start_again(&txn, w, &state);
            state.keys = (uint32_t)keys.count;
            state.keys_digest = keys.digest;
            is_reset = true;
        }
    }
    if (err == ERR_OK && is_reset) {
        state.epoch = store_epoch(read);
    }
    if (err == ERR_OK && !kv_has_room(views->kv)) {
        err = ERR_FULL; /* what is left belongs to the log */
    }
    w->item_count = 0;
    w->news_count = w->gone_count = w->hidden_count = 0;
    w->has_change = false;
    bool was_releasing = err == ERR_OK && state.is_releasing, is_day_due = false;
    if (err == ERR_OK) {
        is_day_due = gone_is_due(&txn, state.day);
        w->has_change = state.is_settling;
        index_begin(w->index, state.docs);
        err = ends_load(&txn, &w->ends);
        w->has_change = w->has_change || w->ends.count > 0; /* a frontier may make more of them final, and stands in no journal */
    }
    if (err == ERR_OK && was_releasing) {
        err = release_more(w, &txn, &state, &release_left);
    }
    w->item_count = 0;
    w->item_max = items_max < BATCH_ITEMS_MAX ? (size_t)items_max : BATCH_ITEMS_MAX;
    if (err == ERR_OK && w->item_max > 0 && !state.is_releasing) {
        w->log_err = err = store_journal(read, state.followed, item_collect, w);
    }
    if (err == ERR_OK && w->item_count == 0 && !was_releasing && !has_keys_changed && !w->has_change && !is_day_due && !is_reset && w->is_checked) {
        ends_fini(&w->ends);
        kv_abort(&txn); /* woken for a frontier or a card, of which the views hold nothing: no transaction is synced for that */
        *ret = state;
        return ERR_OK;
    }
    for (size_t i = 0; i < w->item_count && err == ERR_OK && !state.is_releasing && !index_is_full(w->index); i++) {
        bool has_keys = false;
        if (w->items[i].type == JOURNAL_COMMIT && w->items[i].seq > 0) { /* commit 0 is the birth: no entries */
            err = follow_commit(w, &txn, &state, &w->items[i], &has_keys);
            if (w->log_err == ERR_CORRUPT && i > 0) { /* what stands before the damaged commit is followed */
                err = ERR_OK;
                break;
            }
        }
        if (err != ERR_OK) {
            break;
        }
        if (w->items[i].type == JOURNAL_GONE) {
            w->gone[w->gone_count++] = (struct gone_place){w->items[i].log_number, w->items[i].seq, w->items[i].entry};
        }
        w->has_change = w->has_change || w->items[i].type == JOURNAL_NOTICE; /* a roster, an act, a proof, or a frontier that makes final */
        state.followed = w->items[i].number;
        if (has_keys) {
            err = release(w, &txn, &state, &w->items[i], &release_left);
        }
    }
    if (err == ERR_OK) {
        err = records_apply(&txn, state.docs, &w->ends, w->news, w->news_count, state.current);
    }
    if (err == ERR_OK) {
        err = index_end(w->index, &txn);
        state.docs = index_docs(w->index);
    }
    if (err == ERR_OK && w->hidden_count > 0) {
        err = block_flip(&txn, VIEW_HIDDEN, w->hidden, w->hidden_count);
    }
    if (err == ERR_OK && (w->has_change || w->gone_count > 0 || is_day_due)) {
        err = settle(w, &txn, &state);
    }
    ends_fini(&w->ends);
    if (err != ERR_OK) {
        kv_abort(&txn);
        memset(w->logs, 0, sizeof w->logs); /* numbers given in this transaction are forgotten */
        return err;
    }
    views_state_put(&txn, &state);
    err = kv_commit(&txn);
    if (err == ERR_OK) {
        w->is_checked = true;
        *ret = state;
        if (is_reset) {
            atomic_store(&views->is_damaged, false);
        }
    } else {
        memset(w->logs, 0, sizeof w->logs);
    }
    return err;
}

/* An environment so damaged that it cannot even be emptied is replaced by a new one, as a restart would. Ends when the last reader has ended. */
static enum err replace(struct views *views)
{
    enum err err;

    pthread_rwlock_wrlock(&views->turn);
    views_writer_destroy(&views->writer);
    kv_close(&views->kv);
    err = kv_drop(views->path);
    if (err == ERR_OK) {
        err = open_or_make(views->path, &views->kv);
    }
    if (err == ERR_OK) {
        atomic_store(&views->is_damaged, false);
    }
    pthread_rwlock_unlock(&views->turn);
    return err;
}

enum err views_follow(struct views *views, struct store *store, uint64_t items_max, uint64_t *ret_left)
{
    struct views_writer *w;
    struct store_read *read;
    struct views_state state;
    bool is_replaced = false;
    enum err err = ERR_OK;

    if (views->kv == NULL || atomic_load(&views->is_damaged)) { /* not emptied: LMDB ends the process when it meets a page that is none in mdb_drop */
        err = views->kv != NULL && !kv_has_room(views->kv) ? ERR_FULL : replace(views);
        is_replaced = true;
    }

    if (err == ERR_OK) {
        err = writer_get(views, &w);
    }
    if (err == ERR_OK) {
        err = store_read_begin(store, &read);
    }
    if (err != ERR_OK) {
        return err;
    }
    for (int tries = 0; tries < BATCH_TRIES; tries++) {
        err = follow_batch(views, w, read, items_max, &state);
        if (err == ERR_INTERNAL && atomic_load(&views->is_damaged)) {
            err = ERR_CORRUPT; /* LMDB has more than one word for a page that is none (MDB_BAD_TXN among them) */
        }
        if (err == ERR_CORRUPT && w->log_err == ERR_OK) {
            if (atomic_exchange(&views->is_damaged, true)) { /* even emptying did not help */
                err = is_replaced ? ERR_LAYOUT : replace(views);
                if (err == ERR_OK) {
                    err = writer_get(views, &w);
                }
                if (err != ERR_OK) {
                    break;
                }
                is_replaced = true;
                err = ERR_BUSY; /* should this have been the last try */
            }
        } else if (err != ERR_BUSY) {
            break;
        }
    }
    if (err == ERR_OK) {
        *ret_left = store_journal_end(read) - state.followed;
        *ret_left = *ret_left == 0 && (state.is_settling || state.is_releasing) ? 1 : *ret_left;
        err = w->log_err; /* a damaged commit behind what was followed */
    }
    store_read_end(&read);
    return err;
}

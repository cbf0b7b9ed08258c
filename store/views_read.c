#include "store/entry.h"
#include "store/views_entry.h"
#include "store/views_state.h"
#include "store/waiting.h"

#include "store/gone.h"
#include "store/index/index.h"
#include "store/index/search.h"
#include "store/index/tables.h"

#include <assert.h>
#include <stdlib.h>

enum { VERSIONS_MAX = 65536 };

enum err views_read_begin(struct views *views, struct store *store, struct views_read **ret)
{
    struct views_read *read = calloc(1, sizeof *read);
    enum err err;

    if (read == NULL) {
        return ERR_MEMORY;
    }
    read->views = views;
    pthread_rwlock_rdlock(&views->turn);
    if (views->kv == NULL) {
        pthread_rwlock_unlock(&views->turn);
        free(read);
        return ERR_CORRUPT;
    }
    kv_begin_read(views->kv, &read->txn); /* before the log's: then the log holds whatever the views speak of */
    err = views_damaged(read, views_state_get(&read->txn, &read->state));
    if (err == ERR_OK) {
        err = store_read_begin(store, &read->log);
    }
    if (err != ERR_OK) {
        views_read_end(&read);
        return err;
    }
    *ret = read;
    return ERR_OK;
}

void views_read_end(struct views_read **read)
{
    struct views_read *r = *read;

    if (r == NULL) {
        return;
    }
    if (r->log != NULL) {
        store_read_end(&r->log);
    }
    kv_abort(&r->txn);
    pthread_rwlock_unlock(&r->views->turn);
    search_destroy(&r->search);
    unpack_destroy(&r->unpack);
    free(r->query);
    free(r->commit);
    free(r->record);
    free(r->scratch);
    free(r);
    *read = NULL;
}

enum err views_count(struct views_read *read, struct views_count *ret)
{
    ret->followed = read->state.followed;
    ret->journal = store_journal_end(read->log);
    ret->entries = read->state.entries;
    ret->versions = read->state.docs;
    memcpy(ret->current, read->state.current, sizeof ret->current);
    memcpy(ret->skipped, read->state.skipped, sizeof ret->skipped);
    return ERR_OK;
}

/* ---- versions ---- */

enum err views_memory(struct views_read *read)
{
    if (read->commit == NULL) {
        read->commit = malloc(sizeof *read->commit);
    }
    if (read->record == NULL) {
        read->record = malloc(sizeof *read->record);
    }
    if (read->unpack == NULL) {
        read->unpack = unpack_new();
    }
    if (read->scratch == NULL) {
        read->scratch = malloc(OPENER_SCRATCH_BYTES);
    }
    return read->commit != NULL && read->record != NULL && read->unpack != NULL && read->scratch != NULL ? ERR_OK : ERR_MEMORY;
}

struct entry_reader views_entry_reader(const struct views_read *read)
{
    return (struct entry_reader){read->log, read->unpack, read->views->opener, read->scratch};
}

/* The payload of the record that the index says, opened; empty when it is not here, or cannot be opened any more. */
static enum err payload_get(struct views_read *read, const struct node_id *author, const struct entry *entry, const struct doc *doc, struct span *ret)
{
    struct entry_reader reader = views_entry_reader(read);
    enum views_skip why;
    enum err err = views_entry_record(&reader, author, entry, doc->seq, OPENER_NOW, read->record, ret, &why);

    if (err == ERR_NOT_FOUND && (why == VIEWS_SKIP_ABSENT || why == VIEWS_SKIP_SEALED)) {
        *ret = span_of(NULL, 0);
        return ERR_OK;
    }
    if (err == ERR_NOT_FOUND || (err == ERR_OK && memcmp(read->record->id.b, doc->id.b, sizeof doc->id.b) != 0)) {
        return views_damaged(read, ERR_CORRUPT);
    }
    return err;
}

/* Fetch a version from the log. The payload is checked by its hash, either with the whole commit's, or (`key`) against the name under which the index
 * files it. */
static enum err version_get(struct views_read *read, const struct doc *doc, const struct record_key *key, struct version *ret)
{
    const struct entry *entry = NULL;
    struct log_info info;
    struct hash hash;
    struct span payload = {NULL, 0};
    enum err err = views_memory(read);

    if (err == ERR_OK) {
        err = store_log_by_number(read->log, doc->log_number, &info);
    }
    if (err == ERR_OK && key != NULL) {
        err = store_entry(read->log, doc->log_number, doc->seq, doc->entry, read->commit, &entry);
        if (err == ERR_OK && memcmp(entry->leaf.content.b, key->b + RECORD_KEY_BYTES - RECORD_NAME_BYTES, RECORD_NAME_BYTES) != 0) {
            key = NULL; /* which of the two is damaged? The commit's own hash tells */
        }
    }
    if (err == ERR_OK && key == NULL) {
        err = store_commit_at(read->log, doc->log_number, doc->seq, read->commit, &hash);
        if (err == ERR_OK && (entry != NULL || doc->entry >= read->commit->entry_count)) {
            return views_damaged(read, ERR_CORRUPT);
        }
        entry = &read->commit->entries[doc->entry];
    }
    if (err == ERR_OK) {
        err = payload_get(read, &info.node, entry, doc, &payload);
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? views_damaged(read, ERR_CORRUPT) : err;
    }
    *ret = (struct version){
        .id = doc->id,
        .author = info.node,
        .channel = info.channel,
        .content = entry->leaf.content,
        .log_number = doc->log_number,
        .seq = doc->seq,
        .entry = doc->entry,
        .author_time = {key == NULL ? read->commit->author_time.ms : 0},
        .is_gone = !entry->has_payload,
        .expiry_day = entry->leaf.expiry_day,
        .is_expired = entry->leaf.expiry_day != 0 && entry->leaf.expiry_day <= gone_today(),
        .is_sealed = entry_is_sealed(entry),
    };
    if (!ret->is_gone && !ret->is_expired) {
        ret->payload = payload;
    }
    if (ret->is_sealed) {
        memcpy(ret->key_id.b, entry->leaf.audience, sizeof ret->key_id.b);
    }
    return ERR_OK;
}

enum err views_versions(struct views_read *read, const struct record_id *id, bool (*each)(void *arg, const struct version *version), void *arg)
{
    struct record_row *rows;
    size_t count;
    enum err err = views_damaged(read, records_get(&read->txn, read->state.docs, id, VERSIONS_MAX, &rows, &count));

    if (err != ERR_OK) {
        return err;
    }
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        struct version version;
        struct doc doc;
        err = views_damaged(read, index_doc(&read->txn, read->state.docs, rows[i].number, &doc));
        if (err == ERR_OK) {
            err = version_get(read, &doc, NULL, &version);
        }
        if (err == ERR_OK && memcmp(version.content.b, rows[i].key.b + RECORD_KEY_BYTES - RECORD_NAME_BYTES, RECORD_NAME_BYTES) != 0) {
            err = views_damaged(read, ERR_CORRUPT);
        }
        if (err == ERR_OK) {
            version.is_current = !rows[i].is_replaced && !rows[i].is_withdrawn && !rows[i].is_gone && !version.is_gone && !version.is_expired;
            version.is_disputed = rows[i].is_withdrawn;
            if (!each(arg, &version)) {
                break;
            }
        }
    }
    free(rows);
    return err;
}

/* ---- what waits for a key ---- */

enum err views_sealed(struct views_read *read, bool (*each)(void *arg, const struct views_sealed *sealed), void *arg)
{
    struct waiting from = {.seq = 0}, row;
    struct views_sealed sealed = {.entries = 0};
    enum err err = ERR_OK;
    bool goes_on = true;

    while (goes_on && waiting_next(&read->txn, &from, &row, &err)) {
        struct log_info info;
        err = store_log_by_number(read->log, row.log_number, &info);
        if (err != ERR_OK) {
            return err == ERR_NOT_FOUND ? views_damaged(read, ERR_CORRUPT) : err;
        }
        sealed = (struct views_sealed){.key_id = row.id, .author = info.node, .channel = info.channel, .log_number = row.log_number, .first_seq = row.seq};
        do {
            sealed.entries += (uint64_t)__builtin_popcountll(row.entries);
            sealed.last_seq = row.seq;
            from = (struct waiting){.id = row.id, .log_number = row.log_number, .seq = row.seq + 1};
        } while (waiting_next(&read->txn, &from, &row, &err) && hash_equal(&row.id, &sealed.key_id) && row.log_number == sealed.log_number);
        if (err != ERR_OK) {
            break;
        }
        sealed.why = ERR_PERMISSION;
        if (read->views->opener != NULL) {
            sealed.why = opener_key(read->views->opener, read->log, &sealed.author, &sealed.key_id, read->state.followed);
        }
        if (err_blame(sealed.why) == BLAME_SELF) {
            return sealed.why;
        }
        goes_on = each(arg, &sealed);
    }
    return views_damaged(read, err);
}

/* ---- ids ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err views_resolve(struct views_read *read, const char *hex_prefix, struct record_id *ret, size_t max, size_t *ret_count)
{
    size_t n = strlen(hex_prefix);
    struct record_id at = {{0}};

    if (n < 4 || n > 2 * sizeof at.b) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < n; i++) {
        int digit = hex_digit(hex_prefix[i]);
        if (digit < 0) {
            return ERR_INVALID;
        }
        at.b[i / 2] = (uint8_t)(at.b[i / 2] | digit << (i % 2 == 0 ? 4 : 0));
    }
    return views_damaged(read, records_resolve(&read->txn, read->state.docs, &at, (uint32_t)n * 4, ret, max, ret_count));
}

/* ---- searching ---- */

struct hit_arg {
    struct views_read *read;
    bool (*each)(void *arg, const struct version *version);
    void *arg;
    enum err err;
};

static bool hit_give(void *arg, uint32_t number, const struct doc *doc)
{
    struct hit_arg *hit = arg;
    struct views_read *read = hit->read;
    struct version version;
    struct record_key key;

    hit->err = views_damaged(read, records_key_of(&read->txn, read->state.docs, number, &doc->id, &key));
    if (hit->err == ERR_OK) {
        hit->err = version_get(read, doc, &key, &version);
    }
    if (hit->err != ERR_OK) {
        return false;
    }
    version.is_current = !version.is_gone && !version.is_expired; /* the index may be a moment behind */
    return hit->each(hit->arg, &version);
}

enum err views_search(struct views_read *read, struct span query, uint64_t offset, size_t limit,
                      bool (*each)(void *arg, const struct version *version), void *arg, struct query_result *ret, size_t *ret_at,
                      const char **ret_why)
{
    struct hit_arg hit = {read, each, arg, ERR_OK};
    enum err err;

    if (read->search == NULL) {
        read->search = search_new();
    }
    if (read->query == NULL) {
        read->query = malloc(sizeof *read->query);
    }
    if (read->search == NULL || read->query == NULL) {
        return ERR_MEMORY;
    }
    if (offset > SEARCH_DEPTH_MAX || limit > SEARCH_DEPTH_MAX - offset) {
        *ret_at = 0;
        *ret_why = N_("a page may not end beyond hit 1048576: make the query narrower");
        return ERR_INVALID;
    }
    err = query_parse(query, read->query, ret_at, ret_why);
    if (err != ERR_OK) {
        return err;
    }
    err = views_damaged(read, search_run(read->search, &read->txn, read->state.docs, read->query, offset, limit, hit_give, &hit, &ret->total, &ret->count));
    return err != ERR_OK ? err : hit.err;
}

enum err views_dump(struct views_read *read, void (*put)(void *arg, struct span key, struct span value), void *arg)
{
    for (uint32_t table = 0; table < VIEW_TABLES; table++) {
        struct kv_cursor cursor;
        kv_cursor_open(&read->txn, table, &cursor);
        for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
            uint8_t b[1 + KV_KEY_BYTES_MAX];
            struct out out = out_into(b, sizeof b);
            key_u8(&out, (uint8_t)table);
            out_span(&out, cursor.key);
            put(arg, out_written(&out), cursor.value);
        }
        kv_cursor_close(&cursor);
    }
    return read->txn.err;
}

/* erased.c - orders to erase: which leaf each names, who gave it, and what it is worth (README 8). A function of the orders and rosters held. */
#include "store/env.h"

#include "proto/erasure.h"

#include <assert.h>
#include <stdlib.h>

bool leaf_may_go(const struct leaf *leaf)
{
    return leaf->kind == ENTRY_SEALED || leaf->kind == ENTRY_RECORD;
}

bool leaf_may_be_gone(const struct leaf *leaf)
{
    return leaf_may_go(leaf) || leaf->kind > ENTRY_VERDICT;
}

/* ---- rows ---- */

static struct span order_prefix(const struct hash *content, const struct node_id *author, uint8_t mem[ORDER_KEY_BYTES])
{
    struct out key = out_into(mem, ORDER_KEY_BYTES);
    key_u8(&key, ROW_ORDER);
    out_bytes(&key, content->b, sizeof content->b);
    out_bytes(&key, author->b, sizeof author->b);
    return out_written(&key);
}

struct span order_row_key(const struct order_row *row, uint8_t mem[ORDER_KEY_BYTES])
{
    struct span prefix = order_prefix(&row->content, &row->author, mem);
    struct out key = {mem, ORDER_KEY_BYTES, prefix.n, false};
    key_u32(&key, row->log_number);
    key_u64(&key, row->seq);
    key_u8(&key, row->entry);
    return out_written(&key);
}

enum err order_row_read(struct span key, struct span value, struct order_row *ret)
{
    if (key.n != ORDER_KEY_BYTES || value.n != ORDER_VALUE_BYTES || key.p[0] != ROW_ORDER) {
        return ERR_CORRUPT;
    }
    memcpy(ret->content.b, key.p + 1, 32);
    memcpy(ret->author.b, key.p + 33, 16);
    ret->log_number = key_read_u32(key.p + 49);
    ret->seq = key_read_u64(key.p + 53);
    ret->entry = key.p[61];
    memcpy(ret->by.b, value.p, 16);
    ret->roster_number = key_read_u64(value.p + 16);
    return ERR_OK;
}

static struct span author_key(const struct node_id *author, uint8_t mem[AUTHOR_KEY_BYTES])
{
    struct out key = out_into(mem, AUTHOR_KEY_BYTES);
    key_u8(&key, ROW_AUTHOR);
    out_bytes(&key, author->b, sizeof author->b);
    return out_written(&key);
}

enum err search_row_read(struct span value, struct search_row *ret)
{
    if (value.n != AUTHOR_VALUE_BYTES || value.p[0] > 3) {
        return ERR_CORRUPT;
    }
    *ret = (struct search_row){.is_under_way = (value.p[0] & 1) != 0, .is_again = (value.p[0] & 2) != 0, .log_number = key_read_u32(value.p + 1), .seq = key_read_u64(value.p + 5)};
    return ERR_OK;
}

void search_row_put(struct store *store, const struct node_id *author, const struct search_row *row)
{
    uint8_t mem[AUTHOR_KEY_BYTES], value_mem[AUTHOR_VALUE_BYTES];
    struct out value = out_into(value_mem, sizeof value_mem);
    key_u8(&value, (uint8_t)((row->is_under_way ? 1 : 0) | (row->is_again ? 2 : 0)));
    key_u32(&value, row->log_number);
    key_u64(&value, row->seq);
    kv_put(&store->txn, TABLE_ERASED, author_key(author, mem), out_written(&value));
}

/* ---- the authors that orders speak of ---- */

enum err erased_make(struct store *store)
{
    store->erasing.reduced = malloc(COMMIT_REDUCED_BYTES_MAX);
    store->erasing.packed = malloc(PACKED_BYTES_MAX);
    return store->erasing.reduced != NULL && store->erasing.packed != NULL ? ERR_OK : ERR_MEMORY;
}

void erased_forget(struct store *store)
{
    store->erasing.is_loaded = false;
    store->erasing.has_day = false;
    store->erasing.is_searching = true; /* until it is looked at again */
    store->erasing.author_count = 0;
}

void erased_fini(struct store *store)
{
    free(store->erasing.authors);
    free(store->erasing.reduced);
    free(store->erasing.packed);
    store->erasing = (struct erasing){0};
}

static void fail(struct store *store, enum err err)
{
    if (store->txn.err == ERR_OK) {
        store->txn.err = err;
    }
}

/* Rising by node id. */
static bool author_find(const struct erasing *erasing, const struct node_id *author, uint32_t *ret)
{
    uint32_t low = 0, high = erasing->author_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(erasing->authors[middle].b, author->b, sizeof author->b);
        if (order == 0) {
            *ret = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret = low;
    return false;
}

static void author_add(struct store *store, const struct node_id *author)
{
    struct erasing *erasing = &store->erasing;
    uint32_t at;
    if (author_find(erasing, author, &at)) {
        return;
    }
    if (erasing->author_count == erasing->author_cap) {
        uint32_t cap = erasing->author_cap == 0 ? 16 : erasing->author_cap * 2;
        struct node_id *authors = realloc(erasing->authors, cap * sizeof *authors);
        if (authors == NULL) {
            fail(store, ERR_MEMORY);
            return;
        }
        erasing->authors = authors;
        erasing->author_cap = cap;
    }
    memmove(erasing->authors + at + 1, erasing->authors + at, (erasing->author_count - at) * sizeof *erasing->authors);
    erasing->authors[at] = *author;
    erasing->author_count++;
}

static void load(struct store *store)
{
    struct kv_cursor cursor;
    uint8_t first = ROW_AUTHOR;
    struct search_row row;
    if (store->erasing.is_loaded) {
        return;
    }
    store->erasing.is_loaded = true;
    store->erasing.is_searching = false;
    kv_cursor_open(&store->txn, TABLE_ERASED, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_of(&first, 1)); ok; ok = kv_next_prefix(&cursor, span_of(&first, 1))) {
        struct node_id author;
        if (cursor.key.n != AUTHOR_KEY_BYTES || search_row_read(cursor.value, &row) != ERR_OK) {
            fail(store, ERR_CORRUPT);
            break;
        }
        memcpy(author.b, cursor.key.p + 1, sizeof author.b);
        author_add(store, &author);
        store->erasing.is_searching = store->erasing.is_searching || row.is_under_way;
    }
    kv_cursor_close(&cursor);
}

bool erased_under_way(struct store *store, struct node_id *ret_author, struct search_row *ret)
{
    struct kv_cursor cursor;
    uint8_t first = ROW_AUTHOR;
    bool is_any = false;
    load(store);
    if (!store->erasing.is_searching) {
        return false;
    }
    kv_cursor_open(&store->txn, TABLE_ERASED, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_of(&first, 1)); ok && !is_any; ok = !is_any && kv_next_prefix(&cursor, span_of(&first, 1))) {
        if (cursor.key.n != AUTHOR_KEY_BYTES || search_row_read(cursor.value, ret) != ERR_OK) {
            fail(store, ERR_CORRUPT);
            break;
        }
        memcpy(ret_author->b, cursor.key.p + 1, sizeof ret_author->b);
        is_any = ret->is_under_way;
    }
    kv_cursor_close(&cursor);
    store->erasing.is_searching = is_any;
    return is_any;
}

/* An order that counts, or may with another: look through the author's logs, those already under way from the start once more. */
static void search_begin(struct store *store, const struct node_id *author)
{
    uint8_t mem[AUTHOR_KEY_BYTES];
    struct span value;
    struct search_row row = {.is_under_way = true, .log_number = 1, .seq = 1};
    load(store);
    if (kv_get(&store->txn, TABLE_ERASED, author_key(author, mem), &value)) {
        struct search_row now;
        if (search_row_read(value, &now) != ERR_OK) {
            fail(store, ERR_CORRUPT);
            return;
        }
        if (now.is_under_way) {
            row = now;
            row.is_again = now.log_number > 1 || now.seq > 1;
        }
    }
    search_row_put(store, author, &row);
    author_add(store, author);
    store->erasing.is_searching = true;
}

/* ---- orders ---- */

bool entry_is_order(const struct entry *entry)
{
    return entry->leaf.kind == ENTRY_ERASURE && entry->has_payload && entry->leaf.codec == CODEC_PLAIN && entry->leaf.audience_bytes == 0;
}

/* Could it count, by itself or with another hub's? A roster that is not held yet says so when it comes. */
static bool may_count(struct store *store, const struct order_row *row)
{
    const struct membership *membership = node_id_equal(&row->by, &row->author) ? NULL : membership_now(store);
    return node_id_equal(&row->by, &row->author) || (membership != NULL && membership_was_hub(membership, &row->by, row->roster_number));
}

static void order_put(struct store *store, const struct order_row *row)
{
    uint8_t mem[ORDER_KEY_BYTES], value_mem[ORDER_VALUE_BYTES];
    struct out value = out_into(value_mem, sizeof value_mem);
    out_bytes(&value, row->by.b, sizeof row->by.b);
    key_u64(&value, row->roster_number);
    kv_put(&store->txn, TABLE_ERASED, order_row_key(row, mem), out_written(&value));
}

void erased_take(struct store *store, const struct log *log, uint64_t seq, const struct commit *commit)
{
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        struct erasure erasure;
        if (!entry_is_order(&commit->entries[i]) || erasure_decode(store->unpack, commit->entries[i].payload, &erasure, NULL) != ERR_OK) {
            continue; /* what is no order is kept and passed on like any other payload, and orders nothing */
        }
        struct order_row row = {.author = erasure.author, .log_number = log->number, .seq = seq, .entry = (uint8_t)i, .by = log->chain.node, .roster_number = commit->roster_version};
        for (uint32_t k = 0; k < erasure.leaf_count; k++) {
            row.content = erasure.leaves[k];
            order_put(store, &row);
        }
        if (may_count(store, &row)) {
            search_begin(store, &row.author);
        }
    }
}

void erased_untake(struct store *store, const struct log *log, uint64_t seq, const struct commit *commit)
{
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        struct erasure erasure;
        if (!entry_is_order(&commit->entries[i]) || erasure_decode(store->unpack, commit->entries[i].payload, &erasure, NULL) != ERR_OK) {
            continue;
        }
        struct order_row row = {.author = erasure.author, .log_number = log->number, .seq = seq, .entry = (uint8_t)i};
        for (uint32_t k = 0; k < erasure.leaf_count; k++) {
            uint8_t mem[ORDER_KEY_BYTES];
            row.content = erasure.leaves[k];
            (void)kv_delete(&store->txn, TABLE_ERASED, order_row_key(&row, mem));
        }
    }
}

void erased_reconsider(struct store *store)
{
    struct kv_cursor cursor;
    uint8_t first = ROW_ORDER;
    struct order_row row;
    struct node_id *authors = NULL;
    size_t count = 0, cap = 0;
    enum err err = membership_now(store) == NULL ? store->txn.err : ERR_OK;
    kv_cursor_open(&store->txn, TABLE_ERASED, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_of(&first, 1)); ok && err == ERR_OK; ok = kv_next_prefix(&cursor, span_of(&first, 1))) {
        err = order_row_read(cursor.key, cursor.value, &row);
        if (err != ERR_OK || node_id_equal(&row.by, &row.author) || !may_count(store, &row) || (count > 0 && node_id_equal(&authors[count - 1], &row.author))) {
            continue;
        }
        if (count == cap) {
            cap = cap == 0 ? 16 : cap * 2;
            struct node_id *more = realloc(authors, cap * sizeof *more);
            err = more == NULL ? ERR_MEMORY : ERR_OK;
            authors = more == NULL ? authors : more;
        }
        if (err == ERR_OK) {
            authors[count++] = row.author;
        }
    }
    kv_cursor_close(&cursor);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        search_begin(store, &authors[i]);
    }
    free(authors);
    if (err != ERR_OK) {
        fail(store, err);
    }
}

/* What the orders for one leaf come to: its author's, or those of two hubs. */
static enum err state_of(struct kv_txn *txn, const struct membership *membership, const struct node_id *author, const struct hash *content, enum order_state *ret)
{
    struct kv_cursor cursor;
    uint8_t mem[ORDER_KEY_BYTES];
    struct span prefix = order_prefix(content, author, mem);
    struct order_row row;
    struct node_id hub = {{0}};
    enum err err = ERR_OK;
    *ret = ORDER_NONE;
    kv_cursor_open(txn, TABLE_ERASED, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, prefix); ok && err == ERR_OK && *ret != ORDER_IN_FORCE; ok = kv_next_prefix(&cursor, prefix)) {
        err = order_row_read(cursor.key, cursor.value, &row);
        if (err != ERR_OK) {
            break;
        }
        if (node_id_equal(&row.by, author)) {
            *ret = ORDER_IN_FORCE;
        } else if (membership != NULL && membership_was_hub(membership, &row.by, row.roster_number)) {
            *ret = *ret == ORDER_PROPOSED && !node_id_equal(&hub, &row.by) ? ORDER_IN_FORCE : ORDER_PROPOSED;
            hub = row.by;
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : txn->err;
}

bool erased_is_in_force(struct store *store, const struct node_id *author, const struct hash *content)
{
    enum order_state state = ORDER_NONE;
    uint32_t at;
    load(store);
    if (!author_find(&store->erasing, author, &at)) {
        return false;
    }
    enum err err = state_of(&store->txn, membership_now(store), author, content, &state);
    if (err != ERR_OK) {
        fail(store, err);
    }
    return state == ORDER_IN_FORCE;
}

/* ---- reading ---- */

static enum err order_tell(struct store_read *read, const struct membership *membership, const struct order_row *row, bool (*each)(void *arg, const struct order *order),
                           void *arg, bool *ret_goes_on)
{
    struct erasure erasure;
    struct commit *commit = malloc(sizeof *commit);
    struct hash hash;
    enum err err = commit == NULL ? ERR_MEMORY : store_commit_at(read, row->log_number, row->seq, commit, &hash);
    if (err == ERR_OK && (row->entry >= commit->entry_count || !entry_is_order(&commit->entries[row->entry]) ||
                          erasure_decode(read->unpack, commit->entries[row->entry].payload, &erasure, NULL) != ERR_OK)) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        struct order order = {.by = row->by,
                              .at = commit->author_time,
                              .is_author = node_id_equal(&row->by, &row->author),
                              .is_registrar = membership != NULL && membership_was_hub(membership, &row->by, row->roster_number),
                              .log_number = row->log_number,
                              .seq = row->seq,
                              .entry = row->entry,
                              .reason = erasure.reason};
        *ret_goes_on = each(arg, &order);
    }
    free(commit);
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

enum err store_orders(struct store_read *read, const struct membership *membership, const struct node_id *author, const struct hash *content,
                      bool (*each)(void *arg, const struct order *order), void *arg, enum order_state *ret)
{
    struct kv_cursor cursor;
    uint8_t mem[ORDER_KEY_BYTES];
    struct span prefix = order_prefix(content, author, mem);
    bool goes_on = each != NULL;
    enum err err = state_of(&read->txn, membership, author, content, ret);
    kv_cursor_open(&read->txn, TABLE_ERASED, &cursor);
    for (bool ok = goes_on && kv_seek_prefix(&cursor, prefix); ok && err == ERR_OK; ok = goes_on && kv_next_prefix(&cursor, prefix)) {
        struct order_row row;
        err = order_row_read(cursor.key, cursor.value, &row);
        if (err == ERR_OK) {
            err = order_tell(read, membership, &row, each, arg, &goes_on);
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

enum err store_erased(struct store_read *read, const struct record_id *id, uint32_t bits, bool (*each)(void *arg, const struct erased_version *version), void *arg)
{
    struct kv_cursor cursor;
    uint8_t mem[1 + sizeof id->b] = {ROW_RECORD};
    struct span prefix = span_of(mem, 1 + bits / 8);
    bool goes_on = true;
    enum err err = ERR_OK;
    assert(bits <= 8 * sizeof id->b);
    memcpy(mem + 1, id->b, sizeof id->b);
    kv_cursor_open(&read->txn, TABLE_ERASED, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, prefix); ok && goes_on; ok = kv_next_prefix(&cursor, prefix)) {
        struct erased_version version;
        if (cursor.key.n != RECORD_ROW_KEY_BYTES || cursor.value.n != RECORD_ROW_VALUE_BYTES) {
            err = ERR_CORRUPT;
            break;
        }
        memcpy(version.id.b, cursor.key.p + 1, 16);
        memcpy(version.content.b, cursor.key.p + 17, 32);
        memcpy(version.author.b, cursor.key.p + 49, 16);
        version.log_number = key_read_u32(cursor.value.p);
        version.seq = key_read_u64(cursor.value.p + 4);
        version.entry = cursor.value.p[12];
        if (bits % 8 != 0 && (version.id.b[bits / 8] ^ id->b[bits / 8]) >> (8 - bits % 8) != 0) {
            continue; /* agrees only in the whole bytes */
        }
        goes_on = each(arg, &version);
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

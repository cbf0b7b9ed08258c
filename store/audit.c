/* audit.c - rows of the trail, and its head. */
#include "store/audit.h"

#include <assert.h>

#include "proto/pack.h"
#include "store/audit_rows.h"

static const char *const names[AUDIT_ACTION_COUNT] = {
    [AUDIT_LIFE] = "life",       [AUDIT_START] = "start",     [AUDIT_STOP] = "stop",       [AUDIT_REFUSED] = "refused", [AUDIT_RECORD] = "record",
    [AUDIT_IMPORT] = "import",   [AUDIT_SEARCH] = "search",   [AUDIT_SHOW] = "show",       [AUDIT_TRACE] = "trace",     [AUDIT_EXPORT] = "export",
    [AUDIT_BUNDLE] = "bundle",   [AUDIT_BACKUP] = "backup",   [AUDIT_JOIN] = "join",       [AUDIT_ADMIT] = "admit",     [AUDIT_SUSPEND] = "suspend",
    [AUDIT_ROTATE] = "rotate",   [AUDIT_GRANT] = "grant",     [AUDIT_ERASE] = "erase",     [AUDIT_CLASSIFY] = "classify", [AUDIT_REQUEST] = "request",
    [AUDIT_ANSWER] = "answer",   [AUDIT_RELEASE] = "release", [AUDIT_READ] = "audit",      [AUDIT_OPEN] = "open",
    [AUDIT_BUNDLE_IN] = "bundle-in",
};

const char *audit_action_name(uint32_t action) { return action < AUDIT_ACTION_COUNT && names[action] != NULL ? names[action] : "unknown"; }

uint32_t audit_action_of(const char *name)
{
    for (uint32_t action = 1; action < AUDIT_ACTION_COUNT; action++) {
        if (names[action] != NULL && strcmp(names[action], name) == 0) {
            return action;
        }
    }
    return 0;
}

/* ---- rows ---- */

enum { ROW_ITEMS = 12 };

struct span audit_row_key(uint64_t number, uint8_t mem[AUDIT_ROW_KEY_BYTES])
{
    struct out key = out_into(mem, AUDIT_ROW_KEY_BYTES);
    key_u8(&key, AUDIT_KEY_ROW);
    key_u64(&key, number);
    return out_written(&key);
}

uint64_t audit_row_number(struct span key) { return key.n == AUDIT_ROW_KEY_BYTES && key.p[0] == AUDIT_KEY_ROW ? key_read_u64(key.p + 1) : 0; }

void audit_row_encode(const struct audit_row *row, struct out *ret)
{
    const struct audit_entry *entry = &row->entry;
    pack_array(ret, ROW_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_uint(ret, row->number);
    pack_uint(ret, row->life);
    pack_bin(ret, span_of(row->previous.b, sizeof row->previous.b));
    pack_uint(ret, entry->time.ms);
    pack_uint(ret, entry->uid);
    pack_text(ret, span_text(entry->login));
    pack_uint(ret, entry->action);
    pack_text(ret, span_text(row->outcome));
    pack_array(ret, entry->count_count);
    for (uint32_t i = 0; i < entry->count_count; i++) {
        pack_uint(ret, entry->counts[i]);
    }
    pack_array(ret, entry->subject_count);
    for (uint32_t i = 0; i < entry->subject_count; i++) {
        pack_bin(ret, span_of(entry->subjects[i].b, entry->subjects[i].n));
    }
    pack_bin(ret, entry->detail);
}

static void text_into(struct cursor *cursor, char *ret, size_t max)
{
    struct span text = cursor_text(cursor, 0, max);
    if (text.n > 0) {
        memcpy(ret, text.p, text.n);
    }
    ret[text.n] = '\0';
    if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL) {
        cursor->is_bad = true;
    }
}

enum err audit_row_decode(struct unpack *unpack, struct span bytes, struct audit_row *ret)
{
    struct audit_row row = {.number = 0};
    struct audit_entry *entry = &row.entry;
    struct cursor c, list;
    enum err err = bytes.n > AUDIT_ROW_BYTES_MAX ? ERR_CORRUPT : unpack_begin(unpack, bytes, NULL);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, ROW_ITEMS, &c, NULL);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? err : ERR_CORRUPT;
    }
    row.number = cursor_uint(&c, NUMBER_MAX);
    row.life = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, row.previous.b, sizeof row.previous.b);
    entry->time.ms = cursor_uint(&c, NUMBER_MAX);
    entry->uid = (uint32_t)cursor_uint(&c, UINT32_MAX);
    text_into(&c, entry->login, AUDIT_LOGIN_BYTES_MAX);
    entry->action = (uint32_t)cursor_uint(&c, UINT32_MAX);
    text_into(&c, row.outcome, sizeof row.outcome - 1);
    list = cursor_array(&c, 0, AUDIT_COUNTS_MAX);
    while (list.left > 0 && !list.is_bad) {
        entry->counts[entry->count_count++] = cursor_uint(&list, NUMBER_MAX);
    }
    cursor_close(&c, &list);
    list = cursor_array(&c, 0, AUDIT_SUBJECTS_MAX);
    while (list.left > 0 && !list.is_bad) {
        struct span id = cursor_bin(&list, 1, AUDIT_SUBJECT_BYTES_MAX);
        struct audit_subject *subject = &entry->subjects[entry->subject_count++];
        subject->n = (uint32_t)id.n;
        if (id.n > 0) {
            memcpy(subject->b, id.p, id.n);
        }
    }
    cursor_close(&c, &list);
    entry->detail = cursor_bin(&c, 0, AUDIT_DETAIL_BYTES_MAX);
    if (cursor_end(&c) != ERR_OK || row.number == 0 || entry->action == 0) {
        return ERR_CORRUPT;
    }
    entry->outcome = err_of_name(row.outcome, strlen(row.outcome));
    hash_of(HASH_AUDIT, bytes, &row.hash);
    *ret = row;
    return ERR_OK;
}

void audit_origin(const struct store *store, struct hash *ret)
{
    uint8_t bytes[sizeof store->region.b + sizeof store->self.b];
    memcpy(bytes, store->region.b, sizeof store->region.b);
    memcpy(bytes + sizeof store->region.b, store->self.b, sizeof store->self.b);
    hash_of(HASH_AUDIT, span_of(bytes, sizeof bytes), ret);
}

/* ---- the head ---- */

static const uint8_t head_key = AUDIT_KEY_HEAD;
enum { INSTALL_BYTES = AUDIT_INSTALL_BYTES, HEAD_BYTES = 48 + INSTALL_BYTES };

bool audit_head_row(struct kv_txn *txn, struct audit_head *ret)
{
    struct span value;
    if (!kv_get(txn, TABLE_AUDIT, span_of(&head_key, 1), &value) || value.n != HEAD_BYTES) {
        return false;
    }
    ret->life = key_read_u64(value.p);
    ret->count = key_read_u64(value.p + 8);
    memcpy(ret->hash.b, value.p + 16, sizeof ret->hash.b);
    return true;
}

/* `install` NULL: as it is. */
static void head_put(struct kv_txn *txn, const struct audit_head *head, const uint8_t *install)
{
    uint8_t mem[HEAD_BYTES], kept[INSTALL_BYTES] = {0};
    struct out value = out_into(mem, sizeof mem);
    struct span held;
    if (install != NULL) {
        memcpy(kept, install, sizeof kept);
    } else if (kv_get(txn, TABLE_AUDIT, span_of(&head_key, 1), &held) && held.n == HEAD_BYTES) {
        memcpy(kept, held.p + HEAD_BYTES - INSTALL_BYTES, sizeof kept);
    }
    key_u64(&value, head->life);
    key_u64(&value, head->count);
    out_bytes(&value, head->hash.b, sizeof head->hash.b);
    out_bytes(&value, kept, sizeof kept);
    kv_put(txn, TABLE_AUDIT, span_of(&head_key, 1), out_written(&value));
}

static uint64_t last_row(struct kv_txn *txn, struct unpack *unpack, struct hash *ret_hash, uint64_t *ret_life)
{
    const uint8_t first = AUDIT_KEY_ROW;
    struct kv_cursor cursor;
    struct audit_row row;
    uint64_t number = 0;
    kv_cursor_open(txn, TABLE_AUDIT, &cursor);
    if (kv_last_prefix(&cursor, span_of(&first, 1))) {
        number = audit_row_number(cursor.key);
        hash_of(HASH_AUDIT, cursor.value, ret_hash);
        *ret_life = audit_row_decode(unpack, cursor.value, &row) == ERR_OK ? row.life : 0;
    }
    kv_cursor_close(&cursor);
    return number;
}

/* Where the next row goes. When the head beside the rows and the last row disagree, the one that is further on: the hole, or the break in the chain, stays for verifying to find. */
static void head_load(struct kv_txn *txn, struct unpack *unpack, struct audit_head *ret)
{
    struct audit_head head = {0}, end = {0};
    bool has_head = audit_head_row(txn, &head) && head.count <= NUMBER_MAX && head.life <= NUMBER_MAX;
    end.count = last_row(txn, unpack, &end.hash, &end.life);
    *ret = has_head && head.count >= end.count ? head : end;
}

enum err audit_head_now(struct store *store, struct audit_head *ret)
{
    head_load(&store->txn, store->unpack, ret);
    return store->txn.err;
}

enum err audit_head_read(struct store_read *read, struct audit_head *ret)
{
    head_load(&read->txn, read->unpack, ret);
    return read->txn.err;
}

/* The last life began in a home with another install id: this one was restored since. */
static bool is_moved(struct store *store, const uint8_t install[INSTALL_BYTES])
{
    struct span held;
    return kv_get(&store->txn, TABLE_AUDIT, span_of(&head_key, 1), &held) && held.n == HEAD_BYTES &&
           memcmp(held.p + HEAD_BYTES - INSTALL_BYTES, install, INSTALL_BYTES) != 0;
}

/* ---- appending ---- */

static void append(struct store *store, const struct audit_entry *entry, struct audit_head *head)
{
    uint8_t bytes[AUDIT_ROW_BYTES_MAX], mem[AUDIT_ROW_KEY_BYTES];
    struct out out = out_into(bytes, sizeof bytes);
    struct audit_row row = {.number = head->count + 1, .life = head->life, .previous = head->hash, .entry = *entry};
    row.entry.time.ms = entry->time.ms < NUMBER_MAX ? entry->time.ms : NUMBER_MAX;
    assert(entry->action != 0 && entry->detail.n <= AUDIT_DETAIL_BYTES_MAX && entry->count_count <= AUDIT_COUNTS_MAX &&
           entry->subject_count <= AUDIT_SUBJECTS_MAX);
    if (head->count == 0) {
        audit_origin(store, &row.previous);
    }
    memcpy(row.outcome, err_name(entry->outcome), strlen(err_name(entry->outcome)) + 1);
    audit_row_encode(&row, &out);
    assert(!out.is_full);
    kv_put(&store->txn, TABLE_AUDIT, audit_row_key(row.number, mem), out_written(&out));
    head->count = row.number;
    hash_of(HASH_AUDIT, out_written(&out), &head->hash);
    head_put(&store->txn, head, entry->action == AUDIT_LIFE ? entry->install : NULL);
}

static void begin_life(struct store *store, const struct audit_entry *entry, struct audit_head *head)
{
    struct audit_entry life = {.time = entry->time, .uid = entry->uid, .action = AUDIT_LIFE, .outcome = ERR_OK, .subject_count = 1};
    uint64_t named = witness_life(store), seconds = entry->time.ms / 1000;
    memcpy(life.login, entry->login, sizeof life.login);
    memcpy(life.install, entry->install, sizeof life.install);
    memcpy(life.subjects[0].b, entry->install, sizeof entry->install);
    life.subjects[0].n = sizeof entry->install;
    head->life = seconds > head->life ? seconds : head->life + 1; /* of two homes restored from one backup neither takes the other's */
    head->life = head->life > named ? head->life : named + 1;
    head->life = head->life < NUMBER_MAX ? head->life : NUMBER_MAX; /* of a key that somebody else has too, who left no room above */
    append(store, &life, head);
}

enum err audit_append(struct store *store, const struct audit_entry *entry)
{
    struct audit_head head;
    assert(store->is_writing);
    enum err err = audit_head_now(store, &head);
    if (err == ERR_OK && (head.life == 0 || is_moved(store, entry->install))) {
        begin_life(store, entry, &head);
    }
    if (err == ERR_OK) {
        append(store, entry, &head);
    }
    return store->txn.err;
}

enum err audit_is_behind(struct store *store, const uint8_t install[INSTALL_BYTES], bool *ret)
{
    struct audit_head head;
    assert(store->is_writing);
    enum err err = audit_head_now(store, &head);
    *ret = err == ERR_OK && head.life > 0 && head.life < NUMBER_MAX && (is_moved(store, install) || witness_contradicts(store, head.life));
    return store->txn.err;
}

enum err audit_begin_life(struct store *store, const struct audit_entry *entry)
{
    struct audit_head head;
    assert(store->is_writing);
    enum err err = audit_head_now(store, &head);
    if (err == ERR_OK) {
        begin_life(store, entry, &head);
    }
    return store->txn.err;
}

/* ---- reading ---- */

enum err audit_rows(struct store_read *read, uint64_t first, bool (*each)(void *arg, const struct audit_row *row), void *arg)
{
    const uint8_t kind = AUDIT_KEY_ROW;
    uint8_t mem[AUDIT_ROW_KEY_BYTES];
    struct kv_cursor cursor;
    struct audit_row row;
    enum err err = ERR_OK;
    kv_cursor_open(&read->txn, TABLE_AUDIT, &cursor);
    for (bool ok = kv_seek(&cursor, audit_row_key(first, mem)); ok && key_has_prefix(cursor.key, span_of(&kind, 1)); ok = kv_next(&cursor)) {
        err = audit_row_decode(read->unpack, cursor.value, &row);
        if (err != ERR_OK || !each(arg, &row)) {
            break;
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

enum err audit_rows_back(struct store_read *read, bool (*each)(void *arg, const struct audit_row *row), void *arg)
{
    const uint8_t kind = AUDIT_KEY_ROW;
    struct kv_cursor cursor;
    struct audit_row row;
    enum err err = ERR_OK;
    kv_cursor_open(&read->txn, TABLE_AUDIT, &cursor);
    for (bool ok = kv_last_prefix(&cursor, span_of(&kind, 1)); ok && key_has_prefix(cursor.key, span_of(&kind, 1)); ok = kv_prev(&cursor)) {
        err = audit_row_decode(read->unpack, cursor.value, &row);
        if (err != ERR_OK || !each(arg, &row)) {
            break;
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

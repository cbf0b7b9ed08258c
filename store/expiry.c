/* expiry.c - payloads whose day is past. A day is believed only when our own clock and those of two other nodes, one a hub, agree: an office whose clock is wrong by years hides
 * what it should not until the clock is put right, and frees nothing (README 8). */
#include "store/env.h"

#include <assert.h>
#include <time.h>

enum { SECONDS_A_DAY = 86400 };
#define MS_A_DAY UINT64_C(86400000)

static uint64_t day_now(void)
{
    time_t now = time(NULL);
    return now < 0 ? 0 : (uint64_t)now / SECONDS_A_DAY;
}

struct clocks {
    uint64_t hub, other; /* the latest of a hub, and of anybody else: days since 1970 */
};

/* The newest frontier of a present member says what its clock said. */
static void clock_add(struct store *store, const struct membership *membership, struct span notice_bytes, struct clocks *clocks)
{
    struct notice notice;
    struct frontier frontier;
    const char *clause = NULL;
    if (notice_decode(store->unpack, notice_bytes, &notice, &clause) != ERR_OK || frontier_decode(store->unpack, notice.body, &frontier, &clause) != ERR_OK ||
        node_id_equal(&frontier.node, &store->self)) {
        return;
    }
    const struct member *member = membership_find(membership, &frontier.node);
    uint64_t day = frontier.clock.ms / MS_A_DAY;
    if (member == NULL) {
        return;
    }
    if (member->role == ROLE_HUB && day > clocks->hub) {
        uint64_t before = clocks->hub;
        clocks->hub = day;
        day = before; /* the hub that was ahead till now is one of the others */
    }
    clocks->other = day > clocks->other ? day : clocks->other;
}

uint64_t expiry_day_agreed(struct store *store)
{
    if (store->erasing.has_day) {
        return store->erasing.day;
    }
    const struct membership *membership = membership_now(store);
    struct clocks clocks = {0, 0};
    struct kv_cursor cursor;
    uint8_t kind = NOTICE_FRONTIER;
    uint64_t day = day_now();
    if (membership == NULL) {
        return 0;
    }
    kv_cursor_open(&store->txn, TABLE_NOTICES, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_of(&kind, 1)); ok; ok = kv_next_prefix(&cursor, span_of(&kind, 1))) {
        clock_add(store, membership, cursor.value, &clocks);
    }
    kv_cursor_close(&cursor);
#ifndef GRIOT_WITHOUT_T11_EXPIRY
    day = clocks.hub < day ? clocks.hub : day;
    day = clocks.other < day ? clocks.other : day;
#endif
    store->erasing.day = day;
    store->erasing.has_day = true;
    return day;
}

bool expiry_is_over(struct store *store, const struct leaf *leaf)
{
    return leaf->expiry_day != 0 && expiry_day_agreed(store) >= (uint64_t)leaf->expiry_day + ERASE_AFTER_DAYS;
}

/* ---- the days of what is held ---- */

static struct span day_key(uint32_t day, uint32_t log_number, uint64_t seq, uint8_t mem[DAY_KEY_BYTES])
{
    struct out key = out_into(mem, DAY_KEY_BYTES);
    key_u8(&key, ROW_DAY);
    key_u32(&key, day);
    key_u32(&key, log_number);
    key_u64(&key, seq);
    return out_written(&key);
}

void expiry_note(struct store *store, uint32_t log_number, const struct commit *commit)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        const struct entry *entry = &commit->entries[i];
        uint8_t mem[DAY_KEY_BYTES];
        if (entry->has_payload && entry->leaf.expiry_day != 0 && leaf_may_go(&entry->leaf) && entry->leaf.expiry_day != last) {
            last = entry->leaf.expiry_day;
            kv_put(&store->txn, TABLE_ERASED, day_key(last, log_number, commit->seq, mem), span_of(NULL, 0));
        }
    }
}

/* The first commits whose day is over, at most `max` rows. */
static size_t days_over(struct store *store, uint8_t (*ret)[DAY_KEY_BYTES], size_t max)
{
    struct kv_cursor cursor;
    uint8_t first = ROW_DAY;
    uint64_t agreed = 0;
    size_t count = 0;
    kv_cursor_open(&store->txn, TABLE_ERASED, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_of(&first, 1)); ok && count < max; ok = kv_next_prefix(&cursor, span_of(&first, 1))) {
        if (cursor.key.n != DAY_KEY_BYTES) {
            store->txn.err = ERR_CORRUPT;
            break;
        }
        uint64_t over = (uint64_t)key_read_u32(cursor.key.p + 1) + ERASE_AFTER_DAYS;
        agreed = count == 0 && over <= day_now() ? expiry_day_agreed(store) : agreed; /* all frontiers are asked only when our own clock says so */
        if (over > agreed) {
            break;
        }
        memcpy(ret[count++], cursor.key.p, DAY_KEY_BYTES);
    }
    kv_cursor_close(&cursor);
    return count;
}

enum err store_expire_step(struct store *store, bool *ret_is_done)
{
    uint8_t keys[EXPIRE_COMMITS][DAY_KEY_BYTES];
    enum err err = store->txn.err;
    assert(store->is_writing);
    size_t count = err == ERR_OK ? days_over(store, keys, EXPIRE_COMMITS) : 0;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = erase_expired(store, key_read_u32(keys[i] + 5), key_read_u64(keys[i] + 9));
        (void)kv_delete(&store->txn, TABLE_ERASED, span_of(keys[i], DAY_KEY_BYTES));
    }
    if (err != ERR_OK && store->txn.err == ERR_OK) {
        store->txn.err = err; /* half of it must not become durable */
    }
    *ret_is_done = count < EXPIRE_COMMITS;
    return store->txn.err;
}

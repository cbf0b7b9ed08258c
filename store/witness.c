/* witness.c - what nodes have named as the head of their trail. Whoever cuts or rewrites a trail would have to rewrite this at all other nodes too. */
#include <assert.h>
#include <time.h>

#include "proto/pack.h"
#include "store/audit_rows.h"

enum {
    WITNESS_ITEMS = 7,
    POINT_ITEMS = 4,
    HEAD_ITEMS = 3,
    WITNESS_KEY_BYTES = 17,
    WITNESS_BYTES_MAX = 4096, /* 48 points of at most 55 bytes, and the rest */
    NEWEST_KEPT = 16,         /* when there are too many, every second of those before is let go, but the first */
};

static struct span witness_key(const struct node_id *node, uint8_t mem[WITNESS_KEY_BYTES])
{
    mem[0] = AUDIT_KEY_WITNESS;
    memcpy(mem + 1, node->b, sizeof node->b);
    return span_of(mem, WITNESS_KEY_BYTES);
}

static void head_encode(const struct audit_head *head, struct out *ret)
{
    pack_uint(ret, head->life);
    pack_uint(ret, head->count);
    pack_bin(ret, span_of(head->hash.b, sizeof head->hash.b));
}

static void head_decode(struct cursor *cursor, struct audit_head *ret)
{
    ret->life = cursor_uint(cursor, NUMBER_MAX);
    ret->count = cursor_uint(cursor, NUMBER_MAX);
    cursor_bin_into(cursor, ret->hash.b, sizeof ret->hash.b);
}

static void witness_put(struct store *store, const struct witness *witness)
{
    uint8_t bytes[WITNESS_BYTES_MAX], mem[WITNESS_KEY_BYTES];
    struct out out = out_into(bytes, sizeof bytes);
    pack_array(&out, WITNESS_ITEMS);
    pack_uint(&out, FORMAT_VERSION);
    pack_array(&out, (uint32_t)witness->count);
    for (size_t i = 0; i < witness->count; i++) {
        pack_array(&out, POINT_ITEMS);
        head_encode(&witness->points[i].head, &out);
        pack_uint(&out, witness->points[i].clock.ms);
    }
    pack_uint(&out, (uint64_t)witness->fault);
    pack_array(&out, HEAD_ITEMS);
    head_encode(&witness->said, &out);
    pack_uint(&out, witness->fault_at.ms);
    pack_uint(&out, witness->life_at.ms);
    pack_uint(&out, witness->life_lost);
    assert(!out.is_full);
    kv_put(&store->txn, TABLE_AUDIT, witness_key(&witness->node, mem), out_written(&out));
}

static enum err witness_decode(struct unpack *unpack, struct span bytes, struct witness *ret)
{
    struct cursor c, list;
    enum err err = bytes.n > WITNESS_BYTES_MAX ? ERR_CORRUPT : unpack_begin(unpack, bytes, NULL);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, WITNESS_ITEMS, &c, NULL);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? err : ERR_CORRUPT;
    }
    list = cursor_array(&c, 0, WITNESS_POINTS_MAX);
    while (list.left > 0 && !list.is_bad) {
        struct cursor point = cursor_array(&list, POINT_ITEMS, POINT_ITEMS);
        head_decode(&point, &ret->points[ret->count].head);
        ret->points[ret->count++].clock.ms = cursor_uint(&point, NUMBER_MAX);
        cursor_close(&list, &point);
    }
    cursor_close(&c, &list);
    ret->fault = (enum witness_fault)cursor_uint(&c, WITNESS_LIFE);
    list = cursor_array(&c, HEAD_ITEMS, HEAD_ITEMS);
    head_decode(&list, &ret->said);
    cursor_close(&c, &list);
    ret->fault_at.ms = cursor_uint(&c, NUMBER_MAX);
    ret->life_at.ms = cursor_uint(&c, NUMBER_MAX);
    ret->life_lost = cursor_uint(&c, NUMBER_MAX);
    return cursor_end(&c) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err witness_load(struct kv_txn *txn, struct unpack *unpack, const struct node_id *node, struct witness *ret)
{
    uint8_t mem[WITNESS_KEY_BYTES];
    struct span value;
    memset(ret, 0, sizeof *ret);
    ret->node = *node;
    if (!kv_get(txn, TABLE_AUDIT, witness_key(node, mem), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_NOT_FOUND;
    }
    enum err err = witness_decode(unpack, value, ret);
    if (err != ERR_OK) {
        memset(ret, 0, sizeof *ret);
        ret->node = *node;
    }
    return err;
}

/* ---- what a frontier adds ---- */

static struct wall_ms wall_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct wall_ms){(uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000};
}

static int head_compare(const struct audit_head *a, const struct audit_head *b)
{
    if (a->life != b->life) {
        return a->life < b->life ? -1 : 1;
    }
    return a->count < b->count ? -1 : a->count > b->count;
}

static bool head_equal(const struct audit_head *a, const struct audit_head *b)
{
    return head_compare(a, b) == 0 && hash_equal(&a->hash, &b->hash);
}

static void point_add(struct witness *witness, const struct audit_head *head, struct wall_ms clock)
{
    if (witness->count == WITNESS_POINTS_MAX) {
        size_t kept = 1;
        for (size_t i = 1; i < WITNESS_POINTS_MAX; i++) {
            if (i >= WITNESS_POINTS_MAX - NEWEST_KEPT || i % 2 == 0) {
                witness->points[kept++] = witness->points[i];
            }
        }
        witness->count = kept;
    }
    witness->points[witness->count++] = (struct witness_point){*head, clock};
}

/* Another node's. True: there is something to write. */
static bool note_other(struct witness *witness, const struct audit_head *head, struct wall_ms clock)
{
    if (witness->count == 0) {
        point_add(witness, head, clock);
        return true;
    }
    const struct audit_head last = witness->points[witness->count - 1].head;
    int order = head_compare(head, &last);
    if (order == 0 && hash_equal(&head->hash, &last.hash)) {
        return false;
    }
    if (order > 0) {
        if (head->life > last.life && last.life > 0) { /* a life begins with a row of its own, after what is left of the one before */
            witness->life_at = wall_time();
            witness->life_lost = last.count + 1 > head->count ? last.count + 1 - head->count : 0;
            witness->fault = WITNESS_NONE;
            witness->said = (struct audit_head){0};
            witness->fault_at.ms = 0;
        }
        point_add(witness, head, clock);
        return true;
    }
    if (witness->fault != WITNESS_NONE) {
        return false;
    }
    witness->fault = head->life < last.life ? WITNESS_LIFE : head->count < last.count ? WITNESS_SHORTER : WITNESS_OTHER;
    witness->said = *head;
    witness->fault_at = wall_time();
    return true;
}

/* Does this head stand in our own trail? */
static bool is_in_trail(struct store *store, const struct audit_head *head)
{
    uint8_t mem[AUDIT_ROW_KEY_BYTES];
    struct span bytes;
    struct hash hash;
    struct audit_row row;
    if (head->count == 0) {
        return head->life == 0;
    }
    if (!kv_get(&store->txn, TABLE_AUDIT, audit_row_key(head->count, mem), &bytes)) {
        return false;
    }
    hash_of(HASH_AUDIT, bytes, &hash);
    return hash_equal(&hash, &head->hash) && audit_row_decode(store->unpack, bytes, &row) == ERR_OK && row.life == head->life;
}

/* One of our own: made just now, or come back to us from a peer. */
static bool note_own(struct store *store, struct witness *witness, const struct audit_head *head, struct wall_ms clock)
{
    const struct audit_head *last = witness->count > 0 ? &witness->points[witness->count - 1].head : NULL;
    if (is_in_trail(store, head)) {
        if (last != NULL && head_compare(head, last) <= 0) {
            return false;
        }
        point_add(witness, head, clock);
        return true;
    }
    if (last != NULL && head_equal(head, last)) {
        return false; /* it agreed when it came: the trail was changed since, and verifying says so */
    }
    if (witness->fault != WITNESS_NONE && head_compare(head, &witness->said) <= 0) {
        return false;
    }
    witness->fault = WITNESS_OTHER;
    witness->said = *head;
    witness->fault_at = wall_time();
    return true;
}

void witness_note(struct store *store, const struct frontier *frontier)
{
    struct witness witness;
    struct audit_head head = {frontier->audit_life, frontier->audit_count, frontier->audit_head};
    enum err err = witness_load(&store->txn, store->unpack, &frontier->node, &witness);
    if (err != ERR_OK && err != ERR_NOT_FOUND && err != ERR_CORRUPT) { /* a damaged one begins anew */
        store->txn.err = store->txn.err != ERR_OK ? store->txn.err : err;
        return;
    }
    bool is_own = node_id_equal(&frontier->node, &store->self);
    if (is_own ? note_own(store, &witness, &head, frontier->clock) : note_other(&witness, &head, frontier->clock)) {
        witness_put(store, &witness);
    }
}

/* ---- our own ---- */

uint64_t witness_life(struct store *store)
{
    struct witness witness;
    if (witness_load(&store->txn, store->unpack, &store->self, &witness) != ERR_OK) {
        return 0;
    }
    uint64_t life = witness.count > 0 ? witness.points[witness.count - 1].head.life : 0;
    return witness.said.life > life ? witness.said.life : life;
}

bool witness_contradicts(struct store *store, uint64_t life)
{
    struct witness witness;
    return witness_load(&store->txn, store->unpack, &store->self, &witness) == ERR_OK && witness.fault != WITNESS_NONE && witness.said.life >= life;
}

/* ---- reading ---- */

enum err witness_read(struct store_read *read, const struct node_id *node, struct witness *ret)
{
    return witness_load(&read->txn, read->unpack, node, ret);
}

enum err witness_all(struct store_read *read, bool (*each)(void *arg, const struct witness *witness), void *arg)
{
    const uint8_t kind = AUDIT_KEY_WITNESS;
    struct span prefix = span_of(&kind, 1);
    struct witness witness;
    struct kv_cursor cursor;
    enum err err = ERR_OK;
    kv_cursor_open(&read->txn, TABLE_AUDIT, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, prefix); ok && err == ERR_OK; ok = kv_next_prefix(&cursor, prefix)) {
        memset(&witness, 0, sizeof witness);
        if (cursor.key.n != WITNESS_KEY_BYTES) {
            err = ERR_CORRUPT;
            break;
        }
        memcpy(witness.node.b, cursor.key.p + 1, sizeof witness.node.b);
        err = witness_decode(read->unpack, cursor.value, &witness);
        if (err == ERR_OK && !each(arg, &witness)) {
            break;
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

#include "node/engine/notices.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "node/engine/engine.h"
#include "node/engine/probe.h"
#include "proto/pack.h"

enum {
    TABLE_FIRST = 64,
    SLOTS_FIRST = 32,
    REF_BYTES_MAX = 64,  /* encoded */
    BATCH_BYTES = 32768, /* of notices before the peer has to answer a PING: they have no credit of their own */
    COST_SMALL = 700,    /* card, act, fork proof, or a frontier as difference: about */
    COST_ROSTER = 8192,
    COST_HEAD = 85,   /* of a frontier */
    RELIST_MS = 5000, /* a list is sent again at most this often */
};

void notices_init(struct notices *notices, uint64_t seed)
{
    memset(notices, 0, sizeof *notices);
    notices->key = siphash_key_of(~seed);
}

void notices_fini(struct notices *notices)
{
    for (uint32_t i = 0; i < notices->count; i++) {
        free(notices->slots[i].named);
    }
    free(notices->slots);
    free(notices->table);
    free(notices->order);
    memset(notices, 0, sizeof *notices);
}

size_t notices_memory(const struct notices *notices)
{
    return notices->cap * (sizeof *notices->slots + sizeof *notices->order) + notices->table_count * sizeof *notices->table + notices->named_bytes;
}

/* Does a newer one of the same subject replace it? */
static bool is_replaced(enum notice_kind kind)
{
    return kind == NOTICE_CARD || kind == NOTICE_FRONTIER || kind == NOTICE_FORK_PROOF;
}

static int ref_compare(const struct notice_ref *a, const struct notice_ref *b)
{
    int order;

    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    order = memcmp(a->subject, b->subject, sizeof a->subject);
    if (order != 0) {
        return order;
    }
    if (a->counter != b->counter) {
        return a->counter < b->counter ? -1 : 1;
    }
    return memcmp(a->hash, b->hash, sizeof a->hash);
}

static bool is_same_slot(const struct notice_ref *a, const struct notice_ref *b)
{
    if (is_replaced(a->kind)) {
        return a->kind == b->kind && memcmp(a->subject, b->subject, sizeof a->subject) == 0;
    }
    return ref_compare(a, b) == 0;
}

static uint32_t table_at(const struct notices *notices, const struct notice_ref *ref)
{
    uint8_t key[1 + 16 + 8 + 8] = {0};
    uint32_t at;

    key[0] = (uint8_t)ref->kind;
    memcpy(key + 1, ref->subject, 16);
    if (!is_replaced(ref->kind)) {
        for (unsigned i = 0; i < 8; i++) {
            key[17 + i] = (uint8_t)(ref->counter >> (8 * i));
        }
        memcpy(key + 25, ref->hash, 8);
    }
    at = (uint32_t)siphash(&notices->key, span_of(key, sizeof key)) & (notices->table_count - 1);
    while (notices->table[at] != 0 && !is_same_slot(&notices->slots[notices->table[at] - 1].ref, ref)) {
        at = (at + 1) & (notices->table_count - 1);
    }
    return at;
}

/* The slot of a ref's subject, or UINT32_MAX. */
static uint32_t slot_find(const struct notices *notices, const struct notice_ref *ref)
{
    uint32_t entry = notices->table_count == 0 ? 0 : notices->table[table_at(notices, ref)];

    return entry == 0 ? UINT32_MAX : entry - 1;
}

const struct notice_slot *notices_frontier(const struct notices *notices, const struct node_id *node)
{
    struct notice_ref ref = {.kind = NOTICE_FRONTIER};
    uint32_t slot;

    memcpy(ref.subject, node->b, sizeof ref.subject);
    slot = slot_find(notices, &ref);
    return slot == UINT32_MAX ? NULL : &notices->slots[slot];
}

static bool table_grow(struct notices *notices)
{
    uint32_t count = notices->table_count == 0 ? TABLE_FIRST : notices->table_count * 2;
    uint32_t *table = calloc(count, sizeof *table);

    if (table == NULL) {
        return false;
    }
    free(notices->table);
    notices->table = table;
    notices->table_count = count;
    for (uint32_t i = 0; i < notices->count; i++) {
        table[table_at(notices, &notices->slots[i].ref)] = i + 1;
    }
    return true;
}

static bool slots_grow(struct notices *notices)
{
    uint32_t cap = notices->cap == 0 ? SLOTS_FIRST : notices->cap * 2;
    struct notice_slot *slots = realloc(notices->slots, cap * sizeof *slots);
    uint32_t *order;

    if (slots == NULL) {
        return false;
    }
    notices->slots = slots;
    order = realloc(notices->order, cap * sizeof *order);
    if (order == NULL) {
        return false;
    }
    notices->order = order;
    notices->cap = cap;
    return true;
}

/* UINT32_MAX when memory runs out. */
static uint32_t slot_add(struct notices *notices, const struct notice_ref *ref, uint64_t now_ms)
{
    uint32_t low = 0;
    uint32_t high = notices->count;
    uint32_t slot = notices->count;

    if ((notices->count == notices->cap && !slots_grow(notices)) || ((notices->count + 1) * 4 > notices->table_count * 3 && !table_grow(notices))) {
        return UINT32_MAX;
    }
    memset(&notices->slots[slot], 0, sizeof notices->slots[slot]);
    notices->slots[slot].ref = *ref;
    notices->slots[slot].held_ms = now_ms;
    notices->table[table_at(notices, ref)] = slot + 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ref_compare(&notices->slots[notices->order[middle]].ref, ref) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    memmove(&notices->order[low + 1], &notices->order[low], (notices->count - low) * sizeof *notices->order);
    notices->order[low] = slot;
    notices->count++;
    return slot;
}

/* As one list, without building it (heads_digest does the same). */
void notices_digest(const struct notices *notices, struct hash *ret)
{
    struct hash_state state;
    uint8_t bytes[REF_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    hash_start(&state, HASH_NOTICES);
    pack_array(&out, notices->count);
    hash_add(&state, out_written(&out));
    for (uint32_t i = 0; i < notices->count; i++) {
        out = out_into(bytes, sizeof bytes);
        notices_encode(&notices->slots[notices->order[i]].ref, 1, &out);
        assert(!out.is_full);
        hash_add(&state, span_of(bytes + 1, out.at - 1));
    }
    hash_end(&state, ret);
}

/* ---- what frontiers say of logs ---- */

/* The most that any frontier says, after one that said the most has been replaced. Rare: heads fall only at a fork. */
static void log_remeasure(struct sync *sync, uint32_t index)
{
    struct log *log = engine_log(sync, index);

    log->frontier_entries = 0;
    for (uint32_t i = 0; i < sync->notices.count; i++) {
        const struct notice_slot *slot = &sync->notices.slots[i];

        for (uint32_t k = 0; k < slot->named_count; k++) {
            if (slot->named[k].log == index && slot->named[k].entries > log->frontier_entries) {
                log->frontier_entries = slot->named[k].entries;
            }
        }
    }
}

static void named_apply(struct sync *sync, struct notice_slot *slot, const struct head *heads, size_t count)
{
    struct named *old = slot->named;
    uint32_t old_count = slot->named_count;
    struct named *named = NULL;
    uint32_t named_count = 0;

    sync->stamp++;
    if (count > 0) {
        named = malloc(count * sizeof *named);
        if (named == NULL) {
            engine_break(sync);
            return;
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t index = heads_find(&sync->heads, &heads[i].log);
        struct log *log;

        if (index == LOG_NONE) {
            if (sync->heads.count >= LOGS_MAX) {
                continue; /* a bounded number of logs nobody here holds; they are counted when there is room */
            }
            index = heads_add(&sync->heads, &heads[i].log);
            if (index == LOG_NONE) {
                engine_break(sync);
                break;
            }
        }
        log = engine_log(sync, index);
        log->frontiers++;
        log->stamp = sync->stamp;
        log->stamp_entries = heads[i].entries;
        if (heads[i].entries > log->frontier_entries) {
            log->frontier_entries = heads[i].entries;
        }
        named[named_count++] = (struct named){index, heads[i].entries};
    }
    slot->named = named;
    slot->named_count = named_count;
    sync->notices.named_bytes += count * sizeof *named;
    for (uint32_t i = 0; i < old_count; i++) {
        struct log *log = engine_log(sync, old[i].log);
        bool is_lower = log->stamp != sync->stamp || log->stamp_entries < old[i].entries;

        log->frontiers--;
        if (is_lower && old[i].entries == log->frontier_entries) {
            log_remeasure(sync, old[i].log);
        }
        heads_release(&sync->heads, old[i].log);
    }
    sync->notices.named_bytes -= old_count * sizeof *old;
    free(old);
}

/* ---- what each peer holds ---- */

static bool known_grow(struct sync *sync, struct peer *peer)
{
    uint32_t cap = sync->notices.cap;
    uint32_t words = (cap + 63) / 64;
    struct notice_known *known;
    uint64_t *dirty;

    if (peer->known_cap >= cap) {
        return true;
    }
    known = realloc(peer->known, cap * sizeof *known);
    if (known != NULL) {
        peer->known = known;
        dirty = realloc(peer->dirty, words * sizeof *dirty);
        if (dirty != NULL) {
            uint32_t old_words = (peer->known_cap + 63) / 64;

            memset(known + peer->known_cap, 0, (cap - peer->known_cap) * sizeof *known);
            memset(dirty + old_words, 0, (words - old_words) * sizeof *dirty);
            peer->dirty = dirty;
            peer->known_cap = cap;
            return true;
        }
    }
    engine_break(sync);
    return false;
}

static bool is_dirty(const struct peer *peer, uint32_t slot)
{
    return (peer->dirty[slot / 64] >> (slot % 64) & 1) != 0;
}

static void dirty_set(struct peer *peer, uint32_t slot, bool is_set)
{
    uint64_t bit = UINT64_C(1) << (slot % 64);

    if (is_set == is_dirty(peer, slot)) {
        return;
    }
    peer->dirty[slot / 64] ^= bit;
    peer->dirty_count += is_set ? 1 : UINT32_MAX; /* minus one */
}

static void known_set(struct peer *peer, uint32_t slot, const struct notice_ref *ref)
{
    struct notice_known *known = &peer->known[slot];

    known->is_held = true;
    known->counter = ref->counter;
    memcpy(known->hash, ref->hash, sizeof known->hash);
}

/* Does the peer lack what we hold, or hold another of the same number? Of two, the driver keeps one by a rule that all
 * nodes share, so that showing each other both ends equal. */
static bool is_lacking(const struct peer *peer, uint32_t slot, const struct notice_ref *ref)
{
    const struct notice_known *known = &peer->known[slot];

    return !known->is_held || known->counter < ref->counter ||
           (known->counter == ref->counter && memcmp(known->hash, ref->hash, sizeof known->hash) != 0);
}

static void peer_compare(struct sync *sync, struct peer *peer, uint32_t slot)
{
    dirty_set(peer, slot, is_lacking(peer, slot, &sync->notices.slots[slot].ref));
}

void notices_held(struct sync *sync, const struct sync_event *event)
{
    const struct notice_ref *ref = &event->u.notice.ref;
    uint32_t slot = slot_find(&sync->notices, ref);

    if (slot == UINT32_MAX) {
        if (sync->notices.count >= NOTICES_MAX) {
            return;
        }
        slot = slot_add(&sync->notices, ref, sync->now);
        if (slot == UINT32_MAX) {
            engine_break(sync);
            return;
        }
    } else if (sync->notices.slots[slot].ref.counter > ref->counter) {
        return; /* told at start in any order */
    } else if (ref_compare(&sync->notices.slots[slot].ref, ref) != 0) {
        struct notice_slot *held = &sync->notices.slots[slot];

        memmove(&held->before[1], &held->before[0], sizeof held->before - sizeof held->before[0]);
        held->before[0] = held->ref;
        held->ref = *ref;
        held->held_ms = sync->now;
    }
    if (ref->kind == NOTICE_FRONTIER) {
        named_apply(sync, &sync->notices.slots[slot], event->u.notice.heads, event->u.notice.head_count);
    }
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];

        if (!known_grow(sync, peer)) {
            return;
        }
        /* A proof may have been made here from that peer's commits: then it does not hold it. Once too often does no harm. */
        if (peer->slot == event->peer && ref->kind != NOTICE_FORK_PROOF) {
            known_set(peer, slot, ref);
        }
        peer_compare(sync, peer, slot);
    }
    if (ref->kind == NOTICE_ROSTER || ref->kind == NOTICE_ACT) {
        notices_retry(sync);
    }
}

/* ---- lists ---- */

/* All refs, then an empty list: that was all. */
static void list_send(struct sync *sync, struct peer *peer)
{
    uint32_t at = 0;
    size_t per_message = (peer->frame_bytes_max - 64) / REF_BYTES_MAX;

    if (per_message > NOTICES_PER_MESSAGE_MAX) {
        per_message = NOTICES_PER_MESSAGE_MAX;
    }
    while (at < sync->notices.count) {
        struct out body = actions_body(&sync->actions, per_message * REF_BYTES_MAX + 8);
        size_t n = 0;

        for (; n < per_message && at < sync->notices.count; n++, at++) {
            sync->scratch->refs[n] = sync->notices.slots[sync->notices.order[at]].ref;
        }
        notices_encode(sync->scratch->refs, n, &body);
        actions_send(&sync->actions, peer->slot, MESSAGE_NOTICES, &body);
    }
    struct out end = actions_body(&sync->actions, 8);

    notices_encode(NULL, 0, &end);
    actions_send(&sync->actions, peer->slot, MESSAGE_NOTICES, &end);
    peer->relist_ms = sync->now + RELIST_MS;
}

static void notices_tell(struct sync *sync, struct peer *peer)
{
    if (!peer->has_told_notices && engine_has_room(sync, 256)) {
        peer->has_told_notices = true;
        list_send(sync, peer);
    }
}

void notices_up(struct sync *sync, struct peer *peer, bool is_equal)
{
    if (!known_grow(sync, peer)) {
        return;
    }
    if (is_equal) {
        peer->are_notices_known = true;
        for (uint32_t i = 0; i < sync->notices.count; i++) {
            known_set(peer, i, &sync->notices.slots[i].ref);
        }
    } else {
        notices_tell(sync, peer);
    }
}

/* The list is complete: whatever it did not name, the peer does not hold. */
static void list_end(struct sync *sync, struct peer *peer)
{
    peer->are_notices_known = true;
    for (uint32_t i = 0; i < sync->notices.count; i++) {
        if (!peer->known[i].is_listed) {
            peer->known[i].is_held = false;
        }
        peer->known[i].is_listed = false;
        peer_compare(sync, peer, i);
    }
    notices_tell(sync, peer); /* the peer found us unequal when we did not */
}

void notices_listed(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    size_t count = 0;
    enum err err = notices_decode(sync->unpack, body, sync->scratch->refs, NOTICES_PER_MESSAGE_MAX, &count, &clause);

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = slot_find(&sync->notices, &sync->scratch->refs[i]);

        if (slot != UINT32_MAX) {
            struct notice_known *known = &peer->known[slot];

            known->is_whole = known->is_held && known->counter > sync->scratch->refs[i].counter;
            known_set(peer, slot, &sync->scratch->refs[i]);
            known->is_listed = true;
        }
    }
    if (count == 0) {
        list_end(sync, peer);
    }
}

static void relist_flush(struct sync *sync, struct peer *peer)
{
    if (peer->is_relist_due && sync->now >= peer->relist_ms && engine_has_room(sync, 256)) {
        peer->is_relist_due = false;
        list_send(sync, peer);
    }
}

uint64_t notices_deadline(const struct peer *peer)
{
    return peer->is_relist_due ? peer->relist_ms : NEVER;
}

void notices_refused(struct sync *sync, struct peer *peer, enum err err)
{
    switch ((int)err) {
    case ERR_STALE:
    case ERR_EXISTS:
        break; /* crossed with a newer one */
    case ERR_GAP:
        peer->is_relist_due = true; /* a difference to something we do not hold: show what we do hold */
        break;
    case ERR_UNKNOWN_KEY:
    case ERR_UNKNOWN_LOG:
    case ERR_NOT_MEMBER:
    case ERR_VERSION:
    case ERR_CUT:
        peer->has_refused_notices = true;
        break;
    default:
        if (err_blame(err) == BLAME_PEER) {
            engine_drop(sync, peer, err, "WIRE.md 4: the notice was refused");
        } else {
            peer->has_refused_notices = true;
        }
        break;
    }
}

void notices_retry(struct sync *sync)
{
    for (uint32_t i = 0; i < sync->up_count; i++) {
        struct peer *peer = sync->peers[sync->up[i]];

        if (peer->has_refused_notices) {
            peer->has_refused_notices = false;
            peer->is_relist_due = true;
        }
    }
}

/* ---- sending ---- */

static uint32_t cost_of(const struct notice_slot *slot, uint64_t base)
{
    switch (slot->ref.kind) {
    case NOTICE_CHARTER:
    case NOTICE_ROSTER:
        return COST_ROSTER;
    case NOTICE_FRONTIER:
        return base != 0 ? COST_SMALL : COST_SMALL + COST_HEAD * slot->named_count;
    case NOTICE_ACT:
    case NOTICE_CARD:
    case NOTICE_FORK_PROOF:
        break;
    }
    return COST_SMALL;
}

/* The counter of the frontier that the peer holds, when it is the very one that stood here before: a restored node may have
 * signed two of one number. 0: send it whole. */
static uint64_t base_of(const struct notice_slot *held, const struct notice_known *known)
{
    if (held->ref.kind != NOTICE_FRONTIER || !known->is_held || known->is_whole) {
        return 0;
    }
    for (size_t i = 0; i < NOTICE_BASES; i++) {
        if (held->before[i].counter == known->counter && known->counter != 0 && memcmp(held->before[i].hash, known->hash, sizeof known->hash) == 0) {
            return known->counter;
        }
    }
    return 0;
}

static void notice_send(struct sync *sync, struct peer *peer, uint32_t slot, uint32_t *cost)
{
    const struct notice_slot *held = &sync->notices.slots[slot];
    uint64_t base = base_of(held, &peer->known[slot]);
    struct sync_action *action = actions_add(&sync->actions, SYNC_SEND_NOTICE, peer->slot);

    action->u.notice.ref = held->ref;
    action->u.notice.base = base;
    *cost += cost_of(held, base);
    peer->known[slot].is_whole = false;
    known_set(peer, slot, &held->ref);
    dirty_set(peer, slot, false);
}

/* Membership first, so that what follows can be verified; frontiers last, they are the most and the least urgent. That
 * is the order of the kinds themselves but for fork proofs. */
static void notices_pass(struct sync *sync, struct peer *peer, bool is_frontier, uint32_t *cost)
{
    for (uint32_t i = 0; i < sync->notices.count && peer->dirty_count > 0 && *cost < BATCH_BYTES; i++) {
        uint32_t slot = sync->notices.order[i];

        if (!is_dirty(peer, slot) || (sync->notices.slots[slot].ref.kind == NOTICE_FRONTIER) != is_frontier) {
            continue;
        }
        if (!engine_has_room(sync, 8)) {
            return;
        }
        notice_send(sync, peer, slot, cost);
    }
}

void notices_flush(struct sync *sync, struct peer *peer)
{
    uint32_t cost = 0;

    relist_flush(sync, peer);
    if (peer->dirty_count == 0 || !peer->are_notices_known || peer->ping_answered < peer->notice_gate) {
        return;
    }
    notices_pass(sync, peer, false, &cost);
    notices_pass(sync, peer, true, &cost);
    if (peer->dirty_count > 0) {
        peer->notice_gate = probe_ping(sync, peer);
    }
}

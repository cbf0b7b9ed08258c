#include "store/audit_rows.h"

#include <assert.h>
#include <stdlib.h>

/* ---- keys ---- */

void notice_key(const struct notice_ref *ref, struct out *ret)
{
    key_u8(ret, (uint8_t)ref->kind);
    out_bytes(ret, ref->subject, sizeof ref->subject);
    key_u64(ret, ref->counter);
    out_bytes(ret, ref->hash, sizeof ref->hash);
}

enum err notice_key_read(struct span key, struct notice_ref *ret)
{
    if (key.n != NOTICE_KEY_BYTES || key.p[0] < NOTICE_CHARTER || key.p[0] > NOTICE_FORK_PROOF) {
        return ERR_CORRUPT;
    }
    ret->kind = (enum notice_kind)key.p[0];
    memcpy(ret->subject, key.p + 1, sizeof ret->subject);
    ret->counter = key_read_u64(key.p + 17);
    memcpy(ret->hash, key.p + 25, sizeof ret->hash);
    return ERR_OK;
}

static struct span key_of(const struct notice_ref *ref, uint8_t mem[NOTICE_KEY_BYTES])
{
    struct out key = out_into(mem, NOTICE_KEY_BYTES);
    notice_key(ref, &key);
    return out_written(&key);
}

/* What all notices of a kind about one subject begin with. */
static struct span subject_prefix(enum notice_kind kind, const uint8_t subject[16], uint8_t mem[17])
{
    mem[0] = (uint8_t)kind;
    memcpy(mem + 1, subject, 16);
    return span_of(mem, 17);
}

/* ---- membership from what is held ---- */

struct collected {
    struct span *spans;
    size_t count, cap;
};

static enum err collect(struct kv_txn *txn, enum notice_kind kind, struct collected *ret)
{
    struct kv_cursor cursor;
    uint8_t first = (uint8_t)kind;
    struct span prefix = span_of(&first, 1);
    kv_cursor_open(txn, TABLE_NOTICES, &cursor);
    enum err err = ERR_OK;
    for (bool ok = kv_seek_prefix(&cursor, prefix); ok && err == ERR_OK; ok = kv_next_prefix(&cursor, prefix)) {
        if (ret->count == ret->cap) {
            size_t cap = ret->cap == 0 ? 16 : ret->cap * 2;
            struct span *spans = realloc(ret->spans, cap * sizeof *spans);
            if (spans == NULL) {
                err = ERR_MEMORY;
                break;
            }
            ret->spans = spans;
            ret->cap = cap;
        }
        ret->spans[ret->count++] = cursor.value;
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : txn->err;
}

enum err membership_load(struct kv_txn *txn, const struct region_id *region, signature_check check, struct membership **ret)
{
    struct collected charters = {0}, rosters = {0}, acts = {0};
    enum err err = collect(txn, NOTICE_CHARTER, &charters);
    if (err == ERR_OK) {
        err = collect(txn, NOTICE_ROSTER, &rosters);
    }
    if (err == ERR_OK) {
        err = collect(txn, NOTICE_ACT, &acts);
    }
    if (err == ERR_OK) {
        struct span charter = charters.count > 0 ? charters.spans[0] : span_of(NULL, 0);
        err = membership_build_any(region, charter, rosters.spans, rosters.count, acts.spans, acts.count, check, ret);
    }
    free(charters.spans);
    free(rosters.spans);
    free(acts.spans);
    return err;
}

const struct membership *membership_now(struct store *store)
{
    if (store->membership == NULL && store->txn.err == ERR_OK) {
        enum err err = membership_load(&store->txn, &store->region, store->check, &store->membership);
        if (err != ERR_OK && store->txn.err == ERR_OK) {
            store->txn.err = err;
        }
    }
    return store->membership;
}

enum err store_membership(struct store_read *read, signature_check check, struct membership **ret)
{
    struct membership *membership = NULL;
    enum err err = membership_load(&read->txn, &read->store->region, check, &membership);
    if (err == ERR_OK && membership_roster_number(membership) == 0) {
        membership_destroy(&membership);
        return ERR_NOT_FOUND;
    }
    if (err == ERR_OK) {
        *ret = membership;
    }
    return err;
}

/* ---- admission: charter, rosters, acts ---- */

static void notice_put(struct store *store, const struct notice_ref *ref, struct span bytes)
{
    uint8_t mem[NOTICE_KEY_BYTES];
    kv_put(&store->txn, TABLE_NOTICES, key_of(ref, mem), bytes);
}

static void notice_delete(struct store *store, const struct notice_ref *ref)
{
    uint8_t mem[NOTICE_KEY_BYTES];
    (void)kv_delete(&store->txn, TABLE_NOTICES, key_of(ref, mem));
}

static bool notice_is_held(struct store *store, const struct notice_ref *ref)
{
    uint8_t mem[NOTICE_KEY_BYTES];
    struct span held;
    return kv_get(&store->txn, TABLE_NOTICES, key_of(ref, mem), &held);
}

/* Of the acts with one number the lowest few are kept. True when this one belongs to them; what it displaces is gone then. */
static bool act_finds_room(struct store *store, const struct notice_ref *ref)
{
    uint8_t mem[NOTICE_KEY_BYTES];
    struct span key = key_of(ref, mem);
    struct span prefix = span_of(key.p, key.n - sizeof ref->hash);
    struct kv_cursor cursor;
    size_t count = 0;
    bool has_room = true;
    kv_cursor_open(&store->txn, TABLE_NOTICES, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, prefix); ok; ok = kv_next_prefix(&cursor, prefix)) {
        count++;
    }
    if (count >= RIVAL_ACTS_KEPT) {
        has_room = kv_last_prefix(&cursor, prefix) && memcmp(cursor.key.p, key.p, key.n) > 0;
        if (has_room) {
            kv_cursor_delete(&cursor);
        }
    }
    kv_cursor_close(&cursor);
    return has_room;
}

/* A roster may have given a node a new identity key: its card and its frontier by the old one stand for nothing from then on, and go; those who get them later refuse them. */
static enum err replaced_drop(struct store *store)
{
    struct membership *before = store->membership;
    struct notice_ref refs[64];
    size_t count;
    store->membership = NULL;
    const struct membership *after = membership_now(store);
    do {
        struct kv_cursor cursor;
        count = 0;
        kv_cursor_open(&store->txn, TABLE_NOTICES, &cursor);
        for (bool ok = after != NULL && kv_first(&cursor); ok && count < sizeof refs / sizeof refs[0]; ok = kv_next(&cursor)) {
            struct notice_ref ref;
            struct node_id node;
            if (notice_key_read(cursor.key, &ref) != ERR_OK || (ref.kind != NOTICE_CARD && ref.kind != NOTICE_FRONTIER)) {
                continue;
            }
            memcpy(node.b, ref.subject, sizeof node.b);
            const struct sign_public *old = membership_identity(before, &node), *new = membership_identity(after, &node);
            if (old != NULL && new != NULL && memcmp(old->b, new->b, sizeof old->b) != 0) {
                refs[count++] = ref;
            }
        }
        kv_cursor_close(&cursor);
        for (size_t i = 0; i < count; i++) {
            struct node_id node;
            notice_delete(store, &refs[i]);
            memcpy(node.b, refs[i].subject, sizeof node.b);
            if (refs[i].kind == NOTICE_FRONTIER) {
                frontier_forget(store, &node);
            }
        }
    } while (count > 0 && store->txn.err == ERR_OK);
    membership_destroy(&before);
    return store->txn.err;
}

static enum err admit_trust(struct store *store, const struct notice *notice, struct span bytes, struct notice_ref *ret, bool *ret_is_new,
                            const char **clause)
{
    const struct membership *membership = membership_now(store);
    if (membership == NULL) {
        return store->txn.err;
    }
    enum err err = membership_check(membership, store->unpack, notice, store->check, ret, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (notice_is_held(store, ret)) {
        *ret_is_new = false;
        return store->txn.err;
    }
    if (ret->kind == NOTICE_ACT && !act_finds_room(store, ret)) {
        *clause = "store/README.md 3.3: two acts with this number are held, both with a lower hash";
        return ERR_STALE;
    }
    notice_put(store, ret, bytes);
    journal_notice(store, ret);
    if (ret->kind == NOTICE_ROSTER) {
        err = replaced_drop(store);
    } else {
        membership_destroy(&store->membership);
    }
    if (err != ERR_OK) {
        return err;
    }
    logs_end_update(store);
    store->erasing.has_day = false;
    if (ret->kind == NOTICE_ROSTER) {
        erased_reconsider(store);
        enum err err_search = erase_search(store);
        if (err_search != ERR_OK) {
            return err_search;
        }
    }
    *ret_is_new = true;
    return store->txn.err;
}

/* ---- admission: cards and frontiers, of which the highest counter wins ---- */

/* The one held about this subject: false when there is none. */
static bool newest_held(struct store *store, enum notice_kind kind, const uint8_t subject[16], struct notice_ref *ret)
{
    uint8_t mem[17];
    struct kv_cursor cursor;
    kv_cursor_open(&store->txn, TABLE_NOTICES, &cursor);
    bool is_held = kv_last_prefix(&cursor, subject_prefix(kind, subject, mem)) && notice_key_read(cursor.key, ret) == ERR_OK;
    kv_cursor_close(&cursor);
    return is_held;
}

/* Compare with what is held: ERR_OK and *ret_is_new, or ERR_STALE. Of two with one counter the lower hash wins, everywhere. */
static enum err newest_compare(struct store *store, const struct notice_ref *ref, bool *ret_has_held, struct notice_ref *ret_held, bool *ret_is_new,
                               const char **clause)
{
    *ret_has_held = newest_held(store, ref->kind, ref->subject, ret_held);
    if (!*ret_has_held) {
        *ret_is_new = true;
        return store->txn.err;
    }
    int order = memcmp(ref->hash, ret_held->hash, sizeof ref->hash);
#ifndef GRIOT_WITHOUT_T06_COUNTER
    if (ref->counter < ret_held->counter || (ref->counter == ret_held->counter && order > 0)) {
        *clause = "store/README.md 3.4: one with a higher counter is held";
        return ERR_STALE;
    }
#endif
    *ret_is_new = ref->counter != ret_held->counter || order != 0;
    return ERR_OK;
}

/* The counter by which those of one node are ordered when `key` signs them. One by a key that has been replaced is out of date, not false. */
static enum err key_place(struct store *store, const struct node_id *node, const struct sign_public *key, uint64_t counter, struct notice_ref *ret, const char **clause)
{
    const struct membership *membership = membership_now(store);
    uint32_t before;
    bool is_newest;
    if (membership == NULL) {
        return store->txn.err;
    }
    if (!membership_key_place(membership, node, key, &before, &is_newest)) {
        *clause = membership_identity(membership, node) == NULL ? "store/README.md 3.4: no roster held names its node"
                                                                : "store/README.md 3.4: no roster held names the identity key that signs it";
        return ERR_UNKNOWN_KEY;
    }
    if (!is_newest) {
        *clause = "store/README.md 3.4: signed by an identity key that has been replaced";
        return ERR_STALE;
    }
    ret->counter = notice_counter(before, counter);
    return ERR_OK;
}

/* Not by the newest key: by an older one, by one that a roster may name that is not held yet, or by nobody's. */
static enum err frontier_refuse(struct store *store, const struct notice *notice, const struct frontier *frontier, const char **clause)
{
    const struct membership *membership = membership_now(store);
    const struct sign_public *key;
    for (size_t i = 1; membership != NULL && (key = membership_identity_at(membership, &frontier->node, i)) != NULL; i++) {
        if (store->check(SIGN_FRONTIER, &store->region, notice->body, key, &notice->signatures[0].signature) == ERR_OK) {
            *clause = "store/README.md 3.4: signed by an identity key that has been replaced";
            return ERR_STALE;
        }
    }
    if (membership == NULL) {
        return store->txn.err;
    }
    if (!membership_holds_roster(membership, frontier->roster_number, &frontier->roster_hash)) {
        *clause = "store/README.md 3.5: signed by no key known here, but it names a roster that is not held";
        return ERR_UNKNOWN_KEY;
    }
    *clause = "store/README.md 3.4: not signed by its node's identity key";
    return ERR_BADSIG;
}

static void ref_hash(const struct notice *notice, struct notice_ref *ref)
{
    struct hash hash;
    hash_of(HASH_NOTICE, notice->body, &hash);
    memcpy(ref->hash, hash.b, sizeof ref->hash);
}

static enum err admit_card(struct store *store, const struct notice *notice, struct span bytes, struct notice_ref *ret, bool *ret_is_new,
                           const char **clause)
{
    struct card card;
    struct notice_ref held;
    bool has_held = false;
    enum err err = card_decode(store->unpack, notice->body, &card, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (!region_id_equal(&card.region, &store->region)) {
        *clause = "store/README.md 3.4: the card is of another region";
        return ERR_REGION;
    }
    ret->kind = NOTICE_CARD;
    memcpy(ret->subject, card.node.b, sizeof ret->subject);
    ref_hash(notice, ret);
    err = key_place(store, &card.node, &card.identity, card.counter, ret, clause);
    if (err == ERR_OK) {
        err = newest_compare(store, ret, &has_held, &held, ret_is_new, clause);
        if (err != ERR_OK || !*ret_is_new) {
            return err;
        }
    }
    /* One that names an unknown key proves at least that its maker holds that key: then a roster that is not here yet may name it. */
    if ((err == ERR_OK || err == ERR_UNKNOWN_KEY) &&
        store->check(SIGN_CARD, &store->region, notice->body, &card.identity, &notice->signatures[0].signature) != ERR_OK) {
        *clause = "store/README.md 3.4: not signed by the identity key that it names";
        return ERR_BADSIG;
    }
    if (err != ERR_OK) {
        return err;
    }
    if (has_held) {
        notice_delete(store, &held);
    }
    notice_put(store, ret, bytes);
    journal_notice(store, ret);
    store->cards_changed++;
    return store->txn.err;
}

/* A copy of the frontier held, with its heads; `*ret_memory` stays NULL when its heads are gone. */
static enum err frontier_take(struct store *store, const struct notice_ref *held, uint8_t **ret_memory, struct signed_heads *ret)
{
    uint8_t mem[NOTICE_KEY_BYTES], key_mem[FRONTIER_KEY_BYTES];
    struct out key = out_into(key_mem, sizeof key_mem);
    struct span notice, heads;
    out_bytes(&key, held->subject, sizeof held->subject);
    key_u64(&key, held->counter);
    if (!kv_get(&store->txn, TABLE_NOTICES, key_of(held, mem), &notice) || !kv_get(&store->txn, TABLE_FRONTIERS, out_written(&key), &heads)) {
        return store->txn.err;
    }
    uint8_t *memory = malloc(notice.n + heads.n + 1);
    if (memory == NULL) {
        return ERR_MEMORY;
    }
    memcpy(memory, notice.p, notice.n);
    memcpy(memory + notice.n, heads.p, heads.n);
    *ret = (struct signed_heads){span_of(memory, notice.n), span_of(memory + notice.n, heads.n)};
    *ret_memory = memory;
    return ERR_OK;
}

static enum err admit_frontier(struct store *store, const struct notice *notice, struct span bytes, uint64_t base, struct span heads,
                               struct notice_ref *ret, bool *ret_is_new, const char **clause)
{
    struct frontier frontier;
    struct notice_ref held;
    bool has_held = false;
    enum err err = frontier_decode(store->unpack, notice->body, &frontier, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (!region_id_equal(&frontier.region, &store->region)) {
        *clause = "store/README.md 3.5: the frontier is of another region";
        return ERR_REGION;
    }
    ret->kind = NOTICE_FRONTIER;
    memcpy(ret->subject, frontier.node.b, sizeof ret->subject);
    ref_hash(notice, ret);
    const struct membership *known = membership_now(store);
    const struct sign_public *newest = known == NULL ? NULL : membership_identity(known, &frontier.node);
    struct sign_public key;
    if (newest == NULL) {
        *clause = "store/README.md 3.4: no roster held names its node";
        return store->txn.err != ERR_OK ? store->txn.err : ERR_UNKNOWN_KEY;
    }
    key = *newest;
    err = key_place(store, &frontier.node, &key, frontier.counter, ret, clause);
    if (err == ERR_OK) {
        err = newest_compare(store, ret, &has_held, &held, ret_is_new, clause);
    }
    /* One that seems older may be by a newer key, which a roster names that is not held. */
    bool is_beyond = err == ERR_STALE && !membership_holds_roster(store->membership, frontier.roster_number, &frontier.roster_hash);
    if (!is_beyond && (err != ERR_OK || !*ret_is_new)) {
        return err;
    }
    if (store->check(SIGN_FRONTIER, &store->region, notice->body, &key, &notice->signatures[0].signature) != ERR_OK) {
        return frontier_refuse(store, notice, &frontier, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    const struct member *named = membership_named(store->membership, &frontier.node);
    bool is_hub = named != NULL && named->role == ROLE_HUB;
    struct signed_heads first = {{NULL, 0}, {NULL, 0}};
    uint8_t *memory = NULL;
    if (is_hub && has_held) {
        err = frontier_take(store, &held, &memory, &first);
    }
    if (err == ERR_OK) {
        err = frontier_put(store, &frontier, ret->counter, base, heads, clause);
    }
    if (err == ERR_OK && memory != NULL) {
        struct out list = out_into(store->bytes, HEADS_BYTES_MAX);
        heads_canonical(store->heads, frontier.head_count, &list);
        struct signed_heads second = {bytes, out_written(&list)};
        liar_look(store, &frontier.node, &first, store->heads, frontier.head_count, &second);
    }
    free(memory);
    if (err != ERR_OK) {
        return err;
    }
    if (has_held) {
        notice_delete(store, &held);
    }
    notice_put(store, ret, bytes); /* not in the journal: it changes by the minute, and nothing shown depends on it */
    witness_note(store, &frontier);
    store->erasing.has_day = false;
    const struct member *member = membership_find(store->membership, &frontier.node);
    if (member != NULL && member->role == ROLE_HUB) {
        for (uint32_t number = 1; number <= store->log_count && store->txn.err == ERR_OK; number++) {
            struct log *log = log_at(store, number);
            if (log != NULL && log->end_seq != LOG_OPEN_END) {
                log_end_update(store, log); /* more may be final now */
            }
        }
    }
    return store->txn.err;
}

/* ---- admission: fork proofs ---- */

/* What of several proofs for a log wins: the lowest (seq, hash, hash). */
struct proof_rank {
    uint64_t seq;
    struct hash a, b;
};

static enum err proof_rank_of(struct unpack *unpack, const struct fork_proof *proof, uint64_t seq, struct proof_rank *ret)
{
    struct commit *commit = NULL;
    const char *clause = NULL;
    enum err err = ERR_OK;
    if (seq == 0) { /* of one that is held: read it from the header */
        commit = malloc(sizeof *commit);
        err = commit == NULL ? ERR_MEMORY : commit_canonical_decode(unpack, proof->a, commit, &clause);
        seq = err == ERR_OK ? commit->seq : 0;
        free(commit);
    }
    ret->seq = seq;
    hash_of(HASH_COMMIT, proof->a, &ret->a);
    hash_of(HASH_COMMIT, proof->b, &ret->b);
    return err;
}

static int proof_rank_compare(const struct proof_rank *x, const struct proof_rank *y)
{
    if (x->seq != y->seq) {
        return x->seq < y->seq ? -1 : 1;
    }
    int order = memcmp(x->a.b, y->a.b, sizeof x->a.b);
    return order != 0 ? order : memcmp(x->b.b, y->b.b, sizeof x->b.b);
}

static enum err held_proof_rank(struct store *store, const struct notice_ref *ref, struct proof_rank *ret)
{
    uint8_t mem[NOTICE_KEY_BYTES];
    struct span bytes;
    struct notice notice;
    struct fork_proof proof;
    const char *clause = NULL;
    if (!kv_get(&store->txn, TABLE_NOTICES, key_of(ref, mem), &bytes)) {
        return ERR_CORRUPT;
    }
    enum err err = notice_decode(store->unpack, bytes, &notice, &clause);
    if (err == ERR_OK) {
        err = fork_proof_decode(store->unpack, notice.body, &proof, &clause);
    }
    if (err == ERR_OK) {
        err = proof_rank_of(store->unpack, &proof, 0, ret);
    }
    return err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

enum err fork_proof_put(struct store *store, const struct log_id *id, uint64_t seq, const struct fork_proof *proof, struct span bytes,
                        struct notice_ref *ret, bool *ret_is_new)
{
    struct notice_ref ref = {.kind = NOTICE_FORK_PROOF}, held;
    struct proof_rank rank, held_rank;
    struct notice notice;
    const char *clause = NULL;
    enum err err = proof_rank_of(store->unpack, proof, seq, &rank);
    memcpy(ref.subject, id->b, sizeof ref.subject);
    if (err == ERR_OK && newest_held(store, NOTICE_FORK_PROOF, ref.subject, &held)) {
        err = held_proof_rank(store, &held, &held_rank);
        if (err == ERR_OK && proof_rank_compare(&held_rank, &rank) <= 0) {
            *ret = held;
            *ret_is_new = false;
            return ERR_OK;
        }
        notice_delete(store, &held);
        err = err == ERR_CORRUPT ? ERR_OK : err; /* a damaged one is replaced */
    }
    if (err == ERR_OK) {
        err = notice_decode(store->unpack, bytes, &notice, &clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ref_hash(&notice, &ref);
    notice_put(store, &ref, bytes);
    journal_notice(store, &ref);
    struct log *log = log_find(store, id);
    if (log != NULL) {
        log->fork_seq = seq;
        log_touch(store, log);
        log_end_update(store, log);
        store->ends_changed++; /* also when it ends where it did: whoever heard of the proof hears of that after it */
    }
    *ret = ref;
    *ret_is_new = true;
    return store->txn.err;
}

uint64_t fork_proof_seq(struct store *store, const struct log_id *id)
{
    struct notice_ref held;
    struct proof_rank rank;
    bool is_held = newest_held(store, NOTICE_FORK_PROOF, id->b, &held);
    return is_held && held_proof_rank(store, &held, &rank) == ERR_OK ? rank.seq : 0;
}

static enum err admit_fork_proof(struct store *store, const struct notice *notice, struct span bytes, struct notice_ref *ret, bool *ret_is_new,
                                 const char **clause)
{
    struct fork_proof proof;
    struct birth birth;
    struct log_id log;
    uint64_t seq = 0;
    enum err err = fork_proof_decode(store->unpack, notice->body, &proof, clause);
    if (err == ERR_OK) {
        err = birth_peek(store->unpack, proof.birth, &birth, &log, clause);
    }
    const struct membership *membership = err == ERR_OK ? membership_now(store) : NULL;
    if (membership == NULL) {
        return err != ERR_OK ? err : store->txn.err;
    }
    const struct sign_public *key = membership_identity(membership, &birth.node);
    if (key == NULL) {
        *clause = "store/README.md 3.6: no roster held names the node of the forked log";
        return ERR_UNKNOWN_KEY;
    }
    err = ERR_BADSIG;
    for (size_t i = 0; key != NULL && err == ERR_BADSIG; key = membership_identity_at(membership, &birth.node, ++i)) {
        err = fork_proof_check(store->unpack, &proof, &store->region, key, store->check, &log, &seq, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    struct notice_ref own = {.kind = NOTICE_FORK_PROOF};
    ref_hash(notice, &own);
    err = fork_proof_put(store, &log, seq, &proof, bytes, ret, ret_is_new);
    if (err == ERR_OK && !*ret_is_new && memcmp(own.hash, ret->hash, sizeof own.hash) != 0) {
        *clause = "store/README.md 3.6: a proof of a lower commit is held";
        return ERR_STALE;
    }
    return err;
}

enum err store_admit_notice(struct store *store, struct span bytes, uint64_t base, struct span heads, struct notice_ref *ret_ref, bool *ret_is_new,
                            const char **clause)
{
    struct notice notice;
    struct notice_ref ref = {0};
    bool is_new = false;
    assert(store->is_writing);
    if (store->txn.err != ERR_OK) {
        return store->txn.err;
    }
    enum err err = notice_decode(store->unpack, bytes, &notice, clause);
    if (err != ERR_OK) {
        return err;
    }
    switch (notice.kind) {
    case NOTICE_CHARTER:
    case NOTICE_ROSTER:
    case NOTICE_ACT:
        err = admit_trust(store, &notice, bytes, &ref, &is_new, clause);
        break;
    case NOTICE_CARD:
        err = admit_card(store, &notice, bytes, &ref, &is_new, clause);
        break;
    case NOTICE_FRONTIER:
        err = admit_frontier(store, &notice, bytes, base, heads, &ref, &is_new, clause);
        break;
    case NOTICE_FORK_PROOF:
        err = admit_fork_proof(store, &notice, bytes, &ref, &is_new, clause);
        break;
    }
    if (err == ERR_OK) {
        *ret_ref = ref;
        *ret_is_new = is_new;
    }
    return err;
}

/* ---- reading ---- */

/* A frontier's heads; empty for the other kinds. */
static struct span heads_beside(struct store_read *read, const struct notice_ref *ref)
{
    uint8_t mem[FRONTIER_KEY_BYTES];
    struct out key = out_into(mem, sizeof mem);
    struct span heads = {NULL, 0};
    if (ref->kind == NOTICE_FRONTIER) {
        out_bytes(&key, ref->subject, sizeof ref->subject);
        key_u64(&key, ref->counter);
        (void)kv_get(&read->txn, TABLE_FRONTIERS, out_written(&key), &heads);
    }
    return heads;
}

enum err store_notice(struct store_read *read, const struct notice_ref *ref, struct span *ret, struct span *ret_heads)
{
    uint8_t mem[NOTICE_KEY_BYTES];
    struct span bytes;
    if (!kv_get(&read->txn, TABLE_NOTICES, key_of(ref, mem), &bytes)) {
        return read->txn.err != ERR_OK ? read->txn.err : ERR_NOT_FOUND;
    }
    *ret = bytes;
    *ret_heads = heads_beside(read, ref);
    return read->txn.err;
}

enum err store_notice_newest(struct store_read *read, enum notice_kind kind, const struct node_id *node, struct span *ret, struct span *ret_heads)
{
    uint8_t mem[17];
    struct kv_cursor cursor;
    struct notice_ref ref;
    enum err err = ERR_NOT_FOUND;
    kv_cursor_open(&read->txn, TABLE_NOTICES, &cursor);
    if (kv_last_prefix(&cursor, subject_prefix(kind, node->b, mem))) {
        err = notice_key_read(cursor.key, &ref);
    }
    kv_cursor_close(&cursor);
    if (err == ERR_OK) {
        err = store_notice(read, &ref, ret, ret_heads);
    }
    return read->txn.err != ERR_OK ? read->txn.err : err;
}

enum err store_notices(struct store_read *read, bool (*each)(void *arg, const struct notice_ref *ref, struct span notice, struct span heads),
                       void *arg)
{
    struct kv_cursor cursor;
    struct notice_ref ref;
    enum err err = ERR_OK;
    kv_cursor_open(&read->txn, TABLE_NOTICES, &cursor);
    for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
        err = notice_key_read(cursor.key, &ref);
        if (err != ERR_OK || !each(arg, &ref, cursor.value, heads_beside(read, &ref))) {
            break;
        }
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : read->txn.err;
}

enum err card_newest(struct kv_txn *txn, struct unpack *unpack, const struct node_id *node, struct card *ret)
{
    uint8_t mem[17];
    struct kv_cursor cursor;
    struct notice notice;
    const char *clause = NULL;
    enum err err = ERR_NOT_FOUND;
    kv_cursor_open(txn, TABLE_NOTICES, &cursor);
    if (kv_last_prefix(&cursor, subject_prefix(NOTICE_CARD, node->b, mem))) {
        err = notice_decode(unpack, cursor.value, &notice, &clause);
        if (err == ERR_OK) {
            err = card_decode(unpack, notice.body, ret, &clause);
        }
        err = err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
    }
    kv_cursor_close(&cursor);
    return txn->err != ERR_OK ? txn->err : err;
}

enum err store_card(struct store_read *read, const struct node_id *node, struct card *ret)
{
    return card_newest(&read->txn, read->unpack, node, ret);
}

/* admit.c - the one gate: decode, limits, chain, signature, roster, append. */
#include "store/env.h"
#include "store/keys.h"

#include <assert.h>

/* One segment on its way through the gate. */
struct gate {
    struct store *store;
    const struct seg *seg;
    struct log *log;   /* NULL until the birth is held */
    bool is_kept_late; /* the last item was kept, beyond a cut */
    const char **clause;
};

static enum err refuse(const struct gate *gate, const char *clause, enum err err)
{
    *gate->clause = clause;
    return err;
}

/* ---- births ---- */

/* Births of one node are bounded by policy: a stolen key must not fill everybody's store with logs. */
static bool node_has_room(struct store *store, const struct node_id *node)
{
    uint32_t count = 0;
    for (uint32_t number = 1; store->log_count >= NODE_LOGS_MAX && number <= store->log_count; number++) {
        const struct log *log = log_at(store, number);
        count += log != NULL && node_id_equal(&log->chain.node, node);
    }
#ifdef GRIOT_WITHOUT_T12_BIRTHS
    return true;
#endif
    return count < NODE_LOGS_MAX;
}

static const char share_clause[] = "store/README.md 2: the author has brought as much as one node may today; the rest waits";

/* The node's policy, asked when everything else is good: what is refused for another reason costs its author nothing. */
static bool may_take(struct store *store, const struct node_id *author, size_t bytes)
{
    return store->may == NULL || node_id_equal(author, &store->self) || store->may(store->may_arg, author, bytes);
}

static enum err admit_birth(struct gate *gate, struct span bytes)
{
    struct store *store = gate->store;
    struct birth birth;
    struct log_id id;
    struct chain chain;
    enum err err = birth_peek(store->unpack, bytes, &birth, &id, gate->clause);
    if (err != ERR_OK) {
        return err;
    }
    if (log_id_compare(&id, &gate->seg->log) != 0) {
        return refuse(gate, "store/README.md 2: the birth is not the one of its segment's log", ERR_CHAIN);
    }
    if (gate->log != NULL) {
        return ERR_OK; /* held */
    }
    if (!region_id_equal(&birth.region, &store->region)) {
        return refuse(gate, "WIRE.md 3: the birth names another region", ERR_REGION);
    }
    const struct membership *membership = membership_now(store);
    if (membership == NULL) {
        return store->txn.err;
    }
    const struct sign_public *identity = membership_author_at(membership, &birth.node, 0);
    if (identity == NULL && membership_identity(membership, &birth.node) != NULL) {
        return refuse(gate, "store/README.md 2: the log's author is an observer, who writes nothing", ERR_UNKNOWN_KEY);
    }
    if (identity == NULL) {
        return refuse(gate, "store/README.md 2: no roster held names the log's author", ERR_UNKNOWN_KEY);
    }
    err = ERR_BADSIG;
    for (size_t i = 0; identity != NULL && err == ERR_BADSIG;) {
        err = birth_check(store->unpack, bytes, &store->region, identity, store->check, &birth, &chain, gate->clause);
        if (err == ERR_BADSIG) {
            identity = membership_author_at(membership, &birth.node, ++i);
        }
    }
    if (err != ERR_OK) {
        return err;
    }
    if (!node_has_room(store, &birth.node)) {
        return refuse(gate, "store/README.md 2: this node has begun as many logs as are kept here", ERR_QUOTA);
    }
    if (!may_take(store, &birth.node, bytes.n)) {
        return refuse(gate, share_clause, ERR_QUOTA);
    }
    struct sign_public key = *identity; /* the cache may move */
    err = log_begin(store, &chain, &key, bytes, &gate->log);
    if (err == ERR_INTERNAL && store->txn.err == ERR_OK) {
        return refuse(gate, "store/README.md 2: as many logs as are kept here are held", ERR_QUOTA);
    }
    if (err == ERR_OK) {
        gate->log->fork_seq = fork_proof_seq(store, &chain.log); /* the proof may have come first */
        log_end_update(store, gate->log);
    }
    return err != ERR_OK ? err : store->txn.err;
}

/* ---- commits ---- */

static enum err decode(struct gate *gate, uint64_t seq, struct span packed, struct commit *ret)
{
    struct store *store = gate->store;
    struct span reduced;
    enum err err = commit_unpack(store->packer, packed, &reduced, gate->clause);
    if (err == ERR_OK) {
        err = commit_reduced_decode(store->unpack, reduced, ret, gate->clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    if (ret->seq != seq) {
        return refuse(gate, "WIRE.md 5.8: an item is not the commit with its number", ERR_MALFORMED);
    }
    return ERR_OK;
}

/* Two signed commits at one seq: ours is held, `theirs` has been completed and its signature checked. */
static enum err prove_fork(struct gate *gate, uint64_t seq, const struct commit *theirs, const struct hash *theirs_hash, struct admitted *ret)
{
    struct store *store = gate->store;
    struct commit *ours = store->other;
    struct commit_row birth;
    struct hash ours_hash;
    uint8_t birth_mem[BIRTH_BYTES_MAX], ours_mem[COMMIT_CANONICAL_BYTES_MAX], theirs_mem[COMMIT_CANONICAL_BYTES_MAX], body_mem[4096], mem[4096 + 64];
    struct out ours_out = out_into(ours_mem, sizeof ours_mem), theirs_out = out_into(theirs_mem, sizeof theirs_mem);
    struct out body = out_into(body_mem, sizeof body_mem), bytes = out_into(mem, sizeof mem);
    bool is_new = false;
    enum err err = commit_row_get(&store->txn, gate->log->number, 0, &birth);
    if (err == ERR_OK && birth.body.n <= sizeof birth_mem) {
        memcpy(birth_mem, birth.body.p, birth.body.n);
        err = commit_load(&store->txn, store->unpack, store->packer, gate->log, seq, ours, &ours_hash);
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    commit_canonical(ours, &ours_out);
    commit_canonical(theirs, &theirs_out);
    bool is_ours_first = memcmp(ours_hash.b, theirs_hash->b, sizeof ours_hash.b) < 0;
    struct fork_proof proof = {.birth = span_of(birth_mem, birth.body.n),
                               .a = out_written(is_ours_first ? &ours_out : &theirs_out),
                               .b = out_written(is_ours_first ? &theirs_out : &ours_out),
                               .signature_a = is_ours_first ? ours->signature : theirs->signature,
                               .signature_b = is_ours_first ? theirs->signature : ours->signature};
    fork_proof_encode(&proof, &body);
    struct notice notice = {.kind = NOTICE_FORK_PROOF, .body = out_written(&body)};
    notice_encode(&notice, &bytes);
    assert(!ours_out.is_full && !theirs_out.is_full && !body.is_full && !bytes.is_full);
    err = fork_proof_put(store, &gate->seg->log, seq, &proof, out_written(&bytes), &ret->proof, &is_new);
    ret->has_fork = err == ERR_OK;
    return err != ERR_OK ? err : refuse(gate, "store/README.md 2: another signed commit with this number is held", ERR_FORK);
}

/* Append a commit that is good. Only of a commit that its author has signed is it looked at what is missing in it: whoever brings a copy without its payloads is not to blame, others are asked. */
static enum err take_in(struct gate *gate, const struct chain *after, struct span packed)
{
    struct store *store = gate->store;
    struct log *log = gate->log;
    bool is_less = false;
    enum err err = erase_sift(store, &log->chain.node, log->number, store->commit, &is_less, gate->clause);
    if (err == ERR_OK && is_less) {
        err = erase_pack(store, store->commit, &packed);
    }
    if (err == ERR_OK && after->seq <= log_limit(&store->txn, log) && !may_take(store, &log->chain.node, packed.n)) {
        err = refuse(gate, share_clause, ERR_QUOTA); /* what comes late has room of its own */
    }
    if (err != ERR_OK) {
        return err;
    }
    log_append(store, log, after, packed);
    if (after->seq <= log->end_seq) {
        erased_take(store, log, after->seq, store->commit);
    } else {
        late_mark(store, log, after->seq); /* what it orders is in force only when it counts */
    }
    expiry_note(store, log->number, store->commit);
    keys_note(store, log, store->commit);
    return store->txn.err;
}

static enum err read_next(struct gate *gate, uint64_t seq, struct span packed, struct chain *ret_after)
{
    struct store *store = gate->store;
    *ret_after = gate->log->chain;
    enum err err = decode(gate, seq, packed, store->commit);
    return err == ERR_OK ? commit_check(ret_after, store->commit, store->check, gate->clause) : err;
}

/* Beyond the cut of its author: kept as evidence as long as there is room, and refused in any case. */
static enum err append_late(struct gate *gate, uint64_t seq, struct span packed)
{
    struct store *store = gate->store;
    struct chain after;
    enum err err = read_next(gate, seq, packed, &after);
    if (err == ERR_OK && late_has_room(store, gate->log, packed.n, store->commit->entry_count)) {
        uint32_t entries = store->commit->entry_count;
        err = take_in(gate, &after, packed);
        if (err == ERR_OK) {
            late_added(store, gate->log, packed.n, entries);
            gate->is_kept_late = true;
        }
    }
    return err != ERR_OK ? err : store->txn.err != ERR_OK ? store->txn.err : refuse(gate, "store/README.md 2: the commit lies beyond the cut of its author", ERR_CUT);
}

/* The next commit of the log. */
static enum err append(struct gate *gate, uint64_t seq, struct span packed)
{
    static const struct hash any;
    struct log *log = gate->log;
    struct chain after;
    if (seq > log_limit(&gate->store->txn, log)) {
        bool is_forked = log->fork_seq != 0 && seq >= log->fork_seq;
        return is_forked ? refuse(gate, "store/README.md 2: the log is forked before this commit", ERR_FORK) : append_late(gate, seq, packed);
    }
    enum err err = read_next(gate, seq, packed, &after);
    if (err == ERR_OK && seq == log->end_seq && !hash_equal(&log->end_hash, &any) && !hash_equal(&log->end_hash, &after.hash)) {
        return refuse(gate, "store/README.md 2: the commit is not the one at which the cut ends the log", ERR_CUT);
    }
    return err != ERR_OK ? err : take_in(gate, &after, packed);
}

/* A commit at or below the head: the same, however packed; or the other side of a fork. */
static enum err meet_held(struct gate *gate, uint64_t seq, struct span packed, struct admitted *ret)
{
    struct store *store = gate->store;
    struct commit_row row, before;
    struct chain chain = gate->log->chain;
    struct hash hash;
    enum err err = commit_row_get(&store->txn, gate->log->number, seq, &row);
    if (err == ERR_OK && span_equal(row.body, packed)) {
        return ERR_OK;
    }
    if (err == ERR_OK) {
        hash = row.hash;
        err = commit_row_get(&store->txn, gate->log->number, seq - 1, &before);
    }
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    err = decode(gate, seq, packed, store->commit);
    if (err != ERR_OK) {
        return err;
    }
    chain.seq = seq - 1;
    chain.hash = before.hash;
    chain.entries = before.entries;
    chain.roster_version = 0; /* a fork is one whatever roster its side claims */
    err = commit_check(&chain, store->commit, store->check, gate->clause);
    if (err != ERR_OK) {
        return err;
    }
    if (hash_equal(&hash, &chain.hash)) {
        return ERR_OK;
    }
    /* The author makes no proof against itself: it gives way (author_give_way). Whoever holds both sides makes one. */
    if (node_id_equal(&gate->log->chain.node, &store->self)) {
        ret->own_conflict = seq;
        return refuse(gate, "store/README.md 5: another commit of our own is in its place", ERR_GAP);
    }
#ifdef GRIOT_WITHOUT_T10_PROOF /* each believes the side that came first */
    return refuse(gate, "store/README.md 2: another signed commit with this number is held", ERR_FORK);
#endif
    err = prove_fork(gate, seq, store->commit, &chain.hash, ret);
    if (err == ERR_FORK && branch_gives_way(store, gate->log, seq)) {
        err = branch_set_aside(store, gate->log, seq);
        return err != ERR_OK ? err : append(gate, seq, packed);
    }
    return err;
}

static enum err admit_item(struct gate *gate, uint64_t seq, struct span item, struct admitted *ret)
{
    if (seq == 0) {
        return admit_birth(gate, item);
    }
    if (gate->log == NULL) {
        return refuse(gate, "store/README.md 2: the birth of the log is not held", ERR_UNKNOWN_LOG);
    }
    if (seq > gate->log->chain.seq + 1) {
        return refuse(gate, "store/README.md 2: the commit does not follow the head held", ERR_GAP);
    }
    return seq <= gate->log->chain.seq ? meet_held(gate, seq, item, ret) : append(gate, seq, item);
}

enum err store_admit(struct store *store, const struct seg *seg, struct admitted *ret, const char **clause)
{
    struct gate gate = {.store = store, .seg = seg, .clause = clause};
    enum err err = ERR_OK, head_err = ERR_OK;
    assert(store->is_writing);
    memset(ret, 0, sizeof *ret);
    if (store->txn.err != ERR_OK) {
        return store->txn.err;
    }
    gate.log = log_find(store, &seg->log);
    ret->before.log = seg->log;
    if (gate.log != NULL) {
        err = log_head(&store->txn, gate.log, &ret->before);
    }
    ret->is_new_log = gate.log == NULL;
    bool is_good = err == ERR_OK;
    for (uint32_t i = 0; i < seg->count && is_good && store->txn.err == ERR_OK; i++) {
        gate.is_kept_late = false;
        enum err item_err = admit_item(&gate, seg->first + i, seg->items[i], ret);
        is_good = item_err == ERR_OK || gate.is_kept_late;
        err = item_err != ERR_OK ? item_err : err;
    }
    enum err search_err = erase_search(store); /* what an order among them names goes with them */
    if (search_err != ERR_OK) {
        return search_err;
    }
    ret->is_new_log = ret->is_new_log && gate.log != NULL;
    ret->after = ret->before;
    if (gate.log != NULL) {
        ret->node = gate.log->chain.node;
        ret->channel = gate.log->chain.channel;
        if (gate.log->end_seq != LOG_OPEN_END && ret->before.seq != gate.log->chain.seq) {
            log_end_update(store, gate.log); /* what is final may show only now, which branch it is on */
        }
        log_heights(&store->txn, gate.log, &ret->cut_height, &ret->fork_height);
        head_err = log_head(&store->txn, gate.log, &ret->after);
    }
    if (store->txn.err != ERR_OK) {
        return store->txn.err;
    }
    return err != ERR_OK ? err : head_err;
}

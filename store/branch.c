/* branch.c - where a log ends, and which of its branches is held (README 3.6, 3.7). */
#include "store/env.h"

#define META_WANTED "wanted"
enum { WANTED_KEY_BYTES = 6 + 4 };

/* ---- what is wanted beyond the end ---- */

static struct span wanted_key(uint32_t number, uint8_t mem[WANTED_KEY_BYTES])
{
    struct out key = out_into(mem, WANTED_KEY_BYTES);
    out_span(&key, span_text(META_WANTED));
    key_u32(&key, number);
    return out_written(&key);
}

uint64_t log_limit(struct kv_txn *txn, const struct log *log)
{
    uint8_t mem[WANTED_KEY_BYTES];
    struct span value;
    uint64_t wanted = 0;
    if (log->fork_seq != 0 && kv_get(txn, TABLE_META, wanted_key(log->number, mem), &value) && value.n == 8) {
        wanted = key_read_u64(value.p);
    }
    return wanted > log->end_seq ? wanted : log->end_seq;
}

static void wanted_put(struct store *store, const struct log *log, uint64_t wanted)
{
    uint8_t mem[WANTED_KEY_BYTES], value_mem[8];
    struct out value = out_into(value_mem, sizeof value_mem);
    if (wanted == 0) {
        (void)kv_delete(&store->txn, TABLE_META, wanted_key(log->number, mem));
    } else {
        key_u64(&value, wanted);
        kv_put(&store->txn, TABLE_META, wanted_key(log->number, mem), out_written(&value));
    }
}

void log_heights(struct kv_txn *txn, const struct log *log, uint64_t *ret_cut_height, uint64_t *ret_fork_height)
{
    uint64_t limit = log_limit(txn, log);
    uint64_t height = limit == LOG_OPEN_END ? 0 : limit + 1;
    *ret_cut_height = log->fork_seq == 0 ? height : 0;
    *ret_fork_height = log->fork_seq == 0 ? 0 : height;
}

/* ---- where a log ends ---- */

/* Does the branch held not contradict this head? What lies beyond ours cannot be compared yet, and is believed. */
static bool is_ours(struct store *store, const struct log *log, const struct head *head)
{
    struct commit_row row;
    return head->seq > log->chain.seq || (commit_row_get(&store->txn, log->number, head->seq, &row) == ERR_OK && hash_equal(&row.hash, &head->hash));
}

/* The lowest cut; `*ret_is_settled`: it is the root's, which has named a head of the branch that counts. */
static bool cut_of(const struct membership *membership, const struct log *log, struct head *ret, bool *ret_is_settled)
{
    struct head root;
    bool is_root = membership_cut_by_root(membership, &log->chain.node, &log->identity, &log->chain.log, &root);
    bool is_cut = membership_cut(membership, &log->chain.node, &log->identity, &log->chain.log, ret);
    *ret_is_settled = is_root && root.seq == ret->seq && hash_equal(&root.hash, &ret->hash);
#ifdef GRIOT_WITHOUT_T20_CUT
    is_cut = false;
#endif
    return is_cut;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void log_end_update(struct store *store, struct log *log)
{
    const struct membership *membership = membership_now(store);
    struct head cut;
    struct final final = {0};
    uint64_t end_seq = LOG_OPEN_END, limit = LOG_OPEN_END;
    struct hash end_hash = {{0}};
    bool is_settled = false;
    if (membership == NULL) {
        return;
    }
    bool is_cut = cut_of(membership, log, &cut, &is_settled);
    if (is_cut || log->fork_seq != 0) {
        final_find(store, log, 0, &final);
    }
    if (is_cut) {
        end_seq = limit = cut.seq;
        end_hash = cut.hash;
        if (final.seq > end_seq) { /* never below what is final */
            end_seq = limit = final.seq;
            end_hash = (struct hash){{0}};
        } else if (end_seq > 0 && !is_ours(store, log, &cut)) {
            end_seq--; /* another commit stands where the cut names one: what comes before is all that both can mean */
            end_hash = (struct hash){{0}};
        }
    }
    if (log->fork_seq != 0) {
        /* A branch against what is final, or what the root has named, is evidence and no dispute. Beyond that a forked log takes nothing more: its author goes on in another. */
        uint64_t before = log->fork_seq - 1;
        uint64_t sure = higher(final.seq, is_settled && is_ours(store, log, &cut) ? cut.seq : 0);
        uint64_t named = higher(final.named, is_settled ? cut.seq : 0);
        if (higher(before, sure) < end_seq) {
            end_seq = higher(before, sure);
            end_hash = (struct hash){{0}};
        }
        limit = is_cut ? higher(cut.seq, final.named) : LOG_OPEN_END; /* what is final is so beyond a cut too */
        limit = higher(before, named) < limit ? higher(before, named) : limit;
    }
    bool has_moved = end_seq != log->end_seq || !hash_equal(&end_hash, &log->end_hash);
    if (log->fork_seq != 0 && higher(limit, end_seq) != log_limit(&store->txn, log)) {
        has_moved = true;
    }
    if (has_moved) {
        if (log->fork_seq != 0) {
            wanted_put(store, log, limit > end_seq ? limit : 0);
        }
        log->end_seq = end_seq;
        log->end_hash = end_hash;
        log_touch(store, log);
        store->ends_changed++;
    }
    late_counts(store, log);
}

void logs_end_update(struct store *store)
{
    for (uint32_t number = 1; number <= store->log_count && store->txn.err == ERR_OK; number++) {
        struct log *log = log_at(store, number);
        if (log != NULL) {
            log_end_update(store, log);
        }
    }
}

/* ---- which branch is held ---- */

bool branch_gives_way(struct store *store, const struct log *log, uint64_t seq)
{
    const struct membership *membership = membership_now(store);
    struct head cut;
    struct final final;
    bool is_settled = false;
    if (membership == NULL || log->fork_seq == 0 || seq < log->fork_seq) {
        return false;
    }
    if (cut_of(membership, log, &cut, &is_settled) && is_settled && cut.seq >= seq) {
        return cut.seq > log->chain.seq || !is_ours(store, log, &cut);
    }
    final_find(store, log, seq, &final);
    return final.is_elsewhere;
}

enum err branch_set_aside(struct store *store, struct log *log, uint64_t first)
{
    uint64_t last = log->chain.seq;
    enum err err = ERR_OK;
    for (uint64_t seq = first; seq <= last && seq - first < ASIDE_COMMITS_MAX && err == ERR_OK; seq++) {
        err = aside_put(store, log, seq);
    }
    if (err == ERR_OK) {
        err = log_take_back(store, log, first);
    }
    if (err == ERR_OK) {
        log_end_update(store, log);
    }
    return err;
}

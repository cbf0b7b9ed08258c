/* segment.c - commits on their way to the wire: each is checked against its hash, because LMDB has no checksums (L3). */
#include "store/env.h"

/* What a SEG body costs besides its items (WIRE.md 5.8): array, log, first, array; and what a length before an item does. */
enum { SEG_HEAD_BYTES = 1 + 34 + 9 + 3, SEG_ITEM_BYTES = 3 };

/* Does our chain hold `hash` at `seq`? */
static enum err check_base(struct store_read *read, const struct log *log, uint64_t seq, const struct hash *hash)
{
    static const struct hash any;
    struct commit_row row;
    if (hash_equal(hash, &any)) {
        return ERR_OK;
    }
    enum err err = commit_row_get(&read->txn, log->number, seq, &row);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    return hash_equal(&row.hash, hash) ? ERR_OK : ERR_FORK;
}

/* Item `seq`, checked: the birth against the log id, a commit against its stored hash and its neighbour's. */
static enum err item_get(struct store_read *read, const struct log *log, uint64_t seq, struct commit_row *ret)
{
    enum err err = commit_row_get(&read->txn, log->number, seq, ret);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    if (seq == 0) {
        struct birth birth;
        struct log_id id;
        const char *clause = NULL;
        err = birth_peek(read->unpack, ret->body, &birth, &id, &clause);
        if (err == ERR_MEMORY) {
            return err;
        }
        return err == ERR_OK && log_id_compare(&id, &log->chain.log) == 0 ? ERR_OK : ERR_CORRUPT;
    }
    struct hash hash;
    return commit_load(&read->txn, read->unpack, read->packer, log, seq, read->commit, &hash);
}

enum err store_segment(struct store_read *read, const struct log_id *id, bool has_birth, uint64_t after_seq, const struct hash *hash,
                       uint64_t until_seq, size_t bytes_max, struct seg *ret, uint64_t *ret_last_seq, uint64_t *ret_last_entries)
{
    struct log log;
    struct head head;
    struct commit_row row;
    uint32_t number;
    size_t bytes = SEG_HEAD_BYTES;
    uint64_t seq = has_birth ? after_seq + 1 : 0;
    uint64_t last_seq = after_seq, last_entries = 0;
    enum err err = log_number_of(&read->txn, id, &number);
    if (err == ERR_OK) {
        err = log_load(&read->txn, &read->store->region, number, &log);
    }
    if (err == ERR_OK) {
        err = log_head(&read->txn, &log, &head); /* what is disputed or quarantined is not relayed */
    }
    if (err == ERR_OK && has_birth && after_seq <= log.chain.seq) {
        err = check_base(read, &log, after_seq, hash);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->log = *id;
    ret->first = seq;
    ret->count = 0;
    if (has_birth && after_seq <= head.seq && commit_row_get(&read->txn, number, after_seq, &row) == ERR_OK) {
        last_entries = row.entries;
    }
    uint64_t end = until_seq < head.seq ? until_seq : head.seq;
    for (; seq <= end && ret->count < SEG_COMMITS_MAX; seq++) {
        err = item_get(read, &log, seq, &row);
        if (err != ERR_OK) {
            return err;
        }
        if (ret->count > 0 && bytes + SEG_ITEM_BYTES + row.body.n > bytes_max) {
            break;
        }
        bytes += SEG_ITEM_BYTES + row.body.n;
        ret->items[ret->count++] = row.body;
        last_seq = seq;
        last_entries = row.entries;
    }
    *ret_last_seq = last_seq;
    *ret_last_entries = last_entries;
    return ERR_OK;
}

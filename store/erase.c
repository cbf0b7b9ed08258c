/* erase.c - takes payloads out: of commits on their way in, and of those held, whenever an order that counts, or a day that is long past, meets a leaf. What is left of the
 * commit is its reduced form with length and content hash: it still verifies. */
#include "store/env.h"

#include "proto/record/record.h"

#include <assert.h>
#include <stdlib.h>


uint64_t store_freed(struct store_read *read)
{
    struct span value;
    return kv_get(&read->txn, TABLE_META, span_text(META_FREED), &value) && value.n == 8 ? key_read_u64(value.p) : 0;
}

static void freed_put(struct store *store, uint64_t count)
{
    uint8_t mem[8];
    struct out value = out_into(mem, sizeof mem);
    key_u64(&value, count);
    kv_put(&store->txn, TABLE_META, span_text(META_FREED), out_written(&value));
}

static void freed_count(struct store *store)
{
    struct span value;
    uint64_t before = kv_get(&store->txn, TABLE_META, span_text(META_FREED), &value) && value.n == 8 ? key_read_u64(value.p) : 0;
    freed_put(store, before + 1);
}

/* ---- one leaf ---- */

/* The record of which the entry is a version, when that can be read here. */
static enum err record_of(struct store *store, const struct entry *entry, struct record_id *ret, bool *ret_is_known)
{
    const char *clause;
    *ret_is_known = false;
    if (entry->leaf.kind != ENTRY_RECORD || entry->leaf.codec != CODEC_PLAIN || entry->leaf.audience_bytes != 0) {
        return ERR_OK;
    }
    struct record *record = malloc(sizeof *record);
    if (record == NULL) {
        return ERR_MEMORY;
    }
    enum err err = record_decode(store->unpack, entry->payload, record, &clause);
    if (err == ERR_OK) {
        *ret = record->id;
        *ret_is_known = true;
    }
    free(record);
    return err == ERR_MEMORY ? err : ERR_OK;
}

/* Remember that this version was erased, so that whoever asks for the record learns why it is not here. */
static void record_note(struct store *store, const struct erased_version *version)
{
    uint8_t mem[RECORD_ROW_KEY_BYTES], value_mem[RECORD_ROW_VALUE_BYTES];
    struct out key = out_into(mem, sizeof mem), value = out_into(value_mem, sizeof value_mem);
    key_u8(&key, ROW_RECORD);
    out_bytes(&key, version->id.b, sizeof version->id.b);
    out_bytes(&key, version->content.b, sizeof version->content.b);
    out_bytes(&key, version->author.b, sizeof version->author.b);
    key_u32(&value, version->log_number);
    key_u64(&value, version->seq);
    key_u8(&value, (uint8_t)version->entry);
    assert(!key.is_full && !value.is_full);
    kv_put(&store->txn, TABLE_ERASED, out_written(&key), out_written(&value));
}

/* No import finds it unchanged any more. */
static enum err own_forget_version(struct store *store, const struct erased_version *version)
{
    struct own_record own;
    if (node_id_equal(&version->author, &store->self) && store_own_get(store, &version->id, &own) == ERR_OK && hash_equal(&own.version, &version->content)) {
        return store_own_remove(store, &version->id);
    }
    return store->txn.err;
}

static void leave_out(struct entry *entry)
{
    entry->has_payload = false;
    entry->payload = span_of(NULL, 0);
    memset(entry->salt, 0, sizeof entry->salt);
}

enum err erase_pack(struct store *store, const struct commit *commit, struct span *ret)
{
    struct out reduced = out_into(store->erasing.reduced, COMMIT_REDUCED_BYTES_MAX), packed = out_into(store->erasing.packed, PACKED_BYTES_MAX);
    commit_reduced(commit, &reduced);
    enum err err = reduced.is_full ? ERR_CORRUPT : commit_pack(store->packer, out_written(&reduced), &packed); /* with more in it, it was not too long */
    if (err == ERR_OK) {
        *ret = out_written(&packed);
    }
    return err;
}

/* What one pass over a commit takes out. */
struct taking {
    uint64_t which; /* bit i: entry i */
    uint32_t count; /* of the records among them that can be read, and that an order names or that are ours: */
    struct erased_version versions[COMMIT_ENTRIES_MAX];
    bool is_ordered[COMMIT_ENTRIES_MAX]; /* with each */
};

/* `version` says whose the log is, its number, and the commit's. */
static enum err take_out(struct store *store, struct taking *taking, struct erased_version version, struct entry *entry, uint32_t index, bool is_ordered)
{
    bool is_known = false;
    enum err err = is_ordered || node_id_equal(&version.author, &store->self) ? record_of(store, entry, &version.id, &is_known) : ERR_OK;
    if (err == ERR_OK && is_known) {
        version.content = entry->leaf.content;
        version.entry = index;
        taking->is_ordered[taking->count] = is_ordered;
        taking->versions[taking->count++] = version;
    }
    taking->which |= UINT64_C(1) << index;
    leave_out(entry);
    return err;
}

static enum err notes_put(struct store *store, const struct taking *taking)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < taking->count && err == ERR_OK; i++) {
        if (taking->is_ordered[i]) {
            record_note(store, &taking->versions[i]);
        }
        err = own_forget_version(store, &taking->versions[i]);
    }
    return err;
}

/* ---- commits on their way in ---- */

enum err erase_sift(struct store *store, const struct node_id *author, uint32_t log_number, struct commit *commit, bool *ret_is_less, const char **clause)
{
    struct taking taking;
    enum err err = ERR_OK;
    taking.which = 0;
    taking.count = 0;
    for (uint32_t i = 0; i < commit->entry_count && err == ERR_OK; i++) {
        struct entry *entry = &commit->entries[i];
        bool may_be_gone = leaf_may_be_gone(&entry->leaf);
        bool is_ordered = may_be_gone && erased_is_in_force(store, author, &entry->leaf.content);
        bool is_gone = is_ordered || (may_be_gone && expiry_is_over(store, &entry->leaf));
        if (!entry->has_payload && !may_be_gone) {
            *clause = "store/README.md 2: a payload is missing that nothing takes out";
            return ERR_MALFORMED;
        }
#ifndef GRIOT_WITHOUT_T15_PAYLOADS
        if (!entry->has_payload && !is_gone) {
            *clause = "store/README.md 2: a payload is missing that, as far as is known here, is neither erased nor expired";
            return ERR_GAP; /* what says so may be under way; or the copy was robbed of it on its way: others are asked */
        }
#endif
        if (entry->has_payload && is_gone && leaf_may_go(&entry->leaf)) {
            struct erased_version version = {.author = *author, .log_number = log_number, .seq = commit->seq};
            err = take_out(store, &taking, version, entry, i, is_ordered);
        }
    }
    *ret_is_less = taking.which != 0;
    err = err == ERR_OK ? notes_put(store, &taking) : err;
    return err != ERR_OK ? err : store->txn.err;
}

/* ---- commits held ---- */

/* Take the payloads that `is_gone` names out of the commit at `seq`. Whatever is needed of it is copied before the first write: its payloads stand in the map.
 * A commit that is damaged is left to fsck. */
static enum err commit_take_out(struct store *store, const struct log *log, uint64_t seq, bool is_ordered, bool (*is_gone)(struct store *store, const struct log *log, const struct leaf *leaf),
                                uint32_t *ret_entries)
{
    struct commit *commit = store->other;
    struct commit_row row;
    struct taking taking;
    struct hash hash;
    taking.which = 0;
    taking.count = 0;
    *ret_entries = 1;
    enum err err = commit_row_get(&store->txn, log->number, seq, &row);
    if (err == ERR_OK) {
        err = commit_load(&store->txn, store->unpack, store->packer, log, seq, commit, &hash);
    }
    if (err != ERR_OK) {
        return err == ERR_CORRUPT || err == ERR_NOT_FOUND ? store->txn.err : err;
    }
    *ret_entries = commit->entry_count;
    for (uint32_t i = 0; i < commit->entry_count && err == ERR_OK; i++) {
        struct entry *entry = &commit->entries[i];
        if (entry->has_payload && leaf_may_go(&entry->leaf) && is_gone(store, log, &entry->leaf)) {
            struct erased_version version = {.author = log->chain.node, .log_number = log->number, .seq = seq};
            err = take_out(store, &taking, version, entry, i, is_ordered);
        }
    }
    if (err != ERR_OK || taking.which == 0) {
        return err != ERR_OK ? err : store->txn.err;
    }
#ifdef GRIOT_WITHOUT_T18_ERASURE /* the payload is only hidden: a copy stays aside */
    uint8_t aside[PACKED_BYTES_MAX], aside_key[13] = {'X'};
    struct out aside_out = out_into(aside_key + 1, sizeof aside_key - 1);
    struct span hidden = span_of(aside, row.body.n < sizeof aside ? row.body.n : sizeof aside);
    key_u32(&aside_out, log->number);
    key_u64(&aside_out, seq);
    memcpy(aside, row.body.p, hidden.n);
    kv_put(&store->txn, TABLE_ERASED, span_of(aside_key, sizeof aside_key), hidden);
    err = commit_load(&store->txn, store->unpack, store->packer, log, seq, commit, &hash);
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        if ((taking.which >> i & 1) != 0) {
            leave_out(&commit->entries[i]);
        }
    }
#endif
    err = erase_pack(store, commit, &row.body);
    if (err != ERR_OK) {
        return err;
    }
    commit_rewrite(store, log->number, seq, &row);
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        if ((taking.which >> i & 1) != 0) {
            journal_gone(store, log->number, seq, i);
            freed_count(store);
        }
    }
    return notes_put(store, &taking);
}

static bool is_ordered_leaf(struct store *store, const struct log *log, const struct leaf *leaf)
{
    return erased_is_in_force(store, &log->chain.node, &leaf->content);
}

static bool is_over_leaf(struct store *store, const struct log *log, const struct leaf *leaf)
{
    (void)log;
    return expiry_is_over(store, leaf);
}

enum err erase_expired(struct store *store, uint32_t log_number, uint64_t seq)
{
    uint32_t entries;
    const struct log *log = log_number >= 1 && log_number <= store->log_count ? log_at(store, log_number) : NULL;
    if (log == NULL || seq > log->chain.seq) {
        return store->txn.err; /* a commit that was taken back */
    }
    return commit_take_out(store, log, seq, false, is_over_leaf, &entries);
}

/* Go on with the logs of one author, from where `row` stands. */
static enum err search_author(struct store *store, const struct node_id *author, struct search_row *row)
{
    enum err err = ERR_OK;
    while (err == ERR_OK && row->log_number <= store->log_count && store->erasing.left > 0) {
        const struct log *log = log_at(store, row->log_number);
        if (log == NULL) {
            return store->txn.err;
        }
        uint32_t cost = 1;
        if (node_id_equal(&log->chain.node, author) && row->seq <= log->chain.seq) { /* disputed and quarantined commits too */
            err = commit_take_out(store, log, row->seq, true, is_ordered_leaf, &cost);
            row->seq++;
        } else {
            row->log_number++;
            row->seq = 1;
        }
        store->erasing.left -= cost < store->erasing.left ? cost : store->erasing.left;
    }
    if (err == ERR_OK && row->log_number > store->log_count) {
        err = asides_erase(store, author);
        *row = row->is_again ? (struct search_row){.is_under_way = true, .log_number = 1, .seq = 1} : (struct search_row){.log_number = 1, .seq = 1};
    }
    return err;
}

enum err erase_search(struct store *store)
{
    struct node_id author;
    struct search_row row;
    enum err err = store->txn.err;
    while (err == ERR_OK && store->erasing.left > 0 && erased_under_way(store, &author, &row)) {
        err = search_author(store, &author, &row);
        if (err == ERR_OK) {
            search_row_put(store, &author, &row);
            err = store->txn.err;
        }
    }
    if (err != ERR_OK && store->txn.err == ERR_OK) {
        store->txn.err = err; /* half of it must not become durable */
    }
    return err;
}

bool store_is_gone(struct store *store, const struct node_id *author, const struct leaf *leaf)
{
    assert(store->is_writing);
    return leaf_may_be_gone(leaf) && (erased_is_in_force(store, author, &leaf->content) || expiry_is_over(store, leaf));
}

bool store_erase_is_due(const struct store *store)
{
    return store->erasing.is_searching;
}

enum err store_erase_step(struct store *store)
{
    assert(store->is_writing);
    return erase_search(store);
}

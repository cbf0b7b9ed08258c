#include "store/entry.h"

#include "store/env.h"

enum err store_entry(struct store_read *read, uint32_t log_number, uint64_t seq, uint32_t entry, struct commit *scratch, const struct entry **ret)
{
    struct commit_row row;
    struct span reduced;
    const char *clause;
    struct entry *found;
    enum err err = seq == 0 ? ERR_NOT_FOUND : commit_row_get(&read->txn, log_number, seq, &row);

    if (err != ERR_OK) {
        return err;
    }
    err = commit_unpack(read->packer, row.body, &reduced, &clause);
    if (err == ERR_OK) {
        err = commit_reduced_decode(read->unpack, reduced, scratch, &clause);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? err : ERR_CORRUPT;
    }
    if (scratch->seq != seq || scratch->entry_count > COMMIT_ENTRIES_MAX || entry >= scratch->entry_count) {
        return ERR_CORRUPT;
    }
    found = &scratch->entries[entry];
    if (found->has_payload) {
        hash_leaf(found->salt, found->payload, &found->leaf.content);
    }
    *ret = found;
    return ERR_OK;
}

#include "proto/commit.h"

#include <assert.h>

#include "proto/pack.h"

enum { CANONICAL_ITEMS = 9, LEAF_ITEMS = 7, REDUCED_ITEMS = 6, ENTRY_ITEMS = 7 };

void leaf_canonical(const struct leaf *leaf, struct out *ret)
{
    pack_array(ret, LEAF_ITEMS);
    pack_uint(ret, leaf->kind);
    pack_uint(ret, leaf->flags);
    pack_uint(ret, leaf->codec);
    pack_bin(ret, span_of(leaf->audience, leaf->audience_bytes));
    pack_uint(ret, leaf->expiry_day);
    pack_uint(ret, leaf->length);
    pack_bin(ret, span_of(leaf->content.b, sizeof leaf->content.b));
}

/* ---- the canonical form ---- */

void commit_canonical(const struct commit *commit, struct out *ret)
{
    pack_array(ret, CANONICAL_ITEMS);
    pack_uint(ret, commit->version);
    pack_bin(ret, span_of(commit->region.b, sizeof commit->region.b));
    pack_bin(ret, span_of(commit->log.b, sizeof commit->log.b));
    pack_uint(ret, commit->seq);
    pack_bin(ret, span_of(commit->previous.b, sizeof commit->previous.b));
    pack_uint(ret, commit->entries_total);
    pack_uint(ret, commit->author_time.ms);
    pack_uint(ret, commit->roster_version);
    pack_bin(ret, span_of(commit->root.b, sizeof commit->root.b));
}

enum err commit_canonical_decode(struct unpack *unpack, struct span bytes, struct commit *ret, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > COMMIT_CANONICAL_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 2.2: longer than 256 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, CANONICAL_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(&c, ret->log.b, sizeof ret->log.b);
    ret->seq = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->previous.b, sizeof ret->previous.b);
    ret->entries_total = cursor_uint(&c, NUMBER_MAX);
    ret->author_time.ms = cursor_uint(&c, NUMBER_MAX);
    ret->roster_version = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->root.b, sizeof ret->root.b);
    ret->signature = (struct signature){{0}};
    ret->entry_count = 0;
    if (cursor_end(&c) != ERR_OK || ret->seq == 0) {
        return unpack_refuse(clause, "WIRE.md 2.2: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    if (!commit_total_is_possible(ret->seq, ret->entries_total)) {
        return unpack_refuse(clause, "WIRE.md 2.2: that many commits cannot hold that many entries", ERR_MALFORMED);
    }
    return ERR_OK;
}

bool commit_total_is_possible(uint64_t seq, uint64_t entries)
{
    /* NUMBER_MAX leaves room for the multiplication. */
    return seq <= NUMBER_MAX && entries >= seq && entries <= seq * COMMIT_ENTRIES_MAX;
}

/* ---- the reduced form ---- */

/* With payload: [kind, flags, codec, audience, expiry day, salt, payload]. Without, the type of the sixth item
 * tells: [kind, flags, codec, audience, expiry day, length, content]. */
static void entry_reduced(const struct entry *entry, struct out *ret)
{
    const struct leaf *leaf = &entry->leaf;

    pack_array(ret, ENTRY_ITEMS);
    pack_uint(ret, leaf->kind);
    pack_uint(ret, leaf->flags);
    pack_uint(ret, leaf->codec);
    pack_bin(ret, span_of(leaf->audience, leaf->audience_bytes));
    pack_uint(ret, leaf->expiry_day);
    if (entry->has_payload) {
        assert(entry->payload.n == leaf->length);
        pack_bin(ret, span_of(entry->salt, sizeof entry->salt));
        pack_bin(ret, entry->payload);
    } else {
        pack_uint(ret, leaf->length);
        pack_bin(ret, span_of(leaf->content.b, sizeof leaf->content.b));
    }
}

void commit_reduced(const struct commit *commit, struct out *ret)
{
    assert(commit->entry_count >= 1 && commit->entry_count <= COMMIT_ENTRIES_MAX);
    pack_array(ret, REDUCED_ITEMS);
    pack_uint(ret, commit->version);
    pack_uint(ret, commit->seq);
    pack_uint(ret, commit->author_time.ms);
    pack_uint(ret, commit->roster_version);
    pack_bin(ret, span_of(commit->signature.b, sizeof commit->signature.b));
    pack_array(ret, commit->entry_count);
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        entry_reduced(&commit->entries[i], ret);
    }
}

static void entry_decode(struct cursor *entries, struct entry *ret)
{
    struct cursor c = cursor_array(entries, ENTRY_ITEMS, ENTRY_ITEMS);
    struct leaf *leaf = &ret->leaf;
    struct span audience;

    memset(ret, 0, sizeof *ret);
    leaf->kind = (uint32_t)cursor_uint(&c, UINT32_MAX);
    leaf->flags = (uint32_t)cursor_uint(&c, UINT32_MAX);
    leaf->codec = (uint8_t)cursor_uint(&c, UINT8_MAX);
    audience = cursor_bin(&c, 0, AUDIENCE_BYTES_MAX);
    if (audience.n != 0 && audience.n != AUDIENCE_BYTES_MAX) {
        c.is_bad = true;
    } else if (audience.n != 0) {
        memcpy(leaf->audience, audience.p, AUDIENCE_BYTES_MAX);
        leaf->audience_bytes = AUDIENCE_BYTES_MAX;
    }
    leaf->expiry_day = (uint32_t)cursor_uint(&c, UINT32_MAX);
    ret->has_payload = cursor_peek(&c) == UNPACK_BIN;
    if (ret->has_payload) {
        cursor_bin_into(&c, ret->salt, sizeof ret->salt);
        ret->payload = cursor_bin(&c, 0, UINT32_MAX);
        leaf->length = (uint32_t)ret->payload.n;
    } else {
        leaf->length = (uint32_t)cursor_uint(&c, UINT32_MAX);
        cursor_bin_into(&c, leaf->content.b, sizeof leaf->content.b);
    }
    cursor_close(entries, &c);
}

static enum err entries_decode(struct cursor *commit, struct commit *ret, const char **clause)
{
    struct cursor entries = cursor_array(commit, 1, UINT32_MAX);

    if (entries.left > COMMIT_ENTRIES_MAX) {
        return unpack_refuse(clause, "WIRE.md 2.4: more than 64 entries", ERR_LIMIT);
    }
    ret->entry_count = entries.left;
    for (uint32_t i = 0; i < ret->entry_count; i++) {
        entry_decode(&entries, &ret->entries[i]);
        if (ret->entries[i].leaf.length > PAYLOAD_BYTES_MAX) {
            return unpack_refuse(clause, "WIRE.md 2.4: a payload longer than 2048 bytes", ERR_OVERSIZE);
        }
    }
    cursor_close(commit, &entries);
    if (cursor_end(commit) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 2.4: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    if (commit_cost(ret) > COMMIT_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 2.4: entries count more than 16384 bytes", ERR_OVERSIZE);
    }
    return ERR_OK;
}

enum err commit_reduced_decode(struct unpack *unpack, struct span bytes, struct commit *ret, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > COMMIT_REDUCED_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 2.4: longer than 17408 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, REDUCED_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->version = FORMAT_VERSION;
    ret->region = (struct region_id){{0}};
    ret->log = (struct log_id){{0}};
    ret->previous = (struct hash){{0}};
    ret->root = (struct hash){{0}};
    ret->entries_total = 0;
    ret->seq = cursor_uint(&c, NUMBER_MAX);
    ret->author_time.ms = cursor_uint(&c, NUMBER_MAX);
    ret->roster_version = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->signature.b, sizeof ret->signature.b);
    if (ret->seq == 0) {
        c.is_bad = true;
    }
    return entries_decode(&c, ret, clause);
}

size_t commit_cost(const struct commit *commit)
{
    size_t cost = 0;

    for (uint32_t i = 0; i < commit->entry_count; i++) {
        cost += (size_t)ENTRY_COST_BYTES + commit->entries[i].leaf.length;
    }
    return cost;
}

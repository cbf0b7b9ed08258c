#include <assert.h>
#include <stdlib.h>

#include "proto/member.h"
#include "proto/notice.h"
#include "proto/pack.h"
#include "proto/root.h"

enum { ROSTER_ITEMS = 11 };

enum err roster_encode(const struct roster *roster, struct out *ret)
{
    size_t before = ret->at;

    assert(roster->member_count <= MEMBERS_MAX && roster->cut_count <= ROSTER_CUTS_MAX);
    pack_array(ret, ROSTER_ITEMS);
    pack_uint(ret, roster->version);
    pack_bin(ret, span_of(roster->region.b, sizeof roster->region.b));
    pack_uint(ret, roster->number);
    pack_bin(ret, span_of(roster->previous.b, sizeof roster->previous.b));
    root_write(roster->threshold, roster->keys, roster->key_count, ret);
    pack_uint(ret, roster->created.ms);
    pack_uint(ret, roster->protocol_min);
    pack_uint(ret, (uint64_t)roster->profile);
    pack_array(ret, roster->member_count);
    for (uint32_t i = 0; i < roster->member_count; i++) {
        member_write(&roster->members[i], ret);
    }
    pack_array(ret, roster->cut_count);
    for (uint32_t i = 0; i < roster->cut_count; i++) {
        cut_write(&roster->cuts[i], ret);
    }
    return ret->is_full || ret->at - before > ROSTER_BYTES_MAX ? ERR_OVERSIZE : ERR_OK;
}

static int compare_nodes(const struct node_id *a, const struct node_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

/* A copy of a list of `count` items in memory of its own, zeroed. NULL only when memory runs out or count is 0. */
static void *list_of(uint32_t count, size_t item_bytes)
{
    return count == 0 ? NULL : calloc(count, item_bytes);
}

static enum err members_decode(struct cursor *roster, struct roster *ret, const char **clause)
{
    struct cursor all = cursor_array(roster, 0, UINT32_MAX);

    if (all.left > MEMBERS_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.2: more than 1000 members", ERR_LIMIT);
    }
    ret->members = list_of(all.left, sizeof *ret->members);
    if (ret->members == NULL && all.left > 0) {
        return unpack_refuse(clause, "memory ran out", ERR_MEMORY);
    }
    ret->member_count = all.left;
    for (uint32_t i = 0; i < ret->member_count; i++) {
        member_read(&all, &ret->members[i]);
        if (!all.is_bad && i > 0 && compare_nodes(&ret->members[i - 1].node, &ret->members[i].node) >= 0) {
            return unpack_refuse(clause, "WIRE.md 4.2: members that do not rise by node", ERR_NONCANONICAL);
        }
    }
    cursor_close(roster, &all);
    return ERR_OK;
}

static enum err cuts_decode(struct cursor *roster, struct roster *ret, const char **clause)
{
    struct cursor all = cursor_array(roster, 0, UINT32_MAX);

    if (all.left > ROSTER_CUTS_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.2: more than 256 cuts", ERR_LIMIT);
    }
    ret->cuts = list_of(all.left, sizeof *ret->cuts);
    if (ret->cuts == NULL && all.left > 0) {
        return unpack_refuse(clause, "memory ran out", ERR_MEMORY);
    }
    ret->cut_count = all.left;
    for (uint32_t i = 0; i < ret->cut_count; i++) {
        enum err err = cut_read(&all, &ret->cuts[i], clause);

        if (err != ERR_OK) {
            return err;
        }
        if (!all.is_bad && i > 0 && compare_nodes(&ret->cuts[i - 1].node, &ret->cuts[i].node) >= 0) {
            return unpack_refuse(clause, "WIRE.md 4.2: cuts that do not rise by node", ERR_NONCANONICAL);
        }
    }
    cursor_close(roster, &all);
    return ERR_OK;
}

static bool is_zero(const struct hash *hash)
{
    static const struct hash zero;

    return hash_equal(hash, &zero);
}

static enum err fields_decode(struct cursor *c, struct roster *ret, const char **clause)
{
    enum err err;

    ret->version = FORMAT_VERSION;
    cursor_bin_into(c, ret->region.b, sizeof ret->region.b);
    ret->number = cursor_uint(c, NUMBER_MAX);
    cursor_bin_into(c, ret->previous.b, sizeof ret->previous.b);
    if (ret->number == 0 || (ret->number == 1 && !is_zero(&ret->previous))) {
        c->is_bad = true;
    }
    err = root_read(c, &ret->threshold, ret->keys, &ret->key_count, clause);
    if (err != ERR_OK) {
        return err;
    }
    ret->created.ms = cursor_uint(c, NUMBER_MAX);
    ret->protocol_min = (uint32_t)cursor_uint(c, UINT32_MAX);
    ret->profile = (enum profile)cursor_uint(c, PROFILE_METERED);
    err = members_decode(c, ret, clause);
    if (err == ERR_OK) {
        err = cuts_decode(c, ret, clause);
    }
    if (err == ERR_OK && cursor_end(c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 4.2: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    return err;
}

enum err roster_decode(struct unpack *unpack, struct span bytes, struct roster *ret, const char **clause)
{
    struct cursor c;
    struct roster roster = {0};
    enum err err;

    if (bytes.n > ROSTER_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.2: longer than 58368 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, ROSTER_ITEMS, &c, clause);
    }
    if (err == ERR_OK) {
        err = fields_decode(&c, &roster, clause);
    }
    if (err != ERR_OK) {
        roster_fini(&roster);
        return err;
    }
    *ret = roster;
    return ERR_OK;
}

void roster_fini(struct roster *roster)
{
    free(roster->members);
    free(roster->cuts);
    roster->members = NULL;
    roster->cuts = NULL;
    roster->member_count = 0;
    roster->cut_count = 0;
}

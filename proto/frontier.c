#include <assert.h>

#include "proto/notice.h"
#include "proto/pack.h"

enum { FRONTIER_ITEMS = 13, HEAD_ITEMS = 4 };

void frontier_encode(const struct frontier *frontier, struct out *ret)
{
    pack_array(ret, FRONTIER_ITEMS);
    pack_uint(ret, frontier->version);
    pack_bin(ret, span_of(frontier->region.b, sizeof frontier->region.b));
    pack_bin(ret, span_of(frontier->node.b, sizeof frontier->node.b));
    pack_uint(ret, frontier->counter);
    pack_uint(ret, frontier->roster_number);
    pack_bin(ret, span_of(frontier->roster_hash.b, sizeof frontier->roster_hash.b));
    pack_bin(ret, span_of(frontier->acts_digest.b, sizeof frontier->acts_digest.b));
    pack_uint(ret, frontier->clock.ms);
    pack_uint(ret, frontier->audit_life);
    pack_uint(ret, frontier->audit_count);
    pack_bin(ret, span_of(frontier->audit_head.b, sizeof frontier->audit_head.b));
    pack_uint(ret, frontier->head_count);
    pack_bin(ret, span_of(frontier->heads_digest.b, sizeof frontier->heads_digest.b));
}

enum err frontier_decode(struct unpack *unpack, struct span bytes, struct frontier *ret, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > NOTICE_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.7: longer than 61440 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, FRONTIER_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
    ret->counter = cursor_uint(&c, NUMBER_MAX);
    ret->roster_number = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->roster_hash.b, sizeof ret->roster_hash.b);
    cursor_bin_into(&c, ret->acts_digest.b, sizeof ret->acts_digest.b);
    ret->clock.ms = cursor_uint(&c, NUMBER_MAX);
    ret->audit_life = cursor_uint(&c, NUMBER_MAX);
    ret->audit_count = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->audit_head.b, sizeof ret->audit_head.b);
    ret->head_count = (uint32_t)cursor_uint(&c, LOGS_MAX);
    cursor_bin_into(&c, ret->heads_digest.b, sizeof ret->heads_digest.b);
    if (cursor_end(&c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 4.5: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    return ERR_OK;
}

/* ---- lists of heads ---- */

void heads_canonical(const struct head *heads, size_t count, struct out *ret)
{
    assert(count <= UINT32_MAX);
    pack_array(ret, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_array(ret, HEAD_ITEMS);
        pack_bin(ret, span_of(heads[i].log.b, sizeof heads[i].log.b));
        pack_uint(ret, heads[i].seq);
        pack_uint(ret, heads[i].entries);
        pack_bin(ret, span_of(heads[i].hash.b, sizeof heads[i].hash.b));
    }
}

static void head_decode(struct cursor *heads, struct head *ret)
{
    struct cursor c = cursor_array(heads, HEAD_ITEMS, HEAD_ITEMS);

    cursor_bin_into(&c, ret->log.b, sizeof ret->log.b);
    ret->seq = cursor_uint(&c, NUMBER_MAX);
    ret->entries = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->hash.b, sizeof ret->hash.b);
    if (!commit_total_is_possible(ret->seq, ret->entries)) {
        c.is_bad = true;
    }
    cursor_close(heads, &c);
}

enum err heads_decode(struct unpack *unpack, struct span bytes, struct head *ret, size_t max, size_t *ret_count, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > FRAME_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.8: longer than 65536 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err != ERR_OK) {
        return err;
    }
    c = unpack_array(unpack, UINT32_MAX);
    if (c.left > max) {
        return unpack_refuse(clause, "WIRE.md 4.8: more heads than are allowed here", ERR_LIMIT);
    }
    *ret_count = c.left;
    for (size_t i = 0; i < *ret_count; i++) {
        head_decode(&c, &ret[i]);
        if (!c.is_bad && i > 0 && log_id_compare(&ret[i - 1].log, &ret[i].log) >= 0) {
            return unpack_refuse(clause, "WIRE.md 4.8: heads that do not rise by log", ERR_NONCANONICAL);
        }
    }
    return cursor_end(&c) == ERR_OK ? ERR_OK : unpack_refuse(clause, "WIRE.md 4.8: a field has the wrong type, length or range", ERR_MALFORMED);
}

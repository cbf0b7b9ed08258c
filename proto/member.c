#include "proto/member.h"

#include <assert.h>

#include "proto/pack.h"

enum { MEMBER_ITEMS = 4, CUT_ITEMS = 2, CUT_HEAD_ITEMS = 3 };

bool reason_is_valid(struct span reason)
{
    for (size_t i = 0; i < reason.n; i++) {
        if (reason.p[i] < 0x20 || reason.p[i] == 0x7f || (reason.p[i] == 0xc2 && i + 1 < reason.n && reason.p[i + 1] < 0xa0)) {
            return false;
        }
    }
    return true;
}

bool name_is_valid(struct span name)
{
    if (name.n == 0 || name.n > NAME_BYTES_MAX || name.p[0] == '-' || name.p[name.n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return true;
}

void name_read(struct cursor *cursor, char ret[NAME_BYTES_MAX + 1])
{
    struct span name = cursor_text(cursor, 1, NAME_BYTES_MAX);

    memset(ret, 0, NAME_BYTES_MAX + 1);
    if (!name_is_valid(name)) {
        cursor->is_bad = true;
        return;
    }
    memcpy(ret, name.p, name.n);
}

void member_write(const struct member *member, struct out *ret)
{
    pack_array(ret, MEMBER_ITEMS);
    pack_bin(ret, span_of(member->node.b, sizeof member->node.b));
    pack_uint(ret, (uint64_t)member->role);
    pack_bin(ret, span_of(member->identity.b, sizeof member->identity.b));
    pack_text(ret, span_text(member->name));
}

void member_read(struct cursor *cursor, struct member *ret)
{
    struct cursor c = cursor_array(cursor, MEMBER_ITEMS, MEMBER_ITEMS);

    cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
    ret->role = (enum role)cursor_uint(&c, ROLE_OBSERVER);
    cursor_bin_into(&c, ret->identity.b, sizeof ret->identity.b);
    name_read(&c, ret->name);
    cursor_close(cursor, &c);
}

void cut_write(const struct cut *cut, struct out *ret)
{
    assert(cut->head_count <= CUT_HEADS_MAX);
    pack_array(ret, CUT_ITEMS);
    pack_bin(ret, span_of(cut->node.b, sizeof cut->node.b));
    pack_array(ret, cut->head_count);
    for (uint32_t i = 0; i < cut->head_count; i++) {
        const struct head *head = &cut->heads[i];

        pack_array(ret, CUT_HEAD_ITEMS);
        pack_bin(ret, span_of(head->log.b, sizeof head->log.b));
        pack_uint(ret, head->seq);
        pack_bin(ret, span_of(head->hash.b, sizeof head->hash.b));
    }
}

enum err cut_read(struct cursor *cursor, struct cut *ret, const char **clause)
{
    struct cursor c = cursor_array(cursor, CUT_ITEMS, CUT_ITEMS);
    struct cursor heads;

    cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
    heads = cursor_array(&c, 0, UINT32_MAX);
    if (heads.left > CUT_HEADS_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.9: a cut of more than 256 logs", ERR_LIMIT);
    }
    ret->head_count = heads.left;
    for (uint32_t i = 0; i < ret->head_count; i++) {
        struct cursor head = cursor_array(&heads, CUT_HEAD_ITEMS, CUT_HEAD_ITEMS);

        cursor_bin_into(&head, ret->heads[i].log.b, sizeof ret->heads[i].log.b);
        ret->heads[i].seq = cursor_uint(&head, NUMBER_MAX);
        ret->heads[i].entries = 0;
        cursor_bin_into(&head, ret->heads[i].hash.b, sizeof ret->heads[i].hash.b);
        cursor_close(&heads, &head);
        if (!heads.is_bad && i > 0 && log_id_compare(&ret->heads[i - 1].log, &ret->heads[i].log) >= 0) {
            return unpack_refuse(clause, "WIRE.md 4.9: logs of a cut that do not rise", ERR_NONCANONICAL);
        }
    }
    cursor_close(&c, &heads);
    cursor_close(cursor, &c);
    return ERR_OK;
}

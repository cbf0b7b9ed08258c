#include "proto/member.h"
#include "proto/notice.h"
#include "proto/pack.h"

enum { ACT_ITEMS = 9, SUSPENSION_ITEMS = 2 };

static uint32_t number_max(enum act_kind kind)
{
    return kind == ACT_ADMIT ? ACT_ADMISSIONS_MAX : ACT_SUSPENSIONS_MAX;
}

enum err act_encode(const struct act *act, struct out *ret)
{
    if ((act->kind != ACT_ADMIT && act->kind != ACT_SUSPEND) || act->number == 0) {
        return ERR_INVALID;
    }
    if (act->kind == ACT_SUSPEND && !node_id_equal(&act->subject.node, &act->cut.node)) {
        return ERR_INVALID;
    }
    if (act->number > number_max(act->kind) || act->cut.head_count > CUT_HEADS_MAX) {
        return ERR_LIMIT;
    }
    if (!reason_is_valid(span_text(act->reason))) {
        return ERR_INVALID;
    }
    pack_array(ret, ACT_ITEMS);
    pack_uint(ret, act->version);
    pack_bin(ret, span_of(act->region.b, sizeof act->region.b));
    pack_bin(ret, span_of(act->registrar.b, sizeof act->registrar.b));
    pack_uint(ret, act->roster_number);
    pack_bin(ret, span_of(act->roster_hash.b, sizeof act->roster_hash.b));
    pack_uint(ret, act->number);
    pack_uint(ret, (uint64_t)act->kind);
    pack_uint(ret, act->created.ms);
    if (act->kind == ACT_ADMIT) {
        member_write(&act->subject, ret);
    } else {
        pack_array(ret, SUSPENSION_ITEMS);
        cut_write(&act->cut, ret);
        pack_text(ret, span_text(act->reason));
    }
    return ret->is_full ? ERR_OVERSIZE : ERR_OK;
}

static enum err subject_decode(struct cursor *c, struct act *ret, const char **clause)
{
    struct cursor suspension;
    struct span reason;
    enum err err;

    if (ret->kind == ACT_ADMIT) {
        member_read(c, &ret->subject);
        return ERR_OK;
    }
    suspension = cursor_array(c, SUSPENSION_ITEMS, SUSPENSION_ITEMS);
    err = cut_read(&suspension, &ret->cut, clause);
    if (err != ERR_OK) {
        return err;
    }
    ret->subject.node = ret->cut.node;
    reason = cursor_text(&suspension, 0, ACT_REASON_BYTES_MAX);
    if (!reason_is_valid(reason)) {
        suspension.is_bad = true;
    } else if (reason.n > 0) {
        memcpy(ret->reason, reason.p, reason.n);
    }
    cursor_close(c, &suspension);
    return ERR_OK;
}

enum err act_decode(struct unpack *unpack, struct span bytes, struct act *ret, const char **clause)
{
    struct cursor c;
    uint64_t kind;
    enum err err;

    if (bytes.n > NOTICE_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.7: longer than 61440 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, ACT_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    cursor_bin_into(&c, ret->registrar.b, sizeof ret->registrar.b);
    ret->roster_number = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->roster_hash.b, sizeof ret->roster_hash.b);
    ret->number = (uint32_t)cursor_uint(&c, UINT32_MAX);
    kind = cursor_uint(&c, ACT_SUSPEND);
    ret->kind = (enum act_kind)kind;
    ret->created.ms = cursor_uint(&c, NUMBER_MAX);
    err = subject_decode(&c, ret, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (cursor_end(&c) != ERR_OK || kind == 0 || ret->number == 0 || ret->roster_number == 0) {
        return unpack_refuse(clause, "WIRE.md 4.3: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    if (ret->number > number_max(ret->kind)) {
        return unpack_refuse(clause, "WIRE.md 4.3: more acts than a registrar has on one roster", ERR_LIMIT);
    }
    return ERR_OK;
}

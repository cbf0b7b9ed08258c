#include <assert.h>

#include "proto/notice.h"
#include "proto/pack.h"
#include "proto/root.h"

enum { CHARTER_ITEMS = 6, CHARTER_RANDOM_BYTES = 16 };

void charter_encode(const struct charter *charter, struct out *ret)
{
    assert(charter->name_bytes >= 1 && charter->name_bytes <= NAME_BYTES_MAX);
    pack_array(ret, CHARTER_ITEMS);
    pack_uint(ret, charter->version);
    pack_text(ret, span_of(charter->name, charter->name_bytes));
    root_write(charter->threshold, charter->keys, charter->key_count, ret);
    pack_uint(ret, charter->created.ms);
    pack_bin(ret, span_of(charter->random, CHARTER_RANDOM_BYTES));
}

/* A region's name is for people, in any language; control characters would let it draw on a terminal. */
static bool region_name_is_valid(struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] < 0x20 || name.p[i] == 0x7f || (name.p[i] == 0xc2 && i + 1 < name.n && name.p[i + 1] < 0xa0)) {
            return false;
        }
    }
    return name.n > 0;
}

enum err charter_decode(struct unpack *unpack, struct span bytes, struct charter *ret, const char **clause)
{
    struct cursor c;
    struct span name;
    enum err err;

    if (bytes.n > NOTICE_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.7: longer than 61440 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, CHARTER_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    name = cursor_text(&c, 1, NAME_BYTES_MAX);
    if (region_name_is_valid(name)) {
        ret->name_bytes = (uint8_t)name.n;
        memcpy(ret->name, name.p, name.n);
    } else {
        c.is_bad = true;
    }
    err = root_read(&c, &ret->threshold, ret->keys, &ret->key_count, clause);
    if (err != ERR_OK) {
        return err;
    }
    ret->created.ms = cursor_uint(&c, NUMBER_MAX);
    cursor_bin_into(&c, ret->random, sizeof ret->random);
    if (cursor_end(&c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 4.1: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    return ERR_OK;
}

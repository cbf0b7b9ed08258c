#include "proto/extension.h"

#include <assert.h>

#include "proto/member.h"
#include "proto/pack.h"

enum { EXTENSION_ITEMS = 4 };

enum err extension_encode(const struct extension *extension, struct out *ret)
{
    assert(name_is_valid(span_text(extension->name)));
    pack_array(ret, EXTENSION_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_bin(ret, span_of(extension->region.b, sizeof extension->region.b));
    pack_text(ret, span_text(extension->name));
    cut_write(&extension->cut, ret);
    return ret->is_full ? ERR_OVERSIZE : ERR_OK;
}

enum err extension_decode(struct unpack *unpack, struct span bytes, struct extension *ret, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > EXTENSION_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.10: longer than 24576 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, EXTENSION_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    memset(ret, 0, sizeof *ret);
    cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
    name_read(&c, ret->name);
    err = cut_read(&c, &ret->cut, clause);
    if (err == ERR_OK && cursor_end(&c) != ERR_OK) {
        err = unpack_refuse(clause, "WIRE.md 4.10: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    return err;
}

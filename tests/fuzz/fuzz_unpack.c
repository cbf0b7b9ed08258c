/* Any document: what the scan lets through, msgpack-c parses, and reads to its end give the same bytes. */
#include "proto/pack.h"
#include "proto/unpack.h"
#include "tests/fuzz/fuzz.h"

static void again(struct cursor *c, struct out *out)
{
    while (c->left > 0 && !c->is_bad) {
        struct cursor nested;

        switch (cursor_peek(c)) {
        case UNPACK_UINT:
            pack_uint(out, cursor_uint(c, UINT64_MAX));
            break;
        case UNPACK_INT:
            pack_int(out, cursor_int(c));
            break;
        case UNPACK_BOOL:
            pack_bool(out, cursor_bool(c));
            break;
        case UNPACK_BIN:
            pack_bin(out, cursor_bin(c, 0, SIZE_MAX));
            break;
        case UNPACK_TEXT:
            pack_text(out, cursor_text(c, 0, SIZE_MAX));
            break;
        case UNPACK_ARRAY:
            nested = cursor_array(c, 0, UINT32_MAX);
            pack_array(out, nested.left);
            again(&nested, out);
            cursor_close(c, &nested);
            break;
        case UNPACK_MAP:
            nested = cursor_map(c, UINT32_MAX);
            pack_map(out, nested.left / 2);
            again(&nested, out);
            cursor_close(c, &nested);
            break;
        case UNPACK_NONE:
            abort();
        }
    }
    must(!c->is_bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct unpack *unpack;
    static uint8_t bytes[1 << 20];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct cursor c;
    enum err err;

    unpack = unpack == NULL ? unpack_new() : unpack;
    must(unpack != NULL);
    err = unpack_begin(unpack, span_of(data, size), &clause);
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return 0;
    }
    c = unpack_array(unpack, UINT32_MAX);
    if (!c.is_bad) {
        pack_array(&out, c.left);
    } else {
        c = unpack_map(unpack);
        pack_map(&out, c.left / 2);
    }
    if (!c.is_bad) {
        again(&c, &out);
        must_equal(&out, span_of(data, size));
    }
    return 0;
}

#include "proto/pack.h"

#include <msgpack.h>

/* msgpack-c chooses the smallest form of integers and lengths, which is the canonical one; it writes
 * through this callback. The return value matters to nobody: `out` remembers an overflow. */
static int write_out(void *data, const char *bytes, size_t n)
{
    struct out *out = data;

    out_bytes(out, bytes, n);
    return out->is_full ? -1 : 0;
}

static msgpack_packer packer_into(struct out *out)
{
    return (msgpack_packer){.data = out, .callback = write_out};
}

void pack_array(struct out *out, uint32_t items)
{
    msgpack_packer packer = packer_into(out);

    msgpack_pack_array(&packer, items);
}

void pack_map(struct out *out, uint32_t pairs)
{
    msgpack_packer packer = packer_into(out);

    msgpack_pack_map(&packer, pairs);
}

void pack_uint(struct out *out, uint64_t value)
{
    msgpack_packer packer = packer_into(out);

    msgpack_pack_uint64(&packer, value);
}

void pack_int(struct out *out, int64_t value)
{
    msgpack_packer packer = packer_into(out);

    msgpack_pack_int64(&packer, value);
}

void pack_bool(struct out *out, bool value)
{
    msgpack_packer packer = packer_into(out);

    if (value) {
        msgpack_pack_true(&packer);
    } else {
        msgpack_pack_false(&packer);
    }
}

/* msgpack-c takes lengths as size_t but writes 32 bits; no writer of ours is that large. */
void pack_bin(struct out *out, struct span bytes)
{
    msgpack_packer packer = packer_into(out);

    if (bytes.n > out->cap) {
        out->is_full = true;
        return;
    }
    msgpack_pack_bin(&packer, bytes.n);
    out_span(out, bytes);
}

void pack_text(struct out *out, struct span utf8)
{
    msgpack_packer packer = packer_into(out);

    if (utf8.n > out->cap) {
        out->is_full = true;
        return;
    }
    msgpack_pack_str(&packer, utf8.n);
    out_span(out, utf8);
}

#include "proto/root.h"

#include <assert.h>

#include "proto/pack.h"

void root_write(uint32_t threshold, const struct sign_public *keys, uint32_t count, struct out *ret)
{
    assert(count >= 1 && count <= CHARTER_KEYS_MAX && threshold >= 1 && threshold <= count);
    pack_uint(ret, threshold);
    pack_array(ret, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_bin(ret, span_of(keys[i].b, sizeof keys[i].b));
    }
}

static bool is_among(const struct sign_public *key, const struct sign_public *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(keys[i].b, key->b, sizeof key->b) == 0) {
            return true;
        }
    }
    return false;
}

enum err root_read(struct cursor *cursor, uint32_t *ret_threshold, struct sign_public ret[CHARTER_KEYS_MAX], uint32_t *ret_count, const char **clause)
{
    uint32_t threshold = (uint32_t)cursor_uint(cursor, CHARTER_KEYS_MAX);
    struct cursor keys = cursor_array(cursor, 1, UINT32_MAX);

    if (keys.left > CHARTER_KEYS_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.1: more than 15 root keys", ERR_LIMIT);
    }
    *ret_threshold = threshold;
    *ret_count = keys.left;
    if (threshold == 0 || threshold > *ret_count) {
        cursor->is_bad = true;
    }
    for (uint32_t i = 0; i < *ret_count; i++) {
        cursor_bin_into(&keys, ret[i].b, sizeof ret[i].b);
        if (is_among(&ret[i], ret, i)) {
            cursor->is_bad = true;
        }
    }
    cursor_close(cursor, &keys);
    return ERR_OK;
}

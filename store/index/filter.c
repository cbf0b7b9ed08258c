#include "store/index/filter.h"

#include <endian.h>

enum { LINE_BYTES = 64, BITS_SET = 5 };

static uint64_t mix(const struct record_id *id)
{
    uint64_t a, b;

    memcpy(&a, id->b, 8);
    memcpy(&b, id->b + 8, 8);
    a = (le64toh(a) ^ UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
    a = (a ^ a >> 32 ^ le64toh(b)) * UINT64_C(0xc4ceb9fe1a85ec53);
    a = (a ^ a >> 29) * UINT64_C(0x9fb21c651e98df25);
    return a ^ a >> 32;
}

static size_t line_of(uint64_t hash, size_t n)
{
    return (size_t)((hash >> 32) * (n / LINE_BYTES) >> 32) * LINE_BYTES;
}

/* Five places of nine bits each, taken from the hash a second time round so that they do not hang together with the line. */
static uint64_t places_of(uint64_t hash)
{
    return hash * UINT64_C(0xd6e8feb86659fd93) >> 19;
}

void filter_add(uint8_t *bits, size_t n, const struct record_id *id)
{
    uint64_t hash = mix(id), places = places_of(hash);
    uint8_t *line = bits + line_of(hash, n);

    for (int i = 0; i < BITS_SET; i++, places >>= 9) {
        line[(places & 511) / 8] = (uint8_t)(line[(places & 511) / 8] | 1u << places % 8);
    }
}

bool filter_has(const uint8_t *bits, size_t n, const struct record_id *id)
{
    uint64_t hash = mix(id), places = places_of(hash);
    const uint8_t *line = bits + line_of(hash, n);

    for (int i = 0; i < BITS_SET; i++, places >>= 9) {
        if ((line[(places & 511) / 8] >> places % 8 & 1) == 0) {
            return false;
        }
    }
    return true;
}

#include "store/index/postings.h"

#include <assert.h>
#include <endian.h>

void varint_write(struct out *out, uint32_t value)
{
    uint8_t b[5];
    size_t n = 0;

    while (value >= 0x80) {
        b[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    b[n++] = (uint8_t)value;
    out_bytes(out, b, n);
}

bool varint_read(struct span *bytes, uint32_t *ret)
{
    uint32_t value = 0;

    for (size_t i = 0; i < 5 && i < bytes->n; i++) {
        uint8_t b = bytes->p[i];
        if (i == 4 && b > 0x0f) {
            return false;
        }
        value |= (uint32_t)(b & 0x7f) << (7 * i);
        if (b < 0x80) {
            bytes->p += i + 1;
            bytes->n -= i + 1;
            *ret = value;
            return true;
        }
    }
    return false;
}

static uint32_t varint_bytes(uint32_t value)
{
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : 3; /* below 65536 */
}

static uint32_t gaps_bytes(const uint16_t *offsets, uint32_t count)
{
    uint32_t n = varint_bytes(offsets[0]);

    for (uint32_t i = 1; i < count; i++) {
        n += varint_bytes((uint32_t)offsets[i] - offsets[i - 1] - 1);
    }
    return n;
}

static void bitmap_encode(const uint16_t *offsets, uint32_t count, uint32_t range, struct out *ret)
{
    uint8_t *bits = ret->p + ret->at;

    if (ret->is_full || range / 8 > ret->cap - ret->at) {
        ret->is_full = true;
        return;
    }
    memset(bits, 0, range / 8);
    for (uint32_t i = 0; i < count; i++) {
        bits[offsets[i] / 8] = (uint8_t)(bits[offsets[i] / 8] | 1u << offsets[i] % 8);
    }
    ret->at += range / 8;
}

void postings_encode(const uint16_t *offsets, uint32_t count, uint32_t range, struct out *ret)
{
    uint32_t bytes;

    assert(count > 0 && count <= range && range <= RANGE_DOCS_MAX && range % 64 == 0);
    if (count == 1) {
        uint8_t b[2] = {(uint8_t)offsets[0], (uint8_t)(offsets[0] >> 8)};
        varint_write(ret, 1 << 1);
        out_bytes(ret, b, sizeof b);
        return;
    }
    bytes = gaps_bytes(offsets, count);
    if (bytes >= range / 8) {
        varint_write(ret, count << 1 | 1);
        bitmap_encode(offsets, count, range, ret);
        return;
    }
    varint_write(ret, count << 1);
    varint_write(ret, bytes);
    varint_write(ret, offsets[0]);
    for (uint32_t i = 1; i < count; i++) {
        varint_write(ret, (uint32_t)offsets[i] - offsets[i - 1] - 1);
    }
}

bool postings_next(struct span *bytes, uint32_t range, struct postings *ret)
{
    uint32_t head, n;

    if (!varint_read(bytes, &head)) {
        return false;
    }
    ret->count = head >> 1;
    ret->is_bitmap = head & 1;
    ret->range = range;
    if (ret->count == 0 || ret->count > range) {
        return false;
    }
    if (ret->is_bitmap) {
        n = range / 8;
    } else if (ret->count == 1) {
        n = 2;
    } else if (!varint_read(bytes, &n)) {
        return false;
    }
    if (n > bytes->n) {
        return false;
    }
    ret->data = span_of(bytes->p, n);
    bytes->p += n;
    bytes->n -= n;
    return true;
}

/* The next gap, of one, two or three bytes since all are below 65,536. UINT32_MAX when the bytes are damaged. Most of a search's time is spent here.
 */
static inline uint32_t gap_next(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *at = *p;
    size_t left = (size_t)(end - at);

    if (left >= 1 && at[0] < 0x80) {
        *p = at + 1;
        return at[0];
    }
    if (left >= 2 && at[1] < 0x80) {
        *p = at + 2;
        return (at[0] & 0x7fu) | (uint32_t)at[1] << 7;
    }
    if (left >= 3 && at[2] < 0x80) {
        *p = at + 3;
        return (at[0] & 0x7fu) | (at[1] & 0x7fu) << 7 | (uint32_t)at[2] << 14;
    }
    return UINT32_MAX;
}

static uint64_t word_read(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

static uint32_t single(const struct postings *postings)
{
    return (uint32_t)(postings->data.p[0] | postings->data.p[1] << 8);
}

enum err postings_or(const struct postings *postings, uint64_t *words)
{
    const uint8_t *p = postings->data.p, *end = p + postings->data.n;
    uint32_t at = UINT32_MAX; /* so that the first gap + 1 lands on the first offset */

    if (postings->is_bitmap) {
        for (uint32_t i = 0; i < postings->range / 64; i++) {
            words[i] |= word_read(p + (size_t)8 * i);
        }
        return ERR_OK;
    }
    if (postings->count == 1) {
        at = single(postings);
        if (at >= postings->range) {
            return ERR_CORRUPT;
        }
        words[at / 64] |= UINT64_C(1) << at % 64;
        return ERR_OK;
    }
    for (uint32_t i = 0; i < postings->count; i++) {
        uint32_t gap = gap_next(&p, end);
        if (gap >= postings->range) {
            return ERR_CORRUPT;
        }
        at += gap + 1;
        if (at >= postings->range) {
            return ERR_CORRUPT;
        }
        words[at / 64] |= UINT64_C(1) << at % 64;
    }
    return p == end ? ERR_OK : ERR_CORRUPT;
}

enum err postings_list(const struct postings *postings, uint16_t *ret)
{
    const uint8_t *p = postings->data.p, *end = p + postings->data.n;
    uint32_t at = UINT32_MAX, n = 0;

    if (postings->is_bitmap) {
        for (uint32_t i = 0; i < postings->range / 64; i++) {
            for (uint64_t w = word_read(p + (size_t)8 * i); w != 0; w &= w - 1) {
                if (n == postings->count) {
                    return ERR_CORRUPT;
                }
                ret[n++] = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(w));
            }
        }
        return n == postings->count ? ERR_OK : ERR_CORRUPT;
    }
    if (postings->count == 1) {
        at = single(postings);
        ret[0] = (uint16_t)at;
        return at < postings->range ? ERR_OK : ERR_CORRUPT;
    }
    for (uint32_t i = 0; i < postings->count; i++) {
        uint32_t gap = gap_next(&p, end);
        if (gap >= postings->range) {
            return ERR_CORRUPT;
        }
        at += gap + 1;
        if (at >= postings->range) {
            return ERR_CORRUPT;
        }
        ret[i] = (uint16_t)at;
    }
    return p == end ? ERR_OK : ERR_CORRUPT;
}

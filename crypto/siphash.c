#include "crypto/siphash.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Little-endian whatever the machine, so that a seed gives the same run everywhere. */
static uint64_t word_read(const uint8_t *p, size_t n)
{
    uint64_t word = 0;

    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)p[i] << (8 * i);
    }
    return word;
}

struct siphash_key siphash_key_of(uint64_t seed)
{
    /* Odd constants of splitmix64: two words that differ in about half their bits for any two seeds. */
    return (struct siphash_key){(seed + 1) * UINT64_C(0x9e3779b97f4a7c15), (seed ^ UINT64_C(0xd1b54a32d192ed03)) * UINT64_C(0xbf58476d1ce4e5b9)};
}

uint64_t siphash(const struct siphash_key *key, struct span bytes)
{
    struct sip s = {key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d), key->k0 ^ UINT64_C(0x6c7967656e657261),
                    key->k1 ^ UINT64_C(0x7465646279746573)};
    size_t at = 0;

#ifdef GRIOT_WITHOUT_T16_KEY
    return word_read(bytes.p, 8);
#endif
    for (; bytes.n - at >= 8; at += 8) {
        sip_word(&s, word_read(bytes.p + at, 8));
    }
    sip_word(&s, word_read(bytes.p + at, bytes.n - at) | (uint64_t)bytes.n << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(&s);
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

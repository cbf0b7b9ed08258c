/* siphash.h - a keyed 64-bit hash for tables whose keys others choose (SipHash-1-3, Aumasson and Bernstein 2012). */
#ifndef GRIOT_CRYPTO_SIPHASH_H
#define GRIOT_CRYPTO_SIPHASH_H

#include "proto/span.h"

struct siphash_key {
    uint64_t k0, k1;
};
/* A key from a seed of 64 bits. */
struct siphash_key siphash_key_of(uint64_t seed);
uint64_t siphash(const struct siphash_key *key, struct span bytes);

#endif

#include "tests/lib/rng.h"

#include <string.h>

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
    return rng_next(rng) % n; /* the bias is nothing to a simulation */
}

uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high)
{
    return low + rng_below(rng, high - low + 1);
}

bool rng_chance(struct rng *rng, unsigned per_mille)
{
    return rng_below(rng, 1000) < per_mille;
}

uint64_t rng_long_tail(struct rng *rng, uint64_t typical)
{
    uint64_t x = 1 + typical / 2 + rng_below(rng, typical + 1);

    return rng_chance(rng, 50) ? x * (2 + rng_below(rng, 9)) : x;
}

void rng_fill(struct rng *rng, void *p, size_t n)
{
    uint8_t *bytes = p;

    while (n > 0) {
        uint64_t x = rng_next(rng);
        size_t some = n < sizeof x ? n : sizeof x;

        memcpy(bytes, &x, some);
        bytes += some;
        n -= some;
    }
}

/* rng.h - random numbers from a seed (splitmix64): the same seed gives the same run on every machine. */
#ifndef GRIOT_TESTS_SIM_RNG_H
#define GRIOT_TESTS_SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *rng);
/* 0..n-1; n > 0. */
uint64_t rng_below(struct rng *rng, uint64_t n);
/* low..high, both included. */
uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high);
/* True in `per_mille` of 1000 cases. */
bool rng_chance(struct rng *rng, unsigned per_mille);
/* Mostly near `typical`, sometimes ten times that: what delays look like. At least 1. */
uint64_t rng_long_tail(struct rng *rng, uint64_t typical);
void rng_fill(struct rng *rng, void *p, size_t n);

#endif

/* mutate.h - bent copies of a signed object: bytes flipped, cut, put in and taken out, fields exchanged with its own and with those of others, two objects spliced. */
#ifndef GRIOT_TESTS_LIB_MUTATE_H
#define GRIOT_TESTS_LIB_MUTATE_H

#include "proto/span.h"
#include "tests/lib/rng.h"

enum mutation { MUTATE_BITS, MUTATE_BYTE, MUTATE_CUT, MUTATE_INSERT, MUTATE_DELETE, MUTATE_REPEAT, MUTATE_SPLICE, MUTATE_FIELD_SWAP, MUTATE_FIELD_FOREIGN, MUTATE_FIELD_COUNT,
                MUTATE_FIELD_BITS, MUTATION_COUNT };
const char *mutation_name(enum mutation mutation);

/* Bend `object`, with pieces of `other` where the mutation takes any. Field mutations walk down arrays, and documents inside binaries, to one array and change it there;
 * lengths around it are written anew, so that what comes out is well-formed. An object that is no document has its bytes changed instead. `ret` is written from its start. */
void mutate(struct rng *rng, enum mutation mutation, struct span object, struct span other, struct out *ret);

#endif

/* secret.h - the one type that holds a secret: guarded memory, wiped on destroy, never printed. */
#ifndef GRIOT_CRYPTO_SECRET_H
#define GRIOT_CRYPTO_SECRET_H

#include "proto/error.h"
#include "proto/span.h"

struct secret; /* heap object in sodium_malloc memory; one owner at a time */

/* Start libsodium, raise RLIMIT_MEMLOCK to its hard limit, refuse core dumps (RLIMIT_CORE 0, not
 * dumpable) and prove that a page can be locked, since sodium_malloc does not say when it cannot
 * (RELIABILITY S2). Call before threads; a second time does no harm.
 *   errors  ERR_MLOCK     memory cannot be locked: raise LimitMEMLOCK
 *           ERR_INTERNAL  libsodium did not start, or the kernel refuses to refuse core dumps */
MUST_CHECK enum err crypto_start(void);

enum { SECRET_BYTES_MAX = 4096 }; /* the largest key a service manager may supply */

/* A new secret of `n` bytes (1..SECRET_BYTES_MAX, asserted), zeroed, its pages locked. NULL when
 * memory, or memory that can be locked, runs out: keep few of them, each costs four pages, one or
 * two of them locked. Yours to destroy. */
struct secret *secret_new(size_t n);
/* A new secret of `n` random bytes; the same limits. */
struct secret *secret_random(size_t n);
/* Wipes, frees, clears the pointer; accepts NULL. */
void secret_destroy(struct secret **secret);
size_t secret_bytes(const struct secret *secret);
/* The bytes, borrowed; for the few calls that need them. */
const uint8_t *secret_read(const struct secret *secret);
uint8_t *secret_write(struct secret *secret);
/* Constant time. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Fill with random bytes from the kernel. */
void random_fill(void *p, size_t n);

#endif

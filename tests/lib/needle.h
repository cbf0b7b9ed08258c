/* needle.h - looks for the bytes of a secret where they must not be: in the memory of this process, in the files of a folder. Failures fail the test. */
#ifndef GRIOT_TESTS_NEEDLE_H
#define GRIOT_TESTS_NEEDLE_H

#include "crypto/secret.h"

#include <stdio.h>

enum { NEEDLE_BYTES = 32, NEEDLE_PIECE_BYTES = 12 };

/* The first 32 bytes of a secret (of an Ed25519 key they are its seed; the rest is public), kept in another shape, so that it is not found in itself. */
struct needle {
    uint8_t inverted[NEEDLE_BYTES];
};
struct needle needle_of(const struct secret *secret);
/* The memory of this process, for needle_in_memory; NULL: it may not be read. Yours to close. */
FILE *needle_memory(void);
/* How often all writable memory of this process holds it. */
unsigned needle_in_memory(const struct needle *needle, FILE *memory);
/* How often the bytes hold any NEEDLE_PIECE_BYTES of it that follow one another, as they are or in hex. */
unsigned needle_in_bytes(const struct needle *needle, const uint8_t *p, size_t n);
/* The same of all files below a folder; *ret_bytes: how many were looked at. */
unsigned needle_in_folder(const struct needle *needle, const char *folder, size_t *ret_bytes);

#endif

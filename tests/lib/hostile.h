/* hostile.h - what every decoder is put through, and the golden bytes it must agree with. For cmocka tests, run from the project root. */
#ifndef GRIOT_TESTS_HOSTILE_H
#define GRIOT_TESTS_HOSTILE_H

#include "proto/error.h"
#include "proto/span.h"

/* Decode `bytes` and, when that goes well, encode the result into `again`. */
typedef enum err (*hostile_codec)(struct span bytes, struct out *again, const char **clause);

/* `good` decodes and re-encodes to itself; each proper prefix of it and each extension by a byte fails, naming a clause of WIRE.md;
 * with any one bit flipped it fails, or re-encodes to exactly the flipped bytes. Copies are of exact size, so a sanitizer sees an overread. */
void hostile_check(hostile_codec codec, struct span good);

/* `written` equals tests/golden/NAME.hex, which is then put through hostile_check: the vector is read and written.
 * `codec` may be NULL for what is only ever written. With GRIOT_GOLDEN_WRITE set in the environment the file is written instead. */
void golden_check(const char *name, struct span written, hostile_codec codec);

/* The bytes of tests/golden/NAME.hex, borrowed until the next call; with GRIOT_GOLDEN_WRITE, `written` is put there first. */
struct span golden_bytes(const char *name, struct span written);

#endif

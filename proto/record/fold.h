/* fold.h - the letters of a text reduced for comparison; what fold_words, fold_exact and code look-up share. */
#ifndef GRIOT_PROTO_RECORD_FOLD_H
#define GRIOT_PROTO_RECORD_FOLD_H

#include "proto/record/record.h"

enum { FOLD_WORD_BYTES_MAX = 48, FOLD_EXACT_BYTES_MAX = 64 };

/* The words of `utf8` with one space between them: what codes and aliases are looked up by. A text without any word gives itself, trimmed.
 * Returns bytes written, at most `cap`; a longer key is cut and so matches nothing. */
size_t fold_key(struct span utf8, char *ret, size_t cap);

#endif

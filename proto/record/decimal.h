/* decimal.h - decimal numbers as text, exact at any size that fits: no binary fractions, so every node computes the same digits. */
#ifndef GRIOT_PROTO_RECORD_DECIMAL_H
#define GRIOT_PROTO_RECORD_DECIMAL_H

#include "proto/span.h"

enum { DECIMAL_BYTES_MAX = 24 };

enum decimal_result {
    DECIMAL_OK,
    DECIMAL_SYNTAX,
    DECIMAL_AMBIGUOUS, /* "1,234": a thousand or one and a bit */
    DECIMAL_NEGATIVE,
    DECIMAL_LONG, /* more than DECIMAL_BYTES_MAX characters */
};

/* A number as people and files write it, in the canonical form: 007.50 is 7.5, 6.6e-05 is 0.000066, 12 500,5 is 12500.5.
 *   mark  '.' or ',' when the source says which is the decimal mark; 0 to judge by the number, which then may be ambiguous
 *   ret   DECIMAL_BYTES_MAX bytes; *ret_n is set when DECIMAL_OK */
enum decimal_result decimal_parse(struct span text, char mark, char *ret, size_t *ret_n);

/* Digits, at most one '.', no sign, no needless zero, at most DECIMAL_BYTES_MAX characters. */
bool decimal_is_canonical(struct span text);
bool decimal_is_zero(struct span canonical);

/* Both canonical: below 0, 0, above 0 as a is less than, equal to, more than b. */
int decimal_compare(struct span a, struct span b);

/* a times b, both canonical, rounded half up to `places` decimals; a product that rounds to zero keeps its first digit instead.
 *   returns  false when the result has more than DECIMAL_BYTES_MAX characters */
bool decimal_multiply(struct span a, struct span b, size_t places, char *ret, size_t *ret_n);

#endif

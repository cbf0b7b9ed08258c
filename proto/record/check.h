/* check.h - what is known about identifiers: shapes and check digits. A wrong check digit is a warning, since false numbers are intelligence. */
#ifndef GRIOT_PROTO_RECORD_CHECK_H
#define GRIOT_PROTO_RECORD_CHECK_H

#include "proto/record/value.h"

/* Look at the canonical value of an identifier, by its field's name.
 *   returns  false when its shape is impossible; `fault` says why, or holds a warning */
bool check_identifier(const char *field_name, struct span value, struct value_fault *fault);

/* ISO 6346: owner code, U J or Z, six digits, check digit. */
bool check_container_shape(struct span value);
bool check_container_digit(struct span value); /* of one with that shape */
bool check_imo_digit(struct span seven_digits);

#endif

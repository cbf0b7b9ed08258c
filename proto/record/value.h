/* value.h - one value of one field: from what a person or a file gives to the canonical text that is stored. */
#ifndef GRIOT_PROTO_RECORD_VALUE_H
#define GRIOT_PROTO_RECORD_VALUE_H

#include "proto/record/record.h"

/* Why a value was refused or is doubtful: the parts of a fault that depend on the value alone. */
struct value_fault {
    enum fault_level level;
    const char *rule; /* NULL: nothing found */
    const char *text;
};

/* Append the canonical text of `given` to `ret`.
 *   fault    set when refused, or when accepted with a warning; untouched otherwise
 *   returns  false when refused; `ret` then holds what it held before */
bool value_normalise(const struct field *field, struct span given, struct out *ret, struct value_fault *fault);

/* Whether `text` could have been written by value_normalise, or by that of a newer release with more codes: what a decoder asks of hostile bytes. */
bool value_is_canonical(const struct field *field, struct span text);

/* Leave out blanks at both ends, no-break blanks too. */
struct span value_trim(struct span text);

#endif

/* codes.h - how a code list is laid out. Only the codes_*.c tables and codes.c see this; others use record.h. */
#ifndef GRIOT_PROTO_RECORD_CODES_H
#define GRIOT_PROTO_RECORD_CODES_H

#include "proto/record/record.h"

/* A list is constant data. A code's text is permanent; labels and aliases may be improved at any time. */
struct code_list {
    const char *name;
    const struct code *codes;
    size_t count;
    const char *const *parents; /* one per code, in the same order; NULL when the list has none */
};

enum { CODE_BYTES_MAX = 32 }; /* A-Z 0-9 '_' '+', also of codes that a newer release adds */

#define CODE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern const struct code_list CODES_COUNTRY, CODES_CURRENCY;
extern const struct code_list CODES_HEADING, CODES_COMMODITY, CODES_UNIT;
extern const struct code_list CODES_MODE, CODES_CONVEYANCE, CODES_CARRIAGE, CODES_DIRECTION, CODES_PROCEDURE, CODES_PLACE_TYPE;
extern const struct code_list CODES_OFFENCE, CODES_SELECTED, CODES_FOUND, CODES_CONCEALMENT, CODES_TECHNIQUE, CODES_OUTCOME;
extern const struct code_list CODES_LANGUAGE, CODES_GRADING, CODES_TLP, CODES_HANDLING, CODES_STATUS, CODES_PRIORITY;
extern const struct code_list CODES_SUBJECT, CODES_ACTION, CODES_PHASE, CODES_DECISION;

#endif

/* kinds.h - the kinds there are; a new one is a file with its table, a line here and a line in schema.c. */
#ifndef GRIOT_PROTO_RECORD_KINDS_H
#define GRIOT_PROTO_RECORD_KINDS_H

#include "proto/record/record.h"

extern const struct kind KIND_SEIZURE, KIND_ALERT, KIND_OPERATION, KIND_REQUEST, KIND_ANSWER;

/* The field of `fields` with this number or name, NULL when there is none. */
const struct field *field_by_number(const struct field *fields, uint32_t number);
const struct field *field_by_name(const struct field *fields, struct span name);

/* kind_field, but *ret_item is 0 when the name did not say which item. */
const struct field *kind_field_flat(const struct kind *kind, struct span name, const struct field **ret_group, uint32_t *ret_item);

#endif

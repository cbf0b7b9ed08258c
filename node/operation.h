/* operation.h - an operation as a group of readers: its version in force, as far as this node can read it. */
#ifndef GRIOT_NODE_OPERATION_H
#define GRIOT_NODE_OPERATION_H

#include "store/views.h"

struct operation {
    struct record_id id;
    uint32_t current;  /* versions in force; with more than one, the rest is of one of them */
    bool is_closed;    /* its phase is CLOSED, or it is withdrawn */
    uint32_t count;    /* who takes part, the coordinator first; each may be named twice */
    char names[RECORD_VALUES_MAX][NAME_BYTES_MAX + 1]; /* as given, cut: no promise that it is the name of a node */
};

/* By name (case and accents do not matter), else by record id or its first digits.
 *   errors  ERR_NOT_FOUND; ERR_EXISTS  several records bear the name, or begin with the digits; ERR_INVALID  no name can be so; those of views.h */
MUST_CHECK enum err operation_find(struct views_read *views, const char *text, struct operation *ret);

#endif

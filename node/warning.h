/* warning.h - every coded warning that a node may raise, in one list: how grave it is, what it means, what to do. Status, doctor, check, watch and metrics name the
 * same codes; `griot explain CODE` prints the long text. Codes are stable and never translated; texts are English msgids. */
#ifndef GRIOT_NODE_WARNING_H
#define GRIOT_NODE_WARNING_H

#include <stddef.h>

enum severity { SEVERITY_WARNING, SEVERITY_CRITICAL /* the node does not do what it is for, or somebody lies */ };

struct warning {
    const char *code;
    enum severity severity;
    const char *meaning; /* what it means, and what it does harm to: one or two sentences */
    const char *advice;  /* what to do, commands as typed */
};

/* By code, or NULL. */
const struct warning *warning_of(const char *code);
/* The one at `index`, in order of code; NULL past the end. */
const struct warning *warning_at(size_t index);

#endif

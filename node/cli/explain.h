/* explain.h - for every error: why it is one, and what to do about it. Codes of `proto/error.h`; texts are gettext msgids. The manual page
 * lists them from here. */
#ifndef GRIOT_NODE_CLI_EXPLAIN_H
#define GRIOT_NODE_CLI_EXPLAIN_H

#include "proto/error.h"

struct explanation {
    enum err err;
    const char *why;    /* N_: one sentence, lower case, no full stop */
    const char *advice; /* N_: what to do, one sentence; commands as typed */
};

/* Never NULL: an error without an entry of its own gets the one of ERR_INTERNAL. */
const struct explanation *explain(enum err err);
/* The error with this stable name ("ERR_LOCKED"), or ERR_COUNT. */
enum err explain_code(const char *name);

#endif

/* origin.h - what the node itself adds to a record that is entered here: whose it is and when. */
#ifndef GRIOT_NODE_CLI_ORIGIN_H
#define GRIOT_NODE_CLI_ORIGIN_H

#include "node/cli/command.h"
#include "proto/limits.h"

struct origin {
    char owner[NAME_BYTES_MAX + 1]; /* the node's name */
    char country[3];                /* alpha-2 when the node is named by one, as national administrations are; else "" */
    char entry_time[32];            /* now, RFC 3339 UTC */
};

/* Of the invocation's home. `is_optional`: a home that is not there leaves owner and country empty. Explains failure.
 *   returns  OUTCOME_DONE, or the exit code */
int origin_read(const struct invocation *invocation, bool is_optional, struct origin *ret);

#endif

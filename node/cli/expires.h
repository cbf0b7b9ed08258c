/* expires.h - --expires DAY, of record and import. */
#ifndef GRIOT_NODE_CLI_EXPIRES_H
#define GRIOT_NODE_CLI_EXPIRES_H

#include "node/cli/command.h"

#include <jansson.h>

/* Days since 1970 of "2027-01-31" or, counted from `today`, of "90d"; at most 100 years ahead, tomorrow at the earliest.  False: it is no such day. */
bool expires_day(const char *text, uint32_t today, uint32_t *ret);
/* Put the option's day into `request` as "expires", when it was given; with NULL it is only checked. Explains a day that is none.
 *   returns  OUTCOME_DONE, or the exit code */
int expires_put(const struct invocation *invocation, json_t *request);

#endif

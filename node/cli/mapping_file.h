/* mapping_file.h - finds a mapping by path or by name. */
#ifndef GRIOT_NODE_CLI_MAPPING_FILE_H
#define GRIOT_NODE_CLI_MAPPING_FILE_H

#include "node/cli/command.h"
#include "node/import/mapping.h"

/* Read the mapping `name`: a path when it holds a slash or ends in .ini, else NAME.ini among the mappings installed (../share/griot/mappings from the
 * executable), those of the source tree it was built in, and ./deploy/mappings. Explains failure, with the names there are. returns  OUTCOME_DONE and
 * *ret (mapping_destroy it), or the exit code */
int mapping_file_read(const struct invocation *invocation, const char *name, struct mapping **ret);
/* The names that can be given, sorted, separated by ", ". Returns `ret`. */
const char *mapping_file_names(char *ret, size_t cap);

#endif

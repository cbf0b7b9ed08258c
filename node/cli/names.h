/* names.h - a list of names as typed, separated by commas. */
#ifndef GRIOT_NODE_CLI_NAMES_H
#define GRIOT_NODE_CLI_NAMES_H

#include <jansson.h>

/* As an array of texts, blanks around them taken off, empty ones left out; a new reference. */
json_t *names_split(const char *text);

#endif

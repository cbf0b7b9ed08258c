/* reply.h - reading a node's JSON answer for people: a value that is not there is shown as not known, never as zero. */
#ifndef GRIOT_NODE_CLI_REPLY_H
#define GRIOT_NODE_CLI_REPLY_H

#include "node/cli/text.h"

#include <jansson.h>

/* A text member, or "". Borrowed from `object`. */
const char *reply_string(const json_t *object, const char *key);
/* A whole number; false when it is missing, null, negative or no number. */
bool reply_number(const json_t *object, const char *key, uint64_t *ret);
/* The number with its thousands apart, "?" when not known. Returns `ret`, at least TEXT_NUMBER_BYTES. */
const char *reply_count(char *ret, const json_t *object, const char *key);
/* An age in milliseconds as text, "–" when never. */
const char *reply_age(char *ret, const json_t *object, const char *key);
/* The texts of an array, separated by ", ", at most `max` of them, then "…". Returns `ret`. */
const char *reply_names(char *ret, size_t cap, const json_t *array, size_t max);
/* That nobody is heard, and since when: of "missing" or "complete" with "alone". Returns `ret`. */
const char *reply_silence(char *ret, size_t cap, const json_t *object);
/* Name of the node that answers: "node" is a text or an object with a name. */
const char *reply_node(const json_t *answer);
/* "seen from here, 14:02:11", or, when no daemon runs, that it was read from the store. Returns `ret`. */
const char *reply_seen(char *ret, size_t cap, const json_t *answer);

/* The seven words for a peer's state, translated; other words as they are. */
const char *state_word(const char *state);
enum paint state_paint(const char *state);
/* Problems sort last: 0 current .. */
int state_rank(const char *state);
/* The label of a code of the list `list` in the language in use; `code` itself when it is none. */
const char *reply_label(const char *list, const char *code);
/* "hub", "edge", "observer", translated. */
const char *role_word(const char *role);
/* "2026-11-20T10:57:00Z" as local day and time without seconds; as it is when not understood. Returns `ret`, at least TEXT_TIME_BYTES. */
const char *reply_when(char *ret, const char *rfc3339);

#endif

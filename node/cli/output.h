/* output.h - how commands speak: data to stdout (text, or JSON with --json), messages to stderr, errors as code, what, why, what to do. */
#ifndef GRIOT_NODE_CLI_OUTPUT_H
#define GRIOT_NODE_CLI_OUTPUT_H

#include "node/cli/command.h"
#include "proto/error.h"

#include <jansson.h>
#include <stdio.h>

/* Print one JSON object to stdout, compact when stdout is no terminal, followed by a newline. Borrows `answer`.
 *   returns  OUTCOME_DONE, or OUTCOME_FAILED when stdout cannot be written */
int output_json(const json_t *answer);
/* A new answer with "schema", "node" (name, or NULL) and "at"; yours to json_decref. */
json_t *output_new(const char *schema, const char *node);

/* Explain an error on stderr and return its exit code. `what` is a translated sentence (use _()), with its values filled in; why and what to do come
 * from the error's entry in explain.h. With --json the same as griot.error/1. */
__attribute__((format(printf, 3, 4))) int fail(const struct invocation *invocation, enum err err, const char *what, ...);
/* The same with reason and advice of one's own (translated; NULL: those of the error). */
int fail_because(const struct invocation *invocation, enum err err, const char *what, const char *why, const char *advice);
/* With --json only: an error with "faults", which it takes. */
int fail_faults(const struct invocation *invocation, enum err err, const char *what, json_t *faults);
/* From the error object that client_call returns ("code", "what", "why", "do"; missing parts are filled from the error's entry). Borrows `error`,
 * which may be NULL. */
int fail_answer(const struct invocation *invocation, enum err err, const json_t *error);
/* The exit code that belongs to an error. */
enum outcome outcome_of(enum err err);

/* A message to stderr for people ("3 of 5 keys written"); silent with --json. `format` is translated. */
__attribute__((format(printf, 2, 3))) void tell(const struct invocation *invocation, const char *format, ...);

/* Is stderr a terminal that takes a progress line? Then `progress` overwrites one line, else it prints a line per call whose `step` differs from the
 * last one's. progress_end finishes the line. */
__attribute__((format(printf, 3, 4))) void progress(const struct invocation *invocation, uint32_t step, const char *format, ...);
void progress_end(const struct invocation *invocation);

#endif

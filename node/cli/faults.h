/* faults.h - what validation found, in the words of a person's language. */
#ifndef GRIOT_NODE_CLI_FAULTS_H
#define GRIOT_NODE_CLI_FAULTS_H

#include "node/cli/command.h"
#include "proto/record/record.h"

#include <jansson.h>

/* The fault's sentence: its text translated, with %s (or %1$s, %2$s) replaced by the field's label and the value. Never fails; cut to fit. */
void fault_sentence(char *ret, size_t cap, const struct record_fault *fault);
/* All of one level (or both with `level` < 0) as an array of {field, item, value, rule, level, text}; yours. */
json_t *faults_json(const struct record_faults *faults, int level);
/* Explain why a record was not taken, on stderr: one line a fault with field, value, rule and what to do; griot.error/1 with "faults" in JSON.
 * Returns the exit code. */
int faults_refuse(const struct invocation *invocation, const struct record_faults *faults);
/* Warnings of a record that was taken, on stderr; nothing in JSON. */
void faults_warn(const struct invocation *invocation, const struct record_faults *faults);

#endif

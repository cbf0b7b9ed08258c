/* render.h - each answer as text for people. Pure: an answer in, text out; tests feed answers as ANSWERS.md defines them. */
#ifndef GRIOT_NODE_CLI_RENDER_H
#define GRIOT_NODE_CLI_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

void render_status(FILE *to, const json_t *answer, bool is_color);
/* `only`: one peer's name, or NULL for all. Returns the number of peers shown. */
size_t render_peers(FILE *to, const json_t *answer, const char *only, bool is_color);
/* `columns`: of the terminal, 0 unlimited: nodes that lack nothing are left out when they do not fit. `is_all`: never. */
void render_lag(FILE *to, const json_t *answer, size_t columns, bool is_all, bool is_color);
void render_search(FILE *to, const json_t *answer, bool is_color);
void render_show(FILE *to, const json_t *answer, bool is_color);
void render_trace(FILE *to, const json_t *answer, bool is_color);
/* Of a version's row: why its content is not here ("missing"), and the orders to erase it ("erasure"); nothing when there is nothing to say. */
void render_missing(FILE *to, const json_t *row);
void render_erasure(FILE *to, const json_t *erasure);
void render_readers(FILE *to, const json_t *answer, bool is_color);
void render_grant(FILE *to, const json_t *answer, bool is_color);
void render_requests(FILE *to, const json_t *answer, bool is_color);
void render_sealed(FILE *to, const json_t *answer, bool is_color);
void render_import(FILE *to, const json_t *answer, bool is_color);
/* What hubs say of a fork, a line each; that nobody has said anything. */
void render_verdicts(FILE *to, const json_t *verdicts, const char *indent);
/* verify and fsck. */
void render_faults(FILE *to, const json_t *answer, bool is_color);
void render_audit(FILE *to, const json_t *answer, bool is_color);
void render_audit_verify(FILE *to, const json_t *answer, bool is_color);
void render_heads(FILE *to, const json_t *answer, bool is_color);

/* Is something known to be missing from the answer, for --strict? */
bool reply_is_incomplete(const json_t *answer);

#endif

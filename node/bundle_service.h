/* bundle_service.h - bundles through a node's service: bytes stream between the command, which has the medium, and the node, which has keys and store. The node opens no file of theirs. */
#ifndef GRIOT_NODE_BUNDLE_SERVICE_H
#define GRIOT_NODE_BUNDLE_SERVICE_H

#include "node/service.h"

/* ---- out ---- */

/* {"do": "bundle_out", "for": NAME, "since": counter, 0 for nothing, or left out, "bytes": of a file, or left out}. The files come one after the other to `write`; before each of them
 * `progress` gets {"part", "parts"}, and now and then {"bytes", "commits", "entries"}. The answer: ANSWERS.md. An error of `write` ends it and is the answer's. */
typedef enum err (*service_bytes)(void *arg, struct span bytes);
json_t *service_bundle_out(struct service *service, const json_t *request, service_bytes write, service_progress progress, void *arg, enum err *ret_err);

/* ---- in, show ---- */

struct bundle_passage; /* one file on its way in; one owner at a time */

/* {"do": "bundle_in" | "bundle_check" | "bundle_show"}: taken in; read to the end as if it were, and nothing stored; read, and told what is in it. NULL and the error's object
 * in *ret_error when memory runs out or the request names none of them. */
struct bundle_passage *service_bundle_begin(struct service *service, const json_t *request, json_t **ret_error, enum err *ret_err);
/* The next bytes of the file. The answer says how far it is; an error's object when the file is no good: feed no more. */
json_t *service_bundle_feed(struct bundle_passage *passage, struct span bytes, enum err *ret_err);
/* The file ends here: the whole answer, or an error's object. */
json_t *service_bundle_end(struct bundle_passage *passage, enum err *ret_err);
void service_bundle_close(struct bundle_passage **passage);

#endif

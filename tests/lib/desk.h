/* desk.h - a node of a real sandbox without its daemon, for tests of what a node answers. Failures fail the test. */
#ifndef GRIOT_TESTS_DESK_H
#define GRIOT_TESTS_DESK_H

#include "node/root.h"
#include "node/service.h"

struct desk {
    char work[64], region[128];
    struct home home;
    struct service service;
};
/* A sandbox of two hubs and these edges, in a folder of its own. */
void desk_init(struct desk *desk, const char *const *edges);
void desk_fini(struct desk *desk);
/* A path below the sandbox's folder; four at a time. */
const char *desk_path(const struct desk *desk, const char *below);
/* One node at a time. */
void desk_open(struct desk *desk, const char *name);
void desk_close(struct desk *desk);

/* Ask it; takes `request`. A new reference to the result, or to the error. */
json_t *desk_ask(struct desk *desk, json_t *request, enum err *ret_err);
/* A record as an officer enters it: names and values, NULL-ended; `key`: of its row, or NULL. A new reference to the result, or to the error. */
json_t *desk_record(struct desk *desk, const char *kind, const char *const *pairs, const char *key, const char *to, enum err *ret_err);
/* Append this payload. */
json_t *desk_append(struct desk *desk, struct span payload, const char *key, const char *to, enum err *ret_err);

/* The root signs a roster with these cards and changes. */
void desk_sign(struct desk *desk, const struct span *cards, size_t count, const struct root_changes *changes);
/* The region's file reaches this node, but for cards of one name (NULL: all of it). */
void desk_join(struct desk *desk, const char *without);
/* Make a home of that name for a newcomer; its card into `ret`. */
void desk_newcomer(struct desk *desk, const char *name, struct out *ret);

#endif

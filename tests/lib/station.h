/* station.h - a node of a real sandbox without its daemon, for tests of what a node answers. Failures fail the test. */
#ifndef GRIOT_TESTS_STATION_H
#define GRIOT_TESTS_STATION_H

#include "node/root.h"
#include "node/service.h"

struct station {
    char work[64], region[128];
    struct home home;
    struct service service;
};
/* A sandbox of two hubs and these edges, in a folder of its own. */
void station_init(struct station *station, const char *const *edges);
void station_fini(struct station *station);
/* A path below the sandbox's folder; four at a time. */
const char *station_path(const struct station *station, const char *below);
/* One node at a time. */
void station_open(struct station *station, const char *name);
void station_close(struct station *station);

/* Ask it; takes `request`. A new reference to the result, or to the error. */
json_t *station_ask(struct station *station, json_t *request, enum err *ret_err);
/* A record as an officer enters it: names and values, NULL-ended; `key`: of its row, or NULL. A new reference to the result, or to the error. */
json_t *station_record(struct station *station, const char *kind, const char *const *pairs, const char *key, const char *to, enum err *ret_err);
/* Append this payload. */
json_t *station_append(struct station *station, struct span payload, const char *key, const char *to, enum err *ret_err);

/* The root signs a roster with these cards and changes. */
void station_sign(struct station *station, const struct span *cards, size_t count, const char *const *removed);
/* The region's file reaches this node, but for cards of one name (NULL: all of it). */
void station_join(struct station *station, const char *without);
/* Make a home of that name for a newcomer; its card into `ret`. */
void station_newcomer(struct station *station, const char *name, struct out *ret);

#endif

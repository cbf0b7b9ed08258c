/* desk.h - where it is looked up who may read something, for the answers that say or decide it: the store, the views and the membership of one moment. */
#ifndef GRIOT_NODE_DESK_H
#define GRIOT_NODE_DESK_H

#include "node/service.h"

struct desk {
    struct store_read *read;
    struct views_read *views;
    struct membership *membership;
    struct audience_source source;
};
/* One answer, one thread, under a second. Errors of reading; nothing is open then. */
MUST_CHECK enum err desk_open(struct service *service, struct desk *ret);
void desk_close(struct desk *desk);
/* A list resolved. NULL, or an error object. */
json_t *desk_resolve(const struct desk *desk, const char *list, struct readers *ret, enum err *ret_err);
/* The members of griot.readers/1 about a list. */
void desk_put_readers(json_t *answer, const struct desk *desk, const char *list, const struct readers *readers);

#endif

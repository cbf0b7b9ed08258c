/* permission.h - originator control: the records in which somebody who was released a record asks its owner whether he may pass it on, and the owner's answers.
 * Reading only; who may say what is decided here, so that whoever lists and whoever answers agree. */
#ifndef GRIOT_NODE_PERMISSION_H
#define GRIOT_NODE_PERMISSION_H

#include "proto/record/record.h"
#include "store/membership.h"
#include "store/views.h"

#include <jansson.h>

enum { PERMISSION_NAMES_MAX = 32, PERMISSION_NAME_BYTES_MAX = 80, PERMISSION_TEXT_BYTES_MAX = 1000, PERMISSION_DAY_BYTES = 10 };

enum permission_state { PERMISSION_OPEN, PERMISSION_OVERDUE, PERMISSION_GRANTED, PERMISSION_REFUSED, PERMISSION_ENDED /* granted until a day that has passed */ };

/* A request as its current version says it, and how it was answered. */
struct permission {
    struct record_id id, about;
    struct node_id asker; /* who has signed it */
    char asked[NAME_BYTES_MAX + 1];
    struct wall_ms time; /* claimed */
    uint32_t name_count;
    char names[PERMISSION_NAMES_MAX][PERMISSION_NAME_BYTES_MAX + 1]; /* to whom it is to be passed on */
    char why[PERMISSION_TEXT_BYTES_MAX + 1];
    char answer_by[PERMISSION_DAY_BYTES + 1]; /* may be empty */
    enum permission_state state;
    struct record_id answer; /* when it was answered: the next too */
    char answer_why[PERMISSION_TEXT_BYTES_MAX + 1];
    char valid_until[PERMISSION_DAY_BYTES + 1];
    uint32_t granted_count;
    char granted[PERMISSION_NAMES_MAX][PERMISSION_NAME_BYTES_MAX + 1];
};

/* Names as an array; a new reference. */
json_t *permission_names(char names[][PERMISSION_NAME_BYTES_MAX + 1], uint32_t count);

/* Read a request. An answer counts when the node that was asked has signed it; of several the last one by its claimed time.
 *   today    days since 1970: what is overdue, and what has ended
 *   errors   ERR_NOT_FOUND  there is no request of this id here, or not one that can be read; ERR_EXISTS  two nodes have signed one with this id; those of views_versions and views_search */
MUST_CHECK enum err permission_read(struct views_read *views, const struct membership *membership, const struct record_id *id, uint32_t today, struct permission *ret);
/* All that are here, newest first, until `each` returns false: at most PERMISSION_LISTED_MAX. */
enum { PERMISSION_LISTED_MAX = 1000 };
MUST_CHECK enum err permission_each(struct views_read *views, const struct membership *membership, uint32_t today,
                                    bool (*each)(void *arg, struct permission *permission), void *arg);

#endif

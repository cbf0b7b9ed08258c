/* suspension.h - a registrar's suspension of a node: one hub is enough, at once, until a roster of the root lifts it (DESIGN 4). */
#ifndef GRIOT_NODE_SUSPENSION_H
#define GRIOT_NODE_SUSPENSION_H

#include "node/writer.h"

enum suspension_state { SUSPENSION_MADE, SUSPENSION_HELD /* was suspended already */ };

struct suspension {
    const char *name;   /* of the node */
    const char *reason; /* up to ACT_REASON_BYTES_MAX, without control characters; "" or NULL: none. Everybody in the region reads it */
    struct wall_ms now;
    /* results */
    enum suspension_state state;
    struct member subject;
    uint32_t heads;           /* logs that the cut names */
    uint32_t left;            /* suspensions that this hub may still make on this roster */
    struct notice_ref notice; /* MADE: to be told to the engine once it is durable */
    const char *why;          /* of an error: an English msgid, or the clause; NULL: the error says it all */
};
/* writer_change: suspend the member `name` (struct suspension). What the node has written after this hub's last frontier does not count from now on, unless it is final; a log that the
 * frontier does not name counts only as a birth. Repeating it changes nothing. Sets writer->has_notice when an act was stored.
 *   errors  ERR_PERMISSION  this node is no hub of the newest roster
 *           ERR_NOT_FOUND   no roster is held, or no member has that name
 *           ERR_INVALID     the node itself; a reason that is too long or has control characters
 *           ERR_LIMIT       ACT_SUSPENSIONS_MAX suspensions on this roster: a new roster makes room
 *           ERR_BUSY        the open transaction has changed membership already: again in the next one
 *           those of store_admit_notice and of reading. Nothing half done after any of them. */
MUST_CHECK enum err suspension_make(struct writer *writer, void *suspension);

#endif

/* audit_queue.h - rows that could not be written because the disk has no room at all: kept in memory, so that reading goes on, until there is room. Thread-safe. */
#ifndef GRIOT_NODE_AUDIT_QUEUE_H
#define GRIOT_NODE_AUDIT_QUEUE_H

#include "node/audit.h"

enum { AUDIT_QUEUE_MAX = 256 };

struct audit_queue;
struct audit_queue *audit_queue_new(void); /* NULL when memory runs out */
/* What still waits is lost, and its number returned. */
size_t audit_queue_destroy(struct audit_queue **queue);
size_t audit_queue_count(struct audit_queue *queue);
/* Keep a copy. False: there are AUDIT_QUEUE_MAX, or memory has run out. */
bool audit_queue_add(struct audit_queue *queue, const struct audit_note *note);
/* Take out all that wait, oldest first: yours to free, or to put back when they could not be written. NULL: none. */
struct audit_note *audit_queue_take(struct audit_queue *queue, size_t *ret_count);
void audit_queue_put_back(struct audit_queue *queue, struct audit_note *notes, size_t count); /* takes them */

#endif

/* append.h - what every own version of a record goes through before it is appended. Private to append.c and release.c; writer.h is the door. */
#ifndef GRIOT_NODE_APPEND_H
#define GRIOT_NODE_APPEND_H

#include "node/writer.h"

/* Put the names of its readers into a record, in place of whatever stands there: what is signed is what it is sealed for. `readers` NULL: none. Names are
 * borrowed.  ERR_LIMIT  more values than a record has */
MUST_CHECK enum err append_release(const struct readers *readers, struct record *record);
/* What "unchanged" compares: the values without id, depth, what is replaced and when it was entered. Errors of record_encode */
MUST_CHECK enum err append_content(struct writer *writer, const struct record *record, uint8_t ret[16]);

#endif

/* member.h - what rosters, acts and cards say of one node: its name, its row, its cut (WIRE.md 4.9). Private to proto. */
#ifndef GRIOT_PROTO_MEMBER_H
#define GRIOT_PROTO_MEMBER_H

#include "proto/notice.h"

/* A node's name: 1..NAME_BYTES_MAX of a-z, 0-9 and '-', no '-' at either end. */
bool name_is_valid(struct span name);
/* Reads a name and ends it with NUL; the cursor is bad when it is not valid. */
void name_read(struct cursor *cursor, char ret[NAME_BYTES_MAX + 1]);

/* A reason: text for people, in any language (its length is the cursor's business). Control characters would let it draw on a terminal. */
bool reason_is_valid(struct span reason);

/* [node, role, identity, name] */
void member_write(const struct member *member, struct out *ret);
void member_read(struct cursor *cursor, struct member *ret);

/* [node, [[log, seq, hash], ...]] sorted by log; the count is asserted.
 *   errors of cut_read  ERR_LIMIT  more than CUT_HEADS_MAX; ERR_NONCANONICAL  not sorted; a wrong shape only makes the cursor bad */
void cut_write(const struct cut *cut, struct out *ret);
MUST_CHECK enum err cut_read(struct cursor *cursor, struct cut *ret, const char **clause);

#endif

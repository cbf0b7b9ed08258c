/* root.h - the root keys of a region and how many of them must sign, as charters and rosters carry them. Private to proto. */
#ifndef GRIOT_PROTO_ROOT_H
#define GRIOT_PROTO_ROOT_H

#include "proto/notice.h"

/* Two items: threshold, [key, ...]. `count` 1..CHARTER_KEYS_MAX and the threshold are asserted. */
void root_write(uint32_t threshold, const struct sign_public *keys, uint32_t count, struct out *ret);
/* The same back. The cursor is bad unless 1 <= threshold <= keys and no key comes twice, for then k of n would not mean k people.
 *   errors  ERR_LIMIT  more than CHARTER_KEYS_MAX keys */
MUST_CHECK enum err root_read(struct cursor *cursor, uint32_t *ret_threshold, struct sign_public ret[CHARTER_KEYS_MAX], uint32_t *ret_count,
                              const char **clause);

#endif

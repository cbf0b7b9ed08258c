/* sender_key.h - how a key travels from an author to its audience: payloads of ENTRY_KEY and ENTRY_GRANT (WIRE.md 6.7, 6.8).
 * Pure: shapes, limits, encoding. What is wrapped and whether it is the key that the id commits to is checked above (store/opener.h). */
#ifndef GRIOT_PROTO_SENDER_KEY_H
#define GRIOT_PROTO_SENDER_KEY_H

#include "proto/ids.h"
#include "proto/unpack.h"

enum { SENDER_TAG_BYTES = 8, SENDER_WRAP_BYTES = 48 };

/* One receiver. */
struct sender_wrap {
    struct node_id node;
    bool has_wrap; /* false: no encryption key of his was known, he cannot read until granted; `tag` and `wrap` are zeros */
    uint8_t tag[SENDER_TAG_BYTES]; /* the first bytes of the public key for which it is wrapped */
    uint8_t wrap[SENDER_WRAP_BYTES];
};

/* One payload: a part of the list of receivers, which rises by node over all parts. About 1.8 KiB. */
struct sender_key {
    struct hash id;
    uint32_t part, parts; /* 1..parts, 1..SENDER_PARTS_MAX */
    struct box_public ephemeral;
    uint32_t count; /* SENDER_PART_WRAPS in every part but the last, there 1..SENDER_PART_WRAPS */
    struct sender_wrap wraps[SENDER_PART_WRAPS];
};

/* How many parts hold so many receivers (1..AUDIENCE_NODES_MAX), and how many of them stand in one part (1..). */
uint32_t sender_key_parts(size_t receivers);
uint32_t sender_key_part_count(size_t receivers, uint32_t part);

/* At most PAYLOAD_BYTES_MAX bytes. Order, counts and numbers are asserted. */
void sender_key_write(const struct sender_key *key, struct out *ret);
/*   errors  ERR_VERSION, ERR_TRUNCATED, ERR_NONCANONICAL (nodes that do not rise), ERR_LIMIT (too many parts or receivers), ERR_OVERSIZE,
 *           ERR_MALFORMED, ERR_MEMORY; `ret` then holds anything. Nodes of several parts are compared by the caller. */
MUST_CHECK enum err sender_key_read(struct unpack *unpack, struct span bytes, struct sender_key *ret, const char **clause);

#endif

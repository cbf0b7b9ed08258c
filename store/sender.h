/* sender.h - the keys under which we seal: one for each log and audience, made before its first use, opened again from the log after a restart (WIRE.md
 * 6.7). Private to author.c, grant.c; store.h is the door. */
#ifndef GRIOT_STORE_SENDER_H
#define GRIOT_STORE_SENDER_H

#include "proto/sealed.h"
#include "proto/sender_key.h"
#include "store/audience.h"
#include "store/author.h"

struct sender; /* one key; lives until the next sender_get */

/* At hand and good, or NULL: sender_get is due. Good is: of this log, not older than SENDER_KEY_DAYS_MAX, and wrapped for the encryption keys that the
 * newest cards of its audience name. */
struct sender *sender_find(struct author *author, const struct log *log, const struct audience *audience, struct wall_ms now);
/* The same, found in the log or made: its KEY commit is then appended.
 *   errors  ERR_INVALID  the audience is nobody, or not in order; ERR_LIMIT  more than AUDIENCE_NODES_MAX with ourselves; ERR_UNKNOWN_KEY  this node has no
 *           encryption key of its own; and those of author_append */
MUST_CHECK enum err sender_get(struct author *author, struct log *log, const struct audience *audience, struct wall_ms now, uint64_t roster_number,
                               struct sender **ret);
/* A key was given to somebody outside its audience: what comes next for this audience is sealed under another one, which he does not have. */
void sender_retire(struct author *author, const struct hash *id);
/* Nobody, not in order, too many: ERR_OK, ERR_INVALID or ERR_LIMIT as sender_get. */
MUST_CHECK enum err sender_audience_check(const struct author *author, const struct audience *audience);

/* Seal the inner form of `n` bytes that stands SEALED_NONCE_BYTES after `payload`, in place, and put `nonce` before it: n + SEALED_AROUND_BYTES bytes. The leaf
 * says the rest. */
void sender_seal(const struct author *author, const struct sender *sender, const uint8_t nonce[SEALED_NONCE_BYTES], uint8_t *payload, size_t n,
                 struct leaf *ret);

/* Write the KEY or GRANT payloads of one key, wrapped for these nodes; those without an encryption key are named without a wrap. `memory` has
 * SENDER_PARTS_MAX * PAYLOAD_BYTES_MAX, `ret` SENDER_PARTS_MAX.
 *   keys    of each node, or NULL with has_key false
 *   errors  ERR_MEMORY */
struct sender_receiver {
    bool has_key;
    struct box_public key;
};
MUST_CHECK enum err sender_payloads(const struct hash *id, struct sealing_key key, const struct audience *nodes, const struct sender_receiver *receivers,
                                    uint8_t *memory, struct span *ret, uint32_t *ret_parts);
/* The encryption keys that these nodes ought to be sent keys under: of ourselves the newest we have, of others that of the newest card held.
 *   errors  ERR_UNKNOWN_KEY  we have none; ERR_CORRUPT, ERR_MEMORY, ERR_IO */
MUST_CHECK enum err sender_receivers(struct author *author, const struct audience *nodes, struct sender_receiver *ret);

struct senders;
struct senders *senders_new(void); /* NULL when memory, or memory that can be locked, runs out */
void senders_destroy(struct senders **senders);

#endif

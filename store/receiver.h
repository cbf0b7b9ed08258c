/* receiver.h - our encryption keys, encryption-1, -2, ... of the keyring: what opens wraps for us. Old ones are kept as long as what they open.
 * They lie together in guarded memory, 128 to a block. One owner at a time. */
#ifndef GRIOT_STORE_RECEIVER_H
#define GRIOT_STORE_RECEIVER_H

#include "crypto/keyfile.h"
#include "crypto/wrap.h"
#include "proto/sender_key.h"

struct receiver;

/* `keyring` is borrowed for the receiver's life; its keys are read when they are first asked for. NULL when memory runs out. */
struct receiver *receiver_new(const struct keyring *keyring);
void receiver_destroy(struct receiver **receiver); /* accepts NULL */

/* Read keys that have come since. A key that cannot be read (ERR_CORRUPT, ERR_PERMISSION) ends the list, and the next call tries again.
 *   errors  ERR_MEMORY, ERR_IO, and those two when no key at all could be read */
MUST_CHECK enum err receiver_refresh(struct receiver *receiver);
/* How many keys there are, and a number that differs for other lists of the first `count` (at most so many): what a follower remembers of whom it
 * followed for. */
size_t receiver_count(const struct receiver *receiver);
uint64_t receiver_digest(const struct receiver *receiver, size_t count);
/* The public key that a card of ours ought to name.  ERR_NOT_FOUND  there is no key */
MUST_CHECK enum err receiver_newest(const struct receiver *receiver, struct box_public *ret);

/* Open a wrap into the bytes at `at` of `ret`, with the key that its tag names; of one unknown, after a refresh.
 *   errors  ERR_UNKNOWN_KEY  wrapped for a key that we do not have; ERR_BADSIG  damaged, or wrapped for another; ERR_MEMORY, ERR_IO */
MUST_CHECK enum err receiver_open(struct receiver *receiver, const struct sender_wrap *wrap, const struct box_public *ephemeral, struct secret *ret,
                                  size_t at);

/* Try every key on a wrap, whatever its tag says and whomever it is for: how many were tried, and how many opened it.  ERR_MEMORY */
MUST_CHECK enum err receiver_try(struct receiver *receiver, const struct sender_wrap *wrap, const struct box_public *ephemeral, uint64_t *ret_tried,
                                 uint64_t *ret_opened);

#endif

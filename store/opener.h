/* opener.h - opens sealed entries: finds the sender key in the author's logs, unwraps it with an encryption key of ours, checks that it is the one to
 * which the key id commits, and only then opens anything with it (WIRE.md 6.6 to 6.8). Keeps what it has unwrapped in one block of guarded memory.
 * Thread-safe: readers share one, a lock is held for the microseconds of a look-up. */
#ifndef GRIOT_STORE_OPENER_H
#define GRIOT_STORE_OPENER_H

#include "proto/sealed.h"
#include "store/audience.h"
#include "store/store.h"

struct opener;

enum { OPENER_SCRATCH_BYTES = PAYLOAD_BYTES_MAX + PAYLOAD_EXPANDED_BYTES_MAX };
#define OPENER_NOW UINT64_MAX /* all that is held */

/* `store` and `keyring` are borrowed for its life. Keys are read from the keyring when they are first needed, also those that come later (a rotation).
 *   errors  ERR_MEMORY */
MUST_CHECK enum err opener_new(struct store *store, const struct keyring *keyring, struct opener **ret);
void opener_destroy(struct opener **opener); /* accepts NULL */

/* Is this a sealed entry: of kind ENTRY_SEALED and codec CODEC_SEALED, with a key id? Whether its payload is here is not asked. */
bool entry_is_sealed(const struct entry *entry);

/* Open the sealed entry of a commit by `author` whose hash has been checked.
 *   scratch  OPENER_SCRATCH_BYTES; ret->payload points into it
 *   errors   ERR_NOT_FOUND    no key yet: no sender key with this id is held in a log of this author
 *            ERR_PERMISSION   not entitled: the key is here, and neither it nor a grant has a wrap for this node
 *            ERR_UNKNOWN_KEY  wrapped for an encryption key of ours that we do not have (any more)
 *            ERR_BADHASH      what was wrapped for us is not the key, or its list of readers not the one, to which the id commits: its author shows
 *                             different readers different things, or made a mistake
 *            ERR_BADSIG       the seal does not verify: of another author or region, or not made under this key
 *            ERR_MALFORMED, ERR_TRUNCATED, ERR_NONCANONICAL, ERR_OVERSIZE, ERR_LIMIT, ERR_EXPANSION, ERR_VERSION  of what is inside (proto/sealed.h)
 *            ERR_INVALID      not a sealed entry, or its payload is not here
 *            ERR_CORRUPT      the store is damaged; ERR_MEMORY, ERR_IO, and those of the transaction
 * The first four may change when something arrives; those up to ERR_VERSION never do. */
MUST_CHECK enum err opener_open(struct opener *opener, struct store_read *read, const struct node_id *author, const struct entry *entry, uint8_t *scratch,
                                struct sealed *ret);
/* Is this one of the first four? */
bool opener_may_change(enum err err);
/* The same by the writer's thread inside its transaction, whose own appends and admissions it sees. */
MUST_CHECK enum err opener_open_writing(struct opener *opener, const struct node_id *author, const struct entry *entry, uint8_t *scratch,
                                        struct sealed *ret);
/* The same with nothing but what stood in the journal up to item `until`: for followers of it, whose answer must not depend on when they ask. */
MUST_CHECK enum err opener_open_until(struct opener *opener, struct store_read *read, const struct node_id *author, const struct entry *entry,
                                      uint64_t until, uint8_t *scratch, struct sealed *ret);
/* Can entries under this key id be opened, with what stood in the journal up to `until`? ERR_OK, or the first four and the last line of opener_open. */
MUST_CHECK enum err opener_key(struct opener *opener, struct store_read *read, const struct node_id *author, const struct hash *id, uint64_t until);
/* Which encryption keys it has: how many, and a number that differs for other lists of the first `count` (SIZE_MAX: all). Reads those that have come. */
struct opener_keys {
    size_t count;
    uint64_t digest;
};
MUST_CHECK enum err opener_keys(struct opener *opener, size_t count, struct opener_keys *ret); /* ERR_MEMORY, ERR_IO */

/* Try every encryption key of ours on every wrap of a key and of its grants that is held, also on those for others: the proof that we cannot read what is
 * sealed under it.
 *   errors  ERR_NOT_FOUND  no key with this id is held in a log of this author; ERR_CORRUPT, ERR_MEMORY, ERR_IO, and those of the transaction */
struct opener_proof {
    uint64_t wraps, tried, opened; /* wraps looked at; pairs of a wrap and a key; those that opened */
};
MUST_CHECK enum err opener_prove(struct opener *opener, struct store_read *read, const struct node_id *author, const struct hash *id,
                                 struct opener_proof *ret);

/* ---- for the author's side (store/sender.h), in the writer's transaction ---- */

/* Copy an unwrapped key to the bytes at `at` of `ret`. Errors as opener_key. */
MUST_CHECK enum err opener_key_take(struct opener *opener, const struct node_id *author, const struct hash *id, struct secret *ret, size_t at);
/* The newest of our encryption keys.  ERR_NOT_FOUND  there is none; ERR_MEMORY, ERR_IO, ERR_CORRUPT, ERR_PERMISSION */
MUST_CHECK enum err opener_newest(struct opener *opener, struct box_public *ret);

#endif

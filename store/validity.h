/* validity.h - is this commit valid? A pure function of the commit, its chain and its birth: the same answer at every node for ever.
 * Here proto and crypto meet. The simulator links the same object. */
#ifndef GRIOT_STORE_VALIDITY_H
#define GRIOT_STORE_VALIDITY_H

#include "crypto/sign.h"
#include "crypto/hash.h"
#include "proto/commit.h"
#include "proto/notice.h"

/* A log as far as it is held. */
struct chain {
    struct region_id region;
    struct log_id log;
    struct node_id node;
    enum channel channel;
    struct sign_public key;
    uint64_t seq;
    uint64_t entries;
    struct hash hash;        /* of commit `seq` */
    uint64_t roster_version; /* of commit `seq`, 0 at birth */
};

/* How signatures are checked: sign_check, or the simulator's stand-in. */
typedef enum err (*signature_check)(enum sign_purpose purpose, const struct region_id *region, struct span bytes, const struct sign_public *key,
                                    const struct signature *signature);

/* Check a birth (region, caps, signature by `identity`) and begin its chain.
 *   errors  ERR_REGION, ERR_BADSIG, and those of birth_decode */
MUST_CHECK enum err birth_check(struct unpack *unpack, struct span bytes, const struct region_id *region, const struct sign_public *identity,
                                signature_check check, struct birth *ret_birth, struct chain *ret, const char **clause);
/* Decode a birth without knowing who signed it: to learn node and log id. */
MUST_CHECK enum err birth_peek(struct unpack *unpack, struct span bytes, struct birth *ret, struct log_id *ret_log, const char **clause);

/* Derive what the reduced form leaves out (region, log, previous, entries_total, content hashes of present payloads, root), from the chain. */
void commit_complete(const struct chain *chain, struct commit *commit);

/* Check a decoded reduced commit as the next of `chain` (seq, roster version not falling, caps, payload hashes by construction, signature),
 * complete it, and move `chain` on to it. `chain` and the commit's derived fields are unspecified after an error other than the first three.
 *   errors  ERR_GAP  beyond the next; ERR_STALE  at or before the head (compare hashes: maybe a fork); ERR_CHAIN; ERR_BADSIG; ERR_OVERSIZE */
MUST_CHECK enum err commit_check(struct chain *chain, struct commit *commit, signature_check check, const char **clause);

/* Fill in what an author must: seq, previous, totals, content hashes (from salt and payload), root; sign; move the chain on. The caller has set
 * entries (kind, flags, codec, audience, expiry_day, salt, payload), author_time, roster_version. */
void commit_author(struct chain *chain, struct commit *commit, const struct secret *log_key);

/* Hash of a completed commit. */
void commit_hash(const struct commit *commit, struct hash *ret);

/* A fork proof stands alone: both headers of one log and seq, different, both signed by the log's key, the birth signed by `identity`. Writes log and
 * seq. */
MUST_CHECK enum err fork_proof_check(struct unpack *unpack, const struct fork_proof *proof, const struct region_id *region,
                                     const struct sign_public *identity, signature_check check, struct log_id *ret_log, uint64_t *ret_seq,
                                     const char **clause);

#endif

/* membership.h - who is in: a pure function of the rosters and registrar acts held, whatever order they came in (DESIGN 4). */
#ifndef GRIOT_STORE_MEMBERSHIP_H
#define GRIOT_STORE_MEMBERSHIP_H

#include "proto/message.h"
#include "store/validity.h"

struct membership; /* immutable once built; heap object */

/* Build from the charter, all rosters (any order) and all acts held, as notices whose signatures are checked here too; those that do not verify are
 * left out. The rules: README.md 3. ERR_MEMORY, ERR_NOT_FOUND  no valid roster number 1: then nobody is in. */
MUST_CHECK enum err membership_build(const struct region_id *region, struct span charter, const struct span *rosters, size_t roster_count,
                                     const struct span *acts, size_t act_count, signature_check check, struct membership **ret);
void membership_destroy(struct membership **membership);

/* The same without that error, for whoever is about to check the first roster: nobody is in, and its number is 0. */
MUST_CHECK enum err membership_build_any(const struct region_id *region, struct span charter, const struct span *rosters, size_t roster_count,
                                         const struct span *acts, size_t act_count, signature_check check, struct membership **ret);

/* The newest roster that counts. Its hash is what the next roster names as previous: of a disputed number the hash over both rivals. */
uint64_t membership_roster_number(const struct membership *membership);
const struct hash *membership_roster_hash(const struct membership *membership);
enum profile membership_profile(const struct membership *membership);
/* The oldest session protocol that may connect, by the newest roster; 1 when there is none. */
uint32_t membership_protocol_min(const struct membership *membership);
/* HASH_ACTS over the sorted hashes of the acts held. */
const struct hash *membership_acts_digest(const struct membership *membership);

/* Is this roster, or a pair of rivals of that name, on the chain? */
bool membership_holds_roster(const struct membership *membership, uint64_t number, const struct hash *hash);

/* Are there two rosters of the newest number, so that nobody is admitted until the root settles it? */
bool membership_is_disputed(const struct membership *membership);

size_t membership_count(const struct membership *membership);
const struct member *membership_at(const struct membership *membership, size_t index); /* sorted by node id */
/* A present member (not suspended, not removed), or NULL. */
const struct member *membership_find(const struct membership *membership, const struct node_id *node);
const struct member *membership_by_name(const struct membership *membership, const char *name);
/* Whoever has been named by a roster of the chain or an admission that holds, present or not, as named last; NULL: never. For showing names. */
const struct member *membership_named(const struct membership *membership, const struct node_id *node);

/* The same by the name as last borne: whom a list means that names somebody who has left. NULL: nobody ever bore it. */
const struct member *membership_named_as(const struct membership *membership, const char *name);

/* Who may connect: the present members, and suspended hubs, which go on relaying but neither admit nor make final. Sorted by node id. */
size_t membership_peer_count(const struct membership *membership);
const struct member *membership_peer_at(const struct membership *membership, size_t index);
const struct member *membership_peer(const struct membership *membership, const struct node_id *node); /* NULL: may not */
/* Was this node put out, by a suspension in force or by the newest roster's cuts, and may not connect? Its keys are refused for good; others that
 * may not connect yet are refused for now. */
bool membership_is_revoked(const struct membership *membership, const struct node_id *node);

/* Named by the newest roster or an admission that holds, and suspended. */
bool membership_is_suspended(const struct membership *membership, const struct node_id *node);
/* The hubs of the newest roster, suspended ones too: what more than half of them hold is final, and a suspended one holds nothing. */
size_t membership_hub_count(const struct membership *membership);
/* Did the roster of this number, on the chain, name the node as a hub? Of a disputed number as the last undisputed one, less removals. The same for ever. */
bool membership_was_hub(const struct membership *membership, const struct node_id *node, uint64_t roster_number);

/* The identity key that any roster of the chain, or an admission that holds, names for this node. NULL: not known. */
const struct sign_public *membership_identity(const struct membership *membership, const struct node_id *node);
/* All of them, the newest first: index 0 is the one above. NULL past the end. */
const struct sign_public *membership_identity_at(const struct membership *membership, const struct node_id *node, size_t index);

/* The same, but only those that are named for it as a hub or an edge: they decide the validity of births, for an observer writes nothing. */
const struct sign_public *membership_author_at(const struct membership *membership, const struct node_id *node, size_t index);
/* How many identity keys this node has had before `key`, and whether that is its newest one. False: it is none of them. */
bool membership_key_place(const struct membership *membership, const struct node_id *node, const struct sign_public *key, uint32_t *ret_before, bool *ret_is_newest);

/* Is a log of `node`, whose birth `identity` has signed, cut? `ret` is then its last head that counts: of a log that the cut does not name, its
 * birth. By the newest roster that has cut it since it was listed with this key: logs under another identity key than the node's present one, all logs of a node that is not in. By
 * suspensions in force: all logs. Of several the lowest (seq, hash). */
bool membership_cut(const struct membership *membership, const struct node_id *node, const struct sign_public *identity, const struct log_id *log,
                    struct head *ret);

/* The first of the two alone: what the root has decided, which also settles a fork before it (README 3.6). */
bool membership_cut_by_root(const struct membership *membership, const struct node_id *node, const struct sign_public *identity, const struct log_id *log,
                            struct head *ret);

/* Does this charter, roster or act verify, and on what does it stand? Writes what names it.
 *   errors  ERR_REGION; ERR_UNKNOWN_KEY  the roster before it, or on which it stands, is not held; ERR_BADSIG; ERR_NOT_MEMBER  not by a hub of that
 *           roster; ERR_MALFORMED  an act that admits a hub; those of the decoders; ERR_MEMORY */
MUST_CHECK enum err membership_check(const struct membership *membership, struct unpack *unpack, const struct notice *notice, signature_check check,
                                     struct notice_ref *ret, const char **clause);

/* An act that people must know of: a suspension in force, an admission that holds and that no roster has confirmed yet. */
struct membership_act {
    enum act_kind kind;
    struct node_id registrar, subject;
    struct wall_ms created;
    const char *reason; /* of a suspension, as the registrar gave it; may be empty; borrowed */
};
/* Write the one at `index` (0..), in an order that is the same everywhere. False past the end. */
bool membership_act_at(const struct membership *membership, size_t index, struct membership_act *ret);

/* Admissions proposed by exactly one registrar so far: for `griot admit` and status. Returns how many; writes at most `max`. */
size_t membership_proposed(const struct membership *membership, struct member *ret, struct node_id *ret_by, size_t max);
/* Acts made by this registrar on the newest roster, of one kind: the next act's number is one more. */
uint32_t membership_acts_made(const struct membership *membership, const struct node_id *registrar, enum act_kind kind);

#endif

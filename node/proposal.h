/* proposal.h - an unsigned next roster, made at one desk and carried to the holders of the root keys (OPERATE.md 10).
 *
 * Proposal file: the line "griot proposal 1", 32 bytes HASH_FILE over all that follows, then the MessagePack array [roster (bin, WIRE.md 4.2), [notice (bin), ...]]. The notices are those of
 * the region file it stands on, and the cards it brings: so it shows by itself what it changes, and the region file it becomes needs nothing but signatures. */
#ifndef GRIOT_NODE_PROPOSAL_H
#define GRIOT_NODE_PROPOSAL_H

#include "node/region_file.h"
#include "proto/extension.h"
#include "store/lineage.h"
#include "store/membership.h"

struct proposal {
    struct region_file region; /* what it stands on, and brings */
    struct lineage *lineage;   /* of that: the rosters in their order */
    struct membership *membership;
    uint8_t *body; /* the roster as it is to be signed */
    size_t body_bytes;
    struct roster roster;
    struct hash hash; /* of the body */
    char fingerprint[FINGERPRINT_CHARS];
};

/* What the next roster changes. All spans and texts are borrowed; lists of names end with NULL, and may be NULL. */
struct proposal_plan {
    const struct span *cards; /* notices: they join, or have a newer card */
    size_t card_count;
    const struct span *identities; /* notices: cards by which members change their identity key. The old key's logs are cut */
    size_t identity_count;
    const char *const *removed; /* they leave. What of theirs is final counts, and what the cut of a suspension names */
    const char *const *lifted;  /* their suspension ends: all they have written counts again */
    const struct extension *extensions; /* of nodes that are out: their cuts name what these name, where that is more */
    size_t extension_count;
    const struct sign_public *new_keys; /* further root keys */
    uint32_t new_key_count;
    uint32_t dropped_keys; /* bit i: the root key at place i of the last list goes. A new key takes its place while there are any */
    uint32_t threshold;    /* 0: as before */
    bool has_profile;
    enum profile profile;
    uint32_t protocol_min; /* 0: as before */
    struct wall_ms now;
};
/* Make the next roster after what `region` holds (taken, also after an error): the members of the last roster, less those that leave, with those whom two hubs have admitted since, and with
 * those of the cards. After two rosters of one number it names both, keeps to the last undisputed one and what either has removed or cut, and so settles it (store/README.md 3.2).
 *   errors  ERR_REGION, ERR_BADSIG, ERR_MALFORMED ...  a card
 *           ERR_EXISTS     two nodes of one name; a card with another identity key, role or name than the last roster says; a root key that is there already
 *           ERR_NOT_FOUND  nobody of a name, or no root key at such a place; an identity card of no member
 *           ERR_INVALID    a name both removed and lifted, or removed and among the cards; no hub left; a threshold above the number of keys
 *           ERR_REGION, ERR_NOT_FOUND, ERR_INVALID  an extension of another region, of a node without a cut, of a node that is in
 *           ERR_OVERSIZE   more members or cuts than a roster holds, more logs than a cut; ERR_LIMIT  more root keys; ERR_CORRUPT  `region`; ERR_MEMORY
 *           `*why` is then an English msgid, a clause, or NULL */
MUST_CHECK enum err proposal_make(struct region_file *region, const struct proposal_plan *plan, struct proposal *ret, const char **why);
void proposal_fini(struct proposal *proposal);
/* Parts of it: `lineage` and `membership` from `region`; then, with these and `body`, the rest and the check whom it follows. As proposal_read */
MUST_CHECK enum err proposal_stand(struct proposal *proposal);
MUST_CHECK enum err proposal_settle(struct proposal *proposal, const char **why);

/* Write it, whole or not at all. ERR_OVERSIZE; those of file_write */
MUST_CHECK enum err proposal_write(const struct proposal *proposal, const char *path);
/* Read one and check charter, rosters and acts that it carries, and that it follows the last roster.
 *   errors  ERR_MALFORMED  no proposal; ERR_VERSION; ERR_BADHASH  changed or cut short since it was made; ERR_REGION  it and its charter do not belong together
 *           ERR_STALE  it carries a roster of its own number, or a later one; ERR_CHAIN  it does not follow the last roster that it carries; those of file_read; ERR_MEMORY */
MUST_CHECK enum err proposal_read(const char *path, struct proposal *ret, const char **why);
/* The same check against a region file of one's own: does it follow the last roster there too? ERR_REGION, ERR_STALE, ERR_CHAIN, ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err proposal_follows(const struct proposal *proposal, const struct region_file *region, const char **why);

/* ---- who must sign ---- */

struct proposal_signers {
    uint32_t before_count, before_threshold; /* of the last undisputed roster, or of the charter */
    const struct sign_public *before;        /* borrowed */
    uint32_t after_count, after_threshold;   /* of the proposal */
    const struct sign_public *after;
};
void proposal_signers(const struct proposal *proposal, struct proposal_signers *ret);
/* The place of a key in a list, or `count`. */
uint32_t proposal_key_place(const struct sign_public *keys, uint32_t count, const struct sign_public *key);
/* How a signature by this key is numbered in the notice (WIRE.md 4.7); UINT32_MAX: it is a key of neither list. */
uint32_t proposal_key_number(const struct proposal *proposal, const struct sign_public *key);

/* ---- what it changes ---- */

enum proposal_change_kind {
    CHANGE_SETTLES,      /* two rosters of one number: `text` has their fingerprints */
    CHANGE_JOINS,        /* by its card (`print`, when the proposal carries it), or admitted by hubs (`is_admitted`); `is_back`: an earlier roster has removed it */
    CHANGE_LEAVES,
    CHANGE_IDENTITY,     /* `print` of its new card, when the proposal carries it */
    CHANGE_ROLE,         /* from `role_before` to `role` */
    CHANGE_NAME,         /* `text` is the name before */
    CHANGE_CUT,          /* of a node that is out, or of an old identity key: `logs` of its logs are named. Others end at their birth, but never below what is final */
    CHANGE_LIFTED,       /* its suspension ends */
    CHANGE_SUSPENDED,    /* no change: its suspension goes on, since the roster does not speak of it */
    CHANGE_KEY_ADDED,    /* root key at place `place` (1..): `print` */
    CHANGE_KEY_DROPPED,  /* root key at place `place` of the list before */
    CHANGE_THRESHOLD,    /* from `before` to `after` */
    CHANGE_PROFILE,      /* likewise, enum profile */
    CHANGE_PROTOCOL,     /* likewise */
};
struct proposal_change {
    enum proposal_change_kind kind;
    struct node_id node; /* zeros for those of root keys and settings */
    char name[NAME_BYTES_MAX + 1];
    enum role role, role_before;
    bool is_admitted, is_back;
    char print[FINGERPRINT_CHARS]; /* or "" */
    char text[2 * FINGERPRINT_CHARS];
    uint32_t logs, place, before, after;
};
/* Everything in which it differs from the last roster, but its number, date and whom it follows. Yours to free. ERR_MEMORY */
MUST_CHECK enum err proposal_changes(const struct proposal *proposal, struct proposal_change **ret, size_t *ret_count);

#endif

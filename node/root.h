/* root.h - the root's ceremony: founding a region, signing its rosters. Done by hand, offline, seldom. OPERATE.md 10 has it step by step.
 *
 *   DIR/charter        the charter, a notice; its hash is the region id
 *   DIR/key-1 ...      one folder for each root key (node/root_key.h); each is carried away by its holder, and comes back only when he signs here
 *   DIR/region         the region file (node/region_file.h)
 *
 * The holders sign at one desk (root_roster), or each at his own: a proposal (node/proposal.h) is carried to them, their signatures are carried back, and root_combine makes the roster. */
#ifndef GRIOT_NODE_ROOT_H
#define GRIOT_NODE_ROOT_H

#include "node/proposal.h"
#include "node/root_key.h"

struct root_plan {
    const char *name;   /* of the region: 1..NAME_BYTES_MAX of a-z 0-9 - */
    uint32_t threshold; /* 1..keys */
    uint32_t keys;      /* 1..CHARTER_KEYS_MAX */
    struct wall_ms now;
};

/* What seals or opens root key `number` (1..): write `ret`; its secrets are borrowed until the next call. */
typedef enum err (*root_unlock)(void *arg, uint32_t number, struct unlock *ret);

/* Make the region: the folder `path`, charter and root keys. Leaves nothing half made under that name.
 *   errors  ERR_EXISTS; ERR_INVALID  the plan; ERR_NOT_FOUND  no parent folder; ERR_PERMISSION; those of `unlock`; ERR_IO, ERR_FULL, ERR_MEMORY */
MUST_CHECK enum err root_create(const char *path, const struct root_plan *plan, root_unlock unlock, void *arg, struct region_id *ret);

/* Make the next proposal of DIR. `also`: a region file whose rosters, acts and cards are taken in first (griot region, at a hub), or NULL. DIR stays as it is. proposal_fini it.
 *   errors  ERR_NOT_FOUND  no region in DIR; ERR_REGION  `also` is another region's; ERR_CORRUPT, ERR_MALFORMED ...  DIR/region or `also`; those of proposal_make; `*why` as there */
MUST_CHECK enum err root_propose(const char *path, const char *also, const struct proposal_plan *plan, struct proposal *ret, const char **why);

struct root_signed {
    uint64_t number; /* of the new roster */
    char fingerprint[FINGERPRINT_CHARS];
    uint32_t members, added, removed, lifted; /* nodes */
    uint32_t signatures;
    /* Of those who have to sign, how many have: the root keys before, and those of the roster itself. Bit i: the key at place i has. Also set when root_combine refuses */
    uint32_t before_signed, after_signed;
    bool is_short; /* of signatures: that is why it was refused */
};
/* Make the roster of a proposal with these signatures, and put it and all that the proposal brings into DIR/region. DIR need not be where the proposal was made.
 *   errors  ERR_NOT_FOUND    too few have signed: `ret` says who has. Or no region in DIR
 *           ERR_EXISTS       that roster is in DIR/region already; or two of the signatures are by one key
 *           ERR_BADHASH      a signature is of another proposal; ERR_UNKNOWN_KEY  by no root key; ERR_BADSIG  it does not verify; ERR_REGION  of another region
 *           ERR_STALE        DIR/region has a roster of that number, or a later one; ERR_CHAIN  it does not follow the last one there
 *           ERR_IO, ERR_FULL, ERR_MEMORY; `*why` is an English msgid or NULL, `*ret_bad` the index of the signature that was refused, or SIZE_MAX. DIR is then as it was. */
MUST_CHECK enum err root_combine(const char *path, const struct proposal *proposal, const struct root_signature *signatures, size_t count, struct root_signed *ret, size_t *ret_bad, const char **why);

/* All of it at one desk: propose, sign with the key folders DIR/key-1 ... that are there, whatever their numbers, until both thresholds are reached, and combine.
 *   errors  ERR_NOT_FOUND  also: fewer root keys in DIR than must sign; ERR_UNKNOWN_KEY  a folder holds a key that is no root key; those of `unlock`, root_key_open and root_key_sign, and of the above */
MUST_CHECK enum err root_roster(const char *path, const char *also, const struct proposal_plan *plan, bool is_again, root_unlock unlock, void *arg, struct root_signed *ret, const char **why);

#endif

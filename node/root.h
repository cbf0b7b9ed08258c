/* root.h - the root's ceremony: founding a region, signing its rosters. Done by hand, offline, seldom. OPERATE.md has it step by step.
 *
 *   DIR/charter        the charter, a notice; its hash is the region id
 *   DIR/key-1 ...      one sealed folder of keys for each root key (crypto/keyfile.h, KEYS.md 1), the key in the file `root`; each is carried away by its holder
 *   DIR/region         the region file (node/region_file.h) */
#ifndef GRIOT_NODE_ROOT_H
#define GRIOT_NODE_ROOT_H

#include "crypto/keyfile.h"
#include "node/region_file.h"

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

struct root_signed {
    uint64_t number; /* of the new roster */
    uint32_t members, added, removed, lifted;
    uint32_t signatures;
};
/* What the next roster changes of the members of the last one. Names; NULL-ended, or NULL. */
struct root_changes {
    const char *const *removed; /* leave the region. What of theirs is final counts, and what the cut of a suspension that DIR/region holds names */
    const char *const *lifted;  /* end their suspension: the roster names them in its cuts and lists them, so that all they have written counts again */
};
/* Make the next roster of DIR: the members of the last one and those of the cards (notices), signed by as many of the root keys present as the threshold asks for;
 * `changes` may be NULL. DIR/region then holds it and the cards. `profile` is kept for rosters after the first unless `has_profile`.
 *   errors  ERR_NOT_FOUND   no charter in DIR, or fewer key folders than the threshold; `*why` says which
 *           ERR_REGION, ERR_BADSIG, ERR_MALFORMED ...  a card; ERR_EXISTS  two nodes of one name, or a node with another identity key or role than the last roster says
 *           ERR_NOT_FOUND   nobody of a name in `changes`; ERR_INVALID  a name both removed and lifted, or removed and among the cards
 *           ERR_INVALID     no member at all, or no hub among them; ERR_OVERSIZE  more members than a roster holds; ERR_CORRUPT  a key that is not the charter's, or DIR/region
 *           those of `unlock` and of keyring_open; ERR_IO, ERR_FULL, ERR_MEMORY; `*why` (may be NULL) is an English msgid or NULL. DIR is then as it was. */
MUST_CHECK enum err root_sign_roster(const char *path, const struct span *cards, size_t count, const struct root_changes *changes, bool has_profile, enum profile profile, struct wall_ms now, root_unlock unlock,
                                     void *arg, struct root_signed *ret, const char **why);

#endif

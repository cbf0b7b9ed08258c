/* lineage.h - the rosters held, verified and in their one order, whatever order they came in (DESIGN 4).
 * A roster counts when the threshold of the one before it (the charter, for the first) and its own threshold have signed it. Two of one number
 * that both count dispute that number: the last undisputed one rules on, less what either removes, until a roster names both (README 3.2).
 * Immutable once built. */
#ifndef GRIOT_STORE_LINEAGE_H
#define GRIOT_STORE_LINEAGE_H

#include "store/validity.h"

enum { LINEAGE_RIVALS_MAX = 8 }; /* rosters of one number that are looked at: the lowest hashes */

/* A cut as it stands in a roster or act, in memory of its own length. */
struct cut_list {
    struct node_id node;
    uint32_t count;
    struct head *heads; /* sorted by log; .entries is 0 */
};
/* Copy a decoded cut. ERR_MEMORY */
MUST_CHECK enum err cut_list_copy(const struct cut *cut, struct cut_list *ret);
void cut_list_fini(struct cut_list *cut);

struct lineage_roster {
    uint64_t number;
    struct hash hash, previous;
    uint32_t threshold, key_count;
    struct sign_public keys[CHARTER_KEYS_MAX];
    enum profile profile;
    uint32_t protocol_min;
    uint32_t member_count, cut_count;
    struct member *members; /* sorted by node */
    struct cut_list *cuts;  /* sorted by node */
    size_t base;            /* whose keys have signed it: an index, or LINEAGE_CHARTER */
};
#define LINEAGE_CHARTER SIZE_MAX

/* One number of the chain: one roster, or rivals. */
struct lineage_level {
    uint64_t number;
    struct hash hash;                   /* how it is named: the roster's, or of rivals HASH_NOTICE over the two lowest, in order */
    size_t base;                        /* the last undisputed roster up to here, or LINEAGE_CHARTER */
    uint32_t count;                     /* 1, or 2..LINEAGE_RIVALS_MAX */
    size_t rosters[LINEAGE_RIVALS_MAX]; /* rising by hash */
};

struct lineage {
    struct region_id region;
    struct charter charter;
    bool has_charter;
    size_t roster_count; /* those that verify, rising by (number, hash); also those off the chain */
    struct lineage_roster *rosters;
    size_t level_count; /* of the chain, 1.. ; level i has number i + 1 */
    struct lineage_level *levels;
};

/* Build from notices; what does not verify is left out. Without a charter of this region nothing verifies.
 *   errors  ERR_MEMORY */
MUST_CHECK enum err lineage_build(const struct region_id *region, struct span charter, const struct span *rosters, size_t count,
                                  signature_check check, struct lineage **ret);
void lineage_destroy(struct lineage **lineage);

/* Does this charter or roster notice verify? Writes its hash and, for a roster, its number.
 *   errors  ERR_REGION; ERR_UNKNOWN_KEY  the roster before it is not held; ERR_BADSIG; those of the decoders; ERR_MEMORY */
MUST_CHECK enum err lineage_check(const struct lineage *lineage, struct unpack *unpack, const struct notice *notice, signature_check check,
                                  uint64_t *ret_number, struct hash *ret_hash, const char **clause);

/* The newest level, or NULL. */
const struct lineage_level *lineage_tip(const struct lineage *lineage);
/* The level that (number, hash) names: of a disputed one the pair or any of the rivals. NULL: not on the chain. */
const struct lineage_level *lineage_level_of(const struct lineage *lineage, uint64_t number, const struct hash *hash);
/* A member as a level has it: of a disputed one as the base has it, unless a rival has removed it. NULL: not in. */
const struct member *lineage_member(const struct lineage *lineage, const struct lineage_level *level, const struct node_id *node);
/* The roster whose members a level has, less removals: itself, or its base. NULL: a disputed first one, where nobody is in. */
const struct lineage_roster *lineage_roster_of(const struct lineage *lineage, const struct lineage_level *level);
/* Does any roster of the level name this node in its cuts? */
bool lineage_names_cut(const struct lineage *lineage, const struct lineage_level *level, const struct node_id *node);
/* Has a roster named this node in its cuts and none listed it since? */
bool lineage_has_left(const struct lineage *lineage, const struct node_id *node);
/* How the rosters cut logs of `node` under the identity key `identity`: `each` is called with every cut that binds, none when the node is listed with that key. Of those since the last roster
 * that listed the node with this key the newest; at the tip of two rosters of one number, those of both too. */
void lineage_cuts(const struct lineage *lineage, const struct node_id *node, const struct sign_public *identity, void (*each)(void *arg, const struct cut_list *cut), void *arg);

#endif

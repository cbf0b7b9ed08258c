#include "store/lineage.h"

#include <assert.h>
#include <stdlib.h>

/* ---- cuts ---- */

enum err cut_list_copy(const struct cut *cut, struct cut_list *ret)
{
    struct head *heads = NULL;
    if (cut->head_count > 0) {
        heads = calloc(cut->head_count, sizeof *heads);
        if (heads == NULL) {
            return ERR_MEMORY;
        }
        memcpy(heads, cut->heads, cut->head_count * sizeof *heads);
    }
    *ret = (struct cut_list){cut->node, cut->head_count, heads};
    return ERR_OK;
}

void cut_list_fini(struct cut_list *cut)
{
    free(cut->heads);
    cut->heads = NULL;
    cut->count = 0;
}

/* ---- one roster ---- */

static void roster_free(struct lineage_roster *roster)
{
    for (uint32_t i = 0; i < roster->cut_count; i++) {
        cut_list_fini(&roster->cuts[i]);
    }
    free(roster->cuts);
    free(roster->members);
    memset(roster, 0, sizeof *roster);
}

/* Take over a decoded roster; empties it. */
static enum err roster_take(struct roster *roster, const struct hash *hash, struct lineage_roster *ret)
{
    struct lineage_roster taken = {.number = roster->number,
                                   .hash = *hash,
                                   .previous = roster->previous,
                                   .threshold = roster->threshold,
                                   .key_count = roster->key_count,
                                   .profile = roster->profile,
                                   .protocol_min = roster->protocol_min};
    memcpy(taken.keys, roster->keys, sizeof taken.keys);
    if (roster->cut_count > 0) {
        taken.cuts = calloc(roster->cut_count, sizeof *taken.cuts);
        if (taken.cuts == NULL) {
            return ERR_MEMORY;
        }
    }
    for (uint32_t i = 0; i < roster->cut_count; i++) {
        if (cut_list_copy(&roster->cuts[i], &taken.cuts[i]) != ERR_OK) {
            roster_free(&taken);
            return ERR_MEMORY;
        }
        taken.cut_count++;
    }
    taken.members = roster->members;
    taken.member_count = roster->member_count;
    roster->members = NULL;
    roster->member_count = 0;
    roster_fini(roster);
    *ret = taken;
    return ERR_OK;
}

/* ---- signatures ---- */

struct signers { /* a list of root keys and how many must sign */
    const struct sign_public *keys;
    uint32_t count, threshold;
};

static struct signers signers_of(const struct lineage *lineage, size_t base)
{
    if (base == LINEAGE_CHARTER) {
        return (struct signers){lineage->charter.keys, lineage->charter.key_count, lineage->charter.threshold};
    }
    const struct lineage_roster *roster = &lineage->rosters[base];
    return (struct signers){roster->keys, roster->key_count, roster->threshold};
}

static uint32_t key_index(const struct signers *signers, const struct sign_public *key)
{
    uint32_t i = 0;
    while (i < signers->count && memcmp(signers->keys[i].b, key->b, sizeof key->b) != 0) {
        i++;
    }
    return i;
}

static uint32_t bits(uint32_t set)
{
    uint32_t n = 0;
    for (; set != 0; set &= set - 1) {
        n++;
    }
    return n;
}

/* Both thresholds reached, and every signature good: one that is not was put in by somebody on the way. */
static enum err thresholds_check(const struct notice *notice, const struct region_id *region, const struct signers *own, const struct signers *before,
                                 signature_check check, const char **clause)
{
    uint32_t own_signed = 0, before_signed = 0; /* sets of key indices: a key counts once however it signs */
    for (uint32_t i = 0; i < notice->signature_count; i++) {
        const struct notice_signature *s = &notice->signatures[i];
        const struct signers *list = s->key < CHARTER_KEYS_MAX ? own : before;
        uint32_t index = s->key < CHARTER_KEYS_MAX ? s->key : s->key - CHARTER_KEYS_MAX;
        if (index >= list->count || check(SIGN_ROSTER, region, notice->body, &list->keys[index], &s->signature) != ERR_OK) {
            *clause = "store/README.md 3.1: a signature of the roster is by no root key";
            return ERR_BADSIG;
        }
        uint32_t in_own = key_index(own, &list->keys[index]);
        uint32_t in_before = key_index(before, &list->keys[index]);
        own_signed |= in_own < own->count ? 1u << in_own : 0;
        before_signed |= in_before < before->count ? 1u << in_before : 0;
    }
    bool is_enough = bits(own_signed) >= own->threshold && bits(before_signed) >= before->threshold;
#ifdef GRIOT_WITHOUT_T22_THRESHOLD
    is_enough = true;
#endif
    if (!is_enough) {
        *clause = "store/README.md 3.1: the roster is signed by fewer root keys than the thresholds ask for";
        return ERR_BADSIG;
    }
    return ERR_OK;
}

/* ---- placing a roster below its parents ---- */

static void pair_hash(const struct hash *a, const struct hash *b, struct hash *ret)
{
    struct hash_state state;
    const struct hash *low = memcmp(a->b, b->b, sizeof a->b) < 0 ? a : b;
    hash_start(&state, HASH_NOTICE);
    hash_add(&state, span_of(low->b, sizeof low->b));
    hash_add(&state, span_of(low == a ? b->b : a->b, sizeof b->b));
    hash_end(&state, ret);
}

/* Whose keys must have signed a roster of this number after `previous`: false when that is not held. */
static bool base_find(const struct lineage *lineage, uint64_t number, const struct hash *previous, size_t *ret)
{
    static const struct hash zero;
    if (number == 1) {
        *ret = LINEAGE_CHARTER;
        return hash_equal(previous, &zero);
    }
    for (size_t i = 0; i < lineage->roster_count; i++) {
        const struct lineage_roster *a = &lineage->rosters[i];
        if (a->number != number - 1) {
            continue;
        }
        bool is_followed = hash_equal(&a->hash, previous);
#ifdef GRIOT_WITHOUT_T22_ROLLBACK
        is_followed = true; /* whichever it says it follows */
#endif
        if (is_followed) {
            *ret = i;
            return true;
        }
        /* Or two rivals, named together: then the last undisputed one before them signs. */
        for (size_t j = i + 1; j < lineage->roster_count && lineage->rosters[j].number == a->number; j++) {
            struct hash pair;
            pair_hash(&a->hash, &lineage->rosters[j].hash, &pair);
            if (hash_equal(&pair, previous) && hash_equal(&a->previous, &lineage->rosters[j].previous)) {
                *ret = a->base;
                return true;
            }
        }
    }
    return false;
}

/* Check a decoded roster against the ones held. */
static enum err roster_check(const struct lineage *lineage, const struct notice *notice, const struct roster *roster, signature_check check,
                             size_t *ret_base, const char **clause)
{
    size_t base;
    if (!region_id_equal(&roster->region, &lineage->region)) {
        *clause = "store/README.md 3.1: the roster is of another region";
        return ERR_REGION;
    }
    if (!lineage->has_charter || !base_find(lineage, roster->number, &roster->previous, &base)) {
        *clause = "store/README.md 3.1: the roster before it is not held";
        return ERR_UNKNOWN_KEY;
    }
    struct signers own = {roster->keys, roster->key_count, roster->threshold};
    struct signers before = signers_of(lineage, base);
    enum err err = thresholds_check(notice, &lineage->region, &own, &before, check, clause);
    if (err == ERR_OK) {
        *ret_base = base;
    }
    return err;
}

static enum err charter_check(const struct region_id *region, struct unpack *unpack, struct span body, struct charter *ret, const char **clause)
{
    struct hash hash;
    hash_of(HASH_CHARTER, body, &hash);
    if (memcmp(hash.b, region->b, sizeof hash.b) != 0) {
        *clause = "store/README.md 3.1: the charter is of another region";
        return ERR_REGION;
    }
    return charter_decode(unpack, body, ret, clause);
}

enum err lineage_check(const struct lineage *lineage, struct unpack *unpack, const struct notice *notice, signature_check check, uint64_t *ret_number,
                       struct hash *ret_hash, const char **clause)
{
    struct charter charter;
    struct roster roster;
    size_t base;
    hash_of(HASH_NOTICE, notice->body, ret_hash);
    if (notice->kind == NOTICE_CHARTER) {
        *ret_number = 0;
        return charter_check(&lineage->region, unpack, notice->body, &charter, clause);
    }
    enum err err = roster_decode(unpack, notice->body, &roster, clause);
    if (err != ERR_OK) {
        return err;
    }
    *ret_number = roster.number;
    err = roster_check(lineage, notice, &roster, check, &base, clause);
    roster_fini(&roster);
    return err;
}

/* ---- building ---- */

/* What sorts the notices before they are verified: parents come before children. */
struct candidate {
    uint64_t number;
    struct hash hash;
    struct span bytes;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->number != y->number) {
        return x->number < y->number ? -1 : 1;
    }
    return memcmp(x->hash.b, y->hash.b, sizeof x->hash.b);
}

static enum err candidates_read(struct unpack *unpack, const struct span *rosters, size_t count, struct candidate *ret, size_t *ret_count)
{
    struct notice notice;
    struct roster roster;
    const char *clause = NULL;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        enum err err = notice_decode(unpack, rosters[i], &notice, &clause);
        if (err == ERR_OK && notice.kind == NOTICE_ROSTER) {
            err = roster_decode(unpack, notice.body, &roster, &clause);
            if (err == ERR_OK) {
                ret[n].number = roster.number;
                ret[n].bytes = rosters[i];
                hash_of(HASH_NOTICE, notice.body, &ret[n].hash);
                n++;
                roster_fini(&roster);
            }
        }
        if (err == ERR_MEMORY) {
            return err;
        }
    }
    *ret_count = n;
    return ERR_OK;
}

static enum err candidate_add(struct lineage *lineage, struct unpack *unpack, const struct candidate *candidate, signature_check check)
{
    struct notice notice;
    struct roster roster;
    const char *clause = NULL;
    size_t base;
    size_t n = lineage->roster_count;
    if (n > 0 && hash_equal(&lineage->rosters[n - 1].hash, &candidate->hash)) {
        return ERR_OK; /* the same with other signatures: one that verifies is enough */
    }
    enum err err = notice_decode(unpack, candidate->bytes, &notice, &clause);
    if (err == ERR_OK) {
        err = roster_decode(unpack, notice.body, &roster, &clause);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? err : ERR_OK;
    }
    err = roster_check(lineage, &notice, &roster, check, &base, &clause);
    if (err == ERR_OK) {
        err = roster_take(&roster, &candidate->hash, &lineage->rosters[n]);
        if (err == ERR_OK) {
            lineage->rosters[n].base = base;
            lineage->roster_count++;
        }
    }
    roster_fini(&roster);
    return err == ERR_MEMORY ? err : ERR_OK;
}

/* Does a roster follow this level (NULL: the beginning)? */
static bool is_child(const struct lineage *lineage, const struct lineage_level *level, const struct lineage_roster *roster)
{
    if (level == NULL) {
        return roster->number == 1;
    }
    if (roster->number != level->number + 1) {
        return false;
    }
    if (level->count == 1) {
        return hash_equal(&roster->previous, &level->hash);
    }
    for (uint32_t i = 0; i < level->count; i++) {
        for (uint32_t j = i + 1; j < level->count; j++) {
            struct hash pair;
            pair_hash(&lineage->rosters[level->rosters[i]].hash, &lineage->rosters[level->rosters[j]].hash, &pair);
            if (hash_equal(&pair, &roster->previous)) {
                return true;
            }
        }
    }
    return false;
}

/* The next level of the chain, or false when there is none. */
static bool level_next(const struct lineage *lineage, const struct lineage_level *before, struct lineage_level *ret)
{
    *ret = (struct lineage_level){.number = before == NULL ? 1 : before->number + 1, .base = before == NULL ? LINEAGE_CHARTER : before->base};
    for (size_t i = 0; i < lineage->roster_count && ret->count < LINEAGE_RIVALS_MAX; i++) {
        if (is_child(lineage, before, &lineage->rosters[i])) {
            ret->rosters[ret->count++] = i; /* rising by hash, as they are sorted */
        }
    }
    if (ret->count == 1) {
        ret->base = ret->rosters[0];
        ret->hash = lineage->rosters[ret->base].hash;
    } else if (ret->count > 1) {
        pair_hash(&lineage->rosters[ret->rosters[0]].hash, &lineage->rosters[ret->rosters[1]].hash, &ret->hash);
    }
    return ret->count > 0;
}

static enum err levels_build(struct lineage *lineage)
{
    if (lineage->roster_count == 0) {
        return ERR_OK;
    }
    lineage->levels = calloc(lineage->roster_count, sizeof *lineage->levels);
    if (lineage->levels == NULL) {
        return ERR_MEMORY;
    }
    while (lineage->level_count < lineage->roster_count && level_next(lineage, lineage_tip(lineage), &lineage->levels[lineage->level_count])) {
        lineage->level_count++;
    }
    return ERR_OK;
}

static void charter_read(struct lineage *lineage, struct unpack *unpack, struct span charter)
{
    struct notice notice;
    const char *clause = NULL;
    lineage->has_charter = charter.n > 0 && notice_decode(unpack, charter, &notice, &clause) == ERR_OK && notice.kind == NOTICE_CHARTER &&
                           charter_check(&lineage->region, unpack, notice.body, &lineage->charter, &clause) == ERR_OK;
}

enum err lineage_build(const struct region_id *region, struct span charter, const struct span *rosters, size_t count, signature_check check,
                       struct lineage **ret)
{
    struct lineage *lineage = calloc(1, sizeof *lineage);
    struct unpack *unpack = unpack_new();
    struct candidate *candidates = calloc(count + 1, sizeof *candidates);
    size_t candidate_count = 0;
    enum err err = ERR_MEMORY;
    if (lineage == NULL || unpack == NULL || candidates == NULL) {
        goto end;
    }
    lineage->region = *region;
    lineage->rosters = calloc(count + 1, sizeof *lineage->rosters);
    if (lineage->rosters == NULL) {
        goto end;
    }
    charter_read(lineage, unpack, charter);
    err = candidates_read(unpack, rosters, count, candidates, &candidate_count);
    if (err == ERR_OK) {
        qsort(candidates, candidate_count, sizeof *candidates, compare_candidates);
    }
    for (size_t i = 0; i < candidate_count && err == ERR_OK; i++) {
        err = candidate_add(lineage, unpack, &candidates[i], check);
    }
    if (err == ERR_OK) {
        err = levels_build(lineage);
    }
    if (err == ERR_OK) {
        *ret = lineage;
        lineage = NULL;
    }
end:
    free(candidates);
    unpack_destroy(&unpack);
    lineage_destroy(&lineage);
    return err;
}

void lineage_destroy(struct lineage **lineage)
{
    if (*lineage == NULL) {
        return;
    }
    for (size_t i = 0; i < (*lineage)->roster_count; i++) {
        roster_free(&(*lineage)->rosters[i]);
    }
    free((*lineage)->rosters);
    free((*lineage)->levels);
    free(*lineage);
    *lineage = NULL;
}

/* ---- questions ---- */

const struct lineage_level *lineage_tip(const struct lineage *lineage)
{
    return lineage->level_count == 0 ? NULL : &lineage->levels[lineage->level_count - 1];
}

const struct lineage_level *lineage_level_of(const struct lineage *lineage, uint64_t number, const struct hash *hash)
{
    if (number == 0 || number > lineage->level_count) {
        return NULL;
    }
    const struct lineage_level *level = &lineage->levels[number - 1];
    if (hash_equal(&level->hash, hash)) {
        return level;
    }
    for (uint32_t i = 0; i < level->count; i++) {
        if (hash_equal(&lineage->rosters[level->rosters[i]].hash, hash)) {
            return level;
        }
    }
    return NULL;
}

static const struct member *roster_member(const struct lineage_roster *roster, const struct node_id *node)
{
    size_t low = 0, high = roster->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(roster->members[middle].node.b, node->b, sizeof node->b);
        if (order == 0) {
            return &roster->members[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct lineage_roster *lineage_roster_of(const struct lineage *lineage, const struct lineage_level *level)
{
    return level->base == LINEAGE_CHARTER ? NULL : &lineage->rosters[level->base];
}

const struct member *lineage_member(const struct lineage *lineage, const struct lineage_level *level, const struct node_id *node)
{
    const struct lineage_roster *roster = lineage_roster_of(lineage, level);
    for (uint32_t i = 0; level->count > 1 && i < level->count; i++) {
        if (roster_member(&lineage->rosters[level->rosters[i]], node) == NULL) {
            return NULL; /* a removal by either holds */
        }
    }
    return roster == NULL ? NULL : roster_member(roster, node);
}

bool lineage_names_cut(const struct lineage *lineage, const struct lineage_level *level, const struct node_id *node)
{
    for (uint32_t i = 0; i < level->count; i++) {
        const struct lineage_roster *roster = &lineage->rosters[level->rosters[i]];
        for (uint32_t j = 0; j < roster->cut_count; j++) {
            if (node_id_equal(&roster->cuts[j].node, node)) {
                return true;
            }
        }
    }
    return false;
}

/* Levels whose rosters have a say: of two of one number only at the tip, before the next one has settled it. */
static bool has_say(const struct lineage *lineage, const struct lineage_level *level)
{
    return level->count == 1 || level == lineage_tip(lineage);
}

bool lineage_has_left(const struct lineage *lineage, const struct node_id *node)
{
    for (size_t i = lineage->level_count; i > 0; i--) {
        const struct lineage_level *level = &lineage->levels[i - 1];
        if (level->count == 1 && lineage_member(lineage, level, node) != NULL) {
            return false;
        }
        if (has_say(lineage, level) && lineage_names_cut(lineage, level, node)) {
            return true;
        }
    }
    return false;
}

void lineage_cuts(const struct lineage *lineage, const struct node_id *node, const struct sign_public *identity, void (*each)(void *arg, const struct cut_list *cut), void *arg)
{
    for (size_t i = lineage->level_count; i > 0; i--) {
        const struct lineage_level *level = &lineage->levels[i - 1];
        const struct member *member = level->count == 1 || i == lineage->level_count ? lineage_member(lineage, level, node) : NULL;
        if (member != NULL && memcmp(member->identity.b, identity->b, sizeof identity->b) == 0) {
            return;
        }
        bool is_named = false;
        for (uint32_t j = 0; has_say(lineage, level) && j < level->count; j++) {
            const struct lineage_roster *roster = &lineage->rosters[level->rosters[j]];
            for (uint32_t k = 0; k < roster->cut_count; k++) {
                if (node_id_equal(&roster->cuts[k].node, node)) {
                    each(arg, &roster->cuts[k]);
                    is_named = true;
                }
            }
        }
        if (is_named && level->count == 1) {
            return;
        }
    }
}

#include "store/membership.h"

#include "store/lineage.h"

#include <assert.h>
#include <stdlib.h>

/* An act that verifies. */
struct deed {
    struct hash hash;
    uint64_t roster_number;
    struct node_id registrar;
    enum act_kind kind;
    uint32_t number;
    struct member subject;
    struct cut_list cut;
    struct wall_ms created;
    char reason[ACT_REASON_BYTES_MAX + 1];
    bool is_void; /* another act with the same number has the lower hash */
};

/* An admission: the same subject by one registrar or more. */
struct admission {
    struct member subject;
    struct hash lowest; /* of its acts */
    struct node_id by;  /* the first registrar */
    bool is_complete;   /* a second one too */
};

struct membership {
    struct lineage *lineage;
    struct deed *deeds; /* rising by (registrar, roster number, kind, number, hash) */
    size_t deed_count;
    struct admission *admissions; /* that hold, at most one complete of a node */
    size_t admission_count;
    struct member *members; /* present, sorted by node */
    size_t member_count;
    struct member *peers; /* the same with suspended hubs */
    size_t peer_count;
    size_t hub_count;
    struct hash acts_digest;
};

static bool member_equal(const struct member *a, const struct member *b)
{
    return node_id_equal(&a->node, &b->node) && a->role == b->role && memcmp(a->identity.b, b->identity.b, sizeof a->identity.b) == 0 &&
           strcmp(a->name, b->name) == 0;
}

/* ---- acts ---- */

/* Check a decoded act: on a roster of the chain, by one of its hubs. */
static enum err act_check(const struct lineage *lineage, const struct notice *notice, const struct act *act, signature_check check,
                          const char **clause)
{
    if (!region_id_equal(&act->region, &lineage->region)) {
        *clause = "store/README.md 3.3: the act is of another region";
        return ERR_REGION;
    }
    const struct lineage_level *level = lineage_level_of(lineage, act->roster_number, &act->roster_hash);
    if (level == NULL) {
        *clause = "store/README.md 3.3: the roster on which the act stands is not held";
        return ERR_UNKNOWN_KEY;
    }
    const struct member *registrar = lineage_member(lineage, level, &act->registrar);
    if (registrar == NULL || registrar->role != ROLE_HUB) {
        *clause = "store/README.md 3.3: the act is not by a hub of the roster on which it stands";
        return ERR_NOT_MEMBER;
    }
    if (act->kind == ACT_ADMIT && act->subject.role == ROLE_HUB) {
        *clause = "store/README.md 3.3: only a roster makes a hub";
        return ERR_MALFORMED;
    }
    if (check(SIGN_ACT, &lineage->region, notice->body, &registrar->identity, &notice->signatures[0].signature) != ERR_OK) {
        *clause = "store/README.md 3.3: the act is not signed by its registrar's identity key";
        return ERR_BADSIG;
    }
    return ERR_OK;
}

static int compare_deeds(const void *a, const void *b)
{
    const struct deed *x = a;
    const struct deed *y = b;
    int order = memcmp(x->registrar.b, y->registrar.b, sizeof x->registrar.b);
    if (order != 0) {
        return order;
    }
    if (x->roster_number != y->roster_number) {
        return x->roster_number < y->roster_number ? -1 : 1;
    }
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    if (x->number != y->number) {
        return x->number < y->number ? -1 : 1;
    }
    return memcmp(x->hash.b, y->hash.b, sizeof x->hash.b);
}

static enum err deed_add(struct membership *m, struct unpack *unpack, struct span bytes, signature_check check, struct act *act)
{
    struct notice notice;
    const char *clause = NULL;
    enum err err = notice_decode(unpack, bytes, &notice, &clause);
    if (err == ERR_OK && notice.kind != NOTICE_ACT) {
        return ERR_OK;
    }
    if (err == ERR_OK) {
        err = act_decode(unpack, notice.body, act, &clause);
    }
    if (err == ERR_OK) {
        err = act_check(m->lineage, &notice, act, check, &clause);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? err : ERR_OK;
    }
    struct deed *deed = &m->deeds[m->deed_count];
    *deed = (struct deed){
        .roster_number = act->roster_number, .registrar = act->registrar, .kind = act->kind, .number = act->number, .subject = act->subject, .created = act->created};
    memcpy(deed->reason, act->reason, sizeof deed->reason);
    hash_of(HASH_NOTICE, notice.body, &deed->hash);
    if (act->kind == ACT_SUSPEND && cut_list_copy(&act->cut, &deed->cut) != ERR_OK) {
        return ERR_MEMORY;
    }
    m->deed_count++;
    return ERR_OK;
}

/* Sort, drop repetitions, and mark those that lose against another of the same number. */
static void deeds_settle(struct membership *m)
{
    size_t n = 0;
    if (m->deed_count > 1) {
        qsort(m->deeds, m->deed_count, sizeof *m->deeds, compare_deeds);
    }
    for (size_t i = 0; i < m->deed_count; i++) {
        struct deed *before = n == 0 ? NULL : &m->deeds[n - 1];
        struct deed *deed = &m->deeds[i];
        if (before != NULL && hash_equal(&before->hash, &deed->hash)) {
            cut_list_fini(&deed->cut);
            continue;
        }
        deed->is_void = before != NULL && node_id_equal(&before->registrar, &deed->registrar) && before->roster_number == deed->roster_number &&
                        before->kind == deed->kind && before->number == deed->number;
        m->deeds[n++] = *deed;
    }
    m->deed_count = n;
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash));
}

static enum err digest_build(struct membership *m)
{
    struct hash_state state;
    struct hash *hashes = calloc(m->deed_count + 1, sizeof *hashes);
    if (hashes == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < m->deed_count; i++) {
        hashes[i] = m->deeds[i].hash;
    }
    qsort(hashes, m->deed_count, sizeof *hashes, compare_hashes);
    hash_start(&state, HASH_ACTS);
    for (size_t i = 0; i < m->deed_count; i++) {
        hash_add(&state, span_of(hashes[i].b, sizeof hashes[i].b));
    }
    hash_end(&state, &m->acts_digest);
    free(hashes);
    return ERR_OK;
}

/* Does a suspension still hold? Until a later, undisputed roster names the node in its cuts: that one then decides (README 3.3). */
static bool suspension_holds(const struct membership *m, const struct deed *deed)
{
    if (deed->kind != ACT_SUSPEND || deed->is_void) {
        return false;
    }
    for (size_t i = 0; i < m->lineage->level_count; i++) {
        const struct lineage_level *level = &m->lineage->levels[i];
        if (level->number > deed->roster_number && level->count == 1 && lineage_names_cut(m->lineage, level, &deed->subject.node)) {
            return false;
        }
    }
    return true;
}

static bool is_suspended(const struct membership *m, const struct node_id *node)
{
#ifdef GRIOT_WITHOUT_T20_SUSPENSION
    return false;
#endif
    for (size_t i = 0; i < m->deed_count; i++) {
        if (node_id_equal(&m->deeds[i].subject.node, node) && suspension_holds(m, &m->deeds[i])) {
            return true;
        }
    }
    return false;
}

/* A hub of the newest roster in good standing. */
static bool is_registrar(const struct membership *m, const struct node_id *node)
{
    const struct lineage_level *tip = lineage_tip(m->lineage);
    const struct member *member = tip == NULL ? NULL : lineage_member(m->lineage, tip, node);
    return member != NULL && member->role == ROLE_HUB && !is_suspended(m, node);
}

/* Does an admission still count: no roster after it has named the node, and none on which it stands has cut it? */
static bool admission_counts(const struct membership *m, const struct deed *deed)
{
    const struct lineage_level *tip = lineage_tip(m->lineage);
    if (deed->kind != ACT_ADMIT || deed->is_void || tip == NULL || tip->count > 1 || !is_registrar(m, &deed->registrar)) {
        return false;
    }
    for (size_t i = 0; i < m->lineage->level_count; i++) {
        const struct lineage_level *level = &m->lineage->levels[i];
        bool is_after = level->number > deed->roster_number;
        if (is_after && lineage_member(m->lineage, level, &deed->subject.node) != NULL) {
            return false;
        }
        if (is_after && lineage_names_cut(m->lineage, level, &deed->subject.node)) {
            return false;
        }
    }
    return lineage_member(m->lineage, tip, &deed->subject.node) == NULL && !lineage_has_left(m->lineage, &deed->subject.node);
}

static void admission_add(struct membership *m, const struct deed *deed)
{
    for (size_t i = 0; i < m->admission_count; i++) {
        struct admission *a = &m->admissions[i];
        if (member_equal(&a->subject, &deed->subject)) {
            a->is_complete = a->is_complete || !node_id_equal(&a->by, &deed->registrar);
            if (memcmp(deed->hash.b, a->lowest.b, sizeof a->lowest.b) < 0) {
                a->lowest = deed->hash;
            }
            return;
        }
    }
    m->admissions[m->admission_count++] = (struct admission){deed->subject, deed->hash, deed->registrar, false};
}

/* Of several complete admissions of one node with different names or keys, the one with the lowest act holds. */
static bool admission_wins(const struct membership *m, const struct admission *a)
{
    for (size_t i = 0; i < m->admission_count; i++) {
        const struct admission *b = &m->admissions[i];
        if (a != b && b->is_complete && node_id_equal(&a->subject.node, &b->subject.node) &&
            (!a->is_complete || memcmp(b->lowest.b, a->lowest.b, sizeof a->lowest.b) < 0)) {
            return false;
        }
    }
    return true;
}

static enum err admissions_build(struct membership *m)
{
    m->admissions = calloc(m->deed_count + 1, sizeof *m->admissions);
    if (m->admissions == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < m->deed_count; i++) {
        if (admission_counts(m, &m->deeds[i])) {
            admission_add(m, &m->deeds[i]);
        }
    }
    return ERR_OK;
}

/* ---- who is present ---- */

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    return memcmp(x->node.b, y->node.b, sizeof x->node.b);
}

static enum err members_build(struct membership *m)
{
    const struct lineage_level *tip = lineage_tip(m->lineage);
    const struct lineage_roster *roster = tip == NULL ? NULL : lineage_roster_of(m->lineage, tip);
    size_t rostered = roster == NULL ? 0 : roster->member_count;
    m->members = calloc(rostered + m->admission_count + 1, sizeof *m->members);
    m->peers = calloc(rostered + m->admission_count + 1, sizeof *m->peers);
    if (m->members == NULL || m->peers == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < rostered; i++) {
        const struct member *member = lineage_member(m->lineage, tip, &roster->members[i].node);
        m->hub_count += member != NULL && member->role == ROLE_HUB;
        bool is_out = member == NULL || is_suspended(m, &member->node);
        if (!is_out) {
            m->members[m->member_count++] = *member;
        }
        if (!is_out || (member != NULL && member->role == ROLE_HUB)) {
            m->peers[m->peer_count++] = *member;
        }
    }
    for (size_t i = 0; i < m->admission_count; i++) {
        const struct admission *a = &m->admissions[i];
        if (a->is_complete && admission_wins(m, a) && !is_suspended(m, &a->subject.node)) {
            m->members[m->member_count++] = a->subject;
            m->peers[m->peer_count++] = a->subject;
        }
    }
    qsort(m->members, m->member_count, sizeof *m->members, compare_members);
    qsort(m->peers, m->peer_count, sizeof *m->peers, compare_members);
    return ERR_OK;
}

enum err membership_build_any(const struct region_id *region, struct span charter, const struct span *rosters, size_t roster_count,
                              const struct span *acts, size_t act_count, signature_check check, struct membership **ret)
{
    struct membership *m = calloc(1, sizeof *m);
    struct unpack *unpack = unpack_new();
    struct act *act = malloc(sizeof *act);
    enum err err = m == NULL || unpack == NULL || act == NULL ? ERR_MEMORY : ERR_OK;
    if (err == ERR_OK) {
        err = lineage_build(region, charter, rosters, roster_count, check, &m->lineage);
    }
    if (err == ERR_OK) {
        m->deeds = calloc(act_count + 1, sizeof *m->deeds);
        err = m->deeds == NULL ? ERR_MEMORY : ERR_OK;
    }
    for (size_t i = 0; i < act_count && err == ERR_OK; i++) {
        err = deed_add(m, unpack, acts[i], check, act);
    }
    if (err == ERR_OK) {
        deeds_settle(m);
        err = digest_build(m);
    }
    if (err == ERR_OK) {
        err = admissions_build(m);
    }
    if (err == ERR_OK) {
        err = members_build(m);
    }
    free(act);
    unpack_destroy(&unpack);
    if (err != ERR_OK) {
        membership_destroy(&m);
        return err;
    }
    *ret = m;
    return ERR_OK;
}

enum err membership_build(const struct region_id *region, struct span charter, const struct span *rosters, size_t roster_count,
                          const struct span *acts, size_t act_count, signature_check check, struct membership **ret)
{
    struct membership *m = NULL;
    enum err err = membership_build_any(region, charter, rosters, roster_count, acts, act_count, check, &m);
    if (err == ERR_OK && lineage_tip(m->lineage) == NULL) {
        membership_destroy(&m);
        return ERR_NOT_FOUND;
    }
    if (err == ERR_OK) {
        *ret = m;
    }
    return err;
}

void membership_destroy(struct membership **membership)
{
    struct membership *m = *membership;
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->deed_count; i++) {
        cut_list_fini(&m->deeds[i].cut);
    }
    free(m->deeds);
    free(m->admissions);
    free(m->members);
    free(m->peers);
    lineage_destroy(&m->lineage);
    free(m);
    *membership = NULL;
}

/* ---- questions ---- */

uint64_t membership_roster_number(const struct membership *membership)
{
    const struct lineage_level *tip = lineage_tip(membership->lineage);
    return tip == NULL ? 0 : tip->number;
}

const struct hash *membership_roster_hash(const struct membership *membership)
{
    static const struct hash zero;
    const struct lineage_level *tip = lineage_tip(membership->lineage);
    return tip == NULL ? &zero : &tip->hash;
}

enum profile membership_profile(const struct membership *membership)
{
    const struct lineage_level *tip = lineage_tip(membership->lineage);
    const struct lineage_roster *roster = tip == NULL ? NULL : lineage_roster_of(membership->lineage, tip);
    return roster == NULL ? PROFILE_OPEN : roster->profile;
}

uint32_t membership_protocol_min(const struct membership *membership)
{
    const struct lineage_level *tip = lineage_tip(membership->lineage);
    const struct lineage_roster *roster = tip == NULL ? NULL : lineage_roster_of(membership->lineage, tip);
    return roster == NULL || roster->protocol_min == 0 ? 1 : roster->protocol_min;
}

const struct hash *membership_acts_digest(const struct membership *membership)
{
    return &membership->acts_digest;
}

bool membership_holds_roster(const struct membership *membership, uint64_t number, const struct hash *hash)
{
    return lineage_level_of(membership->lineage, number, hash) != NULL;
}

bool membership_is_disputed(const struct membership *membership)
{
    const struct lineage_level *tip = lineage_tip(membership->lineage);
    return tip != NULL && tip->count > 1;
}

size_t membership_count(const struct membership *membership)
{
    return membership->member_count;
}

const struct member *membership_at(const struct membership *membership, size_t index)
{
    assert(index < membership->member_count);
    return &membership->members[index];
}

const struct member *membership_find(const struct membership *membership, const struct node_id *node)
{
    struct member key = {.node = *node};
    return bsearch(&key, membership->members, membership->member_count, sizeof key, compare_members);
}

size_t membership_peer_count(const struct membership *membership)
{
    return membership->peer_count;
}

const struct member *membership_peer_at(const struct membership *membership, size_t index)
{
    assert(index < membership->peer_count);
    return &membership->peers[index];
}

const struct member *membership_peer(const struct membership *membership, const struct node_id *node)
{
    struct member key = {.node = *node};
    return bsearch(&key, membership->peers, membership->peer_count, sizeof key, compare_members);
}

bool membership_is_revoked(const struct membership *membership, const struct node_id *node)
{
    if (membership_peer(membership, node) != NULL) {
        return false;
    }
    return is_suspended(membership, node) || lineage_has_left(membership->lineage, node);
}

const struct member *membership_named(const struct membership *membership, const struct node_id *node)
{
    const struct member *found = membership_peer(membership, node);
    for (size_t i = 0; i < membership->admission_count && found == NULL; i++) {
        const struct admission *a = &membership->admissions[i];
        found = a->is_complete && node_id_equal(&a->subject.node, node) ? &a->subject : NULL;
    }
    for (size_t i = membership->lineage->level_count; i > 0 && found == NULL; i--) {
        found = lineage_member(membership->lineage, &membership->lineage->levels[i - 1], node);
    }
    return found;
}

const struct member *membership_named_as(const struct membership *membership, const char *name)
{
    const struct member *found = membership_by_name(membership, name);
    for (size_t i = 0; i < membership->peer_count && found == NULL; i++) {
        found = strcmp(membership->peers[i].name, name) == 0 ? &membership->peers[i] : NULL;
    }
    for (size_t i = 0; i < membership->admission_count && found == NULL; i++) {
        const struct admission *a = &membership->admissions[i];
        found = a->is_complete && strcmp(a->subject.name, name) == 0 ? &a->subject : NULL;
    }
    for (size_t i = membership->lineage->level_count; i > 0 && found == NULL; i--) {
        const struct lineage_roster *roster = lineage_roster_of(membership->lineage, &membership->lineage->levels[i - 1]);
        for (uint32_t j = 0; roster != NULL && j < roster->member_count && found == NULL; j++) {
            found = strcmp(roster->members[j].name, name) == 0 ? &roster->members[j] : NULL;
        }
    }
    return found;
}

const struct member *membership_by_name(const struct membership *membership, const char *name)
{
    const struct lineage_level *tip = lineage_tip(membership->lineage);
    const struct member *found = NULL;
    for (size_t i = 0; i < membership->member_count; i++) {
        const struct member *member = &membership->members[i];
        if (strcmp(member->name, name) != 0) {
            continue;
        }
        if (lineage_member(membership->lineage, tip, &member->node) != NULL) {
            return member; /* no admission takes the name of a node that the root has named */
        }
        found = found == NULL ? member : found;
    }
    return found;
}

bool membership_is_suspended(const struct membership *membership, const struct node_id *node)
{
    const struct lineage_level *tip = lineage_tip(membership->lineage);
    bool is_named = tip != NULL && lineage_member(membership->lineage, tip, node) != NULL;
    for (size_t i = 0; i < membership->admission_count && !is_named; i++) {
        is_named = membership->admissions[i].is_complete && node_id_equal(&membership->admissions[i].subject.node, node);
    }
    return is_named && is_suspended(membership, node);
}

bool membership_was_hub(const struct membership *membership, const struct node_id *node, uint64_t roster_number)
{
    const struct lineage *lineage = membership->lineage;
    if (roster_number == 0 || roster_number > lineage->level_count) {
        return false;
    }
    const struct member *member = lineage_member(lineage, &lineage->levels[roster_number - 1], node);
    return member != NULL && member->role == ROLE_HUB;
}

size_t membership_hub_count(const struct membership *membership)
{
    return membership->hub_count;
}

enum { KEYS_MAX = 64 }; /* identity keys that one node has had; older ones are not asked for */

static void key_add(const struct sign_public *found[KEYS_MAX], size_t *count, const struct sign_public *key)
{
    for (size_t i = 0; i < *count; i++) {
        if (memcmp(found[i]->b, key->b, sizeof key->b) == 0) {
            return;
        }
    }
    if (*count < KEYS_MAX) {
        found[(*count)++] = key;
    }
}

/* The identity keys of a node, the newest first; `is_author`: only those under which it may write, hence not as an observer. */
static size_t keys_of(const struct membership *membership, const struct node_id *node, bool is_author, const struct sign_public *found[KEYS_MAX])
{
    const struct lineage *lineage = membership->lineage;
    size_t count = 0;
    for (size_t i = 0; i < membership->admission_count; i++) {
        const struct admission *a = &membership->admissions[i];
        if (a->is_complete && admission_wins(membership, a) && node_id_equal(&a->subject.node, node) && (!is_author || a->subject.role != ROLE_OBSERVER)) {
            key_add(found, &count, &a->subject.identity);
        }
    }
    for (size_t i = lineage->level_count; i > 0; i--) {
        const struct lineage_level *level = &lineage->levels[i - 1];
        const struct member *member = level->count == 1 ? lineage_member(lineage, level, node) : NULL;
        if (member != NULL && (!is_author || member->role != ROLE_OBSERVER)) {
            key_add(found, &count, &member->identity);
        }
    }
    return count;
}

const struct sign_public *membership_identity_at(const struct membership *membership, const struct node_id *node, size_t index)
{
    const struct sign_public *found[KEYS_MAX];
    return index < keys_of(membership, node, false, found) ? found[index] : NULL;
}

const struct sign_public *membership_author_at(const struct membership *membership, const struct node_id *node, size_t index)
{
    const struct sign_public *found[KEYS_MAX];
    return index < keys_of(membership, node, true, found) ? found[index] : NULL;
}

bool membership_key_place(const struct membership *membership, const struct node_id *node, const struct sign_public *key, uint32_t *ret_before, bool *ret_is_newest)
{
    const struct sign_public *found[KEYS_MAX];
    size_t count = keys_of(membership, node, false, found);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(found[i]->b, key->b, sizeof key->b) == 0) {
            *ret_before = (uint32_t)(count - 1 - i);
            *ret_is_newest = i == 0;
            return true;
        }
    }
    return false;
}

const struct sign_public *membership_identity(const struct membership *membership, const struct node_id *node)
{
    return membership_identity_at(membership, node, 0);
}

/* ---- cuts ---- */

static const struct head *cut_head(const struct cut_list *cut, const struct log_id *log)
{
    for (uint32_t i = 0; i < cut->count; i++) {
        if (log_id_compare(&cut->heads[i].log, log) == 0) {
            return &cut->heads[i];
        }
    }
    return NULL;
}

/* Lower `ret` to where this cut ends the log. */
static void cut_lower(const struct cut_list *cut, const struct log_id *log, bool *is_cut, struct head *ret)
{
    const struct head *named = cut_head(cut, log);
    struct head head = {.log = *log, .seq = 0};
    memcpy(head.hash.b, log->b, sizeof head.hash.b); /* not named: the birth */
    if (named != NULL) {
        head = *named;
    }
    if (!*is_cut || head.seq < ret->seq || (head.seq == ret->seq && memcmp(head.hash.b, ret->hash.b, sizeof head.hash.b) < 0)) {
        *ret = head;
    }
    *is_cut = true;
}

struct cutting {
    const struct log_id *log;
    bool is_cut;
    struct head *ret;
};

static void cut_by_roster(void *arg, const struct cut_list *cut)
{
    struct cutting *cutting = arg;
    cut_lower(cut, cutting->log, &cutting->is_cut, cutting->ret);
}

bool membership_cut_by_root(const struct membership *membership, const struct node_id *node, const struct sign_public *identity, const struct log_id *log,
                            struct head *ret)
{
    struct cutting cutting = {.log = log, .ret = ret};
    if (lineage_tip(membership->lineage) != NULL) {
        lineage_cuts(membership->lineage, node, identity, cut_by_roster, &cutting);
    }
    return cutting.is_cut;
}

bool membership_cut(const struct membership *membership, const struct node_id *node, const struct sign_public *identity, const struct log_id *log,
                    struct head *ret)
{
    struct cutting cutting = {.log = log, .ret = ret};
    cutting.is_cut = membership_cut_by_root(membership, node, identity, log, ret);
    for (size_t i = 0; i < membership->deed_count && lineage_tip(membership->lineage) != NULL; i++) {
        const struct deed *deed = &membership->deeds[i];
        if (node_id_equal(&deed->subject.node, node) && suspension_holds(membership, deed)) {
            cut_lower(&deed->cut, log, &cutting.is_cut, ret);
        }
    }
    return cutting.is_cut;
}

/* ---- notices ---- */

/* What names an act, as in message.h. */
static uint64_t act_counter(const struct act *act)
{
    return act->roster_number * 65536 + (uint64_t)act->kind * 256 + act->number;
}

enum err membership_check(const struct membership *membership, struct unpack *unpack, const struct notice *notice, signature_check check,
                          struct notice_ref *ret, const char **clause)
{
    struct notice_ref ref = {.kind = notice->kind};
    struct hash hash;
    enum err err;
    if (notice->kind == NOTICE_ACT) {
        struct act *act = malloc(sizeof *act);
        if (act == NULL) {
            return ERR_MEMORY;
        }
        err = act_decode(unpack, notice->body, act, clause);
        if (err == ERR_OK) {
            err = act_check(membership->lineage, notice, act, check, clause);
            memcpy(ref.subject, act->registrar.b, sizeof ref.subject);
            ref.counter = act_counter(act);
            hash_of(HASH_NOTICE, notice->body, &hash);
        }
        free(act);
    } else {
        assert(notice->kind == NOTICE_CHARTER || notice->kind == NOTICE_ROSTER);
        err = lineage_check(membership->lineage, unpack, notice, check, &ref.counter, &hash, clause);
    }
    if (err == ERR_OK) {
        memcpy(ref.hash, hash.b, sizeof ref.hash);
        *ret = ref;
    }
    return err;
}

size_t membership_proposed(const struct membership *membership, struct member *ret, struct node_id *ret_by, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < membership->admission_count; i++) {
        const struct admission *a = &membership->admissions[i];
        if (!a->is_complete && admission_wins(membership, a)) {
            if (count < max) {
                ret[count] = a->subject;
                ret_by[count] = a->by;
            }
            count++;
        }
    }
    return count;
}

/* Does an admission stand, without a roster's confirmation? */
static bool admission_stands(const struct membership *m, const struct deed *deed)
{
    for (size_t i = 0; i < m->admission_count && deed->kind == ACT_ADMIT && admission_counts(m, deed); i++) {
        const struct admission *a = &m->admissions[i];
        if (a->is_complete && admission_wins(m, a) && member_equal(&a->subject, &deed->subject)) {
            return true;
        }
    }
    return false;
}

bool membership_act_at(const struct membership *membership, size_t index, struct membership_act *ret)
{
    size_t found = 0;
    for (size_t i = 0; i < membership->deed_count; i++) {
        const struct deed *deed = &membership->deeds[i];
        if (!suspension_holds(membership, deed) && !admission_stands(membership, deed)) {
            continue;
        }
        if (found++ == index) {
            *ret = (struct membership_act){deed->kind, deed->registrar, deed->subject.node, deed->created, deed->reason};
            return true;
        }
    }
    return false;
}

uint32_t membership_acts_made(const struct membership *membership, const struct node_id *registrar, enum act_kind kind)
{
    uint64_t number = membership_roster_number(membership);
    uint32_t made = 0;
    for (size_t i = 0; i < membership->deed_count; i++) {
        const struct deed *deed = &membership->deeds[i];
        if (node_id_equal(&deed->registrar, registrar) && deed->kind == kind && deed->roster_number == number && deed->number > made) {
            made = deed->number;
        }
    }
    return made;
}

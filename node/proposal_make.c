/* proposal_make.c - the next roster: the last one, changed as the plan says. */
#include "node/proposal.h"

#include <stdlib.h>

#include "crypto/sign.h"
#include "node/cli/i18n.h"

struct making {
    const struct proposal_plan *plan;
    struct proposal *proposal;
    struct unpack *unpack;
    const struct lineage_level *tip; /* of what it follows; NULL: the first */
    struct roster next;              /* its lists are ours: MEMBERS_MAX, ROSTER_CUTS_MAX */
    struct act *act;
    const char *why;
};

static enum err refuse(struct making *m, enum err err, const char *why)
{
    m->why = why;
    return err;
}

/* ---- members ---- */

static bool is_among(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static struct member *member_named(struct making *m, const char *name)
{
    for (uint32_t i = 0; i < m->next.member_count; i++) {
        if (strcmp(m->next.members[i].name, name) == 0) {
            return &m->next.members[i];
        }
    }
    return NULL;
}

static struct member *member_of(struct making *m, const struct node_id *node)
{
    for (uint32_t i = 0; i < m->next.member_count; i++) {
        if (node_id_equal(&m->next.members[i].node, node)) {
            return &m->next.members[i];
        }
    }
    return NULL;
}

static enum err member_add(struct making *m, const struct member *member)
{
    if (member_named(m, member->name) != NULL) {
        return refuse(m, ERR_EXISTS, N_("two nodes have one name"));
    }
    if (m->next.member_count == MEMBERS_MAX) {
        return refuse(m, ERR_OVERSIZE, N_("more members than a roster holds"));
    }
    m->next.members[m->next.member_count++] = *member;
    return ERR_OK;
}

/* Those of the last roster; after two of one number, those of the one before less whom either removes. */
static void members_keep(struct making *m)
{
    const struct lineage_roster *last = m->tip == NULL ? NULL : lineage_roster_of(m->proposal->lineage, m->tip);

    for (uint32_t i = 0; last != NULL && i < last->member_count; i++) {
        const struct member *member = lineage_member(m->proposal->lineage, m->tip, &last->members[i].node);

        if (member != NULL) {
            m->next.members[m->next.member_count++] = *member;
        }
    }
}

/* Whom two hubs have admitted since: the roster confirms it. */
static enum err members_confirm(struct making *m)
{
    const struct membership *membership = m->proposal->membership;
    enum err err = ERR_OK;

    for (size_t i = 0; i < membership_count(membership) && err == ERR_OK; i++) {
        const struct member *member = membership_at(membership, i);

        if (member_of(m, &member->node) == NULL && !is_among(m->plan->removed, member->name)) {
            err = member_add(m, member);
        }
    }
    return err;
}

static enum err card_read(struct making *m, struct span notice, struct card *ret, struct member *ret_member)
{
    char print[FINGERPRINT_CHARS];
    enum err err = card_open(notice, ret, print, &m->why);

    if (err == ERR_OK && !region_id_equal(&ret->region, &m->proposal->region.id)) {
        return refuse(m, ERR_REGION, N_("a card is of another region"));
    }
    if (err == ERR_OK) {
        *ret_member = (struct member){.node = ret->node, .role = ret->role, .identity = ret->identity};
        memcpy(ret_member->name, ret->name, sizeof ret_member->name);
    }
    return err;
}

static bool is_key(const struct sign_public *a, const struct sign_public *b) { return memcmp(a->b, b->b, sizeof a->b) == 0; }

static enum err members_join(struct making *m)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < m->plan->card_count && err == ERR_OK; i++) {
        struct card card;
        struct member member, *held;

        err = card_read(m, m->plan->cards[i], &card, &member);
        if (err != ERR_OK) {
            break;
        }
        if (is_among(m->plan->removed, card.name)) {
            return refuse(m, ERR_INVALID, N_("a node is both removed and among the cards"));
        }
        held = member_of(m, &member.node);
        if (held == NULL) {
            err = member_add(m, &member);
        } else if (!is_key(&held->identity, &member.identity)) {
            err = refuse(m, ERR_EXISTS, N_("a card names another identity key for a node than the last roster: a key is replaced with --identity CARD, which cuts what the old one signs"));
        } else if (held->role != member.role || strcmp(held->name, member.name) != 0) {
            err = refuse(m, ERR_EXISTS, N_("a card names another role or name for a node than the last roster"));
        }
        if (err == ERR_OK) {
            err = region_file_put(&m->proposal->region, m->plan->cards[i], &m->why);
        }
    }
    return err;
}

/* ---- cuts ---- */

static int compare_heads(const void *a, const void *b) { return log_id_compare(&((const struct head *)a)->log, &((const struct head *)b)->log); }

static struct head *head_of(struct cut *cut, const struct log_id *log)
{
    for (uint32_t i = 0; i < cut->head_count; i++) {
        if (log_id_compare(&cut->heads[i].log, log) == 0) {
            return &cut->heads[i];
        }
    }
    return NULL;
}

static void head_add(struct cut *cut, const struct head *head)
{
    if (head_of(cut, &head->log) == NULL && cut->head_count < CUT_HEADS_MAX) {
        cut->heads[cut->head_count++] = *head;
    }
}

/* Lower `cut` to `other`: what both name, the lower of the two. */
static void cut_lower(struct cut *cut, const struct head *heads, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < cut->head_count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            if (log_id_compare(&cut->heads[i].log, &heads[j].log) == 0) {
                bool is_lower = heads[j].seq < cut->heads[i].seq || (heads[j].seq == cut->heads[i].seq && memcmp(heads[j].hash.b, cut->heads[i].hash.b, sizeof heads[j].hash.b) < 0);

                cut->heads[kept++] = is_lower ? heads[j] : cut->heads[i];
                break;
            }
        }
    }
    cut->head_count = kept;
}

static enum err cut_new(struct making *m, const struct node_id *node, struct cut **ret)
{
    if (m->next.cut_count == ROSTER_CUTS_MAX) {
        return refuse(m, ERR_OVERSIZE, N_("more nodes have left than a roster can name"));
    }
    *ret = &m->next.cuts[m->next.cut_count++];
    **ret = (struct cut){.node = *node};
    return ERR_OK;
}

/* What the suspensions of a node name, the lowest of several. Only those that verify: an act in a file proves nothing by being there. */
static enum err cut_suspended(struct making *m, struct cut *cut)
{
    const struct region_file *region = &m->proposal->region;
    struct notice notice;
    struct notice_ref ref;
    const char *clause = NULL;
    bool is_first = true;

    for (size_t i = 0; i < region->count; i++) {
        enum err err = notice_decode(m->unpack, region->notices[i], &notice, NULL);

        if (err == ERR_OK && notice.kind == NOTICE_ACT) {
            err = act_decode(m->unpack, notice.body, m->act, NULL);
            if (err == ERR_OK && m->act->kind == ACT_SUSPEND && node_id_equal(&m->act->subject.node, &cut->node) &&
                membership_check(m->proposal->membership, m->unpack, &notice, sign_check, &ref, &clause) == ERR_OK) {
                if (is_first) {
                    *cut = m->act->cut;
                } else {
                    cut_lower(cut, m->act->cut.heads, m->act->cut.head_count);
                }
                is_first = false;
            }
        }
        if (err == ERR_MEMORY) {
            return err;
        }
    }
    return ERR_OK;
}

/* The cut of a node's logs: of the suspension that has put it out, unless that is lifted; and what earlier rosters have said, for they may rule logs under keys that it had before. */
static enum err cut_make(struct making *m, const struct node_id *node, bool is_lift)
{
    const struct lineage *lineage = m->proposal->lineage;
    bool has_history = !is_lift || membership_identity_at(m->proposal->membership, node, 1) != NULL;
    struct cut *cut;
    enum err err = cut_new(m, node, &cut);

    if (err == ERR_OK && !is_lift && membership_is_suspended(m->proposal->membership, node)) {
        err = cut_suspended(m, cut);
    }
    for (size_t i = lineage->level_count; has_history && err == ERR_OK && i > 0; i--) {
        const struct lineage_level *level = &lineage->levels[i - 1];
        const struct lineage_roster *roster = level->count == 1 ? &lineage->rosters[level->rosters[0]] : NULL;

        for (uint32_t j = 0; roster != NULL && j < roster->cut_count; j++) {
            for (uint32_t k = 0; node_id_equal(&roster->cuts[j].node, node) && k < roster->cuts[j].count; k++) {
                head_add(cut, &roster->cuts[j].heads[k]);
            }
        }
    }
    if (err == ERR_OK) {
        qsort(cut->heads, cut->head_count, sizeof *cut->heads, compare_heads);
    }
    return err;
}

static struct cut *cut_of(struct making *m, const struct node_id *node)
{
    for (uint32_t i = 0; i < m->next.cut_count; i++) {
        if (node_id_equal(&m->next.cuts[i].node, node)) {
            return &m->next.cuts[i];
        }
    }
    return NULL;
}

static enum err roster_cuts_carry(struct making *m, const struct lineage_roster *roster, uint32_t decided)
{
    for (uint32_t i = 0; i < roster->cut_count; i++) {
        const struct cut_list *list = &roster->cuts[i];
        struct cut *cut = cut_of(m, &list->node);
        enum err err;

        if (member_of(m, &list->node) != NULL || (cut != NULL && cut < m->next.cuts + decided)) {
            continue;
        }
        if (cut != NULL) {
            cut_lower(cut, list->heads, list->count);
            continue;
        }
        err = cut_new(m, &list->node, &cut);
        if (err != ERR_OK) {
            return err;
        }
        cut->head_count = list->count;
        memcpy(cut->heads, list->heads, list->count * sizeof *cut->heads);
    }
    return ERR_OK;
}

/* A cut goes on ruling until another roster names the node (store/README.md 3.7), so none is repeated; to name a node that is in would end its next suspension. Only what two rosters of one
 * number say is forgotten when the next one settles it, unless that one says it again: the cuts of both hold. */
static enum err cuts_carry(struct making *m)
{
    uint32_t decided = m->next.cut_count;
    enum err err = ERR_OK;

    for (uint32_t i = 0; m->tip != NULL && m->tip->count > 1 && i < m->tip->count && err == ERR_OK; i++) {
        err = roster_cuts_carry(m, &m->proposal->lineage->rosters[m->tip->rosters[i]], decided);
    }
    return err;
}

/* Whom one of two rosters of one number has removed without a cut is out, and the others must hear where its logs end. */
static enum err cuts_settle(struct making *m)
{
    const struct lineage_roster *last = m->tip == NULL ? NULL : lineage_roster_of(m->proposal->lineage, m->tip);
    enum err err = ERR_OK;

    for (uint32_t i = 0; last != NULL && m->tip->count > 1 && i < last->member_count && err == ERR_OK; i++) {
        const struct node_id *node = &last->members[i].node;

        if (member_of(m, node) == NULL && cut_of(m, node) == NULL) {
            err = cut_make(m, node, false);
        }
    }
    return err;
}

/* What came late and counts all the same: only the root extends a cut. Never lowers what it named before. */
static enum err cut_extend(struct making *m, const struct extension *extension)
{
    struct cut *cut = cut_of(m, &extension->cut.node);

    if (!region_id_equal(&extension->region, &m->proposal->region.id)) {
        return refuse(m, ERR_REGION, N_("what a cut is to be extended by is of another region"));
    }
    if (member_of(m, &extension->cut.node) != NULL) {
        return refuse(m, ERR_INVALID, N_("a cut is extended of a node that is out: remove this one, or lift its suspension"));
    }
    if (cut == NULL && !lineage_has_left(m->proposal->lineage, &extension->cut.node)) {
        return refuse(m, ERR_NOT_FOUND, N_("that node has no cut that could be extended"));
    }
    if (cut == NULL) {
        enum err err = cut_make(m, &extension->cut.node, false);

        if (err != ERR_OK) {
            return err;
        }
        cut = cut_of(m, &extension->cut.node);
    }
    for (uint32_t i = 0; i < extension->cut.head_count; i++) {
        const struct head *head = &extension->cut.heads[i];
        struct head *named = head_of(cut, &head->log);

        if (named == NULL && cut->head_count == CUT_HEADS_MAX) {
            return refuse(m, ERR_OVERSIZE, N_("a cut names at most 256 logs"));
        }
        if (named == NULL) {
            cut->heads[cut->head_count++] = *head;
        } else if (named->seq < head->seq) {
            *named = *head;
        }
    }
    qsort(cut->heads, cut->head_count, sizeof *cut->heads, compare_heads);
    return ERR_OK;
}

static enum err cuts_extend(struct making *m)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < m->plan->extension_count && err == ERR_OK; i++) {
        err = cut_extend(m, &m->plan->extensions[i]);
    }
    return err;
}

/* ---- who leaves, who is lifted, who has a new key ---- */

/* By name: a member, or whoever hubs have admitted or suspended. */
static const struct member *subject_named(struct making *m, const char *name)
{
    const struct membership *membership = m->proposal->membership;
    const struct member *found = member_named(m, name);
    struct membership_act act;

    found = found == NULL ? membership_by_name(membership, name) : found;
    for (size_t i = 0; found == NULL && membership_act_at(membership, i, &act); i++) {
        const struct member *subject = membership_named(membership, &act.subject);

        found = subject != NULL && strcmp(subject->name, name) == 0 ? subject : NULL;
    }
    return found;
}

static enum err members_leave(struct making *m)
{
    for (size_t i = 0; m->plan->removed != NULL && m->plan->removed[i] != NULL; i++) {
        const struct member *subject = subject_named(m, m->plan->removed[i]);
        struct node_id node;
        enum err err;

        if (subject == NULL) {
            return refuse(m, ERR_NOT_FOUND, N_("no member has that name"));
        }
        if (is_among(m->plan->lifted, m->plan->removed[i])) {
            return refuse(m, ERR_INVALID, N_("a node is both removed and lifted"));
        }
        node = subject->node;
        if (cut_of(m, &node) != NULL) {
            continue; /* named twice */
        }
        err = cut_make(m, &node, false);
        if (err != ERR_OK) {
            return err;
        }
        for (uint32_t j = 0; j < m->next.member_count; j++) {
            if (node_id_equal(&m->next.members[j].node, &node)) {
                m->next.members[j] = m->next.members[--m->next.member_count]; /* sorted in the end */
            }
        }
    }
    return ERR_OK;
}

/* To name it in the cuts ends the suspension, and binds nothing under its present key (store/README.md 3.3). */
static enum err members_lift(struct making *m)
{
    for (size_t i = 0; m->plan->lifted != NULL && m->plan->lifted[i] != NULL; i++) {
        const struct member *subject = subject_named(m, m->plan->lifted[i]);
        struct member member;
        enum err err = ERR_OK;

        if (subject == NULL) {
            return refuse(m, ERR_NOT_FOUND, N_("no member has that name"));
        }
        member = *subject;
        if (member_of(m, &member.node) == NULL) {
            err = member_add(m, &member); /* admitted by hubs and suspended since: the roster confirms it */
        }
        if (err == ERR_OK && cut_of(m, &member.node) == NULL) {
            err = cut_make(m, &member.node, true);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

static enum err identities_replace(struct making *m)
{
    for (size_t i = 0; i < m->plan->identity_count; i++) {
        struct card card;
        struct member member, *held;
        enum err err = card_read(m, m->plan->identities[i], &card, &member);

        if (err != ERR_OK) {
            return err;
        }
        held = member_of(m, &member.node);
        if (held == NULL) {
            return refuse(m, ERR_NOT_FOUND, N_("a card with a new identity key is of no member: nodes that join are named without --identity"));
        }
        if (is_key(&held->identity, &member.identity)) {
            return refuse(m, ERR_EXISTS, N_("a card names the identity key that the node has already: griot card --new-identity, at the node, makes a new one"));
        }
        if (held->role != member.role || strcmp(held->name, member.name) != 0) {
            return refuse(m, ERR_EXISTS, N_("a card names another role or name for a node than the last roster"));
        }
        if (cut_of(m, &member.node) != NULL) {
            return refuse(m, ERR_INVALID, N_("a node is named twice: a new identity key ends its suspension by itself"));
        }
        err = cut_make(m, &member.node, false);
        held->identity = member.identity;
        /* Whoever has the old key may have given its card the highest number there is. */
        region_file_drop_card(&m->proposal->region, &member.node, &member.identity);
        if (err == ERR_OK) {
            err = region_file_put(&m->proposal->region, m->plan->identities[i], &m->why);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

/* ---- root keys ---- */

static enum err keys_change(struct making *m)
{
    struct roster *next = &m->next;
    uint32_t added = 0, kept = 0;

    if (m->plan->dropped_keys >> next->key_count != 0) {
        return refuse(m, ERR_NOT_FOUND, N_("there is no root key of such a number"));
    }
    for (uint32_t i = 0; i < m->plan->new_key_count; i++) {
        if (proposal_key_place(next->keys, next->key_count, &m->plan->new_keys[i]) < next->key_count ||
            proposal_key_place(m->plan->new_keys, i, &m->plan->new_keys[i]) < i) {
            return refuse(m, ERR_EXISTS, N_("a new root key is a root key already, or named twice"));
        }
    }
    for (uint32_t i = 0; i < next->key_count; i++) {
        bool is_dropped = (m->plan->dropped_keys >> i & 1) != 0;

        if (!is_dropped) {
            next->keys[kept++] = next->keys[i];
        } else if (added < m->plan->new_key_count) {
            next->keys[kept++] = m->plan->new_keys[added++];
        }
    }
    next->key_count = kept;
    while (added < m->plan->new_key_count) {
        if (next->key_count == CHARTER_KEYS_MAX) {
            return refuse(m, ERR_LIMIT, N_("a region has at most 15 root keys"));
        }
        next->keys[next->key_count++] = m->plan->new_keys[added++];
    }
    next->threshold = m->plan->threshold != 0 ? m->plan->threshold : next->threshold;
    if (next->threshold > next->key_count) {
        return refuse(m, ERR_INVALID, N_("more root keys would have to sign than there are: name a lower --threshold"));
    }
    return ERR_OK;
}

/* ---- all of it ---- */

/* What carries over from the last roster, or begins with the charter. */
static void fields_fill(struct making *m)
{
    const struct charter *charter = &m->proposal->region.charter;
    const struct lineage_roster *last = m->tip == NULL ? NULL : lineage_roster_of(m->proposal->lineage, m->tip);
    struct roster *next = &m->next;

    next->version = FORMAT_VERSION;
    next->region = m->proposal->region.id;
    next->number = m->tip == NULL ? 1 : m->tip->number + 1;
    if (m->tip != NULL) {
        next->previous = m->tip->hash;
    }
    next->threshold = last == NULL ? charter->threshold : last->threshold;
    next->key_count = last == NULL ? charter->key_count : last->key_count;
    memcpy(next->keys, last == NULL ? charter->keys : last->keys, sizeof next->keys);
    next->created = m->plan->now;
    next->protocol_min = m->plan->protocol_min != 0 ? m->plan->protocol_min : last == NULL ? PROTOCOL_VERSION : last->protocol_min;
    next->profile = last == NULL || m->plan->has_profile ? m->plan->profile : last->profile;
}

static int compare_members(const void *a, const void *b) { return memcmp(((const struct member *)a)->node.b, ((const struct member *)b)->node.b, sizeof(struct node_id)); }

static int compare_cuts(const void *a, const void *b) { return memcmp(((const struct cut *)a)->node.b, ((const struct cut *)b)->node.b, sizeof(struct node_id)); }

static enum err lists_fill(struct making *m)
{
    static enum err (*const steps[])(struct making *m) = {members_confirm, members_join, members_leave, identities_replace, members_lift, cuts_carry, cuts_settle, cuts_extend, keys_change};
    bool has_hub = false;
    enum err err = ERR_OK;

    members_keep(m);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && err == ERR_OK; i++) {
        err = steps[i](m);
    }
    for (uint32_t i = 0; i < m->next.member_count; i++) {
        has_hub = has_hub || m->next.members[i].role == ROLE_HUB;
    }
    if (err == ERR_OK && !has_hub) {
        err = refuse(m, ERR_INVALID, N_("no hub is among the members: without one, nobody can admit or relay"));
    }
    qsort(m->next.members, m->next.member_count, sizeof *m->next.members, compare_members);
    qsort(m->next.cuts, m->next.cut_count, sizeof *m->next.cuts, compare_cuts);
    return err;
}

static enum err body_write(struct making *m)
{
    uint8_t *body = malloc(NOTICE_BYTES_MAX);
    struct out out = out_into(body, NOTICE_BYTES_MAX);
    enum err err = body == NULL ? ERR_MEMORY : roster_encode(&m->next, &out);

    if (err != ERR_OK) {
        free(body);
        return err == ERR_OVERSIZE ? refuse(m, err, N_("the roster is longer than 58368 bytes: fewer members or cuts")) : err;
    }
    m->proposal->body = body;
    m->proposal->body_bytes = out.at;
    return ERR_OK;
}

enum err proposal_make(struct region_file *region, const struct proposal_plan *plan, struct proposal *ret, const char **why)
{
    struct proposal made = {.region = *region};
    struct making m = {.plan = plan, .proposal = &made, .unpack = unpack_new(), .act = malloc(sizeof *m.act)};
    enum err err;

    *region = (struct region_file){0};
    m.next.members = calloc(MEMBERS_MAX, sizeof *m.next.members);
    m.next.cuts = calloc(ROSTER_CUTS_MAX, sizeof *m.next.cuts);
    err = m.unpack == NULL || m.act == NULL || m.next.members == NULL || m.next.cuts == NULL ? ERR_MEMORY : proposal_stand(&made);
    if (err == ERR_OK) {
        m.tip = lineage_tip(made.lineage);
        fields_fill(&m);
        err = lists_fill(&m);
    }
    if (err == ERR_OK) {
        err = body_write(&m);
    }
    if (err == ERR_OK) {
        err = proposal_settle(&made, &m.why); /* as its reader will */
    }
    roster_fini(&m.next);
    free(m.act);
    unpack_destroy(&m.unpack);
    if (err != ERR_OK) {
        *why = m.why;
        proposal_fini(&made);
        return err;
    }
    *ret = made;
    return ERR_OK;
}

/* proposal_changes.c - in what a proposal differs from the last roster: what its signers are shown. Whatever is in the roster and not said here would be signed unseen, so it compares the
 * two rosters, and believes nothing that the maker of the proposal says. */
#include "node/proposal.h"

#include <stdio.h>
#include <stdlib.h>

struct listing {
    const struct proposal *proposal;
    const struct lineage_level *tip;
    const struct lineage_roster *last; /* NULL: there is none, or nobody was in it */
    struct proposal_change *changes;
    size_t count, cap;
    enum err err;
};

/* The next row, zeroed; NULL when memory has run out. */
static struct proposal_change *row(struct listing *l, enum proposal_change_kind kind)
{
    if (l->err == ERR_OK && l->count == l->cap) {
        size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
        struct proposal_change *more = realloc(l->changes, cap * sizeof *more);

        if (more == NULL) {
            l->err = ERR_MEMORY;
        } else {
            l->changes = more;
            l->cap = cap;
        }
    }
    if (l->err != ERR_OK) {
        return NULL;
    }
    l->changes[l->count] = (struct proposal_change){.kind = kind};
    return &l->changes[l->count++];
}

static struct proposal_change *row_of(struct listing *l, enum proposal_change_kind kind, const struct member *member)
{
    struct proposal_change *change = row(l, kind);

    if (change != NULL) {
        change->node = member->node;
        change->role = change->role_before = member->role;
        memcpy(change->name, member->name, sizeof change->name);
    }
    return change;
}

static struct proposal_change *row_of_node(struct listing *l, enum proposal_change_kind kind, const struct node_id *node)
{
    const struct member *member = membership_named(l->proposal->membership, node);
    struct member nobody = {.node = *node};

    return row_of(l, kind, member != NULL ? member : &nobody);
}

static const struct member *before_of(const struct listing *l, const struct node_id *node) { return l->tip == NULL ? NULL : lineage_member(l->proposal->lineage, l->tip, node); }

static const struct member *after_of(const struct listing *l, const struct node_id *node)
{
    const struct roster *roster = &l->proposal->roster;

    for (uint32_t i = 0; i < roster->member_count; i++) {
        if (node_id_equal(&roster->members[i].node, node)) {
            return &roster->members[i];
        }
    }
    return NULL;
}

static bool is_key(const struct sign_public *a, const struct sign_public *b) { return memcmp(a->b, b->b, sizeof a->b) == 0; }

/* The fingerprint of the card by which a member joins: what its office reads out. Of its present key only. */
static void card_print(const struct proposal *proposal, const struct member *member, char ret[FINGERPRINT_CHARS])
{
    struct unpack *unpack = unpack_new();
    char print[FINGERPRINT_CHARS];
    struct notice notice;
    struct card card;

    ret[0] = '\0';
    for (size_t i = 0; unpack != NULL && i < proposal->region.count; i++) {
        if (notice_decode(unpack, proposal->region.notices[i], &notice, NULL) == ERR_OK && notice.kind == NOTICE_CARD &&
            card_open(proposal->region.notices[i], &card, print, NULL) == ERR_OK && node_id_equal(&card.node, &member->node) && is_key(&card.identity, &member->identity)) {
            memcpy(ret, print, FINGERPRINT_CHARS);
        }
    }
    unpack_destroy(&unpack);
}

/* ---- members ---- */

static void members_list(struct listing *l)
{
    const struct roster *roster = &l->proposal->roster;

    for (uint32_t i = 0; i < roster->member_count; i++) {
        const struct member *after = &roster->members[i], *before = before_of(l, &after->node), *admitted;
        struct proposal_change *change;

        if (before == NULL) {
            change = row_of(l, CHANGE_JOINS, after);
            admitted = membership_find(l->proposal->membership, &after->node);
            if (change != NULL) {
                change->is_admitted = admitted != NULL && admitted->role == after->role && is_key(&admitted->identity, &after->identity) && strcmp(admitted->name, after->name) == 0;
                change->is_back = lineage_has_left(l->proposal->lineage, &after->node);
                card_print(l->proposal, after, change->print);
            }
            continue;
        }
        if (!is_key(&before->identity, &after->identity) && (change = row_of(l, CHANGE_IDENTITY, after)) != NULL) {
            card_print(l->proposal, after, change->print);
        }
        if (before->role != after->role && (change = row_of(l, CHANGE_ROLE, after)) != NULL) {
            change->role_before = before->role;
        }
        if (strcmp(before->name, after->name) != 0 && (change = row_of(l, CHANGE_NAME, after)) != NULL) {
            (void)snprintf(change->text, sizeof change->text, "%s", before->name);
        }
    }
    for (uint32_t i = 0; l->last != NULL && i < l->last->member_count; i++) {
        const struct member *before = &l->last->members[i];

        if (after_of(l, &before->node) == NULL) {
            (void)row_of(l, CHANGE_LEAVES, before);
        }
    }
}

/* ---- cuts ---- */

/* What the newest roster that names the node says; of two of one number none has a say for ever. */
static const struct cut_list *cut_before(const struct listing *l, const struct node_id *node)
{
    const struct lineage *lineage = l->proposal->lineage;

    for (size_t i = lineage->level_count; i > 0; i--) {
        const struct lineage_level *level = &lineage->levels[i - 1];
        const struct lineage_roster *roster = level->count == 1 ? &lineage->rosters[level->rosters[0]] : NULL;

        for (uint32_t j = 0; roster != NULL && j < roster->cut_count; j++) {
            if (node_id_equal(&roster->cuts[j].node, node)) {
                return &roster->cuts[j];
            }
        }
    }
    return NULL;
}

static const struct cut *cut_after(const struct listing *l, const struct node_id *node)
{
    const struct roster *roster = &l->proposal->roster;

    for (uint32_t i = 0; i < roster->cut_count; i++) {
        if (node_id_equal(&roster->cuts[i].node, node)) {
            return &roster->cuts[i];
        }
    }
    return NULL;
}

static bool is_same_cut(const struct cut_list *before, const struct cut *after)
{
    if (before == NULL || before->count != after->head_count) {
        return false;
    }
    for (uint32_t i = 0; i < after->head_count; i++) {
        if (log_id_compare(&before->heads[i].log, &after->heads[i].log) != 0 || before->heads[i].seq != after->heads[i].seq ||
            !hash_equal(&before->heads[i].hash, &after->heads[i].hash)) {
            return false;
        }
    }
    return true;
}

static void cuts_list(struct listing *l)
{
    const struct proposal *proposal = l->proposal;

    for (uint32_t i = 0; i < proposal->roster.cut_count; i++) {
        const struct cut *cut = &proposal->roster.cuts[i];
        const struct member *before = before_of(l, &cut->node), *after = after_of(l, &cut->node);
        bool is_same_key = before != NULL && after != NULL && is_key(&before->identity, &after->identity);
        bool is_carried = (is_same_key || (before == NULL && after == NULL)) && is_same_cut(cut_before(l, &cut->node), cut);
        struct proposal_change *change;

        /* Whether the node is suspended need not be known here: if it is, this ends it. */
        if (after != NULL && (is_same_key || before == NULL || membership_is_suspended(proposal->membership, &cut->node))) {
            (void)row_of(l, CHANGE_LIFTED, after);
        }
        bool binds_nothing = after != NULL && (is_same_key || before == NULL) && cut->head_count == 0 && membership_identity_at(proposal->membership, &cut->node, 1) == NULL;
        if (is_carried || binds_nothing) {
            continue;
        }
        change = after != NULL ? row_of(l, CHANGE_CUT, after) : row_of_node(l, CHANGE_CUT, &cut->node);
        if (change != NULL) {
            change->logs = cut->head_count;
        }
    }
    for (uint32_t i = 0; i < proposal->roster.member_count; i++) {
        const struct member *member = &proposal->roster.members[i];

        if (membership_is_suspended(proposal->membership, &member->node) && cut_after(l, &member->node) == NULL) {
            (void)row_of(l, CHANGE_SUSPENDED, member);
        }
    }
}

/* ---- root keys and settings ---- */

static void keys_list(struct listing *l)
{
    struct proposal_signers s;

    proposal_signers(l->proposal, &s);
    for (uint32_t i = 0; i < s.before_count + s.after_count; i++) {
        bool is_before = i < s.before_count;
        uint32_t place = is_before ? i : i - s.before_count;
        const struct sign_public *key = is_before ? &s.before[place] : &s.after[place];
        bool is_in_both = is_before ? proposal_key_place(s.after, s.after_count, key) < s.after_count : proposal_key_place(s.before, s.before_count, key) < s.before_count;
        struct proposal_change *change = is_in_both ? NULL : row(l, is_before ? CHANGE_KEY_DROPPED : CHANGE_KEY_ADDED);

        if (change != NULL) {
            change->place = place + 1;
            fingerprint(span_of(key->b, sizeof key->b), change->print);
        }
    }
}

static void number_list(struct listing *l, enum proposal_change_kind kind, uint32_t before, uint32_t after)
{
    struct proposal_change *change = before == after ? NULL : row(l, kind);

    if (change != NULL) {
        change->before = before;
        change->after = after;
    }
}

/* The fingerprint of a roster as its signers read it. That of the body; here only its hash is at hand, of which the fingerprint is the beginning. */
static void settles_list(struct listing *l)
{
    struct unpack *unpack = unpack_new();
    struct proposal_change *change = row(l, CHANGE_SETTLES);

    for (size_t i = 0; unpack != NULL && change != NULL && i < l->proposal->region.count; i++) {
        struct notice notice;
        struct hash hash;

        if (notice_decode(unpack, l->proposal->region.notices[i], &notice, NULL) != ERR_OK || notice.kind != NOTICE_ROSTER) {
            continue;
        }
        hash_of(HASH_NOTICE, notice.body, &hash);
        for (uint32_t j = 0; j < l->tip->count && j < 2; j++) {
            if (hash_equal(&hash, &l->proposal->lineage->rosters[l->tip->rosters[j]].hash)) {
                size_t at = strlen(change->text);
                char print[FINGERPRINT_CHARS];

                fingerprint(notice.body, print);
                (void)snprintf(change->text + at, sizeof change->text - at, "%s%s", at > 0 ? " " : "", print);
            }
        }
    }
    if (change != NULL) {
        change->before = (uint32_t)l->tip->number;
    }
    unpack_destroy(&unpack);
}

enum err proposal_changes(const struct proposal *proposal, struct proposal_change **ret, size_t *ret_count)
{
    struct listing l = {.proposal = proposal, .tip = lineage_tip(proposal->lineage)};
    const struct roster *roster = &proposal->roster;
    struct proposal_signers s;

    l.last = l.tip == NULL ? NULL : lineage_roster_of(proposal->lineage, l.tip);
    proposal_signers(proposal, &s);
    if (l.tip != NULL && l.tip->count > 1) {
        settles_list(&l);
    }
    members_list(&l);
    cuts_list(&l);
    keys_list(&l);
    number_list(&l, CHANGE_THRESHOLD, s.before_threshold, s.after_threshold);
    if (l.last != NULL) {
        number_list(&l, CHANGE_PROFILE, (uint32_t)l.last->profile, (uint32_t)roster->profile);
        number_list(&l, CHANGE_PROTOCOL, l.last->protocol_min, roster->protocol_min);
    }
    if (l.err != ERR_OK) {
        free(l.changes);
        return l.err;
    }
    *ret = l.changes;
    *ret_count = l.count;
    return ERR_OK;
}

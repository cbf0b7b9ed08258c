#include "node/root.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/i18n.h"
#include "node/file.h"
#include "node/home.h"
#include "store/folder.h"
#include "store/membership.h"

enum { ROSTERS_MAX = 4096 };

static enum err path_below(const char *folder, const char *name, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", folder, name);

    return n > 0 && n < PATH_MAX ? ERR_OK : ERR_INVALID;
}

static enum err key_folder(const char *folder, uint32_t number, char ret[PATH_MAX])
{
    char name[16];

    snprintf(name, sizeof name, "key-%u", number);
    return path_below(folder, name, ret);
}

/* ---- founding ---- */

static enum err key_make(const char *folder, uint32_t number, root_unlock unlock, void *arg, struct sign_public *ret)
{
    struct keyring *keyring = NULL;
    struct secret *secret = NULL;
    struct unlock how = {0};
    char path[PATH_MAX];
    enum err err = key_folder(folder, number, path);

    if (err == ERR_OK) {
        err = unlock(arg, number, &how);
    }
    if (err == ERR_OK) {
        err = keyring_create(path, &how, &keyring);
    }
    if (err == ERR_OK) {
        err = sign_keypair(ret, &secret);
    }
    if (err == ERR_OK) {
        err = keyring_put(keyring, "root", secret, false);
    }
    secret_destroy(&secret);
    keyring_destroy(&keyring);
    return err;
}

static enum err charter_write(const char *folder, const struct charter *charter, struct region_id *ret)
{
    uint8_t body[4096], bytes[4096];
    struct out body_out = out_into(body, sizeof body), out = out_into(bytes, sizeof bytes);
    struct notice notice = {.kind = NOTICE_CHARTER};
    struct region_file region = {0};
    char path[PATH_MAX];
    enum err err;

    charter_encode(charter, &body_out);
    notice.body = out_written(&body_out);
    notice_encode(&notice, &out);
    if (body_out.is_full || out.is_full) {
        return ERR_INTERNAL;
    }
    err = path_below(folder, "charter", path);
    if (err == ERR_OK) {
        err = file_write(path, out_written(&out), 0644, true);
    }
    if (err == ERR_OK) {
        err = region_file_new(out_written(&out), &region, NULL);
    }
    if (err == ERR_OK) {
        err = path_below(folder, "region", path);
    }
    if (err == ERR_OK) {
        err = region_file_write(&region, path);
    }
    if (err == ERR_OK) {
        *ret = region.id;
    }
    region_file_fini(&region);
    return err;
}

static enum err found(const char *folder, const struct root_plan *plan, root_unlock unlock, void *arg, struct region_id *ret)
{
    struct charter charter = {.version = FORMAT_VERSION, .threshold = plan->threshold, .key_count = plan->keys, .created = plan->now};
    enum err err = ERR_OK;

    charter.name_bytes = (uint8_t)strlen(plan->name);
    memcpy(charter.name, plan->name, charter.name_bytes);
    random_fill(charter.random, sizeof charter.random);
    for (uint32_t i = 0; i < plan->keys && err == ERR_OK; i++) {
        err = key_make(folder, i + 1, unlock, arg, &charter.keys[i]);
    }
    return err != ERR_OK ? err : charter_write(folder, &charter, ret);
}

enum err root_create(const char *path, const struct root_plan *plan, root_unlock unlock, void *arg, struct region_id *ret)
{
    char folder[PATH_MAX];
    enum err err;
    int n = snprintf(folder, sizeof folder, "%s.XXXXXX", path);

    if (n < 8 || (size_t)n >= sizeof folder || !home_name_is_valid(plan->name) || plan->keys < 1 || plan->keys > CHARTER_KEYS_MAX ||
        plan->threshold < 1 || plan->threshold > plan->keys) {
        return ERR_INVALID;
    }
    err = crypto_start();
    if (err != ERR_OK) {
        return err;
    }
    /* An empty folder is taken over; asked before any passphrase is chosen. */
    if (access(path, F_OK) == 0 && rmdir(path) != 0) {
        return errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION : ERR_EXISTS;
    }
    if (mkdtemp(folder) == NULL) {
        return folder_errno(errno);
    }
    err = found(folder, plan, unlock, arg, ret);
    if (err == ERR_OK && rename(folder, path) != 0) {
        err = folder_errno(errno);
    }
    if (err != ERR_OK) {
        file_remove_tree(folder);
        return err;
    }
    return file_sync_folder(path);
}

/* ---- the roster before ---- */

struct ceremony {
    const char *folder;
    struct region_file region;
    struct roster last; /* number 0: none yet */
    struct hash last_hash;
    struct unpack *unpack;
    struct cut *cuts; /* of the next roster, ROSTER_CUTS_MAX; sorted in the end */
    uint32_t cut_count;
    const char *why;
};

static enum err last_find(struct ceremony *c)
{
    for (size_t i = 0; i < c->region.count; i++) {
        struct notice notice;
        struct roster roster = {0};
        enum err err = notice_decode(c->unpack, c->region.notices[i], &notice, &c->why);

        if (err == ERR_OK && notice.kind != NOTICE_ROSTER) {
            continue;
        }
        if (err == ERR_OK) {
            err = roster_decode(c->unpack, notice.body, &roster, &c->why);
        }
        if (err != ERR_OK) {
            return err == ERR_MEMORY ? err : ERR_CORRUPT;
        }
        if (roster.number == c->last.number) {
            roster_fini(&roster);
            c->why = N_("two rosters of one number are in DIR/region: the root has signed twice; keep both files and settle it before signing again");
            return ERR_CORRUPT;
        }
        if (roster.number > c->last.number) {
            roster_fini(&c->last);
            c->last = roster;
            hash_of(HASH_NOTICE, notice.body, &c->last_hash);
        } else {
            roster_fini(&roster);
        }
    }
    return ERR_OK;
}

static enum err ceremony_open(struct ceremony *c, const char *folder)
{
    char path[PATH_MAX];
    enum err err = path_below(folder, "region", path);

    *c = (struct ceremony){.folder = folder, .unpack = unpack_new()};
    if (c->unpack == NULL) {
        return ERR_MEMORY;
    }
    if (err == ERR_OK) {
        err = region_file_read(path, &c->region, &c->why);
    }
    if (err == ERR_NOT_FOUND) {
        c->why = N_("there is no region in that folder: griot root create makes one");
    }
    return err != ERR_OK ? err : last_find(c);
}

static void ceremony_close(struct ceremony *c)
{
    free(c->cuts);
    roster_fini(&c->last);
    region_file_fini(&c->region);
    unpack_destroy(&c->unpack);
}

/* ---- the members of the next ---- */

static enum err member_add(struct ceremony *c, struct roster *next, const struct card *card, uint32_t *added)
{
    struct member *member = NULL;

    for (uint32_t i = 0; i < next->member_count; i++) {
        struct member *other = &next->members[i];

        if (node_id_equal(&other->node, &card->node)) {
            member = other;
        } else if (strcmp(other->name, card->name) == 0) {
            c->why = N_("two nodes have one name");
            return ERR_EXISTS;
        }
    }
    if (member != NULL) {
        bool is_same = memcmp(member->identity.b, card->identity.b, sizeof card->identity.b) == 0 && member->role == card->role &&
                       strcmp(member->name, card->name) == 0;

        c->why = is_same ? NULL : N_("a card names another key, role or name for a node than the last roster");
        return is_same ? ERR_OK : ERR_EXISTS;
    }
    if (next->member_count == MEMBERS_MAX) {
        return ERR_OVERSIZE;
    }
    member = &next->members[next->member_count++];
    *member = (struct member){.node = card->node, .role = card->role, .identity = card->identity};
    memcpy(member->name, card->name, sizeof member->name);
    (*added)++;
    return ERR_OK;
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    return memcmp(x->node.b, y->node.b, sizeof x->node.b);
}

static enum err members_gather(struct ceremony *c, const struct span *cards, size_t count, struct roster *next, uint32_t *added)
{
    next->members = calloc(MEMBERS_MAX, sizeof *next->members);
    if (next->members == NULL) {
        return ERR_MEMORY;
    }
    if (c->last.member_count > 0) {
        memcpy(next->members, c->last.members, c->last.member_count * sizeof *next->members);
    }
    next->member_count = c->last.member_count;
    for (size_t i = 0; i < count; i++) {
        char print[FINGERPRINT_CHARS];
        struct card card;
        enum err err = card_open(cards[i], &card, print, &c->why);

        if (err == ERR_OK && !region_id_equal(&card.region, &c->region.id)) {
            c->why = N_("a card is of another region");
            err = ERR_REGION;
        }
        if (err == ERR_OK) {
            err = member_add(c, next, &card, added);
        }
        if (err == ERR_OK) {
            err = region_file_put(&c->region, cards[i], &c->why);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

static enum err members_settle(struct ceremony *c, struct roster *next)
{
    bool has_hub = false;

    qsort(next->members, next->member_count, sizeof *next->members, compare_members);
    for (uint32_t i = 0; i < next->member_count; i++) {
        has_hub = has_hub || next->members[i].role == ROLE_HUB;
    }
    if (!has_hub) {
        c->why = N_("no hub is among the members: without one, nobody can admit or relay");
        return ERR_INVALID;
    }
    return ERR_OK;
}

/* ---- who leaves, whose suspension ends ---- */

static struct member *member_named(const struct roster *roster, const char *name)
{
    for (uint32_t i = 0; i < roster->member_count; i++) {
        if (strcmp(roster->members[i].name, name) == 0) {
            return &roster->members[i];
        }
    }
    return NULL;
}

/* The cut of a suspension of this node that DIR/region holds, or none. Whether the act counts need not be known: the root makes it its own. */
static enum err cut_suspended(struct ceremony *c, struct cut *cut)
{
    struct act *act = malloc(sizeof *act);
    struct notice notice;

    if (act == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < c->region.count; i++) {
        if (notice_decode(c->unpack, c->region.notices[i], &notice, NULL) == ERR_OK && notice.kind == NOTICE_ACT &&
            act_decode(c->unpack, notice.body, act, NULL) == ERR_OK && act->kind == ACT_SUSPEND && node_id_equal(&act->subject.node, &cut->node)) {
            *cut = act->cut;
            break;
        }
    }
    free(act);
    return ERR_OK;
}

/* `is_lift` begins with no heads: it binds nothing of a node that is in (store/README.md 3.3). */
static enum err cut_make(struct ceremony *c, const struct node_id *node, bool is_lift)
{
    struct cut *cut;

    if (c->cut_count == ROSTER_CUTS_MAX) {
        c->why = N_("more nodes have left than a roster can name");
        return ERR_OVERSIZE;
    }
    cut = &c->cuts[c->cut_count++];
    *cut = (struct cut){.node = *node};
    return is_lift ? ERR_OK : cut_suspended(c, cut);
}

static bool is_among(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum err members_leave(struct ceremony *c, const struct root_changes *changes, struct roster *next, struct root_signed *made)
{
    for (size_t i = 0; changes->removed != NULL && changes->removed[i] != NULL; i++) {
        struct member *member = member_named(next, changes->removed[i]);
        enum err err;

        if (member == NULL || is_among(changes->lifted, changes->removed[i])) {
            c->why = member == NULL ? N_("no member has that name") : N_("a node is both removed and lifted");
            return member == NULL ? ERR_NOT_FOUND : ERR_INVALID;
        }
        err = cut_make(c, &member->node, false);
        if (err != ERR_OK) {
            return err;
        }
        *member = next->members[--next->member_count]; /* sorted before it is signed */
        made->removed++;
    }
    for (size_t i = 0; changes->lifted != NULL && changes->lifted[i] != NULL; i++) {
        struct member *member = member_named(next, changes->lifted[i]);
        enum err err;

        if (member == NULL) {
            c->why = N_("no member has that name");
            return ERR_NOT_FOUND;
        }
        err = is_among(changes->lifted + i + 1, changes->lifted[i]) ? ERR_OK : cut_make(c, &member->node, true);
        if (err != ERR_OK) {
            return err;
        }
        made->lifted++;
    }
    return ERR_OK;
}

static int compare_cuts(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;

    return memcmp(x->node.b, y->node.b, sizeof x->node.b);
}

/* The cuts of those who have left go with every roster. That of a node that is in binds nothing (no ceremony gives a node another identity key), and must not lift its next suspension. */
static enum err cuts_carry(struct ceremony *c, struct roster *next)
{
    for (uint32_t i = 0; i < c->last.cut_count; i++) {
        bool is_named = false;

        for (uint32_t j = 0; j < next->member_count && !is_named; j++) {
            is_named = node_id_equal(&next->members[j].node, &c->last.cuts[i].node);
        }
        for (uint32_t j = 0; j < c->cut_count && !is_named; j++) {
            is_named = node_id_equal(&c->cuts[j].node, &c->last.cuts[i].node);
        }
        if (is_named) {
            continue;
        }
        if (c->cut_count == ROSTER_CUTS_MAX) {
            c->why = N_("more nodes have left than a roster can name");
            return ERR_OVERSIZE;
        }
        c->cuts[c->cut_count++] = c->last.cuts[i];
    }
    qsort(c->cuts, c->cut_count, sizeof *c->cuts, compare_cuts);
    next->cuts = c->cuts;
    next->cut_count = c->cut_count;
    return ERR_OK;
}

static enum err cuts_gather(struct ceremony *c, const struct root_changes *changes, struct roster *next, struct root_signed *made)
{
    enum err err = ERR_OK;

    c->cuts = calloc(ROSTER_CUTS_MAX, sizeof *c->cuts);
    if (c->cuts == NULL) {
        return ERR_MEMORY;
    }
    if (changes != NULL) {
        err = members_leave(c, changes, next, made);
    }
    return err == ERR_OK ? cuts_carry(c, next) : err;
}

/* ---- signing ---- */

static enum err key_sign(struct ceremony *c, uint32_t index, root_unlock unlock, void *arg, struct span body, struct notice *notice)
{
    struct keyring *keyring = NULL;
    struct secret *secret = NULL;
    struct sign_public public;
    struct unlock how = {0};
    char path[PATH_MAX];
    enum err err = key_folder(c->folder, index + 1, path);

    if (err == ERR_OK) {
        err = unlock(arg, index + 1, &how);
    }
    if (err == ERR_OK) {
        err = keyring_open(path, &how, &keyring);
    }
    if (err == ERR_OK) {
        err = keyring_get(keyring, "root", &secret);
    }
    if (err == ERR_OK && secret_bytes(secret) != 64) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        sign_public_of(secret, &public);
        if (memcmp(public.b, c->region.charter.keys[index].b, sizeof public.b) != 0) {
            c->why = N_("a root key is not the one that the charter names under its number");
            err = ERR_CORRUPT;
        }
    }
    if (err == ERR_OK) {
        struct notice_signature *signature = &notice->signatures[notice->signature_count++];

        signature->key = index;
        sign_make(SIGN_ROSTER, &c->region.id, body, secret, &signature->signature);
    }
    secret_destroy(&secret);
    keyring_destroy(&keyring);
    return err;
}

/* With the keys whose folders are here, in order, until the threshold is reached. */
static enum err keys_sign(struct ceremony *c, const struct roster *next, root_unlock unlock, void *arg, struct span body, struct notice *notice)
{
    for (uint32_t i = 0; i < next->key_count && notice->signature_count < next->threshold; i++) {
        char path[PATH_MAX];
        enum err err = key_folder(c->folder, i + 1, path);

        if (err == ERR_OK && access(path, F_OK) == 0) {
            err = key_sign(c, i, unlock, arg, body, notice);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    if (notice->signature_count < next->threshold) {
        c->why = N_("fewer root keys are in the folder than must sign: bring the folders key-1, key-2 ... of that many holders");
        return ERR_NOT_FOUND;
    }
    return ERR_OK;
}

/* What no node would believe is not written: the same check that every node makes. */
static enum err believe(const struct ceremony *c, uint64_t number)
{
    struct span *rosters = calloc(c->region.count, sizeof *rosters);
    struct membership *membership = NULL;
    struct notice notice;
    size_t count = 0;
    enum err err;

    if (rosters == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < c->region.count && count < ROSTERS_MAX; i++) {
        if (notice_decode(c->unpack, c->region.notices[i], &notice, NULL) == ERR_OK && notice.kind == NOTICE_ROSTER) {
            rosters[count++] = c->region.notices[i];
        }
    }
    err = membership_build(&c->region.id, c->region.notices[0], rosters, count, NULL, 0, sign_check, &membership);
    if (err == ERR_OK && membership_roster_number(membership) != number) {
        err = ERR_CORRUPT;
    }
    membership_destroy(&membership);
    free(rosters);
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

static enum err roster_issue(struct ceremony *c, struct roster *next, root_unlock unlock, void *arg, uint32_t *ret_signatures)
{
    uint8_t *body = malloc(NOTICE_BYTES_MAX), *bytes = malloc(NOTICE_BYTES_MAX);
    struct out body_out = out_into(body, NOTICE_BYTES_MAX), out = out_into(bytes, NOTICE_BYTES_MAX);
    struct notice notice = {.kind = NOTICE_ROSTER};
    char path[PATH_MAX];
    enum err err = body == NULL || bytes == NULL ? ERR_MEMORY : roster_encode(next, &body_out);

    if (err == ERR_OK) {
        notice.body = out_written(&body_out);
        err = keys_sign(c, next, unlock, arg, notice.body, &notice);
    }
    if (err == ERR_OK) {
        notice_encode(&notice, &out);
        err = out.is_full ? ERR_OVERSIZE : region_file_put(&c->region, out_written(&out), &c->why);
    }
    if (err == ERR_OK) {
        err = believe(c, next->number);
    }
    if (err == ERR_OK) {
        err = path_below(c->folder, "region", path);
    }
    if (err == ERR_OK) {
        err = region_file_write(&c->region, path);
    }
    *ret_signatures = notice.signature_count;
    free(body);
    free(bytes);
    return err;
}

/* The next roster without members: what carries over from the last one, or begins with the charter. */
static struct roster roster_next(const struct ceremony *c, bool has_profile, enum profile profile, struct wall_ms now)
{
    const struct charter *charter = &c->region.charter;
    bool is_first = c->last.number == 0;
    struct roster next = {.version = FORMAT_VERSION,
                          .region = c->region.id,
                          .number = c->last.number + 1,
                          .previous = c->last_hash,
                          .threshold = is_first ? charter->threshold : c->last.threshold,
                          .key_count = is_first ? charter->key_count : c->last.key_count,
                          .created = now,
                          .protocol_min = is_first ? PROTOCOL_VERSION : c->last.protocol_min,
                          .profile = is_first || has_profile ? profile : c->last.profile};

    memcpy(next.keys, is_first ? charter->keys : c->last.keys, sizeof next.keys);
    return next;
}

enum err root_sign_roster(const char *path, const struct span *cards, size_t count, const struct root_changes *changes, bool has_profile, enum profile profile, struct wall_ms now, root_unlock unlock, void *arg,
                          struct root_signed *ret, const char **why)
{
    struct root_signed made = {0};
    struct ceremony c;
    enum err err = ceremony_open(&c, path);

    if (err == ERR_OK) {
        err = crypto_start();
    }
    if (err == ERR_OK) {
        struct roster next = roster_next(&c, has_profile, profile, now);

        err = members_gather(&c, cards, count, &next, &made.added);
        if (err == ERR_OK) {
            err = cuts_gather(&c, changes, &next, &made);
        }
        if (err == ERR_OK) {
            err = members_settle(&c, &next);
        }
        if (err == ERR_OK) {
            err = roster_issue(&c, &next, unlock, arg, &made.signatures);
        }
        made.number = next.number;
        made.members = next.member_count;
        free(next.members); /* the cuts are the ceremony's */
    }
    if (err == ERR_OK) {
        *ret = made;
    } else if (why != NULL) {
        *why = c.why;
    }
    ceremony_close(&c);
    return err;
}

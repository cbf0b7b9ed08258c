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
        struct unlock how = {0};
        char path[PATH_MAX];

        err = key_folder(folder, i + 1, path);
        if (err == ERR_OK) {
            err = unlock(arg, i + 1, &how);
        }
        if (err == ERR_OK) {
            err = root_key_create(path, &how, NULL, &charter.keys[i]); /* the region's id follows from all of them: each is bound to it by the first roster it signs */
        }
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

/* ---- proposing ---- */

static enum err region_open(const char *folder, struct region_file *ret, const char **why)
{
    char path[PATH_MAX];
    enum err err = path_below(folder, "region", path);

    if (err == ERR_OK) {
        err = region_file_read(path, ret, why);
    }
    if (err == ERR_NOT_FOUND) {
        *why = N_("there is no region in that folder: griot root create makes one");
    }
    return err;
}

/* Who says which card counts: the rosters held, and the one that is about to be made (NULL: none). */
struct rule {
    const struct membership *membership;
    const struct roster *next;
};

static const struct sign_public *newest_key(const struct rule *rule, const struct node_id *node)
{
    for (uint32_t i = 0; rule->next != NULL && i < rule->next->member_count; i++) {
        if (node_id_equal(&rule->next->members[i].node, node)) {
            return &rule->next->members[i].identity;
        }
    }
    return membership_identity(rule->membership, node);
}

/* A card by the newest identity key of its node takes the place of one by another key, whatever their counters: whoever has an old key may have signed the highest there is. */
static enum err card_add(struct region_file *region, const struct rule *rule, struct span notice, const struct card *card, const char **why)
{
    const struct sign_public *newest = newest_key(rule, &card->node);

    if (newest != NULL && memcmp(newest->b, card->identity.b, sizeof newest->b) != 0) {
        return ERR_OK; /* stands for nothing */
    }
    if (newest != NULL) {
        region_file_drop_card(region, &card->node, newest);
    }
    return region_file_put(region, notice, why);
}

/* Cards after all others: rosters say which of them count. */
static enum err notices_add(struct region_file *region, const struct region_file *other, bool are_cards, const struct rule *rule, const char **why)
{
    struct unpack *unpack = unpack_new();
    enum err err = unpack == NULL ? ERR_MEMORY : ERR_OK;

    for (size_t i = 0; i < other->count && err == ERR_OK; i++) {
        struct notice notice;
        struct card card;

        err = notice_decode(unpack, other->notices[i], &notice, why);
        if (err != ERR_OK || (notice.kind == NOTICE_CARD) != are_cards) {
            continue;
        }
        if (are_cards) {
            err = card_decode(unpack, notice.body, &card, why);
            err = err == ERR_OK ? card_add(region, rule, other->notices[i], &card, why) : err;
        } else {
            err = region_file_put(region, other->notices[i], why);
        }
    }
    unpack_destroy(&unpack);
    return err;
}

/* Take in what another region file holds. Notices verify alone, wherever they come from. */
static enum err region_add(struct region_file *region, const struct region_file *other, const struct roster *next, const char **why)
{
    struct proposal stand = {0};
    enum err err;

    if (!region_id_equal(&region->id, &other->id)) {
        *why = N_("that region file is another region's");
        return ERR_REGION;
    }
    err = notices_add(region, other, false, NULL, why);
    if (err == ERR_OK) {
        stand.region = *region; /* lent */
        err = proposal_stand(&stand);
    }
    if (err == ERR_OK) {
        err = notices_add(region, other, true, &(struct rule){stand.membership, next}, why);
    }
    stand.region = (struct region_file){0};
    proposal_fini(&stand);
    return err;
}

enum err root_propose(const char *path, const char *also, const struct proposal_plan *plan, struct proposal *ret, const char **why)
{
    struct region_file region = {0}, other = {0};
    enum err err = region_open(path, &region, why);

    if (err == ERR_OK && also != NULL) {
        err = region_file_read(also, &other, why);
        if (err == ERR_OK) {
            err = region_add(&region, &other, NULL, why);
        }
        region_file_fini(&other);
    }
    if (err != ERR_OK) {
        region_file_fini(&region);
        return err;
    }
    return proposal_make(&region, plan, ret, why);
}

/* ---- combining ---- */

static uint32_t bits(uint32_t set)
{
    uint32_t n = 0;

    for (; set != 0; set &= set - 1) {
        n++;
    }
    return n;
}

static void signed_note(const struct proposal *proposal, const struct sign_public *key, struct root_signed *made)
{
    struct proposal_signers s;
    uint32_t before, after;

    proposal_signers(proposal, &s);
    before = proposal_key_place(s.before, s.before_count, key);
    after = proposal_key_place(s.after, s.after_count, key);
    made->before_signed |= before < s.before_count ? 1u << before : 0;
    made->after_signed |= after < s.after_count ? 1u << after : 0;
}

static bool is_enough(const struct proposal *proposal, const struct root_signed *made)
{
    struct proposal_signers s;

    proposal_signers(proposal, &s);
    return bits(made->before_signed) >= s.before_threshold && bits(made->after_signed) >= s.after_threshold;
}

static enum err refuse(enum err err, const char **why, const char *text)
{
    *why = text;
    return err;
}

static enum err signature_verify(const struct proposal *proposal, const struct root_signature *signature, const char **why)
{
    struct span body = span_of(proposal->body, proposal->body_bytes);

    if (!region_id_equal(&signature->region, &proposal->region.id)) {
        return refuse(ERR_REGION, why, N_("a signature is of another region"));
    }
    if (!hash_equal(&signature->roster, &proposal->hash)) {
        return refuse(ERR_BADHASH, why, N_("a signature is of another proposal: compare the fingerprints"));
    }
    if (proposal_key_number(proposal, &signature->key) == UINT32_MAX) {
        return refuse(ERR_UNKNOWN_KEY, why, N_("a signature is by a key that is no root key of this region"));
    }
    if (sign_check(SIGN_ROSTER, &proposal->region.id, body, &signature->key, &signature->signature) != ERR_OK) {
        return refuse(ERR_BADSIG, why, N_("a signature does not verify: the file was changed or damaged"));
    }
    return ERR_OK;
}

/* In rising order of key, as a notice has them (WIRE.md 4.7). */
static void signature_insert(struct notice *notice, uint32_t key, const struct signature *signature)
{
    uint32_t at = notice->signature_count++;

    for (; at > 0 && notice->signatures[at - 1].key > key; at--) {
        notice->signatures[at] = notice->signatures[at - 1];
    }
    notice->signatures[at] = (struct notice_signature){key, *signature};
}

static enum err signatures_gather(const struct proposal *proposal, const struct root_signature *signatures, size_t count, struct notice *notice, struct root_signed *made, size_t *ret_bad,
                                  const char **why)
{
    for (size_t i = 0; i < count; i++) {
        enum err err = signature_verify(proposal, &signatures[i], why);

        for (size_t j = 0; err == ERR_OK && j < i; j++) {
            if (memcmp(signatures[j].key.b, signatures[i].key.b, sizeof signatures[j].key.b) == 0) {
                err = refuse(ERR_EXISTS, why, N_("two of the signatures are by one key: each holder signs once"));
            }
        }
        if (err != ERR_OK) {
            *ret_bad = i;
            return err;
        }
        signature_insert(notice, proposal_key_number(proposal, &signatures[i].key), &signatures[i].signature);
        signed_note(proposal, &signatures[i].key, made);
    }
    made->is_short = !is_enough(proposal, made);
    return made->is_short ? refuse(ERR_NOT_FOUND, why, N_("too few of the root keys have signed")) : ERR_OK;
}

static void made_count(const struct proposal *proposal, struct root_signed *made)
{
    struct proposal_change *changes = NULL;
    size_t count = 0;

    made->number = proposal->roster.number;
    made->members = proposal->roster.member_count;
    memcpy(made->fingerprint, proposal->fingerprint, sizeof made->fingerprint);
    if (proposal_changes(proposal, &changes, &count) == ERR_OK) {
        for (size_t i = 0; i < count; i++) {
            made->added += changes[i].kind == CHANGE_JOINS;
            made->removed += changes[i].kind == CHANGE_LEAVES;
            made->lifted += changes[i].kind == CHANGE_LIFTED;
        }
    }
    free(changes);
}

/* What no node would believe is not written: the same check that every node makes. */
static enum err believe(struct region_file *region, const struct proposal *proposal)
{
    struct proposal after = {.region = *region};
    const struct lineage_level *tip;
    enum err err = proposal_stand(&after);

    if (err == ERR_OK) {
        tip = lineage_tip(after.lineage);
        err = tip != NULL && tip->count == 1 && hash_equal(&tip->hash, &proposal->hash) ? ERR_OK : ERR_CORRUPT;
    }
    *region = after.region;
    after.region = (struct region_file){0};
    proposal_fini(&after);
    return err;
}

static bool holds_roster(const struct region_file *region, const struct hash *roster)
{
    struct unpack *unpack = unpack_new();
    bool is_held = false;

    for (size_t i = 0; unpack != NULL && i < region->count && !is_held; i++) {
        struct notice notice;
        struct hash hash;

        if (notice_decode(unpack, region->notices[i], &notice, NULL) == ERR_OK && notice.kind == NOTICE_ROSTER) {
            hash_of(HASH_NOTICE, notice.body, &hash);
            is_held = hash_equal(&hash, roster);
        }
    }
    unpack_destroy(&unpack);
    return is_held;
}

/* May this proposal become the next roster of the region? Asked before the signatures: what is out of date need not be signed any more. */
static enum err region_check(const struct proposal *proposal, const struct region_file *region, const char **why)
{
    if (holds_roster(region, &proposal->hash)) {
        return refuse(ERR_EXISTS, why, N_("that roster is in the region file already: there is nothing left to do"));
    }
    return proposal_follows(proposal, region, why);
}

static enum err roster_put(const char *folder, struct region_file *region, const struct proposal *proposal, const struct notice *notice, const char **why)
{
    uint8_t *bytes = malloc(NOTICE_BYTES_MAX);
    struct out out = out_into(bytes, NOTICE_BYTES_MAX);
    char path[PATH_MAX];
    enum err err = bytes == NULL ? ERR_MEMORY : ERR_OK;

    if (err == ERR_OK) {
        notice_encode(notice, &out);
        err = out.is_full ? ERR_OVERSIZE : region_file_put(region, out_written(&out), why);
    }
    if (err == ERR_OK) {
        err = believe(region, proposal);
    }
    if (err == ERR_OK) {
        err = path_below(folder, "region", path);
    }
    if (err == ERR_OK) {
        err = region_file_write(region, path);
    }
    free(bytes);
    return err;
}

enum err root_combine(const char *path, const struct proposal *proposal, const struct root_signature *signatures, size_t count, struct root_signed *ret, size_t *ret_bad, const char **why)
{
    struct notice *notice = calloc(1, sizeof *notice);
    struct region_file region = {0};
    enum err err = notice == NULL ? ERR_MEMORY : ERR_OK;

    *ret = (struct root_signed){0};
    *ret_bad = SIZE_MAX;
    made_count(proposal, ret);
    if (err == ERR_OK && count > NOTICE_SIGNATURES_MAX) {
        err = refuse(ERR_EXISTS, why, N_("more signatures than there can be root keys"));
    }
    if (err == ERR_OK) {
        err = region_open(path, &region, why);
    }
    if (err == ERR_OK) {
        err = region_add(&region, &proposal->region, &proposal->roster, why); /* in memory: it may bring a roster that DIR has not heard of */
    }
    if (err == ERR_OK) {
        err = region_check(proposal, &region, why);
    }
    if (err == ERR_OK) {
        *notice = (struct notice){.kind = NOTICE_ROSTER, .body = span_of(proposal->body, proposal->body_bytes)};
        err = signatures_gather(proposal, signatures, count, notice, ret, ret_bad, why);
    }
    if (err == ERR_OK) {
        ret->signatures = notice->signature_count;
        err = roster_put(path, &region, proposal, notice, why);
    }
    region_file_fini(&region);
    free(notice);
    return err;
}

/* ---- at one desk ---- */

static bool is_needed(const struct proposal *proposal, const struct sign_public *key, const struct root_signed *made)
{
    struct proposal_signers s;

    proposal_signers(proposal, &s);
    return (bits(made->before_signed) < s.before_threshold && proposal_key_place(s.before, s.before_count, key) < s.before_count) ||
           (bits(made->after_signed) < s.after_threshold && proposal_key_place(s.after, s.after_count, key) < s.after_count);
}

struct desk { /* keys that have signed stay open until the roster is written: only then do they remember it, so that whatever fails before can be done again */
    struct root_key keys[NOTICE_SIGNATURES_MAX];
    struct root_signature signatures[NOTICE_SIGNATURES_MAX];
    size_t count;
};

static enum err desk_sign(const struct proposal *proposal, const char *folder, bool is_again, const struct unlock *how, struct desk *desk, struct root_signed *made, const char **why)
{
    struct root_key *key = &desk->keys[desk->count];
    enum err err = root_key_open(folder, how, key);

    if (err != ERR_OK) {
        return err;
    }
    if (proposal_key_number(proposal, &key->public) == UINT32_MAX) {
        err = refuse(ERR_UNKNOWN_KEY, why, N_("a key folder holds a key that is no root key of this region"));
    } else if (is_needed(proposal, &key->public, made)) {
        err = root_key_sign(key, &proposal->region.id, proposal->roster.number, span_of(proposal->body, proposal->body_bytes), is_again, &desk->signatures[desk->count], why);
        if (err == ERR_OK) {
            signed_note(proposal, &key->public, made);
            desk->count++;
            return ERR_OK;
        }
    }
    root_key_close(key);
    return err;
}

static enum err keys_sign(const char *path, const struct proposal *proposal, bool is_again, root_unlock unlock, void *arg, struct desk *desk, const char **why)
{
    struct root_signed made = {0};

    for (uint32_t i = 1; i <= NOTICE_SIGNATURES_MAX && !is_enough(proposal, &made); i++) {
        char folder[PATH_MAX];
        struct unlock how = {0};
        enum err err = key_folder(path, i, folder);

        if (err == ERR_OK && access(folder, F_OK) != 0) {
            continue;
        }
        if (err == ERR_OK) {
            err = unlock(arg, i, &how);
        }
        if (err == ERR_OK) {
            err = desk_sign(proposal, folder, is_again, &how, desk, &made, why);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    return is_enough(proposal, &made) ? ERR_OK
                                      : refuse(ERR_NOT_FOUND, why, N_("fewer root keys are in the folder than must sign: bring the folders key-1, key-2 ... of that many holders"));
}

enum err root_roster(const char *path, const char *also, const struct proposal_plan *plan, bool is_again, root_unlock unlock, void *arg, struct root_signed *ret, const char **why)
{
    struct desk *desk = calloc(1, sizeof *desk);
    struct root_signed made = {0};
    struct proposal proposal = {0};
    const char *text = NULL;
    size_t bad;
    enum err err = desk == NULL ? ERR_MEMORY : crypto_start();

    if (err == ERR_OK) {
        err = root_propose(path, also, plan, &proposal, &text);
    }
    if (err == ERR_OK) {
        err = keys_sign(path, &proposal, is_again, unlock, arg, desk, &text);
    }
    if (err == ERR_OK) {
        err = root_combine(path, &proposal, desk->signatures, desk->count, &made, &bad, &text);
    }
    for (size_t i = 0; desk != NULL && i < desk->count; i++) {
        if (err == ERR_OK) {
            err = root_key_remember(&desk->keys[i], &desk->signatures[i]);
        }
        root_key_close(&desk->keys[i]);
    }
    if (err == ERR_OK) {
        *ret = made;
    } else if (why != NULL) {
        *why = text;
    }
    proposal_fini(&proposal);
    free(desk);
    return err;
}

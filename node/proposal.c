#include "node/proposal.h"

#include <stdlib.h>

#include "crypto/sign.h"
#include "node/cli/i18n.h"
#include "node/file.h"
#include "node/text_file.h"
#include "proto/pack.h"

static const char proposal_magic[] = "griot proposal 1\n";
enum { PROPOSAL_ITEMS = 2, HEAD_BYTES = sizeof proposal_magic - 1 + sizeof(struct hash) };

/* ---- what it stands on ---- */

/* Charter, rosters and acts of a region file, verified. */
static enum err region_load(const struct region_file *region, struct lineage **ret_lineage, struct membership **ret_membership)
{
    struct span *rosters = calloc(region->count + 1, sizeof *rosters), *acts = calloc(region->count + 1, sizeof *acts);
    struct unpack *unpack = unpack_new();
    size_t roster_count = 0, act_count = 0;
    enum err err = rosters == NULL || acts == NULL || unpack == NULL ? ERR_MEMORY : ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < region->count; i++) {
        struct notice notice;

        if (notice_decode(unpack, region->notices[i], &notice, NULL) == ERR_OK) {
            if (notice.kind == NOTICE_ROSTER) {
                rosters[roster_count++] = region->notices[i];
            } else if (notice.kind == NOTICE_ACT) {
                acts[act_count++] = region->notices[i];
            }
        }
    }
    if (err == ERR_OK) {
        err = lineage_build(&region->id, region->notices[0], rosters, roster_count, sign_check, ret_lineage);
    }
    if (err == ERR_OK) {
        err = membership_build_any(&region->id, region->notices[0], rosters, roster_count, acts, act_count, sign_check, ret_membership);
    }
    unpack_destroy(&unpack);
    free(rosters);
    free(acts);
    return err;
}

static enum err follows(const struct roster *roster, const struct lineage *lineage, const char **why)
{
    static const struct hash zero;
    const struct lineage_level *tip = lineage_tip(lineage);
    uint64_t last = tip == NULL ? 0 : tip->number;

    if (roster->number <= last) {
        *why = N_("the proposal is out of date: the region has a roster of its number already. Make a new one");
        return ERR_STALE;
    }
    if (roster->number != last + 1 || !hash_equal(&roster->previous, tip == NULL ? &zero : &tip->hash)) {
        *why = N_("the proposal does not follow the last roster of the region");
        return ERR_CHAIN;
    }
    return ERR_OK;
}

enum err proposal_stand(struct proposal *proposal) { return region_load(&proposal->region, &proposal->lineage, &proposal->membership); }

enum err proposal_settle(struct proposal *proposal, const char **why)
{
    struct span body = span_of(proposal->body, proposal->body_bytes);
    struct unpack *unpack = unpack_new();
    enum err err = unpack == NULL ? ERR_MEMORY : roster_decode(unpack, body, &proposal->roster, why);

    unpack_destroy(&unpack);
    if (err == ERR_OK && !region_id_equal(&proposal->roster.region, &proposal->region.id)) {
        *why = N_("the proposal is of another region");
        err = ERR_REGION;
    }
    if (err == ERR_OK) {
        hash_of(HASH_NOTICE, body, &proposal->hash);
        fingerprint(body, proposal->fingerprint);
        err = follows(&proposal->roster, proposal->lineage, why);
    }
    return err;
}

enum err proposal_follows(const struct proposal *proposal, const struct region_file *region, const char **why)
{
    struct lineage *lineage = NULL;
    struct membership *membership = NULL;
    enum err err;

    if (!region_id_equal(&proposal->region.id, &region->id)) {
        *why = N_("the proposal is of another region");
        return ERR_REGION;
    }
    err = region_load(region, &lineage, &membership);
    if (err == ERR_OK) {
        err = follows(&proposal->roster, lineage, why);
    }
    membership_destroy(&membership);
    lineage_destroy(&lineage);
    return err;
}

void proposal_fini(struct proposal *proposal)
{
    roster_fini(&proposal->roster);
    membership_destroy(&proposal->membership);
    lineage_destroy(&proposal->lineage);
    region_file_fini(&proposal->region);
    free(proposal->body);
    *proposal = (struct proposal){0};
}

/* ---- the file ---- */

enum err proposal_write(const struct proposal *proposal, const char *path)
{
    size_t cap = sizeof proposal_magic + proposal->body_bytes + 128;
    struct hash sum;
    struct out out;
    uint8_t *bytes;
    enum err err;

    for (size_t i = 0; i < proposal->region.count; i++) {
        cap += proposal->region.notices[i].n + 8;
    }
    if (cap > REGION_FILE_BYTES_MAX) {
        return ERR_OVERSIZE;
    }
    bytes = malloc(cap);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    out = out_into(bytes + HEAD_BYTES, cap - HEAD_BYTES);
    pack_array(&out, PROPOSAL_ITEMS);
    pack_bin(&out, span_of(proposal->body, proposal->body_bytes));
    pack_array(&out, (uint32_t)proposal->region.count);
    for (size_t i = 0; i < proposal->region.count; i++) {
        pack_bin(&out, proposal->region.notices[i]);
    }
    hash_of(HASH_FILE, out_written(&out), &sum);
    memcpy(bytes, proposal_magic, sizeof proposal_magic - 1);
    memcpy(bytes + sizeof proposal_magic - 1, sum.b, sizeof sum.b);
    err = out.is_full ? ERR_OVERSIZE : file_write(path, span_of(bytes, HEAD_BYTES + out.at), 0644, true);
    free(bytes);
    return err;
}

static enum err notices_take(struct cursor *all, struct proposal *ret, const char **why)
{
    enum err err;

    if (all->left == 0) {
        return unpack_refuse(why, N_("it is not the file of a proposal"), ERR_MALFORMED);
    }
    err = region_file_new(cursor_bin(all, 1, NOTICE_BYTES_MAX), &ret->region, why);
    while (err == ERR_OK && all->left > 0 && !all->is_bad) {
        struct span notice = cursor_bin(all, 1, NOTICE_BYTES_MAX);

        err = all->is_bad ? ERR_MALFORMED : region_file_put(&ret->region, notice, why);
    }
    return err;
}

static enum err document_decode(struct span packed, struct proposal *ret, const char **why)
{
    struct unpack *unpack = unpack_new();
    struct cursor c, all;
    struct span body;
    enum err err = unpack == NULL ? ERR_MEMORY : unpack_begin(unpack, packed, why);

    if (err == ERR_OK) {
        c = unpack_array(unpack, PROPOSAL_ITEMS);
        body = cursor_bin(&c, 1, ROSTER_BYTES_MAX);
        all = cursor_array(&c, 1, REGION_FILE_NOTICES_MAX);
        err = c.is_bad ? unpack_refuse(why, N_("it is not the file of a proposal"), ERR_MALFORMED) : ERR_OK;
    }
    if (err == ERR_OK) {
        ret->body = malloc(body.n);
        ret->body_bytes = body.n;
        err = ret->body == NULL ? ERR_MEMORY : ERR_OK;
    }
    if (err == ERR_OK) {
        memcpy(ret->body, body.p, body.n);
        err = notices_take(&all, ret, why);
    }
    if (err == ERR_OK) {
        cursor_close(&c, &all);
        err = cursor_end(&c);
    }
    unpack_destroy(&unpack);
    return err;
}

static enum err file_decode(struct span file, struct proposal *ret, const char **why)
{
    struct hash sum;
    enum err err = text_file_check(file, proposal_magic, why);

    if (err != ERR_OK) {
        return err;
    }
    if (file.n > HEAD_BYTES) {
        hash_of(HASH_FILE, span_of(file.p + HEAD_BYTES, file.n - HEAD_BYTES), &sum);
    }
    if (file.n <= HEAD_BYTES || memcmp(sum.b, file.p + sizeof proposal_magic - 1, sizeof sum.b) != 0) {
        return unpack_refuse(why, N_("the proposal was changed, cut short or damaged since it was made"), ERR_BADHASH);
    }
    return document_decode(span_of(file.p + HEAD_BYTES, file.n - HEAD_BYTES), ret, why);
}

enum err proposal_read(const char *path, struct proposal *ret, const char **why)
{
    struct proposal read = {0};
    uint8_t *bytes = NULL;
    size_t n = 0;
    enum err err = file_read(path, REGION_FILE_BYTES_MAX, &bytes, &n);

    if (err == ERR_OK) {
        err = file_decode(span_of(bytes, n), &read, why);
    }
    free(bytes);
    if (err == ERR_OK) {
        err = proposal_stand(&read);
    }
    if (err == ERR_OK) {
        err = proposal_settle(&read, why);
    }
    if (err != ERR_OK) {
        proposal_fini(&read);
        return err;
    }
    *ret = read;
    return ERR_OK;
}

/* ---- who must sign ---- */

void proposal_signers(const struct proposal *proposal, struct proposal_signers *ret)
{
    const struct lineage_level *tip = lineage_tip(proposal->lineage);
    const struct lineage_roster *last = tip == NULL ? NULL : lineage_roster_of(proposal->lineage, tip);
    const struct charter *charter = &proposal->region.charter;

    *ret = (struct proposal_signers){.before_count = last == NULL ? charter->key_count : last->key_count,
                                     .before_threshold = last == NULL ? charter->threshold : last->threshold,
                                     .before = last == NULL ? charter->keys : last->keys,
                                     .after_count = proposal->roster.key_count,
                                     .after_threshold = proposal->roster.threshold,
                                     .after = proposal->roster.keys};
}

uint32_t proposal_key_place(const struct sign_public *keys, uint32_t count, const struct sign_public *key)
{
    uint32_t i = 0;

    while (i < count && memcmp(keys[i].b, key->b, sizeof key->b) != 0) {
        i++;
    }
    return i;
}

uint32_t proposal_key_number(const struct proposal *proposal, const struct sign_public *key)
{
    struct proposal_signers signers;
    uint32_t place;

    proposal_signers(proposal, &signers);
    place = proposal_key_place(signers.after, signers.after_count, key);
    if (place < signers.after_count) {
        return place;
    }
    place = proposal_key_place(signers.before, signers.before_count, key);
    return place < signers.before_count ? CHARTER_KEYS_MAX + place : UINT32_MAX;
}

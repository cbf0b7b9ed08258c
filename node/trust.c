#include "node/trust.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/i18n.h"
#include "node/file.h"

enum { PROPOSALS_MAX = 256 };

/* ---- admission ---- */

static bool is_subject(const struct member *a, const struct member *b)
{
    return node_id_equal(&a->node, &b->node) && a->role == b->role && memcmp(a->identity.b, b->identity.b, sizeof a->identity.b) == 0 &&
           strcmp(a->name, b->name) == 0;
}

static void by_add(struct trust_admit *admit, const struct membership *membership, const struct node_id *node)
{
    const struct member *member = membership_find(membership, node);

    if (member != NULL && admit->by_count < TRUST_ADMITTERS_MAX) {
        memcpy(admit->by[admit->by_count++], member->name, sizeof admit->by[0]);
    }
}

static enum err refuse(struct trust_admit *admit, enum err err, const char *why)
{
    admit->why = why;
    return err;
}

/* Everything that speaks against it and that the store cannot know or would only find out too late. */
static enum err admission_check(const struct writer *writer, struct trust_admit *admit)
{
    const struct membership *m = writer->membership;
    const struct card *card = &admit->decoded;
    const struct member *self, *named;

    if (m == NULL) {
        return refuse(admit, ERR_NOT_FOUND, N_("no roster is held here yet: join the region first"));
    }
    if (writer->has_notice) {
        return refuse(admit, ERR_BUSY, NULL);
    }
    if (!region_id_equal(&card->region, &writer->home->region)) {
        return refuse(admit, ERR_REGION, N_("the card is of another region"));
    }
    self = membership_find(m, &writer->home->node);
    if (self == NULL || self->role != ROLE_HUB) {
        return refuse(admit, ERR_PERMISSION, N_("only hubs of the roster admit nodes: run it at a hub's home"));
    }
    if (card->role == ROLE_HUB) {
        return refuse(admit, ERR_PERMISSION, N_("only the root makes a hub: griot root roster"));
    }
    named = membership_by_name(m, card->name);
    if (named != NULL && !node_id_equal(&named->node, &card->node)) {
        return refuse(admit, ERR_EXISTS, N_("another member has that name"));
    }
    named = membership_find(m, &card->node);
    if (named != NULL && memcmp(named->identity.b, card->identity.b, sizeof card->identity.b) != 0) {
        return refuse(admit, ERR_EXISTS, N_("that node is a member with another identity key: only the root gives it a new one"));
    }
    if (named == NULL && membership_identity(m, &card->node) != NULL) {
        return refuse(admit, ERR_PERMISSION, N_("that node was removed or suspended: only a roster of the root brings it back"));
    }
    return ERR_OK;
}

static enum err notice_store(struct writer *writer, struct trust_admit *admit, struct span notice, const char **clause)
{
    struct notice_ref ref;
    bool is_new = false;
    enum err err = store_admit_notice(writer->store, notice, 0, span_of(NULL, 0), &ref, &is_new, clause);

    if (err == ERR_OK && is_new) {
        writer->has_notice = true;
        admit->notices[admit->notice_count++] = ref;
    }
    return err;
}

static enum err act_make(struct writer *writer, struct trust_admit *admit, const struct member *subject, uint32_t number)
{
    uint8_t body[NOTICE_BYTES_MAX / 8], bytes[NOTICE_BYTES_MAX / 8];
    struct out body_out = out_into(body, sizeof body), out = out_into(bytes, sizeof bytes);
    struct notice notice = {.kind = NOTICE_ACT, .signature_count = 1};
    struct act *act = calloc(1, sizeof *act); /* large: it has room for a suspension's cut */
    const char *clause = NULL;
    enum err err;

    if (act == NULL) {
        return ERR_MEMORY;
    }
    act->version = FORMAT_VERSION;
    act->region = writer->home->region;
    act->registrar = writer->home->node;
    act->roster_number = membership_roster_number(writer->membership);
    act->roster_hash = *membership_roster_hash(writer->membership);
    act->number = number;
    act->kind = ACT_ADMIT;
    act->subject = *subject;
    act->created = admit->now;
    err = act_encode(act, &body_out);
    free(act);
    if (err != ERR_OK) {
        return err;
    }
    notice.body = out_written(&body_out);
    sign_make(SIGN_ACT, &writer->home->region, notice.body, writer->home->identity, &notice.signatures[0].signature);
    notice_encode(&notice, &out);
    if (out.is_full) {
        return ERR_OVERSIZE;
    }
    err = notice_store(writer, admit, out_written(&out), &clause);
    return err == ERR_OK ? ERR_OK : refuse(admit, err, clause);
}

/* ---- cards of nodes that are proposed ---- */

static bool proposed_path(const struct home *home, const char *name, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/proposed/%s", home->path, name);

    return n > 0 && n < PATH_MAX;
}

/* Best effort: without it the node comes in when somebody repeats `griot admit`. */
static void proposed_keep(const struct writer *writer, const struct trust_admit *admit)
{
    char path[PATH_MAX], hex[2 * sizeof admit->decoded.node.b + 1];

    if (proposed_path(writer->home, "", path)) {
        (void)mkdir(path, 0700);
    }
    if (proposed_path(writer->home, hex_encode(admit->decoded.node.b, sizeof admit->decoded.node.b, hex), path)) {
        (void)!file_write(path, admit->card, 0600, true);
    }
}

/* One kept card: stored and forgotten once its node is a member, forgotten when it is not good. */
static enum err proposed_settle(struct writer *writer, const char *path, struct trust_settle *settle)
{
    struct notice_ref ref;
    const char *clause = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    bool is_new = false;
    enum err err = file_read(path, CARD_NOTICE_BYTES_MAX, &bytes, &n);

    if (err == ERR_OK) {
        err = store_admit_notice(writer->store, span_of(bytes, n), 0, span_of(NULL, 0), &ref, &is_new, &clause);
    }
    free(bytes);
    if (err == ERR_UNKNOWN_KEY) {
        return ERR_OK; /* not a member yet */
    }
    if (err == ERR_OK && is_new) {
        writer->has_notice = true;
        settle->notices[settle->notice_count++] = ref;
    }
    if (err != ERR_OK && err_blame(err) == BLAME_SELF) {
        return err;
    }
    (void)unlink(path);
    return ERR_OK;
}

enum err trust_settle(struct writer *writer, void *arg)
{
    struct trust_settle *settle = arg;
    char path[PATH_MAX];
    struct dirent *entry;
    enum err err = ERR_OK;
    DIR *folder;

    settle->notice_count = 0;
    folder = proposed_path(writer->home, "", path) ? opendir(path) : NULL;
    if (folder == NULL) {
        return ERR_OK;
    }
    while (err == ERR_OK && settle->notice_count < ACT_ADMISSIONS_MAX && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.' && proposed_path(writer->home, entry->d_name, path)) {
            err = proposed_settle(writer, path, settle);
        }
    }
    closedir(folder);
    return err;
}

/* ---- proposing ---- */

/* Is it proposed already, by us, by others? */
static enum err proposals_read(const struct writer *writer, struct trust_admit *admit, const struct member *subject, bool *ret_by_us, bool *ret_by_other)
{
    struct member *proposed = calloc(PROPOSALS_MAX, sizeof *proposed);
    struct node_id *by = calloc(PROPOSALS_MAX, sizeof *by);
    size_t count;

    *ret_by_us = *ret_by_other = false;
    if (proposed == NULL || by == NULL) {
        free(proposed);
        free(by);
        return ERR_MEMORY;
    }
    count = membership_proposed(writer->membership, proposed, by, PROPOSALS_MAX);
    for (size_t i = 0; i < count && i < PROPOSALS_MAX; i++) {
        if (is_subject(&proposed[i], subject)) {
            bool is_ours = node_id_equal(&by[i], &writer->home->node);

            *ret_by_us = *ret_by_us || is_ours;
            *ret_by_other = *ret_by_other || !is_ours;
            by_add(admit, writer->membership, &by[i]);
        }
    }
    free(proposed);
    free(by);
    return ERR_OK;
}

static enum err propose(struct writer *writer, struct trust_admit *admit, const struct member *subject)
{
    uint32_t made = membership_acts_made(writer->membership, &writer->home->node, ACT_ADMIT);
    bool is_by_us, is_by_other;
    enum err err = proposals_read(writer, admit, subject, &is_by_us, &is_by_other);

    if (err == ERR_OK && !is_by_us) {
        if (made >= ACT_ADMISSIONS_MAX) {
            return refuse(admit, ERR_LIMIT, N_("this hub has made all the admissions that one roster allows: a new roster of the root makes room"));
        }
        err = act_make(writer, admit, subject, made + 1);
        if (err == ERR_OK) {
            by_add(admit, writer->membership, &writer->home->node);
        }
    }
    admit->state = is_by_other ? TRUST_ADMITTED : TRUST_PROPOSED;
    return err;
}

enum err trust_admit(struct writer *writer, void *arg)
{
    struct trust_admit *admit = arg;
    struct member subject = {0};
    const char *clause = NULL;
    enum err err;

    admit->by_count = 0;
    admit->notice_count = 0;
    admit->why = NULL;
    err = card_open(admit->card, &admit->decoded, admit->fingerprint, &clause);
    if (err != ERR_OK) {
        return refuse(admit, err, clause);
    }
    err = admission_check(writer, admit);
    if (err != ERR_OK) {
        writer->is_refusal = true;
        return err;
    }
    subject.node = admit->decoded.node;
    subject.role = admit->decoded.role;
    subject.identity = admit->decoded.identity;
    memcpy(subject.name, admit->decoded.name, sizeof subject.name);
    if (membership_find(writer->membership, &subject.node) != NULL) {
        admit->state = TRUST_MEMBER;
    } else {
        err = propose(writer, admit, &subject);
    }
    if (err == ERR_OK && admit->state == TRUST_PROPOSED) {
        proposed_keep(writer, admit);
    }
    if (err != ERR_OK || admit->state == TRUST_PROPOSED) {
        return err;
    }
    /* The card says by which transport key it may come in. An older one than is held is no fault of the act. */
    err = notice_store(writer, admit, admit->card, &clause);
    return err == ERR_OK || err_blame(err) == BLAME_PEER ? ERR_OK : refuse(admit, err, clause);
}

/* ---- joining ---- */

/* Each kind is checked with those before it. */
static const enum notice_kind join_order[] = {NOTICE_CHARTER, NOTICE_ROSTER, NOTICE_ACT, NOTICE_CARD, NOTICE_FORK_PROOF};

struct joining {
    struct writer *writer;
    struct trust_join *join;
    enum notice_kind *kinds; /* of each notice; 0: not decodable, or done with */
};

static void join_refuse(struct trust_join *join, enum err err, const char *clause)
{
    if (join->refused++ == 0) {
        join->refusal = err;
        join->why = clause;
    }
}

static enum err kinds_read(struct joining *j)
{
    struct trust_join *join = j->join;

    for (size_t i = 0; i < join->count; i++) {
        struct notice notice;
        const char *clause = NULL;
        enum err err = notice_decode(j->writer->unpack, join->notices[i], &notice, &clause);

        if (err == ERR_MEMORY) {
            return err;
        }
        if (err != ERR_OK) {
            join_refuse(join, err, clause);
            continue;
        }
        if (notice.kind == NOTICE_CHARTER) {
            struct hash hash;

            hash_of(HASH_CHARTER, notice.body, &hash);
            if (memcmp(hash.b, j->writer->home->region.b, sizeof hash.b) != 0) {
                return ERR_REGION;
            }
        }
        if (notice.kind == NOTICE_FRONTIER) {
            join->held++; /* stands for nothing without its heads, which no file carries */
            continue;
        }
        j->kinds[i] = notice.kind;
    }
    return ERR_OK;
}

/* One pass over the notices of a kind. Rosters may stand in any order: what another one must precede comes again in the next pass. */
static enum err join_pass(struct joining *j, enum notice_kind kind, bool is_last, bool *ret_moved)
{
    struct trust_join *join = j->join;

    *ret_moved = false;
    for (size_t i = 0; i < join->count; i++) {
        struct notice_ref ref;
        const char *clause = NULL;
        bool is_new = false;
        enum err err;

        if (j->kinds[i] != kind) {
            continue;
        }
        err = store_admit_notice(j->writer->store, join->notices[i], 0, span_of(NULL, 0), &ref, &is_new, &clause);
        if (err == ERR_UNKNOWN_KEY && !is_last) {
            continue;
        }
        j->kinds[i] = 0;
        if (err == ERR_OK && is_new) {
            join->refs[join->stored++] = ref;
            j->writer->has_notice = true;
            *ret_moved = true;
        } else if (err == ERR_OK || err == ERR_STALE) {
            join->held++;
        } else if (err_blame(err) == BLAME_PEER) {
            join_refuse(join, err, clause);
        } else {
            return err;
        }
    }
    return ERR_OK;
}

static enum err join_all(struct joining *j)
{
    for (size_t k = 0; k < sizeof join_order / sizeof join_order[0]; k++) {
        bool has_moved = true;
        enum err err = ERR_OK;

        while (has_moved && err == ERR_OK) {
            err = join_pass(j, join_order[k], false, &has_moved);
        }
        if (err == ERR_OK) {
            err = join_pass(j, join_order[k], true, &has_moved);
        }
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

enum err trust_join(struct writer *writer, void *arg)
{
    struct trust_join *join = arg;
    struct joining j = {.writer = writer, .join = join};
    enum err err;

    join->stored = join->held = join->refused = 0;
    join->refs = NULL;
    join->refusal = ERR_OK;
    join->why = NULL;
    if (join->count > REGION_FILE_NOTICES_MAX) {
        return ERR_LIMIT;
    }
    j.kinds = calloc(join->count + 1, sizeof *j.kinds);
    join->refs = calloc(join->count + 1, sizeof *join->refs);
    err = j.kinds == NULL || join->refs == NULL ? ERR_MEMORY : kinds_read(&j);
    if (err == ERR_OK) {
        err = join_all(&j);
    }
    free(j.kinds);
    if (err != ERR_OK) {
        free(join->refs);
        join->refs = NULL;
    }
    return err;
}

enum err trust_join_home(struct home *home, struct trust_join *join)
{
    struct store *store = NULL;
    struct writer writer;
    enum err err = store_open(home->path, &store);

    if (err != ERR_OK) {
        return err;
    }
    err = writer_open(home, store, &writer);
    if (err == ERR_OK) {
        err = store_begin(store);
        if (err == ERR_OK) {
            err = trust_join(&writer, join);
            if (err == ERR_OK) {
                err = store_commit(store);
            } else {
                store_abort(store);
            }
        }
        writer_close(&writer);
    }
    store_close(&store);
    if (err != ERR_OK) {
        free(join->refs);
        join->refs = NULL;
    }
    return err;
}

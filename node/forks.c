#include "node/forks.h"

#include "node/cli/i18n.h"

#include <ctype.h>
#include <stdlib.h>

struct reading {
    struct store_read *read;
    const struct membership *membership;
    const struct node_id *self;
    struct forks *forks;
    struct unpack *unpack;
    struct commit *commit;
    struct head *heads; /* FRONTIER_HEADS_MAX */
    uint64_t seqs[2];   /* scratch */
    enum err err;
};

/* ---- proofs ---- */

static bool header_take(struct reading *r, struct span canonical, struct fork *fork, size_t branch)
{
    const char *clause = NULL;
    enum err err = commit_canonical_decode(r->unpack, canonical, r->commit, &clause);

    if (err == ERR_OK) {
        fork->log = r->commit->log;
        fork->seq = r->commit->seq;
        fork->times[branch] = r->commit->author_time;
        hash_of(HASH_COMMIT, canonical, &fork->branches[branch]);
    }
    return err == ERR_OK;
}

static bool proof_take(void *arg, const struct notice_ref *ref, struct span bytes, struct span heads)
{
    struct reading *r = arg;
    struct forks *forks = r->forks;
    struct fork fork = {0};
    struct notice notice;
    struct fork_proof proof;
    struct birth birth;
    struct log_id log;
    const char *clause = NULL;
    struct fork *more;

    (void)heads;
    if (ref->kind != NOTICE_FORK_PROOF) {
        return true;
    }
    r->err = notice_decode(r->unpack, bytes, &notice, &clause);
    if (r->err == ERR_OK) {
        hash_of(HASH_NOTICE, notice.body, &fork.proof);
        r->err = fork_proof_decode(r->unpack, notice.body, &proof, &clause);
    }
    if (r->err == ERR_OK) {
        r->err = birth_peek(r->unpack, proof.birth, &birth, &log, &clause);
    }
    if (r->err == ERR_OK && (!header_take(r, proof.a, &fork, 0) || !header_take(r, proof.b, &fork, 1))) {
        r->err = ERR_CORRUPT;
    }
    if (r->err != ERR_OK) {
        r->err = r->err == ERR_MEMORY ? r->err : ERR_CORRUPT; /* it was checked when it was stored */
        return false;
    }
    fork.node = birth.node;
    fork.channel = birth.channel;
    fork.is_own = node_id_equal(&fork.node, r->self);
    fork.is_disputed = true;
    more = realloc(forks->items, (forks->count + 1) * sizeof *more);
    if (more == NULL) {
        r->err = ERR_MEMORY;
        return false;
    }
    forks->items = more;
    forks->items[forks->count++] = fork;
    return true;
}

static int compare_forks(const void *a, const void *b)
{
    const struct fork *x = a, *y = b;

    return log_id_compare(&x->log, &y->log);
}

const struct fork *forks_find(const struct forks *forks, const struct log_id *log)
{
    struct fork key = {.log = *log};

    return forks->count == 0 ? NULL : bsearch(&key, forks->items, forks->count, sizeof key, compare_forks);
}

/* ---- what they put in dispute ---- */

struct aside_sum {
    uint64_t entries;
};

static bool aside_add(void *arg, const struct aside *aside)
{
    struct aside_sum *sum = arg;

    sum->entries += aside->commit != NULL ? aside->commit->entry_count : 0;
    return true;
}

struct names { /* how many hubs name what counts of a log */
    struct reading *r;
    const struct fork *fork;
    size_t hubs;
};

static bool hub_count(void *arg, const struct notice_ref *ref, struct span notice, struct span bytes)
{
    struct names *names = arg;
    const char *clause = NULL;
    const struct member *member;
    struct node_id node;
    size_t count = 0;

    (void)notice;
    memcpy(node.b, ref->subject, sizeof node.b);
    member = ref->kind == NOTICE_FRONTIER ? membership_find(names->r->membership, &node) : NULL;
    if (member == NULL || member->role != ROLE_HUB || heads_decode(names->r->unpack, bytes, names->r->heads, FRONTIER_HEADS_MAX, &count, &clause) != ERR_OK) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        const struct head *head = &names->r->heads[i];

        names->hubs += log_id_compare(&head->log, &names->fork->log) == 0 && (head->seq > names->fork->counts.seq || hash_equal(&head->hash, &names->fork->counts.hash));
    }
    return true;
}

static enum err fork_look(struct reading *r, struct fork *fork)
{
    struct names names = {r, fork, 0};
    struct aside_sum sum = {0};
    struct log_info log;
    enum err err = store_log(r->read, &fork->log, &log);

    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    fork->is_held = true;
    fork->counts = log.head;
    fork->is_disputed = log.head.seq < fork->seq;
    fork->disputed_entries = log.held_entries - log.head.entries;
    err = log.aside_seq == 0 ? ERR_OK : store_asides(r->read, log.number, aside_add, &sum);
    fork->aside_entries = sum.entries;
    if (err == ERR_OK && r->membership != NULL) {
        err = store_notices(r->read, hub_count, &names);
        fork->is_final = names.hubs > membership_hub_count(r->membership) / 2;
    }
    return err;
}

/* ---- verdicts ---- */

static void verdict_keep(struct fork *fork, const struct fork_verdict *verdict)
{
    size_t at = 0;

    while (at < fork->verdict_count && memcmp(fork->verdicts[at].by.b, verdict->by.b, sizeof verdict->by.b) < 0) {
        at++;
    }
    if (at < fork->verdict_count && node_id_equal(&fork->verdicts[at].by, &verdict->by)) {
        if (fork->verdicts[at].time.ms < verdict->time.ms) { /* of another incarnation of that log */
            fork->verdicts[at] = *verdict;
        }
        return;
    }
    if (fork->verdict_count < FORK_VERDICTS_MAX) {
        memmove(&fork->verdicts[at + 1], &fork->verdicts[at], (fork->verdict_count - at) * sizeof fork->verdicts[0]);
        fork->verdicts[at] = *verdict;
        fork->verdict_count++;
    }
}

/* From the newest commit down, so that the first one about a fork is the one that stands. */
static enum err verdicts_of(struct reading *r, const struct log_info *log)
{
    bool *is_done = calloc(r->forks->count, sizeof *is_done);
    uint64_t least = log->head.seq > VERDICT_COMMITS_MAX ? log->head.seq - VERDICT_COMMITS_MAX : 0;
    enum err err = is_done == NULL ? ERR_MEMORY : ERR_OK;

    for (uint64_t seq = log->head.seq; err == ERR_OK && seq > least; seq--) {
        struct hash hash;

        err = store_commit_at(r->read, log->number, seq, r->commit, &hash);
        for (uint32_t i = err == ERR_OK ? r->commit->entry_count : 0; i > 0; i--) {
            const struct entry *entry = &r->commit->entries[i - 1];
            struct fork_verdict found = {.by = log->node, .time = r->commit->author_time};
            struct fork key;
            struct fork *fork;

            if (entry->leaf.kind != ENTRY_VERDICT || !entry->has_payload || entry->leaf.codec != CODEC_PLAIN || entry->leaf.audience_bytes != 0 ||
                verdict_decode(r->unpack, entry->payload, &found.verdict, NULL) != ERR_OK) {
                continue;
            }
            key.log = found.verdict.log;
            fork = bsearch(&key, r->forks->items, r->forks->count, sizeof key, compare_forks);
            if (fork != NULL && !is_done[fork - r->forks->items]) {
                is_done[fork - r->forks->items] = true;
                found.is_older = !hash_equal(&found.verdict.proof, &fork->proof);
                verdict_keep(fork, &found);
            }
        }
    }
    free(is_done);
    return err;
}

struct control_logs {
    struct log_info *items;
    size_t count;
    const struct membership *membership;
    enum err err;
};

static bool control_take(void *arg, const struct log_info *log)
{
    struct control_logs *logs = arg;
    const struct member *member = log->channel == CHANNEL_CONTROL && log->head.seq > 0 ? membership_named(logs->membership, &log->node) : NULL;
    struct log_info *more;

    if (member == NULL || member->role != ROLE_HUB) {
        return true;
    }
    more = realloc(logs->items, (logs->count + 1) * sizeof *more);
    if (more == NULL) {
        logs->err = ERR_MEMORY;
        return false;
    }
    logs->items = more;
    logs->items[logs->count++] = *log;
    return true;
}

static enum err verdicts_read(struct reading *r)
{
    struct control_logs logs = {.membership = r->membership};
    enum err err = store_logs(r->read, control_take, &logs);

    err = err != ERR_OK ? err : logs.err;
    for (size_t i = 0; i < logs.count && err == ERR_OK; i++) {
        err = verdicts_of(r, &logs.items[i]);
    }
    free(logs.items);
    return err;
}

/* ---- all of it ---- */

enum err forks_read(struct store_read *read, const struct membership *membership, const struct node_id *self, struct forks *ret)
{
    struct reading r = {.read = read, .membership = membership, .self = self, .forks = ret};
    enum err err;

    *ret = (struct forks){0};
    r.unpack = unpack_new();
    r.commit = malloc(sizeof *r.commit);
    r.heads = malloc(FRONTIER_HEADS_MAX * sizeof *r.heads);
    err = r.unpack == NULL || r.commit == NULL || r.heads == NULL ? ERR_MEMORY : store_notices(read, proof_take, &r);
    err = err != ERR_OK ? err : r.err;
    if (ret->count > 0) {
        qsort(ret->items, ret->count, sizeof *ret->items, compare_forks);
    }
    for (size_t i = 0; i < ret->count && err == ERR_OK; i++) {
        err = fork_look(&r, &ret->items[i]);
    }
    if (err == ERR_OK && ret->count > 0 && membership != NULL) {
        err = verdicts_read(&r);
    }
    unpack_destroy(&r.unpack);
    free(r.commit);
    free(r.heads);
    return err;
}

void forks_fini(struct forks *forks)
{
    free(forks->items);
    *forks = (struct forks){0};
}

/* ---- classifying ---- */

static enum err refuse(struct classify *classify, enum err err, const char *why)
{
    classify->why = why;
    return err;
}

static bool is_named(const struct writer *writer, const struct fork *fork, const char *what)
{
    const struct member *member = membership_named(writer->membership, &fork->node);
    char hex[2 * sizeof fork->log.b + 1];
    size_t n = strlen(what);
    bool is_prefix = n >= 4 && n < sizeof hex;

    hex_encode(fork->log.b, sizeof fork->log.b, hex);
    for (size_t i = 0; i < n && is_prefix; i++) {
        is_prefix = tolower((unsigned char)what[i]) == hex[i];
    }
    return is_prefix || (member != NULL && strcmp(member->name, what) == 0);
}

static enum err fork_choose(struct writer *writer, struct classify *classify)
{
    struct store_read *read = NULL;
    struct forks forks = {0};
    size_t found = 0;
    enum err err = store_read_begin(writer->store, &read);

    if (err == ERR_OK) {
        err = forks_read(read, writer->membership, &writer->home->node, &forks);
    }
    store_read_end(&read);
    for (size_t i = 0; i < forks.count && err == ERR_OK; i++) {
        if (is_named(writer, &forks.items[i], classify->what)) {
            classify->fork = forks.items[i];
            found++;
        }
    }
    forks_fini(&forks);
    if (err == ERR_OK && found != 1) {
        return found == 0 ? refuse(classify, ERR_NOT_FOUND, N_("no fork of such a log, or of a node of that name, is known here"))
                          : refuse(classify, ERR_EXISTS, N_("several forks begin with these digits, or are of this node: name one log"));
    }
    return err;
}

static bool has_said(const struct classify *classify, const struct node_id *self, const struct verdict *verdict)
{
    for (size_t i = 0; i < classify->fork.verdict_count; i++) {
        const struct fork_verdict *said = &classify->fork.verdicts[i];

        if (node_id_equal(&said->by, self)) {
            return !said->is_older && said->verdict.class == verdict->class && strcmp(said->verdict.reason, verdict->reason) == 0;
        }
    }
    return false;
}

enum err classify_make(struct writer *writer, void *arg)
{
    struct classify *classify = arg;
    const struct membership *membership = writer->membership;
    const struct member *self = membership == NULL ? NULL : membership_find(membership, &writer->home->node);
    size_t n = classify->reason == NULL ? 0 : strlen(classify->reason);
    uint8_t memory[PAYLOAD_BYTES_MAX];
    struct out out = out_into(memory, sizeof memory);
    struct verdict verdict = {.class = classify->class};
    struct payload payload = {.kind = ENTRY_VERDICT};
    struct head head;
    enum err err;

    if (self == NULL || self->role != ROLE_HUB) {
        return refuse(classify, ERR_PERMISSION, N_("only a hub of the region classifies a fork, and a suspended one does not"));
    }
    if (n > VERDICT_REASON_BYTES_MAX) {
        return refuse(classify, ERR_INVALID, N_("a reason has at most 200 bytes"));
    }
    err = fork_choose(writer, classify);
    if (err != ERR_OK) {
        return err;
    }
    verdict.log = classify->fork.log;
    verdict.proof = classify->fork.proof;
    if (n > 0) {
        memcpy(verdict.reason, classify->reason, n);
    }
    if (has_said(classify, &writer->home->node, &verdict)) {
        classify->state = CLASSIFY_HELD;
        return ERR_OK;
    }
    err = verdict_encode(&verdict, &out);
    if (err != ERR_OK) {
        return refuse(classify, err, N_("a reason has no control characters"));
    }
    payload.bytes = out_written(&out);
    err = author_append(writer->author, CHANNEL_CONTROL, &payload, 1, classify->now, membership_roster_number(membership), NULL, &head);
    if (err == ERR_OK) {
        writer->heads[CHANNEL_CONTROL] = head;
        classify->state = CLASSIFY_MADE;
    }
    return err;
}

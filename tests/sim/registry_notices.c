/* The notices of a simulated region. */
#include <stdlib.h>

#include "tests/sim/registry.h"

enum { HEAD_BYTES = 96, NOTICE_BYTES = 32768 };

static void sign_notice(const struct registry *registry, enum sign_purpose purpose, uint32_t node, struct span body, struct notice *ret)
{
    ret->body = body;
    ret->signature_count = 1;
    ret->signatures[0].key = 0;
    registry_sign(registry, purpose, body, &registry->identities[node], registry->identity_keys[node], &ret->signatures[0].signature);
}

static void ref_of(const struct notice *notice, const uint8_t subject[16], uint64_t counter, struct notice_ref *ret)
{
    struct hash hash;

    memset(ret, 0, sizeof *ret);
    ret->kind = notice->kind;
    memcpy(ret->subject, subject, sizeof ret->subject);
    ret->counter = counter;
    hash_of(HASH_NOTICE, notice->body, &hash);
    memcpy(ret->hash, hash.b, sizeof ret->hash);
}

static bool is_same(const struct notice_ref *a, const struct notice_ref *b)
{
    return a->kind == b->kind && a->counter == b->counter && memcmp(a->subject, b->subject, sizeof a->subject) == 0 &&
           memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

static struct sim_notice *find(const struct registry *registry, const struct notice_ref *ref)
{
    for (uint32_t i = registry->notice_count; i > 0; i--) { /* the newest are asked for most */
        if (is_same(&registry->notices[i - 1]->ref, ref)) {
            return registry->notices[i - 1];
        }
    }
    return NULL;
}

static struct sim_notice *add(struct registry *registry, const struct notice *notice, const struct notice_ref *ref)
{
    struct sim_notice *ret = find(registry, ref);
    uint8_t bytes[NOTICE_BYTES];
    struct out out = out_into(bytes, sizeof bytes);

    if (ret != NULL) {
        return ret;
    }
    ret = registry_alloc(registry, sizeof *ret);
    notice_encode(notice, &out);
    if (out.is_full) {
        abort();
    }
    ret->ref = *ref;
    ret->bytes = registry_keep(registry, out_written(&out));
    if (registry->notice_count == registry->notice_cap) {
        registry->notice_cap = registry->notice_cap == 0 ? 256 : registry->notice_cap * 2;
        registry->notices = realloc(registry->notices, registry->notice_cap * sizeof(struct sim_notice *));
        if (registry->notices == NULL) {
            abort();
        }
    }
    registry->notices[registry->notice_count++] = ret;
    return ret;
}

static void heads_hash(const struct head *heads, size_t count, struct hash *ret)
{
    size_t cap = count * HEAD_BYTES + 16;
    uint8_t *bytes = malloc(cap);
    struct out out = out_into(bytes, cap);

    if (bytes == NULL) {
        abort();
    }
    heads_canonical(heads, count, &out);
    hash_of(HASH_HEADS, out_written(&out), ret);
    free(bytes);
}

struct sim_notice *registry_frontier(struct registry *registry, uint32_t node, uint64_t counter, const struct head *heads, size_t count,
                                     uint64_t now_ms)
{
    struct frontier frontier = {.version = FORMAT_VERSION, .counter = counter, .roster_number = 1};
    struct notice notice = {.kind = NOTICE_FRONTIER};
    uint8_t body[512];
    struct out out = out_into(body, sizeof body);
    struct notice_ref ref;
    struct sim_notice *ret;

    frontier.region = registry->region;
    frontier.node = registry->nodes[node];
    frontier.clock.ms = now_ms;
    frontier.head_count = (uint32_t)count;
    heads_hash(heads, count, &frontier.heads_digest);
    frontier_encode(&frontier, &out);
    sign_notice(registry, SIGN_FRONTIER, node, out_written(&out), &notice);
    ref_of(&notice, frontier.node.b, counter, &ref);
    ret = add(registry, &notice, &ref);
    ret->subject = node;
    ret->head_count = count;
    ret->heads = registry_alloc(registry, (count + 1) * sizeof *heads);
    memcpy(ret->heads, heads, count * sizeof *heads);
    return ret;
}

static struct sim_notice *act_add(struct registry *registry, const struct notice *notice, const struct act *act)
{
    struct notice_ref ref;
    struct sim_notice *ret;

    ref_of(notice, act->registrar.b, act->number, &ref);
    ret = add(registry, notice, &ref);
    ret->subject = registry_node(registry, &act->subject.node);
    ret->is_lift = act->number == ACT_LIFTS;
    ret->head_count = act->cut.head_count;
    ret->heads = registry_alloc(registry, (act->cut.head_count + 1) * sizeof *ret->heads);
    memcpy(ret->heads, act->cut.heads, act->cut.head_count * sizeof *ret->heads);
    return ret;
}

struct sim_notice *registry_act(struct registry *registry, uint32_t hub, uint32_t subject, uint32_t number, const struct head *heads, size_t count, uint64_t now_ms)
{
    static struct act act;
    static uint8_t body[NOTICE_BYTES];
    struct notice notice = {.kind = NOTICE_ACT};
    struct out out = out_into(body, sizeof body);

    memset(&act, 0, sizeof act);
    act.version = FORMAT_VERSION;
    act.region = registry->region;
    act.registrar = registry->nodes[hub];
    act.roster_number = 1;
    act.number = number;
    act.kind = ACT_SUSPEND;
    act.subject.node = act.cut.node = registry->nodes[subject];
    act.created.ms = now_ms;
    act.cut.head_count = (uint32_t)(count < CUT_HEADS_MAX ? count : CUT_HEADS_MAX);
    memcpy(act.cut.heads, heads, act.cut.head_count * sizeof *heads);
    for (uint32_t i = 0; i < act.cut.head_count; i++) {
        act.cut.heads[i].entries = 0;
    }
    if (act_encode(&act, &out) != ERR_OK) {
        abort();
    }
    sign_notice(registry, SIGN_ACT, hub, out_written(&out), &notice);
    return act_add(registry, &notice, &act);
}

struct sim_notice *registry_card(struct registry *registry, uint32_t node, uint64_t counter)
{
    struct card card = {.version = FORMAT_VERSION, .role = node < 2 ? ROLE_HUB : ROLE_EDGE, .counter = counter};
    struct notice notice = {.kind = NOTICE_CARD};
    uint8_t body[1024];
    struct out out = out_into(body, sizeof body);
    struct notice_ref ref;
    struct sim_notice *ret;

    card.region = registry->region;
    card.node = registry->nodes[node];
    card.identity = registry->identities[node];
    rng_fill(&registry->rng, card.transport.b, sizeof card.transport.b);
    rng_fill(&registry->rng, card.encryption.b, sizeof card.encryption.b);
    memcpy(card.name, "node", 5);
    card_encode(&card, &out);
    sign_notice(registry, SIGN_CARD, node, out_written(&out), &notice);
    ref_of(&notice, card.node.b, counter, &ref);
    ret = add(registry, &notice, &ref);
    ret->subject = node;
    return ret;
}

static struct sim_notice *proof_add(struct registry *registry, const struct notice *notice, const struct log_id *log, uint64_t seq,
                                    const struct hash *a, const struct hash *b)
{
    struct notice_ref ref;
    struct sim_notice *ret;

    ref_of(notice, log->b, 0, &ref);
    ret = add(registry, notice, &ref);
    ret->proof_a = *a;
    ret->proof_b = *b;
    ret->head_count = 1;
    ret->heads = registry_alloc(registry, sizeof *ret->heads);
    ret->heads[0].log = *log;
    ret->heads[0].seq = seq;
    return ret;
}

struct sim_notice *registry_proof(struct registry *registry, const struct sim_commit *x, const struct sim_commit *y)
{
    bool is_in_order = memcmp(x->chain.hash.b, y->chain.hash.b, sizeof x->chain.hash.b) < 0;
    const struct sim_commit *a = is_in_order ? x : y;
    const struct sim_commit *b = is_in_order ? y : x;
    struct fork_proof proof = {x->log->bytes, a->canonical, b->canonical, a->signature, b->signature};
    struct notice notice = {.kind = NOTICE_FORK_PROOF};
    uint8_t body[2048];
    struct out out = out_into(body, sizeof body);

    fork_proof_encode(&proof, &out);
    notice.body = out_written(&out);
    return proof_add(registry, &notice, &x->chain.log, x->chain.seq, &a->chain.hash, &b->chain.hash);
}

/* ---- reading what came in ---- */

static struct sim_notice *proof_read(struct registry *registry, const struct notice *notice, enum err *ret)
{
    struct fork_proof proof;
    struct birth birth;
    struct log_id log;
    struct hash a, b;
    uint64_t seq;
    uint32_t node;
    const char *clause = NULL;

    *ret = fork_proof_decode(registry->unpack, notice->body, &proof, &clause);
    if (*ret == ERR_OK) {
        *ret = birth_peek(registry->unpack, proof.birth, &birth, &log, &clause);
    }
    if (*ret != ERR_OK) {
        return NULL;
    }
    node = registry_node(registry, &birth.node);
    if (node == UINT32_MAX) {
        *ret = ERR_UNKNOWN_KEY;
        return NULL;
    }
    *ret = fork_proof_check(registry->unpack, &proof, &registry->region, &registry->identities[node], registry_check(registry), &log, &seq, &clause);
    if (*ret != ERR_OK) {
        return NULL;
    }
    hash_of(HASH_COMMIT, proof.a, &a);
    hash_of(HASH_COMMIT, proof.b, &b);
    return proof_add(registry, notice, &log, seq, &a, &b);
}

/* `heads` as it travels, applied to what `base` named; sorted. */
static enum err heads_apply(struct registry *registry, const struct sim_notice *base, struct span bytes, struct head **ret, size_t *ret_count)
{
    static struct head change[FRONTIER_HEADS_MAX];
    size_t change_count = 0;
    size_t base_count = base == NULL ? 0 : base->head_count;
    const char *clause = NULL;
    enum err err = heads_decode(registry->unpack, bytes, change, FRONTIER_HEADS_MAX, &change_count, &clause);
    struct head *heads;
    size_t n = 0;
    size_t i = 0;
    size_t k = 0;

    if (err != ERR_OK) {
        return err;
    }
    heads = registry_alloc(registry, (base_count + change_count + 1) * sizeof *heads);
    while (i < base_count || k < change_count) {
        int order = i == base_count ? 1 : k == change_count ? -1 : log_id_compare(&base->heads[i].log, &change[k].log);

        if (order < 0) {
            heads[n++] = base->heads[i++];
        } else {
            heads[n++] = change[k++];
            i += order == 0;
        }
    }
    *ret = heads;
    *ret_count = n;
    return ERR_OK;
}

static struct sim_notice *frontier_read(struct registry *registry, const struct notice *notice, uint64_t base_counter, const struct sim_notice *base,
                                        struct span bytes, enum err *ret)
{
    struct frontier frontier;
    struct notice_ref ref;
    struct sim_notice *known;
    struct head *heads = NULL;
    size_t count = 0;
    struct hash digest;
    uint32_t node;
    const char *clause = NULL;

    *ret = frontier_decode(registry->unpack, notice->body, &frontier, &clause);
    if (*ret != ERR_OK) {
        return NULL;
    }
    node = registry_node(registry, &frontier.node);
    if (node == UINT32_MAX) {
        *ret = ERR_UNKNOWN_KEY;
        return NULL;
    }
    *ret = registry_check(registry)(SIGN_FRONTIER, &registry->region, notice->body, &registry->identities[node], &notice->signatures[0].signature);
    if (*ret != ERR_OK) {
        return NULL;
    }
    if (base_counter != 0 && base == NULL) {
        *ret = ERR_GAP;
        return NULL;
    }
    *ret = heads_apply(registry, base, bytes, &heads, &count);
    if (*ret != ERR_OK) {
        return NULL;
    }
    heads_hash(heads, count, &digest);
    if (!hash_equal(&digest, &frontier.heads_digest)) {
        *ret = base != NULL ? ERR_GAP : ERR_BADHASH; /* a difference to another of that counter: ask for the whole */
        return NULL;
    }
    ref_of(notice, frontier.node.b, frontier.counter, &ref);
    known = find(registry, &ref);
    if (known == NULL) {
        *ret = ERR_BADSIG; /* nobody signed it: the stand-in has been broken */
    }
    return known;
}

static struct sim_notice *card_read(struct registry *registry, const struct notice *notice, enum err *ret)
{
    struct card card;
    struct notice_ref ref;
    struct sim_notice *known;
    uint32_t node;
    const char *clause = NULL;

    *ret = card_decode(registry->unpack, notice->body, &card, &clause);
    if (*ret != ERR_OK) {
        return NULL;
    }
    node = registry_node(registry, &card.node);
    *ret = node == UINT32_MAX
               ? ERR_UNKNOWN_KEY
               : registry_check(registry)(SIGN_CARD, &registry->region, notice->body, &registry->identities[node], &notice->signatures[0].signature);
    if (*ret != ERR_OK) {
        return NULL;
    }
    ref_of(notice, card.node.b, card.counter, &ref);
    known = find(registry, &ref);
    if (known == NULL) {
        *ret = ERR_BADSIG;
    }
    return known;
}

static struct sim_notice *act_read(struct registry *registry, const struct notice *notice, enum err *ret)
{
    static struct act act;
    struct notice_ref ref;
    struct sim_notice *known;
    uint32_t node;
    const char *clause = NULL;

    *ret = act_decode(registry->unpack, notice->body, &act, &clause);
    if (*ret != ERR_OK) {
        return NULL;
    }
    node = registry_node(registry, &act.registrar);
    *ret = node == UINT32_MAX
               ? ERR_UNKNOWN_KEY
               : registry_check(registry)(SIGN_ACT, &registry->region, notice->body, &registry->identities[node], &notice->signatures[0].signature);
    if (*ret != ERR_OK) {
        return NULL;
    }
    ref_of(notice, act.registrar.b, act.number, &ref);
    known = find(registry, &ref);
    if (known == NULL) {
        *ret = ERR_BADSIG;
    }
    return known;
}

struct sim_notice *registry_read(struct registry *registry, struct span bytes, uint64_t base_counter, const struct sim_notice *base,
                                 struct span heads, enum err *ret)
{
    struct notice notice;
    const char *clause = NULL;

    *ret = notice_decode(registry->unpack, bytes, &notice, &clause);
    if (*ret != ERR_OK) {
        return NULL;
    }
    switch (notice.kind) {
    case NOTICE_FRONTIER:
        return frontier_read(registry, &notice, base_counter, base, heads, ret);
    case NOTICE_CARD:
        return card_read(registry, &notice, ret);
    case NOTICE_FORK_PROOF:
        return proof_read(registry, &notice, ret);
    case NOTICE_ACT:
        return act_read(registry, &notice, ret);
    case NOTICE_CHARTER:
    case NOTICE_ROSTER:
        break; /* who is in changes by acts alone in the simulation */
    }
    *ret = ERR_STALE;
    return NULL;
}

bool registry_is_difference(const struct sim_notice *notice, const struct sim_notice *base)
{
    size_t k = 0;

    for (size_t i = 0; i < base->head_count; i++) {
        while (k < notice->head_count && log_id_compare(&notice->heads[k].log, &base->heads[i].log) < 0) {
            k++;
        }
        if (k == notice->head_count || log_id_compare(&notice->heads[k].log, &base->heads[i].log) != 0) {
            return false; /* a restored node holds less than it did */
        }
    }
    return true;
}

void registry_heads(const struct sim_notice *notice, const struct sim_notice *base, struct out *ret)
{
    static struct head change[FRONTIER_HEADS_MAX];
    size_t n = 0;
    size_t k = 0;

    for (size_t i = 0; i < notice->head_count; i++) {
        const struct head *head = &notice->heads[i];

        while (base != NULL && k < base->head_count && log_id_compare(&base->heads[k].log, &head->log) < 0) {
            k++;
        }
        if (base == NULL || k == base->head_count || log_id_compare(&base->heads[k].log, &head->log) != 0 ||
            !hash_equal(&base->heads[k].hash, &head->hash)) {
            change[n++] = *head;
        }
    }
    heads_canonical(change, n, ret);
}

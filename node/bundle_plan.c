#include "node/bundle_plan.h"

#include <stdlib.h>

#ifndef N_
#define N_(text) text
#endif

/* One receiver's word of what he holds. */
struct word {
    struct head *heads; /* sorted by log */
    size_t count;
};

struct planning {
    struct store_read *read;
    struct membership *membership;
    const struct bundle_order *order;
    struct bundle_plan *plan;
    struct word *words; /* of each base */
    struct commit *commit;
    size_t ranges_cap, notices_cap;
    enum err err;
    const char **why;
};

static enum err refuse(struct planning *p, enum err err, const char *why)
{
    *p->why = why;
    return err;
}

/* ---- for whom ---- */

static enum err card_add(struct planning *p, const struct node_id *node, struct card *scratch)
{
    struct bundle_plan *plan = p->plan;
    enum err err = store_card(p->read, node, scratch);

    if (err == ERR_OK) {
        plan->cards[plan->card_count++] = (struct bundle_card){*node, scratch->encryption};
    } else if (err == ERR_NOT_FOUND) {
        plan->without_card++;
        err = ERR_OK;
    }
    return err;
}

static enum err one_receiver(struct planning *p, struct card *scratch)
{
    const struct member *member = membership_by_name(p->membership, p->order->name);
    enum err err;

    if (member == NULL || membership_peer(p->membership, &member->node) == NULL) {
        return refuse(p, ERR_NOT_FOUND, N_("no member of the region has that name"));
    }
    if (node_id_equal(&member->node, &p->plan->self)) {
        return refuse(p, ERR_INVALID, N_("that is this node itself"));
    }
    err = card_add(p, &member->node, scratch);
    if (err == ERR_OK && p->plan->card_count == 0) {
        return refuse(p, ERR_NOT_FOUND, N_("no card of that member is known here, and nothing can be sealed for it without"));
    }
    return err;
}

static enum err receivers_find(struct planning *p)
{
    struct bundle_plan *plan = p->plan;
    size_t count = membership_peer_count(p->membership);
    struct card *scratch = malloc(sizeof *scratch);
    enum err err = ERR_OK;

    plan->is_for_region = strcmp(p->order->name, "region") == 0;
    plan->cards = calloc(count + 1, sizeof *plan->cards);
    if (scratch == NULL || plan->cards == NULL) {
        free(scratch);
        return ERR_MEMORY;
    }
    if (!plan->is_for_region) {
        err = one_receiver(p, scratch);
    }
    for (size_t i = 0; plan->is_for_region && i < count && err == ERR_OK; i++) {
        err = card_add(p, &membership_peer_at(p->membership, i)->node, scratch);
    }
    free(scratch);
    return err == ERR_OK && plan->card_count == 0 ? refuse(p, ERR_NOT_FOUND, N_("no card of any member is known here")) : err;
}

/* ---- what they hold, as they have signed it ---- */

static enum err base_read(struct planning *p, const struct node_id *node, struct bundle_base *ret, struct word *ret_word)
{
    struct span notice, heads;
    struct notice_ref ref = {.kind = NOTICE_FRONTIER};
    uint64_t newest = 0;
    enum err err;

    *ret = (struct bundle_base){.node = *node};
    ret_word->heads = malloc(FRONTIER_HEADS_MAX * sizeof *ret_word->heads);
    if (ret_word->heads == NULL) {
        return ERR_MEMORY;
    }
    (void)store_frontier_counters(p->read, node, &newest, 1);
    if (p->order->has_since ? p->order->since == 0 : newest == 0) {
        return ERR_OK; /* nothing is to be made use of, or known of him */
    }
    ret->counter = p->order->has_since ? p->order->since : newest;
    err = store_frontier_heads(p->read, node, ret->counter, ret_word->heads, &ret_word->count);
    if (err == ERR_NOT_FOUND) {
        return refuse(p, ERR_NOT_FOUND, N_("no frontier of that node with this number is kept here"));
    }
    if (err == ERR_OK && ret->counter == newest && store_notice_newest(p->read, ref.kind, node, &notice, &heads) == ERR_OK) {
        struct unpack *unpack = unpack_new();
        struct notice decoded;
        struct hash hash;

        if (unpack != NULL && notice_decode(unpack, notice, &decoded, NULL) == ERR_OK) {
            hash_of(HASH_NOTICE, decoded.body, &hash);
            memcpy(ret->hash, hash.b, sizeof ret->hash);
        }
        unpack_destroy(&unpack);
    }
    return err;
}

static enum err bases_find(struct planning *p)
{
    struct bundle_plan *plan = p->plan;
    enum err err = ERR_OK;

    plan->bases = calloc(plan->card_count, sizeof *plan->bases);
    p->words = calloc(plan->card_count, sizeof *p->words);
    if (plan->bases == NULL || p->words == NULL) {
        return ERR_MEMORY;
    }
    if (plan->is_for_region && p->order->has_since && p->order->since != 0) {
        return refuse(p, ERR_INVALID, N_("a frontier is one node's: for the region there is only nothing"));
    }
    for (size_t i = 0; i < plan->card_count && err == ERR_OK; i++) {
        if (!node_id_equal(&plan->cards[i].node, &plan->self)) {
            err = base_read(p, &plan->cards[i].node, &plan->bases[plan->base_count], &p->words[plan->base_count]);
            plan->base_count++;
        }
    }
    return err;
}

static const struct head *word_of(const struct word *word, const struct log_id *log)
{
    size_t low = 0, high = word->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = log_id_compare(&word->heads[middle].log, log);

        if (order == 0) {
            return &word->heads[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

/* ---- logs ---- */

/* Is what he names on our branch? What lies beyond our head we cannot tell, and have nothing to add to. */
static bool is_ours(struct planning *p, const struct log_info *log, const struct head *named)
{
    struct hash hash;

    if (named->seq > log->held_seq || named->seq == 0) {
        return true;
    }
    if (named->seq == log->head.seq) {
        return hash_equal(&named->hash, &log->head.hash);
    }
    return store_commit_at(p->read, log->number, named->seq, p->commit, &hash) == ERR_OK && hash_equal(&hash, &named->hash);
}

/* From where on the one who holds least lacks this log. Who names another branch gets all of it: so both branches meet, and the fork is proven. */
static struct bundle_range range_of(struct planning *p, const struct log_info *log)
{
    bool is_own = node_id_equal(&log->node, &p->plan->self);
    struct bundle_range range = {.log = log->head.log, .channel = log->channel, .number = log->number, .has_birth = true, .after = UINT64_MAX};

    range.until = is_own ? log->sent.seq : log->head.seq;
    for (size_t i = 0; i < p->plan->base_count; i++) {
        const struct head *named = word_of(&p->words[i], &log->head.log);
        bool is_held = named != NULL && is_ours(p, log, named);
        uint64_t after = is_held ? named->seq : 0;

        range.has_birth = range.has_birth && is_held;
        range.after = after < range.after ? after : range.after;
    }
    if (p->plan->base_count == 0) { /* a region of one */
        range.after = range.until;
    }
    return range;
}

static bool take_log(void *arg, const struct log_info *log)
{
    struct planning *p = arg;
    struct bundle_plan *plan = p->plan;
    struct bundle_range range = range_of(p, log);
    bool is_own = node_id_equal(&log->node, &plan->self);
    bool has_left = !is_own || log->sent.seq > 0 || log->head.seq == 0; /* a birth leaves with what follows it */

    if (!has_left || (range.has_birth && range.after >= range.until)) {
        return true;
    }
    if (plan->range_count == p->ranges_cap) {
        size_t cap = p->ranges_cap == 0 ? 64 : 2 * p->ranges_cap;
        struct bundle_range *more = realloc(plan->ranges, cap * sizeof *more);

        if (more == NULL) {
            p->err = ERR_MEMORY;
            return false;
        }
        plan->ranges = more;
        p->ranges_cap = cap;
    }
    plan->ranges[plan->range_count++] = range;
    return true;
}

/* Control first: orders to erase come before what they erase; then alerts. Within a channel as the logs came here. */
static int range_compare(const void *a, const void *b)
{
    const struct bundle_range *x = a, *y = b;

    if (x->channel != y->channel) {
        return x->channel < y->channel ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

/* ---- notices ---- */

static bool take_notice(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct planning *p = arg;
    struct bundle_plan *plan = p->plan;

    (void)notice;
    (void)heads;
    if (plan->notice_count == p->notices_cap) {
        size_t cap = p->notices_cap == 0 ? 64 : 2 * p->notices_cap;
        struct notice_ref *more = realloc(plan->notices, cap * sizeof *more);

        if (more == NULL) {
            p->err = ERR_MEMORY;
            return false;
        }
        plan->notices = more;
        p->notices_cap = cap;
    }
    plan->notices[plan->notice_count++] = *ref;
    return true;
}

/* Each kind behind those by which it is checked; rosters by number. */
static int notice_rank(const struct notice_ref *ref)
{
    static const int ranks[] = {[NOTICE_CHARTER] = 0, [NOTICE_ROSTER] = 1, [NOTICE_ACT] = 2, [NOTICE_CARD] = 3, [NOTICE_FORK_PROOF] = 4, [NOTICE_FRONTIER] = 5};

    return ranks[ref->kind];
}

static int notice_compare(const void *a, const void *b)
{
    const struct notice_ref *x = a, *y = b;
    int order = notice_rank(x) - notice_rank(y);

    if (order == 0) {
        order = memcmp(x->subject, y->subject, sizeof x->subject);
    }
    if (order == 0 && x->counter != y->counter) {
        order = x->counter < y->counter ? -1 : 1;
    }
    return order != 0 ? order : memcmp(x->hash, y->hash, sizeof x->hash);
}

/* ---- all of it ---- */

static enum err member_check(struct planning *p)
{
    enum err err = store_membership(p->read, sign_check, &p->membership);

    if (err == ERR_NOT_FOUND || (err == ERR_OK && membership_peer(p->membership, &p->plan->self) == NULL)) {
        return refuse(p, ERR_NOT_MEMBER, N_("this node is not a member of its region, and nobody would take in what it writes"));
    }
    return err;
}

static enum err plan_read(struct planning *p)
{
    struct bundle_plan *plan = p->plan;
    enum err err = member_check(p);

    if (err == ERR_OK) {
        err = receivers_find(p);
    }
    if (err == ERR_OK) {
        err = bases_find(p);
    }
    if (err == ERR_OK) {
        err = store_logs(p->read, take_log, p);
    }
    if (err == ERR_OK && p->err == ERR_OK) {
        err = store_notices(p->read, take_notice, p);
    }
    err = err == ERR_OK ? p->err : err;
    if (err == ERR_OK && plan->range_count > 0) {
        qsort(plan->ranges, plan->range_count, sizeof *plan->ranges, range_compare);
    }
    if (err == ERR_OK && plan->notice_count > 0) {
        qsort(plan->notices, plan->notice_count, sizeof *plan->notices, notice_compare);
    }
    return err;
}

enum err bundle_plan_make(struct store *store, const struct bundle_order *order, struct bundle_plan **ret, const char **why)
{
    struct bundle_plan *plan = calloc(1, sizeof *plan);
    struct planning p = {.order = order, .plan = plan, .why = why, .commit = malloc(sizeof *p.commit)};
    enum err err = plan == NULL || p.commit == NULL ? ERR_MEMORY : store_read_begin(store, &p.read);

    if (err == ERR_OK) {
        plan->region = *store_region(store);
        plan->self = *store_self(store);
        plan->created = order->now;
        random_fill(plan->id.b, sizeof plan->id.b);
        err = plan_read(&p);
        store_read_end(&p.read);
    }
    for (size_t i = 0; plan != NULL && p.words != NULL && i < plan->base_count; i++) {
        free(p.words[i].heads);
    }
    free(p.words);
    free(p.commit);
    membership_destroy(&p.membership);
    if (err != ERR_OK) {
        bundle_plan_destroy(&plan);
        return err;
    }
    *ret = plan;
    return ERR_OK;
}

void bundle_plan_destroy(struct bundle_plan **plan)
{
    if (*plan == NULL) {
        return;
    }
    free((*plan)->cards);
    free((*plan)->bases);
    free((*plan)->notices);
    free((*plan)->ranges);
    free((*plan)->borders);
    free(*plan);
    *plan = NULL;
}

/* Whatever order commits, frontiers, acts, rosters and fork proofs come in, a real store ends with the same heads and shows the same records. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/views.h"
#include "tests/lib/home.h"

#include <stdio.h>
#include <stdlib.h>

enum { HUB_A, HUB_B, FORKER, STOLEN, BOTH, MISNAMED, PLAIN, SELF };
enum { SEEDS = 200, ORDERS = 3, LOGS = 5, BRANCHES = 2, LENGTH_MAX = 14, ITEMS_MAX = 128, ENTRIES = 2, PASSES_MIN = 4 /* charter and three rosters, each after the other */, PASSES_MAX = 40 };
static const uint32_t TODAY = 20779; /* 2026-11-22 */

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

/* ---- what there is ---- */

struct branch {
    struct span items[LENGTH_MAX + 1]; /* by seq; 0 is the birth */
    struct head heads[LENGTH_MAX + 1];
    uint32_t length;
};
struct written { /* one log: branch 0 from its birth, branch 1 leaves it at `fork` when that is not 0 */
    struct region_log log;
    struct branch branches[BRANCHES];
    uint32_t fork;
};
struct item {
    struct span notice, heads; /* a notice, with a frontier's heads; or: */
    size_t log, branch;
    uint32_t first, count;
};
static struct region region;
static struct written logs[LOGS];
static struct item items[ITEMS_MAX];
static size_t item_count;
static uint32_t record_count;

/* A commit of records of their own. */
static struct span commit_write(struct region_log *log)
{
    static struct commit commit;
    static uint8_t payloads[ENTRIES][PAYLOAD_BYTES_MAX], reduced_mem[COMMIT_REDUCED_BYTES_MAX], packed_mem[COMMIT_REDUCED_BYTES_MAX + 1];
    struct out reduced = out_into(reduced_mem, sizeof reduced_mem), packed = out_into(packed_mem, sizeof packed_mem);
    struct commit_packer *packer = commit_packer_new();
    struct record *record = malloc(sizeof *record);
    struct record_faults *faults = calloc(1, sizeof *faults);
    static const char *const values[][2] = {{"country", "SN"}, {"quantity", "2"}, {"unit", "kg"}, {"date", "2026-03-05"}, {"commodity", "cocaine"}};
    assert_true(packer != NULL && record != NULL && faults != NULL);
    memset(&commit, 0, sizeof commit);
    commit.entry_count = ENTRIES;
    commit.author_time.ms = 1700000000000;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct draft *draft = draft_new(kind_by_name(span_text("seizure")));
        struct out payload = out_into(payloads[i], sizeof payloads[i]);
        assert_non_null(draft);
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
            assert_true(draft_add(draft, span_text(values[k][0]), span_text(values[k][1]), faults));
        }
        assert_true(draft_finish(draft, TODAY, record, faults));
        memset(record->id.b, 0, sizeof record->id.b);
        record_count++;
        record->id.b[0] = (uint8_t)(record_count >> 8);
        record->id.b[1] = (uint8_t)record_count;
        record->depth = 1;
        assert_int_equal(record_encode(record, &payload), ERR_OK);
        commit.entries[i] = (struct entry){.has_payload = true, .payload = out_written(&payload)};
        commit.entries[i].leaf.kind = ENTRY_RECORD;
        random_fill(commit.entries[i].salt, sizeof commit.entries[i].salt);
        draft_destroy(&draft);
    }
    commit_author(&log->chain, &commit, log->key);
    commit_reduced(&commit, &reduced);
    assert_int_equal(commit_pack(packer, out_written(&reduced), &packed), ERR_OK);
    commit_packer_destroy(&packer);
    free(record);
    free(faults);
    return region_keep(&region, out_written(&packed));
}

static void branch_go_on(struct region_log *log, struct branch *branch, uint32_t length)
{
    for (; branch->length < length; branch->length++) {
        branch->items[branch->length + 1] = commit_write(log);
        branch->heads[branch->length + 1] = region_log_head(log);
    }
}

static void log_write(struct written *w, size_t node, uint32_t fork)
{
    region_log_init(&w->log, &region, node, CHANNEL_REPORT);
    memset(w->branches, 0, sizeof w->branches);
    w->fork = fork;
    w->branches[0].items[0] = w->log.birth;
    branch_go_on(&w->log, &w->branches[0], fork == 0 ? LENGTH_MAX : fork - 1);
    w->branches[1] = w->branches[0];
    if (fork != 0) {
        struct region_log other = w->log;
        branch_go_on(&w->log, &w->branches[0], fork + draw(LENGTH_MAX - fork + 1));
        branch_go_on(&other, &w->branches[1], fork + draw(LENGTH_MAX - fork + 1));
    }
}

static void item_notice(struct span notice, struct span heads)
{
    assert_true(item_count < ITEMS_MAX);
    items[item_count++] = (struct item){.notice = notice, .heads = heads};
}

static void item_segments(size_t log, size_t branch)
{
    const struct branch *b = &logs[log].branches[branch];
    for (uint32_t first = 0, count; first <= b->length; first += count) {
        count = 1 + draw(6);
        count = first + count > b->length + 1 ? b->length + 1 - first : count;
        assert_true(item_count < ITEMS_MAX);
        items[item_count++] = (struct item){.log = log, .branch = branch, .first = first, .count = count};
    }
}

/* What a hub names of a log: somewhere on one of its branches, or nothing. */
static uint32_t name_some(size_t log, size_t branch, struct head *heads, uint32_t count)
{
    uint32_t seq = draw(logs[log].branches[branch].length + 1);
    if (draw(6) != 0) {
        heads[count++] = logs[log].branches[branch].heads[seq];
        heads[count - 1].log = logs[log].log.chain.log;
    }
    return seq == 0 && count > 0 && heads[count - 1].seq == 0 && log_id_compare(&heads[count - 1].log, &logs[log].log.chain.log) == 0 ? count - 1 : count;
}

static void frontiers_make(void)
{
    bool is_one_branch = draw(2) == 0; /* the hubs hold one branch of what is forked; or each another, or they change */
    for (size_t hub = 0; hub < 2; hub++) {
        for (uint64_t counter = 1; counter <= 2; counter++) {
            struct head heads[LOGS];
            struct span list;
            uint32_t count = 0;
            for (size_t log = 0; log < LOGS; log++) {
                count = name_some(log, is_one_branch ? 0 : hub, heads, count);
            }
            struct span notice = region_frontier(&region, hub, counter, heads, count, &list);
            item_notice(notice, list);
        }
    }
}

/* The proofs that a store makes which sees both branches. */
static bool proof_take(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    (void)arg;
    (void)heads;
    if (ref->kind == NOTICE_FORK_PROOF) {
        item_notice(region_keep(&region, notice), span_of(NULL, 0));
    }
    return true;
}

static void proofs_make(struct span roster)
{
    struct home home;
    struct store_read *read = NULL;
    struct span notices[2] = {region.charter, roster};
    home_init(&home, &region, HUB_A);
    home_notices(&home, notices, 2);
    for (size_t log = 0; log < LOGS; log++) {
        for (size_t branch = 0; branch < BRANCHES && logs[log].fork != 0; branch++) {
            const struct branch *b = &logs[log].branches[branch];
            struct admitted admitted;
            assert_int_equal(home_admit(&home, &logs[log].log.chain.log, 0, b->items, b->length + 1, &admitted), branch == 0 ? ERR_OK : ERR_FORK);
        }
    }
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_notices(read, proof_take, NULL), ERR_OK);
    store_read_end(&read);
    home_fini(&home);
}

static void world_make(void)
{
    enum { MEMBERS = 0xff };
    struct hash first, second, third;
    struct region_roster spec = {.number = 1, .members = MEMBERS};
    item_count = 0;
    record_count = 0;
    region_init(&region, 2);
    log_write(&logs[0], FORKER, 2 + draw(6));
    log_write(&logs[1], STOLEN, 0);
    log_write(&logs[2], BOTH, 2 + draw(6));
    log_write(&logs[3], MISNAMED, 0);
    log_write(&logs[4], PLAIN, 0);
    struct span roster = region_roster(&region, &spec, &first);
    proofs_make(roster);
    item_notice(region.charter, span_of(NULL, 0));
    item_notice(roster, span_of(NULL, 0));
    for (size_t log = 0; log < LOGS; log++) {
        item_segments(log, 0);
        if (logs[log].fork != 0) {
            item_segments(log, 1);
        }
    }
    frontiers_make();
    /* Suspended with a cut somewhere; one of the cuts names a commit that nobody has written. */
    struct head stolen = logs[1].branches[0].heads[1 + draw(LENGTH_MAX)], both = logs[2].branches[draw(2)].heads[1 + draw(logs[2].fork)], lie = logs[3].branches[0].heads[3];
    lie.hash.b[5] ^= 1;
    item_notice(region_suspend(&region, HUB_A, 1, &first, 1, STOLEN, &stolen, 1), span_of(NULL, 0));
    if (draw(2) == 0) {
        item_notice(region_suspend(&region, HUB_B, 1, &first, 1, BOTH, &both, 1), span_of(NULL, 0));
        item_notice(region_suspend(&region, HUB_B, 1, &first, 2, MISNAMED, &lie, 1), span_of(NULL, 0));
    }
    if (draw(3) == 0) {
        return;
    }
    /* The root removes two, with a cut; and then extends it. */
    uint32_t branch = draw(2);
    struct head cut[2] = {stolen, logs[2].branches[branch].heads[1 + draw(logs[2].branches[branch].length)]};
    if (log_id_compare(&cut[0].log, &cut[1].log) > 0) {
        struct head swap = cut[0];
        cut[0] = cut[1];
        cut[1] = swap;
    }
    spec = (struct region_roster){.number = 2, .previous = first, .members = MEMBERS & ~(1U << STOLEN | 1U << BOTH), .cut = 1U << STOLEN | 1U << BOTH, .heads = cut, .head_count = 2};
    item_notice(region_roster(&region, &spec, &second), span_of(NULL, 0));
    if (draw(2) == 0) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        size_t log = log_id_compare(&cut[i].log, &logs[1].log.chain.log) == 0 ? 1 : 2;
        const struct branch *b = &logs[log].branches[log == 1 ? 0 : draw(4) == 0 ? 1 - branch : branch];
        uint32_t least = cut[i].seq < b->length ? (uint32_t)cut[i].seq : b->length;
        cut[i] = b->heads[least + draw(b->length - least + 1)];
    }
    spec.number = 3;
    spec.previous = second;
    item_notice(region_roster(&region, &spec, &third), span_of(NULL, 0));
}

static void world_end(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        region_log_fini(&logs[i].log);
    }
    region_fini(&region);
}

/* ---- what a node makes of it ---- */

struct outcome {
    struct head heads[LOGS];
    struct hash shown; /* of every current version */
    uint64_t total;
};

static void deliver(struct home *home, const struct item *item)
{
    const char *clause = NULL;
    if (item->notice.n > 0) {
        struct notice_ref ref;
        bool is_new = false;
        (void)!store_admit_notice(home->store, item->notice, 0, item->heads, &ref, &is_new, &clause);
    } else {
        struct admitted admitted;
        struct seg seg = region_seg(&logs[item->log].log.chain.log, item->first, logs[item->log].branches[item->branch].items + item->first, item->count);
        (void)!store_admit(home->store, &seg, &admitted, &clause);
    }
}

static bool version_add(void *arg, const struct version *version)
{
    struct hash_state *state = arg;
    hash_add(state, span_of(version->id.b, sizeof version->id.b));
    hash_add(state, span_of(version->content.b, sizeof version->content.b));
    return true;
}

static void look(struct home *home, struct views *views, struct outcome *ret)
{
    struct views_read *read = NULL;
    struct hash_state state;
    struct query_result result;
    size_t at = 0;
    const char *why = NULL;
    uint64_t left = 1;
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < LOGS; i++) {
        struct log_info info;
        if (home_log(home, &logs[i].log.chain.log, &info)) {
            ret->heads[i] = info.head;
        }
    }
    while (left > 0) {
        assert_int_equal(views_follow(views, home->store, 16 + draw(64), &left), ERR_OK);
    }
    assert_int_equal(views_read_begin(views, home->store, &read), ERR_OK);
    hash_start(&state, HASH_FILE);
    assert_int_equal(views_search(read, span_text(""), 0, 1000, version_add, &state, &result, &at, &why), ERR_OK);
    hash_end(&state, &ret->shown);
    ret->total = result.total;
    views_read_end(&read);
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void run(struct outcome *ret)
{
    struct home home;
    struct views *views = NULL;
    struct outcome before;
    size_t order[ITEMS_MAX];
    bool follows_early = draw(2) == 0;
    home_init(&home, &region, SELF);
    assert_int_equal(views_open(home.path, NULL, &views), ERR_OK);
    memset(&before, 0xff, sizeof before);
    for (uint32_t pass = 0;; pass++) { /* what was refused comes again, until it changes nothing any more */
        assert_true(pass < PASSES_MAX);
        for (size_t i = 0; i < item_count; i++) {
            size_t other = draw((uint32_t)i + 1);
            order[i] = order[other];
            order[other] = i;
        }
        for (size_t i = 0; i < item_count;) {
            assert_int_equal(store_begin(home.store), ERR_OK);
            for (size_t n = 1 + draw(12); n > 0 && i < item_count; n--) {
                deliver(&home, &items[order[i++]]);
            }
            assert_int_equal(store_commit(home.store), ERR_OK);
            if (follows_early && draw(6) == 0) {
                uint64_t left;
                assert_int_equal(views_follow(views, home.store, 64, &left), ERR_OK);
            }
        }
        for (size_t log = 0; log < LOGS; log++) { /* as hubs push what counts with them: each branch from its birth in one go */
            for (size_t branch = 0; branch < BRANCHES; branch++) {
                struct item whole = {.log = log, .branch = (branch + pass) % 2, .count = logs[log].branches[(branch + pass) % 2].length + 1};
                assert_int_equal(store_begin(home.store), ERR_OK);
                deliver(&home, &whole);
                assert_int_equal(store_commit(home.store), ERR_OK);
            }
        }
        look(&home, views, ret);
        if (pass >= PASSES_MIN && is_same(ret, &before)) {
            break;
        }
        before = *ret;
    }
    struct store_read *read = NULL;
    struct fsck_report report = {0};
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
    store_read_end(&read);
    views_close(&views);
    home_fini(&home);
}

static void any_order_ends_in_the_same_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct outcome first = {0}, other;
        random_state = seed * 7919;
        world_make();
        for (uint32_t order = 0; order < ORDERS; order++) {
            run(order == 0 ? &first : &other);
            if (order > 0 && !is_same(&first, &other)) {
                for (size_t i = 0; i < LOGS; i++) {
                    print_message("log %zu: fork %u, %u and %u long: %llu %02x, %llu %02x\n", i, logs[i].fork, logs[i].branches[0].length, logs[i].branches[1].length,
                                  (unsigned long long)first.heads[i].seq, first.heads[i].hash.b[0], (unsigned long long)other.heads[i].seq, other.heads[i].hash.b[0]);
                }
                fail_msg("seed %llu, order %u: %llu records shown, %llu in another order", (unsigned long long)seed, order, (unsigned long long)other.total,
                         (unsigned long long)first.total);
            }
        }
        world_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_ends_in_the_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Replication by hand: what one node writes another takes in as if it had come over the line, once, in any order, and nothing else; and what leaves by hand never forks its author. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/pack.h"
#include "tests/lib/desk.h"

enum { HUB_A, HUB_B, EDGE, OTHER, LATE, DESKS };
enum { MEMBERS = 1 << HUB_A | 1 << HUB_B | 1 << EDGE | 1 << OTHER };

static struct region region;
static struct desk desks[DESKS];
static bool is_open[DESKS];
static struct hash first_roster;
static struct bundle_tally tally;

static void open_desk(size_t node)
{
    desk_open(&desks[node], &region, node);
    is_open[node] = true;
}

/* Charter, first roster, cards of the first four. */
static void tell_first(size_t node)
{
    struct region_roster spec = {.number = 1, .members = MEMBERS};
    struct span notices[2 + LATE];

    notices[0] = region.charter;
    notices[1] = region_roster(&region, &spec, &first_roster);
    for (size_t i = 0; i < LATE; i++) {
        notices[2 + i] = desk_card(&desks[i]);
    }
    desk_notices(&desks[node], notices, 2 + LATE);
}

static int setup(void **state)
{
    (void)state;
    memset(is_open, 0, sizeof is_open);
    region_init(&region, 2);
    for (size_t i = 0; i < LATE; i++) {
        open_desk(i);
    }
    for (size_t i = 0; i < LATE; i++) {
        tell_first(i);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < DESKS; i++) {
        if (is_open[i]) {
            desk_close(&desks[i]);
        }
    }
    region_fini(&region);
    return 0;
}

static struct span file_of(const struct parcel *parcel, uint32_t index) { return span_of(parcel->files[index].p, parcel->files[index].n); }

/* What `from` has for `to`, carried. */
static void carry(size_t from, size_t to)
{
    struct parcel parcel;

    desk_out_for(&desks[from], &desks[to], &parcel);
    assert_int_equal(parcel.count, 1);
    assert_int_equal(desk_in(&desks[to], file_of(&parcel, 0), &tally), ERR_OK);
    parcel_free(&parcel);
}

static bool are_equal(size_t a, size_t b)
{
    struct hash ours = desk_heads(&desks[a]), theirs = desk_heads(&desks[b]);

    return hash_equal(&ours, &theirs);
}

static bool count_proof(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    (void)notice;
    (void)heads;
    *(size_t *)arg += ref->kind == NOTICE_FORK_PROOF;
    return true;
}

static size_t proofs_at(size_t node)
{
    struct store_read *read;
    size_t count = 0;

    assert_int_equal(store_read_begin(desks[node].store, &read), ERR_OK);
    assert_int_equal(store_notices(read, count_proof, &count), ERR_OK);
    store_read_end(&read);
    return count;
}

struct own_logs {
    struct node_id node;
    struct log_info logs[64];
    size_t count;
};

static bool take_own(void *arg, const struct log_info *log)
{
    struct own_logs *own = arg;

    if (node_id_equal(&log->node, &own->node)) {
        assert_true(own->count < 64);
        own->logs[own->count++] = *log;
    }
    return true;
}

/* The logs of `author` that `holder` holds. */
static struct own_logs logs_of(size_t author, size_t holder)
{
    struct own_logs own = {.node = region.nodes[author].id};
    struct store_read *read;

    assert_int_equal(store_read_begin(desks[holder].store, &read), ERR_OK);
    assert_int_equal(store_logs(read, take_own, &own), ERR_OK);
    store_read_end(&read);
    return own;
}

/* ---- there and back ---- */

static void an_office_catches_up_writes_and_is_acknowledged_by_hand_alone(void **state)
{
    struct store_read *read;
    struct span notice, heads;
    uint64_t counter = 0;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 3);
    desk_record(&desks[HUB_A], CHANNEL_ALERT, 1);
    carry(HUB_A, EDGE);
    assert_int_equal(tally.commits, 4);
    assert_int_equal(tally.entries, 4);
    assert_true(are_equal(HUB_A, EDGE));
    desk_record(&desks[EDGE], CHANNEL_REPORT, 2);
    carry(EDGE, HUB_A);
    assert_int_equal(tally.entries, 2);
    assert_true(are_equal(HUB_A, EDGE));
    /* The frontier that came with it says that EDGE holds all. */
    assert_int_equal(store_read_begin(desks[HUB_A].store, &read), ERR_OK);
    assert_int_equal(store_notice_newest(read, NOTICE_FRONTIER, &region.nodes[EDGE].id, &notice, &heads), ERR_OK);
    assert_int_equal(store_frontier_counters(read, &region.nodes[EDGE].id, &counter, 1), 1);
    store_read_end(&read);
    assert_true(counter > 0);
    carry(HUB_A, EDGE);
    assert_int_equal(tally.commits + tally.commits_held, 0); /* nothing is lacking, nothing is sent */
    carry(EDGE, OTHER); /* who has never said what it holds gets everything */
    assert_int_equal(tally.entries, 6);
    assert_true(are_equal(OTHER, EDGE));
}

static void a_bundle_begins_where_the_receivers_signed_frontier_ends(void **state)
{
    struct bundle_order order = {.name = region.nodes[EDGE].name, .now = {1}};
    struct parcel parcel;
    struct store_read *read;
    uint64_t counters[8];
    size_t count;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 5);
    carry(HUB_A, EDGE);
    carry(EDGE, HUB_A);
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 2);
    carry(HUB_A, EDGE);
    assert_int_equal(tally.commits, 2);
    assert_int_equal(tally.commits_held, 0);
    carry(EDGE, HUB_A);
    assert_int_equal(store_read_begin(desks[HUB_A].store, &read), ERR_OK);
    count = store_frontier_counters(read, &region.nodes[EDGE].id, counters, 8);
    store_read_end(&read);
    assert_int_equal(count, 2);
    static const struct {
        const char *what;
        bool is_nothing;
        size_t which;
        uint64_t more, held;
        enum err err;
    } rows[] = {
        {"the newest", false, 0, 0, 0, ERR_OK},
        {"the one before", false, 1, 0, 2, ERR_OK},
        {"nothing", true, 0, 0, 7, ERR_OK},
        {"one that is not kept", false, 1, 1000000, 0, ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order.has_since = true;
        order.since = rows[i].is_nothing ? 0 : counters[rows[i].which] + rows[i].more;
        if (desk_out(&desks[HUB_A], &order, &parcel) != rows[i].err) {
            fail_msg("%s", rows[i].what);
        }
        if (rows[i].err == ERR_OK) {
            assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
            assert_int_equal(tally.commits, 0);
            assert_int_equal(tally.commits_held, rows[i].held);
        }
        parcel_free(&parcel);
    }
}

static void a_bundle_for_the_region_has_what_any_member_lacks(void **state)
{
    struct bundle_order order = {.name = "region", .now = {1}};
    struct parcel parcel;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 4);
    for (size_t i = HUB_B; i < LATE; i++) {
        carry(HUB_A, i);
        carry(i, HUB_A);
    }
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 3);
    carry(HUB_A, HUB_B);
    carry(HUB_B, HUB_A);
    assert_int_equal(desk_out(&desks[HUB_A], &order, &parcel), ERR_OK);
    for (size_t i = 0; i < LATE; i++) { /* everybody can open it, its writer too */
        assert_int_equal(desk_in(&desks[i], file_of(&parcel, 0), &tally), ERR_OK);
        assert_int_equal(tally.commits, i == EDGE || i == OTHER ? 3 : 0);
        assert_int_equal(tally.commits + tally.commits_held, 3);
        assert_true(are_equal(i, HUB_A));
    }
    parcel_free(&parcel);
}

static void a_bundle_is_for_somebody_who_is_there(void **state)
{
    const struct {
        const char *what, *name;
        bool has_since;
        uint64_t since;
        size_t at;
        enum err err;
    } rows[] = {
        {"nobody", "node-7", false, 0, HUB_A, ERR_NOT_FOUND},
        {"a path", "../../etc/passwd", false, 0, HUB_A, ERR_NOT_FOUND},
        {"no name", "", false, 0, HUB_A, ERR_NOT_FOUND},
        {"itself", "node-0", false, 0, HUB_A, ERR_INVALID},
        {"a frontier of the region", "region", true, 17, HUB_A, ERR_INVALID},
        {"nothing of the region", "region", true, 0, HUB_A, ERR_OK},
        {"whoever writes is no member", "node-0", false, 0, LATE, ERR_NOT_MEMBER},
        {"a member whose card is not here", "node-3", false, 0, LATE + 1, ERR_NOT_FOUND},
    };
    struct region_roster spec = {.number = 1, .members = MEMBERS};

    (void)state;
    open_desk(LATE);
    desk_notices(&desks[LATE], &region.charter, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bundle_order order = {.name = rows[i].name, .has_since = rows[i].has_since, .since = rows[i].since, .now = {1}};
        struct parcel parcel;
        struct desk *desk = &desks[rows[i].at <= LATE ? rows[i].at : HUB_B];

        if (rows[i].at > LATE) { /* a hub that has lost everything but the roster */
            char command[128];
            writer_close(&desk->writer);
            store_close(&desk->store);
            (void)snprintf(command, sizeof command, "rm -r '%s/home/log'", desk->folder);
            assert_int_equal(system(command), 0);
            assert_int_equal(store_create(desk->home.path, &region.id, &desk->home.node), ERR_OK);
            assert_int_equal(store_open(desk->home.path, &desk->store), ERR_OK);
            assert_int_equal(writer_open(&desk->home, desk->store, &desk->writer), ERR_OK);
            const struct span notices[] = {region.charter, region_roster(&region, &spec, NULL)};
            desk_notices(desk, notices, 2);
        }
        enum err err = desk_out(desk, &order, &parcel);
        if (err != rows[i].err) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
        parcel_free(&parcel);
    }
}

/* ---- once, in any order ---- */

static void a_bundle_taken_in_twice_changes_nothing_the_second_time(void **state)
{
    struct parcel parcel;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 70);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &parcel);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
    assert_int_equal(tally.commits, 70);
    struct hash before = desk_digest(&desks[EDGE]);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
    assert_int_equal(tally.commits + tally.notices, 0);
    assert_int_equal(tally.commits_held, 70);
    struct hash after = desk_digest(&desks[EDGE]);
    assert_true(hash_equal(&before, &after));
    parcel_free(&parcel);
}

static void an_old_bundle_that_comes_late_takes_nothing_back(void **state)
{
    struct parcel old, fresh;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 2);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &old);
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 2);
    assert_int_equal(home_card_renew(&desks[HUB_A].home, NULL, (struct wall_ms){1700000009000}), ERR_OK);
    assert_int_equal(desk_notice(&desks[HUB_A], desk_card(&desks[HUB_A]), span_of(NULL, 0)), ERR_OK);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &fresh);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&fresh, 0), &tally), ERR_OK);
    struct hash before = desk_digest(&desks[EDGE]);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&old, 0), &tally), ERR_OK);
    assert_int_equal(tally.commits + tally.notices + tally.refused + tally.waiting, 0);
    struct hash after = desk_digest(&desks[EDGE]);
    assert_true(hash_equal(&before, &after));
    parcel_free(&old);
    parcel_free(&fresh);
}

static void parts_fit_their_size_and_come_in_any_order(void **state)
{
    struct bundle_order order = {.name = region.nodes[EDGE].name, .bytes_max = 40000, .now = {1}};
    struct parcel parcel;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 200);
    desk_record(&desks[HUB_A], CHANNEL_ALERT, 60);
    desk_record(&desks[HUB_A], CHANNEL_BULK, 200);
    assert_int_equal(desk_out(&desks[HUB_A], &order, &parcel), ERR_OK); /* desk_out looks at the sizes */
    assert_in_range(parcel.count, 4, 20);
    /* The last first: its logs are not begun here. */
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, parcel.count - 1), &tally), ERR_OK);
    assert_int_equal(tally.commits, 0);
    assert_true(tally.waiting > 0);
    assert_int_equal(tally.reasons[0].fate, BUNDLE_WAITS);
    assert_true(tally.reasons[0].err == ERR_GAP || tally.reasons[0].err == ERR_UNKNOWN_LOG);
    /* From behind, again and again: each time one more fits. */
    uint32_t rounds = 0;
    while (desk_entries(&desks[EDGE]) < 460) {
        assert_true(rounds++ < parcel.count);
        for (uint32_t i = parcel.count; i > 0; i--) {
            assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, i - 1), &tally), ERR_OK);
            assert_int_equal(tally.refused + tally.aside, 0);
        }
    }
    assert_true(are_equal(HUB_A, EDGE));
    /* In order, at once. */
    for (uint32_t i = 0; i < parcel.count; i++) {
        assert_int_equal(desk_in(&desks[OTHER], file_of(&parcel, i), &tally), ERR_PERMISSION);
    }
    parcel_free(&parcel);
    order.name = "region";
    assert_int_equal(desk_out(&desks[HUB_A], &order, &parcel), ERR_OK);
    for (uint32_t i = 0; i < parcel.count; i++) {
        assert_int_equal(desk_in(&desks[OTHER], file_of(&parcel, i), &tally), ERR_OK);
        assert_int_equal(tally.waiting, 0);
    }
    assert_true(are_equal(HUB_A, OTHER));
    parcel_free(&parcel);
    order.bytes_max = 3000; /* not even the notices */
    assert_int_equal(desk_out(&desks[HUB_A], &order, &parcel), ERR_LIMIT);
    parcel_free(&parcel);
}

static void an_import_that_was_killed_goes_on_where_it_was(void **state)
{
    struct parcel parcel;
    struct bundle_in *in = NULL;
    const char *clause = NULL;
    struct span file;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 3000);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &parcel);
    file = file_of(&parcel, 0);
    assert_int_equal(bundle_in_new(&desks[EDGE].home, false, desk_change, &desks[EDGE], &in), ERR_OK);
    assert_int_equal(bundle_in_feed(in, span_of(file.p, file.n * 3 / 4), &clause), ERR_OK);
    bundle_in_destroy(&in);
    desk_reopen(&desks[EDGE]);
    uint64_t had = desk_entries(&desks[EDGE]);
    assert_in_range(had, 100, 2999);
    assert_int_equal(desk_in(&desks[EDGE], file, &tally), ERR_OK);
    assert_int_equal(tally.commits, 3000 - had);
    assert_int_equal(tally.commits_held, had);
    assert_true(are_equal(HUB_A, EDGE));
    parcel_free(&parcel);
}

static void a_full_disk_stops_it_and_room_lets_it_go_on(void **state)
{
    struct parcel parcel;

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 10);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &parcel);
    struct hash before = desk_digest(&desks[EDGE]);
    store_set_reserve(desks[EDGE].store, UINT64_MAX / 2);
    struct bundle_in *in = NULL;
    const char *clause = NULL;
    assert_int_equal(bundle_in_new(&desks[EDGE].home, false, desk_change, &desks[EDGE], &in), ERR_OK);
    enum err err = store_begin(desks[EDGE].store);
    assert_int_equal(err, ERR_FULL); /* what desk_change would meet; it asserts that it does not */
    bundle_in_destroy(&in);
    struct hash after = desk_digest(&desks[EDGE]);
    assert_true(hash_equal(&before, &after));
    store_set_reserve(desks[EDGE].store, 1);
    assert_int_equal(desk_in_pieces(&desks[EDGE], file_of(&parcel, 0), 0, &tally, &clause), ERR_OK);
    assert_int_equal(tally.commits, 10);
    parcel_free(&parcel);
}

/* ---- keys ---- */

static void what_was_sealed_before_a_rotation_still_opens(void **state)
{
    struct parcel parcel;
    char path[160];

    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 1);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &parcel);
    assert_int_equal(home_rotate(&desks[EDGE].home, (struct wall_ms){1700000010000}), ERR_OK);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
    assert_int_equal(tally.commits, 1);
    parcel_free(&parcel);
    assert_int_equal(desk_notice(&desks[HUB_A], desk_card(&desks[EDGE]), span_of(NULL, 0)), ERR_OK);
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 1);
    desk_out_for(&desks[HUB_A], &desks[EDGE], &parcel); /* for the new key now */
    (void)snprintf(path, sizeof path, "%s/home/keys/encryption-1", desks[EDGE].folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
    assert_int_equal(tally.commits, 1);
    (void)snprintf(path, sizeof path, "%s/home/keys/encryption-2", desks[EDGE].folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_UNKNOWN_KEY);
    parcel_free(&parcel);
}

/* ---- who has written it ---- */

static void put_roster(struct region_roster *spec, const size_t *nodes, size_t count)
{
    struct span roster = region_roster(&region, spec, NULL);

    for (size_t i = 0; i < count; i++) {
        desk_notices(&desks[nodes[i]], &roster, 1);
    }
}

static void a_newcomer_is_known_by_what_he_brings_himself(void **state)
{
    struct region_roster spec = {.number = 2, .members = MEMBERS | 1 << LATE};
    struct parcel parcel;

    (void)state;
    open_desk(LATE);
    tell_first(LATE);
    spec.previous = first_roster;
    put_roster(&spec, (const size_t[]){LATE}, 1);
    assert_int_equal(desk_notice(&desks[LATE], desk_card(&desks[LATE]), span_of(NULL, 0)), ERR_OK);
    desk_record(&desks[LATE], CHANNEL_REPORT, 2);
    desk_out_for(&desks[LATE], &desks[EDGE], &parcel);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
    assert_int_equal(tally.commits, 2);
    assert_int_equal(tally.waiting + tally.refused, 0);
    assert_true(are_equal(EDGE, LATE));
    parcel_free(&parcel);
}

/* As desk_out_for, with the notices that `keeps` allows. */
static bool no_notices(const struct notice_ref *ref)
{
    (void)ref;
    return false;
}

struct sinking {
    struct desk *desk;
    struct bytes *file;
};
static enum err sink(void *arg, struct span bytes) { return bytes_add(((struct sinking *)arg)->file, bytes); }
static enum err sign(void *arg, struct span body, struct signature *ret)
{
    const struct home *home = &((struct sinking *)arg)->desk->home;

    sign_make(SIGN_BUNDLE, &home->region, body, home->identity, ret);
    return ERR_OK;
}

static void out_with(size_t from, size_t to, bool (*keeps)(const struct notice_ref *ref), struct bytes *ret)
{
    struct sinking sinking = {&desks[from], ret};
    struct bundle_hand hand = {.sink = sink, .sign = sign, .arg = &sinking};
    struct bundle_order order = {.name = region.nodes[to].name, .now = {1}};
    struct bundle_plan *plan = NULL;
    struct bundle_written written;
    struct leaving leaving;
    const char *why = NULL;
    size_t kept = 0;

    memset(ret, 0, sizeof *ret);
    assert_int_equal(desk_change(&desks[from], bundle_leave, &leaving), ERR_OK);
    assert_int_equal(bundle_plan_make(desks[from].store, &order, &plan, &why), ERR_OK);
    for (size_t i = 0; i < plan->notice_count; i++) {
        if (keeps(&plan->notices[i])) {
            plan->notices[kept++] = plan->notices[i];
        }
    }
    plan->notice_count = kept;
    assert_int_equal(bundle_split(plan, desks[from].store, 0), ERR_OK);
    assert_int_equal(bundle_write(plan, desks[from].store, 1, &hand, &written), ERR_OK);
    bundle_plan_destroy(&plan);
}

static void what_a_stranger_has_written_waits_until_he_is_known(void **state)
{
    struct region_roster spec = {.number = 2, .members = MEMBERS | 1 << LATE};
    struct bytes file;

    (void)state;
    open_desk(LATE);
    tell_first(LATE);
    spec.previous = first_roster;
    put_roster(&spec, (const size_t[]){LATE}, 1);
    desk_record(&desks[LATE], CHANNEL_REPORT, 2);
    out_with(LATE, EDGE, no_notices, &file);
    struct hash before = desk_digest(&desks[EDGE]);
    assert_int_equal(desk_in(&desks[EDGE], span_of(file.p, file.n), &tally), ERR_UNKNOWN_KEY);
    assert_int_equal(tally.waiting, 2);
    assert_int_equal(tally.reasons[0].err, ERR_UNKNOWN_KEY);
    struct hash after = desk_digest(&desks[EDGE]);
    assert_true(hash_equal(&before, &after));
    put_roster(&spec, (const size_t[]){EDGE}, 1);
    assert_int_equal(desk_in(&desks[EDGE], span_of(file.p, file.n), &tally), ERR_OK);
    assert_int_equal(tally.commits, 2);
    bytes_free(&file);
}

static void a_log_of_a_stranger_waits_and_all_others_are_taken(void **state)
{
    struct region_roster spec = {.number = 2, .members = MEMBERS | 1 << LATE};
    struct region_log log;
    struct bytes file;

    (void)state;
    spec.previous = first_roster;
    put_roster(&spec, (const size_t[]){HUB_A}, 1);
    region_log_init(&log, &region, LATE, CHANNEL_REPORT);
    const struct span items[] = {log.birth, region_log_commit(&log, 3, 50), region_log_commit(&log, 1, 50)};
    assert_int_equal(desk_admit(&desks[HUB_A], &log.chain.log, 0, items, 3), ERR_OK);
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 2);
    out_with(HUB_A, EDGE, no_notices, &file);
    assert_int_equal(desk_in(&desks[EDGE], span_of(file.p, file.n), &tally), ERR_OK);
    assert_int_equal(tally.commits, 2);
    assert_int_equal(tally.waiting, 2);
    assert_int_equal(tally.reasons[0].err, ERR_UNKNOWN_KEY);
    carry(HUB_A, EDGE); /* with the roster */
    assert_int_equal(tally.commits, 2);
    assert_true(are_equal(HUB_A, EDGE));
    region_log_fini(&log);
    bytes_free(&file);
}

static void what_was_put_out_may_not_write(void **state)
{
    struct region_roster removed = {.number = 2, .members = MEMBERS & ~(1U << OTHER), .cut = 1 << OTHER};
    struct parcel parcel;

    (void)state;
    desk_record(&desks[OTHER], CHANNEL_REPORT, 2);
    desk_out_for(&desks[OTHER], &desks[EDGE], &parcel);
    removed.previous = first_roster;
    put_roster(&removed, (const size_t[]){EDGE}, 1);
    struct hash before = desk_digest(&desks[EDGE]);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_NOT_MEMBER);
    struct hash after = desk_digest(&desks[EDGE]);
    assert_true(hash_equal(&before, &after));
    parcel_free(&parcel);
    /* Nor does it write any more, once it knows. */
    struct bundle_order order = {.name = region.nodes[EDGE].name, .now = {1}};
    put_roster(&removed, (const size_t[]){OTHER}, 1);
    assert_int_equal(desk_out(&desks[OTHER], &order, &parcel), ERR_NOT_MEMBER);
    parcel_free(&parcel);
}

static void beyond_the_cut_of_its_author_a_log_is_left_aside(void **state)
{
    struct region_roster removed = {.number = 2, .members = MEMBERS & ~(1U << OTHER), .cut = 1 << OTHER, .head_count = 1};
    struct region_log log;
    struct head cut;

    (void)state;
    region_log_init(&log, &region, OTHER, CHANNEL_REPORT);
    struct span items[6] = {log.birth};
    for (size_t i = 1; i < 6; i++) {
        items[i] = region_log_commit(&log, 1, 60);
        if (i == 3) {
            cut = region_log_head(&log);
        }
    }
    assert_int_equal(desk_admit(&desks[HUB_B], &log.chain.log, 0, items, 6), ERR_OK);
    removed.previous = first_roster;
    removed.heads = &cut;
    put_roster(&removed, (const size_t[]){EDGE}, 1);
    carry(HUB_B, EDGE); /* a hub that has not heard of it yet */
    assert_int_equal(tally.commits, 3);
    assert_int_equal(tally.aside, 2);
    assert_int_equal(tally.reasons[0].err, ERR_CUT);
    assert_true(tally.reasons[0].has_node);
    struct log_info info;
    assert_true(desk_log(&desks[EDGE], &log.chain.log, &info));
    assert_int_equal(info.head.seq, 3);
    /* And what EDGE passes on ends there. */
    put_roster(&removed, (const size_t[]){HUB_A}, 1);
    carry(EDGE, HUB_A);
    assert_int_equal(tally.commits, 3);
    assert_int_equal(tally.aside, 0);
    region_log_fini(&log);
}

static void an_identity_that_was_replaced_writes_no_more(void **state)
{
    struct region_roster spec = {.number = 2, .members = MEMBERS};
    struct parcel parcel;
    struct secret *fresh = NULL;

    (void)state;
    desk_record(&desks[OTHER], CHANNEL_REPORT, 1);
    desk_out_for(&desks[OTHER], &desks[EDGE], &parcel);
    assert_int_equal(sign_keypair(&region.nodes[OTHER].identity, &fresh), ERR_OK);
    spec.previous = first_roster;
    put_roster(&spec, (const size_t[]){EDGE}, 1);
    secret_destroy(&fresh);
    struct hash before = desk_digest(&desks[EDGE]);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_STALE);
    struct hash after = desk_digest(&desks[EDGE]);
    assert_true(hash_equal(&before, &after));
    parcel_free(&parcel);
}

static void two_rosters_of_one_number_meet_and_end_the_same_everywhere(void **state)
{
    struct region_roster a = {.number = 2, .members = MEMBERS & ~(1U << OTHER), .cut = 1 << OTHER}, b = {.number = 2, .members = MEMBERS | 1 << LATE, .salt = 1};

    (void)state;
    a.previous = b.previous = first_roster;
    put_roster(&a, (const size_t[]){HUB_A}, 1);
    put_roster(&b, (const size_t[]){HUB_B}, 1);
    carry(HUB_A, EDGE);
    carry(HUB_B, EDGE);
    assert_int_equal(tally.refused, 0);
    carry(EDGE, HUB_A);
    carry(EDGE, HUB_B);
    for (size_t i = HUB_A; i <= EDGE; i++) {
        const struct membership *membership = desks[i].writer.membership;
        assert_true(membership_is_disputed(membership));
        assert_true(hash_equal(membership_roster_hash(membership), membership_roster_hash(desks[EDGE].writer.membership)));
        assert_null(membership_find(membership, &region.nodes[OTHER].id));
        assert_null(membership_find(membership, &region.nodes[LATE].id));
    }
}

/* ---- false things in a bundle that is well made ---- */

/* A bundle by HUB_B for EDGE of these notices and segments. */
struct lot {
    struct span notices[4], heads[4];
    uint64_t bases[4];
    size_t notice_count;
    struct seg segs[4];
    size_t seg_count;
};

static void lot_write(const struct lot *lot, struct bytes *ret)
{
    static uint8_t mem[BUNDLE_DOCUMENT_BYTES_MAX];
    struct sinking sinking = {&desks[HUB_B], ret};
    struct bundle_card card = {region.nodes[EDGE].id, desks[EDGE].home.encryption_public};
    struct node_id receiver = card.node;
    struct bundle_contents contents = {.version = 1, .region = region.id, .part = 1, .parts = 1, .writer = region.nodes[HUB_B].id, .created = {1}, .receiver_count = 1, .receivers = &receiver};
    struct bundle_writer *writer = NULL;
    struct signature signature;
    struct out out = out_into(mem, sizeof mem);

    memset(ret, 0, sizeof *ret);
    random_fill(contents.id.b, sizeof contents.id.b);
    assert_int_equal(bundle_writer_new(&region.id, &contents.id, 1, 1, &card, 1, false, sink, &sinking, &writer), ERR_OK);
    bundle_contents_encode(&contents, &out);
    assert_int_equal(sign(&sinking, out_written(&out), &signature), ERR_OK);
    assert_int_equal(bundle_writer_contents(writer, out_written(&out), &signature), ERR_OK);
    for (size_t i = 0; i < lot->notice_count; i++) {
        out = out_into(mem, sizeof mem);
        notice_message_encode(lot->notices[i], lot->bases[i], lot->heads[i], &out);
        assert_int_equal(bundle_writer_notice(writer, out_written(&out)), ERR_OK);
    }
    for (size_t i = 0; i < lot->seg_count; i++) {
        out = out_into(mem, sizeof mem);
        seg_encode(&lot->segs[i], &out);
        assert_int_equal(bundle_writer_segment(writer, out_written(&out), lot->segs[i].count), ERR_OK);
    }
    out = out_into(mem, sizeof mem);
    assert_int_equal(bundle_writer_close(writer, &out), ERR_OK);
    assert_int_equal(sign(&sinking, out_written(&out), &signature), ERR_OK);
    assert_int_equal(bundle_writer_trailer(writer, out_written(&out), &signature), ERR_OK);
    bundle_writer_destroy(&writer);
}

/* The last bytes of a packed commit's reduced form are its entries; its signature stands before them, 64 bytes behind the times. */
static struct span spoilt(struct span item, size_t at)
{
    struct span copy = region_keep(&region, item);

    ((uint8_t *)(uintptr_t)copy.p)[at] ^= 1;
    return copy;
}

/* The reduced form of a commit with one entry, said again in another way. */
static struct span said_again(struct span packed, uint32_t version, bool has_payload)
{
    static struct commit commit;
    static uint8_t mem[COMMIT_REDUCED_BYTES_MAX + 1];
    struct commit_packer *packer = commit_packer_new();
    struct unpack *unpack = unpack_new();
    struct out out = out_into(mem + 1, sizeof mem - 1);
    struct span reduced;

    assert_non_null(packer);
    assert_non_null(unpack);
    assert_int_equal(commit_unpack(packer, packed, &reduced, NULL), ERR_OK);
    assert_int_equal(commit_reduced_decode(unpack, reduced, &commit, NULL), ERR_OK);
    for (uint32_t i = 0; i < commit.entry_count && !has_payload; i++) {
        hash_leaf(commit.entries[i].salt, commit.entries[i].payload, &commit.entries[i].leaf.content);
        commit.entries[i].has_payload = false;
    }
    commit.version = version;
    commit_reduced(&commit, &out);
    mem[0] = 0;
    struct span kept = region_keep(&region, span_of(mem, out.at + 1));
    commit_packer_destroy(&packer);
    unpack_destroy(&unpack);
    return kept;
}

static void false_commits_are_refused_by_name_and_good_ones_beside_them_taken(void **state)
{
    static struct region other_region;
    struct region_log good, bad, foreign, stranger;
    struct span items[5];

    (void)state;
    region_init(&other_region, 1);
    memcpy(other_region.nodes, region.nodes, 0);
    static const struct {
        const char *what;
        enum bundle_fate fate;
        enum err err;
        uint64_t taken; /* of the bad log */
    } rows[] = {
        {"a flipped signature", BUNDLE_REFUSED, ERR_BADSIG, 1},
        {"commits in another order", BUNDLE_REFUSED, ERR_MALFORMED, 0},
        {"a commit of another log", BUNDLE_REFUSED, ERR_BADSIG, 0},
        {"a birth of another region", BUNDLE_REFUSED, ERR_REGION, 0},
        {"a birth that a stranger has signed for a member", BUNDLE_REFUSED, ERR_BADSIG, 0},
        {"the birth of another log", BUNDLE_REFUSED, ERR_CHAIN, 0},
        {"no commit at all", BUNDLE_REFUSED, ERR_MALFORMED, 1},
        {"a payload that is kept back", BUNDLE_WAITS, ERR_GAP, 1},
        {"a commit of a newer format", BUNDLE_ASIDE, ERR_VERSION, 1},
        {"a gap", BUNDLE_WAITS, ERR_GAP, 0},
        {"a log without its birth", BUNDLE_WAITS, ERR_UNKNOWN_LOG, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lot lot = {.seg_count = 2};
        struct bytes file;
        struct log_info info;
        struct log_id log_id;
        uint64_t first = 0;
        uint32_t count = 4;

        region_log_init(&good, &region, OTHER, CHANNEL_ALERT);
        region_log_init(&bad, &region, OTHER, CHANNEL_REPORT);
        region_log_init(&foreign, &other_region, 0, CHANNEL_REPORT);
        region_log_init(&stranger, &region, LATE, CHANNEL_REPORT);
        items[0] = bad.birth;
        for (size_t j = 1; j < 5; j++) {
            items[j] = region_log_commit(&bad, 1, 120);
        }
        log_id = bad.chain.log;
        switch (i) {
        case 0:
            items[2] = spoilt(items[2], 40);
            break;
        case 1:
            items[1] = items[2];
            break;
        case 2:
            items[1] = region_log_commit(&stranger, 1, 50);
            break;
        case 3:
            items[0] = foreign.birth;
            log_id = foreign.chain.log;
            break;
        case 4: {
            struct region_log forged;
            struct secret *own = region.nodes[OTHER].secret;
            region.nodes[OTHER].secret = region.nodes[LATE].secret;
            region_log_init(&forged, &region, OTHER, CHANNEL_REPORT);
            region.nodes[OTHER].secret = own;
            items[0] = forged.birth;
            log_id = forged.chain.log;
            region_log_fini(&forged);
            break;
        }
        case 5:
            items[0] = stranger.birth;
            break;
        case 6:
            items[2] = span_text("\x07nonsense");
            break;
        case 7:
            items[2] = said_again(items[2], 1, false);
            break;
        case 8:
            items[2] = said_again(items[2], 2, true);
            break;
        case 9:
            assert_int_equal(desk_admit(&desks[EDGE], &log_id, 0, items, 1), ERR_OK);
            first = 2;
            count = 2;
            break;
        default:
            first = 1;
            break;
        }
        lot.segs[0] = region_seg(&log_id, first, items + first, count);
        const struct span beside[] = {good.birth, region_log_commit(&good, 2, 50)};
        lot.segs[1] = region_seg(&good.chain.log, 0, beside, 2);
        lot_write(&lot, &file);
        assert_int_equal(desk_in(&desks[EDGE], span_of(file.p, file.n), &tally), ERR_OK);
        if (tally.reason_count != 1 || tally.reasons[0].fate != rows[i].fate || tally.reasons[0].err != rows[i].err) {
            fail_msg("%s: %zu reasons, %s (%s)", rows[i].what, tally.reason_count, tally.reason_count > 0 ? err_name(tally.reasons[0].err) : "",
                     tally.reason_count > 0 ? tally.reasons[0].clause : "");
        }
        assert_true(tally.reasons[0].clause[0] != '\0' && tally.reasons[0].count > 0);
        assert_true(desk_log(&desks[EDGE], &good.chain.log, &info));
        assert_int_equal(info.head.entries, 2);
        if (desk_log(&desks[EDGE], &log_id, &info) ? info.held_seq != rows[i].taken : rows[i].taken != 0) {
            fail_msg("%s: %llu commits of it were taken", rows[i].what, (unsigned long long)info.held_seq);
        }
        bytes_free(&file);
        region_log_fini(&good);
        region_log_fini(&bad);
        region_log_fini(&foreign);
        region_log_fini(&stranger);
    }
    region_fini(&other_region);
}

static void a_fork_is_proven_and_what_lies_beyond_it_left_aside(void **state)
{
    struct region_log log, twin;
    struct bytes file;
    struct log_info info;

    (void)state;
    region_log_init(&log, &region, OTHER, CHANNEL_REPORT);
    twin = log;
    const struct span ours[] = {log.birth, region_log_commit(&log, 1, 50), region_log_commit(&log, 1, 50)};
    const struct span theirs[] = {ours[0], region_log_commit(&twin, 1, 50), region_log_commit(&twin, 1, 50)};
    assert_int_equal(desk_admit(&desks[EDGE], &log.chain.log, 0, ours, 3), ERR_OK);
    struct lot lot = {.seg_count = 1, .segs = {region_seg(&log.chain.log, 0, theirs, 3)}};
    lot_write(&lot, &file);
    assert_int_equal(desk_in(&desks[EDGE], span_of(file.p, file.n), &tally), ERR_OK);
    assert_int_equal(tally.aside, 2);
    assert_int_equal(tally.reasons[0].err, ERR_FORK);
    assert_int_equal(proofs_at(EDGE), 1);
    assert_true(desk_log(&desks[EDGE], &log.chain.log, &info));
    assert_int_equal(info.head.seq, 0);
    /* The proof travels by hand too. */
    carry(EDGE, HUB_A);
    assert_int_equal(proofs_at(HUB_A), 1);
    bytes_free(&file);
    region_log_fini(&log);
}

static void false_notices_are_refused_by_name(void **state)
{
    struct head head = {.seq = 0};
    struct lot lot = {.notice_count = 1};
    struct bytes file;
    struct span heads;

    (void)state;
    memset(head.log.b, 3, sizeof head.log.b);
    memcpy(head.hash.b, head.log.b, sizeof head.hash.b);
    static const struct {
        const char *what;
        enum bundle_fate fate;
        enum err err;
    } rows[] = {
        {"a card that another has signed", BUNDLE_REFUSED, ERR_BADSIG},
        {"a card of a stranger", BUNDLE_WAITS, ERR_UNKNOWN_KEY},
        {"a frontier with other heads", BUNDLE_REFUSED, ERR_BADHASH},
        {"a frontier as a difference to nothing", BUNDLE_WAITS, ERR_GAP},
        {"a roster of too few signatures", BUNDLE_REFUSED, ERR_BADSIG},
        {"a roster whose predecessor is not here", BUNDLE_WAITS, ERR_UNKNOWN_KEY},
        {"a roster of another region", BUNDLE_REFUSED, ERR_REGION},
        {"an act of one who is no hub", BUNDLE_REFUSED, ERR_NOT_MEMBER},
        {"nonsense", BUNDLE_REFUSED, ERR_MALFORMED},
        {"a notice cut short", BUNDLE_REFUSED, ERR_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct secret *own = region.nodes[OTHER].secret;
        struct region other = {.id = {{9}}};
        struct region_roster spec = {.number = 2, .previous = first_roster, .members = MEMBERS};

        lot.heads[0] = span_of(NULL, 0);
        lot.bases[0] = 0;
        switch (i) {
        case 0:
            region.nodes[OTHER].secret = region.nodes[EDGE].secret;
            lot.notices[0] = region_card(&region, OTHER, UINT64_C(1) << 40);
            region.nodes[OTHER].secret = own;
            break;
        case 1:
            lot.notices[0] = region_card(&region, LATE, 1);
            break;
        case 2:
            lot.notices[0] = region_frontier(&region, OTHER, UINT64_C(1) << 40, &head, 1, &heads);
            lot.heads[0] = region_heads(&region, NULL, 0);
            break;
        case 3:
            lot.notices[0] = region_frontier(&region, OTHER, UINT64_C(1) << 40, &head, 1, &heads);
            lot.heads[0] = heads;
            lot.bases[0] = 17;
            break;
        case 4:
            spec.signers = 2;
            lot.notices[0] = region_roster(&region, &spec, NULL);
            break;
        case 5:
            spec.number = 5;
            lot.notices[0] = region_roster(&region, &spec, NULL);
            break;
        case 6:
            spec.region = &other.id;
            lot.notices[0] = region_roster(&region, &spec, NULL);
            break;
        case 7:
            lot.notices[0] = region_suspend(&region, OTHER, 1, &first_roster, 1, HUB_A, NULL, 0);
            break;
        case 8:
            lot.notices[0] = span_text("\x93\x01\x02\x03");
            break;
        default:
            lot.notices[0] = span_of(region.charter.p, region.charter.n - 3);
            break;
        }
        lot_write(&lot, &file);
        struct hash before = desk_digest(&desks[EDGE]);
        assert_int_equal(desk_in(&desks[EDGE], span_of(file.p, file.n), &tally), ERR_OK);
        if (tally.reason_count != 1 || tally.reasons[0].fate != rows[i].fate || tally.reasons[0].err != rows[i].err || tally.notices != 0) {
            fail_msg("%s: %zu reasons, %s (%s)", rows[i].what, tally.reason_count, tally.reason_count > 0 ? err_name(tally.reasons[0].err) : "",
                     tally.reason_count > 0 ? tally.reasons[0].clause : "");
        }
        struct hash after = desk_digest(&desks[EDGE]);
        if (!hash_equal(&before, &after)) {
            fail_msg("%s: the store has changed", rows[i].what);
        }
        bytes_free(&file);
    }
}

/* ---- our own logs ---- */

static void own_commits_leave_in_logs_of_this_life_only(void **state)
{
    struct own_logs own;

    (void)state;
    desk_record(&desks[EDGE], CHANNEL_REPORT, 3);
    carry(EDGE, HUB_A); /* begun in this life: as it is */
    own = logs_of(EDGE, HUB_A);
    assert_int_equal(own.count, 1);
    struct log_id first = own.logs[0].head.log;
    desk_record(&desks[EDGE], CHANNEL_REPORT, 2);
    carry(EDGE, HUB_A); /* and goes on in this life */
    own = logs_of(EDGE, HUB_A);
    assert_int_equal(own.count, 1);
    assert_int_equal(own.logs[0].head.seq, 5);
    desk_reopen(&desks[EDGE]);
    carry(EDGE, HUB_A); /* nothing has not left */
    assert_int_equal(logs_of(EDGE, HUB_A).count, 1);
    desk_record(&desks[EDGE], CHANNEL_REPORT, 2);
    own = logs_of(EDGE, EDGE);
    assert_int_equal(own.count, 1);
    assert_int_equal(own.logs[0].head.seq, 7);
    assert_int_equal(own.logs[0].sent.seq, 5);
    carry(EDGE, HUB_A); /* in a log of an earlier life: the two stand in a new one */
    assert_int_equal(tally.entries, 2);
    own = logs_of(EDGE, HUB_A);
    assert_int_equal(own.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(own.logs[i].head.seq, log_id_compare(&own.logs[i].head.log, &first) == 0 ? 5 : 2);
    }
    assert_true(are_equal(EDGE, HUB_A));
    assert_int_equal(desk_entries(&desks[EDGE]), 7);
    assert_int_equal(proofs_at(HUB_A), 0);
}

static void a_disk_brought_back_after_it_left_by_hand_makes_no_fork(void **state)
{
    (void)state;
    desk_record(&desks[EDGE], CHANNEL_REPORT, 3);
    desk_snapshot(&desks[EDGE], "then");
    desk_reopen(&desks[EDGE]);
    desk_record(&desks[EDGE], CHANNEL_REPORT, 2);
    carry(EDGE, HUB_A);
    assert_int_equal(tally.entries, 5);
    desk_record(&desks[EDGE], CHANNEL_REPORT, 1);
    carry(EDGE, HUB_A);
    desk_restore(&desks[EDGE], "then"); /* with its log keys; three that were not sent, and were */
    desk_record(&desks[EDGE], CHANNEL_REPORT, 4);
    carry(EDGE, HUB_A); /* whatever an earlier life has sent, this one sends in logs of its own */
    assert_int_equal(tally.aside + tally.refused, 0);
    assert_int_equal(proofs_at(HUB_A), 0);
    carry(HUB_A, EDGE); /* and gets back what it has lost */
    assert_true(tally.is_own_ahead);
    assert_int_equal(proofs_at(EDGE), 0);
    carry(EDGE, HUB_A);
    assert_true(are_equal(EDGE, HUB_A));
    carry(HUB_A, HUB_B);
    assert_int_equal(proofs_at(HUB_B), 0);
    assert_true(are_equal(HUB_A, HUB_B));
}

/* EDGE has been released, has sent `sent` more, its disk comes back, and it has written `written` since. */
static void what_others_hold_comes_back(uint64_t sent, uint64_t written)
{
    struct bundle_order all = {.name = region.nodes[EDGE].name, .has_since = true, .now = {1}};
    struct parcel parcel;

    desk_record(&desks[EDGE], CHANNEL_REPORT, 3);
    carry(EDGE, HUB_A);
    carry(HUB_A, EDGE);
    assert_true(author_is_released(desks[EDGE].writer.author));
    desk_snapshot(&desks[EDGE], "then");
    desk_record(&desks[EDGE], CHANNEL_REPORT, sent);
    carry(EDGE, HUB_A);
    assert_int_equal(logs_of(EDGE, HUB_A).count, 1);
    desk_restore(&desks[EDGE], "then");
    desk_record(&desks[EDGE], CHANNEL_REPORT, written); /* contradicts what was sent */
    assert_int_equal(logs_of(EDGE, EDGE).count, 1);
    assert_int_equal(desk_out(&desks[HUB_A], &all, &parcel), ERR_OK);
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
    assert_true(tally.is_own_ahead);
    assert_int_equal(tally.own_again, written);
    assert_int_equal(tally.waiting + tally.refused + tally.aside, 0);
    assert_int_equal(desk_entries(&desks[EDGE]), 3 + sent + written);
    parcel_free(&parcel);
    carry(EDGE, HUB_A);
    assert_true(are_equal(EDGE, HUB_A));
    assert_int_equal(proofs_at(EDGE) + proofs_at(HUB_A), 0);
    desk_record(&desks[EDGE], CHANNEL_REPORT, 1); /* and goes on in a log that nobody else can know */
    carry(EDGE, HUB_A);
    assert_true(are_equal(EDGE, HUB_A));
    assert_int_equal(proofs_at(HUB_A), 0);
}

static void what_others_hold_more_of_ours_comes_back_and_ours_gives_way(void **state)
{
    (void)state;
    what_others_hold_comes_back(4, 2);
}

static void what_others_hold_else_of_ours_comes_back_and_ours_gives_way(void **state)
{
    (void)state;
    what_others_hold_comes_back(1, 3);
}

static void a_frontier_that_names_what_we_have_just_written_is_an_echo(void **state)
{
    (void)state;
    desk_record(&desks[EDGE], CHANNEL_REPORT, 1);
    carry(EDGE, HUB_A);
    assert_false(author_is_released(desks[EDGE].writer.author));
    carry(HUB_A, EDGE); /* its frontier names what was written in this life: it is newer than our start */
    assert_true(tally.is_released);
    assert_true(author_is_released(desks[EDGE].writer.author));
    /* A new life begins anew, and what an old frontier says proves nothing in it. */
    desk_record(&desks[EDGE], CHANNEL_REPORT, 1);
    carry(EDGE, HUB_A);
    desk_reopen(&desks[EDGE]);
    desk_record(&desks[EDGE], CHANNEL_REPORT, 1);
    carry(HUB_A, EDGE);
    assert_false(tally.is_released);
    assert_false(author_is_released(desks[EDGE].writer.author));
    carry(EDGE, HUB_A);
    carry(HUB_A, EDGE);
    assert_true(tally.is_released);
}

static void one_edge_is_no_echo_and_two_are(void **state)
{
    (void)state;
    desk_record(&desks[HUB_A], CHANNEL_REPORT, 1);
    carry(HUB_A, EDGE);
    carry(EDGE, HUB_A);
    assert_false(author_is_released(desks[HUB_A].writer.author));
    carry(HUB_A, OTHER);
    carry(OTHER, HUB_A);
    assert_false(tally.is_released); /* each by itself says too little, and they came one by one */
    desk_record(&desks[HUB_A], CHANNEL_ALERT, 1);
    carry(HUB_A, EDGE);
    carry(HUB_A, OTHER);
    carry(EDGE, OTHER);
    carry(OTHER, HUB_A); /* both of their frontiers */
    assert_true(tally.is_released);
}

static void a_suspended_node_keeps_what_it_writes(void **state)
{
    struct span act;
    struct bundle_order order = {.name = region.nodes[EDGE].name, .now = {1}};
    struct parcel parcel;

    (void)state;
    desk_record(&desks[HUB_B], CHANNEL_REPORT, 1);
    carry(HUB_B, EDGE);
    struct own_logs own = logs_of(HUB_B, EDGE);
    act = region_suspend(&region, HUB_A, 1, &first_roster, 1, HUB_B, &own.logs[0].head, 1);
    for (size_t i = 0; i < LATE; i++) {
        desk_notices(&desks[i], &act, 1);
    }
    desk_reopen(&desks[HUB_B]);
    desk_record(&desks[HUB_B], CHANNEL_REPORT, 5);
    assert_int_equal(desk_out(&desks[HUB_B], &order, &parcel), ERR_OK); /* a suspended hub relays */
    assert_int_equal(desk_in(&desks[EDGE], file_of(&parcel, 0), &tally), ERR_OK);
    assert_int_equal(tally.commits, 0);
    assert_int_equal(logs_of(HUB_B, HUB_B).count, 1); /* and nothing of its own was moved */
    parcel_free(&parcel);
}

#define WITH_REGION(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REGION(an_office_catches_up_writes_and_is_acknowledged_by_hand_alone),
        WITH_REGION(a_bundle_begins_where_the_receivers_signed_frontier_ends),
        WITH_REGION(a_bundle_for_the_region_has_what_any_member_lacks),
        WITH_REGION(a_bundle_is_for_somebody_who_is_there),
        WITH_REGION(a_bundle_taken_in_twice_changes_nothing_the_second_time),
        WITH_REGION(an_old_bundle_that_comes_late_takes_nothing_back),
        WITH_REGION(parts_fit_their_size_and_come_in_any_order),
        WITH_REGION(an_import_that_was_killed_goes_on_where_it_was),
        WITH_REGION(a_full_disk_stops_it_and_room_lets_it_go_on),
        WITH_REGION(what_was_sealed_before_a_rotation_still_opens),
        WITH_REGION(a_newcomer_is_known_by_what_he_brings_himself),
        WITH_REGION(what_a_stranger_has_written_waits_until_he_is_known),
        WITH_REGION(a_log_of_a_stranger_waits_and_all_others_are_taken),
        WITH_REGION(what_was_put_out_may_not_write),
        WITH_REGION(beyond_the_cut_of_its_author_a_log_is_left_aside),
        WITH_REGION(an_identity_that_was_replaced_writes_no_more),
        WITH_REGION(two_rosters_of_one_number_meet_and_end_the_same_everywhere),
        WITH_REGION(false_commits_are_refused_by_name_and_good_ones_beside_them_taken),
        WITH_REGION(a_fork_is_proven_and_what_lies_beyond_it_left_aside),
        WITH_REGION(false_notices_are_refused_by_name),
        WITH_REGION(own_commits_leave_in_logs_of_this_life_only),
        WITH_REGION(a_disk_brought_back_after_it_left_by_hand_makes_no_fork),
        WITH_REGION(what_others_hold_more_of_ours_comes_back_and_ours_gives_way),
        WITH_REGION(what_others_hold_else_of_ours_comes_back_and_ours_gives_way),
        WITH_REGION(a_frontier_that_names_what_we_have_just_written_is_an_echo),
        WITH_REGION(one_edge_is_no_echo_and_two_are),
        WITH_REGION(a_suspended_node_keeps_what_it_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

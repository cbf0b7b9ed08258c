/* Orders to erase and days that pass: whenever what may go and what says so meet, salt and payload are gone, the commit still verifies, and the order of arrival does not show. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include "proto/erasure.h"
#include "proto/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { HUB_A, HUB_B, AUTHOR, OTHER, SEAT, MEMBERS = 0xff, DAY_MS = 86400000 };

static struct region region;
static struct home home;
static struct hash roster;
static struct region_log report, control; /* of AUTHOR */
static uint8_t texts[64][600];
static size_t text_count;

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    home_init(&home, &region, SEAT);
    home_found(&home, &region, MEMBERS, &roster);
    region_log_init(&report, &region, AUTHOR, CHANNEL_REPORT);
    region_log_init(&control, &region, AUTHOR, CHANNEL_CONTROL);
    text_count = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    region_log_fini(&report);
    region_log_fini(&control);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

/* ---- what is written ---- */

static struct entry entry_of(uint32_t kind, struct span payload)
{
    struct entry entry = {.leaf = {.kind = kind}, .has_payload = true};
    assert_true(payload.n <= sizeof texts[0] * 4 && text_count < 64);
    uint8_t *copy = texts[text_count++];
    memcpy(copy, payload.p, payload.n);
    entry.payload = span_of(copy, payload.n);
    random_fill(entry.salt, sizeof entry.salt);
    return entry;
}

static struct entry text(const char *what)
{
    return entry_of(ENTRY_RECORD, span_text(what));
}

static struct entry order_for(size_t author, const struct hash *contents, uint32_t count, const char *reason)
{
    struct erasure erasure = {.author = region.nodes[author].id, .leaf_count = count};
    uint8_t mem[PAYLOAD_BYTES_MAX];
    struct out out = out_into(mem, sizeof mem);
    memcpy(erasure.leaves, contents, count * sizeof *contents);
    memcpy(erasure.reason, reason, strlen(reason));
    for (uint32_t i = 0; i < count; i++) { /* rising */
        for (uint32_t k = i + 1; k < count; k++) {
            if (memcmp(erasure.leaves[i].b, erasure.leaves[k].b, 32) > 0) {
                struct hash swap = erasure.leaves[i];
                erasure.leaves[i] = erasure.leaves[k];
                erasure.leaves[k] = swap;
            }
        }
    }
    assert_int_equal(erasure_encode(&erasure, &out), ERR_OK);
    assert_true(out.at <= sizeof texts[0] * 2);
    text_count += text_count % 2; /* two places */
    struct entry entry = entry_of(ENTRY_ERASURE, out_written(&out));
    text_count++;
    return entry;
}

static struct entry order_of(size_t author, const struct entry *victim)
{
    struct hash content = region_content(victim);
    return order_for(author, &content, 1, "by mistake");
}

/* A log of some node with one commit: these entries. */
struct piece {
    struct log_id log;
    struct span items[2];
};

static struct piece piece_of(struct region_log *log, const struct entry *entries, uint32_t count, uint64_t without)
{
    struct piece piece = {.log = log->chain.log, .items = {log->birth}};
    piece.items[1] = region_log_entries(log, entries, count, without, 1);
    return piece;
}

static struct piece order_by(size_t by, size_t author, const struct entry *victim)
{
    struct region_log log;
    region_log_init(&log, &region, by, CHANNEL_CONTROL);
    struct entry order = order_of(author, victim);
    struct piece piece = piece_of(&log, &order, 1, 0);
    region_log_fini(&log);
    return piece;
}

static enum err admit(const struct piece *piece)
{
    struct admitted out;
    return home_admit(&home, &piece->log, 0, piece->items, 2, &out);
}

/* ---- what is seen ---- */

static bool is_here_at(struct home *at, const struct log_id *log, uint64_t seq, uint32_t entry)
{
    static struct commit commit;
    struct log_info info;
    struct store_read *read;
    struct hash hash;
    assert_true(home_log(at, log, &info));
    assert_int_equal(store_read_begin(at->store, &read), ERR_OK);
    assert_int_equal(store_commit_at(read, info.number, seq, &commit, &hash), ERR_OK);
    assert_true(entry < commit.entry_count);
    bool is_here = commit.entries[entry].has_payload;
    store_read_end(&read);
    return is_here;
}

static bool is_here(const struct log_id *log, uint64_t seq, uint32_t entry)
{
    return is_here_at(&home, log, seq, entry);
}

static uint64_t freed(void)
{
    struct store_read *read;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    uint64_t count = store_freed(read);
    store_read_end(&read);
    return count;
}

static void show_fault(void *arg, enum err err, const char *what)
{
    (void)arg;
    print_error("%s: %s\n", err_name(err), what);
}

static void check_store(void)
{
    struct fsck_report report_ = {.fault = show_fault};
    struct store_read *read;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report_), ERR_OK);
    store_read_end(&read);
}

static bool count_order(void *arg, const struct order *order)
{
    assert_true(strcmp(order->reason, "by mistake") == 0 || order->reason[0] == '\0');
    ++*(size_t *)arg;
    return true;
}

static enum order_state state_of(size_t author, const struct entry *victim, size_t *ret_orders)
{
    struct store_read *read;
    struct membership *membership;
    struct hash content = region_content(victim);
    enum order_state state;
    *ret_orders = 0;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_OK);
    assert_int_equal(store_orders(read, membership, &region.nodes[author].id, &content, count_order, ret_orders, &state), ERR_OK);
    membership_destroy(&membership);
    store_read_end(&read);
    return state;
}

/* ---- orders by the author ---- */

static void an_order_takes_out_what_is_held(void **state)
{
    struct entry entries[3] = {text("first"), text("a name, a passport"), text("third")};
    struct piece records = piece_of(&report, entries, 3, 0);
    struct entry order = order_of(AUTHOR, &entries[1]);
    struct piece orders = piece_of(&control, &order, 1, 0);
    size_t count;
    (void)state;
    assert_int_equal(admit(&records), ERR_OK);
    assert_true(is_here(&records.log, 1, 1));
    uint64_t journal = home_journal_end(&home);
    assert_int_equal(admit(&orders), ERR_OK);
    assert_true(is_here(&records.log, 1, 0) && is_here(&records.log, 1, 2));
    assert_false(is_here(&records.log, 1, 1));
    assert_int_equal(home_journal_end(&home), journal + 3); /* birth, order, and what is gone */
    assert_int_equal(freed(), 1);
    assert_int_equal(state_of(AUTHOR, &entries[1], &count), ORDER_IN_FORCE);
    assert_int_equal(count, 1);
    assert_int_equal(state_of(AUTHOR, &entries[0], &count), ORDER_NONE);
    assert_int_equal(count, 0);
    assert_false(store_erase_is_due(home.store));
    check_store();
    struct hash digest = home_digest(&home);
    assert_int_equal(admit(&records), ERR_OK); /* a copy with the payload brings it back to nobody */
    struct hash again = home_digest(&home);
    assert_true(hash_equal(&digest, &again));
    home_reopen(&home);
    assert_false(is_here(&records.log, 1, 1));
}

static void what_an_order_names_does_not_come_in(void **state)
{
    struct entry entries[2] = {text("a name, a passport"), text("second")};
    struct piece records = piece_of(&report, entries, 2, 0);
    struct entry order = order_of(AUTHOR, &entries[0]);
    struct piece orders = piece_of(&control, &order, 1, 0);
    (void)state;
    assert_int_equal(admit(&orders), ERR_OK);
    assert_int_equal(admit(&records), ERR_OK);
    assert_false(is_here(&records.log, 1, 0));
    assert_true(is_here(&records.log, 1, 1));
    assert_int_equal(freed(), 0); /* it was never written */
    check_store();
}

/* As a node that has erased already sends it: taken once the order is here, and nobody is to blame before. */
static void a_copy_without_its_payload_waits_for_the_order(void **state)
{
    struct entry entries[2] = {text("a name, a passport"), text("second")};
    struct region_log same = report;
    struct piece less = piece_of(&same, entries, 2, 1);
    struct entry order = order_of(AUTHOR, &entries[0]);
    struct piece orders = piece_of(&control, &order, 1, 0);
    struct admitted out;
    (void)state;
    assert_int_equal(admit(&less), ERR_GAP); /* the engine asks others, and this one again */
    assert_int_equal(admit(&orders), ERR_OK);
    assert_int_equal(admit(&less), ERR_OK);
    assert_false(is_here(&less.log, 1, 0));
    check_store();
    /* What its author has not signed is to blame for that first. */
    uint8_t spoilt[4096];
    struct region_log fresh;
    region_log_init(&fresh, &region, AUTHOR, CHANNEL_ALERT);
    struct span item = region_log_entries(&fresh, entries, 1, 1, 1);
    memcpy(spoilt, item.p, item.n);
    spoilt[item.n - 1] ^= 1; /* of the content hash */
    struct span items[2] = {fresh.birth, span_of(spoilt, item.n)};
    assert_int_equal(home_admit(&home, &fresh.chain.log, 0, items, 2, &out), ERR_BADSIG);
    region_log_fini(&fresh);
}

static void orders_and_keys_are_never_erased(void **state)
{
    struct entry entries[3] = {text("x"), entry_of(ENTRY_KEY, span_text("a key")), entry_of(7, span_text("of a later release"))};
    struct hash contents[3];
    struct admitted out;
    (void)state;
    struct entry first = order_of(AUTHOR, &entries[0]);
    for (size_t i = 0; i < 3; i++) {
        contents[i] = region_content(&entries[i]);
    }
    contents[0] = region_content(&first);
    struct entry both[2] = {first, order_for(AUTHOR, contents, 3, "")};
    struct piece records = piece_of(&report, entries, 3, 0);
    struct piece orders = piece_of(&control, both, 2, 0);
    assert_int_equal(admit(&orders), ERR_OK);
    assert_int_equal(admit(&records), ERR_OK);
    assert_true(is_here(&orders.log, 1, 0) && is_here(&orders.log, 1, 1));
    assert_false(is_here(&records.log, 1, 0));
    assert_true(is_here(&records.log, 1, 1) && is_here(&records.log, 1, 2));
    check_store();
    /* Missing they are somebody's doing; but who knows a later kind may rightly have taken it out. */
    struct region_log log;
    region_log_init(&log, &region, AUTHOR, CHANNEL_ALERT);
    struct span item[2] = {log.birth};
    struct region_log before = log;
    item[1] = region_log_entries(&log, &entries[1], 1, 1, 1);
    assert_int_equal(home_admit(&home, &log.chain.log, 0, item, 2, &out), ERR_MALFORMED);
    log.chain = before.chain;
    item[1] = region_log_entries(&log, &entries[2], 1, 1, 1);
    assert_int_equal(home_admit(&home, &log.chain.log, 0, item, 2, &out), ERR_OK);
    region_log_fini(&log);
}

/* What nobody here can read goes like the rest: a hub that only relays erases too. */
static void a_sealed_entry_goes_like_any_other(void **state)
{
    struct entry victim = entry_of(ENTRY_SEALED, span_text("nonce and cipher"));
    (void)state;
    victim.leaf.codec = CODEC_SEALED;
    victim.leaf.audience_bytes = AUDIENCE_BYTES_MAX;
    memset(victim.leaf.audience, 0x5e, sizeof victim.leaf.audience);
    struct piece records = piece_of(&report, &victim, 1, 0);
    struct entry order = order_of(AUTHOR, &victim);
    struct piece orders = piece_of(&control, &order, 1, 0);
    assert_int_equal(admit(&records), ERR_OK);
    assert_int_equal(admit(&orders), ERR_OK);
    assert_false(is_here(&records.log, 1, 0));
    check_store();
}

/* ---- orders by others ---- */

static void one_hub_proposes_two_erase_and_nobody_else_does_either(void **state)
{
    struct entry victim = text("a name, a passport");
    struct piece records = piece_of(&report, &victim, 1, 0);
    size_t count;
    (void)state;
    assert_int_equal(admit(&records), ERR_OK);
    struct piece order = order_by(OTHER, AUTHOR, &victim);
    assert_int_equal(admit(&order), ERR_OK);
    assert_int_equal(state_of(AUTHOR, &victim, &count), ORDER_NONE);
    assert_int_equal(count, 1); /* it is shown */
    order = order_by(HUB_A, AUTHOR, &victim);
    assert_int_equal(admit(&order), ERR_OK);
    assert_int_equal(state_of(AUTHOR, &victim, &count), ORDER_PROPOSED);
    order = order_by(HUB_A, AUTHOR, &victim); /* one hub twice is one hub */
    assert_int_equal(admit(&order), ERR_OK);
    assert_int_equal(state_of(AUTHOR, &victim, &count), ORDER_PROPOSED);
    assert_int_equal(count, 3);
    assert_true(is_here(&records.log, 1, 0));
    order = order_by(HUB_B, AUTHOR, &victim);
    assert_int_equal(admit(&order), ERR_OK);
    assert_int_equal(state_of(AUTHOR, &victim, &count), ORDER_IN_FORCE);
    assert_false(is_here(&records.log, 1, 0));
    check_store();
}

/* The copy of somebody's record in another log is that node's word, and only its orders, or those of two hubs, take it out. */
static void an_order_is_for_the_logs_of_one_node(void **state)
{
    struct entry victim = text("a name, a passport");
    struct region_log theirs;
    region_log_init(&theirs, &region, OTHER, CHANNEL_REPORT);
    struct piece records = piece_of(&report, &victim, 1, 0), copy = piece_of(&theirs, &victim, 1, 0);
    (void)state;
    assert_int_equal(admit(&records), ERR_OK);
    assert_int_equal(admit(&copy), ERR_OK);
    struct piece order = order_by(OTHER, OTHER, &victim);
    assert_int_equal(admit(&order), ERR_OK);
    assert_true(is_here(&records.log, 1, 0));
    assert_false(is_here(&copy.log, 1, 0));
    region_log_fini(&theirs);
}

/* A hub by the roster that its commit names, whether that is here yet or not, and whatever it is today. */
static void who_was_a_hub_is_asked_of_the_roster_that_the_order_names(void **state)
{
    struct entry victim = text("a name, a passport");
    struct piece records = piece_of(&report, &victim, 1, 0);
    struct region_log logs[2];
    size_t count;
    (void)state;
    assert_int_equal(admit(&records), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        region_log_init(&logs[i], &region, i == 0 ? (size_t)HUB_A : (size_t)OTHER, CHANNEL_CONTROL);
        struct entry order = order_of(AUTHOR, &victim);
        struct piece piece = {.log = logs[i].chain.log, .items = {logs[i].birth, region_log_entries(&logs[i], &order, 1, 0, 2)}};
        assert_int_equal(admit(&piece), ERR_OK);
    }
    assert_int_equal(state_of(AUTHOR, &victim, &count), ORDER_NONE); /* roster 2 is not here yet */
    enum role before = region.nodes[OTHER].role;
    region.nodes[OTHER].role = ROLE_HUB;
    struct region_roster spec = {.number = 2, .previous = roster, .members = MEMBERS};
    struct hash second;
    struct span notice = region_roster(&region, &spec, &second);
    home_notices(&home, &notice, 1);
    assert_int_equal(state_of(AUTHOR, &victim, &count), ORDER_IN_FORCE);
    assert_false(is_here(&records.log, 1, 0));
    region.nodes[OTHER].role = before;
    spec = (struct region_roster){.number = 3, .previous = second, .members = MEMBERS};
    notice = region_roster(&region, &spec, NULL);
    home_notices(&home, &notice, 1);
    assert_int_equal(state_of(AUTHOR, &victim, &count), ORDER_IN_FORCE); /* for ever: newcomers must be able to follow */
    check_store();
    region_log_fini(&logs[0]);
    region_log_fini(&logs[1]);
}

/* ---- any order of arrival ---- */

/* Over all that counts of these logs: heads, payloads, salts. */
static struct hash counted(struct home *at, const struct log_id *logs, size_t count)
{
    struct hash_state sum;
    struct hash hash;
    struct store_read *read;
    hash_start(&sum, HASH_FILE);
    for (size_t i = 0; i < count; i++) {
        static struct commit commit;
        struct log_info info;
        if (!home_log(at, &logs[i], &info)) {
            continue;
        }
        assert_int_equal(store_read_begin(at->store, &read), ERR_OK);
        hash_add(&sum, span_of(&info.head.hash, sizeof info.head.hash));
        for (uint64_t seq = 1; seq <= info.head.seq; seq++) {
            struct hash of;
            assert_int_equal(store_commit_at(read, info.number, seq, &commit, &of), ERR_OK);
            for (uint32_t k = 0; k < commit.entry_count; k++) {
                uint8_t has = commit.entries[k].has_payload;
                hash_add(&sum, span_of(&has, 1));
                hash_add(&sum, commit.entries[k].payload);
                hash_add(&sum, span_of(commit.entries[k].salt, SALT_BYTES));
            }
        }
        store_read_end(&read);
    }
    hash_end(&sum, &hash);
    return hash;
}

/* Records, of which the last lies beyond the cut, the author's order, those of two hubs, a roster that cuts the author, another branch of the log: as they come. */
static void the_order_of_arrival_does_not_show(void **state)
{
    struct entry entries[3] = {text("one"), text("two"), text("three")}, late = text("late");
    struct hash both[2] = {region_content(&entries[0]), region_content(&late)};
    struct span items[3] = {report.birth};
    (void)state;
    items[1] = region_log_entries(&report, entries, 3, 0, 1);
    struct head cut = region_log_head(&report);
    struct region_log branch = report; /* the same log goes on in two ways: both signed */
    items[2] = region_log_entries(&report, &late, 1, 0, 1);
    struct span other = region_log_entries(&branch, &entries[2], 1, 0, 1);
    struct entry order = order_for(AUTHOR, both, 2, "by mistake");
    struct piece orders = piece_of(&control, &order, 1, 0);
    struct head ends[2] = {cut, region_log_head(&control)}, cuts[2];
    bool is_rising = log_id_compare(&ends[0].log, &ends[1].log) < 0;
    cuts[0] = ends[is_rising ? 0 : 1];
    cuts[1] = ends[is_rising ? 1 : 0];
    struct piece hubs[2] = {order_by(HUB_A, AUTHOR, &entries[1]), order_by(HUB_B, AUTHOR, &entries[1])};
    struct region_roster spec = {.number = 2, .previous = roster, .members = MEMBERS & ~(1 << AUTHOR), .cut = 1 << AUTHOR, .heads = cuts, .head_count = 2};
    struct span notice = region_roster(&region, &spec, NULL);
    const struct log_id logs[4] = {report.chain.log, control.chain.log, hubs[0].log, hubs[1].log};
    struct hash expected;
    size_t tried = 0;
    enum { THINGS = 6, ORDERS = 6 * 5 * 4 * 3 * 2 };
    for (uint32_t code = 0; code < ORDERS; code += 5) { /* every fifth of them */
        uint32_t left[THINGS] = {0, 1, 2, 3, 4, 5}, rest = code;
        struct admitted out;
        struct hash same_roster;
        home_fini(&home);
        home_init(&home, &region, SEAT);
        home_found(&home, &region, MEMBERS, &same_roster);
        for (uint32_t n = THINGS; n > 0; n--) {
            uint32_t pick = rest % n, thing = left[pick];
            rest /= n;
            left[pick] = left[n - 1];
            enum err err = ERR_OK;
            struct notice_ref ref;
            bool is_new;
            const char *clause;
            switch (thing) {
            case 0: /* whatever lies beyond the cut or the fork is refused when that is known already */
                err = home_admit(&home, &report.chain.log, 0, items, 3, &out);
                assert_true(err == ERR_OK || err == ERR_CUT || err == ERR_FORK);
                break;
            case 1:
                assert_int_equal(admit(&orders), ERR_OK);
                break;
            case 2:
            case 3:
                assert_int_equal(admit(&hubs[thing - 2]), ERR_OK);
                break;
            case 4:
                assert_int_equal(store_begin(home.store), ERR_OK);
                assert_int_equal(store_admit_notice(home.store, notice, 0, span_of(NULL, 0), &ref, &is_new, &clause), ERR_OK);
                assert_int_equal(store_commit(home.store), ERR_OK);
                break;
            default: /* the other branch: makes a proof when ours is held */
                err = home_admit(&home, &report.chain.log, 2, &other, 1, &out);
                assert_true(err == ERR_FORK || err == ERR_UNKNOWN_LOG || err == ERR_CUT || err == ERR_GAP || err == ERR_OK);
                break;
            }
        }
        /* Everything is told again, as peers do. */
        (void)!home_admit(&home, &report.chain.log, 0, items, 3, &out);
        assert_false(is_here(&report.chain.log, 1, 0) || is_here(&report.chain.log, 1, 1));
        assert_true(is_here(&report.chain.log, 1, 2));
        struct log_info info;
        assert_true(home_log(&home, &report.chain.log, &info));
        assert_int_equal(info.head.seq, 1);
        static struct commit beyond;
        struct store_read *read;
        struct hash of, late_hash = region_content(&late);
        assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
        for (uint64_t seq = 2; seq <= info.held_seq; seq++) { /* quarantined and disputed copies too */
            assert_int_equal(store_commit_at(read, info.number, seq, &beyond, &of), ERR_OK);
            assert_true(!hash_equal(&beyond.entries[0].leaf.content, &late_hash) || !beyond.entries[0].has_payload);
        }
        store_read_end(&read);
        struct hash now = counted(&home, logs, 4);
        if (tried++ == 0) {
            expected = now;
        }
        assert_true(hash_equal(&expected, &now));
        check_store();
    }
    assert_true(tried > 100);
}

/* ---- much to look through ---- */

static void a_long_log_is_looked_through_by_and_by_and_over_restarts(void **state)
{
    enum { COMMITS = 200 };
    static struct span items[COMMITS + 1];
    struct entry victim = text("a name, a passport");
    struct admitted out;
    (void)state;
    items[0] = report.birth;
    for (size_t i = 1; i < COMMITS; i++) {
        items[i] = region_log_commit(&report, 60, 30);
    }
    items[COMMITS] = region_log_entries(&report, &victim, 1, 0, 1);
    for (size_t at = 0; at <= COMMITS; at += SEG_COMMITS_MAX) {
        uint32_t n = COMMITS + 1 - at < SEG_COMMITS_MAX ? (uint32_t)(COMMITS + 1 - at) : SEG_COMMITS_MAX;
        assert_int_equal(home_admit(&home, &report.chain.log, at, items + at, n, &out), ERR_OK);
    }
    struct entry order = order_of(AUTHOR, &victim);
    struct piece orders = piece_of(&control, &order, 1, 0);
    assert_int_equal(admit(&orders), ERR_OK);
    assert_true(store_erase_is_due(home.store));
    assert_true(is_here(&report.chain.log, COMMITS, 0));
    home_reopen(&home); /* where the search stands is on disk */
    size_t steps = 0;
    while (store_erase_is_due(home.store)) {
        assert_true(++steps < 10);
        assert_int_equal(store_begin(home.store), ERR_OK);
        assert_int_equal(store_erase_step(home.store), ERR_OK);
        assert_int_equal(store_commit(home.store), ERR_OK);
        if (steps == 1) {
            home_reopen(&home);
        }
    }
    assert_true(steps >= 2);
    assert_false(is_here(&report.chain.log, COMMITS, 0));
    check_store();
}

/* ---- our own ---- */

struct life {
    struct keyring *keyring;
    struct secret *sealing;
    struct author *author;
    char keys[96];
};

static void life_begin(struct life *life)
{
    home_fini(&home);
    home_init(&home, &region, AUTHOR);
    home_found(&home, &region, MEMBERS, &roster);
    life->sealing = secret_random(32);
    struct unlock unlock = {.key = life->sealing};
    (void)snprintf(life->keys, sizeof life->keys, "%s/keys", home.path);
    assert_int_equal(keyring_create(life->keys, &unlock, &life->keyring), ERR_OK);
    assert_int_equal(author_new(home.store, life->keyring, region.nodes[AUTHOR].secret, &life->author), ERR_OK);
}

static void life_end(struct life *life)
{
    author_destroy(&life->author);
    keyring_destroy(&life->keyring);
    secret_destroy(&life->sealing);
}

static struct head append(struct life *life, enum channel channel, uint32_t kind, struct span bytes, struct hash *ret)
{
    struct payload payload = {.kind = kind, .bytes = bytes};
    struct head head;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(author_append(life->author, channel, &payload, 1, (struct wall_ms){1700000000000}, 1, ret, &head), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    return head;
}

static struct span record_bytes(const struct record_id *id, uint8_t *mem)
{
    static struct record record;
    struct out out = out_into(mem, PAYLOAD_BYTES_MAX);
    memset(&record, 0, sizeof record);
    record.id = *id;
    record.kind = RECORD_SEIZURE;
    record.depth = 1;
    assert_int_equal(record_encode(&record, &out), ERR_OK);
    return out_written(&out);
}

static bool keep_version(void *arg, const struct erased_version *version)
{
    struct erased_version *kept = arg;
    *kept = *version;
    return true;
}

static void own_rows_go_with_the_record_and_its_id_says_why(void **state)
{
    struct life life;
    struct record_id id;
    uint8_t mem[PAYLOAD_BYTES_MAX];
    struct hash content;
    struct own_record own = {.depth = 1}, held;
    (void)state;
    life_begin(&life);
    random_fill(id.b, sizeof id.b);
    struct head head = append(&life, CHANNEL_REPORT, ENTRY_RECORD, record_bytes(&id, mem), &content);
    own.version = content;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_own_put(home.store, &id, &own), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    struct entry order = order_for(AUTHOR, &content, 1, "by mistake");
    (void)append(&life, CHANNEL_CONTROL, ENTRY_ERASURE, order.payload, &content);
    assert_false(is_here(&head.log, 1, 0));
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_own_get(home.store, &id, &held), ERR_NOT_FOUND);
    store_abort(home.store);
    struct store_read *read;
    struct erased_version version = {.seq = 0};
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_erased(read, &id, 128, keep_version, &version), ERR_OK);
    assert_int_equal(version.seq, 1);
    assert_memory_equal(version.id.b, id.b, sizeof id.b);
    assert_memory_equal(version.content.b, own.version.b, 32);
    assert_memory_equal(version.author.b, region.nodes[AUTHOR].id.b, 16);
    version.seq = 0;
    assert_int_equal(store_erased(read, &id, 20, keep_version, &version), ERR_OK);
    assert_int_equal(version.seq, 1);
    id.b[2] ^= 0x10; /* within the first 20 bits */
    version.seq = 0;
    assert_int_equal(store_erased(read, &id, 20, keep_version, &version), ERR_OK);
    assert_int_equal(version.seq, 0);
    store_read_end(&read);
    check_store();
    life_end(&life);
}

/* What has not left gives way: orders are issued again and name the same, what they have taken out is not. */
static void what_is_issued_again_stays_erased_and_ordered(void **state)
{
    struct life life;
    struct hash contents[3], order_hash;
    struct gave_way gave;
    struct head heads[2];
    (void)state;
    life_begin(&life);
    heads[0] = append(&life, CHANNEL_REPORT, ENTRY_RECORD, span_text("one"), &contents[0]);
    (void)append(&life, CHANNEL_REPORT, ENTRY_RECORD, span_text("two"), &contents[1]);
    struct entry order = order_for(AUTHOR, &contents[1], 1, "by mistake");
    heads[1] = append(&life, CHANNEL_CONTROL, ENTRY_ERASURE, order.payload, &order_hash);
    assert_false(is_here(&heads[0].log, 2, 0));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(store_begin(home.store), ERR_OK);
        assert_int_equal(author_give_way(life.author, &heads[i].log, 0, 1, &gave), ERR_OK);
        assert_int_equal(store_commit(home.store), ERR_OK);
        assert_int_equal(gave.entries, 1);
    }
    check_store(); /* counts the rows of orders against the orders */
    struct store_read *read;
    struct membership *membership;
    enum order_state worth;
    size_t count = 0;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_OK);
    assert_int_equal(store_orders(read, membership, &region.nodes[AUTHOR].id, &contents[1], count_order, &count, &worth), ERR_OK);
    membership_destroy(&membership);
    store_read_end(&read);
    assert_int_equal(worth, ORDER_IN_FORCE);
    assert_int_equal(count, 1);
    life_end(&life);
}

/* A backup from before the order: it loses the payload as soon as the order comes back. */
static void a_backup_from_before_loses_the_payload_again(void **state)
{
    struct entry victim = text("a name, a passport");
    struct piece records = piece_of(&report, &victim, 1, 0);
    struct entry order = order_of(AUTHOR, &victim);
    struct piece orders = piece_of(&control, &order, 1, 0);
    struct home copy = {.store = NULL};
    char path[96], command[256];
    struct admitted out;
    (void)state;
    assert_int_equal(admit(&records), ERR_OK);
    (void)snprintf(copy.path, sizeof copy.path, "/tmp/griot-home-XXXXXX");
    assert_non_null(mkdtemp(copy.path));
    (void)snprintf(path, sizeof path, "%s/log", copy.path);
    assert_int_equal(store_backup(home.store, path), ERR_OK);
    assert_int_equal(admit(&orders), ERR_OK);
    assert_int_equal(store_open(copy.path, &copy.store), ERR_OK);
    assert_true(is_here_at(&copy, &records.log, 1, 0));
    assert_int_equal(home_admit(&copy, &orders.log, 0, orders.items, 2, &out), ERR_OK);
    assert_false(is_here_at(&copy, &records.log, 1, 0));
    store_close(&copy.store);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", copy.path);
    assert_int_equal(system(command), 0);
}

/* ---- days ---- */

static uint32_t today(void)
{
    return (uint32_t)(time(NULL) / 86400);
}

static void clock_of(size_t node, uint64_t counter, uint32_t day)
{
    struct notice_ref ref;
    bool is_new = false;
    const char *clause = NULL;
    struct span heads;
    region.clock.ms = (uint64_t)day * DAY_MS;
    struct span notice = region_frontier(&region, node, counter, NULL, 0, &heads);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_admit_notice(home.store, notice, 0, heads, &ref, &is_new, &clause), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
}

static void expire(void)
{
    bool is_done = false;
    while (!is_done) {
        assert_int_equal(store_begin(home.store), ERR_OK);
        assert_int_equal(store_expire_step(home.store, &is_done), ERR_OK);
        assert_int_equal(store_commit(home.store), ERR_OK);
    }
}

static void a_payload_is_freed_when_three_clocks_are_a_week_past_its_day(void **state)
{
    enum { NONE = -1000 };
    static const struct {
        const char *what;
        int day, hub, other_hub, edge;
        bool is_freed;
    } cases[] = {
        {"nobody heard", -30, NONE, NONE, NONE, false},
        {"a hub alone", -30, 0, NONE, NONE, false},
        {"an edge alone", -30, NONE, NONE, 0, false},
        {"a hub and an edge", -30, 0, NONE, 0, true},
        {"two hubs", -30, 0, 0, NONE, true},
        {"a week to the day", -7, 0, NONE, 0, true},
        {"a day less", -6, 0, NONE, 0, false},
        {"our own clock is short", 30, 3000, 3000, 3000, false},
        {"the hub is a day short", -7, -1, NONE, 0, false},
        {"the edge is a day short", -7, 0, NONE, -1, false},
        {"a hub short, but two others say so", -7, 0, -1, 0, true},
        {"the edge short, but both hubs say so", -7, 0, 0, -1, true},
        {"a hub in 1970, the other speaks with an edge", -7, -900, 0, 0, true},
        {"only an edge in 2036", -7, -1, -1, 3000, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry victim = text("expires");
        struct region_log log;
        text_count = 0;
        home_fini(&home);
        home_init(&home, &region, SEAT);
        home_found(&home, &region, MEMBERS, &roster);
        region_log_init(&log, &region, AUTHOR, CHANNEL_REPORT);
        victim.leaf.expiry_day = (uint32_t)((int)today() + cases[i].day);
        struct piece piece = piece_of(&log, &victim, 1, 0);
        assert_int_equal(admit(&piece), ERR_OK);
        if (cases[i].hub != NONE) {
            clock_of(HUB_A, 1, (uint32_t)((int)today() + cases[i].hub));
        }
        if (cases[i].other_hub != NONE) {
            clock_of(HUB_B, 1, (uint32_t)((int)today() + cases[i].other_hub));
        }
        if (cases[i].edge != NONE) {
            clock_of(OTHER, 1, (uint32_t)((int)today() + cases[i].edge));
        }
        clock_of(SEAT, 1, today() + 4000); /* what we say ourselves is no second opinion */
        expire();
        if (is_here(&log.chain.log, 1, 0) == cases[i].is_freed) {
            fail_msg("%s: %s", cases[i].what, cases[i].is_freed ? "kept" : "freed");
        }
        check_store();
        region_log_fini(&log);
    }
}

static void what_is_over_is_taken_without_its_payload_and_never_with_it(void **state)
{
    struct entry victim = text("expires"), fresh = text("does not yet");
    struct region_log same, log;
    struct admitted out;
    (void)state;
    victim.leaf.expiry_day = today() - 8;
    fresh.leaf.expiry_day = today() + 8;
    same = report;
    struct piece less = piece_of(&same, &victim, 1, 1), whole = piece_of(&report, &victim, 1, 0);
    assert_int_equal(admit(&less), ERR_GAP);
    clock_of(HUB_A, 1, today());
    clock_of(HUB_B, 1, today());
    assert_int_equal(admit(&less), ERR_OK);
    region_log_init(&log, &region, AUTHOR, CHANNEL_ALERT);
    struct entry both[2] = {victim, fresh};
    struct span items[2] = {log.birth, region_log_entries(&log, both, 2, 0, 1)};
    assert_int_equal(home_admit(&home, &log.chain.log, 0, items, 2, &out), ERR_OK);
    assert_false(is_here(&log.chain.log, 1, 0));
    assert_true(is_here(&log.chain.log, 1, 1));
    (void)whole;
    check_store();
    region_log_fini(&log);
}

/* Of our own records what an import compares with goes too. */
static void own_rows_go_when_the_day_is_over(void **state)
{
    struct life life;
    struct record_id id;
    uint8_t mem[PAYLOAD_BYTES_MAX];
    struct own_record own = {.depth = 1, .expiry_day = today() - 8}, held;
    struct head head;
    (void)state;
    life_begin(&life);
    random_fill(id.b, sizeof id.b);
    struct payload payload = {.kind = ENTRY_RECORD, .expiry_day = today() - 8, .bytes = record_bytes(&id, mem)};
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(author_append(life.author, CHANNEL_REPORT, &payload, 1, (struct wall_ms){1700000000000}, 1, &own.version, &head), ERR_OK);
    assert_int_equal(store_own_put(home.store, &id, &own), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_own_get(home.store, &id, &held), ERR_OK);
    assert_int_equal(held.expiry_day, own.expiry_day);
    store_abort(home.store);
    clock_of(HUB_A, 1, today());
    clock_of(OTHER, 1, today());
    expire();
    assert_false(is_here(&head.log, 1, 0));
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_own_get(home.store, &id, &held), ERR_NOT_FOUND);
    store_abort(home.store);
    check_store();
    life_end(&life);
}

static void many_expire_over_several_steps(void **state)
{
    enum { COMMITS = 600 };
    static struct span items[COMMITS + 1];
    struct admitted out;
    (void)state;
    items[0] = report.birth;
    for (size_t i = 1; i <= COMMITS; i++) {
        text_count = 0;
        struct entry pair[2] = {text("expires"), text("stays")};
        pair[0].leaf.expiry_day = today() - 20 - (uint32_t)(i % 5);
        items[i] = region_log_entries(&report, pair, 2, 0, 1);
    }
    for (size_t at = 0; at <= COMMITS; at += SEG_COMMITS_MAX) {
        uint32_t n = COMMITS + 1 - at < SEG_COMMITS_MAX ? (uint32_t)(COMMITS + 1 - at) : SEG_COMMITS_MAX;
        assert_int_equal(home_admit(&home, &report.chain.log, at, items + at, n, &out), ERR_OK);
    }
    clock_of(HUB_A, 1, today());
    clock_of(OTHER, 1, today());
    expire();
    for (size_t i = 1; i <= COMMITS; i++) {
        assert_false(is_here(&report.chain.log, i, 0));
        assert_true(is_here(&report.chain.log, i, 1));
    }
    assert_int_equal(freed(), COMMITS);
    expire();
    assert_int_equal(freed(), COMMITS);
    check_store();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_order_takes_out_what_is_held),
        TEST(what_an_order_names_does_not_come_in),
        TEST(a_copy_without_its_payload_waits_for_the_order),
        TEST(orders_and_keys_are_never_erased),
        TEST(a_sealed_entry_goes_like_any_other),
        TEST(one_hub_proposes_two_erase_and_nobody_else_does_either),
        TEST(an_order_is_for_the_logs_of_one_node),
        TEST(who_was_a_hub_is_asked_of_the_roster_that_the_order_names),
        TEST(the_order_of_arrival_does_not_show),
        TEST(a_long_log_is_looked_through_by_and_by_and_over_restarts),
        TEST(own_rows_go_with_the_record_and_its_id_says_why),
        TEST(what_is_issued_again_stays_erased_and_ordered),
        TEST(a_backup_from_before_loses_the_payload_again),
        TEST(a_payload_is_freed_when_three_clocks_are_a_week_past_its_day),
        TEST(what_is_over_is_taken_without_its_payload_and_never_with_it),
        TEST(own_rows_go_when_the_day_is_over),
        TEST(many_expire_over_several_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

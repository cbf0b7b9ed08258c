/* The one gate: what is good goes in once, what is not is refused by name and leaves the store as it was. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/home.h"

#include <stdio.h>
#include <stdlib.h>

enum { HUB_A, HUB_B, HUB_C, EDGE, STRANGER };
enum { MEMBERS = 1 << HUB_A | 1 << HUB_B | 1 << HUB_C | 1 << EDGE };

static struct region region;
static struct home home;
static struct hash first_roster;
static struct region_log log_;
static struct span items[8]; /* the birth and seven commits */

static int setup(void **state)
{
    (void)state;
    region_init(&region, 3);
    home_init(&home, &region, HUB_A);
    home_found(&home, &region, MEMBERS, &first_roster);
    region_log_init(&log_, &region, EDGE, CHANNEL_REPORT);
    items[0] = log_.birth;
    for (size_t i = 1; i < 8; i++) {
        items[i] = region_log_commit(&log_, (uint32_t)i, 100);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    region_log_fini(&log_);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

static enum err admit(uint64_t first, uint32_t count, struct admitted *ret)
{
    return home_admit(&home, &log_.chain.log, first, items + first, count, ret);
}

static struct log_info info(void)
{
    struct log_info info;
    assert_true(home_log(&home, &log_.chain.log, &info));
    return info;
}

static void a_log_comes_in_by_segments_and_each_item_once(void **state)
{
    struct admitted out;
    uint64_t before = home_journal_end(&home);
    (void)state;
    assert_int_equal(admit(0, 3, &out), ERR_OK);
    assert_true(out.is_new_log);
    assert_false(out.has_fork);
    assert_memory_equal(out.node.b, region.nodes[EDGE].id.b, 16);
    assert_int_equal(out.channel, CHANNEL_REPORT);
    assert_int_equal(out.before.seq, 0);
    assert_int_equal(out.after.seq, 2);
    assert_int_equal(out.after.entries, 1 + 2);
    assert_int_equal(admit(3, 5, &out), ERR_OK);
    assert_false(out.is_new_log);
    assert_int_equal(out.before.seq, 2);
    assert_int_equal(out.after.seq, 7);
    assert_true(hash_equal(&out.after.hash, &log_.chain.hash));
    assert_int_equal(home_journal_end(&home), before + 8);
    struct hash digest = home_digest(&home);
    assert_int_equal(admit(0, 8, &out), ERR_OK); /* all of it again: nothing new */
    assert_true(memcmp(&out.before, &out.after, sizeof out.after) == 0);
    assert_int_equal(admit(2, 3, &out), ERR_OK);
    struct hash again = home_digest(&home);
    assert_true(hash_equal(&digest, &again));
    home_reopen(&home);
    again = home_digest(&home);
    assert_true(hash_equal(&digest, &again));
    assert_int_equal(info().head.seq, 7);
    assert_int_equal(info().held_seq, 7);
}

static void what_overlaps_is_skipped_and_the_rest_goes_in(void **state)
{
    struct admitted out;
    (void)state;
    assert_int_equal(admit(0, 4, &out), ERR_OK);
    assert_int_equal(admit(2, 6, &out), ERR_OK);
    assert_int_equal(out.before.seq, 3);
    assert_int_equal(out.after.seq, 7);
}

static void out_of_place_is_refused_by_name(void **state)
{
    struct admitted out;
    struct region_log other;
    (void)state;
    struct hash digest = home_digest(&home);
    assert_int_equal(admit(1, 3, &out), ERR_UNKNOWN_LOG);
    region_log_init(&other, &region, EDGE, CHANNEL_ALERT);
    assert_int_equal(home_admit(&home, &log_.chain.log, 0, &other.birth, 1, &out), ERR_CHAIN);
    struct hash after = home_digest(&home);
    assert_true(hash_equal(&digest, &after));
    assert_int_equal(admit(0, 2, &out), ERR_OK);
    assert_int_equal(admit(3, 1, &out), ERR_GAP);
    assert_int_equal(home_admit(&home, &log_.chain.log, 2, items + 3, 1, &out), ERR_MALFORMED); /* not the commit with that number */
    struct span of_other = region_log_commit(&other, 1, 50);
    (void)region_log_commit(&other, 1, 50);
    assert_int_equal(home_admit(&home, &log_.chain.log, 1, &of_other, 1, &out), ERR_BADSIG); /* another log's commit 1 */
    of_other = region_log_commit(&other, 1, 50);
    assert_int_equal(info().head.seq, 1);
    region_log_fini(&other);
}

static void the_good_before_the_bad_stay(void **state)
{
    struct admitted out;
    uint8_t copy[20000];
    struct span mixed[8];
    (void)state;
    memcpy(mixed, items, sizeof mixed);
    memcpy(copy, items[5].p, items[5].n);
    copy[items[5].n / 2] ^= 1;
    mixed[5] = span_of(copy, items[5].n);
    assert_int_not_equal(home_admit(&home, &log_.chain.log, 0, mixed, 8, &out), ERR_OK);
    assert_int_equal(out.after.seq, 4);
    assert_true(out.is_new_log);
    assert_int_equal(info().head.seq, 4);
    assert_int_equal(admit(5, 3, &out), ERR_OK);
    assert_int_equal(info().head.seq, 7);
}

/* An author who is not known: nobody's fault, ask for a newer roster. */
static void a_stranger_is_parked_until_a_roster_names_it(void **state)
{
    struct region_log stranger;
    struct admitted out;
    (void)state;
    region_log_init(&stranger, &region, STRANGER, CHANNEL_ALERT);
    assert_int_equal(home_admit(&home, &stranger.chain.log, 0, &stranger.birth, 1, &out), ERR_UNKNOWN_KEY);
    assert_false(out.is_new_log);
    struct region_roster spec = {.number = 2, .previous = first_roster, .members = MEMBERS | 1 << STRANGER};
    struct span roster = region_roster(&region, &spec, NULL);
    home_notices(&home, &roster, 1);
    assert_int_equal(home_admit(&home, &stranger.chain.log, 0, &stranger.birth, 1, &out), ERR_OK);
    region_log_fini(&stranger);
}

static void a_birth_of_another_region_or_signer_is_refused(void **state)
{
    struct region other;
    struct region_log foreign;
    struct admitted out;
    (void)state;
    region_init(&other, 1);
    other.nodes[0].id = region.nodes[EDGE].id;
    region_log_init(&foreign, &other, 0, CHANNEL_ALERT);
    assert_int_equal(home_admit(&home, &foreign.chain.log, 0, &foreign.birth, 1, &out), ERR_REGION);
    region_log_fini(&foreign);
    struct secret *secret = region.nodes[EDGE].secret;
    region.nodes[EDGE].secret = region.nodes[HUB_B].secret;
    region_log_init(&foreign, &region, EDGE, CHANNEL_ALERT);
    region.nodes[EDGE].secret = secret;
    assert_int_equal(home_admit(&home, &foreign.chain.log, 0, &foreign.birth, 1, &out), ERR_BADSIG);
    region_log_fini(&foreign);
    region_fini(&other);
}

/* Every byte of a signed birth and commit, changed: refused, and the store as it was. */
static void one_changed_byte_is_refused_and_changes_nothing(void **state)
{
    struct admitted out;
    uint8_t copy[4096];
    (void)state;
    struct hash empty = home_digest(&home);
    for (size_t at = 0; at < items[0].n; at++) {
        memcpy(copy, items[0].p, items[0].n);
        copy[at] ^= (uint8_t)(1u << at % 8);
        struct span item = span_of(copy, items[0].n);
        if (home_admit(&home, &log_.chain.log, 0, &item, 1, &out) == ERR_OK) {
            fail_msg("birth, byte %zu", at);
        }
    }
    struct hash digest = home_digest(&home);
    assert_true(hash_equal(&empty, &digest));
    assert_int_equal(admit(0, 1, &out), ERR_OK);
    /* A plain commit, so that every byte is the commit's own; zstd's unused bits would be nobody's. */
    static struct commit commit;
    uint8_t payload[700], reduced_mem[4096];
    struct out reduced = out_into(reduced_mem, sizeof reduced_mem);
    struct region_log fresh;
    region_log_init(&fresh, &region, EDGE, CHANNEL_BULK);
    assert_int_equal(home_admit(&home, &fresh.chain.log, 0, &fresh.birth, 1, &out), ERR_OK);
    empty = home_digest(&home);
    memset(&commit, 0, sizeof commit);
    commit.entry_count = 2;
    random_fill(payload, sizeof payload);
    for (size_t i = 0; i < 2; i++) {
        commit.entries[i] = (struct entry){.leaf = {.kind = ENTRY_RECORD}, .has_payload = true, .payload = span_of(payload, sizeof payload - i)};
        random_fill(commit.entries[i].salt, SALT_BYTES);
    }
    commit_author(&fresh.chain, &commit, fresh.key);
    uint8_t zero = 0;
    out_bytes(&reduced, &zero, 1);
    commit_reduced(&commit, &reduced);
    assert_false(reduced.is_full);
    for (size_t at = 0; at < reduced.at; at++) {
        memcpy(copy, reduced_mem, reduced.at);
        copy[at] ^= (uint8_t)(1u << at % 8);
        struct span item = span_of(copy, reduced.at);
        if (home_admit(&home, &fresh.chain.log, 1, &item, 1, &out) == ERR_OK) {
            fail_msg("commit, byte %zu", at);
        }
    }
    for (size_t n = 0; n < reduced.at; n += 7) { /* and every length */
        struct span item = span_of(reduced_mem, n);
        assert_int_not_equal(home_admit(&home, &fresh.chain.log, 1, &item, 1, &out), ERR_OK);
    }
    digest = home_digest(&home);
    assert_true(hash_equal(&empty, &digest));
    struct span whole = out_written(&reduced);
    assert_int_equal(home_admit(&home, &fresh.chain.log, 1, &whole, 1, &out), ERR_OK);
    region_log_fini(&fresh);
}

static void the_same_commit_packed_otherwise_is_the_same(void **state)
{
    struct admitted out;
    struct commit_packer *packer = commit_packer_new();
    struct span reduced;
    const char *clause = NULL;
    static uint8_t plain[COMMIT_REDUCED_BYTES_MAX + 1];
    (void)state;
    assert_int_equal(admit(0, 8, &out), ERR_OK);
    struct hash digest = home_digest(&home);
    assert_int_equal(commit_unpack(packer, items[5], &reduced, &clause), ERR_OK);
    plain[0] = 0;
    memcpy(plain + 1, reduced.p, reduced.n);
    struct span item = span_of(plain, reduced.n + 1);
    assert_false(span_equal(item, items[5]));
    assert_int_equal(home_admit(&home, &log_.chain.log, 5, &item, 1, &out), ERR_OK);
    assert_false(out.has_fork);
    struct hash after = home_digest(&home);
    assert_true(hash_equal(&digest, &after));
    commit_packer_destroy(&packer);
}

static struct span without_payload(struct span packed, uint32_t expiry_day, struct region_log *log)
{
    static struct commit commit;
    uint8_t mem[4096], payload[10] = "payload";
    struct out out = out_into(mem, sizeof mem);
    uint8_t zero = 0;
    (void)packed;
    memset(&commit, 0, sizeof commit);
    commit.entry_count = 1;
    commit.entries[0] =
        (struct entry){.leaf = {.kind = ENTRY_RECORD, .expiry_day = expiry_day}, .has_payload = true, .payload = span_of(payload, sizeof payload)};
    commit_author(&log->chain, &commit, log->key);
    commit.entries[0].has_payload = false;
    out_bytes(&out, &zero, 1);
    commit_reduced(&commit, &out);
    return region_keep(log->region, out_written(&out));
}

static void a_copy_must_carry_the_payloads_that_nothing_takes_out(void **state)
{
    struct region_log log;
    struct admitted out;
    (void)state;
    region_log_init(&log, &region, EDGE, CHANNEL_ALERT);
    assert_int_equal(home_admit(&home, &log.chain.log, 0, &log.birth, 1, &out), ERR_OK);
    /* The same log, as a relay that keeps payloads back would send it, or a peer whose orders and clocks we have not heard of yet: nobody is to blame (test_erase.c). */
    static const uint32_t days[] = {0, 200000, 19000 /* in 2022 */};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        struct region_log stripped = log;
        struct span item = without_payload(log.birth, days[i], &stripped);
        assert_int_equal(home_admit(&home, &log.chain.log, 1, &item, 1, &out), ERR_GAP);
        assert_int_equal(out.own_conflict, 0);
    }
    struct span whole = region_log_commit(&log, 1, 10);
    assert_int_equal(home_admit(&home, &log.chain.log, 1, &whole, 1, &out), ERR_OK);
    region_log_fini(&log);
}

/* ---- forks ---- */

static void a_fork_is_proven_and_ends_the_log_before_it(void **state)
{
    struct admitted out;
    struct region_log branch;
    struct span theirs[3];
    (void)state;
    assert_int_equal(admit(0, 6, &out), ERR_OK); /* ours: up to 5 */
    /* Another branch from 4 on: written again from the state at 3. */
    struct region_log again;
    region_log_init(&again, &region, EDGE, CHANNEL_ALERT);
    struct span birth = again.birth;
    struct span common[3];
    for (size_t i = 0; i < 3; i++) {
        common[i] = region_log_commit(&again, 1, 60);
    }
    branch = again;
    struct span ours[2] = {region_log_commit(&again, 1, 60), region_log_commit(&again, 2, 60)};
    for (size_t i = 0; i < 3; i++) {
        theirs[i] = region_log_commit(&branch, 3, 70);
    }
    assert_int_equal(home_admit(&home, &again.chain.log, 0, &birth, 1, &out), ERR_OK);
    assert_int_equal(home_admit(&home, &again.chain.log, 1, common, 3, &out), ERR_OK);
    assert_int_equal(home_admit(&home, &again.chain.log, 4, ours, 2, &out), ERR_OK);
    uint64_t journal = home_journal_end(&home);
    assert_int_equal(home_admit(&home, &again.chain.log, 4, theirs, 3, &out), ERR_FORK);
    assert_true(out.has_fork);
    assert_int_equal(out.proof.kind, NOTICE_FORK_PROOF);
    assert_memory_equal(out.proof.subject, again.chain.log.b, 16);
    assert_int_equal(out.before.seq, 5);
    assert_int_equal(out.after.seq, 3); /* what is disputed does not count */
    assert_int_equal(out.after.entries, 3);
    assert_int_equal(home_journal_end(&home), journal + 1);
    struct log_info info;
    assert_true(home_log(&home, &again.chain.log, &info));
    assert_true(info.has_fork);
    assert_int_equal(info.head.seq, 3);
    assert_int_equal(info.held_seq, 5);
    /* No commit beyond it, of either branch; the proof is told again but not stored twice. */
    struct span next = region_log_commit(&again, 1, 10);
    assert_int_equal(home_admit(&home, &again.chain.log, 6, &next, 1, &out), ERR_FORK);
    assert_false(out.has_fork);
    struct hash digest = home_digest(&home);
    assert_int_equal(home_admit(&home, &again.chain.log, 4, theirs, 1, &out), ERR_FORK);
    assert_true(out.has_fork);
    struct hash after = home_digest(&home);
    assert_true(hash_equal(&digest, &after));
    /* Other logs go on. */
    assert_int_equal(admit(6, 2, &out), ERR_OK);
    /* The proof stands alone: another node takes it, before and after it has the log. */
    struct store_read *read = NULL;
    struct span notice, heads;
    struct home other;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    struct notice_ref ref = {.kind = NOTICE_FORK_PROOF};
    assert_int_equal(home_admit(&home, &again.chain.log, 4, theirs, 1, &out), ERR_FORK);
    ref = out.proof;
    assert_int_equal(store_notice(read, &ref, &notice, &heads), ERR_OK);
    assert_int_equal(heads.n, 0);
    notice = region_keep(&region, notice);
    store_read_end(&read);
    home_init(&other, &region, HUB_B);
    assert_int_equal(home_notice(&other, notice), ERR_UNKNOWN_KEY);
    struct hash roster;
    home_found(&other, &region, MEMBERS, &roster);
    assert_int_equal(home_notice(&other, notice), ERR_OK);
    assert_int_equal(home_admit(&other, &again.chain.log, 0, &birth, 1, &out), ERR_OK);
    assert_int_equal(home_admit(&other, &again.chain.log, 1, common, 3, &out), ERR_OK);
    assert_int_equal(home_admit(&other, &again.chain.log, 4, theirs, 1, &out), ERR_FORK);
    assert_int_equal(out.after.seq, 3);
    home_fini(&other);
    region_log_fini(&again);
}

/* ---- cuts ---- */

static void beyond_a_cut_nothing_counts(void **state)
{
    struct admitted out;
    (void)state;
    assert_int_equal(admit(0, 6, &out), ERR_OK); /* up to 5 */
    struct region_log copy = log_;
    struct head cut = {copy.chain.log, 3, 0, {{0}}};
    struct log_info before = info();
    struct store_read *read = NULL;
    static struct commit commit;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_commit_at(read, before.number, 3, &commit, &cut.hash), ERR_OK);
    store_read_end(&read);
    struct span act = region_suspend(&region, HUB_B, 1, &first_roster, 1, EDGE, &cut, 1);
    home_notices(&home, &act, 1);
    assert_int_equal(info().head.seq, 3);
    assert_int_equal(info().held_seq, 5);
    assert_false(info().has_fork);
    assert_int_equal(admit(6, 1, &out), ERR_CUT);
    assert_int_equal(out.after.seq, 3);
    assert_int_equal(out.cut_height, 4);
    assert_int_equal(out.fork_height, 0);
    assert_int_equal(info().held_seq, 6); /* kept as evidence */
    home_reopen(&home);
    assert_int_equal(admit(7, 1, &out), ERR_CUT);
    assert_int_equal(info().held_seq, 7);
    assert_int_equal(info().head.seq, 3);
    /* A log that the cut does not name is cut at its birth; other nodes' logs are not touched. */
    struct region_log more, hub;
    region_log_init(&more, &region, EDGE, CHANNEL_BULK);
    struct span one = region_log_commit(&more, 1, 20);
    assert_int_equal(home_admit(&home, &more.chain.log, 0, &more.birth, 1, &out), ERR_OK);
    assert_int_equal(home_admit(&home, &more.chain.log, 1, &one, 1, &out), ERR_CUT);
    region_log_init(&hub, &region, HUB_C, CHANNEL_BULK);
    struct span of_hub = region_log_commit(&hub, 1, 20);
    assert_int_equal(home_admit(&home, &hub.chain.log, 0, &hub.birth, 1, &out), ERR_OK);
    assert_int_equal(home_admit(&home, &hub.chain.log, 1, &of_hub, 1, &out), ERR_OK);
    /* Another node that never had them takes up to the cut and no further. */
    struct home other;
    struct hash roster;
    home_init(&other, &region, HUB_B);
    home_found(&other, &region, MEMBERS, &roster);
    roster = first_roster;
    struct region_roster spec = {.number = 1, .members = MEMBERS};
    (void)region_roster(&region, &spec, &roster);
    assert_int_equal(home_notice(&other, act), ERR_OK);
    assert_int_equal(home_admit(&other, &log_.chain.log, 0, items, 8, &out), ERR_CUT);
    assert_int_equal(out.after.seq, 3);
    struct log_info late;
    assert_true(home_log(&other, &log_.chain.log, &late));
    assert_int_equal(late.head.seq, 3);
    assert_int_equal(late.held_seq, 7); /* the rest of the segment is evidence, all of it */
    home_fini(&other);
    /* A roster lifts it. */
    spec = (struct region_roster){.number = 2, .previous = first_roster, .members = MEMBERS, .cut = 1 << EDGE};
    struct span lifted = region_roster(&region, &spec, NULL);
    home_notices(&home, &lifted, 1);
    assert_int_equal(info().head.seq, 7); /* what came late counts as well */
    region_log_fini(&more);
    region_log_fini(&hub);
}

/* One below, at, one above the limits of entries and of bytes; what another node has beyond a cut takes none of its room. */
static void what_is_kept_beyond_a_cut_is_bounded(void **state)
{
    static const struct {
        const char *what;
        uint32_t entries, bytes, commits;
    } rows[] = {
        {"entries", 64, 0, QUARANTINE_ENTRIES_MAX / 64},
        {"bytes", 8, 1900, 0},
    };
    struct admitted out;
    (void)state;
    for (size_t row = 0; row < 2; row++) {
        struct region_log late, other;
        size_t node = row == 0 ? EDGE : HUB_C;
        uint64_t kept = 0, bytes = 0;
        struct log_info held;
        struct span one = span_of(NULL, 0);
        region_log_init(&late, &region, node, CHANNEL_BULK);
        region_log_init(&other, &region, HUB_A, CHANNEL_BULK);
        struct span acts[1] = {region_suspend(&region, row == 0 ? HUB_A : HUB_B, 1, &first_roster, 1, node, NULL, 0)};
        home_notices(&home, acts, 1);
        assert_int_equal(home_admit(&home, &late.chain.log, 0, &late.birth, 1, &out), ERR_OK);
        for (;;) {
            one = region_log_noise(&late, rows[row].entries, rows[row].bytes);
            assert_int_equal(home_admit(&home, &late.chain.log, kept + 1, &one, 1, &out), ERR_CUT);
            assert_true(home_log(&home, &late.chain.log, &held));
            assert_int_equal(held.head.seq, 0);
            if (held.held_seq == kept) {
                bytes += one.n;
                break;
            }
            bytes += one.n;
            kept++;
        }
        if (rows[row].commits != 0) {
            assert_int_equal(kept, rows[row].commits);
        } else {
            assert_true(bytes > QUARANTINE_BYTES_MAX && bytes - QUARANTINE_BYTES_MAX < 2 * COMMIT_BYTES_MAX);
        }
        home_reopen(&home); /* counted anew */
        assert_int_equal(home_admit(&home, &late.chain.log, kept + 1, &one, 1, &out), ERR_CUT);
        assert_true(home_log(&home, &late.chain.log, &held));
        assert_int_equal(held.held_seq, kept);
        assert_int_equal(home_admit(&home, &other.chain.log, 0, &other.birth, 1, &out), ERR_OK);
        one = region_log_commit(&other, 1, 10);
        assert_int_equal(home_admit(&home, &other.chain.log, 1, &one, 1, &out), ERR_OK);
        region_log_fini(&late);
        region_log_fini(&other);
    }
}

static void the_commit_at_the_cut_must_be_the_one_it_names(void **state)
{
    struct admitted out;
    struct head cut = {log_.chain.log, 3, 0, {{1, 2, 3}}};
    (void)state;
    struct span act = region_suspend(&region, HUB_B, 1, &first_roster, 1, EDGE, &cut, 1);
    home_notices(&home, &act, 1);
    assert_int_equal(admit(0, 8, &out), ERR_CUT);
    assert_int_equal(out.after.seq, 2);
}

static void frontier(size_t node, uint64_t counter, const struct head *heads, size_t count)
{
    struct notice_ref ref;
    struct span list;
    const char *clause = NULL;
    bool is_new = false;
    struct span notice = region_frontier(&region, node, counter, heads, count, &list);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_admit_notice(home.store, notice, 0, list, &ref, &is_new, &clause), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
}

static void what_most_hubs_hold_is_final_and_no_cut_takes_it_back(void **state)
{
    struct admitted out;
    static struct commit commit;
    struct head heads[6];
    struct store_read *read = NULL;
    (void)state;
    assert_int_equal(admit(0, 6, &out), ERR_OK);
    uint32_t number = info().number;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    for (uint64_t seq = 1; seq < 6; seq++) {
        assert_int_equal(store_commit_at(read, number, seq, &commit, &heads[seq].hash), ERR_OK);
        heads[seq].log = log_.chain.log;
        heads[seq].seq = seq;
        heads[seq].entries = commit.entries_total;
    }
    store_read_end(&read);
    frontier(HUB_A, 1, &heads[5], 1);
    struct span act = region_suspend(&region, HUB_C, 1, &first_roster, 1, EDGE, &heads[2], 1);
    home_notices(&home, &act, 1);
    assert_int_equal(info().head.seq, 2); /* one hub of three is not most */
    frontier(HUB_B, 1, &heads[4], 1);
    assert_int_equal(info().head.seq, 4); /* two are: both hold 4 */
    struct head lie = heads[5];
    lie.hash.b[0] ^= 1;
    frontier(HUB_B, 2, &lie, 1);
    assert_int_equal(info().head.seq, 2); /* another branch is no support for this one */
}

/* Policy, not validity: others' logs still find room. */
static void one_node_may_begin_only_so_many_logs(void **state)
{
    enum { NODE_LOGS_MAX = 1024 }; /* store/README.md 2 */
    struct admitted out;
    const char *clause = NULL;
    (void)state;
    assert_int_equal(store_begin(home.store), ERR_OK);
    for (size_t i = 0; i <= NODE_LOGS_MAX; i++) {
        struct region_log log;
        region_log_init(&log, &region, EDGE, CHANNEL_BULK);
        struct seg seg = region_seg(&log.chain.log, 0, &log.birth, 1);
        enum err err = store_admit(home.store, &seg, &out, &clause);
        assert_int_equal(err, i < NODE_LOGS_MAX ? ERR_OK : ERR_QUOTA);
        assert_int_equal(out.is_new_log, i < NODE_LOGS_MAX);
        region_log_fini(&log);
    }
    struct region_log other;
    region_log_init(&other, &region, HUB_B, CHANNEL_BULK);
    struct seg seg = region_seg(&other.chain.log, 0, &other.birth, 1);
    assert_int_equal(store_admit(home.store, &seg, &out, &clause), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    region_log_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_log_comes_in_by_segments_and_each_item_once),
        TEST(what_overlaps_is_skipped_and_the_rest_goes_in),
        TEST(out_of_place_is_refused_by_name),
        TEST(the_good_before_the_bad_stay),
        TEST(a_stranger_is_parked_until_a_roster_names_it),
        TEST(a_birth_of_another_region_or_signer_is_refused),
        TEST(one_changed_byte_is_refused_and_changes_nothing),
        TEST(the_same_commit_packed_otherwise_is_the_same),
        TEST(a_copy_must_carry_the_payloads_that_nothing_takes_out),
        TEST(a_fork_is_proven_and_ends_the_log_before_it),
        TEST(beyond_a_cut_nothing_counts),
        TEST(what_is_kept_beyond_a_cut_is_bounded),
        TEST(the_commit_at_the_cut_must_be_the_one_it_names),
        TEST(one_node_may_begin_only_so_many_logs),
        TEST(what_most_hubs_hold_is_final_and_no_cut_takes_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

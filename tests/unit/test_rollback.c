/* What would bring a node back to something older: an older or invented format, an older protocol, an older roster, card or frontier, an identity key that was replaced, an act on an old roster.
 * Each is refused by name, and what is held stays. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/file.h"
#include "node/net/session.h"
#include "node/proposal.h"
#include "node/root_key.h"
#include "node/trust.h"
#include "store/store.h"
#include "tests/lib/region.h"

enum { HUB_A, HUB_B, EDGE, JOINER, MEMBERS = 1 << HUB_A | 1 << HUB_B | 1 << EDGE };

static struct region region;
static char work[64];
static struct home home;
static struct store *store;
static struct writer writer;
static struct span rosters[4];
static struct hash hashes[4]; /* by number */
static size_t refused;        /* cases so far */

static enum err admit_with(struct span notice, struct span heads)
{
    struct notice_ref ref;
    const char *clause = NULL;
    bool is_new = false;
    enum err err;

    assert_int_equal(store_begin(store), ERR_OK);
    err = store_admit_notice(store, notice, 0, heads, &ref, &is_new, &clause);
    if (err != ERR_OK) {
        assert_non_null(clause);
        store_abort(store);
        return err;
    }
    assert_int_equal(store_commit(store), ERR_OK);
    return is_new ? ERR_OK : ERR_EXISTS;
}

static enum err admit(struct span notice) { return admit_with(notice, span_of(NULL, 0)); }

static void refuse(const char *what, enum err got, enum err expected)
{
    if (got != expected) {
        fail_msg("%s: %s, not %s", what, err_name(got), err_name(expected));
    }
    refused++;
}

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    memset(hashes, 0, sizeof hashes);
    snprintf(work, sizeof work, "/tmp/test_rollback.XXXXXX");
    assert_non_null(mkdtemp(work));
    home = (struct home){.region = region.id, .node = region.nodes[EDGE].id};
    assert_int_equal(store_create(work, &home.region, &home.node), ERR_OK);
    assert_int_equal(store_open(work, &store), ERR_OK);
    writer = (struct writer){.home = &home, .store = store, .unpack = unpack_new()};
    assert_non_null(writer.unpack);
    assert_int_equal(admit(region.charter), ERR_OK);
    for (uint64_t number = 1; number <= 3; number++) {
        rosters[number] = region_roster(&region, &(struct region_roster){.number = number, .previous = hashes[number - 1], .members = MEMBERS}, &hashes[number]);
        assert_int_equal(admit(rosters[number]), ERR_OK);
    }
    refused = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unpack_destroy(&writer.unpack);
    store_close(&store);
    region_fini(&region);
    file_remove_tree(work);
    return 0;
}

static struct membership *members_now(void)
{
    struct membership *membership = NULL;
    struct store_read *read = NULL;

    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_OK);
    store_read_end(&read);
    return membership;
}

/* ---- formats ---- */

/* The signed bytes of a notice. */
static struct span body_of(struct span notice)
{
    struct notice decoded;

    assert_int_equal(notice_decode(writer.unpack, notice, &decoded, NULL), ERR_OK);
    return region_keep(&region, decoded.body);
}

static enum err decode_charter(struct span b)
{
    struct charter charter;

    return charter_decode(writer.unpack, b, &charter, NULL);
}
static enum err decode_roster(struct span b)
{
    struct roster roster;
    enum err err = roster_decode(writer.unpack, b, &roster, NULL);

    if (err == ERR_OK) {
        roster_fini(&roster);
    }
    return err;
}
static enum err decode_act(struct span b)
{
    static struct act act;

    return act_decode(writer.unpack, b, &act, NULL);
}
static enum err decode_card(struct span b)
{
    struct card card;

    return card_decode(writer.unpack, b, &card, NULL);
}
static enum err decode_frontier(struct span b)
{
    struct frontier frontier;

    return frontier_decode(writer.unpack, b, &frontier, NULL);
}
static enum err decode_birth(struct span b)
{
    struct birth birth;
    struct chain chain;
    const char *clause = NULL;

    return birth_check(writer.unpack, b, &region.id, &region.nodes[EDGE].identity, sign_check, &birth, &chain, &clause);
}
static enum err decode_commit(struct span b)
{
    static struct commit commit;

    return commit_reduced_decode(writer.unpack, b, &commit, NULL);
}
static enum err decode_canonical(struct span b)
{
    static struct commit commit;

    return commit_canonical_decode(writer.unpack, b, &commit, NULL);
}

/* All versioned objects have their version as the first item, in the second byte. */
static void formats_that_are_not_this_one_are_refused(void **state)
{
    struct region_log log;
    struct head head = {{{1}}, 1, 1, {{1}}};
    struct commit_packer *packer = commit_packer_new();
    struct span heads, reduced;
    static struct commit commit;
    uint8_t canonical[COMMIT_CANONICAL_BYTES_MAX];
    struct out out = out_into(canonical, sizeof canonical);

    (void)state;
    region_log_init(&log, &region, EDGE, CHANNEL_REPORT);
    assert_int_equal(commit_unpack(packer, region_log_commit(&log, 1, 30), &reduced, NULL), ERR_OK);
    reduced = region_keep(&region, reduced);
    commit.version = FORMAT_VERSION;
    commit.seq = commit.entries_total = 1;
    commit_canonical(&commit, &out);
    const struct {
        const char *what;
        struct span bytes;
        enum err (*decode)(struct span bytes);
    } rows[] = {
        {"charter", body_of(region.charter), decode_charter},
        {"roster", body_of(rosters[3]), decode_roster},
        {"admission", body_of(region_admit(&region, HUB_A, 3, &hashes[3], 1, JOINER)), decode_act},
        {"suspension", body_of(region_suspend(&region, HUB_A, 3, &hashes[3], 1, EDGE, &head, 1)), decode_act},
        {"card", body_of(region_card(&region, EDGE, 1)), decode_card},
        {"frontier", body_of(region_frontier(&region, EDGE, 1, &head, 1, &heads)), decode_frontier},
        {"birth", log.birth, decode_birth},
        {"commit", reduced, decode_commit},
        {"commit's header", out_written(&out), decode_canonical},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static const struct {
            const char *what;
            uint8_t version;
            enum err expected;
        } versions[] = {{"format 0", 0, ERR_MALFORMED}, {"a format that is no number", 0xc2, ERR_MALFORMED}, {"format 2", 2, ERR_VERSION}};
        uint8_t *copy = malloc(rows[i].bytes.n);
        size_t at = 1;

        assert_non_null(copy);
        memcpy(copy, rows[i].bytes.p, rows[i].bytes.n);
        while (copy[at] != 1 && at < 8) { /* a birth is an array in an array: header, signature */
            at++;
        }
        assert_int_equal(copy[at], 1);
        assert_int_equal(rows[i].decode(rows[i].bytes), ERR_OK);
        for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
            char what[80];

            snprintf(what, sizeof what, "%s of %s", rows[i].what, versions[v].what);
            copy[at] = versions[v].version;
            refuse(what, rows[i].decode(span_of(copy, rows[i].bytes.n)), versions[v].expected);
        }
        free(copy);
    }
    commit_packer_destroy(&packer);
    region_log_fini(&log);
    print_message("%zu cases\n", refused);
}

static void files_of_another_format_are_refused(void **state)
{
    static const char *const words[] = {"griot region", "griot card", "griot proposal", "griot root key", "griot root signature"};
    char path[128], text[64];

    (void)state;
    snprintf(path, sizeof path, "%s/file", work);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int version = 0; version <= 2; version += 2) {
            struct region_file region_file;
            struct proposal proposal;
            struct sign_public key;
            struct root_signature signature;
            char print[FINGERPRINT_CHARS];
            struct card card;
            const char *why = NULL;
            enum err err = ERR_OK;

            snprintf(text, sizeof text, "%s %d\n\x91\x01", words[i], version);
            assert_int_equal(file_write(path, span_text(text), 0644, true), ERR_OK);
            switch (i) {
            case 0: err = region_file_read(path, &region_file, &why); break;
            case 1: err = card_file_read(path, NULL, &card, print, &why); break;
            case 2: err = proposal_read(path, &proposal, &why); break;
            case 3: err = root_key_read(path, &key, &why); break;
            default: err = root_signature_read(path, &signature, &why); break;
            }
            refuse(text, err, ERR_VERSION);
            assert_non_null(why);
        }
    }
    assert_int_equal(refused, 10);
}

/* ---- protocols ---- */

static struct curve_public transport[2];

static bool owns_key(void *arg, const struct node_id *node, const struct curve_public *key)
{
    (void)arg;
    return memcmp(key->b, transport[node_id_equal(node, &region.nodes[HUB_A].id) ? 0 : 1].b, sizeof key->b) == 0;
}

/* An edge dials hub A, speaking `protocol`, where the newest roster asks for at least `min`. */
static enum err hello(uint32_t protocol, uint32_t min, bool is_hub_dialler)
{
    struct session_self self[2] = {0};
    struct session session[2];
    struct membership *membership = NULL;
    uint8_t memory[4][2 * HELLO_BYTES_MAX], bytes[4096], mem[8192];
    struct out out = out_into(bytes, sizeof bytes), notice_out = out_into(mem, sizeof mem);
    struct roster roster;
    struct notice notice = {.kind = NOTICE_ROSTER, .signature_count = REGION_THRESHOLD};
    struct span all[4];
    const char *clause = NULL;
    struct frame frame;
    size_t lengths[2];
    enum err err;

    assert_int_equal(roster_decode(writer.unpack, body_of(rosters[3]), &roster, NULL), ERR_OK);
    roster.number = 4;
    roster.previous = hashes[3];
    roster.protocol_min = min;
    assert_int_equal(roster_encode(&roster, &out), ERR_OK);
    roster_fini(&roster);
    notice.body = out_written(&out);
    for (uint32_t i = 0; i < REGION_THRESHOLD; i++) {
        notice.signatures[i].key = i;
        sign_make(SIGN_ROSTER, &region.id, notice.body, region.root_secret[i], &notice.signatures[i].signature);
    }
    notice_encode(&notice, &notice_out);
    for (size_t i = 0; i < 3; i++) {
        all[i] = rosters[i + 1];
    }
    all[3] = out_written(&notice_out);
    assert_int_equal(membership_build(&region.id, region.charter, all, 4, NULL, 0, sign_check, &membership), ERR_OK);
    assert_int_equal(membership_protocol_min(membership), min);
    for (size_t i = 0; i < 2; i++) {
        size_t node = i == 0 ? HUB_A : EDGE;

        random_fill(transport[i].b, sizeof transport[i].b);
        self[i] = (struct session_self){.identity = region.nodes[node].secret, .transport = transport[i], .membership = membership, .owns_key = owns_key};
        self[i].hello.protocol = i == 0 ? PROTOCOL_VERSION : protocol;
        self[i].hello.region = region.id;
        self[i].hello.node = region.nodes[node].id;
        self[i].hello.frame_bytes_max = FRAME_BYTES_MAX;
    }
    struct out mine = out_into(memory[0], sizeof memory[0]), theirs = out_into(memory[1], sizeof memory[1]), reply = out_into(memory[2], sizeof memory[2]);
    session_begin(&session[0], &self[0], is_hub_dialler, &transport[1], (struct wall_ms){1}, &mine);
    session_begin(&session[1], &self[1], true, &transport[0], (struct wall_ms){1}, &theirs);
    assert_int_equal(frame_decode(out_written(&theirs), &frame, &clause), ERR_OK);
    err = session_take(&session[0], &self[0], &frame, writer.unpack, &reply, lengths, &clause);
    membership_destroy(&membership);
    return err;
}

static void protocols_below_the_rosters_are_refused(void **state)
{
    (void)state;
    for (int is_dialler = 0; is_dialler < 2; is_dialler++) {
        assert_int_equal(hello(PROTOCOL_VERSION, PROTOCOL_VERSION, is_dialler), ERR_OK);
        refuse("no protocol", hello(0, 1, is_dialler), ERR_MALFORMED);
        refuse("the protocol of a release that the roster does not allow any more", hello(PROTOCOL_VERSION, PROTOCOL_VERSION + 1, is_dialler), ERR_VERSION);
        refuse("one that is far below", hello(PROTOCOL_VERSION, UINT32_MAX, is_dialler), ERR_VERSION);
        refuse("a newer one", hello(PROTOCOL_VERSION + 1, PROTOCOL_VERSION, is_dialler), ERR_VERSION);
    }
    assert_int_equal(refused, 8);
}

/* ---- older things served again ---- */

static void older_rosters_bring_nothing_back(void **state)
{
    struct span older[] = {region.charter, rosters[1], rosters[2]}, oldest[] = {region.charter, rosters[1]};
    struct membership *membership;
    struct trust_join join;

    (void)state;
    for (uint64_t number = 1; number <= 3; number++) {
        refuse("a roster that is held", admit(rosters[number]), ERR_EXISTS);
    }
    for (size_t i = 0; i < 2; i++) { /* a region file of an earlier day */
        join = (struct trust_join){.notices = i == 0 ? older : oldest, .count = i == 0 ? 3 : 2};
        assert_int_equal(store_begin(store), ERR_OK);
        assert_int_equal(trust_join(&writer, &join), ERR_OK);
        assert_int_equal(store_commit(store), ERR_OK);
        assert_int_equal(join.stored, 0);
        assert_int_equal(join.held, join.count);
        free(join.refs);
    }
    membership = members_now();
    assert_int_equal(membership_roster_number(membership), 3);
    assert_true(hash_equal(membership_roster_hash(membership), &hashes[3]));
    membership_destroy(&membership);
}

static void acts_on_an_old_roster_do_not_bring_back_whom_the_root_removed(void **state)
{
    struct span fourth, acts[4];
    struct membership *membership;
    struct hash hash;

    (void)state;
    acts[0] = region_admit(&region, HUB_A, 1, &hashes[1], 1, EDGE);
    acts[1] = region_admit(&region, HUB_B, 1, &hashes[1], 1, EDGE);
    fourth = region_roster(&region, &(struct region_roster){.number = 4, .previous = hashes[3], .members = MEMBERS & ~(1 << EDGE), .cut = 1 << EDGE}, &hash);
    assert_int_equal(admit(fourth), ERR_OK);
    assert_int_equal(admit(acts[0]), ERR_OK); /* they verify, and are kept and passed on */
    assert_int_equal(admit(acts[1]), ERR_OK);
    membership = members_now();
    assert_null(membership_find(membership, &region.nodes[EDGE].id));
    membership_destroy(&membership);
    /* Nor do those that stand on the roster that removed it, or on a later one that does not speak of it any more. */
    acts[2] = region_admit(&region, HUB_A, 4, &hash, 1, EDGE);
    acts[3] = region_admit(&region, HUB_B, 4, &hash, 1, EDGE);
    assert_int_equal(admit(acts[2]), ERR_OK);
    assert_int_equal(admit(acts[3]), ERR_OK);
    struct hash fifth;
    assert_int_equal(admit(region_roster(&region, &(struct region_roster){.number = 5, .previous = hash, .members = MEMBERS & ~(1 << EDGE)}, &fifth)), ERR_OK);
    assert_int_equal(admit(region_admit(&region, HUB_A, 5, &fifth, 1, EDGE)), ERR_OK);
    assert_int_equal(admit(region_admit(&region, HUB_B, 5, &fifth, 1, EDGE)), ERR_OK);
    membership = members_now();
    assert_null(membership_find(membership, &region.nodes[EDGE].id));
    assert_true(membership_is_revoked(membership, &region.nodes[EDGE].id));
    membership_destroy(&membership);
}

static void older_cards_and_frontiers_are_stale(void **state)
{
    struct head head = {{{1}}, 3, 3, {{1}}};
    struct span old_heads, heads, old = region_frontier(&region, HUB_B, 9, &head, 1, &old_heads), new;

    (void)state;
    head.seq = head.entries = 4;
    new = region_frontier(&region, HUB_B, 10, &head, 1, &heads);
    assert_int_equal(admit(region_card(&region, HUB_B, 7)), ERR_OK);
    refuse("an older card", admit(region_card(&region, HUB_B, 6)), ERR_STALE);
    assert_int_equal(admit_with(new, heads), ERR_OK);
    refuse("an older frontier", admit_with(old, old_heads), ERR_STALE);
    refuse("an older frontier with newer heads", admit_with(old, heads), ERR_STALE);
}

/* ---- an identity key that was replaced ---- */

static void what_a_replaced_identity_key_signs_counts_nowhere(void **state)
{
    struct secret *stolen = region.nodes[EDGE].secret, *own;
    struct sign_public stolen_public = region.nodes[EDGE].identity, own_public;
    struct region_log before, thiefs, ours;
    struct admitted admitted;
    struct head named;
    struct span heads, items[3], commits[2];
    struct card card;
    struct store_read *read = NULL;
    const char *clause = NULL;

    (void)state;
    region_log_init(&before, &region, EDGE, CHANNEL_REPORT);
    commits[0] = region_log_commit(&before, 1, 30);
    named = region_log_head(&before);
    commits[1] = region_log_commit(&before, 1, 30); /* by the thief, with the log's key */
    assert_int_equal(sign_keypair(&own_public, &own), ERR_OK);
    /* The thief has signed a card and a frontier with the highest counters there are. */
    assert_int_equal(admit(region_card(&region, EDGE, NUMBER_MAX)), ERR_OK);
    assert_int_equal(admit_with(region_frontier(&region, EDGE, NUMBER_MAX, &named, 1, &heads), heads), ERR_OK);
    struct span late_card = region_card(&region, EDGE, NUMBER_MAX), late_heads, late_frontier = region_frontier(&region, EDGE, NUMBER_MAX, &named, 1, &late_heads);
    region_log_init(&thiefs, &region, EDGE, CHANNEL_ALERT);
    items[1] = region_log_commit(&thiefs, 1, 30);
    /* The new card may come before the roster that names its key: nobody is to blame. */
    region.nodes[EDGE].identity = own_public;
    region.nodes[EDGE].secret = own;
    struct span own_card = region_card(&region, EDGE, 1);
    refuse("the new card before its roster", admit(own_card), ERR_UNKNOWN_KEY);
    assert_int_equal(admit(region_roster(&region, &(struct region_roster){.number = 4, .previous = hashes[3], .members = MEMBERS, .cut = 1 << EDGE, .heads = &named, .head_count = 1}, &hashes[0])),
                     ERR_OK);
    /* From here on the old card and frontier are gone, and the new ones count, whatever their counters. */
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_card(read, &region.nodes[EDGE].id, &card), ERR_NOT_FOUND);
    store_read_end(&read);
    refuse("the thief's card", admit(late_card), ERR_STALE);
    refuse("the thief's frontier", admit_with(late_frontier, late_heads), ERR_STALE);
    assert_int_equal(admit(own_card), ERR_OK);
    assert_int_equal(admit_with(region_frontier(&region, EDGE, 1, &named, 1, &heads), heads), ERR_OK);
    refuse("the thief's card over the new one", admit(late_card), ERR_STALE);
    refuse("the thief's frontier over the new one", admit_with(late_frontier, late_heads), ERR_STALE);
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_card(read, &region.nodes[EDGE].id, &card), ERR_OK);
    assert_int_equal(card.counter, 1);
    assert_memory_equal(card.identity.b, own_public.b, sizeof own_public.b);
    store_read_end(&read);
    /* Commits: up to the cut, not beyond it; of a log that the thief begins, nothing. */
    struct seg seg = region_seg(&before.chain.log, 0, (struct span[]){before.birth, commits[0], commits[1]}, 3);
    assert_int_equal(store_begin(store), ERR_OK);
    refuse("a commit beyond the cut", store_admit(store, &seg, &admitted, &clause), ERR_CUT);
    assert_int_equal(admitted.after.seq, 1);
    items[0] = thiefs.birth;
    seg = region_seg(&thiefs.chain.log, 0, items, 2);
    refuse("a log that the thief begins", store_admit(store, &seg, &admitted, &clause), ERR_CUT);
    assert_int_equal(admitted.after.seq, 0);
    region_log_init(&ours, &region, EDGE, CHANNEL_ALERT);
    items[0] = ours.birth;
    items[1] = region_log_commit(&ours, 1, 30);
    seg = region_seg(&ours.chain.log, 0, items, 2);
    assert_int_equal(store_admit(store, &seg, &admitted, &clause), ERR_OK);
    assert_int_equal(admitted.after.seq, 1);
    assert_int_equal(store_commit(store), ERR_OK);
    /* A later roster that says nothing of it changes nothing. */
    assert_int_equal(admit(region_roster(&region, &(struct region_roster){.number = 5, .previous = hashes[0], .members = MEMBERS}, NULL)), ERR_OK);
    struct membership *membership = members_now();
    struct head cut;
    assert_true(membership_cut(membership, &region.nodes[EDGE].id, &stolen_public, &before.chain.log, &cut));
    assert_int_equal(cut.seq, 1);
    assert_true(membership_cut(membership, &region.nodes[EDGE].id, &stolen_public, &thiefs.chain.log, &cut));
    assert_int_equal(cut.seq, 0);
    assert_false(membership_cut(membership, &region.nodes[EDGE].id, &own_public, &ours.chain.log, &cut));
    membership_destroy(&membership);
    secret_destroy(&stolen);
    region_log_fini(&before);
    region_log_fini(&thiefs);
    region_log_fini(&ours);
}

/* ---- an observer ---- */

static void a_log_of_an_observer_waits_until_a_roster_lets_it_write(void **state)
{
    struct region_log log;
    struct admitted admitted;
    struct hash hash;
    struct span items[2];
    const char *clause = NULL;

    (void)state;
    region.nodes[JOINER].role = ROLE_OBSERVER;
    assert_int_equal(admit(region_roster(&region, &(struct region_roster){.number = 4, .previous = hashes[3], .members = MEMBERS | 1 << JOINER}, &hash)), ERR_OK);
    region_log_init(&log, &region, JOINER, CHANNEL_REPORT);
    items[0] = log.birth;
    items[1] = region_log_commit(&log, 1, 30);
    struct seg seg = region_seg(&log.chain.log, 0, items, 2);
    assert_int_equal(store_begin(store), ERR_OK);
    refuse("a log of an observer", store_admit(store, &seg, &admitted, &clause), ERR_UNKNOWN_KEY);
    assert_string_equal(clause, "store/README.md 2: the log's author is an observer, who writes nothing");
    store_abort(store);
    assert_int_equal(admit(region_card(&region, JOINER, 1)), ERR_OK); /* it may say who it is */
    region.nodes[JOINER].role = ROLE_EDGE;
    assert_int_equal(admit(region_roster(&region, &(struct region_roster){.number = 5, .previous = hash, .members = MEMBERS | 1 << JOINER}, NULL)), ERR_OK);
    assert_int_equal(store_begin(store), ERR_OK);
    assert_int_equal(store_admit(store, &seg, &admitted, &clause), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    region_log_fini(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(formats_that_are_not_this_one_are_refused),
        TEST(files_of_another_format_are_refused),
        TEST(protocols_below_the_rosters_are_refused),
        TEST(older_rosters_bring_nothing_back),
        TEST(acts_on_an_old_roster_do_not_bring_back_whom_the_root_removed),
        TEST(older_cards_and_frontiers_are_stale),
        TEST(what_a_replaced_identity_key_signs_counts_nowhere),
        TEST(a_log_of_an_observer_waits_until_a_roster_lets_it_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

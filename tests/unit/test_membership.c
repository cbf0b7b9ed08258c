/* Who is in: rosters signed by thresholds, acts of registrars, cuts; and that the order in which they come never matters. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/membership.h"
#include "tests/lib/region.h"

#include <stdlib.h>

enum { HUB_A, HUB_B, HUB_C, EDGE, JOINER, OTHER };
enum { HUBS = 1 << HUB_A | 1 << HUB_B | 1 << HUB_C, FIRST = HUBS | 1 << EDGE };

static struct region region;
static struct span rosters[32], acts[64];
static size_t roster_count, act_count;
static struct membership *membership;

static int setup(void **state)
{
    (void)state;
    region_init(&region, 3);
    roster_count = act_count = 0;
    membership = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    membership_destroy(&membership);
    region_fini(&region);
    return 0;
}

static enum err build(void)
{
    membership_destroy(&membership);
    return membership_build(&region.id, region.charter, rosters, roster_count, acts, act_count, sign_check, &membership);
}

static void must_build(void)
{
    assert_int_equal(build(), ERR_OK);
}

static struct hash add_roster(struct region_roster spec)
{
    struct hash hash;
    rosters[roster_count++] = region_roster(&region, &spec, &hash);
    return hash;
}

static struct hash first(void)
{
    return add_roster((struct region_roster){.number = 1, .members = FIRST});
}

static bool is_in(size_t node)
{
    return membership_find(membership, &region.nodes[node].id) != NULL;
}

static void check(enum err expected, struct span bytes)
{
    struct unpack *unpack = unpack_new();
    struct notice notice;
    struct notice_ref ref;
    const char *clause = NULL;
    assert_int_equal(notice_decode(unpack, bytes, &notice, &clause), ERR_OK);
    enum err err = membership_check(membership, unpack, &notice, sign_check, &ref, &clause);
    if (err != expected) {
        fail_msg("%s instead of %s: %s", err_name(err), err_name(expected), clause == NULL ? "" : clause);
    }
    unpack_destroy(&unpack);
}

static void without_a_roster_nobody_is_in(void **state)
{
    (void)state;
    assert_int_equal(build(), ERR_NOT_FOUND);
    assert_null(membership);
    assert_int_equal(membership_build_any(&region.id, region.charter, NULL, 0, NULL, 0, sign_check, &membership), ERR_OK);
    assert_int_equal(membership_roster_number(membership), 0);
    assert_int_equal(membership_count(membership), 0);
    assert_false(is_in(HUB_A));
    membership_destroy(&membership);
    first();
    struct span charter = region.charter;
    region.charter = span_of(NULL, 0);
    assert_int_equal(build(), ERR_NOT_FOUND); /* a roster without its charter proves nothing */
    region.charter = charter;
    must_build();
}

static void the_first_roster_names_who_is_in(void **state)
{
    (void)state;
    struct hash hash = first();
    must_build();
    assert_int_equal(membership_roster_number(membership), 1);
    assert_true(hash_equal(membership_roster_hash(membership), &hash));
    assert_int_equal(membership_profile(membership), PROFILE_SANDBOX);
    assert_int_equal(membership_count(membership), 4);
    assert_int_equal(membership_hub_count(membership), 3);
    for (size_t i = 1; i < 4; i++) {
        assert_true(memcmp(membership_at(membership, i - 1)->node.b, membership_at(membership, i)->node.b, 16) < 0);
    }
    assert_true(is_in(EDGE));
    assert_false(is_in(JOINER));
    assert_string_equal(membership_by_name(membership, "node-3")->name, "node-3");
    assert_null(membership_by_name(membership, "node-4"));
    assert_string_equal(membership_named_as(membership, "node-3")->name, "node-3");
    assert_null(membership_named_as(membership, "node-4"));
    assert_memory_equal(membership_identity(membership, &region.nodes[EDGE].id)->b, region.nodes[EDGE].identity.b, 32);
    assert_null(membership_identity(membership, &region.nodes[JOINER].id));
}

static void a_roster_counts_with_both_thresholds_only(void **state)
{
    struct hash hash = first();
    (void)state;
    must_build();
    check(ERR_BADSIG,
          region_roster(&region, &(struct region_roster){.number = 2, .previous = hash, .members = FIRST, .signers = REGION_THRESHOLD - 1}, NULL));
    check(ERR_OK,
          region_roster(&region, &(struct region_roster){.number = 2, .previous = hash, .members = FIRST, .signers = REGION_THRESHOLD}, NULL));
    check(ERR_OK, region_roster(&region, &(struct region_roster){.number = 2, .previous = hash, .members = FIRST, .signers = REGION_ROOTS}, NULL));
    check(ERR_UNKNOWN_KEY, region_roster(&region, &(struct region_roster){.number = 3, .previous = hash, .members = FIRST}, NULL));
    struct region_id other = region.id;
    other.b[0] ^= 1;
    check(ERR_REGION, region_roster(&region, &(struct region_roster){.number = 2, .previous = hash, .members = FIRST, .region = &other}, NULL));
}

/* The root changes its keys: the old threshold and the new one must have signed. */
static void a_change_of_root_keys_needs_old_and_new(void **state)
{
    static const struct {
        const char *what;
        uint32_t old_signers, new_signers;
        enum err expected;
    } rows[] = {
        {"both", 3, 2, ERR_OK},          {"too few old", 2, 2, ERR_BADSIG}, {"too few new", 3, 1, ERR_BADSIG},
        {"new alone", 0, 3, ERR_BADSIG}, {"old alone", 5, 0, ERR_BADSIG},
    };
    struct sign_public new_keys[3];
    struct secret *new_secrets[3];
    struct hash hash = first();
    (void)state;
    must_build();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sign_keypair(&new_keys[i], &new_secrets[i]), ERR_OK);
    }
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        uint8_t body[2048], bytes[8192];
        struct out out = out_into(body, sizeof body), all = out_into(bytes, sizeof bytes);
        struct roster roster = {
            .version = FORMAT_VERSION, .region = region.id, .number = 2, .previous = hash, .threshold = 2, .key_count = 3, .protocol_min = 1};
        struct notice notice = {.kind = NOTICE_ROSTER};
        memcpy(roster.keys, new_keys, sizeof new_keys);
        assert_int_equal(roster_encode(&roster, &out), ERR_OK);
        notice.body = out_written(&out);
        for (uint32_t i = 0; i < rows[row].new_signers; i++) {
            notice.signatures[notice.signature_count].key = i;
            sign_make(SIGN_ROSTER, &region.id, notice.body, new_secrets[i], &notice.signatures[notice.signature_count++].signature);
        }
        for (uint32_t i = 0; i < rows[row].old_signers; i++) {
            notice.signatures[notice.signature_count].key = CHARTER_KEYS_MAX + i;
            sign_make(SIGN_ROSTER, &region.id, notice.body, region.root_secret[i], &notice.signatures[notice.signature_count++].signature);
        }
        notice_encode(&notice, &all);
        print_message("%s\n", rows[row].what);
        check(rows[row].expected, out_written(&all));
        if (rows[row].expected == ERR_OK) { /* one bad signature among good ones: somebody put it in */
            notice.signatures[0].signature.b[5] ^= 1;
            all = out_into(bytes, sizeof bytes);
            notice_encode(&notice, &all);
            check(ERR_BADSIG, out_written(&all));
        }
    }
    for (size_t i = 0; i < 3; i++) {
        secret_destroy(&new_secrets[i]);
    }
}

static void a_chain_is_walked_one_by_one_whatever_order_it_came_in(void **state)
{
    struct hash hash = first();
    (void)state;
    for (uint64_t number = 2; number <= 6; number++) {
        hash = add_roster((struct region_roster){.number = number, .previous = hash, .members = number == 6 ? FIRST | 1 << OTHER : FIRST});
    }
    must_build();
    assert_int_equal(membership_roster_number(membership), 6);
    assert_true(is_in(OTHER));
    struct span missing = rosters[3];
    rosters[3] = rosters[5];
    roster_count = 5; /* number 4 is missing: what stands on it does not count */
    must_build();
    assert_int_equal(membership_roster_number(membership), 3);
    assert_false(is_in(OTHER));
    rosters[5] = missing;
    roster_count = 6;
    must_build();
    assert_int_equal(membership_roster_number(membership), 6);
}

static void two_registrars_admit_and_one_proposes(void **state)
{
    struct member proposed[4];
    struct node_id by[4];
    struct hash hash = first();
    (void)state;
    acts[act_count++] = region_admit(&region, HUB_A, 1, &hash, 1, JOINER);
    must_build();
    assert_false(is_in(JOINER));
    assert_null(membership_identity(membership, &region.nodes[JOINER].id));
    assert_int_equal(membership_proposed(membership, proposed, by, 4), 1);
    assert_memory_equal(proposed[0].node.b, region.nodes[JOINER].id.b, 16);
    assert_memory_equal(by[0].b, region.nodes[HUB_A].id.b, 16);
    assert_int_equal(membership_acts_made(membership, &region.nodes[HUB_A].id, ACT_ADMIT), 1);
    assert_int_equal(membership_acts_made(membership, &region.nodes[HUB_A].id, ACT_SUSPEND), 0);
    acts[act_count++] = region_admit(&region, HUB_A, 1, &hash, 2, JOINER); /* twice by one is still one */
    must_build();
    assert_false(is_in(JOINER));
    acts[act_count++] = region_admit(&region, HUB_B, 1, &hash, 1, JOINER);
    must_build();
    assert_true(is_in(JOINER));
    assert_int_equal(membership_count(membership), 5);
    assert_int_equal(membership_proposed(membership, proposed, by, 4), 0);
    assert_memory_equal(membership_identity(membership, &region.nodes[JOINER].id)->b, region.nodes[JOINER].identity.b, 32);
    /* A later roster that lists the node takes over; one that has named it in its cuts has sent it away. */
    struct hash second = add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST | 1 << JOINER});
    must_build();
    assert_true(is_in(JOINER));
    assert_int_equal(membership_acts_made(membership, &region.nodes[HUB_A].id, ACT_ADMIT), 0);
    add_roster((struct region_roster){.number = 3, .previous = second, .members = FIRST, .cut = 1 << JOINER});
    must_build();
    assert_false(is_in(JOINER));
    assert_non_null(membership_identity(membership, &region.nodes[JOINER].id)); /* its old logs stay valid */
}

static void an_admission_falls_with_its_signer(void **state)
{
    struct hash hash = first();
    (void)state;
    acts[act_count++] = region_admit(&region, HUB_A, 1, &hash, 1, JOINER);
    acts[act_count++] = region_admit(&region, HUB_B, 1, &hash, 1, JOINER);
    must_build();
    assert_true(is_in(JOINER));
    acts[act_count++] = region_suspend(&region, HUB_C, 1, &hash, 1, HUB_B, NULL, 0);
    must_build();
    assert_false(is_in(JOINER)); /* a suspended hub does not admit */
    assert_false(is_in(HUB_B));
    assert_true(membership_is_suspended(membership, &region.nodes[HUB_B].id));
    assert_false(membership_is_suspended(membership, &region.nodes[JOINER].id));
    assert_int_equal(membership_hub_count(membership), 3);
    act_count--;
    add_roster((struct region_roster){.number = 2, .previous = hash, .members = (FIRST & ~(1 << HUB_A))});
    must_build();
    assert_false(is_in(JOINER));
}

static void acts_that_do_not_count_are_refused_by_name(void **state)
{
    struct hash hash = first(), unknown = {{1}};
    (void)state;
    must_build();
    check(ERR_OK, region_admit(&region, HUB_A, 1, &hash, ACT_ADMISSIONS_MAX, JOINER));
    check(ERR_UNKNOWN_KEY, region_admit(&region, HUB_A, 1, &unknown, 1, JOINER));
    check(ERR_UNKNOWN_KEY, region_admit(&region, HUB_A, 2, &hash, 1, JOINER));
    check(ERR_NOT_MEMBER, region_admit(&region, EDGE, 1, &hash, 1, JOINER));
    check(ERR_NOT_MEMBER, region_admit(&region, JOINER, 1, &hash, 1, JOINER));
    region.nodes[JOINER].role = ROLE_HUB;
    check(ERR_MALFORMED, region_admit(&region, HUB_A, 1, &hash, 1, JOINER)); /* only a roster makes a hub */
    region.nodes[JOINER].role = ROLE_EDGE;
    struct secret *secret = region.nodes[HUB_A].secret;
    region.nodes[HUB_A].secret = region.nodes[HUB_B].secret;
    check(ERR_BADSIG, region_admit(&region, HUB_A, 1, &hash, 1, JOINER));
    region.nodes[HUB_A].secret = secret;
    struct region_id id = region.id;
    struct span other;
    region.id.b[0] ^= 1;
    other = region_admit(&region, HUB_A, 1, &hash, 1, JOINER);
    region.id = id;
    check(ERR_REGION, other);
}

static void of_two_acts_with_one_number_the_lower_hash_holds(void **state)
{
    struct hash hash = first(), act_hash[2];
    struct unpack *unpack = unpack_new();
    struct notice notice;
    const char *clause = NULL;
    (void)state;
    acts[act_count++] = region_suspend(&region, HUB_A, 1, &hash, 1, EDGE, NULL, 0);
    acts[act_count++] = region_suspend(&region, HUB_A, 1, &hash, 1, HUB_B, NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(notice_decode(unpack, acts[i], &notice, &clause), ERR_OK);
        hash_of(HASH_NOTICE, notice.body, &act_hash[i]);
    }
    unpack_destroy(&unpack);
    bool is_edge_lower = memcmp(act_hash[0].b, act_hash[1].b, 32) < 0;
    must_build();
    assert_int_equal(is_in(EDGE), !is_edge_lower);
    assert_int_equal(is_in(HUB_B), is_edge_lower);
}

static void a_suspension_holds_until_a_roster_names_and_lifts_it(void **state)
{
    struct region_log log;
    struct head cut;
    struct hash hash = first();
    (void)state;
    region_log_init(&log, &region, EDGE, CHANNEL_REPORT);
    const struct node_id *node = &region.nodes[EDGE].id;
    const struct sign_public *identity = &region.nodes[EDGE].identity;
    must_build();
    assert_false(membership_cut(membership, node, identity, &log.chain.log, &cut));
    struct head named = {log.chain.log, 7, 0, {{7}}};
    acts[act_count++] = region_suspend(&region, HUB_A, 1, &hash, 1, EDGE, &named, 1);
    must_build();
    assert_false(is_in(EDGE));
    assert_null(membership_by_name(membership, "node-3"));
    assert_true(node_id_equal(&membership_named_as(membership, "node-3")->node, node));
    assert_true(membership_cut(membership, node, identity, &log.chain.log, &cut));
    assert_int_equal(cut.seq, 7);
    struct log_id unnamed = {{9}};
    assert_true(membership_cut(membership, node, identity, &unnamed, &cut));
    assert_int_equal(cut.seq, 0);
    assert_memory_equal(cut.hash.b, unnamed.b, 32);
    /* Of several the lowest. */
    named.seq = 5;
    acts[act_count++] = region_suspend(&region, HUB_B, 1, &hash, 1, EDGE, &named, 1);
    must_build();
    assert_true(membership_cut(membership, node, identity, &log.chain.log, &cut));
    assert_int_equal(cut.seq, 5);
    /* A roster made without knowing of it changes nothing. */
    struct hash second = add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST});
    must_build();
    assert_false(is_in(EDGE));
    /* One that names the node in members and cuts lifts it. */
    struct hash third = add_roster((struct region_roster){.number = 3, .previous = second, .members = FIRST, .cut = 1 << EDGE});
    must_build();
    assert_true(is_in(EDGE));
    assert_false(membership_cut(membership, node, identity, &log.chain.log, &cut));
    /* And it stays lifted when a later one no longer speaks of it. */
    struct hash fourth = add_roster((struct region_roster){.number = 4, .previous = third, .members = FIRST});
    must_build();
    assert_true(is_in(EDGE));
    /* A roster that only cuts sends the node away, and may extend the cut. */
    named.seq = 9;
    add_roster(
        (struct region_roster){.number = 5, .previous = fourth, .members = FIRST & ~(1 << EDGE), .cut = 1 << EDGE, .heads = &named, .head_count = 1});
    must_build();
    assert_false(is_in(EDGE));
    assert_true(membership_cut(membership, node, identity, &log.chain.log, &cut));
    assert_int_equal(cut.seq, 9);
    region_log_fini(&log);
}

static void a_new_identity_key_comes_by_roster_with_a_cut_for_the_old(void **state)
{
    struct sign_public old = region.nodes[EDGE].identity;
    struct secret *old_secret = region.nodes[EDGE].secret;
    struct head cut, named = {{{3}}, 4, 0, {{4}}};
    struct hash hash = first();
    (void)state;
    assert_int_equal(sign_keypair(&region.nodes[EDGE].identity, &region.nodes[EDGE].secret), ERR_OK);
    add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST, .cut = 1 << EDGE, .heads = &named, .head_count = 1});
    must_build();
    const struct node_id *node = &region.nodes[EDGE].id;
    assert_true(is_in(EDGE));
    assert_memory_equal(membership_identity_at(membership, node, 0)->b, region.nodes[EDGE].identity.b, 32);
    assert_memory_equal(membership_identity_at(membership, node, 1)->b, old.b, 32);
    assert_null(membership_identity_at(membership, node, 2));
    assert_true(membership_cut(membership, node, &old, &named.log, &cut));
    assert_int_equal(cut.seq, 4);
    assert_false(membership_cut(membership, node, &region.nodes[EDGE].identity, &named.log, &cut));
    secret_destroy(&old_secret);
}

static void two_rosters_of_one_number_dispute_it(void **state)
{
    struct hash pair;
    struct head cut;
    struct hash hash = first();
    (void)state;
    /* x admits OTHER and sends HUB_C away; y admits JOINER and cuts EDGE. */
    struct hash x = add_roster((struct region_roster){.number = 2, .previous = hash, .members = (FIRST & ~(1 << HUB_C)) | 1 << OTHER, .salt = 1});
    struct span on_x = region_roster(&region, &(struct region_roster){.number = 3, .previous = x, .members = FIRST | 1 << OTHER}, NULL);
    rosters[roster_count++] = on_x;
    must_build();
    assert_int_equal(membership_roster_number(membership), 3); /* until the other is known */
    add_roster((struct region_roster){.number = 2, .previous = hash, .members = (FIRST & ~(1 << EDGE)) | 1 << JOINER, .cut = 1 << EDGE, .salt = 2});
    must_build();
    assert_int_equal(membership_roster_number(membership), 2);
    assert_true(membership_is_disputed(membership));
    pair = *membership_roster_hash(membership);
    assert_false(is_in(OTHER));
    assert_false(is_in(JOINER));
    assert_false(is_in(HUB_C));
    assert_false(is_in(EDGE));
    assert_true(is_in(HUB_A) && is_in(HUB_B));
    assert_true(membership_cut(membership, &region.nodes[EDGE].id, &region.nodes[EDGE].identity, &(struct log_id){{1}}, &cut));
    check(ERR_OK, on_x); /* it verifies, and is passed on; it only does not count */
    /* Nobody is admitted meanwhile. */
    acts[act_count++] = region_admit(&region, HUB_A, 2, &pair, 1, JOINER);
    acts[act_count++] = region_admit(&region, HUB_B, 2, &pair, 1, JOINER);
    must_build();
    assert_false(is_in(JOINER));
    act_count = 0;
    /* The next one names both, and settles it. */
    add_roster((struct region_roster){.number = 3, .previous = pair, .members = FIRST | 1 << OTHER});
    must_build();
    assert_int_equal(membership_roster_number(membership), 3);
    assert_false(membership_is_disputed(membership));
    assert_true(is_in(OTHER) && is_in(EDGE) && is_in(HUB_C));
    assert_false(is_in(JOINER));
}

/* Two hubs accuse each other: neither can silence the other, and the root decides. */
static void of_two_hubs_that_suspend_each_other_both_are_out(void **state)
{
    struct membership_act act;
    struct hash hash = first();
    (void)state;
    acts[act_count++] = region_suspend(&region, HUB_A, 1, &hash, 1, HUB_B, NULL, 0);
    acts[act_count++] = region_suspend(&region, HUB_B, 1, &hash, 1, HUB_A, NULL, 0);
    acts[act_count++] = region_admit(&region, HUB_A, 1, &hash, 1, JOINER);
    acts[act_count++] = region_admit(&region, HUB_B, 1, &hash, 1, JOINER);
    acts[act_count++] = region_suspend(&region, HUB_B, 1, &hash, 2, EDGE, NULL, 0); /* a suspended hub's suspensions hold, too */
    must_build();
    assert_false(is_in(HUB_A) || is_in(HUB_B) || is_in(JOINER) || is_in(EDGE));
    assert_true(is_in(HUB_C));
    assert_int_equal(membership_hub_count(membership), 3);
    assert_non_null(membership_peer(membership, &region.nodes[HUB_A].id)); /* both go on relaying */
    assert_non_null(membership_peer(membership, &region.nodes[HUB_B].id));
    assert_null(membership_peer(membership, &region.nodes[EDGE].id));
    assert_true(membership_act_at(membership, 2, &act)); /* each of them a warning */
    assert_false(membership_act_at(membership, 3, &act));
    /* The root lifts one and says nothing of the other. */
    add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST, .cut = 1 << HUB_A});
    must_build();
    assert_true(is_in(HUB_A));
    assert_false(is_in(HUB_B));
    assert_false(is_in(JOINER)); /* one of the two that admitted it is suspended still */
}

static bool is_cut(size_t node, const struct sign_public *identity, const struct log_id *log, uint64_t *ret)
{
    struct head head = {.seq = UINT64_MAX};
    bool cut = membership_cut(membership, &region.nodes[node].id, identity, log, &head);
    *ret = head.seq;
    return cut;
}

/* The roster that named a node in its cuts last rules the logs under its old keys, however many follow that do not speak of it. */
static void a_cut_rules_until_another_roster_names_the_node(void **state)
{
    struct sign_public keys[3] = {region.nodes[EDGE].identity};
    struct secret *secrets[3] = {region.nodes[EDGE].secret};
    struct head named = {{{3}}, 4, 0, {{4}}};
    struct hash hash = first();
    uint64_t seq;
    (void)state;
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(sign_keypair(&keys[i], &secrets[i]), ERR_OK);
    }
    region.nodes[EDGE].identity = keys[1];
    hash = add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST, .cut = 1 << EDGE, .heads = &named, .head_count = 1});
    for (uint64_t number = 3; number <= 5; number++) {
        hash = add_roster((struct region_roster){.number = number, .previous = hash, .members = FIRST});
        must_build();
        assert_true(is_cut(EDGE, &keys[0], &named.log, &seq));
        assert_int_equal(seq, 4);
        assert_false(is_cut(EDGE, &keys[1], &named.log, &seq));
    }
    named.seq = 6; /* only a roster extends */
    hash = add_roster((struct region_roster){.number = 6, .previous = hash, .members = FIRST, .cut = 1 << EDGE, .heads = &named, .head_count = 1});
    must_build();
    assert_true(is_cut(EDGE, &keys[0], &named.log, &seq));
    assert_int_equal(seq, 6);
    region.nodes[EDGE].identity = keys[2]; /* a third key: both others are cut, each by the rosters since it was the node's */
    hash = add_roster((struct region_roster){.number = 7, .previous = hash, .members = FIRST});
    must_build();
    assert_true(is_cut(EDGE, &keys[0], &named.log, &seq));
    assert_int_equal(seq, 6);
    assert_false(is_cut(EDGE, &keys[1], &named.log, &seq)); /* no roster has cut it since */
    uint32_t before;
    bool is_newest;
    assert_true(membership_key_place(membership, &region.nodes[EDGE].id, &keys[2], &before, &is_newest));
    assert_true(before == 2 && is_newest);
    assert_true(membership_key_place(membership, &region.nodes[EDGE].id, &keys[0], &before, &is_newest));
    assert_true(before == 0 && !is_newest);
    assert_false(membership_key_place(membership, &region.nodes[EDGE].id, &region.nodes[HUB_A].identity, &before, &is_newest));
    for (size_t i = 0; i < 2; i++) {
        secret_destroy(&secrets[i]);
    }
    region.nodes[EDGE].secret = secrets[2];
}

static void who_was_removed_stays_out_until_a_roster_lists_it(void **state)
{
    struct head named = {{{3}}, 4, 0, {{4}}};
    struct hash hash = first();
    uint64_t seq;
    (void)state;
    hash = add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST & ~(1 << EDGE), .cut = 1 << EDGE, .heads = &named, .head_count = 1});
    hash = add_roster((struct region_roster){.number = 3, .previous = hash, .members = FIRST & ~(1 << EDGE)}); /* does not speak of it */
    acts[act_count++] = region_admit(&region, HUB_A, 3, &hash, 1, EDGE);
    acts[act_count++] = region_admit(&region, HUB_B, 3, &hash, 1, EDGE);
    must_build();
    assert_false(is_in(EDGE));
    assert_true(membership_is_revoked(membership, &region.nodes[EDGE].id));
    assert_true(is_cut(EDGE, &region.nodes[EDGE].identity, &named.log, &seq));
    assert_int_equal(seq, 4);
    hash = add_roster((struct region_roster){.number = 4, .previous = hash, .members = FIRST});
    must_build();
    assert_true(is_in(EDGE));
    assert_false(membership_is_revoked(membership, &region.nodes[EDGE].id));
    assert_false(is_cut(EDGE, &region.nodes[EDGE].identity, &named.log, &seq));
    add_roster((struct region_roster){.number = 5, .previous = hash, .members = FIRST & ~(1 << EDGE)}); /* left without a cut */
    must_build();
    assert_false(is_in(EDGE));
    assert_false(membership_is_revoked(membership, &region.nodes[EDGE].id));
    assert_false(is_cut(EDGE, &region.nodes[EDGE].identity, &named.log, &seq));
}

static void an_observer_has_an_identity_and_may_not_write(void **state)
{
    struct hash hash;
    (void)state;
    region.nodes[OTHER].role = ROLE_OBSERVER;
    hash = add_roster((struct region_roster){.number = 1, .members = FIRST | 1 << OTHER});
    region.nodes[JOINER].role = ROLE_OBSERVER;
    acts[act_count++] = region_admit(&region, HUB_A, 1, &hash, 1, JOINER);
    acts[act_count++] = region_admit(&region, HUB_B, 1, &hash, 1, JOINER);
    must_build();
    for (size_t node = JOINER; node <= OTHER; node++) {
        assert_true(is_in(node));
        assert_non_null(membership_identity(membership, &region.nodes[node].id));
        assert_null(membership_author_at(membership, &region.nodes[node].id, 0));
    }
    assert_non_null(membership_author_at(membership, &region.nodes[EDGE].id, 0));
    region.nodes[OTHER].role = ROLE_EDGE; /* once it may write, what it wrote is valid for ever */
    hash = add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST | 1 << OTHER});
    region.nodes[OTHER].role = ROLE_OBSERVER;
    add_roster((struct region_roster){.number = 3, .previous = hash, .members = FIRST | 1 << OTHER});
    must_build();
    assert_non_null(membership_author_at(membership, &region.nodes[OTHER].id, 0));
}

static void the_order_of_arrival_never_matters(void **state)
{
    struct hash hash = first();
    struct head named = {{{5}}, 3, 0, {{6}}};
    (void)state;
    acts[act_count++] = region_admit(&region, HUB_A, 1, &hash, 1, JOINER);
    acts[act_count++] = region_admit(&region, HUB_B, 1, &hash, 1, JOINER);
    acts[act_count++] = region_admit(&region, HUB_A, 1, &hash, 2, OTHER);
    acts[act_count++] = region_suspend(&region, HUB_C, 1, &hash, 1, EDGE, &named, 1);
    acts[act_count++] = region_suspend(&region, HUB_C, 1, &hash, 1, HUB_A, NULL, 0);
    struct hash second = add_roster((struct region_roster){.number = 2, .previous = hash, .members = FIRST});
    struct hash third = add_roster((struct region_roster){.number = 3, .previous = second, .members = FIRST, .salt = 1});
    add_roster((struct region_roster){.number = 3, .previous = second, .members = FIRST | 1 << OTHER, .salt = 2});
    add_roster((struct region_roster){.number = 4, .previous = third, .members = FIRST});
    must_build();
    struct hash digest = *membership_acts_digest(membership), roster_hash = *membership_roster_hash(membership);
    size_t count = membership_count(membership);
    uint64_t number = membership_roster_number(membership);
    srandom(1);
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = roster_count - 1; i > 0; i--) {
            size_t j = (size_t)random() % (i + 1);
            struct span t = rosters[i];
            rosters[i] = rosters[j];
            rosters[j] = t;
        }
        for (size_t i = act_count - 1; i > 0; i--) {
            size_t j = (size_t)random() % (i + 1);
            struct span t = acts[i];
            acts[i] = acts[j];
            acts[j] = t;
        }
        must_build();
        assert_true(hash_equal(&digest, membership_acts_digest(membership)));
        assert_true(hash_equal(&roster_hash, membership_roster_hash(membership)));
        assert_int_equal(count, membership_count(membership));
        assert_int_equal(number, membership_roster_number(membership));
    }
    acts[act_count++] = acts[0]; /* twice the same is once */
    must_build();
    assert_true(hash_equal(&digest, membership_acts_digest(membership)));
}

static void junk_among_the_notices_is_left_out(void **state)
{
    static uint8_t junk[64];
    (void)state;
    first();
    rosters[roster_count++] = span_of(junk, sizeof junk);
    rosters[roster_count++] = region.charter;
    rosters[roster_count++] = span_of(NULL, 0);
    acts[act_count++] = span_of(junk, sizeof junk);
    acts[act_count++] = rosters[0];
    must_build();
    assert_int_equal(membership_count(membership), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(without_a_roster_nobody_is_in),
        TEST(the_first_roster_names_who_is_in),
        TEST(a_roster_counts_with_both_thresholds_only),
        TEST(a_change_of_root_keys_needs_old_and_new),
        TEST(a_chain_is_walked_one_by_one_whatever_order_it_came_in),
        TEST(two_registrars_admit_and_one_proposes),
        TEST(an_admission_falls_with_its_signer),
        TEST(acts_that_do_not_count_are_refused_by_name),
        TEST(of_two_acts_with_one_number_the_lower_hash_holds),
        TEST(a_suspension_holds_until_a_roster_names_and_lifts_it),
        TEST(a_new_identity_key_comes_by_roster_with_a_cut_for_the_old),
        TEST(two_rosters_of_one_number_dispute_it),
        TEST(of_two_hubs_that_suspend_each_other_both_are_out),
        TEST(a_cut_rules_until_another_roster_names_the_node),
        TEST(who_was_removed_stays_out_until_a_roster_lists_it),
        TEST(an_observer_has_an_identity_and_may_not_write),
        TEST(the_order_of_arrival_never_matters),
        TEST(junk_among_the_notices_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

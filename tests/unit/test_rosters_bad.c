/* False rosters: forged, old, forked, truncated, bent. Each is refused by name wherever a roster comes in: by the lineage, by membership, at the store's gate, out of a region file, by a node that
 * joins; and nothing is changed by it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/file.h"
#include "node/proposal.h"
#include "node/trust.h"
#include "proto/pack.h"
#include "tests/lib/region.h"

enum { HUB_A, HUB_B, EDGE, OTHER, MEMBERS = 1 << HUB_A | 1 << HUB_B | 1 << EDGE, FOLLOWS = 3, RAW_BYTES_MAX = 70000 };

static struct region region;
static char work[64];
static struct span rosters[2]; /* numbers 1 and 2: what the node holds */
static struct hash hashes[3];  /* by number */
static struct home home;
static struct store *store;
static struct writer writer;
static struct lineage *lineage;

/* ---- a roster that can be spoilt in any way: written by hand, since no encoder of ours writes what must not be ---- */

struct draft {
    uint64_t version, number, threshold, created, protocol_min, profile;
    uint32_t items; /* that the array says it has */
    struct region_id of;
    struct hash previous;
    uint32_t key_count;
    struct sign_public keys[20];
    uint32_t member_count;
    struct member members[1100];
    uint64_t role; /* of the first member, when not 99 */
    const char *name;
    uint32_t cut_count, head_count; /* cuts of nodes 0x01.., with so many heads each */
    bool is_cut_falling, is_head_falling;
    bool has_extra;      /* a twelfth item */
    bool is_long_number; /* the roster number in nine bytes */
    size_t padding;      /* bytes that follow */
    /* the envelope */
    enum notice_kind kind;
    struct region_id signed_for;
    enum sign_purpose purpose;
    uint32_t signature_count;
    struct {
        uint64_t key;
        const struct secret *by;
    } signatures[40];
    bool is_bent; /* a bit of the last signature */
};
static struct draft d;

/* Number 3, as the root would sign it. */
static void draft_begin(void)
{
    memset(&d, 0, sizeof d);
    d.version = 1;
    d.items = 11;
    d.of = d.signed_for = region.id;
    d.number = FOLLOWS;
    d.previous = hashes[2];
    d.threshold = REGION_THRESHOLD;
    d.key_count = REGION_ROOTS;
    memcpy(d.keys, region.root, sizeof region.root);
    d.protocol_min = 1;
    d.profile = PROFILE_SANDBOX;
    d.role = 99;
    for (size_t i = 0; i < 4; i++) {
        d.members[i] = (struct member){.node = region.nodes[i].id, .role = region.nodes[i].role, .identity = region.nodes[i].identity};
        memcpy(d.members[i].name, region.nodes[i].name, sizeof d.members[i].name);
    }
    d.member_count = 4;
    d.kind = NOTICE_ROSTER;
    d.purpose = SIGN_ROSTER;
    d.signature_count = REGION_THRESHOLD;
    for (uint32_t i = 0; i < 40; i++) {
        d.signatures[i].key = i;
        d.signatures[i].by = region.root_secret[i % REGION_ROOTS];
    }
}

static void member_pack(struct out *out, uint32_t i)
{
    const struct member *m = &d.members[i];

    pack_array(out, 4);
    pack_bin(out, span_of(m->node.b, sizeof m->node.b));
    pack_uint(out, i == 0 && d.role != 99 ? d.role : (uint64_t)m->role);
    pack_bin(out, span_of(m->identity.b, sizeof m->identity.b));
    pack_text(out, span_text(i == 0 && d.name != NULL ? d.name : m->name));
}

static void cut_pack(struct out *out, uint32_t i)
{
    struct node_id node = {{0}};
    uint32_t at = d.is_cut_falling ? d.cut_count - i : i;

    node.b[0] = (uint8_t)(at >> 8);
    node.b[1] = (uint8_t)at;
    pack_array(out, 2);
    pack_bin(out, span_of(node.b, sizeof node.b));
    pack_array(out, d.head_count);
    for (uint32_t h = 0; h < d.head_count; h++) {
        struct log_id log = {{0}};
        uint32_t place = d.is_head_falling ? d.head_count - h : h;

        log.b[0] = (uint8_t)(place >> 8);
        log.b[1] = (uint8_t)place;
        pack_array(out, 3);
        pack_bin(out, span_of(log.b, sizeof log.b));
        pack_uint(out, 1);
        pack_bin(out, span_of(log.b, sizeof log.b));
    }
}

static void body_pack(struct out *out)
{
    pack_array(out, d.items);
    pack_uint(out, d.version);
    pack_bin(out, span_of(d.of.b, sizeof d.of.b));
    if (d.is_long_number) {
        const uint8_t bytes[9] = {0xcf, 0, 0, 0, 0, 0, 0, 0, (uint8_t)d.number};

        out_bytes(out, bytes, sizeof bytes);
    } else {
        pack_uint(out, d.number);
    }
    pack_bin(out, span_of(d.previous.b, sizeof d.previous.b));
    pack_uint(out, d.threshold);
    pack_array(out, d.key_count);
    for (uint32_t i = 0; i < d.key_count; i++) {
        pack_bin(out, span_of(d.keys[i].b, sizeof d.keys[i].b));
    }
    pack_uint(out, d.created);
    pack_uint(out, d.protocol_min);
    pack_uint(out, d.profile);
    pack_array(out, d.member_count);
    for (uint32_t i = 0; i < d.member_count; i++) {
        member_pack(out, i);
    }
    if (d.items >= 11) {
        pack_array(out, d.cut_count);
        for (uint32_t i = 0; i < d.cut_count; i++) {
            cut_pack(out, i);
        }
    }
    if (d.has_extra) {
        pack_uint(out, 0);
    }
    for (size_t i = 0; i < d.padding; i++) {
        out_bytes(out, "\x00", 1);
    }
}

static struct span draft_end(void)
{
    static uint8_t body_mem[4 * RAW_BYTES_MAX], mem[5 * RAW_BYTES_MAX];
    struct out body = out_into(body_mem, sizeof body_mem), out = out_into(mem, sizeof mem);

    body_pack(&body);
    assert_false(body.is_full);
    pack_array(&out, 3);
    pack_uint(&out, (uint64_t)d.kind);
    pack_bin(&out, out_written(&body));
    pack_array(&out, d.signature_count);
    for (uint32_t i = 0; i < d.signature_count; i++) {
        struct signature signature = {{0}};

        if (body.at <= SIGN_BYTES_MAX) {
            sign_make(d.purpose, &d.signed_for, out_written(&body), d.signatures[i].by, &signature);
        }
        if (d.is_bent && i + 1 == d.signature_count) {
            signature.b[20] ^= 4;
        }
        pack_array(&out, 2);
        pack_uint(&out, d.signatures[i].key);
        pack_bin(&out, span_of(signature.b, sizeof signature.b));
    }
    assert_false(out.is_full);
    return region_keep(&region, out_written(&out));
}

/* ---- what a node has that holds rosters 1 and 2 ---- */

static enum err admit(struct span notice)
{
    struct notice_ref ref;
    const char *clause = NULL;
    bool is_new = false;
    enum err err;

    assert_int_equal(store_begin(store), ERR_OK);
    err = store_admit_notice(store, notice, 0, span_of(NULL, 0), &ref, &is_new, &clause);
    if (err == ERR_OK) {
        assert_int_equal(store_commit(store), ERR_OK);
    } else {
        store_abort(store);
    }
    return err;
}

static void lineage_renew(const struct span *held, size_t count)
{
    lineage_destroy(&lineage);
    assert_int_equal(lineage_build(&region.id, region.charter, held, count, sign_check, &lineage), ERR_OK);
}

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    snprintf(work, sizeof work, "/tmp/test_rosters_bad.XXXXXX");
    assert_non_null(mkdtemp(work));
    rosters[0] = region_roster(&region, &(struct region_roster){.number = 1, .members = MEMBERS}, &hashes[1]);
    rosters[1] = region_roster(&region, &(struct region_roster){.number = 2, .previous = hashes[1], .members = MEMBERS, .salt = 2}, &hashes[2]);
    home.region = region.id;
    home.node = region.nodes[EDGE].id;
    assert_int_equal(store_create(work, &home.region, &home.node), ERR_OK);
    assert_int_equal(store_open(work, &store), ERR_OK);
    writer = (struct writer){.home = &home, .store = store, .unpack = unpack_new()};
    assert_non_null(writer.unpack);
    assert_int_equal(admit(region.charter), ERR_OK);
    assert_int_equal(admit(rosters[0]), ERR_OK);
    assert_int_equal(admit(rosters[1]), ERR_OK);
    lineage_renew(rosters, 2);
    draft_begin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lineage_destroy(&lineage);
    unpack_destroy(&writer.unpack);
    store_close(&store);
    region_fini(&region);
    file_remove_tree(work);
    return 0;
}

static bool count_one(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    size_t *count = arg;

    (void)ref;
    (void)notice;
    (void)heads;
    (*count)++;
    return true;
}

static void check_unmoved(const char *what)
{
    struct membership *membership = NULL;
    struct store_read *read = NULL;
    size_t notices = 0;

    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_OK);
    assert_int_equal(store_notices(read, count_one, &notices), ERR_OK);
    store_read_end(&read);
    if (notices != 3 || membership_roster_number(membership) != 2 || !hash_equal(membership_roster_hash(membership), &hashes[2]) || membership_count(membership) != 3 ||
        membership_is_disputed(membership)) {
        fail_msg("%s: the node has changed its mind", what);
    }
    membership_destroy(&membership);
}

/* ---- every way in ---- */

static enum err by_lineage(struct span bytes)
{
    struct notice notice;
    struct hash hash;
    uint64_t number = 0;
    const char *clause = NULL;
    enum err err = notice_decode(writer.unpack, bytes, &notice, &clause);

    if (err == ERR_OK && notice.kind == NOTICE_ROSTER) {
        err = lineage_check(lineage, writer.unpack, &notice, sign_check, &number, &hash, &clause);
    } else if (err == ERR_OK) {
        err = ERR_MALFORMED; /* the gate gives it to the decoder of the kind it says it is */
    }
    return err;
}

static void check_membership(const char *what, struct span bytes)
{
    struct span all[3] = {rosters[0], rosters[1], bytes}, reversed[3] = {bytes, rosters[1], rosters[0]};
    const struct span *const orders[] = {all, reversed};

    for (size_t i = 0; i < 2; i++) {
        struct membership *membership = NULL;

        assert_int_equal(membership_build(&region.id, region.charter, orders[i], 3, NULL, 0, sign_check, &membership), ERR_OK);
        if (membership_roster_number(membership) != 2 || !hash_equal(membership_roster_hash(membership), &hashes[2]) || membership_is_disputed(membership)) {
            fail_msg("%s: counts for membership", what);
        }
        membership_destroy(&membership);
    }
}

static void region_write(const char *path, struct span charter, const struct span *notices, size_t count)
{
    static uint8_t mem[8 * RAW_BYTES_MAX];
    struct out out = out_into(mem, sizeof mem);

    out_bytes(&out, "griot region 1\n", 15);
    pack_array(&out, (uint32_t)count + 1);
    pack_bin(&out, charter);
    for (size_t i = 0; i < count; i++) {
        pack_bin(&out, notices[i]);
    }
    assert_false(out.is_full);
    assert_int_equal(file_write(path, out_written(&out), 0644, true), ERR_OK);
}

/* Out of a region file, as `griot join` takes it; `expected` ERR_OK: it is to be taken. */
static void check_join(const char *what, struct span bytes, bool is_good)
{
    struct span notices[3] = {bytes, rosters[1], rosters[0]};
    struct region_file file;
    struct trust_join join;
    char path[128];
    enum err err;

    snprintf(path, sizeof path, "%s/region", work);
    region_write(path, region.charter, notices, 3);
    err = region_file_read(path, &file, NULL);
    if (err != ERR_OK) { /* the file as a whole is none: refused before anything is looked at */
        assert_false(is_good);
        return;
    }
    join = (struct trust_join){.notices = file.notices, .count = file.count};
    assert_int_equal(store_begin(store), ERR_OK);
    assert_int_equal(trust_join(&writer, &join), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    if (join.stored != (is_good ? 1U : 0U) || join.refused != (is_good ? 0U : 1U)) {
        fail_msg("%s: joining stores %zu and refuses %zu", what, join.stored, join.refused);
    }
    free(join.refs);
    region_file_fini(&file);
}

/* Nor does a proposal stand on it. */
static void check_proposal(const char *what, struct span bytes)
{
    struct span notices[3] = {rosters[0], rosters[1], bytes};
    struct proposal_plan plan = {.now = {1}};
    struct region_file file;
    struct proposal proposal;
    const char *why = NULL;
    char path[128];

    snprintf(path, sizeof path, "%s/region", work);
    region_write(path, region.charter, notices, 3);
    if (region_file_read(path, &file, NULL) != ERR_OK) {
        return;
    }
    if (proposal_make(&file, &plan, &proposal, &why) == ERR_OK) {
        if (proposal.roster.number != FOLLOWS || !hash_equal(&proposal.roster.previous, &hashes[2])) {
            fail_msg("%s: a proposal follows it", what);
        }
        proposal_fini(&proposal);
    }
}

static void refuse(const char *what, struct span bytes, enum err expected)
{
    enum err err = by_lineage(bytes), gate = admit(bytes);

    if (err != expected || (gate != expected && err != ERR_MALFORMED)) {
        fail_msg("%s: %s by the lineage, %s at the gate, not %s", what, err_name(err), err_name(gate), err_name(expected));
    }
    if (gate == ERR_OK) {
        fail_msg("%s: admitted", what);
    }
    check_membership(what, bytes);
    check_join(what, bytes, false);
    check_proposal(what, bytes);
    check_unmoved(what);
}

static void the_roster_that_all_of_them_spoil_is_good(void **state)
{
    struct span bytes = draft_end();

    (void)state;
    assert_int_equal(by_lineage(bytes), ERR_OK);
    check_join("good", bytes, true);
    struct membership *membership = NULL;
    struct store_read *read = NULL;
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_OK);
    store_read_end(&read);
    assert_int_equal(membership_roster_number(membership), FOLLOWS);
    assert_int_equal(membership_count(membership), 4);
    membership_destroy(&membership);
}

/* ---- who signed ---- */

static struct secret *stranger[6];
static struct sign_public stranger_public[6];

static void strangers_make(void)
{
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(sign_keypair(&stranger_public[i], &stranger[i]), ERR_OK);
    }
}

static void strangers_end(void)
{
    for (size_t i = 0; i < 6; i++) {
        secret_destroy(&stranger[i]);
    }
}

static void by_strangers(void)
{
    for (size_t i = 0; i < 3; i++) {
        d.signatures[i].by = stranger[i];
    }
}
static void by_one_stranger(void) { d.signatures[2].by = stranger[0]; }
static void by_two(void) { d.signature_count = 2; }
static void by_one_twice(void)
{
    d.signatures[0].key = 0;
    d.signatures[1].key = 1;
    d.signatures[2].key = CHARTER_KEYS_MAX; /* the first once more, under its place in the list before */
    d.signatures[2].by = region.root_secret[0];
}
static void by_one_thrice(void)
{
    d.signatures[0].key = 0;
    d.signatures[1].key = CHARTER_KEYS_MAX;
    d.signatures[1].by = region.root_secret[0];
    d.signature_count = 2;
}
static void under_another_place(void) { d.signatures[1].by = region.root_secret[2]; }
static void four_and_one_bad(void)
{
    d.signature_count = 4;
    d.is_bent = true;
}
static void bent(void) { d.is_bent = true; }
static void beyond_the_list(void) { d.signatures[2].key = REGION_ROOTS; }
static void beyond_the_list_before(void) { d.signatures[2].key = CHARTER_KEYS_MAX + REGION_ROOTS; }
static void beyond_all_lists(void) { d.signatures[2].key = 30; }
static void falling(void)
{
    d.signatures[0].key = 2;
    d.signatures[0].by = region.root_secret[2];
    d.signatures[2].key = 0;
    d.signatures[2].by = region.root_secret[0];
}
static void one_place_twice(void)
{
    d.signatures[1].key = 0;
    d.signatures[1].by = region.root_secret[0];
}
static void by_nobody(void) { d.signature_count = 0; }
static void by_thirty_one(void) { d.signature_count = 31; }
static void signed_as_a_card(void) { d.purpose = SIGN_CARD; }
static void signed_for_another_region(void) { d.signed_for.b[0] ^= 1; }
static void by_hubs(void)
{
    for (size_t i = 0; i < 3; i++) {
        d.signatures[i].by = region.nodes[i].secret;
    }
}
static void new_keys_alone(void)
{
    memcpy(d.keys, stranger_public, 5 * sizeof d.keys[0]);
    by_strangers();
}
static void new_keys_and_two_old(void)
{
    new_keys_alone();
    d.signature_count = 5;
    for (uint32_t i = 0; i < 2; i++) {
        d.signatures[3 + i].key = CHARTER_KEYS_MAX + i;
        d.signatures[3 + i].by = region.root_secret[i];
    }
}
static void old_keys_and_two_new(void)
{
    new_keys_alone();
    d.signature_count = 5;
    for (uint32_t i = 0; i < 3; i++) {
        d.signatures[2 + i].key = CHARTER_KEYS_MAX + i;
        d.signatures[2 + i].by = region.root_secret[i];
    }
}
static void a_threshold_of_one(void)
{
    d.threshold = 1;
    d.signature_count = 1;
}
static void a_threshold_of_four(void) { d.threshold = 4; }
static void one_key_left(void)
{
    d.key_count = 1;
    d.threshold = 1;
    d.signature_count = 1;
}

/* ---- whom it follows ---- */

static void of_another_region(void) { d.of.b[5] ^= 1; }
static void number_0(void) { d.number = 0; }
static void number_1_after_2(void) { d.number = 1; }
static void number_1_alone(void)
{
    d.number = 1;
    memset(&d.previous, 0, sizeof d.previous);
    d.signature_count = 2;
}
static void after_nothing(void) { memset(&d.previous, 0, sizeof d.previous); }
static void after_1_as_3(void) { d.previous = hashes[1]; }
static void number_4_after_2(void) { d.number = 4; }
static void after_one_not_held(void) { d.previous.b[9] ^= 1; }
static void pair_of(const struct hash *a, const struct hash *b)
{
    const struct hash *low = memcmp(a->b, b->b, sizeof a->b) < 0 ? a : b, *high = low == a ? b : a;
    uint8_t both[64];

    memcpy(both, low->b, 32);
    memcpy(both + 32, high->b, 32);
    hash_of(HASH_NOTICE, span_of(both, sizeof both), &d.previous);
}
static void after_a_pair_of_two_numbers(void) { pair_of(&hashes[1], &hashes[2]); }
static void after_one_twice(void) { pair_of(&hashes[2], &hashes[2]); }
static void rival_by_two(void)
{
    d.number = 2;
    d.previous = hashes[1];
    d.signature_count = 2;
}
static void rival_by_strangers(void)
{
    d.number = 2;
    d.previous = hashes[1];
    by_strangers();
}
static void number_beyond_all(void) { d.number = NUMBER_MAX + 1; }
static void number_in_nine_bytes(void) { d.is_long_number = true; }

/* ---- what it says ---- */

static void threshold_0(void) { d.threshold = 0; }
static void threshold_above(void) { d.threshold = REGION_ROOTS + 1; }
static void no_keys(void) { d.key_count = 0; }
static void sixteen_keys(void) { d.key_count = 16; }
static void one_key_twice(void) { d.keys[1] = d.keys[0]; }
static void members_fall(void)
{
    struct member m = d.members[0];

    d.members[0] = d.members[1];
    d.members[1] = m;
}
static void a_member_twice(void) { d.members[1].node = d.members[0].node; }
static void a_name_in_capitals(void) { d.name = "SN"; }
static void an_empty_name(void) { d.name = ""; }
static void a_name_with_a_dash_first(void) { d.name = "-sn"; }
static void a_name_of_33(void) { d.name = "abcdefghijklmnopqrstuvwxyz0123456"; }
static void a_role_that_is_none(void) { d.role = 3; }
static void members_1001(void)
{
    d.member_count = MEMBERS_MAX + 1;
    for (uint32_t i = 0; i < d.member_count; i++) {
        d.members[i] = (struct member){.name = "a"};
        d.members[i].node.b[0] = (uint8_t)(i >> 8);
        d.members[i].node.b[1] = (uint8_t)i;
    }
}
static void members_too_long(void)
{
    members_1001();
    for (uint32_t i = 0; i < d.member_count; i++) {
        memcpy(d.members[i].name, "abcdefgh", 9);
    }
}
static void cuts_fall(void)
{
    d.cut_count = 3;
    d.is_cut_falling = true;
}
static void cuts_257(void) { d.cut_count = ROSTER_CUTS_MAX + 1; }
static void heads_257(void)
{
    d.cut_count = 1;
    d.head_count = CUT_HEADS_MAX + 1;
}
static void heads_fall(void)
{
    d.cut_count = 1;
    d.head_count = 3;
    d.is_head_falling = true;
}
static void a_profile_that_is_none(void) { d.profile = 3; }
static void a_protocol_beyond_all(void) { d.protocol_min = (uint64_t)UINT32_MAX + 1; }
static void a_date_beyond_all(void) { d.created = NUMBER_MAX + 1; }
static void version_0(void) { d.version = 0; }
static void version_2(void) { d.version = 2; }
static void one_item_more(void)
{
    d.items = 12;
    d.has_extra = true;
}
static void one_item_less(void) { d.items = 10; }
static void a_byte_behind(void) { d.padding = 1; }
static void as_an_act(void)
{
    d.kind = NOTICE_ACT;
    d.signature_count = 1;
}
static void as_a_card(void)
{
    d.kind = NOTICE_CARD;
    d.signature_count = 1;
}

static const struct {
    const char *what;
    void (*spoil)(void);
    enum err expected;
} cases[] = {
    {"signed by three strangers", by_strangers, ERR_BADSIG},
    {"signed by two root keys and a stranger", by_one_stranger, ERR_BADSIG},
    {"signed by two root keys", by_two, ERR_BADSIG},
    {"signed by two root keys, one of them twice", by_one_twice, ERR_BADSIG},
    {"signed by one root key in both lists", by_one_thrice, ERR_BADSIG},
    {"a good signature under another key's place", under_another_place, ERR_BADSIG},
    {"three good signatures and a bad one", four_and_one_bad, ERR_BADSIG},
    {"one bit of a signature", bent, ERR_BADSIG},
    {"a signature by place 5 of five", beyond_the_list, ERR_BADSIG},
    {"a signature by place 5 of the five before", beyond_the_list_before, ERR_BADSIG},
    {"a signature by place 30", beyond_all_lists, ERR_MALFORMED},
    {"signatures that fall", falling, ERR_NONCANONICAL},
    {"one place twice", one_place_twice, ERR_NONCANONICAL},
    {"signed by nobody", by_nobody, ERR_MALFORMED},
    {"31 signatures", by_thirty_one, ERR_LIMIT},
    {"signed as a card", signed_as_a_card, ERR_BADSIG},
    {"signed for another region", signed_for_another_region, ERR_BADSIG},
    {"signed by hubs", by_hubs, ERR_BADSIG},
    {"new root keys that sign alone", new_keys_alone, ERR_BADSIG},
    {"new root keys with two of the old", new_keys_and_two_old, ERR_BADSIG},
    {"old root keys with two of the new", old_keys_and_two_new, ERR_BADSIG},
    {"a threshold of one that one reaches", a_threshold_of_one, ERR_BADSIG},
    {"a threshold of four that three sign", a_threshold_of_four, ERR_BADSIG},
    {"one root key left, which signs", one_key_left, ERR_BADSIG},
    {"another region", of_another_region, ERR_REGION},
    {"number 0", number_0, ERR_MALFORMED},
    {"number 1 that follows another", number_1_after_2, ERR_MALFORMED},
    {"another number 1, by two", number_1_alone, ERR_BADSIG},
    {"number 3 that follows nothing", after_nothing, ERR_UNKNOWN_KEY},
    {"number 3 after number 1: a rollback", after_1_as_3, ERR_UNKNOWN_KEY},
    {"number 4 after number 2", number_4_after_2, ERR_UNKNOWN_KEY},
    {"after a roster that nobody holds", after_one_not_held, ERR_UNKNOWN_KEY},
    {"after a pair of rosters of two numbers", after_a_pair_of_two_numbers, ERR_UNKNOWN_KEY},
    {"after a pair of one roster with itself", after_one_twice, ERR_UNKNOWN_KEY},
    {"a rival of number 2, by two", rival_by_two, ERR_BADSIG},
    {"a rival of number 2, by strangers", rival_by_strangers, ERR_BADSIG},
    {"a number of 49 bits", number_beyond_all, ERR_MALFORMED},
    {"a number in nine bytes", number_in_nine_bytes, ERR_NONCANONICAL},
    {"a threshold of 0", threshold_0, ERR_MALFORMED},
    {"a threshold above the keys", threshold_above, ERR_MALFORMED},
    {"no root keys", no_keys, ERR_MALFORMED},
    {"16 root keys", sixteen_keys, ERR_LIMIT},
    {"one root key twice", one_key_twice, ERR_MALFORMED},
    {"members that fall", members_fall, ERR_NONCANONICAL},
    {"a member twice", a_member_twice, ERR_NONCANONICAL},
    {"a name in capitals", a_name_in_capitals, ERR_MALFORMED},
    {"an empty name", an_empty_name, ERR_MALFORMED},
    {"a name that begins with -", a_name_with_a_dash_first, ERR_MALFORMED},
    {"a name of 33 letters", a_name_of_33, ERR_MALFORMED},
    {"role 3", a_role_that_is_none, ERR_MALFORMED},
    {"1,001 members", members_1001, ERR_LIMIT},
    {"longer than 58,368 bytes", members_too_long, ERR_OVERSIZE},
    {"cuts that fall", cuts_fall, ERR_NONCANONICAL},
    {"257 cuts", cuts_257, ERR_LIMIT},
    {"a cut of 257 logs", heads_257, ERR_LIMIT},
    {"logs of a cut that fall", heads_fall, ERR_NONCANONICAL},
    {"profile 3", a_profile_that_is_none, ERR_MALFORMED},
    {"a protocol of 33 bits", a_protocol_beyond_all, ERR_MALFORMED},
    {"a date of 49 bits", a_date_beyond_all, ERR_MALFORMED},
    {"format 0", version_0, ERR_MALFORMED},
    {"format 2", version_2, ERR_VERSION},
    {"an item too many", one_item_more, ERR_MALFORMED},
    {"an item too few", one_item_less, ERR_MALFORMED},
    {"a byte behind it", a_byte_behind, ERR_NONCANONICAL},
    {"in the envelope of an act", as_an_act, ERR_MALFORMED},
    {"in the envelope of a card", as_a_card, ERR_MALFORMED},
};

static void false_rosters_are_refused_by_name_wherever_they_come_in(void **state)
{
    (void)state;
    strangers_make();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        draft_begin();
        memcpy(&d.keys[5], stranger_public, sizeof stranger_public);
        for (size_t k = 11; k < 20; k++) {
            random_fill(d.keys[k].b, sizeof d.keys[k].b);
        }
        cases[i].spoil();
        refuse(cases[i].what, draft_end(), cases[i].expected);
    }
    strangers_end();
    print_message("%zu false rosters, none taken\n", sizeof cases / sizeof cases[0]);
}

/* ---- cut short and bent ---- */

static void a_roster_cut_short_anywhere_is_refused(void **state)
{
    struct span bytes = draft_end();

    (void)state;
    for (size_t n = 0; n < bytes.n; n++) {
        if (by_lineage(span_of(bytes.p, n)) == ERR_OK || admit(span_of(bytes.p, n)) == ERR_OK) {
            fail_msg("cut to %zu bytes it is taken", n);
        }
    }
    check_unmoved("cut short");
}

static void a_changed_bit_anywhere_is_refused(void **state)
{
    struct span bytes = draft_end();
    uint8_t *copy = malloc(bytes.n);

    (void)state;
    assert_non_null(copy);
    for (size_t at = 0; at < bytes.n; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, bytes.p, bytes.n);
            copy[at] ^= (uint8_t)(1u << bit);
            if (by_lineage(span_of(copy, bytes.n)) == ERR_OK || (bit == at % 8 && admit(span_of(copy, bytes.n)) == ERR_OK)) {
                fail_msg("byte %zu, bit %u", at, bit);
            }
        }
    }
    free(copy);
    check_unmoved("bent");
}

/* ---- retired keys ---- */

/* The root has other keys from number 3 on. What the old ones sign after it counts for nothing. */
static void root_keys_that_were_replaced_sign_nothing(void **state)
{
    struct span third, held[3];
    struct notice notice;
    struct hash hash;

    (void)state;
    strangers_make();
    memcpy(d.keys, stranger_public, 5 * sizeof d.keys[0]);
    d.signature_count = 6;
    for (uint32_t i = 0; i < 3; i++) {
        d.signatures[i].key = i;
        d.signatures[i].by = stranger[i];
        d.signatures[3 + i].key = CHARTER_KEYS_MAX + i;
        d.signatures[3 + i].by = region.root_secret[i];
    }
    third = draft_end();
    assert_int_equal(by_lineage(third), ERR_OK);
    assert_int_equal(admit(third), ERR_OK);
    assert_int_equal(notice_decode(writer.unpack, third, &notice, NULL), ERR_OK);
    hash_of(HASH_NOTICE, notice.body, &hash);
    held[0] = rosters[0];
    held[1] = rosters[1];
    held[2] = third;
    lineage_renew(held, 3);

    draft_begin(); /* number 4, all as the old root would have it */
    d.number = 4;
    d.previous = hash;
    assert_int_equal(by_lineage(draft_end()), ERR_BADSIG);
    assert_int_equal(admit(draft_end()), ERR_BADSIG);
    memcpy(d.keys, stranger_public, 5 * sizeof d.keys[0]); /* for the new keys, by the old */
    for (uint32_t i = 0; i < 3; i++) {
        d.signatures[i].key = CHARTER_KEYS_MAX + i;
    }
    assert_int_equal(by_lineage(draft_end()), ERR_BADSIG);
    for (uint32_t i = 0; i < 3; i++) {
        d.signatures[i].key = i;
        d.signatures[i].by = stranger[i];
    }
    assert_int_equal(by_lineage(draft_end()), ERR_OK);
    assert_int_equal(admit(draft_end()), ERR_OK);
    strangers_end();
}

/* ---- charters ---- */

static void another_charter_is_another_region(void **state)
{
    struct region_file file;
    struct trust_join join;
    struct region other;
    char path[128];

    (void)state;
    region_init(&other, 2);
    assert_int_equal(admit(other.charter), ERR_REGION);
    snprintf(path, sizeof path, "%s/region", work);
    region_write(path, other.charter, rosters, 2);
    assert_int_equal(region_file_read(path, &file, NULL), ERR_OK);
    assert_memory_not_equal(file.id.b, region.id.b, sizeof region.id.b);
    join = (struct trust_join){.notices = file.notices, .count = file.count};
    assert_int_equal(store_begin(store), ERR_OK);
    assert_int_equal(trust_join(&writer, &join), ERR_REGION);
    store_abort(store);
    free(join.refs);
    region_file_fini(&file);
    region_fini(&other);
    check_unmoved("another charter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(the_roster_that_all_of_them_spoil_is_good),
        TEST(false_rosters_are_refused_by_name_wherever_they_come_in),
        TEST(a_roster_cut_short_anywhere_is_refused),
        TEST(a_changed_bit_anywhere_is_refused),
        TEST(root_keys_that_were_replaced_sign_nothing),
        TEST(another_charter_is_another_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

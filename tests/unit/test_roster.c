#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/notice.h"
#include "proto/pack.h"
#include "tests/lib/hostile.h"

static struct unpack *unpack;
static uint8_t bytes[2 * FRAME_BYTES_MAX];
static struct act act; /* large: they hold a cut */
static struct act act_back;

static int set_up(void **state)
{
    (void)state;
    unpack = unpack_new();
    return unpack == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    unpack_destroy(&unpack);
    return 0;
}

static struct out fresh(void)
{
    return out_into(bytes, sizeof bytes);
}

static void fill(void *p, size_t n, unsigned byte)
{
    memset(p, (int)byte, n);
}

/* Ids that rise with `i`. */
static void number_id(uint8_t *p, size_t n, unsigned i)
{
    fill(p, n, 0xd0);
    p[0] = (uint8_t)(i >> 8);
    p[1] = (uint8_t)i;
}

static void expect(const char *what, enum err got, enum err wanted, const char **clause, const char *clause_wanted)
{
    if (got != wanted) {
        fail_msg("%s: %s instead of %s", what, err_name(got), err_name(wanted));
    }
    if (clause_wanted != NULL) {
        assert_string_equal(*clause, clause_wanted);
    }
}

/* ---- charter ---- */

static void make_charter(struct charter *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    ret->name_bytes = 18;
    memcpy(ret->name, "Afrique de l'Ouest", 18);
    ret->threshold = 3;
    ret->key_count = 5;
    for (unsigned i = 0; i < 5; i++) {
        fill(ret->keys[i].b, 32, 0xb0 + i);
    }
    ret->created.ms = UINT64_C(1795000000000);
    fill(ret->random, 16, 0x99);
}

static enum err charter_again(struct span in, struct out *again, const char **clause)
{
    struct charter charter;
    enum err err = charter_decode(unpack, in, &charter, clause);

    if (err == ERR_OK) {
        charter_encode(&charter, again);
    }
    return err;
}

static void a_charter_is_the_golden_one(void **state)
{
    struct charter charter;
    struct charter back;
    struct out out = fresh();

    (void)state;
    make_charter(&charter);
    charter_encode(&charter, &out);
    golden_check("wire_charter", out_written(&out), charter_again);
    assert_int_equal(charter_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &charter, sizeof back);
}

static enum err decode_charter(struct span name, uint64_t threshold, unsigned keys, bool is_twice, const char **clause)
{
    struct out out = fresh();
    struct charter charter;

    pack_array(&out, 6);
    pack_uint(&out, 1);
    pack_text(&out, name);
    pack_uint(&out, threshold);
    pack_array(&out, keys);
    for (unsigned i = 0; i < keys; i++) {
        uint8_t key[32];

        number_id(key, 32, is_twice && i == keys - 1 ? 0 : i);
        pack_bin(&out, span_of(key, 32));
    }
    pack_uint(&out, 5);
    pack_bin(&out, span_of("0123456789abcdef", 16));
    return charter_decode(unpack, out_written(&out), &charter, clause);
}

static void k_of_n_means_k_different_keys_of_at_most_15(void **state)
{
    struct span name = span_text("x");
    const char *clause = NULL;

    (void)state;
    for (unsigned keys = 0; keys <= CHARTER_KEYS_MAX; keys++) {
        for (uint64_t threshold = 0; threshold <= CHARTER_KEYS_MAX + 1; threshold++) {
            assert_int_equal(decode_charter(name, threshold, keys, false, NULL), threshold >= 1 && threshold <= keys ? ERR_OK : ERR_MALFORMED);
        }
    }
    expect("16 keys", decode_charter(name, 1, CHARTER_KEYS_MAX + 1, false, &clause), ERR_LIMIT, &clause, "WIRE.md 4.1: more than 15 root keys");
    expect("a key twice", decode_charter(name, 2, 3, true, &clause), ERR_MALFORMED, &clause,
           "WIRE.md 4.1: a field has the wrong type, length or range");
}

static void a_regions_name_is_short_and_cannot_draw_on_a_terminal(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {
        {"", ERR_MALFORMED},
        {"A", ERR_OK},
        {"R\xc3\xa9gion \xe2\x82\xac", ERR_OK},
        {"0123456789012345678901234567890", ERR_OK},
        {"01234567890123456789012345678901", ERR_OK},
        {"012345678901234567890123456789012", ERR_MALFORMED},
        {"a\nb", ERR_MALFORMED},
        {"a\x1b[2J", ERR_MALFORMED},
        {"a\x7f", ERR_MALFORMED},
        {"a\xc2\x9b", ERR_MALFORMED},
        {"a\xc2\xa0", ERR_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i].text, decode_charter(span_text(rows[i].text), 1, 1, false, NULL), rows[i].err, NULL, NULL);
    }
    assert_int_equal(decode_charter(span_of("a\0b", 3), 1, 1, false, NULL), ERR_MALFORMED);
}

/* ---- members and cuts, in rosters ---- */

static struct member members[MEMBERS_MAX + 1];
static struct cut cuts[ROSTER_CUTS_MAX + 1];

static void make_member(struct member *ret, unsigned i)
{
    memset(ret, 0, sizeof *ret);
    number_id(ret->node.b, 16, i);
    ret->role = ROLE_EDGE;
    fill(ret->identity.b, 32, i);
    (void)snprintf(ret->name, sizeof ret->name, "n%u", i);
}

static void make_cut(struct cut *ret, unsigned node, uint32_t heads)
{
    memset(ret, 0, sizeof *ret);
    number_id(ret->node.b, 16, node);
    ret->head_count = heads;
    for (uint32_t i = 0; i < heads; i++) {
        number_id(ret->heads[i].log.b, 32, i);
        ret->heads[i].seq = i;
        fill(ret->heads[i].hash.b, 32, 0x40 + i);
    }
}

static void make_roster(struct roster *ret, uint32_t member_count, uint32_t cut_count)
{
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    fill(ret->region.b, 32, 0x11);
    ret->number = 2;
    fill(ret->previous.b, 32, 0x22);
    ret->threshold = 2;
    ret->key_count = 3;
    for (unsigned i = 0; i < 3; i++) {
        fill(ret->keys[i].b, 32, 0xb0 + i);
    }
    ret->created.ms = UINT64_C(1795000000000);
    ret->protocol_min = 1;
    ret->profile = PROFILE_METERED;
    ret->member_count = member_count;
    ret->cut_count = cut_count;
    ret->members = members;
    ret->cuts = cuts;
    for (unsigned i = 0; i < member_count; i++) {
        make_member(&members[i], i);
    }
    for (unsigned i = 0; i < cut_count; i++) {
        make_cut(&cuts[i], i, 0);
    }
}

static enum err roster_again(struct span in, struct out *again, const char **clause)
{
    struct roster roster;
    enum err err = roster_decode(unpack, in, &roster, clause);

    if (err == ERR_OK) {
        err = roster_encode(&roster, again);
        roster_fini(&roster);
    }
    return err;
}

static void a_roster_is_the_golden_one(void **state)
{
    struct roster roster;
    struct roster back;
    struct out out = fresh();

    (void)state;
    make_roster(&roster, 3, 2);
    (void)snprintf(members[0].name, sizeof members[0].name, "rilo-dakar");
    members[0].role = ROLE_HUB;
    members[2].role = ROLE_OBSERVER;
    make_cut(&cuts[1], 9, 2);
    assert_int_equal(roster_encode(&roster, &out), ERR_OK);
    golden_check("wire_roster", out_written(&out), roster_again);
    assert_int_equal(roster_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_true(back.number == 2 && back.threshold == 2 && back.key_count == 3 && back.protocol_min == 1);
    assert_int_equal(back.profile, PROFILE_METERED);
    assert_int_equal(back.member_count, 3);
    assert_memory_equal(back.members, members, 3 * sizeof members[0]);
    assert_int_equal(back.cut_count, 2);
    assert_memory_equal(back.cuts, cuts, 2 * sizeof cuts[0]);
    roster_fini(&back);
    assert_null(back.members);
    roster_fini(&back);
}

static enum err decode_roster(struct roster *roster, const char **clause)
{
    struct out out = fresh();
    struct roster back;
    enum err err;

    assert_int_equal(roster_encode(roster, &out), ERR_OK);
    err = roster_decode(unpack, out_written(&out), &back, clause);
    if (err == ERR_OK) {
        roster_fini(&back);
    }
    return err;
}

static void rosters_that_are_wrong_are_refused(void **state)
{
    struct roster roster;
    const char *clause = NULL;

    (void)state;
    make_roster(&roster, 3, 3);
    assert_int_equal(decode_roster(&roster, NULL), ERR_OK);
    roster.number = 0;
    assert_int_equal(decode_roster(&roster, NULL), ERR_MALFORMED);
    roster.number = 1;
    assert_int_equal(decode_roster(&roster, NULL), ERR_MALFORMED); /* with a predecessor */
    fill(roster.previous.b, 32, 0);
    assert_int_equal(decode_roster(&roster, NULL), ERR_OK);
    roster.number = NUMBER_MAX + 1;
    assert_int_equal(decode_roster(&roster, NULL), ERR_MALFORMED);

    make_roster(&roster, 3, 3);
    roster.profile = (enum profile)3;
    assert_int_equal(decode_roster(&roster, NULL), ERR_MALFORMED);
    make_roster(&roster, 3, 3);
    members[1].role = (enum role)3;
    assert_int_equal(decode_roster(&roster, NULL), ERR_MALFORMED);
    make_roster(&roster, 3, 3);
    members[2].node = members[1].node;
    expect("a member twice", decode_roster(&roster, &clause), ERR_NONCANONICAL, &clause, "WIRE.md 4.2: members that do not rise by node");
    make_roster(&roster, 3, 3);
    cuts[2].node = cuts[0].node;
    expect("cuts out of order", decode_roster(&roster, &clause), ERR_NONCANONICAL, &clause, "WIRE.md 4.2: cuts that do not rise by node");
    make_roster(&roster, 3, 3);
    make_cut(&cuts[1], 1, 3);
    assert_int_equal(decode_roster(&roster, NULL), ERR_OK);
    cuts[1].heads[2].log = cuts[1].heads[1].log;
    expect("a log twice", decode_roster(&roster, &clause), ERR_NONCANONICAL, &clause, "WIRE.md 4.9: logs of a cut that do not rise");
}

static void names_are_what_a_command_line_can_take(void **state)
{
    static const struct {
        const char *name;
        enum err err;
    } rows[] = {
        {"", ERR_MALFORMED},
        {"a", ERR_OK},
        {"rilo-dakar", ERR_OK},
        {"0123456789012345678901234567890", ERR_OK},
        {"01234567890123456789012345678901", ERR_OK},
        {"-a", ERR_MALFORMED},
        {"a-", ERR_MALFORMED},
        {"-", ERR_MALFORMED},
        {"A", ERR_MALFORMED},
        {"a b", ERR_MALFORMED},
        {"a_b", ERR_MALFORMED},
        {"a/b", ERR_MALFORMED},
        {"..", ERR_MALFORMED},
        {"\xc3\xa9", ERR_MALFORMED},
    };
    struct roster roster;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_roster(&roster, 1, 0);
        (void)snprintf(members[0].name, sizeof members[0].name, "%s", rows[i].name);
        expect(rows[i].name, decode_roster(&roster, NULL), rows[i].err, NULL, NULL);
    }
}

/* [1, region, 2, previous, 1, [key], 0, 1, 0, members, cuts] with that many of each, minimal ones. */
static enum err decode_counts(unsigned member_count, unsigned cut_count, unsigned heads, const char **clause)
{
    struct out out = fresh();
    struct roster back;
    uint8_t id[32] = {0};
    enum err err;

    pack_array(&out, 11);
    pack_uint(&out, 1);
    pack_bin(&out, span_of(id, 32));
    pack_uint(&out, 2);
    pack_bin(&out, span_of(id, 32));
    pack_uint(&out, 1);
    pack_array(&out, 1);
    pack_bin(&out, span_of(id, 32));
    pack_uint(&out, 0);
    pack_uint(&out, 1);
    pack_uint(&out, 0);
    pack_array(&out, member_count);
    for (unsigned i = 0; i < member_count; i++) {
        number_id(id, 32, i);
        pack_array(&out, 4);
        pack_bin(&out, span_of(id, 16));
        pack_uint(&out, 0);
        pack_bin(&out, span_of(id, 32));
        pack_text(&out, span_text("n"));
    }
    pack_array(&out, cut_count);
    for (unsigned i = 0; i < cut_count; i++) {
        number_id(id, 32, i);
        pack_array(&out, 2);
        pack_bin(&out, span_of(id, 16));
        pack_array(&out, heads);
        for (unsigned j = 0; j < heads; j++) {
            number_id(id, 32, j);
            pack_array(&out, 3);
            pack_bin(&out, span_of(id, 32));
            pack_uint(&out, j);
            pack_bin(&out, span_of(id, 32));
        }
    }
    err = roster_decode(unpack, out_written(&out), &back, clause);
    if (err == ERR_OK) {
        assert_int_equal(back.member_count, member_count);
        roster_fini(&back);
    }
    return err;
}

static void a_roster_has_limits_for_all_it_lists(void **state)
{
    const char *clause = NULL;

    (void)state;
    assert_int_equal(decode_counts(0, 0, 0, NULL), ERR_OK);
    assert_int_equal(decode_counts(MEMBERS_MAX - 1, 0, 0, NULL), ERR_OK);
    assert_int_equal(decode_counts(MEMBERS_MAX, 0, 0, NULL), ERR_OK);
    expect("1001 members", decode_counts(MEMBERS_MAX + 1, 0, 0, &clause), ERR_LIMIT, &clause, "WIRE.md 4.2: more than 1000 members");
    assert_int_equal(decode_counts(1, ROSTER_CUTS_MAX - 1, 0, NULL), ERR_OK);
    assert_int_equal(decode_counts(1, ROSTER_CUTS_MAX, 0, NULL), ERR_OK);
    expect("257 cuts", decode_counts(1, ROSTER_CUTS_MAX + 1, 0, &clause), ERR_LIMIT, &clause, "WIRE.md 4.2: more than 256 cuts");
    assert_int_equal(decode_counts(1, 1, CUT_HEADS_MAX - 1, NULL), ERR_OK);
    assert_int_equal(decode_counts(1, 1, CUT_HEADS_MAX, NULL), ERR_OK);
    expect("257 heads", decode_counts(1, 1, CUT_HEADS_MAX + 1, &clause), ERR_LIMIT, &clause, "WIRE.md 4.9: a cut of more than 256 logs");
}

static void a_roster_that_would_not_fit_a_notice_is_not_written(void **state)
{
    struct roster roster;
    struct out out;
    uint32_t fits = 0;

    (void)state;
    for (uint32_t n = 0; n <= MEMBERS_MAX; n++) {
        make_roster(&roster, n, 0);
        for (uint32_t i = 0; i < n; i++) {
            (void)snprintf(members[i].name, sizeof members[i].name, "a-name-of-31-or-32-letters-%u", i + 1000);
        }
        out = fresh();
        if (roster_encode(&roster, &out) == ERR_OK) {
            assert_int_equal(fits, n);
            fits = n + 1;
            assert_true(out.at <= ROSTER_BYTES_MAX);
        }
    }
    assert_true(fits > 600 && fits < MEMBERS_MAX);
    out = out_into(bytes, 100);
    make_roster(&roster, 3, 0);
    assert_int_equal(roster_encode(&roster, &out), ERR_OVERSIZE);
}

/* ---- acts ---- */

static void make_act(enum act_kind kind)
{
    memset(&act, 0, sizeof act);
    act.version = FORMAT_VERSION;
    fill(act.region.b, 32, 0x11);
    number_id(act.registrar.b, 16, 5);
    act.roster_number = 4;
    fill(act.roster_hash.b, 32, 0x22);
    act.number = 2;
    act.kind = kind;
    act.created.ms = UINT64_C(1795000000000);
    if (kind == ACT_ADMIT) {
        make_member(&act.subject, 7);
    } else {
        make_cut(&act.cut, 7, 2);
        act.subject.node = act.cut.node;
        memcpy(act.reason, "stolen at the Aflao post", 25);
    }
}

static enum err act_again(struct span in, struct out *again, const char **clause)
{
    enum err err = act_decode(unpack, in, &act_back, clause);

    return err == ERR_OK ? act_encode(&act_back, again) : err;
}

static void acts_are_the_golden_ones(void **state)
{
    struct out out;

    (void)state;
    for (unsigned kind = ACT_ADMIT; kind <= ACT_SUSPEND; kind++) {
        make_act((enum act_kind)kind);
        out = fresh();
        assert_int_equal(act_encode(&act, &out), ERR_OK);
        golden_check(kind == ACT_ADMIT ? "wire_act_admit" : "wire_act_suspend", out_written(&out), act_again);
        assert_int_equal(act_decode(unpack, out_written(&out), &act_back, NULL), ERR_OK);
        assert_memory_equal(&act_back.cut, &act.cut, sizeof act.cut);
        assert_memory_equal(&act_back.subject, &act.subject, sizeof act.subject);
        assert_memory_equal(act_back.reason, act.reason, sizeof act.reason);
        assert_true(act_back.number == 2 && act_back.roster_number == 4 && (unsigned)act_back.kind == kind);
    }
}

static const char *act_reason = "";

/* [1, region, registrar, 4, hash, number, kind, 0, subject] */
static enum err decode_act(uint64_t number, uint64_t kind, const char **clause)
{
    struct out out = fresh();
    uint8_t id[32] = {0};

    pack_array(&out, 9);
    pack_uint(&out, 1);
    pack_bin(&out, span_of(id, 32));
    pack_bin(&out, span_of(id, 16));
    pack_uint(&out, 4);
    pack_bin(&out, span_of(id, 32));
    pack_uint(&out, number);
    pack_uint(&out, kind);
    pack_uint(&out, 0);
    if (kind != ACT_ADMIT) {
        pack_array(&out, 2);
    }
    pack_array(&out, kind == ACT_ADMIT ? 4 : 2);
    pack_bin(&out, span_of(id, 16));
    if (kind == ACT_ADMIT) {
        pack_uint(&out, 0);
        pack_bin(&out, span_of(id, 32));
        pack_text(&out, span_text("n"));
    } else {
        pack_array(&out, 0);
        pack_text(&out, span_text(act_reason));
    }
    return act_decode(unpack, out_written(&out), &act_back, clause);
}

static void a_registrar_has_5_admissions_and_3_suspensions_on_one_roster(void **state)
{
    const char *clause = NULL;

    (void)state;
    for (uint64_t number = 0; number <= 7; number++) {
        enum err admit = number == 0 ? ERR_MALFORMED : number > ACT_ADMISSIONS_MAX ? ERR_LIMIT : ERR_OK;
        enum err suspend = number == 0 ? ERR_MALFORMED : number > ACT_SUSPENSIONS_MAX ? ERR_LIMIT : ERR_OK;

        assert_int_equal(decode_act(number, ACT_ADMIT, &clause), admit);
        assert_int_equal(decode_act(number, ACT_SUSPEND, &clause), suspend);
    }
    assert_string_equal(clause, "WIRE.md 4.3: more acts than a registrar has on one roster");
    assert_int_equal(decode_act(1, 0, NULL), ERR_MALFORMED);
    assert_int_equal(decode_act(1, 3, NULL), ERR_MALFORMED);
}

static void a_reason_is_text_of_a_bounded_length(void **state)
{
    static char long_one[ACT_REASON_BYTES_MAX + 2];
    static const struct {
        const char *reason;
        enum err err;
    } rows[] = {{"", ERR_OK}, {"volé à Lomé", ERR_OK}, {"a\nb", ERR_MALFORMED}, {"a\x1b[2J", ERR_MALFORMED}, {"a\x7f", ERR_MALFORMED}, {"a\xc2\x9b", ERR_MALFORMED}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        act_reason = rows[i].reason;
        assert_int_equal(decode_act(1, ACT_SUSPEND, NULL), rows[i].err);
    }
    memset(long_one, 'x', ACT_REASON_BYTES_MAX + 1);
    act_reason = long_one;
    assert_int_not_equal(decode_act(1, ACT_SUSPEND, NULL), ERR_OK);
    act_reason = long_one + 1;
    assert_int_equal(decode_act(1, ACT_SUSPEND, NULL), ERR_OK);
    assert_string_equal(act_back.reason, act_reason);
    act_reason = "";
}

static void an_act_that_nobody_would_accept_is_not_written(void **state)
{
    struct out out = fresh();

    (void)state;
    make_act(ACT_ADMIT);
    act.number = 0;
    assert_int_equal(act_encode(&act, &out), ERR_INVALID);
    act.number = ACT_ADMISSIONS_MAX + 1;
    assert_int_equal(act_encode(&act, &out), ERR_LIMIT);
    make_act(ACT_SUSPEND);
    act.number = ACT_SUSPENSIONS_MAX + 1;
    assert_int_equal(act_encode(&act, &out), ERR_LIMIT);
    make_act(ACT_SUSPEND);
    act.cut.head_count = CUT_HEADS_MAX + 1;
    assert_int_equal(act_encode(&act, &out), ERR_LIMIT);
    make_act(ACT_SUSPEND);
    act.subject.node.b[0] ^= 1;
    assert_int_equal(act_encode(&act, &out), ERR_INVALID);
    make_act(ACT_SUSPEND);
    act.reason[1] = '\n';
    assert_int_equal(act_encode(&act, &out), ERR_INVALID);
    make_act((enum act_kind)9);
    assert_int_equal(act_encode(&act, &out), ERR_INVALID);
    assert_int_equal(out.at, 0);
    make_act(ACT_ADMIT);
    out = out_into(bytes, 50);
    assert_int_equal(act_encode(&act, &out), ERR_OVERSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_charter_is_the_golden_one),
        cmocka_unit_test(k_of_n_means_k_different_keys_of_at_most_15),
        cmocka_unit_test(a_regions_name_is_short_and_cannot_draw_on_a_terminal),
        cmocka_unit_test(a_roster_is_the_golden_one),
        cmocka_unit_test(rosters_that_are_wrong_are_refused),
        cmocka_unit_test(names_are_what_a_command_line_can_take),
        cmocka_unit_test(a_roster_has_limits_for_all_it_lists),
        cmocka_unit_test(a_roster_that_would_not_fit_a_notice_is_not_written),
        cmocka_unit_test(acts_are_the_golden_ones),
        cmocka_unit_test(a_registrar_has_5_admissions_and_3_suspensions_on_one_roster),
        cmocka_unit_test(a_reason_is_text_of_a_bounded_length),
        cmocka_unit_test(an_act_that_nobody_would_accept_is_not_written),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

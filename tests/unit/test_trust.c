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
#include "node/root.h"
#include "node/suspension.h"
#include "node/trust.h"

enum { NODES_MAX = 12 };

/* A region founded by our own ceremony: two hubs, one edge, and whoever a test adds. */
struct desk {
    struct home home;
    struct store *store;
    struct writer writer;
    uint8_t card_bytes[CARD_NOTICE_BYTES_MAX];
    struct span card;
};
static char work[64];
static struct secret *key;
static struct unlock unlock;
static struct region_id region;
static struct desk *desks[NODES_MAX];
static size_t desk_count;
static uint32_t asked; /* keys that the ceremony asked for */

static const char *below(const char *name)
{
    static char paths[4][PATH_MAX];
    static int turn;
    char *path = paths[turn++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", work, name);
    return path;
}

static enum err give_key(void *arg, uint32_t number, struct unlock *ret)
{
    (void)arg;
    asked |= 1u << number;
    *ret = unlock;
    return ERR_OK;
}

static enum err give_nothing(void *arg, uint32_t number, struct unlock *ret)
{
    (void)arg;
    (void)number;
    (void)ret;
    return ERR_PASSPHRASE;
}

static struct desk *desk_make_in(const char *name, enum role role, const struct region_id *in)
{
    const char *const addresses[] = {"tcp://127.0.0.1:7001", NULL}, *const none[] = {NULL};
    struct home_plan plan = {
        .name = name, .role = role, .region = *in, .addresses = role == ROLE_HUB ? addresses : none, .unlock = &unlock, .now = {1700000000000}};
    struct desk *desk = calloc(1, sizeof *desk);
    struct out out;
    char folder[64];

    assert_non_null(desk);
    assert_true(desk_count < NODES_MAX);
    snprintf(folder, sizeof folder, "home-%zu", desk_count);
    assert_int_equal(home_create(below(folder), &plan), ERR_OK);
    assert_int_equal(home_open(below(folder), &desk->home), ERR_OK);
    assert_int_equal(home_unlock(&desk->home, &unlock), ERR_OK);
    out = out_into(desk->card_bytes, sizeof desk->card_bytes);
    assert_int_equal(home_card_current(&desk->home, &out), ERR_OK);
    desk->card = out_written(&out);
    assert_int_equal(store_open(desk->home.path, &desk->store), ERR_OK);
    assert_int_equal(writer_open(&desk->home, desk->store, &desk->writer), ERR_OK);
    desks[desk_count++] = desk;
    return desk;
}

static struct desk *desk_make(const char *name, enum role role) { return desk_make_in(name, role, &region); }

/* One change in a transaction of its own, as the core makes it. */
static enum err change(struct desk *desk, writer_change act, void *arg)
{
    enum err err;

    assert_int_equal(store_begin(desk->store), ERR_OK);
    err = act(&desk->writer, arg);
    if (err != ERR_OK) {
        store_abort(desk->store);
        return err;
    }
    assert_int_equal(store_commit(desk->store), ERR_OK);
    if (desk->writer.has_notice) {
        desk->writer.has_notice = false;
        (void)!writer_refresh(&desk->writer);
    }
    return ERR_OK;
}

static enum err sign_changed(const struct span *cards, size_t count, const char *const *removed, const char *const *lifted, struct root_signed *ret)
{
    struct proposal_plan plan = {.cards = cards, .card_count = count, .removed = removed, .lifted = lifted, .profile = PROFILE_SANDBOX, .now = {1700000000000}};
    const char *why = NULL;

    return root_roster(below("root"), NULL, &plan, false, give_key, NULL, ret, &why);
}

static enum err sign(const struct span *cards, size_t count, struct root_signed *ret) { return sign_changed(cards, count, NULL, NULL, ret); }

static enum err join_file(struct desk *desk, struct trust_join *join)
{
    struct region_file file;
    enum err err;

    assert_int_equal(region_file_read(below("root/region"), &file, NULL), ERR_OK);
    *join = (struct trust_join){.notices = file.notices, .count = file.count};
    err = change(desk, trust_join, join);
    free(join->refs);
    join->refs = NULL;
    region_file_fini(&file);
    return err;
}

static enum err admit_at(struct desk *desk, struct span card, struct trust_admit *ret)
{
    *ret = (struct trust_admit){.card = card, .now = {1700000000000}};
    return change(desk, trust_admit, ret);
}

/* Everything that `from` knows reaches `to`, as replication would bring it. */
static bool collect(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct trust_join *join = arg;
    uint8_t *copy = malloc(notice.n);
    struct span *list = (struct span *)(uintptr_t)join->notices;

    (void)ref;
    (void)heads;
    assert_non_null(copy);
    memcpy(copy, notice.p, notice.n);
    list[join->count++] = span_of(copy, notice.n);
    return true;
}

static void tell(struct desk *from, struct desk *to)
{
    struct span notices[128];
    struct trust_join join = {.notices = notices};
    struct store_read *read;

    assert_int_equal(store_read_begin(from->store, &read), ERR_OK);
    assert_int_equal(store_notices(read, collect, &join), ERR_OK);
    store_read_end(&read);
    assert_int_equal(change(to, trust_join, &join), ERR_OK);
    assert_int_equal(join.refused, 0);
    for (size_t i = 0; i < join.count; i++) {
        free((void *)(uintptr_t)notices[i].p);
    }
    free(join.refs);
}

static bool is_member(const struct desk *desk, const struct desk *of)
{
    return desk->writer.membership != NULL && membership_find(desk->writer.membership, &of->home.node) != NULL;
}

static void found(void)
{
    struct root_plan plan = {.name = "exercise", .threshold = 3, .keys = 5, .now = {1700000000000}};

    assert_int_equal(root_create(below("root"), &plan, give_key, NULL, &region), ERR_OK);
}

/* Two hubs (0, 1) and an edge (2), with the first roster. */
static void found_region(void)
{
    struct root_signed made;
    struct trust_join join;
    struct span cards[3];

    found();
    desk_make("hub-a", ROLE_HUB);
    desk_make("hub-b", ROLE_HUB);
    desk_make("sn", ROLE_EDGE);
    for (size_t i = 0; i < 3; i++) {
        cards[i] = desks[i]->card;
    }
    assert_int_equal(sign(cards, 3, &made), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(join_file(desks[i], &join), ERR_OK);
        assert_int_equal(join.refused, 0);
    }
}

static int setup(void **state)
{
    (void)state;
    snprintf(work, sizeof work, "/tmp/test_trust.XXXXXX");
    assert_non_null(mkdtemp(work));
    key = secret_random(32);
    assert_non_null(key);
    unlock = (struct unlock){.key = key};
    asked = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    while (desk_count > 0) {
        struct desk *desk = desks[--desk_count];

        writer_close(&desk->writer);
        store_close(&desk->store);
        home_lock(&desk->home);
        free(desk);
    }
    secret_destroy(&key);
    file_remove_tree(work);
    return 0;
}

/* ---- the root ---- */

static void a_region_is_founded_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *what;
        struct root_plan plan;
    } rows[] = {
        {"no key", {"r", 0, 0, {1}}},
        {"too many keys", {"r", 3, CHARTER_KEYS_MAX + 1, {1}}},
        {"a threshold of nobody", {"r", 0, 5, {1}}},
        {"a threshold of more than there are", {"r", 6, 5, {1}}},
        {"a name with a space", {"two words", 3, 5, {1}}},
        {"no name", {"", 3, 5, {1}}},
    };
    struct root_plan plan = {.name = "exercise", .threshold = 3, .keys = 5, .now = {1700000000000}};
    struct region_file file;
    struct region_id id;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (root_create(below("root"), &rows[i].plan, give_key, NULL, &id) != ERR_INVALID) {
            fail_msg("%s", rows[i].what);
        }
    }
    assert_int_equal(root_create(below("root"), &plan, give_nothing, NULL, &id), ERR_PASSPHRASE);
    assert_int_equal(access(below("root"), F_OK), -1);
    assert_int_equal(root_create(below("no/root"), &plan, give_key, NULL, &id), ERR_NOT_FOUND);
    asked = 0;
    found();
    assert_int_equal(asked, 0x3e); /* keys 1 to 5 */
    assert_int_equal(root_create(below("root"), &plan, give_key, NULL, &id), ERR_EXISTS);
    assert_int_equal(region_file_read(below("root/region"), &file, NULL), ERR_OK);
    assert_memory_equal(file.id.b, region.b, sizeof region.b);
    assert_int_equal(file.charter.threshold, 3);
    assert_int_equal(file.charter.key_count, 5);
    assert_int_equal(file.count, 1);
    region_file_fini(&file);
}

static void a_roster_is_signed_by_exactly_the_threshold_and_every_node_believes_it(void **state)
{
    struct root_signed made;
    struct span card = {NULL, 0};

    (void)state;
    asked = 0;
    found_region();
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            assert_true(is_member(desks[i], desks[j]));
        }
        assert_int_equal(membership_roster_number(desks[i]->writer.membership), 1);
        assert_int_equal(membership_profile(desks[i]->writer.membership), PROFILE_SANDBOX);
    }
    /* The second adds one, and keeps the rest and the profile. */
    card = desk_make("gm", ROLE_EDGE)->card;
    asked = 0;
    assert_int_equal(sign(&card, 1, &made), ERR_OK);
    assert_int_equal(asked, 0xe); /* keys 1 to 3 */
    assert_int_equal(made.number, 2);
    assert_int_equal(made.members, 4);
    assert_int_equal(made.added, 1);
    assert_int_equal(made.signatures, 3);
    struct trust_join join;
    assert_int_equal(join_file(desks[3], &join), ERR_OK);
    assert_int_equal(membership_roster_number(desks[3]->writer.membership), 2);
    assert_int_equal(membership_profile(desks[3]->writer.membership), PROFILE_SANDBOX);
    assert_true(is_member(desks[3], desks[0]));
    assert_true(is_member(desks[3], desks[3]));
}

static void a_roster_that_must_not_be_is_not_signed(void **state)
{
    static const struct region_id elsewhere = {{9}};
    struct root_signed made;
    uint8_t bent[CARD_NOTICE_BYTES_MAX], *before = NULL, *after = NULL;
    size_t n_before = 0, n_after = 0;
    struct span cards[2];

    (void)state;
    found_region();
    assert_int_equal(file_read(below("root/region"), 1 << 20, &before, &n_before), ERR_OK);

    cards[0] = desk_make_in("gm", ROLE_EDGE, &elsewhere)->card;
    assert_int_equal(sign(cards, 1, &made), ERR_REGION);
    cards[0] = desk_make("sn", ROLE_EDGE)->card;
    assert_int_equal(sign(cards, 1, &made), ERR_EXISTS); /* another node of that name */
    memcpy(bent, desks[2]->card.p, desks[2]->card.n);
    for (size_t i = 0; i < desks[2]->card.n; i++) {
        bent[i] ^= 1;
        cards[0] = span_of(bent, desks[2]->card.n);
        assert_int_not_equal(sign(cards, 1, &made), ERR_OK);
        bent[i] ^= 1;
    }
    cards[0] = desk_make("gm", ROLE_EDGE)->card;
    assert_int_equal(rename(below("root/key-1"), below("key-1")), 0);
    assert_int_equal(rename(below("root/key-2"), below("key-2")), 0);
    assert_int_equal(rename(below("root/key-3"), below("key-3")), 0);
    assert_int_equal(sign(cards, 1, &made), ERR_NOT_FOUND); /* two of five */
    struct sign_public stranger;
    assert_int_equal(root_key_create(below("root/key-2"), &unlock, NULL, &stranger), ERR_OK);
    assert_int_equal(sign(cards, 1, &made), ERR_UNKNOWN_KEY); /* a key of nowhere */
    file_remove_tree(below("root/key-2"));
    assert_int_equal(rename(below("key-3"), below("root/key-2")), 0); /* the number of a folder is its holder's affair */

    assert_int_equal(file_read(below("root/region"), 1 << 20, &after, &n_after), ERR_OK);
    assert_true(span_equal(span_of(before, n_before), span_of(after, n_after)));
    free(before);
    free(after);
    assert_int_equal(sign(cards, 1, &made), ERR_OK); /* three others of five */
    assert_int_equal(made.number, 2);
}

static void a_region_without_a_hub_is_not_signed(void **state)
{
    struct root_signed made;
    struct span card = {NULL, 0};

    (void)state;
    assert_int_equal(sign(&card, 0, &made), ERR_NOT_FOUND); /* no root at all */
    found();
    assert_int_equal(sign(&card, 0, &made), ERR_INVALID);
    card = desk_make("sn", ROLE_EDGE)->card;
    assert_int_equal(sign(&card, 1, &made), ERR_INVALID);
}

/* ---- admission ---- */

static void the_first_hub_proposes_and_the_second_completes(void **state)
{
    struct trust_admit admit;
    struct desk *new;

    (void)state;
    found_region();
    new = desk_make("tg", ROLE_EDGE);
    assert_int_equal(admit_at(desks[0], new->card, &admit), ERR_OK);
    assert_int_equal(admit.state, TRUST_PROPOSED);
    assert_int_equal(admit.by_count, 1);
    assert_string_equal(admit.by[0], "hub-a");
    assert_int_equal(admit.notice_count, 1);
    assert_false(is_member(desks[0], new));
    assert_int_equal(admit_at(desks[0], new->card, &admit), ERR_OK); /* again: nothing new */
    assert_int_equal(admit.state, TRUST_PROPOSED);
    assert_int_equal(admit.notice_count, 0);
    /* One who has not heard of the first proposes too. */
    tell(desks[0], desks[1]);
    assert_int_equal(admit_at(desks[1], new->card, &admit), ERR_OK);
    assert_int_equal(admit.state, TRUST_ADMITTED);
    assert_int_equal(admit.by_count, 2);
    assert_int_equal(admit.notice_count, 2); /* the act and the card */
    assert_true(is_member(desks[1], new));
    assert_int_equal(admit_at(desks[1], new->card, &admit), ERR_OK);
    assert_int_equal(admit.state, TRUST_MEMBER);
    assert_int_equal(admit.notice_count, 0);
    tell(desks[1], desks[0]);
    tell(desks[1], desks[2]);
    assert_true(is_member(desks[0], new));
    assert_true(is_member(desks[2], new));
    tell(desks[2], new);
    assert_true(is_member(new, new));
}

static void two_who_propose_at_once_complete_it_together(void **state)
{
    struct trust_settle settle;
    struct trust_admit admit;
    struct desk *new;

    (void)state;
    found_region();
    new = desk_make("tg", ROLE_EDGE);
    assert_int_equal(admit_at(desks[0], new->card, &admit), ERR_OK);
    assert_int_equal(admit_at(desks[1], new->card, &admit), ERR_OK);
    assert_int_equal(admit.state, TRUST_PROPOSED);
    tell(desks[0], desks[1]);
    assert_true(is_member(desks[1], new));
    /* The card, by which the node may come in, was kept. */
    assert_int_equal(change(desks[0], trust_settle, &settle), ERR_OK);
    assert_int_equal(settle.notice_count, 0); /* has not heard of the other act */
    assert_int_equal(change(desks[1], trust_settle, &settle), ERR_OK);
    assert_int_equal(settle.notice_count, 1);
    assert_int_equal(settle.notices[0].kind, NOTICE_CARD);
    assert_int_equal(change(desks[1], trust_settle, &settle), ERR_OK);
    assert_int_equal(settle.notice_count, 0);
    assert_int_equal(admit_at(desks[1], new->card, &admit), ERR_OK);
    assert_int_equal(admit.state, TRUST_MEMBER);
    assert_int_equal(admit.notice_count, 0);
    assert_int_equal(change(desks[2], trust_settle, &settle), ERR_OK); /* nothing kept at all */
}

static void who_must_not_be_admitted_is_not(void **state)
{
    static const struct region_id elsewhere = {{9}};
    struct trust_admit admit;
    uint8_t bent[CARD_NOTICE_BYTES_MAX];
    struct desk *new, *alone;

    (void)state;
    found_region();
    new = desk_make("tg", ROLE_EDGE);
    assert_int_equal(admit_at(desks[2], new->card, &admit), ERR_PERMISSION); /* an edge */
    assert_non_null(admit.why);
    assert_int_equal(admit_at(desks[0], desk_make("hub-c", ROLE_HUB)->card, &admit), ERR_PERMISSION);
    assert_int_equal(admit_at(desks[0], desk_make("sn", ROLE_EDGE)->card, &admit), ERR_EXISTS);
    assert_int_equal(admit_at(desks[0], desk_make_in("gm", ROLE_EDGE, &elsewhere)->card, &admit), ERR_REGION);
    alone = desk_make("hub-d", ROLE_HUB);
    assert_int_equal(admit_at(alone, new->card, &admit), ERR_NOT_FOUND); /* knows no roster */
    memcpy(bent, new->card.p, new->card.n);
    for (size_t i = 0; i < new->card.n; i++) {
        bent[i] ^= 0x10;
        assert_int_not_equal(admit_at(desks[0], span_of(bent, new->card.n), &admit), ERR_OK);
        bent[i] ^= 0x10;
    }
    for (size_t n = 0; n < new->card.n; n++) {
        assert_int_not_equal(admit_at(desks[0], span_of(bent, n), &admit), ERR_OK);
    }
    desks[0]->writer.has_notice = true; /* another change of this transaction: numbers of acts would repeat */
    assert_int_equal(admit_at(desks[0], new->card, &admit), ERR_BUSY);
    desks[0]->writer.has_notice = false;
    assert_int_equal(membership_acts_made(desks[0]->writer.membership, &desks[0]->home.node, ACT_ADMIT), 0);
    assert_int_equal(admit_at(desks[0], new->card, &admit), ERR_OK);
}

static void a_roster_allows_a_hub_so_many_admissions(void **state)
{
    struct trust_admit admit;
    struct root_signed made;
    struct trust_join join;
    char name[16];

    (void)state;
    found_region();
    for (int i = 0; i < ACT_ADMISSIONS_MAX; i++) {
        snprintf(name, sizeof name, "new-%d", i);
        assert_int_equal(admit_at(desks[0], desk_make(name, ROLE_EDGE)->card, &admit), ERR_OK);
    }
    struct span more = desk_make("one-more", ROLE_EDGE)->card;
    assert_int_equal(admit_at(desks[0], more, &admit), ERR_LIMIT);
    assert_non_null(admit.why);
    assert_int_equal(admit_at(desks[1], more, &admit), ERR_OK); /* another hub has its own */
    assert_int_equal(sign(NULL, 0, &made), ERR_OK);
    assert_int_equal(join_file(desks[0], &join), ERR_OK);
    assert_int_equal(admit_at(desks[0], more, &admit), ERR_OK);
}

/* ---- joining ---- */

static enum err suspend_at(struct desk *desk, const char *name, const char *reason, struct suspension *ret)
{
    *ret = (struct suspension){.name = name, .reason = reason, .now = {1700000000000}};
    return change(desk, suspension_make, ret);
}

static void one_hub_suspends_and_everybody_sees_who_whom_and_why(void **state)
{
    struct suspension suspension;
    struct membership_act act;
    struct trust_admit admit;

    (void)state;
    found_region();
    assert_false(membership_act_at(desks[0]->writer.membership, 0, &act));
    assert_int_equal(suspend_at(desks[0], "sn", "stolen", &suspension), ERR_OK);
    assert_int_equal(suspension.state, SUSPENSION_MADE);
    assert_int_equal(suspension.left, ACT_SUSPENSIONS_MAX - 1);
    assert_int_equal(suspension.notice.kind, NOTICE_ACT);
    tell(desks[0], desks[1]);
    tell(desks[1], desks[2]);
    for (size_t i = 0; i < 3; i++) {
        const struct membership *m = desks[i]->writer.membership;

        assert_false(is_member(desks[i], desks[2]));
        assert_null(membership_peer(m, &desks[2]->home.node));
        assert_true(membership_is_revoked(m, &desks[2]->home.node));
        assert_true(membership_act_at(m, 0, &act));
        assert_int_equal(act.kind, ACT_SUSPEND);
        assert_string_equal(membership_named(m, &act.subject)->name, "sn");
        assert_string_equal(membership_named(m, &act.registrar)->name, "hub-a");
        assert_int_equal(act.created.ms, 1700000000000);
        assert_string_equal(act.reason, "stolen");
        assert_false(membership_act_at(m, 1, &act));
    }
    assert_int_equal(suspend_at(desks[1], "sn", "", &suspension), ERR_OK); /* again, by another: nothing new */
    assert_int_equal(suspension.state, SUSPENSION_HELD);
    assert_int_equal(suspension.left, ACT_SUSPENSIONS_MAX);
    /* A hub: it relays, and does no more; it may suspend back. */
    assert_int_equal(suspend_at(desks[0], "hub-b", NULL, &suspension), ERR_OK);
    tell(desks[0], desks[1]);
    assert_false(is_member(desks[1], desks[1]));
    assert_non_null(membership_peer(desks[1]->writer.membership, &desks[1]->home.node));
    assert_false(membership_is_revoked(desks[1]->writer.membership, &desks[1]->home.node));
    struct desk *new = desk_make("tg", ROLE_EDGE);
    assert_int_equal(admit_at(desks[1], new->card, &admit), ERR_PERMISSION);
    assert_int_equal(suspend_at(desks[1], "hub-a", "", &suspension), ERR_OK);
    tell(desks[1], desks[0]);
    assert_false(is_member(desks[0], desks[0]));
}

static void who_must_not_suspend_or_be_suspended_is_refused(void **state)
{
    static char long_one[ACT_REASON_BYTES_MAX + 2];
    struct suspension suspension;

    (void)state;
    memset(long_one, 'x', ACT_REASON_BYTES_MAX + 1);
    found_region();
    const struct {
        const char *what;
        size_t desk;
        const char *name, *reason;
        enum err err;
    } rows[] = {
        {"an edge suspends", 2, "hub-a", "", ERR_PERMISSION},
        {"nobody of that name", 0, "nobody", "", ERR_NOT_FOUND},
        {"itself", 0, "hub-a", "", ERR_INVALID},
        {"a reason one byte too long", 0, "sn", long_one, ERR_INVALID},
        {"a control character", 0, "sn", "a\nb", ERR_INVALID},
        {"a reason of exactly so many bytes", 0, "sn", long_one + 1, ERR_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err err = suspend_at(desks[rows[i].desk], rows[i].name, rows[i].reason, &suspension);

        if (err != rows[i].err) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
        assert_true(err == ERR_OK || suspension.why != NULL);
    }
    struct desk *lone = desk_make("lone", ROLE_HUB);
    assert_int_equal(suspend_at(lone, "sn", "", &suspension), ERR_NOT_FOUND); /* holds no roster */
    desks[0]->writer.has_notice = true;
    assert_int_equal(suspend_at(desks[0], "hub-b", "", &suspension), ERR_BUSY);
    desks[0]->writer.has_notice = false;
}

static void a_roster_allows_a_hub_so_many_suspensions(void **state)
{
    struct suspension suspension;
    struct root_signed made;
    struct trust_join join;
    struct span cards[4];
    static const char *const names[] = {"a", "b", "c", "d"};

    (void)state;
    found_region();
    for (size_t i = 0; i < 4; i++) {
        cards[i] = desk_make(names[i], ROLE_EDGE)->card;
    }
    assert_int_equal(sign(cards, 4, &made), ERR_OK);
    assert_int_equal(join_file(desks[0], &join), ERR_OK);
    for (uint32_t i = 0; i < ACT_SUSPENSIONS_MAX; i++) {
        assert_int_equal(suspend_at(desks[0], names[i], "", &suspension), ERR_OK);
        assert_int_equal(suspension.left, ACT_SUSPENSIONS_MAX - 1 - i);
    }
    assert_int_equal(suspend_at(desks[0], names[ACT_SUSPENSIONS_MAX], "", &suspension), ERR_LIMIT);
    assert_int_equal(sign(NULL, 0, &made), ERR_OK); /* a new roster makes room, and lifts nothing */
    assert_int_equal(join_file(desks[0], &join), ERR_OK);
    assert_int_equal(suspend_at(desks[0], names[0], "", &suspension), ERR_OK);
    assert_int_equal(suspension.state, SUSPENSION_HELD);
    assert_int_equal(suspend_at(desks[0], names[ACT_SUSPENSIONS_MAX], "", &suspension), ERR_OK);
    assert_int_equal(suspension.state, SUSPENSION_MADE);
}

/* What the hub has told in its last frontier counts, what it got later does not; and the node goes on in its log, beyond the cut. */
static void the_cut_is_what_the_hub_last_told(void **state)
{
    struct suspension suspension;
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text("x")};
    struct head heads[2], now;
    struct hash content;
    struct store_read *read;
    struct log_info log;
    struct desk *sn;

    (void)state;
    found_region();
    sn = desks[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(store_begin(sn->store), ERR_OK);
        assert_int_equal(author_append(sn->writer.author, CHANNEL_REPORT, &payload, 1, (struct wall_ms){1700000000000}, 1, &content, &heads[i]), ERR_OK);
        assert_int_equal(store_commit(sn->store), ERR_OK);
    }
    /* No frontier of the hub names the log: it is cut at its birth, wherever it comes. */
    assert_int_equal(suspend_at(desks[0], "sn", "", &suspension), ERR_OK);
    assert_int_equal(suspension.heads, 0);
    tell(desks[0], sn);
    assert_int_equal(store_read_begin(sn->store, &read), ERR_OK);
    assert_int_equal(store_log(read, &heads[1].log, &log), ERR_OK);
    assert_int_equal(log.head.seq, 0);
    assert_int_equal(log.cut_height, 1);
    assert_int_equal(log.held_seq, 2);
    store_read_end(&read);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(store_begin(sn->store), ERR_OK);
        assert_int_equal(author_append(sn->writer.author, CHANNEL_REPORT, &payload, 1, (struct wall_ms){1700000000000}, 1, &content, &now), ERR_OK);
        assert_int_equal(store_commit(sn->store), ERR_OK);
        assert_int_equal(log_id_compare(&now.log, &heads[0].log), 0); /* the same log, not a new one each time */
        assert_int_equal(now.seq, 0);
    }
    assert_int_equal(store_read_begin(sn->store, &read), ERR_OK);
    assert_int_equal(store_log(read, &heads[1].log, &log), ERR_OK);
    assert_int_equal(log.held_seq, 4);
    store_read_end(&read);
}

static void the_root_lifts_a_suspension_or_removes_the_node(void **state)
{
    static const char *const sn[] = {"sn", NULL}, *const nobody[] = {"nobody", NULL}, *const hub_a[] = {"hub-a", NULL}, *const hubs[] = {"hub-a", "hub-b", NULL};
    struct suspension suspension;
    struct root_signed made;
    struct trust_join join;
    struct hash before = {{0}};

    (void)state;
    found_region();
    assert_int_equal(suspend_at(desks[0], "sn", "", &suspension), ERR_OK);
    assert_int_equal(sign_changed(NULL, 0, sn, sn, &made), ERR_INVALID);
    assert_int_equal(sign_changed(NULL, 0, nobody, NULL, &made), ERR_NOT_FOUND);
    assert_int_equal(sign_changed(NULL, 0, NULL, nobody, &made), ERR_NOT_FOUND);
    assert_int_equal(sign_changed(NULL, 0, hubs, NULL, &made), ERR_INVALID);
    /* A roster that merely lists it was made in ignorance. */
    assert_int_equal(sign(NULL, 0, &made), ERR_OK);
    assert_int_equal(join_file(desks[0], &join), ERR_OK);
    assert_false(is_member(desks[0], desks[2]));
    assert_int_equal(sign_changed(NULL, 0, NULL, sn, &made), ERR_OK);
    assert_int_equal(made.number, 3);
    assert_int_equal(made.lifted, 1);
    assert_int_equal(made.members, 3);
    assert_int_equal(join_file(desks[0], &join), ERR_OK);
    assert_true(is_member(desks[0], desks[2]));
    /* Lifted once is not lifted for ever: the next suspension holds, whatever rosters follow. */
    assert_int_equal(suspend_at(desks[0], "sn", "", &suspension), ERR_OK);
    assert_int_equal(suspension.state, SUSPENSION_MADE);
    assert_int_equal(sign(NULL, 0, &made), ERR_OK);
    assert_int_equal(join_file(desks[0], &join), ERR_OK);
    assert_false(is_member(desks[0], desks[2]));
    /* Removed: by every later roster too. */
    assert_int_equal(sign_changed(NULL, 0, sn, NULL, &made), ERR_OK);
    assert_int_equal(made.removed, 1);
    assert_int_equal(made.members, 2);
    assert_int_equal(sign_changed(NULL, 0, hub_a, NULL, &made), ERR_OK);
    assert_int_equal(made.members, 1);
    for (size_t i = 0; i < 3; i++) { /* whatever each has heard of before */
        assert_int_equal(join_file(desks[i], &join), ERR_OK);
        assert_int_equal(join.refused, 0);
    }
    tell(desks[0], desks[1]);
    tell(desks[0], desks[2]);
    for (size_t i = 0; i < 3; i++) {
        const struct membership *m = desks[i]->writer.membership;
        struct membership_act act;

        assert_int_equal(membership_roster_number(m), 6);
        assert_false(is_member(desks[i], desks[2]));
        assert_false(is_member(desks[i], desks[0]));
        assert_true(is_member(desks[i], desks[1]));
        assert_true(membership_is_revoked(m, &desks[2]->home.node));
        assert_true(membership_is_revoked(m, &desks[0]->home.node)); /* a hub that was removed does not relay */
        assert_false(membership_act_at(m, 0, &act));                  /* the root has settled them all */
        if (i == 0) {
            before = *membership_roster_hash(m);
        }
        assert_true(hash_equal(&before, membership_roster_hash(m)));
    }
    /* The same node comes back by its card. */
    assert_int_equal(sign(&desks[2]->card, 1, &made), ERR_OK);
    assert_int_equal(join_file(desks[1], &join), ERR_OK);
    assert_true(is_member(desks[1], desks[2]));
}

static void notices_join_in_any_order(void **state)
{
    struct region_file file;
    struct root_signed made;
    struct desk *late;

    (void)state;
    found_region();
    struct span card = desk_make("gm", ROLE_EDGE)->card;
    assert_int_equal(sign(&card, 1, &made), ERR_OK);
    assert_int_equal(sign(NULL, 0, &made), ERR_OK);
    assert_int_equal(made.number, 3);
    late = desk_make("late", ROLE_EDGE);
    assert_int_equal(region_file_read(below("root/region"), &file, NULL), ERR_OK);
    for (size_t i = 0; i < file.count / 2; i++) { /* last first */
        struct span swap = file.notices[i];
        file.notices[i] = file.notices[file.count - 1 - i];
        file.notices[file.count - 1 - i] = swap;
    }
    struct trust_join join = {.notices = file.notices, .count = file.count};
    assert_int_equal(change(late, trust_join, &join), ERR_OK);
    assert_int_equal(join.stored, file.count); /* charter, three rosters, four cards */
    assert_int_equal(join.stored, 8);
    assert_int_equal(join.refused, 0);
    assert_int_equal(membership_roster_number(late->writer.membership), 3);
    assert_false(is_member(late, late));
    free(join.refs);
    assert_int_equal(change(late, trust_join, &join), ERR_OK);
    assert_int_equal(join.stored, 0);
    assert_int_equal(join.held, 8);
    free(join.refs);
    region_file_fini(&file);
}

static void what_is_not_good_is_left_out_and_named(void **state)
{
    struct region_file file;
    struct desk *late;

    (void)state;
    found_region();
    late = desk_make("late", ROLE_EDGE);
    assert_int_equal(region_file_read(below("root/region"), &file, NULL), ERR_OK);
    struct span notices[4] = {file.notices[0], file.notices[1], late->card, span_text("garbage")};
    struct trust_join join = {.notices = notices, .count = 4};
    assert_int_equal(change(late, trust_join, &join), ERR_OK);
    assert_int_equal(join.stored + join.refused, 4);
    assert_int_equal(join.refused, 2); /* the garbage, and the card of a node that nobody has named */
    assert_non_null(join.why);
    free(join.refs);
    join = (struct trust_join){.notices = notices, .count = REGION_FILE_NOTICES_MAX + 1};
    assert_int_equal(change(late, trust_join, &join), ERR_LIMIT);
    region_file_fini(&file);
}

static void another_region_is_not_joined(void **state)
{
    static const struct region_id elsewhere = {{9}};
    struct trust_join join;
    struct desk *stranger;

    (void)state;
    found_region();
    stranger = desk_make_in("sn", ROLE_EDGE, &elsewhere);
    assert_int_equal(join_file(stranger, &join), ERR_REGION);
    assert_int_equal(join.stored, 0);
}

/* ---- the files ---- */

static void a_card_file_survives_mail_and_no_change(void **state)
{
    char text[CARD_TEXT_BYTES_MAX], print[FINGERPRINT_CHARS], other[FINGERPRINT_CHARS];
    uint8_t bytes[CARD_NOTICE_BYTES_MAX], mailed[2 * CARD_TEXT_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct desk *desk;
    struct card card;
    size_t n, m = 0;

    (void)state;
    found();
    desk = desk_make("sn", ROLE_EDGE);
    n = card_text_encode(desk->card, text);
    assert_int_equal(file_write(below("card"), span_of(text, n), 0644, true), ERR_OK);
    assert_int_equal(card_file_read(below("card"), &out, &card, print, &clause), ERR_OK);
    assert_true(span_equal(out_written(&out), desk->card));
    assert_string_equal(card.name, "sn");
    for (size_t i = 0; i < n; i++) { /* CR LF, indented, in capitals */
        if (text[i] == '\n') {
            mailed[m++] = '\r';
        }
        mailed[m++] = (uint8_t)(i > 13 && text[i] >= 'a' ? text[i] - 32 : text[i]);
        if (text[i] == '\n') {
            mailed[m++] = ' ';
        }
    }
    assert_int_equal(file_write(below("card"), span_of(mailed, m), 0644, true), ERR_OK);
    assert_int_equal(card_file_read(below("card"), NULL, &card, other, &clause), ERR_OK);
    assert_string_equal(print, other);
    for (size_t i = 0; i < n; i++) {
        char before = text[i];

        text[i] = (char)(before == '0' ? '1' : before == '\n' ? 'x' : '0');
        assert_int_equal(file_write(below("card"), span_of(text, n), 0644, true), ERR_OK);
        if (card_file_read(below("card"), NULL, &card, other, &clause) == ERR_OK) {
            fail_msg("byte %zu", i);
        }
        text[i] = before;
    }
    memcpy(text, "griot card 2", 12);
    assert_int_equal(file_write(below("card"), span_of(text, n), 0644, true), ERR_OK);
    assert_int_equal(card_file_read(below("card"), NULL, &card, other, &clause), ERR_VERSION);
    assert_int_equal(card_file_read(below("none"), NULL, &card, other, &clause), ERR_NOT_FOUND);
    assert_int_equal(card_file_read(below("root/region"), NULL, &card, other, &clause), ERR_MALFORMED);
    memset(mailed, 'a', sizeof mailed);
    assert_int_equal(file_write(below("card"), span_of(mailed, sizeof mailed), 0644, true), ERR_OK);
    assert_int_equal(card_file_read(below("card"), NULL, &card, other, &clause), ERR_MALFORMED);
    assert_non_null(clause);
}

static void a_region_file_is_read_to_the_letter(void **state)
{
    uint8_t *bytes = NULL;
    struct region_file file;
    const char *clause = NULL;
    size_t n = 0;

    (void)state;
    found_region();
    assert_int_equal(file_read(below("root/region"), 1 << 20, &bytes, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(file_write(below("cut"), span_of(bytes, i), 0644, true), ERR_OK);
        assert_int_not_equal(region_file_read(below("cut"), &file, &clause), ERR_OK);
    }
    /* A changed byte is refused, or names another region, or is in a notice that the store will refuse. */
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 0x40;
        assert_int_equal(file_write(below("bent"), span_of(bytes, n), 0644, true), ERR_OK);
        if (region_file_read(below("bent"), &file, &clause) == ERR_OK) {
            region_file_fini(&file);
        }
        bytes[i] ^= 0x40;
    }
    bytes[13] = '2';
    assert_int_equal(file_write(below("newer"), span_of(bytes, n), 0644, true), ERR_OK);
    assert_int_equal(region_file_read(below("newer"), &file, &clause), ERR_VERSION);
    assert_int_equal(region_file_read(below("none"), &file, &clause), ERR_NOT_FOUND);
    free(bytes);
}

static void a_newer_card_takes_the_place_of_an_older_one(void **state)
{
    struct region_file file;
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    (void)state;
    found_region();
    assert_int_equal(region_file_read(below("root/region"), &file, NULL), ERR_OK);
    size_t count = file.count;
    assert_int_equal(home_card_renew(&desks[0]->home, NULL, (struct wall_ms){1700000009000}), ERR_OK);
    assert_int_equal(home_card_current(&desks[0]->home, &out), ERR_OK);
    assert_int_equal(region_file_put(&file, out_written(&out), NULL), ERR_OK);
    assert_int_equal(region_file_put(&file, desks[0]->card, NULL), ERR_OK); /* the older one: left alone */
    assert_int_not_equal(region_file_put(&file, span_text("garbage"), NULL), ERR_OK);
    assert_int_equal(file.count, count);
    assert_int_equal(region_file_write(&file, below("other")), ERR_OK);
    region_file_fini(&file);
    assert_int_equal(region_file_read(below("other"), &file, NULL), ERR_OK);
    assert_int_equal(file.count, count);
    bool is_there = false;
    for (size_t i = 0; i < file.count; i++) {
        is_there = is_there || span_equal(file.notices[i], out_written(&out));
        assert_false(span_equal(file.notices[i], desks[0]->card));
    }
    assert_true(is_there);
    region_file_fini(&file);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static int start(void **state)
{
    (void)state;
    return crypto_start() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_region_is_founded_whole_or_not_at_all),
        IN_FOLDER(a_roster_is_signed_by_exactly_the_threshold_and_every_node_believes_it),
        IN_FOLDER(a_roster_that_must_not_be_is_not_signed),
        IN_FOLDER(a_region_without_a_hub_is_not_signed),
        IN_FOLDER(the_first_hub_proposes_and_the_second_completes),
        IN_FOLDER(two_who_propose_at_once_complete_it_together),
        IN_FOLDER(who_must_not_be_admitted_is_not),
        IN_FOLDER(a_roster_allows_a_hub_so_many_admissions),
        IN_FOLDER(one_hub_suspends_and_everybody_sees_who_whom_and_why),
        IN_FOLDER(who_must_not_suspend_or_be_suspended_is_refused),
        IN_FOLDER(a_roster_allows_a_hub_so_many_suspensions),
        IN_FOLDER(the_cut_is_what_the_hub_last_told),
        IN_FOLDER(the_root_lifts_a_suspension_or_removes_the_node),
        IN_FOLDER(notices_join_in_any_order),
        IN_FOLDER(what_is_not_good_is_left_out_and_named),
        IN_FOLDER(another_region_is_not_joined),
        IN_FOLDER(a_card_file_survives_mail_and_no_change),
        IN_FOLDER(a_region_file_is_read_to_the_letter),
        IN_FOLDER(a_newer_card_takes_the_place_of_an_older_one),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}

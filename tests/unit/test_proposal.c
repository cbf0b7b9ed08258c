/* The ceremony without its terminal: root keys in folders of their own, proposals, signatures, and what becomes of them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"
#include "node/root.h"
#include "tests/lib/region.h"

enum { HUB_A, HUB_B, EDGE, JOINER, OTHER, HUBS = 1 << HUB_A | 1 << HUB_B, FIRST = HUBS | 1 << EDGE };

static struct region region;
static char work[64];
static struct secret *key;
static struct unlock unlock;
static struct span notices[64]; /* of the region file at hand */
static size_t notice_count;
static struct hash first, second;

static const char *below(const char *name)
{
    static char paths[4][PATH_MAX];
    static int turn;
    char *path = paths[turn++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", work, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    snprintf(work, sizeof work, "/tmp/test_proposal.XXXXXX");
    assert_non_null(mkdtemp(work));
    key = secret_random(32);
    unlock = (struct unlock){.key = key};
    notice_count = 0;
    notices[notice_count++] = region.charter;
    notices[notice_count++] = region_roster(&region, &(struct region_roster){.number = 1, .members = FIRST}, &first);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secret_destroy(&key);
    region_fini(&region);
    file_remove_tree(work);
    return 0;
}

static struct region_file file_now(void)
{
    struct region_file file;

    assert_int_equal(region_file_new(region.charter, &file, NULL), ERR_OK);
    for (size_t i = 1; i < notice_count; i++) {
        assert_int_equal(region_file_put(&file, notices[i], NULL), ERR_OK);
    }
    return file;
}

static enum err make(const struct proposal_plan *plan, struct proposal *ret)
{
    struct region_file file = file_now();
    const char *why = NULL;
    enum err err = proposal_make(&file, plan, ret, &why);

    assert_int_equal(file.count, 0); /* taken */
    if (err != ERR_OK) {
        assert_non_null(why);
    }
    return err;
}

static struct proposal must_make(struct proposal_plan plan)
{
    struct proposal proposal;

    plan.now = (struct wall_ms){1700000000000};
    assert_int_equal(make(&plan, &proposal), ERR_OK);
    return proposal;
}

/* Without syncing: many of them are written. */
static void put(const char *name, struct span bytes)
{
    FILE *file = fopen(below(name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, file), bytes.n);
    fclose(file);
}

/* The n-th change of a kind, or NULL. The array lives until the next call. */
static const struct proposal_change *change(const struct proposal *proposal, enum proposal_change_kind kind, size_t n, size_t *ret_count)
{
    static struct proposal_change *changes;
    size_t count = 0;

    free(changes);
    changes = NULL;
    assert_int_equal(proposal_changes(proposal, &changes, &count), ERR_OK);
    if (ret_count != NULL) {
        *ret_count = count;
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind == kind && n-- == 0) {
            return &changes[i];
        }
    }
    return NULL;
}

static bool is_member(const struct proposal *proposal, size_t node)
{
    for (uint32_t i = 0; i < proposal->roster.member_count; i++) {
        if (node_id_equal(&proposal->roster.members[i].node, &region.nodes[node].id)) {
            return true;
        }
    }
    return false;
}

static const struct cut *cut_of(const struct proposal *proposal, size_t node)
{
    for (uint32_t i = 0; i < proposal->roster.cut_count; i++) {
        if (node_id_equal(&proposal->roster.cuts[i].node, &region.nodes[node].id)) {
            return &proposal->roster.cuts[i];
        }
    }
    return NULL;
}

static const struct cut *must_cut(const struct proposal *proposal, size_t node)
{
    static const struct cut none = {.head_count = 9999};
    const struct cut *cut = cut_of(proposal, node);

    return cut == NULL ? &none : cut;
}

/* ---- root keys ---- */

static void a_key_signs_one_roster_of_a_number_and_for_one_region(void **state)
{
    struct region_id elsewhere = {{9}};
    struct sign_public public, read;
    struct root_key root;
    struct root_signature a, again;
    const char *why = NULL;
    struct span one = span_text("one roster"), other = span_text("another roster");

    (void)state;
    assert_int_equal(root_key_create(below("no/key"), &unlock, NULL, &public), ERR_NOT_FOUND);
    assert_int_equal(root_key_create(below("key"), &unlock, NULL, &public), ERR_OK);
    assert_int_equal(root_key_create(below("key"), &unlock, NULL, &public), ERR_EXISTS);
    assert_int_equal(root_key_read(below("key/public"), &read, &why), ERR_OK);
    assert_memory_equal(read.b, public.b, sizeof read.b);
    assert_int_equal(root_key_open(below("key"), &unlock, &root), ERR_OK);
    assert_memory_equal(root.public.b, public.b, sizeof public.b);
    assert_false(root.has_region);
    assert_int_equal(root_key_sign(&root, &region.id, 5, one, false, &a, &why), ERR_OK);
    assert_int_equal(sign_check(SIGN_ROSTER, &region.id, one, &public, &a.signature), ERR_OK);
    assert_int_equal(root_key_sign(&root, &region.id, 5, other, false, &again, &why), ERR_OK); /* nothing has left yet */
    assert_int_equal(root_key_remember(&root, &a), ERR_OK);
    root_key_close(&root);

    assert_int_equal(root_key_open(below("key"), &unlock, &root), ERR_OK); /* and so it stays */
    assert_true(root.has_region);
    assert_int_equal(root_key_sign(&root, &region.id, 5, one, false, &again, &why), ERR_OK);
    assert_memory_equal(a.signature.b, again.signature.b, sizeof a.signature.b);
    assert_int_equal(root_key_sign(&root, &region.id, 5, other, false, &again, &why), ERR_EXISTS);
    assert_int_equal(root_key_sign(&root, &region.id, 4, other, false, &again, &why), ERR_STALE);
    assert_int_equal(root_key_sign(&root, &elsewhere, 6, other, false, &again, &why), ERR_REGION);
    assert_int_equal(root_key_sign(&root, &elsewhere, 6, other, true, &again, &why), ERR_REGION);
    assert_int_equal(root_key_sign(&root, &region.id, 6, other, false, &again, &why), ERR_OK);
    assert_int_equal(root_key_sign(&root, &region.id, 5, other, true, &again, &why), ERR_OK);
    assert_int_equal(root_key_remember(&root, &again), ERR_OK);
    assert_int_equal(root_key_sign(&root, &region.id, 5, one, false, &again, &why), ERR_EXISTS);
    root_key_close(&root);
    file_remove_tree(below("key/root"));
    assert_int_equal(root_key_open(below("key"), &unlock, &root), ERR_CORRUPT);
    assert_int_equal(root_key_open(below("nothing"), &unlock, &root), ERR_NOT_FOUND);

    assert_int_equal(root_key_create(below("bound"), &unlock, &elsewhere, &public), ERR_OK);
    assert_int_equal(root_key_open(below("bound"), &unlock, &root), ERR_OK);
    assert_int_equal(root_key_sign(&root, &region.id, 1, one, false, &again, &why), ERR_REGION);
    root_key_close(&root);
}

static void key_and_signature_files_are_the_golden_ones_and_no_other(void **state)
{
    static const struct {
        const char *what, *text;
        enum err expected;
    } rows[] = {
        {"empty", "", ERR_MALFORMED},
        {"another file", "griot card 1\nb1\n", ERR_MALFORMED},
        {"newer", "griot root key 2\n", ERR_VERSION},
        {"no key", "griot root key 1\n", ERR_MALFORMED},
        {"no fingerprint", "griot root key 1\nb1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1\n", ERR_MALFORMED},
        {"31 bytes", "griot root key 1\nb1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1\nfingerprint aaaa-aaaa-aaaa-aaaa-aaaa\n", ERR_MALFORMED},
        {"another key's fingerprint", "griot root key 1\nb1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1\nfingerprint aaaa-aaaa-aaaa-aaaa-aaaa\n", ERR_BADHASH},
    };
    struct root_signature signature = {.number = 2}, back;
    struct sign_public public;
    char text[ROOT_TEXT_BYTES_MAX];
    uint8_t *golden = NULL;
    const char *why = NULL;
    size_t n = 0;

    (void)state;
    assert_int_equal(root_key_read("tests/golden/root_key.txt", &public, &why), ERR_OK);
    memset(signature.region.b, 0x11, sizeof signature.region.b);
    memset(signature.roster.b, 0x22, sizeof signature.roster.b);
    memset(signature.key.b, 0xb1, sizeof signature.key.b);
    memset(signature.signature.b, 0x55, sizeof signature.signature.b);
    assert_memory_equal(public.b, signature.key.b, sizeof public.b);
    assert_int_equal(file_read("tests/golden/root_signature.txt", sizeof text, &golden, &n), ERR_OK);
    assert_int_equal(root_signature_encode(&signature, text), n);
    assert_memory_equal(text, golden, n);
    assert_int_equal(root_signature_read("tests/golden/root_signature.txt", &back, &why), ERR_OK);
    assert_memory_equal(&back, &signature, sizeof back);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(file_write(below("key.txt"), span_text(rows[i].text), 0644, true), ERR_OK);
        if (root_key_read(below("key.txt"), &public, &why) != rows[i].expected) {
            fail_msg("%s", rows[i].what);
        }
    }
    for (size_t cut = 0; cut + 1 < n; cut++) { /* the last byte is a line end */
        put("signature.txt", span_of(golden, cut));
        assert_int_not_equal(root_signature_read(below("signature.txt"), &back, &why), ERR_OK);
    }
    assert_int_equal(root_signature_read(below("nothing"), &back, &why), ERR_NOT_FOUND);
    free(golden);
}

/* ---- making ---- */

static void the_next_roster_keeps_confirms_and_adds(void **state)
{
    struct span card = {NULL, 0};
    struct proposal proposal;
    const struct proposal_change *c;
    size_t count;

    (void)state;
    proposal = must_make((struct proposal_plan){0});
    assert_int_equal(proposal.roster.number, 2);
    assert_true(hash_equal(&proposal.roster.previous, &first));
    assert_int_equal(proposal.roster.member_count, 3);
    assert_int_equal(proposal.roster.profile, PROFILE_SANDBOX); /* kept */
    assert_null(change(&proposal, CHANGE_JOINS, 0, &count));
    assert_int_equal(count, 0);
    proposal_fini(&proposal);
    /* Whom two hubs have admitted, and a card. */
    notices[notice_count++] = region_admit(&region, HUB_A, 1, &first, 1, JOINER);
    proposal = must_make((struct proposal_plan){0});
    assert_false(is_member(&proposal, JOINER)); /* one is not enough */
    proposal_fini(&proposal);
    notices[notice_count++] = region_admit(&region, HUB_B, 1, &first, 1, JOINER);
    notices[notice_count++] = region_card(&region, JOINER, 1);
    card = region_card(&region, OTHER, 1);
    proposal = must_make((struct proposal_plan){.cards = &card, .card_count = 1});
    assert_true(is_member(&proposal, JOINER) && is_member(&proposal, OTHER));
    c = change(&proposal, CHANGE_JOINS, 0, &count);
    assert_non_null(c);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        c = change(&proposal, CHANGE_JOINS, i, NULL);
        assert_int_equal(c->is_admitted, node_id_equal(&c->node, &region.nodes[JOINER].id));
        assert_int_equal(strlen(c->print), FINGERPRINT_CHARS - 1);
    }
    proposal_fini(&proposal);
    /* The root need not agree with the hubs. */
    const char *const joiner[] = {region.nodes[JOINER].name, NULL};
    proposal = must_make((struct proposal_plan){.removed = joiner});
    assert_false(is_member(&proposal, JOINER));
    assert_non_null(cut_of(&proposal, JOINER));
    proposal_fini(&proposal);
}

static void suspensions_go_on_end_or_become_a_cut(void **state)
{
    struct head high = {{{1}}, 9, 0, {{1}}}, low = {{{1}}, 7, 0, {{2}}}, both[2] = {{{{1}}, 8, 0, {{3}}}, {{{2}}, 5, 0, {{4}}}};
    const char *const edge[] = {region.nodes[EDGE].name, NULL}, *const nobody[] = {"nobody", NULL};
    struct proposal proposal;
    struct proposal_plan plan = {0};

    (void)state;
    notices[notice_count++] = region_suspend(&region, HUB_A, 1, &first, 1, EDGE, &high, 1);
    proposal = must_make((struct proposal_plan){0});
    assert_true(is_member(&proposal, EDGE));
    assert_null(cut_of(&proposal, EDGE));
    assert_non_null(change(&proposal, CHANGE_SUSPENDED, 0, NULL));
    proposal_fini(&proposal);
    proposal = must_make((struct proposal_plan){.lifted = edge});
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 0);
    assert_non_null(change(&proposal, CHANGE_LIFTED, 0, NULL));
    assert_null(change(&proposal, CHANGE_CUT, 0, NULL));
    proposal_fini(&proposal);
    proposal = must_make((struct proposal_plan){.removed = edge});
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 1);
    assert_int_equal(must_cut(&proposal, EDGE)->heads[0].seq, 9);
    assert_non_null(change(&proposal, CHANGE_LEAVES, 0, NULL));
    assert_int_equal(change(&proposal, CHANGE_CUT, 0, NULL)->logs, 1);
    proposal_fini(&proposal);
    /* Of several the lowest; a log that one of them does not name ends at its birth. */
    notices[notice_count++] = region_suspend(&region, HUB_B, 1, &first, 1, EDGE, both, 2);
    proposal = must_make((struct proposal_plan){.removed = edge});
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 1);
    assert_int_equal(must_cut(&proposal, EDGE)->heads[0].seq, 8);
    proposal_fini(&proposal);
    /* An act that verifies nowhere names nothing, whoever put it into the file. */
    struct secret *secret = region.nodes[HUB_A].secret;
    region.nodes[HUB_A].secret = region.nodes[EDGE].secret;
    notices[notice_count++] = region_suspend(&region, HUB_A, 1, &first, 2, EDGE, &low, 1);
    region.nodes[HUB_A].secret = secret;
    proposal = must_make((struct proposal_plan){.removed = edge});
    assert_int_equal(must_cut(&proposal, EDGE)->heads[0].seq, 8);
    proposal_fini(&proposal);
    plan.removed = nobody;
    assert_int_equal(make(&plan, &proposal), ERR_NOT_FOUND);
    plan = (struct proposal_plan){.lifted = nobody};
    assert_int_equal(make(&plan, &proposal), ERR_NOT_FOUND);
    plan = (struct proposal_plan){.lifted = edge, .removed = edge};
    assert_int_equal(make(&plan, &proposal), ERR_INVALID);
}

static void a_new_identity_key_comes_with_a_cut_that_later_rosters_keep(void **state)
{
    struct secret *old = region.nodes[EDGE].secret;
    struct sign_public old_public = region.nodes[EDGE].identity;
    struct head head = {{{1}}, 9, 0, {{1}}}, cut;
    const char *const edge[] = {region.nodes[EDGE].name, NULL};
    struct proposal proposal;
    struct proposal_plan plan = {0};
    struct span card, same = region_card(&region, EDGE, NUMBER_MAX), stranger = region_card(&region, JOINER, 1);

    (void)state;
    notices[notice_count++] = region_suspend(&region, HUB_A, 1, &first, 1, EDGE, &head, 1);
    notices[notice_count++] = same; /* whoever has the old key may give its card any number */
    plan.identity_count = 1;
    plan.identities = &same;
    assert_int_equal(make(&plan, &proposal), ERR_EXISTS); /* the key it has already */
    plan.identities = &stranger;
    assert_int_equal(make(&plan, &proposal), ERR_NOT_FOUND);
    assert_int_equal(sign_keypair(&region.nodes[EDGE].identity, &region.nodes[EDGE].secret), ERR_OK);
    card = region_card(&region, EDGE, 2);
    plan = (struct proposal_plan){.cards = &card, .card_count = 1};
    assert_int_equal(make(&plan, &proposal), ERR_EXISTS); /* not as any card */
    plan = (struct proposal_plan){.identities = &card, .identity_count = 1, .removed = edge};
    assert_int_equal(make(&plan, &proposal), ERR_NOT_FOUND);
    proposal = must_make((struct proposal_plan){.identities = &card, .identity_count = 1});
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 1);
    assert_int_equal(strlen(change(&proposal, CHANGE_IDENTITY, 0, NULL)->print), FINGERPRINT_CHARS - 1);
    assert_non_null(change(&proposal, CHANGE_LIFTED, 0, NULL));
    assert_int_equal(change(&proposal, CHANGE_CUT, 0, NULL)->logs, 1);
    size_t cards = 0; /* the old card has gone out of the file */
    for (size_t i = 0; i < proposal.region.count; i++) {
        cards += span_equal(proposal.region.notices[i], same);
    }
    assert_int_equal(cards, 0);
    proposal_fini(&proposal);
    /* Signed, it rules the old key's logs for good: later rosters that lift the node again, or remove it, keep that cut. */
    notices[notice_count++] = region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = FIRST, .cut = 1 << EDGE, .heads = &head, .head_count = 1}, &second);
    proposal = must_make((struct proposal_plan){0});
    assert_null(cut_of(&proposal, EDGE)); /* to name it would end its next suspension */
    proposal_fini(&proposal);
    proposal = must_make((struct proposal_plan){.lifted = edge});
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 1);
    assert_true(membership_cut(proposal.membership, &region.nodes[EDGE].id, &old_public, &head.log, &cut));
    assert_int_equal(cut.seq, 9);
    proposal_fini(&proposal);
    proposal = must_make((struct proposal_plan){.removed = edge});
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 1);
    proposal_fini(&proposal);
    secret_destroy(&old);
}

/* A hub's region file knows a card by the new key; the root's own file has one by the old key, with the highest counter there is. */
static void a_card_by_the_newest_key_displaces_any_other(void **state)
{
    struct secret *old = region.nodes[EDGE].secret;
    struct span old_card = region_card(&region, EDGE, NUMBER_MAX), new_card;
    struct proposal_plan plan = {.now = {1}};
    struct region_file file, other;
    struct proposal proposal;
    const char *why = NULL;
    size_t olds = 0, news = 0;

    (void)state;
    assert_int_equal(sign_keypair(&region.nodes[EDGE].identity, &region.nodes[EDGE].secret), ERR_OK);
    new_card = region_card(&region, EDGE, 2);
    assert_int_equal(mkdir(below("dir"), 0700), 0);
    notices[notice_count++] = old_card;
    file = file_now();
    assert_int_equal(region_file_write(&file, below("dir/region")), ERR_OK);
    region_file_fini(&file);
    notices[notice_count - 1] = new_card;
    notices[notice_count++] = region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = FIRST, .cut = 1 << EDGE}, &second);
    other = file_now();
    assert_int_equal(region_file_write(&other, below("hub")), ERR_OK);
    region_file_fini(&other);
    assert_int_equal(root_propose(below("dir"), below("hub"), &plan, &proposal, &why), ERR_OK);
    assert_int_equal(proposal.roster.number, 3);
    for (size_t i = 0; i < proposal.region.count; i++) {
        olds += span_equal(proposal.region.notices[i], old_card);
        news += span_equal(proposal.region.notices[i], new_card);
    }
    assert_int_equal(olds, 0);
    assert_int_equal(news, 1);
    proposal_fini(&proposal);
    /* And the other way round: what the root has is not lost to what a hub with an old key sends. */
    assert_int_equal(rename(below("hub"), below("new")), 0);
    assert_int_equal(rename(below("dir/region"), below("hub")), 0);
    assert_int_equal(rename(below("new"), below("dir/region")), 0);
    assert_int_equal(root_propose(below("dir"), below("hub"), &plan, &proposal, &why), ERR_OK);
    news = 0;
    for (size_t i = 0; i < proposal.region.count; i++) {
        news += span_equal(proposal.region.notices[i], new_card);
    }
    assert_int_equal(news, 1);
    proposal_fini(&proposal);
    assert_int_equal(root_propose(below("nowhere"), NULL, &plan, &proposal, &why), ERR_NOT_FOUND);
    secret_destroy(&old);
}

static void root_keys_are_added_dropped_and_counted(void **state)
{
    struct sign_public new_keys[CHARTER_KEYS_MAX];
    struct secret *secrets[CHARTER_KEYS_MAX];
    struct proposal proposal;
    struct proposal_signers signers;

    (void)state;
    for (size_t i = 0; i < CHARTER_KEYS_MAX; i++) {
        assert_int_equal(sign_keypair(&new_keys[i], &secrets[i]), ERR_OK);
    }
    const struct {
        const char *what;
        struct proposal_plan plan;
        enum err expected;
        uint32_t count, threshold;
    } rows[] = {
        {"one more", {.new_keys = new_keys, .new_key_count = 1}, ERR_OK, 6, 3},
        {"one less", {.dropped_keys = 1 << 4}, ERR_OK, 4, 3},
        {"one in another's place", {.new_keys = new_keys, .new_key_count = 1, .dropped_keys = 1 << 2}, ERR_OK, 5, 3},
        {"all others", {.new_keys = new_keys, .new_key_count = 3, .dropped_keys = 31, .threshold = 2}, ERR_OK, 3, 2},
        {"15", {.new_keys = new_keys, .new_key_count = 10}, ERR_OK, 15, 3},
        {"16", {.new_keys = new_keys, .new_key_count = 11}, ERR_LIMIT, 0, 0},
        {"a lower threshold", {.threshold = 1}, ERR_OK, 5, 1},
        {"as many as there are", {.threshold = 5}, ERR_OK, 5, 5},
        {"one too many", {.threshold = 6}, ERR_INVALID, 0, 0},
        {"fewer than must sign", {.dropped_keys = 7}, ERR_INVALID, 0, 0},
        {"place 6 of five", {.dropped_keys = 1 << 5}, ERR_NOT_FOUND, 0, 0},
        {"one that is there", {.new_keys = region.root, .new_key_count = 1}, ERR_EXISTS, 0, 0},
        {"one that is there, in its own place", {.new_keys = region.root, .new_key_count = 1, .dropped_keys = 1}, ERR_EXISTS, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err err = make(&rows[i].plan, &proposal);

        if (err != rows[i].expected) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
        if (err == ERR_OK) {
            proposal_signers(&proposal, &signers);
            assert_int_equal(signers.before_count, 5);
            assert_int_equal(signers.before_threshold, 3);
            assert_int_equal(signers.after_count, rows[i].count);
            assert_int_equal(signers.after_threshold, rows[i].threshold);
            proposal_fini(&proposal);
        }
    }
    proposal = must_make((struct proposal_plan){.new_keys = new_keys, .new_key_count = 1, .dropped_keys = 1 << 2, .threshold = 4});
    assert_memory_equal(proposal.roster.keys[2].b, new_keys[0].b, sizeof new_keys[0].b);
    assert_int_equal(proposal_key_number(&proposal, &new_keys[0]), 2);
    assert_int_equal(proposal_key_number(&proposal, &region.root[2]), CHARTER_KEYS_MAX + 2);
    assert_int_equal(proposal_key_number(&proposal, &region.root[3]), 3);
    assert_int_equal(proposal_key_number(&proposal, &new_keys[1]), UINT32_MAX);
    assert_int_equal(change(&proposal, CHANGE_KEY_ADDED, 0, NULL)->place, 3);
    assert_int_equal(change(&proposal, CHANGE_KEY_DROPPED, 0, NULL)->place, 3);
    assert_int_equal(change(&proposal, CHANGE_THRESHOLD, 0, NULL)->after, 4);
    proposal_fini(&proposal);
    for (size_t i = 0; i < CHARTER_KEYS_MAX; i++) {
        secret_destroy(&secrets[i]);
    }
}

static void two_rosters_of_one_number_are_named_and_settled(void **state)
{
    struct head head = {{{1}}, 9, 0, {{1}}};
    struct proposal proposal;

    (void)state;
    notices[notice_count++] = region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = FIRST | 1 << OTHER, .salt = 1}, NULL);
    notices[notice_count++] = region_roster(
        &region, &(struct region_roster){.number = 2, .previous = first, .members = FIRST & ~(1 << EDGE), .cut = 1 << EDGE, .heads = &head, .head_count = 1, .salt = 2}, NULL);
    proposal = must_make((struct proposal_plan){0});
    assert_int_equal(proposal.roster.number, 3);
    assert_false(is_member(&proposal, EDGE));  /* a removal of either holds */
    assert_false(is_member(&proposal, OTHER)); /* an admission of neither */
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 1);
    assert_int_equal(strlen(change(&proposal, CHANGE_SETTLES, 0, NULL)->text), 2 * FINGERPRINT_CHARS - 1);
    assert_int_equal(change(&proposal, CHANGE_SETTLES, 0, NULL)->before, 2);
    struct span card = region_card(&region, EDGE, 1); /* it may be brought back in the same breath */
    struct proposal back = must_make((struct proposal_plan){.cards = &card, .card_count = 1});
    assert_true(is_member(&back, EDGE));
    assert_null(cut_of(&back, EDGE));
    proposal_fini(&back);
    proposal_fini(&proposal);
}

/* ---- what signers are shown ---- */

/* Whatever the maker of a proposal puts into the roster beside what he says: it is shown. */
static void nothing_in_a_roster_goes_unsaid(void **state)
{
    static const char *const whats[] = {"a role", "a name", "an identity key", "somebody out",  "somebody in", "a root key", "a root key less",
                                        "a root key more", "a threshold", "a profile", "a protocol", "a cut",     "a cut of somebody in"};
    struct proposal proposal = must_make((struct proposal_plan){0});
    static struct cut cut;

    (void)state;
    for (size_t i = 0; i < sizeof whats / sizeof whats[0]; i++) {
        struct roster kept = proposal.roster, *r = &proposal.roster;
        struct member members[4];
        size_t count = 0;

        memcpy(members, r->members, 3 * sizeof members[0]);
        memset(&members[3], 0xee, sizeof members[3]);
        members[3].role = ROLE_EDGE;
        memcpy(members[3].name, "eve", 4);
        r->members = members;
        memset(&cut, 0, sizeof cut);
        switch (i) {
        case 0: members[2].role = ROLE_HUB; break;
        case 1: memcpy(members[1].name, "eve", 4); break;
        case 2: members[0].identity.b[4] ^= 1; break;
        case 3: r->member_count--; break;
        case 4: r->member_count++; break;
        case 5: r->keys[4].b[1] ^= 1; break;
        case 6: r->key_count--; break;
        case 7: memset(r->keys[r->key_count++].b, 7, 32); break;
        case 8: r->threshold--; break;
        case 9: r->profile = PROFILE_METERED; break;
        case 10: r->protocol_min = 0; break;
        case 11: cut.node.b[0] = 1; break; /* of nobody known */
        default: cut.node = region.nodes[HUB_A].id; break;
        }
        if (i >= 11) {
            r->cuts = &cut;
            r->cut_count = 1;
        }
        (void)change(&proposal, CHANGE_SETTLES, 0, &count);
        if (count == 0) {
            fail_msg("%s goes unsaid", whats[i]);
        }
        *r = kept;
    }
    proposal_fini(&proposal);
}

static void a_cut_is_extended_and_never_lowered(void **state)
{
    struct head head = {{{1}}, 9, 0, {{1}}};
    static struct extension extension;
    struct proposal proposal;
    struct proposal_plan plan = {.extensions = &extension, .extension_count = 1};
    const char *const edge[] = {region.nodes[EDGE].name, NULL};

    (void)state;
    extension = (struct extension){.region = region.id, .cut = {.node = region.nodes[EDGE].id, .head_count = 2, .heads = {{{{1}}, 8, 0, {{7}}}, {{{2}}, 4, 0, {{8}}}}}};
    assert_int_equal(make(&plan, &proposal), ERR_INVALID); /* it is in */
    plan.removed = edge;
    notices[notice_count++] = region_suspend(&region, HUB_A, 1, &first, 1, EDGE, &head, 1);
    proposal = must_make(plan); /* in the roster that removes it */
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 2);
    assert_int_equal(must_cut(&proposal, EDGE)->heads[0].seq, 9); /* not lowered */
    assert_int_equal(must_cut(&proposal, EDGE)->heads[1].seq, 4);
    proposal_fini(&proposal);
    notices[notice_count++] = region_roster(&region,
                                            &(struct region_roster){.number = 2, .previous = first, .members = FIRST & ~(1u << EDGE), .cut = 1 << EDGE, .heads = &head, .head_count = 1}, &second);
    plan.removed = NULL;
    extension.cut.heads[0].seq = 12;
    proposal = must_make(plan); /* or in any later one, which need not say the cut again */
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, 2);
    assert_int_equal(must_cut(&proposal, EDGE)->heads[0].seq, 12);
    assert_int_equal(must_cut(&proposal, EDGE)->heads[0].hash.b[0], 7);
    assert_int_equal(change(&proposal, CHANGE_CUT, 0, NULL)->logs, 2);
    proposal_fini(&proposal);
    extension.cut.head_count = CUT_HEADS_MAX; /* with the one that is named already it is one too many */
    for (uint32_t i = 0; i < CUT_HEADS_MAX; i++) {
        extension.cut.heads[i] = (struct head){{{2, (uint8_t)(i >> 8), (uint8_t)i}}, 1, 0, {{1}}};
    }
    assert_int_equal(make(&plan, &proposal), ERR_OVERSIZE);
    extension.cut.head_count--;
    proposal = must_make(plan);
    assert_int_equal(must_cut(&proposal, EDGE)->head_count, CUT_HEADS_MAX);
    proposal_fini(&proposal);
    extension.cut.node = region.nodes[JOINER].id;
    assert_int_equal(make(&plan, &proposal), ERR_NOT_FOUND); /* nobody's */
    extension.cut.node = region.nodes[EDGE].id;
    extension.region.b[0] ^= 1;
    assert_int_equal(make(&plan, &proposal), ERR_REGION);
}

/* ---- the file ---- */

static void a_proposal_file_is_the_golden_one_and_survives_no_change(void **state)
{
    struct proposal proposal, back;
    const char *why = NULL;
    char line[256];
    uint8_t bytes[2048], *copy = NULL;
    size_t n = 0, written = 0;
    FILE *golden = fopen("tests/golden/proposal.hex", "r");

    (void)state;
    assert_non_null(golden);
    while (fgets(line, sizeof line, golden) != NULL) {
        size_t half = strcspn(line, "\n") / 2;

        line[2 * half] = '\0';
        if (line[0] != '#') {
            assert_true(n + half <= sizeof bytes && hex_decode(line, bytes + n, half));
            n += half;
        }
    }
    fclose(golden);
    assert_int_equal(file_write(below("golden"), span_of(bytes, n), 0644, true), ERR_OK);
    assert_int_equal(proposal_read(below("golden"), &proposal, &why), ERR_OK);
    assert_int_equal(proposal.roster.number, 1);
    assert_int_equal(proposal.roster.member_count, 2);
    assert_int_equal(proposal.roster.members[1].role, ROLE_OBSERVER);
    assert_int_equal(proposal_write(&proposal, below("again")), ERR_OK);
    assert_int_equal(file_read(below("again"), 1 << 20, &copy, &written), ERR_OK);
    assert_true(span_equal(span_of(copy, written), span_of(bytes, n)));
    free(copy);
    for (size_t at = 0; at < n; at++) {
        bytes[at] ^= (uint8_t)(1u << at % 8);
        put("bent", span_of(bytes, n));
        if (proposal_read(below("bent"), &back, &why) == ERR_OK) {
            fail_msg("byte %zu", at);
        }
        bytes[at] ^= (uint8_t)(1u << at % 8);
        put("bent", span_of(bytes, at));
        assert_int_not_equal(proposal_read(below("bent"), &back, &why), ERR_OK);
    }
    proposal_fini(&proposal);
}

static void a_proposal_follows_the_last_roster_or_is_refused(void **state)
{
    struct proposal proposal = must_make((struct proposal_plan){0}), back;
    struct region other;
    struct region_file file;
    const char *why = NULL;

    (void)state;
    assert_int_equal(proposal_write(&proposal, below("proposal")), ERR_OK);
    assert_int_equal(proposal_read(below("proposal"), &back, &why), ERR_OK);
    assert_string_equal(back.fingerprint, proposal.fingerprint);
    proposal_fini(&back);
    file = file_now();
    assert_int_equal(proposal_follows(&proposal, &file, &why), ERR_OK);
    region_file_fini(&file);
    notice_count = 1; /* a region file that has not heard of roster 1 */
    file = file_now();
    assert_int_equal(proposal_follows(&proposal, &file, &why), ERR_CHAIN);
    region_file_fini(&file);
    notice_count = 2;
    notices[notice_count++] = region_roster(&region, &(struct region_roster){.number = 2, .previous = first, .members = FIRST}, &second);
    file = file_now();
    assert_int_equal(proposal_follows(&proposal, &file, &why), ERR_STALE);
    region_file_fini(&file);
    region_init(&other, 2);
    assert_int_equal(region_file_new(other.charter, &file, NULL), ERR_OK);
    assert_int_equal(proposal_follows(&proposal, &file, &why), ERR_REGION);
    region_file_fini(&file);
    region_fini(&other);
    /* One whose own file holds its number already. */
    assert_int_equal(region_file_put(&proposal.region, notices[2], NULL), ERR_OK);
    assert_int_equal(proposal_write(&proposal, below("proposal")), ERR_OK);
    assert_int_equal(proposal_read(below("proposal"), &back, &why), ERR_STALE);
    proposal_fini(&proposal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_key_signs_one_roster_of_a_number_and_for_one_region),
        TEST(key_and_signature_files_are_the_golden_ones_and_no_other),
        TEST(the_next_roster_keeps_confirms_and_adds),
        TEST(suspensions_go_on_end_or_become_a_cut),
        TEST(a_new_identity_key_comes_with_a_cut_that_later_rosters_keep),
        TEST(a_card_by_the_newest_key_displaces_any_other),
        TEST(root_keys_are_added_dropped_and_counted),
        TEST(two_rosters_of_one_number_are_named_and_settled),
        TEST(nothing_in_a_roster_goes_unsaid),
        TEST(a_cut_is_extended_and_never_lowered),
        TEST(a_proposal_file_is_the_golden_one_and_survives_no_change),
        TEST(a_proposal_follows_the_last_roster_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

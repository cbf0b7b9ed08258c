/* T34: nobody is talked into an older version, an older roster, an older key or a weaker cipher. Thirty cases, each refused, by name. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/net/session.h"
#include "proto/pack.h"
#include "tests/lib/gates.h"
#include "tests/lib/home.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum { HUB, OTHER_HUB, EDGE, SECOND_EDGE, MEMBERS = 0xf };

static struct region region;
static struct home home;
static struct unpack *unpack;
static struct hash roster;
static unsigned cases;

static void expect(const char *what, enum err got, enum err wanted, const char *const *clause)
{
    if (got != wanted || *clause == NULL) {
        fail_msg("%s: %s, %s", what, err_name(got), *clause == NULL ? "without a clause" : *clause);
    }
    cases++;
}

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    home_init(&home, &region, HUB);
    home_found(&home, &region, MEMBERS, &roster);
    unpack = unpack_new();
    assert_non_null(unpack);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unpack_destroy(&unpack);
    home_fini(&home);
    region_fini(&region);
    return 0;
}

static enum err admit_notice(struct span bytes, struct span heads, const char **clause)
{
    struct notice_ref ref;
    bool is_new;
    assert_int_equal(store_begin(home.store), ERR_OK);
    enum err err = store_admit_notice(home.store, bytes, 0, heads, &ref, &is_new, clause);
    assert_int_equal(store_commit(home.store), ERR_OK);
    return err;
}

/* The version is the second byte of every signed object: an array of up to 15 items, then a small number. */
static struct span with_version(struct span body, uint8_t version)
{
    static uint8_t mem[NOTICE_BYTES_MAX];
    memcpy(mem, body.p, body.n);
    assert_int_equal(mem[1], FORMAT_VERSION);
    mem[1] = version;
    return span_of(mem, body.n);
}

static void signed_objects_of_another_version(void **state)
{
    struct span heads, none = {NULL, 0};
    struct notice notice;
    const char *clause;
    struct head head = {.seq = 1, .entries = 1};
    (void)state;
    const struct {
        const char *what;
        struct span bytes, heads;
        enum sign_purpose purpose;
        const struct secret *key;
    } rows[] = {
        {"act", region_admit(&region, HUB, 1, &roster, 1, 5), none, SIGN_ACT, region.nodes[HUB].secret},
        {"card", region_card(&region, EDGE, 9), none, SIGN_CARD, region.nodes[EDGE].secret},
        {"frontier", region_frontier(&region, EDGE, 9, &head, 1, &heads), heads, SIGN_FRONTIER, region.nodes[EDGE].secret},
        {"roster", region_roster(&region, &(struct region_roster){.number = 2, .previous = roster, .members = MEMBERS}, NULL), none, SIGN_ROSTER, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (uint8_t version = 0; version <= FORMAT_VERSION + 1; version += FORMAT_VERSION + 1) {
            struct span bytes;
            clause = NULL;
            assert_int_equal(notice_decode(unpack, rows[i].bytes, &notice, &clause), ERR_OK);
            if (rows[i].key != NULL) { /* signed by its own author, who knows better */
                bytes = region_sign(&region, notice.kind, rows[i].purpose, with_version(region_keep(&region, notice.body), version), rows[i].key);
            } else {
                uint8_t mem[4096];
                struct out out = out_into(mem, sizeof mem);
                notice.body = with_version(region_keep(&region, notice.body), version);
                for (uint32_t k = 0; k < notice.signature_count; k++) {
                    sign_make(SIGN_ROSTER, &region.id, notice.body, region.root_secret[k], &notice.signatures[k].signature);
                }
                notice_encode(&notice, &out);
                bytes = region_keep(&region, out_written(&out));
            }
            clause = NULL;
            expect(rows[i].what, admit_notice(bytes, rows[i].heads, &clause), version == 0 ? ERR_MALFORMED : ERR_VERSION, &clause);
        }
    }
}

static void births_and_commits_of_another_version(void **state)
{
    static struct commit commit;
    static uint8_t mem[COMMIT_REDUCED_BYTES_MAX + 1];
    uint8_t canonical_mem[COMMIT_CANONICAL_BYTES_MAX];
    struct region_log log;
    struct admitted admitted;
    struct span reduced;
    const char *clause = NULL;
    (void)state;
    region_log_init(&log, &region, EDGE, CHANNEL_REPORT);
    struct span birth = log.birth;
    assert_int_equal(home_admit(&home, &log.chain.log, 0, &birth, 1, &admitted), ERR_OK);
    struct chain before = log.chain;
    struct span packed = region_log_commit(&log, 1, 50);
    struct commit_packer *packer = commit_packer_new();
    assert_int_equal(commit_unpack(packer, packed, &reduced, &clause), ERR_OK);
    assert_int_equal(commit_reduced_decode(unpack, reduced, &commit, &clause), ERR_OK);
    for (uint32_t version = 0; version <= FORMAT_VERSION + 1; version += FORMAT_VERSION + 1) {
        struct out canonical = out_into(canonical_mem, sizeof canonical_mem), out = out_into(mem, sizeof mem);
        struct seg seg;
        commit.version = version;
        commit_complete(&before, &commit);
        commit_canonical(&commit, &canonical);
        sign_make(SIGN_COMMIT, &region.id, out_written(&canonical), log.key, &commit.signature);
        out_bytes(&out, &(uint8_t){0}, 1);
        commit_reduced(&commit, &out);
        seg = region_seg(&log.chain.log, 1, &(struct span){mem, out.at}, 1);
        assert_int_equal(store_begin(home.store), ERR_OK);
        clause = NULL;
        expect("commit", store_admit(home.store, &seg, &admitted, &clause), version == 0 ? ERR_MALFORMED : ERR_VERSION, &clause);
        assert_int_equal(store_commit(home.store), ERR_OK);
    }
    for (uint64_t seq = 1; seq <= 3; seq++) { /* its author knew roster 5, then says that it knows roster 4, or none */
        struct out canonical = out_into(canonical_mem, sizeof canonical_mem), out = out_into(mem, sizeof mem);
        uint64_t at = seq < 2 ? seq : 2;
        commit.version = FORMAT_VERSION;
        commit.seq = at;
        commit.roster_version = seq == 1 ? 5 : seq == 2 ? 4 : 0;
        commit_complete(&before, &commit);
        commit_canonical(&commit, &canonical);
        sign_make(SIGN_COMMIT, &region.id, out_written(&canonical), log.key, &commit.signature);
        out_bytes(&out, &(uint8_t){0}, 1);
        commit_reduced(&commit, &out);
        struct seg older = region_seg(&log.chain.log, at, &(struct span){mem, out.at}, 1);
        assert_int_equal(store_begin(home.store), ERR_OK);
        clause = NULL;
        enum err err = store_admit(home.store, &older, &admitted, &clause);
        if (seq == 1) {
            assert_int_equal(err, ERR_OK);
            commit_hash(&commit, &before.hash);
            before.seq = 1;
            before.entries = 1;
        } else {
            expect("an older roster along a log", err, ERR_CHAIN, &clause);
        }
        assert_int_equal(store_commit(home.store), ERR_OK);
    }
    mem[0] = 2; /* packed in a way that does not exist */
    struct seg seg = region_seg(&log.chain.log, 1, &(struct span){mem, 40}, 1);
    assert_int_equal(store_begin(home.store), ERR_OK);
    clause = NULL;
    expect("packing", store_admit(home.store, &seg, &admitted, &clause), ERR_MALFORMED, &clause);
    assert_int_equal(store_commit(home.store), ERR_OK);
    for (uint32_t version = 0; version <= FORMAT_VERSION + 1; version += FORMAT_VERSION + 1) {
        uint8_t birth_mem[BIRTH_BYTES_MAX], birth_canonical_mem[BIRTH_BYTES_MAX];
        struct out canonical = out_into(birth_canonical_mem, sizeof birth_canonical_mem), out = out_into(birth_mem, sizeof birth_mem);
        struct birth old;
        struct hash hash;
        struct log_id id;
        assert_int_equal(birth_decode(unpack, log.birth, &old, NULL, &clause), ERR_OK);
        old.version = version;
        birth_canonical(&old, &canonical);
        sign_make(SIGN_BIRTH, &region.id, out_written(&canonical), region.nodes[EDGE].secret, &old.signature);
        birth_encode(&old, &out);
        hash_of(HASH_BIRTH, out_written(&canonical), &hash);
        memcpy(id.b, hash.b, sizeof id.b);
        seg = region_seg(&id, 0, &(struct span){birth_mem, out.at}, 1);
        assert_int_equal(store_begin(home.store), ERR_OK);
        clause = NULL;
        expect("birth", store_admit(home.store, &seg, &admitted, &clause), version == 0 ? ERR_MALFORMED : ERR_VERSION, &clause);
        assert_int_equal(store_commit(home.store), ERR_OK);
    }
    commit_packer_destroy(&packer);
    region_log_fini(&log);
}

static void what_is_older_than_what_is_held(void **state)
{
    struct hash second, third;
    struct span heads, none = {NULL, 0};
    struct head head = {.seq = 1, .entries = 1};
    const char *clause = NULL;
    struct store_read *read;
    struct membership *membership;
    (void)state;
    struct span next = region_roster(&region, &(struct region_roster){.number = 2, .previous = roster, .members = MEMBERS}, &second);
    struct span last = region_roster(&region, &(struct region_roster){.number = 3, .previous = second, .members = HUB == 0 ? 0x7 : 0}, &third);
    assert_int_equal(admit_notice(next, none, &clause), ERR_OK);
    assert_int_equal(admit_notice(last, none, &clause), ERR_OK);
    assert_int_equal(admit_notice(region_card(&region, EDGE, 20), none, &clause), ERR_OK);
    clause = NULL;
    expect("an older card", admit_notice(region_card(&region, EDGE, 19), none, &clause), ERR_STALE, &clause);
    struct span frontier = region_frontier(&region, EDGE, 20, &head, 1, &heads);
    assert_int_equal(admit_notice(frontier, heads, &clause), ERR_OK);
    frontier = region_frontier(&region, EDGE, 19, &head, 1, &heads);
    clause = NULL;
    expect("an older frontier", admit_notice(frontier, heads, &clause), ERR_STALE, &clause);
    clause = NULL;
    struct span lonely = region_roster(&region, &(struct region_roster){.number = 4, .previous = third, .members = MEMBERS, .signers = 2}, NULL);
    expect("a roster with fewer signatures", admit_notice(lonely, none, &clause), ERR_BADSIG, &clause);
    clause = NULL;
    struct span sideways = region_roster(&region, &(struct region_roster){.number = 5, .previous = second, .members = MEMBERS}, NULL);
    expect("a roster that leaves one out", admit_notice(sideways, none, &clause), ERR_UNKNOWN_KEY, &clause);
    (void)!admit_notice(next, none, &clause); /* the older one again: it is held, and rules no more */
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_membership(read, sign_check, &membership), ERR_OK);
    store_read_end(&read);
    if (membership_roster_number(membership) != 3 || membership_find(membership, &region.nodes[SECOND_EDGE].id) != NULL) {
        fail_msg("an older roster rules again");
    }
    cases++;
    membership_destroy(&membership);
    struct hash held = roster;
    clause = NULL;
    expect("an act on a roster that never was", admit_notice(region_admit(&region, HUB, 9, &held, 1, 5), none, &clause), ERR_UNKNOWN_KEY, &clause);
}

/* ---- sessions ---- */

static struct curve_public transport[REGION_NODES];

static bool owns_key(void *arg, const struct node_id *node, const struct curve_public *key)
{
    (void)arg;
    (void)node;
    (void)key;
    return true;
}

static enum err hello_taken(uint32_t protocol, uint32_t protocol_min, const char **clause)
{
    struct membership *membership;
    struct session us, them;
    struct frame frame;
    size_t lengths[2];
    uint8_t mem[2 * HELLO_BYTES_MAX], answer_mem[2 * HELLO_BYTES_MAX];
    struct out out = out_into(mem, sizeof mem), answer = out_into(answer_mem, sizeof answer_mem);
    struct span bytes = region_roster(&region, &(struct region_roster){.number = 1, .members = MEMBERS, .protocol_min = protocol_min}, NULL);
    assert_int_equal(membership_build(&region.id, region.charter, &bytes, 1, NULL, 0, sign_check, &membership), ERR_OK);
    struct session_self self = {.identity = region.nodes[HUB].secret, .transport = transport[HUB], .membership = membership, .owns_key = owns_key};
    self.hello = (struct hello){.protocol = PROTOCOL_VERSION, .region = region.id, .node = region.nodes[HUB].id, .frame_bytes_max = FRAME_BYTES_MAX};
    struct session_self other = self;
    other.hello.node = region.nodes[EDGE].id;
    other.hello.protocol = protocol;
    session_begin(&us, &self, false, &transport[EDGE], (struct wall_ms){1}, &answer);
    session_begin(&them, &other, true, &transport[HUB], (struct wall_ms){1}, &out);
    assert_int_equal(frame_decode(out_written(&out), &frame, clause), ERR_OK);
    *clause = NULL;
    enum err err = session_take(&us, &self, &frame, unpack, &answer, lengths, clause);
    membership_destroy(&membership);
    return err;
}

static void sessions_of_another_protocol(void **state)
{
    const char *clause;
    (void)state;
    assert_int_equal(hello_taken(PROTOCOL_VERSION, 1, &clause), ERR_OK);
    expect("no protocol at all", hello_taken(0, 1, &clause), ERR_MALFORMED, &clause);
    expect("a newer protocol", hello_taken(PROTOCOL_VERSION + 1, 1, &clause), ERR_VERSION, &clause);
    expect("a far newer protocol", hello_taken(UINT32_MAX, 1, &clause), ERR_VERSION, &clause);
    expect("a protocol that the roster has ended", hello_taken(PROTOCOL_VERSION, PROTOCOL_VERSION + 1, &clause), ERR_VERSION, &clause);
    expect("the same, far below", hello_taken(PROTOCOL_VERSION, UINT32_MAX, &clause), ERR_VERSION, &clause);
}

/* ---- the wire below ---- */

/* Greetings that offer less than CURVE of ZMTP 3: the door is shut, and the core never hears of it. */
static void weaker_ciphers(void **state)
{
    struct gate hub;
    (void)state;
    const struct {
        const char *what;
        uint8_t major, minor;
        const char *mechanism;
    } rows[] = {
        {"no cipher", 3, 1, "NULL"}, {"a password in the clear", 3, 1, "PLAIN"}, {"another mechanism", 3, 1, "GSSAPI"}, {"ZMTP 2", 2, 0, ""}, {"ZMTP 1", 1, 0, ""},
    };
    gate_open(&hub, true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t greeting[64];
        int fd = tcp_dial(hub.port);
        assert_true(fd >= 0);
        zmtp_greeting(greeting);
        greeting[10] = rows[i].major;
        greeting[11] = rows[i].minor;
        memset(greeting + 12, 0, 20);
        memcpy(greeting + 12, rows[i].mechanism, strlen(rows[i].mechanism));
        assert_int_equal(send(fd, greeting, rows[i].major == 1 ? 12 : sizeof greeting, MSG_NOSIGNAL), rows[i].major == 1 ? 12 : (ssize_t)sizeof greeting);
        if (!tcp_ends(fd, 5000)) {
            fail_msg("%s is not shut out", rows[i].what);
        }
        close(fd);
        gate_expect_quiet(&hub, 20);
        cases++;
    }
    gate_close(&hub);
}

static void at_least_thirty_cases_were_tried(void **state)
{
    (void)state;
    print_message("    %u cases\n", cases);
    assert_true(cases >= 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_objects_of_another_version),
        cmocka_unit_test(births_and_commits_of_another_version),
        cmocka_unit_test(what_is_older_than_what_is_held),
        cmocka_unit_test(sessions_of_another_protocol),
        cmocka_unit_test(weaker_ciphers),
        cmocka_unit_test(at_least_thirty_cases_were_tried),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

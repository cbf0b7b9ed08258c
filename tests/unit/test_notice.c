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
static struct act act; /* large: it holds a cut */

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

/* ---- the envelope ---- */

static void make_notice(struct notice *ret, enum notice_kind kind, uint32_t signatures)
{
    memset(ret, 0, sizeof *ret);
    ret->kind = kind;
    ret->body = span_of("signed", 6);
    ret->signature_count = signatures;
    for (uint32_t i = 0; i < signatures && i < NOTICE_SIGNATURES_MAX; i++) {
        ret->signatures[i].key = i;
        fill(ret->signatures[i].signature.b, 64, 0xa0 + i);
    }
}

static enum err notice_again(struct span in, struct out *again, const char **clause)
{
    struct notice notice;
    enum err err = notice_decode(unpack, in, &notice, clause);

    if (err == ERR_OK) {
        notice_encode(&notice, again);
    }
    return err;
}

static void an_envelope_is_the_golden_one(void **state)
{
    struct notice notice;
    struct notice back;
    struct out out = fresh();

    (void)state;
    make_notice(&notice, NOTICE_ROSTER, 2);
    notice.signatures[1].key = 17;
    notice_encode(&notice, &out);
    golden_check("wire_notice", out_written(&out), notice_again);
    assert_int_equal(notice_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_int_equal(back.kind, NOTICE_ROSTER);
    assert_true(span_equal(back.body, notice.body));
    assert_int_equal(back.signature_count, 2);
    assert_int_equal(back.signatures[1].key, 17);
    assert_memory_equal(back.signatures[1].signature.b, notice.signatures[1].signature.b, 64);
}

static void each_kind_has_its_number_of_signatures(void **state)
{
    struct notice notice;

    (void)state;
    for (unsigned kind = 0; kind <= NOTICE_FORK_PROOF + 1; kind++) {
        for (uint32_t n = 0; n <= NOTICE_SIGNATURES_MAX; n++) {
            struct out out = fresh();
            bool is_right = kind == NOTICE_ROSTER                                 ? n >= 1
                            : kind == NOTICE_CHARTER || kind == NOTICE_FORK_PROOF ? n == 0
                            : kind > NOTICE_CHARTER && kind < NOTICE_FORK_PROOF   ? n == 1
                                                                                  : false;

            make_notice(&notice, (enum notice_kind)kind, n);
            notice_encode(&notice, &out);
            assert_int_equal(notice_decode(unpack, out_written(&out), &notice, NULL), is_right ? ERR_OK : ERR_MALFORMED);
        }
    }
}

static enum err decode_signatures(const uint32_t *keys, uint32_t count, const char **clause)
{
    struct out out = fresh();
    struct notice notice;
    uint8_t signature[64] = {0};

    pack_array(&out, 3);
    pack_uint(&out, NOTICE_ROSTER);
    pack_bin(&out, span_of("signed", 6));
    pack_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_array(&out, 2);
        pack_uint(&out, keys[i]);
        pack_bin(&out, span_of(signature, 64));
    }
    return notice_decode(unpack, out_written(&out), &notice, clause);
}

static void signatures_rise_by_key_and_are_at_most_30(void **state)
{
    uint32_t keys[NOTICE_SIGNATURES_MAX + 1];
    const char *clause = NULL;

    (void)state;
    for (uint32_t i = 0; i <= NOTICE_SIGNATURES_MAX; i++) {
        keys[i] = i;
    }
    assert_int_equal(decode_signatures(keys, NOTICE_SIGNATURES_MAX - 1, NULL), ERR_OK);
    assert_int_equal(decode_signatures(keys, NOTICE_SIGNATURES_MAX, NULL), ERR_OK);
    expect("31", decode_signatures(keys, NOTICE_SIGNATURES_MAX + 1, &clause), ERR_LIMIT, &clause, "WIRE.md 4.7: more than 30 signatures");
    keys[0] = NOTICE_SIGNATURES_MAX - 1;
    assert_int_equal(decode_signatures(keys, 1, NULL), ERR_OK);
    expect("29, 1", decode_signatures(keys, 2, &clause), ERR_NONCANONICAL, &clause, "WIRE.md 4.7: signatures that do not rise by key");
    keys[0] = 1;
    assert_int_equal(decode_signatures(keys, 2, NULL), ERR_NONCANONICAL);
    keys[0] = NOTICE_SIGNATURES_MAX;
    assert_int_equal(decode_signatures(keys, 1, NULL), ERR_MALFORMED);
}

static void the_largest_roster_signed_by_everybody_twice_is_a_notice(void **state)
{
    static uint8_t roster[ROSTER_BYTES_MAX];
    struct notice notice;
    struct out out = fresh();

    (void)state;
    make_notice(&notice, NOTICE_ROSTER, NOTICE_SIGNATURES_MAX);
    notice.body = span_of(roster, sizeof roster);
    notice_encode(&notice, &out);
    assert_int_equal(notice_decode(unpack, out_written(&out), &notice, NULL), ERR_OK);
}

static void notices_longer_than_the_limit_are_refused_unread(void **state)
{
    static uint8_t zeros[FRAME_BYTES_MAX + 1];
    struct span over = span_of(zeros, NOTICE_BYTES_MAX + 1);
    struct span at = span_of(zeros, NOTICE_BYTES_MAX);
    const char *clause = NULL;
    struct notice notice;
    struct charter charter;
    struct roster roster;
    struct card card;
    struct frontier frontier;
    struct fork_proof proof;
    size_t count;

    (void)state;
    expect("notice", notice_decode(unpack, over, &notice, &clause), ERR_OVERSIZE, &clause, "WIRE.md 4.7: longer than 61440 bytes");
    assert_int_equal(notice_decode(unpack, at, &notice, NULL), ERR_NONCANONICAL);
    assert_int_equal(charter_decode(unpack, over, &charter, NULL), ERR_OVERSIZE);
    assert_int_equal(charter_decode(unpack, at, &charter, NULL), ERR_NONCANONICAL);
    assert_int_equal(act_decode(unpack, over, &act, NULL), ERR_OVERSIZE);
    assert_int_equal(act_decode(unpack, at, &act, NULL), ERR_NONCANONICAL);
    assert_int_equal(card_decode(unpack, over, &card, NULL), ERR_OVERSIZE);
    assert_int_equal(card_decode(unpack, at, &card, NULL), ERR_NONCANONICAL);
    assert_int_equal(frontier_decode(unpack, over, &frontier, NULL), ERR_OVERSIZE);
    assert_int_equal(frontier_decode(unpack, at, &frontier, NULL), ERR_NONCANONICAL);
    assert_int_equal(fork_proof_decode(unpack, over, &proof, NULL), ERR_OVERSIZE);
    assert_int_equal(fork_proof_decode(unpack, at, &proof, NULL), ERR_NONCANONICAL);
    expect("roster", roster_decode(unpack, span_of(zeros, ROSTER_BYTES_MAX + 1), &roster, &clause), ERR_OVERSIZE, &clause,
           "WIRE.md 4.2: longer than 58368 bytes");
    assert_int_equal(roster_decode(unpack, span_of(zeros, ROSTER_BYTES_MAX), &roster, NULL), ERR_NONCANONICAL);
    assert_int_equal(heads_decode(unpack, span_of(zeros, FRAME_BYTES_MAX + 1), NULL, 0, &count, NULL), ERR_OVERSIZE);
    assert_int_equal(heads_decode(unpack, span_of(zeros, FRAME_BYTES_MAX), NULL, 0, &count, NULL), ERR_NONCANONICAL);
}

static void a_newer_format_is_told_from_a_wrong_one(void **state)
{
    static const uint8_t newer[] = {0x92, 0x02, 0xa1, 'x'};
    struct span in = span_of(newer, sizeof newer);
    struct charter charter;
    struct roster roster;
    struct card card;
    struct frontier frontier;
    struct fork_proof proof;

    (void)state;
    assert_int_equal(charter_decode(unpack, in, &charter, NULL), ERR_VERSION);
    assert_int_equal(roster_decode(unpack, in, &roster, NULL), ERR_VERSION);
    assert_int_equal(act_decode(unpack, in, &act, NULL), ERR_VERSION);
    assert_int_equal(card_decode(unpack, in, &card, NULL), ERR_VERSION);
    assert_int_equal(frontier_decode(unpack, in, &frontier, NULL), ERR_VERSION);
    assert_int_equal(fork_proof_decode(unpack, in, &proof, NULL), ERR_VERSION);
}

/* ---- cards ---- */

static void make_card(struct card *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    fill(ret->region.b, 32, 0x11);
    number_id(ret->node.b, 16, 3);
    ret->role = ROLE_HUB;
    ret->counter = 12;
    fill(ret->identity.b, 32, 0x31);
    fill(ret->transport.b, 32, 0x32);
    fill(ret->encryption.b, 32, 0x33);
    (void)snprintf(ret->name, sizeof ret->name, "rilo-douala");
    ret->address_count = 2;
    (void)snprintf(ret->addresses[0], sizeof ret->addresses[0], "tcp://hub.example.org:7411");
    (void)snprintf(ret->addresses[1], sizeof ret->addresses[1], "tcp://[2001:db8::1]:7411");
    ret->created.ms = UINT64_C(1795000000000);
}

static enum err card_again(struct span in, struct out *again, const char **clause)
{
    struct card card;
    enum err err = card_decode(unpack, in, &card, clause);

    if (err == ERR_OK) {
        card_encode(&card, again);
    }
    return err;
}

static void a_card_is_the_golden_one(void **state)
{
    struct card card;
    struct card back;
    struct out out = fresh();

    (void)state;
    make_card(&card);
    card_encode(&card, &out);
    golden_check("wire_card", out_written(&out), card_again);
    assert_int_equal(card_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &card, sizeof back);
    fill(card.transport_before.b, 32, 0x34);
    card.address_count = 0;
    memset(card.addresses, 0, sizeof card.addresses);
    out = fresh();
    card_encode(&card, &out);
    hostile_check(card_again, out_written(&out));
    assert_int_equal(card_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &card, sizeof back);
}

static void no_earlier_key_has_one_encoding(void **state)
{
    struct card card;
    struct out out = fresh();

    (void)state;
    make_card(&card);
    fill(card.transport_before.b, 32, 0x34);
    card_encode(&card, &out);
    for (size_t at = 0; at < out.at; at++) {
        if (bytes[at] == 0x34) {
            bytes[at] = 0;
        }
    }
    assert_int_equal(card_decode(unpack, out_written(&out), &card, NULL), ERR_MALFORMED);
}

/* A card with `count` addresses, each `address`. */
static enum err decode_addresses(uint32_t count, const char *address, const char **clause)
{
    struct out out = fresh();
    struct card card;
    uint8_t id[32] = {0};

    pack_array(&out, 12);
    pack_uint(&out, 1);
    pack_bin(&out, span_of(id, 32));
    pack_bin(&out, span_of(id, 16));
    pack_uint(&out, 0);
    pack_uint(&out, 1);
    pack_bin(&out, span_of(id, 32));
    pack_bin(&out, span_of(id, 32));
    pack_bin(&out, span_of(id, 0));
    pack_bin(&out, span_of(id, 32));
    pack_text(&out, span_text("n"));
    pack_array(&out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_text(&out, span_text(address));
    }
    pack_uint(&out, 0);
    return card_decode(unpack, out_written(&out), &card, clause);
}

static void addresses_are_at_most_4_of_the_form_tcp_host_port(void **state)
{
    static const struct {
        const char *address;
        bool is_valid;
    } rows[] = {
        {"tcp://a:1", true},
        {"tcp://127.0.0.1:65535", true},
        {"tcp://a.b-c.example:7411", true},
        {"tcp://[::1]:7411", true},
        {"", false},
        {"tcp://", false},
        {"tcp://:1", false},
        {"tcp://a", false},
        {"tcp://a:", false},
        {"tcp://a:0", false},
        {"tcp://a:01", false},
        {"tcp://a:65536", false},
        {"tcp://a:100000", false},
        {"tcp://a:1x", false},
        {"tcp://a b:1", false},
        {"tcp://a/b:1", false},
        {"tcp://*:1", false},
        {"tcp://a:1:2", false},
        {"tcp://::1:7411", false},
        {"tcp://[]:7411", false},
        {"tcp://[a-b]:7411", false},
        {"udp://a:1", false},
        {"ipc:///tmp/x:1", false},
        {"tcp://a;tcp://b:1", false},
        {"tcp://a\n:1", false},
    };
    const char *clause = NULL;
    char longest[ADDRESS_BYTES_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i].address, decode_addresses(1, rows[i].address, &clause), rows[i].is_valid ? ERR_OK : ERR_MALFORMED, &clause,
               rows[i].is_valid ? NULL : "WIRE.md 4.4: an address that is not tcp://host:port");
        assert_int_equal(address_is_valid(span_text(rows[i].address)), rows[i].is_valid);
    }
    for (size_t n = ADDRESS_BYTES_MAX - 1; n <= ADDRESS_BYTES_MAX + 1; n++) {
        memset(longest, 'a', sizeof longest);
        memcpy(longest, "tcp://", 6);
        memcpy(longest + n - 2, ":1", 3);
        assert_int_equal(strlen(longest), n);
        assert_int_equal(decode_addresses(1, longest, NULL), n > ADDRESS_BYTES_MAX ? ERR_MALFORMED : ERR_OK);
        assert_int_equal(address_is_valid(span_text(longest)), n <= ADDRESS_BYTES_MAX);
    }
    for (uint32_t count = 0; count <= ADDRESSES_MAX + 1; count++) {
        assert_int_equal(decode_addresses(count, "tcp://a:1", &clause), count > ADDRESSES_MAX ? ERR_LIMIT : ERR_OK);
    }
    assert_string_equal(clause, "WIRE.md 4.4: more than 4 addresses");
}

/* ---- frontiers and lists of heads ---- */

static enum err frontier_again(struct span in, struct out *again, const char **clause)
{
    struct frontier frontier;
    enum err err = frontier_decode(unpack, in, &frontier, clause);

    if (err == ERR_OK) {
        frontier_encode(&frontier, again);
    }
    return err;
}

static void make_frontier(struct frontier *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->version = FORMAT_VERSION;
    fill(ret->region.b, 32, 0x11);
    number_id(ret->node.b, 16, 3);
    ret->counter = 900;
    ret->roster_number = 4;
    fill(ret->roster_hash.b, 32, 0x22);
    fill(ret->acts_digest.b, 32, 0x23);
    ret->clock.ms = UINT64_C(1795000000000);
    ret->head_count = 104;
    fill(ret->heads_digest.b, 32, 0x24);
}

static void a_frontier_is_the_golden_one(void **state)
{
    struct frontier frontier;
    struct frontier back;
    struct out out = fresh();

    (void)state;
    make_frontier(&frontier);
    frontier_encode(&frontier, &out);
    golden_check("wire_frontier", out_written(&out), frontier_again);
    memset(&back, 0, sizeof back);
    assert_int_equal(frontier_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_memory_equal(&back, &frontier, sizeof back);
    for (uint32_t n = LOGS_MAX - 1; n <= LOGS_MAX + 1; n++) {
        frontier.head_count = n;
        out = fresh();
        frontier_encode(&frontier, &out);
        assert_int_equal(frontier_decode(unpack, out_written(&out), &back, NULL), n > LOGS_MAX ? ERR_MALFORMED : ERR_OK);
    }
}

static struct head heads[FRONTIER_HEADS_MAX + 1];
static struct head heads_back[FRONTIER_HEADS_MAX + 1];

static void make_heads(unsigned count)
{
    memset(heads, 0, sizeof heads);
    for (unsigned i = 0; i < count; i++) {
        number_id(heads[i].log.b, 32, i);
        heads[i].seq = i;
        heads[i].entries = 2 * i;
        fill(heads[i].hash.b, 32, 0x40 + i);
    }
}

static enum err heads_again(struct span in, struct out *again, const char **clause)
{
    size_t count = 0;
    enum err err = heads_decode(unpack, in, heads_back, 3, &count, clause);

    if (err == ERR_OK) {
        heads_canonical(heads_back, count, again);
    }
    return err;
}

static void a_list_of_heads_is_the_golden_one(void **state)
{
    struct out out = fresh();
    size_t count = 0;

    (void)state;
    make_heads(3);
    heads_canonical(heads, 3, &out);
    golden_check("wire_heads", out_written(&out), heads_again);
    assert_int_equal(heads_decode(unpack, out_written(&out), heads_back, 3, &count, NULL), ERR_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(heads_back, heads, 3 * sizeof heads[0]);
}

static void heads_are_sorted_possible_and_no_more_than_there_is_room_for(void **state)
{
    struct out out;
    size_t count = 0;
    const char *clause = NULL;

    (void)state;
    for (unsigned n = 0; n <= 4; n++) {
        make_heads(n);
        out = fresh();
        heads_canonical(heads, n, &out);
        expect("heads", heads_decode(unpack, out_written(&out), heads_back, 3, &count, &clause), n > 3 ? ERR_LIMIT : ERR_OK, &clause,
               n > 3 ? "WIRE.md 4.8: more heads than are allowed here" : NULL);
    }
    make_heads(3);
    heads[2].log = heads[1].log;
    out = fresh();
    heads_canonical(heads, 3, &out);
    expect("a log twice", heads_decode(unpack, out_written(&out), heads_back, 3, &count, &clause), ERR_NONCANONICAL, &clause,
           "WIRE.md 4.8: heads that do not rise by log");
    make_heads(3);
    heads[0].entries = 1; /* in a birth */
    out = fresh();
    heads_canonical(heads, 3, &out);
    assert_int_equal(heads_decode(unpack, out_written(&out), heads_back, 3, &count, &clause), ERR_MALFORMED);
    assert_string_equal(clause, "WIRE.md 4.8: a field has the wrong type, length or range");
}

static void the_longest_frontier_fits_a_notice(void **state)
{
    struct out out = fresh();
    size_t count = 0;

    (void)state;
    make_heads(FRONTIER_HEADS_MAX);
    for (unsigned i = 0; i < FRONTIER_HEADS_MAX; i++) {
        heads[i].seq = NUMBER_MAX;
        heads[i].entries = NUMBER_MAX;
    }
    heads_canonical(heads, FRONTIER_HEADS_MAX, &out);
    assert_true(out.at <= NOTICE_BYTES_MAX);
    assert_int_equal(heads_decode(unpack, out_written(&out), heads_back, FRONTIER_HEADS_MAX, &count, NULL), ERR_OK);
}

/* ---- fork proofs ---- */

static uint8_t birth_bytes[BIRTH_BYTES_MAX];
static uint8_t a_bytes[COMMIT_CANONICAL_BYTES_MAX];
static uint8_t b_bytes[COMMIT_CANONICAL_BYTES_MAX];

static void make_proof(struct fork_proof *ret, const struct commit *a, const struct commit *b)
{
    struct birth birth = {.version = FORMAT_VERSION, .channel = CHANNEL_ALERT};
    struct out birth_out = out_into(birth_bytes, sizeof birth_bytes);
    struct out a_out = out_into(a_bytes, sizeof a_bytes);
    struct out b_out = out_into(b_bytes, sizeof b_bytes);

    fill(birth.region.b, 32, 0x11);
    birth_encode(&birth, &birth_out);
    commit_canonical(a, &a_out);
    commit_canonical(b, &b_out);
    ret->birth = out_written(&birth_out);
    ret->a = out_written(&a_out);
    ret->b = out_written(&b_out);
    fill(ret->signature_a.b, 64, 0xa1);
    fill(ret->signature_b.b, 64, 0xb1);
}

static void make_headers(struct commit *a, struct commit *b)
{
    memset(a, 0, sizeof *a);
    a->version = FORMAT_VERSION;
    fill(a->region.b, 32, 0x11);
    fill(a->log.b, 32, 0x12);
    a->seq = 3;
    a->entries_total = 9;
    *b = *a;
    b->entries_total = 10;
}

static enum err proof_again(struct span in, struct out *again, const char **clause)
{
    struct fork_proof proof;
    enum err err = fork_proof_decode(unpack, in, &proof, clause);

    if (err == ERR_OK) {
        fork_proof_encode(&proof, again);
    }
    return err;
}

static enum err decode_proof(const struct commit *a, const struct commit *b, const char **clause)
{
    struct fork_proof proof;
    struct out out = fresh();

    make_proof(&proof, a, b);
    fork_proof_encode(&proof, &out);
    return fork_proof_decode(unpack, out_written(&out), &proof, clause);
}

static void a_fork_proof_is_the_golden_one(void **state)
{
    struct fork_proof proof;
    struct fork_proof back;
    struct commit a;
    struct commit b;
    struct out out = fresh();

    (void)state;
    make_headers(&a, &b);
    make_proof(&proof, &a, &b);
    fork_proof_encode(&proof, &out);
    assert_true(out.at < 800);
    golden_check("wire_fork_proof", out_written(&out), proof_again);
    assert_int_equal(fork_proof_decode(unpack, out_written(&out), &back, NULL), ERR_OK);
    assert_true(span_equal(back.a, proof.a) && span_equal(back.b, proof.b) && span_equal(back.birth, proof.birth));
    assert_memory_equal(back.signature_a.b, proof.signature_a.b, 64);
    assert_memory_equal(back.signature_b.b, proof.signature_b.b, 64);
}

static void a_fork_proof_speaks_of_two_commits_of_one_log_and_number(void **state)
{
    struct commit a;
    struct commit b;
    const char *clause = NULL;

    (void)state;
    make_headers(&a, &b);
    assert_int_equal(decode_proof(&a, &b, NULL), ERR_OK);
    expect("one commit twice", decode_proof(&a, &a, &clause), ERR_MALFORMED, &clause, "WIRE.md 4.6: twice the same commit");
    b.seq = 4;
    expect("two numbers", decode_proof(&a, &b, &clause), ERR_MALFORMED, &clause, "WIRE.md 4.6: not two commits of one log and number");
    make_headers(&a, &b);
    b.log.b[5] ^= 1;
    assert_int_equal(decode_proof(&a, &b, NULL), ERR_MALFORMED);
    make_headers(&a, &b);
    b.region.b[5] ^= 1;
    assert_int_equal(decode_proof(&a, &b, NULL), ERR_MALFORMED);
    make_headers(&a, &b);
    a.region.b[5] ^= 1;
    b.region.b[5] ^= 1; /* the birth is of another region */
    assert_int_equal(decode_proof(&a, &b, NULL), ERR_MALFORMED);
    make_headers(&a, &b);
    a.version = 2;
    assert_int_equal(decode_proof(&a, &b, NULL), ERR_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_is_the_golden_one),
        cmocka_unit_test(each_kind_has_its_number_of_signatures),
        cmocka_unit_test(signatures_rise_by_key_and_are_at_most_30),
        cmocka_unit_test(the_largest_roster_signed_by_everybody_twice_is_a_notice),
        cmocka_unit_test(notices_longer_than_the_limit_are_refused_unread),
        cmocka_unit_test(a_newer_format_is_told_from_a_wrong_one),
        cmocka_unit_test(a_card_is_the_golden_one),
        cmocka_unit_test(no_earlier_key_has_one_encoding),
        cmocka_unit_test(addresses_are_at_most_4_of_the_form_tcp_host_port),
        cmocka_unit_test(a_frontier_is_the_golden_one),
        cmocka_unit_test(a_list_of_heads_is_the_golden_one),
        cmocka_unit_test(heads_are_sorted_possible_and_no_more_than_there_is_room_for),
        cmocka_unit_test(the_longest_frontier_fits_a_notice),
        cmocka_unit_test(a_fork_proof_is_the_golden_one),
        cmocka_unit_test(a_fork_proof_speaks_of_two_commits_of_one_log_and_number),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/puppet.h"

#define NOBODY UINT32_MAX

enum { OWN = 1, THEIRS = 2, HUB = 1, HUB2 = 2, EDGE = 7, EDGE2 = 8 };

static struct puppet p;

static int edge(void **state)
{
    (void)state;
    puppet_start(&p, ROLE_EDGE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    puppet_stop(&p);
    return 0;
}

/* ---- sessions ---- */

static void equal_digests_end_the_exchange_at_once(void **state)
{
    struct sync_peer peer;

    (void)state;
    puppet_held(&p, THEIRS, 5, EDGE, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, true);
    assert_int_equal(p.asked.count, 0);
    assert_true(sync_peer_at(p.sync, EDGE, &peer));
    assert_true(peer.is_vector_known);
    assert_int_equal(peer.they_miss, 0);
    assert_int_equal(peer.we_miss, 0);
}

static void unequal_digests_are_followed_by_echo_and_then_complete_heads(void **state)
{
    static struct head heads[4];
    const struct sync_action *echo;
    size_t count = 0;
    uint64_t seq = 0;
    const char *clause = NULL;

    (void)state;
    puppet_held(&p, THEIRS, 5, EDGE, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    echo = puppet_send(&p, MESSAGE_ECHO, EDGE, 0);
    assert_non_null(echo);
    assert_ptr_equal(echo + 1, puppet_send(&p, MESSAGE_HEADS, EDGE, 0)); /* nothing between them */
    assert_int_equal(heads_decode(p.unpack, echo->u.send.body, heads, 4, &count, &clause), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(heads[0].seq, 5);
    assert_true(puppet_has_head(&p, EDGE, THEIRS, &seq));
    assert_int_equal(seq, 5);
    assert_non_null(puppet_send(&p, MESSAGE_NOTICES, EDGE, 0));
}

static void who_gets_a_complete_list_and_has_sent_none_sends_one(void **state)
{
    uint64_t seq = 0;

    (void)state;
    puppet_held(&p, THEIRS, 5, EDGE2, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, true);
    puppet_says_head(&p, EDGE, true, THEIRS, 4, 0); /* its digest was older than its list */
    assert_non_null(puppet_send(&p, MESSAGE_ECHO, EDGE, 0));
    assert_true(puppet_has_head(&p, EDGE, THEIRS, &seq));
    puppet_says_head(&p, EDGE, true, THEIRS, 4, 0);
    assert_null(puppet_send(&p, MESSAGE_ECHO, EDGE, 0)); /* once a session */
}

static void frames_of_another_session_have_no_effect(void **state)
{
    struct sync_event event = {.type = SYNC_MESSAGE, .peer = EDGE};

    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    event.u.message.session = puppet_session(EDGE2);
    event.u.message.type = MESSAGE_HEADS;
    event.u.message.body = span_of("garbage", 7);
    puppet_step(&p, &event);
    assert_int_equal(p.asked.count, 0);
}

static void what_cannot_be_read_drops_the_peer_and_names_the_clause(void **state)
{
    static const enum message_type types[] = {MESSAGE_ECHO,    MESSAGE_HEADS, MESSAGE_SUB, MESSAGE_STOP,  MESSAGE_SEG,      MESSAGE_PING,
                                              MESSAGE_NOTICES, MESSAGE_PONG,  MESSAGE_BYE, MESSAGE_HELLO, MESSAGE_HELLO_ACK};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct sync_action *drop;
        struct sync_peer peer;

        puppet_up(&p, EDGE, ROLE_EDGE, false);
        puppet_says(&p, EDGE, types[i], span_of("\xc1\xc1", 2));
        drop = puppet_action(&p, SYNC_DROP_PEER, EDGE, 0);
        assert_non_null(drop);
        assert_int_equal(err_blame(drop->u.drop.reason), BLAME_PEER);
        assert_non_null(drop->u.drop.clause);
        assert_non_null(puppet_send(&p, MESSAGE_BYE, EDGE, 0));
        assert_false(sync_peer_at(p.sync, EDGE, &peer));
        puppet_says(&p, EDGE, MESSAGE_PING, span_of("\x91\x01", 2)); /* nothing is heard after that */
        assert_int_equal(p.asked.count, 0);
        puppet_down(&p, EDGE);
    }
}

static void bye_ends_the_session_and_its_wait_is_honoured_within_reason(void **state)
{
    static const struct {
        uint32_t asked, given;
    } rows[] = {{0, 0}, {5000, 5000}, {UINT32_MAX, 300000}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[64];
        struct out out = out_into(bytes, sizeof bytes);
        const struct sync_action *drop;

        bye_encode(ERR_BUSY, rows[i].asked, &out);
        puppet_up(&p, EDGE, ROLE_EDGE, false);
        puppet_says(&p, EDGE, MESSAGE_BYE, out_written(&out));
        drop = puppet_action(&p, SYNC_DROP_PEER, EDGE, 0);
        assert_non_null(drop);
        assert_int_equal(drop->u.drop.reason, ERR_BUSY);
        assert_int_equal(drop->u.drop.retry_after_ms, rows[i].given);
    }
}

static void who_is_not_in_the_roster_is_dropped(void **state)
{
    const struct sync_action *drop;

    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_up(&p, 60, ROLE_EDGE, false);
    puppet_roster(&p, 20, 2);
    assert_null(puppet_action(&p, SYNC_DROP_PEER, EDGE, 0));
    drop = puppet_action(&p, SYNC_DROP_PEER, 60, 0);
    assert_non_null(drop);
    assert_int_equal(drop->u.drop.reason, ERR_NOT_MEMBER);
    puppet_up(&p, 61, ROLE_EDGE, false);
    assert_non_null(puppet_action(&p, SYNC_DROP_PEER, 61, 0));
}

/* ---- self-echo ---- */

static void own_commits_stay_until_a_hub_has_shown_our_logs(void **state)
{
    uint64_t seq;

    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_held(&p, OWN, 3, PUPPET_SELF, CHANNEL_REPORT);
    puppet_stored(&p, OWN, 4, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
    puppet_up(&p, HUB, ROLE_HUB, false);
    assert_false(puppet_has_head(&p, HUB, OWN, &seq));
    puppet_says_sub(&p, HUB, OWN, 3, 0, true);
    assert_null(puppet_action(&p, SYNC_SEND_RANGE, HUB, 0));
    assert_null(puppet_action(&p, SYNC_MAKE_FRONTIER, NOBODY, 0));
    puppet_says_echo(&p, HUB, OWN, 3, 0);
    assert_non_null(puppet_action(&p, SYNC_OWN_RELEASED, NOBODY, 0));
    assert_non_null(puppet_action(&p, SYNC_SEND_RANGE, HUB, 0));
    assert_non_null(puppet_action(&p, SYNC_MAKE_FRONTIER, NOBODY, 0));
    assert_true(sync_is_released(p.sync));
}

static void one_edge_is_not_enough_and_two_are(void **state)
{
    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_echo(&p, EDGE, 0, 0, 0);
    puppet_says_echo(&p, EDGE, 0, 0, 0); /* twice the same */
    assert_false(sync_is_released(p.sync));
    puppet_up(&p, EDGE2, ROLE_EDGE, true); /* equal digests show our logs too */
    assert_true(sync_is_released(p.sync));
}

static void observers_are_not_enough(void **state)
{
    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_up(&p, EDGE, ROLE_OBSERVER, false);
    puppet_says_echo(&p, EDGE, 0, 0, 0);
    puppet_up(&p, EDGE2, ROLE_OBSERVER, true);
    assert_false(sync_is_released(p.sync));
}

static void everybody_there_is_is_enough(void **state)
{
    (void)state;
    puppet_roster(&p, 2, 0);
    assert_false(sync_is_released(p.sync));
    puppet_up(&p, 1, ROLE_EDGE, false);
    puppet_says_echo(&p, 1, 0, 0, 0);
    assert_true(sync_is_released(p.sync));
}

static void alone_in_its_region_a_node_is_released_at_once(void **state)
{
    (void)state;
    puppet_roster(&p, 1, 0);
    assert_true(sync_is_released(p.sync));
}

static void more_or_other_than_we_hold_of_our_own_is_an_alarm_and_is_fetched(void **state)
{
    static const struct {
        const char *what;
        uint64_t start, now, shown;
        unsigned branch;
        bool is_alarm;
    } rows[] = {
        {"less than we hold", 5, 5, 3, 0, false},
        {"what we hold", 5, 5, 5, 0, false},
        {"more", 5, 5, 6, 0, true},
        {"another at our head", 5, 5, 5, 1, true},
        {"what we appended since the start", 5, 7, 7, 0, true},
        {"another where we appended since", 5, 7, 6, 1, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sync_action *ahead;

        puppet_stop(&p);
        puppet_start(&p, ROLE_EDGE);
        puppet_roster(&p, 20, 2);
        puppet_held(&p, OWN, rows[i].start, PUPPET_SELF, CHANNEL_REPORT);
        if (rows[i].now != rows[i].start) {
            puppet_stored(&p, OWN, rows[i].now, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
        }
        puppet_up(&p, HUB, ROLE_HUB, false);
        puppet_says_echo(&p, HUB, OWN, rows[i].shown, rows[i].branch);
        ahead = puppet_action(&p, SYNC_OWN_AHEAD, NOBODY, 0);
        if ((ahead != NULL) != rows[i].is_alarm) {
            fail_msg("%s: alarm %d", rows[i].what, ahead != NULL);
        }
        puppet_says_echo(&p, HUB, OWN, rows[i].shown, rows[i].branch);
        assert_null(puppet_action(&p, SYNC_OWN_AHEAD, NOBODY, 0)); /* once */
    }
}

static void what_was_shown_of_our_own_leaves_only_when_it_is_here(void **state)
{
    struct sub_item item;
    uint64_t seq = 0;

    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_held(&p, OWN, 5, PUPPET_SELF, CHANNEL_REPORT);
    puppet_up(&p, HUB, ROLE_HUB, false);
    puppet_says_echo(&p, HUB, OWN, 9, 0);
    assert_true(sync_is_released(p.sync));
    assert_true(puppet_has_sub(&p, HUB, OWN, &item)); /* like any other log */
    assert_int_equal(item.seq, 5);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    assert_false(puppet_has_head(&p, EDGE, OWN, &seq));
    puppet_says_segment(&p, HUB, OWN, 6, 4, 100);
    assert_non_null(puppet_action(&p, SYNC_ADMIT, HUB, 0));
    puppet_stored(&p, OWN, 9, PUPPET_SELF, CHANNEL_REPORT, HUB);
    puppet_tick(&p, 20);
    assert_true(puppet_has_head(&p, EDGE, OWN, &seq));
    assert_int_equal(seq, 9);
}

/* A peer that claims more than it shows must not silence what left before, however often it claims. */
static void what_gave_way_is_shown_again(void **state)
{
    uint64_t seq = 0;

    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_held(&p, OWN, 5, PUPPET_SELF, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, false); /* one edge: no release yet */
    puppet_says_echo(&p, EDGE, OWN, 9, 0);
    puppet_says_head(&p, EDGE, true, OWN, 9, 0);
    assert_false(puppet_has_head(&p, EDGE, OWN, &seq));
    puppet_stored(&p, OWN, 5, PUPPET_SELF, CHANNEL_REPORT, NOBODY); /* it gave way, and nothing had to be taken back */
    puppet_up(&p, EDGE2, ROLE_EDGE, false);
    puppet_says_echo(&p, EDGE2, OWN, 900, 0); /* more still, and with it the release */
    assert_true(sync_is_released(p.sync));
    puppet_tick(&p, 20);
    assert_true(puppet_has_head(&p, EDGE2, OWN, &seq));
    assert_int_equal(seq, 5);
}

/* Each claim makes us begin a new log: of those of this life a peer may claim so many, and again when it has shown them. */
static void a_liar_does_not_make_us_begin_logs_without_end(void **state)
{
    unsigned begun = 0;

    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_up(&p, HUB, ROLE_HUB, true);
    for (unsigned log = 100; log < 160; log++) {
        puppet_stored(&p, log, 1, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
        puppet_says_head(&p, HUB, false, log, 40, 0);
        begun += puppet_action(&p, SYNC_OWN_AHEAD, NOBODY, 0) != NULL;
    }
    assert_int_equal(begun, CHANNEL_COUNT);
    puppet_stored(&p, 100, 40, PUPPET_SELF, CHANNEL_REPORT, HUB); /* one was true */
    puppet_stored(&p, 160, 1, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
    puppet_says_head(&p, HUB, false, 160, 40, 0);
    assert_non_null(puppet_action(&p, SYNC_OWN_AHEAD, NOBODY, 0));
    puppet_up(&p, HUB2, ROLE_HUB, true); /* whom others have lied about is believed */
    puppet_stored(&p, 161, 1, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
    puppet_says_head(&p, HUB2, false, 161, 40, 0);
    assert_non_null(puppet_action(&p, SYNC_OWN_AHEAD, NOBODY, 0));
}

static void after_the_release_an_alarm_withholds_nothing(void **state)
{
    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_held(&p, OWN, 5, PUPPET_SELF, CHANNEL_REPORT);
    puppet_up(&p, HUB, ROLE_HUB, true);
    puppet_stored(&p, OWN, 6, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
    puppet_up(&p, HUB2, ROLE_HUB, false);
    puppet_says_echo(&p, HUB2, OWN, 60, 0); /* a clone, or a lie */
    assert_non_null(puppet_action(&p, SYNC_OWN_AHEAD, NOBODY, 0));
    puppet_says_sub(&p, HUB, OWN, 5, 0, true);
    assert_non_null(puppet_action(&p, SYNC_SEND_RANGE, HUB, 0));
}

static void who_found_us_unequal_learns_of_own_logs_at_the_release(void **state)
{
    uint64_t seq = 0;

    (void)state;
    puppet_roster(&p, 20, 2);
    puppet_held(&p, OWN, 3, PUPPET_SELF, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, true);  /* one edge: no release yet */
    puppet_says_echo(&p, EDGE, OWN, 3, 0); /* it holds more by now, so it tells all, and hears all */
    puppet_says_head(&p, EDGE, true, OWN, 3, 0);
    assert_non_null(puppet_send(&p, MESSAGE_HEADS, EDGE, 0));
    assert_false(puppet_has_head(&p, EDGE, OWN, &seq));
    puppet_up(&p, EDGE2, ROLE_EDGE, true);
    assert_true(sync_is_released(p.sync));
    puppet_tick(&p, 20);
    assert_true(puppet_has_head(&p, EDGE, OWN, &seq));
    assert_int_equal(seq, 3);
}

/* ---- acknowledgements and notes ---- */

static void a_segment_is_acknowledged_when_it_is_durable_and_not_before(void **state)
{
    uint64_t seq = 0;

    (void)state;
    puppet_held(&p, THEIRS, 1, EDGE, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_head(&p, EDGE, true, THEIRS, 3, 0);
    assert_true(puppet_has_sub(&p, EDGE, THEIRS, NULL));
    puppet_says_segment(&p, EDGE, THEIRS, 2, 2, 100);
    assert_non_null(puppet_action(&p, SYNC_ADMIT, EDGE, 0));
    assert_null(puppet_send(&p, MESSAGE_HEADS, EDGE, 0));
    puppet_stored(&p, THEIRS, 3, EDGE, CHANNEL_REPORT, EDGE);
    assert_null(puppet_send(&p, MESSAGE_HEADS, EDGE, 0)); /* more of the transaction may follow */
    assert_int_equal(sync_deadline(p.sync).ms, p.now_ms);
    puppet_settle(&p);
    assert_true(puppet_has_head(&p, EDGE, THEIRS, &seq));
    assert_int_equal(seq, 3);
}

static void notes_are_gathered_for_a_while_and_go_in_one_message(void **state)
{
    uint64_t seq = 0;

    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, true);
    for (unsigned log = 10; log < 20; log++) {
        puppet_stored(&p, log, 1, EDGE2, CHANNEL_REPORT, NOBODY);
        assert_int_equal(p.asked.count, 0);
    }
    assert_int_equal(sync_deadline(p.sync).ms, p.now_ms + 20);
    puppet_tick(&p, 19);
    assert_int_equal(p.asked.count, 0);
    puppet_tick(&p, 1);
    assert_int_equal(p.asked.count, 1);
    for (unsigned log = 10; log < 20; log++) {
        assert_true(puppet_has_head(&p, EDGE, log, &seq));
    }
}

/* ---- probes ---- */

static void silence_while_something_is_owed_is_probed_and_then_ended(void **state)
{
    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_head(&p, EDGE, true, THEIRS, 3, 0); /* claimed: owed */
    puppet_tick(&p, 9999);
    assert_null(puppet_send(&p, MESSAGE_PING, EDGE, 0));
    puppet_tick(&p, 1);
    assert_non_null(puppet_send(&p, MESSAGE_PING, EDGE, 0));
    puppet_tick(&p, 9999);
    assert_null(puppet_action(&p, SYNC_DROP_PEER, EDGE, 0));
    puppet_tick(&p, 1);
    assert_int_equal(puppet_action(&p, SYNC_DROP_PEER, EDGE, 0)->u.drop.reason, ERR_UNREACHABLE);
    assert_int_equal(puppet_action(&p, SYNC_DROP_PEER, EDGE, 0)->u.drop.retry_after_ms, 0);
}

static void an_answer_keeps_the_peer_and_measures_the_round_trip(void **state)
{
    struct sync_peer peer;

    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_head(&p, EDGE, true, THEIRS, 3, 0);
    puppet_tick(&p, 10000);
    p.now_ms += 300;
    puppet_says(&p, EDGE, MESSAGE_PONG, span_of("\x91\x01", 2));
    puppet_tick(&p, 9999);
    assert_null(puppet_action(&p, SYNC_DROP_PEER, EDGE, 0));
    assert_true(sync_peer_at(p.sync, EDGE, &peer));
    assert_int_equal(peer.rtt_ms, 300);
    puppet_says(&p, EDGE, MESSAGE_PONG, span_of("\x91\x05", 2)); /* to no PING */
    assert_int_equal(puppet_action(&p, SYNC_DROP_PEER, EDGE, 0)->u.drop.reason, ERR_UNEXPECTED);
}

static void an_idle_engine_sleeps_until_the_next_ping_of_the_dialler(void **state)
{
    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, true);
    assert_int_equal(sync_deadline(p.sync).ms, p.now_ms + 300000);
    puppet_tick(&p, 300000);
    assert_non_null(puppet_send(&p, MESSAGE_PING, EDGE, 0));
    puppet_says(&p, EDGE, MESSAGE_PONG, span_of("\x91\x01", 2));
    assert_int_equal(sync_deadline(p.sync).ms, p.now_ms + 300000);
    puppet_down(&p, EDGE);
    assert_true(sync_deadline(p.sync).ms == UINT64_MAX);
}

/* ---- notices ---- */

static struct sync_event notice_of(enum notice_kind kind, unsigned subject, uint64_t counter, uint8_t hash, uint32_t slot)
{
    struct sync_event event = {.type = SYNC_NOTICE, .peer = slot};
    struct node_id node = puppet_node(subject);

    event.u.notice.ref.kind = kind;
    memcpy(event.u.notice.ref.subject, node.b, sizeof node.b);
    event.u.notice.ref.counter = counter;
    event.u.notice.ref.hash[0] = hash;
    return event;
}

static void says_notices(unsigned slot, const struct notice_ref *refs, size_t count)
{
    uint8_t bytes[1024];
    struct out out = out_into(bytes, sizeof bytes);

    notices_encode(refs, count, &out);
    puppet_says(&p, slot, MESSAGE_NOTICES, out_written(&out));
}

static void a_notice_goes_to_everybody_who_lacks_it_and_not_back(void **state)
{
    struct sync_event card = notice_of(NOTICE_CARD, 5, 1, 1, EDGE);
    struct notice_ref ref = card.u.notice.ref;

    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, true);
    puppet_up(&p, EDGE2, ROLE_EDGE, true);
    puppet_step(&p, &card);
    assert_null(puppet_action(&p, SYNC_SEND_NOTICE, EDGE, 0));
    assert_non_null(puppet_action(&p, SYNC_SEND_NOTICE, EDGE2, 0));
    puppet_up(&p, HUB, ROLE_HUB, false);
    says_notices(HUB, &ref, 1); /* has it already */
    says_notices(HUB, NULL, 0);
    assert_null(puppet_action(&p, SYNC_SEND_NOTICE, HUB, 0));
    card = notice_of(NOTICE_CARD, 5, 2, 2, NOBODY);
    puppet_step(&p, &card);
    assert_non_null(puppet_action(&p, SYNC_SEND_NOTICE, EDGE, 0));
    assert_non_null(puppet_action(&p, SYNC_SEND_NOTICE, HUB, 0));
}

static void nothing_is_sent_before_the_list_of_the_other_is_complete(void **state)
{
    struct sync_event one = notice_of(NOTICE_CARD, 5, 1, 1, NOBODY);
    struct sync_event two = notice_of(NOTICE_CARD, 6, 1, 2, NOBODY);

    (void)state;
    puppet_step(&p, &one);
    puppet_step(&p, &two);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    says_notices(EDGE, &one.u.notice.ref, 1);
    assert_null(puppet_action(&p, SYNC_SEND_NOTICE, EDGE, 0));
    says_notices(EDGE, NULL, 0);
    assert_non_null(puppet_action(&p, SYNC_SEND_NOTICE, EDGE, 0));
    assert_null(puppet_action(&p, SYNC_SEND_NOTICE, EDGE, 1)); /* only what it lacks */
}

static void a_frontier_is_sent_as_difference_to_the_very_one_the_peer_holds(void **state)
{
    static const struct {
        const char *what;
        uint64_t counter;
        uint8_t hash;
        uint64_t base;
    } rows[] = {
        {"the one before", 3, 3, 3},
        {"the one before that", 2, 2, 2},
        {"another of that number", 3, 33, 0},
        {"one that is not remembered", 1, 11, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct notice_ref ref;
        const struct sync_action *action;

        puppet_stop(&p);
        puppet_start(&p, ROLE_EDGE);
        for (uint8_t counter = 1; counter <= 4; counter++) {
            struct sync_event event = notice_of(NOTICE_FRONTIER, 5, counter, counter, NOBODY);

            puppet_step(&p, &event);
        }
        ref = notice_of(NOTICE_FRONTIER, 5, rows[i].counter, rows[i].hash, NOBODY).u.notice.ref;
        puppet_up(&p, EDGE, ROLE_EDGE, false);
        says_notices(EDGE, &ref, 1);
        says_notices(EDGE, NULL, 0);
        action = puppet_action(&p, SYNC_SEND_NOTICE, EDGE, 0);
        assert_non_null(action);
        if (action->u.notice.base != rows[i].base) {
            fail_msg("%s: base %d", rows[i].what, (int)action->u.notice.base);
        }
    }
}

static void what_could_not_be_used_is_asked_for_again(void **state)
{
    static const struct {
        enum err err;
        bool is_dropped, is_again, is_again_after_roster;
    } rows[] = {
        {ERR_STALE, false, false, false},  {ERR_GAP, false, true, true},     {ERR_UNKNOWN_KEY, false, false, true},
        {ERR_VERSION, false, false, true}, {ERR_BADSIG, true, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sync_event event = {.type = SYNC_REFUSED, .peer = EDGE};
        struct sync_event roster = notice_of(NOTICE_ROSTER, 0, 2, 2, NOBODY);

        puppet_stop(&p);
        puppet_start(&p, ROLE_EDGE);
        puppet_up(&p, EDGE, ROLE_EDGE, false);
        puppet_tick(&p, 6000);
        event.u.refused.is_notice = true;
        event.u.refused.err = rows[i].err;
        puppet_step(&p, &event);
        assert_int_equal(puppet_action(&p, SYNC_DROP_PEER, EDGE, 0) != NULL, rows[i].is_dropped);
        assert_int_equal(puppet_send(&p, MESSAGE_NOTICES, EDGE, 0) != NULL, rows[i].is_again);
        puppet_tick(&p, 6000);
        puppet_step(&p, &roster);
        assert_int_equal(puppet_send(&p, MESSAGE_NOTICES, EDGE, 0) != NULL || rows[i].is_again, rows[i].is_again_after_roster);
    }
}

/* ---- own frontier ---- */

static void a_frontier_is_made_when_released_on_change_and_daily(void **state)
{
    (void)state;
    puppet_roster(&p, 1, 0);
    assert_non_null(puppet_action(&p, SYNC_MAKE_FRONTIER, NOBODY, 0));
    puppet_stored(&p, OWN, 1, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
    puppet_stored(&p, OWN, 2, PUPPET_SELF, CHANNEL_REPORT, NOBODY);
    assert_null(puppet_action(&p, SYNC_MAKE_FRONTIER, NOBODY, 0));
    puppet_tick(&p, 1999);
    assert_null(puppet_action(&p, SYNC_MAKE_FRONTIER, NOBODY, 0));
    puppet_tick(&p, 1);
    assert_non_null(puppet_action(&p, SYNC_MAKE_FRONTIER, NOBODY, 0));
    assert_int_equal(sync_deadline(p.sync).ms, p.now_ms + 86400000);
    puppet_tick(&p, 86400000);
    assert_non_null(puppet_action(&p, SYNC_MAKE_FRONTIER, NOBODY, 0));
}

/* ---- missing ---- */

static void missing_counts_entries_that_frontiers_and_live_peers_name(void **state)
{
    struct sync_event frontier = notice_of(NOTICE_FRONTIER, 5, 1, 1, NOBODY);
    struct head named[2] = {puppet_head(THEIRS, 10, 0), puppet_head(9, 4, 0)};
    struct node_id author = puppet_node(EDGE2);
    struct node_id nobody = {{0}};
    struct node_id five = puppet_node(5);

    (void)state;
    puppet_held(&p, THEIRS, 7, EDGE2, CHANNEL_REPORT);
    assert_int_equal(sync_missing(p.sync), 0);
    assert_false(sync_is_heard(p.sync, &five));
    frontier.u.notice.heads = named;
    frontier.u.notice.head_count = 2;
    puppet_step(&p, &frontier);
    assert_true(sync_is_heard(p.sync, &five));
    assert_int_equal(sync_missing(p.sync), 6 + 8);
    assert_int_equal(sync_missing_of(p.sync, &author), 6);
    assert_int_equal(sync_missing_of(p.sync, &nobody), 8); /* nobody has said whose log that is */
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_head(&p, EDGE, true, THEIRS, 12, 0);
    assert_int_equal(sync_missing(p.sync), 10 + 8);
    puppet_down(&p, EDGE); /* its word counts while it lives */
    assert_int_equal(sync_missing(p.sync), 6 + 8);
    frontier = notice_of(NOTICE_FRONTIER, 5, 2, 2, NOBODY);
    named[0] = puppet_head(THEIRS, 7, 0);
    frontier.u.notice.heads = named;
    frontier.u.notice.head_count = 1;
    puppet_step(&p, &frontier); /* a restored node names less */
    assert_int_equal(sync_missing(p.sync), 0);
}

static void heads_come_out_sorted_and_counted(void **state)
{
    struct head heads[2];

    (void)state;
    puppet_held(&p, 9, 1, EDGE, CHANNEL_REPORT);
    puppet_held(&p, 3, 2, EDGE, CHANNEL_REPORT);
    puppet_held(&p, 5, 3, EDGE, CHANNEL_REPORT);
    assert_int_equal(sync_heads(p.sync, heads, 2), 3);
    assert_int_equal(heads[0].seq, 2);
    assert_int_equal(heads[1].seq, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, edge, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_digests_end_the_exchange_at_once),
        TEST(unequal_digests_are_followed_by_echo_and_then_complete_heads),
        TEST(who_gets_a_complete_list_and_has_sent_none_sends_one),
        TEST(frames_of_another_session_have_no_effect),
        TEST(what_cannot_be_read_drops_the_peer_and_names_the_clause),
        TEST(bye_ends_the_session_and_its_wait_is_honoured_within_reason),
        TEST(who_is_not_in_the_roster_is_dropped),
        TEST(own_commits_stay_until_a_hub_has_shown_our_logs),
        TEST(one_edge_is_not_enough_and_two_are),
        TEST(observers_are_not_enough),
        TEST(everybody_there_is_is_enough),
        TEST(alone_in_its_region_a_node_is_released_at_once),
        TEST(more_or_other_than_we_hold_of_our_own_is_an_alarm_and_is_fetched),
        TEST(what_was_shown_of_our_own_leaves_only_when_it_is_here),
        TEST(what_gave_way_is_shown_again),
        TEST(a_liar_does_not_make_us_begin_logs_without_end),
        TEST(after_the_release_an_alarm_withholds_nothing),
        TEST(who_found_us_unequal_learns_of_own_logs_at_the_release),
        TEST(a_segment_is_acknowledged_when_it_is_durable_and_not_before),
        TEST(notes_are_gathered_for_a_while_and_go_in_one_message),
        TEST(silence_while_something_is_owed_is_probed_and_then_ended),
        TEST(an_answer_keeps_the_peer_and_measures_the_round_trip),
        TEST(an_idle_engine_sleeps_until_the_next_ping_of_the_dialler),
        TEST(a_notice_goes_to_everybody_who_lacks_it_and_not_back),
        TEST(nothing_is_sent_before_the_list_of_the_other_is_complete),
        TEST(a_frontier_is_sent_as_difference_to_the_very_one_the_peer_holds),
        TEST(what_could_not_be_used_is_asked_for_again),
        TEST(a_frontier_is_made_when_released_on_change_and_daily),
        TEST(missing_counts_entries_that_frontiers_and_live_peers_name),
        TEST(heads_come_out_sorted_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

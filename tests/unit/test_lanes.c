#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "node/engine/peers.h"
#include "tests/lib/puppet.h"

#define NOBODY UINT32_MAX

enum { LOG = 2, LOG2 = 3, AUTHOR = 9, HUB = 1, HUB2 = 2, EDGE = 7, EDGE2 = 8 };

static struct puppet p;

static int edge(void **state)
{
    (void)state;
    puppet_start(&p, ROLE_EDGE);
    return 0;
}

static int hub(void **state)
{
    (void)state;
    puppet_start(&p, ROLE_HUB);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    puppet_stop(&p);
    return 0;
}

/* A session whose heads are known: complete HEADS naming this log up to seq. */
static void up_with(unsigned slot, enum role role, unsigned log, uint64_t seq)
{
    puppet_up(&p, slot, role, false);
    puppet_says_head(&p, slot, true, log, seq, 0);
}

/* ---- whom to ask ---- */

static void a_log_is_asked_of_one_peer_only(void **state)
{
    struct sub_item item;

    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(EDGE, ROLE_EDGE, LOG, 6);
    assert_true(puppet_has_sub(&p, EDGE, LOG, &item));
    assert_true(item.has_birth);
    assert_int_equal(item.seq, 4);
    assert_memory_equal(item.hash.b, puppet_hash(LOG, 4, 0).b, sizeof item.hash.b);
    up_with(EDGE2, ROLE_EDGE, LOG, 9);
    assert_false(puppet_has_sub(&p, EDGE2, LOG, NULL));
    assert_false(puppet_has_stop(&p, EDGE, LOG));
}

static void a_log_that_nobody_here_holds_is_asked_from_its_birth(void **state)
{
    struct sub_item item;

    (void)state;
    up_with(EDGE, ROLE_EDGE, LOG, 6);
    assert_true(puppet_has_sub(&p, EDGE, LOG, &item));
    assert_false(item.has_birth);
    puppet_says_segment(&p, EDGE, LOG, 0, 3, 80);
    assert_non_null(puppet_action(&p, SYNC_ADMIT, EDGE, 0));
}

static void the_author_is_asked_before_a_hub_and_a_hub_before_an_edge(void **state)
{
    static const struct {
        const char *what;
        unsigned slots[3];
        enum role roles[3];
        unsigned chosen;
    } rows[] = {
        {"author", {EDGE, HUB, AUTHOR}, {ROLE_EDGE, ROLE_HUB, ROLE_EDGE}, AUTHOR},
        {"hub", {EDGE, HUB, EDGE2}, {ROLE_EDGE, ROLE_HUB, ROLE_EDGE}, HUB},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        puppet_stop(&p);
        puppet_start(&p, ROLE_EDGE);
        puppet_held(&p, LOG, 6, AUTHOR, CHANNEL_REPORT);
        for (size_t k = 0; k < 3; k++) {
            up_with(rows[i].slots[k], rows[i].roles[k], LOG, 6);
        }
        /* Everybody states more at the same moment; only the last statement lets us choose, so hold back the choice by an
         * avoided log: a claim on a peer that goes down frees it for all. */
        for (size_t k = 0; k < 3; k++) {
            puppet_says_head(&p, rows[i].slots[k], false, LOG, 8, 0);
        }
        puppet_down(&p, rows[i].slots[0]); /* was asked first, by chance of being first */
        if (!puppet_has_sub(&p, rows[i].chosen, LOG, NULL)) {
            fail_msg("%s is not asked", rows[i].what);
        }
    }
}

static void edges_spread_over_the_hubs_and_each_keeps_its_own(void **state)
{
    unsigned first = 0;

    (void)state;
    for (unsigned self = 100; self < 200; self++) {
        struct sync_config config = {.role = ROLE_EDGE, .timing = sync_timing_of(PROFILE_SANDBOX), .seed = self};
        struct sync_member members[3] = {{puppet_node(self), ROLE_EDGE}, {puppet_node(HUB), ROLE_HUB}, {puppet_node(HUB2), ROLE_HUB}};
        struct sync_event roster = {.type = SYNC_ROSTER, .peer = NOBODY, .now = {1}};
        struct sync_event held = {.type = SYNC_STORED, .peer = NOBODY, .now = {1}};
        struct sync_actions actions;
        struct puppet one = {.now_ms = 1, .unpack = p.unpack};
        bool is_granted[3] = {false, false, false};

        config.self = puppet_node(self);
        roster.u.roster.members = members;
        roster.u.roster.count = 3;
        held.u.stored.head = puppet_head(LOG, 4, 0);
        held.u.stored.node = puppet_node(AUTHOR);
        held.u.stored.channel = CHANNEL_REPORT;
        held.u.stored.is_start = true;
        one.sync = sync_new(&config);
        assert_non_null(one.sync);
        assert_int_equal(sync_step(one.sync, &held, &actions), ERR_OK);
        assert_int_equal(sync_step(one.sync, &roster, &actions), ERR_OK);
        for (unsigned h = HUB; h <= HUB2; h++) {
            puppet_up(&one, h, ROLE_HUB, true);
            is_granted[h] = puppet_send(&one, MESSAGE_SUB, h, 0) != NULL;
        }
        assert_int_equal(is_granted[HUB] + is_granted[HUB2], 1); /* everything, of its own hub only */
        first += is_granted[HUB];
        sync_destroy(&one.sync);
    }
    assert_in_range(first, 30, 70);
}

static void alerts_are_asked_for_also_when_nothing_is_new(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_ALERT);
    puppet_held(&p, LOG2, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 4);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
    assert_false(puppet_has_sub(&p, HUB, LOG2, NULL));
}

static void a_hub_hears_each_author_at_first_hand(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_BULK);
    up_with(HUB2, ROLE_HUB, LOG, 4);
    assert_false(puppet_has_sub(&p, HUB2, LOG, NULL));
    up_with(AUTHOR, ROLE_EDGE, LOG, 4);
    assert_true(puppet_has_sub(&p, AUTHOR, LOG, NULL));
}

/* ---- stalls and ends ---- */

static void a_lane_that_brings_nothing_moves_to_who_states_more(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 6);
    up_with(HUB2, ROLE_HUB, LOG, 6);
    puppet_tick(&p, 2000);
    puppet_tick(&p, 1999);
    assert_false(puppet_has_stop(&p, HUB, LOG));
    puppet_tick(&p, 2001);
    assert_true(puppet_has_stop(&p, HUB, LOG));
    assert_true(puppet_has_sub(&p, HUB2, LOG, NULL));
}

static void the_only_source_is_kept_however_slow(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 6);
    for (int i = 0; i < 4; i++) {
        puppet_tick(&p, 2000);
        assert_false(puppet_has_stop(&p, HUB, LOG));
    }
}

static void when_a_source_goes_another_is_asked(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 6);
    up_with(HUB2, ROLE_HUB, LOG, 6);
    puppet_down(&p, HUB);
    assert_true(puppet_has_sub(&p, HUB2, LOG, NULL));
    puppet_down(&p, HUB2);
    assert_int_equal(sync_missing(p.sync), 0); /* nobody says so any more */
}

static void what_was_not_asked_for_drops_the_peer(void **state)
{
    static const struct {
        const char *what;
        unsigned log;
        uint64_t first;
    } rows[] = {
        {"an unknown log", 50, 0},
        {"a log asked of nobody", LOG2, 5},
        {"out of order", LOG, 6},
        {"from the beginning again", LOG, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sync_action *drop;

        puppet_stop(&p);
        puppet_start(&p, ROLE_EDGE);
        puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
        puppet_held(&p, LOG2, 4, AUTHOR, CHANNEL_REPORT);
        up_with(HUB, ROLE_HUB, LOG, 9);
        puppet_says_segment(&p, HUB, rows[i].log, rows[i].first, 1, 50);
        drop = puppet_action(&p, SYNC_DROP_PEER, HUB, 0);
        if (drop == NULL || drop->u.drop.reason != ERR_UNEXPECTED) {
            fail_msg("%s is taken", rows[i].what);
        }
        assert_null(puppet_action(&p, SYNC_ADMIT, HUB, 0));
    }
}

static void frames_under_way_at_a_stop_are_forgiven_up_to_the_credit(void **state)
{
    uint32_t frames = 0;

    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 600);
    puppet_stored(&p, LOG, 600, AUTHOR, CHANNEL_REPORT, NOBODY); /* a bundle brought it */
    up_with(AUTHOR, ROLE_EDGE, LOG, 700);
    puppet_says_head(&p, HUB, false, LOG, 650, 0);
    puppet_tick(&p, 2000);
    puppet_tick(&p, 2000);
    assert_true(puppet_has_stop(&p, HUB, LOG));
    while (frames < 100) {
        puppet_says_segment(&p, HUB, LOG, 5 + 2 * frames, 2, 15000);
        if (puppet_action(&p, SYNC_DROP_PEER, HUB, 0) != NULL) {
            break;
        }
        frames++;
        assert_null(puppet_action(&p, SYNC_ADMIT, HUB, 0));
    }
    assert_in_range(frames, CREDIT_BYTES_DEFAULT / 31000, (CREDIT_BYTES_DEFAULT + FRAME_BYTES_MAX) / 30000 + 1);
}

static void more_than_twice_the_credit_unstored_drops_the_peer(void **state)
{
    uint32_t frames = 0;

    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_BULK);
    up_with(HUB, ROLE_HUB, LOG, 6000);
    while (frames < 200) {
        puppet_says_segment(&p, HUB, LOG, 5 + 4 * frames, 4, 16000);
        if (puppet_action(&p, SYNC_DROP_PEER, HUB, 0) != NULL) {
            break;
        }
        frames++;
    }
    assert_in_range(frames, 2 * CREDIT_BYTES_DEFAULT / 65000, 2 * CREDIT_BYTES_DEFAULT / 64000 + 2);
}

static void what_a_refusal_does_depends_on_whose_fault_it_is(void **state)
{
    static const struct {
        enum err err;
        bool is_dropped, is_stopped;
        uint64_t again_ms; /* 0: not by time */
    } rows[] = {
        {ERR_GAP, false, true, 1000},         {ERR_UNKNOWN_LOG, false, true, 1000}, {ERR_UNKNOWN_KEY, false, true, 30000},
        {ERR_NOT_MEMBER, false, true, 30000}, {ERR_FULL, false, true, 5000},        {ERR_CUT, false, true, 0},
        {ERR_VERSION, false, true, 30000},    {ERR_STALE, false, false, 0},         {ERR_BADSIG, true, false, 0},
        {ERR_NONCANONICAL, true, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        puppet_stop(&p);
        puppet_start(&p, ROLE_EDGE);
        puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
        up_with(HUB, ROLE_HUB, LOG, 6);
        puppet_says_segment(&p, HUB, LOG, 5, 1, 50);
        puppet_refused(&p, HUB, LOG, rows[i].err);
        if ((puppet_action(&p, SYNC_DROP_PEER, HUB, 0) != NULL) != rows[i].is_dropped || puppet_has_stop(&p, HUB, LOG) != rows[i].is_stopped) {
            fail_msg("%s", err_name(rows[i].err));
        }
        if (rows[i].again_ms > 0) {
            puppet_tick(&p, rows[i].again_ms - 1);
            assert_false(puppet_has_sub(&p, HUB, LOG, NULL));
            puppet_tick(&p, 1);
            assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
        } else if (!rows[i].is_dropped) {
            puppet_tick(&p, 9000);
            assert_false(puppet_has_sub(&p, HUB, LOG, NULL));
        }
    }
}

static void a_new_roster_brings_back_what_was_parked_for_its_author(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 6);
    puppet_says_segment(&p, HUB, LOG, 5, 1, 50);
    puppet_refused(&p, HUB, LOG, ERR_UNKNOWN_KEY);
    puppet_roster(&p, 20, 2);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
}

static void a_peer_names_so_many_unknown_logs_and_no_more(void **state)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    static struct head_hint hints[HEADS_PER_MESSAGE_MAX];
    struct sync_peer peer;
    size_t before = 0;
    unsigned n = 0;

    (void)state;
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    for (int message = 0; message < 8; message++) {
        struct out out = out_into(bytes, sizeof bytes);

        for (size_t i = 0; i < HEADS_PER_MESSAGE_MAX; i++, n++) {
            memset(&hints[i], 0, sizeof hints[i]);
            hints[i].log = puppet_log(n);
            hints[i].seq = 5;
            hints[i].entries = 5;
        }
        heads_message_encode(false, hints, HEADS_PER_MESSAGE_MAX, &out);
        puppet_says(&p, EDGE, MESSAGE_HEADS, out_written(&out));
        if (message == 1) {
            before = sync_memory(p.sync);
        }
    }
    assert_true(sync_peer_at(p.sync, EDGE, &peer));
    assert_int_equal(peer.unknown_logs, UNKNOWN_LOGS_MAX);
    assert_int_equal(peer.claims, UNKNOWN_CLAIMS_MAX);
    assert_int_equal(sync_memory(p.sync), before);
    puppet_down(&p, EDGE);
    assert_true(sync_memory(p.sync) < before);
}

/* ---- pushing ---- */

static void an_alert_overtakes_a_backlog_after_two_frames(void **state)
{
    const struct sync_action *range;

    (void)state;
    puppet_held(&p, LOG, 5000, AUTHOR, CHANNEL_BULK);
    puppet_held(&p, LOG2, 4, AUTHOR, CHANNEL_ALERT);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_sub(&p, EDGE, LOG2, 4, 0, true);
    puppet_says_sub(&p, EDGE, LOG, 1, 0, true);
    range = puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0);
    assert_non_null(range);
    assert_int_equal(range->u.range.after_seq, 1);
    assert_int_equal(range->u.range.until_seq, 5000);
    assert_int_equal(range->u.range.bytes_max, FRAME_BYTES_DEFAULT);
    assert_memory_equal(range->u.range.hash.b, puppet_hash(LOG, 1, 0).b, 32);
    puppet_stored(&p, LOG2, 5, AUTHOR, CHANNEL_ALERT, NOBODY);
    range = puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0); /* the second frame is the alert's at once */
    assert_non_null(range);
    assert_memory_equal(range->u.range.log.b, puppet_log(LOG2).b, 32);
    puppet_stored(&p, LOG2, 6, AUTHOR, CHANNEL_ALERT, NOBODY);
    assert_null(puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0)); /* two are under way */
    puppet_sent(&p, EDGE, LOG, 1, 60, 16000);
    assert_null(puppet_action(&p, SYNC_SEND_RANGE, EDGE, 1));
    range = puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0);
    assert_non_null(range); /* the alert's frame is still out: bulk may go on beside it */
    assert_memory_equal(range->u.range.log.b, puppet_log(LOG).b, 32);
    puppet_sent(&p, EDGE, LOG2, 4, 5, 300);
    range = puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0); /* and now the alert before anything else */
    assert_non_null(range);
    assert_memory_equal(range->u.range.log.b, puppet_log(LOG2).b, 32);
}

/* ---- T12: one author has much to say ---- */

enum { FLOODER = 20, HONEST = 21, FLOOD_FIRST = 100, FLOOD_LOGS = 40, RANGES_MAX = 64 };

static struct sync_action ranges[RANGES_MAX]; /* under way, oldest first */
static size_t range_count;

static void ranges_keep(void)
{
    const struct sync_action *range;

    for (unsigned i = 0; (range = puppet_action(&p, SYNC_SEND_RANGE, EDGE, i)) != NULL; i++) {
        assert_true(range_count < RANGES_MAX);
        ranges[range_count++] = *range;
    }
}

/* The frame that is under way for longest is taken and acknowledged. Which log it was of; 0: nothing is under way. */
static unsigned frame_pass(void)
{
    struct sync_action range = ranges[0];
    uint64_t last = range.u.range.after_seq + 10 < range.u.range.until_seq ? range.u.range.after_seq + 10 : range.u.range.until_seq;
    unsigned log = 1;

    if (range_count == 0) {
        return 0;
    }
    while (memcmp(range.u.range.log.b, puppet_log(log).b, 32) != 0) {
        log++;
    }
    memmove(ranges, ranges + 1, --range_count * sizeof ranges[0]);
    puppet_sent(&p, EDGE, log, range.u.range.after_seq, last, FRAME_BYTES_DEFAULT);
    ranges_keep();
    puppet_says_head(&p, EDGE, false, log, last, 0);
    ranges_keep();
    return log;
}

static void flood_begin(enum channel channel)
{
    range_count = 0;
    puppet_held(&p, LOG, 1, HONEST, CHANNEL_REPORT);
    for (unsigned log = FLOOD_FIRST; log < FLOOD_FIRST + FLOOD_LOGS; log++) {
        puppet_held(&p, log, 100000, FLOODER, channel);
    }
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_sub(&p, EDGE, LOG, 1, 0, true);
    for (unsigned log = FLOOD_FIRST; log < FLOOD_FIRST + FLOOD_LOGS; log++) {
        puppet_says_sub(&p, EDGE, log, 1, 0, true);
        ranges_keep();
    }
}

/* How many frames of others pass before what is recorded now goes. */
static unsigned frames_before_mine(uint64_t seq)
{
    unsigned frames = 0;

    puppet_stored(&p, LOG, seq, HONEST, CHANNEL_REPORT, NOBODY);
    ranges_keep();
    while (frame_pass() != LOG) {
        assert_true(++frames < 10000);
    }
    return frames;
}

static void many_logs_of_one_author_get_no_more_than_one_of_another(void **state)
{
    (void)state;
    flood_begin(CHANNEL_REPORT);
    for (uint64_t seq = 2; seq < 40; seq++) {
        assert_true(frames_before_mine(seq) <= 3); /* two are under way, one may be next */
    }
}

static void who_calls_everything_urgent_is_not_urgent_for_long(void **state)
{
    unsigned most = 0, first;

    (void)state;
    flood_begin(CHANNEL_ALERT);
    first = frames_before_mine(2);
    assert_true(first > 3); /* alerts do go before reports */
    assert_true((uint64_t)first * FRAME_BYTES_DEFAULT <= URGENT_BYTES_MAX + 4 * FRAME_BYTES_DEFAULT);
    for (uint64_t seq = 3; seq < 40; seq++) {
        unsigned frames = frames_before_mine(seq);

        most = frames > most ? frames : most;
    }
    assert_true(most <= 3);
    puppet_tick(&p, UINT64_C(100) * URGENT_STEP_MS); /* an hour later they are urgent again */
    ranges_keep();
    assert_true(frames_before_mine(40) > 3);
}

static void unacknowledged_bytes_stay_within_the_window(void **state)
{
    uint64_t seq = 1;
    unsigned frames = 0;

    (void)state;
    puppet_held(&p, LOG, 50000, AUTHOR, CHANNEL_BULK);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_sub(&p, EDGE, LOG, 1, 0, true);
    while (puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0) != NULL) {
        puppet_sent(&p, EDGE, LOG, seq, seq + 10, FRAME_BYTES_DEFAULT);
        seq += 10;
        frames++;
        assert_true(frames < 100);
    }
    assert_int_equal(frames, 65536 / FRAME_BYTES_DEFAULT);
    puppet_says_head(&p, EDGE, false, LOG, 11, 0); /* the first frame is on its disk */
    assert_non_null(puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0));
}

/* Send the frame that is asked for, if one is; whether another is asked for at once. */
static bool frame_goes(uint64_t *seq, uint32_t *bytes_max)
{
    const struct sync_action *range = puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0);

    if (range == NULL) {
        return false;
    }
    *bytes_max = range->u.range.bytes_max;
    puppet_sent(&p, EDGE, LOG, *seq, *seq + 10, *bytes_max);
    *seq += 10;
    return true;
}

/* A line that takes `first_ms` for the first acknowledgement and `wait_ms` for all others: the size of frames in the end. */
static uint32_t frames_become(uint64_t first_ms, uint64_t wait_ms)
{
    uint64_t seq = 1;
    uint32_t bytes_max = 0;

    puppet_held(&p, LOG, 5000000, AUTHOR, CHANNEL_BULK);
    puppet_up(&p, EDGE, ROLE_EDGE, false);
    puppet_says_sub(&p, EDGE, LOG, 1, 0, true);
    for (int i = 0; i < 40; i++) {
        while (frame_goes(&seq, &bytes_max)) {
        }
        p.now_ms += i == 0 ? first_ms : wait_ms;
        puppet_says_head(&p, EDGE, false, LOG, seq, 0);
    }
    return bytes_max;
}

static void slow_acknowledgements_make_frames_small(void **state)
{
    (void)state;
    assert_int_equal(frames_become(300, 2300), 4096);
}

static void quick_acknowledgements_make_frames_large(void **state)
{
    (void)state;
    assert_int_equal(frames_become(3, 3), FRAME_BYTES_MAX);
}

static void what_the_peer_does_not_share_is_answered_with_stop(void **state)
{
    static const struct {
        const char *what;
        unsigned log;
        uint64_t seq;
        unsigned branch;
        bool is_stopped;
    } rows[] = {
        {"our head", LOG, 4, 0, false},    {"another at our head", LOG, 4, 1, true},
        {"the birth", LOG, 0, 0, false},   {"a log that we do not hold", 50, 4, 0, true},
        {"ahead of us", LOG, 9, 0, false}, {"below: the store knows", LOG, 2, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        puppet_stop(&p);
        puppet_start(&p, ROLE_EDGE);
        puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
        puppet_up(&p, EDGE, ROLE_EDGE, false);
        puppet_says_sub(&p, EDGE, rows[i].log, rows[i].seq, rows[i].branch, true);
        if (puppet_has_stop(&p, EDGE, rows[i].log) != rows[i].is_stopped) {
            fail_msg("%s", rows[i].what);
        }
    }
    puppet_sent(&p, EDGE, LOG, 2, 2, UINT32_MAX); /* the store says: not on our chain */
    assert_true(puppet_has_stop(&p, EDGE, LOG));
}

static void one_word_grants_everything_from_where_both_were(void **state)
{
    uint8_t bytes[64];
    struct out out = out_into(bytes, sizeof bytes);
    struct hash digest;
    const struct sync_action *range;

    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    puppet_held(&p, LOG2, 7, EDGE, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, true);
    sync_heads_digest(p.sync, &digest);
    puppet_stored(&p, LOG, 5, AUTHOR, CHANNEL_REPORT, NOBODY); /* on the way, the heads move */
    sub_encode(&digest, NULL, 0, &out);
    puppet_says(&p, EDGE, MESSAGE_SUB, out_written(&out));
    range = puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0);
    assert_non_null(range);
    assert_int_equal(range->u.range.after_seq, 4);
    assert_int_equal(range->u.range.until_seq, 5);
    puppet_sent(&p, EDGE, LOG, 4, 5, 300);
    puppet_stored(&p, LOG2, 8, EDGE, CHANNEL_REPORT, EDGE);
    assert_null(puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0)); /* not its own back to the author */
}

/* ---- forks ---- */

static void found(unsigned log, uint64_t seq)
{
    struct sync_event event = {.type = SYNC_FOUND, .peer = NOBODY};

    event.u.found.is_found = true;
    event.u.found.log = puppet_log(log);
    event.u.found.seq = seq;
    event.u.found.hash = puppet_hash(log, seq, 0);
    puppet_step(&p, &event);
}

static void another_hash_at_one_height_is_traced_back_in_doubling_steps(void **state)
{
    static const uint64_t steps[] = {19, 18, 16, 12, 4};
    struct sub_item item;

    (void)state;
    puppet_held(&p, LOG, 20, AUTHOR, CHANNEL_REPORT);
    puppet_up(&p, HUB, ROLE_HUB, false);
    puppet_says_head(&p, HUB, true, LOG, 20, 1);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct sync_action *look = puppet_action(&p, SYNC_LOOK_UP, NOBODY, 0);

        assert_non_null(look);
        assert_int_equal(look->u.look_up.seq, steps[i]);
        found(LOG, steps[i]);
        assert_true(puppet_has_sub(&p, HUB, LOG, &item));
        assert_int_equal(item.seq, steps[i]);
        puppet_says_stop(&p, HUB, LOG);
    }
    assert_true(puppet_has_sub(&p, HUB, LOG, &item)); /* the birth, whose hash is the log's name */
    assert_int_equal(item.seq, 0);
    assert_memory_equal(item.hash.b, puppet_log(LOG).b, sizeof item.hash.b);
    puppet_says_segment(&p, HUB, LOG, 1, 20, 50);
    assert_non_null(puppet_action(&p, SYNC_ADMIT, HUB, 0)); /* also what is held: it is compared */
}

static void who_is_denied_twice_suspects_another_branch(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 6);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
    puppet_says_stop(&p, HUB, LOG);
    assert_null(puppet_action(&p, SYNC_LOOK_UP, NOBODY, 0));
    puppet_tick(&p, 1000);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
    puppet_says_stop(&p, HUB, LOG);
    assert_non_null(puppet_action(&p, SYNC_LOOK_UP, NOBODY, 0));
}

static void prove(unsigned log, uint64_t seq)
{
    struct sync_event event = {.type = SYNC_NOTICE, .peer = NOBODY};
    struct head head = {.log = puppet_log(log), .seq = seq};

    event.u.notice.ref.kind = NOTICE_FORK_PROOF;
    memcpy(event.u.notice.ref.subject, head.log.b, sizeof event.u.notice.ref.subject);
    event.u.notice.heads = &head;
    event.u.notice.head_count = 1;
    puppet_step(&p, &event);
}

static void nothing_beyond_a_proven_fork_is_wanted_and_all_below_it_is(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    prove(LOG, 7);
    up_with(HUB, ROLE_HUB, LOG, 20);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL)); /* 5 and 6 count */
    puppet_says_segment(&p, HUB, LOG, 5, 10, 50);
    assert_non_null(puppet_action(&p, SYNC_ADMIT, HUB, 0));
    puppet_stored(&p, LOG, 6, AUTHOR, CHANNEL_REPORT, HUB);
    assert_true(puppet_has_stop(&p, HUB, LOG));
    assert_int_equal(sync_missing(p.sync), 0);
    puppet_says_head(&p, HUB, false, LOG, 30, 0);
    assert_false(puppet_has_sub(&p, HUB, LOG, NULL));
}

static void a_head_that_a_proof_lowers_is_stated_anew(void **state)
{
    uint64_t seq = 0;

    (void)state;
    puppet_held(&p, LOG, 9, AUTHOR, CHANNEL_REPORT);
    puppet_up(&p, EDGE, ROLE_EDGE, true);
    prove(LOG, 5);
    puppet_stored(&p, LOG, 4, AUTHOR, CHANNEL_REPORT, NOBODY);
    puppet_tick(&p, 20);
    assert_true(puppet_has_head(&p, EDGE, LOG, &seq));
    assert_int_equal(seq, 4);
}

/* What the store says of where a log ends: by a cut, or of a forked one. */
static void ends(unsigned log, uint64_t seq, uint64_t cut_height, uint64_t fork_height, bool is_start)
{
    struct sync_event event = {.type = SYNC_STORED, .peer = NOBODY};

    event.u.stored.head = puppet_head(log, seq, 0);
    event.u.stored.node = puppet_node(AUTHOR);
    event.u.stored.channel = CHANNEL_REPORT;
    event.u.stored.cut_height = cut_height;
    event.u.stored.fork_height = fork_height;
    event.u.stored.is_start = is_start;
    puppet_step(&p, &event);
}

static void of_a_forked_log_what_the_store_says_counts_more_than_the_proof(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 6, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 20);
    prove(LOG, 7);
    assert_int_equal(sync_missing(p.sync), 0);
    ends(LOG, 6, 0, 13, false); /* the hubs have made more of it final: up to 12 */
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
    prove(LOG, 3); /* a lower proof changes nothing of that */
    assert_true(sync_missing(p.sync) > 0);
    puppet_says_segment(&p, HUB, LOG, 7, 10, 50);
    ends(LOG, 12, 0, 13, false);
    assert_true(puppet_has_stop(&p, HUB, LOG));
    assert_int_equal(sync_missing(p.sync), 0);
    ends(LOG, 2, 0, 3, false); /* and less again */
    assert_int_equal(sync_missing(p.sync), 0);
}

static void a_forked_log_of_our_own_is_fetched_as_far_as_others_make_it_final(void **state)
{
    struct sync_event event = {.type = SYNC_STORED, .peer = NOBODY};

    (void)state;
    puppet_held(&p, LOG, 4, PUPPET_SELF, CHANNEL_REPORT);
    prove(LOG, 5);
    event.u.stored.head = puppet_head(LOG, 4, 0);
    event.u.stored.node = puppet_node(PUPPET_SELF);
    event.u.stored.channel = CHANNEL_REPORT;
    event.u.stored.fork_height = 8;
    puppet_step(&p, &event);
    up_with(HUB, ROLE_HUB, LOG, 7);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
}

/* In one word an edge grants its hub every log: one that has ended too, since a later roster may let it go on. */
static void a_log_that_had_ended_goes_on_under_a_grant_of_everything(void **state)
{
    (void)state;
    puppet_roster(&p, 12, 1);
    ends(LOG, 4, 5, 0, true);
    puppet_held(&p, LOG2, 7, AUTHOR, CHANNEL_REPORT);
    puppet_up(&p, HUB, ROLE_HUB, true);
    assert_non_null(puppet_send(&p, MESSAGE_SUB, HUB, 0));
    puppet_says_segment(&p, HUB, LOG, 5, 1, 50); /* the hub has heard of the extension first */
    assert_null(puppet_action(&p, SYNC_DROP_PEER, HUB, 0));
    assert_non_null(puppet_action(&p, SYNC_ADMIT, HUB, 0));
}

/* ---- observers ---- */

static int observer(void **state)
{
    (void)state;
    puppet_start(&p, ROLE_OBSERVER);
    return 0;
}

static void an_observer_is_not_asked_and_what_it_states_is_not_missing(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_ALERT);
    up_with(EDGE, ROLE_OBSERVER, LOG, 6);
    puppet_says_head(&p, EDGE, false, LOG2, 3, 0); /* of a log that nobody else has heard of */
    puppet_tick(&p, 60000);
    assert_false(puppet_has_sub(&p, EDGE, LOG, NULL));
    assert_false(puppet_has_sub(&p, EDGE, LOG2, NULL));
    assert_int_equal(sync_missing(p.sync), 0);
    puppet_says_head(&p, EDGE, false, LOG, 4, 1); /* another branch: no search, which would ask it */
    assert_false(puppet_has_sub(&p, EDGE, LOG, NULL));
    up_with(HUB, ROLE_HUB, LOG, 6);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
    assert_int_equal(sync_missing(p.sync), 4); /* two commits of two entries */
}

static void an_observer_asks_and_passes_nothing_on(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(HUB, ROLE_HUB, LOG, 6);
    assert_true(puppet_has_sub(&p, HUB, LOG, NULL));
    up_with(EDGE, ROLE_EDGE, LOG, 1);
    puppet_says_sub(&p, EDGE, LOG, 1, 0, true);
    assert_true(puppet_has_stop(&p, EDGE, LOG));
    assert_null(puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0));
    puppet_settle(&p);
    assert_null(puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0));
}

static void an_observer_is_sent_what_it_asks_for(void **state)
{
    (void)state;
    puppet_held(&p, LOG, 4, AUTHOR, CHANNEL_REPORT);
    up_with(EDGE, ROLE_OBSERVER, LOG, 1);
    puppet_says_sub(&p, EDGE, LOG, 1, 0, true);
    assert_non_null(puppet_action(&p, SYNC_SEND_RANGE, EDGE, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, edge, stop)
#define TEST_OBSERVER(f) cmocka_unit_test_setup_teardown(f, observer, stop)
#define TEST_HUB(f) cmocka_unit_test_setup_teardown(f, hub, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_is_asked_of_one_peer_only),
        TEST(a_log_that_nobody_here_holds_is_asked_from_its_birth),
        TEST(the_author_is_asked_before_a_hub_and_a_hub_before_an_edge),
        TEST(edges_spread_over_the_hubs_and_each_keeps_its_own),
        TEST(alerts_are_asked_for_also_when_nothing_is_new),
        TEST_HUB(a_hub_hears_each_author_at_first_hand),
        TEST(a_lane_that_brings_nothing_moves_to_who_states_more),
        TEST(the_only_source_is_kept_however_slow),
        TEST(when_a_source_goes_another_is_asked),
        TEST(what_was_not_asked_for_drops_the_peer),
        TEST(frames_under_way_at_a_stop_are_forgiven_up_to_the_credit),
        TEST(more_than_twice_the_credit_unstored_drops_the_peer),
        TEST(what_a_refusal_does_depends_on_whose_fault_it_is),
        TEST(a_new_roster_brings_back_what_was_parked_for_its_author),
        TEST(a_peer_names_so_many_unknown_logs_and_no_more),
        TEST(an_alert_overtakes_a_backlog_after_two_frames),
        TEST(many_logs_of_one_author_get_no_more_than_one_of_another),
        TEST(who_calls_everything_urgent_is_not_urgent_for_long),
        TEST(unacknowledged_bytes_stay_within_the_window),
        TEST(slow_acknowledgements_make_frames_small),
        TEST(quick_acknowledgements_make_frames_large),
        TEST(what_the_peer_does_not_share_is_answered_with_stop),
        TEST(one_word_grants_everything_from_where_both_were),
        TEST(another_hash_at_one_height_is_traced_back_in_doubling_steps),
        TEST(who_is_denied_twice_suspects_another_branch),
        TEST(nothing_beyond_a_proven_fork_is_wanted_and_all_below_it_is),
        TEST(of_a_forked_log_what_the_store_says_counts_more_than_the_proof),
        TEST(a_forked_log_of_our_own_is_fetched_as_far_as_others_make_it_final),
        TEST(a_log_that_had_ended_goes_on_under_a_grant_of_everything),
        TEST(a_head_that_a_proof_lowers_is_stated_anew),
        TEST(an_observer_is_not_asked_and_what_it_states_is_not_missing),
        TEST_OBSERVER(an_observer_asks_and_passes_nothing_on),
        TEST(an_observer_is_sent_what_it_asks_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

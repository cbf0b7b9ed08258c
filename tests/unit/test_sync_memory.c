/* What the engine does when memory runs out: it says so, for good, leaks nothing and breaks nothing. The allocator is replaced by one
 * that can be told to fail; a sanitizer has one of its own, so there the test is skipped. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "node/engine/sync.h"

/* volatile: the compiler believes that malloc changes no variable of ours. */
static volatile unsigned long allocations, fail_at; /* the allocation with this number fails, 0: none */
static volatile long alive;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static bool is_granted(void)
{
    return ++allocations != fail_at;
}

static void *counted(void *p)
{
    alive += p != NULL ? 1 : 0;
    return p;
}

void *malloc(size_t n)
{
    return is_granted() ? counted(__libc_malloc(n)) : NULL;
}

void *calloc(size_t n, size_t size)
{
    return is_granted() ? counted(__libc_calloc(n, size)) : NULL;
}

void *realloc(void *p, size_t n)
{
    if (!is_granted()) {
        return NULL;
    }
    return p == NULL ? counted(__libc_malloc(n)) : __libc_realloc(p, n);
}

void free(void *p)
{
    alive -= p != NULL ? 1 : 0;
    __libc_free(p);
}
#endif

enum { LOGS = 80, NODES = 40 };

static uint8_t bytes[FRAME_BYTES_MAX];
static uint64_t now_ms;

static struct node_id node_of(unsigned n)
{
    return (struct node_id){{1, (uint8_t)n}};
}

static struct log_id log_of(unsigned n)
{
    return (struct log_id){{2, (uint8_t)n}};
}

static struct head head_of(unsigned n, uint64_t seq)
{
    struct head head = {.log = log_of(n), .seq = seq, .entries = seq, .hash = {{3, (uint8_t)n, (uint8_t)seq}}};

    return head;
}

/* False when memory ran out, and then the engine says so ever after. */
static bool step(struct sync *sync, struct sync_event event)
{
    struct sync_actions actions;
    enum err err;

    event.now.ms = ++now_ms;
    err = sync_step(sync, &event, &actions);
    if (err == ERR_OK) {
        return true;
    }
    assert_int_equal(err, ERR_MEMORY);
    assert_int_equal(actions.count, 0);
    assert_int_equal(sync_step(sync, &event, &actions), ERR_MEMORY);
    assert_int_equal(actions.count, 0);
    return false;
}

static bool up(struct sync *sync, uint32_t slot)
{
    struct sync_event event = {.type = SYNC_PEER_UP, .peer = slot};

    event.u.up.node = node_of(slot);
    event.u.up.role = ROLE_HUB;
    event.u.up.frame_bytes_max = FRAME_BYTES_MAX;
    return step(sync, event);
}

static bool says(struct sync *sync, uint32_t slot, enum message_type type, const struct out *body)
{
    struct sync_event event = {.type = SYNC_MESSAGE, .peer = slot};

    event.u.message.type = type;
    event.u.message.body = out_written(body);
    return step(sync, event);
}

static bool says_heads(struct sync *sync, uint32_t slot, uint64_t seq)
{
    static struct head_hint hints[LOGS];
    struct out out = out_into(bytes, sizeof bytes);

    for (unsigned i = 0; i < LOGS; i++) {
        hints[i] = (struct head_hint){.log = log_of(i), .seq = seq, .entries = seq};
    }
    heads_message_encode(true, hints, LOGS, &out);
    return says(sync, slot, MESSAGE_HEADS, &out);
}

static bool says_subs(struct sync *sync, uint32_t slot)
{
    static struct sub_item items[LOGS];
    struct out out = out_into(bytes, sizeof bytes);

    for (unsigned i = 0; i < LOGS; i++) {
        items[i] = (struct sub_item){.log = log_of(i), .has_birth = true, .seq = 1, .hash = {{9}}};
    }
    sub_encode(NULL, items, LOGS, &out);
    return says(sync, slot, MESSAGE_SUB, &out);
}

static bool says_segment(struct sync *sync, uint32_t slot, unsigned log, uint64_t first)
{
    static struct seg seg;
    struct out out = out_into(bytes, sizeof bytes);

    seg = (struct seg){.log = log_of(log), .first = first, .count = 1, .items = {span_of("x", 1)}};
    seg_encode(&seg, &out);
    return says(sync, slot, MESSAGE_SEG, &out);
}

static bool stored(struct sync *sync, unsigned log, uint64_t seq, uint32_t slot, bool is_start)
{
    struct sync_event event = {.type = SYNC_STORED, .peer = slot};

    event.u.stored.head = head_of(log, seq);
    event.u.stored.node = node_of(log % NODES);
    event.u.stored.channel = (enum channel)(log % CHANNEL_COUNT);
    event.u.stored.is_start = is_start;
    return step(sync, event);
}

static bool frontier(struct sync *sync, unsigned n, uint64_t counter)
{
    static struct head heads[LOGS];
    struct sync_event event = {.type = SYNC_NOTICE, .peer = UINT32_MAX};
    struct node_id node = node_of(n);

    for (unsigned i = 0; i < LOGS; i++) {
        heads[i] = head_of(i + n, counter);
    }
    event.u.notice.ref.kind = NOTICE_FRONTIER;
    memcpy(event.u.notice.ref.subject, node.b, sizeof node.b);
    event.u.notice.ref.counter = counter;
    event.u.notice.heads = heads;
    event.u.notice.head_count = LOGS;
    return step(sync, event);
}

static bool roster(struct sync *sync)
{
    struct sync_member members[NODES];
    struct sync_event event = {.type = SYNC_ROSTER, .peer = UINT32_MAX};

    for (unsigned i = 0; i < NODES; i++) {
        members[i] = (struct sync_member){node_of(i), i < 4 ? ROLE_HUB : ROLE_EDGE};
    }
    event.u.roster.members = members;
    event.u.roster.count = NODES;
    return step(sync, event);
}

static bool tick(struct sync *sync)
{
    struct sync_event event = {.type = SYNC_TICK, .peer = UINT32_MAX};

    now_ms += 5000;
    return step(sync, event);
}

/* A little of everything that allocates. False when memory ran out on the way. */
static bool live(struct sync *sync)
{
    for (unsigned i = 0; i < LOGS / 2; i++) {
        if (!stored(sync, i, 2, UINT32_MAX, true)) {
            return false;
        }
    }
    for (unsigned i = 0; i < NODES; i++) {
        if (!frontier(sync, i, 1)) {
            return false;
        }
    }
    if (!roster(sync) || !up(sync, 1) || !says_heads(sync, 1, 2) || !up(sync, 2) || !says_heads(sync, 2, 7) || !says_subs(sync, 1) ||
        !says_segment(sync, 2, 3, 3) || !tick(sync) || !tick(sync)) {
        return false;
    }
    for (unsigned i = 0; i < LOGS; i++) {
        if (!stored(sync, i, 5, 2, false)) {
            return false;
        }
    }
    return frontier(sync, 3, 2) && says_subs(sync, 2) && tick(sync) && up(sync, 1) && tick(sync);
}

static void when_memory_runs_out_the_engine_says_so_for_good_and_leaks_nothing(void **state)
{
    struct sync_config config = {.self = node_of(10), .timing = sync_timing_of(PROFILE_SANDBOX), .seed = 1};
    unsigned long n = 0;
    bool is_through = false;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    printf("skip: the sanitizer has its own allocator\n");
    skip();
#endif
    while (!is_through) {
        long before = alive;
        struct sync *sync;

        allocations = 0;
        fail_at = ++n;
        now_ms = 1000;
        sync = sync_new(&config);
        is_through = sync != NULL && live(sync);
        is_through = is_through && allocations < fail_at;
        fail_at = 0;
        sync_destroy(&sync);
        assert_int_equal(alive, before);
    }
    printf("%lu allocations failed one by one\n", n - 1);
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_memory_runs_out_the_engine_says_so_for_good_and_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

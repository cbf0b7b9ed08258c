#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "tests/lib/puppet.h"

enum { BODY_BYTES = 65536 };

static uint8_t body_bytes[BODY_BYTES];

void puppet_start(struct puppet *puppet, enum role role)
{
    struct sync_config config = {.role = role, .timing = sync_timing_of(PROFILE_SANDBOX), .seed = 7};

    memset(puppet, 0, sizeof *puppet);
    config.self = puppet_node(PUPPET_SELF);
    puppet->now_ms = 1000000;
    puppet->sync = sync_new(&config);
    puppet->unpack = unpack_new();
    assert_non_null(puppet->sync);
    assert_non_null(puppet->unpack);
}

void puppet_stop(struct puppet *puppet)
{
    sync_destroy(&puppet->sync);
    assert_null(puppet->sync);
    sync_destroy(&puppet->sync); /* accepts NULL */
    unpack_destroy(&puppet->unpack);
}

struct node_id puppet_node(unsigned node)
{
    struct node_id id = {{0}};

    id.b[0] = 0x40;
    id.b[1] = (uint8_t)(node >> 8);
    id.b[2] = (uint8_t)node;
    return id;
}

struct log_id puppet_log(unsigned log)
{
    struct log_id id = {{0}};

    id.b[0] = 0x4c;
    id.b[1] = (uint8_t)(log >> 8);
    id.b[2] = (uint8_t)log;
    return id;
}

struct hash puppet_hash(unsigned log, uint64_t seq, unsigned branch)
{
    struct hash hash = {{0}};
    struct log_id id = puppet_log(log);

    memcpy(hash.b, id.b, sizeof hash.b);
    if (seq > 0) {
        hash.b[3] = (uint8_t)(branch + 1);
        memcpy(hash.b + 8, &seq, sizeof seq);
    }
    return hash;
}

struct head puppet_head(unsigned log, uint64_t seq, unsigned branch)
{
    struct head head = {.log = puppet_log(log), .seq = seq, .entries = 2 * seq};

    head.hash = puppet_hash(log, seq, branch);
    return head;
}

struct session_id puppet_session(unsigned slot)
{
    struct session_id session = {{0x53, (uint8_t)(slot >> 8), (uint8_t)slot, 0, 0, 0, 0, 1}};

    return session;
}

void puppet_step(struct puppet *puppet, struct sync_event *event)
{
    event->now.ms = puppet->now_ms;
    assert_int_equal(sync_step(puppet->sync, event, &puppet->asked), ERR_OK);
}

void puppet_roster(struct puppet *puppet, unsigned count, unsigned hubs)
{
    struct sync_member members[64];
    struct sync_event event = {.type = SYNC_ROSTER, .peer = UINT32_MAX};

    assert_true(count <= 64);
    for (unsigned i = 0; i < count; i++) {
        members[i].node = puppet_node(i);
        members[i].role = i >= 1 && i <= hubs ? ROLE_HUB : ROLE_EDGE;
    }
    event.u.roster.members = members;
    event.u.roster.count = count;
    puppet_step(puppet, &event);
}

void puppet_up(struct puppet *puppet, unsigned slot, enum role role, bool is_equal)
{
    struct sync_event event = {.type = SYNC_PEER_UP, .peer = slot};

    event.u.up.node = puppet_node(slot);
    event.u.up.role = role;
    event.u.up.is_dialled = true;
    event.u.up.session = puppet_session(slot);
    event.u.up.frame_bytes_max = FRAME_BYTES_MAX;
    if (is_equal) {
        sync_heads_digest(puppet->sync, &event.u.up.heads_digest);
        sync_notices_digest(puppet->sync, &event.u.up.notices_digest);
    }
    puppet_step(puppet, &event);
}

void puppet_down(struct puppet *puppet, unsigned slot)
{
    struct sync_event event = {.type = SYNC_PEER_DOWN, .peer = slot};

    puppet_step(puppet, &event);
}

static void stored(struct puppet *puppet, unsigned log, uint64_t seq, unsigned author, enum channel channel, uint32_t slot, bool is_start)
{
    struct sync_event event = {.type = SYNC_STORED, .peer = slot};

    event.u.stored.head = puppet_head(log, seq, 0);
    event.u.stored.node = puppet_node(author);
    event.u.stored.channel = channel;
    event.u.stored.is_start = is_start;
    puppet_step(puppet, &event);
}

void puppet_stored(struct puppet *puppet, unsigned log, uint64_t seq, unsigned author, enum channel channel, uint32_t slot)
{
    stored(puppet, log, seq, author, channel, slot, false);
}

void puppet_held(struct puppet *puppet, unsigned log, uint64_t seq, unsigned author, enum channel channel)
{
    stored(puppet, log, seq, author, channel, UINT32_MAX, true);
}

void puppet_tick(struct puppet *puppet, uint64_t after_ms)
{
    struct sync_event event = {.type = SYNC_TICK, .peer = UINT32_MAX};

    puppet->now_ms += after_ms;
    puppet_step(puppet, &event);
}

void puppet_settle(struct puppet *puppet)
{
    for (int i = 0; i < 10 && sync_deadline(puppet->sync).ms <= puppet->now_ms; i++) {
        puppet_tick(puppet, 0);
        if (puppet->asked.count > 0) {
            break;
        }
    }
}

/* ---- what a peer says ---- */

void puppet_says(struct puppet *puppet, unsigned slot, enum message_type type, struct span body)
{
    struct sync_event event = {.type = SYNC_MESSAGE, .peer = slot};

    event.u.message.session = puppet_session(slot);
    event.u.message.type = type;
    event.u.message.body = body;
    puppet_step(puppet, &event);
}

static void says_hints(struct puppet *puppet, unsigned slot, bool is_complete, const struct head_hint *hints, size_t count)
{
    struct out out = out_into(body_bytes, sizeof body_bytes);

    heads_message_encode(is_complete, hints, count, &out);
    assert_false(out.is_full);
    puppet_says(puppet, slot, MESSAGE_HEADS, out_written(&out));
}

void puppet_says_head(struct puppet *puppet, unsigned slot, bool is_complete, unsigned log, uint64_t seq, unsigned branch)
{
    struct head head = puppet_head(log, seq, branch);
    struct head_hint hint = {.log = head.log, .seq = seq, .entries = head.entries};
    struct session_id session = puppet_session(slot);

    hash_prefix(&session, &head.hash, hint.prefix);
    says_hints(puppet, slot, is_complete, &hint, 1);
}

void puppet_says_nothing_held(struct puppet *puppet, unsigned slot)
{
    says_hints(puppet, slot, true, NULL, 0);
}

void puppet_says_echo(struct puppet *puppet, unsigned slot, unsigned log, uint64_t seq, unsigned branch)
{
    struct out out = out_into(body_bytes, sizeof body_bytes);
    struct head head = puppet_head(log, seq, branch);

    heads_canonical(&head, log == 0 ? 0 : 1, &out);
    puppet_says(puppet, slot, MESSAGE_ECHO, out_written(&out));
}

void puppet_says_sub(struct puppet *puppet, unsigned slot, unsigned log, uint64_t seq, unsigned branch, bool has_birth)
{
    struct out out = out_into(body_bytes, sizeof body_bytes);
    struct sub_item item = {.log = puppet_log(log), .has_birth = has_birth, .seq = seq};

    if (has_birth) {
        item.hash = puppet_hash(log, seq, branch);
    }
    sub_encode(NULL, &item, 1, &out);
    puppet_says(puppet, slot, MESSAGE_SUB, out_written(&out));
}

void puppet_says_stop(struct puppet *puppet, unsigned slot, unsigned log)
{
    struct out out = out_into(body_bytes, sizeof body_bytes);
    struct log_id id = puppet_log(log);

    stop_encode(&id, 1, &out);
    puppet_says(puppet, slot, MESSAGE_STOP, out_written(&out));
}

void puppet_says_segment(struct puppet *puppet, unsigned slot, unsigned log, uint64_t first, uint32_t count, size_t item_bytes)
{
    static struct seg seg;
    static const uint8_t item[COMMIT_REDUCED_BYTES_MAX];
    struct out out = out_into(body_bytes, sizeof body_bytes);

    seg.log = puppet_log(log);
    seg.first = first;
    seg.count = count;
    for (uint32_t i = 0; i < count; i++) {
        seg.items[i] = span_of(item, item_bytes);
    }
    seg_encode(&seg, &out);
    assert_false(out.is_full);
    puppet_says(puppet, slot, MESSAGE_SEG, out_written(&out));
}

void puppet_refused(struct puppet *puppet, unsigned slot, unsigned log, enum err err)
{
    struct sync_event event = {.type = SYNC_REFUSED, .peer = slot};

    event.u.refused.log = puppet_log(log);
    event.u.refused.err = err;
    puppet_step(puppet, &event);
}

void puppet_sent(struct puppet *puppet, unsigned slot, unsigned log, uint64_t after_seq, uint64_t last_seq, uint32_t bytes)
{
    struct sync_event event = {.type = SYNC_SENT, .peer = slot};

    event.u.sent.log = puppet_log(log);
    event.u.sent.after_seq = after_seq;
    event.u.sent.has_birth = true;
    event.u.sent.last_seq = last_seq;
    event.u.sent.bytes = bytes;
    event.u.sent.is_mismatch = bytes == UINT32_MAX;
    event.u.sent.bytes = bytes == UINT32_MAX ? 0 : bytes;
    puppet_step(puppet, &event);
}

/* ---- what the engine asked for ---- */

const struct sync_action *puppet_action(const struct puppet *puppet, enum sync_action_type type, uint32_t slot, unsigned n)
{
    for (size_t i = 0; i < puppet->asked.count; i++) {
        const struct sync_action *action = &puppet->asked.actions[i];

        if (action->type == type && (slot == UINT32_MAX || action->peer == slot) && n-- == 0) {
            return action;
        }
    }
    return NULL;
}

const struct sync_action *puppet_send(const struct puppet *puppet, enum message_type type, uint32_t slot, unsigned n)
{
    for (unsigned i = 0;; i++) {
        const struct sync_action *action = puppet_action(puppet, SYNC_SEND, slot, i);

        if (action == NULL || (action->u.send.type == type && n-- == 0)) {
            return action;
        }
    }
}

bool puppet_has_sub(const struct puppet *puppet, unsigned slot, unsigned log, struct sub_item *ret)
{
    static struct sub_item items[SUBS_PER_MESSAGE_MAX];
    struct log_id id = puppet_log(log);
    const struct sync_action *action;

    for (unsigned n = 0; (action = puppet_send(puppet, MESSAGE_SUB, slot, n)) != NULL; n++) {
        bool has_digest;
        struct hash digest;
        size_t count = 0;
        const char *clause = NULL;

        assert_int_equal(sub_decode(puppet->unpack, action->u.send.body, &has_digest, &digest, items, SUBS_PER_MESSAGE_MAX, &count, &clause), ERR_OK);
        for (size_t i = 0; i < count; i++) {
            if (log_id_compare(&items[i].log, &id) == 0) {
                if (ret != NULL) {
                    *ret = items[i];
                }
                return true;
            }
        }
    }
    return false;
}

bool puppet_has_stop(const struct puppet *puppet, unsigned slot, unsigned log)
{
    static struct log_id items[SUBS_PER_MESSAGE_MAX];
    struct log_id id = puppet_log(log);
    const struct sync_action *action;

    for (unsigned n = 0; (action = puppet_send(puppet, MESSAGE_STOP, slot, n)) != NULL; n++) {
        size_t count = 0;
        const char *clause = NULL;

        assert_int_equal(stop_decode(puppet->unpack, action->u.send.body, items, SUBS_PER_MESSAGE_MAX, &count, &clause), ERR_OK);
        for (size_t i = 0; i < count; i++) {
            if (log_id_compare(&items[i], &id) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool puppet_has_head(const struct puppet *puppet, unsigned slot, unsigned log, uint64_t *ret)
{
    static struct head_hint items[HEADS_PER_MESSAGE_MAX];
    struct log_id id = puppet_log(log);
    const struct sync_action *action;

    for (unsigned n = 0; (action = puppet_send(puppet, MESSAGE_HEADS, slot, n)) != NULL; n++) {
        size_t count = 0;
        bool is_complete;
        const char *clause = NULL;

        assert_int_equal(heads_message_decode(puppet->unpack, action->u.send.body, &is_complete, items, HEADS_PER_MESSAGE_MAX, &count, &clause),
                         ERR_OK);
        for (size_t i = 0; i < count; i++) {
            if (log_id_compare(&items[i].log, &id) == 0) {
                *ret = items[i].seq;
                return true;
            }
        }
    }
    return false;
}

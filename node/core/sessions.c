#include "node/core/state.h"

#include <stdio.h>

void core_name_of(const struct core *core, const struct node_id *node, char ret[NAME_BYTES_MAX + 1])
{
    const struct member *member = core->writer.membership != NULL ? membership_named(core->writer.membership, node) : NULL;
    if (member != NULL) {
        memcpy(ret, member->name, NAME_BYTES_MAX + 1);
    } else {
        hex_encode(node->b, 4, ret);
    }
}

uint64_t core_draw(struct core *core)
{
    core->random ^= core->random << 13;
    core->random ^= core->random >> 7;
    core->random ^= core->random << 17;
    return core->random;
}

void core_refused(struct core *core, const char *peer, enum err err, const char *clause)
{
    const char *text = clause != NULL ? clause : "";
    size_t i = 0;
    while (i < core->refusal_count && (core->refusals[i].err != err || strcmp(core->refusals[i].clause, text) != 0)) {
        i++;
    }
    if (i == LIVE_REFUSALS_MAX) {
        i = LIVE_REFUSALS_MAX - 1; /* the last row gathers what is left */
    } else if (i == core->refusal_count) {
        core->refusal_count++;
        core->refusals[i] = (struct live_refusal){.err = err};
        snprintf(core->refusals[i].clause, sizeof core->refusals[i].clause, "%s", text);
    }
    core->refusals[i].count++;
    core->refusal_last[i] = core->now.ms;
    log_event(LOG_WARN, "refused", "peer=%s err=%s clause=%s", peer, err_name(err), text);
}

struct connection *connection_find(struct core *core, uint32_t number)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (core->connections[i].number == number && number != 0) {
            return &core->connections[i];
        }
    }
    return NULL;
}

struct connection *connection_of_slot(struct core *core, uint32_t slot)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (core->connections[i].number != 0 && core->connections[i].is_up && core->connections[i].slot == slot) {
            return &core->connections[i];
        }
    }
    return NULL;
}

static struct link *link_of(struct core *core, const struct connection *c)
{
    for (size_t i = 0; i < core->link_count; i++) {
        if (c->is_dialled && core->links[i].state != LINK_WAITING && core->links[i].connection == c->number) {
            return &core->links[i];
        }
    }
    return NULL;
}

static void remember(struct core *core, const struct node_id *node)
{
    for (size_t i = 0; i < core->remembered_count; i++) {
        if (node_id_equal(&core->remembered[i].node, node)) {
            core->remembered[i].heard_ms = core->now.ms;
            return;
        }
    }
    if (core->remembered_count < REMEMBERED_NODES_MAX) {
        core->remembered[core->remembered_count++] = (struct remembered){*node, core->now.ms};
    }
}

void core_send(struct core *core, const struct connection *c, enum message_type type, struct span body, bool tell)
{
    struct out out = out_into(core->frame, BUILD_BYTES);
    frame_begin(&out, &c->session.id, type);
    out_span(&out, body);
    if (!out.is_full && out.at <= FRAME_BYTES_MAX) {
        gateway_send(core->gateway, c->number, out_written(&out), tell);
    } else {
        log_event(LOG_ERROR, "frame_too_large", "type=%d bytes=%zu", (int)type, body.n);
    }
}

/* ---- sessions ---- */

struct key_owner {
    struct store_read *read;
};

static bool owns_key(void *arg, const struct node_id *node, const struct curve_public *key)
{
    struct key_owner *owner = arg;
    static const struct curve_public none;
    struct card card;
    return store_card(owner->read, node, &card) == ERR_OK &&
           (memcmp(card.transport.b, key->b, sizeof key->b) == 0 ||
            (memcmp(card.transport_before.b, none.b, sizeof none.b) != 0 && memcmp(card.transport_before.b, key->b, sizeof key->b) == 0));
}

static void self_describe(struct core *core, struct session_self *ret)
{
    *ret = (struct session_self){.identity = core->home->identity, .transport = core->home->transport_public, .membership = core->writer.membership, .owns_key = owns_key};
    struct hello *hello = &ret->hello;
    hello->protocol = PROTOCOL_VERSION;
    hello->region = core->home->region;
    hello->node = core->home->node;
    memcpy(hello->install, core->home->install, sizeof hello->install);
    memcpy(hello->boot, core->boot, sizeof hello->boot);
    hello->frame_bytes_max = FRAME_BYTES_MAX;
    sync_heads_digest(core->sync, &hello->heads_digest);
    sync_notices_digest(core->sync, &hello->notices_digest);
    if (core->writer.membership != NULL) {
        hello->roster_number = membership_roster_number(core->writer.membership);
        hello->roster_hash = *membership_roster_hash(core->writer.membership);
        hello->acts_digest = *membership_acts_digest(core->writer.membership);
    }
}

/* End a connection, with a word to the peer when it can hear it, and see to the link. */
void connection_end(struct core *core, struct connection *c, enum err reason, const char *why, uint32_t retry_after_ms, bool is_gone)
{
    bool was_up = c->is_up;
    uint32_t slot = c->slot;
    struct link *link = link_of(core, c);
    if (!is_gone) {
        uint8_t body[128];
        struct out out = out_into(body, sizeof body);
        bye_encode(reason, retry_after_ms, &out);
        core_send(core, c, MESSAGE_BYE, out_written(&out), false);
        gateway_close(core->gateway, c->number);
    }
    if (link != NULL) {
        link_failed(link, why, reason == ERR_NOT_MEMBER || reason == ERR_UNKNOWN_KEY || reason == ERR_VERSION || reason == ERR_REGION, retry_after_ms,
                    core_draw(core), core->now);
    }
    *c = (struct connection){0};
    if (was_up) {
        core_feed(core, &(struct sync_event){.type = SYNC_PEER_DOWN, .now = core->now, .peer = slot});
    }
}

struct connection *connection_add(struct core *core, uint32_t number, bool is_dialled, const struct curve_public *key)
{
    struct connection *free_one = NULL;
    for (size_t i = 0; i < CONNECTIONS_MAX && free_one == NULL; i++) {
        if (core->connections[i].number == 0) {
            free_one = &core->connections[i];
        }
    }
    if (free_one == NULL) {
        return NULL;
    }
    *free_one = (struct connection){.number = number, .is_dialled = is_dialled, .key = *key, .since = core->now, .heard = core->now};
    free_one->deadline.ms = core->now.ms + LINK_ATTEMPT_MS;
    return free_one;
}

void session_start(struct core *core, struct connection *c)
{
    struct session_self self;
    uint8_t memory[HELLO_BYTES_MAX + 64];
    struct out out = out_into(memory, sizeof memory);
    self_describe(core, &self);
    session_begin(&c->session, &self, c->is_dialled, &c->key, wall_now(), &out);
    if (out.at > 0) {
        gateway_send(core->gateway, c->number, out_written(&out), false);
    }
}

static bool free_slot(struct core *core, uint32_t *ret)
{
    for (uint32_t slot = 0; slot < PEERS_MAX; slot++) {
        if (connection_of_slot(core, slot) == NULL) {
            *ret = slot;
            return true;
        }
    }
    return false;
}

static void peer_up(struct core *core, struct connection *c)
{
    if (!free_slot(core, &c->slot)) {
        connection_end(core, c, ERR_BUSY, "too many peers", 60000, false);
        return;
    }
    c->is_up = true;
    c->skew_ms = (int64_t)c->session.peer_hello.clock.ms - (int64_t)wall_now().ms;
    c->is_contested = false;
    struct link *link = link_of(core, c);
    if (link != NULL) {
        link_up(link);
    }
    char name[NAME_BYTES_MAX + 1];
    core_name_of(core, &c->session.peer.node, name);
    log_event(LOG_INFO, "peer_up", "peer=%s dialled=%d", name, c->is_dialled);
    const struct hello *hello = &c->session.peer_hello;
    bool same_notices = false;
    if (core->writer.membership != NULL) {
        same_notices = hello->roster_number == membership_roster_number(core->writer.membership) &&
                       hash_equal(&hello->roster_hash, membership_roster_hash(core->writer.membership)) &&
                       hash_equal(&hello->acts_digest, membership_acts_digest(core->writer.membership));
    }
    struct sync_event event = {.type = SYNC_PEER_UP, .now = core->now, .peer = c->slot};
    event.u.up.node = c->session.peer.node;
    event.u.up.role = c->session.peer.role;
    event.u.up.is_dialled = c->is_dialled;
    event.u.up.session = c->session.id;
    event.u.up.heads_digest = hello->heads_digest;
    if (same_notices) { /* else zeros: never equal, so that lists of notices are exchanged */
        event.u.up.notices_digest = hello->notices_digest;
    }
    event.u.up.frame_bytes_max = hello->frame_bytes_max;
    core_feed(core, &event);
}

/* A second session of a node: the first may be dead without anyone having said so, or a clone may be alive. */
static void session_stands(struct core *core, struct connection *c)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *other = &core->connections[i];
        if (other == c || other->number == 0 || !other->is_up || !node_id_equal(&other->session.peer.node, &c->session.peer.node)) {
            continue;
        }
        if (memcmp(other->session.peer_hello.boot, c->session.peer_hello.boot, 8) == 0 &&
            memcmp(other->session.peer_hello.install, c->session.peer_hello.install, 16) == 0) {
            connection_end(core, other, ERR_SESSION, "replaced by a newer connection", 0, false);
            continue;
        }
        uint8_t body[16];
        struct out out = out_into(body, sizeof body);
        if (other->asked == 0) {
            other->asked = core_draw(core) | 1;
            ping_encode(other->asked, &out);
            core_send(core, other, MESSAGE_PING, out_written(&out), false);
        }
        other->heard.ms = 0; /* any word after this proves it alive */
        c->is_contested = true;
        c->deadline.ms = core->now.ms + CONTEST_MS;
        return;
    }
    peer_up(core, c);
}

void contest_check(struct core *core, struct connection *c)
{
    struct connection *other = NULL;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (&core->connections[i] != c && core->connections[i].is_up && node_id_equal(&core->connections[i].session.peer.node, &c->session.peer.node)) {
            other = &core->connections[i];
        }
    }
    if (other != NULL && other->heard.ms != 0) {
        char name[NAME_BYTES_MAX + 1];
        core_name_of(core, &c->session.peer.node, name);
        log_event(LOG_ERROR, "clone_alarm", "peer=%s", name);
        core_refused(core, name, ERR_SESSION, "WIRE.md 5.2: two machines speak with the keys of one node");
        connection_end(core, c, ERR_SESSION, "another machine is connected with this node's keys", 60000, false);
        return;
    }
    if (other == NULL || core->now.ms >= c->deadline.ms) {
        if (other != NULL) {
            connection_end(core, other, ERR_SESSION, "silent while a newer connection came", 0, false);
        }
        peer_up(core, c);
    }
}

static void session_frame(struct core *core, struct connection *c, const struct frame *frame)
{
    struct session_self self;
    struct key_owner owner;
    self_describe(core, &self);
    self.arg = &owner;
    if (self.membership == NULL || store_read_begin(core->store, &owner.read) != ERR_OK) {
        connection_end(core, c, ERR_BUSY, "this node has no roster yet", 5000, false);
        return;
    }
    uint8_t memory[2 * HELLO_BYTES_MAX];
    struct out out = out_into(memory, sizeof memory);
    size_t bytes[2];
    const char *clause = NULL;
    enum err err = session_take(&c->session, &self, frame, core->unpack, &out, bytes, &clause);
    store_read_end(&owner.read);
    for (size_t i = 0, at = 0; i < 2 && bytes[i] > 0; at += bytes[i], i++) {
        gateway_send(core->gateway, c->number, span_of(memory + at, bytes[i]), false);
    }
    if (err != ERR_OK) {
        char key[9];
        hex_encode(c->key.b, 4, key);
        core_refused(core, key, err, clause);
        connection_end(core, c, err, clause != NULL ? clause : err_text(err), 0, false);
    } else if (c->session.state == SESSION_UP) {
        session_stands(core, c);
    }
}

static void take_bye(struct core *core, struct connection *c, struct span body)
{
    enum err reason;
    uint32_t retry_after_ms;
    const char *clause;
    if (bye_decode(core->unpack, body, &reason, &retry_after_ms, &clause) != ERR_OK) {
        reason = ERR_MALFORMED;
        retry_after_ms = 0;
    }
    char why[LINK_ERROR_BYTES_MAX];
    snprintf(why, sizeof why, "%s%s", reason == ERR_OK ? "the peer has stopped" : "the peer ended it: ", reason == ERR_OK ? "" : err_text(reason));
    gateway_close(core->gateway, c->number);
    connection_end(core, c, reason, why, retry_after_ms < 600000 ? retry_after_ms : 600000, true);
}

void core_take_frame(struct core *core, const struct gateway_event *event)
{
    struct connection *c = connection_find(core, event->connection);
    if (c == NULL) {
        c = connection_add(core, event->connection, false, &event->key);
        if (c == NULL) {
            gateway_close(core->gateway, event->connection);
            return;
        }
        session_start(core, c);
    }
    c->heard = core->now;
    struct frame frame;
    const char *clause = NULL;
    enum err err = frame_decode(event->frame, &frame, &clause);
    if (err != ERR_OK) {
        char name[NAME_BYTES_MAX + 1] = "?";
        if (c->is_up) {
            core_name_of(core, &c->session.peer.node, name);
        }
        core_refused(core, name, err, clause);
        connection_end(core, c, err, clause, 1000, false);
        return;
    }
    if (frame.type == MESSAGE_BYE) {
        take_bye(core, c, frame.body);
        return;
    }
    if (c->session.state != SESSION_UP) {
        session_frame(core, c, &frame);
        return;
    }
    if (memcmp(frame.session.b, c->session.id.b, sizeof frame.session.b) != 0 || !c->is_up) {
        if (!c->is_contested) {
            connection_end(core, c, ERR_SESSION, "frames of another session", 0, false);
        }
        return;
    }
    remember(core, &c->session.peer.node);
    uint64_t asked = 0;
    if (frame.type == MESSAGE_PONG && c->asked != 0 && ping_decode(core->unpack, frame.body, &asked, &clause) == ERR_OK && asked == c->asked) {
        c->asked = 0; /* the engine has not asked */
        return;
    }
    struct sync_event sync_event = {.type = SYNC_MESSAGE, .now = core->now, .peer = c->slot, .u.message = frame};
    core_feed(core, &sync_event);
}

uint32_t core_slot_of(struct core *core, uint32_t connection)
{
    struct connection *c = connection_find(core, connection);
    return c != NULL && c->is_up ? c->slot : UINT32_MAX;
}

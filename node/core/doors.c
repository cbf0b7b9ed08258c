#include "node/core/state.h"
#include "node/frontier.h"
#include "node/trust.h"

#include <stdlib.h>

struct keys {
    struct curve_public all[GATEWAY_ALLOWED_MAX / 2];
    size_t count;
};
struct door {
    struct core *core;
    struct keys allowed, revoked;
};

static void key_add(struct keys *keys, const struct curve_public *key)
{
    static const struct curve_public none;
    if (memcmp(key->b, none.b, sizeof none.b) != 0 && keys->count < sizeof keys->all / sizeof keys->all[0]) {
        keys->all[keys->count++] = *key;
    }
}

static bool door_key(void *arg, const struct notice_ref *ref, struct span bytes, struct span heads)
{
    struct door *door = arg;
    const struct membership *membership = door->core->writer.membership;
    (void)bytes;
    (void)heads;
    if (ref->kind != NOTICE_CARD) {
        return true;
    }
    struct node_id node;
    memcpy(node.b, ref->subject, sizeof node.b);
    bool is_peer = membership_peer(membership, &node) != NULL;
    if (!is_peer && !membership_is_revoked(membership, &node)) {
        return true;
    }
    struct store_read *read;
    struct card card;
    if (store_read_begin(door->core->store, &read) == ERR_OK) {
        if (store_card(read, &node, &card) == ERR_OK) {
            struct keys *keys = is_peer ? &door->allowed : &door->revoked;
            key_add(keys, &card.transport);
            key_add(keys, &card.transport_before);
        }
        store_read_end(&read);
    }
    return true;
}

/* A card may name whatever key it likes: one that was put out must not take another's key with it. */
static void revoked_spare(struct door *door)
{
    size_t kept = 0;
    for (size_t i = 0; i < door->revoked.count; i++) {
        bool is_spared = false;
        for (size_t j = 0; j < door->allowed.count && !is_spared; j++) {
            is_spared = memcmp(door->revoked.all[i].b, door->allowed.all[j].b, sizeof door->allowed.all[j].b) == 0;
        }
        if (!is_spared) {
            door->revoked.all[kept++] = door->revoked.all[i];
        }
    }
    door->revoked.count = kept;
}

static const struct config_peer *configured(const struct core *core, const char *name)
{
    for (uint32_t i = 0; i < core->home->config.peer_count; i++) {
        if (strcmp(core->home->config.peers[i].name, name) == 0) {
            return &core->home->config.peers[i];
        }
    }
    return NULL;
}

/* Edges dial every hub; of two hubs the one with the lower node id dials. An address in griot.ini is always dialled. */
static bool should_dial(const struct core *core, const struct member *member)
{
    if (node_id_equal(&member->node, &core->home->node)) {
        return false;
    }
    if (configured(core, member->name) != NULL) {
        return true;
    }
    return member->role == ROLE_HUB && (core->home->role != ROLE_HUB || memcmp(core->home->node.b, member->node.b, sizeof member->node.b) < 0);
}

static void links_refresh(struct core *core, struct store_read *read)
{
    size_t members = membership_peer_count(core->writer.membership);
    for (size_t i = 0; i < members; i++) {
        const struct member *member = membership_peer_at(core->writer.membership, i);
        struct link *link = NULL;
        for (size_t j = 0; j < core->link_count; j++) {
            if (node_id_equal(&core->links[j].node, &member->node)) {
                link = &core->links[j];
            }
        }
        struct card card;
        if (!should_dial(core, member) || store_card(read, &member->node, &card) != ERR_OK) {
            continue;
        }
        const struct config_peer *peer = configured(core, member->name);
        if (peer == NULL && card.address_count == 0) {
            continue;
        }
        if (link == NULL) {
            struct link *more = realloc(core->links, (core->link_count + 1) * sizeof *more);
            if (more == NULL) {
                return;
            }
            core->links = more;
            link = &core->links[core->link_count++];
            uint32_t max = core->home->config.retry_max_s > 0 ? core->home->config.retry_max_s * 1000
                                                              : link_retry_ms_max(membership_profile(core->writer.membership));
            link_init(link, &member->node, max, core->now);
        }
        snprintf(link->address, sizeof link->address, "%.*s", ADDRESS_BYTES_MAX, peer != NULL ? peer->address : card.addresses[0]);
        link_expect(link, &card, wall_now());
    }
}

/* Whoever may not connect any more is dropped at once, also for the protocol it speaks: ZAP is asked only at the door. Those in the middle of the handshake too. */
static void drop_strangers(struct core *core)
{
    const struct membership *membership = core->writer.membership;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &core->connections[i];
        if (c->number != 0 && c->session.state != SESSION_HELLO && membership_peer(membership, &c->session.peer.node) == NULL) {
            char name[NAME_BYTES_MAX + 1];
            core_name_of(core, &c->session.peer.node, name);
            log_event(LOG_WARN, "peer_dropped", "peer=%s suspended=%d", name, membership_is_revoked(membership, &c->session.peer.node));
            connection_end(core, c, ERR_NOT_MEMBER, "no longer a member", 60000, false);
        } else if (c->number != 0 && c->session.state != SESSION_HELLO && c->session.peer_hello.protocol < membership_protocol_min(membership)) {
            char name[NAME_BYTES_MAX + 1];
            core_name_of(core, &c->session.peer.node, name);
            core_refused(core, name, ERR_VERSION, "WIRE.md 5.2: an older protocol version than the roster allows");
            connection_end(core, c, ERR_VERSION, "an older protocol version than the roster allows", 60000, false);
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < core->link_count; i++) {
        struct connection *c = connection_find(core, core->links[i].connection);
        bool is_peer = membership_peer(membership, &core->links[i].node) != NULL;
        if (!is_peer && c != NULL) {
            connection_end(core, c, ERR_NOT_MEMBER, "no longer a member", 60000, false);
        }
        if (is_peer) {
            core->links[kept++] = core->links[i];
        }
    }
    core->link_count = kept;
}

/* What a hub owes those who have just come in: their cards, when it was it that proposed them. And what we owe the others once we are in: ours. */
static void publish_cards(struct core *core)
{
    struct trust_settle settle;
    enum err err = core_begin(core);
    if (err == ERR_OK) {
        err = core_outcome(core, trust_settle(&core->writer, &settle));
    }
    for (size_t i = 0; err == ERR_OK && i < settle.notice_count; i++) {
        err = writer_note(&core->writer, &settle.notices[i]);
    }
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out card = out_into(bytes, sizeof bytes);
    struct notice_ref ref;
    bool is_new = false;
    const char *clause;
    if (err == ERR_OK && membership_find(core->writer.membership, &core->home->node) != NULL && home_card_current(core->home, &card) == ERR_OK &&
        store_admit_notice(core->store, out_written(&card), 0, span_of(NULL, 0), &ref, &is_new, &clause) == ERR_OK && is_new) {
        err = writer_note(&core->writer, &ref);
    }
    if (err != ERR_OK) {
        log_event(LOG_WARN, "cards_not_published", "err=%s", err_name(err));
    }
}

void core_dial_again(struct core *core)
{
    for (size_t i = 0; i < core->link_count; i++) {
        if (core->links[i].state == LINK_WAITING) {
            core->links[i].next = core->now;
        }
    }
}

void core_membership_changed(struct core *core)
{
    core->has_membership_change = false;
    enum err err = writer_refresh(&core->writer);
    if (err != ERR_OK || core->writer.membership == NULL) {
        return;
    }
    const struct membership *membership = core->writer.membership;
#ifdef GRIOT_WITHOUT_T20_DROP
    if (core->now.ms != core->started.ms) {
        return; /* whom it concerned at the start is all it concerns */
    }
#endif
    if (membership_is_disputed(membership) != core->is_disputed) {
        core->is_disputed = membership_is_disputed(membership);
        log_event(core->is_disputed ? LOG_WARN : LOG_INFO, core->is_disputed ? "root_disputed" : "root_settled", "roster=%llu", (unsigned long long)membership_roster_number(membership));
    }
    core_renew_membership(core);
    struct door *door = calloc(1, sizeof *door);
    size_t count = membership_peer_count(membership);
    struct sync_member *members = calloc(count + 1, sizeof *members);
    struct store_read *read;
    if (door == NULL || members == NULL || store_read_begin(core->store, &read) != ERR_OK) {
        free(door);
        free(members);
        return;
    }
    door->core = core;
    (void)!store_notices(read, door_key, door);
    revoked_spare(door);
    drop_strangers(core); /* before the door closes, so that they are told */
    links_refresh(core, read);
    store_read_end(&read);
    if (!hash_equal(&core->roster, membership_roster_hash(membership))) {
        core->roster = *membership_roster_hash(membership);
        core_dial_again(core); /* whoever has turned us away may have this roster too */
    }
    gateway_allow(core->gateway, door->allowed.all, door->allowed.count, door->revoked.all, door->revoked.count);
    for (size_t i = 0; i < count; i++) {
        members[i] = (struct sync_member){membership_peer_at(membership, i)->node, membership_peer_at(membership, i)->role};
    }
    struct sync_event event = {.type = SYNC_ROSTER, .now = core->now, .peer = UINT32_MAX};
    event.u.roster.members = members;
    event.u.roster.count = count;
    core_feed(core, &event);
    free(members);
    free(door);
    publish_cards(core);
    if (!core->wants_identity) {
        core_own_cut(core);
    }
}

void core_note_frontier(struct core *core, const struct notice_ref *ref)
{
    if (ref->kind == NOTICE_FRONTIER && memcmp(ref->subject, core->home->node.b, sizeof ref->subject) == 0 && ref->counter > core->frontier_counter) {
        core->frontier_counter = ref->counter;
    }
}

static bool is_observer(const struct membership *membership, const struct notice_ref *ref)
{
    struct node_id node;
    memcpy(node.b, ref->subject, sizeof node.b);
    const struct member *member = membership == NULL ? NULL : membership_find(membership, &node);
    return member != NULL && member->role == ROLE_OBSERVER;
}

size_t core_notice_heads(struct unpack *unpack, const struct membership *membership, const struct notice_ref *ref, struct span bytes, struct span heads_bytes, struct head *ret)
{
    const char *clause;
    size_t count = 0;
    if (ref->kind == NOTICE_FRONTIER && !is_observer(membership, ref) && heads_decode(unpack, heads_bytes, ret, FRONTIER_HEADS_MAX, &count, &clause) == ERR_OK) {
        return count;
    }
    struct notice notice;
    struct fork_proof proof;
    struct commit *header = ref->kind == NOTICE_FORK_PROOF ? malloc(sizeof *header) : NULL;
    if (header != NULL && notice_decode(unpack, bytes, &notice, &clause) == ERR_OK && fork_proof_decode(unpack, notice.body, &proof, &clause) == ERR_OK &&
        commit_canonical_decode(unpack, proof.a, header, &clause) == ERR_OK) {
        *ret = (struct head){.log = header->log, .seq = header->seq};
        count = 1;
    }
    free(header);
    return count;
}

/* Tell the engine of a durable notice: a frontier with its heads, a fork proof with where it is. */
void core_notice_stored(struct core *core, uint32_t slot, const struct notice_ref *ref, bool is_start)
{
    core_note_frontier(core, ref);
    if (ref->kind == NOTICE_FRONTIER) {
        core_sweep_soon(core);
    }
    struct sync_event event = {.type = SYNC_NOTICE, .now = core->now, .peer = slot};
    event.u.notice.ref = *ref;
    event.u.notice.is_start = is_start;
    struct store_read *read;
    struct head *heads = NULL;
    if ((ref->kind == NOTICE_FRONTIER || ref->kind == NOTICE_FORK_PROOF) && store_read_begin(core->store, &read) == ERR_OK) {
        struct span notice, bytes;
        heads = malloc(FRONTIER_HEADS_MAX * sizeof *heads);
        if (heads != NULL && store_notice(read, ref, &notice, &bytes) == ERR_OK) {
            event.u.notice.head_count = core_notice_heads(core->unpack, core->writer.membership, ref, notice, bytes, heads);
            event.u.notice.heads = event.u.notice.head_count > 0 ? heads : NULL;
        }
        store_read_end(&read);
    }
    core_feed(core, &event);
    free(heads);
    if (ref->kind == NOTICE_ROSTER || ref->kind == NOTICE_ACT || ref->kind == NOTICE_CARD) {
        core->has_membership_change = true;
    }
}

enum err core_make_frontier(struct core *core, struct pending *p)
{
    size_t count = sync_heads(core->sync, core->heads, FRONTIER_HEADS_MAX);
    if (count > FRONTIER_HEADS_MAX) {
        count = FRONTIER_HEADS_MAX;
    }
    struct frontier_new fresh = {0};
    enum err err = frontier_common(&core->writer, core->heads, count);
    if (err == ERR_OK) {
        err = frontier_sign(&core->writer, core->heads, count, core->frontier_counter, &fresh);
    }
    p->type = PENDING_NOTICE;
    p->ref = fresh.ref;
    p->is_new = fresh.is_new;
    p->clause = fresh.clause;
    if (err == ERR_OK) {
        core_note_frontier(core, &fresh.ref);
    }
    return err;
}

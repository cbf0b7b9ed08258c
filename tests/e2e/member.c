/* A member with valid keys that misbehaves: `member HOME HUB BEHAVIOUR` speaks to the hub named HUB with the keys of HOME, whose daemon is down.
 * Exit 0 when the misbehaviour was carried out and the hub ended the session or went on as it should; the hub's status then says what it refused.
 * Beside a session's misbehaviours there are those of a connection that never begins one (`parts`, `dust`, `route`): a raw socket with the keys of HOME. */
#include "node/core/core.h"
#include "node/net/gateway.h"
#include "node/net/session.h"
#include "proto/pack.h"
#include "store/store.h"

#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 5000 };

#define MUST(x)                                                                                                                                      \
    do {                                                                                                                                             \
        if (!(x)) {                                                                                                                                  \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #x);                                                                           \
            exit(1);                                                                                                                                 \
        }                                                                                                                                            \
    } while (0)

struct member_state {
    struct home home;
    struct store *store;
    struct store_read *read;
    struct membership *membership;
    struct card hub;
    struct gateway *gateway;
    struct session session;
    struct session_self self;
    struct unpack *unpack;
    struct log_info log; /* one of our own, with at least two commits */
    const char *address; /* of the hub, as we dial it */
    bool is_gone;
};

static bool owns_key(void *arg, const struct node_id *node, const struct curve_public *key)
{
    const struct member_state *m = arg;
    return node_id_equal(node, &m->hub.node) && memcmp(key->b, m->hub.transport.b, 32) == 0;
}

static void send_raw(struct member_state *m, struct span frame) { gateway_send(m->gateway, 1, frame, false); }

static void send_body(struct member_state *m, enum message_type type, struct span body)
{
    uint8_t *memory = malloc(FRAME_BYTES_MAX + 1024);
    struct out out = out_into(memory, FRAME_BYTES_MAX + 1024);
    frame_begin(&out, &m->session.id, type);
    out_span(&out, body);
    send_raw(m, out_written(&out));
    free(memory);
}

/* The next frame of this type within the patience; false when none came or the session ended. Fills a copy. */
static bool await(struct member_state *m, int type, struct frame *ret, uint8_t *memory)
{
    uint64_t until = mono_now().ms + PATIENCE_MS;
    while (mono_now().ms < until && !m->is_gone) {
        struct gateway_event event;
        zmq_pollitem_t item = {.fd = gateway_descriptor(m->gateway), .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 50);
        while (gateway_receive(m->gateway, &event)) {
            const char *clause;
            struct frame frame;
            if (event.type == GATEWAY_GONE) {
                m->is_gone = true;
                return false;
            }
            if (event.type == GATEWAY_OPEN && type == 0) {
                return true;
            }
            if (event.type != GATEWAY_FRAME || frame_decode(event.frame, &frame, &clause) != ERR_OK) {
                continue;
            }
            if (frame.type == MESSAGE_BYE) {
                m->is_gone = true;
            }
            if ((int)frame.type == type) {
                memcpy(memory, frame.body.p, frame.body.n);
                *ret = frame;
                ret->body = span_of(memory, frame.body.n);
                return true;
            }
            if (m->is_gone) {
                return false;
            }
        }
    }
    return false;
}

static bool own_log(void *arg, const struct log_info *log)
{
    struct member_state *m = arg;
    if (node_id_equal(&log->node, &m->home.node) && log->head.seq >= 2) {
        m->log = *log;
    }
    return true;
}

static void open_all(struct member_state *m, const char *home, const char *hub)
{
    MUST(crypto_start() == ERR_OK && home_open(home, &m->home) == ERR_OK && home_unlock(&m->home, NULL) == ERR_OK);
    MUST(store_open(m->home.path, &m->store) == ERR_OK && store_read_begin(m->store, &m->read) == ERR_OK);
    MUST(store_membership(m->read, sign_check, &m->membership) == ERR_OK);
    const struct member *member = membership_by_name(m->membership, hub);
    MUST(member != NULL && store_card(m->read, &member->node, &m->hub) == ERR_OK);
    MUST(store_logs(m->read, own_log, m) == ERR_OK);
    m->address = m->hub.addresses[0];
    for (uint32_t i = 0; i < m->home.config.peer_count; i++) {
        if (strcmp(m->home.config.peers[i].name, hub) == 0) {
            m->address = m->home.config.peers[i].address;
        }
    }
    m->unpack = unpack_new();
}

static void dial(struct member_state *m)
{
    char why[GATEWAY_WHY_BYTES_MAX];
    struct gateway_config config = {.listen = "", .transport_public = m->home.transport_public, .transport = m->home.transport};
    struct frame frame;
    MUST(gateway_new(&config, &m->gateway, why) == ERR_OK);
    gateway_dial(m->gateway, 1, m->address, &m->hub.transport);
    MUST(await(m, 0, &frame, NULL));
}

static void hello_fill(struct member_state *m, const char *behaviour)
{
    m->self = (struct session_self){.identity = m->home.identity, .transport = m->home.transport_public, .membership = m->membership, .owns_key = owns_key, .arg = m};
    struct hello *hello = &m->self.hello;
    hello->protocol = strcmp(behaviour, "protocol") == 0 ? PROTOCOL_VERSION + 7 : strcmp(behaviour, "protocol-0") == 0 ? 0 : PROTOCOL_VERSION;
    hello->region = m->home.region;
    if (strcmp(behaviour, "region") == 0) {
        hello->region.b[0] ^= 1;
    }
    hello->node = m->home.node;
    memcpy(hello->install, m->home.install, sizeof hello->install);
    random_fill(hello->boot, sizeof hello->boot);
    hello->roster_number = membership_roster_number(m->membership);
    hello->roster_hash = *membership_roster_hash(m->membership);
    hello->acts_digest = *membership_acts_digest(m->membership);
    hello->frame_bytes_max = FRAME_BYTES_MAX;
}

/* False when the hub ended it before it stood. */
static bool shake_hands(struct member_state *m, const char *behaviour)
{
    uint8_t memory[2 * HELLO_BYTES_MAX], *body = malloc(FRAME_BYTES_MAX * 2);
    struct frame frame;
    const char *clause = NULL;
    struct out out = out_into(memory, sizeof memory);
    hello_fill(m, behaviour);
    session_begin(&m->session, &m->self, true, &m->hub.transport, wall_now(), &out);
    send_raw(m, out_written(&out));
    for (int i = 0; i < 2; i++) {
        size_t bytes[2];
        struct out reply = out_into(memory, sizeof memory);
        if (!await(m, i == 0 ? MESSAGE_HELLO : MESSAGE_HELLO_ACK, &frame, body)) {
            free(body);
            return false;
        }
        MUST(session_take(&m->session, &m->self, &frame, m->unpack, &reply, bytes, &clause) == ERR_OK);
        if (bytes[0] > 0) {
            if (strcmp(behaviour, "ack") == 0) {
                memory[bytes[0] - 5] ^= 1; /* a bit of the signature */
            }
            send_raw(m, span_of(memory, bytes[0]));
        }
    }
    free(body);
    return true;
}

/* Wait until the hub asks for our log; from where through `ret`. */
static bool await_sub(struct member_state *m, struct sub_item *ret, uint8_t *memory)
{
    static struct sub_item items[SUBS_PER_MESSAGE_MAX];
    struct frame frame;
    while (await(m, MESSAGE_SUB, &frame, memory)) {
        bool has_digest;
        struct hash digest;
        size_t count = 0;
        const char *clause;
        MUST(sub_decode(m->unpack, frame.body, &has_digest, &digest, items, SUBS_PER_MESSAGE_MAX, &count, &clause) == ERR_OK);
        for (size_t i = 0; i < count; i++) {
            if (log_id_compare(&items[i].log, &m->log.head.log) == 0) {
                *ret = items[i];
                return true;
            }
        }
    }
    return false;
}

/* Say that we hold our log, wait until the hub asks for it, and give what `bend` makes of the true segment. */
static void give_segment(struct member_state *m, void (*bend)(struct seg *seg))
{
    static const struct hash none;
    uint8_t *memory = malloc(FRAME_BYTES_MAX * 2), *body = malloc(FRAME_BYTES_MAX * 2);
    struct head_hint hint = {.log = m->log.head.log, .seq = m->log.head.seq, .entries = m->log.head.entries};
    struct seg seg;
    uint64_t last_seq, last_entries;
    MUST(m->log.head.seq >= 2);
    hash_prefix(&m->session.id, &m->log.head.hash, hint.prefix);
    struct out empty = out_into(body, 64);
    heads_canonical(NULL, 0, &empty);
    send_body(m, MESSAGE_ECHO, out_written(&empty));
    struct out out = out_into(body, 1024);
    heads_message_encode(true, &hint, 1, &out);
    send_body(m, MESSAGE_HEADS, out_written(&out));
    struct sub_item asked = {0};
    MUST(await_sub(m, &asked, memory));
    MUST(store_segment(m->read, &m->log.head.log, asked.has_birth, asked.seq, &none, UINT64_MAX, 60000, &seg, &last_seq, &last_entries) == ERR_OK && seg.count >= 2);
    bend(&seg);
    struct out given = out_into(body, FRAME_BYTES_MAX);
    seg_encode(&seg, &given);
    send_body(m, MESSAGE_SEG, out_written(&given));
    free(memory);
    free(body);
}

static uint8_t bent[20000];

static void bend_flip(struct seg *seg)
{
    struct span item = seg->items[1];
    memcpy(bent, item.p, item.n);
    bent[item.n - 20] ^= 0x10;
    seg->items[1] = span_of(bent, item.n);
}

static void bend_order(struct seg *seg)
{
    struct span first = seg->items[1];
    seg->items[1] = seg->items[seg->count - 1];
    seg->items[seg->count - 1] = first;
}

static void bend_gap(struct seg *seg)
{
    seg->first += 1;
    memmove(seg->items, seg->items + 1, (seg->count - 1) * sizeof seg->items[0]);
    seg->first += 1;
    seg->count -= 1;
}

static void bend_birth(struct seg *seg)
{
    memcpy(bent, seg->items[0].p, seg->items[0].n);
    bent[seg->items[0].n - 3] ^= 1;
    seg->items[0] = span_of(bent, seg->items[0].n);
}

/* A relay that keeps a payload back and passes the rest on: the commit stays valid, what it says is gone. */
static void bend_strip(struct seg *seg)
{
    static struct commit commit;
    struct commit_packer *packer = commit_packer_new();
    struct unpack *unpack = unpack_new();
    struct span reduced;
    const char *clause;
    MUST(packer != NULL && unpack != NULL && commit_unpack(packer, seg->items[1], &reduced, &clause) == ERR_OK);
    MUST(commit_reduced_decode(unpack, reduced, &commit, &clause) == ERR_OK);
    struct entry *entry = &commit.entries[0];
    hash_leaf(entry->salt, entry->payload, &entry->leaf.content);
    entry->leaf.length = (uint32_t)entry->payload.n;
    entry->has_payload = false;
    struct out out = out_into(bent, sizeof bent);
    out_bytes(&out, &(uint8_t){0}, 1); /* plain */
    commit_reduced(&commit, &out);
    MUST(!out.is_full);
    seg->items[1] = out_written(&out);
    commit_packer_destroy(&packer);
    unpack_destroy(&unpack);
}

/* A hub that says to hold one branch of a log, and then another. */
static void lie(struct member_state *m)
{
    uint8_t *memory = malloc(FRAME_BYTES_MAX);
    for (uint64_t said = 0; said < 2; said++) {
        uint8_t list_mem[256], body_mem[512], whole_mem[1024];
        struct out list = out_into(list_mem, sizeof list_mem), body = out_into(body_mem, sizeof body_mem), whole = out_into(whole_mem, sizeof whole_mem);
        struct out message = out_into(memory, FRAME_BYTES_MAX);
        struct head head = m->log.head;
        struct frontier frontier = {.version = FORMAT_VERSION, .region = m->home.region, .node = m->home.node, .clock = wall_now(), .head_count = 1};
        head.hash.b[0] ^= (uint8_t)said;
        frontier.counter = frontier.clock.ms / 1000 + 10 + said;
        frontier.roster_number = membership_roster_number(m->membership);
        frontier.roster_hash = *membership_roster_hash(m->membership);
        frontier.acts_digest = *membership_acts_digest(m->membership);
        heads_canonical(&head, 1, &list);
        hash_of(HASH_HEADS, out_written(&list), &frontier.heads_digest);
        frontier_encode(&frontier, &body);
        struct notice notice = {.kind = NOTICE_FRONTIER, .body = out_written(&body), .signature_count = 1};
        sign_make(SIGN_FRONTIER, &m->home.region, notice.body, m->home.identity, &notice.signatures[0].signature);
        notice_encode(&notice, &whole);
        notice_message_encode(out_written(&whole), 0, out_written(&list), &message);
        send_body(m, MESSAGE_NOTICE, out_written(&message));
    }
    free(memory);
}

static bool take_roster(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct span *ret = arg;
    (void)heads;
    if (ref->kind == NOTICE_ROSTER) {
        *ret = notice;
    }
    return true;
}

/* A notice that is held, with one byte set: of its signed bytes, or, counted from behind, of its last signature. */
static void give_notice(struct member_state *m, bool is_roster, long at, uint8_t byte)
{
    struct span held = span_of(NULL, 0), heads;
    uint8_t *copy = malloc(FRAME_BYTES_MAX), *body = malloc(FRAME_BYTES_MAX);
    struct out out = out_into(body, FRAME_BYTES_MAX);
    struct notice notice;
    MUST(copy != NULL && body != NULL);
    MUST(is_roster ? store_notices(m->read, take_roster, &held) == ERR_OK : store_notice_newest(m->read, NOTICE_CARD, &m->home.node, &held, &heads) == ERR_OK);
    MUST(held.n > 0 && held.n <= FRAME_BYTES_MAX);
    memcpy(copy, held.p, held.n);
    held = span_of(copy, held.n);
    MUST(notice_decode(m->unpack, held, &notice, NULL) == ERR_OK);
    copy[at < 0 ? held.n - (size_t)-at : (size_t)(notice.body.p - copy) + (size_t)at] = byte;
    notice_message_encode(held, 0, span_of(NULL, 0), &out);
    send_body(m, MESSAGE_NOTICE, out_written(&out));
    free(copy);
    free(body);
}

static void misbehave(struct member_state *m, const char *behaviour)
{
    uint8_t bytes[600];
    uint8_t *large = calloc(1, FRAME_BYTES_MAX + 600);
    struct out out = out_into(bytes, sizeof bytes);
    if (strcmp(behaviour, "garbage") == 0) {
        random_fill(bytes, 300);
        memcpy(bytes, m->session.id.b, 8);
        bytes[8] = MESSAGE_HEADS;
        bytes[9] = 0xc1; /* the one byte that MessagePack never uses */
        send_raw(m, span_of(bytes, 300));
    } else if (strcmp(behaviour, "type") == 0) {
        memcpy(bytes, m->session.id.b, 8);
        bytes[8] = 99;
        send_raw(m, span_of(bytes, 20));
    } else if (strcmp(behaviour, "truncated") == 0) {
        struct head_hint hint = {.seq = 1, .entries = 1};
        heads_message_encode(false, &hint, 1, &out);
        send_body(m, MESSAGE_HEADS, span_of(bytes, out.at - 3));
    } else if (strcmp(behaviour, "noncanonical") == 0) {
        const uint8_t ping[] = {0x91, 0xcd, 0x00, 0x05}; /* 5 in three bytes */
        send_body(m, MESSAGE_PING, span_of(ping, sizeof ping));
    } else if (strcmp(behaviour, "bomb") == 0) {
        const uint8_t bomb[] = {0x92, 0xc2, 0xdd, 0xff, 0xff, 0xff, 0xff}; /* 4 G items in 7 bytes */
        send_body(m, MESSAGE_HEADS, span_of(bomb, sizeof bomb));
    } else if (strcmp(behaviour, "session") == 0) {
        m->session.id.b[3] ^= 1;
        ping_encode(1, &out);
        send_body(m, MESSAGE_PING, out_written(&out));
    } else if (strcmp(behaviour, "unasked") == 0) {
        struct seg seg = {.log = m->log.head.log, .first = 1, .count = 1, .items = {span_text("no commit at all")}};
        seg_encode(&seg, &out);
        send_body(m, MESSAGE_SEG, out_written(&out));
    } else if (strcmp(behaviour, "flip") == 0) {
        give_segment(m, bend_flip);
    } else if (strcmp(behaviour, "order") == 0) {
        give_segment(m, bend_order);
    } else if (strcmp(behaviour, "gap") == 0) {
        give_segment(m, bend_gap);
    } else if (strcmp(behaviour, "birth") == 0) {
        give_segment(m, bend_birth);
    } else if (strcmp(behaviour, "strip") == 0) {
        give_segment(m, bend_strip);
    } else if (strcmp(behaviour, "notice") == 0) {
        struct notice notice = {.kind = NOTICE_CARD, .body = span_text("not a card"), .signature_count = 1};
        uint8_t whole[256];
        struct out inner = out_into(whole, sizeof whole);
        notice_encode(&notice, &inner);
        notice_message_encode(out_written(&inner), 0, span_of(NULL, 0), &out);
        send_body(m, MESSAGE_NOTICE, out_written(&out));
    } else if (strcmp(behaviour, "liar") == 0) {
        lie(m);
    } else if (strcmp(behaviour, "roster") == 0) {
        give_notice(m, true, -9, 0x5a); /* of a signature */
    } else if (strcmp(behaviour, "roster-changed") == 0) {
        give_notice(m, true, 110, 0x5a); /* of a root key */
    } else if (strcmp(behaviour, "roster-format-0") == 0) {
        give_notice(m, true, 1, 0);
    } else if (strcmp(behaviour, "roster-format-2") == 0) {
        give_notice(m, true, 1, 2);
    } else if (strcmp(behaviour, "card-format-0") == 0) {
        give_notice(m, false, 1, 0);
    } else if (strcmp(behaviour, "card-format-2") == 0) {
        give_notice(m, false, 1, 2);
    } else if (strcmp(behaviour, "oversize") == 0) {
        memcpy(large, m->session.id.b, 8);
        large[8] = MESSAGE_SEG;
        send_raw(m, span_of(large, FRAME_BYTES_MAX + 30));
    } else {
        MUST(!"known behaviour");
    }
    free(large);
}

/* ---- without a session: a socket of libzmq with our keys ---- */

enum { CHUNK_BYTES = 60000, PARTS = 5000 /* 300 MB */, DUST = 2000000, RAW_MS = 30000 };

/* One message of very many frames. libzmq begins to send when it has the last one, and the hub has to end it in the middle. */
static void send_parts(void *socket, int parts, size_t bytes)
{
    uint8_t *chunk = calloc(1, CHUNK_BYTES);
    MUST(chunk != NULL);
    for (int i = 1; i <= parts; i++) {
        MUST(zmq_send(socket, chunk, bytes, i < parts ? ZMQ_SNDMORE : 0) >= 0);
    }
    free(chunk);
}

static void raw(struct member_state *m, const char *behaviour)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER), *monitor = zmq_socket(context, ZMQ_PAIR);
    int never = -1, now = 0;
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, m->hub.transport.b, 32) == 0 && zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, m->home.transport_public.b, 32) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_read(m->home.transport), 32) == 0 && zmq_setsockopt(socket, ZMQ_LINGER, &now, sizeof now) == 0 &&
         zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &never, sizeof never) == 0 && zmq_setsockopt(socket, ZMQ_SNDHWM, &now, sizeof now) == 0);
    if (strcmp(behaviour, "route") == 0) {
        MUST(zmq_setsockopt(socket, ZMQ_ROUTING_ID, "rilo-douala", 11) == 0);
    }
    MUST(zmq_socket_monitor(socket, "inproc://monitor", ZMQ_EVENT_DISCONNECTED) == 0 && zmq_connect(monitor, "inproc://monitor") == 0);
    MUST(zmq_connect(socket, m->address) == 0);
    if (strcmp(behaviour, "parts") == 0) {
        send_parts(socket, PARTS, CHUNK_BYTES);
    } else if (strcmp(behaviour, "dust") == 0) {
        send_parts(socket, DUST, 1);
    } else if (strcmp(behaviour, "pair") == 0) {
        send_parts(socket, 2, 20);
    } else {
        send_parts(socket, 1, 20);
    }
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
    bool is_over = zmq_poll(&item, 1, RAW_MS) > 0;
    printf("%s: the hub %s\n", behaviour, is_over ? "ended the connection" : "went on");
    zmq_socket_monitor(socket, NULL, 0);
    zmq_close(monitor);
    zmq_close(socket);
    zmq_ctx_term(context);
    MUST(is_over);
}

static bool is_raw(const char *behaviour)
{
    static const char *const all[] = {"parts", "dust", "pair", "route"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(behaviour, all[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* HOME SECONDS rotated: new keys as if the overlap ended in SECONDS. */
static void rotate(const char *path, const char *seconds)
{
    static struct home home;
    struct wall_ms now = wall_now();
    now.ms = now.ms - ROTATION_OVERLAP_MS + strtoull(seconds, NULL, 10) * 1000;
    MUST(home_open(path, &home) == ERR_OK);
    MUST(home_unlock(&home, NULL) == ERR_OK);
    MUST(home_rotate(&home, now) == ERR_OK);
    home_fini(&home);
}

/* HOME DAYS aged: the card as if it had been made DAYS ago. */
static void age(const char *path, const char *days)
{
    static struct home home;
    struct wall_ms now = wall_now();
    struct card card;
    now.ms -= strtoull(days, NULL, 10) * 86400 * 1000;
    MUST(home_open(path, &home) == ERR_OK);
    MUST(home_unlock(&home, NULL) == ERR_OK);
    MUST(home_card_decoded(&home, &card) == ERR_OK);
    MUST(home_card_sign(&home, "card", card.counter + 1, now) == ERR_OK);
    home_fini(&home);
}

/* HOME HUB writes: a record into an own log, whatever our role. */
static void write_anyway(const char *path)
{
    static struct home home;
    struct store *store;
    struct author *author;
    struct head head;
    struct hash content;
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text("\x81\x01\x02")};
    MUST(crypto_start() == ERR_OK && home_open(path, &home) == ERR_OK && home_unlock(&home, NULL) == ERR_OK && store_open(home.path, &store) == ERR_OK);
    MUST(author_new(store, home.keyring, home.identity, &author) == ERR_OK && store_begin(store) == ERR_OK);
    MUST(author_append(author, CHANNEL_REPORT, &payload, 1, wall_now(), 1, &content, &head) == ERR_OK && store_commit(store) == ERR_OK);
    author_destroy(&author);
    store_close(&store);
    home_fini(&home);
}

int main(int argc, char **argv)
{
    static struct member_state m;
    MUST(argc == 4);
    if (strcmp(argv[3], "rotated") == 0) {
        rotate(argv[1], argv[2]);
        return 0;
    }
    if (strcmp(argv[3], "aged") == 0) {
        age(argv[1], argv[2]);
        return 0;
    }
    if (strcmp(argv[3], "writes") == 0) {
        write_anyway(argv[1]);
        return 0;
    }
    open_all(&m, argv[1], argv[2]);
    if (is_raw(argv[3])) {
        raw(&m, argv[3]);
        return 0;
    }
    dial(&m);
    bool stands = shake_hands(&m, argv[3]);
    bool is_handshake = strcmp(argv[3], "region") == 0 || strncmp(argv[3], "protocol", 8) == 0 || strcmp(argv[3], "ack") == 0;
    if (!is_handshake) {
        MUST(stands);
        misbehave(&m, argv[3]);
    }
    struct frame frame;
    uint8_t *memory = malloc(FRAME_BYTES_MAX * 2);
    bool is_over = m.is_gone || (!await(&m, 255, &frame, memory) && m.is_gone);
    printf("%s: the hub %s\n", argv[3], is_over ? "ended the session" : "went on");
    free(memory);
    gateway_destroy(&m.gateway);
    return 0;
}

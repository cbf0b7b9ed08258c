#include "node/engine/probe.h"

enum { PING_BODY_BYTES_MAX = 16 };

uint64_t probe_ping(struct sync *sync, struct peer *peer)
{
    struct out body = actions_body(&sync->actions, PING_BODY_BYTES_MAX);

    if (peer->ping_sent == peer->ping_answered) {
        peer->ping_ms = sync->now; /* of several in a row the first is the one that may be late */
    }
    peer->ping_sent++;
    ping_encode(peer->ping_sent, &body);
    actions_send(&sync->actions, peer->slot, MESSAGE_PING, &body);
    return peer->ping_sent;
}

void probe_pinged(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    uint64_t number = 0;
    enum err err = ping_decode(sync->unpack, body, &number, &clause);

    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    struct out out = actions_body(&sync->actions, PING_BODY_BYTES_MAX);

    ping_encode(number, &out);
    actions_send(&sync->actions, peer->slot, MESSAGE_PONG, &out);
}

void probe_ponged(struct sync *sync, struct peer *peer, struct span body)
{
    const char *clause = NULL;
    uint64_t number = 0;
    enum err err = ping_decode(sync->unpack, body, &number, &clause);

    if (err == ERR_OK && (number <= peer->ping_answered || number > peer->ping_sent)) {
        err = ERR_UNEXPECTED;
        clause = "WIRE.md 5.11: a PONG for no PING";
    }
    if (err != ERR_OK) {
        engine_drop(sync, peer, err, clause);
        return;
    }
    if (number == peer->ping_answered + 1) {
        probe_measure(peer, sync->now - peer->ping_ms);
    }
    peer->ping_answered = number;
    peer->ping_ms = sync->now;
}

void probe_measure(struct peer *peer, uint64_t ms)
{
    uint32_t sample = ms > 600000 ? 600000 : (uint32_t)ms;

    if (sample == 0) {
        sample = 1; /* 0 means unknown */
    }
    peer->rtt_ms = peer->rtt_ms == 0 ? sample : (uint32_t)((7 * (uint64_t)peer->rtt_ms + sample + 4) / 8);
    if (peer->rtt_least_ms == 0 || sample < peer->rtt_least_ms) {
        peer->rtt_least_ms = sample;
    }
}

static bool is_pinging(const struct peer *peer)
{
    return peer->ping_sent != peer->ping_answered;
}

static bool is_open(const struct peer *peer)
{
    return peer->claims_open > 0 || peer->out.count > 0 || is_pinging(peer);
}

/* Since when the peer is silent although it owes us something. */
static uint64_t silent_since(const struct peer *peer)
{
    return peer->heard_ms > peer->open_ms ? peer->heard_ms : peer->open_ms;
}

uint64_t probe_deadline(const struct sync *sync, const struct peer *peer)
{
    uint64_t since;

    if (peer->open_ms != NEVER) {
        since = silent_since(peer);
        if (is_pinging(peer) && peer->ping_ms > since) {
            since = peer->ping_ms;
        }
        return since + sync->config.timing.probe_ms;
    }
    return peer->is_dialled ? peer->heard_ms + sync->config.timing.idle_ping_ms : NEVER;
}

void probe_look(struct sync *sync, struct peer *peer)
{
    if (!is_open(peer)) {
        peer->open_ms = NEVER;
    } else if (peer->open_ms == NEVER) {
        peer->open_ms = sync->now;
    }
    if (sync->now < probe_deadline(sync, peer) || !engine_has_room(sync, 8)) {
        return;
    }
    if (is_pinging(peer)) {
        engine_drop(sync, peer, ERR_UNREACHABLE, NULL);
    } else {
        (void)probe_ping(sync, peer);
        peer->open_ms = peer->open_ms == NEVER ? sync->now : peer->open_ms;
    }
}

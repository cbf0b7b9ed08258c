#include "node/net/link.h"

#include <stdio.h>
#include <string.h>

#define LINK_OVERLAP_MS (UINT64_C(30) * 86400 * 1000)

uint32_t link_retry_ms_max(enum profile profile)
{
    switch (profile) {
    case PROFILE_SANDBOX:
        return 5000;
    case PROFILE_METERED:
        return 300000;
    case PROFILE_OPEN:
        break;
    }
    return 60000;
}

static uint32_t first_wait(const struct link *link)
{
    return LINK_RETRY_FIRST_MS < link->retry_ms_max ? LINK_RETRY_FIRST_MS : link->retry_ms_max;
}

void link_init(struct link *link, const struct node_id *node, uint32_t retry_ms_max, struct mono_ms now)
{
    *link = (struct link){.node = *node, .state = LINK_WAITING, .next = now, .retry_ms_max = retry_ms_max};
    link->retry_ms = first_wait(link);
}

void link_expect(struct link *link, const struct card *card, struct wall_ms now)
{
    static const struct curve_public none;
    bool has_before = memcmp(card->transport_before.b, none.b, sizeof none.b) != 0;
    bool is_before_first = has_before && now.ms < card->created.ms + LINK_OVERLAP_MS;
    struct curve_public keys[2] = {card->transport, card->transport_before};
    uint32_t count = has_before ? 2 : 1;
    if (is_before_first) {
        keys[0] = card->transport_before;
        keys[1] = card->transport;
    }
    if (count == link->key_count && memcmp(keys, link->keys, sizeof keys) == 0) {
        return; /* whichever has served stays the first to be tried */
    }
    memcpy(link->keys, keys, sizeof keys);
    link->key_count = count;
    link->key_at = 0;
}

const struct curve_public *link_key(const struct link *link) { return &link->keys[link->key_at]; }

bool link_is_due(const struct link *link, struct mono_ms now)
{
    return link->state != LINK_UP && now.ms >= link->next.ms;
}

void link_dialled(struct link *link, uint32_t connection, struct mono_ms now)
{
    link->state = LINK_DIALLING;
    link->connection = connection;
    link->next.ms = now.ms + LINK_ATTEMPT_MS;
    link->attempts++;
}

void link_up(struct link *link)
{
    link->state = LINK_UP;
    link->retry_ms = first_wait(link);
    link->error[0] = '\0';
    link->is_refused = false;
}

void link_failed(struct link *link, const char *why, bool is_refused, uint32_t after_ms, uint64_t random, struct mono_ms now)
{
    /* Half fixed, half drawn: a hub that comes back is not met by all at once. */
    uint32_t wait = link->retry_ms / 2 + (uint32_t)(random % (link->retry_ms / 2 + 1));
    if (wait < after_ms) { /* the peer's wish is met, and spread by our own draw */
        wait = after_ms < UINT32_MAX / 2 ? after_ms + wait : after_ms;
    }
    if (link->state == LINK_DIALLING && link->key_count == 2) {
        link->key_at ^= 1;
    }
    link->state = LINK_WAITING;
    link->is_refused = is_refused;
    link->connection = 0;
    link->next.ms = now.ms + wait;
    link->retry_ms = link->retry_ms * 2 < link->retry_ms_max ? link->retry_ms * 2 : link->retry_ms_max;
    snprintf(link->error, sizeof link->error, "%s", why);
}

#include "node/engine/search.h"

#include "node/engine/lanes.h"

struct search *search_of(struct sync *sync, uint32_t log)
{
    for (size_t i = 0; i < SEARCHES_MAX; i++) {
        enum search_state state = sync->searches[i].state;

        if ((state == SEARCH_LOOKING || state == SEARCH_ASKED) && sync->searches[i].log == log) {
            return &sync->searches[i];
        }
    }
    return NULL;
}

static void search_ask(struct sync *sync, struct search *search, const struct hash *hash)
{
    search->state = SEARCH_ASKED;
    search->hash = *hash;
    lanes_ask(sync, sync->peers[search->peer], search->log);
}

/* One more step: the hash of our own commit there is needed first, unless it is the birth. */
static void search_step(struct sync *sync, struct search *search)
{
    const struct log *log = engine_log(sync, search->log);

    search->seq = log->head.seq > search->step ? log->head.seq - search->step : 0;
    if (search->seq == 0) {
        struct hash birth;

        memcpy(birth.b, log->head.log.b, sizeof birth.b);
        search_ask(sync, search, &birth);
    } else {
        struct sync_action *action = actions_add(&sync->actions, SYNC_LOOK_UP, PEER_NONE);

        search->state = SEARCH_LOOKING;
        action->u.look_up.log = log->head.log;
        action->u.look_up.seq = search->seq;
    }
}

bool search_begin(struct sync *sync, struct peer *peer, uint32_t log)
{
    if (engine_log(sync, log)->height < 2 || search_of(sync, log) != NULL) {
        return false; /* two births never share a log id */
    }
    for (size_t i = 0; i < SEARCHES_MAX; i++) {
        struct search *search = &sync->searches[i];

        if (search->state == SEARCH_NONE) {
            lanes_end(sync, log, true);
            *search = (struct search){.log = log, .peer = peer->slot, .step = 1, .at_ms = sync->now};
            lanes_claim(sync, peer, log);
            search_step(sync, search);
            return true;
        }
    }
    return false;
}

bool search_refused(struct sync *sync, struct search *search)
{
    enum { BIRTHS_MAX = 4 }; /* where both search, each STOP of one may cross a question of the other */

    if (search->seq == 0 && ++search->births == BIRTHS_MAX) {
        return false;
    }
    search->step *= 2;
    search_step(sync, search);
    return true;
}

void search_found(struct sync *sync, const struct sync_event *event)
{
    uint32_t log = heads_find(&sync->heads, &event->u.found.log);
    struct search *search = log == LOG_NONE ? NULL : search_of(sync, log);

    if (search == NULL || search->state != SEARCH_LOOKING || search->seq != event->u.found.seq) {
        return;
    }
    if (event->u.found.is_found) {
        search_ask(sync, search, &event->u.found.hash);
    } else {
        lanes_end(sync, log, true);
    }
}

void search_wait(struct sync *sync, struct peer *peer, uint32_t log, uint32_t after_ms)
{
    struct search *room = NULL;

    for (size_t i = 0; i < SEARCHES_MAX; i++) {
        struct search *search = &sync->searches[i];

        if (search->state == SEARCH_WAITING && search->log == log && search->peer == peer->slot) {
            return;
        }
        room = search->state == SEARCH_NONE ? search : room;
    }
    if (room != NULL) { /* else the next statement or session tells again */
        *room = (struct search){.state = SEARCH_WAITING, .log = log, .peer = peer->slot, .at_ms = sync->now + after_ms};
    }
}

void search_end(struct sync *sync, uint32_t log)
{
    struct search *search = search_of(sync, log);

    if (search != NULL) {
        search->state = SEARCH_NONE;
    }
}

#include "node/engine/peers.h"

#include <assert.h>
#include <stdlib.h>

enum {
    SLOTS_FIRST = 32,
    PAGES_STEP = 16,
    DUE_FIRST = 16,
    WINDOW_FIRST = 65536, /* bytes; opens as acknowledgements come quickly */
};

struct peer *peer_new(const struct sync_event *event)
{
    struct peer *peer = calloc(1, sizeof *peer);

    if (peer == NULL) {
        return NULL;
    }
    peer->slot = event->peer;
    peer->node = event->u.up.node;
    peer->role = event->u.up.role;
    peer->is_dialled = event->u.up.is_dialled;
    peer->session = event->u.up.session;
    peer->frame_bytes_max = event->u.up.frame_bytes_max > FRAME_BYTES_MAX ? FRAME_BYTES_MAX : event->u.up.frame_bytes_max;
    if (peer->frame_bytes_max < FRAME_BYTES_DEFAULT) {
        peer->frame_bytes_max = FRAME_BYTES_DEFAULT;
    }
    peer->window_bytes = WINDOW_FIRST;
    peer->frame_bytes = FRAME_BYTES_DEFAULT;
    peer->note_ms = UINT64_MAX;
    peer->heard_ms = event->now.ms;
    peer->segment_ms = event->now.ms;
    peer->open_ms = UINT64_MAX;
    peer->urgent_ms = event->now.ms;
    for (size_t i = 0; i < SHARES; i++) {
        peer->urgent_left[i] = URGENT_BYTES_MAX;
        for (size_t k = 0; k < READY_COUNT; k++) {
            peer->ready_first[k][i] = VIEW_NONE;
        }
    }
    return peer;
}

void peer_destroy(struct peer **peer)
{
    struct peer *p = *peer;

    if (p == NULL) {
        return;
    }
    for (uint32_t i = 0; i < p->page_count; i++) {
        free(p->pages[i]);
    }
    free(p->pages);
    free(p->slots);
    free(p->due);
    free(p->known);
    free(p->dirty);
    flight_fini(&p->in);
    flight_fini(&p->out);
    free(p);
    *peer = NULL;
}

struct view *peer_view_at(const struct peer *peer, uint32_t index)
{
    assert(index < peer->view_count);
    return &peer->pages[index / VIEWS_PER_PAGE][index % VIEWS_PER_PAGE];
}

/* Log indexes are our own numbers, so any mixing does (Knuth's multiplicative hash). */
static uint32_t slot_of(const struct peer *peer, uint32_t log)
{
    uint32_t mask = peer->slot_count - 1;
    uint32_t at = (log * UINT32_C(2654435769)) >> 7 & mask;

    while (peer->slots[at] != 0 && peer_view_at(peer, peer->slots[at] - 1)->log != log) {
        at = (at + 1) & mask;
    }
    return at;
}

struct view *peer_view(const struct peer *peer, uint32_t log)
{
    uint32_t entry = peer->slot_count == 0 ? 0 : peer->slots[slot_of(peer, log)];

    return entry == 0 ? NULL : peer_view_at(peer, entry - 1);
}

static bool slots_grow(struct peer *peer)
{
    uint32_t count = peer->slot_count == 0 ? SLOTS_FIRST : peer->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);

    if (slots == NULL) {
        return false;
    }
    free(peer->slots);
    peer->slots = slots;
    peer->slot_count = count;
    for (uint32_t i = 0; i < peer->view_count; i++) {
        slots[slot_of(peer, peer_view_at(peer, i)->log)] = i + 1;
    }
    return true;
}

static bool page_add(struct peer *peer)
{
    struct view *page;

    if (peer->page_count % PAGES_STEP == 0) {
        struct view **pages = realloc(peer->pages, (peer->page_count + PAGES_STEP) * sizeof *pages);

        if (pages == NULL) {
            return false;
        }
        peer->pages = pages;
    }
    page = calloc(VIEWS_PER_PAGE, sizeof *page);
    if (page == NULL) {
        return false;
    }
    peer->pages[peer->page_count++] = page;
    return true;
}

struct view *peer_view_add(struct peer *peer, uint32_t log)
{
    struct view *view;

    if ((peer->view_count + 1) * 4 > peer->slot_count * 3 && !slots_grow(peer)) {
        return NULL;
    }
    if (peer->view_count == peer->page_count * VIEWS_PER_PAGE && !page_add(peer)) {
        return NULL;
    }
    peer->view_count++;
    view = peer_view_at(peer, peer->view_count - 1);
    peer->slots[slot_of(peer, log)] = peer->view_count;
    view->log = log;
    view->ready_next = VIEW_NONE;
    return view;
}

static uint32_t view_index(const struct peer *peer, const struct view *view)
{
    return peer->slots[slot_of(peer, view->log)] - 1;
}

bool peer_due(struct peer *peer, struct view *view, uint32_t flags)
{
    if ((view->flags & VIEW_DUE) == 0) {
        if (peer->due_count == peer->due_cap) {
            uint32_t cap = peer->due_cap == 0 ? DUE_FIRST : peer->due_cap * 2;
            uint32_t *due = realloc(peer->due, cap * sizeof *due);

            if (due == NULL) {
                return false;
            }
            peer->due = due;
            peer->due_cap = cap;
        }
        peer->due[peer->due_count++] = view_index(peer, view);
        view->flags |= VIEW_DUE;
    }
    view->flags |= flags;
    peer->is_lane_due = peer->is_lane_due || (flags & (VIEW_SUB_DUE | VIEW_STOP_DUE)) != 0;
    return true;
}

void peer_due_compact(struct peer *peer)
{
    uint32_t kept = 0;

    peer->is_lane_due = false;
    for (uint32_t i = 0; i < peer->due_count; i++) {
        struct view *view = peer_view_at(peer, peer->due[i]);

        if ((view->flags & (VIEW_SUB_DUE | VIEW_STOP_DUE | VIEW_NOTE_DUE)) == 0) {
            view->flags &= ~(uint32_t)VIEW_DUE;
            continue;
        }
        peer->is_lane_due = peer->is_lane_due || (view->flags & (VIEW_SUB_DUE | VIEW_STOP_DUE)) != 0;
        peer->due[kept++] = peer->due[i];
    }
    peer->due_count = kept;
}

void peer_ready(struct peer *peer, struct view *view, enum ready_queue queue, uint8_t share)
{
    uint32_t *first = &peer->ready_first[queue][share];
    uint32_t index;

    if ((view->flags & VIEW_READY) != 0) {
        return;
    }
    index = view_index(peer, view);
    view->flags |= VIEW_READY;
    view->ready_next = VIEW_NONE;
    if (*first == VIEW_NONE) {
        *first = index;
    } else {
        peer_view_at(peer, peer->ready_last[queue][share])->ready_next = index;
    }
    peer->ready_last[queue][share] = index;
}

struct view *peer_ready_take(struct peer *peer, enum ready_queue queue)
{
    for (unsigned i = 0; i < SHARES; i++) {
        uint8_t share = (uint8_t)((peer->ready_turn[queue] + i) % SHARES);
        uint32_t *first = &peer->ready_first[queue][share];
        struct view *view;

        if (*first == VIEW_NONE) {
            continue;
        }
        view = peer_view_at(peer, *first);
        *first = view->ready_next;
        view->flags &= ~(uint32_t)VIEW_READY;
        peer->ready_turn[queue] = (uint8_t)((share + 1) % SHARES);
        return view;
    }
    return NULL;
}

size_t peer_memory(const struct peer *peer)
{
    return sizeof *peer + peer->page_count * (size_t)VIEWS_PER_PAGE * sizeof(struct view) + peer->slot_count * sizeof *peer->slots +
           peer->due_cap * sizeof *peer->due + flight_memory(&peer->in) + flight_memory(&peer->out) + peer->known_cap * (sizeof *peer->known + 1);
}

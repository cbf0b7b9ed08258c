#include "node/core/state.h"

#include <czmq.h>
#include <stdlib.h>
#include <sys/eventfd.h>

static bool note_frontier(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    (void)notice;
    (void)heads;
    core_note_frontier(arg, ref);
    return true;
}

static enum err frontier_counter_read(struct core *core)
{
    struct store_read *read = NULL;
    enum err err = store_read_begin(core->store, &read);
    if (err == ERR_OK) {
        err = store_notices(read, note_frontier, core);
    }
    store_read_end(&read);
    return err;
}

static uint64_t day_bytes(const struct core *core)
{
    uint64_t mib = core->home->config.author_mib_day;
    return mib > 0 ? mib << 20 : share_day_bytes(store_room(core->store));
}

/* The policy of the gate: how much of one author this node takes in a day. */
static bool may_take(void *arg, const struct node_id *author, size_t bytes)
{
    struct core *core = arg;
    return shares_take(core->shares, author, bytes + SHARE_ROW_BYTES, core->now);
}

enum err core_new(struct home *home, struct store *store, const char *gateway, struct core **ret, char *why)
{
    struct core *core = calloc(1, sizeof *core);
    why[0] = '\0';
    if (core == NULL) {
        return ERR_MEMORY;
    }
    core->home = home;
    core->store = store;
    core->now = core->started = mono_now();
    core_renew_begin(core);
    core->next_connection = 1;
    core->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&core->lock, NULL);
    pthread_cond_init(&core->done, NULL);
    random_fill(core->boot, sizeof core->boot);
    random_fill(&core->random, sizeof core->random);
    core->random |= 1;
    core->unpack = unpack_new();
    core->frame = malloc(BUILD_BYTES);
    core->heads = malloc(FRONTIER_HEADS_MAX * sizeof *core->heads);
    core->remembered = calloc(REMEMBERED_NODES_MAX, sizeof *core->remembered);
    core->shares = malloc(sizeof *core->shares);
    enum err err = core->wake < 0 || core->unpack == NULL || core->frame == NULL || core->heads == NULL || core->remembered == NULL || core->shares == NULL ? ERR_MEMORY : ERR_OK;
    if (err == ERR_OK) {
        shares_init(core->shares, core_draw(core), day_bytes(core));
        store_set_policy(store, may_take, core);
    }
    if (err == ERR_OK) {
        err = writer_open(home, store, &core->writer);
    }
    if (err == ERR_OK) {
        enum profile profile = core->writer.membership != NULL ? membership_profile(core->writer.membership) : PROFILE_OPEN;
        struct sync_config config = {.self = home->node, .role = home->role, .timing = sync_timing_of(profile), .seed = core_draw(core)};
        core->sync = sync_new(&config);
        err = core->sync == NULL ? ERR_MEMORY : core_load(core->sync, store, core->writer.membership);
    }
    if (err == ERR_OK) {
        err = frontier_counter_read(core);
    }
    if (err == ERR_OK) {
        struct gateway_config config = {.listen = home->config.listen, .transport_public = home->transport_public, .transport = home->transport, .program = gateway};
        err = gateway_new(&config, &core->gateway, why);
    }
    if (err != ERR_OK) {
        core_destroy(&core);
        return err;
    }
    core->has_membership_change = true;
    *ret = core;
    return ERR_OK;
}

void core_destroy(struct core **core_ptr)
{
    struct core *core = *core_ptr;
    if (core == NULL) {
        return;
    }
    gateway_destroy(&core->gateway);
    sync_destroy(&core->sync);
    writer_close(&core->writer);
    unpack_destroy(&core->unpack);
    if (core->wake >= 0) {
        close(core->wake);
    }
    pthread_mutex_destroy(&core->lock);
    pthread_cond_destroy(&core->done);
    free(core->links);
    free(core->pending);
    free(core->ranges);
    free(core->frame);
    free(core->heads);
    free(core->remembered);
    store_set_policy(core->store, NULL, NULL);
    free(core->shares);
    free(core);
    *core_ptr = NULL;
}

void core_on_stored(struct core *core, void (*stored)(void *arg, bool has_commits), void *arg)
{
    core->stored = stored;
    core->stored_arg = arg;
}

void core_compact_at(struct core *core, uint64_t wall_ms) { core->compact_ms = wall_ms; }

bool core_wants_compaction(const struct core *core) { return core->is_compaction_due; }

void core_stop(struct core *core)
{
    atomic_store(&core->is_stopping, true);
    uint64_t one = 1;
    (void)!write(core->wake, &one, sizeof one);
}

/* ---- the loop ---- */

/* The gateway's process has ended, by a fault of its library or because a peer has filled its memory. What it held was in no transaction: every session begins again. */
static void gateway_lost(struct core *core)
{
    log_event(LOG_WARN, "gateway_lost", "connections end and begin again");
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (core->connections[i].number != 0) {
            connection_end(core, &core->connections[i], ERR_UNREACHABLE, "the gateway was started again", 0, true);
        }
    }
    core->is_gateway_lost = true;
    core->gateway_next = core->now;
    if (core->now.ms - core->gateway_started.ms < GATEWAY_LIFE_MS) { /* it dies again and again: not in a tight circle */
        core->gateway_next.ms += GATEWAY_PAUSE_MS;
    }
}

static void gateway_tend(struct core *core)
{
    char why[GATEWAY_WHY_BYTES_MAX];
    if (!core->is_gateway_lost || core->now.ms < core->gateway_next.ms) {
        return;
    }
    enum err err = gateway_restart(core->gateway, why);
    core->now = core->gateway_started = mono_now();
    core->gateway_next.ms = core->now.ms + GATEWAY_PAUSE_MS;
    core->is_gateway_lost = err != ERR_OK;
    log_event(err == ERR_OK ? LOG_INFO : LOG_ERROR, "gateway_started", "err=%s%s%s", err_name(err), err == ERR_OK ? "" : " why=", err == ERR_OK ? "" : why);
    if (err == ERR_OK) {
        core->has_membership_change = true; /* it knows nobody yet */
    }
}

static void take_event(struct core *core, const struct gateway_event *event)
{
    struct connection *c = connection_find(core, event->connection);
    switch (event->type) {
    case GATEWAY_FRAME:
        core_take_frame(core, event);
        break;
    case GATEWAY_TAKEN:
        if (c != NULL && c->is_up) {
            core_frame_taken(core, c);
        }
        break;
    case GATEWAY_OPEN:
        if (c != NULL) {
            session_start(core, c);
        }
        break;
    case GATEWAY_GONE:
        if (c != NULL) {
            log_event(LOG_DEBUG, "connection_gone", "why=%s", event->why);
            connection_end(core, c, event->is_refused ? ERR_UNKNOWN_KEY : ERR_UNREACHABLE, event->why, 0, true);
        }
        break;
    case GATEWAY_ABUSE:
        core_refused(core, "?", ERR_MALFORMED, "WIRE.md 5: not one frame");
        break;
    case GATEWAY_LOST:
        gateway_lost(core);
        break;
    }
}

static void tend_links(struct core *core)
{
    for (size_t i = 0; i < core->link_count; i++) {
        struct link *link = &core->links[i];
        if (!link_is_due(link, core->now)) {
            continue;
        }
        if (link->state == LINK_DIALLING) {
            struct connection *c = connection_find(core, link->connection);
            if (c != NULL) {
                connection_end(core, c, ERR_UNREACHABLE, "no answer", 0, false);
            } else {
                link_failed(link, "no answer", false, 0, core_draw(core), core->now);
            }
            continue;
        }
        struct connection *c = connection_add(core, core->next_connection, true, link_key(link));
        if (c != NULL) {
            core->next_connection = core->next_connection == INT32_MAX ? 1 : core->next_connection + 1;
            gateway_dial(core->gateway, c->number, link->address, link_key(link));
            link_dialled(link, c->number, core->now);
        }
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &core->connections[i];
        if (c->number == 0 || c->is_up) {
            continue;
        }
        if (c->is_contested) {
            contest_check(core, c);
        } else if (!c->is_dialled && core->now.ms >= c->deadline.ms) {
            connection_end(core, c, ERR_UNREACHABLE, "the handshake took too long", 0, false);
        }
    }
}

static long wait_ms(const struct core *core)
{
    uint64_t until = sync_deadline(core->sync).ms;
    for (size_t i = 0; i < core->link_count; i++) {
        if (core->links[i].state != LINK_UP && core->links[i].next.ms < until) {
            until = core->links[i].next.ms;
        }
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct connection *c = &core->connections[i];
        if (c->number != 0 && !c->is_up) {
            uint64_t at = c->is_contested ? core->now.ms + 50 : c->deadline.ms;
            until = at < until ? at : until;
        }
    }
    if (core->is_gateway_lost && core->gateway_next.ms < until) {
        until = core->gateway_next.ms;
    }
    if ((core->ahead_count > 0 || core->wants_released) && core->ahead_next.ms < until) {
        until = core->ahead_next.ms;
    }
    until = core_sweep_at(core) < until ? core_sweep_at(core) : until;
    if (core_renew_deadline(core) < until) {
        until = core_renew_deadline(core);
    }
    if (until == UINT64_MAX) {
        return -1;
    }
    uint64_t left = until > core->now.ms ? until - core->now.ms : 0;
    return left < 60000 ? (long)left : 60000;
}

static void drain(struct core *core)
{
    struct gateway_event event;
    uint64_t begin = core->now.ms;
    for (int i = 0; i < TURN_FRAMES_MAX && core->now.ms - begin < TURN_MS_MAX && gateway_receive(core->gateway, &event); i++) {
        core->now = mono_now();
        take_event(core, &event);
        /* Nothing durable waits: answer at once. */
        if ((!core->is_open && core->pending_count == 0) || core->given_up != ERR_OK) {
            core_settle(core);
        }
    }
}

enum err core_run(struct core *core)
{
    core_settle(core);
    while (!atomic_load(&core->is_stopping) && !core->is_broken) {
        zmq_pollitem_t items[] = {{.fd = core->wake, .events = ZMQ_POLLIN}, {.fd = gateway_descriptor(core->gateway), .events = ZMQ_POLLIN}};
        core->now = mono_now();
        if (zmq_poll(items, items[1].fd >= 0 ? 2 : 1, wait_ms(core)) < 0 && zmq_errno() != EINTR) {
            break;
        }
        core->now = mono_now();
        if (items[0].revents & ZMQ_POLLIN) {
            uint64_t count;
            (void)!read(core->wake, &count, sizeof count);
        }
        core_run_jobs(core);
        drain(core);
        core_settle(core);
        gateway_tend(core);
        core->now = mono_now();
        if (core->now.ms - core->readers_checked.ms >= READER_CHECK_MS) {
            core->readers_checked = core->now;
            store_reader_check(core->store);
            shares_resize(core->shares, day_bytes(core));
        }
        tend_links(core);
        if (core->now.ms >= sync_deadline(core->sync).ms) {
            if (core->is_intake_stopped) {
                (void)!core_begin(core); /* is there room again? Status is to say so although nobody writes */
            }
            core_feed(core, &(struct sync_event){.type = SYNC_TICK, .now = core->now, .peer = UINT32_MAX});
        }
        core_sweep(core);
        core_settle(core);
        core_renew_look(core);
        core_settle(core);
    }
    /* Say goodbye, answer those who wait. */
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (core->connections[i].number != 0) {
            connection_end(core, &core->connections[i], ERR_OK, "this node stops", 1000, false);
        }
    }
    core_settle(core);
    pthread_mutex_lock(&core->lock);
    core->is_closed = true;
    for (struct job *job = core->first; job != NULL; job = job->next) {
        job->err = ERR_UNREACHABLE;
        job->is_done = true;
    }
    core->first = core->last = NULL;
    pthread_cond_broadcast(&core->done);
    pthread_mutex_unlock(&core->lock);
    return core->is_broken ? ERR_IO : ERR_OK;
}

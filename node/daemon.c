#include "node/daemon.h"

#include "node/control.h"
#include "node/follower.h"
#include "node/log.h"
#include "node/metrics.h"
#include "node/net/gateway.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 5000, LOCK_STEP_MS = 20 };

struct daemon {
    struct home *home;
    struct service service;
    struct follower *follower;
    struct control *control;
    struct metrics *metrics; /* NULL: not asked for, or its port is taken */
    pthread_t signals;
    bool has_signals;
    bool is_told_to_stop;       /* by a signal */
    atomic_bool is_compaction_asked; /* by a command; the night asks the core */
    struct compacted compacted;
    bool has_begun; /* its first run has left a row in the audit trail */
};

static void *wait_for_signal(void *arg)
{
    struct daemon *daemon = arg;
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1); /* from ourselves: the core has ended by itself */
    while (sigwait(&set, &number) != 0) {
    }
    if (number != SIGUSR1) {
        log_event(LOG_INFO, "stopping", "signal=%d", number);
        daemon->is_told_to_stop = true; /* read when this thread has ended */
        core_stop(daemon->service.core);
    }
    return NULL;
}

/* Threads made from here on inherit the mask: only the one above hears these signals. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    /* A shell's background job inherits SIGINT as ignored, and of an ignored signal sigwait need not hear. */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

static void rebuild_views(void *arg)
{
    struct daemon *daemon = arg;
    follower_wake(daemon->follower, false);
}

static void settle_views(void *arg)
{
    struct daemon *daemon = arg;
    follower_settle(daemon->follower);
}

static void compact(void *arg)
{
    struct daemon *daemon = arg;
    atomic_store(&daemon->is_compaction_asked, true);
    core_stop(daemon->service.core);
}

/* A command that works on a stopped node holds its home for a moment; a daemon, which answers, holds it for good. */
static enum err open_store(struct daemon *daemon)
{
    const char *path = daemon->home->path;
    enum err err = store_open(path, &daemon->service.store);
    for (int waited_ms = 0; err == ERR_LOCKED && waited_ms < LOCK_WAIT_MS; waited_ms += LOCK_STEP_MS) {
        int fd = control_connect(path);
        if (fd >= 0) {
            close(fd);
            return ERR_LOCKED;
        }
        usleep(LOCK_STEP_MS * 1000);
        err = store_open(path, &daemon->service.store);
    }
    return err;
}

static enum err open_views(struct daemon *daemon)
{
    const char *path = daemon->home->path;
    enum err err = opener_new(daemon->service.store, daemon->home->keyring, &daemon->service.opener);
    err = err == ERR_OK ? views_open(path, daemon->service.opener, &daemon->service.views) : err;
    if (err == ERR_CORRUPT || err == ERR_LAYOUT) {
        log_event(LOG_WARN, "views_rebuilt", "err=%s", err_name(err));
        err = views_drop(path);
        err = err == ERR_OK ? views_open(path, daemon->service.opener, &daemon->service.views) : err;
    }
    return err;
}

/* A row about the node itself. On a full disk the node goes on without it, as everything else of intake stands still. */
static void note_life(struct daemon *daemon, uint32_t action, enum err outcome)
{
    struct audit_note note;
    struct person self;
    person_self(&self);
    audit_note_init(&note, daemon->home, &self, action);
    note.entry.outcome = outcome;
    enum err err = audit_write(daemon->service.store, &note.entry);
    if (err != ERR_OK) {
        log_event(LOG_ERROR, "audit_not_written", "action=%s err=%s", audit_action_name(action), err_name(err));
    }
}

static enum err start(struct daemon *daemon, struct daemon_fault *fault)
{
    struct service *service = &daemon->service;
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    service->home = daemon->home;
    service->drop_views = rebuild_views;
    service->settle_views = settle_views;
    service->compact = compact;
    service->compacted = &daemon->compacted;
    service->arg = daemon;
    fault->part = DAEMON_STORE;
    snprintf(fault->why, sizeof fault->why, "%.200s", daemon->home->path);
    enum err err = open_store(daemon);
    if (err != ERR_OK) {
        return err;
    }
    store_set_reserve(service->store, daemon->home->config.disk_reserve_mib << 20);
    if (home_rotation_is_over(daemon->home, wall_now())) {
        err = home_promote(daemon->home, wall_now());
        log_event(err == ERR_OK ? LOG_INFO : LOG_WARN, "transport_key_rotated", "err=%s", err_name(err)); /* the old one serves as well */
    }
    bool has_identity_next = daemon->home->has_identity_next;
    err = open_views(daemon);
    if (err == ERR_OK) {
        err = core_new(daemon->home, service->store, "/proc/self/exe", &service->core, why);
        if (why[0] != '\0') {
            fault->part = DAEMON_LISTEN;
            snprintf(fault->why, sizeof fault->why, "%.200s", why);
        }
    }
    if (err == ERR_OK && has_identity_next && !daemon->home->has_identity_next) {
        log_event(LOG_INFO, "identity_key_replaced", "node=%s", daemon->home->name); /* a roster names it, and it was taken into use */
    }
    if (err == ERR_OK) {
        service->queue = audit_queue_new();
        err = service->queue == NULL ? ERR_MEMORY : ERR_OK;
    }
    if (err == ERR_OK) {
        if (!daemon->has_begun) { /* else it was compacted, and goes on */
            note_life(daemon, AUDIT_START, ERR_OK);
            daemon->has_begun = true;
        }
        err = follower_new(service->views, service->store, &daemon->follower);
    }
    if (err == ERR_OK) {
        core_on_stored(service->core, follower_wake, daemon->follower);
        fault->part = DAEMON_CONTROL;
        snprintf(fault->why, sizeof fault->why, "%.200s/control.sock", daemon->home->path);
        err = control_new(daemon->home->path, service, &daemon->control);
    }
    const char *metrics = daemon->home->config.metrics;
    if (err == ERR_OK && metrics[0] != '\0') {
        enum err metrics_err = metrics_new(metrics, service, &daemon->metrics);
        if (metrics_err != ERR_OK) { /* a node without metrics is better than no node */
            log_event(LOG_WARN, "metrics_off", "listen=%s err=%s", metrics, err_name(metrics_err));
        }
    }
    if (err == ERR_OK) {
        daemon->has_signals = pthread_create(&daemon->signals, NULL, wait_for_signal, daemon) == 0;
        err = daemon->has_signals ? ERR_OK : ERR_INTERNAL;
    }
    return err;
}

static void stop(struct daemon *daemon, bool has_run)
{
    if (daemon->has_signals) { /* first, since a late signal must find a core to stop */
        pthread_kill(daemon->signals, SIGUSR1);
        pthread_join(daemon->signals, NULL);
        daemon->has_signals = false;
    }
    metrics_destroy(&daemon->metrics);
    control_destroy(&daemon->control);
    follower_destroy(&daemon->follower);
    core_destroy(&daemon->service.core);
    size_t lost = audit_queue_destroy(&daemon->service.queue);
    if (lost > 0) {
        log_event(LOG_ERROR, "audit_rows_lost", "rows=%zu err=%s", lost, err_name(ERR_FULL));
    }
    views_close(&daemon->service.views);
    if (has_run) { /* after a failing disk nothing is written any more */
        note_life(daemon, AUDIT_STOP, ERR_OK);
    }
    opener_destroy(&daemon->service.opener);
    store_close(&daemon->service.store);
}

/* Until it is to stop, the store is to be compacted, or a key to be taken into use. */
static enum err run_once(struct daemon *daemon, struct daemon_fault *ret, bool *ret_is_compaction_due, bool *ret_is_key_due)
{
    const struct home *home = daemon->home;
    enum err err = start(daemon, ret);
    *ret_is_compaction_due = *ret_is_key_due = false;
    if (err == ERR_OK) {
        ret->part = DAEMON_RUNNING;
        log_event(LOG_INFO, "started", "node=%s role=%s listen=%s version=%s", home->name, role_name(home->role), home->config.listen, GRIOT_VERSION);
        core_compact_at(daemon->service.core, compaction_next(home->config.compact, home->node.b[0] % 60u, wall_now()).ms);
        err = core_run(daemon->service.core);
        log_event(err == ERR_OK ? LOG_INFO : LOG_ERROR, "stopped", "err=%s", err_name(err));
        *ret_is_compaction_due = err == ERR_OK && (core_wants_compaction(daemon->service.core) || atomic_load(&daemon->is_compaction_asked));
        *ret_is_key_due = err == ERR_OK && core_wants_key(daemon->service.core);
    }
    stop(daemon, err == ERR_OK && (!*ret_is_compaction_due || daemon->is_told_to_stop));
    return err;
}

static void compact_now(struct daemon *daemon)
{
    log_event(LOG_INFO, "compacting", "home=%s", daemon->home->path);
    enum err err = compaction_run(daemon->home->path, &daemon->compacted);
    log_event(err == ERR_OK ? LOG_INFO : LOG_ERROR, "compacted", "err=%s before=%llu after=%llu ms=%llu", err_name(err), (unsigned long long)daemon->compacted.size.bytes_before,
              (unsigned long long)daemon->compacted.size.bytes_after, (unsigned long long)daemon->compacted.took_ms);
    atomic_store(&daemon->is_compaction_asked, false);
}

enum err daemon_run(struct home *home, struct daemon_fault *ret)
{
    struct daemon daemon = {.home = home};
    bool is_compaction_due = false, is_key_due = false;
    block_signals();
    enum err err = run_once(&daemon, ret, &is_compaction_due, &is_key_due);
    while (err == ERR_OK && (is_compaction_due || is_key_due) && !daemon.is_told_to_stop) {
        if (is_compaction_due) {
            compact_now(&daemon); /* a signal that comes meanwhile waits for the next run, and ends it at once */
        }
        daemon.service = (struct service){0};
        err = run_once(&daemon, ret, &is_compaction_due, &is_key_due);
    }
    return err;
}

#include "node/wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 128,         /* connections that wait in the kernel while a node is cut */
    EVENTS = 64,
    ACCEPTS_PER_EVENT = 32, /* so that a burst of diallers does not starve standing links */
    ROUNDS_PER_EVENT = 16, /* 1 MiB a turn, for the same reason */
    STARVED_MS = 1000,     /* how soon to look again for a free descriptor */
};

enum source_type { SOURCE_LISTENER, SOURCE_END, SOURCE_CUTS, SOURCE_STOP };

/* What an epoll event points to. */
struct source {
    enum source_type type;
};

/* One side of a connection. `held` is what was read here and the other side has not taken yet. */
struct end {
    struct source source;
    struct link *link;
    int fd;
    uint32_t armed;  /* events epoll watches for; 0: it is not in the epoll set at all */
    bool is_eof;     /* nothing more comes from here */
    bool is_shut;    /* we told it that nothing more comes */
    bool is_deaf;    /* it was reset: what is meant for it has nowhere to go */
    uint8_t *held;   /* WIRE_BUFFER_BYTES, only while something is held */
    size_t held_at, held_n;
};

struct link { /* a connection through the relay */
    struct end ends[2]; /* dialler, listener */
    struct listener *listener;
    struct link *next, *before;
    bool is_connecting;
    bool is_broken; /* an end was reset: the other one is reset too, once it has what was sent before */
    bool is_dead;   /* closed; freed after the batch of events, which may still name it */
};

struct listener {
    struct source source;
    int fd;
    bool is_armed;
    bool is_cut;
    bool is_stale; /* was cut: what waits to be accepted may have given up long ago */
    uint16_t port;
    struct wire_port plan;
};

struct wire {
    int epoll, inotify;
    int reserve; /* a spare descriptor, so that an accepted connection always gets its second one; -1: used up */
    bool is_starved; /* descriptors have run out: nobody is accepted until a connection has ended, or a while has passed */
    bool has_ended;  /* a connection ended in this batch of events */
    char *cuts, *applied;
    struct source cuts_source, stop_source;
    struct listener *listeners;
    size_t listener_count;
    struct link *links, *dead;
    uint8_t scratch[WIRE_BUFFER_BYTES];
};

static struct end *other(struct end *end)
{
    return end == &end->link->ends[0] ? &end->link->ends[1] : &end->link->ends[0];
}

/* ---- epoll ---- */

static void watch(struct wire *wire, int fd, struct source *source, uint32_t *armed, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    if (*armed == events) {
        return;
    }
    /* A socket in the set reports errors even when nothing is asked for, and would spin: one that we want nothing of
     * is not in it. The calls fail only for want of memory; the link then waits for its other end's next event. */
    if (events == 0) {
        (void)epoll_ctl(wire->epoll, EPOLL_CTL_DEL, fd, NULL);
    } else if (epoll_ctl(wire->epoll, *armed == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0) {
        return;
    }
    *armed = events;
}

static void listener_watch(struct wire *wire, struct listener *listener)
{
    uint32_t armed = listener->is_armed ? EPOLLIN : 0;

    watch(wire, listener->fd, &listener->source, &armed, listener->is_cut || wire->is_starved ? 0 : EPOLLIN);
    listener->is_armed = armed != 0;
}

/* What an end is watched for follows from the state alone. */
static void link_watch(struct wire *wire, struct link *link)
{
    for (size_t i = 0; i < 2; i++) {
        struct end *end = &link->ends[i];
        struct end *from = other(end);
        uint32_t events = 0;

        if (!link->listener->is_cut) {
            if (link->is_connecting) {
                events = i == 1 ? EPOLLOUT : 0;
            } else {
                events |= !end->is_eof && end->held_n == 0 && !from->is_deaf ? EPOLLIN : 0;
                events |= from->held_n > 0 && !end->is_deaf ? EPOLLOUT : 0;
            }
        }
        watch(wire, end->fd, &end->source, &end->armed, events);
    }
}

/* ---- links ---- */

static void fd_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void link_close(struct wire *wire, struct link *link)
{
    for (size_t i = 0; i < 2; i++) {
        struct end *end = &link->ends[i];

        watch(wire, end->fd, &end->source, &end->armed, 0);
        if (link->is_broken) {
            fd_reset(end->fd);
        } else {
            close(end->fd);
        }
        free(end->held);
        end->held = NULL;
    }
    if (link->before != NULL) {
        link->before->next = link->next;
    } else {
        wire->links = link->next;
    }
    if (link->next != NULL) {
        link->next->before = link->before;
    }
    wire->has_ended = true;
    link->is_dead = true;
    link->next = wire->dead;
    wire->dead = link;
}

static void dead_free(struct wire *wire)
{
    while (wire->dead != NULL) {
        struct link *link = wire->dead;

        wire->dead = link->next;
        free(link);
    }
}

static void end_lost(struct end *end)
{
    end->is_deaf = true;
    end->link->is_broken = true;
    other(end)->held_n = 0;
}

/* Write to `to`; returns how much it took. */
static size_t end_write(struct end *to, const uint8_t *p, size_t n)
{
    ssize_t sent = send(to->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent >= 0) {
        return (size_t)sent;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ENOBUFS && errno != ENOMEM) {
        end_lost(to);
    }
    return 0;
}

/* Keep what the other side did not take; it is at most WIRE_BUFFER_BYTES, since nothing is read while something is held. */
static void end_hold(struct end *from, const uint8_t *p, size_t n)
{
    if (from->held == NULL) {
        from->held = malloc(WIRE_BUFFER_BYTES);
    }
    if (from->held == NULL) {
        /* Bytes would be lost in the middle of a stream: an honest reset is the only way out. */
        end_lost(from);
        end_lost(other(from));
        return;
    }
    memcpy(from->held, p, n);
    from->held_at = 0;
    from->held_n = n;
}

static void end_drain(struct end *from)
{
    struct end *to = other(from);

    if (from->held_n > 0 && !to->is_deaf) {
        size_t n = end_write(to, from->held + from->held_at, from->held_n);

        if (from->held_n > 0) { /* end_lost has emptied it otherwise */
            from->held_at += n;
            from->held_n -= n;
        }
    }
    if (from->held_n == 0) {
        free(from->held);
        from->held = NULL;
    }
}

/* Move bytes from `from` to its other end until one of them blocks. */
static void end_pump(struct wire *wire, struct end *from)
{
    struct end *to = other(from);

    end_drain(from);
    for (int round = 0; round < ROUNDS_PER_EVENT && !from->is_eof && from->held_n == 0 && !to->is_deaf; round++) {
        ssize_t n = recv(from->fd, wire->scratch, sizeof wire->scratch, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOMEM)) {
            break;
        }
        if (n < 0) {
            end_lost(from);
        }
        if (n <= 0) {
            from->is_eof = true;
            break;
        }
        size_t sent = end_write(to, wire->scratch, (size_t)n);
        if (!to->is_deaf && sent < (size_t)n) {
            end_hold(from, wire->scratch + sent, (size_t)n - sent);
        }
        if ((size_t)n < sizeof wire->scratch) {
            break; /* drained as far as we know: epoll says when there is more */
        }
    }
    /* A half close travels like a byte: after everything that came before it. A reset does not become one. */
    if (from->is_eof && from->held_n == 0 && !to->is_shut && !to->is_deaf && !from->link->is_broken) {
        to->is_shut = true;
        if (shutdown(to->fd, SHUT_WR) != 0) {
            end_lost(to);
        }
    }
}

static bool direction_is_done(const struct end *from, const struct end *to)
{
    return to->is_deaf || (from->is_eof && from->held_n == 0);
}

static void link_serve(struct wire *wire, struct link *link, struct end *end, uint32_t events)
{
    if (link->is_connecting) {
        int error = 0;
        socklen_t n = sizeof error;

        if (getsockopt(link->ends[1].fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
            link->is_broken = true;
            link_close(wire, link);
            return;
        }
        link->is_connecting = false;
    } else {
        if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
            end_pump(wire, end);
        }
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
            end_pump(wire, other(end));
        }
    }
    if (direction_is_done(&link->ends[0], &link->ends[1]) && direction_is_done(&link->ends[1], &link->ends[0])) {
        link_close(wire, link);
        return;
    }
    link_watch(wire, link);
}

/* ---- accepting ---- */

static bool reserve_take(struct wire *wire)
{
    if (wire->reserve < 0) {
        wire->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return wire->reserve >= 0;
}

/* Without a spare descriptor nobody is accepted: diallers wait in the kernel, none is turned away. */
static void starved_set(struct wire *wire, bool is_starved)
{
    wire->is_starved = is_starved;
    for (size_t i = 0; i < wire->listener_count; i++) {
        listener_watch(wire, &wire->listeners[i]);
    }
}

static int socket_new(struct wire *wire)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && wire->reserve >= 0) {
        close(wire->reserve);
        wire->reserve = -1;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    return fd;
}

/* Whoever gave up while the node was cut never had an answer: a real cable would not have let it connect at all. */
static bool has_given_up(int fd)
{
    struct tcp_info info;
    socklen_t n = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && info.tcpi_state == TCP_CLOSE_WAIT;
}

static void no_delay(int fd)
{
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void link_open(struct wire *wire, struct listener *listener, int accepted)
{
    struct sockaddr_in to = loopback(listener->plan.to);
    struct link *link = calloc(1, sizeof *link);
    int fd = link == NULL ? -1 : socket_new(wire);

    if (fd < 0) {
        fd_reset(accepted);
        free(link);
        return;
    }
    no_delay(accepted);
    no_delay(fd);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        if (errno != EINPROGRESS) { /* nobody listens: the dialler sees what it would see without us */
            close(fd);
            fd_reset(accepted);
            free(link);
            return;
        }
        link->is_connecting = true;
    }
    link->listener = listener;
    link->ends[0] = (struct end){.source = {SOURCE_END}, .link = link, .fd = accepted};
    link->ends[1] = (struct end){.source = {SOURCE_END}, .link = link, .fd = fd};
    link->next = wire->links;
    if (wire->links != NULL) {
        wire->links->before = link;
    }
    wire->links = link;
    link_watch(wire, link);
}

static void listener_serve(struct wire *wire, struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_EVENT && !listener->is_cut && !wire->is_starved; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                starved_set(wire, true);
                break;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                listener->is_stale = false;
                break;
            }
            continue; /* ECONNABORTED, EINTR: the next one */
        }
        if (listener->is_stale && has_given_up(fd)) {
            fd_reset(fd);
            continue;
        }
        link_open(wire, listener, fd);
        if (wire->reserve < 0) {
            starved_set(wire, true);
        }
    }
}

/* ---- cuts ---- */

static int text_compare(const void *a, const void *b) { return strcmp(a, b); }

/* Tell who asked that its cut has been made. Written beside and renamed: never half. Best effort: without it `griot sandbox cut` says that the relay did not answer. */
static void applied_write(const struct wire *wire, char (*names)[NAME_BYTES_MAX + 1], size_t count)
{
    char path[PATH_MAX];
    FILE *file;

    if ((size_t)snprintf(path, sizeof path, "%s.new", wire->applied) >= sizeof path) {
        return;
    }
    file = fopen(path, "we");
    if (file == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(file, "%s\n", names[i]);
    }
    if (fclose(file) == 0) {
        (void)rename(path, wire->applied);
    }
}

static bool is_named(char (*names)[NAME_BYTES_MAX + 1], size_t count, const char *name)
{
    return bsearch(name, names, count, sizeof names[0], text_compare) != NULL;
}

static void cuts_apply(struct wire *wire, char (*names)[NAME_BYTES_MAX + 1], size_t count)
{
    for (size_t i = 0; i < wire->listener_count; i++) {
        struct listener *listener = &wire->listeners[i];
        bool is_cut = is_named(names, count, listener->plan.dialler) || is_named(names, count, listener->plan.listener);

        listener->is_stale = listener->is_stale || (listener->is_cut && !is_cut);
        listener->is_cut = is_cut;
        listener_watch(wire, listener);
    }
    for (struct link *link = wire->links; link != NULL; link = link->next) {
        link_watch(wire, link);
    }
}

/* Read the whole folder each time: cheap, and right whatever inotify lost or folded together. */
static enum err cuts_read(struct wire *wire)
{
    enum { CUT_NODES_MAX = 1024 };
    char(*names)[NAME_BYTES_MAX + 1] = calloc(CUT_NODES_MAX, sizeof *names);
    DIR *folder = opendir(wire->cuts);
    struct dirent *entry;
    size_t count = 0;

    if (names == NULL || folder == NULL) {
        enum err err = names == NULL ? ERR_MEMORY : ERR_NOT_FOUND;

        free(names);
        if (folder != NULL) {
            closedir(folder);
        }
        return err;
    }
    while (count < CUT_NODES_MAX && (entry = readdir(folder)) != NULL) {
        size_t n = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && n <= NAME_BYTES_MAX) {
            memcpy(names[count++], entry->d_name, n + 1);
        }
    }
    closedir(folder);
    qsort(names, count, sizeof *names, text_compare);
    cuts_apply(wire, names, count);
    applied_write(wire, names, count);
    free(names);
    return ERR_OK;
}

static void cuts_serve(struct wire *wire)
{
    _Alignas(struct inotify_event) char events[4096];

    while (read(wire->inotify, events, sizeof events) > 0) {
    }
    /* The folder is gone or memory is short: what is cut stays cut. */
    (void)!cuts_read(wire);
}

/* ---- life ---- */

static enum err listener_open(struct listener *listener)
{
    struct sockaddr_in at = loopback(listener->plan.port);
    socklen_t n = sizeof at;
    int one = 1;

    listener->source.type = SOURCE_LISTENER;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0) {
        return ERR_IO;
    }
    /* The relay before us left its connections in TIME_WAIT; they are no reason to wait. */
    (void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener->fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener->fd, BACKLOG) != 0) {
        return errno == EADDRINUSE || errno == EACCES ? ERR_BUSY : ERR_IO;
    }
    if (getsockname(listener->fd, (struct sockaddr *)&at, &n) != 0) {
        return ERR_IO;
    }
    listener->port = ntohs(at.sin_port);
    return ERR_OK;
}

static enum err notify_open(struct wire *wire)
{
    uint32_t armed = 0;

    wire->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (wire->inotify < 0) {
        return ERR_IO;
    }
    if (inotify_add_watch(wire->inotify, wire->cuts, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR) < 0) {
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    }
    wire->cuts_source.type = SOURCE_CUTS;
    watch(wire, wire->inotify, &wire->cuts_source, &armed, EPOLLIN);
    return armed != 0 ? ERR_OK : ERR_IO;
}

static enum err wire_open(struct wire *wire, const struct wire_port *ports, size_t count, size_t *ret_at)
{
    enum err err;

    wire->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (wire->epoll < 0 || !reserve_take(wire)) {
        return ERR_IO;
    }
    for (size_t i = 0; i < count; i++) {
        struct listener *listener = &wire->listeners[i];

        listener->fd = -1;
        listener->plan = ports[i];
        wire->listener_count = i + 1;
        err = listener_open(listener);
        if (err != ERR_OK) {
            *ret_at = i;
            return err;
        }
    }
    err = notify_open(wire); /* before reading, so that nothing falls between */
    return err != ERR_OK ? err : cuts_read(wire);
}

enum err wire_new(const struct wire_port *ports, size_t count, const char *cuts, const char *applied, struct wire **ret, size_t *ret_at)
{
    struct wire *wire;
    enum err err = ERR_MEMORY;

    if (count > WIRE_PORTS_MAX) {
        return ERR_LIMIT;
    }
    wire = calloc(1, sizeof *wire);
    if (wire == NULL) {
        return ERR_MEMORY;
    }
    wire->epoll = wire->inotify = wire->reserve = -1;
    wire->stop_source.type = SOURCE_STOP;
    wire->cuts = strdup(cuts);
    wire->applied = strdup(applied);
    wire->listeners = calloc(count + 1, sizeof *wire->listeners);
    if (wire->cuts != NULL && wire->applied != NULL && wire->listeners != NULL) {
        err = wire_open(wire, ports, count, ret_at);
    }
    if (err != ERR_OK) {
        wire_destroy(&wire);
        return err;
    }
    *ret = wire;
    return ERR_OK;
}

void wire_destroy(struct wire **wire)
{
    struct wire *w = *wire;

    if (w == NULL) {
        return;
    }
    while (w->links != NULL) {
        link_close(w, w->links);
    }
    dead_free(w);
    for (size_t i = 0; i < w->listener_count; i++) {
        if (w->listeners[i].fd >= 0) {
            close(w->listeners[i].fd);
        }
    }
    int fds[] = {w->inotify, w->epoll, w->reserve};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(w->listeners);
    free(w->cuts);
    free(w->applied);
    free(w);
    *wire = NULL;
}

uint16_t wire_port_of(const struct wire *wire, size_t at)
{
    assert(at < wire->listener_count);
    return wire->listeners[at].port;
}

/* The containers that begin with a source: epoll hands back what we gave it. */
static void source_serve(struct wire *wire, struct source *source, uint32_t events, bool *is_stopped)
{
    switch (source->type) {
    case SOURCE_LISTENER:
        listener_serve(wire, (struct listener *)(void *)source);
        break;
    case SOURCE_END: {
        struct end *end = (struct end *)(void *)source;

        /* A cut earlier in this batch, or a closed link: the event is of the past. */
        if (!end->link->is_dead && !end->link->listener->is_cut) {
            link_serve(wire, end->link, end, events);
        }
        break;
    }
    case SOURCE_CUTS:
        cuts_serve(wire);
        break;
    case SOURCE_STOP:
        *is_stopped = true;
        break;
    }
}

enum err wire_run(struct wire *wire, int stop_fd)
{
    struct epoll_event events[EVENTS];
    enum err err = ERR_OK;
    uint32_t armed = 0;
    bool is_stopped = false;

    watch(wire, stop_fd, &wire->stop_source, &armed, EPOLLIN);
    if (armed == 0) {
        return ERR_IO;
    }
    while (!is_stopped) {
        int n = epoll_wait(wire->epoll, events, EVENTS, wire->is_starved ? STARVED_MS : -1);

        if (n < 0 && errno != EINTR) {
            err = ERR_IO;
            break;
        }
        for (int i = 0; i < n; i++) {
            source_serve(wire, events[i].data.ptr, events[i].events, &is_stopped);
        }
        dead_free(wire);
        if (wire->is_starved && (n == 0 || wire->has_ended) && reserve_take(wire)) {
            starved_set(wire, false);
        }
        wire->has_ended = false;
    }
    watch(wire, stop_fd, &wire->stop_source, &armed, 0);
    return err;
}

#include "node/control.h"

#include "node/bundle_service.h"
#include "node/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct client_thread {
    struct control *control;
    int fd; /* -1: free */
    bool is_running;
    pthread_t thread;
};

struct control {
    struct service *service;
    char path[KEY_PATH_BYTES_MAX];
    int listener, wake; /* wake: a client has ended, or the node stops */
    pthread_t thread;
    bool has_thread, is_stopping;
    uint64_t refused, refused_told; /* connections of other users since the last row about them, and when that was */
    pthread_mutex_t lock;
    struct client_thread clients[CONTROL_CLIENTS_MAX];
};

/* ---- frames ---- */

/* Both parts in one go where they fit: the reader is woken once. */
static enum err write_all(int fd, struct span head, struct span body)
{
    size_t done = 0, total = head.n + body.n;
    while (done < total) {
        const struct span left[2] = {done < head.n ? span_of(head.p + done, head.n - done) : span_of(NULL, 0),
                                     done > head.n ? span_of(body.p + (done - head.n), total - done) : body};
        struct iovec parts[2];
        for (int i = 0; i < 2; i++) {
            union {
                const uint8_t *in;
                void *out;
            } p = {left[i].p}; /* sendmsg does not write to it, but does not say const */
            parts[i] = (struct iovec){p.out, left[i].n};
        }
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return ERR_UNREACHABLE;
        }
        done += (size_t)sent;
    }
    return ERR_OK;
}

static enum err read_all(int fd, void *p, size_t n)
{
    uint8_t *at = p;
    while (n > 0) {
        ssize_t got = recv(fd, at, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return ERR_UNREACHABLE;
        }
        at += got;
        n -= (size_t)got;
    }
    return ERR_OK;
}

enum err control_write(int fd, char type, struct span body)
{
    size_t n = body.n + 1;
    if (n > CONTROL_FRAME_BYTES_MAX) {
        return ERR_OVERSIZE;
    }
    uint8_t head[5] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)type};
    return write_all(fd, span_of(head, sizeof head), body);
}

enum err control_read(int fd, char *ret_type, uint8_t **ret, size_t *ret_bytes)
{
    uint8_t head[5];
    enum err err = read_all(fd, head, sizeof head);
    if (err != ERR_OK) {
        return err;
    }
    size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (n < 1 || n > CONTROL_FRAME_BYTES_MAX) {
        return ERR_OVERSIZE;
    }
    if (head[4] != 'J' && head[4] != 'B') {
        return ERR_MALFORMED;
    }
    uint8_t *body = malloc(n);
    if (body == NULL) {
        return ERR_MEMORY;
    }
    err = read_all(fd, body, n - 1);
    if (err != ERR_OK) {
        free(body);
        return err;
    }
    body[n - 1] = '\0';
    *ret_type = (char)head[4];
    *ret = body;
    *ret_bytes = n - 1;
    return ERR_OK;
}

enum err control_write_json(int fd, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text == NULL) {
        return ERR_MEMORY;
    }
    enum err err = control_write(fd, 'J', span_text(text));
    free(text);
    return err;
}

/* sun_path holds 108 bytes, a home's path may be longer: go through a descriptor of the folder. */
static bool socket_address(const char *home, struct sockaddr_un *ret, int *ret_folder)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    *ret_folder = -1;
    int n = snprintf(ret->sun_path, sizeof ret->sun_path, "%s/control.sock", home);
    if (n > 0 && (size_t)n < sizeof ret->sun_path) {
        return true;
    }
    *ret_folder = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_folder < 0) {
        return false;
    }
    snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/control.sock", *ret_folder);
    return true;
}

int control_connect(const char *home)
{
    struct sockaddr_un address;
    int folder;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !socket_address(home, &address, &folder)) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    int done = connect(fd, (const struct sockaddr *)&address, sizeof address), code = errno;
    if (folder >= 0) {
        close(folder);
    }
    if (done != 0) {
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

/* ---- one client ---- */

static bool report_progress(void *arg, json_t *progress)
{
    struct pollfd item = {.fd = *(int *)arg, .events = POLLRDHUP};
    if (poll(&item, 1, 0) < 0 || (item.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
        return false;
    }
    json_t *frame = progress != NULL ? json_pack("{s:O}", "progress", progress) : NULL;
    enum err err = frame != NULL ? control_write_json(item.fd, frame) : ERR_OK;
    json_decref(frame);
    return err != ERR_UNREACHABLE;
}

/* Takes `result`. */
static enum err reply(int fd, enum err err, json_t *result)
{
    json_t *frame = json_pack("{s:b, s:O}", "ok", err == ERR_OK, err == ERR_OK ? "result" : "error", result);
    enum err sent = frame != NULL ? control_write_json(fd, frame) : ERR_MEMORY;
    json_decref(frame);
    json_decref(result);
    if (sent == ERR_OVERSIZE) { /* nothing of it was written */
        return reply(fd, ERR_LIMIT, service_error(ERR_LIMIT, "the answer is longer than the control socket carries", NULL,
                                                  "ask for less, or stop the daemon and ask again"));
    }
    return sent;
}

/* A client may think for as long as it likes before it says something (someone fills in a form), but what it begins it ends in
 * CONTROL_TIMEOUT_MS, or it is taken for dead. */
static enum err await_frame(int fd, char *ret_type, uint8_t **ret, size_t *ret_bytes)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    while (poll(&item, 1, -1) < 0 && errno == EINTR) {
    }
    return control_read(fd, ret_type, ret, ret_bytes);
}

static enum err take_batches(struct service *service, int fd, const json_t *request)
{
    struct append_plan plan;
    enum err stored;
    json_t *error = service_append_begin(service, request, &plan, &stored);
    if (stored != ERR_OK) {
        return error != NULL ? reply(fd, stored, error) : ERR_MEMORY;
    }
    enum err err = reply(fd, ERR_OK, json_object());
    while (err == ERR_OK) {
        char type;
        uint8_t *body;
        size_t bytes;
        err = await_frame(fd, &type, &body, &bytes);
        if (err != ERR_OK) {
            break;
        }
        if (type != 'B' || bytes == 0) {
            free(body);
            return type == 'B' ? reply(fd, ERR_OK, json_object()) : ERR_MALFORMED;
        }
        json_t *result = service_append(service, &plan, span_of(body, bytes), &stored);
        free(body);
        err = result != NULL ? reply(fd, stored, result) : ERR_MEMORY;
    }
    return err;
}

/* ---- bundles ---- */

static enum err write_bytes(void *arg, struct span bytes) { return control_write(*(int *)arg, 'B', bytes); }

static enum err give_bundle(struct service *service, int fd, const json_t *request)
{
    enum err answered;
    json_t *result = service_bundle_out(service, request, write_bytes, report_progress, &fd, &answered);
    return result != NULL ? reply(fd, answered, result) : ERR_MEMORY;
}

/* Frames of the file until an empty one; each is answered, the first bad one ends it. */
static enum err take_bundle(struct service *service, int fd, const json_t *request)
{
    enum err answered;
    json_t *result = NULL;
    struct bundle_passage *passage = service_bundle_begin(service, request, &result, &answered);
    if (passage == NULL) {
        return reply(fd, answered, result);
    }
    enum err err = reply(fd, ERR_OK, json_object());
    bool is_open = true;
    while (err == ERR_OK && is_open) {
        char type;
        uint8_t *body;
        size_t bytes;
        err = await_frame(fd, &type, &body, &bytes);
        if (err != ERR_OK) {
            break;
        }
        is_open = type == 'B' && bytes > 0;
        if (type == 'B') {
            result = bytes > 0 ? service_bundle_feed(passage, span_of(body, bytes), &answered) : service_bundle_end(passage, &answered);
            is_open = is_open && answered == ERR_OK;
        }
        free(body);
        err = type != 'B' ? ERR_MALFORMED : result != NULL ? reply(fd, answered, result) : ERR_MEMORY;
    }
    service_bundle_close(&passage);
    return err;
}

static void serve(struct service *service, int fd)
{
    for (;;) {
        char type;
        uint8_t *body;
        size_t bytes;
        enum err err = await_frame(fd, &type, &body, &bytes);
        if (err == ERR_OVERSIZE || err == ERR_MALFORMED) {
            log_event(LOG_WARN, "control_refused", "err=%s", err_name(err));
            (void)!reply(fd, err, service_error(err, "the request is no frame of this node's control socket", NULL, "use the griot command"));
        }
        if (err != ERR_OK) {
            return;
        }
        json_t *request = type == 'J' ? json_loadb((const char *)body, bytes, JSON_REJECT_DUPLICATES, NULL) : NULL;
        free(body);
        const char *name = json_string_value(json_object_get(request, "do"));
        if (request == NULL || name == NULL) {
            err = reply(fd, ERR_MALFORMED, service_error(ERR_MALFORMED, "the request is not a JSON object that names what to do", NULL, NULL));
        } else if (strcmp(name, "append") == 0) {
            err = take_batches(service, fd, request);
        } else if (strcmp(name, "bundle_out") == 0) {
            err = give_bundle(service, fd, request);
        } else if (strncmp(name, "bundle_", 7) == 0) {
            err = take_bundle(service, fd, request);
        } else {
            enum err answered;
            json_t *result = service_answer(service, request, report_progress, &fd, &answered);
            bool is_last = result != NULL && answered == ERR_OK && answer_ends_run(request, result);
            err = result != NULL ? reply(fd, answered, result) : ERR_MEMORY;
            if (is_last) { /* only now: at the end of a run clients are cut off */
                service->compact(service->arg);
            }
        }
        json_decref(request);
        if (err != ERR_OK) {
            return;
        }
    }
}

static void wake(struct control *control)
{
    uint64_t one = 1;
    (void)!write(control->wake, &one, sizeof one);
}

static bool peer_of(int fd, struct ucred *ret)
{
    socklen_t n = sizeof *ret;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &n) == 0 && n == sizeof *ret;
}

static void *client_main(void *arg)
{
    struct client_thread *client = arg;
    struct control *control = client->control;
    struct service service = *control->service;
    struct ucred peer;
    if (peer_of(client->fd, &peer)) {
        person_of(peer.pid, peer.uid, &service.person);
        serve(&service, client->fd);
    }
    pthread_mutex_lock(&control->lock);
    close(client->fd);
    client->fd = -1;
    wake(control);
    pthread_mutex_unlock(&control->lock);
    return NULL;
}

/* ---- the listener ---- */

static bool same_user(const struct ucred *peer)
{
#ifdef GRIOT_WITHOUT_T33_USER
    (void)peer;
    return true;
#else
    return peer->uid == geteuid() || peer->uid == 0;
#endif
}

static void set_timeouts(int fd)
{
    struct timeval most = {.tv_sec = CONTROL_TIMEOUT_MS / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
}

/* One too many, or somebody else. The request is read first: a socket that is closed with something unread takes the answer back. */
static void turn_away(int fd, enum err err, const char *what, const char *todo)
{
    struct timeval moment = {.tv_usec = 200000}; /* nobody else is welcomed meanwhile */
    char type;
    uint8_t *body = NULL;
    size_t bytes;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof moment);
    (void)!control_read(fd, &type, &body, &bytes);
    free(body);
    (void)!reply(fd, err, service_error(err, what, NULL, todo));
    close(fd);
}

static void welcome(struct control *control, int fd)
{
    set_timeouts(fd);
    struct client_thread *free_one = NULL;
    pthread_mutex_lock(&control->lock);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX && free_one == NULL; i++) {
        if (control->clients[i].fd < 0) {
            free_one = &control->clients[i];
        }
    }
    if (free_one != NULL && free_one->is_running) {
        pthread_join(free_one->thread, NULL); /* it has closed its descriptor: it is at its end */
        free_one->is_running = false;
    }
    if (free_one != NULL) {
        free_one->control = control;
        free_one->fd = fd;
        free_one->is_running = pthread_create(&free_one->thread, NULL, client_main, free_one) == 0;
        if (!free_one->is_running) {
            free_one->fd = -1;
            free_one = NULL;
        }
    }
    pthread_mutex_unlock(&control->lock);
    if (free_one == NULL) {
        turn_away(fd, ERR_BUSY, "the node answers as many commands as it can", "try again in a moment");
    }
}

static bool is_full(struct control *control)
{
    bool full = true;
    pthread_mutex_lock(&control->lock);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        full = full && control->clients[i].fd >= 0;
    }
    pthread_mutex_unlock(&control->lock);
    return full;
}

static bool is_stopping(struct control *control)
{
    pthread_mutex_lock(&control->lock);
    bool stopping = control->is_stopping;
    pthread_mutex_unlock(&control->lock);
    return stopping;
}

/* Somebody else's user: the socket's mode keeps him out, so somebody has changed that. One row a minute says how often. */
static void refuse_user(struct control *control, const struct ucred *peer, int fd)
{
    uint64_t now = mono_now().ms;
    control->refused++;
    log_event(LOG_WARN, "control_refused", "why=other_user uid=%lu", (unsigned long)peer->uid);
    turn_away(fd, ERR_PERMISSION, "this node answers only the user that it runs as", "run the command as that user");
    if (control->refused_told != 0 && now - control->refused_told < CONTROL_REFUSED_MS) {
        return;
    }
    struct audit_note note;
    struct person person;
    person_of(peer->pid, peer->uid, &person);
    audit_note_init(&note, control->service->home, &person, AUDIT_REFUSED);
    note.entry.outcome = ERR_PERMISSION;
    audit_note_count(&note, control->refused);
    if (service_audit(control->service, &note) == ERR_OK) {
        control->refused_told = now;
        control->refused = 0;
    }
}

static void take_client(struct control *control)
{
    struct ucred peer;
    int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        usleep(10000); /* out of descriptors: do not spin */
    } else if (!peer_of(fd, &peer)) {
        close(fd);
    } else if (!same_user(&peer)) {
        refuse_user(control, &peer, fd);
    } else {
        welcome(control, fd);
    }
}

static void *listener_main(void *arg)
{
    struct control *control = arg;
    bool is_waiting = false;
    uint64_t since = 0; /* when is_waiting: all places are taken, and nobody has ended */
    while (!is_stopping(control)) {
        bool full = is_full(control);
        if (full && !is_waiting) {
            since = mono_now().ms;
        }
        is_waiting = full;
        uint64_t waited = full ? mono_now().ms - since : 0;
        bool is_line_open = full && waited < CONTROL_LINE_MS;
        struct pollfd items[] = {{.fd = control->wake, .events = POLLIN}, {.fd = is_line_open ? -1 : control->listener, .events = POLLIN}};
        if (poll(items, 2, is_line_open ? (int)(CONTROL_LINE_MS - waited) : -1) < 0 && errno != EINTR) {
            return NULL;
        }
        if (items[0].revents != 0) {
            uint64_t count;
            (void)!read(control->wake, &count, sizeof count);
            is_waiting = false;
        }
        if (items[1].revents & POLLIN) {
            take_client(control);
        }
    }
    return NULL;
}

enum err control_new(const char *home, struct service *service, struct control **ret)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        return ERR_MEMORY;
    }
    control->service = service;
    pthread_mutex_init(&control->lock, NULL);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        control->clients[i].fd = -1;
    }
    int n = snprintf(control->path, sizeof control->path, "%s/control.sock", home);
    control->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;
    int folder = -1;
    bool is_good = n > 0 && (size_t)n < sizeof control->path && control->wake >= 0 && control->listener >= 0;
    if (is_good) {
        unlink(control->path); /* ours: the home's lock is held */
        /* On Linux the file gets the mode of the socket: there is no moment at which others may open it, and no umask of other threads is touched. */
        is_good = fchmod(control->listener, 0600) == 0 && socket_address(home, &address, &folder) &&
                  bind(control->listener, (const struct sockaddr *)&address, sizeof address) == 0 && listen(control->listener, CONTROL_BACKLOG) == 0;
    } else {
        control->path[0] = '\0';
    }
    if (folder >= 0) {
        close(folder);
    }
    control->has_thread = is_good && pthread_create(&control->thread, NULL, listener_main, control) == 0;
    if (!control->has_thread) {
        control_destroy(&control);
        return ERR_IO;
    }
    *ret = control;
    return ERR_OK;
}

void control_destroy(struct control **control_ptr)
{
    struct control *control = *control_ptr;
    if (control == NULL) {
        return;
    }
    if (control->has_thread) {
        pthread_mutex_lock(&control->lock);
        control->is_stopping = true;
        pthread_mutex_unlock(&control->lock);
        wake(control);
        pthread_join(control->thread, NULL);
    }
    if (control->path[0] != '\0') {
        unlink(control->path);
    }
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        pthread_mutex_lock(&control->lock);
        if (control->clients[i].fd >= 0) {
            shutdown(control->clients[i].fd, SHUT_RDWR);
        }
        pthread_mutex_unlock(&control->lock);
        if (control->clients[i].is_running) {
            pthread_join(control->clients[i].thread, NULL);
        }
    }
    if (control->listener >= 0) {
        close(control->listener);
    }
    if (control->wake >= 0) {
        close(control->wake);
    }
    pthread_mutex_destroy(&control->lock);
    free(control);
    *control_ptr = NULL;
}

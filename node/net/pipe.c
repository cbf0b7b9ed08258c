#include "node/net/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct outbox_event {
    struct outbox_event *next;
    struct pipe_header header;
    zmq_msg_t body;
};

bool pipe_pair(int ret[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) == 0;
}

bool pipe_write(int end, const struct pipe_header *header, zmq_msg_t *body, bool may_wait)
{
    union {
        const void *in;
        void *out;
    } p = {header}; /* sendmsg does not write to it, but does not say const */
    struct iovec parts[2] = {{p.out, sizeof *header}, {zmq_msg_data(body), zmq_msg_size(body)}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;
    do {
        sent = sendmsg(end, &message, MSG_NOSIGNAL | (may_wait ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return false;
    }
    zmq_msg_close(body);
    return true;
}

enum pipe_read pipe_read(int end, struct pipe_header *ret, zmq_msg_t *body)
{
    ssize_t got;
    do {
        got = recv(end, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? PIPE_NOTHING : PIPE_CLOSED;
    }
    if ((size_t)got < sizeof *ret || (size_t)got > sizeof *ret + PIPE_BODY_BYTES_MAX) {
        return PIPE_CLOSED; /* nothing: its end; anything else no gateway says */
    }
    zmq_msg_close(body);
    if (zmq_msg_init_size(body, (size_t)got - sizeof *ret) != 0) {
        zmq_msg_init(body);
        return PIPE_NOTHING; /* it stays where it is */
    }
    struct iovec parts[2] = {{ret, sizeof *ret}, {zmq_msg_data(body), zmq_msg_size(body)}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    do {
        got = recvmsg(end, &message, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    return got >= (ssize_t)sizeof *ret ? PIPE_MESSAGE : PIPE_CLOSED;
}

static void outbox_keep(struct outbox *outbox, const struct pipe_header *header, zmq_msg_t *body)
{
    struct outbox_event *event = malloc(sizeof *event);
    if (event == NULL) {
        zmq_msg_close(body);
        return;
    }
    event->next = NULL;
    event->header = *header;
    zmq_msg_init(&event->body);
    zmq_msg_move(&event->body, body);
    zmq_msg_close(body);
    if (outbox->last != NULL) {
        outbox->last->next = event;
    } else {
        outbox->first = event;
    }
    outbox->last = event;
}

void outbox_tell(struct outbox *outbox, const struct pipe_header *header, zmq_msg_t *body)
{
    zmq_msg_t empty;
    if (body == NULL) {
        zmq_msg_init(&empty);
        body = &empty;
    }
    if (outbox->first != NULL || !pipe_write(outbox->pipe, header, body, false)) {
        outbox_keep(outbox, header, body);
    }
}

void outbox_flush(struct outbox *outbox)
{
    while (outbox->first != NULL) {
        struct outbox_event *event = outbox->first;
        if (!pipe_write(outbox->pipe, &event->header, &event->body, false)) {
            return;
        }
        outbox->first = event->next;
        if (outbox->first == NULL) {
            outbox->last = NULL;
        }
        free(event);
    }
}

bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->first == NULL;
}

void outbox_fini(struct outbox *outbox)
{
    while (outbox->first != NULL) {
        struct outbox_event *event = outbox->first;
        outbox->first = event->next;
        zmq_msg_close(&event->body);
        free(event);
    }
    outbox->last = NULL;
}

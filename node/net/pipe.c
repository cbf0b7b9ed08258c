#include "node/net/pipe.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct outbox_event {
    struct outbox_event *next;
    struct pipe_header header;
    zmq_msg_t body;
};

bool pipe_write(void *socket, const struct pipe_header *header, zmq_msg_t *body, int flags)
{
    while (zmq_send(socket, header, sizeof *header, flags | ZMQ_SNDMORE) < 0) {
        if (zmq_errno() != EINTR) {
            return false;
        }
    }
    /* libzmq admits or refuses whole messages: the second part never waits. */
    while (zmq_msg_send(body, socket, 0) < 0) {
        if (zmq_errno() != EINTR) {
            zmq_msg_close(body);
            break;
        }
    }
    return true;
}

bool pipe_read(void *socket, struct pipe_header *ret, zmq_msg_t *body)
{
    int got;
    do {
        got = zmq_recv(socket, ret, sizeof *ret, ZMQ_DONTWAIT);
    } while (got < 0 && zmq_errno() == EINTR);
    if (got < 0) {
        return false;
    }
    assert(got == (int)sizeof *ret); /* both ends are this file */
    do {
        got = zmq_msg_recv(body, socket, ZMQ_DONTWAIT); /* messages come whole */
    } while (got < 0 && zmq_errno() == EINTR);
    return got >= 0;
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
    if (outbox->first != NULL || !pipe_write(outbox->pipe, header, body, ZMQ_DONTWAIT)) {
        outbox_keep(outbox, header, body);
    }
}

void outbox_flush(struct outbox *outbox)
{
    while (outbox->first != NULL) {
        struct outbox_event *event = outbox->first;
        if (!pipe_write(outbox->pipe, &event->header, &event->body, ZMQ_DONTWAIT)) {
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

#include "node/net/transport.h"

#include "proto/limits.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECT_MS = 30000,
    UNACKED_MS = 90000,                 /* TCP gives up on a peer that acknowledges nothing for so long */
    SOCKET_BUFFER_BYTES = 131072,       /* a satellite's bandwidth times its delay */
    UNSENT_BYTES = FRAME_BYTES_DEFAULT, /* in the kernel, beyond what is on its way */
    DESCRIPTORS_SPARE = 8,              /* a dialled connection needs four, a bind a few for a moment */
};

bool transport_set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

bool transport_options(const struct transport *transport, void *socket, const char *address)
{
    int64_t bytes_max = ZMQ_MESSAGE_BYTES_MAX;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0 && transport_set(socket, ZMQ_SNDHWM, ZMQ_HWM) &&
           transport_set(socket, ZMQ_RCVHWM, ZMQ_HWM) && transport_set(socket, ZMQ_LINGER, TRANSPORT_LINGER_MS) &&
           transport_set(socket, ZMQ_SNDTIMEO, 0) && transport_set(socket, ZMQ_HANDSHAKE_IVL, transport->handshake_ms) &&
           transport_set(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) && transport_set(socket, ZMQ_TCP_MAXRT, UNACKED_MS) &&
           transport_set(socket, ZMQ_TCP_KEEPALIVE, 0) && transport_set(socket, ZMQ_SNDBUF, SOCKET_BUFFER_BYTES) &&
           transport_set(socket, ZMQ_RCVBUF, SOCKET_BUFFER_BYTES) && transport_set(socket, ZMQ_IPV6, strchr(address, '[') != NULL) &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_read(transport->secret), 32) == 0;
}

void transport_tune(int fd)
{
    int bytes = UNSENT_BYTES;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

bool transport_has_descriptors(void)
{
    int spare[DESCRIPTORS_SPARE];
    int n = 0;
    while (n < DESCRIPTORS_SPARE && (spare[n] = eventfd(0, EFD_CLOEXEC)) >= 0) {
        n++;
    }
    for (int i = 0; i < n; i++) {
        close(spare[i]);
    }
    return n == DESCRIPTORS_SPARE;
}

void *transport_monitor(struct transport *transport, void *socket, int events)
{
    char at[64];
    snprintf(at, sizeof at, "inproc://monitor-%llu", (unsigned long long)transport->monitors++);
    void *monitor = zmq_socket(transport->context, ZMQ_PAIR);
    if (monitor == NULL) {
        return NULL;
    }
    if (!transport_set(monitor, ZMQ_LINGER, 0) || zmq_socket_monitor(socket, at, events) != 0 || zmq_connect(monitor, at) != 0) {
        int code = zmq_errno();
        transport_close(NULL, monitor);
        errno = code;
        return NULL;
    }
    return monitor;
}

void transport_close(void *socket, void *monitor)
{
    if (socket != NULL) {
        zmq_socket_monitor(socket, NULL, 0);
    }
    if (monitor != NULL) {
        zmq_close(monitor);
    }
    if (socket != NULL) {
        zmq_close(socket);
    }
}

bool transport_event(void *monitor, uint16_t *ret_event, uint32_t *ret_value)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    bool is_there = zmq_msg_recv(&part, monitor, ZMQ_DONTWAIT) >= 0;
    bool is_good = is_there && zmq_msg_size(&part) >= 6;
    if (is_good) {
        const uint8_t *data = zmq_msg_data(&part);
        memcpy(ret_event, data, 2);
        memcpy(ret_value, data + 2, 4);
    }
    while (is_there && zmq_msg_more(&part)) { /* the address: the dialler knows it, the listener has no use for it */
        is_there = zmq_msg_recv(&part, monitor, ZMQ_DONTWAIT) >= 0;
    }
    zmq_msg_close(&part);
    return is_good;
}

enum transport_read transport_read(void *socket, uint8_t *route, zmq_msg_t *frame)
{
    int frames = 0, wanted = route != NULL ? 2 : 1;
    bool is_good = true, more = true;
    while (more) {
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
            return frames == 0 ? READ_NOTHING : READ_ABUSE;
        }
        frames++;
        more = zmq_msg_more(frame);
        if (route != NULL && frames == 1) {
            const uint8_t *id = zmq_msg_data(frame);
            is_good = zmq_msg_size(frame) == ROUTE_ID_BYTES && id[0] == 0;
#ifdef GRIOT_WITHOUT_T14_ROUTE
            is_good = zmq_msg_size(frame) >= ROUTE_ID_BYTES;
#endif
            if (is_good) {
                memcpy(route, id, ROUTE_ID_BYTES);
            }
        }
    }
#ifdef GRIOT_WITHOUT_T13_FRAMES
    frames = wanted;
#endif
    return is_good && frames == wanted ? READ_FRAME : READ_ABUSE;
}

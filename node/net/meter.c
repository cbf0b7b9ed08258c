#include "node/net/meter.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* What CURVE and ZMTP add to a frame is at most 42 bytes; a little more is counted, since a difference that only ever falls does no harm. */
enum { FRAME_COST_BYTES = 64 };

void meter_show(struct meter *meter, size_t n)
{
    meter->shown += n + FRAME_COST_BYTES;
}

bool meter_look(struct meter *meter, int fd)
{
    struct tcp_info info = {0};
    socklen_t bytes = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0 || info.tcpi_bytes_received < meter->received) {
        return false;
    }
    uint64_t held = meter->held + (info.tcpi_bytes_received - meter->received);
    meter->held = held > meter->shown ? held - meter->shown : 0;
    meter->received = info.tcpi_bytes_received;
    meter->shown = 0;
#ifdef GRIOT_WITHOUT_T13_METER
    return false;
#endif
    return meter->held > METER_BYTES_MAX;
}

void stranger_came(struct strangers *strangers, int fd)
{
    if (fd >= 0 && fd < STRANGERS_MAX) {
        strangers->count += !strangers->is_there[fd];
        strangers->is_there[fd] = true;
        strangers->meters[fd] = (struct meter){0};
        strangers->end = fd >= strangers->end ? fd + 1 : strangers->end;
    }
}

bool stranger_went(struct strangers *strangers, int fd)
{
    bool was_there = fd >= 0 && fd < STRANGERS_MAX && strangers->is_there[fd];
    if (was_there) {
        strangers->count--;
        strangers->is_there[fd] = false;
    }
    while (strangers->end > 0 && !strangers->is_there[strangers->end - 1]) {
        strangers->end--;
    }
    return was_there;
}

void strangers_look(struct strangers *strangers)
{
    for (int fd = 0; fd < strangers->end; fd++) {
        if (strangers->is_there[fd] && meter_look(&strangers->meters[fd], fd)) {
            (void)shutdown(fd, SHUT_RDWR);
        }
    }
}

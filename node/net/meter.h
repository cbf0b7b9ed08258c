/* meter.h - how much of what a TCP connection has brought libzmq still holds. libzmq shows a message only when its last frame is there, and bounds
 * neither their number nor their sum (Z10): a member could make the process as large as what it sends. The kernel's count of the bytes that came,
 * less those that were shown, tells. */
#ifndef GRIOT_NODE_NET_METER_H
#define GRIOT_NODE_NET_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    METER_BYTES_MAX = 2 << 20, /* an honest peer's: two frames in libzmq and what the kernel takes, well below 1 MiB */
    METER_MS = 50,             /* between looks: what a fast line brings meanwhile is the most that a peer can make us hold */
    STRANGERS_MAX = 4096,      /* descriptors below this are watched before a first message; the service has far fewer */
};

struct meter {         /* zero to begin with */
    uint64_t received; /* by the kernel, at the last look */
    uint64_t shown;    /* since the last look */
    uint64_t held;
};

/* A frame of `n` bytes has been shown. */
void meter_show(struct meter *meter, size_t n);
/* Look at the connection `fd`: true when more than METER_BYTES_MAX of it is held. */
bool meter_look(struct meter *meter, int fd);

/* Connections that have not shown a first message, by descriptor. */
struct strangers {
    bool is_there[STRANGERS_MAX];
    struct meter meters[STRANGERS_MAX];
    int end; /* all are below */
    size_t count;
};
void stranger_came(struct strangers *strangers, int fd);
/* It has left, or shown its first message. True when it was there. */
bool stranger_went(struct strangers *strangers, int fd);
/* Look at all; disconnect those that have brought too much. */
void strangers_look(struct strangers *strangers);

#endif

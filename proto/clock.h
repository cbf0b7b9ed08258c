/* clock.h - two kinds of time that must not mix: mixing them does not compile. */
#ifndef GRIOT_PROTO_CLOCK_H
#define GRIOT_PROTO_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that only goes forward; its zero means nothing. For timers. */
struct mono_ms {
    uint64_t ms;
};

/* Milliseconds since 1970-01-01T00:00:00Z as this machine believes. A claim; for people only. */
struct wall_ms {
    uint64_t ms;
};

#endif

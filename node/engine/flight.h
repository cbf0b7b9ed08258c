/* flight.h - SEG frames under way with one peer: sent and not acknowledged, or received and not stored yet.
 * Counts bytes for two classes (bulk, and the rest), which have credit of their own. */
#ifndef GRIOT_NODE_ENGINE_FLIGHT_H
#define GRIOT_NODE_ENGINE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLIGHT_REST = 0, FLIGHT_BULK = 1, FLIGHT_CLASSES = 2 };
enum { FLIGHT_FRAMES_MAX = 4096 };

struct flight_frame {
    uint32_t log; /* index in heads.h */
    uint32_t bytes;
    uint64_t height; /* of the log after this frame */
    uint64_t at_ms;
    uint8_t class;
};

struct flight {
    struct flight_frame *frames; /* oldest first */
    uint32_t count, cap;
    uint64_t bytes[FLIGHT_CLASSES];
};

/* What left the flight. */
struct flight_landed {
    uint32_t count;
    uint64_t bytes;
    uint64_t newest_ms; /* when the newest of them was sent; meaningless when count is 0 */
};

void flight_fini(struct flight *flight);
/* Copies. False when FLIGHT_FRAMES_MAX are under way or memory runs out; unchanged then. */
bool flight_add(struct flight *flight, const struct flight_frame *frame);
/* Frames of `log` that end at or below `height` have arrived (UINT64_MAX: all of the log). */
struct flight_landed flight_land(struct flight *flight, uint32_t log, uint64_t height);
/* The oldest frame of `log` has ended, good or bad. */
void flight_land_one(struct flight *flight, uint32_t log);
size_t flight_memory(const struct flight *flight);

#endif

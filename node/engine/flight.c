#include "node/engine/flight.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES_FIRST = 16 };

void flight_fini(struct flight *flight)
{
    free(flight->frames);
    memset(flight, 0, sizeof *flight);
}

bool flight_add(struct flight *flight, const struct flight_frame *frame)
{
    if (flight->count == FLIGHT_FRAMES_MAX) {
        return false;
    }
    if (flight->count == flight->cap) {
        uint32_t cap = flight->cap == 0 ? FRAMES_FIRST : flight->cap * 2;
        struct flight_frame *frames = realloc(flight->frames, cap * sizeof *frames);

        if (frames == NULL) {
            return false;
        }
        flight->frames = frames;
        flight->cap = cap;
    }
    flight->frames[flight->count++] = *frame;
    flight->bytes[frame->class] += frame->bytes;
    return true;
}

struct flight_landed flight_land(struct flight *flight, uint32_t log, uint64_t height)
{
    struct flight_landed landed = {0, 0, 0};
    uint32_t kept = 0;

    for (uint32_t i = 0; i < flight->count; i++) {
        const struct flight_frame *frame = &flight->frames[i];

        if (frame->log == log && frame->height <= height) {
            landed.count++;
            landed.bytes += frame->bytes;
            landed.newest_ms = frame->at_ms;
            flight->bytes[frame->class] -= frame->bytes;
        } else {
            flight->frames[kept++] = *frame;
        }
    }
    flight->count = kept;
    return landed;
}

void flight_land_one(struct flight *flight, uint32_t log)
{
    for (uint32_t i = 0; i < flight->count; i++) {
        const struct flight_frame *frame = &flight->frames[i];

        if (frame->log == log) {
            flight->bytes[frame->class] -= frame->bytes;
            memmove(&flight->frames[i], &flight->frames[i + 1], (flight->count - i - 1) * sizeof *frame);
            flight->count--;
            return;
        }
    }
}

size_t flight_memory(const struct flight *flight)
{
    return flight->cap * sizeof *flight->frames;
}

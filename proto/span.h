/* span.h - borrowed bytes, and a bounded place to write bytes into. */
#ifndef GRIOT_PROTO_SPAN_H
#define GRIOT_PROTO_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes, never owned; one that points into a store dies with its transaction. */
struct span {
    const uint8_t *p;
    size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){(const uint8_t *)p, n};
}

static inline struct span span_text(const char *text)
{
    return span_of(text, strlen(text));
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* A writer into fixed memory with a sticky overflow: write straight through, look once at the end.
 * `at` never passes `cap`; after an overflow nothing more is written and `is_full` stays true. */
struct out {
    uint8_t *p;
    size_t cap;
    size_t at;
    bool is_full;
};

static inline struct out out_into(void *p, size_t cap)
{
    return (struct out){(uint8_t *)p, cap, 0, false};
}

static inline void out_bytes(struct out *out, const void *bytes, size_t n)
{
    if (out->is_full || n > out->cap - out->at) {
        out->is_full = true;
        return;
    }
    if (n > 0) {
        memcpy(out->p + out->at, bytes, n);
    }
    out->at += n;
}

static inline void out_span(struct out *out, struct span bytes)
{
    out_bytes(out, bytes.p, bytes.n);
}

/* What has been written so far, borrowed from the writer's memory. */
static inline struct span out_written(const struct out *out)
{
    return span_of(out->p, out->at);
}

#endif

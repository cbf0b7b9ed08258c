/* unpack.h - reads canonical MessagePack from hostile bytes.
 * A document is first scanned by us (bytes, depth, elements, smallest forms, UTF-8, rising map keys, no floats, no extensions,
 * nothing left over), then parsed by msgpack-c into a zone whose size that scan has bounded (RELIABILITY M1, M2).
 * Reading is a cursor with a sticky error: read straight through, look once at the end; a failed read yields zeros. */
#ifndef GRIOT_PROTO_UNPACK_H
#define GRIOT_PROTO_UNPACK_H

#include "proto/error.h"
#include "proto/limits.h"
#include "proto/span.h"

enum unpack_type { UNPACK_NONE, UNPACK_UINT, UNPACK_INT, UNPACK_BOOL, UNPACK_BIN, UNPACK_TEXT, UNPACK_ARRAY, UNPACK_MAP };

struct unpack; /* a parsed document; heap object, reusable, one owner at a time */

struct unpack *unpack_new(void); /* NULL when memory runs out */
void unpack_destroy(struct unpack **unpack);

/* Scan `bytes` and parse it. `bytes` is borrowed until the next begin or destroy: spans read from it point into it.
 *   errors  ERR_TRUNCATED, ERR_NONCANONICAL, ERR_MALFORMED (float, extension, nil, bad UTF-8), ERR_LIMIT (depth, elements), ERR_MEMORY;
 *           `*clause` (clause may be NULL) then names the clause of WIRE.md. After an error every cursor on `unpack` is bad. */
MUST_CHECK enum err unpack_begin(struct unpack *unpack, struct span bytes, const char **clause);

/* Write `text` to `*clause` (either may be NULL) and hand `err` back: how a decoder refuses. */
static inline enum err unpack_refuse(const char **clause, const char *text, enum err err)
{
    if (clause != NULL) {
        *clause = text;
    }
    return err;
}

/* A cursor over the items of one array or map (keys and values in turn). */
struct cursor {
    struct unpack *unpack;
    const void *items; /* private */
    uint32_t left;     /* items not read yet */
    bool is_bad;       /* sticky: a type, a length, a value or the count was wrong */
};

/* The root as an array of exactly `items` (or any number when UINT32_MAX). A bad cursor when it is something else. */
struct cursor unpack_array(struct unpack *unpack, uint32_t items);
struct cursor unpack_map(struct unpack *unpack); /* left = 2 * pairs */

/* The root as a versioned object (WIRE.md 1.7): an array of `items` items whose first, the format version, has been read.
 *   errors  ERR_VERSION  newer than FORMAT_VERSION, whatever else it holds; ERR_MALFORMED  no version, or another number of items */
MUST_CHECK enum err unpack_versioned(struct unpack *unpack, uint32_t items, struct cursor *ret, const char **clause);

enum unpack_type cursor_peek(const struct cursor *cursor);
uint64_t cursor_uint(struct cursor *cursor, uint64_t max); /* 0..max, else bad */
int64_t cursor_int(struct cursor *cursor);
bool cursor_bool(struct cursor *cursor);
struct span cursor_bin(struct cursor *cursor, size_t min, size_t max);
void cursor_bin_into(struct cursor *cursor, void *ret, size_t exactly); /* zeros when bad */
struct span cursor_text(struct cursor *cursor, size_t min, size_t max);
struct cursor cursor_array(struct cursor *cursor, uint32_t min, uint32_t max); /* enter a nested array */
struct cursor cursor_map(struct cursor *cursor, uint32_t max_pairs);
void cursor_skip(struct cursor *cursor);
/* Fold a finished nested cursor back: bad when it is bad or has items left. */
void cursor_close(struct cursor *cursor, const struct cursor *nested);
/* ERR_OK when everything was read and well; ERR_MALFORMED otherwise. */
MUST_CHECK enum err cursor_end(const struct cursor *cursor);

#endif

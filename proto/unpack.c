#include "proto/unpack.h"

#include <msgpack.h>
#include <stdlib.h>

#include "proto/scan.h"

/* Room for every object of a full commit (64 entries of 8 objects), so that reading commits never allocates;
 * larger documents make the zone grow, and the next one gives that back. */
enum { ZONE_CHUNK_BYTES = 32768 };

struct unpack {
    msgpack_zone zone;
    msgpack_object root;
};

/* Cursors walk the pairs of a map as a row of objects. */
_Static_assert(sizeof(msgpack_object_kv) == 2 * sizeof(msgpack_object), "pairs are two objects");

/* ---- the document ---- */

struct unpack *unpack_new(void)
{
    struct unpack *unpack = calloc(1, sizeof *unpack);

    if (unpack == NULL) {
        return NULL;
    }
    if (!msgpack_zone_init(&unpack->zone, ZONE_CHUNK_BYTES)) {
        free(unpack);
        return NULL;
    }
    unpack->root.type = MSGPACK_OBJECT_NIL;
    return unpack;
}

void unpack_destroy(struct unpack **unpack)
{
    if (*unpack == NULL) {
        return;
    }
    msgpack_zone_destroy(&(*unpack)->zone);
    free(*unpack);
    *unpack = NULL;
}

enum err unpack_begin(struct unpack *unpack, struct span bytes, const char **clause)
{
    size_t off = 0;
    enum err err;

    unpack->root.type = MSGPACK_OBJECT_NIL;
    err = scan_document(bytes, clause);
    if (err != ERR_OK) {
        return err;
    }
    msgpack_zone_clear(&unpack->zone);
    switch (msgpack_unpack((const char *)bytes.p, bytes.n, &off, &unpack->zone, &unpack->root)) {
    case MSGPACK_UNPACK_SUCCESS:
        return ERR_OK;
    case MSGPACK_UNPACK_NOMEM_ERROR:
        unpack->root.type = MSGPACK_OBJECT_NIL;
        return unpack_refuse(clause, "memory ran out", ERR_MEMORY);
    case MSGPACK_UNPACK_EXTRA_BYTES:
    case MSGPACK_UNPACK_CONTINUE:
    case MSGPACK_UNPACK_PARSE_ERROR:
        break;
    }
    /* The scan and msgpack-c would have to disagree about MessagePack. */
    unpack->root.type = MSGPACK_OBJECT_NIL;
    return unpack_refuse(clause, "WIRE.md 1.1: not MessagePack", ERR_MALFORMED);
}

/* ---- reading ---- */

static struct cursor bad_cursor(struct unpack *unpack)
{
    return (struct cursor){.unpack = unpack, .items = NULL, .left = 0, .is_bad = true};
}

static struct cursor array_of(struct unpack *unpack, const msgpack_object *object)
{
    return (struct cursor){unpack, object->via.array.ptr, object->via.array.size, false};
}

static struct cursor map_of(struct unpack *unpack, const msgpack_object *object)
{
    return (struct cursor){unpack, object->via.map.ptr, 2 * object->via.map.size, false};
}

struct cursor unpack_array(struct unpack *unpack, uint32_t items)
{
    const msgpack_object *root = &unpack->root;

    if (root->type != MSGPACK_OBJECT_ARRAY || (items != UINT32_MAX && root->via.array.size != items)) {
        return bad_cursor(unpack);
    }
    return array_of(unpack, root);
}

struct cursor unpack_map(struct unpack *unpack)
{
    if (unpack->root.type != MSGPACK_OBJECT_MAP) {
        return bad_cursor(unpack);
    }
    return map_of(unpack, &unpack->root);
}

enum err unpack_versioned(struct unpack *unpack, uint32_t items, struct cursor *ret, const char **clause)
{
    struct cursor all = unpack_array(unpack, UINT32_MAX);
    uint64_t version = cursor_uint(&all, UINT32_MAX);

    if (all.is_bad || version == 0) {
        return unpack_refuse(clause, "WIRE.md 1.7: no format version", ERR_MALFORMED);
    }
    if (version > FORMAT_VERSION) {
        return unpack_refuse(clause, "WIRE.md 1.7: newer than this release", ERR_VERSION);
    }
    if (all.left != items - 1) {
        return unpack_refuse(clause, "WIRE.md 1.7: wrong number of items", ERR_MALFORMED);
    }
    *ret = all;
    return ERR_OK;
}

static const msgpack_object *next(struct cursor *cursor)
{
    const msgpack_object *item = cursor->items;

    if (cursor->is_bad || cursor->left == 0) {
        cursor->is_bad = true;
        return NULL;
    }
    cursor->items = item + 1;
    cursor->left--;
    return item;
}

static const msgpack_object *next_of(struct cursor *cursor, msgpack_object_type type)
{
    const msgpack_object *item = next(cursor);

    if (item != NULL && item->type != type) {
        cursor->is_bad = true;
        return NULL;
    }
    return item;
}

enum unpack_type cursor_peek(const struct cursor *cursor)
{
    const msgpack_object *item = cursor->items;

    if (cursor->is_bad || cursor->left == 0) {
        return UNPACK_NONE;
    }
    switch (item->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return UNPACK_UINT;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return UNPACK_INT;
    case MSGPACK_OBJECT_BOOLEAN:
        return UNPACK_BOOL;
    case MSGPACK_OBJECT_BIN:
        return UNPACK_BIN;
    case MSGPACK_OBJECT_STR:
        return UNPACK_TEXT;
    case MSGPACK_OBJECT_ARRAY:
        return UNPACK_ARRAY;
    case MSGPACK_OBJECT_MAP:
        return UNPACK_MAP;
    case MSGPACK_OBJECT_NIL:
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
    case MSGPACK_OBJECT_EXT:
        break; /* the scan lets none of these through */
    }
    return UNPACK_NONE;
}

uint64_t cursor_uint(struct cursor *cursor, uint64_t max)
{
    const msgpack_object *item = next_of(cursor, MSGPACK_OBJECT_POSITIVE_INTEGER);

    if (item == NULL || item->via.u64 > max) {
        cursor->is_bad = true;
        return 0;
    }
    return item->via.u64;
}

int64_t cursor_int(struct cursor *cursor)
{
    if (cursor_peek(cursor) == UNPACK_UINT) {
        return (int64_t)cursor_uint(cursor, INT64_MAX);
    }
    const msgpack_object *item = next_of(cursor, MSGPACK_OBJECT_NEGATIVE_INTEGER);
    return item == NULL ? 0 : item->via.i64;
}

bool cursor_bool(struct cursor *cursor)
{
    const msgpack_object *item = next_of(cursor, MSGPACK_OBJECT_BOOLEAN);

    return item != NULL && item->via.boolean;
}

struct span cursor_bin(struct cursor *cursor, size_t min, size_t max)
{
    const msgpack_object *item = next_of(cursor, MSGPACK_OBJECT_BIN);

    if (item == NULL || item->via.bin.size < min || item->via.bin.size > max) {
        cursor->is_bad = true;
        return span_of(NULL, 0);
    }
    return span_of(item->via.bin.ptr, item->via.bin.size);
}

void cursor_bin_into(struct cursor *cursor, void *ret, size_t exactly)
{
    struct span bytes = cursor_bin(cursor, exactly, exactly);

    if (bytes.p == NULL) {
        memset(ret, 0, exactly);
        return;
    }
    memcpy(ret, bytes.p, exactly);
}

struct span cursor_text(struct cursor *cursor, size_t min, size_t max)
{
    const msgpack_object *item = next_of(cursor, MSGPACK_OBJECT_STR);

    if (item == NULL || item->via.str.size < min || item->via.str.size > max) {
        cursor->is_bad = true;
        return span_of(NULL, 0);
    }
    return span_of(item->via.str.ptr, item->via.str.size);
}

struct cursor cursor_array(struct cursor *cursor, uint32_t min, uint32_t max)
{
    const msgpack_object *item = next_of(cursor, MSGPACK_OBJECT_ARRAY);

    if (item == NULL || item->via.array.size < min || item->via.array.size > max) {
        cursor->is_bad = true;
        return bad_cursor(cursor->unpack);
    }
    return array_of(cursor->unpack, item);
}

struct cursor cursor_map(struct cursor *cursor, uint32_t max_pairs)
{
    const msgpack_object *item = next_of(cursor, MSGPACK_OBJECT_MAP);

    if (item == NULL || item->via.map.size > max_pairs) {
        cursor->is_bad = true;
        return bad_cursor(cursor->unpack);
    }
    return map_of(cursor->unpack, item);
}

void cursor_skip(struct cursor *cursor)
{
    (void)next(cursor);
}

void cursor_close(struct cursor *cursor, const struct cursor *nested)
{
    if (nested->is_bad || nested->left > 0) {
        cursor->is_bad = true;
    }
}

enum err cursor_end(const struct cursor *cursor)
{
    return cursor->is_bad || cursor->left > 0 ? ERR_MALFORMED : ERR_OK;
}

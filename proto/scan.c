#include "proto/scan.h"

#include "proto/unpack.h"

/* One open array or map. */
struct level {
    uint32_t left; /* items still to come; of a map, keys and values */
    bool is_map;
    bool has_key;
    uint64_t key; /* the last one, when has_key */
};

struct scan {
    const uint8_t *p;
    size_t left;
    uint32_t elements;
    uint32_t depth;
    struct level levels[PACK_DEPTH_MAX];
    enum err err;
    const char *clause;
};

static bool fail(struct scan *scan, enum err err, const char *clause)
{
    scan->err = err;
    scan->clause = clause;
    return false;
}

static bool cut_short(struct scan *scan)
{
    return fail(scan, ERR_TRUNCATED, "WIRE.md 1.8: the document ends too early");
}

/* A big-endian number of `n` bytes, 1, 2, 4 or 8. */
static bool take_number(struct scan *scan, size_t n, uint64_t *ret)
{
    uint64_t value = 0;

    if (n > scan->left) {
        return cut_short(scan);
    }
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | scan->p[i];
    }
    scan->p += n;
    scan->left -= n;
    *ret = value;
    return true;
}

/* A length of `n` bytes that must not fit a shorter form, whose largest value is `below`. */
static bool take_length(struct scan *scan, size_t n, uint64_t below, uint64_t *ret)
{
    if (!take_number(scan, n, ret)) {
        return false;
    }
    if (*ret <= below) {
        return fail(scan, ERR_NONCANONICAL, "WIRE.md 1.2: a length not in its smallest form");
    }
    return true;
}

static bool skip_bytes(struct scan *scan, uint64_t n)
{
    if (n > scan->left) {
        return cut_short(scan);
    }
    scan->p += n;
    scan->left -= (size_t)n;
    return true;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the well-formed UTF-8 sequence at `p`, 0 when there is none: no overlong form, no surrogate,
 * nothing above U+10FFFF (Unicode 15, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t n)
{
    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < 2 || !is_continuation(p[1])) {
        return 0;
    }
    if (p[0] < 0xe0) {
        return 2;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || n < 3 || !is_continuation(p[2])) {
        return 0;
    }
    if (p[0] < 0xf0) {
        return 3;
    }
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) || n < 4 || !is_continuation(p[3])) {
        return 0;
    }
    return 4;
}

static bool skip_text(struct scan *scan, uint64_t n)
{
    size_t step;

    if (n > scan->left) {
        return cut_short(scan);
    }
    for (size_t at = 0; at < n; at += step) {
        step = utf8_sequence(scan->p + at, (size_t)n - at);
        if (step == 0) {
            return fail(scan, ERR_MALFORMED, "WIRE.md 1.3: a text that is not UTF-8");
        }
    }
    return skip_bytes(scan, n);
}

/* Opens an array or map of `items` items. What it declares is checked against what is left at once:
 * each item takes a byte at least. */
static bool open_level(struct scan *scan, uint64_t items, bool is_map)
{
    if (scan->depth == PACK_DEPTH_MAX) {
        return fail(scan, ERR_LIMIT, "WIRE.md 1.6: nested deeper than 8");
    }
    if (items > PACK_ELEMENTS_MAX - scan->elements) {
        return fail(scan, ERR_LIMIT, "WIRE.md 1.6: more than 65536 elements");
    }
    if (items > scan->left) {
        return cut_short(scan);
    }
    scan->levels[scan->depth++] = (struct level){(uint32_t)items, is_map, false, 0};
    return true;
}

/* Unsigned integers in their smallest form: `n` bytes follow, `below` fits a shorter form. */
static bool scan_uint(struct scan *scan, size_t n, uint64_t below, uint64_t *ret)
{
    if (!take_number(scan, n, ret)) {
        return false;
    }
    if (*ret <= below) {
        return fail(scan, ERR_NONCANONICAL, "WIRE.md 1.2: an integer not in its smallest form");
    }
    return true;
}

/* Signed forms are for negative numbers only. `n` bytes follow; a magnitude up to `below` fits a shorter form. */
static bool scan_negative(struct scan *scan, size_t n, uint64_t below)
{
    uint64_t raw = 0;
    uint64_t magnitude; /* two's complement of n bytes, in arithmetic that wraps */

    if (!take_number(scan, n, &raw)) {
        return false;
    }
    magnitude = (n == 8 ? 0 : UINT64_C(1) << (8 * n)) - raw;
    if (raw >> (8 * n - 1) == 0 || magnitude <= below) {
        return fail(scan, ERR_NONCANONICAL, "WIRE.md 1.2: an integer not in its smallest form");
    }
    return true;
}

static bool scan_refused(struct scan *scan, uint8_t head)
{
    if (head == 0xc0) {
        return fail(scan, ERR_MALFORMED, "WIRE.md 1.1: nil");
    }
    if (head == 0xca || head == 0xcb) {
        return fail(scan, ERR_MALFORMED, "WIRE.md 1.1: a floating-point number");
    }
    return fail(scan, ERR_MALFORMED, "WIRE.md 1.1: an extension type");
}

/* One item, its head byte taken; a container is only opened. `*key` gets the value of an unsigned integer
 * and `*is_uint` says that it is one. */
static bool scan_item(struct scan *scan, uint8_t head, bool *is_uint, uint64_t *key)
{
    uint64_t n = 0;

    *is_uint = head <= 0x7f || (head >= 0xcc && head <= 0xcf);
    if (head <= 0x7f) {
        *key = head;
        return true;
    }
    if (head >= 0xe0) {
        return true;
    }
    if (head <= 0x8f) {
        return open_level(scan, 2 * (uint64_t)(head & 0x0f), true);
    }
    if (head <= 0x9f) {
        return open_level(scan, head & 0x0f, false);
    }
    if (head <= 0xbf) {
        return skip_text(scan, head & 0x1f);
    }
    switch (head) {
    case 0xc2:
    case 0xc3:
        return true;
    case 0xc4:
        return take_number(scan, 1, &n) && skip_bytes(scan, n);
    case 0xc5:
        return take_length(scan, 2, UINT8_MAX, &n) && skip_bytes(scan, n);
    case 0xc6:
        return take_length(scan, 4, UINT16_MAX, &n) && skip_bytes(scan, n);
    case 0xcc:
        return scan_uint(scan, 1, 0x7f, key);
    case 0xcd:
        return scan_uint(scan, 2, UINT8_MAX, key);
    case 0xce:
        return scan_uint(scan, 4, UINT16_MAX, key);
    case 0xcf:
        return scan_uint(scan, 8, UINT32_MAX, key);
    case 0xd0:
        return scan_negative(scan, 1, 32);
    case 0xd1:
        return scan_negative(scan, 2, 128);
    case 0xd2:
        return scan_negative(scan, 4, 32768);
    case 0xd3:
        return scan_negative(scan, 8, UINT64_C(2147483648));
    case 0xd9:
        return take_length(scan, 1, 31, &n) && skip_text(scan, n);
    case 0xda:
        return take_length(scan, 2, UINT8_MAX, &n) && skip_text(scan, n);
    case 0xdb:
        return take_length(scan, 4, UINT16_MAX, &n) && skip_text(scan, n);
    case 0xdc:
        return take_length(scan, 2, 15, &n) && open_level(scan, n, false);
    case 0xdd:
        return take_length(scan, 4, UINT16_MAX, &n) && open_level(scan, n, false);
    case 0xde:
        return take_length(scan, 2, 15, &n) && open_level(scan, 2 * n, true);
    case 0xdf:
        return take_length(scan, 4, UINT16_MAX, &n) && open_level(scan, 2 * n, true);
    default:
        return scan_refused(scan, head);
    }
}

/* The item just scanned was a key of `map`: it must be an unsigned integer above the one before it. */
static bool check_key(struct scan *scan, struct level *map, bool is_uint, uint64_t key)
{
    if (!is_uint) {
        return fail(scan, ERR_MALFORMED, "WIRE.md 1.4: a map key that is not an unsigned integer");
    }
    if (map->has_key && key <= map->key) {
        return fail(scan, ERR_NONCANONICAL, "WIRE.md 1.4: map keys that do not rise");
    }
    map->has_key = true;
    map->key = key;
    return true;
}

static bool scan_next(struct scan *scan)
{
    struct level *level = scan->depth > 0 ? &scan->levels[scan->depth - 1] : NULL;
    bool is_key = level != NULL && level->is_map && level->left % 2 == 0;
    bool is_uint = false;
    uint64_t key = 0;
    uint8_t head;

    if (scan->left == 0) {
        return cut_short(scan);
    }
    if (scan->elements == PACK_ELEMENTS_MAX) {
        return fail(scan, ERR_LIMIT, "WIRE.md 1.6: more than 65536 elements");
    }
    scan->elements++;
    if (level != NULL) {
        level->left--;
    }
    head = *scan->p++;
    scan->left--;
    if (!scan_item(scan, head, &is_uint, &key)) {
        return false;
    }
    return !is_key || check_key(scan, level, is_uint, key);
}

enum err scan_document(struct span bytes, const char **clause)
{
    struct scan scan = {.p = bytes.p, .left = bytes.n, .err = ERR_OK};

    do {
        if (!scan_next(&scan)) {
            break;
        }
        while (scan.depth > 0 && scan.levels[scan.depth - 1].left == 0) {
            scan.depth--;
        }
    } while (scan.depth > 0);
    if (scan.err == ERR_OK && scan.left > 0) {
        (void)fail(&scan, ERR_NONCANONICAL, "WIRE.md 1.5: bytes after the document");
    }
    return scan.err == ERR_OK ? ERR_OK : unpack_refuse(clause, scan.clause, scan.err);
}

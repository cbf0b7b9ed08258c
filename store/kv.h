/* kv.h - ordered tables on disk: the only door to LMDB (0.9.24, default flags only: RELIABILITY 3.3).
 * One environment is one folder with named tables; keys sort as bytes, so numbers in keys are big-endian.
 * Transactions are sticky: read and write straight through and look once at the end; after the first error every further call does nothing and finds
 * nothing.
 *
 *     struct kv_txn txn;
 *     kv_begin_write(kv, &txn);
 *     kv_put(&txn, TABLE_LOGS, key, value);
 *     return kv_commit(&txn);          // the first error, or ERR_OK: durable
 *
 * Threads: one write transaction at a time (a second writer waits), begun, used and ended by one thread; any number of readers up to
 * KV_READERS_MAX in any thread, each under a second, because pages that a reader may see are not used again (L4).
 * The map grows by itself, between transactions: so never begin a write while the same thread holds a read of the same environment. */
#ifndef GRIOT_STORE_KV_H
#define GRIOT_STORE_KV_H

#include "proto/error.h"
#include "proto/span.h"

enum {
    KV_KEY_BYTES_MAX = 511, /* of LMDB as Debian builds it; longer or empty keys are bugs and assert */
    KV_TABLES_MAX = 32,     /* of one environment */
    KV_READERS_MAX = 126,   /* at once */
    KV_PATH_BYTES_MAX = 4000,
    KV_RESERVE_PERCENT = 10, /* of the disk kept free, or: */
    KV_RESERVE_BYTES = 64 << 20,
};

struct kv; /* an open environment; heap object */

/* The tables of an environment, in the order in which their numbers 0.. are used below. */
struct kv_schema {
    const char *const *tables;
    uint32_t table_count; /* 1..KV_TABLES_MAX */
    uint32_t layout;      /* version; an environment of another one does not open */
    uint32_t grown_from;  /* but for those from this version on, which only lack tables: they are made when it is opened. 0: none */
};

/* Make the folder `path` with empty tables: built in `path`.new, synced, renamed, so that a power cut leaves all or nothing (L1). What an earlier
 * power cut left in `path`.new is removed.
 *   fill     called with the one write transaction of the creation before it is committed, to put what must be there from the start; may be NULL
 *   errors   ERR_EXISTS  `path` is there already; ERR_FULL, ERR_IO, ERR_PERMISSION, ERR_MEMORY, ERR_NOT_FOUND  no parent folder; ERR_INVALID  path
 * too long */
struct kv_txn;
MUST_CHECK enum err kv_create(const char *path, const struct kv_schema *schema, void (*fill)(struct kv_txn *txn, void *arg), void *arg);

/* Open the environment in the folder `path`.
 *   errors  ERR_NOT_FOUND  no such folder, or no data file in it
 *           ERR_LOCKED  open already in this process (L7)
 *           ERR_LAYOUT  another layout version, or of another LMDB format
 *           ERR_CORRUPT  not an environment, cut short, or a table is missing
 *           ERR_PERMISSION, ERR_IO, ERR_MEMORY, ERR_INVALID  path too long */
MUST_CHECK enum err kv_open(const char *path, const struct kv_schema *schema, struct kv **ret);
/* All transactions must have ended. Accepts NULL, clears the pointer. */
void kv_close(struct kv **kv);
/* Delete an environment that is not open: its two files, then the folder. Absent is no error. Also removes `path`.new.
 *   errors  ERR_LOCKED  it is open in this process; ERR_PERMISSION, ERR_IO */
MUST_CHECK enum err kv_drop(const char *path);

/* Free disk space, for what `kv_has_room` answers: `percent` of the disk or `bytes`, whichever is less. At first KV_RESERVE_PERCENT and
 * KV_RESERVE_BYTES; 0 of either: no reserve. */
void kv_set_reserve(struct kv *kv, uint32_t percent, uint64_t bytes);
/* Free space above the reserve in bytes; 0 when there is none, or the disk does not answer. */
uint64_t kv_room(const struct kv *kv);
/* Is more than the reserve free? False too when the disk does not answer. Writing itself never asks: intake does, deleting need not. */
bool kv_has_room(const struct kv *kv);
/* By how much the map grows (default 1 GiB of address space, no memory; at least 16 KiB, asserted), and fit it now: for tests. With less than half a
 * step left it grows when nobody reads; with less than a quarter it waits for the readers. */
void kv_set_map_step(struct kv *kv, uint64_t bytes);
/* The library's words for the last error that was not the caller's, for the operator's log; "" when there was none. */
const char *kv_reason(const struct kv *kv);
/* Free the places of readers that died (other processes; a kill -9): at open, and every minute. Returns how many. */
int kv_reader_check(struct kv *kv);

/* ---- transactions ---- */

struct kv_txn {
    struct kv *kv;
    void *txn;    /* private */
    enum err err; /* sticky: the first error */
    bool is_write;
    bool is_map_full;
};

/* Begin to read a snapshot. On failure txn->err says why (ERR_BUSY: too many readers) and kv_abort is still due. */
void kv_begin_read(struct kv *kv, struct kv_txn *ret);
/* Begin to write; waits for another writer. On failure txn->err says why: ERR_IO  an earlier commit failed at the disk, the environment must be
 * closed, opened and verified (L6); ERR_BUSY  the map must grow and a reader did not end within five seconds; ERR_INTERNAL  in a forked child. */
void kv_begin_write(struct kv *kv, struct kv_txn *ret);
/* End the transaction and forget what it wrote. Also ends readers; a second time does nothing. */
void kv_abort(struct kv_txn *txn);
/* Make it durable. The transaction is over whatever comes back; a reader just ends.
 *   errors  the first error of the transaction; ERR_FULL  no space: nothing was stored, what was there is intact
 *           ERR_IO  the disk lies: every later write is refused until the environment is opened again (L6); when it was the meta page, every read too
 *           ERR_BUSY  the map was too small and has grown: do it all again; ERR_INTERNAL  too many pages for one transaction */
MUST_CHECK enum err kv_commit(struct kv_txn *txn);

/* Spans that come out point into the map. In a read transaction they live until its end, in a write transaction until its next write. */

/* False when there is no such key, or after an error. */
bool kv_get(struct kv_txn *txn, uint32_t table, struct span key, struct span *ret);
/* Put, over what may be there. */
void kv_put(struct kv_txn *txn, uint32_t table, struct span key, struct span value);
/* Put a key that is above all keys of the table; cheaper, and packs pages full. Any other key is ERR_CORRUPT: the caller's counter and the table
 * disagree. */
void kv_append(struct kv_txn *txn, uint32_t table, struct span key, struct span value);
/* Put `n` bytes for the caller to write before any other call: saves a copy. NULL after an error. */
uint8_t *kv_reserve(struct kv_txn *txn, uint32_t table, struct span key, size_t n);
/* True when there was such a key. */
bool kv_delete(struct kv_txn *txn, uint32_t table, struct span key);
/* Delete all keys of the table. */
void kv_clear(struct kv_txn *txn, uint32_t table);
uint64_t kv_count(struct kv_txn *txn, uint32_t table);

/* ---- cursors ---- */

struct kv_cursor {
    struct kv_txn *txn;
    void *cursor;           /* private */
    struct span key, value; /* where it stands, after a move that said true */
};

/* Open, always close before the transaction ends. Fails stickily in the transaction. */
void kv_cursor_open(struct kv_txn *txn, uint32_t table, struct kv_cursor *ret);
void kv_cursor_close(struct kv_cursor *cursor);
/* Moves: false when there is no such place, or after an error. */
bool kv_first(struct kv_cursor *cursor);
bool kv_last(struct kv_cursor *cursor);
bool kv_next(struct kv_cursor *cursor);
bool kv_prev(struct kv_cursor *cursor);
bool kv_seek(struct kv_cursor *cursor, struct span key); /* the first key at or above */
bool kv_seek_exact(struct kv_cursor *cursor, struct span key);
bool kv_seek_before(struct kv_cursor *cursor, struct span key); /* the last key below */
/* A range: every key that begins with `prefix` (may be empty), rising:  for (ok = kv_seek_prefix(..); ok; ok = kv_next_prefix(..)) */
bool kv_seek_prefix(struct kv_cursor *cursor, struct span prefix);
bool kv_next_prefix(struct kv_cursor *cursor, struct span prefix);
bool kv_last_prefix(struct kv_cursor *cursor, struct span prefix);
/* Put through the cursor, which then stands there: cheap when keys come in order. */
void kv_cursor_put(struct kv_cursor *cursor, struct span key, struct span value);
/* Delete where it stands; kv_next then goes to what followed. */
void kv_cursor_delete(struct kv_cursor *cursor);

/* ---- the whole ---- */

struct kv_size {
    uint64_t bytes_used; /* of the data file, free pages included */
    uint64_t bytes_map;
    uint64_t disk_free, disk_total; /* of its file system, for us */
};
MUST_CHECK enum err kv_size(struct kv *kv, struct kv_size *ret); /* ERR_IO */
/* A consistent, compacted copy into the new folder `path`, while running: built in `path`.new, synced, renamed. Freed pages and what was in them are
 * not in it (L11). errors  ERR_EXISTS; ERR_FULL  removed again; ERR_IO, ERR_PERMISSION, ERR_MEMORY, ERR_INVALID, ERR_NOT_FOUND  no parent folder */
MUST_CHECK enum err kv_copy(struct kv *kv, const char *path);

/* Put a compacted copy in the place of the data file, and close the environment: what stood in freed pages is then in no file. Nobody may read or write meanwhile. A power cut
 * leaves the old file or the new one. The environment is closed whatever comes back.
 *   errors  ERR_FULL  no room for the copy; ERR_CORRUPT  the copy does not hold what the original does; ERR_IO, ERR_PERMISSION, ERR_MEMORY, ERR_INVALID */
MUST_CHECK enum err kv_compact(struct kv **kv, const struct kv_schema *schema);

/* ---- keys ---- */

static inline void key_u8(struct out *out, uint8_t value)
{
    out_bytes(out, &value, 1);
}

static inline void key_u16(struct out *out, uint16_t value)
{
    uint8_t b[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    out_bytes(out, b, sizeof b);
}

static inline void key_u32(struct out *out, uint32_t value)
{
    uint8_t b[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    out_bytes(out, b, sizeof b);
}

static inline void key_u64(struct out *out, uint64_t value)
{
    key_u32(out, (uint32_t)(value >> 32));
    key_u32(out, (uint32_t)value);
}

/* Read them back from at least 1, 2, 4, 8 bytes. */
static inline uint16_t key_read_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t key_read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t key_read_u64(const uint8_t *p)
{
    return (uint64_t)key_read_u32(p) << 32 | key_read_u32(p + 4);
}

static inline bool key_has_prefix(struct span key, struct span prefix)
{
    return key.n >= prefix.n && (prefix.n == 0 || memcmp(key.p, prefix.p, prefix.n) == 0);
}

#endif

/* volume.h - the terms of a fixed range of documents: immutable pages of front-coded terms with their postings.
 * A volume's bytes depend on nothing but the set of (term, document) in its range, so it does not matter in which batches it was made.
 *
 * Key: first document (u32) | level (u8) | last term of the page. Value: checksum (u32), then for each term
 * {bytes shared with the one before, further bytes, those bytes, postings}. A page ends before the term that would take it past VOLUME_PAGE_BYTES. */
#ifndef GRIOT_STORE_INDEX_VOLUME_H
#define GRIOT_STORE_INDEX_VOLUME_H

#include "store/index/filter.h"
#include "store/index/postings.h"
#include "store/index/run.h"
#include "store/kv.h"

enum {
    LEVELS = 3,
    LEVEL_SHIFT_0 = 8, /* 256 documents, 4,096, 65,536: each sixteen of one level become one of the next */
    LEVEL_SHIFT_STEP = 4,
    VOLUME_PAGE_BYTES = 4080, /* what one overflow page of LMDB holds beside its header */
    VOLUME_KEY_HEAD_BYTES = 5,
    VOLUME_FILTER_BYTES_MAX = RANGE_DOCS_MAX / 2 * 3,
    VOLUME_PAGE_BYTES_MAX = VOLUME_PAGE_BYTES + 2 + TERM_BYTES_MAX + POSTINGS_BYTES_MAX,
};

struct volume {
    uint32_t first; /* document; a multiple of the level's size */
    uint32_t level; /* 0..LEVELS - 1 */
};

static inline uint32_t level_docs(uint32_t level)
{
    return 1u << (LEVEL_SHIFT_0 + LEVEL_SHIFT_STEP * level);
}

/* The term under which a version itself is filed, whatever it says: TERM_VERSION, record id (16 bytes), and more. It sorts before all others of a
 * document, and each volume keeps a filter over its record ids. */
enum { TERM_VERSION = 'I' };

/* Checksum of what LMDB will not check for us (RELIABILITY L3): against decay, not against anybody. */
uint32_t page_sum(struct span bytes);

/* ---- writing: terms in rising order ---- */

struct volume_writer {
    struct kv_cursor cursor;
    struct volume volume;
    struct out page;
    uint8_t last[TERM_BYTES_MAX];
    size_t last_bytes;
    uint8_t page_bytes[VOLUME_PAGE_BYTES_MAX];
    uint8_t postings_bytes[POSTINGS_BYTES_MAX];
    uint8_t filter[VOLUME_FILTER_BYTES_MAX];
};
/* Begin to write `volume` into the open transaction, whose errors stick. About 120 KiB: keep it off the stack. */
void volume_writer_begin(struct volume_writer *writer, struct kv_txn *txn, struct volume volume);
/* `offsets` count from the volume's first document. */
void volume_writer_add(struct volume_writer *writer, struct span term, const uint16_t *offsets, uint32_t count);
void volume_writer_end(struct volume_writer *writer);

/* Delete all pages of a volume, and its filter. */
void volume_delete(struct kv_txn *txn, struct volume volume);

/* ---- reading ---- */

/* The filter of a volume, filter_bytes(level_docs(level)) bytes; borrowed.  ERR_CORRUPT  absent or damaged */
MUST_CHECK enum err volume_filter(struct kv_txn *txn, struct volume volume, struct span *ret);

/* Find one term. `cursor` is open on VIEW_TERMS in a read transaction; the postings live until its end.
 *   errors  ERR_NOT_FOUND; ERR_CORRUPT  a page does not match its checksum or its form; and those of the transaction */
MUST_CHECK enum err volume_find(struct kv_cursor *cursor, struct volume volume, struct span term, struct postings *ret);

/* Go through the terms from `from` (may be empty) on, in order. Copies each page, so it may be used while others are written. */
struct volume_walk {
    struct volume volume;
    struct span rest; /* of the page */
    uint8_t term[TERM_BYTES_MAX];
    size_t term_bytes;
    struct postings postings;
    uint8_t page_last[TERM_BYTES_MAX]; /* the last term of the present page: the next page follows it */
    size_t page_last_bytes;
    bool has_page;
    enum err err; /* sticky; ERR_OK at the end of the volume */
    uint8_t page[VOLUME_PAGE_BYTES_MAX];
};
/* Stand at the first term at or above `from`. False when there is none, or on an error (look at walk->err). */
bool volume_walk_begin(struct volume_walk *walk, struct kv_cursor *cursor, struct volume volume, struct span from);
bool volume_walk_next(struct volume_walk *walk, struct kv_cursor *cursor);
static inline struct span volume_walk_term(const struct volume_walk *walk)
{
    return span_of(walk->term, walk->term_bytes);
}

#endif

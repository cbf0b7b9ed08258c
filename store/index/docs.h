/* docs.h - the documents of the index: one for each record version held, numbered in the order of the journal.
 * What is needed to sort hits stands in one column a volume, so that sorting reads memory and not rows. */
#ifndef GRIOT_STORE_INDEX_DOCS_H
#define GRIOT_STORE_INDEX_DOCS_H

#include "proto/ids.h"
#include "store/index/volume.h"

enum {
    DOC_ORDER_BYTES = 8, /* event day (24 bits), then the first 40 bits of the record id, inverted: higher is shown first */
    DOC_REST_BYTES = 23, /* the further 11 bytes of the record id, log (u32), seq (48 bits), entry (u8), kind (u8) */
    DOC_BYTES = DOC_ORDER_BYTES + DOC_REST_BYTES,
    DOC_DAY_MAX = (1 << 24) - 1,
};
#define DOC_SEQ_MAX ((UINT64_C(1) << 48) - 1)

struct doc {
    struct record_id id;
    uint32_t day; /* of the event: days since 0000-03-01, 0 unknown; at most DOC_DAY_MAX */
    uint32_t log_number;
    uint64_t seq; /* at most DOC_SEQ_MAX */
    uint8_t entry;
    uint8_t kind;
};

/* The two parts of a document as stored, DOC_ORDER_BYTES and DOC_REST_BYTES. */
void doc_write(const struct doc *doc, uint8_t *ret_order, uint8_t *ret_rest);
void doc_read(const uint8_t *order, const uint8_t *rest, struct doc *ret);

/* Sort key in the host's form: hits are shown by falling order, then by rising rest of the record id (11 bytes at `rest`). */
uint64_t doc_order(const uint8_t *order);
enum { DOC_ID_REST_BYTES = 11 };

/* The columns of one volume, borrowed from the transaction. */
struct doc_columns {
    struct volume volume;
    const uint8_t *order; /* of the volume's first document */
    const uint8_t *rest;
};
MUST_CHECK enum err doc_columns(struct kv_txn *txn, struct volume volume, struct doc_columns *ret); /* ERR_CORRUPT  absent or of another size */
/* Put the columns of a whole volume: `order` and `rest` of all its documents. */
void doc_columns_put(struct kv_txn *txn, struct volume volume, const uint8_t *order, const uint8_t *rest);
/* Make the columns of `volume` from its sixteen parts one level below, and delete those.  ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err doc_columns_merge(struct kv_txn *txn, struct volume volume);

/* A document that is in no volume yet: one row with its terms, each with its length before it, rising. */
struct tail_row {
    const uint8_t *order, *rest;
    struct span terms;
};
MUST_CHECK enum err tail_get(struct kv_txn *txn, uint32_t number, struct tail_row *ret); /* ERR_CORRUPT  absent or damaged */
/* The next term of a row: false at its end. The rows were checked when read. */
bool tail_term(struct span *terms, struct span *ret);
/* `terms` is in the form of tail_row. */
void tail_put(struct kv_txn *txn, uint32_t number, const uint8_t *order, const uint8_t *rest, struct span terms);
void tail_delete(struct kv_txn *txn, uint32_t number);

#endif

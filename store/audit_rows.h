/* audit_rows.h - the bytes of the trail, as audit.c, audit_verify.c and witness.c share them. Nobody else includes it: audit.h is the door. */
#ifndef GRIOT_STORE_AUDIT_ROWS_H
#define GRIOT_STORE_AUDIT_ROWS_H

#include "crypto/hash.h"
#include "store/audit.h"
#include "store/env.h"

/* Keys of the table begin with one of these. */
enum { AUDIT_KEY_ROW = 1, AUDIT_KEY_HEAD = 2, AUDIT_KEY_WITNESS = 3 };
enum { AUDIT_ROW_KEY_BYTES = 9 };

struct span audit_row_key(uint64_t number, uint8_t mem[AUDIT_ROW_KEY_BYTES]);
uint64_t audit_row_number(struct span key); /* 0: not a row's */
void audit_row_encode(const struct audit_row *row, struct out *ret);
/* ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err audit_row_decode(struct unpack *unpack, struct span bytes, struct audit_row *ret);
/* What row 1 follows. */
void audit_origin(const struct store *store, struct hash *ret);
/* The head as it stands beside the rows. False: there is none, or it is damaged. */
bool audit_head_row(struct kv_txn *txn, struct audit_head *ret);

/* ---- witness.c ---- */

/* A frontier that has just been verified names a head: remember it, and whether it contradicts what its node has named before. In the open transaction; sticks in it. */
void witness_note(struct store *store, const struct frontier *frontier);
/* The highest life that own frontiers have named, as far as is known; 0: none. */
uint64_t witness_life(struct store *store);
/* Has an own frontier come back that names what is not in the trail, of this life or a later one? */
bool witness_contradicts(struct store *store, uint64_t life);
/* In any transaction. ERR_NOT_FOUND, ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err witness_load(struct kv_txn *txn, struct unpack *unpack, const struct node_id *node, struct witness *ret);

#endif

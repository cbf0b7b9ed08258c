#include "store/index/docs.h"

#include "store/index/tables.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

void doc_write(const struct doc *doc, uint8_t *ret_order, uint8_t *ret_rest)
{
    struct out order = out_into(ret_order, DOC_ORDER_BYTES), rest = out_into(ret_rest, DOC_REST_BYTES);

    assert(doc->day <= DOC_DAY_MAX && doc->seq <= DOC_SEQ_MAX);
    key_u8(&order, (uint8_t)(doc->day >> 16));
    key_u16(&order, (uint16_t)doc->day);
    for (size_t i = 0; i < 5; i++) {
        key_u8(&order, (uint8_t)~doc->id.b[i]);
    }
    out_bytes(&rest, doc->id.b + 5, DOC_ID_REST_BYTES);
    key_u32(&rest, doc->log_number);
    key_u16(&rest, (uint16_t)(doc->seq >> 32));
    key_u32(&rest, (uint32_t)doc->seq);
    key_u8(&rest, doc->entry);
    key_u8(&rest, doc->kind);
    assert(!order.is_full && !rest.is_full && rest.at == DOC_REST_BYTES);
}

void doc_read(const uint8_t *order, const uint8_t *rest, struct doc *ret)
{
    ret->day = (uint32_t)order[0] << 16 | key_read_u16(order + 1);
    for (size_t i = 0; i < 5; i++) {
        ret->id.b[i] = (uint8_t)~order[3 + i];
    }
    memcpy(ret->id.b + 5, rest, DOC_ID_REST_BYTES);
    rest += DOC_ID_REST_BYTES;
    ret->log_number = key_read_u32(rest);
    ret->seq = (uint64_t)key_read_u16(rest + 4) << 32 | key_read_u32(rest + 6);
    ret->entry = rest[10];
    ret->kind = rest[11];
}

uint64_t doc_order(const uint8_t *order)
{
    uint64_t w;

    memcpy(&w, order, sizeof w);
    return be64toh(w);
}

static struct span key_of(struct volume volume, struct out *out)
{
    key_u32(out, volume.first);
    key_u8(out, (uint8_t)volume.level);
    return out_written(out);
}

enum err doc_columns(struct kv_txn *txn, struct volume volume, struct doc_columns *ret)
{
    uint8_t b[VOLUME_KEY_HEAD_BYTES];
    struct out key = out_into(b, sizeof b);
    size_t docs = level_docs(volume.level);
    struct span value;

    if (!kv_get(txn, VIEW_DOCS, key_of(volume, &key), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_CORRUPT;
    }
    if (value.n != docs * DOC_BYTES) {
        return ERR_CORRUPT;
    }
    *ret = (struct doc_columns){volume, value.p, value.p + docs * DOC_ORDER_BYTES};
    return ERR_OK;
}

void doc_columns_put(struct kv_txn *txn, struct volume volume, const uint8_t *order, const uint8_t *rest)
{
    uint8_t b[VOLUME_KEY_HEAD_BYTES];
    struct out key = out_into(b, sizeof b);
    size_t docs = level_docs(volume.level);
    uint8_t *p = kv_reserve(txn, VIEW_DOCS, key_of(volume, &key), docs * DOC_BYTES);

    if (p != NULL) {
        memcpy(p, order, docs * DOC_ORDER_BYTES);
        memcpy(p + docs * DOC_ORDER_BYTES, rest, docs * DOC_REST_BYTES);
    }
}

enum err doc_columns_merge(struct kv_txn *txn, struct volume volume)
{
    size_t docs = level_docs(volume.level), part_docs;
    uint8_t *order, *rest;
    enum err err = ERR_OK;

    assert(volume.level > 0);
    part_docs = level_docs(volume.level - 1);
    order = malloc(docs * DOC_BYTES);
    if (order == NULL) {
        return ERR_MEMORY;
    }
    rest = order + docs * DOC_ORDER_BYTES;
    for (size_t at = 0; at < docs && err == ERR_OK; at += part_docs) {
        struct volume part = {volume.first + (uint32_t)at, volume.level - 1};
        struct doc_columns columns;
        err = doc_columns(txn, part, &columns);
        if (err == ERR_OK) {
            memcpy(order + at * DOC_ORDER_BYTES, columns.order, part_docs * DOC_ORDER_BYTES);
            memcpy(rest + at * DOC_REST_BYTES, columns.rest, part_docs * DOC_REST_BYTES);
        }
    }
    for (size_t at = 0; at < docs && err == ERR_OK; at += part_docs) {
        struct volume part = {volume.first + (uint32_t)at, volume.level - 1};
        uint8_t b[VOLUME_KEY_HEAD_BYTES];
        struct out key = out_into(b, sizeof b);
        (void)kv_delete(txn, VIEW_DOCS, key_of(part, &key));
    }
    if (err == ERR_OK) {
        doc_columns_put(txn, volume, order, rest);
        err = txn->err;
    }
    free(order);
    return err;
}

/* ---- the tail ---- */

static struct span tail_key(uint32_t number, struct out *out)
{
    key_u32(out, number);
    return out_written(out);
}

bool tail_term(struct span *terms, struct span *ret)
{
    if (terms->n == 0 || terms->p[0] == 0 || (size_t)1 + terms->p[0] > terms->n) {
        return false;
    }
    *ret = span_of(terms->p + 1, terms->p[0]);
    terms->p += 1 + ret->n;
    terms->n -= 1 + ret->n;
    return true;
}

enum { TAIL_SUM_BYTES = 4 };

enum err tail_get(struct kv_txn *txn, uint32_t number, struct tail_row *ret)
{
    uint8_t b[4];
    struct out key = out_into(b, sizeof b);
    struct span value, terms, term;

    if (!kv_get(txn, VIEW_TAIL, tail_key(number, &key), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_CORRUPT;
    }
    if (value.n < TAIL_SUM_BYTES + DOC_BYTES || key_read_u32(value.p) != page_sum(span_of(value.p + TAIL_SUM_BYTES, value.n - TAIL_SUM_BYTES))) {
        return ERR_CORRUPT;
    }
    ret->order = value.p + TAIL_SUM_BYTES;
    ret->rest = ret->order + DOC_ORDER_BYTES;
    ret->terms = span_of(ret->rest + DOC_REST_BYTES, value.n - TAIL_SUM_BYTES - DOC_BYTES);
    terms = ret->terms;
    while (tail_term(&terms, &term)) {
        if (term.n > TERM_BYTES_MAX) {
            return ERR_CORRUPT;
        }
    }
    return terms.n == 0 ? ERR_OK : ERR_CORRUPT;
}

void tail_put(struct kv_txn *txn, uint32_t number, const uint8_t *order, const uint8_t *rest, struct span terms)
{
    uint8_t b[4];
    struct out key = out_into(b, sizeof b);
    size_t n = TAIL_SUM_BYTES + DOC_BYTES + terms.n;
    uint8_t *p = kv_reserve(txn, VIEW_TAIL, tail_key(number, &key), n);

    if (p != NULL) {
        struct out out = out_into(p, n);
        key_u32(&out, 0);
        out_bytes(&out, order, DOC_ORDER_BYTES);
        out_bytes(&out, rest, DOC_REST_BYTES);
        out_span(&out, terms);
        out.at = 0;
        key_u32(&out, page_sum(span_of(p + TAIL_SUM_BYTES, n - TAIL_SUM_BYTES)));
    }
}

void tail_delete(struct kv_txn *txn, uint32_t number)
{
    uint8_t b[4];
    struct out key = out_into(b, sizeof b);

    (void)kv_delete(txn, VIEW_TAIL, tail_key(number, &key));
}

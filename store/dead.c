#include "store/dead.h"

#include "store/index/postings.h"
#include "store/index/tables.h"

#include <assert.h>
#include <stdlib.h>

static int number_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static struct span block_key(uint32_t first, struct out *out)
{
    key_u32(out, first >> 16);
    return out_written(out);
}

static enum err block_read(struct kv_txn *txn, uint32_t table, uint32_t first, struct postings *ret)
{
    uint8_t b[4];
    struct out key = out_into(b, sizeof b);
    struct span value;

    if (!kv_get(txn, table, block_key(first, &key), &value)) {
        return txn->err != ERR_OK ? txn->err : ERR_NOT_FOUND;
    }
    return postings_next(&value, RANGE_DOCS_MAX, ret) && value.n == 0 ? ERR_OK : ERR_CORRUPT;
}

enum err block_bits(struct kv_txn *txn, uint32_t table, uint32_t first, uint32_t docs, uint64_t *words)
{
    uint64_t block[RANGE_WORDS_MAX] = {0};
    struct postings postings;
    enum err err = block_read(txn, table, first, &postings);

    assert(docs % 64 == 0 && first % 64 == 0 && (first & 0xffff) + docs <= RANGE_DOCS_MAX);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    err = postings_or(&postings, block);
    for (uint32_t i = 0; i < docs / 64 && err == ERR_OK; i++) {
        words[i] |= block[(first & 0xffff) / 64 + i];
    }
    return err;
}

/* Turn over the bits of `count` documents of one block, sorted. */
static enum err one_flip(struct kv_txn *txn, uint32_t table, const uint32_t *numbers, size_t count)
{
    uint64_t words[RANGE_WORDS_MAX] = {0};
    uint8_t b[4], *value = malloc(POSTINGS_BYTES_MAX);
    uint16_t *offsets = malloc(RANGE_DOCS_MAX * sizeof *offsets);
    struct out key = out_into(b, sizeof b), out = out_into(value, POSTINGS_BYTES_MAX);
    struct postings postings;
    uint32_t n = 0;
    enum err err = value == NULL || offsets == NULL ? ERR_MEMORY : block_read(txn, table, numbers[0], &postings);

    if (err == ERR_OK) {
        err = postings_or(&postings, words);
    } else if (err == ERR_NOT_FOUND) {
        err = ERR_OK;
    }
    for (size_t i = 0; i < count; i++) {
        words[(numbers[i] & 0xffff) / 64] ^= UINT64_C(1) << numbers[i] % 64;
    }
    for (uint32_t i = 0; i < RANGE_WORDS_MAX && err == ERR_OK; i++) {
        for (uint64_t w = words[i]; w != 0; w &= w - 1) {
            offsets[n++] = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(w));
        }
    }
    if (err == ERR_OK && n == 0) {
        (void)kv_delete(txn, table, block_key(numbers[0], &key));
    } else if (err == ERR_OK) {
        postings_encode(offsets, n, RANGE_DOCS_MAX, &out);
        kv_put(txn, table, block_key(numbers[0], &key), out_written(&out));
    }
    free(value);
    free(offsets);
    return err;
}

enum err block_flip(struct kv_txn *txn, uint32_t table, uint32_t *numbers, size_t count)
{
    enum err err = ERR_OK;

    if (count > 0) {
        qsort(numbers, count, sizeof *numbers, number_compare);
    }
    for (size_t from = 0, to; from < count && err == ERR_OK; from = to) {
        for (to = from + 1; to < count && numbers[to] >> 16 == numbers[from] >> 16; to++) {
        }
        err = one_flip(txn, table, numbers + from, to - from);
    }
    return err;
}

enum err block_has(struct kv_txn *txn, uint32_t table, uint32_t number, bool *ret)
{
    uint64_t word = 0;
    enum err err = block_bits(txn, table, number & ~UINT32_C(63), 64, &word);

    *ret = (word >> number % 64 & 1) != 0;
    return err;
}

enum err dead_bits(struct kv_txn *txn, uint32_t first, uint32_t docs, uint64_t *words)
{
    return block_bits(txn, VIEW_DEAD, first, docs, words);
}

enum err dead_has(struct kv_txn *txn, uint32_t number, bool *ret)
{
    return block_has(txn, VIEW_DEAD, number, ret);
}

enum err dead_flip(struct kv_txn *txn, uint32_t *numbers, size_t count)
{
    return block_flip(txn, VIEW_DEAD, numbers, count);
}

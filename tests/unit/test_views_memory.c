/* Views when memory runs out at any one place: nothing leaks, nothing is left half done, and the next try ends as if nothing had been. The allocator
 * is replaced by one that counts and can be told to fail; a sanitizer has one of its own, so there the test is skipped. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "store/index/index.h"
#include "store/index/search.h"
#include "store/index/tables.h"
#include "store/records.h"

#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static volatile unsigned long allocations, fail_at;
static volatile long alive;
#else
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static volatile unsigned long allocations, fail_at; /* the allocation with this number fails, 0: none */
static volatile long alive;

static bool is_granted(void)
{
    return ++allocations != fail_at;
}

static void *counted(void *p)
{
    alive += p != NULL ? 1 : 0;
    return p;
}

void *malloc(size_t n)
{
    return is_granted() ? counted(__libc_malloc(n)) : NULL;
}

void *calloc(size_t n, size_t size)
{
    return is_granted() ? counted(__libc_calloc(n, size)) : NULL;
}

void *realloc(void *p, size_t n)
{
    if (!is_granted()) {
        return NULL;
    }
    return p == NULL ? counted(__libc_malloc(n)) : __libc_realloc(p, n);
}

void free(void *p)
{
    alive -= p != NULL ? 1 : 0;
    __libc_free(p);
}
#endif

static bool is_counting(void)
{
    unsigned long before = allocations;
    void *volatile p = malloc(7);

    free(p);
    return allocations != before;
}

static unsigned long refused; /* failures that were met */

enum { BATCH = 300, BATCHES = 15 };

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9) + 77;
    return x ^ x >> 29;
}

/* One batch: documents of six terms; every seventh replaces the one before it. */
static enum err batch_write(struct kv *kv, uint32_t from, uint64_t current[RECORD_KINDS_MAX])
{
    struct index *index = index_new();
    static struct record_news news[2 * BATCH];
    size_t count = 0;
    struct ends ends = {NULL, 0, false};
    struct kv_txn txn;
    enum err err;

    if (index == NULL) {
        return ERR_MEMORY;
    }
    kv_begin_write(kv, &txn);
    err = txn.err == ERR_OK ? ends_load(&txn, &ends) : txn.err;
    index_begin(index, from);
    for (uint32_t i = 0; i < BATCH && err == ERR_OK; i++) {
        struct doc doc = {.day = i, .log_number = 1, .seq = from + i, .kind = 1};
        struct hash name = {{(uint8_t)(from + i), (uint8_t)((from + i) >> 8)}};
        uint8_t term[RECORD_TERM_BYTES];
        uint32_t number;
        doc.id.b[0] = (uint8_t)((from + i) / 7);
        news[count] = (struct record_news){.is_held = true, .kind = 1};
        record_key(&doc.id, 1, &name, &news[count].key);
        record_term(&news[count].key, 1, term);
        err = index_add(index, &doc, &number);
        news[count++].number = number;
        if (err == ERR_OK) {
            err = index_term(index, span_of(term, sizeof term));
        }
        for (uint32_t t = 0; t < 6 && err == ERR_OK; t++) {
            char word[16];
            int n = snprintf(word, sizeof word, "wt%u", (unsigned)(mix((from + i) * 8 + t) % 500));
            err = index_term(index, span_of(word, (size_t)n));
        }
        if ((from + i) % 7 == 6) {
            struct hash before = {{(uint8_t)(from + i - 1), (uint8_t)((from + i - 1) >> 8)}};
            news[count] = (struct record_news){.is_held = false};
            record_key(&doc.id, 1, &before, &news[count++].key);
        }
    }
    if (err == ERR_OK) {
        err = records_apply(&txn, from, &ends, news, count, current);
    }
    if (err == ERR_OK) {
        err = index_end(index, &txn);
    }
    ends_fini(&ends);
    index_destroy(&index);
    if (err != ERR_OK) {
        kv_abort(&txn);
        return err;
    }
    return kv_commit(&txn);
}

static bool count_hit(void *arg, uint32_t number, const struct doc *doc)
{
    (void)number;
    (void)doc;
    ++*(size_t *)arg;
    return true;
}

static enum err search_once(struct kv *kv, uint32_t docs, uint64_t *ret_total)
{
    struct search *search = search_new();
    static struct query query;
    struct record_row *rows = NULL;
    struct record_id id = {{3}};
    size_t at, count = 0, seen = 0;
    const char *why;
    struct kv_txn txn;
    enum err err;

    if (search == NULL) {
        return ERR_MEMORY;
    }
    assert_int_equal(query_parse(span_text("t1* -t7"), &query, &at, &why), ERR_OK);
    kv_begin_read(kv, &txn);
    err = txn.err != ERR_OK ? txn.err : search_run(search, &txn, docs, &query, 0, 30, count_hit, &seen, ret_total, &count);
    if (err == ERR_OK) {
        err = records_get(&txn, docs, &id, 100, &rows, &count);
        free(rows);
    }
    kv_abort(&txn);
    search_destroy(&search);
    return err;
}

static uint64_t dump_sum(struct kv *kv)
{
    uint64_t sum = 1;
    struct kv_txn txn;

    kv_begin_read(kv, &txn);
    for (uint32_t table = 0; table < VIEW_TABLES; table++) {
        struct kv_cursor cursor;
        kv_cursor_open(&txn, table, &cursor);
        for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
            sum = mix(sum ^ page_sum(cursor.key)) + table;
            sum = mix(sum ^ page_sum(cursor.value));
        }
        kv_cursor_close(&cursor);
    }
    kv_abort(&txn);
    return sum;
}

/* Fifteen batches pass the border of a middle volume. With `every` above 0 each batch is tried with its first, second ... allocation failing, up to
 * that many, first. */
static uint64_t build(const char *path, unsigned long every, uint64_t *ret_total)
{
    static const char *const TABLES[VIEW_TABLES] = VIEW_TABLE_NAMES;
    static const struct kv_schema SCHEMA = {TABLES, VIEW_TABLES, 1, 0};
    uint64_t current[RECORD_KINDS_MAX] = {0}, sum;
    struct kv *kv;

    assert_int_equal(kv_create(path, &SCHEMA, NULL, NULL), ERR_OK);
    assert_int_equal(kv_open(path, &SCHEMA, &kv), ERR_OK);
    for (uint32_t b = 0; b < BATCHES; b++) {
        for (unsigned long k = 1; every > 0; k++) {
            uint64_t tried[RECORD_KINDS_MAX];
            long before = alive;
            enum err err;
            memcpy(tried, current, sizeof tried);
            fail_at = allocations + k;
            err = batch_write(kv, b * BATCH, tried);
            if (fail_at > allocations || k == every) { /* it got through without meeting the failure, or enough were tried */
                fail_at = 0;
                if (err == ERR_OK) {
                    memcpy(current, tried, sizeof current);
                } else {
                    assert_int_equal(batch_write(kv, b * BATCH, current), ERR_OK);
                }
                break;
            }
            fail_at = 0;
            if (err == ERR_OK) { /* LMDB did without */
                memcpy(current, tried, sizeof current);
                break;
            }
            assert_int_equal(err, ERR_MEMORY);
            refused++;
            assert_true(alive - before <= 40); /* LMDB keeps pages that it was given; we keep nothing */
        }
        if (every == 0) {
            assert_int_equal(batch_write(kv, b * BATCH, current), ERR_OK);
        }
    }
    for (unsigned long k = 1; every > 0; k++) {
        long before = alive;
        enum err err;
        fail_at = allocations + k;
        err = search_once(kv, BATCHES * BATCH, ret_total);
        if (fail_at > allocations) {
            fail_at = 0;
            assert_int_equal(err, ERR_OK);
            break;
        }
        fail_at = 0;
        assert_int_equal(err, ERR_MEMORY);
        refused++;
        assert_true(alive - before <= 8);
    }
    assert_int_equal(search_once(kv, BATCHES * BATCH, ret_total), ERR_OK);
    sum = dump_sum(kv);
    kv_close(&kv);
    assert_int_equal(kv_drop(path), ERR_OK);
    return sum;
}

static void a_failed_allocation_leaves_no_trace(void **state)
{
    char folder[] = "/tmp/griot-memory-XXXXXX", path[64];
    uint64_t clean, clean_total = 0, total = 0;

    (void)state;
    if (!is_counting()) {
        print_message("skipped: a sanitizer has the allocator\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/views", folder);
    clean = build(path, 0, &clean_total);
    assert_true(build(path, 400, &total) == clean);
    assert_true(total == clean_total && total > 0);
    print_message("%lu allocations refused\n", refused);
    assert_true(refused > 150);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

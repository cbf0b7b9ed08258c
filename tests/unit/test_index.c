/* The inverted index over tables: every query form against a scan by brute force, and one state whatever the batches. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/index/index.h"
#include "store/index/search.h"
#include "store/index/tables.h"
#include "store/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* ---- a folder for each test ---- */

static char folder[64];

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/griot-index-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int folder_remove(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct kv *tables_open(const char *name)
{
    static const char *const TABLES[VIEW_TABLES] = VIEW_TABLE_NAMES;
    static const struct kv_schema SCHEMA = {TABLES, VIEW_TABLES, 1, 0};
    struct kv *kv;

    assert_int_equal(kv_create(path_of(name), &SCHEMA, NULL, NULL), ERR_OK);
    assert_int_equal(kv_open(path_of(name), &SCHEMA, &kv), ERR_OK);
    return kv;
}

static void tables_drop(struct kv **kv, const char *name)
{
    kv_close(kv);
    assert_int_equal(kv_drop(path_of(name)), ERR_OK);
}

/* ---- documents as functions of their number ---- */

enum { VOCABULARY = 300, WORDS_MAX = 12 };

/* Common and rare words, and one that no other document has. */
static uint32_t words_of(uint32_t number, char ret[WORDS_MAX][24])
{
    uint32_t n = 2 + (uint32_t)(mix(number) % (WORDS_MAX - 3));

    for (uint32_t i = 0; i < n; i++) {
        uint64_t r = mix((uint64_t)number * 64 + i), s = r % VOCABULARY;
        snprintf(ret[i], sizeof ret[i], "t%u", (unsigned)(s * s / VOCABULARY));
    }
    snprintf(ret[n++], sizeof ret[0], "only%u", (unsigned)number);
    return n;
}

static struct doc doc_of(uint32_t number)
{
    struct doc doc = {.day = (uint32_t)(mix(number ^ 0x5555) % 900), .log_number = 7, .seq = number, .entry = (uint8_t)(number % 64), .kind = 1};
    uint64_t a = mix(number ^ 0xabcdef), b = mix(a);

    memcpy(doc.id.b, &a, 8);
    memcpy(doc.id.b + 8, &b, 8);
    return doc;
}

static bool is_dead_doc(uint32_t number)
{
    return mix(number ^ 0x77) % 11 == 0;
}

static void version_key(uint32_t number, struct record_key *ret)
{
    struct doc doc = doc_of(number);
    struct hash hash = {{0}};
    uint64_t r = mix(number ^ 0x999);

    memcpy(hash.b, &r, 8);
    record_key(&doc.id, 1, &hash, ret);
}

/* Add documents from..to - 1 in one transaction, and say that some of them are replaced. */
static enum err add_batch(struct kv *kv, struct index *index, uint32_t from, uint32_t to, uint64_t current[RECORD_KINDS_MAX], bool is_aborted)
{
    struct record_news *news = calloc((size_t)(to - from) * 2, sizeof *news);
    size_t news_count = 0;
    struct ends ends = {NULL, 0, false};
    struct kv_txn txn;
    enum err err = ERR_OK;

    assert_non_null(news);
    kv_begin_write(kv, &txn);
    index_begin(index, from);
    for (uint32_t number = from; number < to; number++) {
        char words[WORDS_MAX][24];
        uint8_t term[RECORD_TERM_BYTES];
        uint32_t n = words_of(number, words), got;
        struct doc doc = doc_of(number);
        assert_int_equal(index_add(index, &doc, &got), ERR_OK);
        assert_int_equal(got, number);
        news[news_count] = (struct record_news){.is_held = true, .kind = 1, .number = number};
        version_key(number, &news[news_count].key);
        record_term(&news[news_count].key, 1, term);
        assert_int_equal(index_term(index, span_of(term, sizeof term)), ERR_OK);
        news_count++;
        if (is_dead_doc(number)) {
            version_key(number, &news[news_count++].key);
        }
        for (uint32_t i = 0; i < n; i++) {
            char word[32];
            int bytes = snprintf(word, sizeof word, "w%s", words[i]);
            assert_int_equal(index_term(index, span_of(word, (size_t)bytes)), ERR_OK);
        }
    }
    err = records_apply(&txn, from, &ends, news, news_count, current);
    if (err == ERR_OK) {
        err = index_end(index, &txn);
    }
    free(news);
    if (err != ERR_OK || is_aborted) {
        kv_abort(&txn);
        return err;
    }
    return kv_commit(&txn);
}

/* Add `docs` documents in batches of `batch`, or of random sizes when 0. */
static void add_all(struct kv *kv, uint32_t docs, uint32_t batch)
{
    struct index *index = index_new();
    uint64_t current[RECORD_KINDS_MAX] = {0};
    uint64_t expected = 0;

    assert_non_null(index);
    for (uint32_t at = 0, to; at < docs; at = to) {
        uint32_t size = batch != 0 ? batch : 1 + (uint32_t)(mix(at) % 3000);
        to = docs - at < size ? docs : at + size;
        assert_int_equal(add_batch(kv, index, at, to, current, false), ERR_OK);
    }
    for (uint32_t i = 0; i < docs; i++) {
        expected += !is_dead_doc(i);
    }
    assert_int_equal(current[1], expected);
    index_destroy(&index);
}

/* ---- brute force ---- */

struct expected_hit {
    struct doc doc;
    uint32_t number;
};

static int expected_compare(const void *a, const void *b)
{
    const struct expected_hit *x = a, *y = b;

    if (x->doc.day != y->doc.day) {
        return x->doc.day > y->doc.day ? -1 : 1;
    }
    return memcmp(x->doc.id.b, y->doc.id.b, sizeof x->doc.id.b);
}

static bool word_matches(const char *word, const char *wanted)
{
    size_t n = strlen(wanted);

    return wanted[n - 1] == '*' ? strncmp(word, wanted, n - 1) == 0 : strcmp(word, wanted) == 0;
}

static bool doc_matches(uint32_t number, const char *query)
{
    char words[WORDS_MAX][24], text[256];
    uint32_t n = words_of(number, words);

    snprintf(text, sizeof text, "%s", query);
    for (char *token = strtok(text, " "); token != NULL; token = strtok(NULL, " ")) {
        bool is_not = token[0] == '-', is_in = false;
        for (uint32_t i = 0; i < n && !is_in; i++) {
            is_in = word_matches(words[i], token + is_not);
        }
        if (is_in == is_not) {
            return false;
        }
    }
    return true;
}

struct found {
    uint32_t numbers[2000];
    size_t count, stop_after;
};

static bool found_add(void *arg, uint32_t number, const struct doc *doc)
{
    struct found *found = arg;
    struct doc expected = doc_of(number);

    assert_memory_equal(doc->id.b, expected.id.b, sizeof doc->id.b);
    assert_int_equal(doc->day, expected.day);
    assert_int_equal(doc->seq, expected.seq);
    assert_int_equal(doc->entry, expected.entry);
    assert_int_equal(doc->log_number, expected.log_number);
    assert_int_equal(doc->kind, expected.kind);
    found->numbers[found->count++] = number;
    return found->count != found->stop_after;
}

static void check_query(struct kv *kv, struct search *search, uint32_t docs, const char *text, uint64_t offset, size_t limit)
{
    static struct expected_hit expected[200000];
    static struct found found;
    static struct query query;
    size_t total = 0, count = 0, at;
    uint64_t got_total = 0;
    const char *why;
    struct kv_txn txn;

    for (uint32_t i = 0; i < docs; i++) {
        if (!is_dead_doc(i) && doc_matches(i, text)) {
            expected[total++] = (struct expected_hit){doc_of(i), i};
        }
    }
    qsort(expected, total, sizeof *expected, expected_compare);
    found.count = 0;
    found.stop_after = SIZE_MAX;
    assert_int_equal(query_parse(span_text(text), &query, &at, &why), ERR_OK);
    kv_begin_read(kv, &txn);
    assert_int_equal(search_run(search, &txn, docs, &query, offset, limit, found_add, &found, &got_total, &count), ERR_OK);
    kv_abort(&txn);
    if (got_total != total) {
        fail_msg("'%s' over %u documents: %zu expected, %zu found", text, docs, total, (size_t)got_total);
    }
    assert_int_equal(count, offset >= total ? 0 : total - offset < limit ? total - offset : limit);
    assert_int_equal(found.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found.numbers[i], expected[offset + i].number);
    }
}

static void check_queries(struct kv *kv, uint32_t docs, int rounds)
{
    static const char *const FIXED[] = {"",      "t0",    "t1*",     "-t0",      "t0 -t1*",    "on*",
                                        "only*", "only1", "nowhere", "-nowhere", "t2 nowhere", "t0 t1 t3 -t5"};
    struct search *search = search_new();

    assert_non_null(search);
    for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++) {
        check_query(kv, search, docs, FIXED[i], 0, 20);
    }
    check_query(kv, search, docs, "t0", 0, 0);
    check_query(kv, search, docs, "", 0, 2000);
    check_query(kv, search, docs, "", 700, 300);
    for (int i = 0; i < rounds; i++) {
        char text[128];
        uint64_t r = mix((uint64_t)i * 31 + docs);
        int n = 0, terms = 1 + (int)(r % 3);
        for (int t = 0; t < terms; t++) {
            uint64_t s = mix(r + (uint64_t)t);
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%st%u%s", t == 0 ? "" : " ", s % 4 == 0 ? "-" : "",
                          (unsigned)(s / 8 % (s % 7 == 0 ? 10 : VOCABULARY)), s % 5 == 0 ? "*" : "");
        }
        /* "t" and "*" alone is too short a prefix; a digit always follows */
        check_query(kv, search, docs, text, r % 3 == 0 ? r / 8 % 50 : 0, 1 + r / 64 % 40);
    }
    search_destroy(&search);
}

/* ---- tests ---- */

static void every_query_agrees_with_a_scan_at_every_size(void **state)
{
    static const uint32_t SIZES[] = {0, 1, 2, 63, 64, 255, 256, 257, 511, 512, 1000, 4095, 4096, 4097, 4351, 4352, 8191, 8192, 9000};

    (void)state;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        struct kv *kv = tables_open("size");
        add_all(kv, SIZES[i], 0);
        check_queries(kv, SIZES[i], 12);
        tables_drop(&kv, "size");
    }
}

static void every_query_agrees_with_a_scan_beyond_a_block(void **state)
{
    struct kv *kv = tables_open("block");

    (void)state;
    add_all(kv, 65536 + 4096 + 256 + 77, 4096);
    check_queries(kv, 65536 + 4096 + 256 + 77, 12);
    tables_drop(&kv, "block");
}

/* A sum over all keys and values in order, and how many. */
static uint64_t dump_sum(struct kv *kv, uint64_t *ret_rows)
{
    uint64_t sum = 1, rows = 0;
    struct kv_txn txn;

    kv_begin_read(kv, &txn);
    for (uint32_t table = 0; table < VIEW_TABLES; table++) {
        struct kv_cursor cursor;
        kv_cursor_open(&txn, table, &cursor);
        for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
            sum = mix(sum ^ page_sum(cursor.key)) + table;
            sum = mix(sum ^ page_sum(cursor.value));
            rows++;
        }
        kv_cursor_close(&cursor);
    }
    assert_int_equal(txn.err, ERR_OK);
    kv_abort(&txn);
    *ret_rows = rows;
    return sum;
}

static void the_batches_leave_no_trace(void **state)
{
    static const uint32_t DOCS[] = {100, 255, 256, 300, 4095, 4096, 5000, 9000, 70000};
    static const uint32_t BATCHES[] = {4096, 1, 7, 255, 256, 257, 1000, 8000, 0};

    (void)state;
    for (size_t d = 0; d < sizeof DOCS / sizeof *DOCS; d++) {
        uint64_t first = 0, first_rows = 0;
        for (size_t b = 0; b < sizeof BATCHES / sizeof *BATCHES; b++) {
            struct kv *kv;
            uint64_t sum, rows;
            if (BATCHES[b] != 0 && DOCS[d] / BATCHES[b] > 300) {
                continue; /* single steps only for small ones: each is a synced transaction */
            }
            kv = tables_open("dump");
            add_all(kv, DOCS[d], BATCHES[b]);
            sum = dump_sum(kv, &rows);
            if (b == 0) {
                first = sum;
                first_rows = rows;
            }
            if (rows != first_rows || sum != first) {
                fail_msg("%u documents in batches of %u: another state", DOCS[d], BATCHES[b]);
            }
            tables_drop(&kv, "dump");
        }
    }
}

static void a_batch_that_is_cut_off_leaves_no_trace(void **state)
{
    struct kv *kv = tables_open("cut"), *whole = tables_open("whole");
    struct index *index = index_new();
    uint64_t current[RECORD_KINDS_MAX] = {0}, lost[RECORD_KINDS_MAX], rows, whole_rows;

    (void)state;
    assert_non_null(index);
    for (uint32_t at = 0, to; at < 6000; at = to) {
        to = at + 1 + (uint32_t)(mix(at) % 900);
        to = to > 6000 ? 6000 : to;
        memcpy(lost, current, sizeof lost);
        assert_int_equal(add_batch(kv, index, at, to, lost, true), ERR_OK); /* the process died before the commit */
        if (mix(at) % 3 == 0) {
            index_destroy(&index); /* and began anew */
            index = index_new();
            assert_non_null(index);
        }
        assert_int_equal(add_batch(kv, index, at, to, current, false), ERR_OK);
    }
    index_destroy(&index);
    add_all(whole, 6000, 4096);
    assert_true(dump_sum(kv, &rows) == dump_sum(whole, &whole_rows));
    assert_int_equal(rows, whole_rows);
    tables_drop(&kv, "cut");
    tables_drop(&whole, "whole");
}

static void a_search_can_be_ended_early(void **state)
{
    struct kv *kv = tables_open("early");
    struct search *search = search_new();
    static struct found found;
    static struct query query;
    struct kv_txn txn;
    size_t at, count = 0;
    uint64_t total = 0;
    const char *why;

    (void)state;
    add_all(kv, 600, 600);
    found.count = 0;
    found.stop_after = 3;
    assert_int_equal(query_parse(span_text("t0"), &query, &at, &why), ERR_OK);
    kv_begin_read(kv, &txn);
    assert_int_equal(search_run(search, &txn, 600, &query, 0, 50, found_add, &found, &total, &count), ERR_OK);
    assert_int_equal(count, 3);
    assert_true(total > 3);
    assert_int_equal(search_run(search, &txn, 600, &query, SEARCH_DEPTH_MAX, 1, found_add, &found, &total, &count), ERR_INVALID);
    assert_int_equal(search_run(search, &txn, 600, &query, UINT64_MAX, 1, found_add, &found, &total, &count), ERR_INVALID);
    assert_int_equal(search_run(search, &txn, 600, &query, SEARCH_DEPTH_MAX - 1, 1, found_add, &found, &total, &count), ERR_OK);
    assert_int_equal(count, 0);
    kv_abort(&txn);
    search_destroy(&search);
    tables_drop(&kv, "early");
}

/* Flip single bits in the values of a table: a search answers as before, or says ERR_CORRUPT. It never answers otherwise, and never reads beyond. */
static void decay_is_noticed(void **state)
{
    enum { DOCS = 4096 + 256 + 20 };
    static const uint32_t TABLES[] = {VIEW_TERMS, VIEW_TAIL};
    struct kv *kv = tables_open("decay");
    struct search *search = search_new();
    static struct query query;
    static struct found found;
    size_t at, count, noticed = 0;
    const char *why;
    uint64_t right = 0, total;
    struct kv_txn txn;

    (void)state;
    add_all(kv, DOCS, 4096);
    assert_int_equal(query_parse(span_text("t0 -t7*"), &query, &at, &why), ERR_OK);
    kv_begin_read(kv, &txn);
    assert_int_equal(search_run(search, &txn, DOCS, &query, 0, 0, found_add, &found, &right, &count), ERR_OK);
    kv_abort(&txn);
    for (int round = 0; round < 400; round++) {
        uint32_t table = TABLES[round % 2];
        static uint8_t value[VOLUME_PAGE_BYTES_MAX];
        struct kv_cursor cursor;
        uint64_t skip;
        struct span key;
        uint8_t key_bytes[KV_KEY_BYTES_MAX];
        size_t n;
        enum err err;

        kv_begin_write(kv, &txn);
        skip = mix((uint64_t)round) % kv_count(&txn, table);
        kv_cursor_open(&txn, table, &cursor);
        for (bool ok = kv_first(&cursor); ok && skip > 0; skip--) {
            ok = kv_next(&cursor);
        }
        memcpy(key_bytes, cursor.key.p, cursor.key.n);
        key = span_of(key_bytes, cursor.key.n);
        n = cursor.value.n;
        assert_true(n <= sizeof value);
        memcpy(value, cursor.value.p, n);
        kv_cursor_close(&cursor);
        value[mix((uint64_t)round * 3) % n] ^= (uint8_t)(1u << round % 8);
        kv_put(&txn, table, key, span_of(value, n));
        found.count = 0;
        found.stop_after = SIZE_MAX;
        total = 0;
        err = search_run(search, &txn, DOCS, &query, 0, 5, found_add, &found, &total, &count);
        if (err == ERR_OK) {
            assert_int_equal(total, right);
        } else {
            assert_int_equal(err, ERR_CORRUPT);
            noticed++;
        }
        kv_abort(&txn);
    }
    assert_true(noticed > 100);
    search_destroy(&search);
    tables_drop(&kv, "decay");
}

static void one_document_is_found_where_it_stands(void **state)
{
    enum { DOCS = 65536 + 4096 * 2 + 256 * 3 + 9 };
    struct kv *kv = tables_open("doc");
    struct kv_txn txn;
    struct doc doc;

    (void)state;
    add_all(kv, DOCS, 4096);
    kv_begin_read(kv, &txn);
    for (uint32_t number = 0; number < DOCS; number += number < 65000 ? 997 : 1) {
        struct doc expected = doc_of(number);
        assert_int_equal(index_doc(&txn, DOCS, number, &doc), ERR_OK);
        assert_memory_equal(doc.id.b, expected.id.b, sizeof doc.id.b);
        assert_int_equal(doc.day, expected.day);
        assert_int_equal(doc.seq, expected.seq);
    }
    assert_int_equal(index_doc(&txn, DOCS, DOCS, &doc), ERR_NOT_FOUND);
    kv_abort(&txn);
    tables_drop(&kv, "doc");
}

static void a_document_keeps_its_widest_values(void **state)
{
    struct doc doc = {.day = DOC_DAY_MAX, .log_number = UINT32_MAX, .seq = DOC_SEQ_MAX, .entry = 255, .kind = 255}, back;
    uint8_t order[DOC_ORDER_BYTES], rest[DOC_REST_BYTES];

    (void)state;
    memset(doc.id.b, 0xff, sizeof doc.id.b);
    doc_write(&doc, order, rest);
    doc_read(order, rest, &back);
    assert_memory_equal(back.id.b, doc.id.b, sizeof doc.id.b);
    assert_true(back.day == doc.day && back.log_number == doc.log_number && back.seq == doc.seq && back.entry == doc.entry && back.kind == doc.kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query_agrees_with_a_scan_at_every_size),
        cmocka_unit_test(every_query_agrees_with_a_scan_beyond_a_block),
        cmocka_unit_test(the_batches_leave_no_trace),
        cmocka_unit_test(a_batch_that_is_cut_off_leaves_no_trace),
        cmocka_unit_test(a_search_can_be_ended_early),
        cmocka_unit_test(decay_is_noticed),
        cmocka_unit_test(one_document_is_found_where_it_stands),
        cmocka_unit_test(a_document_keeps_its_widest_values),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/import/csv.h"

#include <stdio.h>
#include <stdlib.h>

struct source {
    struct span bytes;
    size_t step;    /* bytes given at once */
    size_t fail_at; /* reading fails there; SIZE_MAX never */
    size_t at;
};

static long give(void *arg, uint8_t *buffer, size_t cap)
{
    struct source *source = arg;
    size_t n = source->bytes.n - source->at;

    if (source->at >= source->fail_at) {
        return -1;
    }
    n = n < source->step ? n : source->step;
    n = n < cap ? n : cap;
    memcpy(buffer, source->bytes.p + source->at, n);
    source->at += n;
    return (long)n;
}

/* All rows as text: cells in brackets, a bad row as its reason's first words, the end as how it ended. */
static char *read_all(struct span bytes, size_t step, char delimiter, enum csv_encoding encoding)
{
    struct source source = {bytes, step, SIZE_MAX, 0};
    struct csv *csv = csv_new(give, &source, delimiter, encoding);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    enum csv_result result;

    assert_non_null(csv);
    while ((result = csv_next(csv)) == CSV_ROW || result == CSV_BAD) {
        if (result == CSV_BAD) {
            fprintf(out, "!%.12s\n", csv_why(csv));
            continue;
        }
        for (size_t i = 0; i < csv_count(csv); i++) {
            fprintf(out, "[%.*s]", (int)csv_cell(csv, i).n, (const char *)csv_cell(csv, i).p);
        }
        putc('\n', out);
    }
    if (result == CSV_ERROR) {
        fprintf(out, "error: %.20s", csv_why(csv));
    }
    fclose(out);
    csv_destroy(&csv);
    csv_destroy(&csv);
    return text;
}

static void real_dirt_is_read_or_refused(void **state)
{
    static const struct {
        const char *what;
        const char *text;
        char delimiter;
        enum csv_encoding encoding;
        const char *rows;
    } ROWS[] = {
        {"nothing", "", 0, CSV_AUTO, ""},
        {"plain", "a,b\n1,2\n", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"no last line end", "a,b\n1,2", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"CRLF", "a,b\r\n1,2\r\n", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"CR alone", "a,b\r1,2\r", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"semicolons", "a;b,c\n1;2\n", ';', CSV_AUTO, "[a][b,c]\n[1][2]\n"},
        {"semicolons found", "a;b;c\n1,5;2;3\n", 0, CSV_AUTO, "[a][b][c]\n[1,5][2][3]\n"},
        {"tabs found", "a\tb\n1\t2\n", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"commas in quotes do not count", "\"x,y,z\";b\n1;2\n", 0, CSV_AUTO, "[x,y,z][b]\n[1][2]\n"},
        {"sep line", "sep=|\na|b\n1|2\n", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"byte order mark",
         "\xEF\xBB\xBF"
         "a,b\n1,2\n",
         0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"quotes", "\"a\",\"b,c\"\n\"d\"\"e\",\"f\ng\"\n", 0, CSV_AUTO, "[a][b,c]\n[d\"e][f\ng]\n"},
        {"doubled quotes only", "a,\"\"\"\"\n", 0, CSV_AUTO, "[a][\"]\n"},
        {"quotes and CRLF", "\"a\",\"b\"\r\n\"1\",\"2\"\r\n", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"quotes inside a text", "a,b\nthe \"big\" one,2\n", 0, CSV_AUTO, "[a][b]\n[the \"big\" one][2]\n"},
        {"text behind quotes", "a,b\n\"the\" big,2\n", 0, CSV_AUTO, "[a][b]\n[the big][2]\n"},
        {"empty cells", "a,b,c\n,,3\n1,,\n", 0, CSV_AUTO, "[a][b][c]\n[][][3]\n[1][][]\n"},
        {"blank lines", "a,b\n\n  ,\n\r\n1,2\n\n", 0, CSV_AUTO, "[a][b]\n[1][2]\n"},
        {"more and fewer cells", "a,b\n1\n1,2,3\n", 0, CSV_AUTO, "[a][b]\n[1]\n[1][2][3]\n"},
        {"UTF-8", "a\nSénégal\n", 0, CSV_AUTO, "[a]\n[Sénégal]\n"},
        {"Windows-1252", "a,b\nS\xE9n\xE9gal \x96 C\xF4te,\x80\n", 0, CSV_AUTO, "[a][b]\n[Sénégal – Côte][€]\n"},
        {"Windows-1252 for good", "a\n\xE9\n\xC3\xA9\n", 0, CSV_AUTO, "[a]\n[é]\n[Ã©]\n"},
        {"Windows-1252 by order", "a\n\xC3\xA9\n", 0, CSV_WINDOWS_1252, "[a]\n[Ã©]\n"},
        {"UTF-8 by order", "a\n\xE9\n", 0, CSV_UTF8, "[a]\n[\xE9]\n"},
        {"bytes without a character", "a\n\x81\n", 0, CSV_WINDOWS_1252, "[a]\n[\xEF\xBF\xBD]\n"},
        {"a quote never closed", "a,b\n1,\"2\n3,4\n5,6\n", 0, CSV_AUTO, "[a][b]\n!A quotation \n[3][4]\n[5][6]\n"},
        {"a quote never closed behind a doubled one", "a,b\n\"x\"\"\ny\",\"2\n3,4\n", 0, CSV_AUTO, "[a][b]\n!A quotation \n[3][4]\n"},
        {"UTF-16",
         "\xFF\xFE"
         "a",
         0, CSV_AUTO, "error: The file is UTF-16. "},
        {"a spreadsheet", "PK\3\4xyz", 0, CSV_AUTO, "error: The file is a spread"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        for (size_t step = 1; step < 20; step += 3) {
            char *rows = read_all(span_text(ROWS[i].text), step, ROWS[i].delimiter, ROWS[i].encoding);

            if (strncmp(ROWS[i].rows, "error", 5) == 0 ? strncmp(rows, ROWS[i].rows, 20) != 0 : strcmp(rows, ROWS[i].rows) != 0) {
                fail_msg("%s, %zu bytes at once:\n%s", ROWS[i].what, step, rows);
            }
            free(rows);
        }
    }
}

static void nul_bytes_refuse_their_row_only(void **state)
{
    static const char TEXT[] = "a,b\n1,\0\n2,\"x\0\ny\"\n3,4\n5,\0";
    char *rows = read_all(span_of(TEXT, sizeof TEXT - 1), 5, 0, CSV_AUTO);

    (void)state;
    assert_string_equal(rows, "[a][b]\n!The row hold\n!The row hold\n[3][4]\n!The row hold\n");
    free(rows);
}

/* "a,b\n" + `before` + n times 'x' + `after` + "\n5,6\n" */
static char *with_long(const char *before, size_t n, const char *after, char fill)
{
    size_t size = strlen(before) + n + strlen(after) + 20;
    uint8_t *bytes = malloc(size);
    struct out out = out_into(bytes, size);
    char *rows;

    assert_non_null(bytes);
    out_bytes(&out, "a,b\n", 4);
    out_bytes(&out, before, strlen(before));
    memset(out.p + out.at, fill, n);
    out.at += n;
    out_bytes(&out, after, strlen(after));
    out_bytes(&out, "\n5,6\n", 5);
    rows = read_all(out_written(&out), 65536, ',', CSV_AUTO);
    free(bytes);
    return rows;
}

static void limits_hold_one_below_at_and_above(void **state)
{
    (void)state;
    for (size_t n = CSV_FIELD_BYTES_MAX - 1; n <= CSV_FIELD_BYTES_MAX + 1; n++) {
        static const char *const AROUND[][2] = {{"1,", ""}, {"1,\"", "\""}, {"", ",2"}};

        for (size_t k = 0; k < 3; k++) {
            char *rows = with_long(AROUND[k][0], n, AROUND[k][1], 'x');

            assert_int_equal(strstr(rows, "\n!") != NULL, n > CSV_FIELD_BYTES_MAX);
            assert_non_null(strstr(rows, "\n[5][6]\n"));
            free(rows);
        }
    }
    for (size_t n = CSV_COLUMNS_MAX - 1; n <= CSV_COLUMNS_MAX + 1; n++) { /* n cells: n - 1 delimiters */
        char *rows = with_long("", n - 2, ",1", ',');

        assert_int_equal(strstr(rows, "\n!The row has ") != NULL, n > CSV_COLUMNS_MAX);
        assert_non_null(strstr(rows, "\n[5][6]\n"));
        free(rows);
    }
    for (size_t extra = 0; extra < 3; extra++) { /* a row of cells that are each short enough */
        size_t size = CSV_ROW_BYTES_MAX + 100;
        uint8_t *bytes = malloc(size);
        size_t row = CSV_ROW_BYTES_MAX - 1 + extra;
        char *rows;

        assert_non_null(bytes);
        memset(bytes, 'x', size);
        memcpy(bytes, "a,b\n", 4);
        for (size_t i = 60000; i < row; i += 60000) {
            bytes[4 + i] = ',';
        }
        memcpy(bytes + 4 + row, "\n5,6\n", 5);
        rows = read_all(span_of(bytes, 4 + row + 5), 65536, ',', CSV_AUTO);
        assert_int_equal(strstr(rows, "\n!The row is l") != NULL, row > CSV_ROW_BYTES_MAX);
        assert_non_null(strstr(rows, "\n[5][6]\n"));
        free(rows);
        free(bytes);
    }
}

/* Ten mebibytes without a line end, then a good line. */
static void an_endless_line_is_passed_over(void **state)
{
    char *rows = with_long("", 10U << 20, "", 'x');

    (void)state;
    assert_string_equal(rows, "[a][b]\n!The row is l\n[5][6]\n");
    free(rows);
    rows = with_long("1,\"", 10U << 20, "", 'x');
    assert_string_equal(rows, "[a][b]\n!A quotation \n[5][6]\n");
    free(rows);
    rows = with_long("", 3U << 20, "", ',');
    assert_string_equal(rows, "[a][b]\n!The row has \n[5][6]\n");
    free(rows);
}

static void a_wide_row_is_recoded_whole(void **state)
{
    char *rows = with_long("", 60000, ",\xE9", '\xE9');

    (void)state;
    assert_int_equal(strlen(rows), strlen("[a][b]\n[][]\n[5][6]\n") + 2 * 60001);
    free(rows);
}

static void rows_count_as_a_spreadsheet_counts(void **state)
{
    static const char TEXT[] = "a,b\n\n1,2\n\"x\ny\",3\n4,5\n";
    struct source source = {span_text(TEXT), 7, SIZE_MAX, 0};
    struct csv *csv = csv_new(give, &source, 0, CSV_AUTO);
    static const uint64_t NUMBERS[] = {1, 3, 4, 5};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(csv_next(csv), CSV_ROW);
        assert_int_equal(csv_row(csv), NUMBERS[i]);
        assert_int_equal(csv_cell(csv, 2).n, 0);
    }
    assert_int_equal(csv_next(csv), CSV_END);
    assert_int_equal(csv_next(csv), CSV_END);
    assert_int_equal(csv_bytes(csv), sizeof TEXT - 1);
    assert_int_equal(csv_delimiter(csv), ',');
    csv_destroy(&csv);
}

static void a_failing_disk_is_told(void **state)
{
    static const char TEXT[] = "a,b\n1,2\n3,4\n";

    (void)state;
    for (size_t at = 0; at < sizeof TEXT - 1; at++) {
        struct source source = {span_text(TEXT), 1, at, 0};
        struct csv *csv = csv_new(give, &source, 0, CSV_AUTO);
        enum csv_result result;

        while ((result = csv_next(csv)) == CSV_ROW) {
        }
        assert_int_equal(result, CSV_ERROR);
        assert_true(csv_has_failed(csv));
        csv_destroy(&csv);
    }
}

/* Whatever the bytes, reading ends, cells stay within bounds, and valid UTF-8 comes out unless it was forbidden to recode. */
static void random_bytes_are_survived(void **state)
{
    static const char ALPHABET[] = "\"\",,\n\n\r;ab\0\xE9\xC3\xA9 ";
    uint32_t seed = 20261122;
    uint8_t bytes[600];

    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t n = 0;

        while (n < sizeof bytes && (n < 5 || seed % 97 != 0)) {
            seed = seed * 1664525U + 1013904223U;
            bytes[n++] = (uint8_t)ALPHABET[seed >> 16 & 15];
        }
        struct source source = {span_of(bytes, n), 1 + seed % 50, SIZE_MAX, 0};
        struct csv *csv = csv_new(give, &source, 0, CSV_AUTO);
        size_t rows = 0;
        enum csv_result result;

        while ((result = csv_next(csv)) != CSV_END) {
            assert_int_not_equal(result, CSV_ERROR);
            for (size_t i = 0; i < csv_count(csv); i++) {
                assert_true(csv_cell(csv, i).n <= 3 * sizeof bytes);
            }
            assert_true(++rows <= n + 1);
        }
        csv_destroy(&csv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_dirt_is_read_or_refused),
        cmocka_unit_test(nul_bytes_refuse_their_row_only),
        cmocka_unit_test(limits_hold_one_below_at_and_above),
        cmocka_unit_test(an_endless_line_is_passed_over),
        cmocka_unit_test(a_wide_row_is_recoded_whole),
        cmocka_unit_test(rows_count_as_a_spreadsheet_counts),
        cmocka_unit_test(a_failing_disk_is_told),
        cmocka_unit_test(random_bytes_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

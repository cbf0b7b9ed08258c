/* csv.h - rows of a CSV file as it comes: RFC 4180 and the dirt of real files, in constant memory.
 * Comma, semicolon, tab or bar; quotes; LF, CRLF or CR; UTF-8 with or without BOM, or Windows-1252. What cannot be a row is refused by itself, and
 * reading goes on at a line behind it. No knowledge of records. */
#ifndef GRIOT_NODE_IMPORT_CSV_H
#define GRIOT_NODE_IMPORT_CSV_H

#include "proto/error.h"
#include "proto/span.h"

/* Marks an English sentence for xgettext (-kN_); the same as in proto/record/record.h. */
#define N_(text) text

enum {
    CSV_FIELD_BYTES_MAX = 65536, /* a quotation mark that is never closed is noticed here at the latest */
    CSV_ROW_BYTES_MAX = 1048576, /* bounds memory */
    CSV_COLUMNS_MAX = 512,
    CSV_EXCERPT_BYTES_MAX = 1000, /* what is shown of a row that could not be read */
};

enum csv_encoding {
    CSV_AUTO, /* UTF-8 as long as it is valid; at the first byte that is not, Windows-1252 for good */
    CSV_UTF8,
    CSV_WINDOWS_1252,
};

enum csv_result {
    CSV_ROW,
    CSV_BAD, /* csv_why says why; csv_excerpt shows it */
    CSV_END,
    CSV_ERROR, /* reading failed, or the file is no text; csv_why says why */
};

/* Gives up to `cap` bytes; 0 at the end, below 0 when reading failed. */
typedef long csv_read(void *arg, uint8_t *buffer, size_t cap);

struct csv; /* heap object, one owner at a time */

/* delimiter  ',' ';' '\t' '|', or 0 to judge by the first line
 * Returns NULL when memory runs out. */
struct csv *csv_new(csv_read *read, void *arg, char delimiter, enum csv_encoding encoding);
void csv_destroy(struct csv **csv);

/* The next row that is not blank. Cells live until the next call. */
MUST_CHECK enum csv_result csv_next(struct csv *csv);

size_t csv_count(const struct csv *csv);                   /* cells of the row */
struct span csv_cell(const struct csv *csv, size_t index); /* UTF-8 (when the encoding is CSV_UTF8: as it came); empty behind the last */
uint64_t csv_row(const struct csv *csv);                   /* as a spreadsheet counts: the header is row 1; blank rows count */
const char *csv_why(const struct csv *csv);                /* an English sentence, a gettext msgid */
struct span csv_excerpt(const struct csv *csv);            /* the beginning of a bad row */
char csv_delimiter(const struct csv *csv);
uint64_t csv_bytes(const struct csv *csv); /* read so far */
enum csv_encoding csv_encoding(const struct csv *csv);
bool csv_has_failed(const struct csv *csv); /* CSV_ERROR because reading failed, not because of what was read */

#endif

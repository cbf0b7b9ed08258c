#include "node/import/csv.h"

#include <assert.h>
#include <stdlib.h>

/* A row of the largest size and the piece read behind it always fit, so a row never has to be joined from two buffers. */
enum { CHUNK_BYTES = 65536, BUFFER_BYTES = CSV_ROW_BYTES_MAX + 2 * CHUNK_BYTES };

enum mark { MARK_NONE, MARK_DELIMITER, MARK_LINE, MARK_HIGH, MARK_NUL };

struct csv {
    csv_read *read;
    void *arg;
    enum csv_encoding encoding;
    char delimiter;
    char line_end; /* '\n', or '\r' when the file has only those */
    bool is_begun;
    bool is_at_end;   /* of the source */
    bool is_skipping; /* the rest of an endless line */
    bool has_failed;
    uint8_t marks[256]; /* enum mark by byte */
    uint64_t row;
    uint64_t bytes;
    const char *why;
    size_t excerpt;

    size_t count;
    struct span cells[CSV_COLUMNS_MAX];
    bool has_high[CSV_COLUMNS_MAX]; /* bytes from 0x80 on */

    size_t at;  /* of the next row in buffer */
    size_t end; /* of what is in buffer */
    uint8_t buffer[BUFFER_BYTES];
    uint8_t wide[3 * CSV_FIELD_BYTES_MAX]; /* cells recoded from Windows-1252; grows into `more` */
    uint8_t *more;
    size_t more_cap;
    uint8_t shown[CSV_EXCERPT_BYTES_MAX];
};

/* Windows-1252 from 0x80 to 0x9F; the five bytes without a character become the replacement character. */
static const uint16_t WINDOWS[32] = {
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD,
    0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
};

struct csv *csv_new(csv_read *read, void *arg, char delimiter, enum csv_encoding encoding)
{
    struct csv *csv = malloc(sizeof *csv);

    if (csv == NULL) {
        return NULL;
    }
    memset(csv, 0, offsetof(struct csv, buffer));
    csv->more = NULL;
    csv->more_cap = 0;
    csv->read = read;
    csv->arg = arg;
    csv->delimiter = delimiter;
    csv->encoding = encoding;
    csv->line_end = '\n';
    return csv;
}

void csv_destroy(struct csv **csv)
{
    if (*csv != NULL) {
        free((*csv)->more);
        free(*csv);
    }
    *csv = NULL;
}

/* Move what is left to the front and read more behind it. false when there is no more, or no room. */
static bool refill(struct csv *csv)
{
    long n;

    if (csv->is_at_end) {
        return false;
    }
    if (csv->at > 0) {
        memmove(csv->buffer, csv->buffer + csv->at, csv->end - csv->at);
        csv->end -= csv->at;
        csv->at = 0;
    }
    if (BUFFER_BYTES - csv->end < CHUNK_BYTES) {
        return false;
    }
    n = csv->read(csv->arg, csv->buffer + csv->end, CHUNK_BYTES);
    if (n <= 0) {
        csv->is_at_end = true;
        csv->has_failed = n < 0;
        return false;
    }
    assert((size_t)n <= CHUNK_BYTES);
    csv->end += (size_t)n;
    csv->bytes += (uint64_t)n;
    return true;
}

/* How often `mark` stands outside quotes in the first line. */
static size_t marks_in_line(struct span line, char mark)
{
    size_t count = 0;
    bool is_quoted = false;

    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && line.p[i] == (uint8_t)mark) {
            count++;
        }
    }
    return count;
}

static struct span first_line(const struct csv *csv)
{
    const uint8_t *p = csv->buffer + csv->at;
    size_t n = csv->end - csv->at;
    const uint8_t *stop = n == 0 ? NULL : memchr(p, csv->line_end, n);

    return span_of(p, stop == NULL ? n : (size_t)(stop - p));
}

static void find_delimiter(struct csv *csv)
{
    static const char CANDIDATES[] = {',', ';', '\t', '|'};
    struct span line = first_line(csv);
    size_t best = 0;

    if (csv->delimiter != 0) {
        return;
    }
    csv->delimiter = ',';
    for (size_t i = 0; i < sizeof CANDIDATES; i++) {
        size_t count = marks_in_line(line, CANDIDATES[i]);

        if (count > best) {
            best = count;
            csv->delimiter = CANDIDATES[i];
        }
    }
}

/* "sep=;" in the first line is an instruction to a spreadsheet program. */
static void skip_separator_line(struct csv *csv)
{
    struct span line = first_line(csv);

    if (line.n >= 5 && line.n <= 6 && memcmp(line.p, "sep=", 4) == 0) {
        csv->delimiter = csv->delimiter == 0 ? (char)line.p[4] : csv->delimiter;
        csv->at += line.n + (csv->at + line.n < csv->end);
    }
}

/* BOM, line ends, delimiter: by the first piece. false when the file is no text that can be read. */
static bool begin(struct csv *csv)
{
    const uint8_t *p;

    csv->is_begun = true;
    while (csv->end < CHUNK_BYTES && refill(csv)) {
    }
    p = csv->buffer;
    if (csv->end >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF))) {
        csv->why = N_("The file is UTF-16. Save it as CSV UTF-8.");
        return false;
    }
    if (csv->end >= 4 && (memcmp(p, "PK\3\4", 4) == 0 || memcmp(p, "\xD0\xCF\x11\xE0", 4) == 0)) {
        csv->why = N_("The file is a spreadsheet, not CSV. Open it and save it as CSV UTF-8.");
        return false;
    }
    if (csv->end >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) {
        csv->at = 3;
        csv->encoding = csv->encoding == CSV_AUTO ? CSV_UTF8 : csv->encoding;
    }
    if (csv->end > 0 && memchr(p, '\n', csv->end) == NULL && memchr(p, '\r', csv->end) != NULL) {
        csv->line_end = '\r';
    }
    skip_separator_line(csv);
    find_delimiter(csv);
    memset(csv->marks, MARK_NONE, 128);
    memset(csv->marks + 128, MARK_HIGH, 128);
    csv->marks[0] = MARK_NUL;
    csv->marks[(uint8_t)csv->delimiter] = MARK_DELIMITER;
    csv->marks[(uint8_t)csv->line_end] = MARK_LINE;
    return true;
}

/* ---- one row ---- */

/* Where the parse of a row stands; positions count from the row's start, since a refill moves it. */
struct parse {
    size_t at;
    const char *why; /* the row is bad */
    size_t again;    /* and the line that this is in is the last of it */
    bool has_nul;
};

/* A byte at parse->at, refilling as needed; false at the end of the file or when the row is too long. */
static bool more_row(struct csv *csv, struct parse *parse)
{
    while (csv->at + parse->at >= csv->end) {
        if (parse->at > CSV_ROW_BYTES_MAX || !refill(csv)) {
            return false;
        }
    }
    return true;
}

/* Skip unquoted bytes up to a delimiter, a line end or the end. */
static void skip_plain(struct csv *csv, struct parse *parse, bool *has_high)
{
    for (;;) {
        const uint8_t *p = csv->buffer + csv->at + parse->at;
        const uint8_t *stop = csv->buffer + csv->end;

        while (p < stop) {
            uint8_t mark = csv->marks[*p];

            if (mark == MARK_DELIMITER || mark == MARK_LINE) {
                break;
            }
            *has_high = *has_high || mark == MARK_HIGH;
            parse->has_nul = parse->has_nul || mark == MARK_NUL;
            p++;
        }
        parse->at = (size_t)(p - csv->buffer) - csv->at;
        if (p < stop || parse->at > CSV_ROW_BYTES_MAX || !more_row(csv, parse)) {
            return;
        }
    }
}

/* Behind the closing quote of a field that begins at `start`. Nothing is changed, so that the lines behind a quote that is never closed can be read
 * again. */
static bool find_close(struct csv *csv, struct parse *parse, size_t start, bool *has_high, bool *has_doubled)
{
    while (more_row(csv, parse) && parse->at - start <= CSV_FIELD_BYTES_MAX) {
        uint8_t c = csv->buffer[csv->at + parse->at++];

        if (c == '"') {
            if (!more_row(csv, parse) || csv->buffer[csv->at + parse->at] != '"') {
                return true;
            }
            *has_doubled = true;
            parse->at++;
        }
        *has_high = *has_high || c >= 0x80;
        parse->has_nul = parse->has_nul || c == 0;
    }
    return false;
}

/* Halve doubled quotes, in place. Returns the length that is left. */
static size_t halve_quotes(uint8_t *p, size_t n)
{
    size_t to = 0;

    for (size_t i = 0; i < n; i++) {
        p[to++] = p[i];
        i += p[i] == '"';
    }
    return to;
}

/* A field in quotes, parse->at behind the opening one at `start`. Returns the length of its text, which begins at `start`. */
static size_t parse_quoted(struct csv *csv, struct parse *parse, size_t start, bool *has_high)
{
    bool has_doubled = false;
    size_t n;
    size_t rest;

    if (!find_close(csv, parse, start, has_high, &has_doubled)) {
        parse->why = parse->at > CSV_ROW_BYTES_MAX ? N_("The row is longer than 1 MiB.") : N_("A quotation mark is opened and never closed.");
        parse->again = start;
        return 0;
    }
    n = parse->at - 1 - start;
    if (has_doubled) {
        n = halve_quotes(csv->buffer + csv->at + start, n);
    }
    /* Text behind the closing quote belongs to the field, as spreadsheet programs read it. */
    rest = parse->at;
    skip_plain(csv, parse, has_high);
    if (parse->at > rest) {
        size_t more = parse->at - rest;

        more -= csv->buffer[csv->at + parse->at - 1] == '\r';
        memmove(csv->buffer + csv->at + start + n, csv->buffer + csv->at + rest, more);
        n += more;
    }
    return n;
}

/* The cells of the row at csv->at, as offsets; parse->at ends behind its line end. */
static void parse_row(struct csv *csv, struct parse *parse, size_t starts[], size_t lengths[])
{
    csv->count = 0;
    for (;;) {
        bool has_high = false;
        size_t start = parse->at;
        size_t n;
        bool is_quoted = more_row(csv, parse) && csv->buffer[csv->at + parse->at] == '"';

        if (is_quoted) {
            parse->at++;
            start++;
            n = parse_quoted(csv, parse, start, &has_high);
        } else {
            skip_plain(csv, parse, &has_high);
            n = parse->at - start;
        }
        if (parse->why != NULL) {
            return;
        }
        parse->again = parse->at;
        if (parse->at > CSV_ROW_BYTES_MAX) {
            parse->why = N_("The row is longer than 1 MiB.");
            return;
        }
        bool is_last = !more_row(csv, parse) || csv->buffer[csv->at + parse->at] == (uint8_t)csv->line_end;

        if (!is_quoted && is_last && n > 0 && csv->buffer[csv->at + start + n - 1] == '\r') {
            n--;
        }
        if (n > CSV_FIELD_BYTES_MAX) {
            parse->why = N_("A cell is longer than 64 KiB.");
        }
        if (csv->count == CSV_COLUMNS_MAX) {
            parse->why = N_("The row has more than 512 cells.");
        } else {
            starts[csv->count] = start;
            lengths[csv->count] = n;
            csv->has_high[csv->count] = has_high;
            csv->count++;
        }
        if (parse->why != NULL) {
            return;
        }
        if (is_last) {
            parse->at += csv->at + parse->at < csv->end; /* the line end itself */
            break;
        }
        parse->at++; /* the delimiter */
    }
    if (parse->has_nul) {
        parse->again = parse->at - (parse->at > 0);
        parse->why = N_("The row holds a NUL byte. The file may be damaged, or not be text.");
    }
}

/* Show the beginning of a row that is refused, and go on behind the line that `from` (counted from the row's start) is in. */
static void give_up(struct csv *csv, size_t from)
{
    size_t n = csv->end - csv->at;
    const uint8_t *stop;

    csv->excerpt = 0;
    for (size_t i = 0; i < n && i < CSV_EXCERPT_BYTES_MAX && csv->buffer[csv->at + i] != (uint8_t)csv->line_end; i++) {
        uint8_t c = csv->buffer[csv->at + i];

        csv->shown[csv->excerpt++] = c < 0x20 || c >= 0x7F ? '?' : c;
    }
    from = from < n ? from : n;
    stop = n == from ? NULL : memchr(csv->buffer + csv->at + from, csv->line_end, n - from);
    if (stop == NULL) {
        csv->at = csv->end;
        csv->is_skipping = true;
    } else {
        csv->at = (size_t)(stop - csv->buffer) + 1;
    }
}

/* Pass over the rest of an endless line, which began in a row already refused. */
static void skip_line(struct csv *csv)
{
    while (csv->is_skipping) {
        size_t n = csv->end - csv->at;
        const uint8_t *stop = n == 0 ? NULL : memchr(csv->buffer + csv->at, csv->line_end, n);

        if (stop != NULL) {
            csv->at = (size_t)(stop - csv->buffer) + 1;
            csv->is_skipping = false;
        } else {
            csv->at = csv->end;
            csv->is_skipping = refill(csv);
        }
    }
}

/* ---- encodings ---- */

/* The shortest and only form of each character, no surrogates, up to U+10FFFF. */
static bool is_utf8(struct span text)
{
    for (size_t i = 0; i < text.n;) {
        uint8_t c = text.p[i];
        size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;

        if (n == 0 || n > text.n - i) {
            return false;
        }
        for (size_t k = 1; k < n; k++) {
            if ((text.p[i + k] & 0xC0) != 0x80) {
                return false;
            }
        }
        if (n > 2) {
            uint8_t second = text.p[i + 1];

            if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F)) {
                return false;
            }
        }
        i += n;
    }
    return true;
}

static size_t recode(struct span text, uint8_t *to)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        uint32_t c = text.p[i];

        c = c >= 0x80 && c < 0xA0 ? WINDOWS[c - 0x80] : c;
        if (c < 0x80) {
            to[n++] = (uint8_t)c;
        } else if (c < 0x800) {
            to[n++] = (uint8_t)(0xC0 | c >> 6);
            to[n++] = (uint8_t)(0x80 | (c & 0x3F));
        } else {
            to[n++] = (uint8_t)(0xE0 | c >> 12);
            to[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
            to[n++] = (uint8_t)(0x80 | (c & 0x3F));
        }
    }
    return n;
}

/* Recode the cells that need it. false when memory runs out. */
static bool recode_row(struct csv *csv)
{
    size_t need = 0;
    uint8_t *to = csv->wide;

    for (size_t i = 0; i < csv->count; i++) {
        need += csv->has_high[i] ? 3 * csv->cells[i].n : 0;
    }
    if (need > sizeof csv->wide) {
        if (need > csv->more_cap) {
            uint8_t *more = realloc(csv->more, need);

            if (more == NULL) {
                return false;
            }
            csv->more = more;
            csv->more_cap = need;
        }
        to = csv->more;
    }
    for (size_t i = 0; i < csv->count; i++) {
        if (csv->has_high[i]) {
            size_t n = recode(csv->cells[i], to);

            csv->cells[i] = span_of(to, n);
            to += n;
        }
    }
    return true;
}

static bool decode_row(struct csv *csv)
{
    for (size_t i = 0; csv->encoding == CSV_AUTO && i < csv->count; i++) {
        if (csv->has_high[i] && !is_utf8(csv->cells[i])) {
            csv->encoding = CSV_WINDOWS_1252;
        }
    }
    return csv->encoding != CSV_WINDOWS_1252 || recode_row(csv);
}

static bool is_blank_row(const struct csv *csv)
{
    for (size_t i = 0; i < csv->count; i++) {
        for (size_t k = 0; k < csv->cells[i].n; k++) {
            if (csv->cells[i].p[k] > ' ') {
                return false;
            }
        }
    }
    return true;
}

static enum csv_result fail(struct csv *csv, const char *why)
{
    csv->why = why;
    csv->at = csv->end = 0;
    csv->is_at_end = true;
    return CSV_ERROR;
}

enum csv_result csv_next(struct csv *csv)
{
    size_t starts[CSV_COLUMNS_MAX];
    size_t lengths[CSV_COLUMNS_MAX];

    if (!csv->is_begun && !begin(csv)) {
        return fail(csv, csv->why);
    }
    for (;;) {
        struct parse parse = {.at = 0, .why = NULL};

        skip_line(csv);
        if (csv->at == csv->end && !refill(csv)) {
            return csv->has_failed ? fail(csv, N_("The file could not be read to its end.")) : CSV_END;
        }
        csv->row++;
        parse_row(csv, &parse, starts, lengths);
        if (csv->has_failed) {
            return fail(csv, N_("The file could not be read to its end."));
        }
        if (parse.why != NULL) {
            csv->why = parse.why;
            csv->count = 0;
            give_up(csv, parse.again);
            return CSV_BAD;
        }
        for (size_t i = 0; i < csv->count; i++) {
            csv->cells[i] = span_of(csv->buffer + csv->at + starts[i], lengths[i]);
        }
        csv->at += parse.at;
        if (is_blank_row(csv)) {
            continue;
        }
        return decode_row(csv) ? CSV_ROW : fail(csv, N_("Memory ran out."));
    }
}

size_t csv_count(const struct csv *csv)
{
    return csv->count;
}

struct span csv_cell(const struct csv *csv, size_t index)
{
    return index < csv->count ? csv->cells[index] : span_of(NULL, 0);
}

uint64_t csv_row(const struct csv *csv)
{
    return csv->row;
}

const char *csv_why(const struct csv *csv)
{
    return csv->why;
}

struct span csv_excerpt(const struct csv *csv)
{
    return span_of(csv->shown, csv->excerpt);
}

char csv_delimiter(const struct csv *csv)
{
    return csv->delimiter;
}

uint64_t csv_bytes(const struct csv *csv)
{
    return csv->bytes;
}

enum csv_encoding csv_encoding(const struct csv *csv)
{
    return csv->encoding;
}

bool csv_has_failed(const struct csv *csv)
{
    return csv->has_failed;
}

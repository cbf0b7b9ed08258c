#include "node/import/rejected.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct rejected {
    const char *path;
    char *part; /* path and ".part": what is written until it is complete */
    char delimiter;
    FILE *file;    /* NULL until the first row */
    size_t reason; /* index of the reason column of an earlier run, which is written anew; SIZE_MAX when there is none */
    char *header;
    size_t header_n;
};

struct rejected *rejected_new(const char *path, char delimiter)
{
    struct rejected *rejected = calloc(1, sizeof *rejected);
    size_t n = strlen(path);

    if (rejected == NULL) {
        return NULL;
    }
    rejected->path = path;
    rejected->delimiter = delimiter;
    rejected->reason = SIZE_MAX;
    rejected->part = malloc(n + 6);
    if (rejected->part == NULL) {
        rejected_destroy(&rejected);
        return NULL;
    }
    memcpy(rejected->part, path, n);
    memcpy(rejected->part + n, ".part", 6);
    return rejected;
}

void rejected_destroy(struct rejected **rejected)
{
    if (*rejected != NULL) {
        if ((*rejected)->file != NULL) { /* not closed in order: what was written stands under the other name */
            fclose((*rejected)->file);
        }
        free((*rejected)->part);
        free((*rejected)->header);
        free(*rejected);
    }
    *rejected = NULL;
}

/* What a spreadsheet program would run: = + - @ and control characters in front, unless the cell is a plain number. */
static bool is_formula(struct span cell)
{
    if (cell.n == 0) {
        return false;
    }
    if (cell.p[0] == '+' || cell.p[0] == '-') {
        for (size_t i = 1; i < cell.n; i++) {
            if (!((cell.p[i] >= '0' && cell.p[i] <= '9') || cell.p[i] == '.' || cell.p[i] == ',')) {
                return true;
            }
        }
        return cell.n == 1;
    }
    return cell.p[0] == '=' || cell.p[0] == '@' || cell.p[0] == '\t' || cell.p[0] == '\r';
}

struct span rejected_unguard(struct span cell)
{
    if (cell.n > 1 && cell.p[0] == '\'' && is_formula(span_of(cell.p + 1, cell.n - 1))) {
        return span_of(cell.p + 1, cell.n - 1);
    }
    return cell;
}

static bool needs_quotes(const struct rejected *rejected, struct span cell)
{
    for (size_t i = 0; i < cell.n; i++) {
        uint8_t c = cell.p[i];

        if (c == '"' || c == '\n' || c == '\r' || c == (uint8_t)rejected->delimiter) {
            return true;
        }
    }
    return cell.n > 0 && (cell.p[0] == ' ' || cell.p[cell.n - 1] == ' ');
}

static void put_cell(const struct rejected *rejected, FILE *file, struct span cell)
{
    bool is_quoted = needs_quotes(rejected, cell);

    if (is_quoted) {
        putc('"', file);
    }
    if (is_formula(cell)) {
        putc('\'', file);
    }
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"') {
            putc('"', file);
        }
        putc(cell.p[i], file);
    }
    if (is_quoted) {
        putc('"', file);
    }
}

static bool is_reason(struct span cell)
{
    return cell.n == sizeof REJECTED_COLUMN - 1 && memcmp(cell.p, REJECTED_COLUMN, cell.n) == 0;
}

enum err rejected_header(struct rejected *rejected, const struct csv *csv)
{
    FILE *memory = open_memstream(&rejected->header, &rejected->header_n);

    if (memory == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < csv_count(csv); i++) {
        if (is_reason(csv_cell(csv, i))) {
            rejected->reason = i;
        } else {
            put_cell(rejected, memory, csv_cell(csv, i));
            putc(rejected->delimiter, memory);
        }
    }
    fputs(REJECTED_COLUMN "\r\n", memory);
    return fclose(memory) == 0 ? ERR_OK : ERR_MEMORY;
}

/* A new file of our own: never through a link that somebody left there. */
static enum err open_part(struct rejected *rejected)
{
    int fd;

    if (unlink(rejected->part) != 0 && errno != ENOENT) {
        return ERR_IO;
    }
    fd = open(rejected->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ERR_IO;
    }
    rejected->file = fdopen(fd, "w");
    if (rejected->file == NULL) {
        close(fd);
        return ERR_IO;
    }
    fputs("\xEF\xBB\xBF", rejected->file); /* so that a spreadsheet program takes it for UTF-8 */
    fwrite(rejected->header, 1, rejected->header_n, rejected->file);
    return ERR_OK;
}

enum err rejected_row(struct rejected *rejected, const struct csv *csv, bool is_excerpt, struct span why)
{
    if (rejected->file == NULL) {
        enum err err = open_part(rejected);

        if (err != ERR_OK) {
            return err;
        }
    }
    if (is_excerpt) {
        put_cell(rejected, rejected->file, csv_excerpt(csv));
        putc(rejected->delimiter, rejected->file);
    } else {
        for (size_t i = 0; i < csv_count(csv); i++) {
            if (i != rejected->reason) {
                put_cell(rejected, rejected->file, csv_cell(csv, i));
                putc(rejected->delimiter, rejected->file);
            }
        }
    }
    put_cell(rejected, rejected->file, why);
    fputs("\r\n", rejected->file);
    return ferror(rejected->file) ? ERR_IO : ERR_OK;
}

enum err rejected_close(struct rejected *rejected)
{
    bool is_good;

    if (rejected->file == NULL) {
        return unlink(rejected->path) == 0 || errno == ENOENT ? ERR_OK : ERR_IO;
    }
    is_good = fflush(rejected->file) == 0 && !ferror(rejected->file);
    is_good = fclose(rejected->file) == 0 && is_good;
    rejected->file = NULL;
    return is_good && rename(rejected->part, rejected->path) == 0 ? ERR_OK : ERR_IO;
}

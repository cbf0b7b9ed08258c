/* import.h - a CSV file through a mapping into records: streaming, each refused row with its reason.
 * No store, no network, no JSON: the caller takes each record and decides about ids, batches and durability. One run at a time per struct. */
#ifndef GRIOT_NODE_IMPORT_IMPORT_H
#define GRIOT_NODE_IMPORT_IMPORT_H

#include "node/import/mapping.h"

enum {
    IMPORT_FIELDS_MAX = 256,      /* (column, field) pairs of a mapping */
    IMPORT_WHY_BYTES_MAX = 512,   /* of one reason */
    IMPORT_KEY_BYTES_MAX = 65536, /* of a row key */
    IMPORT_DEFAULTS_MAX = 16,
    IMPORT_PROGRESS_ROWS = 1000, /* between two calls of on_progress */
    IMPORT_ROWS_MAX = 50000000,  /* known rows are remembered with 16 to 32 bytes each to tell copies apart */
};

/* What became of the values of one field. Shares are of rows, whether the row as a whole was accepted or not. */
struct import_share {
    const char *column; /* header as in the mapping; "" for one addressed by position */
    const char *field;  /* name */
    uint64_t typed;     /* the source has a value and the field got it */
    uint64_t words;     /* it has one that no code fits; another field of the column keeps the words */
    uint64_t unknown;   /* the cell is empty, or says itself that nothing is known */
    uint64_t rejected;  /* it has one that the field refused: the row is refused */
};

struct import_report {
    uint64_t rows;      /* data rows, blank ones not counted */
    uint64_t accepted;  /* new records */
    uint64_t unchanged; /* rows whose record is there already */
    uint64_t rejected;
    uint64_t warnings;
    uint64_t bytes; /* of the file, read so far */
    enum csv_encoding encoding;
    char delimiter;
    uint32_t share_count;
    struct import_share shares[IMPORT_FIELDS_MAX];
    char why[IMPORT_WHY_BYTES_MAX]; /* why the file as a whole was refused, in the reader's language; "" when it was not */
};

/* A value that every record gets unless the mapping gives the field: owner, entry_time, country, language ... */
struct import_default {
    const char *field;
    const char *value;
};

struct import_config {
    const struct mapping *mapping; /* borrowed */
    const char *owner;             /* of the records: part of the row key, and the field owner */
    uint32_t today;                /* days since 1970 */
    uint32_t default_count;
    struct import_default defaults[IMPORT_DEFAULTS_MAX];
    const char *rejected_path; /* refused rows go here as CSV with their reasons; NULL: nowhere. Written anew; removed when nothing was refused */
    char *(*translate)(const char *msgid); /* gettext, or NULL for English */
    void *arg;                             /* for the callbacks */

    csv_read *read; /* the file: import_read_file, or one of the caller */
    void *read_arg;

    /* One valid record; `record` and `row_key` are borrowed for the call.
     *   row_key  the same for the same row at every run: owner, mapping and id column, or the row's content and how many times it has come before
     *   returns  ERR_OK (accepted), ERR_EXISTS (there already), ERR_INVALID or ERR_OVERSIZE (this row is refused); any other error ends the run with
     * it. May be NULL for a dry run. */
    enum err (*on_record)(void *arg, const struct record *record, struct span row_key, uint64_t row);
    /* One reason or warning: row as a spreadsheet counts, column header ("" for the whole row), sentence in the reader's language. May be NULL. */
    void (*on_fault)(void *arg, enum fault_level level, uint64_t row, const char *column, const char *why);
    /* Now and then, and at the end. May be NULL. A false answer ends the run with ERR_BUSY, as after Ctrl-C; what was accepted stays. */
    bool (*on_progress)(void *arg, const struct import_report *report);
};

/* Run it.
 *   ret     overwritten; filled as far as the run came, also on error
 *   errors  ERR_INVALID (the file does not fit the mapping: ret->why), ERR_IO (reading, or writing refused rows: ret->why), ERR_MEMORY, ERR_LIMIT
 * (more than IMPORT_ROWS_MAX rows), ERR_BUSY (on_progress said stop), or what on_record returned */
MUST_CHECK enum err import_run(const struct import_config *config, struct import_report *ret);

/* A csv_read of a FILE that the caller owns: pass it as read_arg. */
long import_read_file(void *file, uint8_t *buffer, size_t cap);

#endif

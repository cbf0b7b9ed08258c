/* row.h - one row on its way to a record: the state of a run that its three parts share. Seen by import.c, row.c and cell.c only. */
#ifndef GRIOT_NODE_IMPORT_ROW_H
#define GRIOT_NODE_IMPORT_ROW_H

#include "node/import/import.h"
#include "node/import/rejected.h"
#include "node/import/seen.h"

enum { HEADER_BYTES_MAX = 200, ROW_WHY_BYTES_MAX = 4096, NO_SHARE = INT32_MAX };

/* One column of the file. */
struct bound {
    const struct mapping_column *column; /* NULL: no header, or the reasons of an earlier run */
    bool is_reason;
    char header[HEADER_BYTES_MAX + 1];
    uint32_t shares[MAPPING_TARGETS_MAX]; /* index into the report, NO_SHARE when it has none */
    uint32_t place_shares[MAPPING_TARGETS_MAX];
};

struct run {
    const struct import_config *config;
    const struct mapping *mapping;
    struct import_report *report;
    struct csv *csv;
    struct draft *draft;
    struct seen *seen;
    struct rejected *rejected;
    uint32_t column_count;
    uint32_t id_column; /* index, UINT32_MAX when there is none */
    uint32_t date_share;
    const struct field *date_field;
    const struct field *flag_field;

    /* The row at hand. */
    bool is_bad;
    struct out why;  /* into why_bytes: all reasons */
    size_t fault_at; /* faults told */
    uint32_t year;   /* that the date must have; 0: any */
    const char *year_column;
    uint32_t fiscal_year;
    uint32_t fiscal_month;

    struct record record;
    struct record_faults faults;
    uint8_t why_bytes[ROW_WHY_BYTES_MAX];
    uint8_t key[IMPORT_KEY_BYTES_MAX];
    struct bound columns[CSV_COLUMNS_MAX];
};

enum outcome { OUTCOME_NONE, OUTCOME_UNKNOWN, OUTCOME_WORDS, OUTCOME_TYPED, OUTCOME_REJECTED }; /* the highest of several parts counts */

/* row.c: `msgid` in the reader's language, each %s replaced by the next of two values. */
void row_say(const struct run *run, struct out *out, const char *msgid, struct span first, struct span second);
/* A reason for which the row is refused, at a column ("" for the row as a whole). */
void row_refuse(struct run *run, const char *column, const char *msgid, struct span first, struct span second);
/* Tell the faults of the draft that have not been told, as being about a column. */
void row_tell_faults(struct run *run, const char *column);
/* From cells to run->record, or reasons. */
void row_make_record(struct run *run);
/* The same bytes for the same row, whatever else the file holds: owner, mapping, and the id or the cells with their number of occurrence.
 *   errors  ERR_MEMORY, ERR_LIMIT; a row without key is refused and gives ERR_OK */
MUST_CHECK enum err row_make_key(struct run *run, struct span *ret);

/* cell.c: hand a value to the draft; its faults are told under the column. */
enum outcome cell_give(struct run *run, const struct bound *bound, const struct field *field, const struct field *group, uint32_t item,
                       struct span text);
/* A cell to all its fields. */
void cell_give_all(struct run *run, const struct bound *bound, struct span cell);
/* "2019", "FY2019", "FY19"; 0 when it is none of these. */
uint32_t cell_year(struct span cell);
/* Fiscal year and month, once both have been read. */
void cell_give_fiscal_date(struct run *run, const struct bound *bound);

#endif

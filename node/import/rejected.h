/* rejected.h - the file of refused rows: as they came, with a last column that says why. It can be corrected and imported again. */
#ifndef GRIOT_NODE_IMPORT_REJECTED_H
#define GRIOT_NODE_IMPORT_REJECTED_H

#include "node/import/csv.h"

/* Name of the last column; an import passes over a column of this name. */
#define REJECTED_COLUMN "griot_reason"

struct rejected;

/* Nothing is written before the first row. `path` is borrowed for the life of the object. NULL when memory runs out. */
struct rejected *rejected_new(const char *path, char delimiter);
void rejected_destroy(struct rejected **rejected);

/* The header, kept for when the first row comes. */
MUST_CHECK enum err rejected_header(struct rejected *rejected, const struct csv *csv);

/* The row that `csv` stands at, or its excerpt when it could not be read. `why` is one sentence or several. ERR_IO. */
MUST_CHECK enum err rejected_row(struct rejected *rejected, const struct csv *csv, bool is_excerpt, struct span why);

/* Finish: the file takes its name, or an old one is removed when no row was written. ERR_IO. */
MUST_CHECK enum err rejected_close(struct rejected *rejected);

/* A cell without the apostrophe that was put before what a spreadsheet would take for a formula. */
struct span rejected_unguard(struct span cell);

#endif

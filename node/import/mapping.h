/* mapping.h - how the columns of one source become the fields of a record: an INI file, read once, checked against the schema table before a row is
 * read. deploy/mappings/README.md is its manual. */
#ifndef GRIOT_NODE_IMPORT_MAPPING_H
#define GRIOT_NODE_IMPORT_MAPPING_H

#include "node/import/csv.h"
#include "proto/record/record.h"

#include <stdio.h>

enum {
    MAPPING_NAME_BYTES_MAX = 64,
    MAPPING_LINE_BYTES_MAX = 196, /* libinih of Debian 12 reads 200 with line end */
    MAPPING_COLUMNS_MAX = 128,
    MAPPING_TARGETS_MAX = 6, /* of one column */
    MAPPING_CONSTANTS_MAX = 32,
    MAPPING_LOOKUPS_MAX = 16,
    MAPPING_ENTRIES_MAX = 2048, /* of all look-up tables together */
    MAPPING_ACTIONS_MAX = 4,
    MAPPING_FORMATS_MAX = 8,
    MAPPING_TEXT_BYTES = 131072, /* all strings of a mapping */
    MAPPING_KEY_BYTES_MAX = 192,
};

/* What an entry of a look-up table gives. */
struct mapping_action {
    enum { ACTION_MAIN, ACTION_PLACE, ACTION_FIELD } what; /* the column's own field, the field of its place= option, another field */
    const struct field *field;                             /* ACTION_FIELD */
    const struct field *group;
    struct span text;
};

struct mapping_entry {
    struct span key; /* folded */
    unsigned line;
    uint32_t count; /* 0: the value is known to have no code; only words keep it */
    struct mapping_action actions[MAPPING_ACTIONS_MAX];
};

struct mapping_lookup {
    const char *name;
    unsigned line;
    bool is_used;
    uint32_t count;
    struct mapping_entry *entries;     /* sorted by key */
    const struct mapping_entry *empty; /* of key '*': what an empty cell means; NULL when there is none */
};

enum target_role {
    TARGET_FIELD,
    TARGET_CHECK_YEAR,  /* must be the year of the date */
    TARGET_FISCAL_YEAR, /* with the month gives the date */
    TARGET_FISCAL_MONTH,
    TARGET_IGNORE,
};

struct mapping_target {
    enum target_role role;
    const struct field *field; /* TARGET_FIELD */
    const struct field *group;
    uint32_t item;             /* 0: each part of a cell begins an item of its own (groups other than item) */
    const struct field *place; /* "City, Country": what comes before the last comma; NULL when the cell holds one thing */
    const struct mapping_lookup *lookup;
    const struct code *unit; /* of a quantity */
    const struct field *unit_field;
    const struct field *overflow; /* of a text: where a value goes that is too long; NULL: nowhere */
    const struct field *end;      /* of a date: where the end of a range goes */
    char split[8];                /* characters that part the values of a cell */
    bool may_lack;                /* a value without code is no fault, another target keeps the words */
};

struct mapping_column {
    const char *header; /* as written; NULL: by position */
    uint32_t position;  /* 1.. */
    unsigned line;
    uint32_t count;
    struct mapping_target targets[MAPPING_TARGETS_MAX];
};

struct mapping_constant {
    const struct field *field;
    const struct field *group;
    uint32_t item;
    struct span text;
    unsigned line;
};

struct mapping {
    char name[MAPPING_NAME_BYTES_MAX + 1];
    const struct kind *kind;
    enum csv_encoding encoding;
    char delimiter;    /* 0: to be found out */
    char decimal_mark; /* 0: by each number */
    bool is_aggregate;
    uint32_t fiscal_start; /* month in which the fiscal year begins, in the calendar year before unless 1 */
    const char *id_column; /* NULL: rows are known by their content */
    uint32_t format_count;
    const char *formats[MAPPING_FORMATS_MAX]; /* "A to B" is a range */
    uint32_t column_count;
    struct mapping_column columns[MAPPING_COLUMNS_MAX];
    uint32_t constant_count;
    struct mapping_constant constants[MAPPING_CONSTANTS_MAX];
    uint32_t lookup_count;
    struct mapping_lookup lookups[MAPPING_LOOKUPS_MAX];
    const struct mapping_lookup *units;
    uint32_t entry_count;
    struct mapping_entry *entries;
    char *text;
    size_t text_at;
};

struct mapping_fault {
    unsigned line;   /* 0: the file as a whole */
    const char *why; /* an English sentence, a gettext msgid; at most one %s for what */
    char what[MAPPING_LINE_BYTES_MAX + 1];
};

/* Read and check a mapping.
 *   file    borrowed, read to its end
 *   errors  ERR_CONFIG  `fault` says where and why; ERR_IO; ERR_MEMORY */
MUST_CHECK enum err mapping_read(FILE *file, struct mapping **ret, struct mapping_fault *fault);
void mapping_destroy(struct mapping **mapping);

/* The entry of a value, NULL when the table has none. */
const struct mapping_entry *mapping_find(const struct mapping_lookup *lookup, struct span value);

/* Column headers are the same when they differ only in case and blanks. */
bool mapping_same_header(struct span a, struct span b);

#endif

/* reading.h - what the three parts of reading a mapping share: the sections of the file (mapping.c), its look-up tables (lookup.c), the check of the
 * whole (mapping_check.c). Seen by them only. */
#ifndef GRIOT_NODE_IMPORT_READING_H
#define GRIOT_NODE_IMPORT_READING_H

#include "node/import/mapping.h"

/* One reading of a mapping file. The first fault stands; what follows is not looked at. */
struct reading {
    FILE *file;
    unsigned line;
    struct mapping *mapping;
    struct mapping_fault *fault;
    bool is_bad;
    bool has_failed; /* the disk, not the mapping */
};

/* The first fault stands. Always false. */
bool reading_refuse(struct reading *reading, unsigned line, const char *why, const char *what);
bool reading_wrong(struct reading *reading, const char *why, const char *what); /* at the line being read */

/* A copy that lives as long as the mapping; NULL (and a fault) when there is no more room. */
char *reading_keep(struct reading *reading, const char *text, size_t n);
/* A span as a string for a message. */
const char *reading_shown(struct span text, char buffer[MAPPING_LINE_BYTES_MAX + 1]);
/* The next piece of *rest up to `mark`, blanks trimmed. false at the end. */
bool reading_piece(const char **rest, char mark, struct span *ret);
/* A field that can hold a value, or NULL and a fault. */
const struct field *reading_field(struct reading *reading, struct span name, const struct field **ret_group, uint32_t *ret_item);
/* The canonical text of a value for a field; a fault when the field refuses it. */
bool reading_value(struct reading *reading, unsigned line, const struct field *field, struct span given, struct span *ret);

/* lookup.c: the table named, made when it is new; NULL and a fault when there are too many. */
struct mapping_lookup *lookup_by_name(struct reading *reading, const char *name);
/* One line of a table. */
bool lookup_read_entry(struct reading *reading, const char *table, const char *key, const char *value);
/* Sort the tables; each must be there, used, and without an entry twice. */
bool lookup_close_all(struct reading *reading);

/* mapping_check.c: what can only be checked when all is read. */
bool mapping_check(struct reading *reading);

#endif

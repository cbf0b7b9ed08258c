#include "node/import/reading.h"
#include "proto/record/codes.h"
#include "proto/record/date.h"
#include "proto/record/value.h"

#include <ini.h>
#include <stdlib.h>

bool reading_refuse(struct reading *reading, unsigned line, const char *why, const char *what)
{
    if (!reading->is_bad) {
        size_t n = strlen(what);

        reading->is_bad = true;
        reading->fault->line = line;
        reading->fault->why = why;
        n = n < sizeof reading->fault->what ? n : sizeof reading->fault->what - 1;
        memcpy(reading->fault->what, what, n);
        reading->fault->what[n] = 0;
    }
    return false;
}

bool reading_wrong(struct reading *reading, const char *why, const char *what)
{
    return reading_refuse(reading, reading->line, why, what);
}

/* A copy that lives as long as the mapping; NULL (and a fault) when there is no more room. */
char *reading_keep(struct reading *reading, const char *text, size_t n)
{
    struct mapping *mapping = reading->mapping;
    char *copy = mapping->text + mapping->text_at;

    if (n + 1 > MAPPING_TEXT_BYTES - mapping->text_at) {
        (void)reading_wrong(reading, N_("The mapping is too large."), "");
        return NULL;
    }
    memcpy(copy, text, n);
    copy[n] = 0;
    mapping->text_at += n + 1;
    return copy;
}

/* ---- words ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next piece of *rest up to `mark`, blanks trimmed. false at the end. */
bool reading_piece(const char **rest, char mark, struct span *ret)
{
    const char *p = *rest;
    const char *end;

    if (p == NULL) {
        return false;
    }
    end = strchr(p, mark);
    *rest = end == NULL ? NULL : end + 1;
    *ret = value_trim(span_of(p, end == NULL ? strlen(p) : (size_t)(end - p)));
    return true;
}

/* The next word of *rest. */
static bool next_word(struct span *rest, struct span *ret)
{
    size_t n = 0;

    *rest = value_trim(*rest);
    while (n < rest->n && !is_blank((char)rest->p[n])) {
        n++;
    }
    *ret = span_of(rest->p, n);
    *rest = span_of(rest->p + n, rest->n - n);
    return n > 0;
}

static bool begins_with(struct span text, const char *with, struct span *ret_rest)
{
    size_t n = strlen(with);

    if (text.n < n || memcmp(text.p, with, n) != 0) {
        return false;
    }
    *ret_rest = span_of(text.p + n, text.n - n);
    return true;
}

/* A span for a message. */
const char *reading_shown(struct span text, char buffer[MAPPING_LINE_BYTES_MAX + 1])
{
    size_t n = text.n < MAPPING_LINE_BYTES_MAX ? text.n : MAPPING_LINE_BYTES_MAX;

    memcpy(buffer, text.p, n);
    buffer[n] = 0;
    return buffer;
}

/* ---- [mapping] ---- */

struct choice {
    const char *word;
    int value;
};

static bool choose(struct reading *reading, const char *value, const struct choice *choices, int *ret)
{
    for (; choices->word != NULL; choices++) {
        if (strcmp(choices->word, value) == 0) {
            *ret = choices->value;
            return true;
        }
    }
    return reading_wrong(reading, N_("'%s' is not possible here. deploy/mappings/README.md lists what is."), value);
}

static bool read_name(struct reading *reading, const char *value)
{
    size_t n = strlen(value);

    if (n == 0 || n > MAPPING_NAME_BYTES_MAX || strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != n) {
        return reading_wrong(reading, N_("The name '%s' must be 1 to 64 small letters, digits and '-'."), value);
    }
    memcpy(reading->mapping->name, value, n + 1);
    return true;
}

static bool read_mapping(struct reading *reading, const char *key, const char *value)
{
    static const struct choice ENCODINGS[] = {{"auto", CSV_AUTO}, {"utf-8", CSV_UTF8}, {"windows-1252", CSV_WINDOWS_1252}, {NULL, 0}};
    static const struct choice DELIMITERS[] = {{"auto", 0},   {"comma", ','}, {",", ','}, {"semicolon", ';'}, {";", ';'},
                                               {"tab", '\t'}, {"bar", '|'},   {"|", '|'}, {NULL, 0}};
    static const struct choice MARKS[] = {{"auto", 0}, {"point", '.'}, {"comma", ','}, {NULL, 0}};
    static const struct choice YES_NO[] = {{"yes", 1}, {"no", 0}, {NULL, 0}};
    struct mapping *mapping = reading->mapping;
    int choice = 0;

    if (strcmp(key, "name") == 0) {
        return read_name(reading, value);
    }
    if (strcmp(key, "kind") == 0) {
        mapping->kind = kind_by_name(span_text(value));
        return mapping->kind != NULL || reading_wrong(reading, N_("There is no kind '%s' of records."), value);
    }
    if (strcmp(key, "encoding") == 0) {
        bool is_good = choose(reading, value, ENCODINGS, &choice);

        mapping->encoding = (enum csv_encoding)choice;
        return is_good;
    }
    if (strcmp(key, "delimiter") == 0) {
        bool is_good = choose(reading, value, DELIMITERS, &choice);

        mapping->delimiter = (char)choice;
        return is_good;
    }
    if (strcmp(key, "decimal_mark") == 0) {
        bool is_good = choose(reading, value, MARKS, &choice);

        mapping->decimal_mark = (char)choice;
        return is_good;
    }
    if (strcmp(key, "aggregate") == 0) {
        bool is_good = choose(reading, value, YES_NO, &choice);

        mapping->is_aggregate = choice != 0;
        return is_good;
    }
    if (strcmp(key, "id_column") == 0) {
        mapping->id_column = reading_keep(reading, value, strlen(value));
        return mapping->id_column != NULL;
    }
    return reading_wrong(reading, N_("[mapping] has no setting '%s'."), key);
}

/* ---- [dates] ---- */

static bool read_dates(struct reading *reading, const char *key, const char *value)
{
    struct mapping *mapping = reading->mapping;
    struct span piece;

    if (strcmp(key, "fiscal_start") == 0) {
        mapping->fiscal_start = month_by_name(span_text(value));
        return mapping->fiscal_start != 0 || reading_wrong(reading, N_("'%s' is not the name of a month."), value);
    }
    if (strcmp(key, "formats") != 0) {
        return reading_wrong(reading, N_("[dates] has no setting '%s'."), key);
    }
    while (reading_piece(&value, '|', &piece)) {
        if (piece.n == 0 || mapping->format_count == MAPPING_FORMATS_MAX) {
            return reading_wrong(reading, N_("Give 1 to 8 formats with '|' between them: D-Mon-YY | M/D/YYYY."), "");
        }
        mapping->formats[mapping->format_count] = reading_keep(reading, (const char *)piece.p, piece.n);
        if (mapping->formats[mapping->format_count] == NULL) {
            return false;
        }
        if (strstr(mapping->formats[mapping->format_count], "YY") == NULL) {
            return reading_wrong(reading, N_("The date format '%s' has no year: YYYY or YY."), mapping->formats[mapping->format_count]);
        }
        mapping->format_count++;
    }
    return true;
}

/* ---- [columns] ---- */

const struct field *reading_field(struct reading *reading, struct span name, const struct field **ret_group, uint32_t *ret_item)
{
    char buffer[MAPPING_LINE_BYTES_MAX + 1];
    const struct field *field = kind_field(reading->mapping->kind, name, ret_group, ret_item);

    if (field == NULL || field->type == FIELD_GROUP) {
        (void)reading_wrong(reading, N_("There is no field '%s'. proto/record/FIELDS.md lists them."), reading_shown(name, buffer));
        return NULL;
    }
    if (strcmp(field->name, "release") == 0) { /* what a file says must not look like a promise of who reads it */
        (void)reading_wrong(reading, N_("'%s' is set by the node. Who may read the records is said when they are imported: --to LIST."), field->name);
        return NULL;
    }
    return field;
}

static bool read_split(struct reading *reading, struct mapping_target *target, struct span marks)
{
    char buffer[MAPPING_LINE_BYTES_MAX + 1];

    if (span_equal(marks, span_text("comma"))) {
        marks = span_text(",");
    }
    if (marks.n == 0 || marks.n >= sizeof target->split) {
        return reading_wrong(reading, N_("'%s' cannot part values. Give 1 to 7 characters, or the word comma."), reading_shown(marks, buffer));
    }
    memcpy(target->split, marks.p, marks.n);
    target->split[marks.n] = 0;
    return true;
}

static bool read_option(struct reading *reading, struct mapping_target *target, struct span word)
{
    char buffer[MAPPING_LINE_BYTES_MAX + 1];
    struct span rest;

    if (target->role != TARGET_FIELD) {
        return reading_wrong(reading, N_("The option '%s' does not go with this field."), reading_shown(word, buffer));
    }
    if (span_equal(word, span_text("maybe"))) {
        target->may_lack = true;
        return true;
    }
    if (begins_with(word, "split=", &rest)) {
        return read_split(reading, target, rest);
    }
    if (begins_with(word, "lookup=", &rest)) {
        struct mapping_lookup *lookup = lookup_by_name(reading, reading_shown(rest, buffer));

        if (lookup == NULL) {
            return false;
        }
        lookup->is_used = true;
        target->lookup = lookup;
        return true;
    }
    if (begins_with(word, "place=", &rest)) {
        const struct field *group;
        uint32_t item;

        target->place = reading_field(reading, rest, &group, &item);
        if (target->place == NULL) {
            return false;
        }
        if (target->field->type != FIELD_COUNTRY || group != target->group) {
            return reading_wrong(reading, N_("place=%s does not go with this field: it needs a country of the same group."),
                                 reading_shown(rest, buffer));
        }
        return true;
    }
    if (begins_with(word, "long=", &rest)) {
        const struct field *group;
        uint32_t item;

        target->overflow = reading_field(reading, rest, &group, &item);
        return target->overflow != NULL && ((group == NULL && target->overflow->type == FIELD_TEXT) ||
                                            reading_wrong(reading, N_("long=%s: it must be a text outside groups."), reading_shown(rest, buffer)));
    }
    if (begins_with(word, "unit=", &rest)) {
        target->unit = code_find(&CODES_UNIT, rest);
        if (strcmp(target->field->name, "quantity") != 0 || target->unit == NULL) {
            return reading_wrong(reading, N_("unit=%s: a unit of the list, and only for quantity."), reading_shown(rest, buffer));
        }
        target->unit_field = reading_field(reading, span_text("unit"), &target->group, &(uint32_t){0});
        return target->unit_field != NULL;
    }
    return reading_wrong(reading, N_("There is no option '%s'."), reading_shown(word, buffer));
}

static bool read_target(struct reading *reading, struct mapping_column *column, struct span piece)
{
    static const struct {
        const char *name;
        enum target_role role;
    } ROLES[] = {
        {"ignore", TARGET_IGNORE},
        {"check_year", TARGET_CHECK_YEAR},
        {"fiscal_year", TARGET_FISCAL_YEAR},
        {"fiscal_month", TARGET_FISCAL_MONTH},
    };
    struct mapping_target target = {.role = TARGET_FIELD};
    struct span word;
    bool has_role = false;

    if (column->count == MAPPING_TARGETS_MAX) {
        return reading_wrong(reading, N_("A column can give at most 6 fields."), "");
    }
    if (!next_word(&piece, &word)) {
        return reading_wrong(reading, N_("A column needs a field, or ignore."), "");
    }
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        if (span_equal(word, span_text(ROLES[i].name))) {
            target.role = ROLES[i].role;
            has_role = true;
        }
    }
    if (!has_role) {
        uint32_t item;

        target.field = reading_field(reading, word, &target.group, &item);
        if (target.field == NULL) {
            return false;
        }
        target.item = target.group == NULL ? 0 : strcmp(target.group->name, "item") == 0 || memchr(word.p, '.', word.n) != NULL ? item : 0;
        if (strcmp(target.field->name, "date") == 0) {
            target.end = reading_field(reading, span_text("date_end"), &(const struct field *){NULL}, &item);
        }
    }
    while (next_word(&piece, &word)) {
        if (!read_option(reading, &target, word)) {
            return false;
        }
    }
    column->targets[column->count++] = target;
    return true;
}

static bool read_column(struct reading *reading, const char *key, const char *value)
{
    struct mapping *mapping = reading->mapping;
    struct mapping_column *column;
    struct span piece;

    if (mapping->kind == NULL) {
        return reading_wrong(reading, N_("[mapping] with kind must come before [columns]."), "");
    }
    if (mapping->column_count == MAPPING_COLUMNS_MAX) {
        return reading_wrong(reading, N_("A mapping can have at most 128 columns."), "");
    }
    column = &mapping->columns[mapping->column_count];
    *column = (struct mapping_column){.line = reading->line};
    if (key[0] == '@') {
        column->position = (uint32_t)strtoul(key + 1, NULL, 10);
        if (column->position == 0 || column->position > CSV_COLUMNS_MAX || strspn(key + 1, "0123456789") != strlen(key + 1)) {
            return reading_wrong(reading, N_("'%s' is not the number of a column: @1 to @512."), key);
        }
    } else {
        column->header = reading_keep(reading, key, strlen(key));
        if (column->header == NULL) {
            return false;
        }
        for (uint32_t i = 0; i < mapping->column_count; i++) {
            if (mapping->columns[i].header != NULL && mapping_same_header(span_text(mapping->columns[i].header), span_text(key))) {
                return reading_wrong(reading, N_("The column '%s' is there twice. Give all its fields in one line, with commas."), key);
            }
        }
    }
    while (reading_piece(&value, ',', &piece)) {
        if (!read_target(reading, column, piece)) {
            return false;
        }
    }
    mapping->column_count++;
    return true;
}

/* ---- [constants] ---- */

/* The canonical text of a value for a field; a fault when the field refuses it. */
bool reading_value(struct reading *reading, unsigned line, const struct field *field, struct span given, struct span *ret)
{
    static const char *const WHY = N_("'%s' is not a value of that field.");
    uint8_t bytes[RECORD_TEXT_BYTES_MAX];
    char buffer[MAPPING_LINE_BYTES_MAX + 1];
    struct out out = out_into(bytes, sizeof bytes);
    struct value_fault fault = {FAULT_ERROR, NULL, NULL};
    char *kept;

    if (!value_normalise(field, given, &out, &fault)) {
        return reading_refuse(reading, line, WHY, reading_shown(given, buffer));
    }
    kept = reading_keep(reading, (const char *)bytes, out.at);
    *ret = span_of(kept, out.at);
    return kept != NULL;
}

static bool read_constant(struct reading *reading, const char *key, const char *value)
{
    struct mapping *mapping = reading->mapping;
    struct mapping_constant *constant = &mapping->constants[mapping->constant_count];

    if (mapping->kind == NULL || mapping->constant_count == MAPPING_CONSTANTS_MAX) {
        return reading_wrong(
            reading, mapping->kind == NULL ? N_("[mapping] with kind must come before [constants].") : N_("A mapping can have at most 32 constants."),
            "");
    }
    constant->line = reading->line;
    constant->field = reading_field(reading, span_text(key), &constant->group, &constant->item);
    if (constant->field == NULL || !reading_value(reading, reading->line, constant->field, span_text(value), &constant->text)) {
        return false;
    }
    mapping->constant_count++;
    return true;
}

/* ---- the file ---- */

static int on_line(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;

    if (reading->is_bad) {
        return 1;
    }
    if (value == NULL || name == NULL) {
        return reading_wrong(reading, N_("The line has no value."), "");
    }
    if (strcmp(section, "mapping") == 0) {
        return read_mapping(reading, name, value);
    }
    if (strcmp(section, "dates") == 0) {
        return read_dates(reading, name, value);
    }
    if (strcmp(section, "columns") == 0) {
        return read_column(reading, name, value);
    }
    if (strcmp(section, "constants") == 0) {
        return read_constant(reading, name, value);
    }
    if (strcmp(section, "units") == 0) {
        return lookup_read_entry(reading, "units", name, value);
    }
    if (strncmp(section, "lookup ", 7) == 0) {
        return lookup_read_entry(reading, section + 7, name, value);
    }
    return reading_wrong(reading, N_("There is no section [%s]."), section);
}

/* A line for libinih: counted, checked for length, without blanks in front (which libinih takes for a continuation). */
static char *read_line(char *line, int size, void *arg)
{
    struct reading *reading = arg;
    size_t n;
    size_t blanks = 0;

    if (reading->is_bad || fgets(line, size, reading->file) == NULL) {
        reading->has_failed = reading->has_failed || ferror(reading->file) != 0;
        return NULL;
    }
    reading->line++;
    n = strlen(line);
    if (n > MAPPING_LINE_BYTES_MAX || (n + 1 == (size_t)size && line[n - 1] != '\n')) {
        (void)reading_wrong(reading, N_("The line is longer than 196 bytes, or holds a NUL byte."), "");
        return NULL;
    }
    while (is_blank(line[blanks])) {
        blanks++;
    }
    memmove(line, line + blanks, n - blanks + 1);
    return line;
}

/* ---- all of it ---- */

enum err mapping_read(FILE *file, struct mapping **ret, struct mapping_fault *fault)
{
    struct reading reading = {.file = file, .fault = fault, .mapping = calloc(1, sizeof *reading.mapping)};
    struct mapping *mapping = reading.mapping;
    int result;

    *fault = (struct mapping_fault){.why = ""};
    if (mapping == NULL) {
        return ERR_MEMORY;
    }
    mapping->fiscal_start = 1;
    mapping->text = malloc(MAPPING_TEXT_BYTES);
    mapping->entries = calloc(MAPPING_ENTRIES_MAX, sizeof mapping->entries[0]);
    if (mapping->text == NULL || mapping->entries == NULL) {
        mapping_destroy(&mapping);
        return ERR_MEMORY;
    }
    result = ini_parse_stream(read_line, &reading, on_line, &reading);
    if (result != 0 && !reading.is_bad) {
        (void)reading_refuse(&reading, result > 0 ? (unsigned)result : 0, N_("The line is neither a section, nor a setting with '=', nor a comment."),
                             "");
    }
    if (reading.has_failed || reading.is_bad || !mapping_check(&reading)) {
        mapping_destroy(&mapping);
        return reading.has_failed ? ERR_IO : ERR_CONFIG;
    }
    *ret = mapping;
    return ERR_OK;
}

void mapping_destroy(struct mapping **mapping)
{
    if (*mapping != NULL) {
        free((*mapping)->text);
        free((*mapping)->entries);
        free(*mapping);
    }
    *mapping = NULL;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool mapping_same_header(struct span a, struct span b)
{
    size_t i = 0;
    size_t k = 0;

    a = value_trim(a);
    b = value_trim(b);
    while (i < a.n && k < b.n) {
        bool is_gap = a.p[i] <= ' ' && b.p[k] <= ' ';

        if (!is_gap && lower(a.p[i]) != lower(b.p[k])) {
            return false;
        }
        do { /* a run of blanks is one */
            i++;
        } while (is_gap && i < a.n && a.p[i] <= ' ');
        do {
            k++;
        } while (is_gap && k < b.n && b.p[k] <= ' ');
    }
    return i == a.n && k == b.n;
}

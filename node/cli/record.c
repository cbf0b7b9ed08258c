/* record.c - griot record: enter one record, from fields on the command line, from JSON, or both. What is wrong is shown all at once, in the
 * officer's language. */
#include "node/cli/entry.h"
#include "node/cli/expires.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/cli/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_BYTES_MAX = 262144, NAME_BYTES = 160, NUMBER_BYTES = 40 };

/* What is filled in, and from what. */
struct form {
    const struct invocation *invocation;
    struct entry *entry;
    json_t *source; /* --from; faults borrow from it */
};

/* ---- from the command line ---- */

static int add_operands(struct form *form)
{
    const struct invocation *invocation = form->invocation;

    for (uint32_t i = 1; i < invocation->operand_count; i++) {
        const char *operand = invocation->operands[i];
        const char *equal = strchr(operand, '=');
        char name[NAME_BYTES];
        if (equal == NULL || equal == operand || (size_t)(equal - operand) >= sizeof name) {
            return fail_because(invocation, ERR_USAGE, _("not FIELD=VALUE"), operand,
                                _("write the field's name, =, and its value: place=Dakar; griot record KIND --fields lists the names"));
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)(equal - operand), operand);
        entry_add(form->entry, entry_keep(form->entry, name), equal + 1);
    }
    return OUTCOME_DONE;
}

/* ---- from JSON ---- */

/* A JSON scalar as a person would have typed it. False for null (nothing given) and for what is no scalar. */
static bool scalar_text(const json_t *value, char *number, const char **ret)
{
    if (json_is_string(value)) {
        *ret = json_string_value(value);
    } else if (json_is_boolean(value)) {
        *ret = json_is_true(value) ? "true" : "false";
    } else if (json_is_integer(value)) {
        (void)snprintf(number, NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        *ret = number;
    } else if (json_is_real(value)) {
        /* 15 digits give back what was written for every decimal fraction a person writes; without exponent where the field has none. */
        double real = json_real_value(value);
        (void)snprintf(number, NUMBER_BYTES, fabs(real) < 1e15 && fabs(real) >= 1e-4 ? "%.15g" : "%.17g", real);
        *ret = number;
    } else {
        return false;
    }
    return true;
}

static int bad_shape(const struct form *form, const char *name)
{
    return fail_because(form->invocation, ERR_INVALID, _("this part of the JSON has a shape that no field has"), name,
                        _("write {\"field\": \"value\", \"list\": [\"a\", \"b\"], \"item\": [{\"commodity\": \"cocaine\"}]}"));
}

static int add_value(struct form *form, const char *name, const json_t *value)
{
    char number[NUMBER_BYTES];
    const char *text = NULL;

    if (json_is_null(value)) {
        return OUTCOME_DONE;
    }
    if (!scalar_text(value, number, &text)) {
        return bad_shape(form, name);
    }
    entry_add(form->entry, name, text == number ? entry_keep(form->entry, text) : text);
    return OUTCOME_DONE;
}

/* A value or a list of values. */
static int add_values(struct form *form, const char *name, const json_t *value)
{
    size_t i;
    const json_t *one;
    int outcome = OUTCOME_DONE;

    if (!json_is_array(value)) {
        return add_value(form, name, value);
    }
    json_array_foreach(value, i, one)
    {
        outcome = add_value(form, name, one);
        if (outcome != OUTCOME_DONE) {
            break;
        }
    }
    return outcome;
}

/* Line `number` of a group: its members are named item.1.commodity. */
static int add_line(struct form *form, const char *group, size_t number, json_t *line)
{
    const char *key;
    json_t *value;
    char name[NAME_BYTES];
    int outcome = OUTCOME_DONE;

    json_object_foreach(line, key, value)
    {
        int n = snprintf(name, sizeof name, "%s.%zu.%s", group, number, key);
        if (n < 0 || (size_t)n >= sizeof name) {
            return bad_shape(form, group);
        }
        outcome = add_values(form, entry_keep(form->entry, name), value);
        if (outcome != OUTCOME_DONE) {
            break;
        }
    }
    return outcome;
}

static int add_member(struct form *form, const char *key, json_t *value)
{
    size_t i;
    json_t *line;
    int outcome = OUTCOME_DONE;

    if (json_is_object(value)) {
        return add_line(form, key, 1, value);
    }
    if (!json_is_object(json_array_get(value, 0))) {
        return add_values(form, key, value);
    }
    json_array_foreach(value, i, line)
    {
        outcome = json_is_object(line) ? add_line(form, key, i + 1, line) : bad_shape(form, key);
        if (outcome != OUTCOME_DONE) {
            break;
        }
    }
    return outcome;
}

/* All of a file of at most JSON_BYTES_MAX, NULL when it is longer or cannot be read. */
static char *read_all(FILE *from, size_t *ret_bytes)
{
    char *text = malloc(JSON_BYTES_MAX + 1);
    size_t n = 0;

    if (text != NULL) {
        n = fread(text, 1, JSON_BYTES_MAX + 1, from);
    }
    if (text == NULL || ferror(from) != 0 || n > JSON_BYTES_MAX) {
        free(text);
        return NULL;
    }
    *ret_bytes = n;
    return text;
}

static int add_json(struct form *form, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *from = is_stdin ? stdin : fopen(path, "re");
    size_t bytes = 0;
    char *text;
    json_t *object;
    json_error_t error;
    const char *key;
    json_t *value;
    int outcome = OUTCOME_DONE;

    if (from == NULL) {
        enum err err = errno == EACCES ? ERR_PERMISSION : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        return fail_because(form->invocation, err, _("the file cannot be read"), path, NULL);
    }
    text = read_all(from, &bytes);
    if (!is_stdin) {
        (void)fclose(from);
    }
    if (text == NULL) {
        return fail_because(form->invocation, ERR_OVERSIZE, _("the file cannot be read, or is longer than a record can be"), path, NULL);
    }
    object = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!json_is_object(object)) {
        char why[320];
        if (object != NULL) {
            (void)snprintf(why, sizeof why, _("%s holds JSON, but not an object: {...}"), path);
        } else {
            (void)snprintf(why, sizeof why, _("%s, line %d, column %d"), path, error.line, error.column);
        }
        json_decref(object);
        return fail_because(form->invocation, ERR_INVALID, _("this is not a JSON object"), why, NULL);
    }
    form->source = object;
    json_object_foreach(object, key, value)
    {
        outcome = add_member(form, key, value);
        if (outcome != OUTCOME_DONE) {
            break;
        }
    }
    return outcome;
}

/* ---- the fields of a kind ---- */

static const char *type_word(const struct field *field)
{
    switch (field->type) {
    case FIELD_TEXT:
        return _("text");
    case FIELD_NAME:
        return _("short text");
    case FIELD_CODE:
        return _("code");
    case FIELD_COUNTRY:
        return _("country, two letters");
    case FIELD_DATE:
        return _("date, 2026-11-22");
    case FIELD_TIME:
        return _("time, 2026-11-22T14:02:11Z");
    case FIELD_DECIMAL:
        return _("number");
    case FIELD_COUNT:
        return _("whole number");
    case FIELD_FLAG:
        return _("true or false");
    case FIELD_IDENTIFIER:
        return _("identifier, as written");
    case FIELD_REFERENCE:
        return _("id of a record");
    case FIELD_GROUP:
        return _("lines");
    }
    return "";
}

/* The codes of a list, as many as a person reads at a glance. */
static void codes_text(char *ret, size_t cap, const struct code_list *list)
{
    enum { CODES_SHOWN = 12 };
    size_t at = 0;

    ret[0] = '\0';
    for (size_t i = 0; list != NULL && i < code_list_count(list) && i <= CODES_SHOWN; i++) {
        int n = snprintf(ret + at, cap - at, "%s%s", i > 0 ? " " : "", i == CODES_SHOWN ? "…" : code_list_at(list, i)->code);
        if (n < 0 || (size_t)n >= cap - at) {
            ret[at] = '\0';
            return;
        }
        at += (size_t)n;
    }
}

static void field_rows(struct table *table, const struct field *fields, const char *group, bool is_long)
{
    for (const struct field *field = fields; field->number != 0; field++) {
        char name[NAME_BYTES];
        char help[640];
        char codes[256];
        if ((field->flags & FIELD_LONG) != 0 && !is_long) {
            continue;
        }
        (void)snprintf(name, sizeof name, "%s%s%s", group, group[0] != '\0' ? "." : "", field->name);
        codes_text(codes, sizeof codes, field->codes);
        (void)snprintf(help, sizeof help, "%s%s%s", field->help != NULL ? _(field->help) : "", codes[0] != '\0' ? " " : "", codes);
        table_cell(table, (field->flags & FIELD_MANDATORY) != 0 ? PAINT_TITLE : PAINT_NONE, name);
        table_cell(table, PAINT_WARN, (field->flags & FIELD_MANDATORY) != 0 ? "*" : "");
        table_cell(table, PAINT_NONE, field->label != NULL ? _(field->label) : "");
        table_cell(table, PAINT_FAINT, type_word(field));
        table_cell(table, PAINT_NONE, (field->flags & FIELD_REPEATED) != 0 ? _("several") : "");
        table_cell(table, PAINT_NONE, help);
        if (field->group != NULL) {
            field_rows(table, field->group, field->name, is_long);
        }
    }
}

static json_t *fields_json(const struct field *fields)
{
    json_t *list = json_array();

    for (const struct field *field = fields; field->number != 0; field++) {
        json_t *object = json_pack("{s:s, s:i, s:b, s:b, s:b, s:s*, s:s*}", "name", field->name, "number", (int)field->number, "mandatory",
                                   (field->flags & FIELD_MANDATORY) != 0, "repeated", (field->flags & FIELD_REPEATED) != 0, "long",
                                   (field->flags & FIELD_LONG) != 0, "codes", field->codes != NULL ? code_list_name(field->codes) : NULL, "label",
                                   field->label != NULL ? _(field->label) : NULL);
        if (object != NULL && field->group != NULL) {
            (void)json_object_set_new(object, "fields", fields_json(field->group));
        }
        (void)json_array_append_new(list, object);
    }
    return list;
}

static int show_fields(const struct invocation *invocation, const struct kind *kind)
{
    struct table *table;

    if (invocation->is_json) {
        json_t *answer = output_new("griot.fields/1", NULL);
        (void)json_object_set_new(answer, "kind", json_string(kind->name));
        (void)json_object_set_new(answer, "fields", fields_json(kind->fields));
        int outcome = output_json(answer);
        json_decref(answer);
        return outcome;
    }
    table = table_new(invocation->is_color);
    table_column(table, _("FIELD"), false);
    table_column(table, "*", false);
    table_column(table, _("NAME"), false);
    table_column(table, _("TYPE"), false);
    table_column(table, "", false);
    table_column(table, _("MEANING"), false);
    field_rows(table, kind->fields, "", option_given(invocation, "long"));
    table_print(table, stdout, "");
    table_destroy(&table);
    (void)printf("%s\n",
                 option_given(invocation, "long") ? _("* must be given") : _("* must be given; --long shows the fields of the long form too"));
    return OUTCOME_DONE;
}

static int show_codes(const struct invocation *invocation, const struct kind *kind, const char *name)
{
    const struct field *group = NULL;
    uint32_t item = 0;
    const struct field *field = kind_field(kind, span_text(name), &group, &item);
    const struct code_list *list = field == NULL ? NULL : field->type == FIELD_COUNTRY ? code_list_by_name("country") : field->codes;
    struct table *table;
    json_t *answer;
    json_t *codes;
    int outcome = OUTCOME_DONE;

    if (list == NULL) {
        return fail_because(invocation, ERR_USAGE, _("this field has no list of codes"), name,
                            _("griot record KIND --fields lists the fields and their types"));
    }
    answer = output_new("griot.codes/1", NULL);
    codes = json_array();
    table = table_new(invocation->is_color);
    table_column(table, _("CODE"), false);
    table_column(table, _("NAME"), false);
    table_column(table, _("ALSO"), false);
    for (size_t i = 0; i < code_list_count(list); i++) {
        const struct code *code = code_list_at(list, i);
        const char *label = reply_label(code_list_name(list), code->code);
        table_cell(table, PAINT_NONE, code->code);
        table_cell(table, PAINT_NONE, label);
        table_cell(table, PAINT_FAINT, code->aliases != NULL ? code->aliases : "");
        (void)json_array_append_new(codes, json_pack("{s:s, s:s}", "code", code->code, "label", label));
    }
    (void)json_object_set_new(answer, "field", json_string(field->name));
    (void)json_object_set_new(answer, "codes", codes);
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        table_print(table, stdout, "");
    }
    table_destroy(&table);
    json_decref(answer);
    return outcome;
}

static int fill_in(struct form *form)
{
    const char *from = option_text(form->invocation, "from");
    int outcome = from != NULL ? add_json(form, from) : OUTCOME_DONE;

    return outcome == OUTCOME_DONE ? add_operands(form) : outcome;
}

static int unknown_kind(const struct invocation *invocation, const char *name)
{
    char kinds[160] = "";
    size_t at = 0;

    for (size_t i = 0; kind_at(i) != NULL && at < sizeof kinds; i++) {
        int n = snprintf(kinds + at, sizeof kinds - at, "%s%s", i > 0 ? ", " : "", kind_at(i)->name);
        at += n > 0 ? (size_t)n : 0;
    }
    return fail_because(invocation, ERR_USAGE, _("there is no kind of record of this name"), name, kinds);
}

static int run_record(struct invocation *invocation)
{
    const struct kind *kind = kind_by_name(span_text(invocation->operands[0]));
    const char *to = option_text(invocation, "to");
    struct form form = {.invocation = invocation};
    int outcome;

    if (kind == NULL) {
        return unknown_kind(invocation, invocation->operands[0]);
    }
    if (option_given(invocation, "fields")) {
        return show_fields(invocation, kind);
    }
    if (option_given(invocation, "codes")) {
        return show_codes(invocation, kind, option_text(invocation, "codes"));
    }
    if (invocation->operand_count == 1 && option_text(invocation, "from") == NULL) {
        return fail_because(invocation, ERR_USAGE, _("no field is given"), NULL,
                            _("griot record KIND --fields lists them; --from FILE reads them from JSON"));
    }
    outcome = expires_put(invocation, NULL);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    form.entry = entry_new(invocation, kind, to != NULL ? to : "region");
    if (form.entry == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("the record cannot be built"));
    }
    outcome = fill_in(&form);
    if (outcome == OUTCOME_DONE) {
        outcome = entry_finish(form.entry);
    }
    entry_destroy(&form.entry);
    json_decref(form.source);
    return outcome;
}

static const struct option_row options[] = {
    {"from", 'f', "FILE", N_("read the fields from a JSON file; - reads standard input"), COMPLETES_FILE},
    {"to", 't', "LIST", N_("who may read it: region (default), rilo, local, names of nodes, operation:NAME; separated by commas"), COMPLETES_NOTHING},
    {"expires", 0, "DAY", N_("the day from which on it is hidden everywhere, and soon after erased: 2027-01-31, or 90d for 90 days from now"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before it is recorded"), COMPLETES_NOTHING},
    {"dry-run", 'n', NULL, N_("check only; nothing is recorded"), COMPLETES_NOTHING},
    {"fields", 0, NULL, N_("list the fields of the kind"), COMPLETES_NOTHING},
    {"codes", 0, "FIELD", N_("list the codes that a field takes, with their names"), COMPLETES_NOTHING},
    {"long", 0, NULL, N_("with --fields: those of the long form too"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot record seizure date=2026-11-19 country=SN commodity=cocaine quantity=12.5 unit=kg", N_("from the command line")},
    {"griot record seizure --from saisie.json place=Dakar", N_("from a file, with one more field")},
    {"griot record seizure --to rilo,gm --from saisie.json", N_("readable by this office's RILO and gm only")},
    {"griot record operation name='COCAIR VIII' purpose='Cocaine in air traffic' participant=sn participant=gm", N_("an operation, to which records can be released")},
    {"griot record seizure --codes commodity", N_("the codes of a field")},
    {"griot record alert --fields", N_("which fields an alert has, which must be given")},
    {NULL, NULL},
};

const struct command command_record = {
    .name = "record",
    .usage = "KIND [FIELD=VALUE ...] [--from FILE] [--to LIST] [--expires DAY] [--yes] [--dry-run]",
    .summary = N_("enter a record: a seizure, an alert or an operation"),
    .details =
        N_("The record is checked, signed and written to this node's disk before its id is printed; from then on it is on its way to the others. "
           "All faults are shown at once, each with the field, the value, the rule and what to do."
           "\n\nWho will be able to read it is shown before it is saved: the whole region, or with --to only those named (griot help readers). On a terminal "
           "you are asked once more."
           "\n\nA field that belongs to a line of goods may be named alone (quantity=3) or by line (item.2.quantity=3). A field that takes several "
           "values is given several times. "
           "JSON has the form {\"field\": \"value\", \"list\": [\"a\", \"b\"], \"item\": [{\"commodity\": \"cocaine\"}]}."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = UINT32_MAX,
    .completes = COMPLETES_KIND,
    .run = run_record,
};

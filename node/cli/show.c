/* show.c - griot show: every current version of a record, with the labels of its kind in the language in use. */
#include "node/cli/reply.h"
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "proto/record/record.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_COLUMNS_MAX = 28, VALUE_BYTES_MAX = 4096, READERS_SHOWN_MAX = 40 };

/* A value as people read it: a code with its label. */
static void print_value(FILE *to, const struct field *field, const json_t *value)
{
    char clean[VALUE_BYTES_MAX];
    const char *text = json_string_value(value);
    char *dumped = NULL;
    const char *label;

    if (text == NULL) {
        dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        text = dumped != NULL ? dumped : "?";
    }
    text_clean(clean, sizeof clean, text);
    (void)fputs(clean, to);
    label = field == NULL                  ? text
            : field->codes != NULL         ? reply_label(code_list_name(field->codes), text)
            : field->type == FIELD_COUNTRY ? reply_label("country", text)
                                           : text;
    if (strcmp(label, text) != 0) {
        (void)fprintf(to, "  (%s)", label);
    }
    free(dumped);
}

static void print_label(FILE *to, const char *name, const struct field *field, size_t indent)
{
    char label[256];
    size_t width;

    text_clean(label, sizeof label, field != NULL && field->label != NULL ? _(field->label) : name);
    width = text_width(label) + indent;
    (void)fprintf(to, "%*s%s%*s", (int)indent, "", label, width < LABEL_COLUMNS_MAX ? (int)(LABEL_COLUMNS_MAX - width) : 1, "");
}

static const struct field *field_in(const struct field *fields, const char *name)
{
    for (; fields != NULL && fields->number != 0; fields++) {
        if (strcmp(fields->name, name) == 0) {
            return fields;
        }
    }
    return NULL;
}

static void print_fields(FILE *to, const struct field *fields, json_t *object, size_t indent)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        const struct field *field = field_in(fields, name);
        size_t i;
        json_t *item;
        if (!json_is_array(value)) {
            print_label(to, name, field, indent);
            print_value(to, field, value);
            (void)fputc('\n', to);
            continue;
        }
        json_array_foreach(value, i, item)
        {
            if (json_is_object(item)) {
                print_label(to, name, field, indent);
                (void)fprintf(to, "%zu\n", i + 1);
                print_fields(to, field != NULL ? field->group : NULL, item, indent + 2);
            } else {
                print_label(to, i == 0 ? name : "", i == 0 ? field : NULL, indent);
                print_value(to, field, item);
                (void)fputc('\n', to);
            }
        }
    }
}

/* That it is not for everybody, before what it says. */
static void print_readers(FILE *to, const json_t *version)
{
    char names[1024];

    if (json_is_true(json_object_get(version, "restricted"))) {
        (void)fprintf(to, _("  RESTRICTED, readable by: %s"), reply_names(names, sizeof names, json_object_get(version, "readers"), READERS_SHOWN_MAX));
        (void)fputc('\n', to);
    }
}

void render_show(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *versions = json_object_get(answer, "versions");
    const char *kind_name = reply_string(answer, "kind");
    const struct kind *kind = kind_by_name(span_text(kind_name));
    size_t currents = 0;
    size_t i;
    const json_t *version;
    char when[TEXT_TIME_BYTES];

    json_array_foreach(versions, i, version)
    {
        currents += json_is_true(json_object_get(version, "current"));
    }
    (void)fprintf(to, "%s%s %s%s\n", is_color ? "\033[1m" : "", kind != NULL ? _(kind->label) : kind_name, reply_string(answer, "id"),
                  is_color ? "\033[0m" : "");
    if (currents > 1) {
        (void)fprintf(to,
                      ngettext("%zu version is in force", "%zu versions are in force at once, until the owner writes one that replaces them all",
                               (unsigned long)currents),
                      currents);
        (void)fputc('\n', to);
    }
    json_array_foreach(versions, i, version)
    {
        const char *in_force = json_is_true(json_object_get(version, "current"))        ? _("in force")
                               : !json_is_true(json_object_get(version, "disputed"))     ? _("replaced")
                               : strcmp(reply_string(version, "state"), "disputed") == 0 ? _("disputed: the node has signed another history as well")
                                                                                         : _("quarantined: beyond the cut of its node");
        char depth[TEXT_NUMBER_BYTES];
        (void)fputc('\n', to);
        if (json_object_get(version, "missing") != NULL) { /* of its content nothing is known, its number neither */
            (void)fprintf(to, _("version %.12s, recorded by %s"), reply_string(version, "version"), reply_string(version, "origin"));
            (void)fputc('\n', to);
            render_missing(to, version);
            continue;
        }
        (void)fprintf(to, _("version %s, %s, recorded by %s, %s"), reply_count(depth, version, "depth"), in_force,
                      reply_string(version, "origin"), reply_when(when, reply_string(version, "recorded")));
        (void)fputc('\n', to);
        if (json_object_get(version, "verdicts") != NULL) {
            render_verdicts(to, json_object_get(version, "verdicts"), "  ");
        }
        render_missing(to, version);
        print_readers(to, version);
        print_fields(to, kind != NULL ? kind->fields : NULL, json_object_get(version, "fields"), 2);
    }
    json_array_foreach(json_object_get(answer, "not_here"), i, version)
    {
        (void)fputc('\n', to);
        (void)fprintf(to, _("version %.12s, replaced"), reply_string(version, "version"));
        (void)fputc('\n', to);
        render_missing(to, version);
    }
}

static int run_show(struct invocation *invocation)
{
    json_t *answer = NULL;
    json_t *request = json_pack("{s:s, s:s}", "do", "show", "id", invocation->operands[0]);
    int outcome;

    if (request == NULL) {
        return fail(invocation, ERR_USAGE, "%s", _("a record id is up to 32 digits from 0 to f"));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_show(stdout, answer, invocation->is_color);
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot show 3f8a61c09b7d", N_("the record, with its versions")},
    {NULL, NULL},
};

const struct command command_show = {
    .name = "show",
    .usage = "ID",
    .summary = N_("show a record and its versions"),
    .details = N_("ID is what griot record printed, or its first digits as griot search shows them, at least four. When two versions are in force at "
                  "once, both are shown: the owner decides."),
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_show,
};

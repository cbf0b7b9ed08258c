#include "proto/record/codes.h"
#include "proto/record/kinds.h"

struct page {
    void (*put)(void *arg, const char *text);
    void *arg;
};

static void put(const struct page *page, const char *text)
{
    page->put(page->arg, text);
}

static void put_number(const struct page *page, uint32_t number)
{
    char text[11];
    size_t at = sizeof text - 1;

    text[at] = 0;
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(page, text + at);
}

static const char *type_name(enum field_type type)
{
    switch (type) {
    case FIELD_TEXT:
        return "text";
    case FIELD_NAME:
        return "name";
    case FIELD_CODE:
        return "code";
    case FIELD_COUNTRY:
        return "country";
    case FIELD_DATE:
        return "date";
    case FIELD_TIME:
        return "time";
    case FIELD_DECIMAL:
        return "decimal";
    case FIELD_COUNT:
        return "count";
    case FIELD_FLAG:
        return "flag";
    case FIELD_IDENTIFIER:
        return "identifier";
    case FIELD_REFERENCE:
        return "reference";
    case FIELD_GROUP:
        return "group";
    }
    return "";
}

static void put_field(const struct page *page, const struct field *field, const struct field *group)
{
    put(page, "| ");
    if (group != NULL) {
        put_number(page, group->number);
        put(page, ".");
    }
    put_number(page, field->number);
    put(page, " | `");
    put(page, field->name);
    put(page, "` | ");
    put(page, field->label);
    put(page, " | ");
    put(page, type_name(field->type));
    if (field->codes != NULL) {
        put(page, " [");
        put(page, field->codes->name);
        put(page, "](#");
        put(page, field->codes->name);
        put(page, ")");
    }
    if (field->type == FIELD_TEXT || field->type == FIELD_NAME || field->type == FIELD_IDENTIFIER) {
        put(page, " ");
        put_number(page, field->bytes_max);
    }
    put(page, (field->flags & FIELD_REPEATED) != 0 ? ", repeated" : "");
    put(page, " | ");
    put(page, (field->flags & FIELD_MANDATORY) != 0 ? "must" : (field->flags & FIELD_LONG) != 0 ? "long" : "");
    put(page, " | ");
    put(page, (field->flags & FIELD_EXACT) != 0 && (field->flags & FIELD_WORDS) != 0 ? "value, words"
              : (field->flags & FIELD_EXACT) != 0                                    ? "value"
              : (field->flags & FIELD_WORDS) != 0                                    ? "words"
                                                                                     : "");
    put(page, " | ");
    put(page, field->help);
    put(page, " |\n");
    if (field->type == FIELD_GROUP) {
        for (const struct field *f = field->group; f->number != 0; f++) {
            put_field(page, f, field);
        }
    }
}

static void put_kind(const struct page *page, const struct kind *kind)
{
    put(page, "\n## Kind `");
    put(page, kind->name);
    put(page, "` (");
    put_number(page, (uint32_t)kind->number);
    put(page, ")\n\n| number | name | label | type, bytes | form | searched by | |\n|---|---|---|---|---|---|---|\n");
    for (const struct field *f = kind->fields; f->number != 0; f++) {
        put_field(page, f, NULL);
    }
}

/* Aliases with commas between; a bar would end the table cell. */
static void put_aliases(const struct page *page, const char *aliases)
{
    for (; aliases != NULL && *aliases != 0; aliases++) {
        char text[2] = {*aliases, 0};

        put(page, *aliases == '|' ? ", " : text);
    }
}

static void put_list(const struct page *page, const struct code_list *list)
{
    put(page, "\n### ");
    put(page, list->name);
    put(page, "\n\n| code | en | fr | pt | also |");
    put(page, list->parents != NULL ? " belongs to |\n|---|---|---|---|---|---|\n" : "\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct code *code = &list->codes[i];

        put(page, "| `");
        put(page, code->code);
        for (size_t language = 0; language < 3; language++) {
            put(page, language == 0 ? "` | " : " | ");
            put(page, code->label[language]);
        }
        put(page, " | ");
        put_aliases(page, code->aliases);
        if (list->parents != NULL) {
            put(page, " | ");
            put(page, list->parents[i] != NULL ? list->parents[i] : "");
        }
        put(page, " |\n");
    }
}

void fields_reference(void (*put_text)(void *arg, const char *text), void *arg)
{
    struct page page = {put_text, arg};

    put(&page,
        "# Records: kinds, fields, codes\n\n"
        "Written by `fields_reference` from the tables in this folder; a unit test compares. Change the tables, not this page.\n\n"
        "- Numbers are permanent and never used again. Names are what JSON, the command line, mapping files and queries use; labels are translated.\n"
        "- Form: `must` has to be given (or is filled in as the help says), `long` is for the long form only.\n"
        "- A field of a group is named alone (`quantity`), or with its group and item (`item.2.quantity`). Said again, it begins the next item.\n"
        "- Dates: `2026-11-22`, `2026-11`, `2026`; entered also as `22/11/2026` (day first), `22-Nov-2026`, `22 novembre 2026`.\n"
        "- Decimals have a point and no sign; entered also as `12 500,5` or `6.6e-05`; what can be read in two ways (`1,234`) is refused.\n"
        "- Codes and countries are entered by code, by label in any of the three languages, or by one of the words under \"also\";\n"
        "  case, accents and punctuation do not matter. A code that is not listed is refused.\n"
        "- Limits: 256 values, 32 items of a group, 1800 bytes of values (each counted with 6 bytes more) in a record.\n");
    for (size_t i = 0; kind_at(i) != NULL; i++) {
        put_kind(&page, kind_at(i));
    }
    put(&page, "\n## Code lists\n");
    for (size_t i = 0; code_list_index(i) != NULL; i++) {
        put_list(&page, code_list_index(i));
    }
}

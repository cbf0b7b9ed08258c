#include "node/import/reading.h"

static bool is_unknown_code(struct span text)
{
    return span_equal(text, span_text("UNKNOWN")) || span_equal(text, span_text("XX"));
}

/* Whether the key itself says that nothing is known. */
static bool says_unknown(struct span key)
{
    static const char *const WORDS[] = {"unknown", "not known", "unk",  "inconnu", "inconnue", "desconhecido", "desconhecida",
                                        "n a",     "na",        "none", "-",       "?",        "not stated"};

    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (span_equal(key, span_text(WORDS[i]))) {
            return true;
        }
    }
    return false;
}

/* Whether a column gives the value to some field as it is, so that an unknown code beside it loses nothing. */
static bool keeps_words(const struct mapping_column *column)
{
    for (uint32_t i = 0; i < column->count; i++) {
        const struct mapping_target *target = &column->targets[i];

        if (target->role == TARGET_FIELD && (target->field->type == FIELD_TEXT || target->field->type == FIELD_NAME) && target->lookup == NULL) {
            return true;
        }
    }
    return false;
}

/* An entry's own values, for the field that they go to. */
static bool check_entry(struct reading *reading, const struct mapping_column *column, const struct mapping_target *target,
                        struct mapping_entry *entry)
{
    if (entry->count == 0 && !keeps_words(column)) {
        return reading_refuse(reading, entry->line, N_("The value '%s' would be lost. Give its code, or keep its words in another field."),
                              (const char *)entry->key.p);
    }
    for (uint32_t i = 0; i < entry->count; i++) {
        struct mapping_action *action = &entry->actions[i];
        const struct field *field = action->what == ACTION_MAIN ? target->field : action->what == ACTION_PLACE ? target->place : action->field;

        if (field == NULL) {
            return reading_refuse(reading, entry->line, N_("The entry gives a place, but '%s' has no place= option."), target->field->name);
        }
        if (!reading_value(reading, entry->line, field, action->text, &action->text)) {
            return false;
        }
        if (is_unknown_code(action->text) && !span_equal(entry->key, span_text("*")) && !says_unknown(entry->key) && !keeps_words(column)) {
            return reading_refuse(reading, entry->line,
                                  N_("The source has a value, so it cannot become '%s'. Give its code, or keep its words in another field."),
                                  (const char *)action->text.p);
        }
    }
    return true;
}

static bool check_target(struct reading *reading, const struct mapping_column *column, const struct mapping_target *target)
{
    if (target->may_lack && !keeps_words(column)) {
        return reading_refuse(reading, column->line, N_("maybe: %s may lack a code only when another field of the column keeps the words."),
                              target->field->name);
    }
    for (uint32_t i = 0; target->lookup != NULL && i < target->lookup->count; i++) {
        if (!check_entry(reading, column, target, &target->lookup->entries[i])) {
            return false;
        }
    }
    return true;
}

static bool has_role(const struct mapping *mapping, enum target_role role)
{
    for (uint32_t i = 0; i < mapping->column_count; i++) {
        for (uint32_t k = 0; k < mapping->columns[i].count; k++) {
            if (mapping->columns[i].targets[k].role == role) {
                return true;
            }
        }
    }
    return false;
}

bool mapping_check(struct reading *reading)
{
    struct mapping *mapping = reading->mapping;
    bool has_id = mapping->id_column == NULL;

    if (mapping->name[0] == 0 || mapping->kind == NULL || mapping->column_count == 0) {
        return reading_refuse(reading, 0, N_("A mapping needs [mapping] with name and kind, and [columns]."), "");
    }
    if (!lookup_close_all(reading)) {
        return false;
    }
    for (uint32_t i = 0; i < mapping->column_count; i++) {
        const struct mapping_column *column = &mapping->columns[i];

        has_id = has_id || (column->header != NULL && mapping_same_header(span_text(column->header), span_text(mapping->id_column)));
        for (uint32_t k = 0; k < column->count; k++) {
            if (!check_target(reading, column, &column->targets[k])) {
                return false;
            }
        }
    }
    if (!has_id) {
        return reading_refuse(reading, 0, N_("id_column names '%s', which is not under [columns]."), mapping->id_column);
    }
    if (has_role(mapping, TARGET_FISCAL_YEAR) != has_role(mapping, TARGET_FISCAL_MONTH)) {
        return reading_refuse(reading, 0, N_("fiscal_year and fiscal_month go together."), "");
    }
    return true;
}

#include "node/import/row.h"
#include "proto/record/codes.h"
#include "proto/record/date.h"
#include "proto/record/decimal.h"
#include "proto/record/value.h"

/* Hand a value to the draft; its faults are told under the column. */
enum outcome cell_give(struct run *run, const struct bound *bound, const struct field *field, const struct field *group, uint32_t item,
                       struct span text)
{
    if (!draft_add_field(run->draft, field, group, item, text, &run->faults)) {
        row_tell_faults(run, bound->header);
        return OUTCOME_REJECTED;
    }
    row_tell_faults(run, bound->header);
    if (field->type == FIELD_CODE || field->type == FIELD_COUNTRY) {
        const struct code *code = code_find(field->codes != NULL ? field->codes : &CODES_COUNTRY, text);

        if (code != NULL && (strcmp(code->code, "UNKNOWN") == 0 || strcmp(code->code, "XX") == 0)) {
            return OUTCOME_UNKNOWN;
        }
    }
    return OUTCOME_TYPED;
}

static enum outcome worse(enum outcome a, enum outcome b)
{
    return a > b ? a : b;
}

/* What an entry of a look-up table gives. *ret_place: how the place= field fared. */
static enum outcome give_entry(struct run *run, const struct bound *bound, const struct mapping_target *target, const struct mapping_entry *entry,
                               uint32_t item, enum outcome *ret_place)
{
    enum outcome outcome = OUTCOME_WORDS;

    for (uint32_t i = 0; i < entry->count; i++) {
        const struct mapping_action *action = &entry->actions[i];

        if (action->what == ACTION_PLACE) {
            *ret_place = worse(*ret_place, cell_give(run, bound, target->place, target->group, item, action->text));
        } else if (action->what == ACTION_MAIN) {
            enum outcome given = cell_give(run, bound, target->field, target->group, item, action->text);

            outcome = outcome == OUTCOME_WORDS ? given : worse(outcome, given);
        } else if (cell_give(run, bound, action->field, action->group, action->group != NULL ? 1 : 0, action->text) == OUTCOME_REJECTED) {
            outcome = OUTCOME_REJECTED;
        }
    }
    return outcome;
}

/* "New York, USA": the country behind the last comma, the place before it. */
static enum outcome give_place(struct run *run, const struct bound *bound, const struct mapping_target *target, struct span part, uint32_t item,
                               enum outcome *ret_place)
{
    const uint8_t *comma = memrchr(part.p, ',', part.n);
    struct span country = part;
    const struct mapping_entry *entry;
    enum outcome outcome;

    if (comma != NULL) {
        struct span place = value_trim(span_of(part.p, (size_t)(comma - part.p)));

        country = value_trim(span_of(comma + 1, part.n - (size_t)(comma - part.p) - 1));
        if (place.n > 0) {
            *ret_place = cell_give(run, bound, target->place, target->group, item, place);
        }
    }
    entry = target->lookup != NULL ? mapping_find(target->lookup, country) : NULL;
    outcome =
        entry != NULL ? give_entry(run, bound, target, entry, item, ret_place) : cell_give(run, bound, target->field, target->group, item, country);
    return outcome;
}

static bool write_date(struct run *run, const struct bound *bound, const struct field *field, const struct date *date)
{
    char text[DATE_BYTES_MAX];

    return cell_give(run, bound, field, NULL, 0, span_of(text, date_write(date, text))) != OUTCOME_REJECTED;
}

/* By the formats of the mapping, and no other. */
static enum outcome give_date(struct run *run, const struct bound *bound, const struct mapping_target *target, struct span part)
{
    struct date from;
    struct date to;

    for (uint32_t i = 0; i < run->mapping->format_count; i++) {
        const char *format = run->mapping->formats[i];
        const char *range = strstr(format, " to ");

        if (range == NULL) {
            if (date_parse_as(part, format, &from) == DATE_OK) {
                return write_date(run, bound, target->field, &from) ? OUTCOME_TYPED : OUTCOME_REJECTED;
            }
        } else if (target->end != NULL) {
            char first[MAPPING_LINE_BYTES_MAX + 1];
            const uint8_t *middle = memmem(part.p, part.n, " to ", 4);
            size_t n = middle == NULL ? 0 : (size_t)(middle - part.p);

            memcpy(first, format, (size_t)(range - format));
            first[range - format] = 0;
            if (middle != NULL && date_parse_as(span_of(part.p, n), first, &from) == DATE_OK &&
                date_parse_as(span_of(middle + 4, part.n - n - 4), range + 4, &to) == DATE_OK) {
                return write_date(run, bound, target->field, &from) && write_date(run, bound, target->end, &to) ? OUTCOME_TYPED : OUTCOME_REJECTED;
            }
        }
    }
    row_refuse(run, bound->header, N_("'%s' is not a date in a format of the mapping '%s'."), part, span_text(run->mapping->name));
    return OUTCOME_REJECTED;
}

/* A number whose decimal mark the mapping names is read by that mark alone. */
static enum outcome give_number(struct run *run, const struct bound *bound, const struct mapping_target *target, struct span part, uint32_t item)
{
    char text[DECIMAL_BYTES_MAX];
    size_t n;

    if (decimal_parse(part, run->mapping->decimal_mark, text, &n) != DECIMAL_OK) {
        row_refuse(run, bound->header, N_("'%s' is not a number. Write digits, with '%s' before decimals."), part,
                   span_of(&run->mapping->decimal_mark, 1));
        return OUTCOME_REJECTED;
    }
    return cell_give(run, bound, target->field, target->group, item, span_of(text, n));
}

/* One value of a cell. */
static enum outcome give_part(struct run *run, const struct bound *bound, const struct mapping_target *target, struct span part,
                              enum outcome *ret_place)
{
    const struct field *field = target->field;
    uint32_t item = target->group != NULL && target->item == 0 ? draft_items(run->draft, target->group) + 1 : target->item;
    const struct mapping_entry *entry = target->lookup != NULL ? mapping_find(target->lookup, part) : NULL;
    enum outcome outcome;

    if (entry == NULL && run->mapping->units != NULL && field->codes == &CODES_UNIT) {
        entry = mapping_find(run->mapping->units, part);
    }
    if (entry != NULL) {
        return give_entry(run, bound, target, entry, item, ret_place);
    }
    if (target->place != NULL) {
        return give_place(run, bound, target, part, item, ret_place);
    }
    if (field->type == FIELD_DATE && run->mapping->format_count > 0) {
        return give_date(run, bound, target, part);
    }
    if (target->may_lack && field->type == FIELD_CODE && code_find(field->codes, part) == NULL) {
        return OUTCOME_WORDS;
    }
    if (target->may_lack && field->type == FIELD_COUNTRY && code_find(&CODES_COUNTRY, part) == NULL) {
        return OUTCOME_WORDS;
    }
    if (target->overflow != NULL && part.n > field->bytes_max && (field->type == FIELD_NAME || field->type == FIELD_TEXT)) {
        return cell_give(run, bound, target->overflow, NULL, 0, part) == OUTCOME_REJECTED ? OUTCOME_REJECTED : OUTCOME_WORDS;
    }
    if ((field->type == FIELD_DECIMAL || field->type == FIELD_COUNT) && run->mapping->decimal_mark != 0) {
        outcome = give_number(run, bound, target, part, item);
    } else {
        outcome = cell_give(run, bound, field, target->group, item, part);
    }
    if (outcome == OUTCOME_TYPED && target->unit != NULL) {
        outcome = worse(outcome, cell_give(run, bound, target->unit_field, target->group, item, span_text(target->unit->code)));
    }
    return outcome;
}

static void count_share(struct run *run, uint32_t share, enum outcome outcome)
{
    struct import_share *counts;

    if (share == NO_SHARE) {
        return;
    }
    counts = &run->report->shares[share];
    switch (outcome) {
    case OUTCOME_TYPED:
        counts->typed++;
        break;
    case OUTCOME_WORDS:
        counts->words++;
        break;
    case OUTCOME_REJECTED:
        counts->rejected++;
        break;
    case OUTCOME_NONE:
    case OUTCOME_UNKNOWN:
        counts->unknown++;
        break;
    }
}

/* All values of a cell for one of its fields. */
static void give_field(struct run *run, const struct bound *bound, uint32_t k, struct span cell)
{
    const struct mapping_target *target = &bound->column->targets[k];
    enum outcome outcome = OUTCOME_NONE;
    enum outcome place = OUTCOME_NONE;

    if (cell.n == 0 && target->lookup != NULL && target->lookup->empty != NULL) {
        if (give_entry(run, bound, target, target->lookup->empty, target->item, &place) == OUTCOME_REJECTED) {
            outcome = OUTCOME_REJECTED;
        }
    }
    while (cell.n > 0) {
        size_t n = target->split[0] == 0 ? cell.n : 0;
        struct span part;

        while (n < cell.n && strchr(target->split, cell.p[n]) == NULL) {
            n++;
        }
        part = value_trim(span_of(cell.p, n));
        if (part.n > 0) {
            outcome = worse(outcome, give_part(run, bound, target, part, &place));
        }
        cell = n < cell.n ? span_of(cell.p + n + 1, cell.n - n - 1) : span_of(NULL, 0);
    }
    count_share(run, bound->shares[k], outcome);
    count_share(run, bound->place_shares[k], place);
}

/* "2019", "FY2019", "FY19". 0 when it is none of these. */
uint32_t cell_year(struct span cell)
{
    uint32_t year = 0;

    if (cell.n > 2 && (cell.p[0] | 32) == 'f' && (cell.p[1] | 32) == 'y') {
        cell = value_trim(span_of(cell.p + 2, cell.n - 2));
    }
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] < '0' || cell.p[i] > '9' || i == 4) {
            return 0;
        }
        year = year * 10 + (uint32_t)(cell.p[i] - '0');
    }
    year += cell.n == 2 ? 2000U : 0;
    return year >= YEAR_MIN && year <= YEAR_MAX ? year : 0;
}

/* "OCT", "octobre", "10" */
static uint32_t month_of(struct span cell)
{
    uint32_t month = month_by_name(cell);

    for (size_t i = 0; month == 0 && i < cell.n && cell.n <= 2; i++) {
        if (cell.p[i] < '0' || cell.p[i] > '9') {
            return 0;
        }
        month = i == 0 ? (uint32_t)(cell.p[i] - '0') : month * 10 + (uint32_t)(cell.p[i] - '0');
        if (i == 0 && cell.n == 2) {
            month = month * 10 + (uint32_t)(cell.p[1] >= '0' && cell.p[1] <= '9' ? cell.p[1] - '0' : 99);
            break;
        }
    }
    return month <= 12 ? month : 0;
}

void cell_give_all(struct run *run, const struct bound *bound, struct span cell)
{
    for (uint32_t k = 0; k < bound->column->count; k++) {
        switch (bound->column->targets[k].role) {
        case TARGET_FIELD:
            give_field(run, bound, k, cell);
            break;
        case TARGET_CHECK_YEAR:
            run->year_column = bound->header;
            run->year = cell_year(cell);
            if (cell.n > 0 && run->year == 0) {
                row_refuse(run, bound->header, N_("'%s' is not a year."), cell, cell);
            }
            break;
        case TARGET_FISCAL_YEAR:
            run->fiscal_year = cell_year(cell);
            if (cell.n > 0 && run->fiscal_year == 0) {
                row_refuse(run, bound->header, N_("'%s' is not a year."), cell, cell);
            }
            break;
        case TARGET_FISCAL_MONTH:
            run->fiscal_month = month_of(cell);
            if (cell.n > 0 && run->fiscal_month == 0) {
                row_refuse(run, bound->header, N_("'%s' is not a month."), cell, cell);
            }
            break;
        case TARGET_IGNORE:
            break;
        }
    }
}

/* October 2018 belongs to the fiscal year 2019 that begins in October. */
void cell_give_fiscal_date(struct run *run, const struct bound *bound)
{
    struct date date = {run->fiscal_year, run->fiscal_month, 0};

    if (run->date_share == NO_SHARE) {
        return;
    }
    if (date.year == 0 || date.month == 0) {
        count_share(run, run->date_share, run->is_bad ? OUTCOME_REJECTED : OUTCOME_UNKNOWN);
        return;
    }
    if (run->mapping->fiscal_start > 1 && date.month >= run->mapping->fiscal_start) {
        date.year--;
    }
    count_share(run, run->date_share, write_date(run, bound, run->date_field, &date) ? OUTCOME_TYPED : OUTCOME_REJECTED);
}

#include "node/import/row.h"
#include "proto/record/value.h"

/* ---- sentences ---- */

/* `msgid` in the reader's language, each %s replaced by the next of two values. */
void row_say(const struct run *run, struct out *out, const char *msgid, struct span first, struct span second)
{
    const char *text = run->config->translate != NULL ? run->config->translate(msgid) : msgid;
    struct span value = first;

    while (*text != 0) {
        if (text[0] == '%' && text[1] == 's') {
            for (size_t i = 0; i < value.n && i < 100; i++) {
                out_bytes(out, value.p[i] < 0x20 ? (const uint8_t *)" " : value.p + i, 1);
            }
            value = second;
            text += 2;
        } else {
            out_bytes(out, text++, 1);
        }
    }
}

/* One reason: to the caller, and for an error to the row's reasons. A sentence that filled its room is cut by a byte for the end mark. */
static void tell(struct run *run, enum fault_level level, const char *column, struct out *sentence)
{
    sentence->p[sentence->at < sentence->cap ? sentence->at : sentence->cap - 1] = 0;
    if (run->config->on_fault != NULL) {
        run->config->on_fault(run->config->arg, level, csv_row(run->csv), column, (const char *)sentence->p);
    }
    if (level == FAULT_WARNING) {
        run->report->warnings++;
        return;
    }
    if (run->why.at > 0) {
        out_bytes(&run->why, " | ", 3);
    }
    if (column[0] != 0) {
        out_bytes(&run->why, column, strlen(column));
        out_bytes(&run->why, ": ", 2);
    }
    out_bytes(&run->why, sentence->p, strlen((const char *)sentence->p));
    run->is_bad = true;
}

void row_refuse(struct run *run, const char *column, const char *msgid, struct span first, struct span second)
{
    uint8_t bytes[IMPORT_WHY_BYTES_MAX];
    struct out sentence = out_into(bytes, sizeof bytes);

    row_say(run, &sentence, msgid, first, second);
    tell(run, FAULT_ERROR, column, &sentence);
}

/* Tell the faults of the draft that are new. */
void row_tell_faults(struct run *run, const char *column)
{
    for (; run->fault_at < run->faults.count; run->fault_at++) {
        const struct record_fault *fault = &run->faults.faults[run->fault_at];
        uint8_t bytes[IMPORT_WHY_BYTES_MAX];
        struct out sentence = out_into(bytes, sizeof bytes);

        record_fault_write(fault, run->config->translate, &sentence);
        tell(run, fault->level, column, &sentence);
    }
}

/* ---- one row ---- */

static void give_constants(struct run *run)
{
    static const struct bound NONE = {.header = ""};

    if (run->mapping->is_aggregate) {
        (void)cell_give(run, &NONE, run->flag_field, NULL, 0, span_text("true"));
    }
    for (uint32_t i = 0; i < run->mapping->constant_count; i++) {
        const struct mapping_constant *constant = &run->mapping->constants[i];

        if (!draft_has(run->draft, constant->field->name)) {
            (void)cell_give(run, &NONE, constant->field, constant->group, constant->item, constant->text);
        }
    }
    for (uint32_t i = 0; i < run->config->default_count; i++) {
        const struct import_default *def = &run->config->defaults[i];

        if (!draft_has(run->draft, def->field)) {
            (void)draft_add(run->draft, span_text(def->field), span_text(def->value), &run->faults);
        }
    }
    if (!draft_has(run->draft, "owner")) {
        (void)draft_add(run->draft, span_text("owner"), span_text(run->config->owner), &run->faults);
    }
    (void)draft_add(run->draft, span_text("source"), span_text(run->mapping->name), &run->faults);
    row_tell_faults(run, "");
}

/* The header of the column that feeds a field: where a person has to look. */
static const char *column_of(const struct run *run, const struct field *field)
{
    for (uint32_t i = 0; field != NULL && i < run->column_count; i++) {
        const struct mapping_column *column = run->columns[i].column;

        for (uint32_t k = 0; column != NULL && k < column->count; k++) {
            const struct mapping_target *target = &column->targets[k];

            if (target->field == field || target->place == field || (target->role == TARGET_FISCAL_YEAR && field == run->date_field)) {
                return run->columns[i].header;
            }
        }
    }
    return "";
}

static void check_year(struct run *run)
{
    struct span date = record_get(&run->record, "date");
    struct span year;

    if (run->year != 0 && date.n >= 4) {
        year = span_of(date.p, 4);
        if (cell_year(year) != run->year) {
            row_refuse(run, run->year_column, N_("The year is not that of the date, which was read as %s. Correct one of the two."), date, date);
        }
    }
}

/* The whole of a row: cells, constants, what follows, what contradicts. */
void row_make_record(struct run *run)
{
    const struct bound *fiscal = &run->columns[0];

    for (uint32_t i = 0; i < run->column_count; i++) {
        const struct bound *bound = &run->columns[i];
        struct span cell = value_trim(rejected_unguard(csv_cell(run->csv, i)));

        if (bound->column != NULL) {
            cell_give_all(run, bound, cell);
            fiscal = run->fiscal_year != 0 && fiscal == &run->columns[0] && bound->column->targets[0].role == TARGET_FISCAL_YEAR ? bound : fiscal;
        } else if (!bound->is_reason && cell.n > 0) {
            row_refuse(run, "", N_("There is a cell '%s' in a column without header."), cell, cell);
        }
    }
    cell_give_fiscal_date(run, fiscal);
    give_constants(run);
    if (run->is_bad) {
        return; /* what is missing now is missing because of that */
    }
    (void)draft_finish(run->draft, run->config->today, &run->record, &run->faults);
    for (; run->fault_at < run->faults.count;) {
        size_t all = run->faults.count;

        run->faults.count = run->fault_at + 1; /* one at a time, each under its own column */
        row_tell_faults(run, column_of(run, run->faults.faults[run->fault_at].field));
        run->faults.count = all;
    }
    check_year(run);
}

/* The same bytes for the same row, whatever else the file holds: owner, mapping, and the id or the cells with their number of occurrence. */
enum err row_make_key(struct run *run, struct span *ret)
{
    struct out key = out_into(run->key, sizeof run->key);
    uint32_t count = 0;
    size_t from;
    enum err err;

    out_bytes(&key, run->config->owner, strlen(run->config->owner) + 1);
    out_bytes(&key, run->mapping->name, strlen(run->mapping->name) + 1);
    out_bytes(&key, run->id_column != UINT32_MAX ? "i" : "c", 1);
    from = key.at;
    for (uint32_t i = 0; i < run->column_count; i++) {
        struct span cell = value_trim(rejected_unguard(csv_cell(run->csv, i)));

        if (run->id_column == UINT32_MAX ? run->columns[i].column != NULL : i == run->id_column) {
            out_span(&key, cell);
            out_bytes(&key, "\x1F", 1);
        }
    }
    if (key.is_full) {
        row_refuse(run, "", N_("The row is too long for a record."), span_of(NULL, 0), span_of(NULL, 0));
        return ERR_OK;
    }
    err = seen_count(run->seen, span_of(key.p + from, key.at - from), &count);
    if (err != ERR_OK) {
        return err;
    }
    if (run->id_column != UINT32_MAX) {
        struct span id = span_of(key.p + from, key.at - from - 1);

        if (id.n == 0 || count > 1) {
            row_refuse(run, run->columns[run->id_column].header,
                       id.n == 0 ? N_("The number of the row is missing, by which it would be known again.")
                                 : N_("'%s' is the number of an earlier row too."),
                       id, id);
        }
    } else {
        uint8_t number[4] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count};

        out_bytes(&key, number, sizeof number);
    }
    *ret = out_written(&key);
    return ERR_OK;
}

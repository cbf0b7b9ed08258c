#include "node/import/row.h"
#include "proto/record/value.h"

#include <stdlib.h>

/* The file as a whole does not fit. */
static enum err refuse_file(struct run *run, enum err err, const char *msgid, struct span first, struct span second)
{
    struct out out = out_into(run->report->why, sizeof run->report->why - 1);

    row_say(run, &out, msgid, first, second);
    run->report->why[out.at] = 0;
    return err;
}

/* ---- header ---- */

static uint32_t new_share(struct run *run, const struct bound *bound, const char *field)
{
    struct import_report *report = run->report;

    if (report->share_count == IMPORT_FIELDS_MAX) {
        return NO_SHARE;
    }
    report->shares[report->share_count] = (struct import_share){.column = bound->column->header != NULL ? bound->column->header : "", .field = field};
    return report->share_count++;
}

static void add_shares(struct run *run, struct bound *bound)
{
    for (uint32_t k = 0; k < bound->column->count; k++) {
        const struct mapping_target *target = &bound->column->targets[k];

        bound->shares[k] = bound->place_shares[k] = NO_SHARE;
        if (target->role == TARGET_FIELD) {
            bound->shares[k] = new_share(run, bound, target->field->name);
            if (target->place != NULL) {
                bound->place_shares[k] = new_share(run, bound, target->place->name);
            }
        } else if (target->role == TARGET_FISCAL_YEAR) {
            run->date_share = new_share(run, bound, run->date_field->name);
        }
    }
}

static bool is_column(const struct mapping_column *column, struct span header, size_t index)
{
    return column->header != NULL ? mapping_same_header(span_text(column->header), header) : column->position == index + 1;
}

static enum err bind_column(struct run *run, size_t index, uint32_t *ret_found)
{
    struct bound *bound = &run->columns[index];
    struct span header = value_trim(rejected_unguard(csv_cell(run->csv, index)));
    size_t n = header.n < HEADER_BYTES_MAX ? header.n : HEADER_BYTES_MAX;

    *bound = (struct bound){.column = NULL};
    if (n > 0) {
        memcpy(bound->header, header.p, n);
    }
    bound->header[n] = 0;
    bound->is_reason = mapping_same_header(header, span_text(REJECTED_COLUMN));
    for (uint32_t i = 0; i < run->mapping->column_count; i++) {
        const struct mapping_column *column = &run->mapping->columns[i];

        if (is_column(column, header, index)) {
            for (size_t k = 0; k < index; k++) {
                if (run->columns[k].column == column) {
                    return refuse_file(run, ERR_INVALID, N_("The file has two columns '%s'. Rename one, or use @%s in the mapping."), header,
                                       span_text("N"));
                }
            }
            bound->column = column;
            (*ret_found)++;
            add_shares(run, bound);
            if (column->header != NULL && run->mapping->id_column != NULL && mapping_same_header(header, span_text(run->mapping->id_column))) {
                run->id_column = (uint32_t)index;
            }
        }
    }
    if (bound->column == NULL && !bound->is_reason && header.n > 0) {
        return refuse_file(run, ERR_INVALID,
                           N_("The mapping does not know the column '%s'. Add it under [columns], with ignore when it is to be left out."), header,
                           header);
    }
    return ERR_OK;
}

static enum err read_header(struct run *run)
{
    uint32_t found = 0;
    enum csv_result result = csv_next(run->csv);

    if (result == CSV_ERROR || result == CSV_BAD) {
        return refuse_file(run, csv_has_failed(run->csv) ? ERR_IO : ERR_INVALID, csv_why(run->csv), span_of(NULL, 0), span_of(NULL, 0));
    }
    if (result == CSV_END) {
        return refuse_file(run, ERR_INVALID, N_("The file is empty."), span_of(NULL, 0), span_of(NULL, 0));
    }
    run->report->delimiter = csv_delimiter(run->csv);
    run->column_count = (uint32_t)csv_count(run->csv);
    for (size_t i = 0; i < run->column_count; i++) {
        enum err err = bind_column(run, i, &found);

        if (err != ERR_OK) {
            return err;
        }
    }
    for (uint32_t i = 0; found < run->mapping->column_count && i < run->mapping->column_count; i++) {
        const struct mapping_column *column = &run->mapping->columns[i];
        bool is_there = false;

        for (size_t k = 0; k < run->column_count; k++) {
            is_there = is_there || run->columns[k].column == column;
        }
        if (!is_there) {
            return refuse_file(run, ERR_INVALID, N_("The file has no column '%s', which the mapping '%s' expects. Is it the right mapping?"),
                               span_text(column->header != NULL ? column->header : "@"), span_text(run->mapping->name));
        }
    }
    if (run->config->rejected_path != NULL) {
        run->rejected = rejected_new(run->config->rejected_path, run->report->delimiter);
        return run->rejected == NULL ? ERR_MEMORY : rejected_header(run->rejected, run->csv);
    }
    return ERR_OK;
}

/* ---- rows ---- */

static bool has_right_width(struct run *run)
{
    size_t count = csv_count(run->csv);

    for (size_t i = run->column_count; i < count; i++) {
        if (value_trim(csv_cell(run->csv, i)).n > 0) {
            return false;
        }
    }
    return count >= run->column_count;
}

static enum err offer(struct run *run, struct span key)
{
    enum err err = run->config->on_record != NULL ? run->config->on_record(run->config->arg, &run->record, key, csv_row(run->csv)) : ERR_OK;

    if (err == ERR_OK) {
        run->report->accepted++;
    } else if (err == ERR_EXISTS) {
        run->report->unchanged++;
    } else if (err == ERR_INVALID || err == ERR_OVERSIZE) {
        row_refuse(run, "", N_("The record was refused because %s."), span_text(err_text(err)), span_of(NULL, 0));
    } else {
        return err;
    }
    return ERR_OK;
}

static enum err do_row(struct run *run, bool is_readable)
{
    struct span key = span_of(NULL, 0);
    enum err err = ERR_OK;

    run->report->rows++;
    run->is_bad = false;
    run->why = out_into(run->why_bytes, sizeof run->why_bytes);
    run->faults.count = run->faults.errors = run->fault_at = 0;
    run->year = run->fiscal_year = run->fiscal_month = 0;
    if (!is_readable) {
        row_refuse(run, "", csv_why(run->csv), span_of(NULL, 0), span_of(NULL, 0));
    } else if (!has_right_width(run)) {
        row_refuse(run, "", N_("The row has more or fewer cells than the header. Is a delimiter inside a text, or a part of the row missing?"),
                   span_of(NULL, 0), span_of(NULL, 0));
    } else {
        draft_reset(run->draft, run->mapping->kind);
        err = row_make_key(run, &key);
        if (err == ERR_OK) {
            row_make_record(run);
        }
        if (err == ERR_OK && !run->is_bad) {
            err = offer(run, key);
        }
    }
    if (err == ERR_OK && run->is_bad) {
        run->report->rejected++;
        if (run->rejected != NULL) {
            err = rejected_row(run->rejected, run->csv, !is_readable, out_written(&run->why));
            if (err != ERR_OK) {
                (void)refuse_file(run, err, N_("The file of refused rows '%s' could not be written."), span_text(run->config->rejected_path),
                                  span_of(NULL, 0));
            }
        }
    }
    return err;
}

static bool progress(struct run *run)
{
    run->report->bytes = csv_bytes(run->csv);
    run->report->encoding = csv_encoding(run->csv);
    return run->config->on_progress == NULL || run->config->on_progress(run->config->arg, run->report);
}

static enum err do_rows(struct run *run)
{
    enum err err = read_header(run);
    enum csv_result result = CSV_ROW;

    while (err == ERR_OK && (result = csv_next(run->csv)) != CSV_END) {
        if (result == CSV_ERROR) {
            return refuse_file(run, csv_has_failed(run->csv) ? ERR_IO : ERR_INVALID, csv_why(run->csv), span_of(NULL, 0), span_of(NULL, 0));
        }
        err = do_row(run, result == CSV_ROW);
        if (err == ERR_OK && run->report->rows % IMPORT_PROGRESS_ROWS == 0 && !progress(run)) {
            err = ERR_BUSY;
        }
    }
    return err;
}

static enum err close_run(struct run *run, enum err err)
{
    if (run->rejected != NULL) {
        enum err closed = rejected_close(run->rejected);

        if (closed != ERR_OK && err == ERR_OK) {
            err = refuse_file(run, closed, N_("The file of refused rows '%s' could not be written."), span_text(run->config->rejected_path),
                              span_of(NULL, 0));
        }
    }
    if (run->csv != NULL) {
        (void)progress(run);
    }
    rejected_destroy(&run->rejected);
    seen_destroy(&run->seen);
    draft_destroy(&run->draft);
    csv_destroy(&run->csv);
    return err;
}

enum err import_run(const struct import_config *config, struct import_report *ret)
{
    struct run *run = calloc(1, sizeof *run);
    const struct field *group;
    uint32_t item;
    enum err err;

    *ret = (struct import_report){.rows = 0};
    if (run == NULL) {
        return ERR_MEMORY;
    }
    run->config = config;
    run->mapping = config->mapping;
    run->report = ret;
    run->id_column = UINT32_MAX;
    run->date_share = NO_SHARE;
    run->date_field = kind_field(config->mapping->kind, span_text("date"), &group, &item);
    run->flag_field = kind_field(config->mapping->kind, span_text("is_aggregate"), &group, &item);
    run->csv = csv_new(config->read, config->read_arg, config->mapping->delimiter, config->mapping->encoding);
    run->draft = draft_new(config->mapping->kind);
    run->seen = seen_new(IMPORT_ROWS_MAX);
    err = run->csv == NULL || run->draft == NULL || run->seen == NULL ? ERR_MEMORY : do_rows(run);
    err = close_run(run, err);
    free(run);
    return err;
}

long import_read_file(void *file, uint8_t *buffer, size_t cap)
{
    size_t n = fread(buffer, 1, cap, file);

    return n == 0 && ferror((FILE *)file) ? -1 : (long)n;
}

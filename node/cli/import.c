/* import.c - griot import: a file's rows into signed records, in batches; each batch is durable before the next is built. */
#include "node/cli/ask.h"
#include "node/cli/expires.h"
#include "node/cli/mapping_file.h"
#include "node/cli/origin.h"
#include "node/cli/output.h"
#include "node/cli/readers.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"
#include "node/import/import.h"
#include "proto/limits.h"
#include "proto/pack.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 819200, /* sent when it would grow beyond; the socket takes 900 KiB */
    BATCH_ROOM_BYTES = BATCH_BYTES + IMPORT_KEY_BYTES_MAX + PAYLOAD_BYTES_MAX + 64,
    BATCH_ITEMS_MAX = 8000,  /* the node takes 8192 */
    ERRORS_KEPT_MAX = 10000, /* in the answer; the file of refused rows has all of them */
    ERRORS_SHOWN_MAX = 20,   /* to people */
    DAY_S = 86400,
    PERCENT_STEP = 10,
};

/* One import under way. */
struct import {
    struct invocation *invocation;
    struct client *client; /* NULL: dry run */
    const char *to;        /* who reads the records */
    json_t *readers;       /* the node's answer to that; NULL: it was not asked */
    uint64_t room;         /* bytes that a record may have, by its readers */
    struct import_report report;
    uint8_t *batch;
    struct out out;
    uint32_t items;
    uint64_t fresh, updated, unchanged, kept; /* as the node says */
    json_t *errors;
    uint64_t error_count;
    uint64_t file_bytes; /* 0: not known */
    enum err failed;     /* of the node */
    json_t *failure;     /* its error object, or NULL */
};

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    is_interrupted = 1;
}

static uint64_t count_of(const json_t *result, const char *key)
{
    uint64_t count = 0;

    (void)reply_number(result, key, &count);
    return count;
}

/* What the node says of a batch sent earlier, if anything. */
static enum err take_result(struct import *import, enum err err, json_t *result)
{
    if (err != ERR_OK) {
        import->failed = err;
        import->failure = result;
        return err;
    }
    import->fresh += count_of(result, "new");
    import->updated += count_of(result, "updated");
    import->unchanged += count_of(result, "unchanged");
    import->kept += count_of(result, "kept");
    json_decref(result);
    return ERR_OK;
}

/* Send what is gathered; while the node stores it, the next rows are read. */
static enum err flush(struct import *import)
{
    json_t *result = NULL;
    enum err err;

    if (import->items == 0 || import->client == NULL) {
        return ERR_OK;
    }
    err = client_append_ahead(import->client, out_written(&import->out), &result);
    err = take_result(import, err, result);
    if (err == ERR_OK) {
        import->out = out_into(import->batch, BATCH_ROOM_BYTES);
        import->items = 0;
    }
    return err;
}

/* Until the node has answered all that was sent. */
static enum err finish(struct import *import)
{
    json_t *result = NULL;
    enum err err = client_append_ahead(import->client, span_of(NULL, 0), &result);

    err = take_result(import, err, result);
    return err == ERR_OK ? client_append_end(import->client) : err;
}

static enum err on_record(void *arg, const struct record *record, struct span row_key, uint64_t row)
{
    struct import *import = arg;
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out payload = out_into(bytes, sizeof bytes);
    enum err err = record_encode(record, &payload);

    (void)row;
    if (err != ERR_OK || payload.at > import->room) {
        return err != ERR_OK ? err : ERR_OVERSIZE; /* this row is refused, with its reason */
    }
    if (import->items == BATCH_ITEMS_MAX || import->out.at + row_key.n + payload.at + 16 > BATCH_BYTES) {
        err = flush(import);
        if (err != ERR_OK) {
            return err == ERR_EXISTS || err == ERR_INVALID || err == ERR_OVERSIZE ? ERR_INTERNAL
                                                                                  : err; /* a row's codes: here it is the batch that failed */
        }
    }
    pack_array(&import->out, 2);
    pack_bin(&import->out, row_key);
    pack_bin(&import->out, out_written(&payload));
    import->items++;
    return import->out.is_full ? ERR_INTERNAL : ERR_OK;
}

static void on_fault(void *arg, enum fault_level level, uint64_t row, const char *column, const char *why)
{
    struct import *import = arg;
    json_t *error;

    if (level != FAULT_ERROR) {
        return;
    }
    import->error_count++;
    if (json_array_size(import->errors) < ERRORS_KEPT_MAX) {
        char clean[IMPORT_WHY_BYTES_MAX];
        char name[160];
        text_clean(clean, sizeof clean, why);
        text_clean(name, sizeof name, column);
        error = json_pack("{s:I, s:s, s:s}", "row", (json_int_t)row, "column", name, "why", clean);
        (void)json_array_append_new(import->errors, error);
    }
}

static bool on_progress(void *arg, const struct import_report *report)
{
    struct import *import = arg;
    char rows[TEXT_NUMBER_BYTES];
    char rejected[TEXT_NUMBER_BYTES];
    uint32_t percent = import->file_bytes > 0 ? (uint32_t)(report->bytes * 100 / import->file_bytes) : 0;

    if (import->file_bytes > 0) {
        progress(import->invocation, percent / PERCENT_STEP, _("%s rows read, %s refused, %u %% of the file"), text_count(rows, report->rows),
                 text_count(rejected, report->rejected), percent);
    } else {
        progress(import->invocation, (uint32_t)(report->rows / 100000), _("%s rows read, %s refused"), text_count(rows, report->rows),
                 text_count(rejected, report->rejected));
    }
    return is_interrupted == 0;
}

/* Where refused rows go: beside the file, or in the working folder when that may not be written. */
static bool rejected_path(char *ret, size_t cap, const char *file)
{
    size_t n = strlen(file);
    const char *slash = strrchr(file, '/');
    char folder[PATH_MAX];
    int written;

    n = n > 4 && strcasecmp(file + n - 4, ".csv") == 0 ? n - 4 : n;
    (void)snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : slash == file ? 1 : (int)(slash - file), slash == NULL ? "." : file);
    if (slash != NULL && access(folder, W_OK) != 0) {
        written = snprintf(ret, cap, "%.*s.rejected.csv", (int)(n - (size_t)(slash + 1 - file)), slash + 1);
    } else {
        written = snprintf(ret, cap, "%.*s.rejected.csv", (int)n, file);
    }
    return written > 0 && (size_t)written < cap;
}

/* Shares by field; a field fed by several columns has their sum. */
static json_t *shares_json(const struct import_report *report)
{
    json_t *fields = json_object();

    for (uint32_t i = 0; i < report->share_count && i < IMPORT_FIELDS_MAX; i++) {
        const struct import_share *share = &report->shares[i];
        json_t *sum = json_object_get(fields, share->field);
        const struct {
            const char *key;
            uint64_t count;
        } parts[] = {{"typed", share->typed}, {"words", share->words}, {"unknown", share->unknown}, {"rejected", share->rejected}};
        if (sum == NULL) {
            sum = json_object();
            (void)json_object_set_new(fields, share->field, sum);
        }
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            json_int_t before = json_integer_value(json_object_get(sum, parts[p].key));
            (void)json_object_set_new(sum, parts[p].key, json_integer(before + (json_int_t)parts[p].count));
        }
    }
    return fields;
}

static json_t *import_json(struct import *import, const char *file, const struct mapping *mapping, const char *owner, const char *rejected_file)
{
    const struct import_report *report = &import->report;
    json_t *answer = output_new("griot.import/1", owner);
    bool is_dry = import->client == NULL;
    const struct {
        const char *key;
        uint64_t number;
    } numbers[] = {
        {"rows", report->rows},         {"accepted", report->accepted + report->unchanged},
        {"rejected", report->rejected}, {"new", import->fresh},
        {"updated", import->updated},   {"unchanged", import->unchanged}, {"kept", import->kept},
        {"warnings", report->warnings},
    };

    (void)json_object_set_new(answer, "file", json_string(file));
    (void)json_object_set_new(answer, "map", json_string(mapping->name));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)json_object_set_new(answer, numbers[i].key, json_integer((json_int_t)numbers[i].number));
    }
    (void)json_object_set(answer, "errors", import->errors);
    if (import->error_count > json_array_size(import->errors)) {
        (void)json_object_set_new(answer, "errors_left_out", json_integer((json_int_t)(import->error_count - json_array_size(import->errors))));
    }
    (void)json_object_set_new(answer, "fields", shares_json(report));
    (void)json_object_set_new(answer, "rejected_file", rejected_file != NULL && report->rejected > 0 ? json_string(rejected_file) : json_null());
    (void)json_object_set_new(answer, "dry_run", json_boolean(is_dry));
    readers_put(answer, import->readers);
    return answer;
}

static void print_shares(FILE *to, json_t *fields, bool is_color)
{
    struct table *table = table_new(is_color);
    const char *name;
    const json_t *share;
    char number[TEXT_NUMBER_BYTES];

    table_column(table, _("FIELD"), false);
    table_column(table, _("TYPED"), true);
    table_column(table, _("WORDS ONLY"), true);
    table_column(table, _("UNKNOWN"), true);
    table_column(table, _("REFUSED"), true);
    json_object_foreach(fields, name, share)
    {
        table_cell(table, PAINT_NONE, name);
        table_cell(table, PAINT_NONE, reply_count(number, share, "typed"));
        table_cell(table, PAINT_NONE, reply_count(number, share, "words"));
        table_cell(table, PAINT_NONE, reply_count(number, share, "unknown"));
        table_cell(table, count_of(share, "rejected") > 0 ? PAINT_WARN : PAINT_NONE, reply_count(number, share, "rejected"));
    }
    table_print(table, to, "  ");
    table_destroy(&table);
}

void render_import(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *errors = json_object_get(answer, "errors");
    bool is_dry = json_is_true(json_object_get(answer, "dry_run"));
    char a[TEXT_NUMBER_BYTES];
    char b[TEXT_NUMBER_BYTES];
    char c[TEXT_NUMBER_BYTES];
    char text[IMPORT_WHY_BYTES_MAX];
    size_t i;
    const json_t *error;

    text_clean(text, sizeof text, reply_string(answer, "file"));
    (void)fprintf(to, ngettext("%s, by the mapping %s: %s row", "%s, by the mapping %s: %s rows", (unsigned long)count_of(answer, "rows")), text,
                  reply_string(answer, "map"), reply_count(a, answer, "rows"));
    (void)fputc('\n', to);
    if (is_dry) {
        (void)fprintf(to, _("  valid: %s (nothing was recorded: --dry-run)"), reply_count(a, answer, "accepted"));
    } else {
        (void)fprintf(to, _("  recorded: %s new, %s updated, %s unchanged"), reply_count(a, answer, "new"), reply_count(b, answer, "updated"),
                      reply_count(c, answer, "unchanged"));
    }
    (void)fputc('\n', to);
    if (count_of(answer, "kept") > 0) {
        (void)fprintf(to, _("  %s updated records keep the day of the version they replace, which expires later or never"), reply_count(a, answer, "kept"));
        (void)fputc('\n', to);
    }
    (void)fprintf(to, _("  refused: %s"), reply_count(a, answer, "rejected"));
    if (json_is_string(json_object_get(answer, "rejected_file"))) {
        text_clean(text, sizeof text, reply_string(answer, "rejected_file"));
        (void)fprintf(to, _(", with their reasons in %s"), text);
    }
    (void)fputc('\n', to);
    (void)fprintf(to, _("  warnings: %s"), reply_count(a, answer, "warnings"));
    (void)fputc('\n', to);
    json_array_foreach(errors, i, error)
    {
        if (i == ERRORS_SHOWN_MAX) {
            (void)fprintf(to, _("    … and %s more"), text_count(a, json_array_size(errors) - i + count_of(answer, "errors_left_out")));
            (void)fputc('\n', to);
            break;
        }
        (void)fprintf(to, _("    row %s, %s: %s"), reply_count(a, error, "row"), reply_string(error, "column"), reply_string(error, "why"));
        (void)fputc('\n', to);
    }
    print_shares(to, json_object_get(answer, "fields"), is_color);
}

static int explain_run(struct import *import, enum err err, const char *file)
{
    const struct invocation *invocation = import->invocation;

    if (import->failed != ERR_OK) {
        (void)fail_answer(invocation, import->failed, import->failure);
        tell(invocation, "  %s", _("what was recorded before stays; the same import again goes on without doubling anything"));
        return (int)outcome_of(import->failed);
    }
    if (err == ERR_BUSY) {
        return fail_because(invocation, ERR_BUSY, _("the import was stopped"), _("what was recorded before stays"),
                            _("the same import again goes on without doubling anything"));
    }
    return fail_because(invocation, err, _("the file cannot be imported"), import->report.why[0] != '\0' ? import->report.why : file,
                        err == ERR_IO ? _("copy the file to another disk and try again; nothing is doubled") : NULL);
}

static int print_answer(struct import *import, const char *file, const struct mapping *mapping, const char *owner, const char *rejected_file)
{
    const struct invocation *invocation = import->invocation;
    json_t *answer = import_json(import, file, mapping, owner, rejected_file);
    int outcome = OUTCOME_DONE;

    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_import(stdout, answer, invocation->is_color);
    }
    if (outcome == OUTCOME_DONE && import->report.rejected > 0) {
        bool is_all = import->report.accepted + import->report.unchanged == 0;
        outcome = is_all ? OUTCOME_FAILED : option_given(invocation, "strict") ? OUTCOME_INCOMPLETE : OUTCOME_DONE;
    }
    json_decref(answer);
    return outcome;
}

/* Reach the node, say who will be able to read the records, and begin. A dry run needs the node only to say who they are. */
static int open_node(struct import *import, bool is_dry)
{
    struct invocation *invocation = import->invocation;
    json_t *answer = NULL;
    int outcome = !is_dry && option_given(invocation, "anyway") ? ask(invocation, json_pack("{s:s}", "do", "anyway"), &answer) : OUTCOME_DONE;

    json_decref(answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }

    import->to = option_text(invocation, "to");
    import->room = PAYLOAD_BYTES_MAX;
    if (is_dry && import->to == NULL) {
        return OUTCOME_DONE;
    }
    import->to = import->to != NULL ? import->to : "region";
    outcome = ask_open(invocation, &import->client);
    if (outcome == OUTCOME_DONE) {
        outcome = readers_ask(invocation, import->client, import->to, &import->readers);
    }
    if (outcome == OUTCOME_DONE) {
        (void)reply_number(import->readers, "record_bytes_max", &import->room);
        readers_tell(invocation, import->readers);
    }
    if (outcome == OUTCOME_DONE && !is_dry) {
        outcome = readers_confirm(invocation) ? readers_append_begin(invocation, import->client, "bulk", import->to, import->readers) : OUTCOME_FAILED;
    }
    if (is_dry) {
        client_close(&import->client);
    }
    return outcome;
}

static int run_file(struct import *import, FILE *stream, const char *file, const struct mapping *mapping, const struct origin *origin)
{
    const struct invocation *invocation = import->invocation;
    bool is_dry = option_given(invocation, "dry-run");
    const char *rejected = option_text(invocation, "rejected");
    char path[PATH_MAX];
    struct import_config config = {
        .mapping = mapping,
        .owner = origin->owner,
        .today = (uint32_t)(time(NULL) / DAY_S),
        .translate = gettext,
        .arg = import,
        .read = import_read_file,
        .read_arg = stream,
        .on_record = is_dry ? NULL : on_record,
        .on_fault = on_fault,
        .on_progress = on_progress,
    };
    const struct import_default defaults[] = {{"owner", origin->owner}, {"entry_time", origin->entry_time}, {"country", origin->country}};
    enum err err;
    int outcome;

    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (defaults[i].value[0] != '\0') {
            config.defaults[config.default_count++] = defaults[i];
        }
    }
    if (rejected == NULL && !is_dry) {
        if (!rejected_path(path, sizeof path, file)) {
            return fail(invocation, ERR_USAGE, _("the path is too long: %s"), file);
        }
        rejected = path;
    }
    config.rejected_path = rejected;
    outcome = open_node(import, is_dry);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    err = import_run(&config, &import->report);
    if (err == ERR_OK || err == ERR_BUSY) {
        enum err last = flush(import);
        err = last != ERR_OK ? last : err;
    }
    if (import->failed == ERR_OK && import->client != NULL) {
        enum err last = finish(import);
        err = err == ERR_OK ? last : err;
    }
    progress_end(invocation);
    return err != ERR_OK ? explain_run(import, err, file) : print_answer(import, file, mapping, origin->owner, rejected);
}

/* Ctrl-C ends the import after the row at hand; what is acknowledged is kept. */
static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART}; /* an answer under way is still read */

    (void)sigaction(SIGINT, &action, NULL);
}

static int run_import(struct invocation *invocation)
{
    struct import *import = calloc(1, sizeof *import);
    const char *file = invocation->operands[0];
    const char *map = option_text(invocation, "map");
    struct mapping *mapping = NULL;
    struct origin origin;
    struct stat status;
    FILE *stream = NULL;
    char names[1024];
    int outcome = OUTCOME_DONE;

    if (import == NULL || (import->batch = malloc(BATCH_ROOM_BYTES)) == NULL) {
        free(import);
        return fail(invocation, ERR_MEMORY, "%s", _("the import cannot be started"));
    }
    import->invocation = invocation;
    import->out = out_into(import->batch, BATCH_ROOM_BYTES);
    import->errors = json_array();
    if (map == NULL) {
        char advice[1280];
        (void)snprintf(advice, sizeof advice, _("griot import FILE --map MAP; there are: %s"), mapping_file_names(names, sizeof names));
        outcome = fail_because(invocation, ERR_USAGE, _("no mapping is given"), _("a mapping says which column is which field"), advice);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = expires_put(invocation, NULL);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = mapping_file_read(invocation, map, &mapping);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = origin_read(invocation, option_given(invocation, "dry-run"), &origin);
    }
    if (outcome == OUTCOME_DONE) {
        stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
        if (stream == NULL) {
            outcome = fail_because(invocation,
                                   errno == EACCES   ? ERR_PERMISSION
                                   : errno == ENOENT ? ERR_NOT_FOUND
                                                     : ERR_IO,
                                   _("the file cannot be read"), file, NULL);
        }
    }
    if (outcome == OUTCOME_DONE && fstat(fileno(stream), &status) == 0 && S_ISDIR(status.st_mode)) {
        outcome = fail_because(invocation, ERR_INVALID, _("the file cannot be read"), file, _("that is a folder: name a file in it"));
    }
    if (outcome == OUTCOME_DONE) {
        import->file_bytes = fstat(fileno(stream), &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
        catch_interrupt();
        outcome = run_file(import, stream, file, mapping, &origin);
    }
    if (stream != NULL && stream != stdin) {
        (void)fclose(stream);
    }
    client_close(&import->client);
    mapping_destroy(&mapping);
    json_decref(import->readers);
    json_decref(import->errors);
    json_decref(import->failure);
    free(import->batch);
    free(import);
    return outcome;
}

static const struct option_row options[] = {
    {"map", 'm', "MAP", N_("the mapping: a path, or the name of one that is installed"), COMPLETES_MAPPING},
    {"expires", 0, "DAY", N_("the day from which on it is hidden everywhere, and soon after erased: 2027-01-31, or 90d for 90 days from now"), COMPLETES_NOTHING},
    {"to", 't', "LIST", N_("who may read the records: region (default), rilo, local, names of nodes, operation:NAME; separated by commas"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before they are recorded"), COMPLETES_NOTHING},
    {"dry-run", 'n', NULL, N_("read and check everything; nothing is recorded"), COMPLETES_NOTHING},
    {"anyway", 0, NULL, N_("after a restore: do not wait for what this node had recorded since the backup; rows of that time are then recorded twice"), COMPLETES_NOTHING},
    {"rejected", 0, "FILE", N_("where refused rows go; default: beside the file, as FILE.rejected.csv"), COMPLETES_FILE},
    {"strict", 0, NULL, N_("exit with 6 when a row was refused"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot import saisies.csv --map routes-airport-seizures --dry-run", N_("first see what would be refused, and why")},
    {"griot import saisies.csv --map routes-airport-seizures", N_("then import; again later brings only what is new")},
    {"griot import saisies.csv --map routes-airport-seizures --to rilo", N_("readable by this office and its RILO only")},
    {NULL, NULL},
};

const struct command command_import = {
    .name = "import",
    .usage = "FILE --map MAP [--to LIST] [--expires DAY] [--yes] [--dry-run] [--rejected FILE] [--strict]",
    .summary = N_("bring in records from a CSV file"),
    .details = N_("Each accepted row is one signed record. The same file twice makes no duplicates: a row is known by its source's id column, else "
                  "by its content. "
                  "Every refused row is reported with row, column and reason and written to a file that can be corrected and imported again."
                  "\n\nWho will be able to read the records is shown before anything is recorded: the whole region, or with --to only those named (griot help readers). The same file "
                  "with another --to gives every record a new version for those readers; who could read the one before keeps it."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG,
    .run = run_import,
};

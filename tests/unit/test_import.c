#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/import/import.h"
#include "node/import/rejected.h"
#include "node/import/seen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TODAY = 20779 }; /* 2026-11-22 */

/* What a run gave: records as lines, faults as lines, keys. */
struct got {
    char *records;
    size_t records_n;
    FILE *records_file;
    char *faults;
    size_t faults_n;
    FILE *faults_file;
    uint8_t keys[64][200];
    size_t key_n[64];
    size_t key_count;
    enum err answer;  /* to each record */
    uint64_t stop_at; /* rows after which on_progress says stop */
};

static struct import_report report;
static struct mapping_fault fault;

static void got_open(struct got *got)
{
    *got = (struct got){.answer = ERR_OK, .stop_at = UINT64_MAX};
    got->records_file = open_memstream(&got->records, &got->records_n);
    got->faults_file = open_memstream(&got->faults, &got->faults_n);
    assert_true(got->records_file != NULL && got->faults_file != NULL);
}

static void got_flush(struct got *got)
{
    fflush(got->records_file);
    fflush(got->faults_file);
}

static void got_close(struct got *got)
{
    fclose(got->records_file);
    fclose(got->faults_file);
    free(got->records);
    free(got->faults);
}

static enum err on_record(void *arg, const struct record *record, struct span key, uint64_t row)
{
    struct got *got = arg;
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    assert_int_equal(record_encode(record, &out), ERR_OK);
    fprintf(got->records_file, "%u:", (unsigned)row);
    for (uint32_t i = 0; i < record->value_count; i++) {
        const struct record_value *value = &record->values[i];

        if ((value->field->flags & FIELD_ENVELOPE) == 0 || strcmp(value->field->name, "date") == 0 || strcmp(value->field->name, "date_end") == 0) {
            fprintf(got->records_file, " %s%s%.0u=%.*s", value->field->name, value->item > 1 ? "." : "", value->item > 1 ? value->item : 0,
                    (int)value->text.n, (const char *)value->text.p);
        }
    }
    putc('\n', got->records_file);
    if (got->key_count < 64) {
        assert_true(key.n <= sizeof got->keys[0]);
        memcpy(got->keys[got->key_count], key.p, key.n);
        got->key_n[got->key_count++] = key.n;
    }
    return got->answer;
}

static void on_fault(void *arg, enum fault_level level, uint64_t row, const char *column, const char *why)
{
    fprintf(((struct got *)arg)->faults_file, "%s%u [%s] %s\n", level == FAULT_WARNING ? "warning " : "", (unsigned)row, column, why);
}

static bool on_progress(void *arg, const struct import_report *so_far)
{
    return so_far->rows < ((struct got *)arg)->stop_at;
}

static struct mapping *mapping_of(const char *text)
{
    struct mapping *mapping = NULL;
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

    assert_non_null(file);
    if (mapping_read(file, &mapping, &fault) != ERR_OK) {
        fail_msg("line %u: %s (%s)", fault.line, fault.why, fault.what);
    }
    fclose(file);
    return mapping;
}

static enum err run(const char *mapping_text, const char *csv, const char *rejected_path, struct got *got)
{
    struct mapping *mapping = mapping_of(mapping_text);
    FILE *file = fmemopen((void *)(uintptr_t)csv, strlen(csv), "r");
    struct import_config config = {
        .mapping = mapping,
        .owner = "sn",
        .today = TODAY,
        .rejected_path = rejected_path,
        .arg = got,
        .read = import_read_file,
        .read_arg = file,
        .on_record = on_record,
        .on_fault = on_fault,
        .on_progress = on_progress,
        .default_count = 2,
        .defaults = {{"country", "SN"}, {"entry_time", "2026-11-22T10:00:00Z"}},
    };
    enum err err;

    assert_non_null(file);
    err = import_run(&config, &report);
    got_flush(got);
    fclose(file);
    mapping_destroy(&mapping);
    return err;
}

#define HEAD "[mapping]\nname = test\nkind = seizure\n"

static void cells_become_fields(void **state)
{
    static const struct {
        const char *what;
        const char *mapping;
        const char *csv;
        const char *records;
        const char *faults;
    } ROWS[] = {
        {"simple", HEAD "[columns]\nwhen = date\ngoods = commodity\nkg = quantity unit=KGM\n", "When , GOODS,kg\n22/11/2026,Cocaine,12.5\n",
         "2: date=2026-11-22 country=SN heading=DRG commodity=COCAINE quantity=12.5 unit=KGM quantity_base=12.5 unit_base=KGM\n", ""},
        {"places and several values",
         HEAD "[columns]\nd = date\nw = country place=place lookup=c\nt = transit place=transit_place split=;\ng = commodity\n[constants]\nunit = "
              "UNKNOWN\n"
              "[lookup c]\nROC = CG\nBukavu, Congo = CD, place:Bukavu\nAfrica = place:Africa\n",
         "d,w,t,g\n2026,\"Brazzaville, ROC\",\"Lagos, Nigeria; Mali ;;Boa Vista, Roraima, Brazil\",ivory\n2026,\"Bukavu, "
         "Congo\",,ivory\n2026,Africa,,ivory\n",
         "2: date=2026 country=CG place=Brazzaville heading=CIT commodity=IVORY unit=UNKNOWN transit=NG transit_place=Lagos transit.2=ML "
         "transit.3=BR transit_place.3=Boa Vista, Roraima\n"
         "3: date=2026 country=CD place=Bukavu heading=CIT commodity=IVORY unit=UNKNOWN\n4: date=2026 country=SN place=Africa heading=CIT "
         "commodity=IVORY unit=UNKNOWN\n",
         ""},
        {"weight and pieces", HEAD "[columns]\nd = date\ng = commodity\nkg = quantity unit=KGM\nn = pieces\n[constants]\nunit = UNKNOWN\n",
         "d,g,kg,n\n2026,ivory,5,\n2026,ivory,5,3\n2026,ivory,,3\n2026,ivory,,\n",
         "2: date=2026 country=SN heading=CIT commodity=IVORY quantity=5 unit=KGM quantity_base=5 unit_base=KGM\n"
         "3: date=2026 country=SN heading=CIT commodity=IVORY quantity=5 unit=KGM quantity_base=5 unit_base=KGM pieces=3\n"
         "4: date=2026 country=SN heading=CIT commodity=IVORY quantity=3 unit=H87 quantity_base=3 unit_base=H87\n"
         "5: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN\n",
         ""},
        {"dates by format",
         HEAD
         "[dates]\nformats = D-Mon-YY | M/D/YYYY to M/D/YYYY\n[columns]\nd = date\nyear = check_year\ng = commodity\n[constants]\nunit = UNKNOWN\n",
         "d,year,g\n18-Jan-09,2009,ivory\n5/17/2011 to "
         "5/26/2011,2011,ivory\n2011-05-17,2011,ivory\n11-Apr-11,2014,ivory\n11-Apr-11,MMXI,ivory\n11-Apr-11,,ivory\n",
         "2: date=2009-01-18 country=SN heading=CIT commodity=IVORY unit=UNKNOWN\n3: date=2011-05-17 date_end=2011-05-26 country=SN heading=CIT "
         "commodity=IVORY unit=UNKNOWN\n"
         "7: date=2011-04-11 country=SN heading=CIT commodity=IVORY unit=UNKNOWN\n",
         "4 [d] '2011-05-17' is not a date in a format of the mapping 'test'.\n"
         "5 [year] The year is not that of the date, which was read as 2011-04-11. Correct one of the two.\n6 [year] 'MMXI' is not a year.\n"},
        {"fiscal dates and aggregates",
         "[mapping]\nname = test\nkind = seizure\naggregate = yes\n[dates]\nfiscal_start = October\n[columns]\nfy = fiscal_year\nm = fiscal_month\ng "
         "= commodity\nn = event_count\nlb = quantity unit=LBR\n",
         "fy,m,g,n,lb\nFY2019,OCT,khat,3,0.0\n2019,APR,khat,1,2\n2019,9,khat,1,2\nFY20,12,khat,1,6.6e-05\n2019,Brumaire,khat,1,2\n,OCT,khat,1,2\n",
         "2: date=2018-10 country=SN heading=DRG commodity=KHAT quantity=0 unit=LBR quantity_base=0 unit_base=KGM\n"
         "3: date=2019-04 country=SN heading=DRG commodity=KHAT quantity=2 unit=LBR quantity_base=0.90718474 unit_base=KGM\n"
         "4: date=2019-09 country=SN heading=DRG commodity=KHAT quantity=2 unit=LBR quantity_base=0.90718474 unit_base=KGM\n"
         "5: date=2019-12 country=SN heading=DRG commodity=KHAT quantity=0.000066 unit=LBR quantity_base=0.000029937 unit_base=KGM\n",
         "6 [m] 'Brumaire' is not a month.\n7 [fy] Date is missing. It must be given.\n"},
        {"tables, codes and words",
         HEAD "[columns]\nd = date\ng = commodity\nf = found_by lookup=f maybe, found_text\na = carrier long=narrative\n[constants]\nunit = "
              "UNKNOWN\n[lookup f]\nK9 team = DOG, selected_by:TIP_OFF\n",
         "d,g,f,a\n2026,ivory,k9 TEAM,Air\n2026,ivory,x-ray,\n2026,ivory,by "
         "chance,0123456789012345678901234567890123456789012345678901234567890123456789012345678901234\n2026,unicorn,,\n",
         "2: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN carrier=Air selected_by=TIP_OFF found_by=DOG found_text=k9 TEAM\n"
         "3: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN found_by=XRAY_BAGGAGE found_text=x-ray\n"
         "4: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN found_text=by chance "
         "narrative=0123456789012345678901234567890123456789012345678901234567890123456789012345678901234\n",
         "5 [g] Commodity: 'unicorn' is not in the list. FIELDS.md has all codes with their names.\n"},
        {"decimal comma",
         "[mapping]\nname = test\nkind = seizure\ndecimal_mark = comma\n[columns]\nd = date\ng = commodity\nq = quantity\nu = unit\n[units]\nsack = "
         "H87\n",
         "d;g;q;u\n2026;rice;1.234,5;kg\n2026;rice;12.5;kg\n2026;rice;3;Sack\n",
         "2: date=2026 country=SN heading=REV commodity=RICE quantity=1234.5 unit=KGM quantity_base=1234.5 unit_base=KGM\n"
         "4: date=2026 country=SN heading=REV commodity=RICE quantity=3 unit=H87 quantity_base=3 unit_base=H87\n",
         "3 [q] '12.5' is not a number. Write digits, with ',' before decimals.\n"},
        {"warnings", HEAD "[columns]\nd = date\ng = commodity\nc = container\n[constants]\nunit = UNKNOWN\n", "d,g,c\n2026,ivory,CSQU3054384\n",
         "2: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN container=CSQU3054384\n",
         "warning 2 [c] Container: the check digit of 'CSQU3054384' is wrong. It is kept as given; look at the container again if you can.\n"},
        {"bad rows between good ones", HEAD "[columns]\nd = date\ng = commodity\n[constants]\nunit = UNKNOWN\n",
         "d,g\n2026\n2026,ivory,\n2026,ivory,extra\n2026,\"ivory\n2026,ivory\n2027-01-01,ivory\n,ivory\n",
         "3: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN\n6: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN\n",
         "2 [] The row has more or fewer cells than the header. Is a delimiter inside a text, or a part of the row missing?\n"
         "4 [] The row has more or fewer cells than the header. Is a delimiter inside a text, or a part of the row missing?\n"
         "5 [] A quotation mark is opened and never closed.\n7 [d] Date: '2027-01-01' is in the future.\n8 [d] Date is missing. It must be given.\n"},
        {"an empty cell by the table",
         HEAD "[columns]\nd = date\ng = commodity\nf = found_by lookup=f\n[constants]\nunit = UNKNOWN\n[lookup f]\n* = UNKNOWN\n",
         "d,g,f\n2026,ivory,\n2026,ivory,dog\n2026,ivory,luck\n",
         "2: date=2026 country=SN heading=CIT commodity=IVORY unit=UNKNOWN found_by=UNKNOWN\n3: date=2026 country=SN heading=CIT commodity=IVORY "
         "unit=UNKNOWN found_by=DOG\n",
         "4 [f] How found: 'luck' is not in the list. FIELDS.md has all codes with their names.\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct got got;
        enum err err;

        got_open(&got);
        err = run(ROWS[i].mapping, ROWS[i].csv, NULL, &got);
        if (err != ERR_OK || strcmp(got.records, ROWS[i].records) != 0 || strcmp(got.faults, ROWS[i].faults) != 0) {
            fail_msg("%s: %s %s\n%s\n%s", ROWS[i].what, err_name(err), report.why, got.records, got.faults);
        }
        assert_int_equal(report.rows, report.accepted + report.rejected);
        got_close(&got);
    }
}

#define PLAIN HEAD "[columns]\nd = date\ng = commodity\n[constants]\nunit = UNKNOWN\n"

static void files_that_do_not_fit_are_refused_whole(void **state)
{
    static const struct {
        const char *what;
        const char *csv;
        const char *why;
    } ROWS[] = {
        {"empty", " \n", "The file is empty."},
        {"unknown column", "d,g,h\n", "The mapping does not know the column 'h'. Add it under [columns], with ignore when it is to be left out."},
        {"missing column", "d\n", "The file has no column 'g', which the mapping 'test' expects. Is it the right mapping?"},
        {"same column twice", "d,g,D\n", "The file has two columns 'D'. Rename one, or use @N in the mapping."},
        {"UTF-16",
         "\xFF\xFE"
         "d",
         "The file is UTF-16. Save it as CSV UTF-8."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct got got;

        got_open(&got);
        assert_int_equal(run(PLAIN, ROWS[i].csv, NULL, &got), ERR_INVALID);
        if (strcmp(report.why, ROWS[i].why) != 0) {
            fail_msg("%s: %s", ROWS[i].what, report.why);
        }
        assert_int_equal(report.rows, 0);
        got_close(&got);
    }
}

static void keys_stay_the_same_and_copies_differ(void **state)
{
    static const char CSV[] = "d,g\n2026,ivory\n2026, ivory\n2025,ivory\n2026,ivory\n";
    static const char MORE[] = "g,d\nivory,2024\n";
    struct got first;
    struct got second;

    (void)state;
    got_open(&first);
    got_open(&second);
    assert_int_equal(run(PLAIN, CSV, NULL, &first), ERR_OK);
    assert_int_equal(run(PLAIN, CSV, NULL, &second), ERR_OK);
    assert_int_equal(first.key_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(first.key_n[i], second.key_n[i]);
        assert_memory_equal(first.keys[i], second.keys[i], first.key_n[i]);
        for (size_t k = 0; k < i; k++) {
            assert_false(first.key_n[i] == first.key_n[k] && memcmp(first.keys[i], first.keys[k], first.key_n[i]) == 0);
        }
    }
    assert_memory_equal(first.keys[0], "sn\0test\0c2026\x1Fivory\x1F\0\0\0\1", 24);
    assert_int_equal(first.key_n[0], 24);
    got_close(&first);
    got_open(&first);
    assert_int_equal(run(PLAIN, MORE, NULL, &first), ERR_OK);
    got_close(&first);
    got_close(&second);
}

static void ids_name_rows(void **state)
{
    static const char MAPPING[] =
        "[mapping]\nname = test\nkind = seizure\nid_column = no\n[columns]\nno = external_id\nd = date\ng = commodity\n[constants]\nunit = UNKNOWN\n";
    struct got got;

    (void)state;
    got_open(&got);
    assert_int_equal(run(MAPPING, "no,d,g\n7,2026,ivory\n,2026,ivory\n7,2025,ivory\n8,2026,ivory\n", NULL, &got), ERR_OK);
    assert_int_equal(report.accepted, 2);
    assert_string_equal(
        got.faults, "3 [no] The number of the row is missing, by which it would be known again.\n4 [no] '7' is the number of an earlier row too.\n");
    assert_int_equal(got.key_n[0], 11);
    assert_memory_equal(got.keys[0], "sn\0test\0i7\x1F", 11);
    got_close(&got);
}

static void the_caller_decides_about_records(void **state)
{
    static const struct {
        enum err answer;
        enum err err;
        uint64_t accepted;
        uint64_t unchanged;
        uint64_t rejected;
    } ROWS[] = {
        {ERR_OK, ERR_OK, 2, 0, 0},       {ERR_EXISTS, ERR_OK, 0, 2, 0}, {ERR_INVALID, ERR_OK, 0, 0, 2},
        {ERR_OVERSIZE, ERR_OK, 0, 0, 2}, {ERR_FULL, ERR_FULL, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct got got;

        got_open(&got);
        got.answer = ROWS[i].answer;
        assert_int_equal(run(PLAIN, "d,g\n2026,ivory\n2025,ivory\n", NULL, &got), ROWS[i].err);
        assert_int_equal(report.accepted, ROWS[i].accepted);
        assert_int_equal(report.unchanged, ROWS[i].unchanged);
        assert_int_equal(report.rejected, ROWS[i].rejected);
        got_close(&got);
    }
}

static void a_run_can_be_stopped(void **state)
{
    struct got got;
    char *csv = malloc(30000);
    size_t n = (size_t)sprintf(csv, "d,g\n");

    (void)state;
    for (int i = 0; i < 2000; i++) {
        n += (size_t)sprintf(csv + n, "2026,ivory\n");
    }
    got_open(&got);
    got.stop_at = IMPORT_PROGRESS_ROWS;
    assert_int_equal(run(PLAIN, csv, NULL, &got), ERR_BUSY);
    assert_int_equal(report.rows, IMPORT_PROGRESS_ROWS);
    got_close(&got);
    free(csv);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 100000);

    assert_non_null(text);
    if (file == NULL) {
        free(text);
        return NULL;
    }
    (void)!fread(text, 1, 99999, file);
    fclose(file);
    return text;
}

static void refused_rows_can_be_corrected_and_come_back(void **state)
{
    static const char CSV[] = "g,d,p\n=cmd|x,2026,\"a \"\"b\"\",c\"\n+5,2026,-x\nivory,2026,@home\nivory,2026,=1+1\n-5,2026,\"x\ny\"\ncut,\"2026\n";
    static const char MAPPING[] = HEAD "[columns]\nd = date\ng = commodity\np = place\n[constants]\nunit = UNKNOWN\n";
    char folder[] = "/tmp/griot-test-XXXXXX";
    char path[64];
    char part[80];
    struct got got;
    struct got again;
    struct stat status;
    char *text;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f.rejected.csv", folder);
    snprintf(part, sizeof part, "%s.part", path);
    assert_int_equal(symlink("/nowhere/else", part), 0); /* left there by somebody: not followed */
    got_open(&got);
    assert_int_equal(run(MAPPING, CSV, path, &got), ERR_OK);
    assert_int_equal(report.rejected, 4);
    text = read_file(path);
    assert_non_null(text);
    assert_string_equal(text,
                        "\xEF\xBB\xBFg,d,p,griot_reason\r\n"
                        "'=cmd|x,2026,\"a \"\"b\"\",c\",g: Commodity: '=cmd|x' is not in the list. FIELDS.md has all codes with their names.\r\n"
                        "+5,2026,'-x,g: Commodity: '+5' is not in the list. FIELDS.md has all codes with their names.\r\n"
                        "-5,2026,\"x\ny\",g: Commodity: '-5' is not in the list. FIELDS.md has all codes with their names.\r\n"
                        "\"cut,\"\"2026\",A quotation mark is opened and never closed.\r\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(lstat(part, &status), -1);

    /* The same file again, with its reasons and apostrophes: the same rows, the same reasons. */
    got_open(&again);
    assert_int_equal(run(MAPPING, text, NULL, &again), ERR_OK);
    assert_int_equal(report.rejected, 4);
    assert_non_null(strstr(again.faults, "2 [g] Commodity: '=cmd|x' is not"));
    assert_non_null(strstr(again.faults, "5 [] The row has more or fewer cells"));
    got_close(&again);
    free(text);

    /* Nothing refused: the old file goes. */
    got_open(&again);
    assert_int_equal(run(MAPPING, "d,g,p\n2026,ivory,\n", path, &again), ERR_OK);
    assert_int_equal(stat(path, &status), -1);
    got_close(&again);

    /* Nowhere to write. */
    got_open(&again);
    assert_int_equal(run(MAPPING, CSV, "/nowhere/at/all.csv", &again), ERR_IO);
    assert_non_null(strstr(report.why, "/nowhere/at/all.csv"));
    got_close(&again);
    got_close(&got);
    rmdir(folder);
}

static void a_table_of_rows_counts_and_grows_and_ends(void **state)
{
    struct seen *seen = seen_new(5000);
    uint32_t count;

    (void)state;
    for (uint32_t round = 1; round <= 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            assert_int_equal(seen_count(seen, span_of(&i, sizeof i), &count), ERR_OK);
            assert_int_equal(count, round);
        }
    }
    assert_int_equal(seen_count(seen, span_text("one more"), &count), ERR_LIMIT);
    seen_destroy(&seen);
    seen_destroy(&seen);
}

/* ---- the real files ---- */

static FILE *data_file(const char *name, char path[512])
{
    const char *data = getenv("GRIOT_DATA");

    snprintf(path, 512, "%s/%s", data != NULL ? data : "../shared/data", name);
    return fopen(path, "r");
}

static enum err on_silent_record(void *arg, const struct record *record, struct span key, uint64_t row)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    (void)key;
    (void)row;
    *(size_t *)arg += 1;
    return record_encode(record, &out);
}

static void compare_with_golden(const char *mapping_path, const char *data_name, const char *golden_path)
{
    char path[512];
    FILE *data = data_file(data_name, path);
    FILE *file = fopen(mapping_path, "r");
    struct mapping *mapping = NULL;
    struct import_config config = {.owner = "sn", .today = TODAY, .read = import_read_file, .read_arg = data, .on_record = on_silent_record};
    size_t records = 0;
    char *text = NULL;
    size_t size;
    FILE *out;
    char *golden;

    if (data == NULL) {
        printf("skipped: %s is not here\n", path);
        if (file != NULL) {
            fclose(file);
        }
        skip();
    }
    assert_non_null(file);
    assert_int_equal(mapping_read(file, &mapping, &fault), ERR_OK);
    fclose(file);
    config.mapping = mapping;
    config.arg = &records;
    assert_int_equal(import_run(&config, &report), ERR_OK);
    assert_int_equal(records, report.accepted);
    out = open_memstream(&text, &size);
    fprintf(out, "rows %u\naccepted %u\nrejected %u\nwarnings %u\n", (unsigned)report.rows, (unsigned)report.accepted, (unsigned)report.rejected,
            (unsigned)report.warnings);
    fprintf(out, "# column > field: typed, in words, unknown, rejected\n");
    for (uint32_t i = 0; i < report.share_count; i++) {
        const struct import_share *share = &report.shares[i];

        fprintf(out, "%s > %s: %u %u %u %u\n", share->column, share->field, (unsigned)share->typed, (unsigned)share->words, (unsigned)share->unknown,
                (unsigned)share->rejected);
        assert_int_equal(share->typed + share->words + share->unknown + share->rejected, report.rows);
    }
    fclose(out);
    if (getenv("GRIOT_WRITE_GOLDEN") != NULL) {
        file = fopen(golden_path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    golden = read_file(golden_path);
    assert_non_null(golden);
    assert_string_equal(text, golden);
    free(golden);
    free(text);
    mapping_destroy(&mapping);
    fclose(data);
}

static void airport_seizures_import_as_before(void **state)
{
    (void)state;
    compare_with_golden("deploy/mappings/routes-airport-seizures.ini", "routes-airport-seizures/tot.csv", "tests/golden/import_routes.txt");
}

static void drug_seizures_import_as_before(void **state)
{
    (void)state;
    compare_with_golden("deploy/mappings/cbp-drug-seizures.ini", "cbp-drug-seizures/nationwide-drugs-fy19-fy22.csv", "tests/golden/import_cbp.txt");
}

/* The CBP file over and over, without its header. Printed, not asserted. */
struct loop {
    FILE *file;
    long body;
    int left;
};

static long read_loop(void *arg, uint8_t *buffer, size_t cap)
{
    struct loop *loop = arg;
    size_t n = fread(buffer, 1, cap, loop->file);

    if (n == 0 && loop->left-- > 0) {
        fseek(loop->file, loop->body, SEEK_SET);
        n = fread(buffer, 1, cap, loop->file);
    }
    return (long)n;
}

static void prints_its_speed(void **state)
{
    char path[512];
    char line[1000];
    struct loop loop = {.file = data_file("cbp-drug-seizures/nationwide-drugs-fy19-fy22.csv", path), .left = 5};
    FILE *file = fopen("deploy/mappings/cbp-drug-seizures.ini", "r");
    struct mapping *mapping = NULL;
    struct import_config config = {.owner = "us", .today = TODAY, .read = read_loop, .read_arg = &loop, .on_record = on_silent_record};
    size_t records = 0;
    struct timespec from;
    struct timespec to;
    double seconds;

    (void)state;
    if (loop.file == NULL) {
        printf("skipped: %s is not here\n", path);
        fclose(file);
        skip();
    }
    assert_non_null(fgets(line, sizeof line, loop.file));
    loop.body = ftell(loop.file);
    rewind(loop.file);
    assert_int_equal(mapping_read(file, &mapping, &fault), ERR_OK);
    fclose(file);
    config.mapping = mapping;
    config.arg = &records;
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(import_run(&config, &report), ERR_OK);
    clock_gettime(CLOCK_MONOTONIC, &to);
    seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
    printf("import: %.0f rows/s, checked and encoded (%u rows)\n", (double)report.rows / seconds, (unsigned)report.rows);
    assert_int_equal(report.rejected, 0);
    mapping_destroy(&mapping);
    fclose(loop.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_become_fields),
        cmocka_unit_test(files_that_do_not_fit_are_refused_whole),
        cmocka_unit_test(keys_stay_the_same_and_copies_differ),
        cmocka_unit_test(ids_name_rows),
        cmocka_unit_test(the_caller_decides_about_records),
        cmocka_unit_test(a_run_can_be_stopped),
        cmocka_unit_test(refused_rows_can_be_corrected_and_come_back),
        cmocka_unit_test(a_table_of_rows_counts_and_grows_and_ends),
        cmocka_unit_test(airport_seizures_import_as_before),
        cmocka_unit_test(drug_seizures_import_as_before),
        cmocka_unit_test(prints_its_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/import/mapping.h"

#include <stdlib.h>
#include <string.h>

static struct mapping_fault fault;

static enum err read_text(const char *text, struct mapping **ret)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    enum err err;

    assert_non_null(file);
    err = mapping_read(file, ret, &fault);
    fclose(file);
    return err;
}

#define HEAD "[mapping]\nname = test\nkind = seizure\n"

static void a_good_mapping_is_read(void **state)
{
    static const char TEXT[] =
        "; comment\n" HEAD "encoding = windows-1252\ndelimiter = semicolon\ndecimal_mark = comma\nid_column = No.\naggregate = yes\n"
        "[dates]\nformats = D-Mon-YY | M/D/YYYY to M/D/YYYY\nfiscal_start = octobre\n"
        "[columns]\n  No. = external_id\nCity, Country = country place=place lookup=c\n@3 = quantity unit=lb, ignore\nWho = found_by lookup=f maybe, "
        "found_text\n"
        "Transit = transit split=;& place=transit_place ; a comment\n"
        "[constants]\nmode = air\ncommodity = cocaïne\n[units]\nbox = H87\n"
        "[lookup c]\nROC = CG\nFar, Away = CD, place:Bukavu\nunknown = XX\n* = XX\n[lookup f]\nK9 team = DOG\nnobody = -\n";
    struct mapping *mapping = NULL;
    const struct mapping_entry *entry;

    (void)state;
    if (read_text(TEXT, &mapping) != ERR_OK) {
        fail_msg("line %u: %s (%s)", fault.line, fault.why, fault.what);
    }
    assert_string_equal(mapping->name, "test");
    assert_int_equal(mapping->encoding, CSV_WINDOWS_1252);
    assert_int_equal(mapping->delimiter, ';');
    assert_int_equal(mapping->decimal_mark, ',');
    assert_true(mapping->is_aggregate);
    assert_int_equal(mapping->fiscal_start, 10);
    assert_int_equal(mapping->format_count, 2);
    assert_string_equal(mapping->formats[1], "M/D/YYYY to M/D/YYYY");
    assert_int_equal(mapping->column_count, 5);
    assert_string_equal(mapping->columns[1].header, "City, Country");
    assert_string_equal(mapping->columns[1].targets[0].place->name, "place");
    assert_int_equal(mapping->columns[2].position, 3);
    assert_string_equal(mapping->columns[2].targets[0].unit->code, "LBR");
    assert_int_equal(mapping->columns[2].targets[1].role, TARGET_IGNORE);
    assert_true(mapping->columns[3].targets[0].may_lack);
    assert_string_equal(mapping->columns[4].targets[0].split, ";&");
    assert_string_equal(mapping->columns[4].targets[0].group->name, "via");
    assert_int_equal(mapping->constant_count, 2);
    assert_true(span_equal(mapping->constants[1].text, span_text("COCAINE")));
    assert_non_null(mapping->units);
    entry = mapping_find(mapping->columns[1].targets[0].lookup, span_text("  far AWAY "));
    assert_non_null(entry);
    assert_int_equal(entry->count, 2);
    assert_true(span_equal(entry->actions[0].text, span_text("CD")));
    assert_null(mapping_find(mapping->columns[1].targets[0].lookup, span_text("near")));
    assert_non_null(mapping->columns[1].targets[0].lookup->empty);
    mapping_destroy(&mapping);
    mapping_destroy(&mapping);
}

static void faults_name_their_line(void **state)
{
    static const struct {
        const char *what;
        const char *text;
        unsigned line;
        const char *why; /* how it begins */
    } ROWS[] = {
        {"nothing", "\n", 0, "A mapping needs"},
        {"no columns", HEAD, 0, "A mapping needs"},
        {"no name", "[mapping]\nkind = seizure\n[columns]\na = place\n", 0, "A mapping needs"},
        {"no sense", HEAD "[columns]\nnonsense\n", 5, "The line is neither"},
        {"section", "[maping]\nname = x\n", 2, "There is no section"},
        {"setting", "[mapping]\nnome = x\n", 2, "[mapping] has no setting"},
        {"name", "[mapping]\nname = My Map\n", 2, "The name"},
        {"kind", "[mapping]\nname = x\nkind = bulletin\n", 3, "There is no kind"},
        {"encoding", HEAD "encoding = ebcdic\n", 4, "'%s' is not possible"},
        {"columns first", "[columns]\na = place\n", 2, "[mapping] with kind must"},
        {"constants first", "[constants]\nmode = 4\n", 2, "[mapping] with kind must"},
        {"tables first", "[lookup x]\nmode = 4\n", 2, "[mapping] with kind must"},
        {"field", HEAD "[columns]\na = colour\n", 5, "There is no field"},
        {"readers", HEAD "[columns]\na = release\n", 5, "'%s' is set by the node"},
        {"group", HEAD "[columns]\na = item\n", 5, "There is no field"},
        {"no field", HEAD "[columns]\na = place,\n", 5, "A column needs a field"},
        {"seven fields", HEAD "[columns]\na = place, site, office, flight, waybill, vessel, plate\n", 5, "A column can give"},
        {"option", HEAD "[columns]\na = place fuzzy\n", 5, "There is no option"},
        {"option of ignore", HEAD "[columns]\na = ignore maybe\n", 5, "The option"},
        {"position", HEAD "[columns]\n@0 = place\n", 5, "'%s' is not the number"},
        {"position of words", HEAD "[columns]\n@2nd = place\n", 5, "'%s' is not the number"},
        {"same column", HEAD "[columns]\nA b = place\na  B = site\n", 6, "The column '%s' is there twice"},
        {"split", HEAD "[columns]\na = place split=12345678\n", 5, "'%s' cannot part"},
        {"place of no country", HEAD "[columns]\na = site place=place\n", 5, "place=%s does not go"},
        {"place of another group", HEAD "[columns]\na = origin place=transit_place\n", 5, "place=%s does not go"},
        {"unit", HEAD "[columns]\na = quantity unit=stone\n", 5, "unit=%s"},
        {"unit of a name", HEAD "[columns]\na = place unit=kg\n", 5, "unit=%s"},
        {"long", HEAD "[columns]\na = place long=site\n", 5, "long=%s"},
        {"maybe", HEAD "[columns]\na = found_by maybe\n", 5, "maybe: %s"},
        {"month", HEAD "[dates]\nfiscal_start = 10\n", 5, "'%s' is not the name"},
        {"format", HEAD "[dates]\nformats = D-Mon | \n", 5, "The date format"},
        {"no format", HEAD "[dates]\nformats = D-Mon-YY | \n", 5, "Give 1 to 8"},
        {"dates", HEAD "[dates]\nera = AD\n", 5, "[dates] has no"},
        {"constant", HEAD "[constants]\nmode = teleport\n", 5, "'%s' is not a value"},
        {"no table", HEAD "[columns]\na = country lookup=x\n", 5, "There is no table"},
        {"unused table", HEAD "[columns]\na = country\n[lookup x]\na = SN\n", 7, "No column uses"},
        {"value of a table", HEAD "[columns]\na = country lookup=x\n[lookup x]\na = Atlantis\n", 7, "'%s' is not a value"},
        {"place without option", HEAD "[columns]\na = country lookup=x\n[lookup x]\na = SN, place:Dakar\n", 7, "The entry gives a place"},
        {"field of a table", HEAD "[columns]\na = country lookup=x\n[lookup x]\na = SN, colour:red\n", 7, "There is no field"},
        {"empty entry", HEAD "[columns]\na = country lookup=x\n[lookup x]\na = SN,\n", 7, "The entry '%s' lacks"},
        {"two entries", HEAD "[columns]\na = country lookup=x\n[lookup x]\nÀ b = SN\na-B = SN\n", 8, "The table has two entries"},
        {"two pieces", HEAD "[columns]\na = country lookup=x\nb = origin lookup=y\n[lookup x]\na = SN\n[lookup y]\nb = SN\n[lookup x]\nc = SN\n", 12,
         "The table [lookup %s] is in two"},
        {"unknown for a value", HEAD "[columns]\na = country lookup=x\n[lookup x]\nZaire = XX\n", 7, "The source has a value"},
        {"lost words", HEAD "[columns]\na = country lookup=x\n[lookup x]\nZaire = -\n", 7, "The value '%s' would be lost"},
        {"id column", "[mapping]\nname = x\nkind = seizure\nid_column = No\n[columns]\na = country\n", 0, "id_column names"},
        {"half a fiscal date", HEAD "[columns]\na = fiscal_year\n", 0, "fiscal_year and fiscal_month"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct mapping *mapping = NULL;
        enum err err = read_text(ROWS[i].text, &mapping);

        if (err != ERR_CONFIG || fault.line != ROWS[i].line || strncmp(fault.why, ROWS[i].why, strlen(ROWS[i].why)) != 0) {
            fail_msg("%s: %s, line %u: %s (%s)", ROWS[i].what, err_name(err), fault.line, fault.why, fault.what);
        }
        assert_null(mapping);
    }
}

static void lines_are_bounded(void **state)
{
    char text[600];

    (void)state;
    for (int n = MAPPING_LINE_BYTES_MAX - 1; n <= MAPPING_LINE_BYTES_MAX + 1; n++) { /* with the line end */
        struct mapping *mapping = NULL;
        int used = snprintf(text, sizeof text, "%s[columns]\na = place\n;", HEAD);

        memset(text + used, 'x', (size_t)n - 2);
        memcpy(text + used + n - 2, "\n", 2);
        assert_int_equal(read_text(text, &mapping), n <= MAPPING_LINE_BYTES_MAX ? ERR_OK : ERR_CONFIG);
        assert_int_equal(n <= MAPPING_LINE_BYTES_MAX ? 6 : fault.line, 6);
        mapping_destroy(&mapping);
    }
}

static void too_much_is_refused(void **state)
{
    static char text[1U << 20];

    (void)state;
    for (int columns = MAPPING_COLUMNS_MAX - 1; columns <= MAPPING_COLUMNS_MAX + 1; columns++) {
        struct mapping *mapping = NULL;
        size_t at = (size_t)snprintf(text, sizeof text, "%s[columns]\n", HEAD);

        for (int i = 0; i < columns; i++) {
            at += (size_t)snprintf(text + at, sizeof text - at, "c%d = place\n", i);
        }
        assert_int_equal(read_text(text, &mapping), columns <= MAPPING_COLUMNS_MAX ? ERR_OK : ERR_CONFIG);
        mapping_destroy(&mapping);
    }
    for (int entries = MAPPING_ENTRIES_MAX - 1; entries <= MAPPING_ENTRIES_MAX + 1; entries++) {
        struct mapping *mapping = NULL;
        size_t at = (size_t)snprintf(text, sizeof text, "%s[columns]\na = country lookup=x\n[lookup x]\n", HEAD);

        for (int i = 0; i < entries; i++) {
            at += (size_t)snprintf(text + at, sizeof text - at, "e%d = SN\n", i);
        }
        assert_int_equal(read_text(text, &mapping), entries <= MAPPING_ENTRIES_MAX ? ERR_OK : ERR_CONFIG);
        mapping_destroy(&mapping);
    }
}

static void headers_match_whatever_case_and_blanks(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool is_same;
    } ROWS[] = {
        {"Date", "Date ", true},
        {"Weight (kg)", " weight  (KG) ", true},
        {"Weight (kg)", "Weight kg", false},
        {"", " ", true},
        {"Date", "Dates", false},
        {"a b", "ab", false},
        {"Prénom", "prénom", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        assert_int_equal(mapping_same_header(span_text(ROWS[i].a), span_text(ROWS[i].b)), ROWS[i].is_same);
        assert_int_equal(mapping_same_header(span_text(ROWS[i].b), span_text(ROWS[i].a)), ROWS[i].is_same);
    }
}

static void every_shipped_mapping_is_good(void **state)
{
    static const char *const PATHS[] = {"deploy/mappings/routes-airport-seizures.ini", "deploy/mappings/cbp-drug-seizures.ini"};

    (void)state;
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        struct mapping *mapping = NULL;
        FILE *file = fopen(PATHS[i], "r");

        if (file == NULL) {
            fail_msg("%s is missing; run from the top of the tree", PATHS[i]);
        }
        if (mapping_read(file, &mapping, &fault) != ERR_OK) {
            fail_msg("%s line %u: %s (%s)", PATHS[i], fault.line, fault.why, fault.what);
        }
        fclose(file);
        mapping_destroy(&mapping);
    }
}

static void a_folder_is_no_mapping(void **state)
{
    struct mapping *mapping = NULL;
    FILE *file = fopen("/", "r");

    (void)state;
    assert_non_null(file);
    assert_int_equal(mapping_read(file, &mapping, &fault), ERR_IO);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_mapping_is_read),
        cmocka_unit_test(faults_name_their_line),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(headers_match_whatever_case_and_blanks),
        cmocka_unit_test(every_shipped_mapping_is_good),
        cmocka_unit_test(a_folder_is_no_mapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

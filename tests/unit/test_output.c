/* What a person reads: numbers, ages, tables, and each answer as text. An answer never says more than is known. */
#include "node/cli/faults.h"
#include "node/cli/help.h"
#include "node/cli/output.h" /* before cmocka.h, whose macro fail() would hide our function */
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *text; /* of the last rendering */

static int english(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    (void)language_use("en");
    return 0;
}

static int free_text(void **state)
{
    (void)state;
    free(text);
    text = NULL;
    return 0;
}

static FILE *open_text(size_t *bytes)
{
    FILE *to;

    free(text);
    text = NULL;
    to = open_memstream(&text, bytes);
    assert_non_null(to);
    return to;
}

static json_t *answer_of(const char *source)
{
    json_error_t error;
    json_t *answer = json_loads(source, JSON_REJECT_DUPLICATES, &error);

    if (answer == NULL) {
        fail_msg("%s at %d", error.text, error.position);
    }
    return answer;
}

static void render(void (*function)(FILE *to, const json_t *answer, bool is_color), const char *source)
{
    size_t bytes = 0;
    FILE *to = open_text(&bytes);
    json_t *answer = answer_of(source);

    function(to, answer, false);
    assert_int_equal(fclose(to), 0);
    json_decref(answer);
}

static void has(const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

static void lacks(const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("\"%s\" is in:\n%s", part, text);
    }
}

/* ---- numbers ---- */

static void counts_are_grouped(void **state)
{
    static const struct {
        uint64_t number;
        const char *english;
        const char *french;
    } rows[] = {
        {0, "0", "0"},
        {999, "999", "999"},
        {1000, "1,000",
         "1\xe2\x80\xaf"
         "000"},
        {48211, "48,211",
         "48\xe2\x80\xaf"
         "211"},
        {UINT64_MAX, "18,446,744,073,709,551,615", NULL},
    };
    char ret[TEXT_NUMBER_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(text_count(ret, rows[i].number), rows[i].english);
    }
    assert_true(language_use("fr"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)text_count(ret, rows[i].number);
        assert_true(strlen(ret) < sizeof ret);
        if (rows[i].french != NULL) {
            assert_string_equal(ret, rows[i].french);
        }
    }
    assert_true(language_use("en"));
}

static void ages_have_two_units_at_most(void **state)
{
    static const struct {
        uint64_t ms;
        const char *age;
    } rows[] = {
        {0, "< 1 s"},           {999, "< 1 s"},       {1000, "1 s"},        {59999, "59 s"},
        {60000, "1 min"},       {3599999, "59 min"},  {3600000, "1 h"},     {3660000, "1 h 1 min"},
        {21600000, "6 h"},      {24660000, "6 h"},    {86399999, "23 h"},   {86400000, "1 d"},
        {183600000, "2 d 3 h"}, {1209600000, "14 d"}, {1213200000, "14 d"}, {UINT64_MAX, "213503982334 d"},
    };
    char ret[TEXT_NUMBER_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(text_age(ret, rows[i].ms), rows[i].age);
    }
    assert_true(language_use("fr"));
    assert_string_equal(text_age(ret, 183600000), "2 j 3 h");
    assert_true(language_use("en"));
}

static void sizes_have_three_digits(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *size;
    } rows[] = {
        {0, "0 B"}, {999, "999 B"}, {1000, "1.0 KiB"}, {1024, "1.0 KiB"}, {641728512, "612 MiB"}, {10737418240, "10.0 GiB"}, {UINT64_MAX, "16.0 EiB"},
    };
    char ret[TEXT_NUMBER_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(text_bytes(ret, rows[i].bytes), rows[i].size);
    }
    assert_true(language_use("pt"));
    assert_string_equal(text_bytes(ret, 10737418240), "10,0 GiB");
    assert_true(language_use("en"));
}

static void text_from_outside_cannot_steer_a_terminal(void **state)
{
    static const struct {
        const char *what;
        const char *in;
        const char *out;
    } rows[] = {
        {"plain", "Lomé – port", "Lomé – port"},
        {"escape", "a\x1b[2Jb", "a?[2Jb"},
        {"C1",
         "a\xc2\x9b"
         "31m",
         "a?31m"},
        {"line breaks and tabs", "a\nb\tc\rd", "a b c d"},
        {"Latin-1", "Lom\xe9 x", "Lom? x"},
        {"overlong", "\xc0\xaf", "??"},
        {"surrogate", "\xed\xa0\x80", "???"},
        {"beyond Unicode", "\xf4\x90\x80\x80", "????"},
        {"cut character at the end", "a\xe2\x82", "a??"},
        {"right-to-left override",
         "a\xe2\x80\xae"
         "b",
         "a?b"},
        {"zero width",
         "a\xe2\x80\x8b"
         "b",
         "a?b"},
        {"byte order mark",
         "\xef\xbb\xbf"
         "a",
         "?a"},
    };
    char ret[64];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_clean(ret, sizeof ret, rows[i].in);
        if (strcmp(ret, rows[i].out) != 0) {
            fail_msg("%s: %s", rows[i].what, ret);
        }
    }
    text_clean(ret, 4, "aéé"); /* never half a character */
    assert_string_equal(ret, "aé");
    text_clean(ret, 1, "a");
    assert_string_equal(ret, "");
}

static void width_is_what_the_screen_shows(void **state)
{
    char ret[64];
    (void)state;

    assert_int_equal(text_width("Lomé"), 4);
    assert_int_equal(text_width("e\xcc\x81"), 1);
    assert_int_equal(text_width("海关"), 4);
    text_cut(ret, sizeof ret, "saisie de cocaïne", 10);
    assert_string_equal(ret, "saisie de…");
    text_cut(ret, sizeof ret, "cocaïne", 7);
    assert_string_equal(ret, "cocaïne");
    text_cut(ret, sizeof ret, "海关", 3);
    assert_string_equal(ret, "海…");
    text_cut(ret, sizeof ret, "abc", 0);
    assert_string_equal(ret, "");
    text_cut(ret, 6, "abcdefgh", 8);
    assert_true(strlen(ret) < 6);
}

static void a_table_is_aligned_by_width(void **state)
{
    size_t bytes = 0;
    FILE *to = open_text(&bytes);
    struct table *table = table_new(false);
    (void)state;

    table_column(table, "PLACE", false);
    table_column(table, "N", true);
    table_column(table, "NOTE", false);
    table_cell(table, PAINT_NONE, "Lomé");
    table_cell(table, PAINT_BAD, "7");
    table_cell(table, PAINT_NONE, "x");
    table_cell(table, PAINT_NONE, "São Tomé");
    table_cell(table, PAINT_NONE, "1,234");
    table_cell(table, PAINT_NONE, "y\nz");
    table_print(table, to, "  ");
    table_destroy(&table);
    table_destroy(&table);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(text, "  PLACE         N  NOTE\n"
                              "  Lomé          7  x\n"
                              "  São Tomé  1,234  y z\n");
}

static void an_empty_table_prints_nothing(void **state)
{
    size_t bytes = 0;
    FILE *to = open_text(&bytes);
    struct table *table = table_new(true);
    (void)state;

    table_column(table, "A", false);
    table_print(table, to, "");
    table_destroy(&table);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(bytes, 0);
}

/* ---- answers ---- */

#define STATUS_HEAD                                                                                                                                  \
    "{\"schema\":\"griot.status/"                                                                                                                    \
    "1\",\"from\":\"daemon\",\"node\":{\"name\":\"sn\",\"id\":\"00\",\"role\":\"edge\",\"region\":\"11\"},\"version\":\"0.1.0\",\"uptime_ms\":"      \
    "1051200000,"
#define STATUS_REST                                                                                                                                  \
    "\"records\":48212,\"kinds\":{\"seizure\":48211,\"alert\":1},\"aggregates\":0,\"store\":{\"bytes\":641728512,\"disk_free\":4294967296,\"intake\":\"open\"},\"index\":{"           \
    "\"followed\":10,\"journal\":10},\"refused\":[],"

static void a_good_status_says_so_with_numbers(void **state)
{
    (void)state;
    render(render_status, STATUS_HEAD STATUS_REST "\"released\":true,\"missing\":{\"total\":0,\"unknown\":[]},\"warnings\":[],\"peers\":["
                                                  "{\"name\":\"rilo-dakar\",\"state\":\"current\",\"they_miss\":0,\"we_miss\":0},{\"name\":\"rilo-"
                                                  "douala\",\"state\":\"current\",\"they_miss\":0,\"we_miss\":0}]}");
    has("sn   edge · 0.1.0 · up 12 d 4 h");
    has("seen from here, ");
    has("48,211 seizures, 1 alert · store 612 MiB · 4.0 GiB free");
    has("2 of 2 peers hold all that is here");
    has("0 missing: every known entry of every member is here");
    has("2 current");
    has("finds everything that is here");
    has("Next: griot peers     griot search WORD");
    lacks("refused");
    lacks("ATTENTION");
}

static void a_status_without_knowledge_has_no_green_word(void **state)
{
    (void)state;
    render(render_status, STATUS_HEAD STATUS_REST "\"released\":true,\"missing\":{\"total\":null,\"unknown\":[]},\"warnings\":[],\"peers\":[{"
                                                  "\"name\":\"a\",\"state\":\"unknown\",\"they_miss\":null}]}");
    has("not known yet: no peer has said what it holds");
    has("not known yet: no peer has said what there is");
    has("1 unknown");
    lacks("current");
    lacks("every known entry");
    lacks("hold all");
    render(render_status, STATUS_HEAD STATUS_REST "\"missing\":{\"total\":0,\"unknown\":[\"gw\",\"st\"]},\"peers\":[{\"name\":\"a\",\"state\":"
                                                  "\"current\",\"they_miss\":0},{\"name\":\"b\",\"state\":\"silent\"}]}");
    has("1 of 2 peers holds all that is here · unknown for 1");
    has("0 missing of what is known · never heard of: gw, st");
    lacks("every known entry");
    render(render_status, STATUS_HEAD STATUS_REST "\"missing\":{\"total\":0,\"unknown\":[\"gw\",\"st\"],\"alone\":true,\"heard_ms\":180000},\"warnings\":[],"
                                                  "\"peers\":[{\"name\":\"a\",\"state\":\"silent\"}]}");
    has("0 missing of what is known · nothing heard from anybody for 3 min: what there is elsewhere is not known");
    has("Next: griot peers     griot lag");
    lacks("every known entry");
    lacks("never heard of");
    render(render_status, STATUS_HEAD STATUS_REST "\"missing\":{\"total\":0,\"unknown\":[],\"alone\":true,\"heard_ms\":null},\"peers\":[]}");
    has("nobody is heard: what there is elsewhere is not known");
    lacks("every known entry");
    render(render_status, "{}");
    has("not known");
    lacks("current");
}

static void aggregates_are_not_counted_as_seizures(void **state)
{
    (void)state;
    render(render_status, "{\"records\":10866,\"kinds\":{\"seizure\":10863,\"alert\":3},\"aggregates\":10092}");
    has("771 seizures, 10,092 aggregates, 3 alerts");
    render(render_status, "{\"records\":1,\"kinds\":{\"seizure\":1,\"alert\":0},\"aggregates\":1}");
    has("0 seizures, 1 aggregate, 0 alerts");
    render(render_status, "{\"records\":1,\"kinds\":{\"seizure\":1,\"alert\":0},\"aggregates\":null}");
    has("1 seizure, 0 alerts");
    render(render_search, "{\"total\":3,\"complete\":{},\"hits\":[{\"id\":\"aa\",\"kind\":\"seizure\",\"is_aggregate\":true,\"event_count\":1234},"
                          "{\"id\":\"bb\",\"kind\":\"seizure\",\"is_aggregate\":true,\"event_count\":null},"
                          "{\"id\":\"cc\",\"kind\":\"seizure\",\"is_aggregate\":false,\"event_count\":null}]}");
    has("aa  aggregate of 1,234");
    has("bb  aggregate  ");
    has("cc  seizure");
}

static void a_bad_status_says_what_and_what_to_do(void **state)
{
    (void)state;
    render(render_status,
           "{\"from\":\"store\",\"node\":{\"name\":\"gw\",\"role\":\"edge\"},\"version\":\"0.1.0\",\"released\":false,\"missing\":{\"total\":412,"
           "\"unknown\":[]},"
           "\"records\":0,\"kinds\":{\"seizure\":0,\"alert\":0},\"store\":{\"intake\":\"stopped\"},\"index\":{\"followed\":5,\"journal\":8},\"peers\":[],"
           "\"refused\":[{\"code\":\"ERR_BADSIG\",\"clause\":\"WIRE.md 3.4\\u001b[31m\",\"count\":2,\"last\":\"\"}],"
           "\"warnings\":[{\"code\":\"CLOCK-SKEW\",\"text\":\"the clock is 131 s ahead\",\"do\":\"timedatectl set-ntp true\"}]}");
    has("the node is stopped; read from its store");
    has("ATTENTION  the clock is 131 s ahead [CLOCK-SKEW]");
    has("→ timedatectl set-ntp true");
    has("nothing new is taken in: the disk is below its reserve");
    has("kept here until a hub");
    has("412 entries known elsewhere are missing here");
    has("3 entries are not searchable yet");
    has("2 ERR_BADSIG (WIRE.md 3.4?[31m)");
    has("no peer is known");
    has("Next: griot run");
}

static void problems_come_last_among_peers(void **state)
{
    static const char source[] = "{\"from\":\"daemon\",\"peers\":[{\"name\":\"b\",\"role\":\"edge\",\"state\":\"blocked\",\"heard_ms\":9000,\"they_"
                                 "miss\":14,\"we_miss\":null,\"error\":\"no route to host\",\"address\":\"tcp://10.0.0.1:1\"},"
                                 "{\"name\":\"a\",\"role\":\"hub\",\"state\":\"current\",\"heard_ms\":3000,\"rtt_ms\":118,\"they_miss\":0,\"we_"
                                 "miss\":0,\"bytes_in\":2048,\"bytes_out\":0}]}";
    json_t *answer = answer_of(source);
    size_t bytes = 0;
    FILE *to = open_text(&bytes);
    (void)state;

    assert_int_equal(render_peers(to, answer, NULL, false), 2);
    assert_int_equal(fclose(to), 0);
    assert_true(strstr(text, "\na ") < strstr(text, "\nb "));
    has("118 ms");
    has("14?");
    has("tcp://10.0.0.1:1: no route to host");
    has("0 B / 2.0 KiB");
    has("2 peers, problems last, seen from here");
    to = open_text(&bytes);
    assert_int_equal(render_peers(to, answer, "c", false), 0);
    assert_int_equal(fclose(to), 0);
    json_decref(answer);
}

static void lag_shows_a_question_mark_where_nothing_is_known(void **state)
{
    static const char source[] = "{\"from\":\"daemon\",\"node\":\"tt\",\"origins\":[{\"name\":\"sn\",\"here\":{\"entries\":21904,\"missing\":0,"
                                 "\"heard\":true}},{\"name\":\"gw\",\"here\":{\"entries\":0,\"missing\":0,\"heard\":false}}],"
                                 "\"nodes\":[{\"name\":\"dk\",\"at\":3000,\"missing_total\":0,\"by\":{\"sn\":0,\"gw\":0}},{\"name\":\"tg\",\"at\":"
                                 "null,\"missing_total\":null,\"by\":{\"sn\":7}},{\"name\":\"tt\",\"at\":1,\"missing_total\":0,\"by\":{}}]}";
    json_t *answer = answer_of(source);
    size_t bytes = 0;
    FILE *to = open_text(&bytes);
    (void)state;

    render_lag(to, answer, 0, false, false);
    assert_int_equal(fclose(to), 0);
    has("ORIGIN  HELD HERE  here   dk  tg\n");
    has("heard               now  3 s   –\n");
    has("sn         21,904     0    0   7\n");
    has("gw              0     ?    0   ?\n");
    has("total               0+?    0   ?\n");
    to = open_text(&bytes);
    render_lag(to, answer, 40, false, false);
    assert_int_equal(fclose(to), 0);
    has("1 more node lacks nothing by its last word");
    lacks(" dk");
    json_decref(answer);
}

static void a_search_says_how_complete_it_is(void **state)
{
    static const char hit[] = "\"hits\":[{\"id\":\"3f8a61c09b7d4e52a1c7e0d94b2f6a18\",\"kind\":\"seizure\",\"origin\":\"tg\",\"date\":\"2026-11-19\","
                              "\"country\":\"TG\",\"place\":\"Lomé\",\"what\":\"tramadol 225 mg\",\"quantity\":\"1200000\",\"unit\":\"H87\"}]";
    char source[1024];
    json_t *answer;
    (void)state;

    (void)snprintf(
        source, sizeof source,
        "{\"total\":37,\"took_ms\":11,\"offset\":0,\"complete\":{\"origins\":8,\"of\":9,\"missing\":3,\"unknown\":[\"gw\"],\"index_behind\":2},%s}",
        hit);
    render(render_search, source);
    has("37 records, 11 ms · complete for 8 of 9 origins · 3 known entries are not here yet · never heard of: gw · 2 entries are not searchable "
        "yet\n");
    has("3f8a61c09b7d  seizure  2026-11-19  TG Lomé  tramadol 225 mg  1200000 piece  tg");
    has("the next: --offset 1");
    answer = answer_of(source);
    assert_true(reply_is_incomplete(answer));
    json_decref(answer);
    render(render_search, "{\"total\":1,\"complete\":{\"origins\":1,\"of\":3,\"missing\":0,\"unknown\":[\"gw\",\"st\"],\"alone\":true,\"heard_ms\":5000}}");
    has("complete for 1 of 3 origins · nothing heard from anybody for 5 s: what there is elsewhere is not known\n");
    answer = answer_of("{\"complete\":{\"origins\":9,\"of\":9,\"missing\":0,\"unknown\":[],\"index_behind\":0}}");
    assert_false(reply_is_incomplete(answer));
    json_decref(answer);
    answer = answer_of("{\"complete\":{\"origins\":9,\"of\":9,\"missing\":null,\"unknown\":[]}}");
    assert_true(reply_is_incomplete(answer));
    json_decref(answer);
    answer = answer_of("{}");
    assert_true(reply_is_incomplete(answer));
    json_decref(answer);
}

static void show_has_labels_and_both_versions(void **state)
{
    static const char source[] = "{\"id\":\"3f8a\",\"kind\":\"seizure\",\"versions\":[{\"current\":true,\"depth\":2,\"origin\":\"tg\",\"recorded\":"
                                 "\"2026-11-19T10:00:00Z\",\"fields\":{\"place\":\"Lomé\","
                                 "\"flight\":[\"AF718\",\"ET508\"],\"item\":[{\"description\":\"a\\u001bb\",\"quantity\":\"12.5\"}],\"future_field\":"
                                 "\"x\"}},{\"current\":true,\"depth\":2,\"origin\":\"tg\",\"fields\":{}}]}";
    (void)state;

    render(render_show, source);
    has("Seizure 3f8a");
    has("2 versions are in force at once");
    has("version 2, in force, recorded by tg, 2026-11-19 10:00");
    has("  Place                     Lomé\n");
    has("  Flight                    AF718\n                            ET508\n");
    has("    Quantity                12.5\n");
    has("a?b");
    has("  future_field              x\n");
    assert_true(language_use("pt"));
    render(render_show, source);
    has("Apreensão 3f8a");
    has("  Lugar                     Lomé\n");
    assert_true(language_use("en"));
}

static void trace_separates_held_from_unknown(void **state)
{
    static const char source[] =
        "{\"id\":\"3f8a\",\"versions\":[{\"origin\":\"sn\",\"recorded\":\"2026-11-19T10:00:00Z\",\"state\":\"held by 2 of "
        "4\",\"held_by\":[\"a\",\"b\"],\"not_yet\":[\"c\"],\"unknown\":[\"d\"]},"
        "{\"origin\":\"sn\",\"state\":\"on 1 hub\"},{\"origin\":\"sn\",\"state\":\"on 2 hubs\"},{\"origin\":\"sn\",\"state\":\"recorded here\"}]}";
    (void)state;

    render(render_trace, source);
    has("recorded by sn, 2026-11-19 10:00: held by 2 of 4\n");
    has("  held by       a, b\n  not yet       c\n  unknown       d\n");
    assert_true(language_use("fr"));
    render(render_trace, source);
    has("sur 1 pôle\n");
    has("sur 2 pôles\n");
    has("enregistré ici\n");
    assert_true(language_use("en"));
}

static void verify_is_good_only_when_it_says_so(void **state)
{
    (void)state;
    render(render_faults, "{\"commits\":1200,\"fault_count\":0,\"faults\":[],\"ok\":true}");
    assert_string_equal(text, "1,200 commits checked: no fault found\n");
    render(render_faults, "{\"commits\":1200,\"fault_count\":1,\"faults\":[{\"code\":\"ERR_BADHASH\",\"what\":\"log 9f3c seq 12\"}],\"ok\":false}");
    assert_string_equal(text, "✗ ERR_BADHASH  log 9f3c seq 12\n1,200 commits checked: 1 fault\n");
    render(render_faults, "{\"commits\":7}");
    has("the number of faults is not known");
}

/* ---- faults ---- */

static void a_fault_sentence_survives_any_format(void **state)
{
    static const struct field field = {.number = 1, .name = "place", .label = "Place"};
    static const struct {
        const char *format;
        const char *sentence;
    } rows[] = {
        {"%s: '%s' is bad.", "Place: 'x\xc3\xa9' is bad."},
        {"%2$s of %1$s", "x\xc3\xa9 of Place"},
        {"100 %% %d %n %", "100 % %d %n %"},
        {"%s %s %s", "Place x\xc3\xa9 x\xc3\xa9"},
        {"", ""},
    };
    char ret[128];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct record_fault fault = {.level = FAULT_ERROR, .field = &field, .value = span_text("x\xc3\xa9"), .rule = "r", .text = rows[i].format};
        fault_sentence(ret, sizeof ret, &fault);
        assert_string_equal(ret, rows[i].sentence);
    }
}

static void faults_are_json_with_stable_rules(void **state)
{
    static const struct field field = {.number = 1, .name = "place", .label = "Place"};
    struct record_faults faults = {.count = 2, .errors = 1};
    json_t *list;
    (void)state;

    faults.faults[0] =
        (struct record_fault){.level = FAULT_ERROR, .field = &field, .value = span_text("a\xff"), .rule = "text.utf8", .text = "%s is bad."};
    faults.faults[1] = (struct record_fault){.level = FAULT_WARNING, .field = NULL, .value = span_text(""), .rule = "x.y", .text = "odd"};
    list = faults_json(&faults, -1);
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "rule")), "text.utf8");
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "value")), "a?");
    assert_true(json_is_null(json_object_get(json_array_get(list, 1), "field")));
    json_decref(list);
    list = faults_json(&faults, FAULT_WARNING);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
}

/* ---- what is printed from the table ---- */

static int check_with(const char *command, bool (*print)(FILE *to))
{
    FILE *to = popen(command, "w"); /* NOLINT(cert-env33-c): a fixed command of this test */
    int status;

    assert_non_null(to);
    assert_true(print(to));
    status = pclose(to);
    return status;
}

static void the_manual_is_good_mdoc_in_each_language(void **state)
{
    (void)state;
    if (system("command -v mandoc >/dev/null") != 0) { /* NOLINT(cert-env33-c) */
        print_message("skipped: mandoc is not installed\n");
        skip();
    }
    for (size_t i = 0; languages[i] != NULL; i++) {
        assert_true(language_use(languages[i]));
        /* "Mdocdate" is what mandoc wants to see; "file not found" cannot be told from a pipe. */
        assert_int_equal(check_with("mandoc -Tlint -W style", manual_print), 0);
    }
    assert_true(language_use("en"));
}

static void the_completion_is_good_bash(void **state)
{
    (void)state;
    assert_int_equal(check_with("bash -n", completion_print), 0);
    if (system("command -v shellcheck >/dev/null") == 0) { /* NOLINT(cert-env33-c) */
        assert_int_equal(check_with("shellcheck -", completion_print), 0);
    }
}

static void completion_offers_what_the_table_has(void **state)
{
    static const char words[] =
        "bash -c 'source /dev/stdin; ask() { COMP_WORDS=(\"$@\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _griot; echo \"${COMPREPLY[*]}\"; }; "
        "set -e; [[ $(ask griot pee) == peers ]]; [[ $(ask griot config ch) == check ]]; [[ $(ask griot search --li) == --limit ]]; "
        "[[ $(ask griot record s) == seizure ]]; [[ $(ask griot -H /tmp peers --lang p) == pt ]]; [[ $(ask griot peers --js) == --json ]]'";
    (void)state;
    assert_int_equal(check_with(words, completion_print), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_grouped),
        cmocka_unit_test(ages_have_two_units_at_most),
        cmocka_unit_test(sizes_have_three_digits),
        cmocka_unit_test(text_from_outside_cannot_steer_a_terminal),
        cmocka_unit_test(width_is_what_the_screen_shows),
        cmocka_unit_test(a_table_is_aligned_by_width),
        cmocka_unit_test(an_empty_table_prints_nothing),
        cmocka_unit_test(a_good_status_says_so_with_numbers),
        cmocka_unit_test(a_status_without_knowledge_has_no_green_word),
        cmocka_unit_test(a_bad_status_says_what_and_what_to_do),
        cmocka_unit_test(aggregates_are_not_counted_as_seizures),
        cmocka_unit_test(problems_come_last_among_peers),
        cmocka_unit_test(lag_shows_a_question_mark_where_nothing_is_known),
        cmocka_unit_test(a_search_says_how_complete_it_is),
        cmocka_unit_test(show_has_labels_and_both_versions),
        cmocka_unit_test(trace_separates_held_from_unknown),
        cmocka_unit_test(verify_is_good_only_when_it_says_so),
        cmocka_unit_test(a_fault_sentence_survives_any_format),
        cmocka_unit_test(faults_are_json_with_stable_rules),
        cmocka_unit_test(the_manual_is_good_mdoc_in_each_language),
        cmocka_unit_test(the_completion_is_good_bash),
        cmocka_unit_test(completion_offers_what_the_table_has),
    };

    return cmocka_run_group_tests_name("output", tests, english, free_text);
}

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/record/check.h"
#include "proto/record/record.h"

#include <stdio.h>

enum { TODAY = 20779 }; /* 2026-11-22 */

static struct record record;
static struct record_faults faults;

static const struct kind *seizure(void)
{
    return kind_by_name(span_text("seizure"));
}

/* The rule of the first fault with `level` that one value gives, "" when there is none; *ret_text is what is stored. */
static const char *one_value(const char *name, const char *value, char *ret_text)
{
    struct draft *draft = draft_new(seizure());
    const char *rule = "";
    bool is_added;

    assert_non_null(draft);
    faults = (struct record_faults){.count = 0};
    is_added = draft_add(draft, span_text(name), span_text(value), &faults);
    assert_int_equal(is_added, faults.errors == 0);
    if (faults.count > 0) {
        rule = faults.faults[0].rule;
    }
    ret_text[0] = 0;
    if (is_added) {
        const struct field *group;
        uint32_t item;
        const struct field *field = kind_field(seizure(), span_text(name), &group, &item);

        (void)draft_finish(draft, TODAY, &record, &faults);
        for (uint32_t i = 0; i < record.value_count; i++) {
            if (record.values[i].field == field && ret_text[0] == 0) {
                memcpy(ret_text, record.values[i].text.p, record.values[i].text.n);
                ret_text[record.values[i].text.n] = 0;
            }
        }
    }
    draft_destroy(&draft);
    return rule;
}

static void dirty_values_are_cleaned_or_refused_by_rule(void **state)
{
    static const struct {
        const char *name;
        const char *value;
        const char *rule;
        const char *stored;
    } ROWS[] = {
        {"date", " 22/11/2026 ", "", "2026-11-22"},
        {"date", "11/22/2026", "date.ambiguous", ""},
        {"date", "31/02/2026", "date.impossible", ""},
        {"date", "soon", "date.syntax", ""},
        {"country", "Guinée-Bissau", "", "GW"},
        {"country", "Africa", "country.unknown", ""},
        {"place", "  Cap   Skirring\t", "", "Cap Skirring"},
        {"place", "Cap\nSkirring", "", "Cap Skirring"},
        {"place", "\xC2\xA0", "empty", ""},
        {"place", "", "empty", ""},
        {"place", "Dakar\x1B[31m", "text.control", ""},
        {"place", "evil\xE2\x80\xAEtxt", "text.control", ""},
        {"place", "S\xE9n\xE9gal", "text.encoding", ""},
        {"place",
         "e\xCC\x81"
         "cole",
         "", "école"},
        {"narrative", "one\r\ntwo\rthree", "", "one\ntwo\nthree"},
        {"commodity", "Cocaïne", "", "COCAINE"},
        {"commodity", "unobtainium", "code.unknown", ""},
        {"mode", "sea", "", "1"},
        {"quantity", "12,5", "", "12.5"},
        {"quantity", "12.5 kg", "", "12.5"},
        {"quantity", "1,234", "decimal.ambiguous", ""},
        {"quantity", "-3", "decimal.negative", ""},
        {"quantity", "100s", "decimal.syntax", ""},
        {"quantity", "400g each", "decimal.syntax", ""},
        {"quantity", "1e30", "decimal.long", ""},
        {"pieces", "12.5", "count.syntax", ""},
        {"arrests", "3", "", "3"},
        {"arrests", "9007199254740992", "", "9007199254740992"},
        {"arrests", "9007199254740993", "count.syntax", ""},
        {"is_exercise", "Oui", "", "true"},
        {"is_exercise", "não", "", "false"},
        {"is_exercise", "perhaps", "flag.syntax", ""},
        {"container", "csqu 305438/3", "", "CSQU3054383"},
        {"container", "CSQU3054384", "container.check_digit", "CSQU3054384"},
        {"container", "half a number", "container.shape", "half a number"},
        {"imo", "9074729", "", "9074729"},
        {"imo", "IMO 9074729", "", "IMO 9074729"},
        {"imo", "9074728", "imo.check_digit", "9074728"},
        {"imo", "12", "imo.shape", "12"},
        {"waybill", "020-12345675", "", "020-12345675"},
        {"waybill", "02012345674", "waybill.check_digit", "02012345674"},
        {"waybill", "MEDUXY123", "", "MEDUXY123"},
        {"hs", "2402.20", "", "240220"},
        {"hs", "240", "hs.syntax", ""},
        {"hs", "24a2", "hs.syntax", ""},
        {"locode", "sndkr", "", "SNDKR"},
        {"locode", "SN-DKR", "", "SNDKR"},
        {"locode", "Dakar port", "locode.syntax", ""},
        {"plate", " dk-1234  ab ", "", "dk-1234 ab"},
        {"duplicates_of", "0123456789abcdef0123456789abcdef", "", "0123456789abcdef0123456789abcdef"},
        {"duplicates_of", "0123456789ABCDEF0123456789abcdef", "reference.syntax", ""},
        {"entry_time", "2026-11-22T10:11:12Z", "", "2026-11-22T10:11:12Z"},
        {"entry_time", "now", "time.syntax", ""},
        {"item", "cocaine", "group", ""},
        {"colour", "red", "field.unknown", ""},
        {"item.40.quantity", "1", "field.unknown", ""},
    };
    char stored[RECORD_TEXT_BYTES_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const char *rule = one_value(ROWS[i].name, ROWS[i].value, stored);

        if (strcmp(rule, ROWS[i].rule) != 0 || strcmp(stored, ROWS[i].stored) != 0) {
            fail_msg("%s '%s': rule '%s', stored '%s'", ROWS[i].name, ROWS[i].value, rule, stored);
        }
    }
}

struct row {
    const char *what;
    const char *rule; /* "" when the record is good */
    const char *pairs[24];
};

/* Whether some fault has the rule. */
static bool has_rule(const char *rule)
{
    for (size_t i = 0; i < faults.count; i++) {
        if (strcmp(faults.faults[i].rule, rule) == 0) {
            return true;
        }
    }
    return false;
}

static bool make(struct draft *draft, const char *kind, const char *const *pairs)
{
    bool is_good = true;

    draft_reset(draft, kind_by_name(span_text(kind)));
    faults = (struct record_faults){.count = 0};
    for (; *pairs != NULL; pairs += 2) {
        is_good = draft_add(draft, span_text(pairs[0]), span_text(pairs[1]), &faults) && is_good;
    }
    return draft_finish(draft, TODAY, &record, &faults) && is_good;
}

#define GOOD "date", "2026-11-20", "country", "SN", "commodity", "cocaine", "quantity", "5", "unit", "kg"

static void whole_records_are_checked(void **state)
{
    static const struct row ROWS[] = {
        {"good", "", {GOOD, NULL}},
        {"no date", "mandatory", {"country", "SN", "commodity", "cocaine", "quantity", "5 kg", NULL}},
        {"no country", "mandatory", {"date", "2026", "commodity", "cocaine", "quantity", "5 kg", NULL}},
        {"country unknown", "", {"date", "2026", "country", "XX", "commodity", "cocaine", "quantity", "5 kg", NULL}},
        {"no goods", "mandatory", {"date", "2026", "country", "SN", NULL}},
        {"heading alone", "mandatory", {"date", "2026", "country", "SN", "heading", "DRG", "quantity", "5 kg", NULL}},
        {"heading and words", "", {"date", "2026", "country", "SN", "heading", "DRG", "description", "white powder", "quantity", "5 kg", NULL}},
        {"no quantity", "mandatory", {"date", "2026", "country", "SN", "commodity", "cocaine", NULL}},
        {"unit alone", "mandatory", {"date", "2026", "country", "SN", "commodity", "cocaine", "unit", "kg", NULL}},
        {"no unit", "mandatory", {"date", "2026", "country", "SN", "commodity", "cocaine", "quantity", "5", NULL}},
        {"not weighed yet", "", {"date", "2026", "country", "SN", "commodity", "cocaine", "quantity", "unknown", NULL}},
        {"unit unknown", "", {"date", "2026", "country", "SN", "commodity", "cocaine", "unit", "unknown", NULL}},
        {"a number without unit",
         "quantity.unit",
         {"date", "2026", "country", "SN", "commodity", "cocaine", "quantity", "5", "unit", "unknown", NULL}},
        {"pieces only", "", {"date", "2026", "country", "SN", "commodity", "ivory", "pieces", "5", NULL}},
        {"nothing seized", "quantity.zero", {"date", "2026", "country", "SN", "commodity", "cocaine", "quantity", "0 kg", NULL}},
        {"nothing in an aggregate", "", {"date", "2026", "country", "SN", "commodity", "cocaine", "quantity", "0 kg", "is_aggregate", "yes", NULL}},
        {"events without aggregate", "aggregate", {GOOD, "event_count", "3", NULL}},
        {"events of an aggregate", "", {GOOD, "event_count", "3", "is_aggregate", "true", NULL}},
        {"another heading", "heading.commodity", {GOOD, "heading", "TOB", NULL}},
        {"the same heading", "", {GOOD, "heading", "drugs", NULL}},
        {"tomorrow", "date.future", {"date", "2026-11-23", "country", "SN", "commodity", "cocaine", "quantity", "5 kg", NULL}},
        {"today", "", {"date", "2026-11-22", "country", "SN", "commodity", "cocaine", "quantity", "5 kg", NULL}},
        {"this year", "", {"date", "2026", "country", "SN", "commodity", "cocaine", "quantity", "5 kg", NULL}},
        {"ends before it begins", "date.order", {GOOD, "date_end", "2026-11-19", NULL}},
        {"ends the same day", "", {GOOD, "date_end", "2026-11-20", NULL}},
        {"ends in the future", "date.future", {GOOD, "date_end", "2027-11-20", NULL}},
        {"value without currency", "value.currency", {GOOD, "value", "1000", NULL}},
        {"value with currency", "", {GOOD, "value", "1000", "currency", "FCFA", NULL}},
        {"said twice", "field.twice", {GOOD, "place", "Dakar", "place", "Thiès", NULL}},
        {"sixty tonnes", "quantity.large", {"date", "2026", "country", "SN", "commodity", "cocaine", "quantity", "60000 kg", NULL}},
        {"chapter of another heading", "hs.heading", {GOOD, "hs", "2402", NULL}},
    };
    struct draft *draft = draft_new(seizure());

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        bool is_good = make(draft, "seizure", ROWS[i].pairs);

        if (is_good != (faults.errors == 0) || (ROWS[i].rule[0] == 0 ? faults.count != 0 : !has_rule(ROWS[i].rule))) {
            fail_msg("%s: %s", ROWS[i].what, faults.count > 0 ? faults.faults[0].rule : "no fault");
        }
    }
    draft_destroy(&draft);
    draft_destroy(&draft);
}

static void alerts_need_what_makes_them_useful(void **state)
{
    static const struct row ROWS[] = {
        {"good",
         "",
         {"date", "2026-11-22", "title", "Container from Santos", "threat", "Cocaine in sugar", "valid_until", "2026-12-31", "requested_action",
          "specific check", "countries", "SN", "countries", "GM", NULL}},
        {"no end", "mandatory", {"date", "2026-11-22", "title", "Container", "threat", "Cocaine", "action", "check", NULL}},
        {"over before it begins",
         "date.order",
         {"date", "2026-11-22", "title", "Container", "threat", "Cocaine", "action", "check", "until", "2026-11-21", NULL}},
    };
    struct draft *draft = draft_new(seizure());

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        bool is_good = make(draft, "alert", ROWS[i].pairs);

        if (is_good != (ROWS[i].rule[0] == 0) || (!is_good && !has_rule(ROWS[i].rule))) {
            fail_msg("%s: %s", ROWS[i].what, faults.count > 0 ? faults.faults[0].rule : "no fault");
        }
        if (is_good) {
            assert_true(span_equal(record_get(&record, "priority"), span_text("NORMAL")));
        }
    }
    draft_destroy(&draft);
}

static void operations_say_who_takes_part_and_plan_in_order(void **state)
{
#define OPERATION "date", "2026-11-22", "name", "COCAIR VIII", "purpose", "Cocaine in air traffic", "coordinator", "rilo-dakar"
    static const struct row ROWS[] = {
        {"good", "", {OPERATION, "participant", "sn", "participant", "gm", "start", "2026-12-01", "end", "2026-12-20", "purge_after", "2027-12-31", NULL}},
        {"one day", "", {OPERATION, "participant", "sn", "start", "2026-12-01", "end", "2026-12-01", NULL}},
        {"nobody takes part", "mandatory", {OPERATION, NULL}},
        {"no name of a node", "node.syntax", {OPERATION, "participant", "Sénégal", NULL}},
        {"a name with capitals", "node.syntax", {OPERATION, "participant", "SN", NULL}},
        {"a name that begins with a hyphen", "node.syntax", {OPERATION, "participant", "-sn", NULL}},
        {"a name of 33 bytes", "text.long", {OPERATION, "participant", "rilo-0123456789012345678901234567", NULL}},
        {"over before it begins", "date.order", {OPERATION, "participant", "sn", "start", "2026-12-02", "end", "2026-12-01", NULL}},
        {"purged before it is over", "date.order", {OPERATION, "participant", "sn", "end", "2026-12-20", "purge_after", "2026-12-19", NULL}},
        {"purged before it begins", "date.order", {OPERATION, "participant", "sn", "start", "2026-12-20", "purge_after", "2026-12-19", NULL}},
    };
    struct draft *draft = draft_new(seizure());

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        bool is_good = make(draft, "operation", ROWS[i].pairs);

        if (is_good != (ROWS[i].rule[0] == 0) || (!is_good && !has_rule(ROWS[i].rule))) {
            fail_msg("%s: %s", ROWS[i].what, faults.count > 0 ? faults.faults[0].rule : "no fault");
        }
        if (is_good) {
            assert_true(span_equal(record_get(&record, "phase"), span_text("PREPARE")));
        }
    }
    draft_destroy(&draft);
}

static void requests_and_answers_say_what_about(void **state)
{
#define ABOUT "date", "2026-11-22", "about", "0123456789abcdef0123456789abcdef"
    static const struct {
        const char *kind;
        struct row row;
    } ROWS[] = {
        {"request", {"good", "", {ABOUT, "asked", "sn", "pass_to", "bj", "pass_to", "Interpol", "why", "same consignee", NULL}}},
        {"request", {"to nobody", "mandatory", {ABOUT, "asked", "sn", "why", "same consignee", NULL}}},
        {"request", {"for no reason", "mandatory", {ABOUT, "asked", "sn", "pass_to", "bj", NULL}}},
        {"request", {"about nothing", "mandatory", {"date", "2026-11-22", "asked", "sn", "pass_to", "bj", "why", "x", NULL}}},
        {"answer", {"good", "", {ABOUT, "request", "fedcba9876543210fedcba9876543210", "decision", "granted", "pass_to", "bj", NULL}}},
        {"answer", {"refused", "", {ABOUT, "request", "fedcba9876543210fedcba9876543210", "decision", "REFUSED", "why", "an inquiry", NULL}}},
        {"answer", {"neither", "mandatory", {ABOUT, "request", "fedcba9876543210fedcba9876543210", NULL}}},
        {"answer", {"perhaps", "code.unknown", {ABOUT, "request", "fedcba9876543210fedcba9876543210", "decision", "perhaps", NULL}}},
    };
    struct draft *draft = draft_new(seizure());

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        bool is_good = make(draft, ROWS[i].kind, ROWS[i].row.pairs);

        if (is_good != (ROWS[i].row.rule[0] == 0) || (!is_good && !has_rule(ROWS[i].row.rule))) {
            fail_msg("%s: %s", ROWS[i].row.what, faults.count > 0 ? faults.faults[0].rule : "no fault");
        }
    }
    draft_destroy(&draft);
}

static void what_follows_is_computed(void **state)
{
    static const struct {
        const char *quantity;
        const char *unit;
        const char *base;
        const char *unit_base;
    } ROWS[] = {
        {"12.5", "kg", "12.5", "KGM"},
        {"300", "g", "0.3", "KGM"},
        {"2", "tonnes", "2000", "KGM"},
        {"1", "lb", "0.45359237", "KGM"},
        {"3", "dozen", "36", "H87"},
        {"5", "MIL", "5000", "H87"},
        {"75", "cl", "0.75", "LTR"},
        {"8.3799469484296", "LBR", "3.801079997", "KGM"},
        {"1", "barrel", "158.987294928", "LTR"},
        {"7", "pieces", "7", "H87"},
        {"2", "km", "2000", "MTR"},
        {"4", "m3", "4", "MTQ"},
    };
    struct draft *draft = draft_new(seizure());

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const char *pairs[] = {"date", "2026",       "country",       "SN",  "commodity", "wine", "quantity", ROWS[i].quantity,
                               "unit", ROWS[i].unit, "quantity_base", "999", NULL};

        assert_true(make(draft, "seizure", pairs));
        assert_true(span_equal(record_get(&record, "quantity"), span_text(ROWS[i].quantity)));
        if (!span_equal(record_get(&record, "quantity_base"), span_text(ROWS[i].base)) ||
            !span_equal(record_get(&record, "unit_base"), span_text(ROWS[i].unit_base))) {
            fail_msg("%s %s", ROWS[i].quantity, ROWS[i].unit);
        }
        assert_true(span_equal(record_get(&record, "heading"), span_text("ALC")));
        assert_true(span_equal(record_get(&record, "status"), span_text("SUBMITTED")));
    }
    {
        const char *pairs[] = {"date", "2026", "country", "SN", "commodity", "ivory", "pieces", "12", NULL};

        assert_true(make(draft, "seizure", pairs));
        assert_true(span_equal(record_get(&record, "quantity"), span_text("12")));
        assert_true(span_equal(record_get(&record, "unit"), span_text("H87")));
        assert_int_equal(record_get(&record, "pieces").n, 0);
    }
    draft_destroy(&draft);
}

static void said_again_begins_the_next_item(void **state)
{
    static const char *const PAIRS[] = {"date",      "2026",        "country",  "SN",      "commodity", "cocaine", "quantity",
                                        "5 kg",      "species",     "a",        "species", "b",         "species", "a",
                                        "commodity", "heroin",      "quantity", "2",       "unit",      "kg",      "item.7.commodity",
                                        "opium",     "item.7.unit", "unknown",  NULL};
    static const char *const VALUES[] = {"DRG",    "COCAINE", "a",   "b", "5",   "KGM", "5",     "KGM",    "DRG",
                                         "HEROIN", "2",       "KGM", "2", "KGM", "DRG", "OPIUM", "UNKNOWN"};
    struct draft *draft = draft_new(seizure());
    size_t at = 0;
    uint32_t item = 1;

    (void)state;
    assert_true(make(draft, "seizure", PAIRS));
    assert_int_equal(draft_items(draft, kind_field(seizure(), span_text("item"), &(const struct field *){NULL}, &(uint32_t){0})), 3);
    assert_true(draft_has(draft, "heading") && draft_has(draft, "date") && !draft_has(draft, "narrative") && !draft_has(draft, "nonsense"));
    for (uint32_t i = 0; i < record.value_count; i++) {
        if (record.values[i].group != NULL) {
            assert_true(at < sizeof VALUES / sizeof VALUES[0]);
            assert_true(span_equal(record.values[i].text, span_text(VALUES[at])));
            assert_true(record.values[i].item == item || record.values[i].item == item + 1);
            item = record.values[i].item;
            at++;
        }
    }
    assert_int_equal(at, sizeof VALUES / sizeof VALUES[0]);
    assert_int_equal(item, 3);
    draft_destroy(&draft);
}

static void limits_hold_one_below_at_and_above(void **state)
{
    static char text[8192];
    struct draft *draft = draft_new(seizure());
    static const char *const PAIRS[] = {GOOD, NULL};

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t n = 1499; n <= 1501; n++) { /* of narrative */
        draft_reset(draft, seizure());
        faults = (struct record_faults){.count = 0};
        assert_int_equal(draft_add(draft, span_text("narrative"), span_of(text, n), &faults), n <= 1500);
        assert_int_equal(has_rule("text.long"), n > 1500);
    }
    assert_false(draft_add(draft, span_text("narrative"), span_of(text, sizeof text), &faults));

    for (uint32_t items = 31; items <= 33; items++) {
        bool is_good = true;

        assert_true(make(draft, "seizure", PAIRS));
        faults = (struct record_faults){.count = 0};
        for (uint32_t i = 0; i < items; i++) {
            is_good = draft_add(draft, span_text("transit"), span_text("SN"), &faults);
        }
        assert_int_equal(is_good, items <= RECORD_ITEMS_MAX);
        assert_int_equal(has_rule("record.items"), items > RECORD_ITEMS_MAX);
    }

    draft_reset(draft, seizure());
    faults = (struct record_faults){.count = 0};
    for (uint32_t i = 0; i <= RECORD_VALUES_MAX; i++) {
        char plate[8];

        snprintf(plate, sizeof plate, "P%u", (unsigned)i);
        assert_int_equal(draft_add(draft, span_text("plate"), span_text(plate), &faults), i < RECORD_VALUES_MAX);
    }
    assert_true(has_rule("record.values"));

    { /* all values together */
        assert_true(make(draft, "seizure", PAIRS));
        size_t used = 0;
        size_t room;

        for (uint32_t i = 0; i < record.value_count; i++) {
            used += record.values[i].text.n + 6;
        }
        room = RECORD_TEXT_BYTES_MAX - used - 12 - 1400;
        for (size_t n = room - 1; n <= room + 1; n++) {
            const char *const *p = PAIRS;

            draft_reset(draft, seizure());
            faults = (struct record_faults){.count = 0};
            for (; *p != NULL; p += 2) {
                assert_true(draft_add(draft, span_text(p[0]), span_text(p[1]), &faults));
            }
            assert_true(draft_add(draft, span_text("narrative"), span_of(text, 1400), &faults));
            assert_true(draft_add(draft, span_text("concealment_text"), span_of(text, n), &faults));
            assert_int_equal(draft_finish(draft, TODAY, &record, &faults), n <= room);
            assert_int_equal(has_rule("record.long"), n > room);
            if (n == room) {
                static uint8_t bytes[PAYLOAD_BYTES_MAX];
                struct out out = out_into(bytes, sizeof bytes);

                record.depth = 9;
                record.replaces_count = 6;
                assert_int_equal(record_encode(&record, &out), ERR_OK);
            }
        }
    }

    draft_reset(draft, seizure());
    faults = (struct record_faults){.count = 0};
    for (int i = 0; i < 100; i++) {
        (void)draft_add(draft, span_text("nonsense"), span_text("x"), &faults);
    }
    assert_int_equal(faults.count, RECORD_FAULTS_MAX);
    assert_int_equal(faults.errors, 100);
    draft_destroy(&draft);
}

static void a_draft_can_be_filled_until_it_overflows(void **state)
{
    static char text[1500];
    struct draft *draft = draft_new(seizure());
    bool is_refused = false;

    (void)state;
    faults = (struct record_faults){.count = 0};
    for (int i = 0; i < 200; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        text[0] = (char)('A' + i / 26);
        is_refused = !draft_add(draft, span_text("agencies"), span_of(text, 80), &faults) || is_refused;
    }
    assert_true(is_refused);
    assert_true(has_rule("record.long"));
    assert_false(draft_finish(draft, TODAY, &record, &faults));
    draft_destroy(&draft);
}

static void check_digits_follow_their_standards(void **state)
{
    (void)state;
    assert_true(check_container_digit(span_text("CSQU3054383")));
    assert_true(check_container_digit(span_text("MSKU9070323")));
    for (char c = '0'; c <= '9'; c++) {
        char text[] = "CSQU3054383";

        text[10] = c;
        assert_int_equal(check_container_digit(span_text(text)), c == '3');
    }
    assert_true(check_imo_digit(span_text("9074729")));
    assert_false(check_imo_digit(span_text("9074720")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dirty_values_are_cleaned_or_refused_by_rule),
        cmocka_unit_test(whole_records_are_checked),
        cmocka_unit_test(alerts_need_what_makes_them_useful),
        cmocka_unit_test(operations_say_who_takes_part_and_plan_in_order),
        cmocka_unit_test(requests_and_answers_say_what_about),
        cmocka_unit_test(what_follows_is_computed),
        cmocka_unit_test(said_again_begins_the_next_item),
        cmocka_unit_test(limits_hold_one_below_at_and_above),
        cmocka_unit_test(a_draft_can_be_filled_until_it_overflows),
        cmocka_unit_test(check_digits_follow_their_standards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

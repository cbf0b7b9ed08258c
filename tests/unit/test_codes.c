#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/record/codes.h"
#include "proto/record/fold.h"

#include <stdio.h>
#include <stdlib.h>

static const char *found(const char *list, const char *text)
{
    const struct code *code = code_find(code_list_by_name(list), span_text(text));

    return code == NULL ? "(none)" : code->code;
}

static void real_names_find_their_codes(void **state)
{
    static const struct {
        const char *list;
        const char *text;
        const char *code;
    } ROWS[] = {
        {"country", "SN", "SN"},
        {"country", " senegal ", "SN"},
        {"country", "SÉNÉGAL", "SN"},
        {"country", "USA", "US"},
        {"country", "U.S.A.", "US"},
        {"country", "UK", "GB"},
        {"country", "UAE", "AE"},
        {"country", "Hong Kong", "HK"},
        {"country", "Viet Nam", "VN"},
        {"country", "Vietnam", "VN"},
        {"country", "DR Congo", "CD"},
        {"country", "Congo (Kinshasa)", "CD"},
        {"country", "République démocratique du Congo", "CD"},
        {"country", "Republic of Congo", "CG"},
        {"country", "Congo", "CG"},
        {"country", "Burma", "MM"},
        {"country", "Myanmar", "MM"},
        {"country", "Ivory Coast", "CI"},
        {"country", "Cote d'Ivoire", "CI"},
        {"country", "Côte d’Ivoire", "CI"},
        {"country", "Costa do Marfim", "CI"},
        {"country", "Guinea-Bissau", "GW"},
        {"country", "Guiné Bissau", "GW"},
        {"country", "Guinea", "GN"},
        {"country", "Guinea Ecuatorial", "GQ"},
        {"country", "Cape Verde", "CV"},
        {"country", "The Gambia", "GM"},
        {"country", "Niger", "NE"},
        {"country", "Nigeria", "NG"},
        {"country", "South Korea", "KR"},
        {"country", "Laos", "LA"},
        {"country", "Turkey", "TR"},
        {"country", "Czech Republic", "CZ"},
        {"country", "Swaziland", "SZ"},
        {"country", "SEN", "SN"},
        {"country", "unknown", "XX"},
        {"country", "Atlantis", "(none)"},
        {"country", "", "(none)"},
        {"country", "Africa", "(none)"},
        {"commodity", "Marijuana", "CANNABIS_HERB"},
        {"commodity", "Khat (Catha Edulis)", "KHAT"},
        {"commodity", "Ecstasy", "MDMA"},
        {"commodity", "Lsd", "LSD"},
        {"commodity", "cocaïne", "COCAINE"},
        {"commodity", "Écailles de pangolin", "PANGOLIN_SCALES"},
        {"commodity", "CANNABIS_HERB", "CANNABIS_HERB"},
        {"commodity", "cannabis-herb", "CANNABIS_HERB"},
        {"heading", "stupéfiants", "DRG"},
        {"unit", "kg", "KGM"},
        {"unit", "lbs", "LBR"},
        {"unit", "pièces", "H87"},
        {"unit", "unknown", "UNKNOWN"},
        {"mode", "4", "4"},
        {"mode", "Air", "4"},
        {"mode", "route", "3"},
        {"found", "X-ray", "XRAY_BAGGAGE"},
        {"found", "chien détecteur", "DOG"},
        {"currency", "FCFA", "XOF"},
        {"currency", "€", "EUR"},
        {"currency", "$", "USD"},
        {"tlp", "amber+strict", "AMBER+STRICT"},
        {"tlp", "TLP:AMBER", "AMBER"},
        {"priority", "urgent", "HIGH"},
        {"grading", "b2", "B2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (strcmp(found(ROWS[i].list, ROWS[i].text), ROWS[i].code) != 0) {
            fail_msg("%s '%s': %s instead of %s", ROWS[i].list, ROWS[i].text, found(ROWS[i].list, ROWS[i].text), ROWS[i].code);
        }
    }
}

/* Every name of a code must lead to it: the same word under two codes would find only one of them. */
static void no_name_stands_for_two_codes(void **state)
{
    size_t names = 0;

    (void)state;
    for (size_t l = 0; code_list_index(l) != NULL; l++) {
        const struct code_list *list = code_list_index(l);

        for (size_t i = 0; i < code_list_count(list); i++) {
            const struct code *code = code_list_at(list, i);
            const char *aliases = code->aliases;

            assert_ptr_equal(code_exact(list, span_text(code->code)), code);
            for (size_t language = 0; language < 3; language++, names++) {
                if (code_find(list, span_text(code->label[language])) != code) {
                    fail_msg("%s %s: its label '%s' finds %s", list->name, code->code, code->label[language],
                             found(list->name, code->label[language]));
                }
            }
            while (aliases != NULL && *aliases != 0) {
                size_t n = strcspn(aliases, "|");

                if (code_find(list, span_of(aliases, n)) != code) {
                    fail_msg("%s %s: its alias '%.*s' finds another", list->name, code->code, (int)n, aliases);
                }
                aliases += n + (aliases[n] == '|');
                names++;
            }
        }
    }
    assert_true(names > 1500);
}

static void codes_have_their_shape_and_labels_and_parents(void **state)
{
    (void)state;
    for (size_t l = 0; code_list_index(l) != NULL; l++) {
        const struct code_list *list = code_list_index(l);

        assert_ptr_equal(code_list_by_name(code_list_name(list)), list);
        for (size_t i = 0; i < code_list_count(list); i++) {
            const struct code *code = code_list_at(list, i);

            assert_in_range(strlen(code->code), 1, CODE_BYTES_MAX);
            assert_int_equal(strspn(code->code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+"), strlen(code->code));
            for (size_t language = 0; language < 3; language++) {
                assert_true(strlen(code->label[language]) > 0);
            }
        }
        assert_null(code_list_at(list, code_list_count(list)));
    }
    for (size_t i = 0; i < code_list_count(&CODES_COMMODITY); i++) {
        assert_non_null(code_exact(&CODES_HEADING, span_text(code_parent(&CODES_COMMODITY, code_list_at(&CODES_COMMODITY, i)))));
    }
    for (size_t i = 0; i < code_list_count(&CODES_HEADING); i++) {
        assert_non_null(code_exact(&CODES_UNIT, span_text(code_parent(&CODES_HEADING, code_list_at(&CODES_HEADING, i)))));
    }
    for (size_t i = 0; i < code_list_count(&CODES_UNIT); i++) {
        const char *base = code_parent(&CODES_UNIT, code_list_at(&CODES_UNIT, i));

        if (base != NULL) {
            assert_string_equal(code_parent(&CODES_UNIT, code_exact(&CODES_UNIT, span_text(base))), base);
        }
    }
    assert_null(code_parent(&CODES_MODE, code_list_at(&CODES_MODE, 0)));
    assert_null(code_list_by_name("nonsense"));
    assert_null(code_exact(&CODES_COUNTRY, span_text("sn")));
}

/* Against the ISO names in the data folder, when it is there: 249 countries, English, French, Portuguese. */
static void every_iso_name_finds_its_country(void **state)
{
    const char *data = getenv("GRIOT_DATA");
    char path[512];
    char line[2048];
    FILE *file;
    size_t countries = 0;
    size_t missing = 0;

    (void)state;
    snprintf(path, sizeof path, "%s/iso-codes/country_names.csv", data != NULL ? data : "../shared/data");
    file = fopen(path, "r");
    if (file == NULL) {
        printf("skipped: %s is not here\n", path);
        skip();
    }
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL) {
        char *p = line;
        char code[3] = {line[0], line[1], 0};

        for (int column = 0; column < 6; column++) {
            char cell[512];
            size_t n = 0;
            bool is_quoted = *p == '"';

            p += is_quoted;
            while (*p != 0 && *p != '\n' && *p != (is_quoted ? '"' : ',')) {
                cell[n++] = *p++;
            }
            p += is_quoted;
            p += *p == ',';
            cell[n] = 0;
            if (column != 2 && n > 0 && strcmp(found("country", cell), code) != 0) {
                printf("%s: '%s' finds %s\n", code, cell, found("country", cell));
                missing++;
            }
        }
        countries++;
    }
    fclose(file);
    assert_int_equal(countries, 249);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_names_find_their_codes),
        cmocka_unit_test(no_name_stands_for_two_codes),
        cmocka_unit_test(codes_have_their_shape_and_labels_and_parents),
        cmocka_unit_test(every_iso_name_finds_its_country),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

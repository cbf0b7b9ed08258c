#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/record/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct joined {
    char text[512];
    size_t n;
    size_t longest;
};

static void join(void *arg, struct span word)
{
    struct joined *joined = arg;

    assert_true(word.n >= 1 && word.n <= FOLD_WORD_BYTES_MAX);
    joined->longest = word.n > joined->longest ? word.n : joined->longest;
    if (joined->n + word.n + 1 < sizeof joined->text) {
        memcpy(joined->text + joined->n, word.p, word.n);
        joined->n += word.n;
        joined->text[joined->n++] = '|';
    }
}

static const char *words_of(struct joined *joined, struct span text)
{
    joined->n = 0;
    joined->longest = 0;
    fold_words(text, join, joined);
    joined->text[joined->n > 0 ? joined->n - 1 : 0] = 0;
    return joined->text;
}

static void words_are_found_whatever_their_accents(void **state)
{
    static const struct {
        const char *what;
        const char *text;
        const char *words;
    } ROWS[] = {
        {"nothing", "", ""},
        {"only signs", " -- .,;!\t\n", ""},
        {"plain ASCII", "Seized 12.5 kg of COCAINE", "seized|12|5|kg|of|cocaine"},
        {"French", "Saisie d’héroïne à l'aéroport – Côte d’Ivoire", "saisie|d|heroine|a|l|aeroport|cote|d|ivoire"},
        {"ligatures opened", "cœur, ex æquo, ﬁn, Œuvre", "coeur|ex|aequo|fin|oeuvre"},
        {"Portuguese", "apreensão em São Tomé: coração", "apreensao|em|sao|tome|coracao"},
        {"Spanish and German", "contraseña, Straße, Ærø", "contrasena|strasse|aero"},
        {"combining marks",
         "e\xCC\x81"
         "cole",
         "ecole"},
        {"West African letters", "ɓaawo Ŋanndugol ƙasa ɛɔ", "baawo|nganndugol|kasa|eo"},
        {"Arabic, marks dropped", "مُحَمَّد", "محمد"},
        {"Chinese, sign by sign", "象牙 ivory", "象|牙|ivory"},
        {"soft hyphen and zero width joiner vanish",
         "co\xC2\xAD"
         "caine ma\xE2\x80\x8Dli",
         "cocaine|mali"},
        {"no-break blank parts",
         "12\xC2\xA0"
         "500",
         "12|500"},
        {"capital with dot, Turkish", "İstanbul", "istanbul"},
        {"superscript", "m²", "m2"},
        {"bad bytes part",
         "ab\xFF"
         "cd\xC3",
         "ab|cd"},
        {"a cut character", "caf\xC3", "caf"},
        {"overlong encoding is no letter", "x\xC1\x81y", "x|y"},
    };
    struct joined joined;

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (strcmp(words_of(&joined, span_text(ROWS[i].text)), ROWS[i].words) != 0) {
            fail_msg("%s: '%s' instead of '%s'", ROWS[i].what, joined.text, ROWS[i].words);
        }
    }
}

static void long_words_are_cut_at_forty_eight_bytes(void **state)
{
    char text[200];
    struct joined joined;

    (void)state;
    for (size_t n = FOLD_WORD_BYTES_MAX - 1; n <= FOLD_WORD_BYTES_MAX + 1; n++) {
        memset(text, 'a', sizeof text);
        text[n] = ' ';
        words_of(&joined, span_of(text, n + 3));
        assert_int_equal(joined.longest, n > FOLD_WORD_BYTES_MAX ? FOLD_WORD_BYTES_MAX : n);
    }
    /* A letter of two bytes that does not fit whole is left out, and so is what follows it. */
    memset(text, 'a', FOLD_WORD_BYTES_MAX - 1);
    memcpy(text + FOLD_WORD_BYTES_MAX - 1, "\xD0\xB6zz", 4);
    words_of(&joined, span_of(text, FOLD_WORD_BYTES_MAX + 3));
    assert_int_equal(joined.longest, FOLD_WORD_BYTES_MAX - 1);
}

static void exact_values_compare_whatever_case_and_blanks(void **state)
{
    static const struct {
        const char *what;
        const char *text;
        const char *key;
    } ROWS[] = {
        {"blanks", "  DK  1234\tAB ", "dk 1234 ab"},
        {"accents", "Bissau, Guiné", "bissau, guine"},
        {"signs stay", "MSKU-123/4", "msku-123/4"},
        {"typographic signs as typed", "N’Djamena – Nord", "n'djamena - nord"},
        {"nothing", "   ", ""},
    };
    uint8_t key[FOLD_EXACT_BYTES_MAX];
    uint8_t wide[200];
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        size_t n = fold_exact(span_text(ROWS[i].text), key, sizeof key);

        assert_int_equal(n, strlen(ROWS[i].key));
        assert_memory_equal(key, ROWS[i].key, n);
    }
    memset(text, 'x', sizeof text);
    assert_int_equal(fold_exact(span_of(text, 63), wide, sizeof wide), 63);
    assert_int_equal(fold_exact(span_of(text, 64), wide, sizeof wide), 64);
    assert_int_equal(fold_exact(span_of(text, 65), wide, sizeof wide), 64);
    assert_int_equal(fold_exact(span_of(text, 65), wide, 10), 10);
}

static void every_two_bytes_fold_within_bounds(void **state)
{
    uint8_t text[3] = {0, 0, 'z'};
    uint8_t key[8];
    struct joined joined;

    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            text[0] = (uint8_t)a;
            text[1] = (uint8_t)b;
            words_of(&joined, span_of(text, sizeof text));
            assert_true(fold_exact(span_of(text, sizeof text), key, sizeof key) <= sizeof key);
        }
    }
}

static void count_word(void *arg, struct span word)
{
    *(size_t *)arg += word.n;
}

/* Printed, not asserted: a machine under load would fail. */
static void prints_its_speed(void **state)
{
    static const char SENTENCE[] = "Seized at Dakar airport: 12.5 kilograms of cocaine hidden in luggage of a passenger from Sao Paulo to Lisbon. ";
    size_t size = 8U << 20;
    uint8_t *text = malloc(size);
    size_t letters = 0;
    struct timespec from;
    struct timespec to;
    double seconds;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < size; i++) {
        text[i] = (uint8_t)SENTENCE[i % (sizeof SENTENCE - 1)];
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    fold_words(span_of(text, size), count_word, &letters);
    clock_gettime(CLOCK_MONOTONIC, &to);
    seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
    printf("fold: %.0f MB/s of ASCII text\n", (double)size / 1e6 / seconds);
    assert_true(letters > size / 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found_whatever_their_accents),
        cmocka_unit_test(long_words_are_cut_at_forty_eight_bytes),
        cmocka_unit_test(exact_values_compare_whatever_case_and_blanks),
        cmocka_unit_test(every_two_bytes_fold_within_bounds),
        cmocka_unit_test(prints_its_speed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

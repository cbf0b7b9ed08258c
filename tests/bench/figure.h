/* figure.h - what the benchmarks share: the clock, the record of about 600 bytes that is a pure function of its number, and how a row of times is printed. */
#ifndef GRIOT_TESTS_BENCH_FIGURE_H
#define GRIOT_TESTS_BENCH_FIGURE_H

#include "proto/record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIGURE_MUST(x)                                                                                                                               \
    do {                                                                                                                                             \
        if (!(x)) {                                                                                                                                  \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #x);                                                                           \
            exit(1);                                                                                                                                 \
        }                                                                                                                                            \
    } while (0)

static inline double figure_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void figure_add(struct draft *draft, const char *name, const char *value, struct record_faults *faults)
{
    FIGURE_MUST(draft_add(draft, span_text(name), span_text(value), faults));
}

static inline const char *figure_word(uint64_t x)
{
    static const char *const words[] = {"saisie", "de", "cannabis", "dans", "un", "vehicule", "au", "poste", "frontiere", "dissimulee", "sous", "le", "plancher",
                                        "conteneur", "en", "transit", "vers", "port", "autonome", "chauffeur", "interpelle", "tramadol", "comprimes", "bagage"};
    return words[x % (sizeof words / sizeof *words)];
}

static inline const char *figure_country(uint32_t number)
{
    static const char *const countries[] = {"SN", "GM", "GW", "ML", "CI", "GH", "TG", "BJ", "NG", "CM", "GA", "TD"};
    return countries[number % (sizeof countries / sizeof *countries)];
}

static unsigned figure_words = 50; /* of the narrative */

/* So many words, drawn from `number`; returns the last draw. */
static inline uint64_t figure_narrative(uint32_t number, char *ret, size_t cap)
{
    uint64_t x = number * 0x9e3779b97f4a7c15ULL + 1;
    size_t at = 0;
    for (unsigned i = 0; i < figure_words && at + 16 < cap; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        at += (size_t)snprintf(ret + at, cap - at, "%s ", figure_word(x));
    }
    ret[at - 1] = '\0';
    return x;
}

/* Payload bytes of record `number` into `ret` (PAYLOAD_BYTES_MAX). */
static inline size_t figure_record(uint32_t number, uint8_t *ret)
{
    static struct draft *draft;
    static struct record record;
    static struct record_faults faults;
    char text[512];
    const struct kind *kind = kind_by_name(span_text("seizure"));
    if (draft == NULL) {
        draft = draft_new(kind);
    }
    draft_reset(draft, kind);
    faults.count = faults.errors = 0;
    snprintf(text, sizeof text, "20%02u-%02u-%02u", 15 + number % 11, number % 12 + 1, number % 28 + 1);
    figure_add(draft, "date", text, &faults);
    figure_add(draft, "country", figure_country(number), &faults);
    figure_add(draft, "heading", "DRG", &faults);
    figure_add(draft, "description", figure_word(number % 12), &faults);
    snprintf(text, sizeof text, "%u.%u", number % 977 + 1, number % 9 + 1);
    figure_add(draft, "quantity", text, &faults);
    figure_add(draft, "unit", "KGM", &faults);
    snprintf(text, sizeof text, "DK-%04u-%c", number % 9973, 'A' + (char)(number % 26));
    figure_add(draft, "plate", text, &faults);
    uint64_t x = figure_narrative(number, text, sizeof text);
    figure_add(draft, "narrative", text, &faults);
    FIGURE_MUST(draft_finish(draft, 25000, &record, &faults));
    memcpy(record.id.b, &x, 8);
    memcpy(record.id.b + 8, &number, 4);
    struct out out = out_into(ret, PAYLOAD_BYTES_MAX);
    FIGURE_MUST(record_encode(&record, &out) == ERR_OK);
    return out.at;
}

static inline double figure_record_bytes(void)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    double sum = 0;
    for (uint32_t i = 0; i < 100; i++) {
        sum += (double)figure_record(i * 7919, bytes);
    }
    return sum / 100;
}

/* Each time for whoever pools several runs, in the file that BENCH_SAMPLES names. */
static inline void figure_samples(const char *name, const double *times, size_t n)
{
    const char *path = getenv("BENCH_SAMPLES");
    FILE *file = path != NULL ? fopen(path, "ae") : NULL;
    for (size_t i = 0; i < n && file != NULL; i++) {
        fprintf(file, "%s %.4f\n", name, times[i] * 1e3);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static inline int figure_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static inline void figure_times(const char *name, double *times, size_t n)
{
    qsort(times, n, sizeof *times, figure_by_value);
    printf("{\"bench\":\"%s\",\"rounds\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", name, n, times[n / 2] * 1e3, times[n * 99 / 100] * 1e3);
}

#endif

/* bench_index.c - the index over a real store: how fast records become searchable, in bulk and one by one, what they take on disk, and how long a mix
 * of searches takes in a fresh process. The limit, measured in the same run: the same terms gathered and sorted in memory, nothing written.
 *
 *     bench_index [RECORDS]       default 100,000; prints one JSON line
 *
 * The mix follows MEASUREMENTS A5: one word; two words; word, country, goods and year; a prefix of three or four letters (newest 20 and an exact
 * count each); counts by country within a year. Totals are checked against a scan of what the records say. */
#include "store/index/run.h"
#include "store/index/terms.h"
#include "store/kv.h"
#include "store/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MUST(x)                                                                                                                                      \
    do {                                                                                                                                             \
        if (!(x)) {                                                                                                                                  \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #x);                                                                           \
            exit(1);                                                                                                                                 \
        }                                                                                                                                            \
    } while (0)

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* ---- records as functions of their number ---- */

enum { WORDS = 45, VOCABULARY = 30000, COUNTRIES = 12, GOODS = 5, YEARS = 10, YEAR_FIRST = 2016, ENTRIES = 20 };
static const char *const COUNTRY[COUNTRIES] = {"SN", "GM", "GW", "CM", "NG", "GH", "TG", "BJ", "ML", "BF", "CI", "GN"};
static const char *const PLACE[COUNTRIES] = {"Dakar", "Banjul",  "Bissau", "Douala",      "Lagos",   "Tema",
                                             "Lomé",  "Cotonou", "Bamako", "Ouagadougou", "Abidjan", "Conakry"};
static const char *const GOOD[GOODS] = {"cocaine", "heroin", "cannabis_herb", "khat", "tramadol"};

/* Skewed, as words and places are: the first is frequent, the last one rare. */
static uint32_t skewed(uint64_t r, uint32_t n)
{
    double u = (double)(r >> 11) / 9007199254740992.0;

    return (uint32_t)(u * u * u * n);
}

static uint32_t word_of(uint64_t i, uint32_t w)
{
    return skewed(mix(i * 64 + w + 1000), VOCABULARY);
}
static uint32_t country_of(uint64_t i)
{
    return skewed(mix(i ^ 0x1111), COUNTRIES);
}
static uint32_t good_of(uint64_t i)
{
    return skewed(mix(i ^ 0x2222), GOODS);
}
static uint32_t year_of(uint64_t i)
{
    return YEAR_FIRST + (uint32_t)(mix(i ^ 0x3333) % YEARS);
}

static size_t word_write(uint32_t k, char *ret)
{
    static const char SYLLABLE[20][4] = {"ba", "con", "de", "fi",  "gra", "hou", "im",  "jo",  "ka", "lon",
                                         "ma", "ni",  "ou", "por", "qui", "ra",  "sai", "ter", "ve", "zan"};
    uint64_t r = mix(k) % 8000; /* several words share their beginning */

    return (size_t)sprintf(ret, "%s%s%s%x", SYLLABLE[r % 20], SYLLABLE[r / 20 % 20], SYLLABLE[r / 400], k);
}

static struct span record_make(uint64_t i, struct draft *draft, struct record *record, uint8_t ret[PAYLOAD_BYTES_MAX])
{
    struct record_faults faults;
    struct out out = out_into(ret, PAYLOAD_BYTES_MAX);
    char text[1600];
    size_t n = 0;
    uint64_t a = mix(i ^ 0x7777), b = mix(a);

    faults.count = faults.errors = 0;
    draft_reset(draft, kind_by_name(span_text("seizure")));
#define ADD(name, ...) (snprintf(text, sizeof text, __VA_ARGS__), draft_add(draft, span_text(name), span_text(text), &faults))
    MUST(ADD("date", "%u-%02u-%02u", year_of(i), 1 + (unsigned)(a % 12), 1 + (unsigned)(a / 16 % 28)));
    MUST(ADD("country", "%s", COUNTRY[country_of(i)]) && ADD("place", "%s", PLACE[country_of(i)]) && ADD("mode", "sea") && ADD("language", "fr"));
    MUST(ADD("commodity", "%s", GOOD[good_of(i)]) && ADD("unit", "kg") &&
         ADD("quantity", "%u.%u", 1 + (unsigned)(a / 64 % 500), 1 + (unsigned)(a / 512 % 9)));
    MUST(ADD("container", "MSCU%07u", (unsigned)(b % 10000000)) && ADD("plate", "DK-%04u-%c", (unsigned)(b / 64 % 10000), 'A' + (int)(b % 26)));
    MUST(ADD("external_id", "ref-%llu", (unsigned long long)i) && ADD("office", "bureau %u", skewed(mix(i ^ 0x4444), 60)));
#undef ADD
    for (uint32_t w = 0; w < WORDS; w++) {
        n += word_write(word_of(i, w), text + n);
        text[n++] = ' ';
    }
    MUST(draft_add(draft, span_text("narrative"), span_of(text, n - 1), &faults));
    MUST(draft_finish(draft, 21000, record, &faults));
    memcpy(record->id.b, &a, 8);
    memcpy(record->id.b + 8, &b, 8);
    record->depth = 1;
    record->replaces_count = 0;
    MUST(record_encode(record, &out) == ERR_OK);
    return out_written(&out);
}

/* ---- building ---- */

struct bench {
    char home[64];
    struct store *store;
    struct keyring *keyring;
    struct secret *key, *identity;
    struct author *author;
    struct views *views;
    struct draft *draft;
    struct record *record;
    uint64_t payload_bytes;
};

static void bench_open(struct bench *bench)
{
    struct region_id region = {{1}};
    struct node_id node = {{2}};
    struct unlock unlock = {NULL, NULL};
    struct sign_public public;
    char path[96];

    snprintf(bench->home, sizeof bench->home, "/tmp/griot-bench-XXXXXX");
    MUST(mkdtemp(bench->home) != NULL);
    snprintf(path, sizeof path, "%s/keys", bench->home);
    MUST(crypto_start() == ERR_OK);
    bench->key = secret_random(32);
    MUST(bench->key != NULL);
    unlock.key = bench->key;
    MUST(keyring_create(path, &unlock, &bench->keyring) == ERR_OK);
    MUST(sign_keypair(&public, &bench->identity) == ERR_OK);
    MUST(store_create(bench->home, &region, &node) == ERR_OK && store_open(bench->home, &bench->store) == ERR_OK);
    MUST(author_new(bench->store, bench->keyring, bench->identity, &bench->author) == ERR_OK);
    MUST(views_open(bench->home, NULL, &bench->views) == ERR_OK);
    bench->draft = draft_new(kind_at(0));
    bench->record = malloc(sizeof *bench->record);
    MUST(bench->draft != NULL && bench->record != NULL);
}

static void append(struct bench *bench, uint64_t from, uint32_t count)
{
    static uint8_t bytes[ENTRIES][PAYLOAD_BYTES_MAX];
    struct payload payloads[ENTRIES];
    struct hash content[ENTRIES];
    struct head head;
    struct wall_ms now = {1700000000000 + from};

    memset(payloads, 0, sizeof payloads);
    for (uint32_t i = 0; i < count; i++) {
        payloads[i].kind = ENTRY_RECORD;
        payloads[i].bytes = record_make(from + i, bench->draft, bench->record, bytes[i]);
        bench->payload_bytes += payloads[i].bytes.n;
    }
    MUST(author_append(bench->author, CHANNEL_BULK, payloads, count, now, 1, content, &head) == ERR_OK);
}

static double follow_all(struct bench *bench)
{
    double begin = now_s(CLOCK_MONOTONIC);
    uint64_t left = 1;

    while (left > 0) {
        MUST(views_follow(bench->views, bench->store, UINT64_MAX, &left) == ERR_OK);
    }
    return now_s(CLOCK_MONOTONIC) - begin;
}

static struct run *floor_run;
static uint16_t floor_doc;

static void floor_add(void *arg, struct span term)
{
    (void)arg;
    MUST(run_add(floor_run, floor_doc, term) == ERR_OK);
}

/* Records per second that the bare work allows: decode, terms, sort, in memory. `*ret_terms`: of a record. */
static double floor_measure(struct bench *bench, double *ret_terms)
{
    enum { DOCS = 4096 };
    struct unpack *unpack = unpack_new();
    uint8_t *bytes = malloc((size_t)DOCS * PAYLOAD_BYTES_MAX);
    struct span *spans = malloc(DOCS * sizeof *spans);
    struct node_id node = {{2}};
    double begin, took;
    const char *clause;

    floor_run = run_new();
    MUST(unpack != NULL && bytes != NULL && spans != NULL && floor_run != NULL);
    for (size_t i = 0; i < DOCS; i++) {
        spans[i] = record_make(i, bench->draft, bench->record, bytes + i * PAYLOAD_BYTES_MAX);
    }
    begin = now_s(CLOCK_MONOTONIC);
    for (int round = 0; round < 4; round++) {
        run_clear(floor_run);
        for (size_t i = 0; i < DOCS; i++) {
            floor_doc = (uint16_t)i;
            MUST(record_decode(unpack, spans[i], bench->record, &clause) == ERR_OK);
            terms_of(bench->record, &node, floor_add, NULL);
        }
        MUST(run_sort(floor_run) == ERR_OK);
    }
    took = (now_s(CLOCK_MONOTONIC) - begin) / 4;
    *ret_terms = (double)run_pairs(floor_run) / DOCS;
    run_destroy(&floor_run);
    unpack_destroy(&unpack);
    free(bytes);
    free(spans);
    return DOCS / took;
}

/* ---- searching, in a process of its own ---- */

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double percentile(double *values, size_t n, double p)
{
    size_t at = (size_t)(p * (double)n);

    qsort(values, n, sizeof *values, double_compare);
    return values[at < n ? at : n - 1];
}

static size_t private_kb(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    size_t kb = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "RssAnon: %zu", &kb) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

static bool hit_take(void *arg, const struct version *version)
{
    (void)arg;
    MUST(version->payload.n > 0);
    return true;
}

static uint64_t ask(struct views *views, struct store *store, const char *query, size_t limit, double *ret_ms)
{
    struct views_read *read;
    struct query_result result = {0, 0};
    size_t at;
    const char *why = "";
    double begin = now_s(CLOCK_MONOTONIC);

    MUST(views_read_begin(views, store, &read) == ERR_OK);
    MUST(views_search(read, span_text(query), 0, limit, hit_take, NULL, &result, &at, &why) == ERR_OK);
    views_read_end(&read);
    *ret_ms += (now_s(CLOCK_MONOTONIC) - begin) * 1e3;
    return result.total;
}

/* How many records have these two words, by what they say. */
static uint64_t scan(uint64_t records, uint32_t first, uint32_t second)
{
    uint64_t total = 0;

    for (uint64_t i = 0; i < records; i++) {
        bool has_first = false, has_second = false;
        for (uint32_t w = 0; w < WORDS; w++) {
            uint32_t k = word_of(i, w);
            has_first = has_first || k == first;
            has_second = has_second || k == second;
        }
        total += has_first && has_second;
    }
    return total;
}

static int search_main(const char *home, uint64_t records)
{
    enum { CLASSES = 5, QUERIES = 40, PASSES = 3 };
    static double ms[CLASSES][QUERIES * PASSES], all[CLASSES * QUERIES * PASSES];
    struct store *store;
    struct views *views;
    size_t n = 0, checked = 0;
    uint64_t hits = 0;
    double begin = now_s(CLOCK_MONOTONIC), open_ms;

    MUST(store_open(home, &store) == ERR_OK && views_open(home, NULL, &views) == ERR_OK);
    open_ms = (now_s(CLOCK_MONOTONIC) - begin) * 1e3;
    for (int pass = -1; pass < PASSES; pass++) { /* one to warm up */
        for (uint32_t class = 0; class < CLASSES; class ++) {
            for (uint32_t q = 0; q < QUERIES; q++) {
                uint64_t r = mix(class * 1000 + q);
                uint32_t k1 = skewed(r, 4000), k2 = skewed(mix(r), 4000);
                char first[32], second[32], query[160];
                uint64_t total = 0;
                double took = 0;
                word_write(k1, first);
                word_write(k2, second);
                if (class == 0) {
                    total = ask(views, store, first, 20, &took);
                } else if (class == 1) {
                    snprintf(query, sizeof query, "%s %s", first, second);
                    total = ask(views, store, query, 20, &took);
                } else if (class == 2) {
                    snprintf(query, sizeof query, "%s country:%s commodity:%s date:%u", first, COUNTRY[q % 4], GOOD[q % 3], YEAR_FIRST + q % YEARS);
                    total = ask(views, store, query, 20, &took);
                } else if (class == 3) {
                    snprintf(query, sizeof query, "%.*s*", 3 + (int)(q % 2), first);
                    total = ask(views, store, query, 20, &took);
                } else {
                    for (size_t c = 0; c < COUNTRIES; c++) {
                        snprintf(query, sizeof query, "country:%s date:%u%s%s", COUNTRY[c], YEAR_FIRST + q % YEARS,
                                 q % 2 == 0 ? "" : " commodity:", q % 2 == 0 ? "" : GOOD[q % 3]);
                        total += ask(views, store, query, 0, &took);
                    }
                }
                if (pass < 0 && q < 3 && class < 2) {
                    MUST(total == scan(records, k1, class == 0 ? k1 : k2));
                    checked++;
                }
                if (pass >= 0) {
                    ms[class][(size_t)pass * QUERIES + q] = took;
                    all[n++] = took;
                    hits += total;
                }
            }
        }
    }
    printf("\"open_ms\":%.0f,\"search_private_kb\":%zu,\"queries\":%zu,\"hits\":%llu,\"totals_checked\":%zu", open_ms, private_kb(), n,
           (unsigned long long)hits, checked);
    for (size_t class = 0; class < CLASSES; class ++) {
        static const char *const NAME[CLASSES] = {"word", "words", "faceted", "prefix", "counts"};
        printf(",\"%s_p50_ms\":%.3f,\"%s_p99_ms\":%.3f", NAME[class], percentile(ms[class], QUERIES * PASSES, 0.5), NAME[class],
               percentile(ms[class], QUERIES * PASSES, 0.99));
    }
    printf(",\"search_p50_ms\":%.3f,\"search_p99_ms\":%.3f}\n", percentile(all, n, 0.5), percentile(all, n, 0.99));
    views_close(&views);
    store_close(&store);
    return 0;
}

/* ---- the whole ---- */

static uint64_t file_bytes(const char *home, const char *name)
{
    char path[128];
    FILE *file;
    long n;

    snprintf(path, sizeof path, "%s/%s/data.mdb", home, name);
    file = fopen(path, "rb");
    MUST(file != NULL && fseek(file, 0, SEEK_END) == 0);
    n = ftell(file);
    fclose(file);
    return (uint64_t)n;
}

int main(int argc, char **argv)
{
    enum { LIVE = 300 };
    static double live[LIVE];
    uint64_t records = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, bulk;
    struct bench bench = {.payload_bytes = 0};
    double took, cpu, terms, floor_rate;
    size_t private_now;
    char count[24], command[128];
    int status;

    if (argc > 3 && strcmp(argv[2], "search") == 0) {
        return search_main(argv[3], records);
    }
    MUST(records > 2 * LIVE);
    bench_open(&bench);
    floor_rate = floor_measure(&bench, &terms);
    bulk = records - LIVE;
    for (uint64_t at = 0; at < bulk;) {
        MUST(store_begin(bench.store) == ERR_OK);
        for (int commits = 0; commits < 500 && at < bulk; commits++) {
            uint32_t n = bulk - at < ENTRIES ? (uint32_t)(bulk - at) : ENTRIES;
            append(&bench, at, n);
            at += n;
        }
        MUST(store_commit(bench.store) == ERR_OK);
    }
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    took = follow_all(&bench);
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    for (uint64_t i = 0; i < LIVE; i++) {
        MUST(store_begin(bench.store) == ERR_OK);
        append(&bench, bulk + i, 1);
        MUST(store_commit(bench.store) == ERR_OK);
        live[i] = follow_all(&bench) * 1e3;
    }
    private_now = private_kb();
    author_destroy(&bench.author);
    views_close(&bench.views);
    store_close(&bench.store);
    keyring_destroy(&bench.keyring);
    secret_destroy(&bench.key);
    secret_destroy(&bench.identity);
    draft_destroy(&bench.draft);
    free(bench.record);
    printf(
        "{\"bench\":\"index\",\"records\":%llu,\"payload_bytes_per_record\":%.0f,\"terms_per_record\":%.1f,\"index_records_per_s\":%.0f,\"index_cpu_"
        "us_per_record\":%.2f,"
        "\"limit_records_per_s\":%.0f,\"ratio_to_limit\":%.2f,\"live_batch_p50_ms\":%.2f,\"live_batch_p99_ms\":%.2f,\"views_bytes_per_record\":%.0f,"
        "\"log_bytes_per_record\":%.0f,\"index_private_kb\":%zu,",
        (unsigned long long)records, (double)bench.payload_bytes / (double)records, terms, (double)bulk / took, cpu / (double)bulk * 1e6, floor_rate,
        (double)bulk / took / floor_rate, percentile(live, LIVE, 0.5), percentile(live, LIVE, 0.99),
        (double)file_bytes(bench.home, "views") / (double)records, (double)file_bytes(bench.home, "log") / (double)records, private_now);
    fflush(stdout);
    snprintf(count, sizeof count, "%llu", (unsigned long long)records);
    snprintf(command, sizeof command, "/proc/%d/exe %s search %s", (int)getpid(), count, bench.home);
    status = system(command);
    snprintf(command, sizeof command, "rm -rf '%s'", bench.home);
    MUST(system(command) == 0);
    return status == 0 ? 0 : 1;
}

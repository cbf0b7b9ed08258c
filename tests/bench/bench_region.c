/* What region.sh asks of real daemons, without a program started per question:
 *   bench_region csv N                          N rows of a CSV for bench.ini, on standard output
 *   bench_region append HOME N [FIRST]          N records over the control socket, in batches, as an import sends them
 *   bench_region single HOME N                  N records, each durable before the next is sent
 *   bench_region start HOME ENTRIES GRIOT [AT]  start HOME's daemon; time until it answers, and until AT (HOME) holds ENTRIES, and finds them; bytes on `lo` meanwhile
 *   bench_region live A HUB B N GAP_MS          N records at A until they are durable at HUB, and N at B behind it
 *   bench_region everywhere N HOME...           a record at each home in turn until `search` finds it at every other
 *   bench_region status HOME N                  N answers to `status`
 * One JSON line each; BENCH_SAMPLES=FILE appends each single time of `single` and `live` to FILE, in milliseconds behind its name. Durable is what the receiver's environment shows to another process: LMDB writes its meta page, synced, last of all. */
#include "node/client.h"
#include "proto/pack.h"
#include "store/env.h"
#include "tests/bench/figure.h"

#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { BATCH_BYTES = 819200, ROUNDS_MAX = 20000, HOMES_MAX = 64, WAIT_S = 300 };

/* ---- a home's two environments, read beside its daemon ---- */

struct watch {
    char home[256];
    MDB_env *log, *views;
    MDB_dbi logs, journal, meta;
};

static MDB_env *env_open(const char *home, const char *name)
{
    char path[300];
    MDB_env *env;
    snprintf(path, sizeof path, "%s/%s", home, name);
    FIGURE_MUST(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 32) == 0);
    FIGURE_MUST(mdb_env_set_mapsize(env, UINT64_C(64) << 30) == 0); /* as far as it may grow */
    if (mdb_env_open(env, path, MDB_RDONLY | MDB_NOTLS, 0600) != 0) {
        mdb_env_close(env);
        return NULL;
    }
    return env;
}

static void table_open(MDB_env *env, const char *name, MDB_dbi *ret)
{
    MDB_txn *txn;
    FIGURE_MUST(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0 && mdb_dbi_open(txn, name, 0, ret) == 0 && mdb_txn_commit(txn) == 0);
}

static void watch_open(struct watch *watch, const char *home)
{
    memset(watch, 0, sizeof *watch);
    snprintf(watch->home, sizeof watch->home, "%s", home);
    watch->log = env_open(home, "log");
    FIGURE_MUST(watch->log != NULL);
    table_open(watch->log, "logs", &watch->logs);
    table_open(watch->log, "journal", &watch->journal);
}

/* The sum of the logs' entries (LAYOUT.md 1.2), and the last number of the journal. */
static uint64_t watch_entries(const struct watch *watch, uint64_t *ret_journal)
{
    static const struct region_id any;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t entries = 0;
    FIGURE_MUST(mdb_txn_begin(watch->log, NULL, MDB_RDONLY, &txn) == 0 && mdb_cursor_open(txn, watch->logs, &cursor) == 0);
    for (int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct log log;
        FIGURE_MUST(log_row_read(span_of(value.mv_data, value.mv_size), &any, 1, &log) == ERR_OK);
        entries += log.chain.entries;
    }
    mdb_cursor_close(cursor);
    if (ret_journal != NULL) {
        FIGURE_MUST(mdb_cursor_open(txn, watch->journal, &cursor) == 0);
        *ret_journal = mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0 ? key_read_u64(key.mv_data) : 0;
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return entries;
}

/* How far the index has followed the journal. */
static uint64_t watch_followed(struct watch *watch)
{
    if (watch->views == NULL) {
        watch->views = env_open(watch->home, "views");
        if (watch->views == NULL) {
            return 0; /* not made yet */
        }
        table_open(watch->views, "meta", &watch->meta);
    }
    MDB_txn *txn;
    char name[] = "state";
    MDB_val key = {strlen(name), name}, value;
    FIGURE_MUST(mdb_txn_begin(watch->views, NULL, MDB_RDONLY, &txn) == 0);
    uint64_t followed = mdb_get(txn, watch->meta, &key, &value) == 0 && value.mv_size >= 12 ? key_read_u64((const uint8_t *)value.mv_data + 4) : 0;
    mdb_txn_abort(txn);
    return followed;
}

static void pause_us(long us) { nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL); }

/* ---- what passes on the loopback ---- */

/* Of IP packets: the loopback counts an Ethernet header of 14 bytes that no wire has. */
static uint64_t loopback_bytes(void)
{
    char line[512];
    unsigned long long bytes = 0, packets = 0;
    FILE *file = fopen("/proc/net/dev", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *at = strstr(line, "lo:");
        if (at != NULL) {
            bytes = strtoull(at + 3, &at, 10);
            packets = strtoull(at, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes - 14 * packets;
}

/* ---- records over the control socket ---- */

static struct client *client_of(const char *home, const char *channel)
{
    struct client *client;
    FIGURE_MUST(client_open(home, &client) == ERR_OK && client_is_daemon(client));
    json_t *error;
    FIGURE_MUST(channel == NULL || client_append_begin(client, json_pack("{s:s}", "channel", channel), &error) == ERR_OK);
    return client;
}

static void item_add(struct out *out, uint32_t number)
{
    uint8_t payload[PAYLOAD_BYTES_MAX];
    size_t n = figure_record(number, payload);
    pack_array(out, 2);
    pack_bin(out, span_of(NULL, 0));
    pack_bin(out, span_of(payload, n));
}

static double append_timed(struct client *client, const struct out *out)
{
    json_t *result = NULL;
    double begin = figure_now();
    enum err err = client_append(client, out_written(out), &result);
    double took = figure_now() - begin;
    if (err != ERR_OK) {
        fprintf(stderr, "append: %s\n", json_dumps(result, 0));
        exit(1);
    }
    json_decref(result);
    return took;
}

static void append(const char *home, uint32_t records, uint32_t first)
{
    static uint8_t memory[BATCH_BYTES];
    struct client *client = client_of(home, "bulk");
    struct out out = out_into(memory, sizeof memory);
    double took = 0;
    for (uint32_t i = 0; i < records; i++) {
        item_add(&out, first + i);
        if (out.at + PAYLOAD_BYTES_MAX + 16 > sizeof memory || i + 1 == records) {
            took += append_timed(client, &out); /* making the records is not what is measured */
            out = out_into(memory, sizeof memory);
        }
    }
    FIGURE_MUST(client_append_end(client) == ERR_OK);
    client_close(&client);
    printf("{\"bench\":\"ingest.bulk\",\"records\":%u,\"seconds\":%.3f,\"records_per_s\":%.0f}\n", records, took, records / took);
}

static double times[3][ROUNDS_MAX];

static void single(const char *home, uint32_t rounds)
{
    uint8_t memory[PAYLOAD_BYTES_MAX + 64];
    struct client *client = client_of(home, "report");
    double begin = figure_now();
    for (uint32_t i = 0; i < rounds; i++) {
        struct out out = out_into(memory, sizeof memory);
        item_add(&out, 900000000U + i);
        times[0][i] = append_timed(client, &out);
    }
    double took = figure_now() - begin;
    client_close(&client);
    figure_samples("ingest.single", times[0], rounds);
    qsort(times[0], rounds, sizeof times[0][0], figure_by_value);
    printf("{\"bench\":\"ingest.single\",\"rounds\":%u,\"records_per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", rounds, rounds / took,
           times[0][rounds / 2] * 1e3, times[0][rounds * 99U / 100] * 1e3);
}

/* ---- a daemon from its start ---- */

static pid_t daemon_start(const char *home, const char *griot)
{
    pid_t child = fork();
    FIGURE_MUST(child >= 0);
    if (child == 0) {
        char log[300];
        snprintf(log, sizeof log, "%s/log.txt", home);
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), none = open("/dev/null", O_RDONLY | O_CLOEXEC);
        setsid();
        dup2(none, 0);
        dup2(fd, 1);
        dup2(fd, 2);
        execl(griot, griot, "-H", home, "run", (char *)NULL);
        _exit(127);
    }
    return child;
}

static void start(const char *home, uint64_t entries, const char *griot, const char *at)
{
    struct watch watch;
    watch_open(&watch, at);
    uint64_t wire = loopback_bytes(), journal, before = watch_entries(&watch, NULL);
    double begin = figure_now(), serving = 0, durable = 0, searchable = 0;
    pid_t pid = daemon_start(home, griot);
    struct client *client = NULL;
    while (client == NULL) {
        char path[300];
        snprintf(path, sizeof path, "%s/control.sock", home);
        if (access(path, F_OK) == 0 && client_open(home, &client) != ERR_OK) {
            client = NULL;
        }
        FIGURE_MUST(figure_now() - begin < WAIT_S);
        if (client == NULL) {
            pause_us(500);
        }
    }
    json_t *request = json_pack("{s:s}", "do", "status"), *result = NULL;
    FIGURE_MUST(client_is_daemon(client) && client_call(client, request, NULL, NULL, &result) == ERR_OK);
    serving = figure_now() - begin;
    json_decref(result);
    json_decref(request);
    client_close(&client);
    uint64_t wire_end = 0;
    while (searchable == 0) {
        uint64_t held = watch_entries(&watch, &journal);
        if (durable == 0 && held >= entries) {
            durable = figure_now() - begin;
            wire_end = loopback_bytes();
        }
        if (durable > 0 && watch_followed(&watch) >= journal) {
            searchable = figure_now() - begin;
        }
        FIGURE_MUST(figure_now() - begin < WAIT_S);
        pause_us(1000);
    }
    uint64_t got = entries > before ? entries - before : 0;
    printf("{\"bench\":\"start\",\"pid\":%d,\"entries\":%llu,\"got\":%llu,\"serving_ms\":%.1f,\"durable_s\":%.3f,\"searchable_s\":%.3f,\"durable_per_s\":%.0f,\"searchable_per_s\":%.0f,"
           "\"wire_bytes\":%llu,\"wire_per_payload\":%.3f}\n",
           (int)pid, (unsigned long long)entries, (unsigned long long)got, serving * 1e3, durable, searchable, (double)got / durable, (double)got / searchable,
           (unsigned long long)(wire_end - wire), got > 0 ? (double)(wire_end - wire) / ((double)got * figure_record_bytes()) : 0.0);
}

/* ---- live, two hops ---- */

static void times_print(const char *name, double *t, uint32_t rounds, const char *more)
{
    figure_samples(name, t, rounds);
    qsort(t, rounds, sizeof *t, figure_by_value);
    printf("{\"bench\":\"%s\",\"rounds\":%u,\"p50_ms\":%.3f,\"p99_ms\":%.3f%s}\n", name, rounds, t[rounds / 2] * 1e3, t[rounds * 99U / 100] * 1e3, more);
}

static int notify_on(const struct watch *watch)
{
    char path[300];
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    snprintf(path, sizeof path, "%s/log/data.mdb", watch->home);
    FIGURE_MUST(fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY) >= 0);
    return fd;
}

static void notes_drop(int fd)
{
    char events[8192];
    while (read(fd, events, sizeof events) > 0) {
    }
}

/* Until `watch` holds `want`. Woken by each write of its data file, the last of a transaction being its synced meta page. */
static double held_after(const struct watch *watch, int fd, uint64_t want, double begin)
{
    for (int again = 0; watch_entries(watch, NULL) < want;) {
        /* LMDB shows a transaction to readers a moment after the write that wakes us: look again a few times. */
        struct timespec soon = {0, 50000}, late = {0, 50000000};
        struct pollfd item = {.fd = fd, .events = POLLIN};
        again = ppoll(&item, 1, again > 0 ? &soon : &late, NULL) > 0 ? 4 : again - 1;
        notes_drop(fd);
        FIGURE_MUST(figure_now() - begin < WAIT_S);
    }
    return figure_now() - begin;
}

/* Each round is watched at one of the two, in turns: whoever watches takes time from those who work. */
static void live(const char *a, const char *hub, const char *b, uint32_t rounds, uint32_t gap_ms)
{
    struct watch at[2];
    int fd[2];
    struct client *client = client_of(a, "report");
    uint8_t memory[PAYLOAD_BYTES_MAX + 64];
    char more[64];
    uint32_t count[2] = {0, 0};
    watch_open(&at[0], hub);
    watch_open(&at[1], b);
    fd[0] = notify_on(&at[0]);
    fd[1] = notify_on(&at[1]);
    const uint64_t before[2] = {watch_entries(&at[0], NULL), watch_entries(&at[1], NULL)};
    for (uint32_t i = 0; i < 2 * rounds; i++) {
        uint32_t k = i % 2;
        uint64_t want = before[k] + i + 1;
        struct out out = out_into(memory, sizeof memory);
        item_add(&out, 800000000U + i);
        notes_drop(fd[k]);
        double begin = figure_now();
        times[0][i / 2] = append_timed(client, &out);
        times[k + 1][count[k]++] = held_after(&at[k], fd[k], want, begin);
        pause_us((long)gap_ms * 1000);
    }
    snprintf(more, sizeof more, ",\"gap_ms\":%u", gap_ms);
    times_print("live.recorded", times[0], rounds, more);
    times_print("live.1_hop", times[1], rounds, more);
    times_print("live.2_hops", times[2], rounds, more);
    client_close(&client);
    close(fd[0]);
    close(fd[1]);
}

/* ---- visible everywhere ---- */

static bool finds(struct client *client, const char *word)
{
    json_t *request = json_pack("{s:s, s:s, s:i}", "do", "search", "query", word, "limit", 1), *result = NULL;
    FIGURE_MUST(client_call(client, request, NULL, NULL, &result) == ERR_OK);
    bool found = json_integer_value(json_object_get(result, "total")) > 0;
    json_decref(result);
    json_decref(request);
    return found;
}

static void everywhere(uint32_t rounds, char *const *homes, uint32_t count)
{
    struct client *ask[HOMES_MAX], *enter[HOMES_MAX];
    uint8_t memory[PAYLOAD_BYTES_MAX + 64], payload[PAYLOAD_BYTES_MAX];
    char more[64], word[32];
    struct draft *draft = draft_new(kind_by_name(span_text("seizure")));
    FIGURE_MUST(count <= HOMES_MAX && draft != NULL);
    for (uint32_t i = 0; i < count; i++) {
        ask[i] = client_of(homes[i], NULL);
        enter[i] = client_of(homes[i], "report");
    }
    for (uint32_t i = 0; i < rounds; i++) {
        static struct record record;
        static struct record_faults faults;
        uint32_t from = i % count;
        const struct kind *kind = kind_by_name(span_text("seizure"));
        snprintf(word, sizeof word, "zq%08xx%u", (unsigned)((uint64_t)(figure_now() * 1e6) & 0xffffffffU), i);
        draft_reset(draft, kind);
        faults.count = faults.errors = 0;
        figure_add(draft, "date", "2026-11-01", &faults);
        figure_add(draft, "country", "SN", &faults);
        figure_add(draft, "heading", "DRG", &faults);
        figure_add(draft, "description", word, &faults);
        figure_add(draft, "quantity", "1", &faults);
        figure_add(draft, "unit", "KGM", &faults);
        FIGURE_MUST(draft_finish(draft, 25000, &record, &faults));
        struct out encoded = out_into(payload, sizeof payload), out = out_into(memory, sizeof memory);
        FIGURE_MUST(record_encode(&record, &encoded) == ERR_OK);
        pack_array(&out, 2);
        pack_bin(&out, span_of(NULL, 0));
        pack_bin(&out, out_written(&encoded));
        times[0][i] = append_timed(enter[from], &out);
        double begin = figure_now();
        for (uint32_t k = 1; k < count; k++) {
            while (!finds(ask[(from + k) % count], word)) {
                FIGURE_MUST(figure_now() - begin < WAIT_S);
                pause_us(2000);
            }
        }
        times[1][i] = figure_now() - begin;
        pause_us(100000);
    }
    snprintf(more, sizeof more, ",\"nodes\":%u", count);
    times_print("everywhere.recorded", times[0], rounds, more);
    times_print("everywhere.found", times[1], rounds, more);
}

static void status(const char *home, uint32_t rounds)
{
    struct client *client = client_of(home, NULL);
    json_t *request = json_pack("{s:s}", "do", "status");
    for (uint32_t i = 0; i < rounds; i++) {
        json_t *result = NULL;
        double begin = figure_now();
        FIGURE_MUST(client_call(client, request, NULL, NULL, &result) == ERR_OK);
        times[0][i] = figure_now() - begin;
        json_decref(result);
        pause_us(10000);
    }
    json_decref(request);
    client_close(&client);
    times_print("status", times[0], rounds, "");
}

/* ---- rows for an import ---- */

/* The same words as figure_record: what a row costs is what a record costs. */
static void csv(uint32_t rows)
{
    printf("id;date;country;heading;goods;quantity;unit;plate;narrative\n");
    for (uint32_t i = 0; i < rows; i++) {
        char text[512];
        figure_narrative(i, text, sizeof text);
        printf("%u;%02u/%02u/20%02u;%s;DRG;%s;%u,%u;KGM;DK-%04u-%c;%s\n", i, i % 28 + 1, i % 12 + 1, 15 + i % 11, figure_country(i), figure_word(i), i % 977 + 1, i % 9 + 1,
               i % 9973, 'A' + (char)(i % 26), text);
    }
}

static uint32_t number(const char *text) { return (uint32_t)strtoul(text, NULL, 10); }

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    signal(SIGCHLD, SIG_IGN);
    if (argc >= 3 && strcmp(what, "csv") == 0) {
        csv(number(argv[2]));
    } else if (argc >= 4 && strcmp(what, "append") == 0) {
        append(argv[2], number(argv[3]), argc > 4 ? number(argv[4]) : 0);
    } else if (argc >= 4 && strcmp(what, "single") == 0 && number(argv[3]) - 1 < ROUNDS_MAX) {
        single(argv[2], number(argv[3]));
    } else if (argc >= 5 && strcmp(what, "start") == 0) {
        start(argv[2], strtoull(argv[3], NULL, 10), argv[4], argc > 5 ? argv[5] : argv[2]);
    } else if (argc >= 7 && strcmp(what, "live") == 0 && number(argv[5]) - 1 < ROUNDS_MAX) {
        live(argv[2], argv[3], argv[4], number(argv[5]), number(argv[6]));
    } else if (argc >= 5 && strcmp(what, "everywhere") == 0 && number(argv[2]) - 1 < ROUNDS_MAX) {
        everywhere(number(argv[2]), argv + 3, (uint32_t)(argc - 3));
    } else if (argc >= 4 && strcmp(what, "status") == 0 && number(argv[3]) - 1 < ROUNDS_MAX) {
        status(argv[2], number(argv[3]));
    } else if (argc > 1) {
        fprintf(stderr, "bench_region: see the head of tests/bench/bench_region.c\n");
        return 2;
    }
    return 0; /* without arguments there is nothing to do: region.sh has the daemons */
}

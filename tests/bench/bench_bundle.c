/* Bundles against the admission that they end in:
 *   bench_bundle [records]
 * One JSON line each: the limit, which is the admission of the same segments by another store, verified and durable, without reading them; a bundle written to a file, synced and read
 * back; checked; taken in, verified and durable, with its longest change and the private memory of the process. */
#include "node/bundle_in.h"
#include "node/bundle_out.h"
#include "node/frontier.h"
#include "node/medium.h"
#include "tests/bench/figure.h"
#include "tests/bench/pair.h"

#include <fcntl.h>

enum { GROUP = 2048, TXN_SEGMENTS = 16, PIECE_BYTES = 1 << 19 };

static double admission; /* records/s: the limit */

static void figure(const char *name, double records, double seconds, const char *more)
{
    printf("{\"bench\":\"bundle.%s\",\"records\":%.0f,\"seconds\":%.3f,\"records_per_s\":%.0f,\"ratio_to_admission\":%.2f%s}\n", name, records, seconds, records / seconds,
           admission > 0 ? records / seconds / admission : 1.0, more);
}

static void ingest(struct pair *pair, uint32_t records)
{
    static uint8_t memory[GROUP][PAYLOAD_BYTES_MAX];
    static struct payload payloads[GROUP];
    struct head head;
    for (uint32_t first = 0; first < records; first += GROUP) {
        uint32_t count = records - first < GROUP ? records - first : GROUP;
        for (uint32_t i = 0; i < count; i++) {
            payloads[i] = (struct payload){.kind = ENTRY_RECORD, .bytes = span_of(memory[i], figure_record(first + i, memory[i]))};
        }
        FIGURE_MUST(store_begin(pair->store[0]) == ERR_OK);
        FIGURE_MUST(author_append(pair->writer[0].author, CHANNEL_BULK, payloads, count, wall_now(), 1, NULL, &head) == ERR_OK);
        FIGURE_MUST(store_commit(pair->store[0]) == ERR_OK);
    }
}

/* ---- the limit ---- */

static bool only_log(void *arg, const struct log_info *log)
{
    *(struct log_info *)arg = *log;
    return false;
}

static void admit(struct pair *pair)
{
    static uint8_t body[FRAME_BYTES_MAX * 2];
    static const struct hash none;
    struct unpack *unpack = unpack_new();
    struct store_read *read;
    struct log_info log;
    uint64_t seq = 0, entries = 0;
    bool has_birth = false;
    double took = 0;
    uint32_t open = 0;
    FIGURE_MUST(unpack != NULL && store_read_begin(pair->store[0], &read) == ERR_OK && store_logs(read, only_log, &log) == ERR_OK);
    for (;;) {
        struct seg seg, taken;
        struct admitted admitted;
        const char *clause = NULL;
        struct out out = out_into(body, sizeof body);
        FIGURE_MUST(store_segment(read, &log.head.log, has_birth, seq, &none, UINT64_MAX, FRAME_BYTES_MAX - 64, &seg, &seq, &entries) == ERR_OK);
        if (seg.count == 0) {
            break;
        }
        has_birth = true;
        seg_encode(&seg, &out);
        double begin = figure_now();
        if (open++ == 0) {
            FIGURE_MUST(store_begin(pair->store[1]) == ERR_OK);
        }
        FIGURE_MUST(seg_decode(unpack, out_written(&out), &taken, &clause) == ERR_OK && store_admit(pair->store[1], &taken, &admitted, &clause) == ERR_OK);
        if (open == TXN_SEGMENTS) {
            FIGURE_MUST(store_commit(pair->store[1]) == ERR_OK);
            open = 0;
        }
        took += figure_now() - begin;
    }
    double begin = figure_now();
    if (open > 0) {
        FIGURE_MUST(store_commit(pair->store[1]) == ERR_OK);
    }
    took += figure_now() - begin;
    store_read_end(&read);
    unpack_destroy(&unpack);
    admission = (double)log.head.entries / took;
    figure("limit_admission", (double)log.head.entries, took, "");
}

/* ---- out ---- */

static enum err change_at(struct pair *pair, int node, writer_change change, void *arg)
{
    enum err err = ERR_BUSY;
    for (int i = 0; i < 8 && err == ERR_BUSY; i++) {
        FIGURE_MUST(store_begin(pair->store[node]) == ERR_OK);
        writer_forget(&pair->writer[node]);
        err = change(&pair->writer[node], arg);
        if (err != ERR_OK) {
            store_abort(pair->store[node]);
            return err;
        }
        err = store_commit(pair->store[node]);
    }
    return err == ERR_OK && pair->writer[node].has_notice ? writer_refresh(&pair->writer[node]) : err;
}

struct making {
    struct pair *pair;
    struct medium medium;
};
static enum err sink(void *arg, struct span bytes) { return medium_write(&((struct making *)arg)->medium, bytes); }
static enum err sign(void *arg, struct span body, struct signature *ret)
{
    const struct home *home = &((struct making *)arg)->pair->home[0];
    sign_make(SIGN_BUNDLE, &home->region, body, home->identity, ret);
    return ERR_OK;
}

static void out(struct pair *pair, const char *path)
{
    static struct making making;
    struct bundle_hand hand = {.sink = sink, .sign = sign, .arg = &making};
    struct bundle_order order = {.name = "taker", .now = wall_now()};
    struct bundle_plan *plan = NULL;
    struct bundle_written written;
    struct frontier_new fresh;
    struct leaving leaving;
    const char *why = NULL;
    char more[120];
    making.pair = pair;
    double begin = figure_now();
    FIGURE_MUST(change_at(pair, 0, bundle_leave, &leaving) == ERR_OK && change_at(pair, 0, frontier_now, &fresh) == ERR_OK);
    FIGURE_MUST(bundle_plan_make(pair->store[0], &order, &plan, &why) == ERR_OK && bundle_split(plan, pair->store[0], 0) == ERR_OK);
    FIGURE_MUST(medium_begin(path, &making.medium) == ERR_OK);
    FIGURE_MUST(bundle_write(plan, pair->store[0], 1, &hand, &written) == ERR_OK && medium_end(&making.medium) == ERR_OK);
    double took = figure_now() - begin;
    bundle_plan_destroy(&plan);
    snprintf(more, sizeof more, ",\"bytes\":%llu,\"file_per_payload\":%.3f", (unsigned long long)written.bytes, (double)written.bytes / ((double)written.entries * figure_record_bytes()));
    figure("out", (double)written.entries, took, more);
}

/* ---- in ---- */

struct taking {
    struct pair *pair;
    double longest; /* change, in seconds */
};

static enum err change_taker(void *arg, writer_change change, void *change_arg)
{
    struct taking *taking = arg;
    double begin = figure_now();
    enum err err = change_at(taking->pair, 2, change, change_arg);
    double took = figure_now() - begin;
    taking->longest = took > taking->longest ? took : taking->longest;
    return err;
}

static long private_kb(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kb = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "RssAnon: %ld", &kb) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

static void in(struct pair *pair, const char *path, bool is_checking, uint64_t records)
{
    static uint8_t piece[PIECE_BYTES];
    struct taking taking = {.pair = pair};
    struct bundle_in *in = NULL;
    const char *clause = NULL;
    char more[160];
    long before = private_kb(), most = 0;
    double begin = figure_now();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FIGURE_MUST(fd >= 0 && bundle_in_new(&pair->home[2], is_checking, change_taker, &taking, &in) == ERR_OK);
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;) {
        FIGURE_MUST(bundle_in_feed(in, span_of(piece, (size_t)n), &clause) == ERR_OK);
        long now = private_kb();
        most = now > most ? now : most;
    }
    FIGURE_MUST(bundle_in_end(in, &clause) == ERR_OK);
    double took = figure_now() - begin;
    FIGURE_MUST(is_checking || bundle_in_tally(in)->entries == records);
    bundle_in_destroy(&in);
    close(fd);
    snprintf(more, sizeof more, ",\"longest_change_ms\":%.1f,\"private_mib_more\":%.1f", taking.longest * 1e3, (double)(most - before) / 1024);
    figure(is_checking ? "check" : "in", (double)records, took, more);
}

int main(int argc, char **argv)
{
    uint32_t records = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    static struct pair pair;
    char folder[256], path[300], command[300];
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/griot-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    FIGURE_MUST(crypto_start() == ERR_OK && mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/bundle", folder);
    pair_make(folder, &pair, 3);
    ingest(&pair, records);
    admit(&pair);
    out(&pair, path);
    in(&pair, path, true, records);
    in(&pair, path, false, records);
    pair_close(&pair);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* What the log environment costs, without a network:
 *   bench_store [records]
 * One JSON line each: bulk ingest signed and durable; one record a commit, durable each; admission of the same segments by a second store, verified and durable. */
#include "tests/bench/figure.h"
#include "tests/bench/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUP = 2048, SINGLE = 500 };

static void append(struct pair *pair, enum channel channel, uint32_t first, uint32_t count)
{
    static uint8_t memory[GROUP][PAYLOAD_BYTES_MAX];
    static struct payload payloads[GROUP];
    struct head head;
    for (uint32_t i = 0; i < count; i++) {
        payloads[i] = (struct payload){.kind = ENTRY_RECORD, .bytes = span_of(memory[i], figure_record(first + i, memory[i]))};
    }
    FIGURE_MUST(author_append(pair->writer[0].author, channel, payloads, count, wall_now(), 1, NULL, &head) == ERR_OK);
}

static void ingest(struct pair *pair, uint32_t records)
{
    double begin = figure_now();
    for (uint32_t i = 0; i < records; i += GROUP) {
        FIGURE_MUST(store_begin(pair->store[0]) == ERR_OK);
        append(pair, CHANNEL_BULK, i, records - i < GROUP ? records - i : GROUP);
        FIGURE_MUST(store_commit(pair->store[0]) == ERR_OK);
    }
    double took = figure_now() - begin;
    printf("{\"bench\":\"store.ingest_bulk\",\"records\":%u,\"seconds\":%.3f,\"records_per_s\":%.0f}\n", records, took, records / took);
}

static void single(struct pair *pair)
{
    static double times[SINGLE];
    for (uint32_t i = 0; i < SINGLE; i++) {
        double begin = figure_now();
        FIGURE_MUST(store_begin(pair->store[0]) == ERR_OK);
        append(pair, CHANNEL_REPORT, i, 1);
        FIGURE_MUST(store_commit(pair->store[0]) == ERR_OK);
        times[i] = figure_now() - begin;
    }
    figure_times("store.commit_single", times, SINGLE);
}

struct logs {
    struct log_id log[8];
    size_t count;
};

static bool each_log(void *arg, const struct log_info *log)
{
    struct logs *logs = arg;
    logs->log[logs->count++] = log->head.log;
    return logs->count < 8;
}

static void admit(struct pair *pair, uint32_t txn_segments)
{
    struct store_read *read;
    struct logs logs = {.count = 0};
    uint64_t entries = 0, wire = 0;
    static uint8_t body[FRAME_BYTES_MAX * 2];
    struct unpack *unpack = unpack_new();
    FIGURE_MUST(store_read_begin(pair->store[0], &read) == ERR_OK && store_logs(read, each_log, &logs) == ERR_OK);
    double begin = figure_now(), reading = 0;
    for (size_t i = 0; i < logs.count; i++) {
        static const struct hash none;
        uint64_t seq = 0, total = 0;
        bool has_birth = false;
        uint32_t open = 0;
        for (;;) {
            struct seg seg;
            uint64_t last_seq, last_entries;
            double at = figure_now();
            FIGURE_MUST(store_segment(read, &logs.log[i], has_birth, seq, &none, UINT64_MAX, FRAME_BYTES_MAX - 64, &seg, &last_seq, &last_entries) == ERR_OK);
            if (seg.count == 0) {
                break;
            }
            struct out out = out_into(body, sizeof body);
            seg_encode(&seg, &out);
            wire += out.at;
            reading += figure_now() - at;
            const char *clause = NULL;
            struct admitted admitted;
            struct seg taken;
            if (open++ == 0) {
                FIGURE_MUST(store_begin(pair->store[1]) == ERR_OK);
            }
            FIGURE_MUST(seg_decode(unpack, out_written(&out), &taken, &clause) == ERR_OK);
            FIGURE_MUST(store_admit(pair->store[1], &taken, &admitted, &clause) == ERR_OK);
            if (open == txn_segments) {
                FIGURE_MUST(store_commit(pair->store[1]) == ERR_OK);
                open = 0;
            }
            has_birth = true;
            seq = last_seq;
            total = last_entries;
        }
        if (open > 0) {
            FIGURE_MUST(store_commit(pair->store[1]) == ERR_OK);
        }
        entries += total;
    }
    double took = figure_now() - begin;
    store_read_end(&read);
    unpack_destroy(&unpack);
    printf("{\"bench\":\"store.admit\",\"records\":%llu,\"seconds\":%.3f,\"records_per_s\":%.0f,\"of_which_sender_s\":%.3f,\"wire_per_payload\":%.3f}\n",
           (unsigned long long)entries, took, (double)entries / took, reading, (double)wire / ((double)entries * figure_record_bytes()));
}

int main(int argc, char **argv)
{
    uint32_t records = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    char folder[256];
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/griot-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    static struct pair pair;
    FIGURE_MUST(crypto_start() == ERR_OK && mkdtemp(folder) != NULL);
    pair_make(folder, &pair, 2);
    ingest(&pair, records);
    single(&pair);
    admit(&pair, 16);
    pair_close(&pair);
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

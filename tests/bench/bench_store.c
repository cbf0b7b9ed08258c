/* What the log environment costs, without a network:
 *   bench_store [records]
 * One JSON line each: bulk ingest signed and durable; one record a commit, durable each; admission of the same segments by a second store, verified and durable. */
#include "crypto/hash.h"
#include "node/writer.h"
#include "tests/bench/figure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUP = 2048, SINGLE = 500 };

static void home_make(const char *path, const char *name, const struct region_id *region, const struct unlock *unlock)
{
    FIGURE_MUST(home_create(path, &(struct home_plan){.name = name, .role = ROLE_EDGE, .region = *region, .unlock = unlock, .now = wall_now()}) == ERR_OK);
}

struct pair {
    struct home home[2];
    struct store *store[2];
    struct writer writer[2];
};

/* Two members of a region with one root key. */
static void region_make(const char *folder, struct pair *pair)
{
    struct secret *root, *key = secret_random(32);
    struct charter charter = {.version = FORMAT_VERSION, .name_bytes = 5, .name = "bench", .threshold = 1, .key_count = 1};
    struct region_id region;
    static uint8_t memory[65536];
    FIGURE_MUST(sign_keypair(&charter.keys[0], &root) == ERR_OK);
    random_fill(charter.random, sizeof charter.random);
    struct out body = out_into(memory, 4096);
    charter_encode(&charter, &body);
    struct hash hash;
    hash_of(HASH_CHARTER, out_written(&body), &hash);
    memcpy(region.b, hash.b, sizeof region.b);
    struct notice notice = {.kind = NOTICE_CHARTER, .body = out_written(&body)};
    struct out charter_notice = out_into(memory + 4096, 4096);
    notice_encode(&notice, &charter_notice);

    struct member members[2] = {0};
    struct unlock unlock = {.key = key};
    for (int i = 0; i < 2; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%d", folder, i);
        home_make(path, i == 0 ? "author" : "reader", &region, &unlock);
        FIGURE_MUST(home_open(path, &pair->home[i]) == ERR_OK && home_unlock(&pair->home[i], &unlock) == ERR_OK);
        FIGURE_MUST(store_open(path, &pair->store[i]) == ERR_OK);
        store_set_reserve(pair->store[i], 1);
        members[i] = (struct member){.node = pair->home[i].node, .role = ROLE_EDGE, .identity = pair->home[i].identity_public};
        memcpy(members[i].name, pair->home[i].name, sizeof members[i].name);
    }
    if (memcmp(members[0].node.b, members[1].node.b, 16) > 0) {
        struct member first = members[0];
        members[0] = members[1];
        members[1] = first;
    }
    struct roster roster = {.version = FORMAT_VERSION, .region = region, .number = 1, .threshold = 1, .key_count = 1, .created = wall_now(), .protocol_min = 1,
                            .profile = PROFILE_SANDBOX, .member_count = 2, .members = members};
    roster.keys[0] = charter.keys[0];
    struct out roster_body = out_into(memory + 8192, 8192), roster_notice = out_into(memory + 16384, 8192);
    FIGURE_MUST(roster_encode(&roster, &roster_body) == ERR_OK);
    notice = (struct notice){.kind = NOTICE_ROSTER, .body = out_written(&roster_body), .signature_count = 1};
    sign_make(SIGN_ROSTER, &region, notice.body, root, &notice.signatures[0].signature);
    notice_encode(&notice, &roster_notice);
    for (int i = 0; i < 2; i++) {
        struct notice_ref ref;
        bool is_new;
        const char *clause = NULL;
        FIGURE_MUST(store_begin(pair->store[i]) == ERR_OK);
        (void)!store_admit_notice(pair->store[i], out_written(&charter_notice), 0, span_of(NULL, 0), &ref, &is_new, &clause);
        enum err err = store_admit_notice(pair->store[i], out_written(&roster_notice), 0, span_of(NULL, 0), &ref, &is_new, &clause);
        if (err != ERR_OK) {
            fprintf(stderr, "roster: %s %s\n", err_name(err), clause != NULL ? clause : "");
            exit(1);
        }
        FIGURE_MUST(store_commit(pair->store[i]) == ERR_OK && writer_open(&pair->home[i], pair->store[i], &pair->writer[i]) == ERR_OK);
    }
}

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
    region_make(folder, &pair);
    ingest(&pair, records);
    single(&pair);
    admit(&pair, 16);
    for (int i = 0; i < 2; i++) {
        writer_close(&pair.writer[i]);
        store_close(&pair.store[i]);
        home_fini(&pair.home[i]);
    }
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* What confidentiality costs, without a network:
 *   bench_seal [records] [members]
 * One JSON line each: bytes of a sealed record against the same unsealed; ingest of both, in turns, in one run; a new sender key for the audience; opening. */
#include "node/writer.h"
#include "store/audience.h"
#include "store/opener.h"
#include "tests/bench/figure.h"
#include "tests/lib/founding.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { GROUP = 2048, ROTATIONS = 200, OPENINGS = 2000, FIRSTS = 200, MEMBERS = 160 };

struct bench {
    struct home home;
    struct store *store;
    struct writer writer;
    struct audience audience;
    uint32_t members;
};

/* An author in a region, and cards of all who are to read. */
static void region_make(const char *folder, struct bench *bench)
{
    static struct founding founding;
    static struct member members[MEMBERS];
    static struct card cards[MEMBERS];
    static struct secret *identities[MEMBERS];
    static uint8_t body_mem[NOTICE_BYTES_MAX], memory[NOTICE_BYTES_MAX];
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    char path[300];
    founding_begin(&founding);
    snprintf(path, sizeof path, "%s/author", folder);
    FIGURE_MUST(home_create(path, &(struct home_plan){.name = "author", .role = ROLE_EDGE, .region = founding.region, .unlock = &unlock, .now = wall_now()}) ==
                ERR_OK);
    FIGURE_MUST(home_open(path, &bench->home) == ERR_OK && home_unlock(&bench->home, &unlock) == ERR_OK);
    FIGURE_MUST(store_open(path, &bench->store) == ERR_OK);
    store_set_reserve(bench->store, 1);
    for (uint32_t i = 0; i < bench->members; i++) {
        struct secret *box = NULL;
        cards[i] = (struct card){.version = FORMAT_VERSION, .region = founding.region, .counter = 1, .role = ROLE_EDGE};
        snprintf(cards[i].name, sizeof cards[i].name, "node-%u", i);
        random_fill(cards[i].node.b, sizeof cards[i].node.b);
        random_fill(cards[i].transport.b, sizeof cards[i].transport.b);
        FIGURE_MUST(sign_keypair(&cards[i].identity, &identities[i]) == ERR_OK && box_keypair(&cards[i].encryption, &box) == ERR_OK);
        if (i == 0) {
            cards[i].node = bench->home.node;
            cards[i].identity = bench->home.identity_public;
        }
        members[i] = (struct member){.node = cards[i].node, .role = ROLE_EDGE, .identity = cards[i].identity};
        memcpy(members[i].name, cards[i].name, sizeof members[i].name);
        FIGURE_MUST(audience_add(&bench->audience, &cards[i].node) == ERR_OK);
        secret_destroy(&box);
    }
    founding_roster(&founding, members, bench->members);
    FIGURE_MUST(founding_tell(bench->store, founding.charter_notice) == ERR_OK && founding_tell(bench->store, founding.roster_notice) == ERR_OK);
    for (uint32_t i = 0; i < bench->members; i++) {
        struct out body = out_into(body_mem, sizeof body_mem);
        card_encode(&cards[i], &body);
        FIGURE_MUST(i == 0 || founding_tell(bench->store, founding_notice(&founding.region, NOTICE_CARD, SIGN_CARD, out_written(&body), identities[i], memory)) ==
                                  ERR_OK);
        secret_destroy(&identities[i]);
    }
    founding_end(&founding);
    secret_destroy(&key);
    FIGURE_MUST(writer_open(&bench->home, bench->store, &bench->writer) == ERR_OK);
}

/* ---- ingest and bytes ---- */

static uint8_t memory[GROUP][PAYLOAD_BYTES_MAX];
static struct payload payloads[GROUP];
static struct hash contents[GROUP];

/* 600 letters as frequent as in French prose, in which nothing is said twice: what compresses least of what people write. */
static size_t prose(uint32_t number, uint8_t *ret)
{
    static const char letters[] = "eeeeeeeeeeeeeeesssssssaaaaaaaiiiiiiitttttttnnnnnnnrrrrrruuuuuulllllloooooddddcccmmmppvqfbghjx               ,.";
    uint64_t x = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < 600; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        ret[i] = (uint8_t)letters[(x >> 20) % (sizeof letters - 1)];
    }
    return 600;
}

static size_t (*make)(uint32_t number, uint8_t *ret) = figure_record;

static struct head append(struct bench *bench, enum channel channel, uint32_t first, uint32_t count, bool is_sealed, double *took)
{
    struct head head;
    for (uint32_t i = 0; i < count; i++) {
        payloads[i] = (struct payload){.kind = ENTRY_RECORD,
                                       .bytes = span_of(memory[i], make(first + i, memory[i])),
                                       .audience = is_sealed ? &bench->audience : NULL};
    }
    double begin = figure_now();
    FIGURE_MUST(store_begin(bench->store) == ERR_OK);
    FIGURE_MUST(author_append(bench->writer.author, channel, payloads, count, wall_now(), 1, contents, &head) == ERR_OK);
    FIGURE_MUST(store_commit(bench->store) == ERR_OK);
    *took += figure_now() - begin;
    return head;
}

struct weight {
    double payload; /* bytes as stored, an entry */
    double reduced; /* of the reduced form, an entry: with leaf, salt and its share of the commit */
    double packed;  /* on disk and on the wire */
    uint64_t entries;
};

static struct weight weigh(struct bench *bench, const struct log_id *log, uint32_t kind)
{
    static struct commit commit;
    static uint8_t reduced[COMMIT_REDUCED_BYTES_MAX], packed[COMMIT_REDUCED_BYTES_MAX + 1];
    struct commit_packer *packer = commit_packer_new();
    struct store_read *read;
    struct log_info info;
    struct weight weight = {0};
    FIGURE_MUST(store_read_begin(bench->store, &read) == ERR_OK && store_log(read, log, &info) == ERR_OK);
    for (uint64_t seq = 1; seq <= info.head.seq; seq++) {
        struct out out = out_into(reduced, sizeof reduced), small = out_into(packed, sizeof packed);
        struct hash hash;
        FIGURE_MUST(store_commit_at(read, info.number, seq, &commit, &hash) == ERR_OK);
        if (commit.entries[0].leaf.kind != kind) {
            continue; /* the key: once in 30 days */
        }
        commit_reduced(&commit, &out);
        FIGURE_MUST(commit_pack(packer, out_written(&out), &small) == ERR_OK);
        weight.reduced += (double)out.at;
        weight.packed += (double)small.at;
        for (uint32_t i = 0; i < commit.entry_count; i++) {
            weight.payload += commit.entries[i].leaf.length;
            weight.entries++;
        }
    }
    store_read_end(&read);
    commit_packer_destroy(&packer);
    weight.payload /= (double)weight.entries;
    weight.reduced /= (double)weight.entries;
    weight.packed /= (double)weight.entries;
    return weight;
}

static void ingest(struct bench *bench, const char *name, uint32_t records, enum channel plain_channel, enum channel sealed_channel)
{
    double plain = 0, sealed = 0;
    struct head logs[2] = {0};
    uint32_t done = 0;
    for (uint32_t i = 0; done < records; i++) { /* in turns, and each first as often */
        uint32_t n = records - done < GROUP ? records - done : GROUP;
        for (uint32_t turn = 0; turn < 2; turn++) {
            bool is_sealed = (i + turn) % 2 == 1;
            logs[is_sealed] = append(bench, is_sealed ? sealed_channel : plain_channel, done, n, is_sealed, is_sealed ? &sealed : &plain);
        }
        done += n;
    }
    printf("{\"bench\":\"seal.ingest.%s\",\"records\":%u,\"members\":%u,\"plain_per_s\":%.0f,\"sealed_per_s\":%.0f,\"time_ratio\":%.3f}\n", name, records, bench->members,
           records / plain, records / sealed, sealed / plain);
    struct weight a = weigh(bench, &logs[0].log, ENTRY_RECORD), b = weigh(bench, &logs[1].log, ENTRY_SEALED);
    printf("{\"bench\":\"seal.bytes.%s\",\"record_bytes\":%.0f,\"sealed_payload_bytes\":%.0f,\"payload_ratio\":%.3f,\"plain_entry_bytes\":%.0f,"
           "\"sealed_entry_bytes\":%.0f,\"entry_ratio\":%.3f,\"plain_packed_bytes\":%.0f,\"sealed_packed_bytes\":%.0f}\n",
           name, a.payload, b.payload, b.payload / a.payload, a.reduced, b.reduced, b.reduced / a.reduced, a.packed, b.packed);
}

/* ---- one at a time ---- */

/* A sender key for the whole audience, by appending one record 31 days later each time; without and with the sync. */
static void rotate(struct bench *bench)
{
    static double times[ROTATIONS], durable[ROTATIONS], plain[ROTATIONS];
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_of(memory[0], figure_record(1, memory[0]))};
    struct wall_ms now = wall_now();
    for (uint32_t i = 0; i < 2 * ROTATIONS; i++) {
        struct head head;
        payload.audience = i % 2 == 0 ? &bench->audience : NULL;
        now.ms += (uint64_t)31 * 86400000;
        FIGURE_MUST(store_begin(bench->store) == ERR_OK);
        double begin = figure_now();
        FIGURE_MUST(author_append(bench->writer.author, CHANNEL_REPORT, &payload, 1, now, 1, NULL, &head) == ERR_OK);
        double appended = figure_now();
        FIGURE_MUST(store_commit(bench->store) == ERR_OK);
        if (i % 2 == 0) {
            times[i / 2] = appended - begin;
            durable[i / 2] = figure_now() - begin;
        } else {
            plain[i / 2] = figure_now() - begin;
        }
    }
    figure_times("seal.rotation", times, ROTATIONS);
    figure_times("seal.rotation_durable", durable, ROTATIONS);
    figure_times("seal.plain_single_durable", plain, ROTATIONS);
}

static const struct hash *wanted;
static struct entry found;
static uint8_t found_bytes[PAYLOAD_BYTES_MAX];

static bool find_in(void *arg, const struct log_info *log)
{
    static struct commit commit;
    struct store_read *read = arg;
    struct hash hash;
    for (uint64_t seq = 1; seq <= log->held_seq && !found.has_payload; seq++) {
        FIGURE_MUST(store_commit_at(read, log->number, seq, &commit, &hash) == ERR_OK);
        for (uint32_t i = 0; i < commit.entry_count; i++) {
            if (hash_equal(&commit.entries[i].leaf.content, wanted)) {
                found = commit.entries[i];
                memcpy(found_bytes, found.payload.p, found.payload.n);
                found.payload.p = found_bytes;
            }
        }
    }
    return !found.has_payload;
}

static void open_one(struct bench *bench)
{
    static double times[OPENINGS], firsts[FIRSTS];
    static uint8_t scratch[OPENER_SCRATCH_BYTES];
    struct store_read *read;
    struct opener *opener = NULL;
    struct sealed sealed;
    double ignored = 0;
    (void)append(bench, CHANNEL_ALERT, 1, 1, true, &ignored);
    wanted = &contents[0];
    FIGURE_MUST(store_read_begin(bench->store, &read) == ERR_OK && store_logs(read, find_in, read) == ERR_OK && found.has_payload);
    for (uint32_t i = 0; i < FIRSTS; i++) { /* keys read from their files, the sender key found, unwrapped and checked */
        double begin = figure_now();
        FIGURE_MUST(opener_new(bench->store, bench->home.keyring, &opener) == ERR_OK);
        FIGURE_MUST(opener_open(opener, read, &bench->home.node, &found, scratch, &sealed) == ERR_OK);
        firsts[i] = figure_now() - begin;
        opener_destroy(&opener);
    }
    FIGURE_MUST(opener_new(bench->store, bench->home.keyring, &opener) == ERR_OK);
    for (uint32_t i = 0; i < OPENINGS; i++) {
        double begin = figure_now();
        FIGURE_MUST(opener_open(opener, read, &bench->home.node, &found, scratch, &sealed) == ERR_OK);
        times[i] = figure_now() - begin;
    }
    opener_destroy(&opener);
    store_read_end(&read);
    figure_times("seal.open_first", firsts, FIRSTS);
    figure_times("seal.open", times, OPENINGS);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    uint32_t records = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 40000;
    const char *parent = getenv("TMPDIR");
    char folder[256], command[300];
    figure_words = 68; /* a record of 600 bytes */
    bench.members = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 26;
    snprintf(folder, sizeof folder, "%.200s/griot-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    FIGURE_MUST(bench.members >= 1 && bench.members <= MEMBERS && crypto_start() == ERR_OK && mkdtemp(folder) != NULL);
    region_make(folder, &bench);
    ingest(&bench, "record", records, CHANNEL_BULK, CHANNEL_REPORT);
    make = prose;
    ingest(&bench, "prose", records, CHANNEL_CONTROL, CHANNEL_ALERT);
    make = figure_record;
    rotate(&bench);
    open_one(&bench);
    writer_close(&bench.writer);
    store_close(&bench.store);
    home_fini(&bench.home);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

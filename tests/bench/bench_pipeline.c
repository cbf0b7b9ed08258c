/* The limit: libsodium, zstd, CURVE and LMDB in a row with nothing of ours between, two processes on loopback.
 *   bench_pipeline catchup [records] [records a commit]   cold catch-up: each message a signed, compressed batch; verified, hashed, stored with a hash index, synced
 *   bench_pipeline live [rounds] [gap ms]                  one record durable at A, sent, verified and durable at B, forwarded, durable at C: two hops
 *   bench_pipeline commit [rounds]                         one LMDB commit of one 500-byte put
 * Prints one JSON line. Records are pure functions of their number: 600 bytes, half of them words. */
#include "tests/bench/figure.h"

#include <lmdb.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>
#include <zstd.h>

enum { RECORD_BYTES = 600, MESSAGE_BYTES_MAX = 256 * 1024, TXN_RECORDS = 10000, ROUNDS_MAX = 20000 };

#define MUST(x)                                                                                                                                      \
    do {                                                                                                                                             \
        if (!(x)) {                                                                                                                                  \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #x);                                                                           \
            exit(1);                                                                                                                                 \
        }                                                                                                                                            \
    } while (0)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void record_make(uint32_t number, uint8_t ret[RECORD_BYTES])
{
    static const char *const words[] = {"saisie", "de",      "cannabis",  "dans", "un",     "vehicule", "au",    "poste",  "frontiere", "dissimulee", "sous",
                                        "le",     "plancher", "conteneur", "en",   "transit", "vers",    "port",  "autonome", "chauffeur", "interpelle", "tramadol"};
    uint64_t x = number * 0x9e3779b97f4a7c15ULL + 1;
    size_t at = (size_t)snprintf((char *)ret, RECORD_BYTES, "%08x|2026-%02u-%02u|SN|ML|%u.%u|KGM|", number, number % 12 + 1, number % 28 + 1, number % 977, number % 10);
    while (at + 16 < RECORD_BYTES) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        at += (size_t)snprintf((char *)ret + at, RECORD_BYTES - at, "%s ", words[x % (sizeof words / sizeof *words)]);
    }
    memset(ret + at, ' ', RECORD_BYTES - at);
}

struct keys {
    uint8_t sign_public[32], sign_secret[64], server_public[32], server_secret[32], client_public[32], client_secret[32];
};

struct db {
    MDB_env *env;
    MDB_dbi records, hashes;
};

static void db_open(struct db *db, const char *name)
{
    char path[256];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.200s/griot-bench-%d-%s", folder != NULL ? folder : "/tmp", (int)getpid(), name);
    MUST(mkdir(path, 0700) == 0);
    MUST(mdb_env_create(&db->env) == 0 && mdb_env_set_maxdbs(db->env, 2) == 0 && mdb_env_set_mapsize(db->env, 8ULL << 30) == 0);
    MUST(mdb_env_open(db->env, path, 0, 0600) == 0);
    char file[300];
    snprintf(file, sizeof file, "%s/data.mdb", path);
    unlink(file);
    snprintf(file, sizeof file, "%s/lock.mdb", path);
    unlink(file);
    rmdir(path); /* the open descriptors keep it alive; nothing is left behind */
    MDB_txn *txn;
    MUST(mdb_txn_begin(db->env, NULL, 0, &txn) == 0);
    MUST(mdb_dbi_open(txn, "records", MDB_CREATE | MDB_INTEGERKEY, &db->records) == 0 && mdb_dbi_open(txn, "hashes", MDB_CREATE, &db->hashes) == 0);
    MUST(mdb_txn_commit(txn) == 0);
}

static void set(void *socket, int option, int value) { MUST(zmq_setsockopt(socket, option, &value, sizeof value) == 0); }

static void *listen_on(void *context, const struct keys *keys, const char *at)
{
    void *socket = zmq_socket(context, ZMQ_PULL);
    set(socket, ZMQ_CURVE_SERVER, 1);
    set(socket, ZMQ_RCVHWM, 8);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->server_secret, 32) == 0);
    MUST(zmq_bind(socket, at) == 0);
    return socket;
}

static void *dial(void *context, const struct keys *keys, const char *at)
{
    void *socket = zmq_socket(context, ZMQ_PUSH);
    set(socket, ZMQ_SNDHWM, 8);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, keys->server_public, 32) == 0 && zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->client_public, 32) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->client_secret, 32) == 0);
    MUST(zmq_connect(socket, at) == 0);
    return socket;
}

/* ---- catch-up ---- */

static size_t batch_make(const struct keys *keys, uint32_t first, uint32_t count, uint8_t *plain, uint8_t *ret)
{
    size_t n = 64;
    for (uint32_t i = 0; i < count; i++, n += RECORD_BYTES) {
        record_make(first + i, plain + n);
    }
    crypto_sign_detached(plain, NULL, plain + 64, n - 64, keys->sign_secret);
    size_t packed = ZSTD_compress(ret, MESSAGE_BYTES_MAX, plain, n, 1);
    MUST(!ZSTD_isError(packed));
    return packed;
}

static void send_all(const struct keys *keys, const char *at, uint32_t records, uint32_t batch)
{
    void *context = zmq_ctx_new(), *socket = dial(context, keys, at);
    uint8_t *plain = malloc(MESSAGE_BYTES_MAX), *packed = malloc(MESSAGE_BYTES_MAX);
    for (uint32_t i = 0; i < records; i += batch) {
        size_t n = batch_make(keys, i, records - i < batch ? records - i : batch, plain, packed);
        MUST(zmq_send(socket, packed, n, 0) >= 0);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    free(plain);
    free(packed);
}

struct entry {
    uint8_t hash[32];
    uint32_t number;
};

static int by_hash(const void *a, const void *b) { return memcmp(a, b, 32); }

static void store_batch(struct db *db, uint8_t *bytes, size_t n, uint32_t first, struct entry *entries)
{
    MDB_txn *txn;
    uint32_t count = (uint32_t)(n / RECORD_BYTES);
    MUST(mdb_txn_begin(db->env, NULL, 0, &txn) == 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = first + i;
        MDB_val key = {sizeof number, &number}, value = {RECORD_BYTES, bytes + (size_t)i * RECORD_BYTES};
        MUST(mdb_put(txn, db->records, &key, &value, MDB_APPEND) == 0);
    }
    qsort(entries, count, sizeof *entries, by_hash);
    for (uint32_t i = 0; i < count; i++) {
        MDB_val key = {32, entries[i].hash}, value = {4, &entries[i].number};
        MUST(mdb_put(txn, db->hashes, &key, &value, 0) == 0);
    }
    MUST(mdb_txn_commit(txn) == 0);
}

static void catchup(uint32_t records, uint32_t batch)
{
    struct keys keys;
    char at[64] = "tcp://127.0.0.1:*";
    crypto_sign_keypair(keys.sign_public, keys.sign_secret);
    crypto_box_keypair(keys.server_public, keys.server_secret);
    crypto_box_keypair(keys.client_public, keys.client_secret);
    int ports[2];
    MUST(pipe(ports) == 0);
    pid_t child = fork();
    if (child == 0) {
        MUST(read(ports[0], at, sizeof at) > 0);
        send_all(&keys, at, records, batch);
        _exit(0);
    }
    struct db db;
    db_open(&db, "catchup");
    void *context = zmq_ctx_new(), *socket = listen_on(context, &keys, at);
    size_t at_bytes = sizeof at;
    MUST(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, at, &at_bytes) == 0);
    uint8_t *plain = malloc(MESSAGE_BYTES_MAX), *gathered = malloc((size_t)(TXN_RECORDS + batch) * RECORD_BYTES);
    struct entry *entries = malloc((TXN_RECORDS + batch) * sizeof *entries);
    double begin = now();
    uint64_t wire = 0;
    MUST(write(ports[1], at, sizeof at) > 0);
    uint32_t got = 0, stored = 0;
    while (got < records) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        MUST(zmq_msg_recv(&message, socket, 0) >= 0);
        wire += zmq_msg_size(&message) + 42;
        size_t n = ZSTD_decompress(plain, MESSAGE_BYTES_MAX, zmq_msg_data(&message), zmq_msg_size(&message));
        zmq_msg_close(&message);
        MUST(!ZSTD_isError(n) && crypto_sign_verify_detached(plain, plain + 64, n - 64, keys.sign_public) == 0);
        for (size_t i = 64; i < n; i += RECORD_BYTES, got++) {
            struct entry *entry = &entries[got - stored];
            crypto_generichash(entry->hash, 32, plain + i, RECORD_BYTES, NULL, 0);
            entry->number = got;
            memcpy(gathered + (size_t)(got - stored) * RECORD_BYTES, plain + i, RECORD_BYTES);
        }
        if (got - stored >= TXN_RECORDS || got == records) {
            store_batch(&db, gathered, (size_t)(got - stored) * RECORD_BYTES, stored, entries);
            stored = got;
        }
    }
    double took = now() - begin;
    waitpid(child, NULL, 0);
    printf("{\"bench\":\"limit.catchup\",\"records\":%u,\"per_commit\":%u,\"seconds\":%.3f,\"records_per_s\":%.0f,\"wire_per_payload\":%.3f}\n", records, batch, took,
           records / took, (double)wire / ((double)records * RECORD_BYTES));
    zmq_close(socket);
    zmq_ctx_term(context);
    mdb_env_close(db.env);
    free(plain);
    free(gathered);
    free(entries);
}

/* ---- live ---- */

struct letter {
    uint8_t signature[64];
    uint32_t number;
    uint8_t record[RECORD_BYTES];
};

static void store_letter(struct db *db, struct letter *letter)
{
    MDB_txn *txn;
    uint8_t hash[32];
    crypto_generichash(hash, 32, letter->record, RECORD_BYTES, NULL, 0);
    MDB_val key = {sizeof letter->number, &letter->number}, value = {sizeof *letter, letter}, name = {32, hash}, number = {4, &letter->number};
    MUST(mdb_txn_begin(db->env, NULL, 0, &txn) == 0 && mdb_put(txn, db->records, &key, &value, MDB_APPEND) == 0 && mdb_put(txn, db->hashes, &name, &number, 0) == 0);
    MUST(mdb_txn_commit(txn) == 0);
}

static void relay(const struct keys *keys, void *in, void *out, struct db *db, uint32_t rounds)
{
    struct letter letter;
    for (uint32_t i = 0; i < rounds; i++) {
        MUST(zmq_recv(in, &letter, sizeof letter, 0) == (int)sizeof letter);
        MUST(crypto_sign_verify_detached(letter.signature, (const uint8_t *)&letter + 64, sizeof letter - 64, keys->sign_public) == 0);
        store_letter(db, &letter);
        MUST(zmq_send(out, &letter, sizeof letter, 0) >= 0);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_times(const char *name, double *times, uint32_t n, unsigned gap_ms)
{
    figure_samples(name, times, n);
    qsort(times, n, sizeof *times, by_value);
    printf("{\"bench\":\"%s\",\"rounds\":%u,\"gap_ms\":%u,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", name, n, gap_ms, times[n / 2] * 1e3, times[(size_t)n * 99 / 100] * 1e3);
}

static void live(uint32_t rounds, unsigned gap_ms)
{
    struct keys keys;
    char hub[64], edge[64], back[64];
    static double times[ROUNDS_MAX];
    crypto_sign_keypair(keys.sign_public, keys.sign_secret);
    crypto_box_keypair(keys.server_public, keys.server_secret);
    crypto_box_keypair(keys.client_public, keys.client_secret);
    unsigned port = 20000 + (unsigned)getpid() % 9000;
    snprintf(hub, sizeof hub, "tcp://127.0.0.1:%u", port);
    snprintf(edge, sizeof edge, "tcp://127.0.0.1:%u", port + 1);
    snprintf(back, sizeof back, "tcp://127.0.0.1:%u", port + 2);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct db db;
            db_open(&db, i == 0 ? "hub" : "edge");
            void *context = zmq_ctx_new();
            void *in = listen_on(context, &keys, i == 0 ? hub : edge), *out = dial(context, &keys, i == 0 ? edge : back);
            relay(&keys, in, out, &db, rounds);
            zmq_close(in);
            zmq_close(out);
            zmq_ctx_term(context);
            _exit(0);
        }
    }
    struct db db;
    db_open(&db, "author");
    void *context = zmq_ctx_new(), *out = dial(context, &keys, hub), *in = listen_on(context, &keys, back);
    usleep(300000);
    for (uint32_t i = 0; i < rounds; i++) {
        struct letter letter = {.number = i}, answer;
        record_make(i, letter.record);
        double begin = now();
        crypto_sign_detached(letter.signature, NULL, (const uint8_t *)&letter + 64, sizeof letter - 64, keys.sign_secret);
        store_letter(&db, &letter);
        MUST(zmq_send(out, &letter, sizeof letter, 0) >= 0);
        MUST(zmq_recv(in, &answer, sizeof answer, 0) == (int)sizeof answer);
        times[i] = now() - begin;
        usleep(gap_ms * 1000);
    }
    print_times("limit.live_2_hops", times, rounds, gap_ms);
    for (int i = 0; i < 2; i++) {
        waitpid(children[i], NULL, 0);
    }
    zmq_close(in);
    zmq_close(out);
    zmq_ctx_term(context);
    mdb_env_close(db.env);
}

static void commits(uint32_t rounds)
{
    static double times[ROUNDS_MAX];
    struct db db;
    struct letter letter = {.number = 0};
    db_open(&db, "commit");
    for (uint32_t i = 0; i < rounds; i++) {
        letter.number = i;
        MDB_txn *txn;
        MDB_val key = {sizeof i, &letter.number}, value = {500, letter.record};
        double begin = now();
        MUST(mdb_txn_begin(db.env, NULL, 0, &txn) == 0 && mdb_put(txn, db.records, &key, &value, MDB_APPEND) == 0 && mdb_txn_commit(txn) == 0);
        times[i] = now() - begin;
    }
    print_times("limit.commit", times, rounds, 0);
    mdb_env_close(db.env);
}

int main(int argc, char **argv)
{
    MUST(sodium_init() >= 0);
    const char *what = argc > 1 ? argv[1] : "catchup";
    uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0, m = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    if (strcmp(what, "live") == 0) {
        live(n > 0 && n <= ROUNDS_MAX ? n : 500, argc > 3 ? m : 10);
    } else if (strcmp(what, "commit") == 0) {
        commits(n > 0 && n <= ROUNDS_MAX ? n : 2000);
    } else {
        catchup(n > 0 ? n : 100000, m > 0 && m <= 256 ? m : 26);
    }
    return 0;
}

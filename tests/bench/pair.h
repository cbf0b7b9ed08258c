/* pair.h - two or three members of a region with one root key, in this process: homes, stores, writers. For benchmarks. */
#ifndef GRIOT_TESTS_BENCH_PAIR_H
#define GRIOT_TESTS_BENCH_PAIR_H

#include "crypto/hash.h"
#include "node/writer.h"
#include "tests/bench/figure.h"

#include <sys/stat.h>
#include <unistd.h>

enum { PAIR_MAX = 3 };

struct pair {
    int count;
    struct home home[PAIR_MAX];
    struct store *store[PAIR_MAX];
    struct writer writer[PAIR_MAX];
};

static inline void pair_admit(struct pair *pair, struct span notice)
{
    for (int i = 0; i < pair->count; i++) {
        struct notice_ref ref;
        bool is_new;
        const char *clause = NULL;
        FIGURE_MUST(store_begin(pair->store[i]) == ERR_OK);
        enum err err = store_admit_notice(pair->store[i], notice, 0, span_of(NULL, 0), &ref, &is_new, &clause);
        if (err != ERR_OK) {
            fprintf(stderr, "notice: %s %s\n", err_name(err), clause != NULL ? clause : "");
            exit(1);
        }
        FIGURE_MUST(store_commit(pair->store[i]) == ERR_OK);
    }
}

static inline int pair_by_node(const void *a, const void *b) { return memcmp(((const struct member *)a)->node.b, ((const struct member *)b)->node.b, 16); }

/* Called "author", "reader", "taker". */
static inline void pair_make(const char *folder, struct pair *pair, int count)
{
    static const char *const names[PAIR_MAX] = {"author", "reader", "taker"};
    static uint8_t memory[32768];
    struct secret *root, *key = secret_random(32);
    struct charter charter = {.version = FORMAT_VERSION, .name_bytes = 5, .name = "bench", .threshold = 1, .key_count = 1};
    struct out charter_body = out_into(memory, 4096), charter_notice = out_into(memory + 4096, 4096);
    struct unlock unlock = {.key = key};
    struct member members[PAIR_MAX] = {0};
    struct region_id region;
    struct hash hash;
    pair->count = count;
    FIGURE_MUST(key != NULL && sign_keypair(&charter.keys[0], &root) == ERR_OK);
    random_fill(charter.random, sizeof charter.random);
    charter_encode(&charter, &charter_body);
    hash_of(HASH_CHARTER, out_written(&charter_body), &hash);
    memcpy(region.b, hash.b, sizeof region.b);
    struct notice notice = {.kind = NOTICE_CHARTER, .body = out_written(&charter_body)};
    notice_encode(&notice, &charter_notice);
    for (int i = 0; i < count; i++) {
        char path[300];
        snprintf(path, sizeof path, "%.280s/%d", folder, i);
        FIGURE_MUST(home_create(path, &(struct home_plan){.name = names[i], .role = ROLE_EDGE, .region = region, .unlock = &unlock, .now = wall_now()}) == ERR_OK);
        FIGURE_MUST(home_open(path, &pair->home[i]) == ERR_OK && home_unlock(&pair->home[i], &unlock) == ERR_OK);
        FIGURE_MUST(store_open(path, &pair->store[i]) == ERR_OK);
        store_set_reserve(pair->store[i], 1);
        members[i] = (struct member){.node = pair->home[i].node, .role = ROLE_EDGE, .identity = pair->home[i].identity_public};
        memcpy(members[i].name, pair->home[i].name, sizeof members[i].name);
    }
    qsort(members, (size_t)count, sizeof *members, pair_by_node);
    struct roster roster = {.version = FORMAT_VERSION, .region = region, .number = 1, .threshold = 1, .key_count = 1, .created = wall_now(), .protocol_min = 1,
                            .profile = PROFILE_SANDBOX, .member_count = (uint32_t)count, .members = members};
    roster.keys[0] = charter.keys[0];
    struct out roster_body = out_into(memory + 8192, 8192), roster_notice = out_into(memory + 16384, 8192), card = out_into(memory + 24576, 8192);
    FIGURE_MUST(roster_encode(&roster, &roster_body) == ERR_OK);
    notice = (struct notice){.kind = NOTICE_ROSTER, .body = out_written(&roster_body), .signature_count = 1};
    sign_make(SIGN_ROSTER, &region, notice.body, root, &notice.signatures[0].signature);
    notice_encode(&notice, &roster_notice);
    pair_admit(pair, out_written(&charter_notice));
    pair_admit(pair, out_written(&roster_notice));
    for (int i = 0; i < count; i++) {
        card.at = 0;
        FIGURE_MUST(home_card_current(&pair->home[i], &card) == ERR_OK);
        pair_admit(pair, out_written(&card));
    }
    for (int i = 0; i < count; i++) {
        FIGURE_MUST(writer_open(&pair->home[i], pair->store[i], &pair->writer[i]) == ERR_OK);
    }
    secret_destroy(&root);
}

static inline void pair_close(struct pair *pair)
{
    for (int i = 0; i < pair->count; i++) {
        writer_close(&pair->writer[i]);
        store_close(&pair->store[i]);
        home_fini(&pair->home[i]);
    }
}

#endif

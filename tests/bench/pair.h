/* pair.h - two or three members of a region in this process: homes, stores, writers. For benchmarks. */
#ifndef GRIOT_TESTS_BENCH_PAIR_H
#define GRIOT_TESTS_BENCH_PAIR_H

#include "node/writer.h"
#include "tests/bench/figure.h"
#include "tests/lib/founding.h"

#include <sys/stat.h>
#include <unistd.h>

enum { PAIR_MAX = 3 };

struct pair {
    int count;
    struct home home[PAIR_MAX];
    struct store *store[PAIR_MAX];
    struct writer writer[PAIR_MAX];
};

/* Called "author", "reader", "taker". Each knows charter, roster and all cards. */
static inline void pair_make(const char *folder, struct pair *pair, int count)
{
    static const char *const names[PAIR_MAX] = {"author", "reader", "taker"};
    static struct founding founding;
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    struct member members[PAIR_MAX] = {0};
    pair->count = count;
    founding_begin(&founding);
    for (int i = 0; i < count; i++) {
        char path[300];
        snprintf(path, sizeof path, "%.280s/%d", folder, i);
        FIGURE_MUST(home_create(path, &(struct home_plan){.name = names[i], .role = ROLE_EDGE, .region = founding.region, .unlock = &unlock, .now = wall_now()}) == ERR_OK);
        FIGURE_MUST(home_open(path, &pair->home[i]) == ERR_OK && home_unlock(&pair->home[i], &unlock) == ERR_OK);
        FIGURE_MUST(store_open(path, &pair->store[i]) == ERR_OK);
        store_set_reserve(pair->store[i], 1);
        members[i] = (struct member){.node = pair->home[i].node, .role = ROLE_EDGE, .identity = pair->home[i].identity_public};
        memcpy(members[i].name, pair->home[i].name, sizeof members[i].name);
    }
    founding_roster(&founding, members, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        FIGURE_MUST(founding_tell(pair->store[i], founding.charter_notice) == ERR_OK && founding_tell(pair->store[i], founding.roster_notice) == ERR_OK);
        for (int j = 0; j < count; j++) {
            uint8_t memory[4096];
            struct out card = out_into(memory, sizeof memory);
            FIGURE_MUST(home_card_current(&pair->home[j], &card) == ERR_OK && founding_tell(pair->store[i], out_written(&card)) == ERR_OK);
        }
        FIGURE_MUST(writer_open(&pair->home[i], pair->store[i], &pair->writer[i]) == ERR_OK);
    }
    founding_end(&founding);
    secret_destroy(&key);
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

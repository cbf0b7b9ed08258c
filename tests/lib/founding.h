/* founding.h - a region with one root key, in memory: its charter, and a roster of members that others have made. For benchmarks and tests that use real homes. */
#ifndef GRIOT_TESTS_FOUNDING_H
#define GRIOT_TESTS_FOUNDING_H

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "proto/notice.h"
#include "store/store.h"

struct founding {
    struct region_id region;
    struct charter charter;
    struct secret *root;
    struct span charter_notice, roster_notice;
    uint8_t memory[3 * NOTICE_BYTES_MAX];
};

/* Any notice in its envelope, signed by one key or by none, into `memory` of NOTICE_BYTES_MAX. */
static inline struct span founding_notice(const struct region_id *region, enum notice_kind kind, enum sign_purpose purpose, struct span body,
                                          const struct secret *key, uint8_t *memory)
{
    struct out out = out_into(memory, NOTICE_BYTES_MAX);
    struct notice notice = {.kind = kind, .body = body, .signature_count = key != NULL ? 1 : 0};

    if (key != NULL) {
        sign_make(purpose, region, body, key, &notice.signatures[0].signature);
    }
    notice_encode(&notice, &out);
    assert(!out.is_full);
    return out_written(&out);
}

static inline void founding_begin(struct founding *founding)
{
    struct out body = out_into(founding->memory, NOTICE_BYTES_MAX);
    struct hash hash;

    founding->charter = (struct charter){.version = FORMAT_VERSION, .name_bytes = 4, .name = "test", .threshold = 1, .key_count = 1};
    if (sign_keypair(&founding->charter.keys[0], &founding->root) != ERR_OK) {
        abort();
    }
    random_fill(founding->charter.random, sizeof founding->charter.random);
    charter_encode(&founding->charter, &body);
    hash_of(HASH_CHARTER, out_written(&body), &hash);
    memcpy(founding->region.b, hash.b, sizeof founding->region.b);
    founding->charter_notice =
        founding_notice(&founding->region, NOTICE_CHARTER, SIGN_ROSTER, out_written(&body), NULL, founding->memory + NOTICE_BYTES_MAX);
}

static inline int founding_compare(const void *a, const void *b)
{
    return memcmp(((const struct member *)a)->node.b, ((const struct member *)b)->node.b, sizeof(struct node_id));
}

/* Roster 1; sorts the members. */
static inline void founding_roster(struct founding *founding, struct member *members, uint32_t count)
{
    struct roster roster = {.version = FORMAT_VERSION, .region = founding->region, .number = 1, .threshold = 1, .key_count = 1,
                            .protocol_min = 1, .profile = PROFILE_SANDBOX, .member_count = count, .members = members};
    struct out body = out_into(founding->memory, NOTICE_BYTES_MAX);

    roster.keys[0] = founding->charter.keys[0];
    qsort(members, count, sizeof *members, founding_compare);
    if (roster_encode(&roster, &body) != ERR_OK) {
        abort();
    }
    founding->roster_notice = founding_notice(&founding->region, NOTICE_ROSTER, SIGN_ROSTER, out_written(&body), founding->root,
                                              founding->memory + (size_t)2 * NOTICE_BYTES_MAX);
}

/* Admit a notice in a transaction of its own; one that is held is no error. */
static inline enum err founding_tell(struct store *store, struct span notice)
{
    struct notice_ref ref;
    bool is_new;
    const char *clause = NULL;
    enum err err = store_begin(store);

    if (err == ERR_OK) {
        enum err told = store_admit_notice(store, notice, 0, span_of(NULL, 0), &ref, &is_new, &clause);
        err = store_commit(store);
        err = err != ERR_OK || told == ERR_STALE ? err : told;
    }
    return err;
}

static inline void founding_end(struct founding *founding) { secret_destroy(&founding->root); }

#endif

/* ids.h - the fixed-size values that everything is named by. Plain bytes, compared with memcmp. */
#ifndef GRIOT_PROTO_IDS_H
#define GRIOT_PROTO_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hash {
    uint8_t b[32]; /* BLAKE2b-256 with a purpose, crypto/hash.h */
};
struct region_id {
    uint8_t b[32]; /* hash of the founding charter */
};
struct node_id {
    uint8_t b[16]; /* random, fixed at admission; not a key */
};
struct log_id {
    uint8_t b[32]; /* hash of the birth; also the hash of commit 0 */
};
struct record_id {
    uint8_t b[16]; /* random, or derived from an import row under a keyed hash */
};
struct session_id {
    uint8_t b[8]; /* of one connection between two nodes */
};
struct sign_public {
    uint8_t b[32]; /* Ed25519 */
};
struct signature {
    uint8_t b[64]; /* Ed25519, detached */
};
struct curve_public {
    uint8_t b[32]; /* CurveZMQ transport key, raw (not Z85) */
};
struct box_public {
    uint8_t b[32]; /* X25519 encryption key */
};

static inline bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}
static inline int log_id_compare(const struct log_id *a, const struct log_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}
static inline bool node_id_equal(const struct node_id *a, const struct node_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}
static inline bool region_id_equal(const struct region_id *a, const struct region_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* The four logs of a node, in falling priority. Permanent numbers. */
enum channel { CHANNEL_CONTROL = 0, CHANNEL_ALERT = 1, CHANNEL_REPORT = 2, CHANNEL_BULK = 3, CHANNEL_COUNT = 4 };

/* What a node is to its region. Permanent numbers. */
enum role { ROLE_EDGE = 0, ROLE_HUB = 1, ROLE_OBSERVER = 2 };

/* How far a log is held: the last gap-free commit. seq 0 is the birth, whose hash is the log id. */
struct head {
    struct log_id log;
    uint64_t seq;
    uint64_t entries; /* in the log up to and including this commit */
    struct hash hash; /* of this commit */
};

#endif

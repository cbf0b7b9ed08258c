/* commit.h - the signed unit of a log, its entries and the birth that opens the log (WIRE.md 2, 3).
 * Pure: shapes, limits and encodings. Hashes and signatures are made and checked above (store/validity.h). */
#ifndef GRIOT_PROTO_COMMIT_H
#define GRIOT_PROTO_COMMIT_H

#include "proto/clock.h"
#include "proto/ids.h"
#include "proto/unpack.h"

enum codec { CODEC_PLAIN = 0, CODEC_ZSTD_DICTIONARY = 1, CODEC_SEALED = 2 }; /* permanent; others are kept and relayed */
/* Permanent; unknown kinds are valid, kept and relayed. */
enum entry_kind {
    ENTRY_SEALED = 0,  /* the kind is inside: codec CODEC_SEALED, audience a key id */
    ENTRY_RECORD = 1,  /* a record version */
    ENTRY_KEY = 2,     /* a sender key, wrapped for its audience */
    ENTRY_GRANT = 3,   /* a sender key, wrapped for somebody who was not in its audience */
    ENTRY_ERASURE = 4, /* an order to erase */
    ENTRY_VERDICT = 5, /* a fork, classified by the operator of a hub */
};

/* One leaf. `content` is HASH_PAYLOAD(salt || payload). */
struct leaf {
    uint32_t kind;
    uint32_t flags;
    uint8_t codec;
    uint8_t audience_bytes; /* 0: region-wide; 32: key id */
    uint8_t audience[AUDIENCE_BYTES_MAX];
    uint32_t expiry_day; /* days since 1970, 0: never */
    uint32_t length;     /* bytes of the stored payload */
    struct hash content;
};

struct entry {
    struct leaf leaf;
    bool has_payload;
    uint8_t salt[SALT_BYTES];
    struct span payload; /* borrowed from the decoded bytes */
};

/* A commit in memory, about 12 KiB. Everything up to `root` is in the canonical form that hash and signature cover. */
struct commit {
    uint32_t version;
    struct region_id region;
    struct log_id log;
    uint64_t seq; /* 1.. ; commit 0 is the birth */
    struct hash previous;
    uint64_t entries_total;     /* in the log, this commit included */
    struct wall_ms author_time; /* a claim */
    uint64_t roster_version;    /* a claim, never falls along a log */
    struct hash root;           /* HASH_LEAVES over the canonical leaves */
    struct signature signature;
    uint32_t entry_count; /* 1..COMMIT_ENTRIES_MAX */
    struct entry entries[COMMIT_ENTRIES_MAX];
};

/* Canonical form (WIRE.md 2.2), what hash and signature cover; at most COMMIT_CANONICAL_BYTES_MAX. */
void commit_canonical(const struct commit *commit, struct out *ret);
/* Read a canonical form back (fork proofs carry them); entry_count is then 0. */
MUST_CHECK enum err commit_canonical_decode(struct unpack *unpack, struct span bytes, struct commit *ret, const char **clause);

/* One canonical leaf (WIRE.md 2.3); the root is HASH_LEAVES over all of them in order. */
void leaf_canonical(const struct leaf *leaf, struct out *ret);

/* Reduced form (WIRE.md 2.4), what wire and store carry: leaves out region, log, previous hash, root, entries_total, and each
 * content hash whose payload is present. */
void commit_reduced(const struct commit *commit, struct out *ret);
/* Decode a reduced form; payload spans point into `bytes`. Left for the caller to derive: region, log, previous, entries_total,
 * root, and `content` of entries with payload. Enforces every limit that does not need them.
 *   errors  ERR_VERSION  a newer format: park the log, blame nobody; ERR_TRUNCATED, ERR_NONCANONICAL, ERR_MALFORMED, ERR_LIMIT, ERR_OVERSIZE */
MUST_CHECK enum err commit_reduced_decode(struct unpack *unpack, struct span bytes, struct commit *ret, const char **clause);

/* Whether the first `seq` commits of a log can hold `entries` entries in all: 1..COMMIT_ENTRIES_MAX each, none in the birth (seq 0). */
bool commit_total_is_possible(uint64_t seq, uint64_t entries);

/* What a commit with these leaves counts against COMMIT_BYTES_MAX. */
size_t commit_cost(const struct commit *commit);

/* Packed form (WIRE.md 2.5): one byte, 0 plain or 1 zstd (one frame, size declared, level 4), then the reduced form. Packs to the smaller
 * of the two. commit_packer holds the zstd contexts; one owner at a time. */
struct commit_packer;
struct commit_packer *commit_packer_new(void); /* NULL when memory runs out */
void commit_packer_destroy(struct commit_packer **packer);
/* Appends to `ret`; room for 1 + reduced.n bytes is always enough.
 *   errors  ERR_OVERSIZE  `reduced` is longer than COMMIT_REDUCED_BYTES_MAX, or `ret` has no room for it; ERR_MEMORY */
MUST_CHECK enum err commit_pack(struct commit_packer *packer, struct span reduced, struct out *ret);
/* The same in a hurry, for a commit of sealed payloads, which do not compress. */
MUST_CHECK enum err commit_pack_quick(struct commit_packer *packer, struct span reduced, struct out *ret);
/* Back to the reduced form: borrowed from `packed` when plain, else from the packer, until its next use.
 *   errors  ERR_OVERSIZE  longer than 1 + COMMIT_REDUCED_BYTES_MAX; ERR_EXPANSION  declares more than COMMIT_REDUCED_BYTES_MAX;
 *           ERR_MALFORMED  not exactly one frame (or one with a dictionary, no size, or several segments), damaged, or an unknown
 *           first byte; ERR_TRUNCATED */
MUST_CHECK enum err commit_unpack(struct commit_packer *packer, struct span packed, struct span *ret, const char **clause);

/* The same for the payload of one entry, at most PAYLOAD_EXPANDED_BYTES_MAX, that is then sealed (WIRE.md 6.6): one byte, then as it is or as a zstd frame.
 *   errors  ERR_OVERSIZE, ERR_MEMORY, as of commit_pack */
enum pack_effort { PACK_FULL, PACK_QUICK /* finds repetitions only: text stays as long as it is */, PACK_EFFORTS };
MUST_CHECK enum err payload_pack(struct commit_packer *packer, enum pack_effort effort, struct span payload, struct out *ret);
/* Borrowed from `packed` when plain, else from `expanded`, which has PAYLOAD_EXPANDED_BYTES_MAX bytes; the packer's own memory is left alone.
 *   errors  as of commit_unpack; ERR_EXPANSION  declares more than PAYLOAD_EXPANDED_BYTES_MAX */
MUST_CHECK enum err payload_unpack(struct commit_packer *packer, struct span packed, uint8_t *expanded, struct span *ret, const char **clause);

/* A log's birth, its commit 0. The log id is HASH_BIRTH over its signed bytes. */
struct birth {
    uint32_t version;
    struct region_id region;
    struct node_id node;
    enum channel channel;
    struct sign_public key; /* signs every commit of the log */
    uint32_t closed_count;
    struct log_id closed[BIRTH_CLOSED_MAX]; /* predecessors that this log closes, each once; encoded in rising order */
    uint8_t random[16];
    struct signature signature; /* by the node's identity key */
};
/* The bytes that are signed and hashed. */
void birth_canonical(const struct birth *birth, struct out *ret);
/* The whole, as carried: canonical bytes and signature. */
void birth_encode(const struct birth *birth, struct out *ret);
/* `*ret_canonical` (may be NULL) is borrowed from `bytes`. */
MUST_CHECK enum err birth_decode(struct unpack *unpack, struct span bytes, struct birth *ret, struct span *ret_canonical, const char **clause);

#endif

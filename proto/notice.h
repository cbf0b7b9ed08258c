/* notice.h - signed objects that verify alone and live in no log (WIRE.md 4): charter, roster, registrar act, card, frontier, fork proof.
 * Every notice is encoded as array [kind, signed bytes (bin), signatures (array of [key index, signature])]. Pure. */
#ifndef GRIOT_PROTO_NOTICE_H
#define GRIOT_PROTO_NOTICE_H

#include "proto/commit.h"

enum notice_kind { NOTICE_CHARTER = 1, NOTICE_ROSTER = 2, NOTICE_ACT = 3, NOTICE_CARD = 4, NOTICE_FRONTIER = 5, NOTICE_FORK_PROOF = 6 };

struct notice_signature {
    /* Of a roster: 0..14 the root key at that index of its own list; 15 + i the one at index i of the list before it (the charter's, for
     * roster 1). A key that stands in both lists counts for both, so it signs once, under its own index. 0 for single signers. */
    uint32_t key;
    struct signature signature;
};
enum { NOTICE_SIGNATURES_MAX = 2 * CHARTER_KEYS_MAX };

/* The envelope: which kind, the exact bytes that were signed, who signed. Signatures rise by key: rosters have 1..NOTICE_SIGNATURES_MAX,
 * charters and fork proofs none, the others one. */
struct notice {
    enum notice_kind kind;
    struct span body; /* the signed bytes, borrowed */
    uint32_t signature_count;
    struct notice_signature signatures[NOTICE_SIGNATURES_MAX];
};
void notice_encode(const struct notice *notice, struct out *ret);
/* `bytes` must outlive `ret->body`.
 *   errors  of all decoders here: ERR_OVERSIZE, ERR_TRUNCATED, ERR_NONCANONICAL, ERR_MALFORMED, ERR_LIMIT, and but for this one ERR_VERSION (newer
 *           than this release: keep and pass on, blame nobody); ERR_MEMORY. `*ret` is unspecified after an error */
MUST_CHECK enum err notice_decode(struct unpack *unpack, struct span bytes, struct notice *ret, const char **clause);

/* The region's name is UTF-8 without control characters, `name_bytes` 1..NAME_BYTES_MAX, ended by NUL. */
struct charter { /* no signature: the region id is its hash, pinned when a node is set up */
    uint32_t version;
    uint8_t name_bytes;
    char name[NAME_BYTES_MAX + 1];
    uint32_t threshold; /* of root keys, 1..key_count */
    uint32_t key_count;
    struct sign_public keys[CHARTER_KEYS_MAX];
    struct wall_ms created;
    uint8_t random[16];
};
void charter_encode(const struct charter *charter, struct out *ret);
MUST_CHECK enum err charter_decode(struct unpack *unpack, struct span bytes, struct charter *ret, const char **clause);

/* Names of nodes: a-z, 0-9 and '-', no '-' at either end, ended by NUL. */
struct member {
    struct node_id node;
    enum role role;
    struct sign_public identity;
    char name[NAME_BYTES_MAX + 1];
};
struct cut { /* the heads of a node that count after it has left; a log not named is cut at 0 */
    struct node_id node;
    uint32_t head_count;
    struct head heads[CUT_HEADS_MAX]; /* .entries is 0 */
};
enum profile { PROFILE_OPEN = 0, PROFILE_SANDBOX = 1, PROFILE_METERED = 2 }; /* timings, limits of retry */
struct roster {
    uint32_t version; /* of the format */
    struct region_id region;
    uint64_t number;      /* 1.. ; the roster version */
    struct hash previous; /* of roster number - 1; zeros for 1 */
    uint32_t threshold;
    uint32_t key_count;
    struct sign_public keys[CHARTER_KEYS_MAX];
    struct wall_ms created;
    uint32_t protocol_min; /* oldest protocol version that may connect */
    enum profile profile;
    uint32_t member_count;  /* sorted by node id */
    uint32_t cut_count;     /* sorted by node id */
    struct member *members; /* from roster_decode: owned, see roster_fini */
    struct cut *cuts;
};
/* Members and cuts must be sorted by node, heads of a cut by log; at most MEMBERS_MAX, ROSTER_CUTS_MAX, CUT_HEADS_MAX (asserted).
 *   errors  ERR_OVERSIZE  longer than ROSTER_BYTES_MAX, or `ret` has no room */
MUST_CHECK enum err roster_encode(const struct roster *roster, struct out *ret);
/* `ret->members` and `ret->cuts` are yours: roster_fini. `*ret` is untouched after an error. */
MUST_CHECK enum err roster_decode(struct unpack *unpack, struct span bytes, struct roster *ret, const char **clause);
/* Frees what roster_decode allocated; for zeroed rosters too. */
void roster_fini(struct roster *roster);

enum act_kind { ACT_ADMIT = 1, ACT_SUSPEND = 2 };
struct act { /* by a registrar; two admissions of the same subject by two registrars complete one */
    uint32_t version;
    struct region_id region;
    struct node_id registrar;
    uint64_t roster_number; /* the roster it stands on */
    struct hash roster_hash;
    uint32_t number; /* of the registrar within that roster version and kind, 1.. */
    enum act_kind kind;
    struct member subject; /* admission: all fields; suspension: node only, the rest zero */
    struct wall_ms created;
    struct cut cut; /* suspension only */
    char reason[ACT_REASON_BYTES_MAX + 1]; /* suspension only, may be empty: UTF-8 without control characters, ended by NUL, zeros behind it */
};
/* A suspension's cut is of the subject: cut.node and subject.node are the same.
 *   errors  ERR_INVALID  no such kind, number 0, a control character in the reason, or the cut is of another node; ERR_LIMIT  number or heads above their limit; ERR_OVERSIZE  no room
 */
MUST_CHECK enum err act_encode(const struct act *act, struct out *ret);
MUST_CHECK enum err act_decode(struct unpack *unpack, struct span bytes, struct act *ret, const char **clause);

struct card { /* a node's signed self-description; signed by its identity key; the highest counter wins */
    uint32_t version;
    struct region_id region;
    struct node_id node;
    enum role role;
    uint64_t counter;
    struct sign_public identity;
    struct curve_public transport;
    struct curve_public transport_before; /* accepted during an overlap; zeros: none */
    struct box_public encryption;
    char name[NAME_BYTES_MAX + 1];
    uint32_t address_count;                               /* empty for a node that nobody dials */
    char addresses[ADDRESSES_MAX][ADDRESS_BYTES_MAX + 1]; /* tcp://host:port */
    struct wall_ms created;
};
/* Whether an address may stand in a card: tcp://host:port, at most ADDRESS_BYTES_MAX; host is a name, an IPv4 address or a bracketed IPv6
 * address, port 1..65535. */
bool address_is_valid(struct span address);
void card_encode(const struct card *card, struct out *ret);
MUST_CHECK enum err card_decode(struct unpack *unpack, struct span bytes, struct card *ret, const char **clause);

/* A node's signed list of heads it holds. The signed bytes hold the digest of the heads, not the heads, so that the list can
 * travel whole or as a difference and verify the same (WIRE.md 4.5). */
struct frontier {
    uint32_t version;
    struct region_id region;
    struct node_id node;
    uint64_t counter;
    uint64_t roster_number;
    struct hash roster_hash;
    struct hash acts_digest;
    struct wall_ms clock;
    uint64_t audit_life, audit_count; /* zero until there is an audit log */
    struct hash audit_head;
    uint32_t head_count;
    struct hash heads_digest; /* HASH_HEADS over heads_canonical of the whole list */
};
void frontier_encode(const struct frontier *frontier, struct out *ret);
MUST_CHECK enum err frontier_decode(struct unpack *unpack, struct span bytes, struct frontier *ret, const char **clause);
/* The list of heads in its one form: array of [log, seq, entries, hash], sorted by log id. What HASH_HEADS covers. */
void heads_canonical(const struct head *heads, size_t count, struct out *ret);
MUST_CHECK enum err heads_decode(struct unpack *unpack, struct span bytes, struct head *ret, size_t max, size_t *ret_count, const char **clause);

/* Two signed commits at one (log, seq): headers only, with the birth that names the key; about 700 bytes. */
struct fork_proof {
    struct span birth; /* birth_encode */
    struct span a, b;  /* canonical forms; a's hash is the lower */
    struct signature signature_a, signature_b;
};
/* Decoding proves that the three parts are well-formed, of one region, log and seq, and different; not the hashes, nor the signatures. */
void fork_proof_encode(const struct fork_proof *proof, struct out *ret);
MUST_CHECK enum err fork_proof_decode(struct unpack *unpack, struct span bytes, struct fork_proof *ret, const char **clause);

#endif

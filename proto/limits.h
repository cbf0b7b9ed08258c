/* limits.h - every limit of the protocol, with its unit and its reason. The one source. */
#ifndef GRIOT_PROTO_LIMITS_H
#define GRIOT_PROTO_LIMITS_H

#include <stdint.h>

/* Sequence numbers, counts of entries, counters, roster numbers and times in milliseconds (to the year 10889), as carried: 48 bits.
 * A sum over LOGS_MAX of them fits 63 bits, so no lie about a count makes ours overflow. */
#define NUMBER_MAX UINT64_C(281474976710655)

enum {
    /* Formats. */
    FORMAT_VERSION = 1,   /* of every signed object written by this release */
    PROTOCOL_VERSION = 1, /* of the session */

    /* Commits (validity: the same at every node, for ever). */
    COMMIT_ENTRIES_MAX = 64,            /* leaves a commit; bounds the work behind one signature */
    COMMIT_BYTES_MAX = 16384,           /* sum over entries of (ENTRY_COST_BYTES + payload length) */
    ENTRY_COST_BYTES = 64,              /* what a leaf and its salt are counted as */
    COMMIT_REDUCED_BYTES_MAX = 17408,   /* encoded reduced form: COMMIT_BYTES_MAX and its frame fields */
    COMMIT_CANONICAL_BYTES_MAX = 256,   /* the signed form, without leaves */
    PAYLOAD_BYTES_MAX = 2048,           /* inline, as stored */
    PAYLOAD_EXPANDED_BYTES_MAX = 16384, /* of a compressed payload, declared and real */
    AUDIENCE_BYTES_MAX = 32,            /* 0 region-wide, 32 a key id */
    SALT_BYTES = 16,
    AUDIENCE_NODES_MAX = 160, /* who can read one entry: with a wrap each, all parts of a key fit one commit */
    SENDER_PART_WRAPS = 24,   /* receivers in one KEY or GRANT payload: what fits PAYLOAD_BYTES_MAX */
    SENDER_PARTS_MAX = 7,     /* payloads of one key: AUDIENCE_NODES_MAX receivers */
    SENDER_KEY_DAYS_MAX = 30, /* that an author seals under one key */
    BIRTH_BYTES_MAX = 1024,
    BIRTH_CLOSED_MAX = 8, /* predecessors that one birth closes */

    /* Encoding. */
    PACK_DEPTH_MAX = 8,        /* nesting of any object we decode */
    PACK_ELEMENTS_MAX = 65536, /* arrays, maps and scalars together, of any object we decode */

    /* Notices. */
    NOTICE_BYTES_MAX = 61440, /* fits one frame with its header */
    ROSTER_BYTES_MAX = 58368, /* signed bytes of a roster: with 30 signatures it is still a notice */
    CHARTER_KEYS_MAX = 15,    /* root keys */
    MEMBERS_MAX = 1000,       /* nodes of a region */
    NAME_BYTES_MAX = 32,      /* of a node: a-z 0-9 and '-' */
    ADDRESSES_MAX = 4,        /* in a card */
    ADDRESS_BYTES_MAX = 128,  /* tcp://host:port */
    ACT_ADMISSIONS_MAX = 5,   /* a registrar and roster version */
    ACT_SUSPENSIONS_MAX = 3,
    ACT_REASON_BYTES_MAX = 200, /* why a registrar suspends, in its words */
    VERDICT_REASON_BYTES_MAX = 200, /* why a fork was classified as it was */
    FRONTIER_HEADS_MAX = 650, /* what fits a notice */
    CUT_HEADS_MAX = 256,      /* logs of one node that a cut names */
    QUARANTINE_BYTES_MAX = 16777216, /* kept of one node beyond the ends of its logs: two months of a busy office */
    QUARANTINE_ENTRIES_MAX = 32768,
    ASIDE_COMMITS_MAX = 1024, /* kept of a branch that gave way to the one that is final */
    ROSTER_CUTS_MAX = 256,    /* nodes that have left or changed their identity; 5 MiB decoded */

    /* Orders to erase. */
    ERASURE_LEAVES_MAX = 32, /* leaves that one order names: with the reason it fits a payload */
    ERASURE_REASON_BYTES_MAX = 200,
    ERASE_AFTER_DAYS = 7, /* that all clocks asked are past the expiry day before a payload is freed: more than a clock is ever off */

    /* Session. */
    FRAME_BYTES_MAX = 65536,            /* plaintext of one ZeroMQ frame, header included */
    FRAME_BYTES_DEFAULT = 16384,        /* to begin with */
    FRAME_HEADER_BYTES = 9,             /* session id and type */
    ZMQ_MESSAGE_BYTES_MAX = 65536 + 64, /* MAXMSGSIZE counts ciphertext and CURVE framing */
    ZMQ_HWM = 2,                        /* frames; our own queues do the waiting */
    HEADS_PER_MESSAGE_MAX = 900,        /* items of one HEADS message; more go in further messages */
    SUBS_PER_MESSAGE_MAX = 700,
    NOTICES_PER_MESSAGE_MAX = 1200,
    SEG_COMMITS_MAX = 64,           /* commits of one SEG frame */
    PEERS_MAX = 256,                /* sessions of one node */
    LOGS_MAX = 32768,               /* 5,000 nodes x 4 channels, and room for incarnations */
    CREDIT_BYTES_DEFAULT = 1048576, /* outstanding SEG bytes a session and class before an ack; the window opens to it as acks come quickly */
    UNKNOWN_LOGS_MAX = 1024,        /* logs that one peer may name and nobody here holds; or 8 a member of the region, when that is more */
    UNKNOWN_CLAIMS_MAX = 64,        /* of those, asked for at a time */
    NOTICES_MAX = 16384,            /* refs kept a node: cards, frontiers, acts, rosters, fork proofs */

    /* Bundles. */
    BUNDLE_HEAD_BYTES_MAX = 81920,      /* with a wrapped key for each of MEMBERS_MAX */
    BUNDLE_DOCUMENT_BYTES_MAX = 131072, /* of a chunk before it is sealed: what a reader holds at a time; a notice with its heads, or a segment, fits */
    BUNDLE_ITEMS_MAX = 4096,            /* of a document */
    BUNDLE_PARTS_MAX = 9999,            /* files of one bundle */
};

#endif

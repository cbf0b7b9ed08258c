/* env.h - the open log environment as the files of this room share it. Nobody else includes it: store.h is the door.
 * What is cached here belongs to the writer thread; readers see only what is on disk. */
#ifndef GRIOT_STORE_ENV_H
#define GRIOT_STORE_ENV_H

#include "store/kv.h"
#include "store/store.h"

#include <pthread.h>

/* Tables of the log environment, LAYOUT.md 1. */
enum { TABLE_META, TABLE_LOGS, TABLE_LOG_IDS, TABLE_COMMITS, TABLE_JOURNAL, TABLE_NOTICES, TABLE_FRONTIERS, TABLE_OWN, TABLE_KEYS, TABLE_ERASED, TABLE_AUDIT,
       TABLE_COUNT };
enum { LOG_LAYOUT = 2, LOG_GROWN_FROM = 1 /* layout 1 lacks keys, erased and audit */ };

enum {
    COMMIT_KEY_BYTES = 12, /* log number, seq */
    COMMIT_ROW_BYTES = 40, /* hash, entries in the log up to it; then the packed commit or the birth */
    LOG_ROW_BYTES = 217,
    NOTICE_KEY_BYTES = 33,   /* kind, subject, counter, hash */
    FRONTIER_KEY_BYTES = 24, /* node, counter */
    FRONTIERS_KEPT = 8,      /* of each node, as bases of differences */
    RIVAL_ACTS_KEPT = 2,     /* with one number: the proof; more would let one registrar fill the store */
    NODE_LOGS_MAX = 1024,    /* births of one node that are kept: policy, not validity */
    PACKED_BYTES_MAX = COMMIT_REDUCED_BYTES_MAX + 1,
    HEADS_BYTES_MAX = 65536,
    READS_KEPT = 4, /* idle readers kept for the next, each with its decompressor */
};
#define LOG_OPEN_END UINT64_MAX

/* ---- log.c: logs and their commits ---- */

struct log {
    struct chain chain; /* as held, disputed and quarantined commits included */
    uint32_t number;
    struct sign_public identity; /* has signed the birth */
    uint64_t fork_seq;           /* of the lowest proof; 0: none */
    uint64_t end_seq;            /* the last commit that counts: before a fork, at a cut; LOG_OPEN_END when neither */
    struct hash end_hash;        /* of a cut: that of the commit at end_seq, which another one there contradicts; zeros: any */
    bool is_dirty;               /* in the writer's cache only */
};

/* A log row, LAYOUT.md 1.2. ERR_CORRUPT */
void log_row_write(const struct log *log, struct out *ret);
MUST_CHECK enum err log_row_read(struct span row, const struct region_id *region, uint32_t number, struct log *ret);
/* From disk, in any transaction: ERR_NOT_FOUND, ERR_CORRUPT, or the transaction's error. */
MUST_CHECK enum err log_load(struct kv_txn *txn, const struct region_id *region, uint32_t number, struct log *ret);
uint32_t log_last(struct kv_txn *txn); /* the highest number of a log; 0: none */
MUST_CHECK enum err log_number_of(struct kv_txn *txn, const struct log_id *id, uint32_t *ret);

/* A row of the commits table: seq 0 is the birth. */
struct commit_row {
    struct hash hash;
    uint64_t entries;
    struct span body; /* packed commit, or birth_encode */
};
MUST_CHECK enum err commit_row_get(struct kv_txn *txn, uint32_t number, uint64_t seq, struct commit_row *ret); /* ERR_NOT_FOUND, ERR_CORRUPT */
/* The head that counts: the chain's, or the commit at end_seq when more is held. ERR_CORRUPT */
MUST_CHECK enum err log_head(struct kv_txn *txn, const struct log *log, struct head *ret);
uint64_t log_cut_height(const struct log *log); /* as in log_info */
MUST_CHECK enum err log_info_of(struct kv_txn *txn, const struct log *log, struct log_info *ret);

/* Decode the commit at `seq` of a log and complete it from its neighbours; check it against its stored hash (L3). Payload spans point into the map
 * or the packer.  ERR_NOT_FOUND, ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err commit_load(struct kv_txn *txn, struct unpack *unpack, struct commit_packer *packer, const struct log *log, uint64_t seq,
                                struct commit *ret, struct hash *ret_hash);

/* ---- the writer ---- */

struct own_cache;

struct store {
    struct kv *kv;
    int lock; /* file descriptor of HOME/lock */
    struct region_id region;
    struct node_id self;
    signature_check check;

    struct kv_txn txn; /* the writer's */
    bool is_writing;
    bool is_small; /* the open transaction may go below the reserve */
    uint64_t generation; /* counts transactions that were not committed: what others remember of one is then void */
    uint64_t ends_changed; /* how often a log's end has moved */
    uint64_t cards_changed; /* how often a newer card was stored */
    uint64_t journal_end;
    uint32_t log_count;
    struct {
        uint64_t journal_end;
        uint32_t log_count;
    } before; /* the same when the transaction began */

    struct log **logs; /* by number - 1; NULL: not loaded */
    uint32_t logs_cap;
    uint32_t *slots; /* hash table of log ids: numbers, 0 empty */
    uint32_t slot_count, slot_used;
    uint32_t *dirty; /* numbers of logs to write at commit */
    uint32_t dirty_count, dirty_cap;

    struct membership *membership; /* NULL: to be built again */
    struct own_cache *own;

    struct unpack *unpack;
    struct commit_packer *packer;
    struct commit *commit, *other;                   /* scratch */
    struct head *heads, *heads_other, *heads_merged; /* scratch, FRONTIER_HEADS_MAX each */
    uint8_t *bytes;                                  /* scratch, HEADS_BYTES_MAX */

    pthread_mutex_t reads_lock;
    struct store_read *reads; /* idle */
    uint32_t reads_count;
};

/* The writer's cached log; NULL when not held or after an error of the transaction. Lives until the transaction fails. */
struct log *log_find(struct store *store, const struct log_id *id);
struct log *log_at(struct store *store, uint32_t number);
void log_touch(struct store *store, struct log *log); /* write its row at commit */
void logs_forget(struct store *store);                /* empty the cache */
void logs_flush(struct store *store);                 /* write what was touched, in order of number */
/* Begin a log: give it a number, write its birth, the journal too. ERR_MEMORY; ERR_INTERNAL  LOGS_MAX */
MUST_CHECK enum err log_begin(struct store *store, const struct chain *chain, const struct sign_public *identity, struct span birth,
                              struct log **ret);
/* Append a commit that has been checked: `after` is the chain with it. */
void log_append(struct store *store, struct log *log, const struct chain *after, struct span packed);
/* Delete the row of a commit that is taken back. */
void commit_remove(struct store *store, uint32_t number, uint64_t seq);
/* Work out again where a log ends, from membership, proof and finality. */
void log_end_update(struct store *store, struct log *log);
void logs_end_update(struct store *store); /* of all logs */

/* ---- journal.c ---- */

void journal_commit(struct store *store, uint32_t log_number, uint64_t seq);
void journal_notice(struct store *store, const struct notice_ref *ref);
/* The commits first..last of a log are taken back: their items name nothing any more. */
void journal_void(struct store *store, uint32_t log_number, uint64_t first, uint64_t last);
/* Is this item of the journal that commit's? */
bool journal_names(struct kv_txn *txn, uint64_t number, uint32_t log_number, uint64_t seq);
uint64_t journal_last(struct kv_txn *txn);
MUST_CHECK enum err journal_item_read(struct span key, struct span value, struct journal_item *ret); /* ERR_CORRUPT */

/* ---- notices.c, frontier.c ---- */

void notice_key(const struct notice_ref *ref, struct out *ret);
MUST_CHECK enum err notice_key_read(struct span key, struct notice_ref *ret); /* ERR_CORRUPT */
/* Build from what the transaction sees. ERR_MEMORY or the transaction's error */
MUST_CHECK enum err membership_load(struct kv_txn *txn, const struct region_id *region, signature_check check, struct membership **ret);
/* The writer's own, built when needed. NULL after an error, which is in the transaction then. */
const struct membership *membership_now(struct store *store);
/* As store_card, in any transaction. */
MUST_CHECK enum err card_newest(struct kv_txn *txn, struct unpack *unpack, const struct node_id *node, struct card *ret);
/* Store a fork proof unless a lower one is held; marks its log, if held. Writes the one that is held afterwards. */
MUST_CHECK enum err fork_proof_put(struct store *store, const struct log_id *log, uint64_t seq, const struct fork_proof *proof, struct span notice,
                                   struct notice_ref *ret, bool *ret_is_new);
/* The seq at which a held proof forks this log; 0 when there is none. */
uint64_t fork_proof_seq(struct store *store, const struct log_id *log);
/* Verify and keep the heads of a frontier that is newer: whole, or what changed since `base`. */
MUST_CHECK enum err frontier_put(struct store *store, const struct frontier *frontier, uint64_t base, struct span heads, const char **clause);
/* The heads of a node's newest frontier: 0 when there is none. */
size_t frontier_heads(struct store *store, const struct node_id *node, struct head *ret);
/* How far a log is final: the highest seq that the frontiers of more than half of the hubs name on the branch held (or beyond what is held). */
uint64_t final_seq(struct store *store, const struct log *log);

/* ---- unsent.c ---- */

/* The first commit of an own log that has certainly not left; 0: there is none, or nothing is known of it. */
uint64_t unsent_first(struct kv_txn *txn, uint32_t number);
void unsent_mark(struct store *store, uint32_t number, uint64_t seq); /* unless an earlier one is marked */
uint64_t epoch_of(struct kv_txn *txn);

/* ---- own.c ---- */

struct own_cache *own_new(void);
void own_destroy(struct own_cache **own);
void own_forget(struct own_cache *own);
void own_flush(struct store *store);

/* ---- reading ---- */

struct store_read {
    struct store *store;
    struct kv_txn txn;
    struct unpack *unpack;
    struct commit_packer *packer;
    struct commit *commit; /* scratch */
    struct head *heads;    /* scratch, 2 x FRONTIER_HEADS_MAX */
    struct store_read *next;
};

void reads_fini(struct store *store);

#endif

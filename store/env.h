/* env.h - the open log environment as the files of this room share it. Nobody else includes it: store.h is the door.
 * What is cached here belongs to the writer thread; readers see only what is on disk. */
#ifndef GRIOT_STORE_ENV_H
#define GRIOT_STORE_ENV_H

#include "crypto/siphash.h"
#include "store/kv.h"
#include "store/store.h"

#include <pthread.h>

/* Tables of the log environment, LAYOUT.md 1. */
enum { TABLE_META, TABLE_LOGS, TABLE_LOG_IDS, TABLE_COMMITS, TABLE_JOURNAL, TABLE_NOTICES, TABLE_FRONTIERS, TABLE_OWN, TABLE_KEYS, TABLE_ERASED, TABLE_AUDIT,
       TABLE_ASIDES, TABLE_COUNT };
enum { LOG_LAYOUT = 2, LOG_GROWN_FROM = 1 /* layout 1 lacks keys, erased, audit and asides */ };

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
    ERASE_SEARCH_ENTRIES = 4096, /* looked at for orders in one transaction: some 15 ms */
    EXPIRE_COMMITS = 256,        /* freed in one transaction */
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
MUST_CHECK enum err log_info_of(struct kv_txn *txn, const struct log *log, struct log_info *ret);

/* Decode the commit at `seq` of a log and complete it from its neighbours; check it against its stored hash (L3). Payload spans point into the map
 * or the packer.  ERR_NOT_FOUND, ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err commit_load(struct kv_txn *txn, struct unpack *unpack, struct commit_packer *packer, const struct log *log, uint64_t seq,
                                struct commit *ret, struct hash *ret_hash);

/* ---- the writer ---- */

struct own_cache;

/* What the writer remembers of orders and of clocks (erased.c, erase.c, expiry.c). */
struct erasing {
    bool is_loaded;
    struct node_id *authors; /* whose leaves some order names that may count: all others' are never looked up */
    uint32_t author_count, author_cap;
    bool is_searching; /* the logs of one of them are still to be looked through */
    uint32_t left;     /* entries that the open transaction may still look at */
    bool has_day;
    uint64_t day; /* with has_day: what the clocks asked agree has come, expiry_day_agreed */
    uint8_t *reduced, *packed; /* scratch */
};

struct store {
    struct kv *kv;
    int lock; /* file descriptor of HOME/lock */
    struct region_id region;
    struct node_id self;
    signature_check check;
    bool (*may)(void *arg, const struct node_id *author, size_t bytes);
    void *may_arg;

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
    struct siphash_key slots_key; /* authors choose their ids, and could make them meet */
    uint32_t slot_count, slot_used;
    uint32_t *dirty; /* numbers of logs to write at commit */
    uint32_t dirty_count, dirty_cap;

    struct membership *membership; /* NULL: to be built again */
    struct own_cache *own;
    struct {
        struct node_id node;
        uint64_t generation, ends_changed; /* when it was counted; 0: never */
        uint64_t bytes, entries;
    } late; /* what is held of one node beyond the ends of its logs */
    struct erasing erasing;

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
uint64_t epoch_of(struct kv_txn *txn); /* store_epoch */
/* Put a commit's row again, without payloads that are gone: same hash, same entries. */
void commit_rewrite(struct store *store, uint32_t number, uint64_t seq, const struct commit_row *row);
/* Take back the commits from `first` (1..) on: rows, head, journal, orders and keys in them; followers of the journal begin again. ERR_CORRUPT, and those of the transaction */
MUST_CHECK enum err log_take_back(struct store *store, struct log *log, uint64_t first);

/* ---- branch.c: where a log ends, and which of its branches is held ---- */

/* Work out again where a log ends, from membership, proof and finality. */
void log_end_update(struct store *store, struct log *log);
void logs_end_update(struct store *store); /* of all logs */
/* The last seq that is taken in as part of the log: where it ends, or further when what was named beyond a fork has still to be fetched, to see which branch it is on. */
uint64_t log_limit(struct kv_txn *txn, const struct log *log);
void log_heights(struct kv_txn *txn, const struct log *log, uint64_t *ret_cut_height, uint64_t *ret_fork_height); /* as in log_info */
/* Another signed commit than the one held at `seq` has come: does the branch held give way to it, because hubs or the root have named what is not on it? */
bool branch_gives_way(struct store *store, const struct log *log, uint64_t seq);
/* Move the commits from `first` on out of the log, to be kept as evidence. ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err branch_set_aside(struct store *store, struct log *log, uint64_t first);

/* ---- aside.c: what gave way ---- */

/* Keep a commit of a branch that gives way. ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err aside_put(struct store *store, const struct log *log, uint64_t seq);
/* An order has been given, or has come to count, for this author: take what it names out of what was set aside. ERR_CORRUPT, ERR_MEMORY, and those of the transaction */
MUST_CHECK enum err asides_erase(struct store *store, const struct node_id *author);
uint64_t aside_first(struct kv_txn *txn, uint32_t log_number); /* the lowest seq set aside; 0: none */

/* ---- late.c: what lies beyond the end of its log ---- */

/* Is there room for one more commit of `bytes` beyond the end of this log? What one node has there is bounded. */
bool late_has_room(struct store *store, const struct log *log, size_t bytes, uint32_t entries);
void late_added(struct store *store, const struct log *log, size_t bytes, uint32_t entries);
/* Commits that were appended while they did not count, from the lowest on: what they order is learned when they do (erased_take). 0: there are none. */
uint64_t late_since(struct kv_txn *txn, uint32_t number);
void late_mark(struct store *store, const struct log *log, uint64_t seq);
void late_forget(struct store *store, const struct log *log, uint64_t first); /* those from `first` on are taken back */
void late_counts(struct store *store, const struct log *log);                 /* the log may end further up: learn what is ordered by those that count now */

/* ---- journal.c ---- */

void journal_commit(struct store *store, uint32_t log_number, uint64_t seq);
void journal_notice(struct store *store, const struct notice_ref *ref);
/* The payload of an entry of a commit held is gone. */
void journal_gone(struct store *store, uint32_t log_number, uint64_t seq, uint32_t entry);
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
/* Verify and keep the heads of a frontier that is newer: whole, or what changed since `base`. It is kept under `counter`, a notice_counter, as `base` is one. */
MUST_CHECK enum err frontier_put(struct store *store, const struct frontier *frontier, uint64_t counter, uint64_t base, struct span heads, const char **clause);
/* Forget all that are kept of a node. */
void frontier_forget(struct store *store, const struct node_id *node);
/* The heads of a node's newest frontier: 0 when there is none. */
size_t frontier_heads(struct store *store, const struct node_id *node, struct head *ret);
/* What the newest frontiers of the hubs make of a log. */
struct final {
    uint64_t seq;      /* final: the highest that more than half of the hubs name on the branch held, or beyond what is held */
    uint64_t named;    /* how far has to be fetched to see that: of a forked log the highest that any hub names, when more than half name something beyond the fork */
    bool is_elsewhere; /* more than half name something at the seq asked for or later that is not seen on the branch held */
};
void final_find(struct store *store, const struct log *log, uint64_t seq, struct final *ret);

/* ---- liar.c ---- */

/* `second`, whose list is `heads`, is newer than `first`, of the same hub: do they contradict one another? Then both are kept. */
void liar_look(struct store *store, const struct node_id *node, const struct signed_heads *first, const struct head *heads, size_t count, const struct signed_heads *second);

/* ---- unsent.c ---- */

/* The first commit of an own log that has certainly not left; 0: there is none, or nothing is known of it. */
uint64_t unsent_first(struct kv_txn *txn, uint32_t number);
void unsent_mark(struct store *store, uint32_t number, uint64_t seq); /* unless an earlier one is marked */

/* ---- erased.c: orders, and what each is worth ---- */

/* May the payload of this leaf ever be taken out: a record, open or sealed? Whoever knows a kind that we do not may take out those; we take them without. */
bool leaf_may_go(const struct leaf *leaf);
bool leaf_may_be_gone(const struct leaf *leaf);
bool entry_is_order(const struct entry *entry);
/* Learn the orders among the entries of a commit that has been appended as `seq` of `log`, or forget those of one that is taken back. */
void erased_take(struct store *store, const struct log *log, uint64_t seq, const struct commit *commit);
void erased_untake(struct store *store, const struct log *log, uint64_t seq, const struct commit *commit);
/* A roster has come: what its hubs have ordered may count now. */
void erased_reconsider(struct store *store);
/* Is an order in force for a leaf in the logs of `author`? */
bool erased_is_in_force(struct store *store, const struct node_id *author, const struct hash *content);
void erased_forget(struct store *store); /* the cache */
void erased_fini(struct store *store);
MUST_CHECK enum err erased_make(struct store *store); /* scratch. ERR_MEMORY */

/* Rows of TABLE_ERASED, by their first byte: LAYOUT.md 1.10. */
enum erased_row { ROW_AUTHOR = 'A', ROW_DAY = 'E', ROW_ORDER = 'O', ROW_RECORD = 'R' };
enum {
    ORDER_KEY_BYTES = 1 + 32 + 16 + 4 + 8 + 1,
    ORDER_VALUE_BYTES = 16 + 8, /* node that ordered, roster number that its commit names */
    AUTHOR_KEY_BYTES = 1 + 16,
    AUTHOR_VALUE_BYTES = 1 + 4 + 8,
    DAY_KEY_BYTES = 1 + 4 + 4 + 8,
    RECORD_ROW_KEY_BYTES = 1 + 16 + 32 + 16,
    RECORD_ROW_VALUE_BYTES = 4 + 8 + 1,
};
struct order_row {
    struct hash content;
    struct node_id author;
    uint32_t log_number;
    uint64_t seq;
    uint8_t entry;
    struct node_id by;
    uint64_t roster_number;
};
struct span order_row_key(const struct order_row *row, uint8_t mem[ORDER_KEY_BYTES]);
MUST_CHECK enum err order_row_read(struct span key, struct span value, struct order_row *ret); /* ERR_CORRUPT */
/* What an author's orders ask for: where the search stands. */
struct search_row {
    bool is_under_way, is_again; /* is_again: from the start once more when it ends */
    uint32_t log_number;         /* the next to look at */
    uint64_t seq;
};
MUST_CHECK enum err search_row_read(struct span value, struct search_row *ret); /* ERR_CORRUPT */
/* The next author whose logs are to be looked through; false: none. */
bool erased_under_way(struct store *store, struct node_id *ret_author, struct search_row *ret);
void search_row_put(struct store *store, const struct node_id *author, const struct search_row *row);

/* ---- erase.c: taking payloads out ---- */

#define META_FREED "freed" /* key of TABLE_META: u64, payloads taken out since the last compaction */

/* Of a commit that has been checked and is about to be appended: leave out what is gone. `*ret_is_less` when something was.
 *   errors  ERR_GAP, ERR_MALFORMED  a payload is missing that, as far as is known here, must be there; `*clause` names the rule */
MUST_CHECK enum err erase_sift(struct store *store, const struct node_id *author, uint32_t log_number, struct commit *commit, bool *ret_is_less, const char **clause);
/* Pack a commit whose payloads have been left out, into scratch that lives until the next use. */
MUST_CHECK enum err erase_pack(struct store *store, const struct commit *commit, struct span *ret);
/* Look for leaves that orders name in what is held, for as long as the open transaction may. */
MUST_CHECK enum err erase_search(struct store *store);
/* Take what is over by the clocks out of one commit held. */
MUST_CHECK enum err erase_expired(struct store *store, uint32_t log_number, uint64_t seq);

/* ---- expiry.c ---- */

/* The day that our clock and those of two other nodes, one a hub, agree has come (days since 1970). */
uint64_t expiry_day_agreed(struct store *store);
/* Is the leaf's day so long past that its payload is nobody's any more? */
bool expiry_is_over(struct store *store, const struct leaf *leaf);
/* Remember when the payloads of a commit expire. */
void expiry_note(struct store *store, uint32_t log_number, const struct commit *commit);

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

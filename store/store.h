/* store.h - the log environment: births, commits, notices, journal. The one place where bytes become trusted records.
 * One process opens a home once (an exclusive lock file says so). One writer thread; readers in any thread, each read under a second.
 * Durable before visible: what store_commit has returned for is on disk. Tables: LAYOUT.md. */
#ifndef GRIOT_STORE_STORE_H
#define GRIOT_STORE_STORE_H

#include "crypto/keyfile.h"
#include "proto/message.h"
#include "store/membership.h"

struct store;
struct store_read; /* a read transaction; keep it under a second */
struct audience; /* store/audience.h */
struct sealed;   /* proto/sealed.h */

/* Make HOME/log (in a temporary folder, synced, renamed: RELIABILITY L1). ERR_EXISTS, ERR_IO, ERR_FULL */
MUST_CHECK enum err store_create(const char *home, const struct region_id *region, const struct node_id *self);
/* Take the home's lock and open.
 *   errors  ERR_LOCKED  another process has it; ERR_NOT_FOUND  no store; ERR_LAYOUT; ERR_CORRUPT; ERR_IO; ERR_PERMISSION; ERR_MEMORY */
MUST_CHECK enum err store_open(const char *home, struct store **ret);
/* Open for reading beside a running daemon is not offered: commands speak to the daemon, or take the lock. */
void store_close(struct store **store);
/* Intake stops (ERR_FULL from store_begin and store_commit) when the disk has fewer bytes free than this; 0 for the default, the smaller of 10 % and
 * 64 MiB. */
void store_set_reserve(struct store *store, uint64_t bytes);
/* Whom to ask before a birth or commit of another node is taken in that is good otherwise; `may` says no: ERR_QUOTA. Policy, which decides nothing about validity. NULL: all may. */
void store_set_policy(struct store *store, bool (*may)(void *arg, const struct node_id *author, size_t bytes), void *arg);
/* Free space above the reserve, in bytes; 0 when there is none, or the system does not say. */
uint64_t store_room(const struct store *store);
const struct region_id *store_region(const struct store *store);
const struct node_id *store_self(const struct store *store);
/* The system's words for the last ERR_IO or ERR_FULL, for the operator's log; "" when there was none. */
const char *store_reason(const struct store *store);
/* Free what dead readers hold (L4): every minute. Returns how many there were. */
int store_reader_check(struct store *store);

/* ---- writing: one thread. Several admissions and appends share one transaction; widen it under load. ---- */

/* Open a transaction; the same thread ends it. Not while this thread holds a read.
 *   errors  ERR_FULL  below the reserve, reads go on; ERR_IO  an earlier commit failed at the disk: stop, re-open, verify (L6); ERR_BUSY  the map
 * must grow and a reader does not end; ERR_MEMORY */
MUST_CHECK enum err store_begin(struct store *store);
/* The same, for a few hundred bytes that must be written when intake has stopped too (the audit trail): below the reserve as well, as long as the disk has any room. */
MUST_CHECK enum err store_begin_small(struct store *store);
/* Make everything since store_begin durable.
 *   errors  ERR_FULL  nothing was stored, reads go on; ERR_IO  the disk lies: stop, re-open, verify (L6); ERR_BUSY  nothing was stored, the map has
 * grown: do it again; ERR_MEMORY, ERR_CORRUPT, ERR_INTERNAL  what went wrong inside the transaction. In each case the transaction is over. */
MUST_CHECK enum err store_commit(struct store *store);
void store_abort(struct store *store);
/* Has something in the open transaction failed half-way, so that it can only be aborted (store_commit would say so)? What was refused before anything was
 * changed does not count. */
bool store_has_failed(const struct store *store);

struct admitted { /* outcome of one segment; filled in also on errors, with what the good items before the bad one did */
    struct node_id node;
    enum channel channel;
    struct head before, after; /* equal when nothing was new */
    bool is_new_log;
    uint64_t cut_height, fork_height; /* as in log_info */
    bool has_fork; /* another signed commit at a held seq: `proof` was stored as a notice */
    struct notice_ref proof;
    uint64_t own_conflict; /* with ERR_GAP: at this seq of an own log another commit of ours is held, which has to give way (author_give_way); else 0 */
};
/* The one gate. Verify the items of `seg` in order against the chain held (limits, canonical form, chain, signature, membership) and append the good
 * ones, to the journal too. Stops at the first bad item: the good ones before it stay. Commits held already are skipped when equal, and make a fork
 * proof when not. errors  ERR_GAP, ERR_UNKNOWN_LOG, ERR_UNKNOWN_KEY (author not known yet: park, ask), ERR_VERSION, ERR_CUT, ERR_FORK (`has_fork`
 * when this segment proved it), ERR_CHAIN (the birth is of another log), and those of validity.h and commit_unpack; ERR_CORRUPT; and what makes store_commit fail: ERR_BUSY, ERR_IO, ERR_FULL, ERR_MEMORY. `*clause` names the rule for errors that blame the
 * peer; ERR_QUOTA  nobody is to blame: more logs than are kept of one node, or in all, or the policy says no. The transaction goes on */
MUST_CHECK enum err store_admit(struct store *store, const struct seg *seg, struct admitted *ret, const char **clause);

/* Verify a notice (signature by the right key, region, caps) and store it when it is newer than what is held; frontiers with their heads, whole or as
 * a difference. *ret_ref is written on success, *ret_is_new false when it was held already. errors  ERR_STALE  an older one; ERR_GAP  the base of a
 * difference is not held; ERR_UNKNOWN_KEY; ERR_BADSIG; ERR_REGION; ERR_VERSION; ... */
MUST_CHECK enum err store_admit_notice(struct store *store, struct span notice, uint64_t base, struct span heads, struct notice_ref *ret_ref,
                                       bool *ret_is_new, const char **clause);

/* ---- own commits ---- */

struct author; /* our four logs and their signing keys; one writer thread */
/* `keyring` and `identity` are borrowed for the author's life. A channel whose log key is not in the keyring (restored home) starts a new incarnation
 * that closes the old log, at its first append. */
MUST_CHECK enum err author_new(struct store *store, struct keyring *keyring, const struct secret *identity, struct author **ret);
void author_destroy(struct author **author);
struct payload {
    uint32_t kind; /* enum entry_kind */
    uint32_t flags;
    uint32_t expiry_day;
    struct span bytes; /* at most PAYLOAD_BYTES_MAX; sealed it must fit 2,008 bytes once compressed */
    const struct audience *audience; /* store/audience.h: who can read it, and ourselves; NULL: the whole region */
};
/* Append within the open transaction: as few commits as the caps allow (entries and bytes), one signature each. What is for an audience is sealed; before
 * the first use of a sender key, when it is SENDER_KEY_DAYS_MAX old, when the encryption key on the newest card of one of the audience is another, and in a log
 * that has none for this audience, a commit with the key comes first. `ret_content` (count hashes, may be
 * NULL) gets each entry's content hash, by which versions are named; `ret_head` the log's new head. errors  ERR_OVERSIZE  a payload is too long;
 * ERR_INVALID  an audience is nobody, or its nodes do not rise; ERR_LIMIT  it has more than AUDIENCE_NODES_MAX nodes with ourselves: then
 * nothing was appended. After any other the transaction has failed (store_has_failed): ERR_UNKNOWN_KEY  this node has no encryption key, ERR_MEMORY, ERR_IO, ERR_FULL,
 * ERR_BUSY, ERR_PERMISSION (of a key file), ERR_CORRUPT, ERR_INTERNAL */
MUST_CHECK enum err author_append(struct author *author, enum channel channel, const struct payload *payloads, size_t count, struct wall_ms now,
                                  uint64_t roster_number, struct hash *ret_content, struct head *ret_head);
/* Give nodes that were not in their audience (late joiners) the keys of ours with these ids: one grant each in the control log, open to everybody. What is
 * appended next for such an audience is sealed under a new key, which they do not have.
 *   errors  ERR_INVALID  no nodes, or nodes that do not rise; ERR_NOT_FOUND  an id is of no key of ours that can be opened here; ERR_UNKNOWN_KEY  no card of
 *           a node is held, so there is no key to wrap for: nothing was appended; after any other the transaction must be aborted, as above */
MUST_CHECK enum err author_grant(struct author *author, const struct hash *ids, size_t count, const struct audience *nodes, struct wall_ms now,
                                 uint64_t roster_number, struct head *ret_head);
/* Open an entry that we have sealed ourselves and that came back (a restored home): in the open transaction, whose admissions it sees.
 *   scratch  OPENER_SCRATCH_BYTES (store/opener.h)
 *   errors   those of opener_open */
MUST_CHECK enum err author_open(struct author *author, const struct entry *entry, uint8_t *scratch, struct sealed *ret);
/* Close the channel's log for good: its key is destroyed, the next append opens a new incarnation.
 *   errors  of the keyring and of reading; call it again then */
MUST_CHECK enum err author_reincarnate(struct author *author, enum channel channel);

/* ---- what has not left ----
 * The first own commit that has certainly not left this machine since the last release is marked in its own transaction, log by log, so that a home that
 * was brought back from an older state can be told from what others hold (DESIGN 3, self-echo). */

/* Own commits may leave from now on: forget the marks, and make no more in this author's life. Before anything is sent, inside the open transaction; when
 * that fails the marks stay, and calling it again is harmless.  errors  of the transaction */
MUST_CHECK enum err author_released(struct author *author);
struct gave_way { /* outcome of author_give_way */
    enum channel channel;
    struct head before, after; /* of the log: as it counted, and as it counts now; equal when nothing was taken back */
    struct head reissued;      /* of the log that has its commits now; all zeros when nothing was taken back */
    uint64_t commits, entries; /* issued again */
};
/* Others hold more of this own log than we do, or something else: close it for good (its key is destroyed at once), take back what certainly has not left
 * (and whatever stands at `from` or later, when that is not 0: an own_conflict), and issue the same entries again, with the salts they had and so under the same content hashes, in a new incarnation. What others hold of the log can
 * then be admitted without contradiction. All of it, or nothing, with the open transaction; again, it does nothing further.
 *   errors  ERR_NOT_FOUND  no such log of ours; after any other the transaction fails: those of author_append */
MUST_CHECK enum err author_give_way(struct author *author, const struct log_id *log, uint64_t from, uint64_t roster_number, struct gave_way *ret);

bool author_is_released(const struct author *author);
struct leaving { /* outcome of author_leaves */
    uint64_t entries;                 /* issued again, in logs that were begun now */
    struct head heads[CHANNEL_COUNT]; /* of those logs; seq 0: none of this channel */
};
/* All own commits are about to leave by hand although nobody has shown our logs in this life (README 5): what has not left of logs that were begun in an
 * earlier life gives way to a log that is begun now, so that no life of this home ever writes into the log of another; the marks are forgotten. All of it, or nothing, with the open
 * transaction; it must be durable before anything of it leaves. Once released, it does nothing.
 *   errors  those of author_give_way */
MUST_CHECK enum err author_leaves(struct author *author, uint64_t roster_number, struct leaving *ret);
/* Does this head name a commit of ours that was made in this author's life? Then whoever signed it has signed it after our start. */
bool author_has_proof(const struct author *author, struct store_read *read, const struct head *head);

/* Own records by id, kept in the same transaction as their append, so that an import run twice makes no duplicates whatever the index's lag. */
struct own_record {
    struct hash version; /* content hash of the current version */
    uint32_t depth;
    uint8_t content[16]; /* of the values, without envelope; to see "unchanged" */
    uint32_t expiry_day; /* of the current version: those that follow do not expire before it, or an older one would come back */
};
MUST_CHECK enum err store_own_get(struct store *store, const struct record_id *id,
                                  struct own_record *ret); /* sees the open transaction. ERR_NOT_FOUND */
MUST_CHECK enum err store_own_put(struct store *store, const struct record_id *id, const struct own_record *own);

/* Forget a row, because the record was erased. */
MUST_CHECK enum err store_own_remove(struct store *store, const struct record_id *id);

/* ---- erasure and expiry (README 8) ----
 * What an order that counts names, and is held, is taken out in the order's own transaction as far as ERASE_SEARCH_ENTRIES go; the rest is looked through by and by. */

/* Does an order in force name this leaf of `author`, or is its day over by all clocks? Then no payload of it is taken in. Inside a transaction. */
bool store_is_gone(struct store *store, const struct node_id *author, const struct leaf *leaf);
/* Is there more to look through? Then, in a transaction: store_erase_step until there is not. The writer's thread. */
bool store_erase_is_due(const struct store *store);
/*   errors  of the transaction, which must then be aborted */
MUST_CHECK enum err store_erase_step(struct store *store);
/* Free payloads whose day is past by all clocks asked, of at most about EXPIRE_COMMITS commits; `*ret_is_done`: none is left. Inside a transaction, after a start and daily.
 *   errors  as above */
MUST_CHECK enum err store_expire_step(struct store *store, bool *ret_is_done);

/* ---- reading: any thread ---- */

MUST_CHECK enum err store_read_begin(struct store *store, struct store_read **ret);
void store_read_end(struct store_read **read);

struct log_info {
    struct head head; /* as far as the log counts: before a fork that is not settled, up to a cut */
    struct node_id node;
    enum channel channel;
    uint32_t number;   /* local short number of the log, 1.. */
    bool has_fork;     /* a proof is held */
    struct head sent;  /* of an own log: the part of `head` that may have left; what follows certainly has not. Else as `head` */
    uint64_t fork_seq;   /* at which the proof is; 0: none */
    uint64_t cut_height; /* where a cut ends the log: the last seq that counts and 1; 0: not cut, or forked */
    uint64_t fork_height; /* where a forked log ends likewise, fork and cut together; or further: what hubs have named there is wanted, to see which branch it is on. 0: not forked */
    uint64_t held_entries; /* up to the next */
    uint64_t aside_seq;  /* the first commit that was set aside of a branch held before; 0: none */
    uint64_t held_seq; /* at least head.seq; what lies beyond it is disputed or quarantined: kept, shown as such, not relayed */
};
/* Every log held. Calls `each` until it returns false. */
MUST_CHECK enum err store_logs(struct store_read *read, bool (*each)(void *arg, const struct log_info *log), void *arg);
/* Rises whenever a log has come to count further or less far than before, but by appending: heads told before may be out of date. Never 0. The writer's thread. */
uint64_t store_ends_changed(const struct store *store);
MUST_CHECK enum err store_log(struct store_read *read, const struct log_id *log, struct log_info *ret);
MUST_CHECK enum err store_log_by_number(struct store_read *read, uint32_t number, struct log_info *ret);
/* One SEG for the wire: items of `log` after `after_seq` (with the birth first when !has_birth) until the encoded body would exceed `bytes_max`, at
 * least one, none after `until_seq` (UINT64_MAX: all that is held). Each commit is checked against its hash before it leaves (L3: LMDB has no
 * checksums). When `hash` is not zeros our commit at after_seq must have it. `seg` spans are valid until read_end. seg->count 0: nothing further is
 * held. ret_last_* as in the engine's SYNC_SENT. errors  ERR_NOT_FOUND  no such log; ERR_FORK  the hash is not on our chain; ERR_CORRUPT  a stored
 * commit does not match its hash */
MUST_CHECK enum err store_segment(struct store_read *read, const struct log_id *log, bool has_birth, uint64_t after_seq, const struct hash *hash,
                                  uint64_t until_seq, size_t bytes_max, struct seg *ret, uint64_t *ret_last_seq, uint64_t *ret_last_entries);
/* A commit, decoded and completed; spans live in `scratch` memory of the read until its next use. Checked against its hash.
 *   errors  ERR_NOT_FOUND  no such log or seq, also for the birth; ERR_CORRUPT; ERR_MEMORY */
MUST_CHECK enum err store_commit_at(struct store_read *read, uint32_t log_number, uint64_t seq, struct commit *ret, struct hash *ret_hash);
/* Commit 0 of a log. ERR_NOT_FOUND, ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err store_birth(struct store_read *read, uint32_t log_number, struct birth *ret);

/* Notices: bytes as stored (notice_encode form), with the materialised heads of frontiers (heads_canonical form). Valid until read_end. */
MUST_CHECK enum err store_notice(struct store_read *read, const struct notice_ref *ref, struct span *ret, struct span *ret_heads);
/* The newest card or frontier of a node, as above. ERR_NOT_FOUND */
MUST_CHECK enum err store_notice_newest(struct store_read *read, enum notice_kind kind, const struct node_id *node, struct span *ret,
                                        struct span *ret_heads);
MUST_CHECK enum err store_notices(struct store_read *read,
                                  bool (*each)(void *arg, const struct notice_ref *ref, struct span notice, struct span heads), void *arg);
/* The heads of a node's frontier with this counter, one of the last few that are kept; sorted by log. `ret` has room for FRONTIER_HEADS_MAX.
 *   errors  ERR_NOT_FOUND  not kept; ERR_CORRUPT; ERR_MEMORY */
MUST_CHECK enum err store_frontier_heads(struct store_read *read, const struct node_id *node, uint64_t counter, struct head *ret, size_t *ret_count);
/* The counters of a node's frontiers that are kept, falling. Writes at most `max`, returns how many. */
size_t store_frontier_counters(struct store_read *read, const struct node_id *node, uint64_t *ret, size_t max);
/* What changed in a frontier since its own counter `base`; ERR_GAP when that is not kept (then send it whole). Kept: the last few of each node. */
MUST_CHECK enum err store_frontier_change(struct store_read *read, const struct node_id *node, uint64_t base, struct out *ret);
/* A hub that has signed two frontiers which name two branches of one log: it lies, or its store was brought back from an older copy. The first proof of each hub is kept for good. */
struct signed_heads {
    struct span notice, heads; /* as in store_notice */
};
struct liar {
    struct node_id node;
    struct head heads[2];             /* of one log, without entries */
    struct signed_heads frontiers[2]; /* that name them; valid until read_end */
};
/*   errors  ERR_CORRUPT */
MUST_CHECK enum err store_liars(struct store_read *read, bool (*each)(void *arg, const struct liar *liar), void *arg);
/* A commit that gave way to a branch which was final (README 3.6): evidence, in no index. */
struct aside {
    uint32_t log_number;
    uint64_t seq;
    struct hash hash;
    const struct commit *commit; /* completed; borrowed for the call. NULL: it is damaged */
};
/* Those of one log, or of all when `log_number` is 0; of one log in no order.  ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err store_asides(struct store_read *read, uint32_t log_number, bool (*each)(void *arg, const struct aside *aside), void *arg);
/* Build membership from the charter, rosters and acts held. */
MUST_CHECK enum err store_membership(struct store_read *read, signature_check check, struct membership **ret);
/* Cards held, newest of each node. ERR_NOT_FOUND */
MUST_CHECK enum err store_card(struct store_read *read, const struct node_id *node, struct card *ret);

/* The journal: local order. */
enum journal_type {
    JOURNAL_COMMIT = 1,
    JOURNAL_NOTICE = 2,
    JOURNAL_VOID = 3, /* a commit that was taken back: names nothing any more */
    JOURNAL_GONE = 4, /* the payload of one entry of a commit further up was erased, or freed after its day */
};
struct journal_item {
    uint64_t number; /* 1.. without gaps */
    enum journal_type type;
    uint32_t log_number;   /* COMMIT, VOID, GONE */
    uint64_t seq;          /* COMMIT, VOID, GONE */
    uint32_t entry;        /* GONE */
    struct notice_ref ref; /* NOTICE */
};
MUST_CHECK enum err store_journal(struct store_read *read, uint64_t after, bool (*each)(void *arg, const struct journal_item *item), void *arg);
uint64_t store_journal_end(struct store_read *read);
/* Counts how often items of the journal became void: who has followed it under another epoch begins again at 0. */
uint64_t store_epoch(struct store_read *read);

/* An order to erase that names a leaf. */
struct order {
    struct node_id by;     /* who gave it */
    struct wall_ms at;     /* its author time: a claim */
    bool is_author;        /* the leaf is its own */
    bool is_registrar;     /* it was a hub by the roster that its commit names */
    uint32_t log_number;   /* where the order stands */
    uint64_t seq;
    uint32_t entry;
    const char *reason;    /* borrowed for the call */
};
enum order_state {
    ORDER_NONE,     /* no order names it, or only by nodes that are neither its author nor hubs */
    ORDER_PROPOSED, /* one hub; another must order the same */
    ORDER_IN_FORCE, /* its author, or two hubs */
};
/* What has been ordered for the leaf `content` in the logs of `author`. `each` (may be NULL) is called with every order that is held, by whomever.
 *   errors  ERR_CORRUPT, ERR_MEMORY */
MUST_CHECK enum err store_orders(struct store_read *read, const struct membership *membership, const struct node_id *author, const struct hash *content,
                                 bool (*each)(void *arg, const struct order *order), void *arg, enum order_state *ret);
/* A record version whose payload was taken out here by an order. */
struct erased_version {
    struct record_id id;
    struct hash content;
    struct node_id author;
    uint32_t log_number; /* where it stood when that was done */
    uint64_t seq;
    uint32_t entry;
};
/* Those whose record id begins with the first `bits` bits of `id`, rising. `each` returns false to stop.  ERR_CORRUPT */
MUST_CHECK enum err store_erased(struct store_read *read, const struct record_id *id, uint32_t bits, bool (*each)(void *arg, const struct erased_version *version), void *arg);
/* Payloads taken out since the last compaction: what they were may still stand in pages that are free. */
uint64_t store_freed(struct store_read *read);

struct store_size {
    uint64_t bytes_used, bytes_map, disk_free;
    uint64_t commits, entries, logs, notices; /* commits and entries that count; births do not */
};
MUST_CHECK enum err store_size(struct store_read *read, struct store_size *ret);

/* A consistent, compact copy of the log environment into the folder `path` (made, must not exist), while running; it appears whole or not at all. No
 * key is in it. To restore: put it in an empty home as HOME/log.  ERR_EXISTS, ERR_FULL, ERR_IO, ERR_PERMISSION, ERR_NOT_FOUND  no parent folder,
 * ERR_INVALID  path too long */
MUST_CHECK enum err store_backup(struct store *store, const char *path);

/* Put a compacted copy in the place of HOME/log: what was erased or freed, and may still stand in free pages, is then in no file of it. The store must not be open; the home's lock
 * is held meanwhile. A power cut at any moment leaves the old store or the new one. Views are not touched: drop them too (views_drop), and they follow again.
 *   errors  those of store_open; ERR_FULL  no room for a second copy; nothing has changed after any of them */
struct compaction {
    uint64_t bytes_before, bytes_after; /* of the data file */
};
MUST_CHECK enum err store_compact(const char *home, struct compaction *ret);
/* How much of the new copy is written just now; 0 when none is under way. Any process. */
uint64_t store_compacting(const char *home);

/* Verify every chain, hash and signature, the journal and the notices.
 *   report  called with each fault: a stable code, what and where (in English); progress with commits done of total; either may be NULL
 *   errors  ERR_CORRUPT  faults were found and reported; ERR_MEMORY, ERR_IO  the check itself failed */
struct fsck_report {
    void (*fault)(void *arg, enum err err, const char *what);
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
    uint64_t commits, faults;
};
MUST_CHECK enum err store_fsck(struct store_read *read, signature_check check, struct fsck_report *report);

#endif

/* fsck.c - verify everything: chains, hashes, signatures, journal, notices. Reads only; names each fault. */
#include "store/audit.h"
#include "store/env.h"
#include "store/keys.h"

#include "proto/erasure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAULT_BYTES_MAX = 384 };

struct check {
    struct store_read *read;
    signature_check check;
    struct membership *membership;
    struct fsck_report *report;
    uint64_t total;
    uint32_t log_count;
    uint64_t ordered; /* leaves that orders name, each order counted */
    uint64_t *followed; /* by log number - 1: how many of its items the journal has named */
};

static void __attribute__((format(printf, 3, 4))) fault(struct check *c, enum err err, const char *format, ...)
{
    char what[FAULT_BYTES_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    c->report->faults++;
    if (c->report->fault != NULL) {
        c->report->fault(c->report->arg, err, what);
    }
}

static const char *or_none(const char *clause)
{
    return clause == NULL ? "no clause" : clause;
}

/* ---- logs ---- */

static void check_birth(struct check *c, const struct log *log, struct chain *ret, bool *ret_is_good)
{
    struct commit_row row;
    struct birth birth;
    const char *clause = NULL;
    *ret_is_good = false;
    enum err err = commit_row_get(&c->read->txn, log->number, 0, &row);
    if (err != ERR_OK) {
        fault(c, ERR_CORRUPT, "log %u: its birth is missing", log->number);
        return;
    }
    err = birth_check(c->read->unpack, row.body, &c->read->store->region, &log->identity, c->check, &birth, ret, &clause);
    if (err != ERR_OK) {
        fault(c, err, "log %u, birth: %s", log->number, or_none(clause));
        return;
    }
    if (memcmp(row.hash.b, ret->log.b, sizeof row.hash.b) != 0 || row.entries != 0 || log_id_compare(&log->chain.log, &ret->log) != 0 ||
        !node_id_equal(&log->chain.node, &ret->node) || log->chain.channel != ret->channel ||
        memcmp(log->chain.key.b, ret->key.b, sizeof ret->key.b) != 0) {
        fault(c, ERR_CORRUPT, "log %u: its row does not say what its birth says", log->number);
        return;
    }
    *ret_is_good = true;
}

/* Own births stand before the roster that names us; all others were signed by a key that a roster names. */
static void check_author(struct check *c, const struct log *log)
{
    if (node_id_equal(&log->chain.node, &c->read->store->self)) {
        return;
    }
    for (size_t i = 0;; i++) {
        const struct sign_public *key = membership_identity_at(c->membership, &log->chain.node, i);
        if (key == NULL) {
            break;
        }
        if (memcmp(key->b, log->identity.b, sizeof key->b) == 0) {
            return;
        }
    }
    fault(c, ERR_UNKNOWN_KEY, "log %u: no roster held names the key that signed its birth", log->number);
}

/* What is not here is so for a reason that can be shown. */
static void check_absent(struct check *c, const struct log *log, uint64_t seq, uint32_t index, const struct leaf *leaf)
{
    enum order_state state = ORDER_NONE;
    if (leaf->expiry_day != 0 && leaf_may_be_gone(leaf)) {
        return; /* which clocks agreed that its day was past is not kept */
    }
    if (store_orders(c->read, c->membership, &log->chain.node, &leaf->content, NULL, NULL, &state) != ERR_OK || state != ORDER_IN_FORCE || !leaf_may_be_gone(leaf)) {
        fault(c, ERR_CORRUPT, "log %u, commit %llu, entry %u: its payload is missing, and no order says so", log->number, (unsigned long long)seq, index);
    }
}

/* Every leaf that an order names is found by that. */
static void check_order(struct check *c, const struct log *log, uint64_t seq, uint32_t index, const struct entry *entry)
{
    struct erasure erasure;
    struct order_row row = {.log_number = log->number, .seq = seq, .entry = (uint8_t)index};
    struct span value;
    if (!entry_is_order(entry) || erasure_decode(c->read->unpack, entry->payload, &erasure, NULL) != ERR_OK) {
        return;
    }
    row.author = erasure.author;
    for (uint32_t i = 0; i < erasure.leaf_count; i++) {
        uint8_t mem[ORDER_KEY_BYTES];
        struct order_row held;
        row.content = erasure.leaves[i];
        c->ordered++;
        if (!kv_get(&c->read->txn, TABLE_ERASED, order_row_key(&row, mem), &value) || order_row_read(span_of(mem, sizeof mem), value, &held) != ERR_OK ||
            !node_id_equal(&held.by, &log->chain.node) || held.roster_number != c->read->commit->roster_version) {
            fault(c, ERR_CORRUPT, "log %u, commit %llu, entry %u: what this order names is not found by it", log->number, (unsigned long long)seq, index);
            return;
        }
    }
}

static void check_entries(struct check *c, const struct log *log)
{
    const struct commit *commit = c->read->commit;
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        uint64_t late = late_since(&c->read->txn, log->number);
        if (commit->entries[i].has_payload && late != 0 && commit->seq >= late) {
            continue; /* it orders nothing as long as it does not count */
        }
        if (commit->entries[i].has_payload) {
            check_order(c, log, commit->seq, i, &commit->entries[i]);
        } else {
            check_absent(c, log, commit->seq, i, &commit->entries[i].leaf);
        }
    }
}

static void check_orders(struct check *c)
{
    struct kv_cursor cursor;
    uint8_t first = ROW_ORDER;
    uint64_t rows = 0;
    kv_cursor_open(&c->read->txn, TABLE_ERASED, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_of(&first, 1)); ok; ok = kv_next_prefix(&cursor, span_of(&first, 1))) {
        rows++;
    }
    kv_cursor_close(&cursor);
    if (rows != c->ordered) {
        fault(c, ERR_CORRUPT, "erased: %llu leaves are named by orders, %llu are found", (unsigned long long)c->ordered, (unsigned long long)rows);
    }
}

/* ---- sender keys ---- */

/* Each KEY and GRANT entry of a commit has its row, which names the commit's place in the journal. */
static void check_keys(struct check *c, const struct log *log, uint64_t seq)
{
    const struct commit *commit = c->read->commit;
    struct sender_key key;
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        uint64_t number = 0;
        if (key_entry_read(c->read->unpack, &commit->entries[i], &key) == ERR_OK) {
            enum err err = keys_row_get(&c->read->txn, &key.id, log->number, seq, i, &number);
            if (err != ERR_OK || !journal_names(&c->read->txn, number, log->number, seq)) {
                fault(c, ERR_CORRUPT, "keys: entry %u of log %u, commit %llu has no row, or one that is wrong", i, log->number, (unsigned long long)seq);
            }
        }
    }
}

/* Each row names such an entry; its payload may have been erased since. */
static bool check_key_row(void *arg, const struct hash *id, const struct key_place *place)
{
    struct check *c = arg;
    struct key_source source = {&c->read->txn, NULL, &c->read->store->region, c->read->unpack, c->read->packer, c->read->commit};
    const struct entry *entry = &c->read->commit->entries[place->entry];
    struct sender_key key;
    bool is_good = key_commit(&source, place) == ERR_OK && (entry->leaf.kind == ENTRY_KEY || entry->leaf.kind == ENTRY_GRANT);
    if (is_good && entry->has_payload) {
        is_good = key_entry_read(c->read->unpack, entry, &key) == ERR_OK && hash_equal(&key.id, id);
    }
    if (!is_good) {
        fault(c, ERR_CORRUPT, "keys: a row names entry %u of log %u, commit %llu, which is no such key", place->entry, place->log_number,
              (unsigned long long)place->seq);
    }
    return true;
}

static void check_commits(struct check *c, const struct log *log, struct chain *chain)
{
    struct commit_row row;
    struct span reduced;
    const char *clause = NULL;
    for (uint64_t seq = 1; seq <= log->chain.seq; seq++) {
        enum err err = commit_row_get(&c->read->txn, log->number, seq, &row);
        if (err == ERR_OK) {
            err = commit_unpack(c->read->packer, row.body, &reduced, &clause);
        }
        if (err == ERR_OK) {
            err = commit_reduced_decode(c->read->unpack, reduced, c->read->commit, &clause);
        }
        if (err == ERR_OK) {
            err = commit_check(chain, c->read->commit, c->check, &clause);
        }
        if (err != ERR_OK) { /* what follows hangs on this one */
            fault(c, err == ERR_NOT_FOUND ? ERR_CORRUPT : err, "log %u, commit %llu: %s; not checked beyond", log->number, (unsigned long long)seq,
                  err == ERR_NOT_FOUND ? "it is missing" : or_none(clause));
            return;
        }
        if (!hash_equal(&row.hash, &chain->hash) || row.entries != chain->entries) {
            fault(c, ERR_BADHASH, "log %u, commit %llu: it is not the one whose hash is stored", log->number, (unsigned long long)seq);
        }
        check_entries(c, log);
        check_keys(c, log, seq);
        c->report->commits++;
        if (c->report->progress != NULL && c->report->commits % 1024 == 0 && c->report->commits <= c->total) {
            c->report->progress(c->report->arg, c->report->commits, c->total);
        }
    }
    if (!hash_equal(&chain->hash, &log->chain.hash) || chain->entries != log->chain.entries || chain->roster_version != log->chain.roster_version) {
        fault(c, ERR_CORRUPT, "log %u: its head is not its last commit", log->number);
    }
}

static void check_log(struct check *c, uint32_t number)
{
    struct log log;
    struct chain chain;
    uint32_t found = 0;
    bool is_good = false;
    enum err err = log_load(&c->read->txn, &c->read->store->region, number, &log);
    if (err != ERR_OK) {
        fault(c, ERR_CORRUPT, "log %u: its row is missing or damaged", number);
        return;
    }
    err = log_number_of(&c->read->txn, &log.chain.log, &found);
    if (err != ERR_OK || found != number) {
        fault(c, ERR_CORRUPT, "log %u: it is not found by its id", number);
    }
    check_birth(c, &log, &chain, &is_good);
    if (is_good) {
        check_author(c, &log);
        check_commits(c, &log, &chain);
    }
}

/* ---- journal ---- */

static bool count_journal(void *arg, const struct journal_item *item)
{
    struct check *c = arg;
    c->total++;
    if (item->number != c->total) {
        fault(c, ERR_CORRUPT, "journal: item %llu is missing", (unsigned long long)c->total);
        c->total = item->number;
    }
    if (item->type != JOURNAL_COMMIT) {
        return true; /* what a notice item names may have been replaced since */
    }
    if (item->log_number == 0 || item->log_number > c->log_count) {
        fault(c, ERR_CORRUPT, "journal: item %llu names log %u, which is not held", (unsigned long long)item->number, item->log_number);
    } else if (c->followed[item->log_number - 1]++ != item->seq) {
        fault(c, ERR_CORRUPT, "journal: item %llu names log %u commit %llu out of order", (unsigned long long)item->number, item->log_number,
              (unsigned long long)item->seq);
        c->followed[item->log_number - 1] = item->seq + 1;
    }
    return true;
}

static void check_journal(struct check *c)
{
    struct log log;
    uint64_t rows = 0;
    c->total = 0;
    if (store_journal(c->read, 0, count_journal, c) != ERR_OK) {
        fault(c, ERR_CORRUPT, "journal: item %llu is damaged", (unsigned long long)c->total + 1);
        return;
    }
    for (uint32_t number = 1; number <= c->log_count; number++) {
        rows += c->followed[number - 1];
        if (log_load(&c->read->txn, &c->read->store->region, number, &log) == ERR_OK && c->followed[number - 1] != log.chain.seq + 1) {
            fault(c, ERR_CORRUPT, "journal: it names %llu items of log %u, which holds %llu", (unsigned long long)c->followed[number - 1], number,
                  (unsigned long long)log.chain.seq + 1);
        }
    }
    if (kv_count(&c->read->txn, TABLE_COMMITS) != rows) {
        fault(c, ERR_CORRUPT, "commits: there are %llu, the journal names %llu", (unsigned long long)kv_count(&c->read->txn, TABLE_COMMITS),
              (unsigned long long)rows);
    }
}

/* ---- what was set aside ---- */

static bool check_aside(void *arg, const struct aside *aside)
{
    struct check *c = arg;
    if (aside->commit == NULL) {
        fault(c, ERR_BADHASH, "log %u, commit %llu set aside: it is not the one whose hash is stored", aside->log_number, (unsigned long long)aside->seq);
    }
    return true;
}

/* ---- notices ---- */

static enum err check_signed(struct check *c, enum sign_purpose purpose, const struct notice *notice, const struct node_id *node)
{
    enum err err = ERR_UNKNOWN_KEY;
    const struct sign_public *key;
    for (size_t i = 0; (key = membership_identity_at(c->membership, node, i)) != NULL; i++) {
        err = c->check(purpose, &c->read->store->region, notice->body, key, &notice->signatures[0].signature);
        if (err == ERR_OK) {
            break;
        }
    }
    return err;
}

static enum err check_frontier(struct check *c, const struct notice *notice, struct span heads, const char **clause)
{
    struct frontier frontier;
    struct hash digest;
    enum err err = frontier_decode(c->read->unpack, notice->body, &frontier, clause);
    if (err == ERR_OK) {
        err = check_signed(c, SIGN_FRONTIER, notice, &frontier.node);
    }
    if (err == ERR_OK) {
        hash_of(HASH_HEADS, heads, &digest);
        err = hash_equal(&digest, &frontier.heads_digest) ? ERR_OK : ERR_BADHASH;
    }
    return err;
}

static enum err check_fork_proof(struct check *c, const struct notice *notice, const char **clause)
{
    struct fork_proof proof;
    struct birth birth;
    struct log_id log;
    uint64_t seq;
    const struct sign_public *key;
    enum err err = fork_proof_decode(c->read->unpack, notice->body, &proof, clause);
    if (err == ERR_OK) {
        err = birth_peek(c->read->unpack, proof.birth, &birth, &log, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    err = ERR_UNKNOWN_KEY;
    for (size_t i = 0; (key = membership_identity_at(c->membership, &birth.node, i)) != NULL; i++) {
        err = fork_proof_check(c->read->unpack, &proof, &c->read->store->region, key, c->check, &log, &seq, clause);
        if (err == ERR_OK) {
            break;
        }
    }
    return err;
}

static bool check_notice(void *arg, const struct notice_ref *ref, struct span bytes, struct span heads)
{
    static const char *const names[] = {"", "charter", "roster", "act", "card", "frontier", "fork proof"};
    struct check *c = arg;
    struct notice notice;
    struct notice_ref own = {.kind = ref->kind};
    struct hash hash;
    struct card card;
    const char *clause = NULL;
    char subject[2 * sizeof ref->subject + 1];
    enum err err = notice_decode(c->read->unpack, bytes, &notice, &clause);
    if (err == ERR_OK && notice.kind != ref->kind) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        hash_of(HASH_NOTICE, notice.body, &hash);
        err = memcmp(hash.b, ref->hash, sizeof ref->hash) == 0 ? ERR_OK : ERR_BADHASH;
    }
    if (err == ERR_OK) {
        switch (ref->kind) {
        case NOTICE_CHARTER:
        case NOTICE_ROSTER:
        case NOTICE_ACT:
            err = membership_check(c->membership, c->read->unpack, &notice, c->check, &own, &clause);
            break;
        case NOTICE_CARD:
            err = card_decode(c->read->unpack, notice.body, &card, &clause);
            err = err != ERR_OK ? err : check_signed(c, SIGN_CARD, &notice, &card.node);
            break;
        case NOTICE_FRONTIER:
            err = check_frontier(c, &notice, heads, &clause);
            break;
        case NOTICE_FORK_PROOF:
            err = check_fork_proof(c, &notice, &clause);
            break;
        }
    }
    if (err != ERR_OK) {
        fault(c, err, "%s of %s, counter %llu: %s", names[ref->kind], hex_encode(ref->subject, sizeof ref->subject, subject),
              (unsigned long long)ref->counter, clause == NULL ? err_text(err) : clause);
    }
    return true;
}

/* ---- the audit trail ---- */

static void audit_fault(void *arg, enum err err, uint64_t row, const char *what)
{
    (void)row;
    fault(arg, err, "audit trail: %s", what);
}

/* ---- the whole ---- */

enum err store_fsck(struct store_read *read, signature_check check, struct fsck_report *report)
{
    struct check c = {.read = read, .check = check, .report = report};
    report->commits = 0;
    report->faults = 0;
    enum err err = membership_load(&read->txn, &read->store->region, check, &c.membership);
    if (err != ERR_OK) {
        return err;
    }
    c.log_count = log_last(&read->txn);
    uint64_t logs = kv_count(&read->txn, TABLE_LOGS), rows = kv_count(&read->txn, TABLE_COMMITS);
    uint64_t total = c.total = rows > logs ? rows - logs : 0; /* births are no commits here */
    c.followed = calloc((size_t)c.log_count + 1, sizeof *c.followed);
    if (c.followed == NULL) {
        membership_destroy(&c.membership);
        return ERR_MEMORY;
    }
    if (kv_count(&read->txn, TABLE_LOG_IDS) != logs) {
        fault(&c, ERR_CORRUPT, "log ids: there are not as many as logs");
    }
    for (uint32_t number = 1; number <= c.log_count; number++) {
        check_log(&c, number);
    }
    check_orders(&c);
    check_journal(&c);
    if (store_asides(read, 0, check_aside, &c) != ERR_OK) {
        fault(&c, ERR_CORRUPT, "what was set aside: a row is damaged");
    }
    if (keys_each(&read->txn, check_key_row, &c) != ERR_OK) {
        fault(&c, ERR_CORRUPT, "keys: a row is damaged");
    }
    if (store_notices(read, check_notice, &c) != ERR_OK) {
        fault(&c, ERR_CORRUPT, "notices: a key is damaged");
    }
    struct audit_report audit = {.fault = audit_fault, .arg = &c};
    err = audit_verify(read, &audit);
    if (report->progress != NULL) {
        report->progress(report->arg, report->commits, total);
    }
    free(c.followed);
    membership_destroy(&c.membership);
    if (err == ERR_MEMORY) {
        return err;
    }
    if (read->txn.err != ERR_OK) {
        return read->txn.err;
    }
    return report->faults == 0 ? ERR_OK : ERR_CORRUPT;
}

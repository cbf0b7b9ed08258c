#include "store/author.h"

#include <assert.h>
#include <stdlib.h>

#include "store/keys.h"
#include "store/opener.h"
#include "store/sender.h"

enum err author_new(struct store *store, struct keyring *keyring, const struct secret *identity, struct author **ret)
{
    struct author *author = calloc(1, sizeof *author);
    if (author == NULL) {
        return ERR_MEMORY;
    }
    author->store = store;
    author->keyring = keyring;
    author->identity = identity;
    author->generation = store->generation;
    author->commit = calloc(1, sizeof *author->commit);
    author->reduced = malloc(COMMIT_REDUCED_BYTES_MAX);
    author->packed = malloc(PACKED_BYTES_MAX);
    author->sealed = malloc(COMMIT_BYTES_MAX);
    author->senders = senders_new();
    enum err err = author->commit == NULL || author->reduced == NULL || author->packed == NULL || author->sealed == NULL || author->senders == NULL
                       ? ERR_MEMORY
                       : opener_new(store, keyring, &author->opener);
    if (err != ERR_OK) {
        author_destroy(&author);
        return err;
    }
    *ret = author;
    return ERR_OK;
}

void author_destroy(struct author **author)
{
    if (*author == NULL) {
        return;
    }
    for (size_t i = 0; i < CHANNEL_COUNT; i++) {
        secret_destroy(&(*author)->slots[i].key);
    }
    senders_destroy(&(*author)->senders);
    opener_destroy(&(*author)->opener);
    free((*author)->commit);
    free((*author)->sealed);
    free((*author)->reduced);
    free((*author)->packed);
    free(*author);
    *author = NULL;
}

void log_key_name(const struct log_id *log, char ret[KEY_NAME_LOG_BYTES])
{
    memcpy(ret, "log-", 4);
    (void)hex_encode(log->b, sizeof log->b, ret + 4);
}

/* ---- which log is open ---- */

/* Our logs of one channel that no birth of ours closes, newest last; at most BIRTH_CLOSED_MAX, the newest. */
struct unclosed {
    struct log_id logs[BIRTH_CLOSED_MAX];
    uint32_t count;
};

static void unclosed_drop(struct unclosed *unclosed, const struct log_id *log)
{
    for (uint32_t i = 0; i < unclosed->count; i++) {
        if (log_id_compare(&unclosed->logs[i], log) == 0) {
            memmove(&unclosed->logs[i], &unclosed->logs[i + 1], (unclosed->count - i - 1) * sizeof *unclosed->logs);
            unclosed->count--;
            return;
        }
    }
}

static void unclosed_add(struct unclosed *unclosed, const struct log_id *log)
{
    if (unclosed->count == BIRTH_CLOSED_MAX) {
        unclosed_drop(unclosed, &unclosed->logs[0]);
    }
    unclosed->logs[unclosed->count++] = *log;
}

/* A birth closes only what came before it, so one walk in order of numbers finds what is open; and drops the keys of what is closed. */
static enum err unclosed_find(struct author *author, enum channel channel, struct unclosed *ret)
{
    struct store *store = author->store;
    struct birth birth;
    struct commit_row row;
    const char *clause = NULL;
    ret->count = 0;
    for (uint32_t number = 1; number <= store->log_count; number++) {
        const struct log *log = log_at(store, number);
        if (log == NULL) {
            return store->txn.err;
        }
        if (!node_id_equal(&log->chain.node, &store->self) || log->chain.channel != channel) {
            continue;
        }
        enum err err = commit_row_get(&store->txn, number, 0, &row);
        if (err == ERR_OK) {
            err = birth_decode(store->unpack, row.body, &birth, NULL, &clause);
        }
        if (err != ERR_OK) {
            return err == ERR_MEMORY ? err : ERR_CORRUPT;
        }
        for (uint32_t i = 0; i < birth.closed_count; i++) {
            char name[KEY_NAME_LOG_BYTES];
            unclosed_drop(ret, &birth.closed[i]);
            log_key_name(&birth.closed[i], name);
            if (keyring_remove(author->keyring, name) != ERR_OK) {
                continue; /* it signs nothing any more; the next start tries again */
            }
        }
        unclosed_add(ret, &log->chain.log);
    }
    return ERR_OK;
}

/* The key of a log of ours: ERR_NOT_FOUND when it is lost, so that only a new incarnation helps. */
static enum err key_load(const struct author *author, const struct log *log, struct secret **ret)
{
    char name[KEY_NAME_LOG_BYTES];
    struct secret *key = NULL;
    struct sign_public public;
    log_key_name(&log->chain.log, name);
    enum err err = keyring_get(author->keyring, name, &key);
    if (err == ERR_CORRUPT) {
        return ERR_NOT_FOUND;
    }
    if (err != ERR_OK) {
        return err;
    }
    sign_public_of(key, &public);
    if (memcmp(public.b, log->chain.key.b, sizeof public.b) != 0) {
        secret_destroy(&key);
        return ERR_NOT_FOUND;
    }
    *ret = key;
    return ERR_OK;
}

/* ---- births ---- */

/* Open a new incarnation that closes what is open. The key is durable before the birth is: a birth without its key would be a log that nobody
 * can continue, a key without its birth is only a file. */
static enum err incarnate(struct author *author, enum channel channel, const struct unclosed *unclosed)
{
    struct store *store = author->store;
    struct slot *slot = &author->slots[channel];
    struct birth birth = {
        .version = FORMAT_VERSION, .region = store->region, .node = store->self, .channel = channel, .closed_count = unclosed->count};
    uint8_t canonical_mem[BIRTH_BYTES_MAX], mem[BIRTH_BYTES_MAX];
    struct out canonical = out_into(canonical_mem, sizeof canonical_mem), bytes = out_into(mem, sizeof mem);
    struct sign_public identity;
    struct chain chain = {.region = store->region, .node = store->self, .channel = channel};
    struct secret *key = NULL;
    struct log *log = NULL;
    char name[KEY_NAME_LOG_BYTES];
    memcpy(birth.closed, unclosed->logs, sizeof birth.closed);
    enum err err = sign_keypair(&birth.key, &key);
    if (err != ERR_OK) {
        return err;
    }
    random_fill(birth.random, sizeof birth.random);
    birth_canonical(&birth, &canonical);
    sign_make(SIGN_BIRTH, &store->region, out_written(&canonical), author->identity, &birth.signature);
    birth_encode(&birth, &bytes);
    assert(!canonical.is_full && !bytes.is_full);
    hash_of(HASH_BIRTH, out_written(&canonical), &chain.hash);
    memcpy(chain.log.b, chain.hash.b, sizeof chain.log.b);
    chain.key = birth.key;
    log_key_name(&chain.log, name);
    err = keyring_put(author->keyring, name, key, false);
    if (err == ERR_OK) {
        sign_public_of(author->identity, &identity);
        err = log_begin(store, &chain, &identity, out_written(&bytes), &log);
    }
    if (err == ERR_OK) {
        log_end_update(store, log);
    }
    if (err != ERR_OK) {
        secret_destroy(&key);
        return err;
    }
    secret_destroy(&slot->key);
    *slot = (struct slot){.key = key, .log = chain.log};
    author->born[channel] = chain.log;
    return ERR_OK;
}

/* May the next commit go there? A fork or a cut ends a log, but for a suspension: it may be lifted, and until then what a node writes is kept here, beyond the cut. */
static bool is_continued(struct store *store, const struct log *log)
{
    const struct membership *membership = log->end_seq == LOG_OPEN_END ? NULL : membership_now(store);
    return log->end_seq == LOG_OPEN_END || (log->fork_seq == 0 && membership != NULL && membership_is_suspended(membership, &store->self));
}

enum err slot_open(struct author *author, enum channel channel, struct log **ret)
{
    struct store *store = author->store;
    struct slot *slot = &author->slots[channel];
    struct unclosed unclosed;
    if (author->generation != store->generation) { /* a birth of ours may not have been committed */
        for (size_t i = 0; i < CHANNEL_COUNT; i++) {
            secret_destroy(&author->slots[i].key);
            author->slots[i].is_marked = false;
        }
        author->generation = store->generation;
    }
    if (slot->key != NULL) {
        struct log *log = log_find(store, &slot->log);
        if (log == NULL) {
            return store->txn.err != ERR_OK ? store->txn.err : ERR_CORRUPT;
        }
        if (!slot->is_closing && is_continued(store, log)) {
            *ret = log;
            return ERR_OK;
        }
    }
    enum err err = unclosed_find(author, channel, &unclosed);
    if (err != ERR_OK) {
        return err;
    }
    if (unclosed.count > 0 && !slot->is_closing) {
        struct log *log = log_find(store, &unclosed.logs[unclosed.count - 1]);
        struct secret *key = NULL;
        err = log == NULL ? store->txn.err : is_continued(store, log) ? key_load(author, log, &key) : ERR_NOT_FOUND;
        if (err == ERR_OK) {
            secret_destroy(&slot->key);
            *slot = (struct slot){.key = key, .log = log->chain.log};
            *ret = log;
        }
        if (err != ERR_NOT_FOUND) {
            return err;
        }
    }
    err = incarnate(author, channel, &unclosed);
    if (err == ERR_OK) {
        *ret = log_find(store, &slot->log);
    }
    return err;
}

struct closing {
    struct author *author;
    enum channel channel;
    enum err err;
};

static bool close_log(void *arg, const struct log_info *log)
{
    struct closing *c = arg;
    char name[KEY_NAME_LOG_BYTES];
    if (node_id_equal(&log->node, &c->author->store->self) && log->channel == c->channel) {
        log_key_name(&log->head.log, name);
        c->err = keyring_remove(c->author->keyring, name);
    }
    return c->err == ERR_OK;
}

/* Without their keys the logs of the channel stay closed, also when we stop before the next append. */
enum err author_reincarnate(struct author *author, enum channel channel)
{
    struct slot *slot = &author->slots[channel];
    struct closing closing = {author, channel, ERR_OK};
    struct store_read *read = NULL;
    char name[KEY_NAME_LOG_BYTES];
    slot->is_closing = true;
    enum err err = store_read_begin(author->store, &read);
    if (err == ERR_OK) {
        err = store_logs(read, close_log, &closing);
        store_read_end(&read);
    }
    if (err == ERR_OK) {
        err = closing.err;
    }
    if (err == ERR_OK && slot->key != NULL) { /* its birth may not be committed yet */
        log_key_name(&slot->log, name);
        err = keyring_remove(author->keyring, name);
    }
    return err;
}

/* ---- commits ---- */

static const struct audience *audience_of(const struct payload *payload)
{
#ifdef GRIOT_WITHOUT_T17_SEAL
    (void)payload;
    return NULL;
#else
    return payload->audience;
#endif
}

/* The inner form of one entry into what is left of the commit; its stored length, or 0: it is full, or the key for its audience is not at hand. */
static size_t fill_sealed(struct author *author, const struct log *log, const struct payload *payload, struct wall_ms now, uint32_t n, size_t used)
{
    const struct sealed inner = {payload->kind, payload->flags, payload->bytes};
    size_t room = COMMIT_BYTES_MAX - used - (size_t)n * ENTRY_COST_BYTES;
    if (room < ENTRY_COST_BYTES + SEALED_AROUND_BYTES) {
        return 0;
    }
    room -= ENTRY_COST_BYTES + SEALED_AROUND_BYTES;
    struct out out = out_into(author->sealed + used + SEALED_NONCE_BYTES, room < SEALED_INNER_BYTES_MAX ? room : SEALED_INNER_BYTES_MAX);
    author->sender_of[n] = n > 0 && payload[-1].audience == payload->audience ? author->sender_of[n - 1]
                                                                              : sender_find(author, log, payload->audience, now);
    if (author->sender_of[n] == NULL || sealed_write(author->store->packer, &inner, &out) != ERR_OK) {
        return 0;
    }
    return out.at + SEALED_AROUND_BYTES;
}

/* How many of the payloads fit one commit, and fill in its entries. Sealed ones go as far as their keys are at hand. */
static uint32_t fill(struct author *author, const struct log *log, const struct payload *payloads, size_t count, struct wall_ms now)
{
    struct commit *commit = author->commit;
    size_t used = 0; /* bytes of payloads; sealed ones stand there in author->sealed */
    uint32_t n = 0;
    bool is_sealing = false;
    while (n < count && n < COMMIT_ENTRIES_MAX) {
        const struct payload *payload = &payloads[n];
        bool is_sealed = audience_of(payload) != NULL;
        size_t length = is_sealed ? fill_sealed(author, log, payload, now, n, used) : payload->bytes.n;
        if ((is_sealed && length == 0) || used + length + (size_t)(n + 1) * ENTRY_COST_BYTES > COMMIT_BYTES_MAX) {
            break;
        }
        commit->entries[n] = (struct entry){.leaf = {.kind = payload->kind,
                                                     .flags = payload->flags,
                                                     .codec = CODEC_PLAIN,
                                                     .expiry_day = payload->expiry_day,
                                                     .length = (uint32_t)length},
                                            .has_payload = true,
                                            .payload = is_sealed ? span_of(author->sealed + used, length) : payload->bytes};
        if (!is_sealed) {
            author->sender_of[n] = NULL;
        }
        is_sealing = is_sealing || is_sealed;
        used += length;
        n++;
    }
    commit->entry_count = n;
    random_fill(author->salts, n * sizeof author->salts[0]);
    if (is_sealing) {
        random_fill(author->nonces, n * sizeof author->nonces[0]);
    }
    used = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct entry *entry = &commit->entries[i];
        memcpy(entry->salt, author->salts[i], SALT_BYTES);
        if (author->sender_of[i] != NULL) {
            sender_seal(author, author->sender_of[i], author->nonces[i], author->sealed + used, entry->payload.n - SEALED_AROUND_BYTES, &entry->leaf);
        }
        used += entry->payload.n;
    }
    return n;
}

static bool is_mostly_sealed(const struct commit *commit)
{
    size_t sealed = 0, all = 0;
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        size_t length = commit->entries[i].leaf.length;
        all += length;
        sealed += commit->entries[i].leaf.codec == CODEC_SEALED ? length : 0;
    }
    return sealed * 4 > all * 3;
}

enum err append_one(struct author *author, struct log *log, const struct secret *key, struct wall_ms now, uint64_t roster_number,
                    struct hash *ret_content)
{
    struct commit *commit = author->commit;
    struct chain after = log->chain;
    struct slot *slot = &author->slots[after.channel];
    if (!author->is_released && !slot->is_marked) {
        unsent_mark(author->store, log->number, after.seq + 1);
        slot->is_marked = true;
    }
    struct out reduced = out_into(author->reduced, COMMIT_REDUCED_BYTES_MAX);
    struct out packed = out_into(author->packed, PACKED_BYTES_MAX);
    commit->author_time = now;
    commit->roster_version = roster_number > after.roster_version ? roster_number : after.roster_version;
    commit_author(&after, commit, key);
    bool is_less = false;
    const char *clause = NULL;
    enum err err = erase_sift(author->store, &after.node, log->number, commit, &is_less, &clause); /* what is issued again may have been erased */
    if (err != ERR_OK) {
        return err;
    }
    commit_reduced(commit, &reduced);
    if (reduced.is_full) {
        return ERR_OVERSIZE;
    }
    err = is_mostly_sealed(commit) ? commit_pack_quick(author->store->packer, out_written(&reduced), &packed)
                                   : commit_pack(author->store->packer, out_written(&reduced), &packed);
    if (err != ERR_OK) {
        return err;
    }
    log_append(author->store, log, &after, out_written(&packed));
    erased_take(author->store, log, after.seq, commit);
    expiry_note(author->store, log->number, commit);
    keys_note(author->store, log, commit);
    for (uint32_t i = 0; i < commit->entry_count && ret_content != NULL; i++) {
        ret_content[i] = commit->entries[i].leaf.content;
    }
    return author->store->txn.err;
}

/* Could the payload be appended, whatever stands beside it? */
static enum err payload_check(struct author *author, const struct payload *payload, const struct audience *before)
{
    enum { SURE_BYTES = SEALED_INNER_BYTES_MAX - 18 }; /* the most that the inner form adds to what does not compress */
    const struct audience *audience = audience_of(payload);
    if (payload->bytes.n > PAYLOAD_BYTES_MAX) {
        return ERR_OVERSIZE;
    }
    enum err err = audience == NULL || audience == before ? ERR_OK : sender_audience_check(author, audience);
    if (err == ERR_OK && audience != NULL && payload->bytes.n > SURE_BYTES) {
        const struct sealed inner = {payload->kind, payload->flags, payload->bytes};
        struct out out = out_into(author->sealed, SEALED_INNER_BYTES_MAX);
        err = sealed_write(author->store->packer, &inner, &out);
    }
    return err;
}

enum err author_append(struct author *author, enum channel channel, const struct payload *payloads, size_t count, struct wall_ms now,
                       uint64_t roster_number, struct hash *ret_content, struct head *ret_head)
{
    struct store *store = author->store;
    struct log *log = NULL;
    assert(store->is_writing && (unsigned)channel < CHANNEL_COUNT && count > 0);
    for (size_t i = 0; i < count; i++) {
        enum err err = payload_check(author, &payloads[i], i == 0 ? NULL : payloads[i - 1].audience);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (store->txn.err != ERR_OK) {
        return store->txn.err;
    }
    enum err err = slot_open(author, channel, &log);
    for (size_t done = 0; done < count && err == ERR_OK;) {
        struct sender *sender;
        if (audience_of(&payloads[done]) != NULL && sender_find(author, log, payloads[done].audience, now) == NULL) {
            err = sender_get(author, log, payloads[done].audience, now, roster_number, &sender);
        }
        if (err == ERR_OK) {
            uint32_t n = fill(author, log, payloads + done, count - done, now);
            assert(n > 0); /* each payload fits a commit, and its key is at hand */
            err = append_one(author, log, author->slots[channel].key, now, roster_number, ret_content == NULL ? NULL : ret_content + done);
            done += n;
        }
    }
    if (err == ERR_OK) {
        err = erase_search(store);
    }
    if (err == ERR_OK) {
        err = log_head(&store->txn, log, ret_head); /* as far as it counts */
    }
    if (err != ERR_OK && store->txn.err == ERR_OK) {
        store->txn.err = err; /* a part of it must not become durable, whatever the error is called: of a key file too */
    }
    return err;
}

enum err author_open(struct author *author, const struct entry *entry, uint8_t *scratch, struct sealed *ret)
{
    return opener_open_writing(author->opener, &author->store->self, entry, scratch, ret);
}

#include "node/missing.h"

#include "proto/ids.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAMED_MAX = 64,         /* of one record: more would be the work of a machine */
    KNOWN_MAX = 4096,       /* versions that are here and compared */
    COMMITS_MAX = 4096,     /* looked at for all that is named */
    WAITING_MAX = 4096,     /* groups of sealed entries that wait for a key, of one author */
};

struct named {
    struct hash version;
    const char *why; /* NULL: not found among what is sealed */
};

struct missing {
    struct store *store;
    struct opener *opener;
    struct node_id author;
    size_t known_count, named_count, waiting_count;
    struct hash known[KNOWN_MAX];
    struct named named[NAMED_MAX];
    struct views_sealed waiting[WAITING_MAX];
    struct commit commit;
};

struct missing *missing_new(struct store *store, struct opener *opener)
{
    struct missing *missing = malloc(sizeof *missing);
    if (missing != NULL) {
        missing->store = store;
        missing->opener = opener;
        missing->known_count = missing->named_count = missing->waiting_count = 0;
    }
    return missing;
}

void missing_destroy(struct missing **missing)
{
    free(*missing);
    *missing = NULL;
}

void missing_note(struct missing *missing, const struct version *version, const struct record *record)
{
    missing->author = version->author;
    if (missing->known_count < KNOWN_MAX) {
        missing->known[missing->known_count++] = version->content;
    }
    for (uint32_t i = 0; record != NULL && i < record->replaces_count && missing->named_count < NAMED_MAX; i++) {
        bool is_new = true;
        for (size_t j = 0; j < missing->named_count && is_new; j++) {
            is_new = !hash_equal(&missing->named[j].version, &record->replaces[i]);
        }
        if (is_new) {
            missing->named[missing->named_count++] = (struct named){.version = record->replaces[i]};
        }
    }
}

static const char *word_of(enum err err)
{
    return err == ERR_NOT_FOUND ? "no key yet" : err == ERR_PERMISSION ? "not entitled" : err == ERR_UNKNOWN_KEY ? "key lost" : "damaged";
}

const char *missing_payload(struct missing *missing, const struct version *version)
{
    struct store_read *read;
    enum err err = ERR_OK;
    if (version->payload.n > 0) {
        return NULL;
    }
    if (version->is_sealed && store_read_begin(missing->store, &read) == ERR_OK) {
        err = opener_key(missing->opener, read, &version->author, &version->key_id, OPENER_NOW);
        store_read_end(&read);
    }
    return err == ERR_OK ? "not fetched" : word_of(err);
}

/* ---- what is named and not here ---- */

static void drop_known(struct missing *missing)
{
    size_t kept = 0;
    for (size_t i = 0; i < missing->named_count; i++) {
        bool is_known = false;
        for (size_t j = 0; j < missing->known_count && !is_known; j++) {
            is_known = hash_equal(&missing->named[i].version, &missing->known[j]);
        }
        if (!is_known) {
            missing->named[kept++] = missing->named[i];
        }
    }
    missing->named_count = kept;
}

static bool take_waiting(void *arg, const struct views_sealed *sealed)
{
    struct missing *missing = arg;
    if (node_id_equal(&sealed->author, &missing->author)) {
        missing->waiting[missing->waiting_count++] = *sealed;
    }
    return missing->waiting_count < WAITING_MAX;
}

/* Is anything that is named sealed in this commit? */
static void look_in(struct missing *missing, const struct views_sealed *waiting)
{
    for (uint32_t i = 0; i < missing->commit.entry_count; i++) {
        const struct entry *entry = &missing->commit.entries[i];
        if (!entry_is_sealed(entry) || memcmp(entry->leaf.audience, waiting->key_id.b, sizeof waiting->key_id.b) != 0) {
            continue;
        }
        for (size_t j = 0; j < missing->named_count; j++) {
            if (hash_equal(&missing->named[j].version, &entry->leaf.content)) {
                missing->named[j].why = word_of(waiting->why);
            }
        }
    }
}

static bool is_all_found(const struct missing *missing)
{
    bool is_found = true;
    for (size_t i = 0; i < missing->named_count; i++) {
        is_found = is_found && missing->named[i].why != NULL;
    }
    return is_found;
}

/* The newest first: what is replaced was mostly written not long before. */
static enum err look(struct missing *missing, struct store_read *read)
{
    uint32_t left = COMMITS_MAX;
    enum err err = ERR_OK;
    for (size_t i = missing->waiting_count; i-- > 0 && left > 0 && err == ERR_OK;) {
        const struct views_sealed *waiting = &missing->waiting[i];
        for (uint64_t seq = waiting->last_seq; seq >= waiting->first_seq && seq > 0 && left > 0 && err == ERR_OK && !is_all_found(missing); seq--, left--) {
            struct hash hash;
            err = store_commit_at(read, waiting->log_number, seq, &missing->commit, &hash);
            if (err == ERR_OK) {
                look_in(missing, waiting);
            }
            err = err == ERR_NOT_FOUND ? ERR_OK : err; /* taken back since */
        }
    }
    return err;
}

enum err missing_json(struct missing *missing, struct views_read *read, json_t **ret)
{
    struct store_read *log;
    json_t *rows = json_array();
    enum err err = ERR_OK;
    drop_known(missing);
    if (missing->named_count > 0) {
        err = views_sealed(read, take_waiting, missing);
    }
    if (err == ERR_OK && missing->waiting_count > 0) {
        err = store_read_begin(missing->store, &log);
        if (err == ERR_OK) {
            err = look(missing, log);
            store_read_end(&log);
        }
    }
    for (size_t i = 0; i < missing->named_count && err == ERR_OK; i++) {
        char hex[2 * sizeof(struct hash) + 1];
        const char *why = missing->named[i].why;
        json_array_append_new(rows, json_pack("{s:s, s:s}", "version", hex_encode(missing->named[i].version.b, sizeof missing->named[i].version.b, hex), "why",
                                              why != NULL ? why : "not fetched"));
    }
    if (err != ERR_OK) {
        json_decref(rows);
        return err;
    }
    *ret = rows;
    return ERR_OK;
}

#include "node/unopened.h"

#include <stdlib.h>
#include <string.h>

enum {
    COMMITS_MAX = 4096, /* looked at for one answer: some tens of milliseconds */
    WAITING_MAX = 4096, /* groups of sealed entries of one author */
};

struct unopened {
    struct node_id author; /* whose groups these are */
    bool has_author;
    size_t count;
    uint32_t left; /* commits that may still be looked at */
    struct views_sealed waiting[WAITING_MAX];
    struct commit commit;
};

struct unopened *unopened_new(void)
{
    struct unopened *unopened = malloc(sizeof *unopened); /* large, and written before it is read */
    if (unopened != NULL) {
        unopened->has_author = false;
        unopened->count = 0;
        unopened->left = COMMITS_MAX;
    }
    return unopened;
}

void unopened_destroy(struct unopened **unopened)
{
    free(*unopened);
    *unopened = NULL;
}

const char *unopened_word(enum err err)
{
    return err == ERR_NOT_FOUND ? "no key yet" : err == ERR_PERMISSION ? "not entitled" : err == ERR_UNKNOWN_KEY ? "key lost" : "damaged";
}

static bool take_waiting(void *arg, const struct views_sealed *sealed)
{
    struct unopened *unopened = arg;
    if (node_id_equal(&sealed->author, &unopened->author)) {
        unopened->waiting[unopened->count++] = *sealed;
    }
    return unopened->count < WAITING_MAX;
}

static bool is_in(const struct commit *commit, const struct hash *key_id, const struct hash *content)
{
    bool is_found = false;
    for (uint32_t i = 0; i < commit->entry_count && !is_found; i++) {
        const struct entry *entry = &commit->entries[i];
        is_found = entry_is_sealed(entry) && memcmp(entry->leaf.audience, key_id->b, sizeof key_id->b) == 0 && hash_equal(&entry->leaf.content, content);
    }
    return is_found;
}

const char *unopened_find(struct unopened *unopened, struct views_read *views, struct store_read *read, const struct node_id *author, const struct hash *content)
{
    if (!unopened->has_author || !node_id_equal(author, &unopened->author)) {
        unopened->author = *author;
        unopened->count = 0;
        unopened->has_author = views_sealed(views, take_waiting, unopened) == ERR_OK;
    }
    for (size_t i = 0; i < unopened->count; i++) {
        const struct views_sealed *waiting = &unopened->waiting[i];
        /* The newest first: what is replaced was mostly written not long before. */
        for (uint64_t seq = waiting->last_seq; seq > 0 && seq >= waiting->first_seq && unopened->left > 0; seq--, unopened->left--) {
            struct hash hash;
            if (store_commit_at(read, waiting->log_number, seq, &unopened->commit, &hash) == ERR_OK && is_in(&unopened->commit, &waiting->key_id, content)) {
                return unopened_word(waiting->why);
            }
        }
    }
    return NULL;
}

/* author.h - our own logs, as author.c and unsent.c share them. Nobody else includes it: store.h is the door. */
#ifndef GRIOT_STORE_AUTHOR_H
#define GRIOT_STORE_AUTHOR_H

#include "store/env.h"

struct senders; /* sender.h */
struct sender;
struct opener;

enum { KEY_NAME_LOG_BYTES = 4 + 64 + 1 }; /* "log-" and the log id in hex */

/* One channel's open log. */
struct slot {
    struct secret *key; /* NULL: to be looked for at the next append */
    struct log_id log;
    bool is_closing; /* the next append opens a new incarnation */
    bool is_marked;  /* its first unsent commit is marked already */
};

struct author {
    struct store *store;
    struct keyring *keyring;
    const struct secret *identity;
    struct slot slots[CHANNEL_COUNT];
    uint64_t generation; /* of the store when the slots were looked at */
    bool is_released;    /* what is appended from now on may leave at once: it is not marked */
    struct log_id born[CHANNEL_COUNT]; /* the last log of each channel that was begun in this author's life; zeros: none */
    struct commit *commit;
    uint8_t *reduced, *packed;
    uint8_t salts[COMMIT_ENTRIES_MAX][SALT_BYTES];
    struct opener *opener;   /* opens what we have sealed, also our own sender keys after a restart */
    struct senders *senders; /* the keys under which we seal */
    uint8_t *sealed;         /* payloads of one commit, COMMIT_BYTES_MAX */
    uint8_t nonces[COMMIT_ENTRIES_MAX][24]; /* drawn together with the salts */
    struct sender *sender_of[COMMIT_ENTRIES_MAX]; /* of one commit: who seals each entry, NULL: plain */
};

void log_key_name(const struct log_id *log, char ret[KEY_NAME_LOG_BYTES]);
/* Find the channel's open log and its key, or open one; the slot has both then. Errors of author_append. */
MUST_CHECK enum err slot_open(struct author *author, enum channel channel, struct log **ret);
/* Sign author->commit's entries as the next commit of an open log and append it, marked when it is the first that has not left.
 * `ret_content` may be NULL. Errors of author_append. */
MUST_CHECK enum err append_one(struct author *author, struct log *log, const struct secret *key, struct wall_ms now, uint64_t roster_number,
                               struct hash *ret_content);

#endif

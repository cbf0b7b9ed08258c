/* audit.h - who asks, and what of it goes into the trail (store/audit.h). What people typed is kept only sealed for the auditor; nothing of a record's content is kept. */
#ifndef GRIOT_NODE_AUDIT_H
#define GRIOT_NODE_AUDIT_H

#include "crypto/letter.h"
#include "node/writer.h"
#include "store/audit.h"

#include <sys/types.h>

struct person {
    uint32_t uid;
    char login[AUDIT_LOGIN_BYTES_MAX + 1]; /* of the session, where the kernel keeps it (a person who became the service's user stays himself); else of the uid; may be empty */
};
/* Of a process at the other end of a socket, as the kernel names it. May ask the directory of users: not in a thread that others wait for. */
void person_of(pid_t pid, uid_t uid, struct person *ret);
void person_self(struct person *ret);

/* The row of one request, in the making. */
struct audit_note {
    struct audit_entry entry;
    uint8_t typed[LETTER_BYTES_MAX];
    bool is_wanted;  /* false: nothing that has to be written has come up so far */
    bool is_guarded; /* the answer holds what must not be seen unwritten, also on a full disk */
    bool is_written; /* with the change itself */
    /* Called with the change's argument after it has gone well and before the row is appended; may be called again. NULL: nothing to add. */
    void (*describe)(struct audit_note *note, const void *change_arg);
};
void audit_note_init(struct audit_note *note, const struct home *home, const struct person *person, uint32_t action);
/* Only the first ones are kept, counted is what the caller counts. */
void audit_note_subject(struct audit_note *note, const void *id, size_t n);
void audit_note_count(struct audit_note *note, uint64_t count);
/* Forget subjects and counts. */
void audit_note_clear(struct audit_note *note);
/* Seal what was typed, for the auditor that the configuration names, else for this node.
 *   errors  ERR_CONFIG  nobody can hold the secret of the auditor's key; ERR_MEMORY */
MUST_CHECK enum err audit_note_typed(struct audit_note *note, const struct home *home, const char *text);

/* The writer_change that appends the row `arg` points to. */
MUST_CHECK enum err audit_note_append(struct writer *writer, void *note);
/* One row by itself, where no core runs: start and stop. Errors of store_begin_small and store_commit. */
MUST_CHECK enum err audit_write(struct store *store, const struct audit_entry *entry);
/* Inside the open transaction: begin a new life when the home has come back from an older state. `is_known`: it has, whatever the trail says. */
MUST_CHECK enum err audit_settle(struct writer *writer, bool is_known);

/* Open what was typed, with the keys of this home. Yours: at most LETTER_TEXT_BYTES_MAX bytes.
 *   errors  ERR_PERMISSION  sealed for somebody else; ERR_BADSIG, ERR_MALFORMED  damaged; ERR_MEMORY, ERR_IO */
MUST_CHECK enum err audit_open(const struct home *home, struct span letter, uint8_t ret[LETTER_TEXT_BYTES_MAX], size_t *ret_bytes);

#endif

#include "node/audit.h"

#include "crypto/hash.h"
#include "crypto/sign.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { USER_BYTES_MAX = 16384, ENCRYPTION_KEYS_MAX = 10000, COMMIT_TRIES_MAX = 4 };
static const uint32_t no_session = UINT32_MAX; /* /proc/PID/loginuid of a process that nobody logged in for */

/* ---- who ---- */

/* A name that may be printed anywhere. */
static void login_take(const char *name, char ret[AUDIT_LOGIN_BYTES_MAX + 1])
{
    size_t n = strnlen(name, AUDIT_LOGIN_BYTES_MAX + 1);
    bool is_plain = n > 0 && n <= AUDIT_LOGIN_BYTES_MAX;
    for (size_t i = 0; i < n && is_plain; i++) {
        is_plain = name[i] > ' ' && name[i] < 0x7f;
    }
    (void)snprintf(ret, AUDIT_LOGIN_BYTES_MAX + 1, "%s", is_plain ? name : "");
}

static void login_of(uid_t uid, char ret[AUDIT_LOGIN_BYTES_MAX + 1])
{
    struct passwd user, *found = NULL;
    char *memory = malloc(USER_BYTES_MAX);
    ret[0] = '\0';
    if (memory != NULL && getpwuid_r(uid, &user, memory, USER_BYTES_MAX, &found) == 0 && found != NULL) {
        login_take(found->pw_name, ret);
    }
    free(memory);
}

static uint32_t session_of(pid_t pid)
{
    char path[64];
    unsigned long uid = no_session;
    (void)snprintf(path, sizeof path, "/proc/%ld/loginuid", (long)pid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fscanf(file, "%lu", &uid) != 1 || uid > UINT32_MAX) {
            uid = no_session;
        }
        (void)fclose(file);
    }
    return (uint32_t)uid;
}

void person_of(pid_t pid, uid_t uid, struct person *ret)
{
    uint32_t session = session_of(pid);
    *ret = (struct person){.uid = uid};
    login_of(session != no_session ? (uid_t)session : uid, ret->login);
}

void person_self(struct person *ret) { person_of(getpid(), getuid(), ret); }

/* ---- a row in the making ---- */

void audit_note_init(struct audit_note *note, const struct home *home, const struct person *person, uint32_t action)
{
    memset(note, 0, sizeof *note);
    note->is_wanted = true;
    note->entry.action = action;
    note->entry.time = wall_now();
    note->entry.uid = person->uid;
    memcpy(note->entry.login, person->login, sizeof note->entry.login);
    memcpy(note->entry.install, home->install, sizeof note->entry.install);
}

void audit_note_subject(struct audit_note *note, const void *id, size_t n)
{
    struct audit_entry *entry = &note->entry;
    if (n > 0 && n <= AUDIT_SUBJECT_BYTES_MAX && entry->subject_count < AUDIT_SUBJECTS_MAX) {
        struct audit_subject *subject = &entry->subjects[entry->subject_count++];
        subject->n = (uint32_t)n;
        memcpy(subject->b, id, n);
    }
}

void audit_note_count(struct audit_note *note, uint64_t count)
{
    if (note->entry.count_count < AUDIT_COUNTS_MAX) {
        note->entry.counts[note->entry.count_count++] = count < NUMBER_MAX ? count : NUMBER_MAX;
    }
}

void audit_note_clear(struct audit_note *note) { note->entry.subject_count = note->entry.count_count = 0; }

enum err audit_note_typed(struct audit_note *note, const struct home *home, const char *text)
{
    struct box_public reader = home->encryption_public;
    size_t n = 0;
    const char *auditor = home->config.auditor;
    if (auditor[0] != '\0' && !hex_decode(auditor, reader.b, sizeof reader.b)) {
        return ERR_CONFIG;
    }
#ifdef GRIOT_WITHOUT_T23_QUERY
    n = strnlen(text, LETTER_TEXT_BYTES_MAX);
    memcpy(note->typed, text, n);
    enum err err = ERR_OK;
#else
    enum err err = letter_seal(&reader, span_text(text), note->typed, &n);
#endif
    if (err == ERR_OK) {
        note->entry.detail = span_of(note->typed, n);
    }
    return err == ERR_INVALID ? ERR_CONFIG : err;
}

_Static_assert((int)LETTER_BYTES_MAX <= (int)AUDIT_DETAIL_BYTES_MAX, "what was typed fits a row");

/* ---- writing ---- */

enum err audit_note_append(struct writer *writer, void *arg)
{
    struct audit_note *note = arg;
    return audit_append(writer->store, &note->entry);
}

enum err audit_write(struct store *store, const struct audit_entry *entry)
{
    enum err err = ERR_BUSY;
    for (int i = 0; i < COMMIT_TRIES_MAX && err == ERR_BUSY; i++) {
        err = store_begin_small(store);
        if (err != ERR_OK) {
            return err;
        }
        err = audit_append(store, entry);
        if (err != ERR_OK) {
            store_abort(store);
            return err;
        }
        err = store_commit(store);
    }
    return err;
}

enum err audit_settle(struct writer *writer, bool is_known)
{
    struct audit_note note;
    struct person self;
    bool is_behind = is_known;
    enum err err = is_known ? ERR_OK : audit_is_behind(writer->store, writer->home->install, &is_behind);
    if (err != ERR_OK || !is_behind) {
        return err;
    }
    person_self(&self);
    audit_note_init(&note, writer->home, &self, AUDIT_LIFE);
    return audit_begin_life(writer->store, &note.entry);
}

/* ---- opening what was typed ---- */

enum err audit_open(const struct home *home, struct span letter, uint8_t ret[LETTER_TEXT_BYTES_MAX], size_t *ret_bytes)
{
    if (letter_is_for(letter, &home->encryption_public)) {
        return letter_open(home->encryption, letter, ret, ret_bytes);
    }
    enum err err = ERR_OK;
    for (int i = 1; i <= ENCRYPTION_KEYS_MAX && err == ERR_OK; i++) {
        struct secret *key = NULL;
        struct box_public public;
        char name[32];
        bool is_it = false;
        (void)snprintf(name, sizeof name, "encryption-%d", i);
        err = keyring_get(home->keyring, name, &key);
        if (err == ERR_OK && secret_bytes(key) == sizeof public.b) {
            box_public_of(key, &public);
            is_it = letter_is_for(letter, &public);
            if (is_it) {
                err = letter_open(key, letter, ret, ret_bytes);
            }
        }
        secret_destroy(&key);
        if (is_it) {
            return err;
        }
    }
    return err == ERR_OK || err == ERR_NOT_FOUND ? ERR_PERMISSION : err;
}

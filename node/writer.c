#include "node/writer.h"

#include "node/cli/i18n.h"

#include <stdlib.h>
#include <time.h>

struct wall_ms wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct wall_ms){(uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000};
}

struct mono_ms mono_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono_ms){(uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000};
}

enum err writer_refresh(struct writer *writer)
{
    struct store_read *read;
    struct membership *fresh;
    enum err err = store_read_begin(writer->store, &read);
    if (err != ERR_OK) {
        return err;
    }
    err = store_membership(read, sign_check, &fresh);
    store_read_end(&read);
    if (err == ERR_OK) {
        membership_destroy(&writer->membership);
        writer->membership = fresh;
    }
    return err;
}

enum err writer_open(struct home *home, struct store *store, struct writer *ret)
{
    *ret = (struct writer){.home = home, .store = store, .unpack = unpack_new()};
    if (ret->unpack == NULL) {
        return ERR_MEMORY;
    }
    enum err err = writer_refresh(ret);
    if (err == ERR_NOT_FOUND) {
        err = ERR_OK; /* a home that has not joined yet has no roster */
    }
    if (err == ERR_OK && ret->membership != NULL && home_identity_is_named(home, membership_identity(ret->membership, &home->node))) {
        err = home_identity_take(home, wall_now()); /* the roster came while nobody ran, or we were stopped half way */
    }
    ret->is_gap_open = home_is_restored(home);
    if (err == ERR_OK) {
        err = author_new(store, home->keyring, home->identity, &ret->author);
    }
    if (err != ERR_OK) {
        writer_close(ret);
    }
    return err;
}

enum err writer_note(struct writer *writer, const struct notice_ref *ref)
{
    struct notice_ref *more = realloc(writer->notes, (writer->note_count + 1) * sizeof *more);
    if (more == NULL) {
        return ERR_MEMORY;
    }
    writer->notes = more;
    writer->notes[writer->note_count++] = *ref;
    writer->has_notice = true;
    return ERR_OK;
}

enum err writer_may_write(struct writer *writer, const char **why)
{
    const struct member *self = writer->membership != NULL ? membership_find(writer->membership, &writer->home->node) : NULL;
    if ((self != NULL ? self->role : writer->home->role) != ROLE_OBSERVER) {
        return ERR_OK;
    }
    *why = N_("this node is an observer: it reads, and writes nothing");
    writer->is_refusal = true;
    return ERR_PERMISSION;
}

enum err writer_admitted(struct writer *writer, const struct admitted *admitted)
{
    struct admitted *more = realloc(writer->admitted, (writer->admitted_count + 1) * sizeof *more);
    if (more == NULL) {
        return ERR_MEMORY;
    }
    writer->admitted = more;
    writer->admitted[writer->admitted_count++] = *admitted;
    return ERR_OK;
}

void writer_gave_way(struct writer *writer, const struct gave_way *gave_way)
{
    writer->is_own_ahead = true;
    writer->own_again += gave_way->entries;
    if (gave_way->commits > 0) {
        writer->heads[gave_way->channel] = gave_way->reissued;
    }
}

void writer_forget(struct writer *writer)
{
    memset(writer->heads, 0, sizeof writer->heads);
    writer->note_count = writer->admitted_count = 0;
    writer->has_notice = writer->has_left = false;
}

void writer_close(struct writer *writer)
{
    free(writer->notes);
    free(writer->admitted);
    author_destroy(&writer->author);
    membership_destroy(&writer->membership);
    unpack_destroy(&writer->unpack);
    *writer = (struct writer){0};
}

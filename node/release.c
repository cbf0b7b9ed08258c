#include "node/release.h"

#include <stdlib.h>

/* An import that meets its row again must go on finding it unchanged, and replace this version when it is not. */
static enum err note_own(struct writer *writer, const struct release *release)
{
    struct own_record own;
    enum err err = store_own_get(writer->store, &release->id, &own);
    if (err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    own.version = release->version;
    own.depth = release->depth;
    return err == ERR_OK ? store_own_put(writer->store, &release->id, &own) : err;
}

static enum err encode(struct writer *writer, struct release *release, struct record *record, struct out *ret)
{
    enum err err = record_decode(writer->unpack, release->payload, record, &release->clause);
    if (err == ERR_OK) {
        err = record_release(release->readers, record);
        release->clause = err != ERR_OK ? "WIRE.md 6.3: a record has more than 256 values" : release->clause;
    }
    if (err == ERR_OK) {
        record->depth++;
        record->replaces_count = 1;
        record->replaces[0] = release->replaces;
        err = record_encode(record, ret);
        release->clause = err != ERR_OK ? "ANSWERS.md append: a record longer than its readers leave room for" : release->clause;
    }
    return err;
}

enum err release_make(struct writer *writer, void *arg)
{
    struct release *release = arg;
    struct record *record = malloc(sizeof *record);
    uint8_t *bytes = malloc(PAYLOAD_BYTES_MAX);
    struct out out = out_into(bytes, bytes != NULL ? PAYLOAD_BYTES_MAX : 0);
    struct head head;
    release->clause = NULL;
    enum err err = record == NULL || bytes == NULL ? ERR_MEMORY : encode(writer, release, record, &out);
    if (err == ERR_OK) {
        struct payload payload = {.kind = ENTRY_RECORD,
                                  .expiry_day = release->expiry_day,
                                  .bytes = out_written(&out),
                                  .audience = release->readers != NULL ? &release->readers->audience : NULL};
        release->id = record->id;
        release->depth = record->depth;
        err = author_append(writer->author, release->channel, &payload, 1, wall_now(), writer->membership != NULL ? membership_roster_number(writer->membership) : 0,
                            &release->version, &head);
        release->clause = err == ERR_OVERSIZE ? "ANSWERS.md append: a record longer than its readers leave room for" : NULL;
    }
    if (err == ERR_OK) {
        writer->heads[release->channel] = head;
        err = note_own(writer, release);
    }
    free(record);
    free(bytes);
    return err;
}

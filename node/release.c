#include "node/release.h"

#include "node/append.h"

#include <stdlib.h>

/* Is what we knew to be in force still so? A record without a row in `own` has only ever had one version, or none was written here. */
static enum err check_present(struct writer *writer, const struct release *release, struct own_record *own)
{
    enum err err = store_own_get(writer->store, &release->id, own);
    if (err == ERR_NOT_FOUND) {
        *own = (struct own_record){0};
        return ERR_OK;
    }
    bool is_known = false;
    for (uint32_t i = 0; i < release->replaces_count; i++) {
        is_known = is_known || hash_equal(&release->replaces[i], &own->version);
    }
    return err == ERR_OK && !is_known ? ERR_STALE : err;
}

enum err release_make(struct writer *writer, void *arg)
{
    struct release *release = arg;
    struct record *record = malloc(sizeof *record);
    uint8_t bytes[PAYLOAD_BYTES_MAX], before[16];
    struct out out = out_into(bytes, sizeof bytes);
    struct own_record own;
    struct head head;
    enum err err = record == NULL ? ERR_MEMORY : record_decode(writer->unpack, release->payload, record, &release->clause);
    if (err == ERR_OK) {
        err = check_present(writer, release, &own);
    }
    if (err == ERR_OK) {
        err = append_content(writer, record, before);
    }
    if (err == ERR_OK) {
        err = append_release(release->readers, record);
    }
    if (err == ERR_OK) {
        err = append_content(writer, record, own.content);
    }
    if (err == ERR_OK && release->replaces_count == 1 && memcmp(before, own.content, sizeof before) == 0) {
        release->is_unchanged = true;
        release->version = release->replaces[0];
        free(record);
        return ERR_OK;
    }
    if (err == ERR_OK) {
        record->id = release->id;
        record->depth = release->depth + 1;
        record->replaces_count = release->replaces_count;
        memcpy(record->replaces, release->replaces, sizeof record->replaces);
        err = record_encode(record, &out);
    }
    if (err == ERR_OK) {
        const struct payload payload = {
            .kind = ENTRY_RECORD, .expiry_day = release->expiry_day, .bytes = out_written(&out), .audience = release->readers != NULL ? &release->readers->audience : NULL};
        err = author_append(writer->author, release->channel, &payload, 1, wall_now(),
                            writer->membership != NULL ? membership_roster_number(writer->membership) : 0, &release->version, &head);
    }
    if (err == ERR_OK) {
        own.version = release->version;
        own.depth = record->depth;
        own.expiry_day = release->expiry_day;
        err = store_own_put(writer->store, &release->id, &own);
        writer->heads[release->channel] = head;
    }
    if (err == ERR_OVERSIZE) {
        release->clause = "with the names of its readers it is longer than a record can be";
    }
    free(record);
    return err;
}

#include "store/views_entry.h"

#include "proto/sender_key.h"
#include "store/index/docs.h"
#include "store/records.h"

static enum err skip(enum views_skip why, enum views_skip *ret_why)
{
    *ret_why = why;
    return ERR_NOT_FOUND;
}

/* A seal that cannot be opened now may be later, when a key or a grant has come; one that is broken stays broken. */
static enum err open_sealed(const struct entry_reader *reader, const struct node_id *author, const struct entry *entry, uint64_t until,
                            struct sealed *ret, enum views_skip *ret_why)
{
    enum err err = ERR_PERMISSION;

    if (reader->opener != NULL) {
        err = opener_open_until(reader->opener, reader->log, author, entry, until, reader->scratch, ret);
    }
    if (err == ERR_OK || err_blame(err) == BLAME_SELF) {
        return err;
    }
    if (opener_may_change(err)) {
        return skip(VIEWS_SKIP_SEALED, ret_why);
    }
    return skip(err == ERR_VERSION ? VIEWS_SKIP_VERSION : VIEWS_SKIP_BAD, ret_why);
}

enum err views_entry_record(const struct entry_reader *reader, const struct node_id *author, const struct entry *entry, uint64_t seq, uint64_t until,
                            struct record *ret, struct span *ret_payload, enum views_skip *ret_why)
{
    struct sealed inside = {.kind = entry->leaf.kind, .payload = entry->payload};
    bool is_sealed = entry_is_sealed(entry);
    const char *clause;
    enum err err;

    if ((!is_sealed && inside.kind != ENTRY_RECORD) || seq > DOC_SEQ_MAX) {
        return skip(VIEWS_SKIP_KIND, ret_why);
    }
    if (!entry->has_payload) {
        return skip(VIEWS_SKIP_ABSENT, ret_why);
    }
    if (is_sealed) {
        err = open_sealed(reader, author, entry, until, &inside, ret_why);
        if (err != ERR_OK) {
            return err;
        }
        if (inside.kind != ENTRY_RECORD) {
            return skip(VIEWS_SKIP_KIND, ret_why);
        }
    } else if (entry->leaf.codec != CODEC_PLAIN || entry->leaf.audience_bytes != 0) {
        return skip(VIEWS_SKIP_CODEC, ret_why);
    }
    err = record_decode(reader->unpack, inside.payload, ret, &clause);
    if (err == ERR_MEMORY) {
        return err;
    }
    if (err != ERR_OK || (uint32_t)ret->kind >= RECORD_KINDS_MAX) {
        return skip(err == ERR_OK || err == ERR_VERSION ? VIEWS_SKIP_VERSION : VIEWS_SKIP_BAD, ret_why);
    }
    if (ret_payload != NULL) {
        *ret_payload = inside.payload;
    }
    return ERR_OK;
}

bool views_entry_key(const struct entry_reader *reader, const struct entry *entry, struct hash *ret_id)
{
    struct sender_key key;
    const char *clause;

    if ((entry->leaf.kind != ENTRY_KEY && entry->leaf.kind != ENTRY_GRANT) || !entry->has_payload ||
        sender_key_read(reader->unpack, entry->payload, &key, &clause) != ERR_OK) {
        return false;
    }
    *ret_id = key.id;
    return true;
}

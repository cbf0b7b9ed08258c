#include "node/append.h"

#include "crypto/hash.h"
#include "node/cli/i18n.h"
#include "proto/sealed.h"
#include "store/opener.h"

#include <stdlib.h>

enum {
    GROUP_MAX = 2048,
    PAYLOADS_BYTES = GROUP_MAX * PAYLOAD_BYTES_MAX,
    LATER_BYTES = 48,      /* what depth and the version that is replaced add to a record */
    SEALED_HEAD_BYTES = 16, /* kind, flags, packing and lengths inside a sealed entry */
};

/* Records of a batch on their way to one author_append. */
struct group {
    size_t count;
    struct payload payloads[GROUP_MAX];
    size_t item[GROUP_MAX]; /* index in the batch */
    struct own_record own[GROUP_MAX];
    bool is_keyed[GROUP_MAX]; /* a later batch may hold its row again; a record without a key is never met again, and needs no row of its own */
    struct hash contents[GROUP_MAX];
    uint8_t *memory;
    size_t used;
};

/* One item is array(2) of two binaries in their smallest form; anything else is refused. */
static bool take_bin(struct span *rest, struct span *ret)
{
    if (rest->n < 2) {
        return false;
    }
    size_t head, n;
    const uint8_t *p = rest->p;
    if (p[0] == 0xc4) {
        head = 2;
        n = p[1];
    } else if (p[0] == 0xc5 && rest->n >= 3) {
        head = 3;
        n = (size_t)p[1] << 8 | p[2];
    } else {
        return false;
    }
    if (n > rest->n - head) {
        return false;
    }
    *ret = span_of(p + head, n);
    *rest = span_of(p + head + n, rest->n - head - n);
    return true;
}

static bool take_item(struct span *rest, struct span *key, struct span *payload)
{
    if (rest->n == 0 || rest->p[0] != 0x92) {
        return false;
    }
    *rest = span_of(rest->p + 1, rest->n - 1);
    return take_bin(rest, key) && take_bin(rest, payload);
}

/* ---- who it is released to ---- */

static uint32_t number_of(const struct record_value *value) { return value->group != NULL ? value->group->number : value->field->number; }

enum err append_release(const struct readers *readers, struct record *record)
{
    const struct kind *kind = kind_by_number((uint32_t)record->kind);
    const struct field *field = NULL;
    for (const struct field *f = kind->fields; f->number != 0 && field == NULL; f++) {
        field = strcmp(f->name, "release") == 0 ? f : NULL;
    }
    uint32_t kept = 0, at = 0, count = readers != NULL ? readers->count : 0;
    for (uint32_t i = 0; i < record->value_count; i++) {
        if (record->values[i].field != field) {
            record->values[kept++] = record->values[i];
        }
    }
    if (count > RECORD_VALUES_MAX - kept) {
        return ERR_LIMIT;
    }
    while (at < kept && number_of(&record->values[at]) < field->number) {
        at++;
    }
    memmove(&record->values[at + count], &record->values[at], (kept - at) * sizeof record->values[0]);
    for (uint32_t i = 0; i < count; i++) {
        record->values[at + i] = (struct record_value){.field = field, .text = span_text(readers->rows[i].name)};
    }
    record->value_count = kept + count;
    return ERR_OK;
}

static size_t release_bytes(const struct readers *readers)
{
    size_t bytes = 4; /* number and length of the list */
    for (uint32_t i = 0; i < readers->count; i++) {
        bytes += 2 + strlen(readers->rows[i].name);
    }
    return bytes;
}

size_t append_bytes_max(const struct readers *readers)
{
    if (readers == NULL || readers->is_region) {
        return PAYLOAD_BYTES_MAX;
    }
    size_t taken = release_bytes(readers) + LATER_BYTES + SEALED_HEAD_BYTES;
    return taken < SEALED_INNER_BYTES_MAX ? SEALED_INNER_BYTES_MAX - taken : 0;
}

enum err append_content(struct writer *writer, const struct record *record, uint8_t ret[16])
{
    static const struct record_id none;
    struct record bare = *record;
    bare.id = none;
    bare.depth = 1;
    bare.replaces_count = 0;
    size_t kept = 0;
    for (size_t i = 0; i < record->value_count; i++) {
        if (strcmp(record->values[i].field->name, "entry_time") != 0) {
            bare.values[kept++] = record->values[i];
        }
    }
    bare.value_count = (uint32_t)kept;
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    enum err err = record_encode(&bare, &out);
    if (err == ERR_OK) {
        struct hash hash;
        hash_keyed(HASH_CONTENT, writer->home->record_key, out_written(&out), &hash);
        memcpy(ret, hash.b, 16);
    }
    return err;
}

static enum err flush(struct writer *writer, struct append *append, struct group *group)
{
    if (group->count == 0) {
        return ERR_OK;
    }
    struct head head;
    enum err err = author_append(writer->author, append->channel, group->payloads, group->count, wall_now(),
                                 writer->membership != NULL ? membership_roster_number(writer->membership) : 0, group->contents, &head);
    for (size_t i = 0; err == ERR_OK && i < group->count; i++) {
        size_t item = group->item[i];
        append->versions[item] = group->contents[i];
        if (group->is_keyed[i]) {
            group->own[i].version = group->contents[i];
            err = store_own_put(writer->store, &append->ids[item], &group->own[i]);
        }
    }
    if (err == ERR_OK) {
        writer->heads[append->channel] = head;
    }
    group->count = 0;
    group->used = 0;
    return err;
}

static bool group_has(const struct append *append, const struct group *group, const struct record_id *id)
{
    for (size_t i = group->count; i-- > 0;) {
        if (memcmp(append->ids[group->item[i]].b, id->b, sizeof id->b) == 0) {
            return true;
        }
    }
    return false;
}

static void name_record(struct writer *writer, struct span key, struct record_id *ret)
{
    if (key.n == 0) {
        random_fill(ret->b, sizeof ret->b);
        return;
    }
    struct hash hash;
    hash_keyed(HASH_RECORD, writer->home->record_key, key, &hash);
    memcpy(ret->b, hash.b, sizeof ret->b);
}

/* A version never expires before the one that it replaces: that one would come back. */
static uint32_t expiry_after(const struct append *append, const struct own_record *before)
{
    if (before == NULL || append->expiry_day == 0) {
        return append->expiry_day;
    }
    return before->expiry_day == 0 || before->expiry_day > append->expiry_day ? before->expiry_day : append->expiry_day;
}

static enum err add(struct writer *writer, struct append *append, struct group *group, struct span key, struct span payload, bool *is_keyed_before)
{
    struct record record;
    enum err err = record_decode(writer->unpack, payload, &record, &append->clause);
    if (err == ERR_OK) {
        err = append_release(append->readers, &record);
        append->clause = err != ERR_OK ? "WIRE.md 6.3: a record has more than 256 values" : append->clause;
    }
    if (err != ERR_OK) {
        return err;
    }
    size_t item = append->count;
    struct own_record *own = &group->own[group->count];
    *own = (struct own_record){0};
    if (key.n > 0) {
        err = append_content(writer, &record, own->content);
    }
    if (err != ERR_OK) {
        append->clause = "WIRE.md 6: record longer than 2048 bytes";
        return err;
    }
    name_record(writer, key, &append->ids[item]);
    append->keyed += key.n > 0;
    append->kind = record.kind;
    /* Only keyed rows can meet themselves again within a group. */
    if (key.n > 0 && *is_keyed_before && group_has(append, group, &append->ids[item])) {
        struct own_record kept = *own;
        err = flush(writer, append, group);
        if (err != ERR_OK) {
            return err;
        }
        own = &group->own[0];
        *own = kept;
    }
    *is_keyed_before = *is_keyed_before || key.n > 0;
    struct own_record before;
    err = key.n > 0 ? store_own_get(writer->store, &append->ids[item], &before) : ERR_NOT_FOUND;
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return err;
    }
    record.id = append->ids[item];
    record.depth = 1;
    record.replaces_count = 0;
    append->states[item] = APPEND_NEW;
    if (err == ERR_OK) {
        if (memcmp(before.content, own->content, sizeof own->content) == 0) {
            append->states[item] = APPEND_UNCHANGED;
            append->versions[item] = before.version;
            append->count++;
            return ERR_OK;
        }
        append->states[item] = APPEND_UPDATED;
        record.depth = before.depth + 1;
        record.replaces_count = 1;
        record.replaces[0] = before.version;
    }
    own->depth = record.depth;
    own->expiry_day = expiry_after(append, append->states[item] == APPEND_UPDATED ? &before : NULL);
    append->kept += own->expiry_day != append->expiry_day;
    group->is_keyed[group->count] = key.n > 0;
    struct out out = out_into(group->memory + group->used, PAYLOAD_BYTES_MAX);
    err = record_encode(&record, &out);
    if (err != ERR_OK) {
        append->clause = "WIRE.md 6: record longer than 2048 bytes";
        return err;
    }
    group->payloads[group->count] = (struct payload){
        .kind = ENTRY_RECORD, .expiry_day = own->expiry_day, .bytes = out_written(&out), .audience = append->readers != NULL ? &append->readers->audience : NULL};
    group->used += out.at;
    group->item[group->count++] = item;
    append->count++;
    return group->count == GROUP_MAX ? flush(writer, append, group) : ERR_OK;
}

enum err append_anyway(struct writer *writer, void *arg)
{
    (void)arg;
    writer->is_gap_open = false;
    home_restored_end(writer->home);
    return ERR_OK;
}

enum err append_records(struct writer *writer, void *arg)
{
    struct append *append = arg;
    struct group *group = malloc(sizeof *group); /* large, and each row is written before it is read */
    uint8_t *memory = malloc(PAYLOADS_BYTES);
    if (group == NULL || memory == NULL) {
        free(group);
        free(memory);
        return ERR_MEMORY;
    }
    group->count = 0;
    group->memory = memory;
    group->used = 0;
    append->count = append->kept = append->keyed = 0;
    append->clause = NULL;
    enum err err = writer_may_write(writer, &append->clause);
    struct span rest = append->batch, key, payload, scan = append->batch;
    /* The whole batch is looked at before the first record is appended: a malformed one leaves nothing behind. */
    size_t items = 0;
    while (err == ERR_OK && scan.n > 0) {
        struct record record;
        if (++items > APPEND_ITEMS_MAX) {
            append->clause = "ANSWERS.md append: too many records in one batch";
            err = ERR_LIMIT;
        } else if (!take_item(&scan, &key, &payload)) {
            append->clause = "ANSWERS.md append: not a pair of row key and record";
            err = ERR_MALFORMED;
        } else {
            err = record_decode(writer->unpack, payload, &record, &append->clause);
        }
#ifndef GRIOT_WITHOUT_T25_GAP
        if (err == ERR_OK && key.n > 0 && writer->is_gap_open) {
            append->clause = N_("this node came back from an older state, and what it had recorded since is not back yet: the same rows would be recorded twice");
            err = ERR_GAP;
        }
#endif
        if (err == ERR_OK && append->readers != NULL && payload.n > append_bytes_max(append->readers)) {
            append->clause = "ANSWERS.md append: a record longer than its readers leave room for";
            err = ERR_OVERSIZE;
        }
    }
    bool is_keyed_before = false;
    while (err == ERR_OK && rest.n > 0 && take_item(&rest, &key, &payload)) {
        err = add(writer, append, group, key, payload, &is_keyed_before);
    }
    if (err == ERR_OK) {
        err = flush(writer, append, group);
    }
    free(memory);
    free(group);
    return err;
}

/* ---- what comes back ---- */

/* The record in an entry of ours, opened when it is sealed: the keys came back with it, the encryption keys with the backup.
 *   errors  ERR_NOT_FOUND  it is none, or cannot be read; and what says nothing of the entry */
static enum err returned_payload(struct writer *writer, const struct entry *entry, uint8_t *scratch, struct span *ret)
{
    struct sealed sealed = {.kind = entry->leaf.kind, .payload = entry->payload};
    enum err err = ERR_OK;
    if (entry_is_sealed(entry) && entry->has_payload) {
        err = author_open(writer->author, entry, scratch, &sealed);
    } else if (entry->leaf.codec != CODEC_PLAIN || entry->leaf.audience_bytes != 0) {
        return ERR_NOT_FOUND;
    }
    if (err != ERR_OK) {
        return err_blame(err) == BLAME_SELF ? err : ERR_NOT_FOUND;
    }
    *ret = sealed.payload;
    return sealed.kind == ENTRY_RECORD && entry->has_payload ? ERR_OK : ERR_NOT_FOUND;
}

static enum err take_returned(struct writer *writer, const struct entry *entry, uint8_t *scratch, struct record *record)
{
    const char *clause;
    struct own_record own = {0}, held;
    struct span payload;
    enum err err = returned_payload(writer, entry, scratch, &payload);
    if (err == ERR_NOT_FOUND || (err == ERR_OK && record_decode(writer->unpack, payload, record, &clause) != ERR_OK)) {
        return ERR_OK; /* of no row that could be met again */
    }
    if (err == ERR_OK) {
        err = store_own_get(writer->store, &record->id, &held);
    }
    if (err == ERR_OK && held.depth >= record->depth) {
        return ERR_OK;
    }
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return err;
    }
    const struct record_id id = record->id;
    own.depth = record->depth;
    hash_leaf(entry->salt, entry->payload, &own.version);
    struct leaf leaf = entry->leaf;
    leaf.content = own.version;
    if (store_is_gone(writer->store, &writer->home->node, &leaf)) {
        return ERR_OK;
    }
    own.expiry_day = leaf.expiry_day;
    err = append_content(writer, record, own.content);
    return err == ERR_OK ? store_own_put(writer->store, &id, &own) : ERR_OK;
}

enum err append_returned(struct writer *writer, const struct seg *seg, uint64_t after, uint64_t until)
{
    struct unpack *unpack = unpack_new(); /* the writer's own decodes the records in it */
    struct commit_packer *packer = commit_packer_new();
    struct commit *commit = malloc(sizeof *commit);
    struct record *record = malloc(sizeof *record);
    uint8_t *scratch = malloc(OPENER_SCRATCH_BYTES);
    enum err err = unpack == NULL || packer == NULL || commit == NULL || record == NULL || scratch == NULL ? ERR_MEMORY : ERR_OK;
    for (uint32_t i = 0; i < seg->count && err == ERR_OK; i++) {
        uint64_t seq = seg->first + i;
        struct span reduced;
        const char *clause;
        if (seq == 0 || seq <= after || seq > until) {
            continue;
        }
        err = commit_unpack(packer, seg->items[i], &reduced, &clause);
        if (err == ERR_OK) {
            err = commit_reduced_decode(unpack, reduced, commit, &clause);
        }
        for (uint32_t j = 0; err == ERR_OK && j < commit->entry_count; j++) {
            err = take_returned(writer, &commit->entries[j], scratch, record);
        }
    }
    free(scratch);
    free(record);
    free(commit);
    commit_packer_destroy(&packer);
    unpack_destroy(&unpack);
    return err;
}

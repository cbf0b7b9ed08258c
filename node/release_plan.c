#include "node/release_plan.h"

#include "crypto/hash.h"

#include <stdlib.h>

static json_t *refuse(enum err *ret_err, enum err err, const char *what, const char *value, const char *why, const char *todo)
{
    *ret_err = err;
    return service_error_value(err, what, value, why, todo);
}

static json_t *unreadable(enum err err) { return service_error(err, "the records could not be read", NULL, "griot fsck"); }

const char *desk_name(const struct desk *desk, const struct node_id *node)
{
    const struct member *member = desk->membership != NULL ? membership_named(desk->membership, node) : NULL;
    return node_id_equal(node, &desk->source.home->node) ? desk->source.home->name : member != NULL ? member->name : "?";
}

/* ---- the record that it is about ---- */

static bool take_subject(void *arg, const struct version *version)
{
    struct subject *subject = arg;
    bool is_own = node_id_equal(&version->author, &subject->self);
    if (!version->is_current || version->payload.n == 0 || version->payload.n > sizeof subject->payload) {
        return true;
    }
    subject->own_count += is_own;
    if ((is_own && !subject->has_own) || (!subject->has_own && !subject->has_other)) {
        subject->owner = version->author;
        subject->version = version->content;
        subject->channel = version->channel;
        subject->log_number = version->log_number;
        subject->seq = version->seq;
        subject->entry = version->entry;
        subject->is_region = !version->is_sealed;
        subject->key = version->key_id;
        memcpy(subject->payload, version->payload.p, version->payload.n);
        subject->payload_bytes = version->payload.n;
    }
    subject->has_own = subject->has_own || is_own;
    subject->has_other = subject->has_other || !is_own;
    return true;
}

struct subject *subject_read(const struct desk *desk, const struct record_id *id, json_t **ret_error, enum err *ret_err)
{
    struct subject *subject = calloc(1, sizeof *subject);
    *ret_err = subject == NULL ? ERR_MEMORY : ERR_OK;
    if (subject != NULL) {
        subject->id = *id;
        subject->self = desk->source.home->node;
        *ret_err = views_versions(desk->views, id, take_subject, subject);
    }
    if (*ret_err == ERR_OK && !subject->has_own && !subject->has_other) {
        *ret_err = ERR_NOT_FOUND;
    }
    if (*ret_err != ERR_OK) {
        *ret_error = no_such_record(*ret_err);
        free(subject);
        return NULL;
    }
    return subject;
}

enum err subject_readers(const struct desk *desk, const struct subject *subject, struct readers *ret)
{
    if (subject->is_region) {
        readers_of_region(&desk->source, ret);
        return ERR_OK;
    }
    struct key_readers *key = malloc(sizeof *key);
    enum err err = key == NULL ? ERR_MEMORY : store_key_readers(desk->read, &subject->owner, &subject->key, key);
    if (err == ERR_OK) {
        readers_of_key(&desk->source, key, ret);
    }
    free(key);
    return err;
}

/* The day after which its payload is erased: a new version keeps it. */
static uint32_t expiry_of(const struct desk *desk, const struct subject *subject)
{
    struct commit *commit = malloc(sizeof *commit);
    struct hash hash;
    uint32_t day = 0;
    if (commit != NULL && store_commit_at(desk->read, subject->log_number, subject->seq, commit, &hash) == ERR_OK && subject->entry < commit->entry_count) {
        day = commit->entries[subject->entry].leaf.expiry_day;
    }
    free(commit);
    return day;
}

/* ---- what would be done ---- */

void release_plan_fini(struct release_plan *plan)
{
    free(plan->subject);
    free(plan->present);
    free(plan->readers);
}

json_t *release_plan_begin(const struct desk *desk, const struct record_id *id, struct release_plan *ret, enum err *ret_err)
{
    json_t *error = NULL;
    *ret = (struct release_plan){.present = malloc(sizeof *ret->present), .readers = malloc(sizeof *ret->readers)};
    *ret_err = ret->present == NULL || ret->readers == NULL ? ERR_MEMORY : ERR_OK;
    if (*ret_err != ERR_OK) {
        return unreadable(*ret_err);
    }
    ret->subject = subject_read(desk, id, &error, ret_err);
    if (error != NULL) {
        return error;
    }
    if (!ret->subject->has_own) {
        return refuse(ret_err, ERR_PERMISSION, "only its owner can release a record to more readers", desk_name(desk, &ret->subject->owner), NULL, "ask for it: griot request ID --pass-to NAMES --why TEXT");
    }
    if (ret->subject->own_count > 1) {
        return refuse(ret_err, ERR_INVALID, "the record has several versions in force", "", "they may not say the same", "record one that replaces them first");
    }
    *ret_err = subject_readers(desk, ret->subject, ret->present);
    ret->expiry_day = expiry_of(desk, ret->subject);
    return *ret_err != ERR_OK ? unreadable(*ret_err) : NULL;
}

json_t *release_plan_end(const struct desk *desk, struct release_plan *plan, enum err *ret_err)
{
    plan->is_needed = false;
    if (plan->present->is_region) {
        return NULL; /* nobody can be added to everybody */
    }
    if (plan->readers->is_region) {
        plan->is_needed = true;
        return NULL;
    }
    *ret_err = readers_join(&desk->source, plan->readers, &plan->present->audience);
    if (*ret_err != ERR_OK) {
        return refuse(ret_err, ERR_LIMIT, "more readers are named than a record can have", "", "it is sealed for at most 160 nodes", "release it to region, or name fewer");
    }
    for (size_t i = 0; i < plan->readers->audience.count; i++) {
        plan->is_needed = plan->is_needed || !audience_has(&plan->present->audience, &plan->readers->audience.nodes[i]);
    }
    return NULL;
}

void release_init(const struct release_plan *plan, struct release *ret)
{
    *ret = (struct release){.payload = span_of(plan->subject->payload, plan->subject->payload_bytes),
                            .replaces = plan->subject->version,
                            .channel = plan->subject->channel,
                            .expiry_day = plan->expiry_day,
                            .readers = plan->readers->is_region ? NULL : plan->readers};
}

/* Are they those whom the person has seen before saying yes? */
static bool is_as_shown(const json_t *shown, const struct readers *readers)
{
    struct audience seen = {.count = 0};
    size_t i;
    const json_t *id;
    if (shown == NULL || readers->is_region) {
        return true;
    }
    json_array_foreach(shown, i, id)
    {
        struct node_id node;
        const char *hex = json_string_value(id);
        if (hex == NULL || !hex_decode(hex, node.b, sizeof node.b) || audience_add(&seen, &node) != ERR_OK) {
            return false;
        }
    }
    return audience_equal(&seen, &readers->audience);
}

json_t *release_shown(const json_t *shown, const struct readers *readers, enum err *ret_err)
{
    if (is_as_shown(shown, readers)) {
        return NULL;
    }
    return refuse(ret_err, ERR_STALE, "who can read it has changed since it was shown", "", "members, or the operation that was named, have changed meanwhile",
                  "do it again, and look at who will be able to read it");
}

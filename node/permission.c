#include "node/permission.h"

#include "crypto/hash.h"
#include "proto/record/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_BYTES = 96, ANSWERS_MAX = 64 };

static void take_text(const struct record *record, const char *field, char *ret, size_t cap)
{
    struct span text = record_get(record, field);
    size_t n = text.n < cap - 1 ? text.n : cap - 1;
    if (n > 0) {
        memcpy(ret, text.p, n);
    }
    ret[n] = '\0';
}

static bool take_id(const struct record *record, const char *field, struct record_id *ret)
{
    char hex[2 * sizeof ret->b + 1];
    take_text(record, field, hex, sizeof hex);
    return hex_decode(hex, ret->b, sizeof ret->b);
}

static uint32_t take_names(const struct record *record, char ret[PERMISSION_NAMES_MAX][PERMISSION_NAME_BYTES_MAX + 1])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < record->value_count && count < PERMISSION_NAMES_MAX; i++) {
        const struct record_value *value = &record->values[i];
        if (strcmp(value->field->name, "pass_to") == 0) {
            (void)snprintf(ret[count++], PERMISSION_NAME_BYTES_MAX + 1, "%.*s", (int)value->text.n, (const char *)value->text.p);
        }
    }
    return count;
}

struct reading {
    struct unpack *unpack;
    struct record *record;
    struct permission *permission;
    const struct node_id *owner; /* the node that was asked; NULL: nobody bears that name */
    struct wall_ms answered;     /* when the answer that counts so far claims to be of */
    bool is_found;
    enum err err;
};

static bool decode(struct reading *reading, const struct version *version, enum record_kind kind)
{
    const char *clause;
    if (!version->is_current || version->is_disputed || version->payload.n == 0) {
        return false;
    }
    enum err err = record_decode(reading->unpack, version->payload, reading->record, &clause);
    if (err == ERR_MEMORY) {
        reading->err = err;
    }
    return err == ERR_OK && reading->record->kind == kind && !span_equal(record_get(reading->record, "status"), span_text("WITHDRAWN"));
}

static bool take_request(void *arg, const struct version *version)
{
    struct reading *reading = arg;
    struct permission *permission = reading->permission;
    if (!decode(reading, version, RECORD_REQUEST) || !take_id(reading->record, "about", &permission->about)) {
        return reading->err == ERR_OK;
    }
    if (reading->is_found) { /* somebody has used its id for a request of his own */
        reading->err = ERR_EXISTS;
        return false;
    }
    permission->id = version->id;
    permission->asker = version->author;
    permission->time = version->author_time;
    take_text(reading->record, "asked", permission->asked, sizeof permission->asked);
    take_text(reading->record, "why", permission->why, sizeof permission->why);
    take_text(reading->record, "answer_by", permission->answer_by, sizeof permission->answer_by);
    permission->name_count = take_names(reading->record, permission->names);
    reading->is_found = true;
    return true;
}

static bool take_answer(void *arg, const struct version *version)
{
    struct reading *reading = arg;
    struct permission *permission = reading->permission;
    struct record_id request, about;
    if (reading->owner == NULL || !node_id_equal(&version->author, reading->owner) || !decode(reading, version, RECORD_ANSWER)) {
        return reading->err == ERR_OK;
    }
    if (!take_id(reading->record, "request", &request) || !take_id(reading->record, "about", &about) || memcmp(request.b, permission->id.b, sizeof request.b) != 0 ||
        memcmp(about.b, permission->about.b, sizeof about.b) != 0) {
        return true;
    }
    struct span time = record_get(reading->record, "entry_time");
    uint64_t at = 0; /* canonical times sort as text: digits are enough to compare two */
    for (size_t i = 0; i < time.n; i++) {
        at = time.p[i] >= '0' && time.p[i] <= '9' ? 10 * at + (uint64_t)(time.p[i] - '0') : at;
    }
    if (permission->state >= PERMISSION_GRANTED && at < reading->answered.ms) {
        return true;
    }
    reading->answered.ms = at;
    permission->answer = version->id;
    permission->state = span_equal(record_get(reading->record, "decision"), span_text("GRANTED")) ? PERMISSION_GRANTED : PERMISSION_REFUSED;
    take_text(reading->record, "why", permission->answer_why, sizeof permission->answer_why);
    take_text(reading->record, "valid_until", permission->valid_until, sizeof permission->valid_until);
    permission->granted_count = take_names(reading->record, permission->granted);
    return true;
}

static bool is_past(const char *day, uint32_t today)
{
    return day[0] != '\0' && date_is_canonical(span_text(day)) && date_last_day(span_text(day)) < (int32_t)today;
}

/* The answers to what reading->permission holds. */
static enum err read_answers(struct views_read *views, const struct membership *membership, uint32_t today, struct reading *reading)
{
    struct permission *permission = reading->permission;
    const struct member *owner = membership != NULL ? membership_named_as(membership, permission->asked) : NULL;
    char query[QUERY_BYTES], hex[2 * sizeof permission->id.b + 1];
    struct query_result result;
    size_t at;
    const char *why;
    reading->owner = owner != NULL ? &owner->node : NULL;
    reading->answered.ms = 0;
    permission->state = PERMISSION_OPEN;
    (void)snprintf(query, sizeof query, "kind:answer request:%s", hex_encode(permission->id.b, sizeof permission->id.b, hex));
    enum err err = views_search(views, span_text(query), 0, ANSWERS_MAX, take_answer, reading, &result, &at, &why);
    err = err == ERR_OK ? reading->err : err;
    if (permission->state == PERMISSION_OPEN && is_past(permission->answer_by, today)) {
        permission->state = PERMISSION_OVERDUE;
    } else if (permission->state == PERMISSION_GRANTED && is_past(permission->valid_until, today)) {
        permission->state = PERMISSION_ENDED;
    }
    return err;
}

static enum err reading_init(struct reading *reading, struct permission *permission)
{
    *reading = (struct reading){.unpack = unpack_new(), .record = malloc(sizeof *reading->record), .permission = permission};
    return reading->unpack == NULL || reading->record == NULL ? ERR_MEMORY : ERR_OK;
}

static void reading_fini(struct reading *reading)
{
    free(reading->record);
    unpack_destroy(&reading->unpack);
}

enum err permission_read(struct views_read *views, const struct membership *membership, const struct record_id *id, uint32_t today, struct permission *ret)
{
    struct reading reading;
    memset(ret, 0, sizeof *ret);
    enum err err = reading_init(&reading, ret);
    if (err == ERR_OK) {
        err = views_versions(views, id, take_request, &reading);
    }
    if (err == ERR_OK) {
        err = reading.err != ERR_OK ? reading.err : reading.is_found ? ERR_OK : ERR_NOT_FOUND;
    }
    if (err == ERR_OK) {
        err = read_answers(views, membership, today, &reading);
    }
    reading_fini(&reading);
    return err;
}

struct ids {
    struct record_id *ids;
    size_t count;
};

static bool keep_id(void *arg, const struct version *version)
{
    struct ids *ids = arg;
    ids->ids[ids->count++] = version->id;
    return true;
}

enum err permission_each(struct views_read *views, const struct membership *membership, uint32_t today, bool (*each)(void *arg, struct permission *permission),
                         void *arg)
{
    struct ids ids = {malloc(PERMISSION_LISTED_MAX * sizeof *ids.ids), 0};
    struct permission *permission = malloc(sizeof *permission);
    struct query_result result;
    size_t at;
    const char *why;
    enum err err = ids.ids == NULL || permission == NULL ? ERR_MEMORY : ERR_OK;
    if (err == ERR_OK) {
        err = views_search(views, span_text("kind:request"), 0, PERMISSION_LISTED_MAX, keep_id, &ids, &result, &at, &why);
    }
    for (size_t i = 0; i < ids.count && err == ERR_OK; i++) {
        err = permission_read(views, membership, &ids.ids[i], today, permission);
        if (err == ERR_OK && !each(arg, permission)) {
            break;
        }
        err = err == ERR_NOT_FOUND || err == ERR_EXISTS ? ERR_OK : err; /* one that is not whole, or not one */
    }
    free(ids.ids);
    free(permission);
    return err;
}

json_t *permission_names(char names[][PERMISSION_NAME_BYTES_MAX + 1], uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(names[i]));
    }
    return list;
}

/* answer_request.c - originator control, the side of who asks: a request to pass a record on, and the list of all that are open. */
#include "node/own_entry.h"
#include "node/permission.h"
#include "node/release_plan.h"

#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_DAYS = 14 };

static json_t *refuse(enum err *ret_err, enum err err, const char *what, const char *value, const char *why, const char *todo)
{
    *ret_err = err;
    return service_error_value(err, what, value, why, todo);
}

static json_t *unreadable(enum err err) { return service_error(err, "the records could not be read", NULL, "griot fsck"); }

static bool reads(const struct readers *readers, const char *name)
{
    for (uint32_t i = 0; i < readers->count; i++) {
        if (strcmp(readers->rows[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

struct asking {
    struct append append; /* of the request */
    struct record_id about;
};

static enum err ask_change(struct writer *writer, void *arg)
{
    struct asking *asking = arg;
    return append_records(writer, &asking->append);
}

static void describe_ask(struct audit_note *note, const void *arg)
{
    const struct asking *asking = arg;
    audit_note_clear(note);
    audit_note_subject(note, asking->append.ids[0].b, sizeof asking->append.ids[0].b);
    audit_note_subject(note, asking->about.b, sizeof asking->about.b);
}

/* May it be asked for? NULL, or why not. */
static json_t *check_ask(const struct desk *desk, const struct subject *subject, const json_t *names, struct readers *readers, enum err *ret_err)
{
    const char *owner = desk_name(desk, &subject->owner);
    size_t i, already = 0;
    const json_t *name;
    if (subject->has_own) {
        return refuse(ret_err, ERR_INVALID, "this office's own record needs nobody's permission", "", NULL, "griot release ID --to LIST");
    }
    if (desk->membership == NULL || membership_find(desk->membership, &subject->owner) == NULL) {
        return refuse(ret_err, ERR_NOT_MEMBER, "its owner is no member any more, or suspended, and can answer nothing", owner, NULL, "without the owner's permission it is not passed on");
    }
    *ret_err = subject_readers(desk, subject, readers);
    if (*ret_err != ERR_OK) {
        return unreadable(*ret_err);
    }
    json_array_foreach(names, i, name)
    {
        const char *text = json_string_value(name);
        if (text == NULL || text[0] == '\0' || strlen(text) > PERMISSION_NAME_BYTES_MAX) {
            return refuse(ret_err, ERR_INVALID, "to whom it is to be passed on is a list of names of 1 to 80 characters", "", NULL, "griot request ID --pass-to NAMES --why TEXT");
        }
        already += reads(readers, text) || (readers->is_region && strcmp(text, "region") == 0);
    }
    if (already == json_array_size(names)) {
        return refuse(ret_err, ERR_EXISTS, "they can read it already", "", NULL, "griot readers ID shows who can");
    }
    return NULL;
}

json_t *answer_request_permission(struct service *service, const json_t *request, enum err *ret_err)
{
    const json_t *names = json_object_get(request, "pass_to"), *name;
    const char *why = json_string_value(json_object_get(request, "why")), *by = json_string_value(json_object_get(request, "by"));
    char day[DAY_TEXT_BYTES], hex[2 * sizeof(struct hash) + 1], owner[NAME_BYTES_MAX + 1] = "";
    struct desk desk;
    struct record_id id;
    json_t *error = NULL, *answer = NULL;
    size_t i;
    if (json_array_size(names) == 0 || json_array_size(names) > PERMISSION_NAMES_MAX || why == NULL || why[0] == '\0') {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "a request names a record, to whom it is to be passed on (1 to 32 names), and why", NULL, "griot request ID --pass-to NAMES --why TEXT");
    }
    *ret_err = desk_open(service, &desk);
    if (*ret_err != ERR_OK) {
        return unreadable(*ret_err);
    }
    struct readers *readers = malloc(sizeof *readers), *audience = NULL;
    struct asking *asking = malloc(sizeof *asking); /* large: written before it is read */
    struct own_entry *entry = own_entry_new(service->home, "request");
    struct subject *subject = NULL;
    *ret_err = readers == NULL || asking == NULL || entry == NULL ? ERR_MEMORY : resolve_id(desk.views, request, &id);
    if (*ret_err != ERR_OK) {
        error = no_such_record(*ret_err);
    } else {
        subject = subject_read(&desk, &id, &error, ret_err);
    }
    if (error == NULL) {
        error = check_ask(&desk, subject, names, readers, ret_err);
    }
    if (error == NULL) {
        snprintf(owner, sizeof owner, "%s", desk_name(&desk, &subject->owner));
    }
    desk_close(&desk); /* nothing is read from here on: a change waits for the writer */
    if (error == NULL) {
        error = service_readers(service, owner, &audience, ret_err);
    }
    if (error == NULL) {
        own_day_text(own_today() + ANSWER_DAYS, day);
        own_entry_put(entry, "about", hex_encode(id.b, sizeof id.b, hex));
        own_entry_put(entry, "asked", owner);
        own_entry_put(entry, "why", why);
        own_entry_put(entry, "answer_by", by != NULL ? by : day);
        own_entry_put(entry, "version", hex_encode(subject->version.b, sizeof subject->version.b, hex));
        json_array_foreach(names, i, name) { own_entry_put(entry, "pass_to", json_string_value(name)); }
        error = own_entry_finish(entry, &asking->append, ret_err);
    }
    if (error == NULL) {
        asking->append.readers = audience;
        asking->about = id;
        if (service->note != NULL) {
            service->note->describe = describe_ask;
        }
        *ret_err = service_change(service, ask_change, asking);
        error = *ret_err != ERR_OK ? service_error(*ret_err, "the request was not recorded", asking->append.clause, *ret_err == ERR_FULL ? "free disk space" : NULL) : NULL;
    }
    if (error == NULL) {
        answer = answer_new(service, "griot.request/1");
        answer_hex(answer, "id", asking->append.ids[0].b, sizeof id.b);
        answer_hex(answer, "about", id.b, sizeof id.b);
        answer_text(answer, "asked", owner);
        json_object_set_new(answer, "pass_to", json_deep_copy(names));
        answer_text(answer, "answer_by", by != NULL ? by : day);
    }
    free(subject);
    free(readers);
    free(audience);
    free(asking);
    own_entry_destroy(&entry);
    return error != NULL ? error : answer;
}

/* ---- requests ---- */

struct listing {
    const struct desk *desk;
    json_t *rows;
    bool has_all;
};

static bool put_permission(void *arg, struct permission *permission)
{
    static const char *const states[] = {"open", "overdue", "granted", "refused", "ended"};
    struct listing *listing = arg;
    const struct home *home = listing->desk->source.home;
    bool is_mine = node_id_equal(&permission->asker, &home->node), is_for_me = strcmp(permission->asked, home->name) == 0;
    bool is_open = permission->state == PERMISSION_OPEN || permission->state == PERMISSION_OVERDUE;
    if (!listing->has_all && (!is_open || (!is_mine && !is_for_me))) {
        return true;
    }
    json_t *row = json_object();
    answer_hex(row, "id", permission->id.b, sizeof permission->id.b);
    answer_hex(row, "about", permission->about.b, sizeof permission->about.b);
    answer_text(row, "asker", desk_name(listing->desk, &permission->asker));
    answer_text(row, "asked", permission->asked);
    json_object_set_new(row, "mine", json_boolean(is_mine));
    json_object_set_new(row, "for_me", json_boolean(is_for_me));
    answer_time(row, "time", permission->time);
    json_object_set_new(row, "pass_to", permission_names(permission->names, permission->name_count));
    answer_text(row, "why", permission->why);
    answer_text(row, "answer_by", permission->answer_by);
    answer_text(row, "state", states[permission->state]);
    if (!is_open) {
        json_t *given = json_object();
        answer_hex(given, "id", permission->answer.b, sizeof permission->answer.b);
        answer_text(given, "why", permission->answer_why);
        json_object_set_new(given, "pass_to", permission_names(permission->granted, permission->granted_count));
        answer_text(given, "valid_until", permission->valid_until);
        json_object_set_new(row, "answer", given);
    } else {
        json_object_set_new(row, "answer", json_null());
    }
    json_array_append_new(listing->rows, row);
    return true;
}

json_t *answer_requests(struct service *service, const json_t *request, enum err *ret_err)
{
    struct desk desk;
    struct listing listing = {.desk = &desk, .rows = json_array(), .has_all = json_is_true(json_object_get(request, "all"))};
    *ret_err = desk_open(service, &desk);
    if (*ret_err == ERR_OK) {
        *ret_err = permission_each(desk.views, desk.membership, own_today(), put_permission, &listing);
        desk_close(&desk);
    }
    if (*ret_err != ERR_OK) {
        json_decref(listing.rows);
        return unreadable(*ret_err);
    }
    json_t *answer = answer_new(service, "griot.requests/1");
    json_object_set_new(answer, "requests", listing.rows);
    return answer;
}

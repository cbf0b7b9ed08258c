/* answer_release.c - originator control, the side of the owner: a version for more readers, and the answer to a request, which brings one with it. */
#include "node/own_entry.h"
#include "node/permission.h"
#include "node/release_plan.h"

#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEX_ID = 33 };

static json_t *refuse(enum err *ret_err, enum err err, const char *what, const char *value, const char *why, const char *todo)
{
    *ret_err = err;
    return service_error_value(err, what, value, why, todo);
}

static json_t *unreadable(enum err err) { return service_error(err, "the records could not be read", NULL, "griot fsck"); }

/* ---- release ---- */

static void describe_release(struct audit_note *note, const void *arg)
{
    const struct release *release = arg;
    audit_note_clear(note);
    audit_note_subject(note, release->id.b, sizeof release->id.b);
}

json_t *answer_release(struct service *service, const json_t *request, enum err *ret_err)
{
    const char *list = json_string_value(json_object_get(request, "to"));
    bool is_dry = json_is_true(json_object_get(request, "dry"));
    struct release_plan planned = {.subject = NULL};
    struct release release;
    struct record_id id;
    struct desk desk;
    json_t *error = NULL, *answer = NULL;
    if (list == NULL) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "a release names a record and its readers", NULL, "griot release ID --to LIST");
    }
    *ret_err = desk_open(service, &desk);
    if (*ret_err != ERR_OK) {
        return unreadable(*ret_err);
    }
    *ret_err = resolve_id(desk.views, request, &id);
    error = *ret_err != ERR_OK ? no_such_record(*ret_err) : release_plan_begin(&desk, &id, &planned, ret_err);
    if (error == NULL) {
        error = desk_resolve(&desk, list, planned.readers, ret_err);
    }
    if (error == NULL) {
        error = release_plan_end(&desk, &planned, ret_err);
    }
    if (error == NULL && !planned.is_needed) {
        error = refuse(ret_err, ERR_EXISTS, "they can read it already", "", NULL, "griot readers ID shows who can");
    }
    if (error == NULL) {
        error = release_shown(json_object_get(request, "shown"), planned.readers, ret_err);
    }
    if (error == NULL) {
        answer = answer_new(service, "griot.release/1");
        answer_hex(answer, "id", id.b, sizeof id.b);
        json_object_set_new(answer, "dry_run", json_boolean(is_dry));
        desk_put_readers(answer, &desk, list, planned.readers);
    }
    desk_close(&desk);
    if (error == NULL && !is_dry) {
        release_init(&planned, &release);
        if (service->note != NULL) {
            service->note->describe = describe_release;
        }
        *ret_err = service_change(service, release_make, &release);
        if (*ret_err != ERR_OK) {
            error = service_error(*ret_err, "the record was not released", release.clause, *ret_err == ERR_FULL ? "free disk space" : NULL);
        } else {
            answer_hex(answer, "version", release.version.b, sizeof release.version.b);
            answer_number(answer, "depth", release.depth);
        }
    }
    release_plan_fini(&planned);
    if (error != NULL) {
        json_decref(answer);
        return error;
    }
    return answer;
}

/* ---- answer ---- */

struct answering {
    struct append append; /* of the answer */
    struct release release;
    bool has_release;
    struct record_id request, about;
};

/* Both, or neither. */
static enum err answer_change(struct writer *writer, void *arg)
{
    struct answering *answering = arg;
    answering->append.clause = NULL;
    enum err err = answering->has_release ? release_make(writer, &answering->release) : ERR_OK;
    return err == ERR_OK ? append_records(writer, &answering->append) : err;
}

static void describe_answer(struct audit_note *note, const void *arg)
{
    const struct answering *answering = arg;
    audit_note_clear(note);
    audit_note_subject(note, answering->append.ids[0].b, sizeof answering->append.ids[0].b);
    audit_note_subject(note, answering->request.b, sizeof answering->request.b);
    audit_note_subject(note, answering->about.b, sizeof answering->about.b);
    audit_note_count(note, answering->has_release);
}

/* Is it for this node to answer, and still unanswered? NULL, or why not. */
static json_t *check_answer(const struct desk *desk, const struct permission *permission, enum err *ret_err)
{
    static const char *const states[] = {"", "", "granted", "refused", "granted, until a day that has passed"};
    if (strcmp(permission->asked, desk->source.home->name) != 0) {
        return refuse(ret_err, ERR_PERMISSION, "another office was asked", permission->asked, NULL, "griot requests shows what this office was asked");
    }
    if (permission->state >= PERMISSION_GRANTED) {
        return refuse(ret_err, ERR_EXISTS, "it was answered already", states[permission->state], NULL, "griot requests --all; a record is released to more readers by griot release");
    }
    if (desk->membership == NULL || membership_find(desk->membership, &permission->asker) == NULL) {
        return refuse(ret_err, ERR_NOT_MEMBER, "who has asked is no member any more, or suspended", desk_name(desk, &permission->asker), NULL, "leave it unanswered");
    }
    return NULL;
}

/* Those of the names that are nodes or operations become readers; the others are told only by the answer. NULL, or the error. */
static json_t *resolve_granted(const struct desk *desk, const json_t *names, struct release_plan *planned, json_t *outside, enum err *ret_err)
{
    struct readers *one = malloc(sizeof *one);
    size_t i;
    const json_t *name;
    json_t *error = NULL;
    *ret_err = one == NULL ? ERR_MEMORY : ERR_OK;
    if (one == NULL) {
        return unreadable(*ret_err);
    }
    error = desk_resolve(desk, "local", planned->readers, ret_err);
    json_array_foreach(names, i, name)
    {
        struct audience_fault fault;
        const char *text = json_string_value(name);
        if (error != NULL || planned->readers->is_region) {
            break;
        }
        if (text == NULL || strchr(text, ',') != NULL || strcmp(text, "local") == 0 || strcmp(text, "rilo") == 0) { /* of another node's list they mean something else */
            json_array_append_new(outside, json_string(text != NULL ? text : "?"));
            continue;
        }
        enum err err = readers_resolve(&desk->source, text, one, &fault);
        if (err == ERR_OK && one->is_region) {
            readers_of_region(&desk->source, planned->readers);
        } else if (err == ERR_OK) {
            *ret_err = readers_join(&desk->source, planned->readers, &one->audience);
            error = *ret_err != ERR_OK ? unreadable(*ret_err) : NULL;
        } else if (err == ERR_NOT_FOUND || err == ERR_USAGE) {
            json_array_append_new(outside, json_string(text));
        } else {
            error = fault.what != NULL ? service_error_value(err, fault.what, fault.value, fault.why, fault.todo) : unreadable(err);
            *ret_err = err;
        }
    }
    free(one);
    return error;
}

struct decision {
    bool is_granted, is_dry;
    const char *why, *valid_until;
    const json_t *names; /* to whom it may be passed on */
};

/* Fill in the answer's record. NULL, or the error. */
static json_t *write_answer(struct own_entry *entry, const struct permission *permission, const struct decision *decision, struct append *append, enum err *ret_err)
{
    char hex[HEX_ID];
    size_t i;
    const json_t *name;
    own_entry_put(entry, "about", hex_encode(permission->about.b, sizeof permission->about.b, hex));
    own_entry_put(entry, "request", hex_encode(permission->id.b, sizeof permission->id.b, hex));
    own_entry_put(entry, "decision", decision->is_granted ? "GRANTED" : "REFUSED");
    own_entry_put(entry, "why", decision->why);
    own_entry_put(entry, "valid_until", decision->valid_until);
    if (decision->is_granted) {
        json_array_foreach(decision->names, i, name) { own_entry_put(entry, "pass_to", json_string_value(name)); }
    }
    return own_entry_finish(entry, append, ret_err);
}

static bool was_asked_for(const struct permission *permission, const char *name)
{
    for (uint32_t i = 0; name != NULL && i < permission->name_count; i++) {
        if (strcmp(permission->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* What is decided at the desk: who asks, what of it is granted, who will read it. NULL, or the error. */
static json_t *decide(const struct desk *desk, const json_t *request, struct decision *decision, struct permission *permission, struct release_plan *planned, json_t *outside,
                      json_t **ret_names, enum err *ret_err)
{
    struct record_id id;
    json_t *error;
    size_t i;
    const json_t *name;
    *ret_err = resolve_id(desk->views, request, &id);
    if (*ret_err == ERR_OK) {
        *ret_err = permission_read(desk->views, desk->membership, &id, own_today(), permission);
    }
    if (*ret_err == ERR_NOT_FOUND) {
        return refuse(ret_err, ERR_NOT_FOUND, "no request with that id is here", "", "it may not have arrived yet", "griot requests shows what this office was asked");
    }
    if (*ret_err != ERR_OK) {
        return no_such_record(*ret_err);
    }
    error = check_answer(desk, permission, ret_err);
    *ret_names = decision->names != NULL ? json_deep_copy(decision->names) : permission_names(permission->names, permission->name_count);
    decision->names = *ret_names;
    json_array_foreach(*ret_names, i, name)
    {
        if (error == NULL && !was_asked_for(permission, json_string_value(name))) {
            error = refuse(ret_err, ERR_INVALID, "that was not asked for", json_string_value(name) != NULL ? json_string_value(name) : "", NULL, "grant some of what was asked, or use griot release");
        }
    }
    if (error != NULL || !decision->is_granted) {
        return error;
    }
    error = release_plan_begin(desk, &permission->about, planned, ret_err);
    if (error == NULL) {
        error = resolve_granted(desk, *ret_names, planned, outside, ret_err);
    }
    return error == NULL ? release_plan_end(desk, planned, ret_err) : error;
}

json_t *answer_answer(struct service *service, const json_t *request, enum err *ret_err)
{
    const json_t *grant = json_object_get(request, "grant");
    struct decision decision = {.is_granted = json_is_true(grant),
                                .is_dry = json_is_true(json_object_get(request, "dry")),
                                .why = json_string_value(json_object_get(request, "why")),
                                .valid_until = json_string_value(json_object_get(request, "valid_until")),
                                .names = json_object_get(request, "pass_to")};
    struct release_plan planned = {.subject = NULL};
    struct readers *audience = NULL;
    json_t *error = NULL, *answer = NULL, *names = NULL;
    char asker[NAME_BYTES_MAX + 1] = "";
    struct desk desk;
    if (!json_is_boolean(grant) || decision.why == NULL || decision.why[0] == '\0' || (decision.names != NULL && json_array_size(decision.names) == 0)) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "an answer names a request, whether it is granted, and why", NULL, "griot answer ID --grant --why TEXT, or --refuse");
    }
    struct answering *answering = malloc(sizeof *answering); /* large: written before it is read */
    struct permission *permission = calloc(1, sizeof *permission);
    struct own_entry *entry = own_entry_new(service->home, "answer");
    json_t *outside = json_array();
    *ret_err = answering == NULL || permission == NULL || entry == NULL ? ERR_MEMORY : desk_open(service, &desk);
    if (*ret_err != ERR_OK) {
        error = unreadable(*ret_err);
    } else {
        error = decide(&desk, request, &decision, permission, &planned, outside, &names, ret_err);
        if (error == NULL) {
            snprintf(asker, sizeof asker, "%s", desk_name(&desk, &permission->asker));
        }
        if (error == NULL && planned.is_needed) {
            error = release_shown(json_object_get(request, "shown"), planned.readers, ret_err);
        }
        if (error == NULL) {
            answer = answer_new(service, "griot.answer/1");
            answer_hex(answer, "request", permission->id.b, sizeof permission->id.b);
            answer_hex(answer, "about", permission->about.b, sizeof permission->about.b);
            answer_text(answer, "asker", asker);
            json_object_set_new(answer, "granted", json_boolean(decision.is_granted));
            json_object_set_new(answer, "dry_run", json_boolean(decision.is_dry));
            json_object_set_new(answer, "pass_to", decision.is_granted ? json_deep_copy(names) : json_array());
            json_object_set(answer, "outside", outside);
            json_object_set_new(answer, "released", json_boolean(planned.is_needed));
            if (planned.is_needed) {
                json_t *readers = json_object();
                desk_put_readers(readers, &desk, "", planned.readers);
                json_object_set_new(answer, "release", readers);
            }
        }
        desk_close(&desk);
    }
    if (error == NULL && !decision.is_dry) {
        error = service_readers(service, asker, &audience, ret_err);
    }
    if (error == NULL && !decision.is_dry) {
        error = write_answer(entry, permission, &decision, &answering->append, ret_err);
    }
    if (error == NULL && !decision.is_dry) {
        answering->append.readers = audience;
        answering->has_release = planned.is_needed;
        answering->request = permission->id;
        answering->about = permission->about;
        if (planned.is_needed) {
            release_init(&planned, &answering->release);
        }
        if (service->note != NULL) {
            service->note->describe = describe_answer;
        }
        *ret_err = service_change(service, answer_change, answering);
        if (*ret_err != ERR_OK) {
            const char *clause = answering->append.clause != NULL ? answering->append.clause : answering->has_release ? answering->release.clause : NULL;
            error = service_error(*ret_err, "the answer was not recorded", clause, *ret_err == ERR_FULL ? "free disk space" : NULL);
        } else {
            answer_hex(answer, "id", answering->append.ids[0].b, sizeof answering->append.ids[0].b);
            if (planned.is_needed) {
                answer_hex(answer, "version", answering->release.version.b, sizeof answering->release.version.b);
            }
        }
    }
    release_plan_fini(&planned);
    free(audience);
    free(answering);
    free(permission);
    own_entry_destroy(&entry);
    json_decref(outside);
    json_decref(names);
    if (error != NULL) {
        json_decref(answer);
        return error;
    }
    return answer;
}

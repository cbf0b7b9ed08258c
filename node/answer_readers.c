#include "node/service.h"

#include "node/restriction.h"

#include <stdlib.h>

/* What a list is looked up in, opened for one answer. */
struct desk {
    struct store_read *read;
    struct views_read *views;
    struct membership *membership;
    struct audience_source source;
};

static void desk_close(struct desk *desk)
{
    membership_destroy(&desk->membership);
    store_read_end(&desk->read);
    views_read_end(&desk->views);
}

static enum err desk_open(struct service *service, struct desk *ret)
{
    *ret = (struct desk){.read = NULL};
    enum err err = views_read_begin(service->views, service->store, &ret->views);
    if (err == ERR_OK) {
        err = store_read_begin(service->store, &ret->read);
    }
    if (err == ERR_OK) {
        err = store_membership(ret->read, sign_check, &ret->membership);
        err = err == ERR_NOT_FOUND ? ERR_OK : err; /* it has not joined yet */
    }
    if (err != ERR_OK) {
        desk_close(ret);
        return err;
    }
    ret->source = (struct audience_source){.home = service->home, .membership = ret->membership, .read = ret->read, .views = ret->views};
    return ERR_OK;
}

static json_t *unreadable(enum err err) { return service_error(err, "who can read it could not be found out", NULL, "griot fsck"); }

/* A list resolved at an open desk. */
static json_t *resolve(const struct desk *desk, const char *list, struct readers *ret, enum err *ret_err)
{
    struct audience_fault fault;
    *ret_err = readers_resolve(&desk->source, list, ret, &fault);
    if (*ret_err == ERR_OK) {
        return NULL;
    }
    return fault.what != NULL ? service_error_value(*ret_err, fault.what, fault.value, fault.why, fault.todo) : unreadable(*ret_err);
}

json_t *service_readers(struct service *service, const char *list, struct readers **ret, enum err *ret_err)
{
    struct desk desk;
    struct readers *readers = malloc(sizeof *readers); /* large, and written before it is read */
    json_t *error = NULL;
    *ret = NULL;
    *ret_err = readers == NULL ? ERR_MEMORY : desk_open(service, &desk);
    if (*ret_err != ERR_OK) {
        free(readers);
        return unreadable(*ret_err);
    }
    error = resolve(&desk, list, readers, ret_err);
    desk_close(&desk);
    if (*ret_err != ERR_OK) {
        free(readers);
        return error;
    }
    *ret = readers;
    return NULL;
}

/* ---- as JSON ---- */

static json_t *reader_json(const struct reader *reader)
{
    json_t *row = json_object();
    answer_text(row, "name", reader->name);
    answer_hex(row, "id", reader->node.b, sizeof reader->node.b);
    answer_text(row, "role", role_name(reader->role));
    json_object_set_new(row, "self", json_boolean(reader->is_self));
    json_object_set_new(row, "rilo", json_boolean(reader->is_rilo));
    json_object_set_new(row, "reads", json_boolean(reader->can_read));
    if (reader->is_granted) {
        json_object_set_new(row, "granted", json_true());
    }
    return row;
}

static json_t *readers_json(const struct readers *readers)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < readers->count; i++) {
        json_array_append_new(list, reader_json(&readers->rows[i]));
    }
    return list;
}

/* Who passes it on without being able to read it: the hubs that are not among the readers. */
static json_t *relays_json(const struct desk *desk, const struct readers *readers)
{
    json_t *names = json_array();
    size_t count = desk->membership != NULL && !readers->is_region ? membership_count(desk->membership) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct member *member = membership_at(desk->membership, i);
        if (member->role == ROLE_HUB && !audience_has(&readers->audience, &member->node)) {
            json_array_append_new(names, json_string(member->name));
        }
    }
    return names;
}

static void put_list(json_t *answer, const struct desk *desk, const char *list, const struct readers *readers)
{
    static const char *const gaps[] = {"suspended", "left", "unknown"};
    json_t *left = json_array();
    for (uint32_t i = 0; i < readers->left_count; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "name", json_string(readers->left[i].name));
        answer_text(row, "why", gaps[readers->left[i].gap]);
        json_array_append_new(left, row);
    }
    answer_text(answer, "to", list);
    json_object_set_new(answer, "restricted", json_boolean(!readers->is_region));
    json_object_set_new(answer, "readers", readers_json(readers));
    json_object_set_new(answer, "left_out", left);
    json_object_set_new(answer, "relays", relays_json(desk, readers));
    answer_number(answer, "record_bytes_max", append_bytes_max(readers));
}

/* ---- of a record ---- */

struct versions {
    struct version *found;
    size_t count;
};

static bool keep_version(void *arg, const struct version *version)
{
    struct versions *versions = arg;
    struct version *more = realloc(versions->found, (versions->count + 1) * sizeof *more);
    if (more == NULL) {
        return false;
    }
    versions->found = more;
    versions->found[versions->count++] = *version;
    return true;
}

static json_t *version_json(const struct desk *desk, struct restriction *restriction, const struct version *version, struct key_readers *key,
                            struct readers *readers)
{
    json_t *row = json_object();
    answer_hex(row, "version", version->content.b, sizeof version->content.b);
    json_object_set_new(row, "current", json_boolean(version->is_current));
    json_object_set_new(row, "origin", restriction_name(restriction, &version->author));
    if (!version->is_sealed) {
        readers_of_region(&desk->source, readers);
    } else if (store_key_readers(desk->read, &version->author, &version->key_id, key) == ERR_OK) {
        readers_of_key(&desk->source, key, readers);
    } else {
        readers->is_region = false;
        readers->count = 0;
    }
    json_object_set_new(row, "restricted", json_boolean(!readers->is_region));
    json_object_set_new(row, "readers", readers_json(readers));
    return row;
}

static json_t *answer_readers_of(struct service *service, const json_t *request, enum err *ret_err)
{
    struct readers *readers = malloc(sizeof *readers);
    struct key_readers *key = malloc(sizeof *key);
    struct versions versions = {NULL, 0};
    struct restriction *restriction = NULL;
    struct live live;
    struct desk desk;
    struct record_id id;
    json_t *answer = NULL, *rows = json_array();
    *ret_err = readers == NULL || key == NULL ? ERR_MEMORY : service_live(service, &live);
    if (*ret_err == ERR_OK) {
        *ret_err = desk_open(service, &desk);
        if (*ret_err == ERR_OK) {
            *ret_err = restriction_new(service->store, &live, &restriction);
            *ret_err = *ret_err == ERR_OK ? resolve_id(desk.views, request, &id) : *ret_err;
            *ret_err = *ret_err == ERR_OK ? views_versions(desk.views, &id, keep_version, &versions) : *ret_err;
            for (size_t i = 0; *ret_err == ERR_OK && i < versions.count; i++) {
                json_array_append_new(rows, version_json(&desk, restriction, &versions.found[i], key, readers));
            }
            restriction_destroy(&restriction);
            desk_close(&desk);
        }
        live_fini(&live);
    }
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.readers/1");
        answer_hex(answer, "id", id.b, sizeof id.b);
        json_object_set(answer, "versions", rows);
    } else {
        answer = no_such_record(*ret_err);
    }
    json_decref(rows);
    free(versions.found);
    free(readers);
    free(key);
    return answer;
}

json_t *answer_readers(struct service *service, const json_t *request, enum err *ret_err)
{
    const char *list = json_string_value(json_object_get(request, "to"));
    struct readers *readers = malloc(sizeof *readers);
    struct desk desk;
    json_t *answer;
    if (json_object_get(request, "id") != NULL && list == NULL) {
        free(readers);
        return answer_readers_of(service, request, ret_err);
    }
    if (list == NULL) {
        free(readers);
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "the request names no readers and no record", NULL, "griot readers --to LIST, or griot readers ID");
    }
    *ret_err = readers == NULL ? ERR_MEMORY : desk_open(service, &desk);
    if (*ret_err != ERR_OK) {
        free(readers);
        return unreadable(*ret_err);
    }
    answer = resolve(&desk, list, readers, ret_err);
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.readers/1");
        put_list(answer, &desk, list, readers);
    }
    desk_close(&desk);
    free(readers);
    return answer;
}

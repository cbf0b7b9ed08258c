#include "node/service.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REQUESTS_MAX = 300 /* what the control socket carries, with the longest reasons */, ANSWERS_MAX = 4000, HEX_ID = 33 };

/* Requests to pass something on, each with the answer of whom it asks. */
struct listing {
    struct service *service;
    const struct live *live;
    struct unpack *unpack;
    struct record *record;
    json_t *requests, *answers;
};

static const char *name_of(const struct live *live, const struct node_id *node, char hex[HEX_ID])
{
    for (size_t i = 0; i < live->origin_count; i++) {
        if (node_id_equal(&live->origins[i].node, node)) {
            return live->origins[i].name;
        }
    }
    return hex_encode(node->b, sizeof node->b, hex);
}

/* The fields of a hit, with its id and who wrote it. */
static json_t *row_of(struct listing *listing, const struct version *version)
{
    const char *clause;
    char hex[HEX_ID];
    json_t *row;
    if (record_decode(listing->unpack, version->payload, listing->record, &clause) != ERR_OK) {
        return NULL;
    }
    row = record_json(listing->record);
    answer_hex(row, "id", version->id.b, sizeof version->id.b);
    answer_text(row, "from", name_of(listing->live, &version->author, hex));
    return row;
}

static bool take_request(void *arg, const struct version *version)
{
    struct listing *listing = arg;
    json_t *row = row_of(listing, version);
    if (row != NULL) {
        json_array_append_new(listing->requests, row);
    }
    return true;
}

/* By the request that it answers. */
static bool take_answer(void *arg, const struct version *version)
{
    struct listing *listing = arg;
    json_t *row = row_of(listing, version), *list;
    const char *request = json_string_value(json_object_get(row, "request"));
    if (row == NULL || request == NULL) {
        json_decref(row);
        return true;
    }
    list = json_object_get(listing->answers, request);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(listing->answers, request, list);
    }
    json_array_append_new(list, row);
    return true;
}

static void copy(json_t *to, const json_t *from, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        json_t *value = json_object_get(from, *keys);
        json_object_set(to, *keys, value != NULL ? value : json_null());
    }
}

struct owner {
    bool is_known;
    struct node_id node;
};

static bool take_owner(void *arg, const struct version *version)
{
    *(struct owner *)arg = (struct owner){true, version->author};
    return false;
}

/* Whose record a request is about: null when it is not here. */
static json_t *owner_of(const struct listing *listing, struct views_read *views, const json_t *request)
{
    const char *about = json_string_value(json_object_get(request, "about"));
    struct owner owner = {.is_known = false};
    struct record_id id;
    char hex[HEX_ID];
    if (about == NULL || !hex_decode(about, id.b, sizeof id.b) || views_versions(views, &id, take_owner, &owner) != ERR_OK || !owner.is_known) {
        return json_null();
    }
    return json_string(name_of(listing->live, &owner.node, hex));
}

/* Only the owner's answer counts, when it was asked, and only about what it was asked; of several the last by day. */
static json_t *answer_to(const struct listing *listing, const json_t *request, const json_t *owner)
{
    static const char *const keys[] = {"id", "date", "decision", "pass_to", "why", "valid_until", NULL};
    const char *asked = json_string_value(json_object_get(request, "asked")), *about = json_string_value(json_object_get(request, "about"));
    const json_t *answer, *best = NULL;
    size_t i;
    if (json_is_string(owner) && (asked == NULL || strcmp(json_string_value(owner), asked) != 0)) {
        return json_null(); /* it asks somebody whose word means nothing */
    }
    json_array_foreach(json_object_get(listing->answers, json_string_value(json_object_get(request, "id"))), i, answer)
    {
        const char *from = json_string_value(json_object_get(answer, "from")), *of = json_string_value(json_object_get(answer, "about"));
        if (asked != NULL && about != NULL && from != NULL && of != NULL && strcmp(from, asked) == 0 && strcmp(of, about) == 0) {
            const char *date = json_string_value(json_object_get(answer, "date")), *before = json_string_value(json_object_get(best, "date"));
            best = best == NULL || (date != NULL && before != NULL && strcmp(date, before) >= 0) ? answer : best;
        }
    }
    if (best == NULL) {
        return json_null();
    }
    json_t *ret = json_object();
    copy(ret, best, keys);
    return ret;
}

/* Has the day passed by which it was to be answered? Days as text, at their precision, compare as text. */
static bool is_overdue(const json_t *request)
{
    const char *by = json_string_value(json_object_get(request, "answer_by"));
    time_t now = (time_t)(wall_now().ms / 1000);
    struct tm utc;
    char today[16] = "";
    return by != NULL && gmtime_r(&now, &utc) != NULL && strftime(today, sizeof today, "%Y-%m-%d", &utc) > 0 && strncmp(by, today, strlen(by)) < 0;
}

static json_t *rows_of(const struct listing *listing, struct views_read *views)
{
    static const char *const keys[] = {"id", "about", "version", "from", "asked", "pass_to", "why", "date", "answer_by", NULL};
    json_t *rows = json_array(), *request;
    size_t i;
    json_array_foreach(listing->requests, i, request)
    {
        const char *asked = json_string_value(json_object_get(request, "asked"));
        json_t *row = json_object();
        copy(row, request, keys);
        json_object_set_new(row, "incoming", json_boolean(asked != NULL && strcmp(asked, listing->service->home->name) == 0));
        json_t *owner = owner_of(listing, views, request);
        json_object_set_new(row, "answer", answer_to(listing, request, owner));
        json_object_set_new(row, "owner", owner);
        json_object_set_new(row, "overdue", json_boolean(json_is_null(json_object_get(row, "answer")) && is_overdue(request)));
        json_array_append_new(rows, row);
    }
    return rows;
}

json_t *answer_requests(struct service *service, const json_t *request, enum err *ret_err)
{
    struct live live;
    struct listing listing = {.service = service, .live = &live};
    struct query_result requests = {0}, answers = {0};
    struct views_read *views;
    const char *why;
    size_t at;
    json_t *answer, *rows = NULL;
    (void)request;
    *ret_err = service_live(service, &live);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the requests could not be read", NULL, NULL);
    }
    listing.unpack = unpack_new();
    listing.record = malloc(sizeof *listing.record);
    listing.requests = json_array();
    listing.answers = json_object();
    *ret_err = listing.unpack == NULL || listing.record == NULL ? ERR_MEMORY : views_read_begin(service->views, service->store, &views);
    if (*ret_err == ERR_OK) {
        *ret_err = views_search(views, span_text("kind:request"), 0, REQUESTS_MAX, take_request, &listing, &requests, &at, &why);
        if (*ret_err == ERR_OK) {
            *ret_err = views_search(views, span_text("kind:answer"), 0, ANSWERS_MAX, take_answer, &listing, &answers, &at, &why);
        }
        rows = *ret_err == ERR_OK ? rows_of(&listing, views) : NULL;
        views_read_end(&views);
    }
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.requests/1");
        json_object_set_new(answer, "requests", rows);
        answer_number(answer, "left_out", requests.total > requests.count ? requests.total - requests.count : 0);
    } else {
        answer = service_error(*ret_err, "the requests could not be read", NULL, "griot fsck");
    }
    json_decref(listing.requests);
    json_decref(listing.answers);
    free(listing.record);
    unpack_destroy(&listing.unpack);
    live_fini(&live);
    return answer;
}

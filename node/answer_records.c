#include "node/service.h"

#include "node/missing.h"
#include "node/restriction.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEARCH_LIMIT_DEFAULT = 20, SEARCH_LIMIT_MAX = 1000, TRACE_NODES_MAX = MEMBERS_MAX, HEX_ID = 33, NAMED_MAX = 1000 };

static json_t *span_json(struct span text) { return json_stringn(text.n > 0 ? (const char *)text.p : "", text.n); }

/* ---- one record as JSON ---- */

static json_t *value_json(const struct record_value *value)
{
    if (value->field->type == FIELD_FLAG) {
        return json_boolean(span_equal(value->text, span_text("true")));
    }
    json_t *text = span_json(value->text);
    return text != NULL ? text : json_string("?"); /* a payload with text that JSON cannot hold was never admitted by us */
}

static void put_value(json_t *object, const struct record_value *value)
{
    const char *name = value->field->name;
    if (!(value->field->flags & FIELD_REPEATED)) {
        json_object_set_new(object, name, value_json(value));
        return;
    }
    json_t *list = json_object_get(object, name);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(object, name, list);
    }
    json_array_append_new(list, value_json(value));
}

json_t *record_json(const struct record *record)
{
    json_t *fields = json_object();
    for (size_t i = 0; i < record->value_count; i++) {
        const struct record_value *value = &record->values[i];
        if (value->group == NULL) {
            put_value(fields, value);
            continue;
        }
        json_t *items = json_object_get(fields, value->group->name);
        if (items == NULL) {
            items = json_array();
            json_object_set_new(fields, value->group->name, items);
        }
        while (json_array_size(items) < value->item) {
            json_array_append_new(items, json_object());
        }
        put_value(json_array_get(items, value->item - 1), value);
    }
    return fields;
}

/* ---- names of nodes ---- */

static const char *node_name(const struct live *live, const struct node_id *node, char hex[HEX_ID])
{
    for (size_t i = 0; i < live->origin_count; i++) {
        if (node_id_equal(&live->origins[i].node, node)) {
            return live->origins[i].name;
        }
    }
    return hex_encode(node->b, sizeof node->b, hex);
}

/* ---- what every answer about records begins with ---- */

struct view {
    struct live live;
    struct views_read *read;
    struct unpack *unpack;
    struct missing *missing;
    struct restriction *restriction;
    struct record record;
};

static enum err view_open(struct service *service, struct view **ret)
{
    struct view *view = calloc(1, sizeof *view);
    *ret = NULL;
    if (view == NULL) {
        return ERR_MEMORY;
    }
    enum err err = service_live(service, &view->live);
    if (err != ERR_OK) {
        free(view);
        return err;
    }
    view->unpack = unpack_new();
    err = view->unpack == NULL ? ERR_MEMORY : views_read_begin(service->views, service->store, &view->read);
    if (err == ERR_OK) {
        err = missing_new(service, &view->live, &view->missing);
    }
    if (err == ERR_OK) {
        err = restriction_new(service->store, &view->live, &view->restriction);
    }
    if (err != ERR_OK) {
        missing_destroy(&view->missing);
        views_read_end(&view->read);
        live_fini(&view->live);
        unpack_destroy(&view->unpack);
        free(view);
        return err;
    }
    *ret = view;
    return ERR_OK;
}

static void view_close(struct view *view)
{
    if (view != NULL) {
        missing_destroy(&view->missing);
        restriction_destroy(&view->restriction);
        views_read_end(&view->read);
        unpack_destroy(&view->unpack);
        live_fini(&view->live);
        free(view);
    }
}

static void put_restriction(struct view *view, const struct version *version, json_t *row)
{
    restriction_put(view->restriction, version, row);
}

static json_t *unreadable(enum err err) { return service_error(err, "the records could not be read", NULL, "griot fsck"); }

bool answer_is_guarded(const struct record *record)
{
    struct span tlp = record_get(record, "tlp");
    return record_is_nominal(record) || span_equal(tlp, span_text("RED")) || span_equal(tlp, span_text("AMBER+STRICT"));
}

/* ---- search ---- */

struct search {
    struct view *view;
    json_t *hits;
    struct audit_note *note;
    uint64_t guarded;
};

static void put_summary(json_t *hit, const struct record *record)
{
    static const char *const date[] = {"date", "event_date", NULL}, *const country[] = {"country", NULL}, *const place[] = {"place", NULL},
                             *const what[] = {"title", "commodity", "description", "species", "heading", NULL}, *const quantity[] = {"quantity", NULL},
                             *const unit[] = {"unit", NULL}, *const text[] = {"narrative", "threat", "description", NULL};
    static const struct {
        const char *key;
        const char *const *names;
    } parts[] = {{"date", date}, {"country", country}, {"place", place}, {"what", what}, {"quantity", quantity}, {"unit", unit}, {"text", text}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct span value = span_of(NULL, 0);
        for (const char *const *name = parts[i].names; *name != NULL && value.n == 0; name++) {
            value = record_get(record, *name);
        }
        json_object_set_new(hit, parts[i].key, span_json(value));
    }
}

/* An aggregate never looks like one event. */
static void put_aggregate(json_t *hit, const struct record *record)
{
    struct span text = record_get(record, "event_count");
    uint64_t count = 0;
    bool is_count = text.n > 0 && text.n <= 18; /* digits that fit */
    for (size_t i = 0; is_count && i < text.n; i++) {
        is_count = text.p[i] >= '0' && text.p[i] <= '9';
        count = 10 * count + (uint64_t)(text.p[i] - '0');
    }
    json_object_set_new(hit, "is_aggregate", json_boolean(span_equal(record_get(record, "is_aggregate"), span_text("true"))));
    json_object_set_new(hit, "event_count", is_count ? json_integer((json_int_t)count) : json_null());
}

static bool put_hit(void *arg, const struct version *version)
{
    struct search *search = arg;
    const char *clause;
    char hex[HEX_ID];
    json_t *hit = json_object();
    answer_hex(hit, "id", version->id.b, sizeof version->id.b);
    if (record_decode(search->view->unpack, version->payload, &search->view->record, &clause) == ERR_OK) {
        const struct kind *kind = kind_by_number(search->view->record.kind);
        answer_text(hit, "kind", kind != NULL ? kind->name : "unknown");
        answer_text(hit, "origin", node_name(&search->view->live, &version->author, hex));
        put_summary(hit, &search->view->record);
        if (version->is_sealed || answer_is_guarded(&search->view->record)) {
            search->guarded++;
            if (search->note != NULL) {
                audit_note_subject(search->note, version->id.b, sizeof version->id.b);
            }
        }
        put_aggregate(hit, &search->view->record);
    }
    put_restriction(search->view, version, hit);
    json_array_append_new(search->hits, hit);
    return true;
}

/* "complete for 25 of 26 origins": an origin is complete when it has been heard of and nothing known of it is missing here. While nobody is heard, that
 * can be said of this node alone. */
static json_t *complete_json(struct service *service, const struct live *live, struct views_read *read)
{
    struct views_count count = {0};
    json_t *complete = json_object(), *unknown = json_array(), *behind = json_array();
    bool is_alone = live_is_alone(live);
    size_t whole = 0;
    for (size_t i = 0; i < live->origin_count; i++) {
        const struct live_origin *origin = &live->origins[i];
        bool is_self = node_id_equal(&origin->node, &service->home->node);
        if ((is_alone || !origin->is_heard) && !is_self) {
            json_array_append_new(unknown, json_string(origin->name));
        } else if (origin->missing > 0) {
            json_array_append_new(behind, json_string(origin->name));
        } else {
            whole++;
        }
    }
    answer_number(complete, "origins", whole);
    answer_number(complete, "of", live->origin_count);
    answer_number(complete, "missing", live->missing);
    json_object_set_new(complete, "unknown", unknown);
    json_object_set_new(complete, "behind", behind);
    answer_heard(complete, live);
    uint64_t left = views_count(read, &count) == ERR_OK && count.journal > count.followed ? count.journal - count.followed : 0;
    answer_number(complete, "index_behind", left);
    return complete;
}

json_t *answer_search(struct service *service, const json_t *request, enum err *ret_err)
{
    struct view *view;
    const char *query = json_string_value(json_object_get(request, "query"));
    json_int_t limit = json_integer_value(json_object_get(request, "limit")), offset = json_integer_value(json_object_get(request, "offset"));
    limit = json_object_get(request, "limit") == NULL ? SEARCH_LIMIT_DEFAULT : limit;
    if (query == NULL || limit < 0 || limit > SEARCH_LIMIT_MAX || offset < 0) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "the search needs a query, a limit of 0 to 1000 and an offset of 0 or more", NULL, "griot search WORDS");
    }
    uint64_t begin = mono_now().ms;
    *ret_err = view_open(service, &view);
    if (*ret_err != ERR_OK) {
        return unreadable(*ret_err);
    }
    struct search search = {view, json_array(), service->note, 0};
    struct query_result result = {0};
    size_t at = 0;
    const char *why = NULL;
    *ret_err = views_search(view->read, span_text(query), (uint64_t)offset, (size_t)limit, put_hit, &search, &result, &at, &why);
    json_t *answer;
    if (search.note != NULL) { /* how many there are, how many of them were shown, how many of those are guarded, and which */
        audit_note_count(search.note, result.total);
        audit_note_count(search.note, json_array_size(search.hits));
        audit_note_count(search.note, search.guarded);
        search.note->is_guarded = search.guarded > 0;
    }
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.search/1");
        answer_text(answer, "query", query);
        answer_number(answer, "total", result.total);
        json_object_set_new(answer, "complete", complete_json(service, &view->live, view->read));
        json_object_set(answer, "hits", search.hits);
        answer_number(answer, "offset", (uint64_t)offset);
        answer_number(answer, "took_ms", mono_now().ms - begin);
    } else if (*ret_err == ERR_INVALID) {
        char what[160];
        snprintf(what, sizeof what, "the query cannot be understood at character %zu", at + 1);
        answer = service_error(ERR_INVALID, what, why, "griot search --help");
    } else {
        answer = unreadable(*ret_err);
    }
    json_decref(search.hits);
    view_close(view);
    return answer;
}

/* ---- show, trace ---- */

enum err resolve_id(struct views_read *read, const json_t *request, struct record_id *ret)
{
    const char *text = json_string_value(json_object_get(request, "id"));
    char hex[HEX_ID];
    size_t n = 0, count = 0;
    for (const char *p = text != NULL ? text : ""; *p != '\0'; p++) {
        if (*p == '-') {
            continue;
        }
        if (n + 1 >= sizeof hex || !isxdigit((unsigned char)*p)) {
            return ERR_INVALID;
        }
        hex[n++] = (char)tolower((unsigned char)*p);
    }
    hex[n] = '\0';
    if (n < 4) {
        return ERR_INVALID;
    }
    struct record_id found[2];
    enum err err = views_resolve(read, hex, found, 2, &count);
    if (err == ERR_OK) {
        *ret = found[0];
        err = count == 0 ? ERR_NOT_FOUND : count > 1 ? ERR_EXISTS : ERR_OK;
    }
    return err;
}

json_t *no_such_record(enum err err)
{
    if (err == ERR_INVALID) {
        return service_error(err, "that is not a record id", "an id is 32 hexadecimal digits, or its first 4 or more", "griot search WORDS shows ids");
    }
    if (err == ERR_NOT_FOUND) {
        return service_error(err, "no record with that id is here", "it may not have arrived yet", "griot lag shows what is missing here");
    }
    if (err == ERR_EXISTS) {
        return service_error(err, "several records begin with these digits", "an id needs enough digits to be one record's alone", "give more digits");
    }
    return unreadable(err);
}

struct named { /* a version that another one names as replaced */
    struct node_id author;
    struct hash content;
};

struct listing {
    struct view *view;
    json_t *versions;
    bool is_guarded; /* one of them is */
    const struct kind *kind;
    struct version *found; /* for trace */
    size_t count;
    struct hash *held; /* of versions shown */
    struct named *named;
    size_t held_count, named_count;
};

static void note_held(struct listing *listing, const struct version *version)
{
    struct hash *more = realloc(listing->held, (listing->held_count + 1) * sizeof *more);
    if (more != NULL) {
        listing->held = more;
        listing->held[listing->held_count++] = version->content;
    }
}

static void note_named(struct listing *listing, const struct version *version)
{
    const struct record *record = &listing->view->record;
    struct named *more = record->replaces_count == 0 || listing->named_count >= NAMED_MAX ? NULL : realloc(listing->named, (listing->named_count + record->replaces_count) * sizeof *more);
    for (uint32_t i = 0; more != NULL && i < record->replaces_count; i++) {
        listing->named = more;
        listing->named[listing->named_count++] = (struct named){version->author, record->replaces[i]};
    }
}

/* Versions that are named and not here: each once. */
static json_t *not_here(struct listing *listing)
{
    json_t *list = json_array();
    for (size_t i = 0; i < listing->named_count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < listing->held_count && !is_known; k++) {
            is_known = hash_equal(&listing->held[k], &listing->named[i].content);
        }
        for (size_t k = 0; k < i && !is_known; k++) {
            is_known = hash_equal(&listing->named[k].content, &listing->named[i].content);
        }
        if (!is_known) {
            missing_named(listing->view->missing, listing->view->read, &listing->named[i].author, &listing->named[i].content, list);
        }
    }
    return list;
}

static bool put_version(void *arg, const struct version *version)
{
    struct listing *listing = arg;
    const char *clause;
    char hex[HEX_ID];
    json_t *row = json_object();
    json_object_set_new(row, "current", json_boolean(version->is_current));
    json_object_set_new(row, "disputed", json_boolean(version->is_disputed));
    answer_hex(row, "version", version->content.b, sizeof version->content.b);
    answer_text(row, "origin", node_name(&listing->view->live, &version->author, hex));
    answer_text(row, "channel", channel_name(version->channel));
    answer_number(row, "log", version->log_number);
    answer_number(row, "seq", version->seq);
    answer_time(row, "recorded", version->author_time);
    missing_put(listing->view->missing, version, row);
    note_held(listing, version);
    put_restriction(listing->view, version, row);
    if (version->is_gone || version->is_expired || version->payload.n == 0) {
        json_array_append_new(listing->versions, row);
        return true;
    }
    if (record_decode(listing->view->unpack, version->payload, &listing->view->record, &clause) == ERR_OK) {
        note_named(listing, version);
        listing->kind = kind_by_number(listing->view->record.kind);
        listing->is_guarded = listing->is_guarded || version->is_sealed || answer_is_guarded(&listing->view->record);
        answer_number(row, "depth", listing->view->record.depth);
        json_object_set_new(row, "fields", record_json(&listing->view->record));
        answer_number(row, "completeness", record_completeness(&listing->view->record));
    } else {
        answer_text(row, "unreadable", clause != NULL ? clause : "");
    }
    json_array_append_new(listing->versions, row);
    return true;
}

/* Of a record that is not in the index: why it was erased, when that is why. */
static json_t *erased_record(struct service *service, struct view *view, const json_t *request, const char *schema, enum err *ret_err)
{
    json_t *answer = *ret_err == ERR_NOT_FOUND ? missing_record(service, view->missing, json_string_value(json_object_get(request, "id")), schema) : NULL;
    if (answer != NULL) {
        *ret_err = ERR_OK;
        return answer;
    }
    return no_such_record(*ret_err);
}

json_t *answer_show(struct service *service, const json_t *request, enum err *ret_err)
{
    struct view *view;
    struct record_id id = {{0}};
    *ret_err = view_open(service, &view);
    if (*ret_err != ERR_OK) {
        return unreadable(*ret_err);
    }
    struct listing listing = {.view = view, .versions = json_array()};
    *ret_err = resolve_id(view->read, request, &id);
    if (*ret_err == ERR_OK) {
        *ret_err = views_versions(view->read, &id, put_version, &listing);
    }
    if (service->note != NULL) {
        service->note->is_wanted = service->note->is_guarded = *ret_err == ERR_OK && listing.is_guarded;
        audit_note_subject(service->note, id.b, sizeof id.b);
    }
    json_t *answer;
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.show/1");
        answer_hex(answer, "id", id.b, sizeof id.b);
        answer_text(answer, "kind", listing.kind != NULL ? listing.kind->name : "unknown");
        answer_dispute(listing.versions, service);
        json_object_set(answer, "versions", listing.versions);
        json_object_set_new(answer, "not_here", not_here(&listing));
    } else {
        answer = erased_record(service, view, request, "griot.show/1", ret_err);
    }
    json_decref(listing.versions);
    free(listing.held);
    free(listing.named);
    view_close(view);
    return answer;
}

static bool keep_version(void *arg, const struct version *version)
{
    struct listing *listing = arg;
    struct version *more = realloc(listing->found, (listing->count + 1) * sizeof *more);
    if (more == NULL) {
        return false;
    }
    listing->found = more;
    listing->found[listing->count++] = *version;
    return true;
}

struct holders {
    struct service *service;
    struct view *view;
    const struct version *version;
    struct log_id log;
    struct head *heads;
    uint8_t states[TRACE_NODES_MAX]; /* by origin index: 0 unknown, 1 not yet, 2 held */
};

static bool put_holder(void *arg, const struct notice_ref *ref, struct span bytes, struct span heads_bytes)
{
    struct holders *holders = arg;
    const char *clause;
    size_t count;
    (void)bytes;
    if (ref->kind != NOTICE_FRONTIER || heads_decode(holders->view->unpack, heads_bytes, holders->heads, FRONTIER_HEADS_MAX, &count, &clause) != ERR_OK) {
        return true;
    }
    for (size_t i = 0; i < holders->view->live.origin_count && i < TRACE_NODES_MAX; i++) {
        if (memcmp(holders->view->live.origins[i].node.b, ref->subject, sizeof ref->subject) != 0) {
            continue;
        }
        holders->states[i] = 1;
        for (size_t j = 0; j < count; j++) {
            if (log_id_compare(&holders->heads[j].log, &holders->log) == 0 && holders->heads[j].seq >= holders->version->seq) {
                holders->states[i] = 2;
            }
        }
    }
    return true;
}

static json_t *trace_version(struct holders *holders, struct store_read *read)
{
    const struct live *live = &holders->view->live;
    const struct version *version = holders->version;
    struct log_info log;
    char hex[HEX_ID], state[64];
    json_t *row = json_object(), *held = json_array(), *not_yet = json_array(), *unknown = json_array();
    size_t hubs = 0;
    memset(holders->states, 0, sizeof holders->states);
    if (store_log_by_number(read, version->log_number, &log) == ERR_OK) {
        holders->log = log.head.log;
        (void)!store_notices(read, put_holder, holders);
        answer_hex(row, "log", log.head.log.b, sizeof log.head.log.b);
    }
    for (size_t i = 0; i < live->origin_count && i < TRACE_NODES_MAX; i++) {
        bool is_here = node_id_equal(&live->origins[i].node, &holders->service->home->node);
        int known = is_here ? 2 : holders->states[i];
        json_array_append_new(known == 2 ? held : known == 1 ? not_yet : unknown, json_string(live->origins[i].name));
        hubs += known == 2 && live->origins[i].role == ROLE_HUB;
    }
    size_t holding = json_array_size(held);
    if (holding <= 1 && hubs == 0) {
        snprintf(state, sizeof state, "recorded here");
    } else if (holding > 1 + hubs || holding == live->origin_count) {
        snprintf(state, sizeof state, "held by %zu of %zu", holding, live->origin_count);
    } else {
        snprintf(state, sizeof state, "on %zu hub%s", hubs, hubs == 1 ? "" : "s");
    }
    answer_hex(row, "version", version->content.b, sizeof version->content.b);
    answer_text(row, "origin", node_name(live, &version->author, hex));
    answer_text(row, "channel", channel_name(version->channel));
    answer_number(row, "seq", version->seq);
    answer_time(row, "recorded", version->author_time);
    answer_text(row, "state", state);
    answer_number(row, "hubs", hubs);
    json_object_set_new(row, "current", json_boolean(version->is_current));
    missing_put(holders->view->missing, version, row);
    put_restriction(holders->view, version, row);
    json_object_set_new(row, "held_by", held);
    json_object_set_new(row, "not_yet", not_yet);
    json_object_set_new(row, "unknown", unknown);
    return row;
}

json_t *answer_trace(struct service *service, const json_t *request, enum err *ret_err)
{
    struct view *view;
    struct record_id id;
    struct store_read *read = NULL;
    *ret_err = view_open(service, &view);
    if (*ret_err != ERR_OK) {
        return unreadable(*ret_err);
    }
    struct listing listing = {.view = view, .versions = json_array()};
    struct holders *holders = calloc(1, sizeof *holders);
    struct head *heads = malloc(FRONTIER_HEADS_MAX * sizeof *heads);
    *ret_err = holders == NULL || heads == NULL ? ERR_MEMORY : resolve_id(view->read, request, &id);
    if (*ret_err == ERR_OK) {
        *ret_err = views_versions(view->read, &id, keep_version, &listing);
    }
    if (service->note != NULL && *ret_err == ERR_OK) {
        audit_note_subject(service->note, id.b, sizeof id.b);
    }
    if (*ret_err == ERR_OK) {
        *ret_err = store_read_begin(service->store, &read);
    }
    json_t *answer;
    if (*ret_err == ERR_OK) {
        holders->service = service;
        holders->view = view;
        holders->heads = heads;
        for (size_t i = 0; i < listing.count; i++) {
            holders->version = &listing.found[i];
            json_array_append_new(listing.versions, trace_version(holders, read));
        }
        answer = answer_new(service, "griot.trace/1");
        answer_hex(answer, "id", id.b, sizeof id.b);
        json_object_set(answer, "versions", listing.versions);
    } else {
        answer = erased_record(service, view, request, "griot.trace/1", ret_err);
    }
    store_read_end(&read);
    json_decref(listing.versions);
    free(listing.found);
    free(holders);
    free(heads);
    view_close(view);
    return answer;
}

#include "node/service.h"

#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FOLLOW_ITEMS = 4096, COMMIT_TRIES_MAX = 4 };

/* Index what the journal holds. On a full disk, and before a damaged commit, the index stays behind, and answers say how far: what is there can
 * still be read, and checked. */
static enum err follow(struct service *service)
{
    uint64_t left = 1;
    enum err err = ERR_OK;
    while (err == ERR_OK && left > 0) {
        err = views_follow(service->views, service->store, FOLLOW_ITEMS, &left);
    }
    return err == ERR_FULL || err == ERR_CORRUPT ? ERR_OK : err;
}

enum err service_open(struct home *home, struct service *ret)
{
    *ret = (struct service){.home = home};
    person_self(&ret->person);
    enum err err = store_open(home->path, &ret->store);
    if (err == ERR_OK) {
        store_set_reserve(ret->store, home->config.disk_reserve_mib << 20);
    }
    ret->writer = err == ERR_OK ? calloc(1, sizeof *ret->writer) : NULL;
    if (err == ERR_OK) {
        err = ret->writer == NULL ? ERR_MEMORY : writer_open(home, ret->store, ret->writer);
    }
    if (err == ERR_OK) {
        err = opener_new(ret->store, home->keyring, &ret->opener);
    }
    if (err == ERR_OK) {
        err = views_open(home->path, ret->opener, &ret->views);
        if ((err == ERR_CORRUPT || err == ERR_LAYOUT) && views_drop(home->path) == ERR_OK) {
            err = views_open(home->path, ret->opener, &ret->views);
        }
    }
    err = err == ERR_OK ? follow(ret) : err;
    if (err == ERR_OK) {
        struct sync_config config = {.self = home->node, .role = home->role, .timing = sync_timing_of(PROFILE_OPEN), .seed = 1};
        ret->sync = sync_new(&config);
        err = ret->sync == NULL ? ERR_MEMORY : core_load(ret->sync, ret->store, ret->writer->membership);
    }
    if (err != ERR_OK) {
        service_close(ret);
    }
    return err;
}

void service_close(struct service *service)
{
    sync_destroy(&service->sync);
    views_close(&service->views);
    opener_destroy(&service->opener);
    if (service->writer != NULL) {
        writer_close(service->writer);
        free(service->writer);
    }
    store_close(&service->store);
    *service = (struct service){0};
}

/* In this process: nobody else writes. */
static enum err change_here(struct service *service, writer_change change, void *arg, bool is_small)
{
    enum err err = ERR_BUSY;
    for (int i = 0; i < COMMIT_TRIES_MAX && err == ERR_BUSY; i++) { /* busy: the map has grown under it, nothing is stored */
        err = is_small ? store_begin_small(service->store) : store_begin(service->store);
        if (err != ERR_OK) {
            return err;
        }
        writer_forget(service->writer);
        err = change(service->writer, arg);
        if (err != ERR_OK) {
            store_abort(service->store);
            return err;
        }
        err = store_commit(service->store);
    }
    return err;
}

struct noted_change {
    writer_change change;
    void *arg;
    struct audit_note *note;
};

static enum err change_noted(struct writer *writer, void *arg)
{
    struct noted_change *noted = arg;
    enum err err = noted->change(writer, noted->arg);
    if (err == ERR_OK && noted->note->describe != NULL) {
        noted->note->describe(noted->note, noted->arg);
    }
    return err == ERR_OK ? audit_note_append(writer, noted->note) : err;
}

enum err service_change(struct service *service, writer_change change, void *arg)
{
    struct noted_change noted = {change, arg, service->note};
    if (noted.note != NULL) {
        change = change_noted;
        arg = &noted;
    }
    enum err err = service->core != NULL ? core_change(service->core, change, arg) : change_here(service, change, arg, false);
    if (err == ERR_OK && noted.note != NULL) {
        noted.note->is_written = true;
    }
    if (service->core != NULL) {
        return err;
    }
    bool has_notice = service->writer->has_notice;
    writer_forget(service->writer); /* peers are told by the daemon when it starts */
    if (err == ERR_OK && has_notice) {
        err = writer_refresh(service->writer);
    }
    return err == ERR_OK ? follow(service) : err;
}

struct waiting {
    struct audit_note *notes;
    size_t count;
    struct audit_note *last;
};

static enum err append_waiting(struct writer *writer, void *arg)
{
    struct waiting *waiting = arg;
    enum err err = ERR_OK;
    for (size_t i = 0; i < waiting->count && err == ERR_OK; i++) {
        err = audit_note_append(writer, &waiting->notes[i]);
    }
    return err == ERR_OK ? audit_note_append(writer, waiting->last) : err;
}

enum err service_audit(struct service *service, struct audit_note *note)
{
    struct waiting waiting = {.last = note};
    if (service->queue != NULL) {
        waiting.notes = audit_queue_take(service->queue, &waiting.count);
    }
    enum err err = service->core != NULL ? core_change_small(service->core, append_waiting, &waiting) : change_here(service, append_waiting, &waiting, true);
    if (err != ERR_OK && waiting.count > 0) {
        audit_queue_put_back(service->queue, waiting.notes, waiting.count);
    } else {
        free(waiting.notes);
    }
    if (err == ERR_FULL && !note->is_guarded && service->queue != NULL && audit_queue_add(service->queue, note)) {
        return ERR_OK;
    }
    return err;
}

enum err service_live(struct service *service, struct live *ret)
{
    if (service->core != NULL) {
        return core_live(service->core, ret);
    }
    *ret = (struct live){.is_gap_open = service->writer->is_gap_open};
    enum err err = core_origins(service->sync, service->writer->membership, ret);
    ret->peers = err == ERR_OK ? calloc(1, sizeof *ret->peers) : NULL;
    if (err == ERR_OK && ret->peers == NULL) {
        live_fini(ret);
        return ERR_MEMORY;
    }
    return err;
}

/* ---- parts ---- */

void answer_text(json_t *object, const char *key, const char *text) { json_object_set_new(object, key, json_string(text)); }

void answer_number(json_t *object, const char *key, uint64_t number)
{
    json_object_set_new(object, key, json_integer(number <= INT64_MAX ? (json_int_t)number : INT64_MAX));
}

void answer_hex(json_t *object, const char *key, const void *bytes, size_t n)
{
    char *hex = malloc(2 * n + 1);
    if (hex != NULL) {
        answer_text(object, key, hex_encode(bytes, n, hex));
        free(hex);
    }
}

void answer_time(json_t *object, const char *key, struct wall_ms time)
{
    time_t seconds = (time_t)(time.ms / 1000);
    struct tm utc;
    char text[40] = "unknown";
    if (gmtime_r(&seconds, &utc) != NULL && utc.tm_year < 8100) {
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    answer_text(object, key, text);
}

json_t *answer_new(struct service *service, const char *schema)
{
    json_t *answer = json_object();
    answer_text(answer, "schema", schema);
    answer_text(answer, "node", service->home->name);
    answer_time(answer, "at", wall_now());
    answer_text(answer, "from", service->core != NULL ? "daemon" : "store");
    return answer;
}

const char *channel_name(enum channel channel)
{
    static const char *const names[CHANNEL_COUNT] = {"control", "alert", "report", "bulk"};
    return (unsigned)channel < CHANNEL_COUNT ? names[channel] : "unknown";
}

const char *role_name(enum role role)
{
    static const char *const names[] = {"edge", "hub", "observer"};
    return (unsigned)role < 3 ? names[role] : "unknown";
}

json_t *service_error(enum err err, const char *what, const char *why, const char *todo)
{
    json_t *error = json_object();
    answer_text(error, "schema", "griot.error/1");
    answer_text(error, "code", err_name(err));
    answer_text(error, "what", what);
    answer_text(error, "why", why != NULL ? why : err_text(err));
    answer_text(error, "do", todo != NULL ? todo : "");
    return error;
}

json_t *service_error_value(enum err err, const char *what, const char *value, const char *why, const char *todo)
{
    json_t *error = service_error(err, what, why, todo);
    if (value[0] != '\0') {
        json_object_set_new(error, "value", json_string(value)); /* not UTF-8: left out */
    }
    return error;
}

/* ---- dispatch ---- */

static json_t *answer_anyway(struct service *service, const json_t *request, enum err *ret_err)
{
    (void)request;
    *ret_err = service_change(service, append_anyway, NULL);
    return *ret_err == ERR_OK ? answer_new(service, "griot.anyway/1") : service_error(*ret_err, "the node takes no records now", NULL, "try again");
}

/* An attempt that failed leaves a row too. When even that cannot be written, the reason is the same, and the answer says it. */
static void audit_refusal(struct service *service, struct audit_note *note, enum err err)
{
    note->entry.outcome = err;
    (void)!service_audit(service, note);
}

/* Counts of new, changed and unchanged records; the first records. */
static void describe_append(struct audit_note *note, const void *arg)
{
    const struct append *append = arg;
    uint64_t counts[3] = {0};
    audit_note_clear(note);
    note->entry.action = append->keyed > 0 || append->count > 1 ? AUDIT_IMPORT
                         : append->kind == RECORD_REQUEST      ? AUDIT_REQUEST
                         : append->kind == RECORD_ANSWER       ? AUDIT_ANSWER
                                                               : AUDIT_RECORD;
    for (size_t i = 0; i < append->count; i++) {
        counts[append->states[i]]++;
        if (append->states[i] != APPEND_UNCHANGED) {
            audit_note_subject(note, append->ids[i].b, sizeof append->ids[i].b);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        audit_note_count(note, counts[i]);
    }
}

static bool channel_of(const json_t *request, enum channel *ret)
{
    const char *name = json_string_value(json_object_get(request, "channel"));
    for (int channel = CHANNEL_ALERT; name != NULL && channel < CHANNEL_COUNT; channel++) {
        if (strcmp(channel_name((enum channel)channel), name) == 0) {
            *ret = (enum channel)channel;
            return true;
        }
    }
    return false;
}

/* The ids of those whom the person has seen. False: not such a list. */
static bool shown_of(const json_t *request, struct append_plan *ret)
{
    const json_t *list = json_object_get(request, "shown"), *id;
    size_t i;
    ret->has_shown = list != NULL;
    ret->shown.count = 0;
    json_array_foreach(list, i, id)
    {
        struct node_id node;
        const char *hex = json_string_value(id);
        if (hex == NULL || !hex_decode(hex, node.b, sizeof node.b) || audience_add(&ret->shown, &node) != ERR_OK) {
            return false;
        }
    }
    return list == NULL || json_is_array(list);
}

/* Who reads a batch of the plan: *ret NULL for the whole region, else yours to free. NULL, or the error. */
static json_t *plan_readers(struct service *service, const struct append_plan *plan, struct readers **ret, enum err *ret_err)
{
    json_t *error = NULL;
    *ret = NULL;
    *ret_err = ERR_OK;
    if (strcmp(plan->to, "region") != 0) {
        error = service_readers(service, plan->to, ret, ret_err);
    }
    if (error == NULL && *ret != NULL && (*ret)->is_region) {
        free(*ret);
        *ret = NULL;
    }
    if (error == NULL && plan->has_shown && (*ret == NULL ? plan->shown.count > 0 : !audience_equal(&plan->shown, &(*ret)->audience))) {
        free(*ret);
        *ret = NULL;
        *ret_err = ERR_STALE;
        error = service_error(ERR_STALE, "who can read it has changed since it was shown", "members, or the operation that was named, have changed meanwhile",
                              "enter it again, and look at who will be able to read it");
    }
    return error;
}

json_t *service_plan(struct service *service, const json_t *request, struct append_plan *ret, struct readers **ret_readers, enum err *ret_err)
{
    const json_t *to = json_object_get(request, "to");
    *ret_err = ERR_USAGE;
    *ret_readers = NULL;
    if (!shown_of(request, ret) || (to != NULL && (!json_is_string(to) || json_string_length(to) >= sizeof ret->to))) {
        return service_error(ERR_USAGE, "the request does not say who may read the records", NULL, NULL);
    }
    json_int_t day = json_integer_value(json_object_get(request, "expires"));
    if (day < 0 || day > UINT32_MAX) {
        return service_error(ERR_USAGE, "the request does not say when the records expire", NULL, NULL);
    }
    ret->expiry_day = (uint32_t)day;
    snprintf(ret->to, sizeof ret->to, "%s", to != NULL ? json_string_value(to) : "region");
    return plan_readers(service, ret, ret_readers, ret_err);
}

json_t *service_append_begin(struct service *service, const json_t *request, struct append_plan *ret, enum err *ret_err)
{
    struct readers *readers;
    *ret_err = ERR_USAGE;
    if (!channel_of(request, &ret->channel)) {
        return service_error(ERR_USAGE, "records go to the channel alert, report or bulk", NULL, NULL);
    }
    json_t *error = service_plan(service, request, ret, &readers, ret_err);
    free(readers);
    return error;
}

json_t *service_append(struct service *service, const struct append_plan *plan, struct span batch, enum err *ret_err)
{
    struct readers *readers;
    json_t *error = plan_readers(service, plan, &readers, ret_err);
    if (*ret_err != ERR_OK) {
        return error;
    }
    struct append *append = malloc(sizeof *append); /* large: its results are written by append_records, up to `count` */
    if (append == NULL) {
        free(readers);
        *ret_err = ERR_MEMORY;
        return service_error(ERR_MEMORY, "the records were not stored", NULL, "free some memory and try again");
    }
    append->channel = plan->channel;
    append->batch = batch;
    append->readers = readers;
    append->expiry_day = plan->expiry_day;
    append->count = append->kept = append->keyed = 0;
    append->clause = NULL;
    struct audit_note note;
    audit_note_init(&note, service->home, &service->person, AUDIT_RECORD);
    note.describe = describe_append;
    service->note = &note;
    *ret_err = service_change(service, append_records, append);
    service->note = NULL;
    if (*ret_err != ERR_OK) {
        audit_note_clear(&note);
        note.entry.action = append->keyed > 0 ? AUDIT_IMPORT : AUDIT_RECORD;
        audit_refusal(service, &note, *ret_err);
    }
    json_t *answer;
    if (*ret_err != ERR_OK) {
        answer = service_error(*ret_err, "the records were not stored", append->clause,
                               *ret_err == ERR_FULL         ? "free disk space; reading goes on, and nothing stored is lost"
                               : *ret_err == ERR_PERMISSION ? "enter it at an office whose node writes"
                               : *ret_err == ERR_GAP        ? "wait until griot status names nothing of this node as missing; when nobody can send it back: griot import --anyway"
                                                            : "correct the record and enter it again");
    } else {
        size_t counts[3] = {0};
        answer = json_object();
        json_t *ids = json_array(), *versions = json_array(), *states = json_array();
        static const char *const words[] = {"new", "updated", "unchanged"};
        for (size_t i = 0; i < append->count; i++) {
            char hex[2 * sizeof(struct hash) + 1];
            counts[append->states[i]]++;
            json_array_append_new(ids, json_string(hex_encode(append->ids[i].b, sizeof append->ids[i].b, hex)));
            json_array_append_new(versions, json_string(hex_encode(append->versions[i].b, sizeof append->versions[i].b, hex)));
            json_array_append_new(states, json_string(words[append->states[i]]));
        }
        for (size_t i = 0; i < 3; i++) {
            answer_number(answer, words[i], counts[i]);
        }
        answer_number(answer, "kept", append->kept);
        json_object_set_new(answer, "ids", ids);
        json_object_set_new(answer, "versions", versions);
        json_object_set_new(answer, "states", states);
    }
    free(append);
    free(readers);
    return answer;
}

/* A reader has met damage: nobody else need do so. */
static void heal_views(struct service *service)
{
    if (service->core != NULL) {
        service->drop_views(service->arg);
    } else {
        (void)!follow(service);
    }
}

/* Requests that leave a row in the audit trail. */
struct audited {
    const char *name;
    uint32_t action;
    bool is_before; /* the row is written before it is begun: what leaves the node has left a trace, however it ends */
};
static const struct audited audited[] = {
    {"search", AUDIT_SEARCH, false}, {"show", AUDIT_SHOW, false},       {"trace", AUDIT_TRACE, false},    {"backup", AUDIT_BACKUP, true}, {"admit", AUDIT_ADMIT, false},
    {"join", AUDIT_JOIN, false},     {"suspend", AUDIT_SUSPEND, false}, {"publish", AUDIT_ROTATE, false}, {"audit", AUDIT_READ, false},   {"grant", AUDIT_GRANT, false},
    {"erase", AUDIT_ERASE, false},   {"release", AUDIT_RELEASE, false},    {"classify", AUDIT_CLASSIFY, false}, {"quarantine", AUDIT_SHOW, false},
};

static const struct audited *audited_find(const char *name)
{
    for (size_t i = 0; i < sizeof audited / sizeof *audited; i++) {
        if (strcmp(audited[i].name, name) == 0) {
            return &audited[i];
        }
    }
    return NULL;
}

static json_t *unwritten(enum err err)
{
    return service_error(err, "the audit trail could not be written, and what it has to record is not done without it", NULL,
                         err == ERR_FULL ? "free disk space" : "look at the node's log and disk; griot fsck");
}

static json_t *answer_any(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    static const struct {
        const char *name;
        json_t *(*answer)(struct service *, const json_t *, enum err *);
        bool has_views; /* it reads them */
    } answers[] = {
        {"status", answer_status, true}, {"doctor", answer_doctor, true}, {"peers", answer_peers, false}, {"lag", answer_lag, false},         {"search", answer_search, true},
        {"show", answer_show, true},     {"trace", answer_trace, true},  {"backup", answer_backup, false},   {"admit", answer_admit, false},
        {"join", answer_join, false},    {"region", answer_region, false}, {"suspend", answer_suspend, false}, {"erase", answer_erase, true}, {"compact", answer_compact, false}, {"publish", answer_publish, false},
        {"audit", answer_audit, false},
        {"readers", answer_readers, true}, {"release", answer_release, true}, {"requests", answer_requests, true},
        {"anyway", answer_anyway, false}, {"forks", answer_forks, false}, {"classify", answer_classify, false}, {"quarantine", answer_quarantine, false},
    };
    const char *name = json_string_value(json_object_get(request, "do"));
    *ret_err = ERR_OK;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (strcmp(answers[i].name, name) == 0) {
            if (answers[i].has_views && service->settle_views != NULL) {
                service->settle_views(service->arg);
            }
            return answers[i].answer(service, request, ret_err);
        }
    }
    if (strcmp(name, "verify") == 0 || strcmp(name, "fsck") == 0) {
        return answer_check(service, request, progress, arg, ret_err);
    }
    if (strcmp(name, "rebuild") == 0) {
        return answer_rebuild(service, request, progress, arg, ret_err);
    }
    if (strcmp(name, "watch") == 0) {
        return answer_watch(service, request, progress, arg, ret_err);
    }
    if (strcmp(name, "grant") == 0 || strcmp(name, "sealed") == 0) {
        if (service->settle_views != NULL) {
            service->settle_views(service->arg);
        }
        return name[0] == 'g' ? answer_grant(service, request, progress, arg, ret_err) : answer_sealed(service, request, progress, arg, ret_err);
    }
    *ret_err = ERR_USAGE;
    return service_error(ERR_USAGE, "this node does not know that request", NULL, "use the same release for command and daemon");
}

static json_t *answer_audited(struct service *service, const struct audited *row, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    struct audit_note note;
    const char *typed = json_string_value(json_object_get(request, row->action == AUDIT_SEARCH ? "query" : "path"));
    audit_note_init(&note, service->home, &service->person, row->action);
    note.is_wanted = !json_is_true(json_object_get(request, "dry"));
    *ret_err = typed != NULL ? audit_note_typed(&note, service->home, typed) : ERR_OK;
    if (*ret_err == ERR_OK && row->is_before) {
        *ret_err = service_audit(service, &note);
        note.is_written = true;
    }
    if (*ret_err != ERR_OK) {
        return unwritten(*ret_err);
    }
    service->note = row->is_before ? NULL : &note;
    json_t *answer = answer_any(service, request, progress, arg, ret_err);
    service->note = NULL;
    if (*ret_err != ERR_OK) {
        note.entry.outcome = *ret_err;
        note.is_written = false;
        note.is_wanted = note.is_wanted || *ret_err == ERR_PERMISSION; /* what somebody was not allowed, even to look at beforehand */
    }
    if (note.is_wanted && !note.is_written) {
        enum err err = service_audit(service, &note);
        if (err != ERR_OK && *ret_err == ERR_OK) {
            json_decref(answer);
            *ret_err = err;
            return unwritten(err);
        }
    }
    return answer;
}

static json_t *answer_request(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    const char *name = json_string_value(json_object_get(request, "do"));
    const struct audited *row = name != NULL ? audited_find(name) : NULL;
    if (name == NULL) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "the request names nothing to do", NULL, NULL);
    }
    return row != NULL ? answer_audited(service, row, request, progress, arg, ret_err) : answer_any(service, request, progress, arg, ret_err);
}

json_t *service_answer(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    json_t *answer = answer_request(service, request, progress, arg, ret_err);
    if (service->views != NULL && views_starts_again(service->views)) {
        heal_views(service);
    }
    return answer;
}

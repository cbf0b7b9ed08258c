/* answer_watch.c - what happens at this node, told as it happens. What is durable is a row of the journal and bears its number as id: numbers rise by one
 * for ever, so whoever misses one knows, and asks again with the last he has. What only the running node knows (who is heard, which warnings stand) bears
 * no id: it is told whole at the beginning and whenever it changes. */
#include "node/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    LOOK_MS = 200,      /* at the journal */
    STATE_MS = 1000,    /* at peers and warnings */
    STILL_MS = 30000,   /* a sign of life when nothing happens */
    BATCH_ITEMS = 512,  /* of the journal, for one read transaction */
};

struct watch {
    struct service *service;
    service_progress progress;
    void *arg;
    uint64_t told; /* journal number */
    bool is_gone;  /* nobody listens */
    struct journal_item items[BATCH_ITEMS];
    size_t item_count;
    struct commit *commit;
    json_t *peers;    /* name -> state, as told last */
    json_t *warnings; /* code and whom -> true */
    uint64_t missing;
    bool has_missing;
    struct mono_ms spoke;
};

/* Takes the event. */
static void tell(struct watch *watch, json_t *event)
{
    if (event != NULL && !watch->is_gone) {
        answer_time(event, "at", wall_now());
        watch->is_gone = !watch->progress(watch->arg, event);
        watch->spoke = mono_now();
    }
    json_decref(event);
}

static json_t *event_new(const char *type, uint64_t id)
{
    json_t *event = json_object();
    answer_text(event, "schema", "griot.event/1");
    json_object_set_new(event, "id", id != 0 ? json_integer((json_int_t)id) : json_null());
    answer_text(event, "type", type);
    return event;
}

/* ---- the journal ---- */

static bool take_item(void *arg, const struct journal_item *item)
{
    struct watch *watch = arg;
    watch->items[watch->item_count++] = *item;
    return watch->item_count < BATCH_ITEMS;
}

static void put_origin(json_t *event, const struct membership *membership, const struct node_id *node)
{
    const struct member *member = membership != NULL ? membership_named(membership, node) : NULL;
    json_object_set_new(event, "origin", member != NULL ? json_string(member->name) : json_null());
    answer_hex(event, "origin_id", node->b, sizeof node->b);
}

static json_t *commit_event(struct watch *watch, struct store_read *read, const struct membership *membership, const struct journal_item *item)
{
    struct log_info log;
    struct hash hash;
    json_t *event = event_new(item->seq == 0 ? "log" : "commit", item->number);
    if (store_log_by_number(read, item->log_number, &log) != ERR_OK) {
        return event;
    }
    put_origin(event, membership, &log.node);
    answer_text(event, "channel", channel_name(log.channel));
    answer_hex(event, "log", log.head.log.b, sizeof log.head.log.b);
    answer_number(event, "seq", item->seq);
    if (item->seq > 0 && store_commit_at(read, item->log_number, item->seq, watch->commit, &hash) == ERR_OK) {
        answer_number(event, "entries", watch->commit->entry_count);
        answer_time(event, "recorded", watch->commit->author_time);
    }
    return event;
}

/* A payload was erased or freed: of which entry. */
static json_t *gone_event(struct store_read *read, const struct membership *membership, const struct journal_item *item)
{
    struct log_info log;
    json_t *event = event_new("gone", item->number);
    if (store_log_by_number(read, item->log_number, &log) == ERR_OK) {
        put_origin(event, membership, &log.node);
        answer_text(event, "channel", channel_name(log.channel));
        answer_hex(event, "log", log.head.log.b, sizeof log.head.log.b);
    }
    answer_number(event, "seq", item->seq);
    answer_number(event, "entry", item->entry);
    return event;
}

static json_t *notice_event(const struct membership *membership, const struct journal_item *item)
{
    static const char *const types[] = {"", "charter", "roster", "act", "card", "frontier", "fork"};
    struct node_id node;
    unsigned kind = (unsigned)item->ref.kind;
    json_t *event = event_new(kind < sizeof types / sizeof *types ? types[kind] : "notice", item->number);
    memcpy(node.b, item->ref.subject, sizeof node.b);
    if (item->ref.kind == NOTICE_ACT || item->ref.kind == NOTICE_CARD) {
        put_origin(event, membership, &node);
    }
    if (item->ref.kind == NOTICE_ROSTER || item->ref.kind == NOTICE_CARD) {
        answer_number(event, "number", item->ref.counter);
    }
    return event;
}

/* Tell the next rows. *ret_more: there are others behind them. */
static enum err tell_journal(struct watch *watch, bool *ret_more)
{
    struct store_read *read;
    struct membership *membership = NULL;
    *ret_more = false;
    enum err err = store_read_begin(watch->service->store, &read);
    if (err != ERR_OK) {
        return err;
    }
    if (store_journal_end(read) > watch->told) {
        watch->item_count = 0;
        err = store_journal(read, watch->told, take_item, watch);
        (void)!store_membership(read, sign_check, &membership);
        json_t *events[BATCH_ITEMS];
        for (size_t i = 0; i < watch->item_count; i++) {
            const struct journal_item *item = &watch->items[i];
            events[i] = item->type == JOURNAL_COMMIT   ? commit_event(watch, read, membership, item)
                        : item->type == JOURNAL_NOTICE ? notice_event(membership, item)
                        : item->type == JOURNAL_GONE   ? gone_event(read, membership, item)
                                                       : event_new("void", item->number);
        }
        *ret_more = store_journal_end(read) > watch->told + watch->item_count;
        membership_destroy(&membership);
        store_read_end(&read); /* before anything is written to a reader who may be slow */
        for (size_t i = 0; i < watch->item_count; i++) {
            tell(watch, events[i]);
        }
        watch->told = watch->item_count > 0 ? watch->items[watch->item_count - 1].number : watch->told;
        return err;
    }
    store_read_end(&read);
    return ERR_OK;
}

/* ---- what only the running node knows ---- */

static void tell_peers(struct watch *watch, const json_t *status)
{
    size_t i;
    const json_t *peer;
    json_array_foreach(json_object_get(status, "peers"), i, peer)
    {
        const char *name = json_string_value(json_object_get(peer, "name")), *state = json_string_value(json_object_get(peer, "state"));
        const char *was = name != NULL ? json_string_value(json_object_get(watch->peers, name)) : NULL;
        if (name == NULL || state == NULL || (was != NULL && strcmp(was, state) == 0)) {
            continue;
        }
        json_t *event = event_new("peer", 0);
        answer_text(event, "name", name);
        answer_text(event, "state", state);
        json_object_set_new(event, "was", was != NULL ? json_string(was) : json_null());
        json_object_set(event, "error", json_object_get(peer, "error"));
        json_object_set(watch->peers, name, json_object_get(peer, "state"));
        tell(watch, event);
    }
}

static void tell_warnings(struct watch *watch, const json_t *status)
{
    size_t i;
    const json_t *warning;
    json_t *kept;
    const char *key;
    json_t *now = json_object();
    json_array_foreach(json_object_get(status, "warnings"), i, warning)
    {
        const char *code = json_string_value(json_object_get(warning, "code")), *whom = json_string_value(json_object_get(warning, "whom_id"));
        char name[96];
        (void)snprintf(name, sizeof name, "%s %s", code != NULL ? code : "", whom != NULL ? whom : "");
        json_object_set(now, name, json_object_get(warning, "code"));
        if (json_object_get(watch->warnings, name) == NULL) {
            json_t *event = event_new("warning", 0);
            json_object_set(event, "code", json_object_get(warning, "code"));
            json_object_set(event, "text", json_object_get(warning, "text"));
            json_object_set(event, "do", json_object_get(warning, "do"));
            json_object_set(event, "whom", json_object_get(warning, "whom"));
            json_object_set_new(event, "is_over", json_false());
            tell(watch, event);
        }
    }
    json_object_foreach(watch->warnings, key, kept)
    {
        if (json_object_get(now, key) == NULL) {
            json_t *event = event_new("warning", 0);
            json_object_set(event, "code", kept);
            json_object_set_new(event, "is_over", json_true());
            tell(watch, event);
        }
    }
    json_decref(watch->warnings);
    watch->warnings = now;
}

static void tell_missing(struct watch *watch, const json_t *status)
{
    const json_t *total = json_object_get(json_object_get(status, "missing"), "total");
    uint64_t missing = (uint64_t)json_integer_value(total);
    if (watch->has_missing && watch->missing == missing) {
        return;
    }
    json_t *event = event_new("missing", 0);
    answer_number(event, "total", missing);
    tell(watch, event);
    watch->has_missing = true;
    watch->missing = missing;
}

static void tell_state(struct watch *watch)
{
    enum err err = ERR_OK;
    json_t *request = json_pack("{s:s}", "do", "status"), *status = answer_status(watch->service, request, &err);
    if (err == ERR_OK) {
        tell_peers(watch, status);
        tell_warnings(watch, status);
        tell_missing(watch, status);
    }
    json_decref(status);
    json_decref(request);
}

/* ---- the loop ---- */

static enum err watch_on(struct watch *watch, bool has_daemon)
{
    struct mono_ms looked = {0};
    bool is_first = true;
    for (;;) {
        bool has_more = false;
        enum err err = tell_journal(watch, &has_more);
        if (err != ERR_OK) {
            return err;
        }
        struct mono_ms now = mono_now();
        if (!has_more && (is_first || now.ms - looked.ms >= STATE_MS)) {
            tell_state(watch);
            looked = now;
            is_first = false;
        }
        if (!has_more && now.ms - watch->spoke.ms >= STILL_MS) {
            json_t *event = event_new("still", 0);
            answer_number(event, "after", watch->told);
            tell(watch, event);
        }
        if (watch->is_gone || !watch->progress(watch->arg, NULL) || (!has_daemon && !has_more)) {
            return ERR_OK;
        }
        if (!has_more) {
            struct timespec pause = {0, LOOK_MS * 1000000L};
            (void)nanosleep(&pause, NULL);
        }
    }
}

json_t *answer_watch(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    const json_t *since = json_object_get(request, "since");
    struct watch *watch = calloc(1, sizeof *watch);
    struct store_read *read = NULL;
    uint64_t end = 0;
    *ret_err = watch == NULL ? ERR_MEMORY : store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        end = store_journal_end(read);
        store_read_end(&read);
    }
    if (*ret_err == ERR_OK && since != NULL && (!json_is_integer(since) || json_integer_value(since) < 0 || (uint64_t)json_integer_value(since) > end)) {
        free(watch);
        *ret_err = ERR_INVALID;
        return service_error(ERR_INVALID, "no event with that number has happened here", "numbers rise by one; a node restored from a backup counts on from the backup's end",
                             "griot watch --since 0 tells everything from the beginning");
    }
    if (*ret_err == ERR_OK) {
        *watch = (struct watch){.service = service, .progress = progress, .arg = arg, .told = since != NULL ? (uint64_t)json_integer_value(since) : end};
        watch->commit = malloc(sizeof *watch->commit);
        watch->peers = json_object();
        watch->warnings = json_object();
        watch->spoke = mono_now();
        *ret_err = watch->commit == NULL || watch->peers == NULL || watch->warnings == NULL ? ERR_MEMORY : watch_on(watch, service->core != NULL);
    }
    json_t *answer = *ret_err == ERR_OK ? answer_new(service, "griot.watch/1") : service_error(*ret_err, "the events could not be read", NULL, "griot fsck");
    if (*ret_err == ERR_OK) {
        answer_number(answer, "after", watch->told);
    }
    if (watch != NULL) {
        free(watch->commit);
        json_decref(watch->peers);
        json_decref(watch->warnings);
    }
    free(watch);
    return answer;
}

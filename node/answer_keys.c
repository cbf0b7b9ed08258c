#include "node/service.h"

#include "node/grant.h"
#include "node/log.h"
#include "node/restriction.h"
#include "node/sealed.h"

#include <stdlib.h>

/* Commits looked at, to whoever waits. */
struct telling {
    service_progress progress;
    void *arg;
    uint64_t told;
};

static void tell_commits(void *arg, uint64_t commits)
{
    struct telling *telling = arg;
    if (telling->progress == NULL || commits < telling->told + 1000) {
        return;
    }
    telling->told = commits;
    json_t *progress = json_object();
    answer_number(progress, "commits", commits);
    telling->progress(telling->arg, progress);
    json_decref(progress);
}

/* ---- grant ---- */

/* What a grant is about, found out before anything is counted. */
struct asking {
    struct member member;
    struct readers *readers; /* of --to, or NULL */
    bool is_group;           /* it names an operation */
    struct hash *ids;        /* of --record */
    size_t id_count;
    json_t *error;
};

static json_t *refuse(enum err *ret_err, enum err err, const char *what, const char *value, const char *why, const char *todo)
{
    *ret_err = err;
    return service_error_value(err, what, value, why, todo);
}

/* The reader: a member whose encryption key is known. */
static json_t *find_member(struct service *service, const char *name, struct member *ret, enum err *ret_err)
{
    static const struct box_public none;
    struct store_read *read;
    struct membership *membership = NULL;
    const struct member *member = NULL;
    struct card card = {.version = 0};
    *ret_err = store_read_begin(service->store, &read);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "who is a member could not be read", NULL, "griot fsck");
    }
    enum err err = store_membership(read, sign_check, &membership);
    if (err == ERR_OK) {
        member = membership_by_name(membership, name);
    }
    bool has_key = member != NULL && store_card(read, &member->node, &card) == ERR_OK && memcmp(card.encryption.b, none.b, sizeof none.b) != 0;
    if (member != NULL) {
        *ret = *member;
    }
    bool is_found = member != NULL;
    membership_destroy(&membership);
    store_read_end(&read);
    if (!is_found) {
        return refuse(ret_err, ERR_NOT_FOUND, N_("no member bears this name"), name, N_("keys are given to members only"), N_("griot readers --to region lists the names"));
    }
    if (node_id_equal(&ret->node, &service->home->node)) {
        return refuse(ret_err, ERR_INVALID, N_("this node reads what it records"), name, N_("it needs no grant"), "");
    }
    if (!has_key) {
        return refuse(ret_err, ERR_UNKNOWN_KEY, N_("the encryption key of this reader is not known here"), name, N_("its card has not arrived yet"),
                      N_("wait until it is heard of: griot readers --to region; then do it again"));
    }
    return NULL;
}

struct own_keys {
    const struct node_id *self;
    struct hash *ids;
    size_t count;
    bool is_others;
    enum err err;
};

static bool take_version(void *arg, const struct version *version)
{
    struct own_keys *keys = arg;
    if (!node_id_equal(&version->author, keys->self)) {
        keys->is_others = true;
        return true;
    }
    if (version->is_sealed) {
        struct hash *more = realloc(keys->ids, (keys->count + 1) * sizeof *more);
        if (more == NULL) {
            keys->err = ERR_MEMORY;
            return false;
        }
        keys->ids = more;
        keys->ids[keys->count++] = version->key_id;
    }
    return true;
}

/* The keys of a record's versions. */
static json_t *find_record(struct service *service, const json_t *request, struct asking *asking, enum err *ret_err)
{
    struct own_keys keys = {.self = &service->home->node};
    struct views_read *views;
    struct record_id id;
    *ret_err = views_read_begin(service->views, service->store, &views);
    if (*ret_err == ERR_OK) {
        *ret_err = resolve_id(views, request, &id);
        *ret_err = *ret_err == ERR_OK ? views_versions(views, &id, take_version, &keys) : *ret_err;
        *ret_err = *ret_err == ERR_OK ? keys.err : *ret_err;
        views_read_end(&views);
    }
    asking->ids = keys.ids;
    asking->id_count = keys.count;
    if (*ret_err != ERR_OK) {
        return no_such_record(*ret_err);
    }
    if (keys.count == 0 && keys.is_others) {
        return refuse(ret_err, ERR_PERMISSION, N_("the record is another office's"), "", N_("only its owner gives its keys"), N_("ask its owner"));
    }
    return keys.count > 0 ? NULL : refuse(ret_err, ERR_INVALID, N_("the record is not restricted"), "", N_("the whole region reads it"), "");
}

static json_t *grant_json(struct service *service, const struct grant *grant, const char *name, bool is_dry)
{
    json_t *answer = answer_new(service, "griot.grant/1"), *keys = json_array();
    for (size_t i = 0; i < grant->count; i++) {
        json_t *row = json_object();
        answer_hex(row, "key", grant->items[i].id.b, sizeof grant->items[i].id.b);
        answer_text(row, "channel", channel_name(grant->items[i].channel));
        answer_number(row, "entries", grant->items[i].entries);
        answer_time(row, "first", grant->items[i].first);
        answer_time(row, "last", grant->items[i].last);
        json_array_append_new(keys, row);
    }
    answer_text(answer, "name", name);
    answer_hex(answer, "node_id", grant->node.b, sizeof grant->node.b);
    json_object_set_new(answer, "keys", keys);
    answer_number(answer, "entries", grant->entries);
    answer_number(answer, "held", grant->held);
    json_object_set_new(answer, "dry_run", json_boolean(is_dry));
    return answer;
}

static void describe_grant(struct audit_note *note, const void *arg)
{
    const struct grant *grant = arg;
    audit_note_clear(note);
    audit_note_subject(note, grant->node.b, sizeof grant->node.b);
    for (size_t i = 0; i < grant->count; i++) {
        audit_note_subject(note, grant->items[i].id.b, sizeof grant->items[i].id.b);
    }
    audit_note_count(note, grant->count);
    audit_note_count(note, grant->entries);
}

static json_t *make_grant(struct service *service, const struct asking *asking, struct wall_ms since, bool is_dry, struct telling *telling, enum err *ret_err)
{
    const struct grant_wish wish = {.node = asking->member.node,
                                    .to = asking->readers != NULL ? &asking->readers->audience : NULL,
                                    .is_group = asking->is_group,
                                    .ids = asking->ids,
                                    .id_count = asking->id_count,
                                    .since = since};
    struct grant grant;
    json_t *answer;
    *ret_err = grant_plan(service->store, &wish, tell_commits, telling, &grant);
    if (*ret_err == ERR_OK && !is_dry && grant.count > 0) {
        if (service->note != NULL) {
            service->note->describe = describe_grant;
        }
        *ret_err = service_change(service, grant_make, &grant);
        if (*ret_err == ERR_OK && service->core != NULL) {
            log_event(LOG_INFO, "keys_granted", "to=%s keys=%zu entries=%llu", asking->member.name, grant.count, (unsigned long long)grant.entries);
        }
    }
    if (*ret_err == ERR_OK) {
        answer = grant_json(service, &grant, asking->member.name, is_dry);
    } else {
        answer = service_error(*ret_err, "the keys were not given", NULL, *ret_err == ERR_FULL ? "free disk space; reading goes on, and nothing stored is lost" : "griot fsck");
    }
    grant_fini(&grant);
    return answer;
}

json_t *answer_grant(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    const char *name = json_string_value(json_object_get(request, "name")), *list = json_string_value(json_object_get(request, "to"));
    const json_t *since = json_object_get(request, "since_ms");
    struct telling telling = {progress, arg, 0};
    struct asking asking = {.readers = NULL};
    json_t *answer;
    if (name == NULL || (list == NULL) == (json_object_get(request, "id") == NULL) || (since != NULL && json_integer_value(since) < 0)) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "a grant names a reader, and either a list of readers or a record", NULL, "griot grant NAME --to LIST, or --record ID");
    }
    answer = find_member(service, name, &asking.member, ret_err);
    if (answer == NULL && list != NULL) {
        answer = service_readers(service, list, &asking.readers, ret_err);
        asking.is_group = strstr(list, "operation:") != NULL;
        if (answer == NULL && asking.readers->is_region) {
            answer = refuse(ret_err, ERR_INVALID, N_("what the whole region reads has no keys"), "", N_("every member reads it, later ones too"), "");
        }
    } else if (answer == NULL) {
        answer = find_record(service, request, &asking, ret_err);
    }
    if (answer == NULL) {
        answer = make_grant(service, &asking, (struct wall_ms){(uint64_t)json_integer_value(since)}, json_is_true(json_object_get(request, "dry")), &telling, ret_err);
    }
    free(asking.readers);
    free(asking.ids);
    return answer;
}

/* ---- sealed ---- */

enum {
    KEYS_LISTED_MAX = 1000, /* of one answer: what the control socket carries; all are counted */
    KEYS_A_READ = 32,       /* proved in one read transaction: some tens of milliseconds */
};

struct relaying {
    struct service *service;
    struct restriction *restriction;
    struct store_read *read;
    struct unpack *unpack;
    const struct sealed_table *table;
    struct head *heads;       /* of one frontier */
    struct log_id *logs;      /* of each key: the log where it was met last */
    json_t **held;            /* of each key: who has said that he holds it */
    struct key_readers *key;
    uint64_t keys[2], entries[2], bytes[2], wraps[2], tried[2], opened[2]; /* not readable, readable */
};

static bool put_holders(void *arg, const struct notice_ref *ref, struct span bytes, struct span heads_bytes)
{
    struct relaying *r = arg;
    const char *clause;
    struct node_id node;
    size_t count;
    (void)bytes;
    memcpy(node.b, ref->subject, sizeof node.b);
    if (ref->kind != NOTICE_FRONTIER || node_id_equal(&node, &r->service->home->node) ||
        heads_decode(r->unpack, heads_bytes, r->heads, FRONTIER_HEADS_MAX, &count, &clause) != ERR_OK) {
        return true;
    }
    for (size_t i = 0; i < r->table->count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (log_id_compare(&r->heads[j].log, &r->logs[i]) == 0 && r->heads[j].seq >= r->table->keys[i].last_seq) {
                json_array_append_new(r->held[i], restriction_name(r->restriction, &node));
            }
        }
    }
    return true;
}

static const char *state_of(enum err err)
{
    return err == ERR_OK ? "readable" : err == ERR_NOT_FOUND ? "no key yet" : err == ERR_PERMISSION ? "not entitled" : err == ERR_UNKNOWN_KEY ? "key lost" : "damaged";
}

static enum err put_key(struct relaying *r, size_t at, json_t *keys)
{
    const struct sealed_key *sealed = &r->table->keys[at];
    struct opener_proof proof = {0};
    json_t *row = json_object();
    enum err state = opener_key(r->service->opener, r->read, &sealed->author, &sealed->id, OPENER_NOW);
    bool is_readable = state == ERR_OK;
    enum err err = ERR_OK;
    answer_hex(row, "key", sealed->id.b, sizeof sealed->id.b);
    json_object_set_new(row, "author", restriction_name(r->restriction, &sealed->author));
    answer_text(row, "channel", channel_name(sealed->channel));
    answer_number(row, "entries", sealed->entries);
    answer_number(row, "bytes", sealed->bytes);
    answer_time(row, "first", sealed->first);
    answer_time(row, "last", sealed->last);
    answer_text(row, "state", state_of(state));
    err = store_key_readers(r->read, &sealed->author, &sealed->id, r->key);
    json_object_set_new(row, "audience", err == ERR_OK ? restriction_names(r->restriction, &r->key->audience) : json_null());
    json_object_set_new(row, "granted", err == ERR_OK ? restriction_names(r->restriction, &r->key->granted) : json_null());
    if (err == ERR_OK || err == ERR_NOT_FOUND) {
        err = opener_prove(r->service->opener, r->read, &sealed->author, &sealed->id, &proof);
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    answer_number(row, "wraps", proof.wraps);
    answer_number(row, "tried", proof.tried);
    answer_number(row, "opened", proof.opened);
    json_object_set(row, "held_by", r->held[at]);
    r->opened[is_readable] += proof.opened;
    r->tried[is_readable] += proof.tried;
    r->wraps[is_readable] += proof.wraps;
    r->keys[is_readable]++;
    r->entries[is_readable] += sealed->entries;
    r->bytes[is_readable] += sealed->bytes;
    if (at < KEYS_LISTED_MAX) {
        json_array_append(keys, row);
    }
    json_decref(row);
    return err;
}

static enum err put_keys(struct relaying *r, json_t *keys)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < r->table->count && err == ERR_OK; i++) {
        if (i % KEYS_A_READ == 0) {
            store_read_end(&r->read);
            err = store_read_begin(r->service->store, &r->read);
        }
        if (err == ERR_OK) {
            err = put_key(r, i, keys);
        }
    }
    return err;
}

static json_t *sum_json(const struct relaying *r, size_t which)
{
    json_t *sum = json_object();
    answer_number(sum, "keys", r->keys[which]);
    answer_number(sum, "entries", r->entries[which]);
    answer_number(sum, "bytes", r->bytes[which]);
    answer_number(sum, "wraps", r->wraps[which]);
    answer_number(sum, "tried", r->tried[which]);
    answer_number(sum, "opened", r->opened[which]);
    return sum;
}

static enum err relay_open(struct relaying *r)
{
    size_t count = r->table->count + 1;
    enum err err;
    r->unpack = unpack_new();
    r->heads = malloc(FRONTIER_HEADS_MAX * sizeof *r->heads);
    r->logs = calloc(count, sizeof *r->logs);
    r->held = calloc(count, sizeof(json_t *));
    r->key = malloc(sizeof *r->key);
    if (r->unpack == NULL || r->heads == NULL || r->logs == NULL || r->held == NULL || r->key == NULL) {
        return ERR_MEMORY;
    }
    err = store_read_begin(r->service->store, &r->read);
    for (size_t i = 0; i < r->table->count && err == ERR_OK; i++) {
        struct log_info log;
        r->held[i] = json_array();
        err = store_log_by_number(r->read, r->table->keys[i].log_number, &log);
        if (err == ERR_OK) {
            r->logs[i] = log.head.log;
        }
    }
    return err == ERR_OK ? store_notices(r->read, put_holders, r) : err;
}

static void relay_close(struct relaying *r)
{
    store_read_end(&r->read);
    for (size_t i = 0; r->held != NULL && i < r->table->count; i++) {
        json_decref(r->held[i]);
    }
    free(r->held);
    free(r->logs);
    free(r->heads);
    free(r->key);
    unpack_destroy(&r->unpack);
}

json_t *answer_sealed(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    struct telling telling = {progress, arg, 0};
    struct sealed_table table;
    struct opener_keys own = {0};
    struct relaying relaying = {.service = service, .table = &table};
    struct live live;
    json_t *answer = NULL, *keys = json_array();
    (void)request;
    *ret_err = sealed_count(service->store, NULL, tell_commits, &telling, &table);
    if (*ret_err == ERR_OK) {
        *ret_err = service_live(service, &live);
        if (*ret_err == ERR_OK) {
            *ret_err = restriction_new(service->store, &live, &relaying.restriction);
            *ret_err = *ret_err == ERR_OK ? opener_keys(service->opener, SIZE_MAX, &own) : *ret_err;
            *ret_err = *ret_err == ERR_OK ? relay_open(&relaying) : *ret_err;
            *ret_err = *ret_err == ERR_OK ? put_keys(&relaying, keys) : *ret_err;
            relay_close(&relaying);
            restriction_destroy(&relaying.restriction);
            live_fini(&live);
        }
    }
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.sealed/1");
        answer_number(answer, "encryption_keys", own.count);
        json_object_set_new(answer, "unreadable", sum_json(&relaying, 0));
        json_object_set_new(answer, "readable", sum_json(&relaying, 1));
        json_object_set(answer, "keys", keys);
        answer_number(answer, "keys_left_out", table.count > KEYS_LISTED_MAX ? table.count - KEYS_LISTED_MAX : 0);
    } else {
        answer = service_error(*ret_err, "what is held sealed could not be counted", NULL, "griot fsck");
    }
    json_decref(keys);
    sealed_fini(&table);
    return answer;
}

/* answer_forks.c - griot forks, classify, quarantine: what is in dispute, what is beyond a cut, and who says what of it. */
#include "node/service.h"

#include "node/forks.h"
#include "node/quarantine.h"

#include <stdlib.h>

enum { SHOWN_MAX = 1000 };

/* ---- parts ---- */

static void put_node(json_t *row, const char *key, const char *id_key, const struct membership *membership, const struct node_id *node)
{
    const struct member *member = membership == NULL ? NULL : membership_named(membership, node);
    answer_text(row, key, member != NULL ? member->name : "");
    answer_hex(row, id_key, node->b, sizeof node->b);
}

static const char *class_name(enum verdict_class class) { return class == VERDICT_ACCIDENT ? "accident" : "malice"; }

static json_t *verdicts_json(const struct fork *fork, const struct membership *membership)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < fork->verdict_count; i++) {
        const struct fork_verdict *verdict = &fork->verdicts[i];
        json_t *row = json_object();
        put_node(row, "by", "by_id", membership, &verdict->by);
        answer_text(row, "class", class_name(verdict->verdict.class));
        answer_text(row, "reason", verdict->verdict.reason);
        answer_time(row, "when", verdict->time);
        json_object_set_new(row, "of_older_proof", json_boolean(verdict->is_older));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* A fork settles nothing that was final before: then the second branch is evidence against its author. */
static const char *fork_state(const struct fork *fork) { return !fork->is_held ? "not here" : fork->is_disputed ? "disputed" : "evidence"; }

static json_t *fork_json(const struct fork *fork, const struct membership *membership)
{
    json_t *row = json_object(), *branches = json_array();
    answer_hex(row, "log", fork->log.b, sizeof fork->log.b);
    put_node(row, "origin", "origin_id", membership, &fork->node);
    answer_text(row, "channel", channel_name(fork->channel));
    json_object_set_new(row, "own", json_boolean(fork->is_own));
    answer_number(row, "seq", fork->seq);
    answer_text(row, "state", fork_state(fork));
    json_object_set_new(row, "counts", fork->is_held ? json_integer((json_int_t)fork->counts.seq) : json_null());
    json_object_set_new(row, "final", fork->is_held ? json_boolean(fork->is_final) : json_null());
    answer_number(row, "disputed", fork->disputed_entries);
    answer_number(row, "aside", fork->aside_entries);
    answer_hex(row, "proof", fork->proof.b, sizeof fork->proof.b);
    for (size_t i = 0; i < 2; i++) {
        json_t *branch = json_object();
        answer_hex(branch, "hash", fork->branches[i].b, sizeof fork->branches[i].b);
        answer_time(branch, "recorded", fork->times[i]);
        json_array_append_new(branches, branch);
    }
    json_object_set_new(row, "branches", branches);
    json_object_set_new(row, "verdicts", verdicts_json(fork, membership));
    return row;
}

struct liars {
    json_t *rows;
    const struct membership *membership;
    struct unpack *unpack;
};

static bool put_liar(void *arg, const struct liar *liar)
{
    struct liars *liars = arg;
    json_t *row = json_object(), *frontiers = json_array();
    put_node(row, "hub", "hub_id", liars->membership, &liar->node);
    answer_hex(row, "log", liar->heads[0].log.b, sizeof liar->heads[0].log.b);
    for (size_t i = 0; i < 2; i++) {
        struct notice notice;
        struct frontier frontier;
        const char *clause = NULL;
        json_t *said = json_object();
        answer_number(said, "seq", liar->heads[i].seq);
        answer_hex(said, "hash", liar->heads[i].hash.b, sizeof liar->heads[i].hash.b);
        if (notice_decode(liars->unpack, liar->frontiers[i].notice, &notice, &clause) == ERR_OK && frontier_decode(liars->unpack, notice.body, &frontier, &clause) == ERR_OK) {
            answer_number(said, "counter", frontier.counter);
            answer_time(said, "when", frontier.clock);
        }
        answer_hex(said, "frontier", liar->frontiers[i].notice.p, liar->frontiers[i].notice.n);
        answer_hex(said, "heads", liar->frontiers[i].heads.p, liar->frontiers[i].heads.n);
        json_array_append_new(frontiers, said);
    }
    json_object_set_new(row, "frontiers", frontiers);
    json_array_append_new(liars->rows, row);
    return true;
}

/* ---- what all of them begin with ---- */

struct look {
    struct store_read *read;
    struct membership *membership;
    struct unpack *unpack;
};

static void look_end(struct look *look)
{
    membership_destroy(&look->membership);
    store_read_end(&look->read);
    unpack_destroy(&look->unpack);
}

static enum err look_begin(struct service *service, struct look *ret)
{
    *ret = (struct look){.unpack = unpack_new()};
    enum err err = ret->unpack == NULL ? ERR_MEMORY : store_read_begin(service->store, &ret->read);
    if (err == ERR_OK) {
        err = store_membership(ret->read, sign_check, &ret->membership);
        err = err == ERR_NOT_FOUND ? ERR_OK : err; /* no roster yet: then nothing has a name */
    }
    if (err != ERR_OK) {
        look_end(ret);
    }
    return err;
}

/* ---- forks ---- */

json_t *answer_forks(struct service *service, const json_t *request, enum err *ret_err)
{
    struct look look;
    struct forks forks = {0};
    json_t *rows = json_array(), *answer;
    struct liars liars = {.rows = json_array()};
    (void)request;
    *ret_err = look_begin(service, &look);
    if (*ret_err == ERR_OK) {
        liars.membership = look.membership;
        liars.unpack = look.unpack;
        *ret_err = forks_read(look.read, look.membership, &service->home->node, &forks);
        for (size_t i = 0; *ret_err == ERR_OK && i < forks.count; i++) {
            json_array_append_new(rows, fork_json(&forks.items[i], look.membership));
        }
        if (*ret_err == ERR_OK) {
            *ret_err = store_liars(look.read, put_liar, &liars);
        }
        look_end(&look);
    }
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.forks/1");
        json_object_set(answer, "forks", rows);
        json_object_set(answer, "hubs", liars.rows);
    } else {
        answer = service_error(*ret_err, "the store could not be read", NULL, "griot fsck");
    }
    json_decref(rows);
    json_decref(liars.rows);
    forks_fini(&forks);
    return answer;
}

/* ---- classify ---- */

static void describe_classify(struct audit_note *note, const void *arg)
{
    const struct classify *classify = arg;
    audit_note_clear(note);
    audit_note_subject(note, classify->fork.node.b, sizeof classify->fork.node.b);
    audit_note_subject(note, classify->fork.log.b, sizeof classify->fork.log.b);
}

json_t *answer_classify(struct service *service, const json_t *request, enum err *ret_err)
{
    static const char *const states[] = {"classified", "already classified"};
    const char *class = json_string_value(json_object_get(request, "class"));
    struct classify classify = {.what = json_string_value(json_object_get(request, "log")),
                                .reason = json_string_value(json_object_get(request, "reason")),
                                .now = wall_now()};
    if (classify.what == NULL || class == NULL || (strcmp(class, "accident") != 0 && strcmp(class, "malice") != 0)) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "the request names no log, or no class of forks", NULL, NULL);
    }
    classify.class = strcmp(class, "accident") == 0 ? VERDICT_ACCIDENT : VERDICT_MALICE;
    if (service->note != NULL) {
        service->note->describe = describe_classify;
    }
    *ret_err = service_change(service, classify_make, &classify);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the fork was not classified", classify.why, *ret_err == ERR_PERMISSION ? "classify it at the desk of a hub" : "griot forks lists them");
    }
    struct look look;
    json_t *answer = answer_new(service, "griot.classify/1");
    answer_hex(answer, "log", classify.fork.log.b, sizeof classify.fork.log.b);
    if (look_begin(service, &look) == ERR_OK) {
        put_node(answer, "origin", "origin_id", look.membership, &classify.fork.node);
        look_end(&look);
    }
    answer_text(answer, "class", class);
    answer_text(answer, "state", states[classify.state]);
    return answer;
}

/* ---- quarantine ---- */

static const char *cause_name(enum quarantine_cause cause)
{
    static const char *const names[] = {"suspended", "removed", "replaced"};
    return names[cause];
}

struct late { /* the records among what is beyond a cut */
    json_t *rows;
    uint64_t left_out;
    struct record *record;
    struct unpack *unpack;
    struct audit_note *note; /* may be NULL; only records that must not be seen unwritten go into it */
    bool is_guarded;
};

static void put_late(struct late *late, const struct commit *commit, const char *origin)
{
    for (uint32_t i = 0; i < commit->entry_count; i++) {
        const struct entry *entry = &commit->entries[i];
        const char *clause = NULL;
        if (json_array_size(late->rows) == SHOWN_MAX) {
            late->left_out++;
            continue;
        }
        json_t *row = json_object();
        answer_text(row, "state", "quarantined");
        answer_text(row, "origin", origin);
        answer_hex(row, "log", commit->log.b, sizeof commit->log.b);
        answer_number(row, "seq", commit->seq);
        answer_time(row, "recorded", commit->author_time);
        bool is_plain = entry->has_payload && entry->leaf.kind == ENTRY_RECORD && entry->leaf.codec == CODEC_PLAIN && entry->leaf.audience_bytes == 0;
        if (is_plain && record_decode(late->unpack, entry->payload, late->record, &clause) == ERR_OK) {
            const struct kind *kind = kind_by_number(late->record->kind);
            answer_text(row, "kind", kind != NULL ? kind->name : "unknown");
            answer_hex(row, "id", late->record->id.b, sizeof late->record->id.b);
            json_object_set_new(row, "fields", record_json(late->record));
            if (answer_is_guarded(late->record)) {
                late->is_guarded = true;
                if (late->note != NULL) {
                    audit_note_subject(late->note, late->record->id.b, sizeof late->record->id.b);
                }
            }
        } else {
            answer_text(row, "unreadable", !entry->has_payload ? "its payload is not here" : entry->leaf.kind == ENTRY_SEALED ? "sealed" : "no record");
        }
        json_array_append_new(late->rows, row);
    }
}

static enum err late_read(struct look *look, const struct quarantine_node *node, struct late *late)
{
    struct commit *commit = malloc(sizeof *commit);
    enum err err = commit == NULL ? ERR_MEMORY : ERR_OK;
    for (size_t i = 0; i < node->log_count && err == ERR_OK; i++) {
        const struct log_info *log = &node->logs[i].log;
        for (uint64_t seq = log->head.seq + 1; seq <= log->held_seq && err == ERR_OK; seq++) {
            struct hash hash;
            err = store_commit_at(look->read, log->number, seq, commit, &hash);
            if (err == ERR_OK) {
                put_late(late, commit, node->name);
            }
        }
    }
    free(commit);
    return err;
}

static json_t *quarantined_json(const struct quarantine_node *node, const struct membership *membership)
{
    json_t *row = json_object(), *logs = json_array();
    answer_text(row, "name", node->name);
    answer_hex(row, "id", node->node.b, sizeof node->node.b);
    answer_text(row, "cause", cause_name(node->cause));
    if (node->cause == QUARANTINE_SUSPENDED) {
        put_node(row, "by", "by_id", membership, &node->by);
        answer_time(row, "when", node->when);
        answer_text(row, "reason", node->reason);
    } else {
        answer_number(row, "roster", membership_roster_number(membership));
    }
    answer_number(row, "entries", node->entries);
    answer_number(row, "commits", node->commits);
    for (size_t i = 0; i < node->log_count; i++) {
        const struct quarantine_log *late = &node->logs[i];
        json_t *log = json_object();
        answer_hex(log, "log", late->log.head.log.b, sizeof late->log.head.log.b);
        answer_text(log, "channel", channel_name(late->log.channel));
        answer_number(log, "counts", late->log.head.seq);
        answer_number(log, "held", late->log.held_seq);
        answer_number(log, "entries", late->log.held_entries - late->log.head.entries);
        answer_time(log, "first", late->first);
        answer_time(log, "last", late->last);
        json_object_set_new(log, "forked", json_boolean(late->log.has_fork));
        json_array_append_new(logs, log);
    }
    json_object_set_new(row, "logs", logs);
    return row;
}

static enum err put_extension(struct service *service, struct look *look, const char *name, json_t *answer)
{
    struct extension *extension = malloc(sizeof *extension);
    uint8_t *memory = malloc(EXTENSION_BYTES_MAX);
    struct out out = out_into(memory, EXTENSION_BYTES_MAX);
    char print[FINGERPRINT_CHARS];
    enum err err = extension == NULL || memory == NULL ? ERR_MEMORY : quarantine_extension(look->read, &service->home->region, look->membership, name, extension);
    if (err == ERR_OK) {
        err = extension_encode(extension, &out);
    }
    if (err == ERR_OK) {
        fingerprint(out_written(&out), print);
        answer_hex(answer, "extension", memory, out.at);
        answer_text(answer, "fingerprint", print);
    }
    free(extension);
    free(memory);
    return err;
}

static enum err quarantine_put(struct service *service, struct look *look, const json_t *request, json_t *answer)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    bool is_shown = json_is_true(json_object_get(request, "show")), is_out = json_is_true(json_object_get(request, "extension"));
    struct quarantine quarantine = {0};
    struct late late = {.rows = json_array(), .record = malloc(sizeof *late.record), .unpack = look->unpack, .note = service->note};
    json_t *nodes = json_array();
    enum err err = late.record == NULL ? ERR_MEMORY : quarantine_read(look->read, look->membership, name, &quarantine);
    for (size_t i = 0; i < quarantine.count && err == ERR_OK; i++) {
        json_array_append_new(nodes, quarantined_json(&quarantine.nodes[i], look->membership));
        err = is_shown ? late_read(look, &quarantine.nodes[i], &late) : ERR_OK;
    }
    if (err == ERR_OK && is_out) {
        err = name == NULL ? ERR_NOT_FOUND : put_extension(service, look, name, answer);
    }
    json_object_set_new(answer, "nodes", nodes);
    if (is_shown) {
        json_object_set(answer, "records", late.rows);
        answer_number(answer, "left_out", late.left_out);
    }
    if (service->note != NULL) {
        service->note->is_wanted = service->note->is_guarded = err == ERR_OK && late.is_guarded;
    }
    json_decref(late.rows);
    free(late.record);
    quarantine_fini(&quarantine);
    return err;
}

json_t *answer_quarantine(struct service *service, const json_t *request, enum err *ret_err)
{
    struct look look;
    json_t *answer = answer_new(service, "griot.quarantine/1");
    if (service->note != NULL) {
        service->note->is_wanted = false; /* until a record is shown that asks for a row */
    }
    *ret_err = look_begin(service, &look);
    if (*ret_err == ERR_OK) {
        *ret_err = look.membership == NULL ? ERR_NOT_FOUND : quarantine_put(service, &look, request, answer);
        look_end(&look);
    }
    if (*ret_err != ERR_OK) {
        json_decref(answer);
        answer = *ret_err == ERR_NOT_FOUND ? service_error(ERR_NOT_FOUND, "nothing of such a node is held beyond a cut", NULL, "griot quarantine lists what is")
                                           : service_error(*ret_err, "the store could not be read", NULL, "griot fsck");
    }
    return answer;
}

/* ---- in other answers ---- */

static void warn_forks(json_t *warnings, struct look *look, const struct forks *forks)
{
    for (size_t i = 0; i < forks->count; i++) {
        const struct fork *fork = &forks->items[i];
        if (fork->is_own) {
            answer_warn(warnings, "FORK",
                        "two lives of this node have gone on with one log: another copy of it runs, or ran. What others do not count was issued again here, in a new log; the other "
                        "copy's records are shown as disputed where they are held",
                        "find the other copy and stop it; a hub classifies the fork");
        } else if (fork->is_disputed) {
            answer_warn(warnings, "FORK", "a node has signed two histories in one log: what comes after the place where they part does not count, and is shown as disputed",
                        "ask that office: a copied disk, or a stolen key? A hub says which: griot classify");
        } else {
            answer_warn(warnings, "FORK", "a node has signed a second history against what was final already: nothing of that is in dispute, the proof is kept",
                        "ask that office: a copied disk, or a stolen key? A hub says which: griot classify");
        }
        json_t *row = json_array_get(warnings, json_array_size(warnings) - 1);
        put_node(row, "whom", "whom_id", look->membership, &fork->node);
        answer_hex(row, "log", fork->log.b, sizeof fork->log.b);
        answer_number(row, "seq", fork->seq);
        answer_text(row, "state", fork_state(fork));
        answer_number(row, "disputed", fork->disputed_entries);
        json_object_set_new(row, "verdicts", verdicts_json(fork, look->membership));
    }
}

struct liar_warning {
    json_t *warnings;
    const struct membership *membership;
};

static bool warn_liar(void *arg, const struct liar *liar)
{
    struct liar_warning *w = arg;
    answer_warn(w->warnings, "HUB-LIES",
                "a hub has signed two statements of what it holds that exclude each other: it lies, or its store was brought back from an older copy. Both are kept",
                "griot forks shows them; ask that hub, and have the root decide");
    json_t *row = json_array_get(w->warnings, json_array_size(w->warnings) - 1);
    put_node(row, "who", "who_id", w->membership, &liar->node);
    answer_hex(row, "log", liar->heads[0].log.b, sizeof liar->heads[0].log.b);
    return true;
}

void answer_warn_forks(json_t *warnings, struct service *service)
{
    struct look look;
    struct forks forks;
    if (look_begin(service, &look) != ERR_OK) {
        return;
    }
    struct liar_warning liar = {warnings, look.membership};
    if (forks_read(look.read, look.membership, &service->home->node, &forks) == ERR_OK) {
        warn_forks(warnings, &look, &forks);
    }
    forks_fini(&forks);
    (void)!store_liars(look.read, warn_liar, &liar);
    look_end(&look);
}

void answer_dispute(json_t *versions, struct service *service)
{
    struct look look = {0};
    struct forks forks = {0};
    bool is_read = false;
    size_t i;
    json_t *row;
    json_array_foreach(versions, i, row)
    {
        struct log_info log;
        if (!json_is_true(json_object_get(row, "disputed"))) {
            continue;
        }
        if (!is_read && (look_begin(service, &look) != ERR_OK || forks_read(look.read, look.membership, &service->home->node, &forks) != ERR_OK)) {
            break;
        }
        is_read = true;
        const struct fork *fork = NULL;
        if (store_log_by_number(look.read, (uint32_t)json_integer_value(json_object_get(row, "log")), &log) == ERR_OK) {
            fork = forks_find(&forks, &log.head.log);
        }
        bool is_late = fork == NULL || (look.membership != NULL && membership_find(look.membership, &fork->node) == NULL);
        answer_text(row, "state", is_late ? "quarantined" : "disputed");
        if (fork != NULL) {
            answer_hex(row, "fork", fork->log.b, sizeof fork->log.b);
            json_object_set_new(row, "verdicts", verdicts_json(fork, look.membership));
        }
    }
    forks_fini(&forks);
    if (look.read != NULL) {
        look_end(&look);
    }
}

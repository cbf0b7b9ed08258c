/* entry.c */
#include "node/cli/entry.h"

#include "node/cli/faults.h"
#include "node/cli/origin.h"
#include "node/cli/output.h"
#include "node/cli/readers.h"
#include "node/cli/reply.h"
#include "proto/limits.h"
#include "proto/pack.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, DAY_CHARS = 10 };

struct entry {
    const struct invocation *invocation;
    const struct kind *kind;
    struct draft *draft;
    struct record record;
    struct record_faults faults;
    bool has_country, has_language; /* given, so no default */
    struct origin origin;
    json_t *kept;    /* texts made here that faults may borrow, as an array of strings */
    const char *to;  /* who reads it */
    json_t *readers; /* the node's answer to that; NULL: it was not asked */
};

const struct invocation *entry_invocation(const struct entry *entry)
{
    return entry->invocation;
}

const char *entry_keep(struct entry *entry, const char *text)
{
    json_t *copy = json_stringn_nocheck(text, strlen(text));

    if (copy == NULL || json_array_append_new(entry->kept, copy) != 0) {
        return "";
    }
    return json_string_value(copy);
}

void entry_add(struct entry *entry, const char *name, const char *value)
{
    entry->has_country = entry->has_country || strcmp(name, "country") == 0;
    entry->has_language = entry->has_language || strcmp(name, "language") == 0;
    (void)draft_add(entry->draft, span_text(name), span_text(value), &entry->faults);
}

struct entry *entry_new(const struct invocation *invocation, const struct kind *kind, const char *to)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL) {
        return NULL;
    }
    entry->invocation = invocation;
    entry->kind = kind;
    entry->to = to;
    entry->draft = draft_new(kind);
    entry->kept = json_array();
    if (entry->draft == NULL || entry->kept == NULL) {
        entry_destroy(&entry);
    }
    return entry;
}

void entry_destroy(struct entry **entry)
{
    if (*entry != NULL) {
        draft_destroy(&(*entry)->draft);
        json_decref((*entry)->kept);
        json_decref((*entry)->readers);
        free(*entry);
        *entry = NULL;
    }
}

/* ---- to the node ---- */

/* One record as a batch of one: [no row key, payload]. */
static int append(const struct entry *entry, struct client *client, struct span payload, json_t **ret)
{
    const struct invocation *invocation = entry->invocation;
    uint8_t batch_bytes[PAYLOAD_BYTES_MAX + 16];
    struct out batch = out_into(batch_bytes, sizeof batch_bytes);
    json_t *result = NULL;
    enum err err;
    int outcome = readers_append_begin(invocation, client, entry->kind->number == RECORD_ALERT ? "alert" : "report", entry->to, entry->readers);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    pack_array(&batch, 2);
    pack_bin(&batch, span_of(NULL, 0));
    pack_bin(&batch, payload);
    err = client_append(client, out_written(&batch), &result);
    if (err == ERR_OK) {
        err = client_append_end(client);
    }
    if (err != ERR_OK) {
        outcome = fail_answer(invocation, err, result);
        json_decref(result);
        return outcome;
    }
    *ret = result;
    return OUTCOME_DONE;
}

/* Encode it, in the room that its readers leave. */
static int encode(const struct entry *entry, struct out *ret)
{
    uint64_t room = PAYLOAD_BYTES_MAX;
    enum err err = record_encode(&entry->record, ret);

    (void)reply_number(entry->readers, "record_bytes_max", &room);
    if (err == ERR_OK && ret->at > room) {
        err = ERR_OVERSIZE;
    }
    return err == ERR_OK ? OUTCOME_DONE
                         : fail_because(entry->invocation, err, _("the record is too long"), NULL,
                                        _("shorten its longest texts: a record holds about 2,000 characters, a sealed one a little less for each reader"));
}

/* Who will be able to read it is said before it is saved. */
static int save(struct entry *entry, json_t **ret)
{
    const struct invocation *invocation = entry->invocation;
    uint8_t payload_bytes[PAYLOAD_BYTES_MAX];
    struct out payload = out_into(payload_bytes, sizeof payload_bytes);
    struct client *client = NULL;
    int outcome = ask_open(invocation, &client);

    if (outcome == OUTCOME_DONE) {
        outcome = readers_ask(invocation, client, entry->to, &entry->readers);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = encode(entry, &payload);
    }
    if (outcome == OUTCOME_DONE) {
        readers_tell(invocation, entry->readers);
        outcome = readers_confirm(invocation) ? append(entry, client, out_written(&payload), ret) : OUTCOME_FAILED;
    }
    client_close(&client);
    return outcome;
}

/* The same without saving; a node need not be there unless it is to say who the readers are. */
static int try_out(struct entry *entry)
{
    uint8_t payload_bytes[PAYLOAD_BYTES_MAX];
    struct out payload = out_into(payload_bytes, sizeof payload_bytes);
    struct client *client = NULL;
    int outcome = OUTCOME_DONE;

    if (option_given(entry->invocation, "to")) {
        outcome = ask_open(entry->invocation, &client);
        if (outcome == OUTCOME_DONE) {
            outcome = readers_ask(entry->invocation, client, entry->to, &entry->readers);
        }
        client_close(&client);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = encode(entry, &payload);
    }
    if (outcome == OUTCOME_DONE && entry->readers != NULL) {
        readers_tell(entry->invocation, entry->readers);
    }
    return outcome;
}

static const char *first_of(const json_t *result, const char *key)
{
    const char *text = json_string_value(json_array_get(json_object_get(result, key), 0));

    return text != NULL ? text : "";
}

static const char *state_of(const json_t *result)
{
    return json_integer_value(json_object_get(result, "new")) > 0       ? "new"
           : json_integer_value(json_object_get(result, "updated")) > 0 ? "updated"
                                                                        : "unchanged";
}

static int print_record(const struct entry *entry, const json_t *result)
{
    const struct invocation *invocation = entry->invocation;
    const char *version = first_of(result, "versions");
    const char *id = first_of(result, "ids");

    if (invocation->is_json) {
        json_t *answer = output_new("griot.record/1", NULL);
        (void)json_object_set_new(answer, "id", json_string(id));
        if (version[0] != '\0') {
            (void)json_object_set_new(answer, "version", json_string(version));
        }
        (void)json_object_set_new(answer, "state", json_string(state_of(result)));
        (void)json_object_set_new(answer, "completeness", json_integer((json_int_t)record_completeness(&entry->record)));
        (void)json_object_set_new(answer, "warnings", faults_json(&entry->faults, FAULT_WARNING));
        readers_put(answer, entry->readers);
        int outcome = output_json(answer);
        json_decref(answer);
        return outcome;
    }
    faults_warn(invocation, &entry->faults);
    (void)printf("%s\n", id);
    tell(invocation, _("recorded and signed here; %u %% of the form is filled in. See where it arrives: griot trace %s"),
         record_completeness(&entry->record), id);
    return OUTCOME_DONE;
}

static int print_dry_run(const struct entry *entry)
{
    const struct invocation *invocation = entry->invocation;

    if (invocation->is_json) {
        json_t *answer = output_new("griot.record/1", NULL);
        (void)json_object_set_new(answer, "id", json_null());
        (void)json_object_set_new(answer, "dry_run", json_true());
        (void)json_object_set_new(answer, "completeness", json_integer((json_int_t)record_completeness(&entry->record)));
        (void)json_object_set_new(answer, "warnings", faults_json(&entry->faults, FAULT_WARNING));
        readers_put(answer, entry->readers);
        int outcome = output_json(answer);
        json_decref(answer);
        return outcome;
    }
    faults_warn(invocation, &entry->faults);
    tell(invocation, _("valid, %u %% of the form is filled in; nothing was recorded"), record_completeness(&entry->record));
    return OUTCOME_DONE;
}

/* What the node knows itself: nobody types whose record it is. */
static int add_origin(struct entry *entry)
{
    const struct invocation *invocation = entry->invocation;
    struct origin *origin = &entry->origin;
    int outcome = origin_read(invocation, option_given(invocation, "dry-run"), origin);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (origin->owner[0] != '\0') {
        entry_add(entry, "owner", origin->owner);
    }
    entry_add(entry, "entry_time", origin->entry_time);
    if (!entry->has_country && origin->country[0] != '\0' && entry->kind->number == RECORD_SEIZURE) {
        entry_add(entry, "country", origin->country);
    }
    if (!entry->has_language) {
        entry_add(entry, "language", language_now());
    }
    if (entry->kind->number != RECORD_SEIZURE && entry->kind->number != RECORD_ALERT) { /* of today, by this office */
        char today[DAY_CHARS + 1];
        (void)snprintf(today, sizeof today, "%.*s", DAY_CHARS, origin->entry_time);
        if (!draft_has(entry->draft, "date")) {
            entry_add(entry, "date", entry_keep(entry, today));
        }
        if (entry->kind->number == RECORD_OPERATION && !draft_has(entry->draft, "coordinator") && origin->owner[0] != '\0') {
            entry_add(entry, "coordinator", origin->owner);
        }
    }
    return OUTCOME_DONE;
}

int entry_finish(struct entry *entry)
{
    json_t *result = NULL;
    int outcome;

    if (draft_has(entry->draft, "release")) {
        return fail_because(entry->invocation, ERR_USAGE, _("the readers are no field"), "release", _("name them with --to: griot record KIND --to sn,gm"));
    }
    outcome = add_origin(entry);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (!draft_finish(entry->draft, (uint32_t)(time(NULL) / DAY_S), &entry->record, &entry->faults) || entry->faults.errors > 0) {
        return faults_refuse(entry->invocation, &entry->faults);
    }
    if (option_given(entry->invocation, "dry-run")) {
        outcome = try_out(entry);
        return outcome == OUTCOME_DONE ? print_dry_run(entry) : outcome;
    }
    outcome = save(entry, &result);
    if (outcome == OUTCOME_DONE) {
        outcome = print_record(entry, result);
        json_decref(result);
    }
    return outcome;
}

#include "node/service.h"

#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { AUDIT_LIMIT_DEFAULT = 50, AUDIT_LIMIT_MAX = 1000, SENTENCES_MAX = 1000, HEX_ID = 33 };

static json_t *unreadable(enum err err) { return service_error(err, "the audit trail could not be read", NULL, "griot audit --verify"); }

/* ---- the rows ---- */

struct listing {
    struct service *service;
    json_t *rows; /* newest first */
    uint64_t since_ms, limit;
    uint32_t action; /* 0: all */
    bool has_open;   /* what was typed is wanted */
    const struct membership *membership;
};

/* What the numbers count depends on what was done. */
static void put_counts(json_t *row, const struct audit_entry *entry)
{
    static const char *const stored[] = {"new", "updated", "unchanged"}, *const found[] = {"total", "shown", "guarded"}, *const joined[] = {"stored", "held", "refused"},
                             *const refused[] = {"times"}, *const granted[] = {"keys", "records"},
                             *const taken[] = {"commits", "entries", "refused"};
    const char *const *names = entry->action == AUDIT_RECORD || entry->action == AUDIT_IMPORT || entry->action == AUDIT_REQUEST || entry->action == AUDIT_ANSWER ? stored
                               : entry->action == AUDIT_SEARCH                                ? found
                               : entry->action == AUDIT_JOIN                                  ? joined
                               : entry->action == AUDIT_BUNDLE_IN                             ? taken
                               : entry->action == AUDIT_REFUSED                               ? refused
                               : entry->action == AUDIT_GRANT                                 ? granted
                                                                                              : NULL;
    size_t most = names == refused ? 1 : names == granted ? 2 : 3;
    json_t *counts = json_object();
    for (uint32_t i = 0; i < entry->count_count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i + 1);
        answer_number(counts, names != NULL && i < most ? names[i] : number, entry->counts[i]);
    }
    json_object_set_new(row, "counts", counts);
}

static void put_subjects(json_t *row, const struct audit_entry *entry, const struct membership *membership)
{
    json_t *subjects = json_array();
    for (uint32_t i = 0; i < entry->subject_count && entry->action != AUDIT_LIFE; i++) {
        const struct audit_subject *subject = &entry->subjects[i];
        char hex[2 * AUDIT_SUBJECT_BYTES_MAX + 1];
        json_t *one = json_object();
        answer_text(one, "id", hex_encode(subject->b, subject->n, hex));
        struct node_id node;
        if (subject->n == sizeof node.b && membership != NULL && (entry->action == AUDIT_ADMIT || entry->action == AUDIT_SUSPEND || entry->action == AUDIT_GRANT)) {
            memcpy(node.b, subject->b, sizeof node.b);
            const struct member *member = membership_named(membership, &node);
            answer_text(one, "name", member != NULL ? member->name : "");
        }
        json_array_append_new(subjects, one);
    }
    json_object_set_new(row, "subjects", subjects);
}

/* What was typed, when this node may and is asked to; else sealed as it is. */
static void put_typed(json_t *row, struct listing *listing, struct span letter)
{
    uint8_t text[LETTER_TEXT_BYTES_MAX];
    size_t n = 0;
    if (letter.n == 0) {
        return;
    }
    enum err err = listing->has_open ? audit_open(listing->service->home, letter, text, &n) : ERR_PERMISSION;
    json_t *typed = err == ERR_OK ? json_stringn((const char *)text, n) : NULL;
    json_object_set_new(row, "typed", typed != NULL ? typed : json_null());
    answer_hex(row, "sealed", letter.p, letter.n);
}

static bool put_row(void *arg, const struct audit_row *row)
{
    struct listing *listing = arg;
    const struct audit_entry *entry = &row->entry;
    if (entry->time.ms < listing->since_ms) {
        return true; /* clocks go back: older rows may have newer times */
    }
    if (listing->action != 0 && listing->action != entry->action) {
        return true;
    }
    json_t *one = json_object();
    answer_number(one, "number", row->number);
    answer_number(one, "life", row->life);
    answer_time(one, "time", entry->time);
    answer_number(one, "uid", entry->uid);
    answer_text(one, "login", entry->login);
    answer_text(one, "action", audit_action_name(entry->action));
    answer_text(one, "outcome", row->outcome);
    put_counts(one, entry);
    put_subjects(one, entry, listing->membership);
    put_typed(one, listing, entry->detail);
    answer_hex(one, "hash", row->hash.b, sizeof row->hash.b);
    json_array_append_new(listing->rows, one);
    return json_array_size(listing->rows) < listing->limit;
}

static json_t *turned(json_t *rows)
{
    json_t *turned = json_array();
    for (size_t i = json_array_size(rows); i > 0; i--) {
        json_array_append(turned, json_array_get(rows, i - 1));
    }
    json_decref(rows);
    return turned;
}

static void put_head(json_t *answer, const struct audit_head *head)
{
    answer_number(answer, "life", head->life);
    answer_number(answer, "count", head->count);
    answer_hex(answer, "head", head->hash.b, sizeof head->hash.b);
}

static json_t *answer_list(struct service *service, const json_t *request, enum err *ret_err)
{
    const char *action = json_string_value(json_object_get(request, "action"));
    json_int_t limit = json_integer_value(json_object_get(request, "limit")), since = json_integer_value(json_object_get(request, "since"));
    struct listing listing = {.service = service,
                              .since_ms = since > 0 ? (uint64_t)since : 0,
                              .limit = json_object_get(request, "limit") == NULL ? AUDIT_LIMIT_DEFAULT : (uint64_t)limit,
                              .action = action != NULL ? audit_action_of(action) : 0,
                              .has_open = json_is_true(json_object_get(request, "open"))};
    struct membership *membership = NULL;
    struct store_read *read = NULL;
    struct audit_head head = {0};
    if (limit < 0 || listing.limit < 1 || listing.limit > AUDIT_LIMIT_MAX || (action != NULL && listing.action == 0)) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "the audit trail is listed from 1 to 1000 rows at a time, of one action that it knows or of all", NULL, "griot help audit");
    }
    if (service->note != NULL && listing.has_open) {
        service->note->entry.action = AUDIT_OPEN;
        service->note->is_guarded = true;
    }
    listing.rows = json_array();
    *ret_err = store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        if (store_membership(read, sign_check, &membership) == ERR_OK) {
            listing.membership = membership;
        }
        *ret_err = audit_head_read(read, &head);
    }
    if (*ret_err == ERR_OK) {
        *ret_err = audit_rows_back(read, put_row, &listing);
    }
    store_read_end(&read);
    membership_destroy(&membership);
    if (*ret_err != ERR_OK) {
        json_decref(listing.rows);
        return unreadable(*ret_err);
    }
    json_t *answer = answer_new(service, "griot.audit/1");
    put_head(answer, &head);
    json_object_set_new(answer, "rows", turned(listing.rows));
    return answer;
}

/* ---- verifying ---- */

struct verifying {
    json_t *faults, *lost;
};

static void put_sentence(json_t *list, enum err err, uint64_t row, const char *what)
{
    if (json_array_size(list) < SENTENCES_MAX) {
        json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "row", (json_int_t)row, "code", err_name(err), "what", what));
    }
}

static void put_fault(void *arg, enum err err, uint64_t row, const char *what) { put_sentence(((struct verifying *)arg)->faults, err, row, what); }

static void put_lost(void *arg, uint64_t row, const char *what) { put_sentence(((struct verifying *)arg)->lost, ERR_OK, row, what); }

/* What other nodes remember of this one: "nodes" of griot.audit-heads/1. */
static bool others_read(const json_t *nodes, const struct node_id *self, struct witness_point **ret, size_t *ret_count)
{
    char id[HEX_ID];
    size_t i, count = 0;
    const json_t *node;
    hex_encode(self->b, sizeof self->b, id);
    *ret_count = 0;
    *ret = calloc(WITNESS_POINTS_MAX, sizeof **ret);
    json_array_foreach(nodes, i, node)
    {
        const char *whose = json_string_value(json_object_get(node, "id"));
        size_t j;
        const json_t *head;
        if (whose == NULL || strcmp(whose, id) != 0) {
            continue;
        }
        json_array_foreach(json_object_get(node, "heads"), j, head)
        {
            json_int_t life = json_integer_value(json_object_get(head, "life")), rows = json_integer_value(json_object_get(head, "count"));
            const char *hash = json_string_value(json_object_get(head, "head"));
            if (*ret == NULL || count == WITNESS_POINTS_MAX || life < 0 || rows < 0 || hash == NULL || !hex_decode(hash, (*ret)[count].head.hash.b, 32)) {
                return false;
            }
            (*ret)[count].head.life = (uint64_t)life;
            (*ret)[count++].head.count = (uint64_t)rows;
        }
    }
    *ret_count = count;
    return count > 0;
}

static json_t *answer_verify(struct service *service, const json_t *request, enum err *ret_err)
{
    struct verifying verifying = {NULL, NULL};
    struct audit_report report = {.fault = put_fault, .lost = put_lost, .arg = &verifying};
    struct store_read *read = NULL;
    struct witness_point *others = NULL;
    const json_t *against = json_object_get(request, "against");
    json_t *answer;
    if (against != NULL && !others_read(against, &service->home->node, &others, &report.other_count)) {
        free(others);
        *ret_err = ERR_INVALID;
        return service_error(ERR_INVALID, "what is to be compared with holds no head of this node", NULL, "at another node of the region: griot audit --heads --json > FILE");
    }
    report.others = others;
    verifying = (struct verifying){json_array(), json_array()};
    if (service->note != NULL) {
        service->note->is_wanted = false; /* looking whether it is whole shows nothing of it */
    }
    *ret_err = store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        *ret_err = audit_verify(read, &report);
        store_read_end(&read);
    }
    if (*ret_err == ERR_OK || (*ret_err == ERR_CORRUPT && report.faults > 0)) {
        *ret_err = ERR_OK;
        answer = answer_new(service, "griot.audit-verify/1");
        put_head(answer, &report.head);
        answer_number(answer, "rows", report.rows);
        answer_number(answer, "compared", report.compared);
        answer_number(answer, "named", report.named.count);
        json_object_set(answer, "faults", verifying.faults);
        answer_number(answer, "fault_count", report.faults);
        json_object_set(answer, "lost", verifying.lost);
        json_object_set_new(answer, "ok", json_boolean(report.faults == 0));
    } else {
        answer = unreadable(*ret_err);
    }
    json_decref(verifying.faults);
    json_decref(verifying.lost);
    free(others);
    return answer;
}

/* ---- what is remembered of every node ---- */

struct remembering {
    json_t *nodes;
    const struct membership *membership;
    const char *of; /* name or id of the only node that is wanted; NULL: all */
};

static bool put_witness(void *arg, const struct witness *witness)
{
    static const char *const faults[] = {"", "shorter", "other", "life"};
    struct remembering *remembering = arg;
    const struct member *member = remembering->membership != NULL ? membership_named(remembering->membership, &witness->node) : NULL;
    char id[HEX_ID];
    hex_encode(witness->node.b, sizeof witness->node.b, id);
    if (remembering->of != NULL && strcmp(remembering->of, id) != 0 && (member == NULL || strcmp(remembering->of, member->name) != 0)) {
        return true;
    }
    json_t *one = json_object(), *heads = json_array();
    for (size_t i = 0; i < witness->count; i++) {
        const struct witness_point *point = &witness->points[i];
        json_t *head = json_object();
        put_head(head, &point->head);
        answer_time(head, "at", point->clock);
        json_array_append_new(heads, head);
    }
    answer_text(one, "name", member != NULL ? member->name : "");
    answer_text(one, "id", id);
    json_object_set_new(one, "heads", heads);
    answer_text(one, "fault", faults[witness->fault]);
    if (witness->fault != WITNESS_NONE) {
        json_t *said = json_object();
        put_head(said, &witness->said);
        answer_time(said, "at", witness->fault_at);
        json_object_set_new(one, "said", said);
    }
    json_array_append_new(remembering->nodes, one);
    return true;
}

static json_t *answer_heads(struct service *service, const json_t *request, enum err *ret_err)
{
    struct remembering remembering = {json_array(), NULL, json_string_value(json_object_get(request, "of"))};
    struct membership *membership = NULL;
    struct store_read *read = NULL;
    if (service->note != NULL) {
        service->note->is_wanted = false; /* hashes and counts that every node has been told */
    }
    *ret_err = store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        if (store_membership(read, sign_check, &membership) == ERR_OK) {
            remembering.membership = membership;
        }
        *ret_err = witness_all(read, put_witness, &remembering);
    }
    store_read_end(&read);
    membership_destroy(&membership);
    if (*ret_err != ERR_OK) {
        json_decref(remembering.nodes);
        return unreadable(*ret_err);
    }
    json_t *answer = answer_new(service, "griot.audit-heads/1");
    json_object_set_new(answer, "nodes", remembering.nodes);
    return answer;
}

json_t *answer_audit(struct service *service, const json_t *request, enum err *ret_err)
{
    if (json_is_true(json_object_get(request, "verify"))) {
        return answer_verify(service, request, ret_err);
    }
    return json_is_true(json_object_get(request, "heads")) ? answer_heads(service, request, ret_err) : answer_list(service, request, ret_err);
}

#include "node/bundle_service.h"

#include "node/log.h"

#include <stdlib.h>

#include "node/bundle_in.h"
#include "node/bundle_out.h"
#include "node/bundle_show.h"
#include "node/frontier.h"

#ifndef N_
#define N_(text) text
#endif

enum {
    OUT_BYTES = 1 << 19,
    PROGRESS_ENTRIES = 10000,
    RANGES_SHOWN_MAX = 2000, /* an answer is one frame of the control socket */
};

/* ---- names ---- */

/* The name of a node as membership has it, else the beginning of its id. */
static json_t *name_json(const struct membership *membership, const struct node_id *node)
{
    const struct member *member = membership == NULL ? NULL : membership_named(membership, node);
    char hex[9];

    return json_string(member != NULL ? member->name : hex_encode(node->b, 4, hex));
}

static struct membership *membership_of(struct service *service)
{
    struct membership *membership = NULL;
    struct store_read *read;

    if (store_read_begin(service->store, &read) == ERR_OK) {
        (void)!store_membership(read, sign_check, &membership);
        store_read_end(&read);
    }
    return membership;
}

/* ---- out ---- */

struct out_hand {
    struct service *service;
    service_bytes write;
    service_progress progress;
    void *arg;
    uint8_t *buffer; /* OUT_BYTES: chunks are gathered into larger pieces */
    size_t held;
    uint64_t told;
    struct bundle_written before; /* of the files before this one */
};

static enum err out_flush(struct out_hand *hand)
{
    struct span bytes = span_of(hand->buffer, hand->held);

    hand->held = 0;
    return bytes.n > 0 ? hand->write(hand->arg, bytes) : ERR_OK;
}

static enum err out_sink(void *arg, struct span bytes)
{
    struct out_hand *hand = arg;
    enum err err = ERR_OK;

    while (err == ERR_OK && bytes.n > 0) {
        size_t n = OUT_BYTES - hand->held < bytes.n ? OUT_BYTES - hand->held : bytes.n;

        memcpy(hand->buffer + hand->held, bytes.p, n);
        hand->held += n;
        bytes = span_of(bytes.p + n, bytes.n - n);
        err = hand->held == OUT_BYTES ? out_flush(hand) : ERR_OK;
    }
    return err;
}

static enum err out_sign(void *arg, struct span body, struct signature *ret)
{
    const struct home *home = ((struct out_hand *)arg)->service->home;

    sign_make(SIGN_BUNDLE, &home->region, body, home->identity, ret);
    return ERR_OK;
}

static void out_progress(void *arg, const struct bundle_written *so_far)
{
    struct out_hand *hand = arg;
    uint64_t entries = hand->before.entries + so_far->entries;
    json_t *progress;

    if (hand->progress == NULL || entries < hand->told + PROGRESS_ENTRIES) {
        return;
    }
    hand->told = entries;
    progress = json_object();
    answer_number(progress, "commits", hand->before.commits + so_far->commits);
    answer_number(progress, "entries", entries);
    hand->progress(hand->arg, progress);
    json_decref(progress);
}

static enum err write_files(struct bundle_plan *plan, struct out_hand *hand, json_t *files)
{
    struct bundle_hand own = {.sink = out_sink, .sign = out_sign, .progress = out_progress, .arg = hand};
    enum err err = ERR_OK;

    for (uint32_t part = 1; part <= plan->parts && err == ERR_OK; part++) {
        struct bundle_written written;
        json_t *progress = json_pack("{s:I, s:I}", "part", (json_int_t)part, "parts", (json_int_t)plan->parts), *file;

        hand->progress(hand->arg, progress);
        json_decref(progress);
        err = bundle_write(plan, hand->service->store, part, &own, &written);
        err = err == ERR_OK ? out_flush(hand) : err;
        file = json_object();
        answer_number(file, "part", part);
        answer_number(file, "bytes", written.bytes);
        answer_number(file, "notices", written.notices);
        answer_number(file, "commits", written.commits);
        answer_number(file, "entries", written.entries);
        json_array_append_new(files, file);
        hand->before.bytes += written.bytes;
        hand->before.commits += written.commits;
        hand->before.entries += written.entries;
        hand->before.damaged += written.damaged;
    }
    return err;
}

static json_t *out_answer(struct service *service, const struct bundle_plan *plan, const struct bundle_order *order, const struct out_hand *hand, const struct leaving *leaving,
                          json_t *files)
{
    struct membership *membership = membership_of(service);
    json_t *answer = answer_new(service, "griot.bundle-out/1"), *bases = json_array();

    answer_hex(answer, "bundle", plan->id.b, sizeof plan->id.b);
    answer_text(answer, "for", order->name);
    answer_number(answer, "parts", plan->parts);
    answer_number(answer, "bytes", hand->before.bytes);
    answer_number(answer, "commits", hand->before.commits);
    answer_number(answer, "entries", hand->before.entries);
    answer_number(answer, "without_card", plan->without_card);
    answer_number(answer, "damaged", hand->before.damaged);
    answer_number(answer, "issued_again", leaving->entries);
    for (size_t i = 0; i < plan->base_count; i++) {
        json_t *base = json_object();

        json_object_set_new(base, "node", name_json(membership, &plan->bases[i].node));
        json_object_set_new(base, "frontier", plan->bases[i].counter > 0 ? json_integer((json_int_t)plan->bases[i].counter) : json_null());
        json_array_append_new(bases, base);
    }
    json_object_set_new(answer, "base", bases);
    json_object_set(answer, "files", files);
    membership_destroy(&membership);
    return answer;
}

static const char *out_advice(enum err err)
{
    switch ((int)err) {
    case ERR_NOT_MEMBER:
        return N_("griot join, and griot admit at two hubs");
    case ERR_LIMIT:
        return N_("allow larger files: --size");
    case ERR_NOT_FOUND:
        return N_("griot peers and griot lag name the members; --since nothing puts in everything");
    case ERR_CORRUPT:
        return N_("griot fsck");
    default:
        return NULL;
    }
}

/* A row in the audit trail: for whom, as it was typed. */
static enum err audit_out(struct service *service, const char *name, enum err outcome)
{
    struct audit_note note;
    audit_note_init(&note, service->home, &service->person, AUDIT_BUNDLE);
    note.entry.outcome = outcome;
    note.is_guarded = true;
    enum err err = audit_note_typed(&note, service->home, name);
    return err == ERR_OK ? service_audit(service, &note) : err;
}

json_t *service_bundle_out(struct service *service, const json_t *request, service_bytes write, service_progress progress, void *arg, enum err *ret_err)
{
    const json_t *since = json_object_get(request, "since"), *bytes = json_object_get(request, "bytes");
    struct bundle_order order = {.name = json_string_value(json_object_get(request, "for")), .has_since = json_is_integer(since), .now = wall_now()};
    struct out_hand hand = {.service = service, .write = write, .progress = progress, .arg = arg, .buffer = malloc(OUT_BYTES)};
    struct bundle_plan *plan = NULL;
    struct leaving leaving = {0};
    struct frontier_new fresh;
    json_t *files = json_array(), *answer;
    const char *why = NULL;

    if (order.name == NULL || json_integer_value(since) < 0 || json_integer_value(bytes) < 0) {
        free(hand.buffer);
        json_decref(files);
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "the request does not say for whom the bundle is", NULL, NULL);
    }
    order.since = (uint64_t)json_integer_value(since);
    *ret_err = hand.buffer == NULL ? ERR_MEMORY : audit_out(service, order.name, ERR_OK); /* before a byte of it has left */
    if (*ret_err == ERR_OK) {
        *ret_err = service_change(service, bundle_leave, &leaving);
    }
    if (*ret_err == ERR_OK) {
        *ret_err = service_change(service, frontier_now, &fresh); /* of what is on disk now, so that what it answers is acknowledged by it */
    }
    if (*ret_err == ERR_OK || *ret_err == ERR_NOT_MEMBER) {
        *ret_err = bundle_plan_make(service->store, &order, &plan, &why);
    }
    if (*ret_err == ERR_OK) {
        *ret_err = bundle_split(plan, service->store, (uint64_t)json_integer_value(bytes));
    }
    if (*ret_err == ERR_OK) {
        *ret_err = write_files(plan, &hand, files);
    }
    if (*ret_err != ERR_OK) {
        (void)!audit_out(service, order.name, *ret_err);
    }
    answer = *ret_err == ERR_OK ? out_answer(service, plan, &order, &hand, &leaving, files) : service_error(*ret_err, "the bundle was not written", why, out_advice(*ret_err));
    bundle_plan_destroy(&plan);
    json_decref(files);
    free(hand.buffer);
    return answer;
}

/* ---- in, show ---- */

struct bundle_passage {
    struct service *service;
    struct bundle_in *in;     /* one of the two */
    struct bundle_show *show;
    bool is_checking; /* nothing of it is stored */
};

static enum err passage_change(void *arg, writer_change change, void *change_arg) { return service_change(arg, change, change_arg); }

struct bundle_passage *service_bundle_begin(struct service *service, const json_t *request, json_t **ret_error, enum err *ret_err)
{
    const char *name = json_string_value(json_object_get(request, "do"));
    struct bundle_passage *passage = calloc(1, sizeof *passage);

    *ret_err = passage == NULL ? ERR_MEMORY : ERR_OK;
    if (passage != NULL) {
        passage->service = service;
        if (name != NULL && strcmp(name, "bundle_show") == 0) {
            *ret_err = bundle_show_new(service->store, service->home->keyring, &passage->show);
        } else if (name != NULL && (strcmp(name, "bundle_in") == 0 || strcmp(name, "bundle_check") == 0)) {
            passage->is_checking = strcmp(name, "bundle_check") == 0;
            *ret_err = bundle_in_new(service->home, passage->is_checking, passage_change, service, &passage->in);
        } else {
            *ret_err = ERR_USAGE;
        }
    }
    if (*ret_err != ERR_OK) {
        service_bundle_close(&passage);
        *ret_error = service_error(*ret_err, "the bundle is not read", NULL, NULL);
    }
    return passage;
}

void service_bundle_close(struct bundle_passage **passage)
{
    if (*passage == NULL) {
        return;
    }
    bundle_in_destroy(&(*passage)->in);
    bundle_show_destroy(&(*passage)->show);
    free(*passage);
    *passage = NULL;
}

static const struct bundle_file *file_of(const struct bundle_passage *passage)
{
    return passage->in != NULL ? bundle_in_file(passage->in) : bundle_show_file(passage->show);
}

/* ---- what is known of the file ---- */

/* What anybody can see: the head. */
static void put_head(const struct bundle_passage *passage, const struct membership *membership, json_t *answer)
{
    const struct bundle_file *file = file_of(passage);
    const struct bundle_head *head = bundle_reader_head(bundle_file_reader(file));
    json_t *receivers;

    if (!bundle_file_has_head(file)) {
        return;
    }
    receivers = json_array();
    for (uint32_t i = 0; i < head->receiver_count; i++) {
        json_array_append_new(receivers, name_json(membership, &head->receivers[i].node));
    }
    answer_hex(answer, "region", head->region.b, sizeof head->region.b);
    answer_hex(answer, "bundle", head->id.b, sizeof head->id.b);
    answer_number(answer, "part", head->part);
    answer_number(answer, "parts", head->parts);
    json_object_set_new(answer, "sealed_for", receivers);
}

static void put_contents(const struct bundle_passage *passage, const struct membership *membership, json_t *answer)
{
    const struct bundle_reader *reader = bundle_file_reader(file_of(passage));
    const struct bundle_contents *contents = bundle_reader_contents(reader);
    const struct sign_public *identity;
    json_t *bases;

    if (contents == NULL) {
        return;
    }
    identity = membership == NULL ? NULL : membership_identity(membership, &contents->writer);
    bases = json_array();
    for (uint32_t i = 0; i < contents->base_count; i++) {
        json_t *base = json_object();

        json_object_set_new(base, "node", name_json(membership, &contents->bases[i].node));
        json_object_set_new(base, "frontier", contents->bases[i].counter > 0 ? json_integer((json_int_t)contents->bases[i].counter) : json_null());
        json_array_append_new(bases, base);
    }
    json_object_set_new(answer, "writer", name_json(membership, &contents->writer));
    json_object_set_new(answer, "signed", identity == NULL ? json_null() : json_boolean(bundle_reader_check(reader, identity, NULL) == ERR_OK));
    answer_time(answer, "made", contents->created);
    answer_text(answer, "for", contents->receiver_count == 0 ? "region" : "nodes");
    json_object_set_new(answer, "base", bases);
}

/* ---- what was done with it ---- */

static void put_tally(const struct bundle_tally *tally, const struct membership *membership, json_t *answer)
{
    static const char *const fates[] = {[BUNDLE_WAITS] = "waiting", [BUNDLE_ASIDE] = "aside", [BUNDLE_REFUSED] = "refused"};
    const struct {
        const char *key;
        uint64_t number;
    } numbers[] = {
        {"notices", tally->notices}, {"notices_held", tally->notices_held}, {"commits", tally->commits}, {"entries", tally->entries}, {"commits_held", tally->commits_held},
        {"waiting", tally->waiting}, {"aside", tally->aside},               {"refused", tally->refused}, {"own_again", tally->own_again},
    };
    json_t *reasons = json_array();

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        answer_number(answer, numbers[i].key, numbers[i].number);
    }
    json_object_set_new(answer, "own_ahead", json_boolean(tally->is_own_ahead));
    json_object_set_new(answer, "released", json_boolean(tally->is_released));
    for (size_t i = 0; i < tally->reason_count; i++) {
        const struct bundle_reason *reason = &tally->reasons[i];
        json_t *item = json_pack("{s:s, s:s, s:s}", "fate", fates[reason->fate], "code", err_name(reason->err), "clause", reason->clause);

        json_object_set_new(item, "origin", reason->has_node ? name_json(membership, &reason->node) : json_null());
        answer_number(item, "count", reason->count);
        json_array_append_new(reasons, item);
    }
    json_object_set_new(answer, "reasons", reasons);
}

static void put_sum(const struct bundle_sum *sum, const struct membership *membership, json_t *answer)
{
    static const char *const kinds[BUNDLE_NOTICE_KINDS] = {"unknown", "charters", "rosters", "acts", "cards", "frontiers", "fork_proofs"};
    json_t *notices = json_object(), *ranges = json_array();

    for (size_t i = 0; i < BUNDLE_NOTICE_KINDS; i++) {
        answer_number(notices, kinds[i], sum->notices[i]);
    }
    for (size_t i = 0; i < sum->range_count && i < RANGES_SHOWN_MAX; i++) {
        const struct bundle_range_shown *range = &sum->ranges[i];
        json_t *item = json_object();

        json_object_set_new(item, "origin", range->has_node ? name_json(membership, &range->node) : json_null());
        json_object_set_new(item, "channel", range->has_node ? json_string(channel_name(range->channel)) : json_null());
        answer_hex(item, "log", range->log.b, sizeof range->log.b);
        answer_number(item, "first", range->first);
        answer_number(item, "last", range->last);
        answer_number(item, "commits", range->commits);
        answer_number(item, "entries", range->entries);
        answer_number(item, "bytes", range->bytes);
        json_array_append_new(ranges, item);
    }
    json_object_set_new(answer, "notices", notices);
    answer_number(answer, "commits", sum->commits);
    answer_number(answer, "entries", sum->entries);
    answer_number(answer, "unreadable", sum->unreadable);
    json_object_set_new(answer, "ranges", ranges);
    answer_number(answer, "ranges_left_out", sum->range_count > RANGES_SHOWN_MAX ? sum->range_count - RANGES_SHOWN_MAX : 0);
}

/* ---- refusals ---- */

/* For whom it is instead: "tg, gm". */
static void names_of(const struct bundle_passage *passage, const struct membership *membership, char *ret, size_t cap)
{
    const struct bundle_head *head = bundle_reader_head(bundle_file_reader(file_of(passage)));
    size_t at = 0;

    ret[0] = '\0';
    for (uint32_t i = 0; i < head->receiver_count && at + NAME_BYTES_MAX + 8 < cap; i++) {
        json_t *name = name_json(membership, &head->receivers[i].node);

        at += (size_t)snprintf(ret + at, cap - at, "%s%s", i == 0 ? "" : ", ", json_string_value(name));
        json_decref(name);
    }
}

static const char *advice_of(enum err err)
{
    switch ((int)err) {
    case ERR_REGION:
        return N_("take it to an office of its own region");
    case ERR_PERMISSION:
        return N_("take it to the office for which it is sealed, or ask its writer for one for this node");
    case ERR_UNKNOWN_KEY:
        return N_("ask its writer for a new one");
    case ERR_VERSION:
        return N_("install the newer release");
    case ERR_NOT_MEMBER:
    case ERR_STALE:
        return N_("ask another office for a bundle");
    case ERR_FULL:
        return N_("free disk space and take it in again: what is held is passed over");
    case ERR_TRUNCATED:
    case ERR_BADSIG:
    case ERR_BADHASH:
    case ERR_MALFORMED:
    case ERR_NONCANONICAL:
    case ERR_OVERSIZE:
    case ERR_LIMIT:
        return N_("copy it again from where it was made, or ask for a new one");
    default:
        return NULL;
    }
}

static json_t *refusal(const struct bundle_passage *passage, enum err err, const char *clause)
{
    struct membership *membership = membership_of(passage->service);
    char why[512], names[320];
    bool has_changed = passage->in != NULL && (bundle_in_tally(passage->in)->commits > 0 || bundle_in_tally(passage->in)->notices > 0);
    json_t *error;

    (void)snprintf(why, sizeof why, "%s", clause != NULL ? clause : err_text(err));
    if (err == ERR_PERMISSION && bundle_file_has_head(file_of(passage))) {
        names_of(passage, membership, names, sizeof names);
        (void)snprintf(why, sizeof why, "it is sealed for %s, and this is %s", names, passage->service->home->name);
    }
    error = service_error(err, has_changed ? N_("the bundle is not taken in to its end; what came before stays") : N_("the bundle is not taken in; nothing was changed"), why, advice_of(err));
    put_head(passage, membership, error);
    membership_destroy(&membership);
    return error;
}

/* ---- feeding ---- */

/* A row in the audit trail about a file that was taken in, also when it was no good. What was stored of it stays, so that a row that cannot be written is only logged. */
static void audit_in(struct bundle_passage *passage, enum err outcome)
{
    struct service *service = passage->service;
    struct audit_note note;
    if (passage->in == NULL || passage->is_checking) {
        return;
    }
    const struct bundle_tally *tally = bundle_in_tally(passage->in);
    audit_note_init(&note, service->home, &service->person, AUDIT_BUNDLE_IN);
    note.entry.outcome = outcome;
    audit_note_count(&note, tally->commits);
    audit_note_count(&note, tally->entries);
    audit_note_count(&note, tally->refused);
    enum err err = service_audit(service, &note);
    if (err != ERR_OK) {
        log_event(LOG_ERROR, "audit_not_written", "action=%s err=%s", audit_action_name(AUDIT_BUNDLE_IN), err_name(err));
    }
}

json_t *service_bundle_feed(struct bundle_passage *passage, struct span bytes, enum err *ret_err)
{
    const char *clause = NULL;
    json_t *answer;

    *ret_err = passage->in != NULL ? bundle_in_feed(passage->in, bytes, &clause) : bundle_show_feed(passage->show, bytes, &clause);
    if (*ret_err != ERR_OK) {
        audit_in(passage, *ret_err);
        return refusal(passage, *ret_err, clause);
    }
    answer = json_object();
    if (passage->in != NULL) {
        answer_number(answer, "commits", bundle_in_tally(passage->in)->commits);
        answer_number(answer, "entries", bundle_in_tally(passage->in)->entries);
    }
    return answer;
}

json_t *service_bundle_end(struct bundle_passage *passage, enum err *ret_err)
{
    struct membership *membership;
    const char *clause = NULL;
    json_t *answer;

    *ret_err = passage->in != NULL ? bundle_in_end(passage->in, &clause) : bundle_show_end(passage->show, &clause);
    audit_in(passage, *ret_err);
    if (*ret_err != ERR_OK) {
        return refusal(passage, *ret_err, clause);
    }
    membership = membership_of(passage->service);
    answer = answer_new(passage->service, passage->in != NULL ? "griot.bundle-in/1" : "griot.bundle/1");
    put_head(passage, membership, answer);
    put_contents(passage, membership, answer);
    if (passage->in != NULL) {
        put_tally(bundle_in_tally(passage->in), membership, answer);
    } else {
        put_sum(bundle_show_sum(passage->show), membership, answer);
    }
    membership_destroy(&membership);
    return answer;
}

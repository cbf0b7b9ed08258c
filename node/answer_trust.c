#include "node/service.h"

#include "crypto/hash.h"
#include "node/suspension.h"
#include "node/trust.h"

#include <stdlib.h>

/* The bytes of a string of hex; yours to free. */
static bool hex_bytes(const json_t *text, uint8_t **ret, size_t *ret_bytes)
{
    size_t n = json_string_length(text) / 2;
    *ret = json_is_string(text) && n > 0 ? malloc(n) : NULL;
    *ret_bytes = n;
    if (*ret != NULL && hex_decode(json_string_value(text), *ret, n)) {
        return true;
    }
    free(*ret);
    *ret = NULL;
    return false;
}

/* ---- admit ---- */

static enum err admit_change(struct writer *writer, void *arg)
{
    struct trust_admit *admit = arg;
    enum err err = trust_admit(writer, admit);
    for (size_t i = 0; err == ERR_OK && i < admit->notice_count; i++) {
        err = writer_note(writer, &admit->notices[i]);
    }
    return err;
}

static void describe_admit(struct audit_note *note, const void *arg)
{
    const struct trust_admit *admit = arg;
    audit_note_clear(note);
    audit_note_subject(note, admit->decoded.node.b, sizeof admit->decoded.node.b);
}

json_t *answer_admit(struct service *service, const json_t *request, enum err *ret_err)
{
    static const char *const states[] = {"proposed", "admitted", "already in"};
    struct trust_admit admit = {.now = wall_now()};
    uint8_t *card;
    size_t bytes;
    if (!hex_bytes(json_object_get(request, "card"), &card, &bytes)) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "that is no card", NULL, "griot card, at the new node, makes one");
    }
    admit.card = span_of(card, bytes);
    if (service->note != NULL) {
        service->note->describe = describe_admit;
    }
    *ret_err = service_change(service, admit_change, &admit);
    json_t *answer;
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.admit/1");
        answer_text(answer, "name", admit.decoded.name);
        answer_hex(answer, "node_id", admit.decoded.node.b, sizeof admit.decoded.node.b);
        answer_text(answer, "fingerprint", admit.fingerprint);
        answer_text(answer, "state", states[admit.state]);
        json_t *by = json_array();
        for (uint32_t i = 0; i < admit.by_count; i++) {
            json_array_append_new(by, json_string(admit.by[i]));
        }
        json_object_set_new(answer, "by", by);
    } else {
        answer = service_error(*ret_err, "the node was not admitted", admit.why, *ret_err == ERR_PERMISSION ? "admit it at the desk of a hub" : NULL);
    }
    free(card);
    return answer;
}

/* ---- suspend ---- */

static enum err suspend_change(struct writer *writer, void *arg)
{
    struct suspension *suspension = arg;
    enum err err = suspension_make(writer, suspension);
    return err == ERR_OK && suspension->state == SUSPENSION_MADE ? writer_note(writer, &suspension->notice) : err;
}

static void describe_suspend(struct audit_note *note, const void *arg)
{
    const struct suspension *suspension = arg;
    audit_note_clear(note);
    audit_note_subject(note, suspension->subject.node.b, sizeof suspension->subject.node.b);
}

json_t *answer_suspend(struct service *service, const json_t *request, enum err *ret_err)
{
    static const char *const states[] = {"suspended", "already suspended"};
    struct suspension suspension = {.name = json_string_value(json_object_get(request, "name")),
                                    .reason = json_string_value(json_object_get(request, "reason")),
                                    .now = wall_now()};
    if (suspension.name == NULL) {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "the request names no node", NULL, NULL);
    }
    if (service->note != NULL) {
        service->note->describe = describe_suspend;
    }
    *ret_err = service_change(service, suspend_change, &suspension);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the node was not suspended", suspension.why, *ret_err == ERR_PERMISSION ? "suspend it at the desk of a hub" : NULL);
    }
    json_t *answer = answer_new(service, "griot.suspend/1");
    answer_text(answer, "name", suspension.subject.name);
    answer_hex(answer, "node_id", suspension.subject.node.b, sizeof suspension.subject.node.b);
    answer_text(answer, "role", role_name(suspension.subject.role));
    answer_text(answer, "state", states[suspension.state]);
    answer_number(answer, "left", suspension.left);
    return answer;
}

/* ---- publish: the card as it stands in the home ---- */

static enum err publish_change(struct writer *writer, void *arg)
{
    bool *is_published = arg;
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out card = out_into(bytes, sizeof bytes);
    struct notice_ref ref;
    bool is_new = false;
    const char *clause = NULL;
    enum err err = home_refresh(writer->home); /* a command beside us made new keys */
    if (err == ERR_OK) {
        err = home_card_current(writer->home, &card);
    }
    if (err == ERR_OK) {
        err = store_admit_notice(writer->store, out_written(&card), 0, span_of(NULL, 0), &ref, &is_new, &clause);
        *is_published = err == ERR_OK;
        err = err == ERR_UNKNOWN_KEY ? ERR_OK : err; /* not a member yet: it is published when it is */
    }
    return err == ERR_OK && is_new ? writer_note(writer, &ref) : err;
}

json_t *answer_publish(struct service *service, const json_t *request, enum err *ret_err)
{
    bool is_published = false;
    (void)request;
    *ret_err = service_change(service, publish_change, &is_published);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the new card was not published", NULL, "it is published when the node starts next");
    }
    json_t *answer = answer_new(service, "griot.publish/1");
    json_object_set_new(answer, "published", json_boolean(is_published));
    return answer;
}

/* ---- join ---- */

static enum err join_change(struct writer *writer, void *arg)
{
    struct trust_join *join = arg;
    enum err err = trust_join(writer, join);
    for (size_t i = 0; err == ERR_OK && i < join->stored; i++) {
        err = writer_note(writer, &join->refs[i]);
    }
    return err;
}

static void describe_join(struct audit_note *note, const void *arg)
{
    const struct trust_join *join = arg;
    audit_note_clear(note);
    audit_note_count(note, join->stored);
    audit_note_count(note, join->held);
    audit_note_count(note, join->refused);
}

/* Who the hubs are and where, and whether we are in, by what is held now. */
static enum err put_region(struct service *service, json_t *answer)
{
    struct store_read *read;
    struct membership *membership = NULL;
    enum err err = store_read_begin(service->store, &read);
    if (err != ERR_OK) {
        return err;
    }
    json_t *hubs = json_array();
    bool is_member = false;
    uint64_t number = 0;
    if (store_membership(read, sign_check, &membership) == ERR_OK) {
        number = membership_roster_number(membership);
        is_member = membership_find(membership, &service->home->node) != NULL;
        for (size_t i = 0; i < membership_count(membership); i++) {
            const struct member *member = membership_at(membership, i);
            struct card card;
            if (member->role == ROLE_HUB) {
                bool has_card = store_card(read, &member->node, &card) == ERR_OK && card.address_count > 0;
                json_array_append_new(hubs, json_pack("{s:s, s:s}", "name", member->name, "address", has_card ? card.addresses[0] : ""));
            }
        }
    }
    membership_destroy(&membership);
    store_read_end(&read);
    answer_hex(answer, "region", service->home->region.b, sizeof service->home->region.b);
    answer_number(answer, "roster", number);
    json_object_set_new(answer, "member", json_boolean(is_member));
    json_object_set_new(answer, "hubs", hubs);
    return ERR_OK;
}

json_t *answer_join(struct service *service, const json_t *request, enum err *ret_err)
{
    const json_t *list = json_object_get(request, "notices");
    size_t count = json_array_size(list);
    struct span *notices = calloc(count + 1, sizeof *notices);
    struct trust_join join = {.notices = notices};
    *ret_err = notices == NULL ? ERR_MEMORY : ERR_OK;
    for (size_t i = 0; *ret_err == ERR_OK && i < count; i++) {
        uint8_t *bytes;
        size_t n;
        if (hex_bytes(json_array_get(list, i), &bytes, &n)) {
            notices[join.count++] = span_of(bytes, n);
        } else {
            *ret_err = ERR_USAGE;
        }
    }
    if (*ret_err == ERR_OK) {
        if (service->note != NULL) {
            service->note->describe = describe_join;
        }
        *ret_err = service_change(service, join_change, &join);
    }
    json_t *answer = NULL;
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.join/1");
        answer_number(answer, "stored", join.stored);
        answer_number(answer, "held", join.held);
        answer_number(answer, "refused", join.refused);
        *ret_err = put_region(service, answer);
    }
    if (*ret_err != ERR_OK) {
        json_decref(answer);
        answer = service_error(*ret_err, "the region file was not taken in", join.why,
                               *ret_err == ERR_REGION ? "use the region file of the region this node was made for" : NULL);
    }
    for (size_t i = 0; i < join.count; i++) {
        union {
            const uint8_t *borrowed;
            uint8_t *own;
        } bytes = {notices[i].p};
        free(bytes.own);
    }
    free(notices);
    free(join.refs);
    return answer;
}

/* ---- region ---- */

enum { REGION_PART_BYTES_MAX = 400000 /* of notices in one answer: as hex, with room, within one frame of client.h */ };

struct region_part {
    json_t *notices;
    size_t at, after, bytes;
    bool is_full;
};

/* What a region file carries: frontiers and fork proofs come from the nodes themselves. */
static bool put_notice(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct region_part *part = arg;
    (void)heads;
    if (ref->kind != NOTICE_CHARTER && ref->kind != NOTICE_ROSTER && ref->kind != NOTICE_ACT && ref->kind != NOTICE_CARD) {
        return true;
    }
    if (part->at < part->after) {
        part->at++;
        return true;
    }
    part->is_full = part->bytes + notice.n > REGION_PART_BYTES_MAX;
    char *hex = part->is_full ? NULL : malloc(2 * notice.n + 1);
    if (hex == NULL) {
        part->is_full = true;
        return false;
    }
    json_array_append_new(part->notices, json_string(hex_encode(notice.p, notice.n, hex)));
    free(hex);
    part->bytes += notice.n;
    part->at++;
    return true;
}

json_t *answer_region(struct service *service, const json_t *request, enum err *ret_err)
{
    struct region_part part = {.notices = json_array(), .after = (size_t)json_integer_value(json_object_get(request, "after"))};
    struct store_read *read;
    *ret_err = store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        *ret_err = store_notices(read, put_notice, &part);
        store_read_end(&read);
    }
    if (*ret_err != ERR_OK) {
        json_decref(part.notices);
        return service_error(*ret_err, "the store could not be read", NULL, "griot fsck");
    }
    json_t *answer = answer_new(service, "griot.region/1");
    json_object_set_new(answer, "notices", part.notices);
    json_object_set_new(answer, "next", part.is_full ? json_integer((json_int_t)part.at) : json_null());
    return answer;
}

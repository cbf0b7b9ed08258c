#include "node/service.h"

#include "node/release.h"

#include <stdlib.h>

/* The versions in force of a record, to be said again. */
struct finding {
    struct release *release;
    const struct node_id *self;
    struct unpack *unpack;
    struct record *record;
    uint8_t payload[PAYLOAD_EXPANDED_BYTES_MAX];
    bool is_others, is_many, is_unreadable;
    enum err err;
};

static bool take_version(void *arg, const struct version *version)
{
    struct finding *finding = arg;
    struct release *release = finding->release;
    const char *clause;
    if (!version->is_current) {
        return true;
    }
    if (!node_id_equal(&version->author, finding->self)) {
        finding->is_others = true;
        return true;
    }
    if (version->payload.n == 0 || version->payload.n > sizeof finding->payload ||
        record_decode(finding->unpack, version->payload, finding->record, &clause) != ERR_OK) {
        finding->is_unreadable = true;
        return false;
    }
    if (release->replaces_count > 0) {
        finding->is_many = true; /* they may differ: which is said again is for a person to decide */
        return false;
    }
    memcpy(finding->payload, version->payload.p, version->payload.n);
    release->payload = span_of(finding->payload, version->payload.n);
    release->channel = version->channel;
    release->depth = finding->record->depth;
    release->expiry_day = version->expiry_day;
    release->replaces[release->replaces_count++] = version->content;
    return true;
}

static json_t *find_versions(struct service *service, const json_t *request, struct finding *finding, enum err *ret_err)
{
    struct views_read *views;
    *ret_err = views_read_begin(service->views, service->store, &views);
    if (*ret_err == ERR_OK) {
        *ret_err = resolve_id(views, request, &finding->release->id);
        *ret_err = *ret_err == ERR_OK ? views_versions(views, &finding->release->id, take_version, finding) : *ret_err;
        views_read_end(&views);
    }
    if (*ret_err != ERR_OK) {
        return no_such_record(*ret_err);
    }
    if (finding->is_unreadable) {
        *ret_err = ERR_NOT_FOUND;
        return service_error(ERR_NOT_FOUND, "what the record says is not here any more", "it was erased, or its key was lost", NULL);
    }
    if (finding->is_many) {
        *ret_err = ERR_INVALID;
        return service_error(ERR_INVALID, "the record has several versions in force", "they may say different things", "import or enter it again, so that one replaces them all");
    }
    if (finding->release->replaces_count == 0) {
        *ret_err = ERR_PERMISSION;
        return service_error(ERR_PERMISSION, "the record is another office's", "only its owner releases it", "ask its owner: griot request ID --pass-to NAMES --why TEXT");
    }
    return NULL;
}

static void describe_release(struct audit_note *note, const void *arg)
{
    const struct release *release = arg;
    audit_note_clear(note);
    audit_note_subject(note, release->id.b, sizeof release->id.b);
    note->is_wanted = !release->is_unchanged;
}

json_t *answer_release(struct service *service, const json_t *request, enum err *ret_err)
{
    struct append_plan *plan = malloc(sizeof *plan);
    struct finding *finding = calloc(1, sizeof *finding);
    struct release release = {.depth = 0};
    struct readers *readers = NULL;
    json_t *answer = NULL;
    *ret_err = plan == NULL || finding == NULL ? ERR_MEMORY : ERR_OK;
    if (*ret_err == ERR_OK) {
        finding->release = &release;
        finding->self = &service->home->node;
        finding->unpack = unpack_new();
        finding->record = malloc(sizeof *finding->record);
        *ret_err = finding->unpack == NULL || finding->record == NULL ? ERR_MEMORY : ERR_OK;
    }
    if (*ret_err == ERR_OK) {
        answer = find_versions(service, request, finding, ret_err);
    }
    if (*ret_err == ERR_OK) {
        answer = service_plan(service, request, plan, &readers, ret_err);
    }
    if (*ret_err == ERR_OK) {
        release.readers = readers;
        if (service->note != NULL) {
            service->note->describe = describe_release;
        }
        *ret_err = service_change(service, release_make, &release);
        answer = *ret_err == ERR_OK ? answer_new(service, "griot.release/1")
                                    : service_error(*ret_err, "the record was not released", release.clause,
                                                    *ret_err == ERR_STALE ? "look at the version in force, and do it again" : NULL);
    }
    if (*ret_err == ERR_OK) {
        answer_hex(answer, "id", release.id.b, sizeof release.id.b);
        answer_hex(answer, "version", release.version.b, sizeof release.version.b);
        answer_text(answer, "state", release.is_unchanged ? "unchanged" : "released");
    } else if (answer == NULL) {
        answer = service_error(*ret_err, "the record was not released", NULL, NULL);
    }
    if (finding != NULL) {
        free(finding->record);
        unpack_destroy(&finding->unpack);
    }
    free(finding);
    free(plan);
    free(readers);
    return answer;
}

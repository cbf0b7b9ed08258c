#include "node/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HITS_MAX = 16, /* versions in force under one name; more would only be more of the same fault */ QUERY_BYTES = 256 };

struct finding {
    struct operation *operation;
    struct unpack *unpack;
    struct record *record;
    bool is_other; /* another record of the same name */
    enum err err;
};

static void take_names(struct operation *operation, const struct record *record, const char *field)
{
    for (uint32_t i = 0; i < record->value_count && operation->count < RECORD_VALUES_MAX; i++) {
        const struct record_value *value = &record->values[i];
        if (strcmp(value->field->name, field) == 0) {
            (void)snprintf(operation->names[operation->count++], sizeof operation->names[0], "%.*s", (int)value->text.n, (const char *)value->text.p);
        }
    }
}

static bool take(void *arg, const struct version *version)
{
    struct finding *finding = arg;
    struct operation *operation = finding->operation;
    struct record *record = finding->record;
    const char *clause;
    if (!version->is_current || version->payload.n == 0) {
        return true;
    }
    enum err err = record_decode(finding->unpack, version->payload, record, &clause);
    if (err == ERR_MEMORY) {
        finding->err = err;
        return false;
    }
    if (err != ERR_OK || record->kind != RECORD_OPERATION) {
        return true;
    }
    if (operation->current > 0 && memcmp(operation->id.b, record->id.b, sizeof record->id.b) != 0) {
        finding->is_other = true;
        return false;
    }
    operation->id = record->id;
    operation->current++;
    operation->count = 0;
    operation->is_closed = span_equal(record_get(record, "phase"), span_text("CLOSED")) || span_equal(record_get(record, "status"), span_text("WITHDRAWN"));
    take_names(operation, record, "coordinator");
    take_names(operation, record, "participant");
    return true;
}

static enum err find_by_name(struct views_read *views, const char *text, struct finding *finding)
{
    char query[QUERY_BYTES];
    struct query_result result;
    size_t at;
    const char *why;
    int n = snprintf(query, sizeof query, "kind:operation name:\"%s\"", text);
    if (n < 0 || (size_t)n >= sizeof query || strchr(text, '"') != NULL) {
        return ERR_INVALID;
    }
    enum err err = views_search(views, span_text(query), 0, HITS_MAX, take, finding, &result, &at, &why);
    return err == ERR_OK ? finding->err : err;
}

static enum err find_by_id(struct views_read *views, const char *text, struct finding *finding)
{
    struct record_id found[2];
    size_t count = 0;
    enum err err = views_resolve(views, text, found, 2, &count);
    if (err == ERR_INVALID || (err == ERR_OK && count == 0)) {
        return ERR_NOT_FOUND;
    }
    if (err != ERR_OK || count > 1) {
        return err != ERR_OK ? err : ERR_EXISTS;
    }
    err = views_versions(views, &found[0], take, finding);
    return err == ERR_OK ? finding->err : err;
}

enum err operation_find(struct views_read *views, const char *text, struct operation *ret)
{
    struct finding finding = {.operation = ret, .unpack = unpack_new(), .record = malloc(sizeof *finding.record)};
    memset(ret, 0, sizeof *ret);
    enum err err = finding.unpack == NULL || finding.record == NULL ? ERR_MEMORY : find_by_name(views, text, &finding);
    if (err == ERR_OK && ret->current == 0) {
        err = find_by_id(views, text, &finding);
    }
    if (err == ERR_OK) {
        err = finding.is_other ? ERR_EXISTS : ret->current == 0 ? ERR_NOT_FOUND : ERR_OK;
    }
    free(finding.record);
    unpack_destroy(&finding.unpack);
    return err;
}

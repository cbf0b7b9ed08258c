#include "node/service.h"

#include <string.h>

/* A daemon cannot compact the store under its own feet: it ends its run in order, compacts, and begins again in the same process. Whoever asked comes back with the number that the
 * compaction has, and is told when it is done. */

static json_t *told(struct service *service, const struct compacted *last)
{
    json_t *answer = answer_new(service, "griot.compact/1");
    answer_text(answer, "state", "done");
    answer_number(answer, "before", last->size.bytes_before);
    answer_number(answer, "after", last->size.bytes_after);
    answer_number(answer, "took_ms", last->took_ms);
    return answer;
}

json_t *answer_compact(struct service *service, const json_t *request, enum err *ret_err)
{
    json_int_t number = json_integer_value(json_object_get(request, "number"));
    struct store_read *read;
    struct store_size size = {0};
    if (service->core == NULL || service->compact == NULL) {
        *ret_err = ERR_USAGE; /* the command does it itself: the store may not be open here */
        return service_error(ERR_USAGE, "only a daemon is asked to compact", NULL, "griot compact");
    }
    if (number > 0 && service->compacted->count >= (uint64_t)number) {
        *ret_err = service->compacted->err;
        return *ret_err == ERR_OK ? told(service, service->compacted)
                                  : service_error(*ret_err, "the store was not compacted; nothing has changed", NULL,
                                                  *ret_err == ERR_FULL ? "free as much disk as the store takes, and try again" : "griot fsck");
    }
    if (store_read_begin(service->store, &read) == ERR_OK) {
        (void)!store_size(read, &size);
        store_read_end(&read);
    }
    json_t *answer = answer_new(service, "griot.compact/1");
    answer_text(answer, "state", "begun");
    answer_number(answer, "number", service->compacted->count + 1);
    answer_number(answer, "before", size.bytes_used);
    return answer;
}

bool answer_ends_run(const json_t *request, const json_t *answer)
{
    const char *name = json_string_value(json_object_get(request, "do")), *state = json_string_value(json_object_get(answer, "state"));
    return name != NULL && state != NULL && strcmp(name, "compact") == 0 && strcmp(state, "begun") == 0 && json_object_get(request, "number") == NULL;
}

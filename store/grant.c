/* grant.c - keys of ours for nodes that were not in their audience (WIRE.md 6.8): said aloud in the control log, for everybody to see. */
#include "store/sender.h"

#include <assert.h>
#include <stdlib.h>

#include "store/opener.h"

struct grant {
    struct secret *key;
    struct sender_receiver receivers[AUDIENCE_NODES_MAX];
    struct payload *payloads;
    uint8_t *memory; /* PAYLOAD_BYTES_MAX each */
};

static enum err fill(struct author *author, const struct hash *ids, size_t count, const struct audience *nodes, struct grant *grant)
{
    uint32_t parts = sender_key_parts(nodes->count);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        struct span spans[SENDER_PARTS_MAX];
        err = opener_key_take(author->opener, &author->store->self, &ids[i], grant->key, 0);
        if (err == ERR_PERMISSION || err == ERR_UNKNOWN_KEY || err == ERR_BADHASH) {
            err = ERR_NOT_FOUND;
        }
        if (err == ERR_OK) {
            err = sender_payloads(&ids[i], (struct sealing_key){grant->key, 0}, nodes, grant->receivers,
                                  grant->memory + i * parts * PAYLOAD_BYTES_MAX, spans, &parts);
        }
        for (uint32_t part = 0; part < parts && err == ERR_OK; part++) {
            grant->payloads[i * parts + part] = (struct payload){.kind = ENTRY_GRANT, .bytes = spans[part]};
        }
    }
    return err;
}

enum err author_grant(struct author *author, const struct hash *ids, size_t count, const struct audience *nodes, struct wall_ms now,
                      uint64_t roster_number, struct head *ret_head)
{
    assert(author->store->is_writing && count > 0);
    if (nodes->count == 0 || !audience_is_valid(nodes)) {
        return ERR_INVALID;
    }
    size_t payloads = count * sender_key_parts(nodes->count);
    struct grant *grant = calloc(1, sizeof *grant);
    if (grant == NULL) {
        return ERR_MEMORY;
    }
    grant->key = secret_new(SEALING_KEY_BYTES);
    grant->payloads = calloc(payloads, sizeof *grant->payloads);
    grant->memory = calloc(payloads, PAYLOAD_BYTES_MAX);
    enum err err = grant->key == NULL || grant->payloads == NULL || grant->memory == NULL ? ERR_MEMORY
                                                                                           : sender_receivers(author, nodes, grant->receivers);
    for (size_t i = 0; i < nodes->count && err == ERR_OK; i++) {
        err = grant->receivers[i].has_key ? ERR_OK : ERR_UNKNOWN_KEY;
    }
    if (err == ERR_OK) {
        err = fill(author, ids, count, nodes, grant);
    }
    if (err == ERR_OK) {
        err = author_append(author, CHANNEL_CONTROL, grant->payloads, payloads, now, roster_number, NULL, ret_head);
    }
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        sender_retire(author, &ids[i]);
    }
    secret_destroy(&grant->key);
    free(grant->payloads);
    free(grant->memory);
    free(grant);
    return err;
}

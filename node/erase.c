#include "node/erase.h"

#include "node/cli/i18n.h"
#include "proto/erasure.h"

#include <stdlib.h>

static enum err refuse(struct erase *erase, enum err err, const char *why)
{
    erase->why = why;
    return err;
}

static enum err may_order(const struct writer *writer, struct erase *erase)
{
    const struct membership *m = writer->membership;
    const struct member *self = m != NULL ? membership_find(m, &writer->home->node) : NULL;
    if (node_id_equal(&erase->author, &writer->home->node)) {
        return ERR_OK;
    }
    if (self == NULL || self->role != ROLE_HUB) {
        return refuse(erase, ERR_PERMISSION, N_("only the office that recorded it may have it erased, or two hubs together"));
    }
    return ERR_OK;
}

static enum err order_encode(const struct erase *erase, size_t from, struct out *ret)
{
    struct erasure *erasure = calloc(1, sizeof *erasure);
    size_t n = strlen(erase->reason);
    if (erasure == NULL) {
        return ERR_MEMORY;
    }
    erasure->author = erase->author;
    erasure->leaf_count = erase->count - from < ERASURE_LEAVES_MAX ? (uint32_t)(erase->count - from) : ERASURE_LEAVES_MAX;
    memcpy(erasure->leaves, erase->leaves + from, erasure->leaf_count * sizeof *erase->leaves);
    memcpy(erasure->reason, erase->reason, n);
    enum err err = erasure_encode(erasure, ret);
    free(erasure);
    return err;
}

enum err erase_order(struct writer *writer, void *arg)
{
    struct erase *erase = arg;
    size_t orders = (erase->count + ERASURE_LEAVES_MAX - 1) / ERASURE_LEAVES_MAX;
    struct payload *payloads = NULL;
    uint8_t *memory = NULL;
    struct head head;
    enum err err = writer_may_write(writer, &erase->why);
    if (err == ERR_OK) {
        err = may_order(writer, erase);
    }
    if (err == ERR_OK && strlen(erase->reason) > ERASURE_REASON_BYTES_MAX) {
        err = refuse(erase, ERR_INVALID, N_("a reason has at most 200 bytes"));
    }
    if (err != ERR_OK) {
        return err;
    }
    payloads = calloc(orders, sizeof *payloads);
    memory = malloc(orders * PAYLOAD_BYTES_MAX);
    err = payloads == NULL || memory == NULL ? ERR_MEMORY : ERR_OK;
    for (size_t i = 0; i < orders && err == ERR_OK; i++) {
        struct out out = out_into(memory + i * PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX);
        err = order_encode(erase, i * ERASURE_LEAVES_MAX, &out);
        payloads[i] = (struct payload){.kind = ENTRY_ERASURE, .bytes = out_written(&out)};
    }
    if (err == ERR_INVALID) {
        err = refuse(erase, err, N_("a reason has no control characters"));
    }
    if (err == ERR_OK) {
        err = author_append(writer->author, CHANNEL_CONTROL, payloads, orders, wall_now(), writer->membership != NULL ? membership_roster_number(writer->membership) : 0, NULL, &head);
    }
    if (err == ERR_OK) {
        writer->heads[CHANNEL_CONTROL] = head;
    }
    free(memory);
    free(payloads);
    return err;
}

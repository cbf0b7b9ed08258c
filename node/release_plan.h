/* release_plan.h - a release worked out at a desk: the record that it is about, who reads it, who would. Nothing is written here (release.h). */
#ifndef GRIOT_NODE_RELEASE_PLAN_H
#define GRIOT_NODE_RELEASE_PLAN_H

#include "node/desk.h"
#include "node/release.h"

/* The version in force of a record, of this node when it has one, else of another. */
struct subject {
    struct record_id id;
    struct node_id self;
    bool has_own, has_other; /* versions in force that can be read: of this node, of another */
    size_t own_count;
    bool is_region;
    uint8_t payload[PAYLOAD_EXPANDED_BYTES_MAX];
    size_t payload_bytes;
    struct node_id owner; /* of the first one; this node when it has one */
    struct hash version;
    struct hash key;
    enum channel channel;
    uint32_t log_number, entry;
    uint64_t seq;
};

/* Yours to free; NULL: *ret_error says why. */
struct subject *subject_read(const struct desk *desk, const struct record_id *id, json_t **ret_error, enum err *ret_err);
/* Who reads it now. Errors of store_key_readers */
MUST_CHECK enum err subject_readers(const struct desk *desk, const struct subject *subject, struct readers *ret);

struct release_plan {
    struct subject *subject;
    struct readers *present, *readers; /* who reads it, who will */
    uint32_t expiry_day;
    bool is_needed; /* somebody is added */
};
/* An own record with one version in force, and who reads it. NULL, or an error object; fini it in any case. */
json_t *release_plan_begin(const struct desk *desk, const struct record_id *id, struct release_plan *ret, enum err *ret_err);
/* `plan->readers` has been filled in: whoever reads it now goes on doing so; is anybody added? NULL, or an error object. */
json_t *release_plan_end(const struct desk *desk, struct release_plan *plan, enum err *ret_err);
void release_plan_fini(struct release_plan *plan);
/* What is to be done; borrows from the plan. */
void release_init(const struct release_plan *plan, struct release *ret);
/* NULL, or the error: they are not those whom the person has seen (ids in hex; NULL: nobody was shown anything). */
json_t *release_shown(const json_t *shown, const struct readers *readers, enum err *ret_err);

/* A member's name, also of one who has left; "?" for others. */
const char *desk_name(const struct desk *desk, const struct node_id *node);

#endif

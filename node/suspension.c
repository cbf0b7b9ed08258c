#include "node/suspension.h"

#include <stdlib.h>

#include "node/cli/i18n.h"
#include "node/cut.h"

static enum err refuse(struct suspension *suspension, enum err err, const char *why)
{
    suspension->why = why;
    return err;
}

/* ---- the cut ---- */

static bool hold_log(void *arg, const struct log_info *log)
{
    struct cut_gather *gather = arg;

    if (node_id_equal(&log->node, &gather->cut->node) && log->head.seq > 0) {
        cut_gather_add(gather, &log->head);
    }
    return true;
}

/* The heads of our last frontier, those of the node's logs: what we have told everybody that we hold. A hub that has signed none yet takes what it holds. */
static enum err cut_read(struct writer *writer, struct store_read *read, struct cut *cut)
{
    struct head *heads = malloc(FRONTIER_HEADS_MAX * sizeof *heads);
    struct cut_gather gather = {.cut = cut};
    struct span notice, bytes;
    const char *clause = NULL;
    size_t count = 0;
    enum err err = heads == NULL ? ERR_MEMORY : ERR_OK;

    if (err == ERR_OK) {
        err = store_notice_newest(read, NOTICE_FRONTIER, &writer->home->node, &notice, &bytes);
    }
    if (err == ERR_NOT_FOUND) {
        err = store_logs(read, hold_log, &gather);
    } else if (err == ERR_OK) {
        err = heads_decode(writer->unpack, bytes, heads, FRONTIER_HEADS_MAX, &count, &clause);
    }
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        struct log_info log;

        if (store_log(read, &heads[i].log, &log) == ERR_OK && node_id_equal(&log.node, &cut->node) && heads[i].seq > 0) {
            cut_gather_add(&gather, &heads[i]);
        }
    }
    cut_gather_end(&gather);
    free(heads);
    return err;
}

/* ---- the act ---- */

static enum err subject_find(const struct writer *writer, struct suspension *suspension)
{
    const struct membership *m = writer->membership;
    const struct member *self, *subject;
    struct membership_act act;

    if (m == NULL) {
        return refuse(suspension, ERR_NOT_FOUND, N_("no roster is held here yet: join the region first"));
    }
    if (writer->has_notice) {
        return refuse(suspension, ERR_BUSY, NULL);
    }
    /* A hub that is suspended itself may: of two hubs that accuse each other neither is silenced by the other (store/README.md 3.3). */
    self = membership_peer(m, &writer->home->node);
    if (self == NULL || self->role != ROLE_HUB) {
        return refuse(suspension, ERR_PERMISSION, N_("only hubs of the roster suspend nodes: run it at a hub's home"));
    }
    subject = membership_by_name(m, suspension->name);
    for (size_t i = 0; subject == NULL && membership_act_at(m, i, &act); i++) {
        const struct member *member = act.kind == ACT_SUSPEND ? membership_named(m, &act.subject) : NULL;

        subject = member != NULL && strcmp(member->name, suspension->name) == 0 ? member : NULL;
    }
    if (subject == NULL) {
        return refuse(suspension, ERR_NOT_FOUND, N_("no member has that name"));
    }
    if (node_id_equal(&subject->node, &writer->home->node)) {
        return refuse(suspension, ERR_INVALID, N_("a hub does not suspend itself: another hub must"));
    }
    suspension->subject = *subject;
    return ERR_OK;
}

static enum err act_store(struct writer *writer, struct suspension *suspension, struct act *act)
{
    uint8_t *memory = malloc(2 * NOTICE_BYTES_MAX);
    struct out body = out_into(memory, memory == NULL ? 0 : NOTICE_BYTES_MAX), whole = out_into(memory == NULL ? NULL : memory + NOTICE_BYTES_MAX, memory == NULL ? 0 : NOTICE_BYTES_MAX);
    struct notice notice = {.kind = NOTICE_ACT, .signature_count = 1};
    const char *clause = NULL;
    bool is_new = false;
    enum err err = memory == NULL ? ERR_MEMORY : act_encode(act, &body);

    if (err == ERR_OK) {
        notice.body = out_written(&body);
        sign_make(SIGN_ACT, &writer->home->region, notice.body, writer->home->identity, &notice.signatures[0].signature);
        notice_encode(&notice, &whole);
        err = whole.is_full ? ERR_OVERSIZE : store_admit_notice(writer->store, out_written(&whole), 0, span_of(NULL, 0), &suspension->notice, &is_new, &clause);
    }
    free(memory);
    if (err == ERR_OK) {
        writer->has_notice = true;
    } else if (clause != NULL) {
        suspension->why = clause;
    }
    return err;
}

static enum err suspend(struct writer *writer, struct suspension *suspension, struct act *act)
{
    const struct membership *m = writer->membership;
    uint32_t made = membership_acts_made(m, &writer->home->node, ACT_SUSPEND);
    struct store_read *read = NULL;
    enum err err;

    suspension->left = made < ACT_SUSPENSIONS_MAX ? ACT_SUSPENSIONS_MAX - made : 0;
    if (membership_is_suspended(m, &suspension->subject.node)) {
        suspension->state = SUSPENSION_HELD;
        return ERR_OK;
    }
    if (suspension->left == 0) {
        return refuse(suspension, ERR_LIMIT, N_("this hub has made all the suspensions that one roster allows: another hub must, or a new roster of the root makes room"));
    }
    act->version = FORMAT_VERSION;
    act->region = writer->home->region;
    act->registrar = writer->home->node;
    act->roster_number = membership_roster_number(m);
    act->roster_hash = *membership_roster_hash(m);
    act->number = made + 1;
    act->kind = ACT_SUSPEND;
    act->subject.node = act->cut.node = suspension->subject.node;
    act->created = suspension->now;
    err = store_read_begin(writer->store, &read);
    if (err == ERR_OK) {
        err = cut_read(writer, read, &act->cut);
    }
    store_read_end(&read);
    if (err == ERR_OK) {
        err = act_store(writer, suspension, act);
    }
    if (err == ERR_OK) {
        suspension->state = SUSPENSION_MADE;
        suspension->heads = act->cut.head_count;
        suspension->left--;
    }
    return err;
}

enum err suspension_make(struct writer *writer, void *arg)
{
    struct suspension *suspension = arg;
    size_t n = suspension->reason == NULL ? 0 : strlen(suspension->reason);
    struct act *act;
    enum err err = subject_find(writer, suspension);

    if (err != ERR_OK) {
        writer->is_refusal = true;
        return err;
    }
    if (n > ACT_REASON_BYTES_MAX) {
        return refuse(suspension, ERR_INVALID, N_("a reason has at most 200 bytes"));
    }
    act = calloc(1, sizeof *act);
    if (act == NULL) {
        return ERR_MEMORY;
    }
    if (n > 0) {
        memcpy(act->reason, suspension->reason, n);
    }
    err = suspend(writer, suspension, act);
    free(act);
    return err == ERR_INVALID && suspension->why == NULL ? refuse(suspension, err, N_("a reason has no control characters")) : err;
}

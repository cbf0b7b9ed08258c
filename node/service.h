/* service.h - answers requests (ANSWERS.md): in the daemon beside the core, or in a command that has taken the home's lock. Thread-safe in the daemon. */
#ifndef GRIOT_NODE_SERVICE_H
#define GRIOT_NODE_SERVICE_H

#include "node/audit_queue.h"
#include "node/compaction.h"
#include "node/core/core.h"
#include "store/opener.h"

#include <jansson.h>

struct service {
    struct home *home;
    struct store *store;
    struct views *views;
    struct opener *opener; /* of sealed entries: the views' and the answers'; thread-safe */
    struct core *core;     /* the daemon's, or NULL: the next two are set */
    struct writer *writer;
    struct sync *sync;     /* told what the store holds */
    void (*drop_views)(void *arg); /* make the follower begin anew; the daemon's thread, or at once */
    void (*settle_views)(void *arg); /* wait a moment until the views hold what was stored before; NULL: they do */
    void (*compact)(void *arg); /* end this run, compact, and begin again; NULL without a daemon */
    const struct compacted *compacted; /* with it: the last */
    void *arg;
    struct person person;       /* who asks: each client has a copy of this struct with his name in it */
    struct audit_note *note;    /* the row of the request that is being answered; NULL: it leaves none */
    struct audit_queue *queue;  /* rows that wait for room on the disk; NULL: none may wait */
};

/* Open a home's store, views and engine in this process, views followed to the end. The home is unlocked and outlives the service.
 *   errors  those of store_open, views_open */
MUST_CHECK enum err service_open(struct home *home, struct service *ret);
void service_close(struct service *service);

/* Make a change durable, and with it the row of the request that is being answered. */
MUST_CHECK enum err service_change(struct service *service, writer_change change, void *arg);
/* Write a row by itself, before an answer is given: with all others that wait, in one transaction.
 *   errors  ERR_FULL  there is no room for it, and it may not wait either; those of store_commit */
MUST_CHECK enum err service_audit(struct service *service, struct audit_note *note);
MUST_CHECK enum err service_live(struct service *service, struct live *ret);

/* Tell whoever asked how far it is (borrowed), or with NULL nothing. False: nobody listens any more, so what is only told may end. */
typedef bool (*service_progress)(void *arg, json_t *progress);

/* One request, one answer: a new reference to the result, or to a griot.error/1 object with *ret_err set. Never NULL but when memory runs out.
 * An answer that met damage in the views has them made anew: the next one heals. */
json_t *service_answer(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err);
/* How a stream of batches is appended (client.h). */
struct append_plan {
    enum channel channel;
    char to[AUDIENCE_LIST_BYTES_MAX + 1]; /* "region", or who reads it: resolved again for each batch, since members come and go */
    bool has_shown;                       /* the next is what the person has seen before saving */
    struct audience shown;
    uint32_t expiry_day; /* 0: never */
};
/* Read the request that begins it; NULL, or an error as above: of the channel, and of the list of readers. */
json_t *service_append_begin(struct service *service, const json_t *request, struct append_plan *ret, enum err *ret_err);
/* The readers of such a request: "to" and "shown". *ret_readers NULL for the whole region, else yours to free. NULL, or an error as above */
json_t *service_plan(struct service *service, const json_t *request, struct append_plan *ret, struct readers **ret_readers, enum err *ret_err);
/* One batch of records.  ERR_STALE  the list means others than were shown */
json_t *service_append(struct service *service, const struct append_plan *plan, struct span batch, enum err *ret_err);

/* A griot.error/1 object. */
json_t *service_error(enum err err, const char *what, const char *why, const char *todo);

/* The same about a value that somebody gave: "value" beside it. */
json_t *service_error_value(enum err err, const char *what, const char *value, const char *why, const char *todo);

/* ---- parts of answers; each returns a new reference ---- */

/* The head of every answer: schema, node, at, from. */
json_t *answer_new(struct service *service, const char *schema);
void answer_text(json_t *object, const char *key, const char *text);
void answer_hex(json_t *object, const char *key, const void *bytes, size_t n);
void answer_number(json_t *object, const char *key, uint64_t number);
void answer_time(json_t *object, const char *key, struct wall_ms time); /* RFC 3339, UTC */
const char *channel_name(enum channel channel);
const char *role_name(enum role role);
/* Put what is known of the others into "missing" and "complete": "alone" (live_is_alone) and "heard_ms". */
void answer_heard(json_t *object, const struct live *live);
/* The fields of a record as entered, groups and repeated fields as arrays. */
json_t *record_json(const struct record *record);

json_t *answer_status(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_doctor(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_peers(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_lag(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_search(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_show(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_trace(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_release(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_requests(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_grant(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err);
json_t *answer_sealed(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err);
json_t *answer_readers(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_backup(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_check(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err); /* verify, fsck */
json_t *answer_rebuild(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err);
/* The journal as it grows, and what changes beside it, told as progress until nobody listens; without a daemon until its end. */
json_t *answer_watch(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err);
json_t *answer_admit(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_compact(struct service *service, const json_t *request, enum err *ret_err);
/* Is the run to end, to compact, as soon as this answer has gone out? */
bool answer_ends_run(const json_t *request, const json_t *answer);
json_t *answer_erase(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_suspend(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_publish(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_join(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_region(struct service *service, const json_t *request, enum err *ret_err);

json_t *answer_audit(struct service *service, const json_t *request, enum err *ret_err);
/* Who a list of readers means now.
 *   returns  NULL and *ret (yours to free), or an error object */
json_t *service_readers(struct service *service, const char *list, struct readers **ret, enum err *ret_err);
json_t *answer_forks(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_classify(struct service *service, const json_t *request, enum err *ret_err);
json_t *answer_quarantine(struct service *service, const json_t *request, enum err *ret_err);

/* Add a warning of status: English msgids. */
/* Does showing this record leave a row in the audit trail? It is nominal, or not for everybody. */
bool answer_is_guarded(const struct record *record);
void answer_warn(json_t *warnings, const char *code, const char *text, const char *todo);
/* Add FORK and HUB-LIES. */
void answer_warn_forks(json_t *warnings, struct service *service);
/* Say of the versions (rows of griot.show) that are `disputed` why: "state" (disputed, quarantined), and the fork with its verdicts. */
void answer_dispute(json_t *versions, struct service *service);

/* A record id from hex, whole or its first digits (4..32). ERR_INVALID, ERR_NOT_FOUND, ERR_EXISTS when several match. */
MUST_CHECK enum err resolve_id(struct views_read *read, const json_t *request, struct record_id *ret);
/* The error object of it, and of reading a record. */
json_t *no_such_record(enum err err);

#endif

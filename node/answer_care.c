#include "node/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- backup ---- */

json_t *answer_backup(struct service *service, const json_t *request, enum err *ret_err)
{
    const char *path = json_string_value(json_object_get(request, "path"));
    if (path == NULL || path[0] != '/') {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "a backup needs the absolute path of a new folder", NULL, "griot backup FOLDER");
    }
    *ret_err = home_backup(service->home, service->store, path);
    if (*ret_err == ERR_EXISTS) {
        return service_error(ERR_EXISTS, "the backup was not made", "that folder exists already", "name a new folder");
    }
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the backup was not made", NULL, "check that the folder's disk has room and may be written");
    }
    json_t *answer = answer_new(service, "griot.backup/1");
    struct store_read *read;
    struct store_size size = {0};
    if (store_read_begin(service->store, &read) == ERR_OK) {
        (void)!store_size(read, &size);
        store_read_end(&read);
    }
    answer_text(answer, "path", path);
    answer_number(answer, "bytes", size.bytes_used);
    answer_number(answer, "commits", size.commits);
    json_object_set_new(answer, "left_out", json_pack("[s, s, s, s]", "keys/identity", "keys/transport", "keys/log-*", "views"));
    return answer;
}

/* ---- verify, fsck ---- */

enum { FAULTS_SHOWN_MAX = 1000 };

struct checking {
    json_t *faults;
    uint64_t count;
    service_progress progress;
    void *arg;
};

static void put_fault(void *arg, enum err err, const char *what)
{
    struct checking *checking = arg;
    if (checking->count++ < FAULTS_SHOWN_MAX) {
        json_array_append_new(checking->faults, json_pack("{s:s, s:s}", "code", err_name(err), "what", what));
    }
}

static void put_progress(void *arg, uint64_t done, uint64_t total)
{
    struct checking *checking = arg;
    if (checking->progress != NULL) {
        json_t *progress = json_pack("{s:I, s:I}", "done", (json_int_t)done, "total", (json_int_t)total);
        (void)checking->progress(checking->arg, progress);
        json_decref(progress);
    }
}

static enum err check_views(struct service *service, struct checking *checking)
{
    struct views_check check = {.fault = put_fault, .progress = put_progress, .arg = checking};
    struct views_read *read;
    enum err err = views_read_begin(service->views, service->store, &read);
    if (err == ERR_OK) {
        err = views_check(read, &check);
        views_read_end(&read);
    } else if (err == ERR_CORRUPT) {
        put_fault(checking, err, "views: the index cannot be opened for reading");
    }
    return err == ERR_CORRUPT ? ERR_OK : err;
}

json_t *answer_check(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    bool is_fsck = strcmp(json_string_value(json_object_get(request, "do")), "fsck") == 0;
    struct checking checking = {.faults = json_array(), .progress = progress, .arg = arg};
    struct fsck_report report = {.fault = put_fault, .progress = put_progress, .arg = &checking};
    struct store_read *read;
    *ret_err = store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        *ret_err = store_fsck(read, sign_check, &report);
        store_read_end(&read);
    }
    if (is_fsck && (*ret_err == ERR_OK || *ret_err == ERR_CORRUPT)) {
        enum err views_err = check_views(service, &checking);
        *ret_err = *ret_err == ERR_OK ? views_err : *ret_err;
    }
    if (*ret_err != ERR_OK && checking.count == 0) {
        json_decref(checking.faults);
        return service_error(*ret_err, "the check could not be finished", NULL, "look at the disk and its log");
    }
    *ret_err = ERR_OK;
    json_t *answer = answer_new(service, is_fsck ? "griot.fsck/1" : "griot.verify/1");
    answer_number(answer, "commits", report.commits);
    json_object_set_new(answer, "faults", checking.faults);
    answer_number(answer, "fault_count", checking.count);
    json_object_set_new(answer, "ok", json_boolean(checking.count == 0));
    return answer;
}

/* ---- rebuild ---- */

enum {
    REBUILD_LOOK_MS = 50,
    REBUILD_STEP_MS = 1000,   /* between two words to the client, who would else take us for dead */
    REBUILD_STILL_MS = 30000, /* a batch takes a second or two; an index that does not move for so long does not by itself */
};

static void sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static bool count_views(struct service *service, struct views_count *ret)
{
    struct views_read *read;
    if (views_starts_again(service->views) || views_read_begin(service->views, service->store, &read) != ERR_OK) {
        return false;
    }
    bool is_counted = views_count(read, ret) == ERR_OK;
    views_read_end(&read);
    return is_counted;
}

/* Until the follower has followed what the journal holds now. ERR_BUSY when it does not move: the reason is in the daemon's log. */
static enum err await_follower(struct service *service, struct checking *checking)
{
    struct views_count count = {0};
    uint64_t goal = 0, followed = 0;
    struct mono_ms moved = mono_now(), told = moved;
    for (;;) {
        struct mono_ms now = mono_now();
        if (count_views(service, &count)) {
            goal = goal == 0 ? count.journal : goal; /* what comes while we wait is not waited for */
            if (count.followed >= goal) {
                return ERR_OK;
            }
            if (count.followed != followed) {
                followed = count.followed;
                moved = now;
            }
        }
        if (now.ms - moved.ms >= REBUILD_STILL_MS) {
            return ERR_BUSY;
        }
        if (now.ms - told.ms >= REBUILD_STEP_MS) {
            told = now;
            put_progress(checking, followed, goal);
        }
        sleep_ms(REBUILD_LOOK_MS);
    }
}

json_t *answer_rebuild(struct service *service, const json_t *request, service_progress progress, void *arg, enum err *ret_err)
{
    (void)request;
    struct checking checking = {.progress = progress, .arg = arg};
    struct mono_ms begin = mono_now();
    uint64_t left = 1;
    *ret_err = views_reset(service->views);
    if (*ret_err == ERR_OK && service->core != NULL) {
        service->drop_views(service->arg);
        *ret_err = await_follower(service, &checking);
    }
    while (service->core == NULL && *ret_err == ERR_OK && left > 0) {
        *ret_err = views_follow(service->views, service->store, 4096, &left);
    }
    if (*ret_err == ERR_BUSY) {
        return service_error(ERR_BUSY, "the index was emptied, but following the log does not move on", "it stands still, see index_behind in the daemon's log",
                             "griot status shows how far it is; griot fsck whether the log is damaged");
    }
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the index was not rebuilt", NULL, "stop the node, delete the folder views in its home, start it again");
    }
    json_t *answer = answer_new(service, "griot.rebuild/1");
    struct views_count count = {0};
    (void)count_views(service, &count);
    answer_number(answer, "followed", count.followed);
    answer_number(answer, "journal", count.journal);
    answer_number(answer, "took_ms", mono_now().ms - begin.ms);
    return answer;
}

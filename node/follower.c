#include "node/follower.h"

#include "node/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    FOLLOW_ITEMS = 1024,
    RETRY_S = 5,
    /* After news the log gets the disk and the cores for itself: the next record, and our neighbours' copies of this one, are being synced now. Each transaction of the views
     * costs more pages and syncs than one of the log, so a row of records shares one. A record is found at the latest PATIENCE_MS and one transaction after it was stored,
     * or as soon as somebody asks. */
    QUIET_MS = 20,
    PATIENCE_MS = 120,
};

struct follower {
    struct views *views;
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed, settled;
    bool is_woken, is_stopping;
    bool is_patient;      /* it waits for the log to be quiet: news is noted, and wakes nobody */
    bool is_wanted;       /* somebody waits for the views: no more patience */
    bool is_behind;       /* the last transaction has left some: nobody waits for the end of a long way */
    struct timespec news; /* when commits last came */
    uint64_t told, taken, done; /* news counted: heard of, being followed, in the views */
};

static struct timespec after_ms(struct timespec from, long ms)
{
    from.tv_sec += ms / 1000;
    from.tv_nsec += ms % 1000 * 1000000;
    if (from.tv_nsec >= 1000000000) {
        from.tv_sec++;
        from.tv_nsec -= 1000000000;
    }
    return from;
}

static bool is_before(struct timespec a, struct timespec b) { return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec); }

/* Until nothing new has come for QUIET_MS, or PATIENCE_MS have passed. The lock is held. */
static void let_the_log_go_first(struct follower *follower)
{
    struct timespec now = follower->news;
    struct timespec last = after_ms(now, PATIENCE_MS);
    follower->is_patient = true;
    while (!follower->is_stopping && !follower->is_wanted) {
        struct timespec quiet = after_ms(follower->news, QUIET_MS), until = is_before(quiet, last) ? quiet : last;
        if (!is_before(now, until)) {
            break;
        }
        (void)pthread_cond_timedwait(&follower->changed, &follower->lock, &until);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    follower->is_patient = false;
}

/* True when there is something to do; false when the follower is to end. `is_failed`: try again later even when nobody wakes us. */
static bool wait_for_news(struct follower *follower, bool is_failed)
{
    pthread_mutex_lock(&follower->lock);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct timespec until = after_ms(now, RETRY_S * 1000L);
    while (!follower->is_woken && !follower->is_stopping) {
        int code = is_failed ? pthread_cond_timedwait(&follower->changed, &follower->lock, &until)
                             : pthread_cond_wait(&follower->changed, &follower->lock);
        if (code != 0) {
            break;
        }
    }
    if (follower->is_woken) {
        let_the_log_go_first(follower);
    }
    follower->is_woken = follower->is_wanted = false;
    follower->taken = follower->told;
    bool goes_on = !follower->is_stopping;
    pthread_mutex_unlock(&follower->lock);
    return goes_on;
}

/* After each transaction; false when it is to stop. */
static bool note_progress(struct follower *follower, enum err err, uint64_t left)
{
    pthread_mutex_lock(&follower->lock);
    follower->is_behind = err != ERR_OK || left > 0;
    if (!follower->is_behind) {
        follower->done = follower->taken;
    }
    pthread_cond_broadcast(&follower->settled);
    bool goes_on = !follower->is_stopping;
    pthread_mutex_unlock(&follower->lock);
    return goes_on;
}

static void *follower_main(void *arg)
{
    struct follower *follower = arg;
    bool is_failed = false;
    do {
        uint64_t left = 1;
        enum err err = ERR_OK;
        bool goes_on = true;
        while (err == ERR_OK && left > 0 && goes_on) {
            err = views_follow(follower->views, follower->store, FOLLOW_ITEMS, &left);
            goes_on = note_progress(follower, err, left);
        }
        if (err != ERR_OK) {
            log_event(LOG_ERROR, "index_behind", "err=%s", err_name(err));
        }
        is_failed = err != ERR_OK;
    } while (wait_for_news(follower, is_failed));
    return NULL;
}

enum err follower_new(struct views *views, struct store *store, struct follower **ret)
{
    struct follower *follower = calloc(1, sizeof *follower);
    if (follower == NULL) {
        return ERR_MEMORY;
    }
    follower->views = views;
    follower->store = store;
    follower->told = follower->taken = 1; /* what the journal holds now */
    pthread_mutex_init(&follower->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&follower->changed, &attr);
    pthread_cond_init(&follower->settled, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&follower->thread, NULL, follower_main, follower) != 0) {
        free(follower);
        return ERR_INTERNAL;
    }
    *ret = follower;
    return ERR_OK;
}

void follower_wake(void *arg, bool has_commits)
{
    struct follower *follower = arg;
    pthread_mutex_lock(&follower->lock);
    follower->is_woken = true;
    follower->told++;
    if (has_commits) { /* 26 nodes sign a frontier every other second: none of them makes a record wait */
        clock_gettime(CLOCK_MONOTONIC, &follower->news);
    }
    if (!follower->is_patient) {
        pthread_cond_signal(&follower->changed);
    }
    pthread_mutex_unlock(&follower->lock);
}

void follower_settle(struct follower *follower)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until = after_ms(until, FOLLOWER_WAIT_MS);
    pthread_mutex_lock(&follower->lock);
    uint64_t wanted = follower->told;
    while (code == 0 && follower->done < wanted && !follower->is_behind && !follower->is_stopping) {
        follower->is_wanted = true;
        pthread_cond_signal(&follower->changed);
        code = pthread_cond_timedwait(&follower->settled, &follower->lock, &until);
    }
    pthread_mutex_unlock(&follower->lock);
}

void follower_destroy(struct follower **follower)
{
    if (*follower == NULL) {
        return;
    }
    pthread_mutex_lock(&(*follower)->lock);
    (*follower)->is_stopping = true;
    pthread_cond_signal(&(*follower)->changed);
    pthread_mutex_unlock(&(*follower)->lock);
    pthread_join((*follower)->thread, NULL);
    pthread_mutex_destroy(&(*follower)->lock);
    pthread_cond_destroy(&(*follower)->changed);
    pthread_cond_destroy(&(*follower)->settled);
    free(*follower);
    *follower = NULL;
}

#include "node/compaction.h"

#include "node/writer.h"
#include "store/views.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 10000, LOCK_STEP_MS = 20, DAY_MINUTES = 24 * 60 };

enum err compaction_run(const char *home, struct compacted *ret)
{
    uint64_t begin = mono_now().ms;
    enum err err = store_compact(home, &ret->size);
    /* A command may have taken the lock between two runs of a daemon: it answers from the store, and goes. */
    while (err == ERR_LOCKED && mono_now().ms - begin < LOCK_WAIT_MS) {
        usleep(LOCK_STEP_MS * 1000);
        err = store_compact(home, &ret->size);
    }
    if (err == ERR_OK) {
        err = views_drop(home); /* with the terms of what was erased */
    }
    ret->count++;
    ret->err = err;
    ret->took_ms = mono_now().ms - begin;
    return err;
}

static bool minutes_of(const char *at, int *ret)
{
    const char *p = at;
    if (strlen(p) != 5 || p[2] != ':' || p[0] < '0' || p[0] > '2' || p[1] < '0' || p[1] > '9' || p[3] < '0' || p[3] > '5' || p[4] < '0' || p[4] > '9') {
        return false;
    }
    *ret = ((p[0] - '0') * 10 + (p[1] - '0')) * 60 + (p[3] - '0') * 10 + (p[4] - '0');
    return *ret < DAY_MINUTES;
}

bool compaction_at_is_valid(const char *at)
{
    int minutes;
    return strcmp(at, "never") == 0 || minutes_of(at, &minutes);
}

struct wall_ms compaction_next(const char *at, uint32_t spread, struct wall_ms now)
{
    time_t seconds = (time_t)(now.ms / 1000), next = 0;
    struct tm today;
    int minutes;
    if (!minutes_of(at, &minutes) || localtime_r(&seconds, &today) == NULL) {
        return (struct wall_ms){0};
    }
    for (int days = -1; days <= 2 && next != (time_t)-1 && next <= seconds; days++) { /* yesterday's may still come: it is spread over midnight */
        struct tm local = {.tm_year = today.tm_year, .tm_mon = today.tm_mon, .tm_mday = today.tm_mday + days, .tm_hour = minutes / 60, .tm_min = minutes % 60 + (int)spread, .tm_isdst = -1};
        next = mktime(&local); /* puts the calendar right, and the hour of a change of clocks */
    }
    return (struct wall_ms){next <= seconds ? 0 : (uint64_t)next * 1000};
}

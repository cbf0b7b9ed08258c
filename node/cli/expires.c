#include "node/cli/expires.h"

#include "node/cli/output.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, DAYS_MAX = 36525 };

static bool is_digits(const char *text, size_t n)
{
    return strspn(text, "0123456789") >= n;
}

/* Of a date: days since 1970; false for the 31st of February. */
static bool date_days(const char *text, long long *ret)
{
    struct tm tm = {.tm_isdst = 0}, again;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !is_digits(text, 4) || !is_digits(text + 5, 2) || !is_digits(text + 8, 2)) {
        return false;
    }
    tm.tm_year = atoi(text) - 1900;
    tm.tm_mon = atoi(text + 5) - 1;
    tm.tm_mday = atoi(text + 8);
    again = tm;
    time_t seconds = timegm(&again); /* puts impossible days right, so compare */
    *ret = (long long)seconds / DAY_S;
    return again.tm_year == tm.tm_year && again.tm_mon == tm.tm_mon && again.tm_mday == tm.tm_mday;
}

bool expires_day(const char *text, uint32_t today, uint32_t *ret)
{
    size_t n = strlen(text);
    long long day;
    if (n >= 2 && n <= 6 && text[n - 1] == 'd' && is_digits(text, n - 1)) {
        day = today + strtoll(text, NULL, 10);
    } else if (!date_days(text, &day)) {
        return false;
    }
    if (day <= (long long)today || day > (long long)today + DAYS_MAX) {
        return false;
    }
    *ret = (uint32_t)day;
    return true;
}

int expires_put(const struct invocation *invocation, json_t *request)
{
    const char *text = option_text(invocation, "expires");
    uint32_t day;
    if (text == NULL) {
        return OUTCOME_DONE;
    }
    if (!expires_day(text, (uint32_t)(time(NULL) / DAY_S), &day)) {
        return fail_because(invocation, ERR_USAGE, _("not a day on which a record can expire"), text, _("write a day to come, 2027-01-31, or a number of days, 90d; at most 100 years"));
    }
    if (request != NULL) {
        (void)json_object_set_new(request, "expires", json_integer((json_int_t)day));
    }
    return OUTCOME_DONE;
}

/* When the night's compaction is due, and for which days a record may be recorded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/cli/expires.h"
#include "node/compaction.h"

#include <stdlib.h>
#include <time.h>

static struct wall_ms at(const char *text) /* "2026-11-23 02:29:59", local time */
{
    struct tm tm = {.tm_isdst = -1};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    return (struct wall_ms){(uint64_t)mktime(&tm) * 1000};
}

static void zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static void the_next_time_is_found(void **state)
{
    static const struct {
        const char *what, *zone, *at;
        uint32_t spread;
        const char *now, *next;
    } rows[] = {
        {"later today", "UTC", "02:30", 0, "2026-11-23 02:29:59", "2026-11-23 02:30:00"},
        {"just now: tomorrow", "UTC", "02:30", 0, "2026-11-23 02:30:00", "2026-11-24 02:30:00"},
        {"over", "UTC", "02:30", 0, "2026-11-23 14:00:00", "2026-11-24 02:30:00"},
        {"spread", "UTC", "02:30", 59, "2026-11-23 02:31:00", "2026-11-23 03:29:00"},
        {"spread over midnight", "UTC", "23:30", 45, "2026-11-23 00:10:00", "2026-11-23 00:15:00"},
        {"spread over midnight, over", "UTC", "23:30", 45, "2026-11-23 00:15:00", "2026-11-24 00:15:00"},
        {"the end of a year", "UTC", "02:30", 0, "2026-12-31 03:00:00", "2027-01-01 02:30:00"},
        {"a leap day", "UTC", "02:30", 0, "2028-02-28 03:00:00", "2028-02-29 02:30:00"},
        {"midnight", "UTC", "00:00", 0, "2026-11-23 23:59:59", "2026-11-24 00:00:00"},
        {"in Cotonou", "Africa/Porto-Novo", "02:30", 10, "2026-11-23 02:00:00", "2026-11-23 02:40:00"},
        {"the clocks go back", "Europe/Paris", "04:30", 0, "2026-10-25 01:00:00", "2026-10-25 04:30:00"},
        {"the hour that is left out", "Europe/Paris", "02:30", 0, "2026-03-29 00:00:00", "2026-03-29 03:30:00"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        zone(rows[i].zone);
        struct wall_ms next = compaction_next(rows[i].at, rows[i].spread, at(rows[i].now));
        if (next.ms != at(rows[i].next).ms) {
            fail_msg("%s: %lld s off", rows[i].what, ((long long)next.ms - (long long)at(rows[i].next).ms) / 1000);
        }
    }
    zone("UTC");
    assert_int_equal(compaction_next("never", 0, at("2026-11-23 00:00:00")).ms, 0);
}

static void only_times_of_day_and_never_are_valid(void **state)
{
    static const char *const good[] = {"00:00", "23:59", "09:05", "never"}, *const bad[] = {"", "24:00", "12:60", "2:30", "02:3", "02:300", "02-30", "Never", "a2:30", "02:3a", "29:10"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(compaction_at_is_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (compaction_at_is_valid(bad[i])) {
            fail_msg("%s is taken", bad[i]);
        }
    }
}

static void a_day_to_come_is_read_in_either_form(void **state)
{
    enum { TODAY = 20780 }; /* 2026-11-23 */
    static const struct {
        const char *text;
        uint32_t day; /* 0: refused */
    } rows[] = {
        {"2026-11-24", TODAY + 1}, {"2026-11-23", 0},      {"2026-11-22", 0},     {"1d", TODAY + 1},      {"0d", 0},           {"90d", TODAY + 90}, {"36525d", TODAY + 36525},
        {"36526d", 0},             {"2027-02-30", 0},      {"2028-02-29", TODAY + 463}, {"2027-02-29", 0}, {"2126-11-23", TODAY + 36524}, {"2126-11-25", 0}, {"", 0},
        {"d", 0},                  {"-1d", 0},             {"1.5d", 0},           {"99999999d", 0},       {"2027-1-31", 0},    {"31.01.2027", 0},    {"2027-01-31T00:00", 0},
        {"tomorrow", 0},           {" 90d", 0},            {"90 d", 0},           {"0x10d", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t day = 0;
        bool is_good = expires_day(rows[i].text, TODAY, &day);
        if (is_good != (rows[i].day != 0) || day != rows[i].day) {
            fail_msg("\"%s\": %s %u, not %u", rows[i].text, is_good ? "taken as" : "refused", day, rows[i].day);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_time_is_found),
        cmocka_unit_test(only_times_of_day_and_never_are_valid),
        cmocka_unit_test(a_day_to_come_is_read_in_either_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

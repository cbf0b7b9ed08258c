/* date.h - calendar days as text with a precision: 2026-11-22, 2026-11, 2026. Proleptic Gregorian, years 1900 to 2199. */
#ifndef GRIOT_PROTO_RECORD_DATE_H
#define GRIOT_PROTO_RECORD_DATE_H

#include "proto/span.h"

enum { DATE_BYTES_MAX = 10, TIME_BYTES = 20, YEAR_MIN = 1900, YEAR_MAX = 2199 };

struct date {
    uint32_t year;
    uint32_t month; /* 0: only the year is known */
    uint32_t day;   /* 0: only the month is known */
};

enum date_result {
    DATE_OK,
    DATE_SYNTAX,
    DATE_AMBIGUOUS,  /* 11/22/2026: the second number is no month, so the order may be the American one */
    DATE_IMPOSSIBLE, /* 31 April, year 1492 */
};

/* A date as people write it: ISO 8601, day first with / . - or a blank, month by number or by name in English, French or Portuguese, year with four
 * digits. */
enum date_result date_parse(struct span text, struct date *ret);

/* By a format: D or DD a day, M or MM a month, Mon its name, YYYY, YY (70..99 are 19xx), any other character itself. "D-Mon-YY" reads 18-Jan-09.
 * A format with only month and year, or only a year, gives that precision. */
enum date_result date_parse_as(struct span text, const char *format, struct date *ret);

/* The number of a month's name or abbreviation in English, French or Portuguese, any case; 0 when it is none. */
uint32_t month_by_name(struct span name);

/* Canonical text, DATE_BYTES_MAX bytes of room. Returns its length: 10, 7 or 4. */
size_t date_write(const struct date *date, char *ret);

bool date_is_canonical(struct span text);
/* First and last day it may mean, in days since 1970 (before: negative). `canonical` must be. */
int32_t date_first_day(struct span canonical);
int32_t date_last_day(struct span canonical);

/* 2026-11-22T10:11:12Z */
bool time_is_canonical(struct span text);

#endif

/* text.h - numbers, ages, sizes and tables for people, in the language in use. Pure but for the clock argument and the stream given. */
#ifndef GRIOT_NODE_CLI_TEXT_H
#define GRIOT_NODE_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { TEXT_NUMBER_BYTES = 48, TEXT_TIME_BYTES = 32, TABLE_COLUMNS_MAX = 40 };

/* 48,211 · 48 211 · 48 211 (English groups by comma; French and Portuguese by a narrow space that does not break). Returns `ret`, at least
 * TEXT_NUMBER_BYTES. */
const char *text_count(char *ret, uint64_t number);
/* "3 s", "41 min", "2 d 3 h": two units at most, the second only when the first is small. Returns `ret`, at least TEXT_NUMBER_BYTES. */
const char *text_age(char *ret, uint64_t ms);
/* "612 MiB": binary units, three digits. */
const char *text_bytes(char *ret, uint64_t bytes);
/* "2026-11-22T14:02:11Z". */
const char *text_rfc3339(char *ret, time_t seconds);
/* Local time of day, "14:02:11". */
const char *text_clock(char *ret, time_t seconds);
/* Copy `text`, replacing control characters and bytes that are not UTF-8 by '?', cut at a character to fit. Never fails. */
void text_clean(char *ret, size_t cap, const char *text);
/* Columns that `text` takes on a terminal. */
size_t text_width(const char *text);
/* Cut to at most `columns`, with an ellipsis when something was cut. `cap`: bytes of `ret`. */
void text_cut(char *ret, size_t cap, const char *text, size_t columns);
/* Columns of the terminal behind stdout; 0: no terminal, do not cut. */
size_t text_columns(void);
/* Is colour wanted on stderr (NO_COLOR not set)? */
bool text_may_color(void);

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_WARN, PAINT_BAD, PAINT_FAINT, PAINT_TITLE };

/* A table that aligns by display width. Cells are copied and cleaned. */
struct table;
struct table *table_new(bool is_color);
void table_destroy(struct table **table);
/* Add a column. `title`: translated. */
void table_column(struct table *table, const char *title, bool is_right);
/* The next cell, left to right, row by row. */
void table_cell(struct table *table, enum paint paint, const char *text);
/* Print titles and rows; the last column is cut to the terminal. Nothing when there is no row. */
void table_print(const struct table *table, FILE *to, const char *indent);

#endif

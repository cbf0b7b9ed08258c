/* table.c - a table aligned by what characters take on a terminal, not by their bytes. */
#include "node/cli/text.h"

#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES_MAX = 512, GAP_COLUMNS = 2, LAST_COLUMNS_MIN = 12 };

struct cell {
    char *text; /* NULL: memory ran out, shown as "?" */
    enum paint paint;
};

struct table {
    size_t columns, count, cap;
    struct {
        char *title;
        bool is_right;
    } column[TABLE_COLUMNS_MAX];
    struct cell *cells; /* row by row */
    bool is_color;
};

struct table *table_new(bool is_color)
{
    struct table *table = calloc(1, sizeof *table);

    if (table != NULL) {
        table->is_color = is_color;
    }
    return table;
}

void table_destroy(struct table **table)
{
    if (*table == NULL) {
        return;
    }
    for (size_t i = 0; i < (*table)->columns; i++) {
        free((*table)->column[i].title);
    }
    for (size_t i = 0; i < (*table)->count; i++) {
        free((*table)->cells[i].text);
    }
    free((*table)->cells);
    free(*table);
    *table = NULL;
}

static char *copy_clean(const char *text)
{
    char clean[CELL_BYTES_MAX];

    text_clean(clean, sizeof clean, text);
    return strdup(clean);
}

void table_column(struct table *table, const char *title, bool is_right)
{
    if (table == NULL || table->columns == TABLE_COLUMNS_MAX) {
        return;
    }
    table->column[table->columns].title = copy_clean(title);
    table->column[table->columns].is_right = is_right;
    table->columns++;
}

void table_cell(struct table *table, enum paint paint, const char *text)
{
    if (table == NULL) {
        return;
    }
    if (table->count == table->cap) {
        size_t cap = table->cap == 0 ? 64 : table->cap * 2;
        struct cell *cells = realloc(table->cells, cap * sizeof *cells);
        if (cells == NULL) {
            return;
        }
        table->cells = cells;
        table->cap = cap;
    }
    table->cells[table->count].text = copy_clean(text);
    table->cells[table->count].paint = paint;
    table->count++;
}

static const char *paint_code(enum paint paint)
{
    switch (paint) {
    case PAINT_GOOD:
        return "\033[32m";
    case PAINT_WARN:
        return "\033[33m";
    case PAINT_BAD:
        return "\033[31m";
    case PAINT_FAINT:
        return "\033[2m";
    case PAINT_TITLE:
        return "\033[1m";
    case PAINT_NONE:
        break;
    }
    return "";
}

static void print_cell(const struct table *table, FILE *to, size_t column, size_t width, size_t room, const char *text, enum paint paint)
{
    bool is_last = column + 1 == table->columns;
    bool is_painted = table->is_color && paint != PAINT_NONE;
    char cut[CELL_BYTES_MAX + 8];
    size_t pad;

    text = text == NULL ? "?" : text;
    if (is_last && room > 0) {
        text_cut(cut, sizeof cut, text, room);
        text = cut;
    }
    pad = width > text_width(text) ? width - text_width(text) : 0;
    if (table->column[column].is_right) {
        (void)fprintf(to, "%*s", (int)pad, "");
    }
    (void)fprintf(to, "%s%s%s", is_painted ? paint_code(paint) : "", text, is_painted ? "\033[0m" : "");
    if (!is_last) {
        (void)fprintf(to, "%*s", (int)(table->column[column].is_right ? 0 : pad) + GAP_COLUMNS, "");
    }
}

void table_print(const struct table *table, FILE *to, const char *indent)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    size_t before = strlen(indent);
    size_t screen = text_columns();
    size_t room;

    if (table == NULL || table->columns == 0 || table->count < table->columns) {
        return;
    }
    for (size_t c = 0; c < table->columns; c++) {
        widths[c] = text_width(table->column[c].title != NULL ? table->column[c].title : "?");
        for (size_t i = c; i < table->count; i += table->columns) {
            size_t width = text_width(table->cells[i].text != NULL ? table->cells[i].text : "?");
            widths[c] = width > widths[c] ? width : widths[c];
        }
        before += c + 1 < table->columns ? widths[c] + GAP_COLUMNS : 0;
    }
    room = screen == 0 ? 0 : screen > before + LAST_COLUMNS_MIN ? screen - before : LAST_COLUMNS_MIN;
    (void)fputs(indent, to);
    for (size_t c = 0; c < table->columns; c++) {
        print_cell(table, to, c, widths[c], room, table->column[c].title, PAINT_TITLE);
    }
    (void)fputc('\n', to);
    for (size_t i = 0; i + table->columns <= table->count; i += table->columns) {
        (void)fputs(indent, to);
        for (size_t c = 0; c < table->columns; c++) {
            print_cell(table, to, c, widths[c], room, table->cells[i + c].text, table->cells[i + c].paint);
        }
        (void)fputc('\n', to);
    }
}

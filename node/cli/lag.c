/* lag.c - griot lag: what each node still lacks of each origin, as its last word said; a question mark where nothing is known. */
#include "node/cli/reply.h"
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"

#include <stdlib.h>
#include <string.h>

enum { NODES_SHOWN_MAX = TABLE_COLUMNS_MAX - 3, COLUMN_COLUMNS = 9 };

/* The nodes that get a column, by index into "nodes". */
struct selection {
    size_t count;
    size_t at[NODES_SHOWN_MAX];
    size_t left_out; /* nodes known to lack nothing */
};

static bool lacks_nothing(const json_t *node)
{
    uint64_t missing = 0;

    return reply_number(node, "missing_total", &missing) && missing == 0;
}

static void select_nodes(struct selection *ret, const json_t *answer, size_t columns, bool is_all)
{
    const json_t *nodes = json_object_get(answer, "nodes");
    const char *self = reply_node(answer);
    size_t room = columns == 0 || is_all ? NODES_SHOWN_MAX : columns > 36 ? (columns - 36) / COLUMN_COLUMNS : 1;
    bool is_cut = json_array_size(nodes) > room;
    size_t i;
    const json_t *node;

    memset(ret, 0, sizeof *ret);
    json_array_foreach(nodes, i, node)
    {
        if (strcmp(reply_string(node, "name"), self) == 0) {
            continue; /* the column "here" knows better than this node's own last word */
        }
        if (is_cut && !is_all && lacks_nothing(node)) {
            ret->left_out++;
        } else if (ret->count < NODES_SHOWN_MAX) {
            ret->at[ret->count++] = i;
        }
    }
}

/* What this node lacks of an origin; false when nothing was ever heard of it, so that a zero would say too much. */
static bool missing_here(const json_t *origin, uint64_t *ret)
{
    const json_t *here = json_object_get(origin, "here");

    return !json_is_false(json_object_get(here, "heard")) && reply_number(here, "missing", ret);
}

/* Is it known that the origin has recorded nothing yet? Then nobody lacks anything of it. */
static bool has_nothing(const json_t *origin)
{
    uint64_t entries = 0;
    uint64_t missing = 0;

    return missing_here(origin, &missing) && missing == 0 && reply_number(json_object_get(origin, "here"), "entries", &entries) && entries == 0;
}

/* `value`: a count, or null. */
static void cell_missing(struct table *table, const json_t *value)
{
    char number[TEXT_NUMBER_BYTES];

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        uint64_t count = (uint64_t)json_integer_value(value);
        table_cell(table, count == 0 ? PAINT_NONE : PAINT_WARN, text_count(number, count));
    } else {
        table_cell(table, PAINT_FAINT, "?");
    }
}

/* "heard" and "at": an age in milliseconds, or a time. */
static void cell_heard(struct table *table, const json_t *value)
{
    char text[TEXT_NUMBER_BYTES > TEXT_TIME_BYTES ? TEXT_NUMBER_BYTES : TEXT_TIME_BYTES];

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        table_cell(table, PAINT_FAINT, text_age(text, (uint64_t)json_integer_value(value)));
    } else if (json_is_string(value)) {
        struct tm tm;
        memset(&tm, 0, sizeof tm);
        if (strptime(json_string_value(value), "%Y-%m-%dT%H:%M:%S", &tm) != NULL) {
            time_t age = time(NULL) - timegm(&tm);
            table_cell(table, PAINT_FAINT, text_age(text, age > 0 ? (uint64_t)age * 1000 : 0));
        } else {
            table_cell(table, PAINT_FAINT, json_string_value(value));
        }
    } else {
        table_cell(table, PAINT_FAINT, "–");
    }
}

static void fill(struct table *table, const json_t *answer, const struct selection *selection)
{
    const json_t *origins = json_object_get(answer, "origins");
    const json_t *nodes = json_object_get(answer, "nodes");
    char number[TEXT_NUMBER_BYTES];
    size_t i;
    const json_t *origin;

    table_column(table, _("ORIGIN"), false);
    table_column(table, _("HELD HERE"), true);
    table_column(table, _("here"), true);
    for (size_t n = 0; n < selection->count; n++) {
        table_column(table, reply_string(json_array_get(nodes, selection->at[n]), "name"), true);
    }
    table_cell(table, PAINT_FAINT, _("heard"));
    table_cell(table, PAINT_NONE, "");
    table_cell(table, PAINT_FAINT, _("now"));
    for (size_t n = 0; n < selection->count; n++) {
        cell_heard(table, json_object_get(json_array_get(nodes, selection->at[n]), "at"));
    }
    json_array_foreach(origins, i, origin)
    {
        const json_t *here = json_object_get(origin, "here");
        const char *name = reply_string(origin, "name");
        table_cell(table, PAINT_NONE, name);
        table_cell(table, PAINT_NONE, reply_count(number, here, "entries"));
        uint64_t missing = 0;
        cell_missing(table, missing_here(origin, &missing) ? json_object_get(here, "missing") : NULL);
        for (size_t n = 0; n < selection->count; n++) {
            const json_t *node = json_array_get(nodes, selection->at[n]);
            const json_t *lacks = json_object_get(json_object_get(node, "by"), name);
            if (lacks == NULL && has_nothing(origin) && reply_number(node, "missing_total", &missing)) {
                table_cell(table, PAINT_NONE, "0");
            } else {
                cell_missing(table, lacks);
            }
        }
    }
}

/* A total is a sum only when every part is known; else it says "at least". */
static void fill_totals(struct table *table, const json_t *answer, const struct selection *selection)
{
    const json_t *origins = json_object_get(answer, "origins");
    const json_t *nodes = json_object_get(answer, "nodes");
    char number[TEXT_NUMBER_BYTES + 4];
    uint64_t total = 0;
    bool is_known = true;
    size_t i;
    const json_t *origin;

    json_array_foreach(origins, i, origin)
    {
        uint64_t missing = 0;
        is_known = missing_here(origin, &missing) && is_known;
        total += missing;
    }
    table_cell(table, PAINT_TITLE, _("total"));
    table_cell(table, PAINT_NONE, "");
    text_count(number, total);
    table_cell(table, PAINT_TITLE, is_known ? number : strcat(number, "+?"));
    for (size_t n = 0; n < selection->count; n++) {
        const json_t *node = json_array_get(nodes, selection->at[n]);
        table_cell(table, PAINT_TITLE, reply_count(number, node, "missing_total"));
    }
}

void render_lag(FILE *to, const json_t *answer, size_t columns, bool is_all, bool is_color)
{
    struct table *table = table_new(is_color);
    struct selection selection;
    char seen[256];

    select_nodes(&selection, answer, columns, is_all);
    (void)fprintf(to, "%s      %s\n", _("entries each node still lacks, by origin; ? = not known"), reply_seen(seen, sizeof seen, answer));
    fill(table, answer, &selection);
    fill_totals(table, answer, &selection);
    table_print(table, to, "");
    table_destroy(&table);
    if (selection.left_out > 0) {
        (void)fprintf(to,
                      ngettext("%zu more node lacks nothing by its last word (--all shows it)",
                               "%zu more nodes lack nothing by their last word (--all shows them)", (unsigned long)selection.left_out),
                      selection.left_out);
        (void)fputc('\n', to);
    }
}

static int run_lag(struct invocation *invocation)
{
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s}", "do", "lag"), &answer);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_lag(stdout, answer, text_columns(), option_given(invocation, "all"), invocation->is_color);
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row options[] = {
    {"all", 'a', NULL, N_("show every node, also those that lack nothing"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot lag", N_("rows: who recorded; columns: who still lacks how much of it")},
    {"griot lag --all", N_("every node, however wide")},
    {NULL, NULL},
};

const struct command command_lag = {
    .name = "lag",
    .usage = "[--all]",
    .summary = N_("show what each node still lacks of each origin"),
    .details = N_("The column \"here\" is this node, from its own store. The others are what each node last said it holds, so they are as old as the "
                  "line \"heard\" says."),
    .options = options,
    .examples = examples,
    .run = run_lag,
};

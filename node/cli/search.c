/* search.c - griot search: the answer says how complete it is before it says anything else. */
#include "node/cli/reply.h"
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"

#include <string.h>

enum {
    QUERY_BYTES_MAX = 1024,
    LIMIT_DEFAULT = 20,
    LIMIT_MAX = 1000,
    PLACE_COLUMNS = 28,
    WHAT_COLUMNS = 40,
    QUANTITY_COLUMNS = 20,
    UNKNOWN_NAMES_MAX = 5,
    ID_DIGITS_SHOWN = 12 /* enough to be the only one; show and trace take a beginning */
};

static void print_complete(FILE *to, const json_t *answer)
{
    const json_t *complete = json_object_get(answer, "complete");
    const json_t *unknown = json_object_get(complete, "unknown");
    char origins[TEXT_NUMBER_BYTES];
    char of[TEXT_NUMBER_BYTES];
    char number[TEXT_NUMBER_BYTES];
    char names[256];
    uint64_t missing = 0;

    (void)fprintf(to, _("complete for %s of %s origins"), reply_count(origins, complete, "origins"), reply_count(of, complete, "of"));
    if (reply_number(complete, "missing", &missing) && missing > 0) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, ngettext("%s known entry is not here yet", "%s known entries are not here yet", (unsigned long)missing),
                      text_count(number, missing));
    }
    if (json_array_size(json_object_get(complete, "behind")) > 0) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, _("not all from: %s"), reply_names(names, sizeof names, json_object_get(complete, "behind"), UNKNOWN_NAMES_MAX));
    }
    if (json_is_true(json_object_get(complete, "alone"))) {
        (void)fprintf(to, " · %s", reply_silence(names, sizeof names, complete));
    } else if (json_array_size(unknown) > 0) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, _("never heard of: %s"), reply_names(names, sizeof names, unknown, UNKNOWN_NAMES_MAX));
    }
    if (reply_number(complete, "index_behind", &missing) && missing > 0) {
        (void)fprintf(to, " · ");
        (void)fprintf(to, ngettext("%s entry is not searchable yet", "%s entries are not searchable yet", (unsigned long)missing),
                      text_count(number, missing));
    }
    (void)fputc('\n', to);
}

static void cell_cut(struct table *table, const char *text, size_t columns)
{
    char cut[256];

    text_cut(cut, sizeof cut, text, columns);
    table_cell(table, PAINT_NONE, cut);
}

/* The kind; an aggregate is marked as one, with how many events it sums up, and what is not for everybody as restricted. */
static void cell_kind(struct table *table, const json_t *hit)
{
    char number[TEXT_NUMBER_BYTES];
    char kind[128];
    char text[256];
    uint64_t count = 0;
    bool is_aggregate = json_is_true(json_object_get(hit, "is_aggregate")), is_restricted = json_is_true(json_object_get(hit, "restricted"));

    if (!is_aggregate) {
        (void)snprintf(kind, sizeof kind, "%.60s", reply_string(hit, "kind"));
    } else if (reply_number(hit, "event_count", &count)) {
        (void)snprintf(kind, sizeof kind, _("aggregate of %s"), text_count(number, count));
    } else {
        (void)snprintf(kind, sizeof kind, "%s", _("aggregate"));
    }
    (void)snprintf(text, sizeof text, "%s%s%s", kind, is_restricted ? " · " : "", is_restricted ? _("restricted") : "");
    table_cell(table, is_restricted ? PAINT_BAD : is_aggregate ? PAINT_WARN : PAINT_NONE, text);
}

static void cell_place(struct table *table, const json_t *hit)
{
    char text[256];
    const char *place = reply_string(hit, "place");
    const char *country = reply_string(hit, "country");

    (void)snprintf(text, sizeof text, "%s%s%s", country, country[0] != '\0' && place[0] != '\0' ? " " : "", place);
    cell_cut(table, text, PLACE_COLUMNS);
}

/* The goods in the language in use: a commodity's name, or the words of the record. */
static void cell_what(struct table *table, const json_t *hit)
{
    const char *what = reply_string(hit, "what");

    what = what[0] != '\0' ? what : reply_string(hit, "text");
    cell_cut(table, reply_label("commodity", what), WHAT_COLUMNS);
}

static void cell_quantity(struct table *table, const json_t *hit)
{
    char text[128];
    const char *quantity = reply_string(hit, "quantity");
    const char *unit = reply_string(hit, "unit");

    (void)snprintf(text, sizeof text, "%.60s%s%.40s", quantity, quantity[0] != '\0' && unit[0] != '\0' ? " " : "",
                   quantity[0] != '\0' ? reply_label("unit", unit) : "");
    cell_cut(table, text, QUANTITY_COLUMNS);
}

void render_search(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *hits = json_object_get(answer, "hits");
    struct table *table = table_new(is_color);
    char number[TEXT_NUMBER_BYTES];
    uint64_t total = 0;
    uint64_t offset = 0;
    uint64_t took = 0;
    size_t i;
    const json_t *hit;

    (void)reply_number(answer, "total", &total);
    (void)fprintf(to, ngettext("%s record", "%s records", (unsigned long)total), reply_count(number, answer, "total"));
    if (reply_number(answer, "took_ms", &took)) {
        (void)fprintf(to, ", %llu ms", (unsigned long long)took);
    }
    (void)fprintf(to, " · ");
    print_complete(to, answer);
    table_column(table, _("ID"), false);
    table_column(table, _("KIND"), false);
    table_column(table, _("DATE"), false);
    table_column(table, _("PLACE"), false);
    table_column(table, _("WHAT"), false);
    table_column(table, _("QUANTITY"), true);
    table_column(table, _("ORIGIN"), false);
    json_array_foreach(hits, i, hit)
    {
        char id[ID_DIGITS_SHOWN + 1];
        (void)snprintf(id, sizeof id, "%s", reply_string(hit, "id"));
        table_cell(table, PAINT_FAINT, id);
        cell_kind(table, hit);
        table_cell(table, PAINT_NONE, reply_string(hit, "date"));
        cell_place(table, hit);
        cell_what(table, hit);
        cell_quantity(table, hit);
        table_cell(table, PAINT_NONE, reply_string(hit, "origin"));
    }
    table_print(table, to, "");
    table_destroy(&table);
    (void)reply_number(answer, "offset", &offset);
    if (offset + json_array_size(hits) < total && json_array_size(hits) > 0) {
        (void)fprintf(to, _("shown: %zu from %llu; the next: --offset %llu"), json_array_size(hits), (unsigned long long)offset + 1,
                      (unsigned long long)(offset + json_array_size(hits)));
        (void)fputc('\n', to);
    }
}

/* The operands, joined by spaces, as one query. */
static bool join_query(const struct invocation *invocation, char *ret, size_t cap)
{
    size_t at = 0;

    for (uint32_t i = 0; i < invocation->operand_count; i++) {
        int n = snprintf(ret + at, cap - at, "%s%s", i > 0 ? " " : "", invocation->operands[i]);
        if (n < 0 || (size_t)n >= cap - at) {
            return false;
        }
        at += (size_t)n;
    }
    return true;
}

static int run_search(struct invocation *invocation)
{
    char query[QUERY_BYTES_MAX];
    json_t *answer = NULL;
    json_t *request;
    uint64_t limit = 0;
    uint64_t offset = 0;
    uint64_t total = 0;
    int outcome;

    if (!option_number(invocation, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit) || !option_number(invocation, "offset", 0, UINT32_MAX, 0, &offset)) {
        return OUTCOME_USAGE;
    }
    if (!join_query(invocation, query, sizeof query)) {
        return fail(invocation, ERR_USAGE, _("the query is longer than %d bytes"), QUERY_BYTES_MAX);
    }
    request = json_pack("{s:s, s:s, s:I, s:I}", "do", "search", "query", query, "limit", (json_int_t)limit, "offset", (json_int_t)offset);
    if (request == NULL) {
        return fail(invocation, ERR_USAGE, "%s", _("the query is not UTF-8 text"));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_search(stdout, answer, invocation->is_color);
    }
    if (outcome == OUTCOME_DONE && option_given(invocation, "strict") && reply_is_incomplete(answer)) {
        outcome = OUTCOME_INCOMPLETE;
    } else if (outcome == OUTCOME_DONE && reply_number(answer, "total", &total) && total == 0) {
        outcome = OUTCOME_NOTHING;
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row options[] = {
    {"limit", 'n', "N", N_("show at most N records (default 20, at most 1000)"), COMPLETES_NOTHING},
    {"offset", 0, "N", N_("leave out the first N"), COMPLETES_NOTHING},
    {"strict", 0, NULL, N_("exit with 6 when the answer is known to be incomplete"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot search tramadol lome", N_("all words, accents and case do not matter")},
    {"griot search country=SN commodity=cocaine", N_("by fields")},
    {"griot search cocaine --json --limit 1000", N_("for programs: griot.search/1")},
    {"griot search cocaine --strict", N_("fail when some office's records are not all here")},
    {NULL, NULL},
};

const struct command command_search = {
    .name = "search",
    .usage = "QUERY ... [--limit N] [--offset N] [--strict]",
    .summary = N_("find records, here, also when cut off"),
    .details = N_("A record is found when it holds every word of the query. FIELD=VALUE asks for an exact value of a field; griot record KIND "
                  "--fields lists the fields."
                  "\n\nThe first line says for how many origins the answer is complete."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 64,
    .run = run_search,
};

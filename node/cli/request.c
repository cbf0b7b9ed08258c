/* request.c - griot request and griot requests: may we pass this record on? */
#include "node/cli/ask.h"
#include "node/cli/names.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <string.h>

enum { NAMES_BYTES = 512, NAMES_SHOWN_MAX = 8, ID_DIGITS_SHOWN = 12, WHY_COLUMNS = 40 };

/* ---- request ---- */

static int run_request(struct invocation *invocation)
{
    const char *pass_to = option_text(invocation, "pass-to"), *why = option_text(invocation, "why"), *by = option_text(invocation, "by");
    json_t *answer = NULL, *request;
    char names[NAMES_BYTES];
    int outcome;

    if (pass_to == NULL || why == NULL) {
        return fail_because(invocation, ERR_USAGE, _("to whom is it to be passed on, and why?"), _("both --pass-to NAMES and --why TEXT are needed"), _("griot help request"));
    }
    request = json_pack("{s:s, s:s, s:o, s:s}", "do", "request", "id", invocation->operands[0], "pass_to", names_split(pass_to), "why", why);
    if (request != NULL && by != NULL) {
        (void)json_object_set_new(request, "by", json_string(by));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        (void)printf("%s\n", reply_string(answer, "id"));
        tell(invocation, _("%s is asked whether it may be passed on to %s, and to answer by %s; only it and this node can read that"), reply_string(answer, "asked"),
             reply_names(names, sizeof names, json_object_get(answer, "pass_to"), NAMES_SHOWN_MAX), reply_string(answer, "answer_by"));
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row request_options[] = {
    {"pass-to", 'p', "NAMES", N_("to whom: nodes, operations (operation:NAME) or other bodies, separated by commas"), COMPLETES_NOTHING},
    {"why", 'w', "TEXT", N_("what they need it for"), COMPLETES_NOTHING},
    {"by", 0, "DAY", N_("the day by which an answer is needed; default: in 14 days"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row request_examples[] = {
    {"griot request 3f8a61c09b7d --pass-to gm --why \"the container goes on to Banjul\"", N_("may that office read it too")},
    {"griot request 3f8a61c09b7d --pass-to \"Police nationale\" --why \"arrest\" --by 2026-12-01", N_("a body that has no node")},
    {NULL, NULL},
};

const struct command command_request = {
    .name = "request",
    .usage = "ID --pass-to NAMES --why TEXT [--by DAY]",
    .summary = N_("ask a record's owner whether it may be passed on"),
    .details = N_("The request is a record itself, sealed for its owner and this node. When the owner grants it, the owner's node releases the record to those of the names that are nodes; to the others this "
                  "office may then pass it on itself."),
    .options = request_options,
    .examples = request_examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_request,
};

/* ---- requests ---- */

static const char *permission_word(const char *state)
{
    static const char *const words[][2] = {{"open", N_("open")}, {"overdue", N_("overdue")}, {"granted", N_("granted")}, {"refused", N_("refused")}, {"ended", N_("ended")}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i][0], state) == 0) {
            return _(words[i][1]);
        }
    }
    return state;
}

static void cell_id(struct table *table, const json_t *row, const char *key)
{
    char id[ID_DIGITS_SHOWN + 1];

    (void)snprintf(id, sizeof id, "%s", reply_string(row, key));
    table_cell(table, PAINT_NONE, id);
}

void render_requests(FILE *to, const json_t *answer, bool is_color)
{
    struct table *table = table_new(is_color);
    char text[NAMES_BYTES];
    const json_t *row;
    size_t i;

    table_column(table, _("REQUEST"), false);
    table_column(table, _("RECORD"), false);
    table_column(table, _("ASKED BY"), false);
    table_column(table, _("OF"), false);
    table_column(table, _("PASS ON TO"), false);
    table_column(table, _("ANSWER BY"), false);
    table_column(table, _("STATE"), false);
    table_column(table, _("WHY"), false);
    json_array_foreach(json_object_get(answer, "requests"), i, row)
    {
        const char *state = reply_string(row, "state");
        cell_id(table, row, "id");
        cell_id(table, row, "about");
        table_cell(table, PAINT_NONE, reply_string(row, "asker"));
        table_cell(table, PAINT_NONE, reply_string(row, "asked"));
        table_cell(table, PAINT_NONE, reply_names(text, sizeof text, json_object_get(row, "pass_to"), NAMES_SHOWN_MAX));
        table_cell(table, PAINT_NONE, reply_string(row, "answer_by"));
        table_cell(table, strcmp(state, "overdue") == 0 ? PAINT_BAD : strcmp(state, "open") == 0 ? PAINT_WARN : PAINT_NONE, permission_word(state));
        text_cut(text, sizeof text, reply_string(row, "why"), WHY_COLUMNS);
        table_cell(table, PAINT_NONE, text);
    }
    table_print(table, to, "");
    table_destroy(&table);
    i = json_array_size(json_object_get(answer, "requests"));
    (void)fprintf(to, ngettext("%zu request", "%zu requests", (unsigned long)i), i);
    (void)fputc('\n', to);
}

static int run_requests(struct invocation *invocation)
{
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s, s:b}", "do", "requests", "all", option_given(invocation, "all")), &answer);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_requests(stdout, answer, invocation->is_color);
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row requests_options[] = {
    {"all", 'a', NULL, N_("also those that are answered, and those between others that this node can read"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row requests_examples[] = {
    {"griot requests", N_("what waits for this office's answer, and what this office waits for")},
    {NULL, NULL},
};

const struct command command_requests = {
    .name = "requests",
    .usage = "[--all]",
    .summary = N_("list requests to pass a record on that wait for an answer"),
    .details = N_("Newest first. Overdue is what was to be answered by a day that has passed."),
    .options = requests_options,
    .examples = requests_examples,
    .run = run_requests,
};

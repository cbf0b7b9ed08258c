/* trace.c - griot trace: where a record has arrived, for the officer who entered it. */
#include "node/cli/reply.h"
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"

#include <string.h>

enum { NAMES_SHOWN_MAX = 30 };

/* "recorded here", "on 1 hub", "on N hubs", "held by N of M", translated. */
static void print_state(FILE *to, const char *state)
{
    unsigned held = 0;
    unsigned of = 0;
    char end = '\0';

    if (strcmp(state, "recorded here") == 0) {
        (void)fputs(_("recorded here"), to);
    } else if (sscanf(state, "held by %u of %u%c", &held, &of, &end) == 2) {
        (void)fprintf(to, _("held by %u of %u"), held, of);
    } else if (sscanf(state, "on %u hub", &held) == 1) {
        (void)fprintf(to, ngettext("on %u hub", "on %u hubs", held), held);
    } else {
        (void)fputs(state[0] != '\0' ? state : _("unknown"), to);
    }
}

static void print_names(FILE *to, const char *label, const json_t *names)
{
    char text[1024];

    if (json_array_size(names) > 0) {
        size_t width = text_width(label);
        (void)fprintf(to, "  %s%*s%s\n", label, width < 14 ? (int)(14 - width) : 1, "", reply_names(text, sizeof text, names, NAMES_SHOWN_MAX));
    }
}

void render_trace(FILE *to, const json_t *answer, bool is_color)
{
    size_t i;
    const json_t *version;
    char when[TEXT_TIME_BYTES];

    (void)fprintf(to, "%s%s%s\n", is_color ? "\033[1m" : "", reply_string(answer, "id"), is_color ? "\033[0m" : "");
    json_array_foreach(json_object_get(answer, "versions"), i, version)
    {
        (void)fprintf(to, _("recorded by %s, %s: "), reply_string(version, "origin"), reply_when(when, reply_string(version, "recorded")));
        print_state(to, reply_string(version, "state"));
        (void)fputc('\n', to);
        render_missing(to, version);
        print_names(to, _("readable by"), json_object_get(version, "readers"));
        print_names(to, _("held by"), json_object_get(version, "held_by"));
        print_names(to, _("not yet"), json_object_get(version, "not_yet"));
        print_names(to, _("unknown"), json_object_get(version, "unknown"));
    }
}

static int run_trace(struct invocation *invocation)
{
    json_t *answer = NULL;
    json_t *request = json_pack("{s:s, s:s}", "do", "trace", "id", invocation->operands[0]);
    int outcome;

    if (request == NULL) {
        return fail(invocation, ERR_USAGE, "%s", _("a record id is up to 32 digits from 0 to f"));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_trace(stdout, answer, invocation->is_color);
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot trace 3f8a61c09b7d", N_("which nodes have said that they hold it")},
    {NULL, NULL},
};

const struct command command_trace = {
    .name = "trace",
    .usage = "ID",
    .summary = N_("show where a record has arrived"),
    .details = N_("A node holds a record when it said so itself, after writing it to its disk. \"Unknown\" are nodes that have not spoken since: "
                  "they may or may not hold it."),
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_trace,
};

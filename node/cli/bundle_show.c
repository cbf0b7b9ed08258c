/* bundle_show.c - griot bundle show: what is in a bundle, read to its end; without its key, what anybody can see. */
#include "node/cli/bundle.h"

#include "node/cli/output.h"
#include "node/cli/reply.h"

#include <string.h>

enum { NAMES_SHOWN = 12 };

static void print_head(const json_t *answer)
{
    char names[1024];
    uint64_t part = 0, parts = 0;

    (void)reply_number(answer, "part", &part);
    (void)reply_number(answer, "parts", &parts);
    (void)printf(_("bundle %.8s, part %llu of %llu"), reply_string(answer, "bundle"), (unsigned long long)part, (unsigned long long)parts);
    (void)fputc('\n', stdout);
    (void)printf(_("  sealed for: %s"), reply_names(names, sizeof names, json_object_get(answer, "sealed_for"), NAMES_SHOWN));
    (void)fputc('\n', stdout);
}

static void print_base(const json_t *answer)
{
    const json_t *base;
    uint64_t frontier = 0;
    size_t i;

    json_array_foreach(json_object_get(answer, "base"), i, base)
    {
        (void)fputs("  ", stdout);
        if (reply_number(base, "frontier", &frontier)) {
            (void)printf(_("what %s lacks by its frontier %llu"), reply_string(base, "node"), (unsigned long long)frontier);
        } else {
            (void)printf(_("everything, as if %s held nothing"), reply_string(base, "node"));
        }
        (void)fputc('\n', stdout);
    }
}

static void print_ranges(const json_t *ranges, bool is_color)
{
    struct table *table = table_new(is_color);
    const json_t *range;
    char number[TEXT_NUMBER_BYTES], from[2 * TEXT_NUMBER_BYTES];
    size_t i;

    table_column(table, _("ORIGIN"), false);
    table_column(table, _("CHANNEL"), false);
    table_column(table, _("LOG"), false);
    table_column(table, _("COMMITS"), true);
    table_column(table, _("ENTRIES"), true);
    json_array_foreach(ranges, i, range)
    {
        uint64_t first = 0, last = 0;
        char log[9];

        (void)reply_number(range, "first", &first);
        (void)reply_number(range, "last", &last);
        (void)snprintf(log, sizeof log, "%.8s", reply_string(range, "log"));
        (void)snprintf(from, sizeof from, "%llu–%llu", (unsigned long long)first, (unsigned long long)last);
        table_cell(table, PAINT_NONE, json_is_string(json_object_get(range, "origin")) ? reply_string(range, "origin") : "?");
        table_cell(table, PAINT_NONE, json_is_string(json_object_get(range, "channel")) ? reply_string(range, "channel") : "?");
        table_cell(table, PAINT_FAINT, log);
        table_cell(table, PAINT_NONE, last == 0 ? "–" : from);
        table_cell(table, PAINT_NONE, reply_count(number, range, "entries"));
    }
    table_print(table, stdout, "  ");
    table_destroy(&table);
}

static void print_answer(const struct invocation *invocation, const json_t *answer)
{
    const json_t *is_signed = json_object_get(answer, "signed"), *notices = json_object_get(answer, "notices");
    char a[TEXT_NUMBER_BYTES], b[TEXT_NUMBER_BYTES], c[TEXT_NUMBER_BYTES], d[TEXT_NUMBER_BYTES], when[TEXT_TIME_BYTES];

    print_head(answer);
    (void)printf(_("  from %s, made %s"), reply_string(answer, "writer"), reply_when(when, reply_string(answer, "made")));
    (void)fputc('\n', stdout);
    if (json_is_false(is_signed)) {
        (void)printf("  %s\n", _("not signed by that node: it will be refused"));
    } else if (!json_is_true(is_signed)) {
        (void)printf("  %s\n", _("that node is not known here yet"));
    }
    print_base(answer);
    (void)printf(_("  %s entries in %s commits"), reply_count(a, answer, "entries"), reply_count(b, answer, "commits"));
    (void)fputc('\n', stdout);
    (void)printf(_("  rosters %s, acts %s, cards %s, frontiers %s"), reply_count(a, notices, "rosters"), reply_count(b, notices, "acts"), reply_count(c, notices, "cards"),
                 reply_count(d, notices, "frontiers"));
    (void)fputc('\n', stdout);
    print_ranges(json_object_get(answer, "ranges"), invocation->is_color);
}

/* What anybody can see of a bundle that is for others. */
static int show_head(const struct invocation *invocation, json_t *error)
{
    int outcome = OUTCOME_DONE;

    if (invocation->is_json) {
        json_t *answer = output_new("griot.bundle/1", NULL);
        static const char *const keys[] = {"region", "bundle", "part", "parts", "sealed_for"};

        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            (void)json_object_set(answer, keys[i], json_object_get(error, keys[i]));
        }
        (void)json_object_set_new(answer, "locked", json_true());
        outcome = output_json(answer);
        json_decref(answer);
    } else {
        print_head(error);
        (void)printf("  %s\n", _("this node has no key for it: no more can be seen"));
    }
    return outcome;
}

static int run_bundle_show(struct invocation *invocation)
{
    struct bundle_source source;
    struct client *client = NULL;
    json_t *answer = NULL;
    const char *path = invocation->operands[0];
    enum err err = bundle_source_look(path, &source);
    int outcome;

    if (err != ERR_OK) {
        return fail(invocation, err, "%s", path);
    }
    outcome = ask_open(invocation, &client);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    err = bundle_source_send(invocation, client, &source, "bundle_show", &answer);
    client_close(&client);
    if ((err == ERR_PERMISSION || err == ERR_UNKNOWN_KEY || err == ERR_REGION) && json_is_array(json_object_get(answer, "sealed_for"))) {
        outcome = show_head(invocation, answer);
    } else if (err != ERR_OK) {
        outcome = bundle_fail(invocation, err, path, answer);
    } else if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        print_answer(invocation, answer);
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot bundle show /media/usb/tg.bundle", N_("from whom, for whom, and what is in it")},
    {NULL, NULL},
};

const struct command command_bundle_show = {
    .name = "show",
    .usage = "FILE",
    .summary = N_("say what is in a bundle, and whether it is whole"),
    .details = N_("Reads the file to its end and checks it, and takes nothing in. Of a bundle that is sealed for others only the outside can be seen: for whom, and which part it is."),
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG,
    .run = run_bundle_show,
};

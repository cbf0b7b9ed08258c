/* grant.c - griot grant: what was sealed before a reader was among those it is for. It is counted and shown first, since a key opens all that is sealed under it. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/readers.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"
#include "proto/record/date.h"

#include <string.h>

enum { KEY_SHOWN = 12, DAY_MS = 86400000 };

static void on_progress(void *arg, const json_t *object)
{
    const struct invocation *invocation = arg;
    char number[TEXT_NUMBER_BYTES];
    uint64_t commits = 0;

    if (reply_number(object, "commits", &commits)) {
        progress(invocation, (uint32_t)(commits / 10000), _("%s commits looked at"), text_count(number, commits));
    }
}

void render_grant(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *row;
    struct table *table = table_new(is_color);
    char number[TEXT_NUMBER_BYTES], when[TEXT_TIME_BYTES];
    const char *name = reply_string(answer, "name");
    uint64_t entries = 0, held = 0;
    size_t i;

    (void)reply_number(answer, "entries", &entries);
    (void)reply_number(answer, "held", &held);
    if (json_array_size(json_object_get(answer, "keys")) == 0) {
        (void)fprintf(to, held > 0 ? _("nothing to give: %s can open all of it already") : _("nothing to give: nothing is sealed so that %s lacks it"), name);
        (void)fputc('\n', to);
    } else {
        (void)fprintf(to, json_is_true(json_object_get(answer, "dry_run")) ? ngettext("%s would be able to read %s record more", "%s would be able to read %s records more", (unsigned long)entries)
                                                                            : ngettext("%s is given the keys of %s record", "%s is given the keys of %s records", (unsigned long)entries),
                      name, text_count(number, entries));
        (void)fputc('\n', to);
    }
    table_column(table, _("KEY"), false);
    table_column(table, _("CHANNEL"), false);
    table_column(table, _("RECORDS"), true);
    table_column(table, _("FIRST"), false);
    table_column(table, _("LAST"), false);
    json_array_foreach(json_object_get(answer, "keys"), i, row)
    {
        char key[KEY_SHOWN + 1];
        (void)snprintf(key, sizeof key, "%s", reply_string(row, "key"));
        table_cell(table, PAINT_FAINT, key);
        table_cell(table, PAINT_NONE, reply_string(row, "channel"));
        table_cell(table, PAINT_NONE, reply_count(number, row, "entries"));
        table_cell(table, PAINT_NONE, reply_when(when, reply_string(row, "first")));
        table_cell(table, PAINT_NONE, reply_when(when, reply_string(row, "last")));
    }
    table_print(table, to, "  ");
    table_destroy(&table);
}

/* The day in milliseconds; false when it is none. */
static bool day_of(const char *text, json_int_t *ret)
{
    struct date date;
    char canonical[DATE_BYTES_MAX];
    size_t n;

    if (date_parse(span_text(text), &date) != DATE_OK) {
        return false;
    }
    n = date_write(&date, canonical);
    *ret = (json_int_t)date_first_day(span_of(canonical, n)) * DAY_MS;
    return *ret >= 0;
}

static json_t *request_of(const struct invocation *invocation, json_int_t since, bool is_dry)
{
    const char *list = option_text(invocation, "to"), *record = option_text(invocation, "record");
    json_t *request = json_pack("{s:s, s:s, s:s, s:b}", "do", "grant", "name", invocation->operands[0], list != NULL ? "to" : "id", list != NULL ? list : record, "dry", is_dry);

    if (request != NULL && since > 0) {
        (void)json_object_set_new(request, "since_ms", json_integer(since));
    }
    return request;
}

/* First what would be given, then, when nobody says no, the same for good. */
static int grant(const struct invocation *invocation, struct client *client, json_int_t since)
{
    bool is_dry = option_given(invocation, "dry-run"), is_asked = !is_dry && !invocation->is_json;
    json_t *answer = NULL;
    int outcome = OUTCOME_DONE;

    if (is_asked) {
        outcome = ask_client(invocation, client, request_of(invocation, since, true), on_progress, (void *)(uintptr_t)invocation, &answer);
        progress_end(invocation);
        if (outcome == OUTCOME_DONE && json_array_size(json_object_get(answer, "keys")) > 0) {
            render_grant(stderr, answer, false);
            if (!readers_agree(invocation, _("Give these keys? Whoever has read it cannot be made to forget it. [y/N]"))) {
                tell(invocation, "%s", _("nothing was given"));
                outcome = OUTCOME_FAILED;
            }
        }
        json_decref(answer);
        answer = NULL;
    }
    if (outcome == OUTCOME_DONE) {
        outcome = ask_client(invocation, client, request_of(invocation, since, is_dry), on_progress, (void *)(uintptr_t)invocation, &answer);
        progress_end(invocation);
    }
    if (outcome == OUTCOME_DONE) {
        if (invocation->is_json) {
            outcome = output_json(answer);
        } else {
            render_grant(stdout, answer, invocation->is_color);
        }
    }
    json_decref(answer);
    return outcome;
}

static int run_grant(struct invocation *invocation)
{
    const char *since_text = option_text(invocation, "since");
    struct client *client = NULL;
    json_int_t since = 0;
    int outcome;

    if ((option_text(invocation, "to") == NULL) == (option_text(invocation, "record") == NULL)) {
        return fail_because(invocation, ERR_USAGE, _("the keys of what?"), _("exactly one of --to LIST and --record ID is needed"), _("griot help grant"));
    }
    if (since_text != NULL && !day_of(since_text, &since)) {
        return fail_because(invocation, ERR_USAGE, _("that is no day"), since_text, _("write 2026-11-22"));
    }
    outcome = ask_open(invocation, &client);
    if (outcome == OUTCOME_DONE) {
        outcome = grant(invocation, client, since);
    }
    client_close(&client);
    return outcome;
}

static const struct option_row options[] = {
    {"to", 't', "LIST", N_("all that this node has sealed for exactly these readers; of an operation, also before NAME took part"), COMPLETES_NOTHING},
    {"record", 'r', "ID", N_("the keys of one record of this node's, and so all that is sealed under them"), COMPLETES_NOTHING},
    {"since", 0, "DAY", N_("only keys that were still in use on that day or later"), COMPLETES_NOTHING},
    {"dry-run", 'n', NULL, N_("show what would be given; nothing is"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before it is given"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot grant tg --to rilo,gm --dry-run", N_("what tg would be able to read, if it were given what was sealed for these")},
    {"griot grant tg --to rilo,gm --since 2026-09-01", N_("give it the keys that were in use since then")},
    {"griot grant tg --record 3f8a61c09b7d", N_("the keys of one record")},
    {NULL, NULL},
};

const struct command command_grant = {
    .name = "grant",
    .usage = "NAME --to LIST|--record ID [--since DAY] [--dry-run] [--yes]",
    .summary = N_("let a reader who came later read what this node sealed before"),
    .details = N_("What is sealed is sealed for the readers of its day. Who joins later, or whose card was not known then, reads it when its author gives him the keys: never by itself, "
                  "and for every node to see (not what it opens). A key opens all that was sealed under it, for a month at most; so what is given is counted and shown first. "
                  "What is recorded from then on for the same readers is sealed under a new key: he reads it only when he is named."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .flags = COMMAND_LONG,
    .run = run_grant,
};

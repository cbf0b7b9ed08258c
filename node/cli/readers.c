/* readers.c - griot readers, and what record and import show before they save. */
#include "node/cli/readers.h"

#include "node/cli/expires.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <string.h>
#include <unistd.h>

enum { NAMES_BYTES = 2048, NAMES_SHOWN_MAX = 40, ANSWER_BYTES = 64, HASH_SHOWN = 12 };

int readers_ask(const struct invocation *invocation, struct client *client, const char *list, json_t **ret)
{
    json_t *request = json_pack("{s:s, s:s}", "do", "readers", "to", list);

    if (request == NULL) {
        return fail_because(invocation, ERR_USAGE, _("the list of readers is not UTF-8"), NULL, NULL);
    }
    return ask_client(invocation, client, request, NULL, NULL, ret);
}

json_t *readers_request(const char *list, const json_t *readers)
{
    json_t *request = json_pack("{s:s}", "to", list), *shown = json_array();
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(readers, "readers"), i, row)
    {
        (void)json_array_append(shown, json_object_get(row, "id"));
    }
    if (json_is_true(json_object_get(readers, "restricted"))) { /* else the whole region, whoever joins meanwhile */
        (void)json_object_set(request, "shown", shown);
    }
    json_decref(shown);
    return request;
}

int readers_append_begin(const struct invocation *invocation, struct client *client, const char *channel, const char *list, const json_t *readers)
{
    json_t *request = readers_request(list, readers), *error = NULL;
    enum err err;
    int outcome;

    (void)json_object_set_new(request, "channel", json_string(channel));
    outcome = expires_put(invocation, request);
    if (outcome != OUTCOME_DONE) {
        json_decref(request);
        return outcome;
    }
    err = client_append_begin(client, request, &error);
    outcome = err == ERR_OK ? OUTCOME_DONE : fail_answer(invocation, err, error);
    json_decref(error);
    return outcome;
}

/* ---- as text ---- */

static const char *who_word(const json_t *row)
{
    const char *role = reply_string(row, "role");

    if (json_is_true(json_object_get(row, "self"))) {
        return _("this node");
    }
    if (json_is_true(json_object_get(row, "rilo"))) {
        return _("RILO of this office");
    }
    return strcmp(role, "hub") == 0 ? _("RILO") : strcmp(role, "edge") == 0 ? _("office") : role_word(role);
}

/* The names of the rows that read it, or of those that do not yet. Returns how many. */
static size_t names_of(const json_t *rows, bool reads, char *ret, size_t cap)
{
    json_t *names = json_array();
    const json_t *row;
    size_t i, count;

    json_array_foreach(rows, i, row)
    {
        if (json_is_true(json_object_get(row, "reads")) == reads) {
            (void)json_array_append(names, json_object_get(row, "name"));
        }
    }
    count = json_array_size(names);
    (void)reply_names(ret, cap, names, NAMES_SHOWN_MAX);
    json_decref(names);
    return count;
}

static const char *gap_word(const char *why)
{
    return strcmp(why, "suspended") == 0 ? _("suspended") : strcmp(why, "left") == 0 ? _("has left the region") : _("no member bears this name");
}

static void print_left_out(FILE *to, const json_t *answer)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(answer, "left_out"), i, row)
    {
        char name[128];
        text_clean(name, sizeof name, reply_string(row, "name"));
        (void)fprintf(to, _("left out, though the operation names it: %s (%s)"), name, gap_word(reply_string(row, "why")));
        (void)fputc('\n', to);
    }
}

/* Who passes it on, and what is seen on the way. */
static void print_relays(FILE *to, const json_t *answer)
{
    char names[NAMES_BYTES];
    const json_t *relays = json_object_get(answer, "relays");

    if (json_array_size(relays) > 0) {
        (void)fprintf(to, _("passed on by: %s; they see who wrote it, in which channel, when, who may read it and about how long it is, not what it says"),
                      reply_names(names, sizeof names, relays, NAMES_SHOWN_MAX));
    } else {
        (void)fputs(_("other nodes see who wrote it, in which channel, when, who may read it and about how long it is, not what it says"), to);
    }
    (void)fputc('\n', to);
}

static void print_summary(FILE *to, const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "readers");
    char names[NAMES_BYTES];
    char number[TEXT_NUMBER_BYTES];
    size_t count = json_array_size(rows);

    if (!json_is_true(json_object_get(answer, "restricted"))) {
        (void)fprintf(to, _("who will be able to read it: every member of the region (%s now), and whoever joins later"), text_count(number, count));
        (void)fputc('\n', to);
        return;
    }
    (void)names_of(rows, true, names, sizeof names);
    (void)fprintf(to, _("who will be able to read it: %s"), names);
    (void)fputc('\n', to);
    if (names_of(rows, false, names, sizeof names) > 0) {
        (void)fprintf(to, _("not yet: %s; their encryption keys are not known here, griot grant gives them what they missed"), names);
        (void)fputc('\n', to);
    }
    print_left_out(to, answer);
    print_relays(to, answer);
}

void readers_tell(const struct invocation *invocation, const json_t *readers)
{
    if (!invocation->is_json) {
        progress_end(invocation);
        print_summary(stderr, readers);
    }
}

void readers_put(json_t *answer, const json_t *readers)
{
    (void)json_object_set(answer, "restricted", json_object_get(readers, "restricted"));
    (void)json_object_set(answer, "readers", json_object_get(readers, "readers"));
}

/* ---- before saving ---- */

bool readers_agree(const struct invocation *invocation, const char *question)
{
    char answer[ANSWER_BYTES] = "";
    bool is_yes;

    if (invocation->is_json || option_given(invocation, "yes") || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        return true;
    }
    ask_pause();
    (void)fprintf(stderr, "%s ", question);
    (void)fflush(stderr);
    /* TRANSLATORS: y, o and s all mean yes: yes, oui, sim. */
    is_yes = fgets(answer, sizeof answer, stdin) != NULL && strchr("yYoOsS", answer[0]) != NULL && answer[0] != '\0';
    ask_resume(invocation);
    return is_yes;
}

bool readers_confirm(const struct invocation *invocation)
{
    bool is_yes = readers_agree(invocation, _("Record it for these readers? [y/N]"));

    if (!is_yes) {
        tell(invocation, "%s", _("nothing was recorded"));
    }
    return is_yes;
}

/* ---- the command ---- */

static void print_rows(FILE *to, const json_t *rows, bool is_color)
{
    const json_t *row;
    struct table *table = table_new(is_color);
    size_t i;

    table_column(table, _("NODE"), false);
    table_column(table, _("WHO"), false);
    table_column(table, _("READS IT"), false);
    json_array_foreach(rows, i, row)
    {
        bool reads = json_is_true(json_object_get(row, "reads"));
        table_cell(table, PAINT_TITLE, reply_string(row, "name"));
        table_cell(table, PAINT_NONE, who_word(row));
        table_cell(table, reads ? PAINT_GOOD : PAINT_WARN,
                   !reads                                              ? _("not yet")
                   : json_is_true(json_object_get(row, "granted")) ? _("yes, granted later")
                                                                       : _("yes"));
    }
    table_print(table, to, "  ");
    table_destroy(&table);
}

void render_readers(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *version;
    size_t i;

    if (json_object_get(answer, "versions") == NULL) {
        print_summary(to, answer);
        print_rows(to, json_object_get(answer, "readers"), is_color);
        return;
    }
    json_array_foreach(json_object_get(answer, "versions"), i, version)
    {
        char hash[HASH_SHOWN + 1];
        (void)snprintf(hash, sizeof hash, "%s", reply_string(version, "version"));
        (void)fprintf(to, _("version %s, %s, by %s: "), hash, json_is_true(json_object_get(version, "current")) ? _("in force") : _("replaced"),
                      reply_string(version, "origin"));
        (void)fprintf(to, "%s\n", json_is_true(json_object_get(version, "restricted")) ? _("restricted") : _("for the whole region"));
        print_rows(to, json_object_get(version, "readers"), is_color);
    }
}

static int run_readers(struct invocation *invocation)
{
    const char *list = option_text(invocation, "to"), *id = invocation->operand_count > 0 ? invocation->operands[0] : NULL;
    json_t *answer = NULL, *request;
    int outcome;

    if ((list == NULL) == (id == NULL)) {
        return fail_because(invocation, ERR_USAGE, _("whose readers?"), _("either a list or a record is named"), _("griot readers --to LIST, or griot readers ID"));
    }
    request = json_pack("{s:s, s:s}", "do", "readers", list != NULL ? "to" : "id", list != NULL ? list : id);
    if (request == NULL) {
        return fail_because(invocation, ERR_USAGE, _("the list of readers is not UTF-8"), NULL, NULL);
    }
    outcome = ask(invocation, request, &answer);
    if (outcome == OUTCOME_DONE) {
        if (invocation->is_json) {
            outcome = output_json(answer);
        } else {
            render_readers(stdout, answer, invocation->is_color);
        }
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row options[] = {
    {"to", 't', "LIST", N_("region, rilo, local, names of nodes, operation:NAME; separated by commas"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot readers --to rilo,gm", N_("who would be able to read what is released to this office's RILO and to gm")},
    {"griot readers --to region", N_("every member of the region, by name")},
    {"griot readers 3f8a61c09b7d", N_("who can read a record that is here")},
    {NULL, NULL},
};

const struct command command_readers = {
    .name = "readers",
    .usage = "--to LIST | ID",
    .summary = N_("show who will be able to read what is released to a list, or who can read a record"),
    .details = N_("LIST is region (every member, the default wherever records are entered), or names separated by commas: nodes; rilo, this office's own RILO; local, this "
                  "node alone; operation:NAME or operation:ID, whoever takes part in the operation by its version in force. This node is always among the readers.\n\n"
                  "What is not for the whole region is sealed on this machine, for these nodes only. Others, hubs too, hold it and pass it on; they see who wrote it, in which "
                  "channel, when, who may read it and about how long it is. Who has read it cannot be made to forget it."),
    .options = options,
    .examples = examples,
    .operands_max = 1,
    .run = run_readers,
};

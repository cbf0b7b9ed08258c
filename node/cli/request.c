/* request.c - griot request, requests, answer: originator control. Whoever was released a record and wants to pass it on asks its owner; the owner says yes or no. Both are
 * records, sealed for the two of them. */
#include "node/cli/entry.h"
#include "node/cli/output.h"
#include "node/cli/release.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_BYTES = 2048, NAMES_SHOWN_MAX = 12, ID_SHOWN = 12, PASS_COLUMNS = 30, WHY_COLUMNS = 40 };

/* "bj, Interpol" as values of pass_to. False when a part is empty. */
static bool add_names(struct entry *entry, const char *list)
{
    char *copy = strdup(list), *next = copy;
    bool is_good = copy != NULL;

    while (is_good && next != NULL) {
        char *name = next, *comma = strchr(next, ',');
        size_t n;
        next = NULL;
        if (comma != NULL) {
            *comma = '\0';
            next = comma + 1;
        }
        name += strspn(name, " ");
        n = strlen(name);
        while (n > 0 && name[n - 1] == ' ') {
            name[--n] = '\0';
        }
        is_good = n > 0;
        if (is_good) {
            entry_add(entry, "pass_to", entry_keep(entry, name));
        }
    }
    free(copy);
    return is_good;
}

static void add_option(struct entry *entry, const char *option, const char *field)
{
    const char *text = option_text(entry_invocation(entry), option);

    if (text != NULL) {
        entry_add(entry, field, text);
    }
}

/* Make the entry, let `fill` put its fields in, and save it. */
static int enter(const struct invocation *invocation, const char *kind, const char *to, bool (*fill)(struct entry *entry, const json_t *about), const json_t *about)
{
    struct entry *entry = entry_new(invocation, kind_by_name(span_text(kind)), to);
    int outcome;

    if (entry == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("the record cannot be built"));
    }
    outcome = fill(entry, about) ? entry_finish(entry)
                                 : fail_because(invocation, ERR_USAGE, _("to whom is it to be passed on?"), _("the names are separated by commas, and none is empty"),
                                                _("--pass-to bj,ci"));
    entry_destroy(&entry);
    return outcome;
}

/* ---- request ---- */

static bool fill_request(struct entry *entry, const json_t *about)
{
    const json_t *version = json_array_get(json_object_get(about, "versions"), 0);

    entry_add(entry, "about", entry_keep(entry, reply_string(about, "id")));
    entry_add(entry, "version", entry_keep(entry, reply_string(version, "version")));
    entry_add(entry, "asked", entry_keep(entry, reply_string(version, "origin")));
    add_option(entry, "why", "why");
    add_option(entry, "answer-by", "answer_by");
    return add_names(entry, option_text(entry_invocation(entry), "pass-to"));
}

static int run_request(struct invocation *invocation)
{
    json_t *about = NULL;
    const json_t *version;
    int outcome;

    if (option_text(invocation, "pass-to") == NULL || option_text(invocation, "why") == NULL) {
        return fail_because(invocation, ERR_USAGE, _("to whom, and why?"), _("--pass-to and --why are both needed: the owner decides by them"),
                            _("griot request ID --pass-to bj --why 'same consignee'"));
    }
    outcome = ask(invocation, json_pack("{s:s, s:s}", "do", "show", "id", invocation->operands[0]), &about);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    version = json_array_get(json_object_get(about, "versions"), 0);
    if (strcmp(reply_string(version, "origin"), reply_node(about)) == 0) {
        outcome = fail_because(invocation, ERR_INVALID, _("the record is this office's own"), _("nobody need be asked"), _("griot release ID --to LIST"));
    } else {
        outcome = enter(invocation, "request", reply_string(version, "origin"), fill_request, about);
    }
    json_decref(about);
    return outcome;
}

static const struct option_row request_options[] = {
    {"pass-to", 'p', "NAMES", N_("to whom: names of nodes, or other bodies in words, separated by commas"), COMPLETES_NOTHING},
    {"why", 'w', "TEXT", N_("what they need it for"), COMPLETES_NOTHING},
    {"answer-by", 0, "DAY", N_("the day by which an answer is needed"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before it is recorded"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row request_examples[] = {
    {"griot request 3f8a61c09b7d --pass-to bj --why 'same consignee at Cotonou'", N_("ask the record's owner whether bj may have it")},
    {NULL, NULL},
};
const struct command command_request = {
    .name = "request",
    .usage = "ID --pass-to NAMES --why TEXT [--answer-by DAY] [--yes]",
    .summary = N_("ask a record's owner whether it may be passed on"),
    .details = N_("The third-party rule: what another office has released goes to nobody else without its word. The request is a record, sealed for its owner and this office; the "
                  "answer comes back as one: griot requests shows both. Until then, do not pass it on."),
    .options = request_options,
    .examples = request_examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_request,
};

/* ---- requests ---- */

static const char *answer_text(const json_t *row)
{
    const json_t *answer = json_object_get(row, "answer");

    return json_is_object(answer)                                ? reply_label("decision", reply_string(answer, "decision"))
           : json_is_true(json_object_get(row, "overdue"))  ? _("overdue")
           : json_is_true(json_object_get(row, "incoming")) ? _("to be answered here")
                                                                 : _("no answer yet");
}

void render_requests(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *row;
    struct table *table = table_new(is_color);
    char names[NAMES_BYTES], cut[NAMES_BYTES], number[TEXT_NUMBER_BYTES];
    uint64_t left = 0;
    size_t i, open = 0;

    json_array_foreach(json_object_get(answer, "requests"), i, row)
    {
        open += json_is_true(json_object_get(row, "incoming")) && !json_is_object(json_object_get(row, "answer"));
    }
    (void)fprintf(to, ngettext("%zu request waits for this office's answer", "%zu requests wait for this office's answer", (unsigned long)open), open);
    (void)fputc('\n', to);
    table_column(table, _("REQUEST"), false);
    table_column(table, _("FROM"), false);
    table_column(table, _("ABOUT"), false);
    table_column(table, _("PASS ON TO"), false);
    table_column(table, _("ANSWER"), false);
    table_column(table, _("WHY"), false);
    json_array_foreach(json_object_get(answer, "requests"), i, row)
    {
        bool is_open = !json_is_object(json_object_get(row, "answer"));
        text_cut(cut, sizeof cut, reply_string(row, "id"), ID_SHOWN);
        (void)snprintf(cut, sizeof cut, "%.*s", ID_SHOWN, reply_string(row, "id"));
        table_cell(table, PAINT_FAINT, cut);
        table_cell(table, PAINT_NONE, reply_string(row, "from"));
        (void)snprintf(cut, sizeof cut, "%.*s", ID_SHOWN, reply_string(row, "about"));
        table_cell(table, PAINT_FAINT, cut);
        text_cut(cut, sizeof cut, reply_names(names, sizeof names, json_object_get(row, "pass_to"), NAMES_SHOWN_MAX), PASS_COLUMNS);
        table_cell(table, PAINT_NONE, cut);
        table_cell(table, is_open ? PAINT_WARN : PAINT_NONE, answer_text(row));
        text_cut(cut, sizeof cut, reply_string(row, "why"), WHY_COLUMNS);
        table_cell(table, PAINT_NONE, cut);
    }
    table_print(table, to, "  ");
    table_destroy(&table);
    if (reply_number(answer, "left_out", &left) && left > 0) {
        (void)fprintf(to, ngettext("and %s older request", "and %s older requests", (unsigned long)left), text_count(number, left));
        (void)fputc('\n', to);
    }
}

static int run_requests(struct invocation *invocation)
{
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s}", "do", "requests"), &answer);

    if (outcome == OUTCOME_DONE) {
        if (invocation->is_json) {
            outcome = output_json(answer);
        } else {
            render_requests(stdout, answer, invocation->is_color);
        }
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row requests_examples[] = {
    {"griot requests", N_("what others ask of this office, and this office of others")},
    {NULL, NULL},
};
const struct command command_requests = {
    .name = "requests",
    .usage = "",
    .summary = N_("list requests to pass records on, with their answers"),
    .details = N_("Those that ask this office, and those that it has made. Only an answer by the office that was asked counts."),
    .examples = requests_examples,
    .run = run_requests,
};

/* ---- answer ---- */

static bool fill_answer(struct entry *entry, const json_t *row)
{
    const struct invocation *invocation = entry_invocation(entry);
    bool is_granted = option_given(invocation, "grant");
    const char *names = option_text(invocation, "pass-to");
    const json_t *name;
    size_t i;

    entry_add(entry, "about", entry_keep(entry, reply_string(row, "about")));
    entry_add(entry, "request", entry_keep(entry, reply_string(row, "id")));
    entry_add(entry, "decision", is_granted ? "GRANTED" : "REFUSED");
    add_option(entry, "why", "why");
    add_option(entry, "valid-until", "valid_until");
    if (!is_granted) {
        return true;
    }
    if (names != NULL) {
        return add_names(entry, names);
    }
    json_array_foreach(json_object_get(row, "pass_to"), i, name)
    {
        entry_add(entry, "pass_to", entry_keep(entry, json_string_value(name) != NULL ? json_string_value(name) : ""));
    }
    return true;
}

/* The request of this id, or its first digits. */
static const json_t *find_request(const json_t *answer, const char *id, size_t *ret_count)
{
    const json_t *row, *found = NULL;
    size_t i, n = strlen(id);

    *ret_count = 0;
    json_array_foreach(json_object_get(answer, "requests"), i, row)
    {
        if (n >= 4 && strncmp(reply_string(row, "id"), id, n) == 0) {
            found = row;
            *ret_count += 1;
        }
    }
    return found;
}

/* ---- what a grant brings with it ---- */

/* What `readers` answers to a request about them; NULL: an error, which is not explained. Takes `request`. */
static json_t *readers_quietly(struct client *client, json_t *request)
{
    json_t *result = NULL;
    enum err err = request == NULL ? ERR_MEMORY : client_call(client, request, NULL, NULL, &result);

    json_decref(request);
    if (err != ERR_OK) {
        json_decref(result);
        result = NULL;
    }
    return result;
}

/* Put the names of readers that are not in it yet. Returns whether there was one. */
static bool add_readers(json_t *names, const json_t *readers)
{
    bool is_new = false;
    const json_t *row, *name;
    size_t i, j;

    json_array_foreach(json_object_get(readers, "readers"), i, row)
    {
        bool is_in = false;
        json_array_foreach(names, j, name)
        {
            is_in = is_in || strcmp(json_string_value(name), reply_string(row, "name")) == 0;
        }
        if (!is_in) {
            (void)json_array_append(names, json_object_get(row, "name"));
            is_new = true;
        }
    }
    return is_new;
}

/* Of those to whom it may be passed on, the nodes and operations read it from now on, beside whoever reads it already; to the others the office that has asked passes it on itself. */
static int release_granted(const struct invocation *invocation, struct client *client, const char *about, const json_t *granted)
{
    json_t *present = readers_quietly(client, json_pack("{s:s, s:s}", "do", "readers", "id", about)), *names = json_array(), *outside = json_array();
    const json_t *version = json_array_get(json_object_get(present, "versions"), 0), *name;
    char list[NAMES_BYTES], text[NAMES_BYTES];
    bool is_needed = false, is_region = false;
    int outcome = OUTCOME_DONE;
    size_t i, at = 0;

    (void)add_readers(names, version);
    json_array_foreach(granted, i, name)
    {
        json_t *readers = readers_quietly(client, json_pack("{s:s, s:O}", "do", "readers", "to", name));
        if (readers == NULL) {
            (void)json_array_append(outside, (json_t *)(uintptr_t)name);
        } else if (!json_is_true(json_object_get(readers, "restricted"))) {
            is_needed = is_region = true;
        } else {
            is_needed = add_readers(names, readers) || is_needed;
        }
        json_decref(readers);
    }
    list[0] = '\0';
    json_array_foreach(names, i, name)
    {
        int n = snprintf(list + at, sizeof list - at, "%s%s", i > 0 ? "," : "", json_string_value(name));
        at += n > 0 && (size_t)n < sizeof list - at ? (size_t)n : 0;
    }
    if (json_array_size(outside) > 0) {
        tell(invocation, _("The office that has asked may itself pass it on to: %s"), reply_names(text, sizeof text, outside, NAMES_SHOWN_MAX));
    }
    if (is_needed && json_is_true(json_object_get(version, "restricted"))) {
        outcome = release_to(invocation, client, about, is_region ? "region" : list);
    }
    json_decref(present);
    json_decref(names);
    json_decref(outside);
    return outcome;
}

/* The names as --pass-to gives them, or as the request does; a new reference. */
static json_t *granted_names(const struct invocation *invocation, const json_t *row)
{
    const char *text = option_text(invocation, "pass-to");
    json_t *names = text != NULL ? json_array() : json_deep_copy(json_object_get(row, "pass_to"));

    while (text != NULL) {
        size_t n = strcspn(text, ",");
        const char *next = text[n] == ',' ? text + n + 1 : NULL;
        for (; n > 0 && *text == ' '; n--) {
            text++;
        }
        while (n > 0 && text[n - 1] == ' ') {
            n--;
        }
        (void)json_array_append_new(names, json_stringn(text, n));
        text = next;
    }
    return names;
}

static int grant_release(struct invocation *invocation, const json_t *row)
{
    struct client *client = NULL;
    json_t *names = granted_names(invocation, row);
    int outcome = ask_open(invocation, &client);

    if (outcome == OUTCOME_DONE) {
        outcome = release_granted(invocation, client, reply_string(row, "about"), names);
    }
    client_close(&client);
    json_decref(names);
    return outcome;
}

static int answer_request(struct invocation *invocation, const json_t *answer)
{
    size_t count = 0;
    const json_t *row = find_request(answer, invocation->operands[0], &count);
    int outcome;

    if (count != 1) {
        return fail_because(invocation, count == 0 ? ERR_NOT_FOUND : ERR_EXISTS, count == 0 ? _("no request with that id is here") : _("several requests begin with these digits"),
                            invocation->operands[0], _("griot requests lists them"));
    }
    if (!json_is_true(json_object_get(row, "incoming"))) {
        return fail_because(invocation, ERR_PERMISSION, _("another office was asked"), reply_string(row, "asked"), _("griot requests lists what this office is asked"));
    }
    if (json_is_string(json_object_get(row, "owner")) && strcmp(reply_string(row, "owner"), reply_node(answer)) != 0) {
        return fail_because(invocation, ERR_PERMISSION, _("the record is another office's"), reply_string(row, "owner"), _("only its owner says whether it may be passed on"));
    }
    outcome = enter(invocation, "answer", reply_string(row, "from"), fill_answer, row);
    if (outcome == OUTCOME_DONE && option_given(invocation, "grant") && !option_given(invocation, "no-release")) {
        outcome = grant_release(invocation, row);
    }
    return outcome;
}

static int run_answer(struct invocation *invocation)
{
    json_t *answer = NULL;
    int outcome;

    if (option_given(invocation, "grant") == option_given(invocation, "refuse")) {
        return fail_because(invocation, ERR_USAGE, _("yes or no?"), _("exactly one of --grant and --refuse is needed"), NULL);
    }
    if (option_given(invocation, "refuse") && option_text(invocation, "why") == NULL) {
        return fail_because(invocation, ERR_USAGE, _("why is it refused?"), _("who is refused is told the ground"), _("add --why TEXT"));
    }
    outcome = ask(invocation, json_pack("{s:s}", "do", "requests"), &answer);
    if (outcome == OUTCOME_DONE) {
        outcome = answer_request(invocation, answer);
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row answer_options[] = {
    {"grant", 'g', NULL, N_("it may be passed on, to whom the request names, or --pass-to"), COMPLETES_NOTHING},
    {"refuse", 'r', NULL, N_("it may not be passed on"), COMPLETES_NOTHING},
    {"why", 'w', "TEXT", N_("the ground of a refusal, or what the permission is tied to"), COMPLETES_NOTHING},
    {"pass-to", 'p', "NAMES", N_("with --grant: to these only, separated by commas"), COMPLETES_NOTHING},
    {"valid-until", 0, "DAY", N_("with --grant: the last day of the permission"), COMPLETES_NOTHING},
    {"no-release", 0, NULL, N_("with --grant: only the permission; nobody reads it here who did not before"), COMPLETES_NOTHING},
    {"yes", 'y', NULL, N_("do not ask before it is recorded"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row answer_examples[] = {
    {"griot answer 7c1e --grant --why 'customs use only'", N_("it may be passed on to those whom the request names")},
    {"griot answer 7c1e --refuse --why 'an inquiry is under way'", N_("it may not")},
    {NULL, NULL},
};
const struct command command_answer = {
    .name = "answer",
    .usage = "REQUEST --grant|--refuse [--why TEXT] [--pass-to NAMES] [--valid-until DAY] [--no-release] [--yes]",
    .summary = N_("grant or refuse a request to pass a record of this office on"),
    .details = N_("The answer is a record, sealed for this office and the one that asks. A grant also releases the record to those of the names that are nodes or operations, beside whoever reads it "
                  "already (griot release); to other bodies the office that has asked may then pass it on itself."),
    .options = answer_options,
    .examples = answer_examples,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_answer,
};

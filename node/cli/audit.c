/* audit.c - griot audit: who did what at this node, and whether the trail of it is whole. */
#include "node/cli/ask.h"
#include "node/cli/audit_key.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000, SUBJECTS_SHOWN_MAX = 3, ID_DIGITS_SHOWN = 12, WHAT_BYTES = 512, AGAINST_BYTES_MAX = 1 << 20 };

/* ---- rows ---- */

static const char *action_word(const char *action)
{
    static const char *const words[][2] = {
        {"life", N_("life begins")},    {"start", N_("node started")},   {"stop", N_("node stopped")},   {"refused", N_("user refused")}, {"record", N_("recorded")},
        {"import", N_("imported")},     {"search", N_("searched")},      {"show", N_("shown")},          {"trace", N_("traced")},         {"export", N_("exported")},
        {"bundle", N_("bundle written")},       {"backup", N_("backup")},        {"join", N_("joined")},         {"admit", N_("admitted")},       {"suspend", N_("suspended")},
        {"rotate", N_("keys rotated")}, {"grant", N_("granted")},        {"erase", N_("erased")},        {"classify", N_("classified")},  {"request", N_("permission asked")},
        {"answer", N_("permission answered")}, {"release", N_("released")}, {"audit", N_("trail listed")}, {"open", N_("searches read")}, {"bundle-in", N_("bundle taken in")},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i][0], action) == 0) {
            return _(words[i][1]);
        }
    }
    return action;
}

static const char *count_word(const char *name)
{
    static const char *const words[][2] = {{"new", N_("new")},       {"updated", N_("changed")},  {"unchanged", N_("unchanged")}, {"total", N_("found")},  {"shown", N_("shown")},
                                           {"guarded", N_("guarded")}, {"stored", N_("stored")},  {"held", N_("held already")},   {"refused", N_("refused")}, {"times", N_("times")},
                                           {"keys", N_("keys")},       {"records", N_("records")},
                                           {"commits", N_("commits")}, {"entries", N_("entries")}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i][0], name) == 0) {
            return _(words[i][1]);
        }
    }
    return name;
}

__attribute__((format(printf, 4, 5))) static size_t add(char *ret, size_t cap, size_t at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(ret + at, cap - at, format, args);
    va_end(args);
    return n < 0 || (size_t)n >= cap - at ? cap - 1 : at + (size_t)n;
}

/* What it was done to, how often, and what was typed. */
static void what_of(char *ret, size_t cap, const json_t *row)
{
    const json_t *subjects = json_object_get(row, "subjects");
    const char *key, *typed = reply_string(row, "typed");
    json_t *value;
    size_t at = 0, i;
    const json_t *subject;

    ret[0] = '\0';
    if (typed[0] != '\0') {
        at = add(ret, cap, at, "“%s”", typed);
    } else if (json_object_get(row, "sealed") != NULL) {
        at = add(ret, cap, at, "%s", _("[sealed]"));
    }
    json_object_foreach(json_object_get(row, "counts"), key, value)
    {
        if (json_integer_value(value) > 0) {
            at = add(ret, cap, at, "%s%lld %s", at > 0 ? " · " : "", (long long)json_integer_value(value), count_word(key));
        }
    }
    json_array_foreach(subjects, i, subject)
    {
        const char *name = reply_string(subject, "name");
        if (i == SUBJECTS_SHOWN_MAX) {
            at = add(ret, cap, at, " …");
            break;
        }
        at = name[0] != '\0' ? add(ret, cap, at, "%s%s", at > 0 ? " " : "", name)
                             : add(ret, cap, at, "%s%.*s", at > 0 ? " " : "", ID_DIGITS_SHOWN, reply_string(subject, "id"));
    }
}

static void who_of(char *ret, size_t cap, const json_t *row)
{
    const char *login = reply_string(row, "login");
    uint64_t uid = 0;

    if (login[0] != '\0') {
        (void)snprintf(ret, cap, "%s", login);
    } else if (reply_number(row, "uid", &uid)) {
        (void)snprintf(ret, cap, "uid %llu", (unsigned long long)uid);
    } else {
        (void)snprintf(ret, cap, "?");
    }
}

void render_audit(FILE *to, const json_t *answer, bool is_color)
{
    struct table *table = table_new(is_color);
    const json_t *rows = json_object_get(answer, "rows");
    char text[WHAT_BYTES], number[TEXT_NUMBER_BYTES], seen[256];
    size_t i;
    const json_t *row;

    table_column(table, _("ROW"), true);
    table_column(table, _("WHEN"), false);
    table_column(table, _("WHO"), false);
    table_column(table, _("DID"), false);
    table_column(table, _("WHAT"), false);
    json_array_foreach(rows, i, row)
    {
        const char *outcome = reply_string(row, "outcome");
        bool is_good = strcmp(outcome, "ERR_OK") == 0;
        table_cell(table, PAINT_FAINT, reply_count(number, row, "number"));
        table_cell(table, PAINT_NONE, reply_when(text, reply_string(row, "time")));
        who_of(text, sizeof text, row);
        table_cell(table, PAINT_NONE, text);
        (void)snprintf(text, sizeof text, is_good ? "%s" : "%s: %s", action_word(reply_string(row, "action")), outcome);
        table_cell(table, is_good ? PAINT_NONE : PAINT_WARN, text);
        what_of(text, sizeof text, row);
        table_cell(table, PAINT_NONE, text);
    }
    table_print(table, to, "");
    table_destroy(&table);
    (void)fprintf(to, ngettext("%zu of %s row, %s", "%zu of %s rows, %s", (unsigned long)json_array_size(rows)), json_array_size(rows), reply_count(number, answer, "count"),
                  reply_seen(seen, sizeof seen, answer));
    (void)fputc('\n', to);
}

/* ---- verifying ---- */

static void print_sentences(FILE *to, const json_t *list, const char *mark)
{
    size_t i;
    const json_t *one;

    json_array_foreach(list, i, one)
    {
        char what[512];
        text_clean(what, sizeof what, reply_string(one, "what"));
        (void)fprintf(to, "%s %s\n", mark, what);
    }
}

void render_audit_verify(FILE *to, const json_t *answer, bool is_color)
{
    char number[TEXT_NUMBER_BYTES], other[TEXT_NUMBER_BYTES];
    uint64_t faults = 0, rows = 0, named = 0;

    print_sentences(to, json_object_get(answer, "faults"), is_color ? "\033[31m✗\033[0m" : "✗");
    print_sentences(to, json_object_get(answer, "lost"), is_color ? "\033[33m!\033[0m" : "!");
    (void)reply_number(answer, "rows", &rows);
    (void)reply_number(answer, "named", &named);
    (void)fprintf(to, ngettext("%s row, %s heads compared: ", "%s rows, %s heads compared: ", (unsigned long)rows), text_count(number, rows), reply_count(other, answer, "compared"));
    if (!reply_number(answer, "fault_count", &faults)) {
        (void)fprintf(to, "%s\n", _("the number of faults is not known"));
    } else if (faults == 0) {
        (void)fprintf(to, "%s\n", _("the trail is whole"));
    } else {
        (void)fprintf(to, ngettext("%s fault", "%s faults", (unsigned long)faults), text_count(number, faults));
        (void)fputc('\n', to);
    }
    if (named < rows) {
        (void)fprintf(to, _("The rows after row %s no frontier has named yet: only this machine vouches for them."), text_count(number, named));
        (void)fputc('\n', to);
    }
}

/* ---- what this node remembers of others ---- */

void render_heads(FILE *to, const json_t *answer, bool is_color)
{
    struct table *table = table_new(is_color);
    char number[TEXT_NUMBER_BYTES], text[TEXT_TIME_BYTES];
    size_t i;
    const json_t *node;

    table_column(table, _("NODE"), false);
    table_column(table, _("ROWS"), true);
    table_column(table, _("LAST NAMED"), false);
    table_column(table, _("HEADS KEPT"), true);
    table_column(table, _("NOTE"), false);
    json_array_foreach(json_object_get(answer, "nodes"), i, node)
    {
        const json_t *points = json_object_get(node, "heads");
        const json_t *last = json_array_get(points, json_array_size(points) - 1);
        const char *fault = reply_string(node, "fault");
        table_cell(table, PAINT_NONE, reply_string(node, "name")[0] != '\0' ? reply_string(node, "name") : reply_string(node, "id"));
        table_cell(table, PAINT_NONE, reply_count(number, last, "count"));
        table_cell(table, PAINT_NONE, reply_when(text, reply_string(last, "at")));
        (void)snprintf(number, sizeof number, "%zu", json_array_size(points));
        table_cell(table, PAINT_NONE, number);
        table_cell(table, fault[0] != '\0' ? PAINT_BAD : PAINT_NONE, fault[0] != '\0' ? _("it has named something else since") : "");
    }
    table_print(table, to, "");
    table_destroy(&table);
}

/* ---- the command ---- */

/* "2026-11-20", "2026-11-20T10:30", local; "90m", "12h", "3d": so long ago. */
static bool since_read(const char *text, uint64_t *ret_ms)
{
    struct tm tm = {.tm_isdst = -1};
    char *end = NULL;
    const char *rest;
    time_t now = time(NULL);

    if (strchr(text, '-') == NULL) {
        unsigned long count = strtoul(text, &end, 10);
        unsigned long unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
        if (text[0] < '0' || text[0] > '9' || unit == 0 || end[1] != '\0' || count > 36600UL * 86400 / unit) {
            return false;
        }
        *ret_ms = (uint64_t)(now - (time_t)(count * unit)) * 1000;
        return true;
    }
    rest = strptime(text, "%Y-%m-%d", &tm);
    if (rest != NULL && *rest == 'T') {
        rest = strptime(rest + 1, "%H:%M", &tm);
    }
    if (rest == NULL || *rest != '\0') {
        return false;
    }
    time_t at = mktime(&tm);
    *ret_ms = at > 0 ? (uint64_t)at * 1000 : 0;
    return at != (time_t)-1;
}

static int verify(struct invocation *invocation)
{
    const char *against = option_text(invocation, "against");
    json_t *answer = NULL, *request = json_pack("{s:s, s:b}", "do", "audit", "verify", 1);
    int outcome;

    if (against != NULL) {
        json_t *heads = json_load_file(against, JSON_REJECT_DUPLICATES, NULL);
        if (strcmp(reply_string(heads, "schema"), "griot.audit-heads/1") != 0) {
            json_decref(heads);
            json_decref(request);
            return fail_because(invocation, ERR_INVALID, _("that file holds no heads"), NULL, _("at another node: griot audit --heads --json > FILE"));
        }
        (void)json_object_set(request, "against", json_object_get(heads, "nodes"));
        json_decref(heads);
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_audit_verify(stdout, answer, invocation->is_color);
    }
    if (outcome == OUTCOME_DONE && !json_is_true(json_object_get(answer, "ok"))) { /* only an answer that says so is a good one */
        outcome = OUTCOME_FAILED;
        tell(invocation, "  → %s", _("somebody has changed it, or the disk has: tell the auditor, keep a copy of the folder log"));
    }
    json_decref(answer);
    return outcome;
}

static int heads(struct invocation *invocation)
{
    const char *of = option_text(invocation, "of");
    json_t *answer = NULL, *request = json_pack("{s:s, s:b}", "do", "audit", "heads", 1);
    int outcome;

    if (of != NULL) {
        (void)json_object_set_new(request, "of", json_string(of));
    }
    outcome = ask(invocation, request, &answer);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_heads(stdout, answer, invocation->is_color);
    }
    json_decref(answer);
    return outcome;
}

static int list(struct invocation *invocation)
{
    const char *since = option_text(invocation, "since"), *action = option_text(invocation, "action"), *auditor = option_text(invocation, "auditor");
    json_t *answer = NULL, *request;
    uint64_t limit = LIMIT_DEFAULT, since_ms = 0;
    int outcome;

    if (!option_number(invocation, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit)) {
        return OUTCOME_USAGE;
    }
    if (since != NULL && !since_read(since, &since_ms)) {
        return fail_because(invocation, ERR_USAGE, _("--since is not understood"), NULL, _("give a day, 2026-11-20, a time, 2026-11-20T10:30, or so long ago: 90m, 12h, 3d"));
    }
    request = json_pack("{s:s, s:I, s:I, s:b}", "do", "audit", "since", (json_int_t)since_ms, "limit", (json_int_t)limit, "open",
                        option_given(invocation, "open") && auditor == NULL);
    if (action != NULL) {
        (void)json_object_set_new(request, "action", json_string(action));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (auditor != NULL) {
        outcome = audit_key_open(invocation, auditor, json_object_get(answer, "rows"));
    }
    if (outcome == OUTCOME_DONE && invocation->is_json) {
        outcome = output_json(answer);
    } else if (outcome == OUTCOME_DONE) {
        render_audit(stdout, answer, invocation->is_color);
    }
    json_decref(answer);
    return outcome;
}

static int run_audit(struct invocation *invocation)
{
    if (option_given(invocation, "verify")) {
        return verify(invocation);
    }
    return option_given(invocation, "heads") ? heads(invocation) : list(invocation);
}

static const struct option_row options[] = {
    {"verify", 0, NULL, N_("check that nothing in the trail was changed, put in, taken out or cut off"), COMPLETES_NOTHING},
    {"against", 0, "FILE", N_("with --verify: compare with what another node remembers (its griot audit --heads --json)"), COMPLETES_FILE},
    {"heads", 0, NULL, N_("list what this node remembers of every node's trail"), COMPLETES_NOTHING},
    {"of", 0, "NODE", N_("with --heads: only of this node"), COMPLETES_NOTHING},
    {"since", 's', "TIME", N_("only rows since a day or time, or so long ago: 2026-11-20, 12h, 3d"), COMPLETES_NOTHING},
    {"action", 'a', "NAME", N_("only rows of one action: search, show, record, import, backup, admit and others"), COMPLETES_NOTHING},
    {"limit", 'n', "N", N_("the newest so many rows, 1 to 1000; default 50"), COMPLETES_NOTHING},
    {"open", 'o', NULL, N_("show what was typed, where this node's keys open it; leaves a row of its own"), COMPLETES_NOTHING},
    {"auditor", 0, "FOLDER", N_("show what was typed, with the auditor's key in this folder"), COMPLETES_FOLDER},
    {"key-file", 0, "FILE", N_("with --auditor: what opens that folder; default: a passphrase"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot audit --since 3d", N_("who did what in the last three days")},
    {"griot audit --action search --open", N_("who searched for what")},
    {"griot audit --verify", N_("is the trail whole")},
    {"griot audit --verify --against dakar-heads.json", N_("also by what another node remembers of it")},
    {NULL, NULL},
};
static const struct command *const subcommands[] = {&command_audit_key, NULL};

const struct command command_audit = {
    .name = "audit",
    .usage = "[--verify] [--since TIME] [--action NAME] [--limit N] [--open]",
    .summary = N_("show who did what at this node, and whether that trail is whole"),
    .details = N_("Every entry, import, search, export, backup, admission and suspension leaves a row, as does showing a record that is nominal or not for everybody: who, when, what to, and how it "
                  "ended; never what a record says. Each row holds the hash of the row before it, and every frontier that this node signs names the last row: whoever changes the trail, or cuts "
                  "off its end, is contradicted by what all other nodes remember. They show it as AUDIT-BACK.\n\n"
                  "What was typed into a search is kept sealed: for the auditor whose key stands in griot.ini, else for this node itself.\n\n"
                  "It also works while the node is stopped. Exit code 1 of --verify means that a fault was found."),
    .options = options,
    .examples = examples,
    .subcommands = subcommands,
    .run = run_audit,
};

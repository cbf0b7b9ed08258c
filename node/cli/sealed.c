/* sealed.c - griot sealed: what is held here and cannot be read, and the proof. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <string.h>

enum { NAMES_BYTES = 1024, NAMES_SHOWN_MAX = 12, AUDIENCE_COLUMNS = 40 };

static void on_progress(void *arg, const json_t *object)
{
    const struct invocation *invocation = arg;
    char number[TEXT_NUMBER_BYTES];
    uint64_t commits = 0;

    if (reply_number(object, "commits", &commits)) {
        progress(invocation, (uint32_t)(commits / 10000), _("%s commits looked at"), text_count(number, commits));
    }
}

/* "readable", "not entitled" ..., translated. */
static const char *state_text(const char *state)
{
    return strcmp(state, "readable") == 0       ? _("readable here")
           : strcmp(state, "not entitled") == 0 ? _("not for this node")
           : strcmp(state, "no key yet") == 0   ? _("no key yet")
           : strcmp(state, "key lost") == 0     ? _("its key was lost here")
           : strcmp(state, "damaged") == 0      ? _("damaged by its author")
                                                : state;
}

/* "gm, sn + tg": those who were given the key later. */
static void put_granted(char *ret, size_t cap, const json_t *granted)
{
    char names[NAMES_BYTES];
    size_t n = strlen(ret);

    if (json_array_size(granted) > 0) {
        (void)snprintf(ret + n, cap - n, " + %s", reply_names(names, sizeof names, granted, NAMES_SHOWN_MAX));
    }
}

void render_sealed(FILE *to, const json_t *answer, bool is_color)
{
    const json_t *unreadable = json_object_get(answer, "unreadable"), *readable = json_object_get(answer, "readable"), *row;
    struct table *table = table_new(is_color);
    char a[TEXT_NUMBER_BYTES], b[TEXT_NUMBER_BYTES], c[TEXT_NUMBER_BYTES];
    uint64_t entries = 0, bytes = 0, opened = 0, left = 0;
    size_t i;

    (void)reply_number(unreadable, "entries", &entries);
    (void)reply_number(unreadable, "bytes", &bytes);
    (void)reply_number(unreadable, "opened", &opened);
    (void)fprintf(to, ngettext("%s sealed entry is held here for others and cannot be read here (%s)", "%s sealed entries are held here for others and cannot be read here (%s)",
                               (unsigned long)entries),
                  text_count(a, entries), text_bytes(b, bytes));
    (void)fputc('\n', to);
    (void)fprintf(to, _("  proof: each of the %s encryption keys of this node was tried on each of %s wrapped keys; %s opened"), reply_count(a, answer, "encryption_keys"),
                  reply_count(b, unreadable, "wraps"), text_count(c, opened));
    (void)fputc('\n', to);
    (void)reply_number(readable, "entries", &entries);
    (void)fprintf(to, ngettext("%s sealed entry can be read here", "%s sealed entries can be read here", (unsigned long)entries), text_count(a, entries));
    (void)fputc('\n', to);
    table_column(table, _("AUTHOR"), false);
    table_column(table, _("ENTRIES"), true);
    table_column(table, _("SIZE"), true);
    table_column(table, _("FOR"), false);
    table_column(table, _("HERE"), false);
    table_column(table, _("ALSO HELD BY"), false);
    json_array_foreach(json_object_get(answer, "keys"), i, row)
    {
        char names[NAMES_BYTES], cut[NAMES_BYTES];
        bool is_readable = strcmp(reply_string(row, "state"), "readable") == 0;
        (void)reply_number(row, "bytes", &bytes);
        table_cell(table, PAINT_NONE, reply_string(row, "author"));
        table_cell(table, PAINT_NONE, reply_count(a, row, "entries"));
        table_cell(table, PAINT_NONE, text_bytes(b, bytes));
        text_cut(cut, sizeof cut, reply_names(names, sizeof names, json_object_get(row, "audience"), NAMES_SHOWN_MAX), AUDIENCE_COLUMNS);
        put_granted(cut, sizeof cut, json_object_get(row, "granted"));
        table_cell(table, PAINT_NONE, cut);
        table_cell(table, is_readable ? PAINT_GOOD : PAINT_FAINT, state_text(reply_string(row, "state")));
        table_cell(table, PAINT_NONE, reply_names(names, sizeof names, json_object_get(row, "held_by"), NAMES_SHOWN_MAX));
    }
    table_print(table, to, "  ");
    table_destroy(&table);
    if (reply_number(answer, "keys_left_out", &left) && left > 0) {
        (void)fprintf(to, ngettext("and %s key more; all are counted above", "and %s keys more; all are counted above", (unsigned long)left), text_count(a, left));
        (void)fputc('\n', to);
    }
}

static int run_sealed(struct invocation *invocation)
{
    struct client *client = NULL;
    json_t *answer = NULL;
    int outcome = ask_open(invocation, &client);

    if (outcome == OUTCOME_DONE) {
        outcome = ask_client(invocation, client, json_pack("{s:s}", "do", "sealed"), on_progress, invocation, &answer);
        progress_end(invocation);
    }
    if (outcome == OUTCOME_DONE) {
        if (invocation->is_json) {
            outcome = output_json(answer);
        } else {
            render_sealed(stdout, answer, invocation->is_color);
        }
    }
    client_close(&client);
    json_decref(answer);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot sealed", N_("what this node passes on and cannot read, by author")},
    {NULL, NULL},
};

const struct command command_sealed = {
    .name = "sealed",
    .usage = "",
    .summary = N_("show what is held here sealed, and prove that it cannot be read here"),
    .details = N_("By author and key: how many entries, how large, for whom. The proof: every encryption key that this node has ever had is tried on every wrapped key that it holds, "
                  "also on those for others; none opens. Also held by: nodes that have said in a signed frontier that they hold the log so far."),
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_sealed,
};

/* peers.c - griot peers: one line a peer, problems last, where the eye is after a long list. */
#include "node/cli/reply.h"
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"

#include <stdlib.h>
#include <string.h>

enum { PEERS_SHOWN_MAX = 1024 };

static int by_rank(const void *a, const void *b)
{
    const json_t *x = *(const json_t *const *)a;
    const json_t *y = *(const json_t *const *)b;
    int difference = state_rank(reply_string(x, "state")) - state_rank(reply_string(y, "state"));

    return difference != 0 ? difference : strcmp(reply_string(x, "name"), reply_string(y, "name"));
}

static void cell_count(struct table *table, const json_t *peer, const char *key, bool is_fresh)
{
    char number[TEXT_NUMBER_BYTES + 4];
    uint64_t count = 0;
    bool is_known = reply_number(peer, key, &count);

    (void)reply_count(number, peer, key);
    if (is_known && !is_fresh) {
        strcat(number, "?"); /* as last reported */
    }
    table_cell(table, !is_known ? PAINT_FAINT : count == 0 ? PAINT_NONE : PAINT_WARN, number);
}

static void cell_bytes(struct table *table, const json_t *peer)
{
    char text[2 * TEXT_NUMBER_BYTES + 4];
    char out[TEXT_NUMBER_BYTES];
    char in[TEXT_NUMBER_BYTES];
    uint64_t number = 0;

    (void)snprintf(text, sizeof text, "%s / %s", reply_number(peer, "bytes_out", &number) ? text_bytes(out, number) : "–",
                   reply_number(peer, "bytes_in", &number) ? text_bytes(in, number) : "–");
    table_cell(table, PAINT_NONE, text);
}

static void cell_note(struct table *table, const json_t *peer)
{
    char note[320];
    const char *error = reply_string(peer, "error");

    if (error[0] != '\0') {
        (void)snprintf(note, sizeof note, "%s: %s", reply_string(peer, "address"), _(error));
    } else {
        (void)snprintf(note, sizeof note, "%s", reply_string(peer, "address"));
    }
    table_cell(table, error[0] != '\0' ? PAINT_BAD : PAINT_FAINT, note);
}

size_t render_peers(FILE *to, const json_t *answer, const char *only, bool is_color)
{
    const json_t *list = json_object_get(answer, "peers");
    const json_t *sorted[PEERS_SHOWN_MAX];
    struct table *table = table_new(is_color);
    size_t count = 0;
    size_t i;
    const json_t *peer;
    char text[TEXT_NUMBER_BYTES];
    char seen[256];

    json_array_foreach(list, i, peer)
    {
        if (count < PEERS_SHOWN_MAX && (only == NULL || strcmp(reply_string(peer, "name"), only) == 0)) {
            sorted[count++] = peer;
        }
    }
    qsort(sorted, count, sizeof sorted[0], by_rank);
    table_column(table, _("PEER"), false);
    table_column(table, _("ROLE"), false);
    table_column(table, _("STATE"), false);
    table_column(table, _("HEARD"), true);
    table_column(table, _("RTT"), true);
    table_column(table, _("THEY LACK"), true);
    table_column(table, _("WE LACK"), true);
    table_column(table, _("OUT / IN"), true);
    table_column(table, _("NOTE"), false);
    for (i = 0; i < count; i++) {
        uint64_t rtt = 0;
        const char *state = reply_string(sorted[i], "state");
        bool is_fresh = state_rank(state) <= state_rank("catching up");
        table_cell(table, PAINT_NONE, reply_string(sorted[i], "name"));
        table_cell(table, PAINT_NONE, role_word(reply_string(sorted[i], "role")));
        table_cell(table, state_paint(state), state_word(state));
        table_cell(table, PAINT_NONE, reply_age(text, sorted[i], "heard_ms"));
        if (reply_number(sorted[i], "rtt_ms", &rtt)) {
            (void)snprintf(text, sizeof text, "%llu ms", (unsigned long long)rtt);
        } else {
            strcpy(text, "–");
        }
        table_cell(table, PAINT_NONE, text);
        cell_count(table, sorted[i], "they_miss", is_fresh);
        cell_count(table, sorted[i], "we_miss", is_fresh);
        cell_bytes(table, sorted[i]);
        cell_note(table, sorted[i]);
    }
    table_print(table, to, "");
    table_destroy(&table);
    if (count > 0) {
        (void)fprintf(to,
                      ngettext("%zu peer, %s · ? = as last reported", "%zu peers, problems last, %s · ? = as last reported", (unsigned long)count),
                      count, reply_seen(seen, sizeof seen, answer));
        (void)fputc('\n', to);
    }
    return count;
}

static bool has_peer(const json_t *answer, const char *only)
{
    size_t i;
    const json_t *peer;

    json_array_foreach(json_object_get(answer, "peers"), i, peer)
    {
        if (only == NULL || strcmp(reply_string(peer, "name"), only) == 0) {
            return true;
        }
    }
    return false;
}

/* Leave in the answer only the peer that was asked for. */
static void keep_one(json_t *answer, const char *only)
{
    json_t *peers = json_object_get(answer, "peers");

    for (size_t i = json_array_size(peers); i > 0; i--) {
        if (strcmp(reply_string(json_array_get(peers, i - 1), "name"), only) != 0) {
            (void)json_array_remove(peers, i - 1);
        }
    }
}

static int run_peers(struct invocation *invocation)
{
    const char *only = invocation->operand_count > 0 ? invocation->operands[0] : NULL;
    json_t *answer = NULL;
    int outcome = ask(invocation, json_pack("{s:s}", "do", "peers"), &answer);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (only != NULL && !has_peer(answer, only)) {
        outcome = fail_because(invocation, ERR_NOT_FOUND, _("no peer has this name"), only, _("griot peers lists all peers"));
        json_decref(answer);
        return outcome;
    }
    if (invocation->is_json) {
        if (only != NULL) {
            keep_one(answer, only);
        }
        outcome = output_json(answer);
    } else if (render_peers(stdout, answer, only, invocation->is_color) == 0) {
        tell(invocation, "%s", _("no peer is known yet; griot join brings the region's list of nodes"));
        outcome = OUTCOME_NOTHING;
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot peers", N_("every peer: heard when, what it lacks, what we lack")},
    {"griot peers rilo-dakar", N_("one of them")},
    {NULL, NULL},
};

const struct command command_peers = {
    .name = "peers",
    .usage = "[NAME]",
    .summary = N_("show how far each peer is"),
    .details = N_(
        "States: current; catching up (moving); behind (not moving); silent (not heard for long); blocked (refused); paused; unknown (never heard)."),
    .examples = examples,
    .operands_max = 1,
    .run = run_peers,
};

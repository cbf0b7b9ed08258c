/* join.c - griot join: take in what a region file says. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/region_file.h"

#include <stdlib.h>

enum { REQUEST_NOTICE_BYTES_MAX = 400000 /* as hex, with room, within one frame of client.h */ };

/* One request holds as many notices as fit a frame; `*at` moves on. NULL when memory runs out. */
static json_t *request_next(const struct region_file *region, size_t *at)
{
    json_t *request = json_pack("{s:s, s:[]}", "do", "join", "notices");
    json_t *notices = json_object_get(request, "notices");
    char *hex = malloc(2 * NOTICE_BYTES_MAX + 1);
    size_t bytes = 0;

    while (request != NULL && hex != NULL && *at < region->count && bytes + region->notices[*at].n <= REQUEST_NOTICE_BYTES_MAX) {
        struct span notice = region->notices[*at];

        (void)json_array_append_new(notices, json_string(hex_encode(notice.p, notice.n, hex)));
        bytes += notice.n;
        (*at)++;
    }
    if (hex == NULL) {
        json_decref(request);
        request = NULL;
    }
    free(hex);
    return request;
}

static int join_print(const struct invocation *invocation, const json_t *answer)
{
    const json_t *hubs = json_object_get(answer, "hubs");
    const json_t *hub;
    uint64_t roster = 0;
    size_t i;

    if (invocation->is_json) {
        return output_json(answer);
    }
    if (json_is_true(json_object_get(answer, "member"))) {
        (void)printf(_("%s is a member of the region\n"), reply_node(answer));
    } else if (!reply_number(answer, "roster", &roster) || roster == 0) {
        (void)printf(_("%s knows the region's charter, but no roster yet\n"), reply_node(answer));
        tell(invocation, _("Join again with the region file that the root has completed: griot root roster."));
    } else {
        (void)printf(_("%s is not a member yet\n"), reply_node(answer));
        tell(invocation, _("Send its card to two hubs: griot card, then griot admit CARD there. It is let in as soon as both have done so."));
    }
    json_array_foreach(hubs, i, hub)
    {
        (void)printf("%-20s %s\n", reply_string(hub, "name"), reply_string(hub, "address"));
    }
    return OUTCOME_DONE;
}

static int run_join(struct invocation *invocation)
{
    struct region_file region;
    const char *clause = NULL;
    json_t *answer = NULL;
    struct client *client = NULL;
    size_t at = 0;
    int outcome;
    enum err err = region_file_read(invocation->operands[0], &region, &clause);

    if (err != ERR_OK) {
        char what[512];

        (void)snprintf(what, sizeof what, _("%s is not taken as a region file"), invocation->operands[0]);
        return fail_because(invocation, err, what, clause, NULL);
    }
    outcome = ask_open(invocation, &client);
    while (outcome == OUTCOME_DONE && at < region.count) {
        json_t *request = request_next(&region, &at);

        json_decref(answer);
        answer = NULL;
        outcome = request == NULL ? fail(invocation, ERR_MEMORY, "%s", _("the region file cannot be sent to the node")) : ask_client(invocation, client, request, NULL, NULL, &answer);
    }
    if (client != NULL) {
        client_close(&client);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = join_print(invocation, answer);
    }
    json_decref(answer);
    region_file_fini(&region);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot join region -H /var/lib/griot/tg", N_("take in the roster and the hubs' addresses")},
    {NULL, NULL},
};

const struct command command_join = {
    .name = "join",
    .usage = "FILE",
    .summary = N_("take in a region file: who is in, and where the hubs are"),
    .details = N_("FILE is the region file that the root wrote. Everything in it is signed and is checked; what is known already changes nothing. Says whether this node is a member "
                  "yet, and names the hubs that it will dial."),
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FILE,
    .run = run_join,
};

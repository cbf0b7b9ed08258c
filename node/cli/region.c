/* region.c - griot region: what this node knows of who is in, as a file to carry. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/region_file.h"

#include <stdlib.h>

/* One more notice, from hex. The first is the charter: notices come in the order of their kinds. */
static enum err notice_take(struct region_file *region, const json_t *hex, const char **why)
{
    size_t n = json_string_length(hex) / 2;
    uint8_t *bytes = n > 0 ? malloc(n) : NULL;
    enum err err = bytes == NULL ? ERR_MEMORY : hex_decode(json_string_value(hex), bytes, n) ? ERR_OK : ERR_MALFORMED;

    if (err == ERR_OK) {
        err = region->count == 0 ? region_file_new(span_of(bytes, n), region, why) : region_file_put(region, span_of(bytes, n), why);
    }
    free(bytes);
    return err;
}

/* Part by part: one answer holds only so much. */
static int region_fetch(const struct invocation *invocation, struct client *client, struct region_file *region)
{
    json_int_t after = 0;

    for (;;) {
        json_t *answer = NULL;
        const json_t *hex, *next;
        const char *why = NULL;
        enum err err = ERR_OK;
        size_t i;
        int outcome = ask_client(invocation, client, json_pack("{s:s, s:I}", "do", "region", "after", after), NULL, NULL, &answer);

        if (outcome != OUTCOME_DONE) {
            return outcome;
        }
        json_array_foreach(json_object_get(answer, "notices"), i, hex)
        {
            if (err == ERR_OK) {
                err = notice_take(region, hex, &why);
            }
        }
        next = json_object_get(answer, "next");
        after = json_is_integer(next) && json_integer_value(next) > after ? json_integer_value(next) : 0;
        json_decref(answer);
        if (err != ERR_OK) {
            return fail_because(invocation, err, _("the region file was not made"), why, NULL);
        }
        if (after == 0) {
            return region->count > 0 ? OUTCOME_DONE
                                     : fail_because(invocation, ERR_NOT_FOUND, _("the region file was not made"), _("this node knows nothing of its region yet"), _("griot join FILE"));
        }
    }
}

static int region_print(const struct invocation *invocation, const struct region_file *region, const char *path)
{
    char hex[2 * sizeof region->id.b + 1];
    json_t *answer;
    int outcome;

    (void)hex_encode(region->id.b, sizeof region->id.b, hex);
    if (!invocation->is_json) {
        tell(invocation, _("What this node knows of the region is in %s. It holds nothing secret: griot join takes it, and griot root propose --region."), path);
        return OUTCOME_DONE;
    }
    answer = output_new("griot.region-file/1", NULL);
    (void)json_object_set_new(answer, "file", json_string(path));
    (void)json_object_set_new(answer, "region", json_string(hex));
    (void)json_object_set_new(answer, "notices", json_integer((json_int_t)region->count));
    outcome = output_json(answer);
    json_decref(answer);
    return outcome;
}

static int run_region(struct invocation *invocation)
{
    const char *path = option_text(invocation, "out");
    struct region_file region = {0};
    struct client *client = NULL;
    int outcome;
    enum err err;

    if (path == NULL) {
        return fail_because(invocation, ERR_USAGE, _("where is the region file to be written?"), NULL, _("add --out FILE"));
    }
    outcome = ask_open(invocation, &client);
    if (outcome == OUTCOME_DONE) {
        outcome = region_fetch(invocation, client, &region);
        client_close(&client);
    }
    if (outcome == OUTCOME_DONE) {
        err = region_file_write(&region, path);
        outcome = err == ERR_OK ? region_print(invocation, &region, path) : fail(invocation, err, _("the region file was not written to %s"), path);
    }
    region_file_fini(&region);
    return outcome;
}

static const struct option_row options[] = {
    {"out", 'o', "FILE", N_("write the region file to FILE"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot region -H /var/lib/griot/dakar --out region", N_("for the root's next roster, or for an office that was away for long")},
    {NULL, NULL},
};

const struct command command_region = {
    .name = "region",
    .usage = "--out FILE",
    .summary = N_("write a region file: rosters, acts of registrars and cards, as this node knows them"),
    .details = N_("At a hub, before the root signs a roster: it brings the holders of the root keys what hubs have done since the last one, admissions to confirm and suspensions to decide. "
                  "Everything in it is signed; whoever takes it checks it."),
    .options = options,
    .examples = examples,
    .run = run_region,
};

/* rotate.c - griot rotate: new transport and encryption keys, announced before they are used. */
#include "node/cli/ask.h"
#include "node/cli/explain_home.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/home.h"
#include "node/region_file.h"
#include "node/writer.h"

#include <stdlib.h>
#include <time.h>

static void day_of(struct wall_ms wall, char ret[32])
{
    time_t seconds = (time_t)(wall.ms / 1000);
    struct tm utc;

    if (gmtime_r(&seconds, &utc) == NULL || strftime(ret, 32, "%Y-%m-%d", &utc) == 0) {
        (void)snprintf(ret, 32, "?");
    }
}

static int rotate_print(const struct invocation *invocation, const struct home *home, bool is_published)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    char print[FINGERPRINT_CHARS], until[32];
    struct out out = out_into(bytes, sizeof bytes);
    struct card card;
    const char *clause = NULL;
    enum err err = home_card_current(home, &out);

    if (err == ERR_OK) {
        err = card_open(out_written(&out), &card, print, &clause);
    }
    if (err != ERR_OK) {
        return fail_because(invocation, err, _("the card of this node cannot be read"), clause, _("griot card --renew signs a new one"));
    }
    day_of((struct wall_ms){home->rotated.ms + ROTATION_OVERLAP_MS}, until);
    if (invocation->is_json) {
        json_t *object = output_new("griot.rotate/1", home->name);
        int outcome;

        (void)json_object_set_new(object, "counter", json_integer((json_int_t)card.counter));
        (void)json_object_set_new(object, "fingerprint", json_string(print));
        (void)json_object_set_new(object, "until", json_string(until));
        (void)json_object_set_new(object, "published", json_boolean(is_published));
        outcome = output_json(object);
        json_decref(object);
        return outcome;
    }
    (void)printf(_("%s has new transport and encryption keys\n"), home->name);
    tell(invocation, _("fingerprint of %s: %s"), card.name, print);
    tell(invocation, _("The old transport key serves until %s; the first start after that day takes the new one."), until);
    return OUTCOME_DONE;
}

static int rotate(const struct invocation *invocation, struct home *home)
{
    json_t *answer = NULL;
    char until[32];
    bool is_published = false;
    int outcome;
    enum err err = home_unlock(home, NULL);

    if (err != ERR_OK) {
        return explain_home(invocation, err, &home->fault);
    }
    err = home_rotate(home, wall_now());
    if (err == ERR_EXISTS) {
        char why[160];

        day_of((struct wall_ms){home->rotated.ms + ROTATION_OVERLAP_MS}, until);
        (void)snprintf(why, sizeof why, _("the last rotation is under way until %s"), until);
        return fail_because(invocation, err, _("the keys were not changed"), why,
                            home_rotation_is_over(home, wall_now()) ? _("start the node again: it then takes the new key, and you may rotate again") : _("wait until then; a stolen key is a matter of griot suspend"));
    }
    if (err != ERR_OK) {
        return fail(invocation, err, "%s", _("the keys were not changed"));
    }
    outcome = ask(invocation, json_pack("{s:s}", "do", "publish"), &answer);
    is_published = outcome == OUTCOME_DONE && json_is_true(json_object_get(answer, "published"));
    json_decref(answer);
    return outcome != OUTCOME_DONE ? outcome : rotate_print(invocation, home, is_published);
}

static int run_rotate(struct invocation *invocation)
{
    struct home *home = calloc(1, sizeof *home);
    int outcome;
    enum err err = home == NULL ? ERR_MEMORY : home_open(invocation->home, home);

    if (home == NULL) {
        return fail(invocation, err, "%s", _("the keys were not changed"));
    }
    if (err != ERR_OK) {
        outcome = explain_home(invocation, err, &home->fault);
        free(home);
        return outcome;
    }
    outcome = rotate(invocation, home);
    home_fini(home);
    free(home);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot rotate -H /var/lib/griot/dakar", N_("once a month")},
    {NULL, NULL},
};

const struct command command_rotate = {
    .name = "rotate",
    .summary = N_("make new transport and encryption keys"),
    .details = N_("Signs and publishes a card with the new keys, also while the node runs. For 30 days the node goes on using its old transport key, and every node that has the new card accepts "
                  "both: an office that was away for up to 30 days still gets in, and hears of the new key then. The first start after that takes the new key and removes the old one. Old "
                  "encryption keys are kept: they open what was sealed for them.\n\n"
                  "The identity key stays: only the root replaces it."),
    .usage = "",
    .examples = examples,
    .run = run_rotate,
};

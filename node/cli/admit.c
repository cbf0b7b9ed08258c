/* admit.c - griot admit: a hub takes part in letting a node in. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/region_file.h"

#include <string.h>

enum { NAMES_MAX = 8 };

static int admit_print(const struct invocation *invocation, const json_t *answer)
{
    const char *state = reply_string(answer, "state");
    const char *name = reply_string(answer, "name");
    char by[512];

    (void)reply_names(by, sizeof by, json_object_get(answer, "by"), NAMES_MAX);
    if (invocation->is_json) {
        return output_json(answer);
    }
    if (strcmp(state, "proposed") == 0) {
        (void)printf(_("%s is proposed by %s\n"), name, by);
        tell(invocation, _("A second hub must run: griot admit CARD"));
    } else if (strcmp(state, "admitted") == 0) {
        (void)printf(_("%s is admitted by %s\n"), name, by);
        tell(invocation, _("Send it the region file (griot root, or the file you joined with): griot join FILE at its home."));
    } else {
        (void)printf(_("%s is a member already\n"), name);
    }
    return OUTCOME_DONE;
}

static int run_admit(struct invocation *invocation)
{
    const char *expected = option_text(invocation, "fingerprint");
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    char print[FINGERPRINT_CHARS], hex[2 * CARD_NOTICE_BYTES_MAX + 1], what[512];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct card card;
    json_t *answer = NULL;
    int outcome;
    enum err err = card_file_read(invocation->operands[0], &out, &card, print, &clause);

    if (err != ERR_OK) {
        (void)snprintf(what, sizeof what, _("%s is not taken as a card"), invocation->operands[0]);
        return fail_because(invocation, err, what, clause, NULL);
    }
    if (expected != NULL && strcmp(expected, print) != 0) {
        (void)snprintf(what, sizeof what, _("the card has the fingerprint %s, not the one given"), print);
        return fail_because(invocation, ERR_BADHASH, what, NULL, _("do not admit it: ask the office for its card again, and how it came to you"));
    }
    tell(invocation, _("card of %s, fingerprint %s"), card.name, print);
    (void)hex_encode(bytes, out.at, hex);
    outcome = ask(invocation, json_pack("{s:s, s:s}", "do", "admit", "card", hex), &answer);
    if (outcome == OUTCOME_DONE) {
        outcome = admit_print(invocation, answer);
        json_decref(answer);
    }
    return outcome;
}

static const struct option_row options[] = {
    {"fingerprint", 'f', "PRINT", N_("refuse the card unless this is its fingerprint"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot admit tg.card -H /var/lib/griot/dakar", N_("at the first hub proposes, at the second completes")},
    {NULL, NULL},
};

const struct command command_admit = {
    .name = "admit",
    .usage = "CARD [--fingerprint PRINT]",
    .summary = N_("let a node into the region; two hubs must do so"),
    .details = N_("Run it at the home of a hub. Compare the fingerprint with the office by voice first. The admission is a signed act that every node sees, and it holds until a "
                  "roster lists the node; only the root makes a hub. Repeating it changes nothing."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FILE,
    .run = run_admit,
};

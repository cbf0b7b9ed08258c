/* root_propose.c - griot root propose, show, combine: a roster that is carried to those who sign it, and back. */
#include "node/cli/root.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MISSING_BYTES_MAX = 1024 };

static int proposal_answer(const struct invocation *invocation, const struct proposal *proposal)
{
    json_t *answer;
    int outcome;

    if (!invocation->is_json) {
        enum err err = root_show(proposal, stdout);

        return err == ERR_OK ? OUTCOME_DONE : fail(invocation, err, "%s", _("the proposal cannot be shown"));
    }
    answer = root_show_json(proposal, "griot.proposal/1");
    outcome = answer == NULL ? fail(invocation, ERR_MEMORY, "%s", _("the proposal cannot be shown")) : output_json(answer);
    json_decref(answer);
    return outcome;
}

/* ---- propose ---- */

static int propose(const struct invocation *invocation, const struct root_request *request, const char *path)
{
    struct proposal proposal;
    const char *why = NULL;
    enum err err = root_propose(invocation->operands[0], option_text(invocation, "region"), &request->plan, &proposal, &why);
    int outcome;

    if (err != ERR_OK) {
        return fail_because(invocation, err, _("no proposal was made"), why != NULL ? _(why) : NULL, NULL);
    }
    err = access(path, F_OK) == 0 ? ERR_EXISTS : proposal_write(&proposal, path);
    if (err == ERR_EXISTS) {
        outcome = fail_because(invocation, err, _("no proposal was made"), _("something is there already: perhaps a proposal that somebody has signed"), _("name a new file with --out"));
    } else if (err != ERR_OK) {
        outcome = fail(invocation, err, _("the proposal was not written to %s"), path);
    } else {
        outcome = proposal_answer(invocation, &proposal);
        tell(invocation, _("Next: each holder of a root key gets %s and runs  griot root sign %s --key FOLDER --out FILE;  then  griot root combine %s %s FILE ..."), path, path,
             invocation->operands[0], path);
    }
    proposal_fini(&proposal);
    return outcome;
}

static int run_propose(struct invocation *invocation)
{
    const char *path = option_text(invocation, "out");
    struct root_request *request = NULL;
    int outcome;

    if (path == NULL) {
        return fail_because(invocation, ERR_USAGE, _("where is the proposal to be written?"), NULL, _("add --out FILE"));
    }
    outcome = root_request_read(invocation, &request);
    if (outcome == OUTCOME_DONE) {
        outcome = propose(invocation, request, path);
    }
    root_request_free(&request);
    return outcome;
}

/* ---- show ---- */

static int proposal_open(const struct invocation *invocation, const char *path, struct proposal *ret)
{
    const char *why = NULL;
    enum err err = proposal_read(path, ret, &why);
    char what[512];

    if (err == ERR_OK) {
        return OUTCOME_DONE;
    }
    (void)snprintf(what, sizeof what, _("%s is not taken as a proposal"), path);
    return fail_because(invocation, err, what, why != NULL ? _(why) : NULL, NULL);
}

static int run_show(struct invocation *invocation)
{
    struct proposal proposal;
    int outcome = proposal_open(invocation, invocation->operands[0], &proposal);

    if (outcome == OUTCOME_DONE) {
        outcome = proposal_answer(invocation, &proposal);
        proposal_fini(&proposal);
    }
    return outcome;
}

/* ---- combine ---- */

static int combined_answer(const struct invocation *invocation, const struct root_signed *made)
{
    json_t *answer;
    int outcome;

    if (!invocation->is_json) {
        (void)printf(_("Roster %llu: %u members, %u new, signed by %u root keys.\n"), (unsigned long long)made->number, made->members, made->added, made->signatures);
        tell(invocation, _("Give %s/region to every office: griot join region -H HOME. It holds nothing secret."), invocation->operands[0]);
        return OUTCOME_DONE;
    }
    answer = output_new("griot.roster/1", NULL);
    (void)json_object_set_new(answer, "roster", json_integer((json_int_t)made->number));
    (void)json_object_set_new(answer, "fingerprint", json_string(made->fingerprint));
    (void)json_object_set_new(answer, "members", json_integer(made->members));
    (void)json_object_set_new(answer, "added", json_integer(made->added));
    (void)json_object_set_new(answer, "removed", json_integer(made->removed));
    (void)json_object_set_new(answer, "lifted", json_integer(made->lifted));
    (void)json_object_set_new(answer, "signatures", json_integer(made->signatures));
    outcome = output_json(answer);
    json_decref(answer);
    return outcome;
}

static int explain_combine(const struct invocation *invocation, enum err err, const struct proposal *proposal, const struct root_signed *made, size_t bad, const char *why)
{
    char what[512], missing[MISSING_BYTES_MAX];

    root_show_missing(proposal, made, missing, sizeof missing);
    if (made->is_short) {
        return fail_because(invocation, err, _("the roster is not complete yet"), missing, _("carry the proposal to them: griot root sign; then run this again with all signatures"));
    }
    (void)snprintf(what, sizeof what, _("%s is not taken as a signature"), bad == SIZE_MAX ? "" : invocation->operands[2 + bad]);
    if (bad == SIZE_MAX) {
        (void)snprintf(what, sizeof what, "%s", _("no roster was made"));
    }
    return fail_because(invocation, err, what, why != NULL ? _(why) : NULL, NULL);
}

static int combine(const struct invocation *invocation, const struct proposal *proposal)
{
    struct root_signature *signatures = calloc(invocation->operand_count, sizeof *signatures);
    size_t count = invocation->operand_count - 2, bad = SIZE_MAX;
    struct root_signed made;
    const char *why = NULL;
    int outcome = signatures == NULL ? fail(invocation, ERR_MEMORY, "%s", _("no roster was made")) : OUTCOME_DONE;
    enum err err;

    for (size_t i = 0; i < count && outcome == OUTCOME_DONE; i++) {
        const char *path = invocation->operands[2 + i];

        err = root_signature_read(path, &signatures[i], &why);
        if (err != ERR_OK) {
            char what[512];

            (void)snprintf(what, sizeof what, _("%s is not taken as a signature"), path);
            outcome = fail_because(invocation, err, what, why != NULL ? _(why) : NULL, NULL);
        }
    }
    if (outcome == OUTCOME_DONE) {
        err = root_combine(invocation->operands[0], proposal, signatures, count, &made, &bad, &why);
        outcome = err == ERR_OK ? combined_answer(invocation, &made) : explain_combine(invocation, err, proposal, &made, bad, why);
    }
    free(signatures);
    return outcome;
}

static int run_combine(struct invocation *invocation)
{
    struct proposal proposal;
    int outcome = proposal_open(invocation, invocation->operands[1], &proposal);

    if (outcome == OUTCOME_DONE) {
        outcome = combine(invocation, &proposal);
        proposal_fini(&proposal);
    }
    return outcome;
}

/* ---- table ---- */

static const struct option_row propose_options[] = {
    {"out", 'o', "FILE", N_("write the proposal to FILE"), COMPLETES_FILE},
    ROOT_PLAN_OPTIONS,
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row propose_examples[] = {
    {"griot root propose /media/root --region region --out roster-2.proposal", N_("confirm whom two hubs have admitted")},
    {"griot root propose /media/root --from-cards cards --out roster-1.proposal", N_("the first roster, of all cards of a folder")},
    {"griot root propose /media/root --identity sn.card --out roster-3.proposal", N_("sn has a new identity key; what the old one signs from now on counts nowhere")},
    {"griot root propose /media/root --new-key public --drop-key 2 --out roster-4.proposal", N_("another person holds root key 2 from now on")},
    {NULL, NULL},
};
const struct command command_root_propose = {
    .name = "propose",
    .usage = "DIR [CARD ...] --out FILE [--region FILE] [--from-cards FOLDER] [--remove NAME] [--lift NAME] [--extend NODE=FILE] [--identity CARD] [--new-key FILE] [--drop-key N] [--threshold K]",
    .summary = N_("make the next roster, unsigned, to be carried to those who sign it"),
    .details = N_("The members of the last roster stay; whom two hubs have admitted since, and the cards, are added. DIR is read and not changed. The proposal can be shown and signed "
                  "without DIR: it brings all that it stands on.\n\n"
                  "--region takes in what a hub knows, so that the roster confirms its admissions and speaks of its suspensions. When the region holds two rosters of one number, the "
                  "proposal names both and settles it."),
    .options = propose_options,
    .examples = propose_examples,
    .operands_min = 1,
    .operands_max = UINT32_MAX,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_propose,
};

static const struct example_row show_examples[] = {
    {"griot root show roster-2.proposal", N_("what it changes, and the fingerprint to compare by telephone")},
    {NULL, NULL},
};
const struct command command_root_show = {
    .name = "show",
    .usage = "PROPOSAL",
    .summary = N_("say what a proposed roster changes"),
    .details = N_("Compares it with the last roster that it follows, whose signatures are checked. Everything in which they differ is shown, whatever its maker says. The fingerprint stands for "
                  "the whole roster: who has compared it by telephone signs the same."),
    .examples = show_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_HOMELESS,
    .run = run_show,
};

static const struct example_row combine_examples[] = {
    {"griot root combine /media/root roster-2.proposal 1.signature 3.signature 4.signature", N_("three of five have signed: the roster is made")},
    {NULL, NULL},
};
const struct command command_root_combine = {
    .name = "combine",
    .usage = "DIR PROPOSAL SIGNATURE ...",
    .summary = N_("make the roster of a proposal and its signatures"),
    .details = N_("Checks that enough of the root keys before, and of those of the new roster, have signed, and says who is still missing. Writes the roster, and what the proposal brings, "
                  "into DIR/region: give that to every office. DIR needs no key folder."),
    .examples = combine_examples,
    .operands_min = 2,
    .operands_max = UINT32_MAX,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_combine,
};

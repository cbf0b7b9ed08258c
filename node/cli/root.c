/* root.c - griot root: the ceremony. Founding a region and signing its rosters; offline, seldom, by several people. */
#include "node/cli/root.h"
#include "node/writer.h"

#include <string.h>

/* ---- root create ---- */

static int explain_create(const struct invocation *invocation, enum err err)
{
    const char *folder = invocation->operands[0];

    switch ((int)err) {
    case ERR_EXISTS:
        return fail_because(invocation, err, _("no region was founded"), _("the folder exists and is not empty"), _("name a new folder; a region's root keys are never overwritten"));
    case ERR_INVALID:
        return fail_because(invocation, err, _("no region was founded"), _("the name must be 1 to 32 of a-z, 0-9 and -, the threshold at most the number of keys, a passphrase 1 to 1024 bytes"),
                            _("correct it: griot root create --help"));
    case ERR_NOT_FOUND:
        return fail_because(invocation, err, _("no region was founded"), _("the parent folder, or the key file, does not exist"), _("make the folder first, or check --key-file"));
    case ERR_PASSPHRASE:
        return fail_because(invocation, err, _("no region was founded"), _("the two passphrases differed, or there is no terminal to ask on"),
                            _("run it on a terminal, or give --key-file FILE, or one passphrase a line on the descriptor that GRIOT_PASSPHRASE_FD names"));
    default:
        return fail(invocation, err, _("no region was founded in %s"), folder);
    }
}

static int run_create(struct invocation *invocation)
{
    const char *name = option_text(invocation, "name");
    struct root_unlocking unlocking = {.key_file = option_text(invocation, "key-file"), .is_new = true};
    struct root_plan plan = {.name = name != NULL ? name : "region", .now = wall_now()};
    char hex[2 * sizeof(struct region_id) + 1];
    struct region_id region;
    uint64_t threshold, keys;
    enum err err;

    if (!option_number(invocation, "keys", 1, CHARTER_KEYS_MAX, 5, &keys) || !option_number(invocation, "threshold", 1, CHARTER_KEYS_MAX, keys < 3 ? keys : 3, &threshold)) {
        return OUTCOME_USAGE;
    }
    plan.keys = (uint32_t)keys;
    plan.threshold = (uint32_t)threshold;
    err = root_create(invocation->operands[0], &plan, root_unlocking_give, &unlocking, &region);
    secret_destroy(&unlocking.now);
    if (err != ERR_OK) {
        return explain_create(invocation, err);
    }
    (void)hex_encode(region.b, sizeof region.b, hex);
    if (invocation->is_json) {
        json_t *answer = output_new("griot.root/1", NULL);
        int outcome;

        (void)json_object_set_new(answer, "region", json_string(hex));
        (void)json_object_set_new(answer, "name", json_string(plan.name));
        (void)json_object_set_new(answer, "keys", json_integer((json_int_t)keys));
        (void)json_object_set_new(answer, "threshold", json_integer((json_int_t)threshold));
        outcome = output_json(answer);
        json_decref(answer);
        return outcome;
    }
    (void)printf("%s\n", hex);
    tell(invocation, _("Region %s is founded: %u of %u root keys must sign. Give each folder %s/key-N to its holder and keep no copy."), plan.name, plan.threshold, plan.keys,
         invocation->operands[0]);
    tell(invocation, _("Next: each office runs  griot init NAME -H HOME --region %s/region  and sends its card;  then  griot root roster %s CARD ..."), invocation->operands[0],
         invocation->operands[0]);
    return OUTCOME_DONE;
}

/* ---- root roster ---- */

static int roster_answer(const struct invocation *invocation, const struct root_signed *made)
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

static int run_roster(struct invocation *invocation)
{
    struct root_unlocking unlocking = {.key_file = option_text(invocation, "key-file")};
    struct root_request *request = NULL;
    struct root_signed made;
    const char *why = NULL;
    int outcome = root_request_read(invocation, &request);
    enum err err;

    if (outcome == OUTCOME_DONE) {
        err = root_roster(invocation->operands[0], option_text(invocation, "region"), &request->plan, option_given(invocation, "again"), root_unlocking_give, &unlocking, &made, &why);
        secret_destroy(&unlocking.now);
        outcome = err == ERR_OK ? roster_answer(invocation, &made) : fail_because(invocation, err, _("no roster was signed"), why != NULL ? _(why) : NULL, NULL);
    }
    root_request_free(&request);
    return outcome;
}

/* ---- table ---- */

static const struct option_row create_options[] = {
    {"name", 'n', "NAME", N_("name of the region, a-z 0-9 and - (default: region)"), COMPLETES_NOTHING},
    {"keys", 'k', "N", N_("root keys to make, 1 to 15 (default 5)"), COMPLETES_NOTHING},
    {"threshold", 't', "K", N_("how many of them must sign (default 3)"), COMPLETES_NOTHING},
    {"key-file", 0, "FILE", N_("seal every root key with the key in FILE instead of a passphrase each"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row create_examples[] = {
    {"griot root create /media/root --name west-central", N_("found a region; asks for five passphrases")},
    {NULL, NULL},
};
static const struct command command_root_create = {
    .name = "create",
    .usage = "DIR [--name NAME] [--keys N] [--threshold K] [--key-file FILE]",
    .summary = N_("found a region: its charter and its root keys"),
    .details = N_("Makes DIR with the charter, one sealed folder key-1, key-2 ... for each root key, and the file region, which offices need to set up their nodes. Prints the region's "
                  "id: the fingerprint by which offices tell the true region file from another.\n\n"
                  "The ceremony: 1. griot root create, on a machine without network. 2. Each office runs griot init and brings its card. 3. griot root roster, with as many "
                  "key folders put back into DIR as must sign. 4. Each office runs griot join with DIR/region."),
    .options = create_options,
    .examples = create_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_create,
};

static const struct option_row roster_options[] = {
    ROOT_PLAN_OPTIONS,
    {"key-file", 0, "FILE", N_("the key that seals the root keys, instead of a passphrase each"), COMPLETES_FILE},
    {"again", 0, NULL, N_("sign although a key has signed another roster of that number, which everybody has given up"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row roster_examples[] = {
    {"griot root roster /media/root rilo-dakar.card rilo-douala.card sn.card", N_("the first roster, of three nodes")},
    {"griot root roster /media/root --from-cards cards", N_("all cards of a folder")},
    {"griot root roster /media/root --remove tg-lome", N_("that node has left: what of it is final counts, the rest does not")},
    {"griot root roster /media/root --extend tg-lome=tg.extension", N_("what that node wrote beyond its cut counts after all, as far as the file names it")},
    {"griot root roster /media/root --lift tg-lome", N_("the suspension was an error: all that the node wrote counts again")},
    {NULL, NULL},
};
static const struct command command_root_roster = {
    .name = "roster",
    .usage = "DIR [CARD ...] [--region FILE] [--from-cards FOLDER] [--remove NAME] [--lift NAME] [--extend NODE=FILE] [--identity CARD] [--key-file FILE]",
    .summary = N_("sign the next roster at one desk: who is in, with their cards"),
    .details = N_("The members of the last roster stay, those of the cards are added, and as many of the root keys as the threshold asks for sign it: their folders key-1, key-2 ... must be in "
                  "DIR. Prints the fingerprint of every card: compare each with the office it came from, by voice, before you type a passphrase. Holders who cannot meet sign each at his "
                  "own desk: griot root propose.\n\n"
                  "DIR/region then holds charter, rosters and cards. It holds nothing secret."),
    .options = roster_options,
    .examples = roster_examples,
    .operands_min = 1,
    .operands_max = UINT32_MAX,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_roster,
};

static const struct command *const subcommands[] = {&command_root_create, &command_root_roster,  &command_root_propose, &command_root_show,
                                                    &command_root_key,    &command_root_sign,    &command_root_combine, NULL};
static const struct example_row examples[] = {
    {"griot root create /media/root --name west-central", N_("found a region; asks for five passphrases")},
    {"griot root roster /media/root --from-cards cards", N_("sign who is in")},
    {NULL, NULL},
};

const struct command command_root = {
    .name = "root",
    .usage = "create|roster|propose|show|key|sign|combine ...",
    .summary = N_("the root's ceremony: found a region, sign its rosters"),
    .examples = examples,
    .subcommands = subcommands,
    .flags = COMMAND_HOMELESS,
};

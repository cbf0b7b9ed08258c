/* root.c - griot root: the ceremony. Founding a region and signing its rosters; offline, seldom, by several people. */
#include "node/cli/output.h"
#include "node/cli/text.h"
#include "node/passphrase.h"
#include "node/root.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- unlocking root keys ---- */

struct unlocking {
    const char *key_file; /* one key for all, or NULL: each holder's passphrase */
    bool is_new;
    struct secret *now;
};

static enum err unlock_key(void *arg, uint32_t number, struct unlock *ret)
{
    struct unlocking *unlocking = arg;
    char prompt[128], again[128];
    enum err err;

    secret_destroy(&unlocking->now);
    if (unlocking->key_file != NULL) {
        err = unlock_key_read(unlocking->key_file, &unlocking->now);
        *ret = (struct unlock){.key = unlocking->now};
        return err;
    }
    (void)snprintf(prompt, sizeof prompt, unlocking->is_new ? _("New passphrase for root key %u") : _("Passphrase of root key %u"), number);
    (void)snprintf(again, sizeof again, _("Root key %u once more"), number);
    err = passphrase_ask(prompt, unlocking->is_new ? again : NULL, &unlocking->now);
    *ret = (struct unlock){.passphrase = unlocking->now};
    return err == ERR_NOT_FOUND ? ERR_PASSPHRASE : err;
}

static struct wall_ms wall(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall_ms){(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000};
}

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
    struct unlocking unlocking = {.key_file = option_text(invocation, "key-file"), .is_new = true};
    struct root_plan plan = {.name = name != NULL ? name : "region", .now = wall()};
    char hex[2 * sizeof(struct region_id) + 1];
    struct region_id region;
    uint64_t threshold, keys;
    enum err err;

    if (!option_number(invocation, "keys", 1, CHARTER_KEYS_MAX, 5, &keys) || !option_number(invocation, "threshold", 1, CHARTER_KEYS_MAX, keys < 3 ? keys : 3, &threshold)) {
        return OUTCOME_USAGE;
    }
    plan.keys = (uint32_t)keys;
    plan.threshold = (uint32_t)threshold;
    err = root_create(invocation->operands[0], &plan, unlock_key, &unlocking, &region);
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

struct cards { /* files read so far */
    size_t count;
    struct span *notices;
    uint8_t *bytes; /* CARD_NOTICE_BYTES_MAX each */
};

static int cards_add(const struct invocation *invocation, struct cards *cards, const char *path)
{
    char print[FINGERPRINT_CHARS];
    const char *clause = NULL;
    struct card card;
    struct out out;
    enum err err;

    if (cards->count == MEMBERS_MAX) {
        return fail(invocation, ERR_LIMIT, _("more than %d cards"), MEMBERS_MAX);
    }
    out = out_into(cards->bytes + cards->count * CARD_NOTICE_BYTES_MAX, CARD_NOTICE_BYTES_MAX);
    err = card_file_read(path, &out, &card, print, &clause);
    if (err != ERR_OK) {
        char what[512];

        (void)snprintf(what, sizeof what, _("%s is not taken as a card"), path);
        return fail_because(invocation, err, what, clause, NULL);
    }
    tell(invocation, "%-20s %s", card.name, print);
    cards->notices[cards->count++] = out_written(&out);
    return OUTCOME_DONE;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int is_card(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 5, ".card") == 0;
}

static int cards_add_folder(const struct invocation *invocation, struct cards *cards, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_card, by_name);
    int outcome = OUTCOME_DONE;

    if (count < 0) {
        return fail(invocation, errno == EACCES ? ERR_PERMISSION : ERR_NOT_FOUND, _("the folder %s cannot be read"), folder);
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];

        if (outcome == OUTCOME_DONE) {
            outcome = (size_t)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < sizeof path
                          ? cards_add(invocation, cards, path)
                          : fail(invocation, ERR_INVALID, _("the path is too long: %s"), folder);
        }
        free(entries[i]);
    }
    free(entries);
    return outcome;
}

static int cards_gather(const struct invocation *invocation, struct cards *cards)
{
    const char *folder = option_text(invocation, "from-cards");
    const char *path;
    int outcome = OUTCOME_DONE;

    cards->notices = calloc(MEMBERS_MAX, sizeof *cards->notices);
    cards->bytes = calloc(MEMBERS_MAX, CARD_NOTICE_BYTES_MAX);
    if (cards->notices == NULL || cards->bytes == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("the cards cannot be read"));
    }
    for (uint32_t i = 1; i < invocation->operand_count && outcome == OUTCOME_DONE; i++) {
        outcome = cards_add(invocation, cards, invocation->operands[i]);
    }
    for (uint32_t i = 0; outcome == OUTCOME_DONE && (path = option_nth(invocation, "member", i)) != NULL; i++) {
        outcome = cards_add(invocation, cards, path);
    }
    if (outcome == OUTCOME_DONE && folder != NULL) {
        outcome = cards_add_folder(invocation, cards, folder);
    }
    return outcome;
}

static bool profile_read(const struct invocation *invocation, bool *ret_has, enum profile *ret)
{
    static const char *const names[] = {"open", "sandbox", "metered"};
    const char *text = option_text(invocation, "profile");

    *ret_has = text != NULL;
    *ret = PROFILE_OPEN;
    for (int i = PROFILE_OPEN; text != NULL && i <= PROFILE_METERED; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum profile)i;
            return true;
        }
    }
    return text == NULL;
}

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
    (void)json_object_set_new(answer, "members", json_integer(made->members));
    (void)json_object_set_new(answer, "added", json_integer(made->added));
    (void)json_object_set_new(answer, "removed", json_integer(made->removed));
    (void)json_object_set_new(answer, "lifted", json_integer(made->lifted));
    (void)json_object_set_new(answer, "signatures", json_integer(made->signatures));
    outcome = output_json(answer);
    json_decref(answer);
    return outcome;
}

/* All values of a repeatable option, NULL-ended. */
static void names_read(const struct invocation *invocation, const char *option, const char *ret[INVOCATION_OPTIONS_MAX + 1])
{
    for (uint32_t i = 0; i <= INVOCATION_OPTIONS_MAX; i++) {
        ret[i] = i < INVOCATION_OPTIONS_MAX ? option_nth(invocation, option, i) : NULL;
        if (ret[i] == NULL) {
            return;
        }
    }
}

static int run_roster(struct invocation *invocation)
{
    const char *removed[INVOCATION_OPTIONS_MAX + 1], *lifted[INVOCATION_OPTIONS_MAX + 1];
    struct root_changes changes = {removed, lifted};
    struct unlocking unlocking = {.key_file = option_text(invocation, "key-file")};
    struct cards cards = {0};
    struct root_signed made;
    enum profile profile;
    const char *why = NULL;
    bool has_profile;
    int outcome;
    enum err err;

    if (!profile_read(invocation, &has_profile, &profile)) {
        return fail_because(invocation, ERR_USAGE, _("no such profile"), _("it is open, sandbox or metered"), NULL);
    }
    names_read(invocation, "remove", removed);
    names_read(invocation, "lift", lifted);
    outcome = cards_gather(invocation, &cards);
    if (outcome == OUTCOME_DONE) {
        err = root_sign_roster(invocation->operands[0], cards.notices, cards.count, &changes, has_profile, profile, wall(), unlock_key, &unlocking, &made, &why);
        secret_destroy(&unlocking.now);
        outcome = err == ERR_OK ? roster_answer(invocation, &made) : fail_because(invocation, err, _("no roster was signed"), why != NULL ? _(why) : NULL, NULL);
    }
    free(cards.notices);
    free(cards.bytes);
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
    {"member", 'm', "CARD", N_("a card file of a member, like a further operand; repeatable"), COMPLETES_FILE},
    {"from-cards", 0, "FOLDER", N_("take all files *.card of FOLDER"), COMPLETES_FOLDER},
    {"remove", 0, "NAME", N_("leave this member out, and cut its logs; repeatable"), COMPLETES_NOTHING},
    {"lift", 0, "NAME", N_("end the suspension of this member; repeatable"), COMPLETES_NOTHING},
    {"profile", 0, "PROFILE", N_("timings of the region: open, sandbox or metered"), COMPLETES_NOTHING},
    {"key-file", 0, "FILE", N_("the key that seals the root keys, instead of a passphrase each"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row roster_examples[] = {
    {"griot root roster /media/root rilo-dakar.card rilo-douala.card sn.card", N_("the first roster, of three nodes")},
    {"griot root roster /media/root --from-cards cards", N_("all cards of a folder")},
    {"griot root roster /media/root --remove tg-lome", N_("that node has left: what of it is final counts, the rest does not")},
    {"griot root roster /media/root --lift tg-lome", N_("the suspension was an error: all that the node wrote counts again")},
    {NULL, NULL},
};
static const struct command command_root_roster = {
    .name = "roster",
    .usage = "DIR [CARD ...] [--from-cards FOLDER] [--remove NAME] [--lift NAME] [--profile PROFILE] [--key-file FILE]",
    .summary = N_("sign the next roster: who is in, with their cards"),
    .details = N_("The members of the last roster stay, those of the cards are added, and as many of the root keys as the threshold asks for sign it: their folders key-1, key-2 ... must be in "
                  "DIR. Prints the fingerprint of every card: compare each with the office it came from, by voice, before you type a passphrase.\n\n"
                  "DIR/region then holds charter, rosters and cards. It holds nothing secret."),
    .options = roster_options,
    .examples = roster_examples,
    .operands_min = 1,
    .operands_max = UINT32_MAX,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_roster,
};

static const struct command *const subcommands[] = {&command_root_create, &command_root_roster, NULL};
static const struct example_row examples[] = {
    {"griot root create /media/root --name west-central", N_("found a region; asks for five passphrases")},
    {"griot root roster /media/root --from-cards cards", N_("sign who is in")},
    {NULL, NULL},
};

const struct command command_root = {
    .name = "root",
    .usage = "create|roster ...",
    .summary = N_("the root's ceremony: found a region, sign its rosters"),
    .examples = examples,
    .subcommands = subcommands,
    .flags = COMMAND_HOMELESS,
};

/* root_sign.c - griot root key, sign: one holder at his own desk, with nothing but his key folder. */
#include "node/cli/root.h"
#include "node/file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- key ---- */

static int explain_key(const struct invocation *invocation, enum err err)
{
    switch ((int)err) {
    case ERR_EXISTS:
        return fail_because(invocation, err, _("no root key was made"), _("the folder exists and is not empty"), _("name a new folder; a root key is never overwritten"));
    case ERR_NOT_FOUND:
        return fail_because(invocation, err, _("no root key was made"), _("the parent folder, or the key file, does not exist"), _("make the folder first, or check --key-file"));
    case ERR_PASSPHRASE:
        return fail_because(invocation, err, _("no root key was made"), _("the two passphrases differed, or there is no terminal to ask on"),
                            _("run it on a terminal, or give --key-file FILE, or one passphrase a line on the descriptor that GRIOT_PASSPHRASE_FD names"));
    default:
        return fail(invocation, err, _("no root key was made in %s"), invocation->operands[0]);
    }
}

static int key_answer(const struct invocation *invocation, const struct sign_public *key)
{
    char print[FINGERPRINT_CHARS], hex[2 * sizeof key->b + 1];
    json_t *answer;
    int outcome;

    root_key_print(key, print);
    if (!invocation->is_json) {
        (void)printf("%s\n", print);
        tell(invocation, _("Give %s/public to whoever proposes the next roster, and read the fingerprint out by voice. The folder stays with you; keep no copy."), invocation->operands[0]);
        return OUTCOME_DONE;
    }
    answer = output_new("griot.root-key/1", NULL);
    (void)json_object_set_new(answer, "fingerprint", json_string(print));
    (void)json_object_set_new(answer, "key", json_string(hex_encode(key->b, sizeof key->b, hex)));
    outcome = output_json(answer);
    json_decref(answer);
    return outcome;
}

static int run_key(struct invocation *invocation)
{
    const char *path = option_text(invocation, "region"), *why = NULL;
    struct root_unlocking unlocking = {.key_file = option_text(invocation, "key-file"), .is_new = true};
    struct region_file region = {0};
    struct sign_public key;
    struct unlock unlock = {0};
    enum err err;

    if (path != NULL) {
        err = region_file_read(path, &region, &why);
        if (err != ERR_OK) {
            char what[512];

            (void)snprintf(what, sizeof what, _("%s is not taken as a region file"), path);
            return fail_because(invocation, err, what, why != NULL ? _(why) : NULL, NULL);
        }
    }
    err = crypto_start();
    if (err == ERR_OK) {
        err = root_unlocking_give(&unlocking, 0, &unlock);
    }
    if (err == ERR_OK) {
        err = root_key_create(invocation->operands[0], &unlock, path != NULL ? &region.id : NULL, &key);
    }
    secret_destroy(&unlocking.now);
    region_file_fini(&region);
    return err == ERR_OK ? key_answer(invocation, &key) : explain_key(invocation, err);
}

/* ---- sign ---- */

static int proposal_open(const struct invocation *invocation, struct proposal *ret)
{
    const char *path = invocation->operands[0], *own = option_text(invocation, "region"), *why = NULL;
    struct region_file region = {0};
    char what[512];
    enum err err = proposal_read(path, ret, &why);
    bool is_read = err == ERR_OK;

    (void)snprintf(what, sizeof what, _("%s is not taken as a proposal"), path);
    if (is_read && own != NULL) {
        err = region_file_read(own, &region, &why);
        if (err != ERR_OK) {
            (void)snprintf(what, sizeof what, _("%s is not taken as a region file"), own);
        } else {
            err = proposal_follows(ret, &region, &why);
        }
        region_file_fini(&region);
    }
    if (err == ERR_OK) {
        return OUTCOME_DONE;
    }
    if (is_read) {
        proposal_fini(ret);
    }
    return fail_because(invocation, err, what, why != NULL ? _(why) : NULL, NULL);
}

/* Has whoever sits here read it? */
static int is_agreed(const struct invocation *invocation, bool *ret)
{
    char answer[64] = "";

    *ret = option_given(invocation, "yes");
    if (*ret) {
        return OUTCOME_DONE;
    }
    if (invocation->is_json || isatty(STDIN_FILENO) != 1) {
        return fail_because(invocation, ERR_USAGE, _("nothing was signed"), _("there is nobody to ask"), _("run it on a terminal, or add --yes when the fingerprint has been compared"));
    }
    (void)fprintf(stderr, _("Sign it? Type %s: "), _("yes"));
    if (fgets(answer, sizeof answer, stdin) != NULL) {
        answer[strcspn(answer, "\r\n")] = '\0';
        *ret = strcmp(answer, "yes") == 0 || strcmp(answer, _("yes")) == 0;
    }
    return *ret ? OUTCOME_DONE : fail_because(invocation, ERR_USAGE, _("nothing was signed"), _("it was not agreed to"), _("run it again when it is"));
}

/* The same signature may be written again, over itself. */
static enum err signature_write(const char *path, const char *text)
{
    uint8_t *held = NULL;
    size_t n = 0;
    enum err err = file_write(path, span_text(text), 0644, false);

    if (err == ERR_EXISTS && file_read(path, ROOT_TEXT_BYTES_MAX, &held, &n) == ERR_OK && span_equal(span_of(held, n), span_text(text))) {
        err = ERR_OK;
    }
    free(held);
    return err;
}

static int sign_answer(const struct invocation *invocation, const struct proposal *proposal, const struct root_signature *signature, const char *path)
{
    char print[FINGERPRINT_CHARS];
    json_t *answer;
    int outcome;

    root_key_print(&signature->key, print);
    if (!invocation->is_json) {
        tell(invocation, _("Signed. Carry %s back to whoever combines: griot root combine"), path);
        return OUTCOME_DONE;
    }
    answer = root_show_json(proposal, "griot.root-signature/1");
    if (answer == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("the proposal cannot be shown"));
    }
    (void)json_object_set_new(answer, "key", json_string(print));
    outcome = output_json(answer);
    json_decref(answer);
    return outcome;
}

static int sign(const struct invocation *invocation, const struct proposal *proposal, struct root_key *key, const char *path)
{
    char text[ROOT_TEXT_BYTES_MAX], what[512];
    struct span body = span_of(proposal->body, proposal->body_bytes);
    struct root_signature signature;
    const char *why = NULL;
    enum err err = ERR_OK;

    if (proposal_key_number(proposal, &key->public) == UINT32_MAX) {
        why = N_("the key in that folder is no root key of this region, neither before nor after this roster");
        err = ERR_UNKNOWN_KEY;
    }
    if (err == ERR_OK) {
        err = root_key_sign(key, &proposal->region.id, proposal->roster.number, body, option_given(invocation, "again"), &signature, &why);
    }
    if (err == ERR_OK) {
        err = root_key_remember(key, &signature);
    }
    if (err != ERR_OK) {
        return fail_because(invocation, err, _("nothing was signed"), why != NULL ? _(why) : NULL, NULL);
    }
    (void)root_signature_encode(&signature, text);
    err = signature_write(path, text);
    if (err != ERR_OK) {
        (void)snprintf(what, sizeof what, _("the signature was not written to %s"), path);
        return fail_because(invocation, err, what, err == ERR_EXISTS ? _("something is there already") : NULL, err == ERR_EXISTS ? _("name a new file with --out") : NULL);
    }
    return sign_answer(invocation, proposal, &signature, path);
}

static int key_open(const struct invocation *invocation, struct root_key *ret)
{
    struct root_unlocking unlocking = {.key_file = option_text(invocation, "key-file")};
    struct unlock unlock = {0};
    enum err err = crypto_start();

    if (err == ERR_OK) {
        err = root_unlocking_give(&unlocking, 0, &unlock);
    }
    if (err == ERR_OK) {
        err = root_key_open(option_text(invocation, "key"), &unlock, ret);
    }
    secret_destroy(&unlocking.now);
    return err == ERR_OK ? OUTCOME_DONE : fail(invocation, err, _("the root key in %s was not opened"), option_text(invocation, "key"));
}

static int run_sign(struct invocation *invocation)
{
    const char *path = option_text(invocation, "out");
    struct proposal proposal;
    struct root_key key = {0};
    bool is_yes = false;
    enum err err = ERR_OK;
    int outcome;

    if (path == NULL || option_text(invocation, "key") == NULL) {
        return fail_because(invocation, ERR_USAGE, _("with which key, and where is the signature to be written?"), NULL, _("add --key FOLDER --out FILE"));
    }
    outcome = proposal_open(invocation, &proposal);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (!invocation->is_json) {
        err = root_show(&proposal, stdout);
        (void)fflush(stdout);
    }
    outcome = err == ERR_OK ? is_agreed(invocation, &is_yes) : fail(invocation, err, "%s", _("the proposal cannot be shown"));
    if (outcome == OUTCOME_DONE) {
        outcome = key_open(invocation, &key);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = sign(invocation, &proposal, &key, path);
    }
    root_key_close(&key);
    proposal_fini(&proposal);
    return outcome;
}

/* ---- table ---- */

static const struct option_row key_options[] = {
    {"region", 'r', "FILE", N_("sign for the region of this file only; else for that of the first roster it signs"), COMPLETES_FILE},
    {"key-file", 0, "FILE", N_("seal the root key with the key in FILE instead of a passphrase"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row key_examples[] = {
    {"griot root key /media/usb/root-key --region region", N_("at the desk of a new holder")},
    {NULL, NULL},
};
const struct command command_root_key = {
    .name = "key",
    .usage = "FOLDER [--region FILE] [--key-file FILE]",
    .summary = N_("make a root key for a new holder"),
    .details = N_("Makes FOLDER with a sealed root key and the text file public, and prints the fingerprint of the key. The key counts when a roster names it: griot root propose --new-key."),
    .options = key_options,
    .examples = key_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_key,
};

static const struct option_row sign_options[] = {
    {"key", 'k', "FOLDER", N_("the folder of the root key"), COMPLETES_FOLDER},
    {"out", 'o', "FILE", N_("write the signature to FILE"), COMPLETES_FILE},
    {"region", 'r', "FILE", N_("the region file as you know it: the proposal must follow its last roster"), COMPLETES_FILE},
    {"key-file", 0, "FILE", N_("the key that seals the root key, instead of a passphrase"), COMPLETES_FILE},
    {"yes", 'y', NULL, N_("do not ask"), COMPLETES_NOTHING},
    {"again", 0, NULL, N_("sign although this key has signed another roster of that number, which everybody has given up"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row sign_examples[] = {
    {"griot root sign roster-2.proposal --key /media/usb/key-3 --region region --out 3.signature", N_("shows what changes, asks, signs")},
    {NULL, NULL},
};
const struct command command_root_sign = {
    .name = "sign",
    .usage = "PROPOSAL --key FOLDER --out FILE [--region FILE] [--key-file FILE] [--yes] [--again]",
    .summary = N_("sign a proposed roster with one root key"),
    .details = N_("Shows the proposal as griot root show does and asks before it signs. The key folder remembers what it has signed: it signs no second roster of one number, for two would "
                  "divide the region, and no roster of another region."),
    .options = sign_options,
    .examples = sign_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_sign,
};

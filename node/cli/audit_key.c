/* audit_key.c - griot audit key: a key pair for the auditor, whose public half goes into griot.ini. */
#include "node/cli/audit_key.h"

#include "crypto/hash.h"
#include "crypto/keyfile.h"
#include "crypto/letter.h"
#include "crypto/sign.h"
#include "node/cli/output.h"
#include "node/passphrase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_NAME "auditor"

/* What opens the folder: a key file, or a passphrase. */
static enum err unlock_get(const struct invocation *invocation, bool is_new, struct secret **ret_secret, struct unlock *ret)
{
    const char *key_file = option_text(invocation, "key-file");
    enum err err = crypto_start();

    if (err == ERR_OK && key_file != NULL) {
        err = unlock_key_read(key_file, ret_secret);
        *ret = (struct unlock){.key = *ret_secret};
    } else if (err == ERR_OK) {
        err = passphrase_ask(is_new ? _("New passphrase for the auditor's key") : _("Passphrase of the auditor's key"), is_new ? _("The auditor's passphrase once more") : NULL, ret_secret);
        err = err == ERR_NOT_FOUND ? ERR_PASSPHRASE : err;
        *ret = (struct unlock){.passphrase = *ret_secret};
    }
    return err;
}

/* ---- making it ---- */

static enum err make(const char *folder, const struct unlock *unlock, struct box_public *ret)
{
    struct keyring *keyring = NULL;
    struct secret *secret = NULL;
    enum err err = keyring_create(folder, unlock, &keyring);

    if (err == ERR_OK) {
        err = box_keypair(ret, &secret);
    }
    if (err == ERR_OK) {
        err = keyring_put(keyring, KEY_NAME, secret, false);
    }
    secret_destroy(&secret);
    keyring_destroy(&keyring);
    return err;
}

static int run_key(struct invocation *invocation)
{
    struct box_public public;
    struct secret *secret = NULL;
    struct unlock unlock = {0};
    char hex[2 * sizeof public.b + 1];
    enum err err = unlock_get(invocation, true, &secret, &unlock);

    if (err == ERR_OK) {
        err = make(invocation->operands[0], &unlock, &public);
    }
    secret_destroy(&secret);
    if (err == ERR_EXISTS) {
        return fail_because(invocation, err, _("no key was made"), _("the folder holds keys already"), _("name a new folder; a key is never overwritten"));
    }
    if (err != ERR_OK) {
        return fail(invocation, err, _("no key was made in %s"), invocation->operands[0]);
    }
    hex_encode(public.b, sizeof public.b, hex);
    if (invocation->is_json) {
        json_t *answer = output_new("griot.audit-key/1", NULL);
        (void)json_object_set_new(answer, "public", json_string(hex));
        int outcome = output_json(answer);
        json_decref(answer);
        return outcome;
    }
    (void)printf("[audit]\nauditor = %s\n", hex);
    tell(invocation, "%s", _("Put these lines into griot.ini of the nodes to be audited, and keep the folder where no node is."));
    return OUTCOME_DONE;
}

static const struct option_row options[] = {
    {"key-file", 0, "FILE", N_("seal the folder with this key; default: a passphrase"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot audit key /media/stick/auditor", N_("on the auditor's own machine")},
    {NULL, NULL},
};
const struct command command_audit_key = {
    .name = "key",
    .usage = "FOLDER [--key-file FILE]",
    .summary = N_("make the auditor's key, which opens what was searched for"),
    .details = N_("Prints the lines for griot.ini. From the next start of a node on, what is typed into searches there is sealed for this key: whoever runs the node can then no longer read it, and the "
                  "auditor can: griot audit --auditor FOLDER."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_HOMELESS,
    .run = run_key,
};

/* ---- opening with it ---- */

static void open_row(json_t *row, const struct secret *secret)
{
    const char *hex = json_string_value(json_object_get(row, "sealed"));
    uint8_t letter[LETTER_BYTES_MAX], text[LETTER_TEXT_BYTES_MAX];
    size_t n = hex != NULL ? strlen(hex) / 2 : 0, text_bytes = 0;

    if (n > 0 && n <= sizeof letter && hex_decode(hex, letter, n) && letter_open(secret, span_of(letter, n), text, &text_bytes) == ERR_OK) {
        json_t *typed = json_stringn((const char *)text, text_bytes);
        (void)json_object_set_new(row, "typed", typed != NULL ? typed : json_null());
    }
}

int audit_key_open(const struct invocation *invocation, const char *folder, json_t *rows)
{
    struct keyring *keyring = NULL;
    struct secret *unlocking = NULL, *secret = NULL;
    struct unlock unlock = {0};
    size_t i;
    json_t *row;
    enum err err = unlock_get(invocation, false, &unlocking, &unlock);

    if (err == ERR_OK) {
        err = keyring_open(folder, &unlock, &keyring);
    }
    if (err == ERR_OK) {
        err = keyring_get(keyring, KEY_NAME, &secret);
    }
    if (err == ERR_OK) {
        json_array_foreach(rows, i, row)
        {
            open_row(row, secret);
        }
    }
    secret_destroy(&secret);
    secret_destroy(&unlocking);
    keyring_destroy(&keyring);
    return err == ERR_OK ? OUTCOME_DONE : fail(invocation, err, _("the auditor's key in %s cannot be used"), folder);
}

/* card.c - griot card: what a node says of itself, for those who admit it. */
#include "node/cli/explain_home.h"
#include "node/cli/output.h"
#include "node/file.h"
#include "node/home.h"
#include "node/region_file.h"
#include "node/restore.h"
#include "node/service.h"

#include <stdlib.h>
#include <string.h>

static json_t *card_json(const struct card *card, const char *print, struct span notice)
{
    char hex[2 * CARD_NOTICE_BYTES_MAX + 1];
    json_t *object = output_new("griot.card/1", card->name);
    json_t *addresses = json_array();

    for (uint32_t i = 0; i < card->address_count; i++) {
        (void)json_array_append_new(addresses, json_string(card->addresses[i]));
    }
    (void)json_object_set_new(object, "name", json_string(card->name));
    (void)json_object_set_new(object, "node_id", json_string(hex_encode(card->node.b, sizeof card->node.b, hex)));
    (void)json_object_set_new(object, "role", json_string(role_name(card->role)));
    (void)json_object_set_new(object, "region", json_string(hex_encode(card->region.b, sizeof card->region.b, hex)));
    (void)json_object_set_new(object, "counter", json_integer((json_int_t)card->counter));
    (void)json_object_set_new(object, "fingerprint", json_string(print));
    (void)json_object_set_new(object, "addresses", addresses);
    (void)json_object_set_new(object, "card", json_string(hex_encode(notice.p, notice.n, hex)));
    return object;
}

/* `is_next`: the card of the identity key that waits for the root. */
static int card_show(const struct invocation *invocation, const struct home *home, bool is_next)
{
    const char *path = option_text(invocation, "out");
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    char text[CARD_TEXT_BYTES_MAX], print[FINGERPRINT_CHARS];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct card card;
    size_t n;
    enum err err = is_next ? home_identity_card(home, &out) : home_card_current(home, &out);

    if (err == ERR_OK) {
        err = card_open(out_written(&out), &card, print, &clause);
    }
    if (err != ERR_OK) {
        return fail_because(invocation, err, _("the card of this node cannot be read"), clause, _("griot card --renew signs a new one"));
    }
    n = card_text_encode(out_written(&out), text);
    if (path != NULL) {
        err = file_write(path, span_of(text, n), 0644, true);
        if (err != ERR_OK) {
            return fail(invocation, err, _("the card was not written to %s"), path);
        }
    }
    if (invocation->is_json) {
        json_t *object = card_json(&card, print, out_written(&out));
        int outcome = output_json(object);

        json_decref(object);
        return outcome;
    }
    if (path == NULL) {
        (void)fputs(text, stdout);
    }
    tell(invocation, _("fingerprint of %s: %s"), card.name, print);
    if (is_next) {
        tell(invocation, _("Read it by voice to the holders of the root keys: griot root propose --identity CARD. Until their roster is here the node goes on under the old key; then it takes "
                           "this one by itself. Export it to the safe then: griot card --export-identity."));
    } else {
        tell(invocation, _("Read it by voice to those who admit this node: griot admit CARD at two hubs, or griot root roster."));
    }
    return fflush(stdout) == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static int card_renew(const struct invocation *invocation, struct home *home)
{
    const char *addresses[ADDRESSES_MAX + 2] = {NULL};
    uint32_t count = 0;
    enum err err = home_unlock(home, NULL);

    if (err != ERR_OK) {
        return explain_home(invocation, err, &home->fault);
    }
    while (count <= ADDRESSES_MAX && (addresses[count] = option_nth(invocation, "address", count)) != NULL) {
        count++;
    }
    err = home_card_renew(home, count > 0 ? addresses : NULL, wall_now());
    if (err == ERR_INVALID) {
        return fail_because(invocation, err, _("no new card was signed"), _("an address must be tcp://HOST:PORT, and there are at most four"), NULL);
    }
    if (err != ERR_OK) {
        return fail(invocation, err, "%s", _("no new card was signed"));
    }
    tell(invocation, _("A new card is signed. A running node publishes it at its next start."));
    return OUTCOME_DONE;
}

/* The node goes on as it is: only the root gives it another identity key. */
static int identity_renew(const struct invocation *invocation, struct home *home)
{
    enum err err = home_unlock(home, NULL);

    if (err != ERR_OK) {
        return explain_home(invocation, err, &home->fault);
    }
    err = home_identity_make(home, wall_now());
    return err == ERR_OK ? OUTCOME_DONE : fail(invocation, err, "%s", _("no new identity key was made"));
}

/* The two keys that no backup holds, sealed as they are. */
static int identity_export(const struct invocation *invocation, const struct home *home, const char *path)
{
    enum err err = home_escrow(home, path);

    if (err == ERR_EXISTS) {
        return fail_because(invocation, err, _("the identity file was not written"), _("something is there already"), _("name a new file"));
    }
    if (err != ERR_OK) {
        return fail(invocation, err, _("the identity file was not written to %s"), path);
    }
    tell(invocation, _("The sealed identity of %s is in %s. Keep it apart from the backups, in a safe: with a backup and the passphrase or sealing key it is this node."),
         home->name, path);
    return OUTCOME_DONE;
}

static int run_card(struct invocation *invocation)
{
    struct home *home = calloc(1, sizeof *home);
    int outcome = OUTCOME_DONE;
    enum err err = home == NULL ? ERR_MEMORY : home_open(invocation->home, home);

    if (home == NULL) {
        return fail(invocation, err, "%s", _("the card cannot be shown"));
    }
    if (err != ERR_OK) {
        outcome = explain_home(invocation, err, &home->fault);
        free(home);
        return outcome;
    }
    if (option_text(invocation, "export-identity") != NULL) {
        outcome = identity_export(invocation, home, option_text(invocation, "export-identity"));
        home_fini(home);
        free(home);
        return outcome;
    }
    bool is_next = option_given(invocation, "new-identity");
    if (option_given(invocation, "renew") || option_given(invocation, "address")) {
        outcome = card_renew(invocation, home);
    }
    if (outcome == OUTCOME_DONE && is_next) {
        outcome = identity_renew(invocation, home);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = card_show(invocation, home, is_next);
    }
    home_fini(home);
    free(home);
    return outcome;
}

static const struct option_row options[] = {
    {"out", 'o', "FILE", N_("write the card to FILE instead of standard output"), COMPLETES_FILE},
    {"renew", 0, NULL, N_("sign a new card first, with a higher counter"), COMPLETES_NOTHING},
    {"address", 'a', "ADDRESS", N_("renew it with this address; repeatable"), COMPLETES_NOTHING},
    {"new-identity", 0, NULL, N_("make a new identity key and print its card, for the root to name"), COMPLETES_NOTHING},
    {"export-identity", 0, "FILE", N_("write the sealed identity, for griot restore, and no card"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot card -H /var/lib/griot/sn --out sn.card", N_("the file to send, and the fingerprint to read out")},
    {"griot card -H /var/lib/griot/sn --new-identity --out sn.card", N_("the identity key may be in wrong hands: the root is to name another")},
    {"griot card -H /var/lib/griot/sn --export-identity /media/safe/sn.identity", N_("once, for the safe: no backup holds it")},
    {NULL, NULL},
};

const struct command command_card = {
    .name = "card",
    .usage = "[--out FILE] [--renew] [--new-identity] [--address ADDRESS ...] | --export-identity FILE",
    .summary = N_("print this node's card and its fingerprint"),
    .details = N_("The card names the node, its public keys and its addresses, and is signed by the node. It holds nothing secret and may travel by mail. What makes it trustworthy is that "
                  "somebody compares the fingerprint by voice."),
    .options = options,
    .examples = examples,
    .run = run_card,
};

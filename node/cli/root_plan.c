/* root_plan.c - root keys opened, and the plan of a roster read off the command line. */
#include "node/cli/root.h"
#include "node/file.h"
#include "node/passphrase.h"
#include "node/writer.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening keys ---- */

enum err root_unlocking_give(void *arg, uint32_t number, struct unlock *ret)
{
    struct root_unlocking *unlocking = arg;
    char prompt[128], again[128];
    enum err err;

    secret_destroy(&unlocking->now);
    if (unlocking->key_file != NULL) {
        err = unlock_key_read(unlocking->key_file, &unlocking->now);
        *ret = (struct unlock){.key = unlocking->now};
        return err;
    }
    if (number == 0) {
        (void)snprintf(prompt, sizeof prompt, "%s", unlocking->is_new ? _("New passphrase for the root key") : _("Passphrase of the root key"));
        (void)snprintf(again, sizeof again, "%s", _("The root key once more"));
    } else {
        (void)snprintf(prompt, sizeof prompt, unlocking->is_new ? _("New passphrase for root key %u") : _("Passphrase of root key %u"), number);
        (void)snprintf(again, sizeof again, _("Root key %u once more"), number);
    }
    err = passphrase_ask(prompt, unlocking->is_new ? again : NULL, &unlocking->now);
    *ret = (struct unlock){.passphrase = unlocking->now};
    return err == ERR_NOT_FOUND ? ERR_PASSPHRASE : err;
}

/* ---- cards ---- */

enum { FILES_MAX = MEMBERS_MAX + INVOCATION_OPTIONS_MAX };

/* The card of a file, its notice kept with the request. */
static int card_read(const struct invocation *invocation, struct root_request *request, const char *path, struct span *ret)
{
    char print[FINGERPRINT_CHARS];
    const char *clause = NULL;
    struct card card;
    struct out out = out_into(request->bytes + request->file_count * CARD_NOTICE_BYTES_MAX, CARD_NOTICE_BYTES_MAX);
    enum err err = card_file_read(path, &out, &card, print, &clause);

    if (err != ERR_OK) {
        char what[512];

        (void)snprintf(what, sizeof what, _("%s is not taken as a card"), path);
        return fail_because(invocation, err, what, clause != NULL ? _(clause) : NULL, NULL);
    }
    tell(invocation, "%-20s %s", card.name, print);
    request->file_count++;
    *ret = out_written(&out);
    return OUTCOME_DONE;
}

static int card_add(const struct invocation *invocation, struct root_request *request, const char *path)
{
    int outcome = request->plan.card_count == MEMBERS_MAX ? fail(invocation, ERR_LIMIT, _("more than %d cards"), MEMBERS_MAX)
                                                          : card_read(invocation, request, path, &request->cards[request->plan.card_count]);

    request->plan.card_count += outcome == OUTCOME_DONE;
    return outcome;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int is_card(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 5, ".card") == 0;
}

static int cards_add_folder(const struct invocation *invocation, struct root_request *request, const char *folder)
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
                          ? card_add(invocation, request, path)
                          : fail(invocation, ERR_INVALID, _("the path is too long: %s"), folder);
        }
        free(entries[i]);
    }
    free(entries);
    return outcome;
}

static int cards_gather(const struct invocation *invocation, struct root_request *request)
{
    const char *folder = option_text(invocation, "from-cards"), *path;
    int outcome = OUTCOME_DONE;

    for (uint32_t i = 1; i < invocation->operand_count && outcome == OUTCOME_DONE; i++) {
        outcome = card_add(invocation, request, invocation->operands[i]);
    }
    for (uint32_t i = 0; outcome == OUTCOME_DONE && (path = option_nth(invocation, "member", i)) != NULL; i++) {
        outcome = card_add(invocation, request, path);
    }
    if (outcome == OUTCOME_DONE && folder != NULL) {
        outcome = cards_add_folder(invocation, request, folder);
    }
    for (uint32_t i = 0; outcome == OUTCOME_DONE && (path = option_nth(invocation, "identity", i)) != NULL; i++) {
        outcome = card_read(invocation, request, path, &request->identities[i]);
        request->plan.identity_count += outcome == OUTCOME_DONE;
    }
    return outcome;
}

/* ---- the rest ---- */

static int profile_read(const struct invocation *invocation, struct proposal_plan *plan)
{
    static const char *const names[] = {"open", "sandbox", "metered"};
    const char *text = option_text(invocation, "profile");

    plan->has_profile = text != NULL;
    plan->profile = PROFILE_OPEN;
    for (int i = PROFILE_OPEN; text != NULL && i <= PROFILE_METERED; i++) {
        if (strcmp(text, names[i]) == 0) {
            plan->profile = (enum profile)i;
            return OUTCOME_DONE;
        }
    }
    return text == NULL ? OUTCOME_DONE : fail_because(invocation, ERR_USAGE, _("no such profile"), _("it is open, sandbox or metered"), NULL);
}

/* All values of a repeatable option, NULL-ended. */
static void names_read(const struct invocation *invocation, const char *option, const char *ret[ROOT_NAMES_MAX])
{
    for (uint32_t i = 0; i < ROOT_NAMES_MAX; i++) {
        ret[i] = i + 1 < ROOT_NAMES_MAX ? option_nth(invocation, option, i) : NULL;
        if (ret[i] == NULL) {
            return;
        }
    }
}

static int keys_read(const struct invocation *invocation, struct root_request *request)
{
    struct proposal_plan *plan = &request->plan;
    const char *path, *text;

    for (uint32_t i = 0; (path = option_nth(invocation, "new-key", i)) != NULL; i++) {
        char print[FINGERPRINT_CHARS], what[512];
        const char *why = NULL;
        enum err err = i < CHARTER_KEYS_MAX ? root_key_read(path, &request->new_keys[i], &why) : ERR_LIMIT;

        if (err != ERR_OK) {
            (void)snprintf(what, sizeof what, _("%s is not taken as a root key"), path);
            return fail_because(invocation, err, what, why != NULL ? _(why) : NULL, NULL);
        }
        root_key_print(&request->new_keys[i], print);
        tell(invocation, "%-20s %s", _("new root key"), print);
        plan->new_key_count++;
    }
    for (uint32_t i = 0; (text = option_nth(invocation, "drop-key", i)) != NULL; i++) {
        char *end = NULL;
        unsigned long place = strtoul(text, &end, 10);

        if (*text < '1' || *text > '9' || *end != '\0' || place > CHARTER_KEYS_MAX) {
            return fail_because(invocation, ERR_USAGE, _("no such root key"), _("it is the place of a key in the last roster, 1 to 15"), _("griot root show says them"));
        }
        plan->dropped_keys |= 1u << (place - 1);
    }
    return OUTCOME_DONE;
}

/* NODE=FILE: the name is said, and not only read from the file, so that nobody lets another node's records count. */
static int extension_read(const struct invocation *invocation, const char *text, struct extension *ret)
{
    const char *path = strchr(text, '='), *clause = NULL;
    char print[FINGERPRINT_CHARS], what[512];
    struct unpack *unpack;
    uint8_t *bytes = NULL;
    size_t n = 0;
    enum err err;

    if (path == NULL) {
        return fail_because(invocation, ERR_USAGE, _("--extend wants a node and a file"), text, _("--extend NODE=FILE, a file of griot quarantine NODE --out FILE"));
    }
    unpack = unpack_new();
    err = unpack == NULL ? ERR_MEMORY : file_read(path + 1, EXTENSION_BYTES_MAX, &bytes, &n);
    if (err == ERR_OK) {
        err = extension_decode(unpack, span_of(bytes, n), ret, &clause);
    }
    if (err == ERR_OK && (strlen(ret->name) != (size_t)(path - text) || strncmp(ret->name, text, (size_t)(path - text)) != 0)) {
        err = ERR_INVALID;
        clause = N_("it is of another node than was named");
    }
    if (err == ERR_OK) {
        fingerprint(span_of(bytes, n), print);
        tell(invocation, "%-20s %s", ret->name, print);
    }
    unpack_destroy(&unpack);
    free(bytes);
    if (err == ERR_OK) {
        return OUTCOME_DONE;
    }
    (void)snprintf(what, sizeof what, _("%s is not taken as what a cut is extended by"), path + 1);
    return fail_because(invocation, err, what, clause != NULL ? _(clause) : NULL, NULL);
}

static int extensions_read(const struct invocation *invocation, struct root_request *request)
{
    const char *text;
    int outcome = OUTCOME_DONE;

    for (uint32_t i = 0; outcome == OUTCOME_DONE && (text = option_nth(invocation, "extend", i)) != NULL; i++) {
        struct extension *more = realloc(request->extensions, (i + 1) * sizeof *more);

        if (more == NULL) {
            return fail(invocation, ERR_MEMORY, "%s", _("the files cannot be read"));
        }
        request->extensions = more;
        outcome = extension_read(invocation, text, &more[i]);
        request->plan.extension_count += outcome == OUTCOME_DONE;
    }
    request->plan.extensions = request->extensions;
    return outcome;
}

int root_request_read(const struct invocation *invocation, struct root_request **ret)
{
    struct root_request *request = *ret = calloc(1, sizeof *request);
    uint64_t threshold = 0, protocol_min = 0;
    int outcome;

    if (request != NULL) {
        request->bytes = calloc(FILES_MAX, CARD_NOTICE_BYTES_MAX);
    }
    if (request == NULL || request->bytes == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("the cards cannot be read"));
    }
    if (!option_number(invocation, "threshold", 1, CHARTER_KEYS_MAX, 0, &threshold) || !option_number(invocation, "protocol-min", 1, UINT32_MAX, 0, &protocol_min)) {
        return OUTCOME_USAGE;
    }
    names_read(invocation, "remove", request->removed);
    names_read(invocation, "lift", request->lifted);
    request->plan = (struct proposal_plan){.cards = request->cards,
                                           .identities = request->identities,
                                           .removed = request->removed,
                                           .lifted = request->lifted,
                                           .new_keys = request->new_keys,
                                           .threshold = (uint32_t)threshold,
                                           .protocol_min = (uint32_t)protocol_min,
                                           .now = wall_now()};
    outcome = profile_read(invocation, &request->plan);
    if (outcome == OUTCOME_DONE) {
        outcome = keys_read(invocation, request);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = extensions_read(invocation, request);
    }
    return outcome == OUTCOME_DONE ? cards_gather(invocation, request) : outcome;
}

void root_request_free(struct root_request **request)
{
    if (*request != NULL) {
        free((*request)->bytes);
        free((*request)->extensions);
        free(*request);
        *request = NULL;
    }
}

/* init.c - griot init: a new node's home. */
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/home.h"
#include "node/passphrase.h"
#include "node/region_file.h"
#include "node/service.h"
#include "node/trust.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct plan {
    struct home_plan home;
    const char *addresses[ADDRESSES_MAX + 2]; /* one too many is seen and refused */
    char key_file[PATH_MAX];
    struct region_file region; /* count 0: only an id was given */
    struct secret *secret;
    struct unlock unlock;
};

static int region_choose(const struct invocation *invocation, struct plan *plan)
{
    const char *file = option_text(invocation, "region"), *hex = option_text(invocation, "region-id");
    const char *clause = NULL;
    enum err err;

    if ((file == NULL) == (hex == NULL)) {
        return fail_because(invocation, ERR_USAGE, _("which region?"), _("exactly one of --region FILE and --region-id HEX is needed"), _("ask the region's root for its region file"));
    }
    if (hex != NULL) {
        return hex_decode(hex, plan->home.region.b, sizeof plan->home.region.b)
                   ? OUTCOME_DONE
                   : fail_because(invocation, ERR_USAGE, _("that is no region id"), _("it is 64 hex digits"), _("griot status at any member shows it"));
    }
    err = region_file_read(file, &plan->region, &clause);
    if (err != ERR_OK) {
        char what[512];

        (void)snprintf(what, sizeof what, _("%s is not taken as a region file"), file);
        return fail_because(invocation, err, what, clause, NULL);
    }
    plan->home.region = plan->region.id;
    return OUTCOME_DONE;
}

static int role_choose(const struct invocation *invocation, struct plan *plan)
{
    const char *role = option_text(invocation, "role");

    if (role == NULL || strcmp(role, "edge") == 0) {
        plan->home.role = ROLE_EDGE;
    } else if (strcmp(role, "hub") == 0) {
        plan->home.role = ROLE_HUB;
    } else if (strcmp(role, "observer") == 0) {
        plan->home.role = ROLE_OBSERVER;
    } else {
        return fail_because(invocation, ERR_USAGE, _("no such role"), _("it is edge, hub or observer"), NULL);
    }
    return OUTCOME_DONE;
}

/* What means something else in a list of readers is no name of one. */
static bool is_word_of_lists(const char *name)
{
    return strcmp(name, "region") == 0 || strcmp(name, "rilo") == 0 || strcmp(name, "local") == 0;
}

static int rilo_choose(const struct invocation *invocation, struct plan *plan)
{
    plan->home.rilo = option_text(invocation, "rilo");
    return plan->home.rilo == NULL || home_name_is_valid(plan->home.rilo)
               ? OUTCOME_DONE
               : fail_because(invocation, ERR_USAGE, _("that is no name of a RILO's node"), plan->home.rilo, _("give the name of its node, as griot readers --to region shows it: rilo-dakar"));
}

static int addresses_choose(const struct invocation *invocation, struct plan *plan)
{
    const char *address;
    uint32_t count = 0;

    plan->home.listen = option_text(invocation, "listen");
    while (count <= ADDRESSES_MAX && (address = option_nth(invocation, "address", count)) != NULL) {
        plan->addresses[count++] = address;
    }
    if (count > 0) {
        plan->home.addresses = plan->addresses;
    } else if (plan->home.listen != NULL && strstr(plan->home.listen, "//*:") != NULL) {
        return fail_because(invocation, ERR_USAGE, _("by which address do others dial this node?"), _("it listens on every interface, and * is no address"),
                            _("add --address tcp://HOST:PORT, as others reach it"));
    } else if (plan->home.role == ROLE_HUB && plan->home.listen == NULL) {
        return fail_because(invocation, ERR_USAGE, _("a hub must be dialled by others"), NULL, _("add --listen tcp://HOST:PORT"));
    }
    return OUTCOME_DONE;
}

static int unlock_choose(const struct invocation *invocation, struct plan *plan)
{
    const char *file = option_text(invocation, "key-file");
    enum err err = crypto_start();

    if (err == ERR_OK && file != NULL) {
        if (realpath(file, plan->key_file) == NULL) {
            return fail(invocation, ERR_NOT_FOUND, _("the sealing key %s is not there"), file);
        }
        plan->home.key_file = plan->key_file;
        err = unlock_key_read(plan->key_file, &plan->secret);
        plan->unlock.key = plan->secret;
        if (err == ERR_PERMISSION || err == ERR_INVALID) {
            return fail_because(invocation, err, _("the sealing key is not taken"), _("it must be a file of 32 to 4096 random bytes that only its owner may read"),
                                _("make one: (umask 077; head -c 32 /dev/urandom > griot-key)"));
        }
    } else if (err == ERR_OK) {
        err = passphrase_ask(_("New passphrase for this node's keys"), _("Once more"), &plan->secret);
        plan->unlock.passphrase = plan->secret;
        if (err == ERR_NOT_FOUND || err == ERR_PASSPHRASE || err == ERR_INVALID) {
            return fail_because(invocation, ERR_PASSPHRASE, _("no passphrase was chosen"), _("the two differed, it was empty or too long, or there is no terminal to ask on"),
                                _("run it on a terminal, or give --key-file FILE"));
        }
    }
    plan->home.unlock = &plan->unlock;
    return err == ERR_OK ? OUTCOME_DONE : fail(invocation, err, "%s", _("the keys cannot be sealed"));
}

static int explain_create(const struct invocation *invocation, enum err err)
{
    char what[512];

    (void)snprintf(what, sizeof what, _("no node was made in %s"), invocation->home);
    switch ((int)err) {
    case ERR_EXISTS:
        return fail_because(invocation, err, what, _("something is there already"), _("choose another folder with -H, or run the node that is there: griot run"));
    case ERR_NOT_FOUND:
        return fail_because(invocation, err, what, _("its parent folder does not exist"), _("make it first, owned by the user that will run the node"));
    case ERR_INVALID:
        return fail_because(invocation, err, what, _("the name must be 1 to 32 of a-z, 0-9 and -, an address tcp://HOST:PORT, at most four of them"), _("correct it: griot init --help"));
    default:
        return fail_because(invocation, err, what, NULL, NULL);
    }
}

/* The region's notices go into the new store, so that the node knows its hubs from the first start. */
static int region_install(const struct invocation *invocation, const struct plan *plan, struct home *home)
{
    struct trust_join join = {.notices = plan->region.notices, .count = plan->region.count};
    enum err err = home_unlock(home, plan->home.unlock);

    if (err == ERR_OK && plan->region.count > 0) {
        err = trust_join_home(home, &join);
        free(join.refs);
    }
    return err == ERR_OK ? OUTCOME_DONE : fail(invocation, err, _("the node in %s is made, but the region file was not taken in"), home->path);
}

static int answer(const struct invocation *invocation, const struct home *home)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    char print[FINGERPRINT_CHARS], id[2 * sizeof home->node.b + 1], region[2 * sizeof home->region.b + 1];
    const char *role = role_name(home->role);
    struct card card;
    enum err err = home_card_current(home, &out);
    json_t *object;
    int outcome;

    if (err == ERR_OK) {
        err = card_open(out_written(&out), &card, print, NULL);
    }
    if (err != ERR_OK) {
        return fail(invocation, err, _("the card of %s cannot be read"), home->path);
    }
    (void)hex_encode(home->node.b, sizeof home->node.b, id);
    (void)hex_encode(home->region.b, sizeof home->region.b, region);
    if (!invocation->is_json) {
        (void)printf(_("Node %s, %s\nid           %s\nregion       %s\nfingerprint  %s\n"), home->name, role_word(role), id, region, print);
        tell(invocation, _("Next: griot card -H %s --out %s.card, and send the card to the root or to two hubs; read them the fingerprint by voice."), home->path, home->name);
        return OUTCOME_DONE;
    }
    object = output_new("griot.init/1", home->name);
    (void)json_object_set_new(object, "id", json_string(id));
    (void)json_object_set_new(object, "role", json_string(role));
    (void)json_object_set_new(object, "region", json_string(region));
    (void)json_object_set_new(object, "fingerprint", json_string(print));
    (void)json_object_set_new(object, "home", json_string(home->path));
    outcome = output_json(object);
    json_decref(object);
    return outcome;
}

static int make(const struct invocation *invocation, struct plan *plan)
{
    struct home *home = calloc(1, sizeof *home);
    enum err err;
    int outcome;

    if (home == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("no node was made"));
    }
    err = home_create(invocation->home, &plan->home);
    if (err != ERR_OK) {
        outcome = explain_create(invocation, err);
    } else {
        err = home_open(invocation->home, home);
        outcome = err == ERR_OK ? region_install(invocation, plan, home) : fail(invocation, err, _("the new home %s cannot be opened"), invocation->home);
        if (outcome == OUTCOME_DONE) {
            outcome = answer(invocation, home);
        }
        home_fini(home);
    }
    free(home);
    return outcome;
}

static int run_init(struct invocation *invocation)
{
    struct plan *plan = calloc(1, sizeof *plan);
    int outcome;

    if (plan == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("no node was made"));
    }
    plan->home.name = invocation->operands[0];
    plan->home.now = wall_now();
    outcome = home_name_is_valid(plan->home.name) ? OUTCOME_DONE
                                                  : fail_because(invocation, ERR_USAGE, _("that is no name for a node"), _("it is 1 to 32 of a-z, 0-9 and -, no - at either end"), NULL);
    if (outcome == OUTCOME_DONE && is_word_of_lists(plan->home.name)) {
        outcome = fail_because(invocation, ERR_USAGE, _("that is no name for a node"), _("region, rilo and local mean something else where readers are named"), _("give it the name of its office: sn, rilo-dakar"));
    }
    if (outcome == OUTCOME_DONE && access(invocation->home, F_OK) == 0 && rmdir(invocation->home) != 0) {
        outcome = explain_create(invocation, ERR_EXISTS); /* before a passphrase is chosen for nothing */
    }
    if (outcome == OUTCOME_DONE) {
        outcome = region_choose(invocation, plan);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = role_choose(invocation, plan);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = rilo_choose(invocation, plan);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = addresses_choose(invocation, plan);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = unlock_choose(invocation, plan);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = make(invocation, plan);
    }
    secret_destroy(&plan->secret);
    region_file_fini(&plan->region);
    free(plan);
    return outcome;
}

static const struct option_row options[] = {
    {"region", 'r', "FILE", N_("region file from the root; its notices are taken in"), COMPLETES_FILE},
    {"region-id", 0, "HEX", N_("id of the region, when there is no file yet; griot join brings the rest"), COMPLETES_NOTHING},
    {"role", 0, "ROLE", N_("edge (default), hub, or observer, which reads and writes nothing; a roster must say the same"), COMPLETES_NOTHING},
    {"rilo", 0, "NAME", N_("the RILO this office belongs to, by the name of its node: whom records for rilo are released to"), COMPLETES_NOTHING},
    {"listen", 'l', "ADDRESS", N_("accept other nodes on tcp://HOST:PORT; an edge needs none"), COMPLETES_NOTHING},
    {"address", 'a', "ADDRESS", N_("as others reach it, when that differs from --listen; repeatable"), COMPLETES_NOTHING},
    {"key-file", 'k', "FILE", N_("seal the keys with the random bytes in FILE instead of a passphrase"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot init sn -H /var/lib/griot/sn --region region --rilo rilo-dakar", N_("an edge; asks for a passphrase")},
    {"griot init rilo-dakar -H /var/lib/griot/dakar --region region --role hub --listen tcp://*:7301 --address tcp://dakar.example:7301", N_("a hub")},
    {NULL, NULL},
};

const struct command command_init = {
    .name = "init",
    .usage = "NAME --region FILE|--region-id HEX [--role edge|hub|observer] [--rilo NAME] [--listen ADDRESS] [--address ADDRESS ...] [--key-file FILE]",
    .summary = N_("make a new node's home: keys, store, configuration"),
    .details = N_("An edge is an office: it enters records and dials the hubs. A hub relays, and takes part in admitting and suspending. An observer only reads: it enters nothing and passes "
                  "nothing on.\n\n"
                  "Makes the folder given with -H. The keys are made here and never leave it. The node is not a member yet: send its card (griot card) to the root, or to two hubs, and "
                  "let them compare the fingerprint with you by voice."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_init,
};

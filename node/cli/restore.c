/* restore.c - griot restore: a node brought back from its backup. */
#include "node/restore.h"

#include "node/cli/explain_home.h"
#include "node/cli/output.h"
#include "node/cli/text.h"
#include "node/writer.h"

#include <stdlib.h>

static int explain_identity(const struct invocation *invocation, enum err err, const char *path)
{
    char what[512];

    (void)snprintf(what, sizeof what, _("%s is not taken as an identity file"), path);
    return fail_because(invocation, err == ERR_NOT_FOUND ? ERR_INVALID : err, what, err == ERR_NOT_FOUND ? _("it is not there") : NULL,
                        _("griot card --export-identity FILE has written it while the node was whole; without one the node comes back only as a new one: griot init"));
}

static int explain_restore(const struct invocation *invocation, enum err err, const struct home_restore *restore)
{
    char what[512];

    (void)snprintf(what, sizeof what, _("no node was restored to %s"), invocation->home);
    switch (restore->part) {
    case RESTORE_IDENTITY:
        return explain_identity(invocation, err, restore->identity);
    case RESTORE_OTHER_NODE:
        return fail_because(invocation, err, what, _("the identity file is of another node than the backup"), _("take the identity file of this node"));
    case RESTORE_BACKUP:
        return fail_because(invocation, err == ERR_NOT_FOUND ? ERR_INVALID : err, what,
                            err == ERR_NOT_FOUND ? _("the folder is no backup, or not all of one") : NULL, _("name the folder that griot backup has written"));
    case RESTORE_HOME:
        if (restore->fault.part == HOME_KEYS && err == ERR_CORRUPT) {
            return fail_because(invocation, err, what, _("the keys of the identity file are not sealed as those of the backup are"),
                                _("take the identity file that was written of the same home as the backup"));
        }
        return explain_home(invocation, err, &restore->fault);
    case RESTORE_STORE:
        return fail_because(invocation, err, what, _("the store in the backup does not open"), _("take another backup; an older one will do, peers send what came after it"));
    case RESTORE_TARGET:
    default:
        return fail_because(invocation, err, what, err == ERR_EXISTS ? _("something is there already") : NULL,
                            err == ERR_EXISTS ? _("choose another folder with -H, or move away what is there") : NULL);
    }
}

static int answer(const struct invocation *invocation, const struct home_restore *restore)
{
    char commits[TEXT_NUMBER_BYTES];

    if (invocation->is_json) {
        json_t *object = output_new("griot.restore/1", restore->name);
        int outcome;

        (void)json_object_set_new(object, "home", json_string(invocation->home));
        (void)json_object_set_new(object, "commits", json_integer((json_int_t)restore->commits));
        (void)json_object_set_new(object, "entries", json_integer((json_int_t)restore->entries));
        outcome = output_json(object);
        json_decref(object);
        return outcome;
    }
    (void)printf(_("Node %s is back in %s, as it was when the backup was made: %s commits.\n"), restore->name, invocation->home,
                 text_count(commits, restore->commits));
    (void)printf("%s\n", _("What this node recorded after the backup is not lost if it has reached another node: the others send it back as soon as they are connected. "
                           "What had reached nobody is lost and must be recorded again."));
    (void)printf("%s\n", _("You may record at once, also before any node is connected. New records go into new logs, the old logs are closed; nothing is doubled. Only files are not imported before what "
                           "came after the backup is back: their rows would not be known again."));
    tell(invocation, "%s", _("Make sure that the old machine does not run any more, then: griot run. griot status then shows OWN-AHEAD, and what is missing until everything is back."));
    return fflush(stdout) == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static int run_restore(struct invocation *invocation)
{
    struct home_restore *restore = calloc(1, sizeof *restore);
    int outcome;

    if (restore == NULL) {
        return fail(invocation, ERR_MEMORY, _("no node was restored to %s"), invocation->home);
    }
    restore->backup = invocation->operands[0];
    restore->identity = option_text(invocation, "identity");
    restore->now = wall_now();
    if (restore->identity == NULL) {
        outcome = fail_because(invocation, ERR_USAGE, _("who is this node?"), _("a backup never holds the keys by which a node is itself"),
                               _("add --identity FILE, as griot card --export-identity FILE has written it"));
    } else {
        enum err err = home_restore(invocation->home, restore);

        outcome = err == ERR_OK ? answer(invocation, restore) : explain_restore(invocation, err, restore);
    }
    free(restore);
    return outcome;
}

static const struct option_row options[] = {
    {"identity", 'i', "FILE", N_("the node's identity file, kept apart from the backup"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot restore /media/usb/griot-2026-11-22 --identity /media/safe/sn.identity -H /var/lib/griot/sn", N_("the node on a new machine")},
    {NULL, NULL},
};

const struct command command_restore = {
    .name = "restore",
    .usage = "BACKUP --identity FILE",
    .summary = N_("bring a node back from a backup and its identity file"),
    .details = N_("Makes the folder given with -H from what griot backup has written. The backup is only read. Identity and transport key come from the identity file, which opens "
                  "with the node's passphrase or sealing key; griot.ini is that of the backup.\n\nLog keys are in neither. So the node never goes on writing where it stopped: it begins new "
                  "logs that close the old ones, fetches from the others what it had sent since the backup, and no record contradicts another."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_restore,
};

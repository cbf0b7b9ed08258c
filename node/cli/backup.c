/* backup.c - griot backup: a consistent copy while the node runs. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MAX = 8 };

/* The node may run in another folder: it gets an absolute path. */
static bool absolute(char *ret, size_t cap, const char *path)
{
    char here[PATH_MAX];
    int n;

    if (path[0] == '/') {
        n = snprintf(ret, cap, "%s", path);
    } else {
        n = getcwd(here, sizeof here) != NULL ? snprintf(ret, cap, "%s/%s", here, path) : -1;
    }
    return n > 0 && (size_t)n < cap;
}

static int run_backup(struct invocation *invocation)
{
    char path[PATH_MAX];
    char size[TEXT_NUMBER_BYTES];
    char count[TEXT_NUMBER_BYTES];
    char names[512];
    json_t *answer = NULL;
    json_t *request;
    uint64_t bytes = 0;
    int outcome;

    if (!absolute(path, sizeof path, invocation->operands[0])) {
        return fail(invocation, ERR_USAGE, _("the path is too long: %s"), invocation->operands[0]);
    }
    request = json_pack("{s:s, s:s}", "do", "backup", "path", path);
    if (request == NULL) {
        return fail(invocation, ERR_USAGE, "%s", _("the path is not UTF-8 text"));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        (void)printf("%s\n", reply_string(answer, "path"));
        tell(invocation, _("%s in %s commits; not in it: %s"), reply_number(answer, "bytes", &bytes) ? text_bytes(size, bytes) : "?",
             reply_count(count, answer, "commits"), reply_names(names, sizeof names, json_object_get(answer, "left_out"), NAMES_MAX));
        tell(invocation, "%s", _("To restore, griot restore needs this node's identity file too: griot card --export-identity FILE, once, and kept apart."));
    }
    json_decref(answer);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot backup /media/usb/griot-2026-11-22", N_("a copy on another disk")},
    {NULL, NULL},
};

const struct command command_backup = {
    .name = "backup",
    .usage = "FOLDER",
    .summary = N_("write a consistent copy of the store, also while the node runs"),
    .details = N_("FOLDER must not exist yet; it is made. The keys that sign logs are never in a backup: after a restore the node begins new logs, "
                  "and nothing is lost or doubled. Nor are the node's identity and transport key: export them once, sealed, with griot card --export-identity FILE, and keep "
                  "that file apart from the backups; griot restore needs both."),
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG,
    .run = run_backup,
};

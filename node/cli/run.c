/* run.c - griot run: the daemon. */
#include "node/cli/explain_home.h"
#include "node/cli/output.h"
#include "node/log.h"

#include <stdlib.h>
#include <string.h>

static void set_level(const char *name)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (strcmp(names[level], name) == 0) {
            log_set_level((enum log_level)level);
        }
    }
}

static int run_run(struct invocation *invocation)
{
    struct home *home = calloc(1, sizeof *home);
    struct daemon_fault fault = {0};
    enum err err = home == NULL ? ERR_MEMORY : home_open(invocation->home, home);
    int outcome = OUTCOME_DONE;

    if (home == NULL) {
        return fail(invocation, err, "%s", _("the node cannot start"));
    }
    if (err == ERR_OK) {
        set_level(home->config.log_level);
        err = home_unlock(home, NULL);
    }
    if (err != ERR_OK) {
        outcome = explain_home(invocation, err, &home->fault);
    } else {
        err = daemon_run(home, &fault);
        outcome = err == ERR_OK ? OUTCOME_DONE : explain_daemon(invocation, err, &fault);
    }
    home_fini(home);
    free(home);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot -H /var/lib/griot/dakar run", N_("in the foreground; the service manager does the same")},
    {NULL, NULL},
};

const struct command command_run = {
    .name = "run",
    .usage = "",
    .summary = N_("run the node until it is told to stop"),
    .details = N_("The log goes to standard error, one line an event. SIGTERM and Ctrl-C stop it cleanly; a crash or power cut loses nothing that "
                  "was acknowledged."),
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_run,
};

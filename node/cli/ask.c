/* ask.c - the timeout is an alarm: whatever the node does meanwhile, the person gets an answer. It is armed only while a daemon is asked, never while
 * a passphrase is typed or the store is open in this process. */
#include "node/cli/ask.h"

#include "node/cli/explain.h"
#include "node/cli/explain_home.h"
#include "node/cli/output.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LATE_BYTES_MAX = 1024 };

/* Written before the alarm is set, since nothing may be formatted inside a signal handler. */
static char late[LATE_BYTES_MAX];
static size_t late_bytes;

static void on_alarm(int signal)
{
    (void)signal;
    if (write(STDERR_FILENO, late, late_bytes) < 0) {
        _exit(OUTCOME_UNREACHABLE);
    }
    _exit(OUTCOME_UNREACHABLE);
}

static void alarm_set(const struct invocation *invocation)
{
    const struct explanation *explanation = explain(ERR_UNREACHABLE);
    struct sigaction action = {.sa_handler = on_alarm};
    char what[160];
    int n = 0;

    (void)snprintf(what, sizeof what, _("the node did not answer within %u s"), invocation->timeout_s);
    if (invocation->is_json) {
        json_t *error = json_pack("{s:s, s:s, s:s, s:s, s:s}", "schema", "griot.error/1", "code", err_name(ERR_UNREACHABLE), "what", what, "why",
                                  _(explanation->why), "do", _(explanation->advice));
        char *text = error != NULL ? json_dumps(error, JSON_COMPACT) : NULL;
        n = snprintf(late, sizeof late, "%s\n", text != NULL ? text : "{}");
        free(text);
        json_decref(error);
    } else {
        n = snprintf(late, sizeof late, "%s[%s]: %s\n  %s\n  → %s\n", _("error"), err_name(ERR_UNREACHABLE), what, _(explanation->why),
                     _(explanation->advice));
    }
    late_bytes = n < 0 ? 0 : (size_t)n < sizeof late ? (size_t)n : sizeof late - 1;
    (void)sigaction(SIGALRM, &action, NULL);
    (void)alarm(invocation->timeout_s);
}

static bool is_armed;

void ask_pause(void) { is_armed = alarm(0) > 0; }

void ask_resume(const struct invocation *invocation)
{
    if (is_armed) {
        (void)alarm(invocation->timeout_s);
    }
}

static const struct invocation *guarded;

static void on_bad_memory(int signal)
{
    (void)signal;
    int outcome = fail_because(guarded, ERR_CORRUPT, _("the store could not be read"), _("stored data is damaged"),
                               _("put the folder log back from a backup; peers send what came after it"));
    (void)fflush(stderr);
    _exit(outcome);
}

/* LMDB has no checksums: it follows what a damaged page says, also out of its map, or gives up (RELIABILITY L3). Where no daemon stands between the
 * store and the person, that must end in a sentence, above all in fsck. From opening to closing; nothing else is done after it, and the store stays as it was. */
static void guard(const struct invocation *invocation)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT};
    struct sigaction action = {.sa_handler = on_bad_memory, .sa_flags = (int)SA_RESETHAND};
    guarded = invocation;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        (void)sigaction(signals[i], &action, NULL);
    }
}

int ask_open(const struct invocation *invocation, struct client **ret)
{
    static struct home_fault fault; /* large; one thread */

    guard(invocation);
    enum err err = client_open_explained(invocation->home, ret, &fault);

    if (err != ERR_OK) {
        return explain_home(invocation, err, &fault);
    }
    if (invocation->timeout_s > 0 && client_is_daemon(*ret)) {
        alarm_set(invocation);
    }
    return OUTCOME_DONE;
}

int ask_client(const struct invocation *invocation, struct client *client, json_t *request, void (*on_progress)(void *arg, const json_t *progress),
               void *arg, json_t **ret)
{
    json_t *result = NULL;
    enum err err = ERR_MEMORY;
    int outcome;

    if (request != NULL) {
        err = client_call(client, request, on_progress, arg, &result);
    }

    json_decref(request);
    if (err == ERR_OK && json_is_object(result)) {
        *ret = result;
        return OUTCOME_DONE;
    }
    outcome = fail_answer(invocation, err == ERR_OK ? ERR_INTERNAL : err, result);
    json_decref(result);
    return outcome;
}

int ask(const struct invocation *invocation, json_t *request, json_t **ret)
{
    struct client *client = NULL;
    int outcome = ask_open(invocation, &client);

    if (outcome != OUTCOME_DONE) {
        json_decref(request);
        return outcome;
    }
    outcome = ask_client(invocation, client, request, NULL, NULL, ret);
    (void)alarm(0);
    client_close(&client);
    return outcome;
}

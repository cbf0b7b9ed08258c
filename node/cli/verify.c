/* verify.c - griot verify and griot fsck: is what lies on the disk what was signed? */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <string.h>

enum { STEP_COMMITS = 100000 };

static void on_progress(void *arg, const json_t *now)
{
    const struct invocation *invocation = arg;
    char done[TEXT_NUMBER_BYTES];
    char total[TEXT_NUMBER_BYTES];
    uint64_t commits = 0;

    if (reply_number(now, "done", &commits)) {
        progress(invocation, (uint32_t)(commits / STEP_COMMITS), _("%s of %s commits checked"), reply_count(done, now, "done"),
                 reply_count(total, now, "total"));
    }
}

void render_faults(FILE *to, const json_t *answer, bool is_color)
{
    char number[TEXT_NUMBER_BYTES];
    char what[512];
    uint64_t count = 0;
    uint64_t commits = 0;
    size_t i;
    const json_t *one;

    json_array_foreach(json_object_get(answer, "faults"), i, one)
    {
        text_clean(what, sizeof what, reply_string(one, "what"));
        (void)fprintf(to, "%s✗ %s%s  %s\n", is_color ? "\033[31m" : "", reply_string(one, "code"), is_color ? "\033[0m" : "", what);
    }
    (void)reply_number(answer, "commits", &commits);
    (void)fprintf(to, ngettext("%s commit checked: ", "%s commits checked: ", (unsigned long)commits), reply_count(number, answer, "commits"));
    if (!reply_number(answer, "fault_count", &count)) {
        (void)fprintf(to, "%s\n", _("the number of faults is not known"));
    } else if (count == 0) {
        (void)fprintf(to, "%s\n", _("no fault found"));
    } else {
        (void)fprintf(to, ngettext("%s fault", "%s faults", (unsigned long)count), text_count(number, count));
        (void)fputc('\n', to);
    }
}

/* `what`: "verify" or "fsck". */
static int check(struct invocation *invocation, const char *what)
{
    struct client *client = NULL;
    json_t *answer = NULL;
    json_t *request = json_pack("{s:s}", "do", what);
    int outcome;

    outcome = ask_open(invocation, &client);
    if (outcome != OUTCOME_DONE) {
        json_decref(request);
        return outcome;
    }
    outcome = ask_client(invocation, client, request, on_progress, invocation, &answer);
    client_close(&client);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    progress_end(invocation);
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        render_faults(stdout, answer, invocation->is_color);
    }
    /* Only an answer that says so is a good one. */
    if (outcome == OUTCOME_DONE && !json_is_true(json_object_get(answer, "ok"))) {
        outcome = OUTCOME_FAILED;
        tell(invocation, "  → %s",
             strcmp(what, "verify") == 0 ? _("griot fsck checks everything and says what to do")
                                         : _("griot rebuild repairs what is derived; peers or a backup restore the rest"));
    }
    json_decref(answer);
    return outcome;
}

static int run_verify(struct invocation *invocation)
{
    return check(invocation, "verify");
}

static int run_fsck(struct invocation *invocation)
{
    return check(invocation, "fsck");
}

static const struct example_row verify_examples[] = {
    {"griot verify", N_("every commit: hash, chain, signature")},
    {NULL, NULL},
};

const struct command command_verify = {
    .name = "verify",
    .usage = "",
    .summary = N_("check hashes, chains and signatures of what is held"),
    .details = N_("Reads everything again from the disk, while the node runs. Exit code 1 means that a fault was found."),
    .examples = verify_examples,
    .flags = COMMAND_LONG,
    .run = run_verify,
};

static const struct example_row fsck_examples[] = {
    {"griot fsck", N_("after a power cut or a disk error")},
    {NULL, NULL},
};

const struct command command_fsck = {
    .name = "fsck",
    .usage = "",
    .summary = N_("check the whole store: what verify checks, and every table and index against it"),
    .examples = fsck_examples,
    .flags = COMMAND_LONG,
    .run = run_fsck,
};
